"""The report as one HTML file for people: nothing in it is loaded from anywhere.

This module makes of a report what the template ``report.html.jinja`` shows; ``report.css`` and
``report.js`` go into the file as they are.  All text is escaped by the template.  A content
security policy forbids every script but our own, and all connections.

Long payloads and conversations are cut, with the number of bytes or lines that were left out, so
that the file stays small enough to be mailed; all of it is in the report ``json``.
"""

from __future__ import annotations

import re
import shlex
from base64 import b64encode
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Final, Literal, NamedTuple

from ...explain import VIOLATION, Part, Reader
from ...protocol.frames import Frame, parse_frame
from ...protocol.http import end_of_head
from ...requirements import Requirement, requirements
from ..narrate import describe
from ..record import Kind, Record
from ..report import CLEAN, FAILURES, Fault, Report, Result
from ..sections import section_key, section_title, shown_section
from ..verdicts import Finding, Verdict
from .json import combined_exit_code

__all__ = ["html_report"]

#: What is shown of a piece of a conversation, in bytes, and of its head, in characters.
_MAX_BYTES: Final = 32
_MAX_HEAD: Final = 1500
#: What is shown of a conversation, in pieces: the first and the last.
_MAX_FIRST: Final = 36
_MAX_LAST: Final = 8
#: How many frames are explained field by field where a fault is shown.
_MAX_EXPLAINED: Final = 12
#: How many frames of each side are unfolded, but for those in which something is wrong.
_MAX_UNFOLDED: Final = 2
#: How many further findings are shown with a fault, and how many further cases.
_MAX_MORE: Final = 2
_MAX_OTHERS: Final = 12

#: Control characters, those that change the direction of writing, and what is no character.
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
    "\ud800-\udfff\ufffe\uffff]"
)

_Who = Literal["sent", "got", ""]

_MEANINGS: Final = {
    Verdict.FAIL: "it breaks a MUST",
    Verdict.XPASS: "the baseline expects something else",
    Verdict.WARN: "it breaks a SHOULD, or a strict reading",
    Verdict.FLAKY: "repeated, it had another outcome",
    Verdict.BLOCKED: "it could not be found out",
    Verdict.EXPECTED: "as bad as the baseline says",
    Verdict.INFO: "legal, and worth knowing",
    Verdict.PASS: "as it should be",
    Verdict.SKIP: "it does not apply to this server",
}

_EXITS: Final = {
    0: "clean",
    1: "failures",
    3: "the server could not be checked, or not to the end",
}


class _Field(NamedTuple):
    """A row of a frame that is explained field by field."""

    hex: str
    bits: str
    name: str
    meaning: str
    clause: str
    is_violation: bool


class _Piece(NamedTuple):
    """What one side said at one time: a head, a frame, or a part of one.

    Attributes:
        text: what it is.
        header: the bytes of a frame before its payload, in hexadecimal.
        hex: the other bytes, as far as they are shown.
        left_out: how many bytes are not.
        head: the lines of a head.
        fields: it field by field.
        unfolded: whether these are shown without being asked for.
    """

    text: str
    header: str = ""
    hex: str = ""
    left_out: int = 0
    head: str = ""
    fields: tuple[_Field, ...] = ()
    unfolded: bool = False


class _Moment(NamedTuple):
    """A line of a conversation.

    Attributes:
        time: such as ``1.2 ms``.
        who: whose piece it is; nobody's if something happened.
        piece: what was said, or what happened.
        note: why the checker said it.
    """

    time: str
    who: _Who
    piece: _Piece
    note: str = ""


class _Story(NamedTuple):
    """A conversation: its lines, and how many were left out behind the first so many."""

    moments: tuple[_Moment, ...]
    left_out: int = 0
    left_out_at: int = 0


class _About(NamedTuple):
    """A finding with what it is about."""

    finding: Finding
    requirement: Requirement | None


class _CaseView(NamedTuple):
    """A line of the list of cases."""

    anchor: str
    result: Result
    findings: tuple[_About, ...]
    requirements: tuple[Requirement, ...]
    story: _Story | None
    milliseconds: str
    replay: str


class _SectionView(NamedTuple):
    """The cases of a section."""

    id: str
    name: str
    title: str
    counts: tuple[tuple[Verdict, int], ...]
    cases: tuple[_CaseView, ...]


class _FaultView(NamedTuple):
    """A distinct fault."""

    anchor: str
    verdict: Verdict
    requirement: Requirement | None
    message: str
    more: tuple[_About, ...]
    more_left_out: int
    case: _CaseView
    others: tuple[_CaseView, ...]
    more_others: int
    story: _Story | None
    about_opening: bool


class _Entry(NamedTuple):
    """A line of the ledger."""

    requirement: Requirement
    state: Literal["passed", "failed", "warned", "other", "untested"]
    word: str
    cases: tuple[_CaseView, ...]


class _LedgerSection(NamedTuple):
    name: str
    title: str
    entries: tuple[_Entry, ...]


class _ServerView(NamedTuple):
    """All that is shown of one server."""

    anchor: str
    report: Report
    verdict: Literal["bad", "unknown", "warned", "clean"]
    headline: str
    summary: str
    day: str
    time: str
    exit_meaning: str
    facts: tuple[tuple[str, str], ...]
    counts: tuple[tuple[Verdict, int], ...]
    faults: tuple[_FaultView, ...]
    sections: tuple[_SectionView, ...]
    ledger: tuple[_LedgerSection, ...]
    ledger_counts: Counter[str]
    controls: tuple[_Story, ...]


def html_report(reports: Sequence[Report]) -> str:
    """Return the document, all servers in one.

    Raises:
        ImportError: jinja2 is not installed.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    script = _packaged("report.js")
    environment = Environment(
        autoescape=True,
        finalize=_showable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.from_string(_packaged("report.html.jinja"))
    servers = [_server(report, f"s{i}") for i, report in enumerate(reports, start=1)]
    return template.render(
        servers=servers,
        title=_title(servers),
        exit_code=combined_exit_code(reports),
        meanings=_MEANINGS,
        style=Markup(_packaged("report.css")),
        script=Markup(script),
        script_hash=b64encode(sha256(script.encode()).digest()).decode(),
    )


def _showable(value: object) -> object:
    """Make characters visible that a page cannot have, or that would change how it reads."""
    if type(value) is not str:  # markup is ours
        return value
    return _HIDDEN.sub(lambda match: f"\\u{ord(match[0]):04x}", value)


def _packaged(name: str) -> str:
    return files(__name__.rpartition(".")[0]).joinpath(name).read_text(encoding="utf-8")


def _title(servers: Sequence[_ServerView]) -> str:
    if len(servers) == 1:
        return f"{servers[0].headline} · {servers[0].report.url} · wsref check"
    return f"{len(servers)} servers · wsref check"


# One server


def _server(report: Report, anchor: str) -> _ServerView:
    cases = [_case(result, report, f"{anchor}-c{i}") for i, result in enumerate(report.results)]
    views = {id(view.result): view for view in cases}
    verdict, headline, summary = _headline(report)
    ledger = _ledger(report, cases)
    states: Counter[str] = Counter(entry.state for section in ledger for entry in section.entries)
    return _ServerView(
        anchor=anchor,
        report=report,
        verdict=verdict,
        headline=headline,
        summary=summary,
        day=report.started.date().isoformat(),
        time=report.started.timetz().isoformat("seconds"),
        exit_meaning=_EXITS.get(report.exit_code, ""),
        facts=tuple(_facts(report)),
        counts=_in_order(report.counts),
        faults=tuple(
            _fault(fault, report, views, f"{anchor}-f{i}")
            for i, fault in enumerate(report.faults, start=1)
        ),
        sections=tuple(_sections(report, cases)),
        ledger=ledger,
        ledger_counts=states,
        controls=tuple(_story(record, explain=0) for record in report.controls),
    )


def _headline(
    report: Report,
) -> tuple[Literal["bad", "unknown", "warned", "clean"], str, str]:
    """Say how the check turned out: a word for colours, a headline, and a sentence."""
    gating = {result.verdict for result in report.failures}
    faults = sum(fault.verdict in gating for fault in report.faults)
    warnings = len(report.faults) - faults
    ran = sum(
        number
        for verdict, number in report.counts.items()
        if verdict not in (Verdict.SKIP, Verdict.BLOCKED)
    )
    of_cases = _count(ran, "case")
    if report.exit_code == FAILURES:
        besides = f", and {_count(warnings, 'warning')} besides" if warnings else ""
        summary = f"Shown by {len(report.failures)} of {of_cases}{besides}. {report.problem}"
        return "bad", _count(faults, "fault"), summary.strip()
    if report.exit_code != CLEAN:
        return "unknown", "Not checked", report.problem or "no case was run to its end"
    if report.faults:
        return "warned", _count(warnings, "warning"), f"No MUST is broken in {of_cases}."
    return "clean", "Clean", f"No fault was found in {of_cases}."


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    """Say what the controls found out."""
    facts = report.facts
    if facts is None:
        return
    yield "Ping", f"{facts.round_trip * 1000:.1f} ms" if facts.pongs else "not answered"
    yield "echo", "yes" if facts.echoes else "no"
    yield "permessage-deflate", "agreed on" if facts.deflates else "not agreed on"
    if facts.unasked:
        yield "greets with", _count(facts.unasked, "message")
    if facts.subprotocol:
        yield "subprotocol", facts.subprotocol
    if not facts.parallel:
        yield "connections", "served one after another"
    if facts.broadcasts:
        yield "messages", "passed on to all"
    yield "TLS", "yes" if facts.is_secure else "no"


def _in_order(counts: Mapping[Verdict, int]) -> tuple[tuple[Verdict, int], ...]:
    return tuple((verdict, counts[verdict]) for verdict in Verdict if counts.get(verdict))


def _sections(report: Report, cases: Iterable[_CaseView]) -> Iterator[_SectionView]:
    by_section: dict[str, list[_CaseView]] = {}
    for view in cases:
        by_section.setdefault(view.result.case.section, []).append(view)
    counts = report.sections
    for section in sorted(by_section, key=section_key):
        yield _SectionView(
            section,
            shown_section(section),
            section_title(section),
            _in_order(counts[section]),
            tuple(by_section[section]),
        )


def _case(result: Result, report: Report, anchor: str) -> _CaseView:
    known = requirements()
    named = [known[name] for name in result.case.requirements if name in known]
    record = result.record
    return _CaseView(
        anchor,
        result,
        tuple(_About(finding, known.get(finding.requirement)) for finding in result.findings),
        tuple(named),
        None if record is None else _story(record, explain=0),
        "" if record is None else _milliseconds(record.duration),
        shlex.join(["wsref", "replay", result.replay or result.case.id, report.url]),
    )


def _fault(fault: Fault, report: Report, views: Mapping[int, _CaseView], anchor: str) -> _FaultView:
    result = fault.results[0]
    first = result.findings[0] if result.findings else None
    others = [views[id(other)] for other in fault.results[1:]]
    view = views[id(result)]
    record = result.record
    return _FaultView(
        anchor=anchor,
        verdict=fault.verdict,
        requirement=requirements().get(fault.requirement),
        message=(result.note or result.case.title) if first is None else first.message,
        more=view.findings[1 : 1 + _MAX_MORE],
        more_left_out=max(0, len(view.findings) - 1 - _MAX_MORE),
        case=view,
        others=tuple(others[:_MAX_OTHERS]),
        more_others=max(0, len(others) - _MAX_OTHERS),
        story=None if record is None else _story(record, explain=_MAX_EXPLAINED),
        about_opening=record is not None and _is_about_opening(result, record),
    )


def _is_about_opening(result: Result, record: Record) -> bool:
    """Whether the heads are the matter, or all there is."""
    if not (result.case.opens and record.is_open and len(record.sent) > len(record.request)):
        return True
    about = result.findings[0].requirement if result.findings else result.case.requirements[0]
    entry = requirements().get(about)
    return entry is not None and entry.section.partition(".")[0] in ("4", "11")


def _ledger(report: Report, cases: Iterable[_CaseView]) -> tuple[_LedgerSection, ...]:
    about: dict[str, list[_CaseView]] = {}
    for view in cases:
        for name in view.result.case.requirements:
            about.setdefault(name, []).append(view)
    by_section: dict[str, list[_Entry]] = {}
    for name, verdict in report.ledger.items():
        entry = requirements()[name]
        section = entry.section if entry.rfc == 6455 else f"{entry.rfc}:{entry.section}"
        by_section.setdefault(section, []).append(
            _Entry(entry, _state(verdict), _word(verdict), tuple(about.get(name, ())[:4]))
        )
    return tuple(
        _LedgerSection(shown_section(section), section_title(section), tuple(entries))
        for section, entries in sorted(by_section.items(), key=lambda item: section_key(item[0]))
    )


def _state(
    verdict: Verdict | None,
) -> Literal["passed", "failed", "warned", "other", "untested"]:
    if verdict is None:
        return "untested"
    if verdict in (Verdict.PASS, Verdict.INFO):
        return "passed"
    if verdict in (Verdict.WARN, Verdict.FLAKY):
        return "warned"
    return "failed" if verdict in (Verdict.FAIL, Verdict.XPASS) else "other"


def _word(verdict: Verdict | None) -> str:
    return "not tested" if verdict is None else verdict.value


# One conversation


def _story(record: Record, *, explain: int) -> _Story:
    """Tell a conversation.

    Args:
        record: the conversation.
        explain: how many frames to explain field by field.
    """
    moments: list[_Moment] = []
    if record.unreachable:
        moments.append(_Moment("", "", _Piece(f"no connection: {record.unreachable}")))
    sides = {
        Kind.SENT: _Side(record, from_client=True, explain=explain),
        Kind.RECEIVED: _Side(record, from_client=False, explain=explain),
    }
    for entry in record.entries:
        time = _milliseconds(entry.time)
        side = sides.get(entry.kind)
        if side is None:
            moments.append(_Moment(time, "", _Piece(_happened(entry.kind, entry.note))))
            continue
        who: _Who = "sent" if entry.kind is Kind.SENT else "got"
        note = entry.note
        for piece in side.take(len(entry.data)):
            moments.append(_Moment(time, who, piece, note if note not in piece.text else ""))
            note = ""
    if len(moments) <= _MAX_FIRST + _MAX_LAST + 1:
        return _Story(tuple(moments))
    shown = (*moments[:_MAX_FIRST], *moments[-_MAX_LAST:])
    return _Story(shown, len(moments) - len(shown), _MAX_FIRST)


def _happened(kind: Kind, note: str) -> str:
    words = {
        Kind.END: "the server ended TCP",
        Kind.RESET: "the server reset TCP",
        Kind.TIMEOUT: "what was waited for did not come in time",
    }
    return words.get(kind, note)


class _Side:
    """What one side said, cut into pieces: the head, the frames, and parts of them."""

    def __init__(self, record: Record, *, from_client: bool, explain: int) -> None:
        self._explain = explain
        self._may_unfold = _MAX_UNFOLDED
        self._probes = set(record.probes.values())
        self._position = 0
        if from_client:
            self._data, self._head_size = record.sent, len(record.request)
            self._are_frames = True
        else:
            self._data, self._head_size = record.received, len(record.head)
            self._are_frames = record.is_open
        self._frames = self._parsed() if self._are_frames else {}
        self._begins = 0  # where the frame begins that is being read
        self._reader = Reader(from_client, in_head=False).with_deflate(record.deflate)
        self._from_client = from_client

    def _parsed(self) -> dict[int, Frame]:
        """Return the frames by the positions behind them."""
        frames: dict[int, Frame] = {}
        position = self._head_size
        while (parsed := parse_frame(self._data, position)) is not None:
            frame, position = parsed
            frames[position] = frame
        self._stops = sorted(frames)
        return frames

    def take(self, size: int) -> Iterator[_Piece]:
        """Tell of the next so many bytes."""
        end = self._position + size
        if self._position < self._head_size <= end:
            yield self._head()
            self._position = self._begins = self._head_size
        elif end < self._head_size:
            yield _Piece(f"{_count(size, 'byte')} of the head", hex=self._hex(end))
            self._position = end
        while self._position < end:
            if not self._are_frames:
                text = self._data[self._position : end]
                yield _Piece(f"{_count(len(text), 'byte')}, no WebSocket", head=_shown_head(text))
                self._position = end
                continue
            yield self._piece(min(end, self._next_stop(end)))

    def _next_stop(self, default: int) -> int:
        index = bisect_right(self._stops, self._position)
        return self._stops[index] if index < len(self._stops) else default

    def _head(self) -> _Piece:
        data = self._data[: self._head_size]
        fields: tuple[_Field, ...] = ()
        if self._explain and end_of_head(data) == len(data):
            _reader, parts = Reader(self._from_client).read(data)
            if len(data) <= _MAX_HEAD:
                fields = _fields(parts)
        first = data.partition(b"\r\n")[0].decode("latin-1")
        return _Piece(_shortened(first, 80), head=_shown_head(data), fields=fields)

    def _piece(self, stop: int) -> _Piece:
        """Tell of the bytes up to *stop*, where a frame ends if one does."""
        start, self._position = self._position, stop
        data = self._data[start:stop]
        frame = self._frames.get(stop)
        parts: Sequence[Part] = ()
        if self._explain:
            self._reader, parts = self._reader.read(data)
            if stop == len(self._data):
                parts = (*parts, *self._reader.unread())
            self._explain -= 1
        header = 0
        if frame is None:
            text = f"{_count(len(data), 'byte')} of a frame"
        else:
            text = describe(frame)
            if start != self._begins:
                text = f"the rest of: {text}"
            else:
                header = frame.header.size
            self._begins = stop
        fields = _fields(parts)
        left_out = len(data) - header - _MAX_BYTES
        shown = data[: header + _MAX_BYTES]
        return _Piece(
            text,
            shown[:header].hex(" "),
            shown[header:].hex(" "),
            max(0, left_out),
            fields=fields,
            unfolded=self._unfolds(frame, fields),
        )

    def _unfolds(self, frame: Frame | None, fields: Iterable[_Field]) -> bool:
        """Whether to show the fields: if something is wrong, or of the first frames."""
        is_probe = frame is not None and frame.payload in self._probes
        if any(field.is_violation for field in fields):
            return True
        self._may_unfold -= not is_probe
        return not is_probe and self._may_unfold >= 0

    def _hex(self, end: int) -> str:
        return self._data[self._position : min(end, self._position + _MAX_BYTES)].hex(" ")


def _fields(parts: Iterable[Part]) -> tuple[_Field, ...]:
    return tuple(
        _Field(
            _visible(row.data.decode("latin-1")) if part.is_head else row.data.hex(" "),
            row.bits,
            row.field,
            row.meaning,
            row.clause,
            row.field == VIOLATION,
        )
        for part in parts
        for row in part.rows
    )


def _shown_head(data: bytes) -> str:
    """Return a head as lines; what cannot be shown is written as numbers."""
    lines = data.decode("latin-1").replace("\r\n", "\n").rstrip("\n").split("\n")
    text = "\n".join(_shortened(_visible(line), 300) for line in lines)
    if len(text) > _MAX_HEAD:
        return f"{text[:_MAX_HEAD]}\n... and {len(text) - _MAX_HEAD:,} characters more"
    return text


def _visible(text: str) -> str:
    return "".join(
        character if " " <= character <= "~" or character == "\t" else f"\\x{ord(character):02x}"
        for character in text
    )


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return f"{text[:limit]} ... and {len(text) - limit:,} more"


def _milliseconds(seconds: float) -> str:
    milliseconds = seconds * 1000
    return f"{milliseconds:.0f} ms" if milliseconds >= 100 else f"{milliseconds:.1f} ms"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
