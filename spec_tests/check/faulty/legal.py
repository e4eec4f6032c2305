"""Servers that are unusual and right: a checker may flag none of them, however strict.

The table of ambiguities in ``spec/README.md`` has a column "accept"; most of what it lists is here,
and so are services that do anything but echo.
"""
# ruff: noqa: D102 - the docstring of each class says what its one override does

from __future__ import annotations

import re
import socket
import struct
import time
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from threading import Event, Lock, RLock, Thread
from typing import ClassVar

from wsref.protocol.headers import Extension
from wsref.protocol.utf8 import check_utf8
from wsref.protocol.violations import Violation

from .registry import legal
from .server import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TAIL,
    TEXT,
    Deflate,
    Deflater,
    EchoServer,
    Failed,
    Fields,
    Finished,
    Header,
    Inflater,
    Message,
    Refused,
    Request,
)

# ---- the opening handshake: what is refused, and how


@legal("version-400", "RFC6455-4.2.2-07")
class Version400(EchoServer):
    """Refuses every other version with 400, and names the one it speaks."""

    def check_version(self) -> None:
        try:
            super().check_version()
        except Refused as refusal:
            raise Refused(400, refusal.why, refusal.fields) from None


@legal("missing-version-426", "RFC6455-4.2.1-11")
class MissingVersion426(EchoServer):
    """Refuses a request without a version with 426."""

    def check_version(self) -> None:
        if not self.values("Sec-WebSocket-Version"):
            raise Refused(426, "which version?", self.version_fields())
        super().check_version()


@legal("missing-version-unnamed", "RFC6455-4.2.1-11")
class MissingVersionUnnamed(EchoServer):
    """Refuses a request without a version with a bare 400, which names no version."""

    def check_version(self) -> None:
        if not self.values("Sec-WebSocket-Version"):
            raise Refused(400, "which version?")
        super().check_version()


@legal("page-without-upgrade", "RFC6455-4.2.1-06", "RFC6455-4.2.1-08")
class PageWithoutUpgrade(EchoServer):
    """Answers a request that is no WebSocket handshake with an ordinary page."""

    def check_upgrade(self) -> None:
        try:
            super().check_upgrade()
        except Refused:
            raise Refused(200, "<p>Hello, browser") from None

    def check_connection(self) -> None:
        try:
            super().check_connection()
        except Refused:
            raise Refused(200, "<p>Hello, browser") from None


@legal("http-1.0-upgrade-required", "RFC6455-4.2.1-03")
class Http10UpgradeRequired(EchoServer):
    """Answers HTTP/1.0 with 426."""

    def check_http_version(self, request: Request) -> None:
        if request.version == "HTTP/1.0":
            raise Refused(426, "that is too old", [("Upgrade", "websocket, HTTP/1.1")])
        super().check_http_version(request)


@legal("loose-key-refused", "RFC6455-4.2.1-10")
class LooseKeyRefused(EchoServer):
    """Refuses a key whose last character has bits that stand for nothing."""

    def check_key_text(self, key: str) -> None:
        super().check_key_text(key)
        if key[21] not in "AQgw":
            raise Refused(400, "a key with loose bits")


@legal("repeated-key-dropped", "RFC6455-10.7-02", "RFC6455-4.2.1-01")
class RepeatedKeyDropped(EchoServer):
    """Closes TCP without a word when the key or the version comes twice."""

    def check_request(self, request: Request) -> None:
        for name in ("Sec-WebSocket-Key", "Sec-WebSocket-Version"):
            if len(self.values(name)) > 1:
                raise Finished
        super().check_request(request)


@legal("unknown-subprotocol-refused", "RFC6455-4.2.2-10")
class UnknownSubprotocolRefused(EchoServer):
    """Refuses with 400 a client that offers only subprotocols it does not speak."""

    def choose_subprotocol(self, offers: Sequence[str]) -> str | None:
        chosen = super().choose_subprotocol(offers)
        if offers and chosen is None:
            raise Refused(400, "none of these")
        return chosen


@legal("no-subprotocol", "RFC6455-4.2.2-10")
class NoSubprotocol(EchoServer):
    """Never chooses a subprotocol."""

    subprotocols = ()


@legal("own-preference", "RFC6455-4.2.2-09")
class OwnPreference(EchoServer):
    """Chooses the subprotocol that it prefers itself, wherever it stands in the offer."""

    subprotocols = ("superchat", "chat")

    def choose_subprotocol(self, offers: Sequence[str]) -> str | None:
        return next((own for own in self.subprotocols if own in offers), None)


@legal("early-bytes-refused", "RFC6455-4.2.1-01")
class EarlyBytesRefused(EchoServer):
    """Refuses with 400 a client that sends more before the 101."""

    def negotiate(self, request: Request) -> None:
        if self.buffer:
            raise Refused(400, "too early")
        super().negotiate(request)


@legal("other-paths-not-found", "RFC6455-4.2.2-08")
class OtherPathsNotFound(EchoServer):
    """Serves the path / only, and answers 404 for others."""

    def check_target(self, request: Request) -> None:
        super().check_target(request)
        path = re.sub("(?i)^https?://[^/?]*", "", request.target).partition("?")[0]
        if path not in ("", "/"):
            raise Refused(404, "nothing is here")


@legal("short-heads", "RFC6455-4.2.1-01")
class ShortHeads(EchoServer):
    """Takes heads of 4 KiB at the most."""

    max_head = 4096


@legal("chunked-refusal", "RFC6455-4.2.1-01")
class ChunkedRefusal(EchoServer):
    """Sends the body of its refusals in chunks."""

    def refuse(self, refusal: Refused) -> None:
        fields = [*refusal.fields, ("Transfer-Encoding", "chunked"), ("Connection", "close")]
        self.send(self.serialize_head(f"HTTP/1.1 {refusal.status} No", fields))
        for part in (refusal.why.encode(), b"<br>really", b""):
            self.send(b"%x\r\n%b\r\n" % (len(part), part))


@legal("refusal-without-body", "RFC6455-4.2.1-01")
class RefusalWithoutBody(EchoServer):
    """Sends refusals without a body or a length, only the head, and ends the stream."""

    def refuse(self, refusal: Refused) -> None:
        fields = [*refusal.fields, ("Connection", "close")]
        self.send(self.serialize_head(f"HTTP/1.1 {refusal.status} ", fields))


@legal("keep-alive-after-refusal", "RFC6455-4.2.1-01")
class KeepAliveAfterRefusal(EchoServer):
    """Takes another request on the same TCP connection after it refused one, as HTTP/1.1 does."""

    again = False

    def open_handshake(self) -> bool:
        while not super().open_handshake():
            if not self.again:
                return False
            self.request = Request("", "", "", [])
            self.again = False
        return True

    def refuse(self, refusal: Refused) -> None:
        whole = self.request.version == "HTTP/1.1" and not self.has_token("Connection", "close")
        if not whole or self.values("Content-Length") or self.values("Transfer-Encoding"):
            super().refuse(refusal)
            return
        self.again = True
        body = refusal.why.encode()
        fields = [*refusal.fields, ("Content-Length", str(len(body)))]
        self.send(self.serialize_head(f"HTTP/1.1 {refusal.status} No", fields) + body)


# ---- the opening handshake: how it is accepted


@legal("names-in-lower-case", "RFC6455-4.2.2-16")
class NamesInLowerCase(EchoServer):
    """Writes the names of headers in lower case."""

    def serialize_head(self, first_line: str, fields: Fields) -> bytes:
        return super().serialize_head(first_line, [(name.lower(), text) for name, text in fields])


@legal("names-in-upper-case", "RFC6455-4.2.2-16")
class NamesInUpperCase(EchoServer):
    """Writes the names of headers in upper case."""

    def serialize_head(self, first_line: str, fields: Fields) -> bytes:
        return super().serialize_head(first_line, [(name.upper(), text) for name, text in fields])


@legal("no-space-behind-colons", "RFC6455-4.2.2-16")
class NoSpaceBehindColons(EchoServer):
    """Leaves out the space between a header's colon and its value."""

    def serialize_head(self, first_line: str, fields: Fields) -> bytes:
        lines = [first_line, *(f"{name}:{value}" for name, value in fields), "", ""]
        return "\r\n".join(lines).encode("latin-1")


@legal("space-around-values", "RFC6455-4.2.2-16")
class SpaceAroundValues(EchoServer):
    """Puts spaces and tabs around the values of headers."""

    def serialize_head(self, first_line: str, fields: Fields) -> bytes:
        return super().serialize_head(
            first_line, [(name, f" \t {text} \t") for name, text in fields]
        )


@legal("headers-reversed", "RFC6455-4.2.2-16")
class HeadersReversed(EchoServer):
    """Sends its headers in the reverse order."""

    def response_fields(self) -> Fields:
        return super().response_fields()[::-1]


@legal("empty-reason-phrase", "RFC6455-4.2.2-16")
class EmptyReasonPhrase(EchoServer):
    """Sends no reason phrase with the 101."""

    def status_line(self) -> str:
        return "HTTP/1.1 101 "


@legal("odd-reason-phrase", "RFC6455-4.2.2-16")
class OddReasonPhrase(EchoServer):
    """Sends a reason phrase of its own, with a letter beyond ASCII."""

    def status_line(self) -> str:
        return "HTTP/1.1 101 Web Socket Protocol Handshake: \xe7a va 404"


@legal("upgrade-in-capitals", "RFC6455-4.2.2-17")
class UpgradeInCapitals(EchoServer):
    """Writes WebSocket with capitals, as the RFC's first drafts did."""

    def upgrade_fields(self) -> Fields:
        return [("Upgrade", "WebSocket")]


@legal("connection-list", "RFC6455-4.2.2-18")
class ConnectionList(EchoServer):
    """Puts the token upgrade behind another, in lower case."""

    def connection_fields(self) -> Fields:
        return [("Connection", "keep-alive, upgrade")]


@legal("connection-in-two-lines", "RFC6455-4.2.2-18")
class ConnectionInTwoLines(EchoServer):
    """Sends two lines Connection, of which the second has the token."""

    def connection_fields(self) -> Fields:
        return [("Connection", "keep-alive"), ("Connection", "Upgrade")]


@legal("extra-headers", "RFC6455-4.2.2-16")
class ExtraHeaders(EchoServer):
    """Sends a date, cookies, and headers that nobody knows."""

    def response_fields(self) -> Fields:
        return [
            *(("Server", "caf\xe9/1.0 (odd; \u00fc)"), ("Date", "Thu, 01 Jan 1970 00:00:00 GMT")),
            *super().response_fields(),
            *(("Set-Cookie", "a=b; Path=/"), ("Set-Cookie", 'c="d, e"'), ("X-Empty", "")),
            *(("X-Long", "x" * 3000), ("Sec-WebSocket-Unknown", "13"), ("Keep-Alive", "timeout=5")),
        ]


@legal("response-in-pieces", "RFC6455-4.2.2-16")
class ResponseInPieces(EchoServer):
    """Sends its response in pieces of three bytes."""

    def respond(self) -> None:
        data = self.response_head()
        for start in range(0, len(data), 3):
            self.send(data[start : start + 3])


@legal("response-delayed", "RFC6455-4.2.2-16")
class ResponseDelayed(EchoServer):
    """Thinks for 100 milliseconds before it accepts."""

    def respond(self) -> None:
        self.wait(0.1)
        super().respond()


# ---- what comes unasked


class Greeting(EchoServer):
    """Sends frames in the same segment as the 101."""

    def frames(self) -> bytes:
        """Return the frames."""
        raise NotImplementedError

    def respond(self) -> None:
        self.send(self.response_head() + self.frames())


@legal("greeting-with-response", "RFC6455-4.2.2-21")
class GreetingWithResponse(Greeting):
    """Sends a text message in the same segment as the 101."""

    def frames(self) -> bytes:
        return self.serialize_frame(0x80 | TEXT, b"welcome")


@legal("greetings-with-response", "RFC6455-4.2.2-21", "RFC6455-6.1-04")
class GreetingsWithResponse(Greeting):
    """Sends two messages, one of them in fragments, in the same segment as the 101."""

    def frames(self) -> bytes:
        return (
            self.serialize_frame(TEXT, "gr\u00fc".encode()[:3])
            + self.serialize_frame(0x80 | CONTINUATION, "gr\u00fc\u00df".encode()[3:])
            + self.serialize_frame(0x80 | BINARY, bytes(range(200)))
        )


@legal("ping-with-response", "RFC6455-5.5.2-04", "RFC6455-4.2.2-21")
class PingWithResponse(Greeting):
    """Sends a Ping in the same segment as the 101."""

    def frames(self) -> bytes:
        return self.serialize_frame(0x80 | PING, b"hello?")


@legal("pong-with-response", "RFC6455-5.5.3-03", "RFC6455-4.2.2-21")
class PongWithResponse(Greeting):
    """Sends an empty Pong in the same segment as the 101."""

    def frames(self) -> bytes:
        return self.serialize_frame(0x80 | PONG, b"")


@legal("greeting-soon", "RFC6455-4.2.2-21")
class GreetingSoon(EchoServer):
    """Sends a text message five milliseconds after the 101."""

    def on_open(self) -> None:
        self.wait(0.005)
        self.send_frame(TEXT, b"welcome")


@legal("unsolicited-pong-before-answer", "RFC6455-5.5.3-03")
class UnsolicitedPongBeforeAnswer(EchoServer):
    """Sends a Pong of its own right before each answer to a Ping."""

    def send_pong(self, payload: bytes) -> None:
        super().send_pong(b"unasked")
        super().send_pong(payload)


@legal("unsolicited-pong-behind-answer", "RFC6455-5.5.3-03")
class UnsolicitedPongBehindAnswer(EchoServer):
    """Sends an empty Pong of its own right behind each answer to a Ping."""

    def send_pong(self, payload: bytes) -> None:
        self.send(
            self.serialize_frame(0x80 | PONG, payload) + self.serialize_frame(0x80 | PONG, b"")
        )


@legal("unsolicited-pong-before-echo", "RFC6455-5.5.3-03")
class UnsolicitedPongBeforeEcho(EchoServer):
    """Sends a Pong before each message."""

    def send_message(self, opcode: int, data: bytes) -> None:
        self.send_frame(PONG, b"\x00\xff")
        super().send_message(opcode, data)


class Pushing(EchoServer):
    """Sends something by itself every now and then, until its Close."""

    interval: ClassVar[float] = 0.05

    lock: RLock
    over: Event

    def serve(self, connected: socket.socket, stopped: Event) -> None:
        self.lock = RLock()
        self.over = Event()
        super().serve(connected, stopped)

    def push(self) -> None:
        """Send it."""
        raise NotImplementedError

    def on_open(self) -> None:
        Thread(target=self.push_often, daemon=True).start()

    def push_often(self) -> None:
        """Send it often; runs in a thread of its own."""
        with suppress(OSError):
            while not self.over.wait(self.interval) and not self.stopped.is_set():
                with self.lock:
                    if not self.over.is_set():
                        self.push()

    def run(self) -> None:
        try:
            super().run()
        finally:
            self.over.set()

    def send(self, data: bytes) -> None:
        with self.lock:
            super().send(data)

    def send_message(self, opcode: int, data: bytes) -> None:
        with self.lock:
            super().send_message(opcode, data)

    def send_close(self, payload: bytes) -> None:
        with self.lock:
            self.over.set()
            super().send_close(payload)

    def close_tcp(self) -> None:
        with self.lock:
            self.over.set()
        super().close_tcp()


@legal("pings-often", "RFC6455-5.5.2-04")
class PingsOften(Pushing):
    """Sends a Ping every 50 milliseconds, whatever comes back."""

    count = 0

    def push(self) -> None:
        self.count += 1
        self.send_frame(PING, struct.pack("!Q", self.count))


@legal("pongs-often", "RFC6455-5.5.3-03")
class PongsOften(Pushing):
    """Sends a Pong every 30 milliseconds, as a heartbeat."""

    interval = 0.03

    def push(self) -> None:
        self.send_frame(PONG, b"beat")


@legal("news-between-echoes", "RFC6455-4.2.2-21", "RFC6455-5.4-05")
class NewsBetweenEchoes(Pushing):
    """Echoes, and sends news of its own every 100 milliseconds."""

    interval = 0.1

    def push(self) -> None:
        self.send_message(TEXT, b"news")


# ---- how it echoes


class InFragments(EchoServer):
    """Sends messages in fragments."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Cut a payload."""
        raise NotImplementedError

    def between(self) -> bool:
        """Do what is to be done between fragments; return whether to go on."""
        return True

    def send_message(self, opcode: int, data: bytes) -> None:
        rsv = 0
        if self.deflate is not None and self.wants_compression(opcode, data):
            data, rsv = self.compress(data), 4
        *pieces, last = self.pieces(data)
        for piece in pieces:
            self.send_frame(opcode, piece, fin=False, rsv=rsv)
            opcode, rsv = CONTINUATION, 0
            if not self.between():
                return
        self.send_frame(opcode, last, rsv=rsv)


@legal("fragmented-echo", "RFC6455-6.1-04", "RFC6455-5.4-11")
class FragmentedEcho(InFragments):
    """Sends messages in three fragments, however short they are."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        third = len(data) // 3
        yield from (data[:third], data[third : 2 * third], data[2 * third :])


@legal("bytewise-fragments", "RFC6455-6.1-04", "RFC6455-5.4-11")
class BytewiseFragments(InFragments):
    """Sends messages in fragments of one byte, the first 200 bytes at least."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        yield from (data[index : index + 1] for index in range(min(len(data), 200)))
        yield data[200:]


@legal("empty-fragments", "RFC6455-5.4-19", "RFC6455-5.4-11")
class EmptyFragments(InFragments):
    """Sends an empty fragment before, in and behind each message."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        half = len(data) // 2
        yield from (b"", data[:half], b"", b"", data[half:], b"")


@legal("control-within-echo", "RFC6455-5.4-06", "RFC6455-5.5.3-03")
class ControlWithinEcho(FragmentedEcho):
    """Sends a Ping and a Pong between the fragments of its messages."""

    def between(self) -> bool:
        self.send_frame(PONG, b"in between")
        self.send_frame(PING, b"?")
        return True


class AttentiveFragments(FragmentedEcho):
    """Sends fragments ten milliseconds apart, and looks at what comes meanwhile."""

    def between(self) -> bool:
        self.tcp.settimeout(0.01)
        with suppress(TimeoutError):
            self.buffer += self.receive_some()
        self.tcp.settimeout(None)
        return self.look()

    def look(self) -> bool:
        """Look at the buffer; return whether to go on with the message."""
        return True

    def next_control(self, opcode: int) -> bool:
        """Whether a whole control frame of a type is next in the buffer."""
        data = self.buffer
        return (
            len(data) >= 6
            and data[0] == 0x80 | opcode
            and 0x80 <= data[1] <= 0xFD
            and len(data) >= 6 + (data[1] & 0x7F)
        )


@legal("pong-within-echo", "RFC6455-5.4-06", "RFC6455-5.5.2-03")
class PongWithinEcho(AttentiveFragments):
    """Answers Pings that come while it sends a message between the fragments of that."""

    def look(self) -> bool:
        while self.next_control(PING):
            self.receive_frame(self.read_header())
        return True


@legal("text-checked-late", "RFC6455-8.1-01", "RFC6455-7.1.7-07")
class TextCheckedLate(AttentiveFragments):
    """Reads frames ahead, and looks at text when that is delivered, ten milliseconds later."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        yield data

    def check_text(self, message: Message, data: bytes) -> None:
        pass

    def check_text_end(self, message: Message) -> None:
        try:
            message.data.decode()
        except UnicodeDecodeError:
            self.between()
            raise Failed(1007, "the text is not UTF-8") from None

    def look(self) -> bool:
        while self.next_control(PING):
            self.receive_frame(self.read_header())
        return True


@legal("fragments-before-close", "RFC6455-5.5.1-13")
class FragmentsBeforeClose(AttentiveFragments):
    """Sends the rest of a message before it answers a Close that has come meanwhile."""


@legal("message-abandoned-for-close", "RFC6455-6.1-02")
class MessageAbandonedForClose(AttentiveFragments):
    """Leaves a message unfinished, between two frames, to answer a Close."""

    def look(self) -> bool:
        return not self.next_control(CLOSE)


@legal("echo-after-20-ms", "RFC6455-2.1-01")
class EchoAfter20Ms(EchoServer):
    """Takes 20 milliseconds for each message, during which nothing else happens."""

    def deliver(self, opcode: int, data: bytes) -> None:
        self.wait(0.02)
        super().deliver(opcode, data)


class Later(Pushing):
    """Sends messages back a while later; Pings are answered at once."""

    interval = 0.005
    delay: ClassVar[float] = 0.3

    waiting: deque[tuple[float, int, bytes]]

    def serve(self, connected: socket.socket, stopped: Event) -> None:
        self.waiting = deque()
        super().serve(connected, stopped)

    def deliver(self, opcode: int, data: bytes) -> None:
        with self.lock:
            self.waiting.append((time.monotonic() + self.delay, opcode, data))

    def push(self) -> None:
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            _, opcode, data = self.waiting.popleft()
            self.send_message(opcode, data)


@legal("echo-after-300-ms", "RFC6455-2.1-01")
class EchoAfter300Ms(Later):
    """Sends messages back 300 milliseconds later, or right before it answers a Close."""

    def receive_close(self, payload: bytes) -> None:
        with self.lock:
            for _, opcode, data in self.waiting:
                self.send_message(opcode, data)
            super().receive_close(payload)


@legal("echoes-discarded-at-close", "RFC6455-5.5.1-14", "RFC6455-2.1-01")
class EchoesDiscardedAtClose(Later):
    """Sends messages back 50 milliseconds later, unless a Close has come meanwhile."""

    delay = 0.05


@legal("output-coalesced", "RFC6455-2.1-01")
class OutputCoalesced(EchoServer):
    """Sends all answers to what came in one read at once."""

    output = b""

    def send(self, data: bytes) -> None:
        self.output += data

    def flush(self) -> None:
        """Send what has gathered."""
        output, self.output = self.output, b""
        if output:
            super().send(output)

    def receive_some(self) -> bytes:
        self.flush()
        return super().receive_some()

    def close_tcp(self) -> None:
        self.flush()
        super().close_tcp()


@legal("output-in-bytes", "RFC6455-2.1-01")
class OutputInBytes(EchoServer):
    """Hands the first 20 bytes of each frame to TCP one by one."""

    def send_frame(self, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> None:
        data = self.serialize_frame(fin << 7 | rsv << 4 | opcode, payload)
        for index in range(min(len(data), 20)):
            self.send(data[index : index + 1])
        self.send(data[20:])


@legal("latest-ping-only", "RFC6455-5.5.3-02")
class LatestPingOnly(EchoServer):
    """Answers only the last of several Pings that were read together."""

    def receive_ping(self, payload: bytes) -> None:
        data = self.buffer
        another = (
            len(data) >= 6
            and data[0] == 0x80 | PING
            and 0x80 <= data[1] <= 0xFD
            and len(data) >= 6 + (data[1] & 0x7F)
        )
        if not another:
            super().receive_ping(payload)


# ---- services that do not echo


@legal("greeter", "RFC6455-4.2.2-21")
class Greeter(EchoServer):
    """Greets whoever comes, and keeps what they say to itself."""

    def on_open(self) -> None:
        self.send_message(TEXT, b"Hello, and welcome to the chat")

    def deliver(self, opcode: int, data: bytes) -> None:
        pass


@legal("sink", "RFC6455-6.2-03")
class Sink(EchoServer):
    """Takes messages and says nothing; answers Pings and a Close."""

    def deliver(self, opcode: int, data: bytes) -> None:
        pass


@legal("acknowledger", "RFC6455-6.1-05")
class Acknowledger(EchoServer):
    """Answers each message with a note of its size, always as text."""

    def deliver(self, opcode: int, data: bytes) -> None:
        self.send_message(TEXT, b'{"received": %d}' % len(data))


@legal("polite-echo", "RFC6455-6.1-05")
class PoliteEcho(EchoServer):
    """Sends back what was said with a few words before it."""

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode, b"You said: " + data)


@legal("capitals", "RFC6455-6.1-05")
class Capitals(EchoServer):
    """Sends text back in capitals, and binary data in reverse."""

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode, data.upper() if opcode == TEXT else data[::-1])


@legal("ticker", "RFC6455-4.2.2-21")
class Ticker(Pushing):
    """Sends the same ticks to everyone, and ignores what they send."""

    interval = 0.02
    count = 0

    def push(self) -> None:
        self.count += 1
        self.send_message(TEXT, b"tick %d" % self.count)

    def deliver(self, opcode: int, data: bytes) -> None:
        pass


@legal("chat-room", "RFC6455-6.1-05")
class ChatRoom(Pushing):
    """Passes messages on to all other clients, and to none that sent them."""

    interval = 60.0

    def __init__(self) -> None:
        self.room_lock = Lock()
        self.room: list[ChatRoom] = []

    def on_open(self) -> None:
        super().on_open()
        with self.room_lock:
            self.room.append(self)

    def run(self) -> None:
        try:
            super().run()
        finally:
            with self.room_lock:
                if self in self.room:
                    self.room.remove(self)

    def push(self) -> None:
        self.send_frame(PING, b"")

    def deliver(self, opcode: int, data: bytes) -> None:
        with self.room_lock:
            others = [other for other in self.room if other is not self]
        for other in others:
            with suppress(OSError), other.lock:
                if not other.over.is_set():
                    other.send_message(opcode, data)


@legal("text-only-1003", "RFC6455-7.4.1-05")
class TextOnly1003(EchoServer):
    """Fails with 1003 at binary messages, as soon as they begin."""

    refusal: ClassVar[int] = 1003

    def message_of(self, header: Header) -> Message:
        if header.opcode == BINARY:
            raise Failed(self.refusal, "only text, please")
        return super().message_of(header)


@legal("text-only-1008", "RFC6455-7.4.1-10")
class TextOnly1008(TextOnly1003):
    """Fails with 1008 at binary messages."""

    refusal = 1008


@legal("text-only-at-end", "RFC6455-7.4.1-05")
class TextOnlyAtEnd(EchoServer):
    """Fails with 1003 at binary messages when they are complete."""

    def deliver(self, opcode: int, data: bytes) -> None:
        if opcode == BINARY:
            raise Failed(1003, "only text, please")
        super().deliver(opcode, data)


@legal("one-at-a-time", "RFC6455-7.1.1-05")
class OneAtATime(EchoServer):
    """Serves one connection at a time; the others wait."""

    def __init__(self) -> None:
        self.turn = Lock()

    def serve(self, connected: socket.socket, stopped: Event) -> None:
        while not self.turn.acquire(timeout=0.05):
            if stopped.is_set():
                return
        try:
            super().serve(connected, stopped)
        finally:
            self.turn.release()


# ---- failing


@legal("reason-when-failing", "RFC6455-5.5.1-04", "RFC6455-7.4-01")
class ReasonWhenFailing(EchoServer):
    """Fails the connection with a long reason, not all of it ASCII."""

    def fail(self, failure: Failed) -> None:
        reason = (failure.why.encode() + "\u2026".encode() * 41)[:120]
        text = reason.decode(errors="ignore") + "!"
        self.send_close(struct.pack("!H", self.failure_code(failure)) + text.encode())


@legal("judged-after-frame", "RFC6455-7.1.7-03")
class JudgedAfterFrame(EchoServer):
    """Reads the whole of a frame before it looks for what is wrong with it."""

    def read_header(self) -> Header:
        first, second = self.read_exactly(2)
        header = Header(first, second)
        header.length = self.read_length(header)
        if header.length > self.max_message:
            raise Failed(1009, "the frame is too large")
        header.key = self.read_key(header)
        while len(self.buffer) < header.length:
            self.buffer += self.receive_some()
        self.check_start(header)
        self.check_length(header)
        self.check_size(header)
        return header


@legal("text-judged-at-end-of-frame", "RFC6455-8.1-05")
class TextJudgedAtEndOfFrame(EchoServer):
    """Looks at a text when a frame of it is complete."""

    def payload(self, header: Header) -> Iterator[bytes]:
        yield b"".join(super().payload(header))


@legal("text-judged-at-end-of-message", "RFC6455-8.1-05", "RFC6455-8.1-04")
class TextJudgedAtEndOfMessage(EchoServer):
    """Looks at a text when it is complete."""

    def check_text(self, message: Message, data: bytes) -> None:
        pass

    def check_text_end(self, message: Message) -> None:
        try:
            message.tail = check_utf8(b"", bytes(message.data))
        except Violation:
            raise Failed(1007, "the text is not UTF-8") from None
        super().check_text_end(message)


@legal("drops-at-invalid-text", "RFC6455-10.7-02")
class DropsAtInvalidText(EchoServer):
    """Closes TCP without a Close at a text that is not UTF-8."""

    def check_text(self, message: Message, data: bytes) -> None:
        try:
            super().check_text(message, data)
        except Failed:
            raise Finished from None

    def check_text_end(self, message: Message) -> None:
        if message.tail:
            raise Finished


class BadClose(EchoServer):
    """Does something else about a Close that is invalid."""

    def reject(self, failure: Failed) -> None:
        """Raise something."""
        raise NotImplementedError

    def check_close(self, payload: bytes) -> None:
        try:
            super().check_close(payload)
        except Failed as failure:
            self.reject(failure)


@legal("drops-at-bad-close", "RFC6455-10.7-02")
class DropsAtBadClose(BadClose):
    """Closes TCP without a Close of its own at a Close that is invalid."""

    def reject(self, failure: Failed) -> None:
        raise Finished


@legal("1007-for-bad-close", "RFC6455-7.1.7-05")
class Code1007ForBadClose(BadClose):
    """Fails with 1007 at any Close that is invalid."""

    def reject(self, failure: Failed) -> None:
        raise Failed(1007, failure.why)


@legal("1002-for-bad-close", "RFC6455-7.1.7-05")
class Code1002ForBadClose(BadClose):
    """Fails with 1002 at any Close that is invalid, its reason included."""

    def reject(self, failure: Failed) -> None:
        raise Failed(1002, failure.why)


@legal("1009-for-top-bit", "RFC6455-5.2-09")
class Code1009ForTopBit(EchoServer):
    """Takes a length with its top bit set for one that is too large."""

    def check_length_64(self, length: int) -> None:
        if length >> 63:
            raise Failed(1009, "far too large")
        super().check_length_64(length)


@legal("drops-at-top-bit", "RFC6455-10.7-02", "RFC6455-5.2-09")
class DropsAtTopBit(EchoServer):
    """Closes TCP without a Close at a length with its top bit set."""

    def check_length_64(self, length: int) -> None:
        if length >> 63:
            raise Finished
        super().check_length_64(length)


@legal("message-limit", "RFC6455-10.4-02", "RFC6455-7.4.1-11")
class MessageLimit(EchoServer):
    """Takes messages of 100 000 bytes at the most."""

    max_message = 100_000


@legal("message-limit-1008", "RFC6455-10.4-02", "RFC6455-7.4.1-10")
class MessageLimit1008(MessageLimit):
    """Fails with 1008 at messages of more than 100 000 bytes."""

    def failure_code(self, failure: Failed) -> int:
        return 1008 if failure.code == 1009 else failure.code


@legal("message-limit-dropped", "RFC6455-10.4-02", "RFC6455-10.7-02")
class MessageLimitDropped(MessageLimit):
    """Closes TCP without a Close at messages of more than 100 000 bytes."""

    def fail(self, failure: Failed) -> None:
        if failure.code != 1009:
            super().fail(failure)


@legal("message-limit-while-reading", "RFC6455-10.4-02", "RFC6455-7.4.1-11")
class MessageLimitWhileReading(MessageLimit):
    """Finds messages too large when that many bytes have come, whatever is announced."""

    def check_size(self, header: Header) -> None:
        pass


@legal("fragment-limit", "RFC6455-10.4-01", "RFC6455-7.4.1-10")
class FragmentLimit(EchoServer):
    """Fails with 1008 at messages of more than 1000 fragments."""

    count = 0

    def end_fragment(self, message: Message, header: Header) -> None:
        self.count = 0 if header.fin else self.count + 1
        if self.count > 1000:
            raise Failed(1008, "too many fragments")


# ---- closing


@legal("close-reply-empty", "RFC6455-5.5.1-12")
class CloseReplyEmpty(EchoServer):
    """Answers every Close with an empty one."""

    def close_reply(self, payload: bytes) -> bytes:
        return b""


@legal("close-reply-1000", "RFC6455-5.5.1-12")
class CloseReply1000(EchoServer):
    """Answers every Close with 1000, the empty one too."""

    def close_reply(self, payload: bytes) -> bytes:
        return b"\x03\xe8"


@legal("close-reply-own-code", "RFC6455-5.5.1-12", "RFC6455-7.4.2-05")
class CloseReplyOwnCode(EchoServer):
    """Answers every Close with 4999."""

    def close_reply(self, payload: bytes) -> bytes:
        return b"\x13\x87"


@legal("close-reply-with-reason", "RFC6455-5.5.1-04", "RFC6455-5.5.1-12")
class CloseReplyWithReason(EchoServer):
    """Gives a reason of 123 bytes in its answer to a Close."""

    def close_reply(self, payload: bytes) -> bytes:
        return (payload[:2] or b"\x03\xe8") + "\u00e9".encode() * 61 + b"!"


@legal("close-reply-repeats-reason", "RFC6455-5.5.1-04", "RFC6455-5.5.1-12")
class CloseReplyRepeatsReason(EchoServer):
    """Repeats a Close, its reason included."""

    def close_reply(self, payload: bytes) -> bytes:
        return payload


@legal("tcp-closed-100-ms-later", "RFC6455-7.1.1-05")
class TcpClosed100MsLater(EchoServer):
    """Closes TCP 100 milliseconds after the Close exchange, ignoring what comes meanwhile."""

    pause: ClassVar[float] = 0.1

    def receive_close(self, payload: bytes) -> None:
        try:
            super().receive_close(payload)
        finally:
            self.wait(self.pause)


@legal("tcp-closed-300-ms-later", "RFC6455-7.1.1-05")
class TcpClosed300MsLater(TcpClosed100MsLater):
    """Closes TCP 300 milliseconds after the Close exchange."""

    pause = 0.3


class Goodbye(EchoServer):
    """Starts the closing handshake itself at some time, then waits for the client's Close."""

    gone = False

    def say_goodbye(self, code: int) -> None:
        """Send the Close."""
        self.gone = True
        self.send_close(struct.pack("!H", code))

    def receive_close(self, payload: bytes) -> None:
        if self.gone:
            raise Finished
        super().receive_close(payload)

    def fail(self, failure: Failed) -> None:
        if not self.gone:
            super().fail(failure)

    def deliver(self, opcode: int, data: bytes) -> None:
        if not self.gone:
            super().deliver(opcode, data)


class Limited(Goodbye):
    """Says goodbye after a number of messages."""

    left = 50

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode, data)
        self.left -= 1
        if not self.left:
            self.say_goodbye(1000)


@legal("goodbye-pings-answered", "RFC6455-5.5.2-02", "RFC6455-5.5.1-09")
class GoodbyePingsAnswered(Limited):
    """Closes with 1000 after 50 messages, and answers Pings until the client's Close."""


@legal("goodbye-pings-ignored", "RFC6455-5.5.1-14")
class GoodbyePingsIgnored(Limited):
    """Closes with 1000 after 50 messages, and ignores all but the client's Close from then on."""

    def receive_ping(self, payload: bytes) -> None:
        if not self.gone:
            super().receive_ping(payload)


@legal("idle-connections-closed", "RFC6455-7.4.1-03")
class IdleConnectionsClosed(Goodbye):
    """Closes with 1001 a connection on which nothing came for three seconds."""

    is_open = False

    def on_open(self) -> None:
        self.is_open = True
        self.tcp.settimeout(3)

    def receive_some(self) -> bytes:
        try:
            return super().receive_some()
        except TimeoutError:
            if not self.is_open or self.gone:
                raise
            self.say_goodbye(1001)
            return super().receive_some()


# ---- compression: what is agreed


@legal("no-compression", "RFC6455-9-02")
class NoCompression(EchoServer):
    """Declines every extension."""

    compression = False


class Unasked(EchoServer):
    """Puts something into its answer to any offer of compression that it can accept."""

    def add_unasked(self, answer: Deflate, offer: Extension) -> None:
        """Put it there."""
        raise NotImplementedError

    def answer_offer(self, offer: Extension) -> Deflate | None:
        answer = super().answer_offer(offer)
        if answer is not None:
            self.add_unasked(answer, offer)
        return answer


@legal("server-no-context-takeover-unasked", "RFC7692-7.1.1.1-04")
class ServerNoContextTakeoverUnasked(Unasked):
    """Always answers server_no_context_takeover."""

    def add_unasked(self, answer: Deflate, offer: Extension) -> None:
        answer.server_no_context_takeover = True


@legal("client-no-context-takeover-unasked", "RFC7692-7.1.1.2-02")
class ClientNoContextTakeoverUnasked(Unasked):
    """Always answers client_no_context_takeover."""

    def add_unasked(self, answer: Deflate, offer: Extension) -> None:
        answer.client_no_context_takeover = True


@legal("server-window-unasked", "RFC7692-7.1.2.1-06")
class ServerWindowUnasked(Unasked):
    """Always answers server_max_window_bits, with 9."""

    def add_unasked(self, answer: Deflate, offer: Extension) -> None:
        answer.server_max_window_bits = 9


@legal("all-unasked-oddly-spaced", "RFC7692-7.1.1.1-04", "RFC7692-7-12", "RFC6455-4.3-02")
class AllUnaskedOddlySpaced(Unasked):
    """Answers all that it may, in another order, with spaces and a quoted value."""

    def add_unasked(self, answer: Deflate, offer: Extension) -> None:
        answer.server_no_context_takeover = answer.client_no_context_takeover = True
        answer.server_max_window_bits = min(answer.server_max_window_bits or 12, 12)

    def extension_fields(self) -> Fields:
        if self.deflate is None:
            return []
        client = self.deflate.client_max_window_bits
        parameters = [
            *([] if client is None else [f'client_max_window_bits="{client}"']),
            f'server_max_window_bits="{self.deflate.server_max_window_bits}"',
            *("client_no_context_takeover", "server_no_context_takeover"),
        ]
        return [("Sec-WebSocket-Extensions", " ;\t".join(["permessage-deflate", *parameters]))]


class Hinted(Unasked):
    """Answers client_max_window_bits in its own way, where it was offered."""

    @staticmethod
    def hint(offer: Extension) -> int | None:
        """Return the hint of the offer, 15 if it has no value; None without the parameter."""
        for name, value in offer.parameters:
            if name == "client_max_window_bits":
                return int(value or 15)
        return None


@legal("client-window-above-hint", "RFC7692-7.1.2.2-07")
class ClientWindowAboveHint(Hinted):
    """Answers client_max_window_bits with 15, whatever the hint."""

    def add_unasked(self, answer: Deflate, offer: Extension) -> None:
        answer.client_max_window_bits = None if self.hint(offer) is None else 15


@legal("client-window-below-hint", "RFC7692-7.1.2.2-07", "RFC7692-7.1.2.2-03")
class ClientWindowBelowHint(Hinted):
    """Answers client_max_window_bits with 9 if that is below the hint, also without a value."""

    def add_unasked(self, answer: Deflate, offer: Extension) -> None:
        hint = self.hint(offer)
        answer.client_max_window_bits = None if hint is None else min(hint, 9)


@legal("client-window-hint-ignored", "RFC7692-7.1.2.2-03", "RFC7692-7.1.2.2-07")
class ClientWindowHintIgnored(Unasked):
    """Never answers client_max_window_bits."""

    def add_unasked(self, answer: Deflate, offer: Extension) -> None:
        answer.client_max_window_bits = None


@legal("server-window-below-offer", "RFC7692-7.1.2.1-04")
class ServerWindowBelowOffer(Unasked):
    """Answers server_max_window_bits with 9 whatever was offered."""

    def add_unasked(self, answer: Deflate, offer: Extension) -> None:
        if answer.server_max_window_bits is not None:
            answer.server_max_window_bits = 9


@legal("server-window-unsupported", "RFC7692-7.1.2.1-05")
class ServerWindowUnsupported(EchoServer):
    """Declines offers with server_max_window_bits."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        return name != "server_max_window_bits" and super().answer_parameter(answer, name, value)


@legal("server-window-of-8", "RFC7692-7-06")
class ServerWindowOf8(EchoServer):
    """Agrees on server_max_window_bits=8, and keeps to it by not referring back at all."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        accepted = super().answer_parameter(answer, name, value)
        return accepted or (name, answer.server_max_window_bits) == ("server_max_window_bits", 8)

    def new_deflater(self) -> Deflater:
        if self.server_window_bits() == 8:
            return zlib.compressobj(6, zlib.DEFLATED, -9, 9, zlib.Z_HUFFMAN_ONLY)
        return super().new_deflater()


# ---- compression: what is sent


@legal("echo-uncompressed", "RFC7692-6-01")
class EchoUncompressed(EchoServer):
    """Agrees on compression, and never compresses."""

    def wants_compression(self, opcode: int, data: bytes) -> bool:
        return False


@legal("large-compressed-only", "RFC7692-6-01")
class LargeCompressedOnly(EchoServer):
    """Compresses messages of 64 bytes and more."""

    def wants_compression(self, opcode: int, data: bytes) -> bool:
        return len(data) >= 64


@legal("every-other-compressed", "RFC7692-6-01", "RFC7692-7.2.3.2-01")
class EveryOtherCompressed(EchoServer):
    """Compresses every other message."""

    count = 0

    def wants_compression(self, opcode: int, data: bytes) -> bool:
        self.count += 1
        return self.count % 2 == 0


@legal("context-not-used", "RFC7692-7.2.1-12")
class ContextNotUsed(EchoServer):
    """Compresses each message without regard to earlier ones, though it need not."""

    def forgets_window(self) -> bool:
        return True


@legal("stored-blocks-sent", "RFC7692-7.2.1-04", "RFC7692-7.2.3.3-01")
class StoredBlocksSent(EchoServer):
    """Sends DEFLATE data whose blocks are all stored."""

    def new_deflater(self) -> Deflater:
        return zlib.compressobj(0, zlib.DEFLATED, -self.server_window_bits())


@legal("fixed-blocks-sent", "RFC7692-7.2.1-04")
class FixedBlocksSent(EchoServer):
    """Sends DEFLATE data with fixed codes only."""

    def new_deflater(self) -> Deflater:
        bits = -self.server_window_bits()
        return zlib.compressobj(9, zlib.DEFLATED, bits, 8, zlib.Z_FIXED)


@legal("several-blocks-sent", "RFC7692-7.2.1-03")
class SeveralBlocksSent(EchoServer):
    """Flushes after every few bytes, so that empty blocks stand within its messages."""

    def compress(self, data: bytes) -> bytes:
        size = max(3, len(data) // 20)
        parts = [data[start : start + size] for start in range(0, len(data), size)]
        *first, last = [super(SeveralBlocksSent, self).compress(part) for part in parts or [b""]]
        return b"".join(part + TAIL for part in first) + last


@legal("final-blocks-sent", "RFC7692-7.2.1-05", "RFC7692-7.2.1-06")
class FinalBlocksSent(EchoServer):
    """Ends the DEFLATE data of each message with a final block."""

    def compress(self, data: bytes) -> bytes:
        deflater = self.new_deflater()
        return deflater.compress(data) + deflater.flush(zlib.Z_FINISH) + b"\x00"


@legal("empty-message-as-fixed-block", "RFC7692-7.2.1-16")
class EmptyMessageAsFixedBlock(EchoServer):
    """Compresses the empty message to an empty block with fixed codes."""

    def compress(self, data: bytes) -> bytes:
        return super().compress(data) if data else b"\x02\x00"


@legal("last-fragment-yields-nothing", "RFC7692-7.2.3.6-01", "RFC7692-7.2.1-07")
class LastFragmentYieldsNothing(EchoServer):
    """Sends all of a compressed message in its first fragment, and one byte 00 in the last."""

    def send_compressed(self, opcode: int, data: bytes) -> None:
        self.send_frame(opcode, self.compress(data) + TAIL, fin=False, rsv=4)
        self.send_frame(CONTINUATION, b"\x00")


# ---- compression: what is received


class InvalidData(EchoServer):
    """Does something else about DEFLATE data that is invalid."""

    def reject(self, failure: Failed) -> Exception:
        """Return what to raise."""
        raise NotImplementedError

    def inflate(self, message: Message, data: bytes) -> bytes:
        try:
            return super().inflate(message, data)
        except Failed as failure:
            raise self.reject(failure) if failure.code == 1007 else failure from None

    def check_block_boundary(self) -> None:
        try:
            super().check_block_boundary()
        except Failed as failure:
            raise self.reject(failure) from None


@legal("1002-for-invalid-data", "RFC7692-7.2.2-02")
class Code1002ForInvalidData(InvalidData):
    """Fails with 1002 at invalid DEFLATE data."""

    def reject(self, failure: Failed) -> Exception:
        return Failed(1002, failure.why)


@legal("1003-for-invalid-data", "RFC7692-7.2.2-02")
class Code1003ForInvalidData(InvalidData):
    """Fails with 1003 at invalid DEFLATE data."""

    def reject(self, failure: Failed) -> Exception:
        return Failed(1003, failure.why)


@legal("1011-for-invalid-data", "RFC7692-7.2.2-02")
class Code1011ForInvalidData(InvalidData):
    """Fails with 1011 at invalid DEFLATE data."""

    def reject(self, failure: Failed) -> Exception:
        return Failed(1011, failure.why)


@legal("drops-at-invalid-data", "RFC7692-7.2.2-02", "RFC6455-10.7-02")
class DropsAtInvalidData(InvalidData):
    """Closes TCP without a Close at invalid DEFLATE data."""

    def reject(self, failure: Failed) -> Exception:
        return Finished()


@legal("inflated-at-end", "RFC7692-6.2-01")
class InflatedAtEnd(EchoServer):
    """Inflates a message when all of it has come."""

    raw = b""

    def add(self, message: Message, data: bytes) -> None:
        if message.compressed:
            self.raw += data
        else:
            super().add(message, data)

    def end_message(self, message: Message) -> None:
        if message.compressed:
            raw, self.raw = self.raw, b""
            self.add_content(message, self.inflate(message, raw))
        super().end_message(message)


@legal("cut-off-data-dropped", "RFC7692-7.2.2-04")
class CutOffDataDropped(EchoServer):
    """Says nothing to a message whose DEFLATE data is cut off, and goes on."""

    before = b""

    def message_of(self, header: Header) -> Message:
        if self.message is None and self.inflater is not None:
            self.inflater = self.new_inflater()  # from the window, as it was before the message
        before = self.window if self.message is None else None
        message = super().message_of(header)
        if before is not None:
            self.before = before
        return message

    def end_message(self, message: Message) -> None:
        if message.compressed:
            self.add_content(message, self.inflate(message, TAIL))
            try:
                self.check_block_boundary()
            except Failed:
                self.inflater, self.window = None, self.before
                return
            if self.deflate is not None and self.deflate.client_no_context_takeover:
                self.inflater, self.window = None, b""
        message.compressed = False
        super().end_message(message)


@legal("empty-payload-is-empty-message", "RFC7692-7.2.2-14")
class EmptyPayloadIsEmptyMessage(EchoServer):
    """Takes a compressed message without any data for an empty one."""

    def end_message(self, message: Message) -> None:
        if not message.wire_size:
            message.compressed = False
        super().end_message(message)


@legal("largest-window-for-inflating", "RFC7692-7.1.2.2-08", "RFC7692-7.2.2-03")
class LargestWindowForInflating(EchoServer):
    """Inflates with a window of 32 KiB, also if a smaller one was agreed on."""

    def client_window_bits(self) -> int:
        return 15


@legal("context-kept-for-inflating", "RFC7692-7.2.2-03")
class ContextKeptForInflating(EchoServer):
    """Inflates with what came before, also if the client is not to refer to it."""

    def end_inflating(self, message: Message) -> bytes:
        data = self.inflate(message, TAIL)
        self.check_block_boundary()
        return data


@legal("window-forgotten-at-final-block", "RFC7692-7.2.1-05")
class WindowForgottenAtFinalBlock(EchoServer):
    """Forgets the window at the end of a message with a final block."""

    made = 0

    def new_inflater(self) -> Inflater:
        self.made += 1
        return super().new_inflater()

    def end_inflating(self, message: Message) -> bytes:
        data = super().end_inflating(message)
        if self.made > 1:  # a final block has ended the first
            self.made, self.inflater, self.window = 0, None, b""
        return data


@legal("bare-close-over-invalid-text", "RFC6455-8.1-01")
class BareCloseOverInvalidText(EchoServer):
    """Drops TCP over invalid text, without a Close."""

    def fail(self, failure: Failed) -> None:
        if failure.code != 1007:
            super().fail(failure)
