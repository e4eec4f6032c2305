"""The cases about closing, failing and robustness (RFC 6455 §5.5.1, §7, §10.4, §10.7).

Each of them is clean on the reference server; and each row of the table of ambiguities about
closing is judged in both directions, on records that are written by hand.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Literal

import pytest

from spec_tests.check.faulty.server import EchoServer, Failed, Finished, serving
from spec_tests.check.scripted import (
    ECHOING,
    NOT_ECHOING,
    alive,
    case_of,
    judged,
    scripted,
    server_binary,
    server_close,
    server_pong,
    server_text,
    verdicts,
)
from wsref.check.cases import closing, failing, robustness
from wsref.check.catalogue import Case
from wsref.check.conversation import UNMASKED, Crowd, Send, frame
from wsref.check.oracle import judge_server
from wsref.check.peer import Patience, converse
from wsref.check.record import Entry, Kind, Record
from wsref.check.target import Target
from wsref.check.verdicts import Verdict
from wsref.protocol.opcode import CLOSE

CASES = (*closing.CASES, *failing.CASES, *robustness.CASES)
PATIENCE = Patience(5.0)

FAIL, WARN, INFO, SKIP = Verdict.FAIL, Verdict.WARN, Verdict.INFO, Verdict.SKIP

REPLY = "RFC6455-5.5.1-10"
TCP_ENDS = "RFC6455-5.5.1-15"


def one(case_id: str) -> Case:
    """Return the case of this name."""
    return case_of(CASES, case_id)


def replied(
    case: Case,
    data: bytes,
    *,
    end: Literal["fin", "reset"] | None = "fin",
    during: Callable[[Case], int] | None = None,
) -> Record:
    """Return the record of a server that answers what was sent last, and then ends TCP."""
    sending = [index for index, step in enumerate(case.steps) if isinstance(step, Send)]
    index = sending[-1] if during is None else during(case)
    return scripted(case, {index: data}, end=end)


def later(case: Case, seconds: float, *, ends: float = 0.0) -> Record:
    """Return the record of a server that answers a Close so much later, and then ends TCP."""
    record = replied(case, server_close(1000), end=None)
    entries = [entry for entry in record.entries if entry.kind is not Kind.TIMEOUT]
    answer = next(entry for entry in entries if entry.data.endswith(server_close(1000)))
    position = entries.index(answer)
    told = answer._replace(time=answer.time + seconds)
    end = Entry(told.time + ends, Kind.END, b"", told.step)
    return Record([*entries[:position], told, end], key=record.key, request=record.request)


def body(payload: bytes) -> bytes:
    """Build a server's Close with any body."""
    return frame(CLOSE, payload, key=UNMASKED)


# Code in the Close reply


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1008, 1011, 3000, 4999, None])
def test_a_reply_may_have_any_legal_code(code: int | None) -> None:
    """Another code than that received is no more than a note."""
    for case_id in ("5.5.1/close", "7.4.1/close-1000", "7.4.2/close-3000", "7.4.1/close-1001"):
        record = replied(one(case_id), server_close(code))
        assert verdicts(one(case_id), record) <= {INFO}
        assert not judge_server(record)


@pytest.mark.parametrize(
    ("code", "requirement"),
    [
        (0, "RFC6455-7.4.2-01"),
        (999, "RFC6455-7.4.2-01"),
        (1004, "RFC6455-7.4.1-06"),
        (1005, "RFC6455-7.4.1-07"),
        (1006, "RFC6455-7.4.1-08"),
        (1010, "RFC6455-7.4.1-14"),
        (1015, "RFC6455-7.4.1-16"),
        (2000, "RFC6455-7.4.2-02"),
        (5000, "RFC6455-7.4.2-06"),
    ],
)
def test_a_reply_has_no_illegal_code(code: int, requirement: str) -> None:
    """The oracle sees it in any conversation."""
    record = replied(one("5.5.1/close"), server_close(code))
    assert (FAIL, requirement) in {(one.verdict, one.requirement) for one in judge_server(record)}


def test_the_body_of_a_reply_begins_with_a_code() -> None:
    """A reason alone is no code."""
    case = one("5.5.1/code-of-the-reply-to-1000")
    for payload in (b"", b"\x03\xe8", b"\x0b\xb8\xe2\x82\xac"):
        assert not verdicts(case, replied(case, body(payload)))
    for payload in (b"bye", b"\x03", struct.pack("<H", 1000), b"1000 ok", b"\x03\xed"):
        assert judged(case, replied(case, body(payload))) == {(FAIL, "RFC6455-5.5.1-02")}


# Reply to an empty Close


def test_an_empty_close_may_be_answered_by_any_legal_close() -> None:
    """Empty, 1000, or another code; to refuse it is a warning, not to answer it a failure."""
    case = one("5.5.1/empty-close")
    for code in (None, 1000, 1001, 4000):
        assert verdicts(case, replied(case, server_close(code))) <= {INFO}
    refused = replied(case, server_close(1002))
    assert judged(case, refused) == {(WARN, "RFC6455-5.5.1-01")}
    assert judged(case, replied(case, b"")) == {(FAIL, REPLY)}
    assert judge_server(replied(case, server_close(1005)))


# Reason in the reply


def test_a_reply_may_have_any_reason_in_utf8() -> None:
    """Any text will do; what is no text is seen by the oracle."""
    case = one("5.5.1/reason-of-ascii")
    for reason in (b"", b"bye", "\u20ac".encode() * 41):
        record = replied(case, body(b"\x03\xe8" + reason))
        assert not verdicts(case, record)
        assert not judge_server(record)
    record = replied(case, body(b"\x03\xe8\xe2\x82"))
    assert [finding.requirement for finding in judge_server(record)] == ["RFC6455-5.5.1-06"]


def test_a_reason_is_no_message() -> None:
    """A server that echoes the reason has taken it for data."""
    case = one("5.5.1/reason-of-ascii")
    record = replied(case, server_text("going home") + server_close(1000))
    assert judged(case, record) == {(FAIL, "RFC6455-6.2-02")}
    assert not verdicts(case, record, NOT_ECHOING)


# Close in the middle of an incoming fragmented message


@pytest.mark.parametrize(
    "case_id",
    ["5.4/close-within-text", "5.4/close-within-a-character", "5.4/close-within-an-empty-fragment"],
)
def test_a_close_within_a_message_is_answered_and_the_message_dropped(case_id: str) -> None:
    """The unfinished message is not delivered, and not waited for."""
    case = one(case_id)
    assert not verdicts(case, replied(case, server_close(1000)))
    delivered = replied(case, server_text("Hel") + server_close(1000))
    assert judged(case, delivered) == {(FAIL, "RFC6455-6.2-08")}
    assert not verdicts(case, delivered, NOT_ECHOING)
    assert judged(case, scripted(case)) == {(FAIL, REPLY)}


def test_what_comes_behind_a_close_does_not_finish_a_message() -> None:
    """The last fragment comes too late, be it in the same segment."""
    for case_id in ("5.4/close-within-text-and-its-end", "5.4/close-within-text-and-its-end-later"):
        case = one(case_id)
        assert not verdicts(case, replied(case, server_close(1000)))
        delivered = replied(case, server_text("Helbehind") + server_close(1000))
        assert judged(case, delivered) == {(FAIL, "RFC6455-5.5.1-21")}


# Close while sending a message; echoes owed


def test_owed_echoes_come_before_the_reply_or_not_at_all() -> None:
    """All of them, some, or none; but none behind the Close."""
    case = one("5.5.1/close-in-one-segment-behind-three-messages")
    echoes = [server_text("one"), server_text("two"), server_text("three")]
    for count in range(4):
        record = replied(case, b"".join(echoes[:count]) + server_close(1000))
        assert not verdicts(case, record)
        assert not judge_server(record)
    record = replied(case, server_close(1000) + echoes[0])
    assert "RFC6455-5.5.1-09" in {finding.requirement for finding in judge_server(record)}


def test_what_was_never_sent_does_not_come_back() -> None:
    """An echo is of what was sent, in order."""
    case = one("5.5.1/close-in-one-segment-behind-three-messages")
    for said in (b"four", b"twoone"):
        record = replied(case, server_text(said) + server_close(1000))
        assert judged(case, record) == {(FAIL, "RFC6455-5.5.1-21")}
        assert not verdicts(case, record, NOT_ECHOING)
    record = replied(case, server_text("two") + server_text("one") + server_close(1000))
    assert verdicts(case, record) == {FAIL}


def test_the_rest_of_a_message_under_way_may_come_before_the_reply() -> None:
    """An echo in fragments is finished first, or cut off; its frames are whole."""
    case = one("5.5.1/close-in-one-segment-behind-a-message")
    begun = frame(1, b"o", fin=False, key=UNMASKED)
    rest = frame(0, b"ne", key=UNMASKED)
    for data in (begun + rest + server_close(1000), begun + server_close(1000)):
        record = replied(case, data)
        assert not verdicts(case, record)
        assert not judge_server(record)
    record = replied(case, begun + server_close(1000) + rest)
    assert "RFC6455-5.5.1-09" in {finding.requirement for finding in judge_server(record)}


def test_nothing_but_control_frames_comes_behind_the_reply() -> None:
    """Data is a failure, and so is what is no frame; a Pong is not."""
    case = one("5.5.1/reply-is-last-to-1000")
    for behind in (b"", server_pong(b"late")):
        assert not verdicts(case, replied(case, server_close(1000) + behind))
    for behind in (server_text("bye"), b"\r\n", b"\r\nbye\r\n", server_binary(b"")):
        record = replied(case, server_close(1000) + behind)
        assert judged(case, record) == {(FAIL, "RFC6455-5.5.1-09")}


# Data or Ping after the peer's Close


@pytest.mark.parametrize("where", ["5.5.1/close-then-", "5.5.1/close-then-later-"])
def test_what_comes_behind_a_close_is_ignored(where: str) -> None:
    """A Pong is a warning, an echo a failure; TCP may end at any point."""
    case = one(f"{where}a-ping-and-a-message" if where.endswith("then-") else f"{where}a-ping")
    reply = server_close(1000)
    assert not verdicts(case, replied(case, reply))
    assert verdicts(case, replied(case, server_pong(b"behind") + reply)) == {WARN}
    assert verdicts(case, replied(case, reply + server_pong(b"behind"))) == {WARN}
    case = one(f"{where}a-message")
    assert not verdicts(case, replied(case, reply))
    record = replied(case, server_text("behind") + reply)
    assert judged(case, record) == {(FAIL, "RFC6455-5.5.1-21")}


def test_a_reset_over_what_comes_behind_a_close_is_forgiven_if_there_was_a_reply() -> None:
    """It is the kernel's doing; but it may cost the reply, which is a warning."""
    case = one("5.5.1/close-then-a-message")
    assert not verdicts(case, replied(case, server_close(1000), end="reset"))
    assert judged(case, replied(case, b"", end="reset")) == {(WARN, "RFC6455-7.1.1-01")}
    assert judged(case, replied(case, b"")) == {(FAIL, REPLY)}


def test_what_is_left_unread_does_not_reset_tcp() -> None:
    """Here a reset is a warning, with or without a reply."""
    case = one("7.1.1/reply-is-not-lost")
    assert not verdicts(case, replied(case, server_close(1000)))
    for data in (b"", server_close(1000)):
        record = replied(case, data, end="reset")
        assert judged(case, record) == {(WARN, "RFC6455-7.1.1-01")}


# Control frames after one's own Close, data after it


@pytest.mark.parametrize(
    "answer", [b"", server_pong(b"behind")], ids=["silence", "an answer to the Ping"]
)
def test_after_failing_the_reply_to_its_close_is_ignored(answer: bytes) -> None:
    """Nothing is processed any more; this is stricter than after a Close in order."""
    case = one("7.1.7/ping-and-text-after-the-close-over-a-reserved-opcode")
    expected = [(FAIL, "RFC6455-7.1.7-07")] if answer else []
    assert list(judged(case, replied(case, server_close(1002) + answer))) == expected


# Second Close received


@pytest.mark.parametrize(
    "case_id", ["5.5.1/close-then-another-close", "5.5.1/two-closes-in-two-segments"]
)
def test_a_second_close_is_not_answered(case_id: str) -> None:
    """The oracle sees the second reply."""
    case = one(case_id)
    record = replied(case, server_close(1000))
    assert not verdicts(case, record)
    assert not judge_server(record)
    record = replied(case, server_close(1000) + server_close(1000))
    assert {finding.requirement for finding in judge_server(record)} == {"RFC6455-5.5.1-20"}


# Invalid Close


@pytest.mark.parametrize(
    ("case_id", "code", "requirement"),
    [
        ("5.5.1/body-of-one-byte-03", None, "RFC6455-5.5.1-03"),
        ("5.5.1/illegal-reason-surrogate", 1000, "RFC6455-5.5.1-05"),
        ("5.5.1/illegal-reason-surrogate-with-3000", 3000, "RFC6455-5.5.1-05"),
        ("7.4.2/illegal-close-999", 999, "RFC6455-7.4.2-01"),
        ("7.4.1/illegal-close-1005", 1005, "RFC6455-7.4.1-07"),
        ("7.4.1/illegal-close-1006-with-an-illegal-reason", 1006, "RFC6455-7.4.1-08"),
        ("7.4.1/illegal-close-1015", 1015, "RFC6455-7.4.1-16"),
    ],
)
class TestInvalidClose:
    """1002, 1007 or the end of TCP; never an answer as to a legal Close."""

    def test_it_may_be_failed_with_either_code_or_none(
        self, case_id: str, code: int | None, requirement: str
    ) -> None:
        """Both codes fit, and TCP may just end."""
        case = one(case_id)
        for fitting in (1002, 1007):
            assert not verdicts(case, replied(case, server_close(fitting)))
        assert verdicts(case, replied(case, b"")) == {INFO}

    def test_a_close_without_a_code_is_no_acceptance_where_it_is_the_habit(
        self, case_id: str, code: int | None, requirement: str
    ) -> None:
        """What the server does over other violations tells them apart."""
        case = one(case_id)
        record = replied(case, server_close())
        assert verdicts(case, record, ECHOING._replace(failure_code=0)) == {INFO}
        assert judged(case, record) == {(FAIL, requirement)}
        assert judged(case, record, ECHOING._replace(failure_code=None)) == {(FAIL, requirement)}

    def test_to_answer_it_as_if_legal_is_a_failure(
        self, case_id: str, code: int | None, requirement: str
    ) -> None:
        """Its own code, or 1000."""
        case = one(case_id)
        for answer in (1000, code):
            record = replied(case, server_close(answer))
            assert (FAIL, requirement) in judged(case, record)

    def test_another_code_is_a_warning(
        self, case_id: str, code: int | None, requirement: str
    ) -> None:
        """It was refused, for another reason."""
        case = one(case_id)
        record = replied(case, server_close(1011))
        assert judged(case, record) == {(WARN, "RFC6455-7.1.7-05")}

    def test_to_ignore_it_is_a_failure(
        self, case_id: str, code: int | None, requirement: str
    ) -> None:
        """Neither a Close nor the end of TCP."""
        case = one(case_id)
        assert judged(case, scripted(case)) == {(FAIL, requirement)}


# Codes without a meaning


@pytest.mark.parametrize("code", [1016, 1100, 1999, 2000, 2999, 5000, 65535])
def test_to_repeat_a_code_that_nothing_defines_is_a_warning(code: int) -> None:
    """So is to answer it by 1000; but to ignore the Close is a failure."""
    case = one(f"7.4.2/illegal-close-{code}")
    assert not verdicts(case, replied(case, server_close(1002)))
    for answer in (code, 1000, None):
        record = replied(case, server_close(answer))
        assert verdicts(case, record) == {WARN}
        assert {finding.verdict for finding in judge_server(record)} <= {WARN}
    assert verdicts(case, scripted(case)) == {FAIL}


def test_to_repeat_1004_is_a_failure() -> None:
    """To take it for 1000 is a warning."""
    case = one("7.4.1/illegal-close-1004")
    assert not verdicts(case, replied(case, server_close(1002)))
    assert verdicts(case, replied(case, server_close(1004))) == {FAIL}
    assert verdicts(case, replied(case, server_close(1000))) == {WARN}


@pytest.mark.parametrize("code", [0, 1, 500, 999])
def test_to_repeat_a_code_below_1000_is_a_failure(code: int) -> None:
    """As the oracle says as well."""
    case = one(f"7.4.2/illegal-close-{code}")
    record = replied(case, server_close(code))
    assert judged(case, record) == {(FAIL, "RFC6455-7.4.2-01")}
    assert judge_server(record)


# Codes registered later, and codes for one side only


@pytest.mark.parametrize("code", [1010, 1011, 1012, 1013, 1014])
def test_to_refuse_a_late_or_one_sided_code_is_a_warning(code: int) -> None:
    """By 1002, or by the end of TCP."""
    section = "7.4.1" if code < 1012 else "7.4.2"
    case = one(f"{section}/close-{code}")
    for answer in (code, 1000, None):
        record = replied(case, server_close(answer))
        assert verdicts(case, record) <= {INFO}
        assert not judge_server(record)
    assert verdicts(case, replied(case, server_close(1002))) == {WARN}
    assert verdicts(case, replied(case, b"")) == {WARN}


@pytest.mark.parametrize("code", [1001, 1003, 1008, 3000, 3999, 4000, 4999])
def test_to_refuse_an_ordinary_code_is_a_warning_and_not_to_answer_a_failure(code: int) -> None:
    """1002 says that it was refused; without any Close the closing handshake is broken."""
    section = "7.4.1" if code < 1012 else "7.4.2"
    case = one(f"{section}/close-{code}")
    assert verdicts(case, replied(case, server_close(1002))) == {WARN}
    assert judged(case, replied(case, b"")) == {(FAIL, REPLY)}


def test_1002_is_an_answer_to_1002() -> None:
    """There it repeats the code."""
    case = one("7.4.1/close-1002")
    assert not verdicts(case, replied(case, server_close(1002)))
    case = one("7.4.1/close-1007")
    assert not verdicts(case, replied(case, server_close(1007)))


# Who closes TCP, and when


def test_the_server_ends_tcp() -> None:
    """In order, and soon."""
    case = one("5.5.1/server-ends-tcp-after-1000")
    assert not verdicts(case, replied(case, server_close(1000)))
    open_after = replied(case, server_close(1000), end=None)
    assert judged(case, open_after) == {(FAIL, "RFC6455-5.5.1-16")}
    reset = replied(case, server_close(1000), end="reset")
    assert judged(case, reset) == {(WARN, "RFC6455-7.1.1-01")}


def test_tcp_may_end_within_a_limit() -> None:
    """A while is legal; what takes long is a warning."""
    case = one("5.5.1/server-ends-tcp-after-1000")
    assert not verdicts(case, later(case, 0.0, ends=0.9))
    assert judged(case, later(case, 0.0, ends=1.2)) == {(WARN, "RFC6455-7.1.1-05")}
    assert not verdicts(case, later(case, 0.0, ends=1.2), ECHOING._replace(round_trip=0.1))


def test_the_reply_may_take_a_while() -> None:
    """Likewise."""
    case = one("5.5.1/reply-at-once")
    assert not verdicts(case, later(case, 0.9))
    assert judged(case, later(case, 1.2)) == {(WARN, "RFC6455-5.5.1-11")}


def test_the_server_ends_tcp_if_the_client_does_without_a_close() -> None:
    """Not to do so is a warning, as no clause is about it."""
    case = one("7.1.1/end-of-tcp-in-a-message")
    assert not verdicts(case, scripted(case, {-1: b""}, end="fin"))
    assert not verdicts(case, scripted(case, {-1: server_close(1002)}, end="fin"))
    assert verdicts(case, scripted(case)) == {WARN}
    delivered = scripted(case, {-1: server_text("Hel")}, end="fin")
    assert judged(case, delivered) == {(FAIL, "RFC6455-6.2-08")}


# Failing the connection


def test_a_close_before_the_end_of_tcp_is_wanted_in_one_place() -> None:
    """There its absence is a warning, elsewhere it is a note."""
    case = one("7.1.7/close-frame")
    assert judged(case, replied(case, b"")) == {(WARN, "RFC6455-7.1.7-05")}
    assert not verdicts(case, replied(case, server_close(1002)))
    for case_id in ("7.1.7/tcp-ends-after-rsv1", "7.1.1/close-is-not-lost-behind-invalid-text"):
        assert verdicts(one(case_id), replied(one(case_id), b"")) == {INFO}


def test_tcp_ends_after_a_violation() -> None:
    """Though the client keeps its side open."""
    case = one("7.1.7/tcp-ends-after-an-unmasked-frame")
    assert not verdicts(case, replied(case, server_close(1002)))
    for data in (server_close(1002), b""):
        assert judged(case, replied(case, data, end=None)) == {(FAIL, "RFC6455-7.1.7-03")}


@pytest.mark.parametrize(
    ("case_id", "fitting", "other"),
    [
        ("7.4.1/1002-for-a-protocol-error", 1002, 1007),
        ("7.4.1/1007-for-invalid-text", 1007, 1002),
        ("7.1.7/tcp-ends-after-rsv3", 1002, 1008),
        ("7.1.7/tcp-ends-after-a-cut-character", 1007, 1003),
    ],
)
def test_the_fitting_code_is_a_should(case_id: str, fitting: int, other: int) -> None:
    """Another legal code is a warning, none is a note."""
    case = one(case_id)
    assert not verdicts(case, replied(case, server_close(fitting)))
    assert verdicts(case, replied(case, server_close(other))) == {WARN}
    assert verdicts(case, replied(case, server_close())) == {INFO}
    assert verdicts(case, replied(case, b"")) == {INFO}


@pytest.mark.parametrize(("violation", "code"), [("invalid-text", 1007), ("rsv3", 1002)])
def test_nothing_is_processed_behind_a_violation(violation: str, code: int) -> None:
    """Neither a Ping nor a message, before the Close or behind it.

    Text may be looked at when the application takes it, and a Ping be answered until then.
    """
    case = one(f"7.1.7/nothing-is-processed-behind-{violation}")
    reply = server_close(code)
    assert not verdicts(case, replied(case, reply))
    assert not verdicts(case, replied(case, reply, end="reset"))
    for answer in (server_pong(b"behind"), server_text("behind")):
        for data in (answer + reply, reply + answer):
            is_late = (violation, data) == ("invalid-text", server_pong(b"behind") + reply)
            wanted = INFO if is_late else FAIL
            assert judged(case, replied(case, data)) == {(wanted, "RFC6455-7.1.7-07")}
    assert judged(case, alive(case)) == {(FAIL, "RFC6455-7.1.7-03")}


def test_a_close_behind_a_violation_is_not_answered() -> None:
    """By its own code, or by 1000; unless that is what the server fails connections with."""
    case = one("7.1.7/close-is-not-answered-behind-an-unmasked-frame")
    assert not verdicts(case, replied(case, server_close(1002)))
    for code in (4321, 1000):
        record = replied(case, server_close(code))
        assert judged(case, record) == {(FAIL, "RFC6455-7.1.7-07")}
    habit = ECHOING._replace(failure_code=1000)
    assert verdicts(case, replied(case, server_close(1000)), habit) == {WARN}


def test_a_close_behind_invalid_text_may_come_first() -> None:
    """Where text is looked at when the application takes it: a warning."""
    case = one("7.1.7/close-is-not-answered-behind-a-cut-character")
    assert not verdicts(case, replied(case, server_close(1007)))
    assert judged(case, replied(case, server_close(4321))) == {(WARN, "RFC6455-7.1.7-07")}


def test_what_comes_behind_a_close_may_be_taken_amiss() -> None:
    """A reply with 1002 is a reply; where nothing came behind it is a refusal."""
    amiss = one("5.5.1/two-empty-closes")
    assert verdicts(amiss, replied(amiss, server_close(1002))) == {INFO}
    refused = one("5.5.1/close-then-another-close")
    assert verdicts(refused, replied(refused, server_close(1002))) == {INFO}


def test_an_unfinished_message_is_not_delivered_when_the_connection_fails() -> None:
    """A service that takes no binary messages may say so instead."""
    case = one("6.2/binary-before-an-unmasked-frame")
    for code in (1002, 1003, 1008):
        assert not verdicts(case, replied(case, server_close(code)))
    record = replied(case, server_binary(b"Hel") + server_close(1002))
    assert judged(case, record) == {(FAIL, "RFC6455-6.2-08")}
    assert not verdicts(case, record, NOT_ECHOING)


def test_a_refused_handshake_is_followed_by_no_frame() -> None:
    """An HTTP error with its body, or the end of TCP."""
    case = one("7.2.2/no-frame-without-a-key")

    def answered(data: bytes) -> Record:
        return Record([Entry(0.0, Kind.RECEIVED, data), Entry(0.1, Kind.END)])

    error = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n\x88\x00"
    assert not verdicts(case, answered(b""))
    assert not verdicts(case, answered(error))
    for data in (server_close(1002), error + server_close(1002)):
        assert judged(case, answered(data)) == {(FAIL, "RFC6455-7.2.2-01")}


# Limits and lengths


def test_a_huge_length_may_be_refused_or_waited_for() -> None:
    """But what has come of the payload is not all of it."""
    case = one("10.4/text-of-2-to-the-32-and-5")
    for data in (server_close(1009), server_close(1008), server_close(1002), b""):
        assert not verdicts(case, scripted(case, {1: data}, end="fin"))
        assert not verdicts(case, scripted(case, {-1: data}, end="fin"))
    for data in (server_text("Hello"), server_pong(b"inside")):
        record = scripted(case, {1: data, -1: b""}, end="fin")
        assert judged(case, record) == {(FAIL, "RFC6455-5.2-14")}


def test_what_is_too_big_is_refused_by_1009() -> None:
    """Or 1008, or without a code; another code is a warning, but not at the end of TCP."""
    case = one("7.4.1/1009-for-a-message-too-big")
    for data in (server_close(1009), server_close(1008), server_close(), b""):
        assert not verdicts(case, scripted(case, {1: data}, end="fin"))
    record = scripted(case, {1: server_close(1011)}, end="fin")
    assert judged(case, record) == {(WARN, "RFC6455-7.4.1-11")}
    assert not verdicts(case, scripted(case, {-1: server_close(1011)}, end="fin"))


def test_closes_may_cross() -> None:
    """The connection is over with one Close from each side."""
    case = one("5.5.1/closes-that-cross")
    for end in ("fin", "reset"):
        assert not verdicts(case, replied(case, server_close(1002), end=end))
    open_after = replied(case, server_close(1002), end=None)
    assert judged(case, open_after) == {(FAIL, "RFC6455-7.1.7-03")}


def test_garbage_is_no_handshake() -> None:
    """HTTP errors and the end of TCP are right, 101 and frames are not."""
    case = one("10.7/garbage-a-frame")

    def answered(data: bytes) -> Record:
        return Record([Entry(0.0, Kind.RECEIVED, data), Entry(0.1, Kind.END)])

    for data in (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"):
        assert not verdicts(case, answered(data))
    for data in (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", server_close(1002)):
        assert verdicts(case, answered(data)) == {FAIL}
    assert verdicts(case, Record([])) == {INFO}


def with_others(case: Case, *others: Record) -> Record:
    """Return the record of a case whose first connection is fine, with these others."""
    record = alive(case)
    return Record(
        record.entries, key=record.key, request=record.request, probes=record.probes, others=others
    )


def test_others_are_served_while_a_frame_is_unfinished() -> None:
    """Unless the server never serves two."""
    case = one("10.4/others-served-meanwhile-an-unfinished-frame")
    crowd = next(step for step in case.steps if isinstance(step, Crowd))
    like = case._replace(steps=crowd.steps)
    served, not_served = alive(like), Record([])
    assert not verdicts(case, with_others(case, served, served, served))
    assert verdicts(case, with_others(case, served, served, not_served)) == {FAIL}
    assert not verdicts(case, with_others(case, not_served, not_served, not_served))


# A few servers


class FailsWithoutCode(EchoServer):
    """Fails connections by an empty Close."""

    def fail(self, failure: Failed) -> None:
        """Send it."""
        self.send_close(b"")


class ForgetsEchoes(EchoServer):
    """Answers a Close at once, and drops the echoes that it owes."""

    def deliver(self, opcode: int, data: bytes) -> None:
        """Echo, unless there is something to be read already."""
        if not self.buffer:
            super().deliver(opcode, data)


class Patient(EchoServer):
    """Takes a moment for everything."""

    def receive_close(self, payload: bytes) -> None:
        """Wait before the reply, and before the end of TCP."""
        self.wait(0.1)
        self.check_close(payload)
        self.send_close(self.close_reply(payload))
        self.wait(0.1)
        raise Finished


@pytest.mark.long
@pytest.mark.parametrize("server_class", [FailsWithoutCode, ForgetsEchoes, Patient])
def test_a_server_that_is_unusual_but_right_is_not_flagged(
    server_class: type[EchoServer],
) -> None:
    """In some of the cases, from which others differ by what is sent only."""
    facts = ECHOING._replace(failure_code=0 if server_class is FailsWithoutCode else 1002)
    with serving(server_class) as url:
        for case in closing.CASES[::7]:
            if "deflate" not in case.needs:
                record = converse(Target.parse(url), case.steps, PATIENCE)
                assert verdicts(case, record, facts) <= {INFO}, case.id
