"""The asyncio server over real sockets: accepting, refusing, limits, failing handlers, shutdown."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import cast

import pytest

from spec_tests.api.aio_peers import (
    REQUEST,
    Certificates,
    ClientPeer,
    raw_client,
    run,
    take_until,
)
from spec_tests.playbook import KEY, frame
from wsref.aio import Refusal, Server, WebSocket, connect, serve
from wsref.events import (
    Closed,
    Closing,
    Disconnected,
    Event,
    Poll,
    ProtocolError,
    Ready,
    Rejected,
    Text,
    Unresponsive,
)
from wsref.protocol.http import Request
from wsref.protocol.limits import Limits
from wsref.serve import echo, echo_server, running_echo_server

#: A masked Close with status code 1000: 88 82, the key of §5.7, 03 e8 masked.
CLOSE_1000 = frame(0x88, b"\x03\xe8", KEY)


def without(head: bytes, field: bytes) -> bytes:
    """Return a request without one of its header fields."""
    lines = head.split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.startswith(field + b":"))


async def refused(server: Server, request: bytes) -> bytes:
    """Send a request that is not accepted; return all of the answer."""
    async with raw_client(server.port) as client:
        client.send(request)
        return await client.end()


def test_server_says_where_it_listens() -> None:
    """Port 0 is a free port; url, port and sockets tell which."""

    async def main() -> None:
        async with echo_server() as server:
            assert server.port == server.sockets[0].getsockname()[1] != 0
            assert server.url == f"ws://127.0.0.1:{server.port}/"

    run(main())


def test_server_can_be_awaited() -> None:
    """Without a block: await it, close it, wait for its end."""

    async def main() -> None:
        server = await echo_server()
        port = server.port
        async with connect(server.url, proxies={}) as ws:
            await take_until(ws, Ready)
        server.close()
        server.close()
        await server.wait_closed()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)

    run(main())


def test_port_in_use_is_an_oserror() -> None:
    """A server that cannot listen says so when it is started."""

    async def main() -> None:
        async with echo_server() as server:
            with pytest.raises(OSError, match="address already in use"):
                await serve(echo, "127.0.0.1", server.port)

    run(main())


@pytest.mark.rfc("RFC6455-4.2.2-01")
def test_handler_sees_ready_first_and_knows_the_request() -> None:
    """The handler runs once the connection is accepted; Ready is its first event."""
    seen: list[object] = []

    async def handler(ws: WebSocket) -> None:
        assert ws.request is not None
        seen.extend(
            [ws.request.get("x-test"), ws.request.target, ws.protocol, ws.url, ws.is_active]
        )
        seen.extend([type(event) async for event in ws])

    async def main() -> None:
        async with serve(handler, "localhost", 0, subprotocols=["b", "a"]) as server:
            url = server.url + "chat?x=1"
            async with connect(
                url,
                proxies={},
                protocols=["a", "b"],
                headers=[("X-Test", "1")],
                ping_rate=None,
            ) as ws:
                ready = await take_until(ws, Ready)
                assert ready.protocol == ws.protocol == "a"
        assert seen[:5] == ["1", "/chat?x=1", "a", url, True]
        assert seen[5:] == [Ready, Closing, Disconnected]

    run(main())


def test_handler_that_returns_closes_the_connection() -> None:
    """With status code 1000."""

    async def handler(ws: WebSocket) -> None:
        await ws.send_text("good bye")

    async def main() -> list[Event]:
        async with (
            serve(handler, "127.0.0.1", 0) as server,
            connect(server.url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            return [event async for event in ws]

    events = run(main())
    assert events[-3:] == [
        Text("good bye"),
        Closing(1000, ""),
        Disconnected("closed", graceful=True, code=1000),
    ]


def test_handler_that_raises_closes_with_1011(caplog: pytest.LogCaptureFixture) -> None:
    """The exception is logged as an error, and the server lives on."""

    async def handler(ws: WebSocket) -> None:
        async for event in ws:
            if isinstance(event, Text):
                raise ZeroDivisionError("a bug in the handler")

    async def main() -> None:
        async with serve(handler, "127.0.0.1", 0) as server:
            for _ in range(2):
                async with connect(server.url, proxies={}) as ws:
                    await take_until(ws, Ready)
                    await ws.send_text("x")
                    assert (await take_until(ws, Closing)).code == 1011

    with caplog.at_level(logging.INFO, "wsref"):
        run(main())
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert "a bug in the handler" in caplog.text


def test_ordinary_ends_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Clients that leave, in whatever way, even while the handler sends, are no news."""

    async def handler(ws: WebSocket) -> None:
        while True:
            await ws.send_binary(bytes(100_000))
            await asyncio.sleep(0)

    async def main() -> None:
        async with serve(handler, "127.0.0.1", 0, close_timeout=0.2) as server:
            async with connect(server.url, proxies={}) as ws:
                await take_until(ws, Ready)
                ws.force_disconnect()
            async with raw_client(server.port) as client:
                await client.open()
                client.reset()
            async with raw_client(server.port) as client:
                client.send(b"GET / HTTP/1.1\r\n")
                client.reset()

    with caplog.at_level(logging.INFO):
        run(main())
    assert not caplog.records


@pytest.mark.rfc("RFC6455-7.1.1-03", "RFC6455-5.5.1-08")
def test_server_answers_a_close_and_ends_tcp_first() -> None:
    """The reply repeats the code and is the last thing before the end of the stream."""

    async def main() -> None:
        async with echo_server() as server, raw_client(server.port) as client:
            await client.open()
            client.send_frame(0x81, b"first")
            client.send_frame(0x88, b"\x0f\xa1because")
            assert await client.end() == frame(0x81, b"first") + frame(0x88, b"\x0f\xa1")

    run(main())


@pytest.mark.rfc("RFC6455-5.5.1-21", "RFC6455-7.1.1-01")
def test_close_frame_is_not_lost_when_the_client_goes_on_sending() -> None:
    """Input behind the client's Close is discarded, not answered by a reset."""

    async def main() -> None:
        async with echo_server() as server, raw_client(server.port) as client:
            await client.open()
            client.send(CLOSE_1000 + frame(0x82, bytes(1 << 20), KEY) * 4)
            assert await client.end() == frame(0x88, b"\x03\xe8")

    run(main())


@pytest.mark.rfc("RFC6455-7.1.7-02")
def test_nothing_is_answered_after_a_violation() -> None:
    """One Close frame with the code, then the end; what follows is neither read nor answered."""

    async def main() -> None:
        async with echo_server() as server, raw_client(server.port) as client:
            await client.open()
            client.send_frame(0x81, b"fine")
            client.send_frame(0x83, b"reserved opcode")
            client.send_frame(0x89, b"ping")
            client.send(CLOSE_1000)
            answer = await client.end()
            assert answer.startswith(frame(0x81, b"fine") + b"\x88")
            assert answer[8:10] == b"\x03\xea"
            assert len(answer) == 6 + 2 + answer[7]

    run(main())


def test_half_closed_client_gets_the_echoes_it_is_owed() -> None:
    """Ending one's own side of TCP right after the last frame loses nothing."""

    async def handler(ws: WebSocket) -> None:
        async for event in ws:
            if isinstance(event, Text):
                await asyncio.sleep(0.01)
                await ws.send_text(event.text)

    async def main() -> None:
        for closes in (False, True):
            async with (
                serve(handler, "127.0.0.1", 0, compress=False) as server,
                raw_client(server.port) as client,
            ):
                await client.open()
                client.send_frame(0x81, b"one")
                client.send_frame(0x81, b"two")
                if closes:
                    client.send(CLOSE_1000)
                client.writer.write_eof()
                owed = frame(0x81, b"one") + frame(0x81, b"two")
                if closes:
                    owed += frame(0x88, b"\x03\xe8")
                assert await client.end() == owed

    run(main())


def test_frames_behind_the_request_are_answered() -> None:
    """Bytes that a client sends before the response are kept."""

    async def main() -> None:
        async with echo_server() as server, raw_client(server.port) as client:
            head = await client.open(behind=frame(0x81, b"early", KEY) + CLOSE_1000)
            assert head.startswith(b"HTTP/1.1 101 ")
            assert await client.end() == frame(0x81, b"early") + frame(0x88, b"\x03\xe8")

    run(main())


def test_request_may_come_byte_by_byte() -> None:
    """However the request and the frames are cut."""

    async def main() -> None:
        async with echo_server() as server, raw_client(server.port) as client:
            for byte in REQUEST + frame(0x81, b"slow", KEY) + CLOSE_1000:
                client.send(bytes([byte]))
                await asyncio.sleep(0)
            assert (await client.head()).startswith(b"HTTP/1.1 101 ")
            assert await client.end() == frame(0x81, b"slow") + frame(0x88, b"\x03\xe8")

    run(main())


def test_many_messages_in_one_segment_are_answered_in_order() -> None:
    """Pipelined messages and Pings keep their order."""

    async def main() -> None:
        async with echo_server() as server, raw_client(server.port) as client:
            await client.open()
            for i in range(2000):
                client.send_frame(0x81, str(i).encode())
                if i % 100 == 0:
                    client.send_frame(0x89, str(i).encode())
            texts: list[int] = []
            pongs: list[int] = []
            while len(texts) < 2000:
                latest = await client.frame()
                (texts if latest.header.opcode == 1 else pongs).append(int(latest.payload))
            assert texts == list(range(2000))
            assert pongs == list(range(0, 2000, 100))

    run(main())


def test_many_connections_at_once() -> None:
    """Two hundred clients talk at the same time, each with its own answers."""

    async def visit(url: str, number: int) -> None:
        async with connect(url, proxies={}, compress=number % 2 == 0, poll=None) as ws:
            await take_until(ws, Ready)
            for i in range(5):
                await ws.send_text(f"{number}.{i}")
                assert (await take_until(ws, Text)).text == f"{number}.{i}"
            await ws.close()
            assert (await take_until(ws, Disconnected)).graceful

    async def main() -> None:
        async with echo_server() as server, asyncio.TaskGroup() as group:
            for number in range(200):
                group.create_task(visit(server.url, number))

    run(main(), limit=60)


@pytest.mark.rfc("RFC6455-4.2.2-07", "RFC6455-4.4-02")
def test_unsupported_version_gets_426() -> None:
    """The answer names the version that is supported."""

    async def main() -> bytes:
        async with echo_server() as server:
            return await refused(server, REQUEST.replace(b"Version: 13", b"Version: 99"))

    answer = run(main())
    assert answer.startswith(b"HTTP/1.1 426 ")
    assert b"Sec-WebSocket-Version: 13\r\n" in answer


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        without(REQUEST, b"Sec-WebSocket-Key"),
        REQUEST.replace(b"GET", b"POST"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"\r\n\r\n",
    ],
    ids=["plain HTTP", "no key", "POST", "TLS", "nothing"],
)
def test_what_is_no_opening_handshake_gets_an_http_error(request_bytes: bytes) -> None:
    """The server answers in HTTP and ends the connection; the handler never runs."""

    async def main() -> bytes:
        async with echo_server() as server:
            return await refused(server, request_bytes)

    answer = run(main())
    assert answer.startswith(b"HTTP/1.1 4")
    assert b"Connection: close" in answer


@pytest.mark.rfc("RFC6455-10.4-01")
def test_endless_header_is_cut_off() -> None:
    """More header bytes than the limit: an HTTP error, long before the end of them."""

    async def main() -> bytes:
        limits = Limits(header_bytes=1000)
        async with echo_server(limits=limits) as server:
            return await refused(server, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 300)

    assert run(main()).startswith(b"HTTP/1.1 431 ")


@pytest.mark.rfc("RFC6455-10.4-01")
def test_message_above_the_limit_gets_1009() -> None:
    """The limit holds for each connection's messages."""

    async def main() -> None:
        async with (
            echo_server(limits=Limits(message_size=1000)) as server,
            connect(server.url, proxies={}) as ws,
        ):
            await take_until(ws, Ready)
            await ws.send_binary(bytes(1001))
            assert (await take_until(ws, Closing)).code == 1009

    run(main())


def test_slow_handshake_is_cut_off() -> None:
    """A client that does not complete its request within open_timeout is left."""

    async def main() -> None:
        async with (
            serve(echo, "127.0.0.1", 0, open_timeout=0.05) as server,
            raw_client(server.port) as client,
        ):
            client.send(REQUEST[:-1])
            with pytest.raises((ConnectionError, AssertionError)):
                await client.frame()

    run(main())


@pytest.mark.rfc("RFC6455-10.2-02")
@pytest.mark.rfc("RFC6455-4.2.2-04", "RFC6455-10.2-01")
def test_origins_are_checked_against_the_list() -> None:
    """An Origin that is not on the list gets 403; None stands for requests without one."""

    async def main() -> None:
        async with serve(echo, "127.0.0.1", 0, origins=["https://good.example"]) as server:
            for origin, welcome in [
                ("https://good.example", True),
                ("https://evil.example", False),
                (None, False),
            ]:
                async with connect(server.url, proxies={}, origin=origin) as ws:
                    if welcome:
                        await take_until(ws, Ready)
                    else:
                        assert (await take_until(ws, Rejected)).response.status_code == 403
        async with (
            serve(echo, "127.0.0.1", 0, origins=["https://good.example", None]) as server,
            connect(server.url, proxies={}) as ws,
        ):
            await take_until(ws, Ready)

    run(main())


def test_process_request_may_refuse(caplog: pytest.LogCaptureFixture) -> None:
    """It sees the request, may take its time, and answers with any HTTP error."""

    async def process_request(request: Request) -> Refusal | None:
        await asyncio.sleep(0)
        if request.path == "/busy":
            return Refusal(503, (("Retry-After", "7"),), b"later\n")
        if request.path == "/bug":
            raise ZeroDivisionError("a bug in process_request")
        return None

    async def main() -> None:
        async with serve(echo, "127.0.0.1", 0, process_request=process_request) as server:
            async with connect(server.url + "busy", proxies={}) as ws:
                rejected = await take_until(ws, Rejected)
                assert rejected.response.status_code == 503
                assert rejected.response.get("retry-after") == "7"
            async with connect(server.url + "bug", proxies={}) as ws:
                assert (await take_until(ws, Rejected)).response.status_code == 500
            async with connect(server.url + "welcome", proxies={}) as ws:
                await take_until(ws, Ready)

    with caplog.at_level(logging.INFO, "wsref"):
        run(main())
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_compression_is_the_server_s_choice() -> None:
    """compress=False declines permessage-deflate."""

    async def main() -> None:
        for compress in (True, False):
            async with (
                echo_server(compress=compress) as server,
                connect(server.url, proxies={}, compress=True) as ws,
            ):
                ready = await take_until(ws, Ready)
                assert ws.supports_compression is compress
                assert ("permessage-deflate" in ready.extensions) is compress
                await ws.send_text("again and " * 1000)
                assert (await take_until(ws, Text)).text == "again and " * 1000

    run(main())


@pytest.mark.rfc("RFC6455-7.4.1-03")
def test_closing_the_server_tells_every_client_1001() -> None:
    """Shutdown is graceful: a closing handshake with each client."""

    async def main() -> None:
        async with echo_server() as server:
            async with (
                connect(server.url, proxies={}, poll=None) as one,
                connect(server.url, proxies={}, poll=None) as two,
            ):
                await take_until(one, Ready)
                await take_until(two, Ready)
                server.close()
                for ws in (one, two):
                    assert (await take_until(ws, Closing)).code == 1001
                    assert await take_until(ws, Disconnected) == Disconnected(
                        "closed", graceful=True, code=1001
                    )
            await server.wait_closed()

    run(main())


def test_closing_the_server_ends_unfinished_handshakes() -> None:
    """A client that is still sending its request is simply left."""

    async def main() -> None:
        async with echo_server() as server:
            async with raw_client(server.port) as client:
                client.send(REQUEST[:-2])
                await asyncio.sleep(0.01)
                server.close()
                with pytest.raises((ConnectionError, AssertionError)):
                    await client.frame()
            await server.wait_closed()

    run(main())


def test_handlers_see_the_shutdown_as_events() -> None:
    """A handler that iterates sees Closed and Disconnected and can finish its work."""
    seen: list[type[Event]] = []

    async def handler(ws: WebSocket) -> None:
        seen.extend([type(event) async for event in ws])

    async def main() -> None:
        async with serve(handler, "127.0.0.1", 0) as server:

            async def visit() -> None:
                async with connect(server.url, proxies={}, poll=None, ping_rate=None) as ws:
                    await take_until(ws, Ready)
                    server.close()
                    await take_until(ws, Disconnected)

            await visit()

    run(main())
    assert seen == [Ready, Closed, Disconnected]


def test_handler_that_does_not_end_is_cancelled() -> None:
    """A shutdown takes close_timeout at most."""
    cancelled = asyncio.Event()

    async def handler(ws: WebSocket) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def main() -> None:
        async with (
            serve(handler, "127.0.0.1", 0, close_timeout=0.05) as server,
            connect(server.url, proxies={}, close_timeout=1) as ws,
        ):
            await take_until(ws, Ready)
            server.close()
            await server.wait_closed()
            assert cancelled.is_set()

    run(main())


def test_silent_client_is_unresponsive() -> None:
    """The server's Pings must be answered within ping_timeout."""
    seen: list[type[Event]] = []

    async def handler(ws: WebSocket) -> None:
        seen.extend([type(event) async for event in ws])

    async def main() -> None:
        async with (
            serve(handler, "127.0.0.1", 0, ping_rate=0.01, ping_timeout=0.05) as server,
            raw_client(server.port) as client,
        ):
            await client.open()
            assert (await client.frame()).header.opcode == 0x9
            while client.writer.transport.is_closing() is False:
                try:
                    await client.frame()
                except (ConnectionError, AssertionError):
                    break

    run(main())
    assert seen == [Ready, Unresponsive, Disconnected]


def test_handler_can_be_polled() -> None:
    """With poll the handler gets its turn, too."""

    async def handler(ws: WebSocket) -> None:
        polls = 0
        async for event in ws:
            polls += isinstance(event, Poll)
            if polls == 3:
                return

    async def main() -> None:
        async with (
            serve(handler, "127.0.0.1", 0, poll=0.01) as server,
            connect(server.url, proxies={}) as ws,
        ):
            assert (await take_until(ws, Closing)).code == 1000

    run(main())


def test_violation_is_an_event_of_the_handler() -> None:
    """The handler sees ProtocolError with the clause, then Disconnected."""
    seen: list[Event] = []

    async def handler(ws: WebSocket) -> None:
        seen.extend([event async for event in ws])

    async def main() -> None:
        async with serve(handler, "127.0.0.1", 0) as server, raw_client(server.port) as client:
            await client.open()
            client.send(frame(0x81, b"not masked"))
            await client.end()

    run(main())
    assert isinstance(seen[1], ProtocolError)
    assert seen[1].clause == "RFC6455-5.1-02"
    assert isinstance(seen[2], Disconnected)


def test_client_that_vanishes_ends_the_handler() -> None:
    """A reset is Disconnected, not graceful."""
    seen: list[Event] = []
    done = asyncio.Event()

    async def handler(ws: WebSocket) -> None:
        seen.extend([event async for event in ws])
        done.set()

    async def main() -> None:
        async with serve(handler, "127.0.0.1", 0) as server:
            async with raw_client(server.port) as client:
                await client.open()
                client.reset()
            await done.wait()

    run(main())
    last = seen[-1]
    assert isinstance(last, Disconnected)
    assert not last.graceful
    assert last.code == 1006


def test_slow_reader_slows_the_echo_down() -> None:
    """Back-pressure both ways: a client that never reads cannot make the server hold it all."""
    message = frame(0x82, bytes(1 << 20), KEY)

    async def main() -> None:
        async with (
            serve(echo, "127.0.0.1", 0, close_timeout=0.1) as server,
            raw_client(server.port) as client,
        ):
            await client.open()
            cast(asyncio.ReadTransport, client.writer.transport).pause_reading()
            for _ in range(128):
                client.send(message)
                try:
                    await asyncio.wait_for(client.writer.drain(), 0.5)
                except TimeoutError:
                    break
            else:
                pytest.fail("the server took 128 MiB without anyone reading the echoes")
            client.reset()

    run(main())


@pytest.mark.rfc("RFC6455-4.2.2-02", "RFC6455-10.6-01")
def test_tls_server(caplog: pytest.LogCaptureFixture) -> None:
    """wss: the closing handshake works, and clients without TLS do no harm."""
    certificates = Certificates()

    async def main() -> None:
        context = certificates.server_context("localhost")
        async with serve(echo, "localhost", 0, ssl=context, open_timeout=5) as server:
            async with raw_client(server.port) as client:
                client.send(REQUEST)
                assert b"HTTP" not in await client.end()
            assert server.url == f"wss://localhost:{server.port}/"
            async with connect(
                server.url, proxies={}, ssl_context=certificates.client_context(), poll=None
            ) as ws:
                await take_until(ws, Ready)
                await ws.send_text("secret")
                assert (await take_until(ws, Text)).text == "secret"
                server.close()
                assert (await take_until(ws, Closing)).code == 1001
                assert (await take_until(ws, Disconnected)).graceful

    with caplog.at_level(logging.INFO, "wsref"):
        run(main())
    assert not caplog.records


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_ipv6_address_is_bracketed_in_the_url() -> None:
    """And the URL works."""

    async def main() -> None:
        server = echo_server("::1")
        try:
            await server.start()
        except OSError:
            pytest.skip("no IPv6 loopback")
        async with connect(server.url, proxies={}) as ws:
            assert server.url == f"ws://[::1]:{server.port}/"
            await take_until(ws, Ready)
        server.close()
        await server.wait_closed()

    run(main())


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"handler": "echo"}, "handler"),
        ({"port": "80"}, "port"),
        ({"port": 70000}, "70000"),
        ({"port": -1}, "-1"),
        ({"origins": "https://example.com"}, "origins"),
        ({"subprotocols": "chat"}, "subprotocols"),
        ({"subprotocols": ["a b"]}, "'a b'"),
        ({"open_timeout": -1}, "open_timeout"),
        ({"ping_rate": "x"}, "ping_rate"),
    ],
)
def test_bad_argument_raises_at_the_call(arguments: dict[str, object], named: str) -> None:
    """The error names the argument or shows the value, before anything listens."""
    merged = {"handler": echo, "host": "127.0.0.1", "port": 0, **arguments}
    loosely_typed = cast(Callable[..., object], serve)
    with pytest.raises((TypeError, ValueError)) as caught:
        loosely_typed(**merged)
    assert named in str(caught.value)


def test_echo_server_in_a_thread_ends_with_its_block() -> None:
    """For programs that are not asynchronous: the server listens inside the block only."""
    with running_echo_server() as url:
        port = int(url.rsplit(":", 1)[1].rstrip("/"))
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.sendall(REQUEST)
            assert sock.recv(4096).startswith(b"HTTP/1.1 101 ")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


async def _echoes(client: ClientPeer, text: bytes) -> bool:
    client.send_frame(0x81, text)
    return (await client.frame()).payload == text


def test_connections_do_not_disturb_each_other() -> None:
    """One client breaks the protocol, another is unaffected."""

    async def main() -> None:
        async with (
            echo_server() as server,
            raw_client(server.port) as good,
            raw_client(server.port) as bad,
        ):
            await good.open()
            await bad.open()
            assert await _echoes(good, b"before")
            bad.send(b"\xff" * 100)
            await bad.end()
            assert await _echoes(good, b"after")

    run(main())


@pytest.mark.rfc("RFC6455-10.4-01")
def test_client_that_takes_no_pongs_is_not_read() -> None:
    """A flood of Pings cannot make the server hold any number of Pongs."""
    pings = frame(0x89, bytes(125), KEY) * 8000

    async def main() -> None:
        async with (
            serve(echo, "127.0.0.1", 0, close_timeout=0.1) as server,
            raw_client(server.port) as client,
        ):
            await client.open()
            cast(asyncio.ReadTransport, client.writer.transport).pause_reading()
            for _ in range(64):
                client.send(pings)
                try:
                    await asyncio.wait_for(client.writer.drain(), 0.5)
                except TimeoutError:
                    break
            else:
                pytest.fail("the server took 64 MiB of Pings without anyone reading the Pongs")
            client.reset()

    run(main())
