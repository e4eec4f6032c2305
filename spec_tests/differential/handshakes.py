"""The opening handshake by three implementations: a head in, and whether it opens the connection.

Servers support permessage-deflate and no subprotocol.  Clients have sent a request with a known
key, and asked for what they were told to, as far as they can.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Final, TypeAlias

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)
from websockets.http11 import Request as WebsocketsRequest
from websockets.protocol import State as WebsocketsState
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri as websockets_uri
from wsproto.connection import ConnectionType
from wsproto.events import AcceptConnection
from wsproto.events import Request as WsprotoRequest
from wsproto.extensions import PerMessageDeflate
from wsproto.handshake import H11Handshake
from wsproto.utilities import RemoteProtocolError

from spec_tests.playbook import NONCE, SEED
from wsref.protocol.closing import State
from wsref.protocol.connection import Connection
from wsref.protocol.deflate import DeflateOffer
from wsref.protocol.events import ProtocolError, Requested
from wsref.protocol.handshake import Asked, accept_token
from wsref.protocol.uri import parse_uri

__all__ = [
    "CLIENTS",
    "KEY",
    "REQUEST",
    "SERVERS",
    "SUBPROTOCOLS",
    "asked_by",
    "plain_response",
    "violation_in_request",
]

KEY: Final = b64encode(NONCE).decode()
SUBPROTOCOLS: Final = ("chat", "superchat")

#: The plainest request, which the examples of the list are made from.
REQUEST: Final = (
    "GET / HTTP/1.1\r\n"
    "Host: example.com\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "\r\n"
)


def plain_response() -> str:
    """Return the plainest response, which the examples of the list are made from."""
    return (
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_token(KEY)}\r\n"
        "\r\n"
    )


# Servers


def _wsref_server(data: bytes) -> bool:
    connection, events, _output = Connection.listen().receive(data)
    if not any(isinstance(event, Requested) for event in events):
        return False
    return connection.accept().connection.state is State.OPEN


def violation_in_request(data: bytes) -> tuple[str, ...]:
    """Return the id of the requirement by which wsref refuses a request, if it does."""
    step = Connection.listen().receive(data)
    return tuple(event.clause for event in step.events if isinstance(event, ProtocolError))


def _websockets_server(data: bytes) -> bool:
    server = ServerProtocol(extensions=[ServerPerMessageDeflateFactory()])
    server.receive_data(data)
    for event in server.events_received():
        assert isinstance(event, WebsocketsRequest)
        server.send_response(server.accept(event))
    return server.state is WebsocketsState.OPEN


def _wsproto_server(data: bytes) -> bool:
    server = H11Handshake(ConnectionType.SERVER)
    try:
        server.receive_data(data)
        if not any(isinstance(event, WsprotoRequest) for event in server.events()):
            return False
        server.send(AcceptConnection(extensions=[PerMessageDeflate()]))
    except (RemoteProtocolError, ValueError):  # ValueError: for what it cannot read
        return False
    return server.connection is not None


#: Each takes a whole request and says whether it is accepted.
SERVERS: Final[dict[str, Callable[[bytes], bool]]] = {
    "wsref": _wsref_server,
    "websockets": _websockets_server,
    "wsproto": _wsproto_server,
}


# Clients


def asked_by(peer: str, offers: bool) -> Asked:
    """Return what the clients ask for when wsref is compared with *peer*: what that can ask for."""
    # wsproto always offers numbers for both windows.
    offer = DeflateOffer(False, False, 15, 15) if peer == "wsproto" else DeflateOffer()
    return Asked(KEY, SUBPROTOCOLS, (offer,) if offers else ())


def _wsref_client(asked: Asked, data: bytes) -> bool:
    client = Connection.connect(
        parse_uri("ws://example.com/"),
        NONCE,
        seed=SEED,
        subprotocols=asked.subprotocols,
        offers=asked.offers,
    ).connection
    return client.receive(data).connection.state is State.OPEN


def _websockets_client(asked: Asked, data: bytes) -> bool:
    client = ClientProtocol(
        websockets_uri("ws://example.com/"),
        extensions=[ClientPerMessageDeflateFactory()] if asked.offers else None,
        subprotocols=[Subprotocol(name) for name in asked.subprotocols],
    )
    client.key = asked.key
    client.send_request(client.connect())
    client.receive_data(data)
    return client.state is WebsocketsState.OPEN


def _wsproto_client(asked: Asked, data: bytes) -> bool:
    client = H11Handshake(ConnectionType.CLIENT)
    client.send(
        WsprotoRequest(
            host="example.com",
            target="/",
            extensions=[PerMessageDeflate()] if asked.offers else [],
            subprotocols=list(asked.subprotocols),
        )
    )
    setattr(client, "_nonce", asked.key.encode())  # noqa: B010  (it draws one and has no way in)
    try:
        client.receive_data(data)
    except (RemoteProtocolError, ValueError):  # ValueError: for what it cannot read
        return False
    return client.connection is not None


#: A client that has asked; takes a whole response and says whether that opens the connection.
_Client: TypeAlias = Callable[[Asked, bytes], bool]

CLIENTS: Final[dict[str, _Client]] = {
    "wsref": _wsref_client,
    "websockets": _websockets_client,
    "wsproto": _wsproto_client,
}
