"""Sending with the blocking session: full buffers, floods, and other threads."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from spec_tests.api.peers import CLOSE_1000, Peer, quiet, scripted_server, take_until
from spec_tests.playbook import frame
from wsref import WebSocket
from wsref.errors import TransportFail
from wsref.events import Binary, Disconnected, Event, Ping, Ready, Text
from wsref.protocol.limits import Limits
from wsref.session import WebsocketSession
from wsref.transport import Transport

MIB = 1024 * 1024


def transport_of(ws: WebSocket) -> Transport:
    """Return the transport of a connected WebSocket."""
    session = ws.session
    assert isinstance(session, WebsocketSession)
    transport = session._transport  # pyright: ignore[reportPrivateUsage]
    assert transport is not None
    return transport


def finish(ws: WebSocket, events: Iterator[Event]) -> list[Event]:
    """Close, and return the remaining events."""
    ws.close()
    return list(events)


def test_a_message_larger_than_every_buffer_arrives() -> None:
    """The call returns when the operating system has taken all of it."""
    data = bytes(range(256)) * 4 * 4096  # 4 MiB

    def script(peer: Peer) -> None:
        peer.accept()
        assert peer.frame() == (0x82, data)
        peer.send(CLOSE_1000)
        peer.message()

    with scripted_server(script, receive_buffer=4096) as url:
        ws = WebSocket(url)
        for event in quiet(ws):
            if isinstance(event, Ready):
                ws.send_binary(data)


def test_both_sides_may_send_more_than_the_buffers_hold() -> None:
    """While our message cannot be written, the server's is read: no deadlock."""
    ours, theirs = b"a" * (8 * MIB), b"b" * (8 * MIB)

    def script(peer: Peer) -> None:
        peer.accept()
        peer.send_frame(0x82, theirs)  # before it reads anything
        assert peer.frame() == (0x82, ours)
        peer.send(CLOSE_1000)
        peer.message()

    with scripted_server(script, receive_buffer=4096) as url:
        ws = WebSocket(url)
        events = quiet(ws)
        take_until(events, Ready)
        ws.send_binary(ours)
        assert take_until(events, Binary).data == theirs
        assert isinstance(list(events)[-1], Disconnected)


def test_a_flood_of_messages_while_sending_is_delivered_in_order() -> None:
    """Everything that was read while a send had to wait."""
    count = 3000
    ours = b"a" * (4 * MIB)

    def script(peer: Peer) -> None:
        peer.accept()
        for i in range(count):
            peer.send_frame(0x82, i.to_bytes(2, "big") * 1000)
        assert peer.frame() == (0x82, ours)
        peer.send(CLOSE_1000)
        peer.message()

    with scripted_server(script, receive_buffer=4096) as url:
        ws = WebSocket(url)
        received: list[int] = []
        for event in quiet(ws):
            if isinstance(event, Binary):
                received.append(int.from_bytes(event.data[:2], "big"))
                if len(received) == 10:
                    ws.send_binary(ours)
    assert received == list(range(count))


def test_another_thread_may_send_while_one_waits() -> None:
    """At once, and what several threads send is never mixed up."""
    threads, messages = 4, 50

    def script(peer: Peer) -> None:
        peer.accept()
        counts = dict.fromkeys(range(threads), 0)
        for _ in range(threads * messages):
            first_byte, payload = peer.frame()
            assert first_byte == 0x82
            who = payload[0]
            assert payload == bytes([who, counts[who]]) * 5000
            counts[who] += 1
        peer.send(CLOSE_1000)
        peer.message()

    def send(ws: WebSocket, who: int) -> None:
        for i in range(messages):
            ws.send_binary(bytes([who, i]) * 5000)

    with scripted_server(script, receive_buffer=8192) as url:
        ws = WebSocket(url)
        events = quiet(ws)
        take_until(events, Ready)
        workers = [threading.Thread(target=send, args=(ws, who)) for who in range(threads)]
        for worker in workers:
            worker.start()
        assert isinstance(list(events)[-1], Disconnected)
        for worker in workers:
            worker.join()


@pytest.mark.parametrize("compress", [False, True])
def test_an_echo_is_a_match_for_many_threads(compress: bool) -> None:
    """Compressed messages too, whose order matters to the bit."""
    from wsref.serve import running_echo_server

    with running_echo_server() as url:
        ws = WebSocket(url, compress=compress)
        events = quiet(ws)
        take_until(events, Ready)

        def send(who: int) -> None:
            for i in range(100):
                ws.send_text(f"{who}-{i}-" + "x" * 1000)

        workers = [threading.Thread(target=send, args=(who,)) for who in range(4)]
        for worker in workers:
            worker.start()
        seen = [take_until(events, Text).text.split("-")[:2] for _ in range(400)]
        for worker in workers:
            worker.join()
        for who in range(4):
            assert [i for w, i in seen if w == str(who)] == [str(i) for i in range(100)]
        assert finish(ws, events)[-1] == Disconnected("closed", True, 1000)


def test_a_thread_that_sends_does_not_wait_for_a_handler_that_waits_for_it() -> None:
    """The handler joins the sender; the sender reads what the server needs to get rid of."""
    ours, theirs = b"a" * (8 * MIB), b"b" * (8 * MIB)

    def script(peer: Peer) -> None:
        peer.accept(behind=frame(0x81, b"go"))
        peer.send_frame(0x82, theirs)
        assert peer.frame() == (0x82, ours)
        peer.send(CLOSE_1000)
        peer.message()

    with scripted_server(script, receive_buffer=4096) as url:
        ws = WebSocket(url)
        for event in quiet(ws):
            if isinstance(event, Text):
                worker = threading.Thread(target=ws.send_binary, args=(ours,))
                worker.start()
                worker.join()
            if isinstance(event, Binary):
                assert event.data == theirs


def test_a_server_that_only_sends_is_given_up() -> None:
    """It takes nothing and would fill our memory: limits.message_size bounds what is kept."""
    done = threading.Event()

    def script(peer: Peer) -> None:
        peer.accept()
        try:
            while True:
                peer.send_frame(0x82, b"x" * 60000)
        except ConnectionError:
            done.set()

    with scripted_server(script, receive_buffer=4096) as url:
        ws = WebSocket(url, limits=Limits(message_size=MIB))
        events = ws.connect(poll=0, ping_rate=0, ping_timeout=0.2)
        take_until(events, Ready)
        with pytest.raises(TransportFail, match="taken nothing for"):
            ws.send_binary(b"a" * (16 * MIB))
        with pytest.raises(TransportFail):
            ws.send_text("nor will it take this")
        assert isinstance(list(events)[-1], Disconnected)
        assert done.wait(10)


def test_pongs_that_the_server_does_not_take_are_not_piled_up() -> None:
    """A server that sends Pings and reads nothing is not read from any more, and no more."""
    pings = 40_000
    sent = threading.Event()

    def script(peer: Peer) -> None:
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        peer.accept()
        thread = threading.Thread(target=send_pings, args=(peer,))
        thread.start()
        assert not sent.wait(0.5), "the client reads without end"
        for _ in range(pings):
            assert peer.frame() == (0x8A, b"x" * 125)
        thread.join()
        peer.send(CLOSE_1000)
        peer.message()

    def send_pings(peer: Peer) -> None:
        for _ in range(pings):
            peer.send_frame(0x89, b"x" * 125)
        sent.set()

    with scripted_server(script, receive_buffer=4096) as url:
        events = list(quiet(WebSocket(url)))
    assert sum(isinstance(event, Ping) for event in events) == pings


def test_a_signal_handler_may_send() -> None:
    """While the session waits for the server (EINTR), in the same thread."""

    def script(peer: Peer) -> None:
        peer.accept()
        assert peer.frame() == (0x81, b"from the handler")
        peer.send_frame(0x81, b"thanks")
        peer.message()
        peer.send(CLOSE_1000)

    with scripted_server(script) as url:
        ws = WebSocket(url)
        events = quiet(ws)
        take_until(events, Ready)

        def handler(_signal: int, _frame: FrameType | None) -> None:
            ws.send_text("from the handler")

        before = signal.signal(signal.SIGALRM, handler)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            assert take_until(events, Text).text == "thanks"
        finally:
            signal.signal(signal.SIGALRM, before)
        finish(ws, events)


def test_a_large_message_to_a_server_that_vanishes_raises() -> None:
    """TransportFail from the call, then Disconnected."""

    def script(peer: Peer) -> None:
        peer.accept()
        peer.sock.recv(1000)
        peer.reset()

    with scripted_server(script, receive_buffer=4096) as url:
        ws = WebSocket(url)
        events = quiet(ws)
        take_until(events, Ready)
        with pytest.raises(TransportFail):
            ws.send_binary(b"a" * (16 * MIB))
        assert isinstance(list(events)[-1], Disconnected)


def test_closing_the_session_releases_a_thread_that_sends() -> None:
    """It gets TransportFail; nobody waits for ever."""

    def script(peer: Peer) -> None:
        peer.accept()
        peer.sock.recv(1000)
        assert released.wait(10)

    released = threading.Event()
    failures: list[Exception] = []

    def send(ws: WebSocket) -> None:
        try:
            ws.send_binary(b"a" * (16 * MIB))
        except TransportFail as error:
            failures.append(error)
        released.set()

    with scripted_server(script, receive_buffer=4096) as url:
        with WebSocket(url) as ws:
            events = quiet(ws)
            take_until(events, Ready)
            worker = threading.Thread(target=send, args=(ws,))
            worker.start()
            while not transport_of(ws)._unsent_size:  # pyright: ignore[reportPrivateUsage]
                worker.join(0.01)
        worker.join(10)
        assert not worker.is_alive()
        assert len(failures) == 1


def test_keep_alive_pings_do_not_wait_for_a_full_buffer() -> None:
    """So the timers run on: a server that takes nothing becomes unresponsive."""
    stuck = threading.Event()

    def script(peer: Peer) -> None:
        peer.accept()
        assert stuck.wait(20)

    def send(ws: WebSocket) -> None:
        with pytest.raises(TransportFail):
            ws.send_binary(b"a" * (16 * MIB))

    with scripted_server(script, receive_buffer=4096) as url:
        ws = WebSocket(url)
        events = ws.connect(poll=0.05, ping_rate=0.05, ping_timeout=0.3)
        take_until(events, Ready)
        worker = threading.Thread(target=send, args=(ws,))
        worker.start()
        assert [event.name for event in events if event.name != "poll"] == [
            "unresponsive",
            "disconnected",
        ]
        worker.join(10)
        stuck.set()


@pytest.fixture(name="plain_timeouts")
def _plain_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that the system knows no MSG_DONTWAIT."""
    monkeypatch.setattr("wsref.transport._DONT_WAIT", 0)


@pytest.mark.usefixtures("plain_timeouts")
def test_everything_works_without_the_systems_own_timeouts() -> None:
    """Where there is no MSG_DONTWAIT: waiting, sending much both ways, and the end."""
    ours, theirs = b"a" * (6 * MIB), b"b" * (6 * MIB)

    def script(peer: Peer) -> None:
        peer.accept()
        assert peer.message() == (0x81, b"polled")
        peer.send_frame(0x82, theirs)
        assert peer.message() == (0x82, ours)
        peer.send(CLOSE_1000)
        peer.message()

    with scripted_server(script, receive_buffer=4096) as url:
        ws = WebSocket(url)
        polls = 0
        last: Event | None = None
        for event in ws.connect(poll=0.05, ping_rate=0):
            if event.name == "poll":
                polls += 1
                if polls == 3:
                    ws.send_text("polled")
                    ws.send_binary(ours)
            last = event
    assert last == Disconnected("closed", True, 1000)
