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

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final

from .values import Value, put

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


class Event(Value):
    """The base of all events.

    Attributes:
        name: the event's name in lower case.
        received_time: when the bytes behind the event were received, in seconds since the
            epoch; it takes no part in comparing.
    """

    __slots__ = ("received_time",)
    name: ClassVar[str] = "event"
    received_time: float

    def __init__(self, *, received_time: float = 0.0) -> None:
        put(self, "received_time", received_time)

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (self.__class__, self.content(), self.received_time)


class Connecting(Event):
    """The session is about to connect to *url*."""

    __slots__ = __match_args__ = ("url",)
    name: ClassVar[str] = "connecting"
    url: str

    def __init__(self, url: str, *, received_time: float = 0.0) -> None:
        put(self, "url", url)
        put(self, "received_time", received_time)


class ConnectFail(Event):
    """No transport could be had; *reason* says why.  Nothing follows."""

    __slots__ = __match_args__ = ("reason",)
    name: ClassVar[str] = "connect_fail"
    reason: str

    def __init__(self, reason: str, *, received_time: float = 0.0) -> None:
        put(self, "reason", reason)
        put(self, "received_time", received_time)


class Connected(Event):
    """The transport to *url* is up, by way of *proxy* (a URL) if there is one."""

    __slots__ = __match_args__ = ("url", "proxy")
    name: ClassVar[str] = "connected"
    url: str
    proxy: str | None

    def __init__(self, url: str, proxy: str | None = None, *, received_time: float = 0.0) -> None:
        put(self, "url", url)
        put(self, "proxy", proxy)
        put(self, "received_time", received_time)


class Requested(Event):
    """(Server) A valid opening handshake came in: accept or reject it (RFC 6455 §4.2)."""

    __slots__ = __match_args__ = ("request",)
    name: ClassVar[str] = "requested"
    request: Request

    def __init__(self, request: Request, *, received_time: float = 0.0) -> None:
        put(self, "request", request)
        put(self, "received_time", received_time)


class Ready(Event):
    """The opening handshake succeeded; messages may be sent (RFC 6455 §4.1, §4.2.2).

    ``protocol`` is the subprotocol in use or None, ``extensions`` the names of the
    extensions in use (``permessage-deflate`` or none).
    """

    __slots__ = __match_args__ = ("response", "protocol", "extensions")
    name: ClassVar[str] = "ready"
    response: Response
    protocol: str | None
    extensions: frozenset[str]

    def __init__(
        self,
        response: Response,
        protocol: str | None,
        extensions: frozenset[str],
        *,
        received_time: float = 0.0,
    ) -> None:
        put(self, "response", response)
        put(self, "protocol", protocol)
        put(self, "extensions", extensions)
        put(self, "received_time", received_time)


class Rejected(Event):
    """(Client) The server answered the opening handshake, but not with a valid acceptance."""

    __slots__ = __match_args__ = ("response", "reason")
    name: ClassVar[str] = "rejected"
    response: Response
    reason: str

    def __init__(self, response: Response, reason: str, *, received_time: float = 0.0) -> None:
        put(self, "response", response)
        put(self, "reason", reason)
        put(self, "received_time", received_time)


class Text(Event):
    """A text message (RFC 6455 §5.6)."""

    __slots__ = __match_args__ = ("text",)
    name: ClassVar[str] = "text"
    text: str

    def __init__(self, text: str, *, received_time: float = 0.0) -> None:
        put(self, "text", text)
        put(self, "received_time", received_time)

    @property
    def json(self) -> object:
        """The text decoded as JSON.

        Raises:
            json.JSONDecodeError: the text is not JSON.
        """
        import json  # not needed by most

        return json.loads(self.text)

    def __repr__(self) -> str:
        return f"Text(text={_summary(self.text, 'chars')})"


class Binary(Event):
    """A binary message (RFC 6455 §5.6)."""

    __slots__ = __match_args__ = ("data",)
    name: ClassVar[str] = "binary"
    data: bytes

    def __init__(self, data: bytes, *, received_time: float = 0.0) -> None:
        put(self, "data", data)
        put(self, "received_time", received_time)

    def __repr__(self) -> str:
        return f"Binary(data={_summary(self.data, 'bytes')})"


class Ping(Event):
    """A Ping frame; the Pong that answers it is already on its way (RFC 6455 §5.5.2)."""

    __slots__ = __match_args__ = ("data",)
    name: ClassVar[str] = "ping"
    data: bytes

    def __init__(self, data: bytes, *, received_time: float = 0.0) -> None:
        put(self, "data", data)
        put(self, "received_time", received_time)


class Pong(Event):
    """A Pong frame, asked for or not (RFC 6455 §5.5.3)."""

    __slots__ = __match_args__ = ("data",)
    name: ClassVar[str] = "pong"
    data: bytes

    def __init__(self, data: bytes, *, received_time: float = 0.0) -> None:
        put(self, "data", data)
        put(self, "received_time", received_time)


class Poll(Event):
    """A regular event that gives the application its turn."""

    __slots__ = ()
    name: ClassVar[str] = "poll"


class Unresponsive(Event):
    """The peer sent no Pong within ``ping_timeout``; Disconnected follows."""

    __slots__ = ()
    name: ClassVar[str] = "unresponsive"


class ProtocolError(Event):
    """The peer broke the protocol and the connection is being failed (RFC 6455 §7.1.7).

    ``error`` says what was wrong, ``clause`` is the id of the requirement it breaks,
    ``code`` the status code of the Close frame that we send.  ``critical`` is True
    when the connection ends without a Close frame: the opening handshake was not
    complete, or our Close was sent already.
    """

    __slots__ = __match_args__ = ("error", "critical", "clause", "code")
    name: ClassVar[str] = "protocol_error"
    error: str
    critical: bool
    clause: str
    code: int

    def __init__(
        self,
        error: str,
        critical: bool,
        clause: str = "",
        code: int = 1002,
        *,
        received_time: float = 0.0,
    ) -> None:
        put(self, "error", error)
        put(self, "critical", critical)
        put(self, "clause", clause)
        put(self, "code", code)
        put(self, "received_time", received_time)


class Closing(Event):
    """The peer sent a Close; ours goes out after this event was handled (RFC 6455 §7.1.3).

    Messages may still be sent while handling it, none will be received any more.
    ``code`` is 1005 if the Close had none (RFC 6455 §7.1.5).
    """

    __slots__ = __match_args__ = ("code", "reason")
    name: ClassVar[str] = "closing"
    code: int
    reason: str

    def __init__(self, code: int, reason: str, *, received_time: float = 0.0) -> None:
        put(self, "code", code)
        put(self, "reason", reason)
        put(self, "received_time", received_time)


class Closed(Event):
    """The peer answered our Close: the closing handshake is complete (RFC 6455 §7.1.4)."""

    __slots__ = __match_args__ = ("code", "reason")
    name: ClassVar[str] = "closed"
    code: int
    reason: str

    def __init__(self, code: int, reason: str, *, received_time: float = 0.0) -> None:
        put(self, "code", code)
        put(self, "reason", reason)
        put(self, "received_time", received_time)


class Disconnected(Event):
    """The transport is gone; the last event of a connection.

    ``graceful`` is True if the closing handshake was complete before; ``code`` is the
    status code of the connection's end (RFC 6455 §7.1.5): that of the first Close
    received, 1005 if it had none, 1006 if none came.
    """

    __slots__ = __match_args__ = ("reason", "graceful", "code")
    name: ClassVar[str] = "disconnected"
    reason: str
    graceful: bool
    code: int

    def __init__(
        self,
        reason: str = "closed",
        graceful: bool = False,
        code: int = 1006,
        *,
        received_time: float = 0.0,
    ) -> None:
        put(self, "reason", reason)
        put(self, "graceful", graceful)
        put(self, "code", code)
        put(self, "received_time", received_time)


class BackOff(Event):
    """A persistent connection waits *delay* seconds before it connects again."""

    __slots__ = __match_args__ = ("delay",)
    name: ClassVar[str] = "back_off"
    delay: float

    def __init__(self, delay: float, *, received_time: float = 0.0) -> None:
        put(self, "delay", delay)
        put(self, "received_time", received_time)

    def __repr__(self) -> str:
        return f"BackOff(delay={self.delay:.1f})"


# Calling the class of an event costs more than all the rest of receiving a short message.
# The one place where that counts makes the object and fills its slots itself.
new_event: Final = object.__new__
set_text: Final[Callable[[Text, str], None]] = Text.__dict__["text"].__set__
set_data: Final[Callable[[Binary, bytes], None]] = Binary.__dict__["data"].__set__
set_received_time: Final[Callable[[Event, float], None]] = Event.__dict__["received_time"].__set__


def _restored(kind: type[Event], content: tuple[object, ...], received_time: float) -> Event:
    """Make a copied or pickled event again."""
    return kind(*content, received_time=received_time)


def _summary(content: str | bytes, unit: str, shown: int = 24) -> str:
    """Return a repr of *content* that never floods a log."""
    if len(content) <= shown:
        return repr(content)
    return f"{content[:shown]!r} + {len(content) - shown} {unit}"
