"""Everything one server process holds: its collections, the analysing pool, the served folder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from include.flow_server.analysis import Analyser
from include.flow_server.collection import Collection
from include.flow_server.comparers import Comparers
from include.flow_server.endpoints.update import Updater
from include.flow_server.errors import BadRequestError, NotFoundError
from include.flow_server.last_sync import FILE
from include.flow_server.pictures import PictureFolder
from include.flow_server.store.solr.client import SolrClient
from include.flow_server.store.solr.store import SolrStore
from include.flow_server.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from include.flow_server.settings import ServerSettings
    from include.flow_server.store.protocol import DocumentStore

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class Service:
    """Opened once per process; `close` releases what it holds."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.pictures = PictureFolder(settings.images)
        self.analyser = Analyser(settings)
        self.comparers = Comparers(settings.workers)
        self.updater = Updater(self.analyser, self.pictures)
        self.collections = {name: self._open(name) for name in settings.collections}

    def _open(self, name: str) -> Collection:
        hosts = self.settings.allow_hosts.get(name, ())
        given = self.settings
        return Collection(
            name,
            open_store(given, name),
            hosts,
            given.workers,
            self.comparers,
            mirror=given.mirror,
            turn=given.turn,
            last_sync=None if given.solr_urls else store_file(given.data, name).with_name(FILE),
        )

    def named(self, name: str) -> Collection:
        """The collection of that name."""
        if name not in self.collections:
            raise NotFoundError(f"no collection '{name}': there are {', '.join(sorted(self.collections))}")
        return self.collections[name]

    def current(self, name: str) -> Collection:
        """The collection of that name, brought up to what other processes committed."""
        collection = self.named(name)
        collection.refresh()
        return collection

    def close(self) -> None:
        for collection in self.collections.values():
            collection.close()
        self.analyser.close()
        self.comparers.close()


def open_store(settings: ServerSettings, name: str) -> DocumentStore:
    """The store of a collection, in SQLite or in a SolrCloud as the settings say."""
    patience = settings.limits.busy_seconds
    if settings.solr_urls:
        return SolrStore(SolrClient(settings.solr_urls, settings.solr_login, patience), name)
    return SqliteStore(store_file(settings.data, name), patience)


def store_file(data: Path, collection: str) -> Path:
    """Where the documents of a collection lie below the data directory."""
    if not _NAME.fullmatch(collection):
        raise BadRequestError(f"'{collection}' is no name for a collection: letters, digits, _ . - only")
    return data / collection / "documents.sqlite"
