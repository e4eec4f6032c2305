"""Reports without credentials.

Credentials are the values of the header fields Authorization, Proxy-Authorization, Cookie and
Set-Cookie, and what stands before the ``@`` of a URL.  In the heads of the opening handshake they
become ``***``.  A server may repeat them elsewhere, in the page that goes with a 400 or in a
message: there each byte becomes a ``*``, so that frames stay as long as they are.  In words,
such as those of a finding, they become ``***`` again.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, NamedTuple

from ..record import Entry, Kind, Record
from ..report import Report, Result

__all__ = ["HIDDEN", "redacted"]

#: What stands for a credential.
HIDDEN: Final = "***"

#: A header field's value, with the lines that go on with it.
_FIELD: Final = re.compile(
    rb"^(?:authorization|proxy-authorization|cookie|set-cookie)[ \t]*:[ \t]*"
    rb"([^\r\n]*(?:\r?\n[ \t]+[^\r\n]*)*)",
    re.IGNORECASE | re.MULTILINE,
)
_USERINFO: Final = re.compile(rb"\w://([^/?#\s@\"'<>]+)@")
_USERINFO_TEXT: Final = re.compile(r"(?<=\w://)[^/?#\s@\"'<>]+(?=@)")

#: Shorter values are hidden in their header fields only: they may well be found by chance.
_LEAST: Final = 4


class _Span(NamedTuple):
    """Bytes to hide."""

    start: int
    stop: int
    shown: bytes


def redacted(report: Report) -> Report:
    """Return *report* without credentials."""
    results = [result.record for result in report.results if result.record is not None]
    redactor = _Redactor(_secrets(chain(report.controls, results)))
    return report._replace(
        url=redactor.text(report.url),
        server=redactor.text(report.server),
        problem=redactor.text(report.problem),
        controls=tuple(redactor.record(record) for record in report.controls),
        results=tuple(redactor.result(result) for result in report.results),
    )


class _Redactor:
    """Hides secrets that are known."""

    def __init__(self, secrets: Iterable[bytes]) -> None:
        longest_first = sorted(secrets, key=len, reverse=True)
        patterns = [re.escape(secret) for secret in longest_first]
        self._bytes = re.compile(b"|".join(patterns)) if patterns else None
        texts = [re.escape(secret.decode("latin-1")) for secret in longest_first]
        self._text = re.compile("|".join(texts)) if texts else None

    def text(self, text: str) -> str:
        """Return words without credentials."""
        text = _USERINFO_TEXT.sub(HIDDEN, text)
        return text if self._text is None else self._text.sub(HIDDEN, text)

    def result(self, result: Result) -> Result:
        """Return a result without credentials."""
        return result._replace(
            findings=tuple(
                finding._replace(message=self.text(finding.message)) for finding in result.findings
            ),
            record=None if result.record is None else self.record(result.record),
            note=self.text(result.note),
            shrunk=self.text(result.shrunk),
        )

    def record(self, record: Record) -> Record:
        """Return a conversation without credentials."""
        sent = self._spans(record.sent, len(record.request))
        received = self._spans(record.received, len(record.head))
        if not sent and not received and not record.unreachable:
            return record
        return Record(
            tuple(_hiding(record.entries, {Kind.SENT: sent, Kind.RECEIVED: received})),
            key=record.key,
            request=_hide(record.request, sent, 0),
            probes=record.probes,
            unreachable=self.text(record.unreachable),
        )

    def _spans(self, data: bytes, head_size: int) -> list[_Span]:
        """Return what is to be hidden in the stream of one side, in order and not overlapping."""
        found = [
            match.span(1) for pattern in (_FIELD, _USERINFO) for match in pattern.finditer(data)
        ]
        if self._bytes is not None:
            found += [match.span() for match in self._bytes.finditer(data)]
        spans: list[_Span] = []
        for start, stop in sorted(found):
            if spans and start < spans[-1].stop:
                start = spans[-1].stop
            if start < stop:
                shown = HIDDEN.encode() if stop <= head_size else b"*" * (stop - start)
                spans.append(_Span(start, stop, shown))
        return spans


def _hiding(entries: Iterable[Entry], spans: dict[Kind, list[_Span]]) -> Iterator[Entry]:
    """Hide spans of the streams that the entries are pieces of."""
    positions = dict.fromkeys(spans, 0)
    for entry in entries:
        if entry.kind not in spans:
            yield entry
            continue
        position = positions[entry.kind]
        positions[entry.kind] += len(entry.data)
        yield entry._replace(data=_hide(entry.data, spans[entry.kind], position))


def _hide(data: bytes, spans: Iterable[_Span], position: int) -> bytes:
    """Hide spans in *data*, which begins at *position* of its stream.

    What is shown instead is where a span begins, even if the span goes on behind *data*.
    """
    shown: list[bytes] = []
    done = position
    end = position + len(data)
    for span in spans:
        if span.stop <= position or span.start >= end:
            continue
        shown.append(data[done - position : max(0, span.start - position)])
        if span.start >= position:
            shown.append(span.shown)
        done = min(span.stop, end)
    return b"".join((*shown, data[done - position :]))


def _secrets(records: Iterable[Record]) -> set[bytes]:
    """Return the credentials that were sent in heads, whole and in the parts that tell."""
    secrets: set[bytes] = set()
    for head in {part for record in records for part in (record.request, record.head)}:
        for match in _USERINFO.finditer(head):
            secrets.add(match[1])
        for match in _FIELD.finditer(head):
            secrets |= _parts(match[1].strip())
    return {secret for secret in secrets if len(secret) >= _LEAST}


def _parts(value: bytes) -> set[bytes]:
    """Return a header field's value, and what in it is a credential by itself."""
    scheme, space, credentials = value.partition(b" ")
    parts = {value}
    if b"=" in value.partition(b";")[0]:  # cookies
        parts |= {pair.strip() for pair in value.split(b";") if _names_a_secret(pair)}
    if space and scheme.isalnum():
        parts.add(credentials.strip())
        if scheme.lower() == b"basic":
            try:
                decoded = a2b_base64(credentials)
            except Base64Error:
                decoded = b""
            parts |= {decoded, decoded.partition(b":")[2]}
    return parts


def _names_a_secret(pair: bytes) -> bool:
    """Whether part of a cookie's header field is a cookie, and not about one."""
    attributes = (b"path", b"domain", b"max-age", b"expires", b"samesite")
    name, equals, _value = pair.strip().partition(b"=")
    return bool(equals) and name.strip().lower() not in attributes
