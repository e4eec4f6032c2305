"""Text at the edges of UTF-8, and bytes that just fail to be UTF-8 (RFC 6455 §8.1).

Whoever checks UTF-8 by hand goes wrong at the borders between sequences of one, two, three
and four bytes, and with the values that the syntax could express but must not: overlong
forms, surrogates, what lies above U+10FFFF.  That is where :func:`texts` and
:func:`near_misses` go.
"""

from __future__ import annotations

from functools import cache
from typing import Final, Literal, NamedTuple, TypeAlias

from hypothesis import strategies as st

__all__ = ["NEAR_MISS_KINDS", "NearMiss", "NearMissKind", "near_misses", "text_bytes", "texts"]

#: In what way bytes fail to be UTF-8; see :func:`near_misses`.
NearMissKind: TypeAlias = Literal[
    "lone continuation",
    "not a beginning",
    "interrupted",
    "overlong",
    "surrogate",
    "too large",
    "truncated",
]

#: All kinds, the simplest first.
NEAR_MISS_KINDS: Final[tuple[NearMissKind, ...]] = (
    "lone continuation",
    "not a beginning",
    "interrupted",
    "overlong",
    "surrogate",
    "too large",
    "truncated",
)

#: Characters beside the borders of the syntax, and such as are valid though they may not look it.
_EDGES: Final = (
    "0",
    "a",
    "\0",
    "\x7f",
    "\x80",
    "\u07ff",
    "\u0800",
    "\u20ac",
    "\ud7ff",
    "\ue000",
    "\ufeff",  # the byte order mark, which stands for itself
    "\ufdd0",  # a non-character
    "\ufffd",
    "\ufffe",
    "\uffff",
    "\U00010000",
    "\U0001d11e",
    "\U0001ffff",
    "\U0010ffff",
)


class NearMiss(NamedTuple):
    """Bytes that are not UTF-8.

    Attributes:
        data: the bytes: valid text, the fault, and perhaps more text.
        position: index of the first byte that cannot stand where it stands.  It is
            ``len(data)`` for ``"truncated"``: each byte can, but the end comes too early.
        kind: in what way they fail.
    """

    data: bytes
    position: int
    kind: NearMissKind

    @property
    def clauses(self) -> tuple[str, ...]:
        """The ids of the requirements broken if the bytes are a whole text message."""
        if self.kind == "truncated":
            return ("RFC6455-8.1-03",)
        if self.kind in ("overlong", "surrogate", "too large"):
            return ("RFC6455-8.1-01", "RFC6455-8.1-02")
        return ("RFC6455-8.1-01",)


def texts(max_size: int = 20) -> st.SearchStrategy[str]:
    """Draw text, with many characters at the edges of UTF-8 (RFC 6455 §5.6, §8.1).

    Among them are the first and the last of each length of one to four bytes, the neighbours of
    the surrogates, U+0000, the byte order mark and non-characters: all of them are valid.

    Args:
        max_size: the most characters; each is up to four bytes.

    Shrinks to ``""``, then to fewer characters and to ``"0"``.
    """
    return _texts(max_size)


@cache
def _texts(max_size: int) -> st.SearchStrategy[str]:
    return st.one_of(text_branches(max_size))


def text_branches(max_size: int) -> list[st.SearchStrategy[str]]:
    """Return the strategies among which :func:`texts` chooses, each a single choice."""
    return [
        st.text(st.characters(exclude_categories=["Cs"]), max_size=max_size),
        st.text("".join(_EDGES), max_size=max_size),
    ]


def text_bytes(max_size: int = 80) -> st.SearchStrategy[bytes]:
    """Draw valid UTF-8 of at most *max_size* bytes; otherwise like :func:`texts`."""
    return _text_bytes(max_size)


@cache
def _text_bytes(max_size: int) -> st.SearchStrategy[bytes]:
    def fitting(text: str) -> bytes:
        return text.encode()[:max_size].decode(errors="ignore").encode()

    return texts(max(0, min(max_size, 20))).map(fitting)


#: Bytes, and the index of the first among them that cannot stand there.
_Fault: TypeAlias = tuple[bytes, int]

#: What may stand behind a fault as if the character went on.
_TAILS: Final = (b"", b"\x80", b"\xbf", b"\x80\x80", b"\xbf\xbf", b"\x80\x80\x80", b"\x80" * 5)


def _beginning(leads: range, tails: int) -> list[_Fault]:
    """Bytes that cannot begin a character, and up to *tails* that would go on with it."""
    return [(bytes((lead,)) + tail, 0) for tail in _TAILS[: tails + 1] for lead in leads]


def _second(lead: int, seconds: range, tails: int) -> list[_Fault]:
    """Second bytes that cannot stand behind *lead*, and up to *tails* that would go on."""
    return [(bytes((lead, second)) + tail, 1) for tail in _TAILS[: tails + 1] for second in seconds]


#: Characters of two to four bytes, the simplest first, to be cut short.
_LONG: Final = ("\x80", "\u07ff", "\u0800", "\u20ac", "\ud7ff", "\U00010000", "\U0010ffff")
_UNFINISHED: Final = tuple(
    character.encode()[:size] for character in _LONG for size in range(1, len(character.encode()))
)

#: All that can go wrong, the simplest first.
_FAULTS: Final[dict[NearMissKind, list[_Fault]]] = {
    "lone continuation": _beginning(range(0x80, 0xC0), 0),
    "not a beginning": _beginning(range(0xF8, 0x100), 6),
    "interrupted": [
        (begun + byte, len(begun))
        for byte in (b"0", b"\0", b"\x7f", b"\xc2\x80", b"\xff")
        for begun in _UNFINISHED
    ],
    "overlong": [
        (b"\xc0\x80", 0),
        *_beginning(range(0xC0, 0xC2), 2),
        *_second(0xE0, range(0x80, 0xA0), 2),
        *_second(0xF0, range(0x80, 0x90), 4),
    ],
    "surrogate": _second(0xED, range(0xA0, 0xC0), 2),
    "too large": [
        *_second(0xF4, range(0x90, 0xC0), 4),
        *_beginning(range(0xF5, 0xF8), 5),
    ],
    "truncated": [(begun, len(begun)) for begun in _UNFINISHED],
}


def near_misses(*kinds: NearMissKind, max_size: int = 125) -> st.SearchStrategy[NearMiss]:
    """Draw bytes that are almost UTF-8, and where they fail (RFC 6455 §8.1).

    ===================== ==============================================================
    kind                  what is wrong
    ===================== ==============================================================
    ``lone continuation`` 80 to BF without a byte that begins a character
    ``not a beginning``   F8 to FF, which never occur
    ``interrupted``       a character is begun, and something else follows
    ``overlong``          more bytes than the character needs: C0, C1, E0 80, F0 80
    ``surrogate``         U+D800 to U+DFFF: ED A0 to ED BF
    ``too large``         above U+10FFFF: F4 90, F5 to F7
    ``truncated``         the text ends inside a character
    ===================== ==============================================================

    Args:
        kinds: which to draw; all of them by default.
        max_size: the most bytes, at least 8.

    Shrinks to the fault alone, in the first of the kinds.
    """
    return _near_misses(kinds or NEAR_MISS_KINDS, max_size)


@cache
def _near_misses(kinds: tuple[NearMissKind, ...], max_size: int) -> st.SearchStrategy[NearMiss]:
    if max_size < 8:
        raise ValueError(f"max_size must be at least 8, not {max_size!r}")
    room = min(40, (max_size - 6) // 2)

    text = st.one_of(st.just(b""), text_bytes(room))

    def of_kind(kind: NearMissKind) -> st.SearchStrategy[NearMiss]:
        def joined(parts: tuple[_Fault, bytes, bytes]) -> NearMiss:
            (fault, position), before, behind = parts
            if kind == "truncated":  # nothing comes behind it
                behind = b""
            return NearMiss(before + fault + behind, len(before) + position, kind)

        return st.tuples(st.sampled_from(_FAULTS[kind]), text, text).map(joined)

    return st.one_of([of_kind(kind) for kind in kinds])
