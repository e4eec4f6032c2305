"""What a server's compressed messages say, and what is wrong with them (RFC 7692 §7.2).

A message is read as leniently as can be: with the largest window, and with all that came before,
whatever was agreed on.  So what was meant is known, and an echo can be compared, also where
the server has broken its word; that is then the one thing to be said about it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from ..protocol.deflate import DeflateParameters, Inflating, inflate, inflating
from ..protocol.violations import Violation
from .distances import trace

__all__ = ["Fault", "Inflation", "may_be_compressed"]

#: More than any message that is asked to be echoed.
_MAX_MESSAGE: Final = 64 * 1024 * 1024
_TAIL: Final = b"\x00\x00\xff\xff"
_MAX_WINDOW: Final = 15
_GZIP: Final = b"\x1f\x8b"

_FRESH: Final = DeflateParameters()


class Fault(NamedTuple):
    """What is wrong with a compressed message.

    Attributes:
        clause: the requirement that it breaks.
        message: in which way, in a few words.
    """

    clause: str
    message: str


class Inflation(NamedTuple):
    """What there is to go by when a message begins.

    Attributes:
        parameters: what was agreed on.
        context: all that was sent compressed so far.
    """

    parameters: DeflateParameters
    context: Inflating

    @classmethod
    def agreed(cls, parameters: DeflateParameters) -> Inflation:
        """Return what there is to go by when the first message begins."""
        return cls(parameters, _nothing())

    def read(
        self, fragments: Sequence[bytes], *, closely: bool = False
    ) -> tuple[Inflation, bytes, Fault | None]:
        """Read a message.

        Args:
            fragments: the payloads of its frames.
            closely: whether to look for references that are valid, but must not be made.

        Returns:
            What there is to go by afterwards; the message, or its payload if it cannot be
            inflated; what is wrong with it.
        """
        payload = b"".join(fragments)
        history = self.context.window if closely else b""
        try:
            context, message = inflate(self.context, payload, _MAX_MESSAGE)
        except Violation as violation:
            return self, payload, self._fault(fragments, violation)
        fault = self._forbidden_reference(payload, history) if closely else None
        return self._replace(context=context), message, fault

    def _forbidden_reference(self, payload: bytes, history: bytes) -> Fault | None:
        """Look for a reference that is too far back for what was agreed on."""
        parameters = self.parameters
        if parameters.server_no_context_takeover and not _inflates(payload):
            before = trace(payload, history).before
            return Fault(
                "RFC7692-7.2.1-11",
                f"a message refers {before} bytes back into earlier ones, "
                "though server_no_context_takeover was agreed on",
            )
        window = 1 << parameters.server_max_window_bits
        if parameters.server_max_window_bits < _MAX_WINDOW:
            farthest = trace(payload, history).farthest
            if farthest > window:
                return Fault(
                    "RFC7692-7.2.1-15",
                    f"a message refers {farthest} bytes back, though server_max_window_bits="
                    f"{parameters.server_max_window_bits} was agreed on, which is {window} bytes",
                )
        return None

    def _fault(self, fragments: Sequence[bytes], violation: Violation) -> Fault:
        """Say what is wrong with a message that cannot be inflated."""
        window = self.context.window
        payload = b"".join(fragments)
        if not payload:
            return Fault("RFC7692-7.2.1-16", "a compressed message has no data, not even 00")
        if len(fragments) > 1 and _inflates(_TAIL.join(fragments), window):
            return Fault(
                "RFC7692-7.2.1-07",
                "the bytes 00 00 ff ff were removed not only at the end of the message",
            )
        if payload.endswith(_TAIL) and _inflates(payload[: -len(_TAIL)], window):
            return Fault(
                "RFC7692-7.2.1-01", "a message ends in 00 00 ff ff, which have to be removed"
            )
        if payload.startswith(_GZIP) or _is_zlib(payload):
            return Fault("RFC7692-7.2.1-02", "a message is wrapped in zlib's format or gzip's")
        traced = trace(payload, window)
        clause = "RFC7692-7.2.1-01"
        if traced.problem.startswith("the distance "):  # as in DEFLATE64, with 64 KiB
            clause = "RFC7692-7.2.1-08"
        return Fault(clause, f"a compressed message: {traced.problem or violation.detail}")


def may_be_compressed(payload: bytes, inflation: Inflation) -> bytes | None:
    """Return what a message says if it is compressed; None if it is not."""
    # A copy of the context, as this is only a guess: what zlib knows stays with the other.
    context = inflation.context._replace(live=[])
    try:
        return inflate(context, payload, _MAX_MESSAGE)[1]
    except Violation:
        return None


def _nothing(window: bytes = b"") -> Inflating:
    context = inflating(_FRESH, True)
    return context._replace(history=context.history.add(window), live=[])


def _inflates(payload: bytes, window: bytes = b"") -> bool:
    try:
        inflate(_nothing(window), payload, _MAX_MESSAGE)
    except Violation:
        return False
    return True


def _is_zlib(payload: bytes) -> bool:
    """Whether a payload begins like zlib's format, and goes on like it."""
    reader = zlib.decompressobj()
    try:
        return bool(reader.decompress(payload + _TAIL))
    except zlib.error:
        return False
