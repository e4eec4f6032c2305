"""The stress cases, and the steps that only they have (RFC 6455 §10.4).

The reference server bears all of them.  What is wrong with a server under stress is only what
the clauses about limits say; all else is told.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Generator
from threading import Thread

import pytest

from spec_tests.check.faulty.server import EchoServer, Message, serving
from spec_tests.check.scripted import (
    ECHOING,
    NOT_ECHOING,
    alive,
    case_of,
    judged,
    scripted,
    server_close,
    server_text,
    verdicts,
)
from wsref.check.cases import robustness, stress
from wsref.check.catalogue import Case, Facts
from wsref.check.conversation import (
    Abort,
    Await,
    Crowd,
    HalfClose,
    Open,
    Probe,
    Send,
    Step,
    ping,
    text,
)
from wsref.check.opening import Opening, without
from wsref.check.oracle import judge_server
from wsref.check.peer import Patience, converse
from wsref.check.record import Entry, Kind, Record
from wsref.check.target import Target
from wsref.check.tokens import conversation_of, token_of
from wsref.check.verdicts import Verdict
from wsref.serve import running_echo_server

CASES = stress.CASES
PATIENCE = Patience(20.0)

FAIL, WARN, INFO = Verdict.FAIL, Verdict.WARN, Verdict.INFO

LIMIT = "RFC6455-10.4-02"


@pytest.fixture(scope="module")
def target() -> Generator[Target]:
    """Run the reference server."""
    with running_echo_server() as url:
        yield Target.parse(url)


@pytest.mark.long
@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_the_reference_server_bears_it(case: Case, target: Target) -> None:
    """Nothing is wrong, and nothing is waited for in vain."""
    record = converse(target, case.steps, PATIENCE)
    facts = Facts(echoes=True, deflates=True)
    assert verdicts(case, record, facts) <= {INFO}
    assert not record.timeouts
    for one in (record, *record.others):
        assert not judge_server(one)
        assert not one.timeouts


# Judges


def with_others(case: Case, *others: Record) -> Record:
    """Return the record of a case whose first connection is fine, with these others."""
    record = alive(case)
    return Record(
        record.entries, key=record.key, request=record.request, probes=record.probes, others=others
    )


def like(steps: tuple[Step, ...]) -> Case:
    """Return a case for the conversation of a crowd."""
    return CASES[0]._replace(steps=steps)


def crowds(case: Case) -> list[Case]:
    """Return a case for each crowd."""
    return [like(step.steps) for step in case.steps if isinstance(step, Crowd)]


def refused(case: Case, code: int) -> Record:
    """Return the record of a connection that was closed over what was sent first."""
    return scripted(case, {1: server_close(code)}, end="fin")


def dropped(case: Case) -> Record:
    """Return the record of a connection whose end came without a Close."""
    return scripted(case, {1: b""}, end="fin")


def one(case_id: str) -> Case:
    """Return the case of this name."""
    return case_of((*CASES, *robustness.CASES), case_id)


def test_many_fragments_may_be_refused_but_not_come_back_in_part() -> None:
    """Any end of the connection will do; an echo has to be right."""
    case = one("stress/100000-fragments")
    (heavy,) = crowds(case)
    for other in (refused(heavy, 1009), refused(heavy, 1008), dropped(heavy), scripted(heavy)):
        expected = {INFO} if other.has_ended else {INFO, FAIL}
        assert verdicts(case, with_others(case, other)) == expected
    echo = server_text(b"x" + b"y" * 99_998 + b"z")
    assert verdicts(case, with_others(case, scripted(heavy, {2: echo}))) == {INFO}
    short = with_others(case, scripted(heavy, {2: server_text(b"xyz")}))
    assert (FAIL, "RFC6455-6.2-01") in judged(case, short)
    assert verdicts(case, short, NOT_ECHOING) == {INFO}


def test_others_are_served_meanwhile() -> None:
    """A connection that only waits is neither forgotten nor closed."""
    case = one("stress/100000-fragments")
    (heavy,) = crowds(case)
    other = refused(heavy, 1009)
    forgotten = scripted(case, probes=False)
    record = Record(forgotten.entries, probes=forgotten.probes, others=[other])
    assert (FAIL, "RFC6455-10.4-01") in judged(case, record)
    closed = scripted(case, {1: server_close(1001)}, end="fin")
    record = Record(closed.entries, probes=closed.probes, others=[other])
    assert WARN in verdicts(case, record)


def test_there_should_be_a_limit() -> None:
    """It is a SHOULD; where it is, is told."""
    case = one("stress/message-without-end")
    (heavy,) = crowds(case)
    assert judged(case, with_others(case, alive(heavy))) == {(WARN, LIMIT)}
    for other in (refused(heavy, 1009), dropped(heavy)):
        assert judged(case, with_others(case, other)) == {(INFO, LIMIT)}


@pytest.mark.parametrize("case_id", ["stress/bomb-of-17-mib", "10.4/inflated-size-is-limited"])
def test_a_limit_counts_after_decompression(case_id: str) -> None:
    """Whoever has one; a server that takes as much uncompressed is consistent."""
    case = one(case_id)
    plain, bomb = crowds(case)
    deflating = _deflating(alive(bomb))
    limited = with_others(case, refused(plain, 1009), deflating)
    assert judged(case, limited) == {(FAIL, "RFC6455-10.4-03")}
    for others in (
        (dropped(plain), deflating),
        (refused(plain, 1009), _deflating(refused(bomb, 1009))),
        (refused(plain, 1009), _deflating(dropped(bomb))),
        (refused(plain, 1009), alive(bomb)),  # compression was not agreed on
    ):
        assert verdicts(case, with_others(case, *others)) <= {INFO}


def _deflating(record: Record) -> Record:
    """Return the same record with permessage-deflate agreed on."""
    line = b"Upgrade: websocket\r\n"
    entries = [
        entry._replace(
            data=entry.data.replace(
                line, line + b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
            )
        )
        for entry in record.entries
    ]
    return Record(entries, key=record.key, request=record.request, probes=record.probes)


def test_a_large_handshake_is_answered() -> None:
    """By whatever, or by the end of TCP; silence is a warning."""
    case = one("stress/handshake-with-5000-headers")
    error = Record([Entry(0.0, Kind.RECEIVED, b"HTTP/1.1 431 Too Large\r\n\r\n")])
    for other in (error, Record([Entry(0.0, Kind.END)]), alive(crowds(case)[0])):
        assert verdicts(case, with_others(case, other)) == {INFO}
    silent = Record([Entry(0.0, Kind.TIMEOUT)])
    assert judged(case, with_others(case, silent)) == {(WARN, "RFC6455-10.7-04")}


def test_after_resets_a_new_connection_is_served() -> None:
    """The last of the others is new."""
    case = one("stress/100-resets-in-a-frame")
    resets, last = crowds(case)
    lost = Record([Entry(0.0, Kind.SENT_END)])
    assert not verdicts(case, with_others(case, lost, lost, alive(last)))
    record = with_others(case, lost, lost, Record([], unreachable="refused"))
    assert judged(case, record) == {(FAIL, "RFC6455-10.4-01")}
    assert resets.steps[-1] == Abort()


class UnlimitedInflation(EchoServer):
    """Has a limit to messages, but not to what they inflate to."""

    _limit = 1 << 40

    def inflate(self, message: Message, data: bytes) -> bytes:
        """Inflate without a limit."""
        self.max_message, limit = self._limit, self.max_message
        try:
            return super().inflate(message, data)
        finally:
            self.max_message = limit

    def add_content(self, message: Message, data: bytes) -> None:
        """Add without a limit."""
        self.max_message, limit = self._limit, self.max_message
        try:
            super().add_content(message, data)
        finally:
            self.max_message = limit


def test_a_missing_limit_after_decompression_is_found() -> None:
    """In the ordinary run, by a message that is no bomb yet."""
    case = one("10.4/inflated-size-is-limited")
    for server_class, expected in ((UnlimitedInflation, {FAIL}), (EchoServer, set[Verdict]())):
        with serving(server_class) as url:
            record = converse(Target.parse(url), case.steps, PATIENCE)
        assert verdicts(case, record, ECHOING._replace(deflates=True)) == expected


# Steps


def test_a_crowd_has_records_of_its_own(target: Target) -> None:
    """They are not among the bytes of the first connection."""
    hello = Send(text("Hello"), "text")
    steps = (Open(), Crowd(3, (Open(), hello, Await("messages"), Probe())), Probe())
    record = converse(target, steps, PATIENCE)
    assert record.is_alive
    assert not record.messages
    assert [[one.payload for one in other.messages] for other in record.others] == [[b"Hello"]] * 3
    assert all(other.is_alive for other in record.others)
    assert len({other.key for other in record.others}) == 3
    assert any("3 more connections, of which 3" in entry.note for entry in record.entries)


def test_a_crowd_may_be_refused(target: Target) -> None:
    """Its records tell how."""
    opening = Opening((without("Sec-WebSocket-Key"),))
    record = converse(target, (Open(), Crowd(2, (Open(opening),)), Probe()), PATIENCE)
    assert [other.status for other in record.others] == [400, 400]
    assert record.is_alive


def test_what_is_sent_deafly_is_sent_to_the_end(target: Target) -> None:
    """A server that waits until its answers are read gets the rest when they are."""
    flood = Send(ping(bytes(125)) * 40_000, "many Pings", deaf=True)
    record = converse(target, (Open(), flood, Probe()), PATIENCE)
    assert record.is_alive
    assert len(record.pongs) == 40_001


def test_nothing_is_received_while_deaf() -> None:
    """A server that wants to be rid of its own bytes first has to wait, but not for ever."""
    head = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    much = bytes(20_000_000)
    took: list[float] = []
    totals: list[int] = []

    def serve(listening: socket.socket) -> None:
        connected, _address = listening.accept()
        with connected:
            begun = time.monotonic()
            connected.sendall(head + much)
            took.append(time.monotonic() - begun)
            total = 0
            while data := connected.recv(1 << 20):
                total += len(data)
            totals.append(total)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        target = Target.parse(f"ws://127.0.0.1:{listening.getsockname()[1]}/")
        steps = (Send(much, "zeros", deaf=True), Await("bytes"), HalfClose(), Await("end"))
        record = converse(target, steps, PATIENCE)
        thread.join(20)
    assert took[0] > 0.2
    assert totals == [len(much)]
    assert len(record.received) == len(head + much)


def test_the_steps_can_be_written_as_a_token() -> None:
    """And read again."""
    steps = (Open(), Send(b"x", "deaf", deaf=True), Crowd(2, (Open(), Probe())), Probe())
    case = CASES[0]._replace(id="recorded/conversation", steps=steps)
    assert conversation_of(token_of(case)).steps == steps
