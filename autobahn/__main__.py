"""Run the Autobahn TestSuite by hand: ``python -m autobahn --help``."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from .cases import select
from .engine import NAMES, Engine, EngineError, NoEngine, find_engine, start_daemon, stop_daemon
from .image import ensure_image
from .results import complaints, summary
from .runs import ENDPOINTS, TIMEOUT, run

_REPORTS = Path(__file__).with_name("reports")

_WHAT = """\
what to do:
  client, aio, server   put the blocking client, the asyncio client or 'wsref serve' through the
                        cases
  all                   these three, one after the other
  build                 only build the image
  engine                only say which engine answers
  engine-start          start docker's daemon in the background (as root; needs dockerd)
  engine-stop           stop the daemon that engine-start started

The TestSuite's pages are left in the reports folder: begin at client/index.html and so on.
The exit status is 0 if nothing at all was found wrong, 1 if something was, and 2 if the
TestSuite could not be run.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m autobahn",
        description="Run the Autobahn TestSuite, in a container, against wsref.",
        epilog=_WHAT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "what",
        nargs="?",
        default="all",
        choices=[*ENDPOINTS, "all", "build", "engine", "engine-start", "engine-stop"],
        metavar="WHAT",
        help="see below (default: all)",
    )
    parser.add_argument(
        "--cases",
        default="full",
        help="quick (chapters 1 to 7 and 10, one of each group of 12 and 13), full, or patterns"
        " with commas such as '1.*,7.3.1' (default: full)",
    )
    parser.add_argument(
        "--reports", type=Path, default=_REPORTS, help="folder for the pages (default: %(default)s)"
    )
    parser.add_argument(
        "--engine", default="auto", choices=["auto", *NAMES], help="(default: %(default)s)"
    )
    parser.add_argument(
        "--timeout", type=float, default=TIMEOUT, help="seconds for each run (default: %(default)s)"
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line *arguments* ask for, and return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        cases = select(options.cases)
    except ValueError as error:
        parser.error(str(error))
    try:
        if options.what == "engine-start":
            print(f"docker's daemon is process {start_daemon()}")
            return 0
        if options.what == "engine-stop":
            print("stopped" if stop_daemon() else "no daemon of ours is running")
            return 0
        engine, ours = _engine(options.engine)
        try:
            if options.what == "engine":
                print(f"{engine.name}: {engine.program}")
                return 0
            if options.what == "build":
                print(ensure_image(engine))
                return 0
            endpoints = ENDPOINTS if options.what == "all" else (options.what,)
            return _run_all(engine, endpoints, cases, options.reports, options.timeout)
        finally:
            if ours:
                stop_daemon()
    except EngineError as error:
        print(f"autobahn: {error}", file=sys.stderr)
        return 2


def _run_all(
    engine: Engine, endpoints: tuple[str, ...], cases: tuple[str, ...], reports: Path, limit: float
) -> int:
    status = 0
    for endpoint in endpoints:
        logs = reports / endpoint / "shard-*" / "container.log"
        print(f"{endpoint}: {len(cases)} cases; {logs} tell how far it is", flush=True)
        report = run(endpoint, engine, cases, reports, limit)
        print(summary(report))
        print(f"  {reports / endpoint / 'index.html'}", flush=True)
        if complaints(report):
            status = 1
    return status


def _engine(preferred: str) -> tuple[Engine, bool]:
    """Return an engine that answers, and whether its daemon had to be started for that."""
    try:
        return find_engine(preferred), False
    except NoEngine:
        if preferred == "podman":
            raise
        try:
            start_daemon()
        except EngineError:
            pass
        else:
            return find_engine("docker"), True
        raise


def _stop(number: int, frame: FrameType | None) -> None:
    """End in order, containers and all, when asked to by a signal."""
    del frame
    sys.exit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(main())
