"""What tests of a connection look at: the frames it wrote, and how it failed."""

from __future__ import annotations

from typing import Final

from wsref.protocol.closing import State, Transport
from wsref.protocol.connection import Connection, Step
from wsref.protocol.events import Event, ProtocolError
from wsref.protocol.frames import parse_frame

ROLES: Final = ["client", "server"]


def frames_in(output: bytes) -> list[tuple[int, bytes]]:
    """Return first byte and unmasked payload of every frame in *output*, which is whole frames."""
    frames: list[tuple[int, bytes]] = []
    position = 0
    while position < len(output):
        parsed = parse_frame(output, position)
        assert parsed is not None, "the output ends inside a frame"
        (header, payload), position = parsed
        frames.append((header.first_byte, payload))
    return frames


def close_in(output: bytes) -> tuple[int | None, str]:
    """Return status code and reason of the one frame in *output*, a Close."""
    ((first_byte, payload),) = frames_in(output)
    assert first_byte == 0x88
    if not payload:
        return None, ""
    return int.from_bytes(payload[:2], "big"), payload[2:].decode()


def failed(step: Step, code: int, clause: str | None = None) -> tuple[Event, ...]:
    """Check that *step* failed an open connection as RFC 6455 §7.1.7 wants it.

    Returns:
        The events before the failure.
    """
    *earlier, event = step.events
    assert isinstance(event, ProtocolError)
    assert not any(isinstance(other, ProtocolError) for other in earlier)
    assert (event.code, event.critical) == (code, False)
    if clause is not None:
        assert event.clause == clause
    assert step.connection.state is State.FAILED
    assert step.connection.transport is Transport.CLOSE
    assert step.connection.closing_code == 1006
    first_byte, payload = frames_in(step.output)[-1]
    assert first_byte == 0x88
    assert int.from_bytes(payload[:2], "big") == code
    assert len(payload) <= 125
    payload[2:].decode()
    return tuple(earlier)


def is_deaf(connection: Connection, *inputs: bytes) -> bool:
    """Whether a connection neither answers *inputs* nor changes, nor tells anything."""
    return not connection.reads and all(
        connection.receive(data) == Step(connection, (), b"")
        and connection.receive(data).connection is connection
        for data in inputs
    )
