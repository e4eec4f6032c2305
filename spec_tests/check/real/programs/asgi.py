"""An application that echoes, for servers that speak ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypedDict

__all__ = ["app"]


class _Typed(TypedDict):
    type: str


class _Event(_Typed, total=False):
    text: str | None
    bytes: bytes | None


_Receive: TypeAlias = Callable[[], Awaitable[_Event]]
_Send: TypeAlias = Callable[[dict[str, object]], Awaitable[None]]


async def app(scope: dict[str, object], receive: _Receive, send: _Send) -> None:
    """Accept a connection and send every message back; answer other requests with 426."""
    if scope["type"] == "lifespan":
        return
    if scope["type"] != "websocket":
        await send({"type": "http.response.start", "status": 426, "headers": []})
        await send({"type": "http.response.body", "body": b"WebSocket only\n"})
        return
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif event["type"] == "websocket.receive":
            text = event.get("text")
            if text is not None:
                await send({"type": "websocket.send", "text": text})
            else:
                await send({"type": "websocket.send", "bytes": event.get("bytes")})
        else:
            return
