"""Coverage: how much of the scope was scanned, and what was not."""

from __future__ import annotations

from dataclasses import dataclass

from include.dedupe.errors import CoverageError
from include.dedupe.plan import Plan
from include.dedupe.rundir import RunDir, read_manifest
from include.dedupe.scan import ScanStats, stage_name


@dataclass(frozen=True, slots=True)
class PartitionCoverage:
    name: str
    label: str
    finished: bool
    expected: int
    scanned: int = 0
    failed: int = 0
    hubs: int = 0
    edges: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts of documents over all partitions; ``problems`` says in words what is not covered."""

    expected: int
    scanned: int
    failed: int
    problems: tuple[str, ...]
    partitions: tuple[PartitionCoverage, ...]

    def require_complete(self, address: str) -> None:
        """Raise ``CoverageError`` if a partition was not scanned; ``address`` is the run's."""
        missing = [partition.label for partition in self.partitions if not partition.finished]
        if missing:
            raise CoverageError(
                f"{len(missing)} of {len(self.partitions)} partitions were not scanned "
                f"({', '.join(missing)}); the report in {address} covers the others. "
                f"Clear their failed scan tasks."
            )


def scanned_partitions(run: RunDir, plan: Plan) -> list[str]:
    """Return the stage names of the partitions whose scan has finished."""
    names = [stage_name(partition.name) for partition in plan.partitions]
    return [name for name in names if read_manifest(run.storage, name)]


def measure_coverage(run: RunDir, plan: Plan) -> Coverage:
    partitions, problems = [], []
    for partition in plan.partitions:
        manifest = read_manifest(run.storage, stage_name(partition.name))
        if manifest is None:
            partitions.append(PartitionCoverage(partition.name, partition.label, False, partition.expected))
            problems.append(f"Partition {partition.label} ({partition.expected} documents) was not scanned.")
            continue
        stats = ScanStats(**manifest.result)
        partitions.append(
            PartitionCoverage(
                name=partition.name,
                label=partition.label,
                finished=True,
                expected=stats.expected,
                scanned=stats.scanned,
                failed=stats.failed,
                hubs=stats.hubs,
                edges=stats.edges,
                seconds=stats.seconds,
            )
        )
        if stats.failed:
            problems.append(
                f"Partition {partition.label}: {stats.failed} of {stats.expected} queries failed."
            )
        if stats.hubs:
            problems.append(
                f"Partition {partition.label}: {stats.hubs} documents have more duplicates than max_hits; "
                f"only their best hits are here."
            )
    return Coverage(
        expected=sum(partition.expected for partition in partitions),
        scanned=sum(partition.scanned for partition in partitions),
        failed=sum(partition.failed for partition in partitions),
        problems=tuple(problems),
        partitions=tuple(partitions),
    )
