"""The client's opening handshake: its request, and its check of the answer (RFC 6455 §4.1)."""

from __future__ import annotations

import copy
import pickle
from base64 import b64decode
from typing import Any, cast

import pytest

from spec_tests.playbook import SEED
from wsref.protocol.connection import Connection
from wsref.protocol.deflate import DEFAULT_OFFER, DeflateOffer, DeflateParameters
from wsref.protocol.events import Ready, Rejected, Text
from wsref.protocol.handshake import Agreement, Asked, build_request, check_request, check_response
from wsref.protocol.http import (
    Request,
    Response,
    end_of_head,
    parse_request,
    parse_response,
    serialize_request,
    serialize_response,
)
from wsref.protocol.uri import WebSocketURI, parse_uri
from wsref.protocol.violations import Violation

NONCE = b"the sample nonce"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
URI = parse_uri("ws://example.com/chat")

ASKED = Asked(KEY, ("chat", "superchat"), (DEFAULT_OFFER,))
ASKED_NOTHING = Asked(KEY, (), ())

FIELDS = {
    "Upgrade": "Upgrade: websocket",
    "Connection": "Connection: Upgrade",
    "Accept": f"Sec-WebSocket-Accept: {ACCEPT}",
}


def request(uri: WebSocketURI = URI, **arguments: Any) -> Request:
    """Return the request we send, parsed."""
    head, _asked = build_request(uri, NONCE, **arguments)
    return parse_request(head)


def answer(
    *further: str, status_line: str = "HTTP/1.1 101 Switching Protocols", **changed: str | None
) -> bytes:
    """Write a good answer with lines changed, left out (None) or added."""
    lines = [line for line in {**FIELDS, **changed}.values() if line is not None]
    return "\r\n".join([status_line, *lines, *further, "\r\n"]).encode("latin-1")


def agreement(head: bytes, asked: Asked = ASKED) -> Agreement:
    """Check an answer that has to be accepted."""
    return check_response(parse_response(head), asked)


def broken_clause(head: bytes, asked: Asked = ASKED) -> str:
    """Check an answer that has to be refused; return the clause."""
    with pytest.raises(Violation) as caught:
        check_response(parse_response(head), asked)
    return caught.value.clause


# The request


@pytest.mark.rfc("RFC6455-4.1-17", "RFC6455-4.1-18", "RFC6455-4.1-19", "RFC6455-4.1-20")
def test_request_is_a_get_for_the_resource_name() -> None:
    """The request line is GET, path and query, HTTP/1.1."""
    head, _asked = build_request(parse_uri("wss://example.com:8443/a?b=c"), NONCE)
    assert head.startswith(b"GET /a?b=c HTTP/1.1\r\nHost: example.com:8443\r\n")
    assert head.endswith(b"\r\n\r\n")


@pytest.mark.rfc(
    "RFC6455-4.1-21", "RFC6455-4.1-23", "RFC6455-4.1-24", "RFC6455-4.1-25", "RFC6455-4.1-30",
    "RFC6455-4.1-31", "RFC6455-4.3-03", "RFC6455-11.2-01", "RFC6455-11.3.1-01", "RFC6455-11.3.5-02",
)  # fmt: skip
def test_request_has_the_mandatory_fields_once_and_nothing_else() -> None:
    """Without wishes there are Host, Upgrade, Connection, key and version."""
    assert request().headers == (
        ("Host", "example.com"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Version", "13"),
    )


@pytest.mark.rfc("RFC6455-4.1-26")
def test_key_is_the_nonce_in_base64() -> None:
    """16 bytes are 24 characters that end in ==, with zero pad bits."""
    for nonce in (bytes(16), b"\xff" * 16, bytes(range(16))):
        head, asked = build_request(URI, nonce)
        assert len(asked.key) == 24
        assert b64decode(asked.key) == nonce
        assert asked.key[-3] in "AQgw"
        assert parse_request(head).get("sec-websocket-key") == asked.key


@pytest.mark.rfc("RFC8307-1-02", "RFC8307-1-01")
def test_well_known_path_is_a_resource_like_any_other() -> None:
    """RFC 8307 gives it no handshake of its own."""
    parsed = request(parse_uri("ws://example.com/.well-known/chat?room=1"))
    assert parsed.target == "/.well-known/chat?room=1"
    assert parsed.get("Host") == "example.com"
    assert parsed.headers == request().headers


@pytest.mark.rfc("RFC6455-9.1-09")
@pytest.mark.rfc(
    "RFC6455-4.1-32", "RFC6455-4.1-35", "RFC6455-4.1-36", "RFC6455-9-01", "RFC7692-5-01"
)
def test_wishes_are_listed_in_order_of_preference() -> None:
    """Subprotocols and offers keep the order in which the caller gave them."""
    offers = [DeflateOffer(server_max_window_bits=10), DEFAULT_OFFER]
    head, asked = build_request(URI, NONCE, subprotocols=["b", "a"], offers=offers)
    sent = parse_request(head)
    assert sent.get_all("Sec-WebSocket-Protocol") == ("b, a",)
    assert sent.get_all("Sec-WebSocket-Extensions") == (
        "permessage-deflate; server_max_window_bits=10; client_max_window_bits, "
        "permessage-deflate; client_max_window_bits",
    )
    assert asked == Asked(KEY, ("b", "a"), tuple(offers))


@pytest.mark.rfc("RFC6455-4.1-29", "RFC6455-4.1-37")
def test_further_fields_are_sent_as_given() -> None:
    """Origin, User-Agent, credentials, cookies: whatever HTTP knows."""
    sent = request(
        parse_uri("ws://user:secret@example.com/"),
        origin="https://example.com",
        user_agent="test/1",
        headers=(("Cookie", "a=1"), ("cookie", "b=2"), ("X-Bytes", "caf\u00e9 \x80")),
    )
    assert sent.headers[5:] == (
        ("Origin", "https://example.com"),
        ("User-Agent", "test/1"),
        ("Authorization", "Basic dXNlcjpzZWNyZXQ="),
        ("Cookie", "a=1"),
        ("cookie", "b=2"),
        ("X-Bytes", "caf\u00e9 \x80"),
    )


def test_caller_may_replace_the_fields_that_are_not_the_handshakes() -> None:
    """Host, Origin, User-Agent and Authorization of the caller stand in place of ours."""
    given = (
        ("host", "other.example:81"),
        ("ORIGIN", "null"),
        ("user-agent", "mine"),
        ("authorization", "Bearer x"),
    )
    sent = request(
        parse_uri("ws://user:secret@example.com/"),
        origin="https://example.com",
        user_agent="test/1",
        headers=given,
    )
    assert sent.headers[0] == ("Host", "other.example:81")
    assert sent.headers[5:] == given[1:]


@pytest.mark.rfc("RFC6455-4.1-33", "RFC6455-4.1-34")
@pytest.mark.parametrize(
    ("subprotocols", "error", "message"),
    [
        ([""], ValueError, "subprotocols: '' is not a token"),
        (["a", "b c"], ValueError, "subprotocols: 'b c' is not a token"),
        (["a,b"], ValueError, "subprotocols: 'a,b' is not a token"),
        (["a\r\nX: y"], ValueError, "is not a token"),
        (["caf\u00e9"], ValueError, "is not a token"),
        (["a", "b", "a"], ValueError, "subprotocols: one is named twice"),
        ("chat", TypeError, "subprotocols must be a list of strings, not 'chat'"),
        ([b"chat"], TypeError, "subprotocols: b'chat' is not a string"),
    ],
)
def test_subprotocols_have_to_be_different_tokens(
    subprotocols: Any, error: type[Exception], message: str
) -> None:
    """A mistake is told at the call, by name and value."""
    with pytest.raises(error, match=message):
        build_request(URI, NONCE, subprotocols=subprotocols)


@pytest.mark.rfc("RFC6455-4.1-26")
@pytest.mark.parametrize(
    ("nonce", "error"),
    [(b"", ValueError), (bytes(15), ValueError), (bytes(17), ValueError), ("x" * 16, TypeError)],
)
def test_nonce_has_to_have_sixteen_bytes(nonce: Any, error: type[Exception]) -> None:
    """Nothing else makes a key."""
    with pytest.raises(error, match="nonce must"):
        build_request(URI, nonce)


@pytest.mark.rfc("RFC6455-4.1-17")
@pytest.mark.parametrize(
    ("headers", "error", "message"),
    [
        ([("X-A", "b\r\nX-C: d")], ValueError, "headers: the value of X-A"),
        ([("X-A", "b\n")], ValueError, "headers: the value of X-A"),
        ([("X-A", "b\r")], ValueError, "headers: the value of X-A"),
        ([("X-A", "b\0c")], ValueError, "headers: the value of X-A"),
        ([("X-A", "b\tc")], ValueError, "headers: the value of X-A"),
        ([("X-A", "\x7f")], ValueError, "headers: the value of X-A"),
        ([("X-A", "\u20ac")], ValueError, "headers: the value of X-A"),
        ([("", "b")], ValueError, "headers: the name '' is not a token"),
        ([("X A", "b")], ValueError, "headers: the name 'X A' is not a token"),
        ([("X-A:", "b")], ValueError, "is not a token"),
        ([("X-A\r\nX-B", "b")], ValueError, "is not a token"),
        ([("X-\u00e9", "b")], ValueError, "is not a token"),
        ([("X-A", 1)], TypeError, "headers: .* is not a pair of strings"),
        ([("X-A", b"b")], TypeError, "headers: .* is not a pair of strings"),
        ([("X-A",)], TypeError, "headers: .* is not a pair of strings"),
        (["ab"], TypeError, "headers: 'ab' is not a pair of strings"),
        ({"te": "x"}, TypeError, "headers: 'te' is not a pair of strings"),
        ([("Upgrade", "h2c")], ValueError, "headers: Upgrade is not for the caller"),
        ([("CONNECTION", "close")], ValueError, "headers: CONNECTION is not for the caller"),
        ([("Content-Length", "5")], ValueError, "headers: Content-Length"),
        ([("Transfer-Encoding", "chunked")], ValueError, "headers: Transfer-Encoding"),
        ([("Sec-WebSocket-Key", KEY)], ValueError, "headers: Sec-WebSocket-Key"),
        ([("Sec-WebSocket-Accept", ACCEPT)], ValueError, "headers: Sec-WebSocket-Accept"),
        ([("sec-websocket-version", "8")], ValueError, "headers: sec-websocket-version"),
        ([("Sec-WebSocket-Protocol", "a")], ValueError, "headers: Sec-WebSocket-Protocol"),
        ([("Sec-WebSocket-Extensions", "a")], ValueError, "headers: Sec-WebSocket-Extensions"),
        ([("Host", "a"), ("host", "b")], ValueError, "headers: Host is given more than once"),
        ([("Host", "a b")], ValueError, "headers: Host cannot be 'a b'"),
        ([("Host", "")], ValueError, "headers: Host cannot be ''"),
    ],
)
def test_further_fields_cannot_break_the_request(
    headers: Any, error: type[Exception], message: str
) -> None:
    """Neither line ends nor the handshake's own fields get into the head by way of a header."""
    with pytest.raises(error, match=message):
        build_request(URI, NONCE, headers=headers)


@pytest.mark.parametrize("name", ["origin", "user_agent"])
@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("", ValueError),
        (" ", ValueError),
        ("a\r\nb", ValueError),
        ("\u20ac", ValueError),
        (b"a", TypeError),
    ],
)
def test_origin_and_user_agent_have_to_be_header_values(
    name: str, value: Any, error: type[Exception]
) -> None:
    """The message names the argument."""
    with pytest.raises(error, match=f"^{name} "):
        build_request(URI, NONCE, **{name: value})


@pytest.mark.rfc("RFC6455-3-06")
@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (URI._replace(host="a b"), "uri: Host cannot be 'a b'"),
        (URI._replace(host="a\r\nX: y"), "uri: Host cannot be"),
        (URI._replace(port=70000), "uri: Host cannot be"),
        (URI._replace(resource=""), "uri: no resource can be ''"),
        (URI._replace(resource="chat"), "uri: no resource can be 'chat'"),
        (URI._replace(resource="/#a"), "uri: no resource can be '/#a'"),
        (URI._replace(resource="/ HTTP/1.1\r\nX: y"), "target: .* is not visible ASCII"),
        (URI._replace(resource="/caf\u00e9"), "target: .* is not visible ASCII"),
        (URI._replace(authorization="Basic\r\nX: y"), "^uri.authorization "),
    ],
)
def test_uri_made_by_hand_cannot_break_the_request(uri: WebSocketURI, message: str) -> None:
    """A URI that did not come from parse_uri is checked all the same."""
    with pytest.raises(ValueError, match=message):
        build_request(uri, NONCE)


def test_bad_window_of_an_offer_is_told_at_the_call() -> None:
    """Windows have 8 to 15 bits."""
    with pytest.raises(ValueError, match="window_bits"):
        build_request(URI, NONCE, offers=[DeflateOffer(server_max_window_bits=16)])


def test_request_with_everything_is_one_that_servers_accept() -> None:
    """What we send passes our own check, with an IPv6 address for a host."""
    check_request(
        request(
            parse_uri("wss://user:secret@[::1]:444/\u00e9 ?x"),
            subprotocols=["a", "b"],
            offers=[DEFAULT_OFFER],
            headers=[("X-A", "b")],
            origin="null",
            user_agent="test/1",
        )
    )


# The check of the answer


@pytest.mark.rfc("RFC6455-4.1-39", "RFC6455-4.1-51")
def test_plain_answer_opens_without_subprotocol_and_extensions() -> None:
    """Nothing that was offered has to be taken."""
    agreed = agreement(answer())
    assert agreed == Agreement(None, None)
    assert agreed.extensions == frozenset()
    assert agreement(answer(), ASKED_NOTHING) == Agreement(None, None)


@pytest.mark.rfc("RFC6455-4.1-51", "RFC6455-9-02", "RFC7692-5-09", "RFC7692-7-12")
@pytest.mark.parametrize("value", ["10", '"10"', '"1\\0"'])
def test_accepted_subprotocol_and_extension_are_in_use(value: str) -> None:
    """What the answer names is what both sides use from then on."""
    agreed = agreement(
        answer(
            f"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits={value}",
            "Sec-WebSocket-Protocol: superchat",
        )
    )
    assert agreed == Agreement("superchat", DeflateParameters(server_max_window_bits=10))
    assert agreed.extensions == frozenset({"permessage-deflate"})


@pytest.mark.rfc("RFC6455-4.1-42", "RFC6455-4.1-43", "RFC6455-4.1-45", "RFC6455-4.1-50")
@pytest.mark.parametrize(
    "head",
    [
        answer(Upgrade="Upgrade: WebSocket"),
        answer(Upgrade="UPGRADE:WEBSOCKET"),
        answer(Upgrade="upgrade:\t websocket \t"),
        answer(Connection="connection: UPGRADE"),
        answer(Connection="Connection: keep-alive, Upgrade"),
        answer(Connection="Connection: upgrade,,close"),
        answer("Connection: upgrade", Connection="Connection: keep-alive"),
        answer(Accept=f"sec-websocket-accept:  {ACCEPT} \t"),
        answer(status_line="HTTP/1.1 101 Let's Go"),
        answer(status_line="HTTP/1.1 101 "),
        answer(status_line="HTTP/1.1 101"),
        answer(status_line="HTTP/1.2 101 OK"),
        answer("X-Anything: caf\u00e9", "Date: x", "Server:"),
        answer("Content-Length: 0"),
    ],
)
def test_legal_variations_of_the_answer_are_accepted(head: bytes) -> None:
    """Case, white space, order and unknown fields do not matter."""
    assert agreement(head) == Agreement(None, None)


@pytest.mark.rfc("RFC6455-4.1-40", "RFC6455-4.1-41")
@pytest.mark.parametrize("status", [100, 102, 200, 301, 401, 403, 404, 426, 500])
def test_status_other_than_101_refuses(status: int) -> None:
    """However well the rest of the answer looks."""
    head = answer(status_line=f"HTTP/1.1 {status} X")
    assert broken_clause(head) == "RFC6455-4.1-40"


@pytest.mark.rfc("RFC6455-4.1-42")
@pytest.mark.parametrize(
    "upgrade",
    [
        None,
        "Upgrade:",
        "Upgrade: h2c",
        "Upgrade: websockets",
        "Upgrade: websocket/13",
        "Upgrade: websocket, h2c",
        "Upgrade: websocket\r\nUpgrade: websocket",
    ],
)
def test_answer_has_to_upgrade_to_websocket(upgrade: str | None) -> None:
    """In an answer, unlike in a request, Upgrade has one value only."""
    assert broken_clause(answer(Upgrade=upgrade)) == "RFC6455-4.1-42"


@pytest.mark.rfc("RFC6455-4.1-43")
@pytest.mark.parametrize(
    "connection",
    [None, "Connection:", "Connection: close", "Connection: upgraded", "Connection: not-upgrade"],
)
def test_answer_has_to_list_upgrade_in_connection(connection: str | None) -> None:
    """A token that only contains the letters does not count."""
    assert broken_clause(answer(Connection=connection)) == "RFC6455-4.1-43"


@pytest.mark.rfc("RFC6455-4.1-44", "RFC6455-4.3-05")
@pytest.mark.parametrize(
    "accept",
    [
        None,
        "Sec-WebSocket-Accept:",
        f"Sec-WebSocket-Accept: {ACCEPT.swapcase()}",
        f"Sec-WebSocket-Accept: {ACCEPT.lower()}",
        f"Sec-WebSocket-Accept: {ACCEPT[:-1]}",
        f"Sec-WebSocket-Accept: {ACCEPT}=",
        f'Sec-WebSocket-Accept: "{ACCEPT}"',
        f"Sec-WebSocket-Accept: {ACCEPT}\u00a0",
        f"Sec-WebSocket-Accept: {KEY}",
    ],
)
def test_accept_has_to_fit_the_key_exactly(accept: str | None) -> None:
    """Missing or different by a letter's case: the server did not read our request."""
    assert broken_clause(answer(Accept=accept)) == "RFC6455-4.1-44"


@pytest.mark.rfc("RFC6455-11.3.3-01", "RFC6455-11.3.3-02")
@pytest.mark.parametrize("second", [ACCEPT, "x"])
def test_repeated_accept_is_refused(second: str) -> None:
    """Even if both values are right."""
    head = answer(f"Sec-WebSocket-Accept: {second}")
    assert broken_clause(head) == "RFC6455-11.3.3-02"


@pytest.mark.rfc("RFC7692-5-14")
@pytest.mark.rfc("RFC6455-4.1-47", "RFC6455-4.2.2-14", "RFC6455-9.1-07")
@pytest.mark.parametrize(
    ("extensions", "asked"),
    [
        ("permessage-deflate", ASKED_NOTHING),
        ("x-other", ASKED_NOTHING),
        ("x-other", ASKED),
        ("Permessage-Deflate", ASKED),
        ("permessage-deflate, x-other", ASKED),
    ],
)
def test_extension_that_was_not_offered_is_refused(extensions: str, asked: Asked) -> None:
    """Alone, and beside one that was."""
    head = answer(f"Sec-WebSocket-Extensions: {extensions}")
    assert broken_clause(head, asked) == "RFC6455-4.1-47"


@pytest.mark.rfc("RFC7692-5-12", "RFC7692-5-10")
@pytest.mark.parametrize(
    "lines",
    [
        ["Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate"],
        ["Sec-WebSocket-Extensions: permessage-deflate"] * 2,
    ],
)
def test_permessage_deflate_accepted_twice_is_refused(lines: list[str]) -> None:
    """Two of them would both claim RSV1."""
    assert broken_clause(answer(*lines)) == "RFC7692-5-12"


@pytest.mark.rfc("RFC6455-9-04", "RFC6455-9.1-06")
@pytest.mark.rfc("RFC7692-5-17", "RFC7692-7-07", "RFC7692-7-08", "RFC7692-7-09")
@pytest.mark.parametrize(
    ("parameters", "clause"),
    [
        ("; x=1", "RFC7692-7-07"),
        ("; server_max_window_bits=16", "RFC7692-7-08"),
        ("; client_max_window_bits", "RFC7692-7-08"),
        ("; server_no_context_takeover; server_no_context_takeover", "RFC7692-7-09"),
    ],
)
def test_answer_with_bad_parameters_is_refused(parameters: str, clause: str) -> None:
    """The parameters of permessage-deflate follow RFC 7692 §7."""
    head = answer("Sec-WebSocket-Extensions: permessage-deflate" + parameters)
    assert broken_clause(head) == clause


@pytest.mark.rfc("RFC7936-2-01")
@pytest.mark.rfc("RFC6455-4.1-48", "RFC6455-4.2.2-09", "RFC6455-4.2.2-12")
@pytest.mark.parametrize(
    ("subprotocol", "asked"),
    [("chat", ASKED_NOTHING), ("soap", ASKED), ("Chat", ASKED), ("chat, superchat", ASKED)],
)
def test_subprotocol_that_was_not_offered_is_refused(subprotocol: str, asked: Asked) -> None:
    """Subprotocols compare exactly, and a list is not one of them."""
    head = answer(f"Sec-WebSocket-Protocol: {subprotocol}")
    assert broken_clause(head, asked) == "RFC6455-4.1-48"


@pytest.mark.rfc("RFC6455-4.2.2-11")
@pytest.mark.parametrize("asked", [ASKED, ASKED_NOTHING])
def test_empty_subprotocol_is_refused(asked: Asked) -> None:
    """No subprotocol is said by leaving the header out."""
    assert broken_clause(answer("Sec-WebSocket-Protocol:"), asked) == "RFC6455-4.2.2-11"


@pytest.mark.rfc("RFC6455-11.3.4-03", "RFC6455-11.3.4-04")
@pytest.mark.parametrize("second", ["chat", "superchat"])
def test_repeated_subprotocol_is_refused(second: str) -> None:
    """Even if it is the same twice."""
    head = answer("Sec-WebSocket-Protocol: chat", f"Sec-WebSocket-Protocol: {second}")
    assert broken_clause(head) == "RFC6455-11.3.4-04"


@pytest.mark.rfc("RFC6455-4.1-49", "RFC6455-4.2.2-16")
@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols",
        b"HTTP/1.1 101 Switching Protocols\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n",
        answer(status_line="HTTP/1.1"),
        answer(status_line="HTTP/1.1 "),
        answer(status_line="HTTP/1.1  101 OK"),
        answer(status_line="HTTP/1.1 0101 OK"),
        answer(status_line="HTTP/1.1 10 OK"),
        answer(status_line="HTTP/1.1 1O1 OK"),
        answer(status_line="HTTP/1.1 \u00b9\u00b9\u00b9 OK"),
        answer(status_line="HTTP/11 101 OK"),
        answer(status_line="HTTP/1.10 101 OK"),
        answer(status_line="HTTP/a.b 101 OK"),
        answer(status_line="HTTP/1-1 101 OK"),
        answer(status_line="http/1.1 101 OK"),
        answer(status_line="ICY 101 OK"),
        answer(status_line="HTTP/1.0 101 Switching Protocols"),
        answer(status_line="HTTP/1.1 101 a\x00b"),
        answer("X-Folded: a\r\n b"),
        answer(" : x"),
        answer(": x"),
        answer("X-A : b"),
        answer("X A: b"),
        answer("no colon"),
        answer("X-A: a\nX-B: b"),
        answer("X-A: a\rb"),
        answer("X-A: a\x00"),
        answer(Connection="Connection: Upgrade, a b"),
        answer() + b"\r\n",
    ],
)
def test_answer_that_is_not_http_is_refused(head: bytes) -> None:
    """What two readers could read differently is not accepted."""
    assert broken_clause(head) == "RFC6455-4.1-49"


# In the connection


@pytest.mark.rfc("RFC6455-4.2.2-21")
def test_frames_in_the_same_segment_as_the_answer_are_received() -> None:
    """Clients cope with a server that begins to talk at once."""
    client = Connection.connect(URI, NONCE, seed=SEED).connection
    step = client.receive(answer() + bytes.fromhex("810548656c6c6f"))
    ready, text = step.events
    assert isinstance(ready, Ready)
    assert text == Text("Hello")


@pytest.mark.rfc("RFC6455-4.1-40")
def test_refusal_is_reported_with_the_response() -> None:
    """The application can see the status and the headers, to follow or to authenticate."""
    client = Connection.connect(URI, NONCE, seed=SEED).connection
    head = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n\r\n"
    (event,) = client.receive(head).events
    assert isinstance(event, Rejected)
    assert event.response.status_code == 401
    assert event.response.get("www-authenticate") == "Basic"


# The response as the application sees it


def test_response_gives_access_to_status_and_headers() -> None:
    """Names in any case; several fields are joined, or come one by one."""
    response = Response(
        b"HTTP/1.1 101 Switching Protocols\r\nX-List: a ,b\r\nx-list:c\r\nServer: t/1 \r\n\r\n"
    )
    assert response.raw.startswith(b"HTTP/1.1 101")
    assert (response.http_ver, response.status_code) == ("HTTP/1.1", 101)
    assert response.status == "Switching Protocols"
    assert response.headers == {"x-list": "a ,b, c", "server": "t/1"}
    assert response.fields == (("X-List", "a ,b"), ("x-list", "c"), ("Server", "t/1"))
    assert response.get("X-LIST") == "a ,b, c"
    assert response.get_all("X-List") == ("a ,b", "c")
    assert response.get_list("x-list") == ["a", "b", "c"]
    assert response.get_list("none") == []
    assert response.get("none") is None
    assert response.get("none", "x") == "x"


@pytest.mark.parametrize(
    ("raw", "version", "code", "status"),
    [
        (b"", "", None, ""),
        (b"\r\n\r\n", "", None, ""),
        (b"HTTP/1.1", "HTTP/1.1", None, ""),
        (b"HTTP/1.1 200", "HTTP/1.1", 200, ""),
        (b"HTTP/1.1  404   Not  Found ", "HTTP/1.1", 404, "Not  Found "),
        (b"HTTP/1.1 abc Def", "HTTP/1.1", None, "Def"),
        (b"HTTP/1.1 " + b"9" * 5000, "HTTP/1.1", None, ""),
        (b"\xff\x00\r\n\x80", "\xff\x00", None, ""),
    ],
)
def test_response_is_read_however_bad_it_is(
    raw: bytes, version: str, code: int | None, status: str
) -> None:
    """To report what came is more useful than to complain about it."""
    response = Response(raw)
    assert (response.http_ver, response.status_code, response.status) == (version, code, status)


def test_response_with_folded_and_odd_lines_is_read() -> None:
    """A folded line goes on with the one before; one with nothing before it is dropped."""
    response = Response(
        b"HTTP/1.1 200 OK\r\n lost\r\nA: b\r\n  c \r\n\td\r\nNo colon\r\n:no name\r\n\r\n"
    )
    assert response.headers == {"a": "b c d", "no colon": "", "": "no name"}


def test_response_is_a_value() -> None:
    """It compares and hashes by its bytes, cannot be changed, and can be copied and pickled."""
    response = Response(answer())
    assert response == Response(answer())
    assert hash(response) == hash(Response(answer()))
    assert response != Response(answer("X-A: b"))
    assert response != cast("object", answer())
    for other in (
        copy.copy(response),
        copy.deepcopy(response),
        cast("Response", pickle.loads(pickle.dumps(response))),
    ):
        assert other == response
        assert other.headers == response.headers
    with pytest.raises(AttributeError):
        response.status_code = 200
    response.headers["upgrade"] = "changed in a copy only"
    assert response.get("upgrade") == "websocket"


def test_repr_of_a_response_is_its_status_line() -> None:
    """Cut, and without what confuses a terminal, since a server wrote it."""
    assert repr(Response(answer())) == "<response HTTP/1.1 101 Switching Protocols>"
    assert repr(Response(b"HTTP/1.1 200 a\x1b[31mb")) == r"<response HTTP/1.1 200 a\x1b[31mb>"
    shown = repr(Response(b"HTTP/1.1 200 " + b"x" * 10_000))
    assert shown == f"<response HTTP/1.1 200 {'x' * 67}>"


# Heads


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"", -1),
        (b"A\r\n", -1),
        (b"A\r\n\r", -1),
        (b"A\r\n\r\n", 5),
        (b"A\r\n\r\nB\r\n\r\n", 5),
        (b"A\n\nB\r\n\r\n", 3),
        (b"A\n\r\nB", 4),
        (b"A\r\n\r\n\n\n", 5),
        (b"\r\n\r\n", 4),
        (b"\n\n", 2),
        (b"\n\r\n", 3),
        (b"\n\r\nX\n\n", 3),
    ],
)
def test_end_of_head_is_behind_the_first_empty_line(data: bytes, end: int) -> None:
    """It is found wherever the data is cut; bare LF ends lines too, to be refused at once."""
    assert end_of_head(data) == end
    for cut in range(len(data) if end < 0 else end):
        assert end_of_head(data[:cut]) == -1
        assert end_of_head(data, max(0, cut - 3)) == end


@pytest.mark.parametrize(
    ("method", "target", "message"),
    [
        ("", "/", "method"),
        ("GET /", "/", "method"),
        ("GET\r\n", "/", "method"),
        ("GET", "", "target"),
        ("GET", "/a b", "target"),
        ("GET", "/\x7f", "target"),
        ("GET", "/\r\n", "target"),
        ("GET", "/\u00e9", "target"),
    ],
)
def test_request_line_cannot_be_broken(method: str, target: str, message: str) -> None:
    """The method is a token and the target visible ASCII."""
    with pytest.raises(ValueError, match=f"^{message}"):
        serialize_request(method, target, ())


def test_request_has_the_characters_that_may_be_sent() -> None:
    """All that are visible in a target; in a value space and Latin-1 as well, but no others."""
    visible = "".join(map(chr, range(0x21, 0x7F)))
    value = "a " + visible + "".join(map(chr, range(0x80, 0x100)))
    written = serialize_request("GET", f"/{visible}", [("X-A", value)])
    assert written == f"GET /{visible} HTTP/1.1\r\nX-A: {value}\r\n\r\n".encode("latin-1")
    for other in ("\x1f", "\x7f", "\u0100"):
        with pytest.raises(ValueError, match=r"^headers: the value of X-A"):
            serialize_request("GET", "/", [("X-A", f"a{other}b")])


def test_response_is_written_with_its_body() -> None:
    """The head says what it is told to say."""
    head = b"HTTP/1.1 204 \r\nX-A: b\r\n\r\n"
    assert serialize_response(204, "", [("X-A", "b")]) == head
    assert serialize_response(204, "", [("X-A", "b")], b"body") == head + b"body"
    assert serialize_response(100, "", ()) == b"HTTP/1.1 100 \r\n\r\n"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((99, "X", ()), ValueError, "^status"),
        ((600, "X", ()), ValueError, "^status"),
        ((True, "X", ()), ValueError, "^status"),
        (("200", "X", ()), ValueError, "^status"),
        ((200, "X\r\nY: z", ()), ValueError, "^reason"),
        ((200, None, ()), TypeError, "^reason"),
        ((200, "OK", [("X", "\n")]), ValueError, "^headers"),
        ((200, "OK", (), "text"), TypeError, "^body"),
    ],
)
def test_response_cannot_be_broken(arguments: Any, error: type[Exception], message: str) -> None:
    """The message names the argument."""
    with pytest.raises(error, match=message):
        serialize_response(*arguments)
