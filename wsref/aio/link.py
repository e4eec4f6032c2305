"""One connection over one asyncio transport, for either role.

A :class:`Link` stands between three parties and has no opinion of its own:

::

      transport ──bytes──► Connection.receive ──events──► queue ──► the consumer's `async for`
          ▲                      │ replies
          └──────────────────────┴──────────── Connection.send_* ◄── the consumer's sends

* What arrives is stepped through the immutable connection at once; replies that the
  protocol owes (Pongs, the Close after a violation) are written before the event is seen.
* The queue is bounded by not reading: as soon as more than ``BACKLOG`` bytes have arrived
  behind the consumer's back, the transport stops reading until the consumer has come
  back and found the queue empty.
* Nor is anything read while a peer that sends Pings does not take our Pongs.
* In the other direction ``drain`` waits while the transport's write buffer is above its
  high-water mark.  State and output change together, without an await between, so a
  cancelled send has left a whole frame or nothing.
* A violation fails the connection (RFC 6455 §7.1.7) only when the consumer has handled what
  came before it in the same read, so that messages get the answers they are owed.
* Our reply to the peer's Close goes out when the consumer comes back for the event behind
  ``Closing`` (RFC 6455 §7.1.3); the peer's end of stream is taken note of just as late,
  so that a peer which only shuts down its sending side still gets what it is owed.
* What the connection's state asks of TCP (RFC 6455 §7.1.1) is done in :meth:`Link._settle`.

The clock is read once for every segment received.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Final, NamedTuple, TypeAlias, cast

from ..entropy import MaskingKeys
from ..protocol.closing import State, Transport
from ..protocol.connection import Connection, Step
from ..protocol.errors import TransportFail
from ..protocol.events import ConnectFail, Event, Poll, Pong, Unresponsive
from ..protocol.http import end_of_head
from ..protocol.status import Status

__all__ = ["BACKLOG", "Link", "Schedule", "Trace", "trace_function"]

_log = logging.getLogger("wsref")

#: Bytes that may arrive while the consumer is busy before reading stops.
BACKLOG: Final = 64 * 1024

#: A read buffer starts small, since most connections are idle most of the time, and
#: grows when a read has filled it.
_FIRST_BUFFER: Final = 4 * 1024
_LAST_BUFFER: Final = 256 * 1024

#: Frames sent while more events wait to be handled are written together, up to this size.
_CORK: Final = 64 * 1024

#: How long to wait for the peer to end its side of TCP after we have ended ours, in seconds.
_LINGER: Final = 5.0

#: Called with a record of what happened, for debugging; ``stage`` names it.
Trace: TypeAlias = Callable[[dict[str, object]], None]

# Module names are quicker than an enum's attributes.
_CONNECTING: Final = State.CONNECTING
_OPEN: Final = State.OPEN
_CLOSE_RECEIVED: Final = State.CLOSE_RECEIVED
_CLOSE_EXCHANGED: Final = State.CLOSE_EXCHANGED
_FAILED: Final = State.FAILED

#: States with Poll events; in the others they would only delay what is owed or due.
_POLLED: Final = (State.OPEN, State.CLOSE_SENT)


def trace_function(trace: Trace | bool | None) -> Trace | None:
    """Return what to call with records: the function given, one that logs them, or none."""
    if callable(trace):
        return trace
    return _log_record if trace else None


def _log_record(record: dict[str, object]) -> None:
    _log.debug("TRACE %r", record)


class Schedule(NamedTuple):
    """When things are due, in seconds; 0 or None means never.

    Attributes:
        poll: the time between two Poll events.
        ping_rate: the time between two Pings of ours.
        ping_timeout: how long to do without a Pong before the peer is given up.
        close_timeout: how long to wait for the peer's part of the closing handshake.
        open_timeout: how long the opening handshake may take, with all that precedes it.
        at_once: whether the first Poll and the first Ping are due as soon as the
            connection is open, rather than a whole interval later.
    """

    poll: float | None
    ping_rate: float | None
    ping_timeout: float | None
    close_timeout: float | None
    open_timeout: float | None
    at_once: bool

    def check(self) -> Schedule:
        """Return this schedule.

        Raises:
            TypeError, ValueError: a time is not a number, or is negative.
        """
        for name, value in zip(self._fields[:5], self[:5], strict=True):
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"{name} must be a number or None, not {value!r}")
            if not value >= 0:
                raise ValueError(f"{name} must not be negative, not {value!r}")
        return self


class Link(asyncio.BufferedProtocol):
    """Drives a :class:`Connection` over a transport, and queues its events.

    Attributes:
        connection: the protocol's state.
        events: what the consumer has not taken yet.
    """

    def __init__(
        self,
        connection: Connection,
        schedule: Schedule,
        *,
        greeting: bytes = b"",
        on_connected: Callable[[Link], None] | None = None,
        trace: Trace | None = None,
        url: str = "",
    ) -> None:
        """Prepare a link that has no transport yet.

        Args:
            connection: a connection that has just begun.
            schedule: when things are due.
            greeting: bytes to write as soon as there is a transport.
            on_connected: called when there is one, before anything is written.
            trace: called with records of what happens.
            url: for those records.
        """
        self._loop = asyncio.get_running_loop()
        self._clock = self._loop.time
        self._started = self._clock()
        #: What to add to the loop's clock for seconds since the epoch.
        self._epoch = time.time() - self._started
        #: The time for events; from the steady clock if that of a Pong matters to us.
        self.now = self._steady_time if schedule.ping_timeout else time.time
        self._schedule = schedule
        self._greeting = greeting
        self._on_connected = on_connected
        self._trace = trace
        self._url = url
        self._next_key = MaskingKeys().next_key if connection.is_client else None

        self.connection = connection
        self.events: deque[Event] = deque()
        self.sent_close_time: float | None = None
        self._transport: asyncio.Transport | None = None
        self._buffer = memoryview(bytearray(_FIRST_BUFFER))

        # Receiving.
        self._waiter: asyncio.Future[None] | None = None  # the consumer, if it waits
        self._backlog = 0
        self._reading_paused = False
        self._discarding = False
        self._peer_ended = False
        self._held = b""
        self._over = False  # the last event is in the queue, or was

        # Sending.
        self._corked: list[bytes] = []
        self._corked_size = 0
        self._writable = asyncio.Event()
        self._writable.set()
        self._writing_paused = False
        self._unsent_replies = 0  # bytes, while the write buffer is full

        # Ending.
        self._reason = ""  # why we ended the transport, if it was us
        self._opened_at: float | None = None
        self._opening_over = asyncio.Event()
        self._closed = asyncio.Event()
        self._deadline: asyncio.TimerHandle | None = None
        self._timer: asyncio.Handle | None = None
        self._next_poll = self._next_ping = inf
        self._last_pong = self._started

    # The transport calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: the transport is up."""
        self.attach(cast(asyncio.Transport, transport))

    def attach(self, transport: asyncio.Transport) -> None:
        """Take over a transport that is up, be it a new one or one that led through a proxy."""
        self._transport = transport
        if self._schedule.open_timeout:
            self._arm(
                self._schedule.open_timeout,
                "opening handshake not complete",
                since=self._started,
            )
        if self._on_connected is not None:
            self._on_connected(self)
        if self._greeting:
            self._write(self._greeting)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next read goes."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read."""
        buffer = self._buffer
        data = bytes(buffer[:nbytes])
        if nbytes == len(buffer) < _LAST_BUFFER:
            self._buffer = memoryview(bytearray(4 * nbytes))
        self.receive(data)

    def receive(self, data: bytes) -> None:
        """Step the connection by what was read."""
        before = self.connection
        now = self.now()
        if self._trace is not None:
            self.trace("socket_recv", length=len(data))
        if self._held:
            self._held += data
            return
        if before.state is _CONNECTING and 0 < (end := end_of_head(data)) < len(data):
            self.receive(data[:end])  # so that frames behind it find the connection open
            self.receive(data[end:])
            return
        after, events, output = before.receive(data, now)
        if after.state is _FAILED and len(events) > 1 and before.state is _OPEN:
            sound = before.sound_length(data)
            self.receive(data[:sound])
            self._hold(data[sound:])
            return
        if output:
            self._reply(output)
        if self._waiter is None:
            self._backlog += len(data)
            if self._backlog > BACKLOG and before.reads:
                self._pause_reading()
        if events:
            if self._schedule.ping_timeout and any(type(event) is Pong for event in events):
                self._last_pong = now - self._epoch
            self.deliver(events)
        if after is not before:
            self.connection = after
            if after.state is not before.state:
                self._settle()

    def _hold(self, data: bytes) -> None:
        """Keep bytes that fail the connection until what came before them has been handled.

        Messages may be owed an answer, which must not come behind our Close.
        """
        self._held = data
        self._pause_reading()

    def _fail(self) -> None:
        """Receive the bytes that were kept."""
        self.connection, events, output = self.connection.receive(self._held, self.now())
        self._held = b""
        if output:
            self._reply(output)
        self.deliver(events)
        self._settle()

    def eof_received(self) -> bool:
        """Take note that the peer sends no more; return whether we still may."""
        self._peer_ended = True
        transport = self._transport
        connection = self.connection
        nothing_owed = connection.is_client and connection.state is _CONNECTING
        if nothing_owed or self._waiter is not None or self._discarding:
            self._end()
            return False
        # What is in the queue may still be owed an answer, unless that is impossible (TLS).
        return transport is not None and transport.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the transport is gone."""
        if self._transport is None:
            return  # TLS through a proxy failed: there never was one, as far as we know
        if self._held:
            self._fail()
        self._end(self._reason, "" if exc is None else str(exc) or type(exc).__name__)
        self._cancel_timers()
        self._writing_paused = False
        self._writable.set()
        self._closed.set()

    def pause_writing(self) -> None:
        """Take note that the write buffer is above its high-water mark."""
        self._writing_paused = True
        self._writable.clear()

    def resume_writing(self) -> None:
        """Take note that the write buffer is below its low-water mark."""
        self._writing_paused = False
        self._writable.set()
        self._unsent_replies = 0
        if self._waiter is not None or self._discarding:
            self._resume_reading()

    # The consumer: events

    def deliver(self, events: tuple[Event, ...]) -> None:
        """Queue events, and wake the consumer if it waits for one."""
        if self._discarding:
            return
        self.events.extend(events)
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self) -> None:
        """Return when there is an event in the queue, which is empty now.

        Raises:
            StopAsyncIteration: there will be none any more.
            RuntimeError: someone else waits already.
        """
        while not self.events:
            if self._over:
                raise StopAsyncIteration
            if self._waiter is not None:
                raise RuntimeError("another task is already waiting for this WebSocket's events")
            if self._corked:
                self._uncork()
            if self.connection.state is _CLOSE_RECEIVED:  # Closing has been handled
                self.close(self.connection.reply_code)
            if self._held:
                self._fail()
                continue
            if self._peer_ended:  # and all that came before has been handled
                self._end()
                continue
            self._backlog = 0
            if self._reading_paused and self._unsent_replies <= BACKLOG:
                self._resume_reading()
            waiter = self._waiter = self._loop.create_future()
            try:
                await waiter
            finally:
                if self._waiter is waiter:
                    self._waiter = None

    def fail_to_connect(self, reason: str) -> None:
        """Take note that there will never be a transport, or that it came too late."""
        if self._transport is not None:
            self.abort(reason)
            return
        self.trace("connect_fail", reason=reason)
        self._over = True
        self._closed.set()
        self.deliver((ConnectFail(reason, received_time=self.now()),))

    # The consumer: sending

    @property
    def masking_key(self) -> bytes | None:
        """A new masking key for a client's frame, None for a server's."""
        return None if self._next_key is None else self._next_key()

    def send(self, step: Step) -> None:
        """Put a step of the consumer's into effect.

        Raises:
            TransportFail: there is no transport to write to.
        """
        after, events, output = step
        before = self.connection
        if output:
            self._write(output)
        if events:
            self.deliver(events)
        if after is not before:
            self.connection = after
            if after.state is not before.state:
                self._settle()

    @property
    def must_drain(self) -> bool:
        """Whether the write buffer is above its high-water mark."""
        return self._writing_paused

    async def drain(self) -> None:
        """Wait until the write buffer is below its high-water mark.

        Raises:
            TransportFail: the transport was lost meanwhile.
        """
        if self._writing_paused:
            await self._writable.wait()
            if self._closed.is_set():
                raise TransportFail("transport lost while sending; " + (self._reason or "closed"))

    def close(self, code: int | None, reason: str = "") -> None:
        """Send our Close, unless one was sent or the connection has failed or ended.

        Raises:
            TypeError, ValueError: a code or reason that may not be sent.
            WebSocketUnavailable: the opening handshake is not complete.
        """
        step = self.connection.close(code, reason, masking_key=self.masking_key)
        with suppress(TransportFail):  # the transport's end is about to be told
            self.send(step)

    # The end

    def abort(self, reason: str) -> None:
        """End the transport at once, without a closing handshake."""
        if self._transport is not None and not self._closed.is_set():
            self._reason = self._reason or reason
            self._transport.abort()

    async def finish(self, code: int = Status.NORMAL, reason: str = "") -> None:
        """Leave properly: closing handshake, end of TCP; return when the transport is gone.

        Events that are still to come are dropped.  If this is cancelled the transport is
        ended at once.
        """
        if self._transport is None:
            self._cancel_timers()
            return
        self._discarding = True
        self.events.clear()
        if self._held:
            self._fail()
        if self._timer is not None:
            self._timer.cancel()
        state = self.connection.state
        if state is _CONNECTING:
            self.abort("the opening handshake was given up")
        elif state is _CLOSE_RECEIVED and code == Status.NORMAL:
            self.close(self.connection.reply_code)
        else:
            self.close(code, reason)
        if self._peer_ended:
            self._end()
        self._resume_reading()
        try:
            await self._closed.wait()
        except asyncio.CancelledError:
            self.abort("closing was cancelled")
            await self._closed.wait()
            raise

    async def opening_over(self) -> None:
        """Wait until the opening handshake has succeeded or failed."""
        await self._opening_over.wait()

    @property
    def is_closed(self) -> bool:
        """Whether the connection has ended, or there never was one."""
        return self._over

    @property
    def session_time(self) -> float:
        """Seconds since the opening handshake was complete; 0 before."""
        return 0.0 if self._opened_at is None else self._clock() - self._opened_at

    @property
    def address(self) -> object:
        """The peer's address, as the socket module gives it; None without a transport."""
        return None if self._transport is None else self._transport.get_extra_info("peername")

    def trace(self, stage: str, **fields: object) -> None:
        """Tell the trace function, if there is one, what happens."""
        if self._trace is not None:
            self._trace({"stage": stage, "url": self._url, **fields})

    # Details

    def _write(self, output: bytes) -> None:
        """Write bytes, in order; together with later ones if more events wait to be handled."""
        transport = self._transport
        if transport is None or transport.is_closing():
            raise TransportFail("there is no connection to write to")
        if self._trace is not None:
            self.trace("socket_send", length=len(output))
        if not self.events and not self._corked:
            transport.write(output)
            return
        self._corked.append(output)
        self._corked_size += len(output)
        if self._corked_size > _CORK:
            self._uncork()
        elif len(self._corked) == 1:
            self._loop.call_soon(self._uncork)

    def _reply(self, output: bytes) -> None:
        """Write what the protocol owes; stop reading from a peer that does not take it."""
        with suppress(TransportFail):  # the transport's end is about to be told
            self._write(output)
        if self._writing_paused:
            self._unsent_replies += len(output)
            if self._unsent_replies > BACKLOG:
                self._pause_reading()

    def _uncork(self) -> None:
        """Write what was held back; at the latest the loop itself calls this."""
        if self._corked and self._transport is not None:
            output = b"".join(self._corked)
            self._corked.clear()
            self._corked_size = 0
            if not self._transport.is_closing():
                self._transport.write(output)

    def _pause_reading(self) -> None:
        if not self._reading_paused and not self._peer_ended and self._transport is not None:
            self._reading_paused = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        """Read again; Pongs that wait unread are not the peer's fault."""
        if self._reading_paused and not self._peer_ended and self._transport is not None:
            self._reading_paused = False
            self._last_pong = self._clock()
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def _settle(self) -> None:
        """Do what a new state asks for: timers, and the end of TCP (RFC 6455 §7.1.1)."""
        connection = self.connection
        if not self._opening_over.is_set():
            self._opening_over.set()
            self._disarm()
        if connection.state is _OPEN:
            self._begin_schedule()
            return
        if connection.sent_close and self.sent_close_time is None:
            self.sent_close_time = self.session_time
        instruction = connection.transport
        if instruction is Transport.CLOSE:
            self._close_transport()
        elif connection.sent_close and self._deadline is None:
            limit = self._schedule.close_timeout
            if connection.state is _CLOSE_EXCHANGED:
                limit = limit or _LINGER
            self._arm(limit, "closing handshake not complete")

    def _close_transport(self) -> None:
        """End TCP so that what was written arrives (RFC 6455 §7.1.1).

        Closing a socket with unread input resets the connection, and a reset can overtake
        our Close frame.  So only our side is ended, input is discarded until the peer ends
        its side, and only then, or after a while, the socket is closed.
        """
        self._uncork()
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._disarm()
        self._arm(_LINGER, "the peer did not end the connection")
        nothing_to_lose = self.connection.is_client and not self.connection.sent_close
        if self._peer_ended or nothing_to_lose or not transport.can_write_eof():
            transport.close()
        else:
            try:
                transport.write_eof()
            except OSError:  # reset by the peer a moment ago
                transport.abort()
            else:
                self._resume_reading()

    def _end(self, reason: str = "", detail: str = "") -> None:
        """Take note of the end of the stream, whichever way it came.

        Args:
            reason: why we ended it, if it was us.
            detail: what the transport says about it.
        """
        before = self.connection
        if before.state is _CLOSE_EXCHANGED or before.state is _FAILED:
            reason = detail = ""  # however TCP came to its end, that was not the cause
        self.connection, events, _output = before.receive_eof(self.now(), reason, detail)
        self._over = True
        self.deliver(events)
        if self._timer is not None:
            self._timer.cancel()
        self._opening_over.set()
        if self.connection is not before:
            self.trace("disconnected", reason=reason)
            self._close_transport()

    def _arm(self, seconds: float | None, what: str, since: float | None = None) -> None:
        """Give up after so many seconds unless the state changes before."""
        if seconds:
            when = (self._clock() if since is None else since) + seconds
            self._deadline = self._loop.call_at(when, self.abort, f"{what} within {seconds:g} s")

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cancel_timers(self) -> None:
        self._disarm()
        if self._timer is not None:
            self._timer.cancel()

    def _steady_time(self) -> float:
        return self._clock() + self._epoch

    def _begin_schedule(self) -> None:
        poll, ping_rate, ping_timeout, _close, _open, at_once = self._schedule
        now = self._opened_at = self._last_pong = self._clock()
        if poll:
            self._next_poll = now if at_once else now + poll
        if ping_rate:
            self._next_ping = now if at_once else now + ping_rate
        if poll or ping_rate or ping_timeout:
            self._timer = self._loop.call_soon(self._tick)  # behind the events of this read

    def _tick(self) -> None:
        """Do what is due."""
        poll, ping_rate, ping_timeout, *_rest = self._schedule
        now = self._clock()
        self._epoch = time.time() - now  # the wall clock may have been set
        if poll and now >= self._next_poll:
            self._next_poll = now + poll
            waiting = any(type(event) is Poll for event in self.events)
            if self.connection.state in _POLLED and not waiting:
                self.deliver((Poll(received_time=now + self._epoch),))
        if ping_rate and now >= self._next_ping:
            self._next_ping = now + ping_rate
            if self.connection.state is _OPEN:
                with suppress(TransportFail):
                    self.send(self.connection.send_ping(masking_key=self.masking_key))
        next_check = inf
        if ping_timeout and not self._reading_paused:
            next_check = self._last_pong + ping_timeout
            if now >= next_check:
                self.deliver((Unresponsive(received_time=now + self._epoch),))
                self.abort(f"no Pong within {ping_timeout:g} s")
                return
        elif ping_timeout:
            next_check = now + ping_timeout
        self._timer = self._loop.call_at(
            min(self._next_poll, self._next_ping, next_check), self._tick
        )
