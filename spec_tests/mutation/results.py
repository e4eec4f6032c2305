"""What is known about the mutants, and the page that tells it: docs/mutation.rst."""

from __future__ import annotations

import datetime
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from .mutants import Mutant
from .suite import Outcome

__all__ = ["Equivalent", "Known", "Results", "Tally", "equivalents", "page", "stale", "tally"]

_INTRODUCTION: Final = """\
.. Written by ``python -m spec_tests.mutation --write``; change that, or its equivalent.toml.

Would we notice?
================

Each mutant is the pure core with one change: a border moved, a condition turned round, a number
off by one. It is killed if a test fails, or never ends, and survives otherwise. What
survives and could not be noticed by anybody is equivalent; the reasons are below. The score is
the share of all others that were run that is killed::

    pip install -e ".[test,mutation]"
    python -m spec_tests.mutation           # what is not known yet; can be ended and goes on
    python -m spec_tests.mutation --again   # what survived, by dearer tests and new ones
    python -m spec_tests.mutation --write   # and this page

"""


class Known(NamedTuple):
    """What became of a mutant, and when."""

    outcome: Outcome
    date: str


class Equivalent(NamedTuple):
    """Why nobody can tell a mutant from the original.

    Attributes:
        module: the last part of the name of the module.
        where: the function or class around it; empty outside of all.
        before: the line that is changed, without the space around it.
        after: what it is changed to.
        reason: why that makes no difference.
    """

    module: str
    where: str
    before: str
    after: str
    reason: str


class Tally(NamedTuple):
    """The figures of a module."""

    mutants: int
    killed: int
    equivalent: int
    survived: int
    waiting: int

    @property
    def score(self) -> str:
        """The share of the killed in those that were run and could be; nothing if none were."""
        could_be = self.killed + self.survived
        return f"{100 * self.killed / could_be:.1f} %" if could_be else "-"


class Results:
    """The outcomes by mutant, kept in a file that grows as they come in."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Known] = {}
        if path.exists():
            for line in path.read_text("utf-8").splitlines():
                kept = json.loads(line)
                outcome = Outcome(kept["word"], kept["test"], kept["tests"])
                self._known[kept["digest"]] = Known(outcome, kept["date"])

    def get(self, mutant: Mutant) -> Known | None:
        """Return what is known about a mutant."""
        return self._known.get(mutant.digest)

    def note(self, mutant: Mutant, outcome: Outcome) -> None:
        """Write down how a mutant fared; several processes may do so at the same time."""
        known = Known(outcome, datetime.datetime.now(datetime.UTC).date().isoformat())
        self._known[mutant.digest] = known
        shown = {"module": mutant.module, "line": mutant.line, "after": mutant.after}
        entry = {"digest": mutant.digest, **shown, **outcome._asdict(), "date": known.date}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def equivalents(path: Path) -> list[Equivalent]:
    """Read the reasons that were written down by hand."""
    entries = tomllib.loads(path.read_text("utf-8")).get("equivalent", [])
    return [Equivalent(**entry) for entry in entries]


def stale(reasons: Iterable[Equivalent], mutants: Iterable[Mutant]) -> list[Equivalent]:
    """Return the reasons that are about no mutant (any more)."""
    there = {mutant.key for mutant in mutants}
    return [one for one in reasons if one[:-1] not in there]


def tally(
    mutants: Sequence[Mutant], results: Results, reasons: Iterable[Equivalent]
) -> tuple[Tally, list[Mutant]]:
    """Count how mutants fared; return the survivors without a reason, too."""
    excused = {one[:-1] for one in reasons}
    killed = equivalent = waiting = 0
    survivors: list[Mutant] = []
    for mutant in mutants:
        known = results.get(mutant)
        if known is not None and known.outcome.word != "survived":
            killed += 1
        elif mutant.key in excused:
            equivalent += 1
        elif known is None:
            waiting += 1
        else:
            survivors.append(mutant)
    return Tally(len(mutants), killed, equivalent, len(survivors), waiting), survivors


def page(
    mutants: Mapping[str, Sequence[Mutant]], results: Results, reasons: Sequence[Equivalent]
) -> str:
    """Return the text of the page."""
    return "\n".join(_lines(mutants, results, reasons)).rstrip() + "\n"


def _lines(
    mutants: Mapping[str, Sequence[Mutant]], results: Results, reasons: Sequence[Equivalent]
) -> Iterator[str]:
    yield _INTRODUCTION
    head = ("date", "module", "mutants", "killed", "equivalent", "survived", "not run", "score")
    rows: list[tuple[str, ...]] = [head]
    left: list[Mutant] = []
    sums = Tally(0, 0, 0, 0, 0)
    for module, those in mutants.items():
        if not those:
            continue
        figures, survivors = tally(those, results, reasons)
        left += survivors
        dates = {known.date for one in those if (known := results.get(one)) is not None}
        rows.append(_row(max(dates, default="never"), module, figures))
        sums = Tally(*(one + other for one, other in zip(sums, figures, strict=True)))
    rows.append(_row("", "all", sums))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    rule = "  ".join("=" * width for width in widths)
    for number, row in enumerate(rows):
        if number < 2:
            yield rule
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()
    yield from (rule, "")
    if left:
        yield from ("Survivors", "---------", "")
        for mutant in left:
            yield from (f"{_place(mutant.module, mutant.where)}::", "")
            yield from (f"    {mutant.before}", f"    {mutant.after}", "")
    yield from ("Equivalent mutants", "------------------", "")
    for one in reasons:
        yield from (f"{_place(one.module, one.where)}::", "")
        yield from (f"    {one.before}", f"    {one.after}", "")
        yield from (one.reason.strip(), "")


def _row(date: str, module: str, figures: Tally) -> tuple[str, ...]:
    return (date or "..", module, *map(str, figures), figures.score)


def _place(module: str, where: str) -> str:
    return f"``{module}``, ``{where}``" if where else f"``{module}``"
