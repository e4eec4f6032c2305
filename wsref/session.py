"""The blocking session: connects, reads, keeps the time, and ends the TCP connection.

:meth:`WebsocketSession.run` is a generator of events; everything happens while its consumer
asks for the next one.  Its life:

1. Connect, within ``open_timeout``: through a proxy or to one of the host's addresses
   after the other, then TLS; then send the request.
2. Read, feed the WebSocket, give its events; when there is nothing to read, or between
   two events, do what is due: Poll, Ping, giving up a server that is silent.
3. End TCP as the protocol's state demands (RFC 6455 §7.1.1): after the closing handshake
   the server ends it and we wait for that, for a limited time; after a failure we do.

Whatever the network does becomes an event.  If the consumer goes away (``break``, an
exception) the generator is closed, and the socket with it.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from math import floor, inf
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from .connecting import Turn, take_turn
from .log import debug
from .protocol.closing import State
from .protocol.errors import ConnectFail as ConnectError
from .protocol.errors import TransportFail, WebSocketUnavailable
from .protocol.events import (
    Connected,
    ConnectFail,
    Connecting,
    Event,
    Poll,
    Pong,
    Ready,
    Unresponsive,
)
from .proxy import Proxy, build_connect_request, parse_connect_answer, proxy_for
from .tls import create_ssl_context
from .transport import MAX_WAIT, Transport

if TYPE_CHECKING:
    from .websocket import WebSocket

__all__ = ["WebsocketSession"]


_OPEN: Final = State.OPEN

#: How long to wait for the server to end TCP where no ``close_timeout`` says so, in seconds.
_LINGER: Final = 5.0

#: As the socket module has it: its shape depends on the address family.
_SocketAddress: TypeAlias = tuple[Any, ...]


class WebsocketSession:
    """Drives a :class:`~wsref.websocket.WebSocket` over a TCP connection."""

    #: The clock for everything that is timed, in seconds; tests have their own.
    _monotonic: Callable[[], float] = staticmethod(time.monotonic)

    def __init__(self, websocket: WebSocket) -> None:
        self.websocket = websocket
        self._transport: Transport | None = None
        self._connecting: socket.socket | None = None
        self._turn: Turn | None = None
        self._interruption = ""  # why we ended the connection, if we did
        self._detail = ""  # what the operating system says about its end
        self._closed = False

        # Intervals in seconds, and points in time on the clock; inf means never.
        self._poll = self._ping_rate = self._ping_timeout = self._close_timeout = inf
        self._due = self._open_deadline = self._next_poll = self._next_ping = inf
        self._opened_at: float | None = None
        self._exchanged_at = inf
        self._last_pong = 0.0
        self._overdue_since: float | None = None
        self._watches = True  # whether events matter to what is due

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.websocket.url!r}>"

    @property
    def session_time(self) -> float:
        """Seconds since the opening handshake was complete; 0 before."""
        return 0.0 if self._opened_at is None else self._monotonic() - self._opened_at

    def run(
        self,
        poll: float = 5.0,
        ping_rate: float = 30.0,
        ping_timeout: float | None = None,
        auto_pong: bool = True,
        close_timeout: float | None = 30.0,
        open_timeout: float | None = 30.0,
    ) -> Iterator[Event]:
        """Connect, and give the events; see :meth:`WebSocket.connect` for the arguments.

        Whether Pings are answered was settled when the connection began: *auto_pong* is
        there for sessions that do it themselves.
        """
        websocket = self.websocket
        self._poll = poll or inf
        self._ping_rate = ping_rate or inf
        self._ping_timeout = ping_timeout or inf
        self._close_timeout = close_timeout or inf
        self._open_deadline = self._monotonic() + (open_timeout or inf)
        connected = False
        try:
            yield Connecting(websocket.url, received_time=time.time())
            try:
                transport, proxy = self._connect()
            except (OSError, ValueError, ConnectError) as error:
                reason = self._interruption or _text_of(error)
                if self._monotonic() >= self._open_deadline:
                    reason = f"no connection within {open_timeout:g} s; {reason}"
                debug("%r: no connection; %s", self, reason)
                websocket.connect_failed(reason)
                yield ConnectFail(reason, received_time=time.time())
                return
            connected = True
            yield Connected(websocket.url, proxy, received_time=time.time())
            yield from self._read(transport)
            yield websocket.transport_ended(self._interruption, self._detail)
        finally:
            self._end_turn()
            self.close()
            if connected and websocket.session is self:
                websocket.transport_ended(self._interruption)

    def write(self, data: bytes) -> bool:
        """Write bytes without waiting; called with the WebSocket's lock held.

        Returns:
            Whether some of them could not be written yet: then :meth:`flush`, with the
            lock released.

        Raises:
            WebSocketUnavailable: there is no connection.
            TransportFail: the connection is broken.
        """
        transport = self._transport
        if transport is None:
            raise WebSocketUnavailable("not connected; nothing was sent")
        try:
            unsent = transport.write(data)
        except OSError as error:
            raise TransportFail(f"sending failed; {_text_of(error)}") from error
        if self.websocket.trace:
            self.websocket.emit_trace("socket_send", length=len(data))
        return unsent

    def flush(self) -> None:
        """Wait until everything is written; from any thread.

        Raises:
            TransportFail: the connection is broken, or the server takes nothing any more.
        """
        transport = self._transport
        if transport is None:
            raise TransportFail("sending failed; closed")
        try:
            transport.flush()
        except OSError as error:
            raise TransportFail(f"sending failed; {_text_of(error)}") from error

    def close(self) -> None:
        """Close the socket, if there is one; from any thread."""
        self._closed = True
        self._interruption = self._interruption or "closed by the application"
        connecting, transport = self._connecting, self._transport
        if connecting is not None:
            with suppress(OSError):
                connecting.shutdown(socket.SHUT_RDWR)
        if transport is not None:
            self._transport = None
            transport.close()

    def force_disconnect(self) -> None:
        """End the connection at once: the iteration comes to its end; from any thread."""
        self._interruption = self._interruption or "disconnected by the application"
        transport = self._transport
        if transport is None:
            self.close()
        else:
            transport.interrupt()

    # Connecting

    def _connect(self) -> tuple[Transport, str | None]:
        """Get a transport, and send the request.

        Returns:
            The transport, and the URL of the proxy if there is one.

        Raises:
            ConnectError, OSError, ValueError: there is none to be had.
        """
        websocket = self.websocket
        uri = websocket.uri
        proxy = proxy_for(uri, websocket.proxies)
        if proxy is None:
            transport = self._connect_tcp(uri.host, uri.port)
        else:
            transport = self._connect_through(proxy)
        if uri.secure:
            self._start_tls(transport, uri.host)
        transport.write_all(websocket.build_request(), self._time_left())
        return transport, None if proxy is None else proxy.url

    def _connect_through(self, proxy: Proxy) -> Transport:
        """Get a transport by way of a proxy (RFC 6455 §4.1, RFC 9110 §9.3.6)."""
        uri = self.websocket.uri
        # To which address the proxy connects is unknown, so the name counts.
        self._take_turn((uri.host, uri.port))
        try:
            transport = self._connect_tcp(proxy.host, proxy.port, is_proxy=True)
            if proxy.secure:
                self._start_tls(transport, proxy.host)
        except (OSError, ConnectError) as error:
            raise ConnectError(f"unable to connect to proxy; {_text_of(error)}") from error
        request = build_connect_request(uri, proxy, self.websocket.agent)
        transport.write_all(request, self._time_left())
        received = b""
        while True:
            data = transport.receive(self._time_left())
            if not data:
                raise ConnectError(f"proxy closed the connection after {received[:80]!r}")
            received += data
            rest = parse_connect_answer(received)
            if rest is not None:
                transport.unread(rest)
                return transport

    def _connect_tcp(self, host: str, port: int, *, is_proxy: bool = False) -> Transport:
        """Connect to one of the host's addresses: the first that answers."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise ConnectError(f"unable to resolve {host!r}; {_text_of(error)}") from error
        errors: list[str] = []
        for i, (family, kind, protocol, _name, address) in enumerate(found):
            try:
                if not is_proxy:
                    self._take_turn((str(address[0]), port))
                # An address that does not answer must leave time for those behind it.
                wait = self._time_left() / (len(found) - i)
                return self._connect_address(family, kind, protocol, address, wait)
            except (OSError, ConnectError) as error:
                errors.append(f"{address[0]} port {port}: {_text_of(error)}")
                debug("%r: %s", self, errors[-1])
            if not is_proxy:
                self._end_turn()
        raise ConnectError(f"unable to connect to {host!r}; {', '.join(errors)}")

    def _connect_address(
        self, family: int, kind: int, protocol: int, address: _SocketAddress, timeout: float
    ) -> Transport:
        """Connect to one address.

        Raises:
            OSError: that did not work, or took longer than *timeout* seconds.
        """
        sock = self._connecting = socket.socket(family, kind, protocol)
        try:
            if self._closed:
                raise OSError(self._interruption)
            sock.settimeout(timeout)
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transport = self._transport = Transport(
                sock,
                self.websocket.lock,
                max_inbox=self.websocket.limits.message_size,
                stall_timeout=None if self._ping_timeout == inf else self._ping_timeout,
            )
        except BaseException:
            sock.close()
            raise
        finally:
            self._connecting = None
        if self._closed:  # just now, by another thread
            self.close()
        return transport

    def _start_tls(self, transport: Transport, host: str) -> None:
        """Put TLS on the transport (RFC 6455 §4.1)."""
        websocket = self.websocket
        context = create_ssl_context(
            websocket.ssl_verify, websocket.ssl_cafile, websocket.ssl_context
        )
        try:
            transport.start_tls(context, host, self._time_left())
        except OSError as error:
            raise ConnectError(f"TLS with {host!r} failed; {_text_of(error)}") from error
        websocket.emit_trace(
            "tls_wrapped",
            verify=websocket.ssl_verify,
            has_context=True,
            cafile=websocket.ssl_cafile is not None,
        )

    def _time_left(self) -> float:
        """Return how long connecting may still take, in seconds.

        Raises:
            TimeoutError: it has taken too long already.
        """
        left = self._open_deadline - self._monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return min(left, MAX_WAIT)

    def _take_turn(self, address: tuple[str, int]) -> None:
        """Wait until no other connection to *address* is being opened (RFC 6455 §4.1)."""
        self._turn = take_turn(address, self._time_left())
        if self._turn is None:
            raise ConnectError("another connection there was being opened all the time")

    def _end_turn(self) -> None:
        if self._turn is not None:
            self._turn.end()
            self._turn = None

    # Reading

    def _read(self, transport: Transport) -> Iterator[Event]:
        """Give events until the connection has come to its end."""
        websocket = self.websocket
        clock = self._monotonic
        feed = websocket.feed
        receive = transport.receive
        now = clock()
        self._due = min(self._open_deadline, now + MAX_WAIT)
        while True:
            if now >= self._due:
                yield from self._do_what_is_due(now)
                if self._interruption:
                    return
                now = clock()
            try:
                data = receive(self._due - now)
            except TimeoutError:
                if self._overdue_since is not None:
                    yield self._unresponsive()
                    return
                now = clock()
                continue
            except OSError as error:
                self._detail = _text_of(error)
                return
            if websocket.trace:
                websocket.emit_trace("socket_recv", length=len(data))
            if not data:
                break
            now = 0.0
            for event in feed(data):
                if self._watches:
                    self._watch(event)
                yield event
                now = clock()
                if now >= self._due:
                    yield from self._do_what_is_due(now)
                    if self._interruption:
                        return
                    now = 0.0
            if websocket.state.state is not _OPEN and self._is_over(transport):
                return
            now = now or clock()
        if websocket.state.state is State.CLOSE_EXCHANGED:
            transport.finish(_LINGER)

    def _watch(self, event: Event) -> None:
        """Take note of events that matter to what is due."""
        if isinstance(event, Pong):
            self._last_pong = self._monotonic()
        elif isinstance(event, Ready):
            self._end_turn()
            self._watches = self._ping_timeout < inf
            now = self._opened_at = self._last_pong = self._monotonic()
            if self._poll < inf:
                self._next_poll = now
            if self._ping_rate < inf:
                self._next_ping = now
            self._due = now

    def _is_over(self, transport: Transport) -> bool:
        """Do what a state other than open asks for; return whether to read no more."""
        connection = self.websocket.state
        state = connection.state
        if state is State.CLOSE_EXCHANGED and self._exchanged_at == inf:
            self._exchanged_at = self._monotonic()
            self._set_due(self._exchanged_at)
        if state is State.FAILED and connection.sent_close:
            transport.finish(min(_LINGER, self._close_timeout))
        return state is State.FAILED or state is State.CLOSED

    def _do_what_is_due(self, now: float) -> Iterator[Event]:
        """Do what is due at *now*, and find out what will be due next."""
        opened_at = self._opened_at
        if opened_at is None:
            self._due = min(self._open_deadline, now + MAX_WAIT)
            if now >= self._open_deadline:
                self._interruption = "the opening handshake took too long"
            return
        websocket = self.websocket
        if now >= self._next_ping:
            periods = floor((now - opened_at) / self._ping_rate) + 1
            self._next_ping = opened_at + periods * self._ping_rate
            websocket.keep_alive()
        if now >= self._next_poll:
            self._next_poll = now + self._poll
            if websocket.state.state is not State.CLOSE_EXCHANGED:
                yield Poll(received_time=time.time())
                now = self._monotonic()  # its handler may have taken long
        if now < self._last_pong + self._ping_timeout:
            self._overdue_since = None
        elif self._overdue_since is None:
            # The Pong may be waiting to be read: it is not the server's fault if
            # somebody took his time to handle an event.
            self._overdue_since = now
        elif now >= self._overdue_since + self._ping_timeout:
            yield self._unresponsive()
        if now >= self._close_deadline(opened_at):
            if websocket.state.state is State.CLOSE_EXCHANGED:
                self._interruption = "closed"
            else:
                self._interruption = (
                    f"the server did not answer our Close within {self._close_timeout:g} s"
                )
        self._set_due(now)

    def _unresponsive(self) -> Unresponsive:
        self._interruption = f"the server sent no Pong within {self._ping_timeout:g} s"
        return Unresponsive(received_time=time.time())

    def _close_deadline(self, opened_at: float) -> float:
        """Return until when to wait for the server's part of closing."""
        sent = self.websocket.sent_close_time
        if sent is None:
            return inf
        if self._close_timeout == inf:
            return self._exchanged_at + _LINGER
        return opened_at + sent + self._close_timeout

    def _set_due(self, now: float) -> None:
        """Find out when something is due next."""
        opened_at = self._opened_at
        if opened_at is None:
            return
        self._due = min(
            self._next_poll,
            self._next_ping,
            now if self._overdue_since is not None else self._last_pong + self._ping_timeout,
            self._close_deadline(opened_at),
            # Another thread may send our Close at any time; this is soon enough for it.
            now + self._close_timeout,
            now + MAX_WAIT,
        )


def _text_of(error: Exception) -> str:
    """Say what happened, also where the exception has no words for it."""
    if isinstance(error, TimeoutError):
        return str(error) or "timed out"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
