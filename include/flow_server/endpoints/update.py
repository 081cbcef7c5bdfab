"""POST /update: adds (with a picture to analyse), atomic updates, deletes and commits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.flow_server.analysis import preprocessed
from include.flow_server.endpoints.commands import (
    Command,
    Commit,
    CommitWithin,
    Insert,
    read_commands,
    whole_number,
)
from include.flow_server.errors import BadRequestError, FlowError, NotFoundError
from include.flow_server.measures import measures
from include.flow_server.store.atomic import is_atomic
from include.flow_server.store.protocol import Add, Delete, DeleteByQuery, Written
from include.flow_server.store.terms import listed

if TYPE_CHECKING:
    from include.detector.imaging import Descriptor
    from include.flow_server.analysis import Analyser
    from include.flow_server.collection import Collection
    from include.flow_server.endpoints.parameters import Parameters
    from include.flow_server.pictures import PictureFolder
    from include.flow_server.store.schema import Schema


AUTO_COMMIT_MILLISECONDS = 15_000


@dataclass(frozen=True, slots=True)
class _Context:
    """What all documents of one request share; `host` is how the client called this server."""

    parameters: Parameters
    host: str
    schema: Schema
    allow_hosts: tuple[str, ...]


class Updater:
    """Prepares documents (which may mean to download and analyse) and writes them in the order given."""

    def __init__(self, analyser: Analyser, pictures: PictureFolder, workers: int) -> None:
        self._analyser = analyser
        self._pictures = pictures
        self._threads = ThreadPoolExecutor(workers * 2, thread_name_prefix="pictures")

    def update(
        self, collection: Collection, parameters: Parameters, body: bytes, *, documents_only: bool, host: str
    ) -> Written:
        """Does what the body says; the first command that fails is told, those before it stay written."""
        if parameters.flag("rollback"):
            raise BadRequestError("parameter 'rollback' is not supported")
        commands = read_commands(body, documents_only)
        at_once = parameters.flag("commit") or parameters.flag("softCommit")
        asked = [parameters.number("commitWithin", 0)]
        asked += [one.milliseconds for one in commands if isinstance(one, CommitWithin)]
        within = min((one for one in asked if one > 0), default=AUTO_COMMIT_MILLISECONDS)
        context = _Context(parameters, host, collection.store.schema, collection.allow_hosts)
        written = Written()
        try:
            self._write(collection, commands, context, written)
        except FlowError:
            collection.commit_within(within)  # of those before the one that failed
            raise
        if at_once:
            collection.commit()
        elif commands:
            collection.commit_within(within)
        return written

    def _write(
        self, collection: Collection, commands: list[Command], context: _Context, written: Written
    ) -> None:
        skip_conflicts = not context.parameters.flag("failOnVersionConflicts", default=True)
        pending: list[Add | Delete | DeleteByQuery] = []
        doing = [one for one in commands if not isinstance(one, CommitWithin)]
        try:
            for command in self._threads.map(lambda one: self._prepared(one, context), doing):
                if isinstance(command, Commit):
                    _extend(written, collection.store.update(pending, skip_conflicts))
                    pending = []
                    collection.commit()
                else:
                    pending.append(command)
        finally:
            _extend(written, collection.store.update(pending, skip_conflicts))

    def close(self) -> None:
        self._threads.shutdown(wait=True)

    def _prepared(
        self, command: Insert | Delete | DeleteByQuery | Commit, context: _Context
    ) -> Add | Delete | DeleteByQuery | Commit:
        return self._add(command, context) if isinstance(command, Insert) else command

    def _add(self, insert: Insert, context: _Context) -> Add:
        fields = dict(insert.fields)
        document_id = _document_id(fields.pop("id", None))
        version = whole_number(fields.pop("_version_", context.parameters.text("_version_") or 0))
        given = fields.pop("import", None)
        descriptor, image = self._picture(document_id, fields.get("image"), given, context)
        for name, value in fields.items():
            if isinstance(value, dict) and context.schema.find(name) is None:
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

    def _picture(
        self, document_id: str, image: Any, given: Any, context: _Context
    ) -> tuple[Descriptor | None, str | None]:
        """The descriptor, and the path inside the folder where the picture is from there."""
        if isinstance(image, dict):
            image = image.get("set")
        image = image[0] if isinstance(image, list) and image else image
        text = str(image) if image else ""
        own = self._pictures.own_path(text, context.host)
        try:
            if given is not None:
                descriptor = preprocessed(given)
                if own is None:
                    own = self._pictures.former_path(text, descriptor.byte_size)
                return descriptor, own if own != text else None
            if not text:
                return None, None
            file = None if own is None else self._pictures.path(own)
            return self._analyser.of_image(own or text, file, context.allow_hosts), own
        except (BadRequestError, NotFoundError) as error:
            raise BadRequestError(f"ERROR: [doc={document_id}] {error}") from None


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
