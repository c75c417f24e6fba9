"""A case that can't be meant is refused: the message says file, case and what may stand there."""

from pathlib import Path

import pytest
from case_files import read_file
from case_words import CaseError
from community_cases import compare_case, judge_together, read_community_case
from worker_cases import judge_worker, read_worker_case
from worker_comparison import compare_worker

DISTRICT = "419000"
COMMUNITY = """
about: 试
kind: communities
cases:
  - case: a sentence
    why: "worked out"
    events: [{category: dispute, count: 10}]
    expect: {safety: {state: insufficient_data}, dispute_closed: {numerator: 10, score: 100}}
"""
WORKER = """
about: 试
kind: workers
cases:
  - case: a sentence
    why: "worked out"
    worker: {current_grade: 1}
    appraisals: {2023: competent}
    expect: {grade: {kind: none, proposed: 1}}
"""


def find_problem(folder: Path, text: str) -> str:
    """What is said against the file or its one case; nothing if it can be read."""
    file = folder / "topic.yaml"
    file.write_text(text, encoding="utf-8")
    reading = read_file(file)
    if reading.problems:
        return str(reading.problems[0])
    try:
        for case in reading.cases:
            if case.kind == "workers":
                read_worker_case(case)
            else:
                read_community_case(case, DISTRICT)
    except CaseError as problem:
        return str(problem)
    return ""


def test_the_two_examples_of_this_test_can_be_read(tmp_path: Path) -> None:
    assert find_problem(tmp_path, COMMUNITY) == find_problem(tmp_path, WORKER) == ""


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("about: 试", "abuot: 试", "", "'abuot' is not known here. The keys are about, kind, every_case, cases"),
        ("kind: communities\n", "", "", "'kind' is missing"),
        ("communities", "streets", "kind", "'streets'. It must be one of communities, workers"),
        ("    events", "    evnets", "a sentence", "'evnets' is not known here. The keys are case, why, policy,"),
        ("count: 10", "cuont: 10", "a sentence”, events[1]", "'cuont' is not known here. The keys are id, category"),
        ("category: dispute", "category: quarrel", "events[1].category", "It must be one of dispute, hazard_general"),
        ("count: 10", "count: ten", "events[1].count", "It must be a whole number"),
        ("category: dispute, ", "", "events[1]", "'category' is missing"),
        (
            "count: 10",
            "closed: late, closed_at: 2024-03-15 13:00",
            "events[1]",
            "closed and closed_at stand together",
        ),
        ("count: 10", "closed: late, due_at: null", "events[1]", "Say closed_at"),
        ("count: 10", "closed_at: 2024-02-30 13:00", "events[1].closed_at", "an instant of the city's clock"),
        ("count: 10", "extended_to: 2024-03-01 12:00", "events[1]", "after its deadline"),
        ("count: 10", "count: 10, id: E1", "events[1]", "An id names one event"),
        ('why: "worked out"', "", "a sentence", "'why' is missing. It says how the figures were worked out"),
        ("safety:", "safty:", "expect", "'safty' is not known here. The keys are grid_party_coverage"),
        (
            "state: insuff",
            "stat: insuff",
            "expect.safety",
            "'stat' is not known here. The keys are state, score, rea",
        ),
        (
            "insufficient_data",
            "dark",
            "expect.safety.state",
            "one of lit, unlit, withheld, vetoed, insufficient_data",
        ),
        ("score: 100", "score: full", "dispute_closed.score", "a number such as 0.98"),
        (
            "    why",
            "    policy: {five_star.lit_skore: 1}\n    why",
            "policy.five_star.lit_skore",
            "five_star.lit_sc",
        ),
        (
            "    why",
            '    policy: {five_star.lit_score: "x"}\n    why',
            "policy.five_star.lit_score",
            "quoted decimals",
        ),
        ("    why", "    sources_missing: [police]\n    why", "sources_missing", "one of comprehensive_governance"),
        ("    why", "    checks: [{count: 1}]\n    why", "checks[1]", "say either category"),
        ("    why", "    checks: [{category: wish}]\n    why", "checks[1]", "only 0 events of wish"),
        ("    why", "    month: 2024-13\n    why", "month", "a month, written as 2024-03"),
        ("    why", "    district: {甲: {}}\n    why", "a sentence", "events stand beside district"),
        ("    why", "    why: twice\n    why", "(line 7)", "found duplicate key"),
    ],
)
def test_a_case_of_communities_is_refused(tmp_path: Path, old: str, new: str, where: str, what: str) -> None:
    assert old in COMMUNITY
    problem = find_problem(tmp_path, COMMUNITY.replace(old, new, 1))
    assert problem.startswith("topic.yaml")
    assert where in problem
    assert what in problem


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("current_grade", "curent_grade", "worker", "'curent_grade' is not known here. The keys are post, degree"),
        ("competent}", "good}", "appraisals.2023", "one of excellent, competent, basic, incompetent"),
        ("2023:", "last:", "appraisals", "a whole number"),
        (
            "kind: none",
            "kind: nothing",
            "expect.grade.kind",
            "one of initial, post_change, none, review, hold, raise",
        ),
        ("{grade: {kind: none, proposed: 1}}", "{}", "expect", "State at least one result"),
        ("    why", "    effective_on: 2024-02-30\n    why", "effective_on", "a day of the calendar"),
        ("    why", "    events: []\n    why", "a sentence", "'events' is not known here"),
        ("    why", "    titles: [{star: 4}]\n    why", "titles[1]", "'star' is not known here. The keys are stars"),
    ],
)
def test_a_case_of_workers_is_refused(tmp_path: Path, old: str, new: str, where: str, what: str) -> None:
    assert old in WORKER
    problem = find_problem(tmp_path, WORKER.replace(old, new, 1))
    assert problem.startswith("topic.yaml")
    assert where in problem
    assert what in problem


def test_a_file_without_cases_is_refused(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, "about: 试\nkind: workers\ncases: []\n")
    assert problem == "topic.yaml, cases: it must be a list with at least one case; write one."


def test_two_cases_of_a_file_need_two_sentences(tmp_path: Path) -> None:
    again = COMMUNITY[COMMUNITY.index("  - case") :]
    assert "has this sentence" in find_problem(tmp_path, COMMUNITY + again)


def test_one_broken_case_leaves_the_others_readable(tmp_path: Path) -> None:
    file = tmp_path / "topic.yaml"
    file.write_text(COMMUNITY + "  - {case: broken, wyh: 1}\n  - {case: third, why: w, expect: {rating: null}}\n")
    reading = read_file(file)
    assert [case.sentence for case in reading.cases] == ["a sentence", "third"]
    assert ["“broken”" in str(problem) for problem in reading.problems] == [True]


def test_what_did_not_come_out_is_told_with_what_was_expected(tmp_path: Path) -> None:
    file = tmp_path / "topic.yaml"
    # 10 of 10 disputes are full: 100; half the weight is too little data.
    file.write_text(COMMUNITY.replace("score: 100", "score: 99.99").replace("insufficient_data", "lit"))
    [case] = [read_community_case(each, DISTRICT) for each in read_file(file).cases]
    assert compare_case(case, judge_together([case])) == [
        "safety.state: expected lit, came out insufficient_data",
        "dispute_closed.score: expected 99.99, came out 100",
    ]


def test_a_worker_whose_grade_is_another_is_told(tmp_path: Path) -> None:
    file = tmp_path / "topic.yaml"
    # A new worker is entitled to 1, which is the current grade: none.
    file.write_text(WORKER.replace("kind: none, proposed: 1", "kind: raise, proposed: 2, reasons: [sanction]"))
    [case] = [read_worker_case(each) for each in read_file(file).cases]
    assert compare_worker(case, judge_worker(case)) == [
        "grade.kind: expected raise, came out none",
        "grade.proposed: expected 2, came out 1",
        "grade.reasons: expected [sanction], came out []",
    ]
