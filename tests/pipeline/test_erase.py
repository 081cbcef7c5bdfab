"""What was erased is in no file of the storage any more, and the rest goes on as before."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from include.dedupe.acting.wanted import Wanted
from include.dedupe.clustering.known_pairs import FOLDER
from include.dedupe.compact import compact
from include.dedupe.deciding.decisions import read_decisions
from include.dedupe.deciding.supersede import register_decisions
from include.dedupe.erase import Erased, erase
from include.dedupe.errors import ArtifactError, DedupeError
from include.dedupe.planning.plan import read_plan
from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reporting.report import report
from include.dedupe.reviewing.state import open_state
from include.dedupe.rundir import RunDir
from include.dedupe.verdicts import give_verdict, read_verdicts
from tests.pipeline.acting_fixture import CAT, COFFEE, DOCUMENTS, acting, policies
from tests.support.acting import FIRST, Acting

__all__ = ["acting"]


@pytest.fixture
def acted(acting: Acting) -> Acting:
    """A run has deleted a copy and tagged another, reported, and people have spoken."""
    acting.fill({**DOCUMENTS, "coffee 2": (COFFEE, {})})
    acting.act(**policies("delete", "tag"))
    run = acting.run()
    register_decisions(run, read_plan(run), run.result("decide").result["hash"])
    report(run, FIRST, WebPictures(trusted=acting.server.base, allow_hosts=()))
    open_state(run)
    give_verdict(run.lasting, "not_duplicate", ("cat", "cat small"), "somebody")
    give_verdict(run.lasting, "not_duplicate", ("cat copy", "cat", "moose"), "somebody")
    give_verdict(run.lasting, "keep", ("cat small",), "somebody")
    return acting


def erased(acting: Acting, *ids: str, dry_run: bool = False) -> list[Erased]:
    config = acting.config(**policies("delete", "tag"))
    return list(erase(str(acting.storage), "pictures", config, ids, "somebody", dry_run=dry_run))


def holding(storage: Path, text: str) -> set[str]:
    """Return the files that hold a text, tables unpacked."""

    def content(path: Path) -> str:
        if path.suffix == ".parquet":
            return str(pq.read_table(io.BytesIO(path.read_bytes())).to_pydict())
        return path.read_text(errors="replace")

    return {str(path) for path in storage.rglob("*") if path.is_file() and text in content(path)}


def files(storage: Path) -> dict[Path, bytes]:
    paths = (path for path in storage.rglob("*") if path.is_file() and "review" not in path.parts)
    return {path: path.read_bytes() for path in paths}


def test_nothing_of_a_document_is_left_in_any_file(acted: Acting) -> None:
    assert len(holding(acted.storage, "cat small")) > 10
    before = files(acted.storage)
    planned = erased(acted, "cat small", dry_run=True)
    assert files(acted.storage) == before
    done = erased(acted, "cat small")
    assert {one.name for one in done} == {one.name for one in planned}, "a dry run says what will go"
    assert not [one for one in done if one.stays]
    assert holding(acted.storage, "cat small") == set()
    assert erased(acted, "cat small") == []


def test_what_is_said_of_others_stands(acted: Acting) -> None:
    erased(acted, "cat small")
    run = acted.run()
    assert [one.ids for one in read_verdicts(run.lasting)] == [("cat copy", "cat", "moose")]
    digest = run.result("decide").result["hash"]
    assert {"coffee", "coffee 2"} <= set(read_decisions(run, digest)["id"])
    assert "coffee" in run.storage.read("report/clusters.csv").decode()
    open_state(run)
    assert {one.outcome for one in acted.restore(Wanted(ids=("cat copy",)))} == {"restored"}
    assert acted.decide(acted.run("run-2"), acted.config(**policies("delete", "tag"))).hash


def test_a_document_that_was_deleted_cannot_be_restored_once_it_is_erased(acted: Acting) -> None:
    assert not [one for one in erased(acted, "cat copy") if one.stays]
    assert holding(acted.storage, "cat copy") == set()
    with pytest.raises(DedupeError, match="Nothing was ever done"):
        acted.restore(Wanted(ids=("cat copy",)))


def test_a_run_that_waits_for_a_person_stays_and_is_named(acted: Acting) -> None:
    acted.fill({**DOCUMENTS, "coffee 2": (COFFEE, {})})
    run = acted.run("run-2")
    config = acted.config(**policies("delete", "tag"), approval={"mode": "ask"})
    stats = acted.decide(run, config)
    register_decisions(run, read_plan(run), stats.hash)
    report(run, FIRST, WebPictures(trusted=acted.server.base, allow_hosts=()))
    stays = [one for one in erased(acted, "coffee 2") if one.stays]
    assert stays
    told = {(one.name.split("/")[1], one.stays) for one in stays}
    assert told == {("run-2", "it waits for a person: answer its question first")}
    assert read_decisions(run, stats.hash)["id"].isin(["coffee 2"]).any()


def test_what_is_damaged_is_named_and_hinders_nothing_else(acted: Acting) -> None:
    run = acted.run()
    kinds = ("clusters/clusters-", "pairs/documents-", "facts/facts-")
    broken = [name for name in run.storage.all_names() if name.startswith(kinds)]
    for name in broken:
        data = run.storage.read(name)
        run.storage.write(name, data[:60] + bytes([data[60] ^ 1]) + data[61:])
    run.lasting.write("verdicts/2020--x.json", b"{")
    stays = {one.name: one.stays for one in erased(acted, "cat small") if one.stays}
    assert {f"runs/run-1/{name}" for name in broken} <= set(stays)
    assert {why[:17] for why in stays.values()} == {"it cannot be read"}
    for name in broken:
        run.storage.remove(name)
    assert holding(acted.storage, "cat small") == set()


def test_a_damaged_archive_ends_it_with_its_name_before_anything_is_gone(acted: Acting) -> None:
    lasting = acted.run().lasting
    *_, name = lasting.names("archive/run-1")
    lasting.write(f"archive/run-1/{name}", b"[")
    before = files(acted.storage)
    with pytest.raises(ArtifactError, match=rf"{name} is damaged .*put back its copy"):
        erased(acted, "cat small")
    lease = acted.writers.path("lease")
    assert {path: data for path, data in files(acted.storage).items() if not str(path).startswith(lease)} == {
        path: data for path, data in before.items() if not str(path).startswith(lease)
    }


def test_what_is_erased_knows_its_own_damages_afterwards(acted: Acting) -> None:
    """A table that was written anew has the checksums that it had."""
    erased(acted, "cat small")
    run = acted.run()
    digest = run.result("decide").result["hash"]
    name = f"decide/decisions-{digest}.parquet"
    data = run.storage.read(name)
    run.storage.write(name, data[:60] + bytes([data[60] ^ 1]) + data[61:])
    with pytest.raises(ArtifactError, match="is damaged"):
        read_decisions(run, digest)


def test_a_text_that_mentions_a_document_is_named(acted: Acting) -> None:
    give_verdict(acted.run().lasting, "keep", ("moose",), "somebody", note="see cat small, it is better")
    stays = [one for one in erased(acted, "cat small") if one.stays]
    assert [one.name.partition("/")[0] for one in stays] == ["verdicts"]


def test_known_pairs_become_one_file_that_says_the_same(acted: Acting) -> None:
    config = acted.config(**policies("delete", "tag"))
    for run_id in ("run-2", "run-3"):
        acted.decide(acted.run(run_id), config)
    lasting, storage = acted.run().lasting, str(acted.storage)
    before = acted.decide(acted.run("run-4"), config, known=True)
    names = lasting.names(FOLDER)
    killed = acted.run("run-3").storage
    manifest = killed.read("pairs/manifest.json")
    killed.remove("pairs/manifest.json")  # as if its merge had been killed after it had kept its pairs
    told = compact(storage, "pictures", dry_run=True)
    assert (names[told.files].partition("--")[2][:6], told.but_from) == ("run-3-", "run-3")
    killed.write("pairs/manifest.json", manifest)
    told = compact(storage, "pictures", dry_run=True)
    assert (lasting.names(FOLDER), told.files) == (names, len(names))
    assert compact(storage, "pictures", dry_run=False) == told
    assert len(lasting.names(FOLDER)) == 1
    after = acted.decide(acted.run("run-5"), config, known=True)
    assert after.counts == before.counts
    pairs = [RunDir(storage, "pictures", run).result("pairs").result["pairs"] for run in ("run-4", "run-5")]
    assert pairs[0] == pairs[1]
    assert CAT
