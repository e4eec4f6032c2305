"""Which faulty server is found by which case: ``python -m spec_tests.check.matrix``.

Every server of the library is checked as a user would check it.  A fault counts as found if a
finding that makes the check fail cites one of the requirements that the fault says it
breaks; a legal variation counts as flagged if there is any such finding, strictly taken.
What does not come out as it should is checked once more, alone and by all cases, before it is
printed.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from fnmatch import fnmatchcase
from functools import partial
from typing import NamedTuple

from spec_tests.check.faulty.registry import faults, variations
from spec_tests.check.faulty.server import serving
from wsref.check import Options, Report, Result, Verdict, check_server

__all__ = ["Row", "check_fault", "check_variation", "main"]

_BAD = (Verdict.FAIL, Verdict.WARN, Verdict.FLAKY)


class Row(NamedTuple):
    """What came of one server.

    Attributes:
        name: of the server.
        level: MUST or SHOULD for a fault, nothing for a variation.
        is_right: whether the fault was found, by its clause and with its level; whether the
            variation was not flagged.
        verdict: the worst one, without ``--strict`` a WARN lets a check pass.
        cases: the cases that had something to say, those about the right clause first.
        duration: how long the check took, in seconds.
        remark: what is not as it should be.
    """

    name: str
    level: str
    is_right: bool
    verdict: str
    cases: tuple[str, ...]
    duration: float
    remark: str = ""


def check_fault(name: str, options: Options) -> Row:
    """Check a faulty server."""
    fault = faults()[name]
    with serving(fault.server_class) as url:
        report = check_server(url, options)
    bad = [result for result in report.results if result.verdict in _BAD]
    citing = [result for result in bad if _cites(result, fault.requirement_ids)]
    enough = (Verdict.FAIL,) if fault.level == "MUST" else _BAD
    is_right = any(result.verdict in enough for result in citing)
    remark = ""
    if not is_right:
        remark = "missed" if not bad else "another clause" if not citing else "only a warning"
        remark = report.problem or remark
    return _row(name, fault.level, is_right, report, [*citing, *bad], remark)


def check_variation(name: str, options: Options) -> Row:
    """Check a server that is unusual but right."""
    with serving(variations()[name].server_class) as url:
        report = check_server(url, options)
    bad = [result for result in report.results if result.verdict in (*_BAD, Verdict.BLOCKED)]
    remark = "; ".join(
        f"{result.case.id}: {finding.message}" for result in bad for finding in result.findings[:1]
    )
    is_right = not bad and not report.problem
    return _row(name, "", is_right, report, bad, report.problem or remark)


def _cites(result: Result, requirement_ids: Sequence[str]) -> bool:
    cited = {finding.requirement for finding in result.findings} | {*result.case.requirements}
    return not cited.isdisjoint(requirement_ids)


def _row(
    name: str, level: str, is_right: bool, report: Report, bad: Iterable[Result], remark: str
) -> Row:
    cases = tuple(dict.fromkeys(result.case.id for result in bad))
    order = list(Verdict)
    verdict = min((result.verdict for result in report.results), key=order.index, default="none")
    return Row(name, level, is_right, str(verdict), cases, report.duration, remark)


def _check(name: str, options: Options, by_clause: bool) -> Row:
    fault = faults().get(name)
    if fault is None:
        return check_variation(name, options)
    if by_clause:
        options = options._replace(include=fault.requirement_ids)
    return check_fault(name, options)


def _print(row: Row, *, only_wrong: bool) -> None:
    if row.is_right and only_wrong:
        return
    mark = "ok " if row.is_right else "BAD"
    shown = ", ".join(row.cases[:3]) + (" ..." if row.cases[3:] else "")
    print(
        f"{mark} {row.name:52} {row.level:6} {row.verdict:7} {row.duration:5.1f} s"
        f"  {shown}  {row.remark}",
        flush=True,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the matrix; return 1 if something is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m spec_tests.check.matrix")
    parser.add_argument("pattern", nargs="*", default=["*"], help="globs of servers' names")
    parser.add_argument("--jobs", type=int, default=4, help="servers at the same time")
    parser.add_argument("--phases", default="fixed", help="fixed, generated or both")
    parser.add_argument(
        "--by-clause",
        action="store_true",
        help="check a fault by the cases about its requirements first, which is quicker",
    )
    parser.add_argument("--only-wrong", action="store_true", help="print only what is not right")
    given = parser.parse_args(arguments)
    options = Options(phases=tuple(given.phases.split(",")))
    every = [*faults(), *variations()]
    names = [name for name in every if any(fnmatchcase(name, one) for one in given.pattern)]
    rows: list[Row] = []
    again: list[str] = []
    check = partial(_check, options=options, by_clause=given.by_clause)
    with ProcessPoolExecutor(given.jobs) as pool:
        for row in pool.map(check, names):
            if row.is_right:
                rows.append(row)
                _print(row, only_wrong=given.only_wrong)
            else:
                again.append(row.name)
    for name in again:  # by all cases, and with nothing else going on
        rows.append(_check(name, options, by_clause=False))
        _print(rows[-1], only_wrong=given.only_wrong)
    count = Counter((row.level, row.is_right) for row in rows)
    for level in ("MUST", "SHOULD"):
        total = count[level, True] + count[level, False]
        print(f"faults that break a {level}: {count[level, True]} of {total} found")
    total = count["", True] + count["", False]
    print(f"legal variations: {count['', False]} of {total} flagged")
    if rows:
        print(f"the longest check took {max(row.duration for row in rows):.1f} s")
    return 0 if all(row.is_right for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
