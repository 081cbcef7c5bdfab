"""Take: what came is read once, numbered and divided into chunks, and written down.

All later steps and all retries work by that: the settings in it are those of the moment when the run began.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import pandas as pd

from include.dedupe.clock import now
from include.dedupe.errors import ArtifactError, ConfigError, GateError
from include.dedupe.gating.incoming import Incoming, Reader
from include.dedupe.gating.tables import INCOMING
from include.dedupe.parquet import from_parquet
from include.dedupe.planning.effort import Effort
from include.dedupe.rundir import Attempt, RunDir, Stage
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.gate_settings import GateSettings

STAGE, FILE = "take", "gate.json"
MOST_CHUNKS = 1024
RUNS = "gate__"
"""So begin the ids of the gate's runs."""


@dataclass(frozen=True, slots=True)
class GatePlan:
    """What a run of the gate works by.

    ``by_analysis``: Flow searches with an analysis; otherwise documents are indexed as pending first.
    ``chunks`` name the parts of what came. ``left_out`` counts what folders hold beside pictures.
    """

    run_id: str
    taken_at: str
    config: CollectionConfig
    locations: tuple[str, ...]
    by_analysis: bool
    effort: Effort
    dry_run: bool
    chunks: tuple[str, ...]
    left_out: dict[str, int]

    @property
    def gate(self) -> GateSettings:
        return require_gate(self.config)

    def to_json(self) -> dict[str, Any]:
        plain = ("run_id", "taken_at", "locations", "by_analysis", "dry_run", "chunks", "left_out")
        rest = {"config": self.config.model_dump(mode="json"), "effort": asdict(self.effort)}
        return {name: getattr(self, name) for name in plain} | rest

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> GatePlan:
        made = {
            "config": CollectionConfig.model_validate(value["config"]),
            "effort": Effort(**value["effort"]),
            "locations": tuple(value["locations"]),
            "chunks": tuple(value["chunks"]),
        }
        return cls(**{**value, **made})


def require_gate(config: CollectionConfig) -> GateSettings:
    """Return the settings of the gate.

    Raises:
        ConfigError: the collection has none.
    """
    if config.gate is None:
        raise ConfigError(
            f"The collection {config.flow.collection} has no gate: add the section gate to its settings."
        )
    return config.gate


def gate_run_id(run_id: str) -> str:
    """Return the name under which a run of the gate is kept and taken back: a scan may have the same id."""
    return run_id if is_gate_run(run_id) else f"{RUNS}{run_id}"


def is_gate_run(name: str) -> bool:
    """Whether a run of this id, or in a folder of this name, is one of the gate."""
    return name.startswith(RUNS)


def resolve_locations(
    given: Sequence[str], config: CollectionConfig, moment: dt.datetime | None
) -> tuple[str, ...]:
    """Return where the documents come from: as the run was told, else as the settings say.

    Args:
        given: locations of a parameter or of asset events.
        config: settings: ``gate.incoming``, with signs of a date such as %Y.
        moment: the date that these signs stand for.

    Raises:
        GateError: nobody says where.
    """
    if given:
        return tuple(dict.fromkeys(given))
    pattern = require_gate(config).incoming
    if not pattern:
        raise GateError("Say where the new documents are: parameter incoming, or gate.incoming in the YAML.")
    return (pattern if moment is None else moment.strftime(pattern),)


def take(
    run: RunDir,
    attempt: Attempt,
    config: CollectionConfig,
    locations: Sequence[str],
    *,
    by_analysis: bool,
    effort: Effort,
    dry_run: bool,
    most: int = MOST_CHUNKS,
) -> GatePlan:
    """Read what came, write it down in chunks, and return the plan; a retry returns the plan that is there.

    Raises:
        GateError: a location cannot be read, or holds more than ``most`` chunks.
    """
    stage = run.stage(STAGE, attempt)
    if stage.finished():
        return read_gate_plan(run)
    reader = Reader(config)
    chunks = _write_chunks(stage, (one for place in locations for one in reader.read(place)), config, most)
    plan = GatePlan(
        run_id=run.run_id,
        taken_at=now(),
        config=config,
        locations=tuple(locations),
        by_analysis=by_analysis,
        effort=effort,
        dry_run=dry_run,
        chunks=chunks,
        left_out=dict(reader.left_out),
    )
    stage.write_file(FILE, json.dumps(plan.to_json(), indent=2, ensure_ascii=False).encode())
    stage.finish({"chunks": len(chunks)})
    return plan


def read_gate_plan(run: RunDir) -> GatePlan:
    """Return what the run works by.

    Raises:
        ArtifactError: nothing has been taken in, or the folder belongs to another run.
    """
    run.result(STAGE)
    plan = run.storage.read_json(f"{STAGE}/{FILE}", GatePlan.from_json)
    if plan.run_id != run.run_id:
        raise ArtifactError(f"{run.address} belongs to run {plan.run_id!r}, not {run.run_id!r}.")
    return plan


def read_chunk(run: RunDir, chunk: str) -> list[Incoming]:
    """Return the documents of one chunk, in their order."""
    found: list[Incoming] = []
    for part in run.result(STAGE).parts.get(chunk, []):
        frame = from_parquet(run.storage.read(part), INCOMING, run.storage.path(part))
        found += [Incoming.from_columns(row) for row in frame.itertuples(index=False, name=None)]
    return found


def _write_chunks(
    stage: Stage, documents: Iterable[Incoming], config: CollectionConfig, most: int
) -> tuple[str, ...]:
    chunks: list[str] = []
    size = require_gate(config).chunk_documents
    for rows in _chunked(documents, size):
        if len(chunks) == most:
            raise GateError(
                f"There are more than {most} chunks of {size} documents; raise gate.chunk_documents (a task "
                f"can be mapped {most} times only)."
            )
        chunks.append(f"{len(chunks):05}")
        frame = pd.DataFrame([one.columns() for one in rows], columns=INCOMING.names)
        stage.write_part(chunks[-1], f"{chunks[-1]}-{stage.attempt.label}", frame, INCOMING)
    return tuple(chunks)


def _chunked(documents: Iterable[Incoming], size: int) -> Iterator[list[Incoming]]:
    """Yield lists of at most ``size`` documents; one that is empty where nothing came."""
    source = iter(documents)
    yield list(islice(source, size))
    while rows := list(islice(source, size)):
        yield rows
