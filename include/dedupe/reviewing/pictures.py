"""Pictures for the page: of documents of a run, made small, kept on disk within a bound."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from include.dedupe.connect import address_from_connection, address_from_environment, origin_of
from include.dedupe.errors import DedupeError, UnknownError
from include.dedupe.flow import Origin
from include.dedupe.planning.plan import read_plan
from include.dedupe.reporting.pictures import MAX_BYTES
from include.dedupe.reporting.pictures import picture_bytes as fetch_picture
from include.dedupe.reviewing.shelf import Shelf
from include.dedupe.reviewing.state import open_state
from include.dedupe.rundir import RunDir
from include.dedupe.settings.config import CollectionConfig
from include.safe_picture import PreviewMaker, read_size

View = Literal["small", "large"]
SIZES: dict[View, tuple[int, int]] = {"small": (336, 252), "large": (1600, 1200)}
AT_ONCE = 8
PREPARED_AHEAD = 200
DECODED_AT_ONCE = 2
BROKEN_FOR_S = 60.0
KNOWN_FOR_S = 60.0
CLUSTERS_KNOWN = 2000
FIRST_ONLY = "only the first of several frames or pages is shown"


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as JPEG, or why there is none: then ``data`` is empty and ``problem`` is not.

    ``width`` and ``height`` are of the JPEG. ``note``: what is not shown, such as further frames.
    ``version`` changes when the bytes do (for an ETag).
    """

    data: bytes
    version: str
    width: int = 0
    height: int = 0
    note: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Cluster:
    """What is known of a cluster's documents: the addresses of their pictures, since when."""

    config: CollectionConfig
    flow: Origin
    images: Mapping[str, str]
    since: float


class Pictures:
    """Fetches, decodes and keeps pictures; one for a process, for all collections. Safe in many threads."""

    def __init__(
        self,
        folder: Path,
        headers: Callable[[str], Mapping[str, str]] = lambda _: {},
        connection: Callable[[str], Mapping[str, Any]] | None = None,
    ) -> None:
        """Make the place for pictures.

        Args:
            folder: where they are kept, a folder for each collection.
            headers: returns the headers that an Airflow connection of that id means.
            connection: returns the fields of an Airflow connection: Flow's own host may be in a private
                network. None: connections are in the environment.
        """
        self._folder, self._headers, self._connection = folder, headers, connection
        self._clusters: OrderedDict[tuple[RunDir, str], _Cluster] = OrderedDict()
        self._shelves: dict[str, Shelf] = {}
        self._making: dict[str, threading.Lock] = {}
        self._broken: OrderedDict[str, tuple[float, Shown]] = OrderedDict()
        self._lock = threading.Lock()
        self._makers: SimpleQueue[PreviewMaker] = SimpleQueue()
        for _ in range(DECODED_AT_ONCE):
            self._makers.put(PreviewMaker())
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="pictures")
        self._room = threading.Semaphore(PREPARED_AHEAD)

    def show(self, run: RunDir, cluster: str, document: str, view: View = "small") -> Shown:
        """Return the picture of a document of a cluster.

        Raises:
            UnknownError: the run has no such cluster, the cluster no such document, or there is no such view.
        """
        if view not in SIZES:
            raise UnknownError(f"There is no view {view!r:.20}; choose one of {', '.join(SIZES)}.")
        known = self._cluster(run, cluster)
        if document not in known.images:
            raise UnknownError(f"The cluster {cluster} has no document {document!r:.100}.")
        image = known.images[document]
        return self.show_document(run.collection, known.config, known.flow, document, image, view=view)

    def show_document(
        self,
        collection: str,
        config: CollectionConfig,
        flow: Origin,
        document: str,
        image: str,
        *,
        view: View,
    ) -> Shown:
        """Return the picture of a document whose ``image`` is known; ``flow`` is where Flow is."""
        source = picture_source(config, document, image, SIZES[view][0])

        def read() -> bytes:
            return picture_bytes(source, config, flow, self._headers)

        return self.show_bytes(collection, config, str(source), read, view)

    def show_bytes(
        self, collection: str, config: CollectionConfig, name: str, read: Callable[[], bytes], view: View
    ) -> Shown:
        """Return what ``read`` returns as a small picture; ``name`` tells it from all others."""
        key = hashlib.sha256(f"{collection}\n{view}\n{name}".encode()).hexdigest()
        shelf = self._shelf(collection, config)
        with self._lock:
            own = self._making.setdefault(key, threading.Lock())
        try:
            with own:
                return self._kept(shelf, key) or self._make(shelf, key, read, view)
        finally:
            with self._lock:
                self._making.pop(key, None)

    def prepare(self, run: RunDir, documents: Sequence[tuple[str, str]], view: View = "small") -> None:
        """Begin to make pictures of (cluster, document) that will be asked for soon; returns at once."""
        for cluster, document in documents:
            if self._room.acquire(blocking=False):
                made = self._pool.submit(self.show, run, cluster, document, view)
                made.add_done_callback(lambda _: self._room.release())

    def _cluster(self, run: RunDir, name: str) -> _Cluster:
        with self._lock:
            known = self._clusters.get((run, name))
        if known and time.monotonic() - known.since < KNOWN_FOR_S:
            return known
        state = open_state(run)
        place = state.place(name)
        if place < 0:
            raise UnknownError(f"Run {run.run_id} has no cluster {name!r:.80}.")
        rows = state.layout.read_members(run).read(state.member_rows([place]), ["id", "image"])
        images = dict(zip(rows["id"], rows["image"], strict=True))
        config = read_plan(run).config
        known = _Cluster(config, flow_origin(config, self._connection), images, time.monotonic())
        with self._lock:
            self._clusters[run, name] = known
            if len(self._clusters) > CLUSTERS_KNOWN:
                self._clusters.popitem(last=False)
        return known

    def _kept(self, shelf: Shelf, key: str) -> Shown | None:
        with self._lock:
            until, broken = self._broken.get(key, (0.0, None))
        if broken and time.monotonic() < until:
            return broken
        found = shelf.get(key)
        return Shown(data=found[1], **found[0]) if found else None

    def _make(self, shelf: Shelf, key: str, read: Callable[[], bytes], view: View) -> Shown:
        try:
            shown = self._shrink(read(), view)
        except (DedupeError, OSError, ValueError) as error:
            shown = Shown(b"", key[:16], problem=str(error) or type(error).__name__)
            with self._lock:
                self._broken[key] = time.monotonic() + BROKEN_FOR_S, shown
                if len(self._broken) > CLUSTERS_KNOWN:
                    self._broken.popitem(last=False)
            return shown
        about = {name: getattr(shown, name) for name in ("version", "width", "height", "note")}
        shelf.put(key, about, shown.data)
        return shown

    def _shrink(self, data: bytes, view: View) -> Shown:
        maker = self._makers.get()
        try:
            made = maker.preview(data, *SIZES[view])
        finally:
            self._makers.put(maker)
        note = FIRST_ONLY if made.is_first else ""
        return Shown(made.jpeg, hashlib.sha256(made.jpeg).hexdigest()[:16], *read_size(made.jpeg), note)

    def _shelf(self, collection: str, config: CollectionConfig) -> Shelf:
        with self._lock:
            bound = config.review.cache_mb * 1_000_000
            return self._shelves.setdefault(collection, Shelf(self._folder / collection, bound))


def flow_origin(
    config: CollectionConfig, connection: Callable[[str], Mapping[str, Any]] | None = None
) -> Origin:
    """Return where a collection's Flow is, and what lets us in; nothing where no connection tells it."""
    name, collection = config.flow.connection, config.flow.collection
    try:
        if connection is None:
            address = address_from_environment(name, collection)
        else:
            address = address_from_connection(connection(name), collection)
    except (DedupeError, ValueError, LookupError):
        return Origin()
    try:
        return origin_of(address)
    except ValueError:  # a certificate is missing here: what it serves stays guarded all the same
        return Origin(address.root)


def picture_source(config: CollectionConfig, document: str, image: str, width: int) -> str | Path:
    """Return where a picture is: a file of the library, ``review.image_url``, or the document's address."""
    if config.quarantine and document:
        library = Path(config.quarantine.library).resolve()
        path = library / document
        if str(path.resolve()) == f"{library}/{document}" and path.is_file():
            return path
    if not (template := config.review.image_url):
        return image
    values = {"id": document, "image": image, "width": str(width)}
    return re.sub(r"{(id|image|width)}", lambda found: quote(values[found[1]], safe=""), template)


def picture_bytes(
    source: str | Path, config: CollectionConfig, flow: Origin, headers: Callable[[str], Mapping[str, str]]
) -> bytes:
    """Return the bytes of the picture at ``picture_source``, fetched within limits; ``flow``: where Flow is.

    Raises:
        OSError: it cannot be had; the message says why and what to do.
    """
    if isinstance(source, Path):
        if source.stat().st_size > MAX_BYTES:
            raise OSError(f"{source} has more than the {MAX_BYTES} bytes that are allowed")
        return source.read_bytes()
    if not source:
        raise OSError("the document has no address of a picture")
    template = config.review.image_url or ""
    own = urlsplit(template).netloc.rpartition("@")[2]
    sent = headers(config.review.image_connection) if config.review.image_connection and own else {}
    allowed = [*config.report.allow_hosts, *_served_by(template)]
    return fetch_picture(source, allowed, flow, headers=sent)


def _served_by(template: str) -> list[str]:
    """Return host and folder that ``review.image_url`` names, so that they may be asked; none without it."""
    parts = urlsplit(template)
    if not parts.netloc:
        return []
    host = parts.netloc.rpartition("@")[2]
    folder = parts.path.partition("{")[0].rpartition("/")[0].strip("/")
    return [host, f"{parts.scheme}://{host}/{folder}/"] if folder else [host]
