"""Check before trust: tries on a scratch document of its own what the policies will do to real ones.

A Flow may hold fields that it does not return, or lose what it knows of a picture when a field changes;
deletions and tags would then be irreversible. Until all steps have passed for a collection and its settings,
nothing writes to it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from include.dedupe.acting.again import Copy
from include.dedupe.acting.lease import hold_lease, meeting_place
from include.dedupe.acting.scratch import ADDS, Scratch, Step
from include.dedupe.acting.scratch_ids import forget, new_id, remove_leftovers
from include.dedupe.acting.shapes import further_models, richest_first, sample_documents, uncovered
from include.dedupe.acting.writer import FlowWriter
from include.dedupe.clock import now
from include.dedupe.clustering.facts import canonical
from include.dedupe.errors import ArtifactError, CheckError
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.storage import Storage

FILE = "check.json"


async def check(writer: FlowWriter, lasting: Storage, config: CollectionConfig) -> list[Step]:
    """Try all steps, write down what came of them, and leave nothing but the marker in the collection.

    All are tried with a copy of the document that has most fields; what concerns fields also with a copy of
    one document for each further shape that the collection has.

    Raises:
        LeaseError: somebody else writes to the collection.
    """
    place = meeting_place(lasting, config)
    with hold_lease(place, "The check"):
        await remove_leftovers(writer, lasting)
        steps = await _try_shapes(writer, lasting, place, config)
    passed = all(not step.problem for step in steps)
    result = {"key": _key(config), "passed": passed, "at": now(), "steps": [asdict(one) for one in steps]}
    lasting.write(FILE, json.dumps(result, indent=2, ensure_ascii=False).encode())
    return steps


async def _try_shapes(
    writer: FlowWriter, lasting: Storage, place: Storage, config: CollectionConfig
) -> list[Step]:
    """Try all steps with one document; then, where that went well, those that concern fields with others."""
    documents = await sample_documents(writer, config)
    copies = [Copy(*rule) for rule in await writer.copies()]
    first = Scratch(writer, config, place, new_id(lasting), richest_first(documents), copies)
    steps = await first.all_steps()
    forget(lasting, first.id)
    if first.model is None or any(step.problem for step in steps):
        return steps
    models = further_models(documents, first.model)
    others = [first.of_another_shape(new_id(lasting), model) for model in models]
    for one, tried in zip(others, await asyncio.gather(*(one.all_steps() for one in others)), strict=True):
        forget(lasting, one.id)
        wrong = {step.name: step for step in tried if step.problem}
        steps = [wrong.get(step.name, step) for step in steps]
    left_out = [*first.blind.values(), *uncovered(documents, [first.model, *models])]
    return [replace(step, note="; ".join(left_out)) if step.name == ADDS else step for step in steps]


def has_passed(lasting: Storage, config: CollectionConfig) -> bool:
    """Whether the check has passed for this collection and these settings."""
    return not _why_not(lasting, config)


def require_check(lasting: Storage, config: CollectionConfig) -> None:
    """Raise ``CheckError`` with what failed, unless the check has passed for these settings."""
    if problem := _why_not(lasting, config):
        name = lasting.root.rpartition("/")[2]
        raise CheckError(f"{problem} Run `python -m include.dedupe check {name}`, and look at what fails.")


def _why_not(lasting: Storage, config: CollectionConfig) -> str:
    if not lasting.exists(FILE):
        return "Nothing has shown yet that the collection can be written to and restored."
    try:
        return lasting.read_json(FILE, lambda found: _problem(found, config), "check anew")
    except ArtifactError as error:
        return str(error)


def _problem(found: Mapping[str, Any], config: CollectionConfig) -> str:
    if found["key"] != _key(config):
        return "The collection or the settings of its fields have changed since they were checked."
    failed = [f"{step['name']}: {step['problem']}" for step in found["steps"] if step["problem"]]
    return f"The check failed. {' '.join(failed)}" if failed else ""


def _key(config: CollectionConfig) -> str:
    """Return what tells the checked collection and schema from another one."""
    policies = config.policies.model_dump() if config.policies else None
    sections = [section.model_dump() for section in (config.flow, config.fields, config.tags)]
    parts = [*sections, policies, config.guards.unverified]
    return hashlib.sha256(canonical(parts).encode()).hexdigest()
