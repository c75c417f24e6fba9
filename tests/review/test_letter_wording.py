"""The letters' wording, which HR may edit: what is refused, what it becomes in Word, what data cannot do to it."""

import io
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile

import pytest
from docx import Document
from docx.shared import Mm

from flows.errors import ConfigurationError
from flows.markdown import Heading, Note, Paragraph, Point, Span, Table, parse_blocks, parse_line
from flows.review.letters.contents import REQUIRED, Fact, Letter, LetterDecision, LetterStep, PayRow
from flows.review.letters.document import LetterPress
from flows.review.letters.template import FILE, load_letter_template
from flows.templates import list_placeholders

ROOT = Path(__file__).parents[2]
AT = datetime(2024, 4, 3, 2, tzinfo=UTC)
WHERE = "templates/adjustment_letter.md.j2"
ALL_REQUIRED = "".join(f"{{{{ {name} }}}}" for name in sorted(REQUIRED))


def make_letter(**changes: object) -> Letter:
    values: dict[str, object] = {
        "title": "等级调整告知书", "number": "2024-03-K1-1", "outcome": "approved", "kind": "raise",
        "kind_title": "晋级", "staff_id": "K1", "name": "赵甲", "district_name": "龙亭区",
        "street_name": "午朝门街道", "community_name": "午朝门社区", "post": "其他", "month": "2024年3月",
        "effective_on": "2024年4月1日",
        "current_grade": 4, "entitled_grade": 5, "proposed_grade": 5, "reasons": (),
        "steps": (LetterStep(1, "应得等级", "应得 5 级", "§4", ("每晋一级所需月数 36 月〔二手资料〕",)),),
        "facts": (Fact("学历", "本科"),), "references": (), "pay": (PayRow("合计", "3,910.00", "4,080.00"),),
        "pay_base_is_set": True, "pay_policy_values": (), "arrears": "",
        "decision": LetterDecision("王审核", "2024年3月31日", "", 1), "is_registered": True, "revision": 1,
        "judged_on": "2024年4月3日", "cutoff": "2024-04-03 00:00", "fingerprint": "f" * 12, "data_sources": (),
        "answer_time": "5 个工作日〔系统假定（非本市规定）〕",
    }  # fmt: skip
    return Letter(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def word(tmp_path: Path) -> Callable[[str], Callable[[Letter], str]]:
    """Loads a wording given as text."""

    def load(text: str) -> Callable[[Letter], str]:
        (tmp_path / "templates").mkdir(exist_ok=True)
        (tmp_path / "templates" / FILE).write_text(text, "utf-8")
        return load_letter_template(tmp_path)

    return load


def print_text(text: str) -> bytes:
    return LetterPress().print_letter(parse_blocks(text), title="告知书", dated_at=AT)


def open_document(content: bytes) -> Document:
    return Document(io.BytesIO(content))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ nmae }}", f"{WHERE}: placeholder 'nmae' is not known; letter has title, number,"),
        ("{% for step in steps %}{{ step.clauze }}{% endfor %}", f"{WHERE}: attribute 'clauze' is not known"),
        ("行一\n{% if %}", rf"{WHERE} \(line 2\): not a Jinja template"),
        ("{% include 'other.j2' %}", f"{WHERE}: includes or extends another template"),
        (ALL_REQUIRED.replace("{{ answer_time }}", ""), f"{WHERE}: placeholder answer_time is missing"),
    ],
)
def test_a_wording_that_cannot_be_meant_is_refused_naming_file_and_placeholder(
    word: Callable[[str], object], text: str, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        word(text)


def test_a_wording_that_is_missing_or_not_utf_8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"{WHERE} is not there"):
        load_letter_template(tmp_path)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / FILE).write_bytes("告知书".encode("gb18030"))
    with pytest.raises(ConfigurationError, match=f"{WHERE}: not written in UTF-8"):
        load_letter_template(tmp_path)


def test_a_wording_that_cannot_cope_with_a_letter_is_refused_without_its_content(
    word: Callable[[str], Callable[[Letter], str]],
) -> None:
    worded = word(ALL_REQUIRED + "{{ current_grade + name }}")
    with pytest.raises(ConfigurationError, match="TypeError while wording the letter of worker K1") as caught:
        worded(make_letter())
    assert "赵甲" not in str(caught.value)


def test_the_shipped_wording_words_every_outcome(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "config" / "templates", tmp_path / "templates")
    worded = load_letter_template(tmp_path)
    assert "# 等级调整告知书" in worded(make_letter())
    assert "未经人工审定" in worded(make_letter(outcome="held", kind="hold", decision=None, reasons=("处分期未满",)))
    assert "暂不定级" in worded(make_letter(outcome="rejected", kind="initial", current_grade=None, pay=()))
    assert "尚无等级，未测算" in worded(make_letter(outcome="rejected", kind="initial", current_grade=None, pay=()))
    assert "审定时为第 1 版" in worded(make_letter(revision=2))


def test_the_page_on_letters_names_every_placeholder() -> None:
    page = (ROOT / "docs" / "letters.md").read_text("utf-8")
    assert [name for name in list_placeholders(Letter) if f"`{name}`" not in page] == []


def test_markdown_is_read_into_blocks() -> None:
    text = "# 题\n\n一行\n又一行\n- 甲\n- 乙\n> 小字\n\n| 名 | 值 |\n| -- | ---- |\n| a\\|b | |\n"
    assert parse_blocks(text) == [
        Heading(1, (Span("题"),)),
        Paragraph((Span("一行又一行"),)),
        Point((Span("甲"),)),
        Point((Span("乙"),)),
        Note((Span("小字"),)),
        Table(((Span("名"),), (Span("值"),)), (((Span("a|b"),), ()),), (2, 4)),
    ]


def test_a_table_with_an_empty_first_line_has_no_heading() -> None:
    assert parse_blocks("| | |\n| - | - |\n| 甲 | 乙 |") == [Table((), (((Span("甲"),), (Span("乙"),)),), (1, 1))]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("甲**乙**丙", (Span("甲"), Span("乙", bold=True), Span("丙"))),
        (r"甲\*\*乙", (Span("甲**乙"),)),
        ("2 * 3", (Span("2 * 3"),)),
        ("甲\\", (Span("甲\\"),)),
        ("", ()),
    ],
)
def test_bold_and_escapes_are_read(text: str, spans: tuple[Span, ...]) -> None:
    assert parse_line(text) == spans


def test_a_row_with_fewer_or_more_cells_than_the_heading_still_makes_a_table() -> None:
    [table] = open_document(print_text("| a | b |\n| - | - |\n| 1 |\n| 1 | 2 | 3 |")).tables
    assert [[cell.text for cell in row.cells] for row in table.rows] == [
        ["a", "b", ""],
        ["1", "", ""],
        ["1", "2", "3"],
    ]


def test_what_data_holds_stays_text(word: Callable[[str], Callable[[Letter], str]]) -> None:
    name = "赵|**甲**\n# <b>&\x00\x01\ud800"
    worded = word("| | |\n| - | - |\n| {{ name }} | 末 |\n\n" + ALL_REQUIRED)
    document = open_document(print_text(worded(make_letter(name=name))))
    assert [cell.text for cell in document.tables[0].rows[0].cells] == ["赵|**甲** # <b>&", "末"]


def test_what_is_assumed_is_bold_wherever_it_is_named() -> None:
    [paragraph] = open_document(print_text("答复期限〔系统假定（非本市规定）〕内")).paragraphs
    assert [(run.text, bool(run.bold)) for run in paragraph.runs] == [
        ("答复期限〔", False),
        ("系统假定（非本市规定）", True),
        ("〕内", False),
    ]


def test_the_paper_is_a4_with_chinese_fonts_and_page_numbers() -> None:
    content = print_text("# 题\n\n正文")
    section = open_document(content).sections[0]
    assert abs(section.page_width - Mm(210)) < Mm(1)
    assert abs(section.page_height - Mm(297)) < Mm(1)
    with ZipFile(io.BytesIO(content)) as archive:
        styles = archive.read("word/styles.xml").decode()
        footer = archive.read("word/footer1.xml").decode()
    assert 'w:eastAsia="黑体"' in styles
    assert 'w:eastAsia="宋体"' in styles
    assert 'w:eastAsia="zh-CN"' in styles
    assert "NUMPAGES" in footer


def test_a_letter_is_small() -> None:
    assert len(print_text("正文")) < 12_000
