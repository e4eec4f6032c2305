"""Faults of UTF-8 (RFC 6455 §5.6 and §8.1)."""
# ruff: noqa: D102 - the docstring of each class says what its one override does

from __future__ import annotations

import re
import unicodedata
from typing import ClassVar

from .registry import fault
from .server import BINARY, CONTINUATION, TEXT, EchoServer, Failed, Finished, Header, Message

INVALID = "RFC6455-8.1-01"
FORMS = "RFC6455-8.1-02"
CUT_OFF = "RFC6455-8.1-03"
FRAGMENTS = "RFC6455-8.1-04"
VALID = "RFC6455-8.1-06"
SPLIT = "RFC6455-5.6-02"
REASON = "RFC6455-5.5.1-05"

_VALID = rb"""[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]
|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]
|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"""


class Lax(EchoServer):
    """Checks whole messages, and accepts some sequences of bytes that are not UTF-8."""

    accepted: ClassVar[bytes]
    in_text: ClassVar[bool] = True
    in_reason: ClassVar[bool] = False

    def is_accepted(self, data: bytes) -> bool:
        pattern = b"(?:" + _VALID + b"|" + self.accepted + b")*+"
        return re.fullmatch(pattern, data, re.VERBOSE) is not None

    def check_text(self, message: Message, data: bytes) -> None:
        if not self.in_text:
            super().check_text(message, data)

    def check_text_end(self, message: Message) -> None:
        super().check_text_end(message)
        if self.in_text and not self.is_accepted(bytes(message.data)):
            raise Failed(1007, "the text is not UTF-8")

    def check_close_reason(self, reason: bytes) -> None:
        if not (self.in_reason and self.is_accepted(reason)):
            super().check_close_reason(reason)


# ---- what is accepted


@fault("unchecked", INVALID, FORMS, CUT_OFF, FRAGMENTS, "RFC6455-5.6-01")
class Unchecked(EchoServer):
    """Does not check text at all."""

    def check_text(self, message: Message, data: bytes) -> None:
        pass


@fault("overlong-accepted", FORMS, INVALID)
class OverlongAccepted(Lax):
    """Accepts forms that are longer than need be."""

    accepted = rb"[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f][\x80-\xbf]|\xf0[\x80-\x8f][\x80-\xbf]{2}"


@fault("overlong-2-accepted", FORMS, INVALID)
class Overlong2Accepted(Lax):
    """Accepts two bytes for an ASCII character."""

    accepted = rb"[\xc0\xc1][\x80-\xbf]"


@fault("overlong-nul-accepted", FORMS, INVALID)
class OverlongNulAccepted(Lax):
    """Accepts C0 80 for NUL, as modified UTF-8 has it."""

    accepted = rb"\xc0\x80"


@fault("overlong-3-accepted", FORMS, INVALID)
class Overlong3Accepted(Lax):
    """Accepts three bytes where two would do."""

    accepted = rb"\xe0[\x80-\x9f][\x80-\xbf]"


@fault("overlong-4-accepted", FORMS, INVALID)
class Overlong4Accepted(Lax):
    """Accepts four bytes where three would do."""

    accepted = rb"\xf0[\x80-\x8f][\x80-\xbf]{2}"


@fault("surrogates-accepted", FORMS, INVALID)
class SurrogatesAccepted(Lax):
    """Accepts surrogates."""

    accepted = rb"\xed[\xa0-\xbf][\x80-\xbf]"


@fault("surrogate-pairs-accepted", FORMS, INVALID)
class SurrogatePairsAccepted(Lax):
    """Accepts pairs of surrogates, as CESU-8 has them."""

    accepted = rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]"


@fault("high-surrogates-accepted", FORMS, INVALID)
class HighSurrogatesAccepted(Lax):
    """Accepts U+D800 to U+DBFF."""

    accepted = rb"\xed[\xa0-\xaf][\x80-\xbf]"


@fault("low-surrogates-accepted", FORMS, INVALID)
class LowSurrogatesAccepted(Lax):
    """Accepts U+DC00 to U+DFFF."""

    accepted = rb"\xed[\xb0-\xbf][\x80-\xbf]"


@fault("above-10ffff-accepted", FORMS, INVALID)
class Above10FFFFAccepted(Lax):
    """Accepts four bytes for values above U+10FFFF."""

    accepted = rb"\xf4[\x90-\xbf][\x80-\xbf]{2}|[\xf5-\xf7][\x80-\xbf]{3}"


@fault("f4-90-accepted", FORMS, INVALID)
class F490Accepted(Lax):
    """Accepts U+110000 to U+13FFFF, as it looks at the first byte only."""

    accepted = rb"\xf4[\x90-\xbf][\x80-\xbf]{2}"


@fault("five-bytes-accepted", INVALID, FORMS)
class FiveBytesAccepted(Lax):
    """Accepts characters of five bytes."""

    accepted = rb"[\xf8-\xfb][\x80-\xbf]{4}"


@fault("six-bytes-accepted", INVALID, FORMS)
class SixBytesAccepted(Lax):
    """Accepts characters of six bytes."""

    accepted = rb"[\xfc-\xfd][\x80-\xbf]{5}"


@fault("lone-continuation-accepted", INVALID)
class LoneContinuationAccepted(Lax):
    """Accepts continuation bytes that continue nothing."""

    accepted = rb"[\x80-\xbf]"


@fault("fe-ff-accepted", INVALID)
class FeFfAccepted(Lax):
    """Accepts the bytes FE and FF."""

    accepted = rb"[\xfe\xff]"


@fault("cut-off-accepted", CUT_OFF, INVALID)
class CutOffAccepted(EchoServer):
    """Accepts text that ends inside a character."""

    def check_text_end(self, message: Message) -> None:
        pass


@fault("lead-byte-at-end-accepted", CUT_OFF, INVALID)
class LeadByteAtEndAccepted(EchoServer):
    """Accepts text that ends in the first byte of a character."""

    def check_text_end(self, message: Message) -> None:
        if len(message.tail) > 1:
            super().check_text_end(message)


@fault("three-of-four-bytes-accepted", CUT_OFF, INVALID)
class ThreeOfFourBytesAccepted(EchoServer):
    """Accepts text that ends in three bytes of a character of four."""

    def check_text_end(self, message: Message) -> None:
        if len(message.tail) < 3:
            super().check_text_end(message)


@fault("cut-off-inside-accepted", INVALID)
class CutOffInsideAccepted(Lax):
    """Accepts an ASCII character where a character of several bytes ought to go on."""

    accepted = (
        rb"(?:[\xc2-\xf4]|[\xe1-\xec\xee-\xf4][\x80-\xbf]|[\xf1-\xf3][\x80-\xbf]{2})(?=[\x00-\x7f])"
    )


@fault("first-fragment-checked-only", FRAGMENTS, INVALID)
class FirstFragmentCheckedOnly(EchoServer):
    """Checks the first fragment of a text only."""

    checking = True

    def message_of(self, header: Header) -> Message:
        self.checking = header.opcode != CONTINUATION
        return super().message_of(header)

    def check_text(self, message: Message, data: bytes) -> None:
        if self.checking:
            super().check_text(message, data)

    def check_text_end(self, message: Message) -> None:
        if self.checking:
            super().check_text_end(message)


@fault("first-fragment-unchecked", FRAGMENTS, INVALID)
class FirstFragmentUnchecked(EchoServer):
    """Passes over bad bytes in the first of several fragments."""

    checking = True

    def message_of(self, header: Header) -> Message:
        self.checking = header.fin or header.opcode == CONTINUATION
        return super().message_of(header)

    def check_text(self, message: Message, data: bytes) -> None:
        try:
            super().check_text(message, data)
        except Failed:
            if self.checking:
                raise


@fault("last-fragment-checked-only", FRAGMENTS, INVALID)
class LastFragmentCheckedOnly(EchoServer):
    """Passes over bad bytes in all fragments but the last."""

    checking = True

    def message_of(self, header: Header) -> Message:
        self.checking = header.fin
        return super().message_of(header)

    def check_text(self, message: Message, data: bytes) -> None:
        try:
            super().check_text(message, data)
        except Failed:
            if self.checking:
                raise


@fault("middle-fragments-unchecked", FRAGMENTS, INVALID)
class MiddleFragmentsUnchecked(EchoServer):
    """Passes over bad bytes in fragments that are neither the first nor the last."""

    checking = True

    def message_of(self, header: Header) -> Message:
        self.checking = header.fin or header.opcode != CONTINUATION
        return super().message_of(header)

    def check_text(self, message: Message, data: bytes) -> None:
        try:
            super().check_text(message, data)
        except Failed:
            if self.checking:
                raise


@fault("fragmented-unchecked", FRAGMENTS, INVALID)
class FragmentedUnchecked(EchoServer):
    """Checks text that is not fragmented only."""

    whole = True

    def message_of(self, header: Header) -> Message:
        self.whole = header.fin and header.opcode != CONTINUATION
        return super().message_of(header)

    def check_text(self, message: Message, data: bytes) -> None:
        if self.whole:
            super().check_text(message, data)


@fault("unfragmented-unchecked", INVALID, FORMS)
class UnfragmentedUnchecked(EchoServer):
    """Checks fragmented text only."""

    whole = True

    def message_of(self, header: Header) -> Message:
        self.whole = header.fin and header.opcode != CONTINUATION
        return super().message_of(header)

    def check_text(self, message: Message, data: bytes) -> None:
        if not self.whole:
            super().check_text(message, data)


@fault("fragment-may-end-inside-character", FRAGMENTS, INVALID)
class FragmentTailForgotten(EchoServer):
    """Forgets the beginning of a character at the end of a fragment, if it does not go on."""

    def check_text(self, message: Message, data: bytes) -> None:
        if message.tail and data and not 0x80 <= data[0] < 0xC0:
            message.tail = b""
        super().check_text(message, data)


@fault("long-text-unchecked", INVALID)
class LongTextUnchecked(EchoServer):
    """Checks text up to 125 bytes only."""

    def check_text(self, message: Message, data: bytes) -> None:
        if message.wire_size <= 125:
            super().check_text(message, data)


@fault("first-message-checked-only", INVALID)
class FirstMessageCheckedOnly(EchoServer):
    """Checks the first message of a connection only."""

    checking = True

    def check_text(self, message: Message, data: bytes) -> None:
        if self.checking:
            super().check_text(message, data)

    def deliver(self, opcode: int, data: bytes) -> None:
        self.checking = False
        super().deliver(opcode, data)


@fault("bad-byte-inside-accepted", INVALID)
class BadByteInsideAccepted(Lax):
    """Accepts a bad byte that is neither the first nor the last, if ASCII follows."""

    accepted = rb"(?<=.)[\x80-\xff](?=[\x00-\x7f])"


@fault("ping-resets-check", FRAGMENTS, SPLIT, "RFC6455-5.4-08")
class PingResetsCheck(EchoServer):
    """Forgets at a Ping that a character is not complete, and fails at the rest of it."""

    def receive_ping(self, payload: bytes) -> None:
        super().receive_ping(payload)
        if self.message is not None:
            self.message.tail = b""


# ---- what is done with invalid text


@fault("invalid-text-ignored", INVALID)
class InvalidTextIgnored(Lax):
    """Drops a text that is not UTF-8, and goes on."""

    accepted = rb"(?!)"

    def check_text_end(self, message: Message) -> None:
        pass

    def deliver(self, opcode: int, data: bytes) -> None:
        if opcode != TEXT or self.is_accepted(data):
            super().deliver(opcode, data)


@fault("invalid-text-echoed-first", INVALID, "RFC6455-5.6-01")
class InvalidTextEchoedFirst(Lax):
    """Sends text back before it checks it."""

    accepted = rb"(?!)"

    def check_text_end(self, message: Message) -> None:
        pass

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode, data)
        if opcode == TEXT and not self.is_accepted(data):
            raise Failed(1007, "the text was not UTF-8")


class Decoding(EchoServer):
    """Does not check text, but decodes it."""

    def decode(self, data: bytes) -> str:
        raise NotImplementedError

    def check_text(self, message: Message, data: bytes) -> None:
        pass

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode, self.decode(data).encode() if opcode == TEXT else data)


@fault("invalid-text-replaced", INVALID)
class InvalidTextReplaced(Decoding):
    """Puts replacement characters where text is not UTF-8."""

    def decode(self, data: bytes) -> str:
        return data.decode(errors="replace")


@fault("invalid-text-removed", INVALID)
class InvalidTextRemoved(Decoding):
    """Leaves out what is not UTF-8."""

    def decode(self, data: bytes) -> str:
        return data.decode(errors="ignore")


@fault("invalid-text-taken-for-latin-1", INVALID)
class InvalidTextTakenForLatin1(Decoding):
    """Takes text that is not UTF-8 for Latin-1."""

    def decode(self, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data.decode("latin-1")


@fault("invalid-text-is-binary", INVALID, "RFC6455-5.6-04")
class InvalidTextIsBinary(Lax):
    """Sends text that is not UTF-8 back as binary."""

    accepted = rb"(?!)"

    def check_text_end(self, message: Message) -> None:
        pass

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode if opcode != TEXT or self.is_accepted(data) else BINARY, data)


@fault("cut-off-removed", CUT_OFF)
class CutOffRemoved(EchoServer):
    """Leaves out the character in which a text ends."""

    def check_text_end(self, message: Message) -> None:
        if message.tail:
            del message.data[-len(message.tail) :]


@fault("fails-with-1002", "RFC6455-7.4.1-09", "RFC6455-7.1.7-05", level="SHOULD")
class FailsWith1002(EchoServer):
    """Fails over invalid text with 1002."""

    def failure_code(self, failure: Failed) -> int:
        return 1002 if failure.code == 1007 else failure.code


@fault("fails-with-1003", "RFC6455-7.4.1-09", "RFC6455-7.1.7-05", level="SHOULD")
class FailsWith1003(EchoServer):
    """Fails over invalid text with 1003."""

    def failure_code(self, failure: Failed) -> int:
        return 1003 if failure.code == 1007 else failure.code


@fault("fails-with-1000", "RFC6455-7.4.1-09", "RFC6455-7.1.7-05", level="SHOULD")
class FailsWith1000(EchoServer):
    """Closes normally over invalid text."""

    def failure_code(self, failure: Failed) -> int:
        return 1000 if failure.code == 1007 else failure.code


@fault("hangs-at-invalid-text", INVALID, "RFC6455-7.1.7-03")
class HangsAtInvalidText(EchoServer):
    """Neither answers nor closes after invalid text."""

    def fail(self, failure: Failed) -> None:
        if failure.code == 1007:
            self.hang()
        super().fail(failure)


# ---- what is refused or changed though it is valid


class Picky(EchoServer):
    """Fails at some texts that are valid."""

    refused: ClassVar[str]

    def deliver(self, opcode: int, data: bytes) -> None:
        if opcode == TEXT and re.search(self.refused, data.decode()):
            raise Failed(1007, "the text is not welcome")
        super().deliver(opcode, data)


@fault("noncharacters-refused", VALID)
class NoncharactersRefused(Picky):
    """Fails at U+FFFE, U+FFFF and their like in other planes."""

    refused = "[\ufffe\uffff\U0001fffe\U0001ffff\U0010fffe\U0010ffff]"


@fault("arabic-noncharacters-refused", VALID)
class FdNoncharactersRefused(Picky):
    """Fails at U+FDD0 to U+FDEF."""

    refused = "[\ufdd0-\ufdef]"


@fault("last-character-refused", VALID)
class LastCharacterRefused(Picky):
    """Fails at U+10FFFF, as its limit is off by one."""

    refused = "\U0010ffff"


@fault("nul-refused", VALID)
class NulRefused(Picky):
    """Fails at NUL."""

    refused = "\0"


@fault("control-characters-refused", VALID)
class ControlCharactersRefused(Picky):
    """Fails at control characters other than white space."""

    refused = r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]"


@fault("bom-refused", VALID)
class BomRefused(Picky):
    """Fails at a text that begins with a BOM."""

    refused = r"\A\ufeff"


@fault("four-bytes-refused", VALID)
class FourBytesRefused(Picky):
    """Knows characters of up to three bytes only."""

    refused = "[\U00010000-\U0010ffff]"


@fault("planes-above-first-refused", VALID)
class HighPlanesRefused(Picky):
    """Fails at characters above U+1FFFF."""

    refused = "[\U00020000-\U0010ffff]"


@fault("beside-surrogates-refused", VALID)
class BesideSurrogatesRefused(Picky):
    """Fails at U+D7FF and U+E000, which are next to the surrogates."""

    refused = "[\ud7ff\ue000]"


@fault("replacement-character-refused", VALID)
class ReplacementCharacterRefused(Picky):
    """Fails at U+FFFD, which it takes for the trace of an error."""

    refused = "\ufffd"


@fault("non-ascii-refused", INVALID, VALID, "RFC6455-5.6-01")
class NonAsciiRefused(Picky):
    """Knows ASCII only."""

    refused = r"[^\x00-\x7f]"


@fault("split-character-refused", SPLIT, "RFC6455-5.4-13")
class SplitCharacterRefused(EchoServer):
    """Checks each fragment on its own, and fails if a character is split."""

    def end_fragment(self, message: Message, header: Header) -> None:
        if message.opcode == TEXT:
            self.check_text_end(message)


@fault("check-reset-by-fragment", SPLIT, FRAGMENTS)
class CheckResetByFragment(EchoServer):
    """Begins its check anew with each fragment, and fails at the rest of a split character."""

    def end_fragment(self, message: Message, header: Header) -> None:
        if not header.fin:
            message.tail = b""


@fault("four-byte-character-split-refused", SPLIT, FRAGMENTS)
class FourByteCharacterSplit(EchoServer):
    """Remembers two bytes of a character at the most when it is split."""

    def end_fragment(self, message: Message, header: Header) -> None:
        if not header.fin:
            message.tail = message.tail[-2:]


@fault("check-reset-by-read", "RFC6455-6.2-01", INVALID)
class CheckResetByRead(EchoServer):
    """Fails if a read ends inside a character."""

    def check_text(self, message: Message, data: bytes) -> None:
        super().check_text(message, data)
        if message.tail and not self.buffer and not message.compressed and self.left:
            raise Failed(1007, "the text is not UTF-8")

    left = False

    def unmask(self, data: bytes, header: Header, position: int) -> bytes:
        self.left = position + len(data) < header.length
        return super().unmask(data, header, position)


class Changing(EchoServer):
    """Changes some texts before it sends them back."""

    def change(self, text: str) -> str:
        raise NotImplementedError

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode, self.change(data.decode()).encode() if opcode == TEXT else data)


@fault("bom-stripped", VALID)
class BomStripped(Changing):
    """Removes a BOM at the beginning of a text."""

    def change(self, text: str) -> str:
        return text.removeprefix("\ufeff")


@fault("nul-ends-text", VALID)
class NulEndsText(Changing):
    """Stops at a NUL."""

    def change(self, text: str) -> str:
        return text.partition("\0")[0]


@fault("noncharacters-replaced", VALID)
class NoncharactersReplaced(Changing):
    """Replaces U+FFFE and U+FFFF by U+FFFD."""

    def change(self, text: str) -> str:
        return re.sub("[\ufffe\uffff]", "\ufffd", text)


@fault("text-normalised", VALID, "RFC6455-5.6-04", "RFC6455-5.4-13")
class TextNormalised(Changing):
    """Puts text into the normal form C."""

    def change(self, text: str) -> str:
        return unicodedata.normalize("NFC", text)


@fault("lines-changed", VALID, "RFC6455-5.6-04", "RFC6455-5.4-13")
class LinesChanged(Changing):
    """Changes CRLF to LF."""

    def change(self, text: str) -> str:
        return text.replace("\r\n", "\n")


@fault("binary-checked", "RFC6455-5.6-03")
class BinaryChecked(EchoServer):
    """Checks binary messages as if they were text."""

    def deliver(self, opcode: int, data: bytes) -> None:
        try:
            data.decode()
        except UnicodeDecodeError:
            raise Failed(1007, "not UTF-8") from None
        super().deliver(opcode, data)


@fault("binary-replaced", "RFC6455-5.6-03")
class BinaryReplaced(EchoServer):
    """Decodes binary messages as UTF-8, with replacement characters."""

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode, data.decode(errors="replace").encode())


# ---- the reason in a Close


@fault("reason-unchecked", REASON, INVALID)
class ReasonUnchecked(EchoServer):
    """Does not check the reason of a Close."""

    def check_close_reason(self, reason: bytes) -> None:
        pass


@fault("reason-surrogates-accepted", REASON, FORMS)
class ReasonSurrogatesAccepted(Lax):
    """Accepts surrogates in the reason of a Close."""

    accepted = rb"\xed[\xa0-\xbf][\x80-\xbf]"
    in_text = False
    in_reason = True


@fault("reason-overlong-accepted", REASON, FORMS)
class ReasonOverlongAccepted(Lax):
    """Accepts two bytes for an ASCII character in the reason of a Close."""

    accepted = rb"[\xc0\xc1][\x80-\xbf]"
    in_text = False
    in_reason = True


@fault("reason-cut-off-accepted", REASON, CUT_OFF)
class ReasonCutOffAccepted(Lax):
    """Accepts a reason that ends inside a character."""

    accepted = rb"(?:[\xc2-\xf4]|[\xe1-\xec\xee-\xf4][\x80-\xbf]|[\xf1-\xf3][\x80-\xbf]{2})\Z"
    in_text = False
    in_reason = True


@fault("reason-first-character-checked", REASON, INVALID)
class ReasonFirstCharacterChecked(Lax):
    """Checks the first character of a reason only."""

    accepted = rb"(?<=[\x00-\xff])[\x80-\xff]"
    in_text = False
    in_reason = True


@fault("reason-refused-with-1011", REASON, "RFC6455-7.1.7-05", level="SHOULD")
class ReasonRefusedWith1011(EchoServer):
    """Fails over a reason that is not UTF-8 with 1011."""

    def check_close_reason(self, reason: bytes) -> None:
        try:
            super().check_close_reason(reason)
        except Failed:
            raise Failed(1011, "the reason is not UTF-8") from None


@fault("non-ascii-reason-refused", REASON, "RFC6455-5.5.1-04", level="SHOULD")
class NonAsciiReasonRefused(EchoServer):
    """Fails at a reason that is not ASCII."""

    def check_close_reason(self, reason: bytes) -> None:
        if not reason.isascii():
            raise Failed(1007, "the reason is not ASCII")


@fault("long-text-cut-in-character", INVALID, VALID)
class LongTextCutInCharacter(EchoServer):
    """Checks text in blocks of 4096 bytes, and fails if one ends inside a character."""

    def deliver(self, opcode: int, data: bytes) -> None:
        if opcode == TEXT and len(data) > 4096:
            try:
                data[:4096].decode()
            except UnicodeDecodeError:
                raise Finished from None
        super().deliver(opcode, data)
