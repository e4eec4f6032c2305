"""wsref and other libraries over TCP on loopback: clients of one against servers of the other.

Messages of both types and of many sizes go there and back, a Ping is answered, and either side
closes with code and reason, compression on and off.  Node's ``ws`` is installed into a temporary
directory; where that cannot be, the tests with it are skipped, but not in CI: there they fail.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from typing import Final, NoReturn

import pytest

from spec_tests.differential.tcp_clients import CLIENTS, OURS, Plan, Result, node_client
from spec_tests.differential.tcp_servers import (
    SERVERS,
    Listening,
    farewell,
    node_serving,
    serving,
)
from wsref.aio import Server, WebSocket, serve
from wsref.events import Binary, Closed, Closing, Text

#: The borders between the forms of a length, and more than fits into one read.
SIZES: Final = (0, 1, 125, 126, 127, 65535, 65536, 200_000)
MESSAGES: Final[tuple[str | bytes, ...]] = (
    *(("Grüße \U0001d11e" * size)[:size] for size in SIZES),
    *((bytes(range(256)) * (size // 256 + 1))[:size] for size in SIZES),
)
WE_CLOSE: Final = (4000, "genug für heute")
THEY_CLOSE: Final = (3001, "und tschüß")


def _is_not_there(reason: str) -> NoReturn:
    """Do without Node, or fail where nothing may be left out."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment for programs that use Node's ``ws``, installed for this run."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        _is_not_there("the tests with ws need node and npm")
    directory = tmp_path_factory.mktemp("node")
    command = [npm, "install", "--silent", "--no-audit", "--no-fund", "ws"]
    done = subprocess.run(command, cwd=directory, capture_output=True, timeout=120, check=False)
    if done.returncode:
        _is_not_there(f"npm does not install ws: {done.stderr.decode().strip()}")
    return {**os.environ, "NODE_PATH": str(directory / "node_modules")}


def answered(library: str, code: int) -> int:
    """Return the code in a library's answer to a Close: the same, or 1000, as it may (§5.5.1)."""
    return 1000 if library == "aiohttp" else code


# Our clients


def check_our_client(
    name: str, library: str, server: Listening, *, offered: bool, compressed: bool
) -> None:
    """Let one of our clients talk to a library's server twice: either side closes."""
    result = OURS[name](server.url, offered, Plan(MESSAGES, close=WE_CLOSE))
    assert result.echoes == list(MESSAGES)
    assert result.pongs == [b"p"]
    assert result.compressed is compressed
    assert result.closed is not None
    assert result.closed[0] == answered(library, WE_CLOSE[0])
    assert result.graceful
    assert server.closings.get(timeout=10) == WE_CLOSE

    result = OURS[name](server.url, offered, Plan((), ask=THEY_CLOSE))
    assert result.closed == THEY_CLOSE
    assert result.graceful
    # Our Close repeats the code.
    assert server.closings.get(timeout=10)[0] == THEY_CLOSE[0]


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "deflate"])
@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("client", OURS)
def test_our_clients_and_their_servers(client: str, server: str, compress: bool) -> None:
    """Every message comes back, the Ping is answered, and both sides' closes are understood."""
    with serving(server, compress) as listening:
        compressed = compress and SERVERS[server][1]
        check_our_client(client, server, listening, offered=compress, compressed=compressed)


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "deflate"])
@pytest.mark.parametrize("client", OURS)
def test_our_clients_and_the_server_of_ws(
    client: str, compress: bool, node: dict[str, str]
) -> None:
    """The same with Node's ``ws``."""
    with node_serving(node, compress) as listening:
        check_our_client(client, "ws", listening, offered=compress, compressed=compress)


@pytest.mark.parametrize("offered", [False, True], ids=["plain client", "plain server"])
def test_compression_that_only_one_side_wants_is_not_used(offered: bool) -> None:
    """An offer that is not taken up, and a server that is not asked."""
    library = "websockets-asyncio"
    with serving(library, not offered) as listening:
        check_our_client("blocking", library, listening, offered=offered, compressed=False)


# Our server


class OurServer:
    """wsref's server: echoes, closes when asked to, and puts down what came."""

    def __init__(self, compress: bool) -> None:
        self.closings: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
        self.compressed: list[bool] = []
        self.server: Server = serve(self.handler, "127.0.0.1", 0, compress=compress, ping_rate=None)

    async def handler(self, ws: WebSocket) -> None:
        """Serve one client."""
        self.compressed.append(ws.supports_compression)
        async for event in ws:
            if isinstance(event, Text) and (asked := farewell(event.text)):
                await ws.close(*asked)
            elif isinstance(event, Text):
                await ws.send_text(event.text)
            elif isinstance(event, Binary):
                await ws.send_binary(event.data)
            elif isinstance(event, Closing | Closed):
                self.closings.put_nowait((event.code, event.reason))


async def talk_to_us(client: str, compress: bool, plan: Plan, node: dict[str, str]) -> Result:
    """Run another library's client against our server; check what the server saw."""
    ours = OurServer(compress)
    async with asyncio.timeout(30), ours.server as server:
        if client == "ws":
            result = await node_client(node, server.url, compress, plan)
        else:
            result = await CLIENTS[client][0](server.url, compress, plan)
        code, reason = await ours.closings.get()
    if plan.close:
        assert (code, reason) == plan.close
    else:
        assert code == answered(client, THEY_CLOSE[0])
    assert ours.compressed == [result.compressed]
    return result


def check_their_client(client: str, compress: bool, compressed: bool, node: dict[str, str]) -> None:
    """Let a client talk to our server twice: either side closes."""
    result = asyncio.run(talk_to_us(client, compress, Plan(MESSAGES, close=WE_CLOSE), node))
    assert result.echoes == list(MESSAGES)
    assert result.pongs == [b"p"]
    assert result.compressed is compressed
    assert result.closed is not None
    assert result.closed[0] == WE_CLOSE[0]
    result = asyncio.run(talk_to_us(client, compress, Plan((), ask=THEY_CLOSE), node))
    assert result.closed == THEY_CLOSE


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "deflate"])
@pytest.mark.parametrize("client", CLIENTS)
def test_their_clients_and_our_server(client: str, compress: bool) -> None:
    """Every message comes back, the Ping is answered, and both sides' closes are understood."""
    check_their_client(client, compress, compress and CLIENTS[client][1], {})


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "deflate"])
def test_the_client_of_ws_and_our_server(compress: bool, node: dict[str, str]) -> None:
    """The same with Node's ``ws``."""
    check_their_client("ws", compress, compress, node)
