"""The check of one server: controls, cases, repeats, and the verdicts on them.

**Controls** come first (:mod:`.controls`).  After each section it is made sure that the server
still serves, so that one which does not is noticed where it stopped, and what follows is
BLOCKED instead of FAIL.

**Repeats.**  Whatever is bad is tried again, with more patience, before it is reported.  If it
was bad only because something took long, the second try decides; if it was something the
server did and it does not do it again, the case is FLAKY.

**Patience.**  A server that never closes, or never answers, would cost a deadline in every
case.  So the more cases have waited in vain for the same thing, the shorter the next ones
wait; and of the repeats only the first few for each requirement are needed.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime
from itertools import groupby
from secrets import randbits
from typing import Final, Protocol, TypeVar

from .._version import __version__
from .catalogue import Case, catalogue
from .controls import ROUND_TRIPS, Controls, control
from .conversation import Await, Crowd, Open, Pause, Probe, Step
from .judgements import answer_of
from .options import DEFAULT_OPTIONS, Options, selects
from .oracle import judge_server
from .peer import Patience, converse
from .record import Record
from .recordings import case_of_recording
from .report import Report, Result
from .target import Target
from .tokens import token_of
from .verdicts import Finding, Verdict, fail, worst

__all__ = ["Listener", "NothingSelected", "check"]

#: The shortest deadlines of a first try and of a repeat, in seconds.
_FIRST_TIMEOUT: Final = 0.4
_REPEAT_TIMEOUT: Final = 1.5
_LEAST_TIMEOUT: Final = 0.15
_MANY_TIMEOUTS: Final = 20
#: Deadlines have room for so many echoes, one after the other, but not for longer, in seconds.
_ECHOES: Final = 400
_MOST_FOR_ECHOES: Final = 4.0
#: So many connections at a time, unless the user says how many.  Since to wait costs nothing,
#: there is one more for each so many seconds that the server takes to answer, and for each case
#: that has waited in vain, up to a limit.
_JOBS: Final = 4
_SECONDS_PER_JOB: Final = 0.0025
_MOST_JOBS: Final = 32
#: What echoes once in so many seconds is not quick.
_QUICK: Final = 0.05
#: What stress cases may take, in seconds.
_STRESS_TIMEOUT: Final = 10.0
#: So many repeats confirm that something is waited for in vain: for each kind of thing, and for
#: each requirement; further ones are believed.  What is not waited for is quick to repeat.
_CONFIRMATIONS: Final = (6, 2)
_QUICK_CONFIRMATIONS: Final = 5
#: How long to stay behind the last probe when something is repeated.
_LINGER: Final = Pause(20)
#: So many flaky results are looked into.
_MOST_ALONE: Final = 12
#: How an acceptance begins.
_BEGUN: Final = b"HTTP/1.1 101"
#: The clause about resets.
_RESET: Final = "RFC6455-7.1.1-01"
#: More of one kind are not listed.
_MOST_FINDINGS: Final = 8
#: What a server breaks that answers nothing as it should.
_BASICS: Final = frozenset({"RFC6455-5.5.2-02", "RFC6455-5.5.3-01", "RFC6455-5.3-05"})
#: How long a server may need to serve again after it was found not to, in seconds.
_RECOVERY: Final = 2.0


_Subject = TypeVar("_Subject", Case, Result)


class NothingSelected(Exception):
    """No case is left to be run; the message says why."""


class Listener(Protocol):
    """Whoever wants to know how a check is getting on; called from one thread at a time."""

    def begins(self, total: int) -> None:
        """So many cases are going to be run."""

    def has_result(self, result: Result) -> None:
        """A case was run; its verdict may change when it is repeated."""

    def enters(self, phase: str) -> None:
        """The check goes on to something else, such as ``generated conversations``."""


class _Silent:
    """A listener that does not listen."""

    def begins(self, total: int) -> None:
        pass

    def has_result(self, result: Result) -> None:
        pass

    def enters(self, phase: str) -> None:
        pass


def check(
    target: Target, options: Options = DEFAULT_OPTIONS, listener: Listener | None = None
) -> Report:
    """Check a server.

    Args:
        target: the server.
        options: what to do.
        listener: told about the progress.

    Returns:
        The report; if the server cannot be talked to, its ``problem`` says why.

    Raises:
        NothingSelected: the options leave no case to be run.
    """
    return _Check(target, options, listener or _Silent()).run()


class _Check:
    """One check, while it is going on."""

    def __init__(self, target: Target, options: Options, listener: Listener) -> None:
        self._target = target
        self._options = options
        self._listener = listener
        self._lock = threading.Lock()
        self._seed = randbits(32) if options.seed is None else options.seed
        self._timeouts: Counter[str] = Counter()
        self._tours: dict[tuple[Step, ...], Record] = {}
        self._watched: dict[str, list[tuple[Finding, Record]]] = {}
        self._seen = 0  # how many records the oracle has judged
        self._failed = 0
        self._problem = ""
        self._places = threading.Semaphore(0)  # connections that may be opened now
        self._more_places = 0  # and perhaps later

    def run(self) -> Report:
        """Run everything; see :func:`check`."""
        started = datetime.now().astimezone()
        begun = time.monotonic()
        selected = [case for case in catalogue() if selects(self._options, case)]
        if not selected and "generated" not in self._options.phases:
            raise NothingSelected("no case matches what was asked for")
        self._listener.enters("controls")
        controls = control(self._target, self._options)
        self._problem = controls.problem
        results: list[Result] = []
        if controls.facts is None:
            results = self._without_facts(selected, controls)
        else:
            self._target = controls.target
            self._facts = controls.facts
            self._control_records = controls.records
            if "fixed" in self._options.phases:
                results = self._run_fixed(selected)
            if "generated" in self._options.phases and not self._problem:
                results += self._run_generated(results)
        return Report(
            url=self._target.url,
            version=__version__,
            started=started,
            duration=time.monotonic() - begun,
            seed=self._seed,
            strict=self._options.strict,
            server=controls.server,
            facts=controls.facts,
            problem=self._problem,
            controls=controls.records,
            results=tuple(results),
        )

    def _without_facts(self, selected: Sequence[Case], controls: Controls) -> list[Result]:
        """Return what can be said all the same, if there is a 101 of some kind."""
        begun = [record for record in controls.records if record.received.startswith(_BEGUN)]
        if not begun:
            return []
        if begun[0].is_open:
            message = "there is no 101 until more is sent than the request"
        else:
            message = "the head of the 101 never ends"
        finding = fail("RFC6455-4.2.2-16", message)
        return [
            Result(case, Verdict.FAIL, (finding,), begun[0])
            if finding.requirement in case.requirements and case.watches
            else Result(case, Verdict.BLOCKED, note=self._problem)
            for case in selected
        ]

    def _still_serves(self) -> bool:
        """Whether the server still opens connections."""
        deadline = time.monotonic() + _RECOVERY
        while True:
            record = self._converse((Open(),), self._patience(_REPEAT_TIMEOUT))
            if record.is_open:
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.1)

    # Fixed cases

    def _run_fixed(self, selected: Sequence[Case]) -> list[Result]:
        """Run cases section by section."""
        self._listener.enters("cases")
        self._listener.begins(len(selected))
        if self._problem:  # only what needs no answers to anything else can be judged
            return self._run_basics(selected)
        results: list[Result] = []
        with self._pool() as pool:
            for _section, group in groupby(selected, lambda case: case.section):
                cases = list(group)
                if self._problem:
                    results += [Result(case, Verdict.BLOCKED, note=self._problem) for case in cases]
                    continue
                done = self._run_all(self._run_case, cases, pool)
                results += done if self._still_serves() else self._blame(done)
            if not self._problem:
                self._listener.enters("repeats")
                results = self._repeat(results, pool)
        return self._watch(results)

    def _run_all(
        self, run: Callable[[_Subject], Result], subjects: Sequence[_Subject], pool: Executor
    ) -> list[Result]:
        """Run cases, or try them again, side by side.

        Those about what connections have to do with one another come last, one by one, so that
        no others are there to be mixed up with.
        """
        apart = [_has_company(_case_of(subject)) for subject in subjects]
        together = pool.map(
            run,
            [subject for subject, is_apart in zip(subjects, apart, strict=True) if not is_apart],
        )
        done = [None if is_apart else next(together) for is_apart in apart]
        return [result or run(subject) for subject, result in zip(subjects, done, strict=True)]

    def _run_basics(self, selected: Sequence[Case]) -> list[Result]:
        """Run the cases about what the control misses; all others are blocked."""
        basic = [
            case for case in selected if case.watches or _BASICS.intersection(case.requirements)
        ]
        with self._pool() as pool:
            done = dict(zip(basic, self._run_all(self._run_case, basic, pool), strict=True))
        return self._watch(
            [
                done.get(case) or Result(case, Verdict.BLOCKED, note=self._problem)
                for case in selected
            ]
        )

    def _pool(self) -> ThreadPoolExecutor:
        """Return a pool for as many connections as may become of use."""
        facts = self._facts
        first = most = self._options.jobs or _MOST_JOBS
        if not facts.parallel or facts.broadcasts:
            first = most = 1
        elif self._options.jobs is None:
            first = _JOBS + int(max(facts.round_trip, facts.echo_time) / _SECONDS_PER_JOB)
        self._places = threading.Semaphore(min(first, most))
        self._more_places = max(0, most - first)
        return ThreadPoolExecutor(most, "wsref check")

    def _make_room(self, result: Result) -> None:
        """Allow for one more connection, if one has done nothing but wait."""
        if result.record is not None and result.record.timeouts and self._more_places:
            self._more_places -= 1
            self._places.release()

    def _run_case(self, case: Case) -> Result:
        """Run one case for the first time, if it applies."""
        reason = self._why_not(case)
        if reason:
            result = Result(case, Verdict.SKIP, note=reason)
        else:
            with self._places:
                result = self._try(case, self._patience(_FIRST_TIMEOUT, case))
            with self._lock:
                self._make_room(result)
                self._failed += result.verdict is Verdict.FAIL
                if result.record is not None and result.record.timeouts:
                    self._timeouts[_waits_for(case, result.record)] += 1
        with self._lock:
            self._listener.has_result(result)
        return result

    def _why_not(self, case: Case) -> str:
        """Return why a case is not to be run; nothing if it is."""
        facts = self._facts
        lacks = {
            "echo": not facts.echoes and "the server does not echo",
            "quick": facts.echo_time > _QUICK and "echoes take too long for so many",
            "deflate": not facts.deflates and "the server does not agree on permessage-deflate",
            "tls": not facts.is_secure and "the server is not reached by TLS",
            "subprotocol": not facts.subprotocol and "no subprotocol is agreed on",
        }
        for need in sorted(case.needs):
            if lacks[need]:
                return str(lacks[need])
        if not facts.parallel and _has_company(case):
            return "the server serves one connection after another"
        most = self._options.max_failures
        if most is not None and self._failed >= most:
            return f"{most} cases have failed already"
        return ""

    def _try(self, case: Case, patience: Patience, *, lingers: bool = False) -> Result:
        """Have the conversation of a case, and judge it.

        Args:
            case: the case.
            patience: how long to wait.
            lingers: whether to stay a moment behind the last probe, for a server that answers it
                and then fails the connection over what came before.
        """
        if case.stress:
            patience = patience._replace(answer=max(patience.answer, _STRESS_TIMEOUT))
        record = self._tours.get(case.steps) if case.watches else None
        if record is None:
            steps = (*case.steps, _LINGER) if lingers else case.steps
            record = self._converse(steps, patience, plain=case.plain)
            if case.watches:  # several cases that watch share a conversation
                self._tours[case.steps] = record
        if record.unreachable:
            return Result(case, Verdict.BLOCKED, (), record, record.unreachable)
        self._look_at(record)
        opening = case.steps[0].opening if case.steps and isinstance(case.steps[0], Open) else None
        if case.watches and opening is not None and opening.changes and not record.is_open:
            note = f"{answer_of(record)}, as it may be to this offer"
            return Result(case, Verdict.SKIP, (), record, note)
        if case.opens and not record.is_open:
            return Result(case, Verdict.BLOCKED, (), record, f"{answer_of(record)}, not 101")
        if opening is not None and opening.needs_deflate and record.deflate is None:
            note = "permessage-deflate was not agreed on with this offer"
            return Result(case, Verdict.SKIP, (), record, note)
        order = list(Verdict).index
        findings = sorted(case.judge(record, self._facts), key=lambda one: order(one.verdict))
        verdict = worst([finding.verdict for finding in findings])
        note = findings[0].message if verdict is Verdict.SKIP else ""
        return Result(case, verdict, tuple(findings), record, note)

    def _converse(
        self, steps: tuple[Step, ...], patience: Patience, *, plain: bool = False
    ) -> Record:
        facts = self._facts
        return converse(
            self._target,
            steps,
            patience,
            unasked=facts.unasked if facts.echoes else None,
            pings=facts.pongs or not facts.echoes,
            plain=plain,
        )

    def _patience(self, least: float, case: Case | None = None) -> Patience:
        """Return how long to wait, by the round-trip time and by what has happened so far."""
        trip = self._facts.round_trip
        owed = min(_ECHOES * self._facts.echo_time, _MOST_FOR_ECHOES)
        answer = self._options.timeout or least + ROUND_TRIPS * trip + owed
        if case is not None and self._options.timeout is None:
            waited = max((self._timeouts[kind] for kind in _kinds(case)), default=0)
            least = _LEAST_TIMEOUT / (1 if waited < _MANY_TIMEOUTS else 4)
            shortest = least + ROUND_TRIPS * trip + owed
            answer = max(shortest, answer / 2 ** max(0, waited - 3))
        return Patience(answer, max(5.0, answer), trip)

    # Whatever is bad is tried again

    def _repeat(self, results: list[Result], pool: ThreadPoolExecutor) -> list[Result]:
        """Try again what is bad or was blocked, as often as it takes to be believed.

        A server that breaks one clause may do so in a hundred cases; a few of a kind will do, if
        they come out the same.
        """
        results = results.copy()
        believed: list[int] = []
        again: list[int] = []
        seen: Counter[str] = Counter()
        for index, result in enumerate(results):
            blocked = result.verdict is Verdict.BLOCKED and result.record is not None
            if blocked:
                again.append(index)
            elif result.verdict in (Verdict.FAIL, Verdict.WARN):
                kinds = _kinds_of(result)
                enough = any(seen[kind] >= most for kind, most in kinds.items())
                (believed if enough else again).append(index)
                seen.update(kinds.keys())
        doubtful = self._repeat_these(results, again, pool)
        rest = [index for index in believed if doubtful.intersection(_kinds_of(results[index]))]
        self._repeat_these(results, rest, pool)
        return results

    def _repeat_these(
        self, results: list[Result], indices: Sequence[int], pool: ThreadPoolExecutor
    ) -> set[str]:
        """Try these again; return the kinds of what did not come out the same."""
        before = [results[index] for index in indices]
        again = self._run_all(self._try_again, before, pool)
        for index, result in zip(indices, again, strict=True):
            results[index] = result
        flaky = [
            (index, first)
            for index, first in zip(indices, before, strict=True)
            if results[index].verdict is Verdict.FLAKY
        ]
        for index, first in flaky[:_MOST_ALONE]:
            results[index] = self._try_alone(first, results[index])
        changed = [
            first
            for index, first in zip(indices, before, strict=True)
            if results[index].verdict is not first.verdict
        ]
        return {kind for first in changed for kind in _kinds_of(first)}

    def _try_again(self, first: Result) -> Result:
        with self._places:
            return self._confirm(first)

    def _confirm(self, first: Result) -> Result:
        lingers = any(isinstance(step, Probe) for step in first.case.steps[-1:])
        second = self._try(first.case, self._patience(_REPEAT_TIMEOUT), lingers=lingers)
        if first.verdict is Verdict.BLOCKED:
            return second
        if second.verdict is first.verdict:
            return second._replace(repeats="2/2")
        if first.record is not None and first.record.timeouts:
            return second  # it only took longer
        if {finding.requirement for finding in first.findings if _is_bad(finding)} == {_RESET}:
            return second  # whether a reset overtakes a Close is a matter of luck
        third = self._try(first.case, self._patience(_REPEAT_TIMEOUT), lingers=lingers)
        if third.verdict is second.verdict is Verdict.PASS:
            note = "once in three times: " + first.findings[0].message
            return first._replace(verdict=Verdict.FLAKY, note=note, repeats="1/3")
        verdict = Verdict.FLAKY if third.verdict is not second.verdict else second.verdict
        return second._replace(verdict=verdict, repeats="2/3")

    def _try_alone(self, first: Result, flaky: Result) -> Result:
        """Try once more what was bad now and then, while no other connection is there.

        A server that mixes up its connections fails by turns in the company of others.
        """
        alone = [self._try(first.case, self._patience(_REPEAT_TIMEOUT)) for _time in range(2)]
        if all(result.verdict is first.verdict for result in alone):
            return alone[0]._replace(repeats="2/2 alone")
        return flaky

    def _blame(self, done: list[Result]) -> list[Result]:
        """Say in which of these cases the server stopped serving; block the ones behind it."""
        self._problem = "the server does not serve any more"
        ran = [index for index, result in enumerate(done) if result.verdict is not Verdict.SKIP]
        reached = [
            index
            for index in ran
            if (record := done[index].record) is not None and not record.unreachable
        ]
        if not reached:
            return done
        last = max(reached, key=lambda index: (done[index].verdict is not Verdict.BLOCKED, index))
        blamed = done[last]
        finding = fail("RFC6455-10.7-01", "behind this case the server does not serve any more")
        self._problem += f", since {blamed.case.id}"
        results = list(done)
        results[last] = blamed._replace(
            verdict=Verdict.FAIL, findings=(finding, *blamed.findings), note=""
        )
        return results

    # What no server may ever do

    def _look_at(self, record: Record) -> None:
        """Let the oracle judge a record, and keep what it finds."""
        for one in (record, *record.others):
            findings = judge_server(one)
            with self._lock:
                self._seen += 1
                for finding in findings:
                    self._watched.setdefault(finding.requirement, []).append((finding, one))

    def _watch(self, results: Sequence[Result]) -> list[Result]:
        """Give the findings of the oracle to the cases that stand for them."""
        for record in self._control_records:
            self._look_at(record)
        return [
            self._with_findings(result) if result.case.watches else result for result in results
        ]

    def _with_findings(self, result: Result) -> Result:
        """Return a result together with what the oracle has found about its requirements."""
        found = [
            (finding, record)
            for name in result.case.requirements
            for finding, record in self._watched.get(name, ())
        ]
        if not found:
            return result
        order = list(Verdict).index
        # Rather in the case's own conversation, since that can be had again by its name.
        found.sort(
            key=lambda pair: (
                order(pair[0].verdict),
                pair[1] is not result.record,
                len(pair[1].sent),
            )
        )
        distinct = tuple(dict.fromkeys(finding for finding, _record in found))
        finding, record = found[0]
        replay = ""
        if record is not result.record:
            replay = token_of(
                case_of_recording(record, requirement=finding.requirement), finding.requirement
            )
        return result._replace(
            verdict=worst([result.verdict, finding.verdict]),
            findings=distinct[:_MOST_FINDINGS],
            record=record,
            note="",
            replay=replay,
            repeats=f"in {len(found)} of {self._seen} conversations",
        )

    # Generated conversations

    def _run_generated(self, results: Sequence[Result]) -> list[Result]:
        """Look for what the cases have not found."""
        from .generated import generate  # Hypothesis takes a while to import

        self._listener.enters("generated conversations")
        known = {
            finding.requirement
            for result in results
            for finding in result.findings
            if finding.verdict in (Verdict.FAIL, Verdict.WARN)
        }

        def talk(steps: tuple[Step, ...], patient: bool) -> Record:
            least = _REPEAT_TIMEOUT if patient else _FIRST_TIMEOUT
            record = self._converse(steps, self._patience(least))
            self._look_at(record)
            return record

        deflate = self._control_records[-1].deflate if self._facts.deflates else None
        return generate(talk, self._facts, deflate, self._options, self._seed, known)


def _has_company(case: Case) -> bool:
    """Whether a case has several connections at the same time."""
    return any(isinstance(step, Crowd) for step in case.steps)


def _case_of(subject: Case | Result) -> Case:
    return subject if isinstance(subject, Case) else subject.case


def _kinds_of(result: Result) -> dict[str, int]:
    """Return of which kinds a bad result is, and how many of each kind are enough."""
    if result.record is None or not result.findings:
        return {}
    requirement = result.findings[0].requirement
    if not result.record.timeouts:
        return {f"{result.verdict} {requirement}": _QUICK_CONFIRMATIONS}
    kinds = (_waits_for(result.case, result.record), requirement)
    return dict(zip(kinds, _CONFIRMATIONS, strict=True))


def _is_bad(finding: Finding) -> bool:
    return finding.verdict in (Verdict.FAIL, Verdict.WARN)


def _kinds(case: Case) -> list[str]:
    """Return what the steps of a case wait for."""
    kinds: list[str] = []
    for step in case.steps:
        if isinstance(step, Await):
            kinds.append(step.what)
        elif isinstance(step, Probe):
            kinds.append("probe")
        elif isinstance(step, Open):
            kinds.append("opening")
    return kinds


def _waits_for(case: Case, record: Record) -> str:
    """Return what a case has waited for in vain."""
    step = case.steps[record.timeouts[0]]
    if isinstance(step, Await):
        return step.what
    return "opening" if isinstance(step, Open) else "probe"
