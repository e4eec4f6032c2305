"""The asyncio server: a handler coroutine for every connection.

A connection's task does everything in order: it waits for the request, decides on it,
runs the handler, and closes properly whatever the handler did.  One failing connection
never touches the others.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl as tls
from collections.abc import Awaitable, Callable, Collection, Generator, Sequence
from types import TracebackType
from typing import NamedTuple, Self, TypeAlias

from ..protocol.closing import State
from ..protocol.connection import Connection
from ..protocol.deflate import DEFAULT_POLICY
from ..protocol.errors import TransportFail, WebSocketUnavailable
from ..protocol.events import Requested
from ..protocol.handshake import check_origin
from ..protocol.headers import is_token
from ..protocol.http import Headers, Request
from ..protocol.limits import DEFAULT_LIMITS, Limits
from ..protocol.status import Status
from .link import Link, Schedule, Trace, trace_function
from .websocket import WebSocket

__all__ = ["Handler", "ProcessRequest", "Refusal", "Server", "serve"]

_log = logging.getLogger("wsref")

_PENDING_CONNECTIONS = 1024


class Refusal(NamedTuple):
    """An HTTP answer instead of an acceptance (RFC 6455 §4.2.2).

    Attributes:
        status: the HTTP status code, 300 to 599.
        headers: further header fields.
        body: what a person will read.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""


#: What is run for every accepted connection.
Handler: TypeAlias = Callable[[WebSocket], Awaitable[None]]

#: What decides on a request that is valid in itself: None accepts it.
ProcessRequest: TypeAlias = Callable[[Request], Awaitable[Refusal | None]]


def serve(
    handler: Handler,
    host: str | None,
    port: int,
    *,
    ssl: tls.SSLContext | None = None,
    subprotocols: Sequence[str] = (),
    compress: bool = True,
    origins: Collection[str | None] | None = None,
    process_request: ProcessRequest | None = None,
    limits: Limits | None = None,
    trace: Trace | bool | None = None,
    poll: float | None = None,
    ping_rate: float | None = 30.0,
    ping_timeout: float | None = None,
    auto_pong: bool = True,
    close_timeout: float | None = 10.0,
    open_timeout: float | None = 30.0,
) -> Server:
    """Serve WebSockets.

    ``async with serve(handler, "localhost", 9001) as server: ...`` serves inside the block.

    Args:
        handler: a coroutine function that is called with the :class:`WebSocket` of every
            accepted connection.  The first event of that is Ready.  When the handler
            returns the connection is closed; when it raises, with status code 1011.
        host: the address or name to listen on; None for all addresses.
        port: the TCP port, 0 for a free one.
        ssl: the TLS context with the server's certificate; None for no TLS.
        subprotocols: those supported; the first that the client named is chosen.
        compress: whether to agree on permessage-deflate (RFC 7692).
        origins: the origins allowed, None among them for requests without an Origin
            header; others get 403.  None allows all (RFC 6455 §10.2).
        process_request: a coroutine function that looks at a request and may refuse it.
        limits: the most to accept from a client; message size, header bytes, fragments.
        trace: called with records of what happens, for debugging; True to log them.
        poll: seconds between two Poll events; None for none.
        ping_rate: seconds between two Pings; 0 or None for none.
        ping_timeout: seconds without a Pong after which a client is given up; None for never.
        auto_pong: whether Pings are answered without being asked to.
        close_timeout: seconds to wait for a client's part of the closing handshake, and for
            handlers when the server is closed; None for no limit.
        open_timeout: seconds that TLS and the opening handshake may take; None for no limit.

    Returns:
        A server that begins to listen when it is awaited or entered.

    Raises:
        TypeError, ValueError: an argument that makes no sense.
    """
    if not callable(handler):
        raise TypeError(f"handler must be a coroutine function, not {handler!r}")
    if isinstance(port, bool) or not isinstance(port, int):
        raise TypeError(f"port must be int, not {port!r}")
    if not 0 <= port <= 65535:
        raise ValueError(f"port must be 0 to 65535, not {port}")
    if isinstance(origins, str):
        raise TypeError(f"origins must be a collection of strings, not the string {origins!r}")
    if isinstance(subprotocols, str):
        raise TypeError(f"subprotocols must be a list of strings, not the string {subprotocols!r}")
    for subprotocol in subprotocols:
        if not is_token(subprotocol):
            raise ValueError(f"subprotocols: {subprotocol!r} is not a token")
    schedule = Schedule(poll, ping_rate, ping_timeout, close_timeout, open_timeout, at_once=False)
    return Server(
        handler,
        host,
        port,
        _Options(
            ssl,
            tuple(subprotocols),
            compress,
            None if origins is None else frozenset(origins),
            process_request,
            limits or DEFAULT_LIMITS,
            trace_function(trace),
            schedule.check(),
            auto_pong,
        ),
    )


class _Options(NamedTuple):
    """What :func:`serve` was given, checked."""

    ssl: tls.SSLContext | None
    subprotocols: tuple[str, ...]
    compress: bool
    origins: frozenset[str | None] | None
    process_request: ProcessRequest | None
    limits: Limits
    trace: Trace | None
    schedule: Schedule
    auto_pong: bool


class Server:
    """A listening server; made by :func:`serve`."""

    def __init__(self, handler: Handler, host: str | None, port: int, options: _Options) -> None:
        self._handler = handler
        self._host = host
        self._port = port
        self._options = options
        self._listener: asyncio.Server | None = None
        self._links: dict[asyncio.Task[None], Link] = {}
        self._closing = asyncio.Event()

    # Beginning and end

    async def start(self) -> Self:
        """Begin to listen.

        Raises:
            OSError: the address cannot be listened on.
        """
        context, schedule = self._options.ssl, self._options.schedule
        self._listener = await asyncio.get_running_loop().create_server(
            self._new_link,
            self._host,
            self._port,
            ssl=context,
            backlog=_PENDING_CONNECTIONS,
            ssl_handshake_timeout=None if context is None else schedule.open_timeout or None,
            ssl_shutdown_timeout=None if context is None else schedule.close_timeout or None,
        )
        return self

    def close(self, code: int = Status.GOING_AWAY, reason: str = "") -> None:
        """Stop listening and begin to close every connection (RFC 6455 §7.4.1: 1001).

        Handlers see the closing handshake as events and can finish; see :meth:`wait_closed`.
        """
        if self._closing.is_set():
            return
        self._closing.set()
        if self._listener is not None:
            self._listener.close()
        for link in self._links.values():
            if link.connection.state is State.CONNECTING:
                link.abort("the server shuts down")
            else:
                link.close(code, reason)

    async def wait_closed(self) -> None:
        """Wait until the server was closed and all connections and handlers have ended.

        Handlers that have not returned ``close_timeout`` seconds after the call are cancelled.
        """
        await self._closing.wait()
        tasks = set(self._links)
        if tasks:
            _done, late = await asyncio.wait(
                tasks, timeout=self._options.schedule.close_timeout or None
            )
            for task in late:
                self._links[task].abort("the server shuts down")
                task.cancel()
            if late:
                await asyncio.wait(late)
        if self._listener is not None:
            await self._listener.wait_closed()

    def __await__(self) -> Generator[object, None, Self]:
        return self.start().__await__()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        await self.wait_closed()

    # What it is

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The listening sockets."""
        return () if self._listener is None else self._listener.sockets

    @property
    def port(self) -> int:
        """The TCP port listened on."""
        return int(self.sockets[0].getsockname()[1]) if self.sockets else self._port

    @property
    def url(self) -> str:
        """A URL under which the server can be reached from this machine."""
        host = self._host or "localhost"
        if ":" in host:
            host = f"[{host}]"
        scheme = "ws" if self._options.ssl is None else "wss"
        return f"{scheme}://{host}:{self.port}/"

    def __repr__(self) -> str:
        return f"<Server {self.url} {len(self._links)} connections>"

    # A connection

    def _new_link(self) -> Link:
        options = self._options
        connection = Connection.listen(limits=options.limits, auto_pong=options.auto_pong)
        return Link(
            connection,
            options.schedule,
            on_connected=self._begin,
            trace=options.trace,
            url=self.url if options.trace is not None else "",
        )

    def _begin(self, link: Link) -> None:
        """Run a task for a connection that has come in."""
        task = asyncio.get_running_loop().create_task(self._run(link))
        self._links[task] = link
        task.add_done_callback(self._links.pop)
        if self._closing.is_set():  # it was on its way when we stopped listening
            link.abort("the server shuts down")

    async def _run(self, link: Link) -> None:
        """See one connection through, from the request to the end of TCP."""
        ws = WebSocket(link, self.url)
        code: int = Status.NORMAL
        try:
            if await self._open(link, ws):
                await self._handler(ws)
        except asyncio.CancelledError:
            code = Status.GOING_AWAY
            raise
        except Exception as error:
            if isinstance(error, (WebSocketUnavailable, TransportFail)) and not ws.is_active:
                _log.debug("%r: %s", ws, error)  # the usual end of a handler that only sends
            else:
                _log.exception("%r: the handler failed", ws)
                code = Status.UNEXPECTED_CONDITION
        finally:
            await link.finish(code)

    async def _open(self, link: Link, ws: WebSocket) -> bool:
        """Wait for the request and decide on it; return whether it was accepted."""
        options = self._options
        event = await anext(ws, None)
        if not isinstance(event, Requested):
            return False  # ProtocolError: the HTTP answer is written already
        request = ws.request = event.request
        scheme = "ws" if options.ssl is None else "wss"
        ws.url = f"{scheme}://{request.get('Host')}{request.target}"
        refusal: Refusal | None = None
        if not check_origin(request, options.origins):
            refusal = Refusal(403, body=b"this Origin is not allowed\n")
        elif options.process_request is not None:
            try:
                refusal = await options.process_request(request)
            except Exception:
                _log.exception("%r: process_request failed", ws)
                refusal = Refusal(500)
        if link.is_closed:
            return False
        if refusal is not None:
            link.send(link.connection.reject(*refusal))
            return False
        link.send(
            link.connection.accept(
                subprotocols=options.subprotocols,
                deflate=DEFAULT_POLICY if options.compress else None,
                now=link.now(),
            )
        )
        return True
