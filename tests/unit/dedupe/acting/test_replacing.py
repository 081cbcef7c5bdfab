from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path
from typing import Any

import pytest

from include.dedupe.acting import replacing
from include.dedupe.acting.replacing import bring_file_back, plan_link, put_link
from include.dedupe.deciding.changes import Order
from include.dedupe.errors import DedupeError
from include.dedupe.settings.policy_settings import Quarantine

BYTES, NEW = b"\x00picture", b"\x01another"
TAKEN = 1_000_000_000_123_456_789


@pytest.fixture
def settings(tmp_path: Path) -> Quarantine:
    library = tmp_path / "library"
    library.mkdir()
    for name in ("a.jpg", "b.jpg"):
        (library / name).write_bytes(BYTES)
    os.utime(library / "b.jpg", ns=(TAKEN, TAKEN))
    (library / "b.jpg").chmod(0o640)
    return Quarantine(library=str(library), folder=str(tmp_path / "away"))


def order(one: str = "b.jpg", keeper: str = "a.jpg") -> Order:
    return Order("c", one, keeper, "replace", "exact", 1.0, "", "", "", "")


def planned(settings: Quarantine) -> tuple[dict[str, Any], Path, Path, Path]:
    move = plan_link(order(), "run-1", settings)
    assert move is not None
    return move, *(Path(move[name]) for name in ("library", "quarantine", "keeper"))


def put(move: dict[str, Any]) -> str:
    return asyncio.run(put_link(move))


def names(settings: Quarantine) -> list[str]:
    return sorted(path.name for path in Path(settings.library).iterdir())


def test_there_and_back_again_as_often_as_one_likes(settings: Quarantine) -> None:
    move, path, kept, keeper = planned(settings)
    number = path.stat().st_ino
    for _ in range(2):
        assert put(move) == put(move) == ""
        assert path.samefile(keeper)
        assert (path.read_bytes(), kept.read_bytes()) == (BYTES, BYTES)
        assert plan_link(order(), "run-1", settings) is None
        bring_file_back(move)
        bring_file_back(move)
        status = path.stat()
        assert (status.st_ino, status.st_mtime_ns, status.st_mode & 0o777) == (number, TAKEN, 0o640)
        assert not kept.exists()
        assert names(settings) == ["a.jpg", "b.jpg"]


def test_what_the_name_shows_otherwise_is_said(settings: Quarantine) -> None:
    move, *_ = planned(settings)
    assert move["note"].endswith("changed 2001-09-09T01:46:40+00:00, rights 0640")
    os.utime(Path(settings.library) / "a.jpg", ns=(TAKEN, TAKEN))
    (Path(settings.library) / "a.jpg").chmod(0o640)
    assert planned(settings)[0]["note"] == ""


def test_without_the_old_file_a_copy_comes_back_with_its_time_and_rights(settings: Quarantine) -> None:
    move, path, kept, keeper = planned(settings)
    put(move)
    kept.unlink()
    bring_file_back(move)
    status = path.stat()
    assert (path.read_bytes(), status.st_mtime_ns, status.st_mode & 0o777) == (BYTES, TAKEN, 0o640)
    assert not path.samefile(keeper)


def test_what_was_written_into_both_names_is_undone_for_the_one_that_comes_back(settings: Quarantine) -> None:
    move, path, _, keeper = planned(settings)
    put(move)
    with keeper.open("r+b") as file:
        file.write(NEW)
    bring_file_back(move)
    assert (path.read_bytes(), keeper.read_bytes()) == (BYTES, NEW)


@pytest.mark.parametrize("which", ["a.jpg", "b.jpg"])
def test_a_file_that_changed_since_it_was_planned_stays(settings: Quarantine, which: str) -> None:
    move, path, _, keeper = planned(settings)
    (Path(settings.library) / which).write_bytes(NEW)
    before = path.read_bytes(), keeper.read_bytes()
    assert "is not the file that was archived" in put(move)
    assert (path.read_bytes(), keeper.read_bytes()) == before
    assert names(settings) == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("can", [True, False], ids=["exchange", "no exchange"])
def test_a_file_that_is_put_there_at_the_last_moment_stays(
    settings: Quarantine, monkeypatch: pytest.MonkeyPatch, can: bool
) -> None:
    move, path, _, keeper = planned(settings)

    def put_another() -> None:
        path.with_name("new.jpg").write_bytes(NEW)
        path.with_name("new.jpg").rename(path)

    step = replacing.exchange if can else os.link
    done: list[bool] = []

    def meddle(*paths: Any) -> Any:
        if not done and (can or Path(paths[0]) == keeper):
            done.append(True)
            put_another()
        return step(*paths)

    monkeypatch.setattr(*((replacing, "exchange") if can else (os, "link")), meddle)
    assert "changed at this very moment" in put(move)
    assert path.read_bytes() == NEW
    assert names(settings) == ["a.jpg", "b.jpg"]


def test_where_names_cannot_change_places_the_link_is_renamed(
    settings: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    move, path, _, keeper = planned(settings)
    monkeypatch.setattr(replacing, "exchange", lambda *_: False)
    assert put(move) == ""
    assert path.samefile(keeper)
    assert names(settings) == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("failure", [errno.EXDEV, errno.EPERM, errno.EMLINK])
def test_where_no_link_can_be_made_the_file_stays(
    settings: Quarantine, monkeypatch: pytest.MonkeyPatch, failure: int
) -> None:
    move, path, kept, keeper = planned(settings)
    link = os.link

    def refuse(source: Path, target: Path) -> None:
        if source == keeper:
            raise OSError(failure, os.strerror(failure))
        link(source, target)

    monkeypatch.setattr(os, "link", refuse)
    assert os.strerror(failure) in put(move)
    assert (path.read_bytes(), path.samefile(keeper), kept.exists()) == (BYTES, False, False)
    assert names(settings) == ["a.jpg", "b.jpg"]


def test_across_file_systems_nothing_is_planned(
    settings: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = Path.stat

    def elsewhere(self: Path, **how: Any) -> os.stat_result:
        found = stat(self, **how)
        return os.stat_result((*found[:2], 4711, *found[3:])) if self.name == "a.jpg" else found

    monkeypatch.setattr(Path, "stat", elsewhere)
    with pytest.raises(DedupeError, match="another file system"):
        plan_link(order(), "run-1", settings)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("link.jpg", "is a link, or not the plain path"),
        ("other.jpg", "not the same bytes"),
        ("locked.jpg", "is read-only"),
        ("gone.jpg", "no file of 'gone.jpg'"),
    ],
)
def test_what_cannot_be_replaced_is_said(settings: Quarantine, name: str, problem: str) -> None:
    library = Path(settings.library)
    (library / "link.jpg").symlink_to("b.jpg")
    (library / "other.jpg").write_bytes(NEW)
    (library / "locked.jpg").write_bytes(BYTES)
    (library / "locked.jpg").chmod(0o444)
    with pytest.raises(DedupeError, match=problem):
        plan_link(order(name), "run-1", settings)


def test_a_file_that_took_the_place_of_the_link_is_left_as_it_is(settings: Quarantine) -> None:
    move, path, kept, _ = planned(settings)
    put(move)
    path.unlink()
    path.write_bytes(NEW)
    with pytest.raises(DedupeError, match="is another file by now"):
        bring_file_back(move)
    assert (path.read_bytes(), kept.read_bytes()) == (NEW, BYTES)


@pytest.mark.parametrize("step", ["link", "exchange", "unlink"])
def test_killed_at_any_step_it_goes_on_or_back(
    settings: Quarantine, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    move, path, kept, keeper = planned(settings)

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        place = {"link": os, "exchange": replacing, "unlink": Path}[step]
        dying.setattr(place, step, die)
        with pytest.raises(KeyboardInterrupt):
            put(move)
    assert path.read_bytes() == BYTES
    assert put(move) == ""
    assert (path.samefile(keeper), kept.read_bytes()) == (True, BYTES)
    bring_file_back(move)
    assert (path.stat().st_mtime_ns, path.samefile(keeper), kept.exists()) == (TAKEN, False, False)
