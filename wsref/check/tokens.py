"""Conversations as short texts, to be had again with ``wsref replay``.

A token begins with ``w1.``.  For a case of the catalogue its id follows.  For anything else, such
as a generated conversation that shows a fault, the conversation itself follows: compact JSON,
compressed, with a checksum, in base64url::

    w1.5.1/unmasked-text-frame
    w1.q1YqVrKKjlbKV4rViQaydZQsDA2MTCzMLIHMktSKEh0FX8dgbwUDsHyBUmysjlKRkpWSmYmpqa6pnqGugZFSLQAAyc91

An opening handshake that is not the plain one is kept as its exact bytes.  What differs from
server to server, host, target and key, is left out, and so are the header fields that a user adds:
they are filled in when it is sent.  So a token has no credentials in it.
"""

from __future__ import annotations

import json
import re
import zlib
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NoReturn, TypeAlias, cast

from ..requirements import requirements
from .catalogue import Case, Facts, Judge, catalogue
from .conversation import Abort, Await, Crowd, HalfClose, Open, Pause, Probe, Send, Step
from .judgements import answer_of
from .opening import PLAIN, Change, Draft, Opening
from .oracle import judge_server
from .record import Record
from .reference import expected_of, judge_frames
from .rehearsal import REFERENCE, rehearse
from .target import Target
from .verdicts import Finding, fail, warn

__all__ = [
    "PREFIX",
    "Piece",
    "TokenError",
    "conversation_of",
    "filling",
    "judge_by_reference",
    "pieces_of_request",
    "request_pieces",
    "token_of",
]

PREFIX: Final = "w1."

#: A part of a request: bytes as text (Latin-1), or what is filled in.
Piece: TypeAlias = "str | Literal[0, 1, 2, 3, 4]"

# What is filled in.
_HOST: Final = 0  # the value of the Host header
_HOSTNAME: Final = 1  # the same without a port
_TARGET: Final = 2  # path and query
_KEY: Final = 3  # Sec-WebSocket-Key
_OWN: Final = 4  # header fields of the user's: Authorization, Origin, ...

#: Stands in for what is filled in while a request is written.
_STAND_IN: Final = Target.parse("ws://wsref-host.invalid:4321/wsref-target")._replace(
    headers=(("X-Wsref-Own", "1"),)
)
_STAND_IN_KEY: Final = "d3NyZWYgcmVwbGF5IGtleQ=="
_OWN_LINE: Final = re.compile(r"^x-wsref-own:[^\r\n]*\r?\n", re.IGNORECASE | re.MULTILINE)
#: Lines that are the user's own business.
_PRIVATE: Final = re.compile(
    r"^(?:authorization|proxy-authorization|cookie)[ \t]*:[^\r\n]*\r?\n",
    re.IGNORECASE | re.MULTILINE,
)
_HANDSHAKE: Final = frozenset(
    {"host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version"}
)

_MOST: Final = 64 * 1024 * 1024
_AWAITED: Final = ("messages", "pongs", "close", "end", "bytes")


class TokenError(ValueError):
    """A text is no token; the message says what is wrong with it."""


def token_of(case: Case, requirement: str = "") -> str:
    """Return the token of a conversation.

    Args:
        case: what to have again; of the catalogue, generated, or read from a file.
        requirement: the requirement that it shows a fault of, if that is known.
    """
    known = _cases().get(case.id)
    if known is not None and known.steps == case.steps:
        return PREFIX + case.id
    content: dict[str, object] = {"s": [_packed(step) for step in case.steps]}
    about = requirement or next(iter(case.requirements), "")
    notes = "; ".join(step.note for step in case.steps if isinstance(step, Send))
    title = "" if case.title == notes else case.title
    name_given = "" if case.id == _name(about) else case.id
    for name, value in (("c", name_given), ("r", about.removeprefix("RFC")), ("t", title)):
        if value:
            content[name] = value
    if case.plain:
        content["p"] = 1
    data = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = deflater.compress(data) + deflater.flush()
    packed += zlib.crc32(packed).to_bytes(4, "big")
    text = b2a_base64(packed, newline=False).decode("ascii")
    return PREFIX + text.rstrip("=").replace("+", "-").replace("/", "_")


def conversation_of(token: str) -> Case:
    """Return what a token stands for: a case of the catalogue, or one made of its conversation.

    The judge of the latter compares what the server does with what the reference makes of the
    same bytes, and looks at all that the server sends.

    Raises:
        TokenError: it is no token, or not whole, or of a case that does not exist.
    """
    token = token.strip()
    known = _cases().get(token.removeprefix(PREFIX))
    if known is not None:
        return known
    if not token.startswith(PREFIX):
        raise TokenError(f"{_short(token)} is neither a token ({PREFIX}...) nor the id of a case")
    text = token.removeprefix(PREFIX)
    if "/" in text:
        raise TokenError(f"there is no case {text!r}; try: wsref list")
    return _case(_unpacked(text))


def _cases() -> dict[str, Case]:
    return {case.id: case for case in catalogue()}


def _unpacked(text: str) -> dict[str, object]:
    for position, character in enumerate(text):
        if not (character.isascii() and (character.isalnum() or character in "-_")):
            raise TokenError(
                f"character {position + len(PREFIX) + 1} of the token, {character!r}, does not"
                " belong into one"
            )
    try:
        packed = a2b_base64(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4))
    except Base64Error:
        raise TokenError("the token is cut off: its length is not that of base64") from None
    packed, checksum = packed[:-4], packed[-4:]
    if not packed or zlib.crc32(packed).to_bytes(4, "big") != checksum:
        raise TokenError("the token does not fit its checksum: is it whole?")
    inflater = zlib.decompressobj(-15)
    try:
        data = inflater.decompress(packed, _MOST)
        value: object = json.loads(data)
    except (zlib.error, ValueError, RecursionError):
        raise TokenError("the token does not hold what a token holds") from None
    if not isinstance(value, dict):
        raise TokenError("the token does not hold a conversation")
    return cast("dict[str, object]", value)


def _case(content: dict[str, object]) -> Case:
    steps_given = content.get("s")
    if not isinstance(steps_given, list):
        raise TokenError("the token does not hold a conversation")
    steps = tuple(
        _unpacked_step(number, step)
        for number, step in enumerate(cast("list[object]", steps_given), start=1)
    )
    about, title, name = (str(content.get(key, "")) for key in "rtc")
    about = about and f"RFC{about}"
    if about and about not in requirements():
        raise TokenError(f"the token names the requirement {about!r}, which is not known")
    return Case(
        name or _name(about),
        (about,) if about else (),
        title or "; ".join(step.note for step in steps if isinstance(step, Send)),
        steps,
        judge_by_reference(steps, about),
        opens=False,
        plain=bool(content.get("p")),
    )


def _name(about: str) -> str:
    """Return what a conversation is called that shows a fault of a requirement."""
    return f"generated/{about}" if about else "recorded/conversation"


# Steps


def _packed(step: Step) -> list[object]:
    """Return a step as JSON values; what is as usual is left out."""
    match step:
        case Open(opening, behind, bytewise):
            request = request_pieces(opening) if opening.changes else ()
            return _trimmed("o", request, int(opening.needs_deflate), behind.hex(), int(bytewise))
        case Send(data, note, bytewise, deaf):
            return _trimmed("s", data.hex(), note, int(bytewise), int(deaf))
        case Probe():
            return ["p"]
        case Await(what, count):
            return _trimmed("a", what, 0 if count == 1 else count)
        case Pause(round_trips):
            return ["w", round_trips]
        case HalfClose():
            return ["h"]
        case Abort():
            return ["x"]
        case Crowd(number, steps):
            return ["c", number, [_packed(one) for one in steps]]


def _trimmed(*values: object) -> list[object]:
    """Leave out the empty values at the end."""
    kept = list(values)
    while not kept[-1]:
        kept.pop()
    return kept


def _unpacked_step(number: int, value: object) -> Step:
    def refuse(why: str) -> NoReturn:
        raise TokenError(f"step {number} of the token {why}")

    if not isinstance(value, list) or not value:
        refuse("is no step")
    kind, *rest = cast("list[object]", value)

    def get(index: int, default: object) -> object:
        return rest[index] if index < len(rest) else default

    def octets(index: int) -> bytes:
        try:
            return bytes.fromhex(str(get(index, "")))
        except ValueError:
            refuse("has bytes that are not hexadecimal")

    match kind:
        case "o":
            pieces = get(0, [])
            if not isinstance(pieces, list):
                refuse("has no request")
            opening = PLAIN
            if pieces:
                opening = Opening((filling(_checked_pieces(cast("list[object]", pieces))),))
            return Open(opening._replace(needs_deflate=bool(get(1, 0))), octets(2), bool(get(3, 0)))
        case "s":
            return Send(octets(0), str(get(1, "")), bool(get(2, 0)), bool(get(3, 0)))
        case "p":
            return Probe()
        case "a":
            what, count = get(0, ""), get(1, 1)
            if what not in _AWAITED or not isinstance(count, int):
                refuse(f"waits for {what!r}, which is unknown")
            return Await(what, count)
        case "w":
            trips = get(0, 1.0)
            if not isinstance(trips, int | float):
                refuse("waits for no number of round trips")
            return Pause(trips)
        case "h":
            return HalfClose()
        case "x":
            return Abort()
        case "c":
            count, others = get(0, 0), get(1, [])
            if not isinstance(count, int) or not isinstance(others, list):
                refuse("is no crowd")
            steps = cast("list[object]", others)
            return Crowd(count, tuple(_unpacked_step(number, one) for one in steps))
        case _:
            raise TokenError(f"step {number} of the token is of a kind {kind!r} that is unknown")


def _checked_pieces(pieces: Sequence[object]) -> tuple[Piece, ...]:
    for piece in pieces:
        if not isinstance(piece, str) and piece not in range(5):
            raise TokenError(f"the request in the token has {piece!r} in it")
    return cast("tuple[Piece, ...]", tuple(pieces))


# Opening handshakes


def request_pieces(opening: Opening) -> tuple[Piece, ...]:
    """Return the request that *opening* makes, with gaps where servers and users differ."""
    draft = _STAND_IN.draft()
    fields = tuple(
        (name, _STAND_IN_KEY if name == "Sec-WebSocket-Key" else value)
        for name, value in draft.headers
    )
    written = opening.apply(draft._replace(headers=fields)).data.decode("latin-1")
    uri = _STAND_IN.uri
    gaps: dict[str, Piece] = {
        uri.host_header: _HOST,
        uri.host: _HOSTNAME,
        uri.resource: _TARGET,
        _STAND_IN_KEY: _KEY,
    }
    own = [match.span() for match in _OWN_LINE.finditer(written)]
    return _gapped(written, gaps, own)


def pieces_of_request(request: bytes) -> tuple[Piece, ...]:
    """Return a request that was recorded, with gaps where servers and users differ.

    Credentials are left out.
    """
    written = request.decode("latin-1")
    start, _crlf, rest = written.partition("\r\n")
    draft = Draft("", "", "", tuple(_fields(rest)))
    words = start.split(" ")
    gaps: dict[str, Piece] = {}
    if draft.get("Host"):
        gaps[draft.get("Host")] = _HOST
    if draft.get("Sec-WebSocket-Key"):
        gaps[draft.get("Sec-WebSocket-Key")] = _KEY
    own = [match.span() for match in _PRIVATE.finditer(written)]
    if not own and written.endswith("\r\n\r\n"):
        own = [(len(written) - 2, len(written) - 2)]
    if len(words) != 3 or not words[1].startswith("/"):
        return _gapped(written, gaps, own)
    # The target may be a single slash, which is found in many places.
    before = len(words[0]) + 1
    behind = before + len(words[1])
    moved = [(first - behind, last - behind) for first, last in own]
    return (written[:before], _TARGET, *_gapped(written[behind:], gaps, moved))


def _gapped(
    written: str, gaps: dict[str, Piece], own: Sequence[tuple[int, int]]
) -> tuple[Piece, ...]:
    """Cut *written* at what is filled in; of the lines that are the user's own keep one gap."""
    found: list[tuple[int, int, Piece | None]] = []
    for index, (first, last) in enumerate(own):
        found.append((first, last, None if index else _OWN))
    if gaps:
        longest_first = sorted(gaps, key=len, reverse=True)
        for match in re.finditer("|".join(map(re.escape, longest_first)), written):
            found.append((*match.span(), gaps[match[0]]))
    pieces: list[Piece] = []
    position = 0
    for first, last, piece in sorted(found, key=lambda one: one[:2]):
        if first < position:
            continue
        if first > position:
            pieces.append(written[position:first])
        if piece is not None:
            pieces.append(piece)
        position = last
    if position < len(written):
        pieces.append(written[position:])
    return tuple(pieces)


def filling(pieces: Sequence[Piece]) -> Change:
    """Return the change that sends exactly *pieces*, the gaps being filled in."""
    literal = "".join(piece for piece in pieces if isinstance(piece, str))
    given = {name.lower() for name, _value in _fields(literal)} | _HANDSHAKE
    line_end = "\r\n" if "\r\n" in literal else "\n"

    def change(draft: Draft) -> Draft:
        host = draft.get("Host")
        name, colon, port = host.rpartition(":")
        own = [
            f"{key}: {value}{line_end}" for key, value in draft.headers if key.lower() not in given
        ]
        values = {
            _HOST: host,
            _HOSTNAME: name if colon and port.isdecimal() else host,
            _TARGET: draft.target,
            _KEY: draft.get("Sec-WebSocket-Key"),
            _OWN: "".join(own),
        }
        raw = "".join(piece if isinstance(piece, str) else values[piece] for piece in pieces)
        return draft._replace(headers=tuple(_fields(raw)), raw=raw.encode("latin-1"))

    return change


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """Return what looks like header fields."""
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip() and " " not in name.strip():
            yield name.strip(), value.strip()


# Judging


def judge_by_reference(steps: Sequence[Step], requirement: str = "") -> Judge:
    """Return a judge for a conversation that nobody wrote a judge for.

    It wants what the reference server would do, as far as the RFCs leave no choice.

    Args:
        steps: the conversation.
        requirement: what a fault is about, if nothing more exact is known.
    """
    data = b"".join(step.data for step in steps if isinstance(step, Send))
    ends_itself = any(isinstance(step, HalfClose | Abort) for step in steps)
    opening = tuple(step for step in steps if isinstance(step, Open))[:1]

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        yield from judge_server(record)
        would_open = rehearse(opening, REFERENCE).is_open
        if not record.is_open:
            if would_open:
                yield warn(requirement or "RFC6455-4.2.2-16", f"{answer_of(record)}, not 101")
            return
        if not would_open:
            about = requirement or "RFC6455-4.2.1-01"
            yield fail(about, "the handshake was accepted; the reference server refuses it")
            return
        expected = expected_of(data, record.deflate)
        yield from judge_frames(expected, may_end=ends_itself)(record, facts)

    return judge


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")
