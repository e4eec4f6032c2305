"""Interleaved timing: every contender in every round, the best round of each counts."""

from __future__ import annotations

import argparse
import gc
import json
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

__all__ = ["Row", "arguments", "interleaved", "measure", "report"]

OURS = "wsref"


@dataclass(frozen=True)
class Row:
    """One work, and what it took each contender, in seconds per unit."""

    work: str
    unit: str
    seconds: dict[str, float]

    def ratio(self, peer: str) -> float:
        """Return the peer's time divided by ours."""
        return self.seconds[peer] / self.seconds[OURS]


def interleaved(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Run each contender once a round; return the best time of each, in seconds."""
    best = dict.fromkeys(contenders, float("inf"))
    gc.collect()
    for _ in range(rounds):
        for name, run in contenders.items():
            start = perf_counter()
            run()
            best[name] = min(best[name], perf_counter() - start)
    return best


def measure(
    work: str,
    contenders: Mapping[str, Callable[[], object]],
    *,
    units: int = 1,
    unit: str = "message",
    rounds: int = 15,
) -> Row:
    """Time one work, say so on standard error, and return its row."""
    best = interleaved(contenders, rounds)
    row = Row(work, unit, {name: seconds / units for name, seconds in best.items()})
    print(_line(row), file=sys.stderr, flush=True)
    return row


def arguments(description: str) -> argparse.Namespace:
    """Read the command line that all benchmarks share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=15, help="rounds; the best one counts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    parser.add_argument("--only", default="", metavar="WORD", help="only works with WORD in them")
    return parser.parse_args()


def report(rows: Sequence[Row], json_file: Path | None) -> None:
    """Print the ratios of all rows, and write the figures if asked to."""
    print(f"{platform.python_implementation()} {platform.python_version()}, peer's time / ours")
    for row in rows:
        print(_line(row))
    if json_file is not None:
        content = {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "rows": [
                asdict(row)
                | {"ratios": {peer: row.ratio(peer) for peer in row.seconds if peer != OURS}}
                for row in rows
            ],
        }
        json_file.write_text(json.dumps(content, indent=1) + "\n")


def _line(row: Row) -> str:
    ratios = "  ".join(f"{peer} {row.ratio(peer):5.2f}" for peer in row.seconds if peer != OURS)
    return f"{row.work:34} {ratios}   ({row.seconds[OURS] * 1e6:.2f} us a {row.unit})"
