"""The blocking session over real sockets: what happens becomes events, and ends properly."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from spec_tests.api.peers import (
    CLOSE_1000,
    Peer,
    names,
    quiet,
    response_to,
    scripted_server,
    take_until,
)
from spec_tests.playbook import frame
from wsref import WebSocket
from wsref.errors import TransportFail, WebSocketClosed, WebSocketUnavailable
from wsref.events import (
    Closed,
    Closing,
    Connected,
    ConnectFail,
    Connecting,
    Disconnected,
    Event,
    Ping,
    Poll,
    Ready,
    Rejected,
    Text,
)
from wsref.protocol.closing import State
from wsref.session import WebsocketSession


def greet_and_close(peer: Peer) -> None:
    """Accept, say hello, and take part in the closing handshake."""
    peer.accept()
    peer.send_frame(0x81, b"hello")
    first_byte, payload = peer.message()
    assert first_byte == 0x88
    peer.send_frame(0x88, payload)


def test_a_whole_life_is_events() -> None:
    """From Connecting to Disconnected, with nothing between them but what happened."""
    events: list[Event] = []
    with scripted_server(greet_and_close) as url:
        ws = WebSocket(url)
        for event in quiet(ws):
            events.append(event)
            if isinstance(event, Text):
                ws.close(1001, "enough")
    assert [event.name for event in events] == [
        "connecting",
        "connected",
        "ready",
        "text",
        "closed",
        "disconnected",
    ]
    assert events[0] == Connecting(url)
    assert events[1] == Connected(url, None)
    assert events[3:] == [Text("hello"), Closed(1001, "enough"), Disconnected("closed", True, 1001)]
    assert ws.is_closed
    with pytest.raises(WebSocketClosed):
        ws.send_text("too late")


def test_events_tell_their_time() -> None:
    """received_time is in seconds since the epoch, and never runs backwards here."""
    with scripted_server(greet_and_close) as url:
        ws = WebSocket(url)
        times: list[float] = []
        for event in quiet(ws):
            times.append(event.received_time)
            if isinstance(event, Text):
                ws.close()
    assert times[0] > 1.6e9
    assert times == sorted(times)


def test_a_websocket_can_be_iterated_over_and_connected_again() -> None:
    """The same object, one connection after the other."""
    with scripted_server(greet_and_close, greet_and_close) as url:
        ws = WebSocket(url)
        keys = set[bytes]()
        for _ in range(2):
            for event in ws:
                keys.add(ws.key)
                if isinstance(event, Text):
                    ws.close()
            assert ws.is_closed
    assert len(keys) == 2


def test_poll_and_ping_follow_ready_at_once() -> None:
    """The first of each; none before."""

    def script(peer: Peer) -> None:
        peer.accept()
        assert peer.frame() == (0x89, b"")
        peer.send(CLOSE_1000)

    with scripted_server(script) as url:
        assert [event.name for event in WebSocket(url)] == [
            "connecting",
            "connected",
            "ready",
            "poll",
            "closing",
            "disconnected",
        ]


def test_frames_behind_the_response_are_not_lost() -> None:
    """In the same segment as the handshake's answer, in order."""

    def script(peer: Peer) -> None:
        peer.accept(behind=frame(0x81, b"1") + frame(0x89, b"2") + frame(0x81, b"3") + CLOSE_1000)
        assert peer.frame() == (0x8A, b"2")
        assert peer.frame() == (0x88, b"\x03\xe8")

    with scripted_server(script) as url:
        assert names(list(quiet(WebSocket(url))))[2:] == [
            "ready",
            "text",
            "ping",
            "text",
            "closing",
            "disconnected",
        ]


@pytest.mark.rfc("RFC6455-5.5.2-03")
def test_the_pong_is_with_the_server_before_the_ping_is_seen() -> None:
    """The server has its Pong while the application still handles the event."""
    answered = threading.Event()

    def script(peer: Peer) -> None:
        peer.accept(behind=frame(0x89, b"now"))
        assert peer.frame() == (0x8A, b"now")
        answered.set()
        peer.send(CLOSE_1000)
        assert peer.frame() == (0x88, b"\x03\xe8")

    with scripted_server(script) as url:
        for event in quiet(WebSocket(url)):
            if isinstance(event, Ping):
                assert answered.wait(10)


@pytest.mark.rfc("RFC6455-5.5.1-09", "RFC6455-7.1.3-01")
def test_the_handler_of_closing_may_still_send() -> None:
    """Our Close goes out behind what it has sent."""

    def script(peer: Peer) -> None:
        peer.accept(behind=CLOSE_1000)
        peer.end_sending()  # and half-closed all the same
        assert peer.frame() == (0x81, b"last words")
        assert peer.frame() == (0x88, b"\x03\xe8")
        assert peer.end() == b""

    with scripted_server(script) as url:
        ws = WebSocket(url)
        for event in quiet(ws):
            if isinstance(event, Closing):
                ws.send_text("last words")
        assert ws.is_closed


@pytest.mark.rfc("RFC6455-7.1.1-03", "RFC6455-7.1.1-06")
def test_the_client_waits_for_the_server_to_end_tcp() -> None:
    """After the closing handshake it is the server's turn."""
    waiting = threading.Event()

    def script(peer: Peer) -> None:
        peer.accept()
        peer.frame()
        peer.send(CLOSE_1000)
        assert waiting.wait(10)
        peer.sock.settimeout(0.05)
        with pytest.raises(TimeoutError):  # a client that had ended TCP would show here
            peer.sock.recv(1)

    last: Event | None = None
    with scripted_server(script) as url:
        ws = WebSocket(url)
        for event in quiet(ws):
            if isinstance(event, Ready):
                ws.close()
            if isinstance(event, Closed):
                waiting.set()
            last = event
    assert last == Disconnected("closed", True, 1000)


@pytest.mark.rfc("RFC6455-7.1.1-04")
def test_a_server_that_never_ends_tcp_is_not_waited_for_forever() -> None:
    """close_timeout limits that too; the closing handshake was clean all the same."""
    done = threading.Event()

    def script(peer: Peer) -> None:
        peer.accept()
        peer.frame()
        peer.send(CLOSE_1000)
        assert done.wait(10)

    with scripted_server(script) as url:
        ws = WebSocket(url)
        events: list[Event] = []
        for event in ws.connect(poll=0, ping_rate=0, close_timeout=0.1):
            events.append(event)
            if isinstance(event, Ready):
                ws.close()
        done.set()
    assert events[-1] == Disconnected("closed", True, 1000)


@pytest.mark.rfc("RFC6455-7.1.7-05", "RFC6455-7.1.1-01")
def test_a_violation_is_answered_and_tcp_ended_in_an_orderly_way() -> None:
    """The server gets our Close and an end of stream, although it sent more than was read."""

    def script(peer: Peer) -> None:
        peer.accept(behind=frame(0xF1, b"reserved bits") + frame(0x81, b"x" * 60000))
        peer.send(frame(0x82, b"y" * 100000))
        first_byte, payload = peer.frame()
        assert (first_byte, payload[:2]) == (0x88, b"\x03\xea")
        assert peer.end() == b""

    with scripted_server(script) as url:
        events = list(quiet(WebSocket(url)))
    assert names(events)[2:] == ["ready", "protocol_error", "disconnected"]
    last = events[-1]
    assert isinstance(last, Disconnected)
    assert (last.graceful, last.code) == (False, 1006)


@pytest.mark.rfc("RFC6455-7.2.2-01", "RFC6455-4.1-40")
def test_a_refusal_is_rejected_then_disconnected() -> None:
    """No WebSocket frame is sent to a server that does not speak it."""

    def script(peer: Peer) -> None:
        peer.head()
        peer.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        assert peer.end() == b""

    with scripted_server(script) as url:
        events = list(WebSocket(url))
    assert names(events) == ["connecting", "connected", "rejected", "disconnected"]
    rejected, last = events[-2:]
    assert isinstance(rejected, Rejected)
    assert rejected.response.status_code == 403
    assert isinstance(last, Disconnected)
    assert not last.graceful


def test_what_is_not_http_is_a_protocol_error() -> None:
    """Critical: there is no Close to answer it with."""

    def script(peer: Peer) -> None:
        peer.head()
        peer.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n")
        assert peer.end() == b""

    with scripted_server(script) as url:
        assert names(list(WebSocket(url)))[2:] == ["protocol_error", "disconnected"]


@pytest.mark.rfc("RFC6455-7.2.1-02", "RFC6455-7.1.5-03")
@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"", "connection lost"),
        (bytes.fromhex("8105 68"), "in the middle of a frame"),
        (bytes.fromhex("81"), "in the middle of a frame"),
        (bytes.fromhex("0101 68"), "in the middle of a message"),
    ],
)
def test_the_reason_names_what_the_end_of_the_stream_interrupted(sent: bytes, said: str) -> None:
    """A lost connection is code 1006, and not graceful."""

    def script(peer: Peer) -> None:
        peer.accept(behind=sent)

    with scripted_server(script) as url:
        *_others, last = quiet(WebSocket(url))
    assert isinstance(last, Disconnected)
    assert said in last.reason
    assert (last.graceful, last.code) == (False, 1006)


@pytest.mark.rfc("RFC6455-7.2.1-02")
def test_a_reset_in_the_middle_of_a_frame_is_named() -> None:
    """Both what was interrupted and what the operating system says."""
    received = threading.Event()

    def script(peer: Peer) -> None:
        peer.accept(behind=frame(0x81, b"1") + bytes.fromhex("8105 68"))
        assert received.wait(10)
        peer.reset()

    last: Event | None = None
    with scripted_server(script) as url:
        for event in quiet(WebSocket(url)):
            if isinstance(event, Text):
                received.set()
            last = event
    assert isinstance(last, Disconnected)
    assert "in the middle of a frame" in last.reason
    assert "reset by peer" in last.reason
    assert (last.graceful, last.code) == (False, 1006)


def test_the_end_during_the_handshake_is_named() -> None:
    """With half a response."""

    def script(peer: Peer) -> None:
        response = response_to(peer.head())
        peer.send(response[:20])

    with scripted_server(script) as url:
        *_others, last = WebSocket(url)
    assert isinstance(last, Disconnected)
    assert "opening handshake" in last.reason


def test_force_disconnect_ends_the_iteration() -> None:
    """From the loop, or from another thread while the loop waits."""

    def script(peer: Peer) -> None:
        peer.accept()
        peer.sock.recv(1)

    last: Event | None = None
    with scripted_server(script, script) as url:
        ws = WebSocket(url)
        for event in quiet(ws):
            if isinstance(event, Ready):
                ws.force_disconnect()
            last = event
        assert last == Disconnected("disconnected by the application", False, 1006)

        events = quiet(ws)
        take_until(events, Ready)
        thread = threading.Thread(target=ws.force_disconnect)
        thread.start()
        assert list(events) == [Disconnected("disconnected by the application", False, 1006)]
        thread.join()


def test_leaving_the_block_closes_the_socket() -> None:
    """Also when an exception has left the loop's generator alive in its traceback."""

    def script(peer: Peer) -> None:
        peer.accept()
        assert peer.end() == b""

    kept: list[Iterator[Event]] = []

    def fail_in_the_loop(ws: WebSocket) -> None:
        with ws:
            events = quiet(ws)
            kept.append(events)
            take_until(events, Ready)
            raise ZeroDivisionError

    with scripted_server(script) as url:
        ws = WebSocket(url)
        with pytest.raises(ZeroDivisionError):
            fail_in_the_loop(ws)
        with pytest.raises(WebSocketUnavailable):
            ws.send_text("too late")
        assert [event.name for event in kept[0]] == ["disconnected"]
        assert ws.is_closed


def test_a_generator_dropped_early_closes_the_socket() -> None:
    """Break is enough."""

    def script(peer: Peer) -> None:
        peer.accept()
        assert peer.end() == b""

    with scripted_server(script) as url:
        ws = WebSocket(url)
        for event in quiet(ws):
            if isinstance(event, Ready):
                break
        gc.collect()
        assert ws.is_closed


def test_an_old_generator_does_no_harm_to_a_new_connection() -> None:
    """It is dropped after the next connection has begun."""

    def ended(peer: Peer) -> None:
        peer.accept()
        assert peer.end() == b""

    with scripted_server(ended, greet_and_close) as url:
        ws = WebSocket(url)
        events = quiet(ws)
        take_until(events, Ready)
        events = quiet(ws)
        gc.collect()
        take_until(events, Text)
        ws.close()
        assert names(list(events)) == ["closed", "disconnected"]


def test_a_session_class_can_extend_the_session() -> None:
    """session_class is honoured, and ws.session is its instance."""

    class Counting(WebsocketSession):
        writes = 0

        def write(self, data: bytes) -> bool:
            self.writes += 1
            return super().write(data)

    with scripted_server(greet_and_close) as url:
        ws = WebSocket(url)
        for event in ws.connect(session_class=Counting, ping_rate=0):
            if isinstance(event, Text):
                ws.close()
        session = ws.session
        assert isinstance(session, Counting)
        assert session.writes == 1
        assert "Counting" in repr(session)


def test_sending_after_the_server_has_gone_raises_transport_fail() -> None:
    """As soon as the operating system knows; the iteration then ends."""
    gone = threading.Event()

    def send_for_ever(ws: WebSocket) -> None:
        while True:
            ws.send_binary(b"x" * 10000)

    def script(peer: Peer) -> None:
        peer.accept()
        peer.reset()
        gone.set()

    with scripted_server(script) as url:
        ws = WebSocket(url)
        events = quiet(ws)
        take_until(events, Ready)
        assert gone.wait(10)
        with pytest.raises(TransportFail, match="sending failed"):
            send_for_ever(ws)
        assert names(list(events)) == ["disconnected"]


def test_nothing_is_logged_above_debug(caplog: pytest.LogCaptureFixture) -> None:
    """On ordinary paths, failures of the network included."""
    caplog.set_level(logging.DEBUG)

    def reset(peer: Peer) -> None:
        peer.accept()
        peer.reset()

    def refuse(peer: Peer) -> None:
        peer.head()
        peer.send(b"HTTP/1.1 503 Busy\r\n\r\n")

    with scripted_server(greet_and_close, reset, refuse) as url:
        ws = WebSocket(url)
        for event in ws:
            if isinstance(event, Text):
                ws.close()
        for _ in range(2):
            list(ws)
    assert isinstance(list(ws)[-1], ConnectFail)
    assert {record.levelno for record in caplog.records} <= {logging.DEBUG}
    assert {record.name for record in caplog.records} <= {"wsref"}


def test_trace_tells_what_the_socket_does() -> None:
    """socket_send and socket_recv with the number of bytes."""
    records: list[dict[str, object]] = []
    with scripted_server(greet_and_close) as url:
        ws = WebSocket(url, trace=records.append)
        for event in ws.connect(ping_rate=0):
            if isinstance(event, Text):
                ws.close()
    stages = [record["stage"] for record in records]
    assert stages[0] == "connect_start"
    assert stages[-1] == "disconnected"
    assert {"socket_send", "socket_recv", "message_text", "close_requested"} <= set(stages)
    assert [r["length"] for r in records if r["stage"] == "socket_send"] == [15]


def test_a_thousand_connections_leak_nothing() -> None:
    """Neither a descriptor nor a thread."""

    def resources() -> tuple[int, int]:
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    def greet_and_vanish(peer: Peer) -> None:
        peer.accept(behind=CLOSE_1000)
        peer.frame()

    ways = [greet_and_close, greet_and_vanish]
    with scripted_server(*(ways * 500)) as url:
        ws = WebSocket(url)
        before = resources()
        for _ in range(1000):
            for event in ws.connect(ping_rate=0):
                if isinstance(event, Text):
                    ws.close()
        descriptors, threads = resources()
        assert descriptors <= before[0]
        assert threads <= before[1]


def test_polls_stop_when_the_closing_handshake_is_complete() -> None:
    """There is nothing left that an application could do."""
    done = threading.Event()

    def script(peer: Peer) -> None:
        peer.accept()
        peer.frame()
        peer.send(CLOSE_1000)
        assert done.wait(10)

    with scripted_server(script) as url:
        ws = WebSocket(url)
        events: list[Event] = []
        for event in ws.connect(poll=0.01, ping_rate=0, close_timeout=0.2):
            events.append(event)
            if isinstance(event, Ready):
                ws.close()
        done.set()
    assert events[-2:] == [Closed(1000, ""), Disconnected("closed", True, 1000)]
    assert any(isinstance(event, Poll) for event in events)
    assert ws.state.state is State.CLOSED
