"""Whatever is read, joined and written some at a time makes what it makes all at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.dedupe.clustering import components, numbering
from include.dedupe.clustering.cluster import to_clusters
from include.dedupe.clustering.coding import CodedPairs, to_pairs
from include.dedupe.clustering.components import find_clusters
from include.dedupe.clustering.earlier import Earlier
from include.dedupe.clustering.spilling import number_pairs
from include.dedupe.tables import BRIDGES, CLUSTERS, EDGES, NAMES, NEWS, PAIRS, PARTS
from tests.support.made import ALL, PAIR, TRIO, Made

IDS = st.sampled_from(["", "a", "ä", "a,b", "🐟", *map(str, range(20))])
EDGE_LISTS = st.lists(st.tuples(IDS, IDS, st.sampled_from([0.7, 0.94, 1.0])), max_size=40)
Edges = list[tuple[str, str, float]]


@contextmanager
def small_pieces() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PIECE_DOCUMENTS", "PIECE_PAIRS", "BLOCK_PAIRS"):
            patch.setattr(components, name, 2)
        patch.setattr(numbering, "BATCH_IDS", 2)
        yield


def pairs_of(edges: Edges) -> pd.DataFrame:
    return to_pairs(pd.DataFrame(edges, columns=EDGES.names))


@given(EDGE_LISTS, EDGE_LISTS, st.integers(1, 5))
def test_clusters(edges: Edges, earlier: Edges, size: int) -> None:
    pairs = pairs_of(edges)
    before = to_clusters(pairs_of(earlier), 0.95).members[NAMES.names].sort_values("id", ignore_index=True)
    whole = to_clusters(pairs, 0.95, before)
    with small_pieces(), TemporaryDirectory() as folder:
        parts = (CodedPairs.of_pairs(pairs[first : first + size]) for first in range(0, len(pairs), size))
        coded, _ = number_pairs(parts, Path(folder))
        found = find_clusters(coded, 0.95, Earlier.of(before, coded.ids))
        pieces = [piece.to_pandas() for piece in found.pieces()]
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), whole.members)
    pd.testing.assert_frame_equal(found.bridges, whole.bridges)
    pd.testing.assert_frame_equal(found.events, whole.events)
    pd.testing.assert_frame_equal(found.parts_at((0.9,)), whole.parts_at((0.9,)))
    assert sum(piece["cluster_id"].nunique() for piece in pieces) == whole.members["cluster_id"].nunique()


@given(EDGE_LISTS, st.lists(IDS, unique=True))
def test_which_documents_exist(edges: Edges, existing: list[str]) -> None:
    with TemporaryDirectory() as folder:
        columns = [pa.array(existing[0::2], pa.string()), pa.array(existing[1::2], pa.string())]
        coded, exists = number_pairs([CodedPairs.of_pairs(pairs_of(edges))], Path(folder), columns)
        assert dict(zip(coded.ids.to_pylist(), exists, strict=True)) == {
            **dict.fromkeys(coded.ids.to_pylist(), False),
            **dict.fromkeys(existing, True),
        }
        assert coded.of_ids_in_use().to_frame().equals(pairs_of(edges))


@pytest.mark.parametrize("settings", [{}, {"policies": None}, {"ignore_pairs": {"same": ["category_s"]}}])
def test_the_tables_of_a_run(settings: dict[str, object], tmp_path: Path) -> None:
    runs = []
    for name, pieces in (("whole", nullcontext()), ("pieces", small_pieces())):
        made = Made(tmp_path / name)
        with pieces:
            made.make([*TRIO, *PAIR], **settings)
            runs.append(made.make([*ALL, ("c", "z", 0.8)], "run-2", "2026-01-02T00:00:00+00:00", **settings))
    for artifact, schema in (
        ("clusters", CLUSTERS),
        ("pairs", PAIRS),
        ("bridges", BRIDGES),
        ("parts", PARTS),
        ("news", NEWS),
    ):
        whole, joined = (run.read_table("clusters", artifact, schema) for run in runs)
        pd.testing.assert_frame_equal(joined, whole, obj=artifact)
        assert len(whole) or artifact in ("bridges", "parts")
    results = [run.result("clusters") for run in runs]
    assert results[0].result == results[1].result
    assert len(results[1].parts["clusters"]) > 1
    assert len(results[1].parts["pairs"]) > 1
