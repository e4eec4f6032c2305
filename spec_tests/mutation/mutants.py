"""What is changed, one place at a time: the mutants of a module.

The changes are cosmic-ray's.  Of its operators for every pair of symbols two at the most are
taken for each symbol: those that move a border, and those that turn it round.  Left out are names
and strings (wording is no behaviour), annotations (they are never evaluated), and what makes no
difference to the parsed program.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from typing import Final, NamedTuple

__all__ = ["Mutant", "mutants_of"]

_BINARY: Final = (
    *("Add_Sub", "Sub_Add", "Mul_FloorDiv", "FloorDiv_Mul", "Mod_FloorDiv", "Pow_Mul"),
    *("LShift_RShift", "RShift_LShift", "BitOr_BitAnd", "BitAnd_BitOr", "BitXor_BitAnd"),
)
_COMPARISON: Final = (
    *("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is"),
    *("Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt"),
)
_OPERATORS: Final = (
    *(f"core/ReplaceBinaryOperator_{pair}" for pair in _BINARY),
    *(f"core/ReplaceComparisonOperator_{pair}" for pair in _COMPARISON),
    *(f"core/ReplaceUnaryOperator_Delete_{name}" for name in ("Not", "USub", "Invert")),
    *("core/ReplaceAndWithOr", "core/ReplaceOrWithAnd"),
    *("core/ReplaceTrueWithFalse", "core/ReplaceFalseWithTrue"),
    *("core/ReplaceBreakWithContinue", "core/ReplaceContinueWithBreak"),
    *("core/AddNot", "core/NumberReplacer", "core/ExceptionReplacer", "core/ZeroIterationForLoop"),
)


class Mutant(NamedTuple):
    """A module with one change.

    Attributes:
        module: the last part of its name, such as ``utf8``.
        where: the function or class around the change; empty outside of all.
        before: the line that is changed, without the space around it.
        after: as it is then.
        operator: the name of the change, such as ``NumberReplacer``.
        line: where it is, counted from 1.
        lines: those of its statement, or of the head of one that has a body.
        source: the whole module with the change.
        in_function: whether only the body of a function is changed; other changes take effect
            when the module is imported.
    """

    module: str
    where: str
    before: str
    after: str
    operator: str
    line: int
    lines: range
    source: str
    in_function: bool

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What names the mutant to people: module, where, before, after."""
        return self.module, self.where, self.before, self.after

    @property
    def digest(self) -> str:
        """A name for the mutant of this very source."""
        return hashlib.sha256(f"{self.module}\n{self.source}".encode()).hexdigest()[:16]


def mutants_of(module: str, source: str) -> Iterator[Mutant]:
    """Make all mutants of a module, in the order of the operators."""
    from cosmic_ray.mutating import mutate_code  # only this needs more than the tests do
    from cosmic_ray.plugins import get_operator

    tree = ast.parse(source)
    scopes = list(_scopes(tree, ""))
    statements = list(_statements(tree))
    seen = {_essence(source)}
    for name in _OPERATORS:
        operator = get_operator(name)()
        occurrence = 0
        while (changed := mutate_code(source, operator, occurrence)) is not None:
            occurrence += 1
            essence = _essence(changed)
            if essence is not None and essence not in seen:
                seen.add(essence)
                pairs = zip(source.splitlines(), changed.splitlines(), strict=False)
                line, (before, after) = next(
                    (number, pair) for number, pair in enumerate(pairs, 1) if pair[0] != pair[1]
                )
                around = [scope for scope in scopes if line in scope.lines]
                yield Mutant(
                    module,
                    around[-1].name if around else "",
                    before.strip(),
                    after.strip(),
                    name.removeprefix("core/"),
                    line,
                    min(
                        (lines for lines in statements if line in lines),
                        key=len,
                        default=range(line, line + 1),
                    ),
                    changed,
                    any(line in scope.body for scope in around),
                )


class _Scope(NamedTuple):
    """A function or a class: its lines, and those of the body where it is a function's."""

    name: str
    lines: range
    body: range


def _scopes(tree: ast.AST, outer: str) -> Iterator[_Scope]:
    """Find all functions and classes, the outer ones first."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        name = f"{outer}{node.name}"
        begin, end = node.body[0].lineno, (node.end_lineno or node.lineno) + 1
        body = range(begin, end) if isinstance(node, ast.FunctionDef) else range(0)
        yield _Scope(name, range(node.lineno, end), body)
        yield from _scopes(node, f"{name}.")


def _statements(tree: ast.AST) -> Iterator[range]:
    """Find the lines of all statements; of one with a body, those before it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            body: list[ast.stmt] = getattr(node, "body", [])
            end = body[0].lineno if body else (node.end_lineno or node.lineno) + 1
            yield range(node.lineno, max(end, node.lineno + 1))


def _essence(source: str) -> str | None:
    """Return what a module does, without what is never evaluated; None if it is no Python."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign):
            node.annotation = ast.Constant(None)
        if isinstance(node, ast.FunctionDef):
            node.returns = None
    return ast.dump(tree)
