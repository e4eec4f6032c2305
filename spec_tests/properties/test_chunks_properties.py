"""Chunks against their model: bytes, concatenated."""

from __future__ import annotations

import copy
import pickle
import sys
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsref.protocol.chunks import EMPTY, Chunks

#: Sizes around what counts as small, and runs of tiny chunks long enough to be joined.
pieces = st.lists(
    st.one_of(
        st.binary(max_size=5),
        st.integers(1020, 1030).map(bytes),
        st.sampled_from([b"ab", b"x"]),
    ),
    max_size=12,
)
runs = st.lists(
    st.tuples(st.sampled_from([b"", b"a", b"bc", bytes(1023), bytes(1024)]), st.integers(1, 300)),
    max_size=4,
).map(lambda groups: [piece for piece, count in groups for _ in range(count)])


def added(parts: list[bytes]) -> Chunks:
    """Return *parts* one after the other."""
    chunks = EMPTY
    for part in parts:
        chunks = chunks.add(part)
    return chunks


def nodes(chunks: Chunks) -> list[Chunks]:
    """Return the links of a list, the newest first."""
    found: list[Chunks] = []
    node: Chunks | None = chunks
    while node is not None:
        found.append(node)
        node = node.earlier
    return found


@given(st.one_of(pieces, runs))
def test_chunks_are_the_bytes_added_in_order(parts: list[bytes]) -> None:
    """Property: joined and sized as their concatenation, at every step."""
    chunks = EMPTY
    model = b""
    for i, part in enumerate(parts):
        chunks = chunks.add(part)
        model += part
        assert chunks.size == len(model)
        if i % 50 == 0:
            assert chunks.joined() == model
    assert chunks.joined() == model
    assert repr(chunks) == f"<Chunks {len(model)} bytes>"


@given(st.one_of(pieces, runs), st.integers(1, 2000))
def test_chunks_are_equal_however_they_were_cut(parts: list[bytes], size: int) -> None:
    """Property: equality and hash are those of the bytes, also through copies and pickles."""
    chunks = added(parts)
    data = b"".join(parts)
    other = added([data[i : i + size] for i in range(0, len(data), size)])
    assert chunks == other
    assert (chunks != other) is False
    assert hash(chunks) == hash(other)
    for same in (pickle.loads(pickle.dumps(chunks)), copy.copy(chunks), copy.deepcopy(chunks)):
        assert same == chunks
        assert hash(same) == hash(chunks)
    assert chunks != other.add(b"x")
    if data:
        changed = added([bytes([data[0] ^ 1]) + data[1:]])
        assert changed != chunks
    assert chunks != data


@given(st.one_of(pieces, runs), st.binary(max_size=3), st.binary(max_size=3))
def test_an_old_value_can_be_continued_differently(
    parts: list[bytes], one: bytes, other: bytes
) -> None:
    """Property: a fork is not seen by the value that it was made from."""
    chunks = added(parts)
    data = b"".join(parts)
    left, right = chunks, chunks
    for _ in range(300):  # so that runs are joined on both sides
        left, right = left.add(one), right.add(other)
    assert chunks.joined() == data
    assert left.joined() == data + one * 300
    assert right.joined() == data + other * 300


@given(st.one_of(pieces, runs))
def test_adding_nothing_changes_nothing(parts: list[bytes]) -> None:
    """Property: the same object comes back."""
    chunks = added(parts)
    assert chunks.add(b"") is chunks


@pytest.mark.rfc("RFC6455-10.4-01")
@pytest.mark.parametrize(
    "sizes", [[1], [1, 1024], [1] * 254 + [5000], [1023], [1024], [1, 2000, 3], [700, 1]]
)
def test_each_byte_is_copied_at_most_once_while_it_is_added(sizes: list[int]) -> None:
    """Property: adding is linear, whatever the mix of sizes."""
    chunks = EMPTY
    copied = total = 0
    for i in range(5000):
        part = bytes(sizes[i % len(sizes)])
        before, chunks = chunks, chunks.add(part)
        total += len(part)
        if chunks.earlier is not before:  # a run was joined
            copied += len(chunks.data)
    assert chunks.size == total
    assert copied <= total


@pytest.mark.rfc("RFC6455-10.4-01")
def test_tiny_chunks_are_held_in_bounded_memory() -> None:
    """Property: a byte costs about a byte, besides a constant."""
    size = 30_000
    tracemalloc.start()
    try:
        chunks = EMPTY
        for _ in range(size):
            chunks = chunks.add(b"x")
        current, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert chunks.size == size
    assert peak < 2 * size + 100_000
    assert current < 2 * size + 50_000
    held = sum(sys.getsizeof(node) + sys.getsizeof(node.data) for node in nodes(chunks))
    assert held < 2 * size + 50_000


def test_a_list_of_any_length_is_compared_copied_and_dropped_without_recursion() -> None:
    """Property: nothing walks the list by calling itself."""
    large = bytes(1024)
    one, other = EMPTY, EMPTY
    for _ in range(20_000):
        one, other = one.add(large), other.add(large)
    assert one == other
    assert hash(one) == hash(other)
    assert pickle.loads(pickle.dumps(one)) == one
    assert copy.deepcopy(one) == one
    del one, other
