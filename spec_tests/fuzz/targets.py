"""What is fuzzed: bytes go in, and an AssertionError says what must not come out.

There are four targets, each a function of an input.  The first bytes of the input are *knobs*: they
choose what was agreed on, the limits, and how the rest, the stream, is cut into reads.

``client``    the stream is what a server sends on an open connection
``server``    the stream is what a client sends on an open connection
``request``   the stream begins with a client's opening handshake
``response``  the stream begins with the server's answer

No target knows what its stream means.  Each checks what holds for all of them: nothing is raised,
only the bytes count and not how they were cut, who fails does so once and by a code for that,
nothing comes behind the end, and no buffer is larger than the limits allow.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

from spec_tests.expectations import is_deaf
from spec_tests.playbook import NONCE, SEED, open_pair
from wsref.protocol.closing import State
from wsref.protocol.connection import Connection, Step
from wsref.protocol.deflate import DEFAULT_OFFER, DeflatePolicy
from wsref.protocol.events import (
    Binary,
    Closed,
    Closing,
    Ping,
    ProtocolError,
    Ready,
    Rejected,
    Requested,
    Text,
)
from wsref.protocol.frames import MAX_CONTROL_PAYLOAD, parse_frame
from wsref.protocol.handshake import accept_token
from wsref.protocol.headers import parse_extensions, parse_tokens
from wsref.protocol.http import end_of_head
from wsref.protocol.limits import Limits
from wsref.protocol.reading import AwaitingRequest, AwaitingResponse, Frames, Undecided
from wsref.protocol.status import is_legal_on_the_wire
from wsref.protocol.uri import parse_uri
from wsref.requirements import requirements

__all__ = ["KNOBS", "SUBPROTOCOLS", "TARGETS", "Knobs", "split"]

#: How many bytes of an input are knobs.
KNOBS: Final = 3

#: The first lets nearly everything through, the others are reached by short streams.
LIMITS: Final = (
    Limits(2048, 65536, 64),
    Limits(256, 300, 6),
    Limits(192, 125, 2),
    Limits(1024, 1, 1),
)

SUBPROTOCOLS: Final = ("chat", "superchat")

#: The codes by which a violation is answered, and the HTTP statuses (RFC 6455 §7.4.1, §4.2.1).
CODES: Final = frozenset({1002, 1007, 1009})
HTTP_STATUSES: Final = frozenset({400, 405, 426, 431, 505})

#: What a connection that reads no more is given to read.
NOISE: Final = (b"\x81\x00", b"\x88\x82\0\0\0\0\x03\xe8", b"\r\n\r\n", b"\xff" * 9)


class Knobs(NamedTuple):
    """What the first bytes of an input choose.

    Attributes:
        deflate: whether messages may be compressed.
        forgetful: whether either side forgets each message when it has ended.
        quiet: whether nobody answers a Ping.
        closing: whether our Close was sent already.
        asking: (handshakes) whether we ask for, or know, subprotocols.
        limits: the most to accept.
        window_bits: of both sides.
        sizes: how many bytes the reads have, in turn.
    """

    deflate: bool
    forgetful: bool
    quiet: bool
    closing: bool
    asking: bool
    limits: Limits
    window_bits: int
    sizes: tuple[int, int]

    @property
    def policy(self) -> DeflatePolicy | None:
        """What a server answers an offer of compression with."""
        bits, forgetful = self.window_bits, self.forgetful
        return DeflatePolicy(forgetful, forgetful, bits, bits) if self.deflate else None


def split(data: bytes) -> tuple[Knobs, bytes]:
    """Return the knobs and the stream that an input consists of; bytes that it lacks are 0."""
    flags, window, sizes = data[:KNOBS].ljust(KNOBS, b"\0")
    knobs = Knobs(
        flags & 1 != 0,
        flags & 2 != 0,
        flags & 4 != 0,
        flags & 8 != 0,
        flags & 16 != 0,
        LIMITS[flags >> 6],
        8 + (window & 7),
        (1 + (sizes & 15), 1 + (sizes >> 4)),
    )
    return knobs, data[KNOBS:]


# Open connections


def client(data: bytes) -> None:
    """Check what a client makes of frames."""
    knobs, stream = split(data)
    connection, _server = _opened(_without_sizes(knobs))
    _check_frames(connection, _received(connection, stream, knobs))


def server(data: bytes) -> None:
    """Check what a server makes of frames."""
    knobs, stream = split(data)
    _client, connection = _opened(_without_sizes(knobs))
    _check_frames(connection, _received(connection, stream, knobs))


def _without_sizes(knobs: Knobs) -> Knobs:
    """Return what a connection depends on; how its peer's bytes are cut does not belong to that."""
    return knobs._replace(sizes=(1, 1))


@cache
def _opened(knobs: Knobs) -> tuple[Connection, Connection]:
    """Return both ends of an open connection; they are values, so once is enough."""
    both = open_pair(
        limits=knobs.limits._replace(header_bytes=LIMITS[0].header_bytes),  # that is over already
        auto_pong=not knobs.quiet,
        offers=[DEFAULT_OFFER] if knobs.deflate else [],
        policy=knobs.policy,
    )
    if not knobs.closing:
        return both
    return both[0].close().connection, both[1].close().connection


def _received(start: Connection, stream: bytes, knobs: Knobs) -> Step:
    """Receive a stream at once and in reads: that comes to the same."""
    whole = start.receive(stream)
    step = Step(start, (), b"")
    for piece in _cut(stream, knobs.sizes):
        before = step.connection
        connection, events, output = before.receive(piece)
        if connection is not before:
            assert before.reads, "it changes, but reads no more"
            assert connection != before or _came_round(before, connection), "an equal copy"
        else:
            assert connection.reads or not (events or output), (
                "it reads no more, but says something"
            )
        _check_buffers(connection)
        step = Step(connection, step.events + events, step.output + output)
    assert step == whole, "it depends on how the stream was cut"
    assert hash(step.connection) == hash(whole.connection), "equal states, different hashes"
    if not whole.connection.reads:
        assert is_deaf(whole.connection, *NOISE), "it reads no more, but does something"
    ended, events, output = whole.connection.receive_eof()
    assert (ended.state, len(events), output) == (State.CLOSED, 1, b""), "an end that is none"
    return whole


def _cut(stream: bytes, sizes: tuple[int, int]) -> list[bytes]:
    """Cut a stream into reads of two sizes in turn."""
    one, other = sizes
    both = one + other
    pieces: list[bytes] = []
    for start in range(0, len(stream), both):
        pieces += [stream[start : start + one], stream[start + one : start + both]]
    return pieces


def _came_round(before: Connection, after: Connection) -> bool:
    """Whether a message came, and what follows or stays behind is like what was there before.

    Either the next frame has begun in the same way, or a compressed message has left in the window
    what was in it.
    """
    was, now = before.reading, after.reading
    if not (isinstance(was, Frames) and isinstance(now, Frames)):
        return False
    is_within_frame = now.header is not None or now.received.size > 0
    return is_within_frame or was.inflating is not now.inflating


def _check_buffers(connection: Connection) -> None:
    """Check that nothing is kept beyond the limits (RFC 6455 §10.4)."""
    limits = connection.settings.limits
    match connection.reading:
        case AwaitingRequest(head) | AwaitingResponse(head, _):
            assert len(head) <= limits.header_bytes, "a head beyond the limit"
        case Undecided(_, early):
            assert early.size <= limits.message_size, "early bytes beyond the limit"
        case Frames(header, received, tail, message, inflating):
            room = limits.message_size
            if inflating is not None:
                # What does not compress gets longer; the limit is for what it inflates to.
                room += room // 8 + 64
                assert inflating.history.size <= 2 << inflating.bits, "a window beyond the limit"
            most = 13 if header is None else max(room, MAX_CONTROL_PAYLOAD)
            assert received.size <= most, "a frame beyond the limit"
            assert len(tail) <= 3, "more than a character is waited for"
            if message is not None:
                assert message.payload.size <= room, "a message beyond the limit"
                assert message.fragments <= limits.fragments, "fragments beyond the limit"
        case _:
            pass


def _check_frames(start: Connection, step: Step) -> None:
    """Check what an open connection, or one that sent its Close, made of a stream."""
    connection, events, output = step
    settings = connection.settings
    ends = [event for event in events if isinstance(event, ProtocolError | Closing | Closed)]
    assert ends == list(events[-1:] if ends else ()), "something happens behind the end"
    assert connection.reads == (not ends), "it reads on behind the end, or stops without one"
    failures = [event for event in ends if isinstance(event, ProtocolError)]
    assert (connection.state is State.FAILED) == bool(failures), "not just one failure"

    frames = _written(output, masked=settings.is_client)
    for failure in failures:
        _check_failure(failure, critical=start.sent_close)
        assert failure.code in CODES, "it fails with another code"
        if not start.sent_close:
            first_byte, payload = frames.pop()
            code, reason = int.from_bytes(payload[:2], "big"), payload[2:].decode()
            assert (first_byte, code) == (0x88, failure.code), "its Close says something else"
            assert reason, "its Close says no reason"
    pings = [event.data for event in events if isinstance(event, Ping)]
    assert frames == [(0x8A, ping) for ping in pings if settings.auto_pong], "wrong answers"

    for event in events:
        if isinstance(event, Text | Binary):
            message = event.data if isinstance(event, Binary) else event.text.encode()
            assert len(message) <= settings.limits.message_size, "a message beyond the limit"
        elif isinstance(event, Closing | Closed):
            assert event.code == 1005 or is_legal_on_the_wire(event.code), "a code not to be sent"
            assert isinstance(event, Closed) == start.sent_close, "the other end of the handshake"
            assert connection.closing_code == event.code, "two codes for one end"


def _check_failure(failure: ProtocolError, *, critical: bool) -> None:
    """Check how a failure is told."""
    assert failure.critical == critical, "it is told wrongly whether a Close can be sent"
    assert failure.clause in requirements(), "a clause that nobody knows"
    assert failure.error.isprintable(), "an error that confuses a terminal"


def _written(output: bytes, *, masked: bool) -> list[tuple[int, bytes]]:
    """Return first byte and payload of the frames written."""
    frames: list[tuple[int, bytes]] = []
    position = 0
    while position < len(output):
        parsed = parse_frame(output, position)
        assert parsed is not None, "the output ends inside a frame"
        (header, payload), position = parsed
        assert (header.masking_key is not None) == masked, "a frame is masked wrongly"
        frames.append((header.first_byte, payload))
    return frames


# Opening handshakes


def request(data: bytes) -> None:
    """Check what a server makes of a request, and of what comes behind it."""
    knobs, stream = split(data)
    start = Connection.listen(limits=knobs.limits, auto_pong=not knobs.quiet)
    step = _received(start, stream, knobs)
    connection, events, output = step
    reading = connection.reading
    if connection.state is State.FAILED:
        *earlier, failure = events
        assert isinstance(failure, ProtocolError), "a failure that is not told"
        _check_failure(failure, critical=True)
        assert [event for event in earlier if not isinstance(event, Requested)] == []
        _check_refusal(output)
        return
    assert connection.state is State.CONNECTING, "it is open without being told to"
    assert not output, "it answers without being told to"
    if isinstance(reading, AwaitingRequest):
        assert not events, "something happens before the request is complete"
        assert end_of_head(stream) < 0, "a request is complete, but not read"
        return
    assert isinstance(reading, Undecided)
    assert events == (Requested(reading.request),), "not just a request"
    head = stream[: len(stream) - reading.early.size]
    _check_decision(start.receive(head).connection, connection, stream[len(head) :], knobs)


def _check_refusal(output: bytes) -> None:
    """Check the HTTP response by which a request is refused."""
    head, _empty_line, body = output.partition(b"\r\n\r\n")
    status_line, *fields = head.split(b"\r\n")
    version, status, _reason = status_line.split(b" ", 2)
    assert version == b"HTTP/1.1"
    assert int(status) in HTTP_STATUSES, "refused with another status"
    assert f"Content-Length: {len(body)}".encode() in fields, "a body of another length"


def _check_decision(early: Connection, undecided: Connection, behind: bytes, knobs: Knobs) -> None:
    """Accept a request, and reject it; frames *behind* it may come before that or after.

    Args:
        early: the connection when only the request was there.
        undecided: the connection when the frames were there too.
        behind: the frames.
        knobs: what the server wants.
    """
    reading = undecided.reading
    assert isinstance(reading, Undecided)
    asked = reading.request
    assert asked.resource.startswith("/"), "a resource that is none"
    assert repr(asked).isprintable(), "a request that confuses a terminal"
    assert undecided.reject(403).output.startswith(b"HTTP/1.1 403 "), "it cannot be rejected"

    known = SUBPROTOCOLS if knobs.asking else ()
    opened, (ready,), response = early.accept(subprotocols=known, deflate=knobs.policy)
    assert isinstance(ready, Ready), "it is accepted, but not ready"
    token = accept_token(asked.get_all("Sec-WebSocket-Key")[0])
    assert ready.response.get("Sec-WebSocket-Accept") == token, "the answer to another key"
    offered = parse_tokens(asked.get_all("Sec-WebSocket-Protocol"))
    assert opened.subprotocol is None or opened.subprotocol in offered, "a subprotocol of its own"
    extensions = parse_extensions(asked.get_all("Sec-WebSocket-Extensions"))
    names = {extension.name for extension in extensions}
    assert opened.extensions <= names, "an extension of its own"

    step = opened.receive(behind)
    connection, events, output = undecided.accept(subprotocols=known, deflate=knobs.policy)
    again = Step(connection, events[1:], output[len(response) :])
    assert events[0] == ready, "another answer when frames came early"
    assert again == step, "frames that came early count for something else"
    _check_frames(opened, step)


def response(data: bytes) -> None:
    """Check what a client makes of the server's answer, and of what comes behind it."""
    knobs, stream = split(data)
    start = _connecting(_without_sizes(knobs))
    step = _received(start, stream, knobs)
    connection, events, output = step
    if not events:
        assert step == Step(connection, (), b""), "it says something before the answer is complete"
        assert isinstance(connection.reading, AwaitingResponse)
        assert end_of_head(stream) < 0, "an answer is complete, but not read"
        return
    first, *others = events
    if not isinstance(first, Ready):
        assert connection.state is State.FAILED
        assert not others, "something happens behind the failure"
        assert not output, "it says something though there is no connection"
        if isinstance(first, ProtocolError):
            _check_failure(first, critical=True)
        else:
            assert isinstance(first, Rejected)
            assert first.reason.isprintable(), "a reason that confuses a terminal"
            assert repr(first.response).isprintable(), "a response that confuses a terminal"
        return
    assert first.protocol == connection.subprotocol
    assert first.protocol is None or (knobs.asking and first.protocol in SUBPROTOCOLS)
    assert first.extensions == connection.extensions
    assert knobs.deflate or not first.extensions, "an extension that was not offered"
    head = end_of_head(stream)
    opened = start.receive(stream[:head]).connection
    behind = opened.receive(stream[head:])
    assert Step(connection, tuple(others), output) == behind, "the head ends somewhere else"
    _check_frames(opened, behind)


@cache
def _connecting(knobs: Knobs) -> Connection:
    """Return a client that has sent its request."""
    return Connection.connect(
        parse_uri("ws://server.example.com/chat"),
        NONCE,
        seed=SEED,
        subprotocols=SUBPROTOCOLS if knobs.asking else (),
        offers=[DEFAULT_OFFER] if knobs.deflate else [],
        limits=knobs.limits,
        auto_pong=not knobs.quiet,
    ).connection


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "client": client,
    "server": server,
    "request": request,
    "response": response,
}
