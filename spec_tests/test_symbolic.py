"""The command that runs properties by CrossHair, where that is installed."""

from __future__ import annotations

import subprocess
import sys
from codecs import utf_8_decode as utf_8_decode_in_c
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec_tests.symbolic import utf_8_decode
from wsref.testing import near_misses, text_bytes


def outcome(decode: Callable[[bytes], tuple[str, int]], data: bytes) -> tuple[object, ...]:
    """Return what is decoded and how far, or where and why it is refused."""
    try:
        return decode(data)
    except UnicodeDecodeError as error:
        return error.start, error.end, error.reason


@given(st.one_of(st.binary(max_size=4), text_bytes(6), near_misses().map(lambda miss: miss.data)))
def test_what_crosshair_is_told_of_utf_8_decode_is_true(data: bytes) -> None:
    """Property: whole, and cut off at every byte."""
    for end in range(len(data) + 1):
        assert outcome(utf_8_decode, data[:end]) == outcome(utf_8_decode_in_c, data[:end])


def test_crosshair_verifies_the_list_of_status_codes() -> None:
    """In a fraction of a second, since it goes 22 ways for 65536 codes."""
    pytest.importorskip("hypothesis_crosshair_provider")
    finished = subprocess.run(
        [sys.executable, "-m", "spec_tests.symbolic", "status_code"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.stdout.startswith("verified "), finished.stderr
    assert finished.returncode == 0
