"""The plugin, in a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spec_tests.check.faulty.registry import faults
from spec_tests.check.faulty.server import EchoServer, serving

ROOT = Path(__file__).parents[2]


def pytest_of_its_own(directory: Path, *arguments: str) -> tuple[int, str]:
    """Run pytest in *directory*; return its exit status and what it printed."""
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        capture_output=True,
        text=True,
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        timeout=120,
        check=False,
    )
    return process.returncode, process.stdout + process.stderr


def test_every_case_is_an_item_named_by_its_clause(tmp_path: Path) -> None:
    """``pytest --wsref-url`` needs no test files at all."""
    with serving(EchoServer) as url:
        status, output = pytest_of_its_own(
            tmp_path, "--wsref-url", url, "--wsref-include", "5.1", "-v"
        )
    assert status == 0, output
    assert "never-masks[RFC6455-5.1-04] PASSED" in output
    assert " passed" in output


def test_a_fault_fails_its_items_and_is_told(tmp_path: Path) -> None:
    """Without a traceback, with clause and bytes."""
    with serving(faults()["framing/rsv2-ignored"].server_class) as url:
        status, output = pytest_of_its_own(
            tmp_path, "--wsref-url", url, "--wsref-include", "5.2/rsv*-on-text", "-q"
        )
    assert status == 1
    assert "RFC 6455 §5.2 (RFC6455-5.2-03, MUST)" in output
    assert "sent " in output
    assert "Traceback" not in output
    assert " failed" in output
    assert " passed" in output


@pytest.mark.parametrize("strict", [False, True])
def test_warnings_fail_if_strict(tmp_path: Path, strict: bool) -> None:
    """``--wsref-strict`` is what --strict is to the command."""
    arguments = ["--wsref-include", "5.2/length-*", "-q", *(["--wsref-strict"] if strict else [])]
    with serving(faults()["framing/long-form-16-accepted"].server_class) as url:
        status, output = pytest_of_its_own(tmp_path, "--wsref-url", url, *arguments)
    assert status == int(strict), output


def test_a_baseline_is_minded(tmp_path: Path) -> None:
    """An unexpected pass fails."""
    path = tmp_path / "baseline.toml"
    path.write_text('[[expected]]\nid = "5.1/never-masks"\nverdict = "FAIL"\nreason = "old"\n')
    with serving(EchoServer) as url:
        arguments = ["--wsref-include", "5.1", "--wsref-baseline", str(path), "-q"]
        status, output = pytest_of_its_own(tmp_path, "--wsref-url", url, *arguments)
    assert status == 1
    assert "XPASS" in output


def test_a_server_that_is_not_there_fails_every_item(tmp_path: Path) -> None:
    """And says why."""
    status, output = pytest_of_its_own(
        tmp_path, "--wsref-url", "ws://127.0.0.1:1/", "--wsref-include", "5.1/never-masks", "-q"
    )
    assert status == 1
    assert "refused" in output


TEST_FILE = """
from spec_tests.check.faulty.registry import faults
from spec_tests.check.faulty.server import EchoServer, serving

def test_right(wsref_check):
    with serving(EchoServer) as url:
        assert wsref_check(url).exit_code == 0

def test_wrong(wsref_check):
    with serving(faults()["framing/rsv2-ignored"].server_class) as url:
        wsref_check(url)
"""


def test_the_fixture_checks_a_server_that_the_test_starts(tmp_path: Path) -> None:
    """The test fails with the report as its message."""
    (tmp_path / "test_servers.py").write_text(TEST_FILE)
    status, output = pytest_of_its_own(tmp_path, "--wsref-include", "5.2/rsv*-on-text", "-q")
    assert status == 1
    assert "1 failed, 1 passed" in output
    assert "RFC6455-5.2-03" in output


def test_without_options_the_plugin_is_not_noticed(tmp_path: Path) -> None:
    """Nothing is collected, and nothing of the checker is imported."""
    (tmp_path / "test_nothing.py").write_text(
        "import sys\n\ndef test_nothing():\n"
        "    assert not [name for name in sys.modules if name.startswith('wsref.check')]\n"
    )
    status, output = pytest_of_its_own(tmp_path, "-q")
    assert status == 0, output
    assert "1 passed" in output
