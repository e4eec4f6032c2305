"""Messages: what fragments become (RFC 6455 §5.4 to §5.6).

A message is one data frame, or a data frame without FIN followed by continuation
frames, the last of them with FIN.  Control frames may come between fragments and
never touch the message.  Since fragments of different messages cannot interleave, one
:class:`Unfinished` is all that has to be remembered.

Text is checked as its bytes arrive; a compressed message is inflated when it is whole.
"""

from __future__ import annotations

from typing import NamedTuple

from .chunks import EMPTY, Chunks
from .frames import OPCODE, RSV1, FrameHeader
from .limits import Limits
from .records import new_record
from .violations import Violation

__all__ = ["Unfinished", "begun_by", "check_fragment", "continued_by"]


class Unfinished(NamedTuple):
    """A message whose final fragment has not arrived.

    Attributes:
        opcode: TEXT or BINARY, from its first frame.
        compressed: whether the first frame had RSV1 set (RFC 7692 §6).
        payload: the payloads so far, joined only at the end.
        fragments: how many frames have arrived.
        tail: of uncompressed text, the beginning of a character not complete yet.
    """

    opcode: int
    compressed: bool
    payload: Chunks
    fragments: int
    tail: bytes


def begun_by(first_byte: int) -> Unfinished:
    """Return the message that a text or binary frame begins, without its payload."""
    return Unfinished(first_byte & OPCODE, first_byte & RSV1 != 0, EMPTY, 0, b"")


def continued_by(message: Unfinished, payload: bytes, tail: bytes) -> Unfinished:
    """Return *message* with one more fragment, after which its text ends in *tail*."""
    opcode, compressed, earlier, fragments, _tail = message
    return new_record(Unfinished, (opcode, compressed, earlier.add(payload), fragments + 1, tail))


def check_fragment(message: Unfinished | None, header: FrameHeader, limits: Limits) -> None:
    """Check that a data frame may come now, and that it is not too much.

    Everything is told from the header, before any of the payload has arrived.

    Raises:
        Violation: RFC 6455 §5.4 on the order of fragments, §10.4 on limits.
    """
    first_byte = header.first_byte
    size = header.length
    if first_byte & OPCODE:  # text or binary
        if message is not None:
            raise Violation("RFC6455-5.4-04", "a new message, but the one before is unfinished")
        compressed = first_byte & RSV1 != 0
    else:
        if message is None:
            raise Violation("RFC6455-5.4-03", "a continuation frame, but no message has begun")
        _opcode, compressed, earlier, fragments, _tail = message
        size += earlier.size
        if fragments >= limits.fragments:
            raise Violation(
                "RFC6455-10.4-01", f"a message of more than {limits.fragments} fragments"
            )
    limit = limits.message_size
    if compressed:
        # What counts is the size after inflating, checked then.  Compressing what cannot
        # be compressed makes it a little longer, so that much has to be let through here.
        limit += limit // 8 + 64
    if size > limit:
        raise Violation("RFC6455-10.4-01", f"a message of more than {limits.message_size} bytes")
