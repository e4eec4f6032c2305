"""Text that is, or is not, UTF-8 (RFC 6455 §5.6 and §8.1)."""

from __future__ import annotations

import zlib

import pytest

from spec_tests.expectations import ROLES, failed
from spec_tests.playbook import endpoint, feed
from wsref.protocol.closing import State
from wsref.protocol.events import Binary, Text
from wsref.protocol.utf8 import check_utf8, decode_utf8
from wsref.protocol.violations import Violation

#: Text, and how many of its bytes have come when it can no longer become valid.
INVALID = [
    ("ff", 1),
    ("fe", 1),
    ("80", 1),  # a continuation byte alone
    ("bf", 1),
    ("c0", 1),  # would be overlong whatever follows
    ("c1", 1),
    ("c080", 1),
    ("e080af", 2),  # overlong
    ("e09fbf", 2),
    ("f08080af", 2),
    ("f08fbfbf", 2),
    ("f880808080", 1),  # five and six bytes do not exist
    ("fc8080808080", 1),
    ("eda080", 2),  # U+D800
    ("edadbf", 2),
    ("edbfbf", 2),  # U+DFFF
    ("eda081edb080", 2),  # a pair of surrogates
    ("f4908080", 2),  # U+110000
    ("f5808080", 1),
    ("c241", 2),  # a character that breaks off
    ("e28241", 3),
    ("f09d8441", 4),
    ("e282e282ac", 3),
    ("c2c280", 2),
    ("cebae1bdb9cf83cebcceb5eda080656469746564", 13),  # Autobahn's example
]

#: Text that ends inside a character.
CUT_OFF = ["c2", "61c3", "e0a0", "e282", "ed9f", "ee80", "f090", "f09d84", "f48fbf"]

VALID = [
    "",
    "\x00",
    "\x7f\x80",
    "\u07ff\u0800",
    "\ud7ff\ue000",  # on both sides of the surrogates
    "\ufffd\ufffe\uffff",
    "\ufeffbehind a byte order mark",
    "\ufdd0\U0001fffe\U0010ffff",  # noncharacters
    "\U00010000\U0010fffd",
    "Hello-µ@ßöäüàá-UTF-8!!",
]


@pytest.mark.rfc("RFC6455-8.1-01", "RFC6455-8.1-02", "RFC6455-7.4.1-09")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("text", "impossible"), INVALID)
def test_invalid_text_fails_with_1007(role: str, text: str, impossible: int) -> None:
    """In one frame, in two fragments cut anywhere, and behind other text."""
    peer = endpoint(role)
    data = bytes.fromhex(text)
    assert failed(peer.receive(peer.from_peer(0x81, data)), 1007, "RFC6455-8.1-01") == ()
    assert failed(peer.receive(peer.from_peer(0x81, "€".encode() + data + b"x" * 200)), 1007) == ()
    for cut in range(len(data)):
        fragments = peer.from_peer(0x01, data[:cut]) + peer.from_peer(0x80, data[cut:])
        assert failed(peer.receive(fragments), 1007, "RFC6455-8.1-01") == ()


@pytest.mark.rfc("RFC6455-8.1-05")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("text", "impossible"), INVALID)
def test_invalid_text_fails_at_the_first_impossible_byte_inside_a_frame(
    role: str, text: str, impossible: int
) -> None:
    """Not a byte later, not a byte earlier, though the frame is far from complete."""
    peer = endpoint(role)
    data = bytes.fromhex(text)
    arriving = peer.from_peer(0x81, data + b"x" * 100)
    header = len(arriving) - len(data) - 100
    possible = peer.receive(arriving[: header + impossible - 1])
    assert possible.events == ()
    step = possible.connection.receive(arriving[header + impossible - 1 :][:1])
    assert failed(step, 1007, "RFC6455-8.1-01") == ()
    step = peer.receive(arriving[: header + impossible])
    assert failed(step, 1007, "RFC6455-8.1-01") == ()


@pytest.mark.rfc("RFC6455-8.1-03")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("text", CUT_OFF)
def test_text_that_ends_inside_a_character_fails_with_1007(role: str, text: str) -> None:
    """At the end of the message, in whichever fragment the character began."""
    peer = endpoint(role)
    data = bytes.fromhex(text)
    assert failed(peer.receive(peer.from_peer(0x81, data)), 1007, "RFC6455-8.1-03") == ()
    for cut in range(len(data) + 1):
        fragments = peer.from_peer(0x01, data[:cut]) + peer.from_peer(0x80, data[cut:])
        assert failed(peer.receive(fragments), 1007, "RFC6455-8.1-03") == ()


@pytest.mark.rfc("RFC6455-5.6-02", "RFC6455-8.1-04")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("text", CUT_OFF)
def test_a_character_may_go_on_in_the_next_fragment(role: str, text: str) -> None:
    """Until then the connection waits, also over an empty fragment and a Ping."""
    peer = endpoint(role)
    data = bytes.fromhex(text)
    begun = peer.receive(
        peer.from_peer(0x01, data) + peer.from_peer(0x00) + peer.from_peer(0x8A)
    ).connection
    assert begun.state is State.OPEN
    end = next(
        b"\x80" * more
        for more in range(1, 4)
        if (data + b"\x80" * more).decode(errors="replace").find("\ufffd") < 0
    )
    step = begun.receive(peer.from_peer(0x80, end))
    assert step.events == (Text((data + end).decode()),)


@pytest.mark.rfc("RFC6455-8.1-06", "RFC6455-5.6-01")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("text", VALID)
def test_every_code_point_is_kept_as_it_is(role: str, text: str) -> None:
    """NUL, noncharacters, a byte order mark; whole, and byte by byte."""
    peer = endpoint(role)
    data = peer.from_peer(0x81, text.encode())
    assert peer.receive(data).events == (Text(text),)
    _connection, events, _output = feed(peer.connection, [bytes([byte]) for byte in data])
    assert events == [Text(text)]


@pytest.mark.rfc("RFC6455-5.6-03", "RFC6455-5.6-04")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("text", "impossible"), INVALID)
def test_binary_messages_need_not_be_utf8(role: str, text: str, impossible: int) -> None:
    """The bytes that make text invalid are fine in a binary message, Ping or Pong."""
    peer = endpoint(role)
    data = bytes.fromhex(text)
    assert peer.receive(peer.from_peer(0x82, data)).events == (Binary(data),)
    fragments = peer.from_peer(0x02, data[:impossible]) + peer.from_peer(0x80, data[impossible:])
    assert peer.receive(fragments).events == (Binary(data),)
    for first_byte in (0x89, 0x8A):
        step = peer.receive(peer.from_peer(first_byte, data))
        assert step.connection.state is State.OPEN


@pytest.mark.rfc("RFC6455-8.1-04")
@pytest.mark.parametrize("role", ROLES)
def test_a_bad_byte_is_found_in_any_fragment(role: str) -> None:
    """The first, one in the middle, the last; before the message ends."""
    peer = endpoint(role)
    for bad in range(3):
        payloads = [b"ok", b"ok", b"ok"]
        payloads[bad] = b"o\xffk"
        frames = [
            peer.from_peer(first_byte, payload)
            for first_byte, payload in zip((0x01, 0x00, 0x80), payloads, strict=True)
        ]
        before = peer.receive(b"".join(frames[:bad]))
        assert before.events == ()
        failed(before.connection.receive(frames[bad]), 1007, "RFC6455-8.1-01")


@pytest.mark.rfc("RFC7692-6.1-09", "RFC6455-8.1-04")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("text", [*(text for text, _impossible in INVALID), *CUT_OFF])
def test_text_invalid_after_inflating_fails_with_1007(role: str, text: str) -> None:
    """Invalid bytes, and an end inside a character."""
    peer = endpoint(role, deflate=True)
    deflater = zlib.compressobj(wbits=-15)
    payload = deflater.compress(bytes.fromhex(text)) + deflater.flush(zlib.Z_SYNC_FLUSH)
    assert failed(peer.receive(peer.from_peer(0xC1, payload[:-4])), 1007) == ()


def test_the_text_of_a_failure_shows_the_bytes() -> None:
    """For people who debug the peer."""
    with pytest.raises(Violation, match="invalid UTF-8: ff "):
        check_utf8(b"", b"abc\xff")
    with pytest.raises(Violation, match="ends inside a character \\(e2 82\\)"):
        decode_utf8(b"abc\xe2\x82")


@pytest.mark.parametrize(("text", "impossible"), INVALID)
def test_a_failure_reads_the_same_however_the_text_was_cut(text: str, impossible: int) -> None:
    """Whole, byte by byte, and as soon as it is known."""
    data = bytes.fromhex(text)
    with pytest.raises(Violation) as whole:
        check_utf8(b"", data)
    with pytest.raises(Violation) as shortest:
        check_utf8(b"", data[:impossible])
    tail = b""
    with pytest.raises(Violation) as bytewise:  # noqa: PT012
        for byte in data:
            tail = check_utf8(tail, bytes([byte]))
    assert str(whole.value) == str(shortest.value) == str(bytewise.value)
