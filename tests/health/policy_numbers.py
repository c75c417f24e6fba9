"""Numbers of the policy that a Python file writes out: as digits, as text, or as arithmetic of constants."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flows.policy_files import Leaf

TRIVIAL = frozenset(map(Fraction, (0, 1, 2)))
NUMERAL = re.compile(r"\d+\.\d+|\d{2,}")
"""Text that is a number. One digit alone is a clause, a tier or a count of stars, such as `"5"` for §4.5."""


@dataclass(frozen=True)
class Number:
    """A number in code: on which line, and in which constant, function or class."""

    line: int
    place: str
    value: Fraction


def list_policy_numbers(leaves: Mapping[str, Leaf]) -> set[Fraction]:
    """Every number that any value holds on any day, and each share in percent too; 0, 1 and 2 are everybody's."""
    found = {number for leaf in leaves.values() for it in leaf.entries for number in _find_in_value(it.value)}
    return (found | {100 * number for number in found if number.denominator > 1}) - TRIVIAL


def _find_in_value(value: Any) -> Iterator[Fraction]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _find_in_value(part)
    elif not isinstance(value, bool) and re.fullmatch(r"\d+(\.\d+)?", str(value)):
        yield Fraction(str(value))


def find_numbers(tree: ast.AST, place: str = "", *, in_function: bool = False) -> Iterator[Number]:
    """The numbers under `tree`. Arguments of `date(...)` are days of the calendar, not figures."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "date":
            continue
        value = _reckon(node)
        if value is not None and isinstance(node, ast.expr):
            yield Number(node.lineno, place, value)
        if in_function:
            yield from find_numbers(node, place, in_function=True)
        else:
            yield from find_numbers(node, _name(node) or place, in_function=isinstance(node, ast.FunctionDef))


def _name(node: ast.AST) -> str | None:
    """What a constant, a function or a class is called."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0])
    return ast.unparse(node.target) if isinstance(node, ast.AnnAssign) else None


def _reckon(node: ast.AST) -> Fraction | None:
    """What a constant is as a number, or the result of arithmetic with constants only."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, int | float) and not isinstance(node.value, bool):
            return Fraction(str(node.value))
        if isinstance(node.value, str) and NUMERAL.fullmatch(node.value):
            return Fraction(node.value)
    if isinstance(node, ast.BinOp):
        left, right = _reckon(node.left), _reckon(node.right)
        if left is not None and right is not None:
            return _combine(node.op, left, right)
    return None


def _combine(operator: ast.operator, left: Fraction, right: Fraction) -> Fraction | None:
    if isinstance(operator, ast.Add):
        return left + right
    if isinstance(operator, ast.Sub):
        return left - right
    if isinstance(operator, ast.Mult):
        return left * right
    return left / right if isinstance(operator, ast.Div) and right else None
