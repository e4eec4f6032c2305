"""Programs written for lomond 0.3.4 do the same on wsref, with one import changed."""

from __future__ import annotations

import importlib.util
import socket
from collections.abc import Callable
from textwrap import dedent
from typing import cast

import pytest

from spec_tests.api.peers import CLOSE_1000, Peer, Script, response_to, scripted_server
from spec_tests.playbook import frame

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("lomond") is None, reason="lomond is not installed"
)

#: Every program is called with a URL and returns what it has seen.
Program = Callable[[str], list[object]]


def load(source: str, library: str) -> Program:
    """Return the function `main` of a program, for one library or the other."""
    namespace: dict[str, object] = {}
    exec(compile(dedent(source).replace("lomond", library), library, "exec"), namespace)
    return cast(Program, namespace["main"])


def both(source: str, *scripts: Script) -> list[object]:
    """Run a program with both libraries against the same server; return what it has seen."""
    seen: list[list[object]] = []
    for library in ("lomond", "wsref"):
        with scripted_server(*scripts) as url:
            seen.append([str(item).replace(url, "URL") for item in load(source, library)(url)])
    theirs, ours = seen
    assert ours == theirs
    return theirs


def greet(peer: Peer) -> None:
    """Accept, greet in two ways, echo one text, and take part in the closing handshake."""
    peer.accept(behind=frame(0x81, b"hello") + frame(0x82, b"\x00\x01"))
    while True:
        first_byte, payload = peer.message()
        if first_byte == 0x88:
            peer.send_frame(0x88, payload)
            return
        if first_byte == 0x81:
            peer.send_frame(0x81, payload)


def test_the_example_of_the_readme() -> None:
    """Dispatching on names and on classes, sending, closing."""
    seen = both(
        """
        from lomond import WebSocket, events
        from lomond.status import Status

        def main(url):
            seen = []
            websocket = WebSocket(url)
            for event in websocket.connect(ping_rate=0):
                if event.name == 'poll':
                    continue
                seen.append(event.name)
                if isinstance(event, events.Ready):
                    websocket.send_json(foo='bar')
                    seen += [event.protocol, sorted(event.extensions)]
                    seen += [event.response.status_code, event.response.get('upgrade')]
                elif event.name == 'text':
                    seen.append(event.text)
                    if event.text != 'hello':
                        seen.append(event.json)
                        websocket.close(Status.GOING_AWAY, b'bye')
                        seen += [websocket.is_closing, websocket.is_active, websocket.is_closed]
                elif event.name == 'binary':
                    seen.append(event.data)
                elif event.name == 'closed':
                    seen += [event.code, event.reason]
                elif event.name == 'disconnected':
                    seen += [event.graceful, websocket.is_closed, websocket.is_active]
            return seen
        """,
        greet,
    )
    assert seen[0] == "connecting"
    assert "closed" in seen


def test_iterating_over_the_websocket_and_the_context_manager() -> None:
    """With constants, opcodes and the other modules imported."""

    def script(peer: Peer) -> None:
        peer.accept()
        peer.end()

    both(
        """
        from lomond.websocket import WebSocket
        from lomond import constants, errors, events, opcode, persist, response, session, status

        def main(url):
            seen = [constants.WS_KEY, constants.WS_VERSION, int(opcode.Opcode.TEXT)]
            seen += [opcode.is_reserved(3), opcode.Opcode.to_str(9), int(status.Status.NORMAL)]
            with WebSocket(url, protocols=['chat'], agent='me') as websocket:
                seen += [websocket.url, websocket.agent, websocket.protocols, websocket.resource]
                seen += [websocket.scheme, websocket.host, websocket.is_secure]
                websocket.add_header(b'X-Test', b'1')
                for event in websocket:
                    if event.name not in ('poll', 'pong'):
                        seen.append(event.name)
                    if event.name == 'ready':
                        break
                seen.append(isinstance(websocket.session, session.WebsocketSession))
            try:
                websocket.send_text('too late')
            except errors.WebSocketUnavailable:
                seen.append('unavailable')
            return seen
        """,
        script,
    )


@pytest.mark.parametrize(
    "call",
    [
        "send_text(b'bytes')",
        "send_binary(u'text')",
        "send_ping(u'text')",
        "send_ping(b'x' * 126)",
        "send_pong(b'x' * 126)",
        "send_json([], foo=1)",
        "send_json(object())",
        "add_header('X', b'1')",
        "add_header(b'X', '1')",
    ],
)
def test_mistakes_raise_the_same(call: str) -> None:
    """The class of the exception is what programs catch."""
    both(
        f"""
        from lomond import WebSocket

        def main(url):
            seen = []
            websocket = WebSocket(url)
            for event in websocket.connect(ping_rate=0):
                if event.name == 'ready':
                    try:
                        websocket.{call}
                    except Exception as error:
                        seen.append(type(error).__name__)
                    websocket.close()
            return seen
        """,
        greet,
    )


def test_the_server_closes() -> None:
    """Closing, its code and reason, sending in its handler, and what comes afterwards."""

    def script(peer: Peer) -> None:
        peer.accept(behind=bytes.fromhex("8805 03e9") + b"bye")
        assert peer.message() == (0x81, b"last words")
        assert peer.message()[0] == 0x88

    seen = both(
        """
        from lomond import WebSocket, errors

        def main(url):
            seen = []
            websocket = WebSocket(url)
            for event in websocket.connect(ping_rate=0):
                if event.name == 'poll':
                    continue
                seen.append(event.name)
                if event.name == 'closing':
                    seen += [event.code, event.reason]
                    websocket.send_text(u'last words')
                if event.name == 'disconnected':
                    seen += [event.graceful, event.reason]
            seen.append(websocket.is_closed or websocket.is_closing)
            return seen
        """,
        script,
    )
    assert seen[-4:] == ["disconnected", "True", "closed", "True"]


def test_pings_are_answered() -> None:
    """Or not, if auto_pong is off and the application does it."""

    def script(peer: Peer) -> None:
        peer.accept(behind=frame(0x89, b"1") + frame(0x8A, b"2"))
        assert peer.message() == (0x8A, b"1")
        peer.send(CLOSE_1000)
        peer.message()

    for auto_pong in (True, False):
        both(
            f"""
            from lomond import WebSocket

            def main(url):
                seen = []
                websocket = WebSocket(url)
                for event in websocket.connect(ping_rate=0, auto_pong={auto_pong}):
                    if event.name != 'poll':
                        seen.append(event.name)
                    if event.name == 'ping' and not {auto_pong}:
                        websocket.send_pong(event.data)
                    if event.name in ('ping', 'pong'):
                        seen.append(event.data)
                return seen
            """,
            script,
        )


def test_a_refusal() -> None:
    """Rejected with the response, then Disconnected."""

    def script(peer: Peer) -> None:
        peer.head()
        peer.send(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n\r\n")

    seen = both(
        """
        from lomond import WebSocket

        def main(url):
            seen = []
            for event in WebSocket(url):
                seen.append(event.name)
                if event.name == 'rejected':
                    seen += [event.response.status_code, event.response.status]
                    seen += [event.response.get('www-authenticate'), '401' in event.reason]
            return seen
        """,
        script,
    )
    assert seen[-1] == "disconnected"


def test_no_server() -> None:
    """ConnectFail, and nothing else."""

    def script(peer: Peer) -> None:
        """Only there to take a port."""
        peer.head()

    with scripted_server(script) as url:
        port = int(url.rstrip("/").rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.sendall(b"\r\n\r\n")
    source = """
        from lomond import WebSocket

        def main(url):
            return [event.name for event in WebSocket(url)]
        """
    assert load(source, "wsref")(url) == load(source, "lomond")(url)


def test_persist() -> None:
    """Reconnecting, with an exit event of the program's own."""

    def drop(peer: Peer) -> None:
        peer.accept(behind=frame(0x81, b"1"))

    both(
        """
        from lomond import WebSocket
        from lomond.persist import persist

        class Exit:
            count = 0
            def wait(self, timeout):
                self.count += 1
                return self.count == 2

        def main(url):
            seen = []
            websocket = WebSocket(url)
            for event in persist(websocket, ping_rate=0, min_wait=3, max_wait=3, exit_event=Exit()):
                if event.name != 'poll':
                    seen.append(event.name)
                if event.name == 'back_off':
                    seen.append(event.delay)
            return seen
        """,
        drop,
        drop,
    )


def test_compressed_messages() -> None:
    """Both ways, and on demand only."""

    def script(peer: Peer) -> None:
        head = peer.head()
        assert b"permessage-deflate" in head
        extension = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
        # c1 07 f2 48 cd c9 c9 07 00 is "Hello" (RFC 7692 §7.2.3.1)
        peer.send(response_to(head, extension) + bytes.fromhex("c107 f248cdc9c90700"))
        assert peer.message()[0] == 0xC1
        assert peer.message() == (0x81, b"plain")
        peer.send(CLOSE_1000)
        peer.message()

    both(
        """
        from lomond import WebSocket

        def main(url):
            seen = []
            websocket = WebSocket(url, compress=True)
            for event in websocket.connect(ping_rate=0):
                if event.name == 'ready':
                    seen += [sorted(event.extensions), websocket.supports_compression]
                if event.name == 'text':
                    seen.append(event.text)
                    websocket.send_text(u'Hello')
                    websocket.send_text(u'plain', compress=False)
            return seen
        """,
        script,
    )


def test_a_subclass_with_hooks() -> None:
    """on_response, and a session class."""

    def script(peer: Peer) -> None:
        peer.accept(behind=CLOSE_1000, headers=b"X-Test: 1\r\n")
        peer.message()

    both(
        """
        from lomond import WebSocket, errors
        from lomond.session import WebsocketSession

        class Session(WebsocketSession):
            def run(self, poll=5, ping_rate=30, ping_timeout=None, auto_pong=True,
                    close_timeout=None):
                for event in super(Session, self).run(
                        poll=poll, ping_rate=ping_rate, ping_timeout=ping_timeout,
                        auto_pong=auto_pong, close_timeout=close_timeout):
                    yield event
                    yield event

        class Checked(WebSocket):
            def on_response(self, response):
                seen.append(response.get('x-test'))
                if refuse:
                    raise errors.HandshakeError('refused by {}', 'me')
                return super(Checked, self).on_response(response)

        def main(url):
            global seen, refuse
            seen = []
            refuse = False
            for event in Checked(url).connect(session_class=Session, ping_rate=0):
                if event.name != 'poll':
                    seen.append(event.name)
            refuse = True
            return seen
        """,
        script,
    )
