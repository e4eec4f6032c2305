"""The asyncio client that reconnects.

One WebSocket object lives through many connections.  Between two of them it waits:
longer after each failure, as long as the server asks for if it does (Retry-After), and
not so regularly that all clients of a restarted server come back at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple, Unpack

from ..persist import backoff_delay, parse_retry_after
from ..protocol.events import BackOff, Event, Ready, Rejected
from ..protocol.status import Status
from .client import ConnectOptions, Connector, code_for, connect
from .websocket import WebSocket

__all__ = ["PersistentWebSocket", "persist"]


def persist(
    url: str,
    *,
    min_wait: float = 5.0,
    max_wait: float = 30.0,
    respect_retry_after: bool = True,
    **options: Unpack[ConnectOptions],
) -> AbstractAsyncContextManager[PersistentWebSocket]:
    """Connect to a server again and again.

    ``async with persist(url) as ws: async for event in ws: ...`` gives the events of one
    connection after the other, with a BackOff event between two of them.  Sending is
    possible whenever a connection is open.  Leaving the block ends it all.

    Args:
        url: a ``ws://`` or ``wss://`` URL.
        min_wait: the least time to wait before connecting again, in seconds.
        max_wait: the most, in seconds.
        respect_retry_after: whether to wait as long as a rejection's Retry-After header says.
        options: as for :func:`wsref.aio.connect`.

    Raises:
        TypeError, ValueError: an argument that makes no sense; it is named.
    """
    if not 0 <= min_wait <= max_wait:
        raise ValueError(f"min_wait must be 0 to max_wait: {min_wait!r} to {max_wait!r} is not")
    waits = _Waits(min_wait, max_wait, respect_retry_after)
    return _persisting(connect(url, **options), waits)


class _Waits(NamedTuple):
    """How long to wait before connecting again."""

    min_wait: float
    max_wait: float
    respect_retry_after: bool


@asynccontextmanager
async def _persisting(
    connector: Connector, waits: _Waits
) -> AsyncGenerator[PersistentWebSocket, None]:
    ws = PersistentWebSocket(connector, waits)
    code: int = Status.NORMAL
    try:
        yield ws
    except BaseException as error:
        code = code_for(error)
        raise
    finally:
        await ws.leave(code)


class PersistentWebSocket(WebSocket):
    """A WebSocket that connects again when a connection has ended; see :func:`persist`."""

    def __init__(self, connector: Connector, waits: _Waits) -> None:
        self._connector = connector
        self._waits = waits
        self._attempt = connector.connect()
        self._retries = 1  # attempts since a connection was open
        self._retry_after: float | None = None
        self._resume_at: float | None = None  # on the loop's clock, while backing off
        super().__init__(self._attempt.link, connector.url)

    async def __anext__(self) -> Event:
        """Return the next event; there always is one."""
        if self._resume_at is not None:
            # A moment rather than a duration: whoever is cancelled here waits for the rest.
            await asyncio.sleep(self._resume_at - asyncio.get_running_loop().time())
            self._resume_at = None
            self._attempt = self._connector.connect()
            self._link = self._attempt.link
            self._retries += 1
        try:
            event = await super().__anext__()
        except StopAsyncIteration:
            await self.leave(Status.NORMAL)
            return self._back_off()
        if isinstance(event, Ready):
            self._retries = 0
        elif isinstance(event, Rejected) and self._waits.respect_retry_after:
            self._retry_after = parse_retry_after(event.response.get("retry-after"))
        return event

    async def leave(self, code: int) -> None:
        """End the present connection, or the attempt to have one."""
        await self._attempt.leave(code)

    def _back_off(self) -> BackOff:
        """Decide when to connect again."""
        min_wait, max_wait, _respect = self._waits
        delay = backoff_delay(self._retries, min_wait, max_wait, self._retry_after)
        self._retry_after = None
        self._resume_at = asyncio.get_running_loop().time() + delay
        return BackOff(delay, received_time=self._link.now())
