"""How the workbooks look: cell formats, made once per workbook, and the page set-up for A4."""

from collections.abc import Mapping
from typing import Any
from unicodedata import east_asian_width

from flows.review.sheets.columns import Cell, Look

A4 = 9
HEADER_HEIGHT = 44
LINE_HEIGHT = 14
FONT = "微软雅黑"
COUNT_OR_DASH = '#,##0;-#,##0;"–"'
MONEY_OR_DASH = '#,##0.00;-#,##0.00;"–"'
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

INK = "#1F2A37"
RULE = "#D0D7DE"
HEAD_FILL = "#1F4E79"
NOTICE_FILL = "#FFF2CC"
INPUT_FILL = "#FFFBE6"
INPUT_RULE = "#D9C88F"

_INPUT = {"locked": False, "bg_color": INPUT_FILL, "border": 1, "border_color": INPUT_RULE, "num_format": "@"}
"""What a reader fills in: unlocked, and kept as the text that was typed."""
_LOOKS: Mapping[Look, Mapping[str, Any]] = {
    "text": {},
    "code": {"align": "center"},
    "long": {"text_wrap": True},
    "count": {"align": "center", "num_format": "0"},
    "money": {"align": "right", "num_format": "#,##0.00"},
    "date": {"align": "center", "num_format": "yyyy-mm-dd"},
    "short": {"shrink": True},
    "remark": {"text_wrap": True, "indent": 1},
    "choice": {**_INPUT, "align": "center"},
    "comment": {**_INPUT, "text_wrap": True},
}


class Formats:
    """The formats of one workbook, by what a cell holds."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._bodies: dict[tuple[str, bool, bool], Any] = {}
        self.title = self._make(bold=True, font_size=16, font_color=HEAD_FILL)
        self.section = self._make(bold=True, font_size=12, font_color=HEAD_FILL, bottom=2, bottom_color=HEAD_FILL)
        self.notice = self._make(text_wrap=True, bg_color=NOTICE_FILL, border=1, border_color="#E0B400", bold=True)
        self.plain = self._make(text_wrap=True)
        self.boxed = self._make(text_wrap=True, border=1, border_color=RULE, valign="top", indent=1)
        self.header = self._make(
            bold=True, font_color="#FFFFFF", bg_color=HEAD_FILL, align="center", text_wrap=True, border=1,
            border_color="#FFFFFF", valign="top",
        )  # fmt: skip
        self.label = self._make(border=1, border_color=RULE, indent=1)
        self.count = self._make(border=1, border_color=RULE, num_format=COUNT_OR_DASH)
        self.money = self._make(border=1, border_color=RULE, num_format=MONEY_OR_DASH)
        self.total_label = self._make(border=1, border_color=RULE, bold=True, bg_color="#EAF1F8", indent=1)
        self.total_count = self._make(
            border=1, border_color=RULE, bold=True, bg_color="#EAF1F8", num_format=COUNT_OR_DASH
        )
        self.total_money = self._make(
            border=1, border_color=RULE, bold=True, bg_color="#EAF1F8", num_format=MONEY_OR_DASH
        )
        self.amber = book.add_format({"bg_color": "#FCE4D6", "font_color": "#7A2E00"})
        """Colours a line that a person must look at."""
        self.grey = book.add_format({"bg_color": "#E7E6E6", "font_color": "#404040"})
        """Colours a line that is held back or takes something back."""

    def body(self, look: Look, *, wrap: bool, text: Cell = None) -> Any:
        """The format of a cell in a sheet of lines; where lines aren't tall, long text shows its first line.

        A `text` that would be a formula as soon as somebody edits its cell gets the mark that keeps it text.
        """
        key = (look, wrap, isinstance(text, str) and text.startswith(FORMULA_STARTS))
        if key not in self._bodies:
            self._bodies[key] = self._make(**_describe_body(*key))
        return self._bodies[key]

    def _make(self, **wanted: Any) -> Any:
        return self._book.add_format(
            {"font_name": FONT, "font_size": 10, "font_color": INK, "valign": "vcenter", **wanted}
        )


def _describe_body(look: Look, wrap: bool, is_quoted: bool) -> dict[str, Any]:
    wanted: dict[str, Any] = {"bottom": 4, "bottom_color": RULE, "align": "left", **_LOOKS[look]}
    if wrap and look == "text":
        wanted["text_wrap"] = True
    if not wrap:
        wanted["valign"] = "top"
    if is_quoted:
        wanted["quote_prefix"] = True
    return wanted


def protect(sheet: Any, *, may_sort: bool) -> None:
    """Lock what nobody is to fill in, without a password: against slips, not against anybody.

    Filters and the sizes of columns and rows stay free, sorting if `may_sort`.
    """
    free = {"autofilter": True, "format_columns": True, "format_rows": True}
    sheet.protect("", {**free, "sort": True} if may_sort else free)


def count_lines(text: str, width: int) -> int:
    """How many lines `text` takes in a column of `width` characters; a Chinese character is two wide."""
    taken = sum(2 if east_asian_width(character) in "WFA" else 1 for character in text)
    # A full-width character that doesn't fit moves down whole, so a line holds a little less than its width.
    return max(1, -(-taken // (width - 2)))


def set_up_page(sheet: Any, heading: str, *, header_row: int | None) -> None:
    """A4 landscape, one page wide, the header line repeated, heading and page numbers on each page."""
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
    if header_row is not None:
        sheet.repeat_rows(header_row)
    sheet.set_header(f"&L{heading}&R内部资料，含个人信息")
    sheet.set_footer("&C第 &P 页，共 &N 页")
