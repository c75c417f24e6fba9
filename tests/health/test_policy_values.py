"""Each value of `config/policy/` is described, in the data dictionary and in Chinese; none is written in Python."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from policy_numbers import find_numbers, list_policy_numbers

from flows.policy import load_policy
from flows.policy_words import WORDS
from flows.wording import UNITS

ROOT = Path(__file__).parents[2]
POLICY = load_policy(ROOT / "config" / "policy")
CODE = sorted(path for path in (ROOT / "flows").rglob("*.py") if "migrations" not in path.parts)

KNOWS_NO_RULE = (
    "flows/sandbox/",  # invents a city of its own
    "flows/ingest/",  # rows, bytes, seconds and clocks; the bands of grades are handed to it
    "flows/server/",  # ports, seconds and bytes
    "flows/notify/channels/",  # limits and codes of other people's services
    "flows/ledger/columns.py",  # widths of columns
    "flows/ledger/review_tables.py",
    "flows/ledger/tables.py",
    "flows/report/heat_map.py",  # sizes on paper, as those below
    "flows/report/pictures.py",
    "flows/review/letters/paper.py",
    "flows/review/payroll/columns.py",
    "flows/review/payroll/guide.py",
    "flows/review/payroll/workbook.py",
    "flows/review/workbook/book.py",
    "flows/review/workbook/changes.py",
    "flows/review/sheets/",
    "flows/review/intake/parts.py",  # bytes
    "flows/review/workbook/progress.py",
    "flows/review/workbook/workers.py",
    "flows/review/intake/column_writing.py",
    "flows/review/workbook/rows.py",
    "flows/review/workbook/rules.py",
    "flows/review/workbook/summary.py",
    "flows/xlsx_parts.py",  # bytes
)
NOT_OF_THE_POLICY = {
    ("flows/cli/doctor.py", "LEVEL_WIDTH"): "characters on a terminal",
    ("flows/doctor.py", "FREE_WARNED_BYTES"): "disk space",
    ("flows/doctor.py", "HASH_DIGITS"): "digits shown",
    ("flows/errors.py", "exit_code"): "exit codes (interfaces.md)",
    ("flows/cli/workbook.py", "TOLD_MAX"): "length of a message",
    ("flows/clock.py", "BEHIND_MAX"): "minutes by which clocks may differ",
    ("flows/database_refusals.py", "_BROKEN_CLASSES"): "databases' codes",
    ("flows/database_refusals.py", "_SQLITE_AWAY"): "databases' codes",
    ("flows/cli/server.py", "down"): "patience with runs in flight",
    ("flows/calendar.py", "SATURDAY"): "number of a weekday",
    ("flows/calendar.py", "DAYS_NAMED_MAX"): "length of a message",
    ("flows/daily.py", "REPORT_RETRIES"): "patience with a database",
    ("flows/daily.py", "REPORT_RETRY_SECONDS"): "patience with a database",
    ("flows/daily.py", "UNIT_CODES_SHOWN"): "length of a message",
    ("flows/evaluate/scheme.py", "WORKING_DAY_TIERS"): "numbers of tiers",
    ("flows/exact.py", "round_half_up"): "ten, of the decimal system",
    ("flows/cli/recovery.py", "_echo_record"): "digits shown",
    ("flows/ledger/checkup.py", "BUSY_SECONDS"): "patience with a database",
    ("flows/ledger/dump.py", "_dump_table"): "how hard a file is compressed",
    ("flows/recovery/backing_up.py", "READINGS_MAX"): "patience with other writers",
    ("flows/recovery/verifying.py", "FAULTS_SHOWN"): "length of a message",
    ("flows/retention/config.py", "DECISIONS_YEARS_LEAST"): "law's least (domain.md)",
    ("flows/retention/config.py", "RAW_BATCHES_MONTHS_LEAST"): "of what is kept, not of what is judged",
    ("flows/retired.py", "refuse_retired"): "length of a date",
    ("flows/ledger/chain.py", "HASH_DIGITS"): "digits shown",
    ("flows/ledger/reviews.py", "WRITE_ATTEMPTS"): "patience with other writers",
    ("flows/ledger/engine.py", "BUSY_SECONDS"): "patience with a database",
    ("flows/ledger/engine.py", "_POSTGRESQL_LIMITS"): "patience with a database",
    ("flows/ledger/faults.py", "_SQLITE_FAULTS"): "databases' codes",
    ("flows/merging.py", "RECORD_NO_BITS"): "bits of a number",
    ("flows/status/board.py", "MONTHS_SHOWN"): "columns of a table",
    ("flows/status/due.py", "LATE_AFTER"): "patience with schedules",
    ("flows/status/due.py", "DELIVERY_LATE_AFTER"): "patience with schedules",
    ("flows/month.py", "MONTHS_IN_YEAR"): "months in a year",
    ("flows/notify/alerts.py", "LINES_SHOWN"): "length of a message",
    ("flows/notify/config.py", "ROBOT_DEPTH"): "depth of a file",
    ("flows/notify/missing.py", "ROWS_SHOWN"): "length of a message",
    ("flows/notify/missing.py", "UNITS_NAMED"): "length of a message",
    ("flows/cycle.py", "DELIVERY_SECONDS"): "patience with providers",
    ("flows/notify/pace.py", "LONGEST_DELAY"): "patience with providers",
    ("flows/notify/pace.py", "TOO_FAST_SECONDS"): "patience with providers",
    ("flows/notify/pace.py", "attempts_max"): "patience with providers",
    ("flows/notify/pace.py", "claim_count"): "rows in a transaction",
    ("flows/notify/pace.py", "strikes_max"): "patience with providers",
    ("flows/notify/tally.py", "FAILURES_SHOWN"): "length of a message",
    ("flows/evaluate/overdue.py", "OLDEST_YEARS"): "how far back the calendar is asked",
    ("flows/ledger/deliveries.py", "CODE_LENGTH"): "signs that a column keeps",
    ("flows/notify/config.py", "rejected_pct"): "when engineers are told of a pull (config/notify.yaml)",
    ("flows/notify/config.py", "rejected_rows_minimum"): "when engineers are told of a pull (config/notify.yaml)",
    ("flows/notify/config.py", "silence_repeat_days"): "when engineers are told again (config/notify.yaml)",
    ("flows/review/flow.py", "SEND_SECONDS"): "patience with a server",
    ("flows/result_files.py", "VALUE_PLACES"): "decimals (interfaces.md)",
    ("flows/evaluate/explain/arithmetic.py", "PLACES_MAX"): "decimals shown",
    ("flows/outputs.py", "format_run"): "digits of a run's id",
    ("flows/policy_files.py", "_shorten"): "length of a message",
    ("flows/policy_tables.py", "SATURDAY"): "number of a weekday",
    ("flows/report/communities.py", "LINES_PER_MAP"): "lines on a page",
    ("flows/report/figures.py", "MOST_STARS"): "how many stars there are",
    ("flows/policy.py", "FINGERPRINT_DIGITS"): "digits shown",
    ("flows/review/decisions.py", "REFUSALS_SHOWN"): "length of a message",
    ("flows/review/intake/checking.py", "SHOWN_CHANGES_MAX"): "length of a message",
    ("flows/review/intake/reading.py", "HEADER_ROWS_MAX"): "where a header may stand",
    ("flows/review/people.py", "REMIND_AFTER_WORKING_DAYS"): "when HR is reminded (config/review.yaml)",
}
"""Constants and functions with a number that the policy happens to hold too, and what it is."""


# Described


@pytest.mark.parametrize("path", POLICY.leaves)
def test_a_value_stands_in_the_data_dictionary_with_each_day_on_which_it_starts(path: str) -> None:
    leaf = POLICY.leaves[path]
    lines = (ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith(f"| `{path}` |")]
    assert len(rows) == len(leaf.entries)
    for row, entry in zip(rows, leaf.entries, strict=True):
        told = (leaf.title, leaf.unit, entry.tag, str(entry.start_on), entry.reference, str(entry.confirmed_on))
        assert [text for text in told if text not in row] == []


def find_names(value: object) -> Iterator[str]:
    """The names and words in a value, without its figures, dates and truths."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from find_names(key)
            yield from find_names(part)
    elif isinstance(value, list):
        for part in value:
            yield from find_names(part)
    elif isinstance(value, str) and not re.fullmatch(r"[\d.-]+", value):
        yield value


@pytest.mark.parametrize("path", POLICY.leaves)
def test_a_value_is_told_in_chinese(path: str) -> None:
    leaf = POLICY.leaves[path]
    assert re.search(r"[\u4e00-\u9fff]", leaf.title)
    assert leaf.unit in UNITS
    assert {word for entry in leaf.entries for word in find_names(entry.value)} - set(WORDS) == set()


# Not written in Python


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def find_hits() -> Iterator[tuple[str, str, int]]:
    """Each number of the policy in code that knows the rules: its file, what holds it, and its line."""
    numbers = list_policy_numbers(POLICY.leaves)
    for path in CODE:
        if not name(path).startswith(KNOWS_NO_RULE):
            for found in find_numbers(parse(path)):
                if found.value in numbers:
                    yield name(path), found.place, found.line


def test_no_number_of_the_policy_is_written_in_python() -> None:
    found = [f"{file}:{line}, {place}" for file, place, line in find_hits() if (file, place) not in NOT_OF_THE_POLICY]
    assert found == []


def test_every_exception_is_needed() -> None:
    hits = {(file, place) for file, place, _ in find_hits()}
    assert set(NOT_OF_THE_POLICY) - hits == set()
    assert [start for start in KNOWS_NO_RULE if not any(name(path).startswith(start) for path in CODE)] == []


@pytest.mark.parametrize(
    "code",
    [
        "steps = months // 36",
        "steps = months // (3 * 12)",
        "lit = score >= 80",
        "lit = score >= Decimal('80.00')",
        "basic = pay * 7 // 10",
        "basic = pay * Fraction('0.70')",
        "basic = pay * 70 / 100",
        "basic = pay * 0.7",
        "def limit(tier):\n    return 15 if tier == 4 else 7",
        "rules = {'doctor': 84}",
        "def judge(*, minimum=10): ...",
        "floor_fen = 2_000_000",
        "due_at = reported_at + timedelta(hours=24)",
    ],
)
def test_a_number_of_the_policy_is_found_however_it_is_written(code: str) -> None:
    numbers = list_policy_numbers(POLICY.leaves)
    assert any(found.value in numbers for found in find_numbers(ast.parse(code)))


@pytest.mark.parametrize(
    "code", ["months = years * 11 + 1", "half = total / 2", "clause = '5'", "on = date(y, 12, 31)"]
)
def test_a_number_that_the_policy_does_not_hold_is_nobodys_business(code: str) -> None:
    numbers = list_policy_numbers(POLICY.leaves)
    assert not any(found.value in numbers for found in find_numbers(ast.parse(code)))
