"""Constants of the opening handshake that users may want to know."""

from __future__ import annotations

import sys
from typing import Final

from ._version import __version__

__all__ = ["USER_AGENT", "WS_KEY", "WS_VERSION"]

#: What a server appends to the client's key before hashing it (RFC 6455 §1.3).
WS_KEY: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

#: The version of the protocol (RFC 6455 §4.1).
WS_VERSION: Final = 13

_python = "{}.{}.{}".format(*sys.version_info[:3])

#: The User-Agent header, unless the application gives its own.
USER_AGENT: Final = f"wsref/{__version__} {sys.implementation.name}/{_python} {sys.platform}"
