"""Base framing protocol (RFC 6455 §5.2), masking (§5.3) and the examples of §5.7."""

from __future__ import annotations

import pytest

from spec_tests.playbook import KEY, Endpoint, endpoint, frame, masked
from wsref.protocol.closing import State
from wsref.protocol.events import Binary, Event, Ping, Pong, ProtocolError, Text
from wsref.protocol.frames import parse_frame, parse_header, serialize_frame
from wsref.protocol.limits import Limits
from wsref.protocol.masking import mask

ROLES = ["client", "server"]


def failure(events: tuple[Event, ...]) -> ProtocolError:
    """Return the one event of a failed connection."""
    (event,) = events
    assert isinstance(event, ProtocolError)
    return event


@pytest.mark.rfc("RFC6455-5.2-01", "RFC6455-5.4-01")
def test_single_frame_unmasked_text_example() -> None:
    """§5.7: 81 05 ... is "Hello" from a server."""
    step = endpoint("client").receive(bytes.fromhex("810548656c6c6f"))
    assert step.events == (Text("Hello"),)


@pytest.mark.rfc("RFC6455-5.3-05", "RFC6455-6.2-07", "RFC6455-5.2-16")
def test_single_frame_masked_text_example() -> None:
    """§5.7: 81 85 37 fa 21 3d ... is "Hello" from a client."""
    step = endpoint("server").receive(bytes.fromhex("818537fa213d7f9f4d5158"))
    assert step.events == (Text("Hello"),)


@pytest.mark.rfc("RFC6455-5.4-02", "RFC6455-5.4-12", "RFC6455-5.4-10")
def test_fragmented_unmasked_text_example() -> None:
    """§5.7: "Hel" and "lo" are one message."""
    step = endpoint("client").receive(bytes.fromhex("010348656c80026c6f"))
    assert step.events == (Text("Hello"),)


@pytest.mark.rfc("RFC6455-5.5.2-02", "RFC6455-5.5.3-01")
def test_ping_and_masked_pong_examples() -> None:
    """§5.7: the Ping "Hello" of a server, and the Pong of a client that answers it."""
    client, server = endpoint("client"), endpoint("server")
    step = client.receive(bytes.fromhex("890548656c6c6f"))
    assert step.events == (Ping(b"Hello"),)
    assert server.receive(step.output).events == (Pong(b"Hello"),)
    assert server.receive(bytes.fromhex("8a8537fa213d7f9f4d5158")).events == (Pong(b"Hello"),)


@pytest.mark.rfc("RFC6455-5.2-10", "RFC6455-5.2-13", "RFC6455-5.2-14")
@pytest.mark.parametrize(("length", "head"), [(256, "827e0100"), (65536, "827f0000000000010000")])
def test_long_binary_examples(length: int, head: str) -> None:
    """§5.7: 256 bytes have a 16-bit length, 64 KiB one of 64 bits."""
    data = bytes(range(256)) * (length // 256)
    client, server = endpoint("client").connection, endpoint("server").connection
    assert server.send_binary(data).output == bytes.fromhex(head) + data
    assert client.receive(bytes.fromhex(head) + data).events == (Binary(data),)


@pytest.mark.rfc("RFC6455-5.2-10", "RFC6455-5.2-14", "RFC6455-5.2-15", "RFC6455-5.2-08")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 128, 65535, 65536, 65537])
def test_every_boundary_of_the_length_is_sent_shortest_and_received(role: str, length: int) -> None:
    """The length is written in the shortest of its three forms, and read again."""
    data = b"x" * length
    sender = endpoint(role)
    output = sender.connection.send_binary(
        data, masking_key=KEY if role == "client" else None
    ).output
    assert output == sender.own(0x82, data)
    receiver = endpoint("server" if role == "client" else "client")
    assert receiver.receive(output).events == (Binary(data),)


@pytest.mark.rfc("RFC6455-5.2-11", "RFC6455-5.2-12")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("head", "clause"),
    [
        ("827e0000", "RFC6455-5.2-11"),
        ("827e007d", "RFC6455-5.2-11"),
        ("827f0000000000000000", "RFC6455-5.2-12"),
        ("827f000000000000ffff", "RFC6455-5.2-12"),
    ],
)
def test_a_length_that_is_not_the_shortest_fails_with_1002(
    role: str, head: str, clause: str
) -> None:
    """A length in more bits than it needs is refused from the header alone."""
    event = failure(endpoint(role).receive(_header(role, head)).events)
    assert (event.clause, event.code) == (clause, 1002)


@pytest.mark.rfc("RFC6455-5.2-11")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("length", [0, 1, 125])
def test_a_length_that_is_not_the_shortest_is_refused_with_all_of_its_payload(
    role: str, length: int
) -> None:
    """Though the message could be taken, since it is there."""
    peer = endpoint(role)
    data = _header(role, f"827e{length:04x}") + bytes(length)
    assert failure(peer.receive(data).events).clause == "RFC6455-5.2-11"


@pytest.mark.rfc("RFC6455-5.2-10", "RFC6455-6.2-01")
@pytest.mark.parametrize("role", ROLES)
def test_messages_of_all_lengths_may_come_in_one_read(role: str) -> None:
    """Each ends where its length says, whichever byte of the length says it."""
    peer = endpoint(role)
    contents = [bytes([i]) * n for i, n in enumerate([3, 128, 256, 300, 125, 126, 33_000, 0, 1])]
    data = b"".join(peer.from_peer(0x82, content) for content in contents)
    assert peer.receive(data).events == tuple(map(Binary, contents))


@pytest.mark.rfc("RFC6455-6.2-01")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("length", [0, 3, 200, 70_000])
def test_a_read_may_end_anywhere_within_a_frame(role: str, length: int) -> None:
    """Behind a whole message, too; nothing of it is told before it is complete."""
    peer = endpoint(role)
    whole = peer.from_peer(0x82, bytes(length))
    before = peer.from_peer(0x82, b"before")
    for cut in (*range(1, min(20, len(whole))), len(whole) - 1):
        step = peer.receive(before + whole[:cut])
        assert step.events == (Binary(b"before"),)
        assert step.connection.receive(whole[cut:]).events == (Binary(bytes(length)),)


@pytest.mark.rfc("RFC6455-10.4-01", "RFC6455-5.2-16")
@pytest.mark.parametrize("role", ROLES)
def test_a_64_bit_length_is_read_from_all_of_its_bytes(role: str) -> None:
    """However many bytes there are: the first two are not a length of their own."""
    data = _header(role, "827f00c8000000000000") + bytes(300)
    assert failure(endpoint(role).receive(data).events).code == 1009


@pytest.mark.rfc("RFC6455-5.2-09")
@pytest.mark.parametrize("role", ROLES)
def test_a_64_bit_length_with_its_top_bit_set_fails_with_1002(role: str) -> None:
    """It is refused as soon as the header is read, before any payload."""
    event = failure(endpoint(role).receive(_header(role, "827f8000000000000001")).events)
    assert (event.clause, event.code) == ("RFC6455-5.2-09", 1002)


@pytest.mark.rfc("RFC6455-10.4-01", "RFC6455-10.4-02")
@pytest.mark.parametrize("role", ROLES)
def test_a_frame_over_the_limit_fails_with_1009_from_its_header(role: str) -> None:
    """1009 comes before the payload; at the limit itself all is well."""
    limits = Limits(message_size=1000)
    event = failure(endpoint(role, limits=limits).receive(_header(role, "827e03e9")).events)
    assert (event.clause, event.code) == ("RFC6455-10.4-01", 1009)
    at_limit = endpoint(role, limits=limits)
    assert at_limit.receive(at_limit.from_peer(0x82, b"x" * 1000)).events == (Binary(b"x" * 1000),)


@pytest.mark.rfc("RFC6455-10.4-01")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("limit", [0, 1, 100, 70000])
def test_the_limit_holds_for_lengths_of_every_form(role: str, limit: int) -> None:
    """One byte more than the limit is refused, whichever form its length has."""
    peer = endpoint(role, limits=Limits(message_size=limit))
    assert peer.receive(peer.from_peer(0x82, b"x" * limit)).events == (Binary(b"x" * limit),)
    event = failure(peer.receive(peer.from_peer(0x82, b"x" * (limit + 1))).events)
    assert event.code == 1009


@pytest.mark.rfc("RFC6455-5.2-03", "RFC6455-5.2-04", "RFC7692-6.1-06")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("bits", [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70])
def test_reserved_bits_without_a_meaning_fail_with_1002(
    role: str, deflate: bool, bits: int
) -> None:
    """RSV2 and RSV3 never have one, RSV1 only with permessage-deflate."""
    if deflate and bits == 0x40:
        return
    peer = endpoint(role, deflate=deflate)
    event = failure(peer.receive(peer.from_peer(0x82 | bits, b"x")).events)
    assert event.code == 1002
    assert event.clause == (
        "RFC7692-6.1-06" if bits == 0x40 else "RFC6455-5.2-04" if deflate else "RFC6455-5.2-03"
    )


@pytest.mark.rfc("RFC6455-5.2-05", "RFC6455-5.2-06")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF])
def test_reserved_opcodes_fail_with_1002(role: str, opcode: int) -> None:
    """Data opcodes and control opcodes that nobody defined are refused."""
    peer = endpoint(role)
    event = failure(peer.receive(peer.from_peer(0x80 | opcode)).events)
    assert event.code == 1002
    assert event.clause == ("RFC6455-5.2-05" if opcode < 8 else "RFC6455-5.2-06")


@pytest.mark.rfc("RFC6455-5.1-02", "RFC6455-5.1-03")
@pytest.mark.parametrize("first_byte", [0x81, 0x82, 0x88, 0x89, 0x8A])
def test_a_server_fails_on_an_unmasked_frame(first_byte: int) -> None:
    """Data and control frames of a client are all masked."""
    event = failure(endpoint("server").receive(frame(first_byte, b"")).events)
    assert (event.clause, event.code) == ("RFC6455-5.1-02", 1002)


@pytest.mark.rfc("RFC6455-5.1-05", "RFC6455-5.1-06")
@pytest.mark.parametrize("first_byte", [0x81, 0x82, 0x88, 0x89, 0x8A])
def test_a_client_fails_on_a_masked_frame(first_byte: int) -> None:
    """No frame of a server is masked, not even with a key of zeros."""
    event = failure(endpoint("client").receive(frame(first_byte, b"", bytes(4))).events)
    assert (event.clause, event.code) == ("RFC6455-5.1-05", 1002)


@pytest.mark.rfc("RFC6455-5.1-01", "RFC6455-5.3-01", "RFC6455-5.2-17", "RFC6455-5.5.1-08")
def test_every_frame_of_a_client_is_masked() -> None:
    """Text, binary, fragments, Ping, Pong and Close, empty ones included."""
    connection = endpoint("client").connection
    outputs = [
        connection.send_text("").output,
        connection.send_binary(b"x").output,
        connection.send_text("x", fin=False).output,
        connection.send_ping().output,
        connection.send_pong(b"").output,
        connection.close(None).output,
        connection.close(1000, "bye").output,
    ]
    for output in outputs:
        header = parse_header(output)
        assert header is not None
        assert header.masking_key is not None
        assert len(output) == header.size + header.length


@pytest.mark.rfc("RFC6455-5.1-04")
def test_no_frame_of_a_server_is_masked() -> None:
    """The MASK bit is zero, and a masking key is refused at the call."""
    connection = endpoint("server").connection
    assert connection.send_text("x").output == bytes.fromhex("810178")
    assert connection.send_ping().output == bytes.fromhex("8900")
    assert connection.close(None).output == bytes.fromhex("8800")
    with pytest.raises(ValueError, match="masking_key"):
        connection.send_text("x", masking_key=KEY)


@pytest.mark.rfc("RFC6455-5.3-02", "RFC6455-5.3-04", "RFC6455-10.3-01")
def test_masking_keys_derived_from_the_seed_differ_from_frame_to_frame() -> None:
    """A thousand frames have a thousand keys, and the same state gives the same key."""
    connection = endpoint("client").connection
    keys = set[bytes | None]()
    for _ in range(1000):
        step = connection.send_binary(b"x")
        assert step == connection.send_binary(b"x")
        connection = step.connection
        header = parse_header(step.output)
        assert header is not None
        keys.add(header.masking_key)
    assert len(keys) == 1000


@pytest.mark.rfc("RFC6455-5.3-07", "RFC6455-5.2-18")
@pytest.mark.parametrize("key", [bytes(4), b"\xff" * 4, KEY])
def test_any_masking_key_is_legal_and_consumed_with_an_empty_payload(key: bytes) -> None:
    """The frame behind an empty one is found where it begins."""
    data = frame(0x82, b"", key) + frame(0x81, b"after", key)
    assert endpoint("server").receive(data).events == (Binary(b""), Text("after"))


@pytest.mark.rfc("RFC6455-5.3-05", "RFC6455-5.3-06")
@pytest.mark.parametrize(
    "length", [0, 1, 2, 3, 4, 5, 7, 8, 125, 126, 1000, 1023, 1024, 1027, 70001]
)
@pytest.mark.parametrize("offset", [0, 1, 2, 3, 4, 5])
def test_masking_is_as_defined_for_all_lengths_and_offsets(length: int, offset: int) -> None:
    """Long and short payloads, and pieces that begin anywhere in a frame."""
    payload = bytes(i * 7 & 0xFF for i in range(length))
    assert mask(payload, KEY, offset) == masked(bytes(offset) + payload)[offset:]
    assert mask(mask(payload, KEY, offset), KEY, offset) == payload


@pytest.mark.rfc("RFC6455-6.2-01")
@pytest.mark.parametrize("role", ROLES)
def test_frames_cut_into_single_bytes_give_the_same_events(role: str) -> None:
    """TCP can cut the stream anywhere."""
    peer = endpoint(role)
    data = (
        peer.from_peer(0x82, b"x" * 300)
        + peer.from_peer(0x01, "Grü".encode()[:3])
        + peer.from_peer(0x89, b"ping")
        + peer.from_peer(0x80, "Grü".encode()[3:])
        + peer.from_peer(0x82, b"")
    )
    connection = peer.connection
    events: list[Event] = []
    for byte in data:
        connection, more, _output = connection.receive(bytes([byte]))
        events.extend(more)
    assert events == [Binary(b"x" * 300), Ping(b"ping"), Text("Grü"), Binary(b"")]
    assert connection.state is State.OPEN


def test_tools_can_parse_frames_that_no_endpoint_accepts() -> None:
    """Illegal bits, opcodes and lengths are shown as they stand."""
    parsed = parse_frame(bytes.fromhex("f37e0001" + "58"))
    assert parsed is not None
    (header, payload), end = parsed
    assert (header.fin, header.rsv1, header.rsv2, header.rsv3) == (True, True, True, True)
    assert (header.opcode, header.length, header.size, payload, end) == (3, 1, 4, b"X", 5)
    assert repr(parsed[0]) == "<Frame RESERVED1 fin rsv1 rsv2 rsv3 1 bytes>"


def test_each_bit_of_the_first_byte_has_a_name() -> None:
    """For tools that show frames."""
    shown = {
        first_byte: parsed[0].header
        for first_byte in (0x80, 0x40, 0x20, 0x10, 0x08, 0x00)
        if (parsed := parse_frame(bytes([first_byte, 0]))) is not None
    }
    assert [header.fin for header in shown.values()] == [True, *[False] * 5]
    assert [header.rsv1 for header in shown.values()] == [False, True, *[False] * 4]
    assert [header.rsv2 for header in shown.values()] == [*[False] * 2, True, *[False] * 3]
    assert [header.rsv3 for header in shown.values()] == [*[False] * 3, True, *[False] * 2]
    assert [header.is_control for header in shown.values()] == [*[False] * 4, True, False]


def test_a_frame_is_parsed_only_when_it_is_whole() -> None:
    """Any prefix of a frame is incomplete, in its header or its payload."""
    for whole in (frame(0x82, b"abc", KEY), frame(0x82, b"x" * 200), frame(0x82, b"x" * 65536)):
        for cut in (0, 1, 2, 3, 5, 9, len(whole) - 1):
            if cut < len(whole):
                assert parse_frame(whole[:cut]) is None
        parsed = parse_frame(b"??" + whole, 2)
        assert parsed is not None
        assert parsed[1] == len(whole) + 2


@pytest.mark.rfc("RFC6455-5.2-16")
@pytest.mark.parametrize("length", [5, 126, 65536])
def test_the_masking_key_stands_between_length_and_payload(length: int) -> None:
    """Whatever the form of the length."""
    assert serialize_frame(0x82, b"x" * length, KEY) == frame(0x82, b"x" * length, KEY)


def _header(role: str, hexadecimal: str) -> bytes:
    """Return an unmasked header as the peer of *role* would send it, without payload."""
    head = bytes.fromhex(hexadecimal)
    if role == "client":
        return head
    return bytes([head[0], head[1] | 0x80]) + head[2:] + KEY


def test_endpoint_repr_is_short() -> None:
    """A state can be printed without flooding the terminal."""
    peer = Endpoint(endpoint("client").connection)
    assert repr(peer.connection) == "<Connection client open>"


@pytest.mark.rfc("RFC6455-5.3-05")
def test_long_payloads_are_masked_by_any_key() -> None:
    """Byte by byte, whichever bytes the key has; long ones go another way than short ones."""
    payload = bytes(range(256)) * 8
    for first in range(0, 256, 4):
        key = bytes(range(first, first + 4))
        assert mask(payload, key) == masked(payload, key)
