"""What holds for every header, key, short text and Close, however odd: small enough to be proven.

Each property takes a few numbers or bytes and compares the core with a definition that is written
here a second time, more simply. Here Hypothesis draws examples; ``python -m spec_tests.symbolic``
gives the same properties to CrossHair, which tries to go through all values at once.
"""

from __future__ import annotations

from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from wsref.protocol.closing import (
    MAX_REASON,
    TRANSITIONS,
    CloseBody,
    Input,
    State,
    Transport,
    parse_close,
    serialize_close,
    transition,
    transport_of,
    truncated_reason,
)
from wsref.protocol.frames import FrameHeader, check_header, parse_header, serialize_frame
from wsref.protocol.masking import mask
from wsref.protocol.status import is_legal_on_the_wire
from wsref.protocol.utf8 import check_utf8, decode_utf8
from wsref.protocol.violations import Violation

#: A byte bit by bit: what is drawn from a range would have bounds that a solver has to heed.
bytes_8 = st.tuples(*[st.booleans()] * 8).map(
    lambda bits: sum(bit << i for i, bit in enumerate(bits))
)
keys = st.binary(min_size=4, max_size=4)


def is_refused(header: FrameHeader, *, by_client: bool, rsv1_allowed: bool) -> bool:
    """Whether a role must fail the connection by a header alone."""
    try:
        check_header(header, by_client=by_client, rsv1_allowed=rsv1_allowed)
    except Violation:
        return True
    return False


# Headers (RFC 6455 §5.2)


@given(st.binary(max_size=8))
def test_a_header_says_what_stands_there(data: bytes) -> None:
    """Property: the fields of every header whose length has 7 or 16 bits, or None if cut off."""
    header = parse_header(data)
    if len(data) < 2:
        assert header is None
        return
    bits, is_masked = data[1] % 128, data[1] >= 128
    if bits == 127:
        return
    key_at = 4 if bits == 126 else 2
    end = key_at + 4 if is_masked else key_at
    if len(data) < end:
        assert header is None
        return
    assert header is not None
    assert header.first_byte == data[0]
    assert header.size == end
    assert header.length == (data[2] * 256 + data[3] if bits == 126 else bits)
    assert header.masking_key == (data[key_at:end] if is_masked else None)


@given(st.integers(0, 2**64 - 1), st.sampled_from([2, 4, 10]), st.booleans())
def test_a_length_is_taken_in_the_shortest_form_only(
    length: int, size: int, by_client: bool
) -> None:
    """Property: of each length in each of the forms that can hold it; and never above 63 bits."""
    if length > {2: 125, 4: 0xFFFF, 10: 2**64 - 1}[size]:
        return
    shortest = 2 if length <= 125 else 4 if length <= 0xFFFF else 10
    masking_key = b"\x37\xfa\x21\x3d" if by_client else None
    header = FrameHeader(0x82, masking_key, length, size + (4 if by_client else 0))
    is_legal = size == shortest and length < 2**63
    assert is_refused(header, by_client=by_client, rsv1_allowed=False) != is_legal


@given(bytes_8, st.booleans(), st.booleans(), st.booleans())
def test_a_first_byte_is_taken_if_its_opcode_and_bits_have_a_meaning(
    first_byte: int, is_masked: bool, by_client: bool, rsv1_allowed: bool
) -> None:
    """Property: RSV1 only where compression begins, no other bit, and control frames whole."""
    fin, rsv, opcode = first_byte // 128, first_byte // 16 % 8, first_byte % 16
    is_legal = (
        opcode in (0, 1, 2, 8, 9, 10)
        and (rsv == 0 or (rsv == 4 and rsv1_allowed and opcode in (1, 2)))
        and (opcode < 8 or fin == 1)
        and is_masked == by_client
    )
    key = b"\x37\xfa\x21\x3d" if is_masked else None
    header = FrameHeader(first_byte, key, 5, 6 if is_masked else 2)
    assert is_refused(header, by_client=by_client, rsv1_allowed=rsv1_allowed) != is_legal


@given(st.integers(0, 2**64 - 1), st.integers(8, 10))
def test_a_control_frame_is_taken_up_to_125_bytes(length: int, opcode: int) -> None:
    """Property: of each length, written in the shortest form."""
    size = 2 if length <= 125 else 4 if length <= 0xFFFF else 10
    header = FrameHeader(0x80 + opcode, None, length, size)
    assert is_refused(header, by_client=False, rsv1_allowed=False) == (length > 125)


@given(bytes_8, st.binary(max_size=3), st.none() | keys)
def test_a_frame_that_is_written_has_the_header_that_is_read(
    first_byte: int, payload: bytes, masking_key: bytes | None
) -> None:
    """Property: of frames of any kind, with and without a key."""
    data = serialize_frame(first_byte, payload, masking_key)
    size = 2 if masking_key is None else 6
    assert parse_header(data) == FrameHeader(first_byte, masking_key, len(payload), size)
    assert len(data) == size + len(payload)


@given(st.integers(0, 70_000), st.booleans())
def test_the_length_of_a_frame_that_is_written_has_the_shortest_form(
    length: int, is_masked: bool
) -> None:
    """Property: 7, 16 or 64 bits, whichever are needed."""
    data = serialize_frame(0x82, bytes(length), bytes(4) if is_masked else None)
    size = 2 if length <= 125 else 4 if length <= 0xFFFF else 10
    assert len(data) - length == size + (4 if is_masked else 0)


# Masking (RFC 6455 §5.3)


@given(st.binary(max_size=6), keys, st.integers(0, 7))
def test_masking_twice_changes_nothing(payload: bytes, masking_key: bytes, offset: int) -> None:
    """Property: of every piece of a payload."""
    assert mask(mask(payload, masking_key, offset), masking_key, offset) == payload


@given(st.binary(min_size=1, max_size=6), keys, st.integers(0, 7))
def test_each_byte_is_masked_by_its_byte_of_the_key(
    payload: bytes, masking_key: bytes, offset: int
) -> None:
    """Property: octet i is combined with octet i modulo 4 of the key."""
    masked = mask(payload, masking_key, offset)
    assert len(masked) == len(payload)
    for i, octet in enumerate(payload):
        assert masked[i] == octet ^ masking_key[(i + offset) % 4]


# UTF-8 (RFC 6455 §8.1)


@given(st.binary(max_size=4))
def test_a_text_is_decoded_as_python_does_it_or_refused(data: bytes) -> None:
    """Property: every sequence of up to four bytes."""
    expected: str | None
    found: str | None
    try:
        expected = data.decode()
    except UnicodeDecodeError:
        expected = None
    try:
        found = decode_utf8(data)
    except Violation:
        found = None
    assert found == expected


@given(st.binary(max_size=4))
def test_bytes_are_let_through_if_they_begin_a_text(data: bytes) -> None:
    """Property: what is checked is refused, or Python decodes what comes before the tail."""
    try:
        tail = check_utf8(b"", data)
    except Violation:
        assert data.decode(errors="ignore").encode() != data
        return
    assert data.endswith(tail)
    whole = data[: len(data) - len(tail)]
    assert whole.decode().encode() == whole
    assert len(tail) <= 3


# Closing (RFC 6455 §5.5.1, §7.1, §7.4)

#: The codes below 3000 that may be sent, and who refuses the others.
SENDABLE: Final = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014)
UNSENDABLE: Final = {
    1004: "RFC6455-7.4.1-06",
    1005: "RFC6455-7.4.1-07",
    1006: "RFC6455-7.4.1-08",
    1015: "RFC6455-7.4.1-16",
}


@given(st.integers(0, 0xFFFF))
def test_a_status_code_may_be_sent_if_it_is_on_the_list(code: int) -> None:
    """Property: every number that two bytes can hold."""
    assert is_legal_on_the_wire(code) == (code in SENDABLE or 3000 <= code < 5000)


@given(st.integers(0, 0xFFFF))
def test_a_close_is_taken_or_refused_for_its_code(code: int) -> None:
    """Property: by the clause about the class that the code belongs to."""
    clause = ""
    try:
        body = parse_close(bytes([code // 256, code % 256]))
    except Violation as violation:
        clause = violation.clause
    else:
        assert body == CloseBody(code, "")
    if code in SENDABLE or 3000 <= code < 5000:
        assert not clause
    elif code in UNSENDABLE:
        assert clause == UNSENDABLE[code]
    elif code < 3000:
        assert clause == ("RFC6455-7.4.2-01" if code < 1000 else "RFC6455-7.4.2-02")
    else:
        assert clause == "RFC6455-7.4.2-06"


@given(st.binary(max_size=5))
def test_a_close_that_is_taken_is_written_as_it_was(payload: bytes) -> None:
    """Property: of every short body; one byte alone is refused."""
    try:
        body = parse_close(payload)
    except Violation:
        assert payload, "no body is a body too"
        return
    assert len(payload) != 1
    assert (body.code is None) == (not payload)
    assert serialize_close(body) == payload


@given(st.integers(MAX_REASON - 4, MAX_REASON + 1), st.text(max_size=2))
def test_a_reason_is_cut_between_characters_and_no_earlier_than_it_must(
    before: int, end: str
) -> None:
    """Property: where characters of one to four bytes meet the end of the room."""
    reason = "x" * before + end
    cut = truncated_reason(reason)
    assert reason.startswith(cut)
    assert len(cut.encode()) <= MAX_REASON
    assert cut == reason or len(reason[: len(cut) + 1].encode()) > MAX_REASON


@given(st.lists(st.sampled_from(list(Input)), max_size=5), st.booleans())
def test_every_walk_through_the_table_sends_and_receives_one_close_at_most(
    inputs: list[Input], is_client: bool
) -> None:
    """Property: whatever comes in whatever order; what cannot happen is left out."""
    state = State.CONNECTING
    taken: list[Input] = []
    for one in inputs:
        if (state, one) not in TRANSITIONS:
            continue
        assert state is not State.CLOSED, "it goes on behind the end"
        state = transition(state, one)
        taken.append(one)
    for close in (Input.SEND_CLOSE, Input.RECEIVE_CLOSE, Input.FAIL, Input.TRANSPORT_ENDED):
        assert taken.count(close) <= 1
    has_ended = Input.TRANSPORT_ENDED in taken
    assert (state is State.CLOSED) == has_ended
    if {Input.SEND_CLOSE, Input.RECEIVE_CLOSE} <= set(taken) and not has_ended:
        ends_tcp = Transport.AWAIT_PEER if is_client else Transport.CLOSE
        assert transport_of(state, is_client=is_client) is ends_tcp
