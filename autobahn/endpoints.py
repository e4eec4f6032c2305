"""Our side of a case: the blocking client and the asyncio client, each an echo.

Run as a process of its own, so that its CPU time can be told from the harness's::

    python -m autobahn.endpoints blocking ws://127.0.0.1:9001 AGENT 1.1.1,1.1.2

The clients are the real ones, used as any program would use them: text is answered with text,
binary with binary, and everything else is left to wsref. Whatever exception comes out of one
is printed as a line that begins with ``FAULT_MARK``; the next case goes on.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Callable
from typing import Final

from wsref import WebSocket, aio
from wsref.events import Binary, Text

from .results import FAULT_MARK

__all__ = ["CLIENTS", "main"]


def echo_blocking(url: str) -> None:
    """Connect to *url* with the blocking session and echo messages until it is over."""
    websocket = WebSocket(url, compress=True)
    for event in websocket.connect(ping_rate=0):
        if isinstance(event, Text):
            websocket.send_text(event.text)
        elif isinstance(event, Binary):
            websocket.send_binary(event.data)


async def echo_asyncio(url: str) -> None:
    """Connect to *url* with the asyncio client and echo messages until it is over."""
    async with aio.connect(url, compress=True, ping_rate=0) as websocket:
        async for event in websocket:
            if isinstance(event, Text):
                await websocket.send_text(event.text)
            elif isinstance(event, Binary):
                await websocket.send_binary(event.data)


def run_blocking(base_url: str, agent: str, cases: list[str]) -> None:
    """Go through *cases* of the fuzzing server at *base_url*, and have it write its report."""
    for url in _urls(base_url, agent, cases):
        try:
            echo_blocking(url)
        except Exception as error:
            _tell(url, error)


async def run_asyncio(base_url: str, agent: str, cases: list[str]) -> None:
    """Do the same as ``run_blocking``, with one event loop for all cases."""
    for url in _urls(base_url, agent, cases):
        try:
            await echo_asyncio(url)
        except Exception as error:
            _tell(url, error)


def _run_event_loop(base_url: str, agent: str, cases: list[str]) -> None:
    asyncio.run(run_asyncio(base_url, agent, cases))


#: The clients by name: each takes the fuzzing server's URL, the agent's name and the cases.
CLIENTS: Final[dict[str, Callable[[str, str, list[str]], None]]] = {
    "blocking": run_blocking,
    "asyncio": _run_event_loop,
}


def _urls(base_url: str, agent: str, cases: list[str]) -> list[str]:
    runs = [f"{base_url}/runCase?casetuple={case}&agent={agent}" for case in cases]
    return [*runs, f"{base_url}/updateReports?agent={agent}"]


def _tell(url: str, error: Exception) -> None:
    traceback.print_exception(error)
    print(f"{FAULT_MARK}{url}: {type(error).__name__}: {error}", flush=True)


def main(arguments: list[str]) -> None:
    """Run the client that *arguments* (name, URL, agent, cases with commas) ask for."""
    name, base_url, agent, cases = arguments
    CLIENTS[name](base_url, agent, cases.split(","))


if __name__ == "__main__":
    main(sys.argv[1:])
