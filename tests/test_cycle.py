"""The small city's March, from platforms over real HTTP to delivered messages: what it leaves."""

import csv
import io
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from city_runs import DemoRun, Row, digest_tree, read_csv
from python_calamine import CalamineWorkbook

pytestmark = pytest.mark.flow


FILES = {
    "indicators.csv", "stars.csv", "ratings.csv", "grades.csv", "pay.csv", "awards.csv", "hr-review.xlsx",
    "report.html", "run.json",
}  # fmt: skip
# Columns and, marked *, order: interfaces.md, Results.
HEADERS = {
    "indicators.csv": "month,community_code*,star*,indicator*,numerator,denominator,value,score,state,window_months",
    "stars.csv": "month,revision,community_code*,star*,score,state,reasons",
    "ratings.csv": "month,revision,community_code*,district_code,stars,total_score,complete,rank",
    "grades.csv": "month,staff_id*,community_code,post,current_grade,entitled_grade,proposed_grade,kind,"
    "needs_manual,reasons,effective_on",
    "pay.csv": "month,staff_id*,basis*,grade,appraisal,basic_fen,performance_fen,uplift_fen,total_fen",
    "awards.csv": "pay_year,community_code*,stars,minimum_fen,maximum_fen,amount_fen",
}


def test_the_month_has_its_files_and_nothing_else(march: DemoRun) -> None:
    assert {path.name for path in march.home.march.iterdir()} == FILES
    assert {path.name for path in march.home.march.parent.iterdir()} == {"2024-02", "2024-03"}


@pytest.mark.parametrize("name", HEADERS)
def test_a_result_file_has_its_columns_its_mark_and_its_order(march: DemoRun, name: str) -> None:
    content = (march.home.march / name).read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in content
    assert content.endswith(b"\n")
    columns = HEADERS[name].split(",")
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert header == [column.rstrip("*") for column in columns]
    keys = [tuple(row[i] for i, column in enumerate(columns) if column.endswith("*")) for row in rows]
    assert keys
    assert keys == sorted(set(keys))


def test_scores_have_two_decimals_and_values_six(march: DemoRun, stars: dict[tuple[str, str], Row]) -> None:
    rows = read_csv(march.home.march / "indicators.csv")
    assert {Decimal(row["score"]).as_tuple().exponent for row in rows if row["score"]} == {-2}
    assert {Decimal(row["value"]).as_tuple().exponent for row in rows if row["value"]} == {-6}
    assert {Decimal(row["score"]).as_tuple().exponent for row in stars.values() if row["score"]} == {-2}


def test_every_worker_with_a_grade_has_a_current_and_a_proposed_pay_line(
    march: DemoRun, workers: dict[str, Row]
) -> None:
    lines = {(row["staff_id"], row["basis"]): row["grade"] for row in read_csv(march.home.march / "pay.csv")}
    current = {(key, "current"): row["current_grade"] for key, row in workers.items() if row["current_grade"]}
    proposed = {(key, "proposed"): row["proposed_grade"] for key, row in workers.items()}
    assert lines == current | proposed


def test_the_workbook_opens_and_lists_every_worker(march: DemoRun, workers: dict[str, Row]) -> None:
    book = CalamineWorkbook.from_path(march.home.march / "hr-review.xlsx")
    cells = {cell for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python() for cell in row}
    assert len(book.sheet_names) == 6
    assert set(workers) <= cells


def test_the_report_stands_alone_and_has_no_banner_when_nothing_is_missing(march: DemoRun) -> None:
    page = (march.home.march / "report.html").read_text(encoding="utf-8")
    assert "月度监测（暂定）" in page
    assert '<p class="banner"' not in page
    assert not any(word in page for word in ('src="http', "src='http", "<link", "@import", "<script src"))


def test_the_report_names_no_worker_of_the_city(march: DemoRun) -> None:
    page = (march.home.march / "report.html").read_text(encoding="utf-8")
    with march.home.open() as house:
        proposals = house.ledger.results.list_proposals("2024-03", 1)
    assert len(proposals) > 200
    assert not [row.staff_id for row in proposals if row.staff_id in page or row.name in page]


def test_the_report_compares_with_february_and_february_with_nothing(march: DemoRun) -> None:
    page = (march.home.march / "report.html").read_text(encoding="utf-8")
    first = (march.home.path / "outputs" / "2024-02" / "report.html").read_text(encoding="utf-8")
    assert re.search(r"<text[^>]*>－</text>", page)
    assert "没有上月结果" not in page
    assert "没有上月结果，不作比较，图中不标增减。" in first
    assert not re.search(r"<text[^>]*>[＋－]</text>", first)


def test_run_json_names_every_batch_source_and_file(march: DemoRun) -> None:
    run = orjson.loads((march.home.march / "run.json").read_bytes())
    digests = digest_tree(march.home.march)
    del digests["run.json"]
    assert run["digests"] == digests
    assert (run["month"], run["revision"], run["cutoff_at"]) == ("2024-03", 1, "2024-04-02T16:00:00Z")
    assert {source["platform"]: source["present"] for source in run["sources"]} == dict.fromkeys(
        ("comprehensive_governance", "law_enforcement", "public_service", "sheets", "supervision"), True
    )
    with march.home.open() as house:
        assert run["batches"] == [landing.batch_id for landing in house.ledger.list_landings()]
    assert run["counts"]["communities"] == 24


def test_one_star_card_a_community_one_ranking_a_district_and_one_digest_are_delivered(
    march: DemoRun, ratings: dict[str, Row]
) -> None:
    box = march.home.path / "outbox" / "2024-03"
    districts = {row["district_code"] for row in ratings.values()}
    expected = {f"secretary-{code}/star_card-{code}-secretary.md" for code in ratings}
    expected |= {f"supervisor-{code}/district_ranking-{code}-supervisor.md" for code in districts}
    expected |= {"hr-city/hr_digest-city-hr.md"}
    assert set(digest_tree(box)) == expected
    with march.home.open() as house:
        assert {row.status for row in house.ledger.outbox.list_messages(month="2024-03")} == {"delivered"}


def test_a_card_tells_its_own_community_only(march: DemoRun, ratings: dict[str, Row]) -> None:
    with march.home.open() as house:
        names = {row.community_code: row.name for row in house.ledger.results.list_communities("2024-03", 1)}
    unique = {code: name for code, name in names.items() if list(names.values()).count(name) == 1}
    assert unique
    for code, name in unique.items():
        card = march.home.path / "outbox" / "2024-03" / f"secretary-{code}" / f"star_card-{code}-secretary.md"
        text = card.read_text(encoding="utf-8")
        assert name in text
        assert not [other for other in unique.values() if other in text and other not in name]


def test_every_step_leaves_an_outcome(march: DemoRun) -> None:
    with march.home.open() as house:
        rows = house.ledger.list_outcomes()
    assert all(row["ok"] and row["message"] == "" for row in rows)
    steps = Counter((row["step"], row["subject"]) for row in rows if row["month"] == "2024-03")
    # A source with both registers is asked for each of them first, then for its facts (data.md).
    assert steps == {
        ("ingest", "comprehensive_governance/communities"): 1,
        ("ingest", "comprehensive_governance/grids"): 1,
        ("ingest", "comprehensive_governance"): 1,
        ("ingest", "law_enforcement"): 1,
        ("ingest", "public_service"): 1,
        ("ingest", "sheets"): 1,
        ("ingest", "supervision"): 1,
        ("check_contacts", None): 1,
        ("data_docs", None): 1,
        ("evaluate", None): 1,
        ("open_review", None): 1,
        ("notify", None): 1,
    }
    assert [row["step"] for row in rows if row["month"] is None] == ["deliver"]
    fingerprint = orjson.loads((march.home.march / "run.json").read_bytes())["policy_fingerprint"]
    assert {row["policy_fingerprint"] for row in rows if row["step"] == "evaluate"} == {fingerprint}


def test_rejected_rows_lie_in_quarantine_with_their_raw_record_and_reasons(march: DemoRun) -> None:
    with march.home.open() as house:
        landings = {landing.batch_id: landing.table for landing in house.ledger.list_landings()}
        rows = {
            batch_id: house.lake.read_quarantine(table, batch_id).to_pylist() for batch_id, table in landings.items()
        }
        rejected = {key: house.lake.read_manifest(table, key)["rejected_count"] for key, table in landings.items()}
    assert {batch_id: len(found) for batch_id, found in rows.items()} == rejected
    everyone = [row for found in rows.values() for row in found]
    assert everyone
    assert all(row["reasons"] and orjson.loads(row["raw"]) for row in everyone)
    reasons = {reason.split(":")[0] for row in everyone for reason in row["reasons"]}
    planted = {"not_registered", "other_community", "unmapped", "before_reported", "closed_without", "negative"}
    assert planted <= reasons


def test_no_worker_is_named_in_what_was_told_logged_or_recorded(march: DemoRun) -> None:
    with march.home.open() as house, house.view() as view:
        staff = view.table("staff").select("staff_id", "name").distinct().to_pyarrow()
        names, ids = set(staff.column("name").to_pylist()), set(staff.column("staff_id").to_pylist())
        texts = {
            "outcomes": repr(house.ledger.list_outcomes()),
            "pulls": repr(house.ledger.list_pulls()),
            "messages": repr(house.ledger.outbox.list_messages()),
            "stdout": march.answer.out,
            "stderr": march.answer.err,
            "report": (march.home.march / "report.html").read_text(encoding="utf-8"),
            "run.json": (march.home.march / "run.json").read_text(encoding="utf-8"),
        }
    assert len(ids) > 200
    assert {(name, word) for name, text in texts.items() for word in names | ids if word in text} == set()


def test_the_demo_says_first_what_to_open_first_and_all_it_names_is_there(march: DemoRun) -> None:
    lines = [line.strip() for line in march.answer.out.splitlines()]
    named = [Path(line.split(": ")[-1]) for line in lines if line.split(": ")[-1].startswith("/")]
    assert named[0] == march.home.march / "report.html"
    assert len(named) > 8
    assert all(path.exists() for path in named)
