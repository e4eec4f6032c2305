"""Conversations out of files, to be had again: tokens, recordings, and reports of a check."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final, cast

from ..protocol.frames import parse_frame
from ..protocol.opcode import PING, PONG
from ..requirements import requirements
from .catalogue import Case, catalogue
from .conversation import Abort, Await, HalfClose, Open, Pause, Probe, Send, Step
from .opening import Opening
from .record import Entry, Kind, Record
from .tokens import (
    PREFIX,
    TokenError,
    conversation_of,
    filling,
    judge_by_reference,
    pieces_of_request,
)
from .trace_format import TraceError, conversations_from_lines

__all__ = ["RecordingError", "case_of_recording", "read_cases", "steps_of_recording"]

_UNNAMED: Final = "recorded/conversation"


class RecordingError(ValueError):
    """A file holds no conversation; the message says why, and where."""


def read_cases(content: str) -> list[Case]:
    """Return the conversations in a file.

    Args:
        content: what is in it: a token, lines of a recording, or a report as JSON.

    Raises:
        TokenError: it is a token, but not a good one.
        RecordingError: it is none of these.
    """
    stripped = content.strip()
    if not stripped:
        raise RecordingError("the file is empty")
    if not stripped.startswith("{"):
        if not stripped.startswith(PREFIX) or len(stripped.split()) != 1:
            raise RecordingError("line 1: neither a token nor JSON")
        return [conversation_of(stripped)]
    first, _newline, rest = stripped.partition("\n")
    if rest and not first.rstrip().endswith("}"):
        return list(_from_report(content))
    try:
        found = list(conversations_from_lines(content.splitlines()))
    except TraceError as error:
        if '"servers"' not in content or not _is_json(content):
            raise RecordingError(str(error)) from None
        return list(_from_report(content))
    if not found:
        raise RecordingError("there is no conversation in it")
    return [case_of_recording(one.record, one.name) for one in found if one.record.entries]


def _is_json(content: str) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


def case_of_recording(record: Record, name: str = "", requirement: str = "") -> Case:
    """Return a conversation that was recorded, to be had again.

    Args:
        record: the conversation.
        name: the id of its case; if that is in the catalogue, its case is returned.
        requirement: what it shows a fault of, if that is known.
    """
    for case in catalogue():
        if case.id == name:
            return case
    steps = tuple(steps_of_recording(record))
    return Case(
        name or _UNNAMED,
        (requirement,) if requirement in requirements() else (),
        "A conversation that was recorded.",
        steps,
        judge_by_reference(steps, requirement),
        opens=False,
    )


def steps_of_recording(record: Record) -> Iterator[Step]:
    """Return steps that say the same again.

    The Pings that asked whether the connection was alive get new payloads, and the server's
    Pings are answered as they come, so both are left out.  Between what was sent, there is a wait
    for what had come in between.
    """
    request = record.request
    behind = b""
    left = len(request)
    opened = False
    probes = {payload: step for step, payload in record.probes.items()}
    asked = _ping_payloads(record)
    heard = False
    for entry in record.entries:
        if entry.kind is Kind.RECEIVED:
            heard = True
        elif entry.kind is Kind.SENT:
            data = entry.data
            if left:  # the request may come in several pieces
                data, left = data[left:], max(0, left - len(data))
                if left:
                    continue
                behind = data
                continue
            if not opened and not heard:
                behind += data
                continue
            if not opened:
                yield _opening(request, behind)
                opened, heard = True, False
            step = _step(entry, probes, asked)
            if step is not None:
                if heard and isinstance(step, Send):
                    yield Pause()
                yield step
                heard = False
        elif entry.kind is Kind.SENT_END:
            if not opened:
                yield _opening(request, behind)
                opened = True
            yield Abort() if "reset" in entry.note else HalfClose()
        elif entry.kind in (Kind.END, Kind.RESET) and opened:
            yield Await("end")
            return
    if not opened:
        yield _opening(request, behind)
    elif record.timeouts and record.probes and record.timeouts[-1] not in record.probes:
        yield Await("end")


def _opening(request: bytes, behind: bytes) -> Open:
    if not request:
        raise RecordingError("the recording has no opening handshake")
    return Open(Opening((filling(pieces_of_request(request)),)), behind)


def _step(entry: Entry, probes: dict[bytes, int], asked: set[bytes]) -> Step | None:
    """Return what was done when something was sent; None if it will be done by itself."""
    parsed = parse_frame(entry.data)
    if parsed is not None and parsed[1] == len(entry.data):
        frame = parsed[0]
        if frame.payload in probes:
            return Probe()
        if frame.header.opcode == PONG and frame.payload in asked:
            return None
    return Send(entry.data, entry.note)


def _ping_payloads(record: Record) -> set[bytes]:
    return {received.payload for received in record.frames if received.opcode == PING}


# The report json


def _from_report(content: str) -> Iterator[Case]:
    try:
        report: object = json.loads(content)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise RecordingError(f"{where}: not JSON: {error.msg}") from None
    except RecursionError:
        raise RecordingError("not JSON that can be read: too deep") from None
    results = [
        result
        for server in _list(_fields(report, "the report"), "servers")
        for result in _list(_fields(server, "a server"), "results")
    ]
    if not results:
        raise RecordingError("the report has no results")
    for value in results:
        case = _from_result(_fields(value, "a result"))
        if case is not None:
            yield case


def _from_result(result: dict[str, object]) -> Case | None:
    """Return what a result is about; None if its conversation is not known."""
    name = str(result.get("id", ""))
    token = str(result.get("replay", ""))
    if token.startswith(PREFIX):
        try:
            return conversation_of(token)._replace(id=name or _UNNAMED)
        except TokenError:
            pass  # the conversation itself will do
    conversation = result.get("conversation")
    if not isinstance(conversation, dict):
        return next((case for case in catalogue() if case.id == name), None)
    about = ""
    findings = result.get("findings")
    if isinstance(findings, list) and findings:
        about = str(_fields(cast("list[object]", findings)[0], "a finding").get("requirement", ""))
    fields = cast("dict[str, object]", conversation)
    lines = [json.dumps({**fields, **_head(fields)})]
    count = 0
    for value in _list(fields, "entries"):
        entry = dict(_fields(value, "an entry"))
        if entry.get("kind") not in (Kind.SENT, Kind.RECEIVED):
            entry.pop("hex", None)
        lines.append(json.dumps({**entry, "type": "entry"}))
        count += 1
    lines.append(json.dumps({"type": "conversation end", "entries": count}))
    try:
        (found,) = conversations_from_lines(lines)
    except TraceError as error:
        raise RecordingError(f"the conversation of {name}: {error}") from None
    return case_of_recording(found.record, name, about)


def _head(conversation: dict[str, object]) -> dict[str, object]:
    request = str(conversation.get("request_head", "")).encode("latin-1", "replace")
    return {"type": "conversation", "version": 1, "request": request.hex()}


def _fields(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise RecordingError(f"{what} is not a JSON object: not a report of wsref check")
    return cast("dict[str, object]", value)


def _list(fields: dict[str, object], name: str) -> list[object]:
    value = fields.get(name)
    if not isinstance(value, list):
        raise RecordingError(f"{name!r} is missing: not a report of wsref check")
    return cast("list[object]", value)
