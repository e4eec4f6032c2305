"""What a check is to do: the settings of one run."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final, Literal, NamedTuple, TypeAlias

from .catalogue import Case

__all__ = ["DEFAULT_OPTIONS", "Options", "Phase", "selects"]

Phase: TypeAlias = Literal["fixed", "generated"]


class Options(NamedTuple):
    """The settings of a check.

    Attributes:
        include: clauses, sections or globs of case ids to run; empty for all.
        exclude: those not to run.
        echo: whether the server echoes; ``auto`` to find out.
        deflate: ``off`` not to try permessage-deflate.
        phases: which of the two phases to run.
        strict: whether warnings and flaky results make the check fail.
        stress: whether to run the stress cases, too.
        jobs: how many connections to have at the same time; None for a few, or more where the
            server takes its time, or one where it serves only one.
        timeout: how long to wait for an answer, in seconds; None to go by the round-trip time.
        wait: how long to wait until the server listens, in seconds.
        seed: of the generated phase; None for a random one.
        max_examples: the most conversations of the generated phase.
        max_time: the most time of the generated phase, in seconds; making a conversation that
            shows a fault smaller may take as long again.
        shrink: whether to make such conversations smaller.
        database: a directory that remembers them for the next check; None to forget.
        max_failures: give up after so many failing cases; None never to.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    echo: Literal["auto", "yes", "no"] = "auto"
    deflate: Literal["auto", "off"] = "auto"
    phases: tuple[Phase, ...] = ("fixed", "generated")
    strict: bool = False
    stress: bool = False
    jobs: int | None = None
    timeout: float | None = None
    wait: float = 0.0
    seed: int | None = None
    max_examples: int = 200
    max_time: float = 3.0
    shrink: bool = True
    database: str | None = None
    max_failures: int | None = None


DEFAULT_OPTIONS: Final = Options()


def selects(options: Options, case: Case) -> bool:
    """Whether *options* let *case* be run."""
    if case.stress and not options.stress:
        return False
    if options.include and not any(names(pattern, case) for pattern in options.include):
        return False
    return not any(names(pattern, case) for pattern in options.exclude)


def names(pattern: str, case: Case) -> bool:
    """Whether *pattern* names *case*.

    It may be a case's id or a glob of ids, a section (``5.1``; ``5`` for all that begin with
    it; ``7692:7.2``), or the id of a requirement (``RFC6455-5.1-02``).
    """
    if pattern in case.requirements or fnmatchcase(case.id, pattern):
        return True
    section = pattern.rstrip("/")
    return case.section == section or case.section.startswith((f"{section}.", f"{section}:"))
