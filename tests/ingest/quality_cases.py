"""For each rule of the shipped quality files that judges rows: what just passes it and what just breaks it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from flows.ingest.judging.predicates import Check, References

REPORTED = datetime(2024, 3, 1, 8)
"""Instants as the lake holds them: UTC without offset."""
PULLED = datetime(2024, 4, 5)
SECOND = timedelta(seconds=1)
WIDE = "４１０２０２００１００１"
HOME, NEIGHBOUR, STRANGER = "410202001001", "410202001002", "410202001999"

REFERENCES = References(
    communities=frozenset([HOME, NEIGHBOUR]),
    # G1 was HOME's all along, G2 is NEIGHBOUR's, G3 moved from the one to the other.
    grids={"G1": frozenset([HOME]), "G2": frozenset([NEIGHBOUR]), "G3": frozenset([HOME, NEIGHBOUR])},
    pulled_at=PULLED.replace(tzinfo=UTC),
    bands={"principal": (7, 18), "deputy": (4, 15), "other": (1, 12)},
)

GOOD: dict[str, dict[str, Any]] = {
    "communities": {
        "community_code": HOME, "name": "a", "street_code": "410202001", "street_name": "b",
        "district_code": "410202", "district_name": "c", "valid_from": date(2020, 1, 1), "valid_to": None,
    },
    "grids": {
        "grid_code": "G1", "community_code": HOME, "party_unit": "branch", "valid_from": date(2020, 1, 1),
        "valid_to": None,
    },
    "events": {
        "platform": "p", "event_id": "E1", "community_code": HOME, "grid_code": "G1", "department": None,
        "category": "dispute", "tier": 1, "urgent": False, "reported_at": REPORTED, "responded_at": None,
        "due_at": None, "extended_to": None, "closed_at": None, "status": "open", "forced_close": False,
        "reopened": 0, "solved": None, "satisfaction": None, "updated_at": REPORTED,
    },
    "incidents": {
        "incident_id": "I1", "community_code": HOME, "kind": "petition", "occurred_on": date(2024, 3, 1),
        "status": "confirmed", "updated_at": REPORTED,
    },
    "checks": {
        "check_id": "C1", "platform": "p", "event_id": "E1", "community_code": HOME, "finding": "verified",
        "checked_at": REPORTED, "updated_at": REPORTED,
    },
    "branch_sheet": {
        "community_code": HOME, "month": "2024-03", "meetings_required": 4, "meetings_held": 5,
        "centre_standard": True, "property_covered": 3, "property_total": 3, "weak_branch": False,
        "secretary_under_investigation": False,
    },
    "staff": {
        "month": "2024-03", "staff_id": "S1", "name": "n", "community_code": HOME, "post": "other",
        "committee_member": False, "employment": "hired", "degree": "none", "certificate": "none",
        "certificate_on": None, "service_start_on": date(2020, 1, 1), "prior_service_months": 0,
        "current_grade": None,
    },
    "appraisals": {"staff_id": "S1", "year": 2023, "outcome": "competent"},
    "sanctions": {"staff_id": "S1", "kind": "warning", "effective_on": date(2024, 1, 1)},
    "annual_titles": {"community_code": HOME, "rating_year": 2023, "stars": 4, "pay_year": 2024},
    "contacts": {"unit_code": HOME, "role": "secretary", "name": "n", "channel": "wecom", "address": "a"},
}  # fmt: skip

Changes = list[dict[str, Any]]

_COMMUNITY: dict[str, tuple[Changes, Changes]] = {
    "community_code_pattern:community_code": (
        [{"community_code": STRANGER}],
        [
            {"community_code": it}
            for it in ("41020200100", "4102020010011", "41020200100x", "４１０２０２００１００１")
        ],
    ),
    "community_registered:community_code": ([{"community_code": NEIGHBOUR}], [{"community_code": STRANGER}]),
}


def _after_report(column: str) -> dict[str, tuple[Changes, Changes]]:
    return {f"after_report:{column}": ([{column: REPORTED}], [{column: REPORTED - SECOND}])}


def _not_negative(column: str) -> dict[str, tuple[Changes, Changes]]:
    return {f"counts_not_negative:{column}": ([{column: 0}], [{column: -1}])}


_CASES: dict[str, dict[str, tuple[Changes, Changes]]] = {
    "events": {
        **_after_report("responded_at"),
        **_after_report("due_at"),
        **_after_report("extended_to"),
        **_after_report("closed_at"),
        **_not_negative("reopened"),
        "own_grid:grid_code": (
            [
                {"grid_code": "G2", "community_code": NEIGHBOUR},
                {"grid_code": "G3"},
                {"grid_code": "G3", "community_code": NEIGHBOUR},
                {"grid_code": "unknown"},
                {"grid_code": "G2", "community_code": None},
            ],
            [{"grid_code": "G2"}, {"grid_code": "G1", "community_code": NEIGHBOUR}],
        ),
        "grid_registered:grid_code": ([{"grid_code": "G2"}, {"grid_code": None}], [{"grid_code": "unknown"}]),
        "closed_at_given:closed_at": (
            [{"status": "closed", "closed_at": REPORTED}, {"status": "void"}],
            [{"status": "closed", "closed_at": None}],
        ),
        "reported_in_past:reported_at": ([{"reported_at": PULLED}], [{"reported_at": PULLED + SECOND}]),
    },
    "appraisals": {"year_begun:year": ([{"year": PULLED.year}], [{"year": PULLED.year + 1}])},
    "branch_sheet": {
        **_not_negative("meetings_required"),
        **_not_negative("meetings_held"),
        **_not_negative("property_covered"),
        **_not_negative("property_total"),
        "property_covered_within_total:property_covered": (
            [{"property_covered": 3, "property_total": 3}],
            [{"property_covered": 4, "property_total": 3}],
        ),
    },
    "staff": {
        **_not_negative("prior_service_months"),
        "grade_range:current_grade": (
            [{"current_grade": it} for it in (None, 1, 18)],
            [{"current_grade": it} for it in (0, 19)],
        ),
        "prior_service_range:prior_service_months": (
            [{"prior_service_months": it} for it in (None, 0, 720)],
            [{"prior_service_months": it} for it in (721, 36_000)],
        ),
        "service_not_before:service_start_on": (
            [{"service_start_on": it} for it in (None, date(1949, 10, 1))],
            [{"service_start_on": it} for it in (date(1949, 9, 30), date(1, 1, 1))],
        ),
        # Grades of March's roster take effect on 1 April.
        "service_started:service_start_on": (
            [
                {"service_start_on": date(2024, 4, 1)},
                {"service_start_on": date(2025, 1, 1), "month": "2024-12"},
                {"service_start_on": date(2024, 4, 2), "month": None},
                {"service_start_on": None},
            ],
            [
                {"service_start_on": date(2024, 4, 2)},
                {"service_start_on": date(2024, 5, 1)},
                {"service_start_on": date(2025, 1, 2), "month": "2024-12"},
                {"service_start_on": date(2031, 3, 1)},
            ],
        ),
        "worker_once:staff_id": (
            [{"staff_id": "S2"}, {"month": "2024-02"}, {"staff_id": None}, {"staff_id": None}],
            [{}, {"community_code": NEIGHBOUR}, {"month": "2024-02"}, {"month": "2024-02", "staff_id": "S1"}],
        ),
        **{
            f"grade_in_band:current_grade:{post}": (
                [{"post": post, "current_grade": it} for it in (low, high, None)],
                [{"post": post, "current_grade": it} for it in (low - 1, high + 1)],
            )
            for post, (low, high) in REFERENCES.bands.items()
        },
        "certificate_dated:certificate_on": (
            [{"certificate": "none"}, {"certificate": "senior", "certificate_on": date(2023, 1, 1)}],
            [{"certificate": it, "certificate_on": None} for it in ("assistant", "intermediate", "senior")],
        ),
    },
    "contacts": {
        # The city, a district, a street and a community; and a digit too few or too many of each.
        "unit_code_pattern:unit_code": (
            [{"unit_code": it} for it in ("city", "410202", "410202001", HOME)],
            [{"unit_code": it} for it in ("City", "41020", "4102020", "4102020010", HOME + "0", WIDE)],
        ),
        **{
            f"address_pattern:{column}": (
                [{column: it} for it in ("li.lei@example.org", "龙亭", "138 0000", "a" * 254)],
                [{column: it} for it in ("a\n", "a\tb", "a\x00", "a\x7f", "a" * 255)],
            )
            for column in ("channel", "address")
        },
    },
}


def list_cases(check: Check, table: str) -> tuple[Changes, Changes]:
    """Changes to the table's good row that pass the check, and changes that break it."""
    column = check.column
    if check.rule.kind == "required":
        return [{}], [{column.name: None}]
    if check.rule.kind == "listed":
        is_number = column.kind == "integer"
        passing: Changes = [{column.name: int(it) if is_number else it} for it in column.values]
        return passing, [{column.name: 99 if is_number else "nonsense"}]
    return {**_COMMUNITY, **_CASES.get(table, {})}[check.key]
