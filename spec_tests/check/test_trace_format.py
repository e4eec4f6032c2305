"""Recorded conversations survive being written and read; what is wrong with a file is said."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsref.check.record import Entry, Kind, Record
from wsref.check.trace_format import (
    TraceError,
    conversations_from_lines,
    record_to_lines,
    records_from_lines,
)

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nsec-websocket-key:  AQIDBAUGBwgJCgsMDQ4PEA== \r\n\r\n"
RECORD = Record(
    (
        Entry(0.0, Kind.SENT, REQUEST, 0, "the opening handshake"),
        Entry(0.001, Kind.RECEIVED, b"HTTP/1.1 101 Hi\r\n\r\n"),
        Entry(0.002, Kind.SENT, b"\x89\x80\x01\x02\x03\x04", 1, "Größe"),
        Entry(0.5, Kind.TIMEOUT, b"", 1),
        Entry(0.6, Kind.SENT_END, b"", 2, "the checker ends its direction"),
        Entry(0.6, Kind.END, b"", 2),
    ),
    key="AQIDBAUGBwgJCgsMDQ4PEA==",
    request=REQUEST,
    probes={1: b"probe \xff"},
)

HEAD = '{"type": "conversation", "version": 1}'
END = '{"type": "conversation end", "entries": 1}'


def entry(**fields: object) -> str:
    """Return the line of an entry, with these fields changed."""
    return json.dumps({"type": "entry", "time": 0, "kind": "sent", "hex": "00", **fields})


def same(one: Record, other: Record) -> bool:
    """Whether two conversations are the same in all that was given to them."""

    def parts(record: Record) -> object:
        return record.entries, record.key, record.request, record.probes, record.unreachable

    return parts(one) == parts(other)


def test_a_conversation_is_read_as_it_was_written() -> None:
    """Bytes, times, kinds, steps, notes, key, request and probes."""
    (read,) = records_from_lines(record_to_lines(RECORD))
    assert same(read, RECORD)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """Draw anything that may happen."""
    kind = draw(st.sampled_from(list(Kind)))
    data = draw(st.binary(max_size=20)) if kind in (Kind.SENT, Kind.RECEIVED) else b""
    time = draw(st.integers(0, 10**9)) / 1e6
    return Entry(time, kind, data, draw(st.integers(0, 9)), draw(st.text(max_size=9)))


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Draw a conversation."""
    return Record(
        sorted(draw(st.lists(entries(), max_size=6)), key=lambda entry: entry.time),
        key=draw(st.text(max_size=9)),
        request=draw(st.binary(max_size=9)),
        probes=draw(st.dictionaries(st.integers(0, 9), st.binary(max_size=9), max_size=3)),
        unreachable=draw(st.text(max_size=9)),
    )


@given(records(), records())
def test_every_conversation_is_read_as_it_was_written(first: Record, second: Record) -> None:
    """Whatever happened, and also two in one file."""
    lines = [*record_to_lines(first, name="first"), *record_to_lines(second)]
    assert all(line.isascii() and "\n" not in line for line in lines)
    one, two = conversations_from_lines(f"{line}\n" for line in lines)
    assert (one.name, one.line, two.name, two.line) == ("first", 1, "", len(first.entries) + 3)
    assert same(one.record, first)
    assert same(two.record, second)


def test_what_can_be_told_from_the_bytes_may_be_left_out() -> None:
    """The request ends with its empty line, and the key stands in it."""
    lines = [
        HEAD,
        entry(hex=REQUEST[:20].hex()),
        entry(hex=(REQUEST[20:] + b"\x88\x80abcd").hex().upper(), time=1, more="is ignored"),
        END.replace("1", "2"),
    ]
    (read,) = records_from_lines(lines)
    assert read.request == REQUEST
    assert read.key == "AQIDBAUGBwgJCgsMDQ4PEA=="
    assert len(read.sent_frames) == 1
    assert [(e.time, e.step, e.note) for e in read.entries] == [(0.0, 0, ""), (1.0, 0, "")]


def test_the_lines_around_conversations_in_a_report_are_passed_over() -> None:
    """So are empty ones; they count as lines all the same."""
    lines = ['{"type": "begin", "x": 1}', "", '{"type": "case"}', HEAD, entry(), END]
    (read,) = conversations_from_lines([*lines, '{"type": "end"}\n', "\n"])
    assert read.line == 4


def test_conversations_are_read_as_their_lines_come() -> None:
    """The first is there before the file has come to its end."""
    reading = records_from_lines(iter([HEAD, entry(), END, "nonsense"]))
    assert next(reading).sent == b"\0"
    with pytest.raises(TraceError, match="line 4, column 1: not JSON"):
        next(reading)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["{"], "line 1, column 2: not JSON: Expecting property name enclosed in double quotes"),
        ([HEAD, "[1]"], "line 2: not a JSON object"),
        (["[" * 100_000], "line 1: not JSON that can be read: too deep"),
        (["{}"], "line 1: the field 'type' is missing"),
        (['{"type": 1}'], "line 1: 'type' is not a string: 1"),
        (['{"type": "frame"}'], "line 1: unknown type 'frame'"),
        (['{"type": "conversation"}'], "line 1: the field 'version' is missing"),
        ([HEAD.replace("1", "2")], "line 1: version 2 of the format; this is wsref for version 1"),
        ([HEAD.replace("1", '"1"')], "line 1: 'version' is not a whole number from 0: \"1\""),
        (
            [HEAD, entry(), HEAD],
            "line 3: a conversation begins, but that of line 1 has not ended",
        ),
        ([entry()], "line 1: an entry, but no conversation has begun"),
        ([END], "line 1: the end of a conversation, but none has begun"),
        (
            [HEAD, END],
            "line 2: the conversation of line 1 has 0 entries, not 1: is a line lost?",
        ),
        ([HEAD, entry()], "line 2: the conversation of line 1 has no end: is the file cut off?"),
        (
            [HEAD, entry(kind="got")],
            "line 2: 'kind' is 'got', which is none of 'sent', 'received', 'sent end', 'end', "
            "'reset', 'timeout'",
        ),
        (
            [HEAD, entry(kind="end")],
            "line 2: an entry of kind 'end' has no bytes, but 'hex' is there",
        ),
        (
            [HEAD, entry(hex="0")],
            "line 2: 'hex' is not hexadecimal: its 1 digits make no whole bytes",
        ),
        ([HEAD, entry(hex="00 1")], "line 2: 'hex' is not hexadecimal: ' ' at position 2"),
        ([HEAD, entry(hex=None)], "line 2: 'hex' is not a string: null"),
        ([HEAD, entry(time="soon")], "line 2: 'time' is not a number of seconds: \"soon\""),
        ([HEAD, entry(time=-1)], "line 2: 'time' is not a number of seconds: -1"),
        ([HEAD, entry(time=float("nan"))], "line 2: 'time' is not a number of seconds: NaN"),
        ([HEAD, entry(time=True)], "line 2: 'time' is not a number of seconds: true"),
        ([HEAD, entry(time=2), entry(time=1.5)], "line 3: 'time' goes back from 2.0 to 1.5"),
        ([HEAD, entry(step=-1)], "line 2: 'step' is not a whole number from 0: -1"),
        ([HEAD, entry(note=3)], "line 2: 'note' is not a string: 3"),
        ([f'{HEAD[:-1]}, "probes": []}}'], "line 1: 'probes' is not an object: []"),
        (
            [f'{HEAD[:-1]}, "probes": {{"x": ""}}}}'],
            "line 1: 'probes' names the step 'x', which is no number",
        ),
        (
            [f'{HEAD[:-1]}, "probes": {{"1": 1}}}}'],
            "line 1: 'probes' has no string for step 1: 1",
        ),
        (
            [f'{HEAD[:-1]}, "request": "zz"}}'],
            "line 1: 'request' is not hexadecimal: 'z' at position 0",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_the_line(lines: list[str], message: str) -> None:
    """One line, in words that name the field."""
    with pytest.raises(TraceError) as caught:
        list(records_from_lines(lines))
    assert str(caught.value) == message


def test_a_huge_number_is_no_time() -> None:
    """It fits no float."""
    with pytest.raises(TraceError, match="line 2: 'time' is not a number of seconds: 1000"):
        list(records_from_lines([HEAD, entry(time=10**400)]))
