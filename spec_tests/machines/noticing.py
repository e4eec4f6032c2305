"""Whether a machine notices what is wrong: it is run on purpose against something broken."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

__all__ = ["noticed"]

#: Up to the first failure, which is the same one every time; nobody needs the smallest.
_EXAMPLES: Final = 300


def noticed(machine: type[RuleBasedStateMachine], kind: type[Exception] = AssertionError) -> str:
    """Run a machine that has to fail.

    Args:
        machine: the machine; what it is to notice is already broken.
        kind: how it fails.

    Returns:
        What it says first.
    """
    wanted = settings(
        max_examples=_EXAMPLES,
        stateful_step_count=machine.TestCase.settings.stateful_step_count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=True,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
    )
    with pytest.raises(kind) as caught:
        run_state_machine_as_test(machine, settings=wanted)
    return str(caught.value).partition("\n")[0]
