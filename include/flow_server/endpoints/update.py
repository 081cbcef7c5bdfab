"""POST /update: adds (with a picture to analyse), atomic updates, deletes and commits."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from starlette.concurrency import run_in_threadpool

from include.flow_server.analysis import preprocessed
from include.flow_server.endpoints.commands import (
    Commit,
    CommitWithin,
    Insert,
    read_commands,
    whole_number,
)
from include.flow_server.errors import BadRequestError, FlowError, NotFoundError, TooLargeError
from include.flow_server.measures import measures
from include.flow_server.pictures import host_of
from include.flow_server.store.atomic import is_atomic
from include.flow_server.store.protocol import Add, Delete, DeleteByQuery, Written
from include.flow_server.store.terms import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future

    from include.detector.imaging import Descriptor
    from include.flow_server.analysis import Analyser
    from include.flow_server.collection import Collection
    from include.flow_server.endpoints.parameters import Parameters
    from include.flow_server.pictures import PictureFolder

Doing: TypeAlias = "Insert | Delete | DeleteByQuery | Commit"
_Picture: TypeAlias = "tuple[Descriptor, str | None]"  # with its path in the folder where it is from there

AUTO_COMMIT_MILLISECONDS = 15_000
_AHEAD = 64


@dataclass(frozen=True, slots=True)
class _Context:
    """What all documents of one request share; `host` is how the client called this server."""

    parameters: Parameters
    host: str
    collection: Collection


class Updater:
    """Reads commands, prepares the pictures of their documents, and writes them in the order given.

    Pictures wait on the event loop for their turn; what needs none is written at once.
    """

    def __init__(self, analyser: Analyser, pictures: PictureFolder) -> None:
        self._analyser = analyser
        self._pictures = pictures

    async def update(
        self, collection: Collection, parameters: Parameters, body: bytes, *, documents_only: bool, host: str
    ) -> Written:
        """Does what the body says; the first command that fails is told, those before it stay written."""
        if parameters.flag("rollback"):
            raise BadRequestError("parameter 'rollback' is not supported")
        commands = await run_in_threadpool(read_commands, body, documents_only)
        at_once = parameters.flag("commit") or parameters.flag("softCommit")
        asked = [parameters.number("commitWithin", 0)]
        asked += [one.milliseconds for one in commands if isinstance(one, CommitWithin)]
        within = min([AUTO_COMMIT_MILLISECONDS, *(one for one in asked if one > 0)])
        context = _Context(parameters, host, collection)
        doing = [one for one in commands if not isinstance(one, CommitWithin)]
        try:
            pictures = await self._all_pictures(doing, context)
            written = await run_in_threadpool(self._write, doing, pictures, context)
        except FlowError:
            collection.commit_within(within)  # of those before the one that failed
            raise
        if at_once:
            await run_in_threadpool(collection.commit)
        elif commands:
            collection.commit_within(within)
        return written

    async def _all_pictures(
        self, doing: list[Doing], context: _Context
    ) -> Mapping[int, _Picture | FlowError]:
        """By place in `doing` the picture of each document that brings one, up to the first that fails."""
        found: dict[int, _Picture | FlowError] = {}
        running: deque[tuple[int, Future[_Picture]]] = deque()
        waiting = ((place, one) for place, one in enumerate(doing) if isinstance(one, Insert) and _image(one))
        try:
            while True:
                for place, insert in islice(waiting, _AHEAD - len(running)):
                    work = partial(self._picture, insert, context)
                    running.append((place, context.collection.turns.submit(host_of(_image(insert)), work)))
                if not running:
                    return found
                place, future = running.popleft()
                try:
                    picture = await asyncio.wrap_future(future)
                except FlowError as error:
                    return found | {place: error}
                found[place] = picture
        finally:
            for _, future in running:
                future.cancel()

    def _write(
        self, doing: list[Doing], pictures: Mapping[int, _Picture | FlowError], context: _Context
    ) -> Written:
        store = context.collection.store
        skip_conflicts = not context.parameters.flag("failOnVersionConflicts", default=True)
        versions = context.parameters.flag("versions")
        written = Written()
        pending: list[Add | Delete | DeleteByQuery] = []
        try:
            for place, command in enumerate(doing):
                if isinstance(command, Commit):
                    _extend(written, store.update(pending, skip_conflicts, versions))
                    pending = []
                    context.collection.commit()
                elif isinstance(command, Insert):
                    pending.append(self._add(command, pictures.get(place), context))
                else:
                    pending.append(command)
        finally:
            _extend(written, store.update(pending, skip_conflicts, versions))
        return written

    def _add(self, insert: Insert, picture: _Picture | FlowError | None, context: _Context) -> Add:
        fields = dict(insert.fields)
        document_id = _document_id(fields.pop("id", None))
        version = whole_number(fields.pop("_version_", context.parameters.text("_version_") or 0))
        given = fields.pop("import", None)
        if given is not None:
            picture = self._imported(document_id, given, _image_text(insert), context.host)
        if isinstance(picture, FlowError):
            raise picture
        descriptor, image = picture or (None, None)
        for name, value in fields.items():
            if isinstance(value, dict) and context.collection.store.schema.find(name) is None:
                raise BadRequestError(f'ERROR: [doc={document_id}] undefined field: "{name}"')
        if image is not None:
            fields["image"] = {"set": image} if is_atomic(fields) else image
        if descriptor:
            fields = {**measures(descriptor), **fields}
        return Add(
            document_id,
            fields,
            descriptor.to_bytes() if descriptor else None,
            from_folder=image is not None,
            version=version,
            overwrite=insert.overwrite and context.parameters.flag("overwrite", default=True),
        )

    def _imported(self, document_id: str, given: Any, image: str, host: str) -> _Picture:
        with _named(document_id):
            descriptor = preprocessed(given)
            own = self._pictures.own_path(image, host)
            if own is None:
                own = self._pictures.former_path(image, descriptor.byte_size)
            return descriptor, own if own != image else None

    def _picture(self, insert: Insert, context: _Context) -> _Picture:
        document_id, image = _document_id(insert.fields.get("id")), _image_text(insert)
        with _named(document_id):
            own = self._pictures.own_path(image, context.host)
            file = None if own is None else self._pictures.path(own)
            found = self._analyser.of_image(own or image, file, context.collection.allow_hosts)
            context.collection.store.keep([found])
            return found.descriptor, own


def _image_text(insert: Insert) -> str:
    """The `image` of a document, plain, as the operand of `set`, or the first of several."""
    image = insert.fields.get("image")
    if isinstance(image, dict):
        image = image.get("set")
    image = image[0] if isinstance(image, list) and image else image
    return str(image) if image else ""


def _image(insert: Insert) -> str:
    """The image that has to be read for this document, blank where there is none."""
    return _image_text(insert) if insert.fields.get("import") is None else ""


@contextlib.contextmanager
def _named(document_id: str) -> Iterator[None]:
    """Says of which document the picture is that cannot be read."""
    try:
        yield
    except (BadRequestError, NotFoundError, TooLargeError) as error:
        kind = TooLargeError if isinstance(error, TooLargeError) else BadRequestError
        raise kind(f"ERROR: [doc={document_id}] {error}") from None


def _document_id(given: Any) -> str:
    values = [value for value in listed(given) if value not in (None, "")]
    if not values or isinstance(values[0], dict):
        raise BadRequestError("Document is missing mandatory uniqueKey field: id")
    if len(values) > 1:
        raise BadRequestError(f"Document contains multiple values for uniqueKey field: id={values}")
    return str(values[0]).lower() if isinstance(values[0], bool) else str(values[0])


def _extend(written: Written, more: Written) -> None:
    written.adds.extend(more.adds)
    written.deletes.extend(more.deletes)
    written.queries.extend(more.queries)


def versions(written: Written) -> dict[str, Any]:
    """What `versions=true` adds to the answer: flat lists of ids and versions."""
    lists = {"adds": written.adds, "deletes": written.deletes, "deleteByQuery": written.queries}
    return {name: [part for pair in pairs for part in pair] for name, pairs in lists.items() if pairs}
