"""The page ``docs/servers.rst``, made of the observations and the conclusions alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import fill
from typing import Final

from spec_tests.check.real.conclusions import KINDS, Conclusion, conclusions
from spec_tests.check.real.observations import Observation
from spec_tests.check.real.servers import SERVERS
from wsref.requirements import requirement

__all__ = ["page", "write_page"]

_FILE: Final = Path(__file__).resolve().parents[3] / "docs" / "servers.rst"
_WIDTH: Final = 99
_VERDICTS: Final = ("PASS", "FAIL", "WARN", "INFO")

_INTRODUCTION: Final = """\
.. Written by ``python -m spec_tests.check.real --write``; change that, or its conclusions.toml.

Well-known servers
==================

What ``wsref check`` says about servers that many people use, and what we think of it. Each ran
as an echo server on loopback, with its defaults; "deflate" and "plain" tell where compression is
not left as it is. Servers are made for clients that keep to the rules, and most of what follows no
browser ever sends.

Every finding was looked at by hand, against the RFC. The bytes below are as few as we could make
them. They were sent over a plain socket, without the checker, three times to each server named;
that and the checks themselves can be repeated::

    pip install ".[check,servers]"          # and Node with npm, and nginx, for the last four
    python -m spec_tests.check.real         # check; --write writes this page
    python -m spec_tests.check.real --prove # the bytes below

"""

_CONCLUDED: Final = {
    "defect": """\
What the server does is against the clause, and as far as we can see not on purpose.""",
    "choice": """\
The RFC wants something else, but there is a reason, or the RFC leaves room, or the matter is left
to the user of the library. The checker reports it, most often as a warning.""",
}


def write_page(observations: Mapping[str, Observation]) -> None:
    """Write the page."""
    _FILE.write_text(page(observations), encoding="utf-8")


def page(observations: Mapping[str, Observation]) -> str:
    """Return the text of the page."""
    text = "\n".join(_lines(observations)).rstrip() + "\n"
    return re.sub(r"\n{3,}", "\n\n", text)


def _lines(observations: Mapping[str, Observation]) -> Iterator[str]:
    yield from _filled(_INTRODUCTION)
    yield from _table(observations)
    about = _about(observations)
    yield ""
    for kind, text in _CONCLUDED.items():
        those = [one for one in conclusions() if one.kind == kind and one in about]
        if those:
            title = KINDS[kind].capitalize()
            yield from (title, "-" * len(title), "", *_filled(text), "")
            for conclusion in those:
                yield from _section(conclusion, about[conclusion])


def _about(observations: Mapping[str, Observation]) -> dict[Conclusion, dict[str, str]]:
    """Return the conclusions that apply, each with its servers and the worst verdict there."""
    found: dict[Conclusion, dict[str, str]] = {}
    for name, observation in observations.items():
        for conclusion, cases in observation.concluded().items():
            # The alphabet has FAIL, FLAKY, WARN; what is BLOCKED follows from another case.
            verdicts = sorted({verdict for verdict, _case in cases} - {"BLOCKED"}) or ["BLOCKED"]
            found.setdefault(conclusion, {})[name] = verdicts[0]
    return found


def _table(observations: Mapping[str, Observation]) -> Iterator[str]:
    """Tell the figures, a row for each server."""
    head = ("server", "versions", "deflate", *_VERDICTS, "MUST", "SHOULD")
    rows: list[tuple[str, ...]] = [head]
    dates = sorted({one.date for one in observations.values()})
    for name, one in observations.items():
        figures = [str(one.counts.get(verdict, 0)) for verdict in _VERDICTS]
        clauses = [str(len(one.requirements(verdict))) for verdict in ("FAIL", "WARN")]
        rows.append((name, one.versions, "yes" if one.deflates else "no", *figures, *clauses))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    rule = "  ".join("=" * width for width in widths)
    for number, row in enumerate(rows):
        if number < 2:
            yield rule
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield rule
    yield ""
    yield from _filled(
        f"Checked on {' and '.join(dates)}. PASS to INFO count cases; MUST is the number of"
        " distinct requirements that FAIL, SHOULD of those with WARN, which make a check fail with"
        " ``--strict`` only. All of these servers echo; what does not apply was skipped."
    )
    yield ""
    for name in observations:
        yield f"* ``{name}``: {SERVERS[name].about}"


def _section(conclusion: Conclusion, servers: Mapping[str, str]) -> Iterator[str]:
    clause = requirement(conclusion.clause)
    yield conclusion.title
    yield "~" * len(conclusion.title)
    yield ""
    told = ", ".join(f"``{name}`` ({verdict})" for name, verdict in servers.items())
    yield from _filled(f"`{clause.clause} <{clause.url}>`__, {clause.id}, {clause.level}. {told}.")
    yield ""
    yield "::"
    yield ""
    yield from (f"    {line}".rstrip() for line in _proof(conclusion))
    yield ""
    yield from _filled(conclusion.text)
    yield ""


def _proof(conclusion: Conclusion) -> Iterator[str]:
    """Show the bytes, of the request only what is not as usual."""
    label = "sent"
    lines = [
        *([conclusion.line] if conclusion.line else []),
        *conclusion.headers,
        *(f"(no {name})" for name in conclusion.without),
    ]
    for line in lines:
        yield f"{label}  {_visible(line)}"
        label = "    "
    for line in conclusion.behind:
        yield f"sent  {line}, right behind the request"
    label = "got"
    rest = conclusion.got
    if conclusion.sent and rest[:1] == ("101",):
        if conclusion.has or conclusion.headers or conclusion.line or conclusion.without:
            yield f"got   101{_fields(conclusion)}"
        rest = rest[1:]
    elif conclusion.sent:
        yield f"got   {rest[0]}{_fields(conclusion)}"
        rest = rest[1:]
    label = "sent"
    for line in conclusion.sent:
        yield f"{label}  {line}"
        label = "    "
    label = "got "
    for line in rest:
        status = line[0].isdigit() and line[2:3].isalnum()
        yield f"{label}  {line}{_fields(conclusion) if status else ''}"
        label = "    "


def _fields(conclusion: Conclusion) -> str:
    has = conclusion.has.strip()
    if has and ":" not in has:
        has = f"Sec-WebSocket-Extensions: {has} ..."
    lacks = conclusion.lacks.strip(": ")
    return (f"  {has}" if has else "") + (f"  without {lacks}" if lacks else "")


def _visible(line: str) -> str:
    """Make tabs, control characters and white space at the end visible."""
    shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)
    return f'"{shown}"' if shown != line or shown.endswith(" ") else shown


def _filled(text: str) -> Iterator[str]:
    """Wrap the paragraphs of a text, except what is indented or a heading."""
    for paragraph in text.strip("\n").split("\n\n"):
        if paragraph.startswith((" ", "..")) or "===" in paragraph:
            yield from paragraph.split("\n")
        else:
            yield fill(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False)
        yield ""
