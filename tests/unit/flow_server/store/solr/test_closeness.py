"""What is read back of Solr's products is the closeness that the index in memory computes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.detector.comparing.closeness import codes
from include.detector.comparing.orientation import ALL, hash_blocks, turned_distances
from include.detector.imaging import Descriptor, analyze
from include.flow_server.index.candidates import Candidates
from include.flow_server.store.solr.closeness import hash_signs, read_closeness, turned_signs
from include.flow_server.store.solr.documents import id_of, key_of

LEAST = 0.4
SHOWN = ALL[1:]
HASHES = st.binary(min_size=32, max_size=32)


@pytest.fixture(scope="module")
def descriptors() -> list[Descriptor]:
    """Three pictures, each also smaller, mirrored and turned."""
    made = []
    for seed in range(3):
        small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        large = cv2.resize(small, (320, 240), interpolation=cv2.INTER_CUBIC)
        made += [large, large[::2, ::2], large[:, ::-1], np.rot90(large)]
    return [analyze(cv2.imencode(".png", np.ascontiguousarray(one))[1].tobytes()) for one in made]


def lucene(first: np.ndarray, second: np.ndarray) -> float:
    """Its score of two vectors of bytes, in single precision."""
    whole = int(first.astype(np.int64) @ second.astype(np.int64))
    return float(np.float32(0.5) + np.float32(whole) / np.float32(len(first) * 2**15))


def test_it_is_that_of_the_index_in_memory(descriptors: list[Descriptor]) -> None:
    index = Candidates(SHOWN)
    index.add(list(enumerate(descriptors)))
    for query in descriptors:
        products = [max(lucene(part, codes(one)[0]) for part in codes(query)) for one in descriptors]
        found = [{"product": value} for value in products]
        hashes = [(one.pdq + one.pdq_content).hex() for one in descriptors]
        read = read_closeness(found, hashes, query, SHOWN, LEAST)
        expected = {one.key: one.closeness for one in index.nearest(query, 100, LEAST)}
        assert {key: value for key, value in enumerate(read.tolist()) if value > LEAST} == expected


@given(HASHES, HASHES)
def test_products_of_hashes_count_the_bits_that_differ(first: bytes, second: bytes) -> None:
    differing = (int.from_bytes(first) ^ int.from_bytes(second)).bit_count()
    one, other = (hash_signs(bits).astype(np.int64) for bits in (first, second))
    assert one @ other == 256 - 2 * differing


@given(HASHES, HASHES)
def test_turned_hashes_are_as_far_as_the_turned_pictures(first: bytes, second: bytes) -> None:
    own, others = hash_blocks([first])[0], hash_blocks([second])[:, 0]
    products = [
        one.astype(np.int64) @ hash_signs(second).astype(np.int64) for one in turned_signs(first, SHOWN)
    ]
    assert [(256 - value) // 2 for value in products] == turned_distances(own, others, SHOWN)[0].tolist()


def test_nothing_found_is_no_closeness(descriptors: list[Descriptor]) -> None:
    assert read_closeness([], [], descriptors[0], SHOWN, LEAST).tolist() == []


@given(st.text(), st.text())
def test_a_key_stands_for_one_id(first: str, second: str) -> None:
    assert id_of(key_of(first)) == first
    assert (key_of(first) == key_of(second)) == (first == second)
