"""Masking and framing (RFC 6455 §5.1 to §5.3).

What a frame's header can say, field by field: the MASK bit, the reserved bits, the opcode, the
length in each of its three forms, and the masking key.  How a message is put together of
frames is the subject of :mod:`.fragmentation`, the payload of text that of :mod:`.utf8`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

from ...protocol.opcode import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from ..catalogue import Case, Facts, Judge, case
from ..conversation import (
    UNMASKED,
    Await,
    HalfClose,
    Open,
    Pause,
    Probe,
    Send,
    Step,
    binary,
    close,
    continuation,
    frame,
    ping,
    pong,
    text,
)
from ..judgements import close_of, echoes, fails, messages_of
from ..opening import PLAIN, Opening, compressing
from ..record import Record
from ..verdicts import Finding, fail, warn
from .patterns import (
    BAD_CLOSE_CODE,
    BINARY_ECHO,
    LIMIT_CODES,
    MOMENT,
    TYPE_CODES,
    accepted,
    accepted_binary,
    answers_each,
    behind_twin,
    fails_unanswered,
    forgives_reset,
    if_binary,
    pings_one_by_one,
    rejected,
    rejects_close,
    twin_content,
    twin_of,
    up_to_limit,
)

__all__ = ["CASES"]

_HELLO: Final = b"Hello"
_HELLO_ECHO: Final = (TEXT, _HELLO)
_BAD_CLOSE_BODY: Final = BAD_CLOSE_CODE.to_bytes(2, "big")
_TEXT_BEFORE: Final = Send(text(_HELLO), "a text message")
_BEGUN: Final = Send(text("Hel", fin=False), "a text message begins")


def _numbered(length: int) -> bytes:
    """Return so many bytes of ASCII in which nothing can be lost, added or moved unnoticed."""
    return b"".join(b"%05d " % number for number in range(length // 6 + 1))[:length]


def _all_bytes(length: int) -> bytes:
    """Return so many bytes of every value, whose period is not a power of two."""
    period = bytes(range(256)) + b"wsref"
    return (period * (length // len(period) + 1))[:length]


# The MASK bit (§5.1)


def _unmasked(
    name: str,
    what: str,
    *steps: Step,
    judge: Judge | None = None,
    opening: Opening = PLAIN,
    needs: Sequence[Literal["deflate"]] = (),
) -> Case:
    return case(
        f"5.1/unmasked-{name}",
        ("RFC6455-5.1-02", "RFC6455-10.7-01"),
        f"{what} without a masking key has to fail the connection.",
        rejected(*steps, opening=opening),
        judge or fails("RFC6455-5.1-02"),
        needs=needs,
    )


def _bare(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """Build a frame that is not masked."""
    return frame(opcode, payload, fin=fin, key=UNMASKED)


_FAILS_BINARY: Final = fails("RFC6455-5.1-02", tolerated=TYPE_CODES)

_MASK_BIT: Final = (
    _unmasked("text-frame", "A text frame", Send(_bare(TEXT, _HELLO), "text, MASK 0")),
    _unmasked(
        "binary-frame",
        "A binary frame",
        Send(_bare(BINARY, _HELLO), "binary, MASK 0"),
        judge=_FAILS_BINARY,
    ),
    _unmasked("empty-text-frame", "An empty text frame", Send(_bare(TEXT), "empty text, MASK 0")),
    _unmasked(
        "empty-binary-frame",
        "An empty binary frame",
        Send(_bare(BINARY), "empty binary, MASK 0"),
        judge=_FAILS_BINARY,
    ),
    _unmasked(
        "ping",
        "A Ping",
        Send(_bare(PING, _HELLO), "a Ping, MASK 0"),
        judge=fails_unanswered("RFC6455-5.1-02", pong=_HELLO),
    ),
    _unmasked(
        "empty-ping",
        "An empty Ping",
        Send(_bare(PING), "an empty Ping, MASK 0"),
    ),
    _unmasked("pong", "A Pong", Send(_bare(PONG, _HELLO), "a Pong, MASK 0")),
    _unmasked("empty-pong", "An empty Pong", Send(_bare(PONG), "an empty Pong, MASK 0")),
    _unmasked(
        "close",
        "A Close",
        Send(_bare(CLOSE, _BAD_CLOSE_BODY), f"a Close with {BAD_CLOSE_CODE}, MASK 0"),
        judge=rejects_close("RFC6455-5.1-02"),
    ),
    _unmasked(
        "text-frame-of-126-bytes",
        "A text frame with its length in 16 bits",
        Send(_bare(TEXT, _numbered(126)), "text of 126 bytes, MASK 0"),
    ),
    _unmasked(
        "text-frame-of-65536-bytes",
        "A text frame with its length in 64 bits",
        Send(_bare(TEXT, _numbered(65536)), "text of 65536 bytes, MASK 0"),
        judge=forgives_reset(fails("RFC6455-5.1-02", tolerated=LIMIT_CODES)),
    ),
    _unmasked(
        "first-fragment",
        "The first fragment of a message",
        Send(_bare(TEXT, b"Hel", fin=False), "text, FIN 0, MASK 0"),
    ),
    _unmasked(
        "first-fragment-of-a-whole-message",
        "The first fragment of a message that is then finished",
        Send(_bare(TEXT, b"Hel", fin=False), "text, FIN 0, MASK 0"),
        MOMENT,
        Send(continuation("lo"), "the end of the message, masked"),
    ),
    _unmasked(
        "middle-fragment",
        "A middle fragment of a message",
        _BEGUN,
        Send(_bare(CONTINUATION, b"l", fin=False), "a continuation, FIN 0, MASK 0"),
        MOMENT,
        Send(continuation("o"), "the end of the message, masked"),
    ),
    _unmasked(
        "last-fragment",
        "The last fragment of a message",
        _BEGUN,
        Send(_bare(CONTINUATION, b"lo"), "a continuation, MASK 0"),
    ),
    _unmasked(
        "empty-last-fragment",
        "An empty last fragment of a message",
        Send(text(_HELLO, fin=False), "a text message, FIN 0"),
        Send(_bare(CONTINUATION), "an empty continuation, MASK 0"),
    ),
    _unmasked(
        "ping-in-mid-message",
        "A Ping between the fragments of a message",
        _BEGUN,
        Send(_bare(PING, b"between"), "a Ping, MASK 0"),
        judge=fails_unanswered("RFC6455-5.1-02", pong=b"between"),
    ),
    _unmasked(
        "text-frame-after-a-masked-one",
        "A text frame behind a masked message",
        _TEXT_BEFORE,
        Await("messages"),
        Send(_bare(TEXT, b"world"), "text, MASK 0"),
        judge=fails("RFC6455-5.1-02", echo=[_HELLO_ECHO]),
    ),
    _unmasked(
        "text-frame-in-one-segment-with-a-masked-one",
        "A text frame in one segment with a masked message",
        Send(text(_HELLO) + _bare(TEXT, b"world"), "text, then text with MASK 0"),
        judge=fails("RFC6455-5.1-02", echo=[_HELLO_ECHO]),
    ),
    _unmasked(
        "ping-after-a-masked-one",
        "A Ping behind a masked Ping",
        Send(ping(b"masked"), "a Ping"),
        Await("pongs"),
        Send(_bare(PING, b"unmasked"), "a Ping, MASK 0"),
        judge=fails_unanswered("RFC6455-5.1-02", pong=b"unmasked"),
    ),
    _unmasked(
        "text-frame-with-deflate",
        "A text frame, where permessage-deflate is agreed on,",
        Send(_bare(TEXT, _HELLO), "text, MASK 0"),
        opening=compressing(),
        needs=["deflate"],
    ),
)


# Reserved bits (§5.2, §5.8)

_BITS: Final = {
    4: "RSV1",
    2: "RSV2",
    1: "RSV3",
    6: "RSV1 and RSV2",
    5: "RSV1 and RSV3",
    3: "RSV2 and RSV3",
    7: "all three",
}


def _slug(words: str) -> str:
    return words.lower().replace(" ", "-")


def _reserved_bits(
    where: str,
    what: str,
    rsv: int,
    *steps: Step,
    judge: Judge | None = None,
    requirement: str = "RFC6455-5.2-03",
    deflate: bool = False,
) -> Case:
    agreed = "with" if deflate else "without"
    return case(
        f"5.2/{_slug(_BITS[rsv])}-{where}" + ("-with-deflate" if deflate else ""),
        (requirement, "RFC6455-10.7-01"),
        f"{what} with {_BITS[rsv]} set has to fail the connection ({agreed} permessage-deflate).",
        rejected(*steps, opening=compressing() if deflate else PLAIN),
        judge or fails(requirement),
        needs=["deflate"] if deflate else [],
    )


def _bits_on_every_kind(rsv: int) -> tuple[Case, ...]:
    """Set reserved bits on each kind of frame, without an extension."""
    bits = _BITS[rsv]
    clause = "RFC6455-5.2-03"
    return (
        _reserved_bits(
            "on-text", "A text frame", rsv, Send(text(_HELLO, rsv=rsv), f"text, {bits} set")
        ),
        _reserved_bits(
            "on-binary",
            "A binary frame",
            rsv,
            Send(binary(_HELLO, rsv=rsv), f"binary, {bits} set"),
            judge=fails(clause, tolerated=TYPE_CODES),
        ),
        _reserved_bits(
            "on-ping",
            "A Ping",
            rsv,
            Send(ping(_HELLO, rsv=rsv), f"a Ping, {bits} set"),
            judge=fails_unanswered(clause, pong=_HELLO),
        ),
        _reserved_bits("on-pong", "A Pong", rsv, Send(pong(_HELLO, rsv=rsv), f"Pong, {bits} set")),
        _reserved_bits(
            "on-close",
            "A Close",
            rsv,
            Send(close(BAD_CLOSE_CODE, rsv=rsv), f"a Close with {BAD_CLOSE_CODE}, {bits} set"),
            judge=rejects_close(clause),
        ),
        _reserved_bits(
            "on-first-fragment",
            "The first fragment of a message",
            rsv,
            Send(text("Hel", fin=False, rsv=rsv), f"text, FIN 0, {bits} set"),
            MOMENT,
            Send(continuation("lo"), "the end of the message"),
        ),
        _reserved_bits(
            "on-last-fragment",
            "The last fragment of a message",
            rsv,
            _BEGUN,
            Send(continuation("lo", rsv=rsv), f"a continuation, {bits} set"),
        ),
    )


def _bits_despite_deflate(rsv: int) -> tuple[Case, ...]:
    """Set RSV2 or RSV3, which permessage-deflate gives no meaning."""
    bits = _BITS[rsv]
    clause = "RFC6455-5.2-04"
    return (
        _reserved_bits(
            "on-text",
            "A text frame",
            rsv,
            Send(text(_HELLO, rsv=rsv), f"text, {bits} set"),
            requirement=clause,
            deflate=True,
        ),
        _reserved_bits(
            "on-binary",
            "A binary frame",
            rsv,
            Send(binary(_HELLO, rsv=rsv), f"binary, {bits} set"),
            judge=fails(clause, tolerated=TYPE_CODES),
            requirement=clause,
            deflate=True,
        ),
        _reserved_bits(
            "on-ping",
            "A Ping",
            rsv,
            Send(ping(_HELLO, rsv=rsv), f"a Ping, {bits} set"),
            judge=fails_unanswered(clause, pong=_HELLO),
            requirement=clause,
            deflate=True,
        ),
        _reserved_bits(
            "on-last-fragment",
            "The last fragment of a message",
            rsv,
            _BEGUN,
            Send(continuation("lo", rsv=rsv), f"a continuation, {bits} set"),
            requirement=clause,
            deflate=True,
        ),
    )


def _deflated(payload: bytes) -> bytes:
    """Compress *payload* as RFC 7692 §7.2.1 has it."""
    squeezer = zlib.compressobj(wbits=-15)
    return (squeezer.compress(payload) + squeezer.flush(zlib.Z_SYNC_FLUSH))[:-4]


_RESERVED_BITS: Final = (
    *(one for rsv in (4, 2, 1) for one in _bits_on_every_kind(rsv)),
    *(
        _reserved_bits(
            "on-text", "A text frame", rsv, Send(text(_HELLO, rsv=rsv), f"text, {_BITS[rsv]} set")
        )
        for rsv in (6, 5, 3, 7)
    ),
    _reserved_bits(
        "on-ping",
        "A Ping",
        7,
        Send(ping(_HELLO, rsv=7), "a Ping, all three set"),
        judge=fails_unanswered("RFC6455-5.2-03", pong=_HELLO),
    ),
    _reserved_bits("on-empty-text", "An empty text frame", 4, Send(text("", rsv=4), "RSV1 set")),
    *(
        _reserved_bits(
            "after-a-message",
            "A text frame behind another message",
            rsv,
            _TEXT_BEFORE,
            Await("messages"),
            Send(text("world", rsv=rsv), f"text, {_BITS[rsv]} set"),
            judge=fails("RFC6455-5.2-03", echo=[_HELLO_ECHO]),
        )
        for rsv in (4, 2, 1)
    ),
    _reserved_bits(
        "in-one-segment-with-a-message",
        "A text frame in one segment with another message",
        2,
        Send(text(_HELLO) + text("world", rsv=2), "text, then text with RSV2 set"),
        judge=fails("RFC6455-5.2-03", echo=[_HELLO_ECHO]),
    ),
    _reserved_bits(
        "on-ping-in-mid-message",
        "A Ping between the fragments of a message",
        1,
        _BEGUN,
        Send(ping(b"between", rsv=1), "a Ping, RSV3 set"),
        judge=fails_unanswered("RFC6455-5.2-03", pong=b"between"),
    ),
    _reserved_bits(
        "on-middle-fragment",
        "A middle fragment of a message",
        2,
        _BEGUN,
        Send(continuation("l", fin=False, rsv=2), "a continuation, FIN 0, RSV2 set"),
        MOMENT,
        Send(continuation("o"), "the end of the message"),
    ),
    _reserved_bits(
        "on-compressed-text",
        "A text frame that is really compressed",
        4,
        Send(text(_deflated(b"Hello" * 9), rsv=4), "compressed text, RSV1 set"),
    ),
    *(one for rsv in (2, 1) for one in _bits_despite_deflate(rsv)),
    *(
        _reserved_bits(
            "on-compressed-text",
            "A compressed text frame",
            rsv,
            Send(text(_deflated(_HELLO), rsv=rsv), f"compressed text, {_BITS[rsv]} set"),
            requirement="RFC6455-5.2-04",
            deflate=True,
        )
        for rsv in (6, 5, 7)
    ),
    _reserved_bits(
        "on-text",
        "A text frame",
        3,
        Send(text(_HELLO, rsv=3), "text, RSV2 and RSV3 set"),
        requirement="RFC6455-5.2-04",
        deflate=True,
    ),
)


# Opcodes (§5.2)


def _reserved_opcode(opcode: int) -> tuple[Case, ...]:
    """Use an opcode that has no meaning."""
    clause = "RFC6455-5.2-06" if opcode >= 8 else "RFC6455-5.2-05"
    kind = "control" if opcode >= 8 else "data"
    digit = f"{opcode:x}"
    shown = f"opcode 0x{opcode:X}"
    verdict = fails(clause)

    def one(name: str, how: str, *steps: Step, judge: Judge = verdict) -> Case:
        return case(
            f"5.2/reserved-opcode-{digit}-{name}",
            (clause, "RFC6455-10.7-01"),
            f"A {kind} frame with the reserved {shown} has to fail the connection, {how}.",
            rejected(*steps),
            judge,
        )

    cases = [
        one("empty", "if it is empty", Send(frame(opcode), f"{shown}, empty")),
        one(
            "with-payload",
            "whatever its payload",
            Send(frame(opcode, _HELLO), f"{shown}, 5 bytes"),
            judge=fails_unanswered(clause, pong=_HELLO),
        ),
        one(
            "in-mid-message",
            "between fragments as well",
            _BEGUN,
            Send(frame(opcode, b"l"), shown),
            MOMENT,
            Send(continuation("lo"), "the end of the message"),
        ),
    ]
    if opcode in (3, 11):
        cases += [
            one(
                "not-final",
                "FIN clear or not",
                Send(frame(opcode, _HELLO, fin=False), f"{shown}, FIN 0"),
                MOMENT,
                Send(continuation("!"), "a continuation"),
            ),
            one(
                "after-a-message",
                "behind valid messages as well",
                _TEXT_BEFORE,
                Await("messages"),
                Send(frame(opcode, b"world"), shown),
                judge=fails(clause, echo=[_HELLO_ECHO]),
            ),
            one(
                "in-one-segment-with-a-message",
                "in one segment with valid messages as well",
                Send(text(_HELLO) + frame(opcode, b"world"), f"text, then {shown}"),
                judge=fails(clause, echo=[_HELLO_ECHO]),
            ),
        ]
    return tuple(cases)


_OPCODES: Final = (
    case(
        "5.2/one-frame-text",
        ("RFC6455-5.2-01", "RFC6455-6.2-07"),
        "A message can be a single frame that is first and final.",
        accepted(_TEXT_BEFORE),
        echoes("RFC6455-5.2-14", _HELLO_ECHO),
    ),
    *(one for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15) for one in _reserved_opcode(opcode)),
    case(
        "5.2/reserved-opcode-3-of-126-bytes",
        "RFC6455-5.2-05",
        "A frame with a reserved opcode has to fail the connection, of any length.",
        rejected(Send(frame(3, _numbered(126)), "opcode 0x3, 126 bytes")),
        fails("RFC6455-5.2-05"),
    ),
    case(
        "5.2/several-faults-in-one-frame",
        ("RFC6455-5.2-03", "RFC6455-5.2-05", "RFC6455-5.1-02"),
        "Reserved bits, a reserved opcode and no masking key at once fail the connection.",
        rejected(Send(frame(3, _HELLO, rsv=7, key=UNMASKED), "RSV 7, opcode 0x3, MASK 0")),
        fails("RFC6455-5.2-03"),
    ),
    case(
        "5.2/all-bits-set",
        ("RFC6455-5.2-03", "RFC6455-5.2-06", "RFC6455-5.2-09"),
        "A stream of bytes FF fails the connection.",
        rejected(Send(b"\xff" * 14, "bytes FF")),
        fails("RFC6455-5.2-03", tolerated=LIMIT_CODES),
    ),
)


# Lengths (§5.2)

_LENGTH: Final = "RFC6455-5.2-14"
_LENGTHS: Final = (0, 1, 2, 3, 4, 5, 7, 8, 9, 124, 125, 126, 127, 128, 129, 255, 256, 257)
_TWIN_PROBE: Final = 3  # the step of it in `behind_twin`
_LARGE_LENGTHS: Final = (65534, 65535, 65536, 65537, 70000, 131072)


def _large(opcode: int, length: int) -> tuple[Step, ...]:
    """Send a large message in one frame, behind one in frames of 65535 bytes at the most."""
    build = text if opcode == TEXT else binary
    payload = _numbered(length) if opcode == TEXT else _all_bytes(length)
    sends = Send(build(payload), f"{length} bytes in one frame")
    return behind_twin(twin_of(opcode, length), sends)


def _comes_through(requirement: str, opcode: int, length: int) -> Judge:
    """Want a large message to come through in one frame if it does in several.

    A server may have a limit, but hardly one for frames that is just where the form of the
    length changes, if messages of this size and frames of the size before are welcome.
    """
    payload = _numbered(length) if opcode == TEXT else _all_bytes(length)
    wanted = echoes(requirement, twin_content(opcode, length), (opcode, payload))
    lenient = up_to_limit(wanted, has_twin=True)

    def judge(record: Record, facts: Facts) -> Iterable[Finding]:
        may_be_limit = length != 65536 or not record.answered(_TWIN_PROBE)
        return lenient(record, facts) if may_be_limit else wanted(record, facts)

    return if_binary(judge) if opcode == BINARY else judge


_LENGTHS_THAT_FIT: Final = (
    *(
        case(
            f"5.2/text-of-{length}-bytes",
            (_LENGTH, "RFC6455-5.2-10", "RFC6455-5.2-16"),
            f"A text message of {length} bytes comes through.",
            accepted(Send(text(_numbered(length)), f"text of {length} bytes")),
            up_to_limit(echoes(_LENGTH, (TEXT, _numbered(length))))
            if length > 125
            else echoes(_LENGTH, (TEXT, _numbered(length))),
        )
        for length in _LENGTHS
    ),
    *(
        case(
            f"5.2/{name}-of-{length}-bytes",
            (_LENGTH, "RFC6455-5.2-10", "RFC6455-5.2-16"),
            f"A {name} message of {length} bytes in one frame comes through as it does in several.",
            _large(opcode, length),
            _comes_through(_LENGTH, opcode, length),
        )
        for opcode, name in ((TEXT, "text"), (BINARY, "binary"))
        for length in _LARGE_LENGTHS
    ),
    *(
        case(
            f"5.2/binary-of-{length}-bytes",
            (_LENGTH, "RFC6455-5.2-10", "RFC6455-5.2-16"),
            f"A binary message of {length} bytes comes through.",
            accepted_binary(Send(binary(_all_bytes(length)), f"binary of {length} bytes")),
            if_binary(
                up_to_limit(echoes(_LENGTH, BINARY_ECHO, (BINARY, _all_bytes(length))))
                if length > 125
                else echoes(_LENGTH, BINARY_ECHO, (BINARY, _all_bytes(length)))
            ),
        )
        for length in _LENGTHS
    ),
    case(
        "5.2/length-of-256-bytes-is-big-endian",
        "RFC6455-5.2-13",
        "A length in 16 bits is sent with its high byte first.",
        accepted(Send(text(_numbered(256)), "text, length 01 00")),
        up_to_limit(echoes("RFC6455-5.2-13", (TEXT, _numbered(256)))),
    ),
    case(
        "5.2/length-of-65536-bytes-is-big-endian",
        "RFC6455-5.2-13",
        "A length in 64 bits is sent with its high byte first.",
        _large(TEXT, 65536),
        _comes_through("RFC6455-5.2-13", TEXT, 65536),
    ),
    case(
        "5.2/length-counts-bytes",
        ("RFC6455-5.2-15", "RFC6455-5.2-10"),
        "The length counts bytes, not characters.",
        accepted(
            Send(text("€" * 42), "42 characters in 126 bytes"),
            Send(text("\U0001f600" * 31), "31 characters in 124 bytes"),
            Send(text("ä" * 100), "100 characters in 200 bytes"),
            messages=3,
        ),
        echoes(
            "RFC6455-5.2-15",
            (TEXT, "€".encode() * 42),
            (TEXT, "\U0001f600".encode() * 31),
            (TEXT, "ä".encode() * 100),
        ),
    ),
    case(
        "5.2/length-excludes-the-masking-key",
        "RFC6455-5.2-15",
        "The length counts neither masking key nor header: the next frame begins behind them.",
        accepted(
            Send(
                text("one") + text(_numbered(126)) + text("") + text("four"),
                "four text messages, the second with its length in 16 bits",
            ),
            messages=4,
        ),
        echoes(
            "RFC6455-5.2-15", (TEXT, b"one"), (TEXT, _numbered(126)), (TEXT, b""), (TEXT, b"four")
        ),
    ),
    case(
        "5.2/length-of-binary-excludes-the-masking-key",
        "RFC6455-5.2-15",
        "The length of a binary frame counts neither masking key nor header.",
        accepted_binary(
            Send(
                binary(b"one") + binary(_all_bytes(126)) + binary(b"") + binary(b"four"),
                "four binary messages, the second with its length in 16 bits",
            ),
            messages=4,
        ),
        if_binary(
            echoes(
                "RFC6455-5.2-15",
                BINARY_ECHO,
                (BINARY, b"one"),
                (BINARY, _all_bytes(126)),
                (BINARY, b""),
                (BINARY, b"four"),
            )
        ),
    ),
    case(
        "5.2/length-of-ping-excludes-the-masking-key",
        "RFC6455-5.2-15",
        "The length of a Ping counts neither masking key nor header.",
        accepted(
            Send(ping(b"one") + text("two") + ping(b"three") + text("four"), "four frames"),
            messages=2,
        ),
        echoes("RFC6455-5.2-15", (TEXT, b"two"), (TEXT, b"four")),
    ),
    case(
        "5.2/key-of-an-empty-frame",
        "RFC6455-5.2-18",
        "The masking key of an empty frame is read with it.",
        [
            Open(),
            Send(ping() + text(_HELLO), "an empty Ping and a text message"),
            Await("messages"),
            Await("pongs"),
            Probe(),
        ],
        echoes("RFC6455-5.2-18", _HELLO_ECHO),
    ),
    case(
        "5.2/key-of-an-empty-text-frame",
        "RFC6455-5.2-18",
        "The masking key of an empty text frame is read with it.",
        accepted(
            Send(text("") + text("") + text(_HELLO), "two empty text messages and one of 5 bytes"),
            messages=3,
        ),
        echoes("RFC6455-5.2-18", (TEXT, b""), (TEXT, b""), _HELLO_ECHO),
    ),
)

_FORM_NAMES: Final = {2: "16", 8: "64"}
_FORM_CLAUSES: Final = {2: "RFC6455-5.2-11", 8: "RFC6455-5.2-12"}


def _longer_form(
    opcode: int, payload: bytes, form: Literal[2, 8], *, fin: bool = True
) -> tuple[bytes, str]:
    """Build a frame whose length takes more bytes than it needs, and say so."""
    data = frame(opcode, payload, fin=fin, length_bytes=form)
    return data, f"length {len(payload)} in {_FORM_NAMES[form]} bits"


def _non_minimal(name: str, what: str, form: Literal[2, 8], *steps: Step, judge: Judge) -> Case:
    return case(
        f"5.2/{name}-in-{_FORM_NAMES[form]}-bits",
        _FORM_CLAUSES[form],
        f"{what}, in {_FORM_NAMES[form]} bits instead of the shortest form, is an error.",
        rejected(*steps),
        judge,
    )


def _non_minimal_lengths(form: Literal[2, 8]) -> tuple[Case, ...]:
    """Send lengths in a form that is longer than it has to be."""
    clause = _FORM_CLAUSES[form]
    lenient = fails(clause, gravity=warn)
    return (
        *(
            _non_minimal(
                f"length-{length}",
                f"The length {length} of a text frame",
                form,
                Send(*_longer_form(TEXT, _numbered(length), form)),
                judge=forgives_reset(lenient) if length > 1000 else lenient,
            )
            for length in ((0, 1, 5, 125) if form == 2 else (0, 5, 125, 126, 200, 65535))
        ),
        _non_minimal(
            "length-of-binary",
            "The length 5 of a binary frame",
            form,
            Send(*_longer_form(BINARY, _HELLO, form)),
            judge=fails(clause, gravity=warn, tolerated=TYPE_CODES),
        ),
        _non_minimal(
            "length-of-ping",
            "The length 5 of a Ping",
            form,
            Send(*_longer_form(PING, _HELLO, form)),
            judge=fails_unanswered(clause, pong=_HELLO, gravity=warn),
        ),
        _non_minimal(
            "length-of-empty-ping",
            "The length 0 of a Ping",
            form,
            Send(*_longer_form(PING, b"", form)),
            judge=lenient,
        ),
        _non_minimal(
            "length-of-pong",
            "The length 5 of a Pong",
            form,
            Send(*_longer_form(PONG, _HELLO, form)),
            judge=lenient,
        ),
        _non_minimal(
            "length-of-close",
            "The length 2 of a Close",
            form,
            Send(*_longer_form(CLOSE, _BAD_CLOSE_BODY, form)),
            judge=rejects_close(clause, gravity=warn),
        ),
        _non_minimal(
            "length-of-continuation",
            "The length 2 of a continuation",
            form,
            _BEGUN,
            Send(*_longer_form(CONTINUATION, b"lo", form)),
            judge=lenient,
        ),
        _non_minimal(
            "length-of-first-fragment",
            "The length 3 of a first fragment",
            form,
            Send(*_longer_form(TEXT, b"Hel", form, fin=False)),
            MOMENT,
            Send(continuation("lo"), "the end of the message"),
            judge=lenient,
        ),
        _non_minimal(
            "length-after-a-message",
            "The length 5 of a second text frame",
            form,
            _TEXT_BEFORE,
            Await("messages"),
            Send(*_longer_form(TEXT, b"world", form)),
            judge=fails(clause, gravity=warn, echo=[_HELLO_ECHO]),
        ),
    )


def _top_bit(
    name: str, what: str, data: bytes, *, before: Sequence[Step] = (), pong: bytes | None = None
) -> Case:
    clause = "RFC6455-5.2-09"
    codes = (*LIMIT_CODES, *(TYPE_CODES if "binary" in name else ()))
    judge = (
        fails(clause, tolerated=codes)
        if pong is None
        else fails_unanswered(clause, tolerated=codes, pong=pong)
    )
    return case(
        f"5.2/top-bit-of-length-{name}",
        clause,
        f"{what} whose 64-bit length has its top bit set fails the connection, at its header.",
        rejected(*before, Send(data, "length in 64 bits, the top bit set")),
        forgives_reset(judge),
    )


_TOP_BIT: Final = 1 << 63

_TOP_BITS: Final = (
    _top_bit(
        "alone",
        "A text frame without payload",
        frame(TEXT, length=_TOP_BIT, length_bytes=8),
    ),
    _top_bit(
        "with-payload",
        "A text frame of 5 bytes",
        frame(TEXT, _HELLO, length=_TOP_BIT | 5, length_bytes=8),
    ),
    _top_bit(
        "all-bits",
        "A text frame",
        frame(TEXT, length=(1 << 64) - 1, length_bytes=8),
    ),
    _top_bit(
        "all-bits-with-payload",
        "A text frame with a little payload",
        frame(TEXT, _HELLO, length=(1 << 64) - 1, length_bytes=8),
    ),
    _top_bit(
        "with-200-bytes",
        "A text frame of 200 bytes",
        frame(TEXT, _numbered(200), length=_TOP_BIT | 200, length_bytes=8),
    ),
    _top_bit(
        "with-65536-bytes",
        "A text frame of 65536 bytes",
        frame(TEXT, _numbered(65536), length=_TOP_BIT | 65536, length_bytes=8),
    ),
    _top_bit(
        "of-binary",
        "A binary frame",
        frame(BINARY, _HELLO, length=_TOP_BIT | 5, length_bytes=8),
    ),
    _top_bit(
        "of-ping",
        "A Ping",
        frame(PING, _HELLO, length=_TOP_BIT | 5, length_bytes=8),
        pong=_HELLO,
    ),
    _top_bit(
        "of-continuation",
        "A continuation",
        frame(CONTINUATION, b"lo", length=_TOP_BIT | 2, length_bytes=8),
        before=[_BEGUN],
    ),
)


def _is_not_cut_short(requirement: str) -> Judge:
    """Want that nothing is taken for a whole frame of which only the beginning was sent."""

    def judge(record: Record, facts: Facts) -> list[Finding]:
        if facts.echoes and messages_of(record, facts):
            return [fail(requirement, "the beginning of the frame was echoed as if it were all")]
        if any(received.payload == b"inside" for received in record.pongs):
            return [fail(requirement, "bytes of the frame's payload were taken for a Ping")]
        return []

    return judge


def _cut_short(name: str, what: str, data: bytes) -> Case:
    return case(
        f"5.2/{name}",
        _LENGTH,
        f"{what} is not whole when less than that has come.",
        [
            Open(),
            Send(data, "a frame's header and the beginning of its payload"),
            Send(ping(b"inside"), "more of its payload, which looks like a Ping"),
            Pause(2),
            HalfClose(),
            Await("end"),
        ],
        _is_not_cut_short(_LENGTH),
    )


_CUT_SHORT: Final = (
    _cut_short(
        "length-above-32-bits",
        "A frame of 4294967301 bytes",
        frame(TEXT, _HELLO, length=(1 << 32) + 5, length_bytes=8),
    ),
    _cut_short(
        "length-above-16-bits",
        "A frame of 65541 bytes",
        frame(TEXT, _HELLO, length=65541, length_bytes=8),
    ),
    _cut_short(
        "length-above-8-bits",
        "A frame of 261 bytes",
        frame(TEXT, _HELLO, length=261, length_bytes=2),
    ),
    _cut_short(
        "length-of-62-bits",
        "A frame of 2 to the power of 62 bytes",
        frame(TEXT, length=1 << 62, length_bytes=8),
    ),
)


# Masking keys (§5.3)

_MASKING: Final = "RFC6455-5.3-05"

#: Names of masking keys.
_KEYS: Final = {
    "ff-ff-ff-ff": b"\xff\xff\xff\xff",
    "00-00-00-01": b"\x00\x00\x00\x01",
    "01-00-00-00": b"\x01\x00\x00\x00",
    "80-00-00-00": b"\x80\x00\x00\x00",
    "00-ff-00-ff": b"\x00\xff\x00\xff",
    "01-02-03-04": b"\x01\x02\x03\x04",
    "37-fa-21-3d": b"\x37\xfa\x21\x3d",
}


#: Turns a status code into another legal one.
_CLOSE_KEY: Final = b"\x00\x03\x00\x03"
_CODE_ON_THE_WIRE: Final = BAD_CLOSE_CODE ^ 3


def _close_is_unmasked(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want a Close not to be answered by what its body is on the wire."""
    del facts
    if record.close_code == _CODE_ON_THE_WIRE:
        yield fail(_MASKING, f"the reply repeats the masked code: {close_of(record)}")


def _each_length(length: int) -> bytes:
    return b"abcdefghij"[:length]


_KEYS_AND_PAYLOADS: Final = (
    case(
        "5.3/zero-masking-key",
        "RFC6455-5.3-07",
        "A masking key of four zeros is as good as any other.",
        accepted(Send(text(_HELLO, key=bytes(4)), "text, key 00 00 00 00")),
        echoes("RFC6455-5.3-07", _HELLO_ECHO),
    ),
    case(
        "5.3/zero-masking-key-of-a-ping",
        "RFC6455-5.3-07",
        "A Ping may have a masking key of four zeros.",
        pings_one_by_one(_HELLO, key=bytes(4)),
        answers_each("RFC6455-5.3-07", _HELLO),
    ),
    case(
        "5.3/zero-masking-key-of-an-empty-frame",
        "RFC6455-5.3-07",
        "An empty frame may have a masking key of four zeros.",
        accepted(Send(text("", key=bytes(4)), "empty text, key 00 00 00 00")),
        echoes("RFC6455-5.3-07", (TEXT, b"")),
    ),
    case(
        "5.3/zero-masking-key-of-a-fragment",
        "RFC6455-5.3-07",
        "A fragment may have a masking key of four zeros.",
        accepted(_BEGUN, Send(continuation("lo", key=bytes(4)), "a continuation, key 00 00 00 00")),
        echoes("RFC6455-5.3-07", _HELLO_ECHO),
    ),
    *(
        case(
            f"5.3/masking-key-{name}",
            ("RFC6455-5.3-07", _MASKING, "RFC6455-6.2-07"),
            f"The masking key {name.replace('-', ' ')} is a legal one.",
            accepted(Send(text("masked, eleven", key=key), f"text, key {key.hex(' ')}")),
            echoes("RFC6455-5.3-07", (TEXT, b"masked, eleven")),
        )
        for name, key in _KEYS.items()
    ),
    case(
        "5.3/same-masking-key-again",
        ("RFC6455-5.3-07", _MASKING),
        "A masking key that was used before is as good as any other.",
        accepted(
            *[Send(text("same", key=b"\x11\x22\x33\x44"), "text, key 11 22 33 44")] * 3,
            messages=3,
        ),
        echoes("RFC6455-5.3-07", *[(TEXT, b"same")] * 3),
    ),
    case(
        "5.3/masked-close",
        (_MASKING, "RFC6455-6.2-07"),
        "The body of a Close is unmasked, too.",
        [
            Open(),
            Send(
                close(BAD_CLOSE_CODE, key=_CLOSE_KEY),
                f"a Close with {BAD_CLOSE_CODE}, on the wire {_CODE_ON_THE_WIRE}",
            ),
            Await("end"),
        ],
        _close_is_unmasked,
    ),
    case(
        "5.3/masking-key-equal-to-the-payload",
        ("RFC6455-5.3-07", _MASKING),
        "A masking key may turn the payload into zeros.",
        accepted(Send(text("abcdabcd", key=b"abcd"), "text, nothing but zeros on the wire")),
        echoes("RFC6455-5.3-07", (TEXT, b"abcdabcd")),
    ),
    case(
        "5.3/masked-text-of-each-length",
        (_MASKING, "RFC6455-6.2-07"),
        "Payload of 0 to 9 bytes is unmasked to its last byte.",
        accepted(
            *(
                Send(text(_each_length(length), key=b"\x9a\x5c\x07\xe1"), f"text, {length} bytes")
                for length in range(10)
            ),
            messages=10,
        ),
        echoes(_MASKING, *((TEXT, _each_length(length)) for length in range(10))),
    ),
    case(
        "5.3/masked-ping-of-each-length",
        _MASKING,
        "A Ping's payload of 0 to 9 bytes is unmasked to its last byte.",
        pings_one_by_one(*(_each_length(length) for length in range(10)), key=b"\x9a\x5c\x07\xe1"),
        answers_each(_MASKING, *(_each_length(length) for length in range(10))),
    ),
    case(
        "5.3/masked-binary-of-every-byte",
        (_MASKING, "RFC6455-6.2-07"),
        "Bytes of every value are unmasked.",
        accepted_binary(
            Send(binary(bytes(range(256)), key=b"\x01\x80\xff\x55"), "binary, all 256 bytes")
        ),
        if_binary(echoes(_MASKING, BINARY_ECHO, (BINARY, bytes(range(256))))),
    ),
    case(
        "5.3/another-key-for-each-frame",
        _MASKING,
        "Each frame is unmasked with its own key.",
        accepted(
            Send(text("first message", key=b"\x11\x22\x33\x44"), "text, key 11 22 33 44"),
            Send(text("second message", key=b"\xaa\xbb\xcc\xdd"), "text, key aa bb cc dd"),
            Send(text("third message", key=b"\x11\x22\x33\x44"), "text, key 11 22 33 44"),
            messages=3,
        ),
        echoes(
            _MASKING, (TEXT, b"first message"), (TEXT, b"second message"), (TEXT, b"third message")
        ),
    ),
    case(
        "5.3/another-key-for-each-fragment",
        _MASKING,
        "Each fragment is unmasked with its own key.",
        accepted(
            Send(text("abcd", fin=False, key=b"\x11\x22\x33\x44"), "text, key 11 22 33 44"),
            Send(continuation("efgh", fin=False, key=b"\x55\x66\x77\x08"), "key 55 66 77 08"),
            Send(continuation("ijkl", key=b"\x0a\x0b\x0c\x0d"), "key 0a 0b 0c 0d"),
        ),
        echoes(_MASKING, (TEXT, b"abcdefghijkl")),
    ),
    case(
        "5.3/key-begins-anew-for-each-fragment",
        _MASKING,
        "Unmasking begins with the key's first byte in each fragment, whatever came before.",
        accepted(
            Send(text("a", fin=False, key=b"\x11\x22\x33\x44"), "text of 1 byte, key 11 22 33 44"),
            Send(continuation("bcdef", fin=False, key=b"\x11\x22\x33\x44"), "5 bytes, same key"),
            Send(continuation("gh", fin=False, key=b"\x55\x66\x77\x08"), "2 bytes, another key"),
            Send(continuation("ijk", key=b"\x55\x66\x77\x08"), "3 bytes, same key"),
        ),
        echoes(_MASKING, (TEXT, b"abcdefghijk")),
    ),
    case(
        "5.3/key-begins-anew-behind-a-ping",
        _MASKING,
        "A Ping between two fragments has a key of its own, and so have the fragments.",
        accepted(
            Send(text("abcde", fin=False, key=b"\x11\x22\x33\x44"), "text, key 11 22 33 44"),
            Send(ping(b"xyz", key=b"\x55\x66\x77\x08"), "a Ping, key 55 66 77 08"),
            Send(continuation("fghij", key=b"\x0a\x0b\x0c\x0d"), "key 0a 0b 0c 0d"),
        ),
        echoes(_MASKING, (TEXT, b"abcdefghij")),
    ),
    case(
        "5.3/masked-in-pieces",
        _MASKING,
        "Payload that comes in pieces of odd sizes is unmasked like any other.",
        accepted(
            *(
                step
                for start, stop in ((0, 9), (9, 10), (10, 13), (13, None))
                for step in (
                    Send(
                        text(_numbered(20), key=b"\x9a\x5c\x07\xe1")[start:stop],
                        f"a text frame of 26 bytes, from {start} on",
                    ),
                    Pause(),
                )
            ),
        ),
        echoes(_MASKING, (TEXT, _numbered(20))),
    ),
    case(
        "5.3/masked-compressed-text",
        ("RFC6455-5.3-06", _MASKING),
        "Masking covers a compressed payload like any other.",
        accepted(
            Send(text(_deflated(_HELLO * 9), rsv=4, key=b"\x9a\x5c\x07\xe1"), "compressed text"),
            opening=compressing(),
        ),
        echoes("RFC6455-5.3-06", (TEXT, _HELLO * 9)),
        needs=["deflate"],
    ),
    case(
        "5.3/masked-length-in-16-bits",
        ("RFC6455-5.2-16", _MASKING),
        "The masking key stands behind a length in 16 bits.",
        accepted(Send(text(_numbered(1001), key=b"\x9a\x5c\x07\xe1"), "text of 1001 bytes")),
        up_to_limit(echoes("RFC6455-5.2-16", (TEXT, _numbered(1001)))),
    ),
    case(
        "5.3/masked-length-in-64-bits",
        ("RFC6455-5.2-16", _MASKING),
        "The masking key stands behind a length in 64 bits.",
        _large(TEXT, 65539),
        _comes_through("RFC6455-5.2-16", TEXT, 65539),
    ),
)

CASES: Final[tuple[Case, ...]] = (
    *_MASK_BIT,
    *_RESERVED_BITS,
    *_OPCODES,
    *_LENGTHS_THAT_FIT,
    *_non_minimal_lengths(2),
    *_non_minimal_lengths(8),
    *_TOP_BITS,
    *_CUT_SHORT,
    *_KEYS_AND_PAYLOADS,
)
