"""What holds for a connection of either role, whatever its peer sends."""

from __future__ import annotations

import pickle
import tracemalloc
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec_tests.expectations import ROLES, frames_in, is_deaf
from spec_tests.playbook import KEY, NONCE, SEED, endpoint, feed, open_pair
from spec_tests.streams import LIMITS, OPENED, Scene, cut_at, cuts, edges, scenes
from wsref.protocol.chunks import Chunks
from wsref.protocol.closing import State
from wsref.protocol.connection import Connection, Step
from wsref.protocol.deflate import DeflateOffer
from wsref.protocol.events import (
    Binary,
    Disconnected,
    Event,
    Ping,
    Pong,
    ProtocolError,
    Requested,
    Text,
)
from wsref.protocol.frames import parse_frame
from wsref.protocol.limits import Limits
from wsref.protocol.uri import parse_uri
from wsref.testing import cut

CLIENT, _EVENTS, REQUEST = Connection.connect(
    parse_uri("ws://example.com/"), NONCE, seed=SEED, limits=LIMITS
)
SERVER = Connection.listen(limits=LIMITS)
UNDECIDED = SERVER.receive(REQUEST).connection
RESPONSE = UNDECIDED.accept().output


def copied(connection: Connection) -> Connection:
    """Return an equal connection that shares no object with *connection*."""
    other: Connection = pickle.loads(pickle.dumps(connection))
    return other


# Any split of the stream


@pytest.mark.rfc("RFC6455-6.2-01", "RFC6455-5.4-13")
@given(scenes(), cuts())
def test_any_split_of_the_stream_gives_the_same_events_output_and_state(
    scene: Scene, sizes: list[int]
) -> None:
    """Property: legal or not, only the bytes count, not how TCP cuts them up."""
    whole = scene.connection.receive(scene.data)
    connection, events, output = feed(scene.connection, cut(scene.data, sizes))
    assert tuple(events) == whole.events
    assert output == whole.output
    assert connection == whole.connection
    assert hash(connection) == hash(whole.connection)


@pytest.mark.rfc("RFC6455-6.2-01")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("deflate", [False, True])
def test_the_state_does_not_depend_on_where_the_reads_ended(role: str, deflate: bool) -> None:
    """Property: every beginning of a stream with everything in it, cut in two at every byte."""
    peer = endpoint(role, deflate=deflate)
    stream = b"".join(
        peer.from_peer(first_byte, payload)
        for first_byte, payload in [
            (0x81, b"a"),
            (0x01, b"\xe2\x82"),  # the fragment ends inside a character
            (0x89, b"1"),
            (0x00, b""),
            (0x8A, b"2"),
            (0x80, b"\xac"),
            (0x02, b"bc"),
            (0x80, bytes(126)),
            (0xC1 if deflate else 0x81, bytes.fromhex("f248cdc9c90700") if deflate else b"Hello"),
            (0x41 if deflate else 0x01, bytes.fromhex("f200") if deflate else b"Hel"),
            (0x80, bytes.fromhex("110000") if deflate else b"lo"),
            (0x88, b"\x03\xe8"),
        ]
    )
    for end in range(len(stream) + 1):
        whole = peer.receive(stream[:end])
        for edge in range(0, end, 1 if end < 90 else 17):
            connection, events, output = feed(peer.connection, [stream[:edge], stream[edge:end]])
            assert (connection, tuple(events), output) == whole


@pytest.mark.rfc("RFC6455-6.2-01")
@given(scenes(), cuts(), st.booleans())
def test_any_split_of_handshake_and_stream_gives_the_same(
    scene: Scene, sizes: list[int], is_client: bool
) -> None:
    """Property: frames in the same segment as the opening handshake are kept."""
    if is_client:
        start, data = CLIENT, RESPONSE + scene.data
    else:
        start, data = SERVER, REQUEST + scene.data
    whole = start.receive(data)
    connection, events, output = feed(start, cut(data, sizes))
    assert (connection, tuple(events), output) == whole
    if is_client:
        return
    assert isinstance(events[0], Requested)
    if connection.state is State.CONNECTING:
        accepted = connection.accept()
        assert accepted == whole.connection.accept()
        later = UNDECIDED.accept()
        assert later.connection.receive(scene.data) == Step(
            accepted.connection, accepted.events[1:], accepted.output[len(later.output) :]
        )


# The fast path


@pytest.mark.rfc("RFC6455-6.2-01")
@given(scenes())
def test_the_fast_path_and_the_general_path_agree_on_every_input(scene: Scene) -> None:
    """Property: whole messages taken by the short loop, or like everything else.

    The short loop is chosen by the identity of the state between messages, so an equal
    connection that was pickled takes the general path.
    """
    general = copied(scene.connection)
    assert general == scene.connection
    assert general.reading is not scene.connection.reading
    assert general.receive(scene.data) == scene.connection.receive(scene.data)


@pytest.mark.parametrize("role", ROLES)
def test_a_pickled_connection_takes_the_general_path(
    role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the property above relies on."""
    peer = endpoint(role)
    data = peer.from_peer(0x81, b"x")
    general: list[bytes] = []
    method: Callable[..., Step] = getattr(Connection, "_receive_anything")  # noqa: B009

    def noted(connection: Connection, data: bytes, *rest: object) -> Step:
        general.append(data)
        return method(connection, data, *rest)

    monkeypatch.setattr(Connection, "_receive_anything", noted)
    assert peer.connection.receive(data).events == (Text("x"),)
    assert general == []
    assert copied(peer.connection).receive(data).events == (Text("x"),)
    assert general == [data]


@given(
    st.sampled_from(ROLES),
    st.booleans(),
    st.lists(st.one_of(st.text(max_size=9), st.binary(max_size=9)), max_size=6),
)
def test_whole_messages_leave_the_connection_as_it_was(
    role: str, deflate: bool, contents: list[str | bytes]
) -> None:
    """Property: the very same object comes back, by whichever path."""
    peer = endpoint(role)
    connection = OPENED[role, deflate, True]
    data = b"".join(
        peer.from_peer(0x81, content.encode())
        if isinstance(content, str)
        else peer.from_peer(0x82, content)
        for content in contents
    )
    step = connection.receive(data)
    assert step.connection is connection
    assert step.events == tuple(
        Text(content) if isinstance(content, str) else Binary(content) for content in contents
    )


@given(scenes())
def test_a_step_that_changes_nothing_returns_the_same_object(scene: Scene) -> None:
    """Property: read frame by frame, equal connections before and after are identical."""
    connection = scene.connection
    data = scene.data
    while parsed := parse_frame(data):
        _frame, end = parsed
        before, connection = connection, connection.receive(data[:end]).connection
        data = data[end:]
        if connection == before:
            assert connection is before


# Any bytes


@pytest.mark.rfc("RFC6455-7.1.7-07")
@given(scenes(), st.binary(max_size=60), st.binary(max_size=60))
def test_no_bytes_make_receive_raise(scene: Scene, garbage: bytes, more: bytes) -> None:
    """Property: in every state they lead to events at most."""
    states = [
        CLIENT,
        SERVER,
        UNDECIDED,
        UNDECIDED.reject().connection,
        scene.connection,
        scene.connection.receive(scene.data).connection,
        scene.connection.close().connection,
        scene.connection.receive_eof().connection,
    ]
    for connection in states:
        step = connection.receive(garbage)
        step = step.connection.receive(more)
        step = step.connection.receive_eof()
        assert step.connection.state is State.CLOSED


@given(
    st.sampled_from([CLIENT, SERVER]),
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    REQUEST,
                    RESPONSE,
                    b"GET / HTTP/1.1\r\n",
                    b"HTTP/1.1 101 Switching Protocols\r\n",
                    b"Sec-WebSocket-Key: ",
                    b"Sec-WebSocket-Extensions: permessage-deflate; ",
                    b"Connection: Upgrade\r\n",
                    b"\r\n\r\n",
                    b"\r\n",
                ]
            ),
            st.binary(max_size=8),
        ),
        max_size=6,
    ),
)
def test_no_handshake_makes_receive_raise(connection: Connection, pieces: list[bytes]) -> None:
    """Property: heads put together from good and bad pieces."""
    whole = connection.receive(b"".join(pieces))
    after, events, output = feed(connection, pieces)
    assert (after, tuple(events), output) == whole


@pytest.mark.rfc("RFC6455-7.1.7-07", "RFC6455-5.5.1-20", "RFC6455-7.1.7-05")
@given(scenes(), cuts(), st.binary(max_size=30))
def test_a_connection_fails_at_most_once_and_is_silent_from_then_on(
    scene: Scene, sizes: list[int], more: bytes
) -> None:
    """Property: one ProtocolError, the last event; one Close, the last frame; then nothing."""
    connection, events, output = feed(scene.connection, cut(scene.data, sizes))
    failures = [event for event in events if isinstance(event, ProtocolError)]
    assert failures == ([events[-1]] if connection.state is State.FAILED else [])
    sent = [first_byte for first_byte, _payload in frames_in(output)]
    if failures:
        assert failures[0].critical == scene.connection.sent_close
        assert sent.count(0x88) == (0 if failures[0].critical else 1)
        assert 0x88 not in sent[:-1]
    else:
        assert 0x88 not in sent
    if not connection.reads:
        assert is_deaf(connection, more, scene.data)
    names = [event.name for event in connection.receive_eof().events]
    assert names == ["disconnected"]


# Values


@given(scenes(), scenes(), cuts())
def test_a_step_is_not_seen_by_the_state_it_began_in(
    scene: Scene, other: Scene, sizes: list[int]
) -> None:
    """Property: any state on the way can be stepped again, differently, and is none the wiser."""
    connection = scene.connection
    half = len(scene.data) // 2
    connection = connection.receive(scene.data[:half]).connection
    rest = scene.data[half:]
    before, hashed = copied(connection), hash(connection)
    first = connection.receive(rest)
    feed(connection, cut(other.data, sizes))
    if connection.may_send_data and connection.sending.message is None:
        connection.send_text("x" * 50)
        connection.send_binary(b"y", fin=False)
        connection.close(1001)
    connection.receive_eof()
    assert connection == before
    assert hash(connection) == hashed == hash(before)
    assert connection.receive(rest) == first
    assert before.receive(rest) == first


def held(value: object) -> int:
    """Count the bytes of payload that a connection holds on to."""
    if isinstance(value, Chunks):
        return value.size
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, tuple):
        return sum(map(held, cast(tuple[object, ...], value)))
    return 0


@pytest.mark.rfc("RFC6455-10.4-01", "RFC6455-10.4-02")
@given(scenes(), cuts())
def test_what_is_held_is_bounded_by_the_limits(scene: Scene, sizes: list[int]) -> None:
    """Property: a message, what compressing adds to it, a control frame and a header."""
    limit = LIMITS.message_size
    connection = scene.connection
    window = 0
    for chunk in cut(scene.data, sizes):
        step = connection.receive(chunk)
        connection = step.connection
        window += sum(
            len(event.data) if isinstance(event, Binary) else len(event.text.encode())
            for event in step.events
            if isinstance(event, (Binary, Text))
        )
        assert held(connection.reading) <= limit + limit // 8 + 64 + 125 + 14 + window


@pytest.mark.rfc("RFC6455-10.4-01")
@pytest.mark.parametrize("role", ROLES)
def test_what_follows_a_control_frame_is_not_copied(role: str) -> None:
    """A read of many control frames costs time in proportion to its size.

    If the rest of the read were copied behind each, so would it be behind this one, and the
    copy would be held beside the payload.
    """
    size = 4_000_000
    peer = endpoint(role)
    data = peer.from_peer(0x8A) + peer.from_peer(0x82, b"")[:1]
    data += bytes([0x7F if role == "client" else 0xFF]) + (2 * size).to_bytes(8, "big")
    data += (b"" if role == "client" else KEY) + bytes(size)
    tracemalloc.start()
    try:
        step = peer.receive(data)
        _current, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert step.events == (Pong(b""),)
    # Masking needs two copies for itself.
    assert peak < size * (1.5 if role == "client" else 3.5)


# Both roles


class Sent(NamedTuple):
    """A message of a conversation."""

    by_client: bool
    content: bytes | str
    fragments: Sequence[bytes | str]
    compress: bool


strings = st.one_of(st.text(max_size=20), st.just("to be or not to be " * 9))
byte_strings = st.one_of(st.binary(max_size=20), st.just(bytes(range(200))))


@st.composite
def conversations(draw: st.DrawFn) -> list[Sent]:
    """Draw messages in both directions, some of them in fragments."""
    sent: list[Sent] = []
    for _ in range(draw(st.integers(0, 6))):
        fragments: Sequence[bytes | str]
        content: bytes | str
        if draw(st.booleans()):
            content = draw(strings)
            fragments = cut_at(content, draw(edges))
        else:
            content = draw(byte_strings)
            fragments = cut_at(content, draw(edges))
        sent.append(Sent(draw(st.booleans()), content, fragments, draw(st.booleans())))
    return sent


def send_in(
    connection: Connection, fragments: Sequence[bytes | str], compress: bool, ping: bool
) -> tuple[Connection, bytes]:
    """Send a message in fragments, with a Ping between them."""
    output = b""
    last = len(fragments) - 1
    for i, fragment in enumerate(fragments):
        if i:
            step = connection.send_continuation(fragment, fin=i == last)
        elif isinstance(fragment, str):
            step = connection.send_text(fragment, compress, fin=i == last)
        else:
            step = connection.send_binary(fragment, compress, fin=i == last)
        connection = step.connection
        output += step.output
        if ping and i < last:
            connection, _events, written = connection.send_ping(b"%d" % i)
            output += written
    return connection, output


OFFERS: list[Sequence[DeflateOffer]] = [
    [],
    [DeflateOffer()],
    [DeflateOffer(server_no_context_takeover=True, client_no_context_takeover=True)],
    [DeflateOffer(server_max_window_bits=9, client_max_window_bits=9)],
]
PAIRS = [open_pair(offers=offers) for offers in OFFERS]


@pytest.mark.rfc(
    "RFC6455-5.4-10", "RFC6455-5.4-12", "RFC6455-5.6-04", "RFC7692-6.2-01", "RFC7692-6.2-02"
)
@given(st.sampled_from(PAIRS), conversations(), st.booleans(), cuts(), st.booleans())
def test_what_one_role_sends_the_other_receives(
    pair: tuple[Connection, Connection],
    sent: list[Sent],
    ping: bool,
    sizes: list[int],
    forgetful: bool,
) -> None:
    """Property: messages whole or in fragments, compressed or not, in any reads.

    Also if the connections are pickled between messages, so that nothing hidden is left.
    """
    client, server = pair
    for by_client, content, fragments, compress in sent:
        sender, receiver = (client, server) if by_client else (server, client)
        sender, output = send_in(sender, fragments, compress, ping)
        receiver, events, replies = feed(receiver, cut(output, sizes))
        pings = [Ping(b"%d" % i) for i in range(len(fragments) - 1)] if ping else []
        message = Text(content) if isinstance(content, str) else Binary(content)
        assert events == [*pings, message]
        sender, answers, _output = sender.receive(replies)
        assert list(answers) == [Pong(event.data) for event in pings]
        if forgetful:
            sender, receiver = copied(sender), copied(receiver)
        client, server = (sender, receiver) if by_client else (receiver, sender)
    step = client.close(1000, "done")
    server = server.receive(step.output).connection
    reply = server.close(server.reply_code)
    ended = step.connection.receive(reply.output).connection.receive_eof()
    assert ended.events == (Disconnected("closed", True, 1000),)


@given(scenes(), st.booleans())
def test_the_same_state_and_input_always_give_the_same_step(scene: Scene, pickled: bool) -> None:
    """Property: a step is a function; masking keys of replies included."""
    again = copied(scene.connection) if pickled else scene.connection
    assert again.receive(scene.data, 1.0) == scene.connection.receive(scene.data, 2.0)


@given(scenes())
def test_events_carry_the_time_of_the_read(scene: Scene) -> None:
    """Property: every event of a step, by whichever path."""
    events: Sequence[Event] = scene.connection.receive(scene.data, 7.5).events
    assert [event.received_time for event in events] == [7.5] * len(events)


@pytest.mark.rfc("RFC6455-10.4-02")
@given(st.integers(0, 200), st.integers(0, 200), cuts(), st.sampled_from(ROLES))
def test_a_message_is_accepted_if_and_only_if_it_is_within_the_limit(
    size: int, limit: int, sizes: list[int], role: str
) -> None:
    """Property: whole, in fragments, on the fast and on the general path."""
    peer = endpoint(role, limits=Limits(message_size=limit))
    data = bytes(size)
    streams = [
        peer.from_peer(0x82, data),
        peer.from_peer(0x02, data[: size // 2]) + peer.from_peer(0x80, data[size // 2 :]),
    ]
    for stream in streams:
        connection, events, _output = feed(peer.connection, cut(stream, sizes))
        if size <= limit:
            assert events == [Binary(data)]
        else:
            (event,) = events
            assert isinstance(event, ProtocolError)
            assert event.code == 1009
            assert connection.state is State.FAILED
