"""The command ``wsref check``."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import cast, get_args

from .arguments import add_target_arguments, target_of
from .baseline import BaselineError, Expectation, apply_baseline, read_baseline, write_baseline
from .catalogue import catalogue
from .options import DEFAULT_OPTIONS, Options, Phase, names
from .report import CLEAN, DEFECT, FAILURES, UNREACHABLE, USAGE, Report
from .reports import FORMATS, check_formats, redacted, write_reports
from .runner import NothingSelected, check
from .target import Target
from .terminal import Terminal

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``wsref check``."""
    parser.add_argument(
        "urls",
        nargs="*",
        metavar="URL",
        help="ws://HOST:PORT/PATH or wss://...; without one, the reference server is checked",
    )
    add_target_arguments(parser)
    scope = parser.add_argument_group("what to check")
    scope.add_argument(
        "-i",
        "--include",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only these: a section (5.1, 7692:7.2), a case, a glob of cases, a requirement",
    )
    scope.add_argument(
        "-x", "--exclude", action="append", default=[], metavar="PATTERN", help="but not these"
    )
    scope.add_argument(
        "--echo",
        choices=["auto", "yes", "no"],
        default="auto",
        help="whether the server sends messages back (default: find out)",
    )
    scope.add_argument(
        "--deflate",
        choices=["auto", "off"],
        default="auto",
        help="whether to check permessage-deflate (default: if the server speaks it)",
    )
    scope.add_argument(
        "--phases",
        default=",".join(DEFAULT_OPTIONS.phases),
        help="fixed, generated, or both (default: %(default)s)",
    )
    scope.add_argument("--strict", action="store_true", help="fail for WARN and FLAKY, too")
    scope.add_argument("--stress", action="store_true", help="run the stress cases, too")
    scope.add_argument("--baseline", type=Path, metavar="FILE", help="what is known to be wrong")
    scope.add_argument(
        "--update-baseline", action="store_true", help="write what is found to the baseline"
    )
    scope.add_argument("--reason", default="", help="why new entries of the baseline are accepted")
    pace = parser.add_argument_group("pace")
    pace.add_argument(
        "--jobs",
        type=_positive,
        metavar="N",
        help="connections at the same time (default: 4, more if the server takes its time)",
    )
    pace.add_argument(
        "--timeout",
        type=_seconds,
        metavar="SECONDS",
        help="wait so long for an answer (default: by the round-trip time)",
    )
    pace.add_argument(
        "--wait",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="wait so long until the server listens (default: %(default)s)",
    )
    pace.add_argument(
        "--max-failures", type=_positive, metavar="N", help="give up after N failing cases"
    )
    search = parser.add_argument_group("generated conversations")
    search.add_argument("--seed", type=int, help="repeat those of an earlier check")
    search.add_argument(
        "--max-examples",
        type=_positive,
        default=DEFAULT_OPTIONS.max_examples,
        metavar="N",
        help="how many, at the most (default: %(default)s)",
    )
    search.add_argument(
        "--max-time",
        type=_seconds,
        default=DEFAULT_OPTIONS.max_time,
        metavar="SECONDS",
        help="how long, at the most (default: %(default)s)",
    )
    search.add_argument("--no-shrink", action="store_true", help="do not make them smaller")
    search.add_argument(
        "--database", metavar="DIR", help="remember what showed a fault, and try it first"
    )
    output = parser.add_argument_group("output")
    output.add_argument(
        "--report",
        default="",
        metavar="FORMATS",
        help=f"write reports: a list of {', '.join(FORMATS)}",
    )
    output.add_argument(
        "--report-dir", type=Path, default=Path("wsref-report"), metavar="DIR", help="where to"
    )
    output.add_argument(
        "-v", "--verbose", action="count", default=0, help="show frames; -vv: bytes of all cases"
    )
    output.add_argument("-q", "--quiet", action="store_true", help="show one line for each server")
    output.add_argument(
        "--color", choices=["auto", "always", "never"], default="auto", help="(default: auto)"
    )
    output.add_argument(
        "--redact",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="hide credentials in all that is written",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command.

    Returns:
        The exit status: 0 clean, 1 failures, 2 usage, 3 a server could not be checked, 4 our
        own defect.
    """
    try:
        options = _options(arguments)
        formats = _list_of(arguments.report, tuple(FORMATS), "--report")
        check_formats(formats)
        baseline = _baseline(arguments)
        if baseline is None and arguments.update_baseline:
            raise ValueError("--update-baseline needs --baseline FILE")
        targets = [target_of(arguments, url) for url in arguments.urls]
    except (ValueError, TypeError, BaselineError) as error:
        return _usage(error)
    terminal = Terminal(
        sys.stdout,
        color=arguments.color,
        verbosity=-1 if arguments.quiet else arguments.verbose,
        redact=arguments.redact,
    )
    with ExitStack() as stack:
        stack.callback(terminal.stop)
        try:
            if not targets:
                from ..serve import running_echo_server

                targets = [target_of(arguments, stack.enter_context(running_echo_server()))]
            reports = [
                _check_one(target, options, arguments, baseline, terminal) for target in targets
            ]
            if formats:
                for path in write_reports(
                    reports, formats, arguments.report_dir, redact=arguments.redact
                ):
                    print(path)
        except (ValueError, NothingSelected, BaselineError) as error:
            terminal.stop()
            return _usage(error)
        except OSError as error:
            terminal.stop()
            return _usage(f"{error.filename or 'output'}: {error.strerror or error}")
        except Exception:
            terminal.stop()
            traceback.print_exc()
            print("wsref check: this is a defect of wsref; please report it", file=sys.stderr)
            return DEFECT
    return _exit_status([report.exit_code for report in reports])


def _check_one(
    target: Target,
    options: Options,
    arguments: argparse.Namespace,
    baseline: dict[str, Expectation] | None,
    terminal: Terminal,
) -> Report:
    """Check one server, show what came of it, and mind the baseline."""
    terminal.start(target.url)
    report = check(target, options, terminal)
    if baseline is not None:
        if arguments.update_baseline:
            write_baseline(arguments.baseline, report, baseline, arguments.reason)
            baseline = read_baseline(arguments.baseline, _known())
        report = apply_baseline(report, baseline)
    terminal.show(redacted(report) if arguments.redact else report)
    return report


def _options(arguments: argparse.Namespace) -> Options:
    phases = _list_of(arguments.phases, get_args(Phase), "--phases")
    if not phases:
        raise ValueError("--phases names no phase")
    for pattern in (*arguments.include, *arguments.exclude):
        if not any(names(pattern, case) for case in catalogue()):
            raise ValueError(f"{pattern!r} names no case; see: wsref list")
    return Options(
        include=tuple(arguments.include),
        exclude=tuple(arguments.exclude),
        echo=arguments.echo,
        deflate=arguments.deflate,
        phases=cast("tuple[Phase, ...]", tuple(phases)),
        strict=arguments.strict,
        stress=arguments.stress,
        jobs=arguments.jobs,
        timeout=arguments.timeout,
        wait=arguments.wait,
        seed=arguments.seed,
        max_examples=arguments.max_examples,
        max_time=arguments.max_time,
        shrink=not arguments.no_shrink,
        database=arguments.database,
        max_failures=arguments.max_failures,
    )


def _baseline(arguments: argparse.Namespace) -> dict[str, Expectation] | None:
    path: Path | None = arguments.baseline
    if path is None:
        return None
    if arguments.update_baseline and not path.exists():
        return {}
    return read_baseline(path, _known())


def _known() -> list[str]:
    return [case.id for case in catalogue()]


def _list_of(text: str, allowed: Sequence[str], option: str) -> list[str]:
    """Read a comma list."""
    elements = [element.strip() for element in text.split(",") if element.strip()]
    for element in elements:
        if element not in allowed:
            raise ValueError(f"{option}: {element!r} is none of {', '.join(allowed)}")
    return elements


def _exit_status(statuses: Sequence[int]) -> int:
    """Return the status for several servers: failures before servers that were not reached."""
    order = (DEFECT, FAILURES, UNREACHABLE, USAGE, CLEAN)
    return min(statuses, key=order.index)


def _usage(error: object) -> int:
    print(f"wsref check: {error}", file=sys.stderr)
    return USAGE


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds
