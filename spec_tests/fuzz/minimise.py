"""Making an input smaller that a target fails on, and writing it down as a test."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Callable

from spec_tests.fuzz.targets import KNOBS, TARGETS, split

__all__ = ["failure_of", "minimised", "regression_test"]

#: How often a failing input is tried to be made smaller, at the most.
_ATTEMPTS = 20_000


def failure_of(target: Callable[[bytes], None], data: bytes) -> str:
    """Return how a target fails on an input: the type and what is said; ``""`` if it does not."""
    try:
        target(data)
    except Exception as error:
        said = str(error).partition("\n")[0]
        return f"{type(error).__name__}: {said}" if said else type(error).__name__
    return ""


def minimised(target: Callable[[bytes], None], data: bytes) -> bytes:
    """Return the smallest input found that fails in the way that *data* does.

    Pieces are left out, large ones first, and bytes made zero, until nothing of that helps.
    """
    wanted = failure_of(target, data)
    attempts = 0
    before = b""
    while data != before and attempts < _ATTEMPTS:
        before = data
        size = len(data)
        while size:
            start = 0
            while start < len(data):
                for smaller in (
                    data[:start] + data[start + size :],
                    data[:start] + bytes(len(data[start : start + size])) + data[start + size :],
                ):
                    attempts += 1
                    if smaller != data and failure_of(target, smaller) == wanted:
                        data = smaller
                        break
                start += size
            size //= 2
    return data


def regression_test(name: str, data: bytes) -> str:
    """Return a test, to be put into ``test_fuzz.py``, that the target *name* takes an input."""
    digest = hashlib.sha256(data).hexdigest()[:8]
    knobs, _stream = split(data)
    comment = textwrap.fill(f"{knobs}", 92, initial_indent="    # ", subsequent_indent="    # ")
    lines = [data[:KNOBS].hex(" "), *textwrap.wrap(data[KNOBS:].hex(" "), 80)]
    written = "\n".join(f'        "{line} "' for line in lines)
    return (
        f"def test_{name}_{digest}() -> None:\n"
        f'    """It failed: {failure_of(TARGETS[name], data)}."""\n'
        f"{comment}\n"
        f"    data = bytes.fromhex(\n{written}\n    )\n"
        f'    TARGETS["{name}"](data)\n'
    )
