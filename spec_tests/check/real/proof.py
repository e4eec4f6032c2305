"""The proof of a conclusion: its bytes over a plain socket, without any code of the checker's."""

from __future__ import annotations

import re
import socket
from typing import Final
from urllib.parse import urlsplit

from spec_tests.check.real.conclusions import Conclusion, hex_of

__all__ = ["Trouble", "prove", "request_of"]

_PLAIN: Final = (
    "Host: {host}",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)

#: How long to wait for an answer, and for more of one, in seconds.
_ANSWER: Final = 2.0
_MORE: Final = 0.5
_ENDS: Final = ("TCP ends", "TCP stays open")


class Trouble(Exception):
    """A proof did not come out as it is written down; the message says how."""


def prove(conclusion: Conclusion, url: str) -> None:
    """Say to a server what a conclusion says, and compare.

    Raises:
        Trouble: something else came back.
        OSError: the server cannot be connected to.
    """
    host = urlsplit(url).netloc
    name, _colon, port = host.partition(":")
    behind = b"".join(map(hex_of, conclusion.behind))
    frames = b"".join(map(hex_of, conclusion.sent))
    with socket.create_connection((name, int(port)), _ANSWER) as sock:
        sock.sendall(request_of(conclusion, host) + behind)
        received, has_ended = _receive(sock, b"\r\n\r\n")
        if frames and not has_ended:
            sock.sendall(frames)
        if not has_ended:
            more, has_ended = _receive(sock, None)
            received += more
    _compare(conclusion, received, has_ended)


def request_of(conclusion: Conclusion, host: str) -> bytes:
    """Return the request of a proof."""
    own = [header.replace("{host}", host) for header in conclusion.headers]
    instead = {header.partition(":")[0].strip().lower() for header in own}
    instead |= {name.lower() for name in conclusion.without}
    lines = [conclusion.line.replace("{host}", host) or "GET / HTTP/1.1"]
    for header in _PLAIN:
        if header.partition(":")[0].lower() not in instead:
            lines.append(header.replace("{host}", host))
    return "\r\n".join([*lines, *own, "", ""]).encode("latin-1")


def _receive(sock: socket.socket, until: bytes | None) -> tuple[bytes, bool]:
    """Return what comes, and whether TCP has ended; go by silence if *until* is None."""
    received = b""
    sock.settimeout(_MORE if until is None else _ANSWER)
    try:
        while until is None or until not in received:
            data = sock.recv(65536)
            if not data:
                return received, True
            received += data
    except TimeoutError:
        return received, False
    except ConnectionError:
        return received, True
    return received, False


def _compare(conclusion: Conclusion, received: bytes, has_ended: bool) -> None:
    seen = f"{received[:600]!r}, and TCP {'ended' if has_ended else 'stays open'}"
    head = received.partition(b"\r\n\r\n")[0].decode("latin-1")
    position = 0
    for line in conclusion.got:
        if line in _ENDS:
            if has_ended != (line == _ENDS[0]):
                raise Trouble(f"wanted: {line}; got {seen}")
        elif line == "no answer":
            if received:
                raise Trouble(f"wanted no answer; got {seen}")
        else:
            found = _pattern(line).search(received, position)
            if found is None:
                raise Trouble(f"wanted {line!r}; got {seen}")
            position = found.end()
    if conclusion.has and conclusion.has.lower() not in head.lower():
        raise Trouble(f"the head lacks {conclusion.has!r}; got {seen}")
    if conclusion.lacks and conclusion.lacks.lower() in head.lower():
        raise Trouble(f"the head has {conclusion.lacks!r}; got {seen}")


def _pattern(line: str) -> re.Pattern[bytes]:
    status = re.match(r"[1-5][0-9x]{2}(?= |$)", line)
    if status is None:
        return re.compile(re.escape(hex_of(line)), re.DOTALL)
    return re.compile(rb"HTTP/\S+ " + status[0].replace("x", "[0-9]").encode())
