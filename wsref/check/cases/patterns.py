"""Conversations and judges that many cases share.

A conversation ends in a :class:`~..conversation.Probe`, which has to be answered or must not be.
Where a server may refuse something for another reason than the one that a case is about (it
takes no binary messages, or none of that size) the conversation begins with something that
would be refused for that reason alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ...protocol.opcode import BINARY, CONTINUATION
from ..catalogue import Facts, Judge
from ..conversation import Await, Open, Pause, Probe, Send, Step, binary, frame, ping
from ..judgements import Gravity, close_of, fails, goes_on, messages_of
from ..opening import PLAIN, Opening
from ..record import Record
from ..verdicts import Finding, Verdict, fail, info, skip

__all__ = [
    "BAD_CLOSE_CODE",
    "BINARY_ECHO",
    "LIMIT_CODES",
    "MOMENT",
    "TYPE_CODES",
    "accepted",
    "accepted_binary",
    "answers_each",
    "bears",
    "behind_twin",
    "fails_unanswered",
    "forgives_reset",
    "had_enough",
    "if_binary",
    "pings_one_by_one",
    "rejects_close",
    "shown",
    "twin_content",
    "twin_of",
    "rejected",
    "rejected_late",
    "up_to_limit",
]

#: The status code in Closes that have to be rejected: whoever repeats it has not done so.
BAD_CLOSE_CODE: Final = 4321

#: Time to close TCP at what came last, so that what comes next is not left unread.
MOMENT: Final = Pause()

#: The status codes by which a server leaves in order, and how many messages it has to bear.
_GOODBYES: Final = (1000, 1001, 1008, 1012, 1013)
_SEVERAL: Final = 10

#: Time for an application to take a message, and to find that it is not valid.
_LATE: Final = Pause(20)

_SMALL: Final = b"\x00"
#: The echo of what :func:`accepted_binary` begins with.
BINARY_ECHO: Final = (BINARY, _SMALL)
_BINARY_PROBE: Final = 3  # the index of its step

_TWIN_PROBE: Final = 3  # likewise

#: The status codes for messages that are too large, or of a type that does not suit.
LIMIT_CODES: Final = (1008, 1009)
TYPE_CODES: Final = (1003, 1008)


def accepted(*steps: Step, messages: int = 1, opening: Opening = PLAIN) -> tuple[Step, ...]:
    """Return a conversation that the server has to go on with.

    Args:
        steps: what is said.
        messages: how many messages that is; they are waited for.
        opening: the opening handshake.
    """
    echo = (Await("messages", messages),) if messages else ()
    return (Open(opening), *steps, *echo, Probe())


def rejected(*steps: Step, opening: Opening = PLAIN) -> tuple[Step, ...]:
    """Return a conversation that has to fail the connection."""
    return (Open(opening), *steps, MOMENT, Probe())


def rejected_late(*steps: Step, opening: Opening = PLAIN) -> tuple[Step, ...]:
    """Return a conversation whose content has to fail the connection.

    Who looks at that when the application takes it may answer the probe first.
    """
    return (*rejected(*steps, opening=opening), _LATE)


def accepted_binary(*steps: Step, messages: int = 1) -> tuple[Step, ...]:
    """Return a conversation that begins with a small binary message.

    There are services that do not take binary messages at all (1003), see :func:`if_binary`.
    """
    return (
        Open(),
        Send(binary(_SMALL), "a binary message of one byte"),
        Await("messages"),
        Probe(),
        *steps,
        Await("messages", messages + 1),
        Probe(),
    )


def if_binary(judge: Judge) -> Judge:
    """Return *judge*, silent where a service takes no binary messages."""

    def judged(record: Record, facts: Facts) -> Iterable[Finding]:
        if not record.answered(_BINARY_PROBE) and refuses_type(record):
            return (skip("the service does not take binary messages"),)
        return judge(record, facts)

    return judged


def refuses_type(record: Record) -> bool:
    """Whether the server ended the connection as one does that a type of data does not suit."""
    if record.closes:
        return record.close_code in TYPE_CODES
    return record.has_ended


def bears(requirement: str, message: str) -> Finding:
    """Say that a server does not bear what a clause lets its peer do: a FAIL, MAY or not."""
    return Finding(Verdict.FAIL, requirement, message)


def behind_twin(twin: Send, *steps: Step, messages: int = 1) -> tuple[Step, ...]:
    """Return a conversation about a large message that begins with one of the same size.

    Args:
        twin: sends a message that differs from the other in what the case is about.
        steps: what is said then.
        messages: how many messages that is.
    """
    return (
        Open(),
        twin,
        Await("messages"),
        Probe(),
        *steps,
        Await("messages", messages + 1),
        Probe(),
    )


def twin_of(opcode: int, length: int) -> Send:
    """Send a message of so many bytes of ASCII, in frames whose length has 16 bits at the most."""
    frames = [
        frame(
            CONTINUATION if start else opcode,
            twin_content(opcode, length)[1][start : start + 65535],
            fin=start + 65535 >= length,
        )
        for start in range(0, length, 65535)
    ]
    many = f" in {len(frames)} fragments" if len(frames) > 1 else ""
    return Send(b"".join(frames), f"{length} bytes of ASCII{many}")


def twin_content(opcode: int, length: int) -> tuple[int, bytes]:
    """Return the message that :func:`twin_of` sends."""
    return opcode, (b"wsref check " * (length // 12 + 1))[:length]


def up_to_limit(judge: Judge, *, has_twin: bool = False) -> Judge:
    """Return *judge*, which accepts that a message is larger than the server takes.

    Args:
        judge: what to want otherwise.
        has_twin: whether the conversation is one of :func:`behind_twin`; if the server ends TCP
            at the twin, be it without a word, its limit is why.
    """

    def judged(record: Record, facts: Facts) -> Iterator[Finding]:
        silently = has_twin and not record.answered(_TWIN_PROBE) and record.has_ended
        if record.close_code in LIMIT_CODES or (silently and not record.closes):
            yield info("RFC6455-10.4-02", "the message is larger than the server takes")
        else:
            yield from judge(record, facts)

    return judged


def had_enough(judge: Judge) -> Judge:
    """Return *judge* for many messages, of which a server may have had enough.

    It has its reasons to say goodbye after some while, for which there are status codes.
    """

    def judged(record: Record, facts: Facts) -> Iterable[Finding]:
        if record.close_code in _GOODBYES and len(record.messages) >= _SEVERAL:
            return (info("RFC6455-7.4.1-01", f"after many messages there was {close_of(record)}"),)
        return judge(record, facts)

    return judged


def forgives_reset(judge: Judge) -> Judge:
    """Return *judge* for a violation with a large payload, of which a part may not be read.

    For that alone the server's operating system resets TCP.
    """

    def judged(record: Record, facts: Facts) -> Iterable[Finding]:
        return [one for one in judge(record, facts) if one.requirement != "RFC6455-7.1.1-01"]

    return judged


def pings_one_by_one(
    *payloads: bytes, key: bytes | None = None, before: Sequence[Step] = ()
) -> tuple[Step, ...]:
    """Return a conversation of Pings, each sent when the one before it has been answered.

    Args:
        payloads: those of the Pings.
        key: the masking key of each.
        before: what is said first.
    """
    pings = (
        step
        for number, payload in enumerate(payloads, 1)
        for step in (
            Send(ping(payload, key=key), f"a Ping of {len(payload)} bytes"),
            Await("pongs", number),
        )
    )
    return (Open(), *before, *pings, Probe())


def answers_each(
    requirement: str, *payloads: bytes, pong_requirement: str = "RFC6455-5.5.2-02"
) -> Judge:
    """Want each Ping to be answered by a Pong that repeats its payload, in order.

    Args:
        requirement: the clause about the payload.
        payloads: those of the Pings, none of which was sent before the last was answered.
        pong_requirement: the clause about answering at all.
    """
    stays_open = goes_on(pong_requirement)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        pongs = [received.payload for received in record.pongs]
        position = 0
        for payload in payloads:
            if payload in pongs[position:]:
                position = pongs.index(payload, position) + 1
                continue
            others = [one for one in pongs if one not in payloads and one not in _probes(record)]
            if others:
                message = f"the Pong has {shown(others[0])}, the Ping had {shown(payload)}"
                yield fail(requirement, message)
            elif payload in pongs:
                yield fail(requirement, f"the Pong with {shown(payload)} came too early")
            elif record.closes or record.has_ended:
                break  # it is not about Pongs
            else:
                clause = pong_requirement if facts.pongs else "RFC6455-5.5.2-02"
                yield fail(clause, f"no Pong repeats {shown(payload)}")
            return
        said = {payload for _opcode, payload in record.sent_contents}
        got = [message.payload for message in messages_of(record, facts)]
        delivered = [one for one in got if one in payloads and one not in said]
        if delivered and facts.echoes:
            yield fail("RFC6455-6.2-02", f"a Ping was echoed as a message: {shown(delivered[0])}")
        yield from stays_open(record, facts)

    return judge


def _probes(record: Record) -> frozenset[bytes]:
    return frozenset(record.probes.values())


def shown(payload: bytes) -> str:
    """Say in a few words what a payload is."""
    dots = " ..." if len(payload) > 16 else ""
    return f"{len(payload)} bytes ({payload[:16].hex(' ')}{dots})" if payload else "no payload"


def fails_unanswered(
    requirement: str,
    *codes: int,
    pong: bytes,
    gravity: Gravity = fail,
    tolerated: Sequence[int] = (),
    echo: Iterable[tuple[int, bytes]] = (),
) -> Judge:
    """Want the server to fail the connection over a Ping, and not to answer that."""
    rest = fails(requirement, *codes, gravity=gravity, tolerated=tolerated, echo=echo)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        findings = list(rest(record, facts))
        answered = any(received.payload == pong for received in record.pongs)
        if answered and all(finding.requirement != requirement for finding in findings):
            yield gravity(requirement, "it was answered by a Pong")
        yield from findings

    return judge


def rejects_close(requirement: str, *, gravity: Gravity = fail) -> Judge:
    """Want the server to fail the connection over a Close that is illegal as a frame.

    It must not be answered as a Close is: by its own status code, or by 1000.
    """
    rest = fails(requirement, gravity=gravity)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        if record.close_code in (1000, BAD_CLOSE_CODE):
            yield gravity(requirement, f"it was answered as if legal: {close_of(record)}")
        else:
            yield from rest(record, facts)

    return judge
