"""An echo server with the core of ``picows``: ``python -m picows_core PORT``.

It hands over frames, not messages, and leaves to its user what is in them: whether text is UTF-8
and whether fragments are in order.  So this sends each frame back as it came.
"""

# picows leaves some types open in its own signatures.
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import asyncio
import sys

from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

_DATA = (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION)


class Echo(WSListener):
    """Sends every frame of a message back."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Send it back; answer a Close as the example in the documentation of picows does."""
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.msg_type in _DATA:
            transport.send(frame.msg_type, frame.get_payload_as_bytes(), fin=frame.fin)


def listener(_request: WSUpgradeRequest) -> WSListener:
    """Take every request."""
    return Echo()


async def main(port: int) -> None:
    """Serve for ever."""
    server = await ws_create_server(listener, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
