"""Explore every interleaving of two connections, and print what was proven.

    python -m spec_tests.model [--frames K]

With one frame on its way each way (the default) it takes seconds, with two some minutes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from spec_tests.model.documented import differences, sources
from spec_tests.model.explore import Counterexample, explore


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m spec_tests.model",
        description="Explore every interleaving of the closing handshake of two connections.",
    )
    parser.add_argument(
        "--frames",
        type=int,
        default=1,
        metavar="K",
        help="how many frames may be on their way each way before more are sent (default: 1)",
    )
    frames: int = parser.parse_args(arguments).frames
    began = time.perf_counter()
    try:
        proof = explore(frames)
    except Counterexample as counterexample:
        print(counterexample)
        return 1
    print(f"{proof.states:,} states, {proof.transitions:,} transitions", end="")
    print(f" with {frames} on the way each way ({time.perf_counter() - began:.0f} s)")
    print(f"{proof.connections:,} connections differ, {proof.steps:,} steps were taken")
    print("in all of them:")
    print("  no exception, no second Close, nothing but Pongs behind a Close (§5.5.1)")
    print("  the code reported is that of the first Close received, which is the")
    print("  peer's, 1005 if that had none, 1006 if there was none (§7.1.5)")
    print("  one read of all that is on its way leads to where one of each leads")
    print("  no deadlock, and a good end can always be reached")
    print(f"  once closing ({proof.closing:,} states), every fair path ends CLOSED at both ends")
    print(f"  ({proof.over:,} states; {proof.parts:,} parts of the graph cannot be stayed in)")
    found = differences(proof.moves, sources())
    for place, moves in sources().items():
        print(f"{place}: {len(moves)} transitions", end="")
        print("" if found else ", each reached by both ends, and no others")
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
