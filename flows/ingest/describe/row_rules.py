"""Quality rules that judge a row: what each kind asks, and of which columns (data.md, "Rows that must not pass")."""

import re
from datetime import date
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from flows.ingest.describe.grammar import Strict

Severity = Literal["reject", "stop", "warn"]


class BaseRule(Strict):
    """What every rule says of itself: `reason` is written on each row; `title` is what people read."""

    id: str
    title: str
    reason: str


class BaseRowRule(BaseRule):
    """A rule that judges rows."""

    severity: Severity


class Required(BaseRowRule):
    """Columns that must not be empty: those named, else all that the table does not let be empty."""

    kind: Literal["required"]
    columns: list[str] | None = None


class Listed(BaseRowRule):
    """Columns whose values come from a list: those named, else all for which the table has one."""

    kind: Literal["listed"]
    columns: list[str] | None = None


class Pattern(BaseRowRule):
    """Text that must match a regular expression wholly, one that both judges' engines know."""

    kind: Literal["pattern"]
    columns: list[str]
    pattern: str

    @field_validator("pattern")
    @classmethod
    def _check_pattern(cls, pattern: str) -> str:
        try:
            re.compile(f"(?:{pattern})")
            pc.match_substring_regex(pa.array([""]), f"(?:{pattern})")
        except (re.error, pa.ArrowInvalid) as error:
            raise ValueError(
                f"is {pattern!r}, which cannot be used: {error}. Write it without look-around, references, flags."
            ) from None
        return pattern


class Between(BaseRowRule):
    """Whole numbers between two limits, both allowed."""

    kind: Literal["between"]
    columns: list[str]
    minimum: int | None = None
    maximum: int | None = None


class NotBefore(BaseRowRule):
    """Instants that may not lie before another column's."""

    kind: Literal["not_before"]
    columns: list[str]
    other: str


class NotBeforeDay(BaseRowRule):
    """Days that may not lie before the day `minimum`."""

    kind: Literal["not_before_day"]
    columns: list[str]
    minimum: date


class NotAbove(BaseRowRule):
    """Numbers that may not exceed another column's."""

    kind: Literal["not_above"]
    columns: list[str]
    other: str


class NotFuture(BaseRowRule):
    """Instants that may not lie after the pull."""

    kind: Literal["not_future"]
    columns: list[str]


class NotFutureYear(BaseRowRule):
    """Years that may not come after the one of the pull, in the city's calendar."""

    kind: Literal["not_future_year"]
    columns: list[str]


class StartsByNextMonth(BaseRowRule):
    """Days that may not lie after the first day of the month that follows another column's month."""

    kind: Literal["starts_by_next_month"]
    columns: list[str]
    other: str


class Once(BaseRowRule):
    """Columns that together may stand once only in what one file, or one pull of a platform, brings.

    Of rows that stand more often nobody can say which is right, so all of them break it. A row that comes again in a
    later file or pull is no repetition: the later one holds. Reasons name the last column.
    """

    kind: Literal["once"]
    columns: list[str] = Field(min_length=1)


class RequiredWhen(BaseRowRule):
    """Columns that must not be empty where another column has one of the values."""

    kind: Literal["required_when"]
    columns: list[str]
    other: str
    values: list[str] = Field(min_length=1)


class KnownCommunity(BaseRowRule):
    """Community codes that must stand in the register of communities."""

    kind: Literal["known_community"]
    columns: list[str]


class KnownGrid(BaseRowRule):
    """Grid codes that should stand in the register of grids."""

    kind: Literal["known_grid"]
    columns: list[str]


class OwnGrid(BaseRowRule):
    """Grid codes that the register must not know under other communities only."""

    kind: Literal["own_grid"]
    columns: list[str]
    other: str


class Band(BaseRowRule):
    """Grades that should lie in the band of their post; `other` is the post."""

    kind: Literal["band"]
    columns: list[str]
    other: str


RowRule = (
    Required
    | Listed
    | Pattern
    | Between
    | NotBefore
    | NotBeforeDay
    | NotAbove
    | NotFuture
    | NotFutureYear
    | StartsByNextMonth
    | Once
    | RequiredWhen
    | KnownCommunity
    | KnownGrid
    | OwnGrid
    | Band
)

COLUMN_KINDS = {
    "between": "integer",
    "not_above": "integer",
    "band": "integer",
    "not_before": "instant",
    "not_before_day": "date",
    "not_future": "instant",
    "not_future_year": "integer",
    "starts_by_next_month": "date",
    "pattern": "text",
}
"""Of which kind a column must be for a rule to judge it; other rules judge any."""
OTHER_KINDS = {"starts_by_next_month": "month"}
"""Of which kind the column must be that it is compared to."""
