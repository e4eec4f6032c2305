"""The cases about frames, control frames and fragmentation (RFC 6455 §5.1 to §5.5, §6).

Each of them is clean on the reference server; and each row of the table of ambiguities is
judged in both directions, on records that are written by hand.
"""

from __future__ import annotations

import pytest

from spec_tests.check.faulty.server import EchoServer, serving
from spec_tests.check.scripted import (
    ECHOING,
    NOT_ECHOING,
    alive,
    case_of,
    judged,
    scripted,
    server_binary,
    server_close,
    server_continuation,
    server_ping,
    server_pong,
    server_text,
    verdicts,
)
from wsref.check.cases import control, fragmentation, framing
from wsref.check.catalogue import Case
from wsref.check.peer import Patience, converse
from wsref.check.target import Target
from wsref.check.verdicts import Verdict
from wsref.protocol.masking import mask
from wsref.protocol.opcode import CONTINUATION, PING, TEXT

CASES = (*framing.CASES, *control.CASES, *fragmentation.CASES)
PATIENCE = Patience(5.0)

FAIL, WARN, INFO, SKIP = Verdict.FAIL, Verdict.WARN, Verdict.INFO, Verdict.SKIP


def one(case_id: str) -> Case:
    """Return the case of this name."""
    return case_of(CASES, case_id)


class Pinging(EchoServer):
    """Sends a Ping whenever it has read something, twenty times."""

    _pings = 0  # still to be sent

    def receive_some(self) -> bytes:
        """Read, and send a Ping."""
        data = super().receive_some()
        if self._pings:
            self._pings -= 1
            self.send_frame(PING, b"are you there?")
        return data

    def on_open(self) -> None:
        """Begin with the Pings."""
        self._pings = 20


@pytest.mark.parametrize(
    "case_id", ["5.3/masked-in-pieces", "6.2/header-cut-at-3", "6.2/fragments-byte-by-byte"]
)
def test_a_server_may_ping_within_a_frame_of_ours(case_id: str) -> None:
    """Its Pings are answered behind that frame, and no sooner."""
    case = one(case_id)
    with serving(Pinging) as url:
        record = converse(Target.parse(url), case.steps, PATIENCE)
    assert record.pings
    assert not list(case.judge(record, ECHOING))


# Failing the connection


@pytest.mark.parametrize(
    "case_id",
    [
        "5.1/unmasked-text-frame",
        "5.2/rsv1-on-text",
        "5.2/reserved-opcode-3-empty",
        "5.2/several-faults-in-one-frame",
        "5.4/continuation-first",
        "5.4/text-inside-a-message",
        "5.5/fragmented-ping",
        "5.5/ping-of-126-bytes-in-16-bits",
    ],
)
class TestFailing:
    """How a server fails the connection is graded, for each kind of violation."""

    def test_the_fitting_code_is_clean(self, case_id: str) -> None:
        """A Close with 1002, then the end of TCP."""
        case = one(case_id)
        assert not verdicts(case, scripted(case, {-2: server_close(1002)}, end="fin"))

    def test_tcp_may_be_closed_without_a_close(self, case_id: str) -> None:
        """The Close may be left out."""
        case = one(case_id)
        assert verdicts(case, scripted(case, {-2: b""}, end="fin")) == {INFO}

    def test_another_code_is_a_warning(self, case_id: str) -> None:
        """A legal status code that says something else."""
        case = one(case_id)
        assert verdicts(case, scripted(case, {-2: server_close(1011)}, end="fin")) == {WARN}

    def test_a_reset_is_a_warning(self, case_id: str) -> None:
        """A reset instead of the end; a large payload may be a reason for it."""
        case = one(case_id)
        worst = {INFO} if case_id.startswith("5.5/ping-of") else {INFO, WARN}
        assert verdicts(case, scripted(case, {-2: b""}, end="reset")) == worst

    def test_to_go_on_breaks_the_clause(self, case_id: str) -> None:
        """The Ping behind the violation is answered."""
        case = one(case_id)
        expected = {(FAIL, case.requirements[0])}
        assert judged(case, alive(case)) == expected
        assert judged(case, alive(case), NOT_ECHOING) == expected

    def test_to_stay_open_in_silence_breaks_the_clause(self, case_id: str) -> None:
        """Nothing is answered, and nothing closed."""
        case = one(case_id)
        assert judged(case, scripted(case, probes=False)) == {(FAIL, case.requirements[0])}

    def test_the_server_may_begin_with_messages_of_its_own(self, case_id: str) -> None:
        """A greeting and a Ping are no echoes of the violation."""
        case = one(case_id)
        answers = {1: server_text("welcome") + server_ping(), -2: server_close(1002)}
        record = scripted(case, answers, end="fin")
        assert not verdicts(case, record, ECHOING._replace(unasked=1))


def test_an_echo_of_the_violation_breaks_the_clause() -> None:
    """An echo is none the better for a Close behind it."""
    case = one("5.1/unmasked-text-frame")
    answers = {-2: server_text("Hello") + server_close(1002)}
    assert judged(case, scripted(case, answers, end="fin")) == {(FAIL, "RFC6455-5.1-02")}


def test_what_was_sent_before_the_violation_may_be_echoed() -> None:
    """Only the echo of the violation counts."""
    case = one("5.1/unmasked-text-frame-in-one-segment-with-a-masked-one")
    answers = {-2: server_text("Hello") + server_close(1002)}
    assert not verdicts(case, scripted(case, answers, end="fin"))
    answers = {-2: server_text("Hello") + server_text("world") + server_close(1002)}
    assert verdicts(case, scripted(case, answers, end="fin")) == {FAIL}


def test_a_pong_to_an_illegal_ping_breaks_the_clause() -> None:
    """A Pong is none the better for a Close behind it."""
    case = one("5.1/unmasked-ping")
    answers = {-2: server_pong(b"Hello") + server_close(1002)}
    assert judged(case, scripted(case, answers, end="fin")) == {(FAIL, "RFC6455-5.1-02")}


@pytest.mark.parametrize(
    "case_id", ["5.1/unmasked-close", "5.2/rsv2-on-close", "5.5/fragmented-close"]
)
def test_an_illegal_close_must_not_be_answered_as_if_legal(case_id: str) -> None:
    """The reply repeats the code, or says 1000."""
    case = one(case_id)
    assert not verdicts(case, scripted(case, {-2: server_close(1002)}, end="fin"))
    assert verdicts(case, scripted(case, {-2: server_close()}, end="fin")) == {INFO}
    assert verdicts(case, scripted(case, {-2: server_close(4321)}, end="fin")) == {FAIL}
    assert verdicts(case, scripted(case, {-2: server_close(1000)}, end="fin")) == {FAIL}


# Lengths


@pytest.mark.parametrize(
    "case_id",
    ["5.2/length-5-in-16-bits", "5.2/length-5-in-64-bits", "5.2/length-of-continuation-in-16-bits"],
)
def test_to_bear_an_overlong_length_is_a_warning(case_id: str) -> None:
    """Lenient acceptance is no failure, whatever comes back."""
    case = one(case_id)
    assert verdicts(case, alive(case, {-2: server_text("00000")})) == {WARN}
    assert verdicts(case, alive(case), NOT_ECHOING) == {WARN}
    assert not verdicts(case, scripted(case, {-2: server_close(1002)}, end="fin"))


def test_to_bear_an_overlong_ping_or_close_is_a_warning() -> None:
    """The answers of control frames are no failure either."""
    case = one("5.2/length-of-ping-in-16-bits")
    assert verdicts(case, alive(case, {-2: server_pong(b"Hello")})) == {WARN}
    case = one("5.2/length-of-close-in-64-bits")
    assert verdicts(case, scripted(case, {-2: server_close(4321)}, end="fin")) == {WARN}


@pytest.mark.parametrize(
    "case_id", ["5.2/top-bit-of-length-alone", "5.2/top-bit-of-length-with-payload"]
)
def test_a_length_with_its_top_bit_set(case_id: str) -> None:
    """1002, 1009 or nothing; but not to wait for the payload."""
    case = one(case_id)
    for code in (1002, 1009):
        assert not verdicts(case, scripted(case, {-2: server_close(code)}, end="fin"))
    assert verdicts(case, scripted(case, {-2: b""}, end="fin")) == {INFO}
    assert judged(case, alive(case)) == {(FAIL, "RFC6455-5.2-09")}
    assert judged(case, scripted(case, probes=False)) == {(FAIL, "RFC6455-5.2-09")}


def twins(length: int) -> tuple[Case, bytes, bytes]:
    """Return the case about a large message, the echo of its twin and of the message."""
    case = one(f"5.2/text-of-{length}-bytes")
    twin = (b"wsref check " * length)[:length]
    numbers = b"".join(b"%05d " % number for number in range(length))[:length]
    return case, server_text(twin), server_text(numbers)


def test_a_server_may_have_a_limit() -> None:
    """1008, 1009, or the end of TCP at a message that is only large."""
    case, twin, _echo = twins(70000)
    for code in (1008, 1009):
        record = scripted(case, {1: server_close(code)}, end="fin")
        assert verdicts(case, record) == {INFO}
        record = scripted(case, {2: twin, 4: server_close(code)}, end="fin")
        assert verdicts(case, record) == {INFO}
    assert verdicts(case, scripted(case, {1: b""}, end="fin")) == {INFO}
    assert verdicts(case, scripted(case, {1: b""}, end="fin"), NOT_ECHOING) == {INFO}


def test_a_large_message_comes_through_if_there_is_no_limit() -> None:
    """Where the twin comes through, so must the message."""
    case, twin, echo = twins(70000)
    assert not verdicts(case, alive(case, {2: twin, 5: echo}))
    assert verdicts(case, alive(case, {2: twin, 5: echo[:-2] + b"xx"})) == {FAIL}
    assert verdicts(case, scripted(case, {2: twin, 4: b""}, end="fin")) == {FAIL}
    assert verdicts(case, scripted(case, {2: twin, 4: server_close(1002)}, end="fin")) == {FAIL}
    assert verdicts(case, scripted(case, {1: server_close(1011)}, end="fin")) == {FAIL}


def test_a_limit_is_not_where_the_form_of_the_length_changes() -> None:
    """65536 bytes fit in two frames, and so in one."""
    case, twin, echo = twins(65536)
    assert not verdicts(case, alive(case, {2: twin, 5: echo}))
    assert verdicts(case, scripted(case, {1: server_close(1009)}, end="fin")) == {INFO}
    record = scripted(case, {2: twin, 4: server_close(1009)}, end="fin")
    assert judged(case, record) == {(FAIL, "RFC6455-5.2-14")}


def test_a_frame_is_not_whole_before_its_end() -> None:
    """The high bytes of a length are not lost."""
    case = one("5.2/length-above-32-bits")
    assert not verdicts(case, scripted(case, {1: server_close(1009)}, end="fin"))
    assert not verdicts(case, scripted(case, {-1: b""}, end="fin"))
    assert verdicts(case, scripted(case, {1: server_text("Hello"), -1: b""}, end="fin")) == {FAIL}
    assert verdicts(case, scripted(case, {2: server_pong(b"inside"), -1: b""}, end="fin")) == {FAIL}


# Masking


def test_a_close_is_unmasked() -> None:
    """The reply repeats the code, or another one, but not the masked one."""
    case = one("5.3/masked-close")
    for reply in (server_close(4321), server_close(), server_close(1000)):
        assert not verdicts(case, scripted(case, {-1: reply}, end="fin"))
    record = scripted(case, {-1: server_close(4321 ^ 3)}, end="fin")
    assert judged(case, record) == {(FAIL, "RFC6455-5.3-05")}


SAID = b"wsref: is this text what comes back?"


def test_what_comes_back_is_of_the_same_type_whole_and_unmasked() -> None:
    """Faults that hide the echo are found all the same."""
    case = one("6.1/echo-of-text")
    for facts in (ECHOING, NOT_ECHOING):
        assert not verdicts(case, alive(case, {2: server_text(SAID)}), facts)
        assert not verdicts(case, alive(case, {2: server_text("ok")}), facts)
        assert not verdicts(case, alive(case), facts)
        record = alive(case, {2: server_binary(SAID)})
        assert judged(case, record, facts) == {(FAIL, "RFC6455-6.1-05")}
        record = alive(case, {2: server_text(mask(SAID, b"\x01\x1f\x02\x1e"))})
        assert judged(case, record, facts) == {(FAIL, "RFC6455-6.2-07")}
        record = alive(case, {2: server_text(SAID, fin=False)})
        assert judged(case, record, facts) == {(FAIL, "RFC6455-6.1-06")}


# Fragments


def test_the_boundaries_of_echoes_do_not_count() -> None:
    """Any fragments will do, as long as the content is the same."""
    case = one("5.4/two-fragments")
    echo = server_text(b"", fin=False) + server_continuation(b"frag", fin=False)
    echo += server_ping(b"between") + server_continuation(b"mentation", fin=False)
    echo += server_continuation(b"")
    assert not verdicts(case, alive(case, {-2: echo}))
    assert not verdicts(case, alive(case, {-2: server_text(b"fragmentation")}))
    assert verdicts(case, alive(case, {-2: server_text(b"mentationfrag")})) == {FAIL}
    assert verdicts(case, alive(case, {-2: server_binary(b"fragmentation")})) == {FAIL}
    two = server_text(b"frag") + server_text(b"mentation")
    assert verdicts(case, alive(case, {-2: two})) == {FAIL}


def test_an_echo_may_come_behind_the_pong() -> None:
    """Nothing says that messages are answered first."""
    case = one("5.4/two-fragments")
    assert not verdicts(case, alive(case, {-1: server_text(b"fragmentation")}))


def test_a_server_that_does_not_echo_has_to_go_on() -> None:
    """What it sends is its own affair."""
    case = one("5.4/two-fragments")
    assert not verdicts(case, alive(case), NOT_ECHOING)
    assert not verdicts(case, alive(case, {-1: server_text("news")}), NOT_ECHOING)
    record = scripted(case, {-1: server_close(1002)}, end="fin")
    assert judged(case, record, NOT_ECHOING) == {(FAIL, "RFC6455-5.4-12")}


def test_what_a_peer_may_do_a_server_has_to_bear() -> None:
    """A MAY for the sender is no MAY for the receiver."""
    case = one("5.4/fragments-of-one-byte")
    record = scripted(case, {-1: server_close(1002)}, end="fin")
    assert judged(case, record) == {(FAIL, "RFC6455-5.4-11")}


def test_an_unfinished_message_is_not_delivered() -> None:
    """TCP ends within the message."""
    case = one("6.2/fragment-at-the-end-of-tcp")
    assert not verdicts(case, scripted(case, {-1: b""}, end="fin"))
    assert not verdicts(case, scripted(case, {-1: server_close(1002)}, end="fin"))
    record = scripted(case, {-1: server_text("Hel")}, end="fin")
    assert judged(case, record) == {(FAIL, "RFC6455-6.2-08")}


# Types that a service does not take


def test_a_service_need_not_take_binary_messages() -> None:
    """1003, 1008 or the end of TCP at the first binary message."""
    case = one("6.1/type-of-the-first-frame")
    for refusal in (server_close(1003), server_close(1008), b""):
        assert verdicts(case, scripted(case, {1: refusal}, end="fin")) == {SKIP}
    for refusal in (server_close(1002), server_close(1007)):
        assert verdicts(case, scripted(case, {1: refusal}, end="fin")) == {FAIL}
    late = scripted(case, {2: server_binary(b"\x00"), 5: server_close(1003)}, end="fin")
    assert verdicts(case, late) == {FAIL}


# Ping and Pong

PAYLOADS = [b"ping %02d" % number for number in range(1, 11)]


def test_of_several_pings_the_last_has_to_be_answered() -> None:
    """Pongs in order, the last among them; unasked ones do not count."""
    case = one("5.5.3/ten-pings-in-one-segment")
    every = b"".join(map(server_pong, PAYLOADS))
    assert not verdicts(case, alive(case, {2: every}))
    assert not verdicts(case, alive(case, {2: server_pong(PAYLOADS[-1])}))
    some = server_pong(PAYLOADS[2]) + server_pong(b"heartbeat") + server_pong(PAYLOADS[-1])
    assert not verdicts(case, alive(case, {2: some}))
    again = every + server_pong(PAYLOADS[0])
    assert not verdicts(case, alive(case, {2: again}))  # which nobody asked for
    backwards = b"".join(map(server_pong, reversed(PAYLOADS)))
    assert judged(case, alive(case, {2: backwards})) == {(FAIL, "RFC6455-5.5.3-01")}
    other = server_pong(b"ping 11")
    assert judged(case, alive(case, {2: other})) == {(FAIL, "RFC6455-5.5.3-01")}
    first = server_pong(PAYLOADS[0])
    assert judged(case, alive(case, {2: first})) == {(FAIL, "RFC6455-5.5.2-02")}
    assert judged(case, alive(case)) == {(FAIL, "RFC6455-5.5.2-02")}


def test_each_ping_that_is_sent_alone_has_to_be_answered() -> None:
    """Pings that are not read together are answered one by one."""
    case = one("5.5.3/same-ping-twice")
    pong = server_pong(b"again")
    assert not verdicts(case, alive(case, {2: pong, 4: pong}))
    assert not verdicts(case, alive(case, {1: server_pong(b"heartbeat"), 2: pong, 4: pong}))
    assert judged(case, alive(case, {2: pong})) == {(FAIL, "RFC6455-5.5.3-01")}
    assert judged(case, alive(case)) == {(FAIL, "RFC6455-5.5.2-02")}
    refused = scripted(case, {1: server_close(1002)}, end="fin")
    assert judged(case, refused) == {(FAIL, "RFC6455-5.5.2-02")}


def test_a_pong_has_the_payload_of_its_ping() -> None:
    """Byte for byte."""
    case = one("5.5.3/ping-ending-in-nul")
    assert not verdicts(case, alive(case, {2: server_pong(b"one\0\0")}))
    assert judged(case, alive(case, {2: server_pong(b"one")})) == {(FAIL, "RFC6455-5.5.3-01")}


def test_a_ping_in_mid_message_is_answered_at_once() -> None:
    """To answer when the message has ended is a warning."""
    case = one("5.5.2/ping-in-mid-message-at-once")
    pong, echo = server_pong(b"between"), server_text("Hello")
    assert not verdicts(case, alive(case, {3: pong, 5: echo}))
    assert not verdicts(case, alive(case, {2: server_pong(b"heartbeat"), 5: pong + echo}))
    late = scripted(case, {5: echo, 6: pong}, timeouts=[3])
    assert judged(case, late) == {(WARN, "RFC6455-5.5.2-03")}
    never = scripted(case, {5: echo}, timeouts=[3, 6])
    assert judged(case, never) == {(FAIL, "RFC6455-5.5.2-02")}


def test_a_pong_is_prompt() -> None:
    """A Pong that takes seconds is a warning."""
    case = one("5.5.2/pong-is-prompt")
    assert not verdicts(case, alive(case, {2: server_pong(b"between")}))
    late = alive(case, {4: server_pong(b"between")})
    slow = late.entries[:-3] + tuple(
        entry._replace(time=entry.time + 2) for entry in late.entries[-3:]
    )
    late.entries = slow
    assert judged(case, late) == {(WARN, "RFC6455-5.5.2-03")}


def test_a_pong_is_not_answered() -> None:
    """Neither by a Pong nor by a Ping nor by an echo; other Pongs are legal."""
    case = one("5.5.3/unsolicited-pong")
    assert not verdicts(case, alive(case))
    assert not verdicts(case, alive(case, {1: server_pong() + server_pong(b"heartbeat")}))
    for answer in (server_pong(b"unsolicited"), server_ping(b"unsolicited")):
        assert judged(case, alive(case, {1: answer})) == {(FAIL, "RFC6455-5.5.3-04")}
    assert judged(case, alive(case, {1: server_text("unsolicited")})) == {(FAIL, "RFC6455-6.2-02")}
    refused = scripted(case, {1: server_close(1002)}, end="fin")
    assert judged(case, refused) == {(FAIL, "RFC6455-5.5.3-03")}


def test_an_empty_pong_may_come_at_any_time() -> None:
    """It cannot be told from one that nobody asked for."""
    case = one("5.5.3/unsolicited-pong-empty")
    assert not verdicts(case, alive(case, {1: server_pong()}))


def test_the_opcodes_of_this_file_are_right() -> None:
    """Records by hand are of use only if they say what they seem to."""
    assert server_text("")[0] & 0x0F == TEXT
    assert server_continuation(b"")[0] & 0x0F == CONTINUATION
