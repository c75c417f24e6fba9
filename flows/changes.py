"""What one result of a month has other than another: cell by cell of the files, and which step made it so."""

from collections.abc import Mapping, Sequence

from flows.result_files import tabulate
from flows.results import Change, ChangeCause, Figures

CAUSES: Mapping[ChangeCause, str] = {
    "code": "程序",
    "data": "数据",
    "policy": "政策",
    "undetermined": "原因无法重算",
}
SUBJECTS = {
    "indicators": "指标",
    "stars": "星",
    "ratings": "月度星级",
    "grades": "等级建议",
    "pay": "月工资",
    "awards": "工作经费",
}

Cell = tuple[str, str, str]
"""A file's name, a row's key there and a column."""


def list_changes(stages: Sequence[Figures], causes: Sequence[ChangeCause]) -> list[Change]:
    """Each cell in which the last stage differs from the first, with the causes of the steps at which it moved.

    `causes[i]` is what changed from `stages[i]` to `stages[i + 1]`. Rows come sorted by file, key and column.
    """
    found = [_collect_cells(figures) for figures in stages]
    first, last = found[0], found[-1]
    changes = []
    for cell in sorted(first.keys() | last.keys()):
        if first.get(cell, "") != last.get(cell, ""):
            moved = tuple(
                cause
                for cause, before, after in zip(causes, found, found[1:], strict=False)
                if before.get(cell, "") != after.get(cell, "")
            )
            changes.append(Change(*cell, first.get(cell, ""), last.get(cell, ""), moved))
    return changes


def count_changes(changes: Sequence[Change]) -> dict[str, dict[str, int]]:
    """How many rows of each file moved, by cause; a row that several causes moved counts under each."""
    moved: dict[str, dict[str, set[str]]] = {}
    for change in changes:
        for cause in change.causes:
            moved.setdefault(change.subject, {}).setdefault(cause, set()).add(change.subject_id)
    return {
        subject: {cause: len(ids) for cause, ids in sorted(by_cause.items())}
        for subject, by_cause in sorted(moved.items())
    }


def _collect_cells(figures: Figures) -> Mapping[Cell, str]:
    return {
        (file.name, "/".join(row[name] for name in file.key), column): text
        for file, rows in tabulate(figures).items()
        for row in rows
        for column, text in row.items()
        if column not in file.key
    }


def describe_causes(causes: Sequence[ChangeCause]) -> str:
    """Why a cell moved, in words, such as 数据、政策."""
    return "、".join(CAUSES[cause] for cause in causes)


def describe_amendment(amends: int) -> str:
    """The banner of a revision of a month that is published already."""
    return (
        f"本月已有等级建议经批准并登记入等级台账（最近一次依据第 {amends} 版），以台账记录为准。本版只是修订建议："
        "与已登记的等级不同之处须由具名人员逐人另行批准，不会自动改写。"
    )
