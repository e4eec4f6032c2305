"""Faults of Ping, Pong and control frames in general (RFC 6455 §5.5)."""
# ruff: noqa: D102 - the docstring of each class says what its one override does

from __future__ import annotations

from typing import ClassVar

from .registry import fault
from .server import (
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    EchoServer,
    Failed,
    Finished,
    Header,
    Message,
)

# ---- control frames received

LONG = "RFC6455-5.5-02"
FRAGMENTED = "RFC6455-5.5-03"


class LongControl(EchoServer):
    """Accepts some control frames of more than 125 bytes."""

    accepted: ClassVar[tuple[int, ...]] = (CLOSE, PING, PONG)

    def check_control_length(self, header: Header) -> None:
        if header.opcode not in self.accepted:
            super().check_control_length(header)


@fault("long-control-accepted", LONG)
class LongControlAccepted(LongControl):
    """Accepts control frames of more than 125 bytes."""


@fault("long-ping-accepted", LONG)
class LongPingAccepted(LongControl):
    """Accepts a Ping of more than 125 bytes."""

    accepted = (PING,)


@fault("long-ping-cut", LONG)
class LongPingCut(LongControl):
    """Answers a Ping of more than 125 bytes with the first 125."""

    accepted = (PING,)

    def send_pong(self, payload: bytes) -> None:
        super().send_pong(payload[:125])


@fault("long-pong-accepted", LONG)
class LongPongAccepted(LongControl):
    """Accepts a Pong of more than 125 bytes."""

    accepted = (PONG,)


@fault("long-close-accepted", LONG)
class LongCloseAccepted(LongControl):
    """Accepts a Close of more than 125 bytes."""

    accepted = (CLOSE,)


@fault("control-of-126-accepted", LONG)
class Control126Accepted(EchoServer):
    """Accepts control frames of 126 bytes, as its limit is off by one."""

    def check_control_length(self, header: Header) -> None:
        if header.marker == 127:
            super().check_control_length(header)

    def check_length(self, header: Header) -> None:
        super().check_length(header)
        if header.is_control and header.length > 126:
            raise Failed(1002, "a control frame with more than 126 bytes")


@fault("control-in-64-bits-accepted", LONG)
class Control64BitsAccepted(EchoServer):
    """Forgets to check control frames with a length in 64 bits."""

    def check_control_length(self, header: Header) -> None:
        if header.marker == 126:
            super().check_control_length(header)


@fault("long-control-ignored", LONG)
class LongControlIgnored(LongControl):
    """Passes over control frames that are too long, and goes on."""

    def receive_control(self, header: Header, payload: bytes) -> None:
        if len(payload) <= 125:
            super().receive_control(header, payload)


@fault("control-of-125-refused", "RFC6455-5.5-04")
class Control125Refused(EchoServer):
    """Fails at control frames of 125 bytes, as its limit is off by one."""

    def check_control_length(self, header: Header) -> None:
        if header.marker == 125:
            raise Failed(1002, "too long")
        super().check_control_length(header)


class FragmentedControl(EchoServer):
    """Accepts some control frames without FIN, and handles them like others."""

    accepted: ClassVar[tuple[int, ...]] = (CLOSE, PING, PONG)

    def check_control_fin(self, header: Header) -> None:
        if header.opcode not in self.accepted:
            super().check_control_fin(header)


@fault("fragmented-control-accepted", FRAGMENTED)
class FragmentedControlAccepted(FragmentedControl):
    """Ignores FIN in control frames."""


@fault("fragmented-ping-accepted", FRAGMENTED)
class FragmentedPingAccepted(FragmentedControl):
    """Answers a Ping without FIN."""

    accepted = (PING,)


@fault("fragmented-pong-accepted", FRAGMENTED)
class FragmentedPongAccepted(FragmentedControl):
    """Accepts a Pong without FIN."""

    accepted = (PONG,)


@fault("fragmented-close-accepted", FRAGMENTED)
class FragmentedCloseAccepted(FragmentedControl):
    """Answers a Close without FIN."""

    accepted = (CLOSE,)


@fault("fragmented-ping-joined", FRAGMENTED)
class FragmentedPingJoined(FragmentedControl):
    """Joins a Ping with the continuation frames that follow it, to answer the whole."""

    accepted = (PING,)
    ping: bytes | None = None

    def receive_control(self, header: Header, payload: bytes) -> None:
        if header.opcode == PING and not header.fin:
            self.ping = payload
        else:
            super().receive_control(header, payload)

    def check_sequence(self, header: Header) -> None:
        if self.ping is None or header.opcode != CONTINUATION:
            super().check_sequence(header)

    def receive_data(self, header: Header) -> None:
        if self.ping is None or header.opcode != CONTINUATION:
            super().receive_data(header)
            return
        self.ping += b"".join(self.payload(header))
        if header.fin:
            self.send_pong(self.ping)
            self.ping = None


@fault("fragmented-control-in-message", FRAGMENTED)
class FragmentedControlInMessage(EchoServer):
    """Ignores a missing FIN in control frames within a fragmented message."""

    def check_control_fin(self, header: Header) -> None:
        if self.message is None:
            super().check_control_fin(header)


class AnsweredFirst(EchoServer):
    """Handles a control frame with some flaw like any other, and fails afterwards."""

    flaw: Failed | None = None

    def receive_control(self, header: Header, payload: bytes) -> None:
        super().receive_control(header, payload)
        if self.flaw is not None:
            raise self.flaw


@fault("long-ping-answered-first", LONG, "RFC6455-7.1.7-07")
class LongPingAnsweredFirst(AnsweredFirst):
    """Answers a Ping that is too long with its first 125 bytes, and fails afterwards."""

    def check_control_length(self, header: Header) -> None:
        try:
            super().check_control_length(header)
        except Failed as failure:
            self.flaw = failure

    def send_pong(self, payload: bytes) -> None:
        super().send_pong(payload[:125])


@fault("fragmented-ping-answered-first", FRAGMENTED, "RFC6455-7.1.7-07")
class FragmentedPingAnsweredFirst(AnsweredFirst):
    """Answers a Ping without FIN, and fails afterwards."""

    def check_control_fin(self, header: Header) -> None:
        try:
            super().check_control_fin(header)
        except Failed as failure:
            self.flaw = failure


# ---- Pongs sent

NO_PONG = "RFC6455-5.5.2-02"
PAYLOAD = "RFC6455-5.5.3-01"


@fault("no-pong", NO_PONG)
class NoPong(EchoServer):
    """Does not answer Pings."""

    def receive_ping(self, payload: bytes) -> None:
        pass


@fault("no-pong-to-empty-ping", NO_PONG)
class NoPongToEmptyPing(EchoServer):
    """Does not answer empty Pings."""

    def receive_ping(self, payload: bytes) -> None:
        if payload:
            super().receive_ping(payload)


@fault("no-pong-with-payload", NO_PONG)
class NoPongWithPayload(EchoServer):
    """Answers empty Pings only."""

    def receive_ping(self, payload: bytes) -> None:
        if not payload:
            super().receive_ping(payload)


@fault("no-pong-to-repeated-ping", NO_PONG)
class NoPongToRepeatedPing(EchoServer):
    """Does not answer a Ping that has the payload of the last one."""

    last: bytes | None = None

    def receive_ping(self, payload: bytes) -> None:
        if payload != self.last:
            super().receive_ping(payload)
        self.last = payload


@fault("one-pong-only", NO_PONG)
class OnePongOnly(EchoServer):
    """Answers the first Ping of a connection only."""

    answered = False

    def receive_ping(self, payload: bytes) -> None:
        if not self.answered:
            super().receive_ping(payload)
        self.answered = True


@fault("no-pong-after-message", NO_PONG)
class NoPongAfterMessage(EchoServer):
    """Does not answer Pings once it has received a message."""

    deaf = False

    def deliver(self, opcode: int, data: bytes) -> None:
        self.deaf = True
        super().deliver(opcode, data)

    def receive_ping(self, payload: bytes) -> None:
        if not self.deaf:
            super().receive_ping(payload)


@fault("no-pong-in-mid-message", NO_PONG, "RFC6455-5.4-08")
class NoPongInMidMessage(EchoServer):
    """Does not answer Pings within a fragmented message."""

    def receive_ping(self, payload: bytes) -> None:
        if self.message is None:
            super().receive_ping(payload)


@fault("pong-after-message", "RFC6455-5.5.2-03", "RFC6455-5.4-08", level="SHOULD")
class PongAfterMessage(EchoServer):
    """Answers Pings within a fragmented message when that has ended."""

    waiting: tuple[bytes, ...] = ()

    def receive_ping(self, payload: bytes) -> None:
        if self.message is None:
            super().receive_ping(payload)
        else:
            self.waiting += (payload,)

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode, data)
        for payload in self.waiting:
            self.send_pong(payload)
        self.waiting = ()


@fault("slow-pong", "RFC6455-5.5.2-03", level="SHOULD")
class SlowPong(EchoServer):
    """Takes a second and a half for a Pong."""

    def receive_ping(self, payload: bytes) -> None:
        self.wait(1.5)
        super().receive_ping(payload)


@fault("pong-with-next-frame", "RFC6455-5.5.2-03", level="SHOULD")
class PongWithNextFrame(EchoServer):
    """Answers a Ping when the frame after it has come."""

    waiting: bytes | None = None

    def receive_ping(self, payload: bytes) -> None:
        self.waiting = payload

    def receive_frame(self, header: Header) -> None:
        if self.waiting is not None:
            self.send_pong(self.waiting)
            self.waiting = None
        super().receive_frame(header)


@fault("pong-empty", PAYLOAD)
class PongEmpty(EchoServer):
    """Sends Pongs without payload."""

    def send_pong(self, payload: bytes) -> None:
        super().send_pong(b"")


@fault("pong-constant", PAYLOAD)
class PongConstant(EchoServer):
    """Sends Pongs with a payload of its own."""

    def send_pong(self, payload: bytes) -> None:
        super().send_pong(b"pong")


@fault("pong-constant-to-empty-ping", PAYLOAD)
class PongToEmptyPingConstant(EchoServer):
    """Answers an empty Ping with a payload of its own."""

    def send_pong(self, payload: bytes) -> None:
        super().send_pong(payload or b"pong")


@fault("pong-cut", PAYLOAD)
class PongCut(EchoServer):
    """Keeps the first 64 bytes of a Ping's payload."""

    def send_pong(self, payload: bytes) -> None:
        super().send_pong(payload[:64])


@fault("pong-one-byte-short", PAYLOAD, "RFC6455-5.5-04")
class PongOneByteShort(EchoServer):
    """Loses the last byte of a Ping of 125 bytes."""

    def send_pong(self, payload: bytes) -> None:
        super().send_pong(payload[:124])


@fault("pong-stops-at-nul", PAYLOAD)
class PongStopsAtNul(EchoServer):
    """Stops in a Ping's payload at a NUL."""

    def send_pong(self, payload: bytes) -> None:
        super().send_pong(payload.partition(b"\0")[0])


@fault("pong-as-text", PAYLOAD)
class PongAsText(EchoServer):
    """Decodes a Ping's payload as UTF-8, with replacement characters, and encodes it again."""

    def send_pong(self, payload: bytes) -> None:
        super().send_pong(payload.decode(errors="replace").encode()[:125])


@fault("pong-in-seven-bits", PAYLOAD)
class PongInSevenBits(EchoServer):
    """Clears the top bits of a Ping's payload."""

    def send_pong(self, payload: bytes) -> None:
        super().send_pong(bytes(byte & 0x7F for byte in payload))


@fault("pong-in-capitals", PAYLOAD)
class PongInCapitals(EchoServer):
    """Changes a Ping's payload to capital letters."""

    def send_pong(self, payload: bytes) -> None:
        super().send_pong(payload.upper())


@fault("pong-stripped", PAYLOAD)
class PongStripped(EchoServer):
    """Removes white space around a Ping's payload."""

    def send_pong(self, payload: bytes) -> None:
        super().send_pong(payload.strip())


@fault("pong-padded", PAYLOAD, "RFC6455-5.5-01")
class PongPadded(EchoServer):
    """Adds a byte to a Ping's payload."""

    def send_pong(self, payload: bytes) -> None:
        super().send_pong(payload + b"\0")


@fault("pong-too-long", "RFC6455-5.5-01", PAYLOAD)
class PongTooLong(EchoServer):
    """Sends Pongs of more than 125 bytes for Pings of 100 and more."""

    def send_pong(self, payload: bytes) -> None:
        super().send_pong(payload if len(payload) < 100 else payload * 2)


@fault("pong-of-last-ping", PAYLOAD)
class PongOfLastPing(EchoServer):
    """Answers each Ping with the payload of the one before it."""

    last = b""

    def send_pong(self, payload: bytes) -> None:
        super().send_pong(self.last)
        self.last = payload


@fault("pongs-in-reverse", "RFC6455-5.5.3-02", "RFC6455-5.5.2-02", level="SHOULD")
class PongsInReverse(EchoServer):
    """Answers Pings that came together in reverse order."""

    waiting: tuple[bytes, ...] = ()

    def receive_ping(self, payload: bytes) -> None:
        self.waiting = (payload, *self.waiting)
        if not self.buffer:
            for waiting in self.waiting:
                self.send_pong(waiting)
            self.waiting = ()

    def receive_data(self, header: Header) -> None:
        for waiting in self.waiting:
            self.send_pong(waiting)
        self.waiting = ()
        super().receive_data(header)


@fault("first-of-several-pings", "RFC6455-5.5.3-02", NO_PONG)
class FirstOfSeveralPings(EchoServer):
    """Answers the first of several Pings that came together, but not the last."""

    first = True

    def receive_some(self) -> bytes:
        self.first = True
        return super().receive_some()

    def receive_ping(self, payload: bytes) -> None:
        if self.first:
            super().receive_ping(payload)
        self.first = False


@fault("ping-for-pong", NO_PONG, PAYLOAD)
class PingForPong(EchoServer):
    """Answers a Ping with a Ping."""

    def send_pong(self, payload: bytes) -> None:
        self.send_frame(PING, payload)


@fault("pong-fragmented", "RFC6455-5.4-07", FRAGMENTED)
class PongFragmented(EchoServer):
    """Sends Pongs without FIN."""

    def send_pong(self, payload: bytes) -> None:
        self.send_frame(PONG, payload, fin=False)


@fault("pong-in-fragments", "RFC6455-5.4-07")
class PongInFragments(EchoServer):
    """Sends long Pongs in two fragments."""

    def send_pong(self, payload: bytes) -> None:
        if len(payload) < 100:
            super().send_pong(payload)
        else:
            self.send_frame(PONG, payload[:64], fin=False)
            self.send_frame(CONTINUATION, payload[64:])


@fault("pong-as-message", NO_PONG, "RFC6455-6.2-02")
class PongAsMessage(EchoServer):
    """Answers a Ping with a text message."""

    def send_pong(self, payload: bytes) -> None:
        self.send_message(TEXT, payload if payload.isascii() else b"pong")


@fault("ping-is-close", NO_PONG)
class PingIsClose(EchoServer):
    """Takes a Ping for the end of the connection."""

    def receive_ping(self, payload: bytes) -> None:
        self.send_close(b"\x03\xe8")
        raise Finished


class Greeting(EchoServer):
    """Sends a control frame as soon as the connection is open."""

    opcode: ClassVar[int] = PING
    greeting: ClassVar[bytes] = b"hello"
    fin: ClassVar[bool] = True

    def on_open(self) -> None:
        self.send_frame(self.opcode, self.greeting, fin=self.fin)


@fault("ping-sent-too-long", "RFC6455-5.5-01")
class PingSentTooLong(Greeting):
    """Sends a Ping of 126 bytes."""

    greeting = bytes(126)


@fault("pong-sent-too-long", "RFC6455-5.5-01")
class PongSentTooLong(Greeting):
    """Sends a Pong of 200 bytes, unasked."""

    opcode = PONG
    greeting = bytes(200)


@fault("ping-sent-fragmented", "RFC6455-5.4-07")
class PingSentFragmented(Greeting):
    """Sends a Ping without FIN."""

    fin = False


# ---- what Pings and Pongs do to the rest


@fault("pong-answered", "RFC6455-5.5.3-04", "RFC6455-5.5.3-03")
class PongAnswered(EchoServer):
    """Answers a Pong with a Pong."""

    def receive_pong(self, payload: bytes) -> None:
        self.send_pong(payload)


@fault("unsolicited-pong-refused", "RFC6455-5.5.3-03")
class UnsolicitedPongRefused(EchoServer):
    """Fails at a Pong that it did not ask for."""

    def receive_pong(self, payload: bytes) -> None:
        raise Failed(1002, "a Pong to no Ping")


@fault("pong-with-payload-refused", "RFC6455-5.5.3-03")
class PongWithPayloadRefused(EchoServer):
    """Fails at a Pong that has a payload, as it never sent a Ping with one."""

    def receive_pong(self, payload: bytes) -> None:
        if payload:
            raise Failed(1002, "a Pong to no Ping")


@fault("pong-echoed", "RFC6455-6.2-02", "RFC6455-5.5.3-03")
class PongEchoed(EchoServer):
    """Delivers a Pong as a message."""

    def receive_pong(self, payload: bytes) -> None:
        self.deliver(2, payload)


@fault("ping-echoed", "RFC6455-6.2-02")
class PingEchoed(EchoServer):
    """Answers a Ping, and delivers it as a message too."""

    def receive_ping(self, payload: bytes) -> None:
        super().receive_ping(payload)
        self.deliver(2, payload)


@fault("ping-joins-message", "RFC6455-6.2-02", "RFC6455-5.4-08")
class PingJoinsMessage(EchoServer):
    """Adds the payload of a Ping to the message it interrupts."""

    def receive_ping(self, payload: bytes) -> None:
        super().receive_ping(payload)
        if self.message is not None:
            self.message.data += payload


@fault("pong-joins-message", "RFC6455-6.2-02", "RFC6455-5.4-08")
class PongJoinsMessage(EchoServer):
    """Adds the payload of a Pong to the message it interrupts."""

    def receive_pong(self, payload: bytes) -> None:
        if self.message is not None:
            self.message.data += payload


@fault("ping-clears-message", "RFC6455-5.4-08")
class PingClearsMessage(EchoServer):
    """Forgets the fragments before a Ping."""

    def receive_ping(self, payload: bytes) -> None:
        super().receive_ping(payload)
        if self.message is not None:
            self.message.data.clear()


@fault("ping-ends-message", "RFC6455-5.4-08", "RFC6455-6.2-08")
class PingEndsMessage(EchoServer):
    """Takes FIN of a Ping for the end of the message that it interrupts."""

    def receive_ping(self, payload: bytes) -> None:
        super().receive_ping(payload)
        message, self.message = self.message, None
        if message is not None and not message.compressed:
            self.deliver(message.opcode, bytes(message.data))


@fault("ping-changes-type", "RFC6455-5.4-08", "RFC6455-5.6-04")
class PingChangesType(EchoServer):
    """Remembers the opcode of the last frame that had one: a message goes on as a Pong's."""

    def receive_ping(self, payload: bytes) -> None:
        super().receive_ping(payload)
        if self.message is not None:
            old = self.message
            opcode = 3 - old.opcode
            self.message = Message(opcode, old.compressed, old.data, old.wire_size, b"")


@fault("control-in-message-refused", "RFC6455-5.4-08")
class ControlInMessageRefused(EchoServer):
    """Fails at a Ping or Pong between fragments."""

    def check_control(self, header: Header) -> None:
        super().check_control(header)
        if self.message is not None and header.opcode != CLOSE:
            raise Failed(1002, "a control frame between fragments")


@fault("pong-in-message-refused", "RFC6455-5.4-08", "RFC6455-5.5.3-03")
class PongInMessageRefused(EchoServer):
    """Fails at a Pong between fragments."""

    def receive_pong(self, payload: bytes) -> None:
        if self.message is not None:
            raise Failed(1002, "a Pong between fragments")


@fault("second-ping-in-message", "RFC6455-5.4-08")
class SecondPingInMessage(EchoServer):
    """Fails at the second control frame within a message."""

    seen = 0

    def receive_control(self, header: Header, payload: bytes) -> None:
        self.seen = self.seen + 1 if self.message is not None else 0
        if self.seen > 1 and header.opcode != CLOSE:
            raise Failed(1002, "another control frame")
        super().receive_control(header, payload)


@fault("ping-checked-as-utf8", "RFC6455-5.5.2-01", NO_PONG)
class PingCheckedAsUtf8(EchoServer):
    """Fails at a Ping that is not UTF-8."""

    def receive_ping(self, payload: bytes) -> None:
        self.check_text(Message(TEXT), payload)
        super().receive_ping(payload)
