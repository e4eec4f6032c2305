"""Cutting a stream of bytes into reads (RFC 6455 §6.2).

TCP delivers bytes, not frames: whatever a peer sends may arrive in any pieces.  Nothing that an
endpoint does may depend on them.
"""

from __future__ import annotations

from itertools import pairwise

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
    if len(data) < 2:
        return st.just([data] if data else [])

    def pieces(edges: set[int]) -> list[bytes]:
        return [data[start:stop] for start, stop in pairwise([0, *sorted(edges), len(data)])]

    few = st.sets(st.integers(1, len(data) - 1), min_size=1, max_size=min(6, len(data) - 1)).map(
        pieces
    )
    sizes = st.lists(st.integers(1, 40), min_size=1, max_size=8).map(lambda sizes: cut(data, sizes))
    branches = [st.just([data]), few, sizes]
    if len(data) <= 256:
        every = st.lists(st.booleans(), min_size=len(data) - 1, max_size=len(data) - 1)
        branches.append(every.map(lambda bits: pieces({i for i, bit in enumerate(bits, 1) if bit})))
    branches.append(st.just(cut(data, [1])))
    return st.one_of(branches)
