"""Renewal: when Flow does not accept our login any more, it is read again, once for each that is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from include.flow_client.address import FlowAddress
from include.flow_client.errors import FlowAuthError
from include.flow_client.pace import Pace
from include.flow_client.transport import Request, Transport


class RenewedTransport:
    """An open transport that is replaced when `renew` gives another login than the one that was refused."""

    def __init__(
        self,
        address: FlowAddress,
        connect: Callable[[FlowAddress], Transport],
        renew: Callable[[], FlowAddress] | None,
    ) -> None:
        self._address = address
        self._connect = connect
        self._renew = renew
        self._lock = asyncio.Lock()
        self._current = connect(address)
        self._refused: list[Transport] = []

    @property
    def pace(self) -> Pace:
        return self._current.pace

    async def call(self, request: Request) -> dict[str, Any]:
        """Call Flow; once more with another login where ours is refused and there is another."""
        used = self._current
        try:
            return await used.call(request)
        except FlowAuthError:
            if not await self._has_new_login(used):
                raise
        return await self._current.call(request)

    async def close(self) -> None:
        for transport in (*self._refused, self._current):
            await transport.close()

    async def _has_new_login(self, refused: Transport) -> bool:
        if self._renew is None:
            return False
        async with self._lock:
            if self._current is refused:  # not yet replaced by another call that was refused with it
                address = await asyncio.to_thread(self._renew)
                if address.authorization() == self._address.authorization():
                    return False
                self._address = address
                self._refused.append(refused)
                self._current = self._connect(address)
                self._current.pace = refused.pace
        return True
