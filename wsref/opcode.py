"""The opcodes of frames; see :mod:`wsref.protocol.opcode`."""

from .protocol.opcode import Opcode, is_reserved

__all__ = ["Opcode", "is_reserved"]
