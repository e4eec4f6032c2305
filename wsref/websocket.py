"""The WebSocket: a thin mutable reference to an immutable :class:`Connection`.

All that the protocol is lives in ``ws.state``.  A WebSocket replaces that value by the next
one and hands the bytes of the step to its session, both under one lock: so any thread may
send while another iterates, and what is on the wire is always what the state says.

The methods that a session calls, and nobody else needs, stand at the end.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from threading import RLock
from time import time
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self, TypeAlias

from .constants import USER_AGENT
from .entropy import MaskingKeys
from .log import debug
from .protocol.closing import State
from .protocol.connection import Connection, Step
from .protocol.deflate import DEFAULT_OFFER, check_answer
from .protocol.errors import (
    CompressionParameterError,
    HandshakeError,
    TransportFail,
    WebSocketError,
    WebSocketUnavailable,
)
from .protocol.events import (
    Binary,
    Closed,
    Closing,
    Disconnected,
    Event,
    Ping,
    Pong,
    Ready,
    Rejected,
    Text,
)
from .protocol.handshake import Asked, check_response
from .protocol.headers import parse_extensions
from .protocol.http import Response, end_of_head
from .protocol.limits import DEFAULT_LIMITS, Limits
from .protocol.status import Status
from .protocol.uri import parse_uri
from .protocol.violations import Violation
from .proxy import Proxies, check_proxies, detect_proxies
from .session import WebsocketSession
from .tls import create_ssl_context

if TYPE_CHECKING:
    import ssl

__all__ = ["Session", "Trace", "WebSocket"]

#: Called with a record of what happens: ``stage`` names it, ``url`` is the WebSocket's.
Trace: TypeAlias = Callable[[dict[str, object]], None]


# Module names are quicker than an enum's attributes.
_CONNECTING: Final = State.CONNECTING
_CLOSED: Final = State.CLOSED
_ENDING: Final = frozenset(
    {State.CLOSE_SENT, State.CLOSE_RECEIVED, State.CLOSE_EXCHANGED, State.FAILED}
)


class Session(Protocol):
    """What drives a WebSocket; any class will do that is called with the WebSocket."""

    def run(
        self,
        *,
        poll: float,
        ping_rate: float,
        ping_timeout: float | None,
        auto_pong: bool,
        close_timeout: float | None,
    ) -> Iterator[Event]:
        """Connect, read, :meth:`WebSocket.feed`, and give the events."""
        ...

    def write(self, data: bytes) -> object:
        """Write bytes to the server."""
        ...

    def close(self) -> None:
        """Close the transport, if there is one."""
        ...


class WebSocket:
    """A client's WebSocket.

    Iterate over :meth:`connect` for its events, or over the WebSocket itself::

        ws = WebSocket("wss://example.com/")
        for event in ws:
            if event.name == "ready":
                ws.send_text("Hello")

    One thread iterates; any thread may send.  After the last event the WebSocket can be
    connected again.  As a context manager it closes the session at the end of the block.

    Args:
        url: a ``ws://`` or ``wss://`` URL.  Userinfo becomes a Basic Authorization header.
        proxies: URLs of proxies by ``"http"`` (for ws) and ``"https"`` (for wss), and under
            ``"no"`` a list of hosts to connect to directly; from the environment if None, and
            no proxy at all if empty.
        protocols: the subprotocols wanted, the most preferred first.
        agent: the User-Agent header.
        compress: whether to offer permessage-deflate (RFC 7692).
        ssl_verify: whether to verify the server's certificate.
        ssl_cafile: a file with the authorities to trust instead of the system's.
        ssl_context: a TLS context to use, as it is, instead of one made from the two above.
        trace: called with records of what happens, for debugging; True to log them.
        limits: the most to accept from the server.

    Raises:
        TypeError, ValueError: an argument that makes no sense; it is named.

    Attributes:
        state: the protocol's state, an immutable value.
        scheme: ``"ws"`` or ``"wss"``.
        host: the server's name, IDNA-encoded, or address.
        port: the server's TCP port.
        resource: the path and query of the URL.
    """

    state: Connection

    def __init__(
        self,
        url: str,
        proxies: Proxies | None = None,
        protocols: Iterable[str] | None = None,
        agent: str | None = None,
        compress: bool = False,
        *,
        ssl_verify: bool = True,
        ssl_cafile: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        trace: Trace | bool | None = None,
        limits: Limits | None = None,
    ) -> None:
        uri = parse_uri(url)
        if isinstance(protocols, (str, bytes)):
            raise TypeError(f"protocols must be a list of strings, not {protocols!r}")
        if proxies is not None:
            check_proxies(proxies)
        if limits is not None and not isinstance(limits, Limits):
            raise TypeError(f"limits must be Limits, not {limits!r}")
        if not (trace is None or isinstance(trace, bool) or callable(trace)):
            raise TypeError(f"trace must be callable, not {trace!r}")
        if ssl_cafile is not None:
            create_ssl_context(ssl_verify, ssl_cafile, ssl_context)
        self.url = url
        self.proxies: Proxies = detect_proxies() if proxies is None else proxies
        self.protocols = list(protocols or ())
        self.agent = agent or USER_AGENT
        self.compress = compress
        self.ssl_verify = ssl_verify
        self.ssl_cafile = ssl_cafile
        self.ssl_context = ssl_context
        self.trace = trace
        self.limits = limits or DEFAULT_LIMITS
        self.scheme = "wss" if uri.secure else "ws"
        self.host = uri.host
        self.port = uri.port
        self.resource = uri.resource

        #: Held while the state changes and its output is written.
        self.lock = RLock()
        #: What :func:`~wsref.protocol.uri.parse_uri` made of the URL.
        self.uri = uri
        self._headers: list[tuple[bytes, bytes]] = []
        self._next_key = MaskingKeys().next_key
        self._session: Session | None = None
        self._auto_pong = True
        self.reset()

    def __repr__(self) -> str:
        return f"WebSocket({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            self._session.close()

    # Connecting

    def add_header(self, header: bytes, value: bytes) -> None:
        """Add a header to the request of every connection from now on.

        Args:
            header: the name; Host, User-Agent, Origin and Authorization replace ours.
            value: the value.

        Raises:
            TypeError: one of them is not bytes.
            ValueError: they cannot stand in a request, or would break the opening handshake.
        """
        if not isinstance(header, bytes):
            raise TypeError(f"header must be bytes, not {type(header).__name__}")
        if not isinstance(value, bytes):
            raise TypeError(f"value must be bytes, not {type(value).__name__}")
        self._headers.append((header, value))
        try:
            self._begin()
        except ValueError:
            self._headers.pop()
            raise

    def connect(
        self,
        session_class: Callable[[WebSocket], Session] = WebsocketSession,
        poll: float = 5.0,
        ping_rate: float = 30.0,
        ping_timeout: float | None = None,
        auto_pong: bool = True,
        close_timeout: float | None = 30.0,
        *,
        open_timeout: float | None = 30.0,
    ) -> Iterator[Event]:
        """Connect, anew every time.

        Args:
            session_class: makes the session that drives the connection.
            poll: seconds between two Poll events; 0 for none.
            ping_rate: seconds between two Pings; 0 for none.
            ping_timeout: seconds without a Pong after which the server is given up; None for
                never.  Twice *ping_rate* is a good choice.
            auto_pong: whether Pings are answered without being asked to.
            close_timeout: seconds to wait for the server's part of the closing handshake,
                the end of TCP included; None or 0 for no limit.
            open_timeout: seconds for everything up to Ready, proxy and TLS included; None
                or 0 for no limit.  (How long a name takes to resolve is up to the system.)

        Returns:
            An iterator over the events.

        Raises:
            TypeError, ValueError: an argument that makes no sense; it is named.
        """
        for name, value in (
            ("poll", poll),
            ("ping_rate", ping_rate),
            ("ping_timeout", ping_timeout),
            ("close_timeout", close_timeout),
            ("open_timeout", open_timeout),
        ):
            _check_seconds(name, value)
        if self._session is not None:
            self._session.close()
        self._auto_pong = bool(auto_pong)
        self.reset()
        session = self._session = session_class(self)
        self.emit_trace(
            "connect_start",
            poll=poll,
            ping_rate=ping_rate,
            ping_timeout=ping_timeout,
            auto_pong=auto_pong,
            close_timeout=close_timeout,
        )
        # Sessions written for lomond know nothing of open_timeout.
        options = {} if open_timeout == _DEFAULT_OPEN_TIMEOUT else {"open_timeout": open_timeout}
        return session.run(
            poll=poll,
            ping_rate=ping_rate,
            ping_timeout=ping_timeout,
            auto_pong=auto_pong,
            close_timeout=close_timeout,
            **options,
        )

    __iter__ = connect

    def reset(self) -> None:
        """Forget the connection there was: the state of a new one, with a key of its own."""
        self._nonce = os.urandom(16)
        self._seed = os.urandom(32)
        self._session = None
        self._farewell: Disconnected | None = None
        self._is_disconnected = False
        self._sent_close_time: float | None = None
        self.state, _events, _request = self._begin()

    def build_request(self) -> bytes:
        """Return the request of the opening handshake; for sessions (RFC 6455 §4.1)."""
        connection, _events, request = self._begin()
        with self.lock:
            if self.state.state is State.CONNECTING:
                self.state = connection
        return request

    # Sending

    def send_text(self, text: str, compress: bool = True, *, fin: bool = True) -> None:
        """Send a text message, or its first fragment.

        Args:
            text: the message.
            compress: whether to compress it, if permessage-deflate was agreed on.
            fin: False if more is to come by :meth:`send_continuation` (RFC 6455 §5.4).

        Raises:
            TypeError: *text* is not a string.
            ValueError: *text* cannot be encoded as UTF-8.
            WebSocketUnavailable: the WebSocket is not open yet; after our Close
                WebSocketClosing, at the end WebSocketClosed.
            TransportFail: the transport failed.
        """
        self.lock.acquire()  # "with" costs twice as much
        try:
            self.state, _events, output = self.state.send_text(
                text, compress, fin=fin, masking_key=self._next_key()
            )
            session = self._session
            unsent = self._write(output) if session is None else session.write(output)
        finally:
            self.lock.release()
        if self.trace:
            self.emit_trace("send_text", length=len(text.encode()), compressed=bool(compress))
        if unsent:
            self._flush()

    def send_binary(self, data: bytes, compress: bool = True, *, fin: bool = True) -> None:
        """Send a binary message, or its first fragment; otherwise like :meth:`send_text`.

        Raises:
            TypeError: *data* is not bytes.
        """
        self.lock.acquire()  # "with" costs twice as much
        try:
            self.state, _events, output = self.state.send_binary(
                data, compress, fin=fin, masking_key=self._next_key()
            )
            session = self._session
            unsent = self._write(output) if session is None else session.write(output)
        finally:
            self.lock.release()
        if self.trace:
            self.emit_trace("send_binary", length=len(data), compressed=bool(compress))
        if unsent:
            self._flush()

    def send_continuation(self, data: str | bytes, *, fin: bool = True) -> None:
        """Send a further fragment of a message begun with ``fin=False`` (RFC 6455 §5.4).

        Args:
            data: more of a text message as str, of a binary message as bytes.
            fin: whether this is the last fragment.

        Raises:
            TypeError: *data* is not of the message's type.
            FrameBuildError: no message has begun.
            ValueError, WebSocketUnavailable, TransportFail: as for :meth:`send_text`.
        """
        with self.lock:
            step = self.state.send_continuation(data, fin=fin, masking_key=self._next_key())
            unsent = self._take(step)
        self.emit_trace("send_continuation", length=len(data), fin=fin)
        if unsent:
            self._flush()

    def send_json(self, _obj: object = ..., **kwargs: object) -> None:
        """Send an object as JSON in a text message.

        Args:
            _obj: the object; or else
            kwargs: the members of a JSON object.

        Raises:
            ValueError: both are given.
            TypeError: the object cannot be encoded as JSON.
            WebSocketUnavailable, TransportFail: as for :meth:`send_text`.
        """
        if kwargs and _obj is not ...:
            raise ValueError("send_json takes a positional argument or keyword arguments, not both")
        import json  # not needed by most

        self.send_text(json.dumps(kwargs if _obj is ... else _obj))

    def send_ping(self, data: bytes = b"") -> None:
        """Send a Ping (RFC 6455 §5.5.2); the Pong comes as an event.

        Raises:
            TypeError: *data* is not bytes.
            ValueError: *data* has more than 125 bytes.
            WebSocketUnavailable, TransportFail: as for :meth:`send_text`.
        """
        with self.lock:
            unsent = self._take(self.state.send_ping(data, masking_key=self._next_key()))
        self.emit_trace("send_ping", length=len(data))
        if unsent:
            self._flush()

    def send_pong(self, data: bytes) -> None:
        """Send a Pong, asked for or not (RFC 6455 §5.5.3); otherwise like :meth:`send_ping`."""
        with self.lock:
            unsent = self._take(self.state.send_pong(data, masking_key=self._next_key()))
        self.emit_trace("send_pong", length=len(data))
        if unsent:
            self._flush()

    def close(self, code: int | None = Status.NORMAL, reason: str | bytes = "goodbye") -> None:
        """Send a Close, and go on iterating for the server's (RFC 6455 §7.1.2).

        While a Closing event is handled it is the reply to the server's Close.  If a Close
        was sent before, or the connection has ended, this does nothing.

        Args:
            code: the status code; None for a Close without one.
            reason: why, for people; at most 123 bytes of UTF-8.

        Raises:
            TypeError, ValueError: *code* or *reason* may not be sent.
            WebSocketUnavailable: the opening handshake is not complete.
        """
        if isinstance(reason, bytes):
            try:
                reason = reason.decode()
            except UnicodeDecodeError as error:
                raise ValueError(f"reason: {reason!r} is not UTF-8: {error}") from None
        if code is None and reason == "goodbye":
            reason = ""
        unsent = self._close(code, reason)
        if unsent:
            with suppress(WebSocketError):
                self._flush()

    def force_disconnect(self) -> None:
        """End the connection at once, without a closing handshake; from any thread."""
        session = self._session
        if session is not None:
            force: Callable[[], None] = getattr(session, "force_disconnect", session.close)
            force()

    # What it is, and what state it is in

    @property
    def session(self) -> Session | None:
        """The session, None before :meth:`connect`."""
        return self._session

    @property
    def key(self) -> bytes:
        """The value of the Sec-WebSocket-Key header (RFC 6455 §4.1)."""
        return self._asked.key.encode()

    @property
    def is_secure(self) -> bool:
        """Whether the connection uses TLS: the ``wss`` scheme."""
        return self.uri.secure

    @property
    def is_active(self) -> bool:
        """Whether the connection is neither closing nor closed."""
        state = self.state.state
        return state is not _CLOSED and state not in _ENDING

    @property
    def is_closing(self) -> bool:
        """Whether the closing handshake has begun: no message can be sent any more.

        The one exception is the handler of the Closing event: it may still send.
        """
        return self.state.state in _ENDING

    @property
    def is_closed(self) -> bool:
        """Whether the connection has ended, or could not be had."""
        return self.state.state is _CLOSED

    @property
    def sent_close_time(self) -> float | None:
        """When our Close was sent, in seconds since the session's start; None if it was not."""
        return self._sent_close_time

    @property
    def supports_compression(self) -> bool:
        """Whether permessage-deflate was agreed on with the server (RFC 7692)."""
        return self.state.deflate is not None

    # What subclasses may want to see, or to decide otherwise

    def on_response(self, response: Response) -> tuple[str | None, Iterable[str]]:
        """Decide on the server's answer to the opening handshake (RFC 6455 §4.1).

        Args:
            response: the answer.

        Returns:
            The subprotocol, and the names of the extensions, for the Ready event.

        Raises:
            HandshakeError: the answer is not acceptable; the event is Rejected then.
        """
        try:
            agreement = check_response(response, self._asked)
        except Violation as violation:
            raise _handshake_error(violation) from violation
        values = response.get_all("sec-websocket-extensions")
        return agreement.subprotocol, self.process_extensions(list(values))

    def process_extensions(self, extensions: Iterable[str]) -> set[str]:
        """Read the extensions that the server has chosen (RFC 6455 §9.1).

        Args:
            extensions: the values of the Sec-WebSocket-Extensions headers.

        Returns:
            Their names.

        Raises:
            HandshakeError: a value that breaks the grammar, or an extension that was not
                offered; CompressionParameterError for permessage-deflate with parameters
                that do not fit the offer.
        """
        values = list(extensions)
        if not values:
            return set()
        try:
            parsed = parse_extensions(values)
            for extension in parsed:
                if extension.name != "permessage-deflate":
                    raise Violation("RFC6455-4.1-47", f"{extension.name!r} was not offered")
                check_answer(extension, self._asked.offers)
        except Violation as violation:
            raise _handshake_error(violation) from violation
        return {extension.name for extension in parsed}

    def on_disconnect(self) -> None:
        """Take note of the connection's end; called once for each connection."""
        self._end()
        if self._session is not None:
            self._session.close()
        self.emit_trace("disconnected")

    # For sessions

    def feed(self, data: bytes) -> Iterator[Event]:
        """Take bytes from the server; what is owed at once, such as Pongs, is written.

        Args:
            data: bytes as they came.

        Returns:
            An iterator over the events; let each be handled before asking for the next:
            our reply to a Close goes out when it is asked for the one behind Closing.
        """
        self.lock.acquire()  # "with" costs twice as much
        try:
            before = self.state
            if before.state is _CONNECTING and 0 < (end := end_of_head(data)) < len(data):
                return self._feed_in_two(data, end)
            after, events, _output = step = before.receive(data, time())
            if after is before and not self.trace:
                return iter(events)  # nothing but whole messages, by far the commonest
            if before.state is not _CONNECTING:
                if after.state is State.FAILED and len(events) > 1:
                    return self._feed_in_two(data, before.sound_length(data))
                self._take_received(step)
                return self._deliver(events)
        finally:
            self.lock.release()
        return self._open(before, step)

    def keep_alive(self) -> None:
        """Send a Ping if that makes sense, without waiting for anything."""
        with suppress(WebSocketError), self.lock:
            self._take(self.state.send_ping(masking_key=self._next_key()))
        self.emit_trace("send_ping", length=0)

    def transport_ended(self, reason: str = "", detail: str = "") -> Disconnected:
        """Take note that the transport has ended, and return the event that says so.

        Args:
            reason: what happened; by default it is told from the state.
            detail: what else is known about it.
        """
        farewell = self._end(reason, detail)
        self._disconnect()
        return farewell

    def connect_failed(self, reason: str) -> None:
        """Take note that there is no transport to be had."""
        self._end(reason)
        self.emit_trace("connect_fail", reason=reason)

    def emit_trace(self, stage: str, **fields: object) -> None:
        """Tell the trace function, if there is one, what happens."""
        if not self.trace:
            return
        record: dict[str, object] = {"stage": stage, "url": self.url, **fields}
        if callable(self.trace):
            self.trace(record)
        else:
            debug("TRACE %r", record)

    # Details

    def _begin(self) -> Step:
        """Begin a connection with what is known by now."""
        offers = (DEFAULT_OFFER,) if self.compress else ()
        protocols = tuple(self.protocols)
        step = Connection.connect(
            self.uri,
            self._nonce,
            seed=self._seed,
            subprotocols=protocols,
            offers=offers,
            headers=tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in self._headers),
            user_agent=self.agent,
            limits=self.limits,
            auto_pong=self._auto_pong,
        )
        self._asked = Asked(b64encode(self._nonce).decode(), protocols, offers)
        return step

    def _write(self, output: bytes) -> bool:
        """Hand bytes to the session, with the lock held; return whether to flush."""
        session = self._session
        if session is None:
            raise WebSocketUnavailable("not connected; nothing was sent")
        return session.write(output) is True

    def _flush(self) -> None:
        """Wait until the session has written everything."""
        flush: Callable[[], None] | None = getattr(self._session, "flush", None)
        if flush is not None:
            flush()

    def _take(self, step: Step) -> bool:
        """Put a step of the application's into effect, with the lock held."""
        self.state = step.connection
        return self._write(step.output)

    def _take_received(self, step: Step) -> None:
        """Put a step of the server's into effect, with the lock held."""
        self.state, _events, output = step
        if output:
            with suppress(WebSocketError):  # the session will find out by itself
                self._write(output)
            self._note_sent_close()

    def _close(self, code: int | None, reason: str) -> bool:
        """Send our Close if there is one to send; return whether to flush."""
        with self.lock:
            before = self.state
            after, _events, output = before.close(code, reason, masking_key=self._next_key())
            if after is before:
                return False
            self.state = after
            self._note_sent_close()
            try:
                unsent = self._write(output)
            except (TransportFail, WebSocketUnavailable):
                unsent = False  # the session will find out by itself
        self.emit_trace("close_requested", code=code, reason=reason)
        return unsent

    def _note_sent_close(self) -> None:
        if self._sent_close_time is None and self.state.sent_close:
            session_time: float = getattr(self._session, "session_time", 0.0)
            self._sent_close_time = session_time

    def _open(self, before: Connection, step: Step) -> Iterator[Event]:
        """Take a step of the opening handshake, and let subclasses have their say."""
        first = step.events[0] if step.events else None
        if not isinstance(first, (Ready, Rejected)):
            with self.lock:
                self._take_received(step)
            return self._deliver(step.events)
        response = first.response
        try:
            protocol, names = self.on_response(response)
            if isinstance(first, Rejected):
                raise HandshakeError(first.reason)
        except HandshakeError as error:
            reason = str(error)
            self.emit_trace("handshake_rejected", reason=reason, status_code=response.status_code)
            self._end("the opening handshake was rejected")
            self._disconnect()
            return iter((Rejected(response, reason, received_time=first.received_time),))
        extensions = frozenset(names)
        self.emit_trace("handshake_ready", protocol=protocol, extensions=sorted(extensions))
        ready = Ready(response, protocol, extensions, received_time=first.received_time)
        with self.lock:
            self._take_received(step)
        return self._deliver((ready, *step.events[1:]))

    def _deliver(self, events: tuple[Event, ...]) -> Iterator[Event]:
        """Give the events, and do what is due when they have been handled."""
        if self.trace:
            for event in events:
                self._trace_event(event)
        if events and isinstance(events[-1], Closing):
            return self._deliver_closing(events)
        return iter(events)

    def _feed_in_two(self, data: bytes, end: int) -> Iterator[Event]:
        """Take the bytes behind *end* only when the events before them have been handled.

        Ready has to be, before there are messages.  And messages before a violation may be
        owed an answer, which must not come behind our Close (RFC 6455 §7.1.7).
        """
        yield from self.feed(data[:end])
        yield from self.feed(data[end:])

    def _deliver_closing(self, events: tuple[Event, ...]) -> Iterator[Event]:
        """Reply to the server's Close once it has been handled (RFC 6455 §7.1.3)."""
        yield from events
        self._close(self.state.reply_code, "")

    def _trace_event(self, event: Event) -> None:
        match event:
            case Closing(code=code, reason=reason) | Closed(code=code, reason=reason):
                self.emit_trace("message_close", code=code, reason=reason)
            case Ping(data=data) | Pong(data=data) | Binary(data=data):
                self.emit_trace(f"message_{event.name}", length=len(data))
            case Text(text=text):
                self.emit_trace("message_text", length=len(text))
            case _:
                pass

    def _end(self, reason: str = "", detail: str = "") -> Disconnected:
        """Take note of the connection's end; the event is the same ever after."""
        with self.lock:
            farewell = self._farewell
            if farewell is None:
                self.state, (event,), _output = self.state.receive_eof(time(), reason, detail)
                assert isinstance(event, Disconnected)
                self._farewell = farewell = event
            return farewell

    def _disconnect(self) -> None:
        """Call :meth:`on_disconnect`, once."""
        if not self._is_disconnected:
            self._is_disconnected = True
            self.on_disconnect()


_DEFAULT_OPEN_TIMEOUT: Final = 30.0


def _handshake_error(violation: Violation) -> HandshakeError:
    if violation.clause.startswith("RFC7692"):
        return CompressionParameterError(violation.detail)
    return HandshakeError(violation.detail)


def _check_seconds(name: str, value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds or None, not {value!r}")
    if not value >= 0:
        raise ValueError(f"{name} must not be negative, not {value!r}")
