"""Three implementations behind one interface: bytes in, a verdict out.

Each is opened with what was agreed on, without a handshake where that can be had, and driven as
its documentation says.  What a library leaves to its user is done here in the way that the
library's own layers above do it: ``websockets`` hands over frames and leaves joining and decoding
text to its user, ``wsproto`` wants to be told to answer a Ping, a Close and a violation.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable
from functools import cache
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate as WebsocketsDeflate
from websockets.frames import Frame as WebsocketsFrame
from websockets.frames import Opcode
from websockets.protocol import OPEN as WEBSOCKETS_OPEN
from websockets.protocol import Protocol as WebsocketsProtocol
from websockets.server import ServerProtocol
from websockets.uri import parse_uri as websockets_uri
from wsproto.connection import Connection as WsprotoConnection
from wsproto.connection import ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.extensions import Extension as WsprotoExtension
from wsproto.extensions import PerMessageDeflate as WsprotoDeflate

from spec_tests.expectations import frames_in
from spec_tests.playbook import NONCE, SEED
from wsref.protocol.connection import Connection, Step
from wsref.protocol.deflate import DeflateOffer, DeflateParameters, offer_extension
from wsref.protocol.events import Binary, Closing, ProtocolError, Text
from wsref.protocol.handshake import accept_token
from wsref.protocol.headers import serialize_extensions
from wsref.protocol.uri import parse_uri
from wsref.testing import Role

__all__ = [
    "ENDPOINTS",
    "PEERS",
    "Endpoint",
    "Verdict",
    "agreed",
    "opened",
    "websockets_protocol",
    "wsproto_connection",
]

#: How a connection stands: open, closed by the peer, or failed because of it.
End: TypeAlias = Literal["open", "closed", "failed"]


class Verdict(NamedTuple):
    """What an endpoint made of the bytes so far.

    Attributes:
        messages: those delivered whole.
        pongs: the payloads of the Pongs written.
        end: how the connection stands.
        code: the status code of the peer's Close, 1005 if it had none; if the connection
            failed, that of our own Close.
        answer: the status code of the Close written, 1005 if it has none; None: no Close.
        clause: (wsref) the requirement that the peer broke.
    """

    messages: tuple[str | bytes, ...] = ()
    pongs: tuple[bytes, ...] = ()
    end: End = "open"
    code: int | None = None
    answer: int | None = None
    clause: str = ""

    @property
    def outcome(self) -> str:
        """How the connection stands, in a word and a number, such as ``failed 1002``."""
        return self.end if self.code is None else f"{self.end} {self.code}"

    def differs(self, other: Verdict) -> tuple[str, ...]:
        """Return the names of the attributes in which *other* is another verdict."""
        return tuple(
            name
            for name in ("messages", "pongs", "end", "code", "answer")
            if getattr(self, name) != getattr(other, name)
        )


class Endpoint(Protocol):
    """An open connection that receives bytes."""

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer."""

    @property
    def verdict(self) -> Verdict:
        """What was made of all bytes so far."""
        ...


#: Makes an endpoint from its role and what was agreed on about permessage-deflate.
Opens: TypeAlias = Callable[[Role, DeflateParameters | None], Endpoint]


def _written(frames: Iterable[tuple[int, bytes]]) -> tuple[tuple[bytes, ...], int | None]:
    """Return what frames written amount to: payloads of Pongs, and the code of a Close."""
    pongs: list[bytes] = []
    answer: int | None = None
    for first_byte, payload in frames:
        if first_byte == 0x8A:
            pongs.append(payload)
        else:
            assert (first_byte, answer) == (0x88, None), "one Close, and Pongs before it"
            answer = int.from_bytes(payload[:2], "big") if payload else 1005
    return tuple(pongs), answer


# wsref


def agreed(parameters: DeflateParameters) -> DeflateOffer:
    """Return *parameters* as an offer, or as an answer, that says them all."""
    return DeflateOffer(*parameters)


@cache
def opened(role: Role, deflate: DeflateParameters | None) -> Connection:
    """Return an open connection of wsref."""
    element = "" if deflate is None else serialize_extensions([offer_extension(agreed(deflate))])
    field = f"Sec-WebSocket-Extensions: {element}\r\n" if element else ""
    upgrade = f"Upgrade: websocket\r\nConnection: Upgrade\r\n{field}"
    connection, _events, request = Connection.connect(
        parse_uri("ws://example.com/"),
        NONCE,
        seed=SEED,
        offers=[] if deflate is None else [DeflateOffer()],
    )
    key = request.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0].decode()
    if role == "client":
        token = accept_token(key)
        response = f"HTTP/1.1 101 \r\n{upgrade}Sec-WebSocket-Accept: {token}\r\n\r\n"
        connection = connection.receive(response.encode()).connection
    else:
        head = f"GET / HTTP/1.1\r\nHost: example.com\r\n{upgrade}Sec-WebSocket-Version: 13\r\n"
        request = f"{head}Sec-WebSocket-Key: {key}\r\n\r\n".encode()
        connection = Connection.listen().receive(request).connection.accept().connection
    assert connection.deflate == deflate
    return connection


class _Wsref:
    """wsref's connection, whose user answers a Close with the code received."""

    def __init__(self, role: Role, deflate: DeflateParameters | None) -> None:
        self._connection = opened(role, deflate)
        self.verdict = Verdict()
        self._frames: list[tuple[int, bytes]] = []

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer."""
        connection, events, output = self._connection.receive(data)
        messages, _pongs, end, code, _answer, clause = self.verdict
        for event in events:
            if isinstance(event, Text):
                messages += (event.text,)
            elif isinstance(event, Binary):
                messages += (event.data,)
            elif isinstance(event, ProtocolError):
                end, code, clause = "failed", event.code, event.clause
            elif isinstance(event, Closing):
                end, code = "closed", event.code
                reply: Step = connection.close(connection.reply_code)
                connection, output = reply.connection, output + reply.output
        self._connection = connection
        self._frames += frames_in(output)
        pongs, answer = _written(self._frames)
        self.verdict = Verdict(messages, pongs, end, code, answer, clause)


# websockets


def websockets_protocol(role: Role, deflate: DeflateParameters | None) -> WebsocketsProtocol:
    """Return an open connection of ``websockets``."""
    protocol: WebsocketsProtocol
    if role == "client":
        protocol = ClientProtocol(websockets_uri("ws://example.com/"), state=WEBSOCKETS_OPEN)
    else:
        protocol = ServerProtocol(state=WEBSOCKETS_OPEN)
    if deflate is not None:
        servers, clients = deflate[::2], deflate[1::2]
        remote, local = (servers, clients) if role == "client" else (clients, servers)
        # It cannot write with a window of 8 bits; that is refused in the handshake.
        bits = max(9, local[1])
        protocol.extensions = [WebsocketsDeflate(bool(remote[0]), bool(local[0]), remote[1], bits)]
    return protocol


class _Websockets:
    """The sans-I/O protocol of ``websockets``.

    It checks and hands over frames.  Its own layers above join them and decode text; if that
    fails they fail the connection with 1007.  Here text is decoded as it comes, as they
    do for messages that are received in pieces.
    """

    def __init__(self, role: Role, deflate: DeflateParameters | None) -> None:
        self._protocol = websockets_protocol(role, deflate)
        self.verdict = Verdict()
        self._frames: list[tuple[int, bytes]] = []
        self._message: list[str | bytes] = []
        self._decode: Callable[[bytes, bool], str | bytes] = _as_it_is

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer; none after the end, when it would not look at them."""
        protocol = self._protocol
        if self.verdict.end != "open":
            return
        protocol.receive_data(data)
        frames = [
            event for event in protocol.events_received() if isinstance(event, WebsocketsFrame)
        ]
        not_text_at = self._take(frames)
        self._frames += frames_in(b"".join(protocol.data_to_send()))
        pongs, answer = _written(self._frames)
        messages, _pongs, end, code, *_ = self.verdict
        if not_text_at is not None:
            # What it answered behind the text, in the same read, came before we could look.
            late = sum(frame.opcode is Opcode.PING for frame in frames[not_text_at:])
            pongs = pongs[: len(pongs) - late]
            end, code, answer = "failed", 1007, 1007
        elif protocol.parser_exc is not None:
            assert protocol.close_sent is not None
            end, code = "failed", int(protocol.close_sent.code)
        elif protocol.close_rcvd is not None:
            end, code = "closed", int(protocol.close_rcvd.code)
        self.verdict = Verdict(messages, pongs, end, code, answer)

    def _take(self, frames: list[WebsocketsFrame]) -> int | None:
        """Join frames to messages; return the index of the one that is not text, if any."""
        for i, frame in enumerate(frames):
            if frame.opcode >= Opcode.CLOSE:
                continue
            if frame.opcode is not Opcode.CONT:
                is_text = frame.opcode is Opcode.TEXT
                self._message = []
                self._decode = _decoder() if is_text else _as_it_is
            try:
                self._message.append(self._decode(bytes(frame.data), frame.fin))
            except UnicodeDecodeError:
                return i
            if frame.fin:
                empty = self._message[0][:0]
                message = empty.join(self._message)  # type: ignore[arg-type]
                self.verdict = self.verdict._replace(messages=(*self.verdict.messages, message))
        return None


def _as_it_is(data: bytes, _final: bool) -> bytes:
    return data


def _decoder() -> Callable[[bytes, bool], str]:
    return codecs.getincrementaldecoder("utf-8")().decode


# wsproto


def wsproto_connection(role: Role, deflate: DeflateParameters | None) -> WsprotoConnection:
    """Return an open connection of ``wsproto``."""
    extensions: list[WsprotoExtension] = []
    if deflate is not None:
        extension = WsprotoDeflate()
        extension.finalize(serialize_extensions([offer_extension(agreed(deflate))]))
        extensions = [extension]
    kind = ConnectionType.CLIENT if role == "client" else ConnectionType.SERVER
    return WsprotoConnection(kind, extensions)


class _Wsproto:
    """The connection of ``wsproto``, whose user sends what it suggests."""

    def __init__(self, role: Role, deflate: DeflateParameters | None) -> None:
        self._connection = wsproto_connection(role, deflate)
        self.verdict = Verdict()
        self._frames: list[tuple[int, bytes]] = []
        self._text = ""
        self._binary = b""

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer; none after the end, when it would refuse them."""
        connection = self._connection
        if self.verdict.end != "open":
            return
        connection.receive_data(data)
        messages, _pongs, end, code, *_ = self.verdict
        output = b""
        for event in connection.events():
            if isinstance(event, Ping):
                output += connection.send(event.response())
            elif isinstance(event, CloseConnection):
                closed = connection.state is ConnectionState.REMOTE_CLOSING
                end, code = "closed" if closed else "failed", int(event.code)
                output += connection.send(event.response() if closed else event)
            elif isinstance(event, TextMessage | BytesMessage):
                messages += self._take(event)
        self._frames += frames_in(output)
        pongs, answer = _written(self._frames)
        self.verdict = Verdict(messages, pongs, end, code, answer)

    def _take(self, event: TextMessage | BytesMessage) -> tuple[str | bytes, ...]:
        """Return the message that *event* completes, if any."""
        if isinstance(event, TextMessage):
            self._text += event.data
        else:
            self._binary += event.data
        if not event.message_finished:
            return ()
        message = self._text if isinstance(event, TextMessage) else self._binary
        self._text, self._binary = "", b""
        return (message,)


#: The implementations that wsref is compared with.
PEERS: Final[dict[str, Opens]] = {"websockets": _Websockets, "wsproto": _Wsproto}

ENDPOINTS: Final[dict[str, Opens]] = {"wsref": _Wsref, **PEERS}
