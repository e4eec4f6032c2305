"""``wsref verify-trace``: what is legal is clean, what is not is found, in the right direction."""

from __future__ import annotations

import io
import json
import re
import select
import socket
import struct
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Thread
from typing import Literal, NamedTuple, TypeAlias

import dpkt
import pytest

from wsref import WebSocket
from wsref.check.captures import CaptureError, read_capture
from wsref.check.client_oracle import judge_client, judge_together
from wsref.check.conversation import (
    UNMASKED,
    binary,
    close,
    compressed,
    continuation,
    frame,
    ping,
    pong,
    text,
)
from wsref.check.oracle import judge_server
from wsref.check.record import Entry, Kind, Record
from wsref.check.trace import Sides, run_verify_trace
from wsref.check.trace_format import record_to_lines
from wsref.check.verdicts import Verdict
from wsref.events import Binary, Text
from wsref.protocol.connection import Connection
from wsref.protocol.deflate import DeflateOffer
from wsref.protocol.frames import serialize_frame
from wsref.protocol.handshake import accept_token
from wsref.protocol.uri import parse_uri
from wsref.serve import running_echo_server

Who: TypeAlias = Literal["client", "server"]
Said: TypeAlias = tuple[Who, bytes]

KEY = "AQIDBAUGBwgJCgsMDQ4PEA=="
REQUEST = (
    "GET /chat HTTP/1.1\r\nHost: server.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
).encode()
RESPONSE = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Accept: {accept_token(KEY)}\r\n\r\n"
).encode()
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n\r\n"
REQUEST_DEFLATE = REQUEST[:-2] + DEFLATE
RESPONSE_DEFLATE = RESPONSE[:-2] + DEFLATE
OPENED: tuple[Said, ...] = (("client", REQUEST), ("server", RESPONSE))
BYE: tuple[Said, ...] = (
    ("client", close(1000)),
    ("server", serialize_frame(0x88, b"\x03\xe8", None)),
)


def sent_by_server(first_byte: int, payload: bytes = b"", key: bytes | None = None) -> bytes:
    """Build a server's frame."""
    return serialize_frame(first_byte, payload, key)


def record_of(said: Iterable[Said], *ends: Kind, apart: float = 0.001) -> Record:
    """Return a record in which these things were said, and in which TCP ended so."""
    entries: list[Entry] = []
    time = 0.0
    for who, data in said:
        time += apart
        entries.append(Entry(time, Kind.SENT if who == "client" else Kind.RECEIVED, data))
    entries += [Entry(time + apart, kind) for kind in ends]
    first = entries[0].data
    head = first[: first.find(b"\r\n\r\n") + 4]
    key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0].decode()
    return Record(entries, key=key, request=head)


def conversation(*, deflate: bool) -> list[Said]:
    """Let wsref's client and server talk, without a network in between."""
    said: list[Said] = []
    offers = [DeflateOffer(client_max_window_bits=True)] if deflate else []
    client, _events, request = Connection.connect(
        parse_uri("ws://server.example:8080/chat?room=1"),
        bytes(range(16)),
        seed=bytes(32),
        offers=offers,
        subprotocols=["chat"],
    )
    said.append(("client", request))
    server = Connection.listen().receive(request).connection
    server, _events, response = server.accept(subprotocols=["chat"])
    said.append(("server", response))
    client = client.receive(response).connection

    def from_client(step: tuple[Connection, object, bytes]) -> None:
        nonlocal client, server
        client = step[0]
        said.append(("client", step[2]))
        server, events, output = server.receive(step[2])
        for event in events:
            if isinstance(event, Text):
                server, _events, echo = server.send_text(event.text)
                output += echo
            elif isinstance(event, Binary):
                server, _events, echo = server.send_binary(event.data)
                output += echo
            elif type(event).__name__ == "Closing":
                server, _events, reply = server.close(server.reply_code)
                output += reply
        if output:
            from_server(output)

    def from_server(data: bytes) -> None:
        nonlocal client, server
        said.append(("server", data))
        client, events, output = client.receive(data)
        if output:
            said.append(("client", output))
            server = server.receive(output).connection
        assert all(type(event).__name__ != "ProtocolError" for event in events)

    for size in (0, 1, 125, 126, 65535, 65536):
        from_client(client.send_text("é" * (size // 2)))
        from_client(client.send_binary(bytes(size)))
    from_client(client.send_ping(b"hello"))
    server, _events, asking = server.send_ping(b"are you there?")
    from_server(asking)
    from_client(client.send_text("to be ", fin=False))
    from_client(client.send_ping(b"between"))
    from_client(client.send_continuation("", fin=False))
    from_client(client.send_continuation("continued"))
    from_client(client.close(3000, "that was it"))
    return said


LEGAL = {
    "plain": conversation(deflate=False),
    "deflate": conversation(deflate=True),
}


# Packets


class Net:
    """Writes the packets of TCP connections."""

    def __init__(
        self, *, ipv6: bool = False, link: int = 1, port: int = 50000, isn: int = 0xFFFFFF00
    ) -> None:
        self.ipv6 = ipv6
        self.link = link
        self.ports: dict[Who, int] = {"client": port, "server": 8080}
        self.next: dict[Who, int] = {"client": isn, "server": 77}
        self.packets: list[bytes] = []

    def host(self, who: Who) -> bytes:
        """Return an end's address."""
        last = b"\x01" if who == "client" else b"\x02"
        if self.ipv6:
            return bytes.fromhex("20010db8") + bytes(11) + last
        return b"\x0a\x00\x00" + last

    def packet(self, who: Who, data: bytes = b"", flags: int = dpkt.tcp.TH_ACK) -> bytes:
        """Build a packet and move on."""
        other: Who = "server" if who == "client" else "client"
        segment = dpkt.tcp.TCP(
            sport=self.ports[who],
            dport=self.ports[other],
            seq=self.next[who] % 2**32,
            ack=self.next[other] % 2**32,
            flags=flags,
            data=data,
        )
        self.next[who] += len(data) + bool(flags & (dpkt.tcp.TH_SYN | dpkt.tcp.TH_FIN))
        source, destination = self.host(who), self.host(other)
        if self.ipv6:
            size = 20 + len(data)
            internet: dpkt.ip.IP | dpkt.ip6.IP6 = dpkt.ip6.IP6(
                src=source, dst=destination, nxt=6, plen=size, hlim=64, data=segment
            )
        else:
            internet = dpkt.ip.IP(src=source, dst=destination, p=6, data=segment)
        kind = 0x86DD if self.ipv6 else 0x0800
        raw = bytes(internet)
        family = 30 if self.ipv6 else 2
        before = {
            1: bytes(12) + struct.pack("!H", kind),
            0: struct.pack("<I", family),
            108: struct.pack("!I", family),
            101: b"",
            113: bytes(14) + struct.pack("!H", kind),
            276: struct.pack("!H", kind) + bytes(18),
        }
        # Short frames of Ethernet are padded, which is no data.
        return (before[self.link] + raw).ljust(60 if self.link == 1 else 0, b"\x00")

    def add(self, who: Who, data: bytes = b"", flags: int = dpkt.tcp.TH_ACK) -> None:
        """Write a packet."""
        self.packets.append(self.packet(who, data, flags))

    def connect(self) -> None:
        """Write the three packets that open a connection."""
        self.add("client", flags=dpkt.tcp.TH_SYN)
        self.add("server", flags=dpkt.tcp.TH_SYN | dpkt.tcp.TH_ACK)
        self.add("client")

    def say(self, who: Who, data: bytes, size: int = 1400) -> None:
        """Write segments of at most *size* bytes."""
        for start in range(0, len(data), size):
            self.add(who, data[start : start + size])

    def finish(self) -> None:
        """Write the packets that end both directions."""
        self.add("server", flags=dpkt.tcp.TH_FIN | dpkt.tcp.TH_ACK)
        self.add("client", flags=dpkt.tcp.TH_FIN | dpkt.tcp.TH_ACK)

    def converse(self, said: Iterable[Said], size: int = 1400) -> Net:
        """Write a whole connection."""
        self.connect()
        for who, data in said:
            self.say(who, data, size)
        self.finish()
        return self

    def pcap(self, packets: Sequence[bytes] | None = None, *, nano: bool = False) -> bytes:
        """Return a pcap file."""
        file = io.BytesIO()
        writer = dpkt.pcap.Writer(file, snaplen=65535, linktype=self.link, nano=nano)
        for number, packet in enumerate(self.packets if packets is None else packets):
            writer.writepkt(packet, 1_700_000_000 + number / 1000)
        return file.getvalue()

    def pcapng(self) -> bytes:
        """Return a pcapng file."""
        file = io.BytesIO()
        idb = dpkt.pcapng.InterfaceDescriptionBlockLE(linktype=self.link)
        shb = dpkt.pcapng.SectionHeaderBlockLE()
        writer = dpkt.pcapng.Writer(file, linktype=self.link, shb=shb, idb=idb)
        for number, packet in enumerate(self.packets):
            writer.writepkt(packet, 1_700_000_000 + number / 1000)
        return file.getvalue()


class Ran(NamedTuple):
    """What a run of the command has given."""

    status: int
    output: str
    errors: str


def verify(
    path: Path,
    data: bytes | Record,
    *,
    side: Sides = "auto",
    strict: bool = False,
    as_json: bool = False,
) -> Ran:
    """Write a file, and run the command on it."""
    if isinstance(data, Record):
        data = "".join(f"{line}\n" for line in record_to_lines(data)).encode()
    file = path / "trace"
    file.write_bytes(data)
    output, errors = io.StringIO(), io.StringIO()
    status = run_verify_trace(
        file, side=side, strict=strict, as_json=as_json, output=output, errors=errors
    )
    return Ran(status, output.getvalue(), errors.getvalue())


def streams(data: bytes) -> tuple[bytes, bytes]:
    """Return both streams of the only conversation of a capture."""
    (captured,) = read_capture(data)
    assert captured.record is not None, captured.skipped
    return captured.record.sent, captured.record.received


def joined(said: Iterable[Said]) -> tuple[bytes, bytes]:
    """Return both streams."""
    every = list(said)
    return (
        b"".join(data for who, data in every if who == "client"),
        b"".join(data for who, data in every if who == "server"),
    )


# What is legal is clean


@pytest.mark.parametrize("name", LEGAL)
def test_a_legal_conversation_is_clean_in_both_directions(name: str, tmp_path: Path) -> None:
    """All lengths, fragments, control frames between them, Close, with and without compression."""
    record = record_of(LEGAL[name], Kind.END, Kind.SENT_END)
    assert judge_client(record) == []
    assert judge_server(record) == []
    assert list(judge_together(record)) == []
    ran = verify(tmp_path, record, strict=True)
    assert (ran.status, ran.errors) == (0, "")
    assert "nothing is wrong" in ran.output
    assert "1 judged, 0 skipped: 0 failures, 0 warnings, 0 notes" in ran.output


@pytest.mark.parametrize("name", LEGAL)
@pytest.mark.parametrize("link", [0, 1, 101, 108, 113, 276])
@pytest.mark.parametrize("ipv6", [False, True])
def test_a_legal_conversation_is_clean_in_a_capture(
    name: str, link: int, ipv6: bool, tmp_path: Path
) -> None:
    """Of every link type and both versions of IP, with sequence numbers that wrap around."""
    net = Net(ipv6=ipv6, link=link).converse(LEGAL[name])
    assert streams(net.pcap()) == joined(LEGAL[name])
    ran = verify(tmp_path, net.pcap(), strict=True)
    assert (ran.status, ran.errors) == (0, "")
    ends = "[2001:db8::1]:50000 to [2001:db8::2]:8080" if ipv6 else "10.0.0.1:50000 to 10.0.0.2"
    assert ran.output.startswith(ends)


def test_a_conversation_of_the_real_client_and_server_is_clean(tmp_path: Path) -> None:
    """Recorded by a relay between them."""
    entries: list[Entry] = []
    with running_echo_server() as url, socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(url.rpartition(":")[2].rstrip("/"))
        relay = Thread(target=_relay, args=(listener, port, entries))
        relay.start()
        ws = WebSocket(f"ws://127.0.0.1:{listener.getsockname()[1]}/")
        for event in ws:
            if event.name == "ready":
                ws.send_text("x" * 300)
                ws.send_ping(b"p")
            elif event.name == "pong":
                ws.close()
        relay.join()
    request = entries[0].data
    key = request.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0].decode()
    ran = verify(tmp_path, Record(entries, key=key, request=request), strict=True)
    assert (ran.status, ran.errors) == (0, ""), ran.output
    assert "  nothing is wrong\n1 judged, 0 skipped: 0 failures" in ran.output


def _relay(listener: socket.socket, port: int, entries: list[Entry]) -> None:
    near, _address = listener.accept()
    with near, socket.create_connection(("127.0.0.1", port)) as far:
        sides = {near: (far, Kind.SENT, Kind.SENT_END), far: (near, Kind.RECEIVED, Kind.END)}
        while sides:
            for ready in select.select(list(sides), (), ())[0]:
                other, kind, end = sides[ready]
                data = ready.recv(65536)
                entries.append(Entry(len(entries) / 1000, kind if data else end, data))
                if data:
                    other.sendall(data)
                else:
                    other.shutdown(socket.SHUT_WR)
                    del sides[ready]


# Each violation is found, in the direction it was made in

ZERO = bytes(4)

BY_CLIENT: dict[str, tuple[str, bytes]] = {
    "unmasked": ("RFC6455-5.1-01", text("Hello", key=UNMASKED)),
    "rsv2": ("RFC6455-5.2-02", text("Hello", rsv=2)),
    "rsv1 without compression": ("RFC6455-5.2-02", text("Hello", rsv=4)),
    "reserved opcode": ("RFC6455-5.2-07", frame(3, b"x")),
    "reserved control opcode": ("RFC6455-5.2-07", frame(11, b"x")),
    "length in 16 bits": ("RFC6455-5.2-10", frame(1, b"Hello", length_bytes=2)),
    "length in 64 bits": ("RFC6455-5.2-10", frame(2, bytes(300), length_bytes=8)),
    "long control frame": ("RFC6455-5.5-01", ping(bytes(126))),
    "fragmented control frame": ("RFC6455-5.4-07", ping(b"x", fin=False)),
    "continuation of nothing": ("RFC6455-5.4-02", continuation("x")),
    "mixed fragments": ("RFC6455-5.4-05", text("a", fin=False) + text("b") + close(1000)),
    "not UTF-8": ("RFC6455-5.6-01", text(b"\xc0\xaf")),
    "not UTF-8 over fragments": (
        "RFC6455-5.6-01",
        text(b"\xe2\x82", fin=False) + continuation(b"x"),
    ),
    "half a code": ("RFC6455-5.5.1-02", close(None, b"\x03")),
    "reason is not UTF-8": ("RFC6455-5.5.1-06", close(1000, b"\xff")),
    "code 1004": ("RFC6455-7.4.1-06", close(1004)),
    "code 1005": ("RFC6455-7.4.1-07", close(1005)),
    "code 1006": ("RFC6455-7.4.1-08", close(1006)),
    "code 1015": ("RFC6455-7.4.1-16", close(1015)),
    "code 999": ("RFC6455-7.4.2-01", close(999)),
    "code 1016": ("RFC6455-7.4.2-02", close(1016)),
    "code 5000": ("RFC6455-7.4.2-06", close(5000)),
    "data behind Close": ("RFC6455-5.5.1-09", close(1000) + text("late")),
    "two Closes": ("RFC6455-5.5.1-20", close(1000) + close(1001)),
}


@pytest.mark.parametrize("name", BY_CLIENT)
def test_a_violation_by_the_client_is_found(name: str, tmp_path: Path) -> None:
    """With its clause and its place, and nothing is said about the server."""
    clause, data = BY_CLIENT[name]
    before = ping(b"before", key=b"\x01\x02\x03\x04")
    answer = sent_by_server(0x8A, b"before")
    said: tuple[Said, ...] = (*OPENED, ("client", before), ("server", answer), ("client", data))
    record = record_of(said)
    assert {finding.requirement for finding in judge_client(record)} == {clause}
    assert judge_server(record) == []
    ran = verify(tmp_path, record)
    assert ran.status == 1
    assert f"  {clause}\n" in ran.output
    number = 3 if "behind" in name or "two" in name or "fragments" in name else 2
    assert f"FAIL  client, frame {number}, byte " in ran.output
    assert "  server, " not in ran.output
    assert verify(tmp_path, record, side="server").status == 0


BY_SERVER: dict[str, tuple[str, bytes]] = {
    "masked": ("RFC6455-5.1-04", sent_by_server(0x81, b"Hello", ZERO)),
    "rsv2": ("RFC6455-5.2-02", sent_by_server(0xA1, b"Hello")),
    "reserved opcode": ("RFC6455-5.2-07", sent_by_server(0x83, b"x")),
    "length in 16 bits": ("RFC6455-5.2-10", b"\x81\x7e\x00\x01x"),
    "long control frame": ("RFC6455-5.5-01", sent_by_server(0x8A, bytes(126))),
    "fragmented control frame": ("RFC6455-5.4-07", sent_by_server(0x0A, b"x")),
    "continuation of nothing": ("RFC6455-5.4-02", sent_by_server(0x80, b"x")),
    "not UTF-8": ("RFC6455-5.6-01", sent_by_server(0x81, b"\xff")),
    "code 1006": ("RFC6455-7.4.1-08", sent_by_server(0x88, b"\x03\xee")),
    "data behind Close": (
        "RFC6455-5.5.1-09",
        sent_by_server(0x88, b"\x03\xe8") + sent_by_server(0x81, b"late"),
    ),
}


@pytest.mark.parametrize("name", BY_SERVER)
def test_a_violation_by_the_server_is_found(name: str, tmp_path: Path) -> None:
    """With its clause and its place, and nothing is said about the client."""
    clause, data = BY_SERVER[name]
    fine = sent_by_server(0x81, b"fine")
    ran = verify(tmp_path, record_of((*OPENED, ("server", fine), ("server", data))))
    assert ran.status == 1
    assert f"  {clause}\n" in ran.output
    number = 3 if "behind" in name else 2
    position = len(RESPONSE) + len(fine) + (4 if "behind" in name else 0)
    assert f"FAIL  server, frame {number}, byte {position} of what it sent" in ran.output
    assert "  client, " not in ran.output


REQUESTS: dict[str, tuple[str, bytes]] = {
    "method": ("RFC6455-4.1-18", REQUEST.replace(b"GET", b"POST", 1)),
    "HTTP/1.0": ("RFC6455-4.1-19", REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0")),
    "no Host": ("RFC6455-4.1-21", REQUEST.replace(b"Host: server.example\r\n", b"")),
    "no Upgrade": ("RFC6455-4.1-23", REQUEST.replace(b"Upgrade: websocket\r\n", b"")),
    "no Connection": ("RFC6455-4.1-24", REQUEST.replace(b"Connection: Upgrade\r\n", b"")),
    "no key": ("RFC6455-4.1-25", REQUEST.replace(f"Sec-WebSocket-Key: {KEY}\r\n".encode(), b"")),
    "short key": ("RFC6455-4.1-26", REQUEST.replace(KEY.encode(), b"c2hvcnQ=")),
    "no version": ("RFC6455-4.1-30", REQUEST.replace(b"Sec-WebSocket-Version: 13\r\n", b"")),
    "version 8": ("RFC6455-4.1-31", REQUEST.replace(b"Version: 13", b"Version: 8")),
    "version 13x": ("RFC6455-4.3-03", REQUEST.replace(b"Version: 13", b"Version: 13x")),
    "two versions": (
        "RFC6455-11.3.5-02",
        REQUEST[:-2] + b"Sec-WebSocket-Version: 13\r\n\r\n",
    ),
    "two keys": ("RFC6455-11.3.1-01", REQUEST[:-2] + f"Sec-WebSocket-Key: {KEY}\r\n\r\n".encode()),
    "fragment": ("RFC6455-3-06", REQUEST.replace(b"/chat", b"/chat#top")),
    "subprotocol twice": (
        "RFC6455-4.1-34",
        REQUEST[:-2] + b"Sec-WebSocket-Protocol: a, b, a\r\n\r\n",
    ),
    "bad extension list": (
        "RFC6455-9.1-01",
        REQUEST[:-2] + b"Sec-WebSocket-Extensions: ;x\r\n\r\n",
    ),
    "bad window": (
        "RFC7692-7.1.2.1-02",
        REQUEST[:-2]
        + b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=7\r\n\r\n",
    ),
    "unknown parameter": (
        "RFC6455-9.1-06",
        REQUEST[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate; x=7\r\n\r\n",
    ),
    "bare LF": ("RFC6455-4.1-17", REQUEST.replace(b"\r\nUpgrade", b"\nUpgrade")),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_wrong_request_is_found(name: str, tmp_path: Path) -> None:
    """Even if the server refuses it."""
    clause, request = REQUESTS[name]
    record = record_of((("client", request), ("server", b"HTTP/1.1 400 No\r\n\r\n")), Kind.END)
    assert [finding.requirement for finding in judge_client(record)] == [clause]
    ran = verify(tmp_path, record)
    assert ran.status == 1
    assert "the handshake was answered by 400" in ran.output
    assert "FAIL  client, opening handshake, byte 0 of what it sent" in ran.output


def test_several_faults_of_a_request_are_all_found() -> None:
    """One does not hide the others."""
    request = b"POST / HTTP/1.0\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: x\r\n\r\n"
    findings = judge_client(record_of((("client", request),)))
    assert [finding.requirement for finding in findings] == [
        "RFC6455-4.1-18",
        "RFC6455-4.1-19",
        "RFC6455-4.1-21",
        "RFC6455-4.1-23",
        "RFC6455-4.1-24",
        "RFC6455-4.1-31",
        "RFC6455-4.1-26",
    ]


def test_several_faults_of_a_frame_are_all_found() -> None:
    """One does not hide the others."""
    data = frame(11, bytes(10), fin=False, rsv=3, key=UNMASKED, length_bytes=2)
    findings = judge_client(record_of((*OPENED, ("client", data))))
    assert {finding.requirement for finding in findings} == {
        "RFC6455-5.1-01",
        "RFC6455-5.2-02",
        "RFC6455-5.2-07",
        "RFC6455-5.4-07",
        "RFC6455-5.5-01",
    }


@pytest.mark.parametrize(
    ("response", "clause"),
    [
        (RESPONSE.replace(accept_token(KEY).encode(), b"x"), "RFC6455-4.2.2-19"),
        (RESPONSE.replace(b"Upgrade: websocket\r\n", b""), "RFC6455-4.2.2-17"),
        (RESPONSE[:-2] + b"Sec-WebSocket-Protocol: chat\r\n\r\n", "RFC6455-4.2.2-10"),
    ],
)
def test_a_wrong_answer_is_found_and_the_client_that_goes_on_is_warned_of(
    response: bytes, clause: str, tmp_path: Path
) -> None:
    """The server breaks its own clause; that the client did not notice is a warning."""
    said: tuple[Said, ...] = (("client", REQUEST), ("server", response), ("client", text("Hello")))
    ran = verify(tmp_path, record_of(said))
    assert ran.status == 1
    assert "FAIL  server, opening handshake, byte 0" in ran.output
    assert f"  {clause}\n" in ran.output
    assert "WARN  client, opening handshake" in ran.output
    assert "the client went on, though " in ran.output
    assert verify(tmp_path, record_of(said), side="client").status == 0


def test_compressed_messages_are_judged_by_what_was_agreed_on() -> None:
    """A server's window of 512 bytes binds the server, not the client."""
    opened: tuple[Said, ...] = (("client", REQUEST_DEFLATE), ("server", RESPONSE_DEFLATE))
    noise = bytes((i * 7919 + i // 3 * 31) % 251 for i in range(600))
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    messages = [
        (deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]
        for data in (noise[:300], noise[300:], noise[:300])
    ]
    data = messages[0]
    sent = b"".join(sent_by_server(0xC2, message) for message in messages)
    by_server = record_of((*opened, ("server", sent)))
    assert [finding.requirement for finding in judge_server(by_server)] == ["RFC7692-7.2.1-15"]
    sent = b"".join(compressed(2, message) for message in messages)
    assert judge_client(record_of((*opened, ("client", sent)))) == []
    broken = record_of((*opened, ("client", compressed(2, b"\xff" + data))))
    assert [finding.requirement for finding in judge_client(broken)] == ["RFC7692-7.2.1-01"]
    bit = record_of((*opened, ("client", ping(b"", rsv=4))))
    assert [finding.requirement for finding in judge_client(bit)] == ["RFC7692-6.1-03"]


@pytest.mark.parametrize(
    ("parameter", "clause"),
    [
        (b"client_max_window_bits=9", "RFC7692-7.2.1-13"),
        (b"client_no_context_takeover", "RFC7692-7.2.1-09"),
    ],
)
def test_the_window_of_a_client_is_judged_by_what_was_agreed_on(
    parameter: bytes, clause: str
) -> None:
    """Too far back, or into a message that was to be forgotten."""
    offer = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
    answer = b"Sec-WebSocket-Extensions: permessage-deflate; " + parameter + b"\r\n\r\n"
    opened: tuple[Said, ...] = (
        ("client", REQUEST[:-2] + offer),
        ("server", RESPONSE[:-2] + answer),
    )
    noise = bytes((i * 7919 + i // 3 * 31) % 251 for i in range(900))
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    sent = [
        compressed(2, (deflater.compress(noise) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4])
        for _message in range(2)
    ]
    findings = judge_client(record_of((*opened, ("client", sent[0] + sent[1]))))
    assert [finding.requirement for finding in findings] == [clause]


# Warnings


def requirements_of(record: Record) -> list[str]:
    """Return what is said about both directions together."""
    return [one.finding.requirement for one in judge_together(record)]


def test_a_masking_key_that_repeats_is_warned_of(tmp_path: Path) -> None:
    """It breaks no rule for sure: a random key may repeat."""
    said: tuple[Said, ...] = (
        *OPENED,
        ("client", text("a", key=ZERO) + text("b", key=ZERO) + text("c", key=ZERO)),
    )
    ran = verify(tmp_path, record_of(said))
    assert ran.status == 0
    assert "of 3 masked frames 3 have the masking key 00 00 00 00" in ran.output
    assert "WARN  client, frame 2" in ran.output
    assert verify(tmp_path, record_of(said), strict=True).status == 1


def test_a_ping_that_is_not_answered_is_warned_of() -> None:
    """If there was time; the latest of several is enough; behind a Close none is owed."""
    fine: list[tuple[Said, ...]] = [
        (("client", ping(b"a")), ("client", ping(b"b")), ("server", sent_by_server(0x8A, b"b"))),
        (("client", ping(b"a")), *BYE),
        (("server", sent_by_server(0x89, b"a")), ("client", pong(b"a"))),
        (("server", sent_by_server(0x8A, b"unasked")),),
    ]
    for said in fine:
        assert requirements_of(record_of((*OPENED, *said), apart=0.9)) == [], said
    silent = record_of((*OPENED, ("client", ping(b"a")), ("server", b""), ("server", b"")), apart=1)
    assert requirements_of(silent) == ["RFC6455-5.5.2-02"]
    other: tuple[Said, ...] = (
        *OPENED,
        ("client", ping(b"a")),
        ("server", sent_by_server(0x8A, b"z")),
    )
    assert requirements_of(record_of((*other, ("server", b"")), apart=1)) == ["RFC6455-5.5.3-01"]


def test_a_close_without_a_reply_is_warned_of() -> None:
    """Whoever got it."""
    by_client = record_of((*OPENED, ("client", close(1000))), Kind.END)
    assert requirements_of(by_client) == ["RFC6455-5.5.1-10"]
    by_server = record_of((*OPENED, ("server", sent_by_server(0x88))), Kind.SENT_END)
    assert requirements_of(by_server) == ["RFC6455-5.5.1-10"]
    assert requirements_of(record_of((*OPENED, *BYE), Kind.END, Kind.SENT_END)) == []
    early = record_of((*OPENED, *BYE), Kind.SENT_END, Kind.END)
    assert requirements_of(early) == ["RFC6455-5.5.1-17"]


@pytest.mark.parametrize(
    ("said", "owing"),
    [
        ((("client", close(1000)),), "server"),
        ((("server", sent_by_server(0x88)),), "client"),
        ((("client", ping(b"a")), ("server", b""), ("server", b"")), "server"),
        ((("server", sent_by_server(0x89, b"a")), ("client", b""), ("client", b"")), "client"),
    ],
    ids=["Close of the client", "Close of the server", "Ping of the client", "Ping of the server"],
)
def test_who_owes_an_answer_is_charged(tmp_path: Path, said: Sequence[Said], owing: Who) -> None:
    """And nobody else, where one side is judged only."""
    end = Kind.END if owing == "server" else Kind.SENT_END
    record = record_of((*OPENED, *said), end, apart=1)
    for side in ("client", "server"):
        status = verify(tmp_path, record, side=side, strict=True).status
        assert status == (1 if side == owing else 0), side


def test_nobody_owes_an_answer_to_who_broke_the_protocol() -> None:
    """The connection may have been failed before."""
    illegal = record_of(
        (*OPENED, ("client", sent_by_server(0x81, b"unmasked")), ("client", close(1000))), Kind.END
    )
    assert requirements_of(illegal) == []
    masked = record_of(
        (*OPENED, ("server", text("masked")), ("server", sent_by_server(0x88))), Kind.SENT_END
    )
    assert requirements_of(masked) == []


def test_a_frame_before_the_answer_is_warned_of() -> None:
    """The client has to wait for the 101."""
    said: tuple[Said, ...] = (
        ("client", REQUEST),
        ("client", text("early")),
        ("server", RESPONSE),
    )
    (found,) = judge_together(record_of(said))
    assert (found.finding.requirement, found.finding.verdict, found.side, found.frame) == (
        "RFC6455-4.1-38",
        Verdict.WARN,
        "client",
        0,
    )


def test_a_key_that_was_used_before_is_warned_of(tmp_path: Path) -> None:
    """In another conversation of the file."""
    lines = [*record_to_lines(record_of(OPENED), name="a")]
    lines += record_to_lines(record_of(OPENED), name="b")
    ran = verify(tmp_path, "\n".join(lines).encode())
    assert ran.status == 0
    assert f"Sec-WebSocket-Key '{KEY}' was used before" in ran.output


# TCP


def test_retransmissions_overlaps_and_disorder_do_not_matter() -> None:
    """The streams are what was sent, once and in order."""
    said = LEGAL["plain"]
    net = Net(isn=2**32 - 40)
    net.connect()
    data, answers = joined(said)
    pieces: list[bytes] = []
    start = net.next["client"]
    for position in range(0, len(data), 700):
        net.next["client"] = start + max(0, position - 100)  # overlaps what was sent before
        pieces.append(net.packet("client", data[max(0, position - 100) : position + 700]))
    net.packets += [pieces[0]]
    for first in range(1, len(pieces), 4):
        group = pieces[first : first + 4]
        net.packets += [*group[::-1], group[0]]  # backwards, and one of them again
    net.say("server", answers)
    net.packets += net.packets[-3:]  # again
    net.finish()
    net.packets.append(net.packets[-1])
    assert streams(net.pcap()) == (data, answers)


def test_a_pcapng_file_and_nanoseconds_are_read_alike() -> None:
    """Three files of the same packets."""
    net = Net().converse(LEGAL["deflate"])
    wanted = joined(LEGAL["deflate"])
    times: list[list[float]] = []
    for data in (net.pcap(), net.pcap(nano=True), net.pcapng()):
        assert streams(data) == wanted
        (captured,) = read_capture(data)
        assert captured.record is not None
        times.append([round(entry.time, 4) for entry in captured.record.entries])
    assert times[0] == times[1] == times[2]


def test_several_connections_at_the_same_time_are_told_apart(tmp_path: Path) -> None:
    """The packets of each are between those of the others; one port is used twice."""
    good = Net(port=50001).converse(LEGAL["plain"], size=60000)
    bad = Net(port=50002).converse((*OPENED, ("client", text("Hello", key=UNMASKED))))
    again = Net(port=50002, isn=5).converse((*OPENED, *BYE))
    packets: list[bytes] = []
    for index in range(max(len(good.packets), len(bad.packets))):
        packets += [*good.packets[index : index + 1], *bad.packets[index : index + 1]]
    packets += again.packets
    ran = verify(tmp_path, good.pcap(packets))
    assert ran.status == 1
    assert ran.output.count(":50001 to ") == 1
    assert ran.output.count(":50002 to ") == 2
    assert "3 judged, 0 skipped: 1 failures" in ran.output
    assert f"FAIL  client, frame 1, byte {len(REQUEST)} of what it sent, at " in ran.output
    assert ", packet 12\n" in ran.output


def test_what_is_not_websocket_is_skipped_with_the_reason(tmp_path: Path) -> None:
    """TLS, plain HTTP, something else, nothing, and what began earlier."""
    nets = [
        Net(port=1).converse([("client", b"\x16\x03\x01\x02\x00\x01")]),
        Net(port=2).converse([("client", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")]),
        Net(port=3).converse([("client", b"EHLO x\r\n")]),
        Net(port=4).converse([]),
        Net(port=5).converse((*OPENED, *BYE)),
        Net(port=6).converse((*OPENED, *BYE)),
    ]
    nets[4].packets = nets[4].packets[5:]
    packets = [packet for net in nets for packet in net.packets]
    packets.append(b"\x00" * 12 + b"\x08\x06" + bytes(28))  # ARP
    ran = verify(tmp_path, nets[0].pcap(packets))
    assert (ran.status, ran.errors) == (0, "")
    for port, reason in (
        (1, "TLS: its content cannot be read"),
        (2, "HTTP whose first request does not ask for WebSocket"),
        (3, "it does not begin with HTTP"),
        (4, "nothing was said"),
        (5, "it began before the capture did"),
    ):
        assert f":{port} to 10.0.0.2:8080: skipped: {reason}\n" in ran.output
    assert "1 judged, 5 skipped" in ran.output


def test_a_tunnel_through_a_proxy_is_looked_into() -> None:
    """What is asked of the proxy is not part of the conversation."""
    asked: tuple[Said, ...] = (
        ("client", b"CONNECT server.example:80 HTTP/1.1\r\nHost: server.example:80\r\n\r\n"),
        ("server", b"HTTP/1.1 200 Go on\r\n\r\n"),
    )
    net = Net().converse((*asked, *OPENED, *BYE))
    assert streams(net.pcap()) == joined((*OPENED, *BYE))


def test_bytes_that_were_not_captured_are_a_problem_and_not_clean(tmp_path: Path) -> None:
    """The packet is named, and what came before it is judged."""
    net = Net().converse(LEGAL["plain"])
    lost = net.packets[:20] + net.packets[21:]
    ran = verify(tmp_path, net.pcap(lost))
    assert ran.status == 2
    assert re.search(r": packet \d+: bytes of the (client|server) before it were not", ran.errors)
    short = net.packets.copy()
    long = next(i for i, packet in enumerate(short) if len(packet) > 1000)
    short[long] = short[long][:200]
    ran = verify(tmp_path, net.pcap(short))
    assert ran.status == 2
    assert "(a snapshot length)" in ran.errors
    assert f"at the end of packet {long + 1} " in ran.errors


def test_a_violation_before_a_hole_is_found(tmp_path: Path) -> None:
    """Then the exit status is that of a violation."""
    said: tuple[Said, ...] = (
        *OPENED,
        ("client", text("x", key=UNMASKED)),
        ("client", text("lost")),
        *BYE,
    )
    net = Net().converse(said)
    del net.packets[6]
    ran = verify(tmp_path, net.pcap())
    assert ran.status == 1
    assert "RFC6455-5.1-01" in ran.output
    assert "packet 7: bytes of the client before it were not captured" in ran.output


def test_a_reset_is_told_from_an_end() -> None:
    """By whom it was made."""
    net = Net()
    net.connect()
    net.say("client", REQUEST)
    net.say("server", RESPONSE)
    net.add("server", flags=dpkt.tcp.TH_RST | dpkt.tcp.TH_ACK)
    (captured,) = read_capture(net.pcap())
    assert captured.record is not None
    assert captured.record.was_reset


# Files that cannot be used


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty"),
        (b"\x7fELF\x00\x01", "byte 0: neither a pcap nor a pcapng file"),
        (b"hello\n", "line 1, column 1: not JSON: Expecting value"),
        (b'{"type": "entry"}\n\xff', "line 2: byte 0xff is not UTF-8"),
        (b'\n{"type": "entry"}\n', "line 2: an entry, but no conversation has begun"),
        (b"\n", "there is no WebSocket conversation in it"),
        (b"\xd4\xc3\xb2\xa1\x02\x00", "byte 0: the file's header is cut off"),
    ],
)
def test_a_file_that_cannot_be_used_is_said_to_be_so_in_one_line(
    data: bytes, said: str, tmp_path: Path
) -> None:
    """With the place, and exit status 2."""
    ran = verify(tmp_path, data)
    assert ran.status == 2
    assert said in ran.errors
    assert ran.errors.startswith("wsref verify-trace: ")
    assert ran.errors.count("\n") == 1


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    """In one line."""
    errors = io.StringIO()
    status = run_verify_trace(tmp_path / "none", output=io.StringIO(), errors=errors)
    assert status == 2
    assert errors.getvalue().endswith("none: No such file or directory\n")


def test_a_capture_that_is_cut_off_names_the_packet(tmp_path: Path) -> None:
    """Pcap and pcapng, at every place."""
    net = Net()
    net.converse((*OPENED, *BYE))
    whole = net.pcap()
    assert "packet 9: cut off" in verify(tmp_path, whole[:-1]).errors
    for size in range(24, len(whole) - 1, 7):
        ran = verify(tmp_path, whole[:size])
        assert ran.status in (0, 2)
        assert "Traceback" not in ran.errors
    longer = net.pcapng()
    assert "behind packet 8: cut off" in verify(tmp_path, longer[:-1]).errors
    for size in range(4, len(longer) - 1, 13):
        assert verify(tmp_path, longer[:size]).status in (0, 2)


def test_a_link_type_that_is_not_known_is_said_to_be_so() -> None:
    """By its number."""
    net = Net()
    net.converse(OPENED)
    data = net.pcap()
    other = data[:20] + struct.pack("<I", 147) + data[24:]
    with pytest.raises(CaptureError, match="packet 1: link type 147 is not Ethernet"):
        read_capture(other)


# Output


def test_a_finding_is_shown_with_clause_and_annotated_bytes(tmp_path: Path) -> None:
    """Level, summary and hexadecimal."""
    data = text("Hello", key=UNMASKED)
    ran = verify(tmp_path, Net().converse((*OPENED, ("client", data))).pcap())
    lines = ran.output.splitlines()
    assert (
        lines[0] == "10.0.0.1:50000 to 10.0.0.2:8080: 1 frames from the client, 0 from the server"
    )
    assert lines[1] == (
        f"  FAIL  client, frame 1, byte {len(REQUEST)} of what it sent, at 0.002000 s, packet 6"
    )
    assert lines[2] == "        a frame from a client is not masked"
    assert lines[3] == "        RFC 6455 §5.1  MUST  RFC6455-5.1-01"
    assert "    TEXT frame, 5 bytes" in lines
    assert any(line.lstrip().startswith("81  1... ....            FIN") for line in lines)
    assert all(len(line) <= 100 for line in lines)


def test_the_same_fault_over_and_over_is_shown_three_times(tmp_path: Path) -> None:
    """And counted."""
    masked: Said = ("server", sent_by_server(0x81, b"x", ZERO))
    said = [*OPENED, *[masked] * 50]
    ran = verify(tmp_path, record_of(said))
    assert ran.output.count("FAIL  server, frame ") == 3
    assert "... and 47 more of the server's about RFC6455-5.1-04" in ran.output
    assert "50 failures" in ran.output


def test_credentials_are_hidden(tmp_path: Path) -> None:
    """In the annotated request, whatever else it shows."""
    secret = b"Authorization: Basic c2VjcmV0OnNlY3JldA==\r\nCookie: id=topsecret\r\n\r\n"
    request = REQUEST.replace(b"Upgrade: websocket\r\n", b"")[:-2] + secret
    ran = verify(tmp_path, record_of([("client", request)]))
    assert ran.status == 1
    assert "Authorization: ***" in ran.output
    assert "c2VjcmV0" not in ran.output
    assert "topsecret" not in ran.output


def test_the_report_of_a_check_has_only_its_server_judged(tmp_path: Path) -> None:
    """The checker breaks rules on purpose."""
    record = record_of((*OPENED, ("client", text("Hello", key=UNMASKED))))
    begin = json.dumps({"type": "begin", "format": "wsref-report-1"})
    lines = "\n".join([begin, *record_to_lines(record, name="5.1/unmasked-text-frame")]).encode()
    ran = verify(tmp_path, lines)
    assert ran.status == 0
    assert "only the server was judged (see --side)" in ran.output
    assert verify(tmp_path, lines, side="both").status == 1


def test_json_says_the_same(tmp_path: Path) -> None:
    """With the side, the place and the clause."""
    data = Net().converse((*OPENED, ("client", binary(b"x", key=UNMASKED)))).pcap()
    ran = verify(tmp_path, data, as_json=True)
    content = json.loads(ran.output)
    assert content["exit_code"] == ran.status == 1
    (found,) = content["conversations"][0]["findings"]
    assert found["side"] == "client"
    assert found["requirement"] == "RFC6455-5.1-01"
    assert (found["frame"], found["byte"], found["packet"]) == (1, len(REQUEST), 6)
