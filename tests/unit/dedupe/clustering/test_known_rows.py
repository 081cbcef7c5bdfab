"""Known pairs as numbers say what the tables say that they were made of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.dedupe.clustering import known_rows
from include.dedupe.clustering.coding import CodedPairs
from include.dedupe.clustering.known_rows import Gathering, KnownRows
from include.dedupe.clustering.known_state import State
from include.dedupe.clustering.prints import UNKNOWN, to_numbers, to_texts
from include.dedupe.tables import KNOWN_PAIRS

OLD, NEW = "00ff00ff00ff00ff", "00ff00ff00ff00fe"
IDS, PRINTS = st.sampled_from(["", "a", "ä", "b", "c", "🐟"]), st.sampled_from(["", OLD, NEW])


class Row(NamedTuple):
    """A pair as a run has found it."""

    id_a: str
    id_b: str
    score: float
    seen_from_a: bool
    seen_from_b: bool
    fingerprint_a: str
    fingerprint_b: str
    detector: str = "d"
    floor: float = 0.6

    @property
    def ids(self) -> tuple[str, str]:
        return self.id_a, self.id_b


def row(ends: tuple[str, str], *rest: object, floor: float) -> Row:
    return Row(*sorted(ends, key=str.encode), *rest, floor=floor)  # type: ignore[arg-type]


ROWS = st.lists(
    st.builds(
        row,
        *(st.tuples(IDS, IDS), st.integers(0, 99), st.booleans(), st.booleans(), PRINTS, PRINTS),
        floor=st.sampled_from([0.5, 0.6, 0.7]),
    ),
    max_size=15,
)


def table(rows: list[Row]) -> pa.Table:
    frame = pd.DataFrame(rows, columns=KNOWN_PAIRS.names)
    return pa.Table.from_pandas(frame, schema=KNOWN_PAIRS, preserve_index=False)


def gathered(*tables: list[Row]) -> KnownRows:
    with TemporaryDirectory() as folder:
        gathering = Gathering(Path(folder) / "ids")
        for rows in tables:
            gathering.add(table(rows))
        assert gathering.count == sum(map(len, tables))
        return gathering.finish()


def told(rows: KnownRows) -> list[Row]:
    return [Row(**one) for one in rows.to_table("d").to_pylist()]


@pytest.fixture(autouse=True, scope="module")
def parts_are_small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known_rows, "PART_PAIRS", 3)
        patch.setattr(known_rows, "UNITED_PAIRS", 4)
        yield


@given(ROWS, ROWS)
def test_tables_are_what_they_were_in_the_order_in_which_they_came(
    first: list[Row], second: list[Row]
) -> None:
    assert told(gathered(first, [], second)) == first + second


@given(ROWS, st.data())
def test_each_pair_is_as_it_was_found_last_and_seen_from_all_sides(
    rows: list[Row], data: st.DataObject
) -> None:
    chosen = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    expected: dict[tuple[str, str], Row] = {}
    for one in (one for one, is_chosen in zip(rows, chosen, strict=True) if is_chosen):
        before = expected.get(one.ids, one)
        expected[one.ids] = one._replace(
            seen_from_a=one.seen_from_a or before.seen_from_a,
            seen_from_b=one.seen_from_b or before.seen_from_b,
        )
    in_order = sorted(expected.values(), key=lambda one: [name.encode() for name in one.ids])
    parts = list(gathered(rows).united(np.array(chosen, bool)))
    assert [one for part in parts for one in told(part)] == in_order
    assert parts
    assert all(len(part) <= known_rows.PART_PAIRS for part in parts)
    if all(chosen):
        assert [one for part in gathered(rows).united() for one in told(part)] == in_order


@given(ROWS, ROWS)
def test_a_pair_is_known_where_it_was_found_with_the_same_fingerprints(
    first: list[Row], second: list[Row]
) -> None:
    rows = gathered(first, second)
    known = {(*one.ids, one.fingerprint_a, one.fingerprint_b) for one in first}
    found = rows.take(slice(len(first), None)).are_in(rows.take(slice(len(first))))
    assert found.tolist() == [(*one.ids, one.fingerprint_a, one.fingerprint_b) in known for one in second]


@given(ROWS, st.dictionaries(IDS, st.sampled_from([OLD, NEW])), st.sets(IDS), st.sets(IDS))
def test_which_pairs_hold_which_documents_changed_and_what_scopes_let_count(
    known: list[Row], now: dict[str, str], scanned: set[str], found: set[str]
) -> None:
    rows = gathered(known)
    ids = rows.pairs.ids.to_pylist()
    state = State(
        to_numbers(pa.array([now.get(name, "") for name in ids], pa.string())),
        *(np.array([name in some for name in ids], bool) for some in (now, scanned, found)),
        [],
    )
    sides = [(one.ids[at], one[5 + at]) for one in known for at in (0, 1)]
    same = {name for name, seen in sides if now.get(name) == seen}
    changed = {name for name, seen in sides if now.get(name, seen) != seen} - same
    assert {ids[place] for place in state.changed(rows)} == changed
    holds = [
        now.get(one.id_a) == one.fingerprint_a and now.get(one.id_b) == one.fingerprint_b for one in known
    ]
    assert state.holds(rows).tolist() == holds
    counts = [
        (a in scanned and b in found) or (b in scanned and a in found) for a, b in (one.ids for one in known)
    ]
    assert state.counts(rows).tolist() == counts


def test_pairs_of_the_same_ids_come_in_parts(tmp_path: Path) -> None:
    ids = pa.array(["a", "b", "c"], pa.large_string())
    sides = (
        (np.array([0], np.int32), np.array([2], np.int32)),
        (np.array([1], np.int32), np.array([2], np.int32)),
    )
    yes, no = np.ones(1, bool), np.zeros(1, bool)
    parts = [CodedPairs(ids, *each, np.array([0.8]), yes, no) for each in sides]
    gathering = Gathering(tmp_path)
    gathering.add(table([Row("0", "b", 0.9, True, True, OLD, NEW)]))
    gathering.add_found(parts, np.array([UNKNOWN, 1, 0xFEDCBA9876543210], np.uint64), 0.5)
    assert told(gathering.finish())[1:] == [
        Row("a", "c", 0.8, True, False, "", "fedcba9876543210", floor=0.5),
        Row("b", "c", 0.8, True, False, "0000000000000001", "fedcba9876543210", floor=0.5),
    ]


@given(st.lists(st.integers(0, 2**64 - 1)), st.integers(0, 3))
def test_fingerprints_are_numbers_and_back(values: list[int], first: int) -> None:
    numbers = np.array(values, np.uint64)
    texts = to_texts(numbers)
    assert texts.to_pylist() == [f"{value:016x}" if value else "" for value in values]
    assert to_numbers(texts[first:]).tolist() == values[first:]
    assert to_numbers(pa.chunked_array([texts[first:], texts])).tolist() == values[first:] + values


@pytest.mark.parametrize(
    "text", ["", "1", "00ff00ff00ff00fg", "00FF00FF00FF00FF", "00ff00ff00ff00ff0", "éééééééé"]
)
def test_what_is_no_fingerprint_is_unknown(text: str) -> None:
    assert to_numbers(pa.array([OLD, text, NEW])).tolist() == [int(OLD, 16), UNKNOWN, int(NEW, 16)]
