"""Randomness from the kernel, drawn in blocks (RFC 6455 §5.3, §10.3).

Every frame that a client sends needs four unpredictable bytes.  A system call for each
would cost as much as all the rest of sending it, so keys are cut from blocks; each key
is used once, and none tells anything about another.
"""

from __future__ import annotations

import os
from struct import iter_unpack

__all__ = ["MaskingKeys"]

_BLOCK = 4096  # bytes

#: Grows in a forked child, which must not send what its parent does.
_generation = 0


def _forked() -> None:
    global _generation
    _generation += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


class MaskingKeys:
    """A supply of masking keys; to be used by one thread at a time, under its owner's lock."""

    __slots__ = ("_generation", "_keys")

    def __init__(self) -> None:
        self._keys: list[bytes] = []
        self._generation = _generation

    def next_key(self) -> bytes:
        """Return four bytes that nobody can predict and that were not returned before."""
        if not self._keys or self._generation != _generation:
            self._generation = _generation
            self._keys = [key for (key,) in iter_unpack("4s", os.urandom(_BLOCK))]
        return self._keys.pop()
