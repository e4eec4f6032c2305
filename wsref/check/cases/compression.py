"""Compressed messages (RFC 7692 §6, §7.2).

With permessage-deflate agreed on, RSV1 says of each message whether it is compressed.  The cases
go from the frame inwards: RSV1, fragments, DEFLATE blocks, the window that messages share,
and data that is none of this.  What the server sends is looked at by the oracle, in every
conversation; the cases at the end make it send what would show a fault.

Most messages here do not refer to earlier ones, so that they are legal whatever the
server's answer says about context takeover.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from ...protocol.frames import RSV1
from ...protocol.opcode import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from ..catalogue import Case, Facts, Judge, Need, case
from ..conversation import (
    Await,
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
    pong,
    text,
)
from ..judgements import Gravity, echoes, fails, goes_on, messages_of, says_nothing
from ..opening import Opening, compressing
from ..record import Record
from ..verdicts import Finding, fail, info, skip, warn
from .blocks import TAIL, Blocks, deflated, deflated_in_turn, flushed, noise
from .patterns import (
    BAD_CLOSE_CODE,
    BINARY_ECHO,
    MOMENT,
    TYPE_CODES,
    accepted,
    answers_each,
    bears,
    fails_unanswered,
    if_binary,
    rejected,
    rejected_late,
    rejects_close,
    twin_content,
    twin_of,
    up_to_limit,
)

__all__ = ["CASES"]

_DEFLATE: Final = compressing()

_BIT: Final = RSV1 >> 4
_HELLO: Final = b"Hello"
_HELLO_ECHO: Final = (TEXT, _HELLO)
#: "Hello" as one fixed block, and as a reference to an earlier "Hello" (RFC 7692 §7.2.3).
_HELLO_FIXED: Final = Blocks().fixed(_HELLO).payload
_HELLO_AGAIN: Final = Blocks().fixed(b"H", (4, 5)).payload

#: What is as fitting as 1007 for data that is no DEFLATE, as no RFC names a code.
_DATA_CODES: Final = (1002, 1003, 1011)

_SENTENCE: Final = b"What is compressed is not lost, it only takes less room than it did. "


def _hello(note: str = "compressed Hello") -> Send:
    return Send(compressed(TEXT, _HELLO_FIXED), note)


def _message(payload: bytes, note: str, opcode: int = TEXT) -> Send:
    return Send(compressed(opcode, payload), note)


def _fragments(
    payload: bytes, cuts: Iterable[int], *, opcode: int = TEXT, keys: Sequence[bytes] = ()
) -> list[bytes]:
    """Return the frames of a compressed message that is cut at these positions."""
    edges = [0, *cuts, len(payload)]
    last = len(edges) - 2
    return [
        frame(
            CONTINUATION if index else opcode,
            payload[edges[index] : edges[index + 1]],
            fin=index == last,
            rsv=0 if index else _BIT,
            key=keys[index % len(keys)] if keys else None,
        )
        for index in range(last + 1)
    ]


def _comes_back(
    name: str,
    requirements: str | tuple[str, ...],
    title: str,
    steps: Iterable[Step],
    *contents: tuple[int, bytes],
    opening: Opening = _DEFLATE,
    gravity: Gravity = bears,
    refusal: Gravity | None = None,
    needs: Sequence[Need] = (),
    kept: bool = False,
    bits: int = 0,
) -> Case:
    """Return a case about messages that have to come back as they were.

    Args:
        name: section and name.
        requirements: ids; the first is the one that is broken if they do not.
        title: the case in one sentence.
        steps: the conversation between the opening and the wait for echoes.
        contents: opcode and payload of the messages.
        opening: what is offered.
        gravity: how bad it is if they do not come back.
        refusal: how bad it is to fail the connection instead; the same if left out.
        needs: what the server must be able to do, beside permessage-deflate.
        kept: whether the messages refer to earlier ones, which the server may have ruled out.
        bits: the window that they need, if it has more than the smallest there is.
    """
    first = requirements if isinstance(requirements, str) else requirements[0]
    echo = echoes(first, *contents, gravity=gravity)
    judge = _if_wide(_unless_refused(first, refusal, echo) if refusal else echo, bits)
    return case(
        f"7692:{name}",
        requirements,
        title,
        accepted(*steps, messages=len(contents), opening=opening),
        _if_kept(judge) if kept else judge,
        needs=["deflate", *needs],
    )


def _binary_comes_back(
    name: str,
    requirements: str | tuple[str, ...],
    title: str,
    steps: Iterable[Step],
    *contents: bytes | tuple[int, bytes],
    kept: bool = False,
) -> Case:
    """Return a case about binary messages, which some services do not take at all.

    The arguments are those of :func:`_comes_back`; contents that are bytes alone are binary.
    """
    first = requirements if isinstance(requirements, str) else requirements[0]
    messages = [one if isinstance(one, tuple) else (BINARY, one) for one in contents]
    echo = echoes(first, BINARY_ECHO, *messages, gravity=bears)
    return case(
        f"7692:{name}",
        requirements,
        title,
        (
            Open(_DEFLATE),
            Send(binary(BINARY_ECHO[1]), "a binary message of one byte"),
            Await("messages"),
            Probe(),
            *steps,
            Await("messages", len(contents) + 1),
            Probe(),
        ),
        if_binary(_if_kept(echo) if kept else echo),
        needs=["deflate"],
    )


def _large(
    name: str,
    requirements: str | tuple[str, ...],
    title: str,
    steps: Iterable[Step],
    content: tuple[int, bytes],
    *,
    opening: Opening = _DEFLATE,
    wide: bool = False,
) -> Case:
    """Return a case about a large message, behind one of the same size that is not compressed."""
    first = requirements if isinstance(requirements, str) else requirements[0]
    length = len(content[1])
    judge = echoes(first, twin_content(TEXT, length), content, gravity=bears)
    return case(
        f"7692:{name}",
        requirements,
        title,
        (
            Open(opening),
            twin_of(TEXT, length),
            Await("messages"),
            Probe(),
            *steps,
            Await("messages", 2),
            Probe(),
        ),
        up_to_limit(_if_wide(judge) if wide else judge, has_twin=True),
        needs=["deflate"],
    )


def _unless_refused(requirement: str, refusal: Gravity, judge: Judge) -> Judge:
    """Return *judge*, which says no more than *refusal* if the connection does not go on."""
    stays_open = goes_on(requirement, gravity=refusal)

    def judged(record: Record, facts: Facts) -> Iterator[Finding]:
        refused = list(stays_open(record, facts))
        yield from refused or judge(record, facts)

    return judged


def _if_kept(judge: Judge) -> Judge:
    """Return *judge*, silent where the client must not refer to earlier messages."""

    def judged(record: Record, facts: Facts) -> Iterator[Finding]:
        if record.deflate is not None and record.deflate.client_no_context_takeover:
            yield skip("the server wants client_no_context_takeover")
        else:
            yield from judge(record, facts)

    return judged


def _if_wide(judge: Judge, bits: int = 15) -> Judge:
    """Return *judge*, silent where the window of the client has to be smaller than that."""

    def judged(record: Record, facts: Facts) -> Iterator[Finding]:
        if record.deflate is not None and record.deflate.client_max_window_bits < bits:
            yield skip("the server limits the window by client_max_window_bits")
        else:
            yield from judge(record, facts)

    return judged


# Compressed or not (§6)

_CHOICE: Final = ("RFC7692-6-01", "RFC7692-5-18")

_EACH_MESSAGE: Final = (
    _comes_back(
        "6/compressed-text",
        ("RFC7692-6-03", "RFC7692-5-18", "RFC7692-7.2.2-01", "RFC6455-5.3-06"),
        "A compressed text message is delivered inflated.",
        [_hello()],
        _HELLO_ECHO,
    ),
    _comes_back(
        "6/plain-text",
        ("RFC7692-6.2-02", *_CHOICE),
        "A message without RSV1 is taken as it is, where messages could be compressed.",
        [Send(text(_HELLO), "text, not compressed")],
        _HELLO_ECHO,
    ),
    _comes_back(
        "6/plain-text-like-deflate",
        ("RFC7692-6.2-02", *_CHOICE),
        "Without RSV1 nothing is inflated, though it could be: the text is 00.",
        [Send(text(b"\x00"), "text, the character 0")],
        (TEXT, b"\x00"),
    ),
    _binary_comes_back(
        "6/plain-binary-like-deflate",
        ("RFC7692-6.2-02", *_CHOICE),
        "Without RSV1 nothing is inflated, though it could be.",
        [Send(binary(_HELLO_FIXED), "binary, the bytes of a compressed Hello")],
        _HELLO_FIXED,
    ),
    _comes_back(
        "6/plain-text-in-fragments",
        ("RFC7692-6.2-02", *_CHOICE),
        "A message without RSV1 may be in fragments.",
        [Send(text("Hel", fin=False) + continuation("lo"), "text in two fragments")],
        _HELLO_ECHO,
    ),
    _comes_back(
        "6/empty-plain-text",
        ("RFC7692-6.2-02", *_CHOICE),
        "An empty message without RSV1 is an empty message.",
        [Send(text(""), "empty text"), Send(text(_HELLO), "text")],
        (TEXT, b""),
        _HELLO_ECHO,
    ),
    _comes_back(
        "6/compressed-then-plain",
        _CHOICE,
        "A message that is not compressed may follow one that is.",
        [_hello(), Send(text("plain"), "text, not compressed")],
        _HELLO_ECHO,
        (TEXT, b"plain"),
    ),
    _comes_back(
        "6/plain-then-compressed",
        _CHOICE,
        "A compressed message may follow one that is not.",
        [Send(text("plain"), "text, not compressed"), _hello()],
        (TEXT, b"plain"),
        _HELLO_ECHO,
    ),
    _comes_back(
        "6/by-turns",
        _CHOICE,
        "Messages may be compressed and not compressed by turns.",
        [
            step
            for number in range(4)
            for step in (
                _message(deflated(b"compressed %d" % number), f"compressed, {number}"),
                Send(text(f"plain {number}"), f"not compressed, {number}"),
            )
        ],
        *(
            (TEXT, b"%s %d" % (kind, number))
            for number in range(4)
            for kind in (b"compressed", b"plain")
        ),
    ),
    _comes_back(
        "6/plain-fragments-behind-compressed",
        _CHOICE,
        "A message in fragments that is not compressed may follow one that is.",
        [_hello(), Send(text("pl", fin=False) + continuation("ain"), "two fragments")],
        _HELLO_ECHO,
        (TEXT, b"plain"),
    ),
    _comes_back(
        "6/plain-behind-compressed-fragments",
        _CHOICE,
        "A message that is not compressed may follow one in fragments that is.",
        [
            Send(b"".join(_fragments(_HELLO_FIXED, [3])), "compressed, two fragments"),
            Send(text("plain"), "text, not compressed"),
        ],
        _HELLO_ECHO,
        (TEXT, b"plain"),
    ),
    _comes_back(
        "6/two-compressed",
        ("RFC7692-5-18", "RFC7692-6-03"),
        "Two compressed messages may follow each other.",
        [_hello(), _message(deflated(b"world"), "compressed world")],
        _HELLO_ECHO,
        (TEXT, b"world"),
    ),
    _comes_back(
        "6/two-compressed-in-one-segment",
        ("RFC7692-5-18", "RFC7692-6-03"),
        "Two compressed messages may come in one segment.",
        [
            Send(
                compressed(TEXT, _HELLO_FIXED) + compressed(TEXT, deflated(b"world")),
                "two compressed messages",
            )
        ],
        _HELLO_ECHO,
        (TEXT, b"world"),
    ),
    _comes_back(
        "6/byte-by-byte",
        ("RFC7692-6-03", "RFC7692-5-18"),
        "A compressed message may come byte by byte.",
        [Send(compressed(TEXT, _HELLO_FIXED), "compressed Hello, byte by byte", bytewise=True)],
        _HELLO_ECHO,
    ),
    _comes_back(
        "6/characters-of-all-lengths",
        ("RFC7692-6-03", "RFC7692-6.1-08"),
        "Compressed text may have characters of 1 to 4 bytes.",
        [_message(deflated("a é € 😀 κόσμε".encode()), "compressed text, not only ASCII")],
        (TEXT, "a é € 😀 κόσμε".encode()),
    ),
    _binary_comes_back(
        "6.1/opcode-of-binary",
        ("RFC7692-6.1-07", "RFC7692-6-03"),
        "A compressed binary message is a binary message.",
        [_message(_HELLO_FIXED, "compressed binary", BINARY)],
        _HELLO,
    ),
    _binary_comes_back(
        "6.1/opcode-of-binary-fragments",
        ("RFC7692-6.1-07", "RFC7692-6.2-01"),
        "A compressed binary message in fragments is a binary message.",
        [Send(b"".join(_fragments(_HELLO_FIXED, [1, 4], opcode=BINARY)), "three fragments")],
        _HELLO,
    ),
    _binary_comes_back(
        "6.1/every-byte",
        ("RFC7692-6-03", "RFC7692-6.1-07"),
        "A compressed binary message may have bytes of every value.",
        [_message(deflated(bytes(range(256)) * 2), "compressed binary, all bytes twice", BINARY)],
        bytes(range(256)) * 2,
    ),
    _binary_comes_back(
        "6.1/binary-that-is-no-text",
        ("RFC7692-6.1-07", "RFC7692-6-03"),
        "A compressed binary message need not be UTF-8.",
        [_message(deflated(b"\xff\xfe\xc0\xaf"), "compressed binary, ff fe c0 af", BINARY)],
        b"\xff\xfe\xc0\xaf",
    ),
    _binary_comes_back(
        "6.1/types-by-turns",
        ("RFC7692-6.1-07", "RFC7692-6-03"),
        "Each compressed message has a type of its own.",
        [
            _message(_HELLO_FIXED, "compressed binary", BINARY),
            _message(deflated(b"world"), "compressed binary", BINARY),
        ],
        _HELLO,
        b"world",
    ),
    _comes_back(
        "6.1/opcode-of-text",
        ("RFC7692-6.1-07", "RFC7692-6-03"),
        "A compressed text message is a text message, in fragments as well.",
        [_hello(), Send(b"".join(_fragments(_HELLO_FIXED, [2])), "compressed, two fragments")],
        _HELLO_ECHO,
        _HELLO_ECHO,
    ),
)

# Bytes that are no text, and text that is none (§6.1)


def _deflated_without_ascii() -> bytes:
    """Return a stored block whose own bytes are no UTF-8: LEN 0x41 has the complement ff be."""
    return Blocks().stored(b"A" * 65).payload


def _invalid_text(
    name: str, what: str, *steps: Step, echo: Sequence[tuple[int, bytes]] = ()
) -> Case:
    return case(
        f"7692:6.1/{name}",
        ("RFC7692-6.1-09", "RFC6455-8.1-02"),
        f"Compressed text that inflates to {what} has to fail the connection.",
        rejected_late(*steps, opening=_DEFLATE),
        fails("RFC7692-6.1-09", 1007, echo=echo),
        needs=["deflate"],
    )


_TEXT: Final = (
    _comes_back(
        "6.1/compressed-bytes-are-no-text",
        "RFC7692-6.1-08",
        "The bytes of compressed text need not be UTF-8.",
        [_message(_deflated_without_ascii(), "compressed text, with bytes like ff")],
        (TEXT, b"A" * 65),
    ),
    _comes_back(
        "6.1/first-fragment-is-no-text",
        "RFC7692-6.1-08",
        "The bytes of a fragment of compressed text need not be UTF-8.",
        [
            Send(b"".join(_fragments(_deflated_without_ascii(), [1, 4, 5])), "four fragments"),
        ],
        (TEXT, b"A" * 65),
    ),
    _comes_back(
        "6.1/character-in-two-blocks",
        ("RFC7692-6.1-08", "RFC7692-7.2.1-03"),
        "A character of compressed text may be in two DEFLATE blocks.",
        [
            _message(
                Blocks().fixed("€".encode()[:1]).stored("€".encode()[1:]).payload,
                "compressed: e2 in one block, 82 ac in another",
            )
        ],
        (TEXT, "€".encode()),
    ),
    _comes_back(
        "6.1/character-in-two-fragments",
        ("RFC7692-6.1-08", "RFC7692-6.2-01"),
        "A character of compressed text may be in two fragments, each of which could be inflated.",
        [
            Send(
                compressed(TEXT, Blocks().fixed(b"\xe2").stored(b"").data, fin=False)
                + continuation(Blocks().fixed(b"\x82\xac").payload),
                "compressed: e2 in one fragment, 82 ac in the other",
            )
        ],
        (TEXT, "€".encode()),
    ),
    _invalid_text("inflates-to-ff", "ff", _message(deflated(b"\xff"), "compressed text: ff")),
    _invalid_text(
        "stored-ff",
        "ff in a stored block",
        _message(Blocks().stored(b"\xff").payload, "stored: ff"),
    ),
    _invalid_text(
        "bad-byte-at-the-end",
        "a bad byte at its end",
        _message(deflated(b"Hello \xff"), "compressed text: Hello and ff"),
    ),
    _invalid_text(
        "bad-byte-in-the-middle",
        "a bad byte in its middle",
        _message(deflated(b"Hel\xfflo"), "compressed text: ff within Hello"),
    ),
    _invalid_text(
        "cut-off-character",
        "half a character at its end",
        _message(deflated(b"Hello \xe2\x82"), "compressed text: Hello and e2 82"),
    ),
    _invalid_text(
        "surrogate", "a surrogate", _message(deflated(b"\xed\xa0\x80"), "compressed text: ed a0 80")
    ),
    _invalid_text(
        "overlong-slash",
        "an overlong form",
        _message(deflated(b"\xc0\xaf"), "compressed text: c0 af"),
    ),
    _invalid_text(
        "bad-byte-in-two-fragments",
        "a bad byte, in two fragments,",
        Send(b"".join(_fragments(deflated(b"Hel\xfflo"), [3])), "compressed text in two fragments"),
    ),
    _invalid_text(
        "cut-off-character-in-fragments",
        "half a character, a fragment for each byte,",
        Send(
            b"".join(_fragments(deflated(b"\xe2\x82"), range(1, len(deflated(b"\xe2\x82"))))),
            "compressed text byte by byte",
        ),
    ),
    _invalid_text(
        "bad-byte-by-reference",
        "a bad byte that is repeated by a reference",
        _message(Blocks().fixed(b"\xff", (3, 1)).payload, "compressed text: ff and a reference"),
    ),
    _invalid_text(
        "bad-byte-in-a-second-message",
        "a bad byte, as the second message",
        _hello(),
        _message(deflated(b"\xff"), "compressed text: ff"),
        echo=[_HELLO_ECHO],
    ),
    _invalid_text(
        "bad-byte-behind-good-text",
        "a bad byte behind 3000 good ones",
        _message(deflated(noise(3000) + b"\xff"), "compressed text, the last byte is ff"),
    ),
    case(
        "7692:6.1/plain-bad-byte",
        ("RFC6455-8.1-02", "RFC7692-6.2-02"),
        "Text that is not compressed is validated as well where it could be.",
        rejected_late(Send(text(b"\xff"), "text: ff"), opening=_DEFLATE),
        fails("RFC6455-8.1-02", 1007),
        needs=["deflate"],
    ),
)

# RSV1 where it must not be (§6.1)

_CONTROL_BIT: Final = "RFC7692-6.1-04"
_CONTINUATION_BIT: Final = "RFC7692-6.1-05"
_NOT_AGREED: Final = "RFC7692-6.1-06"


def _misplaced(
    name: str,
    requirement: str,
    what: str,
    *steps: Step,
    judge: Judge | None = None,
    opening: Opening = _DEFLATE,
) -> Case:
    return case(
        f"7692:6.1/{name}",
        (requirement, "RFC6455-5.2-03"),
        f"RSV1 on {what} has to fail the connection.",
        rejected(*steps, opening=opening),
        judge or fails(requirement),
        needs=["deflate"],
    )


_BEGUN: Final = Send(_fragments(_HELLO_FIXED, [3])[0], "a compressed message begins")
_BEGUN_PLAIN: Final = Send(text("Hel", fin=False), "a message begins, not compressed")
_CONTROL: Final = {"ping": PING, "pong": PONG}


def _rejects_close(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want a Close with RSV1 to be refused, for that or since its reason is no text."""
    for finding in rejects_close(_CONTROL_BIT)(record, facts):
        if record.close_code != 1007 or finding.requirement != "RFC6455-7.1.7-05":
            yield finding


_MISPLACED: Final = (
    *(
        _misplaced(
            f"rsv1-on-{name}{where}",
            _CONTROL_BIT,
            f"a {name.title()}{title}",
            *steps,
            Send(frame(opcode, payload, rsv=_BIT), f"a {name.title()}, RSV1 set"),
            judge=fails_unanswered(_CONTROL_BIT, pong=payload, echo=echo)
            if payload and opcode == PING
            else fails(_CONTROL_BIT, echo=echo),
        )
        for name, opcode in _CONTROL.items()
        for where, title, steps, payload, echo in (
            ("", "", (), _HELLO, ()),
            ("-empty", " without payload", (), b"", ()),
            ("-compressed", " that is compressed", (), _HELLO_FIXED, ()),
            (
                "-behind-a-message",
                " behind a compressed message",
                (_hello(),),
                b"late",
                [_HELLO_ECHO],
            ),
            ("-in-mid-message", " within a compressed message", (_BEGUN,), b"between", ()),
            ("-in-a-plain-message", " within a plain message", (_BEGUN_PLAIN,), b"between", ()),
        )
    ),
    *(
        _misplaced(
            f"rsv1-on-close{where}",
            _CONTROL_BIT,
            f"a Close{title}",
            *steps,
            Send(frame(CLOSE, payload, rsv=_BIT), "a Close, RSV1 set"),
            judge=_rejects_close,
        )
        for where, title, steps, payload in (
            ("", "", (), BAD_CLOSE_CODE.to_bytes(2, "big")),
            ("-in-mid-message", " within a message", (_BEGUN,), BAD_CLOSE_CODE.to_bytes(2, "big")),
            (
                "-compressed",
                " that is compressed",
                (),
                deflated(BAD_CLOSE_CODE.to_bytes(2, "big") + b"bye"),
            ),
        )
    ),
    _misplaced(
        "rsv1-on-last-fragment",
        _CONTINUATION_BIT,
        "the last fragment of a compressed message",
        _BEGUN,
        Send(continuation(_HELLO_FIXED[3:], rsv=_BIT), "the last fragment, RSV1 set"),
    ),
    _misplaced(
        "rsv1-on-middle-fragment",
        _CONTINUATION_BIT,
        "a middle fragment of a compressed message",
        _BEGUN,
        Send(continuation(_HELLO_FIXED[3:5], fin=False, rsv=_BIT), "a middle fragment, RSV1 set"),
        MOMENT,
        Send(continuation(_HELLO_FIXED[5:]), "the last fragment"),
    ),
    _misplaced(
        "rsv1-on-empty-fragment",
        _CONTINUATION_BIT,
        "an empty fragment of a compressed message",
        _BEGUN,
        Send(continuation(b"", fin=False, rsv=_BIT), "an empty fragment, RSV1 set"),
        MOMENT,
        Send(continuation(_HELLO_FIXED[3:]), "the last fragment"),
    ),
    _misplaced(
        "rsv1-on-empty-last-fragment",
        _CONTINUATION_BIT,
        "an empty last fragment of a compressed message",
        Send(compressed(TEXT, _HELLO_FIXED, fin=False), "compressed, FIN clear"),
        Send(continuation(b"", rsv=_BIT), "an empty last fragment, RSV1 set"),
    ),
    _misplaced(
        "rsv1-on-fragment-of-plain-message",
        _CONTINUATION_BIT,
        "a fragment of a message that is not compressed",
        _BEGUN_PLAIN,
        Send(continuation("lo", rsv=_BIT), "the last fragment, RSV1 set"),
    ),
    _misplaced(
        "rsv1-on-compressed-end-of-plain-message",
        _CONTINUATION_BIT,
        "the compressed end of a message that is not",
        _BEGUN_PLAIN,
        Send(continuation(deflated(b"lo"), rsv=_BIT), "the last fragment, compressed, RSV1 set"),
    ),
    _misplaced(
        "rsv1-on-fragment-of-compressed-binary",
        _CONTINUATION_BIT,
        "a fragment of a compressed binary message",
        Send(_fragments(_HELLO_FIXED, [3], opcode=BINARY)[0], "a compressed message begins"),
        Send(continuation(_HELLO_FIXED[3:], rsv=_BIT), "the last fragment, RSV1 set"),
        judge=fails(_CONTINUATION_BIT, tolerated=TYPE_CODES),
    ),
    _misplaced(
        "rsv1-on-continuation-of-nothing",
        _CONTINUATION_BIT,
        "a continuation of nothing",
        _hello(),
        Send(continuation(_HELLO_FIXED, rsv=_BIT), "a continuation, RSV1 set"),
        judge=fails(_CONTINUATION_BIT, echo=[_HELLO_ECHO]),
    ),
    _misplaced(
        "rsv1-on-fragment-of-a-second-message",
        _CONTINUATION_BIT,
        "a fragment of a second message",
        _hello(),
        _BEGUN,
        Send(continuation(_HELLO_FIXED[3:], rsv=_BIT), "the last fragment, RSV1 set"),
        judge=fails(_CONTINUATION_BIT, echo=[_HELLO_ECHO]),
    ),
    *(
        case(
            f"7692:6.1/not-agreed-rsv1-on-{name}",
            (_NOT_AGREED, "RFC6455-5.2-03"),
            f"Without an agreement RSV1 on {what} has to fail the connection.",
            rejected(Send(data, f"{what}, RSV1 set")),
            judge or fails(_NOT_AGREED),
        )
        for name, what, data, judge in (
            ("compressed-text", "compressed text", compressed(TEXT, _HELLO_FIXED), None),
            ("plain-text", "text that is not compressed", text(_HELLO, rsv=_BIT), None),
            ("empty-text", "empty text", text("", rsv=_BIT), None),
            (
                "compressed-binary",
                "compressed binary",
                compressed(BINARY, _HELLO_FIXED),
                fails(_NOT_AGREED, tolerated=TYPE_CODES),
            ),
            (
                "compressed-fragments",
                "the first fragment of compressed text",
                b"".join(_fragments(_HELLO_FIXED, [3])),
                None,
            ),
            (
                "ping",
                "a Ping",
                ping(_HELLO, rsv=_BIT),
                fails_unanswered(_NOT_AGREED, pong=_HELLO),
            ),
            ("pong", "a Pong", pong(_HELLO, rsv=_BIT), None),
        )
    ),
)

# Control frames are never compressed (§6)

_CONTROL_FRAMES: Final = (
    *(
        case(
            f"7692:6/ping-{name}",
            ("RFC7692-6-02", "RFC6455-5.5.3-01"),
            f"With permessage-deflate a Ping is answered as without: {what}.",
            (Open(_DEFLATE), *before, Send(ping(payload), what), Await("pongs"), Probe()),
            answers_each("RFC7692-6-02", payload),
            needs=["deflate"],
        )
        for name, what, payload, before in (
            ("plain", "a Ping with text", _HELLO, ()),
            ("empty", "a Ping without payload", b"", ()),
            ("of-125-equal-bytes", "a Ping of 125 equal bytes", b"a" * 125, ()),
            (
                "of-every-kind-of-byte",
                "a Ping of bytes that are no text",
                bytes(range(131, 256)),
                (),
            ),
            ("like-deflate", "a Ping that could be inflated", _HELLO_FIXED, ()),
            ("behind-a-message", "a Ping behind a compressed message", _HELLO, (_hello(),)),
            (
                "like-the-message-before",
                "a Ping like the message before it",
                b"Hello" * 9,
                (_hello(),),
            ),
        )
    ),
    *(
        _comes_back(
            f"6/{name}-between-fragments",
            ("RFC7692-6-02", "RFC7692-6.2-01"),
            f"A {name} may come between the fragments of a compressed message.",
            [_BEGUN, Send(data, f"a {name}"), Send(continuation(_HELLO_FIXED[3:]), "the end")],
            _HELLO_ECHO,
        )
        for name, data in (
            ("ping", ping(b"between")),
            ("empty-ping", ping()),
            ("pong", pong(b"between")),
            ("ping-like-deflate", ping(_HELLO_FIXED)),
        )
    ),
    _comes_back(
        "6/ping-between-messages",
        ("RFC7692-6-02", "RFC7692-6.2-01"),
        "A Ping between two compressed messages changes nothing.",
        [_hello(), Send(ping(b"between"), "a Ping"), _message(deflated(b"world"), "world")],
        _HELLO_ECHO,
        (TEXT, b"world"),
    ),
    *(
        case(
            f"7692:6/close-{name}",
            ("RFC7692-6-02", "RFC6455-5.5.1-10"),
            f"With permessage-deflate a Close is answered by one that is not compressed ({how}).",
            (Open(_DEFLATE), *before, Send(close(1000, "bye " * 20), "a Close"), Await("end")),
            says_nothing,
            needs=["deflate"],
        )
        for name, how, before in (
            ("at-once", "at once", ()),
            ("behind-a-message", "behind a message", (_hello(), Await("messages"))),
        )
    ),
)

# Fragments (§6.2)

_JOINED: Final = "RFC7692-6.2-01"
_LONG: Final = _SENTENCE * 8
_LONG_PAYLOAD: Final = deflated(_LONG)


def _flushed_in_parts(*parts: bytes) -> list[bytes]:
    """Compress parts of a message so that each could be inflated when it is there."""
    squeezer = zlib.compressobj(9, wbits=-15)
    data = [squeezer.compress(part) + squeezer.flush(zlib.Z_SYNC_FLUSH) for part in parts]
    return [*data[:-1], flushed(data[-1])]


def _frames_of(payloads: Sequence[bytes]) -> bytes:
    cuts = [sum(map(len, payloads[:index])) for index in range(1, len(payloads))]
    return b"".join(_fragments(b"".join(payloads), cuts))


_FRAGMENTED: Final = (
    *(
        _comes_back(
            f"6.2/cut-at-{cut}",
            (_JOINED, "RFC7692-6.1-01"),
            f"A compressed message in two fragments, cut at {cut}, is joined and inflated.",
            [Send(b"".join(_fragments(_HELLO_FIXED, [cut])), f"two fragments, cut at {cut}")],
            _HELLO_ECHO,
        )
        for cut in range(len(_HELLO_FIXED) + 1)
    ),
    _comes_back(
        "6.2/cut-at-every-byte",
        (_JOINED, "RFC7692-6.1-01"),
        "A compressed message may have a fragment for each byte.",
        [Send(b"".join(_fragments(_HELLO_FIXED, range(1, 7))), "seven fragments")],
        _HELLO_ECHO,
    ),
    _comes_back(
        "6.2/fragments-in-segments",
        (_JOINED, "RFC7692-6.1-01"),
        "A compressed message may be in fragments, each in a segment of its own.",
        [
            step
            for data in _fragments(_HELLO_FIXED, [2, 5])
            for step in (Send(data, "a fragment"), Pause())
        ],
        _HELLO_ECHO,
    ),
    _comes_back(
        "6.2/empty-fragments-between",
        (_JOINED, "RFC7692-6.1-01"),
        "There may be empty fragments between those of a compressed message.",
        [
            Send(
                b"".join(_fragments(_HELLO_FIXED, [n for i in range(1, 7) for n in (i, i)])),
                "fragments of one byte and of none by turns",
            )
        ],
        _HELLO_ECHO,
    ),
    _comes_back(
        "6.2/empty-fragments-around",
        (_JOINED, "RFC7692-6.1-01"),
        "The first and the last fragment of a compressed message may be empty.",
        [Send(b"".join(_fragments(_HELLO_FIXED, [0, 0, 7, 7])), "two empty ones on each side")],
        _HELLO_ECHO,
    ),
    _comes_back(
        "6.2/long-message-in-fragments",
        (_JOINED, "RFC7692-6.1-01"),
        "A long compressed message may be in fragments of 10 bytes.",
        [
            Send(
                b"".join(_fragments(_LONG_PAYLOAD, range(10, len(_LONG_PAYLOAD), 10))),
                "fragments of 10 bytes",
            )
        ],
        (TEXT, _LONG),
    ),
    _comes_back(
        "6.2/pings-between-all-fragments",
        (_JOINED, "RFC7692-6-02"),
        "There may be a Ping between any two fragments of a compressed message.",
        [
            step
            for data in _fragments(_LONG_PAYLOAD, range(20, len(_LONG_PAYLOAD), 20))
            for step in (Send(data, "a fragment"), Send(ping(b"between"), "a Ping"))
        ],
        (TEXT, _LONG),
    ),
    _comes_back(
        "6.2/two-messages-in-fragments",
        (_JOINED, "RFC7692-6.1-01"),
        "Compressed messages in fragments may follow each other.",
        [
            Send(b"".join(_fragments(_HELLO_FIXED, [2, 4])), "three fragments"),
            Send(b"".join(_fragments(deflated(b"world"), [1, 2, 3])), "four fragments"),
        ],
        _HELLO_ECHO,
        (TEXT, b"world"),
    ),
    _comes_back(
        "6.2/masked-with-a-key-for-each-fragment",
        ("RFC6455-5.3-06", _JOINED),
        "The fragments of a compressed message are unmasked each with its own key.",
        [
            Send(
                b"".join(
                    _fragments(
                        _LONG_PAYLOAD,
                        [1, 4, 9, 11, 30],
                        keys=[b"\x11\x22\x33\x44", b"\xa5\x5a\xff\x01", b"\x00\x80\x7f\xfe"],
                    )
                ),
                "fragments of odd lengths, three keys by turns",
            )
        ],
        (TEXT, _LONG),
    ),
    *(
        _comes_back(
            f"5.3/masked-{name}",
            ("RFC6455-5.3-06", "RFC7692-6-03"),
            f"A compressed message is masked to its last byte, key {key.hex(' ')}.",
            [Send(compressed(TEXT, payload, key=key), f"compressed, key {key.hex(' ')}")],
            (TEXT, content),
        )
        for name, key, payload, content in (
            ("hello", b"\x37\xfa\x21\x3d", _HELLO_FIXED, _HELLO),
            ("with-zeros", bytes(4), _HELLO_FIXED, _HELLO),
            ("to-zeros", _HELLO_FIXED[:4], _HELLO_FIXED, _HELLO),
            ("long", b"\x9a\x5c\x07\xe1", _LONG_PAYLOAD, _LONG),
        )
    ),
    _comes_back(
        "7.2.1/fragment-ends-in-the-tail",
        ("RFC7692-7.2.1-07", "RFC7692-7.2.3.6-01", _JOINED),
        "At the end of a fragment 00 00 ff ff belongs to the data, the message goes on behind it.",
        [
            Send(
                _frames_of(_flushed_in_parts(b"Hel", b"lo")),
                "the first fragment ends in 00 00 ff ff",
            )
        ],
        _HELLO_ECHO,
    ),
    _comes_back(
        "7.2.1/fragments-end-in-the-tail",
        ("RFC7692-7.2.1-07", _JOINED),
        "A message may be compressed fragment by fragment.",
        [
            Send(
                _frames_of(_flushed_in_parts(*[_SENTENCE] * 5)),
                "four of five fragments end in 00 00 ff ff",
            )
        ],
        (TEXT, _SENTENCE * 5),
    ),
    _comes_back(
        "7.2.1/tail-in-the-middle",
        ("RFC7692-7.2.1-07", "RFC7692-7.2.1-03"),
        "00 00 ff ff within a frame belongs to the data.",
        [_message(b"".join(_flushed_in_parts(b"Hel", b"lo")), "00 00 ff ff in the middle")],
        _HELLO_ECHO,
    ),
    _comes_back(
        "7.2.1/tail-in-two-fragments",
        ("RFC7692-7.2.1-07", _JOINED),
        "00 00 ff ff may be cut by the end of a fragment.",
        [
            Send(
                b"".join(
                    _fragments(
                        joined := b"".join(_flushed_in_parts(b"Hel", b"lo")), [len(joined) - 6]
                    )
                ),
                "a cut within 00 00 ff ff",
            )
        ],
        _HELLO_ECHO,
    ),
    _binary_comes_back(
        "7.2.1/content-is-the-tail",
        ("RFC7692-7.2.1-07", "RFC7692-7.2.1-04"),
        "00 00 ff ff may be what a message says, compressed or not.",
        [
            _message(Blocks().stored(TAIL).payload, "stored: 00 00 ff ff", BINARY),
            _message(deflated(TAIL), "compressed: 00 00 ff ff", BINARY),
            Send(binary(TAIL), "not compressed: 00 00 ff ff"),
        ],
        TAIL,
        TAIL,
        TAIL,
    ),
    *(
        _comes_back(
            f"7.2.3.6/{name}",
            ("RFC7692-7.2.3.6-01", _JOINED),
            f"The last fragment may yield no data: {what}.",
            [Send(_frames_of([*payloads]), what)],
            _HELLO_ECHO,
        )
        for name, what, payloads in (
            (
                "last-fragment-of-00",
                "00 behind a flushed fragment",
                (_flushed_in_parts(_HELLO, b"")[0], b"\x00"),
            ),
            (
                "last-fragment-of-an-empty-block",
                "02 00 behind a flushed fragment",
                (_flushed_in_parts(_HELLO, b"")[0], b"\x02\x00"),
            ),
            (
                "last-fragment-of-00-behind-a-stored-block",
                "00 behind a stored block",
                (Blocks().stored(_HELLO).data, b"\x00"),
            ),
        )
    ),
)

# DEFLATE in all its forms (§7.2.1, §7.2.2)

_BLOCKS: Final = "RFC7692-7.2.1-03"
_KINDS: Final = "RFC7692-7.2.1-04"
_INFLATES: Final = "RFC7692-7.2.2-01"
_EMPTY: Final = "RFC7692-7.2.1-16"
_FINAL: Final = "RFC7692-7.2.1-05"


def _made_of(
    name: str,
    requirement: str,
    what: str,
    payload: bytes,
    content: bytes,
    *,
    refusal: Gravity = bears,
    then: bool = False,
) -> Case:
    """Return a case about one message, and perhaps a second one that is as usual."""
    steps = [_message(payload, what)]
    contents = [(TEXT, content)]
    if then:
        steps.append(_message(deflated(b"world"), "compressed world"))
        contents.append((TEXT, b"world"))
    return _comes_back(
        f"7.2.1/{name}",
        tuple(dict.fromkeys((requirement, _INFLATES))),
        f"A message may be made of {what}" + (", and another may follow." if then else "."),
        steps,
        *contents,
        refusal=refusal,
    )


class _Compressor(NamedTuple):
    """How zlib compresses."""

    level: int = 9
    strategy: int = zlib.Z_DEFAULT_STRATEGY
    bits: int = 15
    memory: int = 8


#: By a name for the case.
_COMPRESSORS: Final = {
    **{f"level-{level}": _Compressor(level) for level in range(10)},
    "filtered": _Compressor(strategy=zlib.Z_FILTERED),
    "without-references": _Compressor(strategy=zlib.Z_HUFFMAN_ONLY),
    "with-references-to-the-last-byte": _Compressor(strategy=zlib.Z_RLE),
    "with-fixed-codes": _Compressor(strategy=zlib.Z_FIXED),
    "with-little-memory": _Compressor(memory=1),
    **{f"window-{bits}": _Compressor(bits=bits) for bits in range(9, 16)},
}

#: Those with few and with many extra bits, and the greatest, which has a code of its own.
_LENGTHS: Final = (*range(3, 36), 66, 67, 130, 131, 162, 163, 226, 227, 256, 257, 258)


def _compressed_by(how: _Compressor, data: bytes) -> bytes:
    return deflated(data, level=how.level, strategy=how.strategy, bits=how.bits, memory=how.memory)


_FORMS: Final = (
    _made_of("fixed-block", _KINDS, "one block with fixed codes", _HELLO_FIXED, _HELLO),
    _made_of("stored-block", _KINDS, "one stored block", Blocks().stored(_HELLO).payload, _HELLO),
    _made_of(
        "dynamic-block",
        _KINDS,
        "one block with codes of its own",
        deflated(_LONG, strategy=zlib.Z_HUFFMAN_ONLY),
        _LONG,
    ),
    _made_of(
        "two-blocks",
        _BLOCKS,
        "two blocks with an empty one between",
        Blocks().fixed(b"He").stored(b"").fixed(b"llo").payload,
        _HELLO,
    ),
    _made_of(
        "two-fixed-blocks",
        _BLOCKS,
        "two fixed blocks",
        Blocks().fixed(b"He").fixed(b"llo").payload,
        _HELLO,
    ),
    _made_of(
        "two-stored-blocks",
        _BLOCKS,
        "two stored blocks",
        Blocks().stored(b"Hel").stored(b"lo").payload,
        _HELLO,
    ),
    _made_of(
        "block-for-each-byte",
        _BLOCKS,
        "a block for each byte",
        Blocks().fixed(b"H").stored(b"e").fixed(b"l").stored(b"l").fixed(b"o").payload,
        _HELLO,
    ),
    _made_of(
        "blocks-of-all-kinds",
        _BLOCKS,
        "blocks of all kinds",
        deflated(_LONG, strategy=zlib.Z_HUFFMAN_ONLY)
        + TAIL
        + Blocks().stored(b"stored, ").fixed(b"fixed").payload,
        _LONG + b"stored, fixed",
    ),
    _made_of(
        "empty-blocks-before",
        _BLOCKS,
        "empty blocks and one that is not",
        Blocks().stored(b"").fixed().stored(b"").fixed(_HELLO).payload,
        _HELLO,
    ),
    _made_of(
        "empty-blocks-behind",
        _BLOCKS,
        "a block and empty ones behind it",
        Blocks().fixed(_HELLO).stored(b"").fixed().stored(b"").payload,
        _HELLO,
    ),
    _made_of(
        "many-empty-blocks",
        _BLOCKS,
        "a hundred empty blocks and one that is not",
        b"\x00" + TAIL + (b"\x00" + TAIL) * 99 + _HELLO_FIXED,
        _HELLO,
    ),
    _made_of(
        "reference-to-itself",
        _INFLATES,
        "a byte and a reference to it, 258 bytes long",
        Blocks().fixed(b"a", (258, 1)).payload,
        b"a" * 259,
    ),
    _made_of(
        "references-of-many-lengths",
        _INFLATES,
        "references of many lengths",
        Blocks().fixed(b"abc", *((length, 3) for length in _LENGTHS)).payload,
        (b"abc" * 2000)[: 3 + sum(_LENGTHS)],
    ),
    _made_of(
        "reference-into-another-block",
        _BLOCKS,
        "a block that refers to the one before it",
        Blocks().stored(_HELLO).fixed((5, 5), b"!").payload,
        b"HelloHello!",
    ),
    _made_of(
        "nothing-in-one-byte",
        _EMPTY,
        "the byte 00, which says nothing",
        b"\x00",
        b"",
        then=True,
    ),
    *(
        _made_of(f"nothing-{name}", _EMPTY, f"{what}, which says nothing", payload, b"")
        for name, what, payload in (
            ("in-a-fixed-block", "an empty fixed block", b"\x02\x00"),
            ("in-two-stored-blocks", "two empty stored blocks", b"\x00" + TAIL + b"\x00"),
            ("in-mixed-blocks", "empty blocks of two kinds", Blocks().stored(b"").fixed().payload),
        )
    ),
    _comes_back(
        "7.2.1/nothing-several-times",
        (_EMPTY, _INFLATES),
        "Empty messages may be compressed, one after the other.",
        [*[_message(b"\x00", "compressed, empty")] * 3, _hello()],
        *[(TEXT, b"")] * 3,
        _HELLO_ECHO,
    ),
    _comes_back(
        "7.2.1/nothing-in-fragments",
        (_EMPTY, _JOINED),
        "A compressed message without data may be in fragments, the first of them empty.",
        [
            Send(
                compressed(TEXT, b"", fin=False) + continuation(b"\x00"),
                "no payload, then the byte 00",
            ),
            _hello(),
        ],
        (TEXT, b""),
        _HELLO_ECHO,
    ),
    _binary_comes_back(
        "7.2.1/nothing-as-binary",
        (_EMPTY, "RFC7692-6.1-07"),
        "A binary message without data may be compressed.",
        [_message(b"\x00", "compressed binary, empty", BINARY)],
        b"",
    ),
    *(
        _comes_back(
            f"7.2.2/compressor-{name}",
            (_INFLATES, _KINDS),
            f"Compressors work in many ways; this one: {name.replace('-', ' ')}.",
            [_message(_compressed_by(options, _LONG + noise(900)), f"compressed, {name}")],
            (TEXT, _LONG + noise(900)),
        )
        for name, options in _COMPRESSORS.items()
    ),
    *(
        _comes_back(
            f"7.2.2/payload-of-{length}",
            (_INFLATES, "RFC6455-5.2-17"),
            f"The compressed payload may have {length} bytes.",
            [_message(Blocks().stored(noise(length - 6)).payload, f"{length} bytes, stored")],
            (TEXT, noise(length - 6)),
        )
        for length in (125, 126, 127, 1000)
    ),
)

# Blocks with BFINAL (§7.2.1)

_FINALS: Final = (
    _made_of(
        "final-block",
        _FINAL,
        "a block with BFINAL set, and the byte 00",
        Blocks().fixed(_HELLO, final=True).payload,
        _HELLO,
        refusal=warn,
    ),
    _made_of(
        "final-block-then-a-message",
        _FINAL,
        "a block with BFINAL set",
        Blocks().fixed(_HELLO, final=True).payload,
        _HELLO,
        refusal=warn,
        then=True,
    ),
    *(
        _made_of(name, requirement, what, payload, content, refusal=warn)
        for name, requirement, what, payload, content in (
            (
                "blocks-behind-a-final-one",
                "RFC7692-7.2.1-06",
                "a block with BFINAL set and another one behind it",
                Blocks().fixed(b"Hel", final=True).fixed(b"lo").payload,
                _HELLO,
            ),
            (
                "stored-final-block",
                _FINAL,
                "a stored block with BFINAL set and another one behind it",
                Blocks().stored(b"Hel", final=True).stored(b"lo").payload,
                _HELLO,
            ),
            (
                "several-final-blocks",
                "RFC7692-7.2.1-06",
                "three blocks with BFINAL set",
                Blocks()
                .fixed(b"He", final=True)
                .fixed(b"l", final=True)
                .fixed(b"lo", final=True)
                .payload,
                _HELLO,
            ),
            (
                "final-block-without-data",
                _FINAL,
                "an empty block with BFINAL set and another one behind it",
                Blocks().fixed(final=True).fixed(_HELLO).payload,
                _HELLO,
            ),
            (
                "final-block-in-the-middle",
                "RFC7692-7.2.1-06",
                "three blocks, the one in the middle with BFINAL set",
                Blocks().fixed(b"H").fixed(b"el", final=True).stored(b"lo").payload,
                _HELLO,
            ),
        )
    ),
    _comes_back(
        "7.2.1/final-block-in-a-fragment",
        (_FINAL, _JOINED),
        "A fragment may end in a block with BFINAL set, another follows.",
        [
            Send(
                _frames_of(
                    [Blocks().fixed(b"Hel", final=True).data, Blocks().fixed(b"lo").payload]
                ),
                "two fragments, the first ends in a final block",
            )
        ],
        _HELLO_ECHO,
        refusal=warn,
    ),
    _comes_back(
        "7.2.1/window-behind-a-final-block",
        (_FINAL, "RFC7692-7.2.2-08"),
        "A block with BFINAL set ends a stream, but not what later messages may refer to.",
        [
            _message(Blocks().fixed(_HELLO, final=True).payload, "Hello, BFINAL set"),
            _message(_HELLO_AGAIN, "a reference to it"),
        ],
        _HELLO_ECHO,
        _HELLO_ECHO,
        gravity=info,
        kept=True,
    ),
)

# What is no DEFLATE (§7.2.2)

_INVALID: Final = "RFC7692-7.2.2-02"
_TOO_FAR: Final = "RFC7692-7.2.2-03"
_CUT_OFF: Final = "RFC7692-7.2.2-04"


def _invalid(
    name: str,
    requirement: str,
    what: str,
    *steps: Step,
    echo: Sequence[tuple[int, bytes]] = (),
    codes: Sequence[int] = (),
) -> Case:
    return case(
        f"7692:7.2.2/{name}",
        tuple(dict.fromkeys((requirement, _INVALID))),
        f"A compressed message with {what} has to fail the connection.",
        rejected_late(*steps, opening=_DEFLATE),
        fails(requirement, 1007, tolerated=(*_DATA_CODES, *codes), echo=echo),
        needs=["deflate"],
    )


def _gzip(data: bytes) -> bytes:
    squeezer = zlib.compressobj(9, wbits=31)
    return squeezer.compress(data) + squeezer.flush()


#: Payloads that are no DEFLATE, by a name for the case.
_BAD_PAYLOADS: Final = {
    "reserved-block": ("a block of the reserved type", b"\x06"),
    "reserved-final-block": ("a final block of the reserved type", b"\x07"),
    "reserved-block-with-data": ("a block of the reserved type", b"\x07" + _HELLO),
    "bytes-ff": ("nothing but ff", b"\xff" * 10),
    "bad-stored-length": (
        "a stored block whose two lengths do not fit",
        Blocks().stored(_HELLO, wrong=True).payload,
    ),
    "plain-text": ("text that is not compressed", _HELLO),
    "plain-long-text": ("long text that is not compressed", _SENTENCE),
    "second-block-reserved": (
        "a second block of the reserved type",
        Blocks().fixed(_HELLO).raw("011").data + b"\x00",
    ),
    "second-block-bad-length": (
        "a second, stored block whose two lengths do not fit",
        Blocks().fixed(b"Hel").stored(b"lo", wrong=True).payload,
    ),
    "length-286": ("a length that means nothing", Blocks().of_numbers(72, 286).raw("0" * 16).data),
    "distance-30": (
        "a distance that means nothing",
        Blocks().of_numbers(72, 257).raw("11110" + "0" * 16).data,
    ),
    "too-many-codes": (
        "a description of too many codes",
        Blocks().raw("001" + "1" * 14 + "1" * 57).raw("0" * 40).data,
    ),
    "no-codes": (
        "a description of no codes",
        Blocks().raw("001" + "0" * 14 + "0" * 57).raw("0" * 400).data,
    ),
    "zlib-wrapper": ("zlib's header and trailer", zlib.compress(_HELLO * 4)),
    "gzip-wrapper": ("gzip's header and trailer", _gzip(_HELLO * 4)),
}

#: Messages that refer to data never sent.
_BAD_REFERENCES: Final = {
    "of-1": ("a reference to the byte before the first", Blocks().fixed((3, 1)).payload),
    "of-5": ("a reference to an earlier message, without one", _HELLO_AGAIN),
    "of-6-behind-5": ("a reference one byte too far back", Blocks().fixed(_HELLO, (3, 6)).payload),
    "of-32768": ("a reference 32768 bytes back", Blocks().fixed(_HELLO, (258, 32768)).payload),
    "in-a-second-block": (
        "a reference that is too far back, in a second block",
        Blocks().stored(_HELLO).fixed((3, 6)).payload,
    ),
}


def _is_not_taken(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want data that is cut off not to be delivered, and better to fail the connection."""
    got = messages_of(record, facts)
    if got and facts.echoes:
        shown = got[0].payload[:24]
        yield fail(_CUT_OFF, f"what is left of the message was echoed: {shown!r}")
    elif record.is_alive:
        yield info(_CUT_OFF, "the connection goes on, though nothing is echoed")
    else:
        yield from fails(_CUT_OFF, 1007, tolerated=_DATA_CODES)(record, facts)


#: Messages that end too early, so that some of their content is missing.
_CUT: Final = {
    "in-fixed-block": ("inside a block with fixed codes", _HELLO_FIXED[:4]),
    "behind-one-byte": ("behind its first byte", _HELLO_FIXED[:1]),
    "in-stored-block": ("inside a stored block", Blocks().stored(_HELLO).payload[:8]),
    "behind-stored-lengths": ("behind the lengths of a stored block", b"\x00\x05\x00\xfa\xff"),
    "in-dynamic-block": (
        "inside a block with codes of its own",
        deflated(_LONG, strategy=zlib.Z_HUFFMAN_ONLY)[:200],
    ),
    "in-description-of-codes": (
        "inside the description of codes",
        deflated(_LONG, strategy=zlib.Z_HUFFMAN_ONLY)[:20],
    ),
    "in-second-block": (
        "inside its second block",
        Blocks().fixed(b"Hel").stored(b"lo wo").payload[:-3],
    ),
    "in-half": ("in its middle", _LONG_PAYLOAD[: len(_LONG_PAYLOAD) // 2]),
}


def _nothing_at_all(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want RSV1 without payload to be refused, or to be an empty message and no more."""
    clause = "RFC7692-7.2.2-14"
    got = [message.content for message in messages_of(record, facts)]
    if record.closes or record.has_ended:
        empty = [(TEXT, b"")]
        yield from fails(clause, 1007, tolerated=_DATA_CODES, echo=empty)(record, facts)
    elif got == [_HELLO_ECHO] and record.is_alive:  # as with any data that is cut off
        yield info(clause, "it is dropped without a word")
    else:
        yield from echoes(clause, (TEXT, b""), _HELLO_ECHO)(record, facts)


_BAD_DATA: Final = (
    *(
        _invalid(name, _INVALID, what, _message(payload, what))
        for name, (what, payload) in _BAD_PAYLOADS.items()
    ),
    *(
        _invalid(f"distance-{name}", _TOO_FAR, what, _message(payload, what))
        for name, (what, payload) in _BAD_REFERENCES.items()
    ),
    _invalid(
        "reserved-block-as-second-message",
        _INVALID,
        "a block of the reserved type, as the second message,",
        _hello(),
        _message(b"\x07", "a block of the reserved type"),
        echo=[_HELLO_ECHO],
    ),
    _invalid(
        "reserved-block-in-second-fragment",
        _INVALID,
        "a block of the reserved type in its second fragment",
        Send(
            _frames_of([Blocks().stored(_HELLO).data, b"\x07\x00"]), "Hello, then a reserved block"
        ),
    ),
    _invalid(
        "bad-binary",
        _INVALID,
        "a block of the reserved type, a binary one,",
        _message(b"\x07", "a block of the reserved type", BINARY),
        codes=TYPE_CODES,
    ),
    _invalid(
        "distance-behind-plain-text",
        "RFC7692-7.2.3.2-01",
        "a reference to an earlier one that was not compressed",
        Send(text(_HELLO), "Hello, not compressed"),
        _message(_HELLO_AGAIN, "a reference to it"),
        echo=[_HELLO_ECHO],
    ),
    _invalid(
        "distance-beyond-a-message",
        _TOO_FAR,
        "a reference back beyond the first message",
        _hello(),
        _message(Blocks().fixed(b"H", (4, 7)).payload, "a reference 7 bytes back"),
        echo=[_HELLO_ECHO],
    ),
    *(
        case(
            f"7692:7.2.2/cut-off-{name}",
            (_CUT_OFF, _INVALID),
            f"A compressed message that is cut off {where} is not delivered.",
            rejected_late(_message(payload, f"cut off {where}"), opening=_DEFLATE),
            _is_not_taken,
            needs=["deflate"],
        )
        for name, (where, payload) in _CUT.items()
    ),
    *(
        case(
            f"7692:7.2.2/no-data-{name}",
            ("RFC7692-7.2.2-14", _EMPTY),
            f"RSV1 on a message without any payload fails the connection, or says nothing ({how}).",
            (Open(_DEFLATE), Send(data, how), _hello(), Await("messages", 2), Probe()),
            _nothing_at_all,
            needs=["deflate"],
        )
        for name, how, data in (
            ("in-one-frame", "one empty frame", compressed(TEXT, b"")),
            (
                "in-two-frames",
                "two empty frames",
                compressed(TEXT, b"", fin=False) + continuation(b""),
            ),
        )
    ),
)

# The window, from message to message (§7.2.2)

_KEPT: Final = "RFC7692-7.2.2-08"
_UNTOUCHED: Final = "RFC7692-7.2.3.2-01"
_FULL_WINDOW: Final = "RFC7692-7.2.2-12"

_AGAIN: Final = _message(_HELLO_AGAIN, "Hello as a reference to the first one")
_LINES: Final = [b"%s Line %d of twenty. " % (_SENTENCE, number) for number in range(20)]


def _remembers(
    name: str,
    requirement: str,
    title: str,
    *steps: Step,
    contents: Sequence[tuple[int, bytes]] = (),
    opening: Opening = _DEFLATE,
) -> Case:
    """Return a case: Hello, something else, and Hello as a reference to the first one."""
    return _comes_back(
        name,
        tuple(dict.fromkeys((requirement, _KEPT))),
        title,
        [_hello(), *steps, _AGAIN],
        _HELLO_ECHO,
        *contents,
        _HELLO_ECHO,
        opening=opening,
        kept=True,
    )


_WINDOWS: Final = (
    _remembers("7.2.2/second-message-refers", _KEPT, "A message may refer to the one before it."),
    _remembers(
        "7.2.2/several-messages-refer",
        _KEPT,
        "Message after message may refer to the one before it.",
        *[_AGAIN] * 5,
        contents=[_HELLO_ECHO] * 5,
    ),
    _remembers(
        "7.2.2/refers-behind-a-wait",
        _KEPT,
        "A message may refer to one that has come back already.",
        Await("messages"),
        Pause(),
    ),
    _comes_back(
        "7.2.2/refers-two-messages-back",
        _KEPT,
        "A message may refer to one that is not the last.",
        [
            _hello(),
            _message(deflated(b"world"), "compressed world"),
            _message(Blocks().fixed((5, 10)).payload, "a reference 10 bytes back"),
        ],
        _HELLO_ECHO,
        (TEXT, b"world"),
        _HELLO_ECHO,
        kept=True,
    ),
    _remembers(
        "7.2.2/refers-behind-an-empty-message",
        _KEPT,
        "An empty compressed message leaves the window as it is.",
        _message(b"\x00", "compressed, empty"),
        contents=[(TEXT, b"")],
    ),
    _remembers(
        "7.2.2/refers-behind-a-ping",
        _KEPT,
        "A Ping leaves the window as it is.",
        Send(ping(b"between"), "a Ping"),
        Await("pongs"),
    ),
    _remembers(
        "7.2.2/refers-behind-a-pong",
        _KEPT,
        "A Pong leaves the window as it is.",
        Send(pong(b"between"), "a Pong"),
    ),
    _remembers(
        "7.2.3.2/refers-behind-plain-text",
        _UNTOUCHED,
        "A message that is not compressed leaves the window as it is.",
        Send(text("plain"), "text, not compressed"),
        contents=[(TEXT, b"plain")],
    ),
    _remembers(
        "7.2.3.2/refers-behind-long-plain-text",
        _UNTOUCHED,
        "A long message that is not compressed leaves the window as it is.",
        Send(text(noise(2000)), "text of 2000 bytes, not compressed"),
        contents=[(TEXT, noise(2000))],
    ),
    _remembers(
        "7.2.3.2/refers-behind-plain-fragments",
        _UNTOUCHED,
        "A message in fragments that is not compressed leaves the window as it is.",
        Send(text("pl", fin=False) + continuation("ain"), "two fragments, not compressed"),
        contents=[(TEXT, b"plain")],
    ),
    _remembers(
        "7.2.3.2/refers-behind-empty-plain-text",
        _UNTOUCHED,
        "An empty message that is not compressed leaves the window as it is.",
        Send(text(""), "empty text, not compressed"),
        contents=[(TEXT, b"")],
    ),
    _remembers(
        "7.2.3.2/refers-behind-three-plain-texts",
        _UNTOUCHED,
        "Several messages that are not compressed leave the window as it is.",
        *[Send(text("plain"), "text, not compressed")] * 3,
        contents=[(TEXT, b"plain")] * 3,
    ),
    _comes_back(
        "7.2.2/fragments-refer",
        (_KEPT, _JOINED),
        "Messages in fragments may refer to each other.",
        [
            Send(b"".join(_fragments(_HELLO_FIXED, [2, 4])), "Hello in three fragments"),
            Send(b"".join(_fragments(_HELLO_AGAIN, [1, 3])), "a reference to it, three fragments"),
            _AGAIN,
        ],
        *[_HELLO_ECHO] * 3,
        kept=True,
    ),
    _comes_back(
        "7.2.2/refers-to-a-stored-block",
        (_KEPT, _KINDS),
        "A message may refer to one in a stored block.",
        [_message(Blocks().stored(_HELLO).payload, "Hello in a stored block"), _AGAIN],
        *[_HELLO_ECHO] * 2,
        kept=True,
    ),
    _binary_comes_back(
        "7.2.2/binary-refers",
        (_KEPT, "RFC7692-6.1-07"),
        "Binary messages may refer to each other.",
        [
            _message(_HELLO_FIXED, "Hello, binary", BINARY),
            _message(_HELLO_AGAIN, "a reference to it, binary", BINARY),
        ],
        _HELLO,
        _HELLO,
        kept=True,
    ),
    _binary_comes_back(
        "7.2.2/binary-refers-to-text",
        (_KEPT, "RFC7692-6.1-07"),
        "A binary message may refer to a text message.",
        [_hello(), _message(_HELLO_AGAIN, "a reference to it, binary", BINARY)],
        _HELLO_ECHO,
        _HELLO,
        kept=True,
    ),
    _binary_comes_back(
        "7.2.2/text-refers-to-binary",
        (_KEPT, "RFC7692-6.1-07"),
        "A text message may refer to a binary message.",
        [
            _message(_HELLO_FIXED, "Hello, binary", BINARY),
            _message(deflated(b"world"), "world, text"),
            _message(Blocks().fixed((10, 10)).payload, "a reference to both, text"),
        ],
        _HELLO,
        (TEXT, b"world"),
        (TEXT, b"Helloworld"),
        kept=True,
    ),
    _comes_back(
        "7.2.2/twenty-messages-refer",
        (_KEPT, "RFC7692-5-18"),
        "Each of twenty messages may refer to those before.",
        [
            _message(payload, f"message {number}")
            for number, payload in enumerate(deflated_in_turn(*_LINES), 1)
        ],
        *((TEXT, line) for line in _LINES),
        kept=True,
    ),
    _comes_back(
        "7.2.2/twenty-messages-in-one-segment",
        (_KEPT, "RFC7692-5-18"),
        "Twenty messages that refer to those before may come in one segment.",
        [
            Send(
                b"".join(compressed(TEXT, payload) for payload in deflated_in_turn(*_LINES)),
                "twenty messages",
            )
        ],
        *((TEXT, line) for line in _LINES),
        kept=True,
    ),
    _comes_back(
        "7.2.2/thirty-messages",
        ("RFC7692-5-18", _INFLATES),
        "Thirty compressed messages may follow each other, none of which refers to another.",
        [
            Send(
                b"".join(
                    compressed(TEXT, deflated(b"number %d, " % number * 5)) for number in range(30)
                ),
                "thirty messages",
            )
        ],
        *((TEXT, b"number %d, " % number * 5) for number in range(30)),
    ),
    _remembers(
        "7.1.1.2/hint-is-not-binding",
        "RFC7692-7.1.1.2-05",
        "client_no_context_takeover binds the client only if it is answered.",
        opening=compressing("client_no_context_takeover"),
    ),
    _remembers(
        "7.1.1.2/hint-is-not-binding-with-more",
        "RFC7692-7.1.1.2-05",
        "client_no_context_takeover among others binds the client only if it is answered.",
        opening=compressing("server_no_context_takeover", "client_no_context_takeover"),
    ),
    _remembers(
        "7.2.2/client-keeps-what-the-server-forgets",
        _KEPT,
        "server_no_context_takeover is about the server's window, not the client's.",
        opening=compressing("server_no_context_takeover"),
    ),
    _remembers(
        "7.2.2/client-keeps-with-a-small-window",
        _KEPT,
        "With client_max_window_bits=9 the client's window is small, but kept.",
        opening=compressing("client_max_window_bits=9"),
    ),
    *(
        _large(
            f"7.2.2/distance-{distance}",
            (_FULL_WINDOW, "RFC7692-7.1.2.2-08"),
            f"A message may refer {distance} bytes back.",
            [_message(payload, f"a reference {distance} bytes back")],
            (TEXT, noise(distance) + noise(distance)[:258]),
            wide=True,
        )
        for distance in (300, 4200, 16400, 32506, 32767, 32768)
        for payload in [
            deflated(noise(distance), level=1) + TAIL + Blocks().fixed((258, distance)).payload
        ]
    ),
    *(
        _large(
            f"7.1.2.2/distance-32768-{name}",
            ("RFC7692-7.1.2.2-08", _FULL_WINDOW),
            f"The client's window has 32768 bytes, {why}.",
            [
                _message(
                    deflated(noise(32768), level=1) + TAIL + Blocks().fixed((258, 32768)).payload,
                    "a reference 32768 bytes back",
                )
            ],
            (TEXT, noise(32768) + noise(32768)[:258]),
            opening=opening,
            wide=True,
        )
        for name, why, opening in (
            (
                "despite-the-hint",
                "whatever it offered, if the answer does not limit it",
                compressing("client_max_window_bits=9"),
            ),
            (
                "despite-an-offer-without-value",
                "if the answer does not limit it",
                compressing("client_max_window_bits"),
            ),
            (
                "despite-the-window-of-the-server",
                "however small that of the server is",
                compressing("server_max_window_bits=9"),
            ),
        )
    ),
    *(
        _comes_back(
            f"7.2.2/distance-{1 << bits}-with-window-{bits}",
            ("RFC7692-5-08", "RFC7692-5-18", "RFC7692-7.1.2.2-08"),
            f"With client_max_window_bits={bits} a message may refer {1 << bits} bytes back.",
            [
                _message(deflated(noise(1 << bits), bits=9), f"text of {1 << bits} bytes"),
                _message(
                    Blocks().fixed((100, 1 << bits)).payload, f"a reference {1 << bits} bytes back"
                ),
            ],
            (TEXT, noise(1 << bits)),
            (TEXT, noise(1 << bits)[:100]),
            opening=compressing(f"client_max_window_bits={bits}"),
            kept=True,
            bits=bits,
        )
        for bits in range(8, 13)
    ),
    case(
        "7692:7.2.2/distance-32768-into-another-message",
        (_FULL_WINDOW, _KEPT),
        "A message may refer 32768 bytes back, into an earlier message.",
        (
            Open(_DEFLATE),
            twin_of(TEXT, 32768),
            Await("messages"),
            Probe(),
            _message(deflated(noise(32768), level=1), "compressed text of 32768 bytes"),
            Await("messages", 2),
            _message(Blocks().fixed((258, 32768)).payload, "a reference 32768 bytes back"),
            Await("messages", 3),
            Probe(),
        ),
        up_to_limit(
            _if_kept(
                echoes(
                    _FULL_WINDOW,
                    twin_content(TEXT, 32768),
                    (TEXT, noise(32768)),
                    (TEXT, noise(32768)[:258]),
                    gravity=bears,
                )
            ),
            has_twin=True,
        ),
        needs=["deflate"],
    ),
)

# What is agreed on is done (§5)

_PARAMETERS: Final = {
    "plain": (),
    "server-takeover": ("server_no_context_takeover",),
    "client-takeover": ("client_no_context_takeover",),
    "both-takeovers": ("server_no_context_takeover", "client_no_context_takeover"),
    "client-window": ("client_max_window_bits",),
    **{f"server-window-{bits}": (f"server_max_window_bits={bits}",) for bits in range(8, 16)},
    **{f"client-window-{bits}": (f"client_max_window_bits={bits}",) for bits in range(8, 16)},
    "all-four": (
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_max_window_bits=10",
        "client_max_window_bits=10",
    ),
}

_AGREED: Final = tuple(
    _comes_back(
        f"5/agreed-{name}",
        ("RFC7692-5-08", "RFC7692-5-18"),
        f"With {', '.join(parameters) or 'no parameters'} agreed on, messages are understood.",
        [
            _hello(),
            _hello("the same again, no reference"),
            Send(text(_LONG), "long text, not compressed"),
            Send(text(_LONG), "the same again"),
            _message(deflated(_SENTENCE, bits=9), "compressed text, small window"),
        ],
        _HELLO_ECHO,
        _HELLO_ECHO,
        (TEXT, _LONG),
        (TEXT, _LONG),
        (TEXT, _SENTENCE),
        opening=compressing(*parameters),
    )
    for name, parameters in _PARAMETERS.items()
)

# What makes the server compress (§7.2.1): the oracle inflates it, and measures its references


def _answered(
    name: str,
    requirements: tuple[str, ...],
    title: str,
    *contents: bytes,
    parameters: Sequence[str] = (),
    squeezed: bool = False,
) -> Case:
    """Return a case about echoes that the server may compress as it likes, within the rules."""
    send = [
        Send(
            compressed(TEXT, deflated(content)) if squeezed else text(content),
            f"text of {len(content)} bytes",
        )
        for content in contents
    ]
    return case(
        f"7692:{name}",
        requirements,
        title,
        (
            Open(compressing(*parameters)),
            *(
                step
                for number, one in enumerate(send, 1)
                for step in (one, Await("messages", number))
            ),
            Probe(),
        ),
        up_to_limit(echoes(requirements[0], *((TEXT, content) for content in contents))),
        needs=["deflate", "echo"],
    )


def _repeated(period: int, seed: str = "") -> bytes:
    """Return text that repeats itself at a distance of *period*, and nowhere nearer."""
    return noise(period, seed) * max(2, 1500 // period + 1)


_SENDS: Final = "RFC7692-7.2.1-01"
_FORGETS: Final = "RFC7692-7.2.1-11"
_SMALL_WINDOW: Final = "RFC7692-7.2.1-15"

_RESET: Final = "server_no_context_takeover"

_ANSWERED: Final = (
    *(
        _answered(
            f"7.2.1/echo-of-{length}",
            (_SENDS, "RFC7692-6.1-01", "RFC7692-6.1-02"),
            f"Text of {length} bytes comes back in a form that can be inflated.",
            (_SENTENCE * (length // len(_SENTENCE) + 1))[:length],
            noise(length),
        )
        for length in (0, 1, 2, 3, 5, 20, 64, 125, 126, 127, 256, 1000, 5000)
    ),
    _answered(
        "7.2.1/echo-of-a-compressed-message",
        (_SENDS, "RFC7692-6.1-01"),
        "What came compressed comes back in a form that can be inflated.",
        _LONG,
        _SENTENCE,
        _LONG,
        squeezed=True,
    ),
    _answered(
        "7.2.1/echo-of-sizes-by-turns",
        (_SENDS, "RFC7692-7.2.1-12"),
        "Long and short messages by turns come back in a form that can be inflated.",
        _LONG,
        b"",
        _HELLO,
        _LONG,
        b"a",
        noise(600),
        b"",
        _LONG,
    ),
    _answered(
        "7.2.1/echo-of-the-same-again",
        (_SENDS, "RFC7692-7.2.1-12"),
        "The same message, again and again, comes back each time.",
        *[_LONG] * 6,
    ),
    _answered(
        "7.2.1/echo-of-characters",
        (_SENDS, "RFC7692-6.1-08"),
        "Text with characters of several bytes comes back in a form that can be inflated.",
        ("κόσμε €uro 😀 " * 30).encode(),
        "\u20ac".encode() * 500,
    ),
    _answered(
        "7.2.1/echo-of-far-repeats",
        ("RFC7692-7.2.1-08", _SENDS),
        "Text that repeats what was long ago comes back in a form that can be inflated.",
        _repeated(3000) + _repeated(15_000, "far"),
        _repeated(3000),
    ),
    *(
        _answered(
            f"7.2.1/server-forgets-{name}",
            (_FORGETS, "RFC7692-7.1.1.1-02"),
            f"With server_no_context_takeover no message refers to an earlier one ({how}).",
            *contents,
            parameters=parameters,
            squeezed=squeezed,
        )
        for name, how, contents, parameters, squeezed in (
            ("the-same-again", "the same text twice", [_LONG] * 2, [_RESET], False),
            ("the-same-four-times", "the same text four times", [_LONG] * 4, [_RESET], False),
            ("noise", "the same noise twice", [noise(1500)] * 2, [_RESET], False),
            ("short-text", "the same short text", [_SENTENCE] * 3, [_RESET], False),
            ("large-text", "the same large text", [noise(9000)] * 2, [_RESET], False),
            ("what-came-compressed", "sent compressed", [_LONG] * 3, [_RESET], True),
            (
                "behind-an-empty-message",
                "behind an empty message",
                [_LONG, b"", _LONG],
                [_RESET],
                False,
            ),
            (
                "with-a-window",
                "with a small window",
                [_LONG] * 3,
                [_RESET, "server_max_window_bits=10"],
                False,
            ),
            (
                "with-the-client",
                "and the client does not, either",
                [_LONG] * 3,
                [_RESET, "client_no_context_takeover"],
                False,
            ),
        )
    ),
    case(
        "7692:7.2.1/server-forgets-behind-fragments",
        (_FORGETS, "RFC7692-7.1.1.1-02"),
        "With server_no_context_takeover no message refers to one that came in fragments.",
        (
            Open(compressing(_RESET)),
            Send(text(_LONG[:200], fin=False) + continuation(_LONG[200:]), "text, two fragments"),
            Await("messages"),
            Send(text(_LONG), "the same in one frame"),
            Await("messages", 2),
            Send(b"".join(_fragments(_LONG_PAYLOAD, [9])), "the same compressed, two fragments"),
            Await("messages", 3),
            Probe(),
        ),
        echoes(_FORGETS, *[(TEXT, _LONG)] * 3),
        needs=["deflate", "echo"],
    ),
    *(
        _answered(
            f"7.2.1/server-window-{bits}",
            (_SMALL_WINDOW, "RFC7692-7.1.2.1-04"),
            f"With server_max_window_bits={bits} no reference goes further than {1 << bits} back.",
            _repeated((1 << bits) * 5 // 4),
            _repeated((1 << bits) * 5 // 4),
            parameters=[f"server_max_window_bits={bits}"],
        )
        for bits in range(8, 15)
    ),
    *(
        _answered(
            f"7.2.1/server-window-{bits}-far",
            (_SMALL_WINDOW, "RFC7692-7.1.2.1-04"),
            f"With server_max_window_bits={bits} nothing far away is referred to.",
            _repeated(6000),
            parameters=[f"server_max_window_bits={bits}"],
        )
        for bits in (8, 9, 10, 12)
    ),
    _answered(
        "7.2.1/server-window-over-messages",
        (_SMALL_WINDOW, "RFC7692-7.1.2.1-04"),
        "With server_max_window_bits=9 no message refers further back, into an earlier one.",
        noise(700),
        noise(700),
        noise(700, "another") + noise(700),
        parameters=["server_max_window_bits=9"],
    ),
    _answered(
        "7.2.1/server-window-and-more",
        (_SMALL_WINDOW, "RFC7692-7.1.2.1-04"),
        "With all parameters agreed on the server's window is kept small.",
        _repeated(1300),
        _repeated(1300),
        parameters=[
            _RESET,
            "client_no_context_takeover",
            "server_max_window_bits=10",
            "client_max_window_bits=12",
        ],
    ),
)

# Large messages

_LARGE: Final = (
    _large(
        "7.2.2/large-repetitive",
        (_INFLATES, "RFC7692-6-03"),
        "A large message may be very small when it is compressed.",
        [_message(deflated(_SENTENCE * 1450), "compressed text of 100050 bytes")],
        (TEXT, _SENTENCE * 1450),
    ),
    _large(
        "7.2.2/large-noise",
        (_INFLATES, "RFC7692-6-03"),
        "A large message may not be much smaller when it is compressed.",
        [_message(deflated(noise(100_000), level=1), "compressed text of 100000 bytes")],
        (TEXT, noise(100_000)),
    ),
    _large(
        "7.2.2/large-stored",
        (_INFLATES, _KINDS),
        "A large message may be larger when it is compressed.",
        [_message(deflated(noise(70_000), level=0), "compressed text of 70000 bytes, stored")],
        (TEXT, noise(70_000)),
    ),
    _large(
        "7.2.2/large-plain",
        (_SENDS, "RFC7692-6.2-02"),
        "A large message that is not compressed comes back in a form that can be inflated.",
        [Send(text(noise(70_000)), "text of 70000 bytes, not compressed")],
        (TEXT, noise(70_000)),
    ),
    _large(
        "6.2/large-in-fragments",
        (_JOINED, "RFC7692-6.1-03"),
        "A large compressed message may be in fragments.",
        [
            Send(
                b"".join(_fragments(deflated(noise(60_000), level=1), [1, 20_000, 20_001, 40_000])),
                "compressed text of 60000 bytes, five fragments",
            )
        ],
        (TEXT, noise(60_000)),
    ),
    _large(
        "7.2.2/large-in-parts",
        ("RFC7692-7.2.1-07", _JOINED),
        "A large message may be compressed fragment by fragment.",
        [
            Send(
                _frames_of(_flushed_in_parts(*[_SENTENCE * 100] * 8)),
                "compressed text of 55200 bytes, eight fragments",
            )
        ],
        (TEXT, _SENTENCE * 800),
    ),
)

# What stands for what the oracle sees

_SQUEEZED: Final[tuple[Step, ...]] = (
    Open(compressing()),
    Send(text(""), "empty text"),
    Send(text(_LONG), "text that compresses well"),
    Send(text(noise(400)), "text that does not"),
    Send(text(_LONG[:99], fin=False) + continuation(_LONG[99:]), "a message in two fragments"),
    Await("messages", 4),
    Probe(),
    Send(close(1000), "a Close"),
    Await("end"),
)

_RULES: Final = tuple(
    case(
        f"7692:{name}",
        requirements,
        title,
        _SQUEEZED,
        says_nothing,
        needs=["deflate"],
        watches=True,
    )
    for name, requirements, title in (
        (
            "6.1/plain-is-plain",
            ("RFC7692-6.1-02",),
            "A message that is not compressed has RSV1 clear.",
        ),
        (
            "7.2.1/tail-within-a-message",
            ("RFC7692-7.2.1-07",),
            "00 00 ff ff is removed at the end of a message only, not of each fragment.",
        ),
        (
            "7.2.3.6/empty-message",
            ("RFC7692-7.2.1-16",),
            "An empty message, if it is compressed, is at least the byte 00.",
        ),
        (
            "7.2.3.3/stored-is-compressed",
            ("RFC7692-7.2.3.3-01", "RFC7692-6.1-01"),
            "A message of DEFLATE blocks has RSV1 set, also if they are all stored.",
        ),
    )
)

CASES: Final[tuple[Case, ...]] = (
    *_EACH_MESSAGE,
    *_TEXT,
    *_MISPLACED,
    *_CONTROL_FRAMES,
    *_FRAGMENTED,
    *_FORMS,
    *_FINALS,
    *_BAD_DATA,
    *_WINDOWS,
    *_AGREED,
    *_ANSWERED,
    *_LARGE,
    *_RULES,
)
