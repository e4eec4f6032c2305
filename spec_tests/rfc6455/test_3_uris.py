"""WebSocket URIs (RFC 6455 §3, §11.1) and the Host header made from them (§4.1)."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, cast

import pytest

from wsref.protocol.uri import WebSocketURI, is_authority, parse_uri


@pytest.mark.rfc("RFC6455-3-01", "RFC6455-3-03", "RFC6455-3-08")
@pytest.mark.parametrize(
    ("url", "secure", "port"),
    [
        ("ws://example.com/", False, 80),
        ("wss://example.com/", True, 443),
        ("WSS://example.com/", True, 443),
        ("Ws://example.com/", False, 80),
        ("ws://example.com:/", False, 80),
        ("wss://example.com:80/", True, 80),
        ("ws://example.com:1/", False, 1),
        ("ws://example.com:0443/", False, 443),
        ("ws://example.com:65535", False, 65535),
    ],
)
def test_scheme_and_port_are_read(url: str, secure: bool, port: int) -> None:
    """The scheme in any case says whether to use TLS, and the port if none is written."""
    assert parse_uri(url) == WebSocketURI(secure, "example.com", port, "/")


@pytest.mark.rfc("RFC6455-3-04", "RFC6455-4.1-20")
@pytest.mark.parametrize(
    ("rest", "resource"),
    [
        ("", "/"),
        ("/", "/"),
        ("/chat", "/chat"),
        ("?", "/"),
        ("?a=1", "/?a=1"),
        ("/chat?", "/chat"),
        ("/chat?a=1&b=?/x@y:z", "/chat?a=1&b=?/x@y:z"),
        ("//double//slash", "//double//slash"),
        ("/a/../b", "/a/../b"),
        ("/;p=1,2!$&'()*+~", "/;p=1,2!$&'()*+~"),
    ],
)
def test_resource_name_is_path_and_query(rest: str, resource: str) -> None:
    """An empty path is a slash, an empty query leaves no question mark."""
    assert parse_uri("ws://example.com" + rest).resource == resource


@pytest.mark.rfc("RFC6455-11.1.1-02", "RFC6455-11.1.2-01", "RFC6455-3-06")
@pytest.mark.parametrize(
    ("rest", "resource"),
    [
        ("/caf\u00e9?\u00fc", "/caf%C3%A9?%C3%BC"),
        ("/\U0001f600", "/%F0%9F%98%80"),
        ("/a b?c d", "/a%20b?c%20d"),
        ('/"<>\\^`{|}[]', "/%22%3C%3E%5C%5E%60%7B%7C%7D%5B%5D"),
        ("/%23%2f%C3%a9", "/%23%2f%C3%a9"),
    ],
)
@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_what_uris_do_not_have_is_percent_encoded_as_utf8(
    scheme: str, rest: str, resource: str
) -> None:
    """Other characters are encoded; what is percent-encoded already stays as it is."""
    assert parse_uri(f"{scheme}://example.com{rest}").resource == resource


@pytest.mark.rfc("RFC6455-11.1.1-01")
@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("EXAMPLE.com", "example.com"),
        ("example.com.", "example.com."),
        ("my_service-1", "my_service-1"),
        ("127.0.0.1", "127.0.0.1"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("B\u00dcCHER.example", "xn--bcher-kva.example"),
        ("b%C3%BCcher.example", "xn--bcher-kva.example"),
        ("%65xample.com", "example.com"),
        ("\u4f8b\u3048.\u30c6\u30b9\u30c8", "xn--r8jz45g.xn--zckzah"),
        ("a\u3002example", "a.example"),
        (f"{'a' * 63}.example", f"{'a' * 63}.example"),
        (f"{'a.' * 126}b", f"{'a.' * 126}b"),  # 253 characters
        ("[::1]", "::1"),
        ("[2001:DB8::7]", "2001:db8::7"),
        ("[::ffff:192.0.2.1]", "::ffff:192.0.2.1"),
    ],
)
def test_host_is_in_ascii_and_in_lower_case(written: str, host: str) -> None:
    """Names get their IDNA form, addresses lose their brackets."""
    assert parse_uri(f"ws://{written}:81/x").host == host
    assert parse_uri(f"ws://{written}").host == host


@pytest.mark.rfc("RFC6455-4.1-21", "RFC6455-4.1-22")
@pytest.mark.parametrize(
    ("url", "host_header"),
    [
        ("ws://example.com/", "example.com"),
        ("ws://example.com:80/", "example.com"),
        ("wss://example.com:443/", "example.com"),
        ("ws://example.com:443/", "example.com:443"),
        ("wss://example.com:8443/", "example.com:8443"),
        ("ws://[::1]/", "[::1]"),
        ("ws://[::1]:9001/", "[::1]:9001"),
    ],
)
def test_host_header_names_host_and_unusual_port(url: str, host_header: str) -> None:
    """The port is in the Host header unless it is the scheme's default."""
    assert parse_uri(url).host_header == host_header


@pytest.mark.parametrize(
    ("userinfo", "credentials"),
    [
        ("user:secret", b"user:secret"),
        ("user", b"user:"),
        (":secret", b":secret"),
        ("user:a:b", b"user:a:b"),
        ("us%40er:p%3Aw%25", b"us@er:p:w%"),
        ("j\u00f6rg:%C3%BC", "j\u00f6rg:\u00fc".encode()),
        ("user:%FF", b"user:\xff"),
    ],
)
def test_credentials_become_a_basic_authorization(userinfo: str, credentials: bytes) -> None:
    """We depart from RFC6455-3-07 here: users expect credentials in a URL to be used."""
    uri = parse_uri(f"ws://{userinfo}@example.com/")
    assert uri.authorization == f"Basic {b64encode(credentials).decode()}"
    assert (uri.host, uri.resource) == ("example.com", "/")


def test_empty_credentials_are_none() -> None:
    """A lone @ before the host says nothing."""
    assert parse_uri("ws://@example.com/").authorization is None


def test_credentials_are_not_shown() -> None:
    """Neither the repr nor an error's message gives credentials away."""
    assert "***" in repr(parse_uri("ws://user:secret@example.com/"))
    assert "dXNlc" not in repr(parse_uri("ws://user:secret@example.com/"))
    assert repr(parse_uri("ws://h/x")) == (
        "WebSocketURI(secure=False, host='h', port=80, resource='/x', authorization=None)"
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2@example.com/",
        "ws://user:hunter2@example.com:99999/",
        "ws://user:hunter2@exa mple.com/",
        "ws://user:hunter2#@example.com/",
        "ws://user:hunter2/x@example.com/",
        "ws://user:hunter2?x@example.com/",
        "ws://user:hunter2@x@example.com/",
        "ws://user:hunter2%zz@example.com/",
        "ws://user:hunter2%0a@example.com/",
        "ws://us%3Aer:hunter2@example.com/",
        "user:hunter2@example.com",
    ],
)
def test_errors_do_not_show_credentials(url: str) -> None:
    """Wherever a URL with credentials is wrong, the message keeps them to itself."""
    with pytest.raises(ValueError, match=r"url: .*\*\*\*@") as caught:
        parse_uri(url)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in str(caught.value.__cause__)


@pytest.mark.rfc("RFC6455-3-02", "RFC6455-4.1-03")
@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "does not begin with ws"),
        ("example.com", "does not begin with ws"),
        ("//example.com/", "does not begin with ws"),
        ("http://example.com/", "does not begin with ws"),
        ("ws:/example.com/", "does not begin with ws"),
        ("ws:example.com", "does not begin with ws"),
        ("ws://", "no host"),
        ("ws:///chat", "no host"),
        ("ws://?x", "no host"),
        ("ws://:80/", "no host"),
        ("ws://user@/", "no host"),
        ("ws://a..b/", "empty or too long"),
        ("ws://./", "empty or too long"),
        ("ws://.example.com/", "empty or too long"),
        (f"ws://{'a' * 64}.example/", "empty or too long"),
        (f"ws://{'a.' * 126}bb/", "empty or too long"),  # 254 characters
        (f"ws://{chr(0xFC) * 300}/", "empty or too long"),
        (f"ws://{chr(0xFC) * 60}/", "ASCII"),
        ("ws://%FF.example/", "ASCII"),
        ("ws://a\ue000.example/", "ASCII"),
        ("ws://exa mple.com/", "character that names"),
        ("ws://a\u00a0b/", "character that names"),
        ("ws://a\uff0fb/", "character that names"),
        ("ws://a%2Fb/", "character that names"),
        ("ws://a<b/", "character that names"),
        ("ws://good.example\\@evil.example/", "percent-encoded"),
        ("ws://a@b@c/", "percent-encoded"),
        ("ws://a b@c/", "percent-encoded"),
        ("ws://a%3Ab:c@d/", "user name"),
        ("ws://a:%0D%0AX@d/", "control character"),
        ("ws://a:%C2%85@d/", "control character"),
        ("ws://a%zz.example/", "hexadecimal"),
        ("ws://a%/", "hexadecimal"),
        ("ws://a/%", "hexadecimal"),
        ("ws://a/%4", "hexadecimal"),
        ("ws://a/?%g0", "hexadecimal"),
        ("ws://a/%4g", "hexadecimal"),
        ("ws://a/%\u0664\u0660", "hexadecimal"),
        ("ws://::1/", "square brackets"),
        ("ws://[::1/", "never closed"),
        ("ws://[::1]80/", "behind the IPv6"),
        ("ws://[]/", "not an IPv6"),
        ("ws://[example.com]/", "not an IPv6"),
        ("ws://[127.0.0.1]/", "not an IPv6"),
        ("ws://[::1::]/", "not an IPv6"),
        ("ws://[fe80::1%25eth0]/", "not an IPv6"),
        ("ws://[fe80::1%eth0]/", "not an IPv6"),
        ("ws://[v1.x]/", "not an IPv6"),
        ("ws://a\ud800b/", "ASCII|surrogate"),
        ("ws://a/\ud800", "surrogate"),
    ],
)
def test_anything_else_is_no_websocket_uri(url: str, why: str) -> None:
    """The message names the argument, the URL, and what is wrong with it."""
    with pytest.raises(ValueError, match=f"url: .*is not a WebSocket URL: .*({why})"):
        parse_uri(url)


@pytest.mark.rfc("RFC6455-3-08")
@pytest.mark.parametrize(
    "port",
    [
        "0",
        "00000",
        "65536",
        "99999",
        "100000",
        "065536",
        "9" * 5000,
        "-1",
        "+80",
        "8 0",
        "x",
        "\u0668",
    ],
)
def test_port_out_of_range_is_refused(port: str) -> None:
    """A port is a decimal number from 1 to 65535."""
    with pytest.raises(ValueError, match="the port is not"):
        parse_uri(f"ws://example.com:{port}/")


@pytest.mark.rfc("RFC6455-3-05", "RFC6455-3-06")
@pytest.mark.parametrize("rest", ["#", "/#part", "/chat?a=1#part", "?#"])
def test_fragment_is_refused(rest: str) -> None:
    """A fragment makes the URI unusable, even an empty one."""
    with pytest.raises(ValueError, match="fragment"):
        parse_uri("ws://example.com" + rest)


@pytest.mark.parametrize("character", ["\r", "\n", "\t", "\0", "\x1f", "\x7f", "\x85", "\x9f"])
@pytest.mark.parametrize("template", ["{}ws://a/", "ws://a/{}", "ws://a{}b/", "ws://a/?{}x"])
def test_control_characters_are_refused(template: str, character: str) -> None:
    """No control character gets into a URI, nor is it quietly taken out."""
    with pytest.raises(ValueError, match="control character"):
        parse_uri(template.format(character))


@pytest.mark.parametrize("url", [" ws://a/", "ws://a/ ", "ws://a/?x\u3000"])
def test_white_space_around_a_url_is_refused(url: str) -> None:
    """It is a slip of the hand, and not part of the path."""
    with pytest.raises(ValueError, match="white space around"):
        parse_uri(url)


@pytest.mark.parametrize("url", [b"ws://example.com/", None, 7])
def test_url_has_to_be_a_string(url: object) -> None:
    """Other types are the caller's mistake."""
    with pytest.raises(TypeError, match="url must be str, not"):
        parse_uri(cast("Any", url))


@pytest.mark.rfc("RFC6455-4.2.1-04")
@pytest.mark.parametrize(
    "text",
    [
        "example.com",
        "example.com:80",
        "example.com:",
        "[::1]",
        "[::1]:80",
        "a_b~c",
        "a,b",
        "%41",
        "1.2.3.4",
    ],
)
def test_authority_is_a_host_and_perhaps_a_port(text: str) -> None:
    """What a Host header may have."""
    assert is_authority(text)


@pytest.mark.rfc("RFC6455-4.2.1-18")
@pytest.mark.parametrize(
    "text",
    [
        ":80",
        "a:b",
        "a:70000",
        "a:0",
        "a:1:2",
        "user@a",
        "a/b",
        "a?b",
        "a#b",
        "http://a",
        "%4",
        "%zz",
        "caf\u00e9",
        "::1",
        "[::1",
        "[x]",
        "[::1]x",
        "[::1]80",
        "[fe80::1%25eth0]",
    ],
)
def test_anything_else_is_no_authority(text: str) -> None:
    """What a Host header may not have."""
    assert not is_authority(text)
    assert not is_authority("")
    assert not is_authority("a b")
