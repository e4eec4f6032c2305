"""Echo servers of other libraries on loopback, each in a thread or a process of its own.

All do the same: send every message back, close with code and reason when a text
``close CODE REASON`` asks for it, and put down code and reason of every Close that comes.
"""

from __future__ import annotations

import asyncio
import json
import queue
import subprocess
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, Final, NamedTuple, TypeAlias, cast

import picows
import picows.websockets.asyncio.server as picows_server
import websockets.asyncio.server as websockets_server
import websockets.sync.server as websockets_sync
from aiohttp import WSMsgType, web
from picows.websockets.exceptions import ConnectionClosed as PicowsClosed
from websockets.exceptions import ConnectionClosed

__all__ = ["HOST", "NODE", "SERVERS", "Listening", "farewell", "node_serving", "serving"]

HOST: Final = "127.0.0.1"
NODE: Final = Path(__file__).with_name("node")

#: Its functions have parameters without types.
_PICOWS: Final = cast("Any", picows)

#: Called with code and reason of a Close that came.
Note: TypeAlias = Callable[[int, str], None]


class Listening(NamedTuple):
    """A server that runs.

    Attributes:
        url: where.
        closings: code and reason of every Close that came.
    """

    url: str
    closings: queue.Queue[tuple[int, str]]


def farewell(message: object) -> tuple[int, str] | None:
    """Return code and reason if *message* is the text that asks for a close."""
    if not isinstance(message, str) or not message.startswith("close "):
        return None
    _close, code, reason = message.split(" ", 2)
    return int(code), reason


# asyncio


@asynccontextmanager
async def _websockets(compress: bool, note: Note) -> AsyncGenerator[int]:
    """``websockets``, asyncio."""

    async def handler(ws: websockets_server.ServerConnection) -> None:
        try:
            async for message in ws:
                if asked := farewell(message):
                    await ws.close(*asked)
                else:
                    await ws.send(message)
        except ConnectionClosed:
            pass
        await ws.wait_closed()
        note(ws.close_code or 0, ws.close_reason or "")

    compression = "deflate" if compress else None
    async with websockets_server.serve(handler, HOST, 0, compression=compression) as server:
        (socket,) = server.sockets
        yield socket.getsockname()[1]


@asynccontextmanager
async def _picows_websockets(compress: bool, note: Note) -> AsyncGenerator[int]:
    """``picows`` in the place of ``websockets``."""

    async def handler(ws: picows_server.ServerConnection) -> None:
        try:
            async for message in ws:
                if asked := farewell(message):
                    await ws.close(*asked)
                else:
                    await ws.send(message)
        except PicowsClosed:
            pass
        await ws.wait_closed()
        note(ws.close_code or 0, ws.close_reason or "")

    compression = "deflate" if compress else None
    async with picows_server.serve(handler, HOST, 0, compression=compression) as server:
        (socket,) = server.sockets
        yield socket.getsockname()[1]


@asynccontextmanager
async def _picows(_compress: bool, note: Note) -> AsyncGenerator[int]:
    """``picows``, its core: frames, and no compression."""

    class Echo(picows.WSListener):
        def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
            payload = frame.get_payload_as_bytes()
            if frame.msg_type == picows.WSMsgType.CLOSE:
                note(int.from_bytes(payload[:2], "big"), payload[2:].decode())
                if not transport.is_close_frame_sent:
                    transport.send(picows.WSMsgType.CLOSE, payload)
                transport.disconnect()
            elif frame.msg_type == picows.WSMsgType.TEXT and (asked := farewell(payload.decode())):
                code, reason = asked
                close = code.to_bytes(2, "big") + reason.encode()
                transport.send(picows.WSMsgType.CLOSE, close)
            elif frame.msg_type in (picows.WSMsgType.TEXT, picows.WSMsgType.BINARY):
                transport.send(frame.msg_type, payload)

    def listener(_request: picows.WSUpgradeRequest) -> picows.WSListener:
        return Echo()

    server = await _PICOWS.ws_create_server(listener, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def _aiohttp(compress: bool, note: Note) -> AsyncGenerator[int]:
    """``aiohttp``."""

    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(compress=compress)
        await ws.prepare(request)
        while True:
            message = await ws.receive()
            if message.type is WSMsgType.TEXT and (asked := farewell(message.data)):
                await ws.close(code=asked[0], message=asked[1].encode())
                note(ws.close_code or 0, "")
            elif message.type is WSMsgType.TEXT:
                await ws.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await ws.send_bytes(message.data)
            elif message.type is WSMsgType.CLOSE:
                note(message.data, message.extra or "")
            else:
                return ws

    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


_ServesAsync: TypeAlias = Callable[[bool, Note], AbstractAsyncContextManager[int]]


@contextmanager
def _in_a_thread(serves: _ServesAsync, compress: bool, note: Note) -> Generator[int]:
    """Run a server for asyncio in a thread."""
    started: queue.Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = queue.Queue()

    async def main() -> None:
        async with serves(compress, note) as port:
            over = asyncio.Event()
            started.put((asyncio.get_running_loop(), over, port))
            await over.wait()

    thread = Thread(target=asyncio.run, args=(main(),), daemon=True)
    thread.start()
    loop, over, port = started.get(timeout=10)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        assert not thread.is_alive(), "the server does not end"


# Threads


@contextmanager
def _websockets_sync(compress: bool, note: Note) -> Generator[int]:
    """``websockets``, threads."""

    def handler(ws: websockets_sync.ServerConnection) -> None:
        try:
            for message in ws:
                if asked := farewell(message):
                    ws.close(*asked)
                else:
                    ws.send(message)
        except ConnectionClosed:
            pass
        note(ws.close_code or 0, ws.close_reason or "")

    compression = "deflate" if compress else None
    with websockets_sync.serve(handler, HOST, 0, compression=compression) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.socket.getsockname()[1]
        finally:
            server.shutdown()
            thread.join(10)


#: The servers, and whether they can compress.
SERVERS: Final[dict[str, tuple[_ServesAsync | None, bool]]] = {
    "websockets-asyncio": (_websockets, True),
    "websockets-sync": (None, True),
    "aiohttp": (_aiohttp, True),
    "picows": (_picows, False),
    "picows-websockets": (_picows_websockets, True),
}


@contextmanager
def serving(name: str, compress: bool) -> Generator[Listening]:
    """Run one of :data:`SERVERS`."""
    closings: queue.Queue[tuple[int, str]] = queue.Queue()

    def note(code: int, reason: str) -> None:
        closings.put((code, reason))

    serves = SERVERS[name][0]
    running = (
        _websockets_sync(compress, note) if serves is None else _in_a_thread(serves, compress, note)
    )
    with running as port:
        yield Listening(f"ws://{HOST}:{port}/", closings)


@contextmanager
def node_serving(environment: dict[str, str], compress: bool) -> Generator[Listening]:
    """Run the server of Node's ``ws``, with what the fixture ``node`` returns."""
    closings: queue.Queue[tuple[int, str]] = queue.Queue()
    command = ["node", str(NODE / "server.cjs"), *(["deflate"] if compress else [])]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = process.stdout

        def read() -> None:
            for line in lines:
                code, reason = json.loads(line)
                closings.put((code, reason))

        try:
            port = int(lines.readline())
            thread = Thread(target=read, daemon=True)
            thread.start()
            yield Listening(f"ws://{HOST}:{port}/", closings)
        finally:
            process.terminate()
        thread.join(10)
