"""The scores of all pairs that runs have left beside them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from include.dedupe.clustering.known_pairs import FOLDER, known_scores
from include.dedupe.parquet import to_parquet
from include.dedupe.storage import Storage
from include.dedupe.tables import KNOWN_PAIRS

Row = tuple[str, str, float]


def keep(storage: Storage, name: str, rows: list[Row], detector: str = "d1", floor: float = 0.6) -> None:
    frame = pd.DataFrame(rows, columns=["id_a", "id_b", "score"])
    told = {"seen_from_a": True, "seen_from_b": True, "fingerprint_a": "", "fingerprint_b": ""}
    frame = frame.assign(**told, detector=detector, floor=floor)[KNOWN_PAIRS.names]
    storage.create(f"{FOLDER}/{name}.parquet", to_parquet(frame, KNOWN_PAIRS))


def test_each_pair_counts_once_as_it_was_found_last_with_this_detector(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    keep(storage, "1", [("a", "b", 0.8), ("a", "c", 0.9)])
    keep(storage, "2", [("a", "b", 0.7), ("d", "d", 0.0)], floor=0.65)
    keep(storage, "3", [("a", "b", 0.99)], detector="d2", floor=0.9)
    scores, floor = known_scores(storage, "d1")
    assert (sorted(scores), floor) == ([0.7, 0.9], 0.65)


def test_without_runs_nothing_is_known(tmp_path: Path) -> None:
    scores, floor = known_scores(Storage(str(tmp_path)), "d1")
    assert (len(scores), floor) == (0, None)
