"""The closing handshake and its status codes (RFC 6455 §5.5.1, §7.1 to §7.4, §5.4, §6.2).

The checker sends a Close, of each kind that there is, and wants one in reply and then the end of
TCP.  What a Close may hold is told first, then what may come before, within and behind
it, and last who ends TCP and when.  A Close that is illegal has to fail the connection
instead; how connections are failed is the subject of :mod:`.failing`.

A reply may have any legal status code, or none.  So a legal Close counts as refused only if the
reply says 1002 or 1007, and an illegal one as accepted only if the reply repeats its code, says
1000, or says nothing at a server that gives a code when it fails a connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from ...protocol.opcode import BINARY, CLOSE, PING, PONG, TEXT
from ...protocol.status import is_legal_on_the_wire
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
    compressed,
    continuation,
    frame,
    ping,
    text,
)
from ..judgements import Gravity, all_of, close_of, closes, end_of, fails, messages_of
from ..opening import PLAIN, Opening, compressing
from ..record import Entry, Kind, Record
from ..verdicts import Finding, fail, info, warn
from .patterns import (
    BINARY_ECHO,
    forgives_reset,
    if_binary,
    twin_content,
    twin_of,
    up_to_limit,
)

__all__ = [
    "CASES",
    "REPLY",
    "answers",
    "ends_promptly",
    "ignores_rest",
    "rejects_body",
    "replies_promptly",
]

#: To answer a Close by a Close; to end TCP then; and what is refused.
REPLY: Final = "RFC6455-5.5.1-10"
_END: Final = "RFC6455-5.5.1-15"
_ORDERLY: Final = "RFC6455-7.1.1-01"
_DATA_ONLY: Final = "RFC6455-6.2-02"

#: The status codes that say that something was wrong with what came.
_REFUSALS: Final = (1002, 1007)

#: A reply, or the end of TCP, that takes longer than this is late, in seconds; the RFC has no
#: number.  Round trips are added.
_PROMPT: Final = 1.0
_ROUND_TRIPS: Final = 20

_BEHIND: Final = b"behind"


# Judges


def answers(
    requirement: str,
    code: int | None,
    *,
    lenient: bool = False,
    needs_end: bool = True,
    refused: Gravity = warn,
) -> Judge:
    """Want a legal Close to be answered, and TCP to end.

    Args:
        requirement: the clause that makes it legal.
        code: its status code.
        lenient: whether a server may drop TCP instead, as one does that refuses the code.
        needs_end: whether to want the end of TCP, too.
        refused: how bad a reply is by which a violation is answered.
    """
    completes = closes(REPLY, gravity=warn if lenient else fail, needs_end=needs_end)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        yield from completes(record, facts)
        reply = record.close_code
        if reply in _REFUSALS and reply != code:
            yield refused(requirement, f"it was refused: the reply is {close_of(record)}")
        elif record.closes and reply not in (code, 1000, None):
            yield info("RFC6455-5.5.1-12", f"the reply is {close_of(record)}")

    return judge


def rejects_body(
    requirement: str,
    code: int | None,
    *fitting: int,
    gravity: Gravity = fail,
    echo: Sequence[tuple[int, bytes]] = (),
) -> Judge:
    """Want a Close with an illegal body to fail the connection.

    Args:
        requirement: the clause that makes it illegal.
        code: the status code of the Close; None if it has none.
        fitting: the status codes to fail with; both of 1002 and 1007 will do.
        gravity: how bad it is to accept it; to leave it unanswered is always bad.
        echo: messages that may come back before.

    The end of TCP is not waited for: :mod:`.failing` does that.
    """
    rest = fails(requirement, *fitting, tolerated=_REFUSALS, echo=echo)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        if record.closes and _accepts(record, facts, code):
            reply = record.close_code
            what = "repeated" if reply == code and code is not None else "answered as if legal"
            yield gravity(requirement, f"it was {what}: {close_of(record)}")
            return
        for finding in rest(record, facts):
            if not record.closes or finding.requirement != "RFC6455-7.1.7-03":
                yield finding

    return judge


def _accepts(record: Record, facts: Facts, code: int | None) -> bool:
    """Whether the reply to an illegal Close is one to a legal Close."""
    reply = record.close_code
    return reply in (code, 1000, None) and (reply or 0) != facts.failure_code


def ignores_rest(requirement: str, *before: tuple[int, bytes], reply: Judge) -> Judge:
    """Want what comes behind a Close to be ignored.

    A Ping and messages behind the Close have the payload ``behind``.

    Args:
        requirement: the clause that wants it.
        before: the messages sent before the Close, which may be echoed, or not.
        reply: what to want of the closing handshake itself.
    """
    completes = forgives_reset(reply)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        if record.was_reset and not record.closes:
            message = "TCP was reset over what came behind the Close, which would destroy the reply"
            yield warn(_ORDERLY, message)
        else:
            yield from completes(record, facts)
        got = [message.content for message in messages_of(record, facts)]
        if any(_BEHIND in payload for _opcode, payload in got):
            yield fail(requirement, "a message that came behind the Close was echoed")
        elif facts.echoes and not _is_subsequence(got, before):
            message = f"{len(got)} messages came back that are not those sent before the Close"
            yield fail(requirement, message)
        if any(pong.payload == _BEHIND for pong in record.pongs):
            yield warn("RFC6455-5.5.2-02", "a Ping that came behind the Close was answered")

    return judge


def _is_subsequence(some: Sequence[tuple[int, bytes]], every: Sequence[tuple[int, bytes]]) -> bool:
    rest = iter(every)
    return all(one in rest for one in some)


def _delivers_nothing(requirement: str) -> Judge:
    """Want an unfinished message not to come back."""

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        if facts.echoes and messages_of(record, facts):
            yield fail(requirement, "the beginning of a message was echoed as if it were all")

    return judge


def _delivers_no_reason(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want the reason of a Close not to be taken for a message."""
    if facts.echoes and messages_of(record, facts):
        yield fail(_DATA_ONLY, "the reason of the Close was echoed as a message")


def replies_promptly(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want the reply to a Close to come at once."""
    for reply in record.closes[:1]:
        asked = _last_before(record, Kind.SENT, reply.time)
        if asked is not None and _is_late(reply.time - asked.time, facts):
            seconds = reply.time - asked.time
            yield fail("RFC6455-5.5.1-11", f"the reply took {seconds:.1f} s")


def ends_promptly(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want TCP to end as soon as the Closes have been exchanged."""
    ends = [entry for entry in record.entries if entry.kind in (Kind.END, Kind.RESET)]
    for reply in record.closes[:1]:
        if ends and _is_late(ends[0].time - reply.time, facts):
            seconds = ends[0].time - reply.time
            yield warn("RFC6455-7.1.1-05", f"TCP ended {seconds:.1f} s after the Close")


def _last_before(record: Record, kind: Kind, time: float) -> Entry | None:
    earlier = [entry for entry in record.entries if entry.kind is kind and entry.time <= time]
    return earlier[-1] if earlier else None


def _is_late(seconds: float, facts: Facts) -> bool:
    return seconds > _PROMPT + _ROUND_TRIPS * facts.round_trip


def _ends(requirement: str) -> Judge:
    """Want TCP to end when the checker has ended its side without a Close."""

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        del facts
        if not record.has_ended:
            yield warn(requirement, "the client has ended TCP, but the server does not")

    return judge


# Conversations


def _closing(*steps: Step, opening: Opening = PLAIN) -> tuple[Step, ...]:
    """Return a conversation of which a Close is the last step."""
    return (Open(opening), *steps, Await("close"), Await("end"))


#: What closes the connection of a service that takes no binary messages; see `if_binary`.
_TAKES_BINARY: Final = (Send(binary(b"\x00"), "binary"), Await("messages"), Probe())


def _answering(*steps: Step) -> tuple[Step, ...]:
    """Return a conversation about the answer to a Close, whatever becomes of TCP."""
    return (Open(), *steps, Await("close"))


def _send(code: int | None, reason: str | bytes = b"", *, what: str = "") -> Send:
    said = "an empty Close" if code is None else f"a Close with {code}"
    return Send(close(code, reason), what or said)


_NORMAL: Final = _send(1000)
_ANSWERS: Final = answers(REPLY, 1000)
#: The same, with something behind the Close, which servers may take amiss.
_ANSWERS_FIRST: Final = answers(REPLY, 1000, refused=info)


# Legal status codes (§7.4)

#: Code and the clause that makes it legal.
_LEGAL_CODES: Final = {
    1000: "RFC6455-7.4.1-02",
    1001: "RFC6455-7.4.1-03",
    1002: "RFC6455-7.4.1-01",
    1003: "RFC6455-7.4.1-01",
    1007: "RFC6455-7.4.1-01",
    1008: "RFC6455-7.4.1-01",
    1009: "RFC6455-7.4.1-01",
    1010: "RFC6455-7.4.1-01",
    1011: "RFC6455-7.4.1-15",
    1012: "RFC6455-7.4.2-03",
    1013: "RFC6455-7.4.2-03",
    1014: "RFC6455-7.4.2-03",
    3000: "RFC6455-7.4.2-04",
    3001: "RFC6455-7.4.2-04",
    3003: "RFC6455-7.4.2-04",
    3500: "RFC6455-7.4.2-04",
    3999: "RFC6455-7.4.2-04",
    4000: "RFC6455-7.4.2-05",
    4001: "RFC6455-7.4.2-05",
    4500: "RFC6455-7.4.2-05",
    4999: "RFC6455-7.4.2-05",
}


def _legal_code(code: int, requirement: str) -> Case:
    section = requirement.removeprefix("RFC6455-").rpartition("-")[0]
    return case(
        f"{section}/close-{code}",
        (requirement, REPLY, "RFC6455-5.5.1-12"),
        f"A Close with the status code {code} is answered by a Close.",
        _answering(_send(code)),
        answers(requirement, code, lenient=1010 <= code <= 1014, needs_end=False),
    )


_LEGAL: Final = (
    *(_legal_code(code, requirement) for code, requirement in _LEGAL_CODES.items()),
    *(
        case(
            f"7.4/close-{code}-with-a-reason",
            ("RFC6455-7.4-01", "RFC6455-5.5.1-04", REPLY),
            f"A Close with the status code {code} and a reason is answered by a Close.",
            _answering(_send(code, "for a reason", what=f"a Close with {code} and a reason")),
            answers("RFC6455-5.5.1-04", code, needs_end=False),
        )
        for code in (1001, 1008, 3000, 4000)
    ),
)


# Illegal status codes (§7.4)


def _clause_of(code: int) -> tuple[str, Gravity]:
    """Return the clause about an illegal status code, and how bad it is to accept it."""
    if code < 1000:
        return "RFC6455-7.4.2-01", fail
    if code >= 5000:
        return "RFC6455-7.4.2-06", warn
    if code > 1015:
        return "RFC6455-7.4.2-02", warn
    number = {1004: "06", 1005: "07", 1006: "08", 1015: "16"}[code]
    return f"RFC6455-7.4.1-{number}", fail


def _illegal(
    code: int, name: str, judge: Judge, reason: str | bytes = b"", *before: Step, how: str = ""
) -> Case:
    requirement = _clause_of(code)[0]
    section = requirement.removeprefix("RFC6455-").rpartition("-")[0]
    return case(
        f"{section}/{name}",
        (requirement, "RFC6455-10.7-01"),
        f"A Close with the status code {code}{how} fails the connection.",
        _answering(*before, _send(code, reason, what=f"a Close with {code}{how}")),
        judge,
    )


def _illegal_code(code: int) -> Case:
    requirement, gravity = _clause_of(code)
    judge = rejects_body(requirement, code, gravity=gravity)
    if code == 1004:
        judge = _rejects_1004
    return _illegal(code, f"illegal-close-{code}", judge)


def _rejects_1004(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want 1004 to fail the connection: to repeat it is an error, to accept it is unwise."""
    repeated = record.close_code == 1004
    judge = rejects_body("RFC6455-7.4.1-06", 1004, gravity=fail if repeated else warn)
    yield from judge(record, facts)


_ILLEGAL_CODES: Final = (
    *(0, 1, 100, 256, 500, 998, 999),
    *(1004, 1005, 1006, 1015),
    *(1016, 1017, 1100, 1500, 1999, 2000, 2500, 2999),
    *(5000, 5001, 9999, 32768, 59395, 65535),
)

_ILLEGAL: Final = (
    *(_illegal_code(code) for code in _ILLEGAL_CODES),
    *(
        _illegal(
            code,
            f"illegal-close-{code}-with-a-reason",
            rejects_body(_clause_of(code)[0], code, gravity=_clause_of(code)[1]),
            "for a reason",
            how=" and a reason",
        )
        for code in (999, 1005, 1006, 1015, 2000, 5000)
    ),
    *(
        _illegal(
            code,
            f"illegal-close-{code}-with-an-illegal-reason",
            rejects_body(_clause_of(code)[0], code, 1002, 1007, gravity=_clause_of(code)[1]),
            b"\xff",
            how=" and a reason that is not UTF-8",
        )
        for code in (999, 1006)
    ),
    *(
        _illegal(
            code,
            f"illegal-close-{code}-in-mid-message",
            rejects_body(_clause_of(code)[0], code),
            b"",
            Send(text("Hel", fin=False), "a text message begins"),
            how=" within a message",
        )
        for code in (999, 1005)
    ),
    case(
        "5.5.1/code-is-big-endian",
        ("RFC6455-5.5.1-02", "RFC6455-7.4.2-01"),
        "The status code 12 is illegal; its bytes the other way round would be 3072, which is not.",
        _answering(_send(12)),
        rejects_body("RFC6455-5.5.1-02", 12),
    ),
    case(
        "5.5.1/code-has-two-bytes",
        ("RFC6455-5.5.1-02", "RFC6455-7.4.2-01"),
        "A status code has two bytes, not the four of digits: '10' is 12592, and illegal.",
        _answering(Send(close(None, b"1000"), "a Close whose body is the text 1000")),
        rejects_body("RFC6455-5.5.1-02", 0x3130, gravity=warn),
    ),
)


# The body of a Close (§5.5.1)

_REASONS: Final = {
    "of-one-byte": ("x", "of one byte"),
    "of-ascii": ("going home", "of ASCII"),
    "of-several-scripts": ("Tschüß, до свидания, さようなら, 👋", "of several scripts"),
    "of-122-bytes": ("x" * 122, "of 122 bytes"),
    "of-123-bytes": ("123456789 " * 12 + "end", "of 123 bytes"),
    "of-123-bytes-of-utf8": ("€" * 41, "of 123 bytes in 41 characters"),
    "of-122-bytes-of-utf8": ("xx" + "€" * 40, "of 122 bytes in 42 characters"),
    "of-121-bytes-of-utf8": ("x" + "€" * 40, "of 121 bytes in 41 characters"),
    "of-two-byte-characters": ("é" * 61, "of 122 bytes in 61 characters"),
    "of-two-byte-characters-behind-a-letter": ("x" + "é" * 61, "of 123 bytes in 62 characters"),
    "of-four-byte-characters": ("👋" * 30, "of 120 bytes in 30 characters"),
    "with-control-characters": ("a\x00b\r\nc\x7f", "with control characters"),
    "with-the-first-and-last-characters": ("\x00\u07ff\u0800\ufeff\uffff\U0010ffff", "of extremes"),
    "like-a-format": ("%s%n{0}\\x00</reason>", "that looks like a format"),
}

_ILLEGAL_REASONS: Final = {
    "lone-continuation": b"\x80",
    "letters-and-a-lone-continuation": b"bye\xbf",
    "two-byte-character-cut": b"bye\xc3",
    "three-byte-character-cut": b"bye\xe2\x82",
    "four-byte-character-cut": b"bye\xf0\x9f\x91",
    "character-cut-within": b"\xe2\x82bye",
    "surrogate": b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80",
    "pair-of-surrogates": b"\xed\xa0\xbd\xed\xb1\x8b",
    "overlong-nul": b"\xc0\x80",
    "overlong-slash": b"\xc0\xaf",
    "overlong-in-three-bytes": b"\xe0\x80\xaf",
    "overlong-in-four-bytes": b"\xf0\x80\x80\xaf",
    "above-10ffff": b"\xf4\x90\x80\x80",
    "five-bytes": b"\xf8\x88\x80\x80\x80",
    "ff": b"\xff",
    "fe-within": b"by\xfee",
    "latin-1": "adiós".encode("latin-1"),
    "at-byte-123": b"x" * 122 + b"\xff",
    "character-cut-at-byte-123": b"x" * 121 + b"\xe2\x82",
}


def _illegal_reason(name: str, reason: bytes, code: int) -> Case:
    requirement = "RFC6455-5.5.1-05"
    behind = "" if code == 1000 else f"-with-{code}"
    return case(
        f"5.5.1/illegal-reason-{name}{behind}",
        (requirement, "RFC6455-10.7-01"),
        f"A Close with {code} and a reason that is not UTF-8 ({name.replace('-', ' ')}) fails.",
        _answering(_send(code, reason, what=f"a Close with {code} and a reason that is not UTF-8")),
        rejects_body(requirement, code, 1007),
    )


def _one_byte(
    byte: int, *before: Step, name: str = "", echo: Sequence[tuple[int, bytes]] = ()
) -> Case:
    requirement = "RFC6455-5.5.1-03"
    return case(
        f"5.5.1/body-of-one-byte-{byte:02x}{name}",
        (requirement, "RFC6455-5.5.1-02", "RFC6455-10.7-01"),
        f"A Close whose body is the byte {byte:02X} fails the connection.",
        _answering(*before, Send(close(None, bytes([byte])), f"a Close with the byte {byte:02X}")),
        rejects_body(requirement, None, echo=echo),
    )


_BODIES: Final = (
    case(
        "5.5.1/empty-close",
        ("RFC6455-5.5.1-01", REPLY),
        "A Close without a body is answered by a Close, and TCP ends.",
        _closing(_send(None)),
        answers("RFC6455-5.5.1-01", None),
    ),
    *(
        case(
            f"5.5.1/reason-{name}",
            ("RFC6455-5.5.1-04", REPLY),
            f"A Close with a reason {how} is answered by a Close.",
            _answering(_send(1000, reason, what=f"a Close with 1000 and a reason {how}")),
            all_of(answers("RFC6455-5.5.1-04", 1000, needs_end=False), _delivers_no_reason),
        )
        for name, (reason, how) in _REASONS.items()
    ),
    *(_one_byte(byte) for byte in (0x00, 0x03, 0x31, 0xFF)),
    _one_byte(
        0x03,
        Send(text("Hello"), "a text message"),
        Await("messages"),
        name="-after-a-message",
        echo=[(TEXT, b"Hello")],
    ),
    *(_illegal_reason(name, reason, 1000) for name, reason in _ILLEGAL_REASONS.items()),
    *(
        _illegal_reason(name, _ILLEGAL_REASONS[name], code)
        for name, code in (("surrogate", 3000), ("ff", 1001), ("three-byte-character-cut", 4999))
    ),
)


# What comes before a Close (§5.5.1, §7.1.2)


def _answered(name: str, title: str, *steps: Step, judge: Judge = _ANSWERS) -> Case:
    return case(f"5.5.1/{name}", REPLY, title, _closing(*steps), judge)


def _after(name: str, what: str, *steps: Step) -> Case:
    return _answered(f"close-after-{name}", f"A Close behind {what} is answered.", *steps, _NORMAL)


_LARGE: Final = b"All work and no play. " * 9_000

_BEFORE: Final = (
    _answered("close", "A Close is answered by one Close, and TCP ends.", _NORMAL),
    _after("a-probe", "a Ping that was answered", Probe()),
    _after("a-message", "a message", Send(text("Hello"), "a text message"), Await("messages")),
    case(
        "5.5.1/close-after-a-binary-message",
        REPLY,
        "A Close behind a binary message is answered.",
        _closing(*_TAKES_BINARY, _NORMAL),
        if_binary(_ANSWERS),
    ),
    _after("an-empty-message", "an empty message", Send(text(""), "empty text"), Probe()),
    _after(
        "fragments",
        "a fragmented message",
        Send(text("Hel", fin=False), "a text message begins"),
        Send(continuation("lo"), "and ends"),
        Await("messages"),
    ),
    _after("a-pong", "a Pong that nobody asked for", Send(frame(10, b"unasked"), "a Pong")),
    _after(
        "many-messages",
        "a hundred messages",
        Send(b"".join(text(f"number {number}") for number in range(100)), "100 text messages"),
        Await("messages", 100),
    ),
    _answered(
        "close-byte-by-byte",
        "A Close that comes byte by byte is answered.",
        Send(close(1000, "bye"), "a Close with 1000 and a reason", bytewise=True),
    ),
    _answered(
        "empty-close-byte-by-byte",
        "An empty Close that comes byte by byte is answered.",
        Send(close(), "an empty Close", bytewise=True),
        judge=answers(REPLY, None),
    ),
    *(
        _answered(
            f"close-cut-at-{at}",
            f"A Close that comes in two segments, cut behind byte {at}, is answered.",
            Send(close(1000, "bye")[:at], "the beginning of a Close"),
            Pause(),
            Send(close(1000, "bye")[at:], "the rest of it"),
        )
        for at in (1, 2, 6, 7, 8)
    ),
    *(
        case(
            f"5.5.1/close-in-one-segment-behind-{name}",
            (REPLY, "RFC6455-5.5.1-09", "RFC6455-7.1.2-01"),
            f"A Close in one segment with {what} is answered; echoes come before the reply.",
            _closing(Send(data + close(1000), f"{what}, and a Close")),
            ignores_rest("RFC6455-5.5.1-21", *before, reply=_ANSWERS_FIRST),
        )
        for name, what, data, before in (
            ("a-message", "a text message", text("one"), [(TEXT, b"one")]),
            (
                "three-messages",
                "three messages",
                text("one") + text("two") + text("three"),
                [(TEXT, b"one"), (TEXT, b"two"), (TEXT, b"three")],
            ),
            ("an-empty-message", "an empty message", text(""), [(TEXT, b"")]),
            ("a-ping", "a Ping", ping(b"before"), []),
            ("a-pong", "a Pong", frame(10, b"unasked"), []),
            (
                "fragments",
                "a fragmented message",
                text("on", fin=False) + continuation("e"),
                [(TEXT, b"one")],
            ),
            (
                "many-messages",
                "a hundred messages",
                b"".join(text(f"number {number}") for number in range(100)),
                [(TEXT, b"number %d" % number) for number in range(100)],
            ),
        )
    ),
    case(
        "5.5.1/close-in-one-segment-behind-a-binary-message",
        (REPLY, "RFC6455-5.5.1-09"),
        "A Close in one segment with a binary message is answered; its echo comes before.",
        _closing(*_TAKES_BINARY, Send(binary(b"\xff") + close(1000), "binary, and a Close")),
        if_binary(ignores_rest("RFC6455-5.5.1-21", BINARY_ECHO, (BINARY, b"\xff"), reply=_ANSWERS)),
    ),
    case(
        "5.5.1/close-behind-a-large-message",
        (REPLY, "RFC6455-5.5.1-09", "RFC6455-5.5.1-13"),
        "A Close behind a large message does not break into a frame of its echo.",
        _closing(
            twin_of(TEXT, len(_LARGE)),
            Await("messages"),
            Probe(),
            Send(text(_LARGE), f"a text message of {len(_LARGE)} bytes"),
            _NORMAL,
        ),
        up_to_limit(
            ignores_rest(
                "RFC6455-5.5.1-21",
                twin_content(TEXT, len(_LARGE)),
                (TEXT, _LARGE),
                reply=_ANSWERS,
            ),
            has_twin=True,
        ),
    ),
    case(
        "5.5.1/close-behind-compressed-messages",
        (REPLY, "RFC6455-5.5.1-09"),
        "With permessage-deflate a Close, which is never compressed, is answered as without.",
        _closing(
            Send(text("one") + close(1000, "bye"), "a text message, and a Close"),
            opening=compressing(),
        ),
        ignores_rest("RFC6455-5.5.1-21", (TEXT, b"one"), reply=_ANSWERS),
        needs=["deflate"],
    ),
)


# A Close within a message (§5.4, §6.2)

_MID: Final = "RFC6455-5.4-09"
_UNFINISHED: Final = "RFC6455-6.2-08"
_DROPPED: Final = all_of(closes(REPLY), _delivers_nothing(_UNFINISHED))


def _within(
    name: str,
    what: str,
    *steps: Step,
    opening: Opening = PLAIN,
    needs: Sequence[Literal["deflate"]] = (),
    code: int | None = 1000,
) -> Case:
    return case(
        f"5.4/close-within-{name}",
        (_MID, _UNFINISHED, REPLY),
        f"A Close within {what} is answered, and what came of the message is dropped.",
        _closing(*steps, _send(code), opening=opening),
        _DROPPED,
        needs=needs,
    )


_WITHIN: Final = (
    _within("text", "a text message", Send(text("Hel", fin=False), "a text message begins")),
    _within(
        "an-empty-fragment", "a message", Send(text("", fin=False), "an empty fragment begins")
    ),
    _within(
        "a-character",
        "a character of a text message",
        Send(text(b"caf\xc3", fin=False), "a fragment that ends within a character"),
    ),
    _within(
        "several-fragments",
        "a message of which several fragments have come",
        Send(text("H", fin=False), "a text message begins"),
        Send(continuation("e", fin=False), "a continuation, FIN 0"),
        Send(continuation("l", fin=False), "a continuation, FIN 0"),
    ),
    _within(
        "text-behind-a-ping",
        "a text message, behind a Ping,",
        Send(text("Hel", fin=False), "a text message begins"),
        Send(ping(b"between"), "a Ping"),
        Await("pongs"),
    ),
    _within(
        "text-empty-close",
        "a text message, an empty one,",
        Send(text("Hel", fin=False), "a text message begins"),
        code=None,
    ),
    _within(
        "a-compressed-message",
        "a compressed message",
        Send(compressed(TEXT, b"\xf2H\xcd\xc9\xc9\x07\x00"[:3], fin=False), "compressed text"),
        opening=compressing(),
        needs=["deflate"],
    ),
    case(
        "5.4/close-within-binary",
        (_MID, _UNFINISHED, REPLY),
        "A Close within a binary message is answered, and what came of it is dropped.",
        _closing(*_TAKES_BINARY, Send(binary(b"Hel", fin=False), "binary begins"), _NORMAL),
        if_binary(ignores_rest(_UNFINISHED, BINARY_ECHO, reply=closes(REPLY))),
    ),
    case(
        "5.4/close-within-text-and-its-end",
        (_MID, "RFC6455-5.5.1-21", REPLY),
        "What comes of a text message behind a Close is not delivered.",
        _closing(
            Send(
                text("Hel", fin=False) + close(1000) + continuation(_BEHIND),
                "a fragment, a Close, and the last fragment",
            )
        ),
        ignores_rest("RFC6455-5.5.1-21", reply=closes(REPLY)),
    ),
    case(
        "5.4/close-within-binary-and-its-end",
        (_MID, "RFC6455-5.5.1-21", REPLY),
        "What comes of a binary message behind a Close is not delivered.",
        _closing(
            *_TAKES_BINARY,
            Send(
                binary(b"Hel", fin=False) + close(1000) + continuation(_BEHIND),
                "a fragment, a Close, and the last fragment",
            ),
        ),
        if_binary(ignores_rest("RFC6455-5.5.1-21", BINARY_ECHO, reply=closes(REPLY))),
    ),
    case(
        "5.4/close-within-text-and-its-end-later",
        (_MID, "RFC6455-5.5.1-21", REPLY),
        "What comes of a message after a Close is not waited for.",
        [
            Open(),
            Send(text("Hel", fin=False), "a text message begins"),
            _NORMAL,
            Await("close"),
            Send(continuation(_BEHIND), "the last fragment"),
            Await("end"),
        ],
        ignores_rest("RFC6455-5.5.1-21", reply=closes(_MID)),
    ),
)


# What comes behind a Close (§5.5.1, §1.4)

_DISCARDED: Final = "RFC6455-5.5.1-21"
_PING_BEHIND: Final = ping(_BEHIND)
_TEXT_BEHIND: Final = text(_BEHIND)

#: What is sent behind a Close: name, words, bytes.
_TRAILERS: Final = (
    ("a-message", "a text message", _TEXT_BEHIND),
    ("a-binary-message", "a binary message", binary(_BEHIND)),
    ("a-ping", "a Ping", _PING_BEHIND),
    ("a-pong", "a Pong", frame(10, _BEHIND)),
    ("another-close", "another Close", close(1000)),
    ("a-close-with-another-code", "a Close with another code", close(3000, "again")),
    ("an-illegal-close", "a Close with 999", close(999)),
    ("fragments", "a fragmented message", text(b"be", fin=False) + continuation("hind")),
    ("a-ping-and-a-message", "a Ping and a message", _PING_BEHIND + _TEXT_BEHIND),
    ("a-message-and-a-ping", "a message and a Ping", _TEXT_BEHIND + _PING_BEHIND),
    ("a-reserved-opcode", "a frame with a reserved opcode", frame(3, _BEHIND)),
    ("an-unmasked-frame", "an unmasked frame", frame(TEXT, _BEHIND, key=b"")),
    ("invalid-text", "text that is not UTF-8", text(b"\xff")),
    ("half-a-frame", "the beginning of a frame", _TEXT_BEHIND[:4]),
    ("no-frames", "bytes that are no frames", b"GET / HTTP/1.1\r\n\r\n"),
)

_REST: Final = (
    *(
        case(
            f"5.5.1/close-then-{name}",
            (
                "RFC6455-5.5.1-20" if "close" in name else _DISCARDED,
                REPLY,
                "RFC6455-5.5.1-09",
            ),
            f"A Close is answered by one Close; {what} behind it is ignored.",
            _closing(Send(close(1000) + data, f"a Close and, in the same segment, {what}")),
            ignores_rest(_DISCARDED, reply=_ANSWERS_FIRST),
        )
        for name, what, data in _TRAILERS
    ),
    *(
        case(
            f"5.5.1/close-then-later-{name}",
            (
                "RFC6455-5.5.1-20" if "close" in name else _DISCARDED,
                REPLY,
                "RFC6455-5.5.1-09",
            ),
            f"When Closes have been exchanged the connection is over; {what} gets no answer.",
            [
                Open(),
                _NORMAL,
                Await("close"),
                Send(data, what),
                Await("end"),
            ],
            ignores_rest(_DISCARDED, reply=_ANSWERS_FIRST),
        )
        for name, what, data in _TRAILERS[:6]
    ),
    case(
        "5.5.1/empty-close-then-a-message-and-a-ping",
        (_DISCARDED, REPLY, "RFC6455-5.5.1-09"),
        "An empty Close is answered by one Close; a message and a Ping behind it are ignored.",
        _closing(Send(close() + _TEXT_BEHIND + _PING_BEHIND, "an empty Close, text and a Ping")),
        ignores_rest(_DISCARDED, reply=answers(REPLY, None, refused=info)),
    ),
    case(
        "5.5.1/two-empty-closes",
        ("RFC6455-5.5.1-20", REPLY),
        "Two empty Closes are answered by one.",
        _closing(Send(close() + close(), "two empty Closes")),
        ignores_rest(_DISCARDED, reply=answers(REPLY, None, refused=info)),
    ),
    case(
        "5.5.1/two-closes-in-two-segments",
        ("RFC6455-5.5.1-20", REPLY),
        "Two Closes, one right after the other, are answered by one.",
        [Open(), _NORMAL, _NORMAL, Await("close"), Await("end")],
        ignores_rest(_DISCARDED, reply=_ANSWERS_FIRST),
    ),
    case(
        "5.5.1/message-then-close-then-message",
        (_DISCARDED, "RFC6455-5.5.1-09", REPLY),
        "Of two messages only the one before the Close may be echoed, and only before the reply.",
        _closing(
            Send(text("before") + close(1000) + _TEXT_BEHIND, "text, a Close, and text again")
        ),
        ignores_rest(_DISCARDED, (TEXT, b"before"), reply=_ANSWERS_FIRST),
    ),
    case(
        "5.5.1/close-then-a-compressed-message",
        (_DISCARDED, "RFC6455-5.5.1-09", REPLY),
        "With permessage-deflate, too, a message behind a Close is ignored.",
        _closing(
            Send(close(1000) + _TEXT_BEHIND, "a Close and, in the same segment, a text message"),
            opening=compressing(),
        ),
        ignores_rest(_DISCARDED, reply=_ANSWERS_FIRST),
        needs=["deflate"],
    ),
)


# What the reply is (§5.5.1)


def _has_legal_code(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want the body of the reply, if there is one, to begin with a status code."""
    del facts
    body = record.closes[0].payload if record.closes else b""
    if body and not (len(body) > 1 and is_legal_on_the_wire(int.from_bytes(body[:2], "big"))):
        shown = body[:8].hex(" ")
        yield fail("RFC6455-5.5.1-02", f"the body of the Close is no status code: {shown}")


def _is_last(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want nothing but control frames behind the reply, if anything."""
    del facts
    if not record.closes:
        return
    behind = record.stream[record.closes[0].stop :]
    data = any(one.opcode not in (CLOSE, PING, PONG) for one in record.frames[_reply(record) :])
    if data or record.rest:
        yield fail("RFC6455-5.5.1-09", f"behind the Close came {behind[:16].hex(' ')}")


def _reply(record: Record) -> int:
    """Return the index of the frame behind the first Close."""
    return [frame.opcode for frame in record.frames].index(CLOSE) + 1


_REPLIES: Final = tuple(
    one
    for name, how, steps in (
        ("to-1000", "a Close with 1000", (_NORMAL,)),
        ("to-an-empty-close", "an empty Close", (_send(None),)),
        ("to-a-reason", "a Close with a reason", (_send(3000, "bye"),)),
        (
            "behind-a-message",
            "a Close behind a message",
            (Send(text("Hello") + close(1000), "a text message, and a Close"),),
        ),
    )
    for one in (
        case(
            f"5.5.1/code-of-the-reply-{name}",
            ("RFC6455-5.5.1-02", "RFC6455-7.4.1-07", "RFC6455-7.4.2-01"),
            f"The reply to {how} has a legal status code, or no body.",
            _closing(*steps),
            _has_legal_code,
        ),
        case(
            f"5.5.1/reply-is-last-{name}",
            ("RFC6455-5.5.1-09", "RFC6455-6.1-03", "RFC6455-6.1-02"),
            f"Behind the reply to {how} nothing comes but the end of TCP.",
            _closing(*steps),
            _is_last,
        ),
    )
)


# The end of TCP (§5.5.1, §7.1.1)

#: More than a server reads at once.
_MUCH: Final = _TEXT_BEHIND * 30_000


def _ends_in_order(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want a Close, and then the end of TCP, but no reset."""
    del facts
    if record.was_reset:
        lost = "" if record.closes else " and no Close came: it may have been destroyed"
        yield fail(_ORDERLY, f"TCP was reset over what was not read{lost}")
    elif not record.closes:
        yield fail(REPLY, f"the server {end_of(record)} without a Close in reply")
    elif not record.has_ended:
        yield fail(_END, "after the exchange of Close frames TCP stays open")


def _ends_first(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want the server to be the one who ends TCP, at once and in order."""
    if not record.closes:
        return  # others say so
    if record.was_reset:
        yield fail(_ORDERLY, "TCP was reset behind the Close, not ended in order")
    elif not record.has_ended:
        yield fail("RFC6455-5.5.1-16", "after the exchange of Close frames TCP stays open")
    yield from ends_promptly(record, facts)


_TCP: Final = (
    case(
        "5.5.1/reply-at-once",
        ("RFC6455-5.5.1-11", REPLY),
        "A Close is answered without delay.",
        _closing(_NORMAL),
        all_of(closes(REPLY), replies_promptly),
    ),
    *(
        case(
            f"5.5.1/server-ends-tcp-{name}",
            (
                "RFC6455-5.5.1-16",
                _END,
                "RFC6455-7.1.1-03",
                "RFC6455-7.1.1-05",
                "RFC6455-7.1.2-02",
                _ORDERLY,
            ),
            f"When Closes have been exchanged ({how}) the server ends TCP, at once and in order.",
            _closing(*steps),
            _ends_first,
        )
        for name, how, steps in (
            ("after-1000", "with 1000", (_NORMAL,)),
            ("after-an-empty-close", "empty ones", (_send(None),)),
            ("after-a-reason", "with a reason", (_send(1000, "bye"),)),
            ("after-3000", "with 3000", (_send(3000),)),
            ("after-4999", "with 4999", (_send(4999),)),
            (
                "after-messages",
                "behind messages",
                (Send(text("Hello"), "a text message"), Await("messages"), _NORMAL),
            ),
            (
                "within-a-message",
                "within a message",
                (Send(text("Hel", fin=False), "a text message begins"), _NORMAL),
            ),
        )
    ),
    case(
        "7.1.1/reply-is-not-lost",
        (_ORDERLY, REPLY),
        "What comes behind a Close is read and thrown away, so that no reset destroys the reply.",
        _closing(Send(close(1000) + _MUCH, f"a Close and {len(_MUCH)} bytes behind it")),
        _ends_in_order,
    ),
    case(
        "7.1.1/end-of-tcp-right-behind-a-close",
        (REPLY, "RFC6455-7.1.1-05"),
        "A Close is answered even if the client ends its side of TCP right behind it.",
        [Open(), _NORMAL, HalfClose(), Await("close"), Await("end")],
        closes(REPLY, gravity=info),
    ),
    *(
        case(
            f"7.1.1/end-of-tcp-{name}",
            ("RFC6455-7.1.1-05",),
            f"When the client ends TCP without a Close, {when}, the server ends it, too.",
            [Open(), *steps, HalfClose(), Await("end")],
            all_of(_ends("RFC6455-7.1.1-05"), _delivers_nothing(_UNFINISHED)),
        )
        for name, when, steps in (
            ("at-once", "at once", ()),
            ("after-a-ping", "after a Ping", (Probe(),)),
            ("in-a-header", "within a frame's header", (Send(_TEXT_BEHIND[:1], "one byte"),)),
            (
                "in-a-close",
                "within a Close",
                (Send(close(1000)[:-1], "a Close without its last byte"),),
            ),
            (
                "in-a-message",
                "within a message",
                (Send(text("Hel", fin=False), "a text message begins"),),
            ),
        )
    ),
)


CASES: Final[tuple[Case, ...]] = (
    *_LEGAL,
    *_ILLEGAL,
    *_BODIES,
    *_BEFORE,
    *_WITHIN,
    *_REST,
    *_REPLIES,
    *_TCP,
)
