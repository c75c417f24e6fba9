"""A worker objects: that is written down with the day by which it must be answered, and answered by a decision.

The answer doesn't change a grade. An upheld objection opens the proposal again, or asks for the published grade to be
amended or taken back, which are decisions of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from flows.calendar import CityCalendar
from flows.errors import DecisionRefused, UsageError
from flows.ledger import Ledger
from flows.ledger.review_rows import Answer, Objection, RecordedDecision, RecordedObjection
from flows.month import Month
from flows.policy import load_policy
from flows.review.four_eyes import Speaker, Subject
from flows.review.people import ReviewPeople
from flows.review.rows import ReviewRow, find_revision, list_review, list_standing_lines


@dataclass(frozen=True)
class ObjectionRow:
    """An objection and the decision that answered it, if one has."""

    objection: RecordedObjection
    answer: RecordedDecision | None


def open_objection(
    ledger: Ledger,
    month: Month,
    staff_id: str,
    *,
    statement: str,
    recorder: str,
    filed_on: date,
    recorded_at: datetime,
    policy_folder: Path,
) -> RecordedObjection:
    """The worker's objection as recorded, due so many working days after `filed_on` as the policy of that day says.

    It is linked to the decision that holds of the worker's proposal, the published one first; a held or unchanged
    grade has none. Raises `DecisionRefused` if nothing was decided yet, or if an objection of the worker is open.
    (policy `grades.objection_answer_working_days`)
    """
    policy_at = load_policy(policy_folder).at(filed_on)
    days = policy_at.integer("grades.objection_answer_working_days")
    due_on = CityCalendar.from_policy(policy_at).nth_working_day(filed_on, days)

    def act(head: str) -> RecordedObjection:
        row = _find_row(ledger, month, staff_id)
        contested = _find_published(ledger, month, staff_id) or (row.decision if row else None)
        if contested is None and row is None:
            raise DecisionRefused(
                f"{month}: worker {staff_id} has no proposal. Look the number up with fivestar review list."
            )
        if contested is None and row is not None and row.awaits_decision:
            raise DecisionRefused(
                f"{month}: nothing has been decided on worker {staff_id}'s proposal yet, so there is nothing to "
                "object to. Note the worker's view in the comment of the decision."
            )
        waiting = [it.objection for it in list_objections(ledger, month) if it.answer is None]
        own = next((it for it in waiting if it.staff_id == staff_id), None)
        if own is not None:
            raise DecisionRefused(
                f"{month}: objection {own.id} of worker {staff_id} is open, due on {own.due_on}. Answer that one "
                f"first: fivestar review answer {own.id}."
            )
        objection = Objection(
            month=str(month),
            revision=find_revision(ledger, month).revision,
            staff_id=staff_id,
            decision_id=None if contested is None else contested.id,
            statement=statement,
            recorder=recorder,
            filed_on=filed_on,
            due_on=due_on,
            recorded_at=recorded_at,
        )
        return RecordedObjection(**vars(objection), id=ledger.reviews.add_objection(objection, after=head))

    return ledger.reviews.write(act)


def answer_objection(
    ledger: Ledger,
    number: int,
    outcome: Answer,
    *,
    reviewer: str,
    comment: str,
    decided_at: datetime,
    people: ReviewPeople,
) -> ObjectionRow:
    """The objection with its answer, a new decision linked to it and to the one objected to.

    Raises `UsageError` if there is no such objection; `DecisionRefused` if it is answered, without a comment that
    says why, or if the person is no approver for the worker's district or took the decision objected to.
    """
    if not comment.strip():
        raise DecisionRefused(f"objection {number} can't be answered without saying why. Use --comment.")
    speaker = Speaker.find(ledger, people, reviewer)

    def act(head: str) -> ObjectionRow:
        found = _find_objection(ledger, number)
        objection = found.objection
        if found.answer is not None:
            raise DecisionRefused(f"objection {number} was answered already: {found.answer.verdict}.")
        month = Month.parse(objection.month)
        row = _find_row(ledger, month, objection.staff_id)
        contested = [it for it in ledger.reviews.list_decisions(objection.month) if it.id == objection.decision_id]
        person = speaker.person
        district_code = None if row is None else row.district_code
        if person is not None and not ("approver" in person.roles and person.covers(district_code)):
            raise DecisionRefused(
                f"objection {number}: only an approver for the worker's district answers it; {reviewer} is "
                f"{person.authority}."
            )
        if person is not None and reviewer in {it.reviewer for it in contested}:
            raise DecisionRefused(
                f"objection {number}: {reviewer} took the decision objected to. Another approver must answer."
            )
        # Of a worker whom the newest revision lacks, what was decided is what the answer is about.
        digest = row.digest if row is not None else contested[0].proposal_digest if contested else ""
        subject = Subject(month, find_revision(ledger, month).revision, objection.staff_id, digest)
        decision = speaker.decide(
            subject,
            outcome,
            comment,
            decided_at,
            amends=contested[0] if contested else None,
            objection_id=objection.id,
        )
        ledger.reviews.add_decisions([decision], after=head)
        return _find_objection(ledger, number)

    return ledger.reviews.write(act)


def list_objections(ledger: Ledger, month: Month | None = None) -> list[ObjectionRow]:
    """Every objection with its answer, of one month if asked, the earliest first."""
    recorded = ledger.reviews.list_objections(None if month is None else str(month))
    answers = {
        decision.objection_id: decision
        for each in sorted({it.month for it in recorded})
        for decision in ledger.reviews.list_decisions(each)
    }
    return [ObjectionRow(it, answers.get(it.id)) for it in recorded]


def _find_objection(ledger: Ledger, number: int) -> ObjectionRow:
    found: Sequence[ObjectionRow] = [it for it in list_objections(ledger) if it.objection.id == number]
    if not found:
        raise UsageError(f"there is no objection {number}. See fivestar review objections.")
    return found[0]


def _find_row(ledger: Ledger, month: Month, staff_id: str) -> ReviewRow | None:
    return next((it for it in list_review(ledger, month) if it.proposal.staff_id == staff_id), None)


def _find_published(ledger: Ledger, month: Month, staff_id: str) -> RecordedDecision | None:
    """The decision behind the worker's newest grade of the month, whatever the newest revision says."""
    lines = list_standing_lines(ledger.register.list_month(str(month)))
    line = next((it for it in reversed(lines) if it.record.staff_id == staff_id), None)
    decisions = {it.id: it for it in ledger.reviews.list_decisions(str(month))}
    return None if line is None else decisions[line.decision_id]
