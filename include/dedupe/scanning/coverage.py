"""Coverage: how much of the scope was scanned, and what was not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from include.dedupe.errors import ArtifactError, CoverageError
from include.dedupe.planning.partitions import Partition
from include.dedupe.planning.plan import Plan
from include.dedupe.rundir import RunDir, manifest_name, read_manifest
from include.dedupe.scanning.scan import ScanStats, stage_name


@dataclass(frozen=True, slots=True)
class PartitionCoverage:
    """The counts of ``ScanStats``; of a partition that was not scanned, ``expected`` is the plan's."""

    name: str
    label: str
    finished: bool
    expected: int
    scanned: int = 0
    failed: int = 0
    vanished: int = 0
    skipped: int = 0
    missing: int = 0
    hubs: int = 0
    edges: int = 0
    seconds: float = 0.0

    def problems(self) -> Iterator[str]:
        """Say in words what is not covered."""
        if not self.finished:
            yield f"Partition {self.label} ({self.expected} documents) was not scanned."
        if self.failed:
            yield f"Partition {self.label}: {self.failed} of {self.expected} queries failed."
        if self.missing:
            yield f"Partition {self.label}: Flow counts {self.missing} documents more than it lists."
        if self.hubs:
            yield (
                f"Partition {self.label}: {self.hubs} documents have more duplicates than max_hits; "
                f"only their best hits are here."
            )


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts of documents over all partitions; ``problems`` says in words what is not covered.

    ``share``: scanned documents among those that the run was to scan and that still exist; 1.0 is complete.
    """

    expected: int
    scanned: int
    failed: int
    vanished: int
    skipped: int
    missing: int
    hubs: int
    share: float
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
    """Return the stage names of the partitions whose scan has finished.

    Raises:
        ArtifactError: a scan has worked by another plan than the run has now.
    """
    found = (_stats(run, plan, partition) for partition in plan.partitions)
    return [stage_name(stats.partition) for stats in found if stats]


def measure_coverage(run: RunDir, plan: Plan) -> Coverage:
    """Return what the scans of a run have covered so far."""
    run = run.reading_ahead([manifest_name(stage_name(one.name)) for one in plan.partitions])
    partitions = []
    for partition in plan.partitions:
        stats = _stats(run, plan, partition)
        if stats is None:
            partitions.append(PartitionCoverage(partition.name, partition.label, False, partition.wanted))
            continue
        names = {field.name for field in fields(PartitionCoverage)} & {field.name for field in fields(stats)}
        counts = {name: getattr(stats, name) for name in names}
        partitions.append(
            PartitionCoverage(name=partition.name, label=partition.label, finished=True, **counts)
        )

    def total(name: str) -> int:
        return sum(getattr(partition, name) for partition in partitions)

    unscanned = sum(partition.expected for partition in partitions if not partition.finished)
    wanted = total("scanned") + total("failed") + total("missing") + unscanned
    return Coverage(
        expected=total("expected"),
        scanned=total("scanned"),
        failed=total("failed"),
        vanished=total("vanished"),
        skipped=total("skipped"),
        missing=total("missing"),
        hubs=total("hubs"),
        share=total("scanned") / wanted if wanted else 1.0,
        problems=tuple(problem for partition in partitions for problem in partition.problems()),
        partitions=tuple(partitions),
    )


def _stats(run: RunDir, plan: Plan, partition: Partition) -> ScanStats | None:
    manifest = read_manifest(run.storage, stage_name(partition.name))
    if manifest is None:
        return None
    stats = ScanStats(**manifest.result)
    if stats.plan != plan.digest:
        raise ArtifactError(
            f"{run.address}: partition {partition.label} was scanned by another plan than the run has now; "
            f"clear its scan task."
        )
    return stats
