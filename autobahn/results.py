"""What the TestSuite reported, and whether that is good enough.

Each shard leaves an ``index.json`` (agent, case, verdicts) and a page and a JSON file for each
case. ``behavior`` judges what was sent and answered, ``behaviorClose`` how the connection ended.
"""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple, TypedDict, cast

from .cases import ALL_CASES

__all__ = [
    "FAULT_MARK",
    "CaseResult",
    "Report",
    "complaints",
    "in_order",
    "read_faults",
    "read_shard",
    "summary",
    "write_page",
]

#: What a line of a client's output begins with that tells of an exception out of wsref.
FAULT_MARK: Final = "fault: "

#: Verdicts that are no fault. INFORMATIONAL cases ask what the RFC leaves open.
CLEAN = frozenset({"OK", "INFORMATIONAL"})

#: What a perfect run of all cases gives: 7.1.6, 7.13.1 and 7.13.2 only inform.
PERFECT = {"OK": 514, "INFORMATIONAL": 3}


class CaseResult(NamedTuple):
    """The TestSuite's verdict on one case."""

    case: str
    behavior: str
    behavior_close: str
    milliseconds: int
    #: The TestSuite's own words on both verdicts.
    message: str
    #: The page with the wire log, as found from the report's directory.
    page: str

    @property
    def is_clean(self) -> bool:
        """Whether neither verdict finds fault."""
        return self.behavior in CLEAN and self.behavior_close in CLEAN


class Report(NamedTuple):
    """One endpoint's run: the cases asked for, what came of them, and what it cost."""

    name: str
    asked: tuple[str, ...]
    results: tuple[CaseResult, ...]
    #: Wall time of the whole run, in seconds.
    seconds: float
    #: CPU time (user and system) of our processes alone, in seconds.
    cpu_seconds: float
    #: Faults on our side of the run: exceptions out of a client, processes that ended badly.
    errors: tuple[str, ...] = ()

    @property
    def faults(self) -> tuple[CaseResult, ...]:
        """The results in which the TestSuite found something wrong."""
        return tuple(result for result in self.results if not result.is_clean)

    @property
    def missing(self) -> tuple[str, ...]:
        """The cases asked for of which the TestSuite reported nothing."""
        reported = {result.case for result in self.results}
        return tuple(case for case in self.asked if case not in reported)


class _Verdict(TypedDict):
    behavior: str
    behaviorClose: str
    duration: int
    reportfile: str


class _Detail(TypedDict):
    result: str
    resultClose: str


def read_shard(directory: Path, agent: str) -> tuple[CaseResult, ...]:
    """Read the results that one container left in *directory* for *agent*.

    Returns an empty tuple if there is no report, as when the container ended early.
    """
    index = directory / "index.json"
    if not index.exists():
        return ()
    verdicts = cast("dict[str, dict[str, _Verdict]]", json.loads(index.read_text("utf-8")))
    return tuple(
        _case_result(directory, case, verdict) for case, verdict in verdicts.get(agent, {}).items()
    )


def _case_result(directory: Path, case: str, verdict: _Verdict) -> CaseResult:
    detail_file = directory / verdict["reportfile"]
    detail = cast("_Detail", json.loads(detail_file.read_text("utf-8")))
    return CaseResult(
        case,
        verdict["behavior"],
        verdict["behaviorClose"],
        verdict["duration"],
        f"{detail['result']} {detail['resultClose']}",
        f"{directory.name}/{detail_file.with_suffix('.html').name}",
    )


def read_faults(log: Path) -> tuple[str, ...]:
    """Read from *log*, the output of a client, the exceptions it told of."""
    lines = log.read_text("utf-8", "replace").splitlines()
    return tuple(line for line in lines if line.startswith(FAULT_MARK))


def in_order(results: Iterable[CaseResult]) -> tuple[CaseResult, ...]:
    """Sort *results* as the TestSuite numbers its cases."""
    position = {case: place for place, case in enumerate(ALL_CASES)}
    return tuple(sorted(results, key=lambda result: position.get(result.case, len(position))))


def complaints(report: Report) -> tuple[str, ...]:
    """Return what keeps *report* from being perfect, a line each; nothing if it is."""
    lines = list(report.errors)
    if not report.asked:
        lines.append("no case was asked for")
    if report.missing:
        lines.append(f"{len(report.missing)} cases were not run: {', '.join(report.missing)}")
    lines += [_fault_line(fault) for fault in report.faults]
    counts = Counter(result.behavior for result in report.results)
    if report.asked == ALL_CASES and counts != PERFECT:
        lines.append(f"all 517 cases should give {_counts(PERFECT)}, not {_counts(counts)}")
    return tuple(lines)


def summary(report: Report) -> str:
    """Say in a few lines how *report* turned out."""
    behavior = Counter(result.behavior for result in report.results)
    behavior_close = Counter(result.behavior_close for result in report.results)
    lines = [
        f"{report.name}: {len(report.results)} of {len(report.asked)} cases: {_counts(behavior)}"
        f"; close: {_counts(behavior_close)}"
        f"; {report.seconds:.0f} s, {report.cpu_seconds:.1f} s of it our CPU",
        *(f"  {complaint}" for complaint in complaints(report)),
    ]
    return "\n".join(lines)


def write_page(report: Report, directory: Path) -> Path:
    """Write ``index.html`` for the whole run, linking to the TestSuite's own pages."""
    rows = "".join(
        f'<tr class="{"clean" if result.is_clean else "fault"}">'
        f'<td><a href="{html.escape(result.page)}">{html.escape(result.case)}</a></td>'
        f"<td>{html.escape(result.behavior)}</td><td>{html.escape(result.behavior_close)}</td>"
        f"<td>{result.milliseconds} ms</td><td>{html.escape(result.message)}</td></tr>\n"
        for result in report.results
    )
    page = directory / "index.html"
    page.write_text(
        _PAGE.format(title=html.escape(report.name), text=html.escape(summary(report)), rows=rows),
        "utf-8",
    )
    return page


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Autobahn TestSuite: {title}</title>
<style>
body {{ font-family: sans-serif; margin: 2em; }}
td {{ padding: 0.1em 1em 0.1em 0; }}
.fault {{ background: #fbb; }}
</style></head>
<body><h1>Autobahn TestSuite: {title}</h1>
<pre>{text}</pre>
<table>
<tr><th>Case</th><th>Behaviour</th><th>Close</th><th>Time</th><th>In its words</th></tr>
{rows}</table></body></html>
"""


def _fault_line(fault: CaseResult) -> str:
    return f"{fault.case}: {fault.behavior}, close {fault.behavior_close}: {fault.message}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())) or "none"
