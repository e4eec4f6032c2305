"""A path through the model as a sequence diagram in text.

Each line is one thing that happens: what an end sends leaves its side, what arrives comes to
the other; outside stand the states of both ends, and on the right what happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from spec_tests.model.world import NAMES, Act, Fault, Happening, Ways, World
from wsref.protocol.events import Event

__all__ = ["draw"]

_STATE: Final = 15  # columns for the name of a state
_LINE: Final = 38  # columns between both ends


def draw(ways: Ways, path: Sequence[Happening], then: Sequence[Happening] = ()) -> str:
    """Draw what happens from the beginning on.

    Args:
        ways: what leads where.
        path: what happens.
        then: what happens after that, which is drawn apart: a fault, or what goes on for ever.
    """
    world = ways.beginning()
    lines = [
        f"{'client':>{_STATE}} {'':{_LINE + 2}} server",
        _row(ways, world, "── request ──►".ljust(_LINE), "the client asks"),
    ]
    for happening in path:
        world = _add(ways, world, happening, lines)
    if then:
        lines.append(f"{'':{_STATE}} {' and then ':┄^{_LINE + 2}}")
        for happening in then:
            world = _add(ways, world, happening, lines)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _add(ways: Ways, world: World, happening: Happening, lines: list[str]) -> World:
    """Add the lines for what happens; return what the world is like then."""
    after = ways.after(world, happening)
    rows = list(_arrows(ways, world, happening))
    note = f"{NAMES[happening.end]}: {happening.act.value}"
    if happening.act in (Act.SPOIL, Act.DROP):
        note = happening.act.value
    told = ", ".join(_shown(event) for event in ways.events(world, happening))
    if told:
        note = f"{note}: {told}"
    shown = after if isinstance(after, World) else world
    for i, row in enumerate(rows or [""]):
        lines.append(_row(ways, shown, row.ljust(_LINE), note if i == 0 else ""))
    if isinstance(after, Fault):
        lines.append(f"{'':{_STATE}} ✗ {after.message}")
    return shown


def _arrows(ways: Ways, world: World, happening: Happening) -> Iterator[str]:
    """Return what is to be seen between the ends: what arrives, then what is sent."""
    act, number = happening
    incoming = [ways.pieces[one].name for one in world[number].incoming]
    if act is Act.DROP:
        yield " ✂ ".center(_LINE, "┈")
    elif act is Act.SPOIL:
        yield f"{incoming[0]} ⇝ garbage".center(_LINE)
    elif act is Act.DELIVER_BYTE:
        yield _arriving(f"a byte of {incoming[0]}", number)
    elif act is Act.DELIVER:
        yield _arriving(incoming[0], number)
    elif act is Act.DELIVER_ALL:
        yield _arriving(" + ".join(incoming), number)
    for name in ways.written(world, happening):
        arrow = f"── {name} ──►" if number == 0 else f"◄── {name} ──".rjust(_LINE)
        yield arrow


def _arriving(name: str, number: int) -> str:
    return f"◄── {name} ──" if number == 0 else f"── {name} ──►".rjust(_LINE)


def _row(ways: Ways, world: World, between: str, note: str) -> str:
    client, server = (state.name for state in ways.states(world))
    return f"{client:>{_STATE}} │{between}│ {server:<{_STATE}} {note}"


def _shown(event: Event) -> str:
    code = getattr(event, "code", None)
    return type(event).__name__ if code is None else f"{type(event).__name__} {int(code)}"
