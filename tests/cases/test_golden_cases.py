"""Every case of the YAML files in this folder, by the real code. How to add one: docs/cases.zh-CN.md."""

from collections.abc import Mapping

import pytest
from case_files import Case, read_all
from case_words import CaseError
from community_cases import compare_case, judge_all, read_community_cases
from worker_cases import judge_worker, list_worker_cases, read_worker_case
from worker_comparison import compare_worker

from flows.errors import FivestarError
from flows.evaluate.communities import CommunityAssessment


def fail_case(case: Case, lines: list[str]) -> None:
    """Say file, sentence, each difference, and how the figures were worked out."""
    told = "\n".join(f"  {line}" for line in lines)
    pytest.fail(f"{case.place.file}\ncase: {case.sentence}\n{told}\nwhy: {case.why}", pytrace=False)


def test_every_case_file_can_be_read() -> None:
    problems = read_all().problems
    if problems:
        pytest.fail("\n".join(map(str, problems)), pytrace=False)


@pytest.fixture(scope="module")
def assessed() -> Mapping[str, CommunityAssessment | FivestarError]:
    """What came out for every case of communities, judged once."""
    return judge_all()


@pytest.mark.parametrize("name", read_community_cases())
def test_community(name: str, assessed: Mapping[str, CommunityAssessment | FivestarError]) -> None:
    read = read_community_cases()[name]
    if isinstance(read, CaseError):
        pytest.fail(str(read), pytrace=False)
    lines = compare_case(read, assessed[name])
    if lines:
        fail_case(read.case, lines)


@pytest.mark.parametrize("case", list_worker_cases(), ids=lambda case: case.name)
def test_worker(case: Case) -> None:
    try:
        read = read_worker_case(case)
    except CaseError as problem:
        pytest.fail(str(problem), pytrace=False)
    lines = compare_worker(read, judge_worker(read))
    if lines:
        fail_case(case, lines)
