"""The command ``wsref verify-trace``: the oracle, on conversations that were recorded.

The file has conversations as :mod:`.trace_format` describes them, such as the report ``ndjson`` of
a check, or is a capture, pcap or pcapng (:mod:`.captures`).  Both directions are judged: the server
by :mod:`.oracle`, the client by :mod:`.client_oracle`.  Only what was sent is judged, not what
should have been sent, since a recording cannot be asked again; what takes both directions to tell
is a warning at most.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from textwrap import wrap
from typing import Final, Literal, NamedTuple, TextIO, TypeAlias, cast

from ..explain import Part, Reader
from ..requirements import requirement
from .annotate import annotate_parts, without_credentials
from .client_oracle import Located, Side, frames_of_client, judge_together, locate_client
from .oracle import judge_server
from .record import Kind, Received, Record
from .report import CLEAN, FAILURES, USAGE
from .trace_format import TraceError, conversations_from_lines
from .verdicts import Finding, Verdict, warn

__all__ = [
    "Judged",
    "Place",
    "Sides",
    "Traced",
    "add_arguments",
    "judge_record",
    "read_trace",
    "run",
    "run_verify_trace",
]

#: Who is to be judged; ``auto``: both, but not wsref check, which breaks rules on purpose.
Sides: TypeAlias = Literal["auto", "both", "client", "server"]

#: So many findings about one requirement are shown of each side of a conversation.
_MOST: Final = 3


class Place(NamedTuple):
    """Where in a conversation something is.

    Attributes:
        frame: the number of the frame among those of its side, from 1; 0 for the opening
            handshake; None if it is not about one frame.
        byte: the position of its first byte in all that its side sent, from 0.
        time: when its last byte was seen, in seconds since the conversation began.
        step: the step, or in a capture the number of the packet, at that time.
    """

    frame: int | None
    byte: int
    time: float
    step: int


class Judged(NamedTuple):
    """A finding about a recorded conversation.

    Attributes:
        finding: what is to be said.
        side: who did it.
        place: where.
    """

    finding: Finding
    side: Side
    place: Place


class Traced(NamedTuple):
    """A conversation out of a file.

    Attributes:
        name: what to call it.
        record: the conversation; None if it cannot be judged.
        skipped: why not.
        problem: what is missing of it.
        is_captured: whether steps are numbers of packets.
    """

    name: str
    record: Record | None
    skipped: str = ""
    problem: str = ""
    is_captured: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``wsref verify-trace``."""
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="a recording (NDJSON), pcap or pcapng file"
    )
    parser.add_argument(
        "--side",
        choices=["auto", "both", "client", "server"],
        default="auto",
        help="whom to judge (default: both; in the reports of wsref check only the server)",
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 for warnings, too")
    parser.add_argument("--json", action="store_true", help="write JSON")
    parser.add_argument(
        "--color", choices=["auto", "always", "never"], default="auto", help="(default: auto)"
    )
    parser.add_argument(
        "--redact",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="hide credentials in all that is written",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    color = arguments.color
    return run_verify_trace(
        arguments.file,
        side=arguments.side,
        strict=arguments.strict,
        as_json=arguments.json,
        color=color == "always" or (color == "auto" and sys.stdout.isatty()),
        redact=arguments.redact,
        output=sys.stdout,
        errors=sys.stderr,
    )


def run_verify_trace(
    file: Path,
    *,
    side: Sides = "auto",
    strict: bool = False,
    as_json: bool = False,
    color: bool = False,
    redact: bool = True,
    output: TextIO,
    errors: TextIO,
) -> int:
    """Judge the conversations in a file.

    Args:
        file: a recording, or a capture.
        side: whom to judge.
        strict: whether warnings count.
        as_json: whether to write JSON.
        color: whether to use the terminal's colours.
        redact: whether to hide credentials.
        output: where to write.
        errors: where to say in one line what is wrong with the file.

    Returns:
        The exit status: 0 if nothing is wrong, 1 if a MUST is broken (if *strict*, a SHOULD), 2 if
        the file cannot be used, has nothing to be judged, or lacks part of a conversation.
    """
    try:
        traced, is_report = read_trace(file)
    except OSError as error:
        print(f"wsref verify-trace: {file}: {error.strerror or error}", file=errors)
        return USAGE
    except ImportError as error:
        if error.name != "dpkt":
            raise
        print('wsref verify-trace: captures need dpkt: pip install "wsref[check]"', file=errors)
        return USAGE
    except ValueError as error:
        print(f"wsref verify-trace: {file}: {error}", file=errors)
        return USAGE
    sides = _sides(side, is_report)
    judged = _judge_all(traced, sides)
    status = _status(traced, judged, strict)
    if as_json:
        _write_json(traced, judged, status, output)
    else:
        for line in _lines(traced, judged, sides, color=color, redact=redact):
            output.write(line + "\n")
    for one in traced:
        if one.problem:
            print(f"wsref verify-trace: {file}: {one.name}: {one.problem}", file=errors)
    if not any(one.record for one in traced):
        print(f"wsref verify-trace: {file}: there is no WebSocket conversation in it", file=errors)
    return status


def _status(traced: Sequence[Traced], judged: Sequence[Sequence[Judged]], strict: bool) -> int:
    verdicts = {one.finding.verdict for found in judged for one in found}
    if Verdict.FAIL in verdicts or (strict and Verdict.WARN in verdicts):
        return FAILURES
    if any(one.problem for one in traced) or not any(one.record for one in traced):
        return USAGE
    return CLEAN


def _sides(side: Sides, is_report: bool) -> frozenset[Side]:
    if side == "both" or (side == "auto" and not is_report):
        return frozenset(("client", "server"))
    return frozenset(("server",)) if side == "auto" else frozenset((side,))


# Reading


def read_trace(file: Path) -> tuple[list[Traced], bool]:
    """Return the conversations in a file, and whether it is a report of ``wsref check``.

    Raises:
        OSError: it cannot be read.
        ImportError: it is a capture, and dpkt is not installed.
        ValueError: it is no recording and no capture; the message says where and why.
    """
    data = file.read_bytes()
    if not data:
        raise TraceError("the file is empty")
    if _looks_binary(data):
        from .captures import read_capture

        captured = read_capture(data)
        return [
            Traced(one.name, one.record, one.skipped, one.problem, True) for one in captured
        ], False
    try:
        lines = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TraceError(
            f"line {line}: byte 0x{data[error.start]:02x} is not UTF-8: neither a recording nor a"
            " capture"
        ) from None
    traced: list[Traced] = []
    for one in conversations_from_lines(lines):
        name = one.name or f"the conversation of line {one.line}"
        if one.record.unreachable:
            traced.append(Traced(name, None, f"there was no connection: {one.record.unreachable}"))
        elif not one.record.request:
            traced.append(Traced(name, None, "it has no opening handshake"))
        else:
            traced.append(Traced(name, one.record))
    return traced, _is_report(lines)


def _looks_binary(data: bytes) -> bool:
    """Whether a file can only be a capture: text has none of these bytes so early."""
    return b"\x00" in data[:64] or data[:4] == b"\x0a\x0d\x0d\x0a"


def _is_report(lines: Sequence[str]) -> bool:
    """Whether a check has written these lines: its report begins with a line that says so."""
    first = next((line for line in lines if line.strip()), "")
    try:
        fields: object = json.loads(first)
    except ValueError:
        return False
    return isinstance(fields, dict) and cast("dict[str, object]", fields).get("type") == "begin"


# Judging


def judge_record(record: Record, sides: frozenset[Side]) -> list[Judged]:
    """Judge a conversation.

    Args:
        record: the conversation.
        sides: whom to judge.

    Returns:
        The findings: first those about the client, then those about the server, each in the
        order of the bytes.
    """
    found: list[Located] = []
    if "client" in sides:
        found += locate_client(record)
    if "server" in sides:
        found += _locate_server(record)
    found += [one for one in judge_together(record) if one.side in sides]
    client = frames_of_client(record) if record.is_open else ()
    judged = [Judged(one.finding, one.side, _place(record, one, client)) for one in found]
    return sorted(judged, key=lambda one: (one.side, one.place.byte))


def _judge_all(traced: Sequence[Traced], sides: frozenset[Side]) -> list[list[Judged]]:
    """Judge all conversations; keys that were used before are noticed across them."""
    judged: list[list[Judged]] = []
    keys: set[str] = set()
    for one in traced:
        found = [] if one.record is None else judge_record(one.record, sides)
        if one.record is not None and "client" in sides and one.record.key:
            if one.record.key in keys:
                message = f"Sec-WebSocket-Key {one.record.key!r} was used before"
                located = Located(warn("RFC6455-4.1-27", message), "client", -1)
                place = _place(one.record, located, ())
                found.insert(0, Judged(located.finding, "client", place))
            keys.add(one.record.key)
        judged.append(found)
    return judged


class _Prefix(Record):
    """A record, of which the server's frames beyond the first few are left out."""

    def __init__(self, whole: Record, count: int) -> None:
        super().__init__(whole.entries, key=whole.key, request=whole.request)
        self._whole = whole
        self._count = count

    @cached_property
    def frames(self) -> tuple[Received, ...]:
        return self._whole.frames[: self._count]

    @property
    def rest(self) -> bytes:
        return b""

    @property
    def has_ended(self) -> bool:
        return False


def _locate_server(record: Record) -> list[Located]:
    """Judge the server, and find out which frames the findings are about.

    The findings are in the order of the bytes, so those about the first frames are the first
    findings: a frame is found by halving.  Of each requirement only the first few are looked for.
    """
    findings = judge_server(record)
    total = len(record.frames)
    counts: dict[int, int] = {}

    def count(frames: int) -> int:
        """Return how many findings there are about the first *frames* frames."""
        if frames not in counts:
            counts[frames] = len(judge_server(_Prefix(record, frames)))
        return counts[frames]

    located: list[Located] = []
    seen: Counter[str] = Counter()
    for index, finding in enumerate(findings):
        seen[finding.requirement] += 1
        if index < count(0):
            located.append(Located(finding, "server", -1))
            continue
        if index >= count(total):
            located.append(Located(finding, "server", total))
            continue
        if seen[finding.requirement] > _MOST:
            located.append(Located(finding, "server", None))
            continue
        without, with_it = 0, total
        while with_it - without > 1:
            middle = (without + with_it) // 2
            if count(middle) > index:
                with_it = middle
            else:
                without = middle
        located.append(Located(finding, "server", with_it - 1))
    return located


def _place(record: Record, located: Located, client: Sequence[Received]) -> Place:
    """Return where a finding is; behind the last frame if it is about no frame."""
    by_client = located.side == "client"
    frames = client if by_client else record.frames
    head = len(record.request) if by_client else len(record.head)
    kind = Kind.SENT if by_client else Kind.RECEIVED
    entries = [entry for entry in record.entries if entry.kind is kind]
    index = located.frame
    if index is not None and 0 <= index < len(frames):
        frame = frames[index]
        return Place(index + 1, head + frame.start, frame.time, frame.step)
    if index == -1 and entries:
        return Place(0, 0, entries[0].time, entries[0].step)
    end = head + (frames[-1].stop if frames else 0)
    last = entries[-1] if entries else None
    number = len(frames) + 1 if index is not None else None
    return Place(number, end, last.time if last else 0.0, last.step if last else 0)


# Showing


def _lines(
    traced: Sequence[Traced],
    judged: Sequence[Sequence[Judged]],
    sides: frozenset[Side],
    *,
    color: bool,
    redact: bool,
) -> Iterator[str]:
    bold, plain = ("\x1b[1m", "\x1b[0m") if color else ("", "")
    for one, found in zip(traced, judged, strict=True):
        if one.record is None:
            yield f"{one.name}: skipped: {one.skipped}"
            continue
        yield f"{bold}{one.name}{plain}: {_told(one.record)}"
        if one.problem:
            yield f"  incomplete: {one.problem}"
        shown = without_credentials(one.record) if redact else one.record
        yield from _finding_lines(found, shown, one.is_captured, color=color)
    if len(sides) == 1:
        (only,) = sides
        yield f"only the {only} was judged (see --side)"
    counts = Counter(one.finding.verdict for found in judged for one in found)
    skipped = sum(one.record is None for one in traced)
    yield (
        f"{len(traced) - skipped} judged, {skipped} skipped: {counts[Verdict.FAIL]} failures,"
        f" {counts[Verdict.WARN]} warnings, {counts[Verdict.INFO]} notes"
    )


def _told(record: Record) -> str:
    """Say in a few words what a conversation is."""
    if not record.is_open:
        status = record.status
        return "not answered" if status is None else f"the handshake was answered by {status}"
    sent, got = len(frames_of_client(record)), len(record.frames)
    return f"{sent} frames from the client, {got} from the server"


def _finding_lines(
    found: Sequence[Judged], record: Record, is_captured: bool, *, color: bool
) -> Iterator[str]:
    tints = {Verdict.FAIL: "\x1b[1;31m", Verdict.WARN: "\x1b[33m"} if color else {}
    shown: list[Judged] = []
    hidden: Counter[tuple[Side, str]] = Counter()
    seen: Counter[tuple[Side, str]] = Counter()
    for one in found:
        about = one.side, one.finding.requirement
        seen[about] += 1
        if seen[about] > _MOST:
            hidden[about] += 1
        else:
            shown.append(one)
    parts = {side: _parts(record, side, shown) for side in ("client", "server")}
    for one in shown:
        finding = one.finding
        tint = tints.get(finding.verdict, "")
        untint = "\x1b[0m" if tint else ""
        yield f"  {tint}{finding.verdict.value:4}{untint}  {_where(one, is_captured)}"
        yield from wrap(finding.message, 92, initial_indent=" " * 8, subsequent_indent=" " * 8)
        entry = requirement(finding.requirement)
        yield f"        {entry.clause}  {entry.level}  {entry.id}"
        yield from wrap(entry.summary, 92, initial_indent=" " * 8, subsequent_indent=" " * 8)
        part = parts[one.side].get(one.place.frame)
        if part is not None:
            yield from annotate_parts((part,), color=color)
        if hidden[one.side, finding.requirement]:
            more = hidden.pop((one.side, finding.requirement))
            yield f"        ... and {more} more of the {one.side}'s about {finding.requirement}"
    if not found:
        yield "  nothing is wrong"


def _where(one: Judged, is_captured: bool) -> str:
    place = one.place
    where = f"{one.side}, "
    if place.frame is None:
        where += "later"
    elif place.frame == 0:
        where += "opening handshake"
    else:
        where += f"frame {place.frame}"
    where += f", byte {place.byte} of what it sent, at {place.time:.6f} s"
    return f"{where}, packet {place.step}" if is_captured else where


def _parts(record: Record, side: Side, found: Sequence[Judged]) -> dict[int | None, Part]:
    """Return the annotated parts that findings are about, by the numbers of their frames."""
    wanted = {one.place.frame for one in found if one.side == side}
    if not wanted:
        return {}
    by_client = side == "client"
    head = record.request if by_client else record.head
    stream = record.sent[len(head) :] if by_client else record.received[len(head) :]
    reader, parts = Reader(from_client=by_client).read(head)
    kept: dict[int | None, Part] = {0: parts[0]} if parts else {}
    if not record.is_open:
        return kept
    reader = reader.with_deflate(record.deflate)
    frames = frames_of_client(record) if by_client else record.frames
    last = max((number for number in wanted if number is not None), default=0)
    for number, frame in enumerate(frames[:last], start=1):
        reader, parts = reader.read(stream[frame.start : frame.stop])
        if number in wanted and parts:
            kept[number] = parts[0]
    if last == len(frames) + 1:
        reader, _parts_read = reader.read(stream[frames[-1].stop if frames else 0 :])
        rest = reader.unread()
        if rest:
            kept[last] = rest[0]
    return kept


def _write_json(
    traced: Sequence[Traced], judged: Sequence[Sequence[Judged]], status: int, output: TextIO
) -> None:
    conversations = [
        {
            "name": one.name,
            "judged": one.record is not None,
            "skipped": one.skipped,
            "problem": one.problem,
            "findings": [_fields(judged_one, one.is_captured) for judged_one in found],
        }
        for one, found in zip(traced, judged, strict=True)
    ]
    output.write(json.dumps({"exit_code": status, "conversations": conversations}, indent=1) + "\n")


def _fields(one: Judged, is_captured: bool) -> dict[str, object]:
    entry = requirement(one.finding.requirement)
    return {
        "verdict": one.finding.verdict.value,
        "side": one.side,
        "requirement": entry.id,
        "clause": entry.clause,
        "level": entry.level,
        "url": entry.url,
        "message": one.finding.message,
        "frame": one.place.frame,
        "byte": one.place.byte,
        "time": round(one.place.time, 6),
        "packet" if is_captured else "step": one.place.step,
    }
