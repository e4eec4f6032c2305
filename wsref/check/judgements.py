"""What a case can want of a server: the judges that cases are made with.

Each function here returns a judge.  Judges say only what their case is about; what no server
may ever do is judged on every record by :mod:`.oracle`.

**Rejections are graded** (RFC 6455 §7.1.7).  To go on as if nothing had happened breaks a
MUST.  Below that, a server may have sent a Close with the fitting status code, with another
one, without any, may have ended TCP without a Close, or reset it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from ..protocol.opcode import BINARY, TEXT, Opcode
from .catalogue import Facts, Judge
from .record import Message, Record
from .verdicts import Finding, Verdict, fail, info, warn

__all__ = [
    "all_of",
    "closes",
    "echoes",
    "fails",
    "goes_on",
    "messages_of",
    "not_worse_than",
    "only_news_between",
    "opens",
    "refuses",
    "says_nothing",
]

#: Of so many echoes the last may still be missing, if others came when so much of the time of
#: the conversation was over.
_MANY: Final = 20
_STILL: Final = 0.8

#: What a frame of the violation deserves, and how grave not rejecting it is.
Gravity = Callable[[str, str], Finding]


def messages_of(record: Record, facts: Facts) -> tuple[Message, ...]:
    """Return the messages that answer something: all but those the server begins with."""
    return record.messages[facts.unasked :]


def all_of(*judges: Judge) -> Judge:
    """Return a judge that says what all of *judges* say."""

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        for one in judges:
            yield from one(record, facts)

    return judge


def not_worse_than(verdict: Verdict, judge: Judge) -> Judge:
    """Return *judge* with findings toned down, where the RFC leaves room (FAIL to *verdict*)."""

    def tone_down(record: Record, facts: Facts) -> Iterator[Finding]:
        for finding in judge(record, facts):
            graver = finding.verdict is Verdict.FAIL
            yield finding._replace(verdict=verdict) if graver else finding

    return tone_down


def says_nothing(record: Record, facts: Facts) -> tuple[Finding, ...]:
    """Judge nothing: the case is there for what the oracle sees in its record."""
    del record, facts
    return ()


# The opening handshake


def opens(requirement: str, *, gravity: Gravity = fail) -> Judge:
    """Want the handshake to be accepted."""

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        del facts
        if not record.is_open:
            yield gravity(requirement, f"{answer_of(record)}, where 101 was wanted")

    return judge


def refuses(
    requirement: str,
    statuses: Sequence[int] = (),
    *,
    gravity: Gravity = fail,
    status_requirement: str = "RFC6455-10.7-04",
) -> Judge:
    """Want the handshake to be refused: any HTTP status but 101, or the end of TCP.

    Args:
        requirement: the clause that wants the refusal.
        statuses: the HTTP status codes that fit; with another one there is an INFO.
        gravity: how bad it is to accept.
        status_requirement: the clause about answering at all, a SHOULD.
    """

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        del facts
        if record.is_open:
            yield gravity(requirement, "the handshake was accepted with 101")
        elif record.response is None and not record.has_ended:
            yield warn(status_requirement, "no answer, and the connection stays open")
        elif record.response is None:
            yield info(status_requirement, "TCP was ended without an HTTP status")
        elif record.status is None or not 200 <= record.status <= 599:
            yield warn("RFC6455-4.2.1-01", f"{answer_of(record)}, which is no HTTP error")
        elif statuses and record.status not in statuses:
            wanted = " or ".join(map(str, statuses))
            yield info("RFC6455-4.2.1-01", f"{answer_of(record)}; {wanted} would fit better")

    return judge


def answer_of(record: Record) -> str:
    """Say in a few words how the opening handshake was answered."""
    if record.response is not None and record.status is None:
        return f"the answer was no HTTP response: {record.head[:24]!r}"
    if record.response is not None:
        status = f"{record.status} {record.response.status}".rstrip()
        return f"the answer was {status!r}"
    if record.was_reset:
        return "TCP was reset instead of an answer"
    if record.has_ended:
        return "TCP was ended instead of an answer"
    return "there was no answer"


# After it


def goes_on(requirement: str, *, gravity: Gravity = fail) -> Judge:
    """Want the connection to go on: the last probe is answered, and nothing is closed."""

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        del facts
        if record.closes:
            yield gravity(requirement, f"the server closed: {close_of(record)}")
        elif record.has_ended:
            yield gravity(requirement, f"the server {end_of(record)}")
        elif record.probes and not record.is_alive:
            yield gravity(requirement, "the Ping behind it was not answered")

    return judge


def echoes(
    requirement: str, *contents: tuple[int, bytes], gravity: Gravity = fail, open_after: bool = True
) -> Judge:
    """Want the connection to go on, and messages to come back in order (if the server echoes).

    Args:
        requirement: the clause.
        contents: opcode and payload of the messages sent.
        gravity: how bad it is if they do not come back.
        open_after: whether the connection has to go on, too.
    """
    stays_open = goes_on(requirement, gravity=gravity)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        if _are_on_their_way(record, facts, contents):
            yield info(requirement, "echoes were still coming in when time was up")
            return
        if open_after:
            problems = list(stays_open(record, facts))
            if problems:
                yield from problems
                return
        if not facts.echoes:
            return
        got = [message.content for message in messages_of(record, facts)]
        if got != list(contents) and not only_news_between(got, contents):
            yield gravity(requirement, _difference(got, contents))

    return judge


def fails(
    requirement: str,
    *codes: int,
    tolerated: Sequence[int] = (),
    gravity: Gravity = fail,
    echo: Iterable[tuple[int, bytes]] = (),
) -> Judge:
    """Want the server to fail the connection (RFC 6455 §7.1.7).

    Args:
        requirement: the clause that wants it.
        codes: the status codes that fit; 1002 if none are given.
        tolerated: further status codes that are no reason for a warning.
        gravity: how bad it is if the connection is not failed.
        echo: messages that may come back before, as they were sent before the violation.
    """
    fitting = codes or (1002,)
    before = list(echo)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        if record.is_alive and _was_noticed_late(record, fitting):
            yield info("RFC6455-7.1.7-07", "a Ping behind it was answered before it was noticed")
        elif record.is_alive:
            yield gravity(requirement, "the connection goes on: the Ping behind it was answered")
            return
        got = [message.content for message in messages_of(record, facts)]
        owed = min(len(before), len(got))
        if got[:owed] == before[:owed]:
            got = got[owed:]
        if got and facts.echoes:
            yield gravity(requirement, f"it was echoed: {_shown(got[0])}")
        if not record.closes and not record.has_ended:
            yield gravity(requirement, "the connection stays open, though nothing is answered")
            return
        yield from _grade(record, fitting, tolerated)

    return judge


def _was_noticed_late(record: Record, fitting: Sequence[int]) -> bool:
    """Whether invalid text failed the connection when the application took it.

    Who reads frames ahead of that answers a Ping behind the text first (RFC 6455 §8.1).
    """
    return 1007 in fitting and record.close_code in fitting


def _grade(record: Record, fitting: Sequence[int], tolerated: Sequence[int]) -> Iterator[Finding]:
    """Grade how a connection was failed."""
    code = record.close_code
    if code is not None and code not in fitting and code not in tolerated:
        wanted = " or ".join(map(str, fitting))
        yield warn("RFC6455-7.1.7-05", f"closed with status code {code}; {wanted} would fit")
    elif record.closes and code is None:
        yield info("RFC6455-7.1.7-05", "closed without a status code")
    elif not record.closes:
        yield info("RFC6455-7.1.7-05", f"the server {end_of(record)} without a Close frame")
    if record.was_reset and not record.closes:
        yield warn("RFC6455-7.1.1-01", "TCP was reset, which would destroy a Close frame")
    elif record.was_reset:  # what it had not read is reason enough for its kernel
        yield info("RFC6455-7.1.1-01", "TCP was reset behind the Close")
    elif not record.has_ended:
        yield fail("RFC6455-7.1.7-03", "a Close was sent, but TCP stays open")


def closes(
    requirement: str,
    *codes: int | None,
    gravity: Gravity = fail,
    needs_end: bool = True,
) -> Judge:
    """Want the closing handshake to be completed: a Close in reply, then the end of TCP.

    Args:
        requirement: the clause that wants it.
        codes: status codes that the reply may have without an INFO; None is a Close
            without one.  Any legal reply will do.
        gravity: how bad it is if there is no reply.
        needs_end: whether to want the end of TCP, too.
    """

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        del facts
        if not record.closes:
            what = end_of(record) if record.has_ended else "sent no Close in reply"
            yield gravity(requirement, f"the server {what}, where a Close in reply was wanted")
            return
        if codes and record.close_code not in codes:
            yield info("RFC6455-5.5.1-12", f"the reply is {close_of(record)}")
        if record.was_reset:
            yield warn("RFC6455-7.1.1-01", "TCP was reset behind the Close, not ended in order")
        elif needs_end and not record.has_ended:
            yield fail("RFC6455-5.5.1-15", "after the exchange of Close frames TCP stays open")

    return judge


def close_of(record: Record) -> str:
    """Say in a few words what the server's Close says."""
    code = record.close_code
    if code is None:
        return "a Close without a status code"
    reason = record.closes[0].payload[2:].decode("utf-8", "replace")
    return f"a Close with {code}" + (f" {reason!r}" if reason else "")


def end_of(record: Record) -> str:
    """Say in a few words how the server ended the connection."""
    return "reset TCP" if record.was_reset else "ended TCP"


def _are_on_their_way(record: Record, facts: Facts, wanted: Sequence[tuple[int, bytes]]) -> bool:
    """Whether a server that has much to echo was about it when the time for that was up."""
    if not record.timeouts or record.has_ended or record.closes:
        return False
    messages = messages_of(record, facts)
    if len(messages) < _MANY or [one.content for one in messages] != list(wanted[: len(messages)]):
        return False
    return messages[-1].time > _STILL * record.duration


def only_news_between(
    got: Sequence[tuple[int, bytes]], wanted: Sequence[tuple[int, bytes]]
) -> bool:
    """Whether the echoes are all there, among messages that the server sends by itself.

    A message that is part of what was sent is no news: it came back once too often.
    """
    rest = list(wanted)
    for content in got:
        if rest and content == rest[0]:
            del rest[0]
        elif any(content[1] in payload for _opcode, payload in wanted):
            return False
    return not rest


def _difference(got: Sequence[tuple[int, bytes]], wanted: Sequence[tuple[int, bytes]]) -> str:
    """Say how the echoes differ from what was sent."""
    for index, content in enumerate(wanted):
        if index >= len(got):
            return f"of {len(wanted)} messages {len(got)} came back; missing: {_shown(content)}"
        if got[index] != content:
            return f"{_shown(content)} came back as {_shown(got[index])}"
    return f"one message more than was sent came back: {_shown(got[len(wanted)])}"


def _shown(content: tuple[int, bytes]) -> str:
    opcode, payload = content
    name = {TEXT: "text", BINARY: "binary"}.get(opcode, Opcode(opcode).name)
    start = payload[:24].decode("latin-1") if payload.isascii() else payload[:16].hex(" ")
    dots = "..." if len(payload) > 24 or (len(payload) > 16 and not payload.isascii()) else ""
    return f"{name} of {len(payload)} bytes ({start!r}{dots})"
