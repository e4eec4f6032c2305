"""The frames that wsref.testing draws: legal ones are taken, each fault is found out."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from spec_tests.expectations import failed
from spec_tests.playbook import open_pair
from wsref.protocol.closing import State
from wsref.protocol.connection import Connection
from wsref.protocol.deflate import DeflateOffer, DeflateParameters, DeflatePolicy
from wsref.protocol.events import Binary, Text
from wsref.protocol.frames import parse_frame
from wsref.testing import (
    BINARY,
    CLOSE,
    PING,
    TEXT,
    Item,
    LengthForm,
    Message,
    Role,
    WireFrame,
    binary_payloads,
    chunkings,
    compress,
    control_frames,
    cut,
    fragmentations,
    frames,
    illegal_frames,
    masking_keys,
    messages,
    requirements_to_break,
    text_payloads,
)
from wsref.testing.compression import Context, shapes

FINDING = settings(max_examples=1000, database=None, deadline=None)

CLIENT: Role = "client"
SERVER: Role = "server"
SENDERS: list[Role] = [CLIENT, SERVER]
AGREED = [None, DeflateParameters(), DeflateParameters(True, True, 9, 8)]
WITHIN = [None, TEXT, BINARY]


def peer_of(role: Role, agreed: DeflateParameters | None = None) -> Connection:
    """Return the open connection that receives what *role* sends."""
    if agreed is None:
        client, server = open_pair()
    else:
        client, server = open_pair(offers=[DeflateOffer()], policy=DeflatePolicy(*agreed))
        assert client.deflate == agreed
    return server if role == "client" else client


def begun(role: Role, within: int | None) -> bytes:
    """Return the frame that brings *role* into a message."""
    if within is None:
        return b""
    return WireFrame(within, b"", bytes(4) if role == "client" else None).data


# One frame


@given(
    st.integers(0, 255),
    st.binary(max_size=140),
    st.none() | masking_keys(),
    st.sampled_from([None, 7, 16, 64]),
)
def test_a_wire_frame_is_what_its_bytes_say(
    first_byte: int, payload: bytes, key: bytes | None, form: LengthForm
) -> None:
    """What was written is read again, whatever the form of the length."""
    frame = WireFrame(first_byte, payload, key, form)
    if form == 7 and len(payload) > 125:
        with pytest.raises(ValueError, match="does not fit into 7 bits"):
            _ = frame.data
        return
    parsed = parse_frame(frame.data)
    assert parsed is not None
    (header, read), end = parsed
    assert end == len(frame.data)
    assert (header.first_byte, header.masking_key, read) == (first_byte, key, payload)
    assert (
        header.size - (4 if key else 0)
        == {7: 2, 16: 4, 64: 10}[form or (7 if len(payload) < 126 else 16)]
    )


@given(illegal_frames())
def test_the_repr_of_a_frame_makes_it_again(item: Item) -> None:
    """So it can be pasted into a test; a long run of one byte is written as a product."""
    assert eval(repr(item.frame), {"WireFrame": WireFrame}) == item.frame
    assert len(repr(item.frame)) < 700


def test_a_description_says_what_a_person_wants_to_know() -> None:
    """The kind, what is unusual, and the content."""
    assert WireFrame(0x81, b"Hello", bytes(4)).description == "Text, masked: 5 bytes b'Hello'"
    assert WireFrame(0x42, b"0").description == (
        "Binary, without FIN, with RSV1, unmasked: 1 byte b'0'"
    )
    assert WireFrame(0x82, b"0" * 65536, None, 64, 5).description == (
        "Binary, unmasked, with its length in 64 bits, announcing 5 bytes: 65536 bytes b'0' * 65536"
    )
    item = Item(WireFrame(0x83), ("RFC6455-5.2-05",), (1002,))
    assert item.description == "opcode 0x3, unmasked: 0 bytes b'' (breaks RFC6455-5.2-05)"


@pytest.mark.rfc("RFC6455-5.4-12", "RFC6455-5.2-14", "RFC6455-5.3-07", "RFC6455-5.2-18")
@pytest.mark.parametrize("role", SENDERS)
@pytest.mark.parametrize("agreed", AGREED)
@pytest.mark.parametrize("within", WITHIN)
def test_every_legal_frame_is_taken(
    role: Role, agreed: DeflateParameters | None, within: int | None
) -> None:
    """By an endpoint of the other role, between messages and within one."""
    peer = peer_of(role, agreed).receive(begun(role, within)).connection

    @given(frames(role, deflate=agreed, within=within))
    def taken(frame: WireFrame) -> None:
        step = peer.receive(frame.data)
        assert step.connection.state is not State.FAILED
        assert (frame.masking_key is not None) == (role == "client")

    taken()


@pytest.mark.rfc("RFC6455-7.1.7-05")
@pytest.mark.parametrize("role", SENDERS)
@pytest.mark.parametrize("agreed", AGREED[:2])
@pytest.mark.parametrize("within", WITHIN)
def test_every_illegal_frame_fails_the_connection_for_its_clause(
    role: Role, agreed: DeflateParameters | None, within: int | None
) -> None:
    """With the status code that fits best."""
    peer = peer_of(role, agreed).receive(begun(role, within)).connection

    @given(illegal_frames(role, deflate=agreed, within=within))
    def found_out(item: Item) -> None:
        assert not item.is_legal
        failed(peer.receive(item.data), item.status_codes[0], item.clauses[0])

    found_out()


FAULTS = sorted(
    {
        (clause, role, agreed is not None, within)
        for role in SENDERS
        for agreed in AGREED[:2]
        for within in WITHIN
        for clause in requirements_to_break(role, deflate=agreed, within=within)
    },
    key=repr,
)


def test_all_that_a_frame_can_break_is_broken() -> None:
    """The requirements of both RFCs about frames that an endpoint can notice."""
    assert {clause for clause, _role, _agreed, _within in FAULTS} >= {
        *("RFC6455-5.1-02", "RFC6455-5.1-05"),
        *(f"RFC6455-5.2-{number:02}" for number in (3, 4, 5, 6, 9, 11, 12)),
        *("RFC6455-5.4-03", "RFC6455-5.4-04", "RFC6455-5.5-02", "RFC6455-5.5-03"),
        *("RFC6455-5.5.1-03", "RFC6455-5.5.1-05"),
        *("RFC6455-7.4.1-06", "RFC6455-7.4.1-07", "RFC6455-7.4.1-08", "RFC6455-7.4.1-16"),
        *("RFC6455-7.4.2-01", "RFC6455-7.4.2-02", "RFC6455-7.4.2-06"),
        *("RFC6455-8.1-01", "RFC6455-8.1-02", "RFC6455-8.1-03"),
        *("RFC7692-6.1-04", "RFC7692-6.1-05", "RFC7692-6.1-06", "RFC7692-6.1-09"),
        *("RFC7692-7.2.2-02", "RFC7692-7.2.2-03", "RFC7692-7.2.2-04", "RFC7692-7.2.2-14"),
    }


@pytest.mark.parametrize("role", SENDERS)
def test_a_frame_can_be_drawn_for_each_requirement(role: Role) -> None:
    """And breaks that one, where it is asked for."""

    @settings(max_examples=60)
    @given(st.sampled_from([fault for fault in FAULTS if fault[1] == role]), st.data())
    def found_out(fault: tuple[str, Role, bool, int | None], data: st.DataObject) -> None:
        clause, _role, compressing, within = fault
        agreed = AGREED[1] if compressing else None
        item = data.draw(illegal_frames(role, clause, deflate=agreed, within=within))
        assert clause in item.clauses
        peer = peer_of(role, agreed).receive(begun(role, within)).connection
        failed(peer.receive(item.data), item.status_codes[0], item.clauses[0])

    found_out()


def test_a_requirement_that_cannot_be_broken_here_is_refused_at_once() -> None:
    """Rather than drawn from nothing."""
    with pytest.raises(ValueError, match=r"RFC6455-5\.4-04"):
        illegal_frames("client", "RFC6455-5.4-04")
    with pytest.raises(ValueError, match=r"RFC6455-5\.1-05"):
        illegal_frames("client", "RFC6455-5.1-05", within=TEXT)


# Messages


@pytest.mark.rfc(
    "RFC6455-5.4-02", "RFC6455-5.4-06", "RFC6455-5.4-11", "RFC6455-5.4-19", "RFC6455-5.6-02"
)
@given(messages(), st.sampled_from(SENDERS), st.booleans(), st.data())
def test_a_message_arrives_however_it_is_cut(
    message: Message, role: Role, compressing: bool, data: st.DataObject
) -> None:
    """Into frames, with control frames in between, and then into reads."""
    compressed = None
    if compressing:
        compressed = compress(Context(), message.data, data.draw(shapes()))
    frames = data.draw(fragmentations(message, role, control=True, compressed=compressed))
    stream = b"".join(frame.data for frame in frames)
    peer = peer_of(role, DeflateParameters() if compressing else None)
    received: list[str | bytes] = []
    for read in data.draw(chunkings(stream)):
        peer, events, _output = peer.receive(read)
        received += [event.text for event in events if isinstance(event, Text)]
        received += [event.data for event in events if isinstance(event, Binary)]
    assert received == [message.content]
    assert peer.state is State.OPEN


@given(st.binary(max_size=300), st.data())
def test_chunks_are_the_stream_and_none_is_empty(stream: bytes, data: st.DataObject) -> None:
    """Whatever the cuts."""
    pieces = data.draw(chunkings(stream))
    assert b"".join(pieces) == stream
    assert all(pieces)


def test_all_ways_to_cut_a_short_stream_are_drawn() -> None:
    """There are eight for four bytes."""
    seen: set[tuple[bytes, ...]] = set()

    @settings(max_examples=300, database=None)
    @given(chunkings(b"abcd"))
    def note(pieces: list[bytes]) -> None:
        seen.add(tuple(pieces))

    note()
    assert len(seen) == 8
    assert cut(b"abcd", [1, 2]) == [b"a", b"bc", b"d"]


# Coverage


def drawn(strategy: st.SearchStrategy[object], examples: int = 400) -> list[object]:
    """Draw many values."""
    values: list[object] = []

    @settings(max_examples=examples, database=None)
    @given(strategy)
    def note(value: object) -> None:
        values.append(value)

    note()
    return values


def test_payloads_of_all_sizes_of_the_length_field_are_drawn() -> None:
    """Those beside its borders, and nothing, but most are short."""
    for strategy in (binary_payloads(), text_payloads()):
        payloads = drawn(strategy)
        sizes = [len(payload) for payload in payloads if isinstance(payload, bytes)]
        assert {0, 1, 125, 126, 127, 128, 65535, 65536} <= set(sizes)
        assert sum(size < 130 for size in sizes) > 0.7 * len(sizes)


def test_keys_of_zeros_and_others_are_drawn() -> None:
    """All keys are legal."""
    keys = drawn(masking_keys(), 100)
    assert bytes(4) in keys
    assert len(set(map(str, keys))) > 10


# Shrinking


@pytest.mark.long
@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (masking_keys(), bytes(4)),
        (binary_payloads(), b""),
        (text_payloads(), b""),
        (messages(), Message(TEXT, b"")),
        (messages(BINARY), Message(BINARY, b"")),
        (control_frames(), WireFrame(0x89, b"", bytes(4))),
        (control_frames("server", CLOSE), WireFrame(0x88)),
        (frames(), WireFrame(0x81, b"", bytes(4))),
        (frames("server"), WireFrame(0x81)),
        (frames(within=BINARY), WireFrame(0x80, b"", bytes(4))),
        (chunkings(b"abcd"), [b"abcd"]),
        (
            fragmentations(Message(TEXT, b"Hello"), control=True),
            (WireFrame(0x81, b"Hello", bytes(4)),),
        ),
    ],
)
def test_the_simplest_value_is_what_a_person_would_write(
    strategy: st.SearchStrategy[object], expected: object
) -> None:
    """An empty text, unfragmented, masked by zeros."""
    assert find(strategy, lambda _value: True, settings=FINDING, random=Random(0)) == expected


@pytest.mark.long
def test_what_matters_is_left_and_nothing_else() -> None:
    """Fragments, lengths, pieces: the fewest that have the property."""
    hello = Message(TEXT, b"Hello")
    two = find(
        fragmentations(hello), lambda frames: len(frames) > 1, settings=FINDING, random=Random(0)
    )
    assert two == (WireFrame(0x01, b"", bytes(4)), WireFrame(0x80, b"Hello", bytes(4)))
    ping = find(
        fragmentations(hello, "server", control=True),
        lambda frames: any(frame.opcode == PING for frame in frames),
        settings=FINDING,
        random=Random(0),
    )
    assert ping == (WireFrame(0x01, b""), WireFrame(0x89), WireFrame(0x80, b"Hello"))
    assert find(
        chunkings(b"abcd"), lambda cut: len(cut) == 2, settings=FINDING, random=Random(0)
    ) == [b"a", b"bcd"]
    assert find(
        binary_payloads(), lambda data: len(data) > 2, settings=FINDING, random=Random(0)
    ) == bytes(3)
    assert (
        find(
            text_payloads(), lambda data: len(data.decode()) > 2, settings=FINDING, random=Random(0)
        )
        == b"000"
    )
    assert (
        find(text_payloads(), lambda data: len(data) > 125, settings=FINDING, random=Random(0))
        == b"0" * 126
    )


@pytest.mark.long
@pytest.mark.parametrize(
    ("clause", "within", "expected"),
    [
        ("RFC6455-5.1-02", None, "81 00"),
        ("RFC6455-5.2-03", None, "91 80 00000000"),
        ("RFC7692-6.1-06", None, "c1 80 00000000"),
        ("RFC6455-5.2-05", None, "83 80 00000000"),
        ("RFC6455-5.2-06", None, "8b 80 00000000"),
        ("RFC6455-5.2-09", None, "81 ff 8000000000000000 00000000"),
        ("RFC6455-5.2-11", None, "81 fe 0000 00000000"),
        ("RFC6455-5.2-12", None, "81 ff 0000000000000000 00000000"),
        ("RFC6455-5.4-03", None, "80 80 00000000"),
        ("RFC6455-5.4-04", TEXT, "81 80 00000000"),
        ("RFC6455-5.5-02", None, "89 fe 007e 00000000" + "30" * 126),
        ("RFC6455-5.5-03", None, "08 80 00000000"),
        ("RFC6455-5.5.1-03", None, "88 81 00000000 00"),
        ("RFC6455-5.5.1-05", None, "88 83 00000000 03e8 80"),
        ("RFC6455-7.4.1-07", None, "88 82 00000000 03ed"),
        ("RFC6455-7.4.2-06", None, "88 82 00000000 1388"),
        ("RFC6455-8.1-01", None, "81 81 00000000 80"),
        ("RFC6455-8.1-01", TEXT, "80 81 00000000 80"),
        ("RFC6455-8.1-02", None, "81 82 00000000 c080"),
        ("RFC6455-8.1-03", None, "81 81 00000000 c2"),
    ],
)
def test_an_illegal_frame_shrinks_to_the_fewest_bytes(
    clause: str, within: int | None, expected: str
) -> None:
    """Nothing but what is wrong."""
    item = find(
        illegal_frames("client", clause, within=within),
        lambda _: True,
        settings=FINDING,
        random=Random(0),
    )
    assert item.data == bytes.fromhex(expected)
