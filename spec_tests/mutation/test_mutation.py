"""The mutation tests themselves: what is noticed counts as killed, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from spec_tests.mutation.mutants import Mutant
from spec_tests.mutation.project import CORE
from spec_tests.mutation.results import Equivalent, Results, equivalents, page, stale, tally
from spec_tests.mutation.suite import Outcome

KILLED = Outcome("killed", "test_x.py::test_x", 3)
SURVIVED = Outcome("survived", "", 3)

REASONS = Path(__file__).with_name("equivalent.toml")
TEST = "spec_tests/rfc6455/test_5_2_framing.py::test_single_frame_masked_text_example"


def mutant(after: str) -> Mutant:
    """Return a mutant that is only talked about."""
    return Mutant(
        "utf8", "decode", "if tail:", after, "AddNot", 7, range(7, 8), f"... {after}", True
    )


PROGRAM = """
import sys, time
from pathlib import Path
from spec_tests.mutation.mutants import Mutant
from spec_tests.mutation.project import CORE
from spec_tests.mutation.suite import Cost, put_to_the_test

test = sys.argv[1]
source = CORE.modules()["masking"].read_text("utf-8")

def mutant(before, after, in_function=True):
    line = source[: source.index(before)].count("\\n") + 1
    changed = source.replace(before, after, 1)
    lines = range(line, line + 1)
    return Mutant("masking", "", before, after, "x", line, lines, changed, in_function)

put_to_the_test(
    CORE._replace(tests=(test,)),
    [
        mutant("length = len(payload)", "length = len(payload) + 1"),
        mutant("length = len(payload)", "length = len(payload) + 0"),
        mutant("length = len(payload)", "while True: length = 0"),
        mutant("LONG: Final = 1024", "LONG: Final = (\\n1024)"),  # one line more
        mutant("LONG: Final = 1024", "LONG: Final = None", False),
        mutant("LONG: Final = 1024", "LONG: Final = 512 + 512", False),
    ],
    {test: Cost(0.1, {"masking": set(range(1, source.count("\\n")))})},
    lambda mutant, outcome: print(outcome.word, "|", *mutant.after.split(), flush=True),
    time.monotonic() + 100,
)
"""


@pytest.mark.long
def test_what_a_test_notices_is_killed_and_nothing_else() -> None:
    """Inside a function and outside; what never ends is noticed, too."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, TEST],
        cwd=CORE.root,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert ran.stdout.splitlines() == [
        "killed | length = len(payload) + 1",
        "survived | length = len(payload) + 0",
        "never ends | while True: length = 0",
        "survived | LONG: Final = ( 1024)",
        "killed | LONG: Final = None",
        "survived | LONG: Final = 512 + 512",
    ]


def test_what_is_known_is_kept(tmp_path: Path) -> None:
    """Also by the next process; a module that changed has other mutants."""
    path = tmp_path / "results.ndjson"
    one, other = mutant("if not tail:"), mutant("if tail is None:")
    Results(path).note(one, KILLED)
    later = Results(path)
    known = later.get(one)
    assert known is not None
    assert known.outcome == KILLED
    assert later.get(other) is None


def test_survivors_count_unless_there_is_a_reason(tmp_path: Path) -> None:
    """The score leaves equivalent ones out, and those that were not run."""
    results = Results(tmp_path / "results.ndjson")
    mutants = [mutant(f"if tail is {number}:") for number in range(5)]
    for one, outcome in zip(mutants, [KILLED, KILLED, SURVIVED, SURVIVED], strict=False):
        results.note(one, outcome)
    reasons = [Equivalent(*mutants[2].key, "Nobody can tell.")]
    figures, survivors = tally(mutants, results, reasons)
    assert figures == (5, 2, 1, 1, 1)
    assert figures.score == "66.7 %"
    assert survivors == [mutants[3]]
    text = page({"utf8": mutants}, results, reasons)
    assert "utf8    5        2       1           1         1        66.7 %" in text
    assert "Nobody can tell." in text


def test_a_reason_about_nothing_is_noticed() -> None:
    """The line was changed since, or the mutant is not made any more."""
    there = mutant("if not tail:")
    gone = Equivalent("utf8", "decode", "if head:", "if not head:", "It was there once.")
    assert stale([gone, Equivalent(*there.key, "True.")], [there]) == [gone]


def test_the_page_has_all_reasons_that_were_written_down() -> None:
    """Each with the line before and after; and lines that are there."""
    text = (CORE.root / "docs" / "mutation.rst").read_text("utf-8")
    for one in equivalents(REASONS):
        source = CORE.modules()[one.module].read_text("utf-8")
        assert one.before in [line.strip() for line in source.splitlines()], one
        assert f"    {one.before}\n    {one.after}\n\n{one.reason.strip()}\n" in text, one
