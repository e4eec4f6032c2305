"""Whole conversations from wsref.testing: legal ones go well, the others fail where they say."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import find, given, seed, settings

from spec_tests.expectations import failed
from spec_tests.playbook import open_pair
from wsref.protocol.closing import State
from wsref.protocol.connection import Connection
from wsref.protocol.deflate import DeflateOffer, DeflateParameters, DeflatePolicy
from wsref.protocol.events import Binary, Ping, Text
from wsref.testing import CLOSE, CONTINUATION, TEXT, Conversation, Role, WireFrame, conversations

FINDING = settings(max_examples=3000, database=None, deadline=None)
CLIENT: Role = "client"
SERVER: Role = "server"
CASES = [
    (role, agreed)
    for role in (CLIENT, SERVER)
    for agreed in (None, DeflateParameters(), DeflateParameters(True, True, 8, 8))
]


def peer_of(role: Role, agreed: DeflateParameters | None) -> Connection:
    """Return the open connection that receives what *role* sends."""
    if agreed is None:
        client, server = open_pair()
    else:
        client, server = open_pair(offers=[DeflateOffer()], policy=DeflatePolicy(*agreed))
    return server if role == "client" else client


@pytest.mark.rfc("RFC6455-6.2-01", "RFC6455-5.4-08", "RFC7692-7.2.1-04", "RFC7692-7.2.1-05")
@pytest.mark.parametrize(("role", "agreed"), CASES)
def test_every_legal_conversation_goes_well(role: Role, agreed: DeflateParameters | None) -> None:
    """Each complete message and each Ping arrives, and at most the Close ends it."""
    peer = peer_of(role, agreed)

    @given(conversations(role, deflate=agreed, illegal=False))
    def goes_well(conversation: Conversation) -> None:
        assert 1 <= len(conversation.items) <= 8
        assert conversation.illegal is None
        assert conversation.before_illegal == conversation.items
        step = peer.receive(conversation.data)
        frames = [item.frame for item in conversation.items]
        closes = [frame for frame in frames if frame.opcode == CLOSE]
        assert step.connection.state is (State.CLOSE_RECEIVED if closes else State.OPEN)
        assert closes in ([], frames[-1:])
        whole = sum(frame.fin and not frame.is_control for frame in frames)
        assert sum(isinstance(event, (Text, Binary)) for event in step.events) == whole
        pings = [frame.payload for frame in frames if frame.opcode == 9]
        assert [event.data for event in step.events if isinstance(event, Ping)] == pings

    goes_well()


@pytest.mark.rfc("RFC6455-7.1.7-05")
@pytest.mark.parametrize(("role", "agreed"), CASES)
def test_every_illegal_conversation_fails_at_its_item_for_its_clause(
    role: Role, agreed: DeflateParameters | None
) -> None:
    """Not before; and what is behind the item changes nothing."""
    peer = peer_of(role, agreed)

    @given(conversations(role, deflate=agreed, illegal=True))
    def fails(conversation: Conversation) -> None:
        illegal = conversation.illegal
        assert illegal is not None
        assert sum(not item.is_legal for item in conversation.items) == 1
        before = peer.receive(b"".join(item.data for item in conversation.before_illegal))
        assert before.connection.state is State.OPEN
        failed(before.connection.receive(illegal.data), illegal.status_codes[0], illegal.clauses[0])
        failed(peer.receive(conversation.data), illegal.status_codes[0], illegal.clauses[0])

    fails()


def test_conversations_are_various_and_small() -> None:
    """All lengths, kinds, fragments, compressed and not, with and without a Close at the end."""
    seen: Counter[str] = Counter()

    @settings(max_examples=300, database=None)
    @given(conversations(deflate=DeflateParameters()))
    def note(conversation: Conversation) -> None:
        frames = [item.frame for item in conversation.items]
        seen["all"] += 1
        seen["illegal"] += conversation.illegal is not None
        seen[f"{len(frames)} items"] += 1
        seen["small"] += len(conversation.data) < 2000
        seen["close"] += frames[-1].opcode == CLOSE
        if conversation.illegal is None:
            seen["fragments"] += any(frame.opcode == CONTINUATION for frame in frames)
            seen["compressed"] += any(frame.rsv1 for frame in frames)
            seen["plain"] += any(frame.first_byte & 0x4F == TEXT for frame in frames)
            seen["medium"] += any(125 <= len(frame.payload) < 1000 for frame in frames)

    note()
    assert {f"{count} items" for count in range(1, 9)} <= set(seen)
    for kind in ("illegal", "close", "fragments", "compressed", "plain", "medium"):
        assert seen[kind] > 5, seen
    assert seen["small"] > seen["all"] / 2
    assert 0.2 < seen["illegal"] / seen["all"] < 0.8


def test_now_and_then_a_payload_takes_the_longest_length_field() -> None:
    """In a legal conversation, in one of some hundreds."""
    seen: set[bool] = set()

    @settings(max_examples=300, database=None)
    @given(conversations(deflate=DeflateParameters()))
    def note(conversation: Conversation) -> None:
        if conversation.illegal is None:
            seen.update(len(item.frame.payload) >= 65536 for item in conversation.items)

    for number in range(20):
        if True not in seen:
            seed(number)(note)()
    assert True in seen


@given(conversations(max_items=2, max_payload=10, deflate=DeflateParameters()))
def test_limits_are_kept(conversation: Conversation) -> None:
    """Of the number of frames; of payloads before compression, where a fault takes no more."""
    assert 1 <= len(conversation.items) <= 2
    for item in conversation.items:
        if item.is_legal and not item.frame.is_control and not item.frame.rsv1:
            assert len(item.frame.payload) <= 200


@given(conversations(deflate=DeflateParameters()))
def test_a_conversation_is_plain_bytes_that_can_be_replayed(conversation: Conversation) -> None:
    """Its repr makes it again, and it describes itself in a line for each frame."""
    assert conversation.data == b"".join(item.frame.data for item in conversation.items)
    assert len(conversation.description.splitlines()) == len(conversation.items)
    for item in conversation.items:
        assert eval(repr(item.frame), {"WireFrame": WireFrame}) == item.frame


def test_what_cannot_be_drawn_is_refused_at_once() -> None:
    """By the argument that is wrong."""
    with pytest.raises(ValueError, match="max_items"):
        conversations(max_items=0)
    with pytest.raises(ValueError, match=r"RFC6455-5\.1-05"):
        conversations("client", "RFC6455-5.1-05")
    with pytest.raises(ValueError, match="max_items"):
        conversations("client", "RFC6455-5.4-04", max_items=1)


@given(conversations("client", "RFC6455-5.4-04", max_items=2, illegal=True))
def test_a_state_that_a_requirement_is_about_is_brought_about(conversation: Conversation) -> None:
    """A new message within another needs that other first."""
    first, second = conversation.items
    assert (first.frame.fin, second.clauses) == (False, ("RFC6455-5.4-04",))


# Shrinking

KEY = bytes(4)


@pytest.mark.long
def test_the_simplest_conversation_is_one_empty_text() -> None:
    """Masked by zeros, not compressed."""
    found = find(
        conversations(deflate=DeflateParameters()),
        lambda _: True,
        settings=FINDING,
        random=Random(0),
    )
    assert found.data == WireFrame(0x81, b"", KEY).data


@pytest.mark.long
@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("RFC6455-5.4-03", [WireFrame(0x80, b"", KEY)]),
        ("RFC6455-5.4-04", [WireFrame(0x01, b"", KEY), WireFrame(0x81, b"", KEY)]),
        ("RFC6455-5.2-12", [WireFrame(0x81, b"", KEY, 64)]),
        ("RFC7692-6.1-05", [WireFrame(0x01, b"", KEY), WireFrame(0xC0, b"", KEY)]),
        ("RFC7692-7.2.2-02", [WireFrame(0xC1, b"\x07", KEY)]),
    ],
)
def test_from_whatever_was_drawn_it_shrinks_to_the_fewest_frames(
    clause: str, expected: list[WireFrame]
) -> None:
    """Of all conversations, those that break this clause, and the smallest of them."""
    found = find(
        conversations(deflate=DeflateParameters()),
        lambda conversation: (
            conversation.illegal is not None and clause in conversation.illegal.clauses
        ),
        settings=FINDING,
        random=Random(0),
    )
    assert [item.frame for item in found.items] == expected


@pytest.mark.long
def test_a_bug_that_takes_two_frames_shrinks_to_these_two() -> None:
    """Such as: a Ping between two fragments spoils the message."""

    def is_spoiled(conversation: Conversation) -> bool:
        within = False
        for item in conversation.items:
            if item.frame.opcode == 9 and within:
                return True
            if not item.frame.is_control:
                within = not item.frame.fin
        return False

    found = find(conversations(illegal=False), is_spoiled, settings=FINDING, random=Random(0))
    assert found.data == WireFrame(0x01, b"", KEY).data + WireFrame(0x89, b"", KEY).data
