"""Fragmentation, and what TCP makes of frames (RFC 6455 §5.4, §6.1, §6.2).

A message is cut into fragments by its sender and into segments by TCP; neither may show in what
is delivered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from ...protocol.masking import mask
from ...protocol.opcode import BINARY, TEXT
from ..catalogue import Case, Facts, Judge, case
from ..conversation import (
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
    ping,
    pong,
    text,
)
from ..judgements import all_of, closes, echoes, fails, messages_of
from ..record import Record
from ..verdicts import Finding, fail
from .patterns import (
    BINARY_ECHO,
    MOMENT,
    TYPE_CODES,
    accepted,
    accepted_binary,
    answers_each,
    bears,
    behind_twin,
    if_binary,
    rejected,
    twin_content,
    twin_of,
    up_to_limit,
)

__all__ = ["CASES"]

_HELLO: Final = b"Hello"
_HELLO_ECHO: Final = (TEXT, _HELLO)
_MESSAGE: Final = b"fragmentation"
_ECHO: Final = (TEXT, _MESSAGE)
_BEGUN: Final = Send(text("Hel", fin=False), "a text message begins")
_FINISHED: Final = Send(continuation("lo"), "the end of the message")
_WHOLE: Final = Send(text(_HELLO), "a text message")


def _fragments(opcode: int, pieces: Sequence[bytes]) -> list[bytes]:
    """Build the frames of a message in fragments."""
    build = text if opcode == TEXT else binary
    last = len(pieces) - 1
    return [
        continuation(piece, fin=number == last) if number else build(piece, fin=number == last)
        for number, piece in enumerate(pieces)
    ]


def _sends(opcode: int, pieces: Sequence[bytes]) -> tuple[Send, ...]:
    """Send a message in fragments, each in a segment of its own."""
    frames = _fragments(opcode, pieces)
    return tuple(
        Send(data, f"fragment {number} of {len(frames)}: {len(piece)} bytes")
        for number, (data, piece) in enumerate(zip(frames, pieces, strict=True), 1)
    )


def _together(opcode: int, pieces: Sequence[bytes], what: str) -> Send:
    """Send a message in fragments, all in one segment."""
    return Send(b"".join(_fragments(opcode, pieces)), what)


def _cut(payload: bytes, *at: int) -> list[bytes]:
    """Cut *payload* at these positions."""
    edges = [0, *at, len(payload)]
    return [payload[start:stop] for start, stop in pairwise(edges)]


def _bytes_of(payload: bytes) -> list[bytes]:
    return [payload[at : at + 1] for at in range(len(payload))]


def _large(requirement: str, opcode: int, *payloads: bytes, size: int | None = None) -> Judge:
    """Want these messages to come back behind a twin, if they are not too large."""
    twin = twin_content(opcode, len(payloads[0]) if size is None else size)
    contents = [(opcode, payload) for payload in payloads]
    return up_to_limit(echoes(requirement, twin, *contents), has_twin=True)


# Messages in fragments (§5.4)

_SEQUENCE: Final = "RFC6455-5.4-02"
_EMPTY: Final = "RFC6455-5.4-19"
_SIZES: Final = "RFC6455-5.4-11"
_BOTH: Final = "RFC6455-5.4-12"
_ORDER: Final = "RFC6455-5.4-10"
_BOUNDARIES: Final = "RFC6455-5.4-13"


def _in_fragments(
    name: str, requirements: str | tuple[str, ...], title: str, pieces: Sequence[bytes]
) -> tuple[Case, ...]:
    """Send text in fragments: one by one, and all together."""
    first = requirements if isinstance(requirements, str) else requirements[0]
    judge = echoes(first, (TEXT, b"".join(pieces)), gravity=bears)
    return (
        case(f"5.4/{name}", requirements, title, accepted(*_sends(TEXT, pieces)), judge),
        case(
            f"5.4/{name}-in-one-segment",
            requirements,
            f"{title[:-1]}, in one segment as well.",
            accepted(_together(TEXT, pieces, f"{len(pieces)} fragments in one segment")),
            judge,
        ),
    )


_NUMBERED: Final = tuple(b"%03d " % number for number in range(100))
_COUNTED: Final = b"".join(b"%04d " % number for number in range(4000))
_HUNDRED_BYTES: Final = b"".join(_NUMBERED)[:100]

_MESSAGES: Final = (
    *_in_fragments(
        "two-fragments",
        (_BOTH, _SEQUENCE),
        "A text message in two fragments comes through.",
        _cut(_MESSAGE, 4),
    ),
    *_in_fragments(
        "three-fragments",
        (_SEQUENCE, _BOTH),
        "A text message in three fragments comes through.",
        _cut(_MESSAGE, 4, 9),
    ),
    *_in_fragments(
        "ten-fragments",
        (_SEQUENCE, _ORDER),
        "A text message in ten fragments comes through.",
        _NUMBERED[:10],
    ),
    *_in_fragments(
        "empty-first-fragment",
        (_EMPTY, _SIZES),
        "The first fragment may be empty.",
        [b"", _MESSAGE],
    ),
    *_in_fragments(
        "empty-middle-fragment",
        (_EMPTY, _SIZES),
        "A middle fragment may be empty.",
        [b"fragment", b"", b"ation"],
    ),
    *_in_fragments(
        "empty-last-fragment",
        (_EMPTY, _SIZES),
        "The last fragment may be empty.",
        [_MESSAGE, b""],
    ),
    *_in_fragments(
        "empty-fragments-around",
        (_EMPTY, _SIZES),
        "Empty fragments may stand around a message's only bytes.",
        [b"", b"", _MESSAGE, b"", b""],
    ),
    *_in_fragments(
        "two-empty-fragments",
        _EMPTY,
        "A message of two empty fragments is empty.",
        [b"", b""],
    ),
    *_in_fragments(
        "only-empty-fragments",
        _EMPTY,
        "A message of nothing but empty fragments is empty.",
        [b"", b"", b"", b""],
    ),
    *_in_fragments(
        "fragments-of-one-byte",
        (_SIZES, _BOUNDARIES),
        "Each byte of a message may have a fragment of its own.",
        _bytes_of(_MESSAGE),
    ),
    case(
        "5.4/hundred-fragments",
        (_ORDER, _SEQUENCE),
        "A hundred fragments are joined in their order.",
        accepted(_together(TEXT, _NUMBERED, "100 numbered fragments of 4 bytes")),
        echoes(_ORDER, (TEXT, b"".join(_NUMBERED))),
    ),
    case(
        "5.4/large-fragments",
        (_ORDER, _SEQUENCE),
        "Ten fragments of 2000 bytes are joined in their order, and come back so.",
        behind_twin(
            twin_of(TEXT, 20_000),
            *_sends(TEXT, [_COUNTED[at : at + 2000] for at in range(0, 20_000, 2000)]),
        ),
        _large(_ORDER, TEXT, _COUNTED),
    ),
    case(
        "5.4/large-messages-at-once",
        (_BOUNDARIES, "RFC6455-5.4-05", _ORDER),
        "Three large messages in one go come back one behind the other.",
        behind_twin(
            twin_of(TEXT, 20_000),
            Send(text(_COUNTED) * 3, "three messages of 20 000 bytes"),
            messages=3,
        ),
        _large(_BOUNDARIES, TEXT, _COUNTED, _COUNTED, _COUNTED),
    ),
    case(
        "5.4/hundred-fragments-of-one-byte",
        (_SIZES, _ORDER),
        "A hundred fragments of one byte are joined in their order.",
        accepted(_together(TEXT, _bytes_of(_HUNDRED_BYTES), "100 fragments of one byte")),
        echoes(_SIZES, (TEXT, _HUNDRED_BYTES), gravity=bears),
    ),
    case(
        "5.4/fragments-in-different-forms-of-length",
        (_BOUNDARIES, _SEQUENCE),
        "Fragments of 1, 126, 125 and 300 bytes make one message.",
        accepted(
            *_sends(TEXT, [b"a", b"b" * 126, b"c" * 125, b"d" * 300]),
        ),
        echoes(_BOUNDARIES, (TEXT, b"a" + b"b" * 126 + b"c" * 125 + b"d" * 300)),
    ),
    case(
        "5.4/fragment-of-70000-bytes",
        (_BOUNDARIES, _SEQUENCE),
        "A large fragment with its length in 64 bits makes a message with small ones.",
        behind_twin(
            twin_of(TEXT, 70_013), *_sends(TEXT, [b"small ", b"large " * 11_667, b"small"])
        ),
        _large(_BOUNDARIES, TEXT, b"small " + b"large " * 11_667 + b"small"),
    ),
    case(
        "5.4/cut-at-every-byte",
        (_BOUNDARIES, _BOTH),
        "Wherever a message is cut in two, the same is delivered.",
        accepted(
            *(
                _together(TEXT, _cut(_MESSAGE, at), f"two fragments, cut at {at}")
                for at in range(len(_MESSAGE) + 1)
            ),
            messages=len(_MESSAGE) + 1,
        ),
        echoes(_BOUNDARIES, *[_ECHO] * (len(_MESSAGE) + 1)),
    ),
    case(
        "5.4/whole-and-in-fragments",
        (_BOTH, _BOUNDARIES),
        "A message delivers the same whole, in two fragments and in three.",
        accepted(
            Send(text(_MESSAGE), "one frame"),
            _together(TEXT, _cut(_MESSAGE, 5), "two fragments"),
            _together(TEXT, _cut(_MESSAGE, 5, 7), "three fragments"),
            Send(text(_MESSAGE), "one frame again"),
            messages=4,
        ),
        echoes(_BOTH, *[_ECHO] * 4),
    ),
    case(
        "5.4/two-fragmented-messages-in-a-row",
        (_SEQUENCE, "RFC6455-6.2-04"),
        "A fragmented message can follow another one.",
        accepted(
            *_sends(TEXT, [b"the ", b"first"]), *_sends(TEXT, [b"the ", b"second"]), messages=2
        ),
        echoes(_SEQUENCE, (TEXT, b"the first"), (TEXT, b"the second")),
    ),
    case(
        "5.4/binary-in-fragments",
        (_BOTH, "RFC6455-5.4-18"),
        "A binary message in three fragments comes through.",
        accepted_binary(*_sends(BINARY, [b"\x00\xff", b"\x01\xfe", b"\x02"])),
        if_binary(echoes(_BOTH, BINARY_ECHO, (BINARY, b"\x00\xff\x01\xfe\x02"))),
    ),
    case(
        "5.4/binary-fragments-of-invalid-utf8",
        "RFC6455-5.4-18",
        "The first frame says that a message is binary: its fragments need not be UTF-8.",
        accepted_binary(*_sends(BINARY, [b"\xce", b"\xff\xed\xa0", b"\x80", b"\xf0\x9f"])),
        if_binary(echoes("RFC6455-5.4-18", BINARY_ECHO, (BINARY, b"\xce\xff\xed\xa0\x80\xf0\x9f"))),
    ),
    case(
        "5.4/binary-with-an-empty-first-fragment",
        ("RFC6455-5.4-18", _EMPTY),
        "An empty first frame says that a message is binary, too.",
        accepted_binary(*_sends(BINARY, [b"", b"\xff\x00"])),
        if_binary(echoes("RFC6455-5.4-18", BINARY_ECHO, (BINARY, b"\xff\x00"))),
    ),
    case(
        "5.4/empty-binary-in-fragments",
        _EMPTY,
        "A binary message of empty fragments is an empty binary message.",
        accepted_binary(*_sends(BINARY, [b"", b"", b""])),
        if_binary(echoes(_EMPTY, BINARY_ECHO, (BINARY, b""))),
    ),
)


# Control frames between fragments (§5.4, §6.2)

_UNDISTURBED: Final = "RFC6455-5.4-08"


def _interleaved(
    name: str,
    title: str,
    pieces: Sequence[bytes],
    between: Sequence[bytes],
    *,
    requirements: str | tuple[str, ...] = _UNDISTURBED,
    one_segment: bool = False,
    opcode: int = TEXT,
) -> Case:
    """Send control frames between the fragments of a message."""
    fragments = _fragments(opcode, pieces)
    data = [fragments[0]]
    for number, fragment in enumerate(fragments[1:]):
        data += [between[number % len(between)], fragment]
    first = requirements if isinstance(requirements, str) else requirements[0]
    echo = (opcode, b"".join(pieces))
    sends = (
        (Send(b"".join(data), "fragments and control frames in one segment"),)
        if one_segment
        else tuple(
            Send(piece, "a control frame" if number % 2 else f"fragment {number // 2 + 1}")
            for number, piece in enumerate(data)
        )
    )
    if opcode == BINARY:
        return case(
            f"5.4/{name}",
            requirements,
            title,
            accepted_binary(*sends),
            if_binary(echoes(first, BINARY_ECHO, echo)),
        )
    return case(f"5.4/{name}", requirements, title, accepted(*sends), echoes(first, echo))


_INTERLEAVED: Final = (
    _interleaved(
        "ping-between-fragments",
        "A Ping between two fragments does not disturb the message.",
        _cut(_MESSAGE, 6),
        [ping(b"between")],
        requirements=(_UNDISTURBED, "RFC6455-6.2-02"),
    ),
    _interleaved(
        "ping-between-fragments-in-one-segment",
        "A Ping between two fragments does not disturb the message, in one segment as well.",
        _cut(_MESSAGE, 6),
        [ping(b"between")],
        requirements=(_UNDISTURBED, "RFC6455-6.2-02"),
        one_segment=True,
    ),
    _interleaved(
        "empty-ping-between-fragments",
        "An empty Ping between two fragments does not disturb the message.",
        _cut(_MESSAGE, 6),
        [ping()],
    ),
    _interleaved(
        "pong-between-fragments",
        "A Pong between two fragments does not disturb the message.",
        _cut(_MESSAGE, 6),
        [pong(b"between")],
        requirements=(_UNDISTURBED, "RFC6455-6.2-02"),
    ),
    _interleaved(
        "pings-between-all-fragments",
        "Pings between all of ten fragments do not disturb the message.",
        _NUMBERED[:10],
        [ping(b"between %d" % number) for number in range(9)],
    ),
    _interleaved(
        "pings-and-pongs-between-all-fragments",
        "Pings and Pongs in turn between all fragments do not disturb the message.",
        _NUMBERED[:10],
        [ping(b"ping"), pong(b"pong")],
        one_segment=True,
    ),
    _interleaved(
        "several-pings-at-once-between-fragments",
        "Several Pings between two fragments do not disturb the message.",
        _cut(_MESSAGE, 6),
        [ping(b"one") + ping(b"two") + pong(b"three")],
    ),
    _interleaved(
        "ping-between-empty-fragments",
        "A Ping between empty fragments does not disturb the message.",
        [b"", b"", _MESSAGE, b""],
        [ping(b"between")],
        requirements=(_UNDISTURBED, _EMPTY),
    ),
    _interleaved(
        "large-ping-between-fragments",
        "A Ping of 125 bytes between two fragments does not disturb the message.",
        _cut(_MESSAGE, 6),
        [ping(b"p" * 125)],
    ),
    _interleaved(
        "ping-of-invalid-utf8-between-fragments",
        "A Ping of bytes that are no UTF-8 is not part of the text around it.",
        _cut(_MESSAGE, 6),
        [ping(b"\xff\xfe\xce")],
        requirements=("RFC6455-6.2-02", _UNDISTURBED),
    ),
    _interleaved(
        "ping-between-binary-fragments",
        "A Ping between fragments of a binary message does not disturb it.",
        [b"\x00\xff", b"\xfe\x01"],
        [ping(b"between")],
        opcode=BINARY,
    ),
    case(
        "5.4/ping-between-fragments-is-answered",
        ("RFC6455-5.4-08", "RFC6455-5.5.2-02", "RFC6455-5.5.3-01"),
        "A Ping between two fragments is answered.",
        [
            Open(),
            _BEGUN,
            Send(ping(b"between") + continuation("lo"), "a Ping and the end of the message"),
            Await("messages"),
            Await("pongs"),
            Probe(),
        ],
        all_of(
            answers_each("RFC6455-5.5.3-01", b"between"),
            echoes(_UNDISTURBED, _HELLO_ECHO),
        ),
    ),
    case(
        "5.4/messages-behind-an-interleaved-one",
        (_UNDISTURBED, "RFC6455-6.2-04"),
        "Behind a message with a Ping inside, others come through whole and in fragments.",
        accepted(
            *_sends(TEXT, [b"Hel", b"lo"]),
            _BEGUN,
            Send(ping(b"between"), "a Ping"),
            _FINISHED,
            _WHOLE,
            *_sends(TEXT, [b"Hel", b"lo"]),
            messages=4,
        ),
        echoes(_UNDISTURBED, *[_HELLO_ECHO] * 4),
    ),
    case(
        "5.4/close-between-fragments",
        ("RFC6455-5.4-09", "RFC6455-6.2-08"),
        "A Close between two fragments is answered, and the unfinished message is dropped.",
        [Open(), _BEGUN, Send(close(1000), "a Close"), Await("close"), Await("end")],
        closes("RFC6455-5.4-09"),
    ),
    case(
        "5.4/close-between-fragments-in-one-segment",
        ("RFC6455-5.4-09", "RFC6455-6.2-08"),
        "A Close between two fragments is answered, and the rest of the message ignored.",
        [
            Open(),
            Send(
                text("Hel", fin=False) + close(1000) + continuation("lo"),
                "a fragment, a Close and the end of the message",
            ),
            Await("close"),
            Await("end"),
        ],
        closes("RFC6455-5.4-09"),
    ),
)


# Fragments out of sequence (§5.4)

_NO_MESSAGE: Final = "RFC6455-5.4-03"
_UNFINISHED: Final = "RFC6455-5.4-04"


def _stray(name: str, when: str, *steps: Step, echo: Sequence[tuple[int, bytes]] = ()) -> Case:
    return case(
        f"5.4/continuation-{name}",
        (_NO_MESSAGE, "RFC6455-10.7-01"),
        f"A continuation frame {when} fails the connection.",
        rejected(*steps),
        fails(_NO_MESSAGE, echo=echo),
    )


def _inside(name: str, what: str, *steps: Step, echo: Sequence[tuple[int, bytes]] = ()) -> Case:
    return case(
        f"5.4/{name}-inside-a-message",
        (_UNFINISHED, "RFC6455-10.7-01"),
        f"{what} inside an unfinished message fails the connection.",
        rejected(*steps),
        fails(_UNFINISHED, echo=echo, tolerated=TYPE_CODES if "binary" in name else ()),
    )


_STRAY: Final = Send(continuation("stray"), "a continuation, FIN 1")
_STRAY_BEGUN: Final = Send(continuation("stray", fin=False), "a continuation, FIN 0")

_OUT_OF_SEQUENCE: Final = (
    _stray("first", "as the first frame of all", _STRAY),
    _stray("first-not-final", "as the first frame of all, FIN clear,", _STRAY_BEGUN),
    _stray(
        "first-empty", "as the first frame of all, empty,", Send(continuation(""), "empty, FIN 1")
    ),
    _stray(
        "first-empty-not-final",
        "as the first frame of all, empty and FIN clear,",
        Send(continuation("", fin=False), "empty, FIN 0"),
    ),
    _stray(
        "first-and-its-end",
        "as the first frame of all, with another one,",
        _STRAY_BEGUN,
        MOMENT,
        Send(continuation("end"), "a continuation, FIN 1"),
    ),
    _stray(
        "before-a-message",
        "in one segment with the message behind it",
        Send(continuation("stray") + text(_HELLO), "a continuation and a text message"),
    ),
    _stray(
        "not-final-before-a-message",
        "with FIN clear and a text message behind it",
        _STRAY_BEGUN,
        MOMENT,
        _WHOLE,
    ),
    _stray(
        "after-a-message",
        "behind a whole message",
        _WHOLE,
        Await("messages"),
        _STRAY,
        echo=[_HELLO_ECHO],
    ),
    _stray(
        "not-final-after-a-message",
        "with FIN clear, behind a whole message,",
        _WHOLE,
        Await("messages"),
        _STRAY_BEGUN,
        echo=[_HELLO_ECHO],
    ),
    _stray(
        "in-one-segment-after-a-message",
        "in one segment with a whole message",
        Send(text(_HELLO) + continuation("stray"), "a text message and a continuation"),
        echo=[_HELLO_ECHO],
    ),
    _stray(
        "after-a-fragmented-message",
        "behind the end of a fragmented message",
        _BEGUN,
        _FINISHED,
        Await("messages"),
        _STRAY,
        echo=[_HELLO_ECHO],
    ),
    _stray(
        "empty-after-a-fragmented-message",
        "that is empty, behind the end of a fragmented message,",
        _BEGUN,
        _FINISHED,
        Await("messages"),
        Send(continuation(""), "an empty continuation"),
        echo=[_HELLO_ECHO],
    ),
    _stray(
        "not-final-after-a-fragmented-message",
        "with FIN clear, behind the end of a fragmented message,",
        _BEGUN,
        _FINISHED,
        Await("messages"),
        _STRAY_BEGUN,
        echo=[_HELLO_ECHO],
    ),
    _stray(
        "after-a-binary-message",
        "behind a binary message",
        Send(binary(b"\x00"), "a binary message"),
        Await("messages"),
        _STRAY,
        echo=[BINARY_ECHO],
    )._replace(
        judge=fails(_NO_MESSAGE, echo=[BINARY_ECHO], tolerated=TYPE_CODES),
    ),
    _stray("after-a-ping", "behind a Ping", Send(ping(b"x"), "a Ping"), Await("pongs"), _STRAY),
    _stray("after-a-pong", "behind a Pong", Send(pong(b"x"), "a Pong"), _STRAY),
    _inside("text", "A text frame", _BEGUN, Send(text("world"), "text, FIN 1")),
    _inside("binary", "A binary frame", _BEGUN, Send(binary(b"world"), "binary, FIN 1")),
    _inside("empty-text", "An empty text frame", _BEGUN, Send(text(""), "empty text, FIN 1")),
    _inside(
        "first-fragment",
        "The first frame of another message",
        _BEGUN,
        Send(text("wor", fin=False), "text, FIN 0"),
    ),
    _inside(
        "fragmented-message",
        "Another fragmented message",
        _BEGUN,
        Send(text("wor", fin=False), "text, FIN 0"),
        MOMENT,
        Send(continuation("ld"), "a continuation, FIN 1"),
    ),
    _inside(
        "binary-first-fragment",
        "The first frame of a binary message",
        _BEGUN,
        Send(binary(b"wor", fin=False), "binary, FIN 0"),
        MOMENT,
        Send(continuation("ld"), "a continuation, FIN 1"),
    ),
    _inside(
        "text-and-the-rest",
        "A text frame, with the end of the first message behind it,",
        _BEGUN,
        Send(text("world"), "text, FIN 1"),
        MOMENT,
        _FINISHED,
    ),
    _inside(
        "late-text",
        "A text frame behind several fragments",
        _BEGUN,
        Send(continuation("l", fin=False), "a continuation, FIN 0"),
        Send(text("world"), "text, FIN 1"),
    ),
    _inside(
        "text-as-the-end",
        "Fragments that all say text",
        Send(text("Hel", fin=False), "text, FIN 0"),
        Send(text("l", fin=False), "text, FIN 0"),
        MOMENT,
        Send(text("o"), "text, FIN 1"),
    ),
    _inside(
        "text-in-one-segment",
        "A text frame in one segment with a first fragment",
        Send(text("Hel", fin=False) + text("world"), "text, FIN 0, and text, FIN 1"),
    ),
    _inside(
        "text-behind-a-ping",
        "A text frame behind a Ping",
        _BEGUN,
        Send(ping(b"between"), "a Ping"),
        Send(text("world"), "text, FIN 1"),
    ),
    _inside(
        "text-after-an-empty-fragment",
        "A text frame, be that still empty,",
        Send(text("", fin=False), "empty text, FIN 0"),
        Send(text("world"), "text, FIN 1"),
    ),
    _inside(
        "text-inside-binary",
        "A text frame, be that binary,",
        Send(binary(b"Hel", fin=False), "binary, FIN 0"),
        Send(text("world"), "text, FIN 1"),
    ),
    _inside(
        "late-in-the-connection-text",
        "A text frame, behind other messages,",
        _WHOLE,
        Await("messages"),
        _BEGUN,
        Send(text("world"), "text, FIN 1"),
        echo=[_HELLO_ECHO],
    ),
)


# Types and ends of messages (§5.6, §6.1, §6.2)

_NEW_MESSAGE: Final = "RFC6455-6.2-04"
_NOT_DELIVERED: Final = "RFC6455-6.2-08"


def _delivers_only(requirement: str, *contents: tuple[int, bytes]) -> Judge:
    """Want no message but these to be delivered, and so to be echoed."""

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        for message in messages_of(record, facts):
            if message.content not in contents:
                yield fail(requirement, "a message was delivered that was never finished")

    return judge


def _unfinished(name: str, what: str, *steps: Step, echo: Sequence[tuple[int, bytes]] = ()) -> Case:
    return case(
        f"6.2/{name}-at-the-end-of-tcp",
        _NOT_DELIVERED,
        f"{what} is not delivered when TCP ends.",
        [Open(), *steps, Pause(), HalfClose(), Await("end")],
        _delivers_only(_NOT_DELIVERED, *echo),
        needs=["echo"],
    )


_SAID: Final = {
    TEXT: b"wsref: is this text what comes back?",
    BINARY: b"wsref: is this binary what comes back?",
}
_KEY: Final = b"\x01\x1f\x02\x1e"


def _comes_back_right(opcode: int) -> Judge:
    """Want what comes back, if anything does, to be a whole unmasked message of the same type.

    A server that gets this wrong may look like one that does not echo; so it is asked of all.
    """
    other = BINARY if opcode == TEXT else TEXT
    frames = {TEXT: "text", BINARY: "binary"}

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        contents = [message.content for message in messages_of(record, facts)]
        data = [received for received in record.frames if received.opcode < 8]
        said = _SAID[opcode]
        if (other, said) in contents:
            yield fail("RFC6455-6.1-05", f"{frames[opcode]} came back as {frames[other]}")
        elif any(payload == mask(said, _KEY) for _opcode, payload in contents):
            yield fail("RFC6455-6.2-07", "it came back without the masking being removed")
        elif b"".join(received.payload for received in data).endswith(said) and not any(
            received.frame.header.fin for received in data
        ):
            yield fail("RFC6455-6.1-06", "it came back in frames of which none has FIN set")

    return judge


_DELIVERY: Final = (
    *(
        case(
            f"6.1/echo-of-{name}",
            ("RFC6455-6.1-05", "RFC6455-6.1-06", "RFC6455-6.2-07", "RFC6455-5.6-04"),
            f"What comes back of a {name} message is one of the same type, whole and not masked.",
            [
                Open(),
                Send(build(_SAID[opcode], key=_KEY), f"a {name} message"),
                Await("messages"),
                Pause(2),
                Probe(),
            ],
            _comes_back_right(opcode),
        )
        for name, opcode, build in (("text", TEXT, text), ("binary", BINARY, binary))
    ),
    case(
        "6.1/type-of-the-first-frame",
        ("RFC6455-6.1-05", "RFC6455-6.1-06", "RFC6455-5.6-04"),
        "Text comes back as text and binary as binary, in fragments as well.",
        accepted_binary(
            Send(text("same bytes"), "text"),
            Send(binary(b"same bytes"), "binary"),
            *_sends(TEXT, [b"same ", b"bytes"]),
            *_sends(BINARY, [b"same ", b"bytes"]),
            messages=4,
        ),
        if_binary(
            echoes(
                "RFC6455-6.1-05",
                BINARY_ECHO,
                *[(TEXT, b"same bytes"), (BINARY, b"same bytes")] * 2,
            )
        ),
    ),
    case(
        "6.2/fragmented-text-then-binary-then-text",
        (_NEW_MESSAGE, "RFC6455-5.4-18"),
        "Behind a final fragment a new message begins, of its own type.",
        accepted_binary(
            *_sends(TEXT, [b"one ", b"and ", b"two"]),
            Send(binary(b"\xff\xfe"), "a binary message"),
            Send(text("four"), "a text message"),
            messages=3,
        ),
        if_binary(
            echoes(
                _NEW_MESSAGE,
                BINARY_ECHO,
                (TEXT, b"one and two"),
                (BINARY, b"\xff\xfe"),
                (TEXT, b"four"),
            )
        ),
    ),
    case(
        "6.2/fragmented-binary-then-fragmented-text",
        (_NEW_MESSAGE, "RFC6455-5.4-18"),
        "Behind a fragmented binary message a fragmented text message begins anew.",
        accepted_binary(
            *_sends(BINARY, [b"\xff", b"\xfe"]), *_sends(TEXT, [b"te", b"xt"]), messages=2
        ),
        if_binary(echoes(_NEW_MESSAGE, BINARY_ECHO, (BINARY, b"\xff\xfe"), (TEXT, b"text"))),
    ),
    case(
        "6.2/fragmented-then-whole",
        _NEW_MESSAGE,
        "Nothing of a fragmented message is left in the next one.",
        accepted(*_sends(TEXT, [b"a long ", b"message"]), Send(text("b"), "text"), messages=2),
        echoes(_NEW_MESSAGE, (TEXT, b"a long message"), (TEXT, b"b")),
    ),
    case(
        "6.2/empty-message-behind-a-fragmented-one",
        _NEW_MESSAGE,
        "An empty message behind a fragmented one is a message of its own.",
        accepted(*_sends(TEXT, [b"Hel", b"lo"]), Send(text(""), "empty text"), _WHOLE, messages=3),
        echoes(_NEW_MESSAGE, _HELLO_ECHO, (TEXT, b""), _HELLO_ECHO),
    ),
    _unfinished("fragment", "An unfinished message", _BEGUN),
    _unfinished(
        "fragments",
        "An unfinished message of several fragments",
        _BEGUN,
        Send(continuation("lo", fin=False), "a continuation, FIN 0"),
    ),
    _unfinished(
        "binary-fragment",
        "An unfinished binary message",
        Send(binary(b"Hel", fin=False), "binary, FIN 0"),
    ),
    _unfinished(
        "part-of-a-frame",
        "A message whose only frame is cut off",
        Send(text("Hello, world")[:-5], "a text frame without its last 5 bytes"),
    ),
    _unfinished(
        "part-of-the-last-fragment",
        "A message whose last fragment is cut off",
        _BEGUN,
        Send(continuation("lo, world")[:-5], "a continuation without its last 5 bytes"),
    ),
    _unfinished(
        "fragment-behind-a-message",
        "An unfinished message behind a whole one",
        _WHOLE,
        Await("messages"),
        Send(text("Hello, wor", fin=False), "text, FIN 0"),
        echo=[_HELLO_ECHO],
    ),
    case(
        "6.2/fragment-before-a-close",
        (_NOT_DELIVERED, "RFC6455-5.4-09"),
        "An unfinished message is not delivered when a Close comes.",
        [Open(), _BEGUN, Send(close(1000), "a Close"), Await("end")],
        _delivers_only(_NOT_DELIVERED),
        needs=["echo"],
    ),
)


# Segments (§6.2)

_SEGMENTS: Final = "RFC6455-6.2-01"


def _pieces(data: bytes, *at: int) -> tuple[Step, ...]:
    """Send *data* in segments, cut at these positions."""
    steps: list[Step] = []
    for start, stop in zip((0, *at), (*at, len(data)), strict=True):
        if steps:
            steps.append(Pause())
        steps.append(Send(data[start:stop], f"bytes {start} to {stop - 1}"))
    return tuple(steps)


def _split(name: str, title: str, data: bytes, *at: int, payload: bytes) -> Case:
    return case(
        f"6.2/{name}",
        _SEGMENTS,
        title,
        accepted(*_pieces(data, *at)),
        echoes(_SEGMENTS, (TEXT, payload)),
    )


_SHORT: Final = text(_HELLO)  # 2 bytes, 4 of the key, 5 of payload
_MEDIUM_PAYLOAD: Final = b"0123456789" * 20
_MEDIUM: Final = text(_MEDIUM_PAYLOAD)  # 2 + 2 bytes, 4 of the key, 200 of payload
_LARGE_PAYLOAD: Final = b"0123456789" * 7_000
_LARGE: Final = text(_LARGE_PAYLOAD)  # 2 + 8 bytes, 4 of the key, 70 000 of payload

_TCP: Final = (
    *(
        _split(
            f"header-cut-at-{at}",
            f"A frame may come in two segments, cut behind byte {at}.",
            _SHORT,
            at,
            payload=_HELLO,
        )
        for at in (1, 2, 3, 6, 7, 10)
    ),
    *(
        _split(
            f"header-with-16-bit-length-cut-at-{at}",
            f"A frame with its length in 16 bits may come in two segments, cut behind byte {at}.",
            _MEDIUM,
            at,
            payload=_MEDIUM_PAYLOAD,
        )
        for at in (1, 2, 3, 4, 6, 8, 100, 207)
    ),
    case(
        "6.2/header-with-64-bit-length-in-pieces",
        _SEGMENTS,
        "A frame with its length in 64 bits may come in any number of segments.",
        behind_twin(
            twin_of(TEXT, len(_LARGE_PAYLOAD)),
            *_pieces(_LARGE, 1, 5, 12, 30_000),
        ),
        _large(_SEGMENTS, TEXT, _LARGE_PAYLOAD),
    ),
    case(
        "6.2/text-byte-by-byte",
        _SEGMENTS,
        "A text message may come byte by byte.",
        accepted(Send(text("κόσμε"), "a text message", bytewise=True)),
        echoes(_SEGMENTS, (TEXT, "κόσμε".encode())),
    ),
    case(
        "6.2/empty-text-byte-by-byte",
        _SEGMENTS,
        "An empty message may come byte by byte.",
        accepted(Send(text(""), "an empty text message", bytewise=True)),
        echoes(_SEGMENTS, (TEXT, b"")),
    ),
    case(
        "6.2/length-in-16-bits-byte-by-byte",
        _SEGMENTS,
        "A message with its length in 16 bits may come byte by byte.",
        accepted(Send(text("x" * 126), "a text message of 126 bytes", bytewise=True)),
        echoes(_SEGMENTS, (TEXT, b"x" * 126)),
    ),
    case(
        "6.2/fragments-byte-by-byte",
        (_SEGMENTS, _BOUNDARIES),
        "Fragments, with a Ping between them, may come byte by byte.",
        [
            Open(),
            Send(
                text("Hel", fin=False) + ping(b"between") + continuation("lo"),
                "fragments and a Ping",
                bytewise=True,
            ),
            Await("messages"),
            Await("pongs"),
            Probe(),
        ],
        all_of(echoes(_SEGMENTS, _HELLO_ECHO), answers_each("RFC6455-5.5.3-01", b"between")),
    ),
    case(
        "6.2/two-messages-in-one-segment",
        _SEGMENTS,
        "Two messages may come in one segment.",
        accepted(Send(text("one") + text("two"), "two text messages"), messages=2),
        echoes(_SEGMENTS, (TEXT, b"one"), (TEXT, b"two")),
    ),
    case(
        "6.2/twenty-messages-in-one-segment",
        _SEGMENTS,
        "Twenty messages may come in one segment, and are delivered in their order.",
        accepted(
            Send(b"".join(text(b"message %d" % n) for n in range(20)), "twenty text messages"),
            messages=20,
        ),
        echoes(_SEGMENTS, *((TEXT, b"message %d" % n) for n in range(20))),
    ),
    case(
        "6.2/one-and-a-half-frames-in-a-segment",
        _SEGMENTS,
        "A segment may end within a frame.",
        accepted(
            Send(text("one") + text("two")[:3], "a text message and half a header"),
            Pause(),
            Send(text("two")[3:] + text("three"), "the rest, and another message"),
            messages=3,
        ),
        echoes(_SEGMENTS, (TEXT, b"one"), (TEXT, b"two"), (TEXT, b"three")),
    ),
    case(
        "6.2/half-a-payload-in-a-segment",
        _SEGMENTS,
        "A segment may end within a payload.",
        accepted(
            Send(text("one") + text("twenty-two")[:11], "a message and half of another"),
            Pause(),
            Send(text("twenty-two")[11:], "its rest"),
            messages=2,
        ),
        echoes(_SEGMENTS, (TEXT, b"one"), (TEXT, b"twenty-two")),
    ),
    case(
        "6.2/large-message-behind-a-small-one",
        _SEGMENTS,
        "A large message may begin in the segment of a small one.",
        behind_twin(
            twin_of(TEXT, len(_LARGE_PAYLOAD)),
            Send(text("small") + _LARGE + text("small"), "5, 70 000, 5 bytes"),
            messages=3,
        ),
        _large(_SEGMENTS, TEXT, b"small", _LARGE_PAYLOAD, b"small", size=len(_LARGE_PAYLOAD)),
    ),
    case(
        "6.2/binary-byte-by-byte",
        _SEGMENTS,
        "A binary message may come byte by byte.",
        accepted_binary(Send(binary(b"\x00\xff\x01\xfe"), "a binary message", bytewise=True)),
        if_binary(echoes(_SEGMENTS, BINARY_ECHO, (BINARY, b"\x00\xff\x01\xfe"))),
    ),
    case(
        "6.2/binary-in-pieces",
        _SEGMENTS,
        "The payload of a binary message may come in several segments.",
        accepted_binary(*_pieces(binary(_MEDIUM_PAYLOAD), 20, 21)),
        if_binary(echoes(_SEGMENTS, BINARY_ECHO, (BINARY, _MEDIUM_PAYLOAD))),
    ),
    case(
        "6.2/large-binary-message",
        (_SEGMENTS, _BOUNDARIES),
        "A large binary message comes back as one, however many reads it takes.",
        behind_twin(
            twin_of(BINARY, len(_LARGE_PAYLOAD)),
            Send(binary(_LARGE_PAYLOAD), "a binary message of 70 000 bytes"),
        ),
        if_binary(_large(_SEGMENTS, BINARY, _LARGE_PAYLOAD)),
    ),
    case(
        "6.2/binary-fragments-in-pieces",
        (_SEGMENTS, _BOUNDARIES),
        "Neither fragments' nor segments' ends show in a binary message.",
        accepted_binary(
            *_pieces(binary(b"one ", fin=False) + continuation(b"two ") + binary(b"three"), 8, 13),
            messages=2,
        ),
        if_binary(echoes(_SEGMENTS, BINARY_ECHO, (BINARY, b"one two "), (BINARY, b"three"))),
    ),
    case(
        "6.2/binary-and-text-in-one-segment",
        (_SEGMENTS, "RFC6455-5.6-04"),
        "Messages of both types may come in one segment.",
        accepted_binary(
            Send(binary(b"\xff") + text("two") + binary(b"") + text(""), "four messages"),
            messages=4,
        ),
        if_binary(
            echoes(
                _SEGMENTS,
                BINARY_ECHO,
                (BINARY, b"\xff"),
                (TEXT, b"two"),
                (BINARY, b""),
                (TEXT, b""),
            )
        ),
    ),
)

CASES: Final[tuple[Case, ...]] = (
    *_MESSAGES,
    *_INTERLEAVED,
    *_OUT_OF_SEQUENCE,
    *_DELIVERY,
    *_TCP,
)
