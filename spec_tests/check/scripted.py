"""Records of conversations that never took place: what a server could have answered to a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from wsref.check.catalogue import Case, Facts
from wsref.check.conversation import UNMASKED, Open, Probe, Send, Step, frame
from wsref.check.record import Entry, Kind, Record
from wsref.check.verdicts import Verdict
from wsref.protocol.opcode import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT

__all__ = [
    "ECHOING",
    "NOT_ECHOING",
    "alive",
    "case_of",
    "judged",
    "scripted",
    "server_binary",
    "server_close",
    "server_continuation",
    "server_ping",
    "server_pong",
    "server_text",
    "verdicts",
]

ECHOING = Facts(echoes=True, deflates=False)
NOT_ECHOING = Facts(echoes=False, deflates=False)

_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
_REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
_RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
)


def case_of(cases: Iterable[Case], case_id: str) -> Case:
    """Return the case with this id."""
    return next(case for case in cases if case.id == case_id)


def server_text(payload: bytes | str, *, fin: bool = True) -> bytes:
    """Build a server's text frame."""
    data = payload.encode() if isinstance(payload, str) else payload
    return frame(TEXT, data, fin=fin, key=UNMASKED)


def server_binary(payload: bytes, *, fin: bool = True) -> bytes:
    """Build a server's binary frame."""
    return frame(BINARY, payload, fin=fin, key=UNMASKED)


def server_continuation(payload: bytes, *, fin: bool = True) -> bytes:
    """Build a server's continuation frame."""
    return frame(CONTINUATION, payload, fin=fin, key=UNMASKED)


def server_ping(payload: bytes = b"") -> bytes:
    """Build a server's Ping."""
    return frame(PING, payload, key=UNMASKED)


def server_pong(payload: bytes = b"") -> bytes:
    """Build a server's Pong."""
    return frame(PONG, payload, key=UNMASKED)


def server_close(code: int | None = None) -> bytes:
    """Build a server's Close."""
    return frame(CLOSE, b"" if code is None else code.to_bytes(2, "big"), key=UNMASKED)


def scripted(
    case: Case,
    answers: Mapping[int, bytes] | None = None,
    *,
    end: Literal["fin", "reset"] | None = None,
    probes: bool = True,
    timeouts: Iterable[int] = (),
    extensions: str = "",
) -> Record:
    """Carry out a case without a server.

    Args:
        case: its steps are carried out, all of them, but none behind the end.
        answers: what the server sends during a step, by its index; negative ones count from
            the last step.
        end: how the server ends TCP, if it does: behind the last of its answers.
        probes: whether it answers the probes, those behind the end left out.
        timeouts: the steps that wait in vain.
        extensions: those that the server accepts.
    """
    steps = case.steps
    given = {index % len(steps): data for index, data in (answers or {}).items()}
    last = max(given, default=1) if end else len(steps)
    entries: list[Entry] = []
    sent_probes: dict[int, bytes] = {}
    for index, step in enumerate(steps[: last + 1]):
        now = index / 100
        entries += [Entry(now, Kind.SENT, data, index) for data in _sends(step, index)]
        if isinstance(step, Open):
            entries.append(Entry(now + 0.001, Kind.RECEIVED, _response(extensions), index))
        data = given.get(index, b"")
        if isinstance(step, Probe):
            sent_probes[index] = b"probe %d" % index
            if probes and not (end and index == last):
                data += server_pong(sent_probes[index])
        if data:
            entries.append(Entry(now + 0.002, Kind.RECEIVED, data, index))
        if index in timeouts:
            entries.append(Entry(now + 0.003, Kind.TIMEOUT, b"", index))
    if end:
        kind = Kind.END if end == "fin" else Kind.RESET
        entries.append(Entry(entries[-1].time + 0.001, kind, b"", last))
    return Record(entries, key=_KEY, request=_REQUEST, probes=sent_probes)


def _response(extensions: str) -> bytes:
    line = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
    return _RESPONSE + line.encode() + b"\r\n"


def _sends(step: Step, index: int) -> list[bytes]:
    if isinstance(step, Open):
        return [_REQUEST]
    if isinstance(step, Send):
        return [step.data]
    if isinstance(step, Probe):
        return [frame(PING, b"probe %d" % index)]
    return []


def alive(case: Case, answers: Mapping[int, bytes] | None = None) -> Record:
    """Carry out a case, all of whose probes are answered."""
    return scripted(case, answers)


def verdicts(case: Case, record: Record, facts: Facts = ECHOING) -> set[Verdict]:
    """Judge a record as one of *case*; return the verdicts of all findings."""
    return {finding.verdict for finding in case.judge(record, facts)}


def judged(case: Case, record: Record, facts: Facts = ECHOING) -> set[tuple[Verdict, str]]:
    """Judge a record as one of *case*; return verdicts and requirements of all findings."""
    return {(finding.verdict, finding.requirement) for finding in case.judge(record, facts)}
