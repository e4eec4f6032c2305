"""The report as JSON, and an index of it as the Autobahn TestSuite writes one.

``schema.json`` beside this file, a JSON Schema, describes the former.  Its version is that of
the format, :data:`FORMAT`: a new one comes when a field vanishes or changes its meaning, not
when one is added.  All bytes are in hexadecimal, all times in seconds.

The index is for programs that read Autobahn's: for each agent and case there are two verdicts
in its words, on the behaviour and on the closing handshake, and the name of a file with more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Final, NamedTuple, TypeAlias

from ...requirements import Requirement, requirements
from ..record import Record
from ..report import CLEAN, FAILURES, UNREACHABLE, Fault, Report, Result
from ..verdicts import Finding, Verdict

__all__ = [
    "FORMAT",
    "AutobahnFile",
    "JSONValue",
    "autobahn_files",
    "combined_exit_code",
    "json_report",
    "outcome_fields",
    "report_fields",
    "result_fields",
    "schema",
]

#: The name of the format, with its version.
FORMAT: Final = "wsref-report-1"

JSONValue: TypeAlias = (
    "str | int | float | bool | Sequence[JSONValue] | Mapping[str, JSONValue] | None"
)


def schema() -> str:
    """Return the JSON Schema of the report, as text."""
    return files(__name__.rpartition(".")[0]).joinpath("schema.json").read_text(encoding="utf-8")


def combined_exit_code(reports: Sequence[Report]) -> int:
    """Return the exit status for several servers: failures count before unreachable ones.

    It is never 0 if there is no report.
    """
    codes = {report.exit_code for report in reports}
    if FAILURES in codes:
        return FAILURES
    return CLEAN if codes == {CLEAN} else UNREACHABLE


def json_report(reports: Sequence[Report]) -> str:
    """Return the report on all servers."""
    servers = [
        {
            **report_fields(report),
            **outcome_fields(report),
            "controls": [_conversation(record) for record in report.controls],
            "results": [
                {**result_fields(result), "conversation": _conversation_or_none(result.record)}
                for result in report.results
            ],
            "ledger": [
                {**_requirement(requirements()[name]), "verdict": _name(verdict)}
                for name, verdict in report.ledger.items()
            ],
        }
        for report in reports
    ]
    whole = {"format": FORMAT, "exit_code": combined_exit_code(reports), "servers": servers}
    return json.dumps(whole, indent=1) + "\n"


def report_fields(report: Report) -> dict[str, JSONValue]:
    """Return what is known about a check before its cases: server, versions, seed, facts."""
    facts = report.facts
    return {
        "url": report.url,
        "server": report.server,
        "wsref": report.version,
        "started": report.started.isoformat(),
        "seed": report.seed,
        "strict": report.strict,
        "facts": None if facts is None else dict(_facts(report)),
    }


def _facts(report: Report) -> Iterator[tuple[str, JSONValue]]:
    if report.facts is not None:
        for name in report.facts._fields:
            value: str | int | float | bool | None = getattr(report.facts, name)
            yield name, round(value, 6) if isinstance(value, float) else value


def outcome_fields(report: Report) -> dict[str, JSONValue]:
    """Return what came of a check: time, exit status, counts, faults."""
    return {
        "duration": round(report.duration, 6),
        "problem": report.problem,
        "exit_code": report.exit_code,
        "counts": {verdict.value: report.counts[verdict] for verdict in Verdict},
        "sections": {
            section: {verdict.value: number for verdict, number in counts.items()}
            for section, counts in report.sections.items()
        },
        "faults": [_fault(fault) for fault in report.faults],
    }


def result_fields(result: Result) -> dict[str, JSONValue]:
    """Return a result without its conversation."""
    case = result.case
    return {
        "id": case.id,
        "section": case.section,
        "title": case.title,
        "requirements": list(case.requirements),
        "needs": sorted(case.needs),
        "stress": case.stress,
        "verdict": result.verdict.value,
        "findings": [_finding(finding) for finding in result.findings],
        "note": result.note,
        "repeats": result.repeats,
        "shrunk": result.shrunk,
        "replay": result.replay or case.id,
        "duration": None if result.record is None else round(result.record.duration, 6),
    }


def _finding(finding: Finding) -> JSONValue:
    fields: dict[str, JSONValue] = {"verdict": finding.verdict.value, "message": finding.message}
    about = requirements().get(finding.requirement)
    return {**fields, **({"requirement": finding.requirement} if about is None else _about(about))}


def _about(about: Requirement) -> dict[str, JSONValue]:
    return {
        "requirement": about.id,
        "clause": about.clause,
        "level": about.level,
        "url": about.url,
    }


def _requirement(about: Requirement) -> dict[str, JSONValue]:
    return {**_about(about), "summary": about.summary}


def _fault(fault: Fault) -> JSONValue:
    about = requirements().get(fault.requirement)
    named: dict[str, JSONValue] = {"requirement": fault.requirement}
    return {
        "verdict": fault.verdict.value,
        **(named if about is None else _requirement(about)),
        "cases": [result.case.id for result in fault.results],
    }


def _conversation_or_none(record: Record | None) -> JSONValue:
    return None if record is None else _conversation(record)


def _conversation(record: Record) -> JSONValue:
    return {
        "duration": round(record.duration, 6),
        "unreachable": record.unreachable,
        "key": record.key,
        "request_head": record.request.decode("latin-1"),
        "response_head": record.head.decode("latin-1"),
        "status": record.status,
        "close_code": record.close_code,
        "probes": {str(step): payload.hex() for step, payload in record.probes.items()},
        "entries": [
            {
                "time": round(entry.time, 6),
                "kind": entry.kind.value,
                "hex": entry.data.hex(),
                "step": entry.step,
                "note": entry.note,
            }
            for entry in record.entries
        ],
    }


def _name(verdict: Verdict | None) -> str | None:
    return None if verdict is None else verdict.value


# Autobahn's layout


class AutobahnFile(NamedTuple):
    """A file to write.

    Attributes:
        name: relative to the directory of the reports, with ``/``.
        text: what is in it.
    """

    name: str
    text: str


#: The verdicts in Autobahn's words.  EXPECTED does not gate; BLOCKED may hide anything.
_BEHAVIOR: Final = {
    Verdict.FAIL: "FAILED",
    Verdict.XPASS: "FAILED",
    Verdict.WARN: "NON-STRICT",
    Verdict.FLAKY: "NON-STRICT",
    Verdict.BLOCKED: "FAILED",
    Verdict.EXPECTED: "NON-STRICT",
    Verdict.INFO: "INFORMATIONAL",
    Verdict.PASS: "OK",
    Verdict.SKIP: "UNIMPLEMENTED",
}

#: The sections about the closing handshake: what is wrong there is Autobahn's second verdict.
_CLOSING: Final = re.compile(r"RFC6455-(5\.5\.1|7(\.[\d.]+)?)-")


def autobahn_files(reports: Sequence[Report]) -> Iterator[AutobahnFile]:
    """Return the index, ``index.json``, and a small file for every case.

    The agents are called by their URLs; the second of the same URL has ``#2`` behind it.
    """
    index: dict[str, dict[str, JSONValue]] = {}
    taken: set[str] = set()
    for report in reports:
        agent = report.url
        number = 1
        while agent in index:
            number += 1
            agent = f"{report.url} #{number}"
        cases: dict[str, JSONValue] = {}
        index[agent] = cases
        for result in report.results:
            name = _file_name(agent, result.case.id, taken)
            verdicts = _behaviors(result, strict=report.strict)
            record = result.record
            short: dict[str, JSONValue] = {
                "behavior": verdicts[0],
                "behaviorClose": verdicts[1],
                "duration": 0 if record is None else round(record.duration * 1000),
                "remoteCloseCode": None if record is None else record.close_code,
            }
            cases[result.case.id] = {**short, "reportfile": name}
            detail = {**short, **_autobahn_detail(agent, report, result)}
            yield AutobahnFile(name, json.dumps(detail, indent=1) + "\n")
    yield AutobahnFile("index.json", json.dumps(index, indent=1) + "\n")


def _file_name(agent: str, case_id: str, taken: set[str]) -> str:
    """Return a name that every file system bears, and that differs even where case does not."""
    cleaned = [
        re.sub(r"[^a-z0-9.-]+", "_", text.lower()).strip("_.")[:80] for text in (agent, case_id)
    ]
    name = base = "cases/{}_case_{}".format(*cleaned)
    number = 1
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    taken.add(name)
    return f"{name}.json"


def _behaviors(result: Result, *, strict: bool) -> tuple[str, str]:
    """Return the verdicts on the behaviour and on the closing handshake."""
    verdict = _behavior(result.verdict, strict)
    if result.verdict in (Verdict.SKIP, Verdict.BLOCKED) or not result.findings:
        return verdict, verdict if result.verdict is Verdict.SKIP else "OK"
    if not _CLOSING.match(result.findings[0].requirement):
        return verdict, "OK"
    others = [
        finding.verdict for finding in result.findings if not _CLOSING.match(finding.requirement)
    ]
    return _behavior(others[0], strict) if others else "OK", verdict


def _behavior(verdict: Verdict, strict: bool) -> str:
    if strict and verdict in (Verdict.WARN, Verdict.FLAKY):
        return "FAILED"
    return _BEHAVIOR[verdict]


def _autobahn_detail(agent: str, report: Report, result: Result) -> dict[str, JSONValue]:
    case, record = result.case, result.record
    said = [f"{finding.message} ({finding.requirement})" for finding in result.findings]
    detail: dict[str, JSONValue] = {
        "agent": agent,
        "id": case.id,
        "description": case.title,
        "expectation": case.title,
        "result": " ".join([*said, result.note]).strip() or str(result.verdict),
        "resultClose": "",
        "started": report.started.isoformat(),
        "isServer": False,
        "verdict": result.verdict.value,
        "requirements": list(case.requirements),
    }
    if record is not None:
        detail |= {
            "resultClose": _how_it_ended(record),
            "httpRequest": record.request.decode("latin-1"),
            "httpResponse": record.head.decode("latin-1"),
            "rxOctets": len(record.received),
            "txOctets": len(record.sent),
        }
    return detail


def _how_it_ended(record: Record) -> str:
    if record.unreachable:
        return record.unreachable
    closes = "no Close" if not record.closes else f"Close {record.close_code or 'without a code'}"
    if record.was_reset:
        return f"{closes}, TCP was reset"
    return f"{closes}, the server ended TCP" if record.has_ended else f"{closes}, TCP was open"
