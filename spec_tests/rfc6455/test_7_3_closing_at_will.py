"""Who closes a connection, and when (RFC 6455 §7.1.7, §7.3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec_tests.expectations import ROLES, frames_in
from spec_tests.playbook import endpoint
from wsref.protocol.closing import State, Transport

#: Legal frames: first byte and payload.  Fragments are complete messages of two.
LEGAL = [
    [(0x81, b"text")],
    [(0x82, b"\xff" * 300)],
    [(0x01, "\u20ac".encode()[:2]), (0x80, "\u20ac".encode()[2:])],
    [(0x02, b""), (0x89, b"in between"), (0x80, b"")],
    [(0x89, b"ping")],
    [(0x8A, b"never asked for")],
]


@pytest.mark.rfc("RFC6455-7.3-02", "RFC6455-7.1.7-08")
@pytest.mark.parametrize("role", ROLES)
@given(messages=st.lists(st.sampled_from(LEGAL), max_size=20), ours=st.integers(0, 3))
def test_no_connection_is_closed_but_on_demand_or_for_a_fault(
    role: str, messages: list[list[tuple[int, bytes]]], ours: int
) -> None:
    """Whatever legal frames come in and go out, no Close is sent and TCP is kept."""
    peer = endpoint(role)
    connection, output = peer.connection, b""
    for number, message in enumerate(messages):
        for first_byte, payload in message:
            connection, _events, written = connection.receive(peer.from_peer(first_byte, payload))
            output += written
        if number % 4 == ours:
            connection, _events, written = connection.send_text("a message of ours")
            output += written
    assert {first_byte for first_byte, _payload in frames_in(output)} <= {0x81, 0x8A}
    assert connection.state is State.OPEN
    assert connection.transport is Transport.KEEP


@pytest.mark.rfc("RFC6455-7.3-01")
def test_a_server_closes_whenever_it_likes() -> None:
    """By a Close of its own, also in the middle of a message of either side."""
    peer = endpoint("server")
    connection = peer.connection.receive(peer.from_peer(0x01, b"unfinished")).connection
    connection = connection.send_text("unfinished too", fin=False).connection
    step = connection.close(1001)
    assert frames_in(step.output) == [(0x88, b"\x03\xe9")]
    assert step.connection.state is State.CLOSE_SENT
