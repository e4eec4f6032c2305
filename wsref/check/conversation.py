"""What the checker says to a server: a conversation is a value.

It is a tuple of steps.  Some send bytes, legal or not; others wait until the server has done
something: answered a Ping, closed, ended TCP.  No step waits for a fixed time if there is
an event to wait for.  Since a conversation is data it can be listed, explained, replayed,
written as a script, and made smaller.

The opening handshake depends on the server's address and on what the user wants to be sent
along, so it is written as changes to a request that would be right (:mod:`.opening`).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, Literal, NamedTuple, TypeAlias

from ..protocol.frames import FIN, RSV1
from ..protocol.masking import mask
from ..protocol.opcode import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from .opening import PLAIN, Opening

__all__ = [
    "Abort",
    "Await",
    "Crowd",
    "HalfClose",
    "Open",
    "Pause",
    "Probe",
    "Send",
    "Step",
    "UNMASKED",
    "binary",
    "close",
    "continuation",
    "frame",
    "ping",
    "pong",
    "text",
]


class Open(NamedTuple):
    """Send the opening handshake and wait for the answer.

    The conversation ends here if the answer is no acceptance, or if it does not agree on
    what ``opening.needs`` names.

    Attributes:
        opening: how the request differs from a plain one.
        behind: bytes sent in the same segment, right behind the request.
        bytewise: whether to send it byte by byte.
    """

    opening: Opening = PLAIN
    behind: bytes = b""
    bytewise: bool = False


class Send(NamedTuple):
    """Send bytes, in one piece unless ``bytewise``.

    Attributes:
        data: the bytes.
        note: a few words for people.
        bytewise: whether to send them one by one.
        deaf: whether not to receive meanwhile, until nothing more can be sent, or all is.
    """

    data: bytes
    note: str = ""
    bytewise: bool = False
    deaf: bool = False


class Probe(NamedTuple):
    """Send a Ping with a payload of its own and wait for its Pong, or for the end.

    The Pong proves that all before it was accepted (RFC 6455 §5.5.2).
    """


class Await(NamedTuple):
    """Wait until the server has done something, or has ended TCP.

    Attributes:
        what: ``messages``: it has sent ``number`` messages, all counted since the opening;
            ``pongs``: it has sent ``number`` Pongs; ``close``: it has sent a Close;
            ``end``: it has ended TCP; ``bytes``: it has sent anything more.
        number: how many.
    """

    what: Literal["messages", "pongs", "close", "end", "bytes"]
    number: int = 1


class Pause(NamedTuple):
    """Do nothing but receive, so that what was sent goes out on its own.

    Attributes:
        round_trips: how long, in round-trip times (at least 5 ms each).
    """

    round_trips: float = 1.0


class HalfClose(NamedTuple):
    """End the sending direction of TCP: the server sees the end of the stream."""


class Abort(NamedTuple):
    """Drop TCP by a reset."""


class Crowd(NamedTuple):
    """Have one more conversation over several more connections, all at the same time.

    This one goes on when all of them are over.  Their records are in ``others`` of its own.

    Attributes:
        number: how many connections.
        steps: the conversation.
    """

    number: int
    steps: tuple[Step, ...]


Step: TypeAlias = Open | Send | Probe | Await | Pause | HalfClose | Abort | Crowd

#: The masking key of frames that are not masked.
UNMASKED: Final = b""

_MASK: Final = 0x80


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    key: bytes | None = None,
    length_bytes: Literal[0, 2, 8] | None = None,
    length: int | None = None,
) -> bytes:
    """Build a client's frame, legal or not.

    Args:
        opcode: 0 to 15.
        payload: as the server is to read it, not masked.
        fin: the FIN bit.
        rsv: RSV1, RSV2 and RSV3 as a number from 0 to 7; RSV1 is 4.
        key: the masking key; :data:`UNMASKED` for no key and the MASK bit 0; None for a key
            that looks random and depends on nothing but the frame.
        length_bytes: the size of the extended length; None for the shortest.
        length: the length to announce, if not that of the payload.
    """
    first_byte = (FIN if fin else 0) | rsv << 4 | opcode
    if key is None:
        key = blake2b(bytes([first_byte]) + payload, digest_size=4, key=b"wsref check").digest()
    if length is None:
        length = len(payload)
    if length_bytes is None:
        length_bytes = 0 if length < 126 else 2 if length < 65536 else 8
    marker = {0: length, 2: 126, 8: 127}[length_bytes]
    header = bytes([first_byte, marker | (_MASK if key else 0)])
    if length_bytes:
        header += length.to_bytes(length_bytes, "big")
    return header + key + (mask(payload, key) if key else payload)


def _encoded(payload: str | bytes) -> bytes:
    return payload.encode() if isinstance(payload, str) else payload


def text(
    payload: str | bytes, *, fin: bool = True, rsv: int = 0, key: bytes | None = None
) -> bytes:
    """Build a text frame; *payload* may be bytes that are no text."""
    return frame(TEXT, _encoded(payload), fin=fin, rsv=rsv, key=key)


def binary(payload: bytes, *, fin: bool = True, rsv: int = 0, key: bytes | None = None) -> bytes:
    """Build a binary frame."""
    return frame(BINARY, payload, fin=fin, rsv=rsv, key=key)


def continuation(
    payload: str | bytes, *, fin: bool = True, rsv: int = 0, key: bytes | None = None
) -> bytes:
    """Build a continuation frame."""
    return frame(CONTINUATION, _encoded(payload), fin=fin, rsv=rsv, key=key)


def ping(
    payload: bytes = b"", *, fin: bool = True, rsv: int = 0, key: bytes | None = None
) -> bytes:
    """Build a Ping."""
    return frame(PING, payload, fin=fin, rsv=rsv, key=key)


def pong(
    payload: bytes = b"", *, fin: bool = True, rsv: int = 0, key: bytes | None = None
) -> bytes:
    """Build a Pong."""
    return frame(PONG, payload, fin=fin, rsv=rsv, key=key)


def close(
    code: int | None = None,
    reason: str | bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    key: bytes | None = None,
) -> bytes:
    """Build a Close; without *code* its body is *reason* alone, which may be empty."""
    body = (b"" if code is None else code.to_bytes(2, "big")) + _encoded(reason)
    return frame(CLOSE, body, fin=fin, rsv=rsv, key=key)


def compressed(opcode: int, payload: bytes, *, fin: bool = True, key: bytes | None = None) -> bytes:
    """Build the first or only frame of a compressed message from its compressed bytes."""
    return frame(opcode, payload, fin=fin, rsv=RSV1 >> 4, key=key)
