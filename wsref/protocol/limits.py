"""How much a peer can make us hold (RFC 6455 §10.4)."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["DEFAULT_LIMITS", "Limits"]


class Limits(NamedTuple):
    """The most that a connection accepts from its peer.

    Attributes:
        header_bytes: size of the opening handshake's head, in bytes.
        message_size: size of one message, in bytes, counted after inflating.
        fragments: number of frames that one message may consist of.
    """

    header_bytes: int = 16 * 1024
    message_size: int = 64 * 1024 * 1024
    fragments: int = 1024 * 1024


DEFAULT_LIMITS = Limits()
