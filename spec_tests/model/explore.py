"""Every state that a world can come to, and what holds in all of them.

Breadth first, so the way to a state is as short as can be.  Then, on the graph that was found:

* **No deadlock**: while an end is closing, somebody owes something; before that, somebody can do
  something else than give up.
* **A good end is always possible**: from every state there is a way on which nobody gives up, no
  line drops and nothing is spoilt, and at whose end both ends are CLOSED.
* **Every fair path ends**: once either end is beyond OPEN, both come to CLOSED, whatever else is
  said meanwhile, if only everything that stays possible for ever happens some time: the delivery of
  what is on its way, the reply to a Close, the end of TCP.  A path that never ends
  stays in a strongly connected part of the graph for ever; so it is enough that in each such part
  something owed is possible everywhere, and done nowhere.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from spec_tests.model.diagram import draw
from spec_tests.model.world import (
    GIVING_UP,
    OBLIGATIONS,
    Act,
    Fault,
    Happening,
    Moved,
    Perform,
    Ways,
    World,
    perform,
)

__all__ = ["Counterexample", "Proof", "explore"]

_ACTS: Final = tuple(Act)
_CODES: Final = {
    Happening(act, end): 2 * number + end for number, act in enumerate(_ACTS) for end in (0, 1)
}
_HAPPENINGS: Final = {code: happening for happening, code in _CODES.items()}
_OWED: Final = frozenset(
    code for code, happening in _HAPPENINGS.items() if happening.act in OBLIGATIONS
)
_GIVING_UP: Final = frozenset(
    code for code, happening in _HAPPENINGS.items() if happening.act in GIVING_UP
)
#: A delivery is a delivery, however it is cut.
_COUNTS_AS: Final = {
    code: _CODES[Happening(Act.DELIVER, happening.end)]
    if happening.act in (Act.DELIVER_BYTE, Act.DELIVER_ALL)
    else code
    for code, happening in _HAPPENINGS.items()
}


class Counterexample(Exception):
    """Something does not hold.

    Attributes:
        message: what.
        diagram: how it comes to that, as a sequence diagram in text.
    """

    def __init__(self, message: str, diagram: str) -> None:
        super().__init__(message, diagram)
        self.message = message
        self.diagram = diagram

    def __str__(self) -> str:
        return f"{self.message}\n\n{self.diagram}"


class Proof(NamedTuple):
    """What was found, all of which holds.

    Attributes:
        frames: how many pieces may be on their way each way before more are sent.
        states: how many states of the world there are.
        transitions: how many ways from one state to another.
        connections: how many connections differ in them.
        steps: how many steps of connections were taken, each once.
        over: how many states are the end for both.
        closing: how many states have an end beyond OPEN, and are not over.
        parts: how many strongly connected parts these have that can be stayed in.
        moves: the ways through the table of states that each end, by number, was seen to take.
    """

    frames: int
    states: int
    transitions: int
    connections: int
    steps: int
    over: int
    closing: int
    parts: int
    moves: frozenset[tuple[int, Moved]]


def explore(frames: int, perform: Perform = perform) -> Proof:
    """Explore everything, and prove that it is as it should be.

    Args:
        frames: how many pieces may be on their way each way before more are sent.
        perform: what has a connection take a step.

    Raises:
        Counterexample: something does not hold.
    """
    graph = _Graph(Ways(frames, perform))
    graph.grow()
    graph.check_that_nothing_is_stuck()
    graph.check_that_all_can_end_well()
    parts = graph.check_that_fair_paths_end()
    ways = graph.ways
    return Proof(
        frames,
        len(graph.worlds),
        len(graph.stops),
        len(ways.connections),
        ways.steps,
        sum(graph.over),
        sum(graph.closing),
        parts,
        frozenset(ways.moves),
    )


class _Graph:
    """The states by number, and the ways between them: those of state i are begins[i:i + 2]."""

    def __init__(self, ways: Ways) -> None:
        self.ways = ways
        beginning = ways.beginning()
        self.worlds: list[World] = [beginning]
        self.begins = array("L", [0])
        self.stops = array("L")
        self.codes = array("B")
        self.parents = array("L", [0])
        self.over = bytearray()
        self.closing = bytearray()
        self._numbers: dict[World, int] = {beginning: 0}

    def grow(self) -> None:
        """Find all states, breadth first."""
        ways, numbers, worlds = self.ways, self._numbers, self.worlds
        current = 0
        while current < len(worlds):
            world = worlds[current]
            for happening, after in ways.successors(world):
                if isinstance(after, Fault):
                    raise Counterexample(after.message, self._diagram(current, [happening]))
                number = numbers.setdefault(after, len(worlds))
                if number == len(worlds):
                    worlds.append(after)
                    self.parents.append(current)
                self.stops.append(number)
                self.codes.append(_CODES[happening])
            self.begins.append(len(self.stops))
            is_over = ways.is_over(world)
            self.over.append(is_over)
            self.closing.append(ways.is_closing(world) and not is_over)
            current += 1

    def check_that_nothing_is_stuck(self) -> None:
        """No deadlock: while anything is to be done, somebody can do it."""
        for number in range(len(self.worlds)):
            codes = self.codes[self.begins[number] : self.begins[number + 1]]
            if self.closing[number]:
                stuck = _OWED.isdisjoint(codes)
            else:
                stuck = not self.over[number] and _GIVING_UP.issuperset(codes)
            if stuck:
                raise Counterexample(
                    "deadlock: everybody waits for somebody else", self._diagram(number)
                )

    def check_that_all_can_end_well(self) -> None:
        """From every state there is a way to the end on which nobody gives up."""
        backwards: list[list[int]] = [[] for _ in self.worlds]
        for number in range(len(self.worlds)):
            for code, stop in self._ways_from(number):
                if code not in _GIVING_UP:
                    backwards[stop].append(number)
        good = bytearray(self.over)
        waiting = [number for number, is_over in enumerate(good) if is_over]
        while waiting:
            for number in backwards[waiting.pop()]:
                if not good[number]:
                    good[number] = True
                    waiting.append(number)
        if not all(good):
            number = good.index(False)
            raise Counterexample("there is no good end from here", self._diagram(number))

    def check_that_fair_paths_end(self) -> int:
        """Once either end is closing, every fair path leads to the end; return how many parts."""
        parts = 0
        for part in self._parts_of_closing():
            members = set(part)
            inner: set[int] = set()
            everywhere = set(_OWED)
            for number in part:
                ways = list(self._ways_from(number))
                everywhere.intersection_update(code for code, _stop in ways)
                inner.update(_COUNTS_AS[code] for code, stop in ways if stop in members)
            if not inner:
                continue  # one state, which is left for good
            parts += 1
            if everywhere <= inner:
                number = min(part)
                raise Counterexample(
                    "this can go on for ever, although all that is owed is done",
                    self._diagram(number, self._round(number, members)),
                )
        return parts

    def _ways_from(self, number: int) -> Iterable[tuple[int, int]]:
        begin, end = self.begins[number], self.begins[number + 1]
        return zip(self.codes[begin:end], self.stops[begin:end], strict=True)

    def _parts_of_closing(self) -> Iterator[Sequence[int]]:
        """Find the strongly connected parts of the states of closing (Tarjan's way)."""
        closing, begins, stops = self.closing, self.begins, self.stops
        order = array("L", bytes(self.begins.itemsize * len(self.worlds)))  # 0: not visited
        low = array("L", order)
        is_open = bytearray(len(self.worlds))
        stack: list[int] = []
        count = 0
        for root in range(len(self.worlds)):
            if not closing[root] or order[root]:
                continue
            work = [(root, begins[root])]
            while work:
                number, position = work.pop()
                if position == begins[number] and not order[number]:
                    count += 1
                    order[number] = low[number] = count
                    stack.append(number)
                    is_open[number] = True
                while position < begins[number + 1]:
                    stop = stops[position]
                    position += 1
                    if not closing[stop]:
                        continue
                    if not order[stop]:
                        work += [(number, position - 1), (stop, begins[stop])]
                        break
                    if is_open[stop]:
                        low[number] = min(low[number], low[stop])
                else:
                    if low[number] == order[number]:
                        part: list[int] = []
                        while not part or part[-1] != number:
                            part.append(stack.pop())
                            is_open[part[-1]] = False
                        yield part

    # Counterexamples

    def _diagram(self, number: int, then: Sequence[Happening] = ()) -> str:
        """Draw the way to a state, and what happens from there."""
        numbers = [number]
        while numbers[-1]:
            numbers.append(self.parents[numbers[-1]])
        numbers.reverse()
        path = [
            next(_HAPPENINGS[code] for code, stop in self._ways_from(start) if stop == after)
            for start, after in pairwise(numbers)
        ]
        return draw(self.ways, path, then)

    def _round(self, start: int, members: set[int]) -> list[Happening]:
        """Find the shortest way from a state back to itself within a part."""
        parents: dict[int, tuple[int, int]] = {}
        waiting = [start]
        for number in waiting:
            for code, stop in self._ways_from(number):
                if stop == start:
                    way = [_HAPPENINGS[code]]
                    while number != start:
                        number, code = parents[number]
                        way.append(_HAPPENINGS[code])
                    return way[::-1]
                if stop in members and stop not in parents:
                    parents[stop] = number, code
                    waiting.append(stop)
        return []
