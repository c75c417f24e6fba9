"""Another policy on the small city's March from the command line: what it says, writes and leaves alone."""

import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from city_runs import Answer, DemoRun, Home, Row, digest_tree, read_csv

from flows.locks import hold_file
from flows.wording import format_yuan

pytestmark = pytest.mark.flow

FILES = ["communities.csv", "compare.html", "costs.csv", "policy.csv", "workers.csv"]
STARS = ("branch", "co_building", "enterprise", "safety", "wellbeing")


def edit_policy(home: Home, target: Path, *edits: tuple[str, str, str, str]) -> Path:
    """A copy of the home's policy; each edit names a file, a key, and what to replace after that key by what."""
    shutil.copytree(home.config / "policy", target)
    for name, key, old, new in edits:
        file = target / name
        before, found, after = file.read_text(encoding="utf-8").partition(f"{key}:")
        assert found and old in after
        file.write_text(before + found + after.replace(old, new, 1), encoding="utf-8")
    return target


CONFIRMED = "confirmed_on: 2026-11-23\n"


def add_entry(name: str, key: str, start: str, value: str) -> tuple[str, str, str, str]:
    """The edit that adds a later entry to a policy value with one entry."""
    indent = " " * (4 + len(key) - len(key.lstrip()))
    entry = f"{{start: {start}, value: {value}, tag: assumed, reference: 测算用, confirmed_on: 2024-01-01}}"
    return (name, key, CONFIRMED, f"{CONFIRMED}{indent}- {entry}\n")


def compare(home: Home, policy: Path) -> Answer:
    return home.run("compare", "--month", "2024-03", "--policy", str(policy))


def find_folder(answer: Answer) -> Path:
    return Path(answer.out.splitlines()[-1].removeprefix("files: "))


LIT_75 = ("five_star.yaml", "lit_score", '"80.00"', '"75.00"')
STEP_30 = ("grades.yaml", "step_months", "value: 36", "value: 30")


@dataclass(frozen=True)
class Tried:
    """A policy with a lower lit score and a shorter step, tried once on the small city's March."""

    home: Home
    policy: Path
    answer: Answer
    folder: Path
    outputs_before: dict[str, str]

    def read(self, name: str) -> list[Row]:
        return read_csv(self.folder / name)


@pytest.fixture(scope="module")
def tried(march: DemoRun, tmp_path_factory: pytest.TempPathFactory) -> Tried:
    folder = tmp_path_factory.mktemp("compare")
    home = march.home.copy(folder)
    policy = edit_policy(home, folder / "policy", LIT_75, STEP_30)
    outputs_before = digest_tree(home.path / "outputs")
    answer = compare(home, policy)
    assert answer.code == 0, answer.err
    return Tried(home, policy, answer, find_folder(answer), outputs_before)


def test_the_files_lie_in_a_folder_of_the_month_and_the_policy(tried: Tried) -> None:
    assert tried.folder.parent == tried.home.path / "compare"
    assert re.fullmatch("2024-03-[0-9a-f]{12}-[0-9a-f]{12}", tried.folder.name)
    assert sorted(path.name for path in tried.folder.iterdir()) == FILES
    assert [path.name for path in tried.folder.parent.iterdir()] == [tried.folder.name]


def test_the_months_results_and_decisions_stay_what_they_were(tried: Tried) -> None:
    assert digest_tree(tried.home.path / "outputs") == tried.outputs_before
    with tried.home.open() as house:
        latest = house.ledger.results.find_latest("2024-03")
    assert latest is not None
    assert latest.revision == 1


def test_the_lower_lit_score_lights_exactly_the_stars_that_lacked_up_to_five_points(
    tried: Tried, stars: dict[tuple[str, str], Row]
) -> None:
    # Unlit for their score alone, which is 75.00 or more: all that stands between 80.00 and 75.00.
    expected = {
        key
        for key, row in stars.items()
        if row["state"] == "unlit" and row["reasons"] == "score" and Decimal(row["score"]) >= 75
    }
    assert expected
    rows = tried.read("communities.csv")
    assert {(row["community_code"], star) for row in rows for star in row["gained"].split(";") if star} == expected
    assert [row for row in rows if row["lost"]] == []


def test_each_community_has_its_stars_as_judged_and_as_tried(
    tried: Tried, ratings: dict[str, Row], stars: dict[tuple[str, str], Row]
) -> None:
    rows = tried.read("communities.csv")
    assert [row["community_code"] for row in rows] == sorted(ratings)
    for row in rows:
        code = row["community_code"]
        for name in ("stars", "total_score", "complete", "rank"):
            assert row[f"{name}_before"] == ratings[code][name]
        for star in STARS:
            assert row[f"{star}_state_before"] == stars[code, star]["state"]
            assert row[f"{star}_score_before"] == stars[code, star]["score"]
        gained_count = int(row["stars_after"]) - int(row["stars_before"])
        assert row["direction"] == ("up" if gained_count else "same")


def test_the_tried_side_is_what_evaluating_by_that_policy_gives(tried: Tried, tmp_path: Path) -> None:
    other = tried.home.copy(tmp_path)
    assert other.run("evaluate", "--month", "2024-03", "--policy", str(tried.policy)).code == 0
    grades = {row["staff_id"]: row for row in read_csv(other.march / "grades.csv")}
    ratings = {row["community_code"]: row for row in read_csv(other.march / "ratings.csv")}
    pay = {(row["staff_id"], row["basis"]): row["total_fen"] for row in read_csv(other.march / "pay.csv")}
    for row in tried.read("workers.csv"):
        for name in ("entitled_grade", "proposed_grade", "kind", "needs_manual", "reasons"):
            assert row[f"{name}_after"] == grades[row["staff_id"]][name]
        assert row["proposed_pay_after_fen"] == pay[row["staff_id"], "proposed"]
        assert row["current_pay_after_fen"] == pay.get((row["staff_id"], "current"), "")
    for row in tried.read("communities.csv"):
        assert row["stars_after"] == ratings[row["community_code"]]["stars"]
        assert row["rank_after"] == ratings[row["community_code"]]["rank"]


def test_each_worker_has_the_proposal_that_hr_was_shown(tried: Tried, workers: dict[str, Row]) -> None:
    rows = tried.read("workers.csv")
    assert [row["staff_id"] for row in rows] == sorted(workers)
    for row in rows:
        for name in ("entitled_grade", "proposed_grade", "kind", "needs_manual", "reasons"):
            assert row[f"{name}_before"] == workers[row["staff_id"]][name]
        assert row["current_grade"] == workers[row["staff_id"]]["current_grade"]


def test_costs_are_the_sums_of_the_workers_to_the_fen(tried: Tried) -> None:
    workers = tried.read("workers.csv")
    sums: Counter[tuple[str, str, str]] = Counter()
    for row in workers:
        change_fen = int(row["monthly_change_fen"])
        assert change_fen == int(row["proposed_pay_after_fen"]) - int(row["proposed_pay_before_fen"])
        for level, place in (
            ("city", ("", "")),
            ("district", (row["district_code"], "")),
            ("post", ("", row["post"])),
            ("district_post", (row["district_code"], row["post"])),
        ):
            sums[level, *place] += change_fen
    costs = {(row["level"], row["district_code"], row["post"]): row for row in tried.read("costs.csv")}
    assert sums["city", "", ""] > 0
    assert {key: int(row["monthly_change_fen"]) for key, row in costs.items()} == dict(sums)
    for row in costs.values():
        assert int(row["yearly_change_fen"]) == 12 * int(row["monthly_change_fen"])


def test_the_changed_values_are_listed_with_their_tags(tried: Tried) -> None:
    rows = tried.read("policy.csv")
    assert [
        (row["path"], row["value_before"], row["value_after"], row["tag_before"], row["in_force"]) for row in rows
    ] == [
        ("five_star.lit_score", "80.00", "75.00", "assumed", "true"),
        ("grades.step_months", "36", "30", "secondary", "true"),
    ]


def test_the_summary_says_who_moves_and_what_it_costs_in_yuan(tried: Tried) -> None:
    communities, workers = tried.read("communities.csv"), tried.read("workers.csv")
    up_count = sum(row["direction"] == "up" for row in communities)
    same_count = len(communities) - up_count
    higher_count = sum(row["direction"] == "up" for row in workers)
    change_fen = sum(int(row["monthly_change_fen"]) for row in workers)
    out = tried.answer.out
    assert "policy: five_star.lit_score: 80.00 分 (assumed) → 75.00 分 (assumed)" in out
    assert (
        f"communities: {up_count} with more stars, 0 with fewer, 0 with as many but others, {same_count} with" in out
    )
    assert f"workers: {higher_count} at a higher proposed grade, 0 at a lower one" in out
    assert f"pay: +{format_yuan(change_fen)} yuan a month, +{format_yuan(12 * change_fen)} a year" in out


def test_no_file_names_a_worker(tried: Tried) -> None:
    with tried.home.open() as house, house.view() as view:
        names = {row["name"] for row in view.table("staff").select("name").to_pyarrow().to_pylist()}
    assert names
    for file in tried.folder.iterdir():
        text = file.read_text(encoding="utf-8-sig")
        assert [name for name in names if name in text] == []


def test_again_gives_the_very_same_bytes(tried: Tried) -> None:
    before = digest_tree(tried.home.path / "compare")
    answer = compare(tried.home, tried.policy)
    assert (answer.code, answer.out) == (0, tried.answer.out)
    assert digest_tree(tried.home.path / "compare") == before


def test_what_a_killed_run_left_behind_is_cleared_away(tried: Tried) -> None:
    before = digest_tree(tried.home.path / "compare")
    for end in ("new", "old"):
        leftover = tried.folder.with_name(f".{tried.folder.name}.{end}")
        leftover.mkdir()
        (leftover / "half.csv").write_text("half", encoding="utf-8")
    assert compare(tried.home, tried.policy).code == 0
    assert digest_tree(tried.home.path / "compare") == before


def test_it_leaves_an_outcome_with_both_fingerprints_and_counts(tried: Tried) -> None:
    with tried.home.open() as house:
        first = next(row for row in house.ledger.list_outcomes("2024-03") if row["step"] == "compare")
    workers, (city, *_) = tried.read("workers.csv"), tried.read("costs.csv")
    assert first["ok"]
    fingerprints = (first["policy_fingerprint"], first["counts"]["other_fingerprint"])
    assert tried.folder.name == "-".join(["2024-03", *(it[:12] for it in fingerprints)])
    assert first["policy_fingerprint"] != first["counts"]["other_fingerprint"]
    assert first["counts"]["monthly_change_fen"] == int(city["monthly_change_fen"])
    assert first["counts"]["workers_moved"] >= sum(row["direction"] != "same" for row in workers) > 0


def test_an_identical_policy_says_that_nothing_differs(home: Home, tmp_path: Path) -> None:
    answer = compare(home, edit_policy(home, tmp_path / "policy"))
    assert answer.code == 0
    assert "policy: the two are the same, so nothing differs" in answer.out
    assert "0 with as many but others, 24 with the same stars, 0 of these with another score" in answer.out
    assert "pay: 0.00 yuan a month, 0.00 a year" in answer.out
    assert read_csv(find_folder(answer) / "policy.csv") == []


def test_a_change_that_starts_later_is_told_for_it_moves_nothing_yet(home: Home, tmp_path: Path) -> None:
    later = add_entry("grades.yaml", "step_months", "2024-04-02", "30")
    answer = compare(home, edit_policy(home, tmp_path / "policy", later))
    assert answer.code == 0, answer.err
    assert "policy: no value that this month is judged by differs" in answer.out
    assert "grades.step_months differs from 2024-04-02 on, but 2024-03 isn't judged by that value" in answer.err
    (row,) = read_csv(find_folder(answer) / "policy.csv")
    assert (row["value_before"], row["value_after"], row["in_force"]) == ("", "30", "false")


def test_an_indicator_that_ends_stands_under_the_changes_and_moves_its_star(home: Home, tmp_path: Path) -> None:
    end = add_entry("five_star.yaml", "  meetings_held", "2024-03-01", "null")
    # 80 + 20 total 100 from March on, but 80 + 40 + 20 don't before: the weight must change on the same day.
    early = ("five_star.yaml", "  grid_party_coverage", "weight: 40", "weight: 80")
    answer = compare(home, edit_policy(home, tmp_path / "refused", end, early))
    assert answer.code == 10
    assert "weights total 140" in answer.err
    rule = 'star: branch, weight: 80, full: "1.00", zero: "0.80", gate: "1.00", no_data: insufficient'
    weight = add_entry(
        "five_star.yaml",
        "  grid_party_coverage",
        "2024-03-01",
        f"{{{rule}, minimum: 1, window_months: 1}}",
    )
    answer = compare(home, edit_policy(home, tmp_path / "policy", end, weight))
    assert answer.code == 0, answer.err
    assert "grid_party_coverage: 权重 40 (sourced) → 权重 80 (assumed)" in answer.out
    changes = {row["path"].rpartition(".")[2]: row["change"] for row in read_csv(find_folder(answer) / "policy.csv")}
    assert changes == {"meetings_held": "ended", "grid_party_coverage": "value"}
    moved = [row for row in read_csv(find_folder(answer) / "communities.csv") if row["direction"] != "same"]
    assert {star for row in moved for star in f"{row['gained']};{row['lost']}".split(";") if star} == {"branch"}


def test_without_a_base_costs_are_empty_and_the_answer_says_why(home: Home, tmp_path: Path) -> None:
    edit = ("pay.yaml", "base_fen", "value: 340000", "value: null")
    answer = compare(home, edit_policy(home, tmp_path / "policy", edit))
    assert answer.code == 0
    assert "pay: not computed, for the other one sets no base (pay.base_fen)" in answer.out
    for row in read_csv(find_folder(answer) / "costs.csv"):
        assert (row["before_fen"], row["after_fen"], row["monthly_change_fen"]) == ("", "", "")
        assert row["raise_cost_before_fen"] != ""
        assert row["raise_cost_after_fen"] == ""
    assert "拟议政策没有设定月工资基数" in (find_folder(answer) / "compare.html").read_text(encoding="utf-8")


def test_another_cutoff_asks_again_which_sources_are_present(home: Home, tmp_path: Path) -> None:
    # March was pulled up to its cutoff of 3 April; a cutoff of 5 April is not held by any pull.
    edit = ("five_star.yaml", "cutoff_day", "value: 3", "value: 5")
    answer = compare(home, edit_policy(home, tmp_path / "policy", edit))
    assert answer.code == 0
    page = (find_folder(answer) / "compare.html").read_text(encoding="utf-8")
    assert "拟议政策下，便民服务平台本月数据未到位" in page
    assert "2024-04-03 00:00（现行）、2024-04-05 00:00（拟议）" in page


def remove_it(policy: Path) -> None:
    shutil.rmtree(policy)


def spoil_a_tag(policy: Path) -> None:
    file = policy / "grades.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("tag: secondary", "tag: certain", 1), encoding="utf-8")


def spoil_a_start(policy: Path) -> None:
    for file in policy.iterdir():
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("start: 2020-01-01", "start: 2030-01-01"), encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (remove_it, "is not there"),
        (spoil_a_tag, "tag is 'certain'"),
        (spoil_a_start, "is not in force on 2024-03-31. It holds from 2030-01-01"),
    ],
)
def test_a_wrong_policy_is_refused_by_its_folder_and_nothing_is_written(
    home: Home, tmp_path: Path, spoil: Callable[[Path], None], told: str
) -> None:
    policy = edit_policy(home, tmp_path / "policy")
    spoil(policy)
    answer = compare(home, policy)
    assert answer.code == 10
    assert f"the other policy, {policy}: " in answer.err
    assert told in answer.err
    assert answer.out == ""
    assert not (home.path / "compare").exists()


def test_a_month_without_data_has_nothing_to_compare(home: Home, tmp_path: Path) -> None:
    answer = home.run("compare", "--month", "2022-03", "--policy", str(edit_policy(home, tmp_path / "policy")))
    assert answer.code == 13
    assert "2022-03" in answer.err
    assert not (home.path / "compare").exists()


def test_two_runs_of_one_comparison_dont_write_over_each_other(tried: Tried) -> None:
    with hold_file(tried.home.path / "locks" / f"compare-{tried.folder.name}.lock", "held."):
        answer = compare(tried.home, tried.policy)
    assert answer.code == 11
    assert "another run is writing this very comparison. Try again when it has ended." in answer.err
