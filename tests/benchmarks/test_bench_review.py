"""The review benchmark in its short form: that every line is exported, filled in and taken, but not the figures."""

from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Figures
from benchmarks.review import EXPORT, IMPORT, write_table
from benchmarks.review_month import MONTH, fill_in, store_month
from flows.house import open_house, read_lineage, read_result
from flows.review.decisions import NOBODY_NAMED
from flows.review.intake.importing import import_workbook
from flows.review.rows import find_revision
from flows.review.standing import find_standing
from flows.review.workbook.exporting import map_progress, write_export
from flows.settings import load_settings

NOW = datetime(2024, 4, 5, 2, tzinfo=UTC)
COUNT = 300


def test_every_line_is_exported_filled_in_and_taken(tmp_path: Path) -> None:
    store_month(tmp_path / "home", COUNT)
    book, filled = tmp_path / "book.xlsx", tmp_path / "filled.xlsx"
    with open_house(load_settings(tmp_path / "home", None)) as house:
        record, progress = find_revision(house.ledger, MONTH), map_progress(house.ledger, MONTH)
        result = read_result(house, record)
        write_export(book, result, record.revision, read_lineage(house, record), progress)
        fill_in(book, filled, COUNT)
        report = import_workbook(house.ledger, MONTH, filled, reviewer="张三", people=NOBODY_NAMED, decided_at=NOW)
        assert {line.outcome for line in report.lines} == {"decided"}
        assert [line.row for line in report.lines] == list(range(2, COUNT + 2))
        assert find_standing(house.ledger, MONTH).counts == {"approved": COUNT}


def test_the_table_names_what_was_asked_of_which_size() -> None:
    measured = {
        (EXPORT, 3_000): [Figures(2.0, 1.5, 3_000, 200_000_000), Figures(4.0, 2.5, 3_000, 300_000_000)],
        (IMPORT, 500): [Figures(1.0, 1.0, 500, 100_000_000)],
    }
    # The median of 2 and 4 is 3, of 1.5 and 2.5 is 2.
    assert write_table(measured).splitlines()[2:] == [
        "| `review export` | 3,000 | 3.0 (2.0–4.0) | 2.0 | 300 MB | under 5 s, 700 MB |",
        "| `review import` | 500 | 1.0 (1.0–1.0) | 1.0 | 100 MB |  |",
    ]
