"""How a connection is failed (RFC 6455 §7.1.7, §7.1.1, §7.2.2, §7.4.1).

Each kind of violation is told elsewhere, clause by clause; here it is what has to follow that
is looked at.  The server ends TCP, whatever the client does; before that it sends a Close
with a fitting status code, which must not be lost; and nothing that comes behind the violation
is processed any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from ...protocol.opcode import CLOSE, PONG, TEXT
from ..catalogue import Case, Facts, Judge, case
from ..conversation import (
    UNMASKED,
    Await,
    HalfClose,
    Open,
    Probe,
    Send,
    binary,
    close,
    continuation,
    frame,
    ping,
    text,
)
from ..judgements import all_of, close_of, end_of, fails, messages_of
from ..opening import Opening, compressing, replacing, with_method, without
from ..record import Record
from ..verdicts import Finding, Verdict, fail, info, warn
from .closing import ends_promptly
from .patterns import BAD_CLOSE_CODE, MOMENT, TYPE_CODES, forgives_reset

__all__ = ["CASES"]

_END: Final = "RFC6455-7.1.7-03"
_CLOSE: Final = "RFC6455-7.1.7-05"
_NOTHING_MORE: Final = "RFC6455-7.1.7-07"
_ORDERLY: Final = "RFC6455-7.1.1-01"
_NOT_DELIVERED: Final = "RFC6455-6.2-08"

_BEHIND: Final = b"behind"
_PING_AND_TEXT: Final = ping(_BEHIND) + text(_BEHIND)


class _Violation(NamedTuple):
    """Something that has to fail the connection.

    Attributes:
        name: for ids of cases.
        words: for people.
        data: the bytes.
        codes: the status codes that fit.
        starts: whether it begins a message, so that it is something else within another.
    """

    name: str
    words: str
    data: bytes
    codes: tuple[int, ...] = (1002,)
    starts: bool = False

    @property
    def is_of_content(self) -> bool:
        """Whether its frames are all right, but the message they are is not."""
        return self.codes == (1007,)

    @property
    def send(self) -> Send:
        """Send it."""
        return Send(self.data, self.words)


_OPCODE: Final = _Violation(
    "a-reserved-opcode", "a frame with the reserved opcode 3", frame(3, b"Hello")
)
_UNMASKED: Final = _Violation(
    "an-unmasked-frame", "a text frame that is not masked", frame(TEXT, b"Hello", key=UNMASKED)
)
_INVALID_TEXT: Final = _Violation(
    "invalid-text", "text that is not UTF-8", text(b"\xff"), (1007,), starts=True
)
_ILLEGAL_CLOSE: Final = _Violation("an-illegal-close", "a Close with 999", close(999))

#: All kinds that are short enough for something to come behind.
_VIOLATIONS: Final = (
    _UNMASKED,
    _Violation("an-unmasked-ping", "a Ping that is not masked", frame(9, b"Hello", key=UNMASKED)),
    _Violation("rsv1", "text with RSV1 set", text("Hello", rsv=4)),
    _Violation("rsv3", "text with RSV3 set", text("Hello", rsv=1)),
    _Violation("rsv2-of-a-ping", "a Ping with RSV2 set", ping(b"Hello", rsv=2)),
    _OPCODE,
    _Violation("a-reserved-control-opcode", "a frame with the reserved opcode 0xB", frame(11)),
    _INVALID_TEXT,
    _Violation(
        "a-cut-character", "text that ends within a character", text(b"\xc3"), (1007,), starts=True
    ),
    _Violation(
        "invalid-text-in-a-fragment",
        "text of two fragments that is not UTF-8",
        text("Hel", fin=False) + continuation(b"l\xff"),
        (1007,),
        starts=True,
    ),
    _Violation("a-long-ping", "a Ping of 126 bytes", ping(bytes(126))),
    _Violation("a-fragmented-ping", "a Ping with FIN 0", ping(b"Hello", fin=False)),
    _Violation("a-lone-continuation", "a continuation of nothing", continuation("Hello")),
    _Violation(
        "a-message-within-a-message",
        "the first fragment of a text message, and another text message",
        text("Hel", fin=False) + text("Hello"),
        starts=True,
    ),
    _ILLEGAL_CLOSE,
    _Violation("a-close-with-1005", "a Close with 1005", close(1005)),
    _Violation("a-close-of-one-byte", "a Close with a body of one byte", close(None, b"\x03")),
    _Violation(
        "an-illegal-reason",
        "a Close whose reason is not UTF-8",
        close(1000, b"\xff"),
        (1007, 1002),
    ),
)


def _fitting(violation: _Violation, *, has_more: bool = False, has_binary: bool = False) -> Judge:
    """Want a violation to fail the connection, with a fitting status code.

    Args:
        violation: what was sent.
        has_more: whether more came behind it; what is not read makes the kernel reset TCP.
        has_binary: whether binary data came before, which the service may not take.
    """
    tolerated = (*_tolerated(violation), *(TYPE_CODES if has_binary else ()))
    judge = fails(_END, *violation.codes, tolerated=tolerated)
    return forgives_reset(judge) if has_more else judge


def _tolerated(violation: _Violation) -> tuple[int, ...]:
    return (1002, 1007) if "close" in violation.name else ()


# TCP ends, though the client keeps its side open (§7.1.7)


def _is_over(violation: _Violation) -> Case:
    return case(
        f"7.1.7/tcp-ends-after-{violation.name}",
        (_END, _CLOSE, "RFC6455-10.7-03", "RFC6455-7.1.1-05"),
        f"The server ends TCP over {violation.words}, though the client keeps its side open.",
        [Open(), violation.send, Await("close"), Await("end")],
        all_of(_fitting(violation), ends_promptly),
    )


_OVER: Final = (
    *(_is_over(violation) for violation in _VIOLATIONS),
    case(
        "7.1.7/tcp-ends-after-messages-and-a-violation",
        (_END, _CLOSE),
        "The server ends TCP over a violation, whatever was said before.",
        [
            Open(),
            Send(text("Hello"), "a text message"),
            Send(ping(b"Hello"), "a Ping"),
            Await("messages"),
            Await("pongs"),
            _OPCODE.send,
            Await("close"),
            Await("end"),
        ],
        fails(_END, echo=[(TEXT, b"Hello")]),
    ),
    case(
        "7.1.7/tcp-ends-after-a-message-and-a-violation-in-one-segment",
        (_END, _CLOSE),
        "A violation in one segment with a message before it fails the connection.",
        [
            Open(),
            Send(text("Hello") + _OPCODE.data, f"a text message, then {_OPCODE.words}"),
            Await("close"),
            Await("end"),
        ],
        fails(_END, echo=[(TEXT, b"Hello")]),
    ),
    *(
        case(
            f"7.1.7/tcp-ends-after-{violation.name}-byte-by-byte",
            (_END, _CLOSE),
            f"The server ends TCP over {violation.words}, if it comes byte by byte as well.",
            [
                Open(),
                Send(violation.data, violation.words, bytewise=True),
                Await("close"),
                Await("end"),
            ],
            _fitting(violation, has_more=True),
        )
        for violation in (_UNMASKED, _OPCODE, _INVALID_TEXT, _ILLEGAL_CLOSE)
    ),
    case(
        "7.1.7/tcp-ends-when-the-client-has-ended-it",
        (_END,),
        "The server ends TCP over a violation that is the last that the client sends.",
        [Open(), _OPCODE.send, HalfClose(), Await("end")],
        fails(_END),
    ),
    case(
        "7.1.7/tcp-ends-after-rsv2-with-deflate",
        (_END, _CLOSE),
        "With permessage-deflate, too, the server ends TCP over a violation.",
        [
            Open(compressing()),
            Send(text("Hello", rsv=2), "text with RSV2 set"),
            Await("close"),
            Await("end"),
        ],
        fails(_END),
        needs=["deflate"],
    ),
)


# A Close comes first, and is not lost (§7.1.7, §7.1.1)


def _sends_close(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want a Close before the end of TCP: this is where its absence is more than a note."""
    if not record.closes and record.has_ended:
        yield fail(_CLOSE, f"the server {end_of(record)} over a violation, without a Close")
    else:
        yield from fails(_END)(record, facts)


def _close_survives(codes: Sequence[int]) -> Judge:
    """Want a Close and then the end of TCP in order, though much was left unread."""

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        del facts
        if record.was_reset and not record.closes:
            yield fail(_ORDERLY, "TCP was reset; if there was a Close, the reset destroyed it")
        elif record.was_reset:
            yield fail(_ORDERLY, "TCP was reset behind the Close, over what was not read")
        elif not record.has_ended:
            yield fail(_END, "TCP stays open over a violation")
        elif not record.closes:
            yield info(_CLOSE, "the server ended TCP without a Close frame")
        elif record.close_code is not None and record.close_code not in codes:
            yield info(_CLOSE, f"the server sent {close_of(record)}")

    return judge


#: More than a server reads at once.
_MUCH: Final = text(_BEHIND) * 30_000

_FIRST: Final = (
    case(
        "7.1.7/close-frame",
        (_CLOSE, "RFC6455-10.7-03"),
        "Before it ends TCP over a violation, a server says so by a Close.",
        [Open(), _OPCODE.send, Await("close"), Await("end")],
        _sends_close,
    ),
    case(
        "7.4.1/1002-for-a-protocol-error",
        ("RFC6455-7.4.1-04", _CLOSE),
        "The status code for frames that break the protocol is 1002.",
        [Open(), _OPCODE.send, Await("close"), Await("end")],
        fails("RFC6455-7.4.1-04", 1002),
    ),
    case(
        "7.4.1/1007-for-invalid-text",
        ("RFC6455-7.4.1-09", _CLOSE),
        "The status code for text that is not UTF-8 is 1007.",
        [Open(), _INVALID_TEXT.send, Await("close"), Await("end")],
        fails("RFC6455-7.4.1-09", 1007),
    ),
    *(
        case(
            f"7.1.1/close-is-not-lost-behind-{violation.name}",
            (_ORDERLY, _CLOSE),
            f"Though much comes behind {violation.words}, no reset destroys the Close.",
            [
                Open(),
                Send(violation.data + _MUCH, f"{violation.words}, and {len(_MUCH)} bytes more"),
                Await("close"),
                Await("end"),
            ],
            _close_survives((*violation.codes, *_tolerated(violation))),
        )
        for violation in (_UNMASKED, _OPCODE, _INVALID_TEXT, _ILLEGAL_CLOSE)
    ),
)


# Nothing is processed any more (§7.1.7)


def _processes_nothing(violation: _Violation) -> Judge:
    """Want what came behind a violation to have no effect."""
    rest = _fitting(violation, has_more=True)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        findings = list(_processed(record, facts, is_late=violation.is_of_content))
        yield from findings
        if all(finding.verdict is Verdict.INFO for finding in findings):
            yield from rest(record, facts)

    return judge


def _processed(record: Record, facts: Facts, *, is_late: bool = False) -> Iterator[Finding]:
    """Say what was processed of that which has the payload ``behind``.

    Args:
        record: the conversation.
        facts: what is known about the server.
        is_late: whether the violation may be noticed after frames behind it have been read, when
            the application takes the message; a Ping may have been answered until then.
    """
    answered = [
        index
        for index, received in enumerate(record.frames)
        if received.opcode == PONG and received.payload == _BEHIND
    ]
    noticed = [index for index, received in enumerate(record.frames) if received.opcode == CLOSE]
    if answered and is_late and noticed and answered[-1] < noticed[0]:
        yield info(
            _NOTHING_MORE, "a Ping behind the violation was answered before that was noticed"
        )
    elif answered:
        yield fail(_NOTHING_MORE, "a Ping behind the violation was answered")
    got = [message.payload for message in messages_of(record, facts)]
    if any(_BEHIND in payload for payload in got):
        yield fail(_NOTHING_MORE, "a message behind the violation was echoed")


def _is_not_answered(violation: _Violation) -> Judge:
    """Want a Close behind a violation not to be answered."""
    rest = _fitting(violation, has_more=True)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        if record.close_code == BAD_CLOSE_CODE or (
            record.close_code == 1000 and facts.failure_code != 1000
        ):
            message = f"a Close behind the violation was answered: {close_of(record)}"
            # Whoever looks at text when the application takes it may never have come to do so.
            gravity = warn if violation.is_of_content else fail
            yield gravity(_NOTHING_MORE, message)
        else:
            yield from rest(record, facts)

    return judge


def _later(violation: _Violation, name: str, what: str, data: bytes) -> Case:
    return case(
        f"7.1.7/{name}-after-the-close-over-{violation.name}",
        (_NOTHING_MORE, _END, "RFC6455-5.5.1-20"),
        f"When the server has failed the connection over {violation.words}, {what} is ignored.",
        [Open(), violation.send, Await("close"), Send(data, what), Await("end")],
        _processes_nothing(violation),
    )


_BEHIND_IT: Final = (
    *(
        case(
            f"7.1.7/nothing-is-processed-behind-{violation.name}",
            (_NOTHING_MORE, _END),
            f"A Ping and a message behind {violation.words}, in one segment, have no effect.",
            [
                Open(),
                Send(violation.data + _PING_AND_TEXT, f"{violation.words}, a Ping and a text"),
                MOMENT,
                Probe(),
            ],
            _processes_nothing(violation),
        )
        for violation in _VIOLATIONS
    ),
    *(
        case(
            f"7.1.7/text-is-not-processed-behind-{violation.name}",
            (_NOTHING_MORE, _END),
            f"A message behind {violation.words}, in one segment, is not echoed.",
            [
                Open(),
                Send(violation.data + text(_BEHIND), f"{violation.words}, and a text message"),
                MOMENT,
                Probe(),
            ],
            _processes_nothing(violation),
            needs=["echo"],
        )
        for violation in (_UNMASKED, _OPCODE, _INVALID_TEXT, _ILLEGAL_CLOSE)
    ),
    *(
        case(
            f"7.1.7/close-is-not-answered-behind-{violation.name}",
            (_NOTHING_MORE, "RFC6455-5.5.1-19", "RFC6455-5.5.1-20", _END),
            f"A Close behind {violation.words} is not answered: the server sends one of its own.",
            [
                Open(),
                Send(
                    violation.data + close(BAD_CLOSE_CODE),
                    f"{violation.words}, and a Close with {BAD_CLOSE_CODE}",
                ),
                Await("close"),
                Await("end"),
            ],
            _is_not_answered(violation),
        )
        for violation in _VIOLATIONS[::2]
    ),
    *(
        case(
            f"7.1.7/one-close-for-two-violations-{first.name}",
            ("RFC6455-5.5.1-20", _NOTHING_MORE, _END),
            f"Over {first.words} and {second.words}, in one segment, a server sends one Close.",
            [
                Open(),
                Send(first.data + second.data, f"{first.words}, then {second.words}"),
                Await("close"),
                Await("end"),
            ],
            forgives_reset(fails(_END, *first.codes, tolerated=(1002, 1007))),
        )
        for first, second in (
            (_OPCODE, _OPCODE),
            (_UNMASKED, _INVALID_TEXT),
            (_INVALID_TEXT, _ILLEGAL_CLOSE),
            (_ILLEGAL_CLOSE, _OPCODE),
        )
    ),
    case(
        "5.5.1/closes-that-cross",
        ("RFC6455-5.5.1-19", "RFC6455-5.5.1-20", _END),
        "When the Close of each side is sent before that of the other came, TCP ends.",
        [
            Open(),
            _OPCODE.send,
            Send(close(BAD_CLOSE_CODE), f"a Close with {BAD_CLOSE_CODE}, at once"),
            Await("close"),
            Await("end"),
        ],
        forgives_reset(fails("RFC6455-5.5.1-19")),
    ),
    *(
        _later(violation, name, what, data)
        for violation in (_OPCODE, _INVALID_TEXT, _ILLEGAL_CLOSE)
        for name, what, data in (
            ("close", "a Close in reply", close(1002)),
            ("ping-and-text", "a Ping and a text message", _PING_AND_TEXT),
            ("violation", "another violation", frame(3, b"again")),
        )
    ),
)


# What was unfinished is not delivered (§6.2)


def _delivers_nothing(violation: _Violation) -> Judge:
    """Want an unfinished message not to come back when the connection is failed."""
    rest = _fitting(violation, has_more=True, has_binary=True)

    def judge(record: Record, facts: Facts) -> Iterable[Finding]:
        if facts.echoes and messages_of(record, facts):
            return [fail(_NOT_DELIVERED, "the beginning of a message was echoed as if it were all")]
        return rest(record, facts)

    return judge


def _unfinished(violation: _Violation, name: str, what: str, begun: bytes) -> Case:
    return case(
        f"6.2/{name}-before-{violation.name}",
        (_NOT_DELIVERED, _NOTHING_MORE),
        f"What came of {what} is not delivered when {violation.words} fails the connection.",
        [Open(), Send(begun, f"{what} begins"), violation.send, Probe()],
        _delivers_nothing(violation),
    )


_UNFINISHED: Final = tuple(
    _unfinished(violation, name, what, begun)
    for violation in _VIOLATIONS
    if not violation.starts and violation.name != "a-lone-continuation"
    for name, what, begun in (
        ("text", "a text message", text("Hel", fin=False)),
        ("binary", "a binary message", binary(b"Hel", fin=False)),
    )
    if name == "binary" or violation in (_UNMASKED, _OPCODE, _ILLEGAL_CLOSE)
)


# Before the connection is open (§7.2.2)


def _says_http(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want no WebSocket frame where the opening handshake was refused."""
    del facts
    if record.is_open:
        yield info("RFC6455-7.2.2-01", "the handshake was accepted with 101")
        return
    behind = record.received
    if record.response is not None:
        length = record.response.get("Content-Length") or "0"
        body = int(length) if length.isascii() and length.isdecimal() else 0
        behind = behind[len(record.head) + body :]
    if behind[:1] in (b"\x88", b"\x81", b"\x89"):
        message = f"a WebSocket frame was sent though there is no connection: {behind[:8].hex(' ')}"
        yield fail("RFC6455-7.2.2-01", message)


_UNOPENED: Final = tuple(
    case(
        f"7.2.2/no-frame-{name}",
        ("RFC6455-7.2.2-01",),
        f"A handshake {how} is answered by HTTP or by the end of TCP, never by a frame.",
        [Open(opening)],
        _says_http,
        opens=False,
    )
    for name, how, opening in (
        ("without-a-key", "without a key", Opening((without("Sec-WebSocket-Key"),))),
        ("of-version-12", "of version 12", Opening((replacing("Sec-WebSocket-Version", "12"),))),
        ("without-upgrade", "without Upgrade", Opening((without("Upgrade"),))),
        ("by-post", "by POST", Opening((with_method("POST"),))),
    )
)


CASES: Final[tuple[Case, ...]] = (
    *_OVER,
    *_FIRST,
    *_BEHIND_IT,
    *_UNFINISHED,
    *_UNOPENED,
)
