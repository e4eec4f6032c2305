"""DEFLATE as a sender might write it, block by block (RFC 1951; RFC 7692 §7.2.1).

zlib writes one of the many ways in which a message can be compressed, and none that is wrong.
:class:`Blocks` writes blocks by hand::

    Blocks().fixed(b"Hel").stored(b"lo").payload        # a message in two blocks
    Blocks().fixed(b"ab", (4, 2)).payload               # "ababab": 4 bytes from 2 back
    Blocks().fixed(b"Hello", final=True).payload        # with BFINAL set
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Iterable
from hashlib import shake_256
from itertools import accumulate
from typing import Final, NamedTuple, TypeAlias

__all__ = ["TAIL", "Blocks", "Symbol", "deflated", "deflated_in_turn", "flushed", "noise"]

#: What ends a message and is not sent.
TAIL: Final = b"\x00\x00\xff\xff"

_LENGTH_EXTRA: Final = (*[0] * 8, *(bits for bits in range(1, 6) for _ in range(4)), 0)
_LENGTH_BASE: Final = (*accumulate((3, *(1 << bits for bits in _LENGTH_EXTRA[:27]))), 258)
_DISTANCE_EXTRA: Final = (0, 0, *(bits for bits in range(14) for _ in range(2)))
_DISTANCE_BASE: Final = tuple(accumulate((1, *(1 << bits for bits in _DISTANCE_EXTRA[:-1]))))

#: Literals, or a reference: so many bytes from so far back.
Symbol: TypeAlias = bytes | tuple[int, int]


class Blocks(NamedTuple):
    """DEFLATE blocks: their bits, as digits in the order in which they are read."""

    bits: str = ""

    def stored(self, data: bytes, *, final: bool = False, wrong: bool = False) -> Blocks:
        """Add a stored block.

        Args:
            data: up to 65535 bytes.
            final: whether BFINAL is set.
            wrong: whether NLEN is not what it has to be.
        """
        complement = len(data) if wrong else len(data) ^ 0xFFFF
        lengths = len(data).to_bytes(2, "little") + complement.to_bytes(2, "little")
        bits = self.bits + str(int(final)) + "00"
        return Blocks(_padded(bits) + _bits_of(lengths + data))

    def fixed(self, *symbols: Symbol, final: bool = False) -> Blocks:
        """Add a block with fixed codes."""
        bits = self.bits + str(int(final)) + "10"
        bits += "".join(_fixed(symbols)) + _literal(256)
        return Blocks(_padded(bits) if final else bits)

    def of_numbers(self, *numbers: int) -> Blocks:
        """Add a block with fixed codes: of symbols by their numbers, which may mean nothing."""
        return Blocks(self.bits + "010" + "".join(map(_literal, numbers)))

    def raw(self, bits: str) -> Blocks:
        """Add bits."""
        return Blocks(self.bits + bits)

    @property
    def payload(self) -> bytes:
        """A message of these blocks: behind them an empty stored block begins."""
        return Blocks(self.bits + "000").data

    @property
    def data(self) -> bytes:
        """The bits as bytes, with nothing behind them."""
        bits = _padded(self.bits)
        return bytes(int(bits[start : start + 8][::-1], 2) for start in range(0, len(bits), 8))


def deflated(
    data: bytes,
    *,
    level: int = 9,
    strategy: int = zlib.Z_DEFAULT_STRATEGY,
    bits: int = 15,
    memory: int = 8,
    window: bytes = b"",
) -> bytes:
    """Compress a message by zlib; *window* is what came before."""
    squeezer = zlib.compressobj(level, zlib.DEFLATED, -bits, memory, strategy, zdict=window)
    return flushed(squeezer.compress(data) + squeezer.flush(zlib.Z_SYNC_FLUSH))


def deflated_in_turn(*messages: bytes) -> list[bytes]:
    """Compress messages that refer to those before."""
    squeezer = zlib.compressobj(9, wbits=-15)
    return [
        flushed(squeezer.compress(message) + squeezer.flush(zlib.Z_SYNC_FLUSH))
        for message in messages
    ]


def flushed(data: bytes) -> bytes:
    """Take off the end of what zlib has flushed; nothing at all becomes the one byte 00."""
    return data.removesuffix(TAIL) or b"\x00"


def noise(length: int, seed: str = "") -> bytes:
    """Return so many bytes of ASCII that do not repeat, always the same for a *seed*."""
    return b64encode(shake_256(seed.encode()).digest(length * 3 // 4 + 3))[:length]


def _padded(bits: str) -> str:
    return bits + "0" * (-len(bits) % 8)


def _bits_of(data: bytes) -> str:
    return "".join(f"{octet:08b}"[::-1] for octet in data)


def _literal(number: int) -> str:
    """Return the fixed code of a literal, a length or the end of the block (RFC 1951 §3.2.6)."""
    if number < 144:
        return f"{0x30 + number:08b}"
    if number < 256:
        return f"{0x190 + number - 144:09b}"
    if number < 280:
        return f"{number - 256:07b}"
    return f"{0xC0 + number - 280:08b}"


def _fixed(symbols: Iterable[Symbol]) -> Iterable[str]:
    for symbol in symbols:
        if isinstance(symbol, bytes):
            yield from map(_literal, symbol)
            continue
        length, distance = symbol
        index = max(i for i, base in enumerate(_LENGTH_BASE) if base <= length)
        yield _literal(257 + index) + _number(length - _LENGTH_BASE[index], _LENGTH_EXTRA[index])
        index = max(i for i, base in enumerate(_DISTANCE_BASE) if base <= distance)
        yield f"{index:05b}" + _number(distance - _DISTANCE_BASE[index], _DISTANCE_EXTRA[index])


def _number(value: int, bits: int) -> str:
    return f"{value:0{bits}b}"[::-1] if bits else ""
