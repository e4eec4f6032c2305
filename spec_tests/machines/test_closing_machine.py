"""All ways to close: by either end, by both at once, within a message, by failing, by loss.

One end is a connection; the other is a peer that says what the machine decides: frames that may
come next, frames that may not, a Close at any time, and nothing at all.  Beside them the machine
keeps the little that RFC 6455 §7 has to say: which Close was the first each way, whether the
connection failed, and whether TCP has ended.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from spec_tests.expectations import ROLES, frames_in, is_deaf
from spec_tests.machines.noticing import noticed
from spec_tests.playbook import endpoint
from wsref.protocol.closing import State, Transport
from wsref.protocol.connection import Connection, Step
from wsref.protocol.errors import (
    WebSocketClosed,
    WebSocketClosing,
    WebSocketUnavailable,
)
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
from wsref.testing import (
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Item,
    Role,
    WireFrame,
    close_payloads,
    frames,
    illegal_frames,
    masking_keys,
    reasons,
    status_codes,
)

OPENED: Final = {role: endpoint(role).connection for role in ROLES}

#: The first bytes of a Close and of a Pong.
CLOSES: Final = 0x88
PONGS: Final = 0x8A


class Body(NamedTuple):
    """What a Close says; the code is 1005 if it says none."""

    code: int
    reason: str


class ClosingHandshake(RuleBasedStateMachine):
    """A connection that is open, and how it comes to its end."""

    def __init__(self) -> None:
        super().__init__()
        self._begin("server")

    def _begin(self, role: str) -> None:
        self.connection = OPENED[role]
        self.coming: list[Item] = []  # what the peer said and has not arrived whole
        self.missing = b""  # the bytes of it that have not arrived
        self.within: int | None = None  # what kind of message the peer has not finished
        self.message: tuple[int, bytes] | None = None  # as much of it as has arrived
        self.said: list[tuple[int, bytes]] = []  # the frames that were written
        self.ours: Body | None = None  # the Close that was sent
        self.theirs: Body | None = None  # the first Close that arrived
        self.has_failed = self.has_ended = False

    @initialize(role=st.sampled_from(ROLES))
    def open(self, role: str) -> None:
        """Begin with an open connection."""
        self._begin(role)

    @precondition(lambda self: self.has_ended)
    @rule(role=st.sampled_from(ROLES))
    def open_another(self, role: str) -> None:
        """Begin again when all is over."""
        self._begin(role)

    # What the application does

    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        """Close, with any code that this role may send, or without one."""
        legal = status_codes(role="client" if self.connection.is_client else "server")
        code = data.draw(st.one_of(st.none(), legal))
        reason = "" if code is None else data.draw(reasons()).decode()
        self._close(code, reason)

    @precondition(lambda self: self.connection.state is State.CLOSE_RECEIVED)
    @rule()
    def reply(self) -> None:
        """Answer the peer's Close as it is proposed."""
        code = self.connection.reply_code
        assert self.theirs is not None
        may_not = self.theirs.code == 1010 and not self.connection.is_client
        assert code == (None if may_not or self.theirs.code == 1005 else self.theirs.code)
        self._close(code, "")

    @rule(fin=st.booleans())
    def send(self, fin: bool) -> None:
        """Send a message, or a fragment of one: only before our Close."""
        connection = self.connection
        try:
            if connection.sending.message is not None:
                step = connection.send_continuation("more", fin=fin)
            else:
                step = connection.send_text("text", fin=fin)
        except WebSocketUnavailable as error:
            self._refused(error)
            return
        self._step(step, ())
        assert self._may_send, "a message behind the Close"

    @rule()
    def ping(self) -> None:
        """Send a Ping: only before our Close."""
        try:
            step = self.connection.send_ping(b"are you there?")
        except WebSocketUnavailable as error:
            self._refused(error)
            return
        self._step(step, ())
        assert self._may_send, "a Ping behind the Close"

    # What the peer does

    @rule(data=st.data())
    def hear(self, data: st.DataObject) -> None:
        """Let the peer say what may come next: also fragments, Pings, and a Close among them."""
        drawn = data.draw(frames(self._peer, within=self.within, max_payload=20))
        if not drawn.is_control:
            opcode = self.within if drawn.opcode == CONTINUATION else drawn.opcode
            self.within = None if drawn.fin else opcode
        self._say(Item(drawn))

    @rule(data=st.data())
    def hear_a_close(self, data: st.DataObject) -> None:
        """Let the peer close, wherever it is."""
        key = None if self._peer == "server" else data.draw(masking_keys())
        payload = data.draw(close_payloads(self._peer))
        self._say(Item(WireFrame(0x80 | CLOSE, payload, key)))

    @rule(data=st.data())
    def hear_what_is_illegal(self, data: st.DataObject) -> None:
        """Let the peer break a rule."""
        self._say(data.draw(illegal_frames(self._peer, within=self.within, max_payload=20)))

    @rule(size=st.integers(1, 9))
    def deliver(self, size: int) -> None:
        """Let a few bytes arrive."""
        self._deliver(size)

    @rule()
    def deliver_all(self) -> None:
        """Let all arrive that the peer said."""
        self._deliver(len(self.missing))

    @rule()
    def end(self) -> None:
        """End TCP, whoever does it: in time, too early, or tired of waiting for the peer."""
        before = self.connection
        step = before.receive_eof()
        if self.has_ended:
            assert step == Step(before, (), b""), "something happens behind the end"
            return
        (event,) = step.events
        assert isinstance(event, Disconnected)
        is_clean = self.ours is not None and self.theirs is not None and not self.has_failed
        assert event.graceful == is_clean, "wrong about whether the end is clean"
        code = 1006 if self.theirs is None else self.theirs.code
        assert event.code == code, "another code than that of the first Close"
        self.connection, self.missing, self.coming, self.has_ended = step.connection, b"", [], True
        assert step.output == b""

    # What has to come of it

    @invariant()
    def stands_where_it_should(self) -> None:
        """As RFC 6455 §7.1.3 to §7.1.6 have it, told from who sent a Close."""
        connection = self.connection
        if self.has_ended:
            state = State.CLOSED
        elif self.has_failed:
            state = State.FAILED
        elif self.ours is None:
            state = State.OPEN if self.theirs is None else State.CLOSE_RECEIVED
        else:
            state = State.CLOSE_SENT if self.theirs is None else State.CLOSE_EXCHANGED
        assert connection.state is state, "it is in another state"
        is_over = self.has_ended or self.has_failed
        if is_over or (state is State.CLOSE_EXCHANGED and not connection.is_client):
            assert connection.transport is Transport.CLOSE
        elif state is State.CLOSE_EXCHANGED:
            assert connection.transport is Transport.AWAIT_PEER
        else:
            assert connection.transport is Transport.KEEP
        assert connection.sent_close == (self.ours is not None)
        assert connection.may_send_data == self._may_send
        assert connection.reads == (self.theirs is None and not is_over)
        if self.theirs is not None:
            told = (connection.closing_code, connection.closing_reason)
            assert told == self.theirs, "another code than that of the first Close"
        else:
            assert connection.closing_code == (1006 if is_over else None)
            assert connection.closing_reason == ""

    @invariant()
    def says_goodbye_once(self) -> None:
        """One Close at most, and nothing behind it but Pongs for a peer that has not closed."""
        first_bytes = [first for first, _payload in self.said]
        assert first_bytes.count(CLOSES) == (self.ours is not None), "not just one Close"
        if self.ours is not None:
            behind = first_bytes[first_bytes.index(CLOSES) + 1 :]
            assert set(behind) <= {PONGS}, "something but a Pong behind the Close"

    @property
    def _may_send(self) -> bool:
        return self.ours is None and not self.has_failed and not self.has_ended

    @property
    def _peer(self) -> Role:
        return "server" if self.connection.is_client else "client"

    def _say(self, item: Item) -> None:
        if not self.has_ended:
            self.coming.append(item)
            self.missing += item.data

    def _close(self, code: int | None, reason: str) -> None:
        before = self.connection
        step = before.close(code, reason)
        if not self._may_send:
            assert step == Step(before, (), b""), "a second Close"
            return
        self._step(step, ())
        payload = b"" if code is None else code.to_bytes(2, "big") + reason.encode()
        assert self.said[-1:] == [(CLOSES, payload)], "the Close says something else"
        self.ours = Body(1005 if code is None else code, reason)

    def _refused(self, error: WebSocketUnavailable) -> None:
        assert not self._may_send, "nothing can be sent, although no Close was"
        kind = WebSocketClosed if self.has_ended else WebSocketClosing
        assert isinstance(error, kind)

    def _step(self, step: Step, expected: tuple[Event, ...]) -> None:
        assert step.events == expected, "something else is told"
        self.said += frames_in(step.output)
        self.connection = step.connection

    def _deliver(self, size: int) -> None:
        """Receive some bytes, and expect what comes of the frames that are complete now."""
        arriving, self.missing = self.missing[:size], self.missing[size:]
        before, hashed = self.connection, hash(self.connection)
        step = before.receive(arriving)
        assert hash(before) == hashed
        if not before.reads:
            assert is_deaf(before, arriving), "it hears something behind the end"
            return
        said = frames_in(step.output)
        last = step.events[-1] if step.events else None
        failure = last if isinstance(last, ProtocolError) else None
        events: list[Event] = []
        pongs: list[tuple[int, bytes]] = []
        while self.theirs is None and self._has_come() and self.coming[0].is_legal:
            frame = self.coming.pop(0).frame
            events += self._heard(frame)
            if frame.opcode == PING:
                pongs.append((PONGS, frame.payload))
        if failure is None:
            assert self.theirs is not None or not self._has_come(), "what is illegal is taken"
        else:
            events.append(failure)
            said = self._failed(failure, said)
        assert said == pongs, "something else is answered than Pings by their Pongs"
        assert step.events == tuple(events), "something else is told"
        self.said += frames_in(step.output)
        self.connection = step.connection

    def _failed(
        self, failure: ProtocolError, said: list[tuple[int, bytes]]
    ) -> list[tuple[int, bytes]]:
        """Check a failure, and return what was written before the Close that comes of it."""
        assert self.theirs is None, "it fails behind the peer's Close"
        assert self.coming, "it fails for nothing"
        assert failure.clause in self.coming[0].clauses[:1], "it fails for something else"
        assert failure.critical == (self.ours is not None)
        self.has_failed = True
        if self.ours is not None:
            return said
        # RFC 6455 §7.1.7: a Close with a fitting code, unless there was one.
        *said, (first, payload) = said
        assert first == CLOSES, "a failure without its Close"
        self.ours = Body(int.from_bytes(payload[:2], "big"), payload[2:].decode())
        assert self.ours.code == failure.code == self.coming[0].status_codes[0]
        return said

    def _has_come(self) -> bool:
        """Whether there is a frame that was not complete and is now."""
        behind = sum(len(other.data) for other in self.coming[1:])
        return bool(self.coming) and len(self.missing) <= behind

    def _heard(self, frame: WireFrame) -> list[Event]:
        """Return what the application has to be told of a legal frame."""
        payload = frame.payload
        if frame.opcode == PING:
            return [Ping(payload)]
        if frame.opcode == PONG:
            return [Pong(payload)]
        if frame.opcode == CLOSE:
            code = int.from_bytes(payload[:2], "big") if payload else 1005
            self.theirs = Body(code, payload[2:].decode())
            return [(Closing if self.ours is None else Closed)(*self.theirs)]
        opcode, begun = self.message or (frame.opcode, b"")
        if not frame.fin:
            self.message = opcode, begun + payload
            return []
        self.message = None
        whole = begun + payload
        return [Text(whole.decode()) if opcode == TEXT else Binary(whole)]


TestClosingHandshake = pytest.mark.rfc(
    "RFC6455-5.4-09",
    "RFC6455-5.5.1-01",
    "RFC6455-5.5.1-02",
    "RFC6455-5.5.1-09",
    "RFC6455-5.5.1-10",
    "RFC6455-5.5.1-15",
    "RFC6455-5.5.1-16",
    "RFC6455-5.5.1-17",
    "RFC6455-5.5.1-19",
    "RFC6455-5.5.1-20",
    "RFC6455-5.5.1-21",
    "RFC6455-5.5.2-02",
    "RFC6455-5.5.3-01",
    "RFC6455-6.1-02",
    "RFC6455-6.2-08",
    "RFC6455-7.1.1-05",
    "RFC6455-7.1.1-06",
    "RFC6455-7.1.2-01",
    "RFC6455-7.1.3-01",
    "RFC6455-7.1.4-01",
    "RFC6455-7.1.5-01",
    "RFC6455-7.1.5-02",
    "RFC6455-7.1.5-03",
    "RFC6455-7.1.6-01",
    "RFC6455-7.1.7-05",
    "RFC6455-7.1.7-07",
    "RFC6455-7.2.1-02",
)(ClosingHandshake.TestCase)


# What would be noticed

CLOSE_CONNECTION: Final = Connection.close
RECEIVE: Final = Connection.receive
RECEIVE_EOF: Final = Connection.receive_eof
SEND_PING: Final = Connection.send_ping


def closes_twice(connection: Connection, code: int | None = 1000, reason: str = "") -> Step:
    """Forget that a Close was sent when another is asked for."""
    if connection.sent_close:
        open_again = OPENED["client" if connection.is_client else "server"]
        return CLOSE_CONNECTION(open_again, code, reason)
    return CLOSE_CONNECTION(connection, code, reason)


def replies_by_itself(connection: Connection, data: bytes, now: float = 0.0) -> Step:
    """Answer a Close although the application will."""
    step = RECEIVE(connection, data, now)
    if step.connection.state is State.CLOSE_RECEIVED and step.events:
        reply = CLOSE_CONNECTION(step.connection, None)
        return step._replace(output=step.output + reply.output)
    return step


def goes_on_reading(connection: Connection, data: bytes, now: float = 0.0) -> Step:
    """Read on where nothing is to be read any more."""
    if not connection.reads and data:
        return RECEIVE(OPENED["client" if connection.is_client else "server"], data, now)
    return RECEIVE(connection, data, now)


def pings_for_ever(connection: Connection, data: bytes = b"") -> Step:
    """Send Pings behind our Close."""
    if connection.sent_close:
        return Step(connection, (), WireFrame(0x89, data, b"1234").data)
    return SEND_PING(connection, data)


def is_always_clean(connection: Connection) -> Step:
    """Call every end a clean one."""
    step = RECEIVE_EOF(connection)
    told = [
        Disconnected(event.reason, True, event.code)
        for event in step.events
        if isinstance(event, Disconnected)
    ]
    return step._replace(events=tuple(told))


def reports_our_code(connection: Connection) -> Step:
    """Report the code that we sent, as if it were the peer's."""
    step = RECEIVE_EOF(connection)
    ours = connection.closes.sent
    if ours is None or ours.code is None or not step.events:
        return step
    is_clean = connection.state is State.CLOSE_EXCHANGED
    return step._replace(events=(Disconnected("closed", is_clean, ours.code),))


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("close", closes_twice, "a second Close"),
        ("receive", replies_by_itself, "something else is answered than Pings by their Pongs"),
        ("receive", goes_on_reading, "it hears something behind the end"),
        ("send_ping", pings_for_ever, "a Ping behind the Close"),
        ("receive_eof", is_always_clean, "wrong about whether the end is clean"),
        ("receive_eof", reports_our_code, "another code than that of the first Close"),
    ],
)
def test_a_wrong_way_to_close_is_noticed(
    monkeypatch: pytest.MonkeyPatch, name: str, wrong: object, message: str
) -> None:
    """Too much is said, too much is heard, or something untrue is told of the end."""
    monkeypatch.setattr(Connection, name, wrong)
    assert noticed(ClosingHandshake) == message
