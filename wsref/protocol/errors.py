"""Exceptions that a caller of this package can meet.

They are about what the *caller* did, or about the transport; what the peer does
wrong is told by events.  The names are those that programs written for lomond use.
"""

from __future__ import annotations

__all__ = [
    "CompressionParameterError",
    "ConnectFail",
    "CriticalProtocolError",
    "FrameBuildError",
    "HandshakeError",
    "PayloadTooLarge",
    "ProtocolError",
    "TransportFail",
    "WebSocketClosed",
    "WebSocketClosing",
    "WebSocketError",
    "WebSocketUnavailable",
]


class WebSocketError(Exception):
    """The base of all errors; *message* may hold ``str.format`` fields for *args*."""

    def __init__(self, message: str, *args: object, **kwargs: object) -> None:
        super().__init__(message.format(*args, **kwargs) if args or kwargs else message)


class FrameBuildError(WebSocketError):
    """A frame cannot be built as asked."""


class HandshakeError(WebSocketError):
    """The server's answer does not complete the opening handshake (RFC 6455 §4.1)."""


class CompressionParameterError(HandshakeError):
    """The parameters of permessage-deflate in an answer are invalid (RFC 7692 §7)."""


class ProtocolError(WebSocketError):
    """A violation of the protocol that a Close frame can still answer."""


class CriticalProtocolError(WebSocketError):
    """A violation of the protocol after which no Close frame makes sense."""


class PayloadTooLarge(ProtocolError):
    """A payload is larger than the protocol or the limits allow."""


class ConnectFail(WebSocketError):
    """No transport to the server could be had."""


class TransportFail(WebSocketError):
    """The transport failed while sending."""


class WebSocketUnavailable(WebSocketError):
    """The WebSocket cannot be used now: it is not open yet, or not open any more."""


class WebSocketClosed(WebSocketUnavailable):
    """The WebSocket is closed."""


class WebSocketClosing(WebSocketUnavailable):
    """A Close was sent: no messages can be sent any more (RFC 6455 §5.5.1)."""
