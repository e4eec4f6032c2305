"""The command ``wsref replay``: a conversation again, on a fresh connection.

What to say comes from a token (:mod:`.tokens`), the id of a case, or a file: a token in a file, a
recorded conversation (:mod:`.trace_format`), the report ``ndjson`` or the report ``json`` of a
check.  What was said is shown as annotated hex, and judged: by the case's judge, or where there is
none by comparing with the reference.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Final, NamedTuple, TextIO

from ..protocol.opcode import TEXT
from ..requirements import requirement
from .annotate import annotate
from .arguments import add_target_arguments, target_of
from .catalogue import Case, Facts, catalogue
from .conversation import Await, Open, Probe, Send, Step, close, text
from .judgements import answer_of
from .oracle import judge_server
from .peer import Patience, converse
from .record import Record
from .recordings import RecordingError, case_of_recording, read_cases
from .report import CLEAN, FAILURES, UNREACHABLE, USAGE
from .script import write_script
from .target import Target
from .tokens import TokenError, conversation_of, token_of
from .verdicts import Finding, Verdict

__all__ = [
    "Replay",
    "TokenError",
    "add_arguments",
    "case_of_recording",
    "conversation_of",
    "find_case",
    "replay",
    "run",
    "run_replay",
    "token_of",
    "write_script",
]

_HELLO: Final = (TEXT, b"wsref replay: is this echoed?")
_ANSWER: Final = 1.5  # seconds
_ROUND_TRIPS: Final = 20
_DEFLATE: Final = "the server does not agree on permessage-deflate"


class Replay(NamedTuple):
    """What came of having a conversation again.

    Attributes:
        case: what was said.
        record: the conversation; None if there was none.
        findings: what is wrong, the gravest first.
        problem: why there is nothing to judge: no connection, or the server lacks what is
            needed; else empty.
        facts: what is known about the server; None if it cannot be talked to.
    """

    case: Case
    record: Record | None
    findings: tuple[Finding, ...]
    problem: str = ""
    facts: Facts | None = None

    @property
    def shows_fault(self) -> bool:
        """Whether a MUST is broken, or what the conversation is known to show."""
        return any(
            finding.verdict is Verdict.FAIL
            or (
                finding.verdict is Verdict.WARN
                and not _is_in_catalogue(self.case)
                and finding.requirement in self.case.requirements
            )
            for finding in self.findings
        )


def _is_in_catalogue(case: Case) -> bool:
    return any(case is one for one in catalogue())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``wsref replay``."""
    parser.add_argument(
        "what",
        metavar="TOKEN|FILE",
        help="a token (w1...), the id of a case, or a file: a token, a recording, a report",
    )
    parser.add_argument(
        "url", metavar="URL", help="ws://HOST:PORT/PATH or wss://...; '-' only to write a script"
    )
    parser.add_argument("--case", metavar="ID", help="which conversation of a file")
    parser.add_argument(
        "--script",
        type=Path,
        metavar="FILE",
        help="also write a stand-alone Python script ('-': only print it)",
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 for WARN, too")
    parser.add_argument(
        "--timeout", type=_seconds, metavar="SECONDS", help="wait so long for an answer"
    )
    parser.add_argument(
        "--color", choices=["auto", "always", "never"], default="auto", help="(default: auto)"
    )
    parser.add_argument(
        "--redact",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="hide credentials in all that is written",
    )
    add_target_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    target: Target | None = None
    try:
        if arguments.url != "-":
            target = target_of(arguments, arguments.url)
    except (ValueError, TypeError) as error:
        print(f"wsref replay: {error}", file=sys.stderr)
        return USAGE
    color = arguments.color
    return run_replay(
        arguments.what,
        target,
        case_id=arguments.case,
        script=arguments.script,
        strict=arguments.strict,
        timeout=arguments.timeout,
        color=color == "always" or (color == "auto" and sys.stdout.isatty()),
        redact=arguments.redact,
        output=sys.stdout,
        errors=sys.stderr,
    )


def run_replay(
    what: str,
    target: Target | None,
    *,
    case_id: str | None = None,
    script: Path | None = None,
    strict: bool = False,
    timeout: float | None = None,
    color: bool = False,
    redact: bool = True,
    output: TextIO,
    errors: TextIO,
) -> int:
    """Have a conversation again and show it, or write a script that does.

    Args:
        what: a token, the id of a case, or the name of a file.
        target: the server; None if only a script is wanted.
        case_id: which conversation of a file.
        script: where to write a script that does the same; ``-`` for *output*, to which nothing
            else is then written.
        strict: whether warnings count.
        timeout: how long to wait for an answer, in seconds; None to go by the round-trip time.
        color: whether to use the terminal's colours.
        redact: whether to hide credentials.
        output: where to write.
        errors: where to say in one line what is wrong.

    Returns:
        The exit status: 0 if no fault shows, 1 if one does, 2 for bad arguments or a bad file, 3
        if the server cannot be talked to or lacks what the conversation needs.
    """
    try:
        case = find_case(what, case_id)
        if target is None and script is None:
            raise ValueError("the URL of the server is missing")
        done = None if target is None else replay(case, target, timeout=timeout)
        if script is not None:
            written = _script(case, done)
            if str(script) == "-":
                output.write(written)
            else:
                script.write_text(written, encoding="utf-8")
    except OSError as error:
        print(f"wsref replay: {error.filename}: {error.strerror or error}", file=errors)
        return USAGE
    except ValueError as error:
        print(f"wsref replay: {error}", file=errors)
        return USAGE
    if done is None or target is None:
        return CLEAN
    if str(script) != "-":
        for line in _lines(done, target, strict=strict, color=color, redact=redact):
            output.write(line + "\n")
    if done.problem:
        print(f"wsref replay: {done.problem}", file=errors)
        return UNREACHABLE
    return FAILURES if _counts(done, strict) else CLEAN


def _script(case: Case, done: Replay | None) -> str:
    """Write a script; what a server has just done makes it more exact."""
    if done is None or done.facts is None:
        return write_script(case)
    return write_script(
        case,
        echoes=done.facts.echoes,
        unasked=done.facts.unasked,
        findings=done.findings,
        record=done.record,
    )


def find_case(what: str, case_id: str | None = None) -> Case:
    """Return what a token, the id of a case, or the name of a file stands for.

    Args:
        what: one of these.
        case_id: which conversation of a file.

    Raises:
        ValueError: it stands for nothing, or for several conversations; the message says so.
        OSError: the file cannot be read.
    """
    path = Path(what)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # a token may be too long to be a name
        is_file = False
    if not is_file:
        if case_id is not None:
            raise ValueError(f"--case is for files, and there is no file {what!r}")
        try:
            return conversation_of(what)
        except TokenError as error:
            if what.startswith("w1.") or "/" not in what:
                raise
            raise ValueError(f"{error}, nor a file") from None
    try:
        cases = read_cases(path.read_text(encoding="utf-8", errors="strict"))
    except (TokenError, RecordingError) as error:
        raise ValueError(f"{what}: {error}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{what}: byte {error.start} is not UTF-8: not such a file") from None
    if case_id is not None:
        named = [case for case in cases if case.id == case_id]
        if not named:
            known = ", ".join(dict.fromkeys(case.id for case in cases))
            raise ValueError(f"{what} has no conversation {case_id!r}, only {_cut(known)}")
        return named[0]
    if len(cases) != 1:
        known = ", ".join(dict.fromkeys(case.id for case in cases))
        raise ValueError(f"{what} has {len(cases)} conversations; --case ID: {_cut(known)}")
    return cases[0]


def _cut(text: str) -> str:
    return text if len(text) <= 300 else text[:300].rpartition(",")[0] + ", ..."


def replay(case: Case, target: Target, *, timeout: float | None = None) -> Replay:
    """Have a conversation again, on a fresh connection, and judge it.

    Before it another one finds out what the server can do.

    Args:
        case: what to say.
        target: the server.
        timeout: how long to wait for an answer, in seconds; None to go by the round-trip time.
    """
    facts, problem = _learn(case, target, timeout)
    if facts is None:
        return Replay(case, None, (), problem)
    problem = _why_not(case, facts)
    if problem:
        return Replay(case, None, (), problem, facts)
    answer = timeout or _ANSWER + _ROUND_TRIPS * facts.round_trip
    record = converse(
        target,
        case.steps,
        Patience(answer, max(5.0, answer), facts.round_trip),
        unasked=facts.unasked if facts.echoes else None,
        pings=facts.pongs or not facts.echoes,
        plain=case.plain,
    )
    if record.unreachable:
        return Replay(case, record, (), record.unreachable, facts)
    if case.opens and not record.is_open:
        return Replay(case, record, (), f"{answer_of(record)}, not 101", facts)
    if _needs_deflate(case) and record.is_open and record.deflate is None:
        return Replay(case, record, (), _DEFLATE, facts)
    findings = list(case.judge(record, facts))
    if case.watches:
        about = set(case.requirements)
        findings += [one for one in judge_server(record) if one.requirement in about]
    order = list(Verdict).index
    distinct = dict.fromkeys(sorted(findings, key=lambda one: order(one.verdict)))
    return Replay(case, record, tuple(distinct), facts=facts)


def _learn(case: Case, target: Target, timeout: float | None) -> tuple[Facts | None, str]:
    """Find out what the server can do, as far as the judge wants to know."""
    answer = timeout or _ANSWER
    steps: tuple[Step, ...] = (
        Open(),
        Probe(),
        Send(text(_HELLO[1]), "a text message"),
        Await("messages"),
        Send(close(1000), "a Close"),
        Await("end"),
    )
    record = converse(target, steps, Patience(answer, max(5.0, answer)))
    if record.unreachable:
        return None, record.unreachable
    if not record.is_open:
        if not case.opens:  # it may be just what this conversation is about
            return Facts(), ""
        return None, f"{answer_of(record)}, not 101, to a plain opening handshake"
    response = record.response
    assert response is not None
    pongs = record.answered(1)
    reply = next((one.time for one in record.frames if one.payload == record.probes.get(1)), 0.0)
    return Facts(
        echoes=_HELLO in [message.content for message in record.messages],
        deflates=True,  # whether it does is seen from the conversation itself
        pongs=pongs,
        unasked=sum(message.step < 2 for message in record.messages) if pongs else 0,
        subprotocol=response.get("Sec-WebSocket-Protocol"),
        round_trip=max(0.0, reply - record.time_of_step(1)) if pongs else 0.0,
        is_secure=target.uri.secure,
    ), ""


def _why_not(case: Case, facts: Facts) -> str:
    """Return what the server lacks for the conversation; nothing if it lacks nothing."""
    if "echo" in case.needs and not facts.echoes:
        return "the server does not send messages back, which this conversation needs"
    if "tls" in case.needs and not facts.is_secure:
        return "the server is not reached by TLS, which this conversation needs"
    if "subprotocol" in case.needs and not facts.subprotocol:
        return "no subprotocol is agreed on, which this conversation needs: --subprotocol"
    return ""


def _needs_deflate(case: Case) -> bool:
    first = case.steps[0] if case.steps else None
    return isinstance(first, Open) and first.opening.needs_deflate


def _counts(done: Replay, strict: bool) -> bool:
    warned = any(finding.verdict is Verdict.WARN for finding in done.findings)
    return done.shows_fault or (strict and warned)


def _lines(
    done: Replay, target: Target, *, strict: bool, color: bool, redact: bool
) -> Iterator[str]:
    """Show what was said, and what is to be said about it."""
    bold, plain = ("\x1b[1m", "\x1b[0m") if color else ("", "")
    yield f"{bold}{done.case.id}{plain}  {target.url}"
    yield from wrap(done.case.title, 96, initial_indent="  ", subsequent_indent="  ")
    yield ""
    if done.record is None:
        return
    yield from annotate(done.record, color=color, redact=redact)
    yield ""
    if done.problem:
        return
    yield from finding_lines(done.findings, color=color)
    if not _counts(done, strict):
        yield f"{bold}clean{plain}: no fault shows"
    else:
        yield f"{bold}the fault shows{plain}"


def finding_lines(findings: Sequence[Finding], *, color: bool = False) -> Iterator[str]:
    """Lay out findings: verdict and message, then clause, level, and what it wants."""
    tints = {Verdict.FAIL: "\x1b[1;31m", Verdict.WARN: "\x1b[33m"} if color else {}
    for finding in findings:
        tint = tints.get(finding.verdict, "")
        yield f"{tint}{finding.verdict.value:4}{tint and chr(27) + '[0m'}  {finding.message}"
        if finding.requirement:
            about = requirement(finding.requirement)
            yield f"      {about.clause}  {about.level}  {about.id}"
            yield from wrap(about.summary, 94, initial_indent="      ", subsequent_indent="      ")
            yield f"      {about.url}"


def _seconds(text_given: str) -> float:
    try:
        seconds = float(text_given)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"{text_given!r} is not a number of seconds")
    return seconds
