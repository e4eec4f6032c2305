"""The asyncio client: from a URL to a link that is up.

Connecting runs in a task of its own, which ends when the opening handshake is over or no
transport can be had for it; so whoever iterates may be cancelled meanwhile and nothing starts over.
What goes wrong is an event, ``ConnectFail``; what the caller got wrong is an exception
from :func:`connect`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl as tls
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final, NamedTuple, TypedDict, cast
from weakref import WeakKeyDictionary, WeakValueDictionary

from ..constants import USER_AGENT
from ..protocol.connection import Connection, Step
from ..protocol.deflate import DEFAULT_OFFER, DeflateOffer
from ..protocol.errors import ConnectFail
from ..protocol.events import Connected, Connecting
from ..protocol.http import Headers
from ..protocol.limits import DEFAULT_LIMITS, Limits
from ..protocol.status import Status
from ..protocol.uri import WebSocketURI, parse_uri
from ..proxy import Proxies, Proxy, build_connect_request, parse_connect_answer, proxy_for
from ..tls import create_ssl_context
from .link import Link, Schedule, Trace, trace_function
from .websocket import WebSocket

__all__ = ["ConnectOptions", "Connector", "connect"]


def connect(
    url: str,
    *,
    proxies: Proxies | None = None,
    protocols: Sequence[str] | None = None,
    agent: str | None = None,
    compress: bool = False,
    headers: Iterable[tuple[str, str]] = (),
    origin: str | None = None,
    ssl_verify: bool = True,
    ssl_cafile: str | None = None,
    ssl_context: tls.SSLContext | None = None,
    trace: Trace | bool | None = None,
    limits: Limits | None = None,
    poll: float | None = 5.0,
    ping_rate: float | None = 30.0,
    ping_timeout: float | None = None,
    auto_pong: bool = True,
    close_timeout: float | None = 30.0,
    open_timeout: float | None = 30.0,
) -> Connector:
    """Connect to a server.

    ``async with connect(url) as ws: async for event in ws: ...`` gives the connection's events.
    They are those of the blocking :class:`wsref.WebSocket`, from Connecting on.
    Leaving the block closes the connection properly, whatever state it is in.

    Args:
        url: a ``ws://`` or ``wss://`` URL.
        proxies: URLs of proxies by ``"http"`` and ``"https"``; from the environment if
            None, and none at all if empty.
        protocols: the subprotocols wanted, the most preferred first.
        agent: the User-Agent header.
        compress: whether to offer permessage-deflate (RFC 7692).
        headers: further header fields of the request.
        origin: the Origin header, for clients that act on behalf of a page.
        ssl_verify: whether to verify the server's certificate.
        ssl_cafile: a file with the authorities to trust instead of the system's.
        ssl_context: a TLS context to use instead of one made from the two above.
        trace: called with records of what happens, for debugging; True to log them.
        limits: the most to accept from the server.
        poll: seconds between two Poll events; 0 or None for none.
        ping_rate: seconds between two Pings; 0 or None for none.
        ping_timeout: seconds without a Pong after which the server is given up; None for never.
        auto_pong: whether Pings are answered without being asked to.
        close_timeout: seconds to wait for the server's part of the closing handshake; 0 or
            None for no limit.
        open_timeout: seconds for everything up to Ready, proxy and TLS included; None for
            no limit.

    Raises:
        TypeError, ValueError: an argument that makes no sense; it is named.
    """
    uri = parse_uri(url)
    if isinstance(protocols, str):
        raise TypeError(f"protocols must be a list of strings, not the string {protocols!r}")
    schedule = Schedule(poll, ping_rate, ping_timeout, close_timeout, open_timeout, at_once=True)
    proxy = proxy_for(uri, proxies)
    context: tls.SSLContext | None = None
    if uri.secure or (proxy is not None and proxy.secure):
        context = create_ssl_context(ssl_verify, ssl_cafile, ssl_context)
    return Connector(
        url,
        uri,
        schedule.check(),
        proxy=proxy,
        ssl_context=context,
        trace=trace_function(trace),
        handshake={
            "subprotocols": tuple(protocols or ()),
            "offers": (DEFAULT_OFFER,) if compress else (),
            "headers": tuple(headers),
            "origin": origin,
            "user_agent": agent or USER_AGENT,
            "limits": limits or DEFAULT_LIMITS,
            "auto_pong": auto_pong,
        },
    )


class ConnectOptions(TypedDict, total=False):
    """The keyword arguments of :func:`connect`, for functions that pass them on."""

    proxies: Proxies | None
    protocols: Sequence[str] | None
    agent: str | None
    compress: bool
    headers: Iterable[tuple[str, str]]
    origin: str | None
    ssl_verify: bool
    ssl_cafile: str | None
    ssl_context: tls.SSLContext | None
    trace: Trace | bool | None
    limits: Limits | None
    poll: float | None
    ping_rate: float | None
    ping_timeout: float | None
    auto_pong: bool
    close_timeout: float | None
    open_timeout: float | None


class _Handshake(TypedDict):
    """The keyword arguments of :meth:`Connection.connect` that do not change."""

    subprotocols: tuple[str, ...]
    offers: tuple[DeflateOffer, ...]
    headers: Headers
    origin: str | None
    user_agent: str
    limits: Limits
    auto_pong: bool


class Connector:
    """Everything needed to connect, as often as one likes; made by :func:`connect`.

    As a context manager it connects once.
    """

    def __init__(
        self,
        url: str,
        uri: WebSocketURI,
        schedule: Schedule,
        *,
        proxy: Proxy | None,
        ssl_context: tls.SSLContext | None,
        trace: Trace | None,
        handshake: _Handshake,
    ) -> None:
        self.url = url
        self._uri = uri
        self._schedule = schedule
        self._proxy = proxy
        self._ssl_context = ssl_context
        self._trace = trace
        self._handshake = handshake
        self._attempt: Attempt | None = None
        self._request()  # raises for what cannot be sent

    async def __aenter__(self) -> WebSocket:
        attempt = self._attempt = self.connect()
        return WebSocket(attempt.link, self.url)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._attempt is not None:
            await self._attempt.leave(code_for(exc))

    def connect(self) -> Attempt:
        """Begin to connect, with a fresh handshake key (RFC 6455 §4.1)."""
        connection, _events, request = self._request()
        link = Link(
            connection,
            self._schedule,
            greeting=request,
            on_connected=self._on_connected,
            trace=self._trace,
            url=self.url,
        )
        link.deliver((Connecting(self.url, received_time=link.now()),))
        link.trace("connect_start")
        return Attempt(link, asyncio.create_task(self._establish(link)))

    def _request(self) -> Step:
        return Connection.connect(self._uri, os.urandom(16), seed=os.urandom(32), **self._handshake)

    def _on_connected(self, link: Link) -> None:
        proxy = None if self._proxy is None else self._proxy.url
        link.deliver((Connected(self.url, proxy, received_time=link.now()),))

    async def _establish(self, link: Link) -> None:
        """Get a transport for *link*, or tell why there is none."""
        limit = self._schedule.open_timeout or None
        timeout = asyncio.timeout(limit)
        try:
            async with timeout:
                uri = self._uri
                if self._proxy is not None:
                    async with _turn(uri.host, uri.port):
                        await self._connect_through(link, self._proxy)
                        await link.opening_over()
                else:
                    addresses = await _resolve(uri.host, uri.port)
                    async with _turn(addresses[0].ip, uri.port):
                        await self._connect_to(link, uri.host, addresses, secure=uri.secure)
                        await link.opening_over()
        except Exception as error:
            # Names that do not resolve, refused connections, certificates, proxies: all
            # of them are the network's doing, which is told by an event.
            if timeout.expired():
                link.fail_to_connect(f"no connection within {limit:g} s")
            else:
                link.fail_to_connect(str(error) or type(error).__name__)

    async def _connect_to(
        self,
        link: Link | _Tunnel,
        host: str,
        addresses: Sequence[_Address],
        *,
        secure: bool,
    ) -> asyncio.Transport:
        """Connect to the first of the host's addresses that answers."""
        sock = await _connect_socket(addresses, self._schedule.open_timeout or None)
        transport, _protocol = await asyncio.get_running_loop().create_connection(
            lambda: link,
            sock=sock,
            ssl=self._ssl_context if secure else None,
            server_hostname=host if secure else None,
            ssl_handshake_timeout=(self._schedule.open_timeout or None) if secure else None,
            ssl_shutdown_timeout=(self._schedule.close_timeout or None) if secure else None,
        )
        return transport

    async def _connect_through(self, link: Link, proxy: Proxy) -> None:
        """Connect by way of a proxy (RFC 6455 §4.1, RFC 9110 §9.3.6)."""
        loop = asyncio.get_running_loop()
        tunnel = _Tunnel()
        try:
            addresses = await _resolve(proxy.host, proxy.port)
            transport = await self._connect_to(tunnel, proxy.host, addresses, secure=proxy.secure)
        except OSError as error:
            raise ConnectFail(f"unable to connect to proxy; {error}") from error
        try:
            agent = self._handshake["user_agent"]
            transport.write(build_connect_request(self._uri, proxy, agent))
            rest = await tunnel.answer
            if self._uri.secure and self._ssl_context is not None:
                secured = await loop.start_tls(
                    transport,
                    link,
                    self._ssl_context,
                    server_hostname=self._uri.host,
                    ssl_handshake_timeout=self._schedule.open_timeout or None,
                    ssl_shutdown_timeout=self._schedule.close_timeout or None,
                )
                assert secured is not None
                link.attach(secured)
            else:
                transport.set_protocol(link)
                link.attach(transport)
                if rest:
                    link.receive(rest)
                transport.resume_reading()
        except BaseException:
            transport.abort()
            raise


class Attempt(NamedTuple):
    """A link, and the task that gets it a transport."""

    link: Link
    task: asyncio.Task[None]

    async def leave(self, code: int) -> None:
        """End the attempt, or the connection that came of it, whatever its state."""
        if not self.task.done():
            self.task.cancel()
            try:
                await asyncio.wait([self.task])
            except asyncio.CancelledError:
                self.link.abort("closing was cancelled")
                raise
        await self.link.finish(code)


def code_for(exc: BaseException | None) -> int:
    """Return the status code that tells the server why a block was left (RFC 6455 §7.4.1)."""
    if exc is None:
        return Status.NORMAL
    return Status.UNEXPECTED_CONDITION if isinstance(exc, Exception) else Status.GOING_AWAY


class _Address(NamedTuple):
    """One of a host's addresses, as getaddrinfo gives it."""

    family: int
    kind: int
    protocol: int
    sockaddr: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]

    @property
    def ip(self) -> str:
        """The IP address as text."""
        return str(self.sockaddr[0])


async def _resolve(host: str, port: int) -> list[_Address]:
    """Return all addresses of a host.

    Raises:
        OSError: there are none.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [
        _Address(family, kind, protocol, sockaddr)
        for family, kind, protocol, _name, sockaddr in found
    ]


async def _connect_socket(addresses: Sequence[_Address], limit: float | None) -> socket.socket:
    """Connect to the first address that answers.

    Args:
        addresses: where to, in order.
        limit: seconds for all of them; one that does not answer must leave time for the
            others.

    Raises:
        OSError: none does; it says why.
    """
    share = None if limit is None else limit / len(addresses)
    failures: list[str] = []
    for address in addresses:
        sock = socket.socket(address.family, address.kind, address.protocol)
        try:
            sock.setblocking(False)
            async with asyncio.timeout(share):
                await asyncio.get_running_loop().sock_connect(sock, address.sockaddr)
        except OSError as error:  # a TimeoutError is one, too
            sock.close()
            failures.append(f"{address.ip}: {error.strerror or str(error) or 'no answer'}")
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise OSError("unable to connect; " + "; ".join(failures))


@asynccontextmanager
async def _turn(host: str, port: int) -> AsyncGenerator[None, None]:
    """Wait until nobody else in this event loop is connecting to the same address.

    RFC 6455 §4.1: a client has at most one connection to an IP address and port that is
    still connecting.  Where a proxy resolves names, the name has to do.
    """
    locks = _turns.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    lock = locks.get((host, port))
    if lock is None:
        lock = locks[host, port] = asyncio.Lock()
    async with lock:
        yield


#: By event loop and address; a lock lives as long as someone holds or awaits it.
_turns: Final[
    WeakKeyDictionary[asyncio.AbstractEventLoop, WeakValueDictionary[tuple[str, int], asyncio.Lock]]
] = WeakKeyDictionary()


class _Tunnel(asyncio.Protocol):
    """Takes a proxy's answer to CONNECT, and reads nothing beyond it.

    Attributes:
        answer: done when the tunnel stands; its result is what came with the answer.
    """

    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self.answer.done() or self._transport is None:
            return
        try:
            rest = parse_connect_answer(self._received)
        except ConnectFail as error:
            self.answer.set_exception(error)
        else:
            if rest is not None:
                self._transport.pause_reading()
                self.answer.set_result(rest)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.answer.done():
            said = f": {exc}" if exc is not None else ""
            self.answer.set_exception(ConnectFail(f"proxy closed the connection{said}"))
