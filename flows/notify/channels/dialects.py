"""A message's Markdown as each reader shows it well, line by line.

No robot shows tables, and each knows another part of the rest (docs/messages.md): a row of a table becomes a line
that names its columns. Characters of the text that a robot could take for marks are written as their full-width
twins, for no robot documents an escape that all of its apps obey.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flows.markdown import Block, Heading, Note, Paragraph, Point, Span, Table, parse_blocks, show_plainly
from flows.markdown import Line as Spans

_TWINS = str.maketrans("*_`~<>[]|&", "＊＿｀～＜＞［］｜＆")
_FIRST_TWINS = {"#": "＃", "-": "－", "+": "＋"}
_EDGES = re.compile(r"(?P<before>\W*)(?P<core>.*?)(?P<after>\W*)", re.DOTALL)
_BETWEEN_CELLS = " · "


@dataclass(frozen=True)
class Line:
    """A line as it is written, and its text without marks, for a line that is too long and must be cut.

    `before` and `after` belong to the line as a whole and are put around each piece of it.
    """

    marked: str = ""
    plain: str = ""
    before: str = ""
    after: str = ""
    is_heading: bool = False

    @property
    def text(self) -> str:
        """The line as it is sent."""
        return f"{self.before}{self.marked}{self.after}"

    def cut(self, plain: str) -> "Line":
        """A piece of the line, without marks inside."""
        return Line(plain, plain, self.before, self.after)


@dataclass(frozen=True)
class Dialect:
    """How one reader marks things: what stands before and after; empty where it has no such mark."""

    heading: tuple[str, str]
    note: tuple[str, str]
    point: str
    row: str
    bold: str
    code: str
    has_links: bool
    is_guarded: bool
    line_end: str = ""
    """What makes the reader keep a line's end within a block."""


WECOM = Dialect(("### ", ""), ("> ", ""), "· ", "", "**", "`", has_links=True, is_guarded=True)
DINGTALK = Dialect(("#### ", ""), ("> ", ""), "- ", "- ", "**", "", has_links=True, is_guarded=True, line_end="  ")
FEISHU = Dialect(
    ("**", "**"), ("<font color='grey'>", "</font>"), "- ", "- ", "**", "", has_links=True, is_guarded=True
)
PLAIN = Dialect(("【", "】"), ("", ""), "· ", "· ", "", "", has_links=False, is_guarded=False)


def render_lines(body: str, dialect: Dialect) -> list[Line]:
    """The Markdown of a message in a dialect; an empty line stands between blocks of different kinds."""
    lines: list[Line] = []
    last: Block | None = None
    for block in parse_blocks(body):
        if last is not None and not _belong_together(last, block):
            lines.append(Line())
        lines.extend(_render_block(block, dialect))
        last = block
    return lines


def render_title(subject: str, dialect: Dialect) -> str:
    """A subject as text that no reader takes for marks."""
    return _guard(subject, dialect)


def _belong_together(first: Block, second: Block) -> bool:
    return type(first) is type(second) and isinstance(first, Point | Note)


def _render_block(block: Block, dialect: Dialect) -> Iterator[Line]:
    end = dialect.line_end
    match block:
        case Heading():
            # A dialect that marks headings by bold must not mark bold words within them as well.
            inner = _join_plain(block.line, dialect) if dialect.heading[1] else _mark(block.line, dialect)
            yield Line(inner, _join_plain(block.line, dialect), *dialect.heading, is_heading=True)
        case Note():
            before, after = dialect.note
            inner = _join_plain(block.line, dialect) if after else _mark(block.line, dialect)
            yield Line(inner, _join_plain(block.line, dialect), before, after + end)
        case Point():
            yield Line(_mark(block.line, dialect), _join_plain(block.line, dialect), dialect.point)
        case Paragraph():
            yield Line(
                _guard_start(_mark(block.line, dialect), dialect),
                _guard_start(_join_plain(block.line, dialect), dialect),
                "",
                end,
            )
        case Table():
            for row in block.rows:
                cells = list(_name_cells(block.header, row))
                marked = _BETWEEN_CELLS.join(_mark(cell, dialect) for cell in cells)
                plain = _BETWEEN_CELLS.join(_join_plain(cell, dialect) for cell in cells)
                yield Line(marked, plain, dialect.row, "" if dialect.row else end)


def _name_cells(header: Sequence[Spans], row: Sequence[Spans]) -> Iterator[Spans]:
    """The row's cells that hold anything: the first in bold, each of the others after its column's name.

    Of two columns the second needs no name: `**晋级**：12`. A figure at the beginning does: `**名次 1**`.
    """
    first, *rest = row or ((),)
    names = [*header[1:], *[()] * len(rest)]
    lead = tuple(Span(span.text, True, span.is_code, span.href) for span in first)
    if header and _show_all(first).isdecimal():
        lead = (Span(f"{_show_all(header[0])} {_show_all(first)}", bold=True),)
    if len(rest) == 1 and any(span.text for span in rest[0]):
        yield (*lead, Span("："), *rest[0]) if lead else tuple(rest[0])
        return
    if lead:
        yield lead
    for name, cell in zip(names, rest, strict=False):
        if any(span.text for span in cell):
            yield (*name, Span("："), *cell) if name else tuple(cell)


def _show_all(line: Spans) -> str:
    """A line's text without marks."""
    return "".join(map(show_plainly, line))


def _mark(line: Spans, dialect: Dialect) -> str:
    return "".join(_mark_span(span, dialect) for span in line)


def _mark_span(span: Span, dialect: Dialect) -> str:
    if span.href:
        if not dialect.has_links:
            return show_plainly(span)
        return f"[{_guard(span.text, dialect)}]({span.href})"
    if span.is_code and dialect.code and dialect.code not in span.text:
        return f"{dialect.code}{span.text}{dialect.code}"
    text = _guard(span.text, dialect)
    return _embolden(text, dialect.bold) if span.bold and dialect.bold else text


def _embolden(text: str, bold: str) -> str:
    """Bold text whose punctuation at either end stays outside: next to it readers take the marks for asterisks."""
    edges = _EDGES.fullmatch(text)
    if edges is None or not edges["core"]:
        return text
    return f"{edges['before']}{bold}{edges['core']}{bold}{edges['after']}"


def _join_plain(line: Spans, dialect: Dialect) -> str:
    return "".join(_guard(show_plainly(span), dialect) for span in line)


def _guard(text: str, dialect: Dialect) -> str:
    return text.translate(_TWINS) if dialect.is_guarded else text


def _guard_start(text: str, dialect: Dialect) -> str:
    """A paragraph that begins like a heading or a list, and is none."""
    twin = _FIRST_TWINS.get(text[:1]) if dialect.is_guarded else None
    return twin + text[1:] if twin else text
