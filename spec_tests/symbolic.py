"""Go through all values at once: ``python -m spec_tests.symbolic [WORD ...] [--seconds N]``.

The properties of ``spec_tests/properties/test_codec_properties.py`` are run by CrossHair, which
executes them with values that are still open, and asks a solver which way each branch can go.

``verified``  it went every way there is: the property holds for all values, not for some
``searched``  it was ended before that, by time or by Hypothesis; no way was a counterexample
``left``      it cannot follow values into functions written in C, and gave some of the ways up
``refuted``   there is a counterexample, which is printed
"""

from __future__ import annotations

import argparse
import codecs
import sys
import time
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import BackendCannotProceed
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS

from spec_tests.properties import test_codec_properties

__all__ = ["main", "utf_8_decode"]

#: More than there is time for.
_MOST_PATHS: Final = 100_000

_BACKEND: Final = "wsref-crosshair"


class _Over(Exception):
    """Nothing is left to CrossHair; Hypothesis would go on with examples of its own."""


class _Search:
    """What came of the search in one property.

    Attributes:
        until: when it is to end.
        is_symbolic: whether CrossHair runs the property just now, and not Hypothesis.
        paths: how many ways through the property were gone to their end.
        given_up: how many were not, though they may exist.
        impossible: how many turned out not to exist.
        end: ``verified`` or ``exhausted`` when CrossHair has ended, ``""`` before.
        has_failed: whether the property failed on one of the ways.
    """

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self.is_symbolic = False
        self.paths = self.given_up = self.impossible = 0
        self.end = ""
        self.has_failed = False

    @property
    def has_begun(self) -> bool:
        """Whether CrossHair has had its turn."""
        return bool(self.end or self.paths or self.given_up or self.impossible)

    @property
    def result(self) -> str:
        """What can be said about the property, in a word."""
        if self.has_failed:
            return "refuted"
        if self.given_up:
            return "left"
        return "verified" if self.end == "verified" else "searched"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 if a property is refuted."""
    parser = argparse.ArgumentParser(prog="python -m spec_tests.symbolic", description=__doc__)
    parser.add_argument("word", nargs="*", help="only properties with one of these in their name")
    parser.add_argument("--seconds", type=float, default=30, help="for each property (30)")
    given = parser.parse_args(arguments)
    if find_spec("hypothesis_crosshair_provider") is None:
        parser.error("this needs CrossHair: pip install wsref[symbolic]")
    _prepare()
    results = [
        _search(name, test, given.seconds)
        for name, test in vars(test_codec_properties).items()
        if name.startswith("test_") and any(word in name for word in given.word or [""])
    ]
    return 1 if "refuted" in results else 0


def utf_8_decode(data: bytes, _errors: str = "strict", final: bool = False) -> tuple[str, int]:
    """Do in Python what the function of this name in ``codecs`` does, for errors="strict".

    CrossHair knows ``bytes.decode``, but not the function that the core uses.  That one waits for
    the third byte of a surrogate, which ``bytes.decode`` refuses by its second.
    """
    try:
        return data.decode(), len(data)
    except UnicodeDecodeError as error:
        rest = data[error.start :]
        is_cut_off = error.reason == "unexpected end of data"
        is_half_a_surrogate = len(rest) == 2 and rest[0] == 0xED and 0xA0 <= rest[1] <= 0xBF
        if final or not (is_cut_off or is_half_a_surrogate):
            raise
        return data[: error.start].decode(), error.start


def _prepare() -> None:
    """Tell CrossHair what it does not know."""
    from crosshair import register_patch

    import_module("crosshair.core_and_libs")  # what it tells itself comes first
    register_patch(codecs.utf_8_decode, utf_8_decode)


def _search(name: str, test: Any, seconds: float) -> str:
    """Run one property until nothing is left, or the time is up; print what came of it."""
    search = _Search(seconds)
    AVAILABLE_PROVIDERS[_BACKEND] = _watched(search)
    inner: Callable[..., None] = test.hypothesis.inner_test

    def watched(*values: object, **named: object) -> None:
        if search.has_begun and not search.is_symbolic and not search.has_failed:
            raise _Over
        inner(*values, **named)

    test.hypothesis.inner_test = watched
    run: Callable[[], None] = settings(
        backend=_BACKEND,
        max_examples=_MOST_PATHS,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=[
            HealthCheck.data_too_large,
            HealthCheck.filter_too_much,
            HealthCheck.large_base_example,
            HealthCheck.too_slow,
        ],
    )(test)
    began = time.monotonic()
    told = ""
    try:
        run()
    except _Over:
        pass
    except Exception:
        told = traceback.format_exc(limit=-1)
        search.has_failed = True
    print(
        f"{search.result:9} {search.paths:6,} paths, {search.given_up:3,} given up,"
        f" {time.monotonic() - began:5.1f} s  {name}",
        flush=True,
    )
    if told:
        print(told, flush=True)
    return search.result


def _watched(search: _Search) -> Any:
    """Return CrossHair's backend, made to end in time and to say what it does."""
    from hypothesis_crosshair_provider.crosshair_provider import CrossHairPrimitiveProvider

    class Watched(CrossHairPrimitiveProvider):
        """CrossHair until the time is up."""

        @contextmanager
        def per_test_case_context_manager(self) -> Generator[None, None, None]:
            """Go one way through the property."""
            try:
                if time.monotonic() > search.until:
                    raise BackendCannotProceed("exhausted")
                search.is_symbolic = True
                with super().per_test_case_context_manager():
                    yield
                search.paths += 1
            except BackendCannotProceed as cannot:
                if cannot.scope != "discard_test_case":
                    search.end = cannot.scope
                elif "impossibility" in self.completion:
                    search.impossible += 1
                else:
                    search.given_up += 1
                raise
            except Exception:
                search.has_failed = True
                raise
            finally:
                search.is_symbolic = False

    return Watched


if __name__ == "__main__":
    sys.exit(main())
