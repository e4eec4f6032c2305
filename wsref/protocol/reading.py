"""Reading: what the bytes so far amount to, and what the next ones mean (RFC 6455 §6.2).

The type of the value tells what is being read::

    AwaitingRequest ──► Undecided ──┐
                                    ├──► Frames ──► NothingMore
    AwaitingResponse ───────────────┘

Frames are read in two ways.  :func:`take_whole_messages` is one short loop for what almost
all traffic consists of, whole unfragmented uncompressed messages, and keeps no state.
:func:`take_frames` handles everything.  On what both can handle they agree.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from .chunks import EMPTY, Chunks
from .deflate import Inflating, inflate
from .events import Binary, Event, Text, new_event, set_data, set_received_time, set_text
from .frames import CONTROL, FIN, OPCODE, RSV1, FrameHeader, check_header, parse_header
from .handshake import Asked
from .http import Request, end_of_head
from .limits import Limits
from .masking import mask
from .messages import Unfinished, begun_by, check_fragment, continued_by
from .opcode import BINARY, TEXT
from .records import new_record
from .utf8 import check_utf8, cut_off, decode_utf8
from .violations import Violation

__all__ = [
    "AT_BOUNDARY",
    "NOTHING_MORE",
    "AwaitingRequest",
    "AwaitingResponse",
    "ControlFrame",
    "Frames",
    "NothingMore",
    "Reading",
    "Undecided",
    "at_boundary",
    "is_back",
    "lost_within",
    "split_head",
    "take_frames",
    "take_whole_messages",
]

_FINAL_TEXT: Final = FIN | TEXT
_FINAL_BINARY: Final = FIN | BINARY


class AwaitingRequest(NamedTuple):
    """(Server) The head of the client's opening handshake, as far as it has come."""

    head: bytes

    def __repr__(self) -> str:
        return f"<AwaitingRequest {len(self.head)} bytes>"


class AwaitingResponse(NamedTuple):
    """(Client) The head of the server's answer so far, and what was asked."""

    head: bytes
    asked: Asked

    def __repr__(self) -> str:
        return f"<AwaitingResponse {len(self.head)} bytes>"


class Undecided(NamedTuple):
    """(Server) A valid request to accept or reject, and the bytes that came behind it."""

    request: Request
    early: Chunks

    def __repr__(self) -> str:
        return f"<Undecided {self.request.method} {self.early.size} bytes early>"


class Frames(NamedTuple):
    """Where reading stands in the stream of frames.

    Attributes:
        header: of the frame whose payload is arriving; None between frames.
        received: the payload so far, unmasked; without a header, the header so far.
        tail: of text, the beginning of a character that is not complete yet.
        message: the message whose final fragment has not arrived.
        inflating: the context of compressed messages, if they were agreed on.
    """

    header: FrameHeader | None
    received: Chunks
    tail: bytes
    message: Unfinished | None
    inflating: Inflating | None


class NothingMore(NamedTuple):
    """Nothing is read any more (RFC 6455 §5.5.1, §7.1.7)."""


Reading: TypeAlias = AwaitingRequest | AwaitingResponse | Undecided | Frames | NothingMore

#: Between messages, without compression: the state of most connections most of the time.
AT_BOUNDARY: Final = Frames(None, EMPTY, b"", None, None)
NOTHING_MORE: Final = NothingMore()


class ControlFrame(NamedTuple):
    """A whole control frame, for the connection to act upon (RFC 6455 §5.5)."""

    opcode: int
    payload: bytes


def split_head(begun: bytes, data: bytes, limits: Limits) -> tuple[bytes, bytes | None]:
    """Split the head of a request or response from what comes behind it.

    Args:
        begun: the head as far as it had come.
        data: the bytes that follow.
        limits: the most to accept.

    Returns:
        The head, and the bytes behind it; None instead if the head is not complete.

    Raises:
        Violation: the head is too large.
    """
    received = begun + data
    end = end_of_head(received, max(0, len(begun) - 3))
    if (len(received) if end < 0 else end) > limits.header_bytes:
        raise Violation(
            "RFC6455-10.4-01", f"an opening handshake of more than {limits.header_bytes} bytes"
        )
    return (received, None) if end < 0 else (received[:end], received[end:])


def take_whole_messages(
    data: bytes, *, from_client: bool, size_limit: int, now: float
) -> tuple[list[Event], int]:
    """Take whole unfragmented uncompressed messages from the beginning of *data*.

    The first byte that is not the beginning of one, be it of a fragment, a control frame,
    a frame that is not complete or a violation, ends the loop and is left to
    :func:`take_frames`.

    Args:
        data: bytes that begin at a boundary between frames, with no message unfinished.
        from_client: whether a client sent them, masked.
        size_limit: the largest message to take, in bytes.
        now: the time for the events.

    Returns:
        The events, and the position behind the last message taken.
    """
    events: list[Event] = []
    position = 0
    end = len(data)
    last = end - 1
    mask_bit, header_size = (0x80, 6) if from_client else (0, 2)
    while position < last:
        first_byte = data[position]
        length = data[position + 1] ^ mask_bit  # more than 127 if the MASK bit is wrong
        start = position + header_size
        if length > 125:
            if length != 126 or end < start + 2:
                break
            length = data[position + 2] << 8 | data[position + 3]
            start += 2
            if length < 126:
                break
        stop = start + length
        if stop > end or length > size_limit:
            break
        payload = data[start:stop]
        if from_client:
            payload = mask(payload, data[start - 4 : start])
        if first_byte == _FINAL_BINARY:
            binary = new_event(Binary)
            set_data(binary, payload)
            set_received_time(binary, now)
            events.append(binary)
        elif first_byte == _FINAL_TEXT:
            try:
                decoded = payload.decode()
            except UnicodeDecodeError:
                break
            text = new_event(Text)
            set_text(text, decoded)
            set_received_time(text, now)
            events.append(text)
        else:
            break
        position = stop
    return events, position


def take_frames(
    reading: Frames,
    data: bytes,
    position: int,
    events: list[Event],
    *,
    from_client: bool,
    limits: Limits,
    now: float,
) -> tuple[Frames, bytes, int, ControlFrame | None]:
    """Take frames until the bytes are used up or a control frame is complete.

    Args:
        reading: where reading stands.
        data: the bytes that follow, from *position* on.
        position: where to begin in *data*.
        events: where the events of complete messages are added; those before a violation
            are there when it is raised.
        from_client: whether a client sent the bytes.
        limits: the most to accept.
        now: the time for the events.

    Returns:
        Where reading stands now; the bytes, with the beginning of a header from an earlier
        read before them, and the position up to which they are taken; the control frame.

    Raises:
        Violation: of RFC 6455 §5, §8.1 or §10.4, or of RFC 7692.
    """
    header, received, tail, message, context = reading
    end = len(data)
    while position < end:
        if header is None:
            if received.size:  # the beginning of a header, from an earlier read
                data = received.joined() + data[position:]
                position, end = 0, len(data)
                received = EMPTY
            header = parse_header(data, position)
            if header is None:
                received = EMPTY.add(data[position:])
                break
            check_header(header, by_client=from_client, rsv1_allowed=context is not None)
            if not header.first_byte & CONTROL:
                check_fragment(message, header, limits)
                tail = b"" if message is None else message.tail
            position += header.size

        first_byte, masking_key, length, _size = header
        missing = length - received.size
        piece = data[position : position + missing]
        position += missing
        if masking_key is not None:
            piece = mask(piece, masking_key, received.size)
        if not first_byte & CONTROL and _is_plain_text(message, first_byte):
            tail = check_utf8(tail, piece)
        if position > end:  # the rest of the payload is still to come
            received = received.add(piece)
            break
        payload = received.add(piece).joined() if received.size else piece
        header, received = None, EMPTY
        if first_byte & CONTROL:
            control = ControlFrame(first_byte & OPCODE, payload)
            return _between(message, context, reading), data, position, control
        if message is None:
            message = begun_by(first_byte)
        if first_byte & FIN:
            context, event = _finished(message, payload, tail, context, limits, now)
            events.append(event)
            message = None
        else:
            message = continued_by(message, payload, tail)
        tail = b""
    if header is None and not received.size:
        return _between(message, context, reading), data, end, None
    return new_record(Frames, (header, received, tail, message, context)), data, end, None


def at_boundary(context: Inflating) -> Frames:
    """Return where reading stands between two messages."""
    return Frames(None, EMPTY, b"", None, context)


def is_back(reading: Reading, before: Reading) -> bool:
    """Whether reading stands where it stood *before*, between two messages."""
    if reading is before:
        return True
    if not isinstance(reading, Frames) or reading.message is not None:
        return False
    return (
        isinstance(before, Frames)
        and before.message is None
        and before.header is reading.header is None
        and before.received.size == reading.received.size == 0
        and before.inflating is reading.inflating
    )


def lost_within(reading: Frames) -> str:
    """Say what an end of the transport here interrupts."""
    if reading.header is not None or reading.received.size:
        return " in the middle of a frame"
    if reading.message is not None:
        return " in the middle of a message"
    return ""


def _between(message: Unfinished | None, context: Inflating | None, before: Frames) -> Frames:
    """Return where reading stands between two frames; *before* itself, if there again."""
    if message is None and context is None:
        return AT_BOUNDARY
    header, received, _tail, message_before, context_before = before
    unchanged = message is message_before and context is context_before
    if unchanged and header is None and not received.size:
        return before
    return new_record(Frames, (None, EMPTY, b"", message, context))


def _is_plain_text(message: Unfinished | None, first_byte: int) -> bool:
    """Whether the payload of a data frame has to be UTF-8 as it is."""
    if message is None:
        return first_byte & (OPCODE | RSV1) == TEXT
    return message.opcode == TEXT and not message.compressed


def _finished(
    message: Unfinished,
    payload: bytes,
    tail: bytes,
    context: Inflating | None,
    limits: Limits,
    now: float,
) -> tuple[Inflating | None, Event]:
    """Make the event of *message*, whose last payload this is (RFC 7692 §6.2)."""
    if message.payload.size:
        payload = message.payload.add(payload).joined()
    if message.compressed and context is not None:
        context, payload = inflate(context, payload, limits.message_size)
        if message.opcode == TEXT:
            return context, Text(_inflated_text(payload), received_time=now)
    if message.opcode == BINARY:
        return context, Binary(payload, received_time=now)
    if tail:
        raise cut_off(tail)
    return context, Text(decode_utf8(payload), received_time=now)


def _inflated_text(data: bytes) -> str:
    try:
        return decode_utf8(data)
    except Violation as violation:
        raise Violation("RFC7692-6.1-09", f"after inflating: {violation.detail}") from None
