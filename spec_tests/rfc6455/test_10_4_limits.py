"""Limits on what a peer can make us hold (RFC 6455 §10.4)."""

from __future__ import annotations

import tracemalloc

import pytest

from spec_tests.expectations import ROLES, failed
from spec_tests.playbook import KEY, endpoint
from wsref.protocol.closing import State
from wsref.protocol.connection import Connection
from wsref.protocol.events import Binary, ProtocolError, Requested, Text
from wsref.protocol.limits import DEFAULT_LIMITS, Limits
from wsref.protocol.uri import parse_uri


@pytest.mark.rfc("RFC6455-10.4-02")
def test_the_default_limits_are_those_documented() -> None:
    """16 KiB of headers, messages of 64 MiB, about a million fragments."""
    assert Limits() == DEFAULT_LIMITS == Limits(16 * 1024, 64 * 1024 * 1024, 1024 * 1024)


@pytest.mark.rfc("RFC6455-10.4-01", "RFC6455-10.4-02", "RFC6455-7.4.1-11")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("first_byte", [0x81, 0x82, 0x01, 0x02])
@pytest.mark.parametrize("size", [101, 126, 65536, 2**62])
def test_a_frame_announced_over_the_limit_fails_with_1009_at_once(
    role: str, first_byte: int, size: int
) -> None:
    """From its header, before any payload has come."""
    if size < 126:
        head = bytes([size])
    elif size < 65536:
        head = b"\x7e" + size.to_bytes(2, "big")
    else:
        head = b"\x7f" + size.to_bytes(8, "big")
    if role == "server":
        head = bytes([head[0] | 0x80]) + head[1:] + KEY
    peer = endpoint(role, limits=Limits(message_size=100))
    step = peer.receive(bytes([first_byte]) + head)
    assert failed(step, 1009, "RFC6455-10.4-01") == ()


@pytest.mark.rfc("RFC6455-10.4-02")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("fragment", [1, 7, 50, 100])
def test_the_limit_counts_all_fragments_of_a_message(role: str, fragment: int) -> None:
    """At the limit all is well; the header that goes beyond it fails with 1009."""
    peer = endpoint(role, limits=Limits(message_size=100))
    step = peer.receive(peer.from_peer(0x02, b"x" * fragment))
    received = fragment
    while received + fragment <= 100:
        step = step.connection.receive(peer.from_peer(0x00, b"x" * fragment))
        assert step.events == ()
        received += fragment
    rest = peer.from_peer(0x80, b"x" * (100 - received))
    assert step.connection.receive(rest).events == (Binary(b"x" * 100),)
    too_much = peer.from_peer(0x80, b"x" * (101 - received))[: -(101 - received)]
    failed(step.connection.receive(too_much), 1009, "RFC6455-10.4-01")


@pytest.mark.rfc("RFC6455-10.4-02")
@pytest.mark.parametrize("role", ROLES)
def test_the_limit_is_per_message(role: str) -> None:
    """Any number of messages at the limit is fine, in one read or many."""
    peer = endpoint(role, limits=Limits(message_size=10))
    data = peer.from_peer(0x81, b"x" * 10) * 50
    step = peer.receive(data)
    assert step.events == (Text("x" * 10),) * 50
    assert step.connection.receive(data).events == step.events


@pytest.mark.rfc("RFC6455-10.4-02")
@pytest.mark.parametrize("role", ROLES)
def test_control_frames_do_not_count_towards_a_message(role: str) -> None:
    """Nor are they limited with it."""
    peer = endpoint(role, limits=Limits(message_size=4))
    data = (
        peer.from_peer(0x02, b"ab") + peer.from_peer(0x8A, b"x" * 125) + peer.from_peer(0x80, b"cd")
    )
    assert peer.receive(data).events[-1] == Binary(b"abcd")


@pytest.mark.rfc("RFC6455-10.4-01")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("payload", [b"", b"x"])
def test_too_many_fragments_fail_with_1009(role: str, payload: bytes) -> None:
    """Empty fragments have a limit too; at the limit all is well."""
    peer = endpoint(role, limits=Limits(fragments=5))
    step = peer.receive(peer.from_peer(0x02, payload) + peer.from_peer(0x00, payload) * 3)
    assert step.connection.receive(peer.from_peer(0x80, payload)).events == (Binary(payload * 5),)
    step = step.connection.receive(peer.from_peer(0x00, payload))
    assert step.connection.state is State.OPEN
    failed(step.connection.receive(peer.from_peer(0x80, payload)), 1009, "RFC6455-10.4-01")


@pytest.mark.rfc("RFC6455-10.4-01")
def test_a_request_head_over_the_limit_is_refused() -> None:
    """With HTTP's own status, whether its end has come or not."""
    limits = Limits(header_bytes=200)
    for data in (
        b"GET / HTTP/1.1\r\nX: " + b"x" * 200,
        b"GET / HTTP/1.1\r\nX: " + b"x" * 200 + b"\r\n\r\n",
    ):
        for step in (
            Connection.listen(limits=limits).receive(data),
            Connection.listen(limits=limits).receive(data[:150]).connection.receive(data[150:]),
        ):
            (event,) = step.events
            assert isinstance(event, ProtocolError)
            assert event.clause == "RFC6455-10.4-01"
            assert step.output.startswith(b"HTTP/1.1 431 ")
            assert step.connection.state is State.FAILED


@pytest.mark.rfc("RFC6455-10.4-01")
def test_a_head_may_be_as_large_as_the_limit() -> None:
    """And not a byte larger; what comes behind it does not count."""
    request = Connection.connect(
        parse_uri("ws://example.com/"), b"the sample nonce", seed=bytes(32)
    ).output
    exact = Connection.listen(limits=Limits(header_bytes=len(request)))
    for data in (request, request + b"more"):
        (event,) = exact.receive(data).events
        assert isinstance(event, Requested)
        (event,) = exact.receive(data[:-9]).connection.receive(data[-9:]).events
        assert isinstance(event, Requested)
    tight = Connection.listen(limits=Limits(header_bytes=len(request) - 1))
    (event,) = tight.receive(request).events
    assert isinstance(event, ProtocolError)


@pytest.mark.rfc("RFC6455-10.4-01")
@pytest.mark.parametrize("reads", [1, 4])
def test_too_many_bytes_before_the_handshakes_answer_are_refused(reads: int) -> None:
    """A server that has not decided yet keeps as much as one message may have, and no more."""
    request = Connection.connect(
        parse_uri("ws://example.com/"), b"the sample nonce", seed=bytes(32)
    ).output
    undecided = Connection.listen(limits=Limits(message_size=100)).receive(request).connection
    connection = undecided
    for _ in range(reads):
        connection = connection.receive(b"x" * (100 // reads)).connection
    assert connection.state is State.CONNECTING
    step = connection.receive(b"x")
    (event,) = step.events
    assert isinstance(event, ProtocolError)
    assert step.connection.state is State.FAILED
    assert step.output.startswith(b"HTTP/1.1 4")


@pytest.mark.rfc("RFC6455-10.4-01")
@pytest.mark.parametrize("role", ROLES)
def test_a_long_frame_announced_costs_nothing_before_it_comes(role: str) -> None:
    """64 MiB announced and ten bytes sent take a few kilobytes."""
    peer = endpoint(role)
    data = peer.from_peer(0x82, bytes(64 * 1024 * 1024 if role == "client" else 70_000))[:30]
    tracemalloc.start()
    try:
        connection = peer.receive(data).connection
        _current, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert connection.state is State.OPEN
    assert peak < 10_000


@pytest.mark.rfc("RFC6455-10.4-01")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("how", ["reads", "fragments"])
def test_a_message_in_single_bytes_is_held_in_bounded_memory(role: str, how: str) -> None:
    """Six thousand reads or fragments of one byte take a few bytes each."""
    size = 6000
    peer = endpoint(role)
    if how == "reads":
        pieces = [bytes([byte]) for byte in peer.from_peer(0x82, bytes(size + 1))[:size]]
    else:
        pieces = [peer.from_peer(0x02)] + [peer.from_peer(0x00, b"x")] * size
    connection = peer.connection
    tracemalloc.start()
    try:
        for piece in pieces:
            connection = connection.receive(piece).connection
        current, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert connection.state is State.OPEN
    assert current < 3 * size + 50_000
