"""``wsref check``, as a person and as a CI system see it."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from spec_tests.check.faulty.registry import faults
from spec_tests.check.faulty.server import EchoServer, serving
from wsref.check import Options, check_server
from wsref.check.terminal import Terminal
from wsref.cli import main

FAST = ("--phases", "fixed")


def run(
    capsys: pytest.CaptureFixture[str], *arguments: str, fast: bool = True
) -> tuple[int, str, str]:
    """Run ``wsref check``; return its exit status and what it wrote."""
    capsys.readouterr()
    status = main(["check", *(FAST if fast else ()), *arguments])
    output = capsys.readouterr()
    return status, output.out, output.err


# What a person sees


@pytest.mark.long
def test_without_a_url_the_reference_server_is_checked() -> None:
    """In a process of its own, with both phases; it is clean, and nothing is on standard error."""
    process = subprocess.run(
        [sys.executable, "-W", "error", "-m", "wsref", "check", "--strict"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.stderr == ""
    assert process.returncode == 0
    assert re.search(r"^wsref check ws://127\.0\.0\.1:\d+/$", process.stdout, re.MULTILINE)
    assert re.search(r" \d+ ok .* exit 0$", process.stdout, re.MULTILINE)
    assert "\x1b" not in process.stdout, "no colours where there is no terminal"


def test_a_fault_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Clause, level, our words, the bytes both ways, what was wanted, how to replay."""
    with serving(faults()["framing/rsv2-ignored"].server_class) as url:
        status, output, errors = run(capsys, "-i", "5.2", url)
    assert (status, errors) == (1, "")
    assert re.search(r"^FAIL  .+  \[MUST\]$", output, re.MULTILINE)
    assert "RFC 6455 §5.2  RFC6455-5.2-03" in output
    assert "https://www.rfc-editor.org/rfc/rfc6455#section-5.2" in output
    assert re.search(r"^  sent    [0-9a-f]{2} [0-9a-f]{2} ", output, re.MULTILINE)
    assert re.search(r"^  got     [0-9a-f]{2} [0-9a-f]{2} ", output, re.MULTILINE)
    assert re.search(rf"^  replay  wsref replay 5\.2/\S+ {re.escape(url)}$", output, re.MULTILINE)
    assert re.search(r"^\d+ ok · \d+ FAIL .* exit 1$", output, re.MULTILINE)


def test_quiet_is_one_line_for_each_server(capsys: pytest.CaptureFixture[str]) -> None:
    """With the URL, the counts and the exit status; the worst of the statuses is the command's."""
    with (
        serving(EchoServer) as right,
        serving(faults()["framing/rsv2-ignored"].server_class) as wrong,
    ):
        status, output, _errors = run(capsys, "-q", "-i", "5.2", right, wrong)
    first, second = output.splitlines()
    assert first.startswith(right)
    assert first.endswith("exit 0")
    assert second.startswith(wrong)
    assert second.endswith("exit 1")
    assert status == 1


def test_verbose_shows_the_frames_of_cases(capsys: pytest.CaptureFixture[str]) -> None:
    """With -vv those of all cases, opening handshakes included."""
    with serving(EchoServer) as url:
        _status, plain, _errors = run(capsys, "-i", "5.1/never-masks", url)
        _status, verbose, _errors = run(capsys, "-vv", "-i", "5.1/never-masks", url)
    assert "Sec-WebSocket-Key" not in plain
    assert "Sec-WebSocket-Key" in verbose
    assert "PASS     5.1/never-masks" in verbose
    assert "Pong 'Hello'" in verbose


def test_a_terminal_gets_colours_and_progress() -> None:
    """The progress is gone when the report is shown."""
    output = io.StringIO()
    terminal = Terminal(output, color="always")
    with serving(EchoServer) as url:
        terminal.start(url)
        report = check_server(url, Options(phases=("fixed",), include=("5.1",)), listener=terminal)
        terminal.show(report)
    assert "\x1b[32m" in output.getvalue()
    assert "exit 0" in output.getvalue()


# Credentials


class Secretive(EchoServer):
    """Overlooks the version, so that there is a fault to be told about the opening handshake."""

    def check_version(self) -> None:  # noqa: D102
        pass


@pytest.mark.parametrize("verbosity", ["-v", "-vv"])
def test_credentials_are_not_shown(capsys: pytest.CaptureFixture[str], verbosity: str) -> None:
    """Neither those of -H nor those of the URL; with --no-redact they are."""
    with serving(Secretive) as url:
        secret_url = url.replace("ws://", "ws://user:s3cret@")
        arguments = ("-i", "4.2.2", verbosity, "-H", "Cookie: id=s3cret")
        status, output, errors = run(capsys, *arguments, secret_url)
        _status, shown, _errors = run(capsys, "--no-redact", *arguments, secret_url)
    assert "Sec-WebSocket-Version" in output
    assert "s3cret" not in output + errors
    assert "dXNlcjpzM2NyZXQ=" not in output
    assert "s3cret" in shown
    assert status in (0, 1)


# Usage


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("http://localhost/",), "does not begin with ws:// or wss://"),
        (("ws://localhost/", "-H", "no colon"), "'no colon' has no colon"),
        (("ws://localhost/", "-H", "X-A: b\r\nX-C: d"), "X-A"),
        (("ws://localhost/", "--connect", "nowhere"), "--connect 'nowhere' is not HOST:PORT"),
        (("ws://localhost/", "--insecure"), "are for wss:// URLs"),
        (("wss://localhost/", "--cacert", "/no/such.pem"), "/no/such.pem"),
        (("wss://localhost/", "--client-cert", "/no/such.pem"), "/no/such.pem"),
        (("-i", "99.9", "ws://localhost/"), "'99.9' names no case"),
        (("--phases", "third", "ws://localhost/"), "--phases: 'third' is none of"),
        (("--report", "pdf", "ws://localhost/"), "--report: 'pdf' is none of"),
        (("--baseline", "/no/such.toml", "ws://localhost/"), "/no/such.toml"),
        (("--update-baseline", "ws://localhost/"), "needs --baseline"),
        (("ws://localhost/", "--proxy", "gopher://x"), "gopher"),
    ],
)
def test_a_mistake_is_named_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    """Exit status 2, and nothing on standard output."""
    status, output, errors = run(capsys, *arguments, fast="--phases" not in arguments)
    assert status == 2
    assert output == ""
    assert message in errors
    assert errors.startswith("wsref check: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [("--jobs", "0"), ("--jobs", "x"), ("--timeout", "-1"), ("--max-time", "soon")]
)
def test_numbers_are_checked(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    """The parser says which argument is wrong."""
    with pytest.raises(SystemExit) as exit_info:
        main(["check", *arguments])
    assert exit_info.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_our_own_defect_has_a_status_of_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit status 4, the traceback, and the wish to hear of it."""

    def break_down(*_arguments: object) -> None:
        raise RuntimeError("something nobody thought of")

    monkeypatch.setattr("wsref.check.command.check", break_down)
    status, _output, errors = run(capsys, "ws://localhost/")
    assert status == 4
    assert "Traceback" in errors
    assert "something nobody thought of" in errors
    assert "please report" in errors


def test_a_server_that_is_not_there_has_status_3(capsys: pytest.CaptureFixture[str]) -> None:
    """And the reason is told."""
    status, output, _errors = run(capsys, "ws://127.0.0.1:1/")
    assert status == 3
    assert "refused" in output


# Baselines


def test_a_baseline_turns_known_faults_into_expected_ones(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Written by --update-baseline with a reason, and kept when it is written again."""
    path = tmp_path / "baseline.toml"
    with serving(faults()["framing/rsv2-ignored"].server_class) as url:
        arguments = ("-i", "5.2/rsv*-on-text", "--baseline", str(path), url)
        status, _output, errors = run(capsys, "--update-baseline", *arguments)
        assert status == 2
        assert "need a reason" in errors
        status, output, _errors = run(
            capsys, "--update-baseline", "--reason", "ticket 12", *arguments
        )
        assert status == 0
        assert "expected" in output
        before = path.read_text()
        assert "ticket 12" in before
        status, _output, _errors = run(capsys, *arguments)
        assert status == 0
        run(capsys, "--update-baseline", "--reason", "another", *arguments)
        assert path.read_text() == before


def test_a_fault_that_is_gone_must_leave_the_baseline(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """An unexpected pass fails the check."""
    path = tmp_path / "baseline.toml"
    path.write_text('[[expected]]\nid = "5.1/never-masks"\nverdict = "FAIL"\nreason = "old"\n')
    with serving(EchoServer) as url:
        status, output, _errors = run(capsys, "-i", "5.1", "--baseline", str(path), url)
    assert status == 1
    assert "XPASS" in output
    assert "old" in output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[expected]\n", "not TOML"),
        ("[expected]\n", "array of tables"),
        ('[[expected]]\nid = "5.1/never-masks"\nverdict = "FAIL"\n', "entry 1: reason is missing"),
        ('[[expected]]\nid = "x/y"\nverdict = "FAIL"\nreason = "r"\n', "no case 'x/y'"),
        (
            '[[expected]]\nid = "5.1/never-masks"\nverdict = "BAD"\nreason = "r"\n',
            "must be one of FAIL",
        ),
        (
            '[[expected]]\nid = "5.1/never-masks"\nverdict = "FAIL"\nreason = "r"\n' * 2,
            "entry 2: '5.1/never-masks' is there already",
        ),
        ("known = 1\n", "unknown key 'known'"),
        (
            '[[expected]]\nid = "5.1/never-masks"\nverdict = "FAIL"\nreason = "r"\nuntil = 1\n',
            "unknown key 'until'",
        ),
    ],
)
def test_a_baseline_that_makes_no_sense_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, message: str
) -> None:
    """The file, the entry and the mistake are named; exit status 2."""
    path = tmp_path / "baseline.toml"
    path.write_text(text)
    status, _output, errors = run(capsys, "--baseline", str(path), "ws://localhost/")
    assert status == 2
    assert str(path) in errors
    assert message in errors


# Reports


def test_reports_are_written_where_they_are_wanted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Their paths are told, and each can be read."""
    directory = tmp_path / "reports"
    with serving(faults()["framing/rsv2-ignored"].server_class) as url:
        status, output, _errors = run(
            capsys,
            "-i",
            "5.2",
            "--report",
            "html,json,junit,ndjson",
            "--report-dir",
            str(directory),
            url,
        )
    assert status == 1
    names = {path.name for path in directory.iterdir() if path.is_file()}
    assert names == {"report.html", "report.json", "index.json", "junit.xml", "report.ndjson"}
    assert all(str(directory / name) in output for name in names)
    json.loads((directory / "report.json").read_text())
    suites = ElementTree.parse(directory / "junit.xml").getroot()
    assert int(suites.get("failures", "0")) > 0


def test_reports_that_cannot_be_written_are_a_mistake(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Exit status 2, and the path is named."""
    (tmp_path / "file").write_text("")
    with serving(EchoServer) as url:
        status, _output, errors = run(
            capsys,
            "-i",
            "5.1",
            "--report",
            "json",
            "--report-dir",
            str(tmp_path / "file" / "below"),
            url,
        )
    assert status == 2
    assert str(tmp_path / "file") in errors
