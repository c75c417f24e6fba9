"""Policy vocabulary: which values each file must hold, in which unit, and what such a value looks like.

To add a policy value, add its path here and its leaf to the file of that name in `config/policy/`. A path part `*`
stands for any of the term's names; at least one must be there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flows.policy_tables import (
    STAR_CATEGORIES,
    check_bands,
    check_calendar_years,
    check_factors,
    check_indicator,
    check_names,
    check_rate_weights,
    check_rising,
    check_table,
)
from flows.policy_values import (
    Check,
    check_day_of_month,
    check_day_of_year,
    check_list,
    check_score,
    check_share,
    check_sources,
    check_star,
    check_star_count,
    check_stars,
    check_tiers,
    check_truth,
    check_whole,
)
from flows.schema import CERTIFICATES, DEGREES, SANCTIONS, STARS

UNITS: Mapping[str, Check] = {
    "points": check_score,
    "ratio": check_share,
    "months": check_whole("months"),
    "days": check_whole("days"),
    "hours": check_whole("hours"),
    "fen": check_whole("fen"),
    "count": check_whole("count"),
    "grades": check_whole("grades"),
    "day_of_year": check_day_of_year,
    "truth": check_truth,
    "list": check_list,
    "table": check_table,
}
"""Units of policy values, each with the check that every value of the unit must pass."""


@dataclass(frozen=True)
class Term:
    """What a policy value must be: its unit, and a further check if the unit's isn't enough.

    `names` are those for which a `*` in its path may stand.
    """

    unit: str
    check: Check | None = None
    names: tuple[str, ...] = ()


INDICATOR_CATEGORIES: Mapping[str, str] = {
    "wish_closed": "wish",
    "city_case_on_time": "city_case",
    "city_case_rework": "city_case",
    "market_case_on_time": "market_case",
    "market_hazard_closed": "market_hazard_general",
    "market_hazard_major_closed": "market_hazard_major",
    "employment_satisfaction": "employment",
    "dispute_closed": "dispute",
    "hazard_closed": "hazard_general",
    "hazard_major_closed": "hazard_major",
    "service_on_time": "service",
    "three_rates": "service",
    "service_satisfaction": "service",
}
"""The category of events that each indicator of events counts (policy §2)."""

INDICATORS = ("grid_party_coverage", "meetings_held", "centre_standard", "property_coverage", *INDICATOR_CATEGORIES)
"""Every indicator that the rules can count (policy §2); which of them do, and for how much, is dated."""

TERMS: Mapping[str, Mapping[str, Term]] = {
    "five_star": {
        "cutoff_day": Term("days", check_day_of_month),
        "deadlines.urgent_hours": Term("hours", check_whole("hours", least=1)),
        "deadlines.tier_1_hours": Term("hours", check_whole("hours", least=1)),
        "deadlines.tier_2_working_days": Term("days", check_whole("days", least=1)),
        "deadlines.tier_3_working_days": Term("days", check_whole("days", least=1)),
        "deadlines.tier_4_working_days": Term("days", check_whole("days", least=1)),
        "response.urgent_hours": Term("hours", check_whole("hours", least=1)),
        "response.other_hours": Term("hours", check_whole("hours", least=1)),
        "counted_tiers": Term("list", check_tiers),
        "indicators.*": Term("table", check_indicator, INDICATORS),
        "three_rates_weights": Term("table", check_rate_weights),
        "category_stars": Term("table", check_names(STAR_CATEGORIES, check_star)),
        **{f"sources.{star}": Term("list", check_sources) for star in STARS},
        "vetoes.weak_branch": Term("list", check_stars),
        "vetoes.secretary_under_investigation": Term("list", check_stars),
        "vetoes.incident": Term("list", check_stars),
        "lit_score": Term("points"),
        "weight_share_minimum": Term("ratio"),
        "false_closure_deduction": Term("points"),
        "withheld_false_closures": Term("count", check_whole("count", least=1)),
        "alerts.community_overdue_hours": Term("hours"),
        "alerts.street_overdue_hours": Term("hours"),
        "alerts.district_overdue_hours": Term("hours"),
        "alerts.due_soon_hours": Term("hours"),
        "alerts.digest_rows": Term("count", check_whole("count", least=1)),
        "alarms.many_stars": Term("count", check_star_count),
        "alarms.many_stars_share_minimum": Term("ratio"),
        "alarms.many_stars_share_maximum": Term("ratio"),
        "alarms.incident_free_share_minimum": Term("ratio"),
    },
    "grades": {
        "bands": Term("table", check_bands),
        "step_months": Term("months", check_whole("months", least=1)),
        "education_months": Term(
            "table", check_rising(DEGREES, check_whole("months"), "A higher degree must never lower a grade")
        ),
        "certificate_steps": Term(
            "table",
            check_rising(CERTIFICATES, check_whole("grades"), "A higher certificate must never lower a grade"),
        ),
        "incompetent_year_months": Term("months"),
        "appraisal_cut_day": Term("day_of_year"),
        "appraisal_joining_limit": Term("day_of_year"),
        "sanction_period_months": Term(
            "table", check_rising(SANCTIONS, check_whole("months"), "A graver sanction must not hold for less time")
        ),
        "sanction_holds_raise": Term("truth"),
        "most_steps_at_once": Term("grades", check_whole("grades", least=1)),
        "objection_answer_working_days": Term("days", check_whole("days", least=1)),
    },
    "pay": {
        "base_fen": Term("fen", check_whole("fen", least=1)),
        "grade_increment": Term("ratio"),
        "basic_share": Term("ratio"),
        "performance_factors": Term("table", check_factors),
        "uplift_share": Term("ratio"),
        "title_stars_minimum": Term("count", check_star_count),
        "work_funds_minimum_fen": Term("fen"),
        "work_funds_maximum_fen": Term("fen"),
    },
    "calendar": {
        "extra_years": Term("table", check_calendar_years),
    },
}
"""What each policy file must hold, by file and path."""

OPTIONAL = ("pay.base_fen",)
"""The only values that may be left unset with null."""

LADDERS: Mapping[tuple[str, ...], str] = {
    (
        "five_star.deadlines.urgent_hours",
        "five_star.deadlines.tier_1_hours",
    ): "Urgent events are due no later than others",
    (
        "five_star.deadlines.tier_2_working_days",
        "five_star.deadlines.tier_3_working_days",
        "five_star.deadlines.tier_4_working_days",
    ): "A higher tier has as much time or more",
    (
        "five_star.response.urgent_hours",
        "five_star.response.other_hours",
    ): "Urgent events are responded to no later than others",
    (
        "five_star.alerts.community_overdue_hours",
        "five_star.alerts.street_overdue_hours",
        "five_star.alerts.district_overdue_hours",
    ): "Whoever stands higher is told no sooner",
    (
        "five_star.alarms.many_stars_share_minimum",
        "five_star.alarms.many_stars_share_maximum",
    ): "A minimum is not above its maximum",
    (
        "pay.work_funds_minimum_fen",
        "pay.work_funds_maximum_fen",
    ): "A minimum is not above its maximum",
}
"""Values none of which may be above the next one on any day, and why."""
