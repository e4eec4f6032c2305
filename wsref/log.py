"""Debug records for the logger ``wsref``."""

from __future__ import annotations

import sys

__all__ = ["debug"]


def debug(message: str, *args: object) -> None:
    """Log at level DEBUG.

    Unless the application has imported ``logging``, nobody can be listening, and importing
    it would cost more than all of ours that does not do I/O.
    """
    if "logging" in sys.modules:
        import logging

        logging.getLogger("wsref").debug(message, *args)
