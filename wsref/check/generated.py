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
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.errors import HypothesisException

from ..protocol.connection import Connection
from ..protocol.deflate import DeflateParameters, DeflatePolicy
from ..protocol.events import Binary, Closing, ProtocolError, Text
from ..protocol.limits import Limits
from ..protocol.opcode import BINARY, CLOSE, CONTINUATION, TEXT
from ..testing import Conversation, conversations
from .catalogue import Case, Facts
from .conversation import Await, Open, Probe, Send, Step
from .judgements import closes, echoes, fails, messages_of
from .opening import PLAIN, compressing
from .options import Options
from .record import Record
from .report import Result
from .tokens import token_of
from .verdicts import Finding, Verdict, fail, info, warn, worst

__all__ = ["Converse", "generate"]

#: Has a conversation with the server; the flag asks for more patience.
Converse: TypeAlias = Callable[[tuple[Step, ...], bool], Record]

_Delivery: TypeAlias = Literal["frame by frame", "in one segment", "byte by byte"]

_LIMITS: Final = Limits(message_size=1 << 24)
_REPEATS: Final = 3

#: What is an offence by a strict reading only, or may be taken leniently.
_LENIENT: Final = {
    "RFC6455-5.2-11": warn,
    "RFC6455-5.2-12": warn,
    "RFC6455-7.4.2-02": warn,
    "RFC6455-7.4.2-06": warn,
    "RFC7692-7.2.2-14": info,
}
#: Status codes that fit, beside the reference's own.
_TOLERATED: Final = {
    "RFC6455-5.2-09": (1009,),
    "RFC6455-5.5.1-03": (1007,),
    "RFC6455-5.5.1-05": (1002, 1007),
    "RFC7692-7.2.2-02": (1002, 1003, 1007, 1011),
    "RFC7692-7.2.2-03": (1002, 1003, 1007, 1011),
    "RFC7692-7.2.2-04": (1002, 1003, 1007, 1011),
}
_UTF8: Final = ("RFC6455-8.1-01", "RFC6455-8.1-02", "RFC6455-8.1-03")
_CUT_OFF: Final = "RFC7692-7.2.2-04"
#: Stands for all faults of legal conversations while one of them is made smaller.
_LEGAL: Final = "RFC6455-6.2-01"
_TOO_BIG: Final = (1008, 1009)


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
        plain = conversations()
        drawn = st.builds(_Drawn, plain, st.none(), _deliveries())
        if deflate is not None:
            squeezed = st.builds(
                _Drawn, conversations(deflate=deflate), st.just(deflate), _deliveries()
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
        best: _Drawn | None = None
        runs = 0
        shrinking_ends = 0.0

        @seed(self._seed + len(self._known))
        @settings(
            max_examples=left,
            database=_database(self._options.database),
            deadline=None,
            verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
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
            if looking_for in broken:
                if best is None or drawn.size <= best.size:
                    best = drawn
                raise _Found

        with suppress(_Found, HypothesisException, BaseExceptionGroup):
            talk()
        if best is None or first is None:
            return None
        self._known.add(looking_for)
        return _Fault(looking_for, best, first, runs)

    def _shows(self, drawn: _Drawn, requirement: str) -> bool:
        """Whether *drawn* shows the fault again, with more patience."""
        findings = self.findings(drawn, patient=True)
        return any(one.requirement == requirement and _is_bad(one) for one in findings)

    def findings(self, drawn: _Drawn, *, patient: bool) -> list[Finding]:
        """Have a conversation and judge it."""
        steps, judge = _plan(drawn)
        self.last = record = self._converse(steps, patient)
        if not record.is_open or record.deflate != drawn.deflate:
            return []
        return list(judge(record, self._facts))


def _deliveries() -> st.SearchStrategy[_Delivery]:
    deliveries: list[_Delivery] = ["frame by frame", "in one segment", "byte by byte"]
    return st.sampled_from(deliveries)


def _database(directory: str | None) -> DirectoryBasedExampleDatabase | None:
    return None if directory is None else DirectoryBasedExampleDatabase(directory)


def _phases(shrink: bool) -> list[Phase]:
    return [Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if shrink else [])]


def _is_bad(finding: Finding) -> bool:
    return finding.verdict in (Verdict.FAIL, Verdict.WARN)


# What the reference makes of a conversation


class _Expected(NamedTuple):
    """What the reference makes of a conversation.

    Attributes:
        contents: the messages it received.
        violation: the clause it fails the connection for; empty if it does not.
        status_code: what it closes with then.
        closing: whether it was asked to close.
    """

    contents: tuple[tuple[int, bytes], ...]
    violation: str
    status_code: int
    closing: bool


def _reference(drawn: _Drawn) -> _Expected:
    """Feed the reference server what the live one is sent."""
    offer = ""
    policy: DeflatePolicy | None = None
    if drawn.deflate is not None:
        offer = f"Sec-WebSocket-Extensions: {_OFFER}\r\n"
        policy = DeflatePolicy(*drawn.deflate)
    request = (
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n"
    )
    server = Connection.listen(limits=_LIMITS).receive(request.encode()).connection
    server = server.accept(deflate=policy).connection
    contents: list[tuple[int, bytes]] = []
    violation, code, closing = "", 0, False
    for event in server.receive(drawn.conversation.data).events:
        if isinstance(event, Text):
            contents.append((TEXT, event.text.encode()))
        elif isinstance(event, Binary):
            contents.append((BINARY, event.data))
        elif isinstance(event, ProtocolError):
            violation, code = event.clause, event.code
        elif isinstance(event, Closing):
            closing = True
    return _Expected(tuple(contents), violation, code, closing)


_OFFER: Final = "permessage-deflate; client_max_window_bits"

_Judge: TypeAlias = Callable[[Record, Facts], "list[Finding]"]


def _plan(drawn: _Drawn) -> tuple[tuple[Step, ...], _Judge]:
    """Return how to have a conversation, and how to judge it."""
    expected = _reference(drawn)
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
        steps.append(Probe())
    else:
        if expected.contents:
            steps.append(Await("messages", len(expected.contents)))
        steps.append(Probe())
    return tuple(steps), _judge(drawn, expected)


def _judge(drawn: _Drawn, expected: _Expected) -> _Judge:
    """Return what judges the record of a conversation."""
    if expected.violation:
        if not _must_be_noticed(drawn, expected):
            return lambda record, facts: []
        clause = expected.violation
        illegal = drawn.conversation.illegal
        tolerated = [*_TOLERATED.get(clause, ())]
        if illegal is not None:
            tolerated += illegal.status_codes
        judge = fails(
            clause,
            expected.status_code,
            tolerated=tolerated,
            gravity=_LENIENT.get(clause, fail),
            echo=expected.contents,
        )
    elif drawn.conversation.illegal is not None:
        return lambda record, facts: []  # it would only show when the message ends
    elif expected.closing:
        judge = closes("RFC6455-5.5.1-10")
    else:
        judge = echoes(_LEGAL, *expected.contents)

    def judged(record: Record, facts: Facts) -> list[Finding]:
        if record.close_code in _TOO_BIG:
            return []  # limits are the server's own affair
        if (
            expected.violation == _CUT_OFF
            and not messages_of(record, facts)[len(expected.contents) :]
        ):
            return []  # silence will do (RFC 7692 §7.2.2)
        return list(judge(record, facts))

    return judged


def _must_be_noticed(drawn: _Drawn, expected: _Expected) -> bool:
    """Whether a server has to notice the violation as early as the reference does.

    Invalid UTF-8 need only be noticed when the message ends (RFC 6455 §8.1).
    """
    if expected.violation not in _UTF8:
        return True
    items = drawn.conversation.items
    position = next((index for index, item in enumerate(items) if item.clauses), 0)
    for item in items[position:]:
        frame = item.frame
        if frame.opcode in (CONTINUATION, TEXT) and frame.fin:
            return True
        if frame.opcode == CLOSE:
            return False
    return False


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
        (_LEGAL,),
        "Whatever is said, the server answers as it may.",
        (),
        lambda record, facts: (),
    )
    verdict = Verdict.PASS if search.examples else Verdict.SKIP
    return Result(case, verdict, note=f"{search.examples} conversations")
