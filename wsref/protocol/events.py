"""What the application is told: one small value per thing that happened.

Events compare by their content; ``received_time`` (seconds since the epoch) takes
no part in that, since the core reads no clock: it is handed the time of each read.
``name`` is the event's name in lower case, for programs that dispatch on strings.

A connection's life, as events::

    Connecting ─► Connected ─► Ready ─► Text, Binary, Ping, Pong, Poll ... ─► Disconnected
        │             │                        │         │         │
        ▼             ▼                        ▼         ▼         ▼
    ConnectFail    Rejected               ProtocolError Closing  Closed
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from .http import Request, Response

__all__ = [
    "BackOff",
    "Binary",
    "Closed",
    "Closing",
    "ConnectFail",
    "Connected",
    "Connecting",
    "Disconnected",
    "Event",
    "Ping",
    "Poll",
    "Pong",
    "ProtocolError",
    "Ready",
    "Rejected",
    "Requested",
    "Text",
    "Unresponsive",
]


@dataclass(frozen=True, slots=True)
class Event:
    """The base of all events."""

    name: ClassVar[str] = "event"

    #: When the bytes behind the event were received, in seconds since the epoch.
    received_time: float = field(default=0.0, kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Connecting(Event):
    """The session is about to connect to *url*."""

    name: ClassVar[str] = "connecting"
    url: str


@dataclass(frozen=True, slots=True)
class ConnectFail(Event):
    """No transport could be had; *reason* says why.  Nothing follows."""

    name: ClassVar[str] = "connect_fail"
    reason: str


@dataclass(frozen=True, slots=True)
class Connected(Event):
    """The transport to *url* is up, by way of *proxy* (a URL) if there is one."""

    name: ClassVar[str] = "connected"
    url: str
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class Requested(Event):
    """(Server) A valid opening handshake came in: accept or reject it (RFC 6455 §4.2)."""

    name: ClassVar[str] = "requested"
    request: Request


@dataclass(frozen=True, slots=True)
class Ready(Event):
    """The opening handshake succeeded; messages may be sent (RFC 6455 §4.1, §4.2.2).

    ``protocol`` is the subprotocol in use or None, ``extensions`` the names of the
    extensions in use (``permessage-deflate`` or none).
    """

    name: ClassVar[str] = "ready"
    response: Response
    protocol: str | None
    extensions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rejected(Event):
    """(Client) The server answered the opening handshake, but not with a valid acceptance."""

    name: ClassVar[str] = "rejected"
    response: Response
    reason: str


@dataclass(frozen=True, slots=True)
class Text(Event):
    """A text message (RFC 6455 §5.6)."""

    name: ClassVar[str] = "text"
    text: str

    @property
    def json(self) -> object:
        """The text decoded as JSON.

        Raises:
            json.JSONDecodeError: the text is not JSON.
        """
        return json.loads(self.text)

    def __repr__(self) -> str:
        return f"Text(text={_summary(self.text, 'chars')})"


@dataclass(frozen=True, slots=True)
class Binary(Event):
    """A binary message (RFC 6455 §5.6)."""

    name: ClassVar[str] = "binary"
    data: bytes

    def __repr__(self) -> str:
        return f"Binary(data={_summary(self.data, 'bytes')})"


@dataclass(frozen=True, slots=True)
class Ping(Event):
    """A Ping frame; the Pong that answers it is already on its way (RFC 6455 §5.5.2)."""

    name: ClassVar[str] = "ping"
    data: bytes


@dataclass(frozen=True, slots=True)
class Pong(Event):
    """A Pong frame, asked for or not (RFC 6455 §5.5.3)."""

    name: ClassVar[str] = "pong"
    data: bytes


@dataclass(frozen=True, slots=True)
class Poll(Event):
    """A regular event that gives the application its turn."""

    name: ClassVar[str] = "poll"


@dataclass(frozen=True, slots=True)
class Unresponsive(Event):
    """The peer sent no Pong within ``ping_timeout``; Disconnected follows."""

    name: ClassVar[str] = "unresponsive"


@dataclass(frozen=True, slots=True)
class ProtocolError(Event):
    """The peer broke the protocol and the connection is being failed (RFC 6455 §7.1.7).

    ``error`` says what was wrong, ``clause`` is the id of the requirement it breaks,
    ``code`` the status code of the Close frame that we send.  ``critical`` is True
    when the connection ends without a Close frame: the opening handshake was not
    complete, or our Close was sent already.
    """

    name: ClassVar[str] = "protocol_error"
    error: str
    critical: bool
    clause: str = ""
    code: int = 1002


@dataclass(frozen=True, slots=True)
class Closing(Event):
    """The peer sent a Close; ours goes out after this event was handled (RFC 6455 §7.1.3).

    Messages may still be sent while handling it, none will be received any more.
    ``code`` is 1005 if the Close had none (RFC 6455 §7.1.5).
    """

    name: ClassVar[str] = "closing"
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Closed(Event):
    """The peer answered our Close: the closing handshake is complete (RFC 6455 §7.1.4)."""

    name: ClassVar[str] = "closed"
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Disconnected(Event):
    """The transport is gone; the last event of a connection.

    ``graceful`` is True if the closing handshake was complete before; ``code`` is the
    status code of the connection's end (RFC 6455 §7.1.5): that of the first Close
    received, 1005 if it had none, 1006 if none came.
    """

    name: ClassVar[str] = "disconnected"
    reason: str = "closed"
    graceful: bool = False
    code: int = 1006


@dataclass(frozen=True, slots=True)
class BackOff(Event):
    """A persistent connection waits *delay* seconds before it connects again."""

    name: ClassVar[str] = "back_off"
    delay: float

    def __repr__(self) -> str:
        return f"BackOff(delay={self.delay:.1f})"


# A frozen dataclass is built by way of object.__setattr__, which costs more than
# receiving a short message does.  The one place where that counts fills the slots itself.
new_event: Final = object.__new__
set_text: Final[Callable[[Text, str], None]] = Text.__dict__["text"].__set__
set_data: Final[Callable[[Binary, bytes], None]] = Binary.__dict__["data"].__set__
set_received_time: Final[Callable[[Event, float], None]] = Event.__dict__["received_time"].__set__


def _summary(content: str | bytes, unit: str, shown: int = 24) -> str:
    """Return a repr of *content* that never floods a log."""
    if len(content) <= shown:
        return repr(content)
    return f"{content[:shown]!r} + {len(content) - shown} {unit}"
