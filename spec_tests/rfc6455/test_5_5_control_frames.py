"""Control frames: Close, Ping and Pong (RFC 6455 §5.5)."""

from __future__ import annotations

import pytest

from spec_tests.expectations import ROLES, close_in, failed, frames_in, is_deaf
from spec_tests.playbook import KEY, NONCE, SEED, endpoint, feed, frame
from wsref.protocol.closing import State
from wsref.protocol.connection import Connection
from wsref.protocol.errors import WebSocketClosing
from wsref.protocol.events import Closing, Ping, Pong
from wsref.protocol.frames import parse_header
from wsref.protocol.uri import parse_uri


@pytest.mark.rfc("RFC6455-5.5-04", "RFC6455-5.5.2-01", "RFC6455-5.5.3-01")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("size", [0, 1, 124, 125])
def test_pings_up_to_125_bytes_are_answered_with_the_same_bytes(role: str, size: int) -> None:
    """125 bytes are the most that a control frame carries."""
    peer = endpoint(role)
    payload = bytes(range(255, 255 - size, -1))
    step = peer.receive(peer.from_peer(0x89, payload))
    assert step.events == (Ping(payload),)
    assert frames_in(step.output) == [(0x8A, payload)]


@pytest.mark.rfc("RFC6455-5.5-02")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("first_byte", [0x88, 0x89, 0x8A])
@pytest.mark.parametrize(
    "length", ["7e007e", "7e0001", "7effff", "7f0000000000010000", "7f0000000000000001"]
)
def test_a_longer_control_frame_fails_with_1002_from_its_header(
    role: str, first_byte: int, length: str
) -> None:
    """Announced by 126 or 127, whatever the extended length then says."""
    announced = bytearray(bytes.fromhex(length))
    tail = b""
    if role == "server":
        announced[0] |= 0x80
        tail = KEY
    data = bytes([first_byte]) + announced + tail
    assert failed(endpoint(role).receive(data), 1002, "RFC6455-5.5-02") == ()


@pytest.mark.rfc("RFC6455-5.5-03", "RFC6455-5.4-07")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("first_byte", [0x08, 0x09, 0x0A])
def test_a_control_frame_without_fin_fails_with_1002(role: str, first_byte: int) -> None:
    """Control frames are not fragmented; also not in mid-message."""
    peer = endpoint(role)
    bad = peer.from_peer(first_byte, b"x")
    assert failed(peer.receive(bad), 1002, "RFC6455-5.5-03") == ()
    assert failed(peer.receive(peer.from_peer(0x01, b"a") + bad), 1002, "RFC6455-5.5-03") == ()


@pytest.mark.rfc("RFC6455-5.5.2-02", "RFC6455-5.5.3-02")
@pytest.mark.parametrize("role", ROLES)
def test_each_of_several_pings_is_answered_in_order(role: str) -> None:
    """Those read together too; client Pongs have a masking key each."""
    peer = endpoint(role)
    payloads = [b"a", b"", b"b" * 125, b"a"]
    step = peer.receive(b"".join(peer.from_peer(0x89, payload) for payload in payloads))
    assert step.events == tuple(Ping(payload) for payload in payloads)
    assert frames_in(step.output) == [(0x8A, payload) for payload in payloads]


@pytest.mark.rfc("RFC6455-5.1-01", "RFC6455-5.3-02")
def test_pongs_of_a_client_are_masked_with_a_key_each() -> None:
    """Keys come from the seed, one for every frame."""
    peer = endpoint("client")
    output = peer.receive(peer.from_peer(0x89, b"same") * 2).output
    half = len(output) // 2
    first, second = parse_header(output), parse_header(output, half)
    assert first is not None
    assert second is not None
    assert first.masking_key is not None
    assert second.masking_key is not None
    assert first.masking_key != second.masking_key


@pytest.mark.rfc("RFC6455-5.5.3-03", "RFC6455-5.5.3-04")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("payload", [b"", b"x", b"x" * 125])
def test_a_pong_asked_for_or_not_is_told_and_not_answered(role: str, payload: bytes) -> None:
    """An unasked Pong is a heartbeat in one direction."""
    peer = endpoint(role)
    step = peer.receive(peer.from_peer(0x8A, payload))
    assert step.events == (Pong(payload),)
    assert step.output == b""


@pytest.mark.rfc("RFC6455-5.5.2-02")
def test_pings_are_answered_unless_somebody_says_otherwise() -> None:
    """By both roles, each with the defaults of the handshake's functions."""
    client, _events, request = Connection.connect(parse_uri("ws://example.com/"), NONCE, seed=SEED)
    server, _events, response = Connection.listen().receive(request).connection.accept()
    pong = client.receive(response + frame(0x89, b"x")).output
    assert frames_in(pong) == [(0x8A, b"x")]
    assert frames_in(server.receive(frame(0x89, b"y", KEY)).output) == [(0x8A, b"y")]


@pytest.mark.parametrize("role", ROLES)
def test_pings_are_left_to_the_application_on_demand(role: str) -> None:
    """With auto_pong=False nothing is sent until the application does."""
    peer = endpoint(role, auto_pong=False)
    step = peer.receive(peer.from_peer(0x89, b"x"))
    assert (step.events, step.output) == ((Ping(b"x"),), b"")
    assert frames_in(step.connection.send_pong(b"x").output) == [(0x8A, b"x")]


@pytest.mark.rfc("RFC6455-5.5.2-02")
@pytest.mark.parametrize("role", ROLES)
def test_a_ping_after_our_close_is_still_answered(role: str) -> None:
    """The ban on sending after a Close is on data frames; a Pong may be made by hand too."""
    peer = endpoint(role)
    connection = peer.connection.close().connection
    step = connection.receive(peer.from_peer(0x89, b"x"))
    assert step.events == (Ping(b"x"),)
    assert frames_in(step.output) == [(0x8A, b"x")]
    assert frames_in(connection.send_pong(b"y").output) == [(0x8A, b"y")]
    with pytest.raises(WebSocketClosing):
        connection.send_ping()


@pytest.mark.rfc("RFC6455-5.5.2-02", "RFC6455-5.5.1-21")
@pytest.mark.parametrize("role", ROLES)
def test_a_ping_after_the_peers_close_is_ignored(role: str) -> None:
    """In the same read and in later ones."""
    peer = endpoint(role)
    ping = peer.from_peer(0x89, b"x")
    step = peer.receive(peer.from_peer(0x88) + ping)
    assert (step.events, step.output) == ((Closing(1005, ""),), b"")
    assert is_deaf(step.connection, ping)


@pytest.mark.rfc("RFC6455-5.5.2-02", "RFC6455-7.1.7-05")
@pytest.mark.parametrize("role", ROLES)
def test_a_ping_before_a_violation_is_answered_before_our_close(role: str) -> None:
    """What came before a fault counts, though it was read together with it."""
    peer = endpoint(role)
    step = peer.receive(peer.from_peer(0x89, b"x") + peer.from_peer(0x83))
    assert failed(step, 1002) == (Ping(b"x"),)
    assert [first_byte for first_byte, _payload in frames_in(step.output)] == [0x8A, 0x88]


@pytest.mark.rfc("RFC7692-6-02", "RFC7692-6.1-03")
@pytest.mark.parametrize("role", ROLES)
def test_control_frames_are_never_compressed(role: str) -> None:
    """With permessage-deflate agreed on, they are as they are without."""
    peer = endpoint(role, deflate=True)
    payload = b"a" * 100
    step = peer.receive(peer.from_peer(0x89, payload))
    assert step.events == (Ping(payload),)
    assert frames_in(step.output) == [(0x8A, payload)]
    assert frames_in(peer.connection.send_ping(payload).output) == [(0x89, payload)]
    assert frames_in(peer.connection.close(1000, "a" * 100).output) == [
        (0x88, b"\x03\xe8" + payload)
    ]


@pytest.mark.rfc("RFC6455-5.5-01", "RFC6455-5.5.2-01", "RFC6455-5.5.3-03")
@pytest.mark.parametrize("role", ROLES)
def test_pings_and_pongs_of_up_to_125_bytes_are_sent(role: str) -> None:
    """One byte more is the caller's mistake."""
    connection = endpoint(role).connection
    for size in (0, 1, 125):
        assert frames_in(connection.send_ping(bytes(size)).output) == [(0x89, bytes(size))]
        assert frames_in(connection.send_pong(bytes(size)).output) == [(0x8A, bytes(size))]
    with pytest.raises(ValueError, match="data has 126 bytes"):
        connection.send_ping(bytes(126))
    with pytest.raises(ValueError, match="data has 126 bytes"):
        connection.send_pong(bytes(126))


@pytest.mark.rfc("RFC6455-5.5.1-01", "RFC6455-5.5.1-02", "RFC6455-5.5.1-04", "RFC6455-7.1.6-01")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("body", "code", "reason"),
    [
        (b"", 1005, ""),
        (b"\x03\xe8", 1000, ""),
        (b"\x03\xe9bye", 1001, "bye"),
        (b"\x0f\xa0" + "€".encode() * 41, 4000, "€" * 41),  # 125 bytes
    ],
)
def test_the_body_of_a_close_is_a_code_and_a_reason(
    role: str, body: bytes, code: int, reason: str
) -> None:
    """Both may be missing; the code is big-endian, the reason at most 123 bytes of UTF-8."""
    peer = endpoint(role)
    step = peer.receive(peer.from_peer(0x88, body))
    assert step.events == (Closing(code, reason),)
    assert (step.connection.closing_code, step.connection.closing_reason) == (code, reason)


@pytest.mark.rfc("RFC6455-5.5.1-03")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("byte", ["00", "03", "e8", "ff"])
def test_a_close_with_a_body_of_one_byte_fails_with_1002(role: str, byte: str) -> None:
    """It is neither empty nor a status code."""
    peer = endpoint(role)
    step = peer.receive(peer.from_peer(0x88, bytes.fromhex(byte)))
    assert failed(step, 1002, "RFC6455-5.5.1-03") == ()


@pytest.mark.rfc("RFC6455-5.5.1-05", "RFC6455-8.1-01")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "reason", ["ff", "61c3", "c080", "eda080", "f4908080", "cebae1bdb9cf83cebcceb5eda080"]
)
def test_a_reason_that_is_not_utf8_fails_with_1007(role: str, reason: str) -> None:
    """Invalid, cut off, overlong, a surrogate, beyond the last code point."""
    peer = endpoint(role)
    step = peer.receive(peer.from_peer(0x88, b"\x03\xe8" + bytes.fromhex(reason)))
    assert failed(step, 1007, "RFC6455-5.5.1-05") == ()


@pytest.mark.rfc("RFC6455-5.5.1-05", "RFC6455-7.4.1-07")
@pytest.mark.parametrize("role", ROLES)
def test_a_bad_code_counts_before_a_bad_reason(role: str) -> None:
    """1002 is preferred over 1007."""
    peer = endpoint(role)
    failed(peer.receive(peer.from_peer(0x88, b"\x03\xed\xff")), 1002, "RFC6455-7.4.1-07")


@pytest.mark.rfc("RFC6455-5.5.1-06", "RFC6455-5.5-01")
@pytest.mark.parametrize("role", ROLES)
def test_a_reason_is_sent_as_utf8_of_at_most_123_bytes(role: str) -> None:
    """One byte more, or a lone surrogate, is the caller's mistake."""
    connection = endpoint(role).connection
    assert close_in(connection.close(1000, "€" * 41).output) == (1000, "€" * 41)
    with pytest.raises(ValueError, match="reason: 124 bytes"):
        connection.close(1000, "€" * 41 + "x")
    with pytest.raises(ValueError, match="reason"):
        connection.close(1000, "\ud800")
    with pytest.raises(ValueError, match="reason: 'bye' cannot be sent without a code"):
        connection.close(None, "bye")


@pytest.mark.parametrize("role", ROLES)
def test_control_frames_byte_by_byte_are_handled_when_complete(role: str) -> None:
    """Ping, Pong and Close in reads of one byte."""
    peer = endpoint(role)
    data = peer.from_peer(0x89, b"ab") + peer.from_peer(0x8A) + peer.from_peer(0x88, b"\x03\xe8ok")
    for position in range(len(data)):
        connection, events, output = feed(
            peer.connection, [bytes([byte]) for byte in data[:position]]
        )
        assert connection.state is State.OPEN
    connection, events, output = feed(peer.connection, [bytes([byte]) for byte in data])
    assert events == [Ping(b"ab"), Pong(b""), Closing(1000, "ok")]
    assert frames_in(output) == [(0x8A, b"ab")]
    assert connection.state is State.CLOSE_RECEIVED
