"""One target under libFuzzer: ``python -m spec_tests.fuzz.worker TARGET [libFuzzer's options]``.

libFuzzer ends the process that it runs in, so this is one of its own, started by the command.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import atheris

__all__: list[str] = []

_WSREF = Path(__file__).parents[2] / "wsref"


def main() -> None:
    """Fuzz until libFuzzer ends the process."""
    name = sys.argv.pop(1)
    # Atheris is told what to instrument by top-level package, and what not by module: the
    # protocol counts, the rest is only imported along with it.
    others = [f"wsref.{path.stem}" for path in _WSREF.iterdir() if path.name != "protocol"]
    with atheris.instrument_imports(include=["wsref"], exclude=["wsref", *others]):
        targets = import_module("spec_tests.fuzz.targets").TARGETS
    atheris.Setup(sys.argv, targets[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
