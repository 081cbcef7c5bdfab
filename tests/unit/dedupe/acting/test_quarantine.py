from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from include.dedupe.acting.quarantine import bring_back, is_one_file, move_away, plan_move, side_files
from include.dedupe.errors import DedupeError
from include.dedupe.settings.policy_settings import Quarantine

BYTES = b"\x00picture"


@pytest.fixture
def settings(tmp_path: Path) -> Quarantine:
    (tmp_path / "library" / "pets").mkdir(parents=True)
    (tmp_path / "library" / "pets" / "a.jpg").write_bytes(BYTES)
    return Quarantine(library=str(tmp_path / "library"), folder=str(tmp_path / "away"))


def move(settings: Quarantine, document_id: str = "pets/a.jpg") -> tuple[dict[str, str], Path, Path]:
    planned = plan_move(document_id, "run-1", settings)
    assert planned is not None
    return planned, Path(planned["library"]), Path(planned["quarantine"])


def test_there_and_back_again_as_often_as_one_likes(settings: Quarantine) -> None:
    planned, library, away = move(settings)
    for _ in range(2):
        move_away(planned)
        move_away(planned)
        assert (library.exists(), away.read_bytes()) == (False, BYTES)
        bring_back(planned)
        bring_back(planned)
        assert (library.read_bytes(), away.exists()) == (BYTES, False)


@pytest.mark.parametrize(
    "alias",
    [
        "link.jpg",
        "./pets/a.jpg",
        "pets/../pets/a.jpg",
        "pets//a.jpg",
        "linked/a.jpg",
        "loop.jpg",
        "../library/pets/a.jpg",
    ],
)
def test_an_id_that_leads_to_the_file_of_another_one_is_refused(settings: Quarantine, alias: str) -> None:
    library = Path(settings.library)
    (library / "link.jpg").symlink_to(library / "pets" / "a.jpg")
    (library / "linked").symlink_to(library / "pets")
    (library / "loop.jpg").symlink_to("loop.jpg")
    with pytest.raises(DedupeError, match="is a link, or not the plain path"):
        plan_move(alias, "run-1", settings)


def test_an_id_that_leads_out_of_the_library_is_refused(settings: Quarantine, tmp_path: Path) -> None:
    (tmp_path / "outside.jpg").write_bytes(BYTES)
    for name in ("../outside.jpg", str(tmp_path / "outside.jpg")):
        with pytest.raises(DedupeError):
            plan_move(name, "run-1", settings)


def test_a_document_without_a_file_moves_nothing_but_a_missing_library_is_said(settings: Quarantine) -> None:
    assert plan_move("https://elsewhere/x.jpg", "run-1", settings) is None
    gone = settings.model_copy(update={"library": f"{settings.library}-not-mounted"})
    with pytest.raises(DedupeError, match="There is no library"):
        plan_move("pets/a.jpg", "run-1", gone)


def test_a_file_that_has_changed_stays_where_it_is(settings: Quarantine) -> None:
    planned, library, away = move(settings)
    library.write_bytes(b"another")
    with pytest.raises(DedupeError, match="is not the file that was archived"):
        move_away(planned)
    assert (library.read_bytes(), away.exists()) == (b"another", False)


def test_a_new_file_in_its_place_is_not_touched_when_the_old_one_is_away_already(
    settings: Quarantine,
) -> None:
    planned, library, away = move(settings)
    move_away(planned)
    library.write_bytes(b"new")
    move_away(planned)
    assert (library.read_bytes(), away.read_bytes()) == (b"new", BYTES)
    with pytest.raises(DedupeError, match="exists already"):
        bring_back(planned)
    assert (library.read_bytes(), away.read_bytes()) == (b"new", BYTES)


@pytest.mark.parametrize("killed", [None, "copying", "before the source is removed"])
def test_to_another_file_system_it_arrives_whole_or_not_at_all(
    settings: Quarantine, monkeypatch: pytest.MonkeyPatch, killed: str | None
) -> None:
    planned, library, away = move(settings)
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self == library:
            raise OSError(errno.EXDEV, "another file system")
        return rename(self, target)

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", refuse)
    with monkeypatch.context() as dying:
        if killed == "copying":
            dying.setattr("os.fsync", die)
        elif killed:
            dying.setattr(Path, "unlink", die)
        if killed:
            with pytest.raises(KeyboardInterrupt):
                move_away(planned)
            assert library.read_bytes() == BYTES
            assert away.exists() == (killed != "copying")
    move_away(planned)
    assert (library.exists(), away.read_bytes()) == (False, BYTES)


class TestSideFiles:
    def beside(self, settings: Quarantine, *names: str) -> dict[str, str]:
        folder = Path(settings.library) / "pets"
        for name in names:
            (folder / name).write_bytes(name.encode())
        return {path.name: what for path, what in side_files(folder / "a.jpg", settings)}

    def test_they_are_told_by_the_whole_name_or_by_the_stem(self, settings: Quarantine) -> None:
        assert self.beside(settings, "a.jpg.xmp", "A.XMP", "a.jpg.supplemental-metadata.json", "a.mov") == {
            "a.jpg.xmp": "move",
            "A.XMP": "move",
            "a.jpg.supplemental-metadata.json": "move",
            "a.mov": "review",
        }

    def test_others_are_not_meant(self, settings: Quarantine) -> None:
        assert not self.beside(settings, "aa.xmp", "a.jpgx.xmp", "a.txt", "b.jpg.xmp", "a", "a.")

    def test_links_and_folders_among_them_are_for_a_person(self, settings: Quarantine) -> None:
        folder = Path(settings.library) / "pets"
        (folder / "a.jpg.xmp").symlink_to("elsewhere.xmp")
        (folder / "a.aae").mkdir()
        (folder / "a.heic").mkdir()
        assert self.beside(settings) == {"a.jpg.xmp": "review", "a.aae": "review"}
        with pytest.raises(DedupeError, match=r"a\.aae, a\.jpg\.xmp belongs to it"):
            move(settings)

    def test_what_two_pictures_of_one_stem_share_belongs_to_neither(self, settings: Quarantine) -> None:
        assert self.beside(settings, "a.heic", "a.xmp", "a.jpg.xmp") == {"a.jpg.xmp": "move"}

    def test_they_go_first_and_come_back(self, settings: Quarantine) -> None:
        self.beside(settings, "a.jpg.xmp", "a.aae")
        planned, library, away = move(settings)
        move_away(planned)
        assert {path.name for path in away.parent.iterdir()} == {"a.jpg", "a.jpg.xmp", "a.aae"}
        assert list(library.parent.iterdir()) == []
        bring_back(planned)
        assert {path.name for path in library.parent.iterdir()} == {"a.jpg", "a.jpg.xmp", "a.aae"}

    def test_an_ending_without_a_dot_is_a_mistake(self, settings: Quarantine) -> None:
        with pytest.raises(ValueError, match="begins with a dot"):
            Quarantine(library="a", folder="b", side_files={"xmp": "move"})


def test_two_names_of_one_file_are_told(settings: Quarantine, tmp_path: Path) -> None:
    picture = Path(settings.library) / "pets" / "a.jpg"
    (tmp_path / "hard.jpg").hardlink_to(picture)
    (tmp_path / "copy.jpg").write_bytes(BYTES)
    assert is_one_file(picture, tmp_path / "hard.jpg")
    assert not is_one_file(picture, tmp_path / "copy.jpg")
    assert not is_one_file(picture, None)
    with pytest.raises(DedupeError, match="is gone"):
        is_one_file(picture, tmp_path / "gone.jpg")
