"""Every file that the gate and a calibration leave, damaged: what reads it names it, or does it anew."""

from __future__ import annotations

from pathlib import Path

from include.dedupe.acting.archive import read_entries
from include.dedupe.acting.gated import indexed_documents
from include.dedupe.calibrating.ask import ask as ask_flow
from include.dedupe.calibrating.page import CalibrationPictures
from include.dedupe.calibrating.pick import CALIBRATIONS, pick, read_picked, read_sampled
from include.dedupe.calibrating.report import read_calibration_of, report
from include.dedupe.calibrating.tables import EDITED, NEIGHBOURS
from include.dedupe.calibration import read_calibration, said_of
from include.dedupe.connect import origin_of
from include.dedupe.gating.analyze import read_analysis, read_problems
from include.dedupe.gating.check import read_matches, read_refused
from include.dedupe.gating.decide import read_decided
from include.dedupe.gating.orphans import read_orphans, read_unknown
from include.dedupe.gating.probe import searches_by_analysis
from include.dedupe.gating.report import read_held, read_outcomes
from include.dedupe.gating.settle import Said, ask, read_question, settle
from include.dedupe.gating.take import gate_run_id, read_chunk, read_gate_plan
from include.dedupe.reviewing.gates import summarise_gate
from include.dedupe.rundir import Attempt, RunDir
from tests.pipeline.gating_fixture import gating
from tests.support.acting import FIRST
from tests.support.damaging import Readers, misread
from tests.support.gating import CHELSEA, COFFEE_CUP, Gating

__all__ = ["gating"]
SAMPLE = {"sample": 1, "kinds": ["icon"]}


def lived(gating: Gating) -> Path:
    """Return the storage of a gate that has let in, held, refused, asked, and was killed once."""
    acting = gating.acting
    rows = [
        {"id": "new", "image": gating.picture("new.png", seed=1)},
        {"id": "held", "image": gating.picture("held.jpg", CHELSEA)},
        {"id": "linked", "image": gating.picture("linked.jpg", COFFEE_CUP)},
        {"id": "gone", "image": "nowhere.jpg"},
        "no line of JSON",
    ]
    gating.go(rows, {"exact": "ask"})
    question = ask(gating.run_dir())
    said = Said(link=frozenset({"linked"}))
    acting.ask(lambda writer: settle(writer, gating.run_dir(), question, "a test", said))
    gating.go(rows, {"exact": "ask"}, run_id="killed")
    gating.run_dir("killed").storage.remove("index/manifest.json")
    acting.ask(
        lambda writer: searches_by_analysis(writer, acting.run().lasting, gating.config({"exact": "ask"}))
    )
    return acting.storage


def _readers_of_the_gate(storage: Path) -> Readers:
    run, killed = (RunDir(str(storage), "pictures", gate_run_id(run_id)) for run_id in ("run-1", "killed"))
    return {
        "plan": lambda: read_gate_plan(run),
        "chunk": lambda: read_chunk(run, "00000"),
        "analyses": lambda: [read_analysis(run, "00000", number) for number in (1, 2, 3)],
        "problems": lambda: read_problems(run, "00000"),
        "matches": lambda: read_matches(run, "00000"),
        "refused": lambda: read_refused(run, "00000"),
        "decided": lambda: list(read_decided(run)),
        "outcomes": lambda: read_outcomes(run),
        "killed": lambda: read_outcomes(killed),
        "held": lambda: read_held(run),
        "orphans": lambda: (read_orphans(run), read_unknown(run)),
        "question": lambda: [
            read_question(run, name.removesuffix(".json")) for name in run.storage.names("ask/questions")
        ],
        "summary": lambda: summarise_gate(run),
        "indexed": lambda: indexed_documents(run.lasting, read_entries(run.lasting, run.folder)),
    }


def test_no_damaged_file_of_the_gate_is_read_as_something_else(gating: Gating, tmp_path: Path) -> None:
    acting = gating.acting
    storage = lived(gating)

    def readers_of(place: Path) -> Readers:
        lasting, config = RunDir(str(place), "pictures", "any").lasting, gating.config({"exact": "ask"})
        probe = {"probe": lambda: acting.ask(lambda one: searches_by_analysis(one, lasting, config))}
        return {**_readers_of_the_gate(place), **probe}

    assert misread(storage, readers_of, tmp_path) == []


def test_no_damaged_file_of_a_calibration_is_read_as_something_else(gating: Gating, tmp_path: Path) -> None:
    acting, config = gating.acting, gating.acting.config(calibrate=SAMPLE)

    def calibration(place: Path) -> RunDir:
        return RunDir(str(place), "pictures", "c1", CALIBRATIONS)

    run = calibration(acting.storage)
    picked = acting.ask(lambda writer: pick(writer, run, FIRST, config))
    ((name, _),) = picked.partitions
    acting.ask(lambda writer: ask_flow(writer, run, FIRST, name))
    report(run, FIRST, CalibrationPictures(origin_of(acting.address()), config))

    def readers_of(place: Path) -> Readers:
        made = calibration(place)

        def tables() -> str:
            both = (("edited", EDITED), ("neighbours", NEIGHBOURS))
            return "".join(made.read_table(f"ask/{name}", *one).to_csv() for one in both)

        def asked_again() -> str:
            made.storage.remove(f"ask/{name}/manifest.json")  # as where it was killed
            acting.ask(lambda writer: ask_flow(writer, made, Attempt(0, 2), name))
            return tables()

        return {
            "picked": lambda: read_picked(made),
            "sampled": lambda: read_sampled(made),
            "tables": tables,
            "report": lambda: read_calibration_of(made),
            "newest": lambda: said_of(read_calibration(made.lasting), picked.detector, 0.7, 0.95),
            "asked again": asked_again,
        }

    assert misread(acting.storage, readers_of, tmp_path) == []
