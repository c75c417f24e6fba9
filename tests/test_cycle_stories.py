"""Every story planted in the small city comes out in March's result files."""

from collections import Counter

import pytest
from city_runs import DemoRun, Row, read_csv

from flows.results import STARS

pytestmark = pytest.mark.flow

# kind, current, entitled, proposed, needs_manual, reasons. A worker of post other without degree and certificate is
# entitled to 1 + served months div 36 (policy §4); the months served stand beside each.
WORKERS = {
    "none": ("none", "2", "2", "2", "false", ""),  # 40
    "initial": ("initial", "", "1", "1", "false", ""),  # 5
    "initial_blocked": ("initial", "", "2", "2", "true", "appraisal_basic"),  # 50
    "raise": ("raise", "2", "3", "3", "false", ""),  # 72
    "raise_two_steps": ("raise", "2", "4", "4", "true", "more_than_one_step"),  # 40, intermediate: 2 + 2
    "raise_degree": ("raise", "2", "4", "4", "false", ""),  # 57 + 60 for a master: 117 div 36 = 3
    "promoted": ("post_change", "3", "6", "6", "false", ""),  # 73; a deputy's floor is 4: 4 + 2
    "demoted": ("post_change", "6", "3", "3", "true", ""),  # 73: 1 + 2
    "review": ("review", "6", "4", "6", "true", "entitled_below_current"),  # 110: 1 + 3
    "hold_basic": ("hold", "2", "3", "2", "false", "appraisal_basic"),  # 72
    "hold_incompetent": ("hold", "2", "3", "2", "false", "appraisal_incompetent"),  # 84 − 12 = 72
    "hold_missing": ("hold", "2", "3", "2", "false", "appraisal_missing"),  # 72
    "hold_sanction": ("hold", "2", "3", "2", "false", "sanction"),  # 72
    "hold_twice": ("hold", "2", "3", "2", "false", "appraisal_basic;sanction"),  # 72
}
COMMUNITIES = {
    "veto_weak_branch", "veto_incident", "missing_data", "false_closures", "lost_star", "tied_first", "tied_second",
    "withdrawn_incident",
}  # fmt: skip


def judge(row: Row) -> str:
    return f"{row['state']}: {row['reasons']}" if row["reasons"] else row["state"]


def test_every_planted_story_is_looked_up_here(subjects: dict[str, str]) -> None:
    assert set(subjects) == COMMUNITIES | set(WORKERS)


@pytest.mark.parametrize("key", WORKERS)
def test_the_planted_worker_gets_the_proposal_that_the_story_tells(
    subjects: dict[str, str], workers: dict[str, Row], key: str
) -> None:
    row = workers[subjects[key]]
    columns = ("kind", "current_grade", "entitled_grade", "proposed_grade", "needs_manual", "reasons")
    assert tuple(row[column] for column in columns) == WORKERS[key]
    assert (row["month"], row["effective_on"]) == ("2024-03", "2024-04-01")


def test_the_workers_who_change_were_raised_and_published_the_month_before(
    march: DemoRun, subjects: dict[str, str]
) -> None:
    before = {row["staff_id"]: row for row in read_csv(march.home.path / "outputs" / "2024-02" / "grades.csv")}
    told = {
        key: tuple(before[subjects[key]][column] for column in ("kind", "current_grade", "proposed_grade"))
        for key in ("raise_degree", "promoted", "demoted")
    }
    raised = {"raise_degree": ("raise", "1", "2"), "promoted": ("raise", "2", "3"), "demoted": ("raise", "5", "6")}
    assert told == raised


def test_a_weak_branch_vetoes_all_five_stars(
    subjects: dict[str, str], stars: dict[tuple[str, str], Row], ratings: dict[str, Row]
) -> None:
    code = subjects["veto_weak_branch"]
    assert {judge(stars[code, star]) for star in STARS} == {"vetoed: weak_branch"}
    assert ratings[code]["stars"] == "0"


def test_a_confirmed_incident_vetoes_safety_and_a_withdrawn_one_does_not(
    subjects: dict[str, str], stars: dict[tuple[str, str], Row]
) -> None:
    assert judge(stars[subjects["veto_incident"], "safety"]) == "vetoed: incident"
    assert judge(stars[subjects["withdrawn_incident"], "safety"]) == "lit"


def test_a_missing_sheet_row_leaves_the_branch_without_data_and_the_community_without_rank(
    subjects: dict[str, str], stars: dict[tuple[str, str], Row], ratings: dict[str, Row]
) -> None:
    code = subjects["missing_data"]
    # Of the weights 40, 40, 20 only the grids' 40 have data: 40 % is under 60 % (policy §3.3).
    assert judge(stars[code, "branch"]) == "insufficient_data: weight_share"
    assert (ratings[code]["complete"], ratings[code]["rank"]) == ("false", "")


def test_three_false_closures_withhold_the_star(subjects: dict[str, str], stars: dict[tuple[str, str], Row]) -> None:
    assert judge(stars[subjects["false_closures"], "co_building"]) == "withheld: false_closures"


def test_a_community_lost_its_star_since_the_month_before(
    march: DemoRun, subjects: dict[str, str], stars: dict[tuple[str, str], Row], ratings: dict[str, Row]
) -> None:
    code = subjects["lost_star"]
    outputs_before = march.home.path / "outputs" / "2024-02"
    before = {row["community_code"]: row for row in read_csv(outputs_before / "ratings.csv")}
    assert (before[code]["stars"], ratings[code]["stars"]) == ("4", "3")
    assert stars[code, "wellbeing"]["state"] == "unlit"


def test_two_communities_tie_for_the_first_rank_and_the_next_is_third(
    subjects: dict[str, str], ratings: dict[str, Row]
) -> None:
    first, second = (ratings[subjects[key]] for key in ("tied_first", "tied_second"))
    for row in (first, second):
        assert (row["stars"], row["total_score"], row["rank"]) == ("5", "100.00", "1")
    assert first["district_code"] == second["district_code"]
    ranks = [row["rank"] for row in ratings.values() if row["district_code"] == first["district_code"]]
    assert "2" not in ranks
    assert "3" in ranks


def test_between_5_and_30_percent_of_communities_hold_four_stars(ratings: dict[str, Row]) -> None:
    many = sum(int(row["stars"]) >= 4 for row in ratings.values())
    assert 5 * len(ratings) <= 100 * many <= 30 * len(ratings)


def test_stars_agree_with_ratings(stars: dict[tuple[str, str], Row], ratings: dict[str, Row]) -> None:
    assert set(stars) == {(code, star) for code in ratings for star in STARS}
    lit = Counter(code for (code, _), row in stars.items() if row["state"] == "lit")
    assert {code: row["stars"] for code, row in ratings.items()} == {code: str(lit[code]) for code in ratings}
