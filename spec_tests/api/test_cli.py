"""The command line, as a user runs it: in a process of its own."""

from __future__ import annotations

import io
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spec_tests.api.aio_peers import Certificates, run, take_until
from wsref import __version__
from wsref.aio import connect
from wsref.cli import main
from wsref.events import Closing, Disconnected, Ready, Text

ROOT = Path(__file__).parents[2]


@contextmanager
def wsref(*arguments: str) -> Generator[subprocess.Popen[str], None, None]:
    """Run ``python -m wsref`` with arguments; end it with the block at the latest."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "wsref", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    """Read the first line that a process prints."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_serve_prints_its_url_and_ends_gracefully(number: signal.Signals) -> None:
    """A client is told 1001 when a signal ends the server, whose exit status is 0."""

    async def visit(url: str, process: subprocess.Popen[str]) -> None:
        async with connect(url, proxies={}, compress=True, poll=None, ping_rate=None) as ws:
            await take_until(ws, Ready)
            assert ws.supports_compression
            await ws.send_text("hello")
            assert await take_until(ws, Text) == Text("hello")
            process.send_signal(number)
            assert (await take_until(ws, Closing)).code == 1001
            assert (await take_until(ws, Disconnected)).graceful

    with wsref("serve", "--port", "0") as process:
        url = first_line(process)
        assert url.startswith("ws://127.0.0.1:")
        run(visit(url, process))
        assert process.wait(10) == 0
        assert process.communicate() == ("", "")


def test_serve_can_decline_compression() -> None:
    """--no-compress."""

    async def visit(url: str) -> bool:
        async with connect(url, proxies={}, compress=True) as ws:
            await take_until(ws, Ready)
            return ws.supports_compression

    with wsref("serve", "--port", "0", "--no-compress") as process:
        assert run(visit(first_line(process))) is False


def test_serve_speaks_tls(tmp_path: Path) -> None:
    """With --certfile and --keyfile the URL is wss://."""
    certificates = Certificates()
    certificate = certificates.authority.issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "chain.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")

    async def visit(url: str, context: ssl.SSLContext) -> None:
        async with connect(url, proxies={}, ssl_context=context) as ws:
            await take_until(ws, Ready)
            await ws.send_text("secret")
            assert await take_until(ws, Text) == Text("secret")

    arguments = ["--certfile", str(tmp_path / "chain.pem"), "--keyfile", str(tmp_path / "key.pem")]
    with wsref("serve", "--host", "localhost", "--port", "0", *arguments) as process:
        url = first_line(process)
        assert url.startswith("wss://localhost:")
        run(visit(url, certificates.client_context()))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "COMMAND"),
        (["fly"], "fly"),
        (["serve", "--port", "http"], "'http' is not a port number"),
        (["serve", "--port", "65536"], "'65536' is not a port number"),
        (["serve", "--port", "-1"], "'-1' is not a port number"),
        (["serve", "--certfile", "/no/such/file"], "--certfile /no/such/file"),
        (["serve", "--keyfile", "key.pem"], "--keyfile needs --certfile"),
        (["serve", "--host", "host.invalid"], "host.invalid"),
        (["explain", "xyz"], "not hexadecimal"),
        (["demo", "--color", "green"], "green"),
    ],
)
def test_mistakes_are_one_line_and_exit_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error, with the command's name in front."""
    try:
        status: object = main(arguments)
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    assert status == 2
    assert out == ""
    assert err.startswith("wsref")
    assert err.count("\n") == 1
    assert said in err


def test_port_in_use_is_one_line_and_exit_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    """Two servers cannot listen on one port."""
    with wsref("serve", "--port", "0") as process:
        port = first_line(process).rstrip("/").rsplit(":", 1)[1]
        assert main(["serve", "--port", port]) == 2
        assert "in use" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """--version prints it."""
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"wsref {__version__}\n"


def test_demo_is_plain_when_piped() -> None:
    """It succeeds, in UTF-8, without escape sequences."""
    with wsref("demo") as process:
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0
        assert err == ""
        assert out.endswith("Everything came back as it was sent.\n")
        assert "\x1b" not in out


def test_demo_in_colour(capsys: pytest.CaptureFixture[str]) -> None:
    """--color always."""
    assert main(["demo", "--no-compress", "--color", "always"]) == 0
    assert "\x1b[" in capsys.readouterr().out


def test_output_may_be_cut_off() -> None:
    """A reader that has seen enough causes no traceback."""
    with wsref("demo") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) in (0, 1)
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("arguments", "stdin", "shown"),
    [
        (["818537fa213d7f9f4d5158"], "", "unmasked     Hello"),
        (["81", "05", "48:65:6c", "6c6f"], "", "0: not masked: a server's frame"),
        ([], "81 05 48\n65 6c 6c 6f\n", "payload      Hello"),
        (["--from", "client", "810548656c6c6f"], "", "a frame from a client is not masked"),
        ([b"HTTP/1.1 101 Yes\r\nUpgrade: x\r\n\r\n".hex()], "", "handshake, response"),
        ([b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".hex()], "", "handshake, request"),
    ],
)
def test_explain_reads_hexadecimal(
    arguments: list[str],
    stdin: str,
    shown: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the arguments or from standard input; who sent it is told from the bytes."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
    assert main(["explain", *arguments]) == 0
    assert shown in capsys.readouterr().out
