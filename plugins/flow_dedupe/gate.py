"""The gate for services that ask while a user waits: a picture in, what would become of it out."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Any

from airflow.configuration import AIRFLOW_HOME
from fastapi import APIRouter, HTTPException, Request

from include.dedupe.errors import GateError
from include.dedupe.gate import Gate, open_gate
from include.dedupe.settings.config import CollectionConfig, find_collection

from .access import gated_by, may_read
from .connections import connection_fields

router = APIRouter(prefix="/gate")
_opening = asyncio.Lock()
_opened: dict[str, tuple[CollectionConfig, Gate]] = {}
_kept = AsyncExitStack()
"""A gate stays open as long as the process, so that those who wait at one are not cut off by new settings."""


@router.post("/{dag_id}", dependencies=[may_read])
async def check(dag_id: str, request: Request, id: str = "") -> dict[str, Any]:  # noqa: A002 - as documents have it
    """Return what would become of the picture in the body; ``id`` is that of its document, if it has one."""
    gate = await _gate(gated_by(dag_id))
    data = await _body(request, gate.max_picture_bytes)
    try:
        return asdict(await gate.check(data, id))
    except GateError as error:
        raise HTTPException(422, str(error)) from error
    except gate.writer.reader.failure as error:
        raise HTTPException(503, str(error)) from error


async def _gate(collection: str) -> Gate:
    """Return the open gate of a collection, opened anew where its settings have changed."""
    config = await asyncio.to_thread(find_collection, collection)
    async with _opening:
        known = _opened.get(collection)
        if known and known[0] == config:
            return known[1]
        fields = await asyncio.to_thread(connection_fields, config.flow.connection)
        opened = open_gate(collection, connection=fields, airflow_home=AIRFLOW_HOME)
        gate = await _kept.enter_async_context(opened)
        _opened[collection] = config, gate
        return gate


async def _body(request: Request, most: int) -> bytes:
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > most:
            raise HTTPException(413, f"The picture has more than the {most} bytes that are allowed.")
    if not data:
        raise HTTPException(422, "Send the picture's bytes as the body of the request.")
    return bytes(data)
