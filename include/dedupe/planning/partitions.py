"""Partitions: disjoint parts of a scope that together hold each of its documents exactly once.

They are complete by how they are built: the first and the last stretch of time are open, documents without
the field have a part of their own, and what nobody expected falls into the last one. The counts of all
partitions and of the scope come from one answer, and must add up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from include.dedupe.errors import PlanError
from include.dedupe.flow import FlowReader
from include.dedupe.planning.date_parts import balanced_dates, date_steps
from include.dedupe.planning.parts import Part, count_parts, field_values, first_match
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.partition_settings import (
    DatePartitions,
    FieldPartitions,
    Partitions,
    ProductPartitions,
    QueryPartitions,
)

WHOLE = Part("all", ("*:*",))


@dataclass(frozen=True, slots=True)
class Partition:
    """One part of the scope: ``fq`` on top of the scope's own; ``expected`` documents when planned.

    ``quota``: how many of them the run takes, if not all.
    """

    name: str
    label: str
    fq: tuple[str, ...]
    expected: int
    quota: int | None = None

    @property
    def wanted(self) -> int:
        """Documents that the run is to scan."""
        return self.expected if self.quota is None else min(self.quota, self.expected)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Partition:
        return cls(value["name"], value["label"], tuple(value["fq"]), value["expected"], value["quota"])


async def divide(
    flow: FlowReader, config: CollectionConfig, fq: Sequence[str], most: int
) -> tuple[Partition, ...]:
    """Return at most ``most`` partitions of the documents that ``fq`` names; at least one, be it empty.

    Raises:
        PlanError: their counts do not add up to the scope's.
    """
    parts = await _parts(flow, config, config.partitions, fq, most)
    total, counts = await count_parts(flow, parts, fq)
    if sum(counts) != total:
        raise PlanError(
            f"The partitions hold {sum(counts)} documents, but the scope holds {total}; partition by a "
            f"field with one value for each document, and plan when nobody writes to the collection."
        )
    found = [(part, count) for part, count in zip(parts, counts, strict=True) if count] or [(parts[0], 0)]
    width = max(2, len(str(len(found) - 1)))
    return tuple(
        Partition(f"p{number:0{width}}", part.label, part.fq, count)
        for number, (part, count) in enumerate(found)
    )


async def _parts(
    flow: FlowReader,
    config: CollectionConfig,
    settings: Partitions,
    fq: Sequence[str],
    most: int,
) -> list[Part]:
    match settings:
        case DatePartitions():
            field = settings.field or config.fields.date or ""
            if settings.step == "auto":
                return await balanced_dates(flow, field, config.target_docs, most, fq)
            return await date_steps(flow, field, settings.step, most, fq)
        case FieldPartitions():
            return await field_values(flow, settings.field, most, fq)
        case QueryPartitions():
            return first_match(flow, list(settings.queries.items()))
        case ProductPartitions():
            of_second = max(1, math.isqrt(most))
            first = await _parts(flow, config, settings.of[0], fq, max(1, most // of_second))
            second = await _parts(flow, config, settings.of[1], fq, of_second)
            return [Part(f"{a.label} / {b.label}", (*a.fq, *b.fq)) for a in first for b in second]
    return [WHOLE]
