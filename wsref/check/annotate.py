"""Conversations as annotated hex: what was sent and got, with the clauses that define each field.

The bytes are taken apart by :mod:`wsref.explain`.  The two directions are read each on its own and
shown in the order of time.  Credentials are hidden unless one asks for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from ..explain import Part, Reader, render
from ..protocol.frames import parse_header
from ..protocol.messages import begun_by
from ..protocol.opcode import TEXT
from .record import Entry, Kind, Record
from .report import Report

__all__ = [
    "MOST_PARTS",
    "annotate",
    "annotate_parts",
    "indented",
    "read_some",
    "without_credentials",
]

#: More frames of one piece are not shown.
MOST_PARTS: Final = 12

_HAPPENED: Final = {
    Kind.END: "the server ended its direction of TCP",
    Kind.RESET: "TCP was reset by the server, or broke",
    Kind.TIMEOUT: "nothing more came in time",
}


def annotate(record: Record, *, color: bool = False, redact: bool = True) -> Iterator[str]:
    """Show a conversation, both directions.

    Args:
        record: the conversation.
        color: whether to use the terminal's colours.
        redact: whether to hide credentials.

    Returns:
        Lines of at most 100 columns.
    """
    if redact:
        record = without_credentials(record)
    readers = {
        Kind.SENT: Reader(from_client=True),
        Kind.RECEIVED: Reader(from_client=False),
    }
    deflate = record.deflate
    for entry in record.entries:
        if entry.kind not in readers:
            yield from _unread(readers, entry)
            yield f"{_time(entry)} {_HAPPENED.get(entry.kind, entry.note)}"
            continue
        reader = readers[entry.kind]
        was_in_head = reader.in_head
        reader, parts, more = read_some(reader, entry.data)
        if was_in_head and not reader.in_head and entry.kind is Kind.RECEIVED:
            readers = {
                kind: (reader if kind is entry.kind else other).with_deflate(deflate)
                for kind, other in readers.items()
            }
            reader = readers[entry.kind]
        readers[entry.kind] = reader
        who = "sent" if entry.kind is Kind.SENT else "got "
        note = f": {entry.note}" if entry.note else ""
        size = len(entry.data)
        yield f"{_time(entry)} {who} {size:,} byte{'s' * (size != 1)}{note}"
        yield from annotate_parts(parts, more, color=color)
    yield from _unread(readers, None)


def read_some(reader: Reader, data: bytes) -> tuple[Reader, tuple[Part, ...], int]:
    """Read more of a stream, but explain only the first frames if there are many.

    Returns:
        The next reader, the parts to show, and how many more there are.
    """
    if not reader.in_head and reader.inflating is None:
        whole = reader.rest + data
        stops: list[int] = []
        position = 0
        in_message = reader.message is not None
        while (header := parse_header(whole, position)) is not None:
            position += header.size + header.length
            if position > len(whole):
                break
            stops.append(position)
            if not header.is_control:
                in_message = not header.fin
        if len(stops) > MOST_PARTS:
            first = stops[MOST_PARTS - 1]
            reader, parts = reader._replace(rest=b"").read(whole[:first])
            message = (reader.message or begun_by(TEXT)) if in_message else None
            reader = reader._replace(rest=whole[stops[-1] :], message=message)
            return reader, parts, len(stops) - MOST_PARTS
    reader, parts = reader.read(data)
    return reader, parts[:MOST_PARTS], len(parts[MOST_PARTS:])


def annotate_parts(parts: Iterable[Part], more: int = 0, *, color: bool = False) -> Iterator[str]:
    """Lay out parts, of which there are *more* that are not shown."""
    for part in parts:
        yield from indented(render(part, color=color))
    if more:
        yield f"    ... and {more:,} frames more"


def indented(lines: Iterable[str]) -> Iterator[str]:
    """Move lines to the right."""
    return (f"    {line}" for line in lines)


def without_credentials(record: Record) -> Record:
    """Return *record* without credentials, its frames being as long as they are."""
    from .reports import redacted

    report = Report(
        url="",
        version="",
        started=datetime.fromtimestamp(0, UTC),
        duration=0.0,
        seed=0,
        strict=False,
        server="",
        facts=None,
        problem="",
        controls=(record,),
        results=(),
    )
    return redacted(report).controls[0]


def _unread(readers: dict[Kind, Reader], entry: Entry | None) -> Iterator[str]:
    """Show what is no whole part, once nothing more can come of it."""
    for kind, reader in readers.items():
        ends = entry is None or (kind is Kind.RECEIVED) == (entry.kind is not Kind.SENT_END)
        if ends and reader.rest and (entry is None or entry.kind is not Kind.TIMEOUT):
            yield f"{'':9} left over of what was {'sent' if kind is Kind.SENT else 'got'}"
            for part in reader.unread():
                yield from indented(render(part))
            readers[kind] = reader._replace(rest=b"")


def _time(entry: Entry) -> str:
    return f"{entry.time:8.3f}s"
