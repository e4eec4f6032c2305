"""WebSocket: every name of its documentation, one by one, without a network."""

from __future__ import annotations

import inspect
import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from spec_tests.api.peers import response_to
from spec_tests.api.recording import Frame, RecordingSession, connected, opened
from spec_tests.playbook import frame
from wsref import WebSocket
from wsref.constants import USER_AGENT
from wsref.errors import (
    CompressionParameterError,
    FrameBuildError,
    HandshakeError,
    TransportFail,
    WebSocketClosed,
    WebSocketClosing,
    WebSocketUnavailable,
)
from wsref.events import (
    Binary,
    Closed,
    Closing,
    Disconnected,
    Event,
    Ping,
    Pong,
    ProtocolError,
    Ready,
    Rejected,
    Text,
)
from wsref.protocol.closing import State
from wsref.protocol.limits import Limits
from wsref.response import Response
from wsref.session import WebsocketSession
from wsref.status import Status

URL = "ws://example.com:8080/chat?room=1"
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"


def parameters(method: object) -> list[tuple[str, object]]:
    """Return names and defaults of all parameters but self."""
    assert callable(method)
    found = inspect.signature(method).parameters.values()
    return [(p.name, p.default) for p in found if p.name != "self"]


# Signatures and attributes


def test_the_parameters_are_those_of_the_documentation() -> None:
    """Names, order and defaults; what is new is keyword-only."""
    empty = inspect.Parameter.empty
    assert parameters(WebSocket.__init__)[:5] == [
        ("url", empty),
        ("proxies", None),
        ("protocols", None),
        ("agent", None),
        ("compress", False),
    ]
    assert parameters(WebSocket.connect)[:6] == [
        ("session_class", WebsocketSession),
        ("poll", 5.0),
        ("ping_rate", 30.0),
        ("ping_timeout", None),
        ("auto_pong", True),
        ("close_timeout", 30.0),
    ]
    assert parameters(WebSocket.close) == [("code", 1000), ("reason", "goodbye")]
    assert parameters(WebSocket.send_text)[:2] == [("text", empty), ("compress", True)]
    assert parameters(WebSocket.send_binary)[:2] == [("data", empty), ("compress", True)]
    assert parameters(WebSocket.send_json) == [("_obj", ...), ("kwargs", empty)]
    assert parameters(WebSocket.send_ping) == [("data", b"")]
    assert parameters(WebSocket.send_pong) == [("data", empty)]
    assert parameters(WebSocket.add_header) == [("header", empty), ("value", empty)]
    for name in ("ssl_verify", "ssl_cafile", "ssl_context", "trace", "limits"):
        kind = inspect.signature(WebSocket.__init__).parameters[name].kind
        assert kind is inspect.Parameter.KEYWORD_ONLY
    kind = inspect.signature(WebSocket.connect).parameters["open_timeout"].kind
    assert kind is inspect.Parameter.KEYWORD_ONLY


@pytest.mark.rfc("RFC6455-3-01", "RFC6455-3-03", "RFC6455-3-04")
def test_the_url_is_taken_apart() -> None:
    """Scheme, host, port and resource are attributes."""
    ws = WebSocket(URL, proxies={}, protocols=["chat"], compress=True)
    assert (ws.url, ws.scheme, ws.host, ws.port) == (URL, "ws", "example.com", 8080)
    assert ws.resource == "/chat?room=1"
    assert (ws.proxies, ws.protocols, ws.agent, ws.compress) == ({}, ["chat"], USER_AGENT, True)
    assert not ws.is_secure
    secure = WebSocket("wss://[::1]", agent="me")
    assert (secure.scheme, secure.host, secure.port, secure.resource) == ("wss", "::1", 443, "/")
    assert secure.is_secure
    assert secure.agent == "me"
    assert repr(ws) == f"WebSocket('{URL}')"


@pytest.mark.rfc("RFC6455-4.1-03")
@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"url": "http://example.com"}, ValueError, "url"),
        ({"url": "ws://"}, ValueError, "url"),
        ({"url": b"ws://example.com"}, TypeError, "url"),
        ({"protocols": "chat"}, TypeError, "protocols"),
        ({"protocols": ["two words"]}, ValueError, "two words"),
        ({"agent": "a\r\nb: c"}, ValueError, "a\\\\r\\\\nb: c"),
        ({"proxies": {"http": "socks5://localhost"}}, ValueError, "proxies.*socks5"),
        ({"proxies": {"http": 1}}, TypeError, "proxies"),
        ({"proxies": ["http://localhost"]}, TypeError, "proxies"),
        ({"ssl_cafile": "/no/such/file"}, ValueError, "ssl_cafile.*/no/such/file"),
        ({"limits": 5}, TypeError, "limits"),
        ({"trace": 5}, TypeError, "trace"),
    ],
)
def test_an_argument_that_makes_no_sense_raises_and_is_named(
    arguments: dict[str, object], error: type[Exception], named: str
) -> None:
    """At the call, not at the first use."""
    given: dict[str, object] = {"url": URL, **arguments}
    with pytest.raises(error, match=named):
        WebSocket(**given)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("poll", "5", TypeError),
        ("ping_rate", -1, ValueError),
        ("ping_timeout", float("nan"), ValueError),
        ("close_timeout", True, TypeError),
        ("open_timeout", -0.5, ValueError),
    ],
)
def test_a_time_that_makes_no_sense_raises_in_connect(
    name: str, value: object, error: type[Exception]
) -> None:
    """The argument is named, and the value shown."""
    with pytest.raises(error, match=rf"{name} .*{value!r}"):
        WebSocket(URL).connect(**{name: value})  # type: ignore[arg-type]  # wrong on purpose


# The request


@pytest.mark.rfc("RFC6455-4.1-16", "RFC6455-4.1-18", "RFC6455-4.1-21", "RFC6455-4.1-32")
def test_build_request_returns_the_bytes_of_the_opening_handshake() -> None:
    """With everything that the constructor was told."""
    ws = WebSocket(URL, protocols=["chat", "superchat"], agent="me/1", compress=True)
    ws.add_header(b"X-Custom", b"\xe4 value")
    request = ws.build_request()
    assert isinstance(request, bytes)
    assert request.startswith(b"GET /chat?room=1 HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\n")
    lines = request.split(b"\r\n")
    assert b"Host: example.com:8080" in lines
    assert b"Sec-WebSocket-Key: " + ws.key in lines
    assert b"Sec-WebSocket-Protocol: chat, superchat" in lines
    assert b"User-Agent: me/1" in lines
    assert b"X-Custom: \xe4 value" in lines
    assert any(line.startswith(b"Sec-WebSocket-Extensions: permessage-deflate") for line in lines)


@pytest.mark.rfc("RFC6455-4.1-27")
def test_every_connection_has_a_key_of_its_own() -> None:
    """The key stays the same for one connection, and changes with the next."""
    ws = WebSocket(URL)
    first = ws.key
    assert first in ws.build_request()
    assert ws.key == first
    connected(ws)
    assert ws.key != first


@pytest.mark.parametrize(
    ("header", "value", "error"),
    [
        ("X", b"text", TypeError),
        (b"X", "text", TypeError),
        (b"X", b"a\r\nb: c", ValueError),
        (b"X Y", b"v", ValueError),
        (b"Sec-WebSocket-Key", b"AAAA", ValueError),
    ],
)
def test_add_header_refuses_what_cannot_be_sent(
    header: object, value: object, error: type[Exception]
) -> None:
    """And nothing of it is in later requests."""
    ws = WebSocket(URL)
    before = ws.build_request()
    with pytest.raises(error):
        ws.add_header(header, value)  # type: ignore[arg-type]  # wrong on purpose
    assert ws.build_request() == before


# States


def test_nothing_can_be_sent_before_the_connection_is_open() -> None:
    """WebSocketUnavailable says so; the state is a Connection all the same."""
    ws = WebSocket(URL)
    assert ws.session is None
    assert ws.state.state is State.CONNECTING
    assert ws.is_active
    assert not ws.is_closing
    assert not ws.is_closed
    ws.force_disconnect()  # there is nothing to disconnect
    for attempt in range(2):
        with pytest.raises(WebSocketUnavailable):
            ws.send_text("too early")
        with pytest.raises(WebSocketUnavailable):
            ws.send_ping()
        with pytest.raises(WebSocketUnavailable):
            ws.close()
        if attempt == 0:
            connected(ws)


def test_open_without_a_session_is_unavailable_too() -> None:
    """Whoever feeds a WebSocket by hand is told that there is nothing to write to."""
    ws = WebSocket(URL)
    list(ws.feed(response_to(ws.build_request())))
    with pytest.raises(WebSocketUnavailable, match="not connected"):
        ws.send_text("where to?")


@pytest.mark.rfc("RFC6455-7.1.2-01", "RFC6455-5.5.1-08")
def test_close_sends_a_close_once() -> None:
    """Afterwards the WebSocket is closing, and sending raises WebSocketClosing."""
    ws = WebSocket(URL)
    session = opened(ws)
    session.session_time = 1.5
    assert ws.sent_close_time is None
    ws.close()
    ws.close(4000, "again")
    assert session.frames() == [Frame(0x88, b"\x03\xe8goodbye")]
    assert ws.is_closing
    assert not ws.is_active
    assert not ws.is_closed
    assert ws.sent_close_time == 1.5
    with pytest.raises(WebSocketClosing):
        ws.send_text("too late")
    with pytest.raises(WebSocketClosing):
        ws.send_ping()


@pytest.mark.rfc("RFC6455-7.1.4-01", "RFC6455-7.1.5-01")
def test_the_answer_to_our_close_is_closed() -> None:
    """And after the end of the transport, sending raises WebSocketClosed."""
    ws = WebSocket(URL)
    opened(ws)
    ws.close()
    assert list(ws.feed(bytes.fromhex("8803 03e9 61"))) == [Closed(1001, "a")]
    assert ws.is_closing
    assert ws.transport_ended() == Disconnected("closed", True, 1001)
    assert ws.is_closed
    assert not ws.is_closing
    assert not ws.is_active
    with pytest.raises(WebSocketClosed):
        ws.send_binary(b"too late")
    ws.close()
    assert list(ws.feed(frame(0x81, b"after the end"))) == []


@pytest.mark.parametrize(
    ("code", "reason", "payload"),
    [
        (Status.GOING_AWAY, "bye", b"\x03\xe9bye"),
        (4321, b"b\xc3\xa4", b"\x10\xe1b\xc3\xa4"),
        (1000, "", b"\x03\xe8"),
        (None, "goodbye", b""),
        (None, "", b""),
        (1000, "x" * 123, b"\x03\xe8" + b"x" * 123),
    ],
)
def test_close_takes_codes_and_reasons(
    code: int | None, reason: str | bytes, payload: bytes
) -> None:
    """As text or as bytes; without a code there is no body."""
    ws = WebSocket(URL)
    session = opened(ws)
    ws.close(code, reason)
    assert session.frames() == [Frame(0x88, payload)]


@pytest.mark.rfc("RFC6455-7.4.1-07", "RFC6455-7.4.1-08", "RFC6455-7.4.2-01")
@pytest.mark.parametrize(
    ("code", "reason", "error", "said"),
    [
        (1005, "", ValueError, "code: 1005"),
        (1006, "", ValueError, "code: 1006"),
        (999, "", ValueError, "code: 999"),
        (5000, "", ValueError, "code: 5000"),
        ("1000", "", TypeError, "code"),
        (1000, "x" * 124, ValueError, "reason: 124 bytes"),
        (1000, b"\xff", ValueError, "reason: b'.xff'"),
        (None, "why", ValueError, "reason: 'why'"),
        (1000, 5, TypeError, "reason"),
    ],
)
def test_close_refuses_what_may_not_be_on_the_wire(
    code: object, reason: object, error: type[Exception], said: str
) -> None:
    """The call raises and nothing has changed."""
    ws = WebSocket(URL)
    session = opened(ws)
    before = ws.state
    with pytest.raises(error, match=said):
        ws.close(code, reason)  # type: ignore[arg-type]  # wrong on purpose
    assert session.written == []
    assert ws.state is before


def test_reset_forgets_the_connection() -> None:
    """The WebSocket is as it was made, and can be connected again."""
    ws = WebSocket(URL)
    opened(ws)
    ws.close()
    ws.reset()
    assert ws.session is None
    assert ws.sent_close_time is None
    assert ws.state.state is State.CONNECTING
    session = opened(ws)
    ws.send_text("again")
    assert session.frames() == [Frame(0x81, b"again")]


def test_connecting_again_closes_the_session_before() -> None:
    """One WebSocket has one connection at a time."""
    ws = WebSocket(URL)
    first = opened(ws)
    second = opened(ws)
    assert first.is_closed
    assert not second.is_closed


def test_force_disconnect_and_leaving_the_block_close_the_session() -> None:
    """Also that of a session which knows nothing of force_disconnect."""
    ws = WebSocket(URL)
    session = opened(ws)
    ws.force_disconnect()
    assert session.is_closed
    with WebSocket(URL) as entered:
        inner = opened(entered)
        assert not inner.is_closed
    assert inner.is_closed


def test_the_state_is_a_value() -> None:
    """It can be kept, pickled, and stepped on its own."""
    ws = WebSocket(URL)
    opened(ws)
    kept = ws.state
    ws.close()
    assert kept.state is State.OPEN
    assert pickle.loads(pickle.dumps(kept)) == kept
    assert ws.state is not kept


# Sending


@pytest.mark.rfc("RFC6455-5.3-02")
@pytest.mark.rfc("RFC6455-5.1-01", "RFC6455-5.3-01")
def test_messages_are_masked_frames() -> None:
    """Text, binary, ping and pong; each with a key of its own."""
    ws = WebSocket(URL)
    session = opened(ws)
    ws.send_text("Grüße")
    ws.send_binary(b"\x00\xff" * 100)
    ws.send_ping()
    ws.send_ping(b"p" * 125)
    ws.send_pong(b"q")
    keys = {data[(data[1] == 0xFE and 4) or 2 :][:4] for data in session.written}
    assert len(keys) == 5
    assert session.frames() == [
        Frame(0x81, "Grüße".encode()),
        Frame(0x82, b"\x00\xff" * 100),
        Frame(0x89, b""),
        Frame(0x89, b"p" * 125),
        Frame(0x8A, b"q"),
    ]


@pytest.mark.rfc("RFC6455-5.4-05")
def test_fragments_of_a_message_are_sent_one_by_one() -> None:
    """fin=False begins, send_continuation goes on; another message in between raises."""
    ws = WebSocket(URL)
    session = opened(ws)
    ws.send_text("a", fin=False)
    ws.send_ping()
    with pytest.raises(FrameBuildError):
        ws.send_text("in between")
    ws.send_continuation("b", fin=False)
    ws.send_continuation("c")
    ws.send_binary(b"d", fin=False)
    ws.send_continuation(b"e")
    assert [f[:2] for f in session.frames()] == [
        (0x01, b"a"),
        (0x89, b""),
        (0x00, b"b"),
        (0x80, b"c"),
        (0x02, b"d"),
        (0x80, b"e"),
    ]


@pytest.mark.parametrize(
    ("method", "argument", "error"),
    [
        ("send_text", b"bytes", TypeError),
        ("send_text", "\ud800", ValueError),
        ("send_binary", "text", TypeError),
        ("send_binary", bytearray(b"x"), TypeError),
        ("send_ping", "text", TypeError),
        ("send_ping", b"x" * 126, ValueError),
        ("send_pong", "text", TypeError),
        ("send_pong", b"x" * 126, ValueError),
        ("send_json", object(), TypeError),
    ],
)
def test_what_cannot_be_sent_raises_at_the_call(
    method: str, argument: object, error: type[Exception]
) -> None:
    """And nothing is written."""
    ws = WebSocket(URL)
    session = opened(ws)
    with pytest.raises(error):
        getattr(ws, method)(argument)
    assert session.written == []


def test_send_json_takes_an_object_or_keywords() -> None:
    """Both give the same text; both at once make no sense."""
    ws = WebSocket(URL)
    session = opened(ws)
    ws.send_json({"foo": "bar"})
    ws.send_json(foo="bar")
    ws.send_json([1, None])
    ws.send_json(None)
    texts = [json.loads(f.payload) for f in session.frames()]
    assert texts == [{"foo": "bar"}, {"foo": "bar"}, [1, None], None]
    with pytest.raises(ValueError, match="not both"):
        ws.send_json([], foo="bar")


def test_compression_can_be_declined_for_a_message() -> None:
    """RSV1 marks what is compressed (RFC 7692 §6)."""
    ws = WebSocket(URL, compress=True)
    session = opened(ws, headers=DEFLATE)
    assert ws.supports_compression
    ws.send_text("x" * 50)
    ws.send_text("x" * 50, compress=False)
    ws.send_binary(b"x" * 50)
    ws.send_binary(b"x" * 50, compress=False)
    assert [f.first_byte for f in session.frames()] == [0xC1, 0x81, 0xC2, 0x82]


def test_a_broken_transport_is_the_senders_to_know() -> None:
    """TransportFail, except from close, which has nothing to lose."""
    ws = WebSocket(URL)
    session = opened(ws)
    session.is_broken = True
    with pytest.raises(TransportFail):
        ws.send_text("lost")
    assert list(ws.feed(frame(0x89))) == [Ping(b"")]  # and nobody minds about the Pong
    ws.close()
    assert ws.is_closing


# Receiving


def test_feed_gives_events() -> None:
    """Of whatever bytes-like object."""
    ws = WebSocket(URL)
    opened(ws)
    data = frame(0x81, b"text") + frame(0x82, b"data") + frame(0x8A, b"pong")
    expected = [Text("text"), Binary(b"data"), Pong(b"pong")]
    assert list(ws.feed(data)) == expected
    others: list[Any] = [bytearray(data), memoryview(data)]
    assert [list(ws.feed(other)) for other in others] == [expected] * 2
    assert next(ws.feed(data)) == Text("text")
    assert list(ws.feed(b"")) == []
    with pytest.raises(TypeError, match="data"):
        ws.feed("text")  # type: ignore[arg-type]  # wrong on purpose


def test_events_behind_the_handshake_come_in_order() -> None:
    """Frames in the same read as the response are not lost."""
    ws = WebSocket(URL)
    connected(ws)
    data = response_to(ws.build_request()) + frame(0x81, b"1") + frame(0x82, b"2")
    ready, *rest = ws.feed(data)
    assert isinstance(ready, Ready)
    assert (ready.protocol, ready.extensions) == (None, frozenset())
    assert ready.response.status_code == 101
    assert rest == [Text("1"), Binary(b"2")]


def test_the_response_may_come_in_pieces() -> None:
    """Nothing happens before it is complete."""
    ws = WebSocket(URL)
    connected(ws)
    response = response_to(ws.build_request())
    for i in range(len(response) - 1):
        assert list(ws.feed(response[i : i + 1])) == []
    assert [event.name for event in ws.feed(response[-1:])] == ["ready"]


@pytest.mark.rfc("RFC6455-5.5.2-03")
def test_the_pong_is_sent_before_the_ping_is_seen() -> None:
    """The Ping event only tells of it."""
    ws = WebSocket(URL)
    session = opened(ws)
    events = ws.feed(frame(0x89, b"hello"))
    assert session.frames() == [Frame(0x8A, b"hello")]
    assert list(events) == [Ping(b"hello")]


def test_pongs_can_be_left_to_the_application() -> None:
    """auto_pong=False."""
    ws = WebSocket(URL)
    ws.connect(session_class=RecordingSession, auto_pong=False)
    session = ws.session
    assert isinstance(session, RecordingSession)
    list(ws.feed(response_to(ws.build_request())))
    assert list(ws.feed(frame(0x89, b"hello"))) == [Ping(b"hello")]
    assert session.written == []


@pytest.mark.rfc("RFC6455-5.5.1-09", "RFC6455-7.1.3-01")
def test_our_close_goes_out_after_closing_was_handled() -> None:
    """The handler may still send; then the reply repeats the code."""
    ws = WebSocket(URL)
    session = opened(ws)
    session.session_time = 2.0
    for event in ws.feed(bytes.fromhex("8803 03e9 61")):
        assert event == Closing(1001, "a")
        assert ws.is_closing
        assert ws.sent_close_time is None
        ws.send_text("last words")
    assert session.frames() == [Frame(0x81, b"last words"), Frame(0x88, b"\x03\xe9")]
    assert ws.sent_close_time == 2.0
    with pytest.raises(WebSocketClosing):
        ws.send_text("too late")
    assert ws.transport_ended() == Disconnected("closed", True, 1001)


def test_the_handler_of_closing_may_close_by_itself() -> None:
    """Then its code is the reply."""
    ws = WebSocket(URL)
    session = opened(ws)
    for _event in ws.feed(bytes.fromhex("8800")):
        ws.close(4000, "mine")
    assert session.frames() == [Frame(0x88, b"\x0f\xa0mine")]


@pytest.mark.rfc("RFC6455-7.1.5-02")
def test_an_empty_close_is_answered_by_an_empty_close() -> None:
    """1005 is what the application sees, and never on the wire."""
    ws = WebSocket(URL)
    session = opened(ws)
    assert list(ws.feed(bytes.fromhex("8800"))) == [Closing(1005, "")]
    assert session.frames() == [Frame(0x88, b"")]


@pytest.mark.rfc("RFC6455-7.1.7-05", "RFC6455-7.1.7-07")
def test_a_violation_is_answered_by_a_close_and_ends_the_connection() -> None:
    """One event, one Close, and nothing more is read; earlier events are delivered."""
    ws = WebSocket(URL)
    session = opened(ws)
    data = frame(0x81, b"fine") + frame(0xF1, b"not") + frame(0x81, b"never seen")
    text, error = ws.feed(data)
    assert text == Text("fine")
    assert isinstance(error, ProtocolError)
    assert not error.critical
    ((first_byte, payload),) = session.frames()
    assert (first_byte, payload[:2]) == (0x88, b"\x03\xea")
    assert ws.is_closing
    assert ws.sent_close_time is not None
    assert list(ws.feed(frame(0x81, b"never seen"))) == []
    farewell = ws.transport_ended()
    assert not farewell.graceful
    assert farewell.code == 1006


def test_limits_are_kept() -> None:
    """A message above the limit fails the connection with 1009."""
    ws = WebSocket(URL, limits=Limits(message_size=10))
    session = opened(ws)
    assert [event.name for event in ws.feed(frame(0x81, b"x" * 11))] == ["protocol_error"]
    assert session.frames()[0].payload[:2] == b"\x03\xf1"


# The answer to the opening handshake


@pytest.mark.rfc("RFC6455-4.1-40", "RFC6455-7.1.4-02")
def test_a_refusal_is_rejected_and_the_session_closed() -> None:
    """With the response, so that the application can see why."""
    ws = WebSocket(URL)
    session = connected(ws)
    (event,) = ws.feed(b"HTTP/1.1 403 Forbidden\r\nRetry-After: 3\r\n\r\nGo away")
    assert isinstance(event, Rejected)
    assert event.response.status_code == 403
    assert event.response.get("retry-after") == "3"
    assert "403" in event.reason
    assert ws.is_closed
    assert session.is_closed
    farewell = ws.transport_ended()
    assert not farewell.graceful
    assert "rejected" in farewell.reason


@pytest.mark.rfc("RFC6455-4.1-48")
def test_on_response_returns_protocol_and_extensions() -> None:
    """Or raises HandshakeError, on whatever it is called with."""
    ws = WebSocket(URL, protocols=["chat"], compress=True)
    request = ws.build_request()
    good = response_to(request, b"Sec-WebSocket-Protocol: chat\r\n" + DEFLATE)
    assert ws.on_response(Response(good)) == ("chat", {"permessage-deflate"})
    plain = response_to(request)
    assert ws.on_response(Response(plain)) == (None, set())
    other = response_to(request, b"Sec-WebSocket-Protocol: other\r\n")
    for bad in (other, plain.replace(b"101", b"200"), plain.replace(b"Accept: ", b"Accept: x")):
        with pytest.raises(HandshakeError):
            ws.on_response(Response(bad))


def test_process_extensions_returns_their_names() -> None:
    """And raises for what was not offered, or does not fit the offer."""
    ws = WebSocket(URL, compress=True)
    assert ws.process_extensions([]) == set()
    assert ws.process_extensions(["permessage-deflate"]) == {"permessage-deflate"}
    assert ws.process_extensions(["permessage-deflate; client_max_window_bits=10"]) == {
        "permessage-deflate"
    }
    with pytest.raises(HandshakeError, match="x-other"):
        ws.process_extensions(["x-other"])
    with pytest.raises(HandshakeError):
        ws.process_extensions([";;"])
    with pytest.raises(CompressionParameterError):
        ws.process_extensions(["permessage-deflate; client_max_window_bits=99"])
    with pytest.raises(HandshakeError):
        WebSocket(URL).process_extensions(["permessage-deflate"])


def test_a_subclass_may_refuse_a_response() -> None:
    """HandshakeError from an override becomes Rejected; what came behind is dropped."""

    class Picky(WebSocket):
        def on_response(self, response: Response) -> tuple[str | None, set[str]]:
            raise HandshakeError("no {} for me", response.get("x-flavour"))

    ws = Picky(URL)
    session = connected(ws)
    data = response_to(ws.build_request(), b"X-Flavour: vanilla\r\n") + frame(0x81, b"1")
    (event,) = ws.feed(data)
    assert isinstance(event, Rejected)
    assert event.reason == "no vanilla for me"
    assert ws.is_closed
    assert session.is_closed
    assert session.written == []


def test_a_subclass_may_report_other_extensions() -> None:
    """What process_extensions returns is in the Ready event."""

    class Mine(WebSocket):
        def process_extensions(self, extensions: object) -> set[str]:
            return {"mine"}

    ws = Mine(URL)
    connected(ws)
    (event,) = ws.feed(response_to(ws.build_request()))
    assert isinstance(event, Ready)
    assert event.extensions == {"mine"}


def test_a_subclass_cannot_make_a_refusal_acceptable() -> None:
    """The protocol has failed all the same (RFC 6455 §4.1)."""

    class Lenient(WebSocket):
        def on_response(self, response: Response) -> tuple[str | None, set[str]]:
            return "whatever", set()

    ws = Lenient(URL)
    connected(ws)
    assert [event.name for event in ws.feed(b"HTTP/1.1 200 OK\r\n\r\n")] == ["rejected"]


def test_on_disconnect_is_called_once_for_each_connection() -> None:
    """Whichever way the connection ends; the session is closed then."""

    class Counting(WebSocket):
        calls = 0

        def on_disconnect(self) -> None:
            self.calls += 1
            super().on_disconnect()

    ws = Counting(URL)
    session = opened(ws)
    first = ws.transport_ended("cut off")
    assert first == Disconnected("cut off", False, 1006)
    assert ws.transport_ended("again") is first
    assert ws.calls == 1
    assert session.is_closed
    connected(ws)
    list(ws.feed(b"HTTP/1.1 404 Not Found\r\n\r\n"))
    ws.transport_ended()
    assert ws.calls == 2


def test_on_disconnect_can_be_called_by_a_session() -> None:
    """Sessions written for lomond do."""
    ws = WebSocket(URL)
    session = opened(ws)
    ws.on_disconnect()
    assert ws.is_closed
    assert session.is_closed


# Sessions and traces


def test_a_session_class_is_given_the_websocket_and_the_options() -> None:
    """Only those that lomond has, unless others are asked for."""
    ws = WebSocket(URL)

    class Mine(RecordingSession):
        def run(self, **options: object) -> Iterator[Event]:
            self.options = options
            yield Text("mine")

    assert list(ws.connect(session_class=Mine, poll=1.0)) == [Text("mine")]
    session = ws.session
    assert isinstance(session, Mine)
    assert session.websocket is ws
    assert session.options == {
        "poll": 1.0,
        "ping_rate": 30.0,
        "ping_timeout": None,
        "auto_pong": True,
        "close_timeout": 30.0,
    }
    list(ws.connect(session_class=Mine, open_timeout=None))
    session = ws.session
    assert isinstance(session, Mine)
    assert session.options["open_timeout"] is None


def test_trace_is_called_with_records() -> None:
    """Stage and url are in every one of them."""
    records: list[dict[str, object]] = []
    ws = WebSocket(URL, trace=records.append)
    opened(ws)
    ws.send_text("ä")
    ws.send_binary(b"123", compress=False)
    ws.send_ping(b"p")
    ws.send_pong(b"")
    list(ws.feed(frame(0x81, b"t") + frame(0x82, b"b") + frame(0x89) + frame(0x8A)))
    list(ws.feed(bytes.fromhex("880203e8")))
    ws.transport_ended()
    assert {record["url"] for record in records} == {URL}
    assert [record["stage"] for record in records] == [
        "connect_start",
        "handshake_ready",
        "send_text",
        "send_binary",
        "send_ping",
        "send_pong",
        "message_text",
        "message_binary",
        "message_ping",
        "message_pong",
        "message_close",
        "close_requested",
        "disconnected",
    ]
    by_stage = {record["stage"]: record for record in records}
    assert by_stage["send_text"] == {
        "stage": "send_text",
        "url": URL,
        "length": 2,
        "compressed": True,
    }
    assert by_stage["send_binary"]["compressed"] is False
    assert by_stage["message_close"]["code"] == 1000
    assert by_stage["handshake_ready"]["extensions"] == []


def test_trace_true_logs_the_records(caplog: pytest.LogCaptureFixture) -> None:
    """At level DEBUG, by the logger wsref."""
    caplog.set_level("DEBUG", logger="wsref")
    opened(WebSocket(URL, trace=True))
    assert "connect_start" in caplog.text
    assert {record.levelname for record in caplog.records} == {"DEBUG"}
