"""Status codes of the closing handshake (RFC 6455 §7.4).

Which codes may stand in a Close frame is decided here and nowhere else.  1005,
1006 and 1015 exist only to be reported to the application; 1004 has no meaning;
1012 to 1014 were registered with IANA after the RFC.
"""

from __future__ import annotations

from enum import IntEnum, nonmember
from typing import Final

__all__ = ["Status", "is_legal_on_the_wire"]


class Status(IntEnum):
    """The status codes that have a name; members are plain integers."""

    NORMAL = 1000  #: the purpose of the connection is fulfilled
    GOING_AWAY = 1001  #: a server shuts down, or a page is left
    PROTOCOL_ERROR = 1002  #: the peer broke the protocol
    DATA_NOT_UNDERSTOOD = 1003  #: a type of data that the endpoint does not take
    RESERVED = 1004  #: reserved, never on the wire
    NO_STATUS = 1005  #: reported when a Close had no code; never on the wire
    ABNORMAL = 1006  #: reported when no Close came at all; never on the wire
    BAD_DATA = 1007  #: content that contradicts its type, such as invalid UTF-8
    POLICY_VIOLATION = 1008  #: a message against the endpoint's policy
    MESSAGE_TOO_LARGE = 1009  #: a message too big to process
    EXTENSION_FAILED = 1010  #: (client) a required extension is missing
    UNEXPECTED_CONDITION = 1011  #: an internal error
    SERVICE_RESTART = 1012  #: the service restarts
    TRY_AGAIN_LATER = 1013  #: the service is overloaded
    BAD_GATEWAY = 1014  #: a gateway had an invalid answer from upstream
    TLS_HANDSHAKE = 1015  #: reported when TLS failed; never on the wire

    #: Codes below 3000 that never stand in a Close frame (RFC 6455 §7.4.2).
    invalid_codes = nonmember(frozenset({*range(1000), 1004, 1005, 1006, *range(1015, 3000)}))


_NEVER_ON_THE_WIRE: Final = frozenset({1004, 1005, 1006})


def is_legal_on_the_wire(code: int) -> bool:
    """Whether a Close frame may carry *code* (RFC 6455 §7.4.1 and §7.4.2)."""
    if 3000 <= code <= 4999:  # libraries, frameworks, applications and private use
        return True
    return 1000 <= code <= 1014 and code not in _NEVER_ON_THE_WIRE
