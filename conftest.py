"""What the whole test run is configured with: the Autobahn TestSuite's extent, Hypothesis's effort.

Hypothesis takes its profile from ``--hypothesis-profile``, else from the variable
``HYPOTHESIS_PROFILE``, else it is ``ci`` where the variable ``CI`` is set and ``dev`` elsewhere.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile("ci", max_examples=200, deadline=None, print_blob=True)
settings.register_profile("thorough", max_examples=100_000, deadline=None, print_blob=True)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare ``--autobahn``."""
    parser.addoption(
        "--autobahn",
        default="quick",
        choices=("off", "quick", "full"),
        help="cases of the Autobahn TestSuite to run against the clients and the server, in a"
        " container: none, chapters 1 to 7 and 10 and one of each group of 12 and 13 (default),"
        " or all 517",
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how the runs of the TestSuite turned out, also where they passed."""
    reports = [
        str(value)
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
        if name == "autobahn"
    ]
    if reports:
        terminalreporter.section("Autobahn TestSuite")
        for report in reports:
            terminalreporter.write_line(report)
