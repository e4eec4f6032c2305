"""The server's opening handshake: its check of the request, and its answers (RFC 6455 §4.2)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

import pytest

from spec_tests.playbook import KEY as MASKING_KEY
from spec_tests.playbook import NONCE, SEED, frame
from wsref.protocol.connection import Connection
from wsref.protocol.deflate import DEFAULT_POLICY, DeflateParameters, DeflatePolicy
from wsref.protocol.events import ProtocolError, Requested, Text
from wsref.protocol.handshake import (
    Agreement,
    build_acceptance,
    build_rejection,
    check_origin,
    check_request,
    choose_subprotocol,
    http_status_of,
    rejection_for,
)
from wsref.protocol.http import Request, Response, parse_request, parse_response
from wsref.protocol.uri import parse_uri
from wsref.protocol.violations import Violation

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

FIELDS = {
    "Host": "Host: example.com",
    "Upgrade": "Upgrade: websocket",
    "Connection": "Connection: Upgrade",
    "Key": f"Sec-WebSocket-Key: {KEY}",
    "Version": "Sec-WebSocket-Version: 13",
}


def head(*further: str, request_line: str = "GET /chat HTTP/1.1", **changed: str | None) -> bytes:
    """Write a good request with lines changed, left out (None) or added."""
    lines = [line for line in {**FIELDS, **changed}.values() if line is not None]
    return "\r\n".join([request_line, *lines, *further, "\r\n"]).encode("latin-1")


def request(*further: str, key: str = KEY) -> Request:
    """Return a good request with lines added, or another key, after checking it."""
    parsed = parse_request(head(*further, Key=f"Sec-WebSocket-Key: {key}"))
    check_request(parsed)
    return parsed


def broken_clause(data: bytes) -> str:
    """Check a request that has to be refused; return the clause."""
    with pytest.raises(Violation) as caught:
        check_request(parse_request(data))
    return caught.value.clause


def refusal(data: bytes) -> Response:
    """Send a request to a server that has to refuse it; return its answer."""
    step = Connection.listen().receive(data)
    (event,) = step.events
    assert isinstance(event, ProtocolError)
    answer, _blank, body = step.output.partition(b"\r\n\r\n")
    response = parse_response(answer + b"\r\n\r\n")
    assert event.clause.encode() in body
    assert response.get("Content-Length") == str(len(body))
    assert response.get("Content-Type") == "text/plain; charset=utf-8"
    assert "close" in response.get_list("Connection")
    return response


# Requests that are accepted


@pytest.mark.rfc(
    "RFC6455-4.2.1-05", "RFC6455-4.2.1-07", "RFC6455-4.2.1-13", "RFC6455-4.2.1-14",
    "RFC6455-4.2.1-15", "RFC6455-4.2.1-17", "RFC6455-4.2.1-19", "RFC6455-4.2.1-20",
)  # fmt: skip
@pytest.mark.parametrize(
    "data",
    [
        head(),
        head(Upgrade="Upgrade: WebSocket"),
        head(Upgrade="UPGRADE:WEBSOCKET"),
        head(Upgrade="Upgrade: foo, websocket"),
        head(Upgrade="Upgrade: HTTP/2.0, h2c,, websocket"),
        head("Upgrade: websocket", Upgrade="Upgrade: foo"),
        head(Connection="connection: UPGRADE"),
        head(Connection="Connection: keep-alive, Upgrade"),
        head(Connection="Connection: upgrade , keep-alive"),
        head("Connection: Upgrade", Connection="Connection: keep-alive"),
        head(Key=f"SEC-WEBSOCKET-KEY: \t{KEY} "),
        head(Version="sec-websocket-version:13"),
        head(Host="host: example.com:8080"),
        head(Host="Host: [::1]:8080"),
        head(Host="Host: example.com:"),
        head("X-Unknown: anything, caf\u00e9", "Cookie: a=b", "Origin: null", "User-Agent:"),
        head("Content-Length: 0"),
        head("Sec-WebSocket-Protocol: a, b", "Sec-WebSocket-Extensions: x-unknown; a=1"),
        head(request_line="GET / HTTP/1.2"),
        head(request_line="GET /?a=<b>|{c} HTTP/1.1"),
    ],
)
def test_legal_variations_of_the_request_are_accepted(data: bytes) -> None:
    """Case, order, white space, lists split over fields and unknown fields do not matter."""
    check_request(parse_request(data))


@pytest.mark.rfc("RFC6455-4.2.1-13", "RFC6455-4.2.1-15")
@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_order_and_case_of_the_fields_do_not_matter(case: Any) -> None:
    """All fields reversed, all names in lower or upper case."""
    lines = [line.partition(":") for line in reversed(FIELDS.values())]
    text = "".join(f"{case(name)}:{value}\r\n" for name, _colon, value in lines)
    check_request(parse_request(f"GET / HTTP/1.1\r\n{text}\r\n".encode()))


@pytest.mark.rfc("RFC6455-4.2.1-16")
@pytest.mark.parametrize(
    ("target", "resource", "path"),
    [
        ("/", "/", "/"),
        ("/chat?a=1?b", "/chat?a=1?b", "/chat"),
        ("//a/b", "//a/b", "//a/b"),
        ("/http://x/", "/http://x/", "/http://x/"),
        ("http://example.com/chat?a", "/chat?a", "/chat"),
        ("HTTPS://[::1]:80/chat", "/chat", "/chat"),
        ("http://example.com", "/", "/"),
        ("http://example.com?a=/b", "/?a=/b", "/"),
    ],
)
def test_target_is_a_path_or_an_absolute_uri(target: str, resource: str, path: str) -> None:
    """Either form names the same resource."""
    parsed = parse_request(head(request_line=f"GET {target} HTTP/1.1"))
    check_request(parsed)
    assert (parsed.target, parsed.resource, parsed.path) == (target, resource, path)


@pytest.mark.rfc("RFC6455-4.2.1-10", "RFC6455-4.2.2-22", "RFC6455-4.1-46")
@pytest.mark.parametrize(
    ("key", "accept"),
    [
        (KEY, ACCEPT),
        ("AQIDBAUGBwgJCgsMDQ4PEC==", "OfS0wDaT5NoxF2gqm7Zj2YtetzM="),
        ("AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI="),
        ("//////////////////////==", None),
    ],
)
def test_key_is_hashed_as_sent(key: str, accept: str | None) -> None:
    """Pad bits that are not zero are accepted (erratum 3150), and are part of the text."""
    _head, response, _agreement = build_acceptance(request(key=key))
    assert accept is None or response.get("Sec-WebSocket-Accept") == accept


# Requests that are refused


@pytest.mark.rfc("RFC6455-4.2.1-02")
@pytest.mark.parametrize("method", ["POST", "HEAD", "get", "CONNECT", "X"])
def test_method_has_to_be_get(method: str) -> None:
    """Methods are case-sensitive; the answer is 405 and says what is allowed."""
    data = head(request_line=f"{method} / HTTP/1.1")
    assert broken_clause(data) == "RFC6455-4.2.1-02"
    response = refusal(data)
    assert response.status_code == 405
    assert response.get("Allow") == "GET"


@pytest.mark.rfc("RFC6455-4.2.1-03")
@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/0.9"])
def test_http_before_1_1_is_refused(version: str) -> None:
    """There is no Upgrade in HTTP/1.0; the answer is 505."""
    data = head(request_line=f"GET / {version}")
    assert broken_clause(data) == "RFC6455-4.2.1-03"
    assert refusal(data).status_code == 505


@pytest.mark.rfc("RFC6455-4.2.1-16", "RFC6455-4.1-20")
@pytest.mark.parametrize(
    "target",
    [
        "*",
        "chat",
        "?a",
        "example.com:80",
        "ws://example.com/",
        "ftp://example.com/",
        "http:/x",
        "http://",
        "http:///x",
        "http://user@example.com/",
        "http://[::1/",
    ],
)
def test_other_targets_are_refused(target: str) -> None:
    """A target is a path, or an http or https URI."""
    assert broken_clause(head(request_line=f"GET {target} HTTP/1.1")) == "RFC6455-4.1-20"


@pytest.mark.rfc("RFC6455-3-06")
def test_raw_hash_sign_in_the_target_is_refused() -> None:
    """As data it would have come as %23."""
    assert broken_clause(head(request_line="GET /a#b HTTP/1.1")) == "RFC6455-3-06"


@pytest.mark.rfc("RFC6455-4.2.1-04")
@pytest.mark.parametrize("host", [None, "Host:", "Host: \t"])
def test_missing_or_empty_host_is_refused(host: str | None) -> None:
    """The request has to say whom it is for."""
    assert broken_clause(head(Host=host)) == "RFC6455-4.2.1-04"
    assert refusal(head(Host=host)).status_code == 400


@pytest.mark.rfc("RFC6455-4.2.1-18")
@pytest.mark.parametrize(
    "host",
    [
        "a:b",
        "a:70000",
        "user@a",
        "a/b",
        "http://a/",
        "::1",
        "[::1",
        "[x]",
        "a%zz",
        "caf\u00e9",
        "a b",
        "a, b",
        "a\r\nHost: a",
        "a\r\nHost: b",
    ],
)
def test_invalid_or_repeated_host_is_refused(host: str) -> None:
    """A Host header is one host with one port."""
    assert broken_clause(head(Host=f"Host: {host}")) == "RFC6455-4.2.1-18"


@pytest.mark.rfc("RFC6455-4.2.1-06")
@pytest.mark.parametrize(
    "upgrade",
    [None, "Upgrade:", "Upgrade: foo", "Upgrade: websockets", "Upgrade: websocket/13"],
)
def test_request_that_does_not_upgrade_gets_426(upgrade: str | None) -> None:
    """A plain request learns what to upgrade to."""
    assert broken_clause(head(Upgrade=upgrade)) == "RFC6455-4.2.1-06"
    response = refusal(head(Upgrade=upgrade))
    assert response.status_code == 426
    assert response.get("Upgrade") == "websocket"
    assert response.get_list("Connection") == ["close", "Upgrade"]
    assert response.get("Sec-WebSocket-Version") == "13"


@pytest.mark.rfc("RFC6455-4.2.1-08")
@pytest.mark.parametrize(
    "connection",
    [
        None,
        "Connection:",
        "Connection: keep-alive",
        "Connection: notupgrade",
        "Connection: upgraded",
    ],
)
def test_request_without_upgrade_in_connection_gets_426(connection: str | None) -> None:
    """A token that only contains the letters does not count."""
    assert broken_clause(head(Connection=connection)) == "RFC6455-4.2.1-08"
    assert refusal(head(Connection=connection)).status_code == 426


@pytest.mark.rfc("RFC6455-4.2.1-09")
def test_missing_key_is_refused() -> None:
    """There is nothing to answer."""
    assert broken_clause(head(Key=None)) == "RFC6455-4.2.1-09"
    assert refusal(head(Key=None)).status_code == 400


@pytest.mark.rfc("RFC6455-4.2.1-10")
@pytest.mark.parametrize(
    "key",
    [
        "",
        "x",
        "AAAAAAAAAAAAAAAAAAAA",  # 15 bytes
        "AAAAAAAAAAAAAAAAAAAAAAA=",  # 17 bytes
        "AAAAAAAAAAAAAAAAAAAAAAAA",  # 18 bytes
        "AAAAAAAAAAAAAAAAAAAAAA",  # 16 bytes without padding
        "AAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAAA===",
        "AAAAAAAAAAAAAAAAAAAAA===",
        "AAAAAAAAAAA=AAAAAAAAAA==",
        "AAAAAAAAAAA AAAAAAAAAA==",
        "AAAAAAAAAA\tAAAAAAAAAAA==",
        "-_AAAAAAAAAAAAAAAAAAAA==",  # base64url
        "\u00c0AAAAAAAAAAAAAAAAAAAAA==",
        f"{KEY}, {KEY}",
        f'"{KEY}"',
    ],
)
def test_key_has_to_be_base64_of_sixteen_bytes(key: str) -> None:
    """Any other length, alphabet or padding is refused."""
    assert broken_clause(head(Key=f"Sec-WebSocket-Key: {key}")) == "RFC6455-4.2.1-10"


@pytest.mark.rfc("RFC6455-11.3.1-02")
@pytest.mark.parametrize("second", [KEY, "AAAAAAAAAAAAAAAAAAAAAA=="])
def test_repeated_key_is_refused(second: str) -> None:
    """Also if it is the same twice."""
    data = head(f"Sec-WebSocket-Key: {second}")
    assert broken_clause(data) == "RFC6455-11.3.1-02"
    assert refusal(data).status_code == 400


@pytest.mark.rfc("RFC6455-4.2.1-11", "RFC6455-11.3.5-04")
def test_missing_version_is_refused_with_400() -> None:
    """The answer says which version there is."""
    assert broken_clause(head(Version=None)) == "RFC6455-4.2.1-11"
    response = refusal(head(Version=None))
    assert response.status_code == 400
    assert response.get_all("Sec-WebSocket-Version") == ("13",)


@pytest.mark.rfc(
    "RFC6455-4.2.2-07", "RFC6455-4.4-01", "RFC6455-4.3-07", "RFC6455-11.3.5-01", "RFC6455-11.3.5-04"
)
@pytest.mark.parametrize("version", ["0", "7", "8", "12", "14", "25", "99", "100", "255"])
def test_unsupported_version_gets_426_with_the_supported_one(version: str) -> None:
    """The client can try again with a version from the list."""
    data = head(Version=f"Sec-WebSocket-Version: {version}")
    assert broken_clause(data) == "RFC6455-4.2.2-07"
    response = refusal(data)
    assert response.status_code == 426
    assert response.get_all("Sec-WebSocket-Version") == ("13",)


@pytest.mark.rfc("RFC6455-4.3-04", "RFC6455-4.3-03")
@pytest.mark.parametrize(
    "version",
    ["", "013", "13.0", "-13", "+13", "abc", "1 3", "256", "999", "0x0d", "00", "\u00b9\u00b3"],
)
def test_version_that_is_no_number_up_to_255_is_refused(version: str) -> None:
    """Decimal, no leading zeros."""
    data = head(Version=f"Sec-WebSocket-Version: {version}")
    assert broken_clause(data) == "RFC6455-4.3-04"
    response = refusal(data)
    assert response.status_code == 400
    assert response.get("Sec-WebSocket-Version") == "13"


@pytest.mark.rfc("RFC6455-11.3.5-03")
@pytest.mark.parametrize(
    "data",
    [
        head("Sec-WebSocket-Version: 8"),
        head("Sec-WebSocket-Version: 13"),
        head(Version="Sec-WebSocket-Version: 13, 8"),
        head(Version="Sec-WebSocket-Version: 13,"),
    ],
)
def test_several_versions_are_refused(data: bytes) -> None:
    """A request names one version; lists are for responses."""
    assert broken_clause(data) == "RFC6455-11.3.5-03"
    assert refusal(data).status_code == 400


@pytest.mark.rfc("RFC6455-4.3-06", "RFC6455-4.1-33")
@pytest.mark.parametrize("value", ["", ",", "bad proto", "a/b", 'a, "b"', "caf\u00e9", "a;b"])
def test_subprotocols_that_are_no_list_of_tokens_are_refused(value: str) -> None:
    """Nor is an empty list one."""
    data = head(f"Sec-WebSocket-Protocol: {value}")
    assert broken_clause(data) == "RFC6455-4.3-06"
    assert refusal(data).status_code == 400


@pytest.mark.rfc("RFC6455-4.1-34")
@pytest.mark.parametrize(
    "lines",
    [
        ["Sec-WebSocket-Protocol: a, b, a"],
        ["Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: a"],
    ],
)
def test_repeated_subprotocol_is_refused(lines: list[str]) -> None:
    """All subprotocols in a request are different."""
    assert broken_clause(head(*lines)) == "RFC6455-4.1-34"


@pytest.mark.rfc("RFC6455-9.1-01")
@pytest.mark.parametrize("value", ["", ";;,", "permessage-deflate; a b", "permessage-deflate; a="])
def test_extensions_that_break_the_grammar_are_refused(value: str) -> None:
    """The whole handshake is, with 400."""
    data = head(f"Sec-WebSocket-Extensions: {value}")
    assert broken_clause(data) == "RFC6455-9.1-01"
    assert refusal(data).status_code == 400


@pytest.mark.rfc("RFC6455-4.1-38", "RFC6455-4.2.2-23")
@pytest.mark.parametrize(
    "line",
    [
        "Content-Length: 5",
        "Content-Length: 0, 5",
        "Content-Length: 00",
        "Content-Length:",
        "Content-Length: -1",
        "Content-Length: x",
        "Transfer-Encoding: chunked",
        "transfer-encoding:",
    ],
)
def test_request_that_announces_a_body_is_refused(line: str) -> None:
    """What a proxy takes for a body would be WebSocket frames for us."""
    assert broken_clause(head(line)) == "RFC6455-4.1-38"
    assert refusal(head(line)).status_code == 400


@pytest.mark.rfc("RFC6455-4.2.1-18", "RFC6455-4.2.1-01", "RFC6455-10.7-04")
@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\n\n",
        b"GET / HTTP/1.1\r\nHost: a\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
        head(request_line=""),
        head(request_line="GET /"),
        head(request_line="GET HTTP/1.1"),
        head(request_line="GET  HTTP/1.1"),
        head(request_line="GET  / HTTP/1.1"),
        head(request_line="GET / HTTP/1.1 "),
        head(request_line=" GET / HTTP/1.1"),
        head(request_line="GET /\t HTTP/1.1"),
        head(request_line="GET / / HTTP/1.1"),
        head(request_line="GET / HTTP/11"),
        head(request_line="GET / HTTP/1.1a"),
        head(request_line="GET / HTTP/1.x"),
        head(request_line="GET / http/1.1"),
        head(request_line="GET / HTTP/\u00b9.1"),
        head(request_line="G\u00cbT / HTTP/1.1"),
        head(request_line="GET /caf\u00e9 HTTP/1.1"),
        head(request_line="GET /\x7f HTTP/1.1"),
        head(request_line="\r\nGET / HTTP/1.1"),
        head(Host="Host : example.com"),
        head(Host="Host\t: example.com"),
        head("X-Folded: a\r\n b"),
        head("X-Folded: a\r\n\tb"),
        head(" X: y"),
        head(": y"),
        head("no colon"),
        head("X(A): b"),
        head("X-A: a\nX-B: b"),
        head("X-A: a\rX-B: b"),
        head("X-A: a\r\r\nX-B: b"),
        head("X-A: a\x00"),
        head("X-A: a\x1bb"),
        head("X-A: a\x7fb"),
        head(Upgrade="Upgrade: web socket, websocket"),
        head(Upgrade="Upgrade: websocket, /1"),
        head(Upgrade="Upgrade: websocket, a/"),
        head(Upgrade="Upgrade: websocket, a/b/c"),
        head(Connection="Connection: Upgrade, a b"),
    ],
)
def test_request_that_is_not_http_is_refused(data: bytes) -> None:
    """What two readers could read differently is answered with 400, and at once."""
    assert broken_clause(data) == "RFC6455-4.2.1-18"
    assert refusal(data).status_code == 400


@pytest.mark.parametrize(
    "data",
    [b"", b"GET / HTTP/1.1", b"GET / HTTP/1.1\r\nHost: a\r\n", head()[:-2], head() + b"\r\n"],
)
def test_head_is_parsed_whole_and_alone(data: bytes) -> None:
    """It ends with its empty line, and nothing is behind that."""
    with pytest.raises(Violation, match=r"empty line|malformed"):
        parse_request(data)


@pytest.mark.rfc("RFC6455-10.4-01")
def test_head_that_is_too_large_gets_431() -> None:
    """The limit holds before the head is complete."""
    data = b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000
    assert refusal(data).status_code == 431


# The answer


@pytest.mark.rfc(
    "RFC6455-4.2.2-10", "RFC6455-4.2.2-14", "RFC6455-4.2.2-16", "RFC6455-4.2.2-17",
    "RFC6455-4.2.2-18", "RFC6455-4.2.2-19", "RFC6455-4.3-05", "RFC6455-11.2-01",
    "RFC6455-11.3.3-01",
)  # fmt: skip
def test_plain_acceptance_has_the_three_fields_and_no_others() -> None:
    """Without agreement there is neither a subprotocol nor an extensions header."""
    answer, response, agreement = build_acceptance(request())
    assert (
        answer
        == response.raw
        == (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        )
    )
    assert agreement == Agreement(None, None)


@pytest.mark.rfc("RFC7936-2-01")
@pytest.mark.rfc(
    "RFC6455-4.2.2-09", "RFC6455-4.2.2-10", "RFC6455-4.2.2-12", "RFC6455-11.3.4-01",
    "RFC6455-11.3.4-02", "RFC6455-11.3.4-03", "RFC6455-4.1-35",
)  # fmt: skip
@pytest.mark.parametrize(
    ("supported", "chosen"),
    [
        (["c", "b"], "b"),
        (("a",), "a"),
        (["c"], "c"),
        (["A", "x"], None),
        ([], None),
    ],
)
@pytest.mark.parametrize(
    "lines",
    [
        ["Sec-WebSocket-Protocol: a, b, c"],
        ["Sec-WebSocket-Protocol: a", "sec-websocket-protocol: ,b,", "Sec-WebSocket-Protocol: c"],
    ],
)
def test_first_of_the_clients_subprotocols_that_is_supported_is_chosen(
    lines: list[str], supported: Collection[str], chosen: str | None
) -> None:
    """The client's order counts, over several fields; none is no reason to refuse."""
    offering = request(*lines)
    assert choose_subprotocol(offering, list(supported)) == chosen
    _head, response, agreement = build_acceptance(offering, subprotocol=chosen)
    assert response.get_all("Sec-WebSocket-Protocol") == (() if chosen is None else (chosen,))
    assert agreement.subprotocol == chosen


@pytest.mark.rfc("RFC6455-4.2.2-10")
def test_no_subprotocol_is_chosen_for_a_client_that_named_none() -> None:
    """Whatever the server supports."""
    assert choose_subprotocol(request(), ["a"]) is None


@pytest.mark.rfc("RFC6455-4.2.2-09")
@pytest.mark.parametrize("subprotocol", ["", "b", "A", "a\r\nX: y"])
def test_subprotocol_that_the_client_did_not_name_cannot_be_accepted(subprotocol: str) -> None:
    """The message names the argument and the value."""
    with pytest.raises(ValueError, match=r"^subprotocol: the client did not name"):
        build_acceptance(request("Sec-WebSocket-Protocol: a"), subprotocol=subprotocol)


@pytest.mark.parametrize(
    ("supported", "error"),
    [("chat", TypeError), ([1], TypeError), (["a b"], ValueError), ([""], ValueError)],
)
def test_supported_subprotocols_have_to_be_tokens(supported: Any, error: type[Exception]) -> None:
    """A mistake is told although the client may not ask for any."""
    with pytest.raises(error, match=r"^subprotocols"):
        choose_subprotocol(request(), supported)


@pytest.mark.rfc(
    "RFC6455-4.2.2-13", "RFC6455-9-02", "RFC6455-9.1-02", "RFC7692-5-03", "RFC7692-5-07",
    "RFC7692-5-10",
)  # fmt: skip
@pytest.mark.parametrize(
    ("value", "answer", "parameters"),
    [
        ("permessage-deflate", "permessage-deflate", DeflateParameters()),
        (
            'permessage-deflate; server_max_window_bits="10"',
            "permessage-deflate; server_max_window_bits=10",
            DeflateParameters(server_max_window_bits=10),
        ),
        (
            "x, permessage-deflate; bogus, permessage-deflate; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover",
            DeflateParameters(server_no_context_takeover=True),
        ),
    ],
)
def test_first_usable_offer_of_permessage_deflate_is_accepted(
    value: str, answer: str, parameters: DeflateParameters
) -> None:
    """The answer has one element, with what was asked for."""
    offering = request(f"Sec-WebSocket-Extensions: {value}")
    _head, response, agreement = build_acceptance(offering, deflate_policy=DEFAULT_POLICY)
    assert response.get_all("Sec-WebSocket-Extensions") == (answer,)
    assert agreement == Agreement(None, parameters)
    assert agreement.extensions == frozenset({"permessage-deflate"})


@pytest.mark.rfc(
    "RFC6455-4.2.2-14", "RFC6455-4.2.2-15", "RFC6455-9-03", "RFC6455-9.1-11", "RFC7692-5-15",
    "RFC7692-7-01", "RFC7692-7-02",
)  # fmt: skip
@pytest.mark.parametrize(
    ("lines", "policy"),
    [
        ([], DEFAULT_POLICY),
        (["Sec-WebSocket-Extensions: x-unknown"], DEFAULT_POLICY),
        (["Sec-WebSocket-Extensions: permessage-deflate; bogus"], DEFAULT_POLICY),
        (
            ["Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=7"],
            DEFAULT_POLICY,
        ),
        (["Sec-WebSocket-Extensions: permessage-deflate"], None),
    ],
)
def test_without_a_usable_offer_the_answer_has_no_extensions(
    lines: list[str], policy: DeflatePolicy | None
) -> None:
    """101 without the header, not an error."""
    answer, _response, agreement = build_acceptance(request(*lines), deflate_policy=policy)
    assert b"extensions" not in answer.lower()
    assert agreement == Agreement(None, None)


def test_further_fields_of_the_answer_are_sent_as_given() -> None:
    """Cookies, for instance."""
    _head, response, _agreement = build_acceptance(
        request(), headers=(("Set-Cookie", "a=1"), ("Server", "test/1"))
    )
    assert response.fields[3:] == (("Set-Cookie", "a=1"), ("Server", "test/1"))


@pytest.mark.rfc("RFC6455-4.2.2-23")
@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ([("X", "a\r\nY: b")], ValueError),
        ([("X\r\nY", "a")], ValueError),
        ([("X", b"a")], TypeError),
        ([("Content-Length", "0")], ValueError),
        ([("transfer-encoding", "chunked")], ValueError),
        ([("Connection", "close")], ValueError),
        ([("Upgrade", "h2c")], ValueError),
        ([("Sec-WebSocket-Protocol", "a")], ValueError),
        ([("Sec-WebSocket-Extensions", "permessage-deflate")], ValueError),
        ([("Sec-WebSocket-Accept", "x")], ValueError),
    ],
)
def test_further_fields_cannot_break_the_answer(headers: Any, error: type[Exception]) -> None:
    """Neither line ends, nor the handshake's own fields, nor a body."""
    with pytest.raises(error, match=r"^headers"):
        build_acceptance(request(), headers=headers)


# Refusing


@pytest.mark.rfc("RFC6455-4.2.2-03", "RFC6455-4.2.2-04", "RFC6455-4.2.2-06", "RFC6455-4.2.2-08")
@pytest.mark.parametrize(
    ("status", "headers", "status_line"),
    [
        (301, (("Location", "/new"),), b"HTTP/1.1 301 Moved Permanently\r\n"),
        (401, (("WWW-Authenticate", "Basic"),), b"HTTP/1.1 401 Unauthorized\r\n"),
        (403, (), b"HTTP/1.1 403 Forbidden\r\n"),
        (404, (), b"HTTP/1.1 404 Not Found\r\n"),
        (499, (), b"HTTP/1.1 499 \r\n"),
        (599, (), b"HTTP/1.1 599 \r\n"),
    ],
)
def test_rejection_is_an_http_response_that_closes(
    status: int, headers: tuple[tuple[str, str], ...], status_line: bytes
) -> None:
    """Any status from 300 on, with the fields it needs."""
    answer = build_rejection(status, headers)
    assert answer.startswith(status_line)
    response = parse_response(answer)
    assert response.fields == (*headers, ("Content-Length", "0"), ("Connection", "close"))


def test_rejection_may_have_a_body() -> None:
    """Its length is told, and that it is text unless the caller says otherwise."""
    assert build_rejection(403, (), b"no\n") == (
        b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Length: 3\r\nConnection: close\r\n\r\nno\n"
    )
    assert build_rejection(403, (("content-type", "text/html"),), b"<p>") == (
        b"HTTP/1.1 403 Forbidden\r\ncontent-type: text/html\r\n"
        b"Content-Length: 3\r\nConnection: close\r\n\r\n<p>"
    )


def test_rejection_is_forbidden_by_default() -> None:
    """Without a status nothing more is said than that."""
    request = Connection.connect(parse_uri("ws://example.com/"), NONCE, seed=SEED).output
    step = Connection.listen().receive(request).connection.reject()
    assert step.output.startswith(b"HTTP/1.1 403 Forbidden\r\n")


@pytest.mark.parametrize("data", [b"\n\n", b"\n\r\n", b"\r\n\r\n"])
def test_a_head_of_nothing_is_refused_at_once(data: bytes) -> None:
    """Nothing would make it a request, however long one waits."""
    (event,) = Connection.listen().receive(data).events
    assert isinstance(event, ProtocolError)


@pytest.mark.rfc("RFC6455-4.4-01", "RFC6455-4.2.2-07")
def test_rejection_with_426_says_what_to_upgrade_to() -> None:
    """By default to what we do; a caller who knows more says so."""
    assert parse_response(build_rejection(426)).fields == (
        ("Content-Length", "0"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Connection", "close, Upgrade"),
    )
    given = (("upgrade", "websocket, foo"), ("Sec-WebSocket-Version", "13, 14"))
    assert parse_response(build_rejection(426, given)).fields == (
        *given,
        ("Content-Length", "0"),
        ("Connection", "close, Upgrade"),
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((101,), ValueError, "^status must be from 300 to 599, not 101"),
        ((299,), ValueError, "^status"),
        ((600,), ValueError, "^status must be from 300 to 599, not 600"),
        (("403",), ValueError, "^status"),
        ((403, (("Connection", "x"),)), ValueError, "^headers"),
        ((403, (("Content-Length", "1"),)), ValueError, "^headers"),
        ((403, (("Transfer-Encoding", "x"),)), ValueError, "^headers"),
        ((403, (("X", "a\nb"),)), ValueError, "^headers"),
        ((403, (), "text"), TypeError, "^body must be bytes, not str"),
    ],
)
def test_rejection_is_checked_at_the_call(
    arguments: Any, error: type[Exception], message: str
) -> None:
    """A mistake is told by name and value."""
    with pytest.raises(error, match=message):
        build_rejection(*arguments)


def test_rejection_shows_what_was_wrong() -> None:
    """The body is a sentence with the clause; a peer's text in it is escaped and cut."""
    violation = Violation("RFC6455-4.2.1-09", "the Sec-WebSocket-Key header is missing")
    assert rejection_for(violation).endswith(
        b"\r\n\r\nThe opening handshake is refused: the Sec-WebSocket-Key header is missing"
        b" (RFC6455-4.2.1-09).\n"
    )
    step = Connection.listen().receive(head(Host=f"Host: <script>\u00e9 {'x' * 5000}"))
    assert len(step.output) < 500
    assert "'<script>\u00e9 xxx".encode() in step.output


def test_status_of_other_violations_is_400() -> None:
    """Bad Request is the general answer (RFC 6455 §4.2.1)."""
    assert http_status_of(Violation("RFC6455-4.2.1-18", "x")) == 400
    assert http_status_of(Violation("RFC6455-4.2.2-07", "x")) == 426


# Origin


@pytest.mark.rfc("RFC6455-4.2.2-05", "RFC6455-10.2-01", "RFC6455-4.2.1-12", "RFC6455-10.1-01")
@pytest.mark.parametrize(
    ("lines", "allowed", "verdict"),
    [
        ([], None, True),
        (["Origin: https://evil.example"], None, True),
        ([], [], False),
        ([], ["https://a.example"], False),
        ([], ["https://a.example", None], True),
        (["Origin: https://a.example"], ["https://a.example"], True),
        (["origin: HTTPS://A.example"], ("https://a.EXAMPLE",), True),
        (["Origin: https://a.example"], [None], False),
        (["Origin: https://a.example:8443"], ["https://a.example"], False),
        (["Origin: https://a.example.evil.example"], ["https://a.example"], False),
        (["Origin: http://a.example"], ["https://a.example"], False),
        (["Origin: null"], ["https://a.example", None], False),
        (["Origin: null"], ["null"], True),
        (["Origin:"], [None, "https://a.example"], False),
        (["Origin: https://a.example"] * 2, ["https://a.example"], False),
        (["Origin: https://b.example", "Origin: https://a.example"], ["https://a.example"], False),
    ],
)
def test_origin_has_to_be_on_the_list(
    lines: list[str], allowed: list[str | None] | None, verdict: bool
) -> None:
    """None stands for requests without Origin; no list allows everything."""
    assert check_origin(request(*lines), allowed) is verdict


def test_list_of_origins_cannot_be_a_string() -> None:
    """Parts of it would be found, and allowed."""
    with pytest.raises(TypeError, match=r"^allowed must be a collection"):
        check_origin(request("Origin: https://a"), cast("Any", "https://a.example"))


# In the connection


@pytest.mark.rfc("RFC6455-4.1-38")
def test_frames_right_behind_the_request_are_read_after_the_answer() -> None:
    """The client was wrong to send early, but nothing is lost."""
    early = frame(0x81, b"early", MASKING_KEY)
    step = Connection.listen().receive(head() + early[:4])
    (event,) = step.events
    assert isinstance(event, Requested)
    assert event.request.path == "/chat"
    step = step.connection.receive(early[4:])
    assert step.events == ()
    step = step.connection.accept()
    assert step.events[1:] == (Text("early"),)
    assert step.output.startswith(b"HTTP/1.1 101 ")


def test_request_gives_access_to_its_headers() -> None:
    """Names in any case; several fields are joined, or come one by one."""
    parsed = request("X-List: a", "x-list:\tb ")
    assert parsed.get("X-LIST") == "a, b"
    assert parsed.get_all("x-list") == ("a", "b")
    assert parsed.headers[-1] == ("x-list", "b")
    assert parsed.get("none") is None
    assert parsed.get("none", "x") == "x"


def test_repr_of_a_request_is_its_request_line() -> None:
    """Cut, since a client wrote it, and without headers, which may hold credentials."""
    assert repr(request("Authorization: Basic x")) == "<request GET /chat HTTP/1.1>"
    assert len(repr(parse_request(head(request_line=f"GET /{'x' * 5000} HTTP/1.1")))) < 100
