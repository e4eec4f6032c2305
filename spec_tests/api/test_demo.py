"""The demonstration: it runs over real TCP, shows everything, and fails when it should."""

from __future__ import annotations

import io

import pytest

from wsref import WebSocket
from wsref import demo as demo_module
from wsref.demo import Exchange, demo
from wsref.events import Text
from wsref.explain import WIDTH


def test_demo_shows_every_event_and_frame_and_succeeds() -> None:
    """Text, binary, fragmented and compressed messages, a Ping, and both handshakes."""
    out = io.StringIO()
    assert demo(out) == 0
    shown = out.getvalue()
    for expected in (
        ">>> client to server: opening handshake, request",
        "<<< server to client: opening handshake, response",
        "*** event: Ready(",
        ">>> client to server: TEXT frame, 5 bytes",
        "*** event: Text(text='Hello')",
        ">>> client to server: BINARY frame, 200 bytes",
        ">>> client to server: CONTINUATION frame, 6 bytes, a fragment",
        ">>> client to server: PING frame",
        "<<< server to client: PONG frame",
        "inflated     row, row",
        ">>> client to server: CLOSE frame",
        "<<< server to client: CLOSE frame",
        "*** event: Closed(code=1000, reason='')",
        "*** event: Disconnected(reason='closed', graceful=True, code=1000)",
        "RFC 6455 §5.2",
        "RFC 7692 §7.2.2",
    ):
        assert expected in shown
    assert shown.endswith("Everything came back as it was sent.\n")
    assert "VIOLATION" not in shown
    assert "\x1b" not in shown
    assert all(len(line) <= WIDTH for line in shown.splitlines())


def test_demo_without_compression_and_in_colour() -> None:
    """One conversation only; colours where they are wanted."""
    out = io.StringIO()
    assert demo(out, compress=False, color=True) == 0
    assert "permessage-deflate" not in out.getvalue()
    assert "\x1b[" in out.getvalue()


def test_demo_fails_when_something_else_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit status is not 0 and no success is claimed."""

    def wrong(ws: WebSocket) -> list[Exchange]:
        return [Exchange("A message", lambda: ws.send_text("something else"), Text("sent"))]

    monkeypatch.setattr(demo_module, "plain_exchanges", wrong)
    out = io.StringIO()
    assert demo(out, compress=False) == 1
    assert "!!! A message: Text(text='something else') is not what was sent" in out.getvalue()
    assert "Everything came back" not in out.getvalue()


def test_demo_fails_when_nothing_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is noticed after a while."""

    def silent(_ws: WebSocket) -> list[Exchange]:
        return [Exchange("Nothing", lambda: None, Text("x"))]

    monkeypatch.setattr(demo_module, "plain_exchanges", silent)
    monkeypatch.setattr(demo_module, "TIMEOUT", 0.05)
    out = io.StringIO()
    assert demo(out, compress=False) == 1
    assert "!!! the conversation did not come to its proper end" in out.getvalue()
