"""A whole run: containers on one side, our processes on the other, and the report.

Both kinds of run split the cases into shards. A shard has a folder, in which the TestSuite's
configuration, its report and the output of both sides end up; a container; and a process of ours.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Final

from .cases import split
from .engine import Engine, EngineError, container
from .image import ensure_image
from .process import Ended, Process, running
from .results import CaseResult, Report, in_order, read_faults, read_shard, write_page

__all__ = ["ENDPOINTS", "run"]

#: What can be put to the test: the blocking client, the asyncio client, the server.
ENDPOINTS: Final = ("client", "aio", "server")

#: How many shards run at once.
SHARDS: Final = 2

#: Seconds that a whole run may take before it is given up.
TIMEOUT: Final = 3600.0

# Seconds within which the TestSuite and our server must come to answer.
_START_TIMEOUT: Final = 60.0

# Our server's statuses when it has been asked to stop: it ended in order, or by the signal.
_STOPPED: Final = frozenset({0, -signal.SIGTERM, 128 + signal.SIGTERM})


def run(
    endpoint: str,
    engine: Engine,
    cases: Sequence[str],
    reports: Path,
    timeout: float = TIMEOUT,
) -> Report:
    """Put *endpoint* through *cases*.

    Args:
        endpoint: One of ``ENDPOINTS``.
        engine: What runs the containers.
        cases: Ids of cases.
        reports: The folder in which ``{endpoint}/index.html`` and all else is left; what an
            earlier run left there is removed.
        timeout: Seconds after which the run is given up: the cases that are then without a
            verdict are missing from the report.

    Returns:
        The report, faults and all.

    Raises:
        EngineError: the image or the containers fail us.
    """
    if endpoint not in ENDPOINTS:
        raise ValueError(f"endpoint: one of {', '.join(ENDPOINTS)} expected, not {endpoint!r}")
    image = ensure_image(engine)
    directory = reports / endpoint
    if directory.exists():
        shutil.rmtree(directory)
    started = time.monotonic()
    begin = _server_shard if endpoint == "server" else _client_shard
    agent = f"wsref-{endpoint}"
    results: list[CaseResult] = []
    errors: list[str] = []
    cpu_seconds = 0.0
    with contextlib.ExitStack() as stack:
        finishers: list[Callable[[float], tuple[Ended, list[str]]]] = []
        folders: list[Path] = []
        for number, part in enumerate(split(cases, SHARDS), 1):
            folder = directory / f"shard-{number}"
            folder.mkdir(parents=True)
            shard = begin(endpoint, engine, image, folder, agent, part)
            finishers.append(stack.enter_context(shard))
            folders.append(folder)
        for finish, folder in zip(finishers, folders, strict=True):
            ended, faults = finish(started + timeout - time.monotonic())
            cpu_seconds += ended.cpu_seconds
            errors += [f"{folder.name}: {fault}" for fault in faults]
            results += read_shard(folder, agent)
    report = Report(
        endpoint,
        tuple(cases),
        in_order(results),
        time.monotonic() - started,
        cpu_seconds,
        tuple(errors),
    )
    write_page(report, directory)
    return report


@contextlib.contextmanager
def _client_shard(
    endpoint: str, engine: Engine, image: str, folder: Path, agent: str, cases: Sequence[str]
) -> Generator[Callable[[float], tuple[Ended, list[str]]]]:
    """Start a fuzzing server and a client of ours; yields what waits for the client's end."""
    log = folder / "client.log"
    library = "asyncio" if endpoint == "aio" else "blocking"
    module = [sys.executable, "-m", "autobahn.endpoints"]
    with (
        _fuzzing_server(engine, image, folder, cases) as url,
        running([*module, library, url, agent, ",".join(cases)], log) as client,
    ):

        def finish(timeout: float) -> tuple[Ended, list[str]]:
            if not client.has_ended(timeout):
                client.signal(signal.SIGKILL)
                return client.collect(), [f"the client did not finish within {timeout:.0f} s"]
            ended = client.collect()
            faults = list(read_faults(log))
            if ended.status != 0:
                faults.append(f"the client ended with status {ended.status}: see {log}")
            return ended, faults

        yield finish


@contextlib.contextmanager
def _server_shard(
    endpoint: str, engine: Engine, image: str, folder: Path, agent: str, cases: Sequence[str]
) -> Generator[Callable[[float], tuple[Ended, list[str]]]]:
    """Start our server and a fuzzing client; yields what waits for the fuzzing client's end."""
    del endpoint  # the same for every shard function; there is one kind of server
    log = folder / "server.log"
    serve = [sys.executable, "-u", "-m", "wsref", "serve", "--host", "127.0.0.1", "--port", "0"]
    with running(serve, log) as server:
        url = _served_url(server, log)
        _write_spec(folder, cases, servers=[{"agent": agent, "url": url}])
        command = ["wstest", "--mode", "fuzzingclient", "--spec", "/reports/spec.json"]
        with container(engine, image, folder, command) as fuzzing_client:

            def finish(timeout: float) -> tuple[Ended, list[str]]:
                faults: list[str] = []
                try:
                    status = fuzzing_client.wait(max(0.0, timeout))
                    if status != 0:
                        faults.append(f"the TestSuite ended with status {status}")
                except subprocess.TimeoutExpired:
                    faults.append(f"the TestSuite did not finish within {timeout:.0f} s")
                if server.has_ended():
                    faults.append("the server ended of itself")
                server.signal(signal.SIGTERM)
                if not server.has_ended(30.0):
                    faults.append("the server did not end within 30 s of SIGTERM")
                    server.signal(signal.SIGKILL)
                ended = server.collect()
                if ended.status not in _STOPPED:
                    faults.append(f"the server ended with status {ended.status}: see {log}")
                if "Traceback" in log.read_text("utf-8", "replace"):
                    faults.append(f"the server printed a traceback: see {log}")
                return ended, faults

            yield finish


@contextlib.contextmanager
def _fuzzing_server(
    engine: Engine, image: str, folder: Path, cases: Sequence[str]
) -> Generator[str]:
    """Run the TestSuite's fuzzing server, and yield its URL once it answers."""
    command = ["wstest", "--mode", "fuzzingserver", "--webport", "0"]
    # A free port may be taken by the time the container listens on it.
    for _ in range(3):
        port = _free_port()
        url = f"ws://127.0.0.1:{port}"
        _write_spec(folder, cases, url=url)
        with container(engine, image, folder, [*command, "--spec", "/reports/spec.json"]) as server:
            if _await_fuzzing_server(server, port, len(cases)):
                yield url
                return
    log = (folder / "container.log").read_text("utf-8", "replace")
    raise EngineError(f"the fuzzing server did not start; it said:\n{log}")


def _write_spec(folder: Path, cases: Sequence[str], **rest: object) -> None:
    """Write the TestSuite's configuration."""
    spec: dict[str, object] = {
        "outdir": "/reports",
        "options": {"failByDrop": False},
        "cases": list(cases),
        "exclude-cases": [],
        "exclude-agent-cases": {},
        **rest,
    }
    (folder / "spec.json").write_text(json.dumps(spec), "utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_fuzzing_server(server: subprocess.Popen[bytes], port: int, cases: int) -> bool:
    """Wait until the fuzzing server says it has *cases* cases; False if it never does."""
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline and server.poll() is None:
        if _case_count(port) == cases:
            return True
        time.sleep(0.1)
    return False


def _case_count(port: int) -> int | None:
    """Ask the fuzzing server how many cases it has, with a handshake by hand.

    Our own client is what is under test, so it is not used for this.
    """
    request = (
        "GET /getCaseCount HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{port}\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n"
    )
    received = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5.0) as connection:
            connection.sendall(request.encode("ascii"))
            # The answer is one short text frame behind the head: 81, length, digits.
            while not (answer := re.search(rb"\r\n\r\n\x81[\x01-\x7d](\d+)", received)):
                chunk = connection.recv(4096)
                if not chunk:
                    return None
                received += chunk
    except OSError:
        return None
    return int(answer[1])


def _served_url(server: Process, log: Path) -> str:
    """Wait until our server has printed its URL."""
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline and not server.has_ended(0.05):
        url = re.search(r"(ws://\S+)\s", log.read_text("utf-8", "replace"))
        if url:
            return url[1]
    raise EngineError(f"'wsref serve' printed no URL; it said:\n{log.read_text('utf-8')}")
