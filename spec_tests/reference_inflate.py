"""DEFLATE read bit by bit (RFC 1951), as something to hold zlib against.

Slow and plain, it knows two things that zlib does not tell: whether the data ends where
a message may end, and how far back the references reach.
"""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

LENGTH_EXTRA = [0] * 8 + [bits for bits in range(1, 6) for _ in range(4)] + [0]
LENGTH_BASE = [*accumulate([3, *(1 << bits for bits in LENGTH_EXTRA[:27])]), 258]
DISTANCE_EXTRA = [0, 0] + [bits for bits in range(14) for _ in range(2)]
DISTANCE_BASE = list(accumulate([1, *(1 << bits for bits in DISTANCE_EXTRA[:-1])]))
CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
FIXED_LENGTHS = [8] * 144 + [9] * 112 + [7] * 24 + [8] * 8


class CutOffError(Exception):
    """The data ends where no message may end."""


class InvalidError(Exception):
    """The data is not DEFLATE."""


class Inflated(NamedTuple):
    """A message, and the greatest distance of its references."""

    data: bytes
    distance: int


class Code:
    """A Huffman code, from the length of each symbol (RFC 1951 §3.2.2)."""

    def __init__(self, lengths: list[int], *, may_be_incomplete: bool) -> None:
        self.symbols: dict[tuple[int, int], int] = {}
        self.longest = max([1, *lengths])
        code = 0
        for length in range(1, self.longest + 1):
            for symbol, its_length in enumerate(lengths):
                if its_length == length:
                    self.symbols[length, code] = symbol
                    code += 1
            if code > 1 << length:
                raise InvalidError("too many codes")
            code <<= 1
        # A code of no symbol, or of one with the length 1, is the one that may have gaps.
        if code != 2 << self.longest and not (may_be_incomplete and self.longest == 1):
            raise InvalidError("too few codes")


class Reader:
    """The bits of the data, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def bits(self, count: int) -> int:
        """Read a number."""
        value = 0
        for i in range(count):
            if self.position >= 8 * len(self.data):
                raise CutOffError
            value |= (self.data[self.position // 8] >> self.position % 8 & 1) << i
            self.position += 1
        return value

    def symbol(self, code: Code) -> int:
        """Read a symbol."""
        value = 0
        for length in range(1, code.longest + 1):
            value = value << 1 | self.bits(1)
            if (length, value) in code.symbols:
                return code.symbols[length, value]
        raise InvalidError("no such code")


def reference_inflate(payload: bytes, window: bytes = b"", limit: int = 32768) -> Inflated:
    """Inflate the payload of a message.

    Args:
        payload: without the tail, so it has to end before the lengths of a stored block.
        window: the data before the message.
        limit: the greatest distance that is valid.

    Raises:
        CutOffError: the payload ends elsewhere.
        InvalidError: the payload is not valid DEFLATE.
    """
    reader, output, farthest = Reader(payload), bytearray(window), 0
    while True:
        final, kind = reader.bits(1), reader.bits(2)
        if kind == 0:
            reader.position += -reader.position % 8
            if reader.position == 8 * len(payload):
                return Inflated(bytes(output[len(window) :]), farthest)
            length, complement = reader.bits(16), reader.bits(16)
            if length ^ complement != 0xFFFF:
                raise InvalidError("the length of a stored block")
            output += bytes(reader.bits(8) for _ in range(length))
        elif kind == 3:
            raise InvalidError("the reserved kind of block")
        else:
            literals, distances = read_codes(reader) if kind == 2 else fixed_codes()
            farthest = max(farthest, read_block(reader, literals, distances, output, limit))
        if final:
            reader.position += -reader.position % 8


def fixed_codes() -> tuple[Code, Code]:
    """RFC 1951 §3.2.6."""
    return Code(FIXED_LENGTHS, may_be_incomplete=False), Code([5] * 32, may_be_incomplete=False)


def read_codes(reader: Reader) -> tuple[Code, Code]:
    """RFC 1951 §3.2.7."""
    literals, distances, count = reader.bits(5) + 257, reader.bits(5) + 1, reader.bits(4) + 4
    if literals > 286 or distances > 30:
        raise InvalidError("too many symbols")
    its_lengths = [0] * 19
    for symbol in CODE_LENGTH_ORDER[:count]:
        its_lengths[symbol] = reader.bits(3)
    code = Code(its_lengths, may_be_incomplete=False)
    lengths: list[int] = []
    while len(lengths) < literals + distances:
        symbol = reader.symbol(code)
        if symbol < 16:
            lengths.append(symbol)
        elif symbol == 16:
            repeat = 3 + reader.bits(2)
            if not lengths:
                raise InvalidError("nothing to repeat")
            lengths += lengths[-1:] * repeat
        else:
            lengths += [0] * (3 + reader.bits(3) if symbol == 17 else 11 + reader.bits(7))
    if len(lengths) > literals + distances:
        raise InvalidError("too many lengths")
    if not lengths[256]:
        raise InvalidError("no end of the block")
    return (
        Code(lengths[:literals], may_be_incomplete=True),
        Code(lengths[literals:], may_be_incomplete=True),
    )


def read_block(
    reader: Reader, literals: Code, distances: Code, output: bytearray, limit: int
) -> int:
    """Read the data of a block; return the greatest distance (RFC 1951 §3.2.3)."""
    farthest = 0
    while (symbol := reader.symbol(literals)) != 256:
        if symbol < 256:
            output.append(symbol)
            continue
        if symbol > 285:
            raise InvalidError("no such length")
        length = LENGTH_BASE[symbol - 257] + reader.bits(LENGTH_EXTRA[symbol - 257])
        symbol = reader.symbol(distances)
        if symbol > 29:
            raise InvalidError("no such distance")
        distance = DISTANCE_BASE[symbol] + reader.bits(DISTANCE_EXTRA[symbol])
        if distance > min(len(output), limit):
            raise InvalidError("too far back")
        farthest = max(farthest, distance)
        for _ in range(length):
            output.append(output[-distance])
    return farthest
