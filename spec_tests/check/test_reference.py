"""What generated conversations are judged by: the reference in the server's role."""

from __future__ import annotations

import pytest

from spec_tests.check.scripted import ECHOING, judged, scripted, server_close, server_text
from wsref.check.catalogue import Case, case
from wsref.check.conversation import Await, Open, Probe, Send, close, frame, text
from wsref.check.reference import expected_of, judge_frames
from wsref.check.verdicts import Verdict
from wsref.protocol.deflate import DeflateParameters
from wsref.protocol.opcode import TEXT

FAIL, WARN, INFO = Verdict.FAIL, Verdict.WARN, Verdict.INFO


def case_about(data: bytes) -> Case:
    """Return a case that sends *data*, and is judged by what the reference makes of it."""
    steps = (Open(), Send(data, "what was drawn"), Await("end"), Probe())
    expected = expected_of(data, None)
    return case(
        "generated/x", expected.violation or "RFC6455-6.2-01", "", steps, judge_frames(expected)
    )


@pytest.mark.parametrize(
    ("data", "fitting", "others"),
    [
        (close(1005), (1002, 1007), (1000, 1011)),
        (close(999), (1002, 1007), (1000, 1011)),
        (frame(3) + close(1001), (1002,), (1007, 1000)),
        (close(None, b"\x03"), (1002, 1007), (1000, 1011)),
        (close(1000, b"\xff"), (1002, 1007), (1001, 1011)),
        (frame(3), (1002,), (1007, 1000)),
        (text(b"\xff"), (1007,), (1002, 1000)),
        (text(b"\xff") + frame(3), (1007, 1002), (1000, 1011)),
    ],
)
def test_the_status_code_has_to_fit_the_violation(
    data: bytes, fitting: tuple[int, ...], others: tuple[int, ...]
) -> None:
    """What is wrong with a Close may be a matter of protocol or of data; others are not.

    Text may be looked at when it is taken, and then what is behind it may be noticed before.
    """
    drawn = case_about(data)
    for code in fitting:
        assert not judged(drawn, scripted(drawn, {2: server_close(code)}, end="fin"))
    for code in others:
        record = scripted(drawn, {2: server_close(code)}, end="fin")
        assert judged(drawn, record) == {(WARN, "RFC6455-7.1.7-05")}


@pytest.mark.parametrize("code", [1003, 1008, 1009])
def test_limits_are_the_servers_own_affair(code: int) -> None:
    """A message that is not taken is not held against the server, be it legal or not."""
    for data in (text("Hello"), text(b"\xff")):
        drawn = case_about(data)
        assert not judged(drawn, scripted(drawn, {2: server_close(code)}, end="fin"))


def test_what_is_legal_has_to_come_back() -> None:
    """All of it, and the connection goes on."""
    drawn = case_about(text("Hello") + text("world"))
    assert not judged(drawn, scripted(drawn, {1: server_text("Hello") + server_text("world")}))
    for wrong in (server_text("Hello"), server_text("Helloworld"), server_close(1002)):
        assert {verdict for verdict, _clause in judged(drawn, scripted(drawn, {1: wrong}))} == {
            FAIL
        }


def test_a_violation_has_to_fail_the_connection() -> None:
    """To go on is a failure, charged to the clause that the reference names."""
    drawn = case_about(frame(3))
    assert judged(drawn, scripted(drawn)) == {(FAIL, "RFC6455-5.2-05")}
    assert judged(drawn, scripted(drawn, {2: b""}, end="fin")) == {(INFO, "RFC6455-7.1.7-05")}


def test_to_answer_a_close_behind_a_violation_is_not_to_have_noticed_it() -> None:
    """It is charged to the clause that was broken, not to the status code."""
    drawn = case_about(frame(3) + close(1001))
    answered = scripted(drawn, {2: server_close(1001)}, end="fin")
    assert judged(drawn, answered) == {(FAIL, "RFC6455-5.2-05")}
    illegal = case_about(close(1006))
    repeated = scripted(illegal, {2: server_close(1006)}, end="fin")
    assert judged(illegal, repeated) == {(FAIL, "RFC6455-7.4.1-08")}
    reason = case_about(close(1000, b"\xff"))
    repeated = scripted(reason, {2: server_close(1000)}, end="fin")
    assert judged(reason, repeated) == {(FAIL, "RFC6455-5.5.1-05")}
    habit = ECHOING._replace(failure_code=1000)
    assert judged(reason, repeated, habit) == {(WARN, "RFC6455-7.1.7-05")}


def test_what_was_lost_before_a_violation_is_no_matter_of_the_violation() -> None:
    """An echo of what is legal is not taken for that of the illegal frame, nor is its code."""
    drawn = case_about(text("Hello") + frame(3))
    spoilt = scripted(drawn, {1: server_text("Hell")})
    assert not judged(drawn, spoilt)
    noticed_before = scripted(drawn, {2: server_close(1007)}, end="fin")
    assert not judged(drawn, noticed_before)
    right = scripted(drawn, {1: server_text("Hello"), 2: server_close(1007)}, end="fin")
    assert judged(drawn, right) == {(WARN, "RFC6455-7.1.7-05")}
    echoed = scripted(drawn, {1: server_text("Hello") + server_text("")})
    assert judged(drawn, echoed) == {(FAIL, "RFC6455-5.2-05")}


def test_who_bears_what_may_be_borne_may_fail_for_what_comes_then() -> None:
    """Here for the text in a frame whose length takes more bytes than it needs."""
    drawn = case_about(frame(TEXT, b"\xff", length_bytes=2))
    assert not judged(drawn, scripted(drawn, {2: server_close(1007)}, end="fin"))
    assert judged(drawn, scripted(drawn)) == {(WARN, "RFC6455-5.2-11")}


def test_compressed_messages_have_a_clause_of_their_own() -> None:
    """Who does not bear them breaks RFC 7692."""
    squeezed = frame(TEXT, bytes.fromhex("f248cdc9c90700"), rsv=4)
    agreed = DeflateParameters()
    assert expected_of(text("Hello"), agreed).legal == "RFC6455-6.2-01"
    assert expected_of(squeezed + text("Hello"), agreed).legal == "RFC7692-6.2-01"
    assert expected_of(squeezed, None).legal == "RFC6455-6.2-01"
