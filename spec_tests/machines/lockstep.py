"""Threads that run one at a time, on a clock that stands still while they do.

Sockets, buffers and locks are real.  What is not is waiting: where the code would wait in the
kernel, in ``recv`` or a selector, its thread (an :class:`Actor`) stops, and whoever runs the
:class:`World` decides what happens next: bytes may come, or time may pass, as much as one likes.
So whatever threads do to each other happens in the same order every time.
"""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from types import SimpleNamespace
from typing import Final, NamedTuple, TypeAlias
from unittest.mock import patch

__all__ = ["Actor", "Wait", "World", "WorldSocket"]

#: Seconds after which a thread waits for something that only a real kernel could give it.
_LIMIT: Final = 20.0

#: More often than this nobody wakes up without anything having happened.
_MOST_STEPS: Final = 100_000

#: What an actor does while it is at rest.
Task: TypeAlias = Callable[[], None]


class Wait(NamedTuple):
    """What a thread waits for.

    Attributes:
        sock: the socket.
        interest: EVENT_READ, EVENT_WRITE or both.
        deadline: until when, on the world's clock.
    """

    sock: socket.socket
    interest: int
    deadline: float


class Actor(threading.Thread):
    """A thread that runs only while the world lets it.

    Args:
        body: what it does; it may :meth:`rest`.
    """

    def __init__(self, body: Callable[[Actor], None]) -> None:
        super().__init__(daemon=True)
        self._body = body
        self._go = threading.Semaphore(0)
        self._handed_over = threading.Semaphore(0)
        self._task: Task | None = None
        self._error: BaseException | None = None
        self._is_dismissed = False
        self.waits: Wait | None = None  # in the kernel
        self.is_at_rest = False
        self.is_over = False
        self.start()
        self.go_on()

    def run(self) -> None:
        """Run the body; part of threading's interface."""
        self._go.acquire()
        try:
            self._body(self)
        except _Dismissed:
            pass
        except BaseException as error:  # is raised where somebody can see it
            self._error = error
        self.is_over = True
        self._handed_over.release()

    # For its own thread

    def rest(self) -> None:
        """Do nothing but what one is told to, until one is told to go on."""
        while True:
            self.is_at_rest = True
            self._hand_over()
            self.is_at_rest = False
            if self._task is None:
                return
            task, self._task = self._task, None
            task()

    def wait(self, what: Wait) -> None:
        """Wait in the kernel."""
        self.waits = what
        self._hand_over()
        self.waits = None

    def _hand_over(self) -> None:
        self._handed_over.release()
        self._go.acquire()
        if self._is_dismissed:
            raise _Dismissed

    # For the thread of the world

    @property
    def has_failed(self) -> bool:
        """Whether its body has raised something."""
        return self._error is not None

    def go_on(self, task: Task | None = None) -> None:
        """Let it run until it stops: to rest, to wait, or for ever.

        Args:
            task: what to do instead of going on, if it is at rest.

        Raises:
            AssertionError: it waits for something else than the world's kernel.
            BaseException: whatever its body raises.
        """
        self._task = task
        self._go.release()
        assert self._handed_over.acquire(timeout=_LIMIT), "a thread hangs"
        if self._error is not None:
            raise self._error

    def dismiss(self) -> None:
        """End the thread, wherever it is."""
        self._is_dismissed = True
        while not self.is_over:  # what it does when it goes may have to wait, too
            self._go.release()
            assert self._handed_over.acquire(timeout=_LIMIT), "a thread hangs"
        self.join()


class _Dismissed(BaseException):
    """Ends a thread that is not wanted any more."""


class World:
    """A clock, and the threads that live by it.

    Until it ends it replaces the clock and the selector of ``wsref.transport``.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.actors: list[Actor] = []
        self._patches = ExitStack()
        clock = SimpleNamespace(monotonic=self.monotonic)
        self._patches.enter_context(patch("wsref.transport.time", clock))
        selector = partial(_Selector, self)
        self._patches.enter_context(patch("wsref.transport._Selector", selector))

    def end(self) -> None:
        """Give the real clock back."""
        self._patches.close()

    def monotonic(self) -> float:
        """Return the time, in seconds."""
        return self.now

    def wait(self, sock: socket.socket, interest: int, timeout: float) -> int:
        """Wait as a selector does; called by actors.

        Returns:
            What *sock* is ready for, of *interest*; 0 if that took longer than *timeout* seconds.
        """
        actor = threading.current_thread()
        assert isinstance(actor, Actor), "somebody waits who must not"
        what = Wait(sock, interest, self.now + timeout)
        while not (ready := _readiness(what)) and self.now < what.deadline:
            actor.wait(what)
        return ready

    def settle(self) -> None:
        """Let everybody run until nobody can do anything but wait."""
        for _step in range(_MOST_STEPS):
            awake = [actor for actor in self.actors if self._can_go_on(actor)]
            if not awake:
                return
            awake[0].go_on()
        raise AssertionError("somebody never comes to rest")

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and everybody do what they want to do meanwhile."""
        end = self.now + seconds
        self.settle()
        while deadlines := [
            actor.waits.deadline
            for actor in self.actors
            if actor.waits is not None and actor.waits.deadline <= end
        ]:
            self.now = min(deadlines)
            self.settle()
        self.now = end

    def _can_go_on(self, actor: Actor) -> bool:
        wait = actor.waits
        return wait is not None and (self.now >= wait.deadline or bool(_readiness(wait)))


class _Selector(ExitStack):
    """As much of a selector as a transport uses."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self._watched: tuple[socket.socket, int] | None = None

    def register(self, sock: socket.socket, interest: int) -> None:
        """Watch a socket."""
        if sock.fileno() < 0:
            raise ValueError("closed")
        self._watched = sock, interest

    def select(self, timeout: float) -> list[tuple[None, int]]:
        """Wait for it."""
        assert self._watched is not None
        ready = self._world.wait(*self._watched, timeout)
        return [(None, ready)] if ready else []


class WorldSocket(socket.socket):
    """A real socket of which only the waiting is the world's.

    Args:
        world: the world.
        real: the socket, which is used up.

    Attributes:
        taken_at: when the kernel has last taken something to send.
    """

    def __init__(self, world: World, real: socket.socket) -> None:
        super().__init__(fileno=real.detach())
        self._world = world
        self._patience = float("inf")
        self.taken_at = world.now

    def setsockopt(self, level: int, option: int, value: bytes) -> None:  # type: ignore[override]  # the only form in use here
        """Take note of how long ``recv`` may wait."""
        assert (level, option) == (socket.SOL_SOCKET, socket.SO_RCVTIMEO)
        seconds, microseconds = struct.unpack("@ll", value)
        assert seconds or microseconds, "this would be to wait for ever"
        self._patience = seconds + microseconds / 1e6

    def send(self, data: bytes | memoryview, flags: int = 0, /) -> int:  # type: ignore[override]  # Buffer has no name before 3.12
        """Send what the kernel takes at once."""
        sent = super().send(data, flags | socket.MSG_DONTWAIT)
        self.taken_at = self._world.now
        return sent

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive what is there, or wait for it."""
        if not flags and not self._world.wait(self, EVENT_READ, self._patience):
            raise BlockingIOError
        return super().recv(size, socket.MSG_DONTWAIT)


def _readiness(wait: Wait) -> int:
    """Return what a socket is ready for at this moment; what is closed waits for nothing."""
    descriptor = wait.sock.fileno()
    if descriptor < 0:
        return wait.interest
    poller = select.poll()
    wanted = (wait.interest & EVENT_READ and select.POLLIN) | (
        wait.interest & EVENT_WRITE and select.POLLOUT
    )
    poller.register(descriptor, wanted)
    ready = 0
    for _descriptor, found in poller.poll(0):
        if found & ~select.POLLIN:
            ready |= EVENT_WRITE
        if found & ~select.POLLOUT:
            ready |= EVENT_READ
    return ready & wait.interest
