"""What has become old is removed when an age is named for it, and nothing that somebody still needs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from include.dedupe.__main__ import main
from include.dedupe.acting.archive import read_entries
from include.dedupe.acting.wanted import Wanted
from include.dedupe.deciding.supersede import register_decisions
from include.dedupe.errors import DedupeError
from include.dedupe.gating.buried import read_buried
from include.dedupe.planning.plan import read_plan
from include.dedupe.prune import Ages, Pruned, prune
from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reporting.report import report
from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE
from tests.pipeline.gating_fixture import gating
from tests.support.acting import FIRST
from tests.support.gating import CHELSEA, Gating
from tests.support.library import Library, jpeg, library, library_server, photo

__all__ = ["gating", "library", "library_server"]
CAT = jpeg(photo())
OLD = 1_000_000_000


@pytest.fixture
def pruned(library: Library) -> Library:
    """A library of which run-1 has deleted a picture, long ago; run-2 came later, another collection too."""
    library.fill({"a.jpg": CAT, "in/b.jpg": CAT, "in/b.jpg.xmp": b"<x/>"})
    assert library.apply(library.decided()).done == 1
    library.decided("run-2")
    for name in ("runs/run-1/plan", "archive/run-1"):
        (library.acting.storage / "other" / name).mkdir(parents=True)
        (library.acting.storage / "other" / name / "theirs.json").write_text("[]")
    (library.away / "run-1" / "theirs.jpg").write_bytes(CAT)
    age(library.acting.storage)
    return library


def age(storage: Path) -> None:
    for path in storage.rglob("*.json"):
        if "archive" in path.parts:
            path.write_text(path.read_text().replace('"at": "20', '"at": "10'))
    for path in storage.rglob("*"):
        os.utime(path, (OLD, OLD))
    for path in (storage / "pictures" / "runs" / "run-2").rglob("*"):
        os.utime(path, (OLD + 60, OLD + 60))


def go(library: Library, dry_run: bool = False, **days: int) -> dict[str, Pruned]:
    config = library.acting.config(**library.settings())
    storage = str(library.acting.storage)
    found = prune(storage, "pictures", config, Ages(**days), "somebody", dry_run=dry_run)
    return {f"{one.kind} {Path(one.name).name}": one for one in found}


def files(library: Library) -> dict[Path, bytes]:
    paths = [*library.acting.storage.rglob("*"), *library.away.rglob("*")]
    looked_at = "review"  # the page makes anew what is there
    return {path: path.read_bytes() for path in paths if path.is_file() and looked_at not in path.parts}


def test_a_dry_run_says_what_would_go_and_removes_nothing(pruned: Library) -> None:
    before = files(pruned)
    found = go(pruned, dry_run=True, runs=30, archive=30, quarantine=30)
    assert files(pruned) == before
    going = {name for name, one in found.items() if not one.stays}
    assert going == {"quarantine b.jpg", "quarantine b.jpg.xmp", "archive run-1", "runs run-1"}
    assert found["runs run-2"].stays == "it is the newest"
    assert found["quarantine b.jpg"].bytes == len(CAT)
    again = go(pruned, dry_run=True, runs=30)
    assert not again["runs run-1"].stays, "looking at a run makes it no younger"


def test_without_the_folder_of_its_run_a_picture_is_restored(pruned: Library) -> None:
    assert "runs run-1" in go(pruned, runs=30)
    assert not pruned.acting.run("run-1").storage.exists("plan/plan.json")
    pruned.acting.restore(Wanted(runs=("run-1",)))
    assert pruned.files()["in/b.jpg"] == CAT
    assert "in/b.jpg" in pruned.acting.documents()


def test_an_archive_stays_as_long_as_a_file_of_it_is_in_the_quarantine(pruned: Library) -> None:
    found = go(pruned, archive=30)
    assert "2 of its files are in the quarantine" in found["archive run-1"].stays
    pruned.acting.restore(Wanted(runs=("run-1",)))
    age(pruned.acting.storage)
    assert go(pruned, archive=30)["archive run-1"].stays == ""
    assert pruned.files()["in/b.jpg"] == CAT


def test_what_goes_is_this_collections_alone(pruned: Library) -> None:
    go(pruned, runs=30, archive=30, quarantine=30)
    left = {path.relative_to(pruned.acting.storage.parent).as_posix() for path in files(pruned)}
    theirs = {"storage/other/runs/run-1/plan/theirs.json", "storage/other/archive/run-1/theirs.json"}
    assert left >= {*theirs, "away/run-1/theirs.jpg"}
    assert not [name for name in left if name.startswith(("storage/pictures/archive", "away/run-1/in"))]
    with pytest.raises(DedupeError, match="run-1"):
        pruned.acting.restore(Wanted(runs=("run-1",)))


def test_what_was_deleted_is_known_at_the_gate_without_its_archive(pruned: Library) -> None:
    lasting = pruned.acting.run("run-1").lasting
    (entry,) = read_entries(lasting, "run-1")
    found = go(pruned, archive=30, quarantine=30)
    assert not found["archive run-1"].stays
    buried = read_buried(lasting)
    assert entry.analysis
    by_file = buried.of("another", entry.analysis, "")
    assert by_file
    assert by_file.stone.id == "in/b.jpg"
    by_looks = buried.of("another", {}, entry.sketch)
    assert by_looks
    assert not by_looks.is_sure
    assert pruned.away.is_dir()


def test_by_number_the_newest_runs_and_calibrations_stay_and_what_is_at_work(library: Library) -> None:
    library.fill({"a.jpg": CAT, "b.jpg": CAT})
    storage = library.acting.storage
    for run in ("run-1", "run-2", "run-3"):
        library.decided(run)
    for name in ("first", "second", "third"):
        (storage / "pictures" / "calibrations" / name).mkdir(parents=True)
        (storage / "pictures" / "calibrations" / name / "pick.json").write_text("{}")
    assert go(library, newest_runs=1) == {}, "they may be at work"
    age(storage)
    found = go(library, newest_runs=1)
    assert set(found) == {"runs run-1", "runs run-3", "calibrations first", "calibrations second"}
    assert library.acting.run().lasting.folders("runs") == ["run-2"]
    assert library.acting.run().lasting.folders("calibrations") == ["third"]


def test_what_a_restore_goes_by_stays_until_its_run_is_settled(pruned: Library) -> None:
    run = pruned.acting.run("run-1")
    register_decisions(run, read_plan(run), run.result("decide").result["hash"])
    report(run, FIRST, WebPictures(pruned.acting.server.base, ()))
    manifest = pruned.acting.storage / "pictures" / "runs" / "run-1" / "apply" / "manifest.json"
    kept = manifest.read_bytes()
    manifest.unlink()
    found = go(pruned, archive=30, quarantine=30)
    told = "its run is not settled: it is applying"
    assert (found["quarantine b.jpg"].stays, pruned.moved()["in/b.jpg"]) == (told, CAT)
    assert "files are in the quarantine" in found["archive run-1"].stays
    manifest.write_bytes(kept)
    assert {one.stays for one in go(pruned, archive=30, quarantine=30).values()} == {""}


def test_an_overwritten_picture_goes_with_the_archive_that_names_it(gating: Gating) -> None:
    rules = {"keeper": {"rules": [{"rule": "highest", "field": "rank_i"}]}}
    rows = [{"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA), "rank_i": 9}]
    gating.go(rows, {"exact": "overwrite"}, "first", **rules)
    storage, lasting = gating.acting.storage, gating.run_dir("first").lasting
    assert len(lasting.names("replaced")) == 1
    age(storage)
    for path in (storage / "pictures" / "archive").rglob("*.json"):
        os.utime(path)
    config = gating.config()
    (kept,) = prune(str(storage), "pictures", config, Ages(archive=30), "somebody", dry_run=False)
    assert (kept.kind, kept.stays) == ("replaced", "a restore of run gate__first needs it")
    age(storage)
    for dry_run in (True, False):
        found = prune(str(storage), "pictures", config, Ages(archive=30), "somebody", dry_run=dry_run)
        assert {one.kind: one.stays for one in found} == {"archive": "", "replaced": ""}
        assert bool(lasting.names("replaced")) == dry_run


def test_what_is_younger_stays_and_an_age_is_asked_for(library: Library) -> None:
    library.fill({"a.jpg": CAT, "b.jpg": CAT})
    assert library.apply(library.decided()).done == 1
    assert go(library, runs=1, archive=1, quarantine=1) == {}
    with pytest.raises(DedupeError, match="after how many days"):
        go(library)


def test_an_export_that_is_not_acknowledged_keeps_its_run(library: Library) -> None:
    library.fill({"a.jpg": CAT, "b.jpg": CAT})
    library.decided(do="export")
    library.decided("run-2")
    age(library.acting.storage)
    assert "acknowledge pictures run-1" in go(library, runs=30)["runs run-1"].stays


def test_what_the_gate_holds_keeps_its_run_and_so_does_one_that_did_not_end(gating: Gating) -> None:
    copy = {"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA)}
    gating.go([copy], {"exact": "ask"}, "held")
    gating.go([copy], {"exact": "reject"}, "ended")
    gating.take(gating.manifest([copy]), gating.config(), "killed")
    gating.go([copy], {"exact": "reject"}, "newest")
    storage = gating.acting.storage
    for path in storage.rglob("*"):
        os.utime(path, (OLD + 60 * ("gate__newest" in path.parts),) * 2)
    found = prune(str(storage), "pictures", gating.config(), Ages(runs=30), "somebody", dry_run=False)
    stays = {one.name: one.stays for one in found}
    assert stays["gate__held"].startswith("1 documents are held")
    assert stays["gate__killed"] == "it did not come to its end: clear its tasks"
    assert not stays["gate__ended"]
    assert gating.run_dir("killed").storage.exists("take/gate.json")
    assert not gating.run_dir("ended").storage.exists("take/gate.json")


def test_the_command_is_dry_unless_told_and_says_the_bytes(
    pruned: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "collections").mkdir()
    (tmp_path / "collections" / "pictures.yaml").write_text(
        f"flow: {{connection: c, collection: library}}\n"
        f"quarantine: {{library: {pruned.folder}, folder: {pruned.away}}}\n"
    )
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path / "collections"))
    monkeypatch.setenv(STORAGE_VARIABLE, str(pruned.acting.storage))
    assert main(["prune", "pictures", "--quarantine-days", "30"]) == 0
    assert f"{len(CAT) + 4:,} bytes would be freed: this was a dry run." in capsys.readouterr().out
    assert main(["prune", "pictures", "--quarantine-days", "30", "--dry-run", "no"]) == 0
    assert f"{len(CAT) + 4:,} bytes were freed." in capsys.readouterr().out
    assert pruned.moved() == {"theirs.jpg": CAT}
    assert main(["prune", "pictures"]) == 2
    with (tmp_path / "collections" / "pictures.yaml").open("a") as file:
        file.write("retention: {keep_runs: 1, keep_archive_days: 30}\n")
    capsys.readouterr()
    assert main(["prune", "pictures", "--dry-run", "no"]) == 0
    told = capsys.readouterr().out
    assert "bytes  archive run-1\n" in told
    assert "bytes  runs run-1\n" in told
    assert not (pruned.acting.storage / "pictures" / "archive" / "run-1").exists()
    with pytest.raises(SystemExit):
        main(["prune", "pictures", "--runs-days", "0"])
