"""An echo server with ``websockets``, threads: ``python -m websockets_sync PORT``."""

from __future__ import annotations

import sys

from websockets.sync.server import ServerConnection, serve


def echo(websocket: ServerConnection) -> None:
    """Send every message back."""
    for message in websocket:
        websocket.send(message)


if __name__ == "__main__":
    with serve(echo, "127.0.0.1", int(sys.argv[1])) as server:
        server.serve_forever()
