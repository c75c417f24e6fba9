"""How rejected rows are judged again: as of their pull, registers first, each by itself; which months they touch."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from ingest_kit import count_rows
from platform_server import PlatformServer, Reply, make_incidents, write_incident_source
from replay_kit import (
    MAPPED,
    UNMAPPED,
    Pull,
    Replay,
    list_outcome,
    make_event,
    make_odd,
    pull_in_turn,
    replay_mapped,
    serve,
    write_event_source,
)

from flows.errors import ConfigurationError, ContractBroken, UsageError
from flows.house import House
from flows.ingest.rejected.listing import Filter, list_rejected
from flows.ingest.rejected.quarantine import read_quarantine
from flows.ingest.rejected.touched import find_month
from flows.schema import TABLES


def read_table(house: House, name: str) -> list[dict[str, Any]]:
    with house.view() as view:
        rows: list[dict[str, Any]] = view.table(name).to_pyarrow().to_pylist()
    return rows


def test_a_report_in_the_future_of_its_pull_stays_one(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    # Reported on 10 April, pulled on the 5th, replayed on the 14th.
    serve(platform, *map(make_event, range(9)), make_event(9, reported="2024-04-10 08:00:00", due=None))
    pull(write_event_source())
    assert replay(write_event_source()).batches[0].stays == {9: ("in_future:reported_at",)}


def test_registers_are_replayed_before_what_is_checked_against_them(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer, tmp_path: Path
) -> None:
    communities = [{"code": f"41020200100{number}", "begun": "2020-01-01"} for number in range(1, 10)]
    strange = {"code": "410202001777", "begun": "20-01-01"}
    incident = {**make_incidents(1, 99)[0], "community": "410202001777"}
    answers = {"/codes": [*communities, strange], "/list": [*make_incidents(9), incident]}
    platform.answer = lambda asked: Reply({"items": answers[asked.path]})
    names = ("name", "street_code", "street_name", "district_code", "district_name")
    register = f"""  communities:
    table: communities
    request: {{path: /codes}}
    records: items
    fields: {{community_code: code, valid_from: begun}}
    defaults: {{{", ".join(f"{name}: x" for name in names)}}}
"""
    pull(write_incident_source() + register)
    mended = write_incident_source() + register + '    formats: {valid_from: "%y-%m-%d"}\n'
    # Only the strange one is written so; the others are in the lake already.
    report = replay(mended)
    assert [it.batch.table for it in report.batches] == ["communities", "incidents"]
    assert list_outcome(report) == [([9], [], []), ([9], [], [])]
    assert count_rows(house, "incidents") == 10


def test_under_freeze_a_strange_record_stays_and_holds_up_no_other(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    serve(platform, *make_incidents(9), make_odd(), make_odd(98, level=3))
    pull(write_incident_source(UNMAPPED))
    report = replay(write_incident_source(f"{MAPPED}\ncontract: freeze"))
    assert list_outcome(report) == [([9], [], [10])]
    assert report.batches[0].stays == {10: ("new_field",)}
    landing = house.ledger.list_landings()[-1]
    assert house.lake.read_manifest("incidents", landing.batch_id)["contract"]["kind"] == "freeze"


def test_what_was_known_of_the_sources_kinds_of_values_stays_known(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    serve(platform, *make_incidents(9), make_odd())
    pull(write_incident_source(UNMAPPED))
    before = [landing.batch_id for landing in house.ledger.list_landings()][-1]
    replay(write_incident_source(MAPPED))
    after = [landing.batch_id for landing in house.ledger.list_landings()][-1]
    contracts = [house.lake.read_manifest("incidents", it)["contract"] for it in (before, after)]
    assert contracts[0] == contracts[1]


def test_a_field_mapped_otherwise_since_that_no_record_has_is_a_mistake_and_lands_nothing(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    serve(platform, *make_incidents(9), make_odd())
    pull(write_incident_source(UNMAPPED))
    fields = (
        "fields: {incident_id: id, community_code: community, kind: kind, occurred_on: day, status: stauts, "
        "updated_at: updated}\ndefaults: {status: confirmed}"
    )
    report = replay(write_incident_source(f"{MAPPED}\n{fields}"))
    [problem] = report.problems
    assert isinstance(problem, ContractBroken)
    assert "mapped otherwise since these rows were rejected, and not one of them has stauts (for status)" in str(
        problem
    )
    assert len(list(read_quarantine(house))) == 1


def test_a_mapped_field_that_the_rejected_records_happen_to_lack_is_no_mistake(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    odd = make_odd()
    del odd["status"]
    serve(platform, *make_incidents(9), odd)
    pull(write_incident_source(f"{UNMAPPED}\ndefaults: {{status: confirmed}}"))
    assert list_outcome(replay(write_incident_source(f"{MAPPED}\ndefaults: {{status: confirmed}}"))) == [
        ([9], [], [])
    ]


def test_rows_of_a_resource_that_is_no_longer_described_stay_and_that_is_told(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    pull_in_turn(pull, platform, [make_odd()])
    renamed = write_incident_source(MAPPED).replace("  incidents:\n", "  events_of_old:\n")
    [problem] = replay(renamed).problems
    assert isinstance(problem, ConfigurationError)
    assert "test_platform, incidents: no file in config/platforms describes this resource" in str(problem)
    assert len(list(read_quarantine(house))) == 1


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"platform": "test_platform"}, 2),
        ({"table": "incidents"}, 2),
        ({"table": "events"}, 0),
        ({"platform": "register"}, 0),
    ],
)
def test_only_what_is_asked_for_is_replayed(
    pull: Pull, replay: Replay, platform: PlatformServer, asked: dict[str, str], count: int
) -> None:
    pull_in_turn(pull, platform, [make_odd()], [make_odd(98)])
    assert len(replay_mapped(replay, **asked).batches) == count


def test_a_batch_or_source_that_never_was_is_refused(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    pull_in_turn(pull, platform, [make_odd()])
    with pytest.raises(UsageError, match="batch 'incidents-1' holds no rejected row"):
        replay_mapped(replay, batch_id="incidents-1")
    with pytest.raises(ConfigurationError, match="there is no source 'test_plattform'"):
        replay_mapped(replay, platform="test_plattform")


def test_a_rule_that_only_stops_pulls_does_not_hold_up_a_replay(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    # One of the three stays: a third, and more than 20 % of a pull.
    serve(platform, *make_incidents(20), make_odd(), make_odd(98), make_odd(97, day="31 April"))
    pull(write_incident_source(UNMAPPED))
    assert list_outcome(replay(write_incident_source(MAPPED))) == [([20, 21], [], [22])]


# A folder of files.

HEADERS = ("id", "community", "category", "reported", "due", "status", "updated")


def write_workbook(file: Path, *events: dict[str, Any]) -> None:
    """A workbook of events; days are cells that hold a date."""
    with xlsxwriter.Workbook(file) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, HEADERS)
        formats = {kind: workbook.add_format({"num_format": kind}) for kind in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss")}
        for number, event in enumerate(events, start=1):
            for column, name in enumerate(HEADERS):
                value = event[name]
                if isinstance(value, datetime):
                    sheet.write_datetime(number, column, value, formats["yyyy-mm-dd hh:mm:ss"])
                elif isinstance(value, date):
                    sheet.write_datetime(number, column, value, formats["yyyy-mm-dd"])
                elif value is not None:
                    sheet.write(number, column, value)


def write_sheets_source(codes: str = "矛盾: dispute") -> str:
    text = write_event_source('files: "*.xlsx"\nformat: xlsx', connection="kind: files, path: drop")
    return text.replace("矛盾: dispute", codes)


def test_a_day_in_a_workbook_is_still_a_day_when_its_row_is_replayed(
    pull: Pull, replay: Replay, house: House, drop: Path
) -> None:
    odd = make_event(9, category="纠纷", due=date(2024, 3, 8), reported=datetime(2024, 3, 5, 8))
    write_workbook(drop / "a.xlsx", *map(make_event, range(9)), odd)
    pull(write_sheets_source())
    replay(write_sheets_source("矛盾: dispute, 纠纷: dispute"))
    [row] = [row for row in read_table(house, "events") if row["event_id"] == "E9"]
    # The last second of 8 March and 08:00 of the 5th in Asia/Shanghai, in UTC.
    assert (row["due_at"], row["reported_at"]) == (datetime(2024, 3, 8, 15, 59, 59), datetime(2024, 3, 5))


TITLES = """
platform: sheets
title: Sheets
card: {owner: x}
connection: {kind: files, path: drop}
resources:
  titles:
    table: annual_titles
    files: "*.csv"
    format: csv
    fields: {community_code: 社区, rating_year: 年度, stars: 星, pay_year: 兑现}
    codes: {stars: {一: 1, 二: 2, 三: 3, MORE}}
"""


def write_titles(file: Path, *rows: str) -> None:
    """A sheet of titles: its `rows`, and six of years of its own that are good."""
    others = [f"410202001002,{1900 + 10 * ord(file.stem) + number},一,2020" for number in range(6)]
    file.write_text("\n".join(["社区,年度,星,兑现", *others, *rows]) + "\n", encoding="utf-8")


def read_stars(house: House) -> int:
    [row] = [row for row in read_table(house, "annual_titles") if row["rating_year"] == 2023]
    return int(row["stars"])


def test_in_a_table_without_dates_a_row_of_a_later_file_supersedes(
    pull: Pull, replay: Replay, house: House, drop: Path
) -> None:
    write_titles(drop / "a.csv", "410202001001,2023,四,2024")
    write_titles(drop / "b.csv", "410202001001,2023,二,2024")
    pull(TITLES.replace(", MORE", ""))
    assert list_outcome(replay(TITLES.replace("MORE", "四: 4"))) == [([], [6], [])]
    assert read_stars(house) == 2


def test_what_was_replayed_of_a_file_that_is_gone_keeps_its_place_when_another_is_judged_anew(
    pull: Pull, replay: Replay, house: House, drop: Path
) -> None:
    # In the order of landing: a says 二 but can't be read yet, b says 四 and can't, c says nothing of 2023.
    write_titles(drop / "a.csv", "410202001001,2023,两,2024")
    write_titles(drop / "b.csv", "410202001001,2023,四,2024")
    write_titles(drop / "c.csv")
    pull(TITLES.replace(", MORE", ""))
    (drop / "b.csv").unlink()
    replay(TITLES.replace("MORE", "四: 4"))
    assert read_stars(house) == 4
    # Now a can be read: it lands again in its place, and all that stand behind it again behind it.
    pull(TITLES.replace("MORE", "四: 4, 两: 2"))
    assert read_stars(house) == 4
    assert list(list_rejected(house, Filter())) == []
    before = house.ledger.list_landings()
    pull(TITLES.replace("MORE", "四: 4, 两: 2"))
    assert house.ledger.list_landings() == before


def test_a_replay_does_not_stand_behind_its_own_file_once_that_is_judged_anew(
    pull: Pull, replay: Replay, house: House, drop: Path
) -> None:
    write_titles(drop / "a.csv", "410202001001,2023,四,2024")
    pull(TITLES.replace(", MORE", ""))
    # A slip: 四 is mapped to 5, rows are replayed, the slip is mended, the folder is pulled.
    replay(TITLES.replace("MORE", "四: 5"))
    assert read_stars(house) == 5
    pull(TITLES.replace("MORE", "四: 4"))
    assert read_stars(house) == 4


# The earliest month that a row can touch.


@pytest.mark.parametrize(
    ("table", "row", "month"),
    [
        # 1 March 00:00 in Asia/Shanghai is 29 February 16:00 UTC.
        ("events", {"reported_at": datetime(2024, 2, 29, 16)}, "2024-03"),
        ("events", {"reported_at": datetime(2024, 2, 29, 15, 59, 59)}, "2024-02"),
        ("checks", {"checked_at": datetime(2024, 2, 29, 16)}, "2024-03"),
        ("incidents", {"occurred_on": date(2024, 3, 31)}, "2024-03"),
        ("communities", {"valid_from": date(2024, 3, 31)}, "2024-03"),
        ("grids", {"valid_from": date(2024, 3, 1)}, "2024-03"),
        ("branch_sheet", {"month": "2024-03"}, "2024-03"),
        ("staff", {"month": "2024-03"}, "2024-03"),
        # Counts if 2023 < the year in which the grade takes effect: first for December 2023, effective 1 January.
        ("appraisals", {"year": 2023}, "2023-12"),
        # In force if not after the effective date: 1 April is that of March.
        ("sanctions", {"effective_on": date(2024, 4, 1)}, "2024-03"),
        ("sanctions", {"effective_on": date(2024, 4, 2)}, "2024-04"),
        ("annual_titles", {"pay_year": 2024}, "2023-12"),
        ("contacts", {}, None),
    ],
)
def test_a_row_counts_in_no_month_before_this_one(table: str, row: dict[str, Any], month: str | None) -> None:
    assert find_month(TABLES[table], row) == month


def read_touched(house: House) -> str | None:
    landing = house.ledger.list_landings()[-1]
    month: str | None = house.lake.read_manifest(landing.table, landing.batch_id)["request"]["touches_from"]
    return month


@pytest.mark.parametrize(
    ("held", "updated", "touched"),
    [
        # The row that held until now happened in February: February loses it.
        ("2024-02-28", "2024-03-06T07:00:00+08:00", "2024-02"),
        ("2024-04-01", "2024-03-06T07:00:00+08:00", "2024-03"),
        # It holds still, for it is dated later: nothing changes anywhere.
        ("2024-02-28", "2024-03-06T09:00:00+08:00", None),
    ],
)
def test_the_month_of_the_row_whose_place_is_taken_is_touched_too(
    pull: Pull,
    replay: Replay,
    house: House,
    platform: PlatformServer,
    *,
    held: str,
    updated: str,
    touched: str | None,
) -> None:
    pull_in_turn(pull, platform, [make_incidents(1, 99)[0] | {"day": held, "updated": updated}], [make_odd()])
    replay_mapped(replay)
    assert read_touched(house) == touched
