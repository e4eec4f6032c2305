"""Control frames: their limits, Ping and Pong (RFC 6455 §5.5, §5.5.2, §5.5.3).

What a Close says, and what follows from it, is told elsewhere; here it is a frame that may be
too long or fragmented, like the other two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from ...protocol.opcode import BINARY, CLOSE, PING, PONG, TEXT
from ..catalogue import Case, Facts, Judge, case
from ..conversation import (
    Await,
    Open,
    Pause,
    Probe,
    Send,
    Step,
    binary,
    continuation,
    frame,
    ping,
    pong,
    text,
)
from ..judgements import all_of, echoes, fails, goes_on, messages_of
from ..record import Kind, Record
from ..verdicts import Finding, fail
from .patterns import (
    BAD_CLOSE_CODE,
    BINARY_ECHO,
    LIMIT_CODES,
    MOMENT,
    accepted,
    accepted_binary,
    answers_each,
    bears,
    fails_unanswered,
    forgives_reset,
    if_binary,
    pings_one_by_one,
    rejected,
    rejects_close,
    shown,
)

__all__ = ["CASES"]

_NAMES: Final = {PING: "ping", PONG: "pong", CLOSE: "close"}
_TITLES: Final = {PING: "A Ping", PONG: "A Pong", CLOSE: "A Close"}
_HELLO: Final = b"Hello"
_HELLO_ECHO: Final = (TEXT, _HELLO)
_BEGUN: Final = Send(text("Hel", fin=False), "a text message begins")
_FINISHED: Final = Send(continuation("lo"), "the end of the message")


def _payload(opcode: int, length: int) -> bytes:
    """Return so many bytes of payload, which make a legal body of a Close but for its length."""
    start = BAD_CLOSE_CODE.to_bytes(2, "big") if opcode == CLOSE else b""
    return (start + b"payload " * (length // 8 + 1))[:length]


def _rejects(clause: str, opcode: int, payload: bytes, *, tolerated: Sequence[int] = ()) -> Judge:
    """Want a control frame to fail the connection, and not to be answered."""
    if opcode == CLOSE:
        return rejects_close(clause)
    if opcode == PING:
        return fails_unanswered(clause, pong=payload, tolerated=tolerated)
    return fails(clause, tolerated=tolerated)


# Too long (§5.5)

_TOO_LONG: Final = "RFC6455-5.5-02"


def _oversized(
    opcode: Literal[8, 9, 10], length: int, form: Literal[2, 8], *before: Step, where: str = ""
) -> Case:
    payload = _payload(opcode, length)
    bits = {2: "16", 8: "64"}[form]
    return case(
        f"5.5/{_NAMES[opcode]}-of-{length}-bytes-in-{bits}-bits{where.replace(' ', '-')}",
        (_TOO_LONG, "RFC6455-10.7-01"),
        f"{_TITLES[opcode]} of {length} bytes fails the connection (length in {bits} bits){where}.",
        rejected(
            *before,
            Send(
                frame(opcode, payload, length_bytes=form),
                f"{_TITLES[opcode]} of {length} bytes, length in {bits} bits",
            ),
        ),
        forgives_reset(_rejects(_TOO_LONG, opcode, payload, tolerated=LIMIT_CODES)),
    )


_OVERSIZED: Final = (
    *(_oversized(opcode, 126, 2) for opcode in (PING, PONG, CLOSE)),
    *(_oversized(opcode, 126, 8) for opcode in (PING, PONG, CLOSE)),
    *(_oversized(opcode, 200, 2) for opcode in (PING, PONG, CLOSE)),
    *(_oversized(opcode, 65536, 8) for opcode in (PING, PONG)),
    _oversized(PING, 127, 2),
    _oversized(PING, 1000, 2),
    _oversized(PING, 126, 2, _BEGUN, where=" in mid-message"),
    _oversized(PONG, 126, 2, _BEGUN, where=" in mid-message"),
)


# Fragmented (§5.5)

_FRAGMENTED: Final = "RFC6455-5.5-03"


def _fragmented(opcode: Literal[8, 9, 10]) -> tuple[Case, ...]:
    """Send control frames with FIN clear."""
    name, title = _NAMES[opcode], _TITLES[opcode]
    payload = _payload(opcode, 5) if opcode != CLOSE else BAD_CLOSE_CODE.to_bytes(2, "big")

    def one(which: str, how: str, *steps: Step, pong: bytes = payload) -> Case:
        return case(
            f"5.5/fragmented-{name}{which}",
            (_FRAGMENTED, "RFC6455-10.7-01"),
            f"{title} with FIN clear fails the connection{how}.",
            rejected(*steps),
            _rejects(_FRAGMENTED, opcode, pong),
        )

    first = Send(frame(opcode, payload, fin=False), f"{title}, FIN 0")
    return (
        one("", "", first),
        one(
            "-and-its-end",
            ", continued or not",
            first,
            MOMENT,
            Send(continuation(""), "FIN 1, empty"),
        ),
        one("-in-mid-message", ", between fragments as well", _BEGUN, first, MOMENT, _FINISHED),
        one(
            "-and-its-end-in-one-segment",
            ", continued in the same segment",
            Send(frame(opcode, payload, fin=False) + continuation("end"), f"{title} in two frames"),
        ),
    )


_FRAGMENTS: Final = (
    *(one for opcode in (PING, PONG, CLOSE) for one in _fragmented(opcode)),
    case(
        "5.5/fragmented-empty-ping",
        _FRAGMENTED,
        "An empty Ping with FIN clear fails the connection.",
        rejected(Send(ping(fin=False), "an empty Ping, FIN 0")),
        fails(_FRAGMENTED),
    ),
    case(
        "5.5/fragmented-ping-after-a-message",
        _FRAGMENTED,
        "A Ping with FIN clear fails the connection, behind a valid message as well.",
        rejected(
            Send(text(_HELLO), "a text message"),
            Await("messages"),
            Send(ping(b"world", fin=False), "a Ping, FIN 0"),
        ),
        fails_unanswered(_FRAGMENTED, pong=b"world", echo=[_HELLO_ECHO]),
    ),
    case(
        "5.5/fragmented-ping-in-one-segment-with-a-message",
        _FRAGMENTED,
        "A Ping with FIN clear fails the connection, in one segment with a message as well.",
        rejected(Send(text(_HELLO) + ping(b"world", fin=False), "text, then a Ping with FIN 0")),
        fails_unanswered(_FRAGMENTED, pong=b"world", echo=[_HELLO_ECHO]),
    ),
)


# Ping (§5.5, §5.5.2, §5.5.3)

_REPEATS: Final = "RFC6455-5.5.3-01"
_ANSWERS: Final = "RFC6455-5.5.2-02"
_EVERY_BYTE: Final = tuple(bytes(range(256))[start : start + 125] for start in (0, 125, 250))

_PINGS: Final = (
    case(
        "5.5/ping-of-125-bytes",
        ("RFC6455-5.5-04", _REPEATS),
        "A Ping of 125 bytes is legal and answered.",
        pings_one_by_one(_payload(PING, 125)),
        answers_each("RFC6455-5.5-04", _payload(PING, 125), pong_requirement="RFC6455-5.5-04"),
    ),
    case(
        "5.5/pong-of-125-bytes",
        "RFC6455-5.5-04",
        "A Pong of 125 bytes is legal.",
        accepted(Send(pong(_payload(PONG, 125)), "a Pong of 125 bytes"), messages=0),
        goes_on("RFC6455-5.5-04"),
    ),
    case(
        "5.5.2/ping-right-away",
        (_ANSWERS, "RFC6455-5.5.2-04"),
        "A Ping is answered, even the first thing after the handshake.",
        pings_one_by_one(b"first"),
        answers_each(_REPEATS, b"first"),
    ),
    *(
        case(
            f"5.5.2/ping-of-{length}-bytes",
            (_ANSWERS, _REPEATS, "RFC6455-5.5.2-01"),
            f"A Ping of {length} bytes is answered.",
            pings_one_by_one(_payload(PING, length)),
            answers_each(_REPEATS, _payload(PING, length)),
        )
        for length in (0, 1, 2, 64, 124)
    ),
    case(
        "5.5.2/pings-between-messages",
        _ANSWERS,
        "Pings are answered behind and between messages, too.",
        [
            Open(),
            Send(text(_HELLO), "a text message"),
            Await("messages"),
            Send(ping(b"one"), "a Ping"),
            Await("pongs"),
            Send(text(_HELLO), "another text message"),
            Await("messages", 2),
            Send(ping(b"two"), "another Ping"),
            Await("pongs", 2),
            Probe(),
        ],
        all_of(
            answers_each(_REPEATS, b"one", b"two"), echoes("RFC6455-6.2-02", *[_HELLO_ECHO] * 2)
        ),
    ),
    case(
        "5.5.2/ping-in-one-segment-with-a-message",
        (_ANSWERS, "RFC6455-6.2-01"),
        "A Ping is answered that comes in one segment with a text message.",
        [
            Open(),
            Send(text(_HELLO) + ping(b"behind"), "a text message and a Ping"),
            Await("pongs"),
            Await("messages"),
            Probe(),
        ],
        all_of(answers_each(_REPEATS, b"behind"), echoes("RFC6455-6.2-01", _HELLO_ECHO)),
    ),
    case(
        "5.5.2/ping-in-one-segment-before-a-message",
        (_ANSWERS, "RFC6455-6.2-01"),
        "A Ping is answered that comes in one segment with a text message behind it.",
        [
            Open(),
            Send(ping(b"ahead") + text(_HELLO), "a Ping and a text message"),
            Await("pongs"),
            Await("messages"),
            Probe(),
        ],
        all_of(answers_each(_REPEATS, b"ahead"), echoes("RFC6455-6.2-01", _HELLO_ECHO)),
    ),
    case(
        "5.5.2/ping-behind-a-binary-message",
        _ANSWERS,
        "A Ping is answered that follows a binary message.",
        accepted_binary(
            Send(binary(b"\x00\x01") + ping(b"behind"), "a binary message and a Ping"),
            Await("pongs", 2),
        ),
        if_binary(
            all_of(
                answers_each(_REPEATS, b"behind"),
                echoes("RFC6455-6.2-01", BINARY_ECHO, (BINARY, b"\x00\x01")),
            )
        ),
    ),
    case(
        "5.5.2/ping-byte-by-byte",
        (_ANSWERS, "RFC6455-6.2-01"),
        "A Ping is answered that comes byte by byte.",
        [Open(), Send(ping(b"slowly"), "a Ping", bytewise=True), Await("pongs"), Probe()],
        answers_each(_REPEATS, b"slowly"),
    ),
    case(
        "5.5.2/ping-of-every-byte",
        (_REPEATS, "RFC6455-5.5.2-01"),
        "A Pong repeats bytes of every value.",
        pings_one_by_one(*_EVERY_BYTE),
        answers_each(_REPEATS, *_EVERY_BYTE),
    ),
)

_UNUSUAL_PAYLOADS: Final = {
    "of-one-nul": (b"\x00", "a NUL"),
    "with-nul-inside": (b"one\x00two", "a NUL between letters"),
    "ending-in-nul": (b"one\x00\x00", "NULs at its end"),
    "of-blanks": (b" \t one \r\n", "blanks around it"),
    "of-utf8": ("κόσμε".encode(), "Greek in UTF-8"),
    "of-invalid-utf8": (b"\xff\xfe\xed\xa0\x80", "bytes that are no UTF-8"),
    "of-a-frame": (text("x", key=b"abcd"), "bytes that look like a frame"),
}


def _numbered_pings(count: int, width: int = 2) -> tuple[bytes, ...]:
    return tuple(b"ping %0*d" % (width, number) for number in range(1, count + 1))


_TEN: Final = _numbered_pings(10)


def _answers_last(*payloads: bytes) -> Judge:
    """Want Pongs for some of these Pings in order, the last among them."""
    stays_open = goes_on(_ANSWERS)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        pongs = dict.fromkeys(one.payload for one in record.pongs)
        got = [payload for payload in pongs if payload in payloads]
        probes = record.probes.values()
        others = [
            one.payload
            for one in record.pongs
            if one.payload not in payloads and one.payload not in probes
        ]
        order = [payloads.index(payload) for payload in got]
        if order != sorted(order):
            yield fail(_REPEATS, "the Pongs are not in the order of the Pings")
        elif payloads[-1] in got:
            yield from stays_open(record, facts)
        elif others:
            yield fail(_REPEATS, f"a Pong has {shown(others[0])}, which no Ping had")
        elif record.closes or record.has_ended:
            yield from stays_open(record, facts)
        else:
            yield fail(_ANSWERS, f"the last of {len(payloads)} Pings was not answered")

    return judge


def _awaiting_last(*steps: Step) -> tuple[Step, ...]:
    """Say something that ends in a Ping, and wait for any Pong before the probe."""
    return (Open(), *steps, Await("pongs"), Pause(), Probe())


_SEVERAL_PINGS: Final = (
    *(
        case(
            f"5.5.3/ping-{name}",
            _REPEATS,
            f"A Pong repeats a payload with {what}.",
            pings_one_by_one(payload),
            answers_each(_REPEATS, payload),
        )
        for name, (payload, what) in _UNUSUAL_PAYLOADS.items()
    ),
    case(
        "5.5.3/ten-pings-one-by-one",
        (_REPEATS, _ANSWERS),
        "Ten Pings, each sent when the last was answered, are all answered.",
        pings_one_by_one(*_TEN),
        answers_each(_REPEATS, *_TEN),
    ),
    case(
        "5.5.3/pings-of-falling-length",
        _REPEATS,
        "No Pong has anything of an earlier Ping in it.",
        pings_one_by_one(_payload(PING, 125), b"a shorter one", b"x", b"", b"y"),
        answers_each(_REPEATS, _payload(PING, 125), b"a shorter one", b"x", b"", b"y"),
    ),
    case(
        "5.5.3/same-ping-twice",
        (_ANSWERS, _REPEATS),
        "A Ping with the payload of an earlier one is answered, too.",
        pings_one_by_one(b"again", b"again"),
        answers_each(_REPEATS, b"again", b"again"),
    ),
    case(
        "5.5.3/ten-pings-in-one-segment",
        (_REPEATS, "RFC6455-5.5.3-02", _ANSWERS),
        "Of ten Pings in one segment at least the last is answered, and none out of order.",
        _awaiting_last(Send(b"".join(map(ping, _TEN)), "ten Pings in one segment")),
        _answers_last(*_TEN),
    ),
    case(
        "5.5.3/ten-pings-in-a-row",
        (_REPEATS, "RFC6455-5.5.3-02", _ANSWERS),
        "Of ten Pings in a row at least the last is answered, and none out of order.",
        _awaiting_last(*(Send(ping(payload), payload.decode()) for payload in _TEN)),
        _answers_last(*_TEN),
    ),
    case(
        "5.5.3/pings-between-messages-in-one-segment",
        (_REPEATS, "RFC6455-5.5.3-02"),
        "Pings and messages in one segment do not get into each other's way.",
        [
            Open(),
            Send(
                ping(b"ping 01") + text("one") + ping(b"ping 02") + text("two") + ping(b"ping 03"),
                "three Pings, two text messages between them",
            ),
            Await("pongs"),
            Await("messages", 2),
            Pause(),
            Probe(),
        ],
        all_of(
            _answers_last(*_TEN[:3]),
            echoes("RFC6455-6.2-02", (TEXT, b"one"), (TEXT, b"two")),
        ),
    ),
)


# Pongs in time (§5.5.2)

_BETWEEN: Final = b"between"


_PROMPT: Final = "RFC6455-5.5.2-03"
#: A Pong takes this long at the most, in seconds, and times what the handshake took.
_PROMPT_SECONDS: Final = 0.3
_PROMPT_HANDSHAKES: Final = 5.0


def _answers_promptly(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want a Pong in about the time that the opening handshake took."""
    yield from answers_each(_REPEATS, _BETWEEN)(record, facts)
    opened = next((entry.time for entry in record.entries if entry.kind is Kind.RECEIVED), 0.0)
    limit = _PROMPT_SECONDS + _PROMPT_HANDSHAKES * opened
    for received in record.pongs:
        if received.payload == _BETWEEN:
            took = received.time - record.time_of_step(1)
            if took > limit:
                yield fail(_PROMPT, f"the Pong took {took:.1f} s, the handshake {opened:.3f} s")
            break


def _answers_at_once(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want a Ping of mid-message to be answered before the message goes on."""
    yield from answers_each(_REPEATS, _BETWEEN)(record, facts)
    for received in record.pongs:
        if received.payload == _BETWEEN:
            if received.step > _AWAITS_PONG and _AWAITS_PONG in record.timeouts:
                yield fail(_PROMPT, "the Pong came only when the message was finished")
            break


_AWAITS_PONG: Final = 3  # the step of the case below

_IN_TIME: Final = (
    case(
        "5.5.2/ping-in-mid-message-at-once",
        ("RFC6455-5.5.2-03", "RFC6455-5.4-08", _ANSWERS),
        "A Ping between fragments is answered before the message is finished.",
        [
            Open(),
            _BEGUN,
            Send(ping(_BETWEEN), "a Ping"),
            Await("pongs"),
            _FINISHED,
            Await("messages"),
            Await("pongs"),
            Probe(),
        ],
        all_of(_answers_at_once, echoes("RFC6455-5.4-08", _HELLO_ECHO)),
    ),
    case(
        "5.5.2/pong-is-prompt",
        (_PROMPT, _ANSWERS),
        "A Pong takes about as long as the answer to the opening handshake.",
        [Open(), Send(ping(_BETWEEN), "a Ping"), *[Await("pongs")] * 3, Probe()],
        _answers_promptly,
    ),
)


# Pong (§5.5.3)

_UNASKED: Final = "RFC6455-5.5.3-03"
_NOT_ANSWERED: Final = "RFC6455-5.5.3-04"


def _unanswered(*payloads: bytes) -> Judge:
    """Want Pongs not to be answered, and the connection to go on."""
    stays_open = goes_on(_UNASKED, gravity=bears)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        for received in (*record.pongs, *record.pings, *record.closes):
            if received.payload in payloads:
                yield fail(_NOT_ANSWERED, f"the Pong was answered: {shown(received.payload)}")
                return
        if facts.echoes:
            for message in messages_of(record, facts):
                if message.payload in payloads:
                    yield fail("RFC6455-6.2-02", "the Pong was echoed as if it were a message")
                    return
        yield from stays_open(record, facts)

    return judge


def _unsolicited(name: str, what: str, payload: bytes, *, needs: Sequence[Step] = ()) -> Case:
    return case(
        f"5.5.3/unsolicited-pong{name}",
        (_NOT_ANSWERED, _UNASKED) if payload else (_UNASKED, _NOT_ANSWERED),
        f"{what} that nobody asked for is taken without a reply.",
        accepted(*needs, Send(pong(payload), "a Pong"), messages=0),
        _unanswered(payload) if payload else goes_on(_UNASKED, gravity=bears),
    )


_PONGS: Final = (
    _unsolicited("-empty", "An empty Pong", b""),
    _unsolicited("", "A Pong", b"unsolicited"),
    _unsolicited("-of-124-bytes", "A Pong of 124 bytes", _payload(PONG, 124)),
    _unsolicited("-of-invalid-utf8", "A Pong of bytes that are no UTF-8", b"\xff\xfe\xed\xa0\x80"),
    case(
        "5.5.3/unsolicited-pong-after-traffic",
        (_NOT_ANSWERED, _UNASKED),
        "A Pong that nobody asked for is taken without a reply, behind messages as well.",
        [
            Open(),
            Send(text(_HELLO) + ping(b"asked"), "a text message and a Ping"),
            Await("messages"),
            Await("pongs"),
            Send(pong(b"unsolicited"), "a Pong"),
            Probe(),
        ],
        all_of(_unanswered(b"unsolicited"), echoes(_UNASKED, _HELLO_ECHO, gravity=bears)),
    ),
    case(
        "5.5.3/unsolicited-pongs-in-one-segment",
        (_NOT_ANSWERED, _UNASKED),
        "Pongs that nobody asked for are taken without a reply, several at once as well.",
        accepted(
            Send(b"".join(pong(b"pong %d" % number) for number in range(5)), "five Pongs"),
            Send(text(_HELLO), "a text message"),
        ),
        all_of(
            _unanswered(*(b"pong %d" % number for number in range(5))),
            echoes(_UNASKED, _HELLO_ECHO, gravity=bears),
        ),
    ),
    case(
        "5.5.3/unsolicited-pong-before-a-ping",
        (_NOT_ANSWERED, _UNASKED),
        "Of a Pong and a Ping only the Ping is answered.",
        [
            Open(),
            Send(pong(b"unsolicited") + ping(b"asked"), "a Pong and a Ping in one segment"),
            Await("pongs"),
            Probe(),
        ],
        all_of(_unanswered(b"unsolicited"), answers_each(_REPEATS, b"asked")),
    ),
    case(
        "5.5.3/unsolicited-pong-in-mid-message",
        (_UNASKED, _NOT_ANSWERED, "RFC6455-5.4-08"),
        "A Pong between fragments does not disturb the message.",
        accepted(_BEGUN, Send(pong(b"unsolicited"), "a Pong"), _FINISHED),
        all_of(_unanswered(b"unsolicited"), echoes("RFC6455-5.4-08", _HELLO_ECHO)),
    ),
    case(
        "5.5.3/empty-pong-in-mid-message",
        (_UNASKED, "RFC6455-5.4-08"),
        "An empty Pong between fragments does not disturb the message.",
        accepted(_BEGUN, Send(pong(), "an empty Pong"), _FINISHED),
        echoes("RFC6455-5.4-08", _HELLO_ECHO),
    ),
)

CASES: Final[tuple[Case, ...]] = (
    *_OVERSIZED,
    *_FRAGMENTS,
    *_PINGS,
    *_IN_TIME,
    *_SEVERAL_PINGS,
    *_PONGS,
)
