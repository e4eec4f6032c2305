"""The demonstration: a whole conversation over TCP, every byte of it explained.

The reference echo server listens on a free loopback port, the blocking client connects
to it, and what goes over the wire is shown in the order in which the client sends and
receives it, between the events that the application sees.  Two conversations take place:
one with messages as they are, one with permessage-deflate (RFC 7692).

Each exchange begins when the answer to the one before has come.  The demonstration
succeeds if everything came back as it was sent and both ends closed properly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TextIO

from .events import Binary, Closed, Disconnected, Event, Poll, Pong, Text
from .explain import WIDTH, Reader, render
from .serve import running_echo_server
from .session import WebsocketSession
from .websocket import WebSocket

__all__ = ["demo"]

_BOLD = "\x1b[1m"
_GREEN = "\x1b[32m"
_CYAN = "\x1b[36m"
_YELLOW = "\x1b[33m"
_RED = "\x1b[31m"
_PLAIN = "\x1b[0m"

TIMEOUT = 10.0  # seconds without progress, after which something is wrong


def demo(out: TextIO, *, compress: bool = True, color: bool = False) -> int:
    """Show two conversations between the blocking client and the echo server.

    Args:
        out: where to print.
        compress: whether there is a second conversation, with permessage-deflate.
        color: whether to use the terminal's colours.

    Returns:
        The exit status: 0 if everything came back as it was sent.
    """
    printer = _Printer(out, color)
    with running_echo_server() as url:
        printer.line(f"An echo server listens on {url}; a client connects to it over TCP.")
        printer.line("Columns: bytes or bits, field, meaning, clause.")
        conversations = [("messages as they are", plain_exchanges, False)]
        if compress:
            conversations.append(("permessage-deflate", compressed_exchanges, True))
        good = True
        for number, (title, exchanges, compressed) in enumerate(conversations, 1):
            printer.heading(f"Conversation {number}: {title}", "=")
            ws = _ShownWebSocket(url, printer, compress=compressed)
            good = _converse(ws, printer, exchanges(ws)) and good
    printer.line()
    if good:
        printer.line("Everything came back as it was sent.", _GREEN + _BOLD)
    return 0 if good else 1


class Exchange(NamedTuple):
    """Something to send, and the event that must come back."""

    title: str
    send: Callable[[], None]
    expected: Event


def plain_exchanges(ws: WebSocket) -> list[Exchange]:
    def send_fragments() -> None:
        ws.send_text("Hel", fin=False)
        ws.send_ping(b"between fragments")
        ws.send_continuation("lo, frag", fin=False)
        ws.send_continuation("ments!")

    return [
        Exchange("A text message", lambda: ws.send_text("Hello"), Text("Hello")),
        Exchange(
            "A binary message, long enough for a 16-bit length",
            lambda: ws.send_binary(bytes(range(200))),
            Binary(bytes(range(200))),
        ),
        Exchange(
            "A text message in three fragments, with a Ping between them",
            send_fragments,
            Text("Hello, fragments!"),
        ),
        Exchange("A Ping", lambda: ws.send_ping(b"are you there?"), Pong(b"are you there?")),
    ]


def compressed_exchanges(ws: WebSocket) -> list[Exchange]:
    chorus = "row, row, row your boat, " * 8
    return [
        Exchange("A compressed text message", lambda: ws.send_text(chorus), Text(chorus)),
        Exchange(
            "The same again, which takes fewer bytes: the window is kept",
            lambda: ws.send_text(chorus),
            Text(chorus),
        ),
        Exchange(
            "A message that its sender does not compress",
            lambda: ws.send_binary(b"\x00\x01\x02\x03", compress=False),
            Binary(b"\x00\x01\x02\x03"),
        ),
    ]


def _converse(ws: _ShownWebSocket, printer: _Printer, exchanges: Sequence[Exchange]) -> bool:
    """Have a conversation; return whether it went as it should."""
    remaining: Iterator[Exchange] = iter(exchanges)
    current: Exchange | None = None
    closed = graceful = False
    printer.heading("The opening handshake")
    for event in ws.connect(
        _ShownSession, poll=TIMEOUT, ping_rate=0, close_timeout=TIMEOUT, open_timeout=TIMEOUT
    ):
        printer.event(event)
        match event:
            case Closed():
                closed = True
            case Disconnected():
                graceful = event.graceful
            case Poll() if ws.is_closing or current is not None:  # nothing came for too long
                break
            case Poll():  # the first comes right behind Ready
                current = next(remaining)
                printer.heading(current.title)
                current.send()
            case Text() | Binary() | Pong() if current is not None:
                if isinstance(event, Pong) and not isinstance(current.expected, Pong):
                    continue  # of the Ping between fragments
                if event != current.expected:
                    printer.complaint(f"{current.title}: {event!r} is not what was sent")
                    return False
                current = next(remaining, None)
                if current is None:
                    printer.heading("The closing handshake")
                    ws.close(1000, "that was all")
                else:
                    printer.heading(current.title)
                    current.send()
            case _:
                pass
    if not (current is None and closed and graceful):
        printer.complaint("the conversation did not come to its proper end")
        return False
    return True


class _ShownWebSocket(WebSocket):
    """A WebSocket that shows what goes over the wire."""

    def __init__(self, url: str, printer: _Printer, *, compress: bool) -> None:
        super().__init__(url, proxies={}, compress=compress)
        self._printer = printer
        self._sent = Reader(from_client=True)
        self._received = Reader(from_client=False)

    def build_request(self) -> bytes:
        request = super().build_request()
        self.show_sent(request)
        return request

    def feed(self, data: bytes) -> Iterator[Event]:
        # The step comes first, since what was agreed on decides how frames are read.
        events = super().feed(data)
        if self._received.in_head:
            parameters = self.state.deflate
            self._sent = self._sent.with_deflate(parameters)
            self._received = self._received.with_deflate(parameters)
        self._received, parts = self._received.read(data)
        for part in parts:
            self._printer.part("server to client", render(part, color=self._printer.color))
        return events

    def show_sent(self, data: bytes) -> None:
        """Show bytes that go to the server."""
        self._sent, parts = self._sent.read(data)
        for part in parts:
            self._printer.part("client to server", render(part, color=self._printer.color))


class _ShownSession(WebsocketSession):
    """A session that shows what it writes."""

    def write(self, data: bytes) -> bool:
        assert isinstance(self.websocket, _ShownWebSocket)
        self.websocket.show_sent(data)
        return super().write(data)


class _Printer:
    """Prints lines, in colour if that is wanted."""

    def __init__(self, out: TextIO, color: bool) -> None:
        self._out = out
        self.color = color

    def line(self, text: str = "", tint: str = "") -> None:
        """Print a line."""
        print(f"{tint}{text}{_PLAIN}" if tint and self.color else text, file=self._out)

    def heading(self, title: str, rule: str = "-") -> None:
        """Print the title of what follows."""
        self.line()
        self.line(f"{rule * 2} {title} {rule * (WIDTH - 4 - len(title))}", _BOLD)

    def part(self, direction: str, lines: Iterator[str]) -> None:
        """Print a head or a frame."""
        self.line()
        title = next(lines)
        tint = _CYAN if direction.startswith("client") else _YELLOW
        arrow = ">>>" if direction.startswith("client") else "<<<"
        shown = f"{tint}{arrow} {direction}{_PLAIN}" if self.color else f"{arrow} {direction}"
        self.line(f"{shown}: {title}")
        for line in lines:
            self.line(line)

    def event(self, event: Event) -> None:
        """Print an event."""
        self.line()
        shown = f"*** event: {event!r}"
        self.line(shown if len(shown) <= WIDTH else shown[: WIDTH - 3] + "...", _GREEN)

    def complaint(self, text: str) -> None:
        """Print what went wrong."""
        self.line()
        self.line(f"!!! {text}", _RED)
