"""Random streams into three implementations: their verdicts agree, or the list says why not.

The list is ``disagreements.toml``.  Legal and illegal conversations, and damaged ones, go to wsref,
to the sans-I/O protocol of ``websockets`` and to ``wsproto``, in both roles, with and without
permessage-deflate.
"""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec_tests.differential.disagreements import (
    FEATURES,
    Difference,
    Entry,
    Stream,
    entries,
    first_difference,
    frames_of,
    verdict_on,
)
from spec_tests.differential.endpoints import ENDPOINTS, PEERS
from wsref.protocol.deflate import DeflateParameters
from wsref.requirements import requirements
from wsref.testing import Role, chunkings, conversations, deflate_parameters

ROLES: Final[tuple[Role, ...]] = ("server", "client")

#: Long enough for lengths of 16 bits; those of 64 bits have a test of their own.
MAX_PAYLOAD: Final = 130

#: wsproto has no windows of 8 bits.
parameters: Final = deflate_parameters().map(
    lambda drawn: drawn._replace(
        server_max_window_bits=max(9, drawn.server_max_window_bits),
        client_max_window_bits=max(9, drawn.client_max_window_bits),
    )
)
reads: Final = st.one_of(st.just([1 << 16]), st.lists(st.integers(1, 40), min_size=1, max_size=3))


def sender(role: Role) -> Role:
    """Return who sends what *role* receives."""
    return "client" if role == "server" else "server"


@st.composite
def streams(draw: st.DrawFn, illegal: bool | None = None, compression: bool = True) -> Stream:
    """Draw what a peer sends: a whole conversation, at most one of its frames illegal."""
    role = draw(st.sampled_from(ROLES))
    deflate = draw(st.one_of(st.none(), parameters)) if compression else None
    conversation = draw(
        conversations(sender(role), deflate=deflate, illegal=illegal, max_payload=MAX_PAYLOAD)
    )
    return Stream(role, deflate, tuple(item.data for item in conversation.items))


@st.composite
def damaged_streams(draw: st.DrawFn) -> Stream:
    """Draw a conversation with some bytes changed, lost or added."""
    role, deflate, frames, _unfinished = draw(streams())
    data = b"".join(frames)
    for _ in range(draw(st.integers(1, 2))):
        position = draw(st.integers(0, len(data)))
        removed = draw(st.integers(0, 2))
        inserted = draw(st.binary(max_size=3))
        data = data[:position] + inserted + data[position + removed :]
    return Stream(role, deflate, *frames_of(data))


def judged(difference: Difference | None) -> bool:
    """Whether two implementations agree; fail if they do not and the list does not know that."""
    if difference is None:
        return True
    known = [entry.name for entry in entries() if entry.explains(difference)]
    assert known, str(difference)
    return False


def agree_in_any_reads(stream: Stream, chunks: list[bytes], peer: str) -> None:
    """Check that neither side's verdict depends on how the stream is cut up."""
    for implementation in ("wsref", peer):
        assert not verdict_on(implementation, stream, chunks).differs(
            verdict_on(implementation, stream, stream.frames)
        ), implementation


@pytest.mark.parametrize("peer", PEERS)
@given(streams(illegal=False), reads, st.data())
def test_verdicts_on_legal_conversations_agree_or_are_listed(
    peer: str, stream: Stream, sizes: list[int], data: st.DataObject
) -> None:
    """Property: the same messages, the same Pongs, the same end; whatever the reads."""
    if judged(first_difference(stream, peer, sizes)):
        agree_in_any_reads(stream, data.draw(chunkings(stream.data)), peer)


@pytest.mark.parametrize("peer", PEERS)
@given(streams(illegal=True), reads, st.data())
def test_verdicts_on_illegal_conversations_agree_or_are_listed(
    peer: str, stream: Stream, sizes: list[int], data: st.DataObject
) -> None:
    """Property: the same frame fails the connection, with the same code."""
    if judged(first_difference(stream, peer, sizes)):
        agree_in_any_reads(stream, data.draw(chunkings(stream.data)), peer)


@pytest.mark.parametrize("peer", PEERS)
@given(damaged_streams(), reads)
def test_verdicts_on_damaged_streams_agree_or_are_listed(
    peer: str, stream: Stream, sizes: list[int]
) -> None:
    """Property: bytes changed, lost and added where nothing in particular was meant."""
    judged(first_difference(stream, peer, sizes))


@pytest.mark.parametrize("peer", PEERS)
@given(streams(illegal=False, compression=False))
def test_legal_conversations_without_compression_fail_nowhere(peer: str, stream: Stream) -> None:
    """Property: the exceptions are few enough to name: a Close in a message, 1014 and 1010."""
    ours = verdict_on("wsref", stream, stream.frames)
    theirs = verdict_on(peer, stream, stream.frames)
    assert ours.end != "failed"
    if theirs.end == "failed":
        assert ours.end == "closed"
        assert ours.code == 1014 or FEATURES["a Close within a fragmented message"](stream)
    else:
        answers_1010 = ours.code == 1010 and stream.role == "server"
        assert ours.differs(theirs) == (("answer",) if answers_1010 else ())


@pytest.mark.rfc("RFC6455-5.2-14")
@pytest.mark.parametrize("implementation", ENDPOINTS)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("size", [125, 126, 65535, 65536])
def test_a_message_of_each_form_of_length_is_delivered(
    implementation: str, role: Role, size: int
) -> None:
    """The borders between lengths of 7, 16 and 64 bits."""
    first = {125: "7d", 126: "7e 00 7e", 65535: "7e ff ff", 65536: "7f 00 00 00 00 00 01 00 00"}
    head = bytearray.fromhex(f"82 {first[size]}")
    if role == "server":
        head[1] |= 0x80
        head += bytes(4)
    stream = Stream(role, None, (bytes(head) + bytes(size),))
    assert verdict_on(implementation, stream, stream.frames).messages == (bytes(size),)


# The list


def shown(entry: Entry, peer: str) -> Difference | None:
    """Return the first difference that an entry's example shows."""
    return first_difference(entry.example, peer, [1 << 16])


@pytest.mark.parametrize("read_size", [1 << 16, 1])
@pytest.mark.parametrize(
    ("entry", "peer"),
    [
        pytest.param(entry, peer, id=f"{entry.name}-{peer}")
        for entry in entries()
        for peer in entry.peers
    ],
)
def test_each_listed_disagreement_shows(entry: Entry, peer: str, read_size: int) -> None:
    """Its example makes the two differ as it says, about the last frame, and is like no other."""
    difference = first_difference(entry.example, peer, [read_size])
    assert difference is not None, f"{peer} agrees with wsref now: remove {entry.name!r}"
    assert difference.stream == entry.example
    assert [other.name for other in entries() if other.explains(difference)] == [entry.name]


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: str(entry.name))
def test_whoever_is_not_listed_agrees_about_the_example(entry: Entry) -> None:
    """So that the list does not blame too few."""
    for peer in PEERS:
        if peer not in entry.peers:
            difference = shown(entry, peer)
            assert difference is None, str(difference)


def test_the_list_is_well_formed() -> None:
    """Each entry has a name of its own, a requirement that exists, and a reason."""
    names = [entry.name for entry in entries()]
    assert len(set(names)) == len(names)
    known = requirements().keys()
    for entry in entries():
        assert {entry.clause, *entry.breaks} <= known, entry.name
        assert entry.right in ("wsref", "peer", "both"), entry.name
        assert set(entry.peers) <= set(PEERS), entry.name
        assert entry.why.strip().endswith("."), entry.name
    assert {entry.feature for entry in entries()} == {"", *FEATURES}


def test_a_disagreement_that_is_not_listed_is_noticed() -> None:
    """What the properties rest on: an unknown difference fails, with the bytes in its message."""
    entry = next(entry for entry in entries() if entry.name == "1014 in a Close")
    difference = shown(entry, "wsproto")
    assert difference is not None
    assert not judged(difference)
    with pytest.raises(AssertionError, match="88 02 03 f6"):
        judged(difference._replace(peer="websockets"))


def test_frames_are_cut_by_their_lengths_whether_legal_or_not() -> None:
    """What localises a difference: the ends of frames, and what is left."""
    data = bytes.fromhex("81 01 61 f3 7e 00 02 6162 82 81 00000000 07 88 7f 8000000000000000 01")
    frames, unfinished = frames_of(data)
    assert [frame.hex() for frame in frames] == [
        "810161", "f37e00026162", "82810000000007", "887f800000000000000001"
    ]  # fmt: skip
    assert unfinished
    assert frames_of(data[: len("810161") // 2]) == ((b"\x81\x01a",), False)


@pytest.mark.parametrize("implementation", ENDPOINTS)
def test_the_verdict_says_what_was_written(implementation: str) -> None:
    """A message, an answered Ping, a Close and its answer."""
    stream = Stream("client", DeflateParameters(), tuple(map(bytes.fromhex, [
        "c1 07 f2 48 cd c9 c9 07 00", "89 01 70", "82 00", "88 04 0b b8 62 79"
    ])))  # fmt: skip
    verdict = verdict_on(implementation, stream, stream.frames)
    assert verdict.outcome == "closed 3000"
    assert verdict == (("Hello", b""), (b"p",), "closed", 3000, 3000, "")
