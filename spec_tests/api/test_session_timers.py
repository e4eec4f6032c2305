"""What the blocking session does at which time, on a clock that does not take any."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import cast

from spec_tests.api.peers import CLOSE_1000, response_to
from spec_tests.playbook import frame
from wsref import WebSocket
from wsref.events import (
    Closed,
    Closing,
    Disconnected,
    Event,
    Ping,
    Poll,
    Pong,
    Ready,
    Text,
    Unresponsive,
)
from wsref.session import WebsocketSession
from wsref.transport import Transport

#: At which second the server sends what; None is the end of the stream.
Schedule = Sequence[tuple[float, bytes | None]]


class World:
    """A clock, and a server that sends what is scheduled and takes everything."""

    def __init__(self, schedule: Schedule) -> None:
        self.now = 1000.0
        self.started = self.now
        self.schedule = list(schedule)
        self.sent: list[tuple[float, int]] = []  # when, and the first byte of the frame
        self.answers_pings = False
        self.answers_handshake = True
        self.finished: list[float] = []

    # What a session wants from a transport

    def receive(self, timeout: float) -> bytes:
        """Let the time pass until something comes."""
        assert timeout < 1e6, "nothing would ever happen again"
        if self.schedule and self.started + self.schedule[0][0] <= self.now + timeout:
            at, data = self.schedule.pop(0)
            self.now = max(self.now, self.started + at)
            return data or b""
        self.now += max(timeout, 0.0)
        raise TimeoutError

    def write(self, data: bytes) -> bool:
        """Note what is sent, and answer it."""
        self.sent.append((self.time, data[0]))
        if data[0] == 0x89 and self.answers_pings:
            self.schedule.insert(0, (self.time + 0.5, frame(0x8A)))
        return False

    def finish(self, timeout: float) -> None:
        """Note that TCP was ended."""
        self.finished.append(timeout)

    def close(self) -> None:
        """Nothing to close."""

    @property
    def time(self) -> float:
        """Seconds since the beginning."""
        return self.now - self.started


def run(world: World, ws: WebSocket, **options: float | None) -> Iterator[tuple[float, Event]]:
    """Connect in that world; give the events with their time, from Ready on."""

    class Session(WebsocketSession):
        _monotonic: Callable[[], float] = staticmethod(lambda: world.now)

        def _connect(self) -> tuple[Transport, str | None]:
            self._transport = cast(Transport, world)
            if world.answers_handshake:
                response = response_to(self.websocket.build_request())
                world.schedule.insert(0, (0.0, response))
            return self._transport, None

    for event in ws.connect(session_class=Session, **options):  # type: ignore[arg-type]  # poll may not be None
        if event.name not in ("connecting", "connected"):
            yield round(world.time, 3), event


def ws_with(*_: object) -> WebSocket:
    """Return a WebSocket."""
    return WebSocket("ws://example.com", proxies={})


def test_polls_come_at_their_rate() -> None:
    """The first follows Ready, the others every `poll` seconds."""
    world = World([(16.0, None)])
    polls = [at for at, event in run(world, ws_with(), ping_rate=0) if isinstance(event, Poll)]
    assert polls == [0.0, 5.0, 10.0, 15.0]


def test_polls_come_at_their_rate_while_messages_do() -> None:
    """Neither more nor fewer of them."""
    world = World([(0.4 * i, frame(0x81, b"x")) for i in range(1, 40)] + [(16.0, None)])
    polls = [at for at, event in run(world, ws_with(), ping_rate=0) if isinstance(event, Poll)]
    assert polls == [0.0, 5.0, 10.0, 15.0]


def test_polls_come_between_the_messages_of_one_read() -> None:
    """A slow application gets its Polls although there is always something to read."""
    world = World([(1.0, frame(0x81, b"x") * 4), (30.0, None)])
    seen: list[str] = []
    for _at, event in run(world, ws_with(), ping_rate=0):
        seen.append(event.name)
        if isinstance(event, Text):
            world.now += 5.0
    assert seen[:9] == ["ready", "poll", *["text", "poll"] * 3, "text"]


def test_a_slow_handler_of_a_poll_does_not_delay_the_next() -> None:
    """Also where the Poll came between a message and the next read."""
    world = World([(16.0, None)])
    polls: list[float] = []
    for at, event in run(world, ws_with(), ping_rate=0):
        if isinstance(event, Poll):
            polls.append(at)
            world.now += 2.0
    assert polls == [0.0, 5.0, 10.0, 15.0]


def test_a_handler_slower_than_polls_come_holds_up_no_message() -> None:
    """Although the next Poll is always due: there is one between two messages, not nothing else."""
    world = World([(1.0, frame(0x81, b"x") * 4), (30.0, None)])
    seen: list[str] = []
    for _at, event in islice(run(world, ws_with(), ping_rate=0), 12):
        seen.append(event.name)
        if isinstance(event, Poll):
            world.now += 7.0
    first = seen.index("text")
    assert seen[first : first + 7] == [*["text", "poll"] * 3, "text"]


def test_a_slow_handler_of_a_poll_delays_no_ping_that_was_due_before() -> None:
    """Those that become due while it runs are one, as soon as it is through."""
    world = World([(75.0, None)])
    for _at, event in run(world, ws_with(), poll=20.0, ping_rate=10.0):
        if isinstance(event, Poll):
            world.now += 15.0
    assert [at for at, _frame in world.sent] == [0.0, 15.0, 20.0, 35.0, 40.0, 55.0, 60.0, 75.0]


def test_polls_can_be_turned_off() -> None:
    """poll=0 is no Poll at all, not one after the other."""
    world = World([(16.0, None)])
    events = [event.name for _at, event in run(world, ws_with(), poll=0, ping_rate=0)]
    assert events == ["ready", "disconnected"]


def test_there_is_no_poll_before_ready() -> None:
    """Whatever the opening handshake takes."""
    world = World([(20.0, None)])
    world.answers_handshake = False
    assert [event.name for _at, event in run(world, ws_with(), poll=1.0)] == ["disconnected"]


def test_pings_are_sent_at_their_rate() -> None:
    """The first at once, the others at multiples of ping_rate since Ready."""
    world = World([(95.0, None)])
    list(run(world, ws_with(), poll=7.0))
    assert world.sent == [(0.0, 0x89), (30.0, 0x89), (60.0, 0x89), (90.0, 0x89)]


def test_pings_can_be_turned_off() -> None:
    """ping_rate=0."""
    world = World([(95.0, None)])
    list(run(world, ws_with(), ping_rate=0))
    assert world.sent == []


def test_a_late_ping_does_not_shift_the_others() -> None:
    """Nor does it bring several at once."""
    world = World([(40.0, frame(0x81, b"x")), (130.0, None)])
    for _at, event in run(world, ws_with(), poll=0):
        if isinstance(event, Text):
            world.now += 25.0
    assert [at for at, _frame in world.sent] == [0.0, 30.0, 65.0, 90.0, 120.0]


def test_a_server_without_pongs_is_unresponsive() -> None:
    """After ping_timeout; then the connection is over."""
    world = World([])
    events = list(run(world, ws_with(), poll=0, ping_rate=10.0, ping_timeout=25.0))
    assert events[1:] == [
        (25.0, Unresponsive()),
        (25.0, Disconnected("the server sent no Pong within 25 s", False, 1006)),
    ]


def test_a_server_with_pongs_is_not() -> None:
    """However long it takes."""
    world = World([(300.0, None)])
    world.answers_pings = True
    events = list(run(world, ws_with(), poll=0, ping_rate=10.0, ping_timeout=25.0))
    assert {type(event) for _at, event in events} == {Ready, Pong, Disconnected}
    assert events[-1][0] == 300.0


def test_messages_do_not_replace_pongs() -> None:
    """A server that talks on and never answers is unresponsive too."""
    world = World([(float(i), frame(0x81, b"x")) for i in range(1, 100)])
    events = list(run(world, ws_with(), poll=0, ping_rate=10.0, ping_timeout=25.0))
    assert [type(event) for _at, event in events[-2:]] == [Unresponsive, Disconnected]
    assert events[-1][0] == 25.0


def test_a_pong_that_waits_to_be_read_counts() -> None:
    """It is not the server's fault that the application took its time."""
    world = World([(1.0, frame(0x81, b"slow")), (2.0, frame(0x8A)), (50.0, None)])
    last: Event | None = None
    for _at, event in run(world, ws_with(), poll=0, ping_rate=10.0, ping_timeout=25.0):
        if isinstance(event, Text):
            world.now += 40.0
        assert not isinstance(event, Unresponsive)
        last = event
    assert isinstance(last, Disconnected)
    assert "no Pong" not in last.reason


def test_a_flood_does_not_hide_a_missing_pong_for_ever() -> None:
    """There is always something to read, but never a Pong."""
    world = World([(1.0, frame(0x81, b"x"))] * 1000)
    last: tuple[float, Event] = 0.0, Poll()
    for at, event in run(world, ws_with(), poll=0, ping_rate=10.0, ping_timeout=25.0):
        if isinstance(event, Text):
            world.now += 1.0
        last = at, event
    assert isinstance(last[1], Disconnected)
    assert 50.0 <= last[0] <= 53.0


def test_the_server_has_so_long_to_answer_our_close() -> None:
    """close_timeout, from the moment it was sent."""
    world = World([(3.0, frame(0x81, b"x"))])
    ws = ws_with()
    last: tuple[float, Event] | None = None
    for at, event in run(world, ws, poll=2.0, ping_rate=0, close_timeout=10.0):
        if isinstance(event, Text):
            ws.close()
            assert ws.sent_close_time == 3.0
        last = at, event
    assert last == (
        13.0,
        Disconnected("the server did not answer our Close within 10 s", False, 1006),
    )


def test_a_close_from_another_thread_is_timed_from_when_it_was_sent() -> None:
    """Although the session was waiting at that time, with nothing else to do."""
    world = World([])
    ws = ws_with()
    receive = world.receive

    def receive_while_another_thread_closes(timeout: float) -> bytes:
        if world.schedule or ws.is_closing:
            return receive(timeout)
        world.now += 7.0
        ws.close()
        world.now -= 7.0
        return receive(timeout)

    world.receive = receive_while_another_thread_closes  # type: ignore[method-assign]
    (*_others, last) = run(world, ws, poll=0, ping_rate=0, close_timeout=10.0)
    assert last[0] == 17.0


def test_messages_after_our_close_are_delivered_until_the_timeout() -> None:
    """The server may have been sending."""
    world = World([(1.0, frame(0x81, b"1")), (2.0, frame(0x81, b"2")), (3.0, CLOSE_1000)])
    world.schedule.append((4.0, None))
    ws = ws_with()
    seen: list[Event] = []
    for _at, event in run(world, ws, poll=0, ping_rate=0):
        seen.append(event)
        if event == Text("1"):
            ws.close()
    assert seen[1:] == [Text("1"), Text("2"), Closed(1000, ""), Disconnected("closed", True, 1000)]


def test_without_close_timeout_there_is_no_limit() -> None:
    """None and 0 alike; polls go on meanwhile."""
    for nothing in (None, 0):
        world = World([(1.0, frame(0x81, b"1")), (5000.0, CLOSE_1000), (5001.0, None)])
        ws = ws_with()
        last: tuple[float, Event] | None = None
        for at, event in run(world, ws, poll=100.0, ping_rate=0, close_timeout=nothing):
            if isinstance(event, Text):
                ws.close()
            last = at, event
        assert last == (5001.0, Disconnected("closed", True, 1000))


def test_a_server_that_keeps_tcp_open_is_waited_for_a_while() -> None:
    """Until close_timeout after our Close; five seconds where there is none."""
    for close_timeout, ended_at in [(10.0, 11.0), (None, 6.0)]:
        world = World([(1.0, CLOSE_1000)])
        options = {"poll": 0.0, "ping_rate": 0.0, "close_timeout": close_timeout}
        events = list(run(world, ws_with(), **options))
        assert events[1:] == [
            (1.0, Closing(1000, "")),
            (ended_at, Disconnected("closed", True, 1000)),
        ]


def test_the_opening_handshake_has_so_long() -> None:
    """open_timeout in total: a server that drips bytes does not extend it."""
    response = b"HTTP/1.1 101 Switching Protocols\r\n"
    world = World([(float(i), response[i : i + 1]) for i in range(len(response))])
    world.answers_handshake = False
    (last,) = run(world, ws_with(), open_timeout=8.0)
    assert last[0] == 8.0
    assert isinstance(last[1], Disconnected)
    assert "opening handshake took too long" in last[1].reason


def test_pings_of_the_server_are_answered_until_the_end() -> None:
    """Also after our Close, as long as its own has not come."""
    world = World([(1.0, frame(0x81, b"1")), (2.0, frame(0x89, b"p")), (3.0, CLOSE_1000)])
    world.schedule.append((4.0, None))
    ws = ws_with()
    for _at, event in run(world, ws, poll=0, ping_rate=0):
        if isinstance(event, Text):
            ws.close()
        if isinstance(event, Ping):
            assert world.sent == [(1.0, 0x88), (2.0, 0x8A)]


def test_session_time_begins_with_ready() -> None:
    """It is 0 before."""
    world = World([(5.0, frame(0x81, b"x")), (6.0, None)])
    ws = ws_with()
    times: list[float] = []
    for _at, _event in run(world, ws, poll=0, ping_rate=0):
        session = ws.session
        assert isinstance(session, WebsocketSession)
        times.append(session.session_time)
    assert times == [0.0, 5.0, 6.0]
    assert WebsocketSession(ws).session_time == 0.0
