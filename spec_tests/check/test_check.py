"""The check as a whole, on servers that are right and on servers that are not."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from spec_tests.check.faulty.registry import faults
from spec_tests.check.faulty.server import EchoServer, Header, serving
from wsref.check import (
    NothingSelected,
    Options,
    Report,
    Result,
    Verdict,
    catalogue,
    check_server,
)
from wsref.requirements import requirement, requirements
from wsref.serve import echo_server, running_echo_server

FIXED = Options(phases=("fixed",))


def result_of(report: Report, case_id: str) -> Result:
    """Return the result of one case."""
    return next(result for result in report.results if result.case.id == case_id)


@contextmanager
def refusing_tcp() -> Generator[str, None, None]:
    """Yield the URL of a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield f"ws://127.0.0.1:{port}/"


@contextmanager
def mute_server(answer: bytes = b"") -> Generator[str, None, None]:
    """Yield the URL of a server that accepts connections and says *answer*, or nothing."""
    connections: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _address = listener.accept()
                except OSError:
                    return
                connections.append(connection)
                connection.sendall(answer)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    for connection in connections:
        connection.close()


# Servers that are right


@pytest.mark.long
@pytest.mark.parametrize("compress", [False, True])
def test_the_reference_server_is_clean(compress: bool) -> None:
    """Not one failure, warning or flaky result, strictly taken, generated phase included."""
    with running_echo_server(compress=compress) as url:
        report = check_server(url, Options(strict=True))
    assert not report.faults
    assert report.exit_code == 0
    assert report.counts[Verdict.PASS] > 400
    assert report.facts is not None
    assert report.facts.echoes
    assert report.facts.deflates is compress
    skipped = [result for result in report.results if result.verdict is Verdict.SKIP]
    assert all(result.note for result in skipped), "what is skipped says why"


@pytest.mark.long
def test_an_independent_server_is_clean() -> None:
    """The server that the faulty ones are made from shares nothing with the reference's."""
    with serving(EchoServer) as url:
        report = check_server(url, Options(strict=True, phases=("fixed",)))
    assert not report.faults


def test_parallel_connections_change_no_verdict() -> None:
    """One at a time or eight at a time, the results are the same."""
    with serving(faults()["framing/rsv2-ignored"].server_class) as url:
        one = check_server(url, FIXED._replace(jobs=1, include=("5.2",)))
        eight = check_server(url, FIXED._replace(jobs=8, include=("5.2",)))
    assert [result.verdict for result in one.results] == [
        result.verdict for result in eight.results
    ]
    assert one.exit_code == eight.exit_code == 1


# Servers that are not


def test_a_fault_is_reported_with_its_clause_and_the_bytes_that_show_it() -> None:
    """The result has the requirement, a sentence, and the conversation."""
    with serving(faults()["framing/rsv2-ignored"].server_class) as url:
        report = check_server(url, FIXED._replace(include=("5.2",)))
    (fault, *_others) = report.faults
    assert fault.requirement == "RFC6455-5.2-03"
    assert fault.verdict is Verdict.FAIL
    result = fault.results[0]
    assert result.findings[0].message
    assert result.repeats == "2/2"
    assert result.record is not None
    assert result.record.sent_frames[0].header.rsv2
    assert report.exit_code == 1
    assert report.failures


@pytest.mark.long
def test_what_a_server_sends_is_judged_in_every_conversation() -> None:
    """Masked frames are one finding, and do not make other cases fail."""
    with serving(faults()["framing/masked"].server_class) as url:
        report = check_server(url, FIXED)
    masks = result_of(report, "5.1/never-masks")
    assert masks.verdict is Verdict.FAIL
    assert masks.findings[0].requirement == "RFC6455-5.1-04"
    assert "conversations" in masks.repeats
    assert [fault.requirement for fault in report.faults] == ["RFC6455-5.1-04"]


def test_warnings_fail_only_a_strict_check() -> None:
    """A server that accepts lengths that are too long passes, but not strictly."""
    with serving(faults()["framing/long-form-16-accepted"].server_class) as url:
        lenient = check_server(url, FIXED._replace(include=("5.2",)))
        strict = check_server(url, FIXED._replace(include=("5.2",), strict=True))
    assert lenient.counts[Verdict.WARN] == strict.counts[Verdict.WARN] > 0
    assert not lenient.counts[Verdict.FAIL]
    assert (lenient.exit_code, strict.exit_code) == (0, 1)


@pytest.mark.long
def test_the_generated_phase_finds_and_shrinks_a_fault_by_itself() -> None:
    """Reserved bits go unnoticed: one frame without payload is enough to show it."""
    options = Options(phases=("generated",), seed=1, max_examples=300, max_time=20)
    with serving(faults()["framing/reserved-bits-ignored"].server_class) as url:
        report = check_server(url, options)
    found = next(
        result
        for result in report.results
        if result.case.requirements[0] in ("RFC6455-5.2-03", "RFC6455-5.2-04", "RFC7692-6.1-06")
    )
    assert found.verdict is Verdict.FAIL
    assert found.repeats == "3/3"
    assert "in one segment" in found.shrunk or "frame by frame" in found.shrunk
    assert found.record is not None
    sent = [frame for frame in found.record.sent_frames if not frame.payload.startswith(b"probe")]
    assert len(sent) == 1
    assert sent[0].header.first_byte & 0x70
    assert sent[0].payload == b""
    assert report.exit_code == 1


def test_the_same_seed_draws_the_same_conversations() -> None:
    """So a check can be repeated."""
    options = Options(phases=("generated",), seed=7, max_examples=40, max_time=60)

    def run() -> list[str]:
        with serving(faults()["framing/opcode-3-ignored"].server_class) as url:
            report = check_server(url, options)
        return [f"{result.case.id} {result.case.title}" for result in report.results]

    assert run() == run()


def test_a_fault_that_shows_once_in_a_while_is_flaky() -> None:
    """It is bad, and repeated twice it is not: FLAKY, which only a strict check fails for."""

    class Forgetful(EchoServer):
        """Masks nothing, but overlooks RSV2 the first time."""

        overlooked = threading.Event()

        def check_reserved_bits(self, header: Header) -> None:
            if self.overlooked.is_set():
                super().check_reserved_bits(header)
            self.overlooked.set()

    Forgetful.overlooked.clear()
    with serving(Forgetful) as url:
        report = check_server(url, FIXED._replace(jobs=1, include=("5.2/rsv*", "5.2/*rsv2*")))
    assert report.counts[Verdict.FLAKY] <= 1
    assert report.exit_code == 0
    assert report._replace(strict=True).exit_code == bool(report.counts[Verdict.FLAKY])


# Servers that cannot be checked


def test_nobody_listens() -> None:
    """Exit status 3, a reason, and nothing was run."""
    with refusing_tcp() as url:
        report = check_server(url)
    assert report.exit_code == 3
    assert "refused" in report.problem
    assert not report.results


def test_waiting_until_a_server_listens() -> None:
    """A server that starts a little later is checked all the same."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    done: list[Report] = []
    checking = threading.Thread(
        target=lambda: done.append(
            check_server(
                f"ws://127.0.0.1:{port}/", FIXED._replace(wait=20, include=("5.1",), jobs=1)
            )
        )
    )
    checking.start()
    time.sleep(0.3)
    stop = threading.Event()
    server = threading.Thread(target=_serve_until, args=(port, stop))
    server.start()
    checking.join()
    stop.set()
    server.join()
    assert done[0].exit_code == 0
    assert done[0].results


def _serve_until(port: int, stop: threading.Event) -> None:
    async def run() -> None:
        async with echo_server("127.0.0.1", port):
            while not stop.is_set():
                await asyncio.sleep(0.02)

    asyncio.run(run())


def test_a_server_that_never_answers_costs_one_deadline() -> None:
    """It is given up on after the controls, with exit status 3."""
    begun = time.monotonic()
    with mute_server() as url:
        report = check_server(url, Options(timeout=0.3))
    assert report.exit_code == 3
    assert "no answer" in report.problem
    assert time.monotonic() - begun < 5


def test_a_web_server_is_not_a_websocket_server() -> None:
    """The status that it answers with is named."""
    with mute_server(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") as url:
        report = check_server(url, Options(timeout=0.5))
    assert report.exit_code == 3
    assert "404 Not Found" in report.problem


def test_what_follows_a_server_that_stops_serving_is_blocked() -> None:
    """The case behind which it stopped is told, and the rest is not charged to the server."""

    class Dies(EchoServer):
        """Serves nobody any more once it has seen a reserved opcode."""

        dead = threading.Event()

        def run(self) -> None:
            if self.dead.is_set():
                return
            super().run()

        def check_opcode(self, header: Header) -> None:
            if header.opcode in (3, 4, 5, 6, 7):
                self.dead.set()
            super().check_opcode(header)

    Dies.dead.clear()
    with serving(Dies) as url:
        report = check_server(url, FIXED._replace(jobs=1, include=("5.1", "5.2", "5.4")))
    assert report.exit_code == 1
    assert "does not serve any more" in report.problem
    blamed = [result for result in report.results if result.verdict is Verdict.FAIL]
    assert [result.findings[0].requirement for result in blamed] == ["RFC6455-10.7-01"]
    assert all(
        result.verdict is Verdict.BLOCKED
        for result in report.results
        if result.case.section == "5.4"
    )


@pytest.mark.long
def test_a_server_that_answers_nothing_rightly_fails_for_that() -> None:
    """Pongs with another payload, and no echo: the rest cannot be checked, this can."""

    class Mumbles(EchoServer):
        """Garbles all payloads."""

        def send_frame(
            self, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0
        ) -> None:
            garbled = payload if opcode == 8 else payload[::-1]
            super().send_frame(opcode, garbled, fin=fin, rsv=rsv)

    with serving(Mumbles) as url:
        report = check_server(url, FIXED)
    assert report.exit_code == 1
    assert report.problem
    failed = {
        name
        for result in report.failures
        for name in (*result.case.requirements, result.findings[0].requirement)
    }
    assert {"RFC6455-5.5.2-02", "RFC6455-5.5.3-01"} & failed
    assert report.counts[Verdict.BLOCKED] > 100


# What is run


def test_a_pattern_may_be_a_section_a_case_a_glob_or_a_requirement() -> None:
    """And an excluded pattern is taken out again."""

    def ids(*include: str, exclude: tuple[str, ...] = ()) -> set[str]:
        with running_echo_server() as url:
            report = check_server(url, FIXED._replace(include=include, exclude=exclude))
        return {result.case.id for result in report.results}

    every = {case.id for case in catalogue() if not case.stress}
    assert ids("5.1") == {name for name in every if name.startswith("5.1/")}
    assert ids("5.1/never-masks") == {"5.1/never-masks"}
    assert ids("RFC6455-5.1-04") >= {"5.1/never-masks"}
    assert ids("5.1/*", exclude=("5.1/never-masks",)) == ids("5.1") - {"5.1/never-masks"}
    assert all(name.startswith("7692:7") for name in ids("7692:7.2"))


def test_selecting_nothing_is_a_mistake() -> None:
    """It must not look like a clean server."""
    with running_echo_server() as url, pytest.raises(NothingSelected):
        check_server(url, FIXED._replace(include=("no/such-case",)))


def test_everything_skipped_is_not_clean() -> None:
    """Exit status 3: nothing was run."""
    with running_echo_server(compress=False) as url:
        report = check_server(url, FIXED._replace(include=("7692:7.2.1/messages-inflate",)))
    assert report.counts == {Verdict.SKIP: 1}
    assert report.exit_code == 3


def test_giving_up_after_some_failures() -> None:
    """The cases behind them are skipped, and say why."""
    with serving(faults()["framing/reserved-bits-ignored"].server_class) as url:
        report = check_server(url, FIXED._replace(jobs=1, max_failures=3, include=("5.2",)))
    assert report.counts[Verdict.FAIL] == 3
    assert any("3 cases have failed" in result.note for result in report.results)


def test_a_101_that_waits_for_more_than_the_request_is_a_failure() -> None:
    """Though no conversation can begin as it should."""
    with serving(faults()["handshake/101-awaits-frame"].server_class) as url:
        report = check_server(url, Options(phases=("fixed",)))
    (result,) = report.failures
    (finding,) = result.findings
    assert finding.requirement == "RFC6455-4.2.2-16"
    assert finding.message == "there is no 101 until more is sent than the request"
    assert report.exit_code == 1


# The catalogue


def test_case_ids_name_their_section_and_exist_once() -> None:
    """Such as ``5.1/unmasked-text-frame``; RFC 7692 has a prefix."""
    ids = [case.id for case in catalogue()]
    assert len(set(ids)) == len(ids)
    for name in ids:
        section, slash, rest = name.partition("/")
        assert slash
        assert rest == rest.lower().strip("-")
        assert section.rpartition(":")[0] in ("", "7692", "7936")


def test_every_case_is_about_a_requirement_that_binds_servers() -> None:
    """A rule for clients cannot be broken by a server."""
    for case in catalogue():
        assert requirement(case.requirements[0]).binds_servers, case.id
        assert requirement(case.requirements[0]).observable == "peer", case.id
        assert case.title.endswith("."), case.id


def test_stress_has_a_section_of_its_own() -> None:
    """With all cases that are run only when asked for, and no other."""
    for case in catalogue():
        assert case.stress == (case.section == "stress"), case.id


_PERMISSION = "a permission: the legal variations prove that it is tolerated"
_ONE_EXTENSION = "it takes a second extension, and none that would do is known"
_LIMITS_UNKNOWN = "a server's limits are its own; stress cases tell what they are"

#: Why a requirement with a check has no case of its own.
WITHOUT_CASE = {
    "RFC6455-5.4-06": _PERMISSION,
    "RFC6455-6.1-04": _PERMISSION,
    "RFC6455-7.4.1-05": _PERMISSION,
    "RFC6455-9-02": _PERMISSION,
    "RFC6455-9.1-10": _ONE_EXTENSION,
    "RFC6455-10.7-02": _PERMISSION,
    "RFC6455-11.3.2-02": _PERMISSION,
    "RFC6455-11.3.5-01": _PERMISSION,
    "RFC7692-5-11": _ONE_EXTENSION,
    "RFC7692-5-13": _ONE_EXTENSION,
    "RFC7692-7.1.1.1-04": _PERMISSION,
    "RFC7692-7.1.1.2-02": _PERMISSION,
    "RFC7692-7.1.2.1-06": _PERMISSION,
    "RFC7692-7.1.2.2-03": _PERMISSION,
}


def test_every_requirement_that_can_be_checked_has_a_case() -> None:
    """All entries of the catalogue of requirements that say how they are checked."""
    cited = {name for case in catalogue() for name in case.requirements}
    missing = [
        entry.id
        for entry in requirements().values()
        if entry.check and entry.rfc in (6455, 7692, 7936) and entry.id not in cited
    ]
    assert sorted(missing) == sorted(WITHOUT_CASE)
