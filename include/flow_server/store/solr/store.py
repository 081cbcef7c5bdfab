"""The documents of one collection of a SolrCloud. This process keeps nothing, so that any number may run."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from include.flow_server.errors import BadRequestError, NotFoundError
from include.flow_server.store.protocol import Document, Reanalysed, Selection, Written
from include.flow_server.store.schema import CATCH_ALL, WORDS
from include.flow_server.store.solr.cores import SolrCollection
from include.flow_server.store.solr.documents import (
    DESCRIPTOR,
    FROM_FOLDER,
    commands,
    id_of,
    key_of,
    read_document,
    renewal,
)
from include.flow_server.store.solr.fields import SolrSchema
from include.flow_server.store.solr.pictures import SolrPictures
from include.flow_server.store.solr.question import OUTDATED, SolrScope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from include.detector.imaging import Analysis
    from include.flow_server.index.finder import Load
    from include.flow_server.index.scores import Comparers
    from include.flow_server.query.request import SelectRequest
    from include.flow_server.store.protocol import Operation
    from include.flow_server.store.schema import FieldType, Schema
    from include.flow_server.store.solr.client import SolrClient

_AT_ONCE = 500  # operations of one request
_IN_ALL_REPLICAS = {"updateTimeoutSecs": "60"}  # a change of the schema is answered when all have it
_OUTWARD = str.maketrans("+/", "-_")  # marks that clients may send on without encoding them
_INWARD = str.maketrans("-_", "+/")


class SolrStore:
    """Implements DocumentStore."""

    def __init__(self, client: SolrClient, name: str) -> None:
        """Raises NotFoundError where there is no such collection, or not one that `init-solr` made."""
        self._solr = SolrCollection(client, name)
        self._pictures: SolrPictures | None = None
        try:
            self._schema = SolrSchema(self._solr)
        except NotFoundError:
            there = ", ".join(sorted(client.ask_cloud({"action": "LIST"})["collections"])) or "none"
            where = ", ".join(client.urls)
            raise NotFoundError(
                f"there is no collection '{name}' in the SolrCloud at {where}, only {there}; "
                f"init-solr --solr-url {client.urls[0]} --collection {name} makes it"
            ) from None
        if not self._schema.holds(DESCRIPTOR):
            raise BadRequestError(
                f"the collection '{name}' was not made by `init-solr`: its schema lacks {DESCRIPTOR}"
            )

    def refresh(self) -> bool:
        return False

    def count(self) -> int:
        return self._solr.count("*:*")

    @property
    def schema(self) -> Schema:
        return self._schema

    def select(self, request: SelectRequest) -> Selection:
        asked: dict[str, Any] = {
            "q": request.q,
            "fq": request.fq,
            "q.op": request.operator,
            "rows": request.rows,
            "fl": _fields("" if request.ids_only else request.names),
            **request.aggregates,
        }
        asked |= {"df": request.df} if request.df else {}
        asked |= {"start": request.start} if request.start else {}
        if request.sort:
            ways = [f"{key.field} {'desc' if key.descending else 'asc'}" for key in request.sort]
            asked["sort"] = ",".join(ways)
        if request.cursor is not None:
            asked["cursorMark"] = request.cursor.translate(_INWARD)
        answer = self._solr.select(**asked)
        found = answer["response"]["docs"]
        documents = [read_document(one) for one in found]
        mark = answer.get("nextCursorMark")
        return Selection(
            answer["response"]["numFound"],
            documents,
            None if mark is None else mark.translate(_OUTWARD),
            {name: answer[name] for name in ("facet_counts", "stats") if name in answer},
            {key_of(one["id"]): float(one["score"]) for one in found if "score" in one},
        )

    def matching(self, filters: Sequence[str], df: str | None = None) -> SolrScope:
        return SolrScope(self._solr, tuple(filters), df)

    def documents(self, keys: Sequence[int], names: Sequence[str] | None = None) -> dict[int, Document]:
        if names is not None and {*names} <= {"id"}:  # which a key tells
            return {key: Document(key, id_of(key), 0, from_folder=False, fields={}) for key in keys}
        found = self._solr.by_ids([id_of(key) for key in keys], [_fields(names)])
        documents = map(read_document, found)
        return {document.key: document for document in documents}

    def key_of(self, document_id: str) -> int | None:
        return key_of(document_id)

    def existing(self, ids: Iterable[str]) -> set[str]:
        asked = list(ids)
        chunks = (asked[start : start + _AT_ONCE] for start in range(0, len(asked), _AT_ONCE))
        return {str(one["id"]) for chunk in chunks for one in self._newest(chunk, "id")}

    def get(self, ids: Sequence[str]) -> list[Document]:
        found = {str(one["id"]): read_document(one) for one in self._newest(ids, "*")}
        return [found[document_id] for document_id in ids if document_id in found]

    def update(
        self, operations: Sequence[Operation], skip_conflicts: bool = False, versions: bool = True
    ) -> Written:
        written = Written()
        parameters = {"versions": "true", **({"failOnVersionConflicts": "false"} if skip_conflicts else {})}
        renewed = [one for one in operations if isinstance(one, Reanalysed)]
        others = [one for one in operations if not isinstance(one, Reanalysed)]
        for start in range(0, len(others), _AT_ONCE):
            body = commands(others[start : start + _AT_ONCE])
            answer = self._solr.client.send(f"{self._solr.path}/update", parameters, body)
            adds = _pairs(answer.get("adds"))
            written.adds.extend(self._with_versions(adds) if versions else adds)
            written.deletes.extend(_pairs(answer.get("deletes")))
            written.queries.extend(_pairs(answer.get("deleteByQuery")))
        for start in range(0, len(renewed), _AT_ONCE):
            self._renew(renewed[start : start + _AT_ONCE])
        return written

    def keep(self, found: Iterable[Analysis]) -> None:
        """Nothing: a document takes little room, which keypoints would treble."""

    def declare(self, types: Mapping[str, FieldType]) -> None:
        fields = [{"name": name, "type": kind.value} for name, kind in types.items()]
        copies = [{"source": name, "dest": CATCH_ALL} for name, kind in types.items() if kind in WORDS]
        commands = {"add-field": fields, "add-copy-field": copies}
        body = {name: given for name, given in commands.items() if given}
        if body:
            self._solr.client.send(f"{self._solr.path}/schema", _IN_ALL_REPLICAS, json.dumps(body).encode())

    def commit(self) -> None:
        self._solr.client.send(f"{self._solr.path}/update", {"commit": "true"}, b"[]")

    def outdated(self) -> list[int]:
        found: list[int] = []
        mark, following = "", "*"
        while mark != following:
            mark = following
            asked = {"q": "*:*", "fq": OUTDATED, "fl": "id", "sort": "id asc", "rows": _AT_ONCE}
            answer = self._solr.select(**asked, cursorMark=mark)
            found += [key_of(one["id"]) for one in answer["response"]["docs"]]
            following = answer["nextCursorMark"]
        return found

    def descriptors(self, keys: Sequence[int]) -> dict[int, bytes]:
        found = self._solr.by_ids([id_of(key) for key in keys], ["id", DESCRIPTOR])
        return {key_of(one["id"]): base64.b64decode(one[DESCRIPTOR]) for one in found if DESCRIPTOR in one}

    def pictures(self, load: Load, *, mirror: bool, turn: bool, comparers: Comparers | None) -> SolrPictures:
        self._pictures = SolrPictures(self._solr, load, mirror=mirror, turn=turn, comparers=comparers)
        return self._pictures

    def close(self) -> None:
        if self._pictures:
            self._pictures.close()

    def _renew(self, given: Sequence[Reanalysed]) -> None:
        """Tries each again until its document has another picture than before, whoever gave it one."""
        waiting = {id_of(one.key): one for one in given if one.descriptor != one.before}
        while waiting:
            newest = self._newest(list(waiting), f"id,_version_,{DESCRIPTOR}")
            there = {
                one["id"]: int(one["_version_"])
                for one in newest
                if DESCRIPTOR in one and base64.b64decode(one[DESCRIPTOR]) == waiting[one["id"]].before
            }
            waiting = {name: waiting[name] for name in there}
            body = [renewal(name, version, waiting[name].descriptor) for name, version in there.items()]
            parameters = {"failOnVersionConflicts": "false"}
            self._solr.client.send(f"{self._solr.path}/update", parameters, json.dumps(body).encode())

    def _with_versions(self, adds: list[tuple[str, int]]) -> list[tuple[str, int]]:
        """Solr does not tell the versions that another shard than the first gave: those are read."""
        missing = [document_id for document_id, version in adds if not version]
        if not missing:
            return adds
        read = {one["id"]: int(one["_version_"]) for one in self._newest(missing, "id,_version_")}
        return [(document_id, version or read.get(document_id, 0)) for document_id, version in adds]

    def _newest(self, ids: Sequence[str], fields: str) -> list[dict[str, Any]]:
        if not ids:
            return []
        asked = {"id": list(dict.fromkeys(ids)), "fl": fields}
        answer = self._solr.client.ask(f"{self._solr.path}/get", asked)
        found = answer["response"]["docs"] if "response" in answer else [answer.get("doc")]
        return [one for one in found if one]


def _fields(names: Sequence[str] | None) -> str:
    if names is None:
        return "*,score"
    return ",".join(dict.fromkeys(["id", "_version_", FROM_FOLDER, "score", *names]))


def _pairs(flat: list[Any] | None) -> list[tuple[str, int]]:
    given = flat or []
    return [(str(name), int(version)) for name, version in zip(given[::2], given[1::2], strict=True)]
