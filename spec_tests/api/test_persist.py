"""persist: a WebSocket that connects again, and when."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec_tests.api.peers import CLOSE_1000, Peer, response_to, scripted_server
from wsref import WebSocket
from wsref.events import BackOff, ConnectFail, Disconnected, Event, Ready, Rejected
from wsref.persist import MAX_RETRY_AFTER, backoff_delay, parse_retry_after, persist
from wsref.response import Response


class ExitAfter(threading.Event):
    """An exit event that does not wait, and is set the nth time it is waited for."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Note the timeout."""
        self.waits.append(timeout)
        return len(self.waits) >= self.times


class Unreliable(WebSocket):
    """A WebSocket whose connections turn out as told."""

    def __init__(self, *lives: list[Event]) -> None:
        super().__init__("ws://example.com", proxies={})
        self.lives = list(lives)
        self.options: list[dict[str, object]] = []

    def connect(self, *_: object, **options: object) -> Iterator[Event]:
        """Give the events of the next life."""
        self.options.append(options)
        return iter(self.lives.pop(0))


FAILED: list[Event] = [ConnectFail("no")]
READY = Ready(Response(b"HTTP/1.1 101 OK\r\n\r\n"), None, frozenset())
DROPPED: list[Event] = [READY, Disconnected("lost")]


def rejected(header: bytes) -> list[Event]:
    """Return the events of a connection that was refused with a header."""
    response = Response(b"HTTP/1.1 503 Busy\r\n" + header + b"\r\n\r\n")
    return [Rejected(response, "503"), Disconnected()]


@pytest.mark.rfc("RFC6455-7.2.3-01", "RFC6455-7.2.3-02", "RFC6455-7.2.3-04")
def test_each_failure_makes_the_wait_longer() -> None:
    """Until it is max_wait; a connection that opened starts over."""
    ws = Unreliable(FAILED, FAILED, FAILED, FAILED, DROPPED, FAILED)
    flag = ExitAfter(6)
    events = list(persist(ws, min_wait=2, max_wait=8, exit_event=flag))
    delays = [event.delay for event in events if isinstance(event, BackOff)]
    assert flag.waits == delays
    ends = [4, 6, 8, 8, 3, 4]
    assert all(2 <= delay <= end for delay, end in zip(delays, ends, strict=True))
    assert [event.name for event in events[-2:]] == ["connect_fail", "back_off"]


@pytest.mark.rfc("RFC6455-7.2.3-03")
@given(
    st.integers(0, 10_000),
    st.floats(0, 100),
    st.floats(0, 100),
    st.floats(0, 1),
    st.none() | st.floats(0, MAX_RETRY_AFTER),
)
def test_property_the_delay_is_within_its_limits(
    retries: int, min_wait: float, more: float, fraction: float, retry_after: float | None
) -> None:
    """However many retries there were."""
    max_wait = min_wait + more
    delay = backoff_delay(retries, min_wait, max_wait, retry_after, fraction)
    assert delay >= min_wait
    if retry_after is None:
        assert delay <= max_wait * (1 + 1e-9)
        assert delay <= min_wait + 2.0 ** min(retries, 64)
    else:
        assert delay == max(min_wait, retry_after)


def test_the_delay_is_random() -> None:
    """Clients of one server do not come back in step."""
    assert len({backoff_delay(3, 5, 30) for _ in range(20)}) > 10
    assert backoff_delay(3, 5, 30, fraction=0.0) == 5
    assert backoff_delay(3, 5, 30, fraction=1.0) == 13
    assert backoff_delay(10, 5, 30, fraction=1.0) == 30


def test_retry_after_is_respected() -> None:
    """Seconds or a date, unless respect_retry_after is off; never less than min_wait."""
    flag = ExitAfter(1)
    list(persist(Unreliable(rejected(b"Retry-After: 120")), exit_event=flag))
    assert flag.waits == [120.0]
    flag = ExitAfter(1)
    list(persist(Unreliable(rejected(b"Retry-After: 0")), exit_event=flag))
    assert flag.waits == [5.0]
    flag = ExitAfter(1)
    ws = Unreliable(rejected(b"Retry-After: 120"))
    list(persist(ws, exit_event=flag, respect_retry_after=False))
    assert flag.waits[0] is not None
    assert flag.waits[0] <= 7.0
    flag = ExitAfter(2)
    list(persist(Unreliable(rejected(b"Retry-After: 120"), FAILED), exit_event=flag))
    assert flag.waits[1] is not None
    assert flag.waits[1] <= 9.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("0", 0.0),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("1e9", None),
        ("²", None),
        ("99999999999", MAX_RETRY_AFTER),
        (formatdate(1_000_000_060, usegmt=True), 60.0),
        (formatdate(999_999_000, usegmt=True), 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER),
        ("Fri, 99 Dec 2026 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_parsed(value: str | None, seconds: float | None) -> None:
    """What cannot be understood is no answer; an hour is the most."""
    parsed = parse_retry_after(value, now=1_000_000_000.0)
    assert parsed == seconds or (value is not None and "99 Dec" in value)


def test_options_are_passed_on() -> None:
    """Those of connect()."""
    ws = Unreliable(FAILED)
    list(
        persist(
            ws,
            poll=1,
            ping_rate=2,
            ping_timeout=3,
            exit_event=ExitAfter(1),
            auto_pong=False,
            close_timeout=4,
            open_timeout=5,
        )
    )
    assert ws.options == [
        {
            "poll": 1,
            "ping_rate": 2,
            "ping_timeout": 3,
            "auto_pong": False,
            "close_timeout": 4,
            "open_timeout": 5,
        }
    ]


@pytest.mark.parametrize(("min_wait", "max_wait"), [(-1, 5), (10, 5)])
def test_waits_that_make_no_sense_raise(min_wait: float, max_wait: float) -> None:
    """At the call."""
    with pytest.raises(ValueError, match="min_wait"):
        persist(WebSocket("ws://example.com"), min_wait=min_wait, max_wait=max_wait)


def test_a_connection_comes_back() -> None:
    """Over real sockets, by the same WebSocket object."""

    def drop(peer: Peer) -> None:
        peer.accept()

    def refuse(peer: Peer) -> None:
        peer.head()
        peer.send(b"HTTP/1.1 503 Busy\r\n\r\n")

    def close(peer: Peer) -> None:
        peer.send(response_to(peer.head()) + CLOSE_1000)
        peer.message()

    with scripted_server(drop, refuse, close) as url:
        seen: list[str] = []
        exit_event = threading.Event()
        ws = WebSocket(url)
        for event in persist(
            ws, poll=0, ping_rate=0, min_wait=0, max_wait=0, exit_event=exit_event
        ):
            seen.append(event.name)
            if seen.count("back_off") == 3:
                exit_event.set()
    begun = ["connecting", "connected"]
    assert seen == [
        *begun,
        "ready",
        "disconnected",
        "back_off",
        *begun,
        "rejected",
        "disconnected",
        "back_off",
        *begun,
        "ready",
        "closing",
        "disconnected",
        "back_off",
    ]


def test_dropping_the_iterator_closes_the_connection() -> None:
    """As with connect()."""

    def script(peer: Peer) -> None:
        peer.accept()
        assert peer.end() == b""

    with scripted_server(script) as url:
        ws = WebSocket(url)
        for event in persist(ws, ping_rate=0):
            if isinstance(event, Ready):
                break
        assert ws.is_closed
