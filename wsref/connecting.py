"""One connection at a time to each remote address (RFC 6455 §4.1).

A client may have only one connection to an address and port in the CONNECTING state: the
others wait until it has opened or failed.  The RFC means to spare a server the load of
a hundred handshakes at once.

The rule holds within this process.  One exception avoids that a thread waits for itself:
whoever iterates over several WebSockets in one thread, by turns, may have several of them
connecting.
"""

from __future__ import annotations

import os
import time
from threading import Condition, get_ident
from typing import Final, TypeAlias

__all__ = ["Address", "Turn", "take_turn"]

#: An IP address and port; where a proxy resolves names, a name and port.
Address: TypeAlias = tuple[str, int]


class Turn:
    """The right to be connecting to an address: until :meth:`end`, or for so many seconds."""

    def __init__(self, address: Address, duration: float) -> None:
        self._key = _key(address)
        self._thread = get_ident()
        self._expires = time.monotonic() + duration

    def bars_until(self, now: float) -> float:
        """Return until when this thread has to wait; *now* if it need not."""
        return now if self._thread == get_ident() else max(now, self._expires)

    def end(self) -> None:
        """Let the next one have its turn."""
        with _changed:
            if _turns.get(self._key) is self:
                del _turns[self._key]
                _changed.notify_all()


def take_turn(address: Address, timeout: float) -> Turn | None:
    """Wait until nobody else is connecting to *address*.

    Args:
        address: where to.
        timeout: how long waiting and connecting may take together, in seconds.

    Returns:
        The turn, None if the time is over.
    """
    deadline = time.monotonic() + timeout
    key = _key(address)
    with _changed:
        while (holder := _turns.get(key)) is not None:
            now = time.monotonic()
            barred_until = holder.bars_until(now)
            if barred_until == now:
                break
            if now >= deadline:
                return None
            _changed.wait(min(barred_until, deadline) - now)
        turn = _turns[key] = Turn(address, deadline - time.monotonic())
    return turn


def _key(address: Address) -> tuple[int, Address]:
    return os.getpid(), address  # a forked child has no part in its parent's connections


_changed: Final = Condition()
_turns: Final[dict[tuple[int, Address], Turn]] = {}
