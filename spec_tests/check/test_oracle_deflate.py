"""What the oracle says about compressed messages from a server (RFC 7692), on records by hand.

A server's answer and its frames are written down; each fault is named by its clause, and what is
legal, however unusual, is not.  The slow inflate that measures references is held against zlib.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec_tests.reference_inflate import CutOffError, InvalidError, reference_inflate
from wsref.check.cases.blocks import TAIL, Blocks, deflated, deflated_in_turn, noise
from wsref.check.conversation import UNMASKED, frame, text
from wsref.check.distances import trace
from wsref.check.oracle import judge_server
from wsref.check.record import Entry, Kind, Record
from wsref.protocol.opcode import BINARY, CONTINUATION, TEXT

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
SENTENCE = b"What is compressed is not lost, it only takes less room. "
HELLO = Blocks().fixed(b"Hello").payload
AGAIN = Blocks().fixed(b"H", (4, 5)).payload
PLAIN = "permessage-deflate"


def said(frames: bytes, *, offer: str = PLAIN, answer: str = PLAIN, sent: bytes = b"") -> set[str]:
    """Return the clauses that a server breaks with its answer to an offer, and its frames."""
    offered = f"Sec-WebSocket-Extensions: {offer}\r\n" if offer else ""
    accepted = f"Sec-WebSocket-Extensions: {answer}\r\n" if answer else ""
    request = (
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{offered}\r\n"
    ).encode()
    response = (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n{accepted}\r\n"
    ).encode()
    entries = [
        Entry(0.0, Kind.SENT, request),
        Entry(0.1, Kind.RECEIVED, response),
        Entry(0.2, Kind.SENT, sent, 1),
        Entry(0.3, Kind.RECEIVED, frames, 1),
    ]
    findings = judge_server(Record(entries, key=KEY, request=request))
    return {finding.requirement.removeprefix("RFC7692-") for finding in findings}


def squeezed(*payloads: bytes, opcode: int = TEXT) -> bytes:
    """Build the frame of a compressed message, or one for each of its fragments."""
    last = len(payloads) - 1
    return b"".join(
        frame(
            CONTINUATION if index else opcode,
            payload,
            fin=index == last,
            rsv=0 if index else 4,
            key=UNMASKED,
        )
        for index, payload in enumerate(payloads)
    )


def plain(payload: bytes, opcode: int = TEXT) -> bytes:
    """Build the frame of a message without RSV1."""
    return frame(opcode, payload, key=UNMASKED)


# What is legal


@pytest.mark.parametrize(
    "payload",
    [
        HELLO,
        Blocks().stored(b"Hello").payload,
        Blocks().fixed(b"Hel").stored(b"").fixed(b"lo").payload,
        Blocks().fixed(b"Hello", final=True).payload,
        Blocks().fixed(b"Hel", final=True).stored(b"lo", final=True).payload,
        deflated(SENTENCE * 20, strategy=zlib.Z_HUFFMAN_ONLY),
        deflated(SENTENCE * 20, level=1),
        b"\x00",
        Blocks().fixed().payload,
        b"\x00" + TAIL + b"\x00",
    ],
)
def test_any_form_of_deflate_is_legal(payload: bytes) -> None:
    """Of every kind of blocks, empty or not, final or not; in fragments as well."""
    assert not said(squeezed(payload))
    assert not said(squeezed(payload[:1], payload[1:]))
    assert not said(squeezed(b"", payload))


def test_messages_may_refer_to_each_other() -> None:
    """With a window that is left alone by messages that are not compressed."""
    assert not said(squeezed(HELLO) + squeezed(AGAIN) + squeezed(AGAIN))
    assert not said(squeezed(HELLO) + plain(b"plain") + squeezed(b"\x00") + squeezed(AGAIN))
    payloads = deflated_in_turn(*[SENTENCE] * 5)
    assert not said(b"".join(map(squeezed, payloads)))


def test_the_window_has_32768_bytes() -> None:
    """A reference that far back is legal if nothing else is agreed on, in the next message too."""
    far = Blocks().fixed((258, 32768)).payload
    message = deflated(noise(32768))
    assert not said(squeezed(message + TAIL + far))
    assert not said(squeezed(message) + squeezed(far))


def test_fragments_may_be_flushed_one_by_one() -> None:
    """The tail stays where it is, but for the last."""
    first = Blocks().fixed(b"Hel").stored(b"").data
    assert not said(squeezed(first, Blocks().fixed(b"lo").payload))
    assert not said(squeezed(first, b"\x00"))


# What is not DEFLATE


@pytest.mark.parametrize(
    ("payloads", "clause"),
    [
        ([b""], "7.2.1-16"),
        ([b"", b""], "7.2.1-16"),
        ([b"\x07"], "7.2.1-01"),
        ([HELLO + TAIL], "7.2.1-01"),
        ([deflated(SENTENCE) + TAIL], "7.2.1-01"),
        ([HELLO[:-1]], "7.2.1-01"),
        ([HELLO[:4]], "7.2.1-01"),
        ([Blocks().fixed(b"Hello", final=True).data], "7.2.1-01"),
        ([AGAIN], "7.2.1-01"),
        ([Blocks().stored(b"Hello", wrong=True).payload], "7.2.1-01"),
        ([zlib.compress(SENTENCE)], "7.2.1-02"),
        ([b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + HELLO], "7.2.1-02"),
        ([Blocks().of_numbers(72, 257).raw("11110" + "0" * 20).payload], "7.2.1-08"),
        ([Blocks().fixed(b"Hel").payload, Blocks().fixed(b"lo").payload], "7.2.1-07"),
        ([deflated(SENTENCE), deflated(SENTENCE), b"\x00"], "7.2.1-07"),
    ],
)
def test_what_cannot_be_inflated_is_named(payloads: Sequence[bytes], clause: str) -> None:
    """By the clause that it breaks; what comes behind it is judged as if it had not been."""
    assert said(squeezed(*payloads)) == {clause}
    assert said(squeezed(HELLO) + squeezed(*payloads, opcode=BINARY)) in ({clause}, set())
    assert said(squeezed(*payloads) + squeezed(HELLO) + squeezed(AGAIN)) == {clause}


def test_text_has_to_be_utf8_when_it_is_inflated() -> None:
    """Its compressed bytes need not be."""
    assert said(squeezed(deflated(b"\xff"))) == {"RFC6455-5.6-01"}
    assert not said(squeezed(deflated(b"\xff"), opcode=BINARY))
    assert not said(squeezed(Blocks().stored(b"A" * 65).payload))


# What was agreed on


def test_a_server_that_forgets_refers_to_nothing() -> None:
    """With server_no_context_takeover, and only then."""
    agreed = "permessage-deflate; server_no_context_takeover"
    frames = squeezed(HELLO) + squeezed(AGAIN)
    assert said(frames, offer=agreed, answer=agreed) == {"7.2.1-11"}
    assert not said(squeezed(HELLO) + squeezed(HELLO), offer=agreed, answer=agreed)
    assert not said(frames)
    assert not said(frames, offer=PLAIN, answer="permessage-deflate; client_no_context_takeover")
    within = Blocks().fixed(b"Hello", (5, 5)).payload
    assert not said(squeezed(HELLO) + squeezed(within), offer=agreed, answer=agreed)


def test_forgetting_is_demanded_also_if_unasked() -> None:
    """What the answer says counts."""
    frames = squeezed(HELLO) + squeezed(AGAIN)
    answer = "permessage-deflate; server_no_context_takeover"
    assert said(frames, answer=answer) == {"7.2.1-11"}


@pytest.mark.parametrize("bits", range(8, 15))
def test_references_stay_within_the_window(bits: int) -> None:
    """The greatest distance is that of the window, within a message and over several."""
    size = 1 << bits
    agreed = f"permessage-deflate; server_max_window_bits={bits}"
    start = deflated(noise(size + 9), bits=max(bits, 9), level=1)
    for distance, expected in ((size, set[str]()), (size + 1, {"7.2.1-15"})):
        far = Blocks().fixed((3, distance)).payload
        assert said(squeezed(start + TAIL + far), offer=agreed, answer=agreed) == expected
        assert said(squeezed(start) + squeezed(far), offer=agreed, answer=agreed) == expected
        assert not said(squeezed(start + TAIL + far))


def test_the_window_of_the_answer_counts() -> None:
    """Not that of the offer, which is larger."""
    far = squeezed(deflated(noise(600), level=1) + TAIL + Blocks().fixed((3, 600)).payload)
    offer = "permessage-deflate; server_max_window_bits=12"
    answer = "permessage-deflate; server_max_window_bits=9"
    assert said(far, offer=offer, answer=answer) == {"7.2.1-15"}
    assert not said(far, offer=offer, answer=offer)
    assert said(far, answer=answer) == {"7.2.1-15"}


def test_the_window_of_the_client_is_its_own() -> None:
    """client_max_window_bits does not limit the server."""
    far = squeezed(deflated(noise(600), level=1) + TAIL + Blocks().fixed((3, 600)).payload)
    offer = "permessage-deflate; client_max_window_bits"
    assert not said(far, offer=offer, answer="permessage-deflate; client_max_window_bits=9")


# RSV1


def test_rsv1_belongs_on_first_frames() -> None:
    """Not on continuations, not on control frames, not without an agreement."""
    both = frame(TEXT, HELLO[:3], fin=False, rsv=4, key=UNMASKED)
    both += frame(CONTINUATION, HELLO[3:], rsv=4, key=UNMASKED)
    assert said(both) == {"6.1-03"}
    assert said(frame(9, b"", rsv=4, key=UNMASKED)) == {"6.1-03"}
    assert said(squeezed(HELLO), answer="") == {"RFC6455-5.2-02"}
    assert said(frame(TEXT, b"Hello", rsv=2, key=UNMASKED)) == {"RFC6455-5.2-02"}


def test_rsv1_says_whether_an_echo_is_compressed() -> None:
    """What is an echo if it is inflated needs RSV1; what is one as it is must not have it."""
    sent = text("Hello")
    assert said(plain(HELLO), sent=sent) == {"6.1-01"}
    assert said(plain(Blocks().stored(b"Hello").payload), sent=sent) == {"7.2.3.3-01"}
    assert said(squeezed(b"Hello"), sent=sent) == {"6.1-02"}
    assert not said(plain(b"Hello"), sent=sent)
    assert not said(squeezed(HELLO), sent=sent)


def test_an_echo_may_look_like_deflate() -> None:
    """If that is what was sent; or if nothing was sent that it could mean."""
    sent = frame(BINARY, HELLO) + frame(BINARY, b"Hello")
    assert not said(plain(HELLO, BINARY), sent=sent)
    assert not said(plain(HELLO, BINARY), sent=text("other"))
    assert not said(plain(b"\x00"), sent=text(""))


# The answer


@pytest.mark.parametrize(
    ("offer", "answer", "clause"),
    [
        ("", "; server_no_context_takeover", None),
        ("", "; client_no_context_takeover", None),
        ("", "; server_max_window_bits=9", None),
        ("; server_max_window_bits=12", '; server_max_window_bits="10"', None),
        ("; client_max_window_bits=10", "; client_max_window_bits=12", None),
        ("; client_max_window_bits=10", "", None),
        ("; client_no_context_takeover", "", None),
        ("", "; foo", "7-11"),
        ("", "; server_no_context_takeover; server_no_context_takeover", "7-11"),
        ("", "; server_no_context_takeover=1", "7.1.1.1-05"),
        ("", "; client_no_context_takeover=true", "7.1.1.2-03"),
        ("", "; server_max_window_bits", "7.1.2.1-03"),
        ("; server_max_window_bits=9", "; server_max_window_bits=09", "7.1.2.1-03"),
        ("", "; server_max_window_bits=16", "7.1.2.1-03"),
        ("; client_max_window_bits", "; client_max_window_bits", "7.1.2.2-04"),
        ("; client_max_window_bits", "; client_max_window_bits=7", "7.1.2.2-04"),
        ("", "; client_max_window_bits=15", "7.1.2.2-05"),
        ("; server_no_context_takeover", "", "7.1.1.1-02"),
        ("; server_max_window_bits=10", "", "7.1.2.1-04"),
        ("; server_max_window_bits=10", "; server_max_window_bits=11", "7.1.2.1-04"),
        ("", ", permessage-deflate", "5-10"),
    ],
)
def test_an_answer_has_to_fit(offer: str, answer: str, clause: str | None) -> None:
    """Each fault is named by the clause about its parameter."""
    found = said(b"", offer=PLAIN + offer, answer=PLAIN + answer)
    assert found == (set() if clause is None else {clause})


# The slow inflate


def compare_with_reference(payload: bytes, history: bytes) -> None:
    """Read a payload in both ways."""
    try:
        expected = reference_inflate(payload, history)
    except (CutOffError, InvalidError):
        assert trace(payload, history).problem
        return
    traced = trace(payload, history)
    assert (traced.data, traced.farthest, traced.problem) == (*expected, "")


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_are_read_as_the_reference_reads_them(payload: bytes, history: bytes) -> None:
    """Valid or not; the data and the greatest distance are the same."""
    compare_with_reference(payload, history)


@given(
    st.lists(st.sampled_from([SENTENCE, noise(40), b"abcab", b"\x00" * 70]), max_size=8),
    st.integers(0, 9),
    st.sampled_from([zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED]),
    st.binary(max_size=60),
    st.integers(0, 400),
)
def test_what_zlib_writes_is_read(
    parts: list[bytes], level: int, strategy: int, window: bytes, flipped: int
) -> None:
    """And what is left of it when a bit is wrong is seen as the reference sees it."""
    data = b"".join(parts)
    payload = deflated(data, level=level, strategy=strategy, window=window)
    traced = trace(payload, window)
    assert (traced.data, traced.problem) == (data, "")
    assert traced.before <= len(window)
    damaged = bytearray(payload)
    damaged[flipped // 8 % len(damaged)] ^= 1 << flipped % 8
    compare_with_reference(bytes(damaged), window)


def test_references_are_measured() -> None:
    """Their greatest distance, and how far they reach back before the message."""
    assert trace(Blocks().fixed(b"abc", (6, 2), (3, 3)).payload).farthest == 3
    traced = trace(Blocks().fixed(b"abc", (3, 5)).payload, b"0123456789")
    assert (traced.data, traced.farthest, traced.before) == (b"abc89a", 5, 2)
    assert trace(Blocks().fixed(b"abc", (3, 3)).payload, b"0123").before == 0


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"", "it does not end with the first byte of an empty stored block"),
        (b"\x06", "a block of the reserved type 3"),
        (HELLO[:3], "the data is cut off inside a block"),
        (b"\x00\x05\x00\x05\x00", "a stored block with LEN 0005 and NLEN 0005"),
        (AGAIN, "a reference 5 bytes back, where only 1 have been"),
        (Blocks().of_numbers(286).payload, "the length 286, which means nothing"),
    ],
)
def test_problems_are_said_in_words(payload: bytes, problem: str) -> None:
    """What is wrong, as far as it can be told."""
    assert trace(payload).problem == problem
