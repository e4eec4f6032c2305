"""What is public in wsref.testing is documented, and the documentation's examples are right."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from textwrap import dedent

import pytest

import wsref.testing
from spec_tests.playbook import feed, open_pair
from wsref.protocol.events import Binary, ProtocolError, Text

DOCS = (Path(__file__).parents[2] / "docs" / "testing.rst").read_text(encoding="utf-8")
BLOCKS = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", DOCS)
PUBLIC = {name: getattr(wsref.testing, name) for name in wsref.testing.__all__}
FUNCTIONS = {name: thing for name, thing in PUBLIC.items() if inspect.isfunction(thing)}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_says_what_it_shrinks_to_and_is_in_the_docs(name: str) -> None:
    """Those that return a strategy, that is."""
    function = FUNCTIONS[name]
    text = inspect.getdoc(function)
    assert text
    assert f"``{name}``" in DOCS
    if "SearchStrategy" in str(inspect.signature(function).return_annotation):
        assert "Shrinks to" in text or "otherwise like" in text
    if function.__code__.co_argcount or function.__code__.co_kwonlyargcount:
        assert "Args:" in text or len(text.splitlines()) < 5


def test_the_examples_of_frames_are_right() -> None:
    """The last block of the documentation runs as it is."""
    exec(compile(dedent(BLOCKS[2]), "<docs/testing.rst>", "exec"), {})


def test_the_other_examples_run_with_what_is_left_to_the_reader() -> None:
    """The functions that the reader supplies are our own connection here."""
    _client, server = open_pair()

    def close_code_after(data: bytes) -> int:
        event = server.receive(data).events[-1]
        assert isinstance(event, ProtocolError)
        return event.code

    namespace: dict[str, object] = {"close_code_after": close_code_after}
    exec(compile(dedent(BLOCKS[0]), "<docs/testing.rst>", "exec"), namespace)
    run(namespace["test_the_server_fails_the_connection"])

    reads: list[bytes] = []

    def received() -> list[str | bytes]:
        _server, events, _output = feed(server, reads)
        reads.clear()
        return [
            event.text if isinstance(event, Text) else event.data
            for event in events
            if isinstance(event, (Text, Binary))
        ]

    namespace = {"feed": reads.append, "received": received}
    exec(compile(dedent(BLOCKS[1]), "<docs/testing.rst>", "exec"), namespace)
    run(namespace["test_a_message_arrives"])


def run(test: object) -> None:
    """Run a test that draws its arguments itself."""
    assert callable(test)
    test()


def test_importing_it_takes_nothing_but_the_core_and_hypothesis() -> None:
    """No module of it imports another part of wsref."""
    for path in Path(wsref.testing.__file__).parent.glob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if match := re.match(r"from (\.+)(\w*)", line):
                dots, module = match.groups()
                assert dots == "." or (dots, module) == ("..", "protocol"), (path, line)
