"""Is the reference server clean, whatever the weather?

Run ``python -m spec_tests.check.clean [--times N] [--loaded] [--stress]``: it checks the
asynchronous server and a blocking one, each with and without compression, strictly and by both
phases, as often as wanted, and prints what is not as it should be.  With ``--loaded`` all cores
are kept busy meanwhile.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from multiprocessing import Process
from typing import Final

from spec_tests.check.blocking_server import blocking_echo_server
from wsref.check import Options, Report, check_server
from wsref.serve import running_echo_server

__all__ = ["SERVERS", "main"]

#: The servers, by name.
SERVERS: Final[dict[str, Callable[[], AbstractContextManager[str]]]] = {
    "asyncio, compression": running_echo_server,
    "asyncio, no compression": partial(running_echo_server, compress=False),
    "blocking, compression": blocking_echo_server,
    "blocking, no compression": partial(blocking_echo_server, compress=False),
}


@contextmanager
def _load() -> Generator[None, None, None]:
    """Keep all cores busy."""
    processes = [Process(target=_spin, daemon=True) for _core in range(os.cpu_count() or 1)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _spin() -> None:
    while True:
        pass


def _faults_of(report: Report) -> list[str]:
    """Say in a line each what is not as it should be."""
    found = [
        f"{fault.verdict} {fault.results[0].case.id}: {fault.results[0].findings[0].message}"
        for fault in report.faults
    ]
    if report.problem:
        found.append(report.problem)
    if report.exit_code and not found:
        found.append(f"exit status {report.exit_code}")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the result of each check; return 1 if one was not clean."""
    parser = argparse.ArgumentParser(prog="python -m spec_tests.check.clean")
    parser.add_argument("--times", type=int, default=20, help="how often to check each server")
    parser.add_argument("--loaded", action="store_true", help="keep all cores busy meanwhile")
    parser.add_argument("--stress", action="store_true", help="with the stress cases")
    given = parser.parse_args(arguments)
    options = Options(strict=True, stress=given.stress)
    is_clean = True
    with _load() if given.loaded else nullcontext():
        for name, running in SERVERS.items():
            durations: list[float] = []
            clean = 0
            for _time in range(given.times):
                with running() as url:
                    report = check_server(url, options)
                durations.append(report.duration)
                faults = _faults_of(report)
                clean += not faults
                for fault in faults:
                    print(f"{name}: {fault}", flush=True)
            is_clean = is_clean and clean == given.times
            print(
                f"{name}: clean {clean} of {given.times} times, "
                f"{min(durations):.1f} to {max(durations):.1f} s",
                flush=True,
            )
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
