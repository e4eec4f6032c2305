"""Clients over TCP: the two of wsref, and those of other libraries.

All do the same: send a Ping, then messages one after the other, each when the one before has come
back; then close, unless the last message was one that makes the server close.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, cast

import aiohttp
import picows
import picows.websockets.asyncio.client as picows_client
import websockets.asyncio.client as websockets_client
import websockets.sync.client as websockets_sync
from aiohttp import WSMsgType
from websockets.exceptions import ConnectionClosed

from spec_tests.differential.tcp_servers import NODE
from wsref import WebSocket
from wsref.aio import connect
from wsref.events import Binary, Closed, Closing, Disconnected, Event, Pong, Ready, Text

__all__ = ["CLIENTS", "OURS", "Plan", "Result", "node_client"]

PING: Final = b"p"
#: Its functions have parameters without types.
_PICOWS: Final = cast("Any", picows)
#: How long anything may take, in seconds.
LIMIT: Final = 20.0


class Plan(NamedTuple):
    """What a client does.

    Attributes:
        messages: to send and to get back.
        close: code and reason to close with.
        ask: code and reason for the server to close with, in place of that.
    """

    messages: Sequence[str | bytes]
    close: tuple[int, str] | None = None
    ask: tuple[int, str] | None = None

    @property
    def texts_and_data(self) -> list[str | bytes]:
        """All that is sent."""
        return [*self.messages, *([f"close {self.ask[0]} {self.ask[1]}"] if self.ask else [])]


class Result(NamedTuple):
    """What a client saw.

    Attributes:
        echoes: what came back.
        pongs: the payloads of Pongs.
        closed: code and reason of the Close that came.
        compressed: whether permessage-deflate was agreed on.
        graceful: whether the connection ended as it should, as far as the client tells.
    """

    echoes: list[str | bytes]
    pongs: list[bytes]
    closed: tuple[int, str] | None
    compressed: bool
    graceful: bool = True


# wsref


class _Ours:
    """What wsref's clients have in common: what to do at each event."""

    def __init__(self, plan: Plan) -> None:
        self.result = Result([], [], None, False, False)
        self.close = plan.close
        self.left = plan.texts_and_data

    def next_after(self, event: Event, compressed: bool) -> str | bytes | None:
        """Put an event down; return what to send now, if anything is left."""
        if isinstance(event, Ready):
            self.result = self.result._replace(compressed=compressed)
        elif isinstance(event, Text):
            self.result.echoes.append(event.text)
        elif isinstance(event, Binary):
            self.result.echoes.append(event.data)
        elif isinstance(event, Pong):
            self.result.pongs.append(event.data)
        elif isinstance(event, Closing | Closed):
            self.result = self.result._replace(closed=(event.code, event.reason))
        elif isinstance(event, Disconnected):
            self.result = self.result._replace(graceful=event.graceful)
        if isinstance(event, Ready | Text | Binary) and self.left:
            return self.left.pop(0)
        return None

    def closes_after(self, event: Event) -> tuple[int, str] | None:
        """Return how to close now, if that is what to do."""
        return self.close if isinstance(event, Text | Binary) and not self.left else None


def _blocking(url: str, compress: bool, plan: Plan) -> Result:
    """The blocking client of wsref."""
    ours = _Ours(plan)
    ws = WebSocket(url, proxies={}, compress=compress)
    for event in ws.connect(poll=0, ping_rate=0, close_timeout=LIMIT, open_timeout=LIMIT):
        if isinstance(event, Ready):
            ws.send_ping(PING)
        close = ours.closes_after(event)
        message = ours.next_after(event, ws.supports_compression)
        if isinstance(message, str):
            ws.send_text(message)
        elif message is not None:
            ws.send_binary(message)
        elif close is not None:
            ws.close(*close)
    return ours.result


async def _asyncio(url: str, compress: bool, plan: Plan) -> Result:
    """The client of wsref for asyncio."""
    ours = _Ours(plan)
    async with connect(url, proxies={}, compress=compress, poll=None, ping_rate=None) as ws:
        async for event in ws:
            if isinstance(event, Ready):
                await ws.send_ping(PING)
            close = ours.closes_after(event)
            message = ours.next_after(event, ws.supports_compression)
            if isinstance(message, str):
                await ws.send_text(message)
            elif message is not None:
                await ws.send_binary(message)
            elif close is not None:
                await ws.close(*close)
    return ours.result


#: wsref's clients: functions of URL, compression and plan.
OURS: Final[dict[str, Callable[[str, bool, Plan], Result]]] = {
    "blocking": _blocking,
    "asyncio": lambda url, compress, plan: asyncio.run(
        asyncio.wait_for(_asyncio(url, compress, plan), LIMIT)
    ),
}


# Others


async def _websockets(url: str, compress: bool, plan: Plan) -> Result:
    """``websockets``, asyncio."""
    compression = "deflate" if compress else None
    async with websockets_client.connect(url, compression=compression, proxy=None) as ws:
        pong = await ws.ping(PING)
        echoes: list[str | bytes] = []
        for message in plan.messages:
            await ws.send(message)
            echoes.append(await ws.recv())
        await pong
        if plan.ask:
            await ws.send(plan.texts_and_data[-1])
            await ws.wait_closed()
        elif plan.close:
            await ws.close(*plan.close)
        closed = ws.close_code or 0, ws.close_reason or ""
        return Result(echoes, [PING], closed, bool(ws.protocol.extensions))


async def _websockets_sync(url: str, compress: bool, plan: Plan) -> Result:
    """``websockets``, threads."""

    def run() -> Result:
        compression = "deflate" if compress else None
        with websockets_sync.connect(url, compression=compression, proxy=None) as ws:
            pong = ws.ping(PING)
            echoes: list[str | bytes] = []
            for message in plan.messages:
                ws.send(message)
                echoes.append(ws.recv())
            assert pong.wait(LIMIT)
            if plan.ask:
                ws.send(plan.texts_and_data[-1])
                assert not list(_until_closed(ws))
            elif plan.close:
                ws.close(*plan.close)
            closed = ws.close_code or 0, ws.close_reason or ""
            return Result(echoes, [PING], closed, bool(ws.protocol.extensions))

    return await asyncio.to_thread(run)


def _until_closed(ws: websockets_sync.ClientConnection) -> list[str | bytes]:
    """Return what comes before the end."""
    received: list[str | bytes] = []
    try:
        while True:
            received.append(ws.recv(LIMIT))
    except ConnectionClosed:
        return received


async def _picows_websockets(url: str, compress: bool, plan: Plan) -> Result:
    """``picows`` in the place of ``websockets``."""
    compression = "deflate" if compress else None
    async with picows_client.connect(url, compression=compression, proxy=None) as ws:
        pong = await ws.ping(PING)
        echoes: list[str | bytes] = []
        for message in plan.messages:
            await ws.send(message)
            echoes.append(await ws.recv())
        await pong
        if plan.ask:
            await ws.send(plan.texts_and_data[-1])
            await ws.wait_closed()
        elif plan.close:
            await ws.close(*plan.close)
        closed = ws.close_code or 0, ws.close_reason or ""
        extensions = ws.response.headers.get("Sec-WebSocket-Extensions", "")
        compressed = "permessage-deflate" in extensions
        return Result(echoes, [PING], closed, compressed)


async def _picows(url: str, _compress: bool, plan: Plan) -> Result:
    """``picows``, its core."""
    result = Result([], [], None, False)
    left = plan.texts_and_data
    closed: list[tuple[int, str]] = []

    class Client(picows.WSListener):
        def on_ws_connected(self, transport: picows.WSTransport) -> None:
            transport.send_ping(PING)
            self.send(transport)

        def send(self, transport: picows.WSTransport) -> None:
            if left:
                message = left.pop(0)
                is_text = isinstance(message, str)
                kind = picows.WSMsgType.TEXT if is_text else picows.WSMsgType.BINARY
                transport.send(kind, message.encode() if isinstance(message, str) else message)
            elif plan.close:
                code, reason = plan.close
                close = code.to_bytes(2, "big") + reason.encode()
                transport.send(picows.WSMsgType.CLOSE, close)

        def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
            payload = frame.get_payload_as_bytes()
            if frame.msg_type == picows.WSMsgType.PONG:
                result.pongs.append(payload)
            elif frame.msg_type == picows.WSMsgType.CLOSE:
                closed.append((int.from_bytes(payload[:2], "big"), payload[2:].decode()))
                if not plan.close:
                    transport.send(picows.WSMsgType.CLOSE, payload)
                transport.disconnect()
            else:
                is_text = frame.msg_type == picows.WSMsgType.TEXT
                result.echoes.append(payload.decode() if is_text else payload)
                self.send(transport)

    transport, _client = await _PICOWS.ws_connect(Client, url)
    await transport.wait_disconnected()
    return result._replace(closed=closed[0])


async def _aiohttp(url: str, compress: bool, plan: Plan) -> Result:
    """``aiohttp``."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, compress=15 if compress else 0, autoping=False) as ws,
    ):
        await ws.ping(PING)
        result = Result([], [], None, bool(ws.compress))
        for message in plan.texts_and_data:
            if isinstance(message, str):
                await ws.send_str(message)
            else:
                await ws.send_bytes(message)
            received = await ws.receive()
            while received.type in (WSMsgType.PING, WSMsgType.PONG):
                result.pongs.append(bytes(received.data))
                received = await ws.receive()
            if received.type is WSMsgType.CLOSE:
                return result._replace(closed=(received.data, received.extra or ""))
            result.echoes.append(received.data)
        if plan.close:
            code, reason = plan.close
            await ws.close(code=code, message=reason.encode())
        return result._replace(closed=(ws.close_code or 0, ""))


#: The other clients, and whether they can compress.
_Client: TypeAlias = Callable[[str, bool, Plan], Coroutine[object, object, Result]]
CLIENTS: Final[dict[str, tuple[_Client, bool]]] = {
    "websockets-asyncio": (_websockets, True),
    "websockets-sync": (_websockets_sync, True),
    "aiohttp": (_aiohttp, True),
    "picows": (_picows, False),
    "picows-websockets": (_picows_websockets, True),
}


async def node_client(environment: dict[str, str], url: str, compress: bool, plan: Plan) -> Result:
    """Node's ``ws``, with what the fixture ``node`` returns."""
    messages = [
        ("text", message) if isinstance(message, str) else ("binary", b64encode(message).decode())
        for message in plan.texts_and_data
    ]
    arguments = [str(NODE / "client.cjs"), url, *(["deflate"] if compress else [])]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        "node", *arguments, env=environment, stdin=pipe, stdout=pipe
    )
    plans = json.dumps({"messages": messages, "close": plan.close}).encode()
    output, _errors = await process.communicate(plans)
    seen = json.loads(output)
    return Result(
        [content if kind == "text" else b64decode(content) for kind, content in seen["echoes"]],
        [payload.encode() for payload in seen["pongs"]],
        (seen["closed"][0], seen["closed"][1]),
        seen["compressed"],
    )
