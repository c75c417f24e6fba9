"""A revision's result read back from the ledger is the one that was judged."""

from dataclasses import fields

import ibis
import pytest
from city_runs import MARCH, Home

from flows.house import read_result
from flows.inputs import gather_inputs, judge_inputs
from flows.lake import LakeView
from flows.results import MonthResult
from flows.review.rows import find_revision

pytestmark = pytest.mark.flow


def judge_again(home: Home) -> MonthResult:
    with home.open() as house:
        inputs = gather_inputs(house, MARCH, house.settings.config / "policy")
        with house.view(list(inputs.landings)) as view:
            return judge_inputs(inputs, view)


def read_stored(home: Home) -> MonthResult:
    with home.open() as house:
        return read_result(house, find_revision(house.ledger, MARCH))


def list_differences(judged: MonthResult, stored: MonthResult) -> list[str]:
    """The fields that differ; rows are compared whatever their order."""

    def arrange(value: object) -> object:
        return sorted(value, key=repr) if isinstance(value, list | tuple) else value

    return [
        field.name
        for field in fields(MonthResult)
        if arrange(getattr(judged, field.name)) != arrange(getattr(stored, field.name))
    ]


def test_a_stored_result_is_the_judged_one(home: Home) -> None:
    assert list_differences(judge_again(home), read_stored(home)) == []


def test_workers_whom_the_roster_lacked_are_stored_too(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    table = LakeView.table

    def leave_out(view: LakeView, name: str) -> ibis.Table:
        rows = table(view, name)
        return rows.filter(~((rows.staff_id == left_out) & (rows.month == "2024-03"))) if name == "staff" else rows

    with home.open() as house:
        register = house.ledger.register.list_grades_in_force(MARCH.last_on)
    left_out = min(register)
    monkeypatch.setattr(LakeView, "table", leave_out)
    assert home.run("evaluate", "--month", "2024-03").code == 0
    stored = read_stored(home)
    assert [worker.staff_id for worker in stored.missing_workers] == [left_out]
    assert list_differences(judge_again(home), stored) == []
