"""Docker or podman: which of them answers, starting docker's daemon, running a container.

Everything goes through the engine's command line, and networks are the host's: no bridge or
firewall rule is needed, so it also works inside many sandboxes and virtual machines.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import NamedTuple

from .process import wait_for_end

__all__ = [
    "Engine",
    "EngineError",
    "NoEngine",
    "container",
    "find_engine",
    "start_daemon",
    "state_directory",
    "stop_daemon",
]

#: The engines we can drive, in order of preference.
NAMES = ("docker", "podman")

# No container outlives this many seconds, even if we die without stopping it.
_CONTAINER_LIFETIME = 4 * 3600

# Python 2.7 walks over every descriptor it might have open when it starts a process, and some
# hosts allow a thousand million.
_DESCRIPTORS = "nofile=1024:1024"

_DAEMON_OPTIONS = (
    "--iptables=false",
    "--ip6tables=false",
    "--bridge=none",
    "--default-ulimit",
    _DESCRIPTORS,
)


class EngineError(Exception):
    """The engine, the image or a container did not do what was asked; the message says what."""


class NoEngine(EngineError):
    """No container engine answers; the message says in one line what was tried."""


class Engine(NamedTuple):
    """A container engine that answers."""

    #: ``docker`` or ``podman``.
    name: str
    #: Its command.
    program: str

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of the engine with *arguments*."""
        # podman's usual runtime does not start on every kernel where runc does.
        use_runc = self.name == "podman" and shutil.which("runc") is not None
        return [self.program, *(["--runtime", "runc"] if use_runc else []), *arguments]

    def limits(self) -> list[str]:
        """Return the options that keep a container's or a build's resource limits modest."""
        limits = ["--ulimit", _DESCRIPTORS]
        if self.name == "podman":
            limits += ["--ulimit", "nproc=1000:1000"]
        return limits

    def succeeds(self, *arguments: str) -> bool:
        """Whether the engine carries out *arguments*; nothing is printed."""
        return _succeeds(self.command(*arguments))


def find_engine(preferred: str = "auto") -> Engine:
    """Return the first engine on the ``PATH`` that answers.

    Args:
        preferred: ``docker``, ``podman``, or ``auto`` for either.

    Raises:
        NoEngine: none answers.
        ValueError: *preferred* is something else.
    """
    if preferred != "auto" and preferred not in NAMES:
        raise ValueError(f"preferred: 'auto', 'docker' or 'podman' expected, not {preferred!r}")
    found: list[str] = []
    for name in NAMES if preferred == "auto" else (preferred,):
        program = shutil.which(name)
        if program is None:
            found.append(f"{name} is not installed")
            continue
        engine = Engine(name, program)
        if engine.succeeds("info"):
            return engine
        found.append(
            "docker is installed but its daemon does not answer"
            if name == "docker"
            else f"{name} is installed but does not work"
        )
    hint = "" if _daemon_obstacle() else "; 'python -m autobahn engine-start' starts the daemon"
    raise NoEngine(f"no container engine answers: {', '.join(found)}{hint}")


def state_directory() -> Path:
    """Return this user's directory for locks and the daemon's files, made if need be."""
    directory = Path(tempfile.gettempdir()) / f"wsref-autobahn-{os.getuid()}"
    directory.mkdir(mode=0o700, exist_ok=True)
    return directory


def start_daemon(timeout: float = 60.0) -> int:
    """Start docker's daemon in the background and wait until it answers.

    Args:
        timeout: Seconds that it may take.

    Returns:
        Its process id; ``stop_daemon`` ends it.

    Raises:
        EngineError: it cannot be started, or does not answer in time.
    """
    obstacle = _daemon_obstacle()
    if obstacle:
        raise EngineError(f"docker's daemon cannot be started: {obstacle}")
    state = state_directory()
    log = state / "dockerd.log"
    with log.open("wb") as output:
        daemon = subprocess.Popen(
            ["dockerd", *_DAEMON_OPTIONS, "--pidfile", str(state / "dockerd.pid")],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and daemon.poll() is None:
        if _succeeds(["docker", "info"]):
            return daemon.pid
        time.sleep(0.2)
    daemon.terminate()
    daemon.wait()
    raise EngineError(f"docker's daemon did not start: {_last_line(log)}")


def stop_daemon(timeout: float = 30.0) -> bool:
    """Stop the daemon that ``start_daemon`` started, and only that.

    Args:
        timeout: Seconds that it may take before it is killed.

    Returns:
        Whether there was one.
    """
    pid_file = state_directory() / "dockerd.pid"
    try:
        pid = int(pid_file.read_text("ascii"))
        daemon = os.pidfd_open(pid)
    except (FileNotFoundError, ProcessLookupError):
        return False
    try:
        signal.pidfd_send_signal(daemon, signal.SIGTERM)
        if not wait_for_end(daemon, timeout):
            signal.pidfd_send_signal(daemon, signal.SIGKILL)
    finally:
        os.close(daemon)
    pid_file.unlink(missing_ok=True)
    return True


@contextlib.contextmanager
def container(
    engine: Engine, image: str, directory: Path, command: Sequence[str]
) -> Generator[subprocess.Popen[bytes]]:
    """Run *command* in a container on the host's network; stop it whatever happens.

    Args:
        engine: What runs it.
        image: Its image.
        directory: Seen inside as ``/reports``; what the container prints goes to its
            ``container.log``.
        command: What runs inside.

    Yields:
        The process of the engine's client, which lives as long as the container and has its
        exit status.
    """
    name = f"wsref-autobahn-{os.getpid()}-{secrets.token_hex(4)}"
    # With rootless podman the container's root is this user already.
    user = ["--user", f"{os.getuid()}:{os.getgid()}"] if engine.name == "docker" else []
    run = engine.command(
        "run",
        "--rm",
        *("--name", name),
        *("--network", "host"),
        *("--volume", f"{directory.resolve()}:/reports:z"),
        *("--entrypoint", "timeout"),
        *user,
        *engine.limits(),
        image,
        str(_CONTAINER_LIFETIME),
        *command,
    )
    with (directory / "container.log").open("wb") as log:
        # In a session of its own, so that the terminal's Ctrl-C reaches us and not the engine:
        # we stop the container in order.
        client = subprocess.Popen(
            run, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield client
    finally:
        # Before the engine's client has made the container there is nothing to remove by name;
        # so try until the client has ended.
        while client.poll() is None:
            engine.succeeds("rm", "--force", name)
            with contextlib.suppress(subprocess.TimeoutExpired):
                client.wait(0.5)


def _daemon_obstacle() -> str:
    """Return why we cannot start docker's daemon, or an empty text."""
    if shutil.which("dockerd") is None:
        return "dockerd is not installed"
    if os.getuid() != 0:
        return "only root may"
    return ""


def _succeeds(command: Sequence[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines()
    return lines[-1] if lines else "it said nothing"
