"""Sight: the two pictures of an order are looked at before anything of them can be lost.

Both are there, are what was judged and still make a pair of the class that the policy rests on. Of those that
go because they are exact copies, the originals are compared at full size: the last look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from include.dedupe.acting.judge import objection_to_class
from include.dedupe.acting.outcome import Objection
from include.dedupe.acting.pictures import Picture, PictureError, Pictures
from include.dedupe.acting.quarantine import is_one_file, told_of_belongings
from include.dedupe.acting.sketch import sketch
from include.dedupe.deciding.changes import Order
from include.dedupe.deciding.refused import pair_of
from include.dedupe.errors import DedupeError
from include.dedupe.flow import Document
from include.dedupe.settings.policy_settings import DELETING
from include.detector.comparing.last_look import WHOLE, differing
from include.detector.comparing.legible import is_legible
from include.safe_picture import UnreadableImageError, comparable, decode

SAME = 0.99995
"""Score from which a picture is the one that was indexed: of one picture Flow says 1, but for rounding."""
AT_ONCE = 4
ANOTHER = "picture is another one by now"
ELSEWHERE = "its keeper has no file in the library, and its address may lead to the file that is to go."
UNTOLD = "Where nothing can tell, guards.unverified: allow deletes on the word of the index."


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of an order's pictures; ``analysis`` and ``sketch`` are of the document's own.

    ``keeper`` is None where nobody can read its picture and the settings take that. ``is_one_file``: both
    were names of one file, which a replaced one may be.
    """

    own: Picture
    keeper: Picture | None
    analysis: Mapping[str, Any]
    sketch: str = ""
    is_one_file: bool = False


@dataclass(slots=True)
class Sights:
    """Looks at the pictures of a batch's orders; a few at a time, for they may be large.

    ``overruled`` as of ``Looking``.
    """

    pictures: Pictures
    overruled: frozenset[str]
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _analyses: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def is_lenient(self) -> bool:
        return self.pictures.config.guards.unverified == "allow"

    async def see(self, order: Order, document: Document, keeper: Document) -> Sight | Objection:
        """Return what was seen, without the bytes, or what speaks against the order."""
        async with self._slots:
            try:
                return await self._see(order, document, keeper)
            except DedupeError as error:
                return Objection(str(error))

    async def change(self, sight: Sight, document: Document, keeper: Document) -> str:
        """Read both pictures once more; return what has become of them since, empty if nothing."""
        try:
            own = await self._read("the", document)
            kept = await self._keeper(keeper)
            if is_one_file(own.file, kept.file if kept else None) != sight.is_one_file:
                return (
                    "its keeper's file is not its own any more"
                    if sight.is_one_file
                    else "its keeper's file is its own file"
                )
        except DedupeError as error:
            return str(error)
        if own.mark != sight.own.mark:
            return f"the {ANOTHER}"
        now, then = ((one.mark, one.file) if one else None for one in (kept, sight.keeper))
        return "" if now == then else f"its keeper's {ANOTHER}"

    async def _see(self, order: Order, document: Document, keeper: Document) -> Sight | Objection:
        own, kept = await self._read("the", document), await self._keeper(keeper)
        is_one = is_one_file(own.file, kept.file if kept else None)
        if reason := self._objection_to_files(order, own, kept, is_one=is_one):
            return Objection(reason)
        analysis = await self._analysis("the", document, own)
        if kept is not None:
            known = await self._analysis("its keeper's", keeper, kept)
            if objection := await self._objection_to_scores(order, analysis, known):
                return Objection(objection)
        if order.decision in DELETING and (beside := self._belongings(own)):
            return beside
        if objection_to_look := await self._look_at_pixels(order, own, kept):
            return objection_to_look
        seen = Picture(kept.mark, None, kept.file) if kept else None
        is_lost = order.decision in DELETING and own.data is not None
        drawn = await asyncio.to_thread(sketch, own.data or b"") if is_lost else ""
        return Sight(Picture(own.mark, None, own.file), seen, analysis, drawn, is_one)

    def _objection_to_files(self, order: Order, own: Picture, kept: Picture | None, *, is_one: bool) -> str:
        """Return why what is done to its file would be done to its keeper's picture, too."""
        if order.decision == "replace":
            return _objection_to_bytes(own, kept)
        if is_one:
            return "its keeper's file is its own file: a link, or another spelling of its name"
        is_moved = order.decision in DELETING and own.file is not None
        is_elsewhere = kept is not None and kept.file is None
        return f"{ELSEWHERE} {UNTOLD}" if is_moved and is_elsewhere and not self.is_lenient else ""

    async def _read(self, whose: str, document: Document) -> Picture:
        try:
            return await self.pictures.read(document)
        except PictureError as error:
            hint = f". {UNTOLD}" if error.is_untold else ""
            raise PictureError(f"{whose} {error}{hint}", is_untold=error.is_untold) from error

    async def _keeper(self, keeper: Document) -> Picture | None:
        try:
            return await self._read("its keeper's", keeper)
        except PictureError as error:
            if error.is_untold and self.is_lenient:
                return None
            raise

    async def _analysis(self, whose: str, document: Document, picture: Picture) -> Mapping[str, Any]:
        if picture.mark not in self._analyses:
            try:
                self._analyses[picture.mark] = await self.pictures.analysis(document, picture)
            except PictureError as error:
                raise PictureError(f"{whose} {error}") from error
        return self._analyses[picture.mark]

    async def _objection_to_scores(
        self, order: Order, own: Mapping[str, Any], kept: Mapping[str, Any]
    ) -> str:
        """Score both pictures, as they were read, against both documents, as they were indexed."""
        try:
            by_own, by_keeper = await self._scores(order, own), await self._scores(order, kept)
        except self.pictures.writer.reader.failure as error:
            told = f"Flow cannot tell whether the pictures are what was judged: {error}"
            is_answer = not getattr(error, "retryable", False)
            return "" if self.is_lenient and is_answer else f"{told} {UNTOLD}"
        config = self.pictures.config
        least = config.scan.exact_threshold if self.is_lenient else SAME
        if by_own.get(order.id, 0.0) < least:
            return f"the {ANOTHER}" if await self._exists(order.id) else "it no longer exists"
        if by_keeper.get(order.keeper_id, 0.0) < least:
            there = await self._exists(order.keeper_id)
            return f"its keeper's {ANOTHER}" if there else "its keeper no longer exists"
        score = max(by_own.get(order.keeper_id, 0.0), by_keeper.get(order.id, 0.0))
        return objection_to_class(order, score, config)

    async def _exists(self, name: str) -> bool:
        return bool(await self.pictures.writer.reader.existing([name]))

    async def _scores(self, order: Order, analysis: Mapping[str, Any]) -> dict[str, float]:
        reader, config = self.pictures.writer.reader, self.pictures.config
        found = await reader.hits(
            analysis=analysis,
            fq=(reader.filters.any_of("id", [order.id, order.keeper_id]),),
            fl=("id", "score"),
            threshold=min(config.scan.threshold, config.guards.delete_threshold),
            approximate=False,
            smartfilter="off",
            max_hits=2,
        )
        return {str(hit["id"]): float(hit["score"]) for hit in found.docs}

    def _belongings(self, own: Picture) -> Objection | None:
        """Whether something lies beside the picture that a person has to decide about."""
        settings = self.pictures.config.quarantine
        if settings is None or own.file is None:
            return None
        told = told_of_belongings(own.file, settings)
        return Objection(told, "review") if told else None

    async def _look_at_pixels(self, order: Order, own: Picture, kept: Picture | None) -> Objection | None:
        """Make sure that both can be shown, and of exact copies that are to go that they show the same."""
        one, other = (order.id, order.fingerprint), (order.keeper_id, order.keeper_fingerprint)
        is_last = order.decision in DELETING and order.duplicates == "exact"
        is_last &= pair_of(one, other, order.score) not in self.overruled
        if not is_last:
            known = [one.data for one in (own, kept) if one is not None and one.data is not None]
            told = await asyncio.to_thread(unreadable, known)
            return Objection(f"a picture of the pair cannot be read: {told}") if told else None
        if kept is None or own.data is None or kept.data is None:
            told = f"both pictures cannot be fetched from here to compare them at full size. {UNTOLD}"
            return None if self.is_lenient else Objection(told)
        return await asyncio.to_thread(compare_originals, own.data, kept.data)


def _objection_to_bytes(own: Picture, kept: Picture | None) -> str:
    """Return why a file cannot be replaced by a hard link to its keeper's."""
    if own.file is None or kept is None or kept.file is None:
        return f"{'it' if own.file is None else 'its keeper'} has no file in the library"
    return "" if own.data == kept.data else "its file is not its keeper's byte for byte"


def unreadable(pictures: Sequence[bytes]) -> str:
    """Return why one of some pictures cannot be decoded; empty if all can."""
    try:
        for data in pictures:
            decode(data)
    except UnreadableImageError as error:
        return str(error)
    return ""


def compare_originals(own: bytes, kept: bytes, keeper: str = "its keeper") -> Objection | None:
    """Compare two originals; return where they differ by more than coding and scaling.

    Args:
        own: bytes of the picture that is to go.
        kept: bytes of the one that stays.
        keeper: what the one that stays is called.
    """
    if own == kept:
        return None
    pixels = []
    for whose, data in (("the", own), (f"{keeper}'s", kept)):
        try:
            pixels.append(comparable(data, (own, kept)))
        except UnreadableImageError as error:
            return Objection(f"{whose} picture cannot be read: {error}")
    if not is_legible(*pixels):
        told = f"it or {keeper} is so small that the print of the other one cannot be read in it"
        return Objection(told, "review", WHOLE.place)
    change = differing(*pixels)
    if change is None:
        return None
    told = f"it differs from {keeper} by more than coding and scaling: {change.told}"
    return Objection(told, "review", change.place)
