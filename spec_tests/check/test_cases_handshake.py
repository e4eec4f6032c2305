"""The cases about the opening handshake (RFC 6455 §4.2 to §4.4, §9, §10, §11; RFC 7936).

Each of them is clean on servers that are right; and each row of the table of ambiguities is
judged in both directions, on records that are written by hand.
"""

from __future__ import annotations

import ssl
from collections.abc import Generator

import pytest
import trustme

from spec_tests.check.faulty.server import EchoServer, Finished, Refused, serving
from spec_tests.check.scripted import (
    case_of,
    server_close,
    server_ping,
    server_pong,
    server_text,
)
from wsref.check.cases import extensions, request, subprotocol, version
from wsref.check.catalogue import Case, Facts
from wsref.check.conversation import Await, Open, Probe, Send, frame
from wsref.check.oracle import judge_server
from wsref.check.peer import Patience, converse
from wsref.check.record import Entry, Kind, Record
from wsref.check.target import Target
from wsref.check.verdicts import Finding, Verdict
from wsref.protocol.handshake import accept_token
from wsref.protocol.opcode import PING
from wsref.serve import running_echo_server

CASES = (*request.CASES, *version.CASES, *subprotocol.CASES, *extensions.CASES)
PATIENCE = Patience(5.0)
HASTE = Patience(0.5)
FACTS = Facts(echoes=True, deflates=True, subprotocol="chat")
TARGET = Target.parse("ws://server.example/")

FAIL, WARN, INFO = Verdict.FAIL, Verdict.WARN, Verdict.INFO

Judged = set[tuple[Verdict, str]]


def one(case_id: str) -> Case:
    """Return the case of this name."""
    return case_of(CASES, case_id)


# Inside TLS


@pytest.fixture(scope="module")
def secure() -> Generator[tuple[Target, Facts]]:
    """Run the reference server behind TLS."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    chain = authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem
    with chain.tempfile() as path:
        context.load_cert_chain(path)
    client = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    with running_echo_server(ssl=context) as url:
        yield (
            Target.parse(url)._replace(ssl_context=client),
            Facts(echoes=True, deflates=True, is_secure=True),
        )


@pytest.mark.parametrize(
    "case_id",
    [
        "4.2.2/no-handshake-in-clear",
        "10.6/handshake-inside-tls",
        "4.2.2/valid-request",
        "4.2.1/absolute-http-target",
        "4.2.1/absolute-https-target",
        "4.2.2/request-byte-by-byte",
    ],
)
def test_a_server_with_tls_is_clean(case_id: str, secure: tuple[Target, Facts]) -> None:
    """Inside TLS everything is as without; in clear text there is no handshake."""
    case, (target, facts) = one(case_id), secure
    record = converse(target, case.steps, PATIENCE, plain=case.plain)
    findings = [*case.judge(record, facts), *judge_server(record)]
    assert not record.unreachable
    assert not [finding for finding in findings if finding.verdict is not INFO]
    assert not record.timeouts


def test_a_handshake_in_clear_text_is_no_alternative_to_tls() -> None:
    """A server that looks for TLS, and does without it, is found out."""
    with running_echo_server() as url:
        record = converse(Target.parse(url), (Open(),), PATIENCE, plain=True)
    case = one("4.2.2/no-handshake-in-clear")
    assert judged(case, record) == {(FAIL, "RFC6455-4.2.2-02")}


# The catalogue


# Records that are written by hand


def head(status: int, *lines: str) -> bytes:
    """Write the head of an answer."""
    return "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status} Text", *lines, "")).encode()


def accepted(case: Case, *lines: str, answers: bytes | None = None, probes: bool = True) -> Record:
    """Return what there is to see if a server accepts the request of a case.

    Args:
        case: its steps are carried out.
        lines: further header lines of the 101.
        answers: the frames behind it; None for the echo of what is sent.
        probes: whether probes are answered.
    """
    return played(case, None, *lines, answers=answers, probes=probes)


def refused(case: Case, data: bytes, *, end: Kind | None = Kind.END) -> Record:
    """Return what there is to see if a server refuses the request of a case."""
    return played(case, data, end=end)


def played(
    case: Case,
    data: bytes | None,
    *lines: str,
    answers: bytes | None = None,
    probes: bool = True,
    end: Kind | None = None,
) -> Record:
    """Carry out a case without a server."""
    first, *rest = case.steps
    assert isinstance(first, Open)
    draft = first.opening.apply(TARGET.draft())
    key = draft.get("Sec-WebSocket-Key")
    entries = [Entry(0.0, Kind.SENT, draft.data + first.behind)]
    sent_probes: dict[int, bytes] = {}
    if data is None:
        fields = ["Upgrade: websocket", "Connection: Upgrade"]
        fields += [f"Sec-WebSocket-Accept: {accept_token(key)}", *lines]
        entries.append(Entry(0.01, Kind.RECEIVED, head(101, *fields) + (answers or b"")))
        for index, step in enumerate(rest, start=1):
            if isinstance(step, Send):
                entries.append(Entry(index / 10, Kind.SENT, step.data, index))
            elif isinstance(step, Await) and answers is None:
                entries.append(Entry(index / 10, Kind.RECEIVED, server_text("Hello"), index))
            elif isinstance(step, Probe):
                sent_probes[index] = b"probe"
                entries.append(Entry(index / 10, Kind.SENT, frame(PING, b"probe"), index))
                if probes:
                    entries.append(Entry(index / 10, Kind.RECEIVED, server_pong(b"probe"), index))
    elif data:
        entries.append(Entry(0.01, Kind.RECEIVED, data))
    entries.append(Entry(1.0, end or Kind.TIMEOUT))
    return Record(entries, key=key, request=draft.data, probes=sent_probes)


def judged(case: Case, record: Record, facts: Facts = FACTS) -> Judged:
    """Judge a record as one of *case*, and as any; return verdicts and requirements."""
    findings: list[Finding] = [*case.judge(record, facts), *judge_server(record)]
    return {(finding.verdict, finding.requirement) for finding in findings}


BAD_REQUEST = head(400, "Content-Length: 0")
UPGRADE_REQUIRED = head(426, "Sec-WebSocket-Version: 13", "Upgrade: websocket")
PAGE = head(200, "Content-Length: 5") + b"Hello"
AGREED = "Sec-WebSocket-Extensions: permessage-deflate"

#: Cases about requests that have to be refused, of each kind.
REFUSED = (
    "4.2.1/method-post",
    "4.2.1/http-1.0",
    "4.2.1/no-host",
    "4.2.1/two-hosts",
    "4.2.1/no-upgrade",
    "4.2.1/upgrade-to-notwebsocket",
    "4.2.1/no-connection",
    "4.2.1/connection-upgraded",
    "4.2.1/no-key",
    "4.2.1/key-of-15-bytes",
    "4.2.1/no-version",
    "4.2.1/space-before-colon-of-host",
    "4.3/version-with-leading-zero",
    "11.3.1/two-keys",
    "11.3.5/version-list-13-8",
)

#: Cases about requests that have to be accepted, of each kind.
ACCEPTED = (
    "4.2.1/absolute-http-target",
    "4.2.1/upgrade-mixed-case",
    "4.2.1/connection-middle",
    "4.2.1/connection-second-line",
    "4.2.1/key-of-plus-signs",
    "4.2.1/headers-reversed",
    "4.2.1/header-names-capitals",
    "4.2.1/unknown-header-empty",
    "4.2.1/no-space-behind-colons",
    "4.2.1/only-mandatory-headers",
    "4.2.2/valid-request",
    "9.1/unknown-extension",
)


@pytest.mark.parametrize("case_id", REFUSED)
class TestRefusing:
    """How a request is refused is graded."""

    @pytest.mark.parametrize("answer", [BAD_REQUEST, UPGRADE_REQUIRED, head(403)])
    def test_an_http_error_is_clean(self, case_id: str, answer: bytes) -> None:
        """400, or another one."""
        assert not judged(one(case_id), refused(one(case_id), answer))

    def test_the_connection_may_stay_open_behind_it(self, case_id: str) -> None:
        """HTTP keeps connections alive."""
        assert not judged(one(case_id), refused(one(case_id), BAD_REQUEST, end=None))

    @pytest.mark.parametrize("end", [Kind.END, Kind.RESET])
    def test_tcp_may_be_closed_without_it(self, case_id: str, end: Kind) -> None:
        """A status is what SHOULD be sent, which cases of their own are about."""
        got = judged(one(case_id), refused(one(case_id), b"", end=end))
        assert got == {(INFO, "RFC6455-10.7-04")}

    def test_a_101_breaks_the_clause(self, case_id: str) -> None:
        """Be it with the right answer to the key."""
        case = one(case_id)
        assert (FAIL, case.requirements[0]) in judged(case, accepted(case))

    def test_a_101_is_none_the_better_for_a_close(self, case_id: str) -> None:
        """To accept and to fail at once is not to refuse."""
        case = one(case_id)
        record = accepted(case, answers=server_close(1002), probes=False)
        assert (FAIL, case.requirements[0]) in judged(case, record)

    def test_silence_is_no_answer(self, case_id: str) -> None:
        """Nothing is said, and nothing closed."""
        got = judged(one(case_id), refused(one(case_id), b"", end=None))
        assert got == {(FAIL, "RFC6455-4.2.1-01")}

    @pytest.mark.parametrize("before", [b"", BAD_REQUEST, head(400) + b"Bad Request\n"])
    def test_a_frame_is_no_answer(self, case_id: str, before: bytes) -> None:
        """A Close, behind an HTTP error or instead of it."""
        got = judged(one(case_id), refused(one(case_id), before + server_close(1002)))
        assert got == {(FAIL, "RFC6455-7.2.2-01")}


@pytest.mark.parametrize("case_id", ACCEPTED)
class TestAccepting:
    """A request that has to be accepted opens a connection that works."""

    def test_a_101_is_clean(self, case_id: str) -> None:
        """And an echo behind it."""
        case = one(case_id)
        assert not judged(case, accepted(case))

    def test_server_frames_may_come_with_the_101(self, case_id: str) -> None:
        """A greeting and a Ping in the same segment."""
        case = one(case_id)
        frames = server_text("welcome") + server_ping() + server_text("Hello")
        record = accepted(case, answers=frames)
        assert not judged(case, record, FACTS._replace(unasked=1))

    @pytest.mark.parametrize("answer", [BAD_REQUEST, UPGRADE_REQUIRED, b""])
    def test_a_refusal_breaks_the_clause(self, case_id: str, answer: bytes) -> None:
        """By an HTTP error, or without."""
        case = one(case_id)
        assert judged(case, refused(case, answer)) == {(FAIL, case.requirements[0])}

    def test_a_connection_that_does_not_work_breaks_it_as_well(self, case_id: str) -> None:
        """The 101 is followed by a Close, or by nothing."""
        case = one(case_id)
        closed = accepted(case, answers=server_close(1002), probes=False)
        mute = accepted(case, answers=b"", probes=False)
        assert judged(case, closed) == judged(case, mute) == {(FAIL, case.requirements[0])}

    def test_a_server_need_not_echo(self, case_id: str) -> None:
        """The Pong is enough."""
        case = one(case_id)
        record = accepted(case, answers=b"")
        assert not judged(case, record, FACTS._replace(echoes=False))


# The table of ambiguities, row by row


class TestUnsupportedVersion:
    """Unsupported or missing version."""

    @pytest.mark.parametrize("status", [400, 426])
    def test_it_is_refused_with_a_list(self, status: int) -> None:
        """With 400 or 426."""
        case = one("4.4/unsupported-version-99")
        assert not judged(case, refused(case, head(status, "Sec-WebSocket-Version: 13")))
        lines = ("sec-websocket-version: 13, 14", "Sec-WebSocket-Version: 25")
        assert not judged(case, refused(case, head(status, *lines)))

    @pytest.mark.parametrize("status", [400, 426])
    def test_without_a_list_it_is_not(self, status: int) -> None:
        """The header is required with any status."""
        case = one("4.4/unsupported-version-99")
        assert judged(case, refused(case, head(status))) == {(FAIL, "RFC6455-4.2.2-07")}

    def test_a_missing_version_needs_no_list(self) -> None:
        """400 or 426, with or without the header."""
        case = one("4.2.1/no-version")
        for answer in (BAD_REQUEST, UPGRADE_REQUIRED):
            assert not judged(case, refused(case, answer))
        assert judged(case, accepted(case)) == {(FAIL, "RFC6455-4.2.1-11")}

    @pytest.mark.parametrize(
        ("listed", "clause"),
        [
            ("8", "RFC6455-4.4-01"),
            ("13, 99", "RFC6455-4.4-01"),
            ("", "RFC6455-4.3-07"),
            ("13, RFC6455", "RFC6455-4.3-07"),
            ("13, 013", "RFC6455-4.3-07"),
            ("13, 256", "RFC6455-4.3-07"),
        ],
    )
    def test_the_list_is_true_and_well_formed(self, listed: str, clause: str) -> None:
        """It has 13, not what was refused, and numbers only."""
        case = one("4.4/unsupported-version-99")
        record = refused(case, head(426, f"Sec-WebSocket-Version: {listed}"))
        assert judged(case, record) == {(FAIL, clause)}

    @pytest.mark.parametrize(
        ("section", "bad", "clause"),
        [
            ("11.3.5/version-in", "Server: x", "RFC6455-11.3.5-04"),
            ("4.4/versions-in", "Sec-WebSocket-Version: 8", "RFC6455-4.4-01"),
            ("4.4/versions-in", "Sec-WebSocket-Version: 13, 254", "RFC6455-4.4-01"),
            ("4.3/versions-in", "Sec-WebSocket-Version: 13; 8", "RFC6455-4.3-07"),
        ],
    )
    def test_what_the_refusal_says(self, section: str, bad: str, clause: str) -> None:
        """Each clause about it has a case of its own."""
        case = one(f"{section}-a-refusal")
        assert not judged(case, refused(case, UPGRADE_REQUIRED))
        assert not judged(case, refused(case, b""))
        assert judged(case, refused(case, head(400, bad))) == {(FAIL, clause)}

    def test_other_answers(self) -> None:
        """A page, a redirection, the end of TCP, silence; 101 for a draft's last version."""
        case = one("4.4/unsupported-version-99")
        assert judged(case, accepted(case)) == {(FAIL, "RFC6455-4.2.2-07")}
        assert judged(case, refused(case, PAGE)) == {(FAIL, "RFC6455-4.2.2-07")}
        assert judged(case, refused(case, head(302))) == {(INFO, "RFC6455-4.2.2-07")}
        assert judged(case, refused(case, b"")) == {(WARN, "RFC6455-4.2.2-07")}
        assert judged(case, refused(case, b"", end=None)) == {(FAIL, "RFC6455-4.2.1-01")}
        draft = one("4.4/unsupported-version-8")
        assert judged(draft, accepted(draft)) == {(WARN, "RFC6455-4.2.2-07")}


@pytest.mark.parametrize(
    "case_id", ["4.2.1/no-upgrade", "4.2.1/connection-keep-alive", "4.2.1/http-1.0"]
)
def test_without_a_usable_upgrade_anything_but_101_will_do(case_id: str) -> None:
    """An ordinary page, a 426, a 505."""
    case = one(case_id)
    for answer in (PAGE, UPGRADE_REQUIRED, head(505), head(301)):
        assert not judged(case, refused(case, answer))
    assert judged(case, accepted(case)) == {(FAIL, case.requirements[0])}


@pytest.mark.parametrize("case_id", ["4.2.1/no-key", "4.2.1/two-hosts", "4.2.1/no-version"])
def test_a_malformed_request_wants_an_error(case_id: str) -> None:
    """A page says that all is well."""
    case = one(case_id)
    assert judged(case, refused(case, PAGE)) == {(WARN, "RFC6455-4.2.1-01")}


def test_pad_bits_of_the_key() -> None:
    """Accepted, if the text is hashed as sent; or refused."""
    case = one("4.2.1/key-with-pad-bits")
    assert not judged(case, accepted(case))
    assert judged(case, refused(case, BAD_REQUEST)) == {(INFO, "RFC6455-4.2.1-10")}
    assert judged(case, refused(case, b"", end=None)) == {(FAIL, "RFC6455-4.2.1-01")}
    normalised = accepted(case)
    normalised.key = "AQIDBAUGBwgJCgsMDQ4PEA=="  # what was sent has other bits
    assert (FAIL, "RFC6455-4.2.2-19") in judged(case, normalised)


@pytest.mark.parametrize(
    ("differing", "identical"),
    [
        ("11.3.1/two-keys", "11.3.1/same-key-twice"),
        ("11.3.1/two-keys-the-other-first", "11.3.1/same-key-twice"),
        ("11.3.5/version-13-and-8-in-two-lines", "11.3.5/same-version-twice"),
        ("11.3.5/version-list-8-13", "11.3.5/version-list-13-13"),
    ],
)
def test_repeated_headers(differing: str, identical: str) -> None:
    """400 or the end of TCP; 101 is an error for values that differ, else a warning."""
    for case_id, verdict in ((differing, FAIL), (identical, WARN)):
        case = one(case_id)
        assert not judged(case, refused(case, BAD_REQUEST))
        assert {verdict for verdict, _clause in judged(case, refused(case, b""))} == {INFO}
        record = accepted(case)
        record.key = TARGET.draft().get("Sec-WebSocket-Key")
        assert (verdict, case.requirements[0]) in judged(case, record)


def test_upgrade_is_a_list() -> None:
    """101, or a refusal with a warning."""
    case = one("4.2.1/upgrade-list-last")
    assert not judged(case, accepted(case))
    assert judged(case, refused(case, BAD_REQUEST)) == {(WARN, "RFC6455-4.2.1-19")}


class TestSubprotocols:
    """Offered subprotocols, none supported."""

    def test_a_101_without_the_header_is_clean(self) -> None:
        """So is a refusal, since an application may insist."""
        case = one("4.2.2/unknown-subprotocol")
        assert not judged(case, accepted(case))
        assert judged(case, refused(case, BAD_REQUEST)) == {(INFO, "RFC6455-4.2.2-10")}

    def test_an_application_may_take_any(self) -> None:
        """It is one of those offered, after all."""
        case = one("4.2.2/unknown-subprotocol")
        record = accepted(case, "Sec-WebSocket-Protocol: x-wsref-7f3a")
        assert judged(case, record) == {(INFO, "RFC6455-4.2.2-10")}

    @pytest.mark.parametrize(
        ("value", "clause"),
        [
            ("chat", "RFC6455-4.2.2-09"),
            ("X-WSREF-7F3A", "RFC6455-4.2.2-09"),
            ("", "RFC6455-4.2.2-11"),
            ("x-wsref-7f3a, x-wsref-91c0", "RFC6455-4.2.2-12"),
        ],
    )
    def test_anything_else_breaks_a_clause(self, value: str, clause: str) -> None:
        """Another one, an empty one, two of them."""
        case = one("4.2.2/two-unknown-subprotocols")
        record = accepted(case, f"Sec-WebSocket-Protocol: {value}")
        assert (FAIL, clause) in judged(case, record)

    @pytest.mark.parametrize(
        "case_id",
        [
            "11.3.4/known-subprotocol-in-second-line",
            "11.3.4/known-subprotocol-in-first-line",
            "11.3.4/known-subprotocols-in-lines-of-their-own",
        ],
    )
    def test_lines_are_one_list(self, case_id: str) -> None:
        """The choice is the same as from a single line."""
        case = one(case_id)
        clause = "RFC6455-11.3.4-02"
        assert not judged(case, accepted(case, "Sec-WebSocket-Protocol: chat"))
        assert judged(case, accepted(case)) == {(FAIL, clause)}
        assert judged(case, refused(case, BAD_REQUEST)) == {(FAIL, clause)}
        other = accepted(case, "Sec-WebSocket-Protocol: superchat")
        assert judged(case, other) == {(INFO, clause)}

    def test_a_server_that_takes_any_is_clean(self) -> None:
        """It may choose the unknown one of the first line."""
        case = one("11.3.4/known-subprotocol-in-second-line")
        assert not judged(case, accepted(case, "Sec-WebSocket-Protocol: x-wsref-7f3a"))

    def test_case_matters(self) -> None:
        """CHAT is not chat, except for a server that knows both or takes any."""
        case = one("7936:2/known-subprotocol-in-other-case")
        assert not judged(case, accepted(case))
        assert not judged(case, accepted(case, "Sec-WebSocket-Protocol: x-wsref-7f3a"))
        folded = accepted(case, "Sec-WebSocket-Protocol: CHAT")
        assert judged(case, folded) == {(FAIL, "RFC7936-2-01")}
        respelt = accepted(case, "Sec-WebSocket-Protocol: chat")
        assert judged(case, respelt) == {(FAIL, "RFC6455-4.2.2-09")}

    def test_what_is_no_token_is_not_chosen(self) -> None:
        """It is refused, or ignored."""
        case = one("4.3/subprotocol-of-two-words")
        assert not judged(case, refused(case, BAD_REQUEST))
        assert not judged(case, accepted(case))
        taken = accepted(case, "Sec-WebSocket-Protocol: bad proto")
        assert (FAIL, "RFC6455-4.3-06") in judged(case, taken)
        partly = one("4.3/subprotocols-and-two-words")
        taken = accepted(partly, "Sec-WebSocket-Protocol: chat")
        assert judged(partly, taken) == {(WARN, "RFC6455-4.3-06")}


class TestExtensions:
    """Extensions header that breaks the grammar."""

    @pytest.mark.parametrize(
        "case_id",
        [
            "9.1/only-separators",
            "9.1/parameter-without-name",
            "9.1/parameter-without-value",
            "9.1/parameter-of-two-words",
            "9.1/quoted-value-of-two-words",
            "9.1/in-second-line",
        ],
    )
    def test_it_is_refused(self, case_id: str) -> None:
        """Ignoring it is a warning, agreement an error."""
        case = one(case_id)
        clause = case.requirements[0]
        assert not judged(case, refused(case, BAD_REQUEST))
        assert judged(case, accepted(case)) == {(WARN, clause)}
        assert (FAIL, clause) in judged(case, accepted(case, AGREED))

    def test_a_server_without_extensions_may_ignore_it(self) -> None:
        """It does not read the header at all."""
        case = one("9.1/only-separators")
        facts = FACTS._replace(deflates=False)
        assert judged(case, accepted(case), facts) == {(INFO, "RFC6455-9.1-01")}

    @pytest.mark.parametrize(
        ("case_id", "verdict", "clause"),
        [
            ("9.1/known-extension-in-second-line", FAIL, "RFC6455-9.1-04"),
            ("9.1/quoted-value-of-15", FAIL, "RFC6455-9.1-02"),
            ("9.1/quoted-value-of-a-window", INFO, "RFC6455-9.1-02"),
            ("9.1/unknown-extension-first", WARN, "RFC6455-9.1-11"),
            ("9.1/no-white-space", WARN, "RFC6455-4.3-02"),
            ("9.1/empty-element-first", INFO, "RFC6455-4.3-02"),
        ],
    )
    def test_what_is_valid_is_agreed_on(self, case_id: str, verdict: Verdict, clause: str) -> None:
        """By a server that agrees on a plainer offer; others may decline."""
        case = one(case_id)
        agreed = AGREED
        if "window" in case_id:
            agreed += "; server_max_window_bits=10"
        assert not judged(case, accepted(case, agreed))
        assert judged(case, accepted(case)) == {(verdict, clause)}
        assert not judged(case, accepted(case), FACTS._replace(deflates=False))
        assert judged(case, refused(case, BAD_REQUEST)) == {(FAIL, clause)}

    def test_what_nobody_knows_is_not_agreed_on(self) -> None:
        """Neither by its own name nor by another."""
        case = one("9.1/unknown-extension")
        for name in ("x-wsref", "permessage-deflate"):
            record = accepted(case, f"Sec-WebSocket-Extensions: {name}")
            assert (FAIL, "RFC6455-9.1-11") in judged(case, record)


class TestOrigin:
    """Any origin, where no policy is stated."""

    def test_it_may_be_accepted_or_refused(self) -> None:
        """A refusal is by HTTP, best with 403."""
        case = one("10.2/foreign-origin")
        assert not judged(case, accepted(case))
        assert judged(case, refused(case, head(403))) == {(INFO, "RFC6455-10.2-01")}
        assert judged(case, refused(case, head(400))) == {(WARN, "RFC6455-10.2-02")}
        assert judged(case, refused(case, b"")) == {(INFO, "RFC6455-10.7-04")}

    def test_a_close_behind_the_101_is_no_refusal(self) -> None:
        """The server has accepted what it did not want."""
        case = one("10.2/foreign-origin")
        record = accepted(case, answers=server_close(1008), probes=False)
        assert judged(case, record) == {(FAIL, "RFC6455-4.2.2-06")}


class TestEarlyBytes:
    """Bytes from the client right behind its request."""

    def test_they_are_kept_or_the_request_is_refused(self) -> None:
        """The client was wrong to send early."""
        case = one("4.2.2/text-with-request")
        assert not judged(case, accepted(case, answers=server_text("early")))
        assert judged(case, refused(case, BAD_REQUEST)) == {(INFO, "RFC6455-4.1-38")}

    @pytest.mark.parametrize("name", ["text", "ping", "half-a-frame", "several-frames", "close"])
    def test_they_should_not_be_lost(self, name: str) -> None:
        """A 101, and then nothing is answered but the probe."""
        case = one(f"4.2.2/{name}-with-request")
        assert judged(case, accepted(case, answers=b"")) == {(WARN, "RFC6455-6.2-01")}


# Other matters that are not in the table


def test_optional_headers_may_be_a_policy() -> None:
    """To refuse a request without them as malformed is another thing."""
    case = one("4.2.1/no-origin")
    for status in (401, 403, 302):
        assert judged(case, refused(case, head(status))) == {(INFO, "RFC6455-4.2.1-17")}
    assert judged(case, refused(case, head(400))) == {(FAIL, "RFC6455-4.2.1-17")}


@pytest.mark.parametrize("name", ["1.2", "2.0"])
def test_a_higher_version_of_http_may_be_refused(name: str) -> None:
    """HTTP leaves it to the server."""
    case = one(f"4.2.1/http-{name}")
    assert not judged(case, accepted(case))
    assert judged(case, refused(case, head(505))) == {(INFO, "RFC6455-4.2.1-03")}


def test_an_https_target_without_tls_may_be_refused() -> None:
    """HTTP says that it has to be; with TLS it is like any other."""
    case = one("4.2.1/absolute-https-target")
    assert judged(case, refused(case, head(421))) == {(INFO, "RFC6455-4.2.1-16")}
    secure = FACTS._replace(is_secure=True)
    assert judged(case, refused(case, head(421)), secure) == {(FAIL, "RFC6455-4.2.1-16")}


@pytest.mark.parametrize("name", ["bare-lf", "folded-header", "nul-in-value", "empty-line-first"])
def test_leniency_that_http_permits(name: str) -> None:
    """RFC 9112 lets a recipient refuse these, or read on."""
    case = one(f"4.2.1/{name}")
    assert not judged(case, accepted(case))
    assert not judged(case, refused(case, BAD_REQUEST))
    assert judged(case, refused(case, b"", end=None)) == {(INFO, "RFC6455-10.7-04")}
    broken = accepted(case, answers=server_close(1002), probes=False)
    assert judged(case, broken) == {(FAIL, "RFC6455-4.2.1-18")}


def test_any_path_may_be_served() -> None:
    """Whether it exists is the server's business; it is only said."""
    case = one("4.2.2/unknown-resource")
    assert not judged(case, refused(case, head(404)))
    assert judged(case, accepted(case)) == {(INFO, "RFC6455-4.2.2-08")}


def test_large_requests_may_be_refused() -> None:
    """A request of 4000 bytes only as too large, one of 20 KiB in any way."""
    small, large = one("4.2.1/unknown-header-of-4000-bytes"), one("4.2.1/head-of-20-kib")
    for answer in (BAD_REQUEST, head(431), b""):
        assert {verdict for verdict, _clause in judged(large, refused(large, answer))} == {INFO}
    assert judged(small, refused(small, head(431))) == {(INFO, "RFC6455-4.2.1-14")}
    assert judged(small, refused(small, BAD_REQUEST)) == {(FAIL, "RFC6455-4.2.1-14")}


def test_a_value_that_is_not_ascii_is_ignored() -> None:
    """An HTTP error is a warning, a connection that is dropped an error."""
    case = one("4.2.1/unknown-header-in-latin-1")
    assert not judged(case, accepted(case))
    assert judged(case, refused(case, BAD_REQUEST)) == {(WARN, "RFC6455-4.2.1-14")}
    assert judged(case, refused(case, b"")) == {(FAIL, "RFC6455-4.2.1-14")}


def test_a_bad_request_should_be_answered_by_a_status() -> None:
    """RFC 6455 §10.7 says so in a SHOULD."""
    case = one("10.7/status-for-a-bad-key")
    assert not judged(case, refused(case, BAD_REQUEST))
    assert judged(case, refused(case, b"")) == {(WARN, "RFC6455-10.7-04")}


class TestAroundThe101:
    """Nothing before the 101, nothing but frames behind it."""

    def test_frames_are_clean(self) -> None:
        """In the same segment or later, or none at all."""
        case = one("4.2.2/nothing-but-frames")
        assert not judged(case, accepted(case))
        frames = server_ping() + server_text("Hello")
        assert not judged(case, accepted(case, answers=frames))

    def test_a_bad_frame_is_another_matter(self) -> None:
        """It breaks the clauses about frames."""
        case = one("4.2.2/nothing-but-frames")
        for frames in (b"\x81\x80abcd", b"\xf1\x00", b"\x8b\x00", b"\x80\x00"):
            assert not list(case.judge(accepted(case, answers=frames), FACTS))

    @pytest.mark.parametrize("behind", [b"\r\n", b"\x00", b"OK\n", b"<html>", b"HTTP/1.1 101 X"])
    def test_anything_else_is_not(self, behind: bytes) -> None:
        """An empty line, a NUL, a body, another head."""
        case = one("4.2.2/nothing-but-frames")
        record = accepted(case, answers=behind, probes=False)
        assert (FAIL, "RFC6455-4.2.2-23") in judged(case, record)

    def test_nothing_comes_before(self) -> None:
        """A Ping ahead of the status line."""
        case = one("4.2.2/nothing-but-frames")
        record = accepted(case)
        entries = list(record.entries)
        entries[1] = entries[1]._replace(data=server_ping(b"hi") + entries[1].data)
        record = Record(entries, key=record.key, request=record.request, probes=record.probes)
        assert (FAIL, "RFC6455-4.2.2-23") in judged(case, record)

    def test_a_101_has_no_body(self) -> None:
        """HTTP forbids to announce one."""
        case = one("4.2.2/nothing-but-frames")
        record = accepted(case, "Content-Length: 0")
        assert judged(case, record) == {(INFO, "RFC6455-4.2.2-23")}


# Servers with a fault that needs more than one answer to show


class AnswersAfterRefusal(EchoServer):
    """Refuses a request, and answers frames all the same."""

    def refuse(self, refusal: Refused) -> None:
        """Send an HTTP error, and go on."""
        super().refuse(refusal)
        self.receive_frames()


class ClosesAfterRefusal(EchoServer):
    """Sends a Close some time after an HTTP error."""

    def refuse(self, refusal: Refused) -> None:
        """Send both."""
        super().refuse(refusal)
        self.wait(0.002)
        self.send(server_close(1002))


class AnswersTooEarly(EchoServer):
    """Answers the request when it has seen the key, whatever may follow."""

    def find_end_of_head(self) -> int | None:
        """Look for the key's line, and for the version's."""
        lines = bytes(self.buffer).split(b"\r\n")
        seen = [line for line in lines[:-1] if line.startswith(b"Sec-WebSocket-")]
        if len(seen) < 2:
            return None
        return self.buffer.find(b"\r\n", self.buffer.find(seen[1]))


class WantsNoOrigin(EchoServer):
    """Accepts a request with an Origin, and ends the connection at once."""

    def on_open(self) -> None:
        """Send a Close."""
        if self.values("Origin"):
            self.send(server_close(1008))
            raise Finished


@pytest.mark.parametrize(
    ("server_class", "case_id", "clause"),
    [
        (AnswersAfterRefusal, "7.2.2/no-service-behind-a-refusal-of-a-key", "RFC6455-7.2.2-01"),
        (ClosesAfterRefusal, "7.2.2/refusal-without-frames", "RFC6455-7.2.2-01"),
        (AnswersTooEarly, "4.2.2/request-byte-by-byte", "RFC6455-4.2.2-01"),
        (WantsNoOrigin, "10.2/foreign-origin", "RFC6455-4.2.2-06"),
    ],
)
def test_faults_that_take_more_than_an_answer(
    server_class: type[EchoServer], case_id: str, clause: str
) -> None:
    """They show on a live server."""
    case = one(case_id)
    with serving(server_class) as url:
        record = converse(Target.parse(url), case.steps, HASTE)
    assert (FAIL, clause) in judged(case, record)
