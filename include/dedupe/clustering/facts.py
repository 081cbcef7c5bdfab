"""Facts: what the fields of the documents say that rules and policies go by.

They are read once, after the pairs are known, so that decisions can be made again from the same facts when a
person gives a verdict. The fingerprint tells later whether a document is still as it was judged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from include.dedupe.clustering.nested import nested_among
from include.dedupe.clustering.numbering import Numbering
from include.dedupe.clustering.ordering import in_order
from include.dedupe.flow import CONTENT, Document, FlowReader
from include.dedupe.planning.plan import Plan, read_plan
from include.dedupe.rundir import Attempt, RunDir, Stage
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.tables import FACTS, PAIRS

BATCH, PART_DOCUMENTS = 500, 500_000


async def gather_facts(flow: FlowReader, run: RunDir, attempt: Attempt) -> int:
    """Write the facts of all documents that are in a pair or tagged, sorted by id; return how many exist."""
    stage = run.stage("facts", attempt)
    if finished := stage.finished():
        return int(finished.result["documents"])
    plan = read_plan(run)
    config = plan.config
    with TemporaryDirectory() as name:
        paired, all_of_them = (Path(name) / folder for folder in ("paired", "all"))
        numbering = _numbered(run.read_rows("pairs", "pairs", PAIRS), paired)
        numbering.add(in_order([pa.array(await _tagged(flow, plan), pa.string())])[0])
        ids = numbering.finish()
        weak = _numbered(run.read_rows("pairs", "weak", PAIRS), all_of_them)
        count = await _write(stage, "facts", flow, config, ids)
        await _write(stage, "weak", flow, config, _not_among(ids, weak))  # no decision is of them
    in_scope = (await flow.select(fq=config.scope)).num_found
    stage.finish({"documents": count, "in_scope": in_scope})
    return count


def _numbered(pairs: Iterable[pa.Table], folder: Path) -> Numbering:
    """Take in the documents of pairs; ``folder``: a new one, for all ids."""
    folder.mkdir()
    numbering = Numbering(folder)
    for rows in pairs:
        numbering.add(in_order([*rows["id_a"].chunks, *rows["id_b"].chunks])[0])
    return numbering


def _not_among(ids: pa.Array, others: Numbering) -> pa.Array:
    """Return those of the others that are not in ``ids``."""
    parts = others.parts
    others.add(ids)
    every = others.finish()
    is_other = np.zeros(len(every), bool)
    for part in range(parts):
        is_other[others.places(part)] = True
    is_other[others.places(parts)] = False
    return every.filter(pa.array(is_other))


async def _write(
    stage: Stage, artifact: str, flow: FlowReader, config: CollectionConfig, ids: pa.Array
) -> int:
    """Write the facts of documents, of which no more than a part is held, and return how many exist."""
    count = 0
    for number, first in enumerate(range(0, len(ids) or 1, PART_DOCUMENTS)):
        facts = await _read_all(flow, config, ids[first : first + PART_DOCUMENTS])
        stage.write_part(artifact, f"{stage.attempt.label}-{number:05}", facts, FACTS)
        count += len(facts)
    return count


async def _read_all(flow: FlowReader, config: CollectionConfig, ids: pa.Array) -> pd.DataFrame:
    rows: list[tuple[Any, ...]] = []
    for first in range(0, len(ids), BATCH):
        rows.extend(await _facts_of(flow, config, ids[first : first + BATCH].to_pylist()))
    return pd.DataFrame(rows, columns=FACTS.names).sort_values("id", ignore_index=True)


async def _tagged(flow: FlowReader, plan: Plan) -> list[str]:
    """Return the documents in the run's scope that a policy has tagged or linked."""
    tags, policies = plan.config.tags, plan.config.policies
    if policies is None or not policies.write:
        return []
    marked = f"{tags.role}:[* TO *] OR {tags.link}:[* TO *]"
    pages = flow.iterate(fq=(*plan.fq, marked), fl=("id",))
    return [document["id"] async for page in pages for document in page.docs]


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
