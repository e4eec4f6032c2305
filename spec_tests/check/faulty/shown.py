"""Which probe shows which fault, or legal variation: ``shown_by.txt``, one line for each.

Run ``python -m spec_tests.check.faulty.shown [TOPIC|NAME ...]`` after changing a fault or a
probe: it tries an ordinary conversation, then the probes of the fault's own topic, then all
others, writes the first that shows it, and prints the faults that none shows.  Lines about other
topics than those named are left as they are.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeAlias

from .probes import ORDINARY, PROBES, Outcome, Probe, run
from .registry import Fault, Variation, faults, variations
from .server import EchoServer, serving

__all__ = ["TOPICS", "Place", "outcomes", "shown_by"]

#: The topics whose faults are in the file.
TOPICS: Final = (
    *("handshake", "framing", "control", "fragmentation", "utf8", "closing", "compression"),
    "robustness",
)

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


def _first(server: Fault | Variation, right: Mapping[Place, Outcome]) -> Place | None:
    """Return the first probe that shows what a server does."""
    topic = server.name.partition("/")[0]
    with serving(server.server_class) as url:
        for place, probe in _probes(topic):
            if run(url, probe, 0.6) != right[place] and _shows(server, place, right):
                return place
    return None


def _shows(server: Fault | Variation, place: Place, right: Mapping[Place, Outcome]) -> bool:
    """Whether a probe shows it when nothing but an ordinary conversation came before."""
    with serving(server.server_class) as url:
        first = run(url, ORDINARY, 0.6)
        if place == ("ordinary", "conversation"):
            return first != right[place]
        return run(url, PROBES[place[0]][place[1]], 0.6) != right[place]


def _main(topics: Sequence[str]) -> None:
    found = {name: place for name, place in shown_by().items() if topics}
    right = outcomes({place for place, _ in _probes("")}, 1.0)
    servers: list[Fault | Variation] = [
        *(fault for topic in TOPICS for fault in faults(topic).values()),
        *variations().values(),
    ]
    names = [server.name for server in servers]
    wanted = [
        one for one in servers if not topics or {one.name, one.name.partition("/")[0]} & set(topics)
    ]
    with ThreadPoolExecutor(16) as pool:
        firsts = pool.map(_first, wanted, [right] * len(wanted))
        for server, place in zip(wanted, firsts, strict=True):
            found.pop(server.name, None)
            if place is None:
                print(f"{server.name}: nothing shows it", flush=True)
            else:
                found[server.name] = place
    lines = [f"{name} | {found[name][0]} | {found[name][1]}\n" for name in names if name in found]
    _FILE.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    _main(sys.argv[1:])
