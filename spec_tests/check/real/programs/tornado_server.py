"""An echo server with ``tornado``: ``python -m tornado_server PORT [deflate]``."""

from __future__ import annotations

import asyncio
import sys

from tornado.web import Application
from tornado.websocket import WebSocketHandler


class Echo(WebSocketHandler):
    """Sends every message back."""

    def on_message(self, message: str | bytes) -> None:
        """Send it back."""
        self.write_message(message, binary=isinstance(message, bytes))


class DeflatingEcho(Echo):
    """The same with permessage-deflate, which is off unless this is overridden."""

    def get_compression_options(self) -> dict[str, int]:
        """Have compression, with tornado's usual settings."""
        return {}


async def main(port: int) -> None:
    """Serve for ever."""
    handler = DeflatingEcho if "deflate" in sys.argv else Echo
    Application([("/", handler)]).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
