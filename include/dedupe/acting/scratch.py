"""Scratch: a document of our own on which is tried what the policies will do to real ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from include.dedupe.acting.again import FILLED_BY_FLOW, Copy, add_again, differences, take_out_extra
from include.dedupe.acting.marker import objection_to_claim
from include.dedupe.acting.original import analyze_original
from include.dedupe.acting.seeing import FIELDS, asked_until, see
from include.dedupe.acting.unreturned import losses
from include.dedupe.acting.untold import untold
from include.dedupe.acting.writer import ConflictError, FlowWriter
from include.dedupe.deciding.changes import merged
from include.dedupe.errors import DedupeError
from include.dedupe.flow import Document
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import MergeRule
from include.dedupe.storage import Storage

SAMPLE = 100
ADDS = "a picture can be analysed and added"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried. ``problem`` is empty if it went well; ``note`` says what was not tried."""

    name: str
    problem: str = ""
    note: str = ""


@dataclass(slots=True)
class Scratch:
    """A document of our own, a copy of the first of ``models`` whose picture can be had.

    ``place`` is where the writers of this storage meet. ``model`` is the document that was copied, ``blind``
    says of those before it why their pictures cannot be had. With a ``picture``, its address, it has that
    one instead, and tries only what concerns fields.
    """

    writer: FlowWriter
    config: CollectionConfig
    place: Storage
    id: str
    models: Sequence[Document]
    copies: Sequence[Copy]
    picture: str = ""
    model: Document | None = None
    blind: dict[str, str] = field(default_factory=dict)
    analysis: Mapping[str, Any] | None = None
    added: Document | None = None
    hits: frozenset[str] = frozenset()
    is_sent: bool = False

    def of_another_shape(self, document_id: str, model: Document) -> Scratch:
        """Return one with the fields of another document and the same picture."""
        assert self.model is not None, "this one has been tried"  # noqa: S101
        address = str(self.model[self.config.fields.image])
        return replace(self, id=document_id, models=[model], picture=address, added=None, is_sent=False)

    async def all_steps(self) -> list[Step]:
        steps: list[Step] = []
        named = (
            ("no field would be lost", self._look_for_losses, False),
            ("no other storage writes to the collection", self._claim, False),
            (ADDS, self._add, True),
            ("pictures can be compared as they are now", self._compare_pictures, False),
            ("fields can be set and are found", self._tag, True),
            ("merged fields can be written", self._merge, False),
            ("a changed document keeps its duplicates", self._compare_hits, False),
            ("a document can be deleted", self._delete, False),
            ("a restored document has the same fields", self._restore, False),
            ("a restored document has the same duplicates", self._compare_hits, False),
        )
        try:
            for name, step, is_for_each in named:
                if self.picture and not is_for_each:
                    continue
                try:
                    problem = await step()
                except (self.writer.reader.failure, DedupeError, OSError, ValueError) as error:
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
        return await objection_to_claim(self.writer, self.place, self.config)

    async def _add(self) -> str:
        if not self.models:
            return "the collection holds no document with a picture to try with"
        model = self.models[0] if self.picture else await self._first_analysed()
        if model is None:
            return "; ".join(self.blind.values())
        own = {"id", *self.config.tags.names}
        copy = {"id": self.id, **{name: value for name, value in model.items() if name not in own}}
        if self.picture:
            copy[self.config.fields.image] = self.picture
        if problem := await self._add_again(copy, but={rule.dest for rule in self.copies}):
            return f"{problem} (a copy of {model['id']!r})" if self.picture else problem
        if self.picture:
            return ""
        self.hits = await asked_until(self._hits, lambda hits: model["id"] in hits)
        return "" if model["id"] in self.hits else "a copy of a document does not find it as duplicate"

    async def _compare_pictures(self) -> str:
        assert self.model is not None, "the step before has copied it"  # noqa: S101
        return await untold(self.writer, self.config, self.model)

    async def _first_analysed(self) -> Document | None:
        """Return the first model whose picture can be analysed, and keep why those before it cannot."""
        for model in self.models:
            try:
                self.analysis = await self._analyse(str(model[self.config.fields.image]))
            except (self.writer.reader.failure, OSError, ValueError) as error:
                self.blind[model["id"]] = f"{model['id']!r} has no picture to try with: {error}"
            else:
                self.model = model
                break
        return self.model

    async def _analyse(self, address: str) -> Mapping[str, Any]:
        return await analyze_original(self.writer, self.config, address)

    async def _add_again(self, document: Document, but: Collection[str] = ()) -> str:
        """Add a document as a restore would; return what is not as it should be, but for some patterns."""
        self.is_sent = True
        try:
            await add_again(self.writer, document, self.analysis, self.copies)
        except ConflictError:
            self.is_sent = False  # it is somebody else's
            raise
        self.added = await self._visible(lambda _: True)
        if self.added and await take_out_extra(self.writer, document, self.added):
            self.added = await self._visible(lambda one: set(one) <= {*document, *FILLED_BY_FLOW})
        if self.added is None:
            return "it was added but cannot be seen as it was after a commit"
        found = differences(document, self.added)
        wrong = [name for name in found if not any(fnmatchcase(name, pattern) for pattern in but)]
        return f"these fields came back otherwise: {', '.join(wrong)}" if wrong else ""

    async def _tag(self) -> str:
        values = self._values()
        assert self.added is not None, "the step before has added it"  # noqa: S101
        await self.writer.set_fields(self.id, int(self.added["_version_"]), values)
        tagged = await self._visible(lambda one: all(one.get(name) == values[name] for name in values))
        if tagged is None:
            found = (await self.writer.read([self.id], FIELDS)).get(self.id, {})
            wrong = [name for name in values if found.get(name) != values[name]]
            return f"the fields {', '.join(wrong)} do not hold what was set; check their types in the schema"
        if spoilt := [name for name in differences(self.added, tagged) if name not in values]:
            return f"to set fields has changed others: {', '.join(spoilt)}"
        self.added = tagged
        tags = self.config.tags
        query = self.writer.reader.filters.any_of(tags.of, [str(values[tags.of])])
        page = await asked_until(lambda: self.writer.reader.select(fq=(query,)), lambda page: page.num_found)
        told = f"the field {tags.of} cannot be searched; it has to be indexed as a string"
        return "" if page.num_found else told

    def _values(self) -> dict[str, Any]:
        tags, text = self.config.tags, f"115 {self.id}"
        texts = dict.fromkeys((tags.cluster, tags.of, tags.role, tags.fingerprint, tags.link), text)
        if self.config.replaces_files and self.config.fields.hard_link:
            texts[self.config.fields.hard_link] = text
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
        return await self._add_again(self.added)

    async def _compare_hits(self) -> str:
        lost = self.hits ^ await asked_until(self._hits, lambda hits: hits == self.hits)
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

        def is_as_expected(documents: Mapping[str, Document]) -> bool:
            document = documents.get(self.id)
            return (document is None) == is_gone and (document is None or is_so(document))

        documents = await see(self.writer, [self.id], is_as_expected)
        return documents.get(self.id) if is_gone or is_as_expected(documents) else None

    async def _remove(self) -> None:
        if not self.is_sent:
            return
        await self.writer.commit()
        left = (await self.writer.read([self.id], FIELDS)).get(self.id)
        if left is not None:
            await self.writer.delete(self.id, int(left["_version_"]))
            await self.writer.commit()
