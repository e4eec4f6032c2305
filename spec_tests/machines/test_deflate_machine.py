"""permessage-deflate with all parameters, against zlib driven directly (RFC 7692 §7).

One end is a connection, the other is two plain objects of zlib, as other implementations have
them.  Both go on from message to message, compressed and not.  As they are values (zlib's can be
copied), any situation can be kept, and gone back to: between two messages, between two fragments
of one, or in the middle of what is arriving.
"""

from __future__ import annotations

import pickle
import zlib
from itertools import product
from typing import Final, NamedTuple, Protocol

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from spec_tests.expectations import ROLES, frames_in
from spec_tests.machines.noticing import noticed
from spec_tests.playbook import open_pair
from spec_tests.reference_inflate import reference_inflate
from wsref.protocol import deflate
from wsref.protocol.closing import State
from wsref.protocol.connection import Connection, Step
from wsref.protocol.deflate import (
    DeflateOffer,
    DeflateParameters,
    DeflatePolicy,
    Deflating,
    Inflating,
)
from wsref.protocol.events import Binary, Event, Ping, Pong, Text
from wsref.protocol.reading import Frames
from wsref.testing import (
    BINARY,
    PING,
    PONG,
    TEXT,
    Context,
    Message,
    Role,
    Shape,
    WireFrame,
    compress,
    deflate_parameters,
    fragmentations,
    messages,
    shapes,
)

TAIL: Final = b"\x00\x00\xff\xff"


class Compressor(Protocol):
    """What is used of a ``zlib.compressobj``."""

    def compress(self, data: bytes, /) -> bytes:
        """Take data."""
        ...

    def flush(self, mode: int, /) -> bytes:
        """End a block."""
        ...

    def copy(self) -> Compressor:
        """Return another in the same state."""
        ...


class Decompressor(Protocol):
    """What is used of a ``zlib.decompressobj``."""

    def decompress(self, data: bytes, /) -> bytes:
        """Inflate data."""
        ...

    def copy(self) -> Decompressor:
        """Return another in the same state."""
        ...


class Begun(NamedTuple):
    """A message of ours that goes on.

    Attributes:
        message: as much of it as was sent.
        payload: in what bytes.
        is_compressed: whether they are compressed.
    """

    message: Message
    payload: bytes
    is_compressed: bool


class Stream(NamedTuple):
    """Both ends, as they are at some time.

    Attributes:
        ours: the connection.
        inflater: zlib's object for what we send.
        deflater: zlib's object for what is sent to us; None if it has to be made from the window.
        sent: all data that we may refer to.
        window: all data that may be referred to in what is sent to us.
        begun: a message of ours that goes on.
        arriving: bytes that are on their way to us.
        expected: what comes of them.
    """

    ours: Connection
    inflater: Decompressor
    deflater: Compressor | None = None
    sent: bytes = b""
    window: bytes = b""
    begun: Begun | None = None
    arriving: bytes = b""
    expected: tuple[Event, ...] = ()


class Direction(NamedTuple):
    """What was agreed on for one direction."""

    bits: int
    forgets: bool


def direction(stream: Stream, *, by_client: bool) -> Direction:
    """Return what was agreed on for what one end sends."""
    agreed = stream.ours.deflate
    assert agreed is not None
    if by_client:
        return Direction(agreed.client_max_window_bits, agreed.client_no_context_takeover)
    return Direction(agreed.server_max_window_bits, agreed.server_no_context_takeover)


def opened(role: str, parameters: DeflateParameters) -> Stream:
    """Return what it is like when an end has agreed on these parameters."""
    policy = DeflatePolicy(*parameters)
    client, server = open_pair(offers=[DeflateOffer()], policy=policy)
    ours = client if role == "client" else server
    assert ours.deflate == parameters
    bits, _forgets = direction(Stream(ours, zlib.decompressobj()), by_client=role == "client")
    return Stream(ours, zlib.decompressobj(-bits))


# What we send


def said(stream: Stream, message: Message, *, compressed: bool, fin: bool = True) -> Stream:
    """Return what it is like after we have sent a message, or more of the one that goes on."""
    ours, begun, content = stream.ours, stream.begun, message.content
    if begun is not None:
        step = ours.send_continuation(content, fin=fin)
    elif isinstance(content, str):
        step = ours.send_text(content, compressed, fin=fin)
    else:
        step = ours.send_binary(content, compressed, fin=fin)
    ((first_byte, payload),) = frames_in(step.output)
    opcode = message.opcode if begun is None else 0
    rsv1 = 0x40 if compressed and begun is None else 0
    assert first_byte == opcode | rsv1 | (0x80 if fin else 0), "the wrong bits are set"
    if begun is not None:
        message = Message(begun.message.opcode, begun.message.data + message.data)
        payload, compressed = begun.payload + payload, begun.is_compressed
    stream = stream._replace(ours=step.connection)
    if not fin:
        return stream._replace(begun=Begun(message, payload, compressed))
    stream = stream._replace(begun=None)
    if compressed:
        return understood(stream, payload, message.data)
    assert payload == message.data, "what is not compressed is not the message"
    return stream


def understood(stream: Stream, payload: bytes, data: bytes) -> Stream:
    """Let zlib inflate what we compressed."""
    bits, forgets = direction(stream, by_client=stream.ours.is_client)
    inflater = zlib.decompressobj(-bits) if forgets else stream.inflater.copy()
    window = b"" if forgets else stream.sent[-32768:]
    try:
        inflated = inflater.decompress(payload + TAIL)
    except zlib.error as error:
        raise AssertionError("zlib refuses what we sent") from error
    assert inflated == data, "zlib understands something else than we sent"
    farthest = reference_inflate(payload, window).distance
    assert farthest <= 1 << bits, "it refers back too far"
    return stream._replace(inflater=inflater, sent=stream.sent + data)


# What is sent to us


def zlib_says(stream: Stream, data: bytes, level: int) -> tuple[Stream, bytes]:
    """Let zlib compress a message, in its own way."""
    bits, forgets = direction(stream, by_client=not stream.ours.is_client)
    deflater = None if forgets or stream.deflater is None else stream.deflater.copy()
    if deflater is None:
        # zlib does no raw deflating with 8 bits; with 9 it looks back 250 bytes at most.
        window = b"" if forgets else stream.window[-(1 << bits) :]
        deflater = zlib.compressobj(level, zlib.DEFLATED, -max(bits, 9), zdict=window)
    payload = deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH)
    payload = payload.removesuffix(TAIL) or b"\x00"
    return stream._replace(deflater=deflater, window=stream.window + data), payload


def shaped(stream: Stream, data: bytes, shape: Shape) -> tuple[Stream, bytes]:
    """Write a compressed message in a given shape."""
    bits, forgets = direction(stream, by_client=not stream.ours.is_client)
    context = Context(bits, not forgets, b"" if forgets else stream.window[-(1 << bits) :])
    payload = compress(context, data, shape)
    return stream._replace(deflater=None, window=stream.window + data), payload


def arrived(stream: Stream, size: int = 1 << 30) -> Stream:
    """Let bytes arrive: with the last of them, all that is expected has come."""
    piece, rest = stream.arriving[:size], stream.arriving[size:]
    before, hashed = stream.ours, hash(stream.ours)
    ours, events, _pongs = before.receive(piece)
    assert hash(before) == hashed, "a state has changed"
    assert ours.state is State.OPEN, "we refuse what zlib compressed"
    expected = stream.expected
    assert events == expected[: len(events)], "we understand something else than was sent"
    assert rest or len(events) == len(expected), "a message is missing"
    return stream._replace(ours=ours, arriving=rest, expected=expected[len(events) :])


def arriving(stream: Stream, frames: tuple[WireFrame, ...], message: Message) -> Stream:
    """Put the frames of a message on their way to us."""
    events: list[Event] = []
    for frame in frames:
        if frame.is_control:
            assert frame.opcode in (PING, PONG)
            events.append((Ping if frame.opcode == PING else Pong)(frame.payload))
    content = message.content
    events.append(Text(content) if isinstance(content, str) else Binary(content))
    data = b"".join(frame.data for frame in frames)
    return stream._replace(arriving=stream.arriving + data, expected=(*stream.expected, *events))


# The machine

#: Contents that repeat themselves at many distances.
CONTENTS: Final = {
    opcode: st.one_of(
        messages(opcode, max_size=300),
        st.sampled_from(
            [
                Message(opcode, data)
                for data in (
                    b"Hello",
                    b"to be or not to be " * 3,
                    bytes(range(32, 127)) * 3,
                    bytes(range(127)) + bytes(400) + bytes(range(127)),
                    bytes(range(127)) + bytes(2500) + bytes(range(127)),
                )
            ]
        ),
    )
    for opcode in (TEXT, BINARY)
}
ANY: Final = st.one_of(CONTENTS[TEXT], CONTENTS[BINARY])


#: At most so many situations are kept.
FORKS: Final = 6


class Compression(RuleBasedStateMachine):
    """A stream of messages each way, that can go on from where it was before."""

    def __init__(self) -> None:
        super().__init__()
        self.stream = opened("server", DeflateParameters())
        self.kept: list[Stream] = []

    @initialize(role=st.sampled_from(ROLES), parameters=deflate_parameters())
    def open(self, role: str, parameters: DeflateParameters) -> None:
        """Agree on any parameters."""
        self.stream = opened(role, parameters)

    @rule(
        compressed=st.sampled_from([True, True, False]),
        fin=st.sampled_from([True, True, False]),
        data=st.data(),
    )
    def say(self, compressed: bool, fin: bool, data: st.DataObject) -> None:
        """Send a message, a fragment, or more of a message, compressed or not."""
        begun = self.stream.begun
        message = data.draw(ANY if begun is None else CONTENTS[begun.message.opcode])
        self.stream = said(self.stream, message, compressed=compressed, fin=fin)

    @rule(message=ANY, level=st.integers(0, 9), data=st.data())
    def hear(self, message: Message, level: int, data: st.DataObject) -> None:
        """Let zlib send a message, in any fragments, with control frames between them."""
        stream, payload = zlib_says(self.stream, message.data, level)
        role = peer_of(stream)
        frames = data.draw(fragmentations(message, role, control=True, compressed=payload))
        self.stream = arriving(stream, frames, message)

    @rule(message=ANY, shape=shapes())
    def hear_in_another_shape(self, message: Message, shape: Shape) -> None:
        """Let blocks come that zlib would not have made."""
        stream, payload = shaped(self.stream, message.data, shape)
        frame = frame_of(stream, 0xC0 | message.opcode, payload)
        self.stream = arriving(stream, (frame,), message)

    @rule(message=ANY)
    def hear_without_compression(self, message: Message) -> None:
        """Let a message come as it is: the window stays what it was."""
        frame = frame_of(self.stream, 0x80 | message.opcode, message.data)
        self.stream = arriving(self.stream, (frame,), message)

    @rule(size=st.integers(1, 40))
    def arrive(self, size: int) -> None:
        """Let a few bytes arrive."""
        self.stream = arrived(self.stream, size)

    @rule()
    def arrive_all(self) -> None:
        """Let everything arrive."""
        self.stream = arrived(self.stream)

    @rule()
    def keep(self) -> None:
        """Keep the situation as it is, and go on: perhaps in the middle of a message."""
        self.kept = [*self.kept[1 - FORKS :], self.stream]

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def go_back(self, data: st.DataObject) -> None:
        """Go on from a situation that was kept, and keep the one that was reached instead."""
        number = data.draw(st.integers(0, len(self.kept) - 1))
        self.stream, self.kept[number] = self.kept[number], self.stream

    @rule()
    def forget_what_is_hidden(self) -> None:
        """Go on with a copy of our end that shares nothing with it."""
        copied: Connection = pickle.loads(pickle.dumps(self.stream.ours))
        assert copied == self.stream.ours, "a copy is not equal"
        self.stream = self.stream._replace(ours=copied)

    def teardown(self) -> None:
        """Let everything arrive, wherever it was kept."""
        for stream in (self.stream, *self.kept):
            arrived(stream)


def peer_of(stream: Stream) -> Role:
    """Return the role of who sends to us."""
    return "server" if stream.ours.is_client else "client"


def frame_of(stream: Stream, first_byte: int, payload: bytes) -> WireFrame:
    """Write a frame as our peer does."""
    return WireFrame(first_byte, payload, None if stream.ours.is_client else b"1234")


Compression.TestCase.settings = settings(Compression.TestCase.settings, stateful_step_count=35)

TestCompression = pytest.mark.rfc(
    "RFC7692-5-18",
    "RFC7692-6-01",
    "RFC7692-6-03",
    "RFC7692-6.1-01",
    "RFC7692-6.1-02",
    "RFC7692-6.1-03",
    "RFC7692-6.1-07",
    "RFC7692-6.2-01",
    "RFC7692-6.2-02",
    "RFC7692-7.2.1-01",
    "RFC7692-7.2.1-02",
    "RFC7692-7.2.1-07",
    "RFC7692-7.2.1-09",
    "RFC7692-7.2.1-11",
    "RFC7692-7.2.1-13",
    "RFC7692-7.2.1-15",
    "RFC7692-7.2.2-01",
    "RFC7692-7.2.2-06",
    "RFC7692-7.2.2-08",
    "RFC7692-7.2.3.2-01",
)(Compression.TestCase)


@pytest.mark.rfc("RFC7692-5-18", "RFC7692-7.2.1-13", "RFC7692-7.2.1-15")
@pytest.mark.parametrize("role", ROLES)
def test_every_combination_of_parameters_goes_well_both_ways(role: str) -> None:
    """All 256, with a message that is not compressed in between, and one sent again."""
    bits = range(8, 16)
    text = Message(TEXT, b"to be or not to be, " * 20)
    for chosen in product([False, True], [False, True], bits, bits):
        stream = opened(role, DeflateParameters(*chosen))
        for compressed in (True, False, True):
            stream = said(stream, text, compressed=compressed)
            payload, first_byte = text.data, 0x81
            if compressed:
                stream, payload = zlib_says(stream, text.data, 6)
                first_byte = 0xC1
            stream = arriving(stream, (frame_of(stream, first_byte, payload),), text)
            stream = arrived(stream)
        assert stream.expected == ()


# What would be noticed

DEFLATING: Final = deflate.deflating
INFLATING: Final = deflate.inflating
RECEIVE: Final = Connection.receive


def never_forgets(parameters: DeflateParameters, role_is_client: bool) -> Deflating:
    """Compress with context takeover, whatever was agreed on."""
    return DEFLATING(
        parameters._replace(server_no_context_takeover=False, client_no_context_takeover=False),
        role_is_client,
    )


def has_a_large_window(parameters: DeflateParameters, role_is_client: bool) -> Deflating:
    """Compress with the largest window, whatever was agreed on."""
    return DEFLATING(
        parameters._replace(server_max_window_bits=15, client_max_window_bits=15), role_is_client
    )


def always_forgets(parameters: DeflateParameters, role_is_client: bool) -> Inflating:
    """Inflate each message by itself, whatever was agreed on."""
    return INFLATING(
        parameters._replace(server_no_context_takeover=True, client_no_context_takeover=True),
        role_is_client,
    )


def shares_what_is_hidden(connection: Connection, data: bytes, now: float = 0.0) -> Step:
    """Leave zlib's object, which has gone on, in the context that it came from."""
    step = RECEIVE(connection, data, now)
    before, later = connection.reading, step.connection.reading
    if isinstance(before, Frames) and isinstance(later, Frames):
        context, another = before.inflating, later.inflating
        if context is not None and another is not None and context is not another:
            context.live[:] = another.live
    return step


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "wrong", "messages"),
    [
        (
            "connection.deflating",
            never_forgets,
            ["zlib refuses what we sent", "zlib understands something else than we sent"],
        ),
        (
            "connection.deflating",
            has_a_large_window,
            ["it refers back too far", "zlib refuses what we sent"],
        ),
        (
            "connection.inflating",
            always_forgets,
            ["we refuse what zlib compressed", "we understand something else than was sent"],
        ),
        (
            "connection.Connection.receive",
            shares_what_is_hidden,
            ["we refuse what zlib compressed", "we understand something else than was sent"],
        ),
        ("sending.RSV1", 0, ["the wrong bits are set"]),
    ],
)
def test_compression_that_goes_wrong_is_noticed(
    monkeypatch: pytest.MonkeyPatch, name: str, wrong: object, messages: list[str]
) -> None:
    """A context that is kept or not kept, too large or shared, and a bit that is not set."""
    monkeypatch.setattr(f"wsref.protocol.{name}", wrong)
    assert noticed(Compression) in messages
