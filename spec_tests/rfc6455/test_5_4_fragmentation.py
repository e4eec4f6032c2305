"""Fragmentation (RFC 6455 §5.4)."""

from __future__ import annotations

import pytest

from spec_tests.expectations import ROLES, close_in, failed, frames_in, is_deaf
from spec_tests.playbook import endpoint, feed
from wsref.protocol.closing import State
from wsref.protocol.errors import FrameBuildError
from wsref.protocol.events import Binary, Closing, Event, Ping, Pong, Text

HELLO = "Hellö wörld €𝄞"


@pytest.mark.rfc("RFC6455-5.4-02", "RFC6455-5.4-12", "RFC6455-5.4-10", "RFC6455-5.4-13")
@pytest.mark.parametrize("role", ROLES)
def test_fragments_cut_anywhere_are_the_same_message(role: str) -> None:
    """A text in two fragments, cut at every byte, inside characters too."""
    peer = endpoint(role)
    whole = HELLO.encode()
    for cut in range(len(whole) + 1):
        data = peer.from_peer(0x01, whole[:cut]) + peer.from_peer(0x80, whole[cut:])
        assert peer.receive(data).events == (Text(HELLO),)


@pytest.mark.rfc("RFC6455-5.4-02", "RFC6455-5.4-11", "RFC6455-5.4-10")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("first_byte", "event"), [(0x01, Text), (0x02, Binary)])
def test_ten_thousand_fragments_of_one_byte_are_one_message(
    role: str, first_byte: int, event: type[Text | Binary]
) -> None:
    """Fragments may be of any size, and stay in order."""
    peer = endpoint(role)
    digits = b"".join(b"%d," % i for i in range(3000))[:10_000]
    fragments = [digits[i : i + 1] for i in range(10_000)]
    data = peer.from_peer(first_byte, fragments[0])
    data += b"".join(peer.from_peer(0x00, fragment) for fragment in fragments[1:-1])
    step = peer.receive(data)
    assert step.events == ()
    step = step.connection.receive(peer.from_peer(0x80, fragments[-1]))
    expected = Text(digits.decode()) if event is Text else Binary(digits)
    assert step.events == (expected,)


@pytest.mark.rfc("RFC6455-5.4-19", "RFC6455-5.4-11")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "fragments",
    [(b"", b""), (b"", b"", b""), (b"", b"abc", b""), (b"abc", b"", b""), (b"", b"", b"abc")],
)
def test_empty_fragments_are_legal_and_add_nothing(role: str, fragments: tuple[bytes, ...]) -> None:
    """First, in the middle and last."""
    peer = endpoint(role)
    data = peer.from_peer(0x01, fragments[0])
    data += b"".join(peer.from_peer(0x00, fragment) for fragment in fragments[1:-1])
    data += peer.from_peer(0x80, fragments[-1])
    step = peer.receive(data)
    assert step.events == (Text(b"".join(fragments).decode()),)
    assert step.connection == peer.connection


@pytest.mark.rfc("RFC6455-5.4-03")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("first_byte", [0x00, 0x80])
@pytest.mark.parametrize("payload", [b"", b"x"])
def test_a_continuation_without_a_message_fails_with_1002(
    role: str, first_byte: int, payload: bytes
) -> None:
    """At the beginning, behind a whole message and behind a fragmented one."""
    peer = endpoint(role)
    bad = peer.from_peer(first_byte, payload)
    assert failed(peer.receive(bad), 1002, "RFC6455-5.4-03") == ()
    whole = peer.from_peer(0x81, b"a")
    assert failed(peer.receive(whole + bad), 1002, "RFC6455-5.4-03") == (Text("a"),)
    fragmented = peer.from_peer(0x01, b"a") + peer.from_peer(0x80, b"b")
    assert failed(peer.receive(fragmented + bad), 1002, "RFC6455-5.4-03") == (Text("ab"),)


@pytest.mark.rfc("RFC6455-5.4-04", "RFC6455-6.2-08")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("begun", [0x01, 0x02])
@pytest.mark.parametrize("first_byte", [0x01, 0x81, 0x02, 0x82])
def test_a_new_message_before_the_end_of_the_last_fails_with_1002(
    role: str, begun: int, first_byte: int
) -> None:
    """Neither message is delivered."""
    peer = endpoint(role)
    data = peer.from_peer(begun, b"a") + peer.from_peer(first_byte, b"b")
    assert failed(peer.receive(data), 1002, "RFC6455-5.4-04") == ()


@pytest.mark.rfc("RFC6455-5.4-03", "RFC6455-5.4-04")
@pytest.mark.parametrize("role", ROLES)
def test_a_fragment_out_of_place_fails_from_its_header(role: str) -> None:
    """Before any of its payload has come."""
    peer = endpoint(role)
    header = peer.from_peer(0x80, b"x" * 100)[:-100]
    failed(peer.receive(header), 1002, "RFC6455-5.4-03")
    header = peer.from_peer(0x81, b"x" * 100)[:-100]
    failed(peer.receive(peer.from_peer(0x01) + header), 1002, "RFC6455-5.4-04")


@pytest.mark.rfc("RFC6455-5.2-05", "RFC6455-5.2-06")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("opcode", [3, 7, 0xB, 0xF])
def test_reserved_opcodes_fail_in_mid_message_too(role: str, opcode: int) -> None:
    """An unfinished message makes no difference."""
    peer = endpoint(role)
    data = peer.from_peer(0x01, b"a") + peer.from_peer(0x80 | opcode)
    assert failed(peer.receive(data), 1002) == ()


@pytest.mark.rfc("RFC6455-5.4-06", "RFC6455-5.4-08", "RFC6455-5.5.2-03", "RFC6455-6.2-02")
@pytest.mark.parametrize("role", ROLES)
def test_ping_between_fragments_is_answered_at_once(role: str) -> None:
    """The Pong goes out before the message is complete, which is not disturbed."""
    peer = endpoint(role)
    step = peer.receive(peer.from_peer(0x01, "ö".encode()[:1]))
    assert (step.events, step.output) == ((), b"")
    step = step.connection.receive(peer.from_peer(0x89, b"1"))
    assert step.events == (Ping(b"1"),)
    assert frames_in(step.output) == [(0x8A, b"1")]
    step = step.connection.receive(peer.from_peer(0x8A, b"2") + peer.from_peer(0x00))
    assert (step.events, step.output) == ((Pong(b"2"),), b"")
    step = step.connection.receive(peer.from_peer(0x80, "ö".encode()[1:]))
    assert (step.events, step.output) == ((Text("ö"),), b"")


@pytest.mark.rfc("RFC6455-5.4-08")
@pytest.mark.parametrize("role", ROLES)
def test_a_control_frame_in_pieces_leaves_the_message_alone(role: str) -> None:
    """A message, and a Ping in the middle of it, byte by byte."""
    peer = endpoint(role)
    data = (
        peer.from_peer(0x01, b"\xe2\x82")
        + peer.from_peer(0x89, b"ping")
        + peer.from_peer(0x00, b"\xac")
        + peer.from_peer(0x80, b"!")
    )
    connection, events, output = feed(peer.connection, [bytes([byte]) for byte in data])
    assert events == [Ping(b"ping"), Text("€!")]
    assert frames_in(output) == [(0x8A, b"ping")]
    assert connection.state is State.OPEN


@pytest.mark.rfc("RFC6455-5.4-09", "RFC6455-6.2-08", "RFC6455-5.5.1-10")
@pytest.mark.parametrize("role", ROLES)
def test_close_between_fragments_drops_the_message(role: str) -> None:
    """It is a Close like any other, and what follows it is not read."""
    peer = endpoint(role)
    rest = peer.from_peer(0x80, b"lo")
    step = peer.receive(peer.from_peer(0x01, b"Hel") + peer.from_peer(0x88, b"\x03\xe8") + rest)
    assert step.events == (Closing(1000, ""),)
    assert step.output == b""
    assert is_deaf(step.connection, rest)
    assert close_in(step.connection.close(step.connection.reply_code).output) == (1000, "")


@pytest.mark.rfc("RFC6455-6.2-08")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("rest", [b"", b"\x80"])
def test_a_message_never_finished_is_never_delivered(role: str, rest: bytes) -> None:
    """The transport ends in the middle of it, between frames or inside one."""
    peer = endpoint(role)
    step = peer.receive(peer.from_peer(0x02, b"a") + rest).connection.receive_eof()
    (event,) = step.events
    assert event.name == "disconnected"


@pytest.mark.rfc("RFC6455-5.4-18", "RFC6455-5.6-03", "RFC6455-6.2-03")
@pytest.mark.parametrize("role", ROLES)
def test_the_first_frame_sets_the_type_of_all_fragments(role: str) -> None:
    """Fragments of a binary message need not be UTF-8."""
    peer = endpoint(role)
    data = peer.from_peer(0x02, b"\xff") + peer.from_peer(0x00, b"\xfe") + peer.from_peer(0x80)
    assert peer.receive(data).events == (Binary(b"\xff\xfe"),)


@pytest.mark.rfc("RFC6455-6.2-04", "RFC6455-5.6-04")
@pytest.mark.parametrize("role", ROLES)
def test_after_a_final_fragment_a_new_message_begins(role: str) -> None:
    """Messages of both types, whole and fragmented, in one read."""
    peer = endpoint(role)
    data = b"".join(
        peer.from_peer(first_byte, payload)
        for first_byte, payload in [
            (0x01, b"a"),
            (0x80, b"b"),
            (0x82, b"c"),
            (0x02, b"d"),
            (0x00, b"e"),
            (0x80, b"f"),
            (0x81, b"g"),
        ]
    )
    step = peer.receive(data)
    assert step.events == (Text("ab"), Binary(b"c"), Binary(b"def"), Text("g"))
    assert step.connection == peer.connection


@pytest.mark.rfc("RFC6455-5.4-02", "RFC6455-6.1-04", "RFC6455-6.1-05", "RFC6455-6.1-06")
@pytest.mark.parametrize("role", ROLES)
def test_a_message_is_sent_in_fragments(role: str) -> None:
    """The type in the first frame, FIN in the last, opcode 0 in all but the first."""
    step = endpoint(role).connection.send_text("Hel", fin=False)
    output = step.output
    step = step.connection.send_continuation("", fin=False)
    output += step.output
    step = step.connection.send_continuation("lo")
    output += step.output
    assert frames_in(output) == [(0x01, b"Hel"), (0x00, b""), (0x80, b"lo")]
    step = step.connection.send_binary(b"\xff", fin=False)
    output = step.output + step.connection.send_continuation(b"\xfe").output
    assert frames_in(output) == [(0x02, b"\xff"), (0x80, b"\xfe")]


@pytest.mark.rfc("RFC6455-5.4-05")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("fin", [True, False])
def test_fragments_of_different_messages_cannot_be_mixed(role: str, fin: bool) -> None:
    """A second message cannot begin before the first has ended."""
    connection = endpoint(role).connection.send_text("a", fin=False).connection
    with pytest.raises(FrameBuildError, match="unfinished"):
        connection.send_text("b", fin=fin)
    with pytest.raises(FrameBuildError, match="unfinished"):
        connection.send_binary(b"b", fin=fin)
    assert frames_in(connection.send_continuation("b").output) == [(0x80, b"b")]


@pytest.mark.rfc("RFC6455-5.4-03")
@pytest.mark.parametrize("role", ROLES)
def test_a_continuation_cannot_be_sent_without_a_message(role: str) -> None:
    """Before any message, and behind a complete one."""
    connection = endpoint(role).connection
    with pytest.raises(FrameBuildError, match="no message has begun"):
        connection.send_continuation("a")
    connection = connection.send_text("a", fin=False).connection.send_continuation("b").connection
    with pytest.raises(FrameBuildError, match="no message has begun"):
        connection.send_continuation("c")


@pytest.mark.rfc("RFC6455-5.4-06", "RFC6455-5.4-07", "RFC6455-5.5.2-04")
@pytest.mark.parametrize("role", ROLES)
def test_control_frames_are_sent_between_fragments(role: str) -> None:
    """By the application, or in answer to a Ping; each is a single final frame."""
    peer = endpoint(role)
    step = peer.connection.send_text("a", fin=False)
    output = step.output
    step = step.connection.send_ping(b"1")
    output += step.output
    step = step.connection.receive(peer.from_peer(0x89, b"2"))
    output += step.output
    step = step.connection.send_continuation("b")
    output += step.output
    assert frames_in(output) == [(0x01, b"a"), (0x89, b"1"), (0x8A, b"2"), (0x80, b"b")]


@pytest.mark.rfc("RFC6455-5.5.1-09", "RFC6455-5.5.1-13", "RFC6455-6.1-02")
@pytest.mark.parametrize("role", ROLES)
def test_close_ends_a_message_being_sent(role: str) -> None:
    """Nothing of it follows our Close."""
    connection = endpoint(role).connection.send_text("a", fin=False).connection
    step = connection.close(1001)
    assert close_in(step.output) == (1001, "")
    with pytest.raises(Exception, match="closing"):
        step.connection.send_continuation("b")


@pytest.mark.rfc("RFC6455-5.4-01")
@pytest.mark.parametrize("role", ROLES)
def test_an_unfragmented_message_is_one_final_frame(role: str) -> None:
    """Of any size."""
    connection = endpoint(role).connection
    for size in (0, 1, 70_000):
        assert frames_in(connection.send_binary(bytes(size)).output) == [(0x82, bytes(size))]


@pytest.mark.rfc("RFC6455-5.4-02")
def test_text_and_binary_fragments_alternate_between_the_roles() -> None:
    """What one role sends in fragments the other receives."""
    client, server = endpoint("client").connection, endpoint("server").connection
    events: list[Event] = []
    step = client.send_text("ä", fin=False)
    server, more, _output = server.receive(step.output)
    events.extend(more)
    server, more, _output = server.receive(step.connection.send_continuation("€").output)
    events.extend(more)
    assert events == [Text("ä€")]
