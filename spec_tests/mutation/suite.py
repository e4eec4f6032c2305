"""The tests that mutants are put to: collected once, then run in forks of this process.

A change inside a function takes effect in place: the code of the functions that are there is
replaced.  Any other change takes effect when its module is imported, so the tests are collected
once more, in a process that has imported nothing of it.

Only those tests run that come by the line in question (any, for a change that takes effect at
an import), the cheapest first, and the first that fails ends it.  What a test may take
is counted in processor time: how busy the machine is decides nothing.
"""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from itertools import count
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Final, NamedTuple

import pytest
from _pytest.runner import runtestprotocol
from coverage import Coverage
from hypothesis import Phase, settings

from .mutants import Mutant
from .project import Project

__all__ = ["Cost", "Outcome", "costs", "put_to_the_test"]

#: The tests of one mutant may take so many seconds altogether when all is well; the dear ones
#: are left to those that survive, see :func:`put_to_the_test`.
BUDGET: Final = 10.0
#: A test that takes so much longer than it should is taken for one that never ends.
_PATIENCE: Final = (3.0, 20.0)
#: What importing everything may take, and what a mutant may ask of the memory.
_IMPORTING: Final = 60.0
#: No mutant may take longer, be it that it works or that it waits.
_WAITING: Final = 300
_MEMORY: Final = 1 << 31

_ARGUMENTS: Final = (
    *("-p", "no:cacheprovider", "-p", "no:terminal", "-s"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # Hypothesis is imported already
)

settings.register_profile(
    "mutation",
    max_examples=50,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
)


class Cost(NamedTuple):
    """What a test takes, in seconds, and the lines that it comes by, by module."""

    seconds: float
    lines: Mapping[str, set[int]]


class Outcome(NamedTuple):
    """How a mutant fared.

    Attributes:
        word: ``killed``, ``never ends`` (which is as good) or ``survived``.
        test: the test that told, or what went wrong before any could; empty if nothing did.
        tests: how many tests were ready to.
    """

    word: str
    test: str
    tests: int


def costs(project: Project) -> dict[str, Cost]:
    """Return what each test takes and comes by; measured once, and kept.

    Raises:
        RuntimeError: the tests fail without any change.
    """
    cache = project.kept / f"costs-{project.digest()}.json"
    if not cache.exists():
        process = os.fork()
        if not process:
            os._exit(_measure(project, cache))
        if os.waitpid(process, 0)[1]:
            raise RuntimeError("the tests fail without any change")
    kept = json.loads(cache.read_text("utf-8"))
    return {
        name: Cost(seconds, {module: set(found) for module, found in lines.items()})
        for name, (seconds, lines) in kept.items()
    }


def _measure(project: Project, cache: Path) -> int:
    """Run all tests, each in a context of its own, and write down what was seen."""
    paths = {str(path): name for name, path in project.modules().items()}
    coverage = Coverage(data_file=None, config_file=False, include=list(paths))
    seconds: dict[str, float] = {}

    class Measuring:
        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
            coverage.switch_context(item.nodeid)
            began = time.process_time()
            try:
                return (yield)
            finally:
                seconds[item.nodeid] = time.process_time() - began

    coverage.start()
    status = _pytest(project, project.tests, Measuring())
    coverage.stop()
    if status != 0:
        return status
    lines: dict[str, dict[str, list[int]]] = {name: {} for name in seconds}
    for path, module in paths.items():
        for line, contexts in coverage.get_data().contexts_by_lineno(path).items():
            for context in contexts:
                if context in lines:
                    lines[context].setdefault(module, []).append(line)
    kept = {name: (seconds[name], found) for name, found in lines.items()}
    cache.write_text(json.dumps(kept), "utf-8")
    return 0


def _pytest(project: Project, tests: Sequence[str], plugin: object) -> int:
    """Run pytest in this process; it prints nothing."""
    os.environ["HYPOTHESIS_PROFILE"] = "mutation"
    os.chdir(project.root)
    arguments = ["--rootdir", str(project.root), *_ARGUMENTS, *project.arguments, *tests]
    return int(pytest.main(arguments, plugins=[plugin]))


def put_to_the_test(
    project: Project,
    mutants: Sequence[Mutant],
    costs: Mapping[str, Cost],
    note: Callable[[Mutant, Outcome], None],
    until: float,
    budget: float = BUDGET,
) -> None:
    """Run the tests of each mutant, and note how it fared.

    Args:
        project: what the mutants are of.
        mutants: whose turn it is.
        costs: the tests.
        note: told as soon as something is known.
        until: no mutant is begun later, by the monotonic clock.
        budget: how long the tests of one mutant may take when all is well, in seconds.

    Raises:
        RuntimeError: the tests fail without any change, so no failure would tell anything.
    """
    inside = [mutant for mutant in mutants if mutant.in_function]
    outside = [mutant for mutant in mutants if not mutant.in_function]
    if inside:
        process = os.fork()  # the modules stay unknown to this process
        if not process:
            patching = _Patching(project, inside, costs, note, until, budget)
            os._exit(_pytest(project, project.tests, patching) or patching.failed)
        if os.waitpid(process, 0)[1]:
            raise RuntimeError("the tests fail in a fork without any change")
    likely: dict[str, str] = {}
    for mutant in outside:
        if time.monotonic() >= until:
            return
        tests = _tests_of(mutant, costs, budget)
        outcome = _imported(project, mutant, costs, tests, likely.get(mutant.module, ""))
        if "::" in outcome.test:
            likely[mutant.module] = outcome.test.partition("::")[0]
        note(mutant, outcome)


def _tests_of(mutant: Mutant, costs: Mapping[str, Cost], budget: float) -> list[str]:
    """Choose the tests that come by what was changed, the cheapest first.

    What a module says outside of its functions, nobody comes by: it may matter to any test.
    """
    found = sorted(costs, key=lambda name: costs[name].seconds)
    if mutant.in_function:
        lines = set(mutant.lines)
        found = [name for name in found if lines & costs[name].lines.get(mutant.module, set())]
    total = 0.0
    for number, name in enumerate(found):
        total += costs[name].seconds
        if total > budget:
            return found[:number]
    return found


def _in_fork(task: Callable[[Callable[[str], None]], None]) -> tuple[int, str]:
    """Run *task* in a fork; return how it ended, and what it had to say."""
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        try:
            os.close(reading)
            nowhere = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(nowhere, descriptor)
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, used + _MEMORY))
            signal.alarm(_WAITING)
            task(lambda text: (os.write(writing, text.encode()), None)[1])
        except BaseException as error:
            os.write(writing, f"{type(error).__name__}: {error}".encode()[:1000])
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), said


def _outcome(status: int, said: str, tests: int) -> Outcome:
    if status in (-signal.SIGPROF, -signal.SIGALRM):
        return Outcome("never ends", "", tests)
    if status or said:
        return Outcome("killed", said or f"signal {-status}", tests)
    return Outcome("survived", "", tests)


def _allow(seconds: float) -> None:
    """End this process by a signal when it has worked for so long."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _allow_a_test(name: str, costs: Mapping[str, Cost]) -> None:
    least, factor = _PATIENCE
    _allow(least + factor * costs[name].seconds)


class _Patching:
    """Instead of running the tests, puts one mutant after the other in place and runs its own."""

    failed = 0

    def __init__(
        self,
        project: Project,
        mutants: Sequence[Mutant],
        costs: Mapping[str, Cost],
        note: Callable[[Mutant, Outcome], None],
        until: float,
        budget: float,
    ) -> None:
        self._paths = {name: str(path) for name, path in project.modules().items()}
        self._mutants = mutants
        self._costs = costs
        self._note = note
        self._until = until
        self._budget = budget
        self._functions: dict[str, list[FunctionType]] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        gc.unfreeze()  # what is frozen is not among the objects
        for thing in gc.get_objects():
            if isinstance(thing, FunctionType):
                self._functions.setdefault(thing.__code__.co_filename, []).append(thing)
        gc.collect()
        gc.freeze()
        gc.disable()  # what it would touch is shared with the forks
        tests = [_tests_of(mutant, self._costs, self._budget) for mutant in self._mutants]
        wanted = dict.fromkeys(name for names in tests for name in names)
        if not self._nothing_fails([items[name] for name in wanted]):
            self.failed = 1
            return True
        for mutant, names in zip(self._mutants, tests, strict=True):
            if time.monotonic() < self._until:
                codes = self._codes(mutant)
                self._note(mutant, self._outcome([items[name] for name in names], codes))
        return True

    def _nothing_fails(self, items: Sequence[pytest.Item]) -> bool:
        """See that it is the mutants that make tests fail, not the forks."""
        outcome = self._outcome(items, [])
        if outcome.word != "survived":
            print(f"{outcome.word} without any change: {outcome.test}", file=sys.stderr)
        return outcome.word == "survived"

    def _codes(self, mutant: Mutant) -> list[tuple[FunctionType, CodeType]]:
        """Return all functions of a module, and what their code has to be."""
        path = self._paths[mutant.module]
        unchanged = {
            (code.co_qualname, code.co_firstlineno): place
            for place, code in _codes_of(Path(path).read_text("utf-8"), path).items()
        }
        codes = _codes_of(mutant.source, path)
        return [
            (function, codes[unchanged[code.co_qualname, code.co_firstlineno]])
            for function in self._functions[path]
            for code in [function.__code__]
        ]

    def _outcome(
        self, items: Sequence[pytest.Item], codes: Sequence[tuple[FunctionType, CodeType]]
    ) -> Outcome:
        """Run tests with other code in place."""

        def task(say: Callable[[str], None]) -> None:
            for function, code in codes:
                function.__code__ = code
            for item in items:
                _allow_a_test(item.nodeid, self._costs)
                if any(report.failed for report in runtestprotocol(item, log=False)):
                    say(item.nodeid)
                    return

        return _outcome(*_in_fork(task), len(items))


def _codes_of(source: str, path: str) -> dict[tuple[str, int], CodeType]:
    """Return the code of all functions by name and place among their namesakes.

    Lines do not tell which is which: a change may be one of lines.
    """
    codes: dict[tuple[str, int], CodeType] = {}

    def gather(code: CodeType) -> None:
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                name = constant.co_qualname
                place = next(number for number in count() if (name, number) not in codes)
                codes[name, place] = constant
                gather(constant)

    gather(compile(source, path, "exec", dont_inherit=True))
    return codes


def _imported(
    project: Project,
    mutant: Mutant,
    costs: Mapping[str, Cost],
    tests: Sequence[str],
    likely: str,
) -> Outcome:
    """Import a changed module, and run tests that are not here yet; those of one file first."""
    order = {name: place for place, name in enumerate(tests)}

    def task(say: Callable[[str], None]) -> None:
        class Telling:
            def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
                items[:] = [item for item in items if item.nodeid in order]
                items.sort(key=lambda item: order[item.nodeid])

            def pytest_runtest_logstart(self, nodeid: str) -> None:
                _allow_a_test(nodeid, costs)

            def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
                if report.failed:
                    say(report.nodeid)
                    os._exit(0)

        class Preparing(Telling):
            def pytest_sessionstart(self) -> None:
                sys.meta_path.insert(0, _Finder(project, mutant))  # before pytest's own

        files = list(dict.fromkeys(name.partition("::")[0] for name in order))
        first = [likely] if likely in files else []
        rest = [name for name in files if name != likely]
        for some, plugin in ((first, Preparing()), (rest, Telling() if first else Preparing())):
            _allow(_IMPORTING)
            if some and _pytest(project, some, plugin):
                say("it cannot be imported")
                return

    return _outcome(*_in_fork(task), len(order))


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the mutant instead of its module."""

    def __init__(self, project: Project, mutant: Mutant) -> None:
        self._name = f"{project.package}.{mutant.module}"
        self._path = str(project.modules()[mutant.module])
        self._source = mutant.source

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, self._path, "exec"), module.__dict__)
