"""Explaining bytes: every field with its bits, meaning and clause; nothing is ever refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec_tests.playbook import KEY, frame
from wsref.explain import VIOLATION, WIDTH, Part, Reader, clause_title, explain
from wsref.protocol.deflate import DeflateParameters


def parts_of(data: bytes, *, from_client: bool = False, in_head: bool = False) -> list[Part]:
    """Return the parts of a stream, with what is left over at its end."""
    reader, parts = Reader(from_client, in_head).read(data)
    return [*parts, *reader.unread()]


def fields_of(part: Part) -> dict[str, str]:
    """Return the meanings of a part's fields by their names."""
    return {row.field: row.meaning for row in part.rows if row.field}


def violations(data: bytes, *, from_client: bool = False) -> list[str]:
    """Return the clauses that the rows of *data* say are violated."""
    return [
        row.clause
        for part in parts_of(data, from_client=from_client)
        for row in part.rows
        if row.field == VIOLATION
    ]


def as_laid_out(*rows: tuple[str, str, str, str]) -> list[str]:
    """Return the lines for rows of bytes, field, meaning and section of RFC 6455."""
    return [
        f"  {shown:<23}  {field:<12} {meaning:<39} RFC 6455 §{section}"
        for shown, field, meaning, section in rows
    ]


@pytest.mark.rfc("RFC6455-5.2-01", "RFC6455-5.3-05")
def test_masked_hello_is_explained_field_by_field() -> None:
    """§5.7: 81 85 37 fa 21 3d 7f 9f 4d 51 58, laid out."""
    lines = explain(bytes.fromhex("818537fa213d7f9f4d5158"), from_client=True)
    assert lines == [
        "TEXT frame, 5 bytes",
        *as_laid_out(
            ("81  1... ....", "FIN", "1: the last or only fragment", "5.2"),
            ("    .000 ....", "RSV1-3", "000: no extension in use here", "5.2"),
            ("    .... 0001", "opcode", "0x1: TEXT", "5.2"),
            ("85  1... ....", "MASK", "1: masked: a client's frame", "5.1"),
            ("    .000 0101", "length", "5 bytes", "5.2"),
            ("37 fa 21 3d", "masking key", "unpredictable", "5.3"),
            ("7f 9f 4d 51 58", "payload", "masked", "5.3"),
            ("48 65 6c 6c 6f", "unmasked", "Hello", "5.6"),
        ),
    ]


def test_opening_handshake_is_explained_line_by_line() -> None:
    """Each header field that the protocol defines names its clause."""
    head = (
        b"GET /chat HTTP/1.1\r\nHost: example.com\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate\r\nX-Other: 1\r\n\r\n"
    )
    (part,) = parts_of(head, from_client=True, in_head=True)
    assert part.title == "opening handshake, request"
    assert [row.clause for row in part.rows] == [
        "RFC 6455 §4.1",
        "RFC 6455 §4.1",
        "RFC 6455 §11.3.1",
        "RFC 7692 §5",
        "",
    ]
    assert part.rows[2].meaning == "16 random bytes, in base64"
    (part,) = parts_of(b"HTTP/1.1 403 No\r\n\r\n", in_head=True)
    assert (part.title, part.rows[0].meaning) == ("opening handshake, response", "not accepted")


@pytest.mark.rfc("RFC6455-5.4-02")
def test_last_fragment_shows_the_whole_message() -> None:
    """With a Ping between the fragments."""
    data = frame(0x01, b"Hel") + frame(0x89, b"?") + frame(0x80, b"lo")
    first, ping, last = parts_of(data)
    assert first.title == "TEXT frame, 3 bytes, a fragment"
    assert fields_of(ping)["payload"] == "?"
    assert fields_of(last)["message"] == "Hello"


@pytest.mark.rfc("RFC7692-7.2.2-01")
def test_compressed_messages_are_inflated() -> None:
    """RFC 7692 §7.2.3.2: the second message refers to the window of the first."""
    data = bytes.fromhex("c107f248cdc9c90700") + bytes.fromhex("c105f200110000")
    first, second = parts_of(data)
    assert fields_of(first)["RSV1-3"] == "100: the message is compressed"
    assert fields_of(first)["inflated"] == fields_of(second)["inflated"] == "Hello"
    reader = Reader(from_client=False, in_head=False).with_deflate(DeflateParameters(True, True))
    _reader, parts = reader.read(data[:9] * 2)
    assert [fields_of(part)["inflated"] for part in parts] == ["Hello", "Hello"]


def test_close_frame_shows_code_and_reason() -> None:
    """A registered code has a name; an empty body is reported as 1005."""
    fields = fields_of(parts_of(frame(0x88, b"\x03\xe9bye"))[0])
    assert (fields["status code"], fields["reason"]) == ("1001: going away", "bye")
    fields = fields_of(parts_of(frame(0x88, b"\x0f\xa0"))[0])
    assert fields["status code"] == "4000: application or library"
    assert fields_of(parts_of(frame(0x88))[0])["body"] == "none: reported as 1005"


def test_long_payload_is_cut_short() -> None:
    """Extended lengths are shown as such, and so many bytes of the payload."""
    (part,) = parts_of(frame(0x82, bytes(70_000)))
    assert fields_of(part)["length"] == "127: in the next 8 bytes"
    assert part.rows[-1].meaning == "... and 69,976 bytes more"


@pytest.mark.parametrize(
    ("data", "clause"),
    [
        (frame(0xC9, b""), "RFC 7692 §6.1"),
        (frame(0xA1, b"x"), "RFC 6455 §5.2"),
        (frame(0x83, b""), "RFC 6455 §5.2"),
        (frame(0x09, b""), "RFC 6455 §5.5"),
        (frame(0x80, b"x"), "RFC 6455 §5.4"),
        (frame(0x81, b"x", KEY), "RFC 6455 §5.1"),
        (frame(0x88, b"\x03"), "RFC 6455 §5.5.1"),
        (frame(0x88, b"\x03\xed"), "RFC 6455 §7.4.1"),
        (frame(0x81, b"\xff"), "RFC 6455 §8.1"),
        (frame(0xC1, b"\xff\xff"), "RFC 7692 §7.2.2"),
        (b"\x82\x7e\x00\x01x", "RFC 6455 §5.2"),
        (b"\x82\xff\x00\x01", "RFC 6455 §5.2"),
    ],
)
def test_violations_are_shown_with_their_clause(data: bytes, clause: str) -> None:
    """Illegal bytes are explained like legal ones, with a row that says what is wrong."""
    if data == b"\x82\xff\x00\x01":  # a header that is not complete cannot be judged yet
        assert violations(data) == []
        assert parts_of(data)[0].title == "incomplete"
    else:
        assert violations(data) == [clause]


def test_incomplete_frame_is_explained_as_far_as_it_goes() -> None:
    """The title says how much is missing."""
    (part,) = parts_of(frame(0x81, b"Hello")[:4])
    assert part.title == "TEXT frame, 3 bytes missing"
    assert explain(b"GET / HTTP/1.1\r\nHo", from_client=True)[0] == "incomplete"
    assert explain(b"", from_client=True) == []


def test_colours_only_when_asked_for() -> None:
    """Escape sequences appear with color=True and never otherwise."""
    data = frame(0xB1, b"x")
    assert "\x1b[31m" in "".join(explain(data, from_client=False, color=True))
    assert "\x1b" not in "".join(explain(data, from_client=False))


def test_clause_is_titled_as_people_cite_it() -> None:
    """The id of a requirement becomes document and section."""
    assert clause_title("RFC6455-5.4-03") == "RFC 6455 §5.4"
    assert clause_title("RFC7692-7.2.2-04") == "RFC 7692 §7.2.2"


@given(data=st.binary(max_size=200), from_client=st.booleans())
def test_property_any_bytes_can_be_explained(data: bytes, from_client: bool) -> None:
    """Whatever the bytes, there are lines, and they fit the width."""
    for line in explain(data, from_client=from_client):
        assert len(line) <= WIDTH
        assert line.isprintable()


@given(
    data=st.lists(
        st.builds(
            frame,
            st.sampled_from([0x01, 0x81, 0x82, 0x80, 0x00, 0x88, 0x89, 0x8A, 0xC1, 0x40, 0xB3]),
            st.binary(max_size=130),
            st.sampled_from([None, KEY]),
        )
    ).map(b"".join),
    cuts=st.lists(st.integers(0, 600)),
)
def test_property_any_split_gives_the_same_parts(data: bytes, cuts: list[int]) -> None:
    """A stream read piece by piece is explained like the whole."""
    reader = Reader(from_client=False, in_head=False)
    parts: list[Part] = []
    position = 0
    for cut in [*sorted(cuts), len(data)]:
        reader, more = reader.read(data[position:cut])
        parts.extend(more)
        position = max(position, cut)
    assert [*parts, *reader.unread()] == parts_of(data)
