"""POST /update: adds (with a picture to analyse), atomic updates, deletes and commits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from include.flow_server.analysis import preprocessed
from include.flow_server.endpoints.answers import header
from include.flow_server.endpoints.commands import Commit, Insert, read_commands, version_number
from include.flow_server.errors import BadRequestError, NotFoundError
from include.flow_server.store.atomic import is_atomic
from include.flow_server.store.protocol import Add, Delete, DeleteByQuery, Written

if TYPE_CHECKING:
    from include.flow_server.analysis import Analyser
    from include.flow_server.collection import Collection
    from include.flow_server.endpoints.parameters import Parameters
    from include.flow_server.imaging import Descriptor
    from include.flow_server.pictures import PictureFolder


class Updater:
    """Prepares documents (which may mean to download and analyse) and writes them in the order given."""

    def __init__(self, analyser: Analyser, pictures: PictureFolder, workers: int) -> None:
        self._analyser = analyser
        self._pictures = pictures
        self._threads = ThreadPoolExecutor(workers * 2, thread_name_prefix="pictures")

    def update(
        self, collection: Collection, parameters: Parameters, body: bytes, host: str, started: float
    ) -> dict[str, Any]:
        """Answers /update; the first command that fails is told, and what came before it stays written."""
        commands = read_commands(body)
        written = Written()
        pending: list[Add | Delete | DeleteByQuery] = []
        prepared = self._threads.map(lambda one: self._prepared(one, parameters, host), commands)
        try:
            for command in prepared:
                if isinstance(command, Commit):
                    _extend(written, collection.store.update(pending))
                    pending = []
                    collection.commit()
                else:
                    pending.append(command)
        finally:
            _extend(written, collection.store.update(pending))
        if parameters.flag("commit") or parameters.flag("softCommit"):
            collection.commit()
        versions = _versions(written) if parameters.flag("versions") else {}
        return {"responseHeader": header(started), **versions}

    def close(self) -> None:
        self._threads.shutdown(wait=True)

    def _prepared(
        self, command: Insert | Delete | DeleteByQuery | Commit, parameters: Parameters, host: str
    ) -> Add | Delete | DeleteByQuery | Commit:
        return self._add(command, parameters, host) if isinstance(command, Insert) else command

    def _add(self, insert: Insert, parameters: Parameters, host: str) -> Add:
        fields = dict(insert.fields)
        document_id = fields.pop("id", None)
        if document_id is None or document_id == "" or isinstance(document_id, (dict, list)):
            raise BadRequestError("Document is missing mandatory uniqueKey field: id")
        document_id = str(document_id)
        version = version_number(fields.pop("_version_", parameters.text("_version_") or 0))
        given = fields.pop("import", None)
        descriptor, image = self._picture(document_id, fields.get("image"), given, host)
        if image is not None:
            fields["image"] = {"set": image} if is_atomic(fields) else image
        return Add(
            document_id,
            fields,
            descriptor.to_bytes() if descriptor else None,
            from_folder=image is not None,
            version=version,
            overwrite=insert.overwrite and parameters.flag("overwrite", default=True),
        )

    def _picture(
        self, document_id: str, image: Any, given: Any, host: str
    ) -> tuple[Descriptor | None, str | None]:
        """The descriptor, and the path inside the folder where the picture is from there."""
        if isinstance(image, dict):
            image = image.get("set")
        image = image[0] if isinstance(image, list) and image else image
        text = str(image) if image else ""
        own = self._pictures.own_path(text, host)
        try:
            if given is not None:
                address_of_ours = own is not None and own != text
                return preprocessed(given), own if address_of_ours else None
            if own is not None:
                return self._analyser.of_file(self._pictures.path(own), own), own
            if text.startswith("data:"):
                return self._analyser.of_base64(text), None
            return (self._analyser.of_url(text), None) if text else (None, None)
        except (BadRequestError, NotFoundError) as error:
            raise BadRequestError(f"ERROR: [doc={document_id}] {error}") from None


def _extend(written: Written, more: Written) -> None:
    written.adds.extend(more.adds)
    written.deletes.extend(more.deletes)
    written.queries.extend(more.queries)


def _versions(written: Written) -> dict[str, Any]:
    lists = {"adds": written.adds, "deletes": written.deletes, "deleteByQuery": written.queries}
    return {name: [part for pair in pairs for part in pair] for name, pairs in lists.items() if pairs}
