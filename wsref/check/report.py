"""The outcome of a check, as a value: what was run, what was found, and the exit status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from ..requirements import requirements
from .catalogue import Case, Facts
from .record import Record
from .verdicts import Finding, Verdict

__all__ = ["CLEAN", "DEFECT", "FAILURES", "UNREACHABLE", "USAGE", "Fault", "Report", "Result"]

# Exit statuses.
CLEAN: Final = 0
FAILURES: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
DEFECT: Final = 4


#: The RFCs about WebSockets over HTTP/1.1; over HTTP/2 and HTTP/3 wsref does not speak.
_SPOKEN: Final = frozenset({6455, 7692, 7936, 8307})


class Result(NamedTuple):
    """What came of one case.

    Attributes:
        case: the case.
        verdict: the worst of the findings, unless it was not run as it should have been.
        findings: what is to be said, the gravest first.
        record: the conversation that shows it; None if there was none.
        note: why it was skipped or blocked, or what is expected of it.
        repeats: how often the finding was made, and how often it was looked for, such as ``3/3``;
            empty if there was no need to repeat.
        shrunk: from what a generated conversation was made smaller, in words.
        replay: the token that ``wsref replay`` takes.
    """

    case: Case
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    record: Record | None = None
    note: str = ""
    repeats: str = ""
    shrunk: str = ""
    replay: str = ""


class Fault(NamedTuple):
    """A distinct fault: all results whose gravest finding is about the same requirement.

    Attributes:
        requirement: its id.
        verdict: the gravest of the results'.
        results: the one that shows it in the fewest bytes comes first.
    """

    requirement: str
    verdict: Verdict
    results: tuple[Result, ...]


class Report(NamedTuple):
    """The outcome of checking one server.

    Attributes:
        url: the server's address, without credentials.
        version: of wsref.
        started: when the check began, with a time zone.
        duration: how long it took, in seconds.
        seed: of the generated phase.
        strict: whether warnings count.
        server: the Server header of its answer; empty if there was none.
        facts: what the controls found out; None if they failed.
        problem: why the server could not be checked, or not to the end; empty if it could.
        controls: the conversations of the controls.
        results: one for every case, in the order of the catalogue; then the generated ones.
    """

    url: str
    version: str
    started: datetime
    duration: float
    seed: int
    strict: bool
    server: str
    facts: Facts | None
    problem: str
    controls: tuple[Record, ...]
    results: tuple[Result, ...]

    @property
    def counts(self) -> Counter[Verdict]:
        """How many results have each verdict."""
        return Counter(result.verdict for result in self.results)

    @property
    def failures(self) -> tuple[Result, ...]:
        """The results that make the check fail."""
        gating = {Verdict.FAIL, Verdict.XPASS}
        if self.strict:
            gating |= {Verdict.WARN, Verdict.FLAKY}
        return tuple(result for result in self.results if result.verdict in gating)

    @property
    def warnings(self) -> tuple[Result, ...]:
        """The results with verdict WARN."""
        return tuple(result for result in self.results if result.verdict is Verdict.WARN)

    @property
    def exit_code(self) -> int:
        """The exit status of ``wsref check`` for this server alone; never 0 if nothing ran."""
        if self.failures:
            return FAILURES
        ran = any(result.verdict not in (Verdict.SKIP, Verdict.BLOCKED) for result in self.results)
        if self.problem or self.counts[Verdict.BLOCKED] or not ran:
            return UNREACHABLE
        return CLEAN

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The distinct faults, warnings included, the gravest first."""
        return distinct_faults(self.results)

    @property
    def sections(self) -> dict[str, Counter[Verdict]]:
        """How many results of each section have each verdict, in the order of the catalogue."""
        found: dict[str, Counter[Verdict]] = {}
        for result in self.results:
            found.setdefault(result.case.section, Counter())[result.verdict] += 1
        return found

    @property
    def ledger(self) -> dict[str, Verdict | None]:
        """The verdict on every requirement that a server must obey and a peer can observe.

        None: no case about it was run.
        """
        ledger: dict[str, Verdict | None] = {
            name: None
            for name, entry in requirements().items()
            if entry.rfc in _SPOKEN and entry.binds_servers and entry.observable == "peer"
        }
        for result in self.results:
            if result.verdict in (Verdict.SKIP, Verdict.BLOCKED):
                continue
            for name in result.case.requirements:
                if name in ledger and ledger[name] is None:
                    ledger[name] = Verdict.PASS
            for finding in result.findings:
                before = ledger.get(finding.requirement)
                if finding.requirement in ledger and (before is None or _worse(finding, before)):
                    ledger[finding.requirement] = finding.verdict
        return ledger


def distinct_faults(results: Iterable[Result]) -> tuple[Fault, ...]:
    """Group the results that say something bad by what it is about, the gravest first."""
    bad = (Verdict.FAIL, Verdict.XPASS, Verdict.WARN, Verdict.FLAKY)
    groups: dict[str, list[Result]] = {}
    for result in results:
        if result.verdict in bad:
            about = result.findings[0].requirement if result.findings else result.case.id
            groups.setdefault(about, []).append(result)
    faults = [
        Fault(
            about,
            min((result.verdict for result in group), key=list(Verdict).index),
            tuple(sorted(group, key=_size)),
        )
        for about, group in groups.items()
    ]
    return tuple(sorted(faults, key=lambda fault: list(Verdict).index(fault.verdict)))


def _size(result: Result) -> int:
    """How many bytes behind the opening handshake it took to show it."""
    record = result.record
    return len(record.sent) - len(record.request) if record is not None else 0


def _worse(finding: Finding, verdict: Verdict) -> bool:
    order = list(Verdict)
    return order.index(finding.verdict) < order.index(verdict)
