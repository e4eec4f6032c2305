"""Blocking clients, one after the other, against one fast echo server in another process.

The server does as little as can be done: it unmasks each message and sends it back.  The
plain socket is the bound that no client can pass: it sends a frame built beforehand and
reads as many bytes as the echo has, without looking at them.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import struct
from base64 import b64encode
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from multiprocessing.connection import Connection as Pipe

import lomond
import lomond.events
import websocket as websocket_client
import websockets.sync.client

from wsref import WebSocket
from wsref.events import Event
from wsref.protocol.masking import mask

from .core import frame, key_of, response_to
from .harness import OURS, Row, arguments, measure, report

ROUND_TRIPS = 1000

RoundTrips = Callable[[], object]


def serve(pipe: Pipe) -> None:
    """Echo unfragmented messages of less than 64 KiB, one connection at a time."""
    listener = socket.create_server(("127.0.0.1", 0))
    pipe.send(listener.getsockname()[1])
    while True:
        sock, _address = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with sock:
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                request += sock.recv(65536)
            sock.sendall(response_to(key_of(request)))
            while data := sock.recv(65536):
                length = data[1] & 0x7F
                start = 2
                if length == 126:
                    length = data[2] << 8 | data[3]
                    start = 4
                while len(data) < start + 4 + length:
                    data += sock.recv(65536)
                payload = mask(data[start + 4 :], data[start : start + 4])
                if data[0] == 0x88:
                    sock.sendall(b"\x88" + bytes([length]) + payload)
                    break
                sock.sendall(frame(data[0], payload))


@contextmanager
def plain(port: int, payload: bytes) -> Generator[RoundTrips]:
    """A socket that only echoes prebuilt frames."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = b64encode(os.urandom(16)).decode()
    request = (
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    sock.sendall(request.encode())
    sock.recv(65536)
    masking_key = os.urandom(4)
    length = len(payload)
    size = bytes([0x80 | length]) if length < 126 else struct.pack("!BH", 0x80 | 126, length)
    message = b"\x82" + size + masking_key + mask(payload, masking_key)
    expected = len(frame(0x82, payload))

    def run() -> None:
        for _ in range(ROUND_TRIPS):
            sock.sendall(message)
            received = 0
            while received < expected:
                received += len(sock.recv(65536))

    with sock:
        yield run


@contextmanager
def iterated(websocket: WebSocket | lomond.WebSocket, payload: bytes) -> Generator[RoundTrips]:
    """A WebSocket whose events are iterated over: ours, or the one that has the same API."""
    events: Iterator[Event | lomond.events.Event] = websocket.connect(poll=60, ping_rate=0)
    while next(events).name != "ready":
        pass

    def run() -> None:
        for _ in range(ROUND_TRIPS):
            websocket.send_binary(payload)
            while next(events).name != "binary":
                pass

    with websocket:
        yield run


def ours(port: int, payload: bytes) -> AbstractContextManager[RoundTrips]:
    """The blocking session of wsref."""
    return iterated(WebSocket(f"ws://127.0.0.1:{port}/", proxies={}), payload)


def theirs_lomond(port: int, payload: bytes) -> AbstractContextManager[RoundTrips]:
    """The session of lomond."""
    return iterated(lomond.WebSocket(f"ws://127.0.0.1:{port}/", proxies={}), payload)


@contextmanager
def theirs_websocket_client(port: int, payload: bytes) -> Generator[RoundTrips]:
    """The client of websocket-client."""
    connection = websocket_client.create_connection(
        f"ws://127.0.0.1:{port}/", sockopt=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    )

    def run() -> None:
        for _ in range(ROUND_TRIPS):
            connection.send_binary(payload)
            connection.recv()

    try:
        yield run
    finally:
        connection.close(timeout=1)


@contextmanager
def theirs_websockets(port: int, payload: bytes) -> Generator[RoundTrips]:
    """The threaded client of websockets."""
    with websockets.sync.client.connect(
        f"ws://127.0.0.1:{port}/", compression=None, ping_interval=None, proxy=None
    ) as connection:

        def run() -> None:
            for _ in range(ROUND_TRIPS):
                connection.send(payload)
                connection.recv()

        yield run


CLIENTS = {
    OURS: ours,
    "plain socket": plain,
    "websocket-client": theirs_websocket_client,
    "lomond": theirs_lomond,
    "websockets": theirs_websockets,
}


def measured(work: str, payload: bytes, rounds: int) -> Row:
    """Measure one size of message with every client, each with a server of its own."""
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        contenders: dict[str, RoundTrips] = {}
        for name, client in CLIENTS.items():
            mine, theirs = context.Pipe()
            server = context.Process(target=serve, args=(theirs,), daemon=True)
            server.start()
            stack.callback(server.join)
            stack.callback(server.terminate)
            contenders[name] = stack.enter_context(client(mine.recv(), payload))
        return measure(work, contenders, units=ROUND_TRIPS, unit="round trip", rounds=rounds)


def main() -> None:
    """Run all works."""
    options = arguments("Measure blocking clients' round trips.")
    rows = [
        measured(name, payload, options.rounds)
        for name, payload in [("32 B", b"x" * 32), ("1 KiB", b"x" * 1024)]
        if options.only in name
    ]
    report(rows, options.json)
    for row in rows:
        rates = ", ".join(f"{name} {1 / seconds:,.0f}/s" for name, seconds in row.seconds.items())
        print(f"{row.work}: {rates}")


if __name__ == "__main__":
    main()
