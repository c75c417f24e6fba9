"""The result files: their columns, their bytes, and how one revision takes another's place."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from flows.ledger.review_rows import ArrearsLine
from flows.outputs import MonthFolder, digest_files, format_arrears, write_result_csvs
from flows.results import AwardLine, IndicatorRow, MonthResult, PayLine, RatingRow, StarRow

BOM = b"\xef\xbb\xbf"
CODE = "410202001009"
NOW = datetime(2024, 4, 3, tzinfo=UTC)


def read(path: Path) -> list[str]:
    content = path.read_bytes()
    assert content.startswith(BOM)
    assert b"\r" not in content
    return content.removeprefix(BOM).decode().splitlines()


@pytest.fixture
def result(make_result: Callable[..., MonthResult]) -> MonthResult:
    return make_result(community_count=1, staff_per_community=0)


def test_indicators_have_six_decimals_of_value_two_of_score_and_nothing_where_there_is_nothing(
    tmp_path: Path, result: MonthResult
) -> None:
    rows = [
        # 2/3 = 0.6666666… → 0.666667; a score of 100/3 = 33.333… → 33.33
        IndicatorRow(CODE, "wellbeing", "service_on_time", 2, 3, Fraction(2, 3), Fraction(100, 3), "ok", 3),
        IndicatorRow(CODE, "branch", "meetings_held", 0, 0, None, None, "no_data", 1),
        IndicatorRow(CODE, "wellbeing", "three_rates", None, None, Fraction(1), Fraction(100), "ok", 1),
    ]
    write_result_csvs(tmp_path, replace(result, indicators=rows), 1)
    assert read(tmp_path / "indicators.csv") == [
        "month,community_code,star,indicator,numerator,denominator,value,score,state,window_months",
        f"2024-03,{CODE},branch,meetings_held,0,0,,,no_data,1",
        f"2024-03,{CODE},wellbeing,service_on_time,2,3,0.666667,33.33,ok,3",
        f"2024-03,{CODE},wellbeing,three_rates,,,1.000000,100.00,ok,1",
    ]


def test_stars_and_ratings_keep_two_decimals_join_reasons_and_write_booleans_small(
    tmp_path: Path, result: MonthResult
) -> None:
    stars = [StarRow(CODE, "safety", Decimal("80.00"), "vetoed", ("weak_branch", "incident"))]
    ratings = [
        RatingRow("410202001011", "410202", 0, None, False, None),
        RatingRow(CODE, "410202", 4, Decimal("0.00"), True, 1),
    ]
    write_result_csvs(tmp_path, replace(result, stars=stars, ratings=ratings), 2)
    assert read(tmp_path / "stars.csv") == [
        "month,revision,community_code,star,score,state,reasons",
        f"2024-03,2,{CODE},safety,80.00,vetoed,weak_branch;incident",
    ]
    assert read(tmp_path / "ratings.csv") == [
        "month,revision,community_code,district_code,stars,total_score,complete,rank",
        f"2024-03,2,{CODE},410202,4,0.00,true,1",
        "2024-03,2,410202001011,410202,0,,false,",
    ]


def test_grades_show_what_was_decided_and_neither_name_nor_trace(
    tmp_path: Path, make_result: Callable[..., MonthResult]
) -> None:
    result = make_result(community_count=1, staff_per_community=1)
    proposal = replace(
        result.proposals[0], current_grade=None, kind="initial", reasons=("sanction",), needs_manual=True
    )
    write_result_csvs(tmp_path, replace(result, proposals=[proposal]), 1)
    header, line = read(tmp_path / "grades.csv")
    assert header == (
        "month,staff_id,community_code,post,current_grade,entitled_grade,proposed_grade,kind,needs_manual,reasons,"
        "effective_on"
    )
    assert line == (
        f"2024-03,{proposal.staff_id},{proposal.community_code},{proposal.post},,{proposal.entitled_grade},"
        f"{proposal.proposed_grade},initial,true,sanction,2024-04-01"
    )


def test_pay_awards_and_arrears_are_whole_fen(tmp_path: Path, result: MonthResult) -> None:
    pay = [
        PayLine("K2", "proposed", 2, "absent", 249_900, 107_100, 0, 357_000),
        PayLine("K2", "current", 1, "absent", 238_000, 102_000, 0, 340_000),
    ]
    awards = [AwardLine(2024, CODE, 4, 2_000_000, 10_000_000, None)]
    write_result_csvs(tmp_path, replace(result, pay_lines=pay, awards=awards), 1)
    assert read(tmp_path / "pay.csv") == [
        "month,staff_id,basis,grade,appraisal,basic_fen,performance_fen,uplift_fen,total_fen",
        "2024-03,K2,current,1,absent,238000,102000,0,340000",
        "2024-03,K2,proposed,2,absent,249900,107100,0,357000",
    ]
    assert read(tmp_path / "awards.csv") == [
        "pay_year,community_code,stars,minimum_fen,maximum_fen,amount_fen",
        f"2024,{CODE},4,2000000,10000000,",
    ]
    line = ArrearsLine("2024-03", "K2", date(2024, 4, 1), date(2024, 6, 15), 2, 17_000, 34_000)
    (tmp_path / "arrears.csv").write_bytes(format_arrears([line]))
    assert read(tmp_path / "arrears.csv") == [
        "month,staff_id,effective_on,approved_on,months,monthly_fen,total_fen",
        "2024-03,K2,2024-04-01,2024-06-15,2,17000,34000",
    ]


def test_without_rows_every_file_still_has_its_header(tmp_path: Path, result: MonthResult) -> None:
    empty = replace(result, indicators=[], stars=[], ratings=[], proposals=[], pay_lines=[], awards=[])
    write_result_csvs(tmp_path, empty, 1)
    assert {name: len(read(tmp_path / name)) for name in digest_files(tmp_path)} == {
        "indicators.csv": 1,
        "stars.csv": 1,
        "ratings.csv": 1,
        "grades.csv": 1,
        "pay.csv": 1,
        "awards.csv": 1,
    }


def write_revision(folder: MonthFolder, revision: int, text: str) -> None:
    with folder.stage() as staged:
        (staged.path / "stars.csv").write_text(text)
        staged.seal(revision, json.dumps({"revision": revision}).encode())


def test_the_newest_revision_lies_on_top_and_every_older_one_below(tmp_path: Path) -> None:
    folder = MonthFolder(tmp_path, "2024-03")
    for revision, text in ((1, "one"), (2, "two"), (3, "three")):
        write_revision(folder, revision, text)
    assert (folder.path / "stars.csv").read_text() == "three"
    assert (folder.path / "revisions" / "1" / "stars.csv").read_text() == "one"
    assert (folder.path / "revisions" / "2" / "stars.csv").read_text() == "two"
    assert sorted(path.name for path in (folder.path / "revisions").iterdir()) == ["1", "2"]
    assert folder.find_revision() == 3


def test_sealing_the_same_revision_again_moves_nothing(tmp_path: Path) -> None:
    folder = MonthFolder(tmp_path, "2024-03")
    write_revision(folder, 1, "one")
    write_revision(folder, 2, "two")
    write_revision(folder, 2, "two")
    assert [path.name for path in (folder.path / "revisions").iterdir()] == ["1"]
    assert (folder.path / "stars.csv").read_text() == "two"


def test_what_a_run_left_that_was_never_recorded_gives_way_and_older_revisions_stay(tmp_path: Path) -> None:
    folder = MonthFolder(tmp_path, "2024-03")
    write_revision(folder, 1, "one")
    write_revision(folder, 2, "sealed, but its transaction was rolled back")
    write_revision(folder, 1, "one")
    assert (folder.path / "stars.csv").read_text() == "one"
    assert not (folder.path / "revisions").exists() or not list((folder.path / "revisions").iterdir())
    write_revision(folder, 2, "two")
    assert (folder.path / "revisions" / "1" / "stars.csv").read_text() == "one"


def test_older_revisions_stay_when_the_newest_ones_run_json_is_lost(tmp_path: Path) -> None:
    folder = MonthFolder(tmp_path, "2024-03")
    write_revision(folder, 1, "one")
    write_revision(folder, 2, "two")
    (folder.path / "run.json").unlink()
    write_revision(folder, 2, "two")
    assert (folder.path / "revisions" / "1" / "stars.csv").read_text() == "one"


def test_a_run_killed_while_it_cleaned_up_is_put_right_by_the_next(tmp_path: Path) -> None:
    folder = MonthFolder(tmp_path, "2024-03")
    write_revision(folder, 1, "one")
    left = folder.path.with_name(".2024-03.old")
    left.mkdir()
    (left / "stars.csv").write_text("left")
    write_revision(folder, 2, "two")
    assert not left.exists()
    assert (folder.path / "stars.csv").read_text() == "two"


def test_arrears_go_with_the_revision_that_they_were_published_from(tmp_path: Path) -> None:
    folder = MonthFolder(tmp_path, "2024-03")
    write_revision(folder, 1, "one")
    folder.write_file("arrears.csv", b"arrears")
    write_revision(folder, 2, "two")
    assert (folder.path / "revisions" / "1" / "arrears.csv").read_bytes() == b"arrears"
    assert not (folder.path / "arrears.csv").exists()


def test_a_revision_that_was_never_sealed_leaves_the_month_as_it_was(tmp_path: Path) -> None:
    folder = MonthFolder(tmp_path, "2024-03")
    write_revision(folder, 1, "one")
    with pytest.raises(RuntimeError), folder.stage() as staged:
        (staged.path / "stars.csv").write_text("half")
        raise RuntimeError
    assert (folder.path / "stars.csv").read_text() == "one"
    assert [path.name for path in folder.path.parent.iterdir()] == ["2024-03"]


def test_a_run_killed_between_its_renames_is_put_right_by_the_next(tmp_path: Path) -> None:
    folder = MonthFolder(tmp_path, "2024-03")
    write_revision(folder, 1, "one")
    folder.path.rename(folder.path.with_name(".2024-03.old"))
    assert folder.find_revision() == 1
    write_revision(folder, 2, "two")
    assert (folder.path / "revisions" / "1" / "stars.csv").read_text() == "one"


def test_a_folder_holds_its_digests_until_a_file_is_touched(tmp_path: Path) -> None:
    folder = MonthFolder(tmp_path, "2024-03")
    write_revision(folder, 1, "one")
    digests = digest_files(folder.path)
    assert folder.holds(digests)
    (folder.path / "stars.csv").write_text("touched")
    assert not folder.holds(digests)
