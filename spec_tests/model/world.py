"""The world that is explored: two connections, the line between them, and all that can happen.

Both ends are real :class:`~wsref.protocol.connection.Connection` values, and every step is one
of theirs.  What is written here is only the world around them: a TCP connection that delivers
what it was given in order, or is cut; and applications, which do what they are allowed to.

**At an end** anything is tried that an application can try, in every state; what raises an
exception cannot be done.  Messages, fragments and Pings are sent of one's own accord only while
fewer than so many pieces are on their way there; Closes, and answers that a connection gives
by itself (a Pong, the Close of a failure), always find room, so nobody ever waits for room;
a Ping is only sent while there is room for its Pong as well.  An end owes a reply to a Close
(RFC 6455 §5.5.1), and the end of TCP where
:attr:`~wsref.protocol.connection.Connection.transport` asks for it (§7.1.1).  It may give up
at any time, as if it had waited for too long.

**On the line** the foremost piece is delivered whole, or one byte of it alone; or all pieces come
in one read, which has to lead to where one by one leads.  The foremost piece may turn into one that
breaks a rule, as if the peer had sent that.  The line may drop: then what was on its way is lost.

**Keys.**  Masking keys matter to nobody here.  In what is on its way they are zeros, and the
counter from which a client derives them is set back after every step, so that situations
that differ by keys alone are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from spec_tests.playbook import NONCE, SEED, frame
from wsref.protocol.closing import Input, State, Transport
from wsref.protocol.connection import Connection, Step
from wsref.protocol.errors import WebSocketError
from wsref.protocol.events import (
    Closed,
    Closing,
    Disconnected,
    Event,
    ProtocolError,
    Ready,
    Rejected,
)
from wsref.protocol.frames import parse_frame
from wsref.protocol.opcode import CLOSE, PING, PONG
from wsref.protocol.uri import parse_uri

__all__ = [
    "CODES",
    "GIVING_UP",
    "NAMES",
    "OBLIGATIONS",
    "Act",
    "End",
    "Fault",
    "Happening",
    "Moved",
    "Perform",
    "Piece",
    "Ways",
    "World",
    "perform",
]

#: The ends, by number.
NAMES: Final = ("client", "server")
CLIENT, SERVER = 0, 1

#: The status code with which each end closes, when it does not close without any.
CODES: Final = (1001, 3000)

_NO_KEY: Final = bytes(4)


class Act(Enum):
    """What can happen at an end, or to what is on its way to it."""

    ACCEPT = "accept"
    REJECT = "reject"
    TEXT = "send a message"
    FRAGMENT = "send a first fragment"
    LAST = "send the last fragment"
    PING = "send a Ping"
    CLOSE = "close"
    CLOSE_BARE = "close without a code"
    REPLY = "reply to the Close"
    END_TCP = "end TCP"
    GIVE_UP = "give up"
    DELIVER = "deliver"
    DELIVER_BYTE = "deliver one byte"
    DELIVER_ALL = "deliver all"
    SPOIL = "spoil"
    DROP = "drop the line"


#: What happens sooner or later if it can: what is on its way arrives, and ends do what they owe.
OBLIGATIONS: Final = frozenset({Act.DELIVER, Act.REPLY, Act.END_TCP})

#: What a good ending must not depend on.
GIVING_UP: Final = frozenset({Act.GIVE_UP, Act.SPOIL, Act.DROP})

#: What is only done while there is room on the line.
_NEEDING_ROOM: Final[tuple[Act, ...]] = (Act.TEXT, Act.FRAGMENT, Act.LAST)

#: What an application can do at any time.
_AT_WILL: Final[tuple[Act, ...]] = (Act.ACCEPT, Act.REJECT, Act.CLOSE, Act.CLOSE_BARE)


class Piece(NamedTuple):
    """What is delivered at once: a head, a frame, or what is missing of one.

    Attributes:
        name: what to call it.
        data: its bytes; none for the end of the stream.
        close: the status code to report if it is a Close, 1005 for one without.
        is_whole: whether nothing of it was delivered yet.
    """

    name: str
    data: bytes
    close: int | None = None
    is_whole: bool = True


_END_OF_STREAM: Final = Piece("end of stream", b"")

#: What breaks a rule where a frame is due: a reserved opcode, for client and server.
_BAD_FRAMES: Final = (Piece("garbage", frame(0x83)), Piece("garbage", frame(0x83, b"", _NO_KEY)))

#: What breaks a rule where a head is due.
_BAD_HEAD: Final = Piece("garbage", b"\x00\r\n\r\n")


class End(NamedTuple):
    """One end, and what is on its way to it; connections and pieces are numbered by :class:`Ways`.

    Attributes:
        connection: its connection.
        incoming: the pieces that are on their way to it.
        said: the code of the first Close that it wrote, 1005 for one without.
        heard: the code of the first Close that it was given while it still read.
    """

    connection: int
    incoming: tuple[int, ...] = ()
    said: int | None = None
    heard: int | None = None


class World(NamedTuple):
    """A state of the model."""

    client: End
    server: End


class Happening(NamedTuple):
    """Something that happens at an end, or to what is on its way to it."""

    act: Act
    end: int


class Moved(NamedTuple):
    """What led a connection from one place in the table of states to another."""

    start: State
    by: Input
    stop: State


class Fault(NamedTuple):
    """Something that must not be."""

    message: str


#: Has a connection take a step; a test may have it wrong.
Perform: TypeAlias = Callable[[Connection, Act, bytes], Step]


def perform(connection: Connection, act: Act, data: bytes) -> Step:
    """Have a connection take a step.

    Args:
        connection: whose step it is.
        act: what happens.
        data: what is delivered; empty for the end of the stream.
    """
    key = _NO_KEY if connection.is_client else None
    match act:
        case Act.DELIVER | Act.DELIVER_BYTE | Act.DELIVER_ALL if data:
            return connection.receive(data)
        case Act.TEXT:
            return connection.send_text("t", masking_key=key)
        case Act.FRAGMENT:
            return connection.send_text("t", fin=False, masking_key=key)
        case Act.LAST:
            return connection.send_continuation("t", masking_key=key)
        case Act.PING:
            return connection.send_ping(masking_key=key)
        case Act.CLOSE:
            return connection.close(CODES[not connection.is_client], masking_key=key)
        case Act.CLOSE_BARE:
            return connection.close(None, masking_key=key)
        case Act.REPLY:
            return connection.close(connection.reply_code, masking_key=key)
        case Act.ACCEPT:
            return connection.accept()
        case Act.REJECT:
            return connection.reject()
        case _:
            return connection.receive_eof()


class _Taken(NamedTuple):
    """A step as the model sees it."""

    connection: int
    events: tuple[Event, ...]
    written: tuple[int, ...]
    moved: tuple[Moved, ...]
    fault: str


class Ways:
    """All that can happen in a world, and where it leads.

    Every step of a connection is taken once: a step is a function of a value, so what it
    led to is known from then on.  Connections and pieces are known by numbers.
    """

    def __init__(self, frames: int, perform: Perform = perform) -> None:
        self._frames = frames
        self._perform = perform
        self.connections: list[Connection] = []
        self.pieces: list[Piece] = []
        self.moves: set[tuple[int, Moved]] = set()  # the end's number, and how it moved
        self._numbers: dict[Connection | Piece, int] = {}
        self._taken: dict[tuple[int, Act, bytes], _Taken | None] = {}
        self._end_of_stream = self._piece(_END_OF_STREAM)

    @property
    def steps(self) -> int:
        """How many steps were taken by connections."""
        return len(self._taken)

    def beginning(self) -> World:
        """Return the world in which everything begins: the client's request is on its way."""
        uri = parse_uri("ws://example.com/")
        client, _events, request = Connection.connect(uri, NONCE, seed=SEED)
        head = self._piece(Piece("request", request))
        return World(
            End(self._connection(client)), End(self._connection(Connection.listen()), (head,))
        )

    def states(self, world: World) -> tuple[State, State]:
        """Return where both ends stand in the table of states."""
        client, server = world
        connections = self.connections
        return connections[client.connection].state, connections[server.connection].state

    def is_over(self, world: World) -> bool:
        """Whether both ends have come to their end."""
        return self.states(world) == (State.CLOSED, State.CLOSED)

    def is_closing(self, world: World) -> bool:
        """Whether either end is beyond OPEN, so that both have to come to their end."""
        return any(state not in (State.CONNECTING, State.OPEN) for state in self.states(world))

    def successors(self, world: World) -> list[tuple[Happening, World | Fault]]:
        """Return all that can happen, without what changes nothing."""
        found: list[tuple[Happening, World | Fault]] = []
        for number in (CLIENT, SERVER):
            for act in self._acts(world, number):
                happening = Happening(act, number)
                after = self.after(world, happening)
                if after is not None and after != world:
                    found.append((happening, after))
        return found

    def after(self, world: World, happening: Happening) -> World | Fault | None:
        """Return what the world is like after something happened; None if it cannot happen."""
        act, number = happening
        end = world[number]
        match act:
            case Act.SPOIL:
                return _with(
                    world, number, end._replace(incoming=self._spoilt(end.incoming, number))
                )
            case Act.DROP:
                return World(*(self._cut_off(one) for one in world))
            case Act.DELIVER:
                return self._deliver(world, number)
            case Act.DELIVER_BYTE:
                return self._deliver_byte(world, number)
            case Act.DELIVER_ALL:
                return self._deliver_all(world, number)
            case _:
                return self._step(world, number, act, b"")

    def events(self, world: World, happening: Happening) -> tuple[Event, ...]:
        """Return what the application is told when something happens."""
        taken = self._taken_when(world, happening)
        return () if taken is None else taken.events

    def written(self, world: World, happening: Happening) -> list[str]:
        """Return the names of what is put on the line when something happens."""
        taken = self._taken_when(world, happening)
        if taken is None:
            return []
        names = [self.pieces[one].name for one in taken.written]
        has_ended = self.connections[taken.connection].state is State.CLOSED
        if has_ended and self.states(world)[happening.end] is not State.CLOSED:
            names.append(_END_OF_STREAM.name)
        return names

    def _taken_when(self, world: World, happening: Happening) -> _Taken | None:
        """Return the step that an end takes when something happens; None if it takes none."""
        act, number = happening
        end = world[number]
        data = b""
        if act in (Act.SPOIL, Act.DROP):
            return None
        if act is Act.DELIVER_ALL:
            data = b"".join(self.pieces[one].data for one in end.incoming)
        elif act is Act.DELIVER or act is Act.DELIVER_BYTE:
            data = self.pieces[end.incoming[0]].data
            data = data[:1] if act is Act.DELIVER_BYTE else data
        return self._take(end.connection, act, data)

    # What can happen

    def _acts(self, world: World, number: int) -> list[Act]:
        """Return what may happen at an end, for all that the world around it knows."""
        end, peer = world[number], world[1 - number]
        connection = self.connections[end.connection]
        acts = [*_AT_WILL]
        if len(peer.incoming) < self._frames:
            acts += _NEEDING_ROOM
            if len(end.incoming) < self._frames:  # else Pongs would pile up
                acts.append(Act.PING)
        if connection.state is State.CLOSE_RECEIVED:
            acts.append(Act.REPLY)
        if connection.state is not State.CLOSED:
            is_due = connection.transport is Transport.CLOSE
            acts.append(Act.END_TCP if is_due else Act.GIVE_UP)
        if end.incoming:
            acts.append(Act.DELIVER)
            first = self.pieces[end.incoming[0]]
            if first.is_whole and len(first.data) > 1 and connection.reads:
                acts.append(Act.DELIVER_BYTE)
            if first.is_whole and first.data and first.name != "garbage":
                acts.append(Act.SPOIL)
            if len(end.incoming) > 1:
                acts.append(Act.DELIVER_ALL)
        if number == CLIENT:
            acts.append(Act.DROP)  # happens to both at once
        return acts

    # What it leads to

    def _step(
        self,
        world: World,
        number: int,
        act: Act,
        data: bytes,
        rest: tuple[int, ...] | None = None,
        heard: int | None = None,
    ) -> World | Fault | None:
        """Have an end take a step.

        Args:
            world: before it.
            number: that of the end.
            act: what happens.
            data: what is delivered.
            rest: what is then still on its way; None for what was before.
            heard: the code of the Close that is complete with *data*.
        """
        end, peer = world[number], world[1 - number]
        taken = self._take(end.connection, act, data)
        if taken is None:
            return None
        before = self.connections[end.connection]
        after = self.connections[taken.connection]
        incoming = end.incoming if rest is None else rest
        if end.heard is None and heard is not None and before.reads:
            end = end._replace(heard=heard)
        written = [self.pieces[one] for one in taken.written]
        message = _said_too_much(end, written) or _told_wrongly(end, taken.events, heard)
        message = message or taken.fault
        if message:
            return Fault(f"{NAMES[number]}: {message}")
        if end.heard is not None and end.heard != peer.said:
            return Fault(f"{NAMES[number]}: got a Close that the peer never sent")
        for piece in written:
            if end.said is None and piece.close is not None:
                end = end._replace(said=piece.close)
        self.moves.update((number, moved) for moved in taken.moved)
        outgoing = taken.written
        if after.state is State.CLOSED:
            incoming = ()  # nobody reads it any more
            if before.state is not State.CLOSED:
                outgoing = (*outgoing, self._end_of_stream)
        end = end._replace(connection=taken.connection, incoming=incoming)
        if self.connections[peer.connection].state is not State.CLOSED and (
            not peer.incoming or peer.incoming[-1] != self._end_of_stream
        ):
            peer = peer._replace(incoming=peer.incoming + outgoing)
        return World(end, peer) if number == CLIENT else World(peer, end)

    def _deliver(self, world: World, number: int) -> World | Fault | None:
        first, *rest = world[number].incoming
        piece = self.pieces[first]
        return self._step(world, number, Act.DELIVER, piece.data, tuple(rest), piece.close)

    def _deliver_byte(self, world: World, number: int) -> World | Fault | None:
        first, *rest = world[number].incoming
        piece = self.pieces[first]
        missing = self._piece(Piece(piece.name, piece.data[1:], piece.close, is_whole=False))
        return self._step(world, number, Act.DELIVER_BYTE, piece.data[:1], (missing, *rest))

    def _deliver_all(self, world: World, number: int) -> World | Fault | None:
        """Deliver everything in one read, and compare with one by one."""
        end = world[number]
        data = b""
        events: tuple[Event, ...] = ()
        one_by_one: World | Fault | None = world
        for piece in end.incoming:
            if piece == self._end_of_stream:
                break
            data += self.pieces[piece].data
            if not isinstance(one_by_one, World):
                return one_by_one
            events += self.events(one_by_one, Happening(Act.DELIVER, number))
            one_by_one = self._deliver(one_by_one, number)
        if not isinstance(one_by_one, World):
            return one_by_one
        taken = self._take(end.connection, Act.DELIVER_ALL, data)
        apart = one_by_one[number].connection
        if taken is None or (taken.connection, taken.events) != (apart, events):
            return Fault(f"{NAMES[number]}: one read of all is not the same as one read of each")
        written = one_by_one[1 - number].incoming[len(world[1 - number].incoming) :]
        if taken.written[: len(written)] != written:
            return Fault(f"{NAMES[number]}: one read of all has another answer than one of each")
        return one_by_one

    def _cut_off(self, end: End) -> End:
        """Lose what is on its way to an end: there is only the end of the stream."""
        is_closed = self.connections[end.connection].state is State.CLOSED
        return end._replace(incoming=() if is_closed else (self._end_of_stream,))

    def _spoilt(self, incoming: tuple[int, ...], number: int) -> tuple[int, ...]:
        """Put what breaks a rule in the place of the foremost piece."""
        is_head = self.pieces[incoming[0]].name in _HEADS
        return (self._piece(_BAD_HEAD if is_head else _BAD_FRAMES[number]), *incoming[1:])

    # Steps of connections

    def _take(self, number: int, act: Act, data: bytes) -> _Taken | None:
        """Take a step, or remember how it went; None if it cannot be taken."""
        key = number, act, data
        if key not in self._taken:
            self._taken[key] = self._take_first(self.connections[number], act, data)
        return self._taken[key]

    def _take_first(self, before: Connection, act: Act, data: bytes) -> _Taken | None:
        try:
            connection, events, output = self._perform(before, act, data)
        except WebSocketError:
            if act not in _AT_WILL and act not in _NEEDING_ROOM and act is not Act.PING:
                raise  # only what an application may not do is refused by an exception
            return None
        pieces = _pieces_in(output)
        moved = _ways_moved(before, act, events, pieces, connection)
        fault = ""
        if before.state is State.CLOSED and (events or pieces or connection is not before):
            fault = "does something after its end"
        elif act is not Act.DELIVER_ALL and connection.state is not before.state:
            if len(moved) != 1:
                fault = f"moves from {before.state.name} to {connection.state.name} for no reason"
        elif act is not Act.DELIVER_ALL and moved:
            fault = f"stays {before.state.name} in spite of: {moved[0].by.value}"
        return _Taken(
            self._connection(connection),
            events,
            tuple(self._piece(piece) for piece in pieces),
            tuple(moved) if act is not Act.DELIVER_ALL else (),
            fault,
        )

    def _connection(self, connection: Connection) -> int:
        if connection.sending.derived:
            connection = connection._replace(sending=connection.sending._replace(derived=0))
        number = self._numbers.setdefault(connection, len(self.connections))
        if number == len(self.connections):
            self.connections.append(connection)
        return number

    def _piece(self, piece: Piece) -> int:
        number = self._numbers.setdefault(piece, len(self.pieces))
        if number == len(self.pieces):
            self.pieces.append(piece)
        return number


_HEADS: Final = ("request", "acceptance", "refusal")


def _with(world: World, number: int, end: End) -> World:
    return World(end, world.server) if number == CLIENT else World(world.client, end)


def _pieces_in(output: bytes) -> list[Piece]:
    """Take what a connection wrote apart, and leave the keys out."""
    pieces: list[Piece] = []
    position = 0
    if output.startswith(b"HTTP/1.1 101 "):
        position = output.index(b"\r\n\r\n") + 4
        pieces.append(Piece("acceptance", output[:position]))
    elif output.startswith(b"HTTP/"):
        return [Piece("refusal", output)]
    while position < len(output):
        parsed = parse_frame(output, position)
        assert parsed is not None, "the output ends inside a frame"
        (header, payload), position = parsed
        key = None if header.masking_key is None else _NO_KEY
        name, code = _name_of(header.first_byte, payload)
        pieces.append(Piece(name, frame(header.first_byte, payload, key), code))
    return pieces


def _name_of(first_byte: int, payload: bytes) -> tuple[str, int | None]:
    """Return what to call a frame, and the code to report if it is a Close."""
    opcode, fin = first_byte & 0x0F, first_byte & 0x80
    if opcode == CLOSE:
        code = int.from_bytes(payload[:2], "big") if payload else 1005
        return (f"Close {code}" if payload else "Close"), code
    if opcode in (PING, PONG):
        return "Ping" if opcode == PING else "Pong", None
    if not opcode:
        return "last fragment" if fin else "fragment", None
    return "message" if fin else "first fragment", None


def _ways_moved(
    before: Connection, act: Act, events: tuple[Event, ...], pieces: list[Piece], after: Connection
) -> list[Moved]:
    """Tell from what could be seen of a step which ways through the table it took."""
    inputs: list[Input] = []
    for event in events:
        match event:
            case Ready():
                inputs.append(Input.OPENED)
            case Closing() | Closed():
                inputs.append(Input.RECEIVE_CLOSE)
            case ProtocolError() | Rejected():
                inputs.append(Input.FAIL)
            case Disconnected():
                inputs.append(Input.TRANSPORT_ENDED)
            case _:
                pass
    if act is Act.REJECT:
        inputs.append(Input.FAIL)
    if Input.FAIL not in inputs and any(piece.close is not None for piece in pieces):
        inputs.append(Input.SEND_CLOSE)
    return [Moved(before.state, one, after.state) for one in inputs]


def _told_wrongly(end: End, events: tuple[Event, ...], heard: int | None) -> str:
    """Say what is wrong with the status codes that the application is told (RFC 6455 §7.1.5)."""
    for event in events:
        if isinstance(event, Closing | Closed) and event.code != heard:
            return f"reports {event.code} for a Close with {heard}"
        if isinstance(event, Disconnected):
            expected = 1006 if end.heard is None else end.heard
            if event.code != expected:
                return f"reports {event.code} at the end instead of {expected} (§7.1.5)"
            if event.graceful != (end.heard is not None and end.said is not None):
                return "is wrong about whether a Close went each way"
    return ""


def _said_too_much(end: End, written: list[Piece]) -> str:
    """Say what was written though a Close went before it (RFC 6455 §5.5.1, §5.5.2)."""
    has_closed = end.said is not None
    for piece in written:
        if has_closed and (piece.name != "Pong" or end.heard is not None):
            return f"sends {piece.name!r} after its Close"
        has_closed = has_closed or piece.close is not None
    return ""
