"""Change the pure core, and see whether a test fails: ``python -m spec_tests.mutation``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .mutants import Mutant, mutants_of
from .project import CORE, Project
from .results import Results, equivalents, page, stale, tally
from .suite import BUDGET, Outcome, costs, put_to_the_test

__all__ = ["main"]

_REASONS: Final = Path(__file__).with_name("equivalent.toml")


def main(
    arguments: Sequence[str] | None = None, project: Project = CORE, reasons: Path = _REASONS
) -> int:
    """Put what is not known yet to the test, and print the figures; 1 if anything survives."""
    parser = argparse.ArgumentParser(prog="python -m spec_tests.mutation", description=__doc__)
    parser.add_argument("module", nargs="*", help="such as utf8; all of the package by default")
    parser.add_argument("--max-seconds", type=float, default=float("inf"), help="begin none later")
    parser.add_argument("--again", action="store_true", help="survivors, by dearer tests")
    parser.add_argument("--list-survivors", action="store_true", help="show what survived")
    parser.add_argument("--write", action="store_true", help="write docs/mutation.rst")
    given = parser.parse_args(arguments)
    known = project.modules()
    names = given.module or list(known)
    if unknown := [name for name in names if name not in known]:
        parser.error(f"there is no module {', '.join(unknown)}")
    if given.write and given.module:
        parser.error("--write tells about all modules")
    until = time.monotonic() + given.max_seconds
    project.kept.mkdir(exist_ok=True)
    results = Results(project.kept / "results.ndjson")
    mutants = {name: list(mutants_of(name, known[name].read_text("utf-8"))) for name in names}
    all_mutants = [mutant for those in mutants.values() for mutant in those]
    excused = equivalents(reasons)
    keys = {one[:-1] for one in excused}

    def waits(mutant: Mutant) -> bool:
        found = results.get(mutant)
        if found is None:
            return True
        return given.again and found.outcome.word == "survived" and mutant.key not in keys

    def note(mutant: Mutant, outcome: Outcome) -> None:
        results.note(mutant, outcome)
        print(f"{outcome.word:10}  {mutant.module}:{mutant.line}  {mutant.after}", flush=True)

    waiting = [mutant for mutant in all_mutants if waits(mutant)]
    if waiting and given.max_seconds > 0:
        print(f"{len(waiting)} of {len(all_mutants)} mutants to go", flush=True)
        budget = 3 * BUDGET if given.again else BUDGET
        put_to_the_test(project, waiting, costs(project), note, until, budget)
        results = Results(project.kept / "results.ndjson")  # forks wrote to it, too
    left = 0
    for name, those in mutants.items():
        figures, survivors = tally(those, results, excused)
        left += len(survivors) + figures.waiting
        print(
            f"{name}: {figures.mutants} mutants, {figures.killed} killed,"
            f" {figures.equivalent} equivalent, {figures.survived} survived,"
            f" {figures.waiting} not run, {figures.score}"
        )
        for mutant in survivors if given.list_survivors else ():
            print(f"  line {mutant.line}, {mutant.where} ({mutant.operator})")
            print(f"    - {mutant.before}\n    + {mutant.after}")
    old = [] if given.module else stale(excused, all_mutants)
    for one in old:
        print(f"stale: {one.module}, {one.where}: {one.before} -> {one.after}")
    if given.write:
        text = page(mutants, results, excused)
        (project.root / "docs" / "mutation.rst").write_text(text, "utf-8")
    return 1 if old or left else 0


if __name__ == "__main__":
    sys.exit(main())
