"""Letters as Word documents, the same bytes for the same content, whenever they are written.

The body is little WordprocessingML, written as text: through the library's objects a city's letters take ten times as
long.
"""

import io
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from flows.markdown import Block, Heading, Line, Note, Point, Table, show_plainly
from flows.review.letters.paper import TABLE_STYLE, TEXT_WIDTH, make_paper
from flows.wording import TAGS

BULLET = "• "

_BODY, _PROPERTIES = "word/document.xml", "docProps/core.xml"
_BODY_START, _SECTION_START = "<w:body>", "<w:sectPr"
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold."""
_ASSUMED = re.compile(f"({re.escape(TAGS['assumed'])})")
_AFTER_TABLE = '<w:p><w:pPr><w:spacing w:before="0" w:after="0" w:line="20" w:lineRule="exact"/></w:pPr></w:p>'
"""Word wants a paragraph between two tables and after the last one; this one takes a point of height."""
_CORE = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    '<dc:title>{title}</dc:title><dcterms:created xsi:type="dcterms:W3CDTF">{at}</dcterms:created>'
    '<dcterms:modified xsi:type="dcterms:W3CDTF">{at}</dcterms:modified></cp:coreProperties>'
)


class LetterPress:
    """Prints documents, one after the other, on the same paper."""

    def __init__(self) -> None:
        self._paper = make_paper()
        head, start, rest = self._paper[_BODY].decode().partition(_BODY_START)
        self._head = head + start
        self._tail = rest[rest.index(_SECTION_START) :]

    def print_letter(self, blocks: Iterable[Block], *, title: str, dated_at: datetime) -> bytes:
        """The `.docx` file; its properties bear `dated_at` and nobody's name."""
        body = "".join(map(_write_block, blocks))
        at = f"{dated_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        own = {_BODY: self._head + body + self._tail, _PROPERTIES: _CORE.format(title=_quote(title), at=at)}
        written = io.BytesIO()
        with ZipFile(written, "w") as archive:
            for name, content in self._paper.items():
                archive.writestr(ZipInfo(name, _ZIP_EPOCH), own.get(name, content), ZIP_DEFLATED)
        return written.getvalue()


def _write_block(block: Block) -> str:
    if isinstance(block, Table):
        return _write_table(block) + _AFTER_TABLE
    if isinstance(block, Heading):
        style = "LetterTitle" if block.level == 1 else "LetterSection"
    elif isinstance(block, Note):
        style = "LetterNote"
    else:
        style = "LetterPoint" if isinstance(block, Point) else "LetterBody"
    return _write_paragraph(block.line, style, before=BULLET if isinstance(block, Point) else "")


def _write_paragraph(line: Line, style: str, *, before: str = "", centred: bool = False, bold: bool = False) -> str:
    layout = f'<w:pStyle w:val="{style}"/>' + ('<w:jc w:val="center"/>' if centred else "")
    runs = _write_run(before, bold=False) if before else ""
    for span in line:
        for place, text in enumerate(_ASSUMED.split(show_plainly(span))):
            # What isn't the city's rule stands out wherever it is named, whatever the wording does.
            runs += _write_run(text, bold=bold or span.bold or place % 2 == 1)
    return f"<w:p><w:pPr>{layout}</w:pPr>{runs}</w:p>"


def _write_run(text: str, *, bold: bool) -> str:
    if not text:
        return ""
    look = "<w:rPr><w:b/></w:rPr>" if bold else ""
    return f'<w:r>{look}<w:t xml:space="preserve">{_quote(text)}</w:t></w:r>'


def _write_table(table: Table) -> str:
    total = sum(table.widths)
    widths = [TEXT_WIDTH.twips * part // total for part in table.widths]
    columns = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    header = [_write_row(table.header, widths, is_header=True)] if table.header else []
    rows = "".join([*header, *(_write_row(row, widths, is_header=False) for row in table.rows)])
    return (
        f'<w:tbl><w:tblPr><w:tblStyle w:val="{TABLE_STYLE}"/><w:tblW w:w="{sum(widths)}" w:type="dxa"/>'
        f'<w:tblLayout w:type="fixed"/></w:tblPr><w:tblGrid>{columns}</w:tblGrid>{rows}</w:tbl>'
    )


def _write_row(lines: Iterable[Line], widths: Iterable[int], *, is_header: bool) -> str:
    """A row that never breaks over pages; a heading is repeated on the next one."""
    cells = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/><w:vAlign w:val="center"/></w:tcPr>'
        f"{_write_paragraph(line, 'LetterCell', centred=is_header, bold=is_header)}</w:tc>"
        for line, width in zip(lines, widths, strict=True)
    )
    repeated = "<w:tblHeader/>" if is_header else ""
    return f"<w:tr><w:trPr><w:cantSplit/>{repeated}</w:trPr>{cells}</w:tr>"


def _quote(text: str) -> str:
    return escape(_FORBIDDEN.sub("", text))
