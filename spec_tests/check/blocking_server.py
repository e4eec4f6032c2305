"""A blocking echo server of one page: the pure core, a socket, and a thread for each connection.

The servers of :mod:`wsref` are asynchronous.  This one shows that what `wsref check` says about
the protocol's core does not depend on that.
"""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from threading import Thread

from wsref.protocol.closing import State, Transport
from wsref.protocol.connection import Connection, Step
from wsref.protocol.deflate_parameters import DEFAULT_POLICY
from wsref.protocol.events import Binary, Closing, Event, Requested, Text

__all__ = ["blocking_echo_server"]

#: How long a client may say nothing, and may take to end TCP, in seconds.
_IDLE = 60.0
_LINGER = 1.0


@contextmanager
def blocking_echo_server(*, compress: bool = True) -> Generator[str, None, None]:
    """Run the server on a free loopback port.

    Args:
        compress: whether to agree on permessage-deflate.

    Yields:
        Its URL.
    """

    def accept() -> None:
        with suppress(OSError):
            while True:
                sock, _address = listener.accept()
                Thread(target=_serve, args=(sock, compress), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        thread = Thread(target=accept, daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def _serve(sock: socket.socket, compress: bool) -> None:
    """Serve one client until TCP ends."""
    sock.settimeout(_IDLE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection = Connection.listen()
    with sock, suppress(OSError):
        while connection.transport is not Transport.CLOSE:
            data = sock.recv(65536)
            if not data:
                return
            for piece in _pieces(connection, data):
                connection = _take(connection.receive(piece), sock, compress)
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(_LINGER)
        while sock.recv(65536):  # what is not read would make the kernel reset TCP
            pass


def _pieces(connection: Connection, data: bytes) -> tuple[bytes, ...]:
    """Cut off a violation, so that the messages before it are answered first."""
    if connection.receive(data).connection.state is not State.FAILED:
        return (data,)
    sound = connection.sound_length(data)
    return data[:sound], data[sound:]


def _take(step: Step, sock: socket.socket, compress: bool) -> Connection:
    """Send what a step has for the client, and answer its events."""
    connection, events, output = step
    sock.sendall(output)
    for event in events:
        connection = _answer(connection, event, sock, compress)
    return connection


def _answer(
    connection: Connection, event: Event, sock: socket.socket, compress: bool
) -> Connection:
    """Answer one event."""
    match event:
        case Requested():
            policy = DEFAULT_POLICY if compress else None
            return _take(connection.accept(deflate=policy), sock, compress)
        case Text(text=text) if connection.may_send_data:
            return _take(connection.send_text(text), sock, compress)
        case Binary(data=data) if connection.may_send_data:
            return _take(connection.send_binary(data), sock, compress)
        case Closing():
            return _take(connection.close(connection.reply_code), sock, compress)
        case _:
            return connection
