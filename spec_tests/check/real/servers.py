"""Well-known servers, and how to run each as an echo server on a port of loopback."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, NamedTuple

__all__ = [
    "EXTRA",
    "SERVERS",
    "NotInstalled",
    "Server",
    "ServerTrouble",
    "python_server",
    "running",
    "serving",
]

#: What is needed for all the servers in Python.
EXTRA: Final = 'pip install "wsref[servers]"'

_PROGRAMS: Final = Path(__file__).with_name("programs")
_PACKAGE: Final = "spec_tests.check.real.programs"
_ROOT: Final = Path(__file__).resolve().parents[3]

#: How long a server may take to listen, and to end, in seconds.
_START: Final = 20.0
_END: Final = 3.0


class NotInstalled(Exception):
    """A server cannot be run here; the message says what to do about it."""


class ServerTrouble(Exception):
    """A server did not start; the message shows what it said."""


class Server(NamedTuple):
    """A server.

    Attributes:
        name: what it is called here.
        about: what it is, and how it is set, in a few words.
        packages: the distributions in Python whose versions matter, the server's own first.
        versions: returns what runs, such as ``websockets 15.0``.
        start: runs it on a port while the context lasts.
    """

    name: str
    about: str
    packages: tuple[str, ...]
    versions: Callable[[], str]
    start: Callable[[int], AbstractContextManager[None]]


@contextmanager
def serving(server: Server) -> Generator[str]:
    """Run a server and yield its URL.

    Raises:
        NotInstalled: it is not there.
        ServerTrouble: it does not listen in time.
    """
    server.versions()
    port = _free_port()
    with server.start(port):
        yield f"ws://127.0.0.1:{port}/"


# Servers in Python


def python_server(
    name: str, about: str, packages: Sequence[str], module: str, *more: str
) -> Server:
    """Return a server that one of our programs in Python runs.

    Args:
        name: what it is called here.
        about: what it is, in a few words.
        packages: the distributions whose versions matter.
        module: the program, in ``programs``.
        more: what it gets behind the port.
    """

    @contextmanager
    def start(port: int) -> Generator[None]:
        command = [sys.executable, "-m", f"{_PACKAGE}.{module}", str(port), *more]
        with _process(command, port):
            yield

    def versions() -> str:
        try:
            return ", ".join(f"{package} {version(package)}" for package in packages)
        except PackageNotFoundError:
            raise NotInstalled(f"not installed: {EXTRA}") from None

    return Server(name, about, tuple(packages), versions, start)


# Node


@contextmanager
def _node_modules() -> Generator[Path]:
    """Install ``ws`` where nobody else sees it, and forget it afterwards."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise NotInstalled("not installed: node and npm")
    with tempfile.TemporaryDirectory(prefix="wsref-ws-") as directory:
        command = [npm, "install", "--silent", "--no-audit", "--no-fund", "ws"]
        try:
            subprocess.run(command, cwd=directory, check=True, capture_output=True, timeout=120)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise NotInstalled(f"not installed: npm install ws fails: {error}") from None
        yield Path(directory) / "node_modules"


class _Ws:
    """Servers in Node, which share what npm installs for as long as this program runs."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._modules: Path | None = None

    def modules(self) -> Path:
        """Return the directory that has ``ws`` in it."""
        if self._modules is None:
            import atexit

            self._modules = self._stack.enter_context(_node_modules())
            atexit.register(self._stack.close)
        return self._modules

    def versions(self) -> str:
        """Return the versions of ws and of Node."""
        described = (self.modules() / "ws" / "package.json").read_text(encoding="utf-8")
        found = re.search(r'"version":\s*"([^"]+)"', described)
        return f"ws {found[1] if found else '?'}, Node {_output('node', '--version').lstrip('v')}"

    def server(self, name: str, about: str, *more: str) -> Server:
        """Return a server with these settings."""

        @contextmanager
        def start(port: int) -> Generator[None]:
            command = ["node", str(_PROGRAMS / "ws.cjs"), str(port), *more]
            with _process(command, port, {"NODE_PATH": str(self.modules())}):
                yield

        return Server(name, about, (), self.versions, start)


_WS: Final = _Ws()


# nginx


def _nginx(name: str, about: str, behind: Server) -> Server:
    def versions() -> str:
        if shutil.which("nginx") is None:
            raise NotInstalled("not installed: nginx (in Debian the package nginx-light)")
        own = _output("nginx", "-v").rpartition("/")[2].split()[0]
        return f"nginx {own}, {behind.versions()}"

    @contextmanager
    def start(port: int) -> Generator[None]:
        with tempfile.TemporaryDirectory(prefix="wsref-nginx-") as directory:
            inner = _free_port()
            fields = {"DIRECTORY": directory, "BEHIND": str(inner), "PORT": str(port)}
            settings = (_PROGRAMS / "nginx.conf").read_text(encoding="utf-8")
            settings = re.sub("|".join(fields), lambda field: fields[field[0]], settings)
            file = Path(directory) / "nginx.conf"
            file.write_text(settings, encoding="utf-8")
            command = ["nginx", "-p", directory, "-e", "stderr", "-c", str(file)]
            with behind.start(inner), _process(command, port):
                yield

    return Server(name, about, behind.packages, versions, start)


# Processes

_processes: list[subprocess.Popen[bytes]] = []


def running() -> list[subprocess.Popen[bytes]]:
    """Return the processes of the servers that run now."""
    return _processes.copy()


@contextmanager
def _process(
    command: Sequence[str], port: int, variables: dict[str, str] | None = None
) -> Generator[None]:
    """Run a program until the context ends; it has to listen on *port* before it begins."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            cwd=_ROOT,
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        _processes.append(process)
        try:
            deadline = time.monotonic() + _START
            while not _listens(port):
                if process.poll() is not None or time.monotonic() >= deadline:
                    log.seek(0)
                    said = log.read().decode(errors="replace").strip()[-1000:]
                    raise ServerTrouble(
                        f"{command[0]} does not listen: {said or 'it says nothing'}"
                    )
                time.sleep(0.05)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_END)
            process.kill()
            process.wait()
            _processes.remove(process)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _output(*command: str) -> str:
    done = subprocess.run(
        command, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    return done.stdout.strip()


_ASYNCIO: Final = python_server(
    "websockets-asyncio",
    "websockets, asyncio; compression on, as it is by default",
    ["websockets"],
    "websockets_asyncio",
)

#: All servers, by name.
SERVERS: Final = {
    server.name: server
    for server in (
        _ASYNCIO,
        python_server(
            "websockets-sync",
            "websockets, threads; compression on, as it is by default",
            ["websockets"],
            "websockets_sync",
        ),
        python_server(
            "aiohttp",
            "aiohttp; compression on, as it is by default",
            ["aiohttp"],
            "aiohttp_server",
        ),
        python_server(
            "aiohttp-plain", "aiohttp, compression off", ["aiohttp"], "aiohttp_server", "plain"
        ),
        python_server(
            "tornado",
            "tornado; compression off, as it is by default",
            ["tornado"],
            "tornado_server",
        ),
        python_server(
            "tornado-deflate", "tornado, compression on", ["tornado"], "tornado_server", "deflate"
        ),
        python_server(
            "picows", "picows, its core, which has no compression", ["picows"], "picows_core"
        ),
        python_server(
            "picows-websockets",
            "picows in the place of websockets; compression on, as it is by default",
            ["picows"],
            "picows_websockets",
        ),
        python_server(
            "hypercorn",
            "hypercorn, which uses wsproto",
            ["hypercorn", "wsproto"],
            "hypercorn_server",
        ),
        python_server(
            "uvicorn-wsproto",
            "uvicorn with wsproto",
            ["uvicorn", "wsproto"],
            "uvicorn_server",
            "wsproto",
        ),
        python_server(
            "uvicorn-websockets",
            "uvicorn with websockets, its older implementation",
            ["uvicorn", "websockets"],
            "uvicorn_server",
            "websockets",
        ),
        python_server(
            "uvicorn-sansio",
            "uvicorn with the protocol of websockets alone",
            ["uvicorn", "websockets"],
            "uvicorn_server",
            "websockets-sansio",
        ),
        _WS.server("ws", "ws for Node; compression off, as it is by default"),
        _WS.server("ws-deflate", "ws for Node, compression on", "deflate"),
        _nginx("nginx", "nginx as a proxy in front of websockets-asyncio", _ASYNCIO),
    )
}
