"""docs/cases.zh-CN.md says what a case may hold: every key, and its example and the output beside it are so."""

import re
from pathlib import Path

import case_words as words
import pytest
from case_files import FOLDER, read_file
from worker_cases import judge_worker, read_worker_case
from worker_comparison import compare_worker

PAGE = (FOLDER.parents[1] / "docs" / "cases.zh-CN.md").read_text(encoding="utf-8")
VOCABULARIES = (
    words.FILE_KEYS, words.KINDS, words.COMMUNITY_KEYS, words.WORKER_KEYS, words.OTHERWISE, words.EVENT,
    words.GRID, words.SHEET, words.CHECK, words.INCIDENT, words.REGISTERED, words.WORKER, words.RECORD,
    words.SANCTION, words.TITLE, words.INDICATOR_RESULT, words.STAR_RESULT, words.RATING_RESULT,
    words.WORKER_RESULTS, words.GRADE_RESULT, words.PAY_RESULT, words.ARREARS_RESULT, words.FUNDS_RESULT,
)  # fmt: skip
WORDS = {word for vocabulary in VOCABULARIES for word in vocabulary}
WORDS |= {words.EVERY_STAR, words.RATING, words.ERROR}


def find_block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("word", sorted(WORDS))
def test_the_page_says_what_the_word_means(word: str) -> None:
    assert re.search(rf"`[^`]*\b{word}\b[^`]*`", PAGE)


def test_the_pages_example_holds(tmp_path: Path) -> None:
    file = tmp_path / "example.yaml"
    file.write_text(find_block("yaml"), encoding="utf-8")
    [case] = [read_worker_case(each) for each in read_file(file).cases]
    assert compare_worker(case, judge_worker(case)) == []


def test_the_page_shows_what_its_change_would_say(tmp_path: Path) -> None:
    file = tmp_path / "example.yaml"
    file.write_text(find_block("yaml").replace("2023-07-01", "2023-06-30"), encoding="utf-8")
    [case] = [read_worker_case(each) for each in read_file(file).cases]
    told = [line.strip() for line in find_block("text").splitlines()]
    assert told[0] == f"case: {case.case.sentence}"
    assert sorted(told[1:]) == sorted(compare_worker(case, judge_worker(case)))
