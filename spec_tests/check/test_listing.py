"""``wsref list``: the catalogue without a server."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from wsref.check.catalogue import catalogue
from wsref.check.listing import clause_ledger, run_list
from wsref.check.rehearsal import EXAMPLE, MANNERS, REFERENCE, outcomes, rehearse
from wsref.check.verdicts import Verdict
from wsref.requirements import requirements

CASE = "5.1/unmasked-text-frame"


class Ran(NamedTuple):
    """What a run of the command has given."""

    status: int
    output: str
    errors: str


def listed(
    *patterns: str, explain: str | None = None, clauses: bool = False, as_json: bool = False
) -> Ran:
    """Run the command."""
    output, errors = io.StringIO(), io.StringIO()
    status = run_list(
        patterns, explain=explain, clauses=clauses, as_json=as_json, output=output, errors=errors
    )
    return Ran(status, output.getvalue(), errors.getvalue())


def test_every_case_is_listed_with_level_clauses_and_title() -> None:
    """Each once, in the order of the catalogue."""
    ran = listed()
    assert (ran.status, ran.errors) == (0, "")
    ids = [line.split()[0] for line in ran.output.splitlines() if line.startswith("  ")]
    known = {case.id for case in catalogue()}
    assert [name for name in ids if name in known] == [case.id for case in catalogue()]
    lines = ran.output.splitlines()
    place = next(i for i, line in enumerate(lines) if line.split()[:1] == [CASE])
    assert lines[place].split()[1] == "MUST"
    assert "RFC 6455 §5.1" in lines[place]
    assert lines[place + 1].strip() == (
        "A text frame without a masking key has to fail the connection."
    )
    assert f"{len(catalogue())} cases" in lines[-1]


@pytest.mark.parametrize("pattern", ["5.1", "5.1/*", "5.1/unmasked-*", "RFC6455-5.1-02", CASE])
def test_a_section_a_glob_a_case_and_a_requirement_select(pattern: str) -> None:
    """The case is among what is selected, others are not."""
    ran = listed(pattern)
    assert ran.status == 0
    assert f"  {CASE} " in ran.output
    assert "5.5.2/" not in ran.output


@pytest.mark.parametrize("kinds", [("nope",), ("5.1", "nope")])
def test_a_pattern_that_names_nothing_is_said_to_be_wrong(kinds: Sequence[str]) -> None:
    """In one line, with exit status 2."""
    ran = listed(*kinds)
    assert ran == Ran(2, "", "wsref list: 'nope' names no case; try: wsref list\n")
    ran = listed(explain="nope")
    assert ran == Ran(2, "", "wsref list: 'nope' names no case; try: wsref list\n")
    ran = listed("nope", clauses=True)
    assert ran == Ran(2, "", "wsref list: no requirement is named by 'nope'\n")
    ran = listed(explain="5.1", clauses=True)
    assert ran == Ran(2, "", "wsref list: --clauses and --explain do not go together\n")


def test_json_has_the_same() -> None:
    """One object for each case."""
    cases = json.loads(listed(as_json=True).output)
    assert [case["id"] for case in cases] == [case.id for case in catalogue()]
    (case,) = json.loads(listed(CASE, as_json=True).output)
    assert case["level"] == "MUST"
    assert case["requirements"][0]["requirement"] == "RFC6455-5.1-02"
    assert case["requirements"][0]["url"].endswith("rfc6455#section-5.1")


def test_a_case_is_explained_step_by_step() -> None:
    """Requirement, needs, the request, annotated bytes, what is awaited."""
    ran = listed(explain=CASE)
    assert ran.status == 0
    lines = [line.strip() for line in ran.output.splitlines()]
    for line in (
        "RFC 6455 §5.1  MUST  RFC6455-5.1-02",
        requirements()["RFC6455-5.1-02"].summary,
        "https://www.rfc-editor.org/rfc/rfc6455#section-5.1",
        "nothing but a server that accepts a connection",
        "1. opening handshake; wait for the answer",
        "TEXT frame, 5 bytes",
    ):
        assert line in lines, line
    assert any(line.startswith("Sec-WebSocket-Key: d3NyZ") for line in lines)
    assert any(line.startswith("48 65 6c 6c 6f           payload      Hello") for line in lines)
    assert any("wait for its Pong" in line for line in lines)
    assert ran.output == listed(explain=CASE).output


def test_what_would_be_a_failure_and_what_is_right_is_said() -> None:
    """As the case's judge sees it."""
    _before, _title, behind = listed(explain=CASE).output.partition("\nfailure\n")
    failures, _title, behind = behind.partition("\nwarning\n")
    warnings, _title, right = behind.partition("\nright\n")
    assert "the connection goes on: the Ping behind it was answered (RFC6455-5.1-02)" in failures
    assert "the server says nothing" in failures
    assert "closes with 1000, 1001, 1003" in warnings
    assert "answers as the reference server does; closes with 1002 and ends TCP" in right


def test_needs_are_said() -> None:
    """In words, in the list as a mark."""
    case = next(case for case in catalogue() if "deflate" in case.needs and not case.stress)
    assert "\n  a server that agrees on permessage-deflate\n" in listed(explain=case.id).output
    assert "[deflate]" in listed(case.id).output


@pytest.mark.long
def test_cases_of_all_kinds_can_be_explained() -> None:
    """In at most 100 columns; every fourth, since all of them take a while."""
    for case in catalogue()[::4]:
        if case.stress:
            continue
        ran = listed(explain=case.id)
        assert ran.status == 0
        assert all(len(line) <= 100 for line in ran.output.splitlines()), case.id
        assert "\nfailure\n" in ran.output, case.id


@pytest.mark.long
def test_the_reference_is_right_in_all_rehearsals() -> None:
    """Whatever the case; and going on is not always so."""
    for case in catalogue():
        if not case.stress and not case.plain:
            verdict = outcomes(case)[0].verdict
            assert verdict in (Verdict.PASS, Verdict.INFO, Verdict.SKIP), case.id


def test_a_rehearsal_is_like_a_record_of_a_real_server() -> None:
    """With head, frames, and the end."""
    case = next(case for case in catalogue() if case.id == CASE)
    record = rehearse(case.steps, REFERENCE)
    assert record.request.startswith(b"GET / HTTP/1.1\r\nHost: server.example\r\n")
    assert record.is_open
    assert record.accept_is_right
    assert record.close_code == 1002
    assert record.has_ended
    silent = next(manner for manner in MANNERS if manner.name == "says nothing")
    record = rehearse(case.steps, silent, target=EXAMPLE)
    assert record.frames == ()
    assert record.timeouts


def test_the_explanation_is_there_as_json() -> None:
    """With the bytes, and the outcomes."""
    (case,) = json.loads(listed(explain=CASE, as_json=True).output)
    sent = [step.get("hex", "") for step in case["steps"]]
    assert bytes.fromhex(sent[0]).startswith(b"GET / HTTP/1.1\r\n")
    assert "810548656c6c6f" in sent
    by_manner = {one["if_the_server"]: one["verdict"] for one in case["outcomes"]}
    assert by_manner["goes on as if nothing were wrong"] == "FAIL"
    assert by_manner["closes with 1002 and ends TCP"] == "PASS"


def test_the_ledger_has_every_requirement_with_its_cases_or_why_not() -> None:
    """And says so."""
    ledger = clause_ledger()
    assert [clause.requirement.id for clause in ledger] == list(requirements())
    for clause in ledger:
        cases = [case.id for case in catalogue() if clause.requirement.id in case.requirements]
        assert list(clause.cases) == cases
        assert (clause.standing == "cases") == bool(cases)
        assert clause.reason
    standing = {clause.requirement.id: clause.standing for clause in ledger}
    assert standing["RFC6455-5.1-02"] == "cases"
    assert standing["RFC6455-5.1-01"] == "client"
    assert standing["RFC6455-7.1.3-01"] == "local"
    assert standing["RFC8441-5-01"] == "not testable"


def test_the_ledger_is_shown() -> None:
    """With the reason, and a sum at the end."""
    ran = listed("5.1", clauses=True)
    assert ran.status == 0
    lines = ran.output.splitlines()
    assert lines[0].startswith("RFC6455-5.1-01  ")
    assert lines[0].endswith("RFC 6455 §5.1         binds clients only")
    assert any(CASE in line for line in lines)
    assert "7 requirements, of which 4 bind servers and show on the wire:" in lines
    (entry, *_others) = json.loads(listed("RFC6455-5.1-02", clauses=True, as_json=True).output)
    assert CASE in entry["cases"]
    assert entry["standing"] == "cases"
