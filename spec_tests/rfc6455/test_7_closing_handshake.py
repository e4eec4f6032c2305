"""The closing handshake (RFC 6455 §5.5.1 and §7), and its table of states."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import NamedTuple

import pytest

from spec_tests.expectations import ROLES, close_in, frames_in, is_deaf
from spec_tests.playbook import NONCE, SEED, endpoint
from wsref.protocol.closing import (
    TRANSITIONS,
    Input,
    State,
    Transport,
    transition,
    transport_of,
)
from wsref.protocol.connection import Connection, Step
from wsref.protocol.errors import WebSocketUnavailable
from wsref.protocol.events import Binary, Closed, Closing, Disconnected, Event, Ping, Text
from wsref.protocol.uri import parse_uri

# What each role can be put into, by the frames it exchanges.


def connecting(role: str) -> tuple[Connection, bytes]:
    """Return a connection in its opening handshake, and the bytes that open it."""
    client, _events, request = Connection.connect(parse_uri("ws://example.com/"), NONCE, seed=SEED)
    if role == "server":
        return Connection.listen(), request
    server = Connection.listen().receive(request).connection
    return client, server.accept().output


def in_state(role: str, state: State) -> Connection:
    """Return a connection of *role* that has come to *state* in the usual way."""
    peer = endpoint(role)
    opened = peer.connection
    close = peer.from_peer(0x88, b"\x03\xe9bye")
    ways: dict[State, Callable[[], Connection]] = {
        State.CONNECTING: lambda: connecting(role)[0],
        State.OPEN: lambda: opened,
        State.CLOSE_SENT: lambda: opened.close(1000).connection,
        State.CLOSE_RECEIVED: lambda: opened.receive(close).connection,
        State.CLOSE_EXCHANGED: lambda: opened.close(1000).connection.receive(close).connection,
        State.FAILED: lambda: peer.receive(peer.from_peer(0x83)).connection,
        State.CLOSED: lambda: opened.receive_eof().connection,
    }
    connection = ways[state]()
    assert connection.state is state
    return connection


# The table


def test_the_table_and_the_implementation_agree_on_every_transition() -> None:
    """What steps can do, explored until nothing new appears, is what the table lists."""
    seen: set[tuple[State, Input, State]] = set()
    for role in ROLES:
        start, opening = connecting(role)
        visited = {start}
        waiting = [start]
        while waiting:
            connection = waiting.pop()
            for by, after in attempts(role, connection, opening):
                if after.state is not connection.state:
                    seen.add((connection.state, by, after.state))
                if after not in visited:
                    visited.add(after)
                    waiting.append(after)
        assert {connection.state for connection in visited} == set(State)
    assert seen == {(state, by, after) for (state, by), after in TRANSITIONS.items()}


def attempts(
    role: str, connection: Connection, opening: bytes
) -> Iterator[tuple[Input, Connection]]:
    """Try every input in a state, with the connection that it leads to."""
    peer = endpoint(role)
    yield Input.TRANSPORT_ENDED, connection.receive_eof().connection
    if connection.state is State.CONNECTING:
        after = connection.receive(opening).connection
        yield Input.OPENED, after.accept().connection if role == "server" else after
        yield Input.FAIL, connection.receive(b"\x00\r\n\r\n").connection
        if role == "server":
            yield Input.FAIL, after.reject().connection
        return
    yield Input.RECEIVE_CLOSE, connection.receive(peer.from_peer(0x88)).connection
    yield Input.FAIL, connection.receive(peer.from_peer(0x83)).connection
    yield Input.SEND_CLOSE, connection.close().connection


@pytest.mark.parametrize(("state", "by"), list(product(State, Input)))
def test_what_the_table_does_not_list_cannot_happen(state: State, by: Input) -> None:
    """A transition is listed or a KeyError."""
    if (state, by) in TRANSITIONS:
        assert transition(state, by) is TRANSITIONS[state, by]
    else:
        with pytest.raises(KeyError):
            transition(state, by)


def test_the_table_cannot_be_changed() -> None:
    """It is shared by all connections."""
    assert not hasattr(TRANSITIONS, "__setitem__")


@pytest.mark.rfc("RFC6455-7.1.3-01", "RFC6455-7.1.4-01")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("state", list(State))
def test_what_a_state_allows(role: str, state: State) -> None:
    """Data until our Close is sent, reading until the peer's Close or a failure."""
    connection = in_state(role, state)
    assert connection.may_send_data == (state in (State.OPEN, State.CLOSE_RECEIVED))
    assert connection.reads == (state in (State.CONNECTING, State.OPEN, State.CLOSE_SENT))
    assert connection.sent_close == (
        state in (State.CLOSE_SENT, State.CLOSE_EXCHANGED, State.FAILED)
    )


@pytest.mark.rfc(
    "RFC6455-5.5.1-15",
    "RFC6455-5.5.1-16",
    "RFC6455-5.5.1-17",
    "RFC6455-7.1.1-03",
    "RFC6455-7.1.1-05",
    "RFC6455-7.1.1-06",
    "RFC6455-7.1.2-02",
)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("state", list(State))
def test_who_ends_tcp_and_when(role: str, state: State) -> None:
    """After the exchange the server at once, while the client waits; who fails, itself."""
    expected = {
        State.CLOSE_EXCHANGED: Transport.AWAIT_PEER if role == "client" else Transport.CLOSE,
        State.FAILED: Transport.CLOSE,
        State.CLOSED: Transport.CLOSE,
    }.get(state, Transport.KEEP)
    assert in_state(role, state).transport is expected
    assert transport_of(state, is_client=role == "client") is expected


# We begin


@pytest.mark.rfc("RFC6455-7.1.2-01", "RFC6455-5.5.1-02", "RFC6455-7.4-01")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("code", "reason"), [(None, ""), (1000, ""), (1001, "going"), (4999, "€" * 41)]
)
def test_close_sends_a_close_with_code_and_reason(role: str, code: int | None, reason: str) -> None:
    """Both may be left out."""
    step = endpoint(role).connection.close(code, reason)
    assert step.events == ()
    assert close_in(step.output) == (code, reason)
    assert step.connection.state is State.CLOSE_SENT
    assert step.connection.transport is Transport.KEEP
    assert step.connection.closing_code is None


@pytest.mark.rfc("RFC6455-7.1.5-01", "RFC6455-7.1.6-01", "RFC6455-5.5.1-15")
@pytest.mark.parametrize("role", ROLES)
def test_the_code_reported_is_the_one_received(role: str) -> None:
    """Though we had sent another one; the peer's answer completes the handshake."""
    peer = endpoint(role)
    connection = peer.connection.close(1000, "ours").connection
    step = connection.receive(peer.from_peer(0x88, b"\x0f\xa0theirs"))
    assert step.events == (Closed(4000, "theirs"),)
    assert step.output == b""
    assert step.connection.state is State.CLOSE_EXCHANGED
    assert (step.connection.closing_code, step.connection.closing_reason) == (4000, "theirs")
    step = step.connection.receive_eof()
    assert step.events == (Disconnected("closed", True, 4000),)
    assert (step.connection.closing_code, step.connection.closing_reason) == (4000, "theirs")


@pytest.mark.rfc("RFC6455-5.5.1-14", "RFC6455-5.1-07")
@pytest.mark.parametrize("role", ROLES)
def test_messages_are_delivered_until_the_peers_close(role: str) -> None:
    """After our Close, whole and fragmented ones, Pings too; none behind the peer's."""
    peer = endpoint(role)
    connection = peer.receive(peer.from_peer(0x01, b"a")).connection.close().connection
    data = (
        peer.from_peer(0x80, b"b")
        + peer.from_peer(0x82, b"c")
        + peer.from_peer(0x89, b"d")
        + peer.from_peer(0x88, b"\x03\xe8")
        + peer.from_peer(0x82, b"e")
    )
    step = connection.receive(data)
    assert step.events == (Text("ab"), Binary(b"c"), Ping(b"d"), Closed(1000, ""))
    assert frames_in(step.output) == [(0x8A, b"d")]


@pytest.mark.rfc("RFC6455-5.5.1-20")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "state", [State.CLOSE_SENT, State.CLOSE_EXCHANGED, State.FAILED, State.CLOSED]
)
def test_close_is_sent_once(role: str, state: State) -> None:
    """Another call returns the same connection and nothing to write."""
    connection = in_state(role, state)
    step = connection.close(1001, "again")
    assert step == Step(connection, (), b"")
    assert step.connection is connection


@pytest.mark.parametrize("role", ROLES)
def test_after_our_close_nothing_is_kept_for_sending(role: str) -> None:
    """Neither a compression window nor a message that was not finished."""
    connection = endpoint(role, deflate=True).connection
    connection = connection.send_text("x" * 1000, fin=False).connection.close().connection
    assert connection.sending.deflating is None
    assert connection.sending.message is None


@pytest.mark.rfc("RFC6455-6.1-02")
@pytest.mark.parametrize("role", ROLES)
def test_close_needs_an_open_connection(role: str) -> None:
    """During the opening handshake there is nothing to close."""
    with pytest.raises(WebSocketUnavailable, match="not open yet"):
        connecting(role)[0].close()


# The peer begins


@pytest.mark.rfc("RFC6455-5.5.1-10", "RFC6455-5.5.1-11", "RFC6455-5.5.1-12", "RFC6455-7.1.5-01")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("body", "code", "reason"),
    [(b"\x03\xe8", 1000, ""), (b"\x03\xe9bye", 1001, "bye"), (b"\x13\x87", 4999, "")],
)
def test_the_reply_repeats_the_code_without_a_reason(
    role: str, body: bytes, code: int, reason: str
) -> None:
    """The application is told first, then the reply goes out."""
    peer = endpoint(role)
    step = peer.receive(peer.from_peer(0x88, body))
    assert (step.events, step.output) == ((Closing(code, reason),), b"")
    connection = step.connection
    assert connection.state is State.CLOSE_RECEIVED
    assert connection.transport is Transport.KEEP
    assert connection.reply_code == code
    step = connection.close(connection.reply_code)
    assert close_in(step.output) == (code, "")
    assert step.connection.state is State.CLOSE_EXCHANGED
    assert step.connection.closing_code == code
    assert step.connection.receive_eof().events == (Disconnected("closed", True, code),)


@pytest.mark.rfc("RFC6455-7.1.5-02", "RFC6455-7.4.1-07", "RFC6455-5.5.1-12")
@pytest.mark.parametrize("role", ROLES)
def test_an_empty_close_is_reported_as_1005_and_answered_with_an_empty_one(role: str) -> None:
    """1005 never goes on the wire."""
    peer = endpoint(role)
    step = peer.receive(peer.from_peer(0x88))
    assert step.events == (Closing(1005, ""),)
    connection = step.connection
    assert connection.reply_code is None
    assert (connection.closing_code, connection.closing_reason) == (1005, "")
    step = connection.close(connection.reply_code)
    assert close_in(step.output) == (None, "")
    assert step.connection.receive_eof().events == (Disconnected("closed", True, 1005),)
    step = peer.connection.close().connection.receive(peer.from_peer(0x88))
    assert step.events == (Closed(1005, ""),)


@pytest.mark.rfc("RFC6455-5.5.1-12", "RFC6455-7.1.5-01")
@pytest.mark.parametrize("role", ROLES)
def test_the_application_may_answer_with_another_code(role: str) -> None:
    """What is reported stays what was received."""
    connection = in_state(role, State.CLOSE_RECEIVED)
    step = connection.close(4000, "other")
    assert close_in(step.output) == (4000, "other")
    assert (step.connection.closing_code, step.connection.closing_reason) == (1001, "bye")


@pytest.mark.rfc("RFC6455-5.5.1-13", "RFC6455-5.5.1-20")
@pytest.mark.parametrize("role", ROLES)
def test_messages_owed_are_sent_before_the_reply(role: str) -> None:
    """Echoes of what came before the Close, in the same read; nothing behind our own."""
    peer = endpoint(role)
    step = peer.receive(peer.from_peer(0x81, b"a") + peer.from_peer(0x88, b"\x03\xe8"))
    assert step.events == (Text("a"), Closing(1000, ""))
    step = step.connection.send_text("a")
    output = step.output
    step = step.connection.close(step.connection.reply_code)
    output += step.output
    assert frames_in(output) == [(0x81, b"a"), (0x88, b"\x03\xe8")]
    with pytest.raises(WebSocketUnavailable):
        step.connection.send_text("b")


@pytest.mark.rfc("RFC6455-5.5.1-21", "RFC6455-5.5.2-02", "RFC6455-5.5.1-20")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "state", [State.CLOSE_RECEIVED, State.CLOSE_EXCHANGED, State.FAILED, State.CLOSED]
)
def test_nothing_is_read_behind_the_peers_close(role: str, state: State) -> None:
    """Data, Pings, a second Close and garbage lead to nothing at all."""
    peer = endpoint(role)
    connection = in_state(role, state)
    assert is_deaf(
        connection,
        peer.from_peer(0x81, b"x"),
        peer.from_peer(0x89, b"x"),
        peer.from_peer(0x88, b"\x03\xe8"),
        peer.from_peer(0x88, b"\x00"),
        b"\xff" * 100,
    )


@pytest.mark.rfc("RFC6455-5.5.1-19")
def test_closes_that_cross_complete_the_handshake_on_both_sides() -> None:
    """Each side has sent and received one, and neither sends another."""
    client_step = endpoint("client").connection.close(1000, "c")
    server_step = endpoint("server").connection.close(1001, "s")
    client = client_step.connection.receive(server_step.output)
    server = server_step.connection.receive(client_step.output)
    assert (client.events, client.output) == ((Closed(1001, "s"),), b"")
    assert (server.events, server.output) == ((Closed(1000, "c"),), b"")
    assert client.connection.state is server.connection.state is State.CLOSE_EXCHANGED
    assert client.connection.transport is Transport.AWAIT_PEER
    assert server.connection.transport is Transport.CLOSE


# The transport ends


@pytest.mark.rfc("RFC6455-7.1.4-01", "RFC6455-7.1.4-02", "RFC6455-7.1.5-03", "RFC6455-7.2.1-02")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("state", list(State)[:-1])
def test_the_end_of_the_transport_is_told_once(role: str, state: State) -> None:
    """It is graceful only after a Close each way; without a Close received the code is 1006."""
    connection = in_state(role, state)
    step = connection.receive_eof()
    (event,) = step.events
    assert isinstance(event, Disconnected)
    assert step.output == b""
    received = state in (State.CLOSE_RECEIVED, State.CLOSE_EXCHANGED)
    assert event.graceful == (state is State.CLOSE_EXCHANGED)
    assert event.code == (1001 if received else 1006)
    ended = step.connection
    assert ended.state is State.CLOSED
    assert (ended.closing_code, ended.closing_reason) == (event.code, "bye" if received else "")
    again = ended.receive_eof(reason="again")
    assert again == Step(ended, (), b"")
    assert again.connection is ended


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (State.CONNECTING, "connection lost during the opening handshake"),
        (State.OPEN, "connection lost"),
        (State.CLOSE_SENT, "connection lost during the closing handshake"),
        (State.CLOSE_RECEIVED, "connection lost during the closing handshake"),
        (State.CLOSE_EXCHANGED, "closed"),
        (State.FAILED, "connection failed"),
    ],
)
def test_the_reason_of_the_end_says_what_it_interrupted(
    role: str, state: State, reason: str
) -> None:
    """Unless the transport knows better."""
    connection = in_state(role, state)
    (event,) = connection.receive_eof().events
    assert isinstance(event, Disconnected)
    assert event.reason == reason
    (event,) = connection.receive_eof(reason="reset by the peer").events
    assert isinstance(event, Disconnected)
    assert event.reason == "reset by the peer"
    (event,) = connection.receive_eof(detail="reset").events
    assert isinstance(event, Disconnected)
    assert event.reason == ("closed" if reason == "closed" else f"{reason}; reset")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("deflate", [False, True])
def test_an_end_in_the_middle_of_a_frame_or_message_is_told_as_such(
    role: str, deflate: bool
) -> None:
    """Inside a header, inside a payload, between fragments."""
    peer = endpoint(role, deflate=deflate)
    whole = peer.from_peer(0x82, b"abc")
    for cut in range(1, len(whole)):
        (event,) = peer.receive(whole[:cut]).connection.receive_eof().events
        assert isinstance(event, Disconnected)
        assert event.reason == "connection lost in the middle of a frame"
    (event,) = peer.receive(peer.from_peer(0x02)).connection.receive_eof().events
    assert isinstance(event, Disconnected)
    assert event.reason == "connection lost in the middle of a message"
    (event,) = peer.receive(whole).connection.receive_eof().events
    assert isinstance(event, Disconnected)
    assert event.reason == "connection lost"


@pytest.mark.rfc("RFC6455-7.1.5-03", "RFC6455-7.4.1-08")
@pytest.mark.parametrize("role", ROLES)
def test_while_open_no_code_is_reported(role: str) -> None:
    """Nor a reason."""
    connection = endpoint(role).connection
    assert (connection.closing_code, connection.closing_reason) == (None, "")
    assert connection.reply_code is None


def test_events_carry_the_time_they_are_given() -> None:
    """The core reads no clock."""
    peer = endpoint("client")
    step = peer.connection.receive(peer.from_peer(0x88), 12.5)
    assert [event.received_time for event in step.events] == [12.5]
    step = step.connection.receive_eof(13.5)
    assert [event.received_time for event in step.events] == [13.5]


# Both roles, every interleaving


class Wire(NamedTuple):
    """A client and a server, and the writes that are on their way."""

    client: Connection
    server: Connection
    to_server: tuple[bytes, ...] = ()
    to_client: tuple[bytes, ...] = ()
    ended: bool = False  # the server has ended TCP


@pytest.mark.rfc(
    "RFC6455-5.5.1-10",
    "RFC6455-5.5.1-15",
    "RFC6455-5.5.1-19",
    "RFC6455-5.5.1-20",
    "RFC6455-7.1.4-01",
)
def test_every_interleaving_of_the_closing_handshake_ends_cleanly() -> None:
    """Whoever closes first, or both, with messages on the way: each sends one Close."""
    start = Wire(endpoint("client").connection, endpoint("server").connection)
    visited = {start}
    waiting = [start]
    ends: set[Wire] = set()
    while waiting:
        wire = waiting.pop()
        following = list(moves(wire))
        if not following:
            ends.add(wire)
        for after in following:
            if after not in visited:
                visited.add(after)
                waiting.append(after)
    assert len(visited) > 50
    for wire in ends:
        assert wire.client.state is wire.server.state is State.CLOSED
        for connection, codes in ((wire.client, (1001, 1000)), (wire.server, (1000, 1001))):
            assert connection.sent_close
            assert connection.closing_code in codes
    assert {(wire.client.closing_code, wire.server.closing_code) for wire in ends} == {
        (1000, 1000),  # the client began
        (1001, 1001),  # the server began
        (1001, 1000),  # both did
    }


def moves(wire: Wire) -> Iterator[Wire]:
    """Return what can happen next: either side acts, or a write arrives."""
    client, server, to_server, to_client, ended = wire
    for after, output in own_moves(client, 1000):
        yield wire._replace(client=after, to_server=to_server + output)
    for after, output in own_moves(server, 1001):
        yield wire._replace(server=after, to_client=to_client + output)
    if to_server:
        step = server.receive(to_server[0])
        assert not any(is_failure(event) for event in step.events)
        yield wire._replace(server=step.connection, to_server=to_server[1:])
    if to_client:
        step = client.receive(to_client[0])
        assert not any(is_failure(event) for event in step.events)
        yield wire._replace(client=step.connection, to_client=to_client[1:])
    if server.transport is Transport.CLOSE and not ended:
        step = server.receive_eof()
        yield wire._replace(server=step.connection, ended=True)
    if ended and not to_client and client.state is not State.CLOSED:
        step = client.receive_eof()
        (event,) = step.events
        assert isinstance(event, Disconnected)
        assert event.graceful
        yield wire._replace(client=step.connection)


def own_moves(connection: Connection, code: int) -> Iterator[tuple[Connection, tuple[bytes, ...]]]:
    """Return what one side can do by itself: one message, and its Close."""
    if connection.state is State.OPEN:
        if connection.sending.message is None:  # begins its only message
            step = connection.send_text("a", fin=False)
            yield step.connection, (step.output,)
        step = connection.close(code)
        yield step.connection, (step.output,)
    elif connection.state is State.CLOSE_RECEIVED:
        step = connection.close(connection.reply_code)
        yield step.connection, (step.output,)


def is_failure(event: Event) -> bool:
    """Whether an event tells of a violation."""
    return event.name == "protocol_error"
