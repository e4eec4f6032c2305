"""An echo server with ``uvicorn``: ``python -m uvicorn_server PORT IMPLEMENTATION``."""

from __future__ import annotations

import sys
from typing import Any, cast

import uvicorn

from spec_tests.check.real.programs.asgi import app

if __name__ == "__main__":
    # ASGI is typed by every server in its own way.
    uvicorn.run(cast("Any", app), port=int(sys.argv[1]), ws=cast("Any", sys.argv[2]))
