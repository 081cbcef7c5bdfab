"""Analyses anew the pictures that another version analysed: `python -m include.flow_server reanalyze`.

Nothing but the descriptor of a document changes. Each chunk is written and committed whole, so that the
command can be stopped at any moment and given again, and a running server takes in chunk after chunk. What a
document got from others meanwhile, a new picture too, stands.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tqdm import tqdm

from include.flow_server.analysis import Analyser
from include.flow_server.errors import BadRequestError, FlowError
from include.flow_server.pictures import PictureFolder
from include.flow_server.service import open_store, store_file
from include.flow_server.store.protocol import Document, Reanalysed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.detector.imaging import Analysis
    from include.flow_server.settings import ServerSettings
    from include.flow_server.store.protocol import DocumentStore

_CHUNK = 200


@dataclass(slots=True)
class ReanalyzeReport:
    """What one run did; `failed` holds (id, cause) of pictures that cannot be read any more."""

    renewed: int = 0
    dropped: bool = False
    failed: list[tuple[str, str]] = field(default_factory=list)

    def summary(self) -> str:
        kept = "left without a picture" if self.dropped else "with their old descriptor, not to be compared"
        return f"{self.renewed} analysed anew, {len(self.failed)} unreadable" + (
            f" and {kept}" if self.failed else ""
        )


def reanalyze(settings: ServerSettings, *, drop_unreadable: bool = False) -> ReanalyzeReport:
    """Brings the first collection of `settings` to this version.

    A picture that cannot be read keeps its old descriptor, or with `drop_unreadable` has none from then on.

    Raises:
        BadRequestError: there is no such collection.
        NotFoundError: nor in the SolrCloud.
    """
    (name, *_) = settings.collections
    if not settings.solr_urls and not store_file(settings.data, name).is_file():
        raise BadRequestError(f"there is no collection '{name}' in {settings.data}")
    store, analyser = open_store(settings, name), Analyser(settings)
    try:
        run = _Run(store, analyser, PictureFolder(settings.images), settings.allow_hosts.get(name, ()))
        return run.run(settings.workers, ReanalyzeReport(dropped=drop_unreadable))
    finally:
        analyser.close()
        store.close()


@dataclass(frozen=True, slots=True)
class _Run:
    store: DocumentStore
    analyser: Analyser
    pictures: PictureFolder
    allow_hosts: Sequence[str]

    def run(self, workers: int, report: ReanalyzeReport) -> ReanalyzeReport:
        outdated = self.store.outdated()
        with (
            ThreadPoolExecutor(workers * 2) as threads,
            tqdm(total=len(outdated), unit="picture", desc="reanalyze", disable=not outdated) as progress,
        ):
            for start in range(0, len(outdated), _CHUNK):
                keys = outdated[start : start + _CHUNK]
                self._chunk(keys, threads, report)
                progress.update(len(keys))
        self.store.commit()  # of a chunk, too, that an earlier run wrote just before it was killed
        return report

    def _chunk(self, keys: Sequence[int], threads: ThreadPoolExecutor, report: ReanalyzeReport) -> None:
        before, documents = self.store.descriptors(keys), self.store.documents(keys, ["image"])
        there = [documents[key] for key in keys if key in documents and key in before]
        operations = []
        for document, found in zip(there, threads.map(self._described, there), strict=True):
            descriptor = None
            if isinstance(found, str):
                report.failed.append((document.id, found))
            else:
                report.renewed += 1
                descriptor = found.descriptor.to_bytes()
                self.store.keep([found])
            if descriptor or report.dropped:
                operations.append(Reanalysed(document.key, before[document.key], descriptor))
        self.store.update(operations)
        self.store.commit()

    def _described(self, document: Document) -> Analysis | str:
        """What is found in its picture, or why nothing is."""
        image = str(document.fields.get("image") or "")
        if not image:
            return "the document has no image to read"
        try:
            own = image if document.from_folder else self.pictures.own_path(image, "")
            file = None if own is None else self.pictures.path(own)
            return self.analyser.of_image(own or image, file, self.allow_hosts)
        except (FlowError, OSError) as error:
            return str(error)
