"""Text and binary, and UTF-8 in text (RFC 6455 §5.6, §8.1).

What is valid has to come through unchanged, wherever a message is cut; what is not has to fail
the connection with 1007, at once or at the end of the frame or of the message.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Final

from ...protocol.opcode import BINARY, TEXT
from ...protocol.utf8 import check_utf8
from ...protocol.violations import Violation
from ..catalogue import Case, Facts, Judge, case
from ..conversation import (
    Await,
    Open,
    Pause,
    Probe,
    Send,
    Step,
    binary,
    compressed,
    continuation,
    ping,
    text,
)
from ..judgements import echoes, fails
from ..opening import PLAIN, Opening, compressing
from ..record import Record
from ..verdicts import Finding, info
from .patterns import (
    BINARY_ECHO,
    LIMIT_CODES,
    MOMENT,
    TYPE_CODES,
    accepted,
    accepted_binary,
    bears,
    behind_twin,
    forgives_reset,
    if_binary,
    rejected_late,
    twin_content,
    twin_of,
    up_to_limit,
)

__all__ = ["CASES"]

_INVALID: Final = "RFC6455-8.1-01"
_ILL_FORMED: Final = "RFC6455-8.1-02"
_TRUNCATED: Final = "RFC6455-8.1-03"
_REASSEMBLED: Final = "RFC6455-8.1-04"
_UNCHANGED: Final = "RFC6455-8.1-06"
_SPLIT: Final = "RFC6455-5.6-02"

_HELLO_ECHO: Final = (TEXT, b"Hello")


# Types (§5.6)

_OPAQUE: Final = "RFC6455-5.6-03"
_TYPES: Final = "RFC6455-5.6-04"


def _opaque(name: str, what: str, payload: bytes) -> Case:
    return case(
        f"5.6/binary-{name}",
        (_OPAQUE, _TYPES),
        f"A binary message may be {what}.",
        accepted_binary(Send(binary(payload), f"binary: {what}")),
        if_binary(echoes(_OPAQUE, BINARY_ECHO, (BINARY, payload))),
    )


_KINDS: Final = (
    _opaque("of-every-byte", "bytes of every value", bytes(range(256))),
    _opaque("of-invalid-utf8", "bytes that are no UTF-8", b"\xff\xfe\xc0\xaf\xed\xa0\x80"),
    _opaque("of-half-a-character", "half a character", b"\xf0\x9f"),
    _opaque("of-zeros", "nothing but zeros", bytes(16)),
    _opaque("of-ascii", "ASCII", b"just words"),
    _opaque("ending-in-a-newline", "a line with its end", b"line\r\n"),
    _opaque("empty", "empty", b""),
    case(
        "5.6/text-and-binary-of-the-same-bytes",
        _TYPES,
        "The same bytes are text in a text message, and binary in a binary one.",
        accepted_binary(
            Send(text("same"), "text"),
            Send(binary(b"same"), "binary"),
            Send(text("same"), "text again"),
            messages=3,
        ),
        if_binary(echoes(_TYPES, BINARY_ECHO, (TEXT, b"same"), (BINARY, b"same"), (TEXT, b"same"))),
    ),
    case(
        "5.6/empty-text-and-empty-binary",
        _TYPES,
        "An empty text message is text, and an empty binary message binary.",
        accepted_binary(
            Send(text(""), "empty text"), Send(binary(b""), "empty binary"), messages=2
        ),
        if_binary(echoes(_TYPES, BINARY_ECHO, (TEXT, b""), (BINARY, b""))),
    ),
    case(
        "5.6/text-that-looks-like-something-else",
        _TYPES,
        "Text is delivered as it is: blanks, line ends, JSON, numbers.",
        accepted(
            Send(text(" two blanks "), "blanks around"),
            Send(text("line\r\n"), "a line end"),
            Send(text('{"a": 1}'), "JSON"),
            Send(text("42"), "a number"),
            Send(text("\n"), "nothing but a line end"),
            messages=5,
        ),
        echoes(
            _TYPES,
            (TEXT, b" two blanks "),
            (TEXT, b"line\r\n"),
            (TEXT, b'{"a": 1}'),
            (TEXT, b"42"),
            (TEXT, b"\n"),
        ),
    ),
)


# Valid text, whole and in fragments (§5.6, §8.1)

_VALID: Final = {
    "nul": (b"\x00", "U+0000"),
    "nul-between-letters": (b"a\x00b", "U+0000 between letters"),
    "u+007f": (b"\x7f", "U+007F"),
    "all-of-ascii": (bytes(range(128)), "all 128 characters of ASCII"),
    "u+0080": (b"\xc2\x80", "U+0080, the first of two bytes"),
    "u+07ff": (b"\xdf\xbf", "U+07FF, the last of two bytes"),
    "u+0800": (b"\xe0\xa0\x80", "U+0800, the first of three bytes"),
    "u+d7ff": (b"\xed\x9f\xbf", "U+D7FF, the last before the surrogates"),
    "u+e000": (b"\xee\x80\x80", "U+E000, the first behind the surrogates"),
    "u+feff": (b"\xef\xbb\xbf", "a byte order mark alone"),
    "byte-order-mark-first": (b"\xef\xbb\xbftext", "a byte order mark before text"),
    "byte-order-mark-inside": (b"te\xef\xbb\xbfxt", "a byte order mark inside of text"),
    "u+fffd": (b"\xef\xbf\xbd", "the replacement character U+FFFD"),
    "u+fffe": (b"\xef\xbf\xbe", "the noncharacter U+FFFE"),
    "u+ffff": (b"\xef\xbf\xbf", "the noncharacter U+FFFF"),
    "u+fdd0": (b"\xef\xb7\x90\xef\xb7\xaf", "the noncharacters U+FDD0 and U+FDEF"),
    "u+10000": (b"\xf0\x90\x80\x80", "U+10000, the first of four bytes"),
    "u+3ffff": (b"\xf0\xbf\xbf\xbf", "U+3FFFF, the last that begins with F0"),
    "u+40000": (b"\xf1\x80\x80\x80", "U+40000, the first that begins with F1"),
    "u+100000": (b"\xf4\x80\x80\x80", "U+100000, the first that begins with F4"),
    "u+10ffff": (b"\xf4\x8f\xbf\xbf", "U+10FFFF, the last of all"),
    "noncharacters-of-each-plane": (
        "".join(
            chr(plane << 16 | low) for plane in range(1, 17) for low in (0xFFFE, 0xFFFF)
        ).encode(),
        "the last two code points of each plane",
    ),
    "not-normalized": (
        "e\u0301 \u00e9 \u212b \u0344".encode(),
        "characters that could be normalized",
    ),
    "line-separators": ("\u0085\u2028\u2029".encode(), "the line ends of Unicode"),
    "mixed-lengths": ("Hello-µ@ßöäüàá-UTF-8!! κόσμε € 😀".encode(), "characters of 1 to 4 bytes"),
}

#: No boundary of a block of 2**n bytes is one of a character.
_LONG_VALID: Final = {
    "long-text-of-2-bytes-each": "x" + "ό" * 10_000,
    "long-text-of-3-bytes-each": "xx" + "€" * 7_000,
    "long-text-of-4-bytes-each": "x" + "😀" * 5_000,
    "very-long-text-of-4-bytes-each": "xxx" + "😀" * 33_000,
}

_VALID_TEXTS: Final = (
    *(
        case(
            f"8.1/valid-{name}",
            (_UNCHANGED, "RFC6455-5.6-01"),
            f"Text may have {what}, and is not changed.",
            accepted(Send(text(payload), f"text: {what}")),
            echoes(_UNCHANGED, (TEXT, payload)),
        )
        for name, (payload, what) in _VALID.items()
    ),
    *(
        case(
            f"8.1/valid-{name}",
            (_UNCHANGED, _INVALID, "RFC6455-5.6-01"),
            f"Text of {len(payload.encode())} bytes is valid, wherever it is cut to be looked at.",
            behind_twin(
                twin_of(TEXT, len(payload.encode())),
                Send(text(payload), f"text of {len(payload)} characters"),
            ),
            up_to_limit(
                echoes(
                    _UNCHANGED, twin_content(TEXT, len(payload.encode())), (TEXT, payload.encode())
                ),
                has_twin=True,
            ),
        )
        for name, payload in _LONG_VALID.items()
    ),
)

_CHARACTERS: Final = {2: "ό".encode(), 3: "€".encode(), 4: "😀".encode()}


def _in_fragments(pieces: Sequence[bytes]) -> list[bytes]:
    """Build the frames of a text message in fragments."""
    last = len(pieces) - 1
    return [
        continuation(piece, fin=number == last) if number else text(piece, fin=number == last)
        for number, piece in enumerate(pieces)
    ]


def _sends(pieces: Sequence[bytes]) -> tuple[Send, ...]:
    """Send a text message in fragments, each in a segment of its own."""
    return tuple(
        Send(data, f"fragment of {len(piece)} bytes: {piece[:8].hex(' ')}")
        for data, piece in zip(_in_fragments(pieces), pieces, strict=True)
    )


def _valid_split(name: str, title: str, *pieces: bytes, between: Sequence[Step] = ()) -> Case:
    first, *others = _sends(pieces)
    steps: list[Step] = [first]
    for send in others:
        steps += [*between, send]
    return case(
        f"5.6/{name}",
        (_SPLIT, _REASSEMBLED),
        title,
        accepted(*steps),
        echoes(_SPLIT, (TEXT, b"".join(pieces)), gravity=bears),
    )


_GREEK: Final = "κόσμε".encode()

_VALID_SPLITS: Final = (
    *(
        _valid_split(
            f"character-of-{length}-bytes-cut-at-{at}",
            f"A character of {length} bytes may be cut behind byte {at} by a fragment's end.",
            b"a" + character[:at],
            character[at:] + b"z",
        )
        for length, character in _CHARACTERS.items()
        for at in range(1, length)
    ),
    *(
        _valid_split(
            f"character-of-{length}-bytes-in-{length}-fragments",
            f"Each byte of a character of {length} bytes may have a fragment of its own.",
            *(character[at : at + 1] for at in range(length)),
        )
        for length, character in _CHARACTERS.items()
    ),
    _valid_split(
        "greek-byte-by-byte",
        "Each byte of a text may have a fragment of its own.",
        *(_GREEK[at : at + 1] for at in range(len(_GREEK))),
    ),
    _valid_split(
        "character-cut-by-an-empty-fragment",
        "An empty fragment may stand inside of a character.",
        b"a\xf0\x9f",
        b"",
        b"\x98\x80z",
    ),
    _valid_split(
        "character-behind-an-empty-fragment",
        "A text may begin with an empty fragment, and the next with half a character.",
        b"",
        b"\xe2",
        b"\x82\xac",
    ),
    _valid_split(
        "character-cut-by-a-ping",
        "A Ping may stand inside of a character.",
        b"a\xe2\x82",
        b"\xacz",
        between=(Send(ping(b"between"), "a Ping"),),
    ),
    _valid_split(
        "character-cut-by-a-ping-of-invalid-utf8",
        "A Ping inside of a character has nothing to do with the text.",
        b"a\xe2\x82",
        b"\xacz",
        between=(Send(ping(b"\xff\xac"), "a Ping of bytes that are no UTF-8"),),
    ),
    _valid_split(
        "character-cut-and-delayed",
        "Half a character is kept until the next fragment comes, however late.",
        b"a\xf0\x9f\x98",
        b"\x80z",
        between=(Pause(2),),
    ),
    _valid_split(
        "last-code-point-cut",
        "U+10FFFF may be cut by fragments' ends.",
        b"\xf4",
        b"\x8f\xbf",
        b"\xbf",
    ),
    _valid_split(
        "characters-cut-again-and-again",
        "Every fragment's end may cut a character.",
        b"\xce",
        b"\xba\xe1\xbd",
        b"\xb9\xcf",
        b"\x83\xce\xbc\xce",
        b"\xb5",
    ),
    case(
        "5.6/long-text-cut-inside-a-character",
        (_SPLIT, _REASSEMBLED),
        "A long fragment may end inside of a character.",
        accepted(
            *_sends(["€".encode() * 333 + b"\xe2", b"\x82\xac" + b"x" * 200]),
        ),
        up_to_limit(echoes(_SPLIT, (TEXT, "€".encode() * 334 + b"x" * 200), gravity=bears)),
    ),
    case(
        "5.6/text-cut-inside-a-character-by-tcp",
        (_SPLIT, "RFC6455-6.2-01"),
        "A segment may end inside of a character.",
        accepted(
            Send(text("a😀z")[:-3], "a text frame, up to the middle of a character"),
            Pause(),
            Send(text("a😀z")[-3:], "its rest"),
        ),
        echoes(_SPLIT, (TEXT, "a😀z".encode()), gravity=bears),
    ),
    case(
        "5.6/every-cut-of-a-text",
        (_SPLIT, _REASSEMBLED),
        "Wherever a text is cut in two, the same is delivered.",
        accepted(
            *(
                Send(b"".join(_in_fragments([_GREEK[:at], _GREEK[at:]])), f"two fragments, at {at}")
                for at in range(len(_GREEK) + 1)
            ),
            messages=len(_GREEK) + 1,
        ),
        echoes(_SPLIT, *[(TEXT, _GREEK)] * (len(_GREEK) + 1), gravity=bears),
    ),
    case(
        "8.1/binary-between-texts",
        (_OPAQUE, _SPLIT),
        "Half a character in a binary message is not taken into the next text.",
        accepted_binary(
            Send(binary(b"\xf0\x9f"), "a binary message that ends in half a character"),
            Send(text("Hello"), "a text message"),
            Send(binary(b"\x98\x80"), "a binary message"),
            Send(text("€"), "a text message"),
            messages=4,
        ),
        if_binary(
            echoes(
                _OPAQUE,
                BINARY_ECHO,
                (BINARY, b"\xf0\x9f"),
                _HELLO_ECHO,
                (BINARY, b"\x98\x80"),
                (TEXT, "€".encode()),
            )
        ),
    ),
)


# Invalid text in one frame (§8.1)


def _invalid(
    name: str,
    what: str,
    *steps: Step,
    requirement: str = _INVALID,
    judge: Judge | None = None,
    opening: Opening = PLAIN,
    echo: Sequence[tuple[int, bytes]] = (),
) -> Case:
    clauses = (requirement,) if requirement == _INVALID else (requirement, _INVALID)
    return case(
        f"8.1/{name}",
        clauses,
        f"Text with {what} fails the connection.",
        rejected_late(*steps, opening=opening),
        judge or fails(requirement, 1007, echo=echo),
        needs=["deflate"] if opening.needs_deflate else [],
    )


def _invalid_bytes(name: str, what: str, payload: bytes, requirement: str = _INVALID) -> Case:
    return _invalid(
        name, what, Send(text(payload), f"text: {payload[:16].hex(' ')}"), requirement=requirement
    )


#: Bytes that can stand nowhere, or not where they do.
_MISPLACED: Final = {
    "lone-continuation-80": (b"\x80", "a lone continuation byte 80"),
    "lone-continuation-bf": (b"\xbf", "a lone continuation byte BF"),
    "continuation-bytes": (bytes(range(0x80, 0xC0)), "nothing but continuation bytes"),
    "continuation-behind-ascii": (b"abc\x80", "a continuation byte behind ASCII"),
    "continuation-behind-a-character": (b"\xe2\x82\xac\x80", "a character with one byte too many"),
    "start-bytes": (b"\xc2 \xdf \xe1 \xef \xf1 \xf4 ", "start bytes, each with a blank behind it"),
    "start-of-2-and-ascii": (b"\xc3\x28", "a start byte C3 and a parenthesis"),
    "start-of-3-and-ascii": (b"\xe2\x28\xa1", "a parenthesis as the second byte of three"),
    "third-byte-ascii": (b"\xe2\x82\x28", "a parenthesis as the third byte of three"),
    "second-byte-of-4-ascii": (b"\xf0\x28\x8c\xbc", "a parenthesis as the second byte of four"),
    "third-byte-of-4-ascii": (b"\xf0\x90\x28\xbc", "a parenthesis as the third byte of four"),
    "fourth-byte-of-4-ascii": (b"\xf0\x9f\x98\x28", "a parenthesis as the fourth byte of four"),
    "start-behind-start": (b"\xe2\xe2\x82\xac", "a start byte behind another"),
    "third-byte-a-start": (b"\xe2\x82\xe2\x82\xac", "a character that begins inside of another"),
    "byte-fe": (b"\xfe", "the byte FE"),
    "byte-ff": (b"\xff", "the byte FF"),
    "bytes-fe-and-ff": (b"\xfe\xfe\xff\xff", "the bytes FE and FF"),
    "latin-1": ("naïve café".encode("latin-1"), "ISO 8859-1"),
    "utf-16": ("\ufeffwide".encode("utf-16-le"), "UTF-16 with a byte order mark"),
}

#: Sequences of the right shape that stand for nothing.
_FORBIDDEN: Final = {
    "overlong-nul-in-2": (b"\xc0\x80", "U+0000 in two bytes"),
    "overlong-slash-in-2": (b"\xc0\xaf", "a slash in two bytes"),
    "overlong-u+007f-in-2": (b"\xc1\xbf", "U+007F in two bytes"),
    "overlong-nul-in-3": (b"\xe0\x80\x80", "U+0000 in three bytes"),
    "overlong-slash-in-3": (b"\xe0\x80\xaf", "a slash in three bytes"),
    "overlong-u+07ff-in-3": (b"\xe0\x9f\xbf", "U+07FF in three bytes"),
    "overlong-nul-in-4": (b"\xf0\x80\x80\x80", "U+0000 in four bytes"),
    "overlong-slash-in-4": (b"\xf0\x80\x80\xaf", "a slash in four bytes"),
    "overlong-u+ffff-in-4": (b"\xf0\x8f\xbf\xbf", "U+FFFF in four bytes"),
    "overlong-slash-in-5": (b"\xf8\x80\x80\x80\xaf", "a slash in five bytes"),
    "overlong-slash-in-6": (b"\xfc\x80\x80\x80\x80\xaf", "a slash in six bytes"),
    "surrogate-d800": (b"\xed\xa0\x80", "the surrogate D800"),
    "surrogate-d800-inside": (_GREEK + b"\xed\xa0\x80edited", "the surrogate D800 inside"),
    "surrogate-db7f": (b"\xed\xad\xbf", "the surrogate DB7F"),
    "surrogate-dbff": (b"\xed\xaf\xbf", "the surrogate DBFF"),
    "surrogate-dc00": (b"\xed\xb0\x80", "the surrogate DC00"),
    "surrogate-dfff": (b"\xed\xbf\xbf", "the surrogate DFFF"),
    "surrogate-pair": (b"\xed\xa0\xbd\xed\xb8\x80", "a character as a pair of surrogates"),
    "surrogate-pair-of-ends": (b"\xed\xaf\xbf\xed\xbf\xbf", "the last pair of surrogates"),
    "u+110000": (b"\xf4\x90\x80\x80", "U+110000"),
    "u+13ffff": (b"\xf4\xbf\xbf\xbf", "U+13FFFF"),
    "u+140000": (b"\xf5\x80\x80\x80", "U+140000"),
    "u+1fffff": (b"\xf7\xbf\xbf\xbf", "U+1FFFFF"),
    "five-bytes": (b"\xf8\x88\x80\x80\x80", "a character of five bytes"),
    "five-bytes-last": (b"\xfb\xbf\xbf\xbf\xbf", "the last character of five bytes"),
    "six-bytes": (b"\xfc\x84\x80\x80\x80\x80", "a character of six bytes"),
    "six-bytes-last": (b"\xfd\xbf\xbf\xbf\xbf\xbf", "the last character of six bytes"),
}

#: Texts that end too early.
_CUT_OFF: Final = {
    "1-of-2": b"\xce",
    "1-of-2-behind-text": b"text\xc3",
    "1-of-3": b"\xe2",
    "2-of-3": b"\xe2\x82",
    "2-of-3-behind-text": b"text \xe2\x82",
    "1-of-4": b"\xf0",
    "2-of-4": b"\xf0\x9f",
    "3-of-4": b"\xf0\x9f\x98",
    "3-of-4-behind-text": b"text \xf0\x9f\x98",
    "2-of-3-of-the-first": b"\xe0\xa0",
    "3-of-4-of-the-last": b"\xf4\x8f\xbf",
}

_LONG: Final = b"0123456789" * 30
_BAD: Final = b"\xff"
_TEXT_BEFORE: Final = Send(text("Hello"), "a text message")

_INVALID_TEXTS: Final = (
    *(_invalid_bytes(name, what, payload) for name, (payload, what) in _MISPLACED.items()),
    *(
        _invalid_bytes(name, what, payload, _ILL_FORMED)
        for name, (payload, what) in _FORBIDDEN.items()
    ),
    *(
        _invalid_bytes(
            f"cut-off-{name}",
            f"an incomplete character at its end ({payload[-3:].hex(' ')})",
            payload,
            _TRUNCATED,
        )
        for name, payload in _CUT_OFF.items()
    ),
    _invalid_bytes(
        "cut-off-in-a-long-text",
        "an incomplete character at the end of 300 bytes",
        _LONG + b"\xe2\x82",
        _TRUNCATED,
    ),
    _invalid_bytes("bad-byte-first", "a bad byte at its very beginning", _BAD + _LONG),
    _invalid_bytes("bad-byte-in-the-middle", "a bad byte in its middle", _LONG + _BAD + _LONG),
    _invalid_bytes("bad-byte-last", "a bad byte at its very end", _LONG + _BAD),
    _invalid_bytes("bad-byte-of-125", "a bad byte behind 124 good ones", _LONG[:124] + _BAD),
    _invalid_bytes("bad-byte-behind-greek", "a bad byte behind Greek", _GREEK * 5 + _BAD),
    _invalid_bytes("bad-byte-behind-nul", "a bad byte behind U+0000", b"a\x00" + _BAD),
    _invalid(
        "bad-byte-behind-70000",
        "a bad byte behind 70000 good ones",
        Send(text(_LONG * 234 + _BAD), "text of 70201 bytes, the last is FF"),
        judge=forgives_reset(fails(_INVALID, 1007, tolerated=LIMIT_CODES)),
    ),
    _invalid(
        "bad-byte-in-one-segment-with-a-message",
        "a bad byte, behind a valid message in the same segment,",
        Send(text("Hello") + text(_BAD), "a valid text message and an invalid one"),
        echo=[_HELLO_ECHO],
    ),
    _invalid(
        "bad-byte-after-a-message",
        "a bad byte, behind a valid message,",
        _TEXT_BEFORE,
        Await("messages"),
        Send(text(_BAD), "text: ff"),
        echo=[_HELLO_ECHO],
    ),
    _invalid(
        "surrogate-after-a-message",
        "a surrogate, behind a valid message,",
        _TEXT_BEFORE,
        Await("messages"),
        Send(text(b"\xed\xa0\x80"), "text: ed a0 80"),
        requirement=_ILL_FORMED,
        echo=[_HELLO_ECHO],
    ),
    _invalid(
        "bad-byte-after-a-fragmented-message",
        "a bad byte, behind a valid fragmented message,",
        *_sends([b"Hel", b"lo"]),
        Await("messages"),
        Send(text(_BAD), "text: ff"),
        echo=[_HELLO_ECHO],
    ),
    _invalid(
        "bad-byte-after-binary",
        "a bad byte, behind a binary message,",
        Send(binary(b"\x00"), "a binary message"),
        Await("messages"),
        Send(text(_BAD), "text: ff"),
        judge=fails(_INVALID, 1007, tolerated=TYPE_CODES, echo=[BINARY_ECHO]),
    ),
    _invalid(
        "character-over-two-messages",
        "half a character, the next text beginning with the other half,",
        Send(text(b"\xce") + text(b"\xba"), "two text messages: ce, ba"),
        requirement=_TRUNCATED,
    ),
    _invalid(
        "bad-byte-that-comes-slowly",
        "a bad byte in a segment of its own",
        Send(text(b"abc" + _BAD + b"def")[:-4], "the beginning of a text frame"),
        Pause(),
        Send(text(b"abc" + _BAD + b"def")[-4:], "its rest: ff and three letters"),
    ),
)


# Invalid text in fragments (§8.1)


def _invalid_split(
    name: str,
    what: str,
    *pieces: bytes,
    requirement: str = _REASSEMBLED,
    between: Sequence[Step] = (),
) -> Case:
    steps: list[Step] = []
    so_far = b""
    for piece, send in zip(pieces, _sends(pieces), strict=True):
        if not _may_begin_text(so_far):
            steps.append(MOMENT)
        steps += [*(between if steps else ()), send]
        so_far += piece
    return _invalid(name, what, *steps, requirement=requirement)


def _may_begin_text(data: bytes) -> bool:
    """Whether *data* is the beginning of valid text, maybe cut inside of a character."""
    try:
        check_utf8(b"", data)
    except Violation:
        return False
    return True


_KINDS_OF_FAULTS: Final = {
    "bad-byte": (b"\xff", "a bad byte"),
    "lone-continuation": (b"\x80", "a lone continuation byte"),
    "overlong": (b"\xc0\xaf", "an overlong form"),
    "surrogate": (b"\xed\xa0\x80", "a surrogate"),
    "u+110000": (b"\xf4\x90\x80\x80", "U+110000"),
}


def _in_each_fragment(name: str, what: str, payload: bytes) -> tuple[Case, ...]:
    """Put something invalid into the first, a middle, and the last fragment."""
    bad = b"ab" + payload + b"yz"
    return (
        _invalid_split(
            f"{name}-in-the-first-fragment", f"{what} in its first fragment", bad, b"two", b"three"
        ),
        _invalid_split(
            f"{name}-in-a-middle-fragment", f"{what} in a middle fragment", b"one", bad, b"three"
        ),
        _invalid_split(
            f"{name}-in-the-last-fragment", f"{what} in its last fragment", b"one", b"two", bad
        ),
    )


_INVALID_SPLITS: Final = (
    *(
        one
        for name, (payload, what) in _KINDS_OF_FAULTS.items()
        for one in _in_each_fragment(name, what, payload)
    ),
    *(
        _invalid_split(
            f"{name}-cut-at-{at}",
            f"{what}, cut behind byte {at} by a fragment's end,",
            b"a" + payload[:at],
            payload[at:] + b"z",
            requirement=_ILL_FORMED,
        )
        for name, (payload, what) in _KINDS_OF_FAULTS.items()
        for at in range(1, len(payload))
    ),
    *(
        _invalid_split(
            f"cut-off-{name}-in-fragments",
            f"an incomplete character at the end of its last fragment ({payload.hex(' ')})",
            b"text ",
            payload,
            requirement=_TRUNCATED,
        )
        for name, payload in _CUT_OFF.items()
        if "text" not in name
    ),
    _invalid_split(
        "cut-off-by-an-empty-last-fragment",
        "an incomplete character, and nothing but an empty fragment behind it,",
        b"text \xe2\x82",
        b"",
        requirement=_TRUNCATED,
    ),
    _invalid_split(
        "cut-off-and-ascii-in-the-next-fragment",
        "a character begun in one fragment, and ASCII in the next,",
        b"text \xe2\x82",
        b" more text",
    ),
    _invalid_split(
        "cut-off-and-a-start-in-the-next-fragment",
        "a character begun in one fragment, and another begun in the next,",
        b"text \xe2\x82",
        b"\xe2\x82\xac",
    ),
    _invalid_split(
        "too-many-continuations-over-fragments",
        "a character in one fragment, and one byte too many in the next,",
        "€".encode(),
        b"\x80",
    ),
    _invalid_split(
        "cut-off-in-a-character-over-fragments",
        "an incomplete character of which each byte has its fragment",
        b"\xf0",
        b"\x9f",
        b"\x98",
        requirement=_TRUNCATED,
    ),
    _invalid_split(
        "bad-byte-behind-a-character-over-fragments",
        "a bad byte behind a character that was cut in two",
        b"\xe2\x82",
        b"\xac ok",
        b"\xff",
    ),
    _invalid_split(
        "bad-byte-behind-empty-fragments",
        "a bad byte behind empty fragments",
        b"",
        b"",
        b"\xff",
    ),
    _invalid_split(
        "bad-byte-behind-a-ping",
        "a bad byte in a fragment behind a Ping",
        b"one",
        b"\xff",
        between=(Send(ping(b"between"), "a Ping"),),
    ),
    _invalid_split(
        "character-cut-by-a-ping-and-not-continued",
        "a character begun before a Ping, and not finished behind it,",
        b"one \xe2\x82",
        b"two",
        between=(Send(ping(b"\xac"), "a Ping that would finish the character"),),
    ),
    _invalid(
        "bad-byte-in-fragments-in-one-segment",
        "a bad byte, its fragments in one segment,",
        Send(b"".join(_in_fragments([b"one", b"\xff", b"three"])), "three fragments"),
        requirement=_REASSEMBLED,
    ),
    _invalid(
        "bad-byte-in-fragments-after-a-message",
        "a bad byte in its last fragment, behind a valid message,",
        *_sends([b"Hel", b"lo"]),
        Await("messages"),
        *_sends([b"one", b"\xff"]),
        requirement=_REASSEMBLED,
        echo=[_HELLO_ECHO],
    ),
)


# Early failure, and text in permessage-deflate (§8.1)


def _notices_early(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want nothing before the end of the message; if the server closes, then as it should."""
    if record.is_alive and not record.closes:
        yield info("RFC6455-8.1-05", "invalid text is noticed when its message ends, not before")
    elif record.closes or record.has_ended:
        yield from fails("RFC6455-8.1-05", 1007)(record, facts)


def _deflated(payload: bytes) -> bytes:
    squeezer = zlib.compressobj(wbits=-15)
    return (squeezer.compress(payload) + squeezer.flush(zlib.Z_SYNC_FLUSH))[:-4]


_OTHERS: Final = (
    case(
        "8.1/fail-fast",
        ("RFC6455-8.1-05", _INVALID),
        "A bad byte may fail the connection before its message is finished.",
        [Open(), Send(text(_BAD, fin=False), "text, FIN 0: ff"), Pause(), Probe()],
        _notices_early,
    ),
    *(
        _invalid(
            f"compressed-{name}",
            f"{what} in a compressed message",
            Send(compressed(TEXT, _deflated(b"text " + payload)), f"compressed: {what}"),
            requirement=_INVALID if len(payload) == 1 else _ILL_FORMED,
            opening=compressing(),
        )
        for name, (payload, what) in _KINDS_OF_FAULTS.items()
    ),
    _invalid(
        "compressed-cut-off",
        "an incomplete character at the end of a compressed message",
        Send(compressed(TEXT, _deflated(b"text \xe2\x82")), "compressed: text e2 82"),
        requirement=_TRUNCATED,
        opening=compressing(),
    ),
    _invalid(
        "bad-byte-with-deflate",
        "a bad byte, not compressed where it could be,",
        Send(text(b"text \xff"), "text, not compressed"),
        opening=compressing(),
    ),
)

CASES: Final[tuple[Case, ...]] = (
    *_KINDS,
    *(one for one in _VALID_SPLITS if one.section == "5.6"),
    *_VALID_TEXTS,
    *(one for one in _VALID_SPLITS if one.section != "5.6"),
    *_INVALID_TEXTS,
    *_INVALID_SPLITS,
    *_OTHERS,
)
