"""Faults of fragmentation (RFC 6455 §5.4)."""
# ruff: noqa: D102 - the docstring of each class says what its one override does

from __future__ import annotations

from .registry import fault
from .server import BINARY, CLOSE, CONTINUATION, TEXT, EchoServer, Failed, Header, Message

ORPHAN = "RFC6455-5.4-03"
INTERRUPTED = "RFC6455-5.4-04"

# ---- sequences that are illegal


@fault("continuation-of-nothing-ignored", ORPHAN)
class ContinuationOfNothingIgnored(EchoServer):
    """Passes over continuation frames that continue nothing."""

    def check_sequence(self, header: Header) -> None:
        if self.message is not None:
            super().check_sequence(header)

    def receive_data(self, header: Header) -> None:
        if header.opcode == CONTINUATION and self.message is None:
            self.read_exactly(header.length)
        else:
            super().receive_data(header)


class OrphanIsMessage(EchoServer):
    """Takes some continuation frames for the beginning of a message."""

    def is_accepted(self, header: Header) -> bool:
        return True

    def check_sequence(self, header: Header) -> None:
        orphan = header.opcode == CONTINUATION and self.message is None
        if not (orphan and self.is_accepted(header)):
            super().check_sequence(header)

    def message_of(self, header: Header) -> Message:
        message = super().message_of(header)
        if message.opcode == CONTINUATION:
            message.opcode = BINARY
        return message


@fault("continuation-of-nothing-is-message", ORPHAN)
class ContinuationOfNothingIsMessage(OrphanIsMessage):
    """Takes a continuation frame that continues nothing for a binary message."""


@fault("final-continuation-of-nothing", ORPHAN)
class FinalContinuationOfNothing(OrphanIsMessage):
    """Takes a final continuation frame that continues nothing for a binary message."""

    def is_accepted(self, header: Header) -> bool:
        return header.fin


@fault("open-continuation-of-nothing", ORPHAN)
class OpenContinuationOfNothing(OrphanIsMessage):
    """Lets a message begin with a continuation frame without FIN."""

    def is_accepted(self, header: Header) -> bool:
        return not header.fin


@fault("empty-continuation-of-nothing", ORPHAN)
class EmptyContinuationOfNothing(EchoServer):
    """Passes over empty continuation frames that continue nothing."""

    def check_sequence(self, header: Header) -> None:
        if header.marker:
            super().check_sequence(header)

    def receive_data(self, header: Header) -> None:
        if header.length or header.opcode != CONTINUATION or self.message is not None:
            super().receive_data(header)


@fault("continuation-of-finished-message", ORPHAN)
class ContinuationOfFinishedMessage(EchoServer):
    """Sends what continues a finished message as another one of the same type."""

    finished: int | None = None

    def check_sequence(self, header: Header) -> None:
        if header.opcode != CONTINUATION or self.message is not None or self.finished is None:
            super().check_sequence(header)

    def message_of(self, header: Header) -> Message:
        message = super().message_of(header)
        if message.opcode == CONTINUATION and self.finished is not None:
            message.opcode = self.finished
        return message

    def end_message(self, message: Message) -> None:
        self.finished = message.opcode
        super().end_message(message)


class Interruption(EchoServer):
    """Does not fail at a new message before the end of another."""

    def check_sequence(self, header: Header) -> None:
        if header.opcode == CONTINUATION:
            super().check_sequence(header)


@fault("new-message-replaces", INTERRUPTED)
class NewMessageReplaces(Interruption):
    """Drops an unfinished message when another begins."""


@fault("new-message-continues", INTERRUPTED)
class NewMessageContinues(Interruption):
    """Takes a text or binary frame within a message for a continuation frame."""

    def message_of(self, header: Header) -> Message:
        return self.message or super().message_of(header)


@fault("new-message-delivers-old", INTERRUPTED, "RFC6455-6.2-08")
class NewMessageDeliversOld(Interruption):
    """Delivers an unfinished message when another begins."""

    def message_of(self, header: Header) -> Message:
        if header.opcode != CONTINUATION and self.message is not None:
            self.end_message(self.message)
        return super().message_of(header)


@fault("new-message-within", INTERRUPTED, "RFC6455-5.4-05")
class NewMessageWithin(Interruption):
    """Delivers an unfragmented message within another, and goes on with that."""

    def receive_data(self, header: Header) -> None:
        outer = self.message
        super().receive_data(header)
        if outer is not None and header.opcode != CONTINUATION:
            self.message = outer


@fault("other-type-replaces", INTERRUPTED)
class OtherTypeInterrupts(Interruption):
    """Fails at a new message of the same type only; one of the other type replaces the first."""

    def check_sequence(self, header: Header) -> None:
        if self.message is None or header.opcode in (CONTINUATION, self.message.opcode):
            EchoServer.check_sequence(self, header)


@fault("same-type-continues", INTERRUPTED)
class SameTypeInterrupts(Interruption):
    """Fails at a new message of another type only; one of the same type goes on with it."""

    def check_sequence(self, header: Header) -> None:
        if self.message is None or header.opcode != self.message.opcode:
            EchoServer.check_sequence(self, header)

    def message_of(self, header: Header) -> Message:
        return self.message or super().message_of(header)


@fault("new-fragmented-message", INTERRUPTED)
class NewFragmentedMessage(Interruption):
    """Fails at a new unfragmented message; the first fragment of one replaces the message."""

    def check_sequence(self, header: Header) -> None:
        if header.fin or header.opcode == CONTINUATION:
            EchoServer.check_sequence(self, header)


@fault("new-message-after-empty-fragment", INTERRUPTED)
class NewMessageAfterEmptyFragment(Interruption):
    """Takes a message of which it has no bytes yet for none."""

    def check_sequence(self, header: Header) -> None:
        if self.message is None or self.message.wire_size:
            EchoServer.check_sequence(self, header)


# ---- messages put together wrong


@fault("fragments-refused", "RFC6455-5.4-12", "RFC6455-5.4-02")
class FragmentsRefused(EchoServer):
    """Does not know fragmented messages."""

    def check_sequence(self, header: Header) -> None:
        super().check_sequence(header)
        if not header.fin:
            raise Failed(1003, "a fragmented message")


@fault("each-fragment-echoed", "RFC6455-5.4-02", "RFC6455-5.4-13", "RFC6455-6.2-08")
class EachFragmentEchoed(EchoServer):
    """Delivers each fragment as a message of its own."""

    def end_fragment(self, message: Message, header: Header) -> None:
        if not message.compressed and not header.fin:
            self.deliver(message.opcode, bytes(message.data))
            message.data.clear()


@fault("first-fragment-lost", "RFC6455-5.4-02", "RFC6455-5.4-12")
class FirstFragmentLost(EchoServer):
    """Loses the first fragment of a message."""

    def end_fragment(self, message: Message, header: Header) -> None:
        if header.opcode != CONTINUATION and not header.fin:
            message.data.clear()


@fault("middle-fragments-lost", "RFC6455-5.4-02", "RFC6455-5.4-13")
class MiddleFragmentsLost(EchoServer):
    """Knows messages of two fragments; loses what is between the first and the last."""

    def receive_data(self, header: Header) -> None:
        message = self.message
        before = None if message is None else len(message.data)
        super().receive_data(header)
        middle = header.opcode == CONTINUATION and not header.fin
        if message is not None and middle and not message.compressed:
            del message.data[before:]


@fault("last-fragment-lost", "RFC6455-5.4-02", "RFC6455-5.4-12")
class LastFragmentLost(EchoServer):
    """Loses the last of three or more fragments."""

    count = 0

    def receive_data(self, header: Header) -> None:
        self.count = self.count + 1 if header.opcode == CONTINUATION else 1
        super().receive_data(header)

    def add_content(self, message: Message, data: bytes) -> None:
        if self.message is None or self.count < 3 or message.compressed or not self.final:
            super().add_content(message, data)

    def message_of(self, header: Header) -> Message:
        self.final = header.fin
        return super().message_of(header)

    final = False


@fault("fragments-in-reverse", "RFC6455-5.4-10")
class FragmentsInReverse(EchoServer):
    """Puts continuation frames before what it has."""

    def end_fragment(self, message: Message, header: Header) -> None:
        if header.opcode == CONTINUATION and header.length and not message.compressed:
            size = header.length
            message.data[:] = message.data[-size:] + message.data[:-size]


@fault("empty-fragment-ends-message", "RFC6455-5.4-19", "RFC6455-5.4-11")
class EmptyFragmentEndsMessage(EchoServer):
    """Takes an empty continuation frame for the last."""

    def check_sequence(self, header: Header) -> None:
        super().check_sequence(header)
        if header.opcode == CONTINUATION and not header.marker:
            header.first |= 0x80


@fault("empty-fragment-refused", "RFC6455-5.4-19", "RFC6455-5.4-11")
class EmptyFragmentRefused(EchoServer):
    """Fails at an empty fragment in mid-message."""

    def check_sequence(self, header: Header) -> None:
        super().check_sequence(header)
        if not header.fin and not header.marker:
            raise Failed(1002, "an empty fragment")


@fault("empty-first-fragment-forgotten", "RFC6455-5.4-19", "RFC6455-5.4-11")
class EmptyFirstFragmentForgotten(EchoServer):
    """Forgets that a message has begun if its first fragment is empty."""

    def end_fragment(self, message: Message, header: Header) -> None:
        if not message.wire_size and not header.fin:
            self.message = None


@fault("empty-last-fragment-ignored", "RFC6455-5.4-19", "RFC6455-5.4-11")
class EmptyLastFragmentIgnored(EchoServer):
    """Ignores FIN of an empty continuation frame: the message never ends."""

    def check_sequence(self, header: Header) -> None:
        super().check_sequence(header)
        if header.opcode == CONTINUATION and not header.marker:
            header.first &= 0x7F


@fault("empty-fragmented-message-lost", "RFC6455-5.4-19")
class EmptyFragmentedMessageLost(EchoServer):
    """Does not deliver a message of empty fragments only."""

    unfragmented = True

    def message_of(self, header: Header) -> Message:
        self.unfragmented = header.opcode != CONTINUATION
        return super().message_of(header)

    def deliver(self, opcode: int, data: bytes) -> None:
        if data or self.unfragmented:
            super().deliver(opcode, data)


@fault("fragmented-is-text", "RFC6455-5.4-18", "RFC6455-5.6-04")
class FragmentedIsText(EchoServer):
    """Sends fragmented binary messages back as text if they could be."""

    unfragmented = True

    def message_of(self, header: Header) -> Message:
        self.unfragmented = header.opcode != CONTINUATION
        return super().message_of(header)

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode if self.unfragmented or not data.isascii() else TEXT, data)


@fault("fragmented-is-binary", "RFC6455-5.4-18", "RFC6455-5.6-04", "RFC6455-6.1-05")
class FragmentedIsBinary(EchoServer):
    """Sends fragmented text back as binary."""

    unfragmented = True

    def message_of(self, header: Header) -> Message:
        self.unfragmented = header.opcode != CONTINUATION
        return super().message_of(header)

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode if self.unfragmented else BINARY, data)


@fault("fragmented-binary-checked-as-text", "RFC6455-5.4-18", "RFC6455-5.6-03")
class FragmentedBinaryCheckedAsText(EchoServer):
    """Checks the continuation frames of binary messages as text."""

    continued = False

    def receive_data(self, header: Header) -> None:
        self.continued = header.opcode == CONTINUATION
        super().receive_data(header)

    def add_content(self, message: Message, data: bytes) -> None:
        if self.continued and message.opcode == BINARY:
            self.check_text(message, data)
        super().add_content(message, data)


@fault("fragments-left-over", "RFC6455-6.2-04")
class FragmentsLeftOver(EchoServer):
    """Leaves what it has of a fragmented message, so that the next one begins with it."""

    left = b""
    fragmented = False

    def message_of(self, header: Header) -> Message:
        self.fragmented = header.opcode == CONTINUATION
        return super().message_of(header)

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode, self.left + data)
        self.left = data if self.fragmented else b""


@fault("type-after-fragmented", "RFC6455-6.2-04", "RFC6455-5.6-04")
class TypeAfterFragmented(EchoServer):
    """Gives the message after a fragmented one its type."""

    opcode: int | None = None
    fragmented = False

    def message_of(self, header: Header) -> Message:
        self.fragmented = header.opcode == CONTINUATION
        return super().message_of(header)

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(self.opcode or opcode, data)
        self.opcode = opcode if self.fragmented else None


@fault("fragments-limited", "RFC6455-5.4-02", "RFC6455-5.4-11", "RFC6455-5.4-13")
class FragmentsLimited(EchoServer):
    """Fails at the ninth fragment of a message."""

    count = 0

    def receive_data(self, header: Header) -> None:
        self.count = self.count + 1 if header.opcode == CONTINUATION else 1
        if self.count > 8:
            raise Failed(1008, "too many fragments")
        super().receive_data(header)


@fault("unfinished-message-delivered-at-end", "RFC6455-6.2-08")
class UnfinishedDeliveredAtEnd(EchoServer):
    """Delivers an unfinished message when the client closes TCP."""

    def receive_some(self) -> bytes:
        data = self.tcp.recv(65536)
        message, self.message = self.message, self.message if data else None
        if not data and message is not None and not message.compressed:
            self.deliver(message.opcode, bytes(message.data))
        if not data:
            return super().receive_some()
        return data


# ---- messages sent


class Fragmenting(EchoServer):
    """Sends messages in fragments of 1000 bytes, if they are longer than 2000."""

    def send_message(self, opcode: int, data: bytes) -> None:
        if len(data) <= 2000:
            super().send_message(opcode, data)
            return
        fragments = [data[start : start + 1000] for start in range(0, len(data), 1000)]
        for index, fragment in enumerate(fragments):
            self.send_fragment(opcode, fragment, index, index == len(fragments) - 1)

    def send_fragment(self, opcode: int, data: bytes, index: int, last: bool) -> None:
        self.send_frame(CONTINUATION if index else opcode, data, fin=last)


@fault("opcode-of-fragments-repeated", "RFC6455-5.4-02", INTERRUPTED)
class OpcodeRepeated(Fragmenting):
    """Repeats the opcode of a message in each of its fragments."""

    def send_fragment(self, opcode: int, data: bytes, index: int, last: bool) -> None:
        self.send_frame(opcode, data, fin=last)


@fault("last-fragment-without-fin", "RFC6455-6.1-06", "RFC6455-5.4-02")
class LastFragmentWithoutFin(Fragmenting):
    """Leaves FIN out of the last fragment that it sends."""

    def send_fragment(self, opcode: int, data: bytes, index: int, last: bool) -> None:
        super().send_fragment(opcode, data, index, last=False)


@fault("every-fragment-with-fin", "RFC6455-5.4-02", ORPHAN)
class EveryFragmentWithFin(Fragmenting):
    """Sets FIN in every fragment that it sends."""

    def send_fragment(self, opcode: int, data: bytes, index: int, last: bool) -> None:
        super().send_fragment(opcode, data, index, last=True)


@fault("first-fragment-is-continuation", "RFC6455-6.1-05", ORPHAN, "RFC6455-5.4-02")
class FirstFragmentIsContinuation(Fragmenting):
    """Sends the first fragment of a message with the opcode 0."""

    def send_fragment(self, opcode: int, data: bytes, index: int, last: bool) -> None:
        self.send_frame(CONTINUATION, data, fin=last)


@fault("last-fragment-has-opcode", "RFC6455-5.4-02", "RFC6455-6.1-05")
class LastFragmentHasOpcode(Fragmenting):
    """Sends the opcode of a message with its last fragment."""

    def send_fragment(self, opcode: int, data: bytes, index: int, last: bool) -> None:
        self.send_frame(opcode if last else CONTINUATION, data, fin=last)


@fault("messages-interleaved", "RFC6455-5.4-05", INTERRUPTED)
class MessagesInterleaved(Fragmenting):
    """Puts an empty message between the fragments that it sends."""

    def send_fragment(self, opcode: int, data: bytes, index: int, last: bool) -> None:
        super().send_fragment(opcode, data, index, last)
        if index == 0:
            self.send_frame(opcode, b"")


@fault("fragments-sent-in-disorder", "RFC6455-5.4-10")
class FragmentsSentInDisorder(Fragmenting):
    """Sends the content of two fragments in the wrong order."""

    def send_message(self, opcode: int, data: bytes) -> None:
        if len(data) > 2000:
            data = data[1000:2000] + data[:1000] + data[2000:]
        super().send_message(opcode, data)


@fault("close-within-message-unanswered", "RFC6455-5.4-09", "RFC6455-5.5.1-10")
class CloseWithinMessageUnanswered(EchoServer):
    """Ignores a Close between fragments."""

    def receive_control(self, header: Header, payload: bytes) -> None:
        if header.opcode != CLOSE or self.message is None:
            super().receive_control(header, payload)


@fault("close-within-message-refused", "RFC6455-5.4-09")
class CloseWithinMessageRefused(EchoServer):
    """Drops TCP without a Close at a Close between fragments."""

    def check_control(self, header: Header) -> None:
        super().check_control(header)
        if header.opcode == CLOSE and self.message is not None:
            self.close_tcp()
