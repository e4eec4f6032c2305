"""The UTF-8 check against a small automaton of its own (RFC 3629 §4, RFC 6455 §8.1)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsref.protocol.utf8 import check_utf8, decode_utf8
from wsref.protocol.violations import Violation
from wsref.testing import near_misses, text_bytes, texts

#: What may follow a byte that begins a character: the syntax of RFC 3629 §4.
TAIL = range(0x80, 0xC0)
SEQUENCES: list[tuple[range, ...]] = [
    (range(0x80),),
    (range(0xC2, 0xE0), TAIL),
    (range(0xE0, 0xE1), range(0xA0, 0xC0), TAIL),
    (range(0xE1, 0xED), TAIL, TAIL),
    (range(0xED, 0xEE), range(0x80, 0xA0), TAIL),
    (range(0xEE, 0xF0), TAIL, TAIL),
    (range(0xF0, 0xF1), range(0x90, 0xC0), TAIL, TAIL),
    (range(0xF1, 0xF4), TAIL, TAIL, TAIL),
    (range(0xF4, 0xF5), range(0x80, 0x90), TAIL, TAIL),
]

#: Bytes on both sides of every border that the syntax has.
BORDERS = bytes.fromhex(
    "00 41 7f 80 8f 90 9f a0 bf c0 c1 c2 df e0 e1 ec ed ee ef f0 f1 f3 f4 f5 ff"
)


BEGINNINGS = {byte: sequence[1:] for sequence in SEQUENCES for byte in sequence[0]}


def automaton(data: Iterable[int]) -> tuple[int | None, bytes]:
    """Run the automaton.

    Returns:
        The index of the first byte that cannot stand where it stands, or None; and the bytes
        of the character that is not complete at the end.
    """
    expected: tuple[range, ...] = ()
    unfinished = b""
    for i, byte in enumerate(data):
        if not expected:
            if byte not in BEGINNINGS:
                return i, b""
            expected = BEGINNINGS[byte]
        elif byte in expected[0]:
            expected = expected[1:]
        else:
            return i, b""
        unfinished = unfinished + bytes([byte]) if expected else b""
    return None, unfinished


def checked(tail: bytes, data: bytes) -> bytes | None:
    """Return what the check returns, None where it refuses."""
    try:
        return check_utf8(tail, data)
    except Violation as violation:
        return None if violation.clause == "RFC6455-8.1-01" else b"another clause"


def agrees(data: bytes) -> None:
    """Check *data* whole, and decode it."""
    impossible, unfinished = automaton(data)
    assert checked(b"", data) == (unfinished if impossible is None else None)
    if impossible is None and not unfinished:
        assert decode_utf8(data) == data.decode()
    else:
        with pytest.raises(Violation) as caught:
            decode_utf8(data)
        clause = "RFC6455-8.1-03" if impossible is None else "RFC6455-8.1-01"
        assert caught.value.clause == clause


@pytest.mark.rfc("RFC6455-8.1-01", "RFC6455-8.1-02", "RFC6455-8.1-05")
def test_every_byte_after_every_beginning_of_up_to_two_bytes_is_judged_as_by_the_automaton() -> (
    None
):
    """Property: all sequences of one, two and three bytes, taken byte by byte."""
    beginnings = [b""]
    for _ in range(3):
        longer: list[bytes] = []
        for tail in beginnings:
            for byte in range(256):
                impossible, unfinished = automaton([*tail, byte])
                expected = unfinished if impossible is None else None
                assert checked(tail, bytes([byte])) == expected
                if expected:
                    longer.append(expected)
        beginnings = longer
    # 5 first bytes of four; what follows is 16 or 64 second bytes, and 64 third ones.
    assert len(beginnings) == (3 * 64 + 48 + 16) * 64


@pytest.mark.rfc("RFC6455-8.1-01", "RFC6455-8.1-03")
def test_all_sequences_of_up_to_two_bytes_are_judged_as_by_the_automaton() -> None:
    """Property: whole, as check and as decoding."""
    for size in range(3):
        for sequence in product(range(256), repeat=size):
            agrees(bytes(sequence))


@pytest.mark.rfc("RFC6455-8.1-01", "RFC6455-8.1-02", "RFC6455-8.1-03")
def test_sequences_of_three_and_four_bytes_at_all_borders_are_judged_as_by_the_automaton() -> None:
    """Property: whole, every combination of bytes beside a border of the syntax."""
    for sequence in product(BORDERS, repeat=3):
        agrees(bytes(sequence))
    for sequence in product(b"\xef\xf0\xf1\xf4\xf5", BORDERS[2:10], BORDERS[2:10], BORDERS[1:10]):
        agrees(bytes(sequence))


#: Text with a few bytes of something else in it.
mostly_text = st.lists(
    st.one_of(text_bytes(20), st.binary(max_size=3), near_misses().map(lambda miss: miss.data)),
    max_size=8,
).map(b"".join)


@pytest.mark.rfc("RFC6455-8.1-04", "RFC6455-8.1-05", "RFC6455-5.6-02")
@given(mostly_text, st.lists(st.integers(0, 40), max_size=6))
def test_any_cut_of_any_bytes_fails_at_the_first_impossible_byte(
    data: bytes, cuts: list[int]
) -> None:
    """Property: piece by piece, refused exactly in the piece that holds that byte."""
    impossible, unfinished = automaton(data)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    tail = b""
    for start, stop in pairwise(edges):
        now = checked(tail, data[start:stop])
        if impossible is not None and impossible < stop:
            assert now is None
            return
        assert now is not None
        assert now == automaton(data[:stop])[1]
        tail = now
    assert (impossible, tail) == (None, unfinished)


@pytest.mark.rfc("RFC6455-8.1-05")
@given(mostly_text)
def test_every_prefix_is_judged_as_by_the_automaton(data: bytes) -> None:
    """Property: the check of a prefix says whether it can begin valid text."""
    for end in range(len(data) + 1):
        agrees(data[:end])


@pytest.mark.rfc("RFC6455-5.6-01", "RFC6455-8.1-06")
@given(texts())
def test_every_text_is_accepted_and_decoded_as_itself(text: str) -> None:
    """Property: what encodes decodes."""
    assert check_utf8(b"", text.encode()) == b""
    assert decode_utf8(text.encode()) == text
