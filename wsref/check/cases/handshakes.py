"""Conversations and judges for cases about the opening handshake (RFC 6455 §4.2).

A request that is right, however oddly it is written, has to be accepted, and the connection has to
work afterwards: :func:`accepting`.  One that is wrong has to be refused by an HTTP error:
:func:`refusing`.  Where a server may do either, :func:`bearing` only wants it to do one of them
properly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ...protocol.frames import Frame, parse_frame
from ...protocol.opcode import BINARY, CLOSE, PING, PONG, TEXT
from ..catalogue import Case, Facts, Judge, Need, case
from ..conversation import Open, Send, Step, text
from ..judgements import Gravity, answer_of, echoes
from ..opening import Change, Opening
from ..record import Record
from ..verdicts import Finding, fail, info, warn
from .patterns import accepted

__all__ = [
    "accepting",
    "bearing",
    "does_either",
    "opened_by",
    "refused_properly",
    "refuses_request",
    "refusing",
    "works",
]

_HELLO: Final = b"Hello"
_ECHO: Final = echoes("RFC6455-4.2.2-01", (TEXT, _HELLO))

#: What a server has to do who does not want a request.
_REFUSE: Final = "RFC6455-4.2.1-01"
_STATUS: Final = "RFC6455-10.7-04"
_NO_FRAMES: Final = "RFC6455-7.2.2-01"


def opened_by(*changes: Change, bytewise: bool = False) -> tuple[Step, ...]:
    """Return a conversation that opens with a changed request, and then has a message echoed."""
    hello = Send(text(_HELLO), "a text message")
    _open, *rest = accepted(hello)
    return (Open(Opening(changes), bytewise=bytewise), *rest)


def works(requirement: str, *, gravity: Gravity = fail) -> Judge:
    """Want the request of :func:`opened_by` to be accepted, and the connection to work."""

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        if not record.is_open:
            yield gravity(requirement, f"{answer_of(record)}, where 101 was wanted")
            return
        for finding in _ECHO(record, facts):
            yield gravity(requirement, f"after the 101: {finding.message}")

    return judge


def refuses_request(
    requirement: str,
    *,
    gravity: Gravity = fail,
    page: bool = False,
    may_wait: bool = False,
    without_status: Gravity = info,
) -> Judge:
    """Want a request to be refused: by an HTTP error, or at least by the end of TCP.

    Args:
        requirement: the clause that the request breaks.
        gravity: how bad it is to accept.
        page: whether the request makes sense to an HTTP server that knows no WebSocket, so that
            an ordinary page is an answer as well.
        may_wait: whether a server may be waiting for the end of the request.
        without_status: how bad it is to end TCP without an HTTP status.
    """

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        del facts
        if record.is_open:
            yield gravity(requirement, "the handshake was accepted with 101")
        else:
            yield from refused_properly(
                record, page=page, may_wait=may_wait, without_status=without_status
            )

    return judge


def refused_properly(
    record: Record, *, page: bool = False, may_wait: bool = False, without_status: Gravity = info
) -> Iterator[Finding]:
    """Judge how a request was refused; the arguments are those of :func:`refuses_request`."""
    frame = _frame_in_refusal(record)
    if frame:
        yield fail(_NO_FRAMES, f"there is a frame in the refusal: {frame[:16].hex(' ')}")
    elif record.response is None:
        if record.has_ended:
            yield without_status(_STATUS, f"{answer_of(record)}, without an HTTP status")
        elif may_wait:
            yield info(_STATUS, "no answer; the server may be waiting for more")
        else:
            yield fail(_REFUSE, "no answer, and the connection stays open")
    elif record.status is None and may_wait and record.has_ended:
        yield info(_REFUSE, f"{answer_of(record)}, as before there was HTTP/1.0")
    elif record.status is None or not 200 <= record.status <= 599:
        yield warn(_REFUSE, f"{answer_of(record)}, which is no HTTP error")
    elif record.status < 300 and not page:
        yield warn(_REFUSE, f"{answer_of(record)}; an HTTP error such as 400 was wanted")
    elif record.status >= 500 and record.status not in (501, 505):
        yield info(_REFUSE, f"{answer_of(record)}; 400 would fit better")


def does_either(
    requirement: str, *, gravity: Gravity | None = None, may_wait: bool = False
) -> Judge:
    """Want a request of :func:`opened_by` to be accepted so that it works, or to be refused.

    Args:
        requirement: the clause it is about.
        gravity: what it is worth to say that it is refused; None for nothing.
        may_wait: whether a server may be waiting for the end of the request.
    """
    accepted_well = works(requirement)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        if record.is_open:
            yield from accepted_well(record, facts)
            return
        findings = list(refused_properly(record, page=True, may_wait=may_wait))
        if gravity is not None and not findings:
            findings.append(gravity(requirement, f"it is not accepted: {answer_of(record)}"))
        yield from findings

    return judge


def accepting(
    case_id: str,
    requirement: str | tuple[str, ...],
    title: str,
    *changes: Change,
    gravity: Gravity = fail,
    judge: Judge | None = None,
    bytewise: bool = False,
    needs: Iterable[Need] = (),
) -> Case:
    """Return a case about a request that has to be accepted."""
    first = requirement if isinstance(requirement, str) else requirement[0]
    return case(
        case_id,
        requirement,
        title,
        opened_by(*changes, bytewise=bytewise),
        judge or works(first, gravity=gravity),
        opens=False,
        needs=needs,
    )


def refusing(
    case_id: str,
    requirement: str | tuple[str, ...],
    title: str,
    *changes: Change,
    gravity: Gravity = fail,
    page: bool = False,
    may_wait: bool = False,
    judge: Judge | None = None,
) -> Case:
    """Return a case about a request that has to be refused."""
    first = requirement if isinstance(requirement, str) else requirement[0]
    return case(
        case_id,
        requirement,
        title,
        (Open(Opening(changes)),),
        judge or refuses_request(first, gravity=gravity, page=page, may_wait=may_wait),
        opens=False,
    )


def bearing(
    case_id: str,
    requirement: str | tuple[str, ...],
    title: str,
    *changes: Change,
    gravity: Gravity | None = None,
    may_wait: bool = False,
) -> Case:
    """Return a case about a request that may be accepted or refused."""
    first = requirement if isinstance(requirement, str) else requirement[0]
    return case(
        case_id,
        requirement,
        title,
        opened_by(*changes),
        does_either(first, gravity=gravity, may_wait=may_wait),
        opens=False,
    )


# Frames where there must be none


def _frame_in_refusal(record: Record) -> bytes:
    """Return the frames that follow an HTTP error, or come instead of it; nothing if none do."""
    behind = record.received[len(record.head) :]
    response = record.response
    if response is not None and response.get("Content-Encoding") is not None:
        return b""  # its body may look like anything
    for start, octet in enumerate(behind):
        if octet >= 0x80 and _is_frames(behind[start:]):
            return behind[start:]
    return b""


def _is_frames(data: bytes) -> bool:
    """Whether bytes are whole frames that a server could mean, to the last."""
    position = 0
    while position < len(data):
        parsed = parse_frame(data, position)
        if parsed is None:
            return False
        frame, position = parsed
        if not _is_plausible(frame):
            return False
    return True


def _is_plausible(frame: Frame) -> bool:
    header, payload = frame
    if not header.fin or header.rsv1 or header.rsv2 or header.rsv3:
        return False
    if header.opcode == CLOSE:
        return not payload or 1000 <= int.from_bytes(payload[:2], "big") <= 4999
    return header.opcode in (TEXT, BINARY, PING, PONG)
