"""Files that are still being copied: left for the next time, told, and never landed in part."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from ingest_kit import MARCH, count_rows
from platform_server import CARD

from flows.house import House
from flows.ingest.connect import files
from flows.ingest.connect.rest import Timing
from flows.ingest.reports import PullReport
from flows.ingest.status import find_source_status
from flows.month import Month

Pull = Callable[..., PullReport]

NOW_SECONDS = 1_712_275_200
"""5 April 2024, 08:00 in the city, as the machine's clock says while the tests pull."""

SOURCE = f"""
platform: sheets
title: Sheets
{CARD}
connection: {{kind: files, path: drop}}
resources:
  titles:
    table: annual_titles
    files: "titles*.csv"
    format: csv
    fields: {{community_code: a, rating_year: b, stars: c, pay_year: d}}
  sanctions:
    table: sanctions
    files: "sanctions*.jsonl"
    format: jsonl
    fields: {{staff_id: a, kind: b, effective_on: c}}
"""
HEADER = "a,b,c,d\n"
ROW = "410202001001,{year},4,2024\n"


class Waits:
    """Time that stands still but for waits, in which `happening` happens."""

    def __init__(self, happening: Callable[[], object] = lambda: None) -> None:
        self.seconds: list[float] = []
        self._happening = happening
        self.timing = Timing(sleep=self._sleep, clock=lambda: 0.0, wall=lambda: NOW_SECONDS, jitter=lambda: 1.0)

    def _sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self._happening()


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "config" / "drop"
    folder.mkdir(parents=True)
    write_file(folder / "sanctions.jsonl", '{"a": "S1", "b": "demerit", "c": "2024-03-01"}\n', age=3600)
    return folder


def write_file(file: Path, text: str, age: float) -> None:
    """A file last changed so many seconds ago."""
    file.write_text(text, encoding="utf-8")
    set_age(file, age)


def set_age(file: Path, age: float) -> None:
    changed_ns = int((NOW_SECONDS - age) * 1e9)
    os.utime(file, ns=(changed_ns, changed_ns))


def grow(file: Path, text: str, age: float = 0) -> None:
    with file.open("a", encoding="utf-8") as stream:
        stream.write(text)
    set_age(file, age)


@pytest.mark.parametrize(("age", "waits"), [(60, []), (59, [1.0]), (0, [1.0]), (-59, [1.0]), (-60, [])])
def test_a_file_changed_within_the_last_minute_is_looked_at_twice(
    pull: Pull, house: House, drop: Path, age: float, waits: list[float]
) -> None:
    # The file server's clock may be ahead of ours: a file from the near future is as fresh.
    write_file(drop / "titles.csv", HEADER + ROW.format(year=2023), age)
    time = Waits()
    report = pull(SOURCE, timing=time.timing)
    assert (report.exit_code, time.seconds) == (0, waits)
    assert count_rows(house, "annual_titles") == 1


def test_one_wait_serves_all_fresh_files_of_the_source(pull: Pull, house: House, drop: Path) -> None:
    for year in (2021, 2022, 2023):
        write_file(drop / f"titles-{year}.csv", HEADER + ROW.format(year=year), 5)
    set_age(drop / "sanctions.jsonl", 5)
    time = Waits()
    assert pull(SOURCE, timing=time.timing).exit_code == 0
    assert time.seconds == [1.0]
    assert (count_rows(house, "annual_titles"), count_rows(house, "sanctions")) == (3, 1)


def test_a_growing_file_is_left_the_others_land_and_the_pull_is_partial(pull: Pull, house: House, drop: Path) -> None:
    write_file(drop / "titles-2022.csv", HEADER + ROW.format(year=2022), 3600)
    write_file(drop / "titles-2023.csv", HEADER + "4102020", 5)
    time = Waits(lambda: grow(drop / "titles-2023.csv", "01001,2023,4,2024\n"))
    report = pull(SOURCE, timing=time.timing)
    assert [(it.resource, it.status, it.landed_count) for it in report.pulls] == [
        ("sanctions", "complete", 1),
        ("titles", "partial", 1),
    ]
    assert (report.exit_code, str(report.error)) == (
        11,
        "sheets, titles: left for the next pull: titles-2023.csv is still growing. Pull again.",
    )
    assert count_rows(house, "annual_titles") == 1


def test_what_was_left_lands_at_the_next_pull_and_only_then_is_the_source_present(
    pull: Pull, house: House, drop: Path, make_source: Callable[..., object]
) -> None:
    def status() -> str:
        source = make_source(SOURCE)
        [found] = find_source_status(house, [source], Month(2024, 3), MARCH[1])  # type: ignore[list-item]
        return found.status

    write_file(drop / "titles-2023.csv", HEADER + "4102020", 5)
    write_file(drop / "titles-2022.csv", HEADER + ROW.format(year=2022), 3600)
    pull(SOURCE, timing=Waits(lambda: grow(drop / "titles-2023.csv", "01001,2023,4,2024\n")).timing)
    assert status() == "partial"
    pull(SOURCE, timing=Waits().timing)
    assert status() == "complete"
    assert count_rows(house, "annual_titles") == 2


def test_a_file_of_the_same_size_that_is_written_over_is_growing(pull: Pull, drop: Path) -> None:
    write_file(drop / "titles.csv", HEADER + ROW.format(year=2023), 5)
    time = Waits(lambda: set_age(drop / "titles.csv", 4))
    assert pull(SOURCE, timing=time.timing).exit_code == 11


def test_nothing_lands_where_the_only_file_is_growing(pull: Pull, house: House, drop: Path) -> None:
    write_file(drop / "titles.csv", HEADER, 5)
    report = pull(SOURCE, timing=Waits(lambda: grow(drop / "titles.csv", ROW.format(year=2023))).timing)
    assert [it.status for it in report.pulls] == ["complete", "unavailable"]
    assert report.exit_code == 11


@pytest.mark.parametrize(
    ("age", "exit_code", "message"),
    [
        (59, 11, "titles.csv is empty yet, as a copy is that has just begun"),
        (60, 12, "titles.csv cannot be read as csv (it is empty, 0 bytes: a copy that broke off"),
    ],
)
def test_an_empty_file_has_a_minute_to_grow(pull: Pull, drop: Path, age: float, exit_code: int, message: str) -> None:
    write_file(drop / "titles.csv", "", age)
    report = pull(SOURCE, timing=Waits().timing)
    assert report.exit_code == exit_code
    assert message in str(report.error)


def test_empty_lines_of_json_are_no_records_which_is_told(pull: Pull, drop: Path) -> None:
    write_file(drop / "titles.csv", HEADER + ROW.format(year=2023), 3600)
    write_file(drop / "sanctions.jsonl", "", 3600)
    report = pull(SOURCE, timing=Waits().timing)
    assert report.exit_code == 0
    told = "sheets, sanctions: sanctions.jsonl: is empty (0 bytes): no records, or a copy that broke off."
    assert told in report.warnings


@pytest.mark.parametrize(
    "name",
    [
        ".titles.csv",
        ".~lock.titles.csv#",
        "~$titles.csv",
        "titles.csv.part",
        "titles.csv.TMP",
        "titles.csv.crdownload",
        "titles.csv.filepart",
        ".trash/titles.csv",
    ],
)
def test_locks_hidden_files_and_unfinished_ones_are_passed_over(
    pull: Pull, house: House, drop: Path, name: str
) -> None:
    (drop / name).parent.mkdir(exist_ok=True)
    write_file(drop / "titles.csv", HEADER + ROW.format(year=2023), 3600)
    write_file(drop / name, "not for us", 3600)
    report = pull(SOURCE.replace('"titles*.csv"', '"**/*titles*"'), timing=Waits().timing)
    assert (report.exit_code, count_rows(house, "annual_titles")) == (0, 1)


@pytest.fixture
def change_while_read(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Path], None]], None]:
    """Lets something happen to each file whose first records were read."""

    def install(happen: Callable[[Path], None]) -> None:
        read_records = files.read_records

        def read(file: files.SourceFile, *arguments: object) -> object:
            pieces = read_records(file, *arguments)  # type: ignore[arg-type]
            for number, records in enumerate(pieces):
                yield records
                if number == 0:
                    happen(file.path)

        monkeypatch.setattr(files, "read_records", read)

    return install


def test_a_file_that_changes_while_it_is_read_is_left_and_the_others_land(
    pull: Pull, house: House, drop: Path, change_while_read: Callable[[Callable[[Path], None]], None]
) -> None:
    def happen(path: Path) -> None:
        if path.name == "titles-2023.csv":
            grow(path, ROW.format(year=2024), age=1)

    write_file(drop / "titles-2022.csv", HEADER + ROW.format(year=2022), 3600)
    write_file(drop / "titles-2023.csv", HEADER + ROW.format(year=2023), 3600)
    change_while_read(happen)
    report = pull(SOURCE, timing=Waits().timing)
    assert [it.status for it in report.pulls] == ["complete", "partial"]
    assert "titles-2023.csv is still growing" in str(report.error)
    assert count_rows(house, "annual_titles") == 1


def test_a_file_moved_away_while_it_is_read_is_not_landed(
    pull: Pull, house: House, drop: Path, change_while_read: Callable[[Callable[[Path], None]], None]
) -> None:
    write_file(drop / "titles-2022.csv", HEADER + ROW.format(year=2022), 3600)
    write_file(drop / "titles-2023.csv", HEADER + ROW.format(year=2023), 3600)
    change_while_read(lambda path: path.unlink() if path.name == "titles-2023.csv" else None)
    report = pull(SOURCE, timing=Waits().timing)
    assert report.exit_code == 0
    assert count_rows(house, "annual_titles") == 1


def test_a_file_that_breaks_off_because_it_is_being_written_is_no_broken_file(
    pull: Pull, house: House, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read at the wrong moment half a workbook is none: the change is what is told, not what was found."""
    titles = drop / "titles.csv"
    write_file(titles, HEADER + '"41020', 3600)
    open_text = files.open_text

    def open_and_grow(path: Path, encoding: str) -> object:
        stream = open_text(path, encoding)
        if path == titles:
            path.write_text(HEADER + ROW.format(year=2023), encoding="utf-8")
            set_age(path, 1)
            monkeypatch.setattr(files, "open_text", open_text)
        return stream

    monkeypatch.setattr(files, "open_text", open_and_grow)
    report = pull(SOURCE, timing=Waits().timing)
    assert report.exit_code == 11
    assert "titles.csv is still growing" in str(report.error)
    assert pull(SOURCE, timing=Waits().timing).exit_code == 0
    assert count_rows(house, "annual_titles") == 1


def test_an_old_file_is_read_again_as_it_is_after_the_wait(pull: Pull, house: House, drop: Path) -> None:
    write_file(drop / "titles.csv", HEADER + ROW.format(year=2023), 5)
    for year in (2023, 2024):
        time = Waits()
        assert pull(SOURCE, timing=time.timing).exit_code == 0
        grow(drop / "titles.csv", ROW.format(year=year + 1), 4)
    assert count_rows(house, "annual_titles") == 2
