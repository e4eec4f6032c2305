"""Conversations with a server that show what is wrong with it, without judging it.

A :class:`Probe` is a list of segments to send; its :class:`Outcome` is what came back and how it
ended.  The tests compare outcomes of a faulty server with those of the correct one: each fault
has to show in some, and in none that has nothing to do with it.
"""

from __future__ import annotations

import random
import socket
import struct
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from wsref.protocol.masking import mask

__all__ = ["ORDINARY", "PROBES", "Outcome", "Probe", "frame", "head", "run"]

KEY: Final = b"\x37\xfa\x21\x3d"
NONCE: Final = "dGhlIHNhbXBsZSBub25jZQ=="
OTHER_NONCE: Final = "AQIDBAUGBwgJCgsMDQ4PEA=="
CLOSE_1000: Final = b"\x03\xe8"
OFFER: Final = ("Sec-WebSocket-Extensions", "permessage-deflate")


class Probe(NamedTuple):
    """What to send.

    Attributes:
        segments: bytes to send one after the other, the request included.
        half_close: whether to send FIN behind them.
        reset: whether to reset the connection behind them.
        before: conversations to have first, one after the other.
        beside: conversations on other connections, up to but for their last segment; that
            follows when the probe is over.  They have to begin with a good request.
    """

    segments: tuple[bytes, ...]
    half_close: bool = False
    reset: bool = False
    before: tuple[Probe, ...] = ()
    beside: tuple[Probe, ...] = ()


class Outcome(NamedTuple):
    """What came back.

    Attributes:
        received: all that the server sent.
        end: ``fin``, ``reset`` or ``open``.
    """

    received: bytes
    end: str


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    key: bytes | None = KEY,
    form: int | None = None,
    length: int | None = None,
) -> bytes:
    """Build a client's frame, legal or not.

    Args:
        opcode: the opcode.
        payload: the payload.
        fin: the bit FIN.
        rsv: the reserved bits.
        key: the masking key, None for none.
        form: how many bits the length has; None for the shortest.
        length: the length to announce, None for the right one.
    """
    length = len(payload) if length is None else length
    form = form or (7 if length < 126 else 16 if length < 65536 else 64)
    bit = 0 if key is None else 0x80
    start = bytes([fin << 7 | rsv << 4 | opcode])
    if form == 7:
        start += bytes([bit | length])
    elif form == 16:
        start += struct.pack("!BH", bit | 126, length)
    else:
        start += struct.pack("!BQ", bit | 127, length)
    return start + (payload if key is None else key + mask(payload, key))


DEFAULTS: Final = (
    ("Host", "127.0.0.1"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", NONCE),
    ("Sec-WebSocket-Version", "13"),
)


def head(
    *more: tuple[str, str],
    without: Iterable[str] = (),
    line: str = "GET / HTTP/1.1",
    fields: Iterable[tuple[str, str]] = DEFAULTS,
    colon: str = ": ",
) -> bytes:
    """Build a request.

    Args:
        more: headers to add; one that is there by default is replaced by those of its name.
        without: names of headers to leave out.
        line: the request line.
        fields: the headers by default.
        colon: what stands between names and values.
    """
    gone = {name for name, _ in more} | set(without)
    kept = [(name, value) for name, value in fields if name not in gone]
    lines = [line, *(f"{name}{colon}{value}" for name, value in (*kept, *more)), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def run(url: str, probe: Probe, timeout: float, pause: float = 0.005) -> Outcome:
    """Send a probe; read to the end of the stream, or till nothing comes for *timeout* seconds.

    There is a *pause* between segments, so that a server reads each by itself, as a rule.
    """
    for other in probe.before:
        run(url, other, timeout, pause)
    with ExitStack() as stack:
        beside: list[tuple[socket.socket, bytes]] = []
        for other in probe.beside:
            with suppress(OSError):
                connected = stack.enter_context(_connect(url, timeout))
                connected.sendall(other.segments[0])
                received = b""
                while b"\r\n\r\n" not in received and (data := connected.recv(65536)):
                    received += data
                for segment in other.segments[1:-1]:
                    connected.sendall(segment)
                    time.sleep(2 * pause)
                beside.append((connected, other.segments[-1]))
        try:
            with _connect(url, timeout) as connected:
                received, end = _converse(connected, probe, pause)
        except OSError:
            received, end = b"", "reset"
        for connected, last in beside:
            more, other_end = _converse(connected, Probe((last,)), pause)
            received, end = received + b"\nbeside: " + more, f"{end}, {other_end}"
    return Outcome(received, end)


def _connect(url: str, timeout: float) -> socket.socket:
    parts = urlsplit(url)
    connected = socket.create_connection((parts.hostname or "", parts.port or 0), 5)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.settimeout(timeout)
    return connected


def _converse(connected: socket.socket, probe: Probe, pause: float) -> Outcome:
    received = b""
    try:
        for index, segment in enumerate(probe.segments):
            if index:
                time.sleep(pause)
            connected.sendall(segment)
        if probe.half_close:
            connected.shutdown(socket.SHUT_WR)
        if probe.reset:
            time.sleep(pause)
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return Outcome(b"", "ours")
        while data := connected.recv(65536):
            received += data
    except TimeoutError:
        return Outcome(received, "open")
    except OSError:
        return Outcome(received, "reset")
    return Outcome(received, "fin")


# ---- the probes


def _open(*segments: bytes, request: bytes | None = None, half_close: bool = False) -> Probe:
    """Return a probe with a good request and a Close at the end."""
    end = () if half_close else (frame(8, CLOSE_1000),)
    return Probe((request or head(), *segments, *end), half_close)


def _together(*frames: bytes) -> Probe:
    """Return a probe whose frames are sent at once."""
    return Probe((head(), b"".join(frames)))


def _cut(data: bytes, size: int = 1) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def _handshake() -> Iterator[tuple[str, Probe]]:
    def ask(name: str, *more: tuple[str, str], without: Iterable[str] = (), line: str = "") -> None:
        request = head(*more, without=without, line=line or "GET / HTTP/1.1")
        probes.append((name, Probe((request, frame(8, CLOSE_1000)))))

    probes: list[tuple[str, Probe]] = []
    ask("plain")
    ask("other key", ("Sec-WebSocket-Key", OTHER_NONCE))
    ask("key with loose bits", ("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEC=="))
    ask("key with plus and slash", ("Sec-WebSocket-Key", "+/+/+/+/+/+/+/+/+/+/+w=="))
    ask("key with spaces", ("Sec-WebSocket-Key", f" {NONCE} \t"))
    for method in ("POST", "get", "PUT"):
        ask(f"method {method}", line=f"{method} / HTTP/1.1")
    for version in ("HTTP/1.0", "HTTP/0.9"):
        ask(version, line=f"GET / {version}")
    ask("no target", line="GET HTTP/1.1")
    ask("absolute http", line="GET http://127.0.0.1/ HTTP/1.1")
    ask("absolute https", line="GET https://127.0.0.1/ HTTP/1.1")
    for name, _ in DEFAULTS:
        ask(f"without {name}", without=[name])
    ask("two hosts", ("Host", "127.0.0.1"), ("Host", "localhost"))
    for value in ("foo", "notwebsocket", "websockets", "WebSocket", "WEBSOCKET", "foo, websocket"):
        ask(f"Upgrade: {value}", ("Upgrade", value))
    for value in (
        *("keep-alive", "notupgrade", "Upgraded", "upgrade", "UPGRADE", "keep-alive, Upgrade"),
        *("upgrade , keep-alive", "foo,upgrade,bar"),
    ):
        ask(f"Connection: {value}", ("Connection", value))
    ask("Connection in two lines", ("Connection", "keep-alive"), ("Connection", "Upgrade"))
    ask("Connection in two other lines", ("Connection", "Upgrade"), ("Connection", "keep-alive"))
    for value in (
        "",
        "AQIDBAUGBwgJCgsMDQ4P",
        "AQIDBAUGBwgJCgsMDQ4PEBE=",
        "!" * 24,
        NONCE[:22] + "!!==",
    ):
        ask(f"key {value!r}", ("Sec-WebSocket-Key", value))
    ask("two keys", ("Sec-WebSocket-Key", NONCE), ("Sec-WebSocket-Key", OTHER_NONCE))
    ask("a key twice", ("Sec-WebSocket-Key", NONCE), ("Sec-WebSocket-Key", NONCE))
    for value in ("99", "8", "12", "013", "13.0", "-13", "abc", "13, 8", "14", "130"):
        ask(f"version {value}", ("Sec-WebSocket-Version", value))
    ask("versions 13 8", ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Version", "8"))
    ask("versions 8 13", ("Sec-WebSocket-Version", "8"), ("Sec-WebSocket-Version", "13"))
    ask("version twice", ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Version", "13"))
    ask("unknown header", ("X-Unknown", 'a; b, c="d"'))
    ask("unknown Sec-WebSocket header", ("Sec-WebSocket-Unknown", "1"))
    ask("odd bytes", ("X-Unknown", "\xff\xfe"))
    ask("empty header", ("X-Unknown", ""))
    ask("bad header", ("no colon\r\nX-Unknown", ""))
    ask("space before colon", ("X-Unknown ", "x"))
    protocol = "Sec-WebSocket-Protocol"
    for value in (
        *(
            "chat",
            "superchat",
            "Chat",
            "x-unknown",
            "x-chat",
            "superchat, chat",
            "a/b",
            "bad proto",
        ),
        *("x-unknown,superchat", "x-unknown"),
    ):
        ask(f"subprotocol {value}", (protocol, value))
    ask("subprotocols in lines", (protocol, "x-unknown"), (protocol, "chat"))
    ask("subprotocols in other lines", (protocol, "chat"), (protocol, "x-unknown"))
    extensions = "Sec-WebSocket-Extensions"
    for value in (
        *("permessage-deflate", "x-unknown", "x-unknown; a=1, permessage-deflate", ";"),
        *("permessage-deflate; =1", 'permessage-deflate; server_max_window_bits="10"'),
        *('permessage-deflate; client_max_window_bits="1 5"', "permessage-deflate; a b"),
    ):
        ask(f"extensions {value}", (extensions, value))
    ask("extensions in lines", (extensions, "x-unknown"), OFFER)
    ask("extensions in other lines", OFFER, (extensions, "x-unknown"))
    ask("Origin", ("Origin", "http://example.com"))
    yield from probes
    close = frame(8, CLOSE_1000)
    reverse = head(fields=DEFAULTS[::-1])
    yield "headers reversed", Probe((reverse, close))
    for change in ("lower", "upper"):
        names = [(getattr(name, change)(), value) for name, value in DEFAULTS]
        yield f"names {change}", Probe((head(fields=names), close))
    yield "no space", Probe((head(colon=":"), close))
    yield "space before all colons", Probe((head(colon=" : "), close))
    yield "request, then nothing", Probe((head(),), half_close=True)
    yield "request in pieces", Probe((*_cut(head(), 30), close))
    yield "request cut at end", Probe((head()[:-2], head()[-2:], close))
    yield "incomplete request", Probe((head()[:-2],))
    yield "incomplete request, longer", Probe((head(("X-A", "b"))[:-2],))
    yield "bad request, then a Ping", Probe((head(without=["Host"]), frame(9, b"x"), close))


def _framing() -> Iterator[tuple[str, Probe]]:
    for opcode in (1, 2, 8, 9, 10):
        for payload in (b"", b"\x03\xe8"):
            yield f"unmasked {opcode} {payload!r}", _open(frame(opcode, payload, key=None))
    yield "unmasked continuation", _open(frame(2, b"a", fin=False), frame(0, b"b", key=None))
    yield "unmasked later", _open(frame(2, b"a"), frame(2, b"b", key=None))
    yield "unmasked long", _open(frame(2, bytes(200), key=None))
    for size in (0, 1, 3, 5, 124, 125, 126, 127, 300, 40000, 65535, 65536, 70000):
        data = bytes(index % 251 for index in range(size))
        yield f"binary of {size}", _open(frame(2, data))
        yield f"text of {size}", _open(frame(1, b"x" * size))
    yield "keys change", _open(frame(2, b"one"), frame(2, b"two", key=b"\x01\x02\x03\x04"))
    yield "key of zeros", _open(frame(2, b"one", key=bytes(4)))
    yield "key with a zero", _open(frame(2, b"one two", key=b"\x01\x00\x02\x03"))
    yield (
        "fragments, keys change",
        _open(frame(2, b"one", fin=False), frame(0, b"three", key=b"\x01\x02\x03\x04")),
    )
    yield "close with other key", Probe((head(), frame(8, CLOSE_1000, key=b"\x01\x02\x03\x04")))
    yield "empty ping, text", _together(frame(9), frame(1, b"x"), frame(8, CLOSE_1000))
    yield "empty text, text", _together(frame(1), frame(1, b"x"), frame(8, CLOSE_1000))
    for form, length in ((16, 0), (16, 5), (16, 125), (64, 0), (64, 5), (64, 125), (64, 200)):
        yield f"{length} in {form} bits", _open(frame(2, bytes(length), form=form))
    for length in (1 << 63, (1 << 63) + 70000, (1 << 64) - 1, (1 << 62), (1 << 32) + 5):
        yield f"length {length:x}", _open(frame(2, bytes(5), form=64, length=length))
    for opcode in (1, 2, 8, 9, 10):
        for rsv in (1, 2, 3, 4, 5, 7):
            yield f"opcode {opcode} rsv {rsv}", _open(frame(opcode, b"\x0b\xb8", rsv=rsv))
    for rsv in (1, 2, 4):
        yield f"continuation rsv {rsv}", _open(frame(2, b"a", fin=False), frame(0, b"b", rsv=rsv))
    for rsv in (1, 2, 6):
        yield f"deflate rsv {rsv}", _open(frame(1, b"a", rsv=rsv), request=head(OFFER))
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        for payload in (b"", b"x"):
            yield f"opcode {opcode} {payload!r}", _open(frame(opcode, payload))
        yield (
            f"opcode {opcode} within",
            _open(frame(2, b"a", fin=False), frame(opcode, b"b"), frame(0, b"c")),
        )
    yield "ping of text", _open(frame(9, b"abc"))
    yield "bytes one by one", _open(*_cut(frame(1, b"hello") + frame(2, bytes(range(130)))))
    yield "payload in pieces", _open(*_cut(frame(2, bytes(300)), 101))
    yield "bytes of a long header", _open(*_cut(frame(2, bytes(70000))[:14]), bytes(70000))
    many = [frame(2, bytes([index])) for index in range(10)]
    yield "many at once", _together(*many, frame(8, CLOSE_1000))
    yield "ping and text at once", _together(frame(9, b"a"), frame(1, b"b"), frame(8, CLOSE_1000))


def _control() -> Iterator[tuple[str, Probe]]:
    for opcode in (8, 9, 10):
        for size in (126, 127, 300):
            payload = CLOSE_1000 + b"x" * (size - 2)
            yield f"{opcode} of {size}", _open(frame(opcode, payload))
        yield f"{opcode} in 64 bits", _open(frame(opcode, CLOSE_1000, form=64))
        yield f"{opcode} of 70000", _open(frame(opcode, CLOSE_1000 + b"x" * 69998))
        yield f"{opcode} without fin", _open(frame(opcode, CLOSE_1000, fin=False))
        yield (
            f"{opcode} without fin, within",
            _open(frame(2, b"a", fin=False), frame(opcode, CLOSE_1000, fin=False), frame(0, b"b")),
        )
    yield "ping in two frames", _open(frame(9, b"a", fin=False), frame(0, b"b"))
    for payload in (b"", b"a", b" ab\n", b"x" * 125, b"x" * 110, bytes(range(120)), b"\x80\xff"):
        yield f"ping {payload[:5]!r} {len(payload)}", _open(frame(9, payload))
        yield f"pong {payload[:5]!r} {len(payload)}", _open(frame(10, payload))
    yield "pings", _open(frame(9, b"1"), frame(9, b"2"), frame(9, b"2"), frame(9, b"3"))
    pings = [frame(9, bytes([index])) for index in range(5)]
    yield "pings at once", _together(*pings, frame(8, CLOSE_1000))
    yield "ping, then FIN", _open(frame(9, b"a"), half_close=True)
    for opcode in (1, 2):
        yield (
            f"ping within {opcode}",
            _open(frame(opcode, b"a", fin=False), frame(9, b"b"), frame(0, b"c")),
        )
    yield "ping after text", _open(frame(1, b"a"), frame(9, b"b"))
    yield (
        "controls within",
        _open(
            *(frame(1, b"a", fin=False), frame(9, b"b"), frame(0, b"c", fin=False)),
            *(frame(10, b"d"), frame(9, b"e"), frame(0, b"f")),
        ),
    )
    yield "pong within", _open(frame(1, b"a", fin=False), frame(10, b"d"), frame(0, b"f"))
    yield "close within", _open(frame(2, b"a", fin=False))


def _fragmentation() -> Iterator[tuple[str, Probe]]:
    for fin in (True, False):
        for payload in (b"", b"a"):
            orphan = frame(0, payload, fin=fin)
            yield f"orphan {fin} {payload!r}", _open(orphan, frame(0, b"b"))
            yield f"late orphan {fin} {payload!r}", _open(frame(1, b"x"), orphan)
    for first in (1, 2):
        for second in (1, 2):
            for fin in (True, False):
                yield (
                    f"{first} {second} {fin}",
                    _open(
                        frame(first, b"a", fin=False), frame(second, b"b", fin=fin), frame(0, b"c")
                    ),
                )
    yield "new after empty", _open(frame(1, b"", fin=False), frame(1, b"b"))
    for opcode in (1, 2):
        for texts in ("a b", "a b c", "a b c d", " b c", "a  c", "a b ", "  ", " ", "aa bbb c"):
            parts = texts.encode().split(b" ")
            yield (
                f"fragments {opcode} {texts!r}",
                _open(
                    *(
                        frame(opcode if not index else 0, part, fin=index == len(parts) - 1)
                        for index, part in enumerate(parts)
                    ),
                    frame(3 - opcode, b"next"),
                ),
            )
    many = [frame(0 if index else 1, b"%d" % index, fin=index == 19) for index in range(20)]
    yield "many fragments", _together(*many, frame(8, CLOSE_1000))
    yield "bytes in fragments", _open(frame(2, b"\xff", fin=False), frame(0, b"\xfe"))
    yield "unfinished", _open(frame(2, b"a", fin=False), half_close=True)
    yield "long message", _open(frame(2, bytes(index // 1000 for index in range(4500))))
    yield "close within", _open(frame(1, b"a", fin=False))


_INVALID: Final = (
    *("c080", "c0af", "c1bf", "e08080", "e09fbf", "f0808080", "f08fbfbf", "eda080", "edbfbf"),
    *("eda081edb080", "f4908080", "f5808080", "f888808080", "fc8480808080", "80", "bf", "fe", "ff"),
    *("c3", "e282", "f09f", "f09f98", "c341", "e28241", "f09f9841", "41ff42", "cebae1ff41"),
)
_VALID_TEXTS: Final = (
    *("\0", "a\0b", "\x01", "\ufeffa", "\ufffe", "\uffff", "\U0001ffff", "\U0010ffff", "\ufdd0"),
    *("\ud7ff", "\ue000", "\ufffd", "é", "€", "😀", "e\u0301", "a\r\nb", "\U00020000"),
)


def _utf8() -> Iterator[tuple[str, Probe]]:
    for digits in _INVALID:
        data = bytes.fromhex(digits)
        yield f"text {digits}", _open(frame(1, data))
        yield f"text {digits} in two", _open(frame(1, data[:1], fin=False), frame(0, data[1:]))
        yield f"reason {digits}", Probe((head(), frame(8, CLOSE_1000 + b"x" + data)))
        yield f"binary {digits}", _open(frame(2, data))
    for text in _VALID_TEXTS:
        data = text.encode()
        yield f"text {text!a}", _open(frame(1, data))
        yield f"reason {text!a}", Probe((head(), frame(8, CLOSE_1000 + data)))
        for cut in range(1, len(data)):
            yield (
                f"text {text!a} cut at {cut}",
                _open(frame(1, data[:cut], fin=False), frame(9, b"p"), frame(0, data[cut:])),
            )
            whole = frame(1, data)
            yield f"text {text!a} read at {cut}", _open(whole[: cut + 6], whole[cut + 6 :])
    parts = (b"ab", b"cd", b"ef", b"gh")
    for bad in range(4):
        frames = [
            frame(0 if index else 1, part if index != bad else b"\xff", fin=index == 3)
            for index, part in enumerate(parts)
        ]
        yield f"bad byte in fragment {bad}", _open(*frames)
    yield "cut off by a fragment", _open(frame(1, b"\xe2\x82", fin=False), frame(0, b"ab"))
    yield "bad byte in long text", _open(frame(1, b"x" * 200 + b"\xff" + b"x" * 200))
    yield "bad byte in second text", _open(frame(1, b"x"), frame(1, b"\xff"))
    yield "long text", _open(frame(1, "é".encode() * 3000))
    yield "long text, odd", _open(frame(1, b"x" + "é".encode() * 3000))


def _closing() -> Iterator[tuple[str, Probe]]:
    def close(name: str, *segments: bytes) -> None:
        probes.append((name, Probe((head(), *segments))))

    probes: list[tuple[str, Probe]] = []
    close("empty", frame(8))
    close("then another", frame(8, CLOSE_1000), frame(8, CLOSE_1000))
    probes.append(("then FIN", Probe((head(), frame(8, CLOSE_1000)), half_close=True)))
    codes = (0, 1, 500, 998, 999, *range(1000, 1017), 1050, 1100, 1999, 2000, 2999)
    for code in (*codes, 3000, 3500, 3999, 4000, 4999, 5000, 5001, 65535):
        close(f"code {code}", frame(8, struct.pack("!H", code)))
    close("one byte", frame(8, b"\x03"))
    close("reason", frame(8, CLOSE_1000 + b"bye"))
    close("long reason", frame(8, CLOSE_1000 + b"x" * 123))
    close("reason of two-byte characters", frame(8, CLOSE_1000 + "é".encode() * 61 + b"x"))
    close("reason, odd", frame(8, CLOSE_1000 + b"x" + "é".encode() * 61))
    close("two", frame(8, CLOSE_1000) * 2)
    close("text behind", frame(8, CLOSE_1000) + frame(1, b"x"))
    close("ping behind", frame(8, CLOSE_1000) + frame(9, b"x"))
    close("text before", frame(1, b"x") + frame(8, CLOSE_1000))
    close("within", frame(2, b"x", fin=False) + frame(8, CLOSE_1000) + frame(0, b"y"))
    for name, bad in (
        ("rsv", frame(2, b"x", rsv=1)),
        ("opcode", frame(3, b"x")),
        ("unmasked", frame(1, b"x", key=None)),
        ("text", frame(1, b"\xff")),
        ("continuation", frame(0, b"x")),
        ("code", frame(8, b"\x00\x01")),
        ("new message", frame(2, b"x", fin=False) + frame(2, b"x")),
    ):
        close(f"bad {name}", bad)
        close(f"bad {name}, ping", bad + frame(9, b"p"))
        close(f"bad {name}, text", bad + frame(1, b"t"))
        close(f"bad {name}, close", bad + frame(8, CLOSE_1000))
        close(f"bad {name}, then close", bad, frame(8, CLOSE_1000))
    close("bad length", frame(2, b"x", form=64) + frame(9, b"p"))
    close("bad and much behind it", frame(3, b"x") + bytes(300_000))
    yield from probes


_MULTIBYTE: Final = "\u00e9\u20ac\U0001f600"
_HELLO: Final = bytes.fromhex("f248cdc9c90700")


def _deflated(*messages: bytes, flush: int = zlib.Z_SYNC_FLUSH, level: int = 6) -> list[bytes]:
    """Return the payloads of messages that are compressed with one window."""
    deflater = zlib.compressobj(level, zlib.DEFLATED, -15)
    return [(deflater.compress(one) + deflater.flush(flush))[:-4] for one in messages]


def _negotiation() -> Iterator[tuple[str, Probe]]:
    text = bytes(range(32, 127)) * 2
    noise = random.Random(1).randbytes(650)
    first, second, third, fourth = _deflated(text, text, noise * 2, noise)
    frames = (
        *(frame(1, first, rsv=4), frame(2, second, rsv=4), frame(2, third, rsv=4)),
        *(frame(1, b"plain"), frame(2, fourth, rsv=4)),
    )
    deflate = "permessage-deflate"
    header = "Sec-WebSocket-Extensions"

    def ask(*values: str) -> tuple[str, Probe]:
        request = head(*((header, value) for value in values))
        return "offer " + " | ".join(values).replace("permessage-", "p"), _open(
            *frames, request=request
        )

    yield ask(deflate)
    server, client = "server_max_window_bits", "client_max_window_bits"
    own, other = "server_no_context_takeover", "client_no_context_takeover"
    numbers = ("8", "9", "10", "15", "0", "7", "16", "99", "08", "015", "-9", "9.5", "abc", "10x")
    for name in (server, client):
        for value in (*numbers, "+9", "1_0", '"10"', '"1\\0"', '""', '" 10"', '"abc"'):
            yield ask(f"{deflate}; {name}={value}")
        yield ask(f"{deflate}; {name}")
        yield ask(f"{deflate}; {name}; {name}")
        yield ask(f"{deflate}; {name}=10; {name}=10")
        yield ask(f"{deflate}; {name}=10; {name}=11")
        yield ask(f"{deflate}; {name}=11; {name}=10")
    for name in (own, other):
        yield ask(f"{deflate}; {name}")
        for value in ("1", "true", "false", '""', '"true"'):
            yield ask(f"{deflate}; {name}={value}")
        yield ask(f"{deflate}; {name}; {name}")
    yield ask(f"{deflate}; {own}; {other}; {server}=9; {client}=9")
    yield ask(f"{deflate}; {server}=12; {client}=9")
    for value in ("bogus", "bogus=1", "client_max_window=9", "", f"{own}, bogus"):
        yield ask(f"{deflate}; {value}")
    for value in ("x-unknown", f"x-{deflate}", f"{deflate}-frame", "permessage-bzip2"):
        yield ask(value)
        yield ask(f"{value}, {deflate}")
    yield ask(f'x-unknown; a="{deflate}"')
    yield ask(f"{deflate}; bogus, {deflate}")
    yield ask(f"{deflate}, {deflate}")
    yield ask(f"{deflate}; {own}, {deflate}; {client}=10, {deflate}")
    yield ask(f"{deflate}; {server}=8, {deflate}; {own}")
    yield ask(deflate, "x-unknown")
    yield ask("x-unknown", deflate)
    yield ask(f"{deflate}; bogus", deflate)
    for value in ("", "; bogus"):
        request = head((header, deflate + value))
        plain = frame(2, b"plain " * 20), frame(1, b"plain"), frame(9, b"ping")
        yield f"plain frames{value}", _open(*plain, request=request)


def _compression() -> Iterator[tuple[str, Probe]]:
    request = head(OFFER)

    def talk(*frames: bytes) -> Probe:
        return _open(*frames, request=request)

    def texts(*payloads: bytes) -> Probe:
        return talk(*(frame(1, payload, rsv=4) for payload in payloads))

    first, second = _deflated(b"hello hello", b"hello hello")
    yield "deflate", talk(frame(1, first, rsv=4), frame(1, second, rsv=4))
    yield "deflate, plain", talk(frame(1, b"hello"))
    yield from _negotiation()
    again = bytes.fromhex("f200110000")
    yield "again", texts(_HELLO, again, again, again)
    yield (
        "again as other types",
        talk(frame(1, _HELLO, rsv=4), frame(2, again, rsv=4), frame(1, again, rsv=4)),
    )
    for name, between in (
        *(("plain", frame(1, b"Howdy")), ("ping", frame(9, b"Howdy"))),
        *(("empty", frame(1, b"\0", rsv=4)), ("plain empty", frame(1))),
        ("fragments", frame(2, _HELLO[:3], fin=False, rsv=4) + frame(0, _HELLO[3:])),
    ):
        yield f"again behind {name}", talk(frame(1, _HELLO, rsv=4), between, frame(1, again, rsv=4))
    for name, digits in (
        *(("stored", "000500faff48656c6c6f00"), ("two blocks", "f248050000 00ffffcac9c90700")),
        *(("final", "f348cdc9c9070000"), ("fixed", "f248cdc9c90700"), ("empty", "00")),
        *(("final, more", "f348cdc9c90700 f248cdc9c90700"), ("empty fixed", "0200")),
        *(
            ("ends in zero", "f248cdc9c907000000ffff00"),
            ("nothing", ""),
            ("many empty", "000000ffff" * 3 + "00"),
        ),
        *(("bad type", "07"), ("bad stored", "000500000048656c6c6f00"), ("cut off", "f248cd")),
        *(("cut off stored", "000500faff4865"), ("beyond", "f200110000"), ("zlib", "789c")),
        ("tail", "f248cdc9c907000000ffff"),
    ):
        data = bytes.fromhex(digits)
        yield f"data {name}", texts(data, _HELLO, again)
        yield (
            f"data {name} in two",
            talk(frame(2, data[:1], fin=False, rsv=4), frame(0, data[1:]), frame(2, _HELLO, rsv=4)),
        )
    yield "again behind final", texts(bytes.fromhex("f348cdc9c9070000"), again)
    for size in (200, 1001, 20000, 70000):
        data = random.Random(size).randbytes(size // 2).hex().encode()
        yield f"dynamic {size}", texts(*_deflated(data, data[::-1]))
        yield f"same {size}", texts(*_deflated(b"x" * size, b"x" * size))
    for size in (300, 3000, 6000, 12000, 20000, 30000):
        data = random.Random(size).randbytes(size)
        one, two = _deflated(data, data)
        yield f"distance {size}", talk(frame(2, one, rsv=4), frame(2, two, rsv=4))
        hint = head((OFFER[0], OFFER[1] + "; client_max_window_bits=9"))
        yield (
            f"distance {size}, hint",
            _open(frame(2, one, rsv=4), frame(2, two, rsv=4), request=hint),
        )
        both = head((OFFER[0], OFFER[1] + "; server_max_window_bits=9"))
        yield (
            f"distance {size}, server window",
            _open(frame(2, one, rsv=4), frame(2, two, rsv=4), request=both),
        )
    noise, noise_again = random.Random(0).randbytes(200), random.Random(0).randbytes(200)
    yield "plain noise", talk(frame(2, noise), frame(2, noise_again), frame(2, noise_again))
    multi = _MULTIBYTE.encode()
    for name, data in (
        *(("bad", b"ab\xffcd"), ("unfinished", multi[:-1]), ("good", multi * 9), ("words", b"a b")),
    ):
        (payload,) = _deflated(data)
        for opcode in (1, 2):
            yield f"{name} {opcode}", talk(frame(opcode, payload, rsv=4))
            yield (
                f"{name} {opcode} in fragments",
                talk(
                    *(frame(opcode, payload[:4], fin=False, rsv=4), frame(9, b"ping")),
                    *(
                        frame(0, payload[4:5], fin=False),
                        frame(0, fin=False),
                        frame(0, payload[5:]),
                    ),
                ),
            )
    parts = [part + b"\0\0\xff\xff" for part in _deflated(*(bytes([byte]) for byte in multi))]
    yield (
        "character in fragments",
        talk(
            frame(1, parts[0], fin=False, rsv=4),
            *(frame(0, part, fin=False) for part in parts[1:]),
            frame(0, b"\0"),
        ),
    )
    fragments = [
        frame(0 if index else 1, _HELLO[index : index + 1], fin=index == 6, rsv=0 if index else 4)
        for index in range(7)
    ]
    yield "bytes in fragments", talk(*fragments, frame(1, again, rsv=4))
    for opcode in (8, 9, 10):
        yield f"control {opcode} with rsv1", talk(frame(opcode, CLOSE_1000, rsv=4))
        yield (
            f"control {opcode} deflated with rsv1",
            talk(frame(opcode, _deflated(CLOSE_1000)[0], rsv=4)),
        )
    for rsv in (0, 4):
        for more in (0, 4):
            yield (
                f"fragments with {rsv} {more}",
                talk(frame(2, _HELLO[:4], fin=False, rsv=rsv), frame(0, _HELLO[4:], rsv=more)),
            )
    declined = head((OFFER[0], OFFER[1] + "; bogus"))
    yield "declined, rsv1", _open(frame(1, _HELLO, rsv=4), request=declined)
    yield "not offered, rsv1", _open(frame(1, _HELLO, rsv=4))
    yield "empty messages", talk(frame(1), frame(2), frame(1, b"x"))
    yield (
        "context of another connection",
        texts(again)._replace(before=(texts(_HELLO),)),
    )


def _robustness() -> Iterator[tuple[str, Probe]]:
    close = frame(8, CLOSE_1000)
    part = frame(2, b"first", fin=False)
    for length in (1 << 31, 1 << 32, (1 << 32) + 5, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1):
        for opcode in (1, 2, 9):
            huge = frame(opcode, b"x" * 9, form=64, length=length)
            yield f"{opcode} of {length:x}", Probe((head(), huge, close))
        huge = frame(0, b"x" * 9, form=64, length=length)
        yield f"continuation of {length:x}", Probe((head(), part, huge, close))
    for count in (101, 150, 1200):
        many = [frame(0 if index else 1, b"y", fin=index == count) for index in range(count + 1)]
        yield f"{count} fragments", _together(*many, close)
    yield (
        "empty fragments",
        _open(part, *(frame(0, fin=False) for _ in range(5)), frame(0, b"last")),
    )
    yield "long fragments", _open(part, frame(0, bytes(3000)))
    for size in (4097, 65535, 65536, 65537, 200_000):
        yield f"message of {size}", _open(frame(2, bytes(index % 251 for index in range(size))))
    yield "pings together", _together(*(frame(9, b"%d" % index) for index in range(20)), close)
    yield "pings", _open(*(frame(9, b"%d" % index) for index in range(8)))
    yield "many messages", _together(*(frame(1, b"x") for _ in range(60)), close)
    yield "messages", _open(*(frame(1, b"%d" % index) for index in range(15)))
    yield "garbage", Probe((b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",))
    yield "not HTTP", Probe((b"hello\r\n\r\n",))
    yield "no key", Probe((head(without=["Sec-WebSocket-Key"]),))
    yield "no upgrade", Probe((head(without=["Upgrade"]),))
    yield "long head", Probe((head(("X-Long", "x" * 20_000)),))
    yield "early bytes", Probe((head() + frame(9, b"early"), close))
    yield "head of 5000 bytes", _open(request=head(("X-Long", "x" * 5000)))
    yield "other path", _open(request=head(line="GET /other?a=b HTTP/1.1"))
    yield "both subprotocols", _open(request=head(("Sec-WebSocket-Protocol", "chat, superchat")))
    yield "bad byte in open frame", Probe((head(), frame(1, b"\xff" * 9)[:12]))
    yield "long header", _open(request=head(("X-Long", "x" * 3000)))
    many_headers = [(f"X-{index}", "x") for index in range(60)]
    yield "many headers", _open(request=head(*many_headers))
    yield (
        "many headers first",
        _open(request=head(fields=[*many_headers[:20], *DEFAULTS])),
    )

    ordinary = _open(frame(1, b"text"), frame(9, b"ping"), frame(2, b"binary"), frame(9))
    stream = (head(), frame(2, b"begun", fin=False))
    bad: dict[str, Probe] = {
        "conversation": ordinary,
        "garbage": Probe((b"\0\r\n\r\n",)),
        "no key": Probe((head(without=["Sec-WebSocket-Key"]),)),
        "many headers": _open(request=head(*many_headers)),
        "nothing": Probe((b"",), half_close=True),
        "half a request": Probe((head()[:50],), half_close=True),
        "end of stream": Probe((head(), frame(9, b"p")), half_close=True),
        "end within message": Probe(stream, half_close=True),
        "end within frame": Probe((head(), frame(2, b"x" * 50)[:20]), half_close=True),
        "end within header": Probe((head(), frame(2, b"x" * 200)[:3]), half_close=True),
        "reset": Probe((head(), frame(2, b"x")), reset=True),
        "bad frame": Probe((head(), frame(3))),
        "bad text": Probe((head(), frame(1, b"\xff"))),
        "bad close": Probe((head(), frame(8, b"\x03"))),
        "too large": Probe((head(), frame(2, b"x" * 9, form=64, length=1 << 62))),
        "top bit": Probe((head(), frame(2, b"x" * 9, form=64, length=1 << 63))),
        "subprotocol": Probe((head(("Sec-WebSocket-Protocol", "chat")), close)),
        "compression": _open(frame(1, _HELLO, rsv=4), request=head(OFFER)),
    }
    continued = _open(frame(0, b"rest"))
    for name, probe in bad.items():
        yield f"behind {name}", ordinary._replace(before=(probe,))
        yield f"continuation behind {name}", continued._replace(before=(probe,))
        beside = Probe((head(), frame(9, b"beside"), frame(9, b"still") + close))
        yield f"beside {name}", probe._replace(beside=(beside,))
    for name in ("garbage", "no key", "bad frame", "too large"):
        yield f"behind many of {name}", ordinary._replace(before=(bad[name],) * 12)
    compressed = _open(frame(1, _HELLO, rsv=4), request=head(OFFER))
    yield "compressed twice", compressed._replace(before=(compressed,))
    half = frame(2, b"abcdefgh", key=b"\x01\x02\x03\x04")
    pieces = Probe((head(), half[:10], half[10:] + close))
    yield "frame beside", ordinary._replace(beside=(pieces,))
    yield "message beside", ordinary._replace(beside=(Probe((*stream, frame(0, b"end") + close)),))
    waiting = Probe((head(), frame(1, b"mine"), frame(1, b"also mine") + close))
    yield "text beside", ordinary._replace(beside=(waiting,))
    yield "texts beside", ordinary._replace(beside=(waiting, waiting))
    other = Probe((head(("Sec-WebSocket-Key", OTHER_NONCE)), close))
    yield "other key beside", ordinary._replace(beside=(other,))
    negotiated = Probe((head(OFFER), frame(9), close))
    yield "compression beside", ordinary._replace(beside=(negotiated,))


#: What any client does: a message of each type, a Ping, a Close.
ORDINARY: Final = _open(
    *(frame(1, b"hello", key=b"abcd"), frame(9, b"ping", key=b"\x80\x90\xa0\xb0")),
    frame(2, b"\x00\xff", key=b"\x01\x02\x03\x04"),
)

#: The probes by topic and name.
PROBES: Final[dict[str, dict[str, Probe]]] = {
    "ordinary": {"conversation": ORDINARY},
    "handshake": dict(_handshake()),
    "framing": dict(_framing()),
    "control": dict(_control()),
    "fragmentation": dict(_fragmentation()),
    "utf8": dict(_utf8()),
    "closing": dict(_closing()),
    "compression": dict(_compression()),
    "robustness": dict(_robustness()),
}
