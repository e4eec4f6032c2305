"""Faults of permessage-deflate: its negotiation, and the data (RFC 7692)."""
# ruff: noqa: D102 - the docstring of each class says what its one override does

from __future__ import annotations

import gzip
import re
import struct
import zlib
from collections.abc import Sequence
from typing import ClassVar

from wsref.protocol.headers import Extension

from .registry import fault
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
    Header,
    Inflater,
    Message,
    Refused,
    Request,
)

# ---- offers that have to be declined

UNKNOWN = "RFC7692-7-01"
INVALID = "RFC7692-7-02"
VALUED = "RFC7692-7-03"
VALUELESS = "RFC7692-7-04"
TWICE = "RFC7692-7-05"
DECLINED = "RFC7692-5-15"

KNOWN = (
    *("server_no_context_takeover", "client_no_context_takeover"),
    *("server_max_window_bits", "client_max_window_bits"),
)


@fault("unknown-parameter-accepted", UNKNOWN)
class UnknownParameterAccepted(EchoServer):
    """Ignores parameters that it does not know, and accepts the offer."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        return name not in KNOWN or super().answer_parameter(answer, name, value)


@fault("unknown-parameter-with-value-accepted", UNKNOWN)
class UnknownParameterWithValueAccepted(EchoServer):
    """Ignores parameters that it does not know if they have a value."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        ignored = name not in KNOWN and value is not None
        return ignored or super().answer_parameter(answer, name, value)


@fault("unknown-parameter-without-value-accepted", UNKNOWN)
class UnknownParameterWithoutValueAccepted(EchoServer):
    """Ignores parameters that it does not know if they have no value."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        ignored = name not in KNOWN and value is None
        return ignored or super().answer_parameter(answer, name, value)


@fault("prefix-of-parameter-accepted", UNKNOWN)
class PrefixOfParameterAccepted(EchoServer):
    """Takes any parameter whose name begins like client_max_window_bits for that."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        if name.startswith("client_max_window"):
            name = "client_max_window_bits"
        return super().answer_parameter(answer, name, value)


class WindowBits(EchoServer):
    """Reads the sizes of windows in its own way."""

    def number(self, value: str) -> int | None:
        """Return the number that a value stands for."""
        raise NotImplementedError

    def parse_window_bits(self, value: str | None) -> int | None:
        right = super().parse_window_bits(value)
        if right is not None or value is None:
            return right
        number = self.number(value)
        return None if number is None else max(9, min(number, 15))


@fault("leading-zeros-accepted", INVALID)
class LeadingZerosAccepted(WindowBits):
    """Accepts window bits with leading zeros."""

    def number(self, value: str) -> int | None:
        return int(value) if re.fullmatch(r"0+([89]|1[0-5])", value) else None


@fault("window-of-7-accepted", INVALID)
class WindowOf7Accepted(WindowBits):
    """Accepts window bits of 7, and answers 9."""

    def number(self, value: str) -> int | None:
        return 7 if value == "7" else None


@fault("window-of-16-accepted", INVALID)
class WindowOf16Accepted(WindowBits):
    """Accepts window bits of 16, and answers 15."""

    def number(self, value: str) -> int | None:
        return 16 if value == "16" else None


@fault("window-bits-clamped", INVALID)
class WindowBitsClamped(WindowBits):
    """Accepts any number for window bits, and answers the nearest that is allowed."""

    def number(self, value: str) -> int | None:
        return int(value) if re.fullmatch(r"-?[0-9]{1,9}", value) else None


@fault("zero-window-accepted", INVALID)
class ZeroWindowAccepted(WindowBits):
    """Takes window bits of 0 for the default."""

    def number(self, value: str) -> int | None:
        return 15 if value == "0" else None


@fault("window-bits-by-int", INVALID)
class WindowBitsByInt(WindowBits):
    """Accepts what Python takes for a number from 8 to 15, such as +9 or 1_0 or 010."""

    def number(self, value: str) -> int | None:
        try:
            number = int(value)
        except ValueError:
            return None
        return number if 8 <= number <= 15 else None


@fault("window-bits-by-first-digits", INVALID)
class WindowBitsByFirstDigits(WindowBits):
    """Reads the digits at the beginning of window bits, and ignores what stands behind them."""

    def number(self, value: str) -> int | None:
        match = re.match(r"[89]|1[0-5]", value)
        return int(match[0]) if match else None


@fault("window-bits-in-words-accepted", INVALID)
class WindowBitsInWordsAccepted(WindowBits):
    """Takes window bits that are no number for the default."""

    def number(self, value: str) -> int | None:
        return None if re.fullmatch(r"[-+.0-9_]*", value) else 15


@fault("empty-window-bits-accepted", INVALID, "RFC6455-4.3-01", "RFC6455-9.1-02", VALUELESS)
class EmptyWindowBitsAccepted(EchoServer):
    """Takes an empty quoted value for the default."""

    def values(self, name: str) -> list[str]:
        values = super().values(name)
        if name == "Sec-WebSocket-Extensions":
            return [value.replace('bits=""', "bits=15") for value in values]
        return values


@fault("empty-flag-value-accepted", VALUED, "RFC6455-4.3-01", "RFC6455-9.1-02")
class EmptyFlagValueAccepted(EchoServer):
    """Takes an empty quoted value of a parameter without values for none."""

    def values(self, name: str) -> list[str]:
        values = super().values(name)
        if name == "Sec-WebSocket-Extensions":
            return [value.replace('takeover=""', "takeover") for value in values]
        return values


@fault("quoted-spaces-accepted", INVALID, "RFC6455-4.3-01", "RFC6455-9.1-02")
class QuotedSpacesAccepted(EchoServer):
    """Strips spaces from quoted values before it reads them."""

    def values(self, name: str) -> list[str]:
        values = super().values(name)
        if name == "Sec-WebSocket-Extensions":
            return [re.sub(r'"[^"]*"', lambda found: self.strip(found[0]), v) for v in values]
        return values

    def strip(self, quoted: str) -> str:
        """Return a quoted text without the spaces in it."""
        return quoted.replace(" ", "")


@fault("missing-window-bits-accepted", VALUELESS)
class MissingWindowBitsAccepted(EchoServer):
    """Takes server_max_window_bits without a value for 15, and answers that."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        if name == "server_max_window_bits" and value is None:
            value = "15"
        return super().answer_parameter(answer, name, value)


@fault("missing-window-bits-ignored", VALUELESS)
class MissingWindowBitsIgnored(EchoServer):
    """Ignores server_max_window_bits without a value, and accepts the offer."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        ignored = name == "server_max_window_bits" and value is None
        return ignored or super().answer_parameter(answer, name, value)


@fault("client-hint-not-checked", INVALID)
class ClientHintNotChecked(EchoServer):
    """Ignores the value of client_max_window_bits, whatever it is."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        return name == "client_max_window_bits" or super().answer_parameter(answer, name, value)


@fault("client-hint-too-large-accepted", INVALID)
class ClientHintTooLargeAccepted(EchoServer):
    """Answers client_max_window_bits of 16 and more with 15."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        if name == "client_max_window_bits" and re.fullmatch(r"1[6-9]|[2-9]\d", value or ""):
            value = "15"
        return super().answer_parameter(answer, name, value)


@fault("client-hint-too-small-accepted", INVALID)
class ClientHintTooSmallAccepted(EchoServer):
    """Answers client_max_window_bits of 0 to 7 with 8."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        if name == "client_max_window_bits" and re.fullmatch(r"[0-7]", value or ""):
            value = "8"
        return super().answer_parameter(answer, name, value)


@fault("client-hint-with-zeros-accepted", INVALID)
class ClientHintWithZerosAccepted(EchoServer):
    """Accepts client_max_window_bits with leading zeros."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        if name == "client_max_window_bits" and value is not None:
            value = value.lstrip("0")
        return super().answer_parameter(answer, name, value)


@fault("server-flag-with-value-accepted", VALUED)
class ServerFlagWithValueAccepted(EchoServer):
    """Ignores a value of server_no_context_takeover."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        value = None if name == "server_no_context_takeover" else value
        return super().answer_parameter(answer, name, value)


@fault("client-flag-with-value-accepted", VALUED)
class ClientFlagWithValueAccepted(EchoServer):
    """Ignores a value of client_no_context_takeover."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        value = None if name == "client_no_context_takeover" else value
        return super().answer_parameter(answer, name, value)


@fault("true-flags-accepted", VALUED)
class TrueFlagsAccepted(EchoServer):
    """Takes true, and nothing else, for a value of the parameters that have none."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        if name.endswith("takeover") and value == "true":
            value = None
        return super().answer_parameter(answer, name, value)


@fault("flags-with-numbers-ignored", VALUED)
class FlagsWithNumbersIgnored(EchoServer):
    """Ignores parameters without values that have a number, and accepts the offer."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        ignored = name.endswith("takeover") and (value or "").isdigit()
        return ignored or super().answer_parameter(answer, name, value)


class Duplicates(EchoServer):
    """Makes one of parameters that occur several times."""

    def joined(self, parameters: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
        """Return the parameters that are left."""
        return list(dict(parameters).items())

    def answer_offer(self, offer: Extension) -> Deflate | None:
        return super().answer_offer(
            Extension(offer.name, tuple(self.joined(list(offer.parameters))))
        )


@fault("repeated-parameters-accepted", TWICE)
class RepeatedParametersAccepted(Duplicates):
    """Takes the last of parameters that occur several times."""


@fault("first-of-repeated-parameters", TWICE)
class FirstOfRepeatedParameters(Duplicates):
    """Takes the first of parameters that occur several times."""

    def joined(self, parameters: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
        return super().joined(parameters[::-1])[::-1]


@fault("equal-parameters-accepted", TWICE)
class EqualParametersAccepted(Duplicates):
    """Accepts parameters that occur several times if they are equal."""

    def joined(self, parameters: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
        return list(dict.fromkeys(parameters))


@fault("different-parameters-accepted", TWICE)
class DifferentParametersAccepted(Duplicates):
    """Finds parameters that occur twice only if their values are equal too."""

    def joined(self, parameters: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
        if len(set(parameters)) < len(parameters):
            return parameters
        return super().joined(parameters)


@fault("repeated-flags-accepted", TWICE)
class RepeatedFlagsAccepted(Duplicates):
    """Accepts server_no_context_takeover and client_no_context_takeover several times."""

    def joined(self, parameters: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
        flags = [one for one in parameters if one[0].endswith("takeover")]
        others = [one for one in parameters if not one[0].endswith("takeover")]
        return [*dict.fromkeys(flags), *others]


@fault("repeated-client-window-accepted", TWICE)
class RepeatedClientWindowAccepted(Duplicates):
    """Accepts client_max_window_bits several times."""

    def joined(self, parameters: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
        several = [one for one in parameters if one[0] == "client_max_window_bits"]
        return [one for one in parameters if one not in several[:-1]]


@fault("name-contained", DECLINED, "RFC6455-4.2.2-14", "RFC6455-4.2.2-13", "RFC7692-5-07")
class NameContained(EchoServer):
    """Accepts permessage-deflate if the header contains its name anywhere."""

    def choose_extension(self, offers: Sequence[Extension]) -> Deflate | None:
        listed = ",".join(self.values("Sec-WebSocket-Extensions"))
        if any(offer.name == "permessage-deflate" for offer in offers):
            return super().choose_extension(offers)
        return Deflate() if "permessage-deflate" in listed else None


@fault("name-begun", DECLINED, "RFC6455-4.2.2-14", "RFC6455-4.2.2-13", "RFC7692-5-07")
class NameBegun(EchoServer):
    """Takes every extension whose name begins with permessage for permessage-deflate."""

    def choose_extension(self, offers: Sequence[Extension]) -> Deflate | None:
        return super().choose_extension(
            [
                Extension("permessage-deflate", offer.parameters)
                if offer.name.startswith("permessage")
                else offer
                for offer in offers
            ]
        )


@fault("compression-unasked", "RFC6455-4.2.2-14", "RFC6455-4.2.2-13")
class CompressionUnasked(EchoServer):
    """Answers permessage-deflate to clients that offered no extension."""

    def choose_extension(self, offers: Sequence[Extension]) -> Deflate | None:
        return super().choose_extension(offers) if offers else Deflate()


@fault("compression-for-unknown-extension", "RFC6455-4.2.2-14", "RFC6455-4.2.2-13", DECLINED)
class CompressionForUnknownExtension(EchoServer):
    """Answers permessage-deflate if any extension is offered."""

    def choose_extension(self, offers: Sequence[Extension]) -> Deflate | None:
        if any(offer.name == "permessage-deflate" for offer in offers):
            return super().choose_extension(offers)
        return Deflate() if offers else None


# ---- several offers


@fault("bad-offer-spoils-others", "RFC7692-5-03")
class BadOfferSpoilsOthers(EchoServer):
    """Refuses the request if one of several offers has to be declined."""

    def choose_extension(self, offers: Sequence[Extension]) -> Deflate | None:
        own = [offer for offer in offers if offer.name == "permessage-deflate"]
        if len(own) > 1 and any(self.answer_offer(offer) is None for offer in own):
            raise Refused(400, "a bad offer")
        return super().choose_extension(offers)


@fault("several-offers-refused", "RFC7692-5-03")
class SeveralOffersRefused(EchoServer):
    """Refuses requests that offer permessage-deflate more than once."""

    def choose_extension(self, offers: Sequence[Extension]) -> Deflate | None:
        if [offer.name for offer in offers].count("permessage-deflate") > 1:
            raise Refused(400, "two offers")
        return super().choose_extension(offers)


@fault("unusable-offer-refused", DECLINED, level="SHOULD")
class UnusableOfferRefused(EchoServer):
    """Refuses the request if its only offer has to be declined."""

    def choose_extension(self, offers: Sequence[Extension]) -> Deflate | None:
        answer = super().choose_extension(offers)
        own = [offer for offer in offers if offer.name == "permessage-deflate"]
        if len(own) == 1 and answer is None:
            raise Refused(400, "a bad offer")
        return answer


@fault("unknown-extension-refused", "RFC6455-9.1-11")
class UnknownExtensionRefused(EchoServer):
    """Refuses requests that offer an extension it does not know."""

    def choose_extension(self, offers: Sequence[Extension]) -> Deflate | None:
        if any(offer.name != "permessage-deflate" for offer in offers):
            raise Refused(400, "what is that?")
        return super().choose_extension(offers)


@fault("last-offer-preferred", "RFC7692-5-04", level="SHOULD")
class LastOfferPreferred(EchoServer):
    """Accepts the last of several offers."""

    def choose_extension(self, offers: Sequence[Extension]) -> Deflate | None:
        return super().choose_extension(offers[::-1])


@fault("all-offers-accepted", "RFC7692-5-10", "RFC7692-5-09")
class AllOffersAccepted(EchoServer):
    """Answers each offer that it can accept with an element."""

    count = 0

    def choose_extension(self, offers: Sequence[Extension]) -> Deflate | None:
        own = [offer for offer in offers if offer.name == "permessage-deflate"]
        self.count = sum(self.answer_offer(offer) is not None for offer in own)
        return super().choose_extension(offers)

    def extension_fields(self) -> Fields:
        fields = super().extension_fields()
        return [(name, ", ".join([value] * self.count)) for name, value in fields]


@fault("two-lines-in-answer", "RFC7692-5-10", "RFC7692-5-09")
class TwoLinesInAnswer(EchoServer):
    """Sends the header with its answer to the extension twice."""

    def extension_fields(self) -> Fields:
        return super().extension_fields() * 2


@fault("offers-repeated", "RFC6455-4.2.2-13", "RFC7692-7-11", "RFC7692-5-10", DECLINED)
class OffersRepeated(EchoServer):
    """Repeats the header with the offers if it accepts one of them."""

    def extension_fields(self) -> Fields:
        if self.deflate is None:
            return []
        return [("Sec-WebSocket-Extensions", ", ".join(self.values("Sec-WebSocket-Extensions")))]


@fault("own-offer-repeated", "RFC7692-7.1.2.2-04", "RFC7692-7-11")
class OwnOfferRepeated(EchoServer):
    """Repeats the parameters of the offer that it accepts."""

    accepted: Extension | None = None

    def answer_offer(self, offer: Extension) -> Deflate | None:
        self.accepted = offer
        return super().answer_offer(offer)

    def deflate_parameters(self, answer: Deflate) -> list[tuple[str, str | None]]:
        return [] if self.accepted is None else list(self.accepted.parameters)


@fault("first-extensions-line-only", "RFC6455-9.1-04")
class FirstExtensionsLineOnly(EchoServer):
    """Looks at the first of several lines Sec-WebSocket-Extensions."""

    def values(self, name: str) -> list[str]:
        values = super().values(name)
        return values[:1] if name == "Sec-WebSocket-Extensions" else values


@fault("last-extensions-line-only", "RFC6455-9.1-04")
class LastExtensionsLineOnly(EchoServer):
    """Looks at the last of several lines Sec-WebSocket-Extensions."""

    def values(self, name: str) -> list[str]:
        values = super().values(name)
        return values[-1:] if name == "Sec-WebSocket-Extensions" else values


@fault("quoted-values-declined", "RFC7692-7-12", "RFC6455-9.1-02")
class QuotedValuesDeclined(EchoServer):
    """Declines offers with a quoted value."""

    def choose_extension(self, offers: Sequence[Extension]) -> Deflate | None:
        if any('"' in value for value in self.values("Sec-WebSocket-Extensions")):
            return None
        return super().choose_extension(offers)


@fault("quoted-values-refused", "RFC7692-7-12", "RFC6455-9.1-02")
class QuotedValuesRefused(EchoServer):
    """Refuses requests with a quoted value in an offer."""

    def choose_extension(self, offers: Sequence[Extension]) -> Deflate | None:
        if any('"' in value for value in self.values("Sec-WebSocket-Extensions")):
            raise Refused(400, "quotes")
        return super().choose_extension(offers)


@fault("quoted-values-ignored", "RFC7692-7-12", "RFC7692-7.1.2.1-04", "RFC7692-7.1.2.1-05")
class QuotedValuesIgnored(EchoServer):
    """Accepts offers as if parameters with a quoted value were not there."""

    def values(self, name: str) -> list[str]:
        values = super().values(name)
        if name == "Sec-WebSocket-Extensions":
            return [re.sub(r';[^;,"]*="[89]"|;[^;,"]*="1[0-5]"', "", value) for value in values]
        return values


@fault("server-no-context-takeover-declined", "RFC7692-7.1.1.1-03", level="SHOULD")
class ServerNoContextTakeoverDeclined(EchoServer):
    """Declines offers with server_no_context_takeover."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        return name != "server_no_context_takeover" and super().answer_parameter(
            answer, name, value
        )


# ---- the answer

TAKEOVER = "RFC7692-7.1.1.1-02"
WINDOW = "RFC7692-7.1.2.1-04"


@fault("server-no-context-takeover-not-answered", TAKEOVER, "RFC7692-5-09")
class ServerNoContextTakeoverNotAnswered(EchoServer):
    """Accepts server_no_context_takeover, obeys it, and leaves it out of the answer."""

    def deflate_parameters(self, answer: Deflate) -> list[tuple[str, str | None]]:
        return [
            one
            for one in super().deflate_parameters(answer)
            if one[0] != "server_no_context_takeover"
        ]


@fault("server-no-context-takeover-ignored", TAKEOVER, "RFC7692-5-09")
class ServerNoContextTakeoverIgnored(EchoServer):
    """Accepts offers with server_no_context_takeover as if it was not there."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        accepted = super().answer_parameter(answer, name, value)
        answer.server_no_context_takeover = False
        return accepted


@fault("server-window-not-answered", WINDOW, "RFC7692-7.1.2.1-05", "RFC7692-5-09")
class ServerWindowNotAnswered(EchoServer):
    """Accepts server_max_window_bits, obeys it, and leaves it out of the answer."""

    def deflate_parameters(self, answer: Deflate) -> list[tuple[str, str | None]]:
        parameters = super().deflate_parameters(answer)
        return [one for one in parameters if one[0] != "server_max_window_bits"]


@fault("server-window-ignored", WINDOW, "RFC7692-7.1.2.1-05", "RFC7692-5-09")
class ServerWindowIgnored(EchoServer):
    """Accepts offers with server_max_window_bits as if it was not there."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        accepted = super().answer_parameter(answer, name, value)
        answer.server_max_window_bits = None
        return accepted


@fault("server-window-of-15-not-answered", WINDOW, "RFC7692-7.1.2.1-05", "RFC7692-5-09")
class ServerWindowOf15NotAnswered(EchoServer):
    """Leaves server_max_window_bits=15 out of its answer, as that is the default."""

    def deflate_parameters(self, answer: Deflate) -> list[tuple[str, str | None]]:
        parameters = super().deflate_parameters(answer)
        return [one for one in parameters if one != ("server_max_window_bits", "15")]


class ServerWindow(EchoServer):
    """Answers server_max_window_bits with a number of its own."""

    def own(self, offered: int) -> str | None:
        """Return the number."""
        raise NotImplementedError

    def deflate_parameters(self, answer: Deflate) -> list[tuple[str, str | None]]:
        return [
            (name, self.own(int(value or 15)) if name == "server_max_window_bits" else value)
            for name, value in super().deflate_parameters(answer)
        ]


@fault("server-window-answered-by-15", WINDOW, "RFC7692-7-06")
class ServerWindowAnsweredBy15(ServerWindow):
    """Answers server_max_window_bits with 15, whatever was offered."""

    def own(self, offered: int) -> str | None:
        return "15"


@fault("server-window-answered-by-one-more", WINDOW, "RFC7692-7-06")
class ServerWindowAnsweredByOneMore(ServerWindow):
    """Answers server_max_window_bits with one more than was offered."""

    def own(self, offered: int) -> str | None:
        return str(min(15, offered + 1))


@fault("server-window-of-8-answered-by-9", WINDOW, "RFC7692-7-06")
class ServerWindowOf8AnsweredBy9(EchoServer):
    """Answers server_max_window_bits=8 with 9, as zlib cannot do 8."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        if (name, value) == ("server_max_window_bits", "8"):
            value = "9"
        return super().answer_parameter(answer, name, value)


@fault("server-window-of-8-fails", "RFC7692-5-08", "RFC7692-7-06", "RFC7692-5-18")
class ServerWindowOf8Fails(EchoServer):
    """Agrees on server_max_window_bits=8, and fails at the first message, as zlib cannot do 8."""

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        accepted = super().answer_parameter(answer, name, value)
        return accepted or (name, value) == ("server_max_window_bits", "8")

    def new_deflater(self) -> Deflater:
        if self.server_window_bits() == 8:
            raise Failed(1011, "invalid initialization option")
        return super().new_deflater()


SERVER_VALUE = "RFC7692-7.1.2.1-03"


@fault("server-window-with-zero", SERVER_VALUE, "RFC7692-7-11")
class ServerWindowWithZero(ServerWindow):
    """Writes server_max_window_bits with three digits."""

    def own(self, offered: int) -> str | None:
        return f"{offered:03}"


@fault("server-window-without-value", SERVER_VALUE, "RFC7692-7-11")
class ServerWindowWithoutValue(ServerWindow):
    """Answers server_max_window_bits without a value."""

    def own(self, offered: int) -> str | None:
        return None


@fault("server-window-in-bytes", SERVER_VALUE, "RFC7692-7-11")
class ServerWindowInBytes(ServerWindow):
    """Answers server_max_window_bits with the size of the window in bytes."""

    def own(self, offered: int) -> str | None:
        return str(1 << offered)


@fault("server-window-hexadecimal", SERVER_VALUE, "RFC7692-7-11")
class ServerWindowHexadecimal(ServerWindow):
    """Writes server_max_window_bits in hexadecimal."""

    def own(self, offered: int) -> str | None:
        return f"{offered:x}"


@fault("server-window-of-16-answered", SERVER_VALUE, "RFC7692-7-11")
class ServerWindowOf16Answered(EchoServer):
    """Answers server_max_window_bits=16 if the client said nothing about it."""

    def deflate_parameters(self, answer: Deflate) -> list[tuple[str, str | None]]:
        parameters = super().deflate_parameters(answer)
        if answer.server_max_window_bits is None:
            parameters.append(("server_max_window_bits", "16"))
        return parameters


CLIENT_UNASKED = "RFC7692-7.1.2.2-05"
CLIENT_VALUE = "RFC7692-7.1.2.2-04"


class ClientWindow(EchoServer):
    """Shows client_max_window_bits in the answer in its own way."""

    def own(self, offered: bool, answer: Deflate) -> list[tuple[str, str | None]]:
        """Return what is shown."""
        raise NotImplementedError

    offered = False

    def answer_offer(self, offer: Extension) -> Deflate | None:
        self.offered = any(name == "client_max_window_bits" for name, _ in offer.parameters)
        return super().answer_offer(offer)

    def deflate_parameters(self, answer: Deflate) -> list[tuple[str, str | None]]:
        parameters = super().deflate_parameters(answer)
        others = [one for one in parameters if one[0] != "client_max_window_bits"]
        return [*others, *self.own(self.offered, answer)]


@fault("client-window-unasked", CLIENT_UNASKED)
class ClientWindowUnasked(ClientWindow):
    """Answers client_max_window_bits=15 to every offer."""

    def own(self, offered: bool, answer: Deflate) -> list[tuple[str, str | None]]:
        return [("client_max_window_bits", str(answer.client_max_window_bits or 15))]


@fault("client-window-unasked-with-server-window", CLIENT_UNASKED)
class ClientWindowUnaskedWithServerWindow(ClientWindow):
    """Answers server_max_window_bits with both parameters, whether or not both were offered."""

    def own(self, offered: bool, answer: Deflate) -> list[tuple[str, str | None]]:
        bits = answer.client_max_window_bits or (not offered and answer.server_max_window_bits)
        return [("client_max_window_bits", str(bits))] if bits else []


@fault("client-window-without-value", CLIENT_VALUE, "RFC7692-7-11")
class ClientWindowWithoutValue(ClientWindow):
    """Answers client_max_window_bits without a value if it was offered."""

    def own(self, offered: bool, answer: Deflate) -> list[tuple[str, str | None]]:
        return [("client_max_window_bits", None)] if offered else []


@fault("client-window-with-zero", CLIENT_VALUE, "RFC7692-7-11")
class ClientWindowWithZero(ClientWindow):
    """Writes client_max_window_bits with a leading zero if it was offered."""

    def own(self, offered: bool, answer: Deflate) -> list[tuple[str, str | None]]:
        bits = answer.client_max_window_bits or 15
        return [("client_max_window_bits", f"0{bits}")] if offered else []


@fault("client-window-of-0", CLIENT_VALUE, "RFC7692-7-11")
class ClientWindowOf0(ClientWindow):
    """Answers client_max_window_bits=0 if it was offered without a value."""

    def own(self, offered: bool, answer: Deflate) -> list[tuple[str, str | None]]:
        return [("client_max_window_bits", str(answer.client_max_window_bits or 0))] * offered


@fault("client-window-of-16", CLIENT_VALUE, "RFC7692-7-11")
class ClientWindowOf16(ClientWindow):
    """Answers client_max_window_bits=16 if it was offered."""

    def own(self, offered: bool, answer: Deflate) -> list[tuple[str, str | None]]:
        return [("client_max_window_bits", "16")] * offered


class AnswerText(EchoServer):
    """Changes the text of its answer."""

    def change(self, answer: str) -> str:
        """Return what is sent."""
        raise NotImplementedError

    def extension_fields(self) -> Fields:
        return [(name, self.change(value)) for name, value in super().extension_fields()]


ANSWER = "RFC7692-7-11"


@fault("server-flag-with-value", "RFC7692-7.1.1.1-05", ANSWER)
class ServerFlagWithValue(AnswerText):
    """Answers server_no_context_takeover with the value true."""

    def change(self, answer: str) -> str:
        return answer.replace("server_no_context_takeover", "server_no_context_takeover=true")


@fault("client-flag-with-value", "RFC7692-7.1.1.2-03", ANSWER)
class ClientFlagWithValue(AnswerText):
    """Answers client_no_context_takeover with the value 1."""

    def change(self, answer: str) -> str:
        return answer.replace("client_no_context_takeover", "client_no_context_takeover=1")


@fault("unknown-parameter-in-answer", ANSWER, "RFC6455-9.1-06")
class UnknownParameterInAnswer(AnswerText):
    """Tells the level of compression in a parameter of its own."""

    def change(self, answer: str) -> str:
        return f"{answer}; level=6"


@fault("parameters-twice-in-answer", ANSWER)
class ParametersTwiceInAnswer(EchoServer):
    """Writes each parameter of its answer twice."""

    def deflate_parameters(self, answer: Deflate) -> list[tuple[str, str | None]]:
        return super().deflate_parameters(answer) * 2


@fault("semicolon-behind-answer", "RFC6455-4.3-02", ANSWER, "RFC6455-9.1-01")
class SemicolonBehindAnswer(AnswerText):
    """Ends its answer with a semicolon."""

    def change(self, answer: str) -> str:
        return f"{answer};"


@fault("answer-separated-by-commas", "RFC6455-4.2.2-13", "RFC6455-4.2.2-14", ANSWER)
class AnswerSeparatedByCommas(AnswerText):
    """Separates the parameters of its answer by commas."""

    def change(self, answer: str) -> str:
        return answer.replace(";", ",")


@fault("old-name-in-answer", "RFC6455-4.2.2-13", "RFC6455-4.2.2-14")
class OldNameInAnswer(AnswerText):
    """Accepts permessage-deflate by the name of an older draft."""

    def change(self, answer: str) -> str:
        return answer.replace("permessage-deflate", "x-webkit-deflate-frame")


@fault("extension-not-answered", "RFC7692-5-07", "RFC7692-5-16", "RFC6455-5.2-02")
class ExtensionNotAnswered(EchoServer):
    """Accepts permessage-deflate without saying so."""

    def extension_fields(self) -> Fields:
        return []


@fault("answer-empty-when-declined", "RFC6455-4.2.2-15", DECLINED)
class AnswerEmptyWhenDeclined(EchoServer):
    """Sends an empty Sec-WebSocket-Extensions if it declines all offers."""

    def extension_fields(self) -> Fields:
        offered = self.values("Sec-WebSocket-Extensions")
        if offered and self.deflate is None:
            return [("Sec-WebSocket-Extensions", "")]
        return super().extension_fields()


@fault("compressed-after-declining", "RFC7692-5-16", "RFC6455-5.2-02", "RFC7692-6.1-06")
class CompressedAfterDeclining(EchoServer):
    """Compresses if it was offered, also if it declined all offers."""

    def send_message(self, opcode: int, data: bytes) -> None:
        if self.deflate is None and self.values("Sec-WebSocket-Extensions"):
            self.send_compressed(opcode, data)
        else:
            super().send_message(opcode, data)


# ---- RSV1 received

CONTINUED = "RFC7692-6.1-05"
CONTROL = "RFC7692-6.1-04"
UNAGREED = "RFC7692-6.1-06"


class Allowed(EchoServer):
    """Allows RSV1 where it means nothing, once compression was agreed on."""

    opcodes: ClassVar[tuple[int, ...]]

    def allowed_bits(self, header: Header) -> int:
        allowed = super().allowed_bits(header)
        return 4 if self.deflate is not None and header.opcode in self.opcodes else allowed


@fault("rsv1-of-continuation-ignored", CONTINUED, "RFC6455-5.2-03")
class Rsv1OfContinuationIgnored(Allowed):
    """Ignores RSV1 in continuation frames."""

    opcodes = (CONTINUATION,)


@fault("rsv1-of-compressed-continuation-ignored", CONTINUED, "RFC6455-5.2-03")
class Rsv1OfCompressedContinuationIgnored(Allowed):
    """Ignores RSV1 in continuation frames of compressed messages."""

    opcodes = (CONTINUATION,)

    def allowed_bits(self, header: Header) -> int:
        if header.opcode == CONTINUATION and not (self.message and self.message.compressed):
            return 0
        return super().allowed_bits(header)


@fault("rsv1-of-plain-continuation-ignored", CONTINUED, "RFC6455-5.2-03")
class Rsv1OfPlainContinuationIgnored(Allowed):
    """Ignores RSV1 in continuation frames of messages that are not compressed."""

    opcodes = (CONTINUATION,)

    def allowed_bits(self, header: Header) -> int:
        if header.opcode == CONTINUATION and self.message and self.message.compressed:
            return 0
        return super().allowed_bits(header)


@fault("continuation-compressed-by-rsv1", CONTINUED, "RFC6455-5.2-03")
class ContinuationCompressedByRsv1(Allowed):
    """Takes RSV1 of each fragment for whether that fragment is compressed."""

    opcodes = (CONTINUATION,)

    def message_of(self, header: Header) -> Message:
        message = super().message_of(header)
        if header.opcode == CONTINUATION and header.rsv & 4:
            message.compressed = True
        return message


@fault("rsv1-of-control-ignored", CONTROL, "RFC6455-5.2-03")
class Rsv1OfControlIgnored(Allowed):
    """Ignores RSV1 in control frames."""

    opcodes = (CLOSE, PING, PONG)


@fault("rsv1-of-ping-ignored", CONTROL, "RFC6455-5.2-03")
class Rsv1OfPingIgnored(Allowed):
    """Ignores RSV1 in Pings."""

    opcodes = (PING,)


@fault("rsv1-of-pong-ignored", CONTROL, "RFC6455-5.2-03")
class Rsv1OfPongIgnored(Allowed):
    """Ignores RSV1 in Pongs."""

    opcodes = (PONG,)


@fault("rsv1-of-close-ignored", CONTROL, "RFC6455-5.2-03")
class Rsv1OfCloseIgnored(Allowed):
    """Ignores RSV1 in a Close."""

    opcodes = (CLOSE,)


@fault("ping-inflated", CONTROL, "RFC6455-5.2-03")
class PingInflated(Allowed):
    """Inflates the payload of Pings with RSV1, and answers that."""

    opcodes = (PING,)

    def receive_control(self, header: Header, payload: bytes) -> None:
        if header.opcode == PING and header.rsv & 4:
            try:
                payload = zlib.decompressobj(-15).decompress(payload + TAIL)
            except zlib.error:
                raise Failed(1007, "invalid DEFLATE data") from None
        super().receive_control(header, payload[:125])


@fault("rsv1-without-agreement-ignored", UNAGREED, "RFC6455-5.2-03")
class Rsv1WithoutAgreementIgnored(EchoServer):
    """Ignores RSV1 of messages if no compression was agreed on."""

    def allowed_bits(self, header: Header) -> int:
        return 4 if header.opcode in (TEXT, BINARY) else 0

    def is_compressed(self, header: Header) -> bool:
        return self.deflate is not None and super().is_compressed(header)


@fault("inflates-without-agreement", UNAGREED, "RFC6455-5.2-03")
class InflatesWithoutAgreement(EchoServer):
    """Inflates messages with RSV1 if no compression was agreed on."""

    def allowed_bits(self, header: Header) -> int:
        return 4 if header.opcode in (TEXT, BINARY) else 0


@fault("inflates-after-declining", UNAGREED, "RFC6455-5.2-03", "RFC7692-5-16")
class InflatesAfterDeclining(EchoServer):
    """Inflates messages with RSV1 if compression was offered and declined."""

    def allowed_bits(self, header: Header) -> int:
        offered = bool(self.values("Sec-WebSocket-Extensions"))
        return 4 if offered and header.opcode in (TEXT, BINARY) else 0


@fault("rsv1-refused", "RFC7692-5-18", "RFC7692-6-01", "RFC7692-5-08")
class Rsv1Refused(EchoServer):
    """Agrees on compression, and fails at RSV1 nevertheless."""

    def allowed_bits(self, header: Header) -> int:
        return 0


@fault("rsv1-of-binary-refused", "RFC7692-5-18", "RFC7692-6-01", "RFC7692-6.1-07")
class Rsv1OfBinaryRefused(EchoServer):
    """Fails at binary messages that are compressed."""

    def allowed_bits(self, header: Header) -> int:
        return 0 if header.opcode == BINARY else super().allowed_bits(header)


@fault("plain-messages-refused", "RFC7692-6-01", "RFC7692-6.2-02")
class PlainMessagesRefused(EchoServer):
    """Fails at messages without RSV1 once compression was agreed on."""

    def message_of(self, header: Header) -> Message:
        if self.deflate is not None and header.opcode in (TEXT, BINARY) and not header.rsv & 4:
            raise Failed(1002, "it is not compressed")
        return super().message_of(header)


@fault("plain-messages-inflated", "RFC7692-6-01", "RFC7692-6.2-02")
class PlainMessagesInflated(EchoServer):
    """Inflates all messages once compression was agreed on, whatever RSV1 says."""

    def is_compressed(self, header: Header) -> bool:
        return self.deflate is not None


@fault("rsv1-data-not-inflated", "RFC7692-6-03", "RFC7692-6.2-01")
class Rsv1DataNotInflated(EchoServer):
    """Delivers compressed binary messages as they came."""

    def is_compressed(self, header: Header) -> bool:
        return header.opcode != BINARY and super().is_compressed(header)


# ---- RSV1 sent, and what it stands for

SENT = "RFC7692-6.1-03"
CLEAR = "RFC7692-6.1-02"
SET = "RFC7692-6.1-01"


class SentInFragments(EchoServer):
    """Sends compressed messages in three fragments."""

    def send_compressed(self, opcode: int, data: bytes) -> None:
        payload = self.compress(data)
        third = len(payload) // 3
        pieces = payload[:third], payload[third : 2 * third], payload[2 * third :]
        for index, piece in enumerate(pieces):
            self.send_frame(
                CONTINUATION if index else opcode,
                piece,
                fin=index == 2,
                rsv=4 if self.has_rsv1(index) else 0,
            )

    def has_rsv1(self, index: int) -> bool:
        """Whether a fragment has RSV1."""
        raise NotImplementedError


@fault("rsv1-sent-in-all-fragments", SENT, "RFC6455-5.2-02")
class Rsv1SentInAllFragments(SentInFragments):
    """Sets RSV1 in every fragment of a compressed message."""

    def has_rsv1(self, index: int) -> bool:
        return True


@fault("rsv1-sent-in-last-fragment", SENT, SET, "RFC6455-5.2-02")
class Rsv1SentInLastFragment(SentInFragments):
    """Sets RSV1 in the last fragment of a compressed message only."""

    def has_rsv1(self, index: int) -> bool:
        return index == 2


@fault("rsv1-sent-in-pongs", SENT, "RFC6455-5.2-02", "RFC7692-6-02")
class Rsv1SentInPongs(EchoServer):
    """Sets RSV1 in Pongs once compression was agreed on."""

    def send_pong(self, payload: bytes) -> None:
        self.send_frame(PONG, payload, rsv=0 if self.deflate is None else 4)


@fault("rsv1-sent-in-close", SENT, "RFC6455-5.2-02", "RFC7692-6-02")
class Rsv1SentInClose(EchoServer):
    """Sets RSV1 in its Close once compression was agreed on."""

    def send_close(self, payload: bytes) -> None:
        self.send_frame(CLOSE, payload, rsv=0 if self.deflate is None else 4)


@fault("pongs-compressed", "RFC7692-6-02", SENT)
class PongsCompressed(EchoServer):
    """Compresses Pongs, and sets their RSV1."""

    def send_pong(self, payload: bytes) -> None:
        if self.deflate is not None and len(payload) < 100:
            self.send_frame(PONG, self.compress(payload), rsv=4)
        else:
            super().send_pong(payload)


@fault("pongs-compressed-without-rsv1", "RFC7692-6-02", "RFC6455-5.5.3-01")
class PongsCompressedWithoutRsv1(EchoServer):
    """Compresses Pongs that have a payload, without RSV1."""

    def send_pong(self, payload: bytes) -> None:
        if self.deflate is not None and 0 < len(payload) < 100:
            payload = self.compress(payload)
        super().send_pong(payload)


@fault("close-compressed", "RFC7692-6-02", SENT)
class CloseCompressed(EchoServer):
    """Compresses its Close, and sets its RSV1."""

    def send_close(self, payload: bytes) -> None:
        if self.deflate is not None and payload:
            self.send_frame(CLOSE, self.compress(payload), rsv=4)
        else:
            super().send_close(payload)


@fault("rsv1-left-out", SET, CLEAR)
class Rsv1LeftOut(EchoServer):
    """Compresses messages without setting RSV1."""

    def send_compressed(self, opcode: int, data: bytes) -> None:
        self.send_frame(opcode, self.compress(data))


@fault("rsv1-left-out-of-binary", SET, CLEAR)
class Rsv1LeftOutOfBinary(EchoServer):
    """Compresses binary messages without setting RSV1."""

    def send_compressed(self, opcode: int, data: bytes) -> None:
        self.send_frame(opcode, self.compress(data), rsv=4 if opcode == TEXT else 0)


@fault("rsv1-without-compression", SET, CLEAR)
class Rsv1WithoutCompression(EchoServer):
    """Sets RSV1 in all messages, and compresses none."""

    def compress(self, data: bytes) -> bytes:
        return data


@fault("rsv1-of-short-messages", SET, CLEAR)
class Rsv1OfShortMessages(EchoServer):
    """Sets RSV1 in all messages, and compresses those of 64 bytes and more."""

    def compress(self, data: bytes) -> bytes:
        return data if len(data) < 64 else super().compress(data)


@fault("rsv1-of-empty-message", "RFC7692-7.2.1-16", "RFC7692-7.2.2-14", SET)
class Rsv1OfEmptyMessage(EchoServer):
    """Sends empty messages with RSV1 and without a payload."""

    def compress(self, data: bytes) -> bytes:
        return super().compress(data) if data else b""


@fault("stored-without-rsv1", "RFC7692-7.2.3.3-01", CLEAR)
class StoredWithoutRsv1(EchoServer):
    """Sends short messages in stored blocks, without RSV1, as they are not compressed."""

    def send_compressed(self, opcode: int, data: bytes) -> None:
        if len(data) >= 1000:
            super().send_compressed(opcode, data)
            return
        lengths = struct.pack("<HH", len(data), 0xFFFF ^ len(data))
        self.send_frame(opcode, b"\0" + lengths + data + b"\0")


@fault("rsv2-of-compressed", "RFC6455-5.2-02")
class Rsv2OfCompressed(EchoServer):
    """Sets RSV2 next to RSV1."""

    def send_compressed(self, opcode: int, data: bytes) -> None:
        self.send_frame(opcode, self.compress(data), rsv=6)


@fault("opcode-of-compressed-lost", "RFC7692-6.1-07", "RFC6455-5.6-04")
class OpcodeOfCompressedLost(EchoServer):
    """Sends all compressed messages as text."""

    def send_compressed(self, opcode: int, data: bytes) -> None:
        super().send_compressed(TEXT, data)


@fault("compressed-means-binary", "RFC7692-6.1-07", "RFC6455-5.6-04")
class CompressedMeansBinary(EchoServer):
    """Takes all messages that come compressed for binary."""

    def end_message(self, message: Message) -> None:
        if message.compressed:
            message.opcode = BINARY
        super().end_message(message)


# ---- the data that is sent

DEFLATED = "RFC7692-7.2.1-01"
RAW = "RFC7692-7.2.1-02"


@fault("tail-sent", DEFLATED)
class TailSent(EchoServer):
    """Leaves the four bytes 00 00 FF FF at the end of messages."""

    def cut_tail(self, compressed: bytes) -> bytes:
        return compressed


@fault("five-bytes-cut", DEFLATED)
class FiveBytesCut(EchoServer):
    """Cuts five bytes off the end of messages."""

    def cut_tail(self, compressed: bytes) -> bytes:
        return compressed[:-5]


@fault("all-tails-cut", DEFLATED, "RFC7692-7.2.1-07")
class AllTailsCut(EchoServer):
    """Flushes within long messages, and cuts the four bytes off each part."""

    def compress(self, data: bytes) -> bytes:
        half = len(data) // 2
        if half < 50:
            return super().compress(data)
        return super().compress(data[:half]) + super().compress(data[half:])


@fault("fragments-compressed-alone", "RFC7692-7.2.1-07", SENT, SET)
class FragmentsCompressedAlone(EchoServer):
    """Sends long messages in two fragments, and compresses each by itself."""

    def send_compressed(self, opcode: int, data: bytes) -> None:
        half = len(data) // 2
        if half < 50:
            super().send_compressed(opcode, data)
            return
        self.send_frame(opcode, self.compress(data[:half]), fin=False, rsv=4)
        self.send_frame(CONTINUATION, self.compress(data[half:]))


@fault("finished-instead-of-flushed", DEFLATED, "RFC7692-7.2.1-05", "RFC7692-7.2.1-06")
class FinishedInsteadOfFlushed(EchoServer):
    """Ends the data of each message with a final block, with nothing behind it."""

    def compress(self, data: bytes) -> bytes:
        deflater = self.new_deflater()
        return deflater.compress(data) + deflater.flush(zlib.Z_FINISH)


@fault("not-flushed", DEFLATED)
class NotFlushed(EchoServer):
    """Cuts four bytes off data that it ended by a partial flush."""

    def compress(self, data: bytes) -> bytes:
        if not data:
            return b"\x00"
        if self.deflater is None or self.forgets_window():
            self.deflater = self.new_deflater()
        return (self.deflater.compress(data) + self.deflater.flush(zlib.Z_PARTIAL_FLUSH))[:-4]


@fault("zlib-format-sent", RAW, DEFLATED)
class ZlibFormatSent(EchoServer):
    """Sends data in the format of zlib, with its header."""

    def new_deflater(self) -> Deflater:
        return zlib.compressobj(6, zlib.DEFLATED, 15)


@fault("gzip-format-sent", RAW, DEFLATED)
class GzipFormatSent(EchoServer):
    """Sends data in the format of gzip."""

    def compress(self, data: bytes) -> bytes:
        return gzip.compress(data, mtime=0)


@fault("zlib-format-expected", RAW, "RFC7692-7.2.2-01", "RFC7692-5-08")
class ZlibFormatExpected(EchoServer):
    """Expects data in the format of zlib."""

    def new_inflater(self) -> Inflater:
        return zlib.decompressobj(15)


@fault("last-byte-lost", SET, DEFLATED)
class LastByteLost(EchoServer):
    """Loses the last byte of messages of more than 1000 bytes when it compresses them."""

    def compress(self, data: bytes) -> bytes:
        return super().compress(data[:-1] if len(data) > 1000 else data)


# ---- the sender's context

FRESH = "RFC7692-7.2.1-11"
SMALL = "RFC7692-7.2.1-15"


@fault("context-kept-though-agreed", FRESH)
class ContextKeptThoughAgreed(EchoServer):
    """Agrees on server_no_context_takeover, and keeps its window."""

    def forgets_window(self) -> bool:
        return False


@fault("context-kept-for-binary", FRESH)
class ContextKeptForBinary(EchoServer):
    """Agrees on server_no_context_takeover, and forgets its window for text only."""

    opcode = TEXT

    def send_compressed(self, opcode: int, data: bytes) -> None:
        self.opcode = opcode
        super().send_compressed(opcode, data)

    def forgets_window(self) -> bool:
        return self.opcode == TEXT and super().forgets_window()


@fault("context-forgotten-once", FRESH)
class ContextForgottenOnce(EchoServer):
    """Agrees on server_no_context_takeover, and forgets its window every other time."""

    count = 0

    def forgets_window(self) -> bool:
        self.count += 1
        return self.count % 2 == 1 and super().forgets_window()


@fault("agreed-flags-swapped", FRESH, "RFC7692-7.2.2-08")
class AgreedFlagsSwapped(EchoServer):
    """Takes server_no_context_takeover for the client's duty."""

    def forgets_window(self) -> bool:
        return self.deflate is not None and self.deflate.client_no_context_takeover

    def end_inflating(self, message: Message) -> bytes:
        data = super().end_inflating(message)
        if self.deflate is not None and self.deflate.server_no_context_takeover:
            self.inflater = None
            self.window = b""
        return data


@fault("agreed-window-exceeded", SMALL)
class AgreedWindowExceeded(EchoServer):
    """Agrees on server_max_window_bits, and compresses with a window of 32 KiB."""

    def server_window_bits(self) -> int:
        return 15


@fault("agreed-window-doubled", SMALL)
class AgreedWindowDoubled(EchoServer):
    """Compresses with twice the window that was agreed on."""

    def server_window_bits(self) -> int:
        return min(15, super().server_window_bits() + 1)


@fault("agreed-windows-swapped", SMALL)
class AgreedWindowsSwapped(EchoServer):
    """Compresses with the client's window."""

    def server_window_bits(self) -> int:
        return max(9, super().client_window_bits())


@fault("agreed-window-forgotten", SMALL)
class AgreedWindowForgotten(EchoServer):
    """Keeps to server_max_window_bits in its first message only."""

    count = 0

    def compress(self, data: bytes) -> bytes:
        self.count += 1
        if self.count == 2:
            self.deflater = self.deflater and zlib.compressobj(6, zlib.DEFLATED, -15)
        return super().compress(data)

    def server_window_bits(self) -> int:
        return super().server_window_bits() if self.count < 2 else 15


@fault("compressed-in-vain", "RFC7692-7.2.3.2-01", CLEAR, DEFLATED)
class CompressedInVain(EchoServer):
    """Sends a message as it is if compression does not help, but keeps it in its window."""

    def send_compressed(self, opcode: int, data: bytes) -> None:
        payload = self.compress(data)
        if len(payload) < len(data):
            self.send_frame(opcode, payload, rsv=4)
        else:
            self.send_frame(opcode, data)


@fault("preset-window", "RFC7692-7.2.1-08", DEFLATED)
class PresetWindow(EchoServer):
    """Refers to words that it never sent."""

    def new_deflater(self) -> Deflater:
        return zlib.compressobj(
            6, zlib.DEFLATED, -self.server_window_bits(), zdict=b"hello Hello the and of" * 9
        )


# ---- the receiver's context

KEPT = "RFC7692-7.2.2-08"
UNTOUCHED = "RFC7692-7.2.3.2-01"
FULL = "RFC7692-7.1.2.2-08"


class Forgetful(EchoServer):
    """Forgets the client's window at some time."""

    def forget(self) -> None:
        """Forget it."""
        self.inflater = None
        self.window = b""


@fault("context-lost", KEPT, "RFC7692-5-18")
class ContextLost(Forgetful):
    """Inflates each message with an empty window, though this was not agreed on."""

    def end_inflating(self, message: Message) -> bytes:
        data = super().end_inflating(message)
        self.forget()
        return data


@fault("context-lost-if-offered", "RFC7692-7.1.1.2-05", KEPT)
class ContextLostIfOffered(ContextLost):
    """Leaves client_no_context_takeover out of its answer, and relies on it."""

    offered = False

    def answer_parameter(self, answer: Deflate, name: str, value: str | None) -> bool:
        accepted = super().answer_parameter(answer, name, value)
        self.offered = self.offered or answer.client_no_context_takeover
        answer.client_no_context_takeover = False
        return accepted

    def forget(self) -> None:
        if self.offered:
            super().forget()


@fault("context-lost-if-server-forgets", KEPT)
class ContextLostIfServerForgets(ContextLost):
    """Forgets the client's window too if server_no_context_takeover was agreed on."""

    def forget(self) -> None:
        if self.deflate is not None and self.deflate.server_no_context_takeover:
            super().forget()


@fault("context-lost-after-two", KEPT)
class ContextLostAfterTwo(ContextLost):
    """Forgets the client's window behind every second message."""

    count = 0

    def forget(self) -> None:
        self.count += 1
        if self.count % 2 == 0:
            super().forget()


@fault("context-lost-at-plain-message", UNTOUCHED, "RFC7692-6.2-02")
class ContextLostAtPlainMessage(Forgetful):
    """Forgets the client's window at a message that is not compressed."""

    def end_message(self, message: Message) -> None:
        if not message.compressed:
            self.forget()
        super().end_message(message)


@fault("plain-messages-in-window", UNTOUCHED, "RFC7692-6.2-02")
class PlainMessagesInWindow(EchoServer):
    """Adds messages that are not compressed to the client's window."""

    def end_message(self, message: Message) -> None:
        if not message.compressed:
            self.window = (self.window + message.data)[-32768:]
            self.inflater = None
        super().end_message(message)


@fault("context-lost-at-ping", KEPT, "RFC6455-5.4-08")
class ContextLostAtPing(Forgetful):
    """Forgets the client's window at a Ping."""

    def receive_ping(self, payload: bytes) -> None:
        self.forget()
        super().receive_ping(payload)


@fault("context-spoiled-by-ping-in-mid-message", "RFC6455-5.4-08", "RFC7692-6-02")
class ContextSpoiledByPingInMidMessage(EchoServer):
    """Inflates the payload of a Ping that comes within a compressed message along with it."""

    def receive_ping(self, payload: bytes) -> None:
        if self.message is not None and self.message.compressed:
            self.add(self.message, payload)
        super().receive_ping(payload)


@fault("context-lost-behind-fragments", KEPT, "RFC7692-6.2-01")
class ContextLostBehindFragments(Forgetful):
    """Forgets the client's window behind a compressed message in several fragments."""

    def receive_data(self, header: Header) -> None:
        compressed = self.message is not None and self.message.compressed
        super().receive_data(header)
        if header.fin and header.opcode == CONTINUATION and compressed:
            self.forget()


@fault("context-lost-behind-empty-message", KEPT, "RFC7692-7.2.1-16")
class ContextLostBehindEmptyMessage(Forgetful):
    """Forgets the client's window behind an empty message that is compressed."""

    def end_message(self, message: Message) -> None:
        compressed = message.compressed
        super().end_message(message)
        if compressed and not message.data:
            self.forget()


@fault("contexts-by-type", KEPT)
class ContextsByType(EchoServer):
    """Has one window for text and another for binary messages."""

    latest = TEXT
    other_inflater: Inflater | None = None
    other_window = b""

    def message_of(self, header: Header) -> Message:
        message = super().message_of(header)
        if message.compressed and message.opcode != self.latest:
            self.latest = message.opcode
            self.inflater, self.other_inflater = self.other_inflater, self.inflater
            self.window, self.other_window = self.other_window, self.window
        return message


@fault("window-of-16-kib", FULL, "RFC7692-7.2.2-12")
class WindowOf16Kib(EchoServer):
    """Inflates with a window of 16 KiB, though no smaller one than 32 KiB was agreed on."""

    largest: ClassVar[int] = 14

    def client_window_bits(self) -> int:
        return min(self.largest, super().client_window_bits())


@fault("window-of-4-kib", FULL, "RFC7692-7.2.2-12")
class WindowOf4Kib(WindowOf16Kib):
    """Inflates with a window of 4 KiB, though no smaller one than 32 KiB was agreed on."""

    largest = 12


@fault("hint-taken-for-agreement", FULL, "RFC7692-7.2.2-12")
class HintTakenForAgreement(EchoServer):
    """Inflates with the window of the client's hint, which it leaves out of its answer."""

    def deflate_parameters(self, answer: Deflate) -> list[tuple[str, str | None]]:
        parameters = super().deflate_parameters(answer)
        return [one for one in parameters if one[0] != "client_max_window_bits"]


@fault("servers-window-for-inflating", FULL, "RFC7692-7.2.2-12")
class ServersWindowForInflating(EchoServer):
    """Inflates with the window of server_max_window_bits."""

    def client_window_bits(self) -> int:
        return min(self.server_window_bits(), super().client_window_bits())


@fault("smaller-window-than-agreed", "RFC7692-5-08", "RFC7692-7.2.2-01", "RFC7692-5-18")
class SmallerWindowThanAgreed(EchoServer):
    """Inflates with half the window that client_max_window_bits was agreed to be."""

    def client_window_bits(self) -> int:
        bits = super().client_window_bits()
        agreed = self.deflate is not None and self.deflate.client_max_window_bits
        return max(8, bits - 1) if agreed else bits


# ---- the data that is received

JOINED = "RFC7692-6.2-01"
INFLATED = "RFC7692-7.2.2-01"
BLOCKS = "RFC7692-7.2.1-03"
TYPES = "RFC7692-7.2.1-04"
FINAL = "RFC7692-7.2.1-05"


class Whole(EchoServer):
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
            self.inflate_whole(message, raw)
        super().end_message(message)

    def inflate_whole(self, message: Message, raw: bytes) -> None:
        """Inflate it, but for the tail."""
        self.add_content(message, self.inflate(message, raw))


class BlockType(Whole):
    """Fails if a message begins with a block of some type."""

    kind: ClassVar[int]

    def inflate_whole(self, message: Message, raw: bytes) -> None:
        if len(raw) > 1 and raw[0] >> 1 & 3 == self.kind:
            raise Failed(1007, "a block of another type")
        super().inflate_whole(message, raw)


@fault("stored-blocks-refused", TYPES)
class StoredBlocksRefused(BlockType):
    """Fails at stored blocks."""

    kind = 0


@fault("fixed-blocks-refused", TYPES)
class FixedBlocksRefused(BlockType):
    """Fails at blocks with fixed codes."""

    kind = 1


@fault("dynamic-blocks-refused", TYPES)
class DynamicBlocksRefused(BlockType):
    """Fails at blocks with dynamic codes."""

    kind = 2


@fault("first-block-only", BLOCKS, "RFC7692-7.2.1-07", INFLATED)
class FirstBlockOnly(Whole):
    """Takes the first empty stored block for the end of the message."""

    def inflate_whole(self, message: Message, raw: bytes) -> None:
        super().inflate_whole(message, raw.partition(TAIL)[0])


@fault("flush-within-message-refused", BLOCKS, "RFC7692-7.2.1-07")
class FlushWithinMessageRefused(Whole):
    """Fails if the four bytes of the tail are somewhere in a message."""

    def inflate_whole(self, message: Message, raw: bytes) -> None:
        if TAIL in raw:
            raise Failed(1007, "a tail")
        super().inflate_whole(message, raw)


@fault("final-blocks-refused", FINAL, level="SHOULD")
class FinalBlocksRefused(EchoServer):
    """Fails at a final block."""

    def inflate(self, message: Message, data: bytes) -> bytes:
        inflater = self.inflater = self.inflater or self.new_inflater()
        inflated = super().inflate(message, data)
        if inflater.eof:
            raise Failed(1007, "a final block")
        return inflated


@fault("data-behind-final-block-lost", FINAL, "RFC7692-7.2.1-06")
class DataBehindFinalBlockLost(EchoServer):
    """Takes a final block for the end of the message."""

    ended = False

    def message_of(self, header: Header) -> Message:
        if header.opcode != CONTINUATION:
            self.ended = False
        return super().message_of(header)

    def inflate(self, message: Message, data: bytes) -> bytes:
        if self.ended:
            return b""
        inflater = self.inflater = self.inflater or self.new_inflater()
        try:
            inflated = inflater.decompress(data, self.max_message)
        except zlib.error:
            raise Failed(1007, "invalid DEFLATE data") from None
        self.window = (self.window + inflated)[-32768:]
        if inflater.eof:
            self.ended, self.inflater = True, None
        return inflated


@fault("silent-behind-final-block", FINAL, INFLATED)
class SilentBehindFinalBlock(EchoServer):
    """Inflates nothing any more once a final block has come."""

    ended = False

    def inflate(self, message: Message, data: bytes) -> bytes:
        if self.ended:
            return b""
        inflater = self.inflater = self.inflater or self.new_inflater()
        inflated = super().inflate(message, data)
        self.ended = inflater.eof
        return inflated


@fault("tail-not-added", INFLATED)
class TailNotAdded(EchoServer):
    """Does not add the tail before it inflates, so that contexts go wrong."""

    def end_inflating(self, message: Message) -> bytes:
        if self.deflate is not None and self.deflate.client_no_context_takeover:
            self.inflater, self.window = None, b""
        return b""


@fault("tail-added-to-fragments", INFLATED, JOINED)
class TailAddedToFragments(EchoServer):
    """Adds the tail to each fragment."""

    def end_fragment(self, message: Message, header: Header) -> None:
        if message.compressed and not header.fin:
            self.add(message, TAIL)


@fault("tail-added-twice", INFLATED)
class TailAddedTwice(EchoServer):
    """Adds the tail twice, so that contexts go wrong."""

    def end_inflating(self, message: Message) -> bytes:
        data = super().end_inflating(message)
        return data + self.inflate(message, TAIL)


@fault("fragments-inflated-alone", JOINED)
class FragmentsInflatedAlone(EchoServer):
    """Inflates each fragment with a window of its own."""

    def end_fragment(self, message: Message, header: Header) -> None:
        if message.compressed and not header.fin:
            self.inflater = None
            self.window = b""


@fault("first-fragment-inflated-only", JOINED)
class FirstFragmentInflatedOnly(EchoServer):
    """Takes all fragments behind the first one of a compressed message as they are."""

    continued = False

    def receive_data(self, header: Header) -> None:
        self.continued = header.opcode == CONTINUATION
        super().receive_data(header)

    def inflate(self, message: Message, data: bytes) -> bytes:
        return data if self.continued and data != TAIL else super().inflate(message, data)

    def check_block_boundary(self) -> None:
        if not self.continued:
            super().check_block_boundary()


@fault("fragmented-compressed-refused", JOINED, "RFC6455-5.4-02")
class FragmentedCompressedRefused(EchoServer):
    """Fails at compressed messages in several fragments."""

    def message_of(self, header: Header) -> Message:
        if header.rsv & 4 and not header.fin:
            raise Failed(1002, "a compressed fragment")
        return super().message_of(header)


@fault("last-byte-zero-refused", "RFC7692-7.2.3.6-01", JOINED)
class LastByteZeroRefused(EchoServer):
    """Fails at a last fragment of a compressed message that yields no data."""

    def receive_data(self, header: Header) -> None:
        if header.opcode == CONTINUATION and header.fin and header.length <= 1:
            message = self.message
            if message is not None and message.compressed:
                raise Failed(1007, "a fragment without data")
        super().receive_data(header)


@fault("empty-compressed-refused", "RFC7692-7.2.1-16", INFLATED)
class EmptyCompressedRefused(EchoServer):
    """Fails at compressed messages that are empty."""

    def end_message(self, message: Message) -> None:
        compressed = message.compressed
        if compressed and not message.data and message.wire_size:
            raise Failed(1007, "nothing inside")
        super().end_message(message)


@fault("empty-compressed-dropped", "RFC7692-7.2.1-16", INFLATED)
class EmptyCompressedDropped(EchoServer):
    """Drops compressed messages that are empty."""

    compressed = False

    def end_message(self, message: Message) -> None:
        self.compressed = message.compressed
        super().end_message(message)

    def deliver(self, opcode: int, data: bytes) -> None:
        if data or not self.compressed:
            super().deliver(opcode, data)


class Cut(EchoServer):
    """Keeps no more than a number of bytes of what it inflates."""

    most: ClassVar[int]
    compressed = False

    def end_message(self, message: Message) -> None:
        self.compressed = message.compressed
        super().end_message(message)

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode, data[: self.most] if self.compressed else data)


@fault("inflated-data-cut-at-64-kib", INFLATED, "RFC7692-6-03", "RFC6455-5.2-14")
class InflatedDataCutAt64Kib(Cut):
    """Cuts what it inflates after 65536 bytes."""

    most = 65536


@fault("inflated-data-cut-at-16-kib", INFLATED, "RFC7692-6-03", "RFC6455-5.2-14")
class InflatedDataCutAt16Kib(Cut):
    """Cuts what it inflates after 16384 bytes, the size of its buffer."""

    most = 16384


@fault("inflated-data-cut-at-compressed-size", INFLATED, "RFC7692-6-03")
class InflatedDataCutAtCompressedSize(EchoServer):
    """Makes room for four times the size of a compressed message, and cuts the rest."""

    room = 1 << 30

    def end_message(self, message: Message) -> None:
        self.room = 4 * message.wire_size + 16 if message.compressed else 1 << 30
        super().end_message(message)

    def deliver(self, opcode: int, data: bytes) -> None:
        super().deliver(opcode, data[: self.room])


# ---- invalid data

BROKEN = "RFC7692-7.2.2-02"
BEYOND = "RFC7692-7.2.2-03"
ENDED = "RFC7692-7.2.2-04"
FITTING = "RFC6455-7.1.7-05"


@fault("cut-off-data-accepted", ENDED)
class CutOffDataAccepted(EchoServer):
    """Takes a message whose data stops inside a block for a whole one."""

    def check_block_boundary(self) -> None:
        pass


class Broken(EchoServer):
    """Does something else about data that is not DEFLATE."""

    broken = False

    def message_of(self, header: Header) -> Message:
        if header.opcode != CONTINUATION:
            self.broken = False
        return super().message_of(header)

    def inflate(self, message: Message, data: bytes) -> bytes:
        if self.broken:
            return b""
        try:
            return super().inflate(message, data)
        except Failed as failure:
            if failure.code != 1007:
                raise
            self.broken, self.inflater, self.window = True, None, b""
            return self.replace(data)

    def replace(self, data: bytes) -> bytes:
        """Return what is taken instead of data that is invalid."""
        return b""

    def end_message(self, message: Message) -> None:
        if not self.broken or self.echoes():
            super().end_message(message)

    def echoes(self) -> bool:
        """Whether messages with invalid data are sent back nevertheless."""
        return True


@fault("invalid-data-dropped", BROKEN, "RFC6455-7.1.7-03")
class InvalidDataDropped(Broken):
    """Drops messages whose data is invalid, and goes on."""

    def echoes(self) -> bool:
        return False


@fault("invalid-data-is-empty", BROKEN, "RFC6455-10.7-01")
class InvalidDataIsEmpty(Broken):
    """Takes messages whose data is invalid as far as they can be read."""


@fault("invalid-data-taken-plain", BROKEN, "RFC6455-10.7-01")
class InvalidDataTakenPlain(Broken):
    """Takes data that is invalid as it is."""

    def replace(self, data: bytes) -> bytes:
        return data


@fault("invalid-data-reported-by-text", BROKEN, "RFC6455-7.1.7-03")
class InvalidDataReportedByText(Broken):
    """Tells of invalid data by a text message, and goes on."""

    def echoes(self) -> bool:
        self.send_frame(TEXT, b"invalid data")
        return False


@fault("invalid-data-hangs", BROKEN, "RFC6455-7.1.7-03")
class InvalidDataHangs(Broken):
    """Neither answers nor closes after invalid data."""

    def echoes(self) -> bool:
        self.hang()
        return False


class InvalidDataCode(Broken):
    """Fails with another code at invalid data."""

    code: ClassVar[int]

    def replace(self, data: bytes) -> bytes:
        raise Failed(self.code, "invalid DEFLATE data")


@fault("1000-for-invalid-data", FITTING, BROKEN, "RFC6455-10.7-03", level="SHOULD")
class Code1000ForInvalidData(InvalidDataCode):
    """Fails with 1000 at invalid data."""

    code = 1000


@fault("1006-for-invalid-data", "RFC6455-7.4.1-08")
class Code1006ForInvalidData(InvalidDataCode):
    """Fails with 1006 at invalid data."""

    code = 1006


@fault("0-for-invalid-data", "RFC6455-7.4.2-01")
class Code0ForInvalidData(InvalidDataCode):
    """Fails with the code 0 at invalid data, as an error of zlib has none."""

    code = 0


@fault("zeros-before-data", BEYOND)
class ZerosBeforeData(EchoServer):
    """Takes back references beyond the first message for zeros."""

    def new_inflater(self) -> Inflater:
        bits = self.client_window_bits()
        return zlib.decompressobj(-bits, zdict=(bytes(32768) + self.window)[-(1 << bits) :])


@fault("window-of-another-connection", BEYOND, "RFC6455-10.7-01")
class WindowOfAnotherConnection(EchoServer):
    """Takes over the client's window from the connection before."""

    def __init__(self) -> None:
        self.left: list[bytes] = []

    def negotiate(self, request: Request) -> None:
        super().negotiate(request)
        self.window = self.left[-1] if self.left else b""

    def end_inflating(self, message: Message) -> bytes:
        data = super().end_inflating(message)
        self.left[:] = [self.window]
        return data


# ---- text

UTF8 = "RFC7692-6.1-09"


@fault("compressed-text-not-checked", UTF8, "RFC6455-8.1-01")
class CompressedTextNotChecked(EchoServer):
    """Does not check the text of compressed messages."""

    def check_text(self, message: Message, data: bytes) -> None:
        if not message.compressed:
            super().check_text(message, data)


@fault("end-of-compressed-text-not-checked", UTF8, "RFC6455-8.1-03")
class EndOfCompressedTextNotChecked(EchoServer):
    """Accepts compressed texts that end inside a character."""

    def check_text_end(self, message: Message) -> None:
        if not message.compressed:
            super().check_text_end(message)


@fault("compressed-text-repaired", UTF8, "RFC6455-8.1-01")
class CompressedTextRepaired(EchoServer):
    """Replaces what is not UTF-8 in compressed texts."""

    def check_text(self, message: Message, data: bytes) -> None:
        if not message.compressed:
            super().check_text(message, data)

    def deliver(self, opcode: int, data: bytes) -> None:
        if opcode == TEXT:
            data = data.decode(errors="replace").encode()
        super().deliver(opcode, data)


@fault("fragmented-compressed-text-not-checked", UTF8, "RFC6455-8.1-04")
class FragmentedCompressedTextNotChecked(EchoServer):
    """Does not check compressed texts in several fragments."""

    several = False

    def receive_data(self, header: Header) -> None:
        self.several = header.opcode == CONTINUATION or not header.fin
        super().receive_data(header)

    def check_text(self, message: Message, data: bytes) -> None:
        if not (message.compressed and self.several):
            super().check_text(message, data)


@fault("text-checked-before-inflating", "RFC7692-6.1-08")
class TextCheckedBeforeInflating(EchoServer):
    """Fails at compressed texts whose compressed data is not UTF-8."""

    def add(self, message: Message, data: bytes) -> None:
        if message.compressed and message.opcode == TEXT:
            try:
                data.decode()
            except UnicodeDecodeError:
                raise Failed(1007, "the text is not UTF-8") from None
        super().add(message, data)


@fault("compressed-text-checked-at-fragments", "RFC7692-6.2-01", "RFC6455-5.6-02")
class CompressedTextCheckedAtFragments(EchoServer):
    """Fails if a fragment of a compressed text yields part of a character."""

    def end_fragment(self, message: Message, header: Header) -> None:
        if message.compressed and message.tail and not header.fin:
            raise Failed(1007, "the text is not UTF-8")


@fault("1002-for-compressed-text", "RFC6455-7.4.1-09", FITTING, UTF8, level="SHOULD")
class Code1002ForCompressedText(EchoServer):
    """Fails with 1002 at compressed texts that are not UTF-8."""

    def check_text(self, message: Message, data: bytes) -> None:
        try:
            super().check_text(message, data)
        except Failed as failure:
            raise Failed(1002 if message.compressed else 1007, failure.why) from None

    def check_text_end(self, message: Message) -> None:
        try:
            super().check_text_end(message)
        except Failed as failure:
            raise Failed(1002 if message.compressed else 1007, failure.why) from None


@fault("compressed-binary-checked-as-text", "RFC6455-5.6-03", "RFC7692-6.1-07")
class CompressedBinaryCheckedAsText(EchoServer):
    """Fails at compressed binary messages that are not UTF-8."""

    compressed = False

    def end_message(self, message: Message) -> None:
        self.compressed = message.compressed
        super().end_message(message)

    def deliver(self, opcode: int, data: bytes) -> None:
        if self.compressed and opcode == BINARY:
            try:
                data.decode()
            except UnicodeDecodeError:
                raise Failed(1007, "the text is not UTF-8") from None
        super().deliver(opcode, data)
