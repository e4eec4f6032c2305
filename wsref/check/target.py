"""The server to check: where it is, how to get there, and what to send along."""

from __future__ import annotations

import socket
import time
from base64 import b64encode
from contextlib import suppress
from os import urandom
from threading import RLock
from typing import TYPE_CHECKING, Final, NamedTuple

from ..protocol.uri import WebSocketURI, parse_uri
from ..proxy import Proxies, Proxy, build_connect_request, parse_connect_answer, proxy_for
from ..tls import create_ssl_context
from ..transport import Transport
from .opening import Change, Draft, Opening

if TYPE_CHECKING:
    import ssl

    from ..protocol.http import Headers

__all__ = ["Target", "Unreachable", "Wire"]

_USER_AGENT: Final = "wsref-check"


class Unreachable(Exception):
    """The server, or the proxy on the way to it, cannot be talked to; the message says why."""


class Wire(NamedTuple):
    """A connection to the server before anything was said.

    Attributes:
        transport: reads and writes, through TLS if there is any.
        sock: the socket below, to end one direction or to reset.
        is_secure: whether there is TLS.
    """

    transport: Transport
    sock: socket.socket
    is_secure: bool


class Target(NamedTuple):
    """A server, and how it wants to be talked to.

    Attributes:
        uri: its address.
        headers: header fields to send along with every request, such as Authorization.
        origin: the Origin header, if one is wanted.
        subprotocols: what to offer, the most preferred first.
        ssl_context: TLS settings for ``wss``; None for the defaults.
        sni: the name for SNI and for verification, if it is not that of the address.
        connect_to: host and port to connect to instead of those of the address.
        proxies: as for :class:`~wsref.WebSocket`; None for those of the environment.
        changes: made to every request, for a server that refuses a plain one.
    """

    uri: WebSocketURI
    headers: Headers = ()
    origin: str | None = None
    subprotocols: tuple[str, ...] = ()
    ssl_context: ssl.SSLContext | None = None
    sni: str | None = None
    connect_to: tuple[str, int] | None = None
    proxies: Proxies | None = None
    changes: tuple[Change, ...] = ()

    @classmethod
    def parse(cls, url: str) -> Target:
        """Return the target for a URL.

        Raises:
            ValueError: it is not a WebSocket URL.
        """
        return cls(parse_uri(url))

    @property
    def url(self) -> str:
        """The address, without credentials."""
        uri = self.uri
        return f"{'wss' if uri.secure else 'ws'}://{uri.host_header}{uri.resource}"

    def draft(self) -> Draft:
        """Write a plain request, with a new random key (RFC 6455 §4.1)."""
        fields = [
            ("Host", self.uri.host_header),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", b64encode(urandom(16)).decode("ascii")),
            ("Sec-WebSocket-Version", "13"),
        ]
        if self.subprotocols:
            fields.append(("Sec-WebSocket-Protocol", ", ".join(self.subprotocols)))
        if self.origin is not None:
            fields.append(("Origin", self.origin))
        given = {name.lower() for name, _value in self.headers}
        if "user-agent" not in given:
            fields.append(("User-Agent", _USER_AGENT))
        if self.uri.authorization is not None and "authorization" not in given:
            fields.append(("Authorization", self.uri.authorization))
        replaced = [field for field in fields if field[0].lower() not in given]
        draft = Draft("GET", self.uri.resource, "HTTP/1.1", (*replaced, *self.headers))
        return Opening(self.changes).apply(draft)

    def open_wire(self, timeout: float) -> Wire:
        """Connect.

        Args:
            timeout: how long TCP, proxy and TLS may take together, in seconds.

        Raises:
            Unreachable: it cannot be done.
        """
        deadline = time.monotonic() + timeout
        try:
            proxy = proxy_for(self.uri, self.proxies)
        except ValueError as error:
            raise Unreachable(f"the proxy cannot be used: {error}") from None
        if proxy is not None:
            address = (proxy.host, proxy.port)
        else:
            address = self.connect_to or (self.uri.host, self.uri.port)
        shown = f"{address[0]} port {address[1]}"
        try:
            sock = socket.create_connection(address, timeout)
        except OSError as error:
            raise Unreachable(f"no connection to {shown}: {_text_of(error)}") from None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = Transport(sock, RLock())
        try:
            if proxy is not None:
                self._pass_through(proxy, transport, deadline)
            if self.uri.secure:
                context = self.ssl_context or create_ssl_context()
                name = self.sni or self.uri.host
                transport.start_tls(context, name, deadline - time.monotonic())
        except OSError as error:
            transport.close()
            raise Unreachable(f"TLS with {shown} failed: {_text_of(error)}") from None
        except BaseException:
            transport.close()
            raise
        return Wire(transport, sock, self.uri.secure)

    def open_plain_wire(self, timeout: float) -> Wire:
        """Connect without TLS, whatever the address says (RFC 6455 §4.2.2, first step).

        Raises:
            Unreachable: it cannot be done.
        """
        return self._replace(uri=self.uri._replace(secure=False)).open_wire(timeout)

    def _pass_through(self, proxy: Proxy, transport: Transport, deadline: float) -> None:
        """Ask a proxy for a tunnel (RFC 9110 §9.3.6)."""
        where = f"the proxy {proxy.url}"
        uri = self.uri
        if self.connect_to is not None:
            uri = uri._replace(host=self.connect_to[0], port=self.connect_to[1])
        try:
            if proxy.secure:
                transport.start_tls(create_ssl_context(), proxy.host, deadline - time.monotonic())
            request = build_connect_request(uri, proxy, _USER_AGENT)
            transport.write_all(request, deadline - time.monotonic())
            received = b""
            while (behind := parse_connect_answer(received)) is None:
                data = transport.receive(max(0.0, deadline - time.monotonic()))
                if not data:
                    raise Unreachable(f"{where} ended the connection")
                received += data
        except OSError as error:
            raise Unreachable(f"{where}: {_text_of(error)}") from None
        except Exception as error:
            raise Unreachable(f"{where}: {error}") from None
        if behind:
            transport.unread(behind)


def _text_of(error: OSError) -> str:
    with suppress(AttributeError):
        if error.verify_message:  # type: ignore[attr-defined]
            return f"certificate verify failed: {error.verify_message}"  # type: ignore[attr-defined]
    if isinstance(error, TimeoutError):
        return "timed out"
    return error.strerror or str(error) or type(error).__name__
