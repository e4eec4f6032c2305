"""The exceptions that calls can raise; see :mod:`wsref.protocol.errors`."""

from .protocol.errors import (
    CompressionParameterError,
    ConnectFail,
    CriticalProtocolError,
    FrameBuildError,
    HandshakeError,
    PayloadTooLarge,
    ProtocolError,
    TransportFail,
    WebSocketClosed,
    WebSocketClosing,
    WebSocketError,
    WebSocketUnavailable,
)

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
