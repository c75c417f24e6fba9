"""A community's month explained: from its rows to its stars and its rank, every step with what it was made of.

Nothing is judged here: the results come from `assess_communities`, and each is laid beside the rows, the policy
values and the landed batches that it was made from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from flows.calendar import CityCalendar
from flows.evaluate.communities import CommunityAssessment
from flows.evaluate.counts import find_false_closures, find_incidents, list_grids
from flows.evaluate.explain.arithmetic import write_mean
from flows.evaluate.explain.events import list_due_events
from flows.evaluate.explain.measures import Evidence
from flows.evaluate.explain.stars import FalseClosure, Findings, Incident, StarExplanation, explain_star
from flows.evaluate.ratings import find_standing
from flows.evaluate.scheme import Scheme, read_scheme
from flows.lake import TableView
from flows.month import Month
from flows.policy import PolicyAt, PolicyValue
from flows.results import Community, RatingRow, SourceStatus


@dataclass(frozen=True)
class Standing:
    """How another community of the district stands that has a better rank."""

    community_code: str
    stars: int
    total_score: Decimal | None


@dataclass(frozen=True)
class RatingExplanation:
    """The provisional rating: stars lit, the mean of their scores, and who of the district is better."""

    clause: str
    stars: int
    total_score: Decimal | None
    total_arithmetic: str
    complete: bool
    rank: int | None
    ranked_count: int
    better: tuple[Standing, ...]


@dataclass(frozen=True)
class CommunityExplanation:
    """Everything that a community's month was made of; `policy` holds each value used, once."""

    community: Community
    month: Month
    cutoff_at: datetime
    sources: tuple[SourceStatus, ...]
    stars: tuple[StarExplanation, ...]
    rating: RatingExplanation
    policy: tuple[PolicyValue, ...]


def explain_community(
    view: TableView,
    assessment: CommunityAssessment,
    policy_at: PolicyAt,
    community: Community,
    *,
    sources: Sequence[SourceStatus],
    ratings: Sequence[RatingRow],
    with_events: bool,
) -> CommunityExplanation:
    """The community's month; `assessment` is that of `view`, `ratings` are the month's of the whole city.

    `policy_at` is the policy of the month's last day. Events and grids that counted against an indicator are listed
    only `with_events`; ids and instants, nothing of what they were about.
    """
    scheme, code, month = read_scheme(policy_at), community.community_code, assessment.counts.month
    values = policy_at.values()
    findings = Findings(
        rows={row.indicator: row for row in assessment.indicators if row.community_code == code},
        titles={
            rule.name: policy_at.describe(f"five_star.indicators.{rule.name}").title for rule in scheme.indicators
        },
        presence={source.platform: source.present for source in sources},
        false_closures=_list_false_closures(view, scheme, month, code),
        incidents=_list_incidents(view, month, code),
        policy_paths=[value.path for value in values],
    )
    evidence = Evidence(
        community_code=code,
        scheme=scheme,
        counts=assessment.counts,
        events=list_due_events(view.table("events"), scheme, CityCalendar.from_policy(policy_at), month, code),
        grids=[row for row in list_grids(view.table("grids"), month.last_on) if row["community_code"] == code],
        sheet_batch_id=_find_sheet_batch(view, month, code),
        with_events=with_events,
    )
    stars = tuple(explain_star(row, findings, evidence) for row in assessment.stars if row.community_code == code)
    used = {path for star in stars for path in _list_paths(star)}
    return CommunityExplanation(
        community=community,
        month=month,
        cutoff_at=month.cutoff_at(scheme.cutoff_day),
        sources=tuple(sources),
        stars=stars,
        rating=_explain_rating(code, stars, ratings),
        policy=tuple(value for value in values if value.path in used),
    )


def _explain_rating(code: str, stars: Sequence[StarExplanation], ratings: Sequence[RatingRow]) -> RatingExplanation:
    own = next(row for row in ratings if row.community_code == code)
    ranked = [row for row in ratings if row.complete and row.district_code == own.district_code]
    better = [row for row in ranked if own.complete and find_standing(row) > find_standing(own)]
    scores = [star.score for star in stars if star.score is not None]
    return RatingExplanation(
        clause="§3.4",
        stars=own.stars,
        total_score=own.total_score,
        total_arithmetic="" if own.total_score is None else write_mean(scores, own.total_score),
        complete=own.complete,
        rank=own.rank,
        ranked_count=len(ranked),
        better=tuple(
            Standing(row.community_code, row.stars, row.total_score)
            for row in sorted(better, key=lambda row: (row.rank or 0, row.community_code))
        ),
    )


def _list_paths(star: StarExplanation) -> list[str]:
    return [*(path for indicator in star.indicators for path in indicator.policy), *star.policy]


def _list_false_closures(view: TableView, scheme: Scheme, month: Month, code: str) -> list[FalseClosure]:
    found = find_false_closures(view.table("checks"), view.table("events"), scheme, month)
    own = found.filter(found.community_code == code).drop("community_code")
    rows = [
        FalseClosure(**{**row, "checked_at": row["checked_at"].replace(tzinfo=UTC)})
        for row in own.to_pyarrow().to_pylist()
    ]
    return sorted(rows, key=lambda row: row.check_id)


def _list_incidents(view: TableView, month: Month, code: str) -> list[Incident]:
    found = find_incidents(view.table("incidents"), month)
    own = found.filter(found.community_code == code).select(*Incident.__dataclass_fields__)
    return sorted((Incident(**row) for row in own.to_pyarrow().to_pylist()), key=lambda row: row.incident_id)


def _find_sheet_batch(view: TableView, month: Month, code: str) -> str | None:
    sheet = view.table("branch_sheet")
    found = sheet.filter(sheet.month == str(month), sheet.community_code == code).select("batch_id")
    rows = found.to_pyarrow().to_pylist()
    return rows[0]["batch_id"] if rows else None
