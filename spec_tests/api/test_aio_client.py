"""The asyncio client over real sockets: events, sending, back-pressure, cancellation, the end."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Unpack, cast

import pytest

from spec_tests.api.aio_peers import (
    Certificates,
    Peer,
    ServerPeer,
    response_to,
    run,
    scripted_server,
    take_until,
)
from spec_tests.playbook import frame
from wsref.aio import ConnectOptions, WebSocket, connect
from wsref.errors import (
    FrameBuildError,
    TransportFail,
    WebSocketClosed,
    WebSocketClosing,
    WebSocketUnavailable,
)
from wsref.events import (
    Binary,
    Closed,
    Closing,
    Connected,
    ConnectFail,
    Connecting,
    Disconnected,
    Event,
    Ping,
    Poll,
    Pong,
    ProtocolError,
    Ready,
    Rejected,
    Text,
    Unresponsive,
)
from wsref.protocol.closing import State
from wsref.protocol.frames import parse_frame
from wsref.protocol.limits import Limits
from wsref.serve import echo_server

#: 88 02 03 e8: a server's Close with status code 1000.
CLOSE_1000 = bytes.fromhex("880203e8")


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    """Return certificates of an authority that only the tests trust."""
    return Certificates()


def names(events: list[Event]) -> list[str]:
    """Return the names of events."""
    return [event.name for event in events]


def test_events_come_in_the_order_of_the_connection_s_life() -> None:
    """From Connecting to Disconnected, as with the blocking session."""

    async def main() -> list[Event]:
        events: list[Event] = []
        async with (
            echo_server() as server,
            connect(server.url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            async for event in ws:
                events.append(event)
                if isinstance(event, Ready):
                    await ws.send_text("Grüße")
                elif event == Text("Grüße"):
                    await ws.send_binary(b"\x00\xff")
                elif isinstance(event, Binary):
                    await ws.send_json(answer=42)
                elif isinstance(event, Text):
                    await ws.send_ping(b"!")
                elif isinstance(event, Pong):
                    await ws.close(1000, "enough")
            assert ws.is_closed
            assert not ws.is_active
            assert not ws.is_closing
        return events

    events = run(main())
    assert names(events) == [
        "connecting",
        "connected",
        "ready",
        "text",
        "binary",
        "text",
        "pong",
        "closed",
        "disconnected",
    ]
    assert events[3] == Text("Grüße")
    assert events[4] == Binary(b"\x00\xff")
    assert isinstance(events[5], Text)
    assert events[5].json == {"answer": 42}
    assert events[-2] == Closed(1000, "")
    assert events[-1] == Disconnected("closed", graceful=True, code=1000)
    assert all(event.received_time > 1.6e9 for event in events)


@pytest.mark.rfc("RFC6455-4.1-38")
def test_nothing_can_be_sent_before_ready() -> None:
    """Sending is an error of the caller's until the opening handshake is complete."""

    async def main() -> None:
        async with (
            echo_server() as server,
            connect(server.url, proxies={}) as ws,
        ):
            for send in (ws.send_text("x"), ws.send_ping(b""), ws.close()):
                with pytest.raises(WebSocketUnavailable):
                    await send
            await take_until(ws, Ready)
            await ws.send_text("x")
            assert await take_until(ws, Text) == Text("x")

    run(main())


def test_frames_behind_the_response_come_after_ready() -> None:
    """Frames in the segment of the 101 response are kept, in order."""

    async def script(peer: ServerPeer) -> None:
        await peer.accept(frame(0x81, b"Hel") + frame(0x82, b"lo") + frame(0x89, b"?") + CLOSE_1000)
        assert (await peer.frame()).payload == b"?"
        assert (await peer.frame()).payload == b"\x03\xe8"

    async def main() -> list[Event]:
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            return [event async for event in ws]

    events = run(main())
    assert names(events) == [
        "connecting",
        "connected",
        "ready",
        "text",
        "binary",
        "ping",
        "closing",
        "disconnected",
    ]


@pytest.mark.rfc("RFC6455-7.1.3-01", "RFC6455-5.5.1-08")
def test_close_reply_goes_out_after_closing_was_handled() -> None:
    """While Closing is handled messages may still be sent; the reply repeats the code."""

    async def script(peer: ServerPeer) -> None:
        await peer.accept(frame(0x88, b"\x0f\xa0bye"))
        assert (await peer.frame()).payload == b"last words"
        close = await peer.frame()
        assert close.header.opcode == 0x8
        assert close.payload == b"\x0f\xa0"

    async def main() -> None:
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            closing = await take_until(ws, Closing)
            assert closing == Closing(4000, "bye")
            assert ws.is_closing
            await ws.send_text("last words")
            assert [event async for event in ws] == [
                Disconnected("closed", graceful=True, code=4000)
            ]

    run(main())


@pytest.mark.rfc("RFC6455-7.1.1-03")
def test_client_waits_for_the_server_to_end_tcp() -> None:
    """After the Close exchange the client does not end TCP before the server does."""

    async def script(peer: ServerPeer) -> None:
        await peer.accept()
        await peer.frame()
        peer.send(CLOSE_1000)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(peer.reader.read(1), 0.05)

    async def main() -> None:
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            await take_until(ws, Ready)
            await ws.close()
            assert [type(event) async for event in ws] == [Closed, Disconnected]

    run(main())


def test_server_that_never_ends_tcp_is_left_after_close_timeout() -> None:
    """The wait for the server's end of TCP has a limit; the closing was still complete."""
    done = asyncio.Event()

    async def script(peer: ServerPeer) -> None:
        await peer.accept()
        await peer.frame()
        peer.send(CLOSE_1000)
        await done.wait()

    async def main() -> None:
        async with scripted_server(script) as url:
            async with connect(url, proxies={}, poll=None, close_timeout=0.05) as ws:
                await take_until(ws, Ready)
                await ws.close()
                last = await take_until(ws, Disconnected)
                assert last.graceful
                assert last.code == 1000
                assert ws.sent_close_time is not None
            done.set()

    run(main())


def test_server_that_never_answers_a_close_is_left_after_close_timeout() -> None:
    """Disconnected says so, and that it was not graceful."""
    done = asyncio.Event()

    async def script(peer: ServerPeer) -> None:
        await peer.accept()
        await done.wait()

    async def main() -> None:
        async with scripted_server(script) as url:
            async with connect(url, proxies={}, poll=None, close_timeout=0.05) as ws:
                await take_until(ws, Ready)
                await ws.close()
                last = await take_until(ws, Disconnected)
                assert not last.graceful
                assert last.code == 1006
                assert "closing handshake not complete within 0.05 s" in last.reason
            done.set()

    run(main())


@pytest.mark.rfc("RFC6455-4.1-40")
def test_rejection_is_an_event() -> None:
    """An HTTP answer other than 101 gives Rejected with the response, then Disconnected."""

    async def script(peer: ServerPeer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nX-Why: no\r\n\r\n")

    async def main() -> list[Event]:
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}) as ws,
        ):
            return [event async for event in ws]

    events = run(main())
    assert names(events) == ["connecting", "connected", "rejected", "disconnected"]
    rejected = events[2]
    assert isinstance(rejected, Rejected)
    assert rejected.response.status_code == 403
    assert rejected.response.get("x-why") == "no"


def test_refused_connection_is_an_event() -> None:
    """Nobody listens: ConnectFail, and nothing else."""

    async def main() -> list[Event]:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"ws://127.0.0.1:{unused.getsockname()[1]}/"
            async with connect(url, proxies={}) as ws:
                events = [event async for event in ws]
                assert ws.is_closed
                with pytest.raises(WebSocketUnavailable):
                    await ws.send_text("x")
                return events

    events = run(main())
    assert names(events) == ["connecting", "connect_fail"]
    assert isinstance(events[-1], ConnectFail)
    assert "refused" in events[-1].reason.lower() or "connect" in events[-1].reason.lower()


def test_silent_server_is_left_after_open_timeout() -> None:
    """The opening handshake's answer must come within open_timeout."""

    async def script(peer: ServerPeer) -> None:
        await peer.head()
        await peer.end()

    async def main() -> list[Event]:
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, open_timeout=0.05) as ws,
        ):
            return [event async for event in ws]

    events = run(main())
    assert names(events) == ["connecting", "connected", "disconnected"]
    assert "within 0.05 s" in repr(events[-1])


def test_tls_handshake_counts_towards_open_timeout() -> None:
    """A server that accepts TCP but never speaks TLS gives ConnectFail in time."""

    async def script(peer: ServerPeer) -> None:
        await peer.end()

    async def main() -> list[Event]:
        async with (
            scripted_server(script) as url,
            connect(url.replace("ws:", "wss:"), proxies={}, open_timeout=0.05) as ws,
        ):
            return [event async for event in ws]

    events = run(main())
    assert names(events) == ["connecting", "connect_fail"]
    assert "within 0.05 s" in repr(events[-1])


def test_tls_is_verified_by_default(certificates: Certificates, tmp_path: Path) -> None:
    """A certificate of an unknown authority is refused; ssl_cafile and ssl_verify decide."""
    cafile = tmp_path / "authority.pem"
    certificates.authority.cert_pem.write_to_path(cafile)

    async def first_events(url: str, **options: Unpack[ConnectOptions]) -> list[str]:
        async with connect(url, **options) as ws:
            events: list[str] = []
            async for event in ws:
                events.append(event.name)
                if event.name in ("ready", "connect_fail"):
                    break
            return events

    async def main() -> None:
        context = certificates.server_context("127.0.0.1")
        good = ["connecting", "connected", "ready"]
        async with echo_server(ssl=context) as server:
            assert server.url.startswith("wss://")
            assert await first_events(server.url, proxies={}) == ["connecting", "connect_fail"]
            assert await first_events(server.url, proxies={}, ssl_cafile=str(cafile)) == good
            assert await first_events(server.url, proxies={}, ssl_verify=False) == good
            own = certificates.client_context()
            assert await first_events(server.url, proxies={}, ssl_context=own) == good

    run(main())


def test_tls_carries_a_whole_conversation(certificates: Certificates) -> None:
    """Large messages, both closing handshakes and the end of TLS work over wss."""
    large = os.urandom(3_000_000)

    async def main() -> None:
        context = certificates.server_context("127.0.0.1")
        async with (
            echo_server(ssl=context) as server,
            connect(
                server.url, proxies={}, compress=True, ssl_context=certificates.client_context()
            ) as ws,
        ):
            assert ws.is_secure
            await take_until(ws, Ready)
            assert ws.supports_compression
            await ws.send_binary(large)
            assert await take_until(ws, Binary) == Binary(large)
            await ws.close()
            last = await take_until(ws, Disconnected)
            assert last.graceful

    run(main())


@asynccontextmanager
async def connect_proxy(
    answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n",
    *,
    ssl_context: ssl.SSLContext | None = None,
) -> AsyncGenerator[tuple[int, list[bytes]], None]:
    """Run a proxy that answers CONNECT with *answer*; give its port and the requests seen."""
    requests: list[bytes] = []
    tasks: list[asyncio.Task[None]] = []

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        peer = Peer(reader, writer)
        try:
            head = await peer.head()
        except asyncio.IncompleteReadError:
            await peer.close()
            return
        requests.append(head)
        for i in range(len(answer)):  # as slowly as TCP allows
            peer.send(answer[i : i + 1])
            await asyncio.sleep(0)
        if b" 200 " in answer.split(b"\r\n")[0]:
            host, port = head.split()[1].decode().rsplit(":", 1)
            there_reader, there_writer = await asyncio.open_connection(host, int(port))
            await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))
            await Peer(there_reader, there_writer).close()
        await peer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=ssl_context)
    try:
        yield server.sockets[0].getsockname()[1], requests
    finally:
        server.close()
        for task in tasks:
            await task


@pytest.mark.parametrize("secure_proxy", [False, True], ids=["http-proxy", "https-proxy"])
@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
def test_connection_leads_through_a_proxy(
    secure_proxy: bool, secure: bool, certificates: Certificates, tmp_path: Path
) -> None:
    """CONNECT with credentials, plain or in TLS, to a server with or without TLS."""
    cafile = tmp_path / "authority.pem"
    certificates.authority.cert_pem.write_to_path(cafile)

    async def main() -> None:
        context = certificates.server_context("127.0.0.1")
        async with (
            connect_proxy(ssl_context=context if secure_proxy else None) as (port, requests),
            echo_server(ssl=context if secure else None) as server,
        ):
            scheme = "https" if secure_proxy else "http"
            proxy = f"{scheme}://user:pass@127.0.0.1:{port}"
            async with connect(
                server.url,
                proxies={"http": proxy, "https": proxy},
                ssl_cafile=str(cafile),
                poll=None,
                ping_rate=None,
            ) as ws:
                connected = await take_until(ws, Connected)
                assert connected.proxy is not None
                await take_until(ws, Ready)
                await ws.send_text("by way of a proxy")
                assert await take_until(ws, Text) == Text("by way of a proxy")
            (head,) = requests
            assert head.startswith(f"CONNECT 127.0.0.1:{server.port} HTTP/1.1\r\n".encode())
            credentials = base64.b64encode(b"user:pass")
            assert b"Proxy-Authorization: Basic " + credentials in head

    run(main())


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "407"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502"),
        (b"not HTTP at all\r\n\r\n", "proxy"),
        (b"HTTP/1.1 200", "proxy"),
    ],
)
def test_proxy_that_refuses_is_a_connect_fail(answer: bytes, said: str) -> None:
    """The reason names what the proxy said."""

    async def main() -> list[Event]:
        async with (
            connect_proxy(answer) as (port, _requests),
            connect("ws://127.0.0.1:9/", proxies={"http": f"http://127.0.0.1:{port}"}) as ws,
        ):
            return [event async for event in ws]

    events = run(main())
    assert names(events) == ["connecting", "connect_fail"]
    assert said in repr(events[-1])


def test_sends_wait_while_the_server_does_not_read() -> None:
    """Back-pressure: the write buffer stays at its high-water mark, and all arrives."""
    count = 64
    message = bytes(1 << 20)
    blocked = asyncio.Event()

    async def script(peer: ServerPeer) -> None:
        await peer.accept()
        await blocked.wait()
        for _ in range(count):
            assert len((await peer.frame()).payload) == len(message)
        await peer.frame()
        peer.send(CLOSE_1000)

    async def main() -> None:
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            await take_until(ws, Ready)
            sent = 0
            sending: asyncio.Task[None] | None = None
            while sent < count:
                sending = asyncio.create_task(ws.send_binary(message))
                sent += 1
                done, _pending = await asyncio.wait({sending}, timeout=0.5)
                if not done:
                    break
            assert sending is not None
            assert not sending.done(), "everything fitted into buffers"
            blocked.set()
            await sending
            for _ in range(count - sent):
                await ws.send_binary(message)

    run(main())


def test_bytes_are_not_read_faster_than_events_are_taken() -> None:
    """Back-pressure: a server that floods is stopped by TCP until events are taken."""
    count = 128
    message = frame(0x82, bytes(1 << 20))
    sent = 0
    idle = asyncio.Event()

    async def script(peer: ServerPeer) -> None:
        nonlocal sent
        await peer.accept()
        for _ in range(count):
            peer.send(message)
            drain = asyncio.create_task(peer.writer.drain())
            done, _pending = await asyncio.wait({drain}, timeout=0.5)
            if not done:
                idle.set()
            await drain
            sent += 1
        idle.set()
        peer.send(CLOSE_1000)
        await peer.frame()

    async def main() -> None:
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            await take_until(ws, Ready)
            await idle.wait()
            assert sent < count // 2, "the server was never stopped"
            messages = [event async for event in ws if isinstance(event, Binary)]
            assert len(messages) == count

    run(main())


def test_cancelling_the_iteration_loses_no_event() -> None:
    """However often iterating is cancelled, the events are all there, in order."""
    count = 300

    async def script(peer: ServerPeer) -> None:
        await peer.accept()
        for i in range(count):
            peer.send(frame(0x81, str(i).encode()))
            await asyncio.sleep(0)
        peer.send(CLOSE_1000)
        await peer.frame()

    async def main() -> list[str]:
        received: list[str] = []
        cancelled = 0
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            while True:
                task = asyncio.create_task(anext(ws, None))
                await asyncio.sleep(0)
                task.cancel()
                try:
                    event = await task
                except asyncio.CancelledError:
                    cancelled += 1
                    continue
                if event is None:
                    break
                if isinstance(event, Text):
                    received.append(event.text)
        assert cancelled
        return received

    assert run(main()) == [str(i) for i in range(count)]


def test_cancelling_a_send_leaves_whole_frames() -> None:
    """A send that waits for room and is cancelled has sent its frame as a whole."""
    message = bytes(range(256)) * 4096
    blocked = asyncio.Event()
    received: list[bytes] = []

    async def script(peer: ServerPeer) -> None:
        await peer.accept()
        await blocked.wait()
        while (latest := await peer.frame()).header.opcode != 0x8:
            received.append(latest.payload)
        peer.send(CLOSE_1000)

    async def main() -> int:
        sent = 0
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            await take_until(ws, Ready)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.3):
                    while True:
                        sent += 1
                        await ws.send_binary(message)
            blocked.set()
            await ws.send_binary(b"after")
        return sent

    sent = run(main())
    assert received == [message] * sent + [b"after"]


def test_leaving_early_closes_properly() -> None:
    """Leaving the block in mid-conversation sends a Close 1000 and waits for the answer."""

    async def script(peer: ServerPeer) -> None:
        await peer.accept(frame(0x81, b"unread") * 1000)
        close = await peer.frame()
        assert (close.header.opcode, close.payload) == (0x8, b"\x03\xe8")
        peer.send(frame(0x81, b"still sending") * 1000 + CLOSE_1000)

    async def main() -> None:
        async with scripted_server(script) as url:
            async with connect(url, proxies={}, poll=None, ping_rate=None) as ws:
                await take_until(ws, Ready)
            assert ws.is_closed
            assert ws.state.state is State.CLOSED
            assert ws.state.closing_code == 1000
            with pytest.raises(WebSocketClosed):
                await ws.send_text("x")

    run(main())


def test_exception_in_the_block_closes_with_1011() -> None:
    """The exception goes on, and the server is told that something went wrong."""

    async def script(peer: ServerPeer) -> None:
        await peer.accept()
        assert (await peer.frame()).payload == b"\x03\xf3"
        peer.send(CLOSE_1000)

    async def main() -> None:
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            await take_until(ws, Ready)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(main())


def test_leaving_an_unresponsive_server_takes_close_timeout_at_most() -> None:
    """The closing handshake is given up, and the transport with it."""
    done = asyncio.Event()

    async def script(peer: ServerPeer) -> None:
        await peer.accept()
        await done.wait()

    async def main() -> None:
        async with scripted_server(script) as url:
            async with connect(url, proxies={}, close_timeout=0.05) as ws:
                await take_until(ws, Ready)
            assert ws.is_closed
            done.set()

    run(main())


def test_cancelling_the_leaving_ends_the_transport() -> None:
    """A task that is cancelled while it waits for the closing handshake ends at once."""
    leaving = asyncio.Event()
    done = asyncio.Event()

    async def script(peer: ServerPeer) -> None:
        await peer.accept()
        assert (await peer.frame()).header.opcode == 0x8
        leaving.set()
        await done.wait()

    async def main() -> None:
        async with scripted_server(script) as url:

            async def visit() -> None:
                async with connect(url, proxies={}, ping_rate=None, close_timeout=None) as ws:
                    await take_until(ws, Ready)

            task = asyncio.create_task(visit())
            await leaving.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            done.set()

    run(main())


@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
def test_leaving_while_connecting_leaves_nothing_behind(secure: bool) -> None:
    """The attempt is given up: no task, no socket, no warning remains."""

    async def script(peer: ServerPeer) -> None:
        await peer.end()

    async def main() -> None:
        async with scripted_server(script) as url:
            url = url.replace("ws:", "wss:") if secure else url
            async with connect(url, proxies={}) as ws:
                assert isinstance(await anext(ws), Connecting)
                if not secure:
                    assert isinstance(await anext(ws), Connected)

    run(main())


def test_block_that_is_left_at_once_leaves_nothing_behind() -> None:
    """Entering and leaving without iterating is fine."""

    async def main() -> None:
        async with echo_server() as server, connect(server.url, proxies={}):
            pass

    run(main())


@pytest.mark.rfc("RFC6455-7.1.7-02", "RFC6455-7.1.7-05")
def test_violation_fails_the_connection() -> None:
    """ProtocolError, a Close with its code, and nothing more is read or answered."""

    async def script(peer: ServerPeer) -> None:
        await peer.accept(frame(0x81, b"ok") + frame(0xB1, b"RSV") + frame(0x89, b"?"))
        close = await peer.frame()
        assert close.payload[:2] == b"\x03\xea"
        assert await peer.end() == b""

    async def main() -> list[Event]:
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            return [event async for event in ws]

    events = run(main())
    assert names(events)[2:] == ["ready", "text", "protocol_error", "disconnected"]
    error = events[-2]
    assert isinstance(error, ProtocolError)
    assert error.code == 1002
    assert events[-1] == Disconnected("connection failed", graceful=False, code=1006)


def test_message_above_the_limit_fails_the_connection() -> None:
    """Limits are the caller's; 1009 tells the server."""

    async def script(peer: ServerPeer) -> None:
        await peer.accept(frame(0x82, bytes(101)))
        assert (await peer.frame()).payload[:2] == b"\x03\xf1"
        await peer.end()

    async def main() -> ProtocolError:
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, limits=Limits(message_size=100)) as ws,
        ):
            return await take_until(ws, ProtocolError)

    assert run(main()).code == 1009


def test_reset_in_mid_frame_is_not_graceful() -> None:
    """Disconnected says that the connection was lost; sending afterwards is an error."""

    async def script(peer: ServerPeer) -> None:
        await peer.accept(frame(0x82, bytes(1000))[:500])
        await peer.frame()
        peer.reset()

    async def main() -> None:
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            await take_until(ws, Ready)
            await ws.send_text("now")
            last = await take_until(ws, Disconnected)
            assert not last.graceful
            assert last.code == 1006
            assert last.reason
            with pytest.raises(WebSocketClosed):
                await ws.send_text("x")
            await ws.close()

    run(main())


def test_send_that_waits_fails_when_the_transport_is_lost() -> None:
    """TransportFail ends a send that waits for room."""
    full = asyncio.Event()

    async def script(peer: ServerPeer) -> None:
        await peer.accept()
        await full.wait()
        peer.reset()

    async def main() -> None:
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            await take_until(ws, Ready)

            async def flood() -> None:
                while True:
                    await ws.send_binary(bytes(1 << 20))

            task = asyncio.create_task(flood())
            await asyncio.wait({task}, timeout=0.3)
            full.set()
            with pytest.raises((TransportFail, WebSocketClosed)):
                await task

    run(main())


def test_server_that_only_stops_sending_still_gets_what_is_sent() -> None:
    """A half-closed server gets the answers to what it sent before, then the end."""

    async def script(peer: ServerPeer) -> None:
        await peer.accept(frame(0x81, b"one") + frame(0x81, b"two"))
        peer.writer.write_eof()
        assert (await peer.frame()).payload == b"one"
        assert (await peer.frame()).payload == b"two"
        assert await peer.end() == b""

    async def main() -> None:
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            async for event in ws:
                if isinstance(event, Text):
                    await asyncio.sleep(0.01)
                    await ws.send_text(event.text)
            assert ws.is_closed

    run(main())


def test_polls_come_regularly() -> None:
    """The first Poll comes with Ready, and then one after each interval."""

    async def main() -> None:
        async with (
            echo_server() as server,
            connect(server.url, proxies={}, poll=0.01, ping_rate=None) as ws,
        ):
            await take_until(ws, Ready)
            for _ in range(3):
                assert isinstance(await anext(ws), Poll)

    run(main())


def test_pings_go_out_by_themselves() -> None:
    """ping_rate sends Pings; their Pongs are events."""

    async def main() -> None:
        async with (
            echo_server() as server,
            connect(server.url, proxies={}, poll=None, ping_rate=0.01) as ws,
        ):
            await take_until(ws, Ready)
            for _ in range(3):
                assert isinstance(await anext(ws), Pong)

    run(main())


def test_server_without_pongs_is_unresponsive() -> None:
    """After ping_timeout without a Pong: Unresponsive, then Disconnected."""

    async def script(peer: ServerPeer) -> None:
        await peer.accept()
        await peer.end()

    async def main() -> list[Event]:
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, poll=None, ping_rate=0.01, ping_timeout=0.05) as ws,
        ):
            return [event async for event in ws]

    events = run(main())
    assert names(events)[-2:] == ["unresponsive", "disconnected"]
    assert events[-2] == Unresponsive()


def test_server_with_pongs_is_responsive() -> None:
    """Pongs keep the connection alive beyond ping_timeout."""

    async def main() -> None:
        async with (
            echo_server() as server,
            connect(server.url, proxies={}, poll=None, ping_rate=0.02, ping_timeout=0.5) as ws,
        ):
            await take_until(ws, Ready)
            async with asyncio.timeout(10):
                for _ in range(40):
                    assert isinstance(await anext(ws), Pong)

    run(main())


@pytest.mark.rfc("RFC6455-5.5.2-02")
def test_pings_are_answered_before_they_are_seen() -> None:
    """The Pong is on its way without the application; auto_pong=False leaves it to that."""

    async def script(peer: ServerPeer) -> None:
        await peer.accept(frame(0x89, b"marco"))
        pong = await peer.frame()
        assert (pong.header.opcode, pong.payload) == (0xA, b"marco")
        await peer.frame()
        peer.send(CLOSE_1000)

    async def main(auto_pong: bool) -> None:
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, poll=None, ping_rate=None, auto_pong=auto_pong) as ws,
        ):
            ping = await take_until(ws, Ping)
            if not auto_pong:
                await ws.send_pong(ping.data)

    run(main(True))
    run(main(False))


def test_fragments_make_one_message() -> None:
    """fin=False and send_continuation send one message in pieces (RFC 6455 §5.4)."""

    async def main() -> None:
        async with (
            echo_server() as server,
            connect(server.url, proxies={}, compress=True, poll=None, ping_rate=None) as ws,
        ):
            await take_until(ws, Ready)
            await ws.send_text("Hel", fin=False)
            with pytest.raises(FrameBuildError):
                await ws.send_text("no")
            await ws.send_ping(b"between")
            await ws.send_continuation("lo", fin=True)
            assert await take_until(ws, Text) == Text("Hello")
            await ws.send_binary(b"\x01", compress=False, fin=False)
            await ws.send_continuation(b"\x02")
            assert await take_until(ws, Binary) == Binary(b"\x01\x02")

    run(main())


def test_nothing_can_be_sent_after_our_close() -> None:
    """WebSocketClosing after our Close, WebSocketClosed at the end; closing again is nothing."""

    async def main() -> None:
        async with (
            echo_server() as server,
            connect(server.url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            await take_until(ws, Ready)
            await ws.close(4321, "reason")
            await ws.close()
            assert ws.is_closing
            with pytest.raises(WebSocketClosing):
                await ws.send_text("x")
            last = await take_until(ws, Disconnected)
            assert last.code == 4321
            with pytest.raises(WebSocketClosed):
                await ws.send_text("x")
            await ws.close()

    run(main())


def test_force_disconnect_ends_at_once() -> None:
    """No closing handshake takes place."""

    async def main() -> None:
        async with (
            echo_server() as server,
            connect(server.url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            await take_until(ws, Ready)
            ws.force_disconnect()
            last = await take_until(ws, Disconnected)
            assert not last.graceful
            assert last.reason == "disconnected by the application"

    run(main())


def test_second_task_that_iterates_is_an_error() -> None:
    """Two tasks cannot wait for the events of one WebSocket."""

    async def main() -> None:
        async with (
            echo_server() as server,
            connect(server.url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            await take_until(ws, Ready)
            first = asyncio.create_task(anext(ws))
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="already waiting"):
                await anext(ws)
            await ws.send_text("x")
            assert await first == Text("x")

    run(main())


def test_request_carries_what_was_asked_for() -> None:
    """Subprotocols, agent, origin, headers and userinfo reach the server."""
    heads: list[bytes] = []

    async def script(peer: ServerPeer) -> None:
        heads.append(await peer.accept(headers=b"Sec-WebSocket-Protocol: chat\r\n"))
        await peer.frame()
        peer.send(CLOSE_1000)

    async def main() -> None:
        async with scripted_server(script) as url:
            url = url.replace("://", "://me:secret@") + "path?query=1"
            async with connect(
                url,
                proxies={},
                protocols=["chat", "superchat"],
                agent="tests/1",
                origin="http://example.com",
                headers=[("X-Test", "yes")],
            ) as ws:
                await take_until(ws, Ready)
                assert ws.protocol == "chat"
                assert "secret" not in repr(ws)

    run(main())
    (head,) = heads
    assert head.startswith(b"GET /path?query=1 HTTP/1.1\r\n")
    for line in (
        b"Sec-WebSocket-Protocol: chat, superchat",
        b"User-Agent: tests/1",
        b"Origin: http://example.com",
        b"X-Test: yes",
        b"Authorization: Basic " + base64.b64encode(b"me:secret"),
    ):
        assert line + b"\r\n" in head


def test_trace_tells_what_happens() -> None:
    """The trace function gets records with a stage and the URL."""
    records: list[dict[str, object]] = []

    async def main() -> None:
        async with (
            echo_server() as server,
            connect(server.url, proxies={}, trace=records.append) as ws,
        ):
            await take_until(ws, Ready)

    run(main())
    stages = [record["stage"] for record in records]
    assert stages[0] == "connect_start"
    assert {"socket_send", "socket_recv", "disconnected"} <= set(stages)
    assert all(str(record["url"]).startswith("ws://127.0.0.1:") for record in records)


def test_trace_can_be_logged(caplog: pytest.LogCaptureFixture) -> None:
    """With trace=True the records go to the log, at DEBUG."""

    async def main() -> None:
        async with (
            echo_server() as server,
            connect(server.url, proxies={}, trace=True) as ws,
        ):
            await take_until(ws, Ready)

    with caplog.at_level(logging.DEBUG, "wsref"):
        run(main())
    assert "connect_start" in caplog.text


@pytest.mark.parametrize(
    ("url", "options", "named"),
    [
        ("http://example.com/", {}, "url"),
        ("ws://example.com/#fragment", {}, "url"),
        ("ws://example.com:99999/", {}, "url"),
        ("ws://example.com/", {"protocols": "chat"}, "protocols"),
        ("ws://example.com/", {"protocols": ["a b"]}, "a b"),
        ("ws://example.com/", {"headers": [("X", "a\r\nb")]}, "a\\r\\nb"),
        ("ws://example.com/", {"agent": "x\ny"}, "x\\ny"),
        ("ws://example.com/", {"poll": -1}, "poll"),
        ("ws://example.com/", {"ping_rate": "often"}, "ping_rate"),
        ("ws://example.com/", {"open_timeout": float("nan")}, "open_timeout"),
    ],
)
def test_bad_argument_raises_at_the_call(url: str, options: dict[str, object], named: str) -> None:
    """The error names the argument or shows the value, before anything is connected."""
    wrong_on_purpose = cast(ConnectOptions, options)
    with pytest.raises((TypeError, ValueError)) as caught:
        connect(url, **wrong_on_purpose)
    assert named in str(caught.value)


def open_descriptors() -> int:
    """Return how many descriptors this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_many_connections_leave_nothing_open() -> None:
    """Neither tasks nor descriptors remain after many connections, however they ended."""

    async def visit(ws: WebSocket, how: int) -> None:
        await take_until(ws, Ready)
        if how == 0:
            await ws.close()
            await take_until(ws, Disconnected)
        elif how == 1:
            ws.force_disconnect()
        elif how == 2:
            await ws.send_text("unanswered")

    async def main() -> None:
        async with echo_server() as server:
            for i in range(5):
                async with connect(server.url, proxies={}) as ws:
                    await visit(ws, i % 4)
            before = open_descriptors(), len(asyncio.all_tasks())
            for i in range(200):
                async with connect(server.url, proxies={}) as ws:
                    await visit(ws, i % 4)
            while len(asyncio.all_tasks()) > before[1]:  # the server's side of the last one
                await asyncio.sleep(0.001)
            assert open_descriptors() <= before[0] + 1

    run(main())


def test_received_frames_are_parsed_whatever_the_read() -> None:
    """Messages larger than any buffer, and many small ones in one read, come out whole."""
    sizes = [0, 1, 125, 126, 4096, 65535, 65536, 1 << 20, 3 << 20]

    async def main() -> None:
        async with (
            echo_server() as server,
            connect(server.url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            await take_until(ws, Ready)

            async def send() -> None:
                for size in sizes:
                    await ws.send_binary(b"." * size)
                for i in range(5000):
                    await ws.send_text(str(i))

            sending = asyncio.create_task(send())
            for size in sizes:
                assert len((await take_until(ws, Binary)).data) == size
            for i in range(5000):
                assert (await take_until(ws, Text)).text == str(i)
            await sending

    run(main())


def test_a_peer_s_frame_parses_back() -> None:
    """What the client sends is one masked frame of the shortest length (RFC 6455 §5.2)."""
    sent: list[bytes] = []

    async def script(peer: ServerPeer) -> None:
        await peer.accept()
        sent.append(await peer.reader.readexactly(2 + 4 + 5))
        peer.send(CLOSE_1000)
        await peer.frame()

    async def main() -> None:
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            await take_until(ws, Ready)
            await ws.send_text("Hello")
            await take_until(ws, Disconnected)

    run(main())
    assert sent[0][:2] == b"\x81\x85"
    found = parse_frame(sent[0])
    assert found is not None
    assert found[0].payload == b"Hello"


@pytest.mark.rfc("RFC6455-7.1.7-02")
def test_messages_before_a_violation_can_still_be_answered() -> None:
    """In one segment: the response, a message, and a violation; the answer precedes the Close."""

    async def script(peer: ServerPeer) -> None:
        await peer.accept(frame(0x81, b"fine") + frame(0x83, b"reserved opcode") + CLOSE_1000)
        assert (await peer.frame()).payload == b"fine"
        assert (await peer.frame()).payload[:2] == b"\x03\xea"
        assert await peer.end() == b""

    async def main() -> list[Event]:
        events: list[Event] = []
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            async for event in ws:
                events.append(event)
                if isinstance(event, Text):
                    await ws.send_text(event.text)
        return events

    assert names(run(main()))[2:] == ["ready", "text", "protocol_error", "disconnected"]


@pytest.mark.rfc("RFC6455-4.1-04")
def test_connections_to_one_address_open_one_after_the_other() -> None:
    """At most one connection to an address is connecting; the next waits for its outcome."""
    connecting = 0
    most = 0

    async def script(peer: ServerPeer) -> None:
        nonlocal connecting, most
        connecting += 1
        most = max(most, connecting)
        head = await peer.head()
        await asyncio.sleep(0.01)
        connecting -= 1
        peer.send(response_to(head))
        await peer.frame()
        peer.send(CLOSE_1000)

    async def visit(url: str) -> None:
        async with connect(url, proxies={}, poll=None, ping_rate=None) as ws:
            await take_until(ws, Ready)

    async def main() -> None:
        async with scripted_server(script) as url, asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(visit(url))

    run(main())
    assert most == 1


def test_tls_that_fails_behind_a_proxy_is_a_connect_fail(certificates: Certificates) -> None:
    """The tunnel stands, but the server's certificate is not trusted; nothing stays open."""

    async def main() -> list[Event]:
        async with (
            connect_proxy() as (port, _requests),
            echo_server(ssl=certificates.server_context("127.0.0.1")) as server,
            connect(server.url, proxies={"https": f"http://127.0.0.1:{port}"}) as ws,
        ):
            return [event async for event in ws]

    events = run(main())
    assert names(events) == ["connecting", "connect_fail"]
    assert "certificate" in repr(events[-1]).lower()


@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
def test_leaving_while_a_proxy_is_silent_leaves_nothing_behind(secure: bool) -> None:
    """The attempt is given up in the middle of CONNECT."""

    async def script(peer: ServerPeer) -> None:
        assert (await peer.head()).startswith(b"CONNECT ")
        asked.set()
        await peer.end()

    asked = asyncio.Event()

    async def main() -> None:
        async with scripted_server(script) as url:
            proxy = url.replace("ws:", "http:")
            target = "wss://127.0.0.1:9/" if secure else "ws://127.0.0.1:9/"
            async with connect(target, proxies={"http": proxy, "https": proxy}):
                await asked.wait()

    run(main())


def test_name_that_does_not_resolve_is_a_connect_fail() -> None:
    """RFC 6761 reserves .invalid for this."""

    async def main() -> list[Event]:
        async with connect("ws://host.invalid/", proxies={}) as ws:
            return [event async for event in ws]

    assert names(run(main())) == ["connecting", "connect_fail"]


def test_leaving_with_an_unseen_violation_fails_the_connection() -> None:
    """A violation whose turn has not come is still answered with its status code."""

    async def script(peer: ServerPeer) -> None:
        await peer.accept(frame(0x81, b"fine") + frame(0x83, b"reserved opcode"))
        assert (await peer.frame()).payload[:2] == b"\x03\xea"
        await peer.end()

    async def main() -> None:
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            await take_until(ws, Text)

    run(main())


def test_reset_behind_a_violation_keeps_the_violation() -> None:
    """What was wrong is told even if the server is gone when its turn comes."""
    gone = asyncio.Event()

    async def script(peer: ServerPeer) -> None:
        await peer.accept(frame(0x81, b"fine") + frame(0x83, b"reserved opcode"))
        await peer.frame()
        peer.reset()
        gone.set()

    async def main() -> list[Event]:
        async with (
            scripted_server(script) as url,
            connect(url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            await take_until(ws, Text)
            await ws.send_text("go")
            await gone.wait()
            await asyncio.sleep(0.01)
            return [event async for event in ws]

    assert names(run(main())) == ["protocol_error", "disconnected"]


def test_proxy_that_cannot_be_reached_is_a_connect_fail() -> None:
    """The reason says that it was the proxy."""

    async def main() -> list[Event]:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            proxy = f"http://127.0.0.1:{unused.getsockname()[1]}"
            async with connect("ws://example.com/", proxies={"http": proxy}) as ws:
                return [event async for event in ws]

    events = run(main())
    assert names(events) == ["connecting", "connect_fail"]
    assert "unable to connect to proxy" in repr(events[-1])


def test_websocket_tells_about_itself() -> None:
    """Its address, its state, and a repr without credentials."""

    async def main() -> None:
        async with (
            echo_server() as server,
            connect(server.url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            assert ws.remote_address is None
            assert ws.sent_close_time is None
            await take_until(ws, Ready)
            assert ws.remote_address == ("127.0.0.1", server.port)
            assert repr(ws) == f"<WebSocket client {server.url} open>"
            assert repr(server) == f"<Server {server.url} 1 connections>"
            assert ws.is_active
            assert not ws.is_secure
            assert ws.protocol is None
            assert ws.request is None
            with pytest.raises(ValueError, match="not both"):
                await ws.send_json([1], two=2)
            await ws.close(None)
            assert not ws.is_active
            assert await take_until(ws, Closed) == Closed(1005, "")

    run(main())


def test_close_reason_may_be_bytes() -> None:
    """As with the blocking WebSocket; a bad code or reason raises and sends nothing."""

    async def main() -> None:
        async with (
            echo_server() as server,
            connect(server.url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            await take_until(ws, Ready)
            for code, reason in ((1005, ""), (999, ""), (1000, "x" * 124), (1000, b"\xff")):
                with pytest.raises(ValueError, match=r"^(code|reason): "):
                    await ws.close(code, reason)
            assert ws.is_active
            await ws.close(1000, b"bytes")
            assert (await take_until(ws, Disconnected)).graceful

    run(main())
