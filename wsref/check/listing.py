"""The command ``wsref list``: the catalogue of cases, without a server.

It says what each case is about, what it sends byte by byte, what it waits for and, found out by
rehearsal (:mod:`.rehearsal`), what a server would have to do to fail it.  The clause ledger,
``--clauses``, goes the other way: for each requirement the cases about it, or why there are none.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Final, Literal, NamedTuple, TextIO, TypeAlias

from ..explain import Reader
from ..requirements import Requirement, requirements
from . import oracle
from .annotate import annotate_parts, read_some
from .catalogue import Case, Need, catalogue
from .conversation import Abort, Await, Crowd, HalfClose, Open, Pause, Probe, Send, Step, ping
from .opening import Draft
from .options import names
from .rehearsal import EXAMPLE, Outcome, outcomes
from .report import CLEAN, USAGE
from .sections import section_title, shown_section
from .verdicts import Verdict

__all__ = ["Clause", "add_arguments", "cases_named", "clause_ledger", "run", "run_list"]

JSONValue: TypeAlias = (
    "str | int | float | bool | Sequence[JSONValue] | Mapping[str, JSONValue] | None"
)

_NEEDS: Final[dict[Need, str]] = {
    "echo": "a server that sends messages back",
    "deflate": "a server that agrees on permessage-deflate",
    "tls": "a server that is reached by TLS",
    "subprotocol": "a subprotocol that is agreed on",
}
_AWAITED: Final = {
    "messages": "until the server has sent {count} in all (only if it echoes)",
    "pongs": "until the server has sent {count} in all",
    "close": "until the server has sent a Close, or has ended TCP",
    "end": "until the server has ended TCP",
    "bytes": "until the server has sent anything more",
}
#: What happens without a payload of its own is shown with this one.
_PROBE: Final = b"probe 00000000"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``wsref list``."""
    parser.add_argument(
        "patterns",
        nargs="*",
        metavar="PATTERN",
        help="only these: a section (5.1, 7692:7.2), a case, a glob of cases, a requirement",
    )
    parser.add_argument(
        "--explain",
        metavar="PATTERN",
        help="show all about these cases: what is sent, awaited, and a failure",
    )
    parser.add_argument(
        "--clauses", action="store_true", help="list the requirements, with the cases about each"
    )
    parser.add_argument("--json", action="store_true", help="write JSON")
    parser.add_argument(
        "--color", choices=["auto", "always", "never"], default="auto", help="(default: auto)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    return run_list(
        arguments.patterns,
        explain=arguments.explain,
        clauses=arguments.clauses,
        as_json=arguments.json,
        color=arguments.color == "always" or (arguments.color == "auto" and sys.stdout.isatty()),
        output=sys.stdout,
        errors=sys.stderr,
    )


def run_list(
    patterns: Sequence[str] = (),
    *,
    explain: str | None = None,
    clauses: bool = False,
    as_json: bool = False,
    color: bool = False,
    output: TextIO,
    errors: TextIO,
) -> int:
    """Show the catalogue, or part of it.

    Args:
        patterns: sections, case ids, globs of them, or requirements; none for everything.
        explain: a further pattern, for cases to show everything about.
        clauses: whether to list requirements instead of cases.
        as_json: whether to write JSON.
        color: whether to use the terminal's colours.
        output: where to write.
        errors: where to say what is wrong with the arguments.

    Returns:
        The exit status: 0, or 2 if a pattern names nothing.
    """
    try:
        if clauses:
            if explain is not None:
                raise ValueError("--clauses and --explain do not go together")
            entries = [clause for clause in clause_ledger() if _selects(patterns, clause)]
            if patterns and not entries:
                raise ValueError(f"no requirement is named by {' '.join(patterns)!r}")
            if as_json:
                _write_json([_clause_fields(clause) for clause in entries], output)
            else:
                _write(_clause_lines(entries), output)
            return CLEAN
        wanted = [*patterns, explain] if explain is not None else patterns
        cases = cases_named(wanted)
    except ValueError as error:
        print(f"wsref list: {error}", file=errors)
        return USAGE
    if as_json:
        _write_json([_case_fields(case, whole=explain is not None) for case in cases], output)
    elif explain is not None:
        _write(_explained(cases, color=color), output)
    else:
        _write(_case_lines(cases), output)
    return CLEAN


def cases_named(patterns: Sequence[str]) -> tuple[Case, ...]:
    """Return the cases that any of *patterns* names; all if there are none.

    Raises:
        ValueError: one of them names no case.
    """
    every = catalogue()
    if not patterns:
        return every
    for pattern in patterns:
        if not any(names(pattern, case) for case in every):
            raise ValueError(f"{pattern!r} names no case; try: wsref list")
    return tuple(case for case in every if any(names(pattern, case) for pattern in patterns))


# The table


def _case_lines(cases: Sequence[Case]) -> Iterator[str]:
    width = max(len(case.id) for case in cases)
    section = ""
    for case in cases:
        if case.section != section:
            if section:
                yield ""
            section = case.section
            yield f"{shown_section(section)}  {section_title(section)}".rstrip()
        clauses = ", ".join(dict.fromkeys(one.clause for one in case.clauses))
        marks = "".join(f" [{mark}]" for mark in (*sorted(case.needs), *_marks(case)))
        yield f"  {case.id:<{width}}  {_level(case):<10}  {clauses}{marks}"
        yield from (f"      {line}" for line in wrap(case.title, 92))
    yield ""
    stress = sum(case.stress for case in cases)
    yield f"{len(cases)} cases" + (f", {stress} of them only with --stress" if stress else "")


def _level(case: Case) -> str:
    return case.clauses[0].level if case.clauses else ""


def _marks(case: Case) -> Iterator[str]:
    if case.stress:
        yield "stress"
    if case.watches:
        yield "in every conversation"


# Everything about a case


def _explained(cases: Sequence[Case], *, color: bool) -> Iterator[str]:
    bold, plain = ("\x1b[1m", "\x1b[0m") if color else ("", "")
    for index, case in enumerate(cases):
        if index:
            yield ""
            yield ""
        yield f"{bold}{case.id}{plain}"
        yield from _wrapped(case.title, "  ")
        yield ""
        yield f"{bold}about{plain}"
        for one in case.clauses:
            yield f"  {one.clause}  {one.level}  {one.id}"
            yield from _wrapped(one.summary, "      ")
            yield f"      {one.url}"
        yield f"{bold}needs{plain}"
        needs = [_NEEDS[need] for need in sorted(case.needs)]
        for need in needs or ["nothing but a server that accepts a connection"]:
            yield f"  {need}"
        if case.plain:
            yield "  is run without TLS, whatever the address says"
        if case.stress:
            yield "  is only run with --stress"
        yield f"{bold}conversation{plain}, as it would be with {EXAMPLE.url} and a fixed key"
        yield from _step_lines(case, color=color)
        yield from _outcome_lines(case, bold, plain)


def _step_lines(case: Case, *, color: bool) -> Iterator[str]:
    reader = Reader(from_client=True)
    for number, step in enumerate(case.steps, start=1):
        yield from _wrapped(f"{number:2}. {_told(step)}", "  ", "      ")
        data = _bytes_of(step)
        reader, parts, more = read_some(reader, data)
        yield from annotate_parts(parts, more, color=color)
        if data and reader.rest and not isinstance(step, Probe):
            yield from annotate_parts(reader.unread(), color=color)
    if not case.steps:
        yield "   nothing is said"


def _told(step: Step) -> str:
    """Say what a step does."""
    match step:
        case Open(opening, behind, bytewise):
            told = "opening handshake"
            if bytewise:
                told += ", byte by byte"
            if behind:
                told += ", with more bytes in the same segment"
            told += "; wait for the answer"
            if opening.needs_deflate:
                told += ", and go on if permessage-deflate is agreed on"
            return told
        case Send(data, note, bytewise):
            count = f"{len(data):,} byte{'s' * (len(data) != 1)}"
            return f"send {note or 'bytes'} ({count}{', one by one' if bytewise else ''})"
        case Probe():
            return (
                "send a Ping with a payload that is new each time; wait for its Pong, or for the"
                " end of TCP"
            )
        case Await(what, count):
            many = {"messages": "message", "pongs": "Pong"}.get(what, "")
            counted = f"{count} {many}{'s' * (count != 1)}"
            return "wait " + _AWAITED[what].format(count=counted)
        case Pause(round_trips):
            times = (
                "one round-trip time" if round_trips == 1 else f"{round_trips:g} round-trip times"
            )
            return f"send nothing for {times}, only receive"
        case HalfClose():
            return "end the sending direction of TCP"
        case Abort():
            return "drop TCP by a reset"
        case Crowd(number, steps):
            told = "; ".join(_told(one) for one in steps)
            return f"over {number} more connections at the same time: {told}"


def _bytes_of(step: Step) -> bytes:
    """Return what a step sends to the example server."""
    if isinstance(step, Open):
        return _opening_of(step).data + step.behind
    if isinstance(step, Send):
        return step.data
    return ping(_PROBE) if isinstance(step, Probe) else b""


def _opening_of(step: Open) -> Draft:
    return step.opening.apply(EXAMPLE.draft())


def _outcome_lines(case: Case, bold: str, plain: str) -> Iterator[str]:
    if case.watches:
        yield f"{bold}failure{plain}"
        yield from _wrapped(
            "The server does what the requirement forbids, in this conversation or in any other of"
            " the check: all that it sends is judged.",
            "  ",
        )
    if case.stress and sum(len(_bytes_of(step)) for step in case.steps) > _MOST_REHEARSED:
        return
    groups = _grouped(outcomes(case))
    if not case.watches and not any(group.verdict is Verdict.FAIL for group in groups):
        yield f"{bold}failure{plain}"
        yield from _wrapped(
            "Anything but what the title says; none of the simple servers that are tried out to"
            " write this does so.",
            "  ",
        )
    for title, verdicts in _JUDGED:
        chosen = [group for group in groups if group.verdict in verdicts]
        if not chosen or (case.watches and title == "right"):
            continue
        yield f"{bold}{title}{plain}"
        for group in chosen:
            said = f"  {group.verdict.value}  " if title != "right" else "  "
            yield from _wrapped(f"{said}the server {_told_manners(group)}", "", "        ")
            for message in group.messages:
                yield from _wrapped(message, "          ")


#: More bytes are not rehearsed: it would take too long for a page of text.
_MOST_REHEARSED: Final = 4_000_000

_JUDGED: Final = (
    ("failure", (Verdict.FAIL,)),
    ("warning", (Verdict.WARN,)),
    ("right", (Verdict.PASS, Verdict.INFO, Verdict.SKIP)),
)


class _Group(NamedTuple):
    """Outcomes about which the same is said."""

    verdict: Verdict
    messages: tuple[str, ...]
    outcomes: tuple[Outcome, ...]


def _told_manners(group: _Group) -> str:
    """Say how servers behave, those together that differ by their status code only."""
    manners = [outcome.manner for outcome in group.outcomes]
    codes = [str(one.code) for one in manners if one.reaction == "close and end" and one.code]
    told: list[str] = []
    for manner in manners:
        if manner.reaction != "close and end" or not manner.code:
            told.append(manner.name)
        elif str(manner.code) == codes[0]:
            listed = " or ".join(filter(None, [", ".join(codes[:-1]), codes[-1]]))
            told.append(f"closes with {listed} and ends TCP")
    return "; ".join(told)


def _grouped(found: Sequence[Outcome]) -> list[_Group]:
    groups: dict[tuple[Verdict, tuple[str, ...]], list[Outcome]] = {}
    for outcome in found:
        bad = outcome.verdict in (Verdict.FAIL, Verdict.WARN)
        code = f"status code {outcome.manner.code}"
        messages = tuple(
            f"{finding.message.replace(code, 'this status code')} ({finding.requirement})"
            for finding in outcome.findings
            if finding.verdict is outcome.verdict
        )
        key = (outcome.verdict if bad else Verdict.PASS, messages if bad else ())
        groups.setdefault(key, []).append(outcome)
    return [_Group(*key, tuple(group)) for key, group in groups.items()]


# The clause ledger

Standing: TypeAlias = Literal["cases", "untested", "permission", "client", "local", "not testable"]


class Clause(NamedTuple):
    """A requirement, and what is known about it.

    Attributes:
        requirement: the requirement.
        cases: the ids of the cases about it.
        standing: ``cases`` if there are any; else why not.
        reason: the same in words.
    """

    requirement: Requirement
    cases: tuple[str, ...]
    standing: Standing
    reason: str


def clause_ledger() -> tuple[Clause, ...]:
    """Return all requirements, in the order of the RFCs, with their cases or why there are none."""
    about: dict[str, list[str]] = {}
    for case in catalogue():
        for name in case.requirements:
            about.setdefault(name, []).append(case.id)
    return tuple(
        _clause(entry, tuple(about.get(name, ()))) for name, entry in requirements().items()
    )


def _clause(entry: Requirement, cases: tuple[str, ...]) -> Clause:
    if cases:
        plural = "s" * (len(cases) != 1)
        return Clause(entry, cases, "cases", f"{len(cases)} case{plural}")
    if entry.rfc in (8441, 9220):
        return Clause(entry, (), "not testable", "about HTTP/2 or HTTP/3, which is not spoken here")
    if not entry.binds_servers:
        return Clause(entry, (), "client", "binds clients only")
    if entry.observable == "none":
        return Clause(entry, (), "not testable", "nothing that a program could test")
    if entry.observable == "local":
        return Clause(entry, (), "local", "only the server itself can tell")
    if entry.level == "MAY":
        return Clause(entry, (), "permission", "a permission: whatever the server does is right")
    if entry.id in oracle.CLAUSES:
        return Clause(entry, (), "untested", "no case; seen in passing in every conversation")
    return Clause(entry, (), "untested", "no case yet")


def _selects(patterns: Sequence[str], clause: Clause) -> bool:
    entry = clause.requirement
    section = entry.section if entry.rfc == 6455 else f"{entry.rfc}:{entry.section}"
    return not patterns or any(
        pattern in (entry.id, section)
        or section.startswith((f"{pattern}.", f"{pattern}:"))
        or pattern in clause.cases
        for pattern in patterns
    )


def _clause_lines(entries: Sequence[Clause]) -> Iterator[str]:
    for clause in entries:
        entry = clause.requirement
        yield f"{entry.id:<22}  {entry.level:<10}  {entry.clause:<20}  {clause.reason}"
        yield from _wrapped(entry.summary, "      ")
        yield from _wrapped(", ".join(clause.cases), "        ")
    yield ""
    bound = [
        clause
        for clause in entries
        if clause.requirement.binds_servers and clause.requirement.observable == "peer"
    ]
    tested = sum(bool(clause.cases) for clause in bound)
    allowed = sum(clause.standing == "permission" for clause in bound)
    yield f"{len(entries)} requirements, of which {len(bound)} bind servers and show on the wire:"
    yield f"  {tested} have cases, {allowed} are permissions without a case,"
    yield f"  {len(bound) - tested - allowed} have none"


def _clause_fields(clause: Clause) -> dict[str, JSONValue]:
    entry = clause.requirement
    return {
        **_requirement_fields(entry),
        "role": entry.role,
        "observable": entry.observable,
        "cases": list(clause.cases),
        "standing": clause.standing,
        "reason": clause.reason,
    }


# JSON


def _case_fields(case: Case, *, whole: bool) -> dict[str, JSONValue]:
    fields: dict[str, JSONValue] = {
        "id": case.id,
        "section": case.section,
        "level": _level(case),
        "title": case.title,
        "requirements": [_requirement_fields(entry) for entry in case.clauses],
        "needs": sorted(case.needs),
        "stress": case.stress,
        "watches": case.watches,
    }
    if whole:
        fields["steps"] = [_step_fields(step) for step in case.steps]
        if not case.stress:
            fields["outcomes"] = [_outcome_fields(outcome) for outcome in outcomes(case)]
    return fields


def _requirement_fields(entry: Requirement) -> dict[str, JSONValue]:
    return {
        "requirement": entry.id,
        "clause": entry.clause,
        "level": entry.level,
        "summary": entry.summary,
        "url": entry.url,
    }


def _step_fields(step: Step) -> dict[str, JSONValue]:
    fields: dict[str, JSONValue] = {"step": type(step).__name__.lower(), "does": _told(step)}
    data = _bytes_of(step)
    return {**fields, "hex": data.hex()} if data else fields


def _outcome_fields(outcome: Outcome) -> JSONValue:
    return {
        "if_the_server": outcome.manner.name,
        "verdict": outcome.verdict.value,
        "findings": [
            {
                "verdict": finding.verdict.value,
                "requirement": finding.requirement,
                "message": finding.message,
            }
            for finding in outcome.findings
        ],
    }


def _write_json(value: JSONValue, output: TextIO) -> None:
    output.write(json.dumps(value, indent=1) + "\n")


def _write(lines: Iterator[str], output: TextIO) -> None:
    for line in lines:
        output.write(line + "\n")


def _wrapped(text: str, indent: str, more: str | None = None) -> Iterator[str]:
    return iter(
        wrap(
            text,
            100,
            initial_indent=indent,
            subsequent_indent=indent if more is None else more,
            break_on_hyphens=False,
        )
    )
