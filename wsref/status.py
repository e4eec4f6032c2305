"""The status codes of the closing handshake; see :mod:`wsref.protocol.status`."""

from .protocol.status import Status, is_legal_on_the_wire

__all__ = ["Status", "is_legal_on_the_wire"]
