"""Conversations without a server: what would come of one, and what would be said about it.

A rehearsal carries out the steps of a conversation against a server that is only imagined: it
answers as the reference does, or in one of a few simple manners, such as to go on as if nothing
were wrong, or to say nothing.  The result is a :class:`~.record.Record` like any other, so the
judge of a case can be asked what it thinks of each.  That is how ``wsref list --explain`` knows
what would be a failure, and how a stand-alone script does without the judge.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, TypeAlias

from ..protocol.closing import State, Transport
from ..protocol.connection import Connection
from ..protocol.events import Binary, Closing, Ping, Requested, Text
from ..protocol.frames import FIN, Frame, parse_frame, serialize_frame
from ..protocol.handshake import accept_token
from ..protocol.limits import Limits
from ..protocol.opcode import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from .catalogue import Case, Facts
from .conversation import Abort, Await, Crowd, HalfClose, Open, Pause, Probe, Send, Step, ping
from .opening import Draft, replacing
from .record import Entry, Kind, Record
from .target import Target
from .verdicts import Finding, Verdict, worst

__all__ = [
    "EXAMPLE",
    "FACTS",
    "MANNERS",
    "REFERENCE",
    "Manner",
    "Outcome",
    "outcomes",
    "rehearse",
]

#: The key of an opening handshake that is only shown: 16 bytes of text.
_KEY: Final = b2a_base64(b"wsref, an example"[:16], newline=False).decode("ascii")

#: The server that a conversation is shown with.
EXAMPLE: Final = Target.parse("ws://server.example/")._replace(
    changes=(replacing("Sec-WebSocket-Key", _KEY),)
)

_SUBPROTOCOL: Final = "chat"

#: What an imagined server is taken for.
FACTS: Final = Facts(
    echoes=True, deflates=True, subprotocol=_SUBPROTOCOL, round_trip=0.001, is_secure=True
)

_LIMITS: Final = Limits(message_size=1 << 24)
_TICK: Final = 0.001  # seconds from one thing to the next
_WAITED: Final = 1.0  # seconds until a step has waited in vain

_Reaction: TypeAlias = Literal[
    "reference", "accept", "silence", "end", "reset", "close", "close and end", "refuse"
]


class Manner(NamedTuple):
    """How an imagined server behaves.

    Attributes:
        name: what it does, to be read behind "if the server".
        reaction: what it does when the reference would close or fail the connection, or else when
            the last of the bytes have come.
        code: the status code of its Close, or of its HTTP answer; 0 for a Close without one.
        in_opening: whether it does that instead of answering the opening handshake.
        echo: what it sends back: messages as they came, messages with another last byte, the
            payload of every data frame as a message, whether that was the last fragment or not,
            or nothing.
    """

    name: str
    reaction: _Reaction
    code: int = 0
    in_opening: bool = False
    echo: Literal["messages", "spoilt", "frames", "nothing"] = "messages"


REFERENCE: Final = Manner("answers as the reference server does", "reference")

#: Beside the reference: after the opening handshake, and instead of its answer.
MANNERS: Final = (
    Manner("goes on as if nothing were wrong", "accept"),
    Manner("goes on and echoes something else", "accept", echo="spoilt"),
    Manner("goes on and echoes nothing", "accept", echo="nothing"),
    Manner("goes on and takes every fragment for a message", "accept", echo="frames"),
    Manner("closes with 1000 and ends TCP", "close and end", 1000),
    Manner("closes with 1001 and ends TCP", "close and end", 1001),
    Manner("closes with 1002 and ends TCP", "close and end", 1002),
    Manner("closes with 1003 and ends TCP", "close and end", 1003),
    Manner("closes with 1007 and ends TCP", "close and end", 1007),
    Manner("closes with 1009 and ends TCP", "close and end", 1009),
    Manner("closes with 1011 and ends TCP", "close and end", 1011),
    Manner("closes without a status code and ends TCP", "close and end"),
    Manner("closes with 1002 and leaves TCP open", "close", 1002),
    Manner("ends TCP without a Close", "end"),
    Manner("resets TCP", "reset"),
    Manner("says nothing", "silence"),
    Manner("refuses the handshake with 400", "refuse", 400, True),
    Manner("refuses the handshake with 426", "refuse", 426, True),
    Manner("ends TCP instead of an answer to the handshake", "end", 0, True),
    Manner("does not answer the handshake", "silence", 0, True),
)


class Outcome(NamedTuple):
    """What would be said about an imagined server.

    Attributes:
        manner: how it behaves.
        verdict: the worst of the findings.
        findings: what the case's judge says.
    """

    manner: Manner
    verdict: Verdict
    findings: tuple[Finding, ...]


def outcomes(case: Case) -> tuple[Outcome, ...]:
    """Return what a case says about servers of all manners, the reference first."""
    found: list[Outcome] = []
    for manner in (REFERENCE, *MANNERS):
        if manner.in_opening and case.opens:
            continue  # then the case is not run to its end
        if case.plain and manner.reaction == "reference":
            continue  # it is about the port for TLS, where the reference does not get to see HTTP
        record = rehearse(case.steps, manner)
        findings = tuple(case.judge(record, FACTS))
        found.append(Outcome(manner, worst([one.verdict for one in findings]), findings))
    return tuple(found)


def rehearse(
    steps: Iterable[Step],
    manner: Manner = REFERENCE,
    *,
    target: Target = EXAMPLE,
) -> Record:
    """Carry out a conversation with an imagined server.

    Args:
        steps: the conversation.
        manner: how the server behaves.
        target: where it is; nothing is sent there.
    """
    stage = _Stage(manner, target)
    stage.play(tuple(steps))
    return stage.record()


class _Stage:
    """A rehearsal while it is going on."""

    def __init__(self, manner: Manner, target: Target) -> None:
        self._manner = manner
        self._target = target
        self._entries: list[Entry] = []
        self._time = 0.0
        self._step = 0
        self._key = ""
        self._request = b""
        self._probes: dict[int, bytes] = {}
        self._connection: Connection | None = None  # the reference, as long as it takes part
        self._unparsed = b""
        self._begun: list[Frame] = []
        self._messages = self._pongs = self._closes = 0
        self._answered: set[bytes] = set()
        self._ended = False
        self._over = False

    def record(self) -> Record:
        return Record(self._entries, key=self._key, request=self._request, probes=self._probes)

    def play(self, steps: tuple[Step, ...]) -> None:
        sending = [index for index, step in enumerate(steps) if isinstance(step, Send)]
        last = sending[-1] if sending else 0
        for index, step in enumerate(steps):
            self._step = index
            self._play(step)
            if self._ended or self._over:
                break
            if index == last and not self._manner.in_opening:
                self._react()

    def _play(self, step: Step) -> None:
        match step:
            case Open():
                self._open(step)
            case Send(data, note):
                self._say(data, note)
                if self._request:  # what comes before a request is no frame
                    self._take(data)
            case Probe():
                self._probe()
            case Await(what, count):
                self._await(what, count)
            case Pause():
                self._time += _TICK
            case HalfClose():
                self._note(Kind.SENT_END, note="the checker ends its direction")
                if self._manner.reaction == "reference":
                    self._end()
            case Abort():
                self._note(Kind.SENT_END, note="the checker resets TCP")
                self._over = True
            case Crowd():
                pass  # others do not change what this connection is like

    # What the checker does

    def _open(self, step: Open) -> None:
        draft = step.opening.apply(self._target.draft())
        self._key = draft.get("Sec-WebSocket-Key")
        self._request = draft.data
        self._say(draft.data, "the opening handshake")
        if step.behind:
            self._say(step.behind, "in the same segment")
        manner = self._manner
        if manner.in_opening:
            if manner.reaction == "refuse":
                head = f"HTTP/1.1 {manner.code} Refused\r\nContent-Length: 0\r\n"
                version = "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n"
                self._hear(f"{head}{version}Connection: Upgrade\r\n\r\n".encode("ascii"))
                self._end()
            elif manner.reaction == "end":
                self._end()
            else:
                self._wait_in_vain()
            self._over = True
            return
        self._answer(draft, step)
        if not self._over:
            self._over = step.opening.needs_deflate and self.record().deflate is None

    def _answer(self, draft: Draft, step: Open) -> None:
        """Answer the opening handshake."""
        server, events, output = Connection.listen(limits=_LIMITS).receive(draft.data)
        requested = any(isinstance(event, Requested) for event in events)
        if requested:
            server, _events, accepted = server.accept(subprotocols=[_SUBPROTOCOL])
            output += accepted
        elif self._manner.reaction != "reference":
            output = (
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Accept: {accept_token(self._key)}\r\n\r\n"
            ).encode("latin-1", "replace")
        if output:
            self._hear(output)
        else:
            self._wait_in_vain()
        if requested and self._manner.reaction not in ("accept", "silence"):
            self._connection = server
        elif self._manner.reaction == "reference":
            self._over = True
            self._end()
            return
        if step.behind:
            self._take(step.behind)

    def _probe(self) -> None:
        payload = b"probe %08x" % self._step
        self._probes[self._step] = payload
        if not self._closes:
            data = ping(payload)
            self._say(data, "is the connection alive?")
            self._take(data)
        if payload not in self._answered and not self._ended:
            self._wait_in_vain()

    def _await(self, what: str, count: int) -> None:
        done = {
            "messages": self._messages >= count,
            "pongs": self._pongs >= count,
            "close": bool(self._closes),
            "end": False,
            "bytes": self._manner.reaction == "accept",
        }
        if not done[what] and not self._ended:
            self._wait_in_vain()

    # What the server does

    def _react(self) -> None:
        """Do what is this server's manner, now that it has something to react to, or all was said.

        The other manners than that of the reference do so instead of what the reference does.
        """
        manner = self._manner
        if self._closes or self._ended:
            return
        if manner.reaction in ("close", "close and end"):
            body = manner.code.to_bytes(2, "big") if manner.code else b""
            self._answer_frame(CLOSE, body)
            self._closes += 1
        if manner.reaction in ("end", "close and end"):
            self._end()
        elif manner.reaction == "reset":
            self._note(Kind.RESET, note="Connection reset by peer")
            self._ended = True

    def _take(self, data: bytes) -> None:
        if self._connection is not None:
            self._take_by_reference(self._connection, data)
        elif self._manner.reaction != "silence" and not self._closes:
            self._take_anything(data)

    def _take_by_reference(self, server: Connection, data: bytes) -> None:
        fails = server.receive(data).connection.state is State.FAILED
        if fails:
            sound = server.sound_length(data)  # what comes before the violation is echoed first
            server = self._receive(server, data[:sound])
            data = data[sound:]
        if fails and self._manner.reaction != "reference":
            self._react()
            return
        self._connection = server = self._receive(server, data)
        if server.sent_close:
            self._closes = 1
        if server.transport is Transport.CLOSE:
            self._end()

    def _receive(self, server: Connection, data: bytes) -> Connection:
        server, events, output = server.receive(data)
        if output:
            self._hear(output)
        for event in events:
            if isinstance(event, Text | Binary) and server.may_send_data:
                if isinstance(event, Text):
                    server, _events, output = server.send_text(event.text)
                else:
                    server, _events, output = server.send_binary(event.data)
                self._hear(output)
                self._messages += 1
            elif isinstance(event, Ping):
                self._pongs += 1
                self._answered.add(event.data)
            elif isinstance(event, Closing) and self._manner.reaction == "reference":
                server, _events, output = server.close(server.reply_code)
                self._hear(output)
            elif isinstance(event, Closing):
                self._react()
        return server

    def _take_anything(self, data: bytes) -> None:
        """Answer frames, legal or not: Pings by Pongs, messages by their echoes."""
        self._unparsed += data
        position = 0
        while (parsed := parse_frame(self._unparsed, position)) is not None:
            frame, position = parsed
            opcode = frame.header.opcode
            if opcode == PING:
                self._answer_frame(PONG, frame.payload)
                self._pongs += 1
                self._answered.add(frame.payload)
            elif opcode in (CONTINUATION, TEXT, BINARY):
                if opcode != CONTINUATION:
                    self._begun = []
                self._begun.append(frame)
                if frame.header.fin or self._manner.echo == "frames":
                    self._echo_frames()
        self._unparsed = self._unparsed[position:]

    def _echo_frames(self) -> None:
        first = self._begun[0].header
        payload = b"".join(frame.payload for frame in self._begun)
        rsv = first.first_byte & 0x40
        self._begun = []
        if self._manner.echo == "nothing":
            return
        self._answer_frame(rsv | (first.opcode or BINARY), self._spoilt(payload))
        self._messages += 1

    def _spoilt(self, payload: bytes) -> bytes:
        return payload[:-1] + b"?" if self._manner.echo == "spoilt" else payload

    def _answer_frame(self, first_byte: int, payload: bytes) -> None:
        self._hear(serialize_frame(FIN | first_byte, payload, None))

    def _end(self) -> None:
        if not self._ended:
            self._note(Kind.END)
            self._ended = True

    # The record

    def _say(self, data: bytes, note: str) -> None:
        self._note(Kind.SENT, data, note)

    def _hear(self, data: bytes) -> None:
        self._note(Kind.RECEIVED, data)

    def _wait_in_vain(self) -> None:
        self._time += _WAITED
        self._note(Kind.TIMEOUT)

    def _note(self, kind: Kind, data: bytes = b"", note: str = "") -> None:
        self._time += _TICK
        self._entries.append(Entry(self._time, kind, data, self._step, note))
