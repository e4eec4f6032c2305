"""Everything that a connection is made of is a value."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import cast

import pytest

from spec_tests.expectations import ROLES
from spec_tests.playbook import KEY, NONCE, SEED, endpoint
from wsref.protocol import events as events_module
from wsref.protocol.chunks import EMPTY, Chunks
from wsref.protocol.closing import State, Transport
from wsref.protocol.connection import Connection, Step
from wsref.protocol.deflate import DEFAULT_OFFER
from wsref.protocol.events import (
    BackOff,
    Binary,
    Closed,
    Closing,
    Connected,
    ConnectFail,
    Connecting,
    Disconnected,
    Event,
    Ping,
    Poll,
    Pong,
    ProtocolError,
    Ready,
    Rejected,
    Requested,
    Text,
    Unresponsive,
)
from wsref.protocol.frames import parse_frame
from wsref.protocol.http import Request, Response
from wsref.protocol.limits import DEFAULT_LIMITS, Limits
from wsref.protocol.uri import parse_uri


def every_state(role: str, deflate: bool) -> Iterator[Connection]:
    """Yield connections of one role in every state and in the middle of everything."""
    client, _events, request = Connection.connect(
        parse_uri("ws://example.com/"),
        NONCE,
        seed=SEED,
        subprotocols=["chat"],
        offers=[DEFAULT_OFFER],
        headers=(("X-Long", "x" * 5000),),
    )
    if role == "client":
        yield client
        yield client.receive(b"HTTP/1.1 101 " + b"x" * 5000).connection
        yield client.receive(b"HTTP/1.1 404 Not Found\r\n\r\n").connection
    else:
        server = Connection.listen()
        yield server
        yield server.receive(request[:-1]).connection
        yield server.receive(request).connection
        yield server.receive(request + b"x" * 5000).connection
        yield server.receive(request).connection.reject().connection
    peer = endpoint(role, deflate=deflate)
    opened = peer.connection
    yield opened
    for data in (
        peer.from_peer(0x82, bytes(70_000))[:1],
        peer.from_peer(0x82, bytes(70_000))[:9],
        peer.from_peer(0x82, bytes(70_000))[:-1],
        peer.from_peer(0x01, b"\xe2\x82"),
        peer.from_peer(0x02, bytes(5000)) + peer.from_peer(0x89, b"ping")[:-1],
        peer.from_peer(0x83),
        peer.from_peer(0x88, b"\x03\xe8" + b"x" * 123),
    ):
        yield opened.receive(data).connection
    yield opened.send_text("x" * 5000).connection
    yield opened.send_text("x" * 5000, fin=False).connection
    closing = opened.close(1000, "x" * 123).connection
    yield closing
    closing = closing.receive(peer.from_peer(0x88)).connection
    yield closing
    yield closing.receive_eof().connection
    if deflate:
        yield opened.receive(peer.from_peer(0xC2, bytes.fromhex("f248cdc9c90700"))).connection


def parts_of(value: object) -> Iterator[object]:
    """Yield a value and the tuples that it consists of, but plain ones."""
    if hasattr(value, "_fields"):
        yield value
        for part in cast(tuple[object, ...], value):
            yield from parts_of(part)


STATES = [
    connection
    for role in ROLES
    for deflate in (False, True)
    for connection in every_state(role, deflate)
]
RESPONSE = Response(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
EVENTS: list[Event] = [
    Connecting("ws://example.com/"),
    ConnectFail("refused"),
    Connected("ws://example.com/"),
    Requested(Request("GET", "/", "HTTP/1.1", (("Host", "example.com"),))),
    Ready(RESPONSE, "chat", frozenset({"permessage-deflate"})),
    Rejected(RESPONSE, "no"),
    Text("x"),
    Binary(b"x"),
    Ping(b"x"),
    Pong(b"x"),
    Poll(),
    Unresponsive(),
    ProtocolError("bad", False, "RFC6455-5.4-03", 1002),
    Closing(1000, "bye"),
    Closed(1000, "bye"),
    Disconnected(),
    BackOff(1.5),
]


@pytest.mark.parametrize("connection", STATES)
def test_a_connection_and_its_parts_cannot_be_changed(connection: Connection) -> None:
    """No attribute can be set, replaced or added, in any part of any state."""
    for part in parts_of(connection):
        assert not hasattr(part, "__dict__")
        names = [*getattr(part, "_fields"), "anything_new"]  # noqa: B009
        for name in names:
            with pytest.raises(AttributeError):
                setattr(part, name, None)


@pytest.mark.parametrize("connection", STATES)
def test_a_connection_and_its_parts_are_equal_to_their_copies(connection: Connection) -> None:
    """Copied, deeply copied and pickled: equal, with the same hash, and stepping alike."""
    for part in parts_of(connection):
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(part, protocol)) == part
        for same in (copy.copy(part), copy.deepcopy(part), pickle.loads(pickle.dumps(part))):
            assert same == part
            assert (same != part) is False
            assert hash(same) == hash(part)
            assert type(same) is type(part)
            assert repr(same) == repr(part)
    same = pickle.loads(pickle.dumps(connection))
    for name in (
        "state",
        "reads",
        "may_send_data",
        "sent_close",
        "transport",
        "closing_code",
        "closing_reason",
        "reply_code",
        "subprotocol",
        "extensions",
        "deflate",
        "is_client",
    ):
        assert getattr(same, name) == getattr(connection, name)
    for data in (b"", b"\x81\x01x", b"\x89\x00", bytes(100)):
        assert same.receive(data) == connection.receive(data)
    assert same.receive_eof() == connection.receive_eof()


@pytest.mark.parametrize("connection", STATES)
def test_the_repr_of_a_connection_and_its_parts_is_short(connection: Connection) -> None:
    """It fits into a log, whatever the peer has sent, and keeps the seed a secret."""
    assert len(repr(connection)) < 60
    for part in parts_of(connection):
        assert len(repr(part)) < 500
        assert repr(SEED)[2:12] not in repr(part)


def test_states_are_told_apart() -> None:
    """No two of the situations above are equal, but those that are the same."""
    assert len(set(STATES)) > len(STATES) // 2
    assert STATES[0] != object()


@pytest.mark.parametrize("connection", STATES)
def test_steps_that_change_nothing_return_the_same_connection(connection: Connection) -> None:
    """Empty reads, and whatever comes where nothing is read; a second end of the transport."""
    assert connection.receive(b"").connection is connection
    assert connection.receive(b"") == Step(connection, (), b"")
    if not connection.reads:
        assert connection.receive(b"x" * 100).connection is connection
    ended = connection.receive_eof().connection
    assert ended.receive_eof().connection is ended
    assert ended.receive(b"x").connection is ended
    assert ended.close().connection is ended


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("deflate", [False, True])
def test_whole_messages_pings_and_pongs_return_the_same_connection(
    role: str, deflate: bool
) -> None:
    """With compression too; only a client's Pong counts the masking key that it used."""
    peer = endpoint(role, deflate=deflate)
    connection = peer.connection
    for data in (
        peer.from_peer(0x81, b"x"),
        peer.from_peer(0x82, bytes(70_000)),
        peer.from_peer(0x8A, b"x"),
        peer.from_peer(0x01, b"x") + peer.from_peer(0x80, b"y"),
        peer.from_peer(0x01, b"x") + peer.from_peer(0x8A) + peer.from_peer(0x80, b"y"),
    ):
        assert connection.receive(data).connection is connection
    step = connection.receive(peer.from_peer(0x89, b"x"))
    assert (step.connection is connection) == (role == "server")
    silent = endpoint(role, deflate=deflate, auto_pong=False).connection
    assert silent.receive(peer.from_peer(0x89, b"x")).connection is silent
    begun = connection.receive(peer.from_peer(0x01, b"x")).connection
    assert begun.receive(peer.from_peer(0x8A)).connection is begun


def test_the_step_after_the_handshake_can_be_compared() -> None:
    """Two connections that lived the same life are equal."""
    assert (
        endpoint("client", deflate=True).connection == endpoint("client", deflate=True).connection
    )
    assert endpoint("server").connection == endpoint("server").connection
    assert endpoint("client").connection != endpoint("server").connection
    assert endpoint("client").connection != endpoint("client", auto_pong=False).connection


def test_every_event_is_listed_here() -> None:
    """So that the tests below hold for all of them."""
    assert {type(event).__name__ for event in EVENTS} | {"Event"} == set(events_module.__all__)


@pytest.mark.parametrize("event", EVENTS)
def test_events_are_values(event: Event) -> None:
    """Frozen, slotted, hashable, equal to their copies, named in lower case."""
    assert not hasattr(event, "__dict__")
    for name in (*event.__match_args__, "received_time", "something"):
        with pytest.raises(AttributeError):
            setattr(event, name, None)
        with pytest.raises(AttributeError):
            delattr(event, name)
    for same in (copy.copy(event), copy.deepcopy(event), pickle.loads(pickle.dumps(event))):
        assert same == event
        assert hash(same) == hash(event)
    words = "".join(
        f"_{letter.lower()}" if letter.isupper() else letter for letter in type(event).__name__
    )
    assert event.name == words.lstrip("_")
    assert event.received_time == 0.0
    assert event != event.name
    assert type(event).__name__ in repr(event)
    assert len(repr(event)) < 200


def test_events_of_different_types_are_never_equal() -> None:
    """Though they may hold the same."""
    assert len(set(EVENTS)) == len(EVENTS)
    alike: list[list[Event]] = [
        [Ping(b"x"), Pong(b"x"), Binary(b"x")],
        [Closing(1000, ""), Closed(1000, "")],
    ]
    for group in alike:
        for one in group:
            assert [other for other in group if other == one] == [one]
        assert len(set(group)) == len(group)


def test_events_have_the_values_of_the_rfc_where_none_are_given() -> None:
    """For tests and tools that make some: a failure, and an end that nobody announced."""
    error, end = ProtocolError("x", False), Disconnected()
    assert (error.code, error.clause, error.received_time) == (1002, "", 0.0)
    assert (end.reason, end.graceful, end.code, end.received_time) == ("closed", False, 1006, 0.0)


def test_events_tell_no_time_where_none_is_given() -> None:
    """It is 0 then, at all steps that have events."""
    client, server = Connection.connect(parse_uri("ws://a/"), NONCE, seed=SEED), Connection.listen()
    asked = server.receive(client.output)
    accepted = asked.connection.accept()
    answered = client.connection.receive(accepted.output)
    ended = answered.connection.receive_eof()
    for step in (asked, accepted, answered, ended):
        assert [event.received_time for event in step.events] == [0.0]


def test_the_time_of_an_event_takes_no_part_in_comparing() -> None:
    """Two reads of the same message give equal events."""
    assert Text("x", received_time=1.0) == Text("x", received_time=2.0)
    assert hash(Text("x", received_time=1.0)) == hash(Text("x"))


def test_the_repr_of_a_large_message_is_short() -> None:
    """It shows the beginning and says how much more there is."""
    assert repr(Text("x" * 10)) == f"Text(text={'x' * 10!r})"
    assert repr(Text("x" * 24)) == f"Text(text={'x' * 24!r})"
    assert repr(Text("x" * 1_000_000)) == f"Text(text={'x' * 24!r} + 999976 chars)"
    assert repr(Binary(bytes(1_000_000))) == f"Binary(data={bytes(24)!r} + 999976 bytes)"
    assert repr(BackOff(1.26)) == "BackOff(delay=1.3)"


def test_a_text_can_be_read_as_json() -> None:
    """Or raises what the json module raises."""
    assert Text('{"a": [1, null]}').json == {"a": [1, None]}
    with pytest.raises(ValueError, match="Expecting value"):
        _ = Text("no").json


def test_a_step_can_be_printed() -> None:
    """It does not show all of its output."""
    step = endpoint("server").connection.send_binary(bytes(1_000_000))
    assert len(repr(step)) < 200


def test_frames_for_tools_are_values_too() -> None:
    """Compared by content, with a short repr."""
    data = endpoint("client").own(0x82, bytes(5000))
    one, other = parse_frame(data), parse_frame(data)
    assert one is not None
    assert one == other
    assert hash(one) == hash(other)
    assert len(repr(one[0])) < 60
    assert pickle.loads(pickle.dumps(one)) == one


def test_small_values_are_equal_by_content() -> None:
    """Limits, states, chunks."""
    assert Limits() == DEFAULT_LIMITS
    assert pickle.loads(pickle.dumps(State.OPEN)) is State.OPEN
    assert pickle.loads(pickle.dumps(Transport.KEEP)) is Transport.KEEP
    assert repr(State.OPEN) == "State.OPEN"
    assert pickle.loads(pickle.dumps(EMPTY)) is EMPTY
    assert EMPTY.add(b"a").add(b"b") == EMPTY.add(b"ab")
    assert Chunks(None, KEY, 4, 0) == EMPTY.add(KEY)
