"""How the workbook looks: cell formats, made once per workbook, and the page set-up for A4."""

from typing import Any
from unicodedata import east_asian_width

from flows.review.workbook.rows import Cell, Look

A4 = 9
HEADER_HEIGHT = 44
LINE_HEIGHT = 14
FONT = "微软雅黑"
NUMBER_FORMATS = {"count": "0", "money": "#,##0.00", "date": "yyyy-mm-dd", "choice": "@", "comment": "@"}
COUNT_OR_DASH = '#,##0;-#,##0;"–"'
MONEY_OR_DASH = '#,##0.00;-#,##0.00;"–"'
CENTRED = frozenset({"code", "count", "date", "choice"})
INPUTS = frozenset({"choice", "comment"})
"""What HR fills in: unlocked, and kept as the text that was typed."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

INK = "#1F2A37"
RULE = "#D0D7DE"
HEAD_FILL = "#1F4E79"
NOTICE_FILL = "#FFF2CC"
INPUT_FILL = "#FFFBE6"
INPUT_RULE = "#D9C88F"
CHOICE_COLOURS = {
    "同意": ("#C6E7CE", "#0B5A24"),
    "驳回": ("#F8C9C4", "#8E1B10"),
    "退回": ("#FBE0A6", "#6E4A00"),
    "暂缓": ("#D5DCE4", "#2F3E50"),
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
        self.manual = book.add_format({"bg_color": "#FCE4D6", "font_color": "#7A2E00"})
        self.held = book.add_format({"bg_color": "#E7E6E6", "font_color": "#404040"})
        self.missing = book.add_format({"bg_color": "#FF9C9C"})
        self.chosen = {
            word: book.add_format({"bg_color": fill, "font_color": ink, "bold": True})
            for word, (fill, ink) in CHOICE_COLOURS.items()
        }

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
    wanted: dict[str, Any] = {"bottom": 4, "bottom_color": RULE, "align": "left"}
    if look in NUMBER_FORMATS:
        wanted["num_format"] = NUMBER_FORMATS[look]
    if look in CENTRED:
        wanted["align"] = "center"
    elif look == "money":
        wanted["align"] = "right"
    if look in ("long", "comment") or (wrap and look == "text"):
        wanted["text_wrap"] = True
    if look in INPUTS:
        wanted |= {"locked": False, "bg_color": INPUT_FILL, "border": 1, "border_color": INPUT_RULE}
    if not wrap:
        wanted["valign"] = "top"
    if is_quoted:
        wanted["quote_prefix"] = True
    return wanted


def protect(sheet: Any) -> None:
    """Lock what is not HR's to fill in, without a password; filters, sorting and the widths of columns stay free."""
    sheet.protect("", {"autofilter": True, "sort": True, "format_columns": True, "format_rows": True})


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
