from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from include.dedupe.apart import Apart

IDS = st.sampled_from([f"d{number}" for number in range(8)])
GROUPS = st.lists(st.frozensets(IDS, max_size=5), max_size=5)


def pairs_of(groups: list[frozenset[str]]) -> set[tuple[str, str]]:
    return {pair for group in groups for pair in combinations(sorted(group), 2)}


@given(GROUPS, IDS, IDS)
def test_it_is_the_set_of_all_pairs_of_its_groups(groups: list[frozenset[str]], a: str, b: str) -> None:
    apart, known = Apart(groups), pairs_of(groups)
    assert apart == known
    assert len(apart) == len(known)
    if a < b:
        assert ((a, b) in apart) == ((a, b) in known)


@given(GROUPS, st.frozensets(IDS, min_size=2, max_size=5))
def test_a_group_is_held_where_all_its_pairs_are(groups: list[frozenset[str]], group: frozenset[str]) -> None:
    assert Apart(groups).holds(group) == (pairs_of([group]) <= pairs_of(groups))


def test_very_large_groups_are_no_burden() -> None:
    apart = Apart([[str(number) for number in range(200_000)]])
    assert ("1", "199999") in apart
    assert ("1", "200000") not in apart
    assert apart.holds([str(number) for number in range(1000)])
