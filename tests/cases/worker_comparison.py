"""How a worker's results differ from what a case states."""

from collections.abc import Mapping
from typing import Any

from worker_cases import BASES, COMMUNITIES, WorkerCase, WorkerResult

GRADE_FIELDS = {"current": "current_grade", "entitled": "entitled_grade", "proposed": "proposed_grade"}


def compare_worker(case: WorkerCase, result: WorkerResult) -> list[str]:
    """A line for each stated result that did not come out; nothing if the case holds."""
    expected = case.expected
    lines: list[str] = []
    for name, value in expected.get("grade", {}).items():
        lines += _compare(f"grade.{name}", value, getattr(result.proposal, GRADE_FIELDS.get(name, name)))
    for basis in BASES:
        if basis in expected.get("pay", {}):
            lines += _compare_row(f"pay.{basis}", expected["pay"][basis], result.pay.get(basis))
    if "arrears" in expected:
        lines += _compare_row("arrears", expected["arrears"], result.arrears)
    if "unreckoned" in expected:
        lines += _compare("unreckoned", expected["unreckoned"], result.unreckoned)
    if "funds" in expected:
        lines += _compare("funds (lines)", len(expected["funds"]), len(result.funds))
        for number, (stated, line) in enumerate(zip(expected["funds"], result.funds, strict=False), 1):
            codes = {"community_code": COMMUNITIES[stated["community"]]} if "community" in stated else {}
            others = {name: value for name, value in stated.items() if name != "community"}
            lines += _compare_row(f"funds[{number}]", {**codes, **others}, line)
    return lines


def _compare_row(name: str, stated: Mapping[str, Any] | None, row: Any) -> list[str]:
    if stated is None or row is None:
        return [] if stated is None and row is None else [f"{name}: expected {_show(stated)}, came out {_show(row)}"]
    return [
        line for column, value in stated.items() for line in _compare(f"{name}.{column}", value, getattr(row, column))
    ]


def _compare(name: str, stated: Any, actual: Any) -> list[str]:
    return [] if stated == actual else [f"{name}: expected {_show(stated)}, came out {_show(actual)}"]


def _show(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(value)}]"
    return "nothing" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
