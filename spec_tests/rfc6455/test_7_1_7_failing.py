"""Failing the connection (RFC 6455 §7.1.7, §7.2)."""

from __future__ import annotations

import pytest

from spec_tests.expectations import ROLES, close_in, failed, frames_in, is_deaf
from spec_tests.playbook import KEY, NONCE, SEED, endpoint, feed, frame
from wsref.protocol.closing import State, Transport, truncated_reason
from wsref.protocol.connection import Connection, Step
from wsref.protocol.events import Disconnected, ProtocolError, Text
from wsref.protocol.limits import Limits
from wsref.protocol.uri import parse_uri
from wsref.protocol.violations import Violation

#: First byte, payload, status code: one for each code that a violation leads to.
FAULTS = [(0x83, b"", 1002), (0x81, b"\xff", 1007), (0x82, b"x" * 101, 1009)]
LIMITS = Limits(message_size=100)


@pytest.mark.rfc("RFC6455-10.7-01", "RFC6455-10.7-03")
@pytest.mark.rfc("RFC6455-7.1.7-05", "RFC6455-7.1.7-01", "RFC6455-7.1.7-03", "RFC6455-7.4.1-04")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("first_byte", "payload", "code"), FAULTS)
def test_a_violation_is_told_once_and_answered_with_one_close(
    role: str, first_byte: int, payload: bytes, code: int
) -> None:
    """The Close has the fitting code and says what was wrong; then TCP is to end."""
    peer = endpoint(role, limits=LIMITS)
    step = peer.receive(peer.from_peer(first_byte, payload))
    assert failed(step, code) == ()
    (event,) = step.events
    assert isinstance(event, ProtocolError)
    sent_code, reason = close_in(step.output)
    assert sent_code == code
    assert reason
    assert event.error.startswith(reason)
    assert event.clause in event.error
    assert step.connection.sent_close


@pytest.mark.rfc("RFC6455-7.1.7-07", "RFC6455-5.5.1-20")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("first_byte", "payload", "code"), FAULTS)
def test_after_a_failure_nothing_is_read_or_answered(
    role: str, first_byte: int, payload: bytes, code: int
) -> None:
    """Neither in the same read nor later: no message, Ping, Close or second fault."""
    peer = endpoint(role, limits=LIMITS)
    bad = peer.from_peer(first_byte, payload)
    following = [
        peer.from_peer(0x81, b"x"),
        peer.from_peer(0x89, b"x"),
        peer.from_peer(0x88, b"\x03\xe8"),
        peer.from_peer(0x83),
    ]
    alone = peer.receive(bad)
    assert peer.receive(bad + b"".join(following)) == alone
    assert is_deaf(alone.connection, *following)
    assert alone.connection.close(1000) == Step(alone.connection, (), b"")


@pytest.mark.rfc("RFC6455-7.1.7-05")
@pytest.mark.parametrize("role", ROLES)
def test_events_before_a_violation_are_delivered(role: str) -> None:
    """Though they came in the same read, by whichever path."""
    peer = endpoint(role)
    data = peer.from_peer(0x81, b"a") + peer.from_peer(0x01, b"b") + peer.from_peer(0x80, b"c")
    step = peer.receive(data + peer.from_peer(0x83))
    assert failed(step, 1002) == (Text("a"), Text("bc"))


@pytest.mark.rfc("RFC6455-7.1.7-06", "RFC6455-5.5.1-20")
@pytest.mark.parametrize("role", ROLES)
def test_a_violation_after_our_close_is_not_answered_with_a_second_one(role: str) -> None:
    """It fails the connection all the same; nothing that follows is waited for."""
    peer = endpoint(role)
    step = peer.connection.close(1001).connection.receive(peer.from_peer(0x83))
    (event,) = step.events
    assert isinstance(event, ProtocolError)
    assert (event.code, event.critical) == (1002, True)
    assert step.output == b""
    assert step.connection.state is State.FAILED
    assert step.connection.transport is Transport.CLOSE
    assert step.connection.closing_code == 1006


@pytest.mark.rfc("RFC6455-7.1.5-03", "RFC6455-7.1.4-01")
@pytest.mark.parametrize("role", ROLES)
def test_a_failed_connection_ends_as_1006_and_not_gracefully(role: str) -> None:
    """Though the violation was in a Close that had a code."""
    peer = endpoint(role)
    step = peer.receive(peer.from_peer(0x88, b"\x03\xe8\xff"))
    failed(step, 1007)
    ended = step.connection.receive_eof()
    assert ended.events == (Disconnected("connection failed", False, 1006),)
    assert ended.connection.closing_reason == ""


@pytest.mark.rfc("RFC6455-7.1.7-05")
@pytest.mark.parametrize("role", ROLES)
def test_a_violation_in_mid_message_is_answered_though_ours_is_unfinished(role: str) -> None:
    """A Close may stand between our own fragments."""
    peer = endpoint(role)
    connection = peer.connection.send_text("a", fin=False).connection
    step = connection.receive(peer.from_peer(0x01, b"b") + peer.from_peer(0x83))
    failed(step, 1002)
    assert [first_byte for first_byte, _payload in frames_in(step.output)] == [0x88]


@pytest.mark.rfc("RFC6455-5.2-03", "RFC6455-5.2-05", "RFC6455-5.1-02", "RFC6455-5.1-05")
@pytest.mark.parametrize("role", ROLES)
def test_several_faults_in_one_frame_fail_with_1002_from_the_header(role: str) -> None:
    """RSV bits, opcode, MASK and length are all wrong, and no payload has come."""
    wrongly_masked = frame(0xF3, b"", KEY if role == "client" else None)
    failed(endpoint(role).receive(wrongly_masked), 1002)
    head = bytes.fromhex("737f0000000000000001")
    if role == "server":
        head = head[:1] + bytes([head[1] | 0x80]) + head[2:] + KEY
    failed(endpoint(role).receive(head), 1002)


@pytest.mark.rfc("RFC6455-7.1.7-05")
@pytest.mark.parametrize("role", ROLES)
def test_a_header_is_judged_when_it_is_complete(role: str) -> None:
    """Byte by byte: nothing before its last byte, everything with it."""
    peer = endpoint(role)
    head = peer.from_peer(0x83, b"x" * 300)[:-300]
    connection, events, output = feed(peer.connection, [bytes([byte]) for byte in head[:-1]])
    assert (events, output) == ([], b"")
    failed(connection.receive(head[-1:]), 1002)


@pytest.mark.rfc("RFC6455-7.2.1-01")
def test_a_client_fails_its_opening_handshake_without_a_frame() -> None:
    """Before the connection is open, nobody could read a Close."""
    client = Connection.connect(parse_uri("ws://example.com/"), NONCE, seed=SEED).connection
    step = client.receive(b"\x81\x05Hello\r\n\r\n")
    (event,) = step.events
    assert isinstance(event, ProtocolError)
    assert event.critical
    assert step.output == b""
    assert step.connection.state is State.FAILED
    assert not step.connection.sent_close
    assert is_deaf(step.connection, b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    assert step.connection.receive_eof().events == (Disconnected("connection failed", False, 1006),)


@pytest.mark.rfc("RFC6455-7.2.2-01", "RFC6455-7.1.4-02")
def test_a_server_fails_its_opening_handshake_with_an_http_error() -> None:
    """An HTTP answer, no frame, and the connection is to end."""
    step = Connection.listen().receive(b"\x81\x05Hello\r\n\r\n")
    (event,) = step.events
    assert isinstance(event, ProtocolError)
    assert event.critical
    assert step.output.startswith(b"HTTP/1.1 400 ")
    assert step.connection.state is State.FAILED
    assert step.connection.transport is Transport.CLOSE
    assert is_deaf(step.connection, b"GET / HTTP/1.1\r\n\r\n")


def test_a_violation_names_its_clause_and_status_code() -> None:
    """For logs: the detail, and the requirement broken; 1002 unless the RFC says otherwise."""
    violation = Violation("RFC6455-8.1-01", "invalid UTF-8")
    assert str(violation) == "invalid UTF-8 (RFC6455-8.1-01)"
    assert violation.status_code == 1007
    assert Violation("RFC6455-5.4-03", "").status_code == 1002


@pytest.mark.rfc("RFC6455-5.5.1-06")
def test_a_long_reason_is_cut_between_characters() -> None:
    """At 123 bytes of UTF-8 or a little less."""
    assert truncated_reason("€" * 50) == "€" * 41
    assert truncated_reason("x" + "€" * 50) == "x" + "€" * 40
    assert truncated_reason("x" * 124) == "x" * 123
    assert truncated_reason("x" * 123) == "x" * 123


@pytest.mark.rfc("RFC6455-5.5.1-06")
@pytest.mark.parametrize("role", ROLES)
def test_what_we_say_about_a_long_fault_fits_into_a_close(role: str) -> None:
    """Reasons are cut at 123 bytes, between characters."""
    peer = endpoint(role, deflate=True)
    for data in (peer.from_peer(0xC1), peer.from_peer(0xC1, b"\x07"), peer.from_peer(0x88, b"x")):
        step = peer.receive(data)
        failed(step, 1002 if data[0] == 0x88 else 1007)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.rfc("RFC6455-7.1.7-05")
@pytest.mark.parametrize("length", [0, 1, 2, 3, 50])
def test_all_bytes_before_a_violation_are_told_from_it(role: str, length: int) -> None:
    """The very last one, too; none where the first byte is one too many."""
    peer = endpoint(role)
    begun = peer.receive(peer.from_peer(0x81, b"x" * length + b"\xff")[:-1]).connection
    if length:
        assert begun.sound_length(peer.from_peer(0x81, b"x" * length + b"\xff")[-1:]) == 0
    data = peer.from_peer(0x81, b"x" * length + b"\xff" * 3)
    sound = len(data) - 3
    assert peer.connection.sound_length(data) == sound
    assert peer.receive(data[:sound]).connection.state is State.OPEN


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.rfc("RFC6455-7.1.7-05")
def test_the_bytes_before_a_violation_can_be_told_from_those_that_fail(role: str) -> None:
    """The first part gives the messages, the second nothing but the failure."""
    peer = endpoint(role)
    sound = peer.from_peer(0x82, b"first") + peer.from_peer(0x89, b"?")
    data = sound + peer.from_peer(0x83, b"") + peer.from_peer(0x82, b"never")
    length = peer.connection.sound_length(data)
    assert len(sound) <= length < len(data)
    assert peer.receive(data[: length + 1]).connection.state is State.FAILED
    step = peer.receive(data[:length])
    assert [event.name for event in step.events] == ["binary", "ping"]
    assert [event.name for event in step.connection.receive(data[length:]).events] == [
        "protocol_error"
    ]
