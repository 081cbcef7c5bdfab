"""The scores of all pairs that runs have left beside them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from include.dedupe.clustering.known_pairs import (
    FOLDER,
    State,
    documents_of,
    known_scores,
    split_stale,
    unite,
)
from include.dedupe.storage import Storage
from include.dedupe.tables import DOCUMENTS, KNOWN_PAIRS, to_parquet

Row = tuple[str, str, float]
IDS, PRINTS = st.sampled_from(["", "a", "ä", "b", "c", "🐟"]), st.sampled_from(["", "old", "new"])


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


@given(
    st.lists(st.tuples(IDS, IDS, PRINTS, PRINTS), max_size=12),
    st.dictionaries(IDS, PRINTS),
    st.sets(IDS),
    st.sets(IDS),
)
def test_which_pairs_hold_which_documents_changed_and_what_scopes_let_count(
    rows: list[tuple[str, str, str, str]], now: dict[str, str], scanned: set[str], found: set[str]
) -> None:
    pairs = pd.DataFrame(rows, columns=["id_a", "id_b", "fingerprint_a", "fingerprint_b"])
    documents = pd.DataFrame([(name, "", now[name]) for name in sorted(now)], columns=DOCUMENTS.names)
    holding, changed = split_stale(pairs, documents)
    sides = [(row[at], row[at + 2]) for row in rows for at in (0, 1)]
    same = {name for name, seen in sides if now.get(name) == seen}
    assert changed == {name for name, seen in sides if now.get(name, seen) != seen} - same
    holds = [now.get(a) == one and now.get(b) == other for a, b, one, other in rows]
    pd.testing.assert_frame_equal(holding, pairs[pd.Series(holds, index=pairs.index, dtype=bool)])
    state = State(documents, *(pd.Series(sorted(scope), dtype=str) for scope in (scanned, found)))
    counts = [(a in scanned and b in found) or (b in scanned and a in found) for a, b, *_ in rows]
    assert state.counts(pairs).tolist() == counts
    assert documents_of(pairs) == sorted({name for name, _ in sides})


@given(st.lists(st.tuples(IDS, IDS, st.integers(0, 99), st.booleans(), st.booleans()), max_size=25))
def test_each_pair_is_as_it_was_found_last_and_seen_from_all_sides(
    rows: list[tuple[str, str, int, bool, bool]],
) -> None:
    columns = ["id_a", "id_b", "score", "seen_from_a", "seen_from_b"]
    expected: dict[tuple[str, str], tuple[int, bool, bool]] = {}
    for a, b, score, from_a, from_b in rows:
        _, before_a, before_b = expected.get((a, b), (0, False, False))
        expected[a, b] = (score, from_a or before_a, from_b or before_b)
    united = unite(pd.DataFrame(rows, columns=columns))
    assert list(united.columns) == columns
    wanted = [
        (*pair, *expected[pair]) for pair in sorted(expected, key=lambda pair: [one.encode() for one in pair])
    ]
    assert list(united.itertuples(index=False, name=None)) == wanted
