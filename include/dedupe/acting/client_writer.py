"""A Flow client that writes, in the engine's words. The counterpart of ``connect`` for changes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, TypeVar

from include.dedupe.acting.writer import MUST_NOT_EXIST, ConflictError
from include.dedupe.airflow_connection import ASKED, has_airflow, variable_of
from include.dedupe.connect import ClientReader, address_from_connection, address_from_environment
from include.dedupe.errors import ConfigError
from include.dedupe.flow import Document, FlowReader
from include.dedupe.settings.config import CollectionConfig
from include.flow_client import FlowAddress, FlowAddressError, FlowAuthError, FlowClient, FlowRequestError

NOT_FOUND, CONFLICT = 404, 409
Told = TypeVar("Told")


class ClientWriter:
    """Implements ``FlowWriter``."""

    def __init__(self, client: FlowClient, reader: FlowReader) -> None:
        self._client = client
        self.reader = reader

    async def unreturned_fields(self) -> Sequence[str] | None:
        schema = await _told(self._client.schema())
        return None if schema is None else [field.name for field in schema if field.is_unreturned]

    async def stored_fields(self) -> Sequence[str]:
        schema = await _told(self._client.schema()) or ()
        return [field.name for field in schema if field.is_returned and "*" not in field.name]

    async def copies(self) -> Sequence[tuple[str, str, int | None]]:
        return await _told(self._client.copy_fields()) or ()

    async def read(self, ids: Sequence[str], fl: Sequence[str]) -> dict[str, Document]:
        found = await self.reader.existing(ids, fl=fl)
        return {document["id"]: document for document in found}

    async def set_fields(self, document_id: str, version: int, fields: Mapping[str, Any]) -> None:
        changes = {name: {"set": value} for name, value in fields.items()}
        await self._update({"id": document_id, "_version_": version, **changes})

    async def add(self, document: Mapping[str, Any], analysis: Mapping[str, Any] | None) -> None:
        await self.replace(document, MUST_NOT_EXIST, analysis)

    async def replace(
        self, document: Mapping[str, Any], version: int, analysis: Mapping[str, Any] | None
    ) -> None:
        written = {**document, "_version_": version}
        await self._update({**written, "import": analysis} if analysis is not None else written)

    async def delete(self, document_id: str, version: int) -> None:
        try:
            await self._client.delete([document_id], version=version)
        except FlowRequestError as error:
            raise _conflict(error, document_id) from error

    async def commit(self) -> None:
        await self._client.commit()

    async def analyze(self, *, url: str | None = None, data: bytes | None = None) -> Mapping[str, Any]:
        return await self._client.analyze(url=url, data=data)

    async def _update(self, document: Mapping[str, Any]) -> None:
        try:
            await self._client.update([dict(document)])
        except FlowRequestError as error:
            raise _conflict(error, document["id"]) from error


async def _told(schema: Coroutine[Any, Any, list[Told]]) -> list[Told] | None:
    """Return what Flow tells of its schema; None where it does not."""
    try:
        return await schema
    except FlowAuthError:
        return None  # a login may write documents and yet not read the schema
    except FlowRequestError as error:
        if error.status == NOT_FOUND:
            return None
        raise


def _conflict(error: FlowRequestError, document_id: str) -> Exception:
    if error.status == CONFLICT:
        return ConflictError(f"{document_id!r} has changed since it was read.")
    return error


def locate_flow(config: CollectionConfig, url: str | None, *, writes: bool = False) -> FlowAddress:
    """Return where the collection is: at ``url``, else where its connection says.

    Raises:
        ConfigError: there is no such connection, or the settings let nothing write.
    """
    connection = config.flow.writer if writes else config.flow.connection
    if url:
        return FlowAddress.parse(url, config.flow.collection)
    return address_from_shell(connection, config.flow.collection)


def address_from_shell(connection: str, collection: str) -> FlowAddress:
    """Return the address that a connection of the environment, else of the installed Airflow, holds.

    Raises:
        ConfigError: neither has such a connection, or it is no HTTP connection.
    """
    if os.environ.get(variable_of(connection)) or not has_airflow():
        return address_from_environment(connection, collection)
    fields = import_module(ASKED).connection_fields(connection)
    if fields is None:
        raise ConfigError(
            f"Where is Flow? Set {variable_of(connection)}, for example to http://localhost:8983, add the "
            f"connection {connection!r} to Airflow, which has none, or give Flow's address with --flow."
        )
    try:
        return address_from_connection(fields, collection)
    except (FlowAddressError, ValueError) as error:
        raise ConfigError(f"Airflow's connection {connection!r} does not lead to a Flow: {error}") from error


@asynccontextmanager
async def open_writer(address: FlowAddress, in_flight: int = 8) -> AsyncIterator[ClientWriter]:
    """Open a collection for reading and writing, after making sure that it is there."""
    async with FlowClient(address, connections=in_flight) as client:
        yield ClientWriter(client, ClientReader(client, await client.ping()))
