"""Sets of keys behave as Python's sets do, complements included."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from include.flow_server.store.keyset import KeySet, as_keys

ALL = frozenset(range(12))
plain = st.frozensets(st.sampled_from(sorted(ALL)))
sets = st.tuples(plain, st.booleans())


def keyset(drawn: tuple[frozenset[int], bool]) -> KeySet:
    return KeySet(as_keys(drawn[0]), complement=drawn[1])


def members(drawn: tuple[frozenset[int], bool]) -> frozenset[int]:
    return ALL - drawn[0] if drawn[1] else drawn[0]


def shown(keys: KeySet) -> frozenset[int]:
    every = as_keys(ALL)
    return frozenset(every[keys.contains(every)].tolist())


@given(sets, sets)
def test_set_algebra_is_that_of_sets(a: tuple[frozenset[int], bool], b: tuple[frozenset[int], bool]) -> None:
    assert shown(keyset(a) & keyset(b)) == members(a) & members(b)
    assert shown(keyset(a) | keyset(b)) == members(a) | members(b)
    assert shown(keyset(a) - keyset(b)) == members(a) - members(b)
    assert shown(~keyset(a)) == ALL - members(a)


@given(sets, st.sampled_from(sorted(ALL)))
def test_size_and_membership_agree_with_the_members(a: tuple[frozenset[int], bool], key: int) -> None:
    assert keyset(a).size(len(ALL)) == len(members(a))
    assert keyset(a).has(key) == (key in members(a))
