"""Client and server, joined by two queues of bytes: all that two ends of ours do to each other.

The whole world is one value (:class:`World`): both connections, what is on its way between them,
and what was sent and received so far.  So a fork is the same value, kept; the machine goes on, and
may come back to it at any time.  What it has kept must never change in between.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias, cast

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from spec_tests.expectations import frames_in
from spec_tests.machines.noticing import noticed
from spec_tests.playbook import open_pair
from wsref.protocol.closing import State, Transport
from wsref.protocol.connection import Connection, Step
from wsref.protocol.deflate import DeflateOffer
from wsref.protocol.events import (
    Binary,
    Closed,
    Closing,
    Disconnected,
    Event,
    Ping,
    Pong,
    ProtocolError,
    Text,
)
from wsref.protocol.limits import Limits
from wsref.protocol.reading import Frames
from wsref.testing import (
    BINARY,
    TEXT,
    Message,
    Role,
    WireFrame,
    illegal_frames,
    messages,
    reasons,
    status_codes,
)

LIMITS: Final = Limits(message_size=400, fragments=5)

#: The most that may be held: a message, what compressing adds to it, and a control frame.
MOST_HELD: Final = 400 + 400 // 8 + 64 + 125

#: What is too large, or in too many pieces, fails by these; the latter says so after inflating.
TOO_MUCH: Final = ("RFC6455-10.4-01", "RFC6455-10.4-03")

OFFERS: Final[list[Sequence[DeflateOffer]]] = [
    [],
    [DeflateOffer()],
    [DeflateOffer(server_no_context_takeover=True)],
    [DeflateOffer(client_no_context_takeover=True)],
    [DeflateOffer(server_max_window_bits=9, client_max_window_bits=8)],
]
PAIRS: Final = [open_pair(offers=offers, limits=LIMITS) for offers in OFFERS]

#: Contents with something to refer back to, among all others.
CONTENTS: Final = {
    opcode: st.one_of(
        messages(opcode, max_size=300),
        st.sampled_from([Message(opcode, b"to be or not to be " * n) for n in (1, 2, 5)]),
    )
    for opcode in (TEXT, BINARY)
}

#: How many bytes are delivered at once: often very few, sometimes many.
SIZES: Final = st.one_of(st.integers(1, 3), st.integers(1, 60), st.integers(700, 1500))

SIDES: Final = st.sampled_from([0, 1])
ROLES: Final[tuple[Role, Role]] = ("client", "server")

_PONG: Final = 0x8A
_CLOSE: Final = 0x88


class End(NamedTuple):
    """One end of the line, and what is on its way to it.

    Attributes:
        connection: its connection.
        incoming: the bytes that are on their way to it.
        is_last: whether the end of the stream is behind them.
        sent: the messages that it sent.
        unfinished: as much as it sent of one more.
        fragments: in how many pieces.
        got: the messages that it received.
        pings: the payloads of the Pings that it sent.
        pinged: of those that it received.
        ponged: of the Pongs that it received.
        said: the code of the Close that it sent, 1005 for one without.
        heard: the code of the Close that it received.
        faults: the requirements for which it may fail.
    """

    connection: Connection
    incoming: bytes = b""
    is_last: bool = False
    sent: tuple[Message, ...] = ()
    unfinished: Message | None = None
    fragments: int = 0
    got: tuple[Message, ...] = ()
    pings: tuple[bytes, ...] = ()
    pinged: tuple[bytes, ...] = ()
    ponged: tuple[bytes, ...] = ()
    said: int | None = None
    heard: int | None = None
    faults: tuple[str, ...] = ()


class World(NamedTuple):
    """Both ends, and whether the line between them was cut."""

    client: End
    server: End
    is_cut: bool = False

    def ends(self, side: int) -> tuple[End, End]:
        """Return the end on a side, and the one opposite."""
        return (self.server, self.client) if side else (self.client, self.server)

    def having(self, side: int, end: End, peer: End) -> World:
        """Return the world with other ends."""
        return World(peer, end, self.is_cut) if side else World(end, peer, self.is_cut)

    @property
    def is_closing(self) -> bool:
        """Whether there is no way back."""
        states = {end.connection.state for end in (self.client, self.server)}
        return self.is_cut or states != {State.OPEN}

    @property
    def is_over(self) -> bool:
        """Whether nothing can happen any more."""
        ends = (self.client, self.server)
        return all(end.connection.state is State.CLOSED for end in ends)

    @property
    def is_sound(self) -> bool:
        """Whether nothing has happened that a peer of ours does not do."""
        return not self.is_cut and not self.client.faults and not self.server.faults


def after(world: World, side: int, step: Step) -> World:
    """Return the world after a step of one end, having looked at all that can be seen of it."""
    end, peer = world.ends(side)
    for first, payload in frames_in(step.output):
        if end.said is not None:
            assert first != _CLOSE, "a second Close"
            assert first == _PONG, "something but a Pong behind the Close"
            assert end.heard is None, "a Pong behind both Closes"
        if first == _CLOSE:
            code = int.from_bytes(payload[:2], "big") if payload else 1005
            end = end._replace(said=code)
    for event in step.events:
        end = told(end, peer, event)
    end = end._replace(connection=step.connection)
    if not world.is_cut and peer.connection.state is not State.CLOSED:
        peer = peer._replace(incoming=peer.incoming + step.output)
    return world.having(side, end, peer)


def told(end: End, peer: End, event: Event) -> End:
    """Return an end whose application is told of an event, which has to be what the peer did."""
    assert end.connection.reads or isinstance(event, Disconnected)
    match event:
        case Text() | Binary():
            if isinstance(event, Text):
                message = Message(TEXT, event.text.encode())
            else:
                message = Message(BINARY, event.data)
            end = end._replace(got=(*end.got, message))
            assert end.got == peer.sent[: len(end.got)], "a message is not what was sent"
        case Ping(data=data):
            end = end._replace(pinged=(*end.pinged, data))
            assert end.pinged == peer.pings[: len(end.pinged)], "a Ping is not what was sent"
        case Pong(data=data):
            end = end._replace(ponged=(*end.ponged, data))
            assert end.ponged == end.pings[: len(end.ponged)], "a Pong is not what was pinged"
        case Closing(code=code) | Closed(code=code):
            assert end.heard is None, "a Close is heard twice"
            assert code == peer.said, "a Close is not what was sent"
            end = end._replace(heard=code)
        case ProtocolError(clause=clause):
            assert clause in end.faults, "it fails although all is legal"
        case Disconnected(graceful=graceful, code=code):
            assert code == (1006 if end.heard is None else end.heard), "another code at the end"
            has_failed = end.connection.state is State.FAILED
            has_closed = None not in (end.said, end.heard) and not has_failed
            assert graceful == has_closed, "wrong about whether the end is clean"
        case _:
            raise AssertionError(f"an event that does not belong here: {event!r}")
    return end


def delivered(world: World, side: int, size: int) -> World:
    """Return the world after some bytes have come to one end, or else the end of the stream."""
    end, peer = world.ends(side)
    if end.incoming:
        step = end.connection.receive(end.incoming[:size])
        return after(
            world.having(side, end._replace(incoming=end.incoming[size:]), peer), side, step
        )
    return ended(world, side) if end.is_last else world


def ended(world: World, side: int) -> World:
    """Return the world after TCP has ended for one end: the other will see that."""
    world = after(world, side, world.ends(side)[0].connection.receive_eof())
    end, peer = world.ends(side)
    return world.having(side, end._replace(incoming=b"", is_last=True), peer._replace(is_last=True))


def replied(world: World, side: int) -> World:
    """Return the world after one end has answered the other's Close, if there is one."""
    connection = world.ends(side)[0].connection
    if connection.state is not State.CLOSE_RECEIVED:
        return world
    return after(world, side, connection.close(connection.reply_code))


def settled(world: World) -> World:
    """Return the world after everything has arrived, and both have done what they owe."""
    for _round in range(6):
        for side in (0, 1):
            world = replied(delivered(world, side, 1 << 20), side)
            connection = world.ends(side)[0].connection
            if connection.transport is Transport.CLOSE and connection.state is not State.CLOSED:
                world = ended(world, side)
    return world


def held(connection: Connection) -> int:
    """Return how many bytes of payload a connection holds, but for the window of compression."""
    reading = connection.reading
    if not isinstance(reading, Frames):
        return 0
    return reading.received.size + (0 if reading.message is None else reading.message.payload.size)


class Kept(NamedTuple):
    """A world that is left behind, and what its connections were like then."""

    world: World
    copies: tuple[Connection, Connection]
    hashes: tuple[int, int]


def kept(world: World) -> Kept:
    """Keep a world, with copies of its connections that share nothing with them."""
    client, server = world.client.connection, world.server.connection
    copies: tuple[Connection, Connection] = pickle.loads(pickle.dumps((client, server)))
    return Kept(world, copies, (hash(client), hash(server)))


#: At most so many worlds are kept.
FORKS: Final = 4

#: How a world begins.
Pair: TypeAlias = tuple[Connection, Connection]


class PairOfConnections(RuleBasedStateMachine):
    """A client and a server with a line between them."""

    def __init__(self) -> None:
        super().__init__()
        self.world = self.beginning(PAIRS[0])
        self.forks: list[Kept] = []

    def beginning(self, pair: Pair) -> World:
        """Return the world of two open connections."""
        client, server = pair
        return World(End(client), End(server))

    @initialize(pair=st.sampled_from(PAIRS))
    def open(self, pair: Pair) -> None:
        """Begin with both ends open."""
        self.world = self.beginning(pair)

    # What applications do

    @precondition(lambda self: not self.world.is_over)
    @rule(
        side=SIDES, fin=st.sampled_from([True, True, False]), compress=st.booleans(), data=st.data()
    )
    def send(self, side: int, fin: bool, compress: bool, data: st.DataObject) -> None:
        """Send messages, compressed if that was agreed on; the last one may go on.

        All of them are fragments, the last one perhaps not the last of its message, if a
        message has begun before.
        """
        begun = self.world.ends(side)[0].unfinished
        kind = data.draw(st.sampled_from([TEXT, BINARY])) if begun is None else begun.opcode
        several = data.draw(st.lists(CONTENTS[kind], min_size=1, max_size=3))
        for message in several[:-1]:
            self._send(side, message, begun is None, compress)
        self._send(side, several[-1], fin, compress)

    def _send(self, side: int, message: Message, fin: bool, compress: bool) -> None:
        end, peer = self.world.ends(side)
        connection = end.connection
        if not connection.may_send_data:
            return
        kind, content = message.opcode, message.content
        if end.unfinished is not None:
            step = connection.send_continuation(content, fin=fin)
        elif isinstance(content, str):
            step = connection.send_text(content, compress, fin=fin)
        else:
            step = connection.send_binary(content, compress, fin=fin)
        whole = (b"" if end.unfinished is None else end.unfinished.data) + message.data
        message = Message(kind, whole)
        fragments = end.fragments + 1
        if len(whole) > LIMITS.message_size or fragments > LIMITS.fragments:
            peer = peer._replace(faults=peer.faults + TOO_MUCH)
        if fin:
            end = end._replace(sent=(*end.sent, message), unfinished=None, fragments=0)
        else:
            end = end._replace(unfinished=message, fragments=fragments)
        self.world = after(self.world.having(side, end, peer), side, step)

    @precondition(lambda self: self.forks and not self.world.is_over)
    @rule(side=SIDES, size=SIZES)
    def send_too_much(self, side: int, size: int) -> None:
        """Send more than the other end is ready to take, and deliver something."""
        end, peer = self.world.ends(side)
        if end.unfinished is None and end.connection.may_send_data:
            step = end.connection.send_binary(bytes(2000), False)
            end = end._replace(sent=(*end.sent, Message(BINARY, bytes(2000))))
            peer = peer._replace(faults=peer.faults + TOO_MUCH)
            world = after(self.world.having(side, end, peer), side, step)
            self.world = delivered(world, 1 - side, size)

    @precondition(lambda self: not self.world.is_over)
    @rule(side=SIDES, payload=st.binary(max_size=9))
    def ping(self, side: int, payload: bytes) -> None:
        """Send a Ping."""
        end, peer = self.world.ends(side)
        if end.connection.may_send_data:
            step = end.connection.send_ping(payload)
            end = end._replace(pings=(*end.pings, payload))
            self.world = after(self.world.having(side, end, peer), side, step)

    @precondition(lambda self: not self.world.is_over)
    @rule(side=SIDES, data=st.data())
    def close(self, side: int, data: st.DataObject) -> None:
        """Close: also again, and when the other end has closed, or will have by then."""
        code = data.draw(st.one_of(st.none(), status_codes(role=ROLES[side])))
        reason = "" if code is None else data.draw(reasons(20)).decode()
        connection = self.world.ends(side)[0].connection
        self.world = after(self.world, side, connection.close(code, reason))

    @precondition(lambda self: self.world.is_closing and not self.world.is_over)
    @rule(side=SIDES)
    def reply(self, side: int) -> None:
        """Answer the other end's Close."""
        self.world = replied(self.world, side)

    # What happens on the line

    @precondition(lambda self: not self.world.is_over)
    @rule(side=SIDES, size=SIZES)
    def deliver(self, side: int, size: int) -> None:
        """Deliver some bytes, or the end of the stream."""
        self.world = delivered(self.world, side, size)

    @precondition(lambda self: not self.world.is_over)
    @rule(side=SIDES)
    def deliver_all(self, side: int) -> None:
        """Deliver all that is on its way to one end."""
        self.world = delivered(self.world, side, 1 << 20)

    @precondition(lambda self: self.world.is_closing and not self.world.is_over)
    @rule(side=SIDES)
    def end_tcp(self, side: int) -> None:
        """End TCP where that is due."""
        connection = self.world.ends(side)[0].connection
        if connection.transport is Transport.CLOSE:
            self.world = ended(self.world, side)

    @precondition(lambda self: self.forks and not self.world.is_over)
    @rule()
    def cut_the_line(self) -> None:
        """Lose what is on its way, and the line: but only where there is a fork to go back to."""
        client, server, _is_cut = self.world
        self.world = World(
            client._replace(incoming=b"", is_last=True),
            server._replace(incoming=b"", is_last=True),
            is_cut=True,
        )

    @precondition(lambda self: self.forks and not self.world.is_over)
    @rule(side=SIDES, data=st.data())
    def inject(self, side: int, data: st.DataObject) -> None:
        """Let what is malformed come to one end, as if the other had sent it there."""
        end, peer = self.world.ends(side)
        unfinished = peer.connection.sending.message
        within = None if unfinished is None else unfinished.opcode
        if unfinished is not None and unfinished.compressed:
            within = BINARY
        illegal = data.draw(
            illegal_frames(
                ROLES[1 - side], deflate=end.connection.deflate, within=within, max_payload=130
            )
        )
        if not self.world.is_cut and not end.is_last:
            end = end._replace(
                incoming=end.incoming + illegal.data, faults=(*end.faults, *illegal.clauses[:1])
            )
            self.world = self.world.having(side, end, peer)

    @precondition(lambda self: self.world.is_over)
    @rule(pair=st.sampled_from(PAIRS))
    def open_others(self, pair: Pair) -> None:
        """Begin again when all is over."""
        self.come_to_an_end()
        self.world = self.beginning(pair)

    # Forks

    @rule()
    def fork(self) -> None:
        """Keep the world as it is, and go on."""
        self.forks = [*self.forks[1 - FORKS :], kept(self.world)]

    @precondition(lambda self: self.forks)
    @rule(data=st.data())
    def go_back(self, data: st.DataObject) -> None:
        """Go on with a world that was kept, and keep the one that was reached instead."""
        number = data.draw(st.integers(0, len(self.forks) - 1))
        world = self.forks[number].world
        self.forks[number] = kept(self.world)
        self.world = world

    # What holds at any time

    @invariant()
    def what_was_left_behind_is_unchanged(self) -> None:
        """Whatever has happened since, to connections that came of it."""
        for world, copies, hashes in self.forks:
            connections = (world.client.connection, world.server.connection)
            assert connections == copies, "what was left behind has changed"
            assert tuple(map(hash, connections)) == hashes, "its hash has changed"

    @invariant()
    def no_more_is_held_than_the_limits_allow(self) -> None:
        """However large the messages are that arrive in part."""
        for end in (self.world.client, self.world.server):
            assert held(end.connection) <= MOST_HELD, "more is held than the limits allow"

    def teardown(self) -> None:
        """Let everything arrive in each of the worlds."""
        self.come_to_an_end()

    def come_to_an_end(self) -> None:
        """Check what comes of each world once everything has arrived."""
        for world in [self.world, *(one.world for one in self.forks)]:
            last = settled(world)
            for side in (0, 1):
                end, peer = last.ends(side)
                if last.is_closing:
                    assert end.connection.state is State.CLOSED, "it never comes to an end"
                else:
                    assert end.connection.state is State.OPEN
                if last.is_sound:
                    assert end.got == peer.sent, "a message is lost"
                    assert end.heard == peer.said, "a Close is lost"
                    assert (end.said is None) == (peer.said is None), "only one end closes"
                    if not last.is_closing:
                        assert end.ponged == end.pings, "a Ping is not answered"
        self.what_was_left_behind_is_unchanged()


TestPair = pytest.mark.rfc(
    "RFC6455-5.4-06",
    "RFC6455-5.4-08",
    "RFC6455-5.4-10",
    "RFC6455-5.4-12",
    "RFC6455-5.4-13",
    "RFC6455-5.5.1-09",
    "RFC6455-5.5.1-15",
    "RFC6455-5.5.1-19",
    "RFC6455-5.5.1-20",
    "RFC6455-5.5.1-21",
    "RFC6455-5.5.2-02",
    "RFC6455-5.5.3-01",
    "RFC6455-5.5.3-04",
    "RFC6455-5.6-04",
    "RFC6455-6.2-01",
    "RFC6455-6.2-08",
    "RFC6455-7.1.4-01",
    "RFC6455-7.1.5-01",
    "RFC6455-7.1.5-03",
    "RFC6455-7.1.7-07",
    "RFC6455-10.4-01",
    "RFC7692-5-18",
    "RFC7692-6-01",
    "RFC7692-6.2-01",
    "RFC7692-6.2-02",
)(PairOfConnections.TestCase)


# What would be noticed

CLOSE: Final = Connection.close
RECEIVE: Final = Connection.receive


def closes_twice(connection: Connection, data: bytes) -> Step:
    """Answer a Close although ours was first."""
    step = RECEIVE(connection, data)
    if any(isinstance(event, Closed) for event in step.events):
        key = bytes(4) if connection.is_client else None
        return step._replace(output=step.output + WireFrame(_CLOSE, b"\x03\xe8", key).data)
    return step


def gives_thanks(connection: Connection, data: bytes) -> Step:
    """Send a message for whatever comes behind our Close."""
    step = RECEIVE(connection, data)
    if step.connection.state is State.CLOSE_SENT and step.events:
        key = bytes(4) if connection.is_client else None
        return step._replace(output=step.output + WireFrame(0x81, b"thanks", key).data)
    return step


def loses_single_bytes(connection: Connection, data: bytes) -> Step:
    """Overlook what comes alone."""
    return Step(connection, (), b"") if len(data) == 1 else RECEIVE(connection, data)


def delivers_twice(connection: Connection, data: bytes) -> Step:
    """Tell of every text once more."""
    step = RECEIVE(connection, data)
    again = tuple(event for event in step.events if isinstance(event, Text))
    return step._replace(events=(*again, *step.events))


def never_replies(connection: Connection, code: int | None = 1000, reason: str = "") -> Step:
    """Owe the reply to a Close for ever."""
    if connection.state is State.CLOSE_RECEIVED:
        return Step(connection, (), b"")
    return CLOSE(connection, code, reason)


def passes(*_arguments: object) -> None:
    """Check nothing."""


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "wrong", "messages"),
    [
        ("connection.Connection.receive", closes_twice, ["a second Close"]),
        (
            "connection.Connection.receive",
            gives_thanks,
            ["something but a Pong behind the Close"],
        ),
        ("connection.Connection.receive", delivers_twice, ["a message is not what was sent"]),
        ("connection.Connection.close", never_replies, ["it never comes to an end"]),
        ("reading.check_fragment", passes, ["more is held than the limits allow"]),
    ],
)
def test_a_pair_that_goes_wrong_is_noticed(
    monkeypatch: pytest.MonkeyPatch, name: str, wrong: object, messages: list[str]
) -> None:
    """One fault at a time, in both ends."""
    monkeypatch.setattr(f"wsref.protocol.{name}", wrong)
    assert noticed(PairOfConnections) in messages


@pytest.mark.long
def test_a_lost_byte_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one of many ways: what comes behind it can mean anything."""
    monkeypatch.setattr(Connection, "receive", loses_single_bytes)
    assert noticed(PairOfConnections)


class Tally:
    """A truth that can be counted, and therefore changed."""

    def __init__(self) -> None:
        self.count = 0

    def __bool__(self) -> bool:
        self.count += 1  # even by looking at it
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and self.count == other.count

    def __hash__(self) -> int:
        return self.count


class PairThatCounts(PairOfConnections):
    """Both ends count the Pings that they answer, and not in a new state."""

    def beginning(self, pair: Pair) -> World:
        """Put what can be changed into the connections."""
        client, server = (
            one._replace(settings=one.settings._replace(auto_pong=cast(bool, Tally())))
            for one in pair
        )
        return super().beginning((client, server))


@pytest.mark.long
def test_a_connection_that_changes_is_noticed() -> None:
    """By a fork that is not what it was."""
    assert noticed(PairThatCounts) == "what was left behind has changed"
