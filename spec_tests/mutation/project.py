"""What is put to the test: a package, and the tests that ought to notice."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["CORE", "Project"]


class Project(NamedTuple):
    """A package whose modules are changed, and its tests.

    Attributes:
        root: the folder that tests run in, and that the package is imported from.
        package: its name, such as ``wsref.protocol``.
        tests: folders and files below the root.
        arguments: what pytest is told besides.
        kept: the folder of what is known already.
    """

    root: Path
    package: str
    tests: tuple[str, ...]
    arguments: tuple[str, ...]
    kept: Path

    def modules(self) -> dict[str, Path]:
        """Return the modules of the package by the last part of their names."""
        folder = self.root.joinpath(*self.package.split("."))
        return {path.stem: path for path in sorted(folder.glob("[a-z]*.py"))}

    def digest(self) -> str:
        """Name the state that the package and its tests are in."""
        digest = hashlib.sha256()
        for name in self.tests:
            place = self.root / name
            for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
                digest.update(path.read_bytes())
        for path in self.modules().values():
            digest.update(path.read_bytes())
        return digest.hexdigest()[:12]


_ROOT: Final = Path(__file__).resolve().parents[2]

#: The pure core, with its tests, but for those that take long, or are about something else.
CORE: Final = Project(
    _ROOT,
    "wsref.protocol",
    tuple(
        f"spec_tests/{name}"
        for name in ("protocol", "rfc6455", "rfc7692", "properties", "machines")
    ),
    (
        *("-o", "addopts=", "-n", "0", "-p", "no:wsref", "-m", "not long", "--autobahn=off"),
        "--ignore=spec_tests/protocol/test_traceability.py",
    ),
    _ROOT / ".mutation",
)
