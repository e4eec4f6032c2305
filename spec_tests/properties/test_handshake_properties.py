"""Properties of the opening handshake: what one role writes, the other reads (RFC 6455 §4)."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wsref.protocol.deflate import DEFAULT_POLICY, DeflateOffer, DeflatePolicy
from wsref.protocol.handshake import (
    Agreement,
    build_acceptance,
    build_rejection,
    build_request,
    check_request,
    check_response,
    choose_subprotocol,
    rejection_for,
)
from wsref.protocol.headers import (
    Extension,
    is_token,
    parse_extensions,
    parse_tokens,
    serialize_extensions,
)
from wsref.protocol.http import (
    Request,
    Response,
    end_of_head,
    parse_request,
    parse_response,
    serialize_request,
)
from wsref.protocol.uri import WebSocketURI, is_authority, parse_uri
from wsref.protocol.violations import Violation
from wsref.testing import (
    ExtensionHeader,
    deflate_offers,
    deflate_parameters,
    extension_headers,
    extensions,
    tokens,
)

values = st.text(st.characters(codec="latin-1", categories=["L", "N", "P", "S", "Zs"]), max_size=20)

#: Fields that no head reserves.
fields = st.lists(st.tuples(tokens().map(lambda name: f"X-{name}"), values), max_size=4)

#: Heads that are nearly right, so that parsers get past the first line.
pieces = [
    "GET / HTTP/1.1", "HTTP/1.1 101 OK", "GET", "/", " ", "HTTP/1.0", "\r\n", "\n", "\r", "\0", ":",
    "Host: a", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "\t", ",",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Extensions: permessage-deflate",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "; a=", '"', "\\", "\r\n\r\n", "\u00e9",
    "Sec-WebSocket-Protocol: a, b",
]  # fmt: skip
heads = st.binary(max_size=200) | st.lists(st.sampled_from(pieces), max_size=30).map(
    lambda parts: "".join(parts).encode("latin-1")
)

policies = deflate_parameters().map(lambda parameters: DeflatePolicy(*parameters))
hosts = st.sampled_from(["example.com", "b\u00fccher.example", "127.0.0.1", "[::1]", "A_b-c."])
paths = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="#%"), max_size=20
)
uris = st.tuples(st.sampled_from(["ws", "wss"]), hosts, st.integers(1, 65535), paths).map(
    lambda parts: parse_uri("{}://{}:{}/{}.".format(*parts))
)


def clause_broken_by(check: Callable[[], object]) -> str | None:
    """Return the clause of the violation that *check* raises; let any other exception out."""
    try:
        check()
    except Violation as violation:
        return violation.clause
    return None


@given(
    uris,
    st.binary(min_size=16, max_size=16),
    st.lists(tokens(), max_size=4, unique=True),
    st.lists(tokens(), max_size=4),
    st.lists(deflate_offers(), max_size=3),
    st.none() | policies,
    fields,
    fields,
)
def test_property_what_client_and_server_build_leads_to_the_same_agreement(
    uri: WebSocketURI,
    nonce: bytes,
    wanted: list[str],
    supported: list[str],
    offered: list[DeflateOffer],
    policy: DeflatePolicy | None,
    more: list[tuple[str, str]],
    still_more: list[tuple[str, str]],
) -> None:
    """Any request we build passes check_request, and any answer to it check_response."""
    head, asked = build_request(
        uri, nonce, subprotocols=wanted, offers=offered, headers=tuple(more)
    )
    assert end_of_head(head) == len(head)
    request = parse_request(head)
    check_request(request)
    assert request.resource == uri.resource
    assert [value.strip(" ") for _name, value in more] == [
        value for _name, value in request.headers[len(request.headers) - len(more) :]
    ]
    chosen = choose_subprotocol(request, supported)
    answer, response, agreement = build_acceptance(
        request, subprotocol=chosen, deflate_policy=policy, headers=tuple(still_more)
    )
    assert parse_response(answer) == response
    assert check_response(response, asked) == agreement
    assert agreement.subprotocol == chosen
    assert (agreement.deflate is not None) == (policy is not None and bool(offered))


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_property_answer_fits_only_its_own_request(nonce: bytes, other: bytes) -> None:
    """An answer to another key is refused (RFC 6455 §4.1)."""
    uri = parse_uri("ws://example.com/")
    head, asked = build_request(uri, nonce)
    _head, response, _agreement = build_acceptance(parse_request(head))
    _other_head, other_asked = build_request(uri, other)
    assert check_response(response, asked) == Agreement(None, None)
    if other != nonce:
        with pytest.raises(Violation, match=r"RFC6455-4\.1-44"):
            check_response(response, other_asked)


@given(st.lists(extensions(), min_size=1, max_size=4))
def test_property_extensions_are_read_as_they_were_written(written: list[Extension]) -> None:
    """Parsing undoes serialising."""
    assert parse_extensions([serialize_extensions(written)]) == tuple(written)


@given(extension_headers(max_size=4))
def test_property_spelling_of_extensions_does_not_matter(header: ExtensionHeader) -> None:
    """Quotes, escapes, white space, empty elements and several fields mean nothing."""
    assert parse_extensions(header.values) == header.extensions


@given(st.lists(st.text(st.characters(codec="latin-1")) | st.text('ab=;,"\\ \t'), max_size=3))
def test_property_header_parsers_raise_nothing_but_violations(lines: list[str]) -> None:
    """And what they let through are tokens, which say the same when written again."""
    clause = clause_broken_by(lambda: parse_extensions(lines))
    assert clause in (None, "RFC6455-9.1-01", "RFC6455-4.3-01")
    if lines and clause is None:
        parsed = parse_extensions(lines)
        assert parse_extensions([serialize_extensions(parsed)]) == parsed
    clause = clause_broken_by(lambda: parse_tokens(lines))
    assert clause in (None, "RFC6455-4.3-06")
    if clause is None:
        assert all(map(is_token, parse_tokens(lines)))


@given(heads)
@example(b"HTTP/1.1 101 OK\r\n\r\n")
def test_property_head_parsers_raise_nothing_but_violations(head: bytes) -> None:
    """Any bytes are a head or a violation; a server can answer each of them."""
    try:
        request = parse_request(head)
        check_request(request)
    except Violation as violation:
        answer = rejection_for(violation)
        parse_response(answer[: end_of_head(answer)])
    else:
        build_acceptance(request, deflate_policy=DEFAULT_POLICY)
    _head, asked = build_request(parse_uri("ws://a/"), b"the sample nonce")
    clause_broken_by(lambda: check_response(parse_response(head), asked))


@given(heads)
def test_property_response_reads_any_bytes(data: bytes) -> None:
    """It keeps them, and finds what there is to be found."""
    response = Response(data)
    assert response.raw == data
    assert len(repr(response)) < 400
    for name, value in response.headers.items():
        assert response.get(name) == value
        assert response.get_list(name) == (
            [part.strip() for part in value.split(",")] if value else []
        )


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=3))
@example([("X", "a\r\nY: b")])
@example([("X\r\nY", "a")])
def test_property_headers_cannot_be_injected(pairs: list[tuple[str, str]]) -> None:
    """Either it raises, or the peer sees these fields and no others."""
    try:
        head = serialize_request("GET", "/", pairs)
    except ValueError:
        return
    expected = tuple((name, value.strip(" ")) for name, value in pairs)
    assert parse_request(head) == Request("GET", "/", "HTTP/1.1", expected)


@given(st.integers(300, 599), fields, st.binary(max_size=50))
def test_property_rejections_are_complete_responses(
    status: int, headers: list[tuple[str, str]], body: bytes
) -> None:
    """The length told is that of what comes behind the head."""
    answer = build_rejection(status, tuple(headers), body)
    end = end_of_head(answer)
    response = parse_response(answer[:end])
    assert response.status_code == status
    assert answer[end:] == body
    assert response.get("content-length") == str(len(body))


@given(st.text("Aa09+/=-_ \u00e9", max_size=30) | st.binary(max_size=20).map(lambda b: b.hex()))
@example("AQIDBAUGBwgJCgsMDQ4PEC==")
def test_property_key_is_valid_if_it_decodes_to_sixteen_bytes(key: str) -> None:
    """The check agrees with what decoding strictly says."""
    try:
        valid = len(b64decode(key.encode("latin-1"), validate=True)) == 16
    except Base64Error:
        valid = False
    request = Request(
        "GET",
        "/",
        "HTTP/1.1",
        (
            ("Host", "a"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", key),
        ),
    )
    if valid:
        check_request(request)
    else:
        with pytest.raises(Violation, match=r"RFC6455-4\.2\.1-10"):
            check_request(request)


@given(
    st.text(max_size=30)
    | st.lists(
        st.sampled_from(
            [
                "ws://",
                "wss://",
                "a",
                ".",
                ":",
                "@",
                "/",
                "?",
                "[",
                "]",
                "::1",
                "80",
                "%41",
                "%",
                "\u00fc",
            ]
        )
    ).map("".join)
)
def test_property_parse_uri_gives_a_usable_uri_or_a_value_error(url: str) -> None:
    """Whatever it accepts can be sent: host, port and resource are fit for a request."""
    try:
        uri = parse_uri(url)
    except ValueError:
        with pytest.raises(ValueError, match=r"^url: "):
            parse_uri(url)
        return
    assert is_authority(uri.host_header)
    assert 1 <= uri.port <= 65535
    assert uri.resource.startswith("/")
    head, _asked = build_request(uri, bytes(16))
    check_request(parse_request(head))
    again = parse_uri(f"{'wss' if uri.secure else 'ws'}://{uri.host_header}{uri.resource}")
    assert again == uri._replace(authorization=None)
