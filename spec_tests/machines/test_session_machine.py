"""The blocking client as a whole, against the core alone.

A :class:`WebSocket` and its session run over a real pair of sockets, in a thread that iterates
over the events; a second thread sends while the first one waits.  The machine is the server, the
network and the clock: it writes what it likes in pieces of any size, reads or lets the client's
buffers fill, resets, and lets hours pass in no time.  What has to come of it is said by

* :class:`Core`: a :class:`Connection` that gets the same bytes, one by one: the protocol's events
  and the frames on the wire;
* :class:`Timetable`: a statement of when the other events, Pings and the end are due.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Iterator
from math import floor, inf
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from spec_tests.api.peers import response_to
from spec_tests.machines.lockstep import Actor, Wait, World, WorldSocket
from spec_tests.machines.noticing import noticed
from wsref import WebSocket
from wsref.events import (
    Closing,
    Connected,
    Connecting,
    Disconnected,
    Event,
    Poll,
    Pong,
    Ready,
    Rejected,
    Unresponsive,
)
from wsref.protocol.closing import State
from wsref.protocol.connection import Connection, Step
from wsref.protocol.errors import TransportFail, WebSocketError
from wsref.protocol.frames import parse_frame
from wsref.session import WebsocketSession
from wsref.testing import (
    DEFAULT_PARAMETERS,
    Conversation,
    WireFrame,
    conversations,
    reasons,
    status_codes,
)
from wsref.transport import Transport

#: How late a wait may end, in seconds: the transport's tolerance, and a timeval's precision.
LATE: Final = 0.005 + 2e-6

#: How long the end of TCP is waited for where no ``close_timeout`` says so, in seconds.
LINGER: Final = 5.0

#: Small, so that a message or two fill it, in bytes.
SEND_BUFFER: Final = 4096

PING: Final = 0x89


class Options(NamedTuple):
    """How to connect; the times are in seconds."""

    poll: float = 5.0
    ping_rate: float = 30.0
    ping_timeout: float | None = None
    close_timeout: float | None = 30.0
    open_timeout: float | None = 30.0
    auto_pong: bool = True


class Core:
    """What has to happen by the rules of the protocol, and nothing but those.

    Attributes:
        connection: the state.
        events: what there is to tell and was not told yet.
        frames: first byte and payload of each frame that is to be sent, in order.
        closed_at: when our Close was sent.
        is_exchanged: whether both were.
        waits_since: since when the session waits for nothing but the end of TCP.
    """

    def __init__(self, connection: Connection, world: World) -> None:
        self.connection = connection
        self.events: deque[Event] = deque()
        self.frames: list[tuple[int, bytes]] = []
        self.closed_at: float | None = None
        self.is_exchanged = False
        self.waits_since = inf
        self.farewell: Event | None = None
        self._last: Connection | None = None  # before TCP ended
        self._world = world
        self._later = b""
        self._owes_close = False

    def receive(self, data: bytes) -> None:
        """Take bytes: all of them, or up to where events have to be handled first.

        That is behind Ready, and before a violation that is not alone in its read: what was
        legal before it may be owed an answer, which must not come behind our Close.
        """
        for i in range(len(data)):
            step = self.connection.receive(data[i : i + 1])
            if step.connection.state is State.FAILED and self.events:
                self._later = data[i:]
                return
            self._take(step)
            if any(isinstance(event, Ready) for event in step.events):
                self._later = data[i + 1 :]
                return

    def act(self, action: Callable[[Connection], Step]) -> type[Exception] | None:
        """Do what the application does; return what that raises."""
        try:
            self._take(action(self.connection))
        except (WebSocketError, ValueError) as error:
            return type(error)
        return None

    def tell(self, event: Event) -> None:
        """Take note that the application is told of an event, which has to be the next one."""
        self.proceed()
        assert self.events, f"an event of nothing: {event!r}"
        expected = self.events.popleft()
        assert event == expected, f"{event!r} instead of {expected!r}"
        self._owes_close = isinstance(event, Closing)
        if isinstance(event, Rejected):
            self.farewell = self.end("the opening handshake was rejected")

    def end(self, reason: str = "", detail: str = "") -> Event:
        """Take note that TCP has ended; return what there is to tell of it."""
        if self.farewell is None:
            self._last = self._last or self.connection
            self.connection, (farewell,), _output = self._last.receive_eof(0.0, reason, detail)
            return farewell
        return self.farewell

    def proceed(self) -> None:
        """Do what is due once all that was told has been handled."""
        if self._owes_close:
            self._owes_close = False
            self._take(self.connection.close(self.connection.reply_code))
        if self._later and not self.events:
            data, self._later = self._later, b""
            self.receive(data)

    def _take(self, step: Step) -> None:
        self.connection = step.connection
        self.events.extend(step.events)
        self.frames += frames_of(step.output)[0]
        if self.closed_at is None and self.connection.sent_close:
            self.closed_at = self._world.now
        self.is_exchanged |= self.connection.state is State.CLOSE_EXCHANGED


class Timetable:
    """When something has to happen, whatever the peer does.

    Nothing of it happens early; and whenever the session has nothing else to do, nothing of it
    is overdue, and the session will wake up when the next is due.
    """

    def __init__(self, options: Options, core: Core, world: World) -> None:
        self._core = core
        self._world = world
        self.poll = options.poll or inf
        self.ping_rate = options.ping_rate or inf
        self.ping_timeout = options.ping_timeout or inf
        self.close_timeout = options.close_timeout or inf
        self.open_until = world.now + (options.open_timeout or inf)
        self.opened_at: float | None = None
        self.poll_due = self.ponged_at = inf
        self.pinged = -1  # the period of the last Ping
        self.pings = 0
        self.is_unresponsive = False

    def tell(self, event: Event) -> None:
        """Take note of an event at this time."""
        now = self._world.now
        if isinstance(event, Ready):
            self.opened_at = self.poll_due = self.ponged_at = now
        elif isinstance(event, Pong):
            self.ponged_at = now
        elif isinstance(event, Poll):
            assert now >= self.poll_due, "a Poll comes early"
            assert not self._core.is_exchanged, "a Poll behind both Closes"
            self.poll_due = now + self.poll
        elif isinstance(event, Unresponsive):
            assert now >= self.ponged_at + self.ping_timeout, "it is given up early"
            assert not self.is_unresponsive, "it is given up twice"
            self.is_unresponsive = True

    def ping(self) -> None:
        """Take note of a Ping of the session's own."""
        period = self._period(self._world.now)
        assert period > self.pinged, "two Pings in a period"
        self.pinged = period
        self.pings += self._core.connection.may_send_data

    def check_nothing_is_overdue(self, at: float) -> None:
        """Check that what was due at a time, when the session had to look at it, has been done."""
        if self.opened_at is None:
            return
        if not self._core.is_exchanged:
            assert at < self.poll_due or self.poll == inf, "a Poll is overdue"
        assert self._period(at) <= self.pinged or self.ping_rate == inf, "a Ping is overdue"

    def check_wait(self, wait: Wait) -> None:
        """Check that the session will not be late when nothing comes."""
        now = self._world.now
        assert now < self.ponged_at + self.ping_timeout, "giving it up is overdue"
        assert now < self.end_due, "the end is overdue"
        due = min(self.ponged_at + self.ping_timeout, self.end_due)
        if self.opened_at is not None:
            if self.poll < inf and not self._core.is_exchanged:
                due = min(due, self.poll_due)
            if self.ping_rate < inf:
                due = min(due, self.opened_at + (self.pinged + 1) * self.ping_rate)
        assert wait.deadline <= due + LATE, "it would oversleep"

    @property
    def end_due(self) -> float:
        """Until when the peer has to have done its part."""
        if self.opened_at is None:
            return self.open_until
        if self._core.closed_at is None:
            return inf
        if self.close_timeout < inf:
            return self._core.closed_at + self.close_timeout
        return self._core.waits_since + LINGER

    def _period(self, at: float) -> int:
        assert self.opened_at is not None
        return floor((at - self.opened_at) / self.ping_rate)


class WatchedTransport(Transport):
    """A transport, real but for its socket's waiting, and what went through it."""

    def __init__(self, run: Run, sock: socket.socket, session: WebsocketSession) -> None:
        super().__init__(
            sock,
            session.websocket.lock,
            max_inbox=MOST_AHEAD,
            stall_timeout=run.options.ping_timeout,
        )
        self._run = run

    def receive(self, timeout: float) -> bytes:
        """Receive, as the session sees it."""
        self._run.turn_to_peer(timeout)
        try:
            data = super().receive(timeout)
        except TimeoutError:
            raise
        except OSError as error:
            self._run.ended_by = error.strerror or str(error)
            raise
        if data:
            self._run.received(data)
        else:
            self._run.ended_by = ""
        return data

    def finish(self, timeout: float) -> None:
        """End TCP."""
        self._run.finish_until = self._run.world.now + timeout
        super().finish(timeout)


#: How much is read while a writer waits, in bytes.
MOST_AHEAD: Final = 1 << 20


class WatchedWebSocket(WebSocket):
    """A WebSocket that tells when it pings."""

    run: Run

    def keep_alive(self) -> None:
        """Send a Ping if that makes sense."""
        self.run.timetable.ping()
        super().keep_alive()


class Run:
    """One connection of a WebSocket, from its first event to its last, and its peer.

    Attributes:
        sent: all that the peer has written.
        taken: how much of it the session has received.
        ended_by: what the transport says about the end, None before.
        finish_until: until when the session waits at the end of TCP.
        causes: why the connection may have been ended by the client, in its words.
    """

    def __init__(self, world: World, websocket: WatchedWebSocket, options: Options) -> None:
        self.world = world
        self.websocket = websocket
        self.options = options
        mine, self.peer = socket.socketpair()
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.peer.setblocking(False)
        self.sock = WorldSocket(world, mine)
        run = self

        class Session(WebsocketSession):
            """A session with this world's clock and socket."""

            _monotonic: Callable[[], float] = staticmethod(world.monotonic)

            def _connect_tcp(self, host: str, port: int, *, is_proxy: bool = False) -> Transport:
                assert (host, port, is_proxy) == ("example.com", 80, False)
                transport = self._transport = WatchedTransport(run, run.sock, self)
                return transport

        self.sent = b""
        self.taken = 0
        self.heard = b""  # what the peer has read, and what was not a whole frame yet
        self.frames = self.pings = 0  # how many of ours, and of the session's Pings, it was sent
        self.request: bytes | None = None
        self.ended_by: str | None = None
        self.finish_until = inf
        self.causes: list[str] = []
        self.event: Event | None = None  # is being handled
        self.told: list[Event] = []
        self.is_sound = True  # nobody has cut the line
        self.has_ended_sending = False
        self.walks_away = False
        self.stops_at_events = False
        self.looked_at: float | None = None  # when the session saw to what was due

        websocket.run = self
        events = websocket.connect(Session, **options._asdict())
        self.core = Core(websocket.state, world)
        self.timetable = Timetable(options, self.core, world)
        self.application = Actor(lambda actor: self.iterate(actor, events))
        self.sender = Actor(Actor.rest)
        world.actors = [self.application, self.sender]

    def iterate(self, actor: Actor, events: Iterator[Event]) -> None:
        """Handle the events: the application's thread."""
        for event in events:
            self.tell(event)
            self.event = event
            if self.stops_at_events:
                actor.rest()
            self.event = None
            if not isinstance(event, Poll):  # or there might be nothing but Polls
                self.looked_at = self.world.now
            if self.walks_away:
                self.core.end()
                break
        events.close()  # type: ignore[attr-defined]  # it is a generator

    # What the session does

    def tell(self, event: Event) -> None:
        """Check an event."""
        assert not any(isinstance(one, Disconnected) for one in self.told), "one behind the end"
        match event:
            case Connecting() | Connected():
                pass
            case Poll() | Unresponsive():
                self.timetable.tell(event)
            case Disconnected():
                self.check_end(event)
            case _:
                if self.looked_at is not None:
                    self.timetable.check_nothing_is_overdue(self.looked_at)
                self.looked_at = None
                self.core.tell(event)
                self.timetable.tell(event)
        self.told.append(event)

    def turn_to_peer(self, timeout: float) -> None:
        """Take note that the session wants more bytes, and how long it may wait for them."""
        self.looked_at = None
        self.core.proceed()
        assert not self.core.events, f"not told: {self.core.events[0]!r}"
        if self.core.is_exchanged:
            self.core.waits_since = min(self.core.waits_since, self.world.now)
        if timeout > 0:
            self.timetable.check_nothing_is_overdue(self.world.now)

    def received(self, data: bytes) -> None:
        """Take note that the session has got bytes."""
        end = self.taken + len(data)
        assert data == self.sent[self.taken : end], "not the bytes that were written"
        self.taken = end
        self.core.receive(data)

    def check_end(self, event: Disconnected) -> None:
        """Check what is said of the end, and that it is time for it."""
        now = self.world.now
        reasons = list(self.causes)
        if self.timetable.is_unresponsive:
            reasons.append(f"the server sent no Pong within {self.options.ping_timeout:g} s")
        if now >= self.timetable.end_due - LATE:
            if self.timetable.opened_at is None:
                reasons.append("the opening handshake took too long")
            elif self.core.connection.state is State.CLOSE_EXCHANGED:
                reasons.append("closed")
            else:
                reasons.append(
                    "the server did not answer our Close within"
                    f" {self.options.close_timeout or 0:g} s"
                )
        if reasons or now >= self.finish_until - LATE:
            self.is_sound = False  # it may not have had the time to send everything
        else:
            self.core.proceed()
            assert not self.core.events, f"not told: {self.core.events[0]!r}"
        if self.ended_by is not None or self.core.connection.state is State.FAILED:
            reasons.append("")
        detail = self.ended_by or ""
        expected = [self.core.end(reason, detail) for reason in reasons or [""]]
        assert event in expected, f"{event!r} instead of {expected!r}"

    def check_wait(self) -> None:
        """Check that the session, if it waits for the peer, does so for a good reason."""
        wait = self.application.waits
        if wait is None or self.event is not None:
            return
        if self.finish_until < inf:
            assert wait.deadline <= self.finish_until + LATE, "it waits too long for TCP's end"
            return
        assert self.core.connection.state not in (State.FAILED, State.CLOSED)
        self.timetable.check_wait(wait)

    @property
    def is_ending(self) -> bool:
        """Whether the line is no longer what it was."""
        has_ended = self.ended_by is not None or self.finish_until < inf
        return has_ended or self.walks_away or not self.is_sound

    # What the application does

    def act(self, real: Callable[[WebSocket], None], ideal: Callable[[Connection], Step]) -> None:
        """Do something in the thread that handles an event, or else in another."""
        actor = self.application if self.application.is_at_rest else self.sender
        if not actor.is_at_rest:
            return
        expected = self.core.act(ideal)

        def action() -> None:
            raised: type[Exception] | None = None
            try:
                real(self.websocket)
            except TransportFail as error:
                if "has taken nothing" in str(error):
                    patience = self.options.ping_timeout or inf
                    assert self.world.now >= self.sock.taken_at + patience, "it gives up early"
                    self.is_sound = False
                assert expected is None
                assert self.is_ending, "the line is all right"
                return
            except (WebSocketError, ValueError) as error:
                raised = type(error)
            assert raised is expected, f"{raised} instead of {expected}"

        actor.go_on(action)
        self.world.settle()

    def disconnect(self) -> None:
        """Give the connection up."""
        self.is_sound = False
        self.causes.append("disconnected by the application")
        if self.application.is_at_rest:
            self.application.go_on(self.websocket.force_disconnect)
        else:
            self.websocket.force_disconnect()
        self.world.settle()

    def go_on(self) -> None:
        """Have handled the event."""
        if self.application.is_at_rest:
            self.application.go_on()
        self.world.settle()

    # What the peer does

    def write(self, data: bytes) -> None:
        """Let the peer write."""
        if self.peer.fileno() < 0 or self.has_ended_sending or not data:
            return
        try:
            sent = self.peer.send(data)
        except (BrokenPipeError, ConnectionResetError):
            assert self.sock.fileno() < 0 or not self.is_sound
            return
        assert sent == len(data)
        self.sent += data
        self.world.settle()

    def read(self, size: int) -> None:
        """Let the peer read, and look at whole frames."""
        if self.peer.fileno() < 0:
            return
        while size > 0:
            try:
                data = self.peer.recv(size)
            except (BlockingIOError, ConnectionResetError):
                break
            if not data:
                break
            self.heard += data
            size -= len(data)
            self.world.settle()
        if self.request is None and (end := self.heard.find(b"\r\n\r\n") + 4) > 3:
            self.request, self.heard = self.heard[:end], self.heard[end:]
        if self.request is not None:
            frames, self.heard = frames_of(self.heard)
            for frame in frames:
                self._check_frame(frame)

    def _check_frame(self, frame: tuple[int, bytes]) -> None:
        if frame == (PING, b""):
            self.pings += 1
            assert self.pings <= self.timetable.pings, "a Ping that is not due"
            return
        assert self.frames < len(self.core.frames), f"a frame of nothing: {frame!r}"
        expected = self.core.frames[self.frames]
        assert frame == expected, f"frame {frame!r} instead of {expected!r}"
        self.frames += 1

    def end_sending(self) -> None:
        """Let the peer end its side of TCP, having read everything."""
        self.read(1 << 24)
        self.has_ended_sending = True
        if self.peer.fileno() >= 0:
            try:
                self.peer.shutdown(socket.SHUT_WR)
            except OSError:
                assert self.sock.fileno() < 0 or not self.is_sound
            self.world.settle()

    def cut(self) -> None:
        """Let the peer go: that resets if there is something it has not read."""
        self.is_sound = False
        self.peer.close()
        self.world.settle()

    # The end

    def come_to_an_end(self) -> None:
        """Let the peer do its part, and check that nothing is left."""
        self.stops_at_events = False
        self.go_on()
        self.end_sending()
        self.go_on()
        self.world.pass_time(2 * LINGER)
        self.read(1 << 24)
        assert self.application.is_over, "it never comes to an end"
        assert self.sender.is_at_rest, "somebody cannot send, nor give up"
        self.check_after_the_end()

    def check_after_the_end(self) -> None:
        """Check that everything has come to where it belongs, and that nothing leaks."""
        assert self.sock.fileno() < 0, "the socket is still open"
        assert self.websocket.is_closed
        if not self.walks_away:
            assert isinstance(self.told[-1], Disconnected), "the end is not told"
        if self.is_sound and not self.walks_away:
            assert self.heard == b"", "the last frame is not whole"
            assert self.frames == len(self.core.frames), "a frame was not sent"
            assert self.pings == self.timetable.pings, "a Ping was not sent"

    def dismiss(self) -> None:
        """Leave nothing behind, also where something went wrong."""
        for actor in self.world.actors:
            actor.dismiss()
        self.sock.close()
        self.peer.close()


def frames_of(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return first byte and unmasked payload of whole frames, and the bytes behind them."""
    frames: list[tuple[int, bytes]] = []
    position = 0
    while (parsed := parse_frame(data, position)) is not None:
        (header, payload), position = parsed
        frames.append((header.first_byte, payload))
    return frames, data[position:]


#: What the server says to the opening handshake.
ANSWERS: Final = ["accepts"] * 6 + ["refuses", "accepts another key"]

OPTIONS: Final = st.builds(
    Options,
    poll=st.sampled_from([5.0, 2.5, 0.0]),
    ping_rate=st.sampled_from([30.0, 7.0, 0.0]),
    ping_timeout=st.sampled_from([None, 10.0, 60.0]),
    close_timeout=st.sampled_from([30.0, 3.0, None]),
    open_timeout=st.sampled_from([30.0, 4.0, None]),
    auto_pong=st.sampled_from([True, True, False]),
)

#: How many bytes are written or read at once: often very few, sometimes all.
SIZES: Final = st.one_of(st.integers(1, 3), st.integers(1, 60), st.just(1 << 20))

#: How many bytes to send: now and then more than buffers hold.
LENGTHS: Final = st.one_of(st.integers(0, 130), st.sampled_from([3_000, 20_000]))

#: Seconds that pass at once.
SPANS: Final = st.sampled_from([0.25, 1.0, 2.5, 4.75, 7.0, 12.5, 40.0])


class ClientSession(RuleBasedStateMachine):
    """A WebSocket that is connected once or more often, and a server that does as it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.runs: list[Run] = []
        self.script: list[bytes] = []  # what the server has yet to say
        self.outgoing = b""  # and what is on its way from it
        self.answered = 0  # Pings
        self.is_rough = False

    @property
    def run(self) -> Run:
        """The latest connection."""
        return self.runs[-1]

    @property
    def may_end(self) -> bool:
        """Whether it is time for what leaves little to happen."""
        return self.is_rough and len(self.run.told) > 5 and not self.run.application.is_over

    @initialize(compress=st.booleans(), options=OPTIONS, is_rough=st.booleans(), data=st.data())
    def begin(self, compress: bool, options: Options, is_rough: bool, data: st.DataObject) -> None:
        """Connect for the first time."""
        self.websocket = WatchedWebSocket("ws://example.com", proxies={}, compress=compress)
        self.is_rough = is_rough
        self.connect(options, data)

    @precondition(lambda self: self.run.application.is_over)
    @rule(options=OPTIONS, data=st.data())
    def connect_again(self, options: Options, data: st.DataObject) -> None:
        """Connect again when all is over."""
        self.run.come_to_an_end()
        self.run.dismiss()
        self.connect(options, data)

    def connect(self, options: Options, data: st.DataObject) -> None:
        """Connect, and decide what the server will say."""
        run = Run(self.world, self.websocket, options)
        self.runs.append(run)
        run.read(1 << 16)
        assert run.request is not None
        answer = data.draw(st.sampled_from(ANSWERS))
        is_compressed = answer == "accepts" and self.websocket.compress and data.draw(st.booleans())
        headers = b"Sec-WebSocket-Extensions: permessage-deflate\r\n" if is_compressed else b""
        self.outgoing = response_to(run.request, headers)
        if answer == "refuses":
            self.outgoing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        elif answer == "accepts another key":
            self.outgoing = self.outgoing.replace(b"Accept: ", b"Accept: A")
        conversation: Conversation = data.draw(
            conversations(
                "server",
                deflate=DEFAULT_PARAMETERS if is_compressed else None,
                max_items=10,
                max_payload=300,
                illegal=data.draw(st.sampled_from([False, None])),
            )
        )
        self.script = [item.data for item in conversation.items]
        self.answered = 0
        if answer == "accepts" and data.draw(st.sampled_from([True, True, True, False])):
            self.deliver(1 << 20, 1, data.draw(st.booleans()))

    # What the server does

    @rule()
    def pong(self) -> None:
        """Answer the Pings that have come."""
        run = self.run
        if not self.run.told or self.script:  # no Pong may come behind a Close
            self.outgoing += WireFrame(0x8A).data * (run.pings - self.answered)
            self.answered = run.pings

    @rule(size=SIZES, count=st.integers(1, 4), stops=st.booleans())
    def deliver(self, size: int, count: int, stops: bool) -> None:
        """Write some bytes of what is on its way, or else of the next frames.

        The application takes its time with the events that this makes, or it does not.
        """
        if not self.outgoing:
            self.outgoing = b"".join(self.script[:count])
            del self.script[:count]
        self.run.stops_at_events = stops
        if not stops:
            self.run.go_on()
        data, self.outgoing = self.outgoing[:size], self.outgoing[size:]
        self.run.write(data)

    @rule(size=SIZES)
    def read(self, size: int) -> None:
        """Let the server read."""
        self.run.read(size)

    @precondition(lambda self: self.may_end)
    @rule()
    def end_sending(self) -> None:
        """End the server's side of TCP, wherever it is."""
        self.run.end_sending()
        self.outgoing = b""

    @precondition(lambda self: self.may_end)
    @rule()
    def cut(self) -> None:
        """Let the server crash."""
        self.run.cut()

    # What the application does

    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        """Send a message, or part of one, compressed if that was agreed on."""
        run = self.run
        content = bytes(range(256)) * 100
        content = content[: data.draw(LENGTHS)]
        text = content.decode("latin-1")
        compress, fin = data.draw(st.booleans()), data.draw(st.sampled_from([True, True, False]))
        unfinished = run.core.connection.sending.message
        if unfinished is None and data.draw(st.booleans()):
            run.act(
                lambda ws: ws.send_text(text, compress, fin=fin),
                lambda connection: connection.send_text(text, compress, fin=fin),
            )
        elif unfinished is None or data.draw(st.integers(0, 9)) == 9:  # not allowed in a message
            run.act(
                lambda ws: ws.send_binary(content, compress, fin=fin),
                lambda connection: connection.send_binary(content, compress, fin=fin),
            )
        else:
            more = text if unfinished.opcode == 1 else content
            run.act(
                lambda ws: ws.send_continuation(more, fin=fin),
                lambda connection: connection.send_continuation(more, fin=fin),
            )

    @rule(payload=st.binary(min_size=1, max_size=130))
    def ping(self, payload: bytes) -> None:
        """Send a Ping, or what is too long for one."""
        self.run.act(
            lambda ws: ws.send_ping(payload), lambda connection: connection.send_ping(payload)
        )

    @rule(payload=st.binary(max_size=9))
    def send_pong(self, payload: bytes) -> None:
        """Send a Pong, asked for or not."""
        self.run.act(
            lambda ws: ws.send_pong(payload), lambda connection: connection.send_pong(payload)
        )

    @precondition(lambda self: self.is_rough or not self.script)
    @rule(code=st.one_of(st.none(), status_codes()), reason=reasons(20))
    def close(self, code: int | None, reason: bytes) -> None:
        """Close: also again, and when the server has closed."""
        why = "" if code is None else reason.decode()
        self.run.act(lambda ws: ws.close(code, why), lambda connection: connection.close(code, why))

    @rule()
    def go_on(self) -> None:
        """Have handled an event, and all those to come."""
        self.run.stops_at_events = False
        self.run.go_on()

    @rule()
    def step(self) -> None:
        """Have handled one event."""
        self.run.go_on()

    @precondition(lambda self: self.may_end)
    @rule()
    def disconnect(self) -> None:
        """Give the connection up."""
        self.run.disconnect()

    @precondition(lambda self: self.may_end and self.run.application.is_at_rest)
    @rule()
    def walk_away(self) -> None:
        """Stop iterating."""
        self.run.walks_away = True
        self.run.go_on()

    # What happens by itself

    @rule(seconds=SPANS)
    def pass_time(self, seconds: float) -> None:
        """Let time pass: while an event is handled, or else while everybody waits."""
        self.world.pass_time(seconds)

    @invariant()
    def nobody_waits_too_long(self) -> None:
        """Nor without reason."""
        if self.runs:
            self.run.check_wait()

    def teardown(self) -> None:
        """Come to an end."""
        try:
            if self.runs and not any(actor.has_failed for actor in self.world.actors):
                self.run.come_to_an_end()
        finally:
            for run in self.runs[-1:]:
                run.dismiss()
            self.world.end()


TestClientSession = pytest.mark.rfc(
    "RFC6455-4.1-40",
    "RFC6455-4.1-44",
    "RFC6455-5.4-06",
    "RFC6455-5.5.1-09",
    "RFC6455-5.5.2-02",
    "RFC6455-5.5.2-04",
    "RFC6455-5.6-04",
    "RFC6455-6.2-01",
    "RFC6455-7.1.1-01",
    "RFC6455-7.1.1-04",
    "RFC6455-7.1.1-06",
    "RFC6455-7.1.4-01",
    "RFC6455-7.1.5-01",
    "RFC6455-7.1.5-03",
    "RFC6455-7.1.7-05",
    "RFC6455-7.1.7-07",
    "RFC6455-7.2.1-02",
)(ClientSession.TestCase)


# What would be noticed

FEED: Final = WebSocket.feed
RUN: Final = WebsocketSession.run
SEND: Final = WorldSocket.send
RECV: Final = WorldSocket.recv
DO_WHAT_IS_DUE: Final = getattr(WebsocketSession, "_do_what_is_due")  # noqa: B009  # not ours to call


def loses_the_last_event(websocket: WebSocket, data: bytes) -> Iterator[Event]:
    """Tell of what a read brought, but for one thing."""
    yield from list(FEED(websocket, data))[:-1]


def tells_twice(websocket: WebSocket, data: bytes) -> Iterator[Event]:
    """Tell of everything once more."""
    for event in FEED(websocket, data):
        yield event
        yield event


def ends_twice(session: WebsocketSession, **options: Any) -> Iterator[Event]:
    """Tell of the end once more."""
    for event in RUN(session, **options):
        yield event
        if isinstance(event, Disconnected):
            yield event


def ends_gracefully(websocket: WebSocket, reason: str = "", detail: str = "") -> Event:
    """Praise every end."""
    return Disconnected("closed", True, 1000)


def polls_twice(session: WebsocketSession, now: float) -> Iterator[Event]:
    """Give two Polls for one."""
    for event in DO_WHAT_IS_DUE(session, now):
        yield event
        if isinstance(event, Poll):
            yield Poll()


def never_polls(session: WebsocketSession, now: float) -> Iterator[Event]:
    """Give no Poll at all."""
    for event in DO_WHAT_IS_DUE(session, now):
        if not isinstance(event, Poll):
            yield event


def never(*_arguments: object) -> float:
    """Have no deadline."""
    return inf


def floor_of_the_one_before(number: float) -> int:
    """Be one period late."""
    return floor(number) - 1


def does_not_reply(websocket: WebSocket, events: tuple[Event, ...]) -> Iterator[Event]:
    """Leave the server's Close without an answer."""
    yield from events


def takes_all_and_sends_some(sock: WorldSocket, data: bytes | memoryview, flags: int = 0) -> int:
    """Lose what the kernel did not take."""
    SEND(sock, data, flags)
    return memoryview(data).nbytes


def loses_a_byte(sock: WorldSocket, size: int, flags: int = 0) -> bytes:
    """Lose the last of many bytes."""
    data = RECV(sock, size, flags)
    return data[:-1] if len(data) > 50 else data


def passes(*_arguments: object) -> None:
    """Do nothing."""


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("wsref.websocket.WebSocket.feed", loses_the_last_event, "not told: "),
        ("wsref.websocket.WebSocket.feed", tells_twice, "an event of nothing: "),
        ("wsref.websocket.WebSocket._deliver_closing", does_not_reply, ""),
        ("wsref.websocket.WebSocket.transport_ended", ends_gracefully, "Disconnected(reason='cl"),
        ("wsref.session.WebsocketSession.run", ends_twice, "one behind the end"),
        ("wsref.session.WebsocketSession._do_what_is_due", polls_twice, "a Poll comes early"),
        ("wsref.session.WebsocketSession._do_what_is_due", never_polls, "a Poll is overdue"),
        ("wsref.session.WebsocketSession._close_deadline", never, ""),
        ("wsref.session.floor", floor_of_the_one_before, "two Pings in a period"),
        ("wsref.transport.Transport.close", passes, "the socket is still open"),
        (
            f"{WorldSocket.__module__}.WorldSocket.send",
            takes_all_and_sends_some,
            "the last frame is not whole",
        ),
        (f"{WorldSocket.__module__}.WorldSocket.recv", loses_a_byte, "not the bytes that were"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_session_that_goes_wrong_is_noticed(
    monkeypatch: pytest.MonkeyPatch, name: str, wrong: object, message: str
) -> None:
    """One fault at a time, in one layer; some show in many ways, and have no message here."""
    monkeypatch.setattr(name, wrong)
    said = noticed(ClientSession)
    assert said.startswith(message), said
