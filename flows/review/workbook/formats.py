"""The looks that only HR's workbook has: a decision in its colour, and what is wrong in red."""

from typing import Any

from flows.review.sheets.formats import Formats

CHOICE_COLOURS = {
    "同意": ("#C6E7CE", "#0B5A24"),
    "驳回": ("#F8C9C4", "#8E1B10"),
    "退回": ("#FBE0A6", "#6E4A00"),
    "暂缓": ("#D5DCE4", "#2F3E50"),
}


class WorkbookFormats(Formats):
    """The formats of HR's workbook: those of every sheet, and what colours its decisions."""

    def __init__(self, book: Any) -> None:
        super().__init__(book)
        self.missing = book.add_format({"bg_color": "#FF9C9C"})
        self.chosen = {
            word: book.add_format({"bg_color": fill, "font_color": ink, "bold": True})
            for word, (fill, ink) in CHOICE_COLOURS.items()
        }
