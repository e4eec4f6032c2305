"""What can be said about a server: findings, and the verdict on a case.

A *finding* is one deviation, with the requirement it breaks.  How grave it is follows from
the requirement's level unless the judge knows better: some rules bind the sender
only, and some have readings that a fair checker accepts.  The worst finding is the verdict.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from ..requirements import requirement

__all__ = ["Finding", "Verdict", "fail", "info", "skip", "warn", "worst"]


class Verdict(StrEnum):
    """The outcome of a case, the gravest first."""

    FAIL = "FAIL"  #: a MUST is broken
    XPASS = "XPASS"  #: the baseline expects something else
    WARN = "WARN"  #: a SHOULD is broken, or a rule is read more leniently than is wise
    FLAKY = "FLAKY"  #: repeated, it had another outcome
    BLOCKED = "BLOCKED"  #: the server does not do what works before or after the case's group
    EXPECTED = "EXPECTED"  #: as bad as the baseline says it is
    INFO = "INFO"  #: legal, and worth knowing
    PASS = "PASS"
    SKIP = "SKIP"  #: it does not apply to this server


class Finding(NamedTuple):
    """One thing to say about what a server did.

    Attributes:
        verdict: FAIL, WARN, INFO, or SKIP if nothing can be said.
        requirement: the id of the requirement in question; empty only for SKIP.
        message: what the server did, and what was wanted, in one sentence.
    """

    verdict: Verdict
    requirement: str
    message: str


_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}


def fail(requirement_id: str, message: str) -> Finding:
    """Say that a requirement is broken: FAIL for a MUST, WARN for a SHOULD, INFO for a MAY."""
    level = requirement(requirement_id).level
    if level.startswith("MUST"):
        return Finding(Verdict.FAIL, requirement_id, message)
    verdict = Verdict.WARN if level.startswith("SHOULD") else Verdict.INFO
    return Finding(verdict, requirement_id, message)


def warn(requirement_id: str, message: str) -> Finding:
    """Say what is unwise, or broken by a strict reading only."""
    return Finding(Verdict.WARN, requirement_id, message)


def info(requirement_id: str, message: str) -> Finding:
    """Say what is legal and worth knowing."""
    return Finding(Verdict.INFO, requirement_id, message)


def skip(message: str) -> Finding:
    """Say why a case does not apply."""
    return Finding(Verdict.SKIP, "", message)


def worst(verdicts: list[Verdict]) -> Verdict:
    """Return the gravest of *verdicts*; PASS if there are none."""
    return min(verdicts, key=_RANK.__getitem__, default=Verdict.PASS)
