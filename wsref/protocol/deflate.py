"""permessage-deflate: messages compressed one by one (RFC 7692 §7.2).

A message is compressed as a series of DEFLATE blocks, the last of which is stored and
empty.  The lengths of that block, ``00 00 ff ff``, are not sent; the receiver puts
them back::

    block      block     empty stored block
    +---------+---------+-------------------+-------------+
    |         |         | 0 00, pad to byte | 00 00 ff ff |
    +---------+---------+-------------------+-------------+
    <----------- the message's payload ----> <-- the tail ->

What one message leaves behind for the next is the *context*, and by §7.1.1 it is
nothing but the last ``2**bits`` bytes of uncompressed data: the window.  So a context is
a value: its parameters and its window.  zlib's own object for the same state rides along
in ``live``, a list that holds it or is empty.  A step takes the object out and hands it
on to the context it returns; a context that is used again finds its list empty and
builds another object from its window.  Nothing else can be told from the list, and
comparing, copying and pickling leave it out.

What a *rebuilt* compressor sends inflates to the same message, but zlib does not
promise that it is the same bytes.

How the parameters are agreed on is in :mod:`.deflate_parameters`.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple, Protocol

from .chunks import EMPTY, Chunks
from .deflate_parameters import (
    DEFAULT_OFFER,
    DEFAULT_POLICY,
    PERMESSAGE_DEFLATE,
    DeflateOffer,
    DeflateParameters,
    DeflatePolicy,
    answer_offers,
    check_answer,
    offer_extension,
)
from .violations import Violation

__all__ = [
    "DEFAULT_OFFER",
    "DEFAULT_POLICY",
    "PERMESSAGE_DEFLATE",
    "DeflateOffer",
    "DeflateParameters",
    "DeflatePolicy",
    "Deflating",
    "Inflating",
    "answer_offers",
    "check_answer",
    "deflate",
    "deflate_fragment",
    "deflating",
    "inflate",
    "inflating",
    "offer_extension",
]

_TAIL = b"\x00\x00\xff\xff"

# How much goes through zlib at once.  zlib copies the input that it leaves when the output is
# full, so small pieces of input keep the time linear; pieces of output bound the memory.
_INPUT = 16 * 1024
_OUTPUT = 64 * 1024
# Behind a final block zlib copies what is left of the input as well, and there may be
# another final block after every two bytes.
_INPUT_AFTER_FINAL_BLOCK = 64

# Each final block costs a peer two bytes and us some microseconds, so they are counted too.
_FINAL_BLOCKS = 64 * 1024


class _Inflater(Protocol):
    """What is used of a ``zlib.decompressobj``."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...
    def copy(self) -> _Inflater: ...


class _Deflater(Protocol):
    """What is used of a ``zlib.compressobj``."""

    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self, mode: int, /) -> bytes: ...


class Inflating(NamedTuple):
    """The receiving context between two messages.

    Equal if the parameters and the windows are.

    Attributes:
        bits: the window is ``2**bits`` bytes, 8 to 15.
        takeover: whether a message may refer to earlier ones.
        history: the latest uncompressed data, at least the window.
        live: zlib's object in exactly this state, or nothing.
    """

    bits: int
    takeover: bool
    history: Chunks
    live: list[_Inflater]

    @property
    def window(self) -> bytes:
        """The latest uncompressed data, ``2**bits`` bytes at the most."""
        return _latest(self.history, 1 << self.bits)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Inflating):
            return NotImplemented
        return self[:2] == other[:2] and self.window == other.window

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self.bits, self.takeover, self.window))

    def __repr__(self) -> str:
        return f"<inflating with {self.bits} bits, {len(self.window)} bytes in the window>"

    def __reduce__(self) -> tuple[object, ...]:
        return _inflating, (self.bits, self.takeover, self.window)


class Deflating(NamedTuple):
    """The sending context between two messages, or between two fragments of one.

    Equal if the parameters and the windows are.

    Attributes:
        bits: the window is ``2**bits`` bytes, 8 to 15.
        takeover: whether a message may refer to earlier ones.
        level: how hard zlib tries, 0 to 9.
        history: the latest uncompressed data, at least the window.
        live: zlib's object in a state that fits this one, or nothing.
    """

    bits: int
    takeover: bool
    level: int
    history: Chunks
    live: list[_Deflater]

    @property
    def window(self) -> bytes:
        """The latest uncompressed data, ``2**bits`` bytes at the most."""
        return _latest(self.history, 1 << self.bits)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Deflating):
            return NotImplemented
        return self[:3] == other[:3] and self.window == other.window

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self.bits, self.takeover, self.level, self.window))

    def __repr__(self) -> str:
        return f"<deflating with {self.bits} bits, {len(self.window)} bytes in the window>"

    def __reduce__(self) -> tuple[object, ...]:
        return _deflating, (self.bits, self.takeover, self.level, self.window)


def inflating(parameters: DeflateParameters, role_is_client: bool) -> Inflating:
    """Return the context in which an endpoint receives its first message.

    Args:
        parameters: what was agreed on.
        role_is_client: whether the endpoint is the client, which inflates what the server sends.
    """
    if role_is_client:
        bits, reset = parameters.server_max_window_bits, parameters.server_no_context_takeover
    else:
        bits, reset = parameters.client_max_window_bits, parameters.client_no_context_takeover
    return _inflating(bits, not reset, b"")


def deflating(parameters: DeflateParameters, role_is_client: bool, *, level: int = 1) -> Deflating:
    """Return the context in which an endpoint sends its first message.

    Args:
        parameters: what was agreed on.
        role_is_client: whether the endpoint is the client, which deflates by the client's
            parameters.
        level: zlib's compression level, 0 to 9.  What passes here has to be there soon rather
            than be small: 6 makes JSON and prose about a fifth smaller than 1 does, but takes
            2.6 times as long for JSON and five times as long for prose.
    """
    if role_is_client:
        bits, reset = parameters.client_max_window_bits, parameters.client_no_context_takeover
    else:
        bits, reset = parameters.server_max_window_bits, parameters.server_no_context_takeover
    return _deflating(bits, not reset, level, b"")


def inflate(context: Inflating, compressed: bytes, limit: int) -> tuple[Inflating, bytes]:
    """Inflate one message (RFC 7692 §7.2.2, §7.2.3.2, §7.2.3.6).

    Args:
        context: the state before the message.
        compressed: the payloads of all its frames, joined.
        limit: the size that the message may have when inflated, in bytes.

    Returns:
        The state after the message (the same object if nothing changed), and the message.

    Raises:
        Violation: the payload is empty; it is not valid DEFLATE; it is cut off inside a block; or
            it inflates to more than *limit*, which is noticed without inflating the rest.
    """
    if not compressed:
        raise Violation("RFC7692-7.2.2-14", "a compressed message without any data")
    try:
        inflater = context.live.pop()
    except IndexError:
        inflater = zlib.decompressobj(-context.bits, zdict=context.window)
    try:
        inflater, history, message = _inflate_blocks(inflater, context, compressed, limit)
    except zlib.error as error:
        raise _invalid(error) from None
    if not _is_cut_before_tail(inflater):
        raise Violation("RFC7692-7.2.2-04", "the compressed data is cut off inside a block")
    if not context.takeover:
        return context, message
    live = [] if inflater.eof else [inflater]
    if not message:
        context.live.extend(live)
        return context, message
    return Inflating(context.bits, True, history, live), message


def deflate(context: Deflating, data: bytes) -> tuple[Deflating, bytes]:
    """Deflate one message (RFC 7692 §7.2.1).

    Returns:
        The state after the message, and its payload.
    """
    return deflate_fragment(context, data, True)


def deflate_fragment(context: Deflating, data: bytes, final: bool) -> tuple[Deflating, bytes]:
    """Deflate a fragment of a message as soon as it is there.

    Each fragment ends with an empty stored block, so that the receiver could inflate all of
    it at once.  The tail is left out at the end of the message only (RFC 7692 §7.2.1).

    Args:
        context: the state after the preceding fragment, or message.
        data: the fragment, uncompressed.
        final: whether the message ends here.

    Returns:
        The state after the fragment, and its payload.
    """
    bits, takeover, level, history, live = context
    forgets = final and not takeover
    if not data:
        # zlib flushes nothing twice, and nothing is needed but the empty block's first byte.
        if forgets and history.size:
            context = Deflating(bits, takeover, level, EMPTY, [])
        return context, b"\x00" if final else b""
    try:
        deflater = live.pop()
    except IndexError:
        deflater = _deflater(bits, level, context.window)
    # A full flush makes zlib forget the window, much faster than a new object is made.
    flush = zlib.Z_FULL_FLUSH if forgets else zlib.Z_SYNC_FLUSH
    payload = deflater.compress(data) + deflater.flush(flush)
    if final:
        payload = payload[: -len(_TAIL)]
    history = EMPTY if forgets else _remember(history, data, 1 << bits)
    if history is context.history:
        live.append(deflater)
        return context, payload
    return Deflating(bits, takeover, level, history, [deflater]), payload


def _inflate_blocks(
    inflater: _Inflater, context: Inflating, compressed: bytes, limit: int
) -> tuple[_Inflater, Chunks, bytes]:
    """Inflate *compressed*, whatever blocks it has.

    A block with BFINAL set ends the stream for zlib, but not the message: the next block starts
    at the next byte and has the same window (RFC 7692 §7.2.1).  So another inflater goes on
    behind it.  That costs two or three copies of a window for each such block.

    Returns:
        The inflater that is at the end, the latest data, and all data.

    Raises:
        zlib.error: the data is invalid.
        Violation: there is more than *limit* bytes of it, or there are too many final blocks.
    """
    capacity = 1 << context.bits
    history = context.history
    output = EMPTY
    position, end, step = 0, len(compressed), _INPUT
    final_blocks = 0
    while position < end:
        piece = compressed[position : position + step]
        position += len(piece)
        filled = True
        while filled:
            room = min(_OUTPUT, limit + 1 - output.size)
            data = inflater.decompress(piece, room)
            filled = len(data) == room and not inflater.eof
            if not output.size and position == end and not filled and not inflater.eof:
                # All of it at once, as nearly always.
                return inflater, _remember(history, data, capacity), data
            piece = inflater.unconsumed_tail
            output = output.add(data)
            if output.size > limit:
                raise Violation("RFC6455-10.4-03", f"inflates to more than {limit} bytes")
            history = _remember(history, data, capacity)
        if inflater.eof:
            final_blocks += 1
            if final_blocks > _FINAL_BLOCKS:
                raise Violation("RFC6455-10.4-01", f"more than {_FINAL_BLOCKS} final blocks")
            position -= len(inflater.unused_data)
            window = _latest(history, capacity)
            history = EMPTY.add(window)
            inflater = zlib.decompressobj(-context.bits, zdict=window)
            step = _INPUT_AFTER_FINAL_BLOCK
        elif step < _INPUT:
            step *= 2
    return inflater, history, output.joined()


def _is_cut_before_tail(inflater: _Inflater) -> bool:
    """Feed the tail; say whether it was missing there (RFC 7692 §7.2.1, §7.2.2).

    It was if the data so far ends between the header of a stored block and its lengths LEN
    and NLEN.  Just there, two things are true, and nowhere else:

    * the tail gives no data.  It does if LEN began earlier: then it either was wrong
      or is not 0, and part of the tail belongs to the block's data;
    * four zero bytes in place of the tail are refused for being the lengths of a stored block,
      as one of LEN and NLEN has to be the other's complement.  If LEN began
      later, or if no stored block has begun, they are not.

    That nothing is left over at a block boundary *behind* the tail would not be enough: a stored
    block that lacks its last four bytes would end in the tail.
    """
    probe = inflater.copy()
    try:
        if inflater.decompress(_TAIL, 1):
            return False
    except zlib.error:
        return False
    try:
        probe.decompress(bytes(4), 1)
    except zlib.error as error:
        return "stored block lengths" in str(error)
    return False


def _invalid(error: zlib.error) -> Violation:
    """Return the violation that zlib noticed."""
    # Such as "Error -3 while decompressing data: invalid distance too far back".
    reason = str(error).rpartition(": ")[2]
    clause = "RFC7692-7.2.2-03" if "too far back" in reason else "RFC7692-7.2.2-02"
    return Violation(clause, f"the compressed data is invalid: {reason}")


def _inflating(bits: int, takeover: bool, window: bytes) -> Inflating:
    return Inflating(bits, takeover, EMPTY.add(window), [])


def _deflating(bits: int, takeover: bool, level: int, window: bytes) -> Deflating:
    return Deflating(bits, takeover, level, EMPTY.add(window), [])


def _deflater(bits: int, level: int, window: bytes) -> _Deflater:
    """Make a compressor in the state that *window* leaves.

    zlib refuses to compress raw data with a window of 8 bits.  But with one of 9 bits its
    references reach back 512 - 262 = 250 bytes at most (zlib keeps room for the longest match and
    a minimal one), so what it makes is right for 8 bits.
    """
    return zlib.compressobj(level, zlib.DEFLATED, -max(bits, 9), zdict=window)


def _remember(history: Chunks, data: bytes, capacity: int) -> Chunks:
    """Add *data* to *history*, which has to keep the latest *capacity* bytes.

    It is cut only when it has grown to twice that, so a small message costs little.
    """
    if len(data) >= capacity:
        return EMPTY.add(data[-capacity:])
    history = history.add(data)
    if history.size > 2 * capacity:
        return EMPTY.add(_latest(history, capacity))
    return history


def _latest(history: Chunks, capacity: int) -> bytes:
    """Return the last *capacity* bytes of *history*."""
    newest = history.data
    if len(newest) < min(history.size, capacity):
        newest = history.joined()
    return newest[-capacity:]
