"""Facts: what the fields of the documents say that rules and policies go by.

They are read once, after the pairs are known, so that decisions can be made again from the same facts when a
person gives a verdict. The fingerprint tells later whether a document is still as it was judged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from include.dedupe.clustering.nested import nested_among
from include.dedupe.flow import CONTENT, Document, FlowReader
from include.dedupe.planning.plan import Plan, read_plan
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.tables import FACTS, PAIRS

BATCH = 500


async def gather_facts(flow: FlowReader, run: RunDir, attempt: Attempt) -> int:
    """Write the facts of all documents that are in a pair or tagged, sorted by id; return how many exist."""
    stage = run.stage("facts", attempt)
    if finished := stage.finished():
        return int(finished.result["documents"])
    plan = read_plan(run)
    config = plan.config
    pairs = run.read_table("pairs", "pairs", PAIRS)
    ids = sorted({*pairs["id_a"], *pairs["id_b"], *await _tagged(flow, plan)}, key=str.encode)
    facts = await _read_all(flow, config, ids)
    weak = run.read_table("pairs", "weak", PAIRS)
    others = sorted({*weak["id_a"], *weak["id_b"]} - set(ids), key=str.encode)  # no decision is of them
    stage.write_table("facts", facts, FACTS)
    stage.write_table("weak", await _read_all(flow, config, others), FACTS)
    in_scope = (await flow.select(fq=config.scope)).num_found
    stage.finish({"documents": len(facts), "in_scope": in_scope})
    return len(facts)


async def _read_all(flow: FlowReader, config: CollectionConfig, ids: list[str]) -> pd.DataFrame:
    rows: list[tuple[Any, ...]] = []
    for first in range(0, len(ids), BATCH):
        rows.extend(await _facts_of(flow, config, ids[first : first + BATCH]))
    return pd.DataFrame(rows, columns=FACTS.names).sort_values("id", ignore_index=True)


async def _tagged(flow: FlowReader, plan: Plan) -> frozenset[str]:
    """Return the documents in the run's scope that a policy has tagged or linked."""
    tags, policies = plan.config.tags, plan.config.policies
    if policies is None or not policies.write:
        return frozenset()
    marked = f"{tags.role}:[* TO *] OR {tags.link}:[* TO *]"
    pages = flow.iterate(fq=(*plan.fq, marked), fl=("id",))
    return frozenset([document["id"] async for page in pages for document in page.docs])


def needs_facts(config: CollectionConfig) -> bool:
    return bool(config.policies or config.ignore_pairs.fields or config.only_pairs.fields)


def read_facts(run: RunDir, config: CollectionConfig) -> pd.DataFrame | None:
    """Return the facts, or None where the settings need none."""
    return run.read_table("facts", "facts", FACTS) if needs_facts(config) else None


def read_fields(facts: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the fields of each row of FACTS; all in one go, which takes a quarter of the time."""
    fields: list[dict[str, Any]] = json.loads(f"[{','.join(facts['fields'].to_numpy())}]")
    return fields


async def _facts_of(
    flow: FlowReader, config: CollectionConfig, ids: list[str]
) -> Iterable[tuple[str, bool, int, str, str]]:
    fields = dict.fromkeys([*fields_to_read(config), *config.shown_fields, *flow.content])
    documents = await flow.existing(ids, fl=tuple(fields))
    protected = await protected_among(flow, config, ids)
    return [_row(document, document["id"] in protected, config) for document in documents]


async def protected_among(flow: FlowReader, config: CollectionConfig, ids: list[str]) -> frozenset[str]:
    """Return those of ``ids`` that a filter of ``keeper.protected`` finds, or that ``scope`` leaves out."""
    found: set[str] = set()
    if config.scope:
        inside = await flow.existing(ids, fq=config.scope)
        found = set(ids) - {document["id"] for document in inside}
    for query in config.keeper.protected:
        page = await flow.select(fq=(flow.filters.any_of("id", ids), query), rows=len(ids))
        found.update(document["id"] for document in page.docs)
    return frozenset(found) | await nested_among(flow, ids)


def _row(document: Document, is_protected: bool, config: CollectionConfig) -> tuple[str, bool, int, str, str]:
    tags = config.tags.names
    names = (*judged_fields(config), *_link_fields(config), *config.shown_fields, *tags)
    fields = {name: document[name] for name in names if name in document}
    count = filled(document, config)
    return (document["id"], is_protected, count, canonical(fields), fingerprint(document, config))


def fields_to_read(config: CollectionConfig) -> tuple[str, ...]:
    """Return the ``fl`` that fingerprints and rules need; everything where completeness counts all fields."""
    if _counts_all_fields(config):
        return ("*", "_version_")
    return ("id", "_version_", *judged_fields(config), *_link_fields(config), *config.tags.names)


def judged_fields(config: CollectionConfig) -> tuple[str, ...]:
    """Return the fields that decisions rest on: the picture, what can be read, all rules, merged fields."""
    names = [config.fields.image, *filter(None, (config.fields.unreadable,))]
    for rule in config.keeper.rules:
        names += config.rule_fields(rule)
    names += [*config.ignore_pairs.fields, *config.only_pairs.fields]
    names += config.policies.merge_fields if config.policies else ()
    names += [config.fields.file_hash] if config.replaces_files else []
    return tuple(dict.fromkeys(names))


def _link_fields(config: CollectionConfig) -> tuple[str, ...]:
    """Return the field of hard links; no fingerprint has it: a sync may write it at any time."""
    return tuple(filter(None, (config.fields.hard_link,)))


def fingerprint(document: Mapping[str, Any], config: CollectionConfig) -> str:
    """Return what tells whether a document is still as it was judged; other fields do not count.

    Behind a hyphen follows what the picture was, where Flow tells it: see ``content_of``.
    """
    judged = {name: document[name] for name in judged_fields(config) if name in document}
    if _counts_all_fields(config):
        judged["\0filled"] = filled(document, config)
    digest = hashlib.sha256(canonical(judged).encode()).hexdigest()[:32]
    return f"{digest}-{str(document[CONTENT])[:32]}" if document.get(CONTENT) else digest


def content_of(fingerprint: str) -> str:
    """Return what a document's picture was when the fingerprint was taken; empty where Flow did not tell."""
    return fingerprint.partition("-")[2]


def fields_of(fingerprint: str) -> str:
    """Return the part of a fingerprint that tells of the fields alone."""
    return fingerprint.partition("-")[0]


def filled(document: Mapping[str, Any], config: CollectionConfig) -> int:
    """Count the fields that hold something, without those that the policies write."""
    own = {"id", "_version_", CONTENT, *config.tags.names}
    return sum(1 for name, value in document.items() if name not in own and value not in (None, "", []))


def _counts_all_fields(config: CollectionConfig) -> bool:
    return any(rule.rule == "most_complete" and not rule.fields for rule in config.keeper.rules)


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
