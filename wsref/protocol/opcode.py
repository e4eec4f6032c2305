"""Opcodes: what a frame is (RFC 6455 §5.2).

Bit 3 tells control frames (8 to 15) from data frames (0 to 7).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

__all__ = ["BINARY", "CLOSE", "CONTINUATION", "PING", "PONG", "TEXT", "Opcode", "is_reserved"]


class Opcode(IntEnum):
    """The sixteen values of the opcode field; members are plain integers."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    RESERVED1 = 0x3
    RESERVED2 = 0x4
    RESERVED3 = 0x5
    RESERVED4 = 0x6
    RESERVED5 = 0x7
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA
    RESERVED6 = 0xB
    RESERVED7 = 0xC
    RESERVED8 = 0xD
    RESERVED9 = 0xE
    RESERVED10 = 0xF

    @classmethod
    def to_str(cls, opcode: int) -> str:
        """Return the name of *opcode*, or ``"?"`` if it is not a four-bit value."""
        return cls(opcode).name if 0 <= opcode <= 0xF else "?"


# Plain integers for the core: an attribute of an enum class costs eight times as
# much to look up as a module's name.
CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA


def is_reserved(opcode: int) -> bool:
    """Whether *opcode* has no meaning in RFC 6455 (§5.2: 3 to 7 and 0xB to 0xF)."""
    return 0x3 <= opcode <= 0x7 or 0xB <= opcode <= 0xF
