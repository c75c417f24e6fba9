"""The sheet that every letter is printed on: A4, its margins, its footer, and its styles with Chinese fonts."""

import io
import re
from typing import Any
from zipfile import ZipFile

from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Length, Mm, Pt

BODY_FONT = "宋体"
HEADING_FONT = "黑体"
LATIN_FONT = "Times New Roman"
LANGUAGE = "zh-CN"

PAGE_WIDTH, PAGE_HEIGHT = Mm(210), Mm(297)
SIDE_MARGIN, TOP_MARGIN, BOTTOM_MARGIN, FOOTER_DISTANCE = Mm(18), Mm(12), Mm(13), Mm(7)
TEXT_WIDTH = Length(PAGE_WIDTH - 2 * SIDE_MARGIN)
POINT_INDENT = Pt(7)

LINE_HEIGHT_PCT = 135
"""Of the font's size. Left to the font, a page that holds a letter in Word takes two where another font stands in."""

FOOTER_STYLE = "LetterFooter"
STYLES = (
    # id, what Word shows, font, size, space before and after
    ("LetterTitle", "告知书标题", HEADING_FONT, Pt(17), Pt(0), Pt(2)),
    ("LetterSection", "告知书节题", HEADING_FONT, Pt(11), Pt(5), Pt(2)),
    ("LetterBody", "告知书正文", BODY_FONT, Pt(10), Pt(0), Pt(2)),
    ("LetterNote", "告知书小字", BODY_FONT, Pt(8.5), Pt(1), Pt(2)),
    ("LetterPoint", "告知书条目", BODY_FONT, Pt(9.5), Pt(0), Pt(1)),
    ("LetterCell", "告知书表格", BODY_FONT, Pt(9), Pt(1), Pt(1)),
    (FOOTER_STYLE, "告知书页脚", BODY_FONT, Pt(8), Pt(0), Pt(0)),
)
TABLE_STYLE = "TableGrid"

FOOTER = "本告知书含个人信息，仅送达本人。第 {PAGE} 页，共 {NUMPAGES} 页"

_KEPT_STYLES = frozenset({"Normal", "Default Paragraph Font", "Normal Table", "No List", "Table Grid"})
_UNUSED_PARTS = re.compile(r"stylesWithEffects|numbering|customXml|thumbnail|webSettings")


def make_paper() -> dict[str, bytes]:
    """The files inside an empty letter's `.docx`, by name, in a fixed order; nothing in them depends on the day."""
    document = Document()
    for owner in (document.part, document.part.package):
        for key, relation in list(owner.rels.items()):
            if _UNUSED_PARTS.search(relation.reltype):
                del owner.rels[key]
    _set_styles(document)
    section = document.sections[0]
    section.page_width, section.page_height = PAGE_WIDTH, PAGE_HEIGHT
    section.left_margin = section.right_margin = SIDE_MARGIN
    section.top_margin, section.bottom_margin = TOP_MARGIN, BOTTOM_MARGIN
    section.footer_distance = FOOTER_DISTANCE
    _write_footer(document, section.footer.paragraphs[0])
    written = io.BytesIO()
    document.save(written)
    with ZipFile(written) as archive:
        return {name: archive.read(name) for name in sorted(archive.namelist())}


def _set_styles(document: Any) -> None:
    """Only what a letter uses: the default template's styles are 350 kB in every file."""
    styles = document.styles
    for latent in styles.element.findall(qn("w:latentStyles")):
        styles.element.remove(latent)
    for style in list(styles):
        if style.name not in _KEPT_STYLES:
            style.element.getparent().remove(style.element)
    defaults = styles.element.find(qn("w:docDefaults"))
    language = defaults.find(f".//{qn('w:lang')}")
    language.set(qn("w:val"), LANGUAGE)
    language.set(qn("w:eastAsia"), LANGUAGE)
    _set_font(defaults.find(f".//{qn('w:rFonts')}"), BODY_FONT)
    for style_id, title, font, size, before, after in STYLES:
        style = styles.add_style(style_id, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = styles["Normal"]
        style.font.size = size
        _set_font(style.element.get_or_add_rPr().get_or_add_rFonts(), font)
        layout = style.paragraph_format
        layout.space_before, layout.space_after = before, after
        layout.line_spacing = Pt(size.pt * LINE_HEIGHT_PCT / 100)
        if style_id == "LetterTitle":
            layout.alignment = WD_ALIGN_PARAGRAPH.CENTER
        if style_id == "LetterSection":
            layout.keep_with_next = True
        if style_id == "LetterPoint":
            layout.left_indent, layout.first_line_indent = POINT_INDENT, -POINT_INDENT
        style.element.find(qn("w:name")).set(qn("w:val"), title)


def _set_font(fonts: Any, east_asian: str) -> None:
    """Fonts by name, not by theme, so that Chinese text never falls back to a Latin font's substitute."""
    fonts.attrib.clear()
    for kind in ("ascii", "hAnsi", "cs"):
        fonts.set(qn(f"w:{kind}"), LATIN_FONT)
    fonts.set(qn("w:eastAsia"), east_asian)


def _write_footer(document: Any, paragraph: Any) -> None:
    paragraph.style = next(style for style in document.styles if style.style_id == FOOTER_STYLE)
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for piece in re.split(r"(\{[A-Z]+\})", FOOTER):
        if piece.startswith("{"):
            field = OxmlElement("w:fldSimple")
            field.set(qn("w:instr"), piece.strip("{}"))
            paragraph._p.append(field)  # noqa: SLF001 -- python-docx has no fields
        else:
            paragraph.add_run(piece)
