"""The asyncio client that reconnects: back-off, Retry-After, cancellation."""

from __future__ import annotations

import asyncio

import pytest

from spec_tests.api.aio_peers import ServerPeer, run, scripted_server, take_until
from spec_tests.playbook import frame
from wsref.aio import persist
from wsref.events import BackOff, Connecting, Disconnected, Ready, Rejected, Text
from wsref.serve import echo_server

CLOSE_1001 = frame(0x88, b"\x03\xe9")


def test_it_connects_again_when_the_connection_has_ended() -> None:
    """The events of one connection after the other, with BackOff between them."""
    visits = 0

    async def script(peer: ServerPeer) -> None:
        nonlocal visits
        visits += 1
        await peer.accept(frame(0x81, str(visits).encode()) + CLOSE_1001)
        await peer.frame()

    async def main() -> list[str]:
        names: list[str] = []
        async with (
            scripted_server(script) as url,
            persist(url, min_wait=0, max_wait=0.01, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            async for event in ws:
                names.append(event.name)
                if isinstance(event, Text) and event.text == "3":
                    break
        return names

    once = ["connecting", "connected", "ready", "text", "closing", "disconnected", "back_off"]
    assert run(main()) == once + once + once[:4]


def test_messages_can_be_sent_on_each_connection() -> None:
    """The same object sends on whichever connection is open."""

    async def main() -> None:
        async with (
            echo_server() as server,
            persist(server.url, min_wait=0, max_wait=0.01, proxies={}, poll=None) as ws,
        ):
            for i in range(3):
                await take_until(ws, Ready)
                await ws.send_text(str(i))
                assert (await take_until(ws, Text)).text == str(i)
                await ws.close()
                assert (await take_until(ws, Disconnected)).graceful

    run(main())


def test_waits_grow_with_failures_within_their_bounds() -> None:
    """Nobody listens: every wait is between min_wait and max_wait."""

    async def main() -> list[float]:
        delays: list[float] = []
        async with persist("ws://127.0.0.1:9/", min_wait=0.001, max_wait=0.01, proxies={}) as ws:
            async for event in ws:
                if isinstance(event, BackOff):
                    delays.append(event.delay)
                    if len(delays) == 8:
                        break
        return delays

    delays = run(main())
    assert all(0.001 <= delay <= 0.01 for delay in delays)
    assert len(set(delays)) > 1


@pytest.mark.parametrize("respect", [True, False])
def test_retry_after_of_a_rejection_is_honoured(respect: bool) -> None:
    """Unless the application does not want that."""

    async def script(peer: ServerPeer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 503 Busy\r\nRetry-After: 1234\r\nContent-Length: 0\r\n\r\n")

    async def main() -> BackOff:
        async with (
            scripted_server(script) as url,
            persist(url, min_wait=1, max_wait=2, respect_retry_after=respect, proxies={}) as ws,
        ):
            await take_until(ws, Rejected)
            return await take_until(ws, BackOff)

    delay = run(main()).delay
    if respect:
        assert delay == 1234
    else:
        assert 1 <= delay <= 2


def test_waiting_can_be_cancelled_and_resumed() -> None:
    """A cancelled wait goes on where it was; leaving the block ends it at once."""

    async def main() -> None:
        async with persist("ws://127.0.0.1:9/", min_wait=0.05, max_wait=0.05, proxies={}) as ws:
            await take_until(ws, BackOff)
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(anext(ws), 0.005)
            assert isinstance(await anext(ws), Connecting)
        async with persist("ws://127.0.0.1:9/", min_wait=1000, max_wait=1000, proxies={}) as ws:
            await take_until(ws, BackOff)

    run(main())


def test_exception_in_the_block_ends_the_connection() -> None:
    """With a Close 1011, as for a single connection."""

    async def script(peer: ServerPeer) -> None:
        await peer.accept()
        assert (await peer.frame()).payload == b"\x03\xf3"
        peer.send(frame(0x88, b"\x03\xf3"))

    async def main() -> None:
        async with (
            scripted_server(script) as url,
            persist(url, proxies={}, poll=None, ping_rate=None) as ws,
        ):
            await take_until(ws, Ready)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(main())


@pytest.mark.parametrize(("min_wait", "max_wait"), [(-1, 1), (2, 1), (float("nan"), 1)])
def test_bad_waits_raise_at_the_call(min_wait: float, max_wait: float) -> None:
    """The error names the arguments."""
    with pytest.raises(ValueError, match="min_wait"):
        persist("ws://example.com/", min_wait=min_wait, max_wait=max_wait)
