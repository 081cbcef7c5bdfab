from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from include.dedupe.planning.partitions import Partition
from include.dedupe.planning.pick import pick, share_quota

sizes = st.lists(st.integers(0, 500), min_size=1, max_size=12)


def taken(expected: int, quota: int | None, page: int, *, spread: bool) -> list[str]:
    partition = Partition("p", "p", (), expected, quota)
    ids = [{"id": str(number)} for number in range(expected)]
    pages = (
        pick(ids[start : start + page], start, partition, spread=spread) for start in range(0, expected, page)
    )
    return [document["id"] for documents in pages for document in documents]


@given(sizes, st.integers(1, 1000))
def test_a_sample_is_shared_by_size_and_a_limit_from_the_first_on(expected: list[int], wanted: int) -> None:
    sample = share_quota(expected, sample=wanted, limit=None)
    limit = share_quota(expected, sample=None, limit=wanted)
    for quotas in (sample, limit):
        assert sum(filter(None, quotas)) == min(wanted, sum(expected))
        assert all(quota is not None and quota <= size for quota, size in zip(quotas, expected, strict=True))
    assert share_quota(expected, sample=None, limit=None) == [None] * len(expected)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 50))
def test_a_partition_gives_exactly_its_quota_whatever_the_pages(expected: int, quota: int, page: int) -> None:
    quota = min(quota, expected)
    for spread in (True, False):
        found = taken(expected, quota, page, spread=spread)
        assert len(found) == quota
        assert found == taken(expected, quota, 7, spread=spread)
    assert taken(expected, None, page, spread=True) == [str(number) for number in range(expected)]


def test_a_sample_is_spread_over_the_partition() -> None:
    assert taken(10, 2, 3, spread=True) == ["4", "9"]
    assert taken(10, 2, 3, spread=False) == ["0", "1"]
