"""A small month before HR whose workbook is exported, filled in, spoilt and imported by tests."""

import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import month_factory
import xlsxwriter
from python_calamine import CalamineWorkbook
from xlsxwriter.utility import xl_cell_to_rowcol, xl_col_to_name

from flows.ledger import Ledger
from flows.ledger.results import Making
from flows.month import Month
from flows.results import FIRST_REVISION, MonthResult, PayLine, Proposal, Step
from flows.review.decisions import NOBODY_NAMED
from flows.review.intake.importing import ImportReport, import_workbook
from flows.review.people import Person, ReviewPeople
from flows.review.rows import find_revision
from flows.review.workbook.exporting import map_progress, write_export
from flows.xlsx_parts import name_sheet_part

MONTH = Month(2024, 3)
NOW = datetime(2024, 4, 5, 2, tzinfo=UTC)
"""5 April, 10:00 in the city."""
SHEET = "待决定"
PEOPLE = ReviewPeople(
    (
        Person(name="李经办", roles=("reviewer",), scope="city"),
        Person(name="王审批", roles=("approver",), scope="city"),
        Person(name="赵两任", roles=("reviewer", "approver"), scope="city"),
        Person(name="钱鼓楼", roles=("approver",), scope=("410204",)),
    )
)

Rows = list[list[Any]]


def make_proposals() -> list[Proposal]:
    """K1 and K3 raises, K2 one of two steps, K4 a first grade, K5 one to review, K6 unchanged, K7 held."""
    communities = month_factory.make_month().communities
    trace = (
        Step("§4.entitled", "应得等级", {}, "应得 5 级：起点 1 级，年限加 4 级"),
        Step("§4.6", "结论", {}, "建议 5 级"),
    )
    base: dict[str, Any] = {
        "community_code": communities[0].community_code,  # 龙亭区, 410202
        "post": "other",
        "current_grade": 4,
        "entitled_grade": 5,
        "proposed_grade": 5,
        "kind": "raise",
        "needs_manual": False,
        "reasons": (),
        "effective_on": MONTH.plus(1).first_on,
        "name": "某甲",
        "committee_member": False,
        "degree": "none",
        "certificate": "none",
        "trace": trace,
    }
    steps: dict[str, Any] = {"entitled_grade": 6, "proposed_grade": 6, "needs_manual": True}
    changes: dict[str, dict[str, Any]] = {
        "K1": {},
        "K2": {**steps, "reasons": ("more_than_one_step",)},
        "K3": {"community_code": communities[2].community_code},  # 鼓楼区, 410204
        "K4": {"kind": "initial", "current_grade": None},
        "K5": {
            "kind": "review", "entitled_grade": 3, "proposed_grade": 4, "needs_manual": True,
            "reasons": ("entitled_below_current",),
        },
        "K6": {"kind": "none", "entitled_grade": 4, "proposed_grade": 4},
        "K7": {"kind": "hold", "proposed_grade": 4, "reasons": ("sanction",)},
    }  # fmt: skip
    return [Proposal(staff_id=staff_id, **{**base, **change}) for staff_id, change in changes.items()]


def make_pay(proposals: Sequence[Proposal]) -> list[PayLine]:
    """3,400.00 yuan at grade 1 and 170.00 more for each further grade; all of it basic."""
    return [
        PayLine(proposal.staff_id, basis, grade, "competent", pay, 0, 0, pay)  # type: ignore[arg-type]
        for proposal in proposals
        for basis, grade in (("current", proposal.current_grade), ("proposed", proposal.proposed_grade))
        if grade is not None
        for pay in [340_000 + 17_000 * (grade - 1)]
    ]


@dataclass
class Desk:
    """HR's desk: the month's ledger, and a folder for workbooks."""

    ledger: Ledger
    folder: Path
    results: list[MonthResult]

    def judge(self, *changes: Proposal) -> None:
        """A new revision, in which these proposals stand in place of those of the same workers."""
        changed = {proposal.staff_id: proposal for proposal in changes}
        proposals = [changed.get(it.staff_id, it) for it in (self.results[-1].proposals if self.results else ())]
        self.add(proposals or list(changes))

    def add(self, proposals: Sequence[Proposal]) -> None:
        """A new revision of these proposals."""
        result = replace(month_factory.make_month(), proposals=proposals, pay_lines=make_pay(proposals))
        self.results.append(result)
        making = Making("0.1.0", "c" * 64, {}, datetime(2024, 4, 3, tzinfo=UTC))
        self.ledger.results.save(result, len(self.results), digests={}, making=making)

    def export(self, name: str = "book.xlsx") -> Path:
        """The newest revision's workbook."""
        record, progress = find_revision(self.ledger, MONTH), map_progress(self.ledger, MONTH)
        write_export(self.folder / name, self.results[-1], record.revision, FIRST_REVISION, progress)
        return self.folder / name

    def fill_in(self, choices: Mapping[str, tuple[str, str]], name: str = "book.xlsx") -> Path:
        """The newest workbook with a decision and a comment for each worker named."""
        file = self.export(name)
        for place, title in enumerate(("决定", "意见")):
            put(file, title, {staff_id: choice[place] for staff_id, choice in choices.items()})
        return file

    def take(
        self,
        file: Path,
        *,
        reviewer: str = "张三",
        people: ReviewPeople = NOBODY_NAMED,
        report: Path | None = None,
        dry_run: bool = False,
        at: datetime = NOW,
    ) -> ImportReport:
        """What importing the workbook did."""
        return import_workbook(
            self.ledger, MONTH, file, reviewer=reviewer, people=people, decided_at=at, report=report, dry_run=dry_run
        )

    def list_verdicts(self) -> dict[str, str]:
        """The newest decision on each worker."""
        return {it.staff_id: it.verdict for it in self.ledger.reviews.list_decisions(str(MONTH))}


def open_desk(folder: Path) -> Desk:
    """A desk with revision 1 of the small month."""
    desk = Desk(Ledger.open(f"sqlite:///{folder / 'ledger.sqlite'}"), folder, [])
    desk.add(make_proposals())
    return desk


def read_rows(file: Path, sheet: str = SHEET) -> Rows:
    """Every cell of the sheet."""
    return CalamineWorkbook.from_path(file).get_sheet_by_name(sheet).to_python(skip_empty_area=False)


def read_column(file: Path, title: str, sheet: str = SHEET) -> dict[str, Any]:
    """What stands under a heading, by worker."""
    header, *rows = read_rows(file, sheet)
    return {row[header.index("员工编号")]: row[header.index(title)] for row in rows}


def put(file: Path, title: str, texts: Mapping[str, str]) -> None:
    """Write text into a worker's cell under a heading, in the file's XML, as if it had been typed there."""
    header, *rows = read_rows(file)
    letters = xl_col_to_name(header.index(title))
    with zipfile.ZipFile(file) as book:
        parts = {name: book.read(name) for name in book.namelist()}
        sheet = name_sheet_part(book, SHEET)
    xml = parts[sheet].decode()
    for number, row in enumerate(rows, start=2):
        if (text := texts.get(row[header.index("员工编号")])) is not None:
            cell = re.search(rf'<c r="{letters}{number}"( s="\d+")?[^>]*?(?:/>|>.*?</c>)', xml, re.DOTALL)
            assert cell is not None, f"no cell {letters}{number}"
            said = f'<is><t xml:space="preserve">{escape(text)}</t></is>'
            typed = f'<c r="{letters}{number}"{cell[1] or ""} t="inlineStr">{said}</c>'
            xml = xml[: cell.start()] + typed + xml[cell.end() :]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in {**parts, sheet: xml.encode()}.items():
            book.writestr(name, content)


def rework(file: Path, change: Callable[[Rows], Rows] = lambda rows: rows, *, sheet: str = SHEET) -> Path:
    """The sheet's cells after `change`, saved anew by another program, without any of the looks."""
    rows = change(read_rows(file))
    save_rows(file, rows, sheet=sheet)
    return file


def save_rows(file: Path, rows: Rows, *, sheet: str = SHEET, merge: str = "", hide: str = "") -> None:
    """A plain workbook of these cells."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"default_date_format": "yyyy/m/d"}) as book:
        page = book.add_worksheet(sheet)
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, tuple):
                    page.write_formula(number, column, cell[0], None, cell[1])
                elif cell != "":
                    page.write(number, column, cell)
        if merge:
            top, left = xl_cell_to_rowcol(merge.partition(":")[0])
            page.merge_range(merge, rows[top][left] if left < len(rows[top]) else "")
        if hide:
            page.set_column(hide, None, None, {"hidden": True})
    file.write_bytes(buffer.getvalue())
