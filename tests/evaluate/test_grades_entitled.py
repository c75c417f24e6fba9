"""What service, education and certificate entitle to: policy §4, `credit_months` to `entitled`."""

from datetime import date
from typing import Any

import pytest
from grade_examples import EFFECTIVE_ON, make_worker, propose

BEFORE = date(2024, 3, 31)
"""A certificate's day that counts on 2024-04-01."""


def entitled(outcomes: dict[int, str] | None = None, **worker: Any) -> int:
    return propose(make_worker(**worker), outcomes=outcomes).entitled_grade


def test_other_with_0_months_and_no_degree_is_entitled_to_1() -> None:
    assert entitled() == 1


ASSISTANT_BACHELOR = {
    "service_start_on": date(2017, 4, 1),
    "degree": "bachelor",
    "certificate": "assistant",
    "certificate_on": BEFORE,
}
"""84 months of service, 36 of education, one step for the certificate."""


@pytest.mark.parametrize(("post", "expected"), [("other", 5), ("deputy", 8), ("principal", 11)])
def test_seven_years_with_bachelor_and_assistant_stand_4_above_the_floor(post: str, expected: int) -> None:
    # floor + (84 + 36) div 36 + 1 = floor + 3 + 1
    assert entitled(post=post, **ASSISTANT_BACHELOR) == expected


def test_other_since_1984_stops_at_the_ceiling_12() -> None:
    # 12·40 + 3 = 483 months; 483 div 36 = 13; 1 + 13 = 14
    assert entitled(service_start_on=date(1984, 1, 1)) == 12


def test_one_year_with_master_is_entitled_to_3() -> None:
    # (12 + 60) div 36 = 2
    assert entitled(service_start_on=date(2023, 4, 1), degree="master") == 3


def test_34_months_with_bachelor_are_entitled_to_2() -> None:
    # 2021-05-02: 34 + 36 = 70; 70 div 36 = 1
    assert entitled(service_start_on=date(2021, 5, 2), degree="bachelor") == 2


def test_36_months_with_bachelor_are_entitled_to_3() -> None:
    # 2021-04-01: 36 + 36 = 72; 72 div 36 = 2
    assert entitled(service_start_on=date(2021, 4, 1), degree="bachelor") == 3


@pytest.mark.parametrize(
    ("start_on", "expected"),
    [
        (date(2021, 4, 2), 1),  # 35 months
        (date(2021, 4, 1), 2),  # 36 months
        (date(2018, 4, 2), 2),  # 71 months
        (date(2018, 4, 1), 3),  # 72 months
    ],
)
def test_a_step_needs_36_full_months(start_on: date, expected: int) -> None:
    assert entitled(service_start_on=start_on) == expected


@pytest.mark.parametrize(("prior", "expected"), [(35, 1), (36, 2)])
def test_prior_service_counts_month_by_month(prior: int, expected: int) -> None:
    assert entitled(prior_service_months=prior) == expected


@pytest.mark.parametrize(
    ("degree", "prior", "expected"),
    [
        ("none", 0, 1),  # 0
        ("bachelor", 0, 2),  # 36
        ("bachelor", 35, 2),  # 71
        ("bachelor", 36, 3),  # 72
        ("master", 11, 2),  # 60 + 11 = 71
        ("master", 12, 3),  # 60 + 12 = 72
        ("doctor", 23, 3),  # 84 + 23 = 107, 2 steps
        ("doctor", 24, 4),  # 84 + 24 = 108, 3 steps
    ],
)
def test_a_degree_counts_as_36_60_or_84_months(degree: str, prior: int, expected: int) -> None:
    assert entitled(degree=degree, prior_service_months=prior) == expected


@pytest.mark.parametrize(
    ("certificate", "expected"), [("none", 1), ("assistant", 2), ("intermediate", 3), ("senior", 4)]
)
def test_a_certificate_adds_1_2_or_3_steps(certificate: str, expected: int) -> None:
    assert entitled(certificate=certificate, certificate_on=BEFORE) == expected


@pytest.mark.parametrize(
    ("certificate_on", "expected"),
    [(date(2024, 3, 31), 4), (EFFECTIVE_ON, 1), (date(2024, 4, 2), 1), (None, 1)],
    ids=["the day before", "the day itself", "the day after", "no day"],
)
def test_a_certificate_counts_only_if_dated_before_the_effective_day(
    certificate_on: date | None, expected: int
) -> None:
    assert entitled(certificate="senior", certificate_on=certificate_on) == expected


@pytest.mark.parametrize(("post", "floor", "ceiling"), [("other", 1, 12), ("deputy", 4, 15), ("principal", 7, 18)])
def test_each_post_has_its_band(post: str, floor: int, ceiling: int) -> None:
    # Every band spans 11 steps: 11·36 = 396 months, exactly 33 years, reach the ceiling.
    assert entitled(post=post) == floor
    assert entitled(post=post, service_start_on=date(1991, 4, 2)) == ceiling - 1  # 395 months, 10 steps
    assert entitled(post=post, service_start_on=date(1991, 4, 1)) == ceiling  # 396 months, 11 steps
    assert entitled(post=post, service_start_on=date(1988, 4, 1)) == ceiling  # 432 months, 12 steps


@pytest.mark.parametrize(
    ("year", "expected"),
    [
        (2018, 3),  # before the year of joining: 60 + 12 = 72, 2 steps
        (2019, 2),  # the year of joining: 72 - 12 = 60, 1 step
        (2023, 2),  # the last year before the effective day
        (2024, 3),  # the effective day's own year
    ],
)
def test_an_incompetent_year_of_this_service_takes_12_months_away(year: int, expected: int) -> None:
    worker = {"service_start_on": date(2019, 4, 1), "prior_service_months": 12}
    assert entitled({year: "incompetent"}, **worker) == expected


def test_last_years_incompetent_counts_before_it_is_the_appraisal_year() -> None:
    # On 2024-03-01 the appraisal year is 2022, but 2023 < 2024 already: 36 - 12 = 24 months.
    worker = make_worker(service_start_on=date(2021, 3, 1))
    recorded = propose(worker, outcomes={2023: "incompetent"}, effective_on=date(2024, 3, 1))
    assert recorded.entitled_grade == 1
    assert propose(worker, effective_on=date(2024, 3, 1)).entitled_grade == 2


def test_only_incompetent_years_take_months_away() -> None:
    worker = {"service_start_on": date(2021, 4, 1)}
    assert entitled({2021: "basic", 2022: "competent", 2023: "excellent"}, **worker) == 2


def test_each_incompetent_year_takes_12_months() -> None:
    # 96 months: 2 steps; minus 24 = 72, 2 steps; minus 36 = 60, 1 step
    worker = {"service_start_on": date(2016, 4, 1)}
    assert entitled({2021: "incompetent", 2022: "incompetent"}, **worker) == 3
    assert entitled({2021: "incompetent", 2022: "incompetent", 2023: "incompetent"}, **worker) == 2


def test_incompetent_years_never_eat_into_education() -> None:
    # 2023-12-01: max(0, 4 - 12) + 36 = 36, one step; 4 - 12 + 36 = 28 would be none
    assert entitled({2023: "incompetent"}, service_start_on=date(2023, 12, 1), degree="bachelor") == 2
