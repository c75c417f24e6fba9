"""A stored result explained: judged again from what its revision was judged from, and laid open step by step.

An explanation holds only for figures that come out again, so each is recomputed from the revision's own inputs and
compared with what the ledger keeps before anything is said about it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import orjson

from flows.condensed import condense_landings
from flows.engines import choose_engine
from flows.errors import QualityGate, UsageError
from flows.evaluate.assessment import assess_workers, read_titles
from flows.evaluate.communities import CommunityAssessment, assess_communities
from flows.evaluate.explain.community import CommunityExplanation, explain_community
from flows.evaluate.explain.heading import Heading
from flows.evaluate.explain.pay import explain_pay
from flows.evaluate.explain.records import list_records
from flows.evaluate.explain.view import CommunityView, WorkerView
from flows.evaluate.explain.worker import WorkerExplanation, explain_worker
from flows.evaluate.pay import find_titles, read_pay_rules
from flows.evaluate.ratings import rank_complete
from flows.house import SCRATCH, House
from flows.inputs import MonthInputs, find_record, rebuild_inputs
from flows.lake import TableView
from flows.ledger.results import RevisionRecord, digest_proposal
from flows.month import Month
from flows.results import Community, PayLine, Proposal, RatingRow


def explain_community_month(
    house: House, month: Month, community_code: str, *, revision: int | None = None, with_events: bool = False
) -> tuple[Heading, CommunityExplanation]:
    """The community's month in its newest revision, or in the one named.

    Raises `QualityGate` if the month has no result or the stored one does not come out again, `UsageError` for a
    revision or community that it doesn't have.
    """
    record = find_record(house, month, revision)
    community = _find_community(house, record, community_code)
    inputs = rebuild_inputs(house, record)
    policy_at = inputs.policy.at(month.last_on)
    ratings = house.ledger.results.list_ratings(record.month, record.revision)
    scratch = house.settings.home / SCRATCH
    engine = choose_engine(house.settings, scratch)
    landings = condense_landings(inputs.landings, house.ledger.retention.list_condensations())
    with CommunityView(house.lake, landings, scratch, engine, community_code=community_code) as view:
        presence = {source.platform: source.present for source in inputs.sources}
        # The view is one community's: of the assessment only its own rows and counts are whole.
        assessment = assess_communities(view, policy_at, month, presence)
        _require_same_community(house, record, community_code, assessment, ratings)
        explanation = explain_community(
            view,
            assessment,
            policy_at,
            community,
            sources=inputs.sources,
            ratings=ratings,
            with_events=with_events,
        )
    return _describe_revision(record), explanation


def explain_staff_month(
    house: House, month: Month, staff_id: str, *, revision: int | None = None
) -> tuple[Heading, WorkerExplanation, str]:
    """The worker's month in its newest revision, or in the one named, and the worker's name for HR's eyes.

    Raises `QualityGate` if the month has no result or the stored one does not come out again, `UsageError` for a
    revision or worker that it doesn't have.
    """
    record = find_record(house, month, revision)
    results, key = house.ledger.results, (record.month, record.revision)
    proposal = _find_proposal(results.list_proposals(*key), record, staff_id)
    pay_lines = [line for line in results.list_pay_lines(*key) if line.staff_id == staff_id]
    inputs = rebuild_inputs(house, record)
    policy_at = inputs.policy.at(proposal.effective_on)
    with house.view(list(inputs.landings)) as view:
        _require_same_worker(record, proposal, pay_lines, inputs, view)
        titles = read_titles(view)
        slots = {landing.batch_id: landing.slot for landing in inputs.landings}
        records = list_records(view, slots, month, staff_id, proposal.community_code)
    title = find_titles(titles, policy_at, proposal.effective_on).get(proposal.community_code)
    reviews, register = house.ledger.reviews, house.ledger.register
    explanation = explain_worker(
        proposal,
        month,
        policy_at,
        pay=explain_pay(pay_lines, read_pay_rules(policy_at), title, committee_member=proposal.committee_member),
        title=title,
        digest=digest_proposal(proposal, pay_lines),
        decisions=[row for row in reviews.list_decisions(str(month)) if row.staff_id == staff_id],
        register=register.list_history(staff_id),
        arrears=[line for line in register.list_arrears(str(month)) if line.staff_id == staff_id],
        records=records,
    )
    return _describe_revision(record), explanation, proposal.name


def _describe_revision(record: RevisionRecord) -> Heading:
    """What stands above an explanation of this revision."""
    return Heading(
        month=Month.parse(record.month),
        revision=record.revision,
        created_at=record.created_at,
        policy_fingerprint=record.inputs["policy_fingerprint"],
        software_version=record.software_version,
        code_fingerprint=record.code_fingerprint,
    )


def _find_community(house: House, record: RevisionRecord, community_code: str) -> Community:
    communities = house.ledger.results.list_communities(record.month, record.revision)
    for community in communities:
        if community.community_code == community_code:
            return community
    raise UsageError(
        f"community {community_code!r} is not among the {len(communities)} that {record.month} revision "
        f"{record.revision} judged: those registered on the month's last day. Look its 12 digits up in ratings.csv."
    )


def _find_proposal(proposals: Sequence[Proposal], record: RevisionRecord, staff_id: str) -> Proposal:
    for proposal in proposals:
        if proposal.staff_id == staff_id:
            return proposal
    raise UsageError(
        f"worker {staff_id!r} has no proposal in {record.month} revision {record.revision}, which has "
        f"{len(proposals)}: the workers of the month's roster. Look the number up: fivestar review list "
        f"--month {record.month}."
    )


def _require_same_worker(
    record: RevisionRecord,
    proposal: Proposal,
    pay_lines: Sequence[PayLine],
    inputs: MonthInputs,
    view: TableView,
) -> None:
    """The worker's proposal, trace included, and pay lines come out of the inputs as they are stored.

    An error names the row, never what it holds.
    """
    staff_id = proposal.staff_id
    own = {staff_id: inputs.register[staff_id]} if staff_id in inputs.register else {}
    judged = assess_workers(
        WorkerView(view, staff_id), inputs.month, inputs.policy, own, keeps_roster=inputs.keeps_roster
    )
    _require_same(record, "proposal", _digest_by_id([proposal]), _digest_by_id(judged.proposals))
    _require_same(record, "pay", _digest_by_basis(pay_lines), _digest_by_basis(judged.pay_lines))


def _digest_by_id(proposals: Sequence[Proposal]) -> dict[str, str]:
    return {row.staff_id: _digest(row) for row in proposals}


def _digest_by_basis(lines: Sequence[PayLine]) -> dict[str, str]:
    return {f"{line.staff_id} {line.basis}": _digest(line) for line in lines}


def _digest(row: Any) -> str:
    return hashlib.sha256(orjson.dumps(row, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _require_same_community(
    house: House,
    record: RevisionRecord,
    code: str,
    assessment: CommunityAssessment,
    ratings: Sequence[RatingRow],
) -> None:
    """The community's recomputed rows are the stored ones, and its rank follows from the stored ratings."""
    results, key = house.ledger.results, (record.month, record.revision)

    def select(rows: Sequence[Any]) -> list[Any]:
        return [row for row in rows if row.community_code == code]

    indicators = {row.indicator: row for row in select(results.list_indicators(*key))}
    _require_same(record, "indicator", indicators, {row.indicator: row for row in select(assessment.indicators)})
    stars = {row.star: row for row in select(results.list_stars(*key))}
    _require_same(record, "star", stars, {row.star: row for row in select(assessment.stars)})
    # Only this community's events are at hand, so the others' ratings, and with them its rank, are the stored ones.
    ranks = rank_complete(ratings)
    rated = {row.community_code: replace(row, rank=ranks.get(code)) for row in select(assessment.ratings)}
    _require_same(record, "rating", {row.community_code: row for row in select(ratings)}, rated)


def _require_same(record: RevisionRecord, kind: str, stored: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Refuse to explain a result that does not come out again, naming the first row that differs."""
    for name in [*stored, *(name for name in found if name not in stored)]:
        if stored.get(name) != found.get(name):
            raise _refuse(record, f"{kind} {name} {_tell_difference(stored.get(name), found.get(name))}")


def _tell_difference(stored: Any, found: Any) -> str:
    if stored is None or found is None:
        return "is not stored, but comes out now" if stored is None else "is stored, but does not come out any more"
    if not is_dataclass(stored):
        return "comes out differently"
    pairs = ((field.name, getattr(stored, field.name), getattr(found, field.name)) for field in fields(stored))
    return ", ".join(f"has {name} {before}, now {after}" for name, before, after in pairs if before != after)


def _refuse(record: RevisionRecord, found: str) -> QualityGate:
    """The error that a stored result can't be reproduced, so that nobody explains figures that nothing stands for."""
    return QualityGate(
        f"{record.month} revision {record.revision}: the stored result can't be reproduced: {found}. "
        f"An explanation would not be of that result. Find what changed: fivestar replay --month {record.month} "
        f"--revision {record.revision}."
    )
