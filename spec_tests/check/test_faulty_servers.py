"""The library of faulty servers: the correct one is correct, each fault and variation is one.

Nothing here needs the checker.  What a server does is looked at from outside, by probes
(:mod:`.faulty.probes`), and compared with what the correct server does.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import urlsplit

import pytest

from spec_tests.check.faulty.probes import PROBES, Outcome, Probe, frame, head, run
from spec_tests.check.faulty.registry import Fault, Variation, faults, variations
from spec_tests.check.faulty.server import EchoServer, serving
from spec_tests.check.faulty.shown import TOPICS, Place, outcomes, shown_by
from wsref import WebSocket
from wsref.events import Binary, Closed, Disconnected, Poll, Pong, ProtocolError, Ready, Text
from wsref.requirements import requirements

FAULTS: Final = {name: fault for topic in TOPICS for name, fault in faults(topic).items()}

SHOWN_BY: Final = shown_by()

#: What every client does: messages, a Ping, a Close.
CONVERSATION: Final[Place] = ("ordinary", "conversation")

CLOSE: Final = frame(8, b"\x03\xe8")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The correct server's URL."""
    with serving(EchoServer) as url:
        yield url


# ---- the correct server


@pytest.mark.parametrize("compress", [False, True])
def test_wsref_client_converses_with_the_correct_server(url: str, compress: bool) -> None:
    """Messages of all sizes come back as they were, and the connection ends in order."""
    sent: list[str | bytes] = [
        "",
        "hello",
        "héllo " * 30_000,
        b"",
        bytes(range(256)),
        os.urandom(70_000),
    ]
    sent += ["the same again", "the same again", b"\0" * (1 << 20)]
    received: list[str | bytes] = []
    ws = WebSocket(url, compress=compress)
    events: list[str] = []
    for event in ws.connect(ping_rate=0):
        events.append(event.name)
        if isinstance(event, Ready):
            assert ("permessage-deflate" in event.extensions) == compress
        if isinstance(event, Text):
            received.append(event.text)
        elif isinstance(event, Binary):
            received.append(event.data)
        if isinstance(event, (Ready, Text, Binary)):
            if len(received) == len(sent):
                ws.close(1000)
            else:
                message = sent[len(received)]
                ws.send_text(message) if isinstance(message, str) else ws.send_binary(message)
    assert received == sent
    assert events[-2:] == ["closed", "disconnected"]


#: What the correct server answers to frames: the bytes behind its 101; it ends in FIN.
FRAMES: Final = {
    "text": (frame(1, b"hi") + CLOSE, "81 02 68 69  88 02 03 e8"),
    "binary": (frame(2, b"\xff\x00") + CLOSE, "82 02 ff 00  88 02 03 e8"),
    "empty messages": (frame(1) + frame(2) + CLOSE, "81 00  82 00  88 02 03 e8"),
    "126 bytes": (frame(1, b"a" * 126) + CLOSE, "81 7e 00 7e" + "61" * 126 + "88 02 03 e8"),
    "fragments and a ping": (
        frame(1, b"a", fin=False) + frame(9, b"p") + frame(0, b"b") + CLOSE,
        "8a 01 70  81 02 61 62  88 02 03 e8",
    ),
    "pings and pongs": (
        frame(9) + frame(10, b"x") + frame(9, b"y") + CLOSE,
        "8a 00  8a 01 79  88 02 03 e8",
    ),
    "empty close": (frame(8), "88 00"),
    "close with a code and a reason": (frame(8, b"\x0b\xb8bye"), "88 02 0b b8"),
    "nothing behind a close": (CLOSE + frame(9) + frame(1, b"x") + CLOSE, "88 02 03 e8"),
    "unmasked": (frame(1, b"hi", key=None), "88 02 03 ea"),
    "reserved bit": (frame(1, b"hi", rsv=2) + frame(9), "88 02 03 ea"),
    "reserved opcode": (frame(3) + frame(9), "88 02 03 ea"),
    "long ping": (frame(9, b"x" * 126), "88 02 03 ea"),
    "fragmented ping": (frame(9, fin=False), "88 02 03 ea"),
    "continuation of nothing": (frame(0), "88 02 03 ea"),
    "message in a message": (frame(1, fin=False) + frame(1), "88 02 03 ea"),
    "longer length than need be": (frame(1, b"hi", form=16), "88 02 03 ea"),
    "negative length": (frame(2, form=64, length=1 << 63), "88 02 03 ea"),
    "too long": (frame(2, form=64, length=(1 << 20) + 1), "88 02 03 f1"),
    "too long together": (
        frame(2, b"x", fin=False) + frame(0, form=64, length=1 << 20),
        "88 02 03 f1",
    ),
    "invalid text, at once": (frame(1, b"\xed\xa0", fin=False), "88 02 03 ef"),
    "text that is cut off": (frame(1, b"\xc3"), "88 02 03 ef"),
    "invalid reason": (frame(8, b"\x03\xe8\xff"), "88 02 03 ef"),
    "close with a single byte": (frame(8, b"\x03"), "88 02 03 ea"),
    "close with 1005": (frame(8, b"\x03\xed"), "88 02 03 ea"),
}


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("coalesced", [True, False])
def test_correct_server_answers_frames(url: str, name: str, coalesced: bool) -> None:
    """It answers legal frames, and fails the connection at others, however they arrive."""
    sent, expected = FRAMES[name]
    segments = (head() + sent,) if coalesced else (head(), sent[:3], sent[3:])
    outcome = run(url, Probe(segments), 5)
    response, _, frames = outcome.received.partition(b"\r\n\r\n")
    assert response.startswith(b"HTTP/1.1 101 ")
    assert (frames.hex(), outcome.end) == (bytes.fromhex(expected).hex(), "fin")


@pytest.mark.parametrize(
    ("name", "status"),
    [
        *(("plain", 101), ("absolute http", 101), ("headers reversed", 101), ("names upper", 101)),
        *(("Upgrade: foo, websocket", 101), ("Connection in two lines", 101)),
        *(("method POST", 405), ("HTTP/1.0", 505), ("without Host", 400), ("two hosts", 400)),
        *(("without Upgrade", 426), ("without Connection", 400), ("two keys", 400)),
        *(("without Sec-WebSocket-Key", 400), ("without Sec-WebSocket-Version", 400)),
        *(("version 99", 426), ("version 013", 400), ("version 13, 8", 400), ("key ''", 400)),
        *(("extensions ;", 400), ("subprotocol a/b", 400), ("space before colon", 400)),
    ],
)
def test_correct_server_checks_requests(url: str, name: str, status: int) -> None:
    """It accepts good requests and answers others with an HTTP error, then closes TCP."""
    outcome = run(url, PROBES["handshake"][name], 5)
    assert outcome.received.startswith(b"HTTP/1.1 %d " % status)
    assert outcome.end == "fin"
    if name == "version 99":
        assert b"\r\nSec-WebSocket-Version: 13\r\n" in outcome.received


def test_correct_server_lets_no_reset_destroy_its_close(url: str) -> None:
    """A Close reaches the client whatever else was on its way to the server."""
    outcome = run(url, Probe((head(), frame(3) + bytes(500_000))), 5)
    assert outcome.received.endswith(b"\r\n\r\n\x88\x02\x03\xea")


def test_head_is_limited(url: str) -> None:
    """A request of more than 16 KiB is refused before its end."""
    outcome = run(url, Probe((head(("X-Long", "x" * 20_000))[:-4],)), 5)
    assert outcome.received.startswith(b"HTTP/1.1 431 ")


def test_connections_are_served_in_parallel_and_end_with_the_server() -> None:
    """Twenty connections at once are answered; none outlives the server, nor does a thread."""
    before = threading.active_count()
    with serving(EchoServer) as url:
        address = urlsplit(url).hostname or "", urlsplit(url).port or 0
        clients = [socket.create_connection(address, 5) for _ in range(20)]
        for client in clients:
            client.sendall(head() + frame(9, b"p"))
        for client in reversed(clients):
            received = b""
            while not received.endswith(b"\x8a\x01p"):
                data = client.recv(4096)
                assert data
                received += data
    for client in clients:
        with client:
            assert client.recv(4096) == b""
    assert threading.active_count() <= before


# ---- the faulty servers


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_entry_is_complete(fault: Fault) -> None:
    """A fault cites requirements that servers have to obey and that a peer can observe."""
    cited = [requirements()[identifier] for identifier in fault.requirement_ids]
    assert cited
    assert all(entry.binds_servers and entry.observable == "peer" for entry in cited)
    assert any(entry.check for entry in cited)
    assert fault.description.endswith(".")


def test_there_are_enough_of_them() -> None:
    """Each topic has many, and some break no more than a SHOULD."""
    assert all(len(faults(topic)) >= 40 for topic in TOPICS)
    lenient = sum(fault.level == "SHOULD" for fault in FAULTS.values())
    assert 0.05 < lenient / len(FAULTS) < 0.15
    assert len(variations()) >= 100


@pytest.fixture(scope="module")
def right() -> Mapping[Place, Outcome]:
    """What the correct server makes of the probes."""
    return outcomes({CONVERSATION, *SHOWN_BY.values()}, 2)


def probe(
    right: Mapping[Place, Outcome], url: str, place: Place, timeout: float, *, differs: bool
) -> Outcome:
    """Return an outcome; give segments that a busy machine delivered together another chance."""
    for pause in (0.005, 0.03):
        outcome = run(url, PROBES[place[0]][place[1]], timeout, pause)
        if (outcome != right[place]) == differs:
            return outcome
    return run(url, PROBES[place[0]][place[1]], timeout, 0.2)


@pytest.fixture(scope="module")
def conversations(right: Mapping[Place, Outcome]) -> Mapping[str, tuple[Outcome, Outcome]]:
    """What each faulty server makes of an ordinary conversation, and of the probe that shows it."""

    def converse(fault: Fault) -> tuple[Outcome, Outcome]:
        place = SHOWN_BY[fault.name]
        with serving(fault.server_class) as url:
            if place == CONVERSATION:
                outcome = probe(right, url, place, 0.3, differs=True)
                return outcome, outcome
            ordinary = probe(right, url, CONVERSATION, 5, differs=False)
            return ordinary, probe(right, url, place, 0.3, differs=True)

    with ThreadPoolExecutor(16) as pool:
        return dict(zip(FAULTS, pool.map(converse, FAULTS.values()), strict=True))


@pytest.mark.long
@pytest.mark.parametrize("name", FAULTS)
def test_ordinary_conversation_shows_no_other_fault(
    right: Mapping[Place, Outcome], conversations: Mapping[str, tuple[Outcome, Outcome]], name: str
) -> None:
    """A faulty server is like the correct one, except where its fault shows at once."""
    differs = conversations[name][0] != right[CONVERSATION]
    assert differs == (SHOWN_BY[name] == CONVERSATION)


@pytest.mark.long
@pytest.mark.parametrize("name", FAULTS)
def test_fault_can_be_seen(
    right: Mapping[Place, Outcome], conversations: Mapping[str, tuple[Outcome, Outcome]], name: str
) -> None:
    """Some probe makes a faulty server differ from the correct one."""
    assert conversations[name][1] != right[SHOWN_BY[name]]


# ---- the servers that are unusual and right

#: Those that do nothing but take their time, or cut up what they send: no probe shows that.
TIMING: Final = {
    *("legal/response-in-pieces", "legal/response-delayed", "legal/echo-after-20-ms"),
    *("legal/output-coalesced", "legal/output-in-bytes", "legal/tcp-closed-100-ms-later"),
    *("legal/tcp-closed-300-ms-later", "legal/idle-connections-closed"),
}

#: Those that do not send messages back as they are.
NO_ECHO: Final = {
    *("legal/greeter", "legal/sink", "legal/acknowledger", "legal/polite-echo", "legal/capitals"),
    *("legal/ticker", "legal/chat-room"),
}


@pytest.mark.parametrize("variation", variations().values(), ids=variations())
def test_variation_cites_what_permits_it(variation: Variation) -> None:
    """A legal variation cites requirements, and says what it does."""
    assert variation.requirement_ids
    assert all(identifier in requirements() for identifier in variation.requirement_ids)
    assert variation.description.endswith(".")


def test_variations_without_probe_are_those_of_timing() -> None:
    """Every other one is shown by a probe."""
    assert variations().keys() - SHOWN_BY.keys() == TIMING


@pytest.fixture(scope="module")
def unusual(right: Mapping[Place, Outcome]) -> Mapping[str, bool]:
    """Whether the probe that shows a variation tells it from the correct server."""

    def differs(name: str) -> bool:
        place = SHOWN_BY[name]
        with serving(variations()[name].server_class) as url:
            return probe(right, url, place, 0.3, differs=True) != right[place]

    names = [name for name in variations() if name not in TIMING]
    with ThreadPoolExecutor(16) as pool:
        return dict(zip(names, pool.map(differs, names), strict=True))


@pytest.mark.parametrize("name", [name for name in variations() if name not in TIMING])
def test_variation_is_unusual(unusual: Mapping[str, bool], name: str) -> None:
    """Some probe makes it differ from the correct server."""
    assert unusual[name]


def talk(url: str, sent: list[str | bytes], *, echo: bool, compress: bool) -> list[str]:
    """Have an ordinary conversation by our client, which is strict; return what went wrong."""
    waiting = list(sent) if echo else []
    wrong: list[str] = []
    ponged = closed = False
    polls = 0
    ws = WebSocket(url, compress=compress)
    for event in ws.connect(poll=0.5, ping_rate=0, close_timeout=5, open_timeout=5):
        match event:
            case Ready():
                for message in sent:
                    ws.send_text(message) if isinstance(message, str) else ws.send_binary(message)
                ws.send_ping(b"sign of life")
            case Text(text=content) | Binary(data=content):
                if waiting and content == waiting[0]:
                    waiting.pop(0)
            case Pong(data=b"sign of life"):
                ponged = True
            case Closed():
                closed = True
            case ProtocolError():
                wrong.append(event.error)
            case Disconnected():
                wrong.extend([] if event.graceful else [event.reason])
            case Poll():
                polls += 1
                if polls == 10:
                    return [*wrong, f"no more came; Pong: {ponged}, waiting for {waiting!r}"]
            case _:
                pass
        if ponged and not waiting and not ws.is_closing:
            ws.close(1000)
    return wrong if closed else [*wrong, "not closed"]


@pytest.fixture(scope="module")
def conversed() -> Mapping[str, list[str]]:
    """What went wrong in ordinary conversations with the legal variations."""

    def converse(name: str) -> list[str]:
        sent: list[str | bytes] = ["hello", "h\u00e9llo", b"\xff\0" * 700, "hello", "", "the end"]
        if name.startswith("legal/text-only"):
            sent = [message for message in sent if isinstance(message, str)]
        echo = name not in NO_ECHO
        with serving(variations()[name].server_class) as url:
            return [
                problem
                for compress in (False, True)
                for problem in talk(url, sent, echo=echo, compress=compress)
            ]

    with ThreadPoolExecutor(16) as pool:
        return dict(zip(variations(), pool.map(converse, variations()), strict=True))


@pytest.mark.parametrize("name", variations())
def test_variation_converses(conversed: Mapping[str, list[str]], name: str) -> None:
    """Our client finds nothing wrong with it, with and without compression."""
    assert conversed[name] == []
