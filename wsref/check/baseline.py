"""What is known to be wrong with a server: findings that do not make a check fail.

A baseline is a TOML file that people read and review::

    [[expected]]
    id = "5.2/not-shortest-text-16"
    verdict = "WARN"
    reason = "the gateway's parser is lenient; ticket 1234"

A case that comes out as expected is EXPECTED.  One that comes out better is XPASS, and fails the
check, so that the baseline does not outlive the fault; one that comes out worse is as bad as it is.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple, cast

from .report import Report, Result
from .verdicts import Verdict

__all__ = ["BaselineError", "Expectation", "apply_baseline", "read_baseline", "write_baseline"]

_EXPECTABLE: Final = (Verdict.FAIL, Verdict.WARN, Verdict.FLAKY, Verdict.BLOCKED)
_GENERATED: Final = "generated/"


class BaselineError(Exception):
    """A baseline that cannot be used; the message names the file and the entry."""


class Expectation(NamedTuple):
    """One entry of a baseline.

    Attributes:
        id: of the case.
        verdict: FAIL, WARN, FLAKY or BLOCKED.
        reason: why that is accepted.
    """

    id: str
    verdict: Verdict
    reason: str


def read_baseline(path: Path, known: Iterable[str]) -> dict[str, Expectation]:
    """Read a baseline.

    Args:
        path: the file.
        known: the ids of all cases; others than these are a mistake.

    Returns:
        The entries by their ids.

    Raises:
        BaselineError: it cannot be read, or an entry makes no sense.
    """
    try:
        document: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BaselineError(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BaselineError(f"{path}: not TOML: {error}") from None
    unknown = sorted(set(document) - {"expected"})
    if unknown:
        raise BaselineError(f"{path}: unknown key {unknown[0]!r}; only [[expected]] may be there")
    entries = document.get("expected", [])
    if not isinstance(entries, list):
        raise BaselineError(f"{path}: [[expected]] must be an array of tables")
    ids = set(known)
    found: dict[str, Expectation] = {}
    for number, entry in enumerate(cast("list[object]", entries), 1):
        where = f"{path}: entry {number}"
        expectation = _expectation(where, entry)
        if expectation.id not in ids and not expectation.id.startswith(_GENERATED):
            raise BaselineError(f"{where}: there is no case {expectation.id!r}")
        if expectation.id in found:
            raise BaselineError(f"{where}: {expectation.id!r} is there already")
        found[expectation.id] = expectation
    return found


def _expectation(where: str, entry: object) -> Expectation:
    if not isinstance(entry, dict):
        raise BaselineError(f"{where} is not a table")
    values = cast("dict[str, object]", entry)
    for name in ("id", "verdict", "reason"):
        value = values.get(name)
        if not isinstance(value, str) or not value.strip():
            raise BaselineError(f"{where}: {name} is missing, empty or not a string")
    unknown = sorted(set(values) - {"id", "verdict", "reason"})
    if unknown:
        raise BaselineError(f"{where}: unknown key {unknown[0]!r}")
    verdict = str(values["verdict"])
    if verdict not in _EXPECTABLE:
        wanted = ", ".join(_EXPECTABLE)
        raise BaselineError(f"{where}: verdict must be one of {wanted}, not {verdict!r}")
    return Expectation(str(values["id"]), Verdict(verdict), str(values["reason"]))


def apply_baseline(report: Report, baseline: dict[str, Expectation]) -> Report:
    """Return *report* with the verdicts that the baseline makes of those found."""
    results = tuple(
        _compared(result, expectation)
        if (expectation := baseline.get(result.case.id)) is not None
        else result
        for result in report.results
    )
    return report._replace(results=results)


def _compared(result: Result, expectation: Expectation) -> Result:
    if result.verdict is expectation.verdict:
        return result._replace(verdict=Verdict.EXPECTED, note=expectation.reason)
    better = result.verdict in (Verdict.PASS, Verdict.INFO) or (
        result.verdict is Verdict.WARN and expectation.verdict is Verdict.FAIL
    )
    if better:
        note = (
            f"{expectation.verdict} was expected ({expectation.reason}), and it is {result.verdict}"
        )
        return result._replace(verdict=Verdict.XPASS, note=note)
    return result


def write_baseline(
    path: Path, report: Report, baseline: dict[str, Expectation], reason: str
) -> list[Expectation]:
    """Write what *report* found as the new baseline.

    Args:
        path: the file.
        report: before any baseline was applied.
        baseline: the one until now; its reasons are kept, and its entries for cases that were
            not run.
        reason: for the entries that are new.

    Returns:
        The entries that are new.

    Raises:
        BaselineError: there are new entries and no reason, or it cannot be written.
    """
    entries: list[Expectation] = []
    added: list[Expectation] = []
    ran: set[str] = set()
    for result in report.results:
        name = result.case.id
        if result.verdict is not Verdict.SKIP:
            ran.add(name)
        if result.verdict not in _EXPECTABLE:
            continue
        known = baseline.get(name)
        entry = Expectation(name, result.verdict, reason if known is None else known.reason)
        entries.append(entry)
        if known is None:
            added.append(entry)
    if added and not reason.strip():
        names = ", ".join(entry.id for entry in added[:3])
        raise BaselineError(f"{len(added)} new entries ({names} ...) need a reason: --reason TEXT")
    entries += [
        entry
        for name, entry in baseline.items()
        if name not in ran and not any(name == other.id for other in entries)
    ]
    text = "# What is known to be wrong, for: wsref check --baseline\n"
    for entry in entries:
        text += f"\n[[expected]]\nid = {json.dumps(entry.id)}\n"
        text += f"verdict = {json.dumps(entry.verdict)}\nreason = {json.dumps(entry.reason)}\n"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BaselineError(f"{path}: {error.strerror or error}") from None
    return added
