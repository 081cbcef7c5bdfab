from __future__ import annotations

import uuid

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.dedupe.clustering import ordering
from include.dedupe.clustering.ordering import in_order, places_in_order

TEXTS = st.one_of(
    st.text(max_size=5),
    st.text("ab\0", max_size=20),
    st.text("ab", max_size=9).map("the same eight bytes and more".__add__),
    st.uuids().map(str),
)


def distinct_and_codes(texts: list[str]) -> tuple[list[str], list[int]]:
    distinct = sorted(set(texts), key=str.encode)
    return distinct, [distinct.index(text) for text in texts]


@given(
    st.lists(st.lists(TEXTS, max_size=20), max_size=4),
    st.sampled_from([0, 2, 9]),
    st.sampled_from([1, 7, 99]),
)
def test_texts_become_positions_among_the_distinct_ones_in_order(
    arrays: list[list[str]], words: int, block: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordering, "FEW_WORDS", words)
        patch.setattr(ordering, "BLOCK", block)
        distinct, codes = in_order([pa.array(texts, pa.string()) for texts in arrays])
    assert (distinct.to_pylist(), codes.tolist()) == distinct_and_codes(
        [one for each in arrays for one in each]
    )
    assert distinct.type == pa.large_string()


@given(st.lists(TEXTS, max_size=20), st.integers(0, 3))
def test_a_part_of_an_array(texts: list[str], first: int) -> None:
    distinct, codes = in_order([pa.array(texts, pa.large_string())[first:]])
    assert (distinct.to_pylist(), codes.tolist()) == distinct_and_codes(texts[first:])


@given(st.lists(TEXTS, unique=True, max_size=20))
def test_places_in_order(texts: list[str]) -> None:
    array = pa.array(texts, pa.large_string())
    assert array.take(pa.array(places_in_order(array))).to_pylist() == sorted(texts, key=str.encode)


@pytest.mark.parametrize("name", ["image-{0:09}", "{1}", "clients/acme/{2}/{0:04}.jpg", "{0}"])
def test_many_ids_that_come_often(name: str) -> None:
    rng = np.random.default_rng(5)
    numbers = rng.integers(0, 3_000, 10_000)
    ids = [name.format(one, uuid.UUID(int=int(one) << 90), one % 7) for one in numbers.tolist()]
    distinct, codes = in_order([pa.array(ids[:4_000]), pa.array(ids[4_000:])])
    assert distinct.to_pylist() == sorted(set(ids), key=str.encode)
    assert distinct.take(pa.array(codes)).to_pylist() == ids
