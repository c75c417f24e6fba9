"""The part of Markdown that letters and messages are worded in: headings, paragraphs, notes, points and tables.

A blank line ends a block; lines without one between them belong together. `**so**` is bold, `` `so` `` a name to be
copied as it is, `[so](https://...)` a link; `\\` takes the sign after it as it is. In a table the dashes of the
second line say how wide each column is beside the others; a first line of empty cells means that it has no heading.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

_INLINE = re.compile(
    r"""\\(?P<escaped>.)
    | (?P<bold>\*\*)
    | `(?P<code>(?:\\.|[^`\\])+)`
    | \[(?P<label>[^\[\]]+)\]\((?P<href>https?://[^\s()]+)\)
    | (?P<plain>[^\\*`\[]+ | [\\*`\[])""",
    re.DOTALL | re.VERBOSE,
)
_ESCAPED = re.compile(r"\\(.)")
_CELL = re.compile(r"(?:\\.|[^|\\])*", re.DOTALL)
_RULE = re.compile(r"\|(\s*:?-+:?\s*\|)+")
_MARKED = re.compile(r"(?P<mark>#+|>|-)\s+(?P<text>.*)")


@dataclass(frozen=True)
class Span:
    """Text that looks the same throughout."""

    text: str
    bold: bool = False
    is_code: bool = False
    href: str = ""


Line = tuple[Span, ...]


@dataclass(frozen=True)
class Heading:
    """A heading: level 1 is the letter's title, 2 begins a section."""

    level: int
    line: Line


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    line: Line


@dataclass(frozen=True)
class Note:
    """A paragraph in small print, written with `>`."""

    line: Line


@dataclass(frozen=True)
class Point:
    """One point of a list."""

    line: Line


@dataclass(frozen=True)
class Table:
    """A table; `header` is empty if it has none, `widths` are in parts of each other."""

    header: tuple[Line, ...]
    rows: tuple[tuple[Line, ...], ...]
    widths: tuple[int, ...]


Block = Heading | Paragraph | Note | Point | Table


def parse_blocks(text: str) -> list[Block]:
    """The blocks of `text`, in order."""
    blocks: list[Block] = []
    for kind, group in groupby((line.strip() for line in text.splitlines()), key=_name_kind):
        lines = list(group)
        if kind == "table":
            blocks.append(_parse_table(lines))
        elif kind == "marked":
            blocks.extend(_parse_marked(line) for line in lines)
        elif kind == "text":
            blocks.append(Paragraph(parse_line("".join(lines))))
    return blocks


def parse_line(text: str) -> Line:
    """Text with its bold parts, names and links, joined where they look alike."""
    return tuple(
        Span("".join(span.text for span in group), bold, is_code, href)
        for (bold, is_code, href), group in groupby(
            _list_spans(text), lambda span: (span.bold, span.is_code, span.href)
        )
    )


def show_plainly(span: Span) -> str:
    """The span's text without marks; behind that of a link stands where it leads."""
    return f"{span.text}（{span.href}）" if span.href and span.href != span.text else span.text


def _list_spans(text: str) -> Iterator[Span]:
    bold = False
    for match in _INLINE.finditer(text):
        if match["bold"]:
            bold = not bold
        elif match["code"]:
            yield Span(_ESCAPED.sub(r"\1", match["code"]), bold, is_code=True)
        elif match["label"]:
            yield Span(match["label"], bold, href=match["href"])
        else:
            yield Span(match["escaped"] or match["plain"], bold)


def _name_kind(line: str) -> str:
    if not line:
        return "blank"
    if line.startswith("|"):
        return "table"
    return "marked" if _MARKED.fullmatch(line) else "text"


def _parse_marked(line: str) -> Block:
    match = _MARKED.fullmatch(line)
    if match is None:
        return Paragraph(parse_line(line))
    spans = parse_line(match["text"])
    if match["mark"] == ">":
        return Note(spans)
    return Point(spans) if match["mark"] == "-" else Heading(min(len(match["mark"]), 2), spans)


def _parse_table(lines: list[str]) -> Table:
    """The table; one without a line of dashes has no heading and columns of one width."""
    rows = [_split_cells(line) for line in lines if not _RULE.fullmatch(line)]
    rule = next((line for line in lines[1:2] if _RULE.fullmatch(line)), None)
    column_count = max(map(len, rows), default=1)
    widths = [cell.count("-") for cell in rule.strip("|").split("|")] if rule else []
    widths += [max(widths, default=1)] * (column_count - len(widths))
    filled = [tuple(map(parse_line, row + [""] * (len(widths) - len(row)))) for row in rows]
    header = filled[0] if rule and filled and any(filled[0]) else ()
    return Table(header, tuple(filled[1:] if rule else filled), tuple(widths))


def _split_cells(line: str) -> list[str]:
    """The cells between the bars that no `\\` stands before."""
    cells, place = [], 1
    while place < len(line):
        match = _CELL.match(line, place)
        end = place if match is None else match.end()
        cells.append(line[place:end].strip())
        place = end + 1
    return cells
