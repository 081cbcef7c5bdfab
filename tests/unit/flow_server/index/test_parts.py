"""Parts are found by landmarks at the thorough effort, whatever was added, replaced and removed before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL.Image import Transpose

from include.detector.comparing.landmarks import votes
from include.detector.imaging import Descriptor, analyze
from include.flow_server.index import DuplicateIndex, SearchOptions, duplicate_index
from include.flow_server.index import parts as parts_module
from include.flow_server.index.parts import Parts
from tests.support.drawn import file, structured
from tests.support.pasted import pasted, photo, photo_file

WHOLE = 100


@pytest.fixture(scope="module")
def others() -> dict[int, Descriptor]:
    return {seed: analyze(file(structured(seed))) for seed in range(12)}


@pytest.fixture(scope="module")
def whole() -> Descriptor:
    return analyze(photo_file())


@pytest.fixture(scope="module")
def copies() -> dict[str, Descriptor]:
    return {name: analyze(data) for name, data in pasted().items()}


def parts_of(descriptors: dict[int, Descriptor]) -> Parts:
    made = Parts()
    made.add([(key, one.landmarks) for key, one in descriptors.items()])
    return made


def holding(parts: Parts, *queries: Descriptor) -> list[list[int]]:
    return parts.holding([query.landmarks for query in queries], [()] * len(queries), None)


def test_pictures_in_others_are_found_from_both_sides_by_the_thorough_search_alone(
    others: dict[int, Descriptor], whole: Descriptor, copies: dict[str, Descriptor]
) -> None:
    known = others | {WHOLE: whole} | dict(enumerate(copies.values(), start=WHOLE + 1))
    index = DuplicateIndex(lambda keys: {key: known[key] for key in keys})
    index.add(known.items())
    found = {hit.key: hit.score for hit in index.search(whole, SearchOptions())}
    assert found.keys() == {WHOLE, *range(WHOLE + 1, WHOLE + 1 + len(copies))}
    for key, copy in enumerate(copies.values(), start=WHOLE + 1):
        assert 0.70 <= found[key] < 0.95
        assert WHOLE in {hit.key for hit in index.search(copy, SearchOptions())}
    quick = {hit.key for hit in index.search(copies["collage of 3"], SearchOptions(smartfilter="high"))}
    assert WHOLE not in quick


def test_a_crop_that_is_turned_is_found_from_both_sides(
    others: dict[int, Descriptor], whole: Descriptor
) -> None:
    copy = analyze(file(photo().crop((70, 30, 560, 390)).transpose(Transpose.ROTATE_270), "JPEG"))
    known = others | {WHOLE: whole, WHOLE + 1: copy}
    index = DuplicateIndex(lambda keys: {key: known[key] for key in keys})
    index.add(known.items())
    assert {hit.key for hit in index.search(whole, SearchOptions())} == {WHOLE, WHOLE + 1}
    assert {hit.key for hit in index.search(copy, SearchOptions())} == {WHOLE, WHOLE + 1}


def test_in_a_large_collection_no_parts_are_looked_for_or_held(
    others: dict[int, Descriptor],
    whole: Descriptor,
    copies: dict[str, Descriptor],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = others | {WHOLE: whole}
    index = DuplicateIndex(lambda keys: {key: known[key] for key in keys})
    index.add(known.items())
    monkeypatch.setattr(duplicate_index, "MOST_WITH_PARTS", len(known))
    asked = copies["collage of 3"]
    before = index.memory_bytes()
    assert WHOLE in {hit.key for hit in index.search(asked, SearchOptions())}
    assert index.memory_bytes() > before + len(known) * 500
    known[WHOLE + 1] = analyze(file(structured(50)))
    index.add([(WHOLE + 1, known[WHOLE + 1])])
    assert WHOLE not in {hit.key for hit in index.search(asked, SearchOptions())}


def test_what_is_added_replaced_and_removed_is_as_if_built_at_once(
    others: dict[int, Descriptor], whole: Descriptor, copies: dict[str, Descriptor]
) -> None:
    parts = parts_of({key: one for key, one in others.items() if key < 8})
    queries = [whole, *copies.values(), *others.values()]
    holding(parts, whole)
    parts.add([(WHOLE, whole.landmarks), (WHOLE + 1, copies["on a background"].landmarks)])
    parts.add([(key, one.landmarks) for key, one in others.items() if key >= 8])
    holding(parts, whole)
    parts.remove([3, 11, WHOLE + 1, 7777])
    parts.add([(3, whole.landmarks), (WHOLE + 1, copies["post"].landmarks)])
    now = {key: one for key, one in others.items() if key != 11}
    now |= {WHOLE: whole, 3: whole, WHOLE + 1: copies["post"]}
    assert holding(parts, *queries) == holding(parts_of(now), *queries)
    assert holding(parts, copies["collage of 2"])[0][:2] == [3, WHOLE]
    parts.remove(list(now))
    assert holding(parts, *queries) == [[] for _ in queries]


def test_the_index_forgets_the_parts_of_what_is_replaced_or_gone(
    others: dict[int, Descriptor], whole: Descriptor, copies: dict[str, Descriptor]
) -> None:
    known = others | {WHOLE: whole}
    index = DuplicateIndex(lambda keys: {key: known[key] for key in keys})
    index.add(known.items())
    query, options = copies["collage of 3"], SearchOptions()
    assert [hit.key for hit in index.search(query, options)] == [WHOLE]
    known |= {WHOLE: replace(others[4], content_hash="4" * 64), 5: whole}
    index.add([(key, known[key]) for key in (WHOLE, 5)])
    assert [hit.key for hit in index.search(query, options)] == [5]
    index.remove([5])
    assert index.search(query, options) == []


def test_many_pictures_at_once_find_what_each_finds_alone(
    others: dict[int, Descriptor],
    whole: Descriptor,
    copies: dict[str, Descriptor],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = parts_of(others | {WHOLE: whole} | dict(enumerate(copies.values(), start=WHOLE + 1)))
    queries = [whole, *copies.values(), *others.values()]
    alone = [holding(parts, query)[0] for query in queries]
    assert holding(parts, *queries) == alone
    monkeypatch.setattr(parts_module, "MOST_LOOKED_AT", 50)
    assert holding(parts, *queries) == alone
    known = [keys[::2] for keys in alone]
    others = parts.holding([query.landmarks for query in queries], known, None)
    assert others == [keys[1::2] for keys in alone]


def test_only_those_allowed_and_not_known_are_found(whole: Descriptor, copies: dict[str, Descriptor]) -> None:
    parts = parts_of(dict.fromkeys(range(5), whole))
    landmarks = copies["collage of 2"].landmarks
    assert parts.holding([landmarks], [()], None) == [[0, 1, 2, 3, 4]]
    assert parts.holding([landmarks], [()], np.array([1, 4, 9])) == [[1, 4]]
    assert parts.holding([landmarks], [()], np.zeros(0, np.int64)) == [[]]
    assert parts.holding([landmarks] * 2, [{3, 0, 77}, {-5}], None) == [[1, 2, 4], [0, 1, 2, 3, 4]]
    assert parts.holding([landmarks], [{4}], np.array([1, 4, 9])) == [[1]]


def test_what_half_a_thousand_documents_share_is_found_and_what_all_share_costs_nothing(
    whole: Descriptor, copies: dict[str, Descriptor], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = parts_of(dict.fromkeys(range(500), whole))
    assert holding(parts, copies["collage of 2"]) == [list(range(500))]
    monkeypatch.setattr(parts_module, "MOST_HELD", 400)
    monkeypatch.setattr(
        parts_module,
        "votes",
        lambda own, *_: pytest.fail("looked at") if len(own) else votes(own, own, own.astype(np.int64)),
    )
    assert holding(parts, copies["collage of 2"]) == [[]]
