"""Persistent byte chunks: what has arrived so far, as a value.

A payload that comes in many reads or fragments is kept as a linked list from the
newest chunk to the oldest and joined once, at its end.  Adding a chunk leaves the
old value as it was, so a state can be forked in the middle of a message.

Tiny chunks would cost far more memory than the bytes they hold.  So whenever a run
of small chunks has grown to ``_RUN``, the run is joined into one: each byte is copied
at most once on the way, time stays linear, and what a byte costs stays bounded.
"""

from __future__ import annotations

from typing import NamedTuple

from .records import new_record

__all__ = ["EMPTY", "Chunks"]

_SMALL = 1024  # bytes: chunks below this count as small
_RUN = 256  # small chunks are joined once there are this many


class Chunks(NamedTuple):
    """Bytes in the order they came; equal if the bytes are, however they were cut."""

    earlier: Chunks | None
    data: bytes
    size: int
    run: int  # how many small chunks end here without having been joined

    def add(self, data: bytes) -> Chunks:
        """Return these bytes followed by *data*."""
        length = len(data)
        if not length:
            return self
        if length >= _SMALL:
            return new_record(Chunks, (self, data, self.size + length, self.run))
        if self.run + 1 < _RUN:
            return new_record(Chunks, (self, data, self.size + length, self.run + 1))
        before, run = self._without_run()
        return Chunks(before, b"".join([*run, data]), self.size + length, 0)

    def joined(self) -> bytes:
        """Return all the bytes as one."""
        if self.earlier is None:
            return self.data
        parts: list[bytes] = []
        node: Chunks | None = self
        while node is not None:
            parts.append(node.data)
            node = node.earlier
        parts.reverse()
        return b"".join(parts)

    def _without_run(self) -> tuple[Chunks | None, list[bytes]]:
        """Split off the newest run: what is before it, and its pieces in order."""
        parts: list[bytes] = []
        node: Chunks | None = self
        while node is not None and node.run:
            parts.append(node.data)
            node = node.earlier
        parts.reverse()
        return node, parts

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Chunks):
            return NotImplemented
        return self.size == other.size and self.joined() == other.joined()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.joined())

    def __repr__(self) -> str:
        return f"<Chunks {self.size} bytes>"

    def __reduce__(self) -> tuple[object, ...]:
        # The list itself would be pickled by recursion, as deep as it is long.
        return _from_bytes, (self.joined(),)


def _from_bytes(data: bytes) -> Chunks:
    return EMPTY.add(data)


EMPTY = Chunks(None, b"", 0, 0)
