"""What was said: both directions of a conversation, with the time of every piece.

A :class:`Record` is made by the :class:`~.peer.Peer` and judged afterwards; nothing that is
said about a server rests on anything else.  The server's bytes are taken apart without
complaint: an illegal frame is a frame too, and judging is somebody else's part.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import cached_property
from typing import Final, NamedTuple

from ..protocol.closing import parse_close
from ..protocol.deflate import DeflateParameters
from ..protocol.frames import Frame, parse_frame, parse_header
from ..protocol.handshake import accept_token
from ..protocol.headers import parse_extensions
from ..protocol.http import Response, end_of_head
from ..protocol.opcode import CLOSE, PING, PONG
from ..protocol.violations import Violation
from .inflation import Inflation

__all__ = ["TEXT_PROBE", "Entry", "Kind", "Message", "Received", "Record"]

#: What the payload of a probe that is a text message begins with.
TEXT_PROBE: Final = b"echo "


class Kind(StrEnum):
    """What an entry of a record tells."""

    SENT = "sent"  #: bytes from the checker
    RECEIVED = "received"  #: bytes from the server
    SENT_END = "sent end"  #: the checker ended its direction, or reset TCP
    END = "end"  #: the server ended its direction of TCP
    RESET = "reset"  #: the server reset TCP, or it broke
    TIMEOUT = "timeout"  #: what a step waited for did not happen in time


class Entry(NamedTuple):
    """One thing that happened.

    Attributes:
        time: seconds since the conversation began.
        kind: what it was.
        data: the bytes, if any.
        step: the index of the step that was being carried out.
        note: a few words for people.
    """

    time: float
    kind: Kind
    data: bytes = b""
    step: int = 0
    note: str = ""


class Received(NamedTuple):
    """A frame from the server.

    Attributes:
        frame: as it was on the wire, legal or not.
        start: the position of its first byte in the stream of frames.
        stop: the position behind it.
        time: when its last byte came, in seconds since the conversation began.
        step: the index of the step during which that was.
    """

    frame: Frame
    start: int
    stop: int
    time: float
    step: int

    @property
    def opcode(self) -> int:
        """The opcode."""
        return self.frame.header.opcode

    @property
    def payload(self) -> bytes:
        """The payload, unmasked."""
        return self.frame.payload


class Message(NamedTuple):
    """A whole message from the server.

    Attributes:
        opcode: that of its first frame.
        payload: joined and, where the first frame has RSV1, inflated.
        frames: how many frames it came in.
        step: the index of the step during which its last byte came.
        time: when that was.
        compressed: whether its first frame has RSV1.
        broken: why the payload is not what was meant: it could not be inflated.
    """

    opcode: int
    payload: bytes
    frames: int
    step: int
    time: float
    compressed: bool
    broken: str = ""

    @property
    def content(self) -> tuple[int, bytes]:
        """Opcode and payload: what an echo has to repeat."""
        return self.opcode, self.payload


class Record:
    """One conversation over one connection.

    Attributes:
        entries: what happened, in order.
        key: the Sec-WebSocket-Key that was sent, as text.
        request: the bytes of the opening handshake that were sent.
        probes: the payloads of the liveness Pings, by the index of their step.
        unreachable: why there was no connection, if there was none.
        others: the conversations of the crowds in it, in the order in which they began.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        *,
        key: str = "",
        request: bytes = b"",
        probes: dict[int, bytes] | None = None,
        unreachable: str = "",
        others: Sequence[Record] = (),
    ) -> None:
        self.entries = tuple(entries)
        self.key = key
        self.request = request
        self.probes = probes or {}
        self.unreachable = unreachable
        self.others = tuple(others)

    # Bytes

    @cached_property
    def sent(self) -> bytes:
        """All that the checker sent."""
        return b"".join(entry.data for entry in self.entries if entry.kind is Kind.SENT)

    @cached_property
    def received(self) -> bytes:
        """All that the server sent."""
        return b"".join(entry.data for entry in self.entries if entry.kind is Kind.RECEIVED)

    @property
    def duration(self) -> float:
        """How long it took, in seconds."""
        return self.entries[-1].time if self.entries else 0.0

    @cached_property
    def sent_frames(self) -> tuple[Frame, ...]:
        """The whole frames that the checker sent, legal or not."""
        stream = self.sent[len(self.request) :]
        found: list[Frame] = []
        position = 0
        while (parsed := parse_frame(stream, position)) is not None:
            frame, position = parsed
            found.append(frame)
        return tuple(found)

    @cached_property
    def sent_contents(self) -> frozenset[tuple[int, bytes]]:
        """Opcode and payload of the messages that the checker sent, as far as they can be read."""
        found: set[tuple[int, bytes]] = set()
        begun: list[Frame] = []
        context = Inflation.agreed(self.deflate or DeflateParameters())
        for frame in self.sent_frames:
            if frame.header.opcode >= 8:
                continue
            if frame.header.opcode:
                begun = []
            begun.append(frame)
            if frame.header.fin:
                first = begun[0].header
                payloads = [fragment.payload for fragment in begun]
                payload = b"".join(payloads)
                if first.rsv1:
                    context, payload, _fault = context.read(payloads)
                found.add((first.opcode, payload))
        return frozenset(found)

    # The opening handshake

    @cached_property
    def _head_size(self) -> int:
        return max(0, end_of_head(self.received))

    @property
    def head(self) -> bytes:
        """The head of the server's answer; empty if it did not come whole."""
        return self.received[: self._head_size]

    @cached_property
    def response(self) -> Response | None:
        """The server's answer, read leniently; None if there was none."""
        return Response(self.head) if self._head_size else None

    @property
    def status(self) -> int | None:
        """The HTTP status code of the answer; None if there was none, or none in it."""
        return None if self.response is None else self.response.status_code

    @property
    def is_open(self) -> bool:
        """Whether the server speaks WebSocket from here on.

        It does after a 101; and if it answers the key rightly with another status, it means to.
        """
        if self.status == 101:
            return True
        return self.accept_is_right and (self.status is None or self.status < 300)

    @property
    def accept_is_right(self) -> bool:
        """Whether Sec-WebSocket-Accept fits the key."""
        return self.response is not None and self.response.get("Sec-WebSocket-Accept") == (
            accept_token(self.key)
        )

    @cached_property
    def deflate(self) -> DeflateParameters | None:
        """What was agreed on about compression, read leniently; None if nothing was."""
        if self.response is None or not self.is_open:
            return None
        try:
            elements = parse_extensions(self.response.get_all("Sec-WebSocket-Extensions"))
        except Violation:
            return None
        for element in elements:
            if element.name == "permessage-deflate":
                given = dict(element.parameters)
                return DeflateParameters(
                    "server_no_context_takeover" in given,
                    "client_no_context_takeover" in given,
                    _bits(given.get("server_max_window_bits")),
                    _bits(given.get("client_max_window_bits")),
                )
        return None

    # Frames

    @property
    def stream(self) -> bytes:
        """What came behind the 101: frames; nothing if there was no 101."""
        return self.received[self._head_size :] if self.is_open else b""

    @cached_property
    def frames(self) -> tuple[Received, ...]:
        """The frames that came whole."""
        stream = self.stream
        times = self._arrivals
        found: list[Received] = []
        position = index = 0
        while (parsed := parse_frame(stream, position)) is not None:
            frame, stop = parsed
            while times[index][0] < stop:
                index += 1
            _until, time, step = times[index]
            found.append(Received(frame, position, stop, time, step))
            position = stop
        return tuple(found)

    @property
    def rest(self) -> bytes:
        """What came behind the last whole frame."""
        return self.stream[self.frames[-1].stop if self.frames else 0 :]

    @cached_property
    def _arrivals(self) -> list[tuple[int, float, int]]:
        """When how much of the stream had come: position, time and step."""
        position = -self._head_size
        arrivals: list[tuple[int, float, int]] = []
        for entry in self.entries:
            if entry.kind is Kind.RECEIVED:
                position += len(entry.data)
                arrivals.append((position, entry.time, entry.step))
        return arrivals

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages that came whole, in order, but for the echoes of probes."""
        probes = self.probes.values()
        return tuple(one for one in self._all_messages if one.payload not in probes)

    @cached_property
    def _all_messages(self) -> tuple[Message, ...]:
        found: list[Message] = []
        begun: list[Received] = []
        context = None if self.deflate is None else Inflation.agreed(self.deflate)
        for received in self.frames:
            if received.opcode >= 8:
                continue
            if received.opcode:
                begun = []  # what was not finished is lost, as the server meant it
            begun.append(received)
            if received.frame.header.fin:
                message, context = _joined(begun, context)
                found.append(message)
                begun = []
        return tuple(found)

    @property
    def pongs(self) -> tuple[Received, ...]:
        """The Pongs."""
        return tuple(received for received in self.frames if received.opcode == PONG)

    @property
    def pings(self) -> tuple[Received, ...]:
        """The Pings."""
        return tuple(received for received in self.frames if received.opcode == PING)

    @property
    def closes(self) -> tuple[Received, ...]:
        """The Close frames; more than one is one too many."""
        return tuple(received for received in self.frames if received.opcode == CLOSE)

    @property
    def close_code(self) -> int | None:
        """The status code of the first Close; None if it has none, or there is no Close."""
        closes = self.closes
        if not closes or len(closes[0].payload) < 2:
            return None
        return int.from_bytes(closes[0].payload[:2], "big")

    @property
    def close_is_legal(self) -> bool:
        """Whether the first Close has a body as §5.5.1 and §7.4 want it."""
        try:
            parse_close(self.closes[0].payload)
        except (IndexError, Violation):
            return False
        return True

    # How it ended

    @property
    def has_ended(self) -> bool:
        """Whether the server has ended TCP, in order or by a reset."""
        return any(entry.kind in (Kind.END, Kind.RESET) for entry in self.entries)

    @property
    def was_reset(self) -> bool:
        """Whether TCP was reset by the server, or broke."""
        return any(entry.kind is Kind.RESET for entry in self.entries)

    @property
    def timeouts(self) -> tuple[int, ...]:
        """The steps that waited in vain."""
        return tuple(entry.step for entry in self.entries if entry.kind is Kind.TIMEOUT)

    def answered(self, step: int) -> bool:
        """Whether the probe that is step *step* was answered, by its Pong or its echo."""
        payload = self.probes.get(step, b"")
        if payload.startswith(TEXT_PROBE):
            return payload in [message.payload for message in self._all_messages]
        return bool(payload) and payload in [pong.payload for pong in self.pongs]

    @property
    def is_alive(self) -> bool:
        """Whether the last probe was answered: the connection went on."""
        return bool(self.probes) and self.answered(max(self.probes))

    def time_of_step(self, step: int) -> float:
        """When step *step* began to be carried out, in seconds."""
        return next((entry.time for entry in self.entries if entry.step >= step), self.duration)


def _bits(value: str | None) -> int:
    return int(value) if value and value.isdecimal() and 8 <= int(value) <= 15 else 15


def _joined(
    fragments: list[Received], context: Inflation | None
) -> tuple[Message, Inflation | None]:
    """Make a message of its frames."""
    first, last = fragments[0], fragments[-1]
    payloads = [fragment.payload for fragment in fragments]
    payload = b"".join(payloads)
    compressed = first.frame.header.rsv1
    broken = ""
    if compressed and context is not None:
        context, payload, fault = context.read(payloads)
        broken = "" if fault is None else fault.message
    return (
        Message(first.opcode, payload, len(fragments), last.step, last.time, compressed, broken),
        context,
    )


def is_incomplete_frame(data: bytes) -> bool:
    """Whether *data* is the beginning of a frame, or of its header."""
    return bool(data) and (parse_header(data) is None or parse_frame(data) is None)
