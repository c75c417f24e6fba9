"""The CSV files of a month: their columns, their keys and how each cell is written (interfaces.md, Results)."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flows.exact import format_decimal
from flows.results import Change, Figures

VALUE_PLACES = 6
SCORE_PLACES = 2
CHANGES = "changes.csv"

Row = Mapping[str, str]


@dataclass(frozen=True)
class ResultFile:
    """One CSV file: its name without ending, its columns in order, and those that it is sorted by, its key."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    @property
    def file_name(self) -> str:
        return f"{self.name}.csv"


INDICATORS = ResultFile(
    "indicators",
    (
        "month", "community_code", "star", "indicator", "numerator", "denominator", "value", "score", "state",
        "window_months",
    ),
    ("community_code", "star", "indicator"),
)  # fmt: skip
STARS = ResultFile(
    "stars",
    ("month", "revision", "community_code", "star", "score", "state", "reasons"),
    ("community_code", "star"),
)
RATINGS = ResultFile(
    "ratings",
    ("month", "revision", "community_code", "district_code", "stars", "total_score", "complete", "rank"),
    ("community_code",),
)
GRADES = ResultFile(
    "grades",
    (
        "month", "staff_id", "community_code", "post", "current_grade", "entitled_grade", "proposed_grade", "kind",
        "needs_manual", "reasons", "effective_on",
    ),
    ("staff_id",),
)  # fmt: skip
PAY = ResultFile(
    "pay",
    (
        "month", "staff_id", "basis", "grade", "appraisal", "basic_fen", "performance_fen", "uplift_fen", "total_fen",
    ),
    ("staff_id", "basis"),
)  # fmt: skip
AWARDS = ResultFile(
    "awards",
    ("pay_year", "community_code", "stars", "minimum_fen", "maximum_fen", "amount_fen"),
    ("community_code",),
)
ARREARS_FILE = ResultFile(
    "arrears",
    ("month", "staff_id", "effective_on", "approved_on", "months", "monthly_fen", "total_fen"),
    ("staff_id",),
)
PAYROLL_FILE = ResultFile(
    "payroll-<month>",
    (
        "month", "staff_id", "register_no", "entry", "reverses_no", "post", "previous_grade", "grade", "effective_on",
        "approved_on", "basic_fen", "performance_fen", "uplift_fen", "total_fen", "previous_total_fen", "change_fen",
        "arrears_months", "arrears_fen", "decision_no", "revision",
    ),
    ("staff_id", "register_no"),
)  # fmt: skip
"""Read by payroll programs: columns are only ever added, at the end (docs/payroll.md)."""
CHANGES_FILE = ResultFile(
    "changes",
    ("month", "revision", "compared_with", "subject", "subject_id", "field", "before", "after", "causes"),
    ("subject", "subject_id", "field"),
)

FIGURE_FILES = (INDICATORS, STARS, RATINGS, GRADES, PAY, AWARDS)
"""The files that hold a month's figures; the same figures give the same bytes."""

_ABOUT = ("month", "revision")


def tabulate(figures: Figures) -> dict[ResultFile, list[Row]]:
    """The cells of each figure file as written, without the columns `month` and `revision`, sorted by its key."""
    indicators = [
        {
            **asdict(row),
            "value": format_decimal(row.value, VALUE_PLACES),
            "score": format_decimal(row.score, SCORE_PLACES),
        }
        for row in figures.indicators
    ]
    # Not asdict: a proposal's trace is long, and no column shows it.
    proposals = [
        {name: getattr(row, name) for name in GRADES.columns if name != "month"} for row in figures.proposals
    ]
    rows: dict[ResultFile, Iterable[Mapping[str, Any]]] = {
        INDICATORS: indicators,
        STARS: map(asdict, figures.stars),
        RATINGS: map(asdict, figures.ratings),
        GRADES: proposals,
        PAY: map(asdict, figures.pay_lines),
        AWARDS: map(asdict, figures.awards),
    }
    return {file: _sort([_format_row(file, row) for row in rows[file]], file) for file in FIGURE_FILES}


def format_figures(figures: Figures, month: str, revision: int) -> dict[str, bytes]:
    """The six figure files of a revision, by name."""
    about = {"month": month, "revision": str(revision)}
    return {
        file.file_name: write_csv(file.columns, [{**about, **row} for row in rows])
        for file, rows in tabulate(figures).items()
    }


def format_changes(changes: Iterable[Change], month: str, revision: int, compared_with: int) -> bytes:
    """`changes.csv` of a revision: each cell of its figure files that differs from the revision compared with."""
    about = {"month": month, "revision": revision, "compared_with": compared_with}
    return format_file(CHANGES_FILE, [{**about, **asdict(change)} for change in changes])


def format_file(file: ResultFile, rows: Iterable[Mapping[str, Any]]) -> bytes:
    """The bytes of one file from its rows, in whatever order they come."""
    return write_csv(file.columns, _sort([_format_row(file, row) for row in rows], file))


def write_csv(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """CSV with a BOM, since Excel reads UTF-8 as garbage without one."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row[name] for name in columns] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _format_row(file: ResultFile, row: Mapping[str, Any]) -> dict[str, str]:
    return {name: _format_cell(row[name]) for name in file.columns if name in row or name not in _ABOUT}


def _sort(rows: list[dict[str, str]], file: ResultFile) -> list[Row]:
    return sorted(rows, key=lambda row: [row[name] for name in file.key])


def _format_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ";".join(value)
    return str(value)
