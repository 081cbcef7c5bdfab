from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.dedupe.clustering import numbering, spilling
from include.dedupe.clustering.coding import to_pairs
from include.dedupe.parquet import from_parquet, to_parquet
from include.dedupe.tables import EDGES, PAIRS

IDS = st.one_of(st.sampled_from(["a", "b", "c", "ä", "a,b", "a\nb", '"', "🐟"]), st.text(max_size=5))
EDGE_LISTS = st.lists(st.tuples(IDS, IDS, st.floats(0, 1)), max_size=40)


def frame(edges: list[tuple[str, str, float]]) -> pd.DataFrame:
    return pd.DataFrame(edges, columns=EDGES.names)


def rows(edges: list[tuple[str, str, float]]) -> pa.Table:
    return pa.Table.from_pandas(frame(edges), schema=EDGES)


@given(EDGE_LISTS)
def test_pairs_say_of_each_two_documents_the_best_score_and_who_saw_it(
    edges: list[tuple[str, str, float]],
) -> None:
    expected: dict[tuple[str, str], tuple[float, bool, bool]] = {}
    for query, match, score in edges:
        if query != match:
            key = (min(query, match), max(query, match))
            best, from_a, from_b = expected.get(key, (0.0, False, False))
            expected[key] = (max(best, score), from_a or query < match, from_b or query > match)
    pairs = to_pairs(frame(edges))
    rows = {(row.id_a, row.id_b): (row.score, row.seen_from_a, row.seen_from_b) for row in pairs.itertuples()}
    assert rows == expected
    assert list(rows) == sorted(rows, key=lambda key: (key[0].encode(), key[1].encode()))


@given(EDGE_LISTS, st.randoms())
def test_the_order_of_edges_does_not_matter(edges: list[tuple[str, str, float]], random: object) -> None:
    shuffled = list(edges)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    pd.testing.assert_frame_equal(to_pairs(frame(edges)), to_pairs(frame(shuffled)))


@given(st.lists(EDGE_LISTS, max_size=5), st.sampled_from([1, 50]))
def test_parts_that_are_read_one_by_one_make_the_pairs_of_all(
    parts: list[list[tuple[str, str, float]]], files: int
) -> None:
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(spilling, "FILE_ROWS", files)
        patch.setattr(numbering, "BATCH_IDS", 3)
        patch.setattr(spilling, "PIECE_PAIRS", 2)
        joined = [one.to_frame() for one in spilling.join_on_disk(map(rows, parts), Path(folder))]
    whole = to_pairs(frame([edge for part in parts for edge in part]))
    pd.testing.assert_frame_equal(pd.concat([whole[:0], *joined], ignore_index=True), whole)


@given(EDGE_LISTS)
def test_pairs_survive_their_file(edges: list[tuple[str, str, float]]) -> None:
    pairs = to_pairs(frame(edges))
    pd.testing.assert_frame_equal(
        from_parquet(to_parquet(pairs, PAIRS), PAIRS, "pairs"), pairs, check_dtype=False
    )
