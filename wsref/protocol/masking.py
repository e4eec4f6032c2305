"""Masking: what a client does to every payload, and a server undoes (RFC 6455 §5.3).

Byte *i* of the payload is combined by exclusive or with byte *i* mod 4 of the masking
key, so that masking twice restores the payload.  In pure Python one operation over all
the bytes beats any loop: short payloads are masked as one big integer, long ones by
translating every fourth byte through a table.
"""

from __future__ import annotations

from typing import Final

__all__ = ["LONG", "mask", "mask_long"]

_IDENTITY: Final = bytes(range(256))

_from_bytes = int.from_bytes  # big-endian, like its inverse

#: ``_TABLES[k][b]`` is ``b ^ k``.
_TABLES: Final = tuple(
    (_from_bytes(_IDENTITY) ^ _from_bytes(bytes([k]) * 256)).to_bytes(256) for k in range(256)
)

LONG: Final = 1024  # bytes: from here on tables are faster than an integer


def mask(payload: bytes, masking_key: bytes, offset: int = 0) -> bytes:
    """Mask or unmask *payload*.

    Args:
        payload: the bytes to mask, or a piece of them.
        masking_key: four bytes.
        offset: where in the frame's payload the piece begins.

    Returns:
        As many bytes as *payload* has.
    """
    if offset & 3:
        turn = offset & 3
        masking_key = masking_key[turn:] + masking_key[:turn]
    length = len(payload)
    if length < LONG:
        key = (masking_key * ((length + 3) >> 2))[:length]
        return (_from_bytes(payload) ^ _from_bytes(key)).to_bytes(length)
    return bytes(mask_long(payload, masking_key))


def mask_long(payload: bytes, masking_key: bytes) -> bytearray:
    """Mask a long payload; like :func:`mask`, but spares a copy of the result."""
    masked = bytearray(payload)
    a, b, c, d = masking_key
    masked[::4] = masked[::4].translate(_TABLES[a])
    masked[1::4] = masked[1::4].translate(_TABLES[b])
    masked[2::4] = masked[2::4].translate(_TABLES[c])
    masked[3::4] = masked[3::4].translate(_TABLES[d])
    return masked
