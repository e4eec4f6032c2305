"""Fuzz the core, guided by coverage: ``python -m spec_tests.fuzz [TARGET ...] --seconds N``.

What libFuzzer finds is kept in ``.fuzz/TARGET/corpus``, and the next run begins there.  An input
that a target fails on is made small and printed as a test.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from spec_tests.fuzz.minimise import failure_of, minimised, regression_test
from spec_tests.fuzz.seeds import WORDS, seeds
from spec_tests.fuzz.targets import TARGETS

__all__ = ["main"]

_ROOT: Final = Path(__file__).parents[2]

#: Longer inputs are slow, and reach nothing more.
_MAX_BYTES: Final = 1536


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz the targets one after the other; 1 if any of them fails."""
    parser = argparse.ArgumentParser(prog="python -m spec_tests.fuzz", description=__doc__)
    parser.add_argument("target", nargs="*", help=f"of {', '.join(TARGETS)}; all by default")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--folder", type=Path, default=_ROOT / ".fuzz", help="what is kept (.fuzz)")
    given = parser.parse_args(arguments)
    names: list[str] = given.target or list(TARGETS)
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        parser.error(f"there is no target {', '.join(unknown)}")
    if find_spec("atheris") is None:
        parser.error("this needs atheris: pip install wsref[fuzz]")
    return 1 if sum(_fuzz(name, given.seconds, given.folder / name) for name in names) else 0


def _fuzz(name: str, seconds: int, folder: Path) -> int:
    """Fuzz one target; print what came of it, and return how many inputs it fails on."""
    corpus, crashes, begin = folder / "corpus", folder / "crashes", folder / "seeds"
    for directory in (corpus, crashes, begin):
        directory.mkdir(parents=True, exist_ok=True)
    for seed in seeds(name):
        (begin / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    dictionary = folder / "dictionary"
    dictionary.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS), "ascii")
    known = set(crashes.iterdir())
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={_MAX_BYTES}",
        f"-artifact_prefix={crashes}/",
        "-timeout=20",
        "-rss_limit_mb=1024",
        "-print_final_stats=1",
        "-verbosity=1",
    ]
    if name in ("request", "response"):
        options.append(f"-dict={dictionary}")
    log = folder / "log"
    with log.open("wb") as file:
        subprocess.run(
            [sys.executable, "-m", "spec_tests.fuzz.worker", name, *options, corpus, begin],
            cwd=_ROOT,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    text = log.read_text("utf-8", "replace")
    figures = dict(re.findall(r"^stat::(\w+): +(\d+)$", text, re.MULTILINE))
    if not figures:
        print(f"{name}: libFuzzer did not run, see {log}", flush=True)
        return 1
    edges = re.findall(r" cov: (\d+) ft: (\d+) ", text)[-1]
    found = sorted(set(crashes.iterdir()) - known)
    print(
        f"{name}: {int(figures['number_of_executed_units']):,} executions,"
        f" {int(figures['average_exec_per_sec']):,} a second;"
        f" {len(list(corpus.iterdir())):,} inputs kept ({edges[0]} branches, {edges[1]} features);"
        f" {len(found)} that it fails on",
        flush=True,
    )
    for crash in found:
        _report(name, crash)
    return len(found)


def _report(name: str, crash: Path) -> None:
    """Print an input that a target fails on, as small as it gets, as a test."""
    data = crash.read_bytes()
    if crash.name.startswith("crash-") and failure_of(TARGETS[name], data):
        print(regression_test(name, minimised(TARGETS[name], data)))
    else:  # it takes too long or too much memory; or only when others went before it
        print(f"{crash}: {data.hex(' ')}")


def _escaped(word: bytes) -> str:
    """Write a word for libFuzzer's dictionary."""
    return "".join(
        chr(byte) if 0x20 < byte < 0x7F and byte not in b'"\\' else f"\\x{byte:02X}"
        for byte in word
    )


if __name__ == "__main__":
    sys.exit(main())
