"""DEFLATE read symbol by symbol (RFC 1951), to see what zlib does not tell.

zlib says whether data is valid, but not how far back its references reach, and of a reference
beyond a small window it takes no notice if both ends are in one call.  :func:`trace` is
slow and says both, and in plain words what is wrong with data that is not valid::

    block = BFINAL, 1 bit | BTYPE, 2 bits | its data
    data  = stored: pad to a byte, LEN, NLEN, bytes
          | codes (fixed, or described first), then symbols: literals, and references
            "length bytes from distance back", up to the end of the block
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple

__all__ = ["Traced", "trace"]

_STORED, _FIXED, _RESERVED = 0, 1, 3
_END_OF_BLOCK: Final = 256

# The lengths of symbols 257 to 285 and the distances of symbols 0 to 29: a base, to which so
# many extra bits are added (RFC 1951 §3.2.5).
_LENGTH_EXTRA: Final = (*[0] * 8, *(bits for bits in range(1, 6) for _ in range(4)), 0)
_LENGTH_BASE: Final = (*accumulate((3, *(1 << bits for bits in _LENGTH_EXTRA[:27]))), 258)
_DISTANCE_EXTRA: Final = (0, 0, *(bits for bits in range(14) for _ in range(2)))
_DISTANCE_BASE: Final = tuple(accumulate((1, *(1 << bits for bits in _DISTANCE_EXTRA[:-1]))))

#: The order in which the lengths of the codes for code lengths are given (RFC 1951 §3.2.7).
_LENGTHS_ORDER: Final = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)


class Traced(NamedTuple):
    """What there is to say about the payload of a compressed message.

    Attributes:
        data: what it inflates to, as far as it could be read.
        farthest: the greatest distance of a reference; 0 if there is none.
        before: how far back before the message's own first byte a reference reaches.
        problem: why it is not a whole, valid message; empty if it is one.
    """

    data: bytes
    farthest: int
    before: int
    problem: str


def trace(payload: bytes, history: bytes = b"") -> Traced:
    """Read the payload of a message, without the tail ``00 00 ff ff`` (RFC 7692 §7.2.1).

    Args:
        payload: those of all its frames, joined.
        history: the data before the message, at least 32768 bytes of it if there are as many.
    """
    tracer = _Tracer(payload, history)
    problem = ""
    try:
        tracer.read_message()
    except _Bad as bad:
        problem = str(bad)
    data = bytes(tracer.output[len(history) :])
    return Traced(data, tracer.farthest, max(0, tracer.before), problem)


class _Bad(Exception):
    """The data is no whole, valid message; says why."""


class _Code:
    """A Huffman code, made of the length in bits of each symbol's code (RFC 1951 §3.2.2)."""

    def __init__(self, lengths: Sequence[int], what: str, *, may_be_incomplete: bool) -> None:
        self.what = what
        self.longest = max(1, *lengths)
        #: What the next bits mean, by their number: symbol and length, or None.
        self.meaning: list[tuple[int, int] | None] = [None] * (1 << self.longest)
        code = 0
        for length in range(1, self.longest + 1):
            code <<= 1
            for symbol, its_length in enumerate(lengths):
                if its_length == length:
                    if code >> length:
                        raise _Bad(f"too many codes for {what}")
                    first = int(f"{code:0{length}b}"[::-1], 2)  # its first bit comes first
                    for index in range(first, 1 << self.longest, 1 << length):
                        self.meaning[index] = (symbol, length)
                    code += 1
        # Only a code of one bit, or of none, may have gaps.
        if code != 1 << self.longest and not (may_be_incomplete and self.longest == 1):
            raise _Bad(f"too few codes for {what}")


def _fixed_codes() -> tuple[_Code, _Code]:
    lengths = [8] * 144 + [9] * 112 + [7] * 24 + [8] * 8
    return (
        _Code(lengths, "literals and lengths", may_be_incomplete=False),
        _Code([5] * 32, "distances", may_be_incomplete=False),
    )


_FIXED_CODES: Final = _fixed_codes()


class _Tracer:
    """A position in the bits of a payload, the lowest of each byte first."""

    def __init__(self, payload: bytes, history: bytes) -> None:
        self.output = bytearray(history)
        self.farthest = 0
        self.before = 0
        self._payload = payload
        self._start = len(history)
        self._position = 0  # of the next byte
        self._bits = 0  # read from the payload and not used
        self._count = 0  # of them

    def read_message(self) -> None:
        """Read blocks up to the one whose lengths are left out."""
        while True:
            if self._left(3) < 3:
                raise _Bad("it does not end with the first byte of an empty stored block")
            final, kind = self._take(1), self._take(2)
            if kind == _STORED:
                self._align()
                if not self._left(1):
                    return
                self._read_stored()
            elif kind == _RESERVED:
                raise _Bad("a block of the reserved type 3")
            else:
                codes = _FIXED_CODES if kind == _FIXED else self._read_codes()
                self._read_symbols(*codes)
            if final:
                self._align()

    # Bits

    def _left(self, count: int) -> int:
        """Return how many bits are left, if they are fewer than *count*."""
        self._fill(count)
        return self._count

    def _fill(self, count: int) -> None:
        if self._count < count:
            more = self._payload[self._position : self._position + 4]
            self._position += len(more)
            self._bits |= int.from_bytes(more, "little") << self._count
            self._count += 8 * len(more)

    def _drop(self, count: int) -> None:
        if count > self._count:
            raise _Bad("the data is cut off inside a block")
        self._bits >>= count
        self._count -= count

    def _take(self, count: int) -> int:
        """Read a number of so many bits."""
        self._fill(count)
        value = self._bits & ((1 << count) - 1)
        self._drop(count)
        return value

    def _align(self) -> None:
        """Go on to the next byte."""
        self._drop(self._count % 8)

    def _symbol(self, code: _Code) -> int:
        self._fill(code.longest)
        meaning = code.meaning[self._bits & ((1 << code.longest) - 1)]
        if meaning is None:
            raise _Bad(f"a code that is none of those for {code.what}")
        symbol, length = meaning
        self._drop(length)
        return symbol

    # Blocks

    def _read_stored(self) -> None:
        length, complement = self._take(16), self._take(16)
        if length ^ complement != 0xFFFF:
            raise _Bad(f"a stored block with LEN {length:04x} and NLEN {complement:04x}")
        for _ in range(length):
            self.output.append(self._take(8))

    def _read_codes(self) -> tuple[_Code, _Code]:
        """Read the description of a block's codes (RFC 1951 §3.2.7)."""
        literals, distances = self._take(5) + 257, self._take(5) + 1
        its_lengths = [0] * len(_LENGTHS_ORDER)
        for symbol in _LENGTHS_ORDER[: self._take(4) + 4]:
            its_lengths[symbol] = self._take(3)
        if literals > 286 or distances > 30:
            raise _Bad("codes for more symbols than there are")
        code = _Code(its_lengths, "the lengths of codes", may_be_incomplete=False)
        lengths: list[int] = []
        while len(lengths) < literals + distances:
            symbol = self._symbol(code)
            if symbol < 16:
                lengths.append(symbol)
            elif symbol == 16 and not lengths:
                raise _Bad("the first length of a code is a repeat")
            elif symbol == 16:
                lengths += lengths[-1:] * (3 + self._take(2))
            else:
                lengths += [0] * (3 + self._take(3) if symbol == 17 else 11 + self._take(7))
        if len(lengths) > literals + distances:
            raise _Bad("more lengths of codes than were announced")
        if not lengths[_END_OF_BLOCK]:
            raise _Bad("no code for the end of the block")
        return (
            _Code(lengths[:literals], "literals and lengths", may_be_incomplete=True),
            _Code(lengths[literals:], "distances", may_be_incomplete=True),
        )

    def _read_symbols(self, literals: _Code, distances: _Code) -> None:
        output = self.output
        while (symbol := self._symbol(literals)) != _END_OF_BLOCK:
            if symbol < _END_OF_BLOCK:
                output.append(symbol)
                continue
            index = symbol - 257
            if index >= len(_LENGTH_BASE):
                raise _Bad(f"the length {symbol}, which means nothing")
            length = _LENGTH_BASE[index] + self._take(_LENGTH_EXTRA[index])
            index = self._symbol(distances)
            if index >= len(_DISTANCE_BASE):
                raise _Bad(f"the distance {index}, which means nothing")
            self._copy(length, _DISTANCE_BASE[index] + self._take(_DISTANCE_EXTRA[index]))

    def _copy(self, length: int, distance: int) -> None:
        output = self.output
        if distance > len(output):
            raise _Bad(f"a reference {distance} bytes back, where only {len(output)} have been")
        self.farthest = max(self.farthest, distance)
        self.before = max(self.before, distance - (len(output) - self._start))
        start = len(output) - distance
        if distance >= length:
            output += output[start : start + length]
        else:
            period = bytes(output[start:])
            output += (period * (length // distance + 1))[:length]
