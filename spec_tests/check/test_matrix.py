"""Faulty servers are found by cases about the right clause, legal variations by none.

Here a part of the library is checked, by the cases about the clauses that each server
breaks; CI checks all of it by all cases: ``python -m spec_tests.check.matrix``.
"""

from __future__ import annotations

from typing import Final

import pytest

from spec_tests.check.faulty.registry import faults, variations
from spec_tests.check.matrix import check_fault, check_variation, main
from wsref.check import Options

#: Every so many of the library's servers.
_STRIDE: Final = 20


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(faults())[::_STRIDE])
def test_a_fault_is_found_by_a_case_about_its_clause(name: str) -> None:
    """With FAIL if it breaks a MUST, at least with WARN if it breaks a SHOULD."""
    options = Options(phases=("fixed",))
    row = check_fault(name, options._replace(include=faults()[name].requirement_ids))
    if not row.is_right:  # perhaps by what another case says about the clause
        row = check_fault(name, options)
    assert row.is_right, row.remark


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(variations())[::_STRIDE])
def test_a_legal_variation_is_not_flagged(name: str) -> None:
    """Not even by a warning."""
    row = check_variation(name, Options(phases=("fixed",)))
    assert row.is_right, row.remark


@pytest.mark.long
def test_the_matrix_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each server, and the counts; the exit status is 0 if all is as it should be."""
    assert main(["framing/rsv2-ignored", "--jobs", "1"]) == 0
    output = capsys.readouterr().out
    assert output.startswith("ok  framing/rsv2-ignored")
    assert "faults that break a MUST: 1 of 1 found" in output
