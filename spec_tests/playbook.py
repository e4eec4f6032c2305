"""What the tests have in common: opened connections, and frames written by hand.

Frames are built here from their fields, without the code under test, so that a test
can send what no correct endpoint would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wsref.protocol.connection import Connection, Step
from wsref.protocol.deflate import DEFAULT_OFFER, DEFAULT_POLICY, DeflateOffer, DeflatePolicy
from wsref.protocol.events import Event
from wsref.protocol.limits import DEFAULT_LIMITS, Limits
from wsref.protocol.uri import parse_uri

#: The masking key of the examples in RFC 6455 §5.7.
KEY = bytes.fromhex("37fa213d")
NONCE = b"the sample nonce"
SEED = bytes(range(32))


def masked(payload: bytes, key: bytes = KEY) -> bytes:
    """Mask by the definition in RFC 6455 §5.3, byte by byte."""
    return bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def frame(first_byte: int, payload: bytes = b"", key: bytes | None = None) -> bytes:
    """Write a frame with the shortest length, masked if there is a *key*."""
    length = len(payload)
    mask_bit = 0 if key is None else 0x80
    if length < 126:
        head = bytes([first_byte, mask_bit | length])
    elif length < 65536:
        head = bytes([first_byte, mask_bit | 126]) + length.to_bytes(2, "big")
    else:
        head = bytes([first_byte, mask_bit | 127]) + length.to_bytes(8, "big")
    return head + payload if key is None else head + key + masked(payload, key)


def open_pair(
    *,
    limits: Limits = DEFAULT_LIMITS,
    auto_pong: bool = True,
    offers: Sequence[DeflateOffer] = (),
    policy: DeflatePolicy | None = DEFAULT_POLICY,
) -> tuple[Connection, Connection]:
    """Return a client and a server that have shaken hands with each other."""
    client, _events, request = Connection.connect(
        parse_uri("ws://example.com/chat"),
        NONCE,
        seed=SEED,
        offers=offers,
        limits=limits,
        auto_pong=auto_pong,
    )
    server = Connection.listen(limits=limits, auto_pong=auto_pong).receive(request).connection
    server, _events, response = server.accept(deflate=policy)
    return client.receive(response).connection, server


@dataclass(frozen=True)
class Endpoint:
    """An open connection and how its peer writes frames."""

    connection: Connection

    def from_peer(self, first_byte: int, payload: bytes = b"") -> bytes:
        """Write a frame as the peer would: masked if it is the client."""
        return frame(first_byte, payload, None if self.connection.is_client else KEY)

    def own(self, first_byte: int, payload: bytes = b"", key: bytes = KEY) -> bytes:
        """Write a frame as this endpoint should, masked with *key* if it is the client."""
        return frame(first_byte, payload, key if self.connection.is_client else None)

    def receive(self, data: bytes) -> Step:
        """Feed bytes to the connection."""
        return self.connection.receive(data)


def endpoint(
    role: str,
    *,
    limits: Limits = DEFAULT_LIMITS,
    auto_pong: bool = True,
    deflate: bool = False,
) -> Endpoint:
    """Return the open connection of one role, ``"client"`` or ``"server"``."""
    client, server = open_pair(
        limits=limits, auto_pong=auto_pong, offers=[DEFAULT_OFFER] if deflate else []
    )
    return Endpoint(client if role == "client" else server)


def feed(connection: Connection, chunks: Sequence[bytes]) -> tuple[Connection, list[Event], bytes]:
    """Feed chunks one after the other; return the last state, all events and all output."""
    events: list[Event] = []
    output = b""
    for chunk in chunks:
        connection, more, written = connection.receive(chunk)
        events.extend(more)
        output += written
    return connection, events, output
