"""Faults of the closing handshake and of failing the connection (RFC 6455 §7, §5.5.1)."""
# ruff: noqa: D102 - the docstring of each class says what its one override does

from __future__ import annotations

import struct
from typing import ClassVar

from .registry import fault
from .server import (
    BINARY,
    CLOSE,
    PING,
    TEXT,
    Dropped,
    EchoServer,
    Failed,
    Finished,
    Header,
    Message,
)

REPLY = "RFC6455-5.5.1-10"
TCP = "RFC6455-5.5.1-15"

# ---- whether, when and how often a Close is answered


@fault("no-reply", REPLY)
class NoReply(EchoServer):
    """Closes TCP without an answer to a Close."""

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)
        raise Finished


@fault("close-ignored", REPLY, TCP)
class CloseIgnored(EchoServer):
    """Neither answers a Close nor closes TCP."""

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)


@fault("no-reply-to-empty-close", REPLY, "RFC6455-5.5.1-01")
class NoReplyToEmptyClose(EchoServer):
    """Closes TCP without an answer to an empty Close."""

    def receive_close(self, payload: bytes) -> None:
        if not payload:
            raise Finished
        super().receive_close(payload)


@fault("no-reply-to-reason", REPLY, "RFC6455-5.5.1-04")
class NoReplyToReason(EchoServer):
    """Closes TCP without an answer to a Close with a reason."""

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)
        if len(payload) > 2:
            raise Finished
        super().receive_close(payload)


@fault("no-reply-to-other-codes", REPLY, "RFC6455-7.4.2-05", "RFC6455-7.4.2-04")
class NoReplyToOtherCodes(EchoServer):
    """Closes TCP without an answer to a Close with another code than 1000."""

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)
        if payload[:2] not in (b"", b"\x03\xe8"):
            raise Finished
        super().receive_close(payload)


@fault("no-reply-after-message", REPLY)
class NoReplyAfterMessage(EchoServer):
    """Closes TCP without an answer to a Close that comes together with a message."""

    recent = False

    def receive_some(self) -> bytes:
        self.recent = False
        return super().receive_some()

    def deliver(self, opcode: int, data: bytes) -> None:
        self.recent = True
        super().deliver(opcode, data)

    def receive_close(self, payload: bytes) -> None:
        if self.recent:
            raise Finished
        super().receive_close(payload)


@fault("reply-after-a-while", "RFC6455-5.5.1-11", level="SHOULD")
class ReplyAfterAWhile(EchoServer):
    """Takes a second and a half to answer a Close."""

    def receive_close(self, payload: bytes) -> None:
        self.wait(1.5)
        super().receive_close(payload)


@fault("reply-at-end-of-stream", REPLY, TCP, "RFC6455-5.5.1-11")
class ReplyAtEndOfStream(EchoServer):
    """Answers a Close when the client has closed its side of TCP, not before."""

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)
        self.hang()
        self.send_close(self.close_reply(payload))
        raise Finished


@fault("reply-to-second-close", REPLY, TCP)
class ReplyToSecondClose(EchoServer):
    """Answers the second Close only."""

    seen = False

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)
        if self.seen:
            super().receive_close(payload)
        self.seen = True


@fault("reply-twice", "RFC6455-5.5.1-20")
class ReplyTwice(EchoServer):
    """Answers a Close with two."""

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)
        self.send_close(self.close_reply(payload))
        super().receive_close(payload)


@fault("second-close-answered", "RFC6455-5.5.1-20")
class SecondCloseAnswered(EchoServer):
    """Answers each Close that has arrived."""

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)
        self.send_close(self.close_reply(payload))
        if not self.buffer:
            raise Finished


@fault("goodbye-after-close", "RFC6455-5.5.1-09", "RFC6455-6.1-02")
class GoodbyeAfterClose(EchoServer):
    """Sends a text message behind its Close."""

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)
        self.send_close(self.close_reply(payload))
        self.send_frame(TEXT, b"bye")
        raise Finished


@fault("binary-after-close", "RFC6455-5.5.1-09", "RFC6455-6.1-02")
class BinaryAfterClose(EchoServer):
    """Sends an empty binary message behind its Close."""

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)
        self.send_close(self.close_reply(payload))
        self.send_frame(BINARY, b"")
        raise Finished


@fault(
    "bytes-after-close", "RFC6455-6.1-03", "RFC6455-5.2-07", "RFC6455-5.4-07", "RFC6455-5.5.1-09"
)
class BytesAfterClose(EchoServer):
    """Sends bytes behind its Close that are no frame."""

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)
        self.send_close(self.close_reply(payload))
        self.send(b"\r\nbye\r\n")
        raise Finished


@fault("goodbye-after-failing", "RFC6455-5.5.1-09", "RFC6455-6.1-02")
class GoodbyeAfterFailing(EchoServer):
    """Sends a text message behind the Close by which it fails the connection."""

    def fail(self, failure: Failed) -> None:
        super().fail(failure)
        self.send_frame(TEXT, failure.why.encode())


class Lingering(EchoServer):
    """Goes on with what has arrived together with a Close, behind it."""

    closing = False

    def receive_close(self, payload: bytes) -> None:
        if self.closing:
            raise Finished
        self.check_close(payload)
        self.send_close(self.close_reply(payload))
        self.closing = True
        if not self.buffer:
            raise Finished

    def receive_frame(self, header: Header) -> None:
        super().receive_frame(header)
        if self.closing and not self.buffer:
            raise Finished


@fault("message-after-close-echoed", "RFC6455-5.5.1-21", "RFC6455-5.5.1-09")
class MessageAfterCloseEchoed(Lingering):
    """Sends back what comes behind a Close, after its own."""

    def receive_ping(self, payload: bytes) -> None:
        if not self.closing:
            super().receive_ping(payload)


@fault("ping-after-close-answered", "RFC6455-5.5.2-02", "RFC6455-5.5.1-21", level="SHOULD")
class PingAfterCloseAnswered(Lingering):
    """Answers a Ping that comes behind a Close, after its own Close."""

    def deliver(self, opcode: int, data: bytes) -> None:
        if not self.closing:
            super().deliver(opcode, data)


@fault("ping-after-close-answered-first", "RFC6455-5.5.2-02", level="SHOULD")
class PingAfterCloseAnsweredFirst(EchoServer):
    """Answers Pings that have arrived before a Close that came before them."""

    waiting: bytes | None = None

    def receive_close(self, payload: bytes) -> None:
        if self.waiting is None:
            self.check_close(payload)
            self.waiting = payload
        if not self.buffer:
            self.end()

    def receive_frame(self, header: Header) -> None:
        if self.waiting is not None and header.opcode != PING:
            self.end()
        super().receive_frame(header)
        if self.waiting is not None and not self.buffer:
            self.end()

    def end(self) -> None:
        self.send_close(self.close_reply(self.waiting or b""))
        raise Finished


@fault("echo-after-close", "RFC6455-5.5.1-09", "RFC6455-6.1-02")
class EchoAfterClose(EchoServer):
    """Answers a Close before the messages that came with it, and sends those all the same."""

    waiting: tuple[tuple[int, bytes], ...] = ()

    def deliver(self, opcode: int, data: bytes) -> None:
        self.waiting += ((opcode, data),)
        if not self.buffer:
            self.send_waiting()

    def receive_some(self) -> bytes:
        self.send_waiting()
        return super().receive_some()

    def receive_ping(self, payload: bytes) -> None:
        self.send_waiting()
        super().receive_ping(payload)

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)
        self.send_close(self.close_reply(payload))
        self.send_waiting()
        raise Finished

    def fail(self, failure: Failed) -> None:
        self.send_waiting()
        super().fail(failure)

    def send_waiting(self) -> None:
        for opcode, data in self.waiting:
            self.send_message(opcode, data)
        self.waiting = ()


@fault("unfinished-message-delivered", "RFC6455-5.4-09", "RFC6455-6.2-08")
class UnfinishedMessageDelivered(EchoServer):
    """Delivers an unfinished message when a Close comes."""

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)
        message = self.message
        if message is not None and not message.compressed:
            self.deliver(message.opcode, bytes(message.data))
        super().receive_close(payload)


@fault("close-awaits-end-of-message", "RFC6455-5.4-09", REPLY)
class CloseAwaitsEndOfMessage(EchoServer):
    """Answers a Close between fragments when the message has ended."""

    waiting: bytes | None = None

    def receive_close(self, payload: bytes) -> None:
        if self.message is None:
            super().receive_close(payload)
        self.check_close(payload)
        self.waiting = payload

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode, data)
        if self.waiting is not None:
            super().receive_close(self.waiting)


# ---- what the answer holds


class Reply(EchoServer):
    """Answers each Close by the same body."""

    body: ClassVar[bytes]

    def close_reply(self, payload: bytes) -> bytes:
        return self.body


@fault("reply-1005", "RFC6455-7.4.1-07")
class Reply1005(Reply):
    """Answers a Close with the code 1005."""

    body = struct.pack("!H", 1005)


@fault("reply-1005-to-empty-close", "RFC6455-7.4.1-07")
class Reply1005ToEmptyClose(EchoServer):
    """Answers an empty Close with the code 1005."""

    def close_reply(self, payload: bytes) -> bytes:
        return payload[:2] or struct.pack("!H", 1005)


@fault("reply-0-to-empty-close", "RFC6455-7.4.2-01", "RFC6455-5.5.1-02")
class Reply0ToEmptyClose(EchoServer):
    """Answers an empty Close with the code 0."""

    def close_reply(self, payload: bytes) -> bytes:
        return payload[:2] or bytes(2)


@fault("reply-1006", "RFC6455-7.4.1-08")
class Reply1006(Reply):
    """Answers a Close with the code 1006."""

    body = struct.pack("!H", 1006)


@fault("reply-1015", "RFC6455-7.4.1-16")
class Reply1015(Reply):
    """Answers a Close with the code 1015."""

    body = struct.pack("!H", 1015)


@fault("reply-1004", "RFC6455-7.4.1-06")
class Reply1004(Reply):
    """Answers a Close with the code 1004."""

    body = struct.pack("!H", 1004)


@fault("reply-1010", "RFC6455-7.4.1-14")
class Reply1010(Reply):
    """Answers a Close with the code 1010, which only clients send."""

    body = struct.pack("!H", 1010)


@fault("reply-0", "RFC6455-7.4.2-01", "RFC6455-5.5.1-02")
class Reply0(Reply):
    """Answers a Close with the code 0."""

    body = bytes(2)


@fault("reply-999", "RFC6455-7.4.2-01")
class Reply999(Reply):
    """Answers a Close with the code 999."""

    body = struct.pack("!H", 999)


@fault("reply-2000", "RFC6455-7.4.2-02")
class Reply2000(Reply):
    """Answers a Close with the code 2000."""

    body = struct.pack("!H", 2000)


@fault("reply-5000", "RFC6455-7.4.2-06")
class Reply5000(Reply):
    """Answers a Close with the code 5000."""

    body = struct.pack("!H", 5000)


@fault("reply-little-endian", "RFC6455-5.5.1-02", "RFC6455-7.4.2-06")
class ReplyLittleEndian(Reply):
    """Sends its code 1000 in the wrong byte order."""

    body = struct.pack("<H", 1000)


@fault("reply-code-as-text", "RFC6455-5.5.1-02", "RFC6455-7.4.2-06")
class ReplyCodeAsText(Reply):
    """Sends its code as digits."""

    body = b"1000 ok"


@fault("reply-reason-only", "RFC6455-5.5.1-02", "RFC6455-7.4.2-06")
class ReplyReasonOnly(Reply):
    """Sends a reason without a code."""

    body = b"bye"


@fault("reply-one-byte", "RFC6455-5.5.1-02", "RFC6455-5.5.1-03")
class ReplyOneByte(Reply):
    """Answers a Close with a single byte."""

    body = b"\x03"


@fault("reply-one-nul", "RFC6455-5.5.1-02", "RFC6455-5.5.1-03")
class ReplyOneNul(EchoServer):
    """Answers an empty Close with a NUL."""

    def close_reply(self, payload: bytes) -> bytes:
        return payload[:2] or b"\0"


@fault("reply-invalid-reason", "RFC6455-5.5.1-06")
class ReplyInvalidReason(Reply):
    """Answers a Close with a reason that is Latin-1."""

    body = struct.pack("!H", 1000) + "adiós".encode("latin-1")


@fault("reply-reason-cut", "RFC6455-5.5.1-06")
class ReplyReasonCut(EchoServer):
    """Repeats a reason, cut to 20 bytes even inside a character."""

    def close_reply(self, payload: bytes) -> bytes:
        return payload[:22]


@fault("reply-own-reason-cut", "RFC6455-5.5.1-06")
class ReplyOwnReasonCut(Reply):
    """Answers with a long reason of its own that is cut inside a character at 123 bytes."""

    body = struct.pack("!H", 1000) + ("é" * 80).encode()[:123]


@fault("reply-too-long", "RFC6455-5.5-01")
class ReplyTooLong(Reply):
    """Answers a Close with a reason of 200 bytes."""

    body = struct.pack("!H", 1000) + b"x" * 200


@fault("reply-one-too-long", "RFC6455-5.5-01")
class ReplyOneTooLong(Reply):
    """Answers a Close with a reason of 124 bytes."""

    body = struct.pack("!H", 1000) + b"x" * 124


@fault("reply-prefix", "RFC6455-5.5-01")
class ReplyPrefix(EchoServer):
    """Repeats a reason behind some words of its own, however long that becomes."""

    def close_reply(self, payload: bytes) -> bytes:
        return payload[:2] + b"you said: " + payload[2:] if len(payload) > 2 else payload


@fault("reply-without-fin", "RFC6455-5.4-07")
class ReplyWithoutFin(EchoServer):
    """Sends a Close without FIN."""

    def send_close(self, payload: bytes) -> None:
        self.send_frame(CLOSE, payload, fin=False)


@fault("reply-incomplete", REPLY, "RFC6455-6.1-03")
class ReplyIncomplete(EchoServer):
    """Sends the header of a Close that has a code, but not the code."""

    def send_close(self, payload: bytes) -> None:
        if payload:
            self.send(b"\x88\x02")
        else:
            super().send_close(payload)


@fault("reply-is-text", REPLY, "RFC6455-5.5.1-09")
class ReplyIsText(EchoServer):
    """Answers a Close with a text message."""

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)
        self.send_frame(TEXT, b"closing")
        raise Finished


# ---- TCP


@fault("tcp-open-after-close", TCP, "RFC6455-5.5.1-16", "RFC6455-7.1.1-03")
class TcpOpenAfterClose(EchoServer):
    """Answers a Close, and waits for the client to close TCP."""

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)
        self.send_close(self.close_reply(payload))
        self.hang()
        raise Dropped


@fault("tcp-open-after-empty-close", TCP, "RFC6455-5.5.1-16")
class TcpOpenAfterEmptyClose(EchoServer):
    """Answers an empty Close, and waits for the client to close TCP."""

    def receive_close(self, payload: bytes) -> None:
        if not payload:
            self.send_close(payload)
            self.hang()
            raise Dropped
        super().receive_close(payload)


@fault("open-after-close", TCP, "RFC6455-5.5.1-16", "RFC6455-5.5.1-21")
class OpenAfterClose(EchoServer):
    """Answers a Close, and goes on as if it had not come."""

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)
        self.send_close(self.close_reply(payload))


@fault("tcp-closed-late", "RFC6455-5.5.1-16", "RFC6455-7.1.1-05", level="SHOULD")
class TcpClosedLate(EchoServer):
    """Closes TCP three seconds after its answer to a Close."""

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)
        self.send_close(self.close_reply(payload))
        self.wait(3)
        raise Finished


@fault("reset-after-close", "RFC6455-7.1.1-01", level="SHOULD")
class ResetAfterClose(EchoServer):
    """Resets TCP after the exchange of Closes."""

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)
        self.send_close(self.close_reply(payload))
        self.wait(0.05)
        self.reset_tcp()
        raise Finished


@fault("reset-instead-of-reply", REPLY, "RFC6455-7.1.1-01")
class ResetInsteadOfReply(EchoServer):
    """Resets TCP when a Close comes."""

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)
        self.reset_tcp()
        raise Finished


@fault("reset-when-failing", "RFC6455-7.1.1-01", "RFC6455-7.1.7-05", level="SHOULD")
class ResetWhenFailing(EchoServer):
    """Resets TCP to fail the connection."""

    def fail(self, failure: Failed) -> None:
        self.reset_tcp()


@fault("reset-over-unread-data", "RFC6455-7.1.1-01", level="SHOULD")
class ResetOverUnreadData(EchoServer):
    """Closes without reading the rest, so that a reset destroys the Close it fails with."""

    def fail(self, failure: Failed) -> None:
        self.wait(0.05)
        super().fail(failure)
        self.tcp.close()


# ---- codes received


class Codes(EchoServer):
    """Accepts some codes that are not to be sent, or refuses some that are."""

    accepted: ClassVar[frozenset[int]] = frozenset()
    refused: ClassVar[frozenset[int]] = frozenset()

    def is_legal_code(self, code: int) -> bool:
        return code not in self.refused and (code in self.accepted or super().is_legal_code(code))


@fault("any-code", "RFC6455-7.4.2-01", "RFC6455-7.4.1-07", "RFC6455-7.4.1-08", "RFC6455-7.4.1-16")
class AnyCode(Codes):
    """Repeats every code."""

    accepted = frozenset(range(65536))


@fault("code-0", "RFC6455-7.4.2-01")
class Code0(Codes):
    """Repeats the code 0."""

    accepted = frozenset([0])


@fault("codes-1-to-998", "RFC6455-7.4.2-01")
class Codes1To998(Codes):
    """Repeats the codes 1 to 998."""

    accepted = frozenset(range(1, 999))


@fault("code-999", "RFC6455-7.4.2-01")
class Code999(Codes):
    """Repeats the code 999, as its limit is off by one."""

    accepted = frozenset([999])


@fault("code-1004", "RFC6455-7.4.1-06")
class Code1004(Codes):
    """Repeats the code 1004."""

    accepted = frozenset([1004])


@fault("code-1005", "RFC6455-7.4.1-07")
class Code1005(Codes):
    """Repeats the code 1005."""

    accepted = frozenset([1005])


@fault("code-1006", "RFC6455-7.4.1-08")
class Code1006(Codes):
    """Repeats the code 1006."""

    accepted = frozenset([1006])


@fault("code-1015", "RFC6455-7.4.1-16")
class Code1015(Codes):
    """Repeats the code 1015."""

    accepted = frozenset([1015])


@fault("codes-1016-to-1099", "RFC6455-7.4.2-02", level="SHOULD")
class Codes1016To1099(Codes):
    """Repeats the codes 1016 to 1099."""

    accepted = frozenset(range(1016, 1100))


@fault("codes-1100-to-1999", "RFC6455-7.4.2-02", level="SHOULD")
class Codes1100To1999(Codes):
    """Repeats the codes 1100 to 1999."""

    accepted = frozenset(range(1100, 2000))


@fault("codes-2000-to-2999", "RFC6455-7.4.2-02", level="SHOULD")
class Codes2000To2999(Codes):
    """Repeats the codes 2000 to 2999."""

    accepted = frozenset(range(2000, 3000))


@fault("code-5000", "RFC6455-7.4.2-06", level="SHOULD")
class Code5000(Codes):
    """Repeats the code 5000, as its limit is off by one."""

    accepted = frozenset([5000])


@fault("codes-above-5000", "RFC6455-7.4.2-06", level="SHOULD")
class CodesAbove5000(Codes):
    """Repeats the codes 5001 to 65535."""

    accepted = frozenset(range(5001, 65536))


@fault("bad-code-answered-by-1000", "RFC6455-7.4.2-01", "RFC6455-7.4.1-07", "RFC6455-7.4.1-08")
class BadCodeAnsweredBy1000(EchoServer):
    """Accepts any code below 1000, 1004 to 1006 and 1015, and answers 1000."""

    def check_close_code(self, code: int) -> None:
        pass

    def close_reply(self, payload: bytes) -> bytes:
        code = int.from_bytes(payload[:2], "big")
        return payload[:2] if not payload or self.is_legal_code(code) else b"\x03\xe8"


@fault("bad-code-ignored", "RFC6455-7.4.2-01", "RFC6455-7.1.7-03", REPLY)
class BadCodeIgnored(EchoServer):
    """Passes over a Close with a bad code, and goes on."""

    def receive_close(self, payload: bytes) -> None:
        if len(payload) < 2 or self.is_legal_code(int.from_bytes(payload[:2], "big")):
            super().receive_close(payload)


@fault("code-1001-refused", "RFC6455-7.4.1-03", "RFC6455-7.4.1-01", level="SHOULD")
class Code1001Refused(Codes):
    """Fails at the code 1001."""

    refused = frozenset([1001])


@fault(
    "error-codes-refused",
    "RFC6455-7.4.1-01",
    "RFC6455-7.4.1-04",
    "RFC6455-7.4.1-09",
    level="SHOULD",
)
class ErrorCodesRefused(Codes):
    """Fails at the codes 1002, 1003 and 1007 to 1009."""

    refused = frozenset([1002, 1003, 1007, 1008, 1009])


@fault(
    "codes-1000-and-1001-only",
    "RFC6455-7.4.1-01",
    "RFC6455-7.4.2-04",
    "RFC6455-7.4.2-05",
    level="SHOULD",
)
class Codes1000And1001Only(Codes):
    """Fails at all codes but 1000 and 1001."""

    refused = frozenset(range(1002, 5000))


@fault("code-1010-refused", "RFC6455-7.4.1-01", level="SHOULD")
class Code1010Refused(Codes):
    """Fails at the code 1010."""

    refused = frozenset([1010])


@fault("code-1011-refused", "RFC6455-7.4.1-15", "RFC6455-7.4.1-01", level="SHOULD")
class Code1011Refused(Codes):
    """Fails at the code 1011."""

    refused = frozenset([1011])


@fault("codes-1012-to-1014-refused", "RFC6455-7.4.2-03", level="SHOULD")
class Codes1012To1014Refused(Codes):
    """Fails at the codes 1012 to 1014."""

    refused = frozenset([1012, 1013, 1014])


@fault("codes-3000-to-3999-refused", "RFC6455-7.4.2-04", level="SHOULD")
class Codes3000To3999Refused(Codes):
    """Fails at the codes 3000 to 3999."""

    refused = frozenset(range(3000, 4000))


@fault("codes-4000-to-4999-refused", "RFC6455-7.4.2-05", level="SHOULD")
class Codes4000To4999Refused(Codes):
    """Fails at the codes 4000 to 4999."""

    refused = frozenset(range(4000, 5000))


@fault("code-3000-refused", "RFC6455-7.4.2-04", level="SHOULD")
class Code3000Refused(Codes):
    """Fails at the code 3000, as its limit is off by one."""

    refused = frozenset([3000])


@fault("code-4999-refused", "RFC6455-7.4.2-05", level="SHOULD")
class Code4999Refused(Codes):
    """Fails at the code 4999, as its limit is off by one."""

    refused = frozenset([4999])


# ---- the body of a Close received


@fault("one-byte-accepted", "RFC6455-5.5.1-03")
class OneByteAccepted(EchoServer):
    """Takes a Close with a single byte for an empty one."""

    def receive_close(self, payload: bytes) -> None:
        super().receive_close(payload if len(payload) > 1 else b"")


@fault("one-byte-answered-by-1000", "RFC6455-5.5.1-03")
class OneByteAnsweredBy1000(EchoServer):
    """Answers a Close with a single byte by 1000."""

    def receive_close(self, payload: bytes) -> None:
        super().receive_close(b"\x03\xe8" if len(payload) == 1 else payload)


@fault("one-byte-repeated", "RFC6455-5.5.1-03", "RFC6455-5.5.1-02")
class OneByteRepeated(EchoServer):
    """Repeats a Close with a single byte."""

    def check_close(self, payload: bytes) -> None:
        if len(payload) != 1:
            super().check_close(payload)


@fault("one-byte-ignored", "RFC6455-5.5.1-03", "RFC6455-7.1.7-03")
class OneByteIgnored(EchoServer):
    """Passes over a Close with a single byte, and goes on."""

    def receive_close(self, payload: bytes) -> None:
        if len(payload) != 1:
            super().receive_close(payload)


@fault("empty-close-refused", "RFC6455-5.5.1-01", level="SHOULD")
class EmptyCloseRefused(EchoServer):
    """Fails at a Close without a code."""

    def check_close(self, payload: bytes) -> None:
        if not payload:
            raise Failed(1002, "no code")
        super().check_close(payload)


@fault("reason-refused", "RFC6455-5.5.1-04", level="SHOULD")
class ReasonRefused(EchoServer):
    """Fails at a Close with a reason."""

    def check_close(self, payload: bytes) -> None:
        super().check_close(payload)
        if len(payload) > 2:
            raise Failed(1002, "a reason")


@fault("reason-of-123-refused", "RFC6455-5.5.1-04", "RFC6455-5.5-04", level="SHOULD")
class Reason123Refused(EchoServer):
    """Fails at a reason of 123 bytes, as its limit is off by one."""

    def check_close(self, payload: bytes) -> None:
        super().check_close(payload)
        if len(payload) == 125:
            raise Failed(1002, "too long a reason")


@fault("reason-echoed-as-message", "RFC6455-6.2-02", "RFC6455-5.5.1-21")
class ReasonEchoedAsMessage(EchoServer):
    """Delivers the reason of a Close as a text message, before its answer."""

    def receive_close(self, payload: bytes) -> None:
        self.check_close(payload)
        if len(payload) > 2:
            self.send_frame(TEXT, payload[2:])
        super().receive_close(payload)


@fault("code-read-little-endian", "RFC6455-5.5.1-02", "RFC6455-7.4.1-02", REPLY)
class CodeReadLittleEndian(EchoServer):
    """Reads codes in the wrong byte order, and refuses nearly all."""

    def check_close_code(self, code: int) -> None:
        super().check_close_code(int.from_bytes(code.to_bytes(2, "little")))


# ---- failing the connection


FAIL = "RFC6455-7.1.7-03"
AFTER = "RFC6455-7.1.7-07"
FITTING = "RFC6455-7.1.7-05"
NOTED = "RFC6455-10.7-03"


@fault("fails-without-close", FITTING, NOTED, level="SHOULD")
class FailsWithoutClose(EchoServer):
    """Drops TCP to fail the connection, without a Close."""

    def fail(self, failure: Failed) -> None:
        pass


class FailsWith(EchoServer):
    """Fails the connection with the same code in most cases."""

    code: ClassVar[int]

    def failure_code(self, failure: Failed) -> int:
        return self.code


@fault("fails-with-1000", FITTING, NOTED, "RFC6455-7.4.1-04", level="SHOULD")
class FailsWith1000(FailsWith):
    """Fails the connection with 1000."""

    code = 1000


@fault("fails-with-1001", FITTING, NOTED, "RFC6455-7.4.1-04", level="SHOULD")
class FailsWith1001(FailsWith):
    """Fails the connection with 1001."""

    code = 1001


@fault("fails-with-1011", FITTING, NOTED, "RFC6455-7.4.1-04", level="SHOULD")
class FailsWith1011(FailsWith):
    """Fails the connection with 1011."""

    code = 1011


@fault("fails-with-1002-always", FITTING, "RFC6455-7.4.1-09", level="SHOULD")
class FailsWith1002(FailsWith):
    """Fails the connection with 1002, also over invalid text."""

    code = 1002


@fault("fails-with-1007-always", FITTING, "RFC6455-7.4.1-04", level="SHOULD")
class FailsWith1007(FailsWith):
    """Fails the connection with 1007, also over bad frames."""

    code = 1007


@fault("fails-with-1006", "RFC6455-7.4.1-08")
class FailsWith1006(FailsWith):
    """Fails the connection with 1006."""

    code = 1006


@fault("fails-with-1005", "RFC6455-7.4.1-07")
class FailsWith1005(FailsWith):
    """Fails the connection with 1005."""

    code = 1005


@fault("fails-with-1015", "RFC6455-7.4.1-16")
class FailsWith1015(FailsWith):
    """Fails the connection with 1015."""

    code = 1015


@fault("fails-with-1010", "RFC6455-7.4.1-14")
class FailsWith1010(FailsWith):
    """Fails the connection with 1010, which only clients send."""

    code = 1010


@fault("fails-with-0", "RFC6455-7.4.2-01")
class FailsWith0(FailsWith):
    """Fails the connection with 0."""

    code = 0


@fault("fails-with-400", "RFC6455-7.4.2-01")
class FailsWith400(FailsWith):
    """Fails the connection with 400, a status of HTTP."""

    code = 400


@fault("fails-with-one-byte", "RFC6455-5.5.1-02")
class FailsWithOneByte(EchoServer):
    """Fails the connection with a Close that has a single byte."""

    def fail(self, failure: Failed) -> None:
        self.send_close(b"\x03")


@fault("fails-with-invalid-reason", "RFC6455-5.5.1-06")
class FailsWithInvalidReason(EchoServer):
    """Fails the connection with a reason that is not UTF-8."""

    def fail(self, failure: Failed) -> None:
        self.send_close(struct.pack("!H", failure.code) + b"bad byte: \xff")


@fault("fails-with-long-reason", "RFC6455-5.5-01")
class FailsWithLongReason(EchoServer):
    """Fails the connection with a reason of more than 123 bytes."""

    def fail(self, failure: Failed) -> None:
        self.send_close(struct.pack("!H", failure.code) + failure.why.encode() * 12)


@fault("fails-twice", "RFC6455-5.5.1-20")
class FailsTwice(EchoServer):
    """Fails the connection with two Closes."""

    def fail(self, failure: Failed) -> None:
        super().fail(failure)
        super().fail(failure)


@fault("tcp-open-after-failing", FAIL)
class TcpOpenAfterFailing(EchoServer):
    """Sends a Close to fail the connection, and waits for the client to close TCP."""

    def fail(self, failure: Failed) -> None:
        super().fail(failure)
        self.hang()
        raise Dropped


@fault("tcp-closed-late-after-failing", FAIL, "RFC6455-7.1.1-05", level="SHOULD")
class TcpClosedLateAfterFailing(EchoServer):
    """Closes TCP three seconds after the Close by which it fails the connection."""

    def fail(self, failure: Failed) -> None:
        super().fail(failure)
        self.wait(3)


@fault("hangs-instead-of-failing", FAIL)
class HangsInsteadOfFailing(EchoServer):
    """Neither sends anything nor closes TCP when it has to fail the connection."""

    def fail(self, failure: Failed) -> None:
        self.hang()
        raise Dropped


class Survivor(EchoServer):
    """Finds faults when the frame is over, and calls `survive`."""

    flaw: Failed | None = None
    left = 0

    def check_start(self, header: Header) -> None:
        try:
            super().check_start(header)
        except Failed as failure:
            self.flaw = failure

    def check_length(self, header: Header) -> None:
        try:
            super().check_length(header)
        except Failed as failure:
            self.flaw = self.flaw or failure

    def unmask(self, data: bytes, header: Header, position: int) -> bytes:
        self.left = header.length - position - len(data)
        return super().unmask(data, header, position)

    def receive_frame(self, header: Header) -> None:
        self.left = header.length
        flaw, self.flaw = self.flaw, None
        try:
            if flaw is not None:
                raise flaw
            super().receive_frame(header)
        except Failed as failure:
            if self.left > self.max_message:
                raise
            self.read_exactly(self.left)
            self.message = None
            self.survive(failure)

    def survive(self, failure: Failed) -> None:
        raise NotImplementedError


@fault("violations-ignored", FAIL, AFTER)
class ViolationsIgnored(Survivor):
    """Passes over every frame that ought to make it fail, and goes on."""

    def survive(self, failure: Failed) -> None:
        pass


@fault("open-after-failing", FAIL, AFTER)
class OpenAfterFailing(Survivor):
    """Sends a Close over a violation, and goes on."""

    def survive(self, failure: Failed) -> None:
        self.send_close(struct.pack("!H", failure.code))


@fault("violation-reported-by-text", FAIL, FITTING)
class ViolationReportedByText(Survivor):
    """Tells of a violation by a text message, and goes on."""

    def survive(self, failure: Failed) -> None:
        self.send_frame(TEXT, f"error: {failure.why}".encode())


class Processing(Survivor):
    """Goes on with what came in the same read behind a violation, then closes TCP."""

    failure: Failed | None = None
    close_first: ClassVar[bool] = True

    def survive(self, failure: Failed) -> None:
        if self.failure is None:
            self.failure = failure
            if self.close_first:
                self.send_close(struct.pack("!H", failure.code))
        if not self.buffer:
            self.end()

    def receive_frame(self, header: Header) -> None:
        super().receive_frame(header)
        if self.failure is not None and not self.buffer:
            self.end()

    def end(self) -> None:
        if self.failure is not None and not self.close_first:
            self.send_close(struct.pack("!H", self.failure.code))
        raise Finished


@fault("ping-after-failing-answered", AFTER)
class PingAfterFailingAnswered(Processing):
    """Answers a Ping that comes behind a violation, after its Close."""

    def deliver(self, opcode: int, data: bytes) -> None:
        if self.failure is None:
            super().deliver(opcode, data)

    def receive_close(self, payload: bytes) -> None:
        if self.failure is not None:
            raise Finished
        super().receive_close(payload)


@fault("ping-before-failing-answered", AFTER)
class PingBeforeFailingAnswered(Processing):
    """Answers a Ping that comes behind a violation, before it sends its Close."""

    close_first = False

    def deliver(self, opcode: int, data: bytes) -> None:
        if self.failure is None:
            super().deliver(opcode, data)

    def receive_close(self, payload: bytes) -> None:
        if self.failure is not None:
            self.end()
        super().receive_close(payload)


@fault("message-after-failing-echoed", AFTER, "RFC6455-5.5.1-09")
class MessageAfterFailingEchoed(Processing):
    """Sends back a message that comes behind a violation, after its Close."""

    def receive_ping(self, payload: bytes) -> None:
        if self.failure is None:
            super().receive_ping(payload)

    def receive_close(self, payload: bytes) -> None:
        if self.failure is not None:
            raise Finished
        super().receive_close(payload)


@fault("close-after-failing-answered", AFTER, "RFC6455-5.5.1-20")
class CloseAfterFailingAnswered(Processing):
    """Answers a Close that comes behind a violation, after its own Close."""

    def receive_ping(self, payload: bytes) -> None:
        if self.failure is None:
            super().receive_ping(payload)

    def deliver(self, opcode: int, data: bytes) -> None:
        if self.failure is None:
            super().deliver(opcode, data)


@fault("unfinished-message-delivered-when-failing", "RFC6455-6.2-08", AFTER)
class UnfinishedDeliveredWhenFailing(EchoServer):
    """Delivers an unfinished binary message before it fails the connection."""

    def fail(self, failure: Failed) -> None:
        message: Message | None = self.message
        if message is not None and message.opcode == BINARY and not message.compressed:
            self.deliver(BINARY, bytes(message.data))
        super().fail(failure)
