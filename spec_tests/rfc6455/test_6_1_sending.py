"""Sending messages (RFC 6455 §6.1)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from spec_tests.expectations import ROLES, frames_in
from spec_tests.playbook import KEY, NONCE, SEED, endpoint
from wsref.protocol.connection import Connection, Step
from wsref.protocol.errors import (
    FrameBuildError,
    WebSocketClosed,
    WebSocketClosing,
    WebSocketUnavailable,
)
from wsref.protocol.events import Binary, Text
from wsref.protocol.uri import parse_uri

SENDERS: list[Callable[[Connection], Step]] = [
    lambda connection: connection.send_text("x"),
    lambda connection: connection.send_text("x", fin=False),
    lambda connection: connection.send_binary(b"x"),
    lambda connection: connection.send_binary(b"x", masking_key=KEY),
    lambda connection: connection.send_continuation("x"),
    lambda connection: connection.send_ping(b"x"),
    lambda connection: connection.send_pong(b"x"),
]


def connecting(role: str) -> Connection:
    """Return a connection whose opening handshake is not complete."""
    if role == "server":
        return Connection.listen()
    return Connection.connect(parse_uri("ws://example.com/"), NONCE, seed=SEED).connection


@pytest.mark.rfc("RFC6455-6.1-01", "RFC6455-6.1-03", "RFC6455-6.1-05", "RFC6455-6.1-08")
@pytest.mark.parametrize("role", ROLES)
def test_text_is_sent_as_a_text_frame_and_binary_as_a_binary_one(role: str) -> None:
    """Bytes on the wire are exactly one frame, text in UTF-8."""
    peer = endpoint(role)
    key = KEY if role == "client" else None
    connection = peer.connection
    step = connection.send_text("Grüße", masking_key=key)
    assert step.output == peer.own(0x81, "Grüße".encode())
    step = connection.send_binary(b"\x00\xff", masking_key=key)
    assert step.output == peer.own(0x82, b"\x00\xff")
    step = connection.send_ping(b"p", masking_key=key)
    assert step.output == peer.own(0x89, b"p")
    step = connection.send_pong(b"q", masking_key=key)
    assert step.output == peer.own(0x8A, b"q")
    step = connection.close(1000, masking_key=key)
    assert step.output == peer.own(0x88, b"\x03\xe8")


@pytest.mark.rfc("RFC6455-6.1-07", "RFC6455-5.1-01")
def test_a_client_masks_with_the_key_it_is_given() -> None:
    """Fragments and Close too; §5.7's masked "Hello"."""
    connection = endpoint("client").connection
    hello = bytes.fromhex("818537fa213d7f9f4d5158")
    assert connection.send_text("Hello", masking_key=KEY).output == hello
    step = connection.send_text("Hello", fin=False, masking_key=KEY)
    assert step.output == b"\x01" + hello[1:]
    step = step.connection.send_continuation("Hello", masking_key=KEY)
    assert step.output == b"\x80" + hello[1:]


@pytest.mark.rfc("RFC7692-6.1-01", "RFC6455-5.4-04")
def test_a_masking_key_of_the_callers_changes_nothing_else() -> None:
    """A message is compressed with it as without; within another it is refused."""
    connection = endpoint("client", deflate=True).connection
    ((first_byte, payload),) = frames_in(connection.send_text("x" * 99, masking_key=KEY).output)
    assert first_byte == 0xC1
    assert payload == frames_in(connection.send_text("x" * 99).output)[0][1]
    plain = connection.send_text("x" * 99, False, masking_key=KEY).output
    assert frames_in(plain) == [(0x81, b"x" * 99)]
    begun = connection.send_text("x", False, fin=False, masking_key=KEY).connection
    with pytest.raises(FrameBuildError):
        begun.send_text("y", False, masking_key=KEY)


@pytest.mark.rfc("RFC6455-6.1-01")
@pytest.mark.parametrize("role", ROLES)
def test_sending_a_whole_message_changes_nothing(role: str) -> None:
    """The same connection comes back; only a client that derives its key has counted."""
    connection = endpoint(role).connection
    key = KEY if role == "client" else None
    assert connection.send_text("x", masking_key=key).connection is connection
    assert connection.send_binary(b"x" * 70_000, masking_key=key).connection is connection
    assert connection.send_ping(masking_key=key).connection is connection
    assert connection.send_pong(b"", masking_key=key).connection is connection
    derived = connection.send_text("x").connection
    assert (derived is connection) == (role == "server")


@pytest.mark.rfc("RFC6455-5.2-02", "RFC6455-5.2-07", "RFC6455-5.8-01")
@pytest.mark.parametrize("role", ROLES)
def test_reserved_bits_and_opcodes_are_never_sent(role: str) -> None:
    """Without an extension only FIN and six opcodes are used, though compression is asked for."""
    connection = endpoint(role).connection
    outputs = [
        connection.send_text("x" * 1000, True).output,
        connection.send_binary(b"x" * 1000, True).output,
        connection.send_text("x", True, fin=False).output,
        connection.send_ping().output,
        connection.send_pong(b"").output,
        connection.close().output,
    ]
    sent = [first_byte for output in outputs for first_byte, _payload in frames_in(output)]
    assert sent == [0x81, 0x82, 0x01, 0x89, 0x8A, 0x88]


@pytest.mark.rfc("RFC6455-6.1-02", "RFC6455-5.1-07")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("send", SENDERS)
def test_nothing_can_be_sent_before_the_handshake(
    role: str, send: Callable[[Connection], Step]
) -> None:
    """Messages and control frames need an open connection."""
    with pytest.raises(WebSocketUnavailable, match="not open yet") as caught:
        send(connecting(role))
    assert caught.type is WebSocketUnavailable


@pytest.mark.rfc("RFC6455-6.1-02", "RFC6455-5.5.1-09")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("send", SENDERS[:-1])
def test_nothing_but_pongs_can_be_sent_after_our_close(
    role: str, send: Callable[[Connection], Step]
) -> None:
    """Not before and not after the peer's Close."""
    peer = endpoint(role)
    sent = peer.connection.close().connection
    exchanged = sent.receive(peer.from_peer(0x88)).connection
    replied = peer.receive(peer.from_peer(0x88)).connection.close(None).connection
    for connection in (sent, exchanged, replied):
        with pytest.raises(WebSocketClosing, match="nothing was sent"):
            send(connection)
    for connection in (exchanged, replied):
        with pytest.raises(WebSocketClosing, match="nothing was sent"):
            connection.send_pong(b"")


@pytest.mark.rfc("RFC6455-6.1-02", "RFC6455-7.1.7-07")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("send", SENDERS)
def test_nothing_can_be_sent_after_a_failure_or_at_the_end(
    role: str, send: Callable[[Connection], Step]
) -> None:
    """WebSocketClosing until the transport has ended, WebSocketClosed then."""
    peer = endpoint(role)
    connection = peer.receive(peer.from_peer(0x83)).connection
    with pytest.raises(WebSocketClosing, match="nothing was sent"):
        send(connection)
    for ended in (connection.receive_eof().connection, peer.connection.receive_eof().connection):
        with pytest.raises(WebSocketClosed, match="nothing was sent"):
            send(ended)


@pytest.mark.rfc("RFC6455-5.1-07", "RFC6455-5.5.1-13")
@pytest.mark.parametrize("role", ROLES)
def test_messages_can_be_sent_until_our_close(role: str) -> None:
    """Also after the peer's, in answer to what came before it; a message can be finished."""
    peer = endpoint(role)
    connection = peer.connection.send_text("a", fin=False).connection
    connection = connection.receive(peer.from_peer(0x88, b"\x03\xe8")).connection
    assert connection.may_send_data
    step = connection.send_continuation("b")
    assert frames_in(step.output) == [(0x80, b"b")]
    step = step.connection.send_binary(b"c")
    assert frames_in(step.output) == [(0x82, b"c")]
    step = step.connection.send_ping()
    assert frames_in(step.output) == [(0x89, b"")]
    step = step.connection.close(step.connection.reply_code)
    assert frames_in(step.output) == [(0x88, b"\x03\xe8")]
    assert not step.connection.may_send_data


@pytest.mark.rfc("RFC6455-5.6-01", "RFC6455-5.6-04")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "text", ["", "\x00", "\ufeffx", "\ufffe\uffff", "\U0010ffff", "€" * 30_000]
)
def test_any_text_is_sent_as_it_is(role: str, text: str) -> None:
    """NUL, a byte order mark, noncharacters."""
    output = endpoint(role).connection.send_text(text).output
    assert endpoint("server" if role == "client" else "client").receive(output).events == (
        Text(text),
    )


@pytest.mark.rfc("RFC6455-5.2-08", "RFC6455-5.2-10")
@pytest.mark.parametrize("role", ROLES)
def test_large_messages_pass_whole(role: str) -> None:
    """A megabyte in one frame, masked by the client."""
    data = bytes(range(256)) * 4096
    output = endpoint(role).connection.send_binary(data).output
    assert endpoint("server" if role == "client" else "client").receive(output).events == (
        Binary(data),
    )
