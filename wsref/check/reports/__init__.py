"""Reports as files: HTML for people, JSON, JUnit XML and NDJSON for programs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ..report import Report
from .json import autobahn_files, json_report
from .junit import junit_report
from .ndjson import ndjson_lines
from .redact import redacted

__all__ = ["FORMATS", "MissingLibrary", "check_formats", "redacted", "write_reports"]

#: The formats, and the name of the file that each is written to.  ``autobahn`` is written along
#: with ``json``, and adds a directory ``cases`` of small files that its index names.
FORMATS: Final = {
    "html": "report.html",
    "json": "report.json",
    "autobahn": "index.json",
    "junit": "junit.xml",
    "ndjson": "report.ndjson",
}


class MissingLibrary(ValueError):
    """A format needs a library that is not installed; the message says how to get it."""


def check_formats(formats: Collection[str]) -> None:
    """Find out whether reports can be written, better before a check than behind it.

    Raises:
        MissingLibrary: a library is not installed.
        ValueError: there is no such format.
    """
    for name in formats:
        if name not in FORMATS:
            raise ValueError(f"there is no report format {name!r}, only {', '.join(FORMATS)}")
    if "html" in formats and find_spec("jinja2") is None:
        raise MissingLibrary('the HTML report needs jinja2: pip install "wsref[check]"')


def write_reports(
    reports: Sequence[Report],
    formats: Collection[str],
    directory: Path,
    *,
    redact: bool = True,
) -> list[Path]:
    """Write reports, all servers in the same files.

    Args:
        reports: what came of the checks, in the order to show them in.
        formats: of :data:`FORMATS`.
        directory: where to; it is made if it is not there, and files in it are replaced.
        redact: whether to take credentials out.

    Returns:
        The files that were written, without the small ones that ``index.json`` names.

    Raises:
        ValueError: there is no such format, or it needs a library that is not installed.
        OSError: they cannot be written.
    """
    check_formats(formats)
    if redact:
        reports = [redacted(report) for report in reports]
    directory.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, file_name in FORMATS.items():
        path = directory / file_name
        if name == "autobahn" and ("json" in formats or name in formats):
            for file in autobahn_files(reports):
                place = directory / file.name
                place.parent.mkdir(exist_ok=True)
                _write(place, file.text)
        elif name not in formats:
            continue
        elif name == "html":
            from .html import html_report

            _write(path, html_report(reports))
        elif name == "json":
            _write(path, json_report(reports))
        elif name == "junit":
            _write(path, junit_report(reports))
        else:
            _write(path, "".join(f"{line}\n" for line in ndjson_lines(reports)))
        written.append(path)
    return written


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
