"""Processes of ours: started with their output in a file, awaited, and billed for CPU time."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["ROOT", "Ended", "Process", "running", "wait_for_end"]

#: Where the packages wsref and autobahn are: our processes start there and so find both.
ROOT = Path(__file__).resolve().parent.parent


class Ended(NamedTuple):
    """How a process ended: its status (negative: the signal) and its CPU time in seconds."""

    status: int
    cpu_seconds: float


class Process:
    """A running process, whose end can be awaited without collecting it."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        with log.open("wb") as output:
            self._popen = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        self._descriptor = os.pidfd_open(self._popen.pid)
        self._ended: Ended | None = None

    def has_ended(self, timeout: float = 0.0) -> bool:
        """Wait at most *timeout* seconds and tell whether the process has ended."""
        return self._ended is not None or wait_for_end(self._descriptor, timeout)

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal, unless it has ended."""
        if not self.has_ended():
            signal.pidfd_send_signal(self._descriptor, number)

    def collect(self) -> Ended:
        """Wait for the end of the process, however long that takes, and return what it came to."""
        if self._ended is None:
            # Popen's own wait would not tell the CPU time of this one process.
            _, status, usage = os.wait4(self._popen.pid, 0)
            self._popen.returncode = os.waitstatus_to_exitcode(status)
            self._ended = Ended(self._popen.returncode, usage.ru_utime + usage.ru_stime)
            os.close(self._descriptor)
        return self._ended


@contextlib.contextmanager
def running(command: Sequence[str], log: Path) -> Generator[Process]:
    """Run *command* from the checkout with its output in *log*; kill it if it is still there."""
    process = Process(command, log)
    try:
        yield process
    finally:
        process.signal(signal.SIGKILL)
        process.collect()


def wait_for_end(descriptor: int, timeout: float) -> bool:
    """Wait at most *timeout* seconds for the process of the pidfd *descriptor* to end."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, timeout) * 1000))
