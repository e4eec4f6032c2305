"""The reference echo server: sends every message back as it came.

The type and the content of a message come back the same; how it was fragmented or
compressed does not matter and is not kept.  The command line, the demonstration, the
tests and the benchmarks use it.
"""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread

from .aio.server import Server, serve
from .aio.websocket import WebSocket
from .protocol.events import Binary, Text
from .protocol.limits import Limits

__all__ = ["echo", "echo_server", "running_echo_server"]


async def echo(ws: WebSocket) -> None:
    """Send every message of *ws* back."""
    async for event in ws:
        if isinstance(event, Text):
            await ws.send_text(event.text)
        elif isinstance(event, Binary):
            await ws.send_binary(event.data)


def echo_server(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    ssl: tls.SSLContext | None = None,
    compress: bool = True,
    limits: Limits | None = None,
) -> Server:
    """Return an echo server that sends no Pings of its own, so that all it does is answer.

    Args:
        host: the address or name to listen on.
        port: the TCP port, 0 for a free one.
        ssl: the TLS context with the server's certificate; None for no TLS.
        compress: whether to agree on permessage-deflate (RFC 7692).
        limits: the most to accept from a client.
    """
    return serve(echo, host, port, ssl=ssl, compress=compress, limits=limits, ping_rate=None)


@contextmanager
def running_echo_server(
    *, ssl: tls.SSLContext | None = None, compress: bool = True, limits: Limits | None = None
) -> Generator[str, None, None]:
    """Run an echo server on a free loopback port, in a thread of its own.

    For programs that are not asynchronous themselves.

    Yields:
        The server's URL.
    """
    listening: Future[tuple[asyncio.AbstractEventLoop, Server]] = Future()

    async def run() -> None:
        try:
            server = await echo_server(ssl=ssl, compress=compress, limits=limits)
        except BaseException as error:
            listening.set_exception(error)
            raise
        listening.set_result((asyncio.get_running_loop(), server))
        await server.wait_closed()

    thread = Thread(target=asyncio.run, args=(run(),), name="wsref echo server", daemon=True)
    thread.start()
    loop, server = listening.result()
    try:
        yield server.url
    finally:
        loop.call_soon_threadsafe(server.close)
        thread.join()
