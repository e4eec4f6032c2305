"""A record as people read it: one line for each frame, head, and end of a direction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from ..protocol.frames import Frame, parse_frame
from ..protocol.opcode import CLOSE, TEXT, Opcode
from .record import Entry, Kind, Record

__all__ = ["Line", "describe", "narrate", "short_hex"]

_SECRET = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})


class Line(NamedTuple):
    """One line of a story.

    Attributes:
        time: seconds since the conversation began.
        who: ``sent`` by the checker, ``got`` from the server, or neither.
        data: the bytes, all of them.
        text: what they are, or what happened.
        note: why the checker sent them.
    """

    time: float
    who: Literal["sent", "got", ""]
    data: bytes
    text: str
    note: str = ""


def narrate(record: Record, *, redact: bool = True) -> Iterator[Line]:
    """Tell what was said, in order.

    Args:
        record: the conversation.
        redact: whether to hide the values of headers that carry credentials.
    """
    frames = iter(record.frames)
    upcoming = next(frames, None)
    head_told = False
    at_start = True
    received = 0
    head_size = len(record.head)
    for entry in record.entries:
        if entry.kind is Kind.SENT:
            if at_start:
                yield _head_line(entry, "sent", entry.data, redact)
            else:
                yield from _sent_lines(entry)
            at_start = False
        elif entry.kind is Kind.RECEIVED:
            received += len(entry.data)
            if not head_told and head_size and received >= head_size:
                head_told = True
                yield _head_line(entry, "got", record.head, redact)
            while upcoming is not None and upcoming.stop <= received - head_size:
                data = record.stream[upcoming.start : upcoming.stop]
                yield Line(entry.time, "got", data, describe(upcoming.frame))
                upcoming = next(frames, None)
        else:
            if entry.kind in (Kind.END, Kind.RESET):
                yield from _left_over(record, entry)
            texts = {
                Kind.END: "the server ended TCP",
                Kind.RESET: "TCP was reset",
                Kind.TIMEOUT: "nothing more came in time",
            }
            yield Line(entry.time, "", b"", texts.get(entry.kind, entry.note))
    if not record.has_ended:
        yield from _left_over(record, record.entries[-1] if record.entries else None)


def describe(frame: Frame) -> str:
    """Say what a frame is, in a few words."""
    header = frame.header
    name = {CLOSE: "Close"}.get(header.opcode, Opcode(header.opcode).name.capitalize())
    bits = [
        name if (named := header.opcode in (0, 1, 2, 8, 9, 10)) else f"opcode 0x{header.opcode:X}",
        *([] if header.fin else ["FIN 0"]),
        *(bit.upper() for bit in ("rsv1", "rsv2", "rsv3") if getattr(header, bit)),
    ]
    payload = frame.payload
    if header.opcode == CLOSE and named and len(payload) >= 2:
        bits.append(str(int.from_bytes(payload[:2], "big")))
        payload = payload[2:]
    if payload:
        bits.append(
            f"{len(payload)} bytes" if len(payload) > 32 else _quoted(header.opcode, payload)
        )
    elif header.opcode != CLOSE:
        bits.append("empty")
    return " ".join(bits)


def short_hex(data: bytes, limit: int = 24) -> str:
    """Return bytes in hexadecimal, the first *limit* of them."""
    more = f" .. ({len(data)} bytes)" if len(data) > limit else ""
    return data[:limit].hex(" ") + more


def _quoted(opcode: int, payload: bytes) -> str:
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return payload.hex(" ")
    if text.isprintable() and (opcode == TEXT or text.isascii()):
        return repr(text)
    return payload.hex(" ")


def _head_line(entry: Entry, who: Literal["sent", "got"], data: bytes, redact: bool) -> Line:
    lines = data.decode("latin-1").splitlines() or [""]
    if redact:
        lines = [_redacted(line) for line in lines]
        data = "\r\n".join([*lines, ""]).encode("latin-1")
    return Line(entry.time, who, data, lines[0], entry.note)


def _redacted(line: str) -> str:
    name, colon, _value = line.partition(":")
    return f"{name}{colon} ***" if colon and name.strip().lower() in _SECRET else line


def _sent_lines(entry: Entry) -> Iterator[Line]:
    """Tell of what was sent in one piece, frame by frame."""
    position = 0
    while (parsed := parse_frame(entry.data, position)) is not None:
        frame, stop = parsed
        mask = "" if frame.header.masking_key is not None else ", MASK 0"
        data = entry.data[position:stop]
        yield Line(entry.time, "sent", data, describe(frame) + mask, entry.note)
        position = stop
    rest = entry.data[position:]
    if rest:
        yield Line(entry.time, "sent", rest, f"{len(rest)} bytes, no whole frame", entry.note)


def _left_over(record: Record, entry: Entry | None) -> Iterator[Line]:
    rest = record.rest if record.is_open else record.received[len(record.head) :]
    if rest and entry is not None:
        what = "bytes that are no whole frame" if record.is_open else "bytes"
        yield Line(entry.time, "got", rest, f"{len(rest)} {what}")
