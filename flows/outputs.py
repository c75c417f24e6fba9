"""The result files of a month: `<home>/outputs/<YYYY-MM>/`, the newest revision, with older ones in `revisions/<n>/`.

A revision is written aside as a whole and then put in place by renaming the folder, so a reader never finds files of
two revisions side by side (interfaces.md, Results).
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from flows.ledger.results import RevisionRecord
from flows.ledger.review_rows import ArrearsLine
from flows.result_files import ARREARS_FILE, format_figures, format_file
from flows.results import MonthResult
from flows.whole_files import write_whole

WORKBOOK = "hr-review.xlsx"
REPORT = "report.html"
RUN = "run.json"
ARREARS = "arrears.csv"
PAYROLL_PREFIX = "payroll-"
REVISIONS = "revisions"
OUTPUTS = "outputs"


def write_result_csvs(folder: Path, result: MonthResult, revision: int) -> None:
    """Write the six CSV files of a revision into `folder`."""
    for name, content in format_figures(result, str(result.month), revision).items():
        (folder / name).write_bytes(content)


def format_arrears(lines: Iterable[ArrearsLine]) -> bytes:
    """`arrears.csv` of a month: what approvals after their effective date owe."""
    return format_file(ARREARS_FILE, map(asdict, lines))


def name_payroll_files(month: str) -> tuple[str, str]:
    """What the month's two files for payroll are called: the CSV file, then the workbook."""
    return f"{PAYROLL_PREFIX}{month}.csv", f"{PAYROLL_PREFIX}{month}.xlsx"


def digest_files(folder: Path) -> dict[str, str]:
    """The SHA-256 of each result file, by name.

    Left out are `run.json`, which holds them, and `arrears.csv` and the files for payroll, which publication writes
    after the revision is made.
    """
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.iterdir())
        if file.is_file() and file.name not in {RUN, ARREARS} and not file.name.startswith(PAYROLL_PREFIX)
    }


def format_run(record: RevisionRecord, counts: Mapping[str, Any]) -> bytes:
    """`run.json` of a revision: what it was judged from, what it counted, and the digest of each file."""
    content = {
        "run_id": f"{record.month}-r{record.revision}-{record.input_digest[:12]}",
        "month": record.month,
        "revision": record.revision,
        "effective_on": record.effective_on,
        "cutoff_at": record.cutoff_at,
        "policy_fingerprint": record.inputs["policy_fingerprint"],
        "batches": record.inputs["batch_ids"],
        "sources": record.inputs["sources"],
        "register_digest": record.inputs["register_digest"],
        "earlier_revision": record.inputs["earlier_revision"],
        "software_version": record.software_version,
        "code_fingerprint": record.code_fingerprint,
        "compared_with": record.compared_with,
        "amends": record.amends,
        "counts": counts,
        "notices": record.notices,
        "alarms": record.alarms,
        "digests": record.digests,
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)


class MonthFolder:
    """The outputs of one month; whoever writes them holds the month (`House.hold_month`)."""

    def __init__(self, home: Path, month: str) -> None:
        self.path = home / OUTPUTS / month
        self._aside = self.path.with_name(f".{month}.new")
        self._old = self.path.with_name(f".{month}.old")

    def stage(self) -> "StagedFolder":
        """An empty folder beside the month's, to be filled and put in its place."""
        self._recover()
        shutil.rmtree(self._aside, ignore_errors=True)
        self._aside.mkdir(parents=True)
        return StagedFolder(self, self._aside)

    def holds(self, digests: Mapping[str, str]) -> bool:
        """Whether the folder's files are, to the byte, those of the digests."""
        self._recover()
        return (self.path / RUN).is_file() and digest_files(self.path) == dict(digests)

    def find_revision(self) -> int | None:
        """The revision that lies here, if any does."""
        self._recover()
        run = self.path / RUN
        return int(orjson.loads(run.read_bytes())["revision"]) if run.is_file() else None

    def write_file(self, name: str, content: bytes) -> None:
        """Put one file beside the results, whole or not at all."""
        write_whole(self.path / name, content)

    def replace_with(self, staged: Path, revision: int) -> None:
        """Put `staged` in place; an older revision that lay here moves to `revisions/<n>/`.

        What a run left that died before its revision was recorded bears a number that is not older: it goes.
        """
        old_revision = self.find_revision()
        _link_tree(self.path / REVISIONS, staged / REVISIONS)
        shutil.rmtree(staged / REVISIONS / str(revision), ignore_errors=True)
        if old_revision is not None and old_revision < revision:
            for file in self.path.iterdir():
                _link_file(file, staged / REVISIONS / str(old_revision) / file.name)
        if self.path.exists():
            self.path.rename(self._old)
        staged.rename(self.path)
        shutil.rmtree(self._old, ignore_errors=True)

    def _recover(self) -> None:
        """Put right what a run left that was killed between its two renames, or after them."""
        if self._old.exists():
            if self.path.exists():
                shutil.rmtree(self._old)
            else:
                self._old.rename(self.path)


class StagedFolder(AbstractContextManager["StagedFolder"]):
    """A revision being written; leaving without `seal` removes it."""

    def __init__(self, folder: MonthFolder, path: Path) -> None:
        self._folder = folder
        self.path = path

    def seal(self, revision: int, run: bytes) -> None:
        """Write `run.json` and put the revision in the month's place."""
        (self.path / RUN).write_bytes(run)
        self._folder.replace_with(self.path, revision)

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def _link_file(source: Path, target: Path) -> None:
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:  # a file system without hard links
            shutil.copyfile(source, target)


def _link_tree(source: Path, target: Path) -> None:
    for file in sorted(source.rglob("*")):
        _link_file(file, target / file.relative_to(source))
