"""Properties of compression that hold for all parameters, messages and contexts (RFC 7692)."""

from __future__ import annotations

import copy
import pickle
import zlib
from typing import TypeVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spec_tests.reference_inflate import (
    CutOffError,
    InvalidError,
    reference_inflate,
)
from wsref.protocol.deflate import (
    DeflateOffer,
    DeflateParameters,
    DeflatePolicy,
    Deflating,
    Inflating,
    answer_offers,
    check_answer,
    deflate,
    deflate_fragment,
    deflating,
    inflate,
    inflating,
    offer_extension,
)
from wsref.protocol.headers import Extension, parse_extensions, serialize_extensions
from wsref.protocol.violations import Violation
from wsref.testing import compressed_payloads, deflate_offers, deflate_parameters

Context = TypeVar("Context", Inflating, Deflating)

LIMIT = 1 << 20
BITS = st.integers(8, 15)

policies = deflate_parameters().map(lambda parameters: DeflatePolicy(*parameters))


pieces = st.lists(
    st.binary(max_size=20) | st.sampled_from([b"Hello", b"a" * 300, bytes(range(256))]), max_size=8
)


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Data with repetitions at many distances."""
    return b"".join(piece * draw(st.integers(1, 4)) for piece in draw(pieces))


messages = st.lists(texts(), max_size=8)


def revived(context: Context, how: str) -> Context:
    """Return the same context without what rides along."""
    if how == "copy":
        return copy.copy(context)
    again: Context = pickle.loads(pickle.dumps(context))
    return again


@pytest.mark.rfc("RFC7692-5-18", "RFC7692-7.2.1-01", "RFC7692-7.2.2-01", "RFC7692-6-01")
@given(deflate_parameters(), messages, st.booleans(), st.integers(0, 9))
def test_property_what_one_role_deflates_the_other_inflates(
    agreed: DeflateParameters, sent: list[bytes], role_is_client: bool, level: int
) -> None:
    """For all parameters; some messages in between go uncompressed, which changes nothing."""
    sending = deflating(agreed, role_is_client, level=level)
    receiving = inflating(agreed, not role_is_client)
    for i, message in enumerate(sent):
        if i % 3 == 2:
            continue
        sending, payload = deflate(sending, message)
        receiving, received = inflate(receiving, payload, len(message))
        assert received == message
        if receiving.takeover:
            assert receiving.window == sending.window


@pytest.mark.rfc("RFC7692-7.2.1-07", "RFC7692-7.2.3.6-01", "RFC7692-6.2-01")
@given(
    deflate_parameters(),
    st.lists(st.lists(texts(), min_size=1, max_size=4), max_size=4),
    st.booleans(),
)
def test_property_fragments_deflated_one_by_one_are_one_message(
    agreed: DeflateParameters, sent: list[list[bytes]], role_is_client: bool
) -> None:
    """The tail of all fragments but the last stays where it is."""
    sending, receiving = deflating(agreed, role_is_client), inflating(agreed, not role_is_client)
    for fragments in sent:
        payload = b""
        for i, fragment in enumerate(fragments):
            final = i == len(fragments) - 1
            sending, part = deflate_fragment(sending, fragment, final)
            payload += part
        receiving, received = inflate(receiving, payload, LIMIT)
        assert received == b"".join(fragments)


@pytest.mark.rfc("RFC7692-7.2.2-06", "RFC7692-7.2.2-08", "RFC7692-7.2.1-13", "RFC7692-7.2.1-15")
@given(deflate_parameters(), st.lists(st.tuples(texts(), st.sampled_from(["", "copy", "pickle"]))))
def test_property_hidden_state_cannot_be_told(
    agreed: DeflateParameters, sent: list[tuple[bytes, str]]
) -> None:
    """A run that loses zlib's objects now and then, and one that keeps them, go alike."""
    sending = lossy_sending = deflating(agreed, True)
    receiving = lossy_receiving = inflating(agreed, False)
    for message, how in sent:
        if how:
            lossy_sending = revived(lossy_sending, how)
            lossy_receiving = revived(lossy_receiving, how)
        sending, payload = deflate(sending, message)
        lossy_sending, lossy_payload = deflate(lossy_sending, message)
        assert sending == lossy_sending
        receiving_before = receiving
        # zlib does not promise equal payloads, but each inflates to the message.
        receiving, received = inflate(receiving, payload, LIMIT)
        lossy_receiving, lossy_received = inflate(lossy_receiving, lossy_payload, LIMIT)
        crossed = inflate(receiving_before, lossy_payload, LIMIT)
        assert received == lossy_received == message
        assert receiving == lossy_receiving
        assert hash(receiving) == hash(lossy_receiving)
        assert crossed == (receiving, message)


@pytest.mark.rfc("RFC7692-7.2.2-06", "RFC7692-7.2.2-08")
@given(deflate_parameters(), st.lists(st.tuples(st.integers(0, 100), texts()), max_size=12))
def test_property_forks_of_a_conversation_do_not_interfere(
    agreed: DeflateParameters, steps: list[tuple[int, bytes]]
) -> None:
    """Each message goes on from any of the pairs of contexts there have ever been."""
    pairs = [(deflating(agreed, False), inflating(agreed, True))]
    for chosen, message in steps:
        sending, receiving = pairs[chosen % len(pairs)]
        windows = sending.window, receiving.window
        after_sending, payload = deflate(sending, message)
        after_receiving, received = inflate(receiving, payload, LIMIT)
        assert received == message
        assert (sending.window, receiving.window) == windows
        pairs.append((after_sending, after_receiving))


@pytest.mark.rfc("RFC7692-7.2.1-02", "RFC7692-7.2.2-01")
@given(BITS, messages, st.booleans(), st.integers(0, 9))
def test_property_zlib_driven_directly_understands_us_and_we_it(
    bits: int, sent: list[bytes], takeover: bool, level: int
) -> None:
    """One plain zlib object per direction, as other implementations have."""
    agreed = DeflateParameters(not takeover, not takeover, bits, bits)
    sending, receiving = deflating(agreed, True, level=level), inflating(agreed, True)
    compressor = zlib.compressobj(level, wbits=-max(bits, 9))
    decompressor = zlib.decompressobj(-bits)
    for message in sent:
        if not takeover:
            compressor = zlib.compressobj(level, wbits=-max(bits, 9))
            decompressor = zlib.decompressobj(-bits)
        sending, payload = deflate(sending, message)
        assert decompressor.decompress(payload + b"\x00\x00\xff\xff") == message
        theirs = compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH)
        receiving, received = inflate(receiving, theirs[:-4] or b"\x00", LIMIT)
        assert received == message


def verdict(payload: bytes, window: bytes = b"") -> bytes | None:
    """Return the message; None if it is refused."""
    context = inflating(DeflateParameters(), True)
    if window:
        context, _ = inflate(
            context, deflate(deflating(DeflateParameters(), False), window)[1], LIMIT
        )
    try:
        return inflate(context, payload, LIMIT)[1]
    except Violation:
        return None


def reference_verdict(payload: bytes, window: bytes = b"") -> bytes | None:
    """Return what :func:`verdict` should."""
    try:
        return reference_inflate(payload, window).data
    except (CutOffError, InvalidError):
        return None


#: Payloads of valid messages: all kinds of blocks, some final, one or several.
payloads = compressed_payloads(max_messages=1, contents=texts()).map(
    lambda drawn: drawn.payloads[0]
)


@pytest.mark.rfc("RFC7692-7.2.2-04", "RFC7692-7.2.1-05")
@given(payloads, st.data())
def test_property_cut_off_data_is_recognised_wherever_it_is_cut(
    payload: bytes, data: st.DataObject
) -> None:
    """For the beginnings of a payload we agree with a reader of single bits, in the clause too."""
    cuts = data.draw(st.lists(st.integers(1, len(payload)), max_size=20, unique=True))
    for size in [*cuts, *range(max(1, len(payload) - 8), len(payload) + 1)]:
        try:
            expected: bytes | str = reference_inflate(payload[:size]).data
        except CutOffError:
            expected = "RFC7692-7.2.2-04"
        try:
            given_: bytes | str = inflate(
                inflating(DeflateParameters(), True), payload[:size], LIMIT
            )[1]
        except Violation as violation:
            given_ = violation.clause
        assert given_ == expected


@pytest.mark.rfc("RFC7692-7.2.2-02", "RFC7692-7.2.2-03", "RFC7692-7.2.2-04")
@given(
    st.binary(min_size=1, max_size=40)
    | st.lists(st.sampled_from(b"\x00\x01\x02\x03\x04\x05\x4b\xec\xed\xff"), min_size=1).map(bytes),
    texts(),
)
@example(b"\x00\x04\x00\xfb\xff", b"")
@example(b"\x00\xff", b"")
def test_property_any_bytes_are_judged_as_a_reader_of_bits_judges_them(
    payload: bytes, window: bytes
) -> None:
    """Whatever a peer sends: the same message, or refused by both."""
    assert verdict(payload, window[-32768:]) == reference_verdict(payload, window[-32768:])


@pytest.mark.rfc("RFC7692-7.2.2-02", "RFC7692-7.2.2-04")
@given(payloads, st.lists(st.tuples(st.integers(0), st.integers(0, 7)), min_size=1, max_size=3))
def test_property_damaged_data_is_judged_as_a_reader_of_bits_judges_it(
    payload: bytes, flips: list[tuple[int, int]]
) -> None:
    """A few bits of a good payload are turned over."""
    damaged = bytearray(payload)
    for position, bit in flips:
        damaged[position % len(damaged)] ^= 1 << bit
    assert verdict(bytes(damaged)) == reference_verdict(bytes(damaged))


@pytest.mark.rfc("RFC6455-9-04", "RFC6455-9.1-06")
@pytest.mark.rfc("RFC7692-5-09", "RFC7692-5-17", "RFC7692-7-11", "RFC7692-5-08")
@given(st.lists(deflate_offers(), min_size=1, max_size=4), policies)
def test_property_client_agrees_with_every_answer_of_our_server(
    asked: list[DeflateOffer], policy: DeflatePolicy
) -> None:
    """From the answer alone both roles conclude the same, through the header's text."""
    header = serialize_extensions(map(offer_extension, asked))
    agreed = answer_offers(parse_extensions([header]), policy)
    assert agreed is not None
    (answer,) = parse_extensions([serialize_extensions([agreed[1]])])
    assert check_answer(answer, asked) == agreed[0]


@pytest.mark.rfc("RFC7692-7-01", "RFC7692-7-02", "RFC7692-7-07", "RFC7692-7-08")
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "server_no_context_takeover",
                    "client_no_context_takeover",
                    "server_max_window_bits",
                    "client_max_window_bits",
                    "x",
                ]
            ),
            st.none() | st.sampled_from(["7", "8", "15", "16", "", "010"]) | st.text(max_size=3),
        ),
        max_size=5,
    )
)
def test_property_no_parameters_of_a_peer_raise_anything_unexpected(
    given_: list[tuple[str, str | None]],
) -> None:
    """A server declines or agrees within the offer; a client agrees or raises a violation."""
    extension = Extension("permessage-deflate", tuple(given_))
    agreed = answer_offers([extension])
    names = [name for name, _value in given_]
    if agreed is not None:
        assert len(set(names)) == len(names)
        assert "x" not in names
    try:
        outcome: DeflateParameters | Violation = check_answer(extension, [DeflateOffer()])
    except Violation as violation:
        outcome = violation
    if isinstance(outcome, Violation):
        assert outcome.clause.startswith("RFC7692-7")
    else:
        assert agreed is not None
