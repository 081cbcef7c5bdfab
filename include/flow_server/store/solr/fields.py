"""The fields of a collection as Solr knows them: read once, and again where a name is not among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.flow_server.store.schema import Field, FieldType, Schema
from include.flow_server.store.solr.documents import OWN

if TYPE_CHECKING:
    from include.flow_server.store.solr.cores import SolrCollection

_TYPES = {kind.value: kind for kind in FieldType}


class SolrSchema(Schema):
    """Solr learns fields by itself, also from other servers; a type never changes."""

    def __init__(self, solr: SolrCollection) -> None:
        super().__init__({})
        self._solr = solr
        self._own: set[str] = set()
        self._read()

    def holds(self, name: str) -> bool:
        """Whether the schema has this field of our own."""
        return name in self._own

    def find(self, name: str) -> Field | None:
        found = super().find(name)
        if found is None and not name.startswith(OWN):
            self._read()
            found = super().find(name)
        return found

    def all(self) -> list[Field]:
        self._read()
        return super().all()

    def _read(self) -> None:
        answer = self._solr.client.ask(f"{self._solr.path}/schema/fields", {})
        for one in answer["fields"]:
            if one["name"].startswith(OWN):
                self._own.add(one["name"])
            elif kind := _TYPES.get(one["type"]):
                self.learn(Field(one["name"], kind, multi=bool(one.get("multiValued"))))
