"""Report: what a calibration says, for people as calibration.html and for programs as calibration.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from include.dedupe.apart import Apart
from include.dedupe.calibrating.ask import MOST_NEIGHBOURS
from include.dedupe.calibrating.judged import Errors, Known, error_rates
from include.dedupe.calibrating.measure import (
    BINS,
    Curve,
    KindFound,
    Scores,
    histogram,
    kinds_found,
    scores_by_class,
)
from include.dedupe.calibrating.page import Source, render_page
from include.dedupe.calibrating.pick import Picked, read_picked, read_sampled
from include.dedupe.calibrating.propose import Proposal, Wanted, propose_exact, propose_near
from include.dedupe.calibrating.tables import EDITED, NEIGHBOURS
from include.dedupe.calibration import THRESHOLDS, keep_calibration, said_of, sound
from include.dedupe.clustering.known_pairs import known_scores
from include.dedupe.csv_table import csv_table
from include.dedupe.deciding.proof import bands_of, judged_pairs
from include.dedupe.errors import CalibrationError
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.verdicts import Verdict, read_verdicts, standing_verdicts

STAGE = "report"


def report(run: RunDir, attempt: Attempt, pictures: Source) -> dict[str, Any]:
    """Write the files of a calibration, make it the collection's newest one, and return its counts.

    Raises:
        CalibrationError: none of the drawn documents could be tried.
    """
    stage = run.stage(STAGE, attempt)
    if finished := stage.finished():
        return finished.result
    picked = read_picked(run)
    edited, neighbours = _read(run, "edited", EDITED), _read(run, "neighbours", NEIGHBOURS)
    sampled, verdicts = read_sampled(run), read_verdicts(run.lasting)
    known = _known(run, picked)
    calibration = calibrate(picked, sampled, edited, neighbours, verdicts=verdicts, known=known)
    images = dict(zip(sampled["id"], sampled["image"], strict=True))
    stage.write_file("calibration.json", json.dumps(calibration, indent=2, ensure_ascii=False).encode())
    rows = edited.itertuples(index=False, name=None)
    as_text = picked.config.report.cells_as_text
    stage.write_file("edits.csv", csv_table(edited.columns, rows, as_text=as_text))
    stage.write_file("calibration.html", render_page(calibration, edited, images, pictures).encode())
    keep_calibration(run.lasting, {**calibration, "report": f"{run.address}/{STAGE}"})
    documents, proposals = calibration["documents"], calibration["proposals"]
    counts = {
        "report": f"{run.address}/{STAGE}/calibration.html",
        **{name: documents[name] for name in ("drawn", "asked")},
        **{name: one["value"] for name, one in proposals.items()},
    }
    stage.finish(counts)
    return counts


def read_calibration_of(run: RunDir) -> dict[str, Any]:
    """Return what a calibration has written.

    Raises:
        ArtifactError: it has not come to its report.
    """
    run.result(STAGE)
    return run.storage.read_json(f"{STAGE}/calibration.json", sound)


def calibrate(
    picked: Picked,
    sampled: pd.DataFrame,
    edited: pd.DataFrame,
    neighbours: pd.DataFrame,
    *,
    verdicts: list[Verdict],
    known: Known,
) -> dict[str, Any]:
    """Return all figures of a calibration and what it proposes: the content of calibration.json.

    Args:
        picked: what it goes by.
        sampled: columns of SAMPLED.
        edited: columns of EDITED.
        neighbours: columns of NEIGHBOURS.
        verdicts: what people have said of the collection.
        known: the pairs that runs have found in it.

    Raises:
        CalibrationError: none of the documents could be tried.
    """
    scan, chosen = picked.config.scan, picked.config.calibrate.chosen()
    answered = edited[edited["problem"] == ""]
    _require_some(answered, edited, sampled)
    judged = judged_pairs(verdicts, picked.detector)
    others = _with_words(neighbours, judged, standing_verdicts(verdicts).not_duplicates)
    kinds, scores = kinds_found(answered, chosen, scan.exact_threshold), scores_by_class(answered, chosen)
    errors = error_rates(list(judged.values()), known, bands_of(picked.config))
    found: dict[str, Any] = {
        **_about(picked),
        "documents": _documents(sampled, edited),
        **_copies(kinds, scores),
        "neighbours": _neighbours(others, answered["id"].nunique()),
        "errors": [asdict(one) for one in errors],
        "proposals": _proposals(picked, scores, kinds, others, errors),
    }
    said = said_of(found, picked.detector, scan.threshold, scan.exact_threshold)
    return {**found, "says": [*said, *_objections(found)]}


def _copies(kinds: Sequence[KindFound], scores: Mapping[str, Scores]) -> dict[str, Any]:
    """Return how many copies each threshold finds, by kind and by score."""
    return {
        "thresholds": list(THRESHOLDS),
        "recall": {name: asdict(Curve.of(one)) for name, one in scores.items()},
        "kinds": [asdict(kind) for kind in kinds],
        "scores": {name: histogram(scores[name]) for name in ("near", "exact")},
    }


def _known(run: RunDir, picked: Picked) -> Known:
    """Return what the collection's runs have found; where there are none, as far down as the settings say."""
    scores, floor = known_scores(run.lasting, picked.detector)
    return Known(scores, picked.config.scan.lowest_score if floor is None else floor)


def _require_some(answered: pd.DataFrame, edited: pd.DataFrame, sampled: pd.DataFrame) -> None:
    if answered.empty:
        first = edited.iloc[0]
        raise CalibrationError(
            f"None of the {len(sampled)} drawn documents could be tried; the first, {first['id']!r}: "
            f"{first['problem']}."
        )


def _proposals(
    picked: Picked,
    scores: Mapping[str, Scores],
    kinds: Sequence[KindFound],
    others: pd.DataFrame,
    errors: Sequence[Errors],
) -> dict[str, Any]:
    settings = picked.config.calibrate
    wanted = Wanted(settings.recall, settings.max_error_rate)
    unlike = others.loc[others["said"] != "copy", "score"].to_numpy(np.float64)
    near = propose_near(Curve.of(scores["all"]), kinds, unlike, errors, wanted)
    exact = propose_exact(Curve.of(scores["exact"]), kinds, scores["near"], errors, wanted)
    return {"threshold": asdict(near), "exact_threshold": asdict(exact)}


def _read(run: RunDir, artifact: str, schema: Any) -> pd.DataFrame:
    names = [f"ask/{name}" for name, _ in read_picked(run).partitions]
    return pd.concat([run.read_table(name, artifact, schema) for name in names], ignore_index=True)


def _about(picked: Picked) -> dict[str, Any]:
    scan, settings = picked.config.scan, picked.config.calibrate
    return {
        "collection": picked.config.flow.collection,
        "run": picked.run_id,
        "at": picked.picked_at,
        "detector": picked.detector,
        "way": picked.way,
        "effort": asdict(picked.effort),
        "settings": {
            **{name: getattr(scan, name) for name in ("threshold", "exact_threshold")},
            "floor": scan.lowest_score,
            **{name: getattr(settings, name) for name in ("seed", "recall", "max_error_rate")},
            "kinds": [kind.name for kind in settings.chosen()],
        },
    }


def _documents(sampled: pd.DataFrame, edited: pd.DataFrame) -> dict[str, Any]:
    bad = edited[edited["problem"] != ""]
    names = ["id", "kind", "strength", "problem"]
    problems = bad[names].to_dict("records")
    whole = int((bad["kind"] == "").sum())
    return {
        "drawn": len(sampled),
        "asked": len(sampled) - whole,
        "categories": int(sampled["category"].nunique()),
        "edits": int(len(edited) - whole),
        "problems": problems,
    }


def _with_words(
    neighbours: pd.DataFrame, judged: dict[frozenset[str], Verdict], apart: Apart
) -> pd.DataFrame:
    """Return the neighbours with what people ``said`` of them: copy, other (no duplicate) or nothing."""

    def said(one: str, other: str) -> str:
        verdict = judged.get(frozenset((one, other)))
        if verdict is not None and verdict.kind == "right":
            return "copy"
        pair = (min(one, other, key=str.encode), max(one, other, key=str.encode))
        return "other" if verdict is not None or pair in apart else ""

    words = [
        said(one, other) for one, other in zip(neighbours["id"], neighbours["neighbour_id"], strict=True)
    ]
    return neighbours.assign(said=words)


def _neighbours(others: pd.DataFrame, asked: int) -> dict[str, Any]:
    """Return how far the scores of other documents reach: the best one of each that nobody called a copy."""
    best = others[others["said"] != "copy"].drop_duplicates("id")
    is_apart = (best["said"] == "other").to_numpy()
    scores = best["score"].to_numpy(np.float64)
    rows = others[others["said"] != "copy"].sort_values("score", ascending=False, kind="stable")
    return {
        "without": asked - len(best),
        "bins": list(BINS),
        "not_judged": histogram(scores[~is_apart]),
        "no_duplicates": histogram(scores[is_apart]),
        "most_read": MOST_NEIGHBOURS,
        "pairs": rows.to_dict("records"),
    }


def _objections(found: dict[str, Any]) -> list[str]:
    """Return what is wrong with the thresholds of the settings, by what was measured."""
    told = []
    for name, word in (("threshold", "near"), ("exact_threshold", "exact")):
        proposal, now = Proposal(**found["proposals"][name]), found["settings"][name]
        if proposal.highest is not None and now > proposal.highest:
            told.append(f"{now:g} is too high for {word} duplicates here: see the proposal.")
        elif proposal.lowest is not None and now < proposal.lowest - 1e-9:
            told.append(f"{now:g} is too low for {word} duplicates here: see the proposal.")
    if not found["documents"]["problems"]:
        return told
    without = found["documents"]["drawn"] - found["documents"]["asked"]
    return [*told, f"{without} drawn documents could not be tried; each is listed with its cause."]
