"""The server's answer to an opening handshake; see :mod:`wsref.protocol.http`."""

from .protocol.http import Response

__all__ = ["Response"]
