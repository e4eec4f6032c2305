"""A violation behind messages in the same read: they are handled first (RFC 6455 §7.1.7)."""

from __future__ import annotations

import pytest

from spec_tests.api.peers import response_to
from spec_tests.api.recording import RecordingSession, connected, opened
from spec_tests.playbook import frame
from wsref import WebSocket
from wsref.errors import WebSocketClosing
from wsref.events import Ping, ProtocolError, Text
from wsref.protocol.closing import State
from wsref.protocol.frames import parse_frame

RESERVED_OPCODE = frame(0x83)


def sent_frames(session: RecordingSession) -> list[tuple[int, bytes]]:
    """Return first byte and the payload's first two bytes of all that was written."""
    data = b"".join(session.written)
    frames: list[tuple[int, bytes]] = []
    position = data.index(b"\r\n\r\n") + 4 if data.startswith(b"GET ") else 0
    while (parsed := parse_frame(data, position)) is not None:
        (header, payload), position = parsed
        frames.append((header.first_byte, payload[:2]))
    return frames


@pytest.mark.rfc("RFC6455-7.1.7-05", "RFC6455-7.1.7-07")
def test_a_message_before_a_violation_can_be_answered() -> None:
    """The Pong goes out at once; the answer next, our Close with 1002, and nothing any more."""
    ws = WebSocket("ws://example.com/", proxies={})
    session = opened(ws)
    events = ws.feed(frame(0x81, b"first") + frame(0x89, b"?") + RESERVED_OPCODE)
    assert next(iter(events)) == Text("first")
    ws.send_text("answer")
    rest = list(events)
    assert rest[0] == Ping(b"?")
    assert isinstance(rest[1], ProtocolError)
    assert (rest[1].clause, rest[1].code, len(rest)) == ("RFC6455-5.2-05", 1002, 2)
    assert sent_frames(session) == [(0x8A, b"?"), (0x81, b"an"), (0x88, b"\x03\xea")]
    with pytest.raises(WebSocketClosing):
        ws.send_text("too late")


@pytest.mark.rfc("RFC6455-7.1.7-05")
def test_ready_is_handled_before_a_violation_in_the_same_segment() -> None:
    """What comes with the handshake's answer is no exception."""
    ws = WebSocket("ws://example.com/", proxies={})
    session = connected(ws)
    events = ws.feed(response_to(ws.build_request()) + frame(0x81, b"hello") + RESERVED_OPCODE)
    seen = list[str]()
    for event in events:
        if event.name == "ready":
            ws.send_text("answer")
        seen.append(event.name)
    assert seen == ["ready", "text", "protocol_error"]
    assert sent_frames(session) == [(0x81, b"an"), (0x88, b"\x03\xea")]
    assert ws.state.state is State.FAILED


@pytest.mark.rfc("RFC6455-7.1.7-07")
def test_closing_while_handling_what_precedes_a_violation_sends_one_close() -> None:
    """The violation still fails the connection, without a second Close."""
    ws = WebSocket("ws://example.com/", proxies={})
    session = opened(ws)
    events = ws.feed(frame(0x81, b"first") + RESERVED_OPCODE)
    assert next(iter(events)) == Text("first")
    ws.close(1000, "")
    (error,) = list(events)
    assert isinstance(error, ProtocolError)
    assert error.critical
    assert sent_frames(session) == [(0x88, b"\x03\xe8")]
