"""What the reference makes of a conversation, and so what any server may make of it.

The reference is a :class:`~wsref.protocol.connection.Connection` in the server's role, fed the
same bytes.  Where the RFCs leave a choice, other outcomes than its own are right as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final, NamedTuple

from ..protocol.connection import Connection
from ..protocol.deflate import DeflateOffer, DeflateParameters, DeflatePolicy
from ..protocol.events import Binary, Closing, ProtocolError, Text
from ..protocol.frames import Frame, parse_frame
from ..protocol.handshake import build_request
from ..protocol.limits import Limits
from ..protocol.opcode import BINARY, CLOSE, CONTINUATION, TEXT
from ..protocol.uri import parse_uri
from .catalogue import Facts, Judge
from .judgements import close_of, closes, echoes, fails, messages_of, only_news_between
from .record import Record
from .verdicts import Finding, fail, info, warn

__all__ = ["COMPRESSED", "LEGAL", "Expected", "expected_of", "judge_frames"]

#: What a server breaks that does not bear a legal conversation; one with compressed messages.
LEGAL: Final = "RFC6455-6.2-01"
COMPRESSED: Final = "RFC7692-6.2-01"

_URI: Final = parse_uri("ws://server.example/")
_LIMITS: Final = Limits(message_size=1 << 24)
_UTF8: Final = ("RFC6455-8.1-01", "RFC6455-8.1-02", "RFC6455-8.1-03")
_CUT_OFF: Final = "RFC7692-7.2.2-04"
_FITTING_CODE: Final = "RFC6455-7.1.7-05"

#: What is an offence by a strict reading only, or may be taken leniently.
_LENIENT: Final[dict[str, Callable[[str, str], Finding]]] = {
    "RFC6455-5.2-11": warn,
    "RFC6455-5.2-12": warn,
    "RFC6455-7.4.2-02": warn,
    "RFC6455-7.4.2-06": warn,
    "RFC7692-7.2.2-14": info,
}
#: The clauses about what is in a Close, and the status codes that fit if that is illegal.
_ABOUT_CLOSES: Final = ("RFC6455-5.5.1-", "RFC6455-7.4.")
_FOR_CLOSES: Final = (1002, 1007)
#: Status codes that fit, beside the reference's own.
_TOLERATED: Final = {
    "RFC6455-5.2-09": (1009,),
    "RFC7692-7.2.2-02": (1002, 1003, 1007, 1011),
    "RFC7692-7.2.2-03": (1002, 1003, 1007, 1011),
    "RFC7692-7.2.2-04": (1002, 1003, 1007, 1011),
}
#: Status codes by which a server says that it does not take this message, be it legal or not.
_NOT_TAKEN: Final = (1003, 1008, 1009)


class Expected(NamedTuple):
    """What the reference makes of what a client sends.

    Attributes:
        contents: opcode and payload of the messages it receives.
        violation: the requirement it fails the connection for; empty if it does not.
        status_code: what it closes with then.
        in_time: whether every server has to notice the violation as early as the conversation
            ends: invalid UTF-8 need only be noticed when the message is complete.
        closing: whether it is asked to close.
        close_codes: the status codes of all Closes that the client sends, None for those without;
            who answers one of them behind a violation has not noticed that.
        legal: the requirement that is broken by who does not bear what is legal.
        tolerated: status codes that fit the violation, beside the reference's own.
    """

    contents: tuple[tuple[int, bytes], ...]
    violation: str
    status_code: int
    in_time: bool
    closing: bool
    close_codes: frozenset[int | None] = frozenset()
    legal: str = LEGAL
    tolerated: tuple[int, ...] = ()


def expected_of(data: bytes, deflate: DeflateParameters | None) -> Expected:
    """Return what the reference makes of a client's frames.

    Args:
        data: all that is sent behind the opening handshake.
        deflate: what was agreed on for permessage-deflate.
    """
    offers: tuple[DeflateOffer, ...] = ()
    policy: DeflatePolicy | None = None
    if deflate is not None:
        offers = (DeflateOffer(client_max_window_bits=True),)
        policy = DeflatePolicy(*deflate)
    request, _asked = build_request(_URI, bytes(16), offers=offers)
    server = Connection.listen(limits=_LIMITS).receive(request).connection
    server = server.accept(deflate=policy).connection
    contents: list[tuple[int, bytes]] = []
    violation, code, closing = "", 0, False
    step = server.receive(data)
    for event in step.events:
        if isinstance(event, Text):
            contents.append((TEXT, event.text.encode()))
        elif isinstance(event, Binary):
            contents.append((BINARY, event.data))
        elif isinstance(event, ProtocolError):
            violation, code = event.clause, event.code
        elif isinstance(event, Closing):
            closing = True
    frames = tuple(_frames(data))
    in_time, tolerated = True, _tolerated(violation)
    if violation in _UTF8:
        behind = _behind_message(frames, server.sound_length(data))
        in_time = behind is not None
        # Who looks at text when it is taken may meet what is wrong behind it before.
        tolerated = (1002,) if behind else ()
    codes = frozenset(
        int.from_bytes(frame.payload[:2], "big") if len(frame.payload) > 1 else None
        for frame, _end in frames
        if frame.header.opcode == CLOSE
    )
    squeezed = deflate is not None and any(
        frame.header.rsv1 and frame.header.opcode in (TEXT, BINARY) for frame, _end in frames
    )
    legal = COMPRESSED if squeezed else LEGAL
    return Expected(tuple(contents), violation, code, in_time, closing, codes, legal, tolerated)


def _frames(data: bytes) -> Iterator[tuple[Frame, int]]:
    """Parse a client's frames; each comes with the position behind it."""
    position = 0
    while (parsed := parse_frame(data, position)) is not None:
        position = parsed[1]
        yield parsed


def _behind_message(
    frames: Sequence[tuple[Frame, int]], failing: int
) -> Sequence[tuple[Frame, int]] | None:
    """Return the frames behind the text message that byte *failing* is in; None without its end."""
    for index, ((header, _payload), end) in enumerate(frames):
        if end > failing and header.opcode == CLOSE:
            return None
        if end > failing and header.fin and header.opcode in (CONTINUATION, TEXT):
            return frames[index + 1 :]
    return None


def _tolerated(violation: str) -> tuple[int, ...]:
    """Return the status codes that fit a violation, beside the reference's own."""
    if violation.startswith(_ABOUT_CLOSES):
        return _FOR_CLOSES
    return _TOLERATED.get(violation, ())


def judge_frames(
    expected: Expected, *, tolerated: Collection[int] = (), may_end: bool = False
) -> Judge:
    """Return a judge for a conversation, by what the reference makes of it.

    Args:
        expected: what that is.
        tolerated: further status codes that fit the violation, if there is one.
        may_end: whether the checker ends the connection, so that it need not go on.
    """
    gravity = _LENIENT.get(expected.violation, fail)
    fitting = (expected.status_code, *expected.tolerated, *tolerated)
    if expected.violation:
        judge = fails(
            expected.violation,
            expected.status_code,
            tolerated=fitting,
            gravity=gravity,
            echo=expected.contents,
        )
    elif expected.closing:
        judge = closes("RFC6455-5.5.1-10")
    else:
        judge = echoes(expected.legal, *expected.contents)

    def goes_on(code: int | None, habit: int | None) -> bool:
        """Whether a Close answers one of the client's, and says nothing of a violation."""
        if code is None or code == habit:
            return False
        return code in expected.close_codes and code not in fitting

    def judged(record: Record, facts: Facts) -> Iterator[Finding]:
        if record.close_code in _NOT_TAKEN:
            return  # limits are the server's own affair
        if expected.violation and not expected.in_time:
            return
        if not (expected.violation or expected.closing) and may_end:
            return
        if not expected.violation:
            yield from judge(record, facts)
            return
        got = [message.content for message in messages_of(record, facts)]
        owed = expected.contents[: len(got)] if facts.echoes else ()
        if not _begins_with(got, owed):
            return  # legal conversations tell about what it makes of legal messages
        if expected.violation == _CUT_OFF and len(got) <= len(expected.contents):
            return  # silence will do (RFC 7692 §7.2.2)
        if record.closes and goes_on(record.close_code, facts.failure_code):
            yield gravity(expected.violation, f"it was not noticed: {close_of(record)} came")
            return
        # Who did not come that far, or went further, may have failed it for something else.
        is_the_reason = len(owed) == len(expected.contents) and gravity is fail
        for finding in judge(record, facts):
            if finding.requirement != _FITTING_CODE or is_the_reason:
                yield finding

    return judged


def _begins_with(got: Sequence[tuple[int, bytes]], owed: Sequence[tuple[int, bytes]]) -> bool:
    """Whether echoes are as they should be, but for what a server sends by itself."""
    return tuple(got[: len(owed)]) == tuple(owed) or only_news_between(got, owed)
