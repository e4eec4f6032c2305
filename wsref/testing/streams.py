"""Cutting a stream of bytes into reads (RFC 6455 §6.2).

TCP delivers bytes, not frames: whatever a peer sends may arrive in any pieces.  Nothing that an
endpoint does may depend on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from itertools import accumulate, cycle, pairwise, takewhile

from hypothesis import strategies as st

__all__ = ["chunkings", "cut"]


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """Cut *data* into pieces of *sizes*, over and over again; none of them is empty.

    Args:
        data: what to cut.
        sizes: the sizes of the pieces in bytes, at least 1 each; at least one.
    """
    pieces: list[bytes] = []
    position = 0
    while position < len(data):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(data[position : position + size])
        position += size
    return pieces


def chunkings(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """Draw how *data* arrives: all of it at once, byte by byte, or in any other pieces.

    Their concatenation is *data*, and none of them is empty.  All ``2**(len(data) - 1)`` ways can
    be drawn up to 256 bytes; most of those drawn have few cuts.

    Args:
        data: the bytes that arrive.

    Shrinks to one piece, then to few, cut as early as possible.
    """
    return _cuttings(len(data)).map(partial(_cut_at, data))


def _cut_at(data: bytes, edges: Sequence[int]) -> list[bytes]:
    """Cut *data* at *edges*, which ascend."""
    return [data[start:stop] for start, stop in pairwise([0, *edges, len(data)]) if start < stop]


@lru_cache(512)
def _cuttings(size: int) -> st.SearchStrategy[Sequence[int]]:
    """Draw where to cut so many bytes.

    Kept for the next stream that is as long: to look at a strategy for the first time takes
    Hypothesis longer than to draw from it.
    """
    if size < 2:
        return st.just(())
    few = st.sets(st.integers(1, size - 1), min_size=1, max_size=min(6, size - 1)).map(sorted)
    repeated = st.lists(st.integers(1, 40), min_size=1, max_size=8).map(partial(_edges, size))
    branches: list[st.SearchStrategy[Sequence[int]]] = [st.just(()), few, repeated]
    if size <= 256:
        every = st.lists(st.booleans(), min_size=size - 1, max_size=size - 1)
        branches.append(every.map(lambda bits: [i for i, bit in enumerate(bits, 1) if bit]))
    branches.append(st.just(range(1, size)))
    return st.one_of(branches)


def _edges(size: int, sizes: list[int]) -> list[int]:
    """Return where pieces of *sizes*, over and over again, end before *size*."""
    return list(takewhile(lambda edge: edge < size, accumulate(cycle(sizes))))
