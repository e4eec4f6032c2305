"""What was concluded by hand about what the checker finds in well-known servers.

The text is in ``conclusions.toml``.  A conclusion says which findings it is about (globs of cases,
and where that is not enough the requirements and the servers), the fewest bytes that show the
matter, what came back, and what we think of it.  Which servers it applies to follows from what
was observed (:mod:`.observations`).
"""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, cast

__all__ = ["KINDS", "Conclusion", "conclusion_about", "conclusions", "hex_of"]

#: What can be concluded, and how that is told.
KINDS: Final = {
    "defect": "a defect of the server",
    "choice": "a deliberate choice, and a deviation",
}

_FILE: Final = Path(__file__).with_name("conclusions.toml")
_HEX: Final = re.compile(r"(?:[0-9a-f]{2} )*[0-9a-f]{2}(?=  |$)")


class Conclusion(NamedTuple):
    """What was concluded about one fault.

    Attributes:
        name: a short one.
        title: the fault in a few words.
        kind: one of :data:`KINDS`.
        clause: the id of the requirement that it is about.
        text: what is wrong, and why we think so.
        cases: globs of the cases that show it.
        requirements: the ids under which they must have found it; none for any.
        only: the servers that it is about; none for all that show it.
        line: the request line of the proof; empty for a plain one.
        headers: header fields of the proof's request, instead of those of the same names.
        without: header fields that it lacks.
        behind: what is sent right behind the request.
        sent: what is sent after the answer: bytes in hexadecimal, two spaces, words.
        got: what then comes back, in this order: a status such as ``101`` or ``4xx``, bytes as in
            ``sent``, ``no answer``, ``TCP ends``, ``TCP stays open``.
        has: a part of the head of the answer.
        lacks: what the head of the answer lacks.
    """

    name: str
    title: str
    kind: str
    clause: str
    text: str
    cases: tuple[str, ...]
    requirements: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    line: str = ""
    headers: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    sent: tuple[str, ...] = ()
    got: tuple[str, ...] = ()
    has: str = ""
    lacks: str = ""

    def covers(self, server: str, case: str, requirement: str) -> bool:
        """Whether this is what was concluded about a finding."""
        return (
            (not self.only or server in self.only)
            and (not self.requirements or requirement in self.requirements)
            and any(fnmatchcase(case, pattern) for pattern in self.cases)
        )


@cache
def conclusions() -> tuple[Conclusion, ...]:
    """Return all conclusions.

    Raises:
        ValueError: the file is not as it should be; the message says where.
    """
    data = cast(
        "list[dict[str, str | list[str]]]",
        tomllib.loads(_FILE.read_text(encoding="utf-8"))["conclusion"],
    )
    return tuple(_conclusion(fields) for fields in data)


def conclusion_about(server: str, case: str, requirement: str) -> Conclusion | None:
    """Return the first conclusion that covers a finding."""
    return next((one for one in conclusions() if one.covers(server, case, requirement)), None)


def hex_of(line: str) -> bytes:
    """Return the bytes that a line of ``sent`` or ``got`` begins with."""
    found = _HEX.match(line)
    return bytes.fromhex(found[0]) if found else b""


def _conclusion(fields: dict[str, str | list[str]]) -> Conclusion:
    name = str(fields.get("name", "?"))
    unknown = fields.keys() - set(Conclusion._fields)
    if unknown:
        raise ValueError(f"conclusion {name}: unknown {sorted(unknown)}")

    def text(field: str) -> str:
        value = fields.get(field, "")
        if not isinstance(value, str):
            raise ValueError(f"conclusion {name}: {field} is not a string")
        return value

    def texts(field: str) -> tuple[str, ...]:
        value = fields.get(field, [])
        if isinstance(value, str):
            raise ValueError(f"conclusion {name}: {field} is not an array")
        return tuple(value)

    if text("kind") not in KINDS:
        raise ValueError(f"conclusion {name}: kind is none of {', '.join(KINDS)}")
    return Conclusion(
        name=name,
        title=text("title"),
        kind=text("kind"),
        clause=text("clause"),
        text=text("text"),
        cases=texts("cases"),
        requirements=texts("requirements"),
        only=texts("only"),
        line=text("line"),
        headers=texts("headers"),
        without=texts("without"),
        behind=texts("behind"),
        sent=texts("sent"),
        got=texts("got"),
        has=text("has"),
        lacks=text("lacks"),
    )
