"""What a column of lines is: its heading, how wide it is and looks, and where its values come from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar

from flows.wording import convert_to_yuan

Cell = str | int | Decimal | date | None
Look = Literal["text", "code", "long", "count", "money", "date", "short", "remark", "choice", "comment"]
"""`short` is text that is made smaller where it doesn't fit; `choice` and `comment` are what a reader fills in."""

Line = TypeVar("Line")


@dataclass(frozen=True)
class Column(Generic[Line]):
    """One column: its heading, its width in characters, how it looks, and where its value comes from."""

    title: str
    width: int
    look: Look
    read: Callable[[Line], Cell]


def find_column(columns: Sequence[Column[Any]], title: str) -> int:
    """The position of the column with that heading, from 0."""
    return next(index for index, column in enumerate(columns) if column.title == title)


def find_writer(sheet: Any, look: Look) -> Callable[..., Any]:
    """What writes a value of that look into a cell of the sheet; text stays text, whatever it begins with."""
    writers: Mapping[Look, Callable[..., Any]] = {
        "count": sheet.write_number,
        "money": sheet.write_number,
        "date": sheet.write_datetime,
    }
    return writers.get(look, sheet.write_string)


def read_yuan(attribute: str) -> Callable[[Any], Decimal | None]:
    """Gives in yuan what a line holds in fen under that name; nothing where it holds nothing."""

    def read(line: Any) -> Decimal | None:
        fen: int | None = getattr(line, attribute)
        return None if fen is None else convert_to_yuan(fen)

    return read
