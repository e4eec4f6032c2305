"""An echo server with ``hypercorn``, and wsproto: ``python -m hypercorn_server PORT``."""

# hypercorn leaves some types open in its own signatures.
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import asyncio
import sys
from typing import Any, cast

from hypercorn.asyncio import serve
from hypercorn.config import Config

from spec_tests.check.real.programs.asgi import app

if __name__ == "__main__":
    config = Config()
    config.bind = [f"127.0.0.1:{sys.argv[1]}"]
    asyncio.run(serve(cast("Any", app), config))  # ASGI is typed by every server in its own way
