"""Faults under strain: hangs, crashes, limits, and connections that get in one another's way.

A crash is that of the process: the server ends its connections and serves no others.  What
connections share is kept in a :class:`Shared`, which all copies of a prototype refer to.
"""
# ruff: noqa: D102 - the docstring of each class says what its one override does

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Event, Lock
from typing import ClassVar

from .registry import fault
from .server import (
    BINARY,
    CONTINUATION,
    TEXT,
    Deflate,
    Deflater,
    Dropped,
    EchoServer,
    Failed,
    Fields,
    Finished,
    Header,
    Message,
    Refused,
    Request,
)

LIMITS = "RFC6455-10.4-01"
LIMITED = "RFC6455-10.4-02"
VALIDATED = "RFC6455-10.7-01"
FAIL = "RFC6455-7.1.7-03"
REJECTED = "RFC6455-4.2.1-01"


class Shared:
    """What the connections of a server have in common."""

    def __init__(self) -> None:
        self.dead = Event()
        self.lock = Lock()
        self.connections: list[EchoServer] = []
        self.failures = 0
        self.data = b""
        self.key = b""
        self.accept = ""
        self.subprotocol: str | None = None
        self.message: Message | None = None
        self.deflater: Deflater | None = None


class Sharing(EchoServer):
    """A server whose connections have something in common."""

    def __init__(self) -> None:
        self.shared = Shared()

    def serve(self, connected: socket.socket, stopped: Event) -> None:
        if self.shared.dead.is_set():
            self.turn_away(connected, stopped)
            return
        self.tcp = connected
        self.deflate = None
        with self.shared.lock:
            self.shared.connections.append(self)
        try:
            super().serve(connected, stopped)
        finally:
            with self.shared.lock:
                self.shared.connections.remove(self)

    def turn_away(self, connected: socket.socket, stopped: Event) -> None:
        """Do what happens to those who come when the process is no more."""
        self.tcp = connected
        self.reset_tcp()

    def crash(self) -> None:
        """End the process."""
        self.shared.dead.set()
        self.drop_others()
        self.reset_tcp()
        raise Dropped

    def drop_others(self) -> None:
        """End all other connections."""
        with self.shared.lock:
            others = [other for other in self.shared.connections if other is not self]
        for other in others:
            with suppress(OSError):
                other.tcp.shutdown(socket.SHUT_RDWR)

    def close_tcp(self) -> None:
        with suppress(OSError):
            super().close_tcp()


# ---- lengths


@fault("huge-length-awaited", LIMITS)
class HugeLengthAwaited(EchoServer):
    """Waits for the payload of frames of 4 GiB and more, however much is announced."""

    def check_size(self, header: Header) -> None:
        if header.length < 1 << 32:
            super().check_size(header)


@fault("largest-length-awaited", LIMITS)
class LargestLengthAwaited(EchoServer):
    """Fails at large lengths but for the largest, for whose payload it waits."""

    def check_size(self, header: Header) -> None:
        if header.length < (1 << 63) - 1:
            super().check_size(header)


@fault("huge-continuation-awaited", LIMITS)
class HugeContinuationAwaited(EchoServer):
    """Has a limit for the first frame of a message, and none for the others."""

    def check_size(self, header: Header) -> None:
        if header.opcode != CONTINUATION:
            super().check_size(header)


@fault("huge-binary-awaited", LIMITS)
class HugeBinaryAwaited(EchoServer):
    """Has a limit for text, and none for binary messages."""

    def check_size(self, header: Header) -> None:
        if header.opcode != BINARY:
            super().check_size(header)


@fault("huge-length-ignored", LIMITS, VALIDATED, FAIL)
class HugeLengthIgnored(EchoServer):
    """Takes frames with lengths above 2 to the 40th for empty ones, and goes on."""

    def read_length(self, header: Header) -> int:
        length = super().read_length(header)
        if 1 << 40 < length < 1 << 63:
            header.second &= 0x80
            return 0
        return length


@fault("huge-length-cut-to-32-bits", LIMITS, VALIDATED)
class HugeLengthCutTo32Bits(EchoServer):
    """Checks lengths in full, and reads as many bytes as their lower 32 bits tell."""

    def check_size(self, header: Header) -> None:
        if header.length > 1 << 40:
            header.length &= 0xFFFFFFFF
        super().check_size(header)


@fault("lengths-added-in-64-bits", LIMITS, "RFC6455-5.2-09")
class LengthsAddedIn64Bits(EchoServer):
    """Adds the lengths of fragments in 64 bits, where the sum can become small again."""

    def check_length_64(self, length: int) -> None:
        if self.message is None or not length >> 63:
            super().check_length_64(length)

    def check_size(self, header: Header) -> None:
        if self.message is not None and header.length >> 63:
            header.length = (header.length + self.message.wire_size) % (1 << 64) % 4096
        super().check_size(header)


@fault("huge-length-crashes", LIMITS, VALIDATED)
class HugeLengthCrashes(Sharing):
    """Asks for as much memory as a frame announces, and crashes."""

    def check_size(self, header: Header) -> None:
        if header.length > 1 << 40:
            self.crash()
        super().check_size(header)


@fault("top-bit-crashes", "RFC6455-5.2-09", LIMITS, VALIDATED)
class TopBitCrashes(Sharing):
    """Takes a length with its top bit set for a negative one, and crashes."""

    def check_length_64(self, length: int) -> None:
        if length >> 63:
            self.crash()
        super().check_length_64(length)


@fault("top-bit-loops", "RFC6455-5.2-09", FAIL)
class TopBitLoops(EchoServer):
    """Loops for ever over a payload whose length is negative."""

    def check_length_64(self, length: int) -> None:
        if length >> 63:
            self.hang()
            raise Dropped
        super().check_length_64(length)


@fault("all-bits-of-length-loop", "RFC6455-5.2-09", FAIL)
class AllBitsOfLengthLoop(EchoServer):
    """Takes the length of 64 set bits for one that is not known yet, and waits."""

    def check_length_64(self, length: int) -> None:
        if length == (1 << 64) - 1:
            self.hang()
            raise Dropped
        super().check_length_64(length)


class SilentlyCut(EchoServer):
    """Keeps no more than a number of bytes of each message."""

    most: ClassVar[int]

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode, data[: self.most])


@fault("messages-cut-at-65535", "RFC6455-5.2-14", LIMITS)
class MessagesCutAt65535(SilentlyCut):
    """Cuts messages after 65535 bytes, and says nothing."""

    most = 65535


@fault("messages-cut-at-4096", "RFC6455-5.2-14", LIMITS)
class MessagesCutAt4096(SilentlyCut):
    """Cuts messages after 4096 bytes, the size of its buffer."""

    most = 4096


@fault("message-of-65536-short-of-one", "RFC6455-5.2-14")
class MessageOf65536ShortOfOne(EchoServer):
    """Loses the last byte of messages of exactly 65536 bytes."""

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode, data[:-1] if len(data) == 65536 else data)


@fault("joined-message-cut", "RFC6455-5.4-02", "RFC6455-5.4-13", "RFC6455-5.4-10")
class JoinedMessageCut(EchoServer):
    """Keeps 1000 bytes of messages in several fragments."""

    several = False

    def receive_data(self, header: Header) -> None:
        self.several = header.opcode == CONTINUATION
        super().receive_data(header)

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode, data[:1000] if self.several else data)


# ---- numbers of frames


class Fragments(EchoServer):
    """Counts the fragments of a message."""

    most: ClassVar[int] = 100
    count = 0

    def message_of(self, header: Header) -> Message:
        self.count = self.count + 1 if header.opcode == CONTINUATION else 1
        if self.count > self.most:
            self.exceed()
        return super().message_of(header)

    def exceed(self) -> None:
        """Do what happens if there are too many."""
        raise NotImplementedError


@fault(
    "many-fragments-reset", "RFC6455-7.1.7-05", "RFC6455-7.1.1-01", "RFC6455-5.4-02", level="SHOULD"
)
class ManyFragmentsReset(Fragments):
    """Resets TCP at the 101st fragment of a message, without a Close."""

    def exceed(self) -> None:
        self.reset_tcp()
        raise Dropped


@fault("many-fragments-hang", "RFC6455-5.4-02", LIMITS)
class ManyFragmentsHang(Fragments):
    """Answers nothing any more after the 100th fragment of a message."""

    def exceed(self) -> None:
        self.hang()
        raise Dropped


@fault("many-fragments-lost", "RFC6455-5.4-02", "RFC6455-5.4-10", LIMITS)
class ManyFragmentsLost(Fragments):
    """Loses what a message has behind its 100th fragment."""

    full = False

    def exceed(self) -> None:
        self.full = True

    def add_content(self, message: Message, data: bytes) -> None:
        if not self.full:
            super().add_content(message, data)

    def end_message(self, message: Message) -> None:
        super().end_message(message)
        self.full = False


@fault("empty-fragments-hang", "RFC6455-5.4-19", "RFC6455-5.4-11")
class EmptyFragmentsHang(EchoServer):
    """Loops for ever at the third empty fragment in a row."""

    count = 0

    def end_fragment(self, message: Message, header: Header) -> None:
        self.count = self.count + 1 if not header.length and not header.fin else 0
        if self.count == 3:
            self.hang()
            raise Dropped


@fault("many-pings-dropped", "RFC6455-5.5.2-02")
class ManyPingsDropped(EchoServer):
    """Closes TCP at the ninth Ping of a read, without a word."""

    count = 0

    def receive_some(self) -> bytes:
        self.count = 0
        return super().receive_some()

    def receive_ping(self, payload: bytes) -> None:
        self.count += 1
        if self.count > 8:
            raise Finished
        super().receive_ping(payload)


@fault("pings-end", "RFC6455-5.5.2-02")
class PingsEnd(EchoServer):
    """Answers the first four Pings of a connection only."""

    count = 0

    def receive_ping(self, payload: bytes) -> None:
        self.count += 1
        if self.count <= 4:
            super().receive_ping(payload)


@fault("messages-end", "RFC6455-6.2-04", "RFC6455-6.2-01")
class MessagesEnd(EchoServer):
    """Stops reading after the tenth message of a connection, and keeps TCP open."""

    count = 0

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode, data)
        self.count += 1
        if self.count == 10:
            self.hang()
            raise Dropped


@fault("long-output-lost", "RFC6455-6.1-03", "RFC6455-5.2-14")
class LongOutputLost(EchoServer):
    """Loses what a call of send does not take, beyond 64 KiB."""

    def send(self, data: bytes) -> None:
        super().send(data[: 1 << 16])


# ---- requests


@fault("garbage-hangs", REJECTED, "RFC6455-4.2.1-18", "RFC6455-10.7-04")
class GarbageHangs(EchoServer):
    """Neither answers nor closes if what comes is no request."""

    def refuse(self, refusal: Refused) -> None:
        if not self.request.method:
            self.hang()
            raise Dropped
        super().refuse(refusal)


@fault("refusal-hangs", REJECTED, "RFC6455-10.7-04")
class RefusalHangs(EchoServer):
    """Neither answers nor closes if it cannot accept a request."""

    def refuse(self, refusal: Refused) -> None:
        self.hang()
        raise Dropped


@fault("refusals-reset", "RFC6455-10.7-04", level="SHOULD")
class RefusalsReset(EchoServer):
    """Resets TCP instead of refusing a request."""

    def refuse(self, refusal: Refused) -> None:
        self.reset_tcp()
        raise Dropped


@fault("long-head-hangs", REJECTED, "RFC6455-10.7-04")
class LongHeadHangs(EchoServer):
    """Stops reading a head of more than 16 KiB, and does no more."""

    def refuse(self, refusal: Refused) -> None:
        if refusal.status == 431:
            self.hang()
            raise Dropped
        super().refuse(refusal)


@fault("garbage-crashes", REJECTED, VALIDATED, "RFC6455-4.2.1-18")
class GarbageCrashes(Sharing):
    """Crashes if what comes is no request."""

    def refuse(self, refusal: Refused) -> None:
        if not self.request.method:
            self.crash()
        super().refuse(refusal)


@fault("missing-header-crashes", REJECTED, VALIDATED, "RFC6455-4.2.1-06", "RFC6455-4.2.1-09")
class MissingHeaderCrashes(Sharing):
    """Crashes if a request lacks Upgrade or the key."""

    def check_request(self, request: Request) -> None:
        if not self.values("Upgrade") or not self.values("Sec-WebSocket-Key"):
            self.crash()
        super().check_request(request)


@fault("many-headers-crash", VALIDATED, "RFC6455-4.2.1-14")
class ManyHeadersCrash(Sharing):
    """Crashes at a request with more than 50 headers."""

    def check_request(self, request: Request) -> None:
        if len(request.fields) > 50:
            self.crash()
        super().check_request(request)


@fault("many-headers-lost", "RFC6455-4.2.1-14", "RFC6455-4.2.1-13")
class ManyHeadersLost(EchoServer):
    """Forgets headers behind the first 16."""

    def parse_request(self, head: bytes) -> Request:
        request = super().parse_request(head)
        return request._replace(fields=request.fields[:16])


@fault("long-header-hangs", "RFC6455-4.2.1-14")
class LongHeaderHangs(EchoServer):
    """Neither answers nor closes if a header has more than 1024 bytes."""

    def parse_field(self, line: str) -> tuple[str, str]:
        if len(line) > 1024:
            self.hang()
            raise Dropped
        return super().parse_field(line)


@fault("early-end-crashes", VALIDATED)
class EarlyEndCrashes(Sharing):
    """Crashes if a connection ends before its request is complete."""

    def read_head(self) -> bytes:
        try:
            return super().read_head()
        except Dropped:
            self.crash()
            raise


@fault("refusals-crash-in-time", VALIDATED, REJECTED)
class RefusalsCrashInTime(Sharing):
    """Has no room for further connections once it has refused five requests."""

    def refuse(self, refusal: Refused) -> None:
        super().refuse(refusal)
        self.shared.failures += 1
        if self.shared.failures == 5:
            self.shared.dead.set()


# ---- crashes of an open connection


@fault("end-of-stream-crashes", VALIDATED)
class EndOfStreamCrashes(Sharing):
    """Crashes if the client ends an open connection without a Close."""

    def receive_frames(self) -> None:
        try:
            super().receive_frames()
        except (Dropped, OSError):
            if not self.stopped.is_set():
                self.crash()
            raise


@fault("end-within-frame-crashes", VALIDATED)
class EndWithinFrameCrashes(Sharing):
    """Crashes if a connection ends within a frame."""

    def receive_frame(self, header: Header) -> None:
        try:
            super().receive_frame(header)
        except (Dropped, OSError):
            if not self.stopped.is_set():
                self.crash()
            raise


@fault("reset-crashes", VALIDATED)
class ResetCrashes(Sharing):
    """Crashes if a connection is reset."""

    def receive_some(self) -> bytes:
        try:
            return super().receive_some()
        except OSError:
            if not self.stopped.is_set():
                self.crash()
            raise


class FailureCrashes(Sharing):
    """Crashes instead of failing a connection with some code."""

    codes: ClassVar[tuple[int, ...]]

    def fail(self, failure: Failed) -> None:
        if failure.code in self.codes:
            self.crash()
        super().fail(failure)


@fault("failing-crashes", VALIDATED)
class FailingCrashes(FailureCrashes):
    """Crashes whenever it has to fail a connection."""

    codes = (1002, 1003, 1007, 1009)


@fault("invalid-text-crashes", VALIDATED, "RFC6455-8.1-01")
class InvalidTextCrashes(FailureCrashes):
    """Crashes at data that is not valid in its encoding."""

    codes = (1007,)


@fault("too-large-crashes", VALIDATED, LIMITS)
class TooLargeCrashes(FailureCrashes):
    """Crashes at messages that are too large."""

    codes = (1009,)


@fault("short-close-crashes", VALIDATED, "RFC6455-5.5.1-03")
class ShortCloseCrashes(Sharing):
    """Crashes at a Close with a single byte, as it reads two."""

    def check_close_length(self, payload: bytes) -> None:
        if len(payload) == 1:
            self.crash()


@fault("failing-drops-all", VALIDATED)
class FailingDropsAll(Sharing):
    """Closes all other connections too when it fails one."""

    def fail(self, failure: Failed) -> None:
        super().fail(failure)
        self.drop_others()


@fault("closing-drops-all", "RFC6455-7.1.2-02", VALIDATED, "RFC6455-5.5.2-02")
class ClosingDropsAll(Sharing):
    """Closes all other connections too when a client closes its own."""

    def receive_close(self, payload: bytes) -> None:
        try:
            super().receive_close(payload)
        finally:
            self.drop_others()


@fault("failing-stops-accepting", VALIDATED)
class FailingStopsAccepting(Sharing):
    """Lets new connections wait for ever once it has failed one."""

    def fail(self, failure: Failed) -> None:
        super().fail(failure)
        self.shared.dead.set()

    def turn_away(self, connected: socket.socket, stopped: Event) -> None:
        stopped.wait()


@fault("failures-leak", VALIDATED)
class FailuresLeak(Sharing):
    """Never frees a connection that it has failed, and has room for ten."""

    def fail(self, failure: Failed) -> None:
        super().fail(failure)
        self.shared.failures += 1
        if self.shared.failures == 10:
            self.shared.dead.set()

    def turn_away(self, connected: socket.socket, stopped: Event) -> None:
        stopped.wait()


@fault("slow-after-failing", "RFC6455-5.5.2-03", VALIDATED, level="SHOULD")
class SlowAfterFailing(Sharing):
    """Takes a second for each frame, on all connections, once it has failed one."""

    def fail(self, failure: Failed) -> None:
        super().fail(failure)
        self.shared.failures += 1

    def receive_frame(self, header: Header) -> None:
        if self.shared.failures:
            self.wait(1)
        super().receive_frame(header)


@fault("slow-after-huge-length", "RFC6455-5.5.2-03", LIMITS, level="SHOULD")
class SlowAfterHugeLength(Sharing):
    """Takes a second for each frame once a frame was too large."""

    def check_size(self, header: Header) -> None:
        try:
            super().check_size(header)
        except Failed:
            self.shared.failures += 1
            raise

    def receive_frame(self, header: Header) -> None:
        if self.shared.failures:
            self.wait(1)
        super().receive_frame(header)


# ---- what connections share

CONTENT = "RFC6455-5.2-14"
PARSED = "RFC6455-6.2-01"
UNFINISHED = "RFC6455-6.2-08"


@fault("latest-connection-answered", PARSED, CONTENT, "RFC6455-6.1-03")
class LatestConnectionAnswered(Sharing):
    """Sends messages back to the client that came last, whoever sent them."""

    def deliver(self, opcode: int, data: bytes) -> None:
        with self.shared.lock:
            latest = self.shared.connections[-1]
        with suppress(OSError):
            latest.send_message(opcode, data)


@fault("message-buffer-shared", PARSED, CONTENT)
class MessageBufferShared(Sharing):
    """Has a single buffer for messages, which another connection may fill before it is sent."""

    def deliver(self, opcode: int, data: bytes) -> None:
        self.shared.data = data
        self.wait(0.05)
        super().deliver(opcode, self.shared.data)


@fault("previous-message-answered", PARSED, CONTENT)
class PreviousMessageAnswered(Sharing):
    """Sends the last message of the connection before for the first of another."""

    first = True

    def deliver(self, opcode: int, data: bytes) -> None:
        previous, self.shared.data = self.shared.data, data
        if self.first and opcode == TEXT and previous:
            data = previous
        self.first = False
        super().deliver(opcode, data)


@fault("masking-key-shared", "RFC6455-6.2-07", "RFC6455-5.3-05", "RFC6455-5.2-16")
class MaskingKeyShared(Sharing):
    """Has a single masking key for all connections, that of the frame begun last."""

    def read_key(self, header: Header) -> bytes:
        self.shared.key = super().read_key(header)
        return self.shared.key

    def unmask(self, data: bytes, header: Header, position: int) -> bytes:
        return super().unmask(data, Header(0, 0, 0, self.shared.key), position)


@fault("fragments-shared", UNFINISHED, "RFC6455-5.4-03", "RFC6455-5.4-02")
class FragmentsShared(Sharing):
    """Has a single unfinished message for all connections."""

    def check_start(self, header: Header) -> None:
        self.message = self.shared.message
        super().check_start(header)

    def receive_frame(self, header: Header) -> None:
        self.message = self.shared.message
        try:
            super().receive_frame(header)
        finally:
            self.shared.message = self.message


@fault("unfinished-message-continued-elsewhere", UNFINISHED, "RFC6455-5.4-03")
class UnfinishedMessageContinuedElsewhere(Sharing):
    """Goes on with the unfinished message of a dropped connection in the next one."""

    def on_open(self) -> None:
        self.message, self.shared.message = self.shared.message, None

    def close_tcp(self) -> None:
        if self.message is not None:
            self.shared.message = self.message
        super().close_tcp()


@fault("unfinished-message-put-before-another", UNFINISHED)
class UnfinishedMessagePutBeforeAnother(Sharing):
    """Puts the unfinished message of a dropped connection before the next binary one."""

    def close_tcp(self) -> None:
        if self.message is not None and self.message.opcode == BINARY:
            self.shared.data = bytes(self.message.data)
        super().close_tcp()

    def deliver(self, opcode: int, data: bytes) -> None:
        if opcode == BINARY:
            data, self.shared.data = self.shared.data + data, b""
        super().deliver(opcode, data)


@fault("unfinished-frame-left-over", PARSED, UNFINISHED, VALIDATED)
class UnfinishedFrameLeftOver(Sharing):
    """Reads the bytes of a frame that was cut off before those of the next connection."""

    def on_open(self) -> None:
        self.buffer[:0] = self.shared.data
        self.shared.data = b""

    def read_exactly(self, size: int) -> bytes:
        try:
            return super().read_exactly(size)
        except (Dropped, OSError):
            self.shared.data = bytes(self.buffer)
            raise


@fault("ping-payload-shared", "RFC6455-5.5.3-01")
class PingPayloadShared(Sharing):
    """Answers empty Pings with the last payload of a Ping on any connection."""

    def send_pong(self, payload: bytes) -> None:
        if payload:
            self.shared.data = payload
        super().send_pong(self.shared.data)


@fault("first-pong-of-another-connection", "RFC6455-5.5.3-01")
class FirstPongOfAnotherConnection(Sharing):
    """Answers the first Ping of a connection with the last payload of the one before."""

    first = True

    def send_pong(self, payload: bytes) -> None:
        previous, self.shared.data = self.shared.data, payload
        super().send_pong(previous if self.first and previous else payload)
        self.first = False


@fault("accept-of-another-connection", "RFC6455-4.2.2-19")
class AcceptOfAnotherConnection(Sharing):
    """Sends the Sec-WebSocket-Accept of the connection before if that is still open."""

    def accept_value(self, key: str) -> str:
        with self.shared.lock:
            previous = self.shared.accept if len(self.shared.connections) > 1 else ""
        self.shared.accept = super().accept_value(key)
        return previous or self.shared.accept


@fault("subprotocol-of-another-connection", "RFC6455-4.2.2-10", "RFC6455-4.2.2-09")
class SubprotocolOfAnotherConnection(Sharing):
    """Answers the subprotocol of the connection before to a client that offers none."""

    def subprotocol_fields(self) -> Fields:
        if self.subprotocol is not None:
            self.shared.subprotocol = self.subprotocol
        elif not self.values("Sec-WebSocket-Protocol"):
            self.subprotocol = self.shared.subprotocol
        return super().subprotocol_fields()


@fault("agreement-of-another-connection", "RFC6455-5.2-02", "RFC7692-5-16", "RFC7692-6.1-06")
class AgreementOfAnotherConnection(Sharing):
    """Compresses on all connections while one is open on which that was agreed."""

    def send_message(self, opcode: int, data: bytes) -> None:
        with self.shared.lock:
            agreed = any(one.deflate is not None for one in self.shared.connections)
        if agreed and self.deflate is None:
            self.deflate = Deflate()
            self.send_compressed(opcode, data)
            self.deflate = None
        else:
            super().send_message(opcode, data)


@fault("deflater-shared", "RFC7692-7.2.1-01", "RFC7692-6.1-01", "RFC7692-7.2.1-08")
class DeflaterShared(Sharing):
    """Compresses the messages of all connections with a single window."""

    def compress(self, data: bytes) -> bytes:
        with self.shared.lock:
            self.deflater = self.shared.deflater
            payload = super().compress(data)
            self.shared.deflater = self.deflater
        return payload


@fault("close-of-another-connection", "RFC6455-5.5.2-02", "RFC6455-5.5.1-10")
class CloseOfAnotherConnection(Sharing):
    """Takes all open connections for closed once one of them was closed."""

    def receive_close(self, payload: bytes) -> None:
        with self.shared.lock:
            for other in self.shared.connections:
                if isinstance(other, CloseOfAnotherConnection):
                    other.is_closed = other is not self
        super().receive_close(payload)

    is_closed = False

    def receive_frame(self, header: Header) -> None:
        if self.is_closed:
            self.hang()
            raise Dropped
        super().receive_frame(header)


@fault("failure-of-another-connection", FAIL, VALIDATED)
class FailureOfAnotherConnection(Sharing):
    """Fails a connection when its next frame comes after another connection has failed."""

    seen = 0

    def on_open(self) -> None:
        self.seen = self.shared.failures

    def fail(self, failure: Failed) -> None:
        self.shared.failures += 1
        super().fail(failure)

    def receive_frame(self, header: Header) -> None:
        if self.seen < self.shared.failures:
            raise Failed(1011, "an error elsewhere")
        super().receive_frame(header)
