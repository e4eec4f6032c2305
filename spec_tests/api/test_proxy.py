"""Proxies: which one to use, and how to talk to it; without a network."""

from __future__ import annotations

import base64

import pytest

from wsref.errors import ConnectFail
from wsref.protocol.uri import WebSocketURI, parse_uri
from wsref.proxy import (
    build_connect_request,
    bypasses_proxy,
    detect_proxies,
    parse_connect_answer,
    parse_proxy,
    proxy_for,
)

VARIABLES = ["http_proxy", "https_proxy", "no_proxy", "all_proxy"]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("REQUEST_METHOD", raising=False)


@pytest.mark.rfc("RFC6455-4.1-08", "RFC6455-4.1-09")
def test_the_scheme_decides_on_the_proxy() -> None:
    """Http is for ws, https for wss; without an entry there is none."""
    proxies = {"http": "http://a:1", "https": "http://b:2"}
    for url, host in [("ws://x", "a"), ("wss://x", "b")]:
        proxy = proxy_for(parse_uri(url), proxies)
        assert proxy is not None
        assert proxy.host == host
    assert proxy_for(parse_uri("wss://x"), {"http": "http://a:1"}) is None
    assert proxy_for(parse_uri("ws://x"), {"http": None}) is None
    assert proxy_for(parse_uri("ws://x"), {"http": ""}) is None
    assert proxy_for(parse_uri("ws://x"), {}) is None


def test_the_environment_is_used_unless_proxies_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower case wins over upper case; no_proxy is honoured."""
    assert detect_proxies() == {"http": None, "https": None}
    monkeypatch.setenv("HTTP_PROXY", "http://upper:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://secure:1")
    monkeypatch.setenv("NO_PROXY", "internal.example")
    assert detect_proxies() == {
        "http": "http://upper:1",
        "https": "http://secure:1",
        "no": "internal.example",
    }
    monkeypatch.setenv("http_proxy", "http://lower:1")
    proxy = proxy_for(parse_uri("ws://x"), None)
    assert proxy is not None
    assert proxy.host == "lower"
    assert proxy_for(parse_uri("ws://a.internal.example"), None) is None
    assert proxy_for(parse_uri("ws://a.internal.example"), {"http": "http://b"}) is not None
    assert proxy_for(parse_uri("ws://x"), {}) is None


def test_a_header_of_a_cgi_request_is_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY is what a web server makes of the header `Proxy:`."""
    monkeypatch.setenv("REQUEST_METHOD", "GET")
    monkeypatch.setenv("HTTP_PROXY", "http://attacker:1")
    assert detect_proxies() == {"http": None, "https": None}
    monkeypatch.setenv("http_proxy", "http://mine:1")
    assert detect_proxies()["http"] == "http://mine:1"


@pytest.mark.parametrize(
    ("no_proxy", "host", "port", "expected"),
    [
        ("*", "example.com", 80, True),
        ("", "example.com", 80, False),
        (" , ", "example.com", 80, False),
        ("example.com", "example.com", 80, True),
        ("Example.COM", "example.com.", 80, True),
        ("example.com", "www.example.com", 80, True),
        (".example.com", "www.example.com", 80, True),
        ("*.example.com", "www.example.com", 80, True),
        (".example.com", "example.com", 80, True),
        ("example.com", "badexample.com", 80, False),
        ("other, example.com", "example.com", 80, True),
        ("example.com:8080", "example.com", 8080, True),
        ("example.com:8080", "example.com", 80, False),
        ("localhost", "localhost", 9001, True),
        ("127.0.0.1", "127.0.0.1", 80, True),
        ("127.0.0.0/8", "127.5.6.7", 80, True),
        ("127.0.0.0/8", "128.0.0.1", 80, False),
        ("10.0.0.0/8", "example.com", 80, False),
        ("not/a/network", "example.com", 80, False),
        ("::1", "::1", 80, True),
        ("[::1]", "::1", 80, True),
        ("[::1]:80", "::1", 80, True),
        ("[::1]:81", "::1", 80, False),
        ("fe80::/10", "fe80::1", 80, True),
    ],
)
def test_no_proxy_names_hosts(no_proxy: str, host: str, port: int, expected: bool) -> None:
    """Names with all below them, addresses, networks, each possibly with a port."""
    assert bypasses_proxy(host, port, no_proxy) is expected


@pytest.mark.parametrize(
    ("url", "secure", "host", "port"),
    [
        ("http://proxy.example", False, "proxy.example", 80),
        ("https://proxy.example", True, "proxy.example", 443),
        ("http://proxy.example:3128/", False, "proxy.example", 3128),
        ("proxy.example:3128", False, "proxy.example", 3128),
        ("http://[::1]:3128", False, "::1", 3128),
    ],
)
def test_the_url_of_a_proxy_is_read(url: str, secure: bool, host: str, port: int) -> None:
    """With the default port of its scheme."""
    proxy = parse_proxy(url)
    assert (proxy.secure, proxy.host, proxy.port) == (secure, host, port)
    assert proxy.authorization is None
    assert proxy.url == url


def test_credentials_are_decoded_and_not_shown() -> None:
    """Percent-encoding is undone; the password is not in the URL that events show."""
    proxy = parse_proxy("http://us%40er:p%3Ass%C3%A4@proxy.example:3128")
    assert proxy.authorization is not None
    scheme, _space, credentials = proxy.authorization.partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(credentials) == "us@er:p:ssä".encode()
    assert proxy.url == "http://us%40er:***@proxy.example:3128"
    assert parse_proxy("http://user@proxy").authorization == "Basic dXNlcjo="


@pytest.mark.parametrize(
    "url",
    ["socks5://u:secret@h", "http://", "http://u:secret@h:99999", "http://u:secret@h:0", "ftp://h"],
)
def test_the_url_of_a_proxy_that_makes_no_sense_is_refused(url: str) -> None:
    """Without showing a password."""
    with pytest.raises(ValueError, match="proxies") as caught:
        parse_proxy(url)
    assert "secret" not in str(caught.value)


def test_the_request_names_host_and_port() -> None:
    """CONNECT in authority form (RFC 9110 §9.3.6)."""
    proxy = parse_proxy("http://user:pass@proxy:3128")
    request = build_connect_request(parse_uri("ws://example.com/x"), proxy, "me/1")
    assert request == (
        b"CONNECT example.com:80 HTTP/1.1\r\n"
        b"Host: example.com:80\r\n"
        b"User-Agent: me/1\r\n"
        b"Proxy-Authorization: Basic dXNlcjpwYXNz\r\n"
        b"\r\n"
    )
    uri = WebSocketURI(True, "::1", 443, "/")
    assert build_connect_request(uri, parse_proxy("http://proxy")).startswith(
        b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n"
    )


def test_the_answer_may_come_in_pieces_and_with_bytes_behind() -> None:
    """What is behind the head belongs to the tunnel, to the byte."""
    head = b"HTTP/1.1 200 Connection established\r\nVia: proxy\r\n\r\n"
    for i in range(len(head)):
        assert parse_connect_answer(head[:i]) is None
    assert parse_connect_answer(head) == b""
    assert parse_connect_answer(head + b"\x00\r\n\r\nrest") == b"\x00\r\n\r\nrest"


def test_a_2xx_answer_has_no_body() -> None:
    """Whatever its header says; and 1xx only announces it."""
    answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 204 Fine\r\nContent-Length: 4\r\n\r\nrest"
    assert parse_connect_answer(answer) == b"rest"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407 Proxy Authentication"),
        (b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n", "403 Forbidden"),
        (b"HTTP/1.1 502\r\n\r\n", "502"),
        (b"SSH-2.0\r\n\r\n", "no HTTP"),
        (b"x" * 20000, "more than 16384 bytes"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20000 + b"\r\n\r\n", "more than 16384 bytes"),
    ],
)
def test_a_refusal_raises_with_what_the_proxy_said(answer: bytes, said: str) -> None:
    """407 is reported as such."""
    with pytest.raises(ConnectFail, match=said):
        parse_connect_answer(answer)
