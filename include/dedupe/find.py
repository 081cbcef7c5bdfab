"""Find: the duplicates of one picture, be it in the collection or not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from include.dedupe.errors import DedupeError
from include.dedupe.flow import FlowReader
from include.dedupe.planning.effort import choose_effort
from include.dedupe.planning.scope import search_filters
from include.dedupe.settings.config import CollectionConfig


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture to search with: exactly one of a document's id, an address and the bytes of a file."""

    document_id: str | None = None
    url: str | None = None
    data: bytes | None = None

    @classmethod
    def parse(cls, text: str) -> Picture:
        """Read ``text`` as an http(s) address, else as a file if there is one, else as a document's id."""
        if text.startswith(("http://", "https://")):
            return cls(url=text)
        return cls.from_file(text) if Path(text).is_file() else cls(document_id=text)

    @classmethod
    def from_file(cls, path: str) -> Picture:
        try:
            return cls(data=Path(path).read_bytes())
        except OSError as error:
            raise DedupeError(f"{path} cannot be read: {error.strerror}.") from error


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A document that looks like the picture; ``kind`` is exact or near."""

    id: str
    score: float
    kind: str
    image: str


async def find(
    flow: FlowReader, config: CollectionConfig, picture: Picture, threshold: float | None = None
) -> list[Duplicate]:
    """Return the duplicates of ``picture``, best first, without the document itself.

    Args:
        flow: the collection to search in.
        config: its settings: search scope, thresholds, scan mode.
        picture: what to search for.
        threshold: lowest score, instead of the settings' one.

    Raises:
        DedupeError: the collection has no such document.
    """
    if picture.document_id is not None:
        await _require_document(flow, picture.document_id)
    effort = choose_effort(config.scan.mode, (await flow.select()).num_found)
    image = config.fields.image
    found = await flow.hits(
        picture.document_id,
        url=picture.url,
        data=picture.data,
        fq=search_filters(config, flow.filters),
        fl=("id", "score", image),
        threshold=config.scan.threshold if threshold is None else threshold,
        approximate=effort.approximate,
        smartfilter=effort.smartfilter,
        max_hits=config.scan.max_hits,
    )
    exact = config.scan.exact_threshold
    return [
        Duplicate(
            hit["id"], hit["score"], "exact" if hit["score"] >= exact else "near", str(hit.get(image, ""))
        )
        for hit in found.docs
    ]


async def _require_document(flow: FlowReader, name: str) -> None:
    if not (await flow.select(fq=(flow.filters.any_of("id", [name]),))).num_found:
        raise DedupeError(
            f"The collection has no document {name!r}, and there is no such file; "
            f"give an id, an http address or a file."
        )
