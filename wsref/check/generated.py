"""Generated conversations: what nobody thought of when the cases were written.

Hypothesis draws conversations from :mod:`wsref.testing`: legal ones, and ones with one frame that
breaks a requirement.  Each is had with the live server and with the reference: a
:class:`~wsref.protocol.connection.Connection` in the server's role, fed the same bytes.  What the
reference makes of them is what any server may make of them, as far as the RFCs
leave no choice; where they do leave one, both are right.

A conversation that shows a fault is made smaller, on fresh connections, as long as it still
shows a fault of the same requirement; then it is repeated three times.  The fewest bytes are what
is reported.  Faults of different requirements are told apart, since the search goes on
for what is not known yet.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final, Literal, NamedTuple, TypeAlias

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase
from hypothesis.errors import HypothesisException

from ..protocol.deflate import DeflateParameters
from ..testing import BINARY, Conversation, conversations
from .catalogue import Case, Facts, Judge
from .conversation import Await, Open, Pause, Probe, Send, Step
from .judgements import says_nothing
from .opening import PLAIN, compressing
from .options import Options
from .record import Record
from .reference import COMPRESSED, LEGAL, Expected, expected_of, judge_frames
from .report import Result
from .tokens import token_of
from .verdicts import Finding, Verdict, warn, worst

__all__ = ["Converse", "generate"]

#: Has a conversation with the server; the flag asks for more patience.
Converse: TypeAlias = Callable[[tuple[Step, ...], bool], Record]

_Delivery: TypeAlias = Literal["frame by frame", "in one segment", "byte by byte"]

_REPEATS: Final = 3
#: Limits are a server's own affair, so these messages are small; there are cases about large ones.
_MAX_PAYLOAD: Final = 1000


class _Drawn(NamedTuple):
    """A conversation, and how to deliver it.

    Attributes:
        conversation: what to say.
        deflate: what has to be agreed on for that; None for no extension.
        delivery: how the bytes are cut into segments.
    """

    conversation: Conversation
    deflate: DeflateParameters | None
    delivery: _Delivery

    @property
    def has_binary(self) -> bool:
        """Whether there is a binary message in it."""
        return any(item.frame.opcode == BINARY for item in self.conversation.items)

    @property
    def size(self) -> tuple[int, int]:
        """What is to be made smaller: first the number of frames, then that of bytes."""
        return len(self.conversation.items), len(self.conversation.data)

    @property
    def in_words(self) -> str:
        """The size, for people."""
        frames, size = self.size
        return f"{frames} frame{'s' * (frames != 1)} / {size} bytes"


class _Found(Exception):
    """The conversation shows the fault that is being looked for."""


class _Fault(NamedTuple):
    """A fault and the smallest conversation that shows it."""

    requirement: str
    drawn: _Drawn
    first: _Drawn
    runs: int


def generate(
    converse: Converse,
    facts: Facts,
    deflate: DeflateParameters | None,
    options: Options,
    run_seed: int,
    known: Collection[str],
) -> list[Result]:
    """Look for faults with generated conversations.

    Args:
        converse: has a conversation with the server.
        facts: what is known about it.
        deflate: what it answers to a plain offer; None if it does not compress.
        options: how many conversations, for how long, whether to shrink.
        run_seed: what the conversations follow from.
        known: requirements that are known to be broken, not to be looked for.

    Returns:
        A result for every fault that was found; one with PASS if there was none.
    """
    search = _Search(converse, facts, deflate, options, run_seed, set(known))
    faults: list[_Fault] = []
    while (fault := search.next_fault()) is not None:
        faults.append(fault)
    results = [_result(fault, search) for fault in faults]
    if not results:
        results.append(_nothing_found(search))
    return results


class _Search:
    """The search for faults: draws, talks, judges, remembers."""

    def __init__(
        self,
        converse: Converse,
        facts: Facts,
        deflate: DeflateParameters | None,
        options: Options,
        run_seed: int,
        known: set[str],
    ) -> None:
        self._converse = converse
        self._facts = facts
        self._options = options
        self._seed = run_seed
        self._known = known
        self._ends = time.monotonic() + options.max_time
        self.examples = 0
        self.last: Record | None = None
        plain = conversations(max_payload=_MAX_PAYLOAD)
        drawn = st.builds(_Drawn, plain, st.none(), _deliveries())
        if deflate is not None:
            squeezed = st.builds(
                _Drawn,
                conversations(deflate=deflate, max_payload=_MAX_PAYLOAD),
                st.just(deflate),
                _deliveries(),
            )
            drawn = st.one_of(drawn, squeezed)
        self._strategy = drawn

    def next_fault(self) -> _Fault | None:
        """Find another fault, make it small, and remember it; None if time or examples are up."""
        left = self._options.max_examples - self.examples
        if left <= 0 or time.monotonic() >= self._ends:
            return None
        looking_for = ""
        first: _Drawn | None = None
        best: tuple[_Drawn, str] | None = None
        runs = 0
        shrinking_ends = 0.0

        @seed(self._seed + len(self._known))
        @settings(
            max_examples=left,
            database=_database(self._options.database),
            deadline=None,
            verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType]
            phases=_phases(self._options.shrink),
            print_blob=False,
        )
        @given(self._strategy)
        def talk(drawn: _Drawn) -> None:
            nonlocal looking_for, first, best, runs, shrinking_ends
            now = time.monotonic()
            if now >= (shrinking_ends if looking_for else self._ends):
                return
            self.examples += not looking_for
            runs += bool(looking_for)
            findings = self.findings(drawn, patient=False)
            broken = [one.requirement for one in findings if _is_bad(one)]
            if not looking_for:
                new = [name for name in broken if name not in self._known]
                if not new or not self._shows(drawn, new[0]):
                    return
                looking_for, first = new[0], drawn
                shrinking_ends = time.monotonic() + self._options.max_time
            same = [name for name in broken if _will_do(name, looking_for)]
            if same:
                if best is None or drawn.size <= best[0].size:
                    best = drawn, same[0]
                raise _Found

        with suppress(_Found, HypothesisException, BaseExceptionGroup):
            talk()
        if best is None or first is None:
            return None
        drawn, requirement = best
        self._known |= {LEGAL, COMPRESSED} if requirement == LEGAL else {looking_for, requirement}
        return _Fault(requirement, drawn, first, runs)

    def _shows(self, drawn: _Drawn, requirement: str) -> bool:
        """Whether *drawn* shows the fault again, with more patience."""
        findings = self.findings(drawn, patient=True)
        return any(one.requirement == requirement and _is_bad(one) for one in findings)

    def findings(self, drawn: _Drawn, *, patient: bool) -> list[Finding]:
        """Have a conversation and judge it."""
        if not self._facts.takes_binary and drawn.has_binary:
            return []
        steps, judge = _plan(drawn)
        self.last = record = self._converse(steps, patient)
        if not record.is_open or record.deflate != drawn.deflate:
            return []
        return list(judge(record, self._facts))


def _deliveries() -> st.SearchStrategy[_Delivery]:
    deliveries: list[_Delivery] = ["frame by frame", "in one segment", "byte by byte"]
    return st.sampled_from(deliveries)


def _database(directory: str | None) -> ExampleDatabase | None:
    return None if directory is None else DirectoryBasedExampleDatabase(directory)


def _phases(shrink: bool) -> list[Phase]:
    return [Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if shrink else [])]


def _is_bad(finding: Finding) -> bool:
    return finding.verdict in (Verdict.FAIL, Verdict.WARN)


def _will_do(requirement: str, looking_for: str) -> bool:
    """Whether breaking a requirement may be due to the fault that is looked for.

    What a server makes of compressed messages need not be about compression: where a
    conversation without them shows a fault as well, it is the smaller one.
    """
    return requirement == looking_for or (requirement, looking_for) == (LEGAL, COMPRESSED)


# Having a conversation


def _plan(drawn: _Drawn) -> tuple[tuple[Step, ...], Judge]:
    """Return how to have a conversation, and how to judge it."""
    expected = expected_of(drawn.conversation.data, drawn.deflate)
    opening = PLAIN if drawn.deflate is None else compressing("client_max_window_bits")
    steps: list[Step] = [Open(opening)]
    items = drawn.conversation.items
    if drawn.delivery == "in one segment":
        note = "; ".join(item.frame.description for item in items)
        steps.append(Send(drawn.conversation.data, note))
    else:
        for item in items:
            bytewise = drawn.delivery == "byte by byte" and len(item.data) < 140
            steps.append(Send(item.data, item.frame.description, bytewise=bytewise))
    if expected.closing:
        steps.append(Await("end"))
    elif expected.violation:
        steps += [Pause(), Probe(), Pause()]  # it may answer a Ping, and fail a moment later
    else:
        if expected.contents:
            steps.append(Await("messages", len(expected.contents)))
        steps.append(Probe())
    return tuple(steps), _judge(drawn, expected)


def _judge(drawn: _Drawn, expected: Expected) -> Judge:
    """Return what judges the record of a conversation."""
    illegal = drawn.conversation.illegal
    if illegal is not None and not expected.violation:
        return says_nothing  # it would only show when the message ends
    return judge_frames(expected, tolerated=() if illegal is None else illegal.status_codes)


# Results


def _result(fault: _Fault, search: _Search) -> Result:
    """Repeat a fault three times, and report it."""
    steps, judge = _plan(fault.drawn)
    shown: tuple[Finding, ...] = ()
    record: Record | None = None
    times = 0
    for _repeat in range(_REPEATS):
        found = search.findings(fault.drawn, patient=True)
        bad = [one for one in found if _is_bad(one) and one.requirement == fault.requirement]
        times += bool(bad)
        if bad or record is None:
            shown, record = tuple(bad) or shown, search.last
    verdict = worst([one.verdict for one in shown])
    note = ""
    if times < _REPEATS:
        verdict = Verdict.FLAKY
        note = f"seen {times} times of {_REPEATS} when repeated"
    first = fault.first.in_words
    frames = fault.drawn.in_words
    shrunk = f"from {first} to {frames} in {fault.runs} runs, {fault.drawn.delivery}"
    case = Case(
        f"generated/{fault.requirement}",
        (fault.requirement,),
        "; ".join(item.frame.description for item in fault.drawn.conversation.items),
        steps,
        judge,
    )
    return Result(
        case,
        verdict,
        shown or (warn(fault.requirement, "it was seen once, and not when repeated"),),
        record,
        note,
        repeats=f"{times}/{_REPEATS}",
        shrunk=shrunk,
        replay=token_of(case, fault.requirement),
    )


def _nothing_found(search: _Search) -> Result:
    case = Case(
        "generated/conversations",
        (LEGAL,),
        "Whatever is said, the server answers as it may.",
        (),
        says_nothing,
    )
    verdict = Verdict.PASS if search.examples else Verdict.SKIP
    return Result(case, verdict, note=f"{search.examples} conversations")
