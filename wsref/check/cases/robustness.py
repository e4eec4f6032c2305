"""Limits and invalid data (RFC 6455 §10.4, §10.7): what a server has to survive.

Much here is legal, or at least not answered by anything that a clause names: a server may wait for
the rest of a frame of 2**62 bytes, refuse it, or drop TCP.  What it may not do is take a part
for the whole, lose what comes in one piece or in many, or stop serving others; the last is
noticed behind each section, when a new connection is opened.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Final

from ...protocol.http import Headers
from ...protocol.opcode import BINARY, CONTINUATION, PING, TEXT
from ..catalogue import Case, Facts, Judge, case
from ..conversation import (
    Abort,
    Await,
    Crowd,
    HalfClose,
    Open,
    Pause,
    Probe,
    Send,
    Step,
    binary,
    close,
    compressed,
    continuation,
    frame,
    ping,
    text,
)
from ..judgements import answer_of, close_of, closes, echoes, messages_of, says_nothing
from ..opening import (
    Opening,
    adding,
    compressing,
    offering_subprotocols,
    sending_headers,
    without,
)
from ..record import Kind, Record
from ..verdicts import Finding, fail, info, skip, warn
from .patterns import (
    BINARY_ECHO,
    LIMIT_CODES,
    accepted,
    accepted_binary,
    answers_each,
    behind_twin,
    had_enough,
    if_binary,
    up_to_limit,
)
from .stress import bomb, inflated_is_limited

__all__ = ["CASES"]

_LIMIT: Final = "RFC6455-10.4-01"
_VALIDATED: Final = "RFC6455-10.7-01"
_LENGTH: Final = "RFC6455-5.2-14"


#: ASCII in which nothing can be lost, added or moved unnoticed.
_NUMBERS: Final = b"".join(b"%06d " % number for number in range(37_450))


def _numbered(length: int) -> bytes:
    return _NUMBERS[:length]


# Lengths that are announced, but never sent (§10.4)

_INSIDE: Final = ping(b"inside")

#: What might be left of the length by whoever has no room for all of it: name and length.
_HUGE: Final = {
    "2-to-the-31": 1 << 31,
    "2-to-the-31-and-5": (1 << 31) + 5,
    "2-to-the-32-less-1": (1 << 32) - 1,
    "2-to-the-32": 1 << 32,
    "2-to-the-32-and-5": (1 << 32) + 5,
    "2-to-the-33-and-5": (1 << 33) + 5,
    "2-to-the-40-and-5": (1 << 40) + 5,
    "2-to-the-48-and-5": (1 << 48) + 5,
    "2-to-the-53-and-5": (1 << 53) + 5,
    "2-to-the-62": 1 << 62,
    "2-to-the-62-and-5": (1 << 62) + 5,
    "2-to-the-63-less-1": (1 << 63) - 1,
    "2-to-the-63-less-10": (1 << 63) - 10,
}


def _takes_no_part(requirement: str, *before: tuple[int, bytes]) -> Judge:
    """Want nothing to be taken for whole of which only the beginning was sent."""

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        if any(pong.payload == b"inside" for pong in record.pongs):
            yield fail(requirement, "bytes of the frame's payload were taken for a Ping")
        got = [message.content for message in messages_of(record, facts)]
        if facts.echoes and got[: len(before)] == list(before) and got[len(before) :]:
            size = len(got[len(before)][1])
            yield fail(requirement, f"{size} bytes were echoed as if they were the whole message")
        if not record.has_ended:
            yield warn("RFC6455-7.1.1-05", "the client has ended TCP, but the server does not")

    return judge


def _announced(name: str, what: str, *steps: Step) -> Case:
    """Announce a length, send a little and then what looks like a Ping, and end TCP."""
    return case(
        f"10.4/{name}",
        (_LENGTH, _LIMIT, _VALIDATED, "RFC6455-5.2-15"),
        f"{what} is refused, or waited for; what has come of it is not taken for the whole.",
        [
            Open(),
            *steps,
            Send(_INSIDE, "more of its payload, which looks like a Ping"),
            Pause(),
            HalfClose(),
            Await("end"),
        ],
        _takes_no_part(_LENGTH),
    )


def _header(opcode: int, length: int, payload: bytes = b"Hello") -> Send:
    return Send(
        frame(opcode, payload, length=length, length_bytes=8),
        f"length {length} in 64 bits, and {len(payload)} bytes",
    )


_ANNOUNCED: Final = (
    *(
        _announced(f"text-of-{name}", f"Text of {length} bytes", _header(TEXT, length))
        for name, length in _HUGE.items()
    ),
    *(
        _announced(f"binary-of-{name}", f"Binary of {length} bytes", _header(BINARY, length))
        for name, length in _HUGE.items()
        if name in ("2-to-the-32-and-5", "2-to-the-62", "2-to-the-63-less-1")
    ),
    *(
        _announced(
            f"continuation-of-{name}",
            f"A continuation of {length} bytes",
            Send(text("Hello", fin=False), "a text message begins"),
            _header(CONTINUATION, length, b"Hello"),
        )
        for name, length in _HUGE.items()
        if name in ("2-to-the-32-and-5", "2-to-the-62", "2-to-the-63-less-1", "2-to-the-63-less-10")
    ),
    _announced("text-of-2-to-the-32-empty", "Text of 2**32 bytes", _header(TEXT, 1 << 32, b"")),
    _announced(
        "text-of-2-to-the-32-and-300",
        "Text of 2**32 + 300 bytes",
        _header(TEXT, (1 << 32) + 300, _numbered(300)),
    ),
    _announced(
        "text-of-2-to-the-16-and-300",
        "Text of 65836 bytes",
        _header(TEXT, 65836, _numbered(300)),
    ),
    *(
        _announced(
            f"text-of-{length}-cut-off",
            f"Text of {length} bytes",
            Send(
                frame(TEXT, b"Hello", length=length, length_bytes=2),
                f"length {length} in 16 bits, and 5 bytes",
            ),
        )
        for length in (256, 261, 32768, 32773, 65535)
    ),
    case(
        "10.4/text-of-2-to-the-62-after-a-message",
        (_LENGTH, _LIMIT),
        "A huge length behind a message is refused, or waited for.",
        [
            Open(),
            Send(text("Hello"), "a text message"),
            Await("messages"),
            _header(TEXT, 1 << 62),
            Send(_INSIDE, "more of its payload, which looks like a Ping"),
            Pause(),
            HalfClose(),
            Await("end"),
        ],
        _takes_no_part(_LENGTH, (TEXT, b"Hello")),
    ),
    *(
        case(
            f"10.4/{name}-then-a-reset",
            (_LIMIT, _VALIDATED),
            f"A server survives {what} of which little comes before TCP is reset.",
            [Open(), send, Pause(), Abort()],
            says_nothing,
        )
        for name, what, send in (
            ("text-of-2-to-the-62", "the announcement of 2**62 bytes", _header(TEXT, 1 << 62)),
            ("text-of-2-to-the-31", "the announcement of 2**31 bytes", _header(TEXT, 1 << 31)),
        )
    ),
)


def _says_too_big(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want a frame that is refused for its length to be so with a code that says so."""
    del facts
    for refusal in record.closes[:1]:
        if refusal.step < _HALF_CLOSE and record.close_code not in (None, *LIMIT_CODES):
            yield warn("RFC6455-7.4.1-11", f"refused by {close_of(record)}; 1009 would fit")


#: The index of the step behind which a Close may have another reason.
_HALF_CLOSE: Final = 3

_TOO_BIG: Final = case(
    "7.4.1/1009-for-a-message-too-big",
    ("RFC6455-7.4.1-11", "RFC6455-7.4.1-10", _LIMIT),
    "If a frame of 2**40 bytes is refused at its header, the status code is 1009, or 1008.",
    [Open(), _header(TEXT, 1 << 40), Pause(), HalfClose(), Await("end")],
    _says_too_big,
)


def _is_consistent(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want to be refused at its header whatever is no smaller than what is so elsewhere."""
    del facts
    refused = any(other.close_code in LIMIT_CODES for other in record.others)
    ended_itself = (
        any(entry.kind is Kind.SENT_END for entry in record.entries) and not record.closes
    )
    if refused and ended_itself:
        yield fail(_LIMIT, "2**31 bytes of text are refused at once, but here more is waited for")


_NO_LARGER: Final = (
    Open(),
    _header(TEXT, 1 << 31),
    HalfClose(),
    Await("end"),
)

_CONSISTENT: Final = tuple(
    case(
        f"10.4/limit-holds-for-{name}",
        (_LIMIT, "RFC6455-10.4-02"),
        f"If text of 2**31 bytes is refused at its header, so is {words}.",
        [
            Open(),
            Crowd(1, _NO_LARGER),
            *before,
            _header(opcode, length),
            Pause(10),
            HalfClose(),
            Await("end"),
        ],
        _is_consistent,
    )
    for name, words, opcode, length, before in (
        ("text-of-2-to-the-32", "text of 2**32 bytes", TEXT, 1 << 32, ()),
        ("text-of-2-to-the-40", "text of 2**40 bytes", TEXT, 1 << 40, ()),
        ("text-of-2-to-the-62", "text of 2**62 bytes", TEXT, 1 << 62, ()),
        ("text-of-2-to-the-63-less-1", "text of 2**63 - 1 bytes", TEXT, (1 << 63) - 1, ()),
        ("binary-of-2-to-the-62", "binary of 2**62 bytes", BINARY, 1 << 62, ()),
        (
            "a-continuation-of-2-to-the-31",
            "a continuation of 2**31 bytes",
            CONTINUATION,
            1 << 31,
            (Send(text("Hel", fin=False), "a text message begins"),),
        ),
        (
            "a-continuation-of-2-to-the-63-less-1",
            "a continuation of 2**63 - 1 bytes",
            CONTINUATION,
            (1 << 63) - 1,
            (Send(text("Hel", fin=False), "a text message begins"),),
        ),
    )
)

_SUM_WRAPS: Final = tuple(
    case(
        f"10.4/sum-of-lengths-at-2-to-the-{bits}-{'less' if shift < 0 else 'and'}-{abs(shift)}",
        ("RFC6455-5.2-09" if bits == 64 else _LENGTH, _LIMIT),
        f"The lengths of two fragments do not become small when added in {bits} bits.",
        [
            Open(),
            Send(text("Hel", fin=False), "text of 3 bytes, FIN 0"),
            Send(
                frame(CONTINUATION, b"lo", length=(1 << bits) + shift, length_bytes=8),
                f"a continuation of 2**{bits} {shift:+} bytes, of which 2 come",
            ),
            Send(_INSIDE, "more of its payload, which looks like a Ping"),
            Pause(),
            HalfClose(),
            Await("end"),
        ],
        _takes_no_part("RFC6455-5.2-09" if bits == 64 else _LENGTH),
    )
    for bits, shift in ((64, -1), (64, -3), (32, -1), (32, 2))
)


def _others_are_served(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want other connections to be served as they were before."""
    del facts
    before, during = record.others[:1], record.others[1:]
    if all(other.is_alive for other in before) and not all(other.is_alive for other in during):
        yield fail(_LIMIT, "other connections were not served meanwhile")


_MEANWHILE: Final = (
    *(
        case(
            f"10.4/others-served-meanwhile-{name}",
            (_LIMIT, _VALIDATED),
            f"While {what}, other connections are served.",
            [
                Open(),
                Crowd(1, (Open(), Probe())),
                Send(data, what),
                Crowd(2, (Open(), Probe())),
                HalfClose(),
                Await("end"),
            ],
            _others_are_served,
        )
        for name, what, data in (
            (
                "text-of-2-to-the-62",
                "a frame of 2**62 bytes is announced",
                frame(TEXT, b"Hello", length=1 << 62, length_bytes=8),
            ),
            ("an-unfinished-message", "a message is unfinished", text("Hel", fin=False)),
            ("an-unfinished-frame", "a frame is unfinished", text("Hello")[:-2]),
        )
    ),
    case(
        "10.4/inflated-size-is-limited",
        ("RFC6455-10.4-03", "RFC6455-10.4-02"),
        "If a message of 5 MiB is too large, it is so if it comes compressed, too.",
        [Open(), *bomb(5), Probe()],
        inflated_is_limited("5 MiB", tells=False),
        needs=["deflate"],
    ),
)


# Lengths that are sent in full (§5.2)

#: Around the sizes of buffers and the limits of types.
_SIZES: Final = (
    (127, 128, 129),
    (254, 255, 256, 257),
    (511, 512, 513),
    (1023, 1024, 1025),
    (1459, 1460, 1461),
    (2047, 2048, 2049),
    (4081, 4088, 4095, 4096, 4097),
    (8183, 8191, 8192, 8193),
    (16376, 16383, 16384, 16385),
)
_LARGER_SIZES: Final = (
    (32759, 32767, 32768, 32769),
    (40000, 50000),
    (65521, 65527, 65528, 65534, 65535),
    (65536, 65537),
    (100_000, 131_071, 131_072, 131_073),
    (262_144,),
)


def _twin(length: int) -> Send:
    """Send text of so many bytes in small fragments, to find out whether it is too large."""
    size = 1000 if length < 20_000 else 16_000
    payload = b"-" * length
    frames = [
        frame(
            CONTINUATION if start else TEXT,
            payload[start : start + size],
            fin=start + size >= length,
        )
        for start in range(0, length, size)
    ]
    return Send(b"".join(frames), f"text of {length} bytes in {len(frames)} fragments")


def _sizes(sizes: Sequence[int]) -> Case:
    payloads = [_numbered(size) for size in sizes]
    contents = [(TEXT, payload) for payload in payloads]
    sends = [Send(text(payload), f"text of {len(payload)} bytes") for payload in payloads]
    if sizes[-1] < 2000:
        steps = accepted(*sends, messages=len(sends))
        judge = up_to_limit(echoes(_LENGTH, *contents))
    else:
        steps = behind_twin(_twin(sizes[-1]), *sends, messages=len(sends))
        judge = up_to_limit(echoes(_LENGTH, (TEXT, b"-" * sizes[-1]), *contents), has_twin=True)
    return case(
        f"10.4/text-of-{sizes[0]}-to-{sizes[-1]}-bytes",
        (_LENGTH, _VALIDATED),
        f"Text of {', '.join(map(str, sizes))} bytes comes back as it was.",
        steps,
        judge,
    )


_BYTES: Final = bytes(range(256)) * 5

_WHOLE: Final = (
    *(_sizes(sizes) for sizes in (*_SIZES, *_LARGER_SIZES)),
    *(
        case(
            f"10.4/binary-of-{size}-bytes",
            (_LENGTH, _VALIDATED),
            f"A binary message of {size} bytes comes back as it was.",
            accepted_binary(Send(binary(_BYTES[:size]), f"binary of {size} bytes")),
            if_binary(up_to_limit(echoes(_LENGTH, BINARY_ECHO, (BINARY, _BYTES[:size])))),
        )
        for size in (127, 128, 255, 256, 1025)
    ),
)


# Segments: all at once, and byte by byte (§6.2)

_RECEIVED: Final = "RFC6455-6.2-01"

_SESSION: Final = (
    text("one"),
    ping(b"two"),
    text("thr", fin=False) + ping(b"between") + continuation("ee"),
    text(""),
    frame(10, b"unasked"),
    text(_numbered(130)),
)
_SESSION_ECHOES: Final = (
    (TEXT, b"one"),
    (TEXT, b"three"),
    (TEXT, b""),
    (TEXT, _numbered(130)),
)
_WHOLE_SESSION: Final = b"".join(_SESSION)
_RANDOM: Final = random.Random(6455)


def _pieces(data: bytes, *sizes: int) -> tuple[Step, ...]:
    """Send *data* in pieces of these sizes, over and over, each in a segment of its own."""
    steps: list[Step] = []
    position = index = 0
    while position < len(data):
        size = sizes[index % len(sizes)]
        if steps:
            steps.append(Pause(0))
        steps.append(Send(data[position : position + size], f"bytes from {position} on"))
        position += size
        index += 1
    return tuple(steps)


_SEGMENTS: Final = (
    case(
        "10.7/session-in-one-segment",
        (_RECEIVED, _VALIDATED),
        "Messages, Pings and fragments that come in one segment are all processed, in order.",
        accepted(Send(_WHOLE_SESSION, "four messages, two Pings and a Pong"), messages=4),
        echoes(_RECEIVED, *_SESSION_ECHOES),
    ),
    case(
        "10.7/session-byte-by-byte",
        (_RECEIVED, _VALIDATED),
        "Messages, Pings and fragments that come byte by byte are all processed, in order.",
        accepted(
            Send(_WHOLE_SESSION, "four messages, two Pings and a Pong", bytewise=True), messages=4
        ),
        echoes(_RECEIVED, *_SESSION_ECHOES),
    ),
    case(
        "10.7/opening-and-session-byte-by-byte",
        (_RECEIVED, _VALIDATED),
        "A connection of which everything comes byte by byte is like any other.",
        [
            Open(bytewise=True),
            Send(text("Hello"), "a text message", bytewise=True),
            Await("messages"),
            Probe(),
            Send(close(1000), "a Close", bytewise=True),
            Await("close"),
            Await("end"),
        ],
        closes("RFC6455-5.5.1-10"),
    ),
    *(
        case(
            f"10.7/session-in-pieces-of-{'-'.join(map(str, sizes))}",
            (_RECEIVED, _VALIDATED),
            "Messages, Pings and fragments may be cut into segments anywhere.",
            accepted(*_pieces(_WHOLE_SESSION, *sizes), messages=4),
            echoes(_RECEIVED, *_SESSION_ECHOES),
        )
        for sizes in ((41,), (97,), (60, 7, 50))
    ),
    case(
        "10.7/many-messages-in-one-segment",
        (_RECEIVED, _VALIDATED),
        "Of 300 messages in one segment each comes back, in order.",
        accepted(
            Send(b"".join(text(f"number {number}") for number in range(300)), "300 text messages"),
            messages=300,
        ),
        had_enough(echoes(_RECEIVED, *((TEXT, b"number %d" % number) for number in range(300)))),
    ),
    case(
        "10.7/many-messages-one-after-the-other",
        (_RECEIVED, _VALIDATED),
        "Of 60 messages, each sent when the one before has come back, none is lost.",
        [
            Open(),
            *(
                step
                for number in range(1, 61)
                for step in (
                    Send(text(f"number {number}"), "a text message"),
                    Await("messages", number),
                )
            ),
            Probe(),
        ],
        had_enough(echoes(_RECEIVED, *((TEXT, b"number %d" % number) for number in range(1, 61)))),
        needs=["echo", "quick"],
    ),
    case(
        "10.7/many-fragments-in-one-segment",
        (_RECEIVED, "RFC6455-5.4-02", "RFC6455-5.4-10", _LIMIT),
        "A message of 500 fragments is one message.",
        accepted(
            Send(
                text("x", fin=False) + continuation("y", fin=False) * 498 + continuation("z"),
                "500 fragments of one byte",
            )
        ),
        up_to_limit(echoes(_RECEIVED, (TEXT, b"x" + b"y" * 498 + b"z"))),
    ),
    case(
        "10.7/large-message-and-small-ones",
        (_RECEIVED, _VALIDATED),
        "Small messages behind a large one, in one segment, are processed as well.",
        behind_twin(
            _twin(60_000),
            Send(
                text("one") + text(_numbered(60_000)) + text("two") + text("") + text("three"),
                "a text message of 60 000 bytes between small ones",
            ),
            messages=5,
        ),
        up_to_limit(
            echoes(
                _RECEIVED,
                (TEXT, b"-" * 60_000),
                (TEXT, b"one"),
                (TEXT, _numbered(60_000)),
                (TEXT, b"two"),
                (TEXT, b""),
                (TEXT, b"three"),
            ),
            has_twin=True,
        ),
    ),
    case(
        "10.7/many-compressed-messages",
        (_RECEIVED, _VALIDATED),
        "With permessage-deflate, too, each of 100 messages in one segment comes back, in order.",
        accepted(
            Send(b"".join(text(f"number {number}") for number in range(100)), "100 text messages"),
            messages=100,
            opening=compressing(),
        ),
        had_enough(echoes(_RECEIVED, *((TEXT, b"number %d" % number) for number in range(100)))),
        needs=["deflate"],
    ),
)


# Instead of a handshake (§10.7, §4.2.1)

#: The beginning of a TLS connection: a ClientHello that offers one suite.
_CLIENT_HELLO: Final = bytes.fromhex(
    "1603010040 0100003c 0303"
    + "2a" * 32
    + "00 0002 1301 0100 0011 002b0003020304 000a00040002001d"
)

_GARBAGE: Final = {
    "zeros": ("64 zero bytes", bytes(64)),
    "random-bytes": ("256 random bytes", _RANDOM.randbytes(256)),
    "client-hello": ("the beginning of TLS", _CLIENT_HELLO),
    "http-2-preface": ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "a-frame": ("a frame instead of a handshake", text("Hello")),
    "a-close": ("a Close instead of a handshake", close(1000)),
    "a-ping": ("a Ping instead of a handshake", frame(PING, b"Hello")),
    "an-empty-line": ("an empty line", b"\r\n"),
    "two-empty-lines": ("two empty lines", b"\r\n\r\n"),
    "one-word": ("a word", b"HELLO\r\n\r\n"),
    "bytes-above-7f": ("lines of bytes above 7F", b"\xff\xfe\xfd\r\n\xfc: \xfb\r\n\r\n"),
    "nul-in-the-request-line": ("a NUL in the request line", b"GET /\x00 HTTP/1.1\r\n\r\n"),
    "no-target": ("a request line without a target", b"GET HTTP/1.1\r\nHost: x\r\n\r\n"),
    "no-version": ("a request line without a version", b"GET /\r\nHost: x\r\n\r\n"),
    "header-without-colon": ("a header without a colon", b"GET / HTTP/1.1\r\nHost x\r\n\r\n"),
    "many-spaces": ("a request line of spaces", b" " * 200 + b"\r\n\r\n"),
    "only-a-method": ("a method and nothing more", b"GET "),
    "half-a-request": ("half a request", b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: web"),
    "nothing": ("nothing at all", b""),
}


def _is_no_handshake(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want garbage not to be taken for a handshake, and TCP to end."""
    del facts
    if record.status == 101:
        yield fail(_VALIDATED, "it was accepted with 101")
    elif record.received[:1] and 0x80 <= record.received[0] <= 0x8F:
        shown = record.received[:8].hex(" ")
        yield fail("RFC6455-7.2.2-01", f"it was answered by a WebSocket frame: {shown}")
    elif not record.has_ended:
        what = answer_of(record)
        yield info("RFC6455-7.2.2-01", f"{what}, and TCP stays open though the client has ended it")


_NO_HANDSHAKES: Final = tuple(
    case(
        f"10.7/garbage-{name}",
        (_VALIDATED, "RFC6455-10.7-04", "RFC6455-7.2.2-01"),
        f"A server survives {words} where a handshake should be.",
        [*([Send(data, words)] if data else ()), HalfClose(), Await("end")],
        _is_no_handshake,
        opens=False,
    )
    for name, (words, data) in _GARBAGE.items()
)


# Large handshakes (§10.4)


def _refuses_in_order(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want a large handshake to be accepted, or refused by HTTP."""
    del facts
    if record.is_open:
        return
    if record.response is None and not record.has_ended:
        yield fail("RFC6455-4.2.1-01", "no answer, and the connection stays open")
    elif record.response is None:
        yield info("RFC6455-10.7-04", "TCP was ended without an HTTP status")
    else:
        yield info("RFC6455-10.4-02", f"{answer_of(record)}")


def _long_header(length: int) -> Opening:
    return Opening((adding("X-Wsref", "x" * length),))


def _many_headers(number: int) -> Opening:
    return Opening(tuple(adding(f"X-Wsref-{index}", "x") for index in range(number)))


_LARGE_HANDSHAKES: Final = tuple(
    case(
        f"10.4/handshake-{name}",
        ("RFC6455-4.2.1-01", "RFC6455-10.7-04", _LIMIT),
        f"A handshake {how} is accepted, or refused by HTTP.",
        [Open(opening)],
        _refuses_in_order,
        opens=False,
    )
    for name, how, opening in (
        ("with-a-header-of-4096-bytes", "with a header of 4 KiB", _long_header(4096)),
        ("with-a-header-of-20000-bytes", "with a header of 20 000 bytes", _long_header(20_000)),
        ("with-50-headers", "with 50 more headers", _many_headers(50)),
        ("with-150-headers", "with 150 more headers", _many_headers(150)),
    )
)


def _headers_first(headers: Headers) -> Headers:
    """Put a few headers of no meaning before those that matter."""
    return (headers[0], *((f"X-Wsref-{index}", "x") for index in range(_FEW)), *headers[1:])


_FEW: Final = 24


def _order_of_headers_does_not_count(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want a handshake to be accepted with the same headers in another order."""
    del facts
    if not record.is_open and all(other.is_open for other in record.others):
        message = f"{answer_of(record)}; behind the others, {_FEW} more headers do not matter"
        yield fail("RFC6455-4.2.1-14", message)


_HEADERS_FIRST: Final = case(
    "4.2.1/many-unknown-headers-first",
    ("RFC6455-4.2.1-14", "RFC6455-4.2.1-13"),
    f"{_FEW} headers of no meaning are ignored, be they the first or the last.",
    [Crowd(1, (Open(_many_headers(_FEW)),)), Open(Opening((sending_headers(_headers_first),)))],
    _order_of_headers_does_not_count,
    opens=False,
)


# Connections that have nothing to do with one another (§10.7)

_HELLO: Final = Send(text("Hello"), "a text message")
_OTHER: Final = (Open(), Send(text("another"), "text"), Await("messages"), Probe())
_BINARY_OTHER: Final = (Open(), Send(binary(b"another"), "binary"), Await("messages"), Probe())
_PONG_LIMIT: Final = 0.9  # in seconds


def _is_unmoved(*contents: tuple[int, bytes]) -> Judge:
    """Want the connection to go on, whatever becomes of others, and Pongs to be as quick."""
    undisturbed = echoes(_VALIDATED, *contents)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        yield from undisturbed(record, facts)
        for step, payload in record.probes.items():
            asked = [entry.time for entry in record.entries if payload in entry.data][:1]
            for pong in record.pongs:
                if pong.payload == payload and asked:
                    seconds = pong.time - asked[0]
                    if seconds > _PONG_LIMIT + 20 * facts.round_trip and step == _LAST_PROBE:
                        yield fail("RFC6455-5.5.2-03", f"the Pong took {seconds:.1f} s")

    return judge


#: The index of the step that :func:`_is_unmoved` has timed.
_LAST_PROBE: Final = 5


def _each_is_right(
    requirement: str, mine: Sequence[tuple[int, bytes]], *others: Sequence[tuple[int, bytes]]
) -> Judge:
    """Want this connection and the others to get the echoes of their own messages.

    Args:
        requirement: the clause.
        mine: what comes back on this connection.
        others: what comes back on each of the others; None of them for those that say nothing.
    """
    right = echoes(requirement, *mine)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        if not facts.takes_binary and any((BINARY, b"another") in one for one in others):
            yield skip("the service does not take binary messages")
            return
        yield from right(record, facts)
        for other, contents in zip(record.others, others, strict=False):
            if not other.is_open:
                yield fail(requirement, f"another connection: {answer_of(other)}")
            elif other.probes:
                for finding in echoes(requirement, *contents)(other, facts):
                    yield finding._replace(message=f"another connection: {finding.message}")

    return judge


_AN_ECHO: Final = [(TEXT, b"another")]

#: What becomes of another connection: name, words, steps.
_EVENTS: Final = (
    ("fails", "is failed", (Open(), Send(frame(3), "a reserved opcode"), Await("end"))),
    ("has-invalid-text", "has invalid text", (Open(), Send(text(b"\xff"), "FF"), Await("end"))),
    ("is-closed", "is closed", (Open(), Send(close(1000), "a Close"), Await("end"))),
    ("has-an-illegal-close", "has an illegal Close", (Open(), Send(close(1005), ""), Await("end"))),
    ("ends", "ends", (Open(), HalfClose(), Await("end"))),
    ("is-reset", "is reset", (Open(), Send(text("Hello"), "a text message"), Abort())),
    (
        "ends-within-a-message",
        "ends within a message",
        (Open(), Send(text("Hel", fin=False), "text begins"), HalfClose(), Await("end")),
    ),
    (
        "announces-2-to-the-62",
        "announces 2**62 bytes",
        (Open(), _header(TEXT, 1 << 62), HalfClose(), Await("end")),
    ),
    (
        "is-refused",
        "is refused",
        (Open(Opening((without("Sec-WebSocket-Key"),))),),
    ),
)

_SIDE_BY_SIDE: Final = (
    *(
        case(
            f"10.7/nothing-happens-when-another-{name}",
            (_VALIDATED, "RFC6455-5.5.2-02", "RFC6455-5.5.2-03"),
            f"That another connection {words} changes nothing for this one.",
            [Open(), Probe(), Crowd(1, steps), _HELLO, Await("messages"), Probe()],
            _is_unmoved((TEXT, b"Hello")),
        )
        for name, words, steps in _EVENTS
    ),
    case(
        "10.7/fragments-are-not-shared",
        (_RECEIVED, "RFC6455-5.4-02", "RFC6455-5.4-03", "RFC6455-6.2-08"),
        "A message on another connection, between two fragments, is a message of its own.",
        [
            Open(),
            Send(text("Hel", fin=False), "a text message begins"),
            Crowd(1, _OTHER),
            Send(continuation("lo"), "the end of the message"),
            Await("messages"),
            Probe(),
        ],
        _each_is_right(_RECEIVED, [(TEXT, b"Hello")], _AN_ECHO),
    ),
    case(
        "10.7/masking-keys-are-not-shared",
        ("RFC6455-5.3-05", "RFC6455-6.2-07", "RFC6455-5.2-16", _RECEIVED),
        "A frame on another connection, between two parts of a frame, has a key of its own.",
        [
            Open(),
            Send(text("Hello, world")[:-6], "a text frame without its last 6 bytes"),
            Crowd(1, _OTHER),
            Send(text("Hello, world")[-6:], "its last 6 bytes"),
            Await("messages"),
            Probe(),
        ],
        _each_is_right("RFC6455-5.3-05", [(TEXT, b"Hello, world")], _AN_ECHO),
    ),
    case(
        "10.7/buffers-are-not-shared",
        (_RECEIVED, "RFC6455-5.2-14"),
        "Messages that come over two connections at the same time go back to their own senders.",
        [Open(), _HELLO, Crowd(1, _OTHER), Await("messages"), Probe()],
        _each_is_right(_RECEIVED, [(TEXT, b"Hello")], _AN_ECHO),
    ),
    case(
        "10.7/echoes-go-to-their-senders",
        (_RECEIVED, "RFC6455-5.2-14"),
        "Of four connections at the same time each gets its own echoes.",
        [Open(), _HELLO, Crowd(4, _OTHER), Await("messages"), Probe()],
        _each_is_right(_RECEIVED, [(TEXT, b"Hello")], *[_AN_ECHO] * 4),
    ),
    *(
        case(
            f"10.7/{name}-is-not-left-for-another",
            (_RECEIVED, "RFC6455-6.2-08", "RFC6455-5.4-03", _VALIDATED),
            f"When a connection ends within {words}, nothing of that is left for the next.",
            [
                Open(),
                Crowd(1, (Open(), Send(data, f"a part of {words}"), HalfClose(), Await("end"))),
                Crowd(1, steps),
                Probe(),
            ],
            _each_is_right(_RECEIVED, (), (), [content]),
            needs=["echo"] if name == "binary" else [],
        )
        for name, words, data, steps, content in (
            (
                "text",
                "a text message",
                text("Hel", fin=False),
                _OTHER,
                (TEXT, b"another"),
            ),
            (
                "binary",
                "a binary message",
                binary(b"Hel", fin=False),
                _BINARY_OTHER,
                (BINARY, b"another"),
            ),
            ("header", "a frame's header", text("Hello")[:1], _OTHER, (TEXT, b"another")),
            ("frame", "a frame", text("Hello")[:-2], _OTHER, (TEXT, b"another")),
        )
    ),
    case(
        "10.7/pings-are-not-shared",
        ("RFC6455-5.5.3-01", _RECEIVED),
        "An empty Ping is answered by an empty Pong, whatever others have sent.",
        [
            Open(),
            Crowd(1, (Open(), Send(ping(b"another"), "a Ping"), Await("pongs"), Probe())),
            Send(ping(), "an empty Ping"),
            Await("pongs"),
            Probe(),
        ],
        answers_each("RFC6455-5.5.3-01", b""),
    ),
    case(
        "10.7/handshakes-are-not-shared",
        ("RFC6455-4.2.2-10", "RFC6455-4.2.2-19", _VALIDATED),
        "What others have offered, and their keys, are not answered here.",
        [
            Open(),
            Crowd(1, (Open(Opening((offering_subprotocols(),))), Probe())),
            Crowd(4, (Open(), Probe())),
            Probe(),
        ],
        _each_is_right(_VALIDATED, (), (), *[()] * 4),
    ),
    case(
        "10.7/compression-is-not-shared",
        ("RFC6455-5.2-02", "RFC7692-7.2.1-01", "RFC7692-6.1-06", _RECEIVED),
        "Compression that is agreed on here is so here alone, and so is its context.",
        [
            Open(compressing()),
            Send(text("the same again"), "a text message"),
            Await("messages"),
            Crowd(1, (Open(), Send(text("the same again"), "text"), Await("messages"), Probe())),
            Crowd(
                1,
                (
                    Open(compressing()),
                    Send(text("the same again, and more"), "text"),
                    Await("messages"),
                    Probe(),
                ),
            ),
            Send(text("the same again, and more"), "a text message"),
            Await("messages", 2),
            Probe(),
        ],
        _each_is_right(
            _RECEIVED,
            [(TEXT, b"the same again"), (TEXT, b"the same again, and more")],
            [(TEXT, b"the same again")],
            [(TEXT, b"the same again, and more")],
        ),
        needs=["deflate"],
    ),
)


# Connections that are dropped (§10.7)

_REQUEST: Final = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upg"


def _dropped(name: str, when: str, *steps: Step, opens: bool = True) -> Case:
    return case(
        f"10.7/reset-{name}",
        (_VALIDATED, _LIMIT),
        f"A server survives a connection that is reset {when}.",
        [*steps, Abort()],
        says_nothing,
        opens=opens,
    )


_DROPPED: Final = (
    _dropped("before-anything", "before anything was said", opens=False),
    _dropped(
        "in-the-request",
        "within the request",
        Send(_REQUEST, "the beginning of a request"),
        opens=False,
    ),
    _dropped("after-opening", "right after the opening handshake", Open()),
    _dropped("in-a-header", "within a frame's header", Open(), Send(text("Hello")[:1], "a byte")),
    _dropped(
        "in-a-length",
        "within a frame's length",
        Open(),
        Send(text(_numbered(70_000))[:5], "a part of a header"),
    ),
    _dropped(
        "in-a-key", "within a masking key", Open(), Send(text("Hello")[:4], "a part of a header")
    ),
    _dropped(
        "in-a-payload",
        "within a payload",
        Open(),
        Send(text("Hello")[:-2], "a frame without its last bytes"),
    ),
    _dropped(
        "in-a-message",
        "within a message",
        Open(),
        Send(text("Hel", fin=False), "a text message begins"),
    ),
    _dropped(
        "with-an-echo-owed",
        "when an echo is under way",
        Open(),
        Send(text(_numbered(60_000)), "a text message"),
    ),
    _dropped("with-a-pong-owed", "when a Pong is owed", Open(), Send(ping(b"Hello"), "a Ping")),
    _dropped("after-a-close", "right behind a Close", Open(), Send(close(1000), "a Close")),
    _dropped(
        "after-a-violation",
        "right behind a violation",
        Open(),
        Send(frame(3), "a reserved opcode"),
    ),
    _dropped(
        "in-a-compressed-message",
        "within a compressed message",
        Open(compressing()),
        Send(compressed(TEXT, b"\xf2H", fin=False), "a compressed message begins"),
    ),
)


CASES: Final[tuple[Case, ...]] = (
    *_ANNOUNCED,
    _TOO_BIG,
    *_CONSISTENT,
    *_SUM_WRAPS,
    *_MEANWHILE,
    *_WHOLE,
    *_LARGE_HANDSHAKES,
    _HEADERS_FIRST,
    *_SEGMENTS,
    *_SIDE_BY_SIDE,
    *_NO_HANDSHAKES,
    *_DROPPED,
)
