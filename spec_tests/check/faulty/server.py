"""A strict WebSocket echo server that is easy to spoil.

It shares no structure with the server in :mod:`wsref`: threads and blocking sockets, one thread
for each connection, and one small method for each decision, so that a fault is a subclass that
overrides one of them.  As it stands it obeys RFC 6455 and RFC 7692 and resolves every ambiguity
as strictly as it can.

An :class:`EchoServer` is a prototype: every connection works on a shallow copy of it, so that
attributes set while serving belong to one connection.  A connection goes like this::

    serve
      open_handshake    read_head → parse_request → check_request → negotiate → respond
      receive_frames    read_header (checks) → payload (unmasked) → receive_control
                                                                  → receive_data → deliver
      close_tcp         FIN, drain, close

Four exceptions steer it: :class:`Refused` (an HTTP error answers the request), :class:`Failed`
(a Close frame, then the end), :class:`Finished` (the end) and :class:`Dropped` (the client went).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import socket
import struct
import time
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass, field
from threading import Event, Lock, Thread, current_thread
from typing import Final, NamedTuple, Protocol, Self

from wsref.protocol.headers import (
    Extension,
    is_token,
    parse_extensions,
    parse_tokens,
    serialize_extensions,
)
from wsref.protocol.masking import mask
from wsref.protocol.utf8 import check_utf8
from wsref.protocol.violations import Violation

__all__ = [
    "BINARY",
    "CLOSE",
    "CONTINUATION",
    "GUID",
    "PING",
    "PONG",
    "TEXT",
    "Deflate",
    "Dropped",
    "EchoServer",
    "Failed",
    "Fields",
    "Finished",
    "Header",
    "Message",
    "Refused",
    "Request",
    "serving",
]

CONTINUATION: Final = 0
TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TAIL: Final = b"\x00\x00\xff\xff"

Fields = list[tuple[str, str]]


class Refused(Exception):
    """The opening handshake cannot be accepted: answer it with an HTTP error."""

    def __init__(self, status: int, why: str, fields: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(why)
        self.status = status
        self.why = why
        self.fields = list(fields)


class Failed(Exception):
    """The connection has to be failed: send a Close with *code*, and close TCP."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


class Finished(Exception):
    """Nothing more is to be said: close TCP."""


class Dropped(Exception):
    """The client's end of the stream has come."""


class Inflater(Protocol):
    """What is used of a ``zlib.decompressobj``."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...
    def copy(self) -> Self: ...


class Deflater(Protocol):
    """What is used of a ``zlib.compressobj``."""

    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self, mode: int, /) -> bytes: ...


class Request(NamedTuple):
    """A request as it was sent; the names of its fields keep their case."""

    method: str
    target: str
    version: str
    fields: Fields


@dataclass
class Header:
    """The header of a frame that is being received."""

    first: int
    second: int
    length: int = 0
    key: bytes = b""

    @property
    def fin(self) -> bool:
        """Whether it ends a message."""
        return self.first & 0x80 != 0

    @property
    def rsv(self) -> int:
        """The reserved bits: 4 for RSV1, 2 for RSV2, 1 for RSV3."""
        return self.first >> 4 & 7

    @property
    def opcode(self) -> int:
        """The opcode."""
        return self.first & 15

    @property
    def is_control(self) -> bool:
        """Whether the opcode is one of 8 to 15."""
        return self.first & 8 != 0

    @property
    def masked(self) -> bool:
        """Whether the mask bit is set."""
        return self.second & 0x80 != 0

    @property
    def marker(self) -> int:
        """The seven bits that are the length, or 126 or 127."""
        return self.second & 0x7F


@dataclass
class Message:
    """A message that is being received."""

    opcode: int
    compressed: bool = False
    data: bytearray = field(default_factory=bytearray)
    #: How many bytes its frames had so far, as they came over the wire.
    wire_size: int = 0
    #: The first bytes of a character that is not complete yet.
    tail: bytes = b""


@dataclass
class Deflate:
    """What was agreed on permessage-deflate, and whether it is shown in the answer."""

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int | None = None
    client_max_window_bits: int | None = None


class EchoServer:
    """A strict echo server; each connection works on a copy of the prototype.

    Attributes:
        subprotocols: those it speaks.
        compression: whether it agrees on permessage-deflate.
        max_message: the most bytes that a message may have.
        max_head: the most bytes that the head of a request may have.
        handshake_timeout: how many seconds a request may take.
        linger: how many seconds to wait for the client's FIN after one's own.
    """

    subprotocols: tuple[str, ...] = ("chat", "superchat")
    compression: bool = True
    max_message: int = 1 << 20
    max_head: int = 16 * 1024
    handshake_timeout: float = 10.0
    linger: float = 1.0

    # What belongs to one connection; `serve` sets it.
    tcp: socket.socket
    stopped: Event
    buffer: bytearray
    request: Request
    key: str
    subprotocol: str | None
    deflate: Deflate | None
    message: Message | None
    inflater: Inflater | None
    deflater: Deflater | None
    window: bytes

    # ---- the life of a connection

    def serve(self, connected: socket.socket, stopped: Event) -> None:
        """Serve one connection to its end; *stopped* is set when the server is to stop."""
        self.tcp = connected
        self.stopped = stopped
        self.buffer = bytearray()
        self.request = Request("", "", "", [])
        self.key = ""
        self.subprotocol = None
        self.deflate = None
        self.message = None
        self.inflater = None
        self.deflater = None
        self.window = b""
        with connected, suppress(OSError, Dropped, Finished):
            self.run()

    def run(self) -> None:
        """Open the connection, take what comes, close TCP."""
        try:
            connected = self.tcp
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connected.settimeout(self.handshake_timeout)
            if self.open_handshake():
                connected.settimeout(None)
                self.on_open()
                self.receive_frames()
        except (Finished, Dropped, TimeoutError):
            pass
        self.close_tcp()

    def receive_frames(self) -> None:
        """Take frames until an exception ends it."""
        try:
            while True:
                self.receive_frame(self.read_header())
        except Failed as failure:
            self.fail(failure)

    def on_open(self) -> None:
        """Do what is to be done right after the 101: nothing."""

    def fail(self, failure: Failed) -> None:
        """Fail the connection (RFC 6455 §7.1.7); TCP is closed by the caller."""
        self.send_close(struct.pack("!H", self.failure_code(failure)))

    def failure_code(self, failure: Failed) -> int:
        """Return the status code to fail with."""
        return failure.code

    def close_tcp(self) -> None:
        """Send FIN, wait a little for the client's, discarding what comes; then close."""
        self.tcp.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + self.linger
        while (left := deadline - time.monotonic()) > 0:
            self.tcp.settimeout(left)
            try:
                if not self.tcp.recv(65536):
                    break
            except TimeoutError:
                break
        self.tcp.close()

    def reset_tcp(self) -> None:
        """Close so that the client gets a reset; not used, but some faults are made of it."""
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.tcp.close()

    def hang(self) -> None:
        """Ignore what the client sends until it goes or the server stops; for faults."""
        self.tcp.settimeout(None)
        while self.tcp.recv(65536):
            pass

    def wait(self, seconds: float) -> None:
        """Sleep, but not beyond the server's end; for faults."""
        self.stopped.wait(seconds)

    # ---- the stream

    def receive_some(self) -> bytes:
        """Return what a single read from the socket gives."""
        data = self.tcp.recv(65536)
        if not data:
            raise Dropped
        return data

    def read_some(self, most: int) -> bytes:
        """Return at least one byte and at most *most*, without waiting for more than one."""
        if not self.buffer:
            self.buffer += self.receive_some()
        data = bytes(self.buffer[:most])
        del self.buffer[:most]
        return data

    def read_exactly(self, size: int) -> bytes:
        """Return the next *size* bytes, however many reads that takes."""
        while len(self.buffer) < size:
            self.buffer += self.receive_some()
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.tcp.sendall(data)

    # ---- the opening handshake

    def open_handshake(self) -> bool:
        """Answer the client's handshake; return whether the connection is open."""
        try:
            self.request = self.parse_request(self.read_head())
            self.check_request(self.request)
            self.negotiate(self.request)
        except Refused as refusal:
            self.refuse(refusal)
            return False
        self.respond()
        return True

    def read_head(self) -> bytes:
        """Return the request up to its empty line, which is not included."""
        while (end := self.find_end_of_head()) is None:
            if len(self.buffer) > self.max_head:
                raise Refused(431, "the head is too large")
            self.buffer += self.receive_some()
        if end > self.max_head:
            raise Refused(431, "the head is too large")
        head = bytes(self.buffer[:end])
        del self.buffer[: end + 4]
        return head

    def find_end_of_head(self) -> int | None:
        """Return where the empty line begins, if it is there."""
        end = self.buffer.find(b"\r\n\r\n")
        if re.search(rb"(?<!\r)\n", self.buffer[: end if end >= 0 else None]):
            raise Refused(400, "a line that ends in a bare LF")
        return end if end >= 0 else None

    def parse_request(self, head: bytes) -> Request:
        """Take the head of a request apart."""
        line, *lines = self.split_lines(head.decode("latin-1"))
        match = re.fullmatch(r"([^ \x00-\x1f]+) ([\x21-\x7e]+) (HTTP/[0-9]\.[0-9])", line)
        if match is None or not is_token(match[1]):
            raise Refused(400, "a malformed request line")
        return Request(match[1], match[2], match[3], [self.parse_field(line) for line in lines])

    def split_lines(self, head: str) -> list[str]:
        """Return the lines of the head of a request."""
        return head.split("\r\n")

    def parse_field(self, line: str) -> tuple[str, str]:
        """Take a header line apart."""
        name, colon, value = line.partition(":")
        if not colon or not is_token(name):  # white space before the colon, folded lines
            raise Refused(400, "a malformed header line")
        value = value.strip(" \t")
        if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
            raise Refused(400, "a control character in a header")
        return name, value

    def values(self, name: str) -> list[str]:
        """Return the values of all the request's fields of a name, in order."""
        return [value for other, value in self.request.fields if self.same_name(other, name)]

    def same_name(self, name: str, wanted: str) -> bool:
        """Whether a field's name is the one wanted."""
        return name.lower() == wanted.lower()

    def has_token(self, name: str, token: str) -> bool:
        """Whether a list header has a token, in any case."""
        listed = ",".join(self.values(name)).split(",")
        return token in [element.strip(" \t").lower() for element in listed]

    def check_request(self, request: Request) -> None:
        """Refuse what breaks a rule of RFC 6455 §4.2.1."""
        self.check_method(request)
        self.check_http_version(request)
        self.check_target(request)
        self.check_host()
        self.check_body()
        self.check_upgrade()
        self.check_connection()
        self.check_version()
        self.check_key()
        self.check_origin()

    def check_method(self, request: Request) -> None:
        """Only GET."""
        if request.method != "GET":
            raise Refused(405, "only GET", [("Allow", "GET")])

    def check_http_version(self, request: Request) -> None:
        """Only HTTP/1.1 (and 1.2 to 1.9)."""
        if not "HTTP/1.1" <= request.version < "HTTP/2":
            raise Refused(505, "only HTTP/1.1")

    def check_target(self, request: Request) -> None:
        """A path, or an absolute http or https URI; no fragment."""
        form = r"(?i:https?://[^/?#]+)(?:[/?][^#]*)?|/[^#]*"
        if not re.fullmatch(form, request.target):
            raise Refused(400, "a malformed request target")

    def check_host(self) -> None:
        """Exactly one Host, which looks like one."""
        hosts = self.values("Host")
        if len(hosts) != 1:
            raise Refused(400, "one Host is needed")
        if not re.fullmatch(
            r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+;=-]+)(:[0-9]*)?", hosts[0]
        ):
            raise Refused(400, "a malformed Host")

    def check_body(self) -> None:
        """No body."""
        if self.values("Transfer-Encoding") or set(self.values("Content-Length")) - {"0"}:
            raise Refused(400, "a request with a body")

    def check_upgrade(self) -> None:
        """Upgrade lists websocket."""
        if not self.has_token("Upgrade", "websocket"):
            raise Refused(426, "Upgrade: websocket is needed", [("Upgrade", "websocket")])

    def check_connection(self) -> None:
        """Connection lists upgrade."""
        if not self.has_token("Connection", "upgrade"):
            raise Refused(400, "Connection: Upgrade is needed")

    def check_version(self) -> None:
        """Exactly one version, which is 13."""
        versions = self.values("Sec-WebSocket-Version")
        if len(versions) != 1:
            raise Refused(400, "one Sec-WebSocket-Version is needed", self.version_fields())
        if not self.is_supported_version(versions[0]):
            known = re.fullmatch(r"0|[1-9][0-9]{0,2}", versions[0])
            raise Refused(426 if known else 400, "only version 13", self.version_fields())

    def is_supported_version(self, version: str) -> bool:
        """Whether the text is that of a version we speak."""
        return version == "13"

    def version_fields(self) -> Fields:
        """Return the headers by which a refusal tells the supported versions."""
        return [("Sec-WebSocket-Version", "13")]

    def check_key(self) -> None:
        """Exactly one key, which is base64 for 16 bytes."""
        keys = self.values("Sec-WebSocket-Key")
        if len(keys) != 1:
            raise Refused(400, "one Sec-WebSocket-Key is needed")
        self.check_key_text(keys[0])
        self.key = keys[0]

    def check_key_text(self, key: str) -> None:
        """The key is base64 for 16 bytes."""
        try:
            decoded = base64.b64decode(key, validate=True)
        except (binascii.Error, ValueError):
            raise Refused(400, "the key is not base64") from None
        if len(decoded) != 16 or len(key) != 24:
            raise Refused(400, "the key does not stand for 16 bytes")

    def check_origin(self) -> None:
        """Any origin is welcome."""

    def negotiate(self, request: Request) -> None:
        """Choose a subprotocol and the parameters of permessage-deflate."""
        self.subprotocol = self.choose_subprotocol(self.offered_subprotocols())
        self.deflate = self.choose_extension(self.offered_extensions())

    def offered_subprotocols(self) -> tuple[str, ...]:
        """Return the subprotocols that the client listed."""
        values = self.values("Sec-WebSocket-Protocol")
        try:
            offers = parse_tokens(values)
        except Violation as violation:
            raise Refused(400, str(violation)) from None
        if values and not offers:
            raise Refused(400, "Sec-WebSocket-Protocol names none")
        return offers

    def choose_subprotocol(self, offers: Sequence[str]) -> str | None:
        """Return the first that we speak."""
        return next((offer for offer in offers if offer in self.subprotocols), None)

    def offered_extensions(self) -> tuple[Extension, ...]:
        """Return the extensions that the client listed."""
        try:
            return parse_extensions(self.values("Sec-WebSocket-Extensions"))
        except Violation as violation:
            raise Refused(400, str(violation)) from None

    def choose_extension(self, offers: Sequence[Extension]) -> Deflate | None:
        """Return our answer to the first offer that we can accept."""
        for offer in offers:
            if self.compression and offer.name == "permessage-deflate":
                answer = self.answer_offer(offer)
                if answer is not None:
                    return answer
        return None

    def answer_offer(self, offer: Extension) -> Deflate | None:
        """Return our answer to an offer of permessage-deflate, None to decline it."""
        names = [name for name, _ in offer.parameters]
        if len(set(names)) != len(names):
            return None
        answer = Deflate()
        for name, value in offer.parameters:
            if not self.answer_parameter(answer, name, value):
                return None
        return answer

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        """Put our answer to one parameter into *answer*; False to decline the offer."""
        match name:
            case "server_no_context_takeover":
                answer.server_no_context_takeover = True
                return value is None
            case "client_no_context_takeover":
                answer.client_no_context_takeover = True
                return value is None
            case "server_max_window_bits":
                answer.server_max_window_bits = self.parse_window_bits(value)
                return (answer.server_max_window_bits or 0) >= 9  # zlib cannot do 8
            case "client_max_window_bits":
                if value is None:
                    return True
                answer.client_max_window_bits = self.parse_window_bits(value)
                return answer.client_max_window_bits is not None
            case _:
                return False

    def parse_window_bits(self, value: str | None) -> int | None:
        """Return the number that a parameter's value stands for, None if it is not one."""
        if value is None or not re.fullmatch(r"[89]|1[0-5]", value):
            return None
        return int(value)

    def accept_value(self, key: str) -> str:
        """Return the value of Sec-WebSocket-Accept."""
        return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()

    def respond(self) -> None:
        """Accept the handshake."""
        self.send(self.response_head())

    def response_head(self) -> bytes:
        """Return the whole 101."""
        return self.serialize_head(self.status_line(), self.response_fields())

    def status_line(self) -> str:
        """Return the first line of an acceptance."""
        return "HTTP/1.1 101 Switching Protocols"

    def response_fields(self) -> Fields:
        """Return the headers of an acceptance."""
        return [
            *self.upgrade_fields(),
            *self.connection_fields(),
            *self.accept_fields(),
            *self.subprotocol_fields(),
            *self.extension_fields(),
        ]

    def upgrade_fields(self) -> Fields:
        """Return the header Upgrade."""
        return [("Upgrade", "websocket")]

    def connection_fields(self) -> Fields:
        """Return the header Connection."""
        return [("Connection", "Upgrade")]

    def accept_fields(self) -> Fields:
        """Return the header Sec-WebSocket-Accept."""
        return [("Sec-WebSocket-Accept", self.accept_value(self.key))]

    def subprotocol_fields(self) -> Fields:
        """Return the header Sec-WebSocket-Protocol, or nothing."""
        return [] if self.subprotocol is None else [("Sec-WebSocket-Protocol", self.subprotocol)]

    def extension_fields(self) -> Fields:
        """Return the header Sec-WebSocket-Extensions, or nothing."""
        if self.deflate is None:
            return []
        element = Extension("permessage-deflate", tuple(self.deflate_parameters(self.deflate)))
        return [("Sec-WebSocket-Extensions", serialize_extensions([element]))]

    def deflate_parameters(self, answer: Deflate) -> list[tuple[str, str | None]]:
        """Return the parameters of permessage-deflate that the response shows."""
        parameters: list[tuple[str, str | None]] = []
        if answer.server_no_context_takeover:
            parameters.append(("server_no_context_takeover", None))
        if answer.client_no_context_takeover:
            parameters.append(("client_no_context_takeover", None))
        if answer.server_max_window_bits is not None:
            parameters.append(("server_max_window_bits", str(answer.server_max_window_bits)))
        if answer.client_max_window_bits is not None:
            parameters.append(("client_max_window_bits", str(answer.client_max_window_bits)))
        return parameters

    def serialize_head(self, first_line: str, fields: Fields) -> bytes:
        """Return the bytes of a response's head."""
        lines = [first_line, *(f"{name}: {value}" for name, value in fields), "", ""]
        return "\r\n".join(lines).encode("latin-1")

    def refuse(self, refusal: Refused) -> None:
        """Answer with an HTTP error; TCP is closed by the caller."""
        body = f"{refusal.why}\n".encode()
        fields = [
            *refusal.fields,
            ("Content-Type", "text/plain"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        self.send(self.serialize_head(f"HTTP/1.1 {refusal.status} Refused", fields) + body)

    # ---- frames received

    def read_header(self) -> Header:
        """Read the header of a frame, and judge every part of it once it is there."""
        first, second = self.read_exactly(2)
        header = Header(first, second)
        self.check_start(header)
        header.length = self.read_length(header)
        self.check_length(header)
        self.check_size(header)
        header.key = self.read_key(header)
        return header

    def check_start(self, header: Header) -> None:
        """Check what the first two bytes tell."""
        self.check_reserved_bits(header)
        self.check_opcode(header)
        self.check_mask(header)
        if header.is_control:
            self.check_control(header)
        else:
            self.check_sequence(header)

    def check_reserved_bits(self, header: Header) -> None:
        """No reserved bit is set but the RSV1 of a compressed message."""
        if header.rsv & ~self.allowed_bits(header):
            raise Failed(1002, "a reserved bit is set")

    def allowed_bits(self, header: Header) -> int:
        """Return the reserved bits that may be set in a frame."""
        return 4 if self.deflate is not None and header.opcode in (TEXT, BINARY) else 0

    def check_opcode(self, header: Header) -> None:
        """The opcode has a meaning."""
        if header.opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise Failed(1002, "a reserved opcode")

    def check_mask(self, header: Header) -> None:
        """The frame is masked."""
        if not header.masked:
            raise Failed(1002, "a frame that is not masked")

    def check_control(self, header: Header) -> None:
        """A control frame is short and not fragmented."""
        self.check_control_fin(header)
        self.check_control_length(header)

    def check_control_fin(self, header: Header) -> None:
        """A control frame is not fragmented."""
        if not header.fin:
            raise Failed(1002, "a fragmented control frame")

    def check_control_length(self, header: Header) -> None:
        """A control frame is short."""
        if header.marker > 125:
            raise Failed(1002, "a control frame with more than 125 bytes")

    def check_sequence(self, header: Header) -> None:
        """Fragments follow one another."""
        if header.opcode == CONTINUATION:
            if self.message is None:
                raise Failed(1002, "a continuation of nothing")
        elif self.message is not None:
            raise Failed(1002, "a new message before the end of another")

    def read_length(self, header: Header) -> int:
        """Read the extended length, if there is one; return the length."""
        if header.marker == 126:
            return int.from_bytes(self.read_exactly(2), "big")
        if header.marker == 127:
            return int.from_bytes(self.read_exactly(8), "big")
        return header.marker

    def check_length(self, header: Header) -> None:
        """The length is written in the shortest form, and its top bit is clear."""
        if header.marker == 126:
            self.check_length_16(header.length)
        elif header.marker == 127:
            self.check_length_64(header.length)

    def check_length_16(self, length: int) -> None:
        """Only lengths that need 16 bits use them."""
        if length < 126:
            raise Failed(1002, "a length that is not in the shortest form")

    def check_length_64(self, length: int) -> None:
        """Only lengths that need 64 bits use them, and no more than 63."""
        if length < 65536:
            raise Failed(1002, "a length that is not in the shortest form")
        if length >> 63:
            raise Failed(1002, "a length with its top bit set")

    def check_size(self, header: Header) -> None:
        """The message does not become too large."""
        if not header.is_control:
            so_far = 0 if self.message is None else self.message.wire_size
            if so_far + header.length > self.max_message:
                raise Failed(1009, "the message is too large")

    def read_key(self, header: Header) -> bytes:
        """Read the masking key, if there is one."""
        return self.read_exactly(4) if header.masked else b""

    def payload(self, header: Header) -> Iterator[bytes]:
        """Give the payload of a frame, unmasked, as it arrives."""
        position = 0
        while position < header.length:
            data = self.read_some(header.length - position)
            yield self.unmask(data, header, position)
            position += len(data)

    def unmask(self, data: bytes, header: Header, position: int) -> bytes:
        """Remove the mask from the part of a payload that begins at *position*."""
        return mask(data, header.key, position) if header.key else data

    def receive_frame(self, header: Header) -> None:
        """Take a frame whose header was read and found right."""
        if header.is_control:
            self.receive_control(header, b"".join(self.payload(header)))
        else:
            self.receive_data(header)

    # ---- control frames

    def receive_control(self, header: Header, payload: bytes) -> None:
        """Take a control frame."""
        if header.opcode == PING:
            self.receive_ping(payload)
        elif header.opcode == PONG:
            self.receive_pong(payload)
        elif header.opcode == CLOSE:
            self.receive_close(payload)

    def receive_ping(self, payload: bytes) -> None:
        """Answer a Ping."""
        self.send_pong(payload)

    def receive_pong(self, payload: bytes) -> None:
        """Take a Pong, which needs no answer."""

    def receive_close(self, payload: bytes) -> None:
        """Answer a Close, and finish."""
        self.check_close(payload)
        self.send_close(self.close_reply(payload))
        raise Finished

    def check_close(self, payload: bytes) -> None:
        """A Close has an empty body, or a legal code and a reason in UTF-8."""
        if not payload:
            return
        self.check_close_length(payload)
        self.check_close_code(int.from_bytes(payload[:2], "big"))
        self.check_close_reason(payload[2:])

    def check_close_length(self, payload: bytes) -> None:
        """One byte is no code."""
        if len(payload) == 1:
            raise Failed(1002, "a Close with a single byte")

    def check_close_code(self, code: int) -> None:
        """The code may be sent."""
        if not self.is_legal_code(code):
            raise Failed(1002, f"a Close with the code {code}")

    def is_legal_code(self, code: int) -> bool:
        """Whether a code may stand in a Close."""
        return code in (*range(1000, 1004), *range(1007, 1015)) or 3000 <= code <= 4999

    def check_close_reason(self, reason: bytes) -> None:
        """The reason is UTF-8."""
        try:
            reason.decode()
        except UnicodeDecodeError:
            raise Failed(1007, "the reason is not UTF-8") from None

    def close_reply(self, payload: bytes) -> bytes:
        """Return the body of the answer to a Close: the same code, if any."""
        return payload[:2]

    # ---- data frames

    def receive_data(self, header: Header) -> None:
        """Take a text, binary or continuation frame, piece by piece."""
        message = self.message_of(header)
        message.wire_size += header.length
        for data in self.payload(header):
            self.add(message, data)
        self.end_fragment(message, header)
        if header.fin:
            self.message = None
            self.end_message(message)

    def message_of(self, header: Header) -> Message:
        """Return the message that a data frame belongs to, a new one if it begins it."""
        if header.opcode == CONTINUATION and self.message is not None:
            return self.message
        self.message = Message(header.opcode, compressed=self.is_compressed(header))
        return self.message

    def is_compressed(self, header: Header) -> bool:
        """Whether the message that this frame begins is compressed."""
        return header.rsv & 4 != 0

    def add(self, message: Message, data: bytes) -> None:
        """Add a piece of payload to a message."""
        if message.compressed:
            data = self.inflate(message, data)
        self.add_content(message, data)

    def add_content(self, message: Message, data: bytes) -> None:
        """Add a piece of content, no longer compressed, to a message."""
        if len(message.data) + len(data) > self.max_message:
            raise Failed(1009, "the message is too large")
        if message.opcode == TEXT:
            self.check_text(message, data)
        message.data += data

    def end_fragment(self, message: Message, header: Header) -> None:
        """Do what is to be done at the end of each data frame: nothing."""

    def end_message(self, message: Message) -> None:
        """Take the end of a message."""
        if message.compressed:
            self.add_content(message, self.end_inflating(message))
        if message.opcode == TEXT:
            self.check_text_end(message)
        self.deliver(message.opcode, bytes(message.data))

    def check_text(self, message: Message, data: bytes) -> None:
        """Check a piece of text as the continuation of what came before."""
        try:
            message.tail = check_utf8(message.tail, data)
        except Violation:
            raise Failed(1007, "the text is not UTF-8") from None

    def check_text_end(self, message: Message) -> None:
        """Check that a text does not end inside a character."""
        if message.tail:
            raise Failed(1007, "the text ends inside a character")

    def deliver(self, opcode: int, data: bytes) -> None:
        """Take a whole message: send it back."""
        self.send_message(opcode, data)

    # ---- decompression

    def inflate(self, message: Message, data: bytes) -> bytes:
        """Inflate a piece of a message, no further than the limit."""
        room = self.max_message - len(message.data)
        parts: list[bytes] = []
        while data:
            if self.inflater is None:
                self.inflater = self.new_inflater()
            try:
                part = self.inflater.decompress(data, room + 1)
            except zlib.error:
                raise Failed(1007, "invalid DEFLATE data") from None
            parts.append(part)
            room -= len(part)
            if room < 0:
                raise Failed(1009, "the message is too large")
            self.window = (self.window + part)[-32768:]
            data = self.inflater.unconsumed_tail
            if self.inflater.eof:  # behind a final block another stream may begin
                data = self.inflater.unused_data
                self.inflater = None
        return b"".join(parts)

    def new_inflater(self) -> Inflater:
        """Return an inflater that knows the window of what came before."""
        bits = self.client_window_bits()
        return zlib.decompressobj(-bits, zdict=self.window[-(1 << bits) :])

    def client_window_bits(self) -> int:
        """Return the logarithm of the size of the client's window."""
        return (self.deflate and self.deflate.client_max_window_bits) or 15

    def end_inflating(self, message: Message) -> bytes:
        """Inflate the tail that the client left out; return what it yields."""
        data = self.inflate(message, TAIL)
        self.check_block_boundary()
        if self.deflate is not None and self.deflate.client_no_context_takeover:
            self.inflater = None
            self.window = b""
        return data

    def check_block_boundary(self) -> None:
        """The data did not stop inside a block."""
        if self.inflater is None:
            return
        probe = self.inflater.copy()
        try:
            extra = probe.decompress(b"\x01\x00\x00\xff\xff", 1)
        except zlib.error:
            extra = b"invalid"
        if extra or not probe.eof or probe.unused_data:
            raise Failed(1007, "DEFLATE data that is cut off")

    # ---- sending

    def send_message(self, opcode: int, data: bytes) -> None:
        """Send a message."""
        if self.deflate is not None and self.wants_compression(opcode, data):
            self.send_compressed(opcode, data)
        else:
            self.send_frame(opcode, data)

    def wants_compression(self, opcode: int, data: bytes) -> bool:
        """Whether to compress a message, if it is possible."""
        return True

    def send_compressed(self, opcode: int, data: bytes) -> None:
        """Send a compressed message."""
        self.send_frame(opcode, self.compress(data), rsv=4)

    def compress(self, data: bytes) -> bytes:
        """Return the payload of a compressed message."""
        if not data:
            return b"\x00"
        if self.deflater is None or self.forgets_window():
            self.deflater = self.new_deflater()
        return self.cut_tail(self.deflater.compress(data) + self.deflater.flush(zlib.Z_SYNC_FLUSH))

    def cut_tail(self, compressed: bytes) -> bytes:
        """Remove the last four bytes of a compressed message."""
        return compressed[:-4]

    def forgets_window(self) -> bool:
        """Whether each message is compressed without regard to earlier ones."""
        return self.deflate is not None and self.deflate.server_no_context_takeover

    def new_deflater(self) -> Deflater:
        """Return a deflater without history."""
        return zlib.compressobj(6, zlib.DEFLATED, -self.server_window_bits())

    def server_window_bits(self) -> int:
        """Return the logarithm of the size of our window."""
        return (self.deflate and self.deflate.server_max_window_bits) or 15

    def send_pong(self, payload: bytes) -> None:
        """Send a Pong."""
        self.send_frame(PONG, payload)

    def send_close(self, payload: bytes) -> None:
        """Send a Close."""
        self.send_frame(CLOSE, payload)

    def send_frame(self, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> None:
        """Send a frame."""
        self.send(self.serialize_frame(fin << 7 | rsv << 4 | opcode, payload))

    def serialize_frame(self, first: int, payload: bytes) -> bytes:
        """Return the bytes of a frame."""
        return bytes([first]) + self.serialize_length(len(payload)) + payload

    def serialize_length(self, length: int) -> bytes:
        """Return the length in its shortest form, the mask bit clear."""
        if length < 126:
            return bytes([length])
        if length < 65536:
            return struct.pack("!BH", 126, length)
        return struct.pack("!BQ", 127, length)


class _Listener:
    """Accepts connections and runs each in a thread, until it is stopped."""

    def __init__(self, prototype: EchoServer) -> None:
        self._prototype = prototype
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._stopped = Event()
        self._lock = Lock()
        self._connections: dict[Thread, socket.socket] = {}
        self._thread = Thread(target=self._accept, name="faulty server", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        port: int = self._listening.getsockname()[1]
        return f"ws://127.0.0.1:{port}/"

    def stop(self) -> None:
        """Stop listening, end all connections, and wait until their threads have ended."""
        self._stopped.set()
        with suppress(OSError), socket.create_connection(self._listening.getsockname(), 5):
            pass  # wakes the thread that accepts
        self._thread.join()
        self._listening.close()
        with self._lock:
            running = list(self._connections.items())
        for _, connected in running:
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)
        for thread, _ in running:
            thread.join()

    def _accept(self) -> None:
        while True:
            connected, _ = self._listening.accept()
            if self._stopped.is_set():
                connected.close()
                return
            thread = Thread(target=self._serve, args=(connected,), daemon=True)
            with self._lock:
                self._connections[thread] = connected
                thread.start()

    def _serve(self, connected: socket.socket) -> None:
        try:
            copy(self._prototype).serve(connected, self._stopped)
        finally:
            connected.close()
            with self._lock:
                self._connections.pop(current_thread(), None)


@contextmanager
def serving(server: type[EchoServer] | EchoServer) -> Generator[str, None, None]:
    """Run a server on a free loopback port.

    Args:
        server: a prototype, or a class to make one of.

    Yields:
        Its URL.
    """
    listener = _Listener(server() if isinstance(server, type) else server)
    try:
        yield listener.url
    finally:
        listener.stop()
