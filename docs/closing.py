"""Draw the states of a connection from the table in ``wsref.protocol.closing``.

    python -m docs.closing

writes ``docs/closing.svg`` and ``docs/closing.rst``; a test fails when they are not what
the table says.  Only where each state stands on the page is decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wsref.protocol.closing import TRANSITIONS, Input, State, transport_of

HERE: Final = Path(__file__).parent

#: The centre of each state's box, in columns and rows.
PLACES: Final = {
    State.CONNECTING: (0, 0),
    State.OPEN: (1, 0),
    State.CLOSE_SENT: (2, -1),
    State.CLOSE_RECEIVED: (2, 0),
    State.CLOSE_EXCHANGED: (3, -0.5),
    State.FAILED: (1, 1.2),
    State.CLOSED: (4, 1.2),
}
COLUMN, ROW, WIDTH, HEIGHT, MARGIN = 260, 110, 150, 38, 20
STYLE: Final = (
    "svg{background:#fff}rect{fill:#eef3fb;stroke:#35507a;rx:6}path{fill:none;stroke:#35507a}"
    "path.end{stroke:#9aa5b5;stroke-dasharray:4 3}text{font:13px sans-serif;fill:#12233d;"
    "text-anchor:middle}text.by,text.halo{font-size:12px;"
    "fill:#5a6a80}text.halo{stroke:#fff;stroke-width:4px}"
)

#: Every state can end this way, so the diagram says it with dashed lines and no words.
EVERYWHERE: Final = Input.TRANSPORT_ENDED


def centre(state: State) -> tuple[float, float]:
    """Return where a state's box is, in pixels."""
    column, row = PLACES[state]
    return MARGIN + WIDTH / 2 + column * COLUMN, MARGIN + HEIGHT / 2 + (row + 1) * ROW


def edge(start: State, end: State) -> tuple[float, float, float, float]:
    """Return a line from the border of one box to the border of another."""
    (x1, y1), (x2, y2) = centre(start), centre(end)
    dx, dy = x2 - x1, y2 - y1
    steep = abs(dy) * WIDTH > abs(dx) * HEIGHT
    cut = (HEIGHT / 2 + 4) / abs(dy) if steep else (WIDTH / 2 + 4) / abs(dx)
    return x1 + dx * cut, y1 + dy * cut, x2 - dx * cut, y2 - dy * cut


def svg() -> str:
    """Draw the diagram."""
    width = 2 * MARGIN + 4 * COLUMN + WIDTH
    height = 2 * MARGIN + 2.2 * ROW + HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}">',
        f"<style>{STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8" fill="none"/></marker></defs>',
    ]
    for (start, by), end in TRANSITIONS.items():
        x1, y1, x2, y2 = edge(start, end)
        kind = ' class="end"' if by is EVERYWHERE else ""
        parts.append(
            f'<path{kind} marker-end="url(#tip)" d="M{x1:.0f} {y1:.0f}L{x2:.0f} {y2:.0f}"/>'
        )
        if by is not EVERYWHERE:
            along = 0.6 if by is Input.FAIL else 0.4  # so that no two labels meet
            x, y = x1 + along * (x2 - x1), y1 + along * (y2 - y1) + 4
            name = by.name.lower().replace("_", " ")
            parts.extend(
                f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}">{name}</text>'
                for kind in ("halo", "by")  # white behind the words, where a line would be
            )
    for state in State:
        x, y = centre(state)
        parts.append(
            f'<rect x="{x - WIDTH / 2:.0f}" y="{y - HEIGHT / 2:.0f}" '
            f'width="{WIDTH}" height="{HEIGHT}"/>'
            f'<text x="{x:.0f}" y="{y + 4:.0f}">{state.name}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Write a simple table."""
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    rule = "  ".join("=" * width for width in widths)
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [heads, *rows]
    ]
    return [rule, lines[0], rule, *lines[1:], rule]


def rst() -> str:
    """Write the page around the diagram."""
    states = [
        (
            state.name,
            transport_of(state, is_client=True).value,
            transport_of(state, is_client=False).value,
        )
        for state in State
    ]
    transitions = [(start.name, by.value, end.name) for (start, by), end in TRANSITIONS.items()]
    return "\n".join(
        [
            "The states of a connection",
            "==========================",
            "",
            "Drawn by ``python -m docs.closing`` from the table in ``wsref/protocol/closing.py``",
            "(RFC 6455 §7). Dashed: the transport ends, which can happen in every state.",
            "",
            "``python -m spec_tests.model`` explores every interleaving of a client and a server,",
            "and compares: what is documented here both can reach, and nothing else.",
            "",
            ".. image:: closing.svg",
            "   :alt: the states of a connection and what leads from one to another",
            "",
            "What leads from one state to another",
            "------------------------------------",
            "",
            *table(("from", "by", "to"), transitions),
            "",
            "What each state asks of the TCP connection (RFC 6455 §7.1.1)",
            "------------------------------------------------------------",
            "",
            *table(("state", "client", "server"), states),
            "",
        ]
    )


def generated() -> dict[Path, str]:
    """Return what each file has to hold."""
    return {HERE / "closing.svg": svg(), HERE / "closing.rst": rst()}


def main() -> None:
    """Write the files."""
    for path, content in generated().items():
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
