"""``wsref replay``: tokens, files, and scripts that say the same again, and see the same fault."""

from __future__ import annotations

import ast
import io
import re
import socket
import ssl
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Literal, NamedTuple, TypeAlias

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from wsref.check.arguments import create_target
from wsref.check.catalogue import Case, Facts, catalogue
from wsref.check.conversation import (
    UNMASKED,
    Abort,
    Await,
    HalfClose,
    Open,
    Pause,
    Probe,
    Send,
    Step,
    close,
    ping,
    text,
)
from wsref.check.opening import (
    Opening,
    adding,
    compressing,
    replacing,
    with_method,
    with_raw,
    with_target,
    without,
)
from wsref.check.peer import Patience, converse
from wsref.check.rehearsal import REFERENCE, rehearse
from wsref.check.replay import (
    TokenError,
    add_arguments,
    case_of_recording,
    conversation_of,
    find_case,
    replay,
    run,
    run_replay,
    token_of,
    write_script,
)
from wsref.check.report import Report, Result
from wsref.check.reports import write_reports
from wsref.check.target import Target
from wsref.check.tokens import judge_by_reference
from wsref.check.trace_format import record_to_lines
from wsref.check.verdicts import Verdict, fail
from wsref.protocol.frames import parse_frame, serialize_frame
from wsref.protocol.handshake import accept_token
from wsref.serve import running_echo_server

UNMASKED_TEXT = next(case for case in catalogue() if case.id == "5.1/unmasked-text-frame")
PLAIN_PING = next(case for case in catalogue() if case.id == "5.5.2/ping-of-2-bytes")


# A server that is easy to spoil

Fault: TypeAlias = Literal["ignores MASK", "no Pongs", "accepts anything", "echoes wrongly", "mute"]


@contextmanager
def faulty_server(fault: Fault) -> Generator[str, None, None]:
    """Run a server that goes on whatever it is sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=_serve, args=(listener, fault), daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/chat?room=1"
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def _serve(listener: socket.socket, fault: Fault) -> None:
    with suppress(OSError):
        while True:
            connection, _address = listener.accept()
            Thread(target=_talk, args=(connection, fault), daemon=True).start()


def _talk(connection: socket.socket, fault: Fault) -> None:
    data = b""
    with connection, suppress(OSError):
        while b"\r\n\r\n" not in data:
            data += connection.recv(4096)
        head, _end, data = data.partition(b"\r\n\r\n")
        key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)
        valid = key is not None and b"Upgrade: websocket" in head
        if not valid and fault != "accepts anything":
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            return
        accept = accept_token(key[1].decode() if key else "")
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept.encode() + b"\r\n\r\n"
        )
        while fault != "mute":
            while (parsed := parse_frame(data)) is not None:
                frame, stop = parsed
                data = data[stop:]
                opcode, payload = frame.header.opcode, frame.payload
                if frame.header.masking_key is None and fault != "ignores MASK":
                    connection.sendall(serialize_frame(0x88, b"\x03\xea", None))
                    return
                if opcode == 8:
                    connection.sendall(serialize_frame(0x88, payload[:2], None))
                    return
                if opcode == 9 and fault != "no Pongs":
                    connection.sendall(serialize_frame(0x8A, payload, None))
                elif opcode in (1, 2):
                    if fault == "echoes wrongly":
                        payload = payload[::-1]
                    connection.sendall(serialize_frame(0x80 | opcode, payload, None))
            more = connection.recv(65536)
            if not more:
                return
            data += more
        while connection.recv(65536):
            pass


class Ran(NamedTuple):
    """What a run of the command has given."""

    status: int
    output: str
    errors: str


def replayed(
    what: str,
    url: str | None,
    *,
    case_id: str | None = None,
    script: Path | None = None,
    strict: bool = False,
    timeout: float | None = None,
) -> Ran:
    """Run the command."""
    output, errors = io.StringIO(), io.StringIO()
    status = run_replay(
        what,
        None if url is None else Target.parse(url),
        case_id=case_id,
        script=script,
        strict=strict,
        timeout=timeout,
        output=output,
        errors=errors,
    )
    return Ran(status, output.getvalue(), errors.getvalue())


def run_script(script: str, *arguments: str) -> Ran:
    """Run a script as somebody would who has nothing but Python."""
    ran = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-", *arguments],
        input=script,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def case_of(*steps: Step, requirement: str = "RFC6455-5.1-02") -> Case:
    """Return a conversation that is not in the catalogue."""
    title = "; ".join(step.note for step in steps if isinstance(step, Send))
    about = (requirement,) if requirement else ()
    return Case(
        f"generated/{requirement}", about, title, steps, judge_by_reference(steps), opens=False
    )


# Tokens


def test_a_case_of_the_catalogue_has_its_id_as_token() -> None:
    """Whole, with or without the prefix."""
    for case in catalogue():
        assert token_of(case) == f"w1.{case.id}"
        assert conversation_of(f"w1.{case.id}") is case
        assert conversation_of(f" {case.id}\n") is case


steps = st.one_of(
    st.builds(Send, st.binary(max_size=40), st.text(max_size=12), bytewise=st.booleans()),
    st.just(Probe()),
    st.builds(
        Await, st.sampled_from(["messages", "pongs", "close", "end", "bytes"]), st.integers(1, 99)
    ),
    st.builds(Pause, st.floats(0, 100)),
    st.just(HalfClose()),
    st.just(Abort()),
)


@given(
    st.lists(steps, max_size=8),
    st.binary(max_size=9),
    st.booleans(),
    st.text(max_size=20),
    st.booleans(),
)
def test_a_conversation_survives_being_a_token(
    said: list[Step], behind: bytes, bytewise: bool, title: str, plain: bool
) -> None:
    """Steps, notes, title, requirement, and whether it is without TLS."""
    first = Open(behind=behind, bytewise=bytewise)
    case = case_of(first, *said)._replace(title=title or "x", plain=plain)
    token = token_of(case, "RFC6455-5.4-03")
    assert re.fullmatch(r"w1\.[A-Za-z0-9_-]+", token)
    read = conversation_of(token)
    assert read.steps == case.steps
    assert (read.id, read.title, read.plain) == (case.id, case.title, plain)
    assert read.requirements == ("RFC6455-5.4-03",)
    assert token_of(read) == token


OPENINGS = {
    "no Host": Opening((without("Host"),)),
    "POST": Opening((with_method("POST"),)),
    "absolute target": Opening(
        (with_target(lambda draft: f"http://{draft.get('Host')}{draft.target}"),)
    ),
    "key in lower case": Opening((replacing("Sec-WebSocket-Key", "abc"),)),
    "further header": Opening((adding("X-A", "{key} {own}"),)),
    "bare LF": Opening((with_raw(lambda data: data.replace(b"\r\n", b"\n")),)),
    "header twice": Opening((adding("Host", "other.example"),)),
    "compression": compressing("client_max_window_bits"),
}


@pytest.mark.parametrize("name", OPENINGS)
@pytest.mark.parametrize("url", ["ws://h.example/", "wss://u:pw@[::1]:4444/a/b?c=d"])
def test_a_changed_opening_handshake_is_sent_again_to_another_server(name: str, url: str) -> None:
    """Its bytes are those that the changes make of that server's host, target and key."""
    opening = OPENINGS[name]
    token = token_of(case_of(Open(opening)))
    (step,) = conversation_of(token).steps
    assert isinstance(step, Open)
    assert step.opening.needs_deflate == opening.needs_deflate
    draft = Target.parse(url).draft()
    wanted, got = opening.apply(draft), step.opening.apply(draft)
    assert sorted(got.data.split(b"\r\n")) == sorted(wanted.data.split(b"\r\n"))
    assert got.get("Sec-WebSocket-Key") == wanted.get("Sec-WebSocket-Key")


def test_a_token_has_no_credentials() -> None:
    """They are those of whoever replays it."""
    token = token_of(case_of(Open(OPENINGS["no Host"])))
    (step,) = conversation_of(token).steps
    assert isinstance(step, Open)
    target = create_target("ws://h/", headers=[("Cookie", "a=b")], origin="http://o")
    data = step.opening.apply(target.draft()).data
    assert b"\r\nCookie: a=b\r\n" in data
    assert b"\r\nOrigin: http://o\r\n" in data
    assert data.endswith(b"\r\n\r\n")
    assert b"Host:" not in data


def test_a_generated_conversation_has_a_short_token() -> None:
    """Short enough for a line of a terminal."""
    said = (Open(), Send(text("Hello", key=UNMASKED), "a text frame, MASK 0"), Probe())
    assert len(token_of(case_of(*said))) < 120
    assert len(token_of(case_of(Open(), Send(close(1000), "a Close"), Await("end")))) < 120


TOKEN = token_of(case_of(Open(), Send(ping(b"x"), "a Ping"), Probe()))


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("", "'' is neither a token (w1....) nor the id of a case"),
        ("w2.abc", "'w2.abc' is neither a token"),
        ("w1.5.1/no-such-case", "there is no case '5.1/no-such-case'"),
        (TOKEN[:-1], "the token"),
        (TOKEN[:-4], "the token does not fit its checksum: is it whole?"),
        (TOKEN[:9] + "=" + TOKEN[10:], "character 10 of the token, '=', does not belong into one"),
        (TOKEN[:9] + ("A" if TOKEN[9] != "A" else "B") + TOKEN[10:], "does not fit its checksum"),
    ],
)
def test_a_token_that_is_none_is_said_to_be_so(token: str, said: str) -> None:
    """With what is wrong, and where."""
    with pytest.raises(TokenError, match=re.escape(said)):
        conversation_of(token)


@given(st.text(alphabet="ABCDEFabcdef0123456789-_", max_size=60))
def test_no_text_makes_a_token_crash(content: str) -> None:
    """There is a TokenError and nothing else."""
    with pytest.raises(TokenError):
        conversation_of(f"w1.{content}")


# Replaying


@pytest.mark.parametrize("what", ["w1.5.1/unmasked-text-frame", "5.1/unmasked-text-frame"])
def test_a_clean_server_is_clean(what: str) -> None:
    """Exit status 0, and both directions as annotated hex."""
    with running_echo_server() as url:
        ran = replayed(what, url)
    assert (ran.status, ran.errors) == (0, "")
    assert "sent 7 bytes: text, MASK 0" in ran.output
    assert "48 65 6c 6c 6f           payload      Hello" in ran.output
    assert "CLOSE frame, 37 bytes" in ran.output
    assert ran.output.endswith("clean: no fault shows\n")
    assert all(len(line) <= 100 for line in ran.output.splitlines())


def test_a_fault_that_still_shows_is_shown() -> None:
    """Exit status 1, with requirement, level and link."""
    with faulty_server("ignores MASK") as url:
        ran = replayed(token_of(UNMASKED_TEXT), url)
    assert (ran.status, ran.errors) == (1, "")
    assert "FAIL  the connection goes on: the Ping behind it was answered\n" in ran.output
    assert "      RFC 6455 §5.1  MUST  RFC6455-5.1-02\n" in ran.output
    assert ran.output.endswith("the fault shows\n")


def test_a_generated_conversation_is_judged_by_the_reference() -> None:
    """It has no judge of its own."""
    said = (Open(), Send(text("Hello", key=UNMASKED), "MASK 0"), Probe())
    token = token_of(case_of(*said))
    with faulty_server("ignores MASK") as url:
        assert replayed(token, url).status == 1
    with faulty_server("no Pongs") as url:  # which closes, as it should
        assert replayed(token, url).status == 0
    with running_echo_server() as url:
        assert replayed(token, url).status == 0
    legal = token_of(
        case_of(Open(), Send(text("ab"), "text"), Await("messages"), Probe(), requirement="")
    )
    with faulty_server("echoes wrongly") as url:
        ran = replayed(legal, url)
    # A server whose echo is never right is taken for one that does not echo.
    assert ran.status == 0
    with running_echo_server() as url:
        assert replayed(legal, url).status == 0


def test_a_changed_handshake_is_judged_by_the_reference() -> None:
    """To accept what the reference refuses is the fault."""
    token = token_of(case_of(Open(Opening((without("Upgrade"),))), requirement="RFC6455-4.2.1-06"))
    with faulty_server("accepts anything") as url:
        ran = replayed(token, url)
    assert ran.status == 1
    assert "RFC6455-4.2.1-06" in ran.output
    with running_echo_server() as url:
        assert replayed(token, url).status == 0


def test_a_server_that_is_not_there_is_unreachable() -> None:
    """Exit status 3 and one line."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    ran = replayed("5.1/unmasked-text-frame", f"ws://127.0.0.1:{port}/")
    assert ran.status == 3
    assert ran.errors == (
        f"wsref replay: no connection to 127.0.0.1 port {port}: Connection refused\n"
    )


def test_a_server_that_lacks_what_is_needed_is_said_to() -> None:
    """It is neither clean nor faulty."""
    case = next(case for case in catalogue() if "deflate" in case.needs)
    with running_echo_server(compress=False) as url:
        ran = replayed(case.id, url)
    assert ran.status == 3
    assert "does not agree on permessage-deflate" in ran.errors


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("no-such-thing", "'no-such-thing' is neither a token (w1....) nor the id of a case"),
        ("no/such/file", "'no/such/file' is neither a token (w1....) nor the id of a case, nor a"),
        ("w1.AAAA", "the token does not fit its checksum"),
    ],
)
def test_what_is_nothing_is_a_usage_error(what: str, said: str) -> None:
    """Exit status 2 and one line."""
    ran = replayed(what, "ws://127.0.0.1:1/")
    assert ran.status == 2
    assert said in ran.errors
    assert ran.errors.count("\n") == 1


def test_the_url_must_be_given() -> None:
    """Except for a script."""
    ran = replayed("5.1/unmasked-text-frame", None)
    assert ran == Ran(2, "", "wsref replay: the URL of the server is missing\n")


def test_a_warning_counts_if_it_is_what_the_token_is_about() -> None:
    """Or if all warnings do."""
    token = token_of(case_of(Open(), Probe(), requirement="RFC6455-4.1-51"))
    found = replay(conversation_of(token), Target.parse("ws://127.0.0.1:1/"))
    assert found.problem
    assert not found.shows_fault
    named = found._replace(problem="", findings=(fail("RFC6455-4.1-51", "x"),))
    assert named.shows_fault
    warned = named._replace(findings=(named.findings[0]._replace(verdict=Verdict.WARN),))
    assert warned.shows_fault
    other = warned._replace(case=UNMASKED_TEXT)
    assert not other.shows_fault


# Files


def record_with(fault: Fault) -> tuple[str, object]:
    """Have the conversation about masks with a faulty server; return its lines and record."""
    with faulty_server(fault) as url:
        record = converse(Target.parse(url), UNMASKED_TEXT.steps, Patience(1.0))
    return "\n".join(record_to_lines(record, name="generated/mask")) + "\n", record


def test_a_token_in_a_file_is_a_token(tmp_path: Path) -> None:
    """White space around it does not matter."""
    file = tmp_path / "token"
    file.write_text(f"\n{TOKEN}\n")
    assert find_case(str(file)).steps == conversation_of(TOKEN).steps


def test_a_recorded_conversation_is_said_again(tmp_path: Path) -> None:
    """The same bytes, a new key, the liveness Ping as such."""
    lines, _record = record_with("ignores MASK")
    file = tmp_path / "recorded.ndjson"
    file.write_text(lines)
    case = find_case(str(file))
    assert [type(step).__name__ for step in case.steps] == ["Open", "Send", "Probe"]
    with faulty_server("ignores MASK") as url:
        ran = replayed(str(file), url)
    assert ran.status == 1
    assert "RFC6455-5.1-02" in ran.output
    with running_echo_server() as url:
        assert replayed(str(file), url).status == 0
    again = conversation_of(token_of(case))
    assert again.steps[1:] == case.steps[1:]


def test_a_recorded_case_is_the_case(tmp_path: Path) -> None:
    """If it is in the catalogue."""
    record = rehearse(UNMASKED_TEXT.steps, REFERENCE)
    assert case_of_recording(record, UNMASKED_TEXT.id) is UNMASKED_TEXT
    file = tmp_path / "two.ndjson"
    lines = [*record_to_lines(record, name="5.1/unmasked-text-frame")]
    lines += record_to_lines(record, name="another")
    file.write_text("\n".join(lines))
    assert find_case(str(file), "5.1/unmasked-text-frame") is UNMASKED_TEXT
    ran = replayed(str(file), "ws://127.0.0.1:1/")
    assert ran.status == 2
    assert "has 2 conversations; --case ID: 5.1/unmasked-text-frame, another" in ran.errors
    ran = replayed(str(file), "ws://127.0.0.1:1/", case_id="none")
    assert "has no conversation 'none', only 5.1/unmasked-text-frame, another" in ran.errors


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_a_result_of_a_report_is_said_again(form: str, tmp_path: Path) -> None:
    """By its token, its id, or as it was recorded."""
    with faulty_server("ignores MASK") as url:
        record = converse(Target.parse(url), UNMASKED_TEXT.steps, Patience(1.0))
    finding = fail("RFC6455-5.1-02", "the connection goes on")
    generated = case_of(*UNMASKED_TEXT.steps)
    report = Report(
        url=url,
        version="0",
        started=datetime.now(UTC),
        duration=1.0,
        seed=1,
        strict=False,
        server="",
        facts=Facts(),
        problem="",
        controls=(record,),
        results=(
            Result(UNMASKED_TEXT, Verdict.FAIL, (finding,), record),
            Result(generated, Verdict.FAIL, (finding,), record, replay=token_of(generated)),
            Result(generated._replace(id="old/one"), Verdict.FAIL, (finding,), record),
        ),
    )
    write_reports([report], [form], tmp_path)
    file = tmp_path / f"report.{form}"
    assert find_case(str(file), UNMASKED_TEXT.id) is UNMASKED_TEXT
    for name in ("generated/RFC6455-5.1-02", "old/one"):
        with faulty_server("ignores MASK") as url:
            ran = replayed(str(file), url, case_id=name)
        assert ran.status == 1, ran
        assert "RFC6455-5.1-02" in ran.output
        with running_echo_server() as url:
            assert replayed(str(file), url, case_id=name).status == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file is empty"),
        ("hello", "line 1: neither a token nor JSON"),
        ('{"type": "entry"}', "line 1: an entry, but no conversation has begun"),
        ('{\n"a": 1}', "'servers' is missing: not a report of wsref check"),
        ('{\n"a": }', "line 2, column 6: not JSON"),
        ("\udcff", "byte 0 is not UTF-8"),
    ],
)
def test_a_file_that_is_something_else_is_said_to_be(
    content: str, said: str, tmp_path: Path
) -> None:
    """With the place, in one line."""
    file = tmp_path / "file"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    ran = replayed(str(file), "ws://127.0.0.1:1/")
    assert ran.status == 2
    assert said in ran.errors
    assert ran.errors.startswith(f"wsref replay: {file}: ")
    assert ran.errors.count("\n") == 1


# Scripts


def test_a_script_is_python_3_8_and_uses_the_standard_library_only() -> None:
    """It can be handed to anybody."""
    script = write_script(UNMASKED_TEXT)
    tree = ast.parse(script, feature_version=(3, 8))
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name) or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
    assert "wsref replay w1.5.1/unmasked-text-frame URL" in script
    assert "RFC 6455 §5.1, MUST (RFC6455-5.1-02)" in script


@pytest.mark.long
def test_every_case_can_be_written_as_a_script() -> None:
    """And is Python."""
    for case in catalogue()[::7]:
        if not case.stress:
            ast.parse(write_script(case), feature_version=(3, 8))


def test_a_script_finds_a_clean_server_clean() -> None:
    """It shows both directions, and says what the server did."""
    with running_echo_server() as url:
        ran = run_script(write_script(UNMASKED_TEXT), url)
    assert (ran.status, ran.errors) == (0, "")
    assert "sent text, MASK 0" in ran.output
    assert "81 05 48 65 6c 6c 6f" in ran.output
    assert "Close, 37 bytes 1002 'a frame from a client is not masked'" in ran.output
    assert "what the server did: closed with 1002, TCP end" in ran.output
    assert "the fault does not show" in ran.output


def test_a_script_finds_the_fault() -> None:
    """Exit status 1."""
    with faulty_server("ignores MASK") as url:
        ran = run_script(write_script(UNMASKED_TEXT), url)
    assert (ran.status, ran.errors) == (1, "")
    assert "Pong, 14 bytes b'probe " in ran.output
    assert "what the server did: went on" in ran.output
    assert (
        "FAULT: the connection goes on: the Ping behind it was answered (RFC 6455 §5.1, MUST)"
        in ran.output
    )


def test_a_script_of_a_recorded_conversation_finds_the_fault(tmp_path: Path) -> None:
    """The judge is the reference."""
    lines, _record = record_with("ignores MASK")
    file = tmp_path / "recorded.ndjson"
    file.write_text(lines)
    script = tmp_path / "again.py"
    assert replayed(str(file), None, script=script).status == 0
    content = script.read_text(encoding="utf-8")
    with faulty_server("ignores MASK") as url:
        assert run_script(content, url).status == 1
    with running_echo_server() as url:
        assert run_script(content, url).status == 0


def test_a_script_tells_silence_from_an_answer() -> None:
    """A server that answers nothing at all."""
    with faulty_server("mute") as url:
        ran = run_script(write_script(PLAIN_PING), url, "--timeout", "0.3")
    assert ran.status == 1
    assert "what the server did: nothing" in ran.output


def test_a_script_tells_a_wrong_echo() -> None:
    """If the server is one that echoes."""
    case = next(case for case in catalogue() if case.id == "6.1/echo-of-text")
    said = (Open(), Send(text("ab"), "text"), Await("messages"), Probe())
    other = case_of(*said, requirement="RFC6455-6.2-01")
    script = write_script(other, echoes=True)
    with faulty_server("echoes wrongly") as url:
        ran = run_script(script, url)
        assert ran.status == 1
        assert "what the server did: went on with other messages" in ran.output
        assert run_script(write_script(other, echoes=False), url).status == 0
    with running_echo_server() as url:
        assert run_script(script, url).status == 0
        assert run_script(write_script(case), url).status == 0


def test_a_script_sends_what_is_asked_for_and_hides_credentials() -> None:
    """Header fields, and the URL's user name and password."""
    with running_echo_server() as url:
        ran = run_script(
            write_script(UNMASKED_TEXT),
            url.replace("ws://", "ws://user:hush@"),
            "-H",
            "X-Own: 1",
        )
    assert ran.status == 0
    shown = bytes.fromhex("".join(re.findall(r"^            ([0-9a-f ]{47})", ran.output, re.M)))
    assert b"X-Own: 1" in shown
    assert b"Authorization: ***" in shown
    assert b"dXNlcjpodXNo" not in shown


def test_a_script_without_a_server_says_so() -> None:
    """Exit status 3."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    ran = run_script(write_script(UNMASKED_TEXT), f"ws://127.0.0.1:{port}/")
    assert ran.status == 3
    assert "no connection: " in ran.errors
    ran = run_script(write_script(UNMASKED_TEXT), "http://x/")
    assert ran.status == 2
    assert ran.errors == "http://x/: not a ws:// or wss:// URL\n"


def test_a_script_and_a_replay_go_through_tls(tmp_path: Path) -> None:
    """With the authority that is given, or without verifying."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate, pem = tmp_path / "server.pem", tmp_path / "ca.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    context.load_cert_chain(certificate)
    authority.cert_pem.write_to_path(pem)
    script = write_script(UNMASKED_TEXT)
    with running_echo_server(ssl=context) as url:
        assert url.startswith("wss://")
        assert run_script(script, url).status == 3
        assert run_script(script, url, "-k").status == 0
        assert run_script(script, url, "--cacert", str(pem)).status == 0
        target = create_target(url, cacert=str(pem))
        assert not replay(UNMASKED_TEXT, target).shows_fault


def test_scripts_go_where_they_are_told(tmp_path: Path) -> None:
    """To a file, or to standard output."""
    printed = replayed("5.1/unmasked-text-frame", None, script=Path("-"))
    assert printed.status == 0
    assert printed.output.startswith("#!/usr/bin/env python3\n")
    ran = replayed("5.1/unmasked-text-frame", None, script=tmp_path / "none" / "x.py")
    assert ran.status == 2
    assert "No such file or directory" in ran.errors


def test_a_script_knows_what_the_replay_has_learnt(tmp_path: Path) -> None:
    """Whether the server echoes, and how it showed the fault."""
    script = tmp_path / "again.py"
    with faulty_server("ignores MASK") as url:
        assert replayed(token_of(UNMASKED_TEXT), url, script=script).status == 1
        content = script.read_text(encoding="utf-8")
        assert run_script(content, url).status == 1
    assert "ECHOES: list[str] | None = []" in content
    with running_echo_server() as url:
        assert run_script(content, url).status == 0


def test_the_command_takes_its_options_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    """Between the token and the URL as well; ``-`` stands for no server."""
    parser = ArgumentParser()
    add_arguments(parser)
    token = token_of(UNMASKED_TEXT)
    with running_echo_server() as url:
        assert run(parser.parse_args([token, "-H", "X-A: 1", url, "--color", "never"])) == 0
    assert "X-A: 1" in capsys.readouterr().out
    assert run(parser.parse_args([token, "-", "--script", "-"])) == 0
    assert capsys.readouterr().out.startswith("#!/usr/bin/env python3\n")
    assert run(parser.parse_args([token, "http://x/"])) == 2
    assert capsys.readouterr().err.startswith("wsref replay: url: 'http://x/' is not a WebSocket")


def test_credentials_are_hidden_unless_asked_for() -> None:
    """In the annotated request."""
    with running_echo_server() as url:
        target = create_target(url, headers=[("Authorization", "Basic c2VjcmV0OnNlY3JldA==")])
        shown: list[str] = []
        for redact in (True, False):
            output = io.StringIO()
            run_replay(
                "5.1/unmasked-text-frame",
                target,
                redact=redact,
                output=output,
                errors=io.StringIO(),
            )
            shown.append(output.getvalue())
    assert "Authorization: ***" in shown[0]
    assert "c2VjcmV0" not in shown[0]
    assert "c2VjcmV0" in shown[1]
