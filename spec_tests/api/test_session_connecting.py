"""How the blocking session connects: addresses, time limits, TLS, one at a time, proxies."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from spec_tests.api.peers import (
    CLOSE_1000,
    Peer,
    names,
    quiet,
    response_to,
    scripted_server,
    take_until,
)
from spec_tests.playbook import frame
from wsref import WebSocket
from wsref.events import Connected, ConnectFail, Disconnected, Event, Ready, Text
from wsref.tls import create_ssl_context


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def talk(peer: Peer) -> None:
    """Accept, answer one message, and close."""
    peer.accept()
    assert peer.frame() == (0x81, b"hello")
    peer.send(frame(0x81, b"hello yourself") + CLOSE_1000)
    assert peer.frame() == (0x88, b"\x03\xe8")


def conversation(ws: WebSocket, open_timeout: float = 10.0) -> list[Event]:
    """Say hello as soon as possible; return all events but the clock's."""
    events: list[Event] = []
    for event in ws.connect(poll=0, ping_rate=0, open_timeout=open_timeout):
        events.append(event)
        if isinstance(event, Ready):
            ws.send_text("hello")
    return events


SUCCESS = ["connecting", "connected", "ready", "text", "closing", "disconnected"]


def failure(events: list[Event]) -> str:
    """Return why no connection could be had: the reason of the only event behind Connecting."""
    assert names(events) == ["connecting", "connect_fail"]
    last = events[-1]
    assert isinstance(last, ConnectFail)
    return last.reason


# Addresses


def addresses(*found: tuple[str, int]) -> Callable[..., list[object]]:
    """Return a getaddrinfo that finds these."""

    def getaddrinfo(_host: str, _port: int, **_options: object) -> list[object]:
        return [
            (socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, 6, "", where)
            for where in found
            for host in where[:1]
        ]

    return getaddrinfo


def unused_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port


@pytest.mark.rfc("RFC6455-4.1-02")
def test_every_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one that answers is taken."""
    with scripted_server(talk) as url:
        ws = WebSocket(url)
        dead = ("127.0.0.1", unused_port())
        monkeypatch.setattr(
            socket, "getaddrinfo", addresses(dead, dead, ("127.0.0.1", ws.port), dead)
        )
        assert names(conversation(ws)) == SUCCESS


def test_ipv6_literals_are_connected_to() -> None:
    """Without brackets, that is."""
    with scripted_server(talk, family=socket.AF_INET6) as url:
        assert "[::1]" in url
        assert names(conversation(WebSocket(url))) == SUCCESS


@pytest.mark.rfc("RFC6455-4.1-11")
def test_the_reason_names_every_address_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what was wrong with it."""
    port = unused_port()
    monkeypatch.setattr(socket, "getaddrinfo", addresses(("127.0.0.1", port), ("127.0.0.2", port)))
    ws = WebSocket(f"ws://somewhere.example:{port}")
    reason = failure(list(ws))
    assert "127.0.0.1" in reason
    assert "127.0.0.2" in reason
    assert reason.count("refused") == 2
    assert "somewhere.example" in reason
    assert ws.is_closed


def test_a_name_that_does_not_resolve_is_a_connect_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what the resolver said."""

    def getaddrinfo(*_: object, **__: object) -> object:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    reason = failure(list(WebSocket("ws://nowhere.example")))
    assert "nowhere.example" in reason
    assert "Name or service not known" in reason


# Time limits


@contextmanager
def silent_server(*, backlog_is_full: bool = False) -> Generator[int, None, None]:
    """Listen, and never accept."""
    with socket.socket() as listener, socket.socket() as filler, socket.socket() as more:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0 if backlog_is_full else 10)
        if backlog_is_full:
            for sock in (filler, more):
                sock.setblocking(False)
                sock.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_a_connection_that_is_not_answered_times_out() -> None:
    """open_timeout covers connecting."""
    with silent_server(backlog_is_full=True) as port:
        reason = failure(list(WebSocket(f"ws://127.0.0.1:{port}").connect(open_timeout=0.1)))
    assert "no connection within 0.1 s" in reason


def test_an_address_that_does_not_answer_leaves_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The time is shared out among them."""
    with silent_server(backlog_is_full=True) as port, scripted_server(talk) as url:
        ws = WebSocket(url)
        found = addresses(("127.0.0.1", port), ("127.0.0.1", ws.port))
        monkeypatch.setattr(socket, "getaddrinfo", found)
        assert names(conversation(ws, open_timeout=2.0)) == SUCCESS


def test_a_handshake_that_is_not_answered_times_out() -> None:
    """open_timeout covers it too; TCP was there, so the connection is Disconnected."""
    with silent_server() as port:
        events = list(WebSocket(f"ws://127.0.0.1:{port}").connect(open_timeout=0.1))
    assert names(events) == ["connecting", "connected", "disconnected"]
    last = events[-1]
    assert isinstance(last, Disconnected)
    assert "took too long" in last.reason


def test_a_tls_handshake_that_is_not_answered_times_out() -> None:
    """open_timeout covers TLS."""
    with silent_server() as port:
        reason = failure(list(WebSocket(f"wss://127.0.0.1:{port}").connect(open_timeout=0.1)))
    assert "no connection within 0.1 s" in reason
    assert "TLS" in reason


def test_a_proxy_that_is_not_answering_times_out() -> None:
    """open_timeout covers the proxy, and a proxy that drips bytes does not extend it."""
    gone = threading.Event()

    def drip(peer: Peer) -> None:
        peer.head()
        try:
            for _ in range(1000):
                peer.send(b"H")
                if gone.wait(0.01):
                    return
        except OSError:
            pass

    with scripted_server(drip) as url:
        proxies = {"http": url.replace("ws:", "http:")}
        ws = WebSocket("ws://example.com", proxies=proxies)
        reason = failure(list(ws.connect(open_timeout=0.15)))
        gone.set()
    assert "no connection within 0.15 s" in reason


def test_connecting_can_be_given_up_from_another_thread() -> None:
    """force_disconnect while the server does not answer."""
    with silent_server() as port:
        ws = WebSocket(f"wss://127.0.0.1:{port}")
        events = iter(ws)
        next(events)
        timer = threading.Timer(0.05, ws.force_disconnect)
        timer.start()
        (last,) = events
        timer.join()
    assert last == ConnectFail("disconnected by the application")


# TLS


class Authority(NamedTuple):
    """A certificate authority of the test's own."""

    ca: trustme.CA
    cafile: str

    def context(self, *names: str) -> ssl.SSLContext:
        """Return the TLS context of a server called *names*."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with self.ca.issue_cert(*names).private_key_and_cert_chain_pem.tempfile() as path:
            context.load_cert_chain(path)
        return context


@pytest.fixture(name="authority", scope="module")
def _authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    ca = trustme.CA()
    cafile = tmp_path_factory.mktemp("tls") / "ca.pem"
    ca.cert_pem.write_to_path(str(cafile))
    return Authority(ca, str(cafile))


@pytest.mark.rfc("RFC6455-10.6-01")
@pytest.mark.rfc("RFC6455-4.1-12", "RFC6455-4.1-14", "RFC6455-4.1-15")
def test_wss_is_verified_and_sends_the_servers_name(authority: Authority) -> None:
    """With the authorities of ssl_cafile."""
    context = authority.context("localhost")
    seen: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: seen.append(name)
    with scripted_server(talk, context=context) as url:
        ws = WebSocket(url, ssl_cafile=authority.cafile)
        assert names(conversation(ws)) == SUCCESS
    assert seen == ["localhost"]


def test_an_ssl_context_of_ones_own_is_used_as_it_is(authority: Authority) -> None:
    """Its authorities count, and it is not changed."""
    mine = ssl.create_default_context()
    mine.load_verify_locations(authority.cafile)
    before = mine.minimum_version, mine.verify_mode, mine.options
    with scripted_server(talk, context=authority.context("localhost")) as url:
        assert names(conversation(WebSocket(url, ssl_context=mine))) == SUCCESS
    assert (mine.minimum_version, mine.verify_mode, mine.options) == before
    assert create_ssl_context(ssl_context=mine) is mine


@pytest.mark.rfc("RFC6455-4.1-13")
def test_a_certificate_that_nobody_vouches_for_is_a_connect_fail(authority: Authority) -> None:
    """The reason says so; ssl_verify=False accepts it."""
    with scripted_server(talk, talk, context=authority.context("localhost")) as url:
        reason = failure(conversation(WebSocket(url)))
        assert "certificate verify failed" in reason
        assert names(conversation(WebSocket(url, ssl_verify=False))) == SUCCESS


@pytest.mark.rfc("RFC6455-4.1-13")
def test_a_certificate_for_another_name_is_a_connect_fail(authority: Authority) -> None:
    """Although its authority is trusted."""
    with scripted_server(talk, context=authority.context("other.example")) as url:
        reason = failure(conversation(WebSocket(url, ssl_cafile=authority.cafile)))
    assert "other" in reason or "localhost" in reason


@pytest.mark.rfc("RFC6455-10.6-03")
def test_tls_before_version_1_2_is_not_spoken(authority: Authority) -> None:
    """Our own contexts require it."""
    assert create_ssl_context().minimum_version is ssl.TLSVersion.TLSv1_2
    assert create_ssl_context(False).minimum_version is ssl.TLSVersion.TLSv1_2
    assert create_ssl_context(True, authority.cafile).verify_mode is ssl.CERT_REQUIRED


def test_a_server_without_tls_is_a_connect_fail() -> None:
    """The reason names TLS."""

    def script(peer: Peer) -> None:
        peer.sock.recv(10000)
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        peer.end()

    with scripted_server(script) as url:
        reason = failure(list(WebSocket(url.replace("ws:", "wss:"))))
    assert reason.startswith("TLS with '127.0.0.1' failed; ")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_many_messages_in_one_tls_record_and_one_in_many(
    authority: Authority, version: ssl.TLSVersion
) -> None:
    """Nothing stays behind in TLS when there is nothing more on the wire."""
    context = authority.context("localhost")
    context.maximum_version = version

    def script(peer: Peer) -> None:
        peer.accept(behind=frame(0x81, b"x") * 3000)
        assert peer.frame() == (0x82, b"a" * 3_000_000)
        peer.send(frame(0x81, b"y" * 100_000))
        for byte in frame(0x81, b"byte by byte"):
            peer.send(bytes([byte]))
        assert peer.frame() == (0x88, b"\x03\xe8")
        peer.send(CLOSE_1000)

    texts: list[str] = []
    last: Event | None = None
    with scripted_server(script, context=context, receive_buffer=4096) as url:
        ws = WebSocket(url, ssl_cafile=authority.cafile)
        for event in quiet(ws):
            if isinstance(event, Text):
                texts.append(event.text)
                if len(texts) == 3000:
                    ws.send_binary(b"a" * 3_000_000)
                if len(texts) == 3002:
                    ws.close(1000, "")
            last = event
    assert texts == ["x"] * 3000 + ["y" * 100_000, "byte by byte"]
    assert last == Disconnected("closed", True, 1000)


def test_both_sides_may_send_more_than_the_buffers_hold_with_tls(authority: Authority) -> None:
    """While our message cannot be written, the server's is read."""
    ours, theirs = b"a" * 6_000_000, b"b" * 6_000_000

    def script(peer: Peer) -> None:
        peer.accept()
        peer.send_frame(0x82, theirs)
        assert peer.frame() == (0x82, ours)
        peer.send(CLOSE_1000)
        peer.message()

    with scripted_server(
        script, context=authority.context("localhost"), receive_buffer=4096
    ) as url:
        ws = WebSocket(url, ssl_cafile=authority.cafile)
        seen: list[str] = []
        for event in quiet(ws):
            seen.append(event.name)
            if isinstance(event, Ready):
                ws.send_binary(ours)
    assert seen[2:] == ["ready", "binary", "closing", "disconnected"]


# One at a time


@pytest.mark.rfc("RFC6455-4.1-04", "RFC6455-4.1-05")
def test_one_connection_to_an_address_is_opened_at_a_time() -> None:
    """The second is only begun when the first has opened, even under another name."""
    order: list[str] = []
    first_waits = threading.Event()

    def first(peer: Peer) -> None:
        head = peer.head()
        first_waits.set()
        listening = peer.sock
        listening.settimeout(0.2)
        with pytest.raises(TimeoutError):  # time enough for a second one that does not wait
            listening.recv(1)
        order.append("first answered")
        listening.settimeout(10)
        peer.send(response_to(head) + CLOSE_1000)
        peer.message()

    def second(peer: Peer) -> None:
        order.append("second began")
        peer.accept(behind=CLOSE_1000)
        peer.message()

    def connect_second(url: str) -> None:
        assert first_waits.wait(10)
        order.append("second wants to")
        results.append(names(list(WebSocket(url.replace("127.0.0.1", "localhost")))))

    results: list[list[str]] = []
    with scripted_server(first, second) as url:
        worker = threading.Thread(target=connect_second, args=(url,))
        worker.start()
        results.append(names(list(WebSocket(url))))
        worker.join(10)
    assert order == ["second wants to", "first answered", "second began"]
    assert results == [["connecting", "connected", "ready", "closing", "disconnected"]] * 2


@pytest.mark.rfc("RFC6455-4.1-05")
def test_waiting_for_ones_turn_is_limited() -> None:
    """open_timeout covers it; and who has failed is out of the way."""
    with silent_server() as port:
        url = f"ws://127.0.0.1:{port}"
        began = threading.Event()
        results: list[list[Event]] = []

        def connect_first() -> None:
            for event in WebSocket(url).connect(open_timeout=5.0):
                if isinstance(event, Connected):
                    began.set()
                    assert ended.wait(10)
                    break

        ended = threading.Event()
        worker = threading.Thread(target=connect_first)
        worker.start()
        assert began.wait(10)
        results.append(list(WebSocket(url).connect(open_timeout=0.1)))
        ended.set()
        worker.join()
        results.append(list(WebSocket(url).connect(open_timeout=0.1)))
    assert "being opened" in failure(results[0]) or "timed out" in failure(results[0])
    assert names(results[1]) == ["connecting", "connected", "disconnected"]


@pytest.mark.rfc("RFC6455-4.1-06")
def test_behind_a_proxy_every_name_is_a_host_of_its_own() -> None:
    """Where the proxy resolves names: the same name has to wait, another one has not."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(10)
        proxies = {"http": f"http://127.0.0.1:{proxy.getsockname()[1]}"}

        def attempt(url: str, seconds: float) -> str:
            return failure(list(WebSocket(url, proxies=proxies).connect(open_timeout=seconds)))

        worker = threading.Thread(target=attempt, args=("ws://a.example/", 1.0))
        worker.start()
        first, _address = proxy.accept()  # and never answers
        with first:
            assert "being opened" in attempt("ws://a.example/other", 0.1)
            proxy.settimeout(0.1)
            with pytest.raises(TimeoutError):
                proxy.accept()
            assert "being opened" not in attempt("ws://b.example/", 0.1)
            proxy.accept()[0].close()
            worker.join()


def test_a_thread_does_not_wait_for_itself() -> None:
    """Whoever iterates over several WebSockets by turns may have them all connecting."""
    with scripted_server(talk, talk) as url:
        both = [WebSocket(url), WebSocket(url)]
        generators = [quiet(ws) for ws in both]
        for _ in range(2):  # Connecting, Connected
            for events in generators:
                next(events)
        for ws, events in zip(both, generators, strict=True):
            take_until(events, Ready)
            ws.send_text("hello")
            assert names(list(events)) == ["text", "closing", "disconnected"]


# Proxies


@contextmanager
def proxy_process(directory: Path, *options: str) -> Generator[int, None, None]:
    """Run a proxy; give its port."""
    port_file = directory / "port"
    command = [sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", "0"]
    command += ["--port-file", str(port_file), "--log-level", "CRITICAL"]
    command += ["--num-workers", "1", "--num-acceptors", "1", *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 30
            while not (port_file.exists() and port_file.read_text().strip()):
                assert process.poll() is None, "the proxy does not run"
                assert time.monotonic() < deadline, "the proxy does not listen"
                time.sleep(0.02)
            yield int(port_file.read_text())
        finally:
            process.terminate()


@pytest.fixture(name="http_proxy", scope="module")
def _http_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with proxy_process(tmp_path_factory.mktemp("http"), "--basic-auth", "us@er:pa:ss") as port:
        yield port


@pytest.fixture(name="https_proxy", scope="module")
def _https_proxy(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[int]:
    directory = tmp_path_factory.mktemp("https")
    certificate = authority.ca.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(str(directory / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(directory / "cert.pem"))
    options = "--key-file", str(directory / "key.pem"), "--cert-file", str(directory / "cert.pem")
    with proxy_process(directory, *options) as port:
        yield port


@pytest.mark.rfc("RFC6455-4.1-08")
def test_ws_and_wss_go_through_a_http_proxy(http_proxy: int, authority: Authority) -> None:
    """With credentials, percent-encoded in the URL; Connected shows the proxy, not the password."""
    proxy = f"http://us%40er:pa%3Ass@127.0.0.1:{http_proxy}"
    proxies = {"http": proxy, "https": proxy}
    for context in (None, authority.context("localhost")):
        with scripted_server(talk, context=context) as url:
            ws = WebSocket(url, proxies=proxies, ssl_cafile=authority.cafile)
            events = conversation(ws)
        assert names(events) == SUCCESS
        assert events[1] == Connected(url, f"http://us%40er:***@127.0.0.1:{http_proxy}")


def test_wrong_credentials_are_reported_as_such(http_proxy: int) -> None:
    """407, with and without."""
    for userinfo in ("", "us%40er:wrong@"):
        proxies = {"http": f"http://{userinfo}127.0.0.1:{http_proxy}"}
        reason = failure(list(WebSocket("ws://127.0.0.1:9", proxies=proxies)))
        assert "407" in reason
        assert "wrong" not in reason


@pytest.mark.rfc("RFC6455-4.1-14")
def test_ws_and_wss_go_through_a_https_proxy(https_proxy: int, authority: Authority) -> None:
    """Wss is TLS within TLS."""
    proxy = f"https://localhost:{https_proxy}"
    proxies = {"http": proxy, "https": proxy}
    for context in (None, authority.context("localhost")):
        with scripted_server(talk, context=context) as url:
            ws = WebSocket(url, proxies=proxies, ssl_cafile=authority.cafile)
            events = conversation(ws)
        assert names(events) == SUCCESS
        assert events[1] == Connected(url, proxy)


def test_large_messages_go_through_tls_within_tls(https_proxy: int, authority: Authority) -> None:
    """Both ways at the same time."""
    ours, theirs = b"a" * 3_000_000, b"b" * 3_000_000

    def script(peer: Peer) -> None:
        peer.accept()
        peer.send_frame(0x82, theirs)
        assert peer.frame() == (0x82, ours)
        peer.send(CLOSE_1000)
        peer.message()

    with scripted_server(script, context=authority.context("localhost")) as url:
        proxies = {"https": f"https://localhost:{https_proxy}"}
        ws = WebSocket(url, proxies=proxies, ssl_cafile=authority.cafile)
        seen: list[str] = []
        for event in quiet(ws):
            seen.append(event.name)
            if isinstance(event, Ready):
                ws.send_binary(ours)
    assert seen[2:] == ["ready", "binary", "closing", "disconnected"]


def test_a_https_proxy_is_verified(https_proxy: int) -> None:
    """Its certificate counts as much as the server's."""
    proxies = {"http": f"https://localhost:{https_proxy}"}
    reason = failure(list(WebSocket("ws://127.0.0.1:9", proxies=proxies)))
    assert "proxy" in reason
    assert "certificate verify failed" in reason


def test_the_environment_names_the_proxy(http_proxy: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless no_proxy says otherwise."""
    monkeypatch.setenv("http_proxy", f"http://us%40er:pa%3Ass@127.0.0.1:{http_proxy}")
    with scripted_server(talk, talk) as url:
        connected = take_until(iter(conversation(WebSocket(url))), Connected)
        assert connected.proxy == f"http://us%40er:***@127.0.0.1:{http_proxy}"
        monkeypatch.setenv("no_proxy", "127.0.0.0/8")
        connected = take_until(iter(conversation(WebSocket(url))), Connected)
        assert connected.proxy is None


def test_a_proxy_from_the_environment_that_makes_no_sense_is_a_connect_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not the program's mistake."""
    monkeypatch.setenv("http_proxy", "socks5://localhost")
    assert "socks5" in failure(list(WebSocket("ws://127.0.0.1:9")))


def test_a_slow_proxy_whose_tunnel_begins_in_the_same_segment() -> None:
    """The answer byte by byte, then the last byte of it together with the server's bytes."""

    def script(peer: Peer) -> None:
        assert peer.head().startswith(b"CONNECT example.com:80 HTTP/1.1\r\n")
        answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n"
        for byte in answer[:-1]:
            peer.send(bytes([byte]))
        peer.send(answer[-1:])
        peer.accept(behind=frame(0x81, b"1") + CLOSE_1000)
        peer.message()

    with scripted_server(script) as url:
        proxies = {"http": url.replace("ws:", "http:")}
        events = list(quiet(WebSocket("ws://example.com", proxies=proxies)))
    assert names(events) == ["connecting", "connected", "ready", "text", "closing", "disconnected"]


def test_bytes_behind_the_proxys_answer_belong_to_the_tunnel(authority: Authority) -> None:
    """Even if the server speaks first, and whatever layer comes next."""

    def script(peer: Peer) -> None:
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 403 Too early\r\n\r\n")
        peer.end()

    with scripted_server(script) as url:
        proxies = {"http": url.replace("ws:", "http:")}
        events = list(quiet(WebSocket("ws://example.com", proxies=proxies)))
    assert names(events) == ["connecting", "connected", "rejected", "disconnected"]

    with scripted_server(script) as url:
        proxies = {"https": url.replace("ws:", "http:")}
        ws = WebSocket("wss://example.com", proxies=proxies, ssl_cafile=authority.cafile)
        assert "TLS" in failure(list(ws))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\nsorry", "502 Bad Gateway"),
        (b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsorry\r\n0\r\n\r\n", "503"),
        (b"", "closed the connection"),
        (b"HTTP/1.1 200 O", "closed the connection after b'HTTP/1.1 200 O'"),
        (b"nonsense\r\n\r\n", "no HTTP"),
    ],
)
def test_a_proxy_that_refuses_is_a_connect_fail(answer: bytes, said: str) -> None:
    """The reason is what it said."""

    def script(peer: Peer) -> None:
        peer.head()
        peer.send(answer)

    with scripted_server(script) as url:
        proxies = {"http": url.replace("ws:", "http:")}
        assert said in failure(list(WebSocket("ws://example.com", proxies=proxies)))


def test_a_proxy_that_is_not_there_is_a_connect_fail() -> None:
    """The reason says that it was the proxy."""
    proxies = {"http": f"http://127.0.0.1:{unused_port()}"}
    reason = failure(list(WebSocket("ws://example.com", proxies=proxies)))
    assert "unable to connect to proxy" in reason
