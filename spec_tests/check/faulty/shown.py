"""Which probe shows which fault: ``shown_by.txt``, one line for each.

Run ``python -m spec_tests.check.faulty.shown`` after changing a fault or a probe: it tries an
ordinary conversation, then the probes of the fault's own topic, then all others, writes the first
that shows it, and prints the faults that none shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeAlias

from .probes import PROBES, Outcome, Probe, run
from .registry import Fault, faults
from .server import EchoServer, serving

__all__ = ["TOPICS", "Place", "outcomes", "shown_by"]

#: The topics whose faults are in the file.
TOPICS: Final = ("handshake", "framing", "control", "fragmentation", "utf8", "closing")

_FILE: Final = Path(__file__).with_name("shown_by.txt")

#: A probe's topic and name.
Place: TypeAlias = tuple[str, str]


def shown_by() -> Mapping[str, Place]:
    """Return where each fault shows, by the faults' names."""
    found: dict[str, Place] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        name, topic, probe = line.split(" | ", 2)
        found[name] = topic, probe
    return found


def outcomes(places: set[Place], timeout: float) -> dict[Place, Outcome]:
    """Return what the correct server makes of some probes."""
    with serving(EchoServer) as url:
        return {place: run(url, PROBES[place[0]][place[1]], timeout) for place in sorted(places)}


def _probes(topic: str) -> Iterator[tuple[Place, Probe]]:
    for other in sorted(PROBES, key=lambda other: (other != "ordinary", other != topic)):
        for name, probe in PROBES[other].items():
            yield (other, name), probe


def _first(fault: Fault, right: Mapping[Place, Outcome]) -> Place | None:
    """Return the first probe that shows a fault."""
    with serving(fault.server_class) as url:
        for place, probe in _probes(fault.topic):
            if run(url, probe, 0.6) != right[place]:
                return place
    return None


def _main() -> None:
    right = outcomes({place for place, _ in _probes("")}, 1.0)
    wanted = [fault for topic in TOPICS for fault in faults(topic).values()]
    lines: list[str] = []
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(_first, wanted, [right] * len(wanted))
        for fault, place in zip(wanted, found, strict=True):
            if place is None:
                print(f"{fault.name}: nothing shows it")
            else:
                lines.append(f"{fault.name} | {place[0]} | {place[1]}\n")
    _FILE.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    _main()
