"""What the checker found in well-known servers, as a value and as a file.

The file is ``observations.json``, written by ``python -m spec_tests.check.real --write`` and by
nothing else.  ``docs/servers.rst`` is made of it and of the conclusions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias, cast

from spec_tests.check.real.conclusions import Conclusion, conclusion_about
from wsref.check import Report, Verdict

__all__ = ["Observation", "Shown", "load", "observe", "save"]

_FILE: Final = Path(__file__).with_name("observations.json")

#: The verdicts about which something has to be concluded.
_TOLD: Final = (Verdict.FAIL, Verdict.WARN, Verdict.FLAKY, Verdict.BLOCKED)
_COUNTED: Final = (*_TOLD, Verdict.INFO, Verdict.PASS, Verdict.SKIP)

_Json: TypeAlias = (
    "str | int | bool | list[str] | dict[str, int] | list[dict[str, str | list[str]]]"
)


class Shown(NamedTuple):
    """What several cases have in common that say something bad.

    Attributes:
        verdict: such as ``FAIL``.
        requirement: the id of the gravest finding's requirement; empty if BLOCKED.
        cases: the ids of the cases.
    """

    verdict: str
    requirement: str
    cases: tuple[str, ...]


class Observation(NamedTuple):
    """What came of checking one server.

    Attributes:
        server: its name in :data:`.servers.SERVERS`.
        versions: what ran.
        date: of the check.
        echoes: whether it echoes.
        deflates: whether it agrees on permessage-deflate.
        counts: how many cases have each verdict.
        shown: what is bad.
    """

    server: str
    versions: str
    date: str
    echoes: bool
    deflates: bool
    counts: Mapping[str, int]
    shown: tuple[Shown, ...]

    def requirements(self, verdict: str, *, fixed_only: bool = False) -> frozenset[str]:
        """Return the ids of the requirements that have this verdict."""
        return frozenset(
            one.requirement
            for one in self.shown
            if one.verdict == verdict
            and not (fixed_only and all(case.startswith("generated/") for case in one.cases))
        )

    def concluded(self) -> dict[Conclusion, list[tuple[str, str]]]:
        """Return the conclusions that apply, each with the verdicts and cases that it is about."""
        found: dict[Conclusion, list[tuple[str, str]]] = {}
        for one in self.shown:
            for case in one.cases:
                conclusion = conclusion_about(self.server, case, one.requirement)
                if conclusion is not None:
                    found.setdefault(conclusion, []).append((one.verdict, case))
        return found

    def unexplained(self) -> list[str]:
        """Return what nobody has looked at yet, a line for each finding."""
        return [
            f"{self.server}: {one.verdict} {one.requirement} in {case}"
            for one in self.shown
            for case in one.cases
            if conclusion_about(self.server, case, one.requirement) is None
        ]


def observe(server: str, versions: str, report: Report) -> Observation:
    """Return what a report says about a server."""
    groups: dict[tuple[str, str], list[str]] = {}
    for result in report.results:
        if result.verdict in _TOLD:
            requirement = result.findings[0].requirement if result.findings else ""
            groups.setdefault((str(result.verdict), requirement), []).append(result.case.id)
    return Observation(
        server=server,
        versions=versions,
        date=report.started.date().isoformat(),
        echoes=report.facts is not None and report.facts.echoes,
        deflates=report.facts is not None and report.facts.deflates,
        counts={str(verdict): report.counts[verdict] for verdict in _COUNTED},
        shown=tuple(
            Shown(verdict, requirement, tuple(cases))
            for (verdict, requirement), cases in sorted(groups.items())
        ),
    )


def load() -> dict[str, Observation]:
    """Return what is in the file, by the names of the servers."""
    if not _FILE.exists():
        return {}
    data = cast("list[dict[str, _Json]]", json.loads(_FILE.read_text(encoding="utf-8")))
    found = (_observation(fields) for fields in data)
    return {one.server: one for one in found}


def save(observations: Mapping[str, Observation]) -> None:
    """Write the file."""
    data = [
        {**one._asdict(), "shown": [shown._asdict() for shown in one.shown]}
        for one in observations.values()
    ]
    _FILE.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def _observation(fields: dict[str, _Json]) -> Observation:
    shown = cast("list[dict[str, str | list[str]]]", fields["shown"])
    return Observation(
        server=str(fields["server"]),
        versions=str(fields["versions"]),
        date=str(fields["date"]),
        echoes=bool(fields["echoes"]),
        deflates=bool(fields["deflates"]),
        counts=cast("dict[str, int]", fields["counts"]),
        shown=tuple(
            Shown(str(one["verdict"]), str(one["requirement"]), tuple(one["cases"]))
            for one in shown
        ),
    )
