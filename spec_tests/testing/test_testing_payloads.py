"""Payloads that wsref.testing draws: text, bodies of Close frames, compressed messages."""

from __future__ import annotations

import zlib
from random import Random

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from spec_tests.reference_inflate import CutOffError, InvalidError, reference_inflate
from wsref.protocol.closing import parse_close
from wsref.protocol.deflate import DeflateParameters, inflate, inflating
from wsref.protocol.status import is_legal_on_the_wire
from wsref.protocol.utf8 import check_utf8, decode_utf8
from wsref.protocol.violations import Violation
from wsref.testing import (
    ILLEGAL_STATUS_CLASSES,
    LEGAL_STATUS_CLASSES,
    NEAR_MISS_KINDS,
    SHAPES,
    Block,
    Compressed,
    Context,
    IllegalPayload,
    NearMiss,
    NearMissKind,
    Role,
    StatusClass,
    clause_against,
    close_payloads,
    compress,
    compressed_payloads,
    corrupt_payloads,
    deflate_parameters,
    illegal_close_payloads,
    near_misses,
    reasons,
    shapes,
    status_codes,
    text_bytes,
    texts,
)

FINDING = settings(max_examples=1000, database=None, deadline=None)
CLIENT: Role = "client"
SERVER: Role = "server"
SENDERS: list[Role] = [CLIENT, SERVER]


# UTF-8


@pytest.mark.rfc("RFC6455-8.1-06", "RFC6455-5.6-01")
@given(texts(), text_bytes(30))
def test_text_is_text(text: str, data: bytes) -> None:
    """All of it can be encoded, and decodes as itself."""
    assert decode_utf8(text.encode()) == text
    assert decode_utf8(data).encode() == data
    assert len(data) <= 30


@pytest.mark.rfc("RFC6455-8.1-01", "RFC6455-8.1-02", "RFC6455-8.1-03", "RFC6455-8.1-05")
@given(near_misses())
def test_a_near_miss_fails_at_its_position(miss: NearMiss) -> None:
    """In Python's own decoder, and in ours byte by byte: not before, and not after."""
    with pytest.raises(UnicodeDecodeError) as error:
        miss.data.decode()
    assert error.value.start <= miss.position
    with pytest.raises(Violation) as caught:
        decode_utf8(miss.data)
    assert caught.value.clause == miss.clauses[0]
    tail = b""
    for byte in miss.data[: miss.position]:
        tail = check_utf8(tail, bytes((byte,)))
    if miss.kind == "truncated":
        assert tail
        assert miss.position == len(miss.data)
        return
    with pytest.raises(Violation):
        check_utf8(tail, miss.data[miss.position : miss.position + 1])


@pytest.mark.parametrize("kind", NEAR_MISS_KINDS)
def test_each_kind_of_near_miss_is_what_it_says(kind: NearMissKind) -> None:
    """By the value that a decoder without checks would find."""

    @given(near_misses(kind))
    def check(miss: NearMiss) -> None:
        assert miss.kind == kind
        byte = miss.data[miss.position] if miss.position < len(miss.data) else None
        if kind == "lone continuation":
            assert byte is not None
            assert 0x80 <= byte <= 0xBF
        elif kind == "not a beginning":
            assert byte is not None
            assert byte >= 0xF8
        elif kind == "surrogate":
            surrogate = miss.data[miss.position - 1 : miss.position + 1] + b"\x80"
            assert "\ud800" <= surrogate.decode("utf-8", "surrogatepass") <= "\udfff"
        elif kind == "truncated":
            assert byte is None

    check()


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "expected", "position"),
    [
        ("lone continuation", b"\x80", 0),
        ("not a beginning", b"\xf8", 0),
        ("interrupted", b"\xc20", 1),
        ("overlong", b"\xc0\x80", 0),
        ("surrogate", b"\xed\xa0", 1),
        ("too large", b"\xf4\x90", 1),
        ("truncated", b"\xc2", 1),
    ],
)
def test_a_near_miss_shrinks_to_the_fault(
    kind: NearMissKind, expected: bytes, position: int
) -> None:
    """Without any text around it."""
    found = find(near_misses(), lambda miss: miss.kind == kind, settings=FINDING, random=Random(0))
    assert found == NearMiss(expected, position, kind)


def test_text_shrinks_to_zeros_and_reaches_the_edges() -> None:
    """One byte order mark, one character of four bytes: each alone."""
    assert find(texts(), lambda text: len(text) == 2, settings=FINDING, random=Random(0)) == "00"
    assert (
        find(texts(), lambda text: "\ufeff" in text, settings=FINDING, random=Random(0)) == "\ufeff"
    )
    assert find(texts(), lambda text: "\0" in text, settings=FINDING, random=Random(0)) == "\0"
    assert find(
        texts(), lambda text: max(text, default="") > "\uffff", settings=FINDING, random=Random(0)
    ) == ("\U00010000")


# Status codes


@pytest.mark.rfc("RFC6455-7.4.2-03", "RFC6455-7.4.2-04", "RFC6455-7.4.2-05")
@given(st.sampled_from(SENDERS), st.data())
def test_codes_by_default_are_legal(role: Role, data: st.DataObject) -> None:
    """And a server has no use for 1010."""
    code = data.draw(status_codes(role=role))
    assert is_legal_on_the_wire(code)
    assert clause_against(code) is None
    assert (role, code) != ("server", 1010)


@pytest.mark.parametrize("one", [*LEGAL_STATUS_CLASSES, *ILLEGAL_STATUS_CLASSES])
def test_each_class_of_codes_has_codes_of_one_kind(one: StatusClass) -> None:
    """Legal on the wire or not, and kept from it by the clause that our decoder names."""

    @given(status_codes(one))
    def check(code: int) -> None:
        assert is_legal_on_the_wire(code) == (one in LEGAL_STATUS_CLASSES)
        assert (clause_against(code) is None) == (one in LEGAL_STATUS_CLASSES)

    check()


def test_a_clause_is_against_a_code_if_and_only_if_it_is_illegal() -> None:
    """For all 65536 codes."""
    assert all(
        (clause_against(code) is None) == is_legal_on_the_wire(code) for code in range(65536)
    )


@pytest.mark.rfc("RFC6455-5.5.1-01", "RFC6455-5.5.1-04")
@given(st.sampled_from(SENDERS), st.data())
def test_legal_bodies_of_a_close_are_read(role: Role, data: st.DataObject) -> None:
    """None is longer than a control frame."""
    payload = data.draw(close_payloads(role))
    assert len(payload) <= 125
    parse_close(payload)


@pytest.mark.rfc("RFC6455-5.5.1-03", "RFC6455-5.5.1-05", "RFC6455-7.4-01")
@given(illegal_close_payloads())
def test_illegal_bodies_of_a_close_are_refused_for_their_clause(payload: IllegalPayload) -> None:
    """With the status code that fits best."""
    assert len(payload.data) <= 125
    with pytest.raises(Violation) as caught:
        parse_close(payload.data)
    assert (caught.value.clause,) == payload.clauses
    assert caught.value.status_code == payload.status_codes[0]


def test_bodies_of_a_close_shrink() -> None:
    """To nothing, to a code without a reason, to one byte."""
    assert find(close_payloads(), lambda _: True, settings=FINDING, random=Random(0)) == b""
    assert find(close_payloads(), bool, settings=FINDING, random=Random(0)) == b"\x03\xe8"
    assert (
        find(close_payloads(), lambda body: len(body) > 2, settings=FINDING, random=Random(0))
        == b"\x03\xe80"
    )
    assert (
        find(illegal_close_payloads(), lambda _: True, settings=FINDING, random=Random(0)).data
        == b"\0"
    )
    assert (
        find(reasons(), lambda reason: len(reason) == 123, settings=FINDING, random=Random(0))
        == b"0" * 123
    )
    with pytest.raises(ValueError, match="no body of a Close"):
        illegal_close_payloads("RFC6455-5.4-03")


# Compression


@pytest.mark.rfc("RFC7692-7.2.1-03", "RFC7692-7.2.1-04", "RFC7692-7.2.1-05", "RFC7692-7.2.1-06")
@given(deflate_parameters(), st.sampled_from(SENDERS), st.data())
def test_compressed_payloads_inflate_to_their_messages(
    parameters: DeflateParameters, role: Role, data: st.DataObject
) -> None:
    """In every shape, with every window, by the receiver's own context."""
    drawn = data.draw(compressed_payloads(parameters, role=role))
    context = inflating(parameters, role == "server")
    for message, payload in zip(*drawn, strict=True):
        context, received = inflate(context, payload, 1 << 20)
        assert received == message


@pytest.mark.rfc("RFC7692-7.2.1-02")
@given(st.binary(max_size=40), shapes())
def test_a_reader_of_single_bits_agrees(content: bytes, shape: tuple[Block, ...]) -> None:
    """Blocks written by hand are read by a decoder that is not zlib."""
    payload = compress(Context(), content, shape)
    assert reference_inflate(payload).data == content


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_is_what_it_says(shape: tuple[Block, ...]) -> None:
    """The type of its first block, and BFINAL."""
    payload = compress(Context(), b"Hello", shape)
    ((kind, final),) = shape
    assert payload[0] & 1 == final
    assert payload[0] >> 1 & 3 == {"stored": 0, "fixed": 1, "dynamic": 2, "best": 1}[kind]


def test_data_that_looks_like_the_tail_is_not_taken_for_it() -> None:
    """Only the lengths of an empty stored block are left out."""
    for shape in SHAPES:
        payload = compress(Context(), b"\0\0\0\xff\xff", shape)
        assert reference_inflate(payload).data == b"\0\0\0\xff\xff"


def test_later_messages_refer_to_earlier_ones() -> None:
    """Only where context takeover was agreed on."""
    hello = [b"Hello, Hello!", b"Hello, Hello!"]
    for reset in (False, True):
        context = Context.of(DeflateParameters(client_no_context_takeover=reset))
        sizes: list[int] = []
        for message in hello:
            sizes.append(len(compress(context, message, (Block(),))))
            context = context.after(message).between_messages()
        assert (sizes[1] < sizes[0]) == (not reset)


@pytest.mark.rfc("RFC7692-7.2.2-02", "RFC7692-7.2.2-03", "RFC7692-7.2.2-04", "RFC7692-7.2.2-14")
@given(corrupt_payloads(), st.integers(8, 15))
def test_corrupt_payloads_are_refused_for_their_clause(payload: IllegalPayload, bits: int) -> None:
    """With any window, by us and by a reader of single bits."""
    context = inflating(DeflateParameters(client_max_window_bits=bits), False)
    if payload.clauses == ("RFC7692-6.1-09",):
        _context, message = inflate(context, payload.data, 1 << 20)
        with pytest.raises(UnicodeDecodeError):
            message.decode()
        return
    with pytest.raises(Violation) as caught:
        inflate(context, payload.data, 1 << 20)
    assert (caught.value.clause,) == payload.clauses
    assert caught.value.status_code in payload.status_codes
    if payload.data:
        with pytest.raises((CutOffError, InvalidError)):
            reference_inflate(payload.data)


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("RFC7692-7.2.2-02", "07"),
        ("RFC7692-7.2.2-03", "32 00 de ff 0f 00"),
        ("RFC7692-7.2.2-04", "4a"),
        ("RFC7692-7.2.2-14", ""),
        ("RFC7692-6.1-09", "6a 00 00"),
    ],
)
def test_a_corrupt_payload_shrinks_to_the_fault(clause: str, expected: str) -> None:
    """For text: the byte 80 in a fixed block."""
    found = find(corrupt_payloads(clause), lambda _: True, settings=FINDING, random=Random(0))
    assert found.data == bytes.fromhex(expected)


@pytest.mark.long
def test_compressed_payloads_shrink_to_one_empty_message() -> None:
    """And to the RFC's own way to compress; blocks that are dynamic and final are reached."""
    assert find(
        compressed_payloads(), lambda _: True, settings=FINDING, random=Random(0)
    ) == Compressed((b"",), (b"\0",))
    one = find(
        compressed_payloads(), lambda drawn: any(drawn.messages), settings=FINDING, random=Random(0)
    )
    assert one == Compressed((b"\0",), (b"b\0\0",))
    assert find(shapes(), lambda shape: len(shape) > 1, settings=FINDING, random=Random(0)) == (
        Block(),
        Block(),
    )
    final = find(
        shapes(), lambda shape: Block("dynamic", True) in shape, settings=FINDING, random=Random(0)
    )
    assert final == (Block("dynamic", True),)
    assert zlib.decompress(compress(Context(), b"Hello", final)[:-1], -15) == b"Hello"
