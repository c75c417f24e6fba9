"""Writes a sheet that is read from top to bottom: bands across it, sections, lines of cells, sums."""

from collections.abc import Sequence
from typing import Any

from xlsxwriter.utility import xl_range

from flows.review.sheets.formats import LINE_HEIGHT, Formats, count_lines

HEADING_HEIGHT = 24
PADDING = 6


class Pen:
    """Writes into one sheet, and knows where its next line goes."""

    def __init__(self, sheet: Any, formats: Formats, widths: Sequence[float]) -> None:
        """`widths` are those of the sheet's columns, in characters."""
        self.sheet = sheet
        self.formats = formats
        self.line = 0
        self._widths = widths
        for index, width in enumerate(widths):
            sheet.set_column(index, index, width)

    def write_band(self, text: str, look: Any, lines: int | None = None) -> None:
        """A text across the sheet's width, as high as it needs."""
        # Half a character's width holds none.
        width = sum(map(int, self._widths))
        self.sheet.set_row(self.line, LINE_HEIGHT * (lines or count_lines(text, width)) + PADDING)
        self.sheet.merge_range(self.line, 0, self.line, len(self._widths) - 1, "", look)
        self.sheet.write_string(self.line, 0, text, look)
        self.line += 1

    def write_section(self, title: str) -> None:
        """The title of what follows, below an empty line."""
        self.line += 1
        self.write_band(title, self.formats.section)

    def write_header(self, titles: Sequence[str]) -> None:
        """The headings of the figures below."""
        for index, title in enumerate(titles):
            self.sheet.write_string(self.line, index, title, self.formats.header)
        self.sheet.set_row(self.line, HEADING_HEIGHT)
        self.line += 1

    def write_cells(self, texts: Sequence[str], look: Any, *, first: Any = None) -> None:
        """A line with a text in each column, as high as the longest needs; `first` is the first one's look."""
        for index, text in enumerate(texts):
            self.sheet.write_string(self.line, index, text, first if first and index == 0 else look)
        lines = max(
            sum(count_lines(part, int(width)) for part in text.split("\n"))
            for text, width in zip(texts, self._widths, strict=True)
        )
        self.sheet.set_row(self.line, LINE_HEIGHT * lines + PADDING)
        self.line += 1

    def write_sum(self, column: int, area: tuple[int, int, int, int], value: Any, look: Any) -> None:
        """A live total in this line, with its value for readers that don't reckon."""
        self.sheet.write_formula(self.line, column, f"=SUM({xl_range(*area)})", look, value)
