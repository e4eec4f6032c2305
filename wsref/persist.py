"""A connection that comes back: connect, and connect again whenever it is lost.

Between two connections passes some time, so that a server which has just restarted is
not met by all of its clients at once (RFC 6455 §7.2.3): a random time, and from failure to
failure a longer one.  A server that refuses the opening handshake can say how long with a
Retry-After header (RFC 9110 §10.2.3).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import random
from threading import Event as Flag
from typing import TYPE_CHECKING, Final

from .protocol.events import BackOff, Event, Ready, Rejected

if TYPE_CHECKING:
    from .websocket import WebSocket

__all__ = ["MAX_RETRY_AFTER", "backoff_delay", "parse_retry_after", "persist"]

#: The longest that a server's Retry-After makes us wait, in seconds: it is a server's word
#: about its own future, and a slip of the pen should not stop a client for ever.
MAX_RETRY_AFTER: Final = 3600.0


def persist(
    websocket: WebSocket,
    poll: float = 5,
    min_wait: float = 5,
    max_wait: float = 30,
    ping_rate: float = 30,
    ping_timeout: float | None = None,
    exit_event: Flag | None = None,
    respect_retry_after: bool = True,
    *,
    auto_pong: bool = True,
    close_timeout: float | None = 30.0,
    open_timeout: float | None = 30.0,
) -> Iterator[Event]:
    """Connect a WebSocket, and again whenever the connection has ended.

    Args:
        websocket: the WebSocket.
        poll: seconds between two Poll events.
        min_wait: the least time to wait before connecting again, in seconds.
        max_wait: the most time to wait before connecting again, in seconds.
        ping_rate: seconds between two Pings; 0 for none.
        ping_timeout: seconds without a Pong after which a server is given up; None for never.
        exit_event: a :class:`threading.Event`; setting it ends the iteration at the next wait.
        respect_retry_after: whether a server that rejects may say how long to wait:
            never less than *min_wait*, and an hour at most.
        auto_pong: whether Pings are answered without being asked to.
        close_timeout: seconds for the server's part of the closing handshake.
        open_timeout: seconds for connecting, the opening handshake included.

    Returns:
        An iterator over the events of one connection after another, with a BackOff event
        before each wait.

    Raises:
        TypeError, ValueError: an argument that makes no sense; it is named.
    """
    if not 0 <= min_wait <= max_wait:
        raise ValueError(f"min_wait and max_wait: 0 <= {min_wait!r} <= {max_wait!r} is not so")
    flag = Flag() if exit_event is None else exit_event

    def events() -> Iterator[Event]:
        retries = 0
        while True:
            retries += 1
            retry_after = None
            for event in websocket.connect(
                poll=poll,
                ping_rate=ping_rate,
                ping_timeout=ping_timeout,
                auto_pong=auto_pong,
                close_timeout=close_timeout,
                open_timeout=open_timeout,
            ):
                if isinstance(event, Ready):
                    retries = 0
                elif isinstance(event, Rejected) and respect_retry_after:
                    retry_after = parse_retry_after(event.response.get("retry-after"))
                yield event
            delay = backoff_delay(retries, min_wait, max_wait, retry_after)
            yield BackOff(delay, received_time=time.time())
            if flag.wait(delay):
                break

    return events()


def backoff_delay(
    retries: int,
    min_wait: float,
    max_wait: float,
    retry_after: float | None = None,
    fraction: float | None = None,
) -> float:
    """Return how long to wait before connecting again (RFC 6455 §7.2.3).

    At random, between *min_wait* and an end that starts one second above it and doubles
    with every failure, until it is *max_wait*.

    Args:
        retries: how many attempts have failed since a connection was open.
        min_wait: the least, in seconds.
        max_wait: the most, in seconds.
        retry_after: what the server asked for, in seconds, if it did.
        fraction: where in that range, from 0 to 1; at random if None.
    """
    if retry_after is not None:
        return max(retry_after, min_wait)
    if fraction is None:
        fraction = random()
    return min_wait + fraction * min(max_wait - min_wait, 2.0 ** min(retries, 64))


def parse_retry_after(value: str | None, now: float | None = None) -> float | None:
    """Read the value of a Retry-After header: a number of seconds, or a date.

    Args:
        value: the value, None if there is no such header.
        now: the present in seconds since the epoch; by default it is asked for.

    Returns:
        How long to wait, in seconds, 0 to :data:`MAX_RETRY_AFTER`; None if *value* says
        nothing that can be understood.
    """
    text = "" if value is None else value.strip()
    if not text.isascii():
        return None
    if text.replace(".", "", 1).isdigit():  # RFC 9110 has whole seconds; others are meant well
        seconds = float(text)
    else:
        from email.utils import mktime_tz, parsedate_tz  # slow to import

        date = parsedate_tz(text)
        if date is None:
            return None
        try:
            seconds = mktime_tz(date) - (time.time() if now is None else now)
        except (OverflowError, ValueError):  # such as the 99th of a month
            return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)
