"""Well-known servers: the checker finds in them what was concluded by hand, no more and no less.

``python -m spec_tests.check.real`` checks all of them, with generated conversations; here it is
those in Python, with the fixed cases.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spec_tests.check.real.__main__ import main
from spec_tests.check.real.conclusions import conclusions
from spec_tests.check.real.observations import Observation, load, observe
from spec_tests.check.real.page import page
from spec_tests.check.real.servers import EXTRA, SERVERS, NotInstalled, Server, running, serving
from wsref.check import Options, check_server
from wsref.requirements import requirement

_OPTIONS = Options(phases=("fixed",))
_PAGE = Path(__file__).resolve().parents[2] / "docs" / "servers.rst"
_IN_PYTHON = [name for name, server in SERVERS.items() if server.packages and name != "nginx"]


def _charged(observation: Observation, verdict: str) -> set[str]:
    """Return the requirements that have a verdict in fixed cases."""
    return {
        one.requirement
        for one in observation.shown
        for case in one.cases
        if one.verdict == verdict and not case.startswith("generated/")
    }


@pytest.mark.long
@pytest.mark.parametrize("name", _IN_PYTHON)
def test_a_server_fails_by_the_clauses_that_were_concluded(name: str) -> None:
    """Of another version it is only known that it can be checked, and comes out the same twice."""
    server = SERVERS[name]
    with serving(server) as url:
        report = check_server(url, _OPTIONS)
    assert not report.problem
    assert report.facts is not None
    assert report.facts.echoes
    assert report.exit_code in (0, 1)
    recorded = load()[name]
    observed = observe(name, server.versions(), report)
    if observed.versions == recorded.versions:
        assert _charged(observed, "FAIL") == _charged(recorded, "FAIL")
    else:
        assert _charged(observed, "BLOCKED") <= _charged(recorded, "BLOCKED")
        assert not _charged(observed, "FLAKY")


@pytest.mark.parametrize("name", SERVERS)
def test_something_is_concluded_about_every_finding(name: str) -> None:
    """About all that was observed when the page was written."""
    assert load()[name].unexplained() == []


def test_conclusions_are_complete() -> None:
    """Each has a text, a proof and a clause that exists, and no two have the same name."""
    for conclusion in conclusions():
        requirement(conclusion.clause)
        assert conclusion.title
        assert conclusion.text.strip()
        assert conclusion.got
    names = [conclusion.name for conclusion in conclusions()]
    assert len(names) == len(set(names))


def test_the_page_says_what_is_recorded() -> None:
    """It is written by the command, and by nobody's hand."""
    assert _PAGE.read_text(encoding="utf-8") == page(load())


def test_a_server_that_is_not_installed_is_named_with_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line, and the others are checked all the same."""

    def versions() -> str:
        raise NotInstalled(f"not installed: {EXTRA}")

    monkeypatch.setitem(SERVERS, "tornado", SERVERS["tornado"]._replace(versions=versions))
    assert main(["tornado"]) == 1
    assert capsys.readouterr().out == 'tornado: not installed: pip install "wsref[servers]"\n'


def test_programs_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Node and nginx come from elsewhere than pip."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NotInstalled, match="node and npm"), serving(SERVERS["ws"]):
        pass
    with pytest.raises(NotInstalled, match="nginx"), serving(SERVERS["nginx"]):
        pass


def test_an_unknown_name_is_a_mistake_in_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The names there are are listed."""
    with pytest.raises(SystemExit) as stopped:
        main(["apache"])
    assert stopped.value.code == 2
    assert "there is no server apache; there are websockets-asyncio, " in capsys.readouterr().err


def test_a_server_ends_with_its_context() -> None:
    """Also when something goes wrong meanwhile."""
    context = serving(SERVERS["websockets-sync"])
    context.__enter__()
    process = running()[-1]
    assert process.poll() is None
    error = KeyboardInterrupt()
    assert not context.__exit__(KeyboardInterrupt, error, None)
    assert process.poll() is not None
    assert process not in running()


def test_a_server_ends_with_the_command() -> None:
    """Also when the command is told to end, which a shell may have made it deaf to."""
    program = (
        "import signal, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from spec_tests.check.real.servers import SERVERS, running, serving\n"
        "with serving(SERVERS['websockets-sync']):\n"
        "    print(running()[-1].pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    ) as command:
        assert command.stdout is not None
        server = int(command.stdout.readline())
        command.send_signal(signal.SIGINT)
        command.wait(20)
    deadline = time.monotonic() + 5
    while _is_alive(server) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_alive(server)


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_a_server_that_does_not_start_says_why() -> None:
    """With what it has said itself."""
    from spec_tests.check.real.servers import ServerTrouble, python_server

    broken: Server = python_server("broken", "nothing", ["websockets"], "no_such_program")
    with pytest.raises(ServerTrouble, match="no_such_program"), serving(broken):
        pass
