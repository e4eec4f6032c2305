"""The WebSocket protocol you can read, prove and vendor: RFC 6455 and RFC 7692.

    from wsref import WebSocket

    for event in WebSocket("wss://example.com/"):
        ...

The protocol itself is in :mod:`wsref.protocol`: immutable values and pure functions.
:mod:`wsref.aio` has the asyncio client and server.
"""

from ._version import __version__
from .websocket import WebSocket

__all__ = ["WebSocket", "__version__"]
