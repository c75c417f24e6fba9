"""`fivestar explain` on the small city: the same figures as the result files, in words and for programs."""

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from city_runs import MARCH, Answer, DemoRun, Home, Row, digest_tree, read_csv, run_fivestar

from flows.evaluate.communities import assess_communities
from flows.evaluate.explain.community import CommunityExplanation, explain_community
from flows.inputs import find_record, rebuild_inputs

pytestmark = pytest.mark.flow

ROOT = Path(__file__).parents[2]


def explain(home: Home, *arguments: str) -> Answer:
    return home.run("explain", *arguments, "--month", "2024-03")


def read_json(home: Home, *arguments: str) -> dict[str, Any]:
    answer = explain(home, *arguments, "--json")
    assert (answer.code, answer.err) == (0, "")
    return json.loads(answer.out)


@pytest.fixture(scope="module")
def every_community(march: DemoRun, tmp_path_factory: pytest.TempPathFactory) -> list[CommunityExplanation]:
    """Every community of March explained from one view of the whole city."""
    with march.home.copy(tmp_path_factory.mktemp("explained")).open() as house:
        record = find_record(house, MARCH, None)
        inputs = rebuild_inputs(house, record)
        policy_at = inputs.policy.at(MARCH.last_on)
        with house.view(list(inputs.landings)) as view:
            presence = {source.platform: source.present for source in inputs.sources}
            assessment = assess_communities(view, policy_at, MARCH, presence)
            return [
                explain_community(
                    view,
                    assessment,
                    policy_at,
                    community,
                    sources=inputs.sources,
                    ratings=assessment.ratings,
                    with_events=True,
                )
                for community in assessment.communities
            ]


def test_for_every_community_and_indicator_as_many_events_are_listed_as_counted_against_it(
    every_community: list[CommunityExplanation],
) -> None:
    listed_count = 0
    for explanation in every_community:
        for indicator in (each for star in explanation.stars for each in star.indicators):
            for measure in indicator.measures:
                case = (explanation.community.community_code, indicator.indicator, measure.name)
                missing = measure.denominator - measure.numerator
                expected = measure.numerator if indicator.indicator == "city_case_rework" else missing
                if measure.events_against is not None:
                    assert len(measure.events_against) == expected, case
                    assert all(event.reasons for event in measure.events_against), case
                    assert sum(each.row_count for each in measure.batches) == measure.denominator, case
                    listed_count += expected
                elif measure.grids_against is not None:
                    assert len(measure.grids_against) == expected, case
                assert measure.against_count == expected, case
                assert measure.numerator == sum(month.numerator for month in measure.months), case
                assert measure.denominator == sum(month.denominator for month in measure.months), case
    assert listed_count > 0


def test_what_is_explained_are_the_rows_of_the_result_files(
    home: Home, subjects: dict[str, str], every_community: list[CommunityExplanation]
) -> None:
    indicators = {(row["community_code"], row["indicator"]): row for row in read_csv(home.march / "indicators.csv")}
    ratings = {row["community_code"]: row for row in read_csv(home.march / "ratings.csv")}
    stars = {(row["community_code"], row["star"]): row for row in read_csv(home.march / "stars.csv")}
    told = 0
    for explanation in every_community:
        code = explanation.community.community_code
        for star in explanation.stars:
            assert (star.state, ";".join(star.reasons)) == (
                stars[code, star.star]["state"],
                stars[code, star.star]["reasons"],
            )
            assert ("" if star.score is None else str(star.score)) == stars[code, star.star]["score"]
            for each in star.indicators:
                row = indicators[code, each.indicator]
                assert (each.state, each.window_months) == (row["state"], int(row["window_months"]))
                if len(each.measures) == 1:
                    [measure] = each.measures
                    assert (str(measure.numerator), str(measure.denominator)) == (
                        row["numerator"],
                        row["denominator"],
                    )
                told += 1
        assert str(explanation.rating.rank or "") == ratings[code]["rank"]
        assert explanation.rating.stars == int(ratings[code]["stars"])
        if explanation.rating.rank:
            # A rank is one more than the number of better ones (policy §3.4).
            assert len(explanation.rating.better) == explanation.rating.rank - 1
    assert told == len(indicators)


@pytest.fixture
def code(ratings: dict[str, Row]) -> str:
    """A community that lacks a star, so that there is something to explain."""
    return min(key for key, row in ratings.items() if row["complete"] == "true" and int(row["stars"]) < 5)


def test_a_community_is_explained_alike_in_words_and_for_programs(home: Home, code: str) -> None:
    document = read_json(home, "community", code, "--events")
    answer = explain(home, "community", code, "--events")
    assert (answer.code, answer.err) == (0, "")
    text = answer.out
    assert text.startswith("月度监测（暂定）　2024年3月　社区星级说明\n")
    assert document["schema"] == "fivestar.explain.community/1"
    assert document["heading"]["policy_fingerprint"] in text
    assert f"结果版次：第 {document['heading']['revision']} 版" in text
    listed = 0
    for star in document["stars"]:
        assert star["title"] in text
        assert star["score_arithmetic"] in text
        assert star["mean_arithmetic"] in text
        for check in star["false_closures"]:
            assert check["check_id"] in text
        for indicator in star["indicators"]:
            assert f"（{indicator['indicator']}，评估规则 §2，权重 {indicator['weight']}）" in text
            assert indicator["score_arithmetic"] in text
            for measure in indicator["measures"]:
                for month in measure["months"]:
                    assert f"：{month['numerator']} / {month['denominator']}\n" in text
                for batch in measure["batches"]:
                    assert f"{batch['batch_id']}（{batch['row_count']} 条）" in text
                for event in measure["events_against"] or ():
                    assert f"{event['platform']}/{event['event_id']} " in text
                    listed += 1
    lines = text.splitlines()
    platforms = ("law_enforcement/", "public_service/", "comprehensive_governance/")
    assert sum(line.strip().startswith(platforms) for line in lines) == listed > 0
    assert document["rating"]["total_arithmetic"] in text
    for value in document["policy"]:
        assert f"  {value['path']}　{value['title']}：" in text
        assert f"〕{value['reference']}；{value['start_on']} 起" in text


def test_without_events_none_is_named_and_their_number_is_told(home: Home, code: str) -> None:
    text = explain(home, "community", code).out
    assert "，加 --events 列出" in text
    document = read_json(home, "community", code)
    measures = [each for star in document["stars"] for one in star["indicators"] for each in one["measures"]]
    assert {json.dumps(each["events_against"]) for each in measures} == {"null"}


def test_exact_numbers_are_text_and_counts_are_numbers(home: Home, code: str) -> None:
    document = read_json(home, "community", code)
    star = document["stars"][0]
    assert (star["lit_score"], star["weight_share_minimum"], star["false_closure_deduction"]) == ("80", "3/5", "1")
    assert isinstance(star["indicators"][0]["weight"], int)
    assert document["cutoff_at"] == "2024-04-02T16:00:00Z"


def test_explaining_changes_nothing(home: Home, code: str, workers: dict[str, Row]) -> None:
    def read_state() -> tuple[dict[str, str], list[dict[str, Any]]]:
        with home.open() as house:
            return digest_tree(home.path / "outputs"), house.ledger.list_outcomes()

    before = read_state()
    assert explain(home, "community", code).code == 0
    assert explain(home, "staff", min(workers)).code == 0
    assert read_state() == before
    assert list((home.path / "scratch").iterdir()) == []


def change_lit_score(home: Home) -> None:
    file = home.config / "policy" / "five_star.yaml"
    text = file.read_text(encoding="utf-8")
    assert text.count('value: "80.00"') == 1
    file.write_text(text.replace('value: "80.00"', 'value: "99.50"'), encoding="utf-8")


def test_an_old_revision_is_explained_by_the_policy_that_it_was_judged_by(home: Home, code: str) -> None:
    change_lit_score(home)
    assert home.run("evaluate", "--month", "2024-03").code == 0

    def read_line(*arguments: str) -> tuple[int, str]:
        document = read_json(home, "community", code, *arguments)
        [cited] = [value["value"] for value in document["policy"] if value["path"] == "five_star.lit_score"]
        assert document["stars"][0]["lit_score"] == {"80.00": "80", "99.50": "199/2"}[cited]
        return document["heading"]["revision"], cited

    assert read_line() == (2, "99.50")
    assert read_line("--revision", "1") == (1, "80.00")


def tamper(home: Home, table: str, change: str, key: str, value: str) -> None:
    """Change March's rows behind the ledger's back: nobody gets there through it, for its tables are append-only."""
    with sqlite3.connect(home.path / "ledger.sqlite") as ledger:
        guards = ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", [table])
        for (guard,) in guards.fetchall():
            ledger.execute(f"DROP TRIGGER {guard}")
        changed = ledger.execute(f"UPDATE {table} SET {change} WHERE month = '2024-03' AND {key} = ?", [value])
        assert changed.rowcount >= 1


def test_a_stored_figure_that_does_not_come_out_again_is_not_explained(home: Home, code: str) -> None:
    tamper(
        home, "indicator_results", "numerator = numerator + 1", "indicator = 'wish_closed' AND community_code", code
    )
    answer = explain(home, "community", code)
    assert (answer.code, answer.out) == (13, "")
    assert "indicator wish_closed has numerator" in answer.err
    assert "fivestar replay --month 2024-03 --revision 1" in answer.err


def test_a_stored_rank_that_does_not_follow_from_the_ratings_is_not_explained(home: Home, code: str) -> None:
    tamper(home, "rating_results", "rank = 99", "community_code", code)
    answer = explain(home, "community", code)
    assert answer.code == 13
    assert f"rating {code} has rank 99, now" in answer.err


def test_a_stored_proposal_that_does_not_come_out_again_is_not_explained_and_nobody_is_named(
    home: Home, workers: dict[str, Row]
) -> None:
    staff_id = min(workers)
    tamper(home, "grade_proposals", "name = '赵建国'", "staff_id", staff_id)
    answer = explain(home, "staff", staff_id)
    assert (answer.code, answer.out) == (13, "")
    assert f"proposal {staff_id} comes out differently" in answer.err
    assert "赵建国" not in answer.err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("community", "410202999999", "--month", "2024-03"), 2, "'410202999999' is not among the 24 that 2024-03"),
        (("community", "410202999999", "--month", "2023-01"), 13, "2023-01 has no result"),
        (("community", "410202999999", "--month", "2024-03", "--revision", "9"), 2, "It has 1; name one"),
        (("community", "410202999999", "--month", "2024-3"), 2, "Write it as YYYY-MM"),
        (("staff", "NOBODY", "--month", "2024-03"), 2, "worker 'NOBODY' has no proposal in 2024-03 revision 1"),
        (("staff", "NOBODY", "--month", "2023-01"), 13, "2023-01 has no result"),
        (("staff", "NOBODY", "--month", "2024-03", "--revision", "9"), 2, "It has 1; name one"),
    ],
)
def test_what_cannot_be_explained_says_why(home: Home, arguments: tuple[str, ...], code: int, told: str) -> None:
    answer = home.run("explain", *arguments)
    assert (answer.code, answer.out) == (code, "")
    assert told in answer.err
    assert "Traceback" not in answer.err


def test_a_worker_of_every_kind_is_explained_as_the_files_have_it(home: Home, workers: dict[str, Row]) -> None:
    by_kind = {row["kind"]: staff_id for staff_id, row in sorted(workers.items(), reverse=True)}
    pay = {(row["staff_id"], row["basis"]): row for row in read_csv(home.march / "pay.csv")}
    for staff_id in by_kind.values():
        row = workers[staff_id]
        document = read_json(home, "staff", staff_id)
        for column in ("kind", "community_code", "post", "effective_on"):
            assert document[column] == row[column]
        grades = [document[f"{name}_grade"] for name in ("current", "entitled", "proposed")]
        assert ["" if grade is None else str(grade) for grade in grades] == [
            row[f"{name}_grade"] for name in ("current", "entitled", "proposed")
        ]
        assert ";".join(document["reasons"]) == row["reasons"]
        for line in document["pay"]:
            fen = {part["name"]: part["fen"] for part in line["parts"]}
            columns = ("basic", "performance", "uplift", "total")
            assert [str(fen[name]) for name in columns] == [
                pay[staff_id, line["basis"]][f"{name}_fen"] for name in columns
            ]
            assert fen["basic"] + fen["performance_base"] == fen["grade_pay"]
        [roster] = [record for record in document["records"] if record["table"] == "staff"]
        assert roster["slot"] == "人员名册-2024-03.xlsx"


def test_the_roster_row_behind_a_worker_is_found_by_batch_and_record(home: Home, workers: dict[str, Row]) -> None:
    staff_id = min(workers)
    [record] = [each for each in read_json(home, "staff", staff_id)["records"] if each["table"] == "staff"]
    with home.open() as house, house.view() as view:
        landed = view.landed("staff")
        [row] = (
            landed.filter(landed.batch_id == record["batch_id"], landed.record_no == record["record_no"])
            .to_pyarrow()
            .to_pylist()
        )
    assert (row["staff_id"], row["month"]) == (staff_id, "2024-03")


def test_a_workers_name_is_on_hrs_page_only(home: Home, workers: dict[str, Row]) -> None:
    staff_id = min(workers)
    with home.open() as house:
        [name] = [row.name for row in house.ledger.results.list_proposals("2024-03", 1) if row.staff_id == staff_id]
    text, document = explain(home, "staff", staff_id), explain(home, "staff", staff_id, "--json")
    assert f"员工：{staff_id} {name}，" in text.out
    assert name not in document.out
    assert text.err == document.err == ""


def test_a_decision_and_what_it_put_into_force_are_told(home: Home, workers: dict[str, Row]) -> None:
    staff_id = min(key for key, row in workers.items() if row["kind"] == "raise" and row["needs_manual"] == "false")
    given = ("--month", "2024-03", "--reviewer", "审核人", "--staff", staff_id, "--comment", "核对无误")
    assert home.run("review", "approve", *given).code == 0
    assert home.run("publish", "--month", "2024-03").code == 0
    document = read_json(home, "staff", staff_id)
    [decision] = document["decisions"]
    assert (decision["verdict"], decision["reviewer"], decision["holds"]) == ("approved", "审核人", True)
    newest = document["register"][-1]
    assert (newest["grade"], newest["effective_on"]) == (document["proposed_grade"], "2024-04-01")
    assert newest["decision_no"] == decision["decision_no"]
    assert "同意，审核人，2024-04-05 10:00：核对无误（有效）" in explain(home, "staff", staff_id).out


def test_a_month_must_be_named(tmp_path: Path) -> None:
    assert run_fivestar("explain", "community", "410202999999", "--home", str(tmp_path)).code == 2


def list_keys(value: Any) -> set[str]:
    """Every key of a document; not those of `inputs`, `sheet`, `key` and a star's `sources`, which name facts."""
    if isinstance(value, list):
        return {key for each in value for key in list_keys(each)}
    if not isinstance(value, dict):
        return set()
    facts = {"inputs", "sheet", "key"} | ({"sources"} if isinstance(value.get("sources"), dict) else set())
    return set(value) | {key for name, each in value.items() if name not in facts for key in list_keys(each)}


def test_the_documentation_names_every_key(home: Home, code: str, workers: dict[str, Row]) -> None:
    documented = set(re.findall(r"`([a-z_]+)`", (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")))
    found = list_keys(read_json(home, "community", code, "--events")) | list_keys(
        read_json(home, "staff", min(workers))
    )
    assert found - documented == set()
