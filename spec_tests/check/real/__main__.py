"""Check well-known servers: ``python -m spec_tests.check.real [NAME ...]``.

Each is run as an echo server on a free port of loopback, one at a time, and checked as a user
would check it: the fixed cases, then generated conversations.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterable, Sequence

from spec_tests.check.real.conclusions import KINDS
from spec_tests.check.real.observations import Observation, load, observe, save
from spec_tests.check.real.page import write_page
from spec_tests.check.real.proof import Trouble, prove
from spec_tests.check.real.servers import (
    SERVERS,
    NotInstalled,
    Server,
    ServerTrouble,
    serving,
)
from wsref.check import Options, check_server

__all__ = ["examine", "main"]

#: What the generated phase draws, so that a second run finds the same.
_SEED = 1
_TIMES = 3


def examine(server: Server, options: Options) -> Observation:
    """Run a server, and check it.

    Raises:
        NotInstalled: it is not there.
        ServerTrouble: it does not start, or cannot be checked.
    """
    with serving(server) as url:
        report = check_server(url, options)
    if report.problem:
        raise ServerTrouble(report.problem)
    return observe(server.name, server.versions(), report)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was found; return 1 if a server is not there or something is unexplained."""
    parser = argparse.ArgumentParser(prog="python -m spec_tests.check.real")
    parser.add_argument("name", nargs="*", help=f"of these: {', '.join(SERVERS)}; all by default")
    parser.add_argument("--jobs", type=int, default=2, help="connections at a time")
    parser.add_argument("--phases", default="fixed,generated", help="fixed, generated or both")
    parser.add_argument("--seed", type=int, default=_SEED, help="of the generated phase")
    parser.add_argument(
        "--write", action="store_true", help="keep what was observed, and write docs/servers.rst"
    )
    parser.add_argument(
        "--page", action="store_true", help="only write docs/servers.rst, from what is kept"
    )
    parser.add_argument(
        "--prove",
        action="store_true",
        help=f"send the bytes of each conclusion over a plain socket, {_TIMES} times, instead",
    )
    given = parser.parse_args(arguments)
    names: list[str] = given.name or list(SERVERS)
    unknown = sorted(set(names) - set(SERVERS))
    if unknown:
        parser.error(f"there is no server {', '.join(unknown)}; there are {', '.join(SERVERS)}")
    if given.page:
        write_page(load())
        return 0
    if given.prove:
        return _each(names, _prove_all)
    options = Options(phases=tuple(given.phases.split(",")), jobs=given.jobs, seed=given.seed)
    observations = load()

    def check(server: Server) -> bool:
        observation = examine(server, options)
        observations[server.name] = observation
        _print(observation)
        return not observation.unexplained()

    status = _each(names, check)
    if given.write:
        order = [name for name in SERVERS if name in observations]
        observations = {name: observations[name] for name in order}
        save(observations)
        write_page(observations)
    return status


def _each(names: Iterable[str], act: Callable[[Server], bool]) -> int:
    """Do something with each server; return 1 if it could not be done or did not go well."""
    status = 0
    for name in names:
        try:
            went_well = act(SERVERS[name])
        except (NotInstalled, ServerTrouble) as error:
            print(f"{name}: {error}", flush=True)
            went_well = False
        if not went_well:
            status = 1
    return status


def _print(observation: Observation) -> None:
    counts = observation.counts
    facts = f"echo: {_yes(observation.echoes)}  permessage-deflate: {_yes(observation.deflates)}"
    print(f"{observation.server}: {observation.versions}  {facts}")
    print("  " + "  ".join(f"{count} {verdict}" for verdict, count in counts.items() if count))
    for verdict in ("FAIL", "WARN"):
        print(f"  requirements with {verdict}: {len(observation.requirements(verdict))}")
    for conclusion, found in observation.concluded().items():
        worst = min(verdict for verdict, _case in found)  # the alphabet has them in order
        cases = [case for _verdict, case in found]
        more = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
        print(f"  {worst:7} {conclusion.clause:17} {conclusion.title} ({KINDS[conclusion.kind]})")
        print(f"          {cases[0]}{more}")
    for line in observation.unexplained():
        print(f"  not explained: {line}")
    sys.stdout.flush()


def _prove_all(server: Server) -> bool:
    """Have the proofs of all conclusions about a server; return whether they hold."""
    observation = load().get(server.name)
    if observation is None:
        print(f"{server.name}: nothing was observed; --write does that")
        return False
    wrong = 0
    with serving(server) as url:
        for conclusion in observation.concluded():
            try:
                for _time in range(_TIMES):
                    prove(conclusion, url)
            except (Trouble, OSError) as trouble:
                wrong += 1
                print(f"{server.name}: {conclusion.name}: {trouble}", flush=True)
    total = len(observation.concluded())
    print(
        f"{server.name}: {total - wrong} of {total} conclusions proved {_TIMES} times", flush=True
    )
    return not wrong


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _stop(number: int, _frame: object) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)  # so that the server ends with us
    sys.exit(main())
