"""Rejected rows on the command line: list, show, replay, and the months that need a new revision afterwards."""

import csv
import io
import json
from pathlib import Path

import pytest
from city_runs import Home, run_fivestar

pytestmark = pytest.mark.flow


def read_lines(out: str) -> list[dict[str, str]]:
    """The rows of tab-separated output, by their header."""
    return list(csv.DictReader(io.StringIO(out), delimiter="\t", quoting=csv.QUOTE_NONE))


def test_the_list_holds_every_rejected_row_and_nothing_of_its_content(home: Home) -> None:
    rows = read_lines(home.run("quarantine", "list").out)
    assert list(rows[0]) == ["platform", "table", "batch_id", "record_no", "state", "reasons"]
    with home.open() as house:
        stored = sum(
            house.lake.read_quarantine(it.table, it.batch_id).num_rows
            for it in {it.batch_id: it for it in house.ledger.list_landings()}.values()
        )
    everything = [
        row
        for state in ("open", "superseded", "replayed", "refused")
        for row in read_lines(home.run("quarantine", "list", "--state", state).out)
    ]
    assert len(everything) == stored > 0
    assert {row["state"] for row in rows} == {"open"}
    assert not any("{" in value for row in rows for value in row.values())


def test_the_list_is_narrowed(home: Home) -> None:
    rows = read_lines(home.run("quarantine", "list").out)
    first = rows[0]
    reason = first["reasons"].split(";")[0]
    for option, value, name in (
        ("--platform", first["platform"], "platform"),
        ("--table", first["table"], "table"),
        ("--reason", reason, "reasons"),
    ):
        found = read_lines(home.run("quarantine", "list", option, value).out)
        assert found == [row for row in rows if value in row[name].split(";")]
    assert read_lines(home.run("quarantine", "list", "--month", "2023-01", "--platform", "public_service").out) == []


def test_the_count_says_in_chinese_what_reasons_mean(home: Home) -> None:
    rows = read_lines(home.run("quarantine", "list").out)
    counts = read_lines(home.run("quarantine", "list", "--count").out)
    assert list(counts[0]) == ["platform", "table", "state", "reason", "rows", "title"]
    assert sum(int(row["rows"]) for row in counts) == sum(len(row["reasons"].split(";")) for row in rows)
    titles = {row["reason"]: row["title"] for row in counts}
    assert titles["before_reported:closed_at"] == "早于上报时间"


def test_a_row_is_shown_whole_with_where_it_came_from_and_what_to_do(home: Home) -> None:
    row = next(
        it for it in read_lines(home.run("quarantine", "list").out) if "before_reported:closed_at" in it["reasons"]
    )
    answer = home.run("quarantine", "show", row["batch_id"], row["record_no"])
    assert (answer.code, answer.err) == (0, "")
    raw = answer.out[answer.out.index("\n{") : answer.out.index("\n}\n") + 2]
    with home.open() as house:
        stored = house.lake.read_quarantine(row["table"], row["batch_id"]).to_pylist()
    expected = next(it["raw"] for it in stored if it["record_no"] == int(row["record_no"]))
    assert json.loads(raw) == json.loads(expected)
    assert "before_reported:closed_at: 早于上报时间 (reject, rule after_report)" in answer.out
    # It came with December's pull, up to that month's cutoff, made on 5 April.
    window = "window 2023-12-01 00:00 to 2024-01-03 00:00, pulled 2024-04-05 10:00"
    assert f"{row['platform']}, events (events), {window}" in answer.out
    assert f"fivestar quarantine replay --batch {row['batch_id']}" in answer.out


def test_a_batch_is_shown_row_by_row(home: Home) -> None:
    rows = read_lines(home.run("quarantine", "list").out)
    batch_id = rows[0]["batch_id"]
    out = home.run("quarantine", "show", batch_id).out
    shown = [line.split()[1] for line in out.splitlines() if line.startswith("record:")]
    assert shown == [row["record_no"] for row in rows if row["batch_id"] == batch_id]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "--table", "evnets"], "--table is 'evnets'. Choose one of: communities"),
        (["list", "--state", "lost"], "--state is 'lost'. Choose one of: open, superseded, replayed, refused."),
        (["list", "--month", "March"], "month 'March' cannot be read"),
        (["show", "events-1"], "batch 'events-1' holds no rejected row"),
        (["replay", "--batch", "events-1"], "batch 'events-1' holds no rejected row that could be replayed"),
        (["replay", "--table", "evnets"], "--table is 'evnets'"),
    ],
)
def test_a_slip_is_answered_with_what_may_be_meant(home: Home, arguments: list[str], message: str) -> None:
    answer = home.run("quarantine", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err


def test_without_a_mended_rule_everything_stays_and_no_month_is_named(home: Home) -> None:
    before = home.run("quarantine", "list").out
    answer = home.run("quarantine", "replay")
    assert answer.code == 0
    assert ": 0 landed, " in answer.out
    assert "stays: before_reported:closed_at in " in answer.out
    assert "evaluate" not in answer.out
    assert home.run("quarantine", "list").out == before


def drop_rule(home: Home, rule_id: str) -> None:
    """The quality file of events without the rule of that id."""
    file = home.config / "quality" / "events.yaml"
    lines = file.read_text(encoding="utf-8").split("  - ")
    kept = [part for part in lines if not part.startswith((f"id: {rule_id}\n", f"{{id: {rule_id},"))]
    assert len(kept) == len(lines) - 1
    file.write_text("  - ".join(kept), encoding="utf-8")


def test_after_a_mended_rule_rows_land_and_the_months_are_told_until_they_are_judged_again(home: Home) -> None:
    drop_rule(home, "after_report")
    months = ["2024-02", "2024-03"]
    told = [
        "These months need a new revision, in this order:",
        *(f"fivestar evaluate --month {month}" for month in months),
    ]

    dry = home.run("quarantine", "replay", "--platform", "public_service", "--dry-run")
    assert "would land" in dry.out
    assert dry.out.splitlines()[-3:] == [told[0].replace("need", "would need"), *told[1:]]
    assert read_lines(home.run("quarantine", "list", "--state", "replayed").out) == []

    first = home.run("quarantine", "replay", "--platform", "public_service")
    assert (first.code, first.out.splitlines()[-3:]) == (0, told)
    landed = read_lines(home.run("quarantine", "list", "--state", "replayed").out)
    assert {row["platform"] for row in landed} == {"public_service"}
    again = home.run("quarantine", "replay", "--platform", "public_service")
    assert again.out.splitlines()[-3:] == told

    for place, month in enumerate(months, start=2):
        assert f"{month} revision 2 (new)" in home.run("evaluate", "--month", month).out
        left = home.run("quarantine", "replay", "--platform", "public_service").out.splitlines()
        assert [line for line in left if "evaluate" in line] == told[place:]


def test_the_months_after_the_earliest_that_is_touched_are_told_in_their_order(home: Home) -> None:
    with home.open() as house:
        assert house.ledger.results.list_months() == ["2024-02", "2024-03"]
    drop_rule(home, "after_report")
    # What came with February's pull may count from February on.
    answer = home.run("quarantine", "replay")
    told = [line for line in answer.out.splitlines() if line.startswith("fivestar evaluate")]
    with home.open() as house:
        touched = [
            house.lake.read_manifest(it.table, it.batch_id)["request"]["touches_from"]
            for it in house.ledger.list_landings()
            if it.slot.startswith("replay/")
        ]
    months = ("2024-02", "2024-03")
    assert told == [f"fivestar evaluate --month {month}" for month in months if month >= min(touched)]


def test_a_mapping_that_names_a_field_which_is_not_there_exits_12_and_lands_nothing(home: Home) -> None:
    file = home.config / "platforms" / "public_service.yaml"
    text = file.read_text(encoding="utf-8")
    line = next(it for it in text.splitlines() if it.strip().startswith("closed_at:"))
    file.write_text(text.replace(line, line.split(":")[0] + ": noSuchField"), encoding="utf-8")
    before = home.run("quarantine", "list", "--state", "open").out
    answer = home.run("quarantine", "replay", "--platform", "public_service")
    assert answer.code == 12
    assert "not judged, all its rows stay" in answer.out
    assert "not one of them has noSuchField (for closed_at)" in answer.err
    assert home.run("quarantine", "list").out == before


def test_an_empty_installation_has_nothing_to_list_or_replay(tmp_path: Path, home: Home) -> None:
    place = ("--home", str(tmp_path / "empty"), "--config", str(home.config))
    assert run_fivestar("quarantine", "list", *place).out == "platform\ttable\tbatch_id\trecord_no\tstate\treasons\n"
    assert run_fivestar("quarantine", "replay", *place).out == "No rejected row waits.\n"
