"""The table of states, as it is written down in three places, against what was explored.

In the code it is :data:`~wsref.protocol.closing.TRANSITIONS`; in the documentation a table
(``docs/closing.rst``) and a picture (``docs/closing.svg``), which are read as a reader reads them:
by its rows, and by which boxes an arrow joins.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from spec_tests.model.world import NAMES, Moved
from wsref.protocol.closing import TRANSITIONS, Input, State

__all__ = ["differences", "in_code", "in_page", "in_picture", "sources"]

_DOCS: Final = Path(__file__).parents[2] / "docs"
_SVG: Final = "{http://www.w3.org/2000/svg}"
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")


def in_code() -> frozenset[Moved]:
    """Return the transitions of the core's table."""
    return frozenset(Moved(start, by, stop) for (start, by), stop in TRANSITIONS.items())


def in_page(text: str | None = None) -> frozenset[Moved]:
    """Return the transitions of the table in the documentation."""
    if text is None:
        text = (_DOCS / "closing.rst").read_text(encoding="utf-8")
    rows = (re.split(r" {2,}", line.strip()) for line in text.splitlines())
    inputs = {one.value: one for one in Input}
    return frozenset(
        Moved(State[row[0]], inputs[row[1]], State[row[2]])
        for row in rows
        if len(row) == 3 and row[1] in inputs
    )


def in_picture(text: str | None = None) -> frozenset[Moved]:
    """Return the transitions of the picture: arrows, the boxes they join, and their labels."""
    if text is None:
        text = (_DOCS / "closing.svg").read_text(encoding="utf-8")
    elements = [one for one in ElementTree.fromstring(text) if one.tag != f"{_SVG}style"]
    boxes: dict[State, tuple[float, float, float, float]] = {}
    for rect, label in pairwise(elements):
        if rect.tag == f"{_SVG}rect":
            x, y, width, height = (float(rect.attrib[one]) for one in ("x", "y", "width", "height"))
            boxes[State[str(label.text)]] = (x, y, x + width, y + height)
    labels = {one.name.lower().replace("_", " "): one for one in Input}
    found: set[Moved] = set()
    for number, path in enumerate(elements):
        if path.tag == f"{_SVG}path":
            x1, y1, x2, y2 = (float(one) for one in _NUMBER.findall(path.attrib["d"]))
            by = Input.TRANSPORT_ENDED
            if path.get("class") != "end":
                by = labels[str(elements[number + 1].text)]
            found.add(Moved(_nearest(boxes, x1, y1), by, _nearest(boxes, x2, y2)))
    return frozenset(found)


def _nearest(boxes: Mapping[State, tuple[float, float, float, float]], x: float, y: float) -> State:
    def distance(state: State) -> float:
        left, top, right, bottom = boxes[state]
        return max(left - x, x - right, 0) + max(top - y, y - bottom, 0)

    return min(boxes, key=distance)


def sources() -> dict[str, frozenset[Moved]]:
    """Return what each place says."""
    return {
        "the table in wsref/protocol/closing.py": in_code(),
        "the table in docs/closing.rst": in_page(),
        "the picture docs/closing.svg": in_picture(),
    }


def differences(
    explored: Collection[tuple[int, Moved]], documented: Mapping[str, Collection[Moved]]
) -> list[str]:
    """Say what was explored and is not documented, and what cannot be reached by either end."""
    found: list[str] = []
    for place, moves in documented.items():
        for end, name in enumerate(NAMES):
            seen = {moved for number, moved in explored if number == end}
            found += [f"{place}: {_shown(one)} is missing" for one in seen - set(moves)]
            found += [
                f"{place}: {_shown(one)} cannot be reached by a {name}" for one in set(moves) - seen
            ]
    return sorted(set(found))


def _shown(moved: Moved) -> str:
    return f"{moved.start.name}, {moved.by.value}, {moved.stop.name}"
