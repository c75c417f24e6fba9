"""What a cell says, however Excel, WPS or LibreOffice wrote it, and whether that is what should stand there."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from flows.review.sheets.columns import Cell, Look

_SERIAL_ORIGIN = date(1899, 12, 30)
"""The day before the first that a workbook's day numbers count from (its 1900 is a leap year)."""
_SERIALS = range(1, 200_000)
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]+0?0:00(?::00)?(?:\.0+)?)?")
_SPACES = re.compile(r"\s+")


def read_text(cell: Any) -> str:
    """The cell's text, trimmed; a whole number without its decimals, so that 5.0 reads 5."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    text = unicodedata.normalize("NFC", "" if cell is None else str(cell))
    return text.replace("\r\n", "\n").replace("_x000D_", "").strip("\u200b\ufeff \t\r\n\u3000\xa0")


def read_title(cell: Any) -> str:
    """A heading without blanks, full-width signs as half-width ones: （ and ( are one to whoever types them."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", read_text(cell)))


def read_number(cell: Any) -> Decimal | None:
    """The cell's number, also from text such as 1,234.00; nothing if it is none."""
    if isinstance(cell, bool):
        return None
    text = unicodedata.normalize("NFKC", read_text(cell)) if isinstance(cell, str) else str(cell)
    try:
        number = Decimal(text.replace(",", "").replace("¥", "").replace("元", "").replace(" ", ""))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def read_day(cell: Any) -> date | None:
    """The cell's day, also from text such as 2024/4/1, or from a day number whose format was lost."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    found = _DAY.fullmatch(unicodedata.normalize("NFKC", read_text(cell)))
    if found:
        try:
            return date(*(int(part) for part in found.groups()))
        except ValueError:
            return None
    number = read_number(cell)
    if number is not None and number == int(number) and int(number) in _SERIALS:
        return _SERIAL_ORIGIN + timedelta(days=int(number))
    return None


def says(cell: Any, wanted: Cell, look: Look) -> bool:
    """Whether the cell holds what should stand there."""
    if wanted is None or wanted == "":
        return not read_text(cell)
    if look in _READERS:
        return bool(_READERS[look](cell) == wanted)
    text = read_text(cell)
    # Excel takes digits for a number and drops zeros before them.
    return text == read_text(wanted) or (isinstance(cell, float) and text == str(wanted).lstrip("0"))


_READERS: dict[Look, Callable[[Any], Any]] = {"count": read_number, "money": read_number, "date": read_day}


def show(cell: Any) -> str:
    """The cell for a reader; an empty one says so."""
    if isinstance(cell, datetime):
        return str(cell.date())
    return read_text(cell) or "空白"
