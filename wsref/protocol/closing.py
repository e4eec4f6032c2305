"""The closing handshake as one table (RFC 6455 §7).

An endpoint's life is a walk through these states.  ``CONNECTING``, ``OPEN`` and
``CLOSED`` are the RFC's own; its ``CLOSING`` is four states here, since what may be
sent, and who ends the TCP connection, differs between them::

    CONNECTING ──opened──► OPEN ──receive Close──► CLOSE_RECEIVED ──send Close──┐
        │                   │ │                                                 ▼
        │ fail              │ └──send Close──► CLOSE_SENT ──receive Close──► CLOSE_EXCHANGED
        │                   │ fail                │ fail                        │
        ▼                   ▼                     ▼                             │
      FAILED ◄──────────────┴─────────────────────┘                             │
        │                                                                       │
        └───────────────── the transport ends ──► CLOSED ◄──────────────────────┘

The transport can end in every state.  :data:`TRANSITIONS` is the whole truth; the
diagram in the documentation is drawn from it.
"""

from __future__ import annotations

from enum import Enum
from struct import Struct
from types import MappingProxyType
from typing import Final, NamedTuple

from .frames import MAX_CONTROL_PAYLOAD
from .status import is_legal_on_the_wire
from .utf8 import decode_utf8
from .violations import Violation

__all__ = [
    "MAX_REASON",
    "NO_CLOSE",
    "TRANSITIONS",
    "CloseBody",
    "CloseFrames",
    "Input",
    "State",
    "Transport",
    "parse_close",
    "serialize_close",
    "transition",
    "transport_of",
    "truncated_reason",
]

#: A Close has two bytes of status code and at most this many of reason (§5.5.1).
MAX_REASON: Final = MAX_CONTROL_PAYLOAD - 2

_pack_code = Struct("!H").pack


class State(Enum):
    """Where a connection stands between its beginning and its end."""

    CONNECTING = "connecting"  #: the opening handshake is not complete (§4.1)
    OPEN = "open"  #: messages flow both ways (§4.1)
    CLOSE_SENT = "close sent"  #: we sent a Close and wait for the peer's (§7.1.2)
    CLOSE_RECEIVED = "close received"  #: the peer sent a Close; we owe ours (§5.5.1)
    CLOSE_EXCHANGED = "close exchanged"  #: a Close went each way; TCP is to end (§7.1.1)
    FAILED = "failed"  #: we fail the connection; nothing is read any more (§7.1.7)
    CLOSED = "closed"  #: the transport has ended (§7.1.4)

    def __repr__(self) -> str:
        return f"State.{self.name}"


class Input(Enum):
    """What can move a connection from one state to another."""

    OPENED = "the opening handshake succeeds"
    SEND_CLOSE = "send Close"
    RECEIVE_CLOSE = "receive Close"
    FAIL = "fail the connection"
    TRANSPORT_ENDED = "the transport ends"


class Transport(Enum):
    """What the state asks of whoever holds the TCP connection (RFC 6455 §7.1.1)."""

    KEEP = "keep"  #: go on reading and writing
    AWAIT_PEER = "await peer"  #: the server ends TCP first; wait for it, with a time limit
    CLOSE = "close"  #: end TCP now, in an orderly way, discarding what still comes in


#: From a state, by an input, to a state.  What is not listed cannot happen.
TRANSITIONS: Final = MappingProxyType(
    {
        (State.CONNECTING, Input.OPENED): State.OPEN,
        (State.CONNECTING, Input.FAIL): State.FAILED,
        (State.CONNECTING, Input.TRANSPORT_ENDED): State.CLOSED,
        (State.OPEN, Input.SEND_CLOSE): State.CLOSE_SENT,
        (State.OPEN, Input.RECEIVE_CLOSE): State.CLOSE_RECEIVED,
        (State.OPEN, Input.FAIL): State.FAILED,
        (State.OPEN, Input.TRANSPORT_ENDED): State.CLOSED,
        (State.CLOSE_SENT, Input.RECEIVE_CLOSE): State.CLOSE_EXCHANGED,
        (State.CLOSE_SENT, Input.FAIL): State.FAILED,
        (State.CLOSE_SENT, Input.TRANSPORT_ENDED): State.CLOSED,
        (State.CLOSE_RECEIVED, Input.SEND_CLOSE): State.CLOSE_EXCHANGED,
        (State.CLOSE_RECEIVED, Input.TRANSPORT_ENDED): State.CLOSED,
        (State.CLOSE_EXCHANGED, Input.TRANSPORT_ENDED): State.CLOSED,
        (State.FAILED, Input.TRANSPORT_ENDED): State.CLOSED,
    }
)


def transition(state: State, by: Input) -> State:
    """Return the state that follows *state*.

    Raises:
        KeyError: *by* cannot happen in *state*.
    """
    return TRANSITIONS[state, by]


def transport_of(state: State, *, is_client: bool) -> Transport:
    """Return what to do with the TCP connection (RFC 6455 §7.1.1).

    Once a Close has gone each way the server ends TCP at once and the client waits for
    that, so that it is the server that holds the port in TIME_WAIT.  Who fails the
    connection, or finds it closed, ends TCP itself.
    """
    if state is State.CLOSE_EXCHANGED:
        return Transport.AWAIT_PEER if is_client else Transport.CLOSE
    if state is State.FAILED or state is State.CLOSED:
        return Transport.CLOSE
    return Transport.KEEP


class CloseBody(NamedTuple):
    """What a Close frame says (RFC 6455 §5.5.1): a status code, or None, and a reason."""

    code: int | None
    reason: str = ""


class CloseFrames(NamedTuple):
    """The Close frames of a connection so far: the first received and the one sent."""

    received: CloseBody | None = None
    sent: CloseBody | None = None


NO_CLOSE: Final = CloseFrames()


def parse_close(payload: bytes) -> CloseBody:
    """Read the body of a Close frame that was received.

    Raises:
        Violation: a body of one byte, a code that may not be on the wire, or a reason
            that is not UTF-8 (RFC 6455 §5.5.1, §7.4).  A bad code counts first.
    """
    if not payload:
        return CloseBody(None)
    if len(payload) == 1:
        raise Violation("RFC6455-5.5.1-03", "a Close frame with a body of one byte")
    code = payload[0] << 8 | payload[1]
    if not is_legal_on_the_wire(code):
        raise Violation(_clause_against(code), f"a Close frame with status code {code}")
    try:
        return CloseBody(code, decode_utf8(payload[2:]))
    except Violation as violation:
        raise Violation("RFC6455-5.5.1-05", f"close reason: {violation.detail}") from None


def serialize_close(body: CloseBody) -> bytes:
    """Build the body of a Close frame to send.

    Raises:
        TypeError: the code is not an integer, or the reason is not a string.
        ValueError: a code that may not be on the wire, a reason of more than 123 bytes in
            UTF-8 or one that cannot be encoded, or a reason without a code (RFC 6455 §5.5.1).
    """
    code, reason = body
    if not isinstance(reason, str):
        raise TypeError(f"reason must be str, not {type(reason).__name__}")
    if code is None:
        if reason:
            raise ValueError(f"reason: {reason!r} cannot be sent without a code")
        return b""
    if not isinstance(code, int):
        raise TypeError(f"code must be int or None, not {type(code).__name__}")
    if not is_legal_on_the_wire(code):
        raise ValueError(f"code: {code} may not be sent in a Close frame")
    try:
        encoded = reason.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"reason: {reason!r} cannot be encoded as UTF-8") from error
    if len(encoded) > MAX_REASON:
        raise ValueError(f"reason: {len(encoded)} bytes in UTF-8, at most {MAX_REASON} fit")
    return _pack_code(code) + encoded


def truncated_reason(reason: str) -> str:
    """Return as much of *reason* as fits into a Close frame (RFC 6455 §5.5.1)."""
    return reason.encode()[:MAX_REASON].decode(errors="ignore")


def _clause_against(code: int) -> str:
    """Return the requirement that keeps *code* off the wire (RFC 6455 §7.4)."""
    named = {
        1004: "RFC6455-7.4.1-06",
        1005: "RFC6455-7.4.1-07",
        1006: "RFC6455-7.4.1-08",
        1015: "RFC6455-7.4.1-16",
    }
    if code in named:
        return named[code]
    if code < 1000:
        return "RFC6455-7.4.2-01"
    return "RFC6455-7.4.2-02" if code < 3000 else "RFC6455-7.4.2-06"
