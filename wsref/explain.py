"""Bytes on the wire, taken apart and annotated for people.

:func:`explain` takes what one side sent and returns lines to print.  Behind it is a
:class:`Reader`, a value that remembers where in the stream it stands, so that a stream
can be explained piece by piece while it arrives::

    reader, parts = reader.read(data)

A :class:`Part` is the head of an opening handshake or one frame; its rows are the
fields with their bytes, their meaning and the clause that defines them.  Illegal bytes
are shown like legal ones, with a row that says what is wrong: parsing never refuses.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterator
from textwrap import wrap
from typing import Final, NamedTuple

from .protocol.closing import parse_close
from .protocol.deflate import DeflateParameters, Inflating, inflate, inflating
from .protocol.frames import Frame, FrameHeader, check_header, parse_frame, parse_header
from .protocol.http import end_of_head
from .protocol.limits import DEFAULT_LIMITS
from .protocol.messages import Unfinished, begun_by, check_fragment, continued_by
from .protocol.opcode import CLOSE, CONTINUATION, TEXT, Opcode
from .protocol.status import Status
from .protocol.violations import Violation

__all__ = ["VIOLATION", "Part", "Reader", "Row", "clause_title", "explain", "render"]

WIDTH: Final = 96  # columns

#: The field of a row that says what is wrong.
VIOLATION: Final = "VIOLATION"

_BYTES_A_ROW: Final = 8
_BYTE_COLUMNS: Final = 3 * _BYTES_A_ROW - 1
_FIELD_COLUMNS: Final = 12
_CLAUSE_COLUMNS: Final = 16
_HEAD_COLUMNS: Final = 50
_ROWS_OF_PAYLOAD: Final = 3

_DIM: Final = "\x1b[2m"
_BOLD: Final = "\x1b[1m"
_RED: Final = "\x1b[31m"
_PLAIN: Final = "\x1b[0m"

_FRAMING = "RFC 6455 §5.2"

#: What the header fields of the opening handshake are for, and where that is defined.
_HEADER_FIELDS: Final = {
    "host": ("the server's name", "RFC 6455 §4.1"),
    "upgrade": ("leave HTTP for WebSocket", "RFC 6455 §4.1"),
    "connection": ("Upgrade is for this hop", "RFC 6455 §4.1"),
    "origin": ("the page that asks", "RFC 6455 §10.2"),
    "authorization": ("HTTP credentials", "RFC 6455 §10.5"),
    "cookie": ("HTTP cookies", "RFC 6455 §4.1"),
    "sec-websocket-key": ("", "RFC 6455 §11.3.1"),
    "sec-websocket-accept": ("hash of the key and a GUID", "RFC 6455 §4.2.2"),
    "sec-websocket-version": ("of the protocol", "RFC 6455 §11.3.5"),
    "sec-websocket-protocol": ("the subprotocol", "RFC 6455 §11.3.4"),
    "sec-websocket-extensions": ("", "RFC 6455 §9.1"),
}

_NOT_NEGOTIATED = DeflateParameters(False, False)


class Row(NamedTuple):
    """One field.

    Attributes:
        data: its bytes, empty if it is only some bits of the byte before.
        bits: for a field within a byte, the byte with the other bits as dots.
        field: its name.
        meaning: what it says.
        clause: where it is defined, such as ``RFC 6455 §5.2``.
    """

    data: bytes
    bits: str
    field: str
    meaning: str
    clause: str


class Part(NamedTuple):
    """The head of an opening handshake, or a frame.

    Attributes:
        title: what it is, in a few words.
        rows: its fields.
        is_head: whether it is a head: then each row's ``data`` is a line of text.
    """

    title: str
    rows: tuple[Row, ...]
    is_head: bool = False


class Reader(NamedTuple):
    """Where in the stream of one side we are.

    Attributes:
        from_client: whose stream it is.
        in_head: whether the opening handshake comes first.
        rest: bytes that are not a whole part yet.
        message: the message whose final fragment has not been seen.
        inflating: the context of compressed messages; None until one is seen.
    """

    from_client: bool
    in_head: bool = True
    rest: bytes = b""
    message: Unfinished | None = None
    inflating: Inflating | None = None

    def with_deflate(self, parameters: DeflateParameters | None) -> Reader:
        """Return this reader, knowing what was agreed on for permessage-deflate."""
        context = None if parameters is None else inflating(parameters, not self.from_client)
        return self._replace(inflating=context)

    def read(self, data: bytes) -> tuple[Reader, tuple[Part, ...]]:
        """Take more of the stream; return the next reader and the parts now complete."""
        reader, data = self._replace(rest=b""), self.rest + data
        parts: list[Part] = []
        position = 0
        if reader.in_head:
            position = end_of_head(data)
            if position < 0:
                return self._replace(rest=data), ()
            parts.append(_explain_head(data[:position], self.from_client))
            reader = reader._replace(in_head=False)
        while (found := parse_frame(data, position)) is not None:
            frame, stop = found
            reader, part = reader._explain_frame(frame, data[position:stop])
            parts.append(part)
            position = stop
        return reader._replace(rest=data[position:]), tuple(parts)

    def unread(self) -> tuple[Part, ...]:
        """Explain the bytes at the end of a stream that are not a whole part."""
        rest = self.rest
        if not rest:
            return ()
        header = None if self.in_head else parse_header(rest)
        if header is None:
            return (Part("incomplete", tuple(_payload_rows("begun", rest, "", _FRAMING))),)
        missing = header.size + header.length - len(rest)
        rows = [*_header_rows(header, rest), *self._violation_rows(header)]
        rows += _payload_rows("payload", rest[header.size :], "so far", _FRAMING)
        return (Part(f"{_name(header)} frame, {missing} bytes missing", tuple(rows)),)

    def _violation_rows(self, header: FrameHeader) -> Iterator[Row]:
        """Say what is wrong with a header, if anything is."""
        try:
            check_header(header, by_client=self.from_client, rsv1_allowed=True)
            if not header.is_control:
                check_fragment(self.message, header, DEFAULT_LIMITS)
        except Violation as violation:
            yield _violation_row(violation)

    def _explain_frame(self, frame: Frame, raw: bytes) -> tuple[Reader, Part]:
        """Explain a frame that is complete; *raw* are its bytes."""
        header, payload = frame
        title = f"{_name(header)} frame, {_count(header.length)}"
        rows = [*_header_rows(header, raw), *self._violation_rows(header)]
        field = "payload"
        if header.masking_key is not None:
            rows += _payload_rows("payload", raw[header.size :], "masked", "RFC 6455 §5.3")
            field = "unmasked"
        if header.opcode == CLOSE:
            return self, Part(title, (*rows, *_close_rows(payload)))
        if header.is_control:
            clause = f"RFC 6455 §5.5.{header.opcode - CLOSE + 1}"
            return self, Part(title, (*rows, *_payload_rows(field, payload, None, clause)))

        message = self.message
        if message is not None or not header.fin:
            title += ", a fragment"
        if message is None or header.opcode != CONTINUATION:
            message = begun_by(header.first_byte)
        if message.compressed:
            title += ", compressed"
            rows += _payload_rows(field, payload, "compressed", "RFC 7692 §7.2.1")
        else:
            rows += _payload_rows(field, payload, None, "RFC 6455 §5.6")
        message = continued_by(message, payload, b"")
        if not header.fin:
            return self._replace(message=message), Part(title, tuple(rows))
        reader, message_rows = self._explain_message(message)
        return reader, Part(title, (*rows, *message_rows))

    def _explain_message(self, message: Unfinished) -> tuple[Reader, list[Row]]:
        """Explain a message whose last fragment has just been seen."""
        content = message.payload.joined()
        context = self.inflating
        rows: list[Row] = []
        if message.compressed:
            if context is None:
                context = inflating(_NOT_NEGOTIATED, not self.from_client)
            try:
                context, content = inflate(context, content, DEFAULT_LIMITS.message_size)
            except Violation as violation:
                return self._replace(message=None), [_violation_row(violation)]
            rows += _payload_rows("inflated", content, None, "RFC 7692 §7.2.2")
        elif message.fragments > 1:
            rows += _payload_rows("message", content, None, "RFC 6455 §5.4")
        if message.opcode == TEXT:
            try:
                content.decode()
            except UnicodeDecodeError as error:
                found = Violation("RFC6455-8.1-01", f"not UTF-8: {error.reason}")
                rows.append(_violation_row(found))
        return self._replace(message=None, inflating=context), rows


def explain(
    data: bytes,
    *,
    from_client: bool,
    deflate: DeflateParameters | None = None,
    color: bool = False,
) -> list[str]:
    """Annotate what one side sent.

    Args:
        data: the bytes, from the beginning of the opening handshake or of a frame.
        from_client: which side sent them.
        deflate: what was agreed on for permessage-deflate, if it is known.
        color: whether to use the terminal's colours.

    Returns:
        Lines of at most 96 columns.
    """
    in_head = data.startswith((b"GET ", b"HTTP/"))
    reader, parts = Reader(from_client, in_head).with_deflate(deflate).read(data)
    lines: list[str] = []
    for part in (*parts, *reader.unread()):
        lines += [*render(part, color=color), ""]
    return lines[:-1]


def render(part: Part, *, color: bool = False) -> Iterator[str]:
    """Lay out a part as lines.

    Args:
        part: what to lay out.
        color: whether to use the terminal's colours.
    """
    bold, dim, red, plain = (_BOLD, _DIM, _RED, _PLAIN) if color else ("", "", "", "")
    yield f"{bold}{part.title}{plain}"
    for row in part.rows:
        if part.is_head:
            *before, left = _head_columns(row)
            yield from before
        else:
            left = _byte_columns(row)
        if not row.meaning and not row.clause:
            if left.strip():
                yield left.rstrip()
            continue
        space = WIDTH - len(left) - _CLAUSE_COLUMNS - 2
        first, *more = wrap(row.meaning, space) or [""]
        tint, untint = (red, plain) if row.field == VIOLATION else ("", "")
        yield f"{tint}{left} {first:<{space}}{untint} {dim}{row.clause}{plain}".rstrip()
        for line in more:
            yield f"{tint}{'':<{len(left)}} {line}{untint}"


def _head_columns(row: Row) -> list[str]:
    """Lay out a line of a head; the last line has room for its meaning."""
    text = row.data.decode("ascii", "backslashreplace")
    if len(text) <= _HEAD_COLUMNS:
        return [f"  {text:<{_HEAD_COLUMNS}}"]
    lines = wrap(text, WIDTH - 2, initial_indent="  ", subsequent_indent="      ")
    return [*lines, " " * (_HEAD_COLUMNS + 2)]


def _byte_columns(row: Row) -> str:
    """Lay out a field's bytes or bits, and its name."""
    shown = row.data.hex(" ")
    if row.bits:
        shown = f"{shown:<4}{row.bits}"
    return f"  {shown:<{_BYTE_COLUMNS}}  {row.field:<{_FIELD_COLUMNS}}"


def clause_title(clause: str) -> str:
    """Return the requirement id *clause* as people cite it.

    >>> clause_title("RFC6455-5.4-03")
    'RFC 6455 §5.4'
    """
    document, section, *_ordinal = clause.split("-")
    return f"RFC {document.removeprefix('RFC')} §{section}"


def _explain_head(head: bytes, from_client: bool) -> Part:
    """Explain the head of the opening handshake line by line."""
    first, *fields = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    if from_client:
        title = "opening handshake, request"
        rows = [Row(first, "", "", "asks for this resource", "RFC 6455 §4.1")]
    else:
        title = "opening handshake, response"
        meaning = "accepted" if b" 101 " in first + b" " else "not accepted"
        rows = [Row(first, "", "", meaning, "RFC 6455 §4.2.2")]
    for field in fields:
        name, _colon, value = field.partition(b":")
        key = name.decode("ascii", "replace").strip().lower()
        meaning, clause = _HEADER_FIELDS.get(key, ("", ""))
        if key == "sec-websocket-key":
            meaning = f"{_decoded_length(value)} random bytes, in base64"
        elif key == "sec-websocket-extensions" and b"permessage-deflate" in value:
            meaning = "compression " + ("offered" if from_client else "agreed on")
            clause = "RFC 7692 §5"
        rows.append(Row(field, "", "", meaning, clause))
    return Part(title, tuple(rows), is_head=True)


def _decoded_length(value: bytes) -> object:
    try:
        return len(a2b_base64(value.strip(), strict_mode=True))
    except Base64Error:
        return "not"


def _header_rows(header: FrameHeader, raw: bytes) -> Iterator[Row]:
    """Explain the header of a frame, field by field (RFC 6455 §5.2)."""
    first, second = raw[0], raw[1]
    opcode = header.opcode
    if header.is_control:
        fin = "a control frame is never fragmented" if header.fin else "a fragment"
    else:
        fin = "the last or only fragment" if header.fin else "more fragments follow"
    yield Row(raw[:1], _bits(first, 0x80), "FIN", f"{first >> 7}: {fin}", _FRAMING)
    reserved = "no extension in use here"
    if header.rsv1:
        reserved = "the message is compressed"
    elif header.rsv2 or header.rsv3:
        reserved = "bits without a meaning"
    yield Row(
        b"",
        _bits(first, 0x70),
        "RSV1-3",
        f"{first >> 4 & 7:03b}: {reserved}",
        "RFC 7692 §6" if header.rsv1 else _FRAMING,
    )
    name = Opcode(opcode).name
    yield Row(b"", _bits(first, 0x0F), "opcode", f"{opcode:#x}: {name}", _FRAMING)
    masked = "not masked: a server's frame"
    if header.masking_key is not None:
        masked = "masked: a client's frame"
    yield Row(raw[1:2], _bits(second, 0x80), "MASK", f"{second >> 7}: {masked}", "RFC 6455 §5.1")
    size = header.size - (0 if header.masking_key is None else 4)
    if size == 2:
        yield Row(b"", _bits(second, 0x7F), "length", _count(header.length), _FRAMING)
    else:
        tells = f"{second & 0x7F}: in the next {size - 2} bytes"
        yield Row(b"", _bits(second, 0x7F), "length", tells, _FRAMING)
        yield Row(raw[2:size], "", "", _count(header.length), _FRAMING)
    if header.masking_key is not None:
        yield Row(header.masking_key, "", "masking key", "unpredictable", "RFC 6455 §5.3")


def _close_rows(payload: bytes) -> Iterator[Row]:
    """Explain the body of a Close frame (RFC 6455 §5.5.1, §7.4)."""
    try:
        body = parse_close(payload)
    except Violation as violation:
        yield from _payload_rows("body", payload, None, "RFC 6455 §5.5.1")
        yield _violation_row(violation)
        return
    if body.code is None:
        yield Row(b"", "", "body", "none: reported as 1005", "RFC 6455 §7.1.5")
        return
    try:
        meaning = f"{body.code}: {Status(body.code).name.lower().replace('_', ' ')}"
    except ValueError:
        meaning = f"{body.code}: application or library"
    yield Row(payload[:2], "", "status code", meaning, "RFC 6455 §7.4")
    yield from _payload_rows("reason", payload[2:], None, "RFC 6455 §7.1.6")


def _payload_rows(field: str, data: bytes, meaning: str | None, clause: str) -> Iterator[Row]:
    """Show bytes, so many to a row; with what they look like as text if *meaning* is None."""
    shown = data[: _ROWS_OF_PAYLOAD * _BYTES_A_ROW]
    for i in range(0, len(shown), _BYTES_A_ROW):
        piece = shown[i : i + _BYTES_A_ROW]
        said = _printable(piece) if meaning is None else meaning if i == 0 else ""
        yield Row(piece, "", field if i == 0 else "", said, clause if i == 0 else "")
    if len(data) > len(shown):
        yield Row(b"", "", "", f"... and {_count(len(data) - len(shown))} more", "")


def _printable(data: bytes) -> str:
    """Return *data* as text, with dots for what cannot be shown by itself."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)


def _violation_row(violation: Violation) -> Row:
    return Row(b"", "", VIOLATION, violation.detail, clause_title(violation.clause))


def _bits(byte: int, of: int) -> str:
    """Return the bits of *byte* that are set in *of*, and dots for the others."""
    shown = "".join(str(byte >> i & 1) if of >> i & 1 else "." for i in range(7, -1, -1))
    return f"{shown[:4]} {shown[4:]}"


def _name(header: FrameHeader) -> str:
    return Opcode(header.opcode).name


def _count(number: int) -> str:
    return f"{number:,} byte{'' if number == 1 else 's'}"
