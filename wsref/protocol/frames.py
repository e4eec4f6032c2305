"""Frames: the unit of transmission (RFC 6455 §5.2).

::

     bit 0   1    2    3    4-7      8      9-15
       ┌────┬────┬────┬────┬────────┬──────┬──────────┬─────────────┬─────────────┬─────────┐
       │FIN │RSV1│RSV2│RSV3│ opcode │ MASK │ length 7 │ length 16   │ masking key │ payload │
       │    │    │    │    │        │      │          │ or 64, if   │ if MASK     │         │
       │    │    │    │    │        │      │          │ 126 or 127  │             │         │
       └────┴────┴────┴────┴────────┴──────┴──────────┴─────────────┴─────────────┴─────────┘

Reading is in two parts.  :func:`parse_header` takes bytes apart and never refuses
anything, so that tools can show illegal frames too; :func:`check_header` judges a
header as one role must.  Writing has one function, :func:`serialize_frame`, which
always uses the shortest length.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from .masking import LONG, mask, mask_long
from .opcode import Opcode, is_reserved
from .records import new_record
from .violations import Violation

__all__ = [
    "CONTROL",
    "FIN",
    "MAX_CONTROL_PAYLOAD",
    "OPCODE",
    "RSV1",
    "Frame",
    "FrameHeader",
    "check_header",
    "parse_frame",
    "parse_header",
    "serialize_frame",
]

# The bits of the first two bytes.
FIN: Final = 0x80
RSV1: Final = 0x40
RSV2: Final = 0x20
RSV3: Final = 0x10
OPCODE: Final = 0x0F
_MASK: Final = 0x80
CONTROL: Final = 0x08

#: Control frames have a short payload, so that they can be handled at once (§5.5).
MAX_CONTROL_PAYLOAD: Final = 125

_pack_7 = Struct("!BB").pack
_pack_16 = Struct("!BBH").pack
_pack_64 = Struct("!BBQ").pack
_pack_7_key = Struct("!BB4s").pack
_pack_16_key = Struct("!BBH4s").pack
_pack_64_key = Struct("!BBQ4s").pack
_unpack_64 = Struct("!Q").unpack_from


class FrameHeader(NamedTuple):
    """Everything of a frame but its payload.

    Attributes:
        first_byte: FIN, RSV1, RSV2, RSV3 and the opcode.
        masking_key: four bytes, or None if the MASK bit is 0.
        length: size of the payload in bytes.
        size: size of the header itself in bytes, 2 to 14.
    """

    first_byte: int
    masking_key: bytes | None
    length: int
    size: int

    @property
    def fin(self) -> bool:
        """Whether this is the final fragment of a message."""
        return self.first_byte & FIN != 0

    @property
    def rsv1(self) -> bool:
        """The bit that marks a compressed message (RFC 7692 §6)."""
        return self.first_byte & RSV1 != 0

    @property
    def rsv2(self) -> bool:
        """A bit without meaning."""
        return self.first_byte & RSV2 != 0

    @property
    def rsv3(self) -> bool:
        """A bit without meaning."""
        return self.first_byte & RSV3 != 0

    @property
    def opcode(self) -> int:
        """What the frame is: one of :class:`Opcode`'s values."""
        return self.first_byte & OPCODE

    @property
    def is_control(self) -> bool:
        """Whether this is a Close, Ping or Pong, or a reserved control frame."""
        return self.first_byte & CONTROL != 0


class Frame(NamedTuple):
    """A whole frame, the payload unmasked; for tools that show or build frames."""

    header: FrameHeader
    payload: bytes

    def __repr__(self) -> str:
        header = self.header
        flags = "".join(
            f" {name}" for name in ("fin", "rsv1", "rsv2", "rsv3") if getattr(header, name)
        )
        return f"<Frame {Opcode(header.opcode).name}{flags} {len(self.payload)} bytes>"


def parse_header(data: bytes, position: int = 0) -> FrameHeader | None:
    """Read the frame header that begins at *position* of *data*.

    Returns:
        The header as it stands there, legal or not; None if it is not complete.
    """
    start = position + 2
    if start > len(data):
        return None
    second_byte = data[position + 1]
    length = second_byte & 0x7F
    if length == 126:
        start += 2
        if start > len(data):
            return None
        length = data[position + 2] << 8 | data[position + 3]
    elif length == 127:
        start += 8
        if start > len(data):
            return None
        (length,) = _unpack_64(data, position + 2)
    if second_byte < _MASK:
        return new_record(FrameHeader, (data[position], None, length, start - position))
    start += 4
    if start > len(data):
        return None
    return new_record(
        FrameHeader, (data[position], data[start - 4 : start], length, start - position)
    )


def check_header(header: FrameHeader, *, by_client: bool, rsv1_allowed: bool) -> None:
    """Check what can be told from a header alone.

    Args:
        header: the header received.
        by_client: whether a client sent it.
        rsv1_allowed: whether permessage-deflate was agreed on.

    Raises:
        Violation: RFC 6455 §5.1, §5.2 and §5.5; RFC 7692 §6.1.
    """
    first_byte, masking_key, length, size = header
    if first_byte & (RSV1 | RSV2 | RSV3):
        _check_reserved_bits(header, rsv1_allowed)
    opcode = first_byte & OPCODE
    if opcode > 2:  # not a data frame
        _check_opcode(header)
    if by_client:
        if masking_key is None:
            raise Violation("RFC6455-5.1-02", "a frame from a client is not masked")
        size -= 4
    elif masking_key is not None:
        raise Violation("RFC6455-5.1-05", "a frame from a server is masked")
    if size == 4:
        if length < 126:
            raise Violation("RFC6455-5.2-11", f"length {length} encoded in 16 bits")
    elif size == 10:
        if length < 65536:
            raise Violation("RFC6455-5.2-12", f"length {length} encoded in 64 bits")
        if length >> 63:
            raise Violation("RFC6455-5.2-09", "a length with its most significant bit set")


def _check_opcode(header: FrameHeader) -> None:
    """Check that the opcode has a meaning, and the rules of control frames (§5.5)."""
    opcode = header.opcode
    if is_reserved(opcode):
        clause = "RFC6455-5.2-06" if header.is_control else "RFC6455-5.2-05"
        raise Violation(clause, f"reserved opcode 0x{opcode:X}")
    if not header.fin:
        raise Violation("RFC6455-5.5-03", f"a fragmented {Opcode(opcode).name} frame")
    announced = header.size - 2 - (0 if header.masking_key is None else 4)
    if header.length > MAX_CONTROL_PAYLOAD or announced:  # in 16 or 64 bits: 126 or 127
        raise Violation(
            "RFC6455-5.5-02",
            f"a {Opcode(opcode).name} frame with more than {MAX_CONTROL_PAYLOAD} bytes",
        )


def _check_reserved_bits(header: FrameHeader, rsv1_allowed: bool) -> None:
    if header.rsv2 or header.rsv3:
        raise Violation("RFC6455-5.2-04" if rsv1_allowed else "RFC6455-5.2-03", "RSV2 or RSV3 set")
    if not rsv1_allowed:
        raise Violation("RFC7692-6.1-06", "RSV1 set, but no compression was agreed on")
    if header.is_control:
        raise Violation("RFC7692-6.1-04", "RSV1 set on a control frame")
    if not header.opcode:
        raise Violation("RFC7692-6.1-05", "RSV1 set on a continuation frame")


def parse_frame(data: bytes, position: int = 0) -> tuple[Frame, int] | None:
    """Read the whole frame that begins at *position* of *data*, legal or not.

    Returns:
        The frame, its payload unmasked, and the position behind it; None if it is
        not complete.
    """
    header = parse_header(data, position)
    if header is None:
        return None
    start = position + header.size
    stop = start + header.length
    if stop > len(data):
        return None
    payload = data[start:stop]
    if header.masking_key is not None:
        payload = mask(payload, header.masking_key)
    return Frame(header, payload), stop


def serialize_frame(first_byte: int, payload: bytes, masking_key: bytes | None) -> bytes:
    """Build a frame, its length in the shortest form (RFC 6455 §5.2).

    Args:
        first_byte: FIN, RSV1 and the opcode.
        payload: the payload, not masked.
        masking_key: four unpredictable bytes for a client's frame, None for a server's.
    """
    length = len(payload)
    if masking_key is None:
        if length < 126:
            return _pack_7(first_byte, length) + payload
        if length < 65536:
            return _pack_16(first_byte, 126, length) + payload
        return _pack_64(first_byte, 127, length) + payload
    if length < 126:
        return _pack_7_key(first_byte, _MASK | length, masking_key) + mask(payload, masking_key)
    if length < 65536:
        header = _pack_16_key(first_byte, _MASK | 126, length, masking_key)
    else:
        header = _pack_64_key(first_byte, _MASK | 127, length, masking_key)
    if length < LONG:
        return header + mask(payload, masking_key)
    return header + mask_long(payload, masking_key)
