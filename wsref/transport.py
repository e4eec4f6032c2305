"""A TCP connection for the blocking session: reading, writing, TLS, and an orderly end.

Reading waits in ``recv`` itself, for as long as the kernel was told by SO_RCVTIMEO, so that it
takes one system call and not a select before it; writing never waits (MSG_DONTWAIT).  Where
there are no such options, the socket is not in blocking mode and is wrapped twice: ``_reader``
waits as Python's timeouts do, and ``_writer``, the same descriptor, never.

**Who reads.**  One thread, the one that iterates over the events, reads and holds
``_reading`` while it does.  Any thread writes, for a moment each time and under the
lock it shares with the protocol's state, so that frames go out whole and in order.  What
the kernel does not take at once is kept in ``_unsent``; then :meth:`Transport.flush` waits.
While it waits and nobody reads, it reads itself and keeps the bytes in ``_inbox``: the peer
may not be able to take more from us before it got rid of what it has for us.  That is
limited: a peer that sends without end and takes nothing is given up.

**TLS** is a layer that turns bytes into other bytes (``ssl.SSLObject``), so that it never
touches the socket, has nothing pending that a select would not know of, and can be
stacked: a wss connection through a https proxy has two.

Locks are taken in the order ``_reading``, ``_lock``.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from struct import Struct
from threading import RLock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ssl

__all__ = ["MAX_WAIT", "Transport"]

#: Nobody waits longer than this in one go; waiting without limit is to do so repeatedly.
MAX_WAIT: Final = 3600.0

#: Bytes per read.
_READ_SIZE: Final = 64 * 1024

#: How late the end of a wait may be noticed, in seconds.  It spares a system call per read.
_TOLERANCE: Final = 0.005

#: With more unsent bytes than this, nothing is read while waiting: else a peer that sends
#: Pings and takes no Pongs could make us keep any number of them.
_MAX_UNSENT: Final = 256 * 1024

#: While another thread reads, a writer looks this often whether it still does, in seconds.
_GLANCE: Final = 0.05

#: How long a peer may take nothing that has filled the inbox, in seconds.
_MAX_STALL: Final = 30.0

#: For a send or recv that does not wait; 0 where there is no such thing.
_DONT_WAIT: Final[int] = getattr(socket, "MSG_DONTWAIT", 0)

_pack_time: Final = Struct("@ll").pack  # a timeval

# Needs no descriptor of its own, and can watch any descriptor.
_Selector: Final[Callable[[], selectors.BaseSelector]] = getattr(
    selectors, "PollSelector", selectors.SelectSelector
)


class Transport:
    """A TCP connection, possibly with layers of TLS on it.

    Args:
        sock: a connected socket, which belongs to the transport from now on.
        lock: taken whenever something is written.
        max_inbox: how many bytes to take from the peer while a writer waits.
        stall_timeout: seconds after which a writer gives up that could neither write
            nor read anything; None for never, unless the inbox is full.
    """

    def __init__(
        self,
        sock: socket.socket,
        lock: RLock,
        *,
        max_inbox: int = 64 * 1024 * 1024,
        stall_timeout: float | None = None,
    ) -> None:
        self._reader = self._writer = sock
        if _DONT_WAIT:
            sock.setblocking(True)
        else:
            self._writer = socket.socket(sock.family, sock.type, sock.proto, sock.fileno())
            self._writer.setblocking(False)
        self._recv = self._reader.recv
        self._send = self._writer.send
        self._timeout = 0.0
        self._set_timeout(MAX_WAIT)
        self._lock = lock
        self._layers: list[_TLS] = []  # the one next to the socket first
        self._early = b""  # came behind a proxy's answer

        self._reading = RLock()
        self._inbox: deque[bytes] = deque()
        self._inbox_size = 0
        self._max_inbox = max_inbox
        self._stall_timeout = stall_timeout

        self._unsent: deque[memoryview] = deque()
        self._unsent_size = 0
        self._taken = 0  # bytes of all that ever was unsent that the kernel has taken
        self._closed = False

        #: Why nothing can be written any more, if that is so.
        self.failure: OSError | None = None

    # Reading

    def receive(self, timeout: float) -> bytes:
        """Wait for bytes from the peer, and write what is unsent meanwhile.

        Args:
            timeout: how long to wait, in seconds; an hour at most.

        Returns:
            Some bytes; none at the end of the stream.

        Raises:
            TimeoutError: nothing came in that time.
            OSError: the connection is broken.
        """
        if self._layers or self._early:
            return self._receive_through_layers(timeout)
        if self._inbox or self._unsent or not timeout <= self._timeout <= timeout + _TOLERANCE:
            return self._receive_raw(timeout)
        # By far the commonest case; "with" would cost half of it.
        self._reading.acquire()
        try:
            if self._inbox:
                return self._next_from_inbox()
            data = self._recv(_READ_SIZE)
            if self._inbox:  # a signal handler has sent meanwhile, and had to read
                self._keep(data)
                return self._next_from_inbox()
            return data
        except BlockingIOError:
            raise TimeoutError from None
        finally:
            self._reading.release()

    def unread(self, data: bytes) -> None:
        """Give bytes back that belong to the next layer, or to the next read."""
        self._early = data

    def _receive_raw(self, timeout: float) -> bytes:
        """Wait for bytes as they are on the wire."""
        with self._reading:
            if self._inbox:
                return self._next_from_inbox()
            if self._unsent:
                timeout = self._write_while_waiting(timeout)
            try:
                if timeout <= 0:
                    return self._receive_now()
                if not timeout <= self._timeout <= timeout + _TOLERANCE:
                    self._set_timeout(min(timeout, MAX_WAIT))
                return self._recv(_READ_SIZE)
            except BlockingIOError:
                raise TimeoutError from None

    def _receive_now(self) -> bytes:
        """Read what is there, without waiting."""
        if not _DONT_WAIT:
            self._set_timeout(0.0)
        return self._recv(_READ_SIZE, _DONT_WAIT)

    def _set_timeout(self, timeout: float) -> None:
        """Say how long reading may wait."""
        self._timeout = timeout
        if _DONT_WAIT:
            seconds, fraction = divmod(max(timeout, 1e-6), 1.0)  # zero would be for ever
            time_value = _pack_time(int(seconds), int(fraction * 1e6) or (seconds == 0))
            self._reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, time_value)
        else:
            self._reader.settimeout(timeout)

    def _next_from_inbox(self) -> bytes:
        data = self._inbox.popleft()
        self._inbox_size -= len(data)
        if not data:
            self._inbox.append(data)  # the end stays the end
        return data

    def _keep(self, data: bytes) -> None:
        self._inbox.append(data)
        self._inbox_size += len(data)

    def _receive_through_layers(self, timeout: float) -> bytes:
        """Wait for bytes as they are inside of all layers."""
        if self._early:
            early, self._early = self._early, b""
            return early
        deadline = time.monotonic() + timeout
        while not any(layer.ended for layer in self._layers):
            data = self._receive_raw(timeout)
            if not data:
                break
            with self._lock:
                for layer in self._layers:
                    data = layer.decrypt(data)
                self._write_replies()
            if data:
                return data
            timeout = max(0.0, deadline - time.monotonic())
        return b""

    def _write_while_waiting(self, timeout: float) -> float:
        """Write what is unsent, until there may be something to read.

        Returns:
            What is left of the time.
        """
        deadline = time.monotonic() + timeout
        while True:
            with self._lock:
                self._write_unsent()
            remaining = max(0.0, deadline - time.monotonic())
            if not self._unsent or not remaining:
                return remaining
            interest = selectors.EVENT_WRITE
            if self._unsent_size <= _MAX_UNSENT:
                interest |= selectors.EVENT_READ
            if self._wait(interest, remaining) & selectors.EVENT_READ:
                return remaining

    # Writing

    def write(self, data: bytes) -> bool:
        """Write bytes without waiting; to be called with the lock held.

        Returns:
            Whether some of them are unsent: then :meth:`flush`, with the lock released.

        Raises:
            OSError: the connection is broken.
        """
        if self._layers:
            for layer in reversed(self._layers):
                data = layer.encrypt(data)
        sent = 0
        if not self._unsent:
            if self.failure is not None:
                raise self.failure
            try:
                sent = self._send(data, _DONT_WAIT)
            except BlockingIOError:
                sent = 0
            if sent == len(data):
                return False
        self._unsent.append(memoryview(data)[sent:])
        self._unsent_size += len(data) - sent
        return True

    def flush(self, timeout: float | None = None) -> None:
        """Wait until the kernel has taken all that has been written so far.

        Args:
            timeout: how long to wait, in seconds; None for as long as it takes.

        Raises:
            TimeoutError: it took longer.
            OSError: the connection is broken, or the peer takes nothing any more.
        """
        goal = self._taken + self._unsent_size
        now = time.monotonic()
        deadline = now + (MAX_WAIT if timeout is None else timeout)
        progress, since = (self._taken, self._inbox_size), now
        while True:
            with self._lock:
                self._write_unsent()
            if self.failure is not None:
                raise self.failure
            if self._taken >= goal:
                return
            now = time.monotonic()
            if timeout is not None and now >= deadline:
                raise TimeoutError("timed out")
            if progress != (self._taken, self._inbox_size):
                progress, since = (self._taken, self._inbox_size), now
            inbox_is_full = self._inbox_size >= self._max_inbox
            patience = self._stall_timeout or MAX_WAIT
            if inbox_is_full:
                patience = min(patience, _MAX_STALL)
            elif self._stall_timeout is None:
                since = now
            wait = min(since + patience, deadline if timeout is not None else now + MAX_WAIT) - now
            if wait <= 0:
                raise self._give_up(patience)
            interest = selectors.EVENT_WRITE
            if not inbox_is_full and not self._is_at_end():
                if self._reading.acquire(blocking=False):
                    self._reading.release()
                    interest |= selectors.EVENT_READ
                else:
                    wait = min(wait, _GLANCE)
            if self._wait(interest, wait) & interest & selectors.EVENT_READ:
                self._read_ahead()

    def _write_unsent(self) -> None:
        """Offer the kernel what is unsent; with the lock held."""
        unsent = self._unsent
        try:
            while unsent:
                first = unsent[0]
                sent = self._send(first, _DONT_WAIT)
                self._taken += sent
                self._unsent_size -= sent
                if sent < len(first):
                    unsent[0] = first[sent:]
                    return
                unsent.popleft()
        except BlockingIOError:
            return
        except OSError as error:  # the reader will find out by itself
            self._fail(error)

    def _write_replies(self) -> None:
        """Write what the layers have to say by themselves, such as new keys."""
        for i, layer in enumerate(self._layers):
            reply = layer.reply()
            if reply:
                for outer in reversed(self._layers[:i]):
                    reply = outer.encrypt(reply)
                self._unsent.append(memoryview(reply))
                self._unsent_size += len(reply)
        self._write_unsent()

    def _read_ahead(self) -> None:
        """Read into the inbox, unless another thread reads."""
        if not self._reading.acquire(blocking=False):
            return
        try:
            self._keep(self._receive_now())
        except BlockingIOError:
            pass
        finally:
            self._reading.release()

    def _is_at_end(self) -> bool:
        return bool(self._inbox) and not self._inbox[-1]

    def _wait(self, interest: int, timeout: float) -> int:
        """Wait until the socket can be read or written; return what it is ready for."""
        with _Selector() as selector:
            try:
                selector.register(self._reader, interest)
            except ValueError:  # closed by another thread
                raise OSError("closed meanwhile") from None
            ready = selector.select(timeout)
        return ready[0][1] if ready else 0

    def _give_up(self, seconds: float) -> OSError:
        error = TimeoutError(f"the peer has taken nothing for {seconds:g} s")
        with self._lock:
            self._fail(error)
        self.interrupt()
        return error

    def _fail(self, error: OSError) -> None:
        self.failure = error
        self._unsent.clear()
        self._unsent_size = 0

    # TLS

    def start_tls(self, context: ssl.SSLContext, host: str, timeout: float) -> None:
        """Put a layer of TLS on the connection (RFC 6455 §4.1).

        Args:
            context: the settings.
            host: the server's name, for SNI and for verification.
            timeout: how long the TLS handshake may take, in seconds.

        Raises:
            TimeoutError: it took longer.
            OSError: it failed; ``ssl.SSLError`` if that is not the connection's fault.
        """
        import ssl

        deadline = time.monotonic() + timeout
        layer = _TLS(context, host)
        early, self._early = self._early, b""
        if early:
            layer.put(early)
        while True:
            try:
                done = layer.shake_hands()
            except ssl.SSLError:
                with suppress(OSError):  # the alert that says why
                    self.write_all(layer.reply(), deadline - time.monotonic())
                raise
            self.write_all(layer.reply(), deadline - time.monotonic())
            if done:
                break
            data = self.receive(max(0.0, deadline - time.monotonic()))
            if not data:
                raise ConnectionError("the connection was closed")
            layer.put(data)
        with self._lock:
            self._layers.append(layer)
            self._early = layer.decrypt(b"")

    def write_all(self, data: bytes, timeout: float) -> None:
        """Write bytes and wait until the kernel has taken them.

        Raises:
            TimeoutError: that took longer than *timeout* seconds.
            OSError: the connection is broken.
        """
        with self._lock:
            unsent = bool(data) and self.write(data)
        if unsent:
            self.flush(timeout)

    # The end

    def finish(self, timeout: float) -> None:
        """End the connection so that what was written arrives (RFC 6455 §7.1.1).

        To close a socket with unread input resets the connection, and the reset can overtake
        our Close frame.  So only our side is ended, and what still comes in is thrown away
        until the peer has ended its side, or until the time is over.

        Args:
            timeout: the time, in seconds.
        """
        deadline = time.monotonic() + timeout
        try:
            with self._lock:
                for layer in self._layers:
                    layer.end()
                self._write_replies()
            self.flush(timeout)
            self._reader.shutdown(socket.SHUT_WR)
            while self._receive_raw(deadline - time.monotonic()):
                if time.monotonic() >= deadline:
                    break
        except OSError:
            pass
        finally:
            self.close()

    def interrupt(self) -> None:
        """Make whoever waits for the peer find the connection at its end; in any thread."""
        with suppress(OSError):
            self._reader.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket; in any thread, and as often as one likes."""
        self.interrupt()
        with self._reading, self._lock:
            if not self._closed:
                self._closed = True
                self._fail(OSError("closed"))
                if self._writer is not self._reader:
                    self._writer.detach()
                self._reader.close()


class _TLS:
    """A layer of TLS: bytes in, other bytes out."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        import ssl

        self._want_read = ssl.SSLWantReadError
        self._error = ssl.SSLError
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._held = b""  # cannot be encrypted in the middle of a TLS 1.2 renegotiation
        self.ended = False

    def shake_hands(self) -> bool:
        """Go on with the handshake; return whether it is complete."""
        try:
            self._object.do_handshake()
        except self._want_read:
            return False
        return True

    def put(self, data: bytes) -> None:
        """Take bytes from the peer, without decrypting them yet."""
        self._incoming.write(data)

    def decrypt(self, data: bytes) -> bytes:
        """Take bytes from the peer; return what is complete of their content."""
        self._incoming.write(data)
        content: list[bytes] = []
        try:
            while piece := self._object.read(_READ_SIZE):
                content.append(piece)
            self.ended = True
        except self._want_read:
            pass
        if self._held:
            self._encrypt_held()
        return b"".join(content)

    def encrypt(self, data: bytes) -> bytes:
        """Return what to send for *data*; what cannot be encrypted now comes later."""
        self._held += data
        self._encrypt_held()
        return self._outgoing.read()

    def _encrypt_held(self) -> None:
        try:
            if self._held:
                self._object.write(self._held)
                self._held = b""
        except self._want_read:
            pass

    def reply(self) -> bytes:
        """Return what is to be sent on the layer's own account."""
        return self._outgoing.read()

    def end(self) -> None:
        """Say that nothing more will be sent."""
        with suppress(self._error):
            self._object.unwrap()
