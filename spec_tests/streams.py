"""Hypothesis strategies for what a peer may send: legal, broken and meaningless streams."""

from __future__ import annotations

from typing import AnyStr, NamedTuple

from hypothesis import strategies as st

from spec_tests.playbook import KEY, endpoint
from wsref.protocol.connection import Connection
from wsref.protocol.limits import Limits
from wsref.testing import (
    Context,
    WireFrame,
    close_payloads,
    compress,
    control_frames,
    illegal_close_payloads,
    masking_keys,
    near_misses,
    shapes,
    text_payloads,
)

__all__ = ["LIMITS", "Scene", "cut_at", "cuts", "edges", "frames_of", "scenes"]

#: Small enough that a stream often goes beyond them.
LIMITS = Limits(message_size=300, fragments=6)


class Scene(NamedTuple):
    """An open connection, and bytes from its peer."""

    connection: Connection
    data: bytes


texts = st.one_of(
    text_payloads(126),
    st.sampled_from(["€" * 50, "x" * 126, "\U0001d11e"]).map(str.encode),
)
not_texts = near_misses().map(lambda miss: miss.data)
texts_or_not = st.one_of(texts, texts, not_texts)
binaries = st.one_of(st.binary(max_size=6), st.sampled_from([bytes(126), bytes(290), bytes(310)]))


#: Where to cut a message into fragments.
edges = st.lists(st.integers(0, 200), max_size=3).map(sorted)


def cut_at(content: AnyStr, edges: list[int]) -> list[AnyStr]:
    """Cut *content* into fragments, some of them empty."""
    starts, stops = [0, *edges], [*edges, len(content)]
    return [content[start:stop] for start, stop in zip(starts, stops, strict=True)]


#: Frames of a server: the keys come when it is known who is the peer.
controls = control_frames("server")
closes = st.one_of(
    close_payloads(), illegal_close_payloads().map(lambda illegal: illegal.data)
).map(lambda payload: WireFrame(0x88, payload))
#: Whatever has a header; what has a key here is masked if it should not be, and the reverse.
wild_frames = st.tuples(
    st.sampled_from([*range(255, -1, -1)]), binaries, st.sampled_from([None, KEY, None])
).map(lambda fields: WireFrame(*fields))


OPCODES = st.sampled_from([1, 2])
ROLES = st.sampled_from(["client", "server"])


@st.composite
def messages(draw: st.DrawFn, deflate: bool) -> list[WireFrame]:
    """Draw a message as frames, with control frames in between; its content may be invalid."""
    opcode = draw(OPCODES)
    content = draw(texts_or_not if opcode == 1 else binaries)
    rsv1 = 0
    if deflate and draw(st.booleans()):
        rsv1 = 0x40
        compressed = compress(Context(), content, draw(shapes()))
        if draw(st.integers(0, 5)) < 5:
            content = compressed
    fragments = cut_at(content, draw(edges))
    frames: list[WireFrame] = []
    for i, fragment in enumerate(fragments):
        if i and draw(st.integers(0, 3)) == 0:
            frames.append(draw(controls))
        first_byte = (opcode | rsv1 if i == 0 else 0) | (0x80 if i == len(fragments) - 1 else 0)
        frames.append(WireFrame(first_byte, fragment))
    return frames


#: Built once: to look at a strategy for the first time takes longer than to draw from it.
MESSAGES = {deflate: messages(deflate) for deflate in (False, True)}


@st.composite
def frames_of(draw: st.DrawFn, deflate: bool) -> list[WireFrame]:
    """Draw frames that mostly follow one another as they should."""
    frames: list[WireFrame] = []
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(st.integers(0, 19))
        if kind in (7, 8, 9):
            frames.append(draw(controls))
        elif kind in (10, 11):
            frames.append(draw(closes))
        elif kind == 12:
            frames.append(draw(wild_frames))
        else:
            frames.extend(draw(MESSAGES[deflate]))
    return frames


FRAMES = {deflate: frames_of(deflate) for deflate in (False, True)}
#: Opened once: connections are values.
OPENED = {
    (role, deflate, auto_pong): endpoint(
        role, limits=LIMITS, deflate=deflate, auto_pong=auto_pong
    ).connection
    for role in ("client", "server")
    for deflate in (False, True)
    for auto_pong in (False, True)
}


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Draw an open connection of either role, and what comes from its peer."""
    role = draw(ROLES)
    deflate = draw(st.booleans())
    connection = OPENED[role, deflate, draw(st.integers(0, 2)) < 2]
    if draw(st.integers(0, 9)) == 5:
        connection = connection.close(1001).connection
    data = b""
    for frame in draw(FRAMES[deflate]):
        wrongly_masked = frame.masking_key is not None
        key = draw(masking_keys()) if connection.is_client == wrongly_masked else None
        data += frame._replace(masking_key=key).data
    damage = draw(st.integers(0, 19))
    if damage == 11 and data:
        position = draw(st.integers(0, len(data) - 1))
        data = data[:position] + draw(st.binary(min_size=1, max_size=1)) + data[position + 1 :]
    elif damage in (12, 13):
        data = data[: draw(st.integers(0, len(data)))]
    elif damage == 14:
        data += draw(st.binary(max_size=20))
    return Scene(connection, data)


def cuts() -> st.SearchStrategy[list[int]]:
    """Return a strategy for the sizes of reads: a few of any size, or all single bytes."""
    return st.one_of(st.just([1]), st.lists(st.integers(1, 40), min_size=1, max_size=8))
