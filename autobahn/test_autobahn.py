"""The bar: the Autobahn TestSuite finds nothing at all to complain about.

``--autobahn=quick|full|off`` says how much is run. A container engine is needed: without one
these tests are skipped, or fail where the variable ``CI`` is set.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from .cases import select
from .engine import Engine, NoEngine, find_engine
from .results import Report, complaints, summary
from .runs import run

REPORTS = Path(__file__).with_name("reports")


@pytest.fixture(scope="module")
def engine(pytestconfig: pytest.Config) -> Engine:
    """Find a container engine that answers."""
    if pytestconfig.getoption("--autobahn") == "off":
        pytest.skip("--autobahn=off")
    try:
        return find_engine()
    except NoEngine as missing:
        reason = str(missing)
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture
def put_to_the_test(
    engine: Engine,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> Callable[[str], Report]:
    """Return what runs the chosen cases against an endpoint and notes the outcome."""
    cases = select(str(pytestconfig.getoption("--autobahn")))

    def put(endpoint: str) -> Report:
        report = run(endpoint, engine, cases, REPORTS)
        record_property("autobahn", summary(report))
        return report

    return put


def test_the_blocking_client_is_beyond_reproach(
    put_to_the_test: Callable[[str], Report],
) -> None:
    """The fuzzing server finds no fault with the blocking session."""
    assert complaints(put_to_the_test("client")) == ()


def test_the_asyncio_client_is_beyond_reproach(
    put_to_the_test: Callable[[str], Report],
) -> None:
    """The fuzzing server finds no fault with the asyncio client."""
    assert complaints(put_to_the_test("aio")) == ()


def test_the_server_is_beyond_reproach(put_to_the_test: Callable[[str], Report]) -> None:
    """The fuzzing client finds no fault with ``wsref serve``."""
    assert complaints(put_to_the_test("server")) == ()
