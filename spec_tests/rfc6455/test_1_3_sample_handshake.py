"""The sample handshake of RFC 6455 §1.2 and §1.3, byte for byte."""

from __future__ import annotations

import pytest

from wsref.protocol.handshake import (
    Agreement,
    Asked,
    accept_token,
    build_acceptance,
    build_request,
    check_request,
    check_response,
    choose_subprotocol,
)
from wsref.protocol.http import parse_request, parse_response
from wsref.protocol.uri import parse_uri

REQUEST = (
    b"GET /chat HTTP/1.1\r\n"
    b"Host: server.example.com\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Origin: http://example.com\r\n"
    b"Sec-WebSocket-Protocol: chat, superchat\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    b"Sec-WebSocket-Protocol: chat\r\n"
    b"\r\n"
)


@pytest.mark.rfc("RFC6455-4.2.2-19", "RFC6455-4.1-46")
def test_sample_key_has_the_sample_accept_value() -> None:
    """§1.3: the key of "the sample nonce" is answered by s3pPLMBiTxaQ9kYGzzhZRbK+xOo=."""
    assert accept_token("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.rfc("RFC6455-4.1-26")
def test_sample_nonce_is_sent_as_the_sample_key() -> None:
    """§1.3: the 16 bytes "the sample nonce" are dGhlIHNhbXBsZSBub25jZQ== in base64."""
    _request, asked = build_request(parse_uri("ws://server.example.com/chat"), b"the sample nonce")
    assert asked.key == "dGhlIHNhbXBsZSBub25jZQ=="


@pytest.mark.rfc("RFC6455-4.1-16", "RFC6455-4.1-17")
def test_sample_request_is_what_we_send() -> None:
    """§1.2: our request for the sample's wishes has the sample's fields, and no others."""
    request, _asked = build_request(
        parse_uri("ws://server.example.com/chat"),
        b"the sample nonce",
        subprotocols=["chat", "superchat"],
        origin="http://example.com",
    )
    ours, sample = parse_request(request), parse_request(REQUEST)
    assert ours[:3] == sample[:3]
    assert sorted(ours.headers) == sorted(sample.headers)


@pytest.mark.rfc("RFC6455-4.2.2-01", "RFC6455-4.2.2-16", "RFC6455-4.2.2-17", "RFC6455-4.2.2-18")
def test_sample_request_gets_the_sample_response() -> None:
    """§1.3: a server that knows the subprotocol chat answers exactly as printed."""
    request = parse_request(REQUEST)
    check_request(request)
    subprotocol = choose_subprotocol(request, ["soap", "chat"])
    head, response, agreement = build_acceptance(request, subprotocol=subprotocol)
    assert head == response.raw == RESPONSE
    assert agreement == Agreement("chat", None)


@pytest.mark.rfc("RFC6455-4.1-39", "RFC6455-4.1-51")
def test_sample_response_opens_the_connection() -> None:
    """§1.3: the client that sent the sample request takes the sample response."""
    asked = Asked("dGhlIHNhbXBsZSBub25jZQ==", ("chat", "superchat"), ())
    assert check_response(parse_response(RESPONSE), asked) == Agreement("chat", None)
