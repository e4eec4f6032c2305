"""The ways to a server: credentials and headers, another address, TLS, proxies."""

from __future__ import annotations

import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme

from spec_tests.check.faulty.server import EchoServer, Refused, Request, serving
from wsref.cli import main
from wsref.serve import running_echo_server

#: A few cases are enough to see whether a server is reached as it wants to be.
FEW = ("--phases", "fixed", "-i", "5.5.2")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run ``wsref check``; return its exit status and all that it wrote."""
    capsys.readouterr()
    status = main(["check", *FEW, *arguments])
    output = capsys.readouterr()
    return status, output.out + output.err


# What is sent along


class Demanding(EchoServer):
    """Refuses requests that lack one of some fields."""

    wanted: dict[str, str]

    def __init__(self, **wanted: str) -> None:
        self.wanted = {name.replace("_", "-").lower(): value for name, value in wanted.items()}

    def check_request(self, request: Request) -> None:
        """Want the fields, too."""
        super().check_request(request)
        got = {name.lower(): value for name, value in request.fields}
        for name, value in self.wanted.items():
            if got.get(name) != value:
                raise Refused(403, f"{name} is {got.get(name)!r}")


BASIC = "Basic " + b64encode(b"aladdin:open sesame").decode()


@pytest.mark.parametrize(
    ("wanted", "arguments"),
    [
        ({"X_Token": "s e s"}, ("-H", "X-Token: s e s")),
        ({"X_One": "1", "X_Two": "2"}, ("-H", "X-One: 1", "-H", "X-Two:2")),
        ({"User_Agent": "mine"}, ("-H", "User-Agent: mine")),
        ({"Origin": "https://shop.example"}, ("--origin", "https://shop.example")),
        ({"Sec_WebSocket_Protocol": "a.b, c"}, ("--subprotocol", "a.b", "--subprotocol", "c")),
    ],
)
def test_header_fields_are_sent_along(
    capsys: pytest.CaptureFixture[str], wanted: dict[str, str], arguments: tuple[str, ...]
) -> None:
    """A server that insists on them can be checked with them, and not without."""
    with serving(Demanding(**wanted)) as url:
        assert run(capsys, url, *arguments)[0] == 0
        status, output = run(capsys, url)
    assert status == 3
    assert "403" in output


def test_userinfo_becomes_basic_credentials(capsys: pytest.CaptureFixture[str]) -> None:
    """Decoded first; an Authorization that is given goes before it."""
    with serving(Demanding(Authorization=BASIC)) as url:
        _scheme, _slashes, rest = url.partition("://")
        assert run(capsys, f"ws://aladdin:open%20sesame@{rest}")[0] == 0
        status, output = run(capsys, f"ws://aladdin:wrong@{rest}")
        assert status == 3
        assert "wrong" not in output
        assert run(capsys, f"ws://x:y@{rest}", "-H", f"Authorization: {BASIC}")[0] == 0


def test_another_address_than_that_of_the_url(capsys: pytest.CaptureFixture[str]) -> None:
    """DNS is not asked; Host and target are those of the URL."""
    with serving(Demanding(Host="nowhere.invalid:81")) as url:
        address = url.removeprefix("ws://").rstrip("/")
        assert run(capsys, "ws://nowhere.invalid:81/a?b", "--connect", address)[0] == 0
        assert run(capsys, url)[0] == 3


# TLS


class Authority:
    """A certificate authority, with files."""

    def __init__(self, directory: Path) -> None:
        self._authority = trustme.CA()
        self._directory = directory
        self.file = str(directory / "authority.pem")
        self._authority.cert_pem.write_to_path(self.file)

    def issue(self, name: str) -> str:
        """Issue a certificate; return the file that it and its key are in."""
        file = self._directory / f"{name}.pem"
        certificate = self._authority.issue_cert(name)
        certificate.private_key_and_cert_chain_pem.write_to_path(file)
        return str(file)

    def context(self, name: str) -> ssl.SSLContext:
        """Return what a server of this name needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.issue(name))
        context.load_verify_locations(self.file)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Somebody to issue certificates."""
    return Authority(tmp_path)


def test_a_certificate_is_verified(
    capsys: pytest.CaptureFixture[str], authority: Authority
) -> None:
    """By the authority that is given; with ``--insecure`` it is not."""
    with running_echo_server(ssl=authority.context("127.0.0.1")) as url:
        assert url.startswith("wss://")
        status, output = run(capsys, url)
        assert status == 3
        assert "certificate verify failed" in output
        assert run(capsys, url, "--cacert", authority.file)[0] == 0
        assert run(capsys, url, "-k")[0] == 0
        assert run(capsys, url, "--insecure")[0] == 0


def test_the_name_for_tls_may_be_another(
    capsys: pytest.CaptureFixture[str], authority: Authority
) -> None:
    """It is what the server is asked for (SNI), and what its certificate has to be for."""
    asked: list[str | None] = []

    def note(_sock: ssl.SSLObject | ssl.SSLSocket, name: str | None, _context: object) -> None:
        asked.append(name)

    context = authority.context("shop.example")
    context.sni_callback = note
    with running_echo_server(ssl=context) as url:
        given = ("--cacert", authority.file)
        status, output = run(capsys, url, *given)
        assert status == 3
        assert "certificate verify failed" in output
        asked.clear()
        assert run(capsys, url, *given, "--sni", "shop.example")[0] == 0
        assert set(asked) == {"shop.example"}
        address = url.removeprefix("wss://").rstrip("/")
        assert run(capsys, "wss://shop.example/", *given, "--connect", address)[0] == 0


def test_a_client_certificate(capsys: pytest.CaptureFixture[str], authority: Authority) -> None:
    """A server that wants one is checked with it, its key in the same file or in another."""
    context = authority.context("127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    whole = authority.issue("client.example")
    key, _begin, certificate = Path(whole).read_text(encoding="ascii").partition("-----BEGIN CERT")
    parts = {"key.pem": key, "cert.pem": "-----BEGIN CERT" + certificate}
    for name, content in parts.items():
        Path(whole).with_name(name).write_text(content, encoding="ascii")
    cert_file, key_file = (str(Path(whole).with_name(name)) for name in ("cert.pem", "key.pem"))
    with running_echo_server(ssl=context) as url:
        given = (url, "--cacert", authority.file)
        assert run(capsys, *given)[0] == 3
        assert run(capsys, *given, "--client-cert", whole)[0] == 0
        separate = ("--client-cert", cert_file, "--client-key", key_file)
        assert run(capsys, *given, *separate)[0] == 0


# Proxies


@contextmanager
def proxy(credentials: str = "") -> Generator[tuple[str, list[bytes]], None, None]:
    """Run an HTTP proxy that knows CONNECT; give its address and the requests it gets."""
    requests: list[bytes] = []

    def pass_on(source: socket.socket, drain: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                drain.sendall(data)
            drain.shutdown(socket.SHUT_WR)

    def serve(client: socket.socket) -> None:
        with client:
            request = b""
            while b"\r\n\r\n" not in request:
                request += client.recv(65536)
            requests.append(request)
            wanted = b64encode(credentials.encode())
            if credentials and b"Proxy-Authorization: Basic " + wanted not in request:
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
                return
            host, _colon, port = request.split()[1].decode().rpartition(":")
            with socket.create_connection((host, int(port))) as server:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=pass_on, args=(server, client), daemon=True)
                back.start()
                pass_on(client, server)
                back.join()

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _address = listener.accept()
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}", requests
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def test_a_server_behind_a_proxy(capsys: pytest.CaptureFixture[str], authority: Authority) -> None:
    """It is asked for a tunnel for ``ws`` and ``wss`` alike, and nothing else goes another way."""
    with proxy() as (address, requests), serving(EchoServer) as url:
        assert run(capsys, url, "--proxy", f"http://{address}")[0] == 0
        port = url.rstrip("/").rpartition(":")[2]
        assert {request.split()[1] for request in requests} == {f"127.0.0.1:{port}".encode()}
        requests.clear()
        with running_echo_server(ssl=authority.context("127.0.0.1")) as secure:
            given = ("--cacert", authority.file, "--proxy", f"http://{address}")
            assert run(capsys, secure, *given)[0] == 0
        assert requests


def test_the_proxy_of_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is used, unless the user wants none."""
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with proxy() as (address, requests), serving(EchoServer) as url:
        monkeypatch.setenv("http_proxy", f"http://{address}")
        assert run(capsys, url)[0] == 0
        assert requests
        requests.clear()
        assert run(capsys, url, "--proxy", "none")[0] == 0
        assert not requests


def test_a_proxy_that_wants_credentials(capsys: pytest.CaptureFixture[str]) -> None:
    """They are in its URL, and in no output."""
    with proxy("aladdin:sesame") as (address, _requests), serving(EchoServer) as url:
        assert run(capsys, url, "--proxy", f"http://aladdin:sesame@{address}")[0] == 0
        status, output = run(capsys, url, "--proxy", f"http://aladdin:wrong@{address}")
    assert status == 3
    assert "407" in output
    assert address in output
    assert "wrong" not in output


def test_a_proxy_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    """The check ends with status 3, and says where it got stuck."""
    with serving(EchoServer) as url:
        status, output = run(capsys, url, "--proxy", "http://127.0.0.1:1")
    assert status == 3
    assert "127.0.0.1 port 1" in output
