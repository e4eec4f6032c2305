"""The examples in README.rst do what they say."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from wsref.events import Text
from wsref.serve import running_echo_server

README = (Path(__file__).parents[2] / "README.rst").read_text(encoding="utf-8")
BLOCKS = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", README)


def run(block: str, **replacements: str) -> dict[str, object]:
    """Run a block of the README; return its variables."""
    source = dedent(block)
    for old, new in replacements.items():
        assert old in source
        source = source.replace(old, new)
    namespace: dict[str, object] = {}
    exec(compile(source, "README.rst", "exec"), namespace)
    return namespace


def test_there_are_three_examples() -> None:
    """One for each way to use the package; each has a test below."""
    assert len(BLOCKS) == 3


def test_the_blocking_example_prints_what_comes_back(capsys: pytest.CaptureFixture[str]) -> None:
    """It says Hello and ends when the echo has come."""
    with running_echo_server() as url:
        run(BLOCKS[0], **{"wss://example.com/chat": url})
    assert capsys.readouterr().out == "Hello\n"


def test_the_asyncio_example_prints_what_comes_back(capsys: pytest.CaptureFixture[str]) -> None:
    """Server and client are in one program."""
    run(BLOCKS[1])
    assert capsys.readouterr().out == "Hello\n"


def test_the_example_of_the_protocol_alone_delivers_the_message() -> None:
    """Its comments say which events there are."""
    namespace = run(BLOCKS[2])
    assert namespace["events"] == (Text("Hello"),)
