"""A caller's mistakes: an exception from the call, which names the argument; nothing changes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from spec_tests.expectations import ROLES, frames_in
from spec_tests.playbook import KEY, NONCE, SEED, endpoint
from wsref.protocol import errors
from wsref.protocol.connection import Connection
from wsref.protocol.errors import WebSocketError
from wsref.protocol.events import Binary
from wsref.protocol.uri import parse_uri

URI = parse_uri("ws://example.com/")

Call = Callable[[Any], object]

WRONG_TYPES: list[tuple[Call, str]] = [
    (lambda c: c.receive("text"), "data must be bytes, not str"),
    (lambda c: c.receive(None), "data must be bytes, not NoneType"),
    (lambda c: c.receive(5), "data must be bytes, not int"),
    (lambda c: c.receive([1]), "data must be bytes, not list"),
    (lambda c: c.send_text(b"x"), "text must be str, not bytes"),
    (lambda c: c.send_text(None), "text must be str, not NoneType"),
    (lambda c: c.send_binary("x"), "data must be bytes, not str"),
    (lambda c: c.send_binary(bytearray(b"x")), "data must be bytes, not bytearray"),
    (lambda c: c.send_ping("x"), "data must be bytes, not str"),
    (lambda c: c.send_pong("x"), "data must be bytes, not str"),
    (lambda c: c.send_pong(None), "data must be bytes, not NoneType"),
    (lambda c: c.close("1000"), "code must be int or None, not str"),
    (lambda c: c.close(1000.0), "code must be int or None, not float"),
    (lambda c: c.close(1000, b"bye"), "reason must be str, not bytes"),
    (lambda c: c.close(1000, None), "reason must be str, not NoneType"),
]

WRONG_VALUES: list[tuple[Call, str]] = [
    (lambda c: c.send_text("a\ud800"), "text cannot be encoded as UTF-8: '\\ud800' at index 1"),
    (lambda c: c.send_ping(bytes(126)), "data has 126 bytes, at most 125 fit"),
    (lambda c: c.send_pong(bytes(1000)), "data has 1000 bytes, at most 125 fit"),
    (lambda c: c.close(1005), "code: 1005 may not be sent in a Close frame"),
    (lambda c: c.close(True), "code: True may not be sent in a Close frame"),
    (lambda c: c.close(-1), "code: -1 may not be sent in a Close frame"),
    (lambda c: c.close(1000, "x" * 124), "reason: 124 bytes in UTF-8, at most 123 fit"),
    (lambda c: c.close(1000, "\udfff"), "reason: '\\udfff' cannot be encoded as UTF-8"),
    (lambda c: c.close(None, "x"), "reason: 'x' cannot be sent without a code"),
]

SENDERS: list[Callable[[Any, Any], object]] = [
    lambda c, key: c.send_text("x", masking_key=key),
    lambda c, key: c.send_text("x", fin=False, masking_key=key),
    lambda c, key: c.send_binary(b"x", masking_key=key),
    lambda c, key: c.send_binary(b"x", False, masking_key=key),
    lambda c, key: c.send_text("x", fin=False).connection.send_continuation("y", masking_key=key),
    lambda c, key: c.send_ping(masking_key=key),
    lambda c, key: c.send_pong(b"", masking_key=key),
    lambda c, key: c.close(masking_key=key),
]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize(("call", "message"), WRONG_TYPES)
def test_a_wrong_type_raises_a_type_error_that_names_the_argument(
    role: str, deflate: bool, call: Call, message: str
) -> None:
    """In the open connection, which stays as it was."""
    unchanged_by(endpoint(role, deflate=deflate).connection, call, TypeError, message)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize(("call", "message"), WRONG_VALUES)
def test_a_wrong_value_raises_a_value_error_that_names_the_argument(
    role: str, deflate: bool, call: Call, message: str
) -> None:
    """In the open connection, which stays as it was."""
    unchanged_by(endpoint(role, deflate=deflate).connection, call, ValueError, message)


def unchanged_by(connection: Connection, call: Call, error: type[Exception], message: str) -> None:
    """Check that *call* raises and leaves *connection* as useful as before."""
    before = hash(connection)
    expected = connection.send_text("x")
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call(connection)
    assert hash(connection) == before
    assert connection.send_text("x") == expected


@pytest.mark.rfc("RFC6455-5.3-02")
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("send", SENDERS)
@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        (b"", ValueError, "masking_key must have 4 bytes, not 0"),
        (b"abc", ValueError, "masking_key must have 4 bytes, not 3"),
        (b"abcde", ValueError, "masking_key must have 4 bytes, not 5"),
        ("abcd", TypeError, "masking_key must be bytes, not str"),
        (5, TypeError, "masking_key must be bytes, not int"),
    ],
)
def test_a_wrong_masking_key_is_named(
    deflate: bool,
    send: Callable[[Any, Any], object],
    key: object,
    error: type[Exception],
    message: str,
) -> None:
    """By every call that takes one; the next call is not disturbed."""
    connection = endpoint("client", deflate=deflate).connection
    unchanged_by(connection, lambda c: send(c, key), error, message)


@pytest.mark.rfc("RFC6455-5.1-04")
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("send", SENDERS)
def test_a_server_refuses_masking_keys(deflate: bool, send: Callable[[Any, Any], object]) -> None:
    """It never masks."""
    unchanged_by(
        endpoint("server", deflate=deflate).connection,
        lambda c: send(c, KEY),
        ValueError,
        "masking_key: a server never masks (RFC 6455 §5.1)",
    )


@pytest.mark.parametrize("role", ROLES)
def test_a_continuation_has_the_type_of_its_message(role: str) -> None:
    """Text goes on as text, binary as binary; the message can still be finished."""
    connection: Any = endpoint(role).connection
    text = connection.send_text("a", fin=False).connection
    with pytest.raises(TypeError, match=r"^data must be str, not bytes$"):
        text.send_continuation(b"b")
    with pytest.raises(ValueError, match=r"^data cannot be encoded as UTF-8"):
        text.send_continuation("\ud800")
    assert frames_in(text.send_continuation("b").output) == [(0x80, b"b")]
    binary = connection.send_binary(b"a", fin=False).connection
    with pytest.raises(TypeError, match=r"^data must be bytes, not str$"):
        binary.send_continuation("b")
    assert frames_in(binary.send_continuation(b"b").output) == [(0x80, b"b")]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"seed": bytes(31)}, ValueError, "seed must have 32 bytes, not 31"),
        ({"seed": b""}, ValueError, "seed must have 32 bytes, not 0"),
        ({"seed": "x" * 32}, TypeError, "seed must be bytes, not str"),
        ({"seed": None}, TypeError, "seed must be bytes, not NoneType"),
        ({"uri": "ws://example.com/"}, TypeError, "uri must be a WebSocketURI, not str"),
        ({"nonce": bytes(15)}, ValueError, "nonce"),
        ({"nonce": "x" * 16}, TypeError, "nonce must be bytes, not str"),
    ],
)
def test_a_client_cannot_begin_with_wrong_arguments(
    arguments: dict[str, object], error: type[Exception], message: str
) -> None:
    """Seed, nonce and URI are named."""
    connect: Any = Connection.connect
    given = {"uri": URI, "nonce": NONCE, "seed": SEED, **arguments}
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        connect(**given)


def test_only_a_server_with_a_request_can_accept_or_reject() -> None:
    """Not before, not twice, and not as a client."""
    client, _events, request = Connection.connect(URI, NONCE, seed=SEED)
    server = Connection.listen()
    undecided = server.receive(request).connection
    opened = undecided.accept().connection
    refused = undecided.reject().connection
    for connection in (client, server, opened, refused, undecided.receive_eof().connection):
        with pytest.raises(WebSocketError, match="no request to accept"):
            connection.accept()
        with pytest.raises(WebSocketError, match="no request to reject"):
            connection.reject()
    assert undecided.accept().connection == opened


@pytest.mark.parametrize(
    "data", [bytearray(b"\x82\x01x"), memoryview(b"\x82\x01x"), memoryview(b"\x82_\x01_x_")[::2]]
)
def test_other_byte_strings_are_received_as_copies(data: Any) -> None:
    """What a transport hands over in a buffer of its own may change later."""
    step = endpoint("client").connection.receive(data)
    assert step.events == (Binary(b"x"),)
    (event,) = step.events
    assert isinstance(event, Binary)
    assert type(event.data) is bytes


def test_errors_are_related_as_programs_expect() -> None:
    """What is raised while not open is one family, and all are WebSocketErrors."""
    assert issubclass(errors.WebSocketClosed, errors.WebSocketUnavailable)
    assert issubclass(errors.WebSocketClosing, errors.WebSocketUnavailable)
    assert issubclass(errors.PayloadTooLarge, errors.ProtocolError)
    assert issubclass(errors.CompressionParameterError, errors.HandshakeError)
    for name in errors.__all__:
        assert issubclass(getattr(errors, name), WebSocketError)


def test_an_error_formats_its_message() -> None:
    """With arguments as str.format does, without them not at all."""
    assert str(WebSocketError("{} of {size}", 1, size=2)) == "1 of 2"
    assert str(WebSocketError("{}, alone", 1)) == "1, alone"
    assert str(WebSocketError("{size}, alone", size=2)) == "2, alone"
    assert str(WebSocketError("{}")) == "{}"
