"""A workbook that LibreOffice has opened and saved says the same as the one that was exported."""

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from workbook_kit import MONTH, Desk, open_desk, put, read_rows

PROGRAM = shutil.which("soffice")
pytestmark = [
    pytest.mark.flow,
    pytest.mark.skipif(PROGRAM is None, reason="LibreOffice (soffice, Debian's libreoffice-calc) is not installed"),
]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return open_desk(tmp_path)


def save_by_libreoffice(file: Path, folder: Path) -> Path:
    """The file as LibreOffice opens and saves it, in an empty profile of its own."""
    profile = folder / "profile"
    command = [
        str(PROGRAM), "--headless", f"-env:UserInstallation={profile.as_uri()}", "--convert-to", "xlsx",
        "--outdir", str(folder), str(file),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return folder / file.name


def fill_in(desk: Desk) -> Path:
    """One line of every kind: taken with and without comment, refused for what it says and for what it shows."""
    choices = {
        "K1": ("同意", "=核对 & 无误"),
        "K2": ("同意", ""),
        "K3": ("退回", "请核对\n到岗日期"),
        "K5": ("暂缓", ""),
    }
    file = desk.fill_in(choices)
    put(file, "姓名", {"K5": "某乙"})
    return file


def test_a_resaved_workbook_imports_the_same(desk: Desk) -> None:
    file = fill_in(desk)
    resaved = save_by_libreoffice(file, desk.folder / "libreoffice")
    assert [line.outcome for line in desk.take(file, dry_run=True).lines].count("refused") == 2
    plain, again = desk.take(file, dry_run=True), desk.take(resaved)
    assert [(line.row, line.outcome, line.english) for line in again.lines] == [
        (line.row, line.outcome, line.english) for line in plain.lines
    ]
    recorded = {it.staff_id: (it.verdict, it.comment) for it in desk.ledger.reviews.list_decisions(str(MONTH))}
    assert recorded == {"K1": ("approved", "=核对 & 无误"), "K3": ("returned", "请核对\n到岗日期")}
    # As a copy of the first it is the same decisions once more.
    assert {line.outcome for line in desk.take(file).lines} == {"unchanged", "refused"}


def test_a_resaved_workbook_keeps_what_helps_and_limits_hr(desk: Desk) -> None:
    resaved = save_by_libreoffice(fill_in(desk), desk.folder / "libreoffice")
    with zipfile.ZipFile(resaved) as book:
        sheet = book.read("xl/worksheets/sheet2.xml").decode()
    assert re.search(r'<sheetProtection [^>]*sheet="(true|1)"', sheet)
    assert "同意,驳回,退回,暂缓" in sheet
    assert "<autoFilter" in sheet


def test_libreoffice_reads_the_copy_with_findings_as_it_was_meant(desk: Desk) -> None:
    resaved = save_by_libreoffice(fill_in(desk), desk.folder / "libreoffice")
    report = desk.take(resaved)
    shown = save_by_libreoffice(report.file, desk.folder / "shown")
    assert read_rows(shown) == read_rows(report.file)
    findings = [row[-1] for row in read_rows(shown)]
    assert findings[0] == "核对结果"
    assert sorted(text[:4] for text in findings[1:] if text) == ["已拒绝：", "已拒绝：", "已采纳：", "已采纳："]
