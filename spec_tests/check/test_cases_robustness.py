"""What the cases about robustness say of a server (RFC 6455 §10.4, §10.7)."""

from __future__ import annotations

import pytest

from spec_tests.check.scripted import (
    ECHOING,
    NOT_ECHOING,
    alive,
    case_of,
    judged,
    scripted,
    server_close,
    server_pong,
    server_text,
    verdicts,
)
from wsref.check.cases.robustness import CASES
from wsref.check.catalogue import Case
from wsref.check.conversation import Crowd, Step
from wsref.check.record import Entry, Kind, Record
from wsref.check.verdicts import Verdict

FAIL, INFO = Verdict.FAIL, Verdict.INFO


def one(case_id: str) -> Case:
    """Return a case by its id."""
    return case_of(CASES, case_id)


def numbered(count: int) -> bytes:
    """Return the echoes of so many numbered messages."""
    return b"".join(server_text(f"number {number}") for number in range(count))


# Many messages

MANY = "10.7/many-messages-in-one-segment"


def test_all_echoes_in_order_are_wanted() -> None:
    """One that is missing, or out of order, is a failure."""
    case = one(MANY)
    assert not verdicts(case, scripted(case, {2: numbered(300)}))
    for wrong in (numbered(299), numbered(300) + server_text("number 1"), numbered(299) * 2):
        assert (FAIL, "RFC6455-6.2-01") in judged(case, scripted(case, {2: wrong}))


def test_echoes_that_are_still_coming_are_no_failure() -> None:
    """A slow server is not a wrong one; but one that has stopped is."""
    case = one(MANY)
    slow = scripted(case, {3: numbered(250)}, probes=False, timeouts=(2, 3))
    assert verdicts(case, slow) == {INFO}
    stopped = Record(
        [*slow.entries, Entry(5.0, Kind.TIMEOUT, b"", 3)],
        key=slow.key,
        request=slow.request,
        probes=slow.probes,
    )
    assert judged(case, stopped) == {(FAIL, "RFC6455-6.2-01")}


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1013])
def test_a_server_may_leave_after_many_messages(code: int) -> None:
    """With a status code that says so; a failure of its own is one."""
    case = one(MANY)
    assert verdicts(case, scripted(case, {2: numbered(50) + server_close(code)}, end="fin")) == {
        INFO
    }
    failing = scripted(case, {2: numbered(50) + server_close(1011)}, end="fin")
    assert (FAIL, "RFC6455-6.2-01") in judged(case, failing)
    early = scripted(case, {2: numbered(5) + server_close(code)}, end="fin")
    assert (FAIL, "RFC6455-6.2-01") in judged(case, early)


# Several connections


def with_others(case: Case, record: Record, *others: Record) -> Record:
    """Return the record of a case whose crowds have had these conversations."""
    return Record(
        record.entries,
        key=record.key,
        request=record.request,
        probes=record.probes,
        others=others,
    )


def other_of(case: Case, answers: dict[int, bytes], index: int = 0) -> Record:
    """Return the record of the conversation of one of the case's crowds."""
    crowd = [step for step in case.steps if isinstance(step, Crowd)][index]
    return scripted(case._replace(steps=crowd.steps), answers)


def test_connections_do_not_share_fragments() -> None:
    """Each gets its own message, whole."""
    case = one("10.7/fragments-are-not-shared")
    mine = alive(case, {4: server_text("Hello")})
    right = other_of(case, {2: server_text("another")})
    mixed = other_of(case, {2: server_text("Helanother")})
    silent = other_of(case, {})
    assert not verdicts(case, with_others(case, mine, right))
    for other in (mixed, silent):
        assert judged(case, with_others(case, mine, other)) == {(FAIL, "RFC6455-6.2-01")}
        assert not verdicts(case, with_others(case, mine, other), NOT_ECHOING)
    cut = alive(case, {4: server_text("lo")})
    assert judged(case, with_others(case, cut, right)) == {(FAIL, "RFC6455-6.2-01")}


def test_connections_do_not_share_pings() -> None:
    """An empty Ping is not answered by what another connection has said."""
    case = one("10.7/pings-are-not-shared")
    other = other_of(case, {2: server_pong(b"another")})
    right = scripted(case, {3: server_pong()})
    wrong = scripted(case, {3: server_pong(b"another")})
    assert not verdicts(case, with_others(case, right, other))
    assert (FAIL, "RFC6455-5.5.3-01") in judged(case, with_others(case, wrong, other))


def test_the_end_of_another_connection_changes_nothing() -> None:
    """This one has to go on."""
    case = one("10.7/nothing-happens-when-another-is-reset")
    assert not verdicts(case, scripted(case, {4: server_text("Hello")}))
    ended = scripted(case, {3: server_close(1011)}, end="fin")
    assert (FAIL, "RFC6455-10.7-01") in judged(case, ended)
    assert ECHOING.parallel, "such cases are for servers with several connections at a time"


def test_a_limit_holds_for_whatever_is_larger() -> None:
    """What was refused at once as text of 2**31 bytes is not waited for as more than that."""
    case = one("10.4/limit-holds-for-text-of-2-to-the-62")
    refusing = scripted(case._replace(steps=other_steps(case)), {1: server_close(1009)}, end="fin")
    waiting = scripted(case._replace(steps=other_steps(case)), {}, timeouts=(3,))
    ended = Entry(0.5, Kind.SENT_END, b"", 4)
    patient = scripted(case)
    patient = Record([*patient.entries, ended], key=patient.key, request=patient.request)
    quick = scripted(case, {2: server_close(1009)}, end="fin")
    assert not verdicts(case, with_others(case, quick, refusing))
    assert not verdicts(case, with_others(case, patient, waiting))
    assert judged(case, with_others(case, patient, refusing)) == {(FAIL, "RFC6455-10.4-01")}


def other_steps(case: Case) -> tuple[Step, ...]:
    """Return the steps of the case's crowd."""
    return next(step.steps for step in case.steps if isinstance(step, Crowd))
