"""A session without a network: what a WebSocket writes is kept, what it reads is given to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from spec_tests.api.peers import response_to
from spec_tests.playbook import masked
from wsref import WebSocket
from wsref.errors import TransportFail
from wsref.events import Event


class Frame(NamedTuple):
    """A frame that the client has sent."""

    first_byte: int
    payload: bytes


class RecordingSession:
    """A session of one's own: just what :class:`wsref.websocket.Session` asks for."""

    def __init__(self, websocket: WebSocket) -> None:
        self.websocket = websocket
        self.written: list[bytes] = []
        self.options: dict[str, object] = {}
        self.session_time = 0.0
        self.is_closed = False
        self.is_broken = False

    def run(self, **options: object) -> Iterator[Event]:
        """Note the options."""
        self.options = options
        return iter(())

    def write(self, data: bytes) -> None:
        """Note the bytes."""
        if self.is_broken:
            raise TransportFail("broken")
        self.written.append(data)

    def close(self) -> None:
        """Note that this was called."""
        self.is_closed = True

    def frames(self) -> list[Frame]:
        """Return the frames written so far, unmasked, and forget them."""
        found: list[Frame] = []
        for data in self.written:
            length = data[1] & 0x7F
            start = {126: 4, 127: 10}.get(length, 2)
            payload = masked(data[start + 4 :], data[start : start + 4])
            found.append(Frame(data[0], payload))
        self.written.clear()
        return found


def connected(ws: WebSocket) -> RecordingSession:
    """Connect *ws* to a recording session."""
    ws.connect(session_class=RecordingSession)
    session = ws.session
    assert isinstance(session, RecordingSession)
    return session


def opened(ws: WebSocket, behind: bytes = b"", headers: bytes = b"") -> RecordingSession:
    """Connect *ws* and complete the opening handshake, with *behind* in the same read."""
    session = connected(ws)
    events = list(ws.feed(response_to(ws.build_request(), headers) + behind))
    assert events[0].name == "ready"
    return session
