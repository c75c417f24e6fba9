"""Letters written to a folder: who gets one, the index beside them, the same bytes for ever, and what is refused."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from docx import Document
from letter_month import DECIDED_AT, JUDGED_AT, KEPT, MONTH, OPEN, RAISED, RETURNED, say, write

from flows.errors import DecisionRefused, UsageError
from flows.house import House
from flows.ledger.results import Making
from flows.ledger.review_rows import RegisterEntry
from flows.results import MonthResult, RegisterRecord
from flows.review.letters.writing import name_letter, write_letters
from flows.review.publication import publish


def read_index(folder: Path) -> list[tuple[str, ...]]:
    content = (folder / "index.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in content
    return [tuple(row) for row in csv.reader(io.StringIO(content.decode("utf-8-sig")))]


def test_all_writes_what_was_decided_or_held_and_leaves_out_what_waits(house: House, tmp_path: Path) -> None:
    report = write(house, tmp_path / "letters")
    assert dict(report.counts) == {"approved": 2, "rejected": 1, "held": 1}
    assert report.waiting_count == 2  # K4 is undecided, K6 was returned; K3 keeps the grade
    assert read_index(tmp_path / "letters") == [
        ("staff_id", "kind", "verdict", "file"),
        ("K1", "raise", "approved", "2024-03-K1.docx"),
        ("K2", "hold", "", "2024-03-K2.docx"),
        ("K5", "raise", "rejected", "2024-03-K5.docx"),
        ("K7", "initial", "approved", "2024-03-K7.docx"),
    ]
    names = sorted(file.name for file in (tmp_path / "letters").iterdir())
    assert names == ["2024-03-K1.docx", "2024-03-K2.docx", "2024-03-K5.docx", "2024-03-K7.docx", "index.csv"]


@pytest.mark.parametrize(
    ("staff_id", "why"),
    [
        (OPEN, "awaits a decision"),
        (RETURNED, "was returned"),
        (KEPT, "keeps the grade"),
        ("K9", "has no proposal"),
    ],
)
def test_who_is_owed_no_letter_is_refused_and_nothing_is_written(
    house: House, tmp_path: Path, staff_id: str, why: str
) -> None:
    with pytest.raises(DecisionRefused, match=f"2024-03: worker {staff_id} {why}"):
        write(house, tmp_path / "letters", RAISED, staff_id)
    assert not (tmp_path / "letters").exists()


def test_all_refusals_are_told_at_once(house: House, tmp_path: Path) -> None:
    with pytest.raises(DecisionRefused, match=r"K4 awaits a decision.*\n.*K6 was returned"):
        write(house, tmp_path, OPEN, RETURNED)


def test_written_again_at_another_hour_every_file_has_the_same_bytes(house: House, tmp_path: Path) -> None:
    write(house, tmp_path / "a")
    later = JUDGED_AT + timedelta(days=400)
    write_letters(house, MONTH, tmp_path / "b", lambda: later, staff_ids=None)
    first = {file.name: file.read_bytes() for file in (tmp_path / "a").iterdir()}
    assert {file.name: file.read_bytes() for file in (tmp_path / "b").iterdir()} == first
    assert len(first) == 5


def test_the_file_s_own_dates_are_the_decision_s_and_it_names_no_author(house: House, tmp_path: Path) -> None:
    write(house, tmp_path)
    raised = Document(str(tmp_path / "2024-03-K1.docx")).core_properties
    held = Document(str(tmp_path / "2024-03-K2.docx")).core_properties
    assert (raised.created, raised.modified, raised.author) == (DECIDED_AT, DECIDED_AT, "")
    assert (held.created, held.modified, held.title) == (JUDGED_AT, JUDGED_AT, "暂缓晋级告知书")


def test_one_more_letter_joins_the_index_and_all_again_drops_what_no_longer_holds(
    house: House, tmp_path: Path
) -> None:
    write(house, tmp_path)
    say(house, "approved", OPEN)
    assert write(house, tmp_path, OPEN).dropped_files == []
    assert [row[0] for row in read_index(tmp_path)[1:]] == ["K1", "K2", "K4", "K5", "K7"]
    say(house, "returned", RAISED, comment="请核对")
    assert write(house, tmp_path).dropped_files == ["2024-03-K1.docx"]
    assert [row[0] for row in read_index(tmp_path)[1:]] == ["K2", "K4", "K5", "K7"]


def test_an_amendment_of_a_published_grade_has_no_letter_and_says_why(
    house: House, tmp_path: Path, make_result: Callable[..., MonthResult]
) -> None:
    publish(house.ledger, MONTH, recorded_at=DECIDED_AT)
    result = house.ledger.results
    record = result.find_latest("2024-03")
    assert record is not None
    proposals = [
        replace(row, proposed_grade=6, entitled_grade=6) if row.staff_id == RAISED else row
        for row in result.list_proposals("2024-03", 1)
    ]
    empty = make_result(community_count=1, staff_per_community=0)
    inputs = replace(empty.inputs, policy_fingerprint=record.inputs["policy_fingerprint"])
    later = replace(empty, proposals=proposals, pay_lines=result.list_pay_lines("2024-03", 1), inputs=inputs)
    result.save(later, 2, digests={}, making=Making("1", "c" * 64, {}, JUDGED_AT))
    with pytest.raises(DecisionRefused, match="write one on its amendment by hand"):
        write(house, tmp_path / "letters", RAISED)
    say(house, "rejected", RAISED, comment="不符")
    with pytest.raises(DecisionRefused, match="The letter of the published grade stands"):
        write(house, tmp_path / "letters", RAISED)
    write(house, tmp_path / "letters")
    assert not (tmp_path / "letters" / f"2024-03-{RAISED}.docx").exists()


def test_letters_among_the_results_are_refused(house: House) -> None:
    with pytest.raises(UsageError, match="letters would be lost"):
        write(house, house.settings.home / "outputs" / "2024-03")


def test_another_file_named_index_is_not_overwritten(house: House, tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("name,phone\n", "utf-8")
    with pytest.raises(UsageError, match=r"index\.csv is not an index of letters"):
        write(house, tmp_path)


def test_a_folder_that_cannot_be_made_is_refused(house: House, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", "utf-8")
    with pytest.raises(UsageError, match="taken cannot be written"):
        write(house, tmp_path / "taken")


def test_letters_are_refused_once_the_register_has_changed_under_the_month(house: House, tmp_path: Path) -> None:
    record = RegisterRecord(RAISED, "other", 5, "bachelor", "assistant", date(2024, 3, 1))
    [decision, *_] = house.ledger.reviews.list_decisions("2024-03")
    house.ledger.register.publish(
        [RegisterEntry(record, "2024-02", 1, decision.id)], {}, JUDGED_AT, after=house.ledger.reviews.find_head()
    )
    with pytest.raises(DecisionRefused, match="the register in force on 2024-03-31 has changed"):
        write(house, tmp_path / "letters")


@pytest.mark.parametrize(
    ("staff_id", "file"),
    [
        ("KF000024", "2024-03-KF000024.docx"),
        ("../x", "2024-03-%2E%2E%2Fx.docx"),
        ("a b", "2024-03-a%20b.docx"),
        ("a%20b", "2024-03-a%2520b.docx"),
        ("员-1", "2024-03-员-1.docx"),
    ],
)
def test_a_file_s_name_holds_the_id_safely_and_no_two_ids_share_one(staff_id: str, file: str) -> None:
    assert name_letter(MONTH, staff_id) == file
