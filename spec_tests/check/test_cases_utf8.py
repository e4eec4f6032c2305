"""The cases about text, binary and UTF-8 (RFC 6455 §5.6, §8.1).

Each of them is clean on the reference server; and each row of the table of ambiguities is
judged in both directions, on records that are written by hand.
"""

from __future__ import annotations

import pytest

from spec_tests.check.scripted import (
    ECHOING,
    NOT_ECHOING,
    alive,
    case_of,
    judged,
    scripted,
    server_binary,
    server_close,
    server_text,
    verdicts,
)
from wsref.check.cases import utf8
from wsref.check.catalogue import Case
from wsref.check.conversation import Send
from wsref.check.verdicts import Verdict
from wsref.protocol.opcode import TEXT

CASES = utf8.CASES
INVALID = [
    case
    for case in CASES
    if case.id.startswith("8.1/")
    and not case.needs
    and "valid-" not in case.id
    and case.id not in ("8.1/fail-fast", "8.1/binary-between-texts")
]
IDS = [case.id for case in INVALID]

FAIL, WARN, INFO, SKIP = Verdict.FAIL, Verdict.WARN, Verdict.INFO, Verdict.SKIP


def one(case_id: str) -> Case:
    """Return the case of this name."""
    return case_of(CASES, case_id)


def is_utf8(data: bytes) -> bool:
    """Whether Python can decode *data*."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


# What is invalid, is: judged by Python's decoder, not by ours


@pytest.mark.parametrize("case", INVALID, ids=IDS)
def test_the_text_of_each_case_is_invalid(case: Case) -> None:
    """Python's decoder is of the same opinion, be it as a whole or in one of two messages."""
    record = alive(case)
    texts: list[bytes] = []
    for sent in record.sent_frames:
        if sent.header.opcode == TEXT:
            texts.append(sent.payload)
        elif sent.header.opcode == 0:
            texts[-1] += sent.payload
    assert any(not is_utf8(data) for data in texts)


@pytest.mark.parametrize("case", INVALID, ids=IDS)
def test_invalid_text_fails_the_connection(case: Case) -> None:
    """1007; neither an echo nor going on nor silence."""
    expected = {(FAIL, case.requirements[0])}
    assert not verdicts(case, scripted(case, {-2: server_close(1007)}, end="fin"))
    assert judged(case, alive(case)) == expected
    assert judged(case, alive(case), NOT_ECHOING) == expected
    assert judged(case, scripted(case, probes=False)) == expected
    echo = {-2: server_text(b"replaced \xef\xbf\xbd") + server_close(1007)}
    assert judged(case, scripted(case, echo, end="fin")) == expected


@pytest.mark.parametrize("case", INVALID, ids=IDS)
def test_the_code_for_invalid_text(case: Case) -> None:
    """None at all is legal, another one a warning."""
    assert verdicts(case, scripted(case, {-2: b""}, end="fin")) == {INFO}
    assert verdicts(case, scripted(case, {-2: server_close(1002)}, end="fin")) == {WARN}
    assert verdicts(case, scripted(case, {-2: server_close()}, end="fin")) == {INFO}


def test_invalid_text_may_be_noticed_late_or_early() -> None:
    """At the fragment, or at any later one."""
    case = one("8.1/bad-byte-in-the-first-fragment")
    sends = [index for index, step in enumerate(case.steps) if isinstance(step, Send)]
    for step in sends:
        assert not verdicts(case, scripted(case, {step: server_close(1007)}, end="fin"))


def test_the_end_of_the_message_may_be_waited_for() -> None:
    """To notice it late is worth knowing; if it is noticed, the code counts."""
    case = one("8.1/fail-fast")
    assert not verdicts(case, scripted(case, {-2: server_close(1007)}, end="fin"))
    assert verdicts(case, alive(case)) == {INFO}
    assert verdicts(case, scripted(case, {-2: b""}, end="fin")) == {INFO}
    assert verdicts(case, scripted(case, {-2: server_close(1002)}, end="fin")) == {WARN}


# Valid text


def test_half_a_character_at_the_end_of_a_fragment_is_kept() -> None:
    """To fail, or to lose it, breaks the clause."""
    case = one("5.6/character-of-3-bytes-cut-at-1")
    echo = server_text("a€z")
    assert not verdicts(case, alive(case, {-2: echo}))
    assert not verdicts(case, alive(case), NOT_ECHOING)
    refused = scripted(case, {1: server_close(1007)}, end="fin")
    assert judged(case, refused) == {(FAIL, "RFC6455-5.6-02")}
    assert judged(case, alive(case, {-2: server_text("a?z")})) == {(FAIL, "RFC6455-5.6-02")}


@pytest.mark.parametrize("name", ["nul", "byte-order-mark-first", "u+ffff", "u+10ffff"])
def test_valid_text_is_not_changed(name: str) -> None:
    """Nothing is stripped, replaced or refused."""
    case = one(f"8.1/valid-{name}")
    payload = alive(case).sent_frames[0].payload
    assert not verdicts(case, alive(case, {-2: server_text(payload)}))
    changed = alive(case, {-2: server_text(payload[1:] if payload[0] < 128 else b"?")})
    assert judged(case, changed) == {(FAIL, "RFC6455-8.1-06")}
    refused = scripted(case, {-1: server_close(1007)}, end="fin")
    assert judged(case, refused) == {(FAIL, "RFC6455-8.1-06")}


def test_long_text_may_be_too_long() -> None:
    """A limit shows at ASCII of the same length."""
    case = one("8.1/valid-long-text-of-4-bytes-each")
    length = 20_001
    twin = server_text((b"wsref check " * length)[:length])
    echo = server_text("x" + "😀" * 5_000)
    assert not verdicts(case, alive(case, {2: twin, -2: echo}))
    assert verdicts(case, scripted(case, {1: b""}, end="fin")) == {INFO}
    assert verdicts(case, scripted(case, {1: server_close(1009)}, end="fin")) == {INFO}
    assert verdicts(case, scripted(case, {2: twin, 4: b""}, end="fin")) == {FAIL}
    assert verdicts(case, scripted(case, {2: twin, 4: server_close(1007)}, end="fin")) == {FAIL}


# Types


def test_binary_is_not_text() -> None:
    """It is neither decoded nor sent back as text."""
    case = one("5.6/binary-of-invalid-utf8")
    small, payload = server_binary(b"\x00"), b"\xff\xfe\xc0\xaf\xed\xa0\x80"
    assert not verdicts(case, alive(case, {2: small, -2: server_binary(payload)}))
    refused = scripted(case, {2: small, 4: server_close(1007)}, end="fin")
    assert judged(case, refused) == {(FAIL, "RFC6455-5.6-03")}
    as_text = alive(case, {2: small, -2: server_text(payload)})
    assert judged(case, as_text) == {(FAIL, "RFC6455-5.6-03")}


def test_a_service_need_not_take_binary_messages() -> None:
    """1003, 1008 or the end of TCP at the first binary message."""
    case = one("5.6/binary-of-invalid-utf8")
    for refusal in (server_close(1003), server_close(1008), b""):
        assert verdicts(case, scripted(case, {1: refusal}, end="fin"), ECHOING) == {SKIP}
    refused = scripted(case, {1: server_close(1002)}, end="fin")
    assert verdicts(case, refused, NOT_ECHOING) == {FAIL}
