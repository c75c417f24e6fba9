"""Every sentence with which the policy's loader refuses a file, read from its code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

FLOWS = Path(__file__).parents[1] / "flows"
MODULES = ("policy_files", "policy_values", "policy_tables", "policy_checks")
WORDS_MIN = 3
"""Fewer stand in front of another check's sentence, such as the name of a degree."""


def list_refusals() -> dict[str, str]:
    """The pattern of each sentence, and where it stands: of the modules of loading, and of `load_policy`."""
    trees: dict[str, ast.AST] = {module: _parse(module) for module in MODULES}
    trees["policy"] = next(node for node in _parse("policy").body if getattr(node, "name", "") == "load_policy")
    found: dict[str, str] = {}
    for module, tree in trees.items():
        for text in _find_texts(tree):
            pattern = _make_pattern(text)
            place = f"{module}, line {text.lineno}"
            assert pattern not in found, f"{place} says what {found[pattern]} says"
            found[pattern] = place
    return found


def _parse(module: str) -> ast.Module:
    return ast.parse((FLOWS / f"{module}.py").read_text(encoding="utf-8"))


def _find_texts(tree: ast.AST) -> Iterator[ast.Constant | ast.JoinedStr]:
    """The texts that are raised, refused with, or returned by a check as what is wrong."""
    for node in ast.walk(tree):
        said: ast.AST | None = None
        if isinstance(node, ast.Raise):
            said = node.exc
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "refuse":
            [said] = node.args
        elif isinstance(node, ast.Return):
            said = node.value
        for text in _find_outermost(said):
            words = _join_constants(text)
            if len(re.findall(r"[A-Za-z]+", words)) >= WORDS_MIN and words.rstrip().endswith((".", ")", "]")):
                yield text


def _find_outermost(node: ast.AST | None) -> Iterator[ast.Constant | ast.JoinedStr]:
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        yield node
    elif node is not None:
        for child in ast.iter_child_nodes(node):
            yield from _find_outermost(child)


def _join_constants(text: ast.Constant | ast.JoinedStr) -> str:
    parts = text.values if isinstance(text, ast.JoinedStr) else [text]
    return "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))


def _make_pattern(text: ast.Constant | ast.JoinedStr) -> str:
    parts = text.values if isinstance(text, ast.JoinedStr) else [text]
    return "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+" for part in parts)
