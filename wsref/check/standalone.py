"""The body of the scripts that ``wsref replay --script`` writes.

A script is this file with another docstring and another conversation in it (:mod:`.script`).  It
runs by itself, with nothing but the standard library of Python 3.8 or later, so this file imports
nothing of ours, and uses nothing newer.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import re
import socket
import ssl
import struct
import sys
import time
import zlib
from contextlib import suppress
from urllib.parse import unquote, urlsplit

# BEGIN of the conversation

#: What it is about.
TITLE = "A Ping is answered."

#: What the opening handshake is; {host}, {target}, {key} and {own} are filled in.
REQUEST = (
    b"GET {target} HTTP/1.1\r\n"
    b"Host: {host}\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key: {key}\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"{own}\r\n"
)

#: Bytes right behind it, in hexadecimal; and whether it goes out byte by byte.
BEHIND = ""
BYTEWISE = False

#: Whether the conversation is of use only if permessage-deflate is agreed on.
NEEDS_DEFLATE = False

#: What is done afterwards, step by step.
STEPS: list[tuple[object, ...]] = [
    ("ping",),
]

#: The messages that an echo server sends back, in hexadecimal; None if that does not matter.
ECHOES: list[str] | None = None

#: How many messages the server sends by itself at the beginning.
UNASKED = 0

#: What the server may do that is a fault, and what is then to be said.
FAULTS: dict[str, str] = {
    "nothing": "the Ping was not answered",
}

#: What it may do that is right.
RIGHT = ["went on"]

# END of the conversation

SECRET = re.compile(rb"(?im)^(authorization|proxy-authorization|cookie):[^\r\n]*")
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
NAMES = {0: "continuation", 1: "text", 2: "binary", 8: "Close", 9: "Ping", 10: "Pong"}


class Frame:
    """A frame that was received, legal or not."""

    def __init__(self, data: bytes, start: int) -> None:
        """Take the frame that begins at *start*; IndexError if it is not complete."""
        first, second = data[start], data[start + 1]
        self.fin = bool(first & 0x80)
        self.rsv = first >> 4 & 7
        self.opcode = first & 0x0F
        self.masked = bool(second & 0x80)
        position = start + 2
        length = second & 0x7F
        self.length_bytes = {126: 2, 127: 8}.get(length, 0)
        if self.length_bytes:
            if len(data) < position + self.length_bytes:
                raise IndexError("incomplete")
            length = int.from_bytes(data[position : position + self.length_bytes], "big")
            position += self.length_bytes
        key = b""
        if self.masked:
            key = data[position : position + 4]
            position += 4
        if len(data) < position + length:
            raise IndexError("incomplete")
        self.payload = data[position : position + length]
        if self.masked:
            self.payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(self.payload))
        self.stop = position + length

    def __str__(self) -> str:
        bits = "" if self.fin else " FIN 0"
        bits += f" RSV {self.rsv:03b}" if self.rsv else ""
        bits += " masked" if self.masked else ""
        name = NAMES.get(self.opcode, f"opcode 0x{self.opcode:X}")
        said = ""
        if self.opcode == 8 and len(self.payload) >= 2:
            code = int.from_bytes(self.payload[:2], "big")
            said = " {} {!r}".format(code, self.payload[2:].decode("utf-8", "replace"))
        elif self.payload:
            said = f" {self.payload[:40]!r}"
        return f"{name}{bits}, {len(self.payload)} bytes{said}"


def masked(opcode: int, payload: bytes) -> bytes:
    """Build a client's frame with a short payload."""
    key = os.urandom(4)
    body = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + key + body


class Conversation:
    """One connection, and what is said over it."""

    def __init__(self, sock: socket.socket, timeout: float) -> None:
        """Take a socket that is connected; wait *timeout* seconds for answers."""
        self.sock = sock
        self.timeout = timeout
        self.begun = time.monotonic()
        self.received = b""
        self.head = b""  # of the answer
        self.position = 0  # so much was taken apart
        self.frames: list[Frame] = []
        self.ended = ""  # "end" or "reset"
        self.vain = False  # whether the last wait was in vain
        self.ping = b""

    def show(self, what: str, data: bytes = b"", said: str = "") -> None:
        """Print what happened, with the bytes in hexadecimal."""
        print(f"{time.monotonic() - self.begun:8.3f}s {what:4} {said}".rstrip())
        for start in range(0, min(len(data), 512), 16):
            piece = data[start : start + 16]
            text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in piece)
            print(f"            {piece.hex(' '):<47}  {text}")
        if len(data) > 512:
            print(f"            ... and {len(data) - 512} bytes more")

    def send(self, data: bytes, said: str, bytewise: bool = False) -> None:
        """Send bytes; what became of the connection if it fails is found out by reading."""
        self.show("sent", SECRET.sub(rb"\1: ***", data), said)
        try:
            self.sock.settimeout(self.timeout + len(data) / 1e6)
            for piece in [data[i : i + 1] for i in range(len(data))] if bytewise else [data]:
                self.sock.sendall(piece)
                if bytewise:
                    time.sleep(0.0005)
        except OSError as error:
            self.show("", said=f"sending failed: {error}")

    def receive(self, seconds: float) -> None:
        """Take what comes next, if anything comes in so many seconds."""
        self.sock.settimeout(max(seconds, 0.001))
        try:
            data = self.sock.recv(65536)
        except (socket.timeout, TimeoutError):  # noqa: UP041 - two things until Python 3.10
            return
        except OSError as error:
            self.ended = "reset"
            self.show("", said=f"TCP was reset, or broke: {error}")
            return
        if not data:
            self.ended = "end"
            self.show("", said="the server ended TCP")
            return
        self.show("got", data)
        self.received += data
        if not self.head:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return
            self.head = self.received[: end + 4]
            self.position = end + 4
        if self.status == 101:
            self.take_frames()

    @property
    def status(self) -> int:
        """The HTTP status code of the answer; 0 if there is none."""
        words = self.head.split(b"\r\n")[0].split()
        return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0

    def take_frames(self) -> None:
        """Take apart what came, and answer Pings, as every client has to."""
        while True:
            try:
                frame = Frame(self.received, self.position)
            except IndexError:
                return
            self.position = frame.stop
            self.frames.append(frame)
            self.show("", said=str(frame))
            if frame.opcode == 9 and not self.closes:
                self.send(masked(10, frame.payload[:125]), "the answer to the server's Ping")

    @property
    def closes(self) -> list[Frame]:
        """The Close frames."""
        return [frame for frame in self.frames if frame.opcode == 8]

    def messages(self) -> list[bytes]:
        """Return the payloads of the messages; what cannot be inflated stays as it is."""
        found: list[bytes] = []
        inflater = zlib.decompressobj(-15)
        payload, compressed = b"", False
        for frame in self.frames:
            if frame.opcode < 8:
                if frame.opcode:
                    payload, compressed = b"", bool(frame.rsv & 4)
                payload += frame.payload
                if frame.fin:
                    if compressed:
                        with suppress(zlib.error):
                            payload = inflater.decompress(payload + b"\x00\x00\xff\xff")
                    found.append(payload)
        return found

    def answers(self) -> list[str]:
        """Return the messages but for those that the server begins with, in hexadecimal."""
        return [message.hex() for message in self.messages()[UNASKED:]]

    def count(self, what: str) -> int:
        """Return how many things of a kind there are so far."""
        return {
            "messages": len(self.messages()) - UNASKED,
            "pongs": sum(frame.opcode == 10 for frame in self.frames),
            "close": len(self.closes),
            "end": 0,
            "bytes": len(self.received),
            "head": len(self.head),
        }[what]

    def wait(self, what: str, count: int) -> None:
        """Wait until there is so much of something, or TCP ends."""
        deadline = time.monotonic() + self.timeout
        if what == "bytes":
            count += len(self.received)
        while not self.ended and (what == "end" or self.count(what) < count):
            left = deadline - time.monotonic()
            if left <= 0:
                self.vain = True
                self.show("", said=f"nothing more came in {self.timeout:g} s")
                return
            self.receive(left)
        self.vain = False

    def pause(self, seconds: float) -> None:
        """Only receive, for so many seconds."""
        deadline = time.monotonic() + seconds
        while not self.ended and time.monotonic() < deadline:
            self.receive(deadline - time.monotonic())

    def probe(self) -> None:
        """Ask by a Ping whether the connection is alive."""
        self.pause(0.01)
        self.ping = b"probe " + os.urandom(4).hex().encode("ascii")
        if not self.ended and not self.closes:
            self.send(masked(9, self.ping), "a Ping: is the connection alive?")
        deadline = time.monotonic() + self.timeout
        while not self.ended and not self.is_answered():
            left = deadline - time.monotonic()
            if left <= 0:
                self.vain = True
                self.show("", said=f"nothing more came in {self.timeout:g} s")
                return
            self.receive(left)
        self.vain = False

    def is_answered(self) -> bool:
        """Whether the last Ping was."""
        return any(frame.payload == self.ping and frame.opcode == 10 for frame in self.frames)

    def outcome(self) -> str:
        """Say what the server did, in the words of FAULTS."""
        if self.status != 101:
            if self.status:
                return "refused the handshake"
            return "no answer to the handshake, TCP {}".format(self.ended or "open")
        if self.closes:
            payload = self.closes[0].payload
            code = str(int.from_bytes(payload[:2], "big")) if len(payload) > 1 else "no code"
            return "closed with {}, TCP {}".format(code, self.ended or "open")
        if self.ended:
            return f"no Close, TCP {self.ended}"
        if self.ping and not self.is_answered():
            return "nothing"
        if self.vain:
            return "nothing"
        if ECHOES is not None and self.answers() != ECHOES:
            return "went on with other messages"
        return "went on"


def headers(head: bytes, name: str) -> list[str]:
    """Return the values of all header fields of a name."""
    found: list[str] = []
    for line in head.decode("latin-1").split("\r\n")[1:]:
        key, _colon, value = line.partition(":")
        if key.strip().lower() == name.lower():
            found.append(value.strip())
    return found


def header(head: bytes, name: str) -> str | None:
    """Return the value of the first header field of a name; None if there is none."""
    return next(iter(headers(head, name)), None)


def listed(head: bytes, name: str) -> list[str]:
    """Return the elements of a header that is a comma list, without their parameters."""
    elements = ",".join(headers(head, name)).split(",")
    return [element.partition(";")[0].strip() for element in elements if element.strip()]


def wrong_answer(request: bytes, head: bytes) -> list[str]:
    """Return what is wrong with the server's choice of subprotocol and extensions."""
    found: list[str] = []
    chosen = headers(head, "Sec-WebSocket-Protocol")
    offered = listed(request, "Sec-WebSocket-Protocol")
    if len(chosen) > 1 or any(name not in offered for name in chosen):
        found.append(f"subprotocols {chosen} of {offered}")
    values = headers(head, "Sec-WebSocket-Extensions")
    offered = listed(request, "Sec-WebSocket-Extensions")
    names = listed(head, "Sec-WebSocket-Extensions")
    if values and (not names or any(name not in offered for name in names)):
        found.append(f"extensions {names} of {offered}")
    for value in values:
        for part in value.replace(",", ";").split(";"):
            name, equals, given = part.partition("=")
            if value and (not name.strip() or (equals and not given.strip())):
                found.append(f"Sec-WebSocket-Extensions breaks the grammar: {value!r}")
    return found


def oddities(talk: Conversation, request: bytes) -> list[str]:
    """Return what is wrong with what the server sent, whatever it was sent."""
    found: list[str] = []
    key = header(request, "Sec-WebSocket-Key") or ""
    if talk.status == 101:
        found += wrong_answer(request, talk.head)
        wanted = base64.b64encode(hashlib.sha1(key.encode("latin-1") + GUID).digest()).decode()
        accept = header(talk.head, "Sec-WebSocket-Accept")
        if accept != wanted:
            found.append(f"Sec-WebSocket-Accept is {accept!r}, not {wanted!r}")
        if (header(talk.head, "Upgrade") or "").lower() != "websocket":
            found.append("the 101 lacks Upgrade: websocket")
        if "upgrade" not in (header(talk.head, "Connection") or "").lower():
            found.append("the 101 lacks Connection: Upgrade")
    compresses = "permessage-deflate" in (header(talk.head, "Sec-WebSocket-Extensions") or "")
    closed = begun = False
    for frame in talk.frames:
        control = frame.opcode >= 8
        if frame.masked:
            found.append(f"a frame is masked: {frame}")
        if frame.rsv & 3 or (frame.rsv and (not compresses or control or not frame.opcode)):
            found.append(f"a reserved bit is set: {frame}")
        if frame.opcode not in NAMES:
            found.append(f"a reserved opcode: {frame}")
        if frame.length_bytes and len(frame.payload) < {2: 126, 8: 65536}[frame.length_bytes]:
            found.append(f"a length that is longer than needed: {frame}")
        if control and (len(frame.payload) > 125 or not frame.fin):
            found.append(f"a control frame too long, or fragmented: {frame}")
        if closed and frame.opcode in (0, 1, 2, 8):
            found.append(f"behind the Close: {frame}")
        if not control:
            if begun == bool(frame.opcode):
                found.append(f"fragments out of order: {frame}")
            begun = not frame.fin
        if frame.opcode == 1 and frame.fin and not frame.rsv & 4:
            try:
                frame.payload.decode("utf-8")
            except UnicodeDecodeError:
                found.append(f"text that is not UTF-8: {frame}")
        if frame.opcode == 8:
            closed = True
            code = int.from_bytes(frame.payload[:2], "big")
            fine = (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) or 3000 <= code <= 4999
            if frame.payload and (len(frame.payload) == 1 or not fine):
                found.append(f"a Close with a bad body: {frame.payload.hex()}")
    rest = talk.received[talk.position :]
    if talk.status == 101 and rest and talk.ended == "end" and not closed:
        found.append(f"TCP ended within a frame: {rest[:16].hex()}")
    if ECHOES is not None and talk.answers() != ECHOES[: len(talk.answers())]:
        found.append("a message came back that should not have, or that is not what was sent")
    return found


def connect(url: str, options: argparse.Namespace) -> tuple[socket.socket, bytes]:
    """Connect; return the socket, and the opening handshake."""
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise ValueError(f"{url}: not a ws:// or wss:// URL")
    secure = parts.scheme == "wss"
    default = 443 if secure else 80
    port = parts.port or default
    sock = socket.create_connection((parts.hostname, port), 10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if secure:
        context = ssl.create_default_context(cafile=options.cacert)
        if options.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        sock = context.wrap_socket(sock, server_hostname=parts.hostname)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if port != default:
        host += f":{port}"
    target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    own = [line.strip() for line in options.header]
    if parts.username is not None:
        pair = "{}:{}".format(unquote(parts.username), unquote(parts.password or ""))
        own.append("Authorization: Basic " + base64.b64encode(pair.encode()).decode())
    key = base64.b64encode(os.urandom(16)).decode("ascii")
    request = REQUEST
    for name, value in (
        (b"{target}", target),
        (b"{hostname}", host.rpartition(":")[0] if port != default else host),
        (b"{host}", host),
        (b"{own}", "".join(line + "\r\n" for line in own)),
        (b"{key}", key),
    ):
        request = request.replace(name, value.encode("latin-1"))
    return sock, request


def carry_out(talk: Conversation, request: bytes) -> None:
    """Have the conversation, until its end or that of TCP."""
    talk.send(request + bytes.fromhex(BEHIND), "the opening handshake", BYTEWISE)
    talk.wait("head", 1)
    if talk.status != 101:
        return
    if NEEDS_DEFLATE and "permessage-deflate" not in talk.head.decode("latin-1"):
        raise ConnectionError("permessage-deflate is not agreed on, which this needs")
    for step in STEPS:
        if talk.ended:
            break
        if step[0] == "send":
            talk.send(bytes.fromhex(str(step[2])), str(step[1]), step[3:] == ("byte by byte",))
        elif step[0] == "ping":
            talk.probe()
        elif step[0] == "wait for":
            if step[1] != "messages" or ECHOES is not None:
                talk.wait(str(step[1]), int(str(step[2])))
        elif step[0] == "pause":
            talk.pause(float(str(step[1])))
        elif step[0] == "end sending":
            talk.show("", said="we end our direction of TCP")
            with suppress(OSError):
                talk.sock.shutdown(socket.SHUT_WR)
        elif step[0] == "reset":
            talk.show("", said="we reset TCP")
            talk.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            talk.sock.close()
            break


def main() -> int:
    """Repeat the conversation.

    Returns 1 if the fault shows, 2 if the URL is none, 3 if the server cannot show it.
    """
    parser = argparse.ArgumentParser(description=TITLE)
    parser.add_argument("url", help="ws://HOST:PORT/PATH or wss://...")
    parser.add_argument("-H", "--header", action="append", default=[], metavar="'NAME: VALUE'")
    parser.add_argument("-k", "--insecure", action="store_true", help="do not verify TLS")
    parser.add_argument("--cacert", help="authorities to trust (PEM)")
    parser.add_argument("--timeout", type=float, default=2.0, help="wait so many seconds")
    options = parser.parse_args()
    print(TITLE)
    try:
        sock, request = connect(options.url, options)
    except OSError as error:
        print(f"no connection: {error}", file=sys.stderr)
        return 3
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    talk = Conversation(sock, options.timeout)
    with sock:
        try:
            carry_out(talk, request)
        except ConnectionError as error:
            print(error, file=sys.stderr)
            return 3
    outcome = talk.outcome()
    print(f"what the server did: {outcome}")
    any_code = "closed with any code, TCP {}".format(talk.ended or "open")
    faults = [FAULTS[outcome]] if outcome in FAULTS else []
    if not faults and outcome.startswith("closed with ") and outcome not in RIGHT:
        faults = [FAULTS[any_code]] if any_code in FAULTS else []
    faults += oddities(talk, request)
    for fault in faults:
        print(f"FAULT: {fault}")
    if not faults:
        print("the fault does not show")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
