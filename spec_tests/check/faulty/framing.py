"""Faults of frames: masking, lengths, reserved bits and opcodes (RFC 6455 §5.1 to §5.3)."""
# ruff: noqa: D102 - the docstring of each class says what its one override does

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import ClassVar

from wsref.protocol.masking import mask

from .registry import fault
from .server import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Dropped,
    EchoServer,
    Failed,
    Finished,
    Header,
    Message,
)

# ---- masking: frames of the client that are not masked

UNMASKED = "RFC6455-5.1-02"


@fault("unmasked-accepted", UNMASKED)
class UnmaskedAccepted(EchoServer):
    """Accepts frames that are not masked."""

    def check_mask(self, header: Header) -> None:
        pass


@fault("unmasked-text-accepted", UNMASKED)
class UnmaskedTextAccepted(EchoServer):
    """Accepts text frames that are not masked."""

    def check_mask(self, header: Header) -> None:
        if header.opcode != TEXT:
            super().check_mask(header)


@fault("unmasked-binary-accepted", UNMASKED)
class UnmaskedBinaryAccepted(EchoServer):
    """Accepts binary frames that are not masked."""

    def check_mask(self, header: Header) -> None:
        if header.opcode != BINARY:
            super().check_mask(header)


@fault("unmasked-continuation-accepted", UNMASKED)
class UnmaskedContinuationAccepted(EchoServer):
    """Accepts continuation frames that are not masked."""

    def check_mask(self, header: Header) -> None:
        if header.opcode != CONTINUATION:
            super().check_mask(header)


@fault("unmasked-control-accepted", UNMASKED)
class UnmaskedControlAccepted(EchoServer):
    """Accepts control frames that are not masked."""

    def check_mask(self, header: Header) -> None:
        if not header.is_control:
            super().check_mask(header)


@fault("unmasked-ping-accepted", UNMASKED)
class UnmaskedPingAccepted(EchoServer):
    """Accepts Pings that are not masked."""

    def check_mask(self, header: Header) -> None:
        if header.opcode != PING:
            super().check_mask(header)


@fault("unmasked-pong-accepted", UNMASKED)
class UnmaskedPongAccepted(EchoServer):
    """Accepts Pongs that are not masked."""

    def check_mask(self, header: Header) -> None:
        if header.opcode != PONG:
            super().check_mask(header)


@fault("unmasked-close-accepted", UNMASKED)
class UnmaskedCloseAccepted(EchoServer):
    """Accepts a Close that is not masked."""

    def check_mask(self, header: Header) -> None:
        if header.opcode != CLOSE:
            super().check_mask(header)


@fault("unmasked-empty-accepted", UNMASKED)
class UnmaskedEmptyAccepted(EchoServer):
    """Accepts frames that are not masked if they are empty."""

    def check_mask(self, header: Header) -> None:
        if header.marker:
            super().check_mask(header)


@fault("unmasked-long-accepted", UNMASKED)
class UnmaskedLongAccepted(EchoServer):
    """Accepts frames that are not masked if they have an extended length."""

    def check_mask(self, header: Header) -> None:
        if header.marker < 126:
            super().check_mask(header)


@fault("unmasked-later-accepted", UNMASKED)
class UnmaskedLaterAccepted(EchoServer):
    """Looks at the mask bit of the first frame only."""

    checked = False

    def check_mask(self, header: Header) -> None:
        if not self.checked:
            super().check_mask(header)
        self.checked = True


@fault("unmasked-ignored", UNMASKED)
class UnmaskedIgnored(EchoServer):
    """Passes over frames that are not masked, and goes on."""

    def check_mask(self, header: Header) -> None:
        pass

    def receive_frame(self, header: Header) -> None:
        if header.masked:
            super().receive_frame(header)
        else:
            self.read_exactly(header.length)


@fault("mask-bit-ignored", UNMASKED, "RFC6455-5.2-16")
class MaskBitIgnored(EchoServer):
    """Reads a masking key whether the mask bit says so or not."""

    def check_mask(self, header: Header) -> None:
        header.second |= 0x80


class AnsweredFirst(EchoServer):
    """Handles a frame with some flaw like any other, and fails afterwards."""

    flaw: Failed | None = None

    def receive_frame(self, header: Header) -> None:
        super().receive_frame(header)
        if self.flaw is not None:
            raise self.flaw


@fault("unmasked-answered-first", UNMASKED, "RFC6455-7.1.7-07")
class UnmaskedAnsweredFirst(AnsweredFirst):
    """Fails at a frame that is not masked, but only after it has handled it."""

    def check_mask(self, header: Header) -> None:
        try:
            super().check_mask(header)
        except Failed as failure:
            self.flaw = failure


@fault("reserved-bits-answered-first", "RFC6455-5.2-03", "RFC6455-7.1.7-07")
class ReservedBitsAnsweredFirst(AnsweredFirst):
    """Fails at a frame with RSV2 or RSV3, but only after it has handled it."""

    def check_reserved_bits(self, header: Header) -> None:
        try:
            super().check_reserved_bits(header)
        except Failed as failure:
            if header.rsv & 4:
                raise
            self.flaw = failure


# ---- masking: frames of the server that are masked

MASKED = "RFC6455-5.1-04"


class Masking(EchoServer):
    """Masks some of its frames."""

    key_sent: bytes = b"\x12\x34\x56\x78"

    def is_to_be_masked(self, first: int, payload: bytes) -> bool:
        return True

    def serialize_frame(self, first: int, payload: bytes) -> bytes:
        if not self.is_to_be_masked(first, payload):
            return super().serialize_frame(first, payload)
        length = bytearray(self.serialize_length(len(payload)))
        length[0] |= 0x80
        return bytes([first]) + length + self.key_sent + mask(payload, self.key_sent)


@fault("masked", MASKED)
class Masked(Masking):
    """Masks its frames."""


@fault("masked-zero-key", MASKED)
class MaskedZeroKey(Masking):
    """Masks its frames with a key of zeros, so that payloads look right."""

    key_sent = bytes(4)


@fault("masked-data", MASKED)
class MaskedData(Masking):
    """Masks its data frames."""

    def is_to_be_masked(self, first: int, payload: bytes) -> bool:
        return first & 8 == 0


@fault("masked-binary", MASKED)
class MaskedBinary(Masking):
    """Masks its binary messages."""

    def is_to_be_masked(self, first: int, payload: bytes) -> bool:
        return first & 15 == BINARY


@fault("masked-pong", MASKED)
class MaskedPong(Masking):
    """Masks its Pongs."""

    def is_to_be_masked(self, first: int, payload: bytes) -> bool:
        return first & 15 == PONG


@fault("masked-close", MASKED)
class MaskedClose(Masking):
    """Masks its Close."""

    def is_to_be_masked(self, first: int, payload: bytes) -> bool:
        return first & 15 == CLOSE


@fault("masked-failing-close", MASKED)
class MaskedFailingClose(Masking):
    """Masks its Close when it fails the connection."""

    def is_to_be_masked(self, first: int, payload: bytes) -> bool:
        return first & 15 == CLOSE and payload[:2] in (b"\x03\xea", b"\x03\xef")


@fault("masked-large", MASKED)
class MaskedLarge(Masking):
    """Masks frames of more than 65535 bytes."""

    def is_to_be_masked(self, first: int, payload: bytes) -> bool:
        return len(payload) > 65535


@fault("masked-medium", MASKED)
class MaskedMedium(Masking):
    """Masks frames of 126 to 65535 bytes."""

    def is_to_be_masked(self, first: int, payload: bytes) -> bool:
        return 126 <= len(payload) <= 65535


@fault("masked-empty", MASKED)
class MaskedEmpty(Masking):
    """Masks frames without payload."""

    def is_to_be_masked(self, first: int, payload: bytes) -> bool:
        return not payload


@fault("masked-later", MASKED)
class MaskedLater(Masking):
    """Masks its frames from the second on."""

    count = 0

    def is_to_be_masked(self, first: int, payload: bytes) -> bool:
        self.count += 1
        return self.count > 1


@fault("mask-bit-without-key", MASKED, "RFC6455-5.2-16")
class MaskBitWithoutKey(EchoServer):
    """Sets the mask bit of its data frames, but sends no key."""

    def serialize_frame(self, first: int, payload: bytes) -> bytes:
        frame = bytearray(super().serialize_frame(first, payload))
        if first & 8 == 0:
            frame[1] |= 0x80
        return bytes(frame)


@fault("payload-masked-without-bit", "RFC6455-6.2-07", "RFC6455-5.3-05")
class PayloadMaskedWithoutBit(EchoServer):
    """Sends messages back as they were masked, without the mask bit and the key."""

    key_seen = bytes(4)

    def read_key(self, header: Header) -> bytes:
        self.key_seen = super().read_key(header)
        return self.key_seen

    def send_message(self, opcode: int, data: bytes) -> None:
        if opcode == BINARY and self.deflate is None:
            data = mask(data, self.key_seen)
        super().send_message(opcode, data)


@fault("masked-ping", MASKED)
class MaskedPing(Masking):
    """Greets the client with a Ping, which is masked."""

    def on_open(self) -> None:
        self.send_frame(PING, b"hello")

    def is_to_be_masked(self, first: int, payload: bytes) -> bool:
        return first & 15 == PING


# ---- unmasking

UNMASKING = "RFC6455-5.3-05"


@fault("not-unmasked", "RFC6455-6.2-07", UNMASKING)
class NotUnmasked(EchoServer):
    """Sends messages back as they were masked."""

    def add(self, message: Message, data: bytes) -> None:
        message.data += data

    def unmask(self, data: bytes, header: Header, position: int) -> bytes:
        return super().unmask(data, header, position) if header.is_control else data


@fault("binary-not-unmasked", "RFC6455-6.2-07", UNMASKING)
class BinaryNotUnmasked(EchoServer):
    """Forgets to unmask binary frames."""

    def unmask(self, data: bytes, header: Header, position: int) -> bytes:
        return data if header.opcode == BINARY else super().unmask(data, header, position)


@fault("continuation-not-unmasked", UNMASKING, "RFC6455-6.2-07")
class ContinuationNotUnmasked(EchoServer):
    """Forgets to unmask continuation frames."""

    def unmask(self, data: bytes, header: Header, position: int) -> bytes:
        return data if header.opcode == CONTINUATION else super().unmask(data, header, position)


@fault("ping-not-unmasked", "RFC6455-6.2-07", UNMASKING, "RFC6455-5.5.3-01")
class PingNotUnmasked(EchoServer):
    """Forgets to unmask Pings."""

    def unmask(self, data: bytes, header: Header, position: int) -> bytes:
        return data if header.opcode == PING else super().unmask(data, header, position)


@fault("close-not-unmasked", "RFC6455-6.2-07", UNMASKING)
class CloseNotUnmasked(EchoServer):
    """Forgets to unmask a Close, and sends what it has instead of a code."""

    def unmask(self, data: bytes, header: Header, position: int) -> bytes:
        return data if header.opcode == CLOSE else super().unmask(data, header, position)


@fault("key-of-first-fragment", UNMASKING)
class KeyOfFirstFragment(EchoServer):
    """Unmasks continuation frames with the key of the first fragment."""

    first_key = b""

    def unmask(self, data: bytes, header: Header, position: int) -> bytes:
        if header.opcode in (TEXT, BINARY):
            self.first_key = header.key
        elif header.opcode == CONTINUATION:
            return mask(data, self.first_key, position)
        return super().unmask(data, header, position)


@fault("key-of-first-frame", UNMASKING)
class KeyOfFirstFrame(EchoServer):
    """Unmasks all frames of a connection with the key of the first."""

    first_key = b""

    def read_key(self, header: Header) -> bytes:
        key = super().read_key(header)
        self.first_key = self.first_key or key
        return self.first_key


@fault("key-carried-over-fragments", UNMASKING)
class KeyCarriedOverFragments(EchoServer):
    """Goes on in the key of a fragment where that of the last one ended."""

    def unmask(self, data: bytes, header: Header, position: int) -> bytes:
        if not header.is_control and self.message is not None:
            position += self.message.wire_size - header.length
        return super().unmask(data, header, position)


@fault("key-restarts-with-each-read", UNMASKING, "RFC6455-6.2-01")
class KeyRestartsWithEachRead(EchoServer):
    """Begins with the key's first byte again if a payload arrives in pieces."""

    def unmask(self, data: bytes, header: Header, position: int) -> bytes:
        return super().unmask(data, header, 0)


@fault("last-bytes-not-unmasked", UNMASKING)
class LastBytesNotUnmasked(EchoServer):
    """Unmasks four bytes at a time, and forgets what is left at the end."""

    def payload(self, header: Header) -> Iterator[bytes]:
        data = self.read_exactly(header.length)
        whole = len(data) & ~3
        yield self.unmask(data[:whole], header, 0) + data[whole:]


@fault("key-reversed", UNMASKING)
class KeyReversed(EchoServer):
    """Reads the masking key as a number of the wrong byte order."""

    def read_key(self, header: Header) -> bytes:
        return super().read_key(header)[::-1]


@fault("first-key-byte-only", UNMASKING)
class FirstKeyByteOnly(EchoServer):
    """Unmasks with the first byte of the key only."""

    def read_key(self, header: Header) -> bytes:
        return super().read_key(header)[:1] * 4


@fault("long-payloads-not-unmasked", UNMASKING)
class LongPayloadsNotUnmasked(EchoServer):
    """Unmasks the first 65536 bytes of a frame only."""

    def unmask(self, data: bytes, header: Header, position: int) -> bytes:
        within = max(0, 65536 - position)
        return super().unmask(data[:within], header, position) + data[within:]


@fault("zero-key-refused", "RFC6455-5.3-07")
class ZeroKeyRefused(EchoServer):
    """Takes a key of zeros for no key."""

    def read_key(self, header: Header) -> bytes:
        key = super().read_key(header)
        if not any(key):
            raise Failed(1002, "no key")
        return key


@fault("zero-byte-key-refused", "RFC6455-5.3-07")
class ZeroByteInKey(EchoServer):
    """Stops in the key at a zero byte, as a C string does."""

    def read_key(self, header: Header) -> bytes:
        return super().read_key(header).partition(b"\0")[0].ljust(4, b"\0")


@fault("repeated-key-refused", "RFC6455-5.3-07")
class RepeatedKeyRefused(EchoServer):
    """Fails if a key is used twice in a row."""

    last_key = b""

    def read_key(self, header: Header) -> bytes:
        key = super().read_key(header)
        if key == self.last_key:
            raise Failed(1002, "the key did not change")
        self.last_key = key
        return key


@fault("empty-frames-key-not-read", "RFC6455-5.2-18", "RFC6455-5.2-16")
class EmptyFramesKeyNotRead(EchoServer):
    """Does not read the key of a frame without payload."""

    def read_key(self, header: Header) -> bytes:
        return super().read_key(header) if header.length else b""


@fault("empty-control-key-not-read", "RFC6455-5.2-18", "RFC6455-5.2-16")
class EmptyControlKeyNotRead(EchoServer):
    """Does not read the key of a control frame without payload."""

    def read_key(self, header: Header) -> bytes:
        return super().read_key(header) if header.length or not header.is_control else b""


@fault("length-includes-key", "RFC6455-5.2-15")
class LengthIncludesKey(EchoServer):
    """Counts the key as part of the payload of binary frames."""

    def check_size(self, header: Header) -> None:
        super().check_size(header)
        if header.opcode == BINARY:
            header.length = max(0, header.length - 4)


# ---- lengths received


class Lengths(EchoServer):
    """Reads some lengths wrong."""

    def wrong(self, length: int, header: Header) -> int:
        raise NotImplementedError

    def read_length(self, header: Header) -> int:
        return self.wrong(super().read_length(header), header)


@fault("length-125-off-by-one", "RFC6455-5.2-14", "RFC6455-5.5-04")
class Length125(EchoServer):
    """Fails at a frame of 125 bytes."""

    def check_size(self, header: Header) -> None:
        super().check_size(header)
        if header.length == 125:
            raise Failed(1002, "too long")


class Boundary(EchoServer):
    """Loses the last byte of messages of one length."""

    length: ClassVar[int]

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode, data[:-1] if len(data) == self.length else data)


@fault("message-of-1-lost", "RFC6455-5.2-14")
class Boundary1(Boundary):
    """Sends an empty message back for one of a single byte."""

    length = 1


@fault("message-of-126-cut", "RFC6455-5.2-14")
class Boundary126(Boundary):
    """Loses the last byte of messages of 126 bytes."""

    length = 126


@fault("message-of-127-cut", "RFC6455-5.2-14")
class Boundary127(Boundary):
    """Loses the last byte of messages of 127 bytes."""

    length = 127


@fault("message-of-65535-cut", "RFC6455-5.2-14")
class Boundary65535(Boundary):
    """Loses the last byte of messages of 65535 bytes."""

    length = 65535


@fault("message-of-65536-cut", "RFC6455-5.2-14")
class Boundary65536(Boundary):
    """Loses the last byte of messages of 65536 bytes."""

    length = 65536


@fault("empty-message-lost", "RFC6455-5.2-14")
class EmptyMessageLost(EchoServer):
    """Does not send empty messages back."""

    def deliver(self, opcode: int, data: bytes) -> None:
        if data:
            super().deliver(opcode, data)


@fault("empty-message-refused", "RFC6455-5.2-14")
class EmptyMessageRefused(EchoServer):
    """Takes an empty message for the end of the stream."""

    def deliver(self, opcode: int, data: bytes) -> None:
        if not data:
            raise Finished
        super().deliver(opcode, data)


@fault("length-16-little-endian", "RFC6455-5.2-13")
class Length16LittleEndian(Lengths):
    """Reads lengths of 16 bits in the wrong byte order."""

    def wrong(self, length: int, header: Header) -> int:
        return int.from_bytes(length.to_bytes(2, "little")) if header.marker == 126 else length

    def check_length_16(self, length: int) -> None:
        pass


@fault("length-64-little-endian", "RFC6455-5.2-13")
class Length64LittleEndian(Lengths):
    """Reads lengths of 64 bits in the wrong byte order."""

    def wrong(self, length: int, header: Header) -> int:
        return int.from_bytes(length.to_bytes(8, "little")) if header.marker == 127 else length


@fault("length-16-signed", "RFC6455-5.2-14")
class Length16Signed(EchoServer):
    """Takes lengths of 32768 to 65535 bytes for negative ones, and fails."""

    def check_length_16(self, length: int) -> None:
        super().check_length_16(length)
        if length > 32767:
            raise Failed(1002, "a negative length")


@fault("length-64-signed", "RFC6455-5.2-09")
class Length64Signed(EchoServer):
    """Takes a length with the top bit set for a negative one, so for no payload at all."""

    def check_length_64(self, length: int) -> None:
        if not length >> 63:
            super().check_length_64(length)

    def check_size(self, header: Header) -> None:
        if header.length >> 63:
            header.length = 0
        super().check_size(header)


@fault("length-64-top-bit-cleared", "RFC6455-5.2-09")
class Length64TopBitCleared(EchoServer):
    """Clears the top bit of a length and goes on."""

    def check_length_64(self, length: int) -> None:
        super().check_length_64(length & ~(1 << 63) or 65536)

    def check_size(self, header: Header) -> None:
        header.length &= ~(1 << 63)
        super().check_size(header)


@fault("length-64-awaited", "RFC6455-5.2-09", "RFC6455-10.4-01")
class Length64Awaited(EchoServer):
    """Waits for as many bytes as a length with the top bit set announces."""

    def check_length_64(self, length: int) -> None:
        if length >> 63:
            self.hang()
            raise Dropped
        super().check_length_64(length)


@fault("length-64-in-32-bits", "RFC6455-5.2-14", "RFC6455-10.4-01")
class Length64In32Bits(EchoServer):
    """Keeps 32 bits of a length only, so that huge frames look small."""

    def check_size(self, header: Header) -> None:
        header.length &= 0xFFFFFFFF
        super().check_size(header)


@fault("length-64-in-16-bits", "RFC6455-5.2-14")
class Length64In16Bits(EchoServer):
    """Keeps 16 bits of a length only: what is left of the payload is parsed as frames."""

    def check_size(self, header: Header) -> None:
        header.length &= 0xFFFF
        super().check_size(header)


@fault("length-64-refused", "RFC6455-5.2-14")
class Length64Refused(EchoServer):
    """Does not know lengths of 64 bits."""

    def check_length_64(self, length: int) -> None:
        raise Failed(1009, "too long")


@fault("length-65535-refused", "RFC6455-5.2-14")
class Length65535Refused(EchoServer):
    """Takes 65535 for a length that does not fit."""

    def check_length_16(self, length: int) -> None:
        super().check_length_16(length)
        if length == 65535:
            raise Failed(1002, "too long")


@fault("length-126-refused", "RFC6455-5.2-14")
class Length126Refused(EchoServer):
    """Takes 126 in 16 bits for a length that is not in the shortest form."""

    def check_length_16(self, length: int) -> None:
        super().check_length_16(length - 1)


@fault("length-65536-refused", "RFC6455-5.2-14")
class Length65536Refused(EchoServer):
    """Takes 65536 in 64 bits for a length that is not in the shortest form."""

    def check_length_64(self, length: int) -> None:
        super().check_length_64(length - 1)


@fault("long-form-16-accepted", "RFC6455-5.2-11", "RFC6455-5.2-10", level="SHOULD")
class LongForm16Accepted(EchoServer):
    """Accepts lengths below 126 in 16 bits."""

    def check_length_16(self, length: int) -> None:
        pass


@fault("long-form-64-accepted", "RFC6455-5.2-12", "RFC6455-5.2-10", level="SHOULD")
class LongForm64Accepted(EchoServer):
    """Accepts lengths below 65536 in 64 bits."""

    def check_length_64(self, length: int) -> None:
        super().check_length_64(max(length, 65536))


@fault("long-form-64-partly-accepted", "RFC6455-5.2-12", "RFC6455-5.2-10", level="SHOULD")
class LongForm64PartlyAccepted(EchoServer):
    """Accepts lengths of 126 to 65535 in 64 bits."""

    def check_length_64(self, length: int) -> None:
        super().check_length_64(length if length < 126 else max(length, 65536))


@fault("long-form-zero-accepted", "RFC6455-5.2-11", "RFC6455-5.2-10", level="SHOULD")
class LongFormZeroAccepted(EchoServer):
    """Accepts an empty payload with its length in 16 or 64 bits."""

    def check_length(self, header: Header) -> None:
        if header.length:
            super().check_length(header)


# ---- lengths sent

SHORTEST = "RFC6455-5.2-10"


@fault("16-bits-for-125", SHORTEST)
class Sends16BitsFor125(EchoServer):
    """Sends 125 in 16 bits."""

    def serialize_length(self, length: int) -> bytes:
        return (
            struct.pack("!BH", 126, length) if length == 125 else super().serialize_length(length)
        )


@fault("16-bits-always", SHORTEST)
class Sends16BitsAlways(EchoServer):
    """Sends short lengths of messages in 16 bits."""

    def serialize_frame(self, first: int, payload: bytes) -> bytes:
        if first & 8 or len(payload) > 125:
            return super().serialize_frame(first, payload)
        return bytes([first]) + struct.pack("!BH", 126, len(payload)) + payload


@fault("64-bits-for-medium", SHORTEST)
class Sends64BitsForMedium(EchoServer):
    """Sends all lengths above 125 in 64 bits."""

    def serialize_length(self, length: int) -> bytes:
        return struct.pack("!BQ", 127, length) if length > 125 else super().serialize_length(length)


@fault("64-bits-for-65535", SHORTEST)
class Sends64BitsFor65535(EchoServer):
    """Sends 65535 in 64 bits."""

    def serialize_length(self, length: int) -> bytes:
        if length == 65535:
            return struct.pack("!BQ", 127, length)
        return super().serialize_length(length)


@fault("64-bits-always", SHORTEST)
class Sends64BitsAlways(EchoServer):
    """Sends the lengths of all messages in 64 bits."""

    def serialize_frame(self, first: int, payload: bytes) -> bytes:
        if first & 8:
            return super().serialize_frame(first, payload)
        return bytes([first]) + struct.pack("!BQ", 127, len(payload)) + payload


@fault("16-bits-little-endian", "RFC6455-5.2-13", SHORTEST)
class Sends16BitsLittleEndian(EchoServer):
    """Sends lengths of 16 bits in the wrong byte order."""

    def serialize_length(self, length: int) -> bytes:
        if 125 < length < 65536:
            return struct.pack("<BH", 126, length)
        return super().serialize_length(length)


@fault("64-bits-little-endian", "RFC6455-5.2-13", "RFC6455-5.2-08")
class Sends64BitsLittleEndian(EchoServer):
    """Sends lengths of 64 bits in the wrong byte order."""

    def serialize_length(self, length: int) -> bytes:
        if length > 65535:
            return struct.pack("<BQ", 127, length)
        return super().serialize_length(length)


@fault("64-bits-top-bit", "RFC6455-5.2-08")
class Sends64BitsTopBit(EchoServer):
    """Sets the top bit of lengths of 64 bits."""

    def serialize_length(self, length: int) -> bytes:
        if length > 65535:
            return struct.pack("!BQ", 127, length | 1 << 63)
        return super().serialize_length(length)


@fault("32-bits-for-64", "RFC6455-5.2-13", "RFC6455-5.2-14", SHORTEST)
class Sends32BitsFor64(EchoServer):
    """Sends four bytes where eight are due."""

    def serialize_length(self, length: int) -> bytes:
        if length > 65535:
            return struct.pack("!BI", 127, length)
        return super().serialize_length(length)


@fault("7-bits-for-126", "RFC6455-5.2-14", SHORTEST, "RFC6455-6.1-03")
class Sends7BitsFor126(EchoServer):
    """Writes 126 and 127 into the seven bits of the length."""

    def serialize_length(self, length: int) -> bytes:
        return bytes([length]) if length < 128 else super().serialize_length(length)


@fault("16-bits-for-65536", "RFC6455-5.2-14", "RFC6455-6.1-03")
class Sends16BitsFor65536(EchoServer):
    """Cuts the length 65536 to 16 bits."""

    def serialize_length(self, length: int) -> bytes:
        if length == 65536:
            return struct.pack("!BH", 126, 0)
        return super().serialize_length(length)


@fault("length-counts-header", "RFC6455-5.2-15", "RFC6455-6.1-03")
class SentLengthCountsHeader(EchoServer):
    """Counts the two bytes of the header in the lengths of messages that it sends."""

    def serialize_frame(self, first: int, payload: bytes) -> bytes:
        if first & 8:
            return super().serialize_frame(first, payload)
        return bytes([first]) + self.serialize_length(len(payload) + 2) + payload


# ---- reserved bits


class ReservedBits(EchoServer):
    """Accepts some reserved bits in some frames."""

    accepted: ClassVar[int] = 7
    opcodes: ClassVar[tuple[int, ...]] = (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG)

    def allowed_bits(self, header: Header) -> int:
        more = self.accepted if header.opcode in self.opcodes else 0
        if self.deflate is not None and not header.is_control:  # RSV1 has a meaning then
            more &= 3
        return super().allowed_bits(header) | more

    def is_compressed(self, header: Header) -> bool:
        return self.deflate is not None and super().is_compressed(header)


BITS = "RFC6455-5.2-03"


@fault("reserved-bits-ignored", BITS, "RFC6455-5.2-04", "RFC7692-6.1-06")
class ReservedBitsIgnored(ReservedBits):
    """Ignores all reserved bits."""


@fault("rsv1-ignored", "RFC7692-6.1-06", BITS)
class Rsv1Ignored(ReservedBits):
    """Ignores RSV1 where no compression was agreed on."""

    accepted = 4
    opcodes = (TEXT, BINARY)


@fault("rsv2-ignored", BITS, "RFC6455-5.2-04")
class Rsv2Ignored(ReservedBits):
    """Ignores RSV2."""

    accepted = 2


@fault("rsv3-ignored", BITS, "RFC6455-5.2-04")
class Rsv3Ignored(ReservedBits):
    """Ignores RSV3."""

    accepted = 1


@fault("reserved-bits-of-text", BITS, "RFC6455-5.2-04")
class ReservedBitsOfText(ReservedBits):
    """Ignores reserved bits of text frames."""

    opcodes = (TEXT,)


@fault("reserved-bits-of-binary", BITS, "RFC6455-5.2-04")
class ReservedBitsOfBinary(ReservedBits):
    """Ignores reserved bits of binary frames."""

    opcodes = (BINARY,)


@fault("reserved-bits-of-continuations", BITS, "RFC6455-5.2-04", "RFC7692-6.1-06")
class ReservedBitsOfContinuations(ReservedBits):
    """Ignores reserved bits of continuation frames."""

    opcodes = (CONTINUATION,)


@fault("reserved-bits-of-control", BITS, "RFC6455-5.2-04", "RFC7692-6.1-04")
class ReservedBitsOfControl(ReservedBits):
    """Ignores reserved bits of control frames."""

    opcodes = (CLOSE, PING, PONG)


@fault("reserved-bits-of-ping", BITS, "RFC6455-5.2-04", "RFC7692-6.1-04")
class ReservedBitsOfPing(ReservedBits):
    """Ignores reserved bits of Pings."""

    opcodes = (PING,)


@fault("reserved-bits-of-pong", BITS, "RFC6455-5.2-04", "RFC7692-6.1-04")
class ReservedBitsOfPong(ReservedBits):
    """Ignores reserved bits of Pongs."""

    opcodes = (PONG,)


@fault("reserved-bits-of-close", BITS, "RFC6455-5.2-04", "RFC7692-6.1-04")
class ReservedBitsOfClose(ReservedBits):
    """Ignores reserved bits of a Close."""

    opcodes = (CLOSE,)


@fault("several-reserved-bits", BITS)
class SeveralReservedBits(EchoServer):
    """Compares the reserved bits with each one alone, and misses two set together."""

    def check_reserved_bits(self, header: Header) -> None:
        if header.rsv in (1, 2, 4):
            super().check_reserved_bits(header)

    def is_compressed(self, header: Header) -> bool:
        return self.deflate is not None and super().is_compressed(header)


@fault("rsv2-with-compression", "RFC6455-5.2-04")
class Rsv2WithCompression(ReservedBits):
    """Ignores RSV2 and RSV3 once compression was agreed on."""

    def allowed_bits(self, header: Header) -> int:
        return EchoServer.allowed_bits(self, header) | (3 if self.deflate is not None else 0)


@fault("reserved-bit-frames-ignored", BITS)
class ReservedBitFramesIgnored(EchoServer):
    """Passes over frames with RSV2 or RSV3, and goes on."""

    def check_reserved_bits(self, header: Header) -> None:
        if not header.rsv & 3:
            super().check_reserved_bits(header)

    def receive_frame(self, header: Header) -> None:
        if header.rsv & 3:
            self.read_exactly(header.length)
        else:
            super().receive_frame(header)


class SentBits(EchoServer):
    """Sets a reserved bit in some of its frames."""

    def bits(self, opcode: int, payload: bytes) -> int:
        raise NotImplementedError

    def send_frame(self, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> None:
        super().send_frame(opcode, payload, fin=fin, rsv=rsv | self.bits(opcode, payload))


@fault("rsv1-sent", "RFC6455-5.2-02", "RFC6455-5.8-01", "RFC7692-6.1-02")
class Rsv1Sent(SentBits):
    """Sets RSV1 in messages, though no compression was agreed on."""

    def bits(self, opcode: int, payload: bytes) -> int:
        return 4 if opcode in (TEXT, BINARY) and self.deflate is None else 0


@fault("rsv2-sent", "RFC6455-5.2-02", "RFC6455-5.8-01")
class Rsv2Sent(SentBits):
    """Sets RSV2 in binary messages."""

    def bits(self, opcode: int, payload: bytes) -> int:
        return 2 if opcode == BINARY else 0


@fault("rsv3-sent-in-pong", "RFC6455-5.2-02", "RFC6455-5.8-01")
class Rsv3SentInPong(SentBits):
    """Sets RSV3 in Pongs."""

    def bits(self, opcode: int, payload: bytes) -> int:
        return 1 if opcode == PONG else 0


@fault("rsv-sent-in-close", "RFC6455-5.2-02", "RFC6455-5.8-01")
class RsvSentInClose(SentBits):
    """Sets RSV1 in its Close."""

    def bits(self, opcode: int, payload: bytes) -> int:
        return 4 if opcode == CLOSE else 0


@fault("rsv-repeated-in-pong", BITS, "RFC6455-5.2-02")
class RsvRepeatedInPong(ReservedBits):
    """Answers a Ping by changing its opcode, reserved bits included."""

    opcodes = (PING,)
    first = 0

    def receive_frame(self, header: Header) -> None:
        self.first = header.first
        super().receive_frame(header)

    def send_pong(self, payload: bytes) -> None:
        self.send(self.serialize_frame(self.first & 0xF0 | PONG, payload))


# ---- opcodes


class ReservedOpcodes(EchoServer):
    """Does not fail at some reserved opcodes; passes over those frames."""

    accepted: ClassVar[tuple[int, ...]] = (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)

    def check_opcode(self, header: Header) -> None:
        if header.opcode not in self.accepted:
            super().check_opcode(header)

    def check_sequence(self, header: Header) -> None:
        if header.opcode not in self.accepted:
            super().check_sequence(header)

    def check_control(self, header: Header) -> None:
        if header.opcode not in self.accepted:
            super().check_control(header)

    def receive_frame(self, header: Header) -> None:
        if header.opcode not in self.accepted:
            super().receive_frame(header)
        else:
            self.receive_reserved(header, b"".join(self.payload(header)))

    def receive_reserved(self, header: Header, payload: bytes) -> None:
        """Take a frame with one of the opcodes: ignore it."""


DATA_OPCODES = "RFC6455-5.2-05"
CONTROL_OPCODES = "RFC6455-5.2-06"


@fault("reserved-opcodes-ignored", DATA_OPCODES, CONTROL_OPCODES)
class ReservedOpcodesIgnored(ReservedOpcodes):
    """Passes over frames with reserved opcodes."""


@fault("reserved-data-opcodes-ignored", DATA_OPCODES)
class ReservedDataOpcodesIgnored(ReservedOpcodes):
    """Passes over frames with the opcodes 3 to 7."""

    accepted = (3, 4, 5, 6, 7)


@fault("opcode-3-ignored", DATA_OPCODES)
class Opcode3Ignored(ReservedOpcodes):
    """Passes over frames with the opcode 3."""

    accepted = (3,)


@fault("opcode-5-ignored", DATA_OPCODES)
class Opcode5Ignored(ReservedOpcodes):
    """Passes over frames with the opcode 5."""

    accepted = (5,)


@fault("opcode-7-ignored", DATA_OPCODES)
class Opcode7Ignored(ReservedOpcodes):
    """Passes over frames with the opcode 7."""

    accepted = (7,)


@fault("reserved-control-opcodes-ignored", CONTROL_OPCODES)
class ReservedControlOpcodesIgnored(ReservedOpcodes):
    """Passes over frames with the opcodes 11 to 15."""

    accepted = (11, 12, 13, 14, 15)


@fault("opcode-11-ignored", CONTROL_OPCODES)
class Opcode11Ignored(ReservedOpcodes):
    """Passes over frames with the opcode 11."""

    accepted = (11,)


@fault("opcode-13-ignored", CONTROL_OPCODES)
class Opcode13Ignored(ReservedOpcodes):
    """Passes over frames with the opcode 13."""

    accepted = (13,)


@fault("opcode-15-ignored", CONTROL_OPCODES)
class Opcode15Ignored(ReservedOpcodes):
    """Passes over frames with the opcode 15."""

    accepted = (15,)


@fault("opcode-3-is-text", DATA_OPCODES, "RFC6455-5.2-07")
class Opcode3IsText(ReservedOpcodes):
    """Takes the opcode 3 for text."""

    accepted = (3,)

    def receive_reserved(self, header: Header, payload: bytes) -> None:
        self.deliver(TEXT, payload)


@fault("reserved-data-echoed", DATA_OPCODES, "RFC6455-5.2-07")
class ReservedDataEchoed(ReservedOpcodes):
    """Sends frames with the opcodes 3 to 7 back as they are."""

    accepted = (3, 4, 5, 6, 7)

    def receive_reserved(self, header: Header, payload: bytes) -> None:
        self.send_frame(header.opcode, payload)


@fault("opcode-11-is-ping", CONTROL_OPCODES)
class Opcode11IsPing(ReservedOpcodes):
    """Answers the opcode 11 with a Pong."""

    accepted = (11,)

    def receive_reserved(self, header: Header, payload: bytes) -> None:
        self.send_pong(payload)


@fault("opcode-top-bit-ignored", CONTROL_OPCODES)
class OpcodeTopBitIgnored(ReservedOpcodes):
    """Reads three bits of the opcodes 11 to 15, and takes them for continuation frames."""

    accepted = (11, 12, 13, 14, 15)

    def receive_reserved(self, header: Header, payload: bytes) -> None:
        if self.message is not None:
            self.add(self.message, payload)


@fault("reserved-opcodes-in-mid-message", DATA_OPCODES, CONTROL_OPCODES)
class ReservedOpcodesInMidMessage(ReservedOpcodes):
    """Passes over reserved opcodes within a fragmented message."""

    def check_opcode(self, header: Header) -> None:
        if self.message is None:
            EchoServer.check_opcode(self, header)


@fault("reserved-data-continues", DATA_OPCODES)
class ReservedDataContinues(ReservedOpcodes):
    """Takes the opcodes 3 to 7 for continuation frames within a fragmented message."""

    accepted = (3, 4, 5, 6, 7)

    def check_opcode(self, header: Header) -> None:
        if self.message is None:
            EchoServer.check_opcode(self, header)

    def receive_reserved(self, header: Header, payload: bytes) -> None:
        message = self.message
        if message is not None:
            self.add(message, payload)
            if header.fin:
                self.message = None
                self.end_message(message)


@fault("empty-reserved-opcodes", DATA_OPCODES, CONTROL_OPCODES)
class EmptyReservedOpcodes(ReservedOpcodes):
    """Passes over frames with reserved opcodes that have no payload."""

    def check_opcode(self, header: Header) -> None:
        if header.marker:
            EchoServer.check_opcode(self, header)


@fault("reserved-opcodes-with-payload", DATA_OPCODES, CONTROL_OPCODES)
class ReservedOpcodesWithPayload(ReservedOpcodes):
    """Passes over frames with reserved opcodes that have a payload."""

    def check_opcode(self, header: Header) -> None:
        if not header.marker:
            EchoServer.check_opcode(self, header)


@fault("reserved-opcode-in-greeting", "RFC6455-5.2-07", "RFC6455-5.8-01")
class ReservedOpcodeInGreeting(EchoServer):
    """Sends an empty frame with the opcode 7 behind its 101."""

    def on_open(self) -> None:
        self.send_frame(7, b"")


@fault("reserved-opcode-sent", "RFC6455-5.2-07", "RFC6455-5.8-01")
class ReservedOpcodeSent(EchoServer):
    """Sends a frame with the opcode 11 before its Pongs."""

    def send_pong(self, payload: bytes) -> None:
        self.send_frame(11, b"")
        super().send_pong(payload)


@fault("reserved-data-opcode-sent", "RFC6455-5.2-07", "RFC6455-5.8-01")
class ReservedDataOpcodeSent(EchoServer):
    """Sends large messages with the opcode 3."""

    def send_message(self, opcode: int, data: bytes) -> None:
        super().send_message(3 if len(data) > 65535 else opcode, data)


@fault("binary-as-text", "RFC6455-5.6-04", "RFC6455-6.1-05")
class BinaryAsText(EchoServer):
    """Sends binary messages back as text."""

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(TEXT, data)


@fault("text-as-binary", "RFC6455-5.6-04", "RFC6455-6.1-05")
class TextAsBinary(EchoServer):
    """Sends text messages back as binary."""

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(BINARY, data)


@fault("type-by-content", "RFC6455-5.6-04", "RFC6455-6.1-05")
class TypeByContent(EchoServer):
    """Sends binary messages that happen to be ASCII back as text."""

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(TEXT if data.isascii() and data else opcode, data)


@fault("continuation-sent-first", "RFC6455-6.1-05", "RFC6455-5.4-01")
class ContinuationSentFirst(EchoServer):
    """Sends binary messages with the opcode 0."""

    def send_message(self, opcode: int, data: bytes) -> None:
        super().send_message(CONTINUATION if opcode == BINARY else opcode, data)


@fault("fin-not-sent", "RFC6455-6.1-06", "RFC6455-5.4-01")
class FinNotSent(EchoServer):
    """Leaves FIN out of the frames of its messages."""

    def send_frame(self, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> None:
        super().send_frame(opcode, payload, fin=fin and opcode >= CLOSE, rsv=rsv)


# ---- the stream


@fault("coalesced-frames-lost", "RFC6455-6.2-01", "RFC6455-5.2-15")
class CoalescedFramesLost(EchoServer):
    """Forgets the frames that came in the same read as the one before them."""

    def receive_frame(self, header: Header) -> None:
        super().receive_frame(header)
        self.buffer.clear()


@fault("frames-behind-control-lost", "RFC6455-6.2-01", "RFC6455-5.2-15")
class FramesBehindControlLost(EchoServer):
    """Forgets what came in the same read as a control frame, behind it."""

    def receive_control(self, header: Header, payload: bytes) -> None:
        super().receive_control(header, payload)
        self.buffer.clear()


@fault("coalesced-frames-limited", "RFC6455-6.2-01")
class CoalescedFramesLimited(EchoServer):
    """Takes five frames of a read at the most, and forgets those behind them."""

    count = 0

    def receive_some(self) -> bytes:
        self.count = 0
        return super().receive_some()

    def receive_frame(self, header: Header) -> None:
        super().receive_frame(header)
        self.count += 1
        if self.count >= 5:
            self.buffer.clear()


@fault("cut-header-misread", "RFC6455-6.2-01")
class CutHeaderMisread(EchoServer):
    """Fails if the first two bytes of a frame do not come together."""

    def read_exactly(self, size: int) -> bytes:
        if size == 2 and len(self.buffer) == 1:
            raise Failed(1002, "a frame that is too short")
        if not self.buffer:
            self.buffer += self.receive_some()
            if size == 2 and len(self.buffer) == 1:
                raise Failed(1002, "a frame that is too short")
        return super().read_exactly(size)


@fault("cut-length-misread", "RFC6455-6.2-01", "RFC6455-5.2-14")
class CutLengthMisread(EchoServer):
    """Takes bytes of an extended length that are not there yet for zeros."""

    def read_length(self, header: Header) -> int:
        size = {126: 2, 127: 8}.get(header.marker, 0)
        if len(self.buffer) < size:
            length = int.from_bytes(self.buffer + bytes(size - len(self.buffer)))
            self.read_exactly(size)
            return length
        return super().read_length(header)


@fault("cut-key-misread", "RFC6455-6.2-01", UNMASKING)
class CutKeyMisread(EchoServer):
    """Takes bytes of the masking key that are not there yet for zeros."""

    def read_key(self, header: Header) -> bytes:
        if len(self.buffer) < 4:
            key = bytes(self.buffer).ljust(4, b"\0")
            self.read_exactly(4)
            return key
        return super().read_key(header)


@fault("cut-payload-lost", "RFC6455-6.2-01", "RFC6455-5.2-14")
class CutPayloadLost(EchoServer):
    """Takes what is there of a payload for the whole, and passes over the rest."""

    def payload(self, header: Header) -> Iterator[bytes]:
        if header.length:
            data = self.read_some(header.length)
            self.read_exactly(header.length - len(data))
            yield self.unmask(data, header, 0)


@fault("cut-payload-refused", "RFC6455-6.2-01")
class CutPayloadRefused(EchoServer):
    """Fails if the payload does not come in the same read as the header."""

    def payload(self, header: Header) -> Iterator[bytes]:
        if header.length <= 125 and len(self.buffer) < header.length:
            raise Failed(1002, "an incomplete frame")
        return super().payload(header)


@fault("pieces-of-messages-echoed", "RFC6455-5.4-13", "RFC6455-6.2-01")
class PiecesEchoed(EchoServer):
    """Sends back each piece of a frame that a read gives as a message of its own."""

    def add(self, message: Message, data: bytes) -> None:
        if message.opcode == TEXT or message.compressed:
            super().add(message, data)
        elif not message.data:
            message.data += data
        else:
            self.deliver(message.opcode, bytes(message.data))
            message.data[:] = data
