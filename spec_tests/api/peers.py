"""Peers for the tests of the blocking session: threads that do on a socket what a test says."""

from __future__ import annotations

import base64
import hashlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TypeAlias, TypeVar

from spec_tests.playbook import frame, masked
from wsref import WebSocket
from wsref.events import Event

E = TypeVar("E", bound=Event)

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
LIMIT = 20.0  # seconds after which a peer gives up, and the test fails

#: 88 02 03 e8: a server's Close with status code 1000.
CLOSE_1000 = bytes.fromhex("880203e8")


def response_to(request: bytes, headers: bytes = b"") -> bytes:
    """Return the acceptance that a request calls for (RFC 6455 §4.2.2)."""
    (key,) = [
        line.partition(b":")[2].strip()
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key:")
    ]
    token = base64.b64encode(hashlib.sha1(key + GUID).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + token + b"\r\n" + headers + b"\r\n"
    )


class Peer:
    """The server's end of a connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.received = b""
        sock.settimeout(LIMIT)

    def head(self) -> bytes:
        """Read the head of a request."""
        while b"\r\n\r\n" not in self.received:
            self._read()
        head, separator, self.received = self.received.partition(b"\r\n\r\n")
        return head + separator

    def accept(self, behind: bytes = b"", headers: bytes = b"") -> bytes:
        """Answer the opening handshake, with *behind* in the same segment."""
        head = self.head()
        self.send(response_to(head, headers) + behind)
        return head

    def send(self, data: bytes) -> None:
        """Write bytes as they are."""
        self.sock.sendall(data)

    def send_frame(self, first_byte: int, payload: bytes = b"") -> None:
        """Write a frame."""
        self.send(frame(first_byte, payload))

    def frame(self) -> tuple[int, bytes]:
        """Read a masked frame; return its first byte and its payload."""
        while len(self.received) < 2:
            self._read()
        first_byte, length = self.received[0], self.received[1] & 0x7F
        assert self.received[1] & 0x80, "a client's frame is not masked"
        start = 2 + {126: 2, 127: 8}.get(length, 0)
        while len(self.received) < start + 4:
            self._read()
        if start > 2:
            length = int.from_bytes(self.received[2:start], "big")
        while len(self.received) < start + 4 + length:
            self._read()
        key = self.received[start : start + 4]
        payload = self.received[start + 4 : start + 4 + length]
        self.received = self.received[start + 4 + length :]
        if any(key) and len(payload) < 4096:
            payload = masked(payload, key)
        elif payload:
            pattern = int.from_bytes(key * (length // 4 + 1), "big") >> 8 * (4 - length % 4)
            payload = (int.from_bytes(payload, "big") ^ pattern).to_bytes(length, "big")
        return first_byte, payload

    def message(self) -> tuple[int, bytes]:
        """Read the next frame that is not a Ping."""
        found = self.frame()
        return self.message() if found[0] == 0x89 else found

    def end(self) -> bytes:
        """Read up to the end of the stream; return what came before it."""
        data = self.received
        self.received = b""
        while more := self.sock.recv(65536):
            data += more
        return data

    def end_sending(self) -> None:
        """End our direction of the stream only."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End the connection as a crash would, with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _read(self) -> None:
        data = self.sock.recv(65536)
        assert data, f"the stream ended early, after {self.received!r}"
        self.received += data


Script: TypeAlias = Callable[[Peer], None]


@contextmanager
def scripted_server(
    *scripts: Script,
    context: ssl.SSLContext | None = None,
    receive_buffer: int | None = None,
    family: socket.AddressFamily = socket.AF_INET,
) -> Generator[str, None, None]:
    """Play one script for each connection that comes, in order; its failure is the test's."""
    failures: list[BaseException] = []
    host = "127.0.0.1" if family is socket.AF_INET else "::1"

    def play() -> None:
        try:
            for script in scripts:
                sock, _address = listener.accept()
                sock.settimeout(LIMIT)
                with sock:
                    if context is None:
                        script(Peer(sock))
                        continue
                    try:
                        secured = context.wrap_socket(sock, server_side=True)
                    except ssl.SSLError:
                        continue  # the client did not like the certificate
                    with secured:
                        script(Peer(secured))
        except BaseException as error:
            failures.append(error)
            listener.close()  # who still waits to be accepted shall not wait for ever

    with socket.socket(family) as listener:
        if receive_buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        listener.bind((host, 0))
        listener.listen(16)
        listener.settimeout(LIMIT)
        thread = threading.Thread(target=play, name="scripted server")
        thread.start()
        scheme = "ws" if context is None else "wss"
        shown = "localhost" if context is not None else host if ":" not in host else f"[{host}]"
        try:
            yield f"{scheme}://{shown}:{listener.getsockname()[1]}/"
        finally:
            thread.join(LIMIT)
            assert not thread.is_alive(), "the scripted server hangs"
    if failures:
        raise failures[0]


def names(events: list[Event]) -> list[str]:
    """Return the names of events, without those that the clock brings about."""
    return [event.name for event in events if event.name not in ("poll", "pong")]


def take_until(events: Iterator[Event], kind: type[E]) -> E:
    """Iterate up to the first event of a kind, and return that."""
    for event in events:
        if isinstance(event, kind):
            return event
    raise AssertionError(f"no {kind.__name__} came")


def quiet(ws: WebSocket) -> Iterator[Event]:
    """Connect without Polls and Pings."""
    return ws.connect(poll=0, ping_rate=0)
