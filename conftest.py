"""What the whole test run is configured with: the Autobahn TestSuite's extent, its thoroughness.

The variable ``HYPOTHESIS_PROFILE`` names a profile: ``dev``, ``ci`` or ``thorough``. Without it,
it is ``ci`` where the variable ``CI`` is set and ``dev`` elsewhere. In ``dev`` Hypothesis draws
few examples, and tests that take many seconds are left out unless they are asked for: by name,
or by ``-m long``. In ``thorough`` it draws 100 000 examples of a property.
"""

from __future__ import annotations

import gc
import os
import unittest
from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import is_hypothesis_test, settings

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile("ci", max_examples=200, deadline=None, print_blob=True)
_THOROUGH_EXAMPLES = 100_000
#: A state machine looks at its properties after each step, and a sequence has dozens of them.
_THOROUGH_SEQUENCES = 10_000
settings.register_profile(
    "thorough", max_examples=_THOROUGH_EXAMPLES, deadline=None, print_blob=True
)
_PROFILE = os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
settings.load_profile(_PROFILE)


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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Have one worker more than processors, since many tests wait for a peer now and then."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage among all the tests, neither while they are collected nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long, where somebody waits for the outcome."""
    if _PROFILE == "thorough":
        _share_examples(items)
    asked_for = config.option.markexpr or any("::" in argument for argument in config.args)
    if _PROFILE != "dev" or asked_for:
        return
    long = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if not item.get_closest_marker("long")]


def _share_examples(items: list[pytest.Item]) -> None:
    """Have 100 000 examples of a property for all its parameters together."""
    shares: Counter[Any] = Counter(getattr(item, "function", None) for item in items)
    for function, count in shares.items():
        if is_hypothesis_test(function):
            settings(max_examples=_THOROUGH_EXAMPLES // count)(function)
    for machine in {getattr(item, "cls", None) for item in items}:
        if machine is not None and issubclass(machine, unittest.TestCase):
            given: Any = machine
            given.settings = settings(given.settings, max_examples=_THOROUGH_SEQUENCES)


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
