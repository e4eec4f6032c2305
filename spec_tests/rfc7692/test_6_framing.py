"""Compressed messages in frames (RFC 7692 §6, §7.2), as a connection sends and receives them."""

from __future__ import annotations

import tracemalloc
import zlib

import pytest

from spec_tests.expectations import ROLES, failed, frames_in
from spec_tests.playbook import KEY, endpoint, feed, frame, open_pair
from wsref.protocol.deflate import DeflateOffer
from wsref.protocol.events import Binary, Event, Ping, Text
from wsref.protocol.limits import Limits

#: "Hello" as in RFC 7692 §7.2.3: alone, again with context, without compression, in two blocks.
HELLO = bytes.fromhex("f248cdc9c90700")
HELLO_AGAIN = bytes.fromhex("f200110000")
HELLO_STORED = bytes.fromhex("000500faff48656c6c6f00")
HELLO_FINAL = bytes.fromhex("f348cdc9c9070000")
HELLO_IN_TWO = bytes.fromhex("f248050000 00ffffcac9c90700")


def deflated(data: bytes, level: int = 9) -> bytes:
    """Compress a message without context (§7.2.1)."""
    deflater = zlib.compressobj(level, wbits=-15)
    payload = deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH)
    assert payload.endswith(b"\x00\x00\xff\xff")
    return payload[:-4]


def inflated(payload: bytes) -> bytes:
    """Inflate a message without context (§7.2.2)."""
    inflater = zlib.decompressobj(wbits=-15)
    data = inflater.decompress(payload + b"\x00\x00\xff\xff")
    assert not inflater.unused_data
    return data


@pytest.mark.rfc("RFC6455-6.2-06", "RFC6455-9.2-01")
@pytest.mark.rfc("RFC7692-6-01", "RFC7692-6-03", "RFC7692-6.1-07", "RFC7692-7.2.2-01")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("payload", [HELLO, HELLO_STORED, HELLO_FINAL, HELLO_IN_TWO])
def test_a_compressed_message_is_delivered_inflated(role: str, payload: bytes) -> None:
    """The examples of §7.2.3, as text and as binary."""
    peer = endpoint(role, deflate=True)
    assert peer.receive(peer.from_peer(0xC1, payload)).events == (Text("Hello"),)
    assert peer.receive(peer.from_peer(0xC2, payload)).events == (Binary(b"Hello"),)


@pytest.mark.rfc("RFC7692-7.2.3.2-01", "RFC7692-6.2-02", "RFC7692-6-01", "RFC7692-6.1-02")
@pytest.mark.parametrize("role", ROLES)
def test_plain_messages_between_compressed_ones_leave_the_window_alone(role: str) -> None:
    """The second compressed "Hello" refers to the first."""
    peer = endpoint(role, deflate=True)
    data = (
        peer.from_peer(0xC1, HELLO)
        + peer.from_peer(0x81, b"plain")
        + peer.from_peer(0x01, b"pla")
        + peer.from_peer(0x80, b"in")
        + peer.from_peer(0xC1, HELLO_AGAIN)
    )
    assert peer.receive(data).events == (
        Text("Hello"),
        Text("plain"),
        Text("plain"),
        Text("Hello"),
    )


@pytest.mark.rfc("RFC7692-6.2-01", "RFC7692-6-01", "RFC7692-6.1-08")
@pytest.mark.parametrize("role", ROLES)
def test_a_compressed_message_may_be_fragmented_anywhere(role: str) -> None:
    """At every byte, with an empty fragment and a Ping between; only the first has RSV1."""
    peer = endpoint(role, deflate=True)
    payload = deflated("Grüße, €, 𝄞".encode())
    for cut in range(len(payload) + 1):
        data = (
            peer.from_peer(0x41, payload[:cut])
            + peer.from_peer(0x89, b"p")
            + peer.from_peer(0x00)
            + peer.from_peer(0x80, payload[cut:])
        )
        assert peer.receive(data).events == (Ping(b"p"), Text("Grüße, €, 𝄞"))
        _connection, events, _output = feed(peer.connection, [bytes([byte]) for byte in data])
        assert events == [Ping(b"p"), Text("Grüße, €, 𝄞")]


@pytest.mark.rfc("RFC7692-7.2.3.6-01", "RFC7692-7.2.1-07", "RFC7692-7.2.1-03")
@pytest.mark.parametrize("role", ROLES)
def test_fragments_may_be_flushed_one_by_one(role: str) -> None:
    """The first ends in 00 00 ff ff, which stays; the last yields nothing."""
    peer = endpoint(role, deflate=True)
    data = peer.from_peer(0x41, HELLO + bytes.fromhex("0000ffff")) + peer.from_peer(0x80, b"\x00")
    assert peer.receive(data).events == (Text("Hello"),)


@pytest.mark.rfc("RFC7692-7.2.1-05", "RFC7692-7.2.1-06")
@pytest.mark.parametrize("role", ROLES)
def test_data_behind_a_final_block_goes_on_in_the_same_window(role: str) -> None:
    """A BFINAL block in mid-message, and another message that refers to what it gave."""
    peer = endpoint(role, deflate=True)
    deflater = zlib.compressobj(wbits=-15)
    final = deflater.compress(b"Hello") + deflater.flush(zlib.Z_FINISH)
    step = peer.receive(peer.from_peer(0xC1, final + HELLO))
    assert step.events == (Text("HelloHello"),)
    step = step.connection.receive(peer.from_peer(0xC1, HELLO_AGAIN))
    assert step.events == (Text("Hello"),)


@pytest.mark.rfc("RFC7692-7.2.1-16")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("payload", ["00", "0200", "0000 00ffff 00"])
def test_an_empty_message_may_be_compressed(role: str, payload: str) -> None:
    """As the single byte 00, or as any data that gives nothing."""
    peer = endpoint(role, deflate=True)
    step = peer.receive(peer.from_peer(0xC1, bytes.fromhex(payload)))
    assert step.events == (Text(""),)
    step = step.connection.receive(peer.from_peer(0xC1, HELLO))
    assert step.events == (Text("Hello"),)


@pytest.mark.rfc("RFC7692-7.2.2-14")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("first_byte", [0xC1, 0xC2, 0x41])
def test_rsv1_with_an_empty_payload_fails_with_1007(role: str, first_byte: int) -> None:
    """That is not complete DEFLATE data; in fragments only the whole counts."""
    peer = endpoint(role, deflate=True)
    data = peer.from_peer(first_byte)
    if not first_byte & 0x80:
        data += peer.from_peer(0x00) + peer.from_peer(0x80)
    assert failed(peer.receive(data), 1007, "RFC7692-7.2.2-14") == ()


@pytest.mark.rfc("RFC7692-6.1-04", "RFC7692-6-02")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("first_byte", [0xC8, 0xC9, 0xCA])
def test_rsv1_on_a_control_frame_fails_with_1002(role: str, first_byte: int) -> None:
    """Also between the fragments of a compressed message."""
    peer = endpoint(role, deflate=True)
    bad = peer.from_peer(first_byte)
    assert failed(peer.receive(bad), 1002, "RFC7692-6.1-04") == ()
    assert failed(peer.receive(peer.from_peer(0x41, HELLO) + bad), 1002, "RFC7692-6.1-04") == ()


@pytest.mark.rfc("RFC7692-6.1-05")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("begun", [0x01, 0x41])
@pytest.mark.parametrize("first_byte", [0x40, 0xC0])
def test_rsv1_on_a_continuation_fails_with_1002(role: str, begun: int, first_byte: int) -> None:
    """Whether or not the first frame had it."""
    peer = endpoint(role, deflate=True)
    data = peer.from_peer(begun, HELLO[:0]) + peer.from_peer(first_byte, HELLO)
    assert failed(peer.receive(data), 1002, "RFC7692-6.1-05") == ()


@pytest.mark.rfc("RFC7692-6.1-06")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("first_byte", [0xC1, 0x42, 0xC0, 0xC8, 0xC9])
def test_rsv1_without_an_agreement_fails_with_1002(role: str, first_byte: int) -> None:
    """On any frame."""
    peer = endpoint(role)
    assert failed(peer.receive(peer.from_peer(first_byte, HELLO)), 1002, "RFC7692-6.1-06") == ()


@pytest.mark.rfc("RFC7692-7.2.2-02")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "payload",
    ["07", "06", "000500000048656c6c6f00", "ffffffff", "48656c6c6f"],
)
def test_data_that_is_not_deflate_fails_with_1007(role: str, payload: str) -> None:
    """A reserved block type, wrong lengths of a stored block, plain text."""
    peer = endpoint(role, deflate=True)
    for first_byte in (0xC1, 0xC2):
        step = peer.receive(peer.from_peer(first_byte, bytes.fromhex(payload)))
        assert failed(step, 1007) == ()


@pytest.mark.rfc("RFC7692-7.2.2-03")
@pytest.mark.parametrize("role", ROLES)
def test_a_reference_to_data_never_sent_fails_with_1007(role: str) -> None:
    """The second "Hello" of §7.2.3.2 as the first message."""
    peer = endpoint(role, deflate=True)
    step = peer.receive(peer.from_peer(0xC1, HELLO_AGAIN))
    assert failed(step, 1007, "RFC7692-7.2.2-03") == ()


@pytest.mark.rfc("RFC7692-7.2.2-04")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("payload", [HELLO, HELLO_STORED, deflated(bytes(range(256)) * 9, 9)])
def test_data_cut_off_inside_a_block_fails_with_1007(role: str, payload: bytes) -> None:
    """At every byte, though zlib says nothing; but the byte 00 alone is an empty message."""
    peer = endpoint(role, deflate=True)
    for end in range(2 if payload[:1] == b"\x00" else 1, len(payload)):
        step = peer.receive(peer.from_peer(0xC2, payload[:end]))
        assert failed(step, 1007) == ()


@pytest.mark.rfc("RFC6455-10.4-03", "RFC6455-10.4-02")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("fragmented", [False, True])
def test_a_bomb_fails_with_1009_while_inflating(role: str, fragmented: bool) -> None:
    """64 MiB in 64 KiB never take more than the limit and a buffer."""
    limit = 1024 * 1024
    peer = endpoint(role, deflate=True, limits=Limits(message_size=limit))
    payload = deflated(bytes(64 * 1024 * 1024))
    half = len(payload) // 2
    data = peer.from_peer(0xC2, payload)
    if fragmented:
        data = peer.from_peer(0x42, payload[:half]) + peer.from_peer(0x80, payload[half:])
    tracemalloc.start()
    try:
        step = peer.receive(data)
        _current, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert failed(step, 1009, "RFC6455-10.4-03") == ()
    assert peak < 2 * limit + 8 * len(payload)


@pytest.mark.rfc("RFC6455-10.4-03")
@pytest.mark.parametrize("role", ROLES)
def test_the_limit_counts_the_inflated_size(role: str) -> None:
    """At the limit all is well, also for data that compressing makes longer."""
    peer = endpoint(role, deflate=True, limits=Limits(message_size=100))
    stored = deflated(bytes(range(100)), 0)
    assert len(stored) > 100
    assert peer.receive(peer.from_peer(0xC2, stored)).events == (Binary(bytes(range(100))),)
    assert peer.receive(peer.from_peer(0xC2, deflated(bytes(100)))).events == (Binary(bytes(100)),)
    step = peer.receive(peer.from_peer(0xC2, deflated(bytes(101))))
    assert failed(step, 1009, "RFC6455-10.4-03") == ()


@pytest.mark.rfc("RFC6455-10.4-01")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("limit", "most"), [(0, 64), (100, 176), (800, 964)])
def test_compressed_bytes_are_limited_before_inflating(role: str, limit: int, most: int) -> None:
    """More than an eighth and 64 bytes over the limit is refused from its header."""
    peer = endpoint(role, deflate=True, limits=Limits(message_size=limit))
    assert peer.receive(peer.from_peer(0xC2, bytes(most))[:-most]).events == ()
    head = peer.from_peer(0xC2, bytes(most + 1))[: -most - 1]
    assert failed(peer.receive(head), 1009, "RFC6455-10.4-01") == ()


@pytest.mark.rfc("RFC7692-6.1-01", "RFC7692-7.2.1-01", "RFC7692-7.2.1-02", "RFC7692-6.1-03")
@pytest.mark.parametrize("role", ROLES)
def test_messages_are_sent_compressed_with_rsv1(role: str) -> None:
    """Raw DEFLATE without its tail; the type is kept, and masking comes after compressing."""
    connection = endpoint(role, deflate=True).connection
    text = "to be or not to be " * 20
    ((first_byte, payload),) = frames_in(connection.send_text(text).output)
    assert first_byte == 0xC1
    assert len(payload) < len(text) // 4
    assert inflated(payload) == text.encode()
    ((first_byte, payload),) = frames_in(connection.send_binary(text.encode()).output)
    assert first_byte == 0xC2
    assert inflated(payload) == text.encode()


@pytest.mark.rfc("RFC7692-6-01", "RFC7692-6.1-02", "RFC7692-7.2.3.3-01")
@pytest.mark.parametrize("role", ROLES)
def test_a_message_is_sent_plain_on_demand(role: str) -> None:
    """With compress=False there is no RSV1 and nothing changes, whole or in fragments."""
    peer = endpoint(role, deflate=True)
    connection = peer.connection
    key = KEY if role == "client" else None
    step = connection.send_text("Hello", False, masking_key=key)
    assert step.output == peer.own(0x81, b"Hello")
    assert step.connection is connection
    step = connection.send_binary(b"Hello", compress=False, masking_key=key)
    assert step.output == peer.own(0x82, b"Hello")
    step = connection.send_text("Hel", False, fin=False)
    output = step.output + step.connection.send_continuation("lo").output
    assert frames_in(output) == [(0x01, b"Hel"), (0x80, b"lo")]


@pytest.mark.rfc("RFC7692-6.1-03", "RFC7692-7.2.1-07", "RFC7692-6.1-01")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("fragments", [["Hel", "lo"], ["", "Hello"], ["Hello", ""], ["", ""]])
def test_a_message_sent_in_fragments_is_one_compressed_message(
    role: str, fragments: list[str]
) -> None:
    """RSV1 stands in the first frame only; the payloads joined are the message."""
    step = endpoint(role, deflate=True).connection.send_text(fragments[0], fin=False)
    output = step.output
    step = step.connection.send_continuation(fragments[1])
    output += step.output
    (first, payload), (second, more) = frames_in(output)
    assert (first, second) == (0x41, 0x80)
    assert inflated(payload + more) == "".join(fragments).encode()


@pytest.mark.rfc("RFC7692-7.2.1-16", "RFC7692-7.2.2-14")
@pytest.mark.parametrize("role", ROLES)
def test_an_empty_message_is_sent_as_one_byte(role: str) -> None:
    """RSV1 never comes with an empty payload."""
    step = endpoint(role, deflate=True).connection.send_text("")
    assert frames_in(step.output) == [(0xC1, b"\x00")]


@pytest.mark.rfc("RFC7692-7.2.2-06", "RFC7692-7.2.2-08", "RFC7692-7.2.1-12")
@pytest.mark.parametrize("role", ROLES)
def test_the_window_is_kept_from_message_to_message_in_both_directions(role: str) -> None:
    """The same text again costs less, and the peer understands it."""
    sender = endpoint(role, deflate=True).connection
    receiver = endpoint("server" if role == "client" else "client", deflate=True).connection
    text = "".join(map(chr, range(0x20, 0x7F)))
    sizes: list[int] = []
    received: list[Event] = []
    for _ in range(3):
        sender, _events, output = sender.send_text(text)
        sizes.append(len(output))
        receiver, events, _output = receiver.receive(output)
        received.extend(events)
    assert received == [Text(text)] * 3
    assert sizes[1] < sizes[0] // 3


@pytest.mark.rfc("RFC7692-7.1.1.2-05")
@pytest.mark.parametrize("hint", [False, True])
def test_the_server_remembers_unless_its_answer_says_otherwise(hint: bool) -> None:
    """The client's hint alone does not count: what was answered to it does."""
    client, server = open_pair(offers=[DeflateOffer(client_no_context_takeover=hint)])
    assert client.deflate is not None
    step = server.receive(frame(0xC1, HELLO, KEY))
    assert step.events == (Text("Hello"),)
    step = step.connection.receive(frame(0xC1, HELLO_AGAIN, KEY))
    if client.deflate.client_no_context_takeover:
        assert failed(step, 1007, "RFC7692-7.2.2-03") == ()
    else:
        assert step.events == (Text("Hello"),)
