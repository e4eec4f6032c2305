"""Sending: frames for what an endpoint has to say (RFC 6455 §6.1).

Every frame of a client is masked with a key that nobody can predict.  The caller hands one
in with each message; for replies that a step makes by itself the key is derived from a
secret seed and a counter, so that the same state always sends the same bytes.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from .deflate import Deflating, deflate_fragment
from .errors import FrameBuildError
from .frames import FIN, MAX_CONTROL_PAYLOAD, RSV1, serialize_frame
from .opcode import CONTINUATION, TEXT

__all__ = [
    "SEED_BYTES",
    "OutgoingMessage",
    "Sending",
    "checked_control_payload",
    "checked_text",
    "send_continuation",
    "send_frame",
    "send_message",
]

#: How many secret bytes the masking keys of a connection are derived from.
SEED_BYTES: Final = 32


class OutgoingMessage(NamedTuple):
    """A fragmented message of ours whose final fragment was not sent."""

    opcode: int
    compressed: bool


class Sending(NamedTuple):
    """Where sending stands.

    Attributes:
        seed: (client) the secret from which masking keys are derived; empty for a server.
        derived: how many have been.
        deflating: the context of compressed messages, if they were agreed on.
        message: a message begun with ``fin=False``.
    """

    seed: bytes
    derived: int = 0
    deflating: Deflating | None = None
    message: OutgoingMessage | None = None

    def __repr__(self) -> str:
        # The seed is a secret, and a repr ends up in logs.
        return f"<Sending {self.derived} keys derived, {self.deflating!r}, {self.message!r}>"


def send_frame(
    sending: Sending, first_byte: int, payload: bytes, masking_key: bytes | None
) -> tuple[Sending, bytes]:
    """Write one frame; a client masks it (RFC 6455 §5.1).

    Raises:
        ValueError: *masking_key* is not four bytes, or a server was given one.
    """
    seed, derived, context, message = sending
    if masking_key is not None:
        _check_masking_key(masking_key, is_client=bool(seed))
    elif seed:
        from hashlib import blake2b  # here since importing it takes longer than most modules

        # A keyed hash of a counter is as unpredictable to others as the seed itself (§10.3).
        masking_key = blake2b(derived.to_bytes(8, "big"), key=seed, digest_size=4).digest()
        sending = Sending(seed, derived + 1, context, message)
    return sending, serialize_frame(first_byte, payload, masking_key)


def send_message(
    sending: Sending,
    opcode: int,
    payload: bytes,
    *,
    compress: bool,
    fin: bool,
    masking_key: bytes | None,
) -> tuple[Sending, bytes]:
    """Write an unfragmented message, or the first fragment of one (RFC 6455 §5.4).

    Raises:
        FrameBuildError: the message before is unfinished.
        ValueError: as for :func:`send_frame`.
    """
    if sending.message is not None:
        raise FrameBuildError("the message before is unfinished: its last fragment is missing")
    compressed = compress and sending.deflating is not None
    if fin and not compressed:
        return send_frame(sending, FIN | opcode, payload, masking_key)
    return _send_fragment(
        sending, opcode, OutgoingMessage(opcode, compressed), payload, fin, masking_key
    )


def send_continuation(
    sending: Sending, data: object, *, fin: bool, masking_key: bytes | None
) -> tuple[Sending, bytes]:
    """Write a further fragment of the message begun before (RFC 6455 §5.4).

    Raises:
        FrameBuildError: no message has begun.
        TypeError: *data* is not of the message's type.
        ValueError: as for :func:`send_frame`, or *data* cannot be encoded.
    """
    message = sending.message
    if message is None:
        raise FrameBuildError("no message has begun that could be continued")
    payload = checked_text(data, "data") if message.opcode == TEXT else checked_bytes(data)
    return _send_fragment(sending, CONTINUATION, message, payload, fin, masking_key)


def checked_bytes(data: object) -> bytes:
    """Return *data* if it is bytes, or raise a TypeError that names it."""
    if not isinstance(data, bytes):
        raise TypeError(f"data must be bytes, not {type(data).__name__}")
    return data


def checked_control_payload(data: object) -> bytes:
    """Return *data* if it is the payload of a control frame (RFC 6455 §5.5)."""
    payload = checked_bytes(data)
    if len(payload) > MAX_CONTROL_PAYLOAD:
        raise ValueError(f"data has {len(payload)} bytes, at most {MAX_CONTROL_PAYLOAD} fit")
    return payload


def checked_text(text: object, name: str = "text") -> bytes:
    """Return *text* in UTF-8, or raise an error that names it (RFC 6455 §5.6)."""
    if not isinstance(text, str):
        raise TypeError(f"{name} must be str, not {type(text).__name__}")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        shown = text[error.start : error.end]
        raise ValueError(
            f"{name} cannot be encoded as UTF-8: {shown!r} at index {error.start}"
        ) from None


def _send_fragment(
    sending: Sending,
    opcode: int,
    message: OutgoingMessage,
    payload: bytes,
    fin: bool,
    masking_key: bytes | None,
) -> tuple[Sending, bytes]:
    """Write one fragment; RSV1 marks the first of a compressed message (RFC 7692 §6, §7.2.3.3)."""
    seed, derived, context, _message = sending
    if masking_key is not None:
        _check_masking_key(masking_key, is_client=bool(seed))
    first_byte = FIN | opcode if fin else opcode
    if message.compressed and context is not None:
        if opcode != CONTINUATION:
            first_byte |= RSV1
        context, payload = deflate_fragment(context, payload, fin)
    sending = Sending(seed, derived, context, None if fin else message)
    return send_frame(sending, first_byte, payload, masking_key)


def _check_masking_key(masking_key: bytes, *, is_client: bool) -> None:
    if not is_client:
        raise ValueError("masking_key: a server never masks (RFC 6455 §5.1)")
    if not isinstance(masking_key, bytes):
        raise TypeError(f"masking_key must be bytes, not {type(masking_key).__name__}")
    if len(masking_key) != 4:
        raise ValueError(f"masking_key must have 4 bytes, not {len(masking_key)}")
