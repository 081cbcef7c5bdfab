"""Pick: which documents of a partition a run takes that does not want all of them."""

from __future__ import annotations

from collections.abc import Sequence

from include.dedupe.flow import Document
from include.dedupe.planning.partitions import Partition


def share_quota(expected: Sequence[int], *, sample: int | None, limit: int | None) -> list[int | None]:
    """Return how many documents each partition gives; None is all of them.

    A sample is taken from all partitions in proportion to their size, a limit from the first ones.
    """
    if sample is not None:
        total = sum(expected)
        wanted = min(sample, total)
        ends = [sum(expected[: number + 1]) * wanted // max(total, 1) for number in range(len(expected))]
        return [end - start for start, end in zip([0, *ends], ends, strict=False)]
    if limit is not None:
        taken = [min(limit, sum(expected[: number + 1])) for number in range(len(expected))]
        return [end - start for start, end in zip([0, *taken], taken, strict=False)]
    return [None] * len(expected)


def pick(documents: Sequence[Document], seen: int, partition: Partition, *, spread: bool) -> list[Document]:
    """Return those among the next documents that the run takes.

    ``seen`` is how many of the partition came before them. ``spread``: evenly over the partition, else the
    first ones.
    """
    quota, expected = partition.quota, max(partition.expected, 1)
    if quota is None:
        return list(documents)
    if not spread:
        return list(documents[: max(0, quota - seen)])
    return [
        document
        for position, document in enumerate(documents, seen)
        if (position + 1) * quota // expected > position * quota // expected
    ]
