r"""The report as JUnit XML, for CI systems.

There is a ``testsuite`` for every section and a ``testcase`` for every case.  FAIL and XPASS are
``failure``, and so are WARN and FLAKY if warnings count; SKIP is ``skipped``; BLOCKED is ``error``.
A server that could not be checked is a test case of its own, an ``error``.  All else has
passed; ``system-out`` has the findings.  Characters that XML 1.0 has no way to write are
shown as ``\x00``.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from ...requirements import requirements
from ..narrate import narrate, short_hex
from ..report import Report, Result
from ..sections import section_title, shown_section
from ..verdicts import Finding, Verdict
from .json import FORMAT

__all__ = ["junit_report"]

#: The characters that XML 1.0 lets a document have (§2.2), but CR, which does not survive.
_FORBIDDEN: Final = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

#: So many lines of a conversation go into a failure.
_MAX_LINES: Final = 40


def junit_report(reports: Sequence[Report]) -> str:
    """Return the XML document."""
    root = Element("testsuites", {"name": "wsref check"})
    for report in reports:
        prefix = f"{_package(report.url)}." if len(reports) > 1 else ""
        if report.problem or not report.results:
            root.append(_whole_check(report, prefix))
        for section, group in groupby(report.results, lambda result: result.case.section):
            root.append(_suite(report, section, list(group), prefix))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", _seconds(sum(report.duration for report in reports)))
    ElementTree.indent(root)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        + ElementTree.tostring(root, encoding="unicode")
        + "\n"
    )


def _whole_check(report: Report, prefix: str) -> Element:
    """Return the suite that says why a server could not be checked, or not to the end."""
    problem = report.problem or "no case was run"
    suite = _empty_suite(report, "controls")
    case = SubElement(
        suite, "testcase", {"classname": f"wsref.{prefix}controls", "name": "controls"}
    )
    case.set("time", _seconds(sum(record.duration for record in report.controls)))
    error = SubElement(case, "error", {"message": _clean(problem), "type": "BLOCKED"})
    error.text = _clean(f"{problem}\n{report.url}")
    return _counted(suite)


def _suite(report: Report, section: str, results: Sequence[Result], prefix: str) -> Element:
    suite = _empty_suite(report, f"{shown_section(section)} {section_title(section)}".strip())
    suite.set("time", _seconds(sum(result.record.duration for result in results if result.record)))
    gating = {result.verdict for result in report.failures}
    for result in results:
        suite.append(_case(report, result, gating, prefix))
    return _counted(suite)


def _empty_suite(report: Report, name: str) -> Element:
    suite = Element("testsuite", {"name": _clean(name)})
    suite.set("hostname", _clean(re.sub(r"^\w+://|[/?].*", "", report.url)))
    suite.set("timestamp", report.started.isoformat(timespec="seconds"))
    properties = SubElement(suite, "properties")
    for key, value in _properties(report):
        SubElement(properties, "property", {"name": key, "value": _clean(value)})
    return suite


def _properties(report: Report) -> Iterator[tuple[str, str]]:
    yield "format", FORMAT
    yield "url", report.url
    yield "server", report.server
    yield "wsref", report.version
    yield "seed", str(report.seed)
    yield "strict", str(report.strict).lower()
    yield "exit_code", str(report.exit_code)
    if report.facts is not None:
        for name in report.facts._fields:
            value: object = getattr(report.facts, name)
            yield name, str(value).lower() if isinstance(value, bool) else str(value)


def _counted(suite: Element) -> Element:
    suite.set("tests", str(len(suite.findall("testcase"))))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{tag}"))))
    return suite


def _case(report: Report, result: Result, gating: Collection[Verdict], prefix: str) -> Element:
    case = Element(
        "testcase",
        {
            "classname": f"wsref.{prefix}{_class_name(result.case.section)}",
            "name": _clean(result.case.id),
            "time": _seconds(result.record.duration if result.record else 0.0),
        },
    )
    message = _clean(_message(result))
    kind = {"message": message, "type": str(result.verdict)}
    if result.verdict in gating:
        SubElement(case, "failure", kind).text = _clean("\n".join(_explained(report, result)))
    elif result.verdict is Verdict.BLOCKED:
        SubElement(case, "error", kind).text = _clean("\n".join(_explained(report, result)))
    elif result.verdict is Verdict.SKIP:
        SubElement(case, "skipped", {"message": message})
    if result.findings or result.verdict not in (Verdict.PASS, Verdict.SKIP):
        lines = [f"{result.verdict}: {result.case.title}", *map(_said, result.findings)]
        if result.note:
            lines.append(f"note: {result.note}")
        SubElement(case, "system-out").text = _clean("\n".join(lines))
    return case


def _message(result: Result) -> str:
    if result.verdict in (Verdict.XPASS, Verdict.BLOCKED, Verdict.SKIP) or not result.findings:
        return result.note or result.case.title
    return result.findings[0].message


def _explained(report: Report, result: Result) -> Iterator[str]:
    """Explain a failure: what is required, what was said, how to see it again."""
    yield f"case: {result.case.title}"
    for finding in result.findings:
        yield _said(finding)
        about = requirements().get(finding.requirement)
        if about is not None:
            yield f"  {about.clause}, {about.level}: {about.summary}"
            yield f"  {about.url}"
    if result.note:
        yield f"note: {result.note}"
    if result.record is not None:
        lines = list(narrate(result.record, redact=False))
        for line in lines[:_MAX_LINES]:
            is_frame = line.data and "HTTP/" not in line.text
            data = f"{short_hex(line.data)}  " if is_frame else ""
            yield f"{line.time * 1000:9.1f} ms  {line.who:4}  {data}{line.text}"
        if len(lines) > _MAX_LINES:
            yield f"and {len(lines) - _MAX_LINES} lines more"
    if result.shrunk:
        yield f"shrunk: {result.shrunk}"
    if result.repeats:
        yield f"seen: {result.repeats}"
    yield f"replay: {shlex.join(['wsref', 'replay', result.replay or result.case.id, report.url])}"


def _said(finding: Finding) -> str:
    return f"{finding.verdict}: {finding.message} ({finding.requirement})"


def _class_name(section: str) -> str:
    """Return a section as a class in a package: dots would make packages of it.

    >>> _class_name("5.5.1"), _class_name("7692:7.2"), _class_name("generated")
    ('rfc6455.5_5_1', 'rfc7692.7_2', 'generated')
    """
    rfc, _colon, number = section.rpartition(":")
    if not number[:1].isdigit():
        return _package(section)
    return f"rfc{rfc or 6455}.{_package(number)}"


def _package(name: str) -> str:
    return _clean(re.sub(r"^\w+://", "", name)).replace(".", "_").rstrip("/")


def _clean(text: str) -> str:
    """Return *text* as XML can bear it."""

    def shown(match: re.Match[str]) -> str:
        code = ord(match[0])
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

    return _FORBIDDEN.sub(shown, text)


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
