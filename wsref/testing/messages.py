"""Messages, and every way to send one in fragments (RFC 6455 §5.4, §5.6).

A message is a type and a content.  How it is cut into frames means nothing: the cuts may be
anywhere, also within a character; fragments may be empty; control frames may come between.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from hypothesis import strategies as st

from ..protocol.frames import FIN, RSV1
from .frames import binary_payloads, control_frames, masking_keys, text_payloads
from .wire import BINARY, CONTINUATION, TEXT, Role, WireFrame

__all__ = ["Message", "fragmentations", "messages"]


class Message(NamedTuple):
    """A message as an application sees it.

    Attributes:
        opcode: TEXT or BINARY.
        data: the content, that of a text encoded as UTF-8.
    """

    opcode: int
    data: bytes

    @property
    def content(self) -> str | bytes:
        """The content as the type says: a string, or bytes."""
        return self.data.decode() if self.opcode == TEXT else self.data


def messages(*opcodes: int, max_size: int = 65536) -> st.SearchStrategy[Message]:
    """Draw a message: mostly short, sometimes at a border of the length field (RFC 6455 §5.6).

    Args:
        opcodes: TEXT and BINARY, those to draw; both by default.
        max_size: the most bytes.

    Shrinks to an empty text, then to fewer characters and to ``"0"``.
    """
    return _messages(opcodes or (TEXT, BINARY), max_size)


@cache
def _messages(opcodes: tuple[int, ...], max_size: int) -> st.SearchStrategy[Message]:
    return st.one_of(
        [
            st.builds(
                Message,
                st.just(opcode),
                text_payloads(max_size) if opcode == TEXT else binary_payloads(max_size),
            )
            for opcode in opcodes
        ]
    )


def fragmentations(
    message: Message,
    role: Role = "client",
    *,
    max_fragments: int = 6,
    control: bool = False,
    compressed: bytes | None = None,
) -> st.SearchStrategy[tuple[WireFrame, ...]]:
    """Draw the frames of *message*: whole, or cut anywhere, empty fragments included (§5.4).

    Args:
        message: what to send.
        role: who sends it: frames of a client are masked.
        max_fragments: the most frames of the message itself.
        control: whether Pings and Pongs may come between the fragments (RFC 6455 §5.4, §5.5).
        compressed: the message as permessage-deflate makes it, to be sent in its place with RSV1
            on the first frame (RFC 7692 §6.1).

    Shrinks to one frame with a masking key of zeros.
    """
    payload = message.data if compressed is None else compressed
    first = message.opcode | (0 if compressed is None else RSV1)
    size = len(payload)
    key: st.SearchStrategy[bytes | None] = st.none() if role == "server" else masking_keys()
    between: st.SearchStrategy[list[WireFrame]] = st.just([])
    if control:
        between = st.lists(control_frames(role, max_payload=max(0, min(125, size + 1))), max_size=2)
    # Behind each fragment but the last: where it ends, and what comes before the next one.
    cuts = st.lists(
        st.tuples(st.integers(0, size), key, between), max_size=max(0, max_fragments - 1)
    )

    def written(
        parts: tuple[list[tuple[int, bytes | None, list[WireFrame]]], bytes | None],
    ) -> tuple[WireFrame, ...]:
        cuts, last_key = parts
        frames: list[WireFrame] = []
        start = 0
        opcode = first
        for stop, one_key, controls in sorted(cuts, key=_stop):
            frames += [WireFrame(opcode, payload[start:stop], one_key), *controls]
            start, opcode = stop, CONTINUATION
        return (*frames, WireFrame(FIN | opcode, payload[start:], last_key))

    return st.tuples(cuts, key).map(written)


def _stop(cut: tuple[int, bytes | None, list[WireFrame]]) -> int:
    return cut[0]
