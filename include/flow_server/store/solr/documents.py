"""Documents as Solr keeps them: the fields of the user, and those below `flow_` that hold the picture.

A key is the id read as a number, so that every server has the same keys and none has to remember any.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from include.detector.comparing.closeness import codes
from include.flow_server.errors import BadRequestError
from include.flow_server.index.memory import comparable
from include.flow_server.store.atomic import is_atomic
from include.flow_server.store.protocol import Add, Delete, DeleteByQuery, Document
from include.flow_server.store.solr.closeness import hash_signs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from include.flow_server.store.protocol import Operation

OWN = "flow_"
DESCRIPTOR, VERSION, CONTENT_HASH, HASHES = (
    OWN + name for name in ("descriptor", "version", "content_hash", "hashes")
)
EMBEDDING, PDQ, PDQ_CONTENT = (OWN + name for name in ("embedding", "pdq", "pdq_content"))
FROM_FOLDER = OWN + "from_folder"
_VECTORS = (EMBEDDING, PDQ, PDQ_CONTENT)
_PICTURE = (DESCRIPTOR, VERSION, CONTENT_HASH, HASHES, *_VECTORS)


def key_of(document_id: str) -> int:
    """The key of an id: its bytes, after a one that keeps leading zeros."""
    return int.from_bytes(b"\x01" + document_id.encode("utf-8", "surrogatepass"))


def id_of(key: int) -> str:
    """The id of a key."""
    return key.to_bytes((key.bit_length() + 7) // 8)[1:].decode("utf-8", "surrogatepass")


def read_document(found: Mapping[str, Any]) -> Document:
    """A document of an answer, which holds at least its id."""
    fields = {name: value for name, value in found.items() if name not in ("id", "_version_", "score")}
    own = {name for name in fields if name.startswith(OWN)}
    return Document(
        key_of(found["id"]),
        found["id"],
        int(found.get("_version_", 0)),
        from_folder=bool(fields.get(FROM_FOLDER)),
        fields={name: value for name, value in fields.items() if name not in own},
    )


def commands(operations: Iterable[Operation]) -> bytes:
    """The body of an update that does these operations in their order."""
    return f"{{{','.join(_command(operation) for operation in operations)}}}".encode()


def renewal(document_id: str, version: int, descriptor: bytes | None) -> dict[str, Any]:
    """The document of an update that gives the one of this version a picture, or with None takes it away."""
    picture = dict.fromkeys(_PICTURE) if descriptor is None else _picture(descriptor)
    sets = {name: {"set": value} for name, value in picture.items()}
    return {"id": document_id, "_version_": version, **sets}


def _command(operation: Operation) -> str:
    if isinstance(operation, Add):
        return f'"add":{json.dumps({"doc": _document(operation)}, ensure_ascii=False)}'
    if isinstance(operation, DeleteByQuery):
        return f'"delete":{json.dumps({"query": operation.query}, ensure_ascii=False)}'
    if isinstance(operation, Delete):
        version = {"_version_": operation.version} if operation.version else {}
        return f'"delete":{json.dumps({"id": operation.id, **version}, ensure_ascii=False)}'
    raise TypeError(f"not an operation of its own: {operation!r}")


def _document(add: Add) -> dict[str, Any]:
    for name in add.fields:
        if name.startswith(OWN):
            raise BadRequestError(f"ERROR: [doc={add.id}] {name} fills itself and cannot be given")
    atomic = is_atomic(add.fields)
    own = _picture(add.descriptor) if add.descriptor is not None else {}
    if add.from_folder:
        own[FROM_FOLDER] = True
    elif atomic and "image" in add.fields:
        own[FROM_FOLDER] = None
    fields = {**add.fields, **own}
    if atomic:
        fields = {name: one if isinstance(one, dict) else {"set": one} for name, one in fields.items()}
    version = add.version or (0 if add.overwrite else -1)
    return {"id": add.id, **fields, **({"_version_": version} if version else {})}


def _picture(data: bytes) -> dict[str, Any]:
    """The fields of a picture; one colour all over is found by its content hash only."""
    descriptor = comparable(data)
    if descriptor is None:
        raise BadRequestError("the descriptor is of another version of the analysis")
    vectors: dict[str, list[int] | None] = dict.fromkeys(_VECTORS)
    if not descriptor.flat:
        whole, content = (hash_signs(bits).tolist() for bits in (descriptor.pdq, descriptor.pdq_content))
        vectors = dict(zip(_VECTORS, (codes(descriptor)[0].tolist(), whole, content), strict=True))
    hashes = None if descriptor.flat else (descriptor.pdq + descriptor.pdq_content).hex()
    packed = base64.b64encode(data).decode("ascii")
    values = (packed, descriptor.version, descriptor.content_hash, hashes)
    return dict(zip(_PICTURE, (*values, *vectors.values()), strict=True))
