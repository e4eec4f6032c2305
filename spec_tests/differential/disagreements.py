"""Where implementations disagree: finding the frame that they disagree about, and the written list.

Two verdicts on a long stream may differ in everything, since after the first disagreement
one side may have stopped reading.  So streams are fed frame by frame, and what counts is the first
frame after which the verdicts differ.  There the list in ``disagreements.toml`` has to have an
entry that says just that: who differs, what wsref makes of the frame and by which clause,
what the other makes of it.
"""

from __future__ import annotations

import re
import tomllib
import zlib
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from spec_tests.differential.endpoints import ENDPOINTS, Verdict
from wsref.protocol.deflate import DeflateParameters
from wsref.protocol.masking import mask
from wsref.testing import Role, cut

__all__ = [
    "FEATURES",
    "LIST",
    "Difference",
    "Entry",
    "HandshakeEntry",
    "Stream",
    "entries",
    "first_difference",
    "frames_of",
    "handshake_entries",
    "verdict_on",
]

LIST: Final = Path(__file__).with_name("disagreements.toml")


class Stream(NamedTuple):
    """What an endpoint receives.

    Attributes:
        role: who receives.
        deflate: what was agreed on about permessage-deflate; None: nothing.
        frames: the bytes, cut at the ends of frames.
        unfinished: whether the last of *frames* is only the beginning of one.
    """

    role: Role
    deflate: DeflateParameters | None
    frames: tuple[bytes, ...]
    unfinished: bool = False

    @property
    def data(self) -> bytes:
        """All of the bytes."""
        return b"".join(self.frames)

    def __repr__(self) -> str:
        shown = " | ".join(_shown(frame) for frame in self.frames)
        return f"<Stream to the {self.role}, {self.deflate or 'no deflate'}: {shown}>"


def _shown(data: bytes) -> str:
    return data.hex(" ") if len(data) <= 48 else f"{data[:40].hex(' ')} ... ({len(data)} bytes)"


class WholeFrame(NamedTuple):
    """A frame as far as features are concerned, its payload not masked."""

    first_byte: int
    payload: bytes

    @property
    def opcode(self) -> int:
        """What the frame is."""
        return self.first_byte & 0x0F


def _parsed(data: bytes) -> WholeFrame:
    """Read a frame from its bytes, which may lack some; independent of the code under test."""
    start, _length = _head(data) or (len(data), 0)
    payload = data[start:]
    if payload and data[1] & 0x80:
        payload = mask(payload, data[start - 4 : start].ljust(4, b"\0"))
    return WholeFrame(data[0], payload)


def _head(data: bytes) -> tuple[int, int] | None:
    """Return where the payload begins, and how long it is; None if the head is not complete."""
    if len(data) < 2:
        return None
    size = {126: 2, 127: 8}.get(data[1] & 0x7F, 0)
    start = 2 + size + (4 if data[1] & 0x80 else 0)
    if len(data) < start:
        return None
    length = int.from_bytes(data[2 : 2 + size], "big") if size else data[1] & 0x7F
    return start, length


def frames_of(data: bytes) -> tuple[tuple[bytes, ...], bool]:
    """Cut bytes where frames end, legal or not; say whether the last one is unfinished."""
    frames: list[bytes] = []
    while data:
        head = _head(data)
        if head is None or len(data) < sum(head):
            return (*frames, data), True
        frames.append(data[: sum(head)])
        data = data[sum(head) :]
    return tuple(frames), False


# Feeding


def verdict_on(implementation: str, stream: Stream, reads: Sequence[bytes]) -> Verdict:
    """Return the verdict of an implementation on a stream that comes in *reads*."""
    endpoint = ENDPOINTS[implementation](stream.role, stream.deflate)
    for read in reads:
        endpoint.receive(read)
    return endpoint.verdict


class Difference(NamedTuple):
    """Two verdicts that differ, and the frame that made them differ.

    Attributes:
        stream: the frames up to that one.
        peer: the other implementation.
        ours: the verdict of wsref.
        theirs: that of the other.
    """

    stream: Stream
    peer: str
    ours: Verdict
    theirs: Verdict

    def __str__(self) -> str:
        return "\n".join(
            [
                f"wsref and {self.peer} disagree about the last frame of {self.stream}:",
                f"  wsref: {self.ours}",
                f"  {self.peer}: {self.theirs}",
                f'  data = "{self.stream.data[:200].hex(" ")}"',
            ]
        )


def first_difference(stream: Stream, peer: str, sizes: list[int]) -> Difference | None:
    """Feed a stream frame by frame to wsref and to *peer*, until their verdicts differ.

    A frame that never ends counts only if the two came to different conclusions: either may have
    failed by its head while the other waits for the rest.

    Args:
        stream: what comes.
        peer: the other implementation.
        sizes: the sizes of the reads that each frame comes in.
    """
    ours = ENDPOINTS["wsref"](stream.role, stream.deflate)
    theirs = ENDPOINTS[peer](stream.role, stream.deflate)
    for i, frame in enumerate(stream.frames):
        for read in cut(frame, sizes):
            ours.receive(read)
            theirs.receive(read)
        if ours.verdict.differs(theirs.verdict):
            if stream.unfinished and i == len(stream.frames) - 1:
                ends = {ours.verdict.end, theirs.verdict.end}
                if ends == {"open", "failed"}:
                    return None
            part = stream._replace(frames=stream.frames[: i + 1])
            return Difference(part, peer, ours.verdict, theirs.verdict)
        if ours.verdict.end != "open":
            return None
    return None


# Features of streams that are legal, or that wsref takes


def _message(stream: Stream) -> list[WholeFrame]:
    """Return the frames from the beginning of the last message on, control frames too."""
    frames = [_parsed(frame) for frame in stream.frames]
    begins = [i for i, frame in enumerate(frames) if frame.opcode in (1, 2)]
    return frames[begins[-1] :] if begins else []


def _closes_within_a_message(stream: Stream) -> bool:
    """The last frame is a Close, and a message is unfinished."""
    frames = _message(stream)
    data = [frame for frame in frames if frame.opcode < 8]
    return bool(data) and frames[-1].opcode == 8 and not data[-1].first_byte & 0x80


def _control_frame_within_a_compressed_message(stream: Stream) -> bool:
    """A control frame stands between the fragments of the last message, which is compressed."""
    frames = _message(stream)
    return bool(
        frames
        and frames[0].first_byte & 0x40
        and frames[-1].opcode < 8
        and any(frame.opcode >= 8 for frame in frames)
    )


def _final_block(stream: Stream) -> bool:
    """A block with BFINAL set is in the last message, or in an earlier one on the same context."""
    parameters = stream.deflate
    if parameters is None:
        return False
    from_client = stream.role == "server"
    forgets = (
        parameters.client_no_context_takeover
        if from_client
        else parameters.server_no_context_takeover
    )
    window = b""
    found = False
    payload: bytes | None = None  # of the compressed message so far
    for frame in map(_parsed, stream.frames):
        if frame.opcode >= 8:
            continue
        if frame.opcode:
            payload = b"" if frame.first_byte & 0x40 else None
            found = found and not forgets
        if payload is None:
            continue
        payload += frame.payload
        if frame.first_byte & 0x80:
            data, final = _inflated(payload + b"\0\0\xff\xff", b"" if forgets else window)
            found |= final
            window = (window + data)[-32768:]
            payload = None
    if payload:
        found |= _inflated(payload, b"" if forgets else window)[1]
    return found


def _inflated(data: bytes, window: bytes) -> tuple[bytes, bool]:
    """Inflate as far as that goes; say whether a block had BFINAL set."""
    out = b""
    found = False
    while True:
        inflater = zlib.decompressobj(-15, (window + out)[-32768:])
        try:
            out += inflater.decompress(data)
        except zlib.error:
            return out, found
        if not inflater.eof:
            return out, found
        found = True
        data = inflater.unused_data


def _ends_in_half_a_surrogate(stream: Stream) -> bool:
    """The last frame is not final, and its text so far ends in ED A0 to ED BF."""
    frame = _parsed(stream.frames[-1])
    end = frame.payload[-2:]
    return not frame.first_byte & 0x80 and end[:1] == b"\xed" and end[1:] >= b"\xa0"


def _closes_with_1014(stream: Stream) -> bool:
    """The last frame is a Close with 1014."""
    frame = _parsed(stream.frames[-1])
    return frame.opcode == 8 and frame.payload[:2] == b"\x03\xf6"


def _closes_with_1010_to_a_server(stream: Stream) -> bool:
    """The last frame is a Close with 1010 from a client."""
    frame = _parsed(stream.frames[-1])
    return stream.role == "server" and frame.opcode == 8 and frame.payload[:2] == b"\x03\xf2"


def _long_length_of_control_frame(stream: Stream) -> bool:
    """The last frame is a control frame of at most 125 bytes, and its length is not in 7 bits."""
    data = stream.frames[-1]
    head = _head(data)
    return data[0] & 8 != 0 and head is not None and data[1] & 0x7F > 125 >= head[1]


def _new_message_within_a_compressed_one(stream: Stream) -> bool:
    """The last frame begins a message, and a compressed one is unfinished."""
    if _parsed(stream.frames[-1]).opcode not in (1, 2):
        return False
    before = _message(stream._replace(frames=stream.frames[:-1]))
    data = [frame for frame in before if frame.opcode < 8]
    return bool(data) and data[0].first_byte & 0x40 != 0 and not data[-1].first_byte & 0x80


def _length_above_1_mib(stream: Stream) -> bool:
    """The last frame says that it is longer than 1 MiB."""
    head = _head(stream.frames[-1])
    return head is not None and head[1] > 1 << 20


def _cannot_be_right_any_more(stream: Stream) -> bool:
    """The last frame is a fragment of a compressed message, and wsref fails once that ends."""
    frames = _message(stream)
    if not frames or not frames[0].first_byte & 0x40 or frames[-1].first_byte & 0x80:
        return False
    end = b"\x80\x80\0\0\0\0" if stream.role == "server" else b"\x80\0"
    verdict = verdict_on("wsref", stream, [*stream.frames, end])
    return verdict.clause in _CONTENT


#: The requirements on what a compressed message contains.
_CONTENT: Final = (
    "RFC7692-7.2.2-02",
    "RFC7692-7.2.2-03",
    "RFC7692-7.2.2-04",
    "RFC7692-6.1-09",
    "RFC6455-8.1-01",
)


#: What an entry can say about a stream beyond the clause by which wsref failed.
FEATURES: Final[dict[str, Callable[[Stream], bool]]] = {
    "a Close within a fragmented message": _closes_within_a_message,
    "a control frame within a compressed message": _control_frame_within_a_compressed_message,
    "a block with BFINAL set": _final_block,
    "a Close with 1010 for a server": _closes_with_1010_to_a_server,
    "a Close with 1014": _closes_with_1014,
    "a control frame with a length in more bits than it takes": _long_length_of_control_frame,
    "a new message within a compressed one": _new_message_within_a_compressed_one,
    "a length above 1 MiB": _length_above_1_mib,
    "a fragment after which a compressed message cannot be right any more": (
        _cannot_be_right_any_more
    ),
    "a fragment that ends in half a surrogate": _ends_in_half_a_surrogate,
}


# The list


class Entry(NamedTuple):
    """A disagreement about a frame, as it is in the list.

    Attributes:
        name: what it is called.
        peers: those that differ from wsref.
        clause: the id of the requirement that decides it.
        right: ``wsref``, ``peer``, or ``both`` if the RFCs leave it open.
        why: our reading.
        ours: patterns for the outcome of wsref, such as ``failed 1002`` or ``closed *``.
        theirs: patterns for the outcome of the others.
        breaks: if wsref failed, the clauses by one of which it did; any if there is a feature.
        feature: what the stream has to have, a key of :data:`FEATURES`; "": nothing special.
        example: the fewest bytes that show it.
    """

    name: str
    peers: tuple[str, ...]
    clause: str
    right: str
    why: str
    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    breaks: tuple[str, ...]
    feature: str
    example: Stream

    def explains(self, difference: Difference) -> bool:
        """Whether this entry says that the two differ here, and how."""
        stream, peer, ours, theirs = difference
        return (
            peer in self.peers
            and any(fnmatchcase(ours.outcome, pattern) for pattern in self.ours)
            and any(fnmatchcase(theirs.outcome, pattern) for pattern in self.theirs)
            and (not self.breaks or ours.clause in self.breaks)
            and (not self.feature or FEATURES[self.feature](stream))
        )


class HandshakeEntry(NamedTuple):
    """A disagreement about a handshake, as it is in the list.

    Attributes:
        name: what it is called.
        kind: ``request`` or ``response``.
        peers: those that differ from wsref.
        clause: the id of the requirement that decides it.
        right: ``wsref``, ``peer``, or ``both`` if the RFCs leave it open.
        why: our reading.
        ours: ``accepted`` or ``refused``; the others say the opposite.
        breaks: if wsref refused, the clauses by one of which it did.
        pattern: a regular expression that is found in the head.
        replace: what to replace in the plainest head to get an example, and what by.
        offers: (responses) whether the client offers permessage-deflate.
    """

    name: str
    kind: str
    peers: tuple[str, ...]
    clause: str
    right: str
    why: str
    ours: str
    breaks: tuple[str, ...]
    pattern: str
    replace: tuple[str, str]
    offers: bool

    def explains(
        self, kind: str, peer: str, data: bytes, ours: str, clauses: Sequence[str]
    ) -> bool:
        """Whether this entry says that the two differ about this head."""
        return (
            kind == self.kind
            and peer in self.peers
            and ours == self.ours
            and (not self.breaks or not set(self.breaks).isdisjoint(clauses))
            and (not self.pattern or re.search(self.pattern.encode("latin-1"), data) is not None)
        )


@cache
def _list() -> dict[str, Any]:
    return tomllib.loads(LIST.read_text(encoding="utf-8"))


@cache
def entries() -> tuple[Entry, ...]:
    """Return the disagreements about frames."""
    return tuple(_entry(table) for table in _list()["frame"])


def _entry(table: dict[str, Any]) -> Entry:
    deflate = DeflateParameters(*table["deflate"]) if "deflate" in table else None
    frames = tuple(bytes.fromhex(frame) for frame in table["frames"])
    return Entry(
        table["name"],
        tuple(table["peers"]),
        table["clause"],
        table["right"],
        table["why"],
        tuple(table["ours"]),
        tuple(table["theirs"]),
        tuple(table.get("breaks", [] if "feature" in table else [table["clause"]])),
        table.get("feature", ""),
        Stream(table["role"], deflate, frames),
    )


@cache
def handshake_entries() -> tuple[HandshakeEntry, ...]:
    """Return the disagreements about handshakes."""
    return tuple(_handshake_entry(table) for table in _list()["handshake"])


def _handshake_entry(table: dict[str, Any]) -> HandshakeEntry:
    old, new = table["replace"]
    return HandshakeEntry(
        table["name"],
        table["kind"],
        tuple(table["peers"]),
        table["clause"],
        table["right"],
        table["why"],
        table["ours"],
        tuple(table.get("breaks", [] if table["ours"] == "accepted" else [table["clause"]])),
        table.get("pattern", ""),
        (old, new),
        table.get("offers", False),
    )
