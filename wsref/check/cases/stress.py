"""Stress, only when asked for: floods, bombs, large messages, many connections (RFC 6455 §10.4).

What is heavy is done over connections of its own (:class:`~..conversation.Crowd`), while the first
one waits to see whether the server still answers.  A server may refuse what is too much for it,
by a Close or by ending TCP, and so most of what is found out here is only told.  Findings are
what the clauses about limits say: there should be a limit to the size of messages, it counts after
decompression, and whoever is at it goes on serving others.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Final

from ...protocol.opcode import CONTINUATION, TEXT
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
    compressed,
    continuation,
    frame,
    ping,
    text,
)
from ..judgements import answer_of, close_of, end_of, messages_of
from ..opening import PLAIN, Opening, adding, compressing, replacing
from ..record import Record
from ..verdicts import Finding, fail, info, warn
from .patterns import LIMIT_CODES

__all__ = ["CASES", "bomb", "inflated_is_limited"]

_DEFENCE: Final = "RFC6455-10.4-01"
_LIMIT: Final = "RFC6455-10.4-02"
_INFLATED: Final = "RFC6455-10.4-03"
_CONTENT: Final = "RFC6455-6.2-01"

_MIB: Final = 1024 * 1024


# Judges


def _told(record: Record) -> str:
    """Say in a few words what became of a connection."""
    if record.unreachable:
        return f"there was no connection ({record.unreachable})"
    if not record.is_open:
        return answer_of(record)
    if record.closes:
        return f"the server closed: {close_of(record)}"
    if record.has_ended:
        return f"the server {end_of(record)}"
    if record.is_alive:
        return "it was accepted"
    return "there was no answer in time"


def _is_refused(record: Record) -> bool:
    """Whether a connection was ended for what is too much."""
    return record.close_code in LIMIT_CODES


def _serves(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want the connection that waits, and new ones, to be served as before."""
    del facts
    if record.closes or record.has_ended:
        yield warn(_DEFENCE, f"meanwhile, on another connection: {_told(record)}")
    elif not record.is_alive:
        yield fail(_DEFENCE, "meanwhile another connection was not served any more")


def _tells(what: str) -> Judge:
    """Say what became of the heavy connection; want others to be served."""

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        yield from _serves(record, facts)
        for other in record.others[:1]:
            yield info(_DEFENCE, f"{what}: {_told(other)}")

    return judge


def _comes_back(what: str, contents: Callable[[], list[bytes]]) -> Judge:
    """Want what was accepted to come back as it was.

    Args:
        what: was sent.
        contents: makes the payloads of the text messages, when they are needed.
    """
    tells = _tells(what)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        yield from tells(record, facts)
        for other in record.others[:1]:
            if not (facts.echoes and other.is_alive):
                continue
            got = [message.content for message in messages_of(other, facts)]
            wanted = [(TEXT, payload) for payload in contents()]
            if got != wanted:
                sizes = sum(len(payload) for _opcode, payload in got)
                yield fail(
                    _CONTENT,
                    f"{what}: {len(got)} of {len(wanted)} messages came back, {sizes} bytes in all,"
                    " and not as they were",
                )

    return judge


def inflated_is_limited(size: str, *, tells: bool = True) -> Judge:
    """Want a message that is refused for its size to be refused if it comes compressed, too.

    The first of the other connections announces the size, the second has it compressed.

    Args:
        size: how large it is.
        tells: whether to say what became of both if nothing is wrong.
    """

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        yield from _serves(record, facts)
        if len(record.others) < 2:
            return
        plain, deflated = record.others[:2]
        if not deflated.is_open or deflated.deflate is None:
            return
        if deflated.is_alive and _is_refused(plain):
            yield fail(_INFLATED, f"{size} are refused, but accepted if they are compressed")
        elif tells:
            yield info(_LIMIT, f"{size}: {_told(plain)}; compressed: {_told(deflated)}")

    return judge


def _has_limit(size: str) -> Judge:
    """Want a message of an absurd size to be refused."""

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        yield from _serves(record, facts)
        for other in record.others[:1]:
            if other.is_alive:
                yield fail(_LIMIT, f"a message of {size} is no message too large")
            elif other.close_code is not None and not _is_refused(other):
                yield warn("RFC6455-7.4.1-11", f"refused by {close_of(other)}; 1009 would fit")
            else:
                yield info(_LIMIT, f"a message of {size}: {_told(other)}")

    return judge


def _limits(record: Record, facts: Facts) -> Iterator[Finding]:
    """Tell at which announced size frames are refused."""
    yield from _serves(record, facts)
    for size, other in zip(_ANNOUNCED, record.others, strict=False):
        if _is_refused(other):
            yield info(_LIMIT, f"a frame of {size} bytes is refused at its header")
            return
    yield info(_LIMIT, f"no frame of up to {_ANNOUNCED[-1]} bytes is refused at its header")


def _answers_in_time(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want a large handshake to be answered."""
    del facts
    for other in record.others[:1]:
        if other.response is None and not other.has_ended and not other.unreachable:
            yield warn("RFC6455-10.7-04", "there was no answer in time")
        else:
            yield info(_DEFENCE, answer_of(other))


def _all_served(what: str) -> Judge:
    """Say how many connections were served."""

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        yield from _serves(record, facts)
        served = sum(other.is_alive for other in record.others)
        yield info(_DEFENCE, f"of {len(record.others)} {what} {served} were served")

    return judge


def _new_one_served(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want a new connection to be served in the end."""
    yield from _serves(record, facts)
    if record.others and not record.others[-1].is_alive:
        yield fail(_DEFENCE, f"a new connection afterwards: {_told(record.others[-1])}")


# Conversations


def _heavy(*steps: Step, opening: Opening = PLAIN) -> tuple[Step, ...]:
    """Return a conversation that has a heavy one on another connection."""
    return (Open(), Probe(), Crowd(1, (Open(opening), *steps)), Probe())


def _stress(name: str, title: str, steps: tuple[Step, ...], judge: Judge, first: str) -> Case:
    return case(f"stress/{name}", (first,), title, steps, judge, stress=True)


# Many fragments

_FRAGMENTS: Final = (
    _stress(
        "100000-fragments",
        "A message of 100 000 fragments of a byte comes back whole, or is refused.",
        _heavy(
            Send(
                text("x", fin=False) + continuation("y", fin=False) * 99_998 + continuation("z"),
                "100 000 fragments of a byte",
            ),
            Await("messages"),
            Probe(),
        ),
        _comes_back("100 000 fragments", lambda: [b"x" + b"y" * 99_998 + b"z"]),
        _DEFENCE,
    ),
    _stress(
        "100000-empty-fragments",
        "A message of 100 000 empty fragments comes back empty, or is refused.",
        _heavy(
            Send(
                text("", fin=False) + continuation("", fin=False) * 99_998 + continuation(""),
                "100 000 empty fragments",
            ),
            Await("messages"),
            Probe(),
        ),
        _comes_back("100 000 empty fragments", lambda: [b""]),
        _DEFENCE,
    ),
    _stress(
        "300000-fragments-without-end",
        "A message of 300 000 fragments that does not end does not keep others from being served.",
        _heavy(
            Send(text("x", fin=False) + continuation("y", fin=False) * 299_999, "no end"),
            Probe(),
        ),
        _tells("300 000 fragments"),
        _DEFENCE,
    ),
    _stress(
        "pings-between-fragments",
        "A Ping behind each of 20 000 fragments keeps nobody from being served.",
        _heavy(
            Send(
                text("x", fin=False)
                + (continuation("y", fin=False) + ping(b"between")) * 19_998
                + continuation("z"),
                "fragments and Pings",
            ),
            Await("messages"),
            Probe(),
        ),
        _comes_back("fragments and Pings", lambda: [b"x" + b"y" * 19_998 + b"z"]),
        _DEFENCE,
    ),
)


# Large messages

#: A key that leaves the payload as it is.
_CHUNK_KEY: Final = bytes(4)
#: A mebibyte of text.
_CHUNK: Final = b"0123456789abcdef" * (_MIB // 16)

_ANNOUNCED: Final = tuple(1 << power for power in (16, 18, 20, 22, 24, 26, 28, 31, 40))


def _large(mebibytes: int) -> Case:
    length = mebibytes * _MIB
    header = frame(TEXT, length=length, length_bytes=8, key=_CHUNK_KEY)
    return _stress(
        f"message-of-{mebibytes}-mib",
        f"A message of {mebibytes} MiB comes back as it was, or is refused.",
        _heavy(
            Send(header, f"the header of a frame of {length} bytes"),
            *[Send(_CHUNK, "1 MiB of its payload")] * mebibytes,
            Await("messages"),
            Probe(),
        ),
        _comes_back(f"{mebibytes} MiB", lambda: [_CHUNK * mebibytes]),
        _DEFENCE,
    )


_LARGE: Final = (
    _large(1),
    _large(4),
    _large(16),
    _stress(
        "sizes-announced",
        "Frames of growing sizes are announced, to see from which on they are refused.",
        (
            Open(),
            Probe(),
            *(
                Crowd(
                    1,
                    (
                        Open(),
                        Send(
                            frame(TEXT, length=size, length_bytes=8), f"the header of {size} bytes"
                        ),
                        HalfClose(),
                        Await("end"),
                    ),
                )
                for size in _ANNOUNCED
            ),
            Probe(),
        ),
        _limits,
        _LIMIT,
    ),
    _stress(
        "message-without-end",
        "There is a limit to the size of a message that comes in fragments of 1 MiB.",
        _heavy(
            Send(frame(TEXT, _CHUNK, fin=False, key=_CHUNK_KEY), "1 MiB, FIN 0"),
            *[Send(frame(CONTINUATION, _CHUNK, fin=False, key=_CHUNK_KEY), "1 MiB, FIN 0")] * 160,
            Probe(),
        ),
        _has_limit("161 MiB"),
        _LIMIT,
    ),
    _stress(
        "10000-messages",
        "Of 10 000 messages each comes back, in order.",
        _heavy(
            Send(b"".join(text(f"number {number}") for number in range(10_000)), "messages"),
            Await("messages", 10_000),
            Probe(),
        ),
        _comes_back("10 000 messages", lambda: [b"number %d" % number for number in range(10_000)]),
        _DEFENCE,
    ),
)


# Floods that nobody reads the answers to

_FLOODS: Final = (
    _stress(
        "ping-flood",
        "50 000 Pings one after the other keep nobody from being served.",
        _heavy(Send(ping(b"flood") * 50_000, "50 000 Pings"), Probe()),
        _tells("50 000 Pings"),
        _DEFENCE,
    ),
    _stress(
        "ping-flood-unread",
        "Pings whose Pongs are not read keep nobody else from being served.",
        _heavy(Send(ping(bytes(125)) * 60_000, "60 000 Pings of 125 bytes", deaf=True), Probe()),
        _tells("60 000 Pings whose Pongs are not read"),
        _DEFENCE,
    ),
    _stress(
        "messages-unread",
        "Messages whose echoes are not read come back later, or are refused.",
        _heavy(
            Send(text(_CHUNK[:65_536]) * 192, "192 messages of 64 KiB", deaf=True),
            Await("messages", 192),
            Probe(),
        ),
        _comes_back(
            "192 messages whose echoes are not read at first",
            lambda: [_CHUNK[:65_536]] * 192,
        ),
        _DEFENCE,
    ),
)


# Bombs


def _squeezed(mebibytes: int) -> bytes:
    """Compress so many MiB of text, to a thousandth of that."""
    squeezer = zlib.compressobj(9, wbits=-15)
    block = squeezer.compress(b"-" * _MIB) + squeezer.flush(zlib.Z_FULL_FLUSH)
    return (block * mebibytes)[:-4]


def bomb(mebibytes: int) -> tuple[Step, ...]:
    """Return steps that announce so many MiB, and then send them compressed.

    Each is done over a connection of its own; :func:`inflated_is_limited` judges them.
    """
    length = mebibytes * _MIB
    deflated = compressed(TEXT, _squeezed(mebibytes))
    return (
        Crowd(
            1,
            (
                Open(),
                Send(frame(TEXT, length=length, length_bytes=8), f"announces {length} bytes"),
                HalfClose(),
                Await("end"),
            ),
        ),
        Crowd(1, (Open(compressing()), Send(deflated, f"{mebibytes} MiB, compressed"), Probe())),
    )


def _in_fragments(deflated: bytes) -> bytes:
    starts = range(0, len(deflated), 1024)
    first, *rest = (deflated[start : start + 1024] for start in starts)
    last = rest.pop()
    return (
        compressed(TEXT, first, fin=False)
        + b"".join(continuation(part, fin=False) for part in rest)
        + continuation(last)
    )


def _bomb(mebibytes: int) -> Case:
    return case(
        f"stress/bomb-of-{mebibytes}-mib",
        (_INFLATED, _LIMIT),
        f"If a message of {mebibytes} MiB is too large, it is so if it comes compressed, too.",
        (
            Open(),
            Probe(),
            *bomb(mebibytes),
            Probe(),
        ),
        inflated_is_limited(f"{mebibytes} MiB"),
        needs=["deflate"],
        stress=True,
    )


_BOMBS: Final = (
    _bomb(17),
    _bomb(65),
    _bomb(256),
    case(
        "stress/bomb-of-empty-blocks",
        (_DEFENCE,),
        "A compressed message of 200 000 blocks with nothing in them keeps nobody from working.",
        _heavy(
            Send(compressed(TEXT, b"\x00\x00\x00\xff\xff" * 200_000 + b"\x00"), "empty blocks"),
            Await("messages"),
            Probe(),
            opening=compressing(),
        ),
        _comes_back("200 000 empty blocks", lambda: [b""]),
        needs=["deflate"],
        stress=True,
    ),
    case(
        "stress/bomb-in-fragments",
        (_INFLATED, _LIMIT),
        "There is a limit to the size of a compressed message in fragments of 1 KiB.",
        _heavy(
            Send(_in_fragments(_squeezed(256)), "256 MiB, compressed, in fragments of 1 KiB"),
            Probe(),
            opening=compressing(),
        ),
        _has_limit("256 MiB, compressed and in fragments"),
        needs=["deflate"],
        stress=True,
    ),
)


# Handshakes


def _request(name: str, how: str, opening: Opening) -> Case:
    return _stress(
        f"handshake-{name}",
        f"A handshake {how} is answered, whatever the answer.",
        (Crowd(1, (Open(opening),)), Open(), Probe()),
        _answers_in_time,
        "RFC6455-10.7-04",
    )


_HANDSHAKES: Final = (
    _request(
        "with-a-header-of-64-kib",
        "with a header of 64 KiB",
        Opening((adding("X-Wsref", "x" * 65_536),)),
    ),
    _request(
        "with-a-header-of-2-mib",
        "with a header of 2 MiB",
        Opening((adding("X-Wsref", "x" * (2 * _MIB)),)),
    ),
    *(
        _request(
            f"with-{number}-headers",
            f"with {number} headers",
            Opening(tuple(adding(f"X-Wsref-{index}", "x") for index in range(number))),
        )
        for number in (500, 5000)
    ),
    *(
        _request(
            f"with-{len(value)}-bytes-of-{name}",
            f"with {len(value)} bytes of {name.replace('-', ' ')} in {header}",
            Opening((replacing(header, value),)),
        )
        for name, header, value in (
            ("backslashes", "Sec-WebSocket-Extensions", 'x; y="' + "\\" * 7000),
            ("backslashes", "Sec-WebSocket-Extensions", 'x; y="' + "\\" * 50_000),
            ("quoted-pairs", "Sec-WebSocket-Extensions", 'x; y="' + "\\c" * 25_000),
            ("semicolons", "Sec-WebSocket-Extensions", "x" + ";" * 7000),
            ("spaces", "Sec-WebSocket-Protocol", "chat" + " " * 50_000 + "x"),
            ("spaces", "Sec-WebSocket-Protocol", "chat" + " " * 7000 + "x"),
            ("commas", "Sec-WebSocket-Protocol", "chat" + "," * 7000 + "x"),
            ("spaces", "Upgrade", "websocket" + " " * 7000 + "x"),
            ("base64", "Sec-WebSocket-Key", "A" * 7000),
        )
    ),
    case(
        "stress/slow-request",
        (_DEFENCE,),
        "A client that takes its time over its request keeps nobody else from being served.",
        (
            Send(b"GET / HTTP/1.1\r\n", "the first line of a request"),
            *(
                step
                for letter in b"Host: lo"
                for step in (Pause(20), Send(bytes([letter]), "a byte"))
            ),
            Crowd(3, (Open(), Probe())),
            HalfClose(),
            Await("end"),
        ),
        lambda record, _facts: _told_of_others(record, "while a request is under way"),
        opens=False,
        stress=True,
    ),
)


def _told_of_others(record: Record, when: str) -> Iterator[Finding]:
    """Say how many others were served."""
    served = sum(other.is_alive for other in record.others)
    yield info(_DEFENCE, f"{when} {served} of {len(record.others)} others were served")


# Many connections

_AFTERWARDS: Final = (Crowd(1, (Open(), Probe())), Probe())

_CROWDS: Final = (
    _stress(
        "100-connections",
        "100 connections at the same time are served.",
        (Open(), Probe(), Crowd(100, (Open(), Send(text("Hello"), "text"), Probe())), Probe()),
        _all_served("connections at the same time"),
        _DEFENCE,
    ),
    _stress(
        "500-connections",
        "500 connections, a hundred at a time, are served.",
        (Open(), Probe(), Crowd(500, (Open(), Probe())), Probe()),
        _all_served("connections"),
        _DEFENCE,
    ),
    *(
        _stress(
            f"100-resets-{name}",
            f"When 100 connections have been reset {when}, the server still serves others.",
            (Open(), Probe(), Crowd(100, (*steps, Abort())), *_AFTERWARDS),
            _new_one_served,
            _DEFENCE,
        )
        for name, when, steps in (
            ("before-anything", "before anything was said", ()),
            ("in-the-request", "within the request", (Send(b"GET / HTTP/1.1\r\nHo", "a part"),)),
            ("after-opening", "right after the opening handshake", (Open(),)),
            (
                "in-a-frame",
                "within a frame",
                (Open(), Send(text("Hello")[:-2], "a frame without its last bytes")),
            ),
            (
                "in-a-message",
                "within a message",
                (Open(), Send(text("Hel", fin=False), "a text message begins")),
            ),
            (
                "with-echoes-owed",
                "while they were owed an echo",
                (Open(), Send(text(_CHUNK[:60_000]), "a text message")),
            ),
        )
    ),
    _stress(
        "100-frames-announced",
        "When 100 connections have announced 2**62 bytes and stay open, others are still served.",
        (
            Open(),
            Probe(),
            Crowd(
                100,
                (
                    Open(),
                    Send(frame(TEXT, b"Hello", length=1 << 62, length_bytes=8), "2**62 bytes"),
                    Pause(100),
                ),
            ),
            *_AFTERWARDS,
        ),
        _new_one_served,
        _DEFENCE,
    ),
)


CASES: Final[tuple[Case, ...]] = (
    *_FRAGMENTS,
    *_LARGE,
    *_FLOODS,
    *_BOMBS,
    *_HANDSHAKES,
    *_CROWDS,
)
