"""Where fuzzing begins: the examples of both RFCs, each under a few settings of the knobs.

Seeds are made here, where they can be read; what is found from them is kept in files.
"""

from __future__ import annotations

from typing import Final

from spec_tests.playbook import KEY, frame, masked
from spec_tests.rfc6455.test_1_3_sample_handshake import REQUEST, RESPONSE

__all__ = ["WORDS", "seeds"]

#: What a server sends in the examples of RFC 6455 §5.7, and what completes a conversation.
_FRAMES: Final = (
    frame(0x81, b"Hello"),
    frame(0x01, b"Hel") + frame(0x80, b"lo"),
    frame(0x89, b"Hello"),
    frame(0x8A, b"Hello"),
    frame(0x82, bytes(256)),
    frame(0x82, bytes(65536))[:40],  # its beginning will do: long inputs are slow
    frame(0x82, bytes(1100)),  # masked in another way than short ones
    # §5.4: control frames between fragments; §8.1: a character in two fragments.
    frame(0x01, b"\xe2\x82") + frame(0x89, b"?") + frame(0x00) + frame(0x80, b"\xac"),
    frame(0x88),
    frame(0x81, b"Hello") + frame(0x88, b"\x03\xe8bye"),
    frame(0x88, b"\x0f\xa0"),
)

#: "Hello" in the examples of RFC 7692 §7.2.3.
_DEFLATED: Final = (
    frame(0xC1, bytes.fromhex("f248cdc9c90700")),  # §7.2.3.1
    frame(0x41, bytes.fromhex("f248cd")) + frame(0x80, bytes.fromhex("c9c90700")),  # §7.2.3.1
    frame(0xC1, bytes.fromhex("f248cdc9c90700"))
    + frame(0xC1, bytes.fromhex("f200110000")),  # §7.2.3.2
    frame(0xC1, bytes.fromhex("000500faff48656c6c6f00")),  # §7.2.3.3
    frame(0xC1, bytes.fromhex("f348cdc9c9070000")),  # §7.2.3.4
    frame(0xC1, bytes.fromhex("f24805000000ffffcac9c90700")),  # §7.2.3.5
    frame(0xC2, b"\x00"),  # §7.2.3.6
    # Compressed and not, with a Ping within a message.
    frame(0x42, bytes.fromhex("f248cd"))
    + frame(0x89)
    + frame(0x80, bytes.fromhex("c9c90700"))
    + frame(0x81, b"Hello"),
)

#: Offers of permessage-deflate in RFC 7692 §7.1, and lists of extensions in RFC 6455 §9.1.
_OFFERS: Final = (
    b"permessage-deflate",
    b"permessage-deflate; client_max_window_bits; server_max_window_bits=10",
    b"permessage-deflate; server_max_window_bits=10, permessage-deflate",
    b'permessage-deflate; server_no_context_takeover; client_max_window_bits="12"',
    b"foo, bar; baz=2",
    b'foo; x="1,2;3\\"", permessage-deflate; client_no_context_takeover',
)

#: What stands in these handshakes, and what would be hard to find by chance.
WORDS: Final = (
    *(line.partition(b":")[0] + b": " for line in REQUEST.split(b"\r\n")[1:-2]),
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    b"Sec-WebSocket-Extensions: ",
    b"Content-Length: 0",
    b"Transfer-Encoding: chunked",
    b"permessage-deflate",
    b"; server_no_context_takeover",
    b"; client_no_context_takeover",
    b"; server_max_window_bits=8",
    b"; client_max_window_bits",
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/2.0",
    b"http://example.com/?",
    b"\r\n\r\n",
    b"\n\n",
    b"\r\n ",
)


def seeds(target: str) -> list[bytes]:
    """Return the inputs that fuzzing of a target begins with."""
    if target == "request":
        streams = [REQUEST, REQUEST + b"".join(map(_as_client, _FRAMES[:3]))]
        streams += [_with(REQUEST, offers) + _as_client(_DEFLATED[0]) for offers in _OFFERS]
        return [knobs + stream for knobs in _KNOBS_OF_HANDSHAKES for stream in streams]
    if target == "response":
        without = RESPONSE.replace(b"Sec-WebSocket-Protocol: chat\r\n", b"")
        streams = [RESPONSE, without, without + b"".join(_FRAMES[:3])]
        streams += [_with(RESPONSE, offers) + _DEFLATED[0] for offers in _OFFERS]
        streams.append(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno\n")
        return [knobs + stream for knobs in _KNOBS_OF_HANDSHAKES for stream in streams]
    from_peer = _as_client if target == "server" else bytes
    plain = [knobs + from_peer(stream) for knobs in _KNOBS for stream in _FRAMES]
    return plain + [
        knobs + from_peer(stream) for knobs in _KNOBS_OF_DEFLATE for stream in _DEFLATED
    ]


#: Plain and unlimited in single bytes; with limits that are reached; quiet; with our Close sent.
_KNOBS: Final = (b"\x00\x00\x00", b"\x40\x00\x52", b"\x84\x00\xff", b"\x08\x00\x21")
#: Compressed with large windows and with small ones, kept and forgotten.
_KNOBS_OF_DEFLATE: Final = (b"\x01\x07\x00", b"\x03\x00\x43", b"\x41\x01\xff")
#: With compression and subprotocols, and without.
_KNOBS_OF_HANDSHAKES: Final = (b"\x11\x07\xff", b"\x00\x00\xff", b"\x03\x02\x0f")


def _with(head: bytes, extensions: bytes) -> bytes:
    """Add Sec-WebSocket-Extensions to a head."""
    return head[:-2] + b"Sec-WebSocket-Extensions: " + extensions + b"\r\n\r\n"


def _as_client(stream: bytes) -> bytes:
    """Write a server's frames as a client would: with the mask of RFC 6455 §5.7."""
    written = b""
    while stream:
        size = 2 + {126: 2, 127: 8}.get(stream[1], 0)
        length = int.from_bytes(stream[2:size], "big") if size > 2 else stream[1]
        head, payload, stream = stream[:size], stream[size:][:length], stream[size + length :]
        written += bytes([head[0], head[1] | 0x80]) + head[2:] + KEY + masked(payload)
    return written
