"""/get: the newest state of documents by id, committed or not. /schema: which fields there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.flow_server.endpoints.answers import documents_member, header
from include.flow_server.endpoints.fieldlist import read_field_list
from include.flow_server.errors import BadRequestError, NotFoundError
from include.flow_server.store.schema import CATCH_ALL, Field, dynamic_names

if TYPE_CHECKING:
    from include.flow_server.collection import Collection
    from include.flow_server.endpoints.parameters import Parameters

MOST_IDS = 10_000


def realtime_get(collection: Collection, parameters: Parameters, base: str, started: float) -> dict[str, Any]:
    """Answers /get: `doc` for a single `id`, a `response` for several or for `ids`."""
    single = parameters.all("id")
    listed = [name.strip() for text in parameters.all("ids") for name in text.split(",")]
    if len(listed) > MOST_IDS:
        raise BadRequestError(f"ids names {len(listed)} documents, more than the {MOST_IDS} allowed")
    fields = read_field_list(parameters.all("fl"), "*")
    found = collection.store.get([*single, *listed])
    outputs = collection.outputs(found) if fields.wants_picture() else {}
    documents = [fields.show(document, base, outputs.get(document.key, {})) for document in found]
    if len(single) == 1 and not listed:
        return {"doc": documents[0] if documents else None}
    return {"responseHeader": header(started), "response": documents_member(len(found), 0, documents, None)}


def schema_fields(collection: Collection, name: str | None, started: float) -> dict[str, Any]:
    """Answers /schema/fields and /schema/fields/<name>."""
    if name is None:
        fields = [_described(field) for field in collection.store.schema.all()]
        return {"responseHeader": header(started), "fields": fields}
    field = collection.store.schema.find(name)
    if field is None:
        raise NotFoundError(f"Fields [{name}] not found")
    return {"responseHeader": header(started), "field": _described(field)}


def dynamic_fields(started: float) -> dict[str, Any]:
    """Answers /schema/dynamicfields."""
    return {"responseHeader": header(started), "dynamicFields": [_described(one) for one in dynamic_names()]}


def copy_fields(collection: Collection, started: float) -> dict[str, Any]:
    """Answers /schema/copyfields: the words of all strings and texts are found in the catch-all field."""
    sources = sorted(collection.store.schema.texts() - {CATCH_ALL})
    copies = [{"source": name, "dest": CATCH_ALL} for name in sources]
    return {"responseHeader": header(started), "copyFields": copies}


def _described(field: Field) -> dict[str, Any]:
    required = {"required": True} if field.name == "id" else {}
    return {
        "name": field.name,
        "type": field.type.value,
        "multiValued": field.multi,
        "indexed": True,
        "stored": field.name != CATCH_ALL,
        **required,
    }
