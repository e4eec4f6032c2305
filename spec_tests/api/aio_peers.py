"""Peers for the tests of ``wsref.aio``: they do on a real socket exactly what a test says."""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import trustme

from spec_tests.playbook import KEY, frame
from wsref.protocol.events import Event
from wsref.protocol.frames import Frame, parse_frame

T = TypeVar("T")
E = TypeVar("E", bound=Event)

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#: The key of RFC 6455 §1.3, which every server accepts with s3pPLMBiTxaQ9kYGzzhZRbK+xOo=.
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def run(main: Coroutine[object, object, T], limit: float = 30.0) -> T:
    """Run a test's coroutine; fail if it hangs, or leaves a task behind."""

    async def guarded() -> T:
        async with asyncio.timeout(limit):
            result = await main
        remaining = asyncio.all_tasks() - {asyncio.current_task()}
        assert not remaining, f"tasks left behind: {remaining}"
        return result

    try:
        return asyncio.run(guarded())
    finally:
        gc.collect()  # whatever was not closed shows here, as a warning, which is an error


async def take_until(events: AsyncIterator[Event], kind: type[E]) -> E:
    """Iterate up to the first event of a kind, and return that."""
    async for event in events:
        if isinstance(event, kind):
            return event
    raise AssertionError(f"no {kind.__name__} came")


class Peer:
    """The other end of a connection: reads and writes bytes, and frames."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.received = b""

    def send(self, data: bytes) -> None:
        """Write bytes as they are."""
        self.writer.write(data)

    async def head(self) -> bytes:
        """Read the head of an opening handshake."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def frame(self) -> Frame:
        """Read one frame."""
        while (found := parse_frame(self.received)) is None:
            data = await self.reader.read(65536)
            assert data, f"end of stream instead of a frame, after {self.received!r}"
            self.received += data
        whole, position = found
        self.received = self.received[position:]
        return whole

    async def end(self) -> bytes:
        """Read up to the end of the stream; return what came before it."""
        data = self.received + await self.reader.read()
        self.received = b""
        return data

    async def close(self) -> None:
        """End the connection."""
        self.writer.close()
        with suppress(OSError):  # the other side may have been first
            await self.writer.wait_closed()

    def reset(self) -> None:
        """End the connection as a crash would."""
        self.writer.transport.abort()


def response_to(head: bytes, headers: bytes = b"") -> bytes:
    """Return the acceptance that a request calls for (RFC 6455 §4.2.2)."""
    (key,) = [
        line.partition(b":")[2].strip()
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key:")
    ]
    token = base64.b64encode(hashlib.sha1(key + GUID).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + token + b"\r\n" + headers + b"\r\n"
    )


class ServerPeer(Peer):
    """A server that a test plays."""

    async def accept(self, behind: bytes = b"", headers: bytes = b"") -> bytes:
        """Answer the opening handshake, with *behind* in the same segment."""
        head = await self.head()
        self.send(response_to(head, headers) + behind)
        return head


Script = Callable[[ServerPeer], Awaitable[None]]


@asynccontextmanager
async def scripted_server(
    script: Script, *, ssl_context: ssl.SSLContext | None = None
) -> AsyncGenerator[str, None]:
    """Run *script* for every connection; the script's failure is the test's."""
    scripts: list[asyncio.Task[None]] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        scripts.append(task)
        peer = ServerPeer(reader, writer)
        try:
            await script(peer)
        finally:
            await peer.close()

    server = await asyncio.start_server(play, "127.0.0.1", 0, ssl=ssl_context)
    scheme = "ws" if ssl_context is None else "wss"
    try:
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    except BaseException:
        for task in scripts:  # which may wait for what will not happen any more
            task.cancel()
        raise
    finally:
        server.close()
        await asyncio.gather(*scripts, return_exceptions=True)
    for task in scripts:
        task.result()


class ClientPeer(Peer):
    """A client that a test plays."""

    async def open(self, request: bytes = REQUEST, behind: bytes = b"") -> bytes:
        """Do the opening handshake, with *behind* in the same segment; return the answer."""
        self.send(request + behind)
        return await self.head()

    def send_frame(self, first_byte: int, payload: bytes = b"") -> None:
        """Write a masked frame."""
        self.send(frame(first_byte, payload, KEY))


@asynccontextmanager
async def raw_client(port: int) -> AsyncGenerator[ClientPeer, None]:
    """Connect to a port of this machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    peer = ClientPeer(reader, writer)
    try:
        yield peer
    finally:
        await peer.close()


class Certificates:
    """An authority of the test's own, and TLS contexts that build on it."""

    def __init__(self) -> None:
        self.authority = trustme.CA()

    def server_context(self, *names: str) -> ssl.SSLContext:
        """Return the context of a server called *names*."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        chain = self.authority.issue_cert(*names).private_key_and_cert_chain_pem
        with chain.tempfile() as path:
            context.load_cert_chain(path)
        return context

    def client_context(self) -> ssl.SSLContext:
        """Return the context of a client that trusts the authority."""
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=self.authority.cert_pem.bytes().decode())
        return context
