"""Stand-alone scripts that repeat a conversation: nothing but Python's standard library.

What a case's judge would say is not in a script.  Instead the judge is asked beforehand about
servers of all manners (:mod:`.rehearsal`), and the script has a table of what it said.  The
script's body is :mod:`.standalone`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib.resources import files
from textwrap import wrap
from typing import Final, TypeAlias

from ..requirements import requirement
from .catalogue import Case, Facts
from .conversation import Abort, Await, Crowd, HalfClose, Open, Pause, Probe, Send, Step
from .record import Record
from .rehearsal import FACTS, MANNERS, REFERENCE, rehearse
from .tokens import Piece, request_pieces, token_of
from .verdicts import Finding, Verdict

__all__ = ["outcome_of", "write_script"]

_BEGIN: Final = "# BEGIN of the conversation\n"
_END: Final = "# END of the conversation\n"
_GAPS: Final[dict[Piece, str]] = {
    0: "{host}",
    1: "{hostname}",
    2: "{target}",
    3: "{key}",
    4: "{own}",
}
_HEX_A_LINE: Final = 36  # bytes
_PAUSE: Final = 0.005  # seconds, for the round-trip time that a script does not know

_Table: TypeAlias = dict[str, str]


def write_script(
    case: Case,
    *,
    echoes: bool | None = None,
    unasked: int = 0,
    findings: Sequence[Finding] = (),
    record: Record | None = None,
) -> str:
    """Return a script that has the conversation of *case* again.

    It takes the server's URL as its argument, prints both directions in hexadecimal and what the
    server did, and exits with 1 if that is a fault, 0 if it is not, 3 if there is no connection.

    Args:
        case: what to say, and how it is judged.
        echoes: whether the server is one that echoes, so that its messages matter; None if it
            has to be one.
        unasked: how many messages it sends by itself at the beginning.
        findings: what was said about a server that showed the fault.
        record: the conversation with that server.
    """
    matters = "echo" in case.needs if echoes is None else echoes
    source = (
        files(__name__.rpartition(".")[0]).joinpath("standalone.py").read_text(encoding="utf-8")
    )
    _head, _marker, rest = source.partition(_BEGIN)
    _example, _marker, body = rest.partition(_END)
    imports = _head.partition('"""\n\n')[2]
    faults, right = _tables(case, matters)
    bad = [one for one in findings if one.verdict in (Verdict.FAIL, Verdict.WARN)]
    if record is not None and bad:
        key = outcome_of(record, case, echoes=matters)
        if key not in faults and key not in right:
            faults[key] = _said(bad[0])
    lines = [
        "#!/usr/bin/env python3",
        *_docstring(case),
        imports + _BEGIN,
        *_conversation(case, matters),
        "#: How many messages the server sends by itself at the beginning.",
        f"UNASKED = {unasked}",
        "",
        "#: What the server may do that is a fault, and what is then to be said.",
        "FAULTS: dict[str, str] = {",
        *(f"    {_quoted(key)}: {_quoted(said)}," for key, said in faults.items()),
        "}",
        "",
        "#: What it may do that is right.",
        "RIGHT = [",
        *(f"    {_quoted(key)}," for key in right),
        "]",
        "",
        _END + body,
    ]
    return "\n".join(lines)


def outcome_of(record: Record, case: Case, *, echoes: bool = True) -> str:
    """Say what a server did, as scripts do.

    Args:
        record: the conversation.
        case: what it was about.
        echoes: whether the messages that it sent matter.
    """
    ending = "reset" if record.was_reset else "end" if record.has_ended else "open"
    if not record.is_open:
        if record.status:
            return "refused the handshake"
        return f"no answer to the handshake, TCP {ending}"
    if record.closes:
        code = "no code" if record.close_code is None else str(record.close_code)
        return f"closed with {code}, TCP {ending}"
    if record.has_ended:
        return f"no Close, TCP {ending}"
    if record.timeouts or (record.probes and not record.is_alive):
        return "nothing"
    got = [message.content for message in record.messages]
    wanted = [message.content for message in rehearse(case.steps, REFERENCE).messages]
    return "went on" if got == wanted or not echoes else "went on with other messages"


def _tables(case: Case, echoes: bool) -> tuple[_Table, list[str]]:
    """Return what is a fault and what is not, by what a server may do."""
    facts = FACTS if echoes else Facts(deflates=True, round_trip=0.001)
    faults: _Table = {}
    right: list[str] = []
    others: dict[str, list[str]] = {}
    for manner in (REFERENCE, *MANNERS):
        if (manner.in_opening and case.opens) or (manner.echo != "messages" and not echoes):
            continue
        record = rehearse(case.steps, manner)
        key = outcome_of(record, case, echoes=echoes)
        if key in faults or key in right:
            continue
        bad = [one for one in case.judge(record, facts) if one.verdict is Verdict.FAIL]
        if bad:
            faults[key] = _said(bad[0])
        else:
            right.append(key)
        if manner.reaction in ("close", "close and end") and manner.code and record.closes:
            any_code = f"closed with any code, TCP {key.rpartition(' ')[2]}"
            others.setdefault(any_code, []).append(faults.get(key, ""))
    for key, said in others.items():
        if all(said):
            faults[key] = said[0]
    return faults, right


def _said(finding: Finding) -> str:
    about = requirement(finding.requirement)
    return f"{finding.message} ({about.clause}, {about.level})"


def _docstring(case: Case) -> Iterator[str]:
    yield f'r"""{_plain(case.title)}'
    yield ""
    yield from wrap(
        f"This repeats the conversation {case.id} of wsref, a checker of WebSocket servers, and"
        " needs nothing but the standard library of Python 3.8 or later.  Run it with the URL of"
        " the server; it exits with 1 if the fault shows.",
        96,
    )
    for one in case.clauses:
        yield ""
        yield f"{one.clause}, {one.level} ({one.id}):"
        yield from wrap(one.summary, 92, initial_indent="    ", subsequent_indent="    ")
        yield f"    {one.url}"
    token = token_of(case)
    if len(token) <= 2000:
        yield ""
        yield "With wsref installed:"
        yield ""
        yield f"    wsref replay {token} URL"
    yield '"""'
    yield ""


def _conversation(case: Case, echoes: bool) -> Iterator[str]:
    first = case.steps[0] if case.steps and isinstance(case.steps[0], Open) else Open()
    steps = [step for step in case.steps if not isinstance(step, Open)]
    yield "#: What it is about."
    yield f"TITLE = {_quoted(case.title)}"
    yield ""
    yield "#: What the opening handshake is; {host}, {target}, {key} and {own} are filled in."
    yield "REQUEST = ("
    for line in _request_lines(first):
        yield f"    {line}"
    yield ")"
    yield ""
    yield "#: Bytes right behind it, in hexadecimal; and whether it goes out byte by byte."
    yield from _assigned("BEHIND", first.behind)
    yield f"BYTEWISE = {first.bytewise}"
    yield ""
    yield "#: Whether the conversation is of use only if permessage-deflate is agreed on."
    yield f"NEEDS_DEFLATE = {first.opening.needs_deflate}"
    yield ""
    yield "#: What is done afterwards, step by step."
    yield "STEPS: list[tuple[object, ...]] = ["
    for step in steps:
        yield from (f"    {line}" for line in _step_lines(step))
    yield "]"
    yield ""
    yield "#: The messages that an echo server sends back, in hexadecimal; None if that does not"
    yield "#: matter."
    messages = rehearse(case.steps, REFERENCE).messages if echoes else ()
    if messages:
        yield "ECHOES: list[str] | None = ["
        for message in messages:
            yield from (f"    {line}" for line in _hex_lines(message.payload, "", ","))
        yield "]"
    else:
        yield f"ECHOES: list[str] | None = {[] if echoes else None}"
    yield ""


def _request_lines(step: Open) -> Iterator[str]:
    """Write the request as literals, one for each of its lines."""
    text = "".join(
        piece if isinstance(piece, str) else _GAPS[piece] for piece in request_pieces(step.opening)
    )
    for line in text.splitlines(keepends=True) or [""]:
        literal = repr(line.encode("latin-1"))
        yield literal if '"' in literal else literal.replace("'", '"')


def _step_lines(step: Step) -> Iterator[str]:
    match step:
        case Send(data, note, bytewise):
            yield "("
            yield '    "send",'
            yield f"    {_quoted(note or 'bytes')},"
            yield from (f"    {line}" for line in _hex_lines(data, "", ","))
            if bytewise:
                yield '    "byte by byte",'
            yield "),"
        case Probe():
            yield '("ping",),'
        case Await(what, count):
            yield f'("wait for", "{what}", {count}),'
        case Pause(round_trips):
            yield f'("pause", {round_trips * _PAUSE:g}),'
        case HalfClose():
            yield '("end sending",),'
        case Abort():
            yield '("reset",),'
        case Crowd(number):
            yield f"# (here the checker had {number} more connections at the same time)"
        case Open():
            pass


def _assigned(name: str, data: bytes) -> Iterator[str]:
    lines = list(_hex_lines(data, "", ""))
    if len(lines) == 1:
        yield f"{name} = {lines[0]}"
        return
    yield f"{name} = ("
    yield from (f"    {line}" for line in lines)
    yield ")"


def _hex_lines(data: bytes, before: str, behind: str) -> Iterator[str]:
    """Write bytes as a literal in hexadecimal, over several lines if need be."""
    pieces = [data[i : i + _HEX_A_LINE].hex() for i in range(0, len(data), _HEX_A_LINE)] or [""]
    for index, piece in enumerate(pieces):
        start = before if index == 0 else ""
        end = behind if index == len(pieces) - 1 else ""
        yield f'{start}"{piece}"{end}'


def _quoted(text: str) -> str:
    """Return a string literal."""
    return json.dumps(text, ensure_ascii=False)


def _plain(text: str) -> str:
    """Return text that can stand in a raw docstring."""
    return "".join(character if character.isprintable() else "?" for character in text).replace(
        '"""', "'''"
    )
