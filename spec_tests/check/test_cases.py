"""Servers that break nothing are clean in every case of the catalogue, one case at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack
from typing import Final, NamedTuple

import pytest

from spec_tests.check.faulty.server import EchoServer, serving
from wsref.check.catalogue import Case, Facts, catalogue
from wsref.check.conversation import Open
from wsref.check.oracle import judge_server
from wsref.check.peer import Patience, converse
from wsref.check.target import Target
from wsref.check.verdicts import Verdict
from wsref.serve import running_echo_server

_PATIENCE: Final = Patience(5.0)


class _Right(NamedTuple):
    """A server that breaks nothing: how to run it, and what it does."""

    run: Callable[[], AbstractContextManager[str]]
    facts: Facts

    def can_show(self, case: Case) -> bool:
        """Whether the server has what a case needs."""
        does = {
            "echo": self.facts.echoes,
            "deflate": self.facts.deflates,
            "subprotocol": self.facts.subprotocol is not None,
            "tls": False,
        }
        return all(does.get(need, True) for need in case.needs)


_SERVERS: Final = {
    "the reference": _Right(running_echo_server, Facts(echoes=True, deflates=True)),
    "without compression": _Right(
        lambda: running_echo_server(compress=False), Facts(echoes=True, deflates=False)
    ),
    "of another build": _Right(
        lambda: serving(EchoServer), Facts(echoes=True, deflates=True, subprotocol="chat")
    ),
}


@pytest.fixture(scope="module")
def url_of() -> Generator[Callable[[str], str]]:
    """Return what starts a server where it does not run yet, and tells its URL."""
    running: dict[str, str] = {}
    with ExitStack() as stack:

        def start(name: str) -> str:
            if name not in running:
                running[name] = stack.enter_context(_SERVERS[name].run())
            return running[name]

        yield start


@pytest.mark.parametrize(
    ("name", "case"),
    [
        pytest.param(
            name,
            case,
            id=f"{name}-{case.id}",
            marks=[] if name == "the reference" else pytest.mark.long,
        )
        for name, server in _SERVERS.items()
        for case in catalogue()
        if not case.stress and server.can_show(case)
    ],
)
def test_a_server_that_breaks_nothing_is_clean(
    name: str, case: Case, url_of: Callable[[str], str]
) -> None:
    """No case finds anything worse than an INFO, and nothing is waited for in vain."""
    facts = _SERVERS[name].facts
    record = converse(Target.parse(url_of(name)), case.steps, _PATIENCE, plain=case.plain)
    assert not record.unreachable
    assert not judge_server(record)
    assert not record.timeouts
    first = case.steps[0]
    if isinstance(first, Open) and first.opening.needs_deflate and record.deflate is None:
        return  # the server declined the offer, as it may
    findings = list(case.judge(record, facts))
    assert {finding.verdict for finding in findings} <= {Verdict.INFO, Verdict.SKIP}
