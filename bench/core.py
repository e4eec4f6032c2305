"""The protocol alone: bytes in, events out, and messages in, bytes out."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from time import perf_counter

import lomond
import websockets.client
import websockets.uri
import wsproto
import wsproto.connection
import wsproto.events

from wsref import WebSocket
from wsref.entropy import MaskingKeys
from wsref.protocol.connection import Connection
from wsref.protocol.handshake import accept_token
from wsref.protocol.uri import parse_uri

from .harness import OURS, Row, arguments, measure, report

MIB = 1024 * 1024
MANY = 1000

Run = Callable[[], object]


def frame(first_byte: int, payload: bytes) -> bytes:
    """Write a server's frame."""
    length = len(payload)
    if length < 126:
        return bytes([first_byte, length]) + payload
    if length < 65536:
        return struct.pack("!BBH", first_byte, 126, length) + payload
    return struct.pack("!BBQ", first_byte, 127, length) + payload


def response_to(key: str) -> bytes:
    """Write a server's acceptance."""
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_token(key)}\r\n\r\n"
    ).encode()


def key_of(request: bytes) -> str:
    """Find the key in a request."""
    lines = request.decode().split("\r\n")
    return next(line[18:].strip() for line in lines if line.lower().startswith("sec-websocket-key"))


# Open clients of each library


def wsref_connection() -> Connection:
    """Return our core."""
    step = Connection.connect(parse_uri("ws://localhost/"), os.urandom(16), seed=os.urandom(32))
    return step.connection.receive(response_to(key_of(step.output))).connection


def wsref_websocket() -> WebSocket:
    """Return our WebSocket, without a session."""
    websocket = WebSocket("ws://localhost/", proxies={})
    request = websocket.build_request()
    list(websocket.feed(response_to(key_of(request))))
    return websocket


def websockets_client() -> websockets.client.ClientProtocol:
    """Return the sans-I/O client of websockets."""
    client = websockets.client.ClientProtocol(
        websockets.uri.parse_uri("ws://localhost/"), max_size=None
    )
    request = client.connect()
    client.send_request(request)
    client.receive_data(response_to(request.headers["Sec-WebSocket-Key"]))
    client.events_received()
    client.data_to_send()
    return client


def wsproto_client() -> wsproto.connection.Connection:
    """Return the client's half of wsproto, past its handshake."""
    return wsproto.connection.Connection(wsproto.ConnectionType.CLIENT)


def lomond_websocket() -> lomond.WebSocket:
    """Return lomond's WebSocket."""
    websocket = lomond.WebSocket("ws://localhost/", proxies={})
    key: bytes = websocket.key
    list(websocket.feed(response_to(key.decode())))
    return websocket


class Swallow:
    """A session for lomond that swallows what is sent, but does build the frame."""

    def send(self, opcode: int, data: bytes) -> None:
        """Build the frame as lomond's session does."""
        lomond.session.Frame(opcode, payload=bytearray(data)).to_bytes()


# Receiving


def receiving(reads: Sequence[bytes]) -> dict[str, Run]:
    """Return how each library takes the same reads."""

    def ours() -> None:
        connection = wsref_open
        for data in reads:
            connection, _events, _output = connection.receive(data, 1.0)

    def theirs_websockets() -> None:
        for data in reads:
            ws.receive_data(data)
            ws.events_received()

    def theirs_wsproto() -> None:
        for data in reads:
            proto.receive_data(data)
            for _event in proto.events():
                pass

    def theirs_lomond() -> None:
        for data in reads:
            for _event in lom.feed(data):
                pass

    wsref_open = wsref_connection()
    ws, proto, lom = websockets_client(), wsproto_client(), lomond_websocket()
    return {
        OURS: ours,
        "websockets": theirs_websockets,
        "wsproto": theirs_wsproto,
        "lomond": theirs_lomond,
    }


def feeding(reads: Sequence[bytes]) -> dict[str, Run]:
    """Return our WebSocket beside our core: their ratio is core / WebSocket."""

    def feed() -> None:
        for data in reads:
            for _event in websocket.feed(data):
                pass

    websocket = wsref_websocket()
    runs = receiving(reads)
    return {OURS: feed, "core": runs[OURS], "lomond": runs["lomond"]}


def sending(data: bytes, times: int) -> dict[str, Run]:
    """Return how each library sends the same binary message, each time with a new key."""

    def ours() -> None:
        for _ in range(times):
            connection.send_binary(data, masking_key=next_key())

    def theirs_websockets() -> None:
        for _ in range(times):
            ws.send_binary(data)
            ws.data_to_send()

    def theirs_wsproto() -> None:
        for _ in range(times):
            proto.send(wsproto.events.BytesMessage(data))

    def theirs_lomond() -> None:
        for _ in range(times):
            lom.send_binary(data)

    connection = wsref_connection()
    next_key = MaskingKeys().next_key
    ws, proto, lom = websockets_client(), wsproto_client(), lomond_websocket()
    lom.state.session = Swallow()
    return {
        OURS: ours,
        "websockets": theirs_websockets,
        "wsproto": theirs_wsproto,
        "lomond": theirs_lomond,
    }


def cut(data: bytes, size: int) -> list[bytes]:
    """Cut *data* into reads of *size* bytes."""
    return [data[i : i + size] for i in range(0, len(data), size)]


def import_time(rounds: int) -> float:
    """Return what ``import wsref`` adds to the start of an interpreter, in seconds."""
    best = {"pass": float("inf"), "import wsref": float("inf")}
    for _ in range(rounds):
        for code in best:
            start = perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            best[code] = min(best[code], perf_counter() - start)
    return best["import wsref"] - best["pass"]


def main() -> None:
    """Run all works."""
    options = arguments("Measure the protocol alone.")
    rows: list[Row] = []

    def work(
        name: str, contenders: dict[str, Run], *, units: int = 1, unit: str = "message"
    ) -> None:
        rows.append(measure(name, contenders, units=units, unit=unit, rounds=options.rounds))

    def wanted(name: str) -> bool:
        return options.only in name

    for size, label in [(16, "16 B"), (125, "125 B"), (1024, "1 KiB")]:
        reads = [frame(0x82, b"x" * size)] * MANY
        if wanted(name := f"receive {label}, one a read"):
            work(name, receiving(reads), units=MANY)
    batch = [b"".join([frame(0x82, b"x" * 16)] * MANY)]
    if wanted(name := "receive 1 000 of 16 B in one read"):
        work(name, receiving(batch), units=MANY)
    if wanted(name := "feed 16 B, one a read"):
        work(name, feeding([frame(0x82, b"x" * 16)] * MANY), units=MANY)
    if wanted(name := "feed 1 000 of 16 B in one read"):
        work(name, feeding(batch), units=MANY)
    for size, label in [(16, "16 B"), (125, "125 B"), (1024, "1 KiB")]:
        if wanted(name := f"send {label}"):
            work(name, sending(b"x" * size, MANY), units=MANY)

    whole = frame(0x82, b"x" * MIB)
    pieces = [frame(0x00, b"x" * 1024)] * 1022
    fragments = [frame(0x02, b"x" * 1024), *pieces, frame(0x80, b"x" * 1024)]
    for name, reads in [
        ("receive 1 MiB whole", [whole]),
        ("receive 1 MiB in 64 KiB reads", cut(whole, 65536)),
        ("receive 1 KiB fragments, one a read", fragments),
        ("receive 1 KiB fragments, 64 KiB reads", cut(b"".join(fragments), 65536)),
        ("receive 1 MiB byte by byte", cut(whole, 1)),
    ]:
        if wanted(name):
            work(name, receiving(reads), unit="MiB")
    if wanted(name := "send 1 MiB"):
        work(name, sending(b"x" * MIB, 1), unit="MiB")
    report(rows, options.json)
    if wanted("import"):
        print(f"import wsref: {import_time(options.rounds) * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
