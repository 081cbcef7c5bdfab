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


@pytest.mark.parametrize("smartfilter", SMART_FILTERS)
def test_close_ones_are_compared_up_to_the_budget(smartfilter: str) -> None:
    effort = EFFORTS[smartfilter]
    assert worth_comparing([0.8] * 40, effort) == list(range(effort.failures))
    assert worth_comparing([0.8], effort) == [0]
    assert worth_comparing([], effort) == []


def test_one_that_stands_out_is_compared_and_a_crowd_is_not() -> None:
    assert worth_comparing([0.52, *[0.43] * 9], OFF) == [0]
    assert worth_comparing([0.48], OFF) == [0]
    assert worth_comparing([0.5] * 12, OFF) == []
    assert worth_comparing([0.41, 0.405], OFF) == []


def test_those_that_passed_do_not_hide_others() -> None:
    """Copies of a picture are close to each other; one that is less so stands out from what is no copy."""
    group = [Candidate(key, 0.9 - key / 100) for key in range(10)]
    rest = [Candidate(20, 0.5), *(Candidate(30 + key, 0.42) for key in range(9))]
    shortlist = Shortlist([], group + rest, is_whole=True, hashes={})
    assert shortlist.worth_comparing(set(), OFF) == list(range(10))
    assert shortlist.worth_comparing(range(10), OFF) == [20]
    assert shortlist._replace(same=[20]).worth_comparing(range(10), OFF) == []
