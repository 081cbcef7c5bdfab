"""Check before trust: tries on a scratch document of its own what the policies will do to real ones.

A Flow may hold fields that it does not return, or lose what it knows of a picture when a field changes;
deletions and tags would then be irreversible. Until all steps have passed for a collection and its settings,
nothing writes to it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from include.dedupe.acting.lease import hold_lease, meeting_place
from include.dedupe.acting.marker import objection_to_claim
from include.dedupe.acting.unreturned import losses
from include.dedupe.acting.untold import untold
from include.dedupe.acting.writer import FlowWriter
from include.dedupe.clock import now
from include.dedupe.clustering.facts import canonical
from include.dedupe.clustering.pair_rules import SCRATCH
from include.dedupe.deciding.changes import merged
from include.dedupe.errors import CheckError
from include.dedupe.flow import Document
from include.dedupe.reporting.pictures import picture_bytes
from include.dedupe.rundir import Storage
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import MergeRule

FILE = "check.json"
VISIBLE_WITHIN_S = 60.0
FIELDS = ("*", "_version_")
SAMPLE = 100
NOT_RESTORED = frozenset({"_version_"})


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried. ``problem`` is empty if it went well."""

    name: str
    problem: str = ""


async def check(writer: FlowWriter, lasting: Storage, config: CollectionConfig) -> list[Step]:
    """Try all steps, write down what came of them, and leave nothing but the marker in the collection.

    Raises:
        LeaseError: somebody else writes to the collection.
    """
    place = meeting_place(lasting, config)
    with hold_lease(place, "The check"):
        steps = await _Scratch(writer, config, place, f"{SCRATCH}{uuid.uuid4().hex}").all_steps()
    passed = all(not step.problem for step in steps)
    result = {"key": _key(config), "passed": passed, "at": now(), "steps": [asdict(one) for one in steps]}
    lasting.write(FILE, json.dumps(result, indent=2, ensure_ascii=False).encode())
    return steps


async def _remove_leftovers(writer: FlowWriter) -> None:
    """Remove what a check that was killed has left behind."""
    pages = writer.reader.iterate(fq=(f"id:{SCRATCH}*",), fl=("id", "_version_"))
    left = [document async for page in pages for document in page.docs]
    for document in left:
        await writer.delete(document["id"], int(document["_version_"]))
    if left:
        await writer.commit()


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
    found = json.loads(lasting.read(FILE))
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


@dataclass(slots=True)
class _Scratch:
    """A document of our own, a copy of the one that has most fields among the first."""

    writer: FlowWriter
    config: CollectionConfig
    place: Storage
    id: str
    analysis: Mapping[str, Any] | None = None
    added: Document | None = None
    hits: frozenset[str] = frozenset()
    is_sent: bool = False
    model: Document | None = None

    async def all_steps(self) -> list[Step]:
        steps: list[Step] = []
        named = (
            ("no field would be lost", self._look_for_losses),
            ("no other storage writes to the collection", self._claim),
            ("a picture can be analysed and added", self._add),
            ("pictures can be compared as they are now", self._compare_pictures),
            ("fields can be set and are found", self._tag),
            ("merged fields can be written", self._merge),
            ("a changed document keeps its duplicates", self._compare_hits),
            ("a document can be deleted", self._delete),
            ("a restored document has the same fields", self._restore),
            ("a restored document has the same duplicates", self._compare_hits),
        )
        try:
            for name, step in named:
                try:
                    problem = await step()
                except (self.writer.reader.failure, CheckError, OSError, ValueError) as error:
                    problem = str(error)
                steps.append(Step(name, problem))
                if problem:
                    break
        finally:
            await self._remove()
        return steps

    async def _look_for_losses(self) -> str:
        return await losses(self.writer, self.config)

    async def _claim(self) -> str:
        problem = await objection_to_claim(self.writer, self.place, self.config)
        if not problem:
            await _remove_leftovers(self.writer)
        return problem

    async def _add(self) -> str:
        image = self.config.fields.image
        page = await self.writer.reader.select(
            fq=(f"{image}:[* TO *]",), fl=("*",), rows=SAMPLE, sort="id asc"
        )
        if not page.docs:
            return "the collection holds no document with a picture to try with"
        model = self.model = max(page.docs, key=len)
        address = str(model[image])
        try:
            self.analysis = await self.writer.analyze(url=address)
        except self.writer.reader.failure:
            hosts = (*self.config.report.allow_hosts, self.writer.reader.host)
            data = await asyncio.to_thread(picture_bytes, address, hosts)
            self.analysis = await self.writer.analyze(data=data)
        own = {"id", "_version_", "score", *self.config.tags.names}
        fields = {name: value for name, value in model.items() if name not in own}
        self.is_sent = True
        await self.writer.add({"id": self.id, **fields}, self.analysis)
        self.added = await self._visible(lambda document: True)
        self.hits = await self._hits()
        if self.added is None:
            return "it was added but cannot be seen after a commit"
        return "" if model["id"] in self.hits else "a copy of a document does not find it as duplicate"

    async def _compare_pictures(self) -> str:
        return await untold(self.writer, self.config, self.model) if self.model else ""

    async def _tag(self) -> str:
        values = self._values()
        assert self.added is not None, "the step before has added it"  # noqa: S101
        await self.writer.set_fields(self.id, int(self.added["_version_"]), values)
        tagged = await self._visible(lambda one: all(one.get(name) == values[name] for name in values))
        if tagged is None:
            found = (await self.writer.read([self.id], FIELDS)).get(self.id, {})
            wrong = [name for name in values if found.get(name) != values[name]]
            return f"the fields {', '.join(wrong)} do not hold what was set; check their types in the schema"
        self.added = tagged
        tags = self.config.tags
        query = self.writer.reader.filters.any_of(tags.of, [str(values[tags.of])])
        count = (await self.writer.reader.select(fq=(query,))).num_found
        return "" if count else f"the field {tags.of} cannot be searched; it has to be indexed as a string"

    def _values(self) -> dict[str, Any]:
        tags, text = self.config.tags, f"115 {self.id}"
        texts = dict.fromkeys((tags.cluster, tags.of, tags.role, tags.fingerprint, tags.link), text)
        return {**texts, tags.score: 0.987654321012345, tags.since: "2026-01-02T03:04:05Z"}

    async def _merge(self) -> str:
        policies = self.config.policies
        merging = [one for one in (policies.exact, policies.near) if one.do == "merge"] if policies else []
        rules = dict.fromkeys(rule for one in merging for rule in one.merge_fields.items())
        problems = [await self._merge_field(name, rule) for name, rule in rules]
        return "; ".join(filter(None, problems))

    async def _merge_field(self, name: str, rule: MergeRule) -> str:
        """Bring together what two documents of the collection have in a field, as a merge would."""
        assert self.added is not None, "a step before has added it"  # noqa: S101
        values = merged({}, await self._unlike(name), {name: rule})
        if not values:
            return ""
        told = f"{name} does not take what the rule {rule} of merge_fields makes of two values"
        try:
            await self.writer.set_fields(self.id, int(self.added["_version_"]), values)
        except self.writer.reader.failure as error:
            return f"{told}: {error}"
        seen = await self._visible(lambda one: one.get(name) == values[name])
        self.added = seen or self.added
        return "" if seen else f"{told}: it holds something else than was set"

    async def _unlike(self, name: str) -> list[Document]:
        """Return two documents with different values in a field, fewer where none are among the ends."""
        reader, found = self.writer.reader, list[Document]()
        for order in ("id asc", "id desc"):
            page = await reader.select(
                fq=(reader.filters.with_any(name),), fl=(name,), rows=SAMPLE, sort=order
            )
            found += [document for document in page.docs if name in document]
        return found[:1] + [one for one in found if one[name] != found[0][name]][:1]

    async def _delete(self) -> str:
        assert self.added is not None, "a step before has added it"  # noqa: S101
        await self.writer.delete(self.id, int(self.added["_version_"]))
        gone = await self._visible(lambda one: False, is_gone=True)
        return "" if gone is None else "it was deleted but is still there after a commit"

    async def _restore(self) -> str:
        assert self.added is not None, "a step before has added it"  # noqa: S101
        before = {name: value for name, value in self.added.items() if name not in NOT_RESTORED}
        await self.writer.add(before, self.analysis)
        after = await self._visible(lambda document: True)
        if after is None:
            return "it was added again but cannot be seen after a commit"
        names = (set(before) | set(after)) - NOT_RESTORED
        wrong = sorted(name for name in names if before.get(name) != after.get(name))
        return f"these fields came back otherwise: {', '.join(wrong)}" if wrong else ""

    async def _compare_hits(self) -> str:
        lost = self.hits ^ await self._hits()
        return f"it finds other duplicates than before: {', '.join(sorted(lost))}" if lost else ""

    async def _hits(self) -> frozenset[str]:
        found = await self.writer.reader.hits(
            self.id,
            fq=(),
            fl=("id", "score"),
            threshold=self.config.scan.threshold,
            approximate=False,
            smartfilter="off",
            max_hits=100,
        )
        return frozenset(hit["id"] for hit in found.docs)

    async def _visible(self, is_so: Callable[[Document], bool], *, is_gone: bool = False) -> Document | None:
        """Commit, and return the document as soon as it is as expected; None if it is gone or never is."""
        await self.writer.commit()
        deadline = asyncio.get_running_loop().time() + VISIBLE_WITHIN_S
        while True:
            document = (await self.writer.read([self.id], FIELDS)).get(self.id)
            if (document is None) == is_gone and (document is None or is_so(document)):
                return document
            if asyncio.get_running_loop().time() > deadline:
                return document if is_gone else None
            await asyncio.sleep(0.5)

    async def _remove(self) -> None:
        if not self.is_sent:
            return
        await self.writer.commit()
        left = (await self.writer.read([self.id], FIELDS)).get(self.id)
        if left is not None:
            await self.writer.delete(self.id, int(left["_version_"]))
            await self.writer.commit()
