"""Connections of three implementations as both ends of a line made of two byte queues.

Every end has the same few verbs and keeps what it received, so that a test can join any two of
them.  A handshake of the real kind opens the connection.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import Frame as WebsocketsFrame
from websockets.frames import Opcode
from websockets.http11 import Request as WebsocketsRequest
from websockets.protocol import State as WebsocketsState
from websockets.server import ServerProtocol
from websockets.uri import parse_uri as websockets_uri
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    TextMessage,
)
from wsproto.events import Request as WsprotoRequest
from wsproto.extensions import PerMessageDeflate

from spec_tests.playbook import NONCE, SEED
from wsref.protocol.closing import State
from wsref.protocol.connection import Connection, Step
from wsref.protocol.deflate import DeflateOffer, DeflateParameters, DeflatePolicy
from wsref.protocol.events import Binary, Closed, Closing, ProtocolError, Requested, Text
from wsref.protocol.events import Pong as WsrefPong
from wsref.protocol.uri import parse_uri
from wsref.testing import Role, cut

__all__ = ["End", "Line", "make_peer", "make_wsref"]

_URI: Final = "ws://example.com/"


class End(ABC):
    """One end of the line, and what it received.

    Attributes:
        output: bytes that it wants to send.
        messages: those received whole.
        pongs: the payloads of the Pongs received.
        closed_by: code and reason of the Close received; 1005 if it had no code.
        failure: what the other end did wrong in its eyes, "" if nothing.
    """

    def __init__(self, role: Role) -> None:
        self.role = role
        self.output = b""
        self.messages: list[str | bytes] = []
        self.pongs: list[bytes] = []
        self.closed_by: tuple[int, str] | None = None
        self.failure = ""

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether messages may be sent."""

    @property
    @abstractmethod
    def compresses(self) -> bool:
        """Whether permessage-deflate was agreed on."""

    @abstractmethod
    def begin(self) -> None:
        """Send the request, if this is the client."""

    @abstractmethod
    def receive(self, data: bytes) -> None:
        """Take bytes, and answer what is to be answered."""

    @abstractmethod
    def send(self, fragments: Sequence[str | bytes]) -> None:
        """Send a message in these fragments, all text or all bytes."""

    @abstractmethod
    def ping(self, payload: bytes) -> None:
        """Send a Ping."""

    @abstractmethod
    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake, unless it has begun."""


class _Wsref(End):
    """wsref."""

    def __init__(self, role: Role, deflate: DeflateParameters | None) -> None:
        super().__init__(role)
        self.deflate = deflate
        self.connection = Connection.listen()

    @property
    def is_open(self) -> bool:
        """Whether messages may be sent."""
        return self.connection.may_send_data

    @property
    def compresses(self) -> bool:
        """Whether permessage-deflate was agreed on."""
        return self.connection.deflate is not None

    def begin(self) -> None:
        """Send the request, if this is the client."""
        if self.role == "client":
            offers = [] if self.deflate is None else [DeflateOffer(*self.deflate)]
            self._take(Connection.connect(parse_uri(_URI), NONCE, seed=SEED, offers=offers))

    def receive(self, data: bytes) -> None:
        """Take bytes, and answer what is to be answered."""
        self._take(self.connection.receive(data))

    def _take(self, step: Step) -> None:
        self.connection, events, output = step
        self.output += output
        for event in events:
            if isinstance(event, Requested):
                policy = None if self.deflate is None else DeflatePolicy(*self.deflate)
                self._take(self.connection.accept(deflate=policy))
            elif isinstance(event, Text):
                self.messages.append(event.text)
            elif isinstance(event, Binary):
                self.messages.append(event.data)
            elif isinstance(event, WsrefPong):
                self.pongs.append(event.data)
            elif isinstance(event, Closing | Closed):
                self.closed_by = event.code, event.reason
            elif isinstance(event, ProtocolError):
                self.failure = event.error
            if isinstance(event, Closing):
                self._take(self.connection.close(self.connection.reply_code))

    def send(self, fragments: Sequence[str | bytes]) -> None:
        """Send a message in these fragments, all text or all bytes."""
        for i, fragment in enumerate(fragments):
            fin = i == len(fragments) - 1
            if i:
                self._take(self.connection.send_continuation(fragment, fin=fin))
            elif isinstance(fragment, str):
                self._take(self.connection.send_text(fragment, fin=fin))
            else:
                self._take(self.connection.send_binary(fragment, fin=fin))

    def ping(self, payload: bytes) -> None:
        """Send a Ping."""
        self._take(self.connection.send_ping(payload))

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake, unless it has begun."""
        if self.connection.state is State.OPEN:
            self._take(self.connection.close(code, reason))


class _Websockets(End):
    """The sans-I/O protocol of ``websockets``."""

    def __init__(self, role: Role, deflate: DeflateParameters | None) -> None:
        super().__init__(role)
        self.protocol: ClientProtocol | ServerProtocol
        if role == "client":
            # As an offer these are what the server may use, and what we might.
            factory = ClientPerMessageDeflateFactory(*_either_way(deflate))
            extensions = None if deflate is None else [factory]
            self.protocol = ClientProtocol(websockets_uri(_URI), extensions=extensions)
        else:
            server_factory = ServerPerMessageDeflateFactory(*_either_way(deflate))
            self.protocol = ServerProtocol(extensions=None if deflate is None else [server_factory])
        self._parts: list[bytes] = []
        self._is_text = False

    @property
    def is_open(self) -> bool:
        """Whether messages may be sent."""
        return self.protocol.state is WebsocketsState.OPEN

    @property
    def compresses(self) -> bool:
        """Whether permessage-deflate was agreed on."""
        return bool(self.protocol.extensions)

    def begin(self) -> None:
        """Send the request, if this is the client."""
        if isinstance(self.protocol, ClientProtocol):
            self.protocol.send_request(self.protocol.connect())
            self._write()

    def receive(self, data: bytes) -> None:
        """Take bytes, and answer what is to be answered."""
        protocol = self.protocol
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, WebsocketsRequest):
                assert isinstance(protocol, ServerProtocol)
                protocol.send_response(protocol.accept(event))
            elif isinstance(event, WebsocketsFrame):
                self._take(event)
        if protocol.close_rcvd is not None:
            self.closed_by = int(protocol.close_rcvd.code), protocol.close_rcvd.reason
        for error in (protocol.handshake_exc, protocol.parser_exc):
            if error is not None:
                self.failure = repr(error)
        self._write()

    def _take(self, frame: WebsocketsFrame) -> None:
        if frame.opcode is Opcode.PONG:
            self.pongs.append(bytes(frame.data))
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._parts = []
            self._is_text = frame.opcode is Opcode.TEXT
        if frame.opcode < Opcode.CLOSE:
            self._parts.append(bytes(frame.data))
            if frame.fin:
                message = b"".join(self._parts)
                self.messages.append(message.decode() if self._is_text else message)

    def send(self, fragments: Sequence[str | bytes]) -> None:
        """Send a message in these fragments, all text or all bytes."""
        for i, fragment in enumerate(fragments):
            data = fragment.encode() if isinstance(fragment, str) else fragment
            fin = i == len(fragments) - 1
            if i:
                self.protocol.send_continuation(data, fin)
            elif isinstance(fragment, str):
                self.protocol.send_text(data, fin)
            else:
                self.protocol.send_binary(data, fin)
        self._write()

    def ping(self, payload: bytes) -> None:
        """Send a Ping."""
        self.protocol.send_ping(payload)
        self._write()

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake, unless it has begun."""
        if self.is_open:
            self.protocol.send_close(code, reason)
            self._write()

    def _write(self) -> None:
        self.output += b"".join(self.protocol.data_to_send())


def _either_way(deflate: DeflateParameters | None) -> tuple[bool, bool, int, int]:
    """Return parameters in the order in which ``websockets`` has them, none of 8 bits."""
    servers_forgets, clients_forgets, servers, clients = deflate or DeflateParameters()
    return servers_forgets, clients_forgets, max(9, servers), max(9, clients)


class _Wsproto(End):
    """``wsproto``."""

    def __init__(self, role: Role, deflate: DeflateParameters | None) -> None:
        super().__init__(role)
        kind = ConnectionType.CLIENT if role == "client" else ConnectionType.SERVER
        self.connection = WSConnection(kind)
        self.extension: PerMessageDeflate | None = None
        if deflate is not None:
            servers_forgets, clients_forgets, servers, clients = _either_way(deflate)
            self.extension = PerMessageDeflate(clients_forgets, clients, servers_forgets, servers)
        self._text = ""
        self._binary = b""

    @property
    def is_open(self) -> bool:
        """Whether messages may be sent."""
        return self.connection.state is ConnectionState.OPEN

    @property
    def compresses(self) -> bool:
        """Whether permessage-deflate was agreed on."""
        return self.extension is not None and self.extension.enabled()

    def begin(self) -> None:
        """Send the request, if this is the client."""
        if self.role == "client":
            extensions = [] if self.extension is None else [self.extension]
            self.output += self.connection.send(
                WsprotoRequest(host="example.com", target="/", extensions=extensions)
            )

    def receive(self, data: bytes) -> None:
        """Take bytes, and answer what is to be answered."""
        if self.connection.state is ConnectionState.CLOSED:
            return
        self.connection.receive_data(data)
        for event in self.connection.events():
            if isinstance(event, WsprotoRequest):
                extensions = [] if self.extension is None else [self.extension]
                self.output += self.connection.send(AcceptConnection(extensions=list(extensions)))
            elif isinstance(event, Ping):
                if self.is_open:  # it does not answer once it closes, as it may
                    self.output += self.connection.send(event.response())
            elif isinstance(event, Pong):
                self.pongs.append(bytes(event.payload))
            elif isinstance(event, TextMessage | BytesMessage):
                self._take(event)
            elif isinstance(event, CloseConnection):
                if self.connection.state is ConnectionState.OPEN:
                    self.failure = str(event.reason)
                    return
                self.closed_by = int(event.code), event.reason or ""
                if self.connection.state is ConnectionState.REMOTE_CLOSING:
                    self.output += self.connection.send(event.response())

    def _take(self, event: TextMessage | BytesMessage) -> None:
        if isinstance(event, TextMessage):
            self._text += event.data
        else:
            self._binary += event.data
        if event.message_finished:
            is_text = isinstance(event, TextMessage)
            self.messages.append(self._text if is_text else self._binary)
            self._text, self._binary = "", b""

    def send(self, fragments: Sequence[str | bytes]) -> None:
        """Send a message in these fragments, all text or all bytes."""
        for i, fragment in enumerate(fragments):
            fin = i == len(fragments) - 1
            if isinstance(fragment, str):
                self.output += self.connection.send(TextMessage(fragment, message_finished=fin))
            else:
                self.output += self.connection.send(BytesMessage(fragment, message_finished=fin))

    def ping(self, payload: bytes) -> None:
        """Send a Ping."""
        self.output += self.connection.send(Ping(payload))

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake, unless it has begun."""
        if self.is_open:
            self.output += self.connection.send(CloseConnection(code, reason))


def make_wsref(role: Role, deflate: DeflateParameters | None) -> End:
    """Return an end that is wsref."""
    return _Wsref(role, deflate)


def make_peer(name: str, role: Role, deflate: DeflateParameters | None) -> End:
    """Return an end of another implementation."""
    return {"websockets": _Websockets, "wsproto": _Wsproto}[name](role, deflate)


class Line:
    """A client and a server joined by two byte queues."""

    def __init__(self, ours: End, theirs: End) -> None:
        self.ours = ours
        self.theirs = theirs
        #: Bytes under way to us, and to them.
        self._queues = {"ours": b"", "theirs": b""}
        ours.begin()
        theirs.begin()
        self.deliver([1 << 16])

    def collect(self) -> None:
        """Put what both ends have written on the line."""
        self._queues["theirs"] += self.ours.output
        self._queues["ours"] += self.theirs.output
        self.ours.output = self.theirs.output = b""

    def deliver_some(self, side: str, count: int) -> None:
        """Deliver up to *count* bytes that are under way to one side."""
        self.collect()
        data = self._queues[side]
        self._queues[side] = data[count:]
        if data:
            (self.ours if side == "ours" else self.theirs).receive(data[:count])

    def deliver(self, sizes: list[int]) -> None:
        """Deliver all, in reads of these sizes, until nothing is under way."""
        self.collect()
        while any(self._queues.values()):
            for side in ("theirs", "ours"):
                data, self._queues[side] = self._queues[side], b""
                for read in cut(data, sizes):
                    (self.ours if side == "ours" else self.theirs).receive(read)
            self.collect()
