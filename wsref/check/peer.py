"""The checker's side of a connection: it may say anything, and keeps a record of it.

A :class:`Peer` carries out a conversation, one step after the other, over one connection.
It answers the server's Pings, as every client has to, and does nothing else by itself.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from os import urandom
from select import select
from typing import Final, NamedTuple, TypeAlias

from ..protocol.frames import parse_frame, parse_header
from ..protocol.http import end_of_head
from ..protocol.opcode import CLOSE, PING, PONG
from .conversation import (
    Abort,
    Await,
    Crowd,
    HalfClose,
    Open,
    Pause,
    Probe,
    Send,
    Step,
    close,
    ping,
    pong,
    text,
)
from .record import TEXT_PROBE, Entry, Kind, Record
from .target import Target, Unreachable, Wire

__all__ = ["Patience", "Peer", "converse"]

#: Between two bytes that are sent one by one: enough for the server to read each on its own.
_BYTE_PAUSE: Final = 0.0003
_MIN_PAUSE: Final = 0.005
#: When a server has taken nothing for so long, it takes no more before it is listened to.
_STALL: Final = 0.3
#: So many conversations of a crowd go on at the same time.
_MOST_AT_A_TIME: Final = 100
_LINGER_RESET: Final = struct.pack("ii", 1, 0)

_Condition: TypeAlias = Callable[[], bool]


class Patience(NamedTuple):
    """How long to wait.

    Attributes:
        answer: for an answer of any kind, in seconds; a Ping's round trip is part of it.
        connect: for TCP, proxy and TLS, in seconds.
        round_trip: what a round trip took, in seconds.
    """

    answer: float
    connect: float = 10.0
    round_trip: float = 0.0


def converse(
    target: Target,
    steps: tuple[Step, ...],
    patience: Patience,
    *,
    unasked: int | None = 0,
    pings: bool = True,
    plain: bool = False,
) -> Record:
    """Carry out a conversation over a connection of its own.

    Args:
        target: the server.
        steps: what to say.
        patience: how long to wait.
        unasked: how many messages the server sends by itself at the beginning, which do not
            count when messages are waited for; None not to wait for messages at all, since
            this server does not echo.
        pings: whether to probe by Pings; else by text messages, which come back as echoes.
        plain: whether to do without TLS, whatever the address says.

    Returns:
        The record; ``unreachable`` says why if there was no connection.
    """
    opened = target.open_plain_wire if plain else target.open_wire
    try:
        wire = opened(patience.connect)
    except Unreachable as error:
        return Record((), unreachable=str(error))
    peer = Peer(target, wire, patience, unasked=unasked, pings=pings)
    try:
        return peer.carry_out(steps)
    finally:
        wire.transport.close()


class Peer:
    """One connection, and what is said over it."""

    def __init__(
        self,
        target: Target,
        wire: Wire,
        patience: Patience,
        *,
        unasked: int | None = 0,
        pings: bool = True,
    ) -> None:
        self._target = target
        self._unasked = unasked
        self._pings = pings
        self._transport = wire.transport
        self._sock = wire.sock
        self._is_secure = wire.is_secure
        self._patience = patience
        self._begun = time.monotonic()
        self._entries: list[Entry] = []
        self._step = 0
        self._key = ""
        self._request = b""
        self._probes: dict[int, bytes] = {}
        self._head = b""  # of the answer
        self._awaits_head = True
        self._is_open = False  # after a 101
        self._unparsed = bytearray()
        self._wanted = 0  # so many bytes must be unparsed before there is another frame
        self._counts = {"messages": 0, "pongs": 0, "close": 0, "bytes": 0, "end": 0}
        self._pongs: list[bytes] = []
        self._has_answer = False  # since something was sent last
        self._ended = False
        self._was_vain = False  # a wait
        self._may_send = True
        self._is_sending = False
        self._is_answering = False
        self._unfinished = b""  # the beginning of a frame whose rest is still to be sent
        self._unanswered: list[bytes] = []  # payloads of the server's Pings
        self._others: list[Record] = []  # of crowds

    def carry_out(self, steps: tuple[Step, ...]) -> Record:
        """Carry out the steps, until the end of TCP or of the steps."""
        for index, step in enumerate(steps):
            self._step = index
            if self._ended or not self._carry_out(step):
                break
        return self.record()

    def record(self) -> Record:
        """Return the record so far."""
        return Record(
            self._entries,
            key=self._key,
            request=self._request,
            probes=self._probes,
            others=self._others,
        )

    def _carry_out(self, step: Step) -> bool:
        """Carry out one step; return whether to go on."""
        match step:
            case Open():
                return self._open(step)
            case Send(data, note, bytewise, deaf):
                self._send(data, note, bytewise=bytewise, deaf=deaf)
            case Probe():
                self._probe()
            case Await(what, count):
                self._await(what, count)
            case Pause(round_trips):
                seconds = max(_MIN_PAUSE, round_trips * self._patience.round_trip)
                self._receive_until(lambda: False, seconds)
                if self._is_alive and self._counts["close"]:  # it has failed behind a probe
                    self._answer_close()
            case HalfClose():
                self._half_close()
            case Abort():
                self._abort()
            case Crowd():
                self._gather(step)
        return True

    def _gather(self, crowd: Crowd) -> None:
        """Have a conversation over several more connections."""

        def one(_number: int) -> Record:
            return converse(
                self._target,
                crowd.steps,
                self._patience,
                unasked=self._unasked,
                pings=self._pings,
            )

        with ThreadPoolExecutor(min(crowd.number, _MOST_AT_A_TIME), "wsref crowd") as pool:
            records = list(pool.map(one, range(crowd.number)))
        self._others += records
        accepted = sum(record.is_open for record in records)
        note = f"{crowd.number} more connections, of which {accepted} were accepted"
        self._note(Kind.SENT, note=note)
        if any(record.timeouts for record in records):
            self._note(Kind.TIMEOUT)

    def _probe(self) -> None:
        """Find out whether the connection is alive.

        A server that refuses what it was sent closes at once; a Ping that reaches it then would
        make its kernel reset TCP.  So the Ping is sent a moment later, and not at all behind a
        Close, which is an answer as well.
        """
        self._receive_until(lambda: self._has_answer, self._moment)
        payload = (b"probe " if self._pings else TEXT_PROBE) + urandom(4).hex().encode()
        self._probes[self._step] = payload
        if self._counts["close"] and not self._ended:
            self._answer_close()
            return
        if not self._ended:
            build = ping if self._pings else text
            self._send(build(payload), "is the connection alive?")
        if self._pings:
            self._wait(lambda: payload in self._pongs)
        else:  # the echo may be compressed, which takes more to find out
            self._wait(lambda: self.record().answered(self._step))

    @property
    def _is_alive(self) -> bool:
        """Whether the step before this one was a probe that was answered."""
        payload = self._probes.get(self._step - 1)
        return payload is not None and payload in self._pongs and not self._ended

    def _answer_close(self) -> None:
        """Wait for the end of TCP; if it does not come soon, answer the Close first.

        Who fails the connection ends it (RFC 6455 §7.1.7), but may wait a while for the answer.
        """
        if not self._receive_until(lambda: False, self._patience.answer / 4):
            self._send(close(1000), "the answer to the server's Close")
            self._wait(lambda: False)

    @property
    def _moment(self) -> float:
        """How long something takes that is under way already, in seconds."""
        return max(_MIN_PAUSE, 3 * self._patience.round_trip)

    def _await(self, what: str, count: int) -> None:
        if what == "messages":
            if self._unasked is None:
                return
            count += self._unasked
        elif what == "bytes":
            count += self._counts["bytes"]
        self._wait(lambda: self._counts[what] >= count)

    # Sending

    def _open(self, step: Open) -> bool:
        draft = step.opening.apply(self._target.draft())
        self._key = draft.get("Sec-WebSocket-Key")
        self._request = draft.data
        self._send(draft.data, "the opening handshake", bytewise=step.bytewise, more=step.behind)
        self._wait(lambda: not self._awaits_head)
        if not self._is_open:
            # What comes behind a refusal belongs to the record: its body, and what must not come.
            self._receive_until(lambda: False, self._moment)
            return False
        return not step.opening.needs_deflate or self.record().deflate is not None

    def _send(
        self,
        data: bytes,
        note: str,
        *,
        bytewise: bool = False,
        more: bytes = b"",
        deaf: bool = False,
    ) -> None:
        """Send bytes; what the server sends meanwhile is taken, so that neither side blocks."""
        if not self._may_send:
            return
        self._note(Kind.SENT, data, note)
        if more:
            self._note(Kind.SENT, more, "in the same segment")
        self._unfinished = _behind_frames(
            self._unfinished + (data if self._is_open else b"") + more
        )
        data += more
        self._has_answer = False
        self._is_sending = True
        pieces = [data[i : i + 1] for i in range(len(data))] if bytewise else [data]
        try:
            if deaf:
                self._write_without_reading(data)
                pieces.clear()
            for piece in pieces:
                self._transport.write_all(piece, self._patience.answer + len(piece) / 1e6)
                if bytewise and select([self._sock], (), (), _BYTE_PAUSE)[0]:
                    self._receive_once(_MIN_PAUSE)
                    if self._ended:
                        break
        except OSError:
            self._may_send = False  # reading tells what became of the connection
        self._is_sending = False
        self._answer_pings()

    def _write_without_reading(self, data: bytes) -> None:
        """Write all of *data*; read only when nothing is taken any more."""
        if self._transport.write(data):
            while select((), [self._sock], (), _STALL)[1]:
                with suppress(TimeoutError):
                    self._transport.flush(0)
                    return
            self._transport.flush(self._patience.answer + len(data) / 1e6)

    def _answer_pings(self) -> None:
        """Answer the server's Pings, but not in the middle of a frame of one's own."""
        if self._is_answering:
            return
        self._is_answering = True
        while self._unanswered and not self._is_sending and not self._unfinished:
            self._send(pong(self._unanswered.pop(0)), "the answer to the server's Ping")
        self._is_answering = False

    def _half_close(self) -> None:
        self._may_send = False
        self._note(Kind.SENT_END, b"", "the checker ends its direction")
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def _abort(self) -> None:
        self._may_send = False
        self._ended = True
        self._note(Kind.SENT_END, b"", "the checker resets TCP")
        with suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            self._sock.close()  # at once: a shutdown before it would be an end in order

    # Receiving

    def _wait(self, is_done: _Condition) -> None:
        """Receive until *is_done* or the end of TCP; make a note if neither comes."""
        # Whoever has let us wait in vain once is not waited for as long again.
        seconds = self._patience.answer / (4 if self._was_vain else 1)
        if not self._receive_until(is_done, seconds):
            self._was_vain = True
            self._note(Kind.TIMEOUT)

    def _receive_until(self, is_done: _Condition, seconds: float) -> bool:
        """Receive until *is_done* or the end of TCP, for so many seconds; return whether so."""
        deadline = time.monotonic() + seconds
        while not (is_done() or self._ended):
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return False
            self._receive_once(remaining)
        return True

    def _receive_once(self, seconds: float) -> None:
        """Take what comes next, if anything comes in so many seconds."""
        try:
            data = self._transport.receive(seconds)
        except TimeoutError:
            return
        except OSError as error:
            self._note(Kind.RESET, note=error.strerror or str(error))
            self._ended = True
            return
        if data:
            self._note(Kind.RECEIVED, data)
            self._take(data)
        else:
            self._note(Kind.END)
            self._ended = True

    def _take(self, data: bytes) -> None:
        """Count what came."""
        self._counts["bytes"] += len(data)
        self._has_answer = True
        if self._awaits_head:
            self._head += data
            end = end_of_head(self._head)
            if end < 0:
                return
            self._awaits_head = False
            self._is_open = self.record().is_open
            data, self._head = self._head[end:], self._head[:end]
        if self._is_open:
            self._unparsed += data
            self._take_frames()

    def _take_frames(self) -> None:
        if len(self._unparsed) < self._wanted:
            return
        buffer = bytes(self._unparsed)
        position = 0
        while (parsed := parse_frame(buffer, position)) is not None:
            (header, payload), position = parsed
            if header.opcode == PONG:
                self._pongs.append(payload)
                self._counts["pongs"] += 1
            elif header.opcode == CLOSE:
                self._counts["close"] += 1
            elif header.opcode == PING and not self._counts["close"]:
                self._unanswered.append(payload)
            elif header.opcode < 8 and header.fin and payload not in self._probes.values():
                self._counts["messages"] += 1
        del self._unparsed[:position]
        begun = parse_header(buffer, position)
        self._wanted = 0 if begun is None else begun.size + begun.length
        self._answer_pings()

    def _note(self, kind: Kind, data: bytes = b"", note: str = "") -> None:
        self._entries.append(Entry(time.monotonic() - self._begun, kind, data, self._step, note))


def _behind_frames(data: bytes) -> bytes:
    """Return what is behind the last whole frame: nothing, or the beginning of another."""
    position = 0
    while (header := parse_header(data, position)) is not None:
        end = position + header.size + header.length
        if end > len(data):
            break
        position = end
    return data[position:]
