"""The asyncio WebSocket: the same API for a client's and a server's end.

Everything that waits is a coroutine; what is sent is in the transport's hands when the
coroutine returns, and the coroutine returns only when there is room for more.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress

from ..protocol.closing import State
from ..protocol.connection import Connection
from ..protocol.errors import TransportFail
from ..protocol.events import Event
from ..protocol.http import Request
from ..protocol.status import Status
from .link import Link

__all__ = ["WebSocket"]

#: The credentials in a URL, which are nobody else's business.
_USERINFO = re.compile("//[^/?#]*@")

_CLOSING = (State.CLOSE_SENT, State.CLOSE_RECEIVED, State.CLOSE_EXCHANGED, State.FAILED)


class WebSocket:
    """One end of a WebSocket connection; iterate over it for its events.

    Get one from :func:`wsref.aio.connect`, from :func:`wsref.aio.persist`, or as the argument
    of a server's handler.  One task iterates; any task may send.  Cancelling either is safe:
    no event is lost, and a frame is sent as a whole or not at all.

    Attributes:
        url: the URL of the connection.
        request: (server) the client's opening handshake; None at a client.
    """

    def __init__(self, link: Link, url: str, request: Request | None = None) -> None:
        self._link = link
        self.url = url
        self.request = request

    # Events

    def __aiter__(self) -> WebSocket:
        return self

    async def __anext__(self) -> Event:
        """Return the next event.

        Raises:
            StopAsyncIteration: after the last one, which is Disconnected or ConnectFail.
        """
        link = self._link
        if not link.events:
            await link.wait()
        return link.events.popleft()

    # Sending

    async def send_text(self, text: str, compress: bool = True, *, fin: bool = True) -> None:
        """Send a text message, or its first fragment.

        Args:
            text: the message.
            compress: whether to compress it, if permessage-deflate was agreed on.
            fin: False if more is to come by :meth:`send_continuation` (RFC 6455 §5.4).

        Raises:
            TypeError: *text* is not a string.
            ValueError: *text* cannot be encoded as UTF-8.
            WebSocketUnavailable: the connection is not open yet; after our Close
                WebSocketClosing, at the end WebSocketClosed.
            TransportFail: the transport failed.
        """
        link = self._link
        key = link.masking_key
        link.send(link.connection.send_text(text, compress, fin=fin, masking_key=key))
        if link.must_drain:
            await link.drain()

    async def send_binary(self, data: bytes, compress: bool = True, *, fin: bool = True) -> None:
        """Send a binary message, or its first fragment; otherwise like :meth:`send_text`.

        Raises:
            TypeError: *data* is not bytes.
        """
        link = self._link
        key = link.masking_key
        link.send(link.connection.send_binary(data, compress, fin=fin, masking_key=key))
        if link.must_drain:
            await link.drain()

    async def send_continuation(self, data: str | bytes, *, fin: bool = True) -> None:
        """Send a further fragment of a message begun with ``fin=False`` (RFC 6455 §5.4).

        Args:
            data: more of a text message as str, of a binary message as bytes.
            fin: whether this is the last fragment.

        Raises:
            TypeError: *data* is not of the message's type.
            FrameBuildError: no message has begun.
            WebSocketUnavailable, TransportFail: as for :meth:`send_text`.
        """
        link = self._link
        key = link.masking_key
        link.send(link.connection.send_continuation(data, fin=fin, masking_key=key))
        await link.drain()

    async def send_json(self, _obj: object = ..., **kwargs: object) -> None:
        """Send an object as JSON in a text message.

        Args:
            _obj: the object; or else
            kwargs: the members of a JSON object.

        Raises:
            ValueError: both are given.
            TypeError: the object cannot be encoded as JSON.
        """
        if kwargs and _obj is not ...:
            raise ValueError("send_json takes a positional argument or keyword arguments, not both")
        await self.send_text(json.dumps(kwargs if _obj is ... else _obj))

    async def send_ping(self, data: bytes = b"") -> None:
        """Send a Ping (RFC 6455 §5.5.2); the Pong comes as an event.

        Raises:
            TypeError: *data* is not bytes.
            ValueError: *data* is longer than 125 bytes.
            WebSocketUnavailable, TransportFail: as for :meth:`send_text`.
        """
        link = self._link
        link.send(link.connection.send_ping(data, masking_key=link.masking_key))
        await link.drain()

    async def send_pong(self, data: bytes) -> None:
        """Send a Pong, asked for or not (RFC 6455 §5.5.3); otherwise like :meth:`send_ping`."""
        link = self._link
        link.send(link.connection.send_pong(data, masking_key=link.masking_key))
        await link.drain()

    async def close(
        self, code: int | None = Status.NORMAL, reason: str | bytes = "goodbye"
    ) -> None:
        """Send our Close; keep iterating for the peer's (RFC 6455 §7.1.2).

        Sending it again, or at the end, does nothing.

        Args:
            code: the status code; None for a Close without a body.
            reason: why, for people; at most 123 bytes of UTF-8.

        Raises:
            TypeError, ValueError: *code* or *reason* may not be sent.
            WebSocketUnavailable: the opening handshake is not complete.
        """
        link = self._link
        if isinstance(reason, bytes):
            try:
                reason = reason.decode()
            except UnicodeDecodeError as error:
                raise ValueError(f"reason: {reason!r} is not UTF-8: {error}") from None
        link.close(code, "" if code is None and reason == "goodbye" else reason)
        with suppress(TransportFail):  # the end comes as an event
            await link.drain()

    def force_disconnect(self) -> None:
        """End the transport at once, without a closing handshake."""
        self._link.abort("disconnected by the application")

    # What it is, and what state it is in

    @property
    def state(self) -> Connection:
        """The protocol's whole state, an immutable value."""
        return self._link.connection

    @property
    def protocol(self) -> str | None:
        """The subprotocol agreed on, if any (RFC 6455 §1.9)."""
        return self._link.connection.subprotocol

    @property
    def is_secure(self) -> bool:
        """Whether the connection uses TLS (the ``wss`` scheme)."""
        return self.url.startswith("wss:")

    @property
    def is_active(self) -> bool:
        """Whether the connection is neither closing nor closed."""
        return not self.is_closing and not self._link.is_closed

    @property
    def is_closing(self) -> bool:
        """Whether the closing handshake has begun, or the connection is being failed."""
        return self._link.connection.state in _CLOSING and not self._link.is_closed

    @property
    def is_closed(self) -> bool:
        """Whether the connection is closed."""
        return self._link.is_closed

    @property
    def sent_close_time(self) -> float | None:
        """When our Close was sent, in seconds since the session's start; None if it was not."""
        return self._link.sent_close_time

    @property
    def supports_compression(self) -> bool:
        """Whether permessage-deflate was agreed on (RFC 7692)."""
        return self._link.connection.deflate is not None

    @property
    def remote_address(self) -> object:
        """The peer's address as the socket module gives it; None without a transport."""
        return self._link.address

    def __repr__(self) -> str:
        role = "client" if self._link.connection.is_client else "server"
        shown = _USERINFO.sub("//", self.url, count=1)
        return f"<WebSocket {role} {shown} {self._link.connection.state.value}>"
