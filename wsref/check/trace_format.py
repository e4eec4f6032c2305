r"""Recorded conversations as text, one JSON object per line: what ``wsref verify-trace`` reads.

A conversation begins with a line that says so, has a line for each thing that happened, and
ends with a line that counts them, so that a file which was cut off is noticed::

    {"type": "conversation", "version": 1, "name": "5.1/unmasked-ping", "key": "dGhlIHN...", ...}
    {"type": "entry", "time": 0.000021, "kind": "sent", "hex": "474554202f20...", "step": 0}
    {"type": "entry", "time": 0.000498, "kind": "received", "hex": "485454502f31...", "step": 0}
    {"type": "entry", "time": 0.000513, "kind": "sent", "hex": "890548656c6c6f", "step": 1}
    {"type": "entry", "time": 0.250632, "kind": "timeout", "step": 2}
    {"type": "conversation end", "entries": 4}

``conversation``
    ``version``: 1.  The others may be left out.  ``name``: what to call it, such as the id of a
    case.  ``key``: the Sec-WebSocket-Key that was sent, and ``request``: the bytes of the opening
    handshake that were sent, in hexadecimal; both are taken from the first bytes sent if
    they are left out.  ``probes``: the payloads of Pings that ask whether the connection is
    alive, in hexadecimal, by the number of their step.  ``unreachable``: why there was no
    connection.
``entry``
    ``time``: seconds since the conversation began, never less than in the line before.
    ``kind``: ``sent`` and ``received``, with the bytes in ``hex``; or, without it, ``sent end``
    (the client ended its direction or reset TCP), ``end`` (the server ended its direction),
    ``reset`` (TCP broke or was reset by the server), ``timeout``.  ``step``, the index of what
    the client was doing, and ``note``, words for people, may be left out.
``conversation end``
    ``entries``: how many there were.

A file may hold many conversations.  Fields that are not named here are ignored, and so are
empty lines and the lines of type ``begin``, ``case`` and ``end`` that the report ``ndjson`` has
around its conversations.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from typing import Final, NamedTuple, NoReturn, cast

from ..protocol.http import end_of_head
from .opening import Draft
from .record import Entry, Kind, Record

__all__ = [
    "VERSION",
    "Recorded",
    "TraceError",
    "conversations_from_lines",
    "record_to_lines",
    "records_from_lines",
]

#: The version of the format.
VERSION: Final = 1

_BEGIN: Final = "conversation"
_ENTRY: Final = "entry"
_END: Final = "conversation end"
#: What the report ``ndjson`` has around its conversations.
_AROUND: Final = ("begin", "case", "end")

_WITH_BYTES: Final = (Kind.SENT, Kind.RECEIVED)


class TraceError(ValueError):
    """Lines are no recorded conversation; the message says which line, and why."""


class Recorded(NamedTuple):
    """A conversation as it was read.

    Attributes:
        name: what it is called, such as the id of a case; may be empty.
        line: the number of the line where it begins, from 1.
        record: the conversation.
    """

    name: str
    line: int
    record: Record


def record_to_lines(record: Record, *, name: str = "") -> Iterator[str]:
    """Write a conversation.

    Args:
        record: the conversation, as it is: credentials have to be taken out before.
        name: what to call it.

    Returns:
        The lines, each without its line feed.
    """
    head: dict[str, object] = {"type": _BEGIN, "version": VERSION}
    if name:
        head["name"] = name
    head["key"] = record.key
    head["request"] = record.request.hex()
    if record.probes:
        head["probes"] = {str(step): payload.hex() for step, payload in record.probes.items()}
    if record.unreachable:
        head["unreachable"] = record.unreachable
    yield json.dumps(head)
    for entry in record.entries:
        fields: dict[str, object] = {
            "type": _ENTRY,
            "time": round(entry.time, 6),
            "kind": entry.kind.value,
        }
        if entry.kind in _WITH_BYTES:
            fields["hex"] = entry.data.hex()
        fields["step"] = entry.step
        if entry.note:
            fields["note"] = entry.note
        yield json.dumps(fields)
    yield json.dumps({"type": _END, "entries": len(record.entries)})


def records_from_lines(lines: Iterable[str]) -> Iterator[Record]:
    """Read conversations, one after the other as the lines come.

    Args:
        lines: the lines, with or without their line feeds, such as an open file.

    Raises:
        TraceError: they are not as the format wants them.
    """
    return (recorded.record for recorded in conversations_from_lines(lines))


def conversations_from_lines(lines: Iterable[str]) -> Iterator[Recorded]:
    """Read conversations as :func:`records_from_lines` does, with their names.

    Raises:
        TraceError: they are not as the format wants them.
    """
    begun: _Begun | None = None
    number = 0
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        line = _Line.parse(number, text)
        kind = line.text("type")
        if kind == _BEGIN:
            if begun is not None:
                line.refuse(f"a conversation begins, but that of line {begun.line} has not ended")
            begun = _Begun(line)
        elif kind == _ENTRY:
            if begun is None:
                line.refuse("an entry, but no conversation has begun")
            begun.add(line)
        elif kind == _END:
            if begun is None:
                line.refuse("the end of a conversation, but none has begun")
            yield begun.finished(line)
            begun = None
        elif kind not in _AROUND:
            line.refuse(f"unknown type {kind!r}")
    if begun is not None:
        raise TraceError(
            f"line {number}: the conversation of line {begun.line} has no end: is the file cut off?"
        )


class _Line(NamedTuple):
    """A line, and what it says."""

    number: int
    fields: Mapping[str, object]

    @classmethod
    def parse(cls, number: int, text: str) -> _Line:
        try:
            value: object = json.loads(text)
        except json.JSONDecodeError as error:
            where = f"line {number}, column {error.colno}"
            raise TraceError(f"{where}: not JSON: {error.msg}") from None
        except RecursionError:
            raise TraceError(f"line {number}: not JSON that can be read: too deep") from None
        if not isinstance(value, dict):
            raise TraceError(f"line {number}: not a JSON object")
        return cls(number, cast("dict[str, object]", value))

    def refuse(self, why: str) -> NoReturn:
        raise TraceError(f"line {self.number}: {why}")

    def _required(self, name: str) -> object:
        if name not in self.fields:
            self.refuse(f"the field {name!r} is missing")
        return self.fields[name]

    def text(self, name: str, default: str | None = None) -> str:
        if default is not None and name not in self.fields:
            return default
        value = self._required(name)
        if not isinstance(value, str):
            self.refuse(f"{name!r} is not a string: {json.dumps(value)}")
        return value

    def count(self, name: str, default: int | None = None) -> int:
        if default is not None and name not in self.fields:
            return default
        value = self._required(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            self.refuse(f"{name!r} is not a whole number from 0: {json.dumps(value)}")
        return value

    def seconds(self, name: str) -> float:
        value = self._required(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(f"{name!r} is not a number of seconds: {json.dumps(value)}")
        try:
            seconds = float(value)
        except OverflowError:
            seconds = float("inf")
        if not isfinite(seconds) or seconds < 0:
            self.refuse(f"{name!r} is not a number of seconds: {json.dumps(value)}")
        return seconds

    def octets(self, name: str) -> bytes:
        return self.from_hex(name, self.text(name))

    def from_hex(self, name: str, text: str) -> bytes:
        for position, character in enumerate(text):
            if character not in "0123456789abcdefABCDEF":
                self.refuse(f"{name!r} is not hexadecimal: {character!r} at position {position}")
        if len(text) % 2:
            self.refuse(f"{name!r} is not hexadecimal: its {len(text)} digits make no whole bytes")
        return bytes.fromhex(text)


class _Begun:
    """A conversation that is being read."""

    def __init__(self, line: _Line) -> None:
        version = line.count("version")
        if version != VERSION:
            line.refuse(f"version {version} of the format; this is wsref for version {VERSION}")
        self.line = line.number
        self._name = line.text("name", "")
        self._key = line.text("key") if "key" in line.fields else None
        self._request = line.octets("request") if "request" in line.fields else None
        self._unreachable = line.text("unreachable", "")
        self._probes = _probes(line)
        self._entries: list[Entry] = []

    def add(self, line: _Line) -> None:
        name = line.text("kind")
        try:
            kind = Kind(name)
        except ValueError:
            known = ", ".join(repr(kind.value) for kind in Kind)
            line.refuse(f"'kind' is {name!r}, which is none of {known}")
        data = b""
        if kind in _WITH_BYTES:
            data = line.octets("hex")
        elif "hex" in line.fields:
            line.refuse(f"an entry of kind {name!r} has no bytes, but 'hex' is there")
        seconds = line.seconds("time")
        if self._entries and seconds < self._entries[-1].time:
            line.refuse(f"'time' goes back from {self._entries[-1].time} to {seconds}")
        self._entries.append(
            Entry(seconds, kind, data, line.count("step", 0), line.text("note", ""))
        )

    def finished(self, line: _Line) -> Recorded:
        number = line.count("entries")
        if number != len(self._entries):
            begun = f"the conversation of line {self.line}"
            line.refuse(f"{begun} has {len(self._entries)} entries, not {number}: is a line lost?")
        record = Record(self._entries)
        request, key = self._request, self._key
        if request is None:
            request = record.sent[: max(0, end_of_head(record.sent))]
        if key is None:
            key = _key_of(request)
        return Recorded(
            self._name,
            self.line,
            Record(
                self._entries,
                key=key,
                request=request,
                probes=self._probes,
                unreachable=self._unreachable,
            ),
        )


def _probes(line: _Line) -> dict[int, bytes]:
    value = line.fields.get("probes", {})
    if not isinstance(value, dict):
        line.refuse(f"'probes' is not an object: {json.dumps(value)}")
    probes: dict[int, bytes] = {}
    for step, payload in cast("dict[str, object]", value).items():
        if not (step.isascii() and step.isdecimal()):
            line.refuse(f"'probes' names the step {step!r}, which is no number")
        if not isinstance(payload, str):
            line.refuse(f"'probes' has no string for step {step}: {json.dumps(payload)}")
        probes[int(step)] = line.from_hex("probes", payload)
    return probes


def _key_of(request: bytes) -> str:
    """Return the Sec-WebSocket-Key of a request, or nothing."""
    lines = request.decode("latin-1").split("\r\n")[1:]
    fields = [line.partition(":")[::2] for line in lines if ":" in line]
    draft = Draft("", "", "", tuple((name.strip(), value.strip()) for name, value in fields))
    return draft.get("Sec-WebSocket-Key")
