"""Where is it, and what pins it: every requirement with its code, its tests, and its cases.

    python -m spec_tests.traceability                   a summary
    python -m spec_tests.traceability 5.4 7692:7.2.1    all about some requirements
    python -m spec_tests.traceability --write           docs/traceability.rst anew

Nothing is imported to find out; sources are parsed.

* **Code** names a requirement by its id, in a string or a docstring, or cites a clause: ``RFC 6455
  §5.4`` in a docstring or a comment.  Who names the id implements that requirement, except after
  "such as"; who cites a clause implements something of that very section, not of those above or
  below.  A bare ``§5.4`` means the RFC that was named last before it in the same text, else the
  first that the module names; ``§5.4 to §5.6`` means all three.
* **Tests** name requirements with ``@pytest.mark.rfc``.  A test with ``@given`` is a *property*,
  one of a ``RuleBasedStateMachine`` a *machine*, one in ``spec_tests/model`` is of the *model*,
  others are *unit* tests.  A test of a tool (:data:`TOOLS`) is listed as such, and pins nothing:
  that a strategy or an explanation is right does not make an endpoint right.
* **Autobahn** cases are mapped in ``spec_tests/autobahn_cases.toml``.
* **wsref check** cases say themselves which requirements they are about.
* **Reasons** why there is no test are in ``spec_tests/reasons.toml``.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from itertools import groupby
from pathlib import Path
from textwrap import fill
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from wsref.requirements import Requirement, requirements

__all__ = [
    "Kind",
    "Symbol",
    "Pin",
    "Trace",
    "autobahn_cases",
    "find_symbols",
    "find_pins",
    "main",
    "reasons",
    "render",
    "summary",
    "traces",
    "unknown_ids",
    "without_pin_or_reason",
]

ROOT: Final = Path(__file__).parents[1]
SNAPSHOT: Final = ROOT / "docs" / "traceability.rst"
REASONS: Final = ROOT / "spec_tests" / "reasons.toml"
AUTOBAHN: Final = ROOT / "spec_tests" / "autobahn_cases.toml"

#: What is not an endpoint, but something for people who look at one.
TOOLS: Final = (
    "wsref/check/*",
    "wsref/testing/*",
    "wsref/requirements/*",
    "wsref/__main__.py",
    "wsref/cli.py",
    "wsref/demo.py",
    "wsref/explain.py",
    "wsref/pytest_plugin.py",
    "spec_tests/check/*",
    "spec_tests/testing/*",
    "spec_tests/api/test_cli.py",
    "spec_tests/api/test_demo.py",
    "spec_tests/api/test_explain.py",
    "spec_tests/protocol/test_traceability.py",
)

Kind: TypeAlias = Literal["unit", "property", "machine", "model", "tool"]

_ID = re.compile(r"(?P<example>such as\s+`*)?(?P<id>RFC\d{4}-[\d.]+-\d\d)")
_CITATION = re.compile(
    r"RFC (?P<rfc>\d{4})|§(?P<first>\d[\d.]*\b)(?:(?:\u2013| to )§?(?P<last>\d[\d.]*\b))?"
)
_MACHINE: Final = "RuleBasedStateMachine"

_Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Symbol(NamedTuple):
    """Something in the code that has a name.

    Attributes:
        name: such as ``protocol.messages.check_fragment``.
        ids: the requirements that it names.
        clauses: the sections that it cites: number of the RFC, and section.
    """

    name: str
    ids: frozenset[str]
    clauses: frozenset[tuple[int, str]]


class Pin(NamedTuple):
    """A test that names requirements."""

    name: str
    kind: Kind
    ids: tuple[str, ...]


class Trace(NamedTuple):
    """What is known about one requirement.

    Attributes:
        requirement: which.
        code: symbols that name it.
        citing: symbols that cite its section, and do not name it.
        tests: tests that name it, those of tools as well.
        autobahn: patterns of cases of the Autobahn TestSuite.
        check: cases of ``wsref check``.
        reason: why there is no test, or "".
    """

    requirement: Requirement
    code: tuple[str, ...]
    citing: tuple[str, ...]
    tests: tuple[Pin, ...]
    autobahn: tuple[str, ...]
    check: tuple[str, ...]
    reason: str

    @property
    def is_pinned(self) -> bool:
        """Whether a test of an endpoint would notice a violation."""
        return any(test.kind != "tool" for test in self.tests)


# Code


def find_symbols(source: str, module: str) -> Iterator[Symbol]:
    """Find the symbols of a module that name requirements or cite clauses.

    Args:
        source: its text.
        module: its name, such as ``protocol.frames``.
    """
    tree = ast.parse(source)
    default = _first_rfc(ast.get_docstring(tree) or "")
    lines = source.splitlines()
    spans = [(1, len(lines) + 1, module), *_spans(tree, module, lines)]
    texts: dict[str, list[str]] = {name: [] for _start, _end, name in spans}
    ids: dict[str, set[str]] = {name: set() for name in texts}

    def owner(line: int) -> str:
        return max((start, -end, name) for start, end, name in spans if start <= line <= end)[2]

    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            texts[owner(token.start[0])].append(token.string)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False)
            if docstring is not None:
                texts[owner(node.body[0].lineno)].append(docstring)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            named = (found["id"] for found in _ID.finditer(node.value) if not found["example"])
            ids[owner(node.lineno)].update(named)
    for name, cited in texts.items():
        clauses = frozenset(clause for text in cited for clause in _citations(text, default))
        if ids[name] or clauses:
            yield Symbol(name, frozenset(ids[name]), clauses)


def _first_rfc(text: str) -> int:
    found = re.search(r"RFC (\d{4})", text)
    return int(found[1]) if found else 6455


def _citations(text: str, rfc: int) -> Iterator[tuple[int, str]]:
    """Find the clauses that a text cites; *rfc* is meant where none was named yet."""
    for found in _CITATION.finditer(text):
        if found["rfc"]:
            rfc = int(found["rfc"])
            continue
        first, last = found["first"].rstrip("."), (found["last"] or found["first"]).rstrip(".")
        parent, _, low = first.rpartition(".")
        same, _, high = last.rpartition(".")
        if parent != same:
            raise ValueError(f"§{first} to {last} does not stay within a section")
        for number in range(int(low), int(high) + 1):
            yield rfc, f"{parent}.{number}" if parent else str(number)


def _spans(
    parent: ast.Module | _Definition, prefix: str, lines: Sequence[str]
) -> Iterator[tuple[int, int, str]]:
    """Find first and last line of every symbol, comments right above it included."""
    for node in parent.body:
        names: list[str] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef):
                continue  # what is inside a function belongs to it
            names = [node.name]
        elif isinstance(parent, ast.Module | ast.ClassDef):
            targets: Sequence[ast.expr] = ()
            if isinstance(node, ast.Assign):
                targets = node.targets
            elif isinstance(node, ast.AnnAssign):
                targets = [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
        for name in names[:1]:
            start = node.lineno
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                start = min([start, *(decorator.lineno for decorator in node.decorator_list)])
            while start > 1 and lines[start - 2].lstrip().startswith("#"):
                start -= 1
            yield start, node.end_lineno or node.lineno, f"{prefix}.{name}"
            if isinstance(node, ast.ClassDef):
                yield from _spans(node, f"{prefix}.{name}", lines)


@cache
def _symbols_of_the_project() -> tuple[Symbol, ...]:
    found: list[Symbol] = []
    for path, relative in _sources("wsref"):
        if not _is_tool(relative):
            parts = Path(relative).with_suffix("").parts[1:]
            module = ".".join(part for part in parts if part != "__init__") or "wsref"
            found += find_symbols(path.read_text(encoding="utf-8"), module)
    return tuple(found)


# Tests


def find_pins(source: str, path: str) -> Iterator[Pin]:
    """Find the tests of a file that name requirements.

    Args:
        source: its text.
        path: where it is, such as ``spec_tests/rfc6455/test_5_2_framing.py``.
    """
    tree = ast.parse(source)
    base: Kind = "unit"
    if _is_tool(path):
        base = "tool"
    elif path.startswith("spec_tests/model/"):
        base = "model"
    shown = path.removeprefix("spec_tests/")
    everywhere = [
        name
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(
            isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
        )
        for name in _ids_in_marks([node.value])
    ]

    def within(
        nodes: Sequence[ast.stmt], inherited: Sequence[str], prefix: str, kind: Kind
    ) -> Iterator[Pin]:
        for node in nodes:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            ids = [*inherited, *_ids_in_marks(node.decorator_list)]
            name = f"{prefix}::{node.name}"
            if isinstance(node, ast.ClassDef):
                if any(_last_name(one) == _MACHINE for one in node.bases):
                    if ids:
                        yield Pin(name, "machine" if kind == "unit" else kind, tuple(ids))
                else:
                    yield from within(node.body, ids, name, kind)
            elif ids and node.name.startswith("test"):
                yield Pin(name, _kind_of(node, kind), tuple(ids))

    for test in within(tree.body, everywhere, shown, base):
        yield test._replace(ids=tuple(dict.fromkeys(test.ids)))
    # A machine's tests are often only made: TestPair = pytest.mark.rfc("...")(Pair.TestCase).
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, ids = node.targets[0].id, [*everywhere, *_ids_in_marks([node.value])]
            if ids and name.startswith("Test"):
                yield Pin(f"{shown}::{name}", "machine" if base == "unit" else base, tuple(ids))


def _kind_of(node: ast.FunctionDef | ast.AsyncFunctionDef, base: Kind) -> Kind:
    if base != "unit":
        return base
    decorators = [
        _last_name(one.func if isinstance(one, ast.Call) else one) for one in node.decorator_list
    ]
    if "given" in decorators:
        return "property"
    calls = (one.func for one in ast.walk(node) if isinstance(one, ast.Call))
    if any(_last_name(one) == "run_state_machine_as_test" for one in calls):
        return "machine"
    return "unit"


def _last_name(node: ast.expr) -> str:
    """Return the ``c`` of ``a.b.c``."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _ids_in_marks(nodes: Iterable[ast.expr]) -> list[str]:
    """Return what every ``pytest.mark.rfc(...)`` in *nodes* names, also those within others."""
    return [
        str(argument.value)
        for node in nodes
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and ast.unparse(call.func) == "pytest.mark.rfc"
        for argument in call.args
        if isinstance(argument, ast.Constant)
    ]


@cache
def _pins_of_the_project() -> tuple[Pin, ...]:
    found: list[Pin] = []
    for top in ("spec_tests", "autobahn"):
        for path, relative in _sources(top):
            found += find_pins(path.read_text(encoding="utf-8"), relative)
    return tuple(found)


def _sources(top: str) -> Iterator[tuple[Path, str]]:
    for path in sorted((ROOT / top).rglob("*.py")):
        yield path, path.relative_to(ROOT).as_posix()


def _is_tool(path: str) -> bool:
    return any(fnmatchcase(path, tool) for tool in TOOLS)


# What people have written down


def reasons(text: str | None = None) -> Mapping[str, str]:
    """Return why requirements have no test, by their ids.

    Raises:
        ValueError: a pattern stands for no requirement, or a requirement has two reasons.
    """
    entries = tomllib.loads(REASONS.read_text(encoding="utf-8") if text is None else text)
    found: dict[str, str] = {}
    for entry in entries["reason"]:
        for pattern in entry["requirements"]:
            matching = [name for name in requirements() if fnmatchcase(name, pattern)]
            if not matching:
                raise ValueError(f"{pattern!r} stands for no requirement")
            for name in matching:
                if name in found:
                    raise ValueError(f"{name} has two reasons")
                found[name] = " ".join(entry["why"].split())
    return found


def autobahn_cases(text: str | None = None) -> Mapping[str, tuple[str, ...]]:
    """Return the cases of the Autobahn TestSuite that would notice, by requirement.

    Raises:
        ValueError: a pattern stands for no case, or an id for no requirement.
    """
    # Here, since it belongs to another part of the project.
    from autobahn.cases import select

    entries = tomllib.loads(AUTOBAHN.read_text(encoding="utf-8") if text is None else text)
    found: dict[str, tuple[str, ...]] = {}
    for name, patterns in entries["cases"].items():
        if name not in requirements():
            raise ValueError(f"{name!r} is not the id of a requirement")
        for pattern in patterns:
            select(pattern)
        found[name] = tuple(patterns)
    return found


def _check_cases() -> dict[str, list[str]]:
    from wsref.check.cases import ALL  # here, since it takes long and needs more than the rest

    found: dict[str, list[str]] = {}
    for case in ALL:
        for name in case.requirements:
            found.setdefault(name, []).append(case.id)
    return found


# All of it


def traces() -> tuple[Trace, ...]:
    """Return what is known about every requirement, in the order of the RFCs."""
    symbols, tests = _symbols_of_the_project(), _pins_of_the_project()
    why, autobahn, check = reasons(), autobahn_cases(), _check_cases()
    return tuple(
        Trace(
            entry,
            tuple(symbol.name for symbol in symbols if name in symbol.ids),
            tuple(
                symbol.name
                for symbol in symbols
                if (entry.rfc, entry.section) in symbol.clauses and name not in symbol.ids
            ),
            tuple(test for test in tests if name in test.ids),
            autobahn.get(name, ()),
            tuple(check.get(name, ())),
            why.get(name, ""),
        )
        for name, entry in requirements().items()
    )


def unknown_ids(
    pins: Iterable[Pin] | None = None, symbols: Iterable[Symbol] | None = None
) -> list[str]:
    """Return the tests and the symbols that name what is not a requirement, with what they name.

    Args:
        pins: tests; those of the project if None.
        symbols: symbols; those of the project if None.
    """
    named = [
        *((pin.name, pin.ids) for pin in (_pins_of_the_project() if pins is None else pins)),
        *(
            (one.name, one.ids)
            for one in (_symbols_of_the_project() if symbols is None else symbols)
        ),
    ]
    return [
        f"{name} names {unknown}"
        for name, ids in named
        for unknown in sorted(set(ids) - set(requirements()))
    ]


def without_pin_or_reason(entries: Iterable[Trace]) -> list[Trace]:
    """Return the obligations and the advice that no test pins, and that have no reason."""
    return [
        trace
        for trace in entries
        if trace.requirement.level != "MAY" and not trace.is_pinned and not trace.reason
    ]


_LEVELS: Final = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY")


def summary(entries: Sequence[Trace]) -> str:
    """Count: by level, how many requirements are pinned, and by what."""
    heads = ("level", "all", "pinned", *get_args(Kind), "Autobahn", "check", "reason", "neither")
    rows: list[Sequence[str]] = [heads]
    for level in (*_LEVELS, "all"):
        chosen = [trace for trace in entries if level in (trace.requirement.level, "all")]
        pinned = [trace for trace in chosen if trace.is_pinned]
        kinds = [{test.kind for test in trace.tests} for trace in chosen]
        counts = (
            len(chosen),
            len(pinned),
            *(sum(kind in found for found in kinds) for kind in get_args(Kind)),
            sum(bool(trace.autobahn) for trace in chosen),
            sum(bool(trace.check) for trace in chosen),
            sum(bool(trace.reason) for trace in chosen),
            sum(not trace.is_pinned and not trace.reason for trace in chosen),
        )
        rows.append((level, *(str(count) for count in counts)))
    return _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = "  ".join("=" * width for width in widths)
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def render(entries: Sequence[Trace]) -> str:
    """Write the page: for each section who cites it, then its requirements one by one."""
    title = "Every requirement, its code and its tests"
    parts = [
        title,
        "=" * len(title),
        "",
        "Written by ``python -m spec_tests.traceability --write``; a test fails when it is not",
        "what the sources say. How code and tests are found, and what counts, stands in",
        "``spec_tests/traceability.py``; summaries are ours, the RFCs are the authority. *Pinned*",
        "are requirements with a test of an endpoint; tests of tools, cases of the Autobahn",
        "TestSuite and cases of ``wsref check`` come on top. *Code* is what names the requirement",
        "by its id; who cites its section stands at the beginning of the section.",
        "",
        summary(entries),
        "",
    ]
    for _key, group in groupby(entries, key=lambda trace: trace.requirement.clause):
        parts.append(_section(list(group)))
    return "\n".join(parts)


def _section(entries: Sequence[Trace]) -> str:
    clause = entries[0].requirement.clause
    lines = [clause, "-" * len(clause), ""]
    cited = sorted({name for trace in entries for name in (*trace.citing, *trace.code)})
    if cited:
        lines += [_wrapped("Code: " + _literals(cited)), ""]
    for trace in entries:
        entry = trace.requirement
        lines += [
            f"``{entry.id}`` {entry.level}, {entry.role}",
            _wrapped(entry.summary, "    "),
            "",
        ]
        fields = [("code", _literals(trace.code))]
        for kind in get_args(Kind):
            named = [test.name for test in trace.tests if test.kind == kind]
            fields.append((kind, _literals(named)))
        fields += [
            ("Autobahn", ", ".join(trace.autobahn).replace("*", "\\*")),
            ("wsref check", _literals(trace.check)),
            ("no test", trace.reason),
        ]
        shown = [
            fill(
                f":{name}: {value}",
                100,
                initial_indent="    ",
                subsequent_indent="      ",
                break_long_words=False,
                break_on_hyphens=False,
            )
            for name, value in fields
            if value
        ]
        lines += [*shown, ""] if shown else []
    return "\n".join(lines)


def _literals(names: Iterable[str]) -> str:
    return ", ".join(f"``{name}``" for name in names)


def _wrapped(text: str, indent: str = "") -> str:
    return fill(
        text,
        100,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _selected(entries: Iterable[Trace], patterns: Sequence[str]) -> list[Trace]:
    """Return the traces of sections (``5.4``, ``7692:7.2.1``) and ids, with globs."""
    return [
        trace
        for trace in entries
        if any(
            fnmatchcase(name, pattern)
            for pattern in patterns
            for name in (
                trace.requirement.id,
                f"{trace.requirement.rfc}:{trace.requirement.section}",
                trace.requirement.section if trace.requirement.rfc == 6455 else "",
            )
        )
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m spec_tests.traceability",
        description="Tell where each requirement is implemented, and what pins it.",
    )
    parser.add_argument(
        "patterns",
        nargs="*",
        metavar="PATTERN",
        help="show all about these: a section (5.4, 7692:7.2.1) or a requirement; globs will do",
    )
    parser.add_argument("--write", action="store_true", help="write docs/traceability.rst")
    options = parser.parse_args(arguments)

    unknown = unknown_ids()
    entries = traces()
    missing = without_pin_or_reason(entries)
    if options.patterns:
        selected = _selected(entries, options.patterns)
        if not selected:
            parser.error(f"no requirement is named by {' '.join(options.patterns)!r}")
        for _key, group in groupby(selected, key=lambda trace: trace.requirement.clause):
            print(_section(list(group)))
    else:
        print(summary(entries))
        coded = sum(bool(trace.code or trace.citing) for trace in entries if trace.is_pinned)
        pinned = sum(trace.is_pinned for trace in entries)
        print(f"\n{coded} of the {pinned} that are pinned are named or cited by code.")
    for line in unknown:
        print(line)
    for trace in missing:
        entry = trace.requirement
        print(
            f"{entry.id} has neither test nor reason ({entry.level}, {entry.role}): {entry.summary}"
        )
    if options.write:
        SNAPSHOT.write_text(render(entries), encoding="utf-8")
    return 1 if unknown or missing else 0


if __name__ == "__main__":
    sys.exit(main())
