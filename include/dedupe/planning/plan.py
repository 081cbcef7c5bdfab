"""Plan: the scope of a run is divided into partitions, once, and written down.

All later stages and all retries work by the plan: the settings in it are those of the moment when the run
began, so that an edit of the YAML changes the next run and never half of this one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from include.dedupe.errors import ArtifactError, PlanError
from include.dedupe.flow import FlowReader, LeftOut
from include.dedupe.planning.default_rules import with_default_rules
from include.dedupe.planning.effects import check_effects
from include.dedupe.planning.effort import Effort, choose_effort
from include.dedupe.planning.partitions import Partition, divide
from include.dedupe.planning.pick import share_quota
from include.dedupe.planning.scope import Scope, scope_filters, search_filters
from include.dedupe.planning.settings_check import check_settings
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.sequence import next_number
from include.dedupe.settings.config import CollectionConfig
from include.safe_text import without_login

PLAN_FILE = "plan.json"
MOST_PARTITIONS = 1024


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do."""

    run_id: str
    created_at: str
    config: CollectionConfig
    scope: Scope
    fq: tuple[str, ...]
    search_fq: tuple[str, ...]
    collection_documents: int
    detector: str
    effort: Effort
    partitions: tuple[Partition, ...]
    notes: tuple[str, ...] = ()
    """What of the settings has no effect, in words."""
    left_out: tuple[LeftOut, ...] = ()
    """Files of the collection's folder that no run can find, where the server tells."""
    sequence: int = 0
    """Tells what was planned first, and no clock does; 0 where nobody counted yet."""

    @property
    def documents(self) -> int:
        """Documents that the run is to scan."""
        return sum(partition.wanted for partition in self.partitions)

    @property
    def digest(self) -> str:
        """What tells this plan from any other."""
        text = json.dumps(self.to_json(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def partition(self, name: str) -> Partition:
        for partition in self.partitions:
            if partition.name == name:
                return partition
        raise PlanError(f"The plan has no partition {name!r}; clear the plan task and what follows it.")

    def to_json(self) -> dict[str, Any]:
        config = self.config.model_dump(mode="json")
        if "://" in (config["storage"] or ""):
            config["storage"] = without_login(config["storage"])
        return {
            "run_id": self.run_id,
            "created_at": self.created_at,
            "config": config,
            "scope": self.scope.to_json(),
            "fq": list(self.fq),
            "search_fq": list(self.search_fq),
            "collection_documents": self.collection_documents,
            "detector": self.detector,
            "effort": asdict(self.effort),
            "partitions": [partition.to_json() for partition in self.partitions],
            "notes": list(self.notes),
            "left_out": [asdict(one) for one in self.left_out],
            "sequence": self.sequence,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Plan:
        return cls(
            run_id=value["run_id"],
            created_at=value["created_at"],
            config=CollectionConfig.model_validate(value["config"]),
            scope=Scope.from_json(value["scope"]),
            fq=tuple(value["fq"]),
            search_fq=tuple(value["search_fq"]),
            collection_documents=value["collection_documents"],
            detector=value["detector"],
            effort=Effort(**value["effort"]),
            partitions=tuple(Partition.from_json(item) for item in value["partitions"]),
            notes=tuple(value.get("notes", ())),
            left_out=tuple(
                LeftOut(one["what"], one["count"], tuple(one["examples"]))
                for one in value.get("left_out", ())
            ),
            sequence=value.get("sequence", 0),
        )


async def plan(
    flow: FlowReader,
    run: RunDir,
    attempt: Attempt,
    config: CollectionConfig,
    scope: Scope,
    *,
    most: int = MOST_PARTITIONS,
) -> Plan:
    """Divide the scope into partitions and write the plan; a retry returns the plan that is there.

    ``most``: partitions that there may be at all, whatever the settings say.

    Raises:
        PlanError: the partitions would not hold each document of the scope exactly once, or be too many; or
            the settings name fields, values or filters that no document has.
        ScopeError: the settings do not name the field that the scope goes by.
    """
    stage = run.stage("plan", attempt)
    if stage.finished():
        return read_plan(run)
    made = await _make(flow, run, config, scope, most)
    stage.write_file(PLAN_FILE, json.dumps(made.to_json(), indent=2, ensure_ascii=False).encode())
    stage.finish({"documents": made.documents, "partitions": len(made.partitions)})
    return made


async def _make(flow: FlowReader, run: RunDir, config: CollectionConfig, scope: Scope, most: int) -> Plan:
    config, lacking = await with_default_rules(flow, config)
    await check_settings(flow, config)
    fq = scope_filters(scope, config, flow.filters)
    without_effect = await check_effects(flow, config, scope)
    partitions = await divide(flow, config, fq, min(config.max_partitions, most))
    if len(partitions) > most:
        raise PlanError(
            f"The settings make {len(partitions)} partitions, but a task can be mapped {most} times only "
            f"(core.max_map_length); name fewer queries in partitions."
        )
    collection_documents = (await flow.select(rows=0)).num_found
    return Plan(
        run_id=run.run_id,
        created_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        config=config,
        scope=scope,
        fq=fq,
        search_fq=search_filters(config, flow.filters),
        collection_documents=collection_documents,
        detector=config.flow.detector or flow.detector,
        effort=choose_effort(config.scan.mode, collection_documents),
        partitions=_with_quotas(partitions, scope),
        notes=(*lacking, *without_effect),
        left_out=flow.left_out,
        sequence=next_number(run.lasting),
    )


def _with_quotas(partitions: tuple[Partition, ...], scope: Scope) -> tuple[Partition, ...]:
    expected = [partition.expected for partition in partitions]
    quotas = share_quota(expected, sample=scope.sample, limit=scope.limit)
    return tuple(replace(partition, quota=quota) for partition, quota in zip(partitions, quotas, strict=True))


def read_plan(run: RunDir) -> Plan:
    """Return the plan of a run.

    Raises:
        ArtifactError: there is none, it is damaged, or it belongs to another run.
    """
    run.result("plan")
    found = run.storage.read_json(f"plan/{PLAN_FILE}", Plan.from_json)
    if found.run_id != run.run_id:
        raise ArtifactError(
            f"{run.address} belongs to run {found.run_id!r}, not {run.run_id!r}; start a new run."
        )
    return found
