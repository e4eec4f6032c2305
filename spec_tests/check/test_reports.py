"""The reports that ``wsref check`` writes: whole, valid, self-contained, without credentials."""

from __future__ import annotations

import json
import re
import shlex
from base64 import b64encode
from collections.abc import Collection
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator, validate

from autobahn.results import read_shard
from wsref.check import Case, Facts, Finding, Options, Report, Result, Verdict, check_server
from wsref.check.conversation import close, frame, text
from wsref.check.record import Entry, Kind, Record
from wsref.check.reports import FORMATS, MissingLibrary, check_formats, redacted, write_reports
from wsref.check.reports.json import schema
from wsref.check.trace_format import conversations_from_lines
from wsref.serve import running_echo_server

BASIC = b64encode(b"aladdin:open sesame").decode()
REQUEST = (
    "GET /chat HTTP/1.1\r\nHost: example.com\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n"
    f"authorization : Basic {BASIC}\r\nCookie: sid=sesame-street; theme=dark\r\n\r\n"
).encode()
ANSWER = b"HTTP/1.1 101 <b>Hi</b>\r\nSet-Cookie: token=abcdefgh;\r\n  Path=/\r\nServer: x\r\n\r\n"
SECRETS = ("aladdin", "sesame", BASIC, "abcdefgh")

UNMASKED = "RFC6455-5.1-02"
SHORTEST = "RFC6455-5.2-11"
CLOSING = "RFC6455-5.5.1-09"


def conversation(*more: Entry) -> Record:
    """Return a conversation whose opening handshake has credentials and came in two pieces."""
    return Record(
        (
            Entry(0.0, Kind.SENT, REQUEST, 0, "the opening handshake"),
            Entry(0.001, Kind.RECEIVED, ANSWER[:45]),
            Entry(0.002, Kind.RECEIVED, ANSWER[45:]),
            *more,
        ),
        key="AQIDBAUGBwgJCgsMDQ4PEA==",
        request=REQUEST,
        probes={2: b"probe"},
    )


UNMASKED_TALK = conversation(
    Entry(0.003, Kind.SENT, text("Hello", key=b""), 1, "a text frame, MASK 0"),
    Entry(0.004, Kind.SENT, frame(9, b"probe", key=b"abcd"), 2, "is the connection alive?"),
    Entry(0.005, Kind.RECEIVED, b"\x8a\x85abcd" + bytes(5), 2),
    Entry(0.2555, Kind.TIMEOUT, b"", 2),
)


def result(
    name: str,
    verdict: Verdict,
    *findings: Finding,
    record: Record | None = None,
    note: str = "",
    about: str = UNMASKED,
    **more: str,
) -> Result:
    """Return the result of a case that does nothing."""

    def judge(_record: Record, _facts: Facts) -> tuple[Finding, ...]:
        return ()

    case = Case(name, (about,), f"What {name} wants.", (), judge)
    return Result(case, verdict, findings, record, note, **more)


def report(*results: Result, **changes: Any) -> Report:
    """Return a report on these results."""
    made = Report(
        url="ws://example.com:9001/chat?a=1&b=2",
        version="9.9",
        started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        duration=1.25,
        seed=4817,
        strict=False,
        server="Demo/1.0 <i>",
        facts=Facts(echoes=True, subprotocol="chat", round_trip=0.0004),
        problem="",
        controls=(conversation(),),
        results=results,
    )
    return made._replace(**changes)


EVERYTHING = report(
    result(
        "5.1/unmasked",
        Verdict.FAIL,
        Finding(Verdict.FAIL, UNMASKED, "it goes on, <script>alert(1)</script> ]]> \0 \ud800"),
        record=UNMASKED_TALK,
        repeats="2/2",
        shrunk="from 9 frames",
        replay="w1.abc",
    ),
    result(
        "5.1/again", Verdict.FAIL, Finding(Verdict.FAIL, UNMASKED, "again"), record=UNMASKED_TALK
    ),
    result("5.1/better", Verdict.XPASS, note="FAIL was expected (known), and it is PASS"),
    result("5.2/long", Verdict.WARN, Finding(Verdict.WARN, SHORTEST, "too long"), about=SHORTEST),
    result(
        "5.5.1/no-answer",
        Verdict.FLAKY,
        Finding(Verdict.FAIL, CLOSING, "no Close came"),
        record=conversation(
            Entry(0.003, Kind.SENT, close(1000), 1),
            Entry(0.01, Kind.RECEIVED, b"\x88\x02\x03\xe8", 1),
        ),
        about=CLOSING,
        note="once in three times",
    ),
    result("7.1/blocked", Verdict.BLOCKED, note="the server does not serve any more"),
    result("7.1/known", Verdict.EXPECTED, Finding(Verdict.FAIL, UNMASKED, "known"), note="reason"),
    result("7692:7.2/a", Verdict.INFO, Finding(Verdict.INFO, UNMASKED, "a note")),
    result("7692:7.2/A", Verdict.PASS, record=conversation()),
    result("generated/1", Verdict.SKIP, note="it does not echo"),
)


def written(
    directory: Path, formats: Collection[str], *reports: Report, redact: bool = True
) -> dict[str, str]:
    """Write reports; return the texts by the names of their files."""
    paths = write_reports(reports, formats, directory, redact=redact)
    return {path.name: path.read_text("utf-8") for path in paths}


# All of them


def test_every_format_has_its_file(tmp_path: Path) -> None:
    """The directory is made, and JSON brings Autobahn's index along."""
    paths = write_reports([EVERYTHING], ["ndjson", "json", "html", "junit"], tmp_path / "a" / "b")
    assert {path.name for path in paths} == set(FORMATS.values())
    assert all(path.parent == tmp_path / "a" / "b" and path.is_file() for path in paths)


def test_an_unknown_format_is_named(tmp_path: Path) -> None:
    """Before anything is written."""
    with pytest.raises(ValueError, match="there is no report format 'pdf', only html, json, "):
        write_reports([EVERYTHING], ["json", "pdf"], tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that gets it; other formats do not need it."""

    def find_spec(_name: str) -> None:
        return None

    monkeypatch.setattr("wsref.check.reports.find_spec", find_spec)
    check_formats(["json", "junit", "ndjson", "autobahn"])
    with pytest.raises(MissingLibrary) as caught:
        check_formats(["html"])
    assert str(caught.value) == 'the HTML report needs jinja2: pip install "wsref[check]"'


def test_a_real_check_can_be_reported(tmp_path: Path) -> None:
    """The reference server's is clean, and every conversation is there."""
    with running_echo_server() as url:
        found = check_server(url, Options(include=("5.1", "5.5.2"), phases=("fixed",)))
    texts = written(tmp_path, ["html", "json", "junit", "ndjson"], found)
    server = json.loads(texts["report.json"])["servers"][0]
    assert server["exit_code"] == 0
    assert {result["verdict"] for result in server["results"]} == {"PASS"}
    assert ">Clean</h1>" in texts["report.html"]
    names = [one.name for one in conversations_from_lines(texts["report.ndjson"].splitlines())]
    assert len(names) == len(found.controls) + len(found.results)
    assert ElementTree.fromstring(texts["junit.xml"]).get("failures") == "0"


# Credentials


@pytest.mark.parametrize("format_name", FORMATS)
def test_no_credential_is_in_a_report(tmp_path: Path, format_name: str) -> None:
    """Neither in heads, even cut in two or folded, nor in words or frames that repeat them."""
    page = b"HTTP/1.1 400 No\r\n\r\nYou sent authorization: Basic " + BASIC.encode()
    refused = conversation()
    refused = Record((refused.entries[0], Entry(0.1, Kind.RECEIVED, page)), key="", request=REQUEST)
    echoed = conversation(Entry(0.1, Kind.RECEIVED, b"\x81\x13aladdin:open sesame", 1))
    said = Finding(Verdict.FAIL, UNMASKED, f"it says Basic {BASIC} and aladdin:open sesame")
    told = report(
        result("5.1/a", Verdict.FAIL, said, record=refused, note="Cookie sid=sesame-street"),
        result("5.1/b", Verdict.FAIL, said, record=echoed),
        url="wss://aladdin:open%20sesame@example.com/",
        problem="the proxy http://aladdin:sesame@proxy refused",
    )
    write_reports([told], [format_name], tmp_path)
    for path in tmp_path.rglob("*.*"):
        shown = path.read_text("utf-8")
        for secret in SECRETS:
            assert secret not in shown
            assert secret.encode().hex() not in shown
            assert secret.encode().hex(" ") not in shown


def test_credentials_are_there_if_they_are_asked_for(tmp_path: Path) -> None:
    """Without redaction all bytes are as they were."""
    texts = written(tmp_path, ["json"], EVERYTHING, redact=False)
    entry = json.loads(texts["report.json"])["servers"][0]["results"][0]["conversation"]["entries"][
        0
    ]
    assert bytes.fromhex(entry["hex"]) == REQUEST


@pytest.mark.parametrize(
    ("head", "secrets"),
    [
        ("Authorization: Bearer abc.def-123", ["abc.def-123"]),
        ("Proxy-Authorization: Basic %%%", ["%%%"]),
        ("AUTHORIZATION:opaque-token", ["opaque-token"]),
        ("Authorization: Basic YTpi", ["YTpi"]),
        ("Origin: http://user:hidden@example.com", ["user:hidden"]),
        ("Cookie: first=12345; second=67890", ["12345", "67890"]),
    ],
)
def test_credentials_of_every_form_are_hidden(head: str, secrets: list[str]) -> None:
    """Where they are sent, and where a finding repeats them."""
    request = f"GET / HTTP/1.1\r\n{head}\r\n\r\n".encode()
    name, _colon, value = head.partition(":")
    said = Finding(Verdict.FAIL, UNMASKED, f"it answers {value.strip()}")
    record = Record((Entry(0.0, Kind.SENT, request),), request=request)
    told = redacted(report(result("5.1/a", Verdict.FAIL, said, record=record), controls=()))
    (after,) = told.results
    assert after.record is not None
    for secret in secrets:
        assert secret.encode() not in after.record.sent
        assert secret not in after.findings[0].message
    assert f"{name}:".encode() in after.record.sent


def test_a_redacted_conversation_is_still_one() -> None:
    """Heads and frames are read as before, and everything else is what it was."""
    before = conversation(
        Entry(0.1, Kind.RECEIVED, b"\x81\x13aladdin:open", 1),
        Entry(0.2, Kind.RECEIVED, b" sesame\x8a\x00", 1),
    )
    after = redacted(report(result("5.1/a", Verdict.PASS, record=before))).results[0].record
    assert after is not None
    assert b"authorization : ***\r\nCookie: ***\r\n\r\n" in after.sent
    assert after.sent == after.request
    assert b"Set-Cookie: ***\r\nServer: x" in after.head
    assert after.key == before.key
    assert [(one.opcode, one.payload) for one in after.frames] == [(1, b"*" * 19), (10, b"")]
    assert [entry.time for entry in after.entries] == [entry.time for entry in before.entries]


# JSON


def strict_schema() -> Any:
    """Return the schema, with no field allowed that it does not name."""

    def closed(value: object) -> object:
        if isinstance(value, list):
            return [closed(one) for one in cast("list[object]", value)]
        if not isinstance(value, dict):
            return value
        fields = cast("dict[str, object]", value)
        made = {name: closed(one) for name, one in fields.items()}
        if isinstance(made.get("properties"), dict) and isinstance(made.get("required"), list):
            made["additionalProperties"] = False
        return made

    return closed(json.loads(schema()))


def test_the_json_report_is_as_its_schema_says(tmp_path: Path) -> None:
    """With every verdict, with nothing run, and with a server that was not reached."""
    failed = report(facts=None, problem="no connection", controls=(Record((), unreachable="no"),))
    texts = written(tmp_path, ["json"], EVERYTHING, failed, report())
    document = json.loads(texts["report.json"])
    Draft202012Validator.check_schema(json.loads(schema()))
    validate(document, strict_schema(), Draft202012Validator)
    assert document["format"] == "wsref-report-1"
    assert [server["exit_code"] for server in document["servers"]] == [1, 3, 3]
    assert document["exit_code"] == 1


def test_the_json_report_has_what_was_said(tmp_path: Path) -> None:
    """Both directions with times, both heads, the fault, and the verdict on the clause."""
    server = json.loads(written(tmp_path, ["json"], EVERYTHING)["report.json"])["servers"][0]
    first = server["results"][0]
    said = first["conversation"]
    assert said["request_head"].startswith("GET /chat HTTP/1.1\r\nHost: example.com\r\n")
    assert said["response_head"].startswith("HTTP/1.1 101 <b>Hi</b>\r\n")
    assert said["status"] == 101
    assert said["entries"][3] == {
        "time": 0.003,
        "kind": "sent",
        "hex": "810548656c6c6f",
        "step": 1,
        "note": "a text frame, MASK 0",
    }
    assert [entry["kind"] for entry in said["entries"]][-2:] == ["received", "timeout"]
    assert first["findings"][0]["url"] == "https://www.rfc-editor.org/rfc/rfc6455#section-5.1"
    assert first["replay"] == "w1.abc"
    assert server["faults"][0]["cases"] == ["5.1/unmasked", "5.1/again"]
    assert server["faults"][0]["level"] == "MUST"
    ledger = {entry["requirement"]: entry["verdict"] for entry in server["ledger"]}
    assert ledger[UNMASKED] == "FAIL"
    assert ledger[SHORTEST] == "WARN"
    assert ledger["RFC6455-5.4-07"] is None
    assert server["facts"]["round_trip"] == 0.0004
    assert server["counts"]["FAIL"] == 2


# The layout of Autobahn's reports


def test_the_index_is_read_like_autobahns(tmp_path: Path) -> None:
    """By the reader that this repository has for it."""
    write_reports([EVERYTHING, EVERYTHING], ["autobahn"], tmp_path)
    cases = read_shard(tmp_path, EVERYTHING.url)
    assert {case.case: (case.behavior, case.behavior_close) for case in cases} == {
        "5.1/unmasked": ("FAILED", "OK"),
        "5.1/again": ("FAILED", "OK"),
        "5.1/better": ("FAILED", "OK"),
        "5.2/long": ("NON-STRICT", "OK"),
        "5.5.1/no-answer": ("OK", "NON-STRICT"),
        "7.1/blocked": ("FAILED", "OK"),
        "7.1/known": ("NON-STRICT", "OK"),
        "7692:7.2/a": ("INFORMATIONAL", "OK"),
        "7692:7.2/A": ("OK", "OK"),
        "generated/1": ("UNIMPLEMENTED", "UNIMPLEMENTED"),
    }
    assert cases[0].milliseconds == 256
    assert cases[1].message == "again (RFC6455-5.1-02) no Close, TCP was open"
    assert len(read_shard(tmp_path, f"{EVERYTHING.url} #2")) == len(cases)
    index = json.loads((tmp_path / "index.json").read_text("utf-8"))
    entry = index[EVERYTHING.url]["5.5.1/no-answer"]
    assert set(entry) == {
        "behavior", "behaviorClose", "duration", "remoteCloseCode", "reportfile",
    }  # fmt: skip
    assert entry["remoteCloseCode"] == 1000
    names = [case["reportfile"] for agent in index.values() for case in agent.values()]
    assert len({name.lower() for name in names}) == 2 * len(cases)
    assert all(re.fullmatch(r"cases/[a-z0-9._-]+\.json", name) for name in names)


def test_warnings_fail_in_the_index_if_they_count(tmp_path: Path) -> None:
    """As they do for the exit status."""
    write_reports([EVERYTHING._replace(strict=True)], ["autobahn"], tmp_path)
    cases = {case.case: case for case in read_shard(tmp_path, EVERYTHING.url)}
    assert cases["5.2/long"].behavior == "FAILED"
    assert cases["5.5.1/no-answer"].behavior_close == "FAILED"


# JUnit


def test_the_junit_report_is_as_it_was_agreed_on(tmp_path: Path) -> None:
    """Byte by byte, as in ``golden_junit.xml``."""
    told = report(
        EVERYTHING.results[0],
        result("5.1/fine", Verdict.PASS),
        EVERYTHING.results[-1],
        facts=None,
    )
    golden = Path(__file__).with_name("golden_junit.xml").read_text("utf-8")
    assert written(tmp_path, ["junit"], told)["junit.xml"] == golden


def outcome(case: ElementTree.Element) -> str:
    """Return what a CI system makes of a test case."""
    found = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
    assert len(found) <= 1
    return found[0] if found else "passed"


@pytest.mark.parametrize("strict", [False, True])
def test_ci_systems_get_the_verdicts(tmp_path: Path, strict: bool) -> None:
    """WARN and FLAKY are failures only if they count."""
    told = EVERYTHING._replace(strict=strict)
    root = ElementTree.fromstring(written(tmp_path, ["junit"], told)["junit.xml"])
    counting = "failure" if strict else "passed"
    assert {case.get("name"): outcome(case) for case in root.iter("testcase")} == {
        "5.1/unmasked": "failure",
        "5.1/again": "failure",
        "5.1/better": "failure",
        "5.2/long": counting,
        "5.5.1/no-answer": counting,
        "7.1/blocked": "error",
        "7.1/known": "passed",
        "7692:7.2/a": "passed",
        "7692:7.2/A": "passed",
        "generated/1": "skipped",
    }
    for element in (root, *root):
        cases = list(element.iter("testcase"))
        assert element.get("tests") == str(len(cases))
        for attribute, kind in (
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ):
            assert element.get(attribute) == str([outcome(case) for case in cases].count(kind))
    outputs = {case.get("name"): case.findtext("system-out") for case in root.iter("testcase")}
    assert outputs["7692:7.2/a"] == f"INFO: What 7692:7.2/a wants.\nINFO: a note ({UNMASKED})"
    assert outputs["7692:7.2/A"] is None


def test_a_server_that_was_not_checked_is_an_error(tmp_path: Path) -> None:
    """An empty file would look like success."""
    told = report(problem="no connection to example.com port 9001")
    root = ElementTree.fromstring(written(tmp_path, ["junit"], told)["junit.xml"])
    (case,) = root.iter("testcase")
    error = case.find("error")
    assert error is not None
    assert error.get("message") == "no connection to example.com port 9001"
    assert root.get("errors") == "1"


def test_test_cases_of_several_servers_have_names_of_their_own(tmp_path: Path) -> None:
    """Else CI systems take them for one."""
    other = EVERYTHING._replace(url="wss://other.example/")
    root = ElementTree.fromstring(written(tmp_path, ["junit"], EVERYTHING, other)["junit.xml"])
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(names)) == len(names) == 20
    assert ("wsref.other_example.rfc6455.5_1", "5.1/again") in names


# NDJSON


def test_ndjson_has_an_object_on_each_line(tmp_path: Path) -> None:
    """The server, every case before its conversation, and the end."""
    lines = written(tmp_path, ["ndjson"], EVERYTHING)["report.ndjson"].splitlines()
    objects = [json.loads(line) for line in lines]
    assert all(isinstance(one, dict) for one in objects)
    assert objects[0]["type"] == "begin"
    assert objects[0]["url"] == EVERYTHING.url
    assert objects[-1]["type"] == "end"
    assert objects[-1]["exit_code"] == 1
    cases = [one for one in objects if one["type"] == "case"]
    assert [one["id"] for one in cases] == [one.case.id for one in EVERYTHING.results]
    assert cases[0]["findings"][0]["requirement"] == UNMASKED
    begun = [i for i, one in enumerate(objects) if one["type"] == "conversation"]
    behind = [objects[i - 1]["id"] for i in begun if objects[i - 1]["type"] == "case"]
    assert behind == [one.case.id for one in EVERYTHING.results if one.record is not None]


def test_the_conversations_of_an_ndjson_report_can_be_read(tmp_path: Path) -> None:
    """As ``wsref verify-trace`` does, byte for byte if nothing is redacted."""
    texts = written(tmp_path, ["ndjson"], EVERYTHING, redact=False)
    read = list(conversations_from_lines(texts["report.ndjson"].splitlines()))
    assert [one.name for one in read] == [
        "control 1", "5.1/unmasked", "5.1/again", "5.5.1/no-answer", "7692:7.2/A",
    ]  # fmt: skip
    assert read[1].record.entries == UNMASKED_TALK.entries
    assert read[1].record.probes == UNMASKED_TALK.probes


# HTML


class Page(HTMLParser):
    """Reads a page, and minds that what is opened is closed."""

    VOID = frozenset({"meta", "br", "input", "rect", "path", "link", "img"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.policy = ""
        self.tags: set[str] = set()
        self.loads: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag names, loads and links to."""
        self.tags.add(tag)
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids.append(values["id"])
        if "href" in values:
            self.links.append(values["href"])
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"]
        self.loads += [
            one for one in values.items() if one[0] in ("src", "srcset", "action", "data")
        ]
        assert not [name for name in values if name.startswith("on")]
        if tag not in ("a", "b", "code", "i", "small", "span", "time"):
            self.words.append(" ")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Mind the order."""
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note the words that people see."""
        if self.open[-1:] not in (["script"], ["style"]):
            self.words.append(data)

    @property
    def text(self) -> str:
        """All words that people see."""
        return re.sub(r"\s+", " ", "".join(self.words))


def test_the_page_loads_nothing_and_runs_nothing_but_its_own_script(tmp_path: Path) -> None:
    """It is one file, and the server's words cannot become markup."""
    html = written(tmp_path, ["html"], EVERYTHING)["report.html"]
    page = Page(html)
    assert page.loads == []
    assert not page.tags & {"link", "img", "iframe", "object", "embed", "base", "b><"}
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    outside = {link for link in page.links if not link.startswith("#")}
    assert all(link.startswith("https://www.rfc-editor.org/rfc/rfc") for link in outside)
    script = html.partition("<script>")[2].partition("</script>")[0]
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page.policy
    assert page.policy.startswith("default-src 'none'")
    assert "<script>alert(1)</script> ]]>" in page.text
    assert html.count("<script") == 1
    assert "<b>Hi</b>" not in html


def test_links_within_the_page_lead_somewhere(tmp_path: Path) -> None:
    """And no two places have the same name, even with several servers."""
    page = Page(written(tmp_path, ["html"], EVERYTHING, EVERYTHING)["report.html"])
    assert len(set(page.ids)) == len(page.ids)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_the_page_tells_of_every_fault(tmp_path: Path) -> None:
    """Clause, level, our words, bytes with their meaning, and how to see it again."""
    text = Page(written(tmp_path, ["html"], EVERYTHING)["report.html"]).text
    replay = shlex.join(["wsref", "replay", "w1.abc", EVERYTHING.url])
    for words in (
        "2 faults",
        "Shown by 3 of 8 cases, and 2 warnings besides.",
        EVERYTHING.url,
        "exit status 1 failures",
        "seed 4817",
        "wsref 9.9",
        "server Demo/1.0 <i>",
        "RFC 6455 §5.1 RFC6455-5.1-02",
        "Close the connection on receipt of an unmasked frame.",
        "What 5.1/unmasked wants.",
        "from 9 frames",
        replay,
        "81 05 48 65 6c 6c 6f",
        "on purpose a frame from a client is not masked RFC 6455 §5.1",
        "violation a frame from a server is masked RFC 6455 §5.1",
        "what was waited for did not come in time",
        "GET /chat HTTP/1.1",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (report(result("5.1/a", Verdict.PASS)), "Clean No fault was found in 1 case."),
        (
            report(
                result("5.1/a", Verdict.WARN, Finding(Verdict.WARN, SHORTEST, "x")),
                result("5.1/b", Verdict.SKIP),
            ),
            "1 warning No MUST is broken in 1 case.",
        ),
        (report(problem="no connection", facts=None), "Not checked no connection"),
        (report(), "Not checked no case was run to its end"),
    ],
)
def test_the_headline_says_how_it_turned_out(tmp_path: Path, told: Report, words: str) -> None:
    """It never says that what was not checked is clean."""
    assert words in Page(written(tmp_path, ["html"], told)["report.html"]).text


def test_pieces_of_frames_and_bytes_that_are_none_are_shown(tmp_path: Path) -> None:
    """Each when it was sent or came, with the whole frame named where it ends."""
    frames = conversation(
        Entry(0.1, Kind.SENT, text("Hello", key=b"abcd")[:3], 1),
        Entry(0.2, Kind.SENT, text("Hello", key=b"abcd")[3:], 2),
        Entry(0.3, Kind.RECEIVED, b"\x81\x01a\x81\x01b\x81", 2),
        Entry(0.4, Kind.RESET, b"", 2, "Connection reset by peer"),
    )
    refusal = Record(
        (
            Entry(0.0, Kind.SENT, b"BREW / HTTP/1.1\r\n\r\n"),
            Entry(0.1, Kind.RECEIVED, b"HTTP/1.1 418 I'm a teapot\r\n\r\nshort \x00 & <stout>"),
            Entry(0.1, Kind.END),
        ),
        request=b"BREW / HTTP/1.1\r\n\r\n",
    )
    unreachable = Record((), unreachable="no connection to here port 1: refused")
    bad = Finding(Verdict.FAIL, UNMASKED, "x")
    told = report(
        result("5.1/frames", Verdict.FAIL, bad, record=frames),
        result("4.2.1/refusal", Verdict.FAIL, bad, record=refusal),
        result("4.2.1/unreachable", Verdict.BLOCKED, record=unreachable),
    )
    text_of = Page(written(tmp_path, ["html"], told)["report.html"]).text
    for words in (
        "3 bytes of a frame 81 85 61",
        "the rest of: Text 'Hello' 62 63 64",
        "Text 'a' 81 01 61",
        "1 byte of a frame 81",
        "the server reset TCP",
        "HTTP/1.1 418 I'm a teapot",
        r"short \x00 & <stout>",
        "the server ended TCP",
        "no connection to here port 1: refused",
    ):
        assert words in text_of


def talkative(number: int) -> Result:
    """Return a failing case with long payloads, and with many frames."""
    big = frame(2, bytes(range(256)) * 300, key=b"abcd")
    entries = [Entry(0.1, Kind.SENT, big, 1, "a large message"), Entry(0.2, Kind.RECEIVED, big, 1)]
    entries += [Entry(0.3, Kind.SENT, frame(0, b"x", fin=False), 1) for _ in range(number)]
    bad = Finding(Verdict.FAIL, UNMASKED, f"finding {number}")
    return result(f"5.1/case-{number}", Verdict.FAIL, bad, record=conversation(*entries))


@pytest.mark.long
def test_long_payloads_are_cut_and_the_page_stays_small(tmp_path: Path) -> None:
    """With 450 cases that say far more than a person reads: under 3 MB."""
    told = report(*[talkative(number % 60) for number in range(450)])
    html = written(tmp_path, ["html"], told)["report.html"]
    assert len(html.encode()) < 3_000_000
    text_of = Page(html).text
    assert "+ 76,768 bytes left out" in text_of
    assert "20 lines left out" in text_of


def test_every_verdict_is_in_the_filter(tmp_path: Path) -> None:
    """With how many cases have it."""
    text_of = Page(written(tmp_path, ["html"], EVERYTHING)["report.html"]).text
    counts = {verdict: str(EVERYTHING.counts[verdict]) for verdict in Verdict}
    assert "0" not in counts.values()
    filters = text_of.partition("Verdict")[2].partition("unfold these")[0]
    assert filters.split() == [word for verdict in Verdict for word in (verdict, counts[verdict])]
