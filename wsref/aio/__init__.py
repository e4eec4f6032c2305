"""WebSockets with asyncio: a client, a server, and a client that reconnects.

::

    async with wsref.aio.connect("wss://example.com/") as ws:
        async for event in ws:
            if event.name == "ready":
                await ws.send_text("Hello")

    async def handler(ws):
        async for event in ws:
            ...

    async with wsref.aio.serve(handler, "localhost", 9001) as server:
        await server.wait_closed()

The events and the errors are those of the blocking :class:`wsref.WebSocket`.
"""

from __future__ import annotations

from .client import ConnectOptions, connect
from .persist import PersistentWebSocket, persist
from .server import Refusal, Server, serve
from .websocket import WebSocket

__all__ = [
    "ConnectOptions",
    "PersistentWebSocket",
    "Refusal",
    "Server",
    "WebSocket",
    "connect",
    "persist",
    "serve",
]
