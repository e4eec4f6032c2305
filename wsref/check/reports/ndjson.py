"""The report as one JSON object per line.

For each server there are ``begin``, then the conversations of the controls, then for every case
a line ``case`` with its outcome and behind it the lines of its conversation, then ``end``.  The
conversations are as :mod:`..trace_format` describes them, so that ``wsref verify-trace`` reads
the whole file; the other lines have the fields of the report ``json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from ..report import Report
from ..trace_format import record_to_lines
from .json import FORMAT, JSONValue, outcome_fields, report_fields, result_fields

__all__ = ["ndjson_lines"]


def ndjson_lines(reports: Sequence[Report]) -> Iterator[str]:
    """Return the lines, each without its line feed."""
    for report in reports:
        yield _line("begin", {"format": FORMAT, **report_fields(report)})
        for number, record in enumerate(report.controls, start=1):
            yield from record_to_lines(record, name=f"control {number}")
        for result in report.results:
            yield _line("case", result_fields(result))
            if result.record is not None:
                yield from record_to_lines(result.record, name=result.case.id)
        yield _line("end", outcome_fields(report))


def _line(kind: str, fields: dict[str, JSONValue]) -> str:
    return json.dumps({"type": kind, **fields})
