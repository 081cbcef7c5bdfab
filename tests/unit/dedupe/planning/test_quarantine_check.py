from __future__ import annotations

from pathlib import Path

import pytest

from include.dedupe.errors import PlanError
from include.dedupe.planning.quarantine_check import check_quarantine
from include.dedupe.settings.policy_settings import Quarantine


@pytest.fixture
def library(tmp_path: Path) -> Path:
    (tmp_path / "pictures" / "2026").mkdir(parents=True)
    return tmp_path / "pictures"


def test_a_folder_beside_the_library_is_made_and_left_empty(library: Path, tmp_path: Path) -> None:
    check_quarantine(Quarantine(library=str(library), folder=str(tmp_path / "away" / "deep")))
    assert list((tmp_path / "away" / "deep").iterdir()) == []


@pytest.mark.parametrize("folder", ["", "2026", "2026/away", "../pictures/away", "..", "../.."])
def test_one_in_the_library_or_around_it_is_refused_and_nothing_is_made(library: Path, folder: str) -> None:
    with pytest.raises(PlanError, match=r"quarantine: .* lies in "):
        check_quarantine(Quarantine(library=str(library), folder=str(library / folder)))
    assert [path.name for path in library.rglob("*")] == ["2026"]


@pytest.mark.parametrize("linked", ["quarantine", "library"])
def test_links_do_not_hide_it(library: Path, tmp_path: Path, linked: str) -> None:
    (tmp_path / "link").symlink_to(library if linked == "quarantine" else library / "2026")
    places = {"quarantine": (library, "link/away"), "library": (tmp_path / "link", "pictures/2026/away")}
    source, folder = places[linked]
    with pytest.raises(PlanError, match="lies in"):
        check_quarantine(Quarantine(library=str(source), folder=str(tmp_path / folder)))


@pytest.mark.parametrize("what", ["a file", "below a file"])
def test_one_that_takes_no_files_is_refused(library: Path, tmp_path: Path, what: str) -> None:
    (tmp_path / "away").write_bytes(b"")
    folder = tmp_path / "away" / ("deep" if what == "below a file" else "")
    with pytest.raises(PlanError, match=r"quarantine\.folder: .* takes no files"):
        check_quarantine(Quarantine(library=str(library), folder=str(folder)))


def test_a_full_disk_is_noticed(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(PlanError, match="No space left on device"):
        check_quarantine(Quarantine(library=str(library), folder=str(tmp_path / "away")))
    assert list((tmp_path / "away").iterdir()) == []


def test_a_library_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"quarantine\.library: there is no folder"):
        check_quarantine(Quarantine(library=str(tmp_path / "gone"), folder=str(tmp_path / "away")))
