"""Which candidates are compared: those that are close, and those closer than the others by far."""

from __future__ import annotations

from itertools import pairwise

import pytest

from include.flow_server.index.candidates import Candidate
from include.flow_server.index.options import SMART_FILTERS
from include.flow_server.index.search import Shortlist
from include.flow_server.index.sieve import EFFORTS, worth_comparing

OFF = EFFORTS["off"]


def test_every_filter_has_an_effort_and_none_more_than_the_one_before() -> None:
    assert tuple(EFFORTS) == SMART_FILTERS
    efforts = list(EFFORTS.values())
    for more, less in pairwise(efforts):
        assert more.least < less.least
        assert more.failures > less.failures
        assert more.close <= less.close
        assert more.ahead <= less.ahead
        assert more.first <= less.first <= less.close


@pytest.mark.parametrize("smartfilter", SMART_FILTERS)
def test_close_ones_are_compared_up_to_the_budget(smartfilter: str) -> None:
    effort = EFFORTS[smartfilter]
    assert worth_comparing([0.8] * 40, effort) == list(range(effort.failures))
    assert worth_comparing([0.8], effort) == [0]
    assert worth_comparing([], effort) == []


def test_one_that_stands_out_is_compared_and_a_crowd_is_not() -> None:
    assert worth_comparing([0.46, *[0.375] * 9], OFF) == [0]
    assert worth_comparing([0.39], OFF) == [0]
    assert worth_comparing([0.375] * 12, OFF) == []
    assert worth_comparing([0.37, 0.365], OFF) == []


def test_of_the_closest_two_less_is_enough() -> None:
    """Of a crowd at a shelf, the original of a crop is often the first or second."""
    assert worth_comparing([0.45] * 12, OFF) == [0, 1]
    assert worth_comparing([0.45] * 12, EFFORTS["medium"]) == []


def test_those_that_passed_do_not_hide_others() -> None:
    """Copies of a picture are close to each other; one that is less so stands out from what is no copy."""
    group = [Candidate(key, 0.9 - key / 100) for key in range(10)]
    rest = [Candidate(20, 0.5), *(Candidate(30 + key, 0.37) for key in range(9))]
    shortlist = Shortlist([], group + rest, is_whole=True, hashes={})
    assert shortlist.worth_comparing(set(), OFF) == list(range(10))
    assert shortlist.worth_comparing(range(10), OFF) == [20]
    assert shortlist._replace(same=[20]).worth_comparing(range(10), OFF) == []
