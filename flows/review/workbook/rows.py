"""The workbook's rows of people: which columns, in which order, and what stands in each."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from flows.ledger.results import digest_proposal, group_pay_lines
from flows.ledger.review_rows import Verdict
from flows.month import Month
from flows.results import AWAITING_KINDS, Community, MonthResult, PayLine, Proposal
from flows.review.sentences import explain_decision, explain_reckoning
from flows.wording import KINDS, POSTS, convert_to_yuan, format_instant

Cell = str | int | Decimal | date | None
Look = Literal["text", "code", "long", "count", "money", "date", "choice", "comment"]

MANUAL = "是"
DIGEST_LENGTH = 16

DECISION_WORDS: Mapping[Verdict, str] = {"approved": "同意", "rejected": "驳回", "returned": "退回", "later": "暂缓"}
"""What HR may choose in 决定, in the order of the drop-down."""

STATES = {
    "proposed": "待决定",
    "prepared": "已经办",
    "approved": "已同意",
    "rejected": "已驳回",
    "returned": "已退回",
    "later": "已暂缓",
    "reversed": "已撤销",
}


@dataclass(frozen=True)
class Standing:
    """How far the review of one proposal has got: its state, who prepared what, who decided when and why."""

    state: str = "proposed"
    prepared_verdict: str = ""
    preparer: str = ""
    prepared_comment: str = ""
    comment: str = ""
    reviewer: str = ""
    decided_at: datetime | None = None


UNTOUCHED = Standing()


@dataclass(frozen=True)
class PersonRow:
    """One worker's proposal with everything that its line shows; amounts in fen, empty where unknown.

    The proposal comes without its trace: its sentences are all that a line shows of it.
    """

    proposal: Proposal
    community: Community | None
    current_fen: int | None
    proposed_fen: int | None
    decision: str
    reckoning: str
    check_code: str
    standing: Standing

    @property
    def difference_fen(self) -> int | None:
        """Monthly change; unknown, not zero, for a worker without a current grade."""
        if self.current_fen is None or self.proposed_fen is None:
            return None
        return self.proposed_fen - self.current_fen

    @property
    def place(self) -> tuple[str, str, str, str]:
        """Where the line stands: district, street, community, worker."""
        code = self.proposal.community_code
        if self.community is None:
            return (code[:6], code[:9], code, self.proposal.staff_id)
        return (self.community.district_code, self.community.street_code, code, self.proposal.staff_id)


@dataclass(frozen=True)
class PersonColumn:
    """One column: its heading, its width in characters, how it looks, and where its value comes from."""

    title: str
    width: int
    look: Look
    read: Callable[[PersonRow], Cell]


def write_check_code(month: Month, revision: int, digest: str) -> str:
    """What tells by itself which revision and content a line shows, wherever it is moved."""
    return f"{month}-r{revision}-{digest[:DIGEST_LENGTH]}"


def list_people(result: MonthResult, revision: int, standings: Mapping[str, Standing]) -> list[PersonRow]:
    """Every worker of the month, by district, street, community and worker."""
    rows = make_people(
        result.month,
        revision,
        standings,
        proposals=result.proposals,
        communities=result.communities,
        pay_lines=result.pay_lines,
    )
    return sorted(rows, key=lambda person: person.place)


def make_people(
    month: Month,
    revision: int,
    standings: Mapping[str, Standing],
    *,
    proposals: Iterable[Proposal],
    communities: Sequence[Community],
    pay_lines: Sequence[PayLine],
) -> Iterator[PersonRow]:
    """The line of each proposal, in the order given."""
    by_code = {community.community_code: community for community in communities}
    pay = group_pay_lines(pay_lines)
    for proposal in proposals:
        lines = pay[proposal.staff_id]
        totals = {line.basis: line.total_fen for line in lines}
        yield PersonRow(
            replace(proposal, trace=()),
            by_code.get(proposal.community_code),
            totals.get("current"),
            totals.get("proposed"),
            decision=explain_decision(proposal),
            reckoning=explain_reckoning(proposal),
            check_code=write_check_code(month, revision, digest_proposal(proposal, lines)),
            standing=standings.get(proposal.staff_id, UNTOUCHED),
        )


def select_awaiting(people: Iterable[PersonRow]) -> list[PersonRow]:
    """Those that a person must decide, the ones that need individual handling first."""
    awaiting = [person for person in people if person.proposal.kind in AWAITING_KINDS]
    return sorted(awaiting, key=lambda person: not person.proposal.needs_manual)


def select_held(people: Iterable[PersonRow]) -> list[PersonRow]:
    """Those whose raise is held back."""
    return [person for person in people if person.proposal.kind == "hold"]


def find_column(columns: Sequence[PersonColumn], title: str) -> int:
    """The position of the column with that heading, from 0."""
    return next(index for index, column in enumerate(columns) if column.title == title)


def _read_name(attribute: str) -> Callable[[PersonRow], str]:
    def read(person: PersonRow) -> str:
        return "" if person.community is None else str(getattr(person.community, attribute))

    return read


def _read_community(person: PersonRow) -> str:
    """Its name; the code of one that is no longer registered."""
    return person.proposal.community_code if person.community is None else person.community.name


def _read_step(person: PersonRow) -> int | None:
    current = person.proposal.current_grade
    return None if current is None else person.proposal.proposed_grade - current


def _read_yuan(attribute: str) -> Callable[[PersonRow], Decimal | None]:
    def read(person: PersonRow) -> Decimal | None:
        fen: int | None = getattr(person, attribute)
        return None if fen is None else convert_to_yuan(fen)

    return read


def _name(titles: Mapping[Any, str], code: str) -> str:
    return titles.get(code, code)


PERSON_COLUMNS: tuple[PersonColumn, ...] = (
    PersonColumn("员工编号", 11, "text", lambda person: person.proposal.staff_id),
    PersonColumn("姓名", 8, "text", lambda person: person.proposal.name),
    PersonColumn("社区", 15, "text", _read_community),
    PersonColumn("街道", 12, "text", _read_name("street_name")),
    PersonColumn("区县", 10, "text", _read_name("district_name")),
    PersonColumn("岗位", 6, "code", lambda person: _name(POSTS, person.proposal.post)),
    PersonColumn("两委", 6, "code", lambda person: "是" if person.proposal.committee_member else "否"),
    PersonColumn("现等级", 6, "count", lambda person: person.proposal.current_grade),
    PersonColumn("应得等级", 6, "count", lambda person: person.proposal.entitled_grade),
    PersonColumn("建议等级", 6, "count", lambda person: person.proposal.proposed_grade),
    PersonColumn("级差", 6, "count", _read_step),
    PersonColumn("建议类型", 10, "code", lambda person: _name(KINDS, person.proposal.kind)),
    PersonColumn("须人工核查", 7, "code", lambda person: MANUAL if person.proposal.needs_manual else "否"),
    PersonColumn("理由", 28, "long", lambda person: person.decision),
    PersonColumn("计算过程", 38, "long", lambda person: person.reckoning),
    PersonColumn("现月工资（元）", 11, "money", _read_yuan("current_fen")),
    PersonColumn("建议月工资（元）", 13, "money", _read_yuan("proposed_fen")),
    PersonColumn("月差额（元）", 10, "money", _read_yuan("difference_fen")),
    PersonColumn("生效日期", 12, "date", lambda person: person.proposal.effective_on),
)

ID, VERDICT, COMMENT, STATE, DECIDED_AT = "员工编号", "决定", "意见", "状态", "决定时间"
CHECK_CODE, FINDING = "校验码", "核对结果"
_IDENTITY_COUNT = 2


def _read_prepared(person: PersonRow) -> str:
    """What the preparer suggests, and why."""
    standing = person.standing
    word = _name(DECISION_WORDS, standing.prepared_verdict)
    return f"{word}：{standing.prepared_comment}" if standing.prepared_comment else word


def _read_decided_at(person: PersonRow) -> str:
    decided_at = person.standing.decided_at
    return "" if decided_at is None else format_instant(decided_at)


DECISION_COLUMNS: tuple[PersonColumn, ...] = (
    *PERSON_COLUMNS[:_IDENTITY_COUNT],
    PersonColumn(VERDICT, 8, "choice", lambda _: ""),
    PersonColumn(COMMENT, 22, "comment", lambda _: ""),
    PersonColumn(STATE, 8, "code", lambda person: _name(STATES, person.standing.state)),
    PersonColumn("经办人", 8, "text", lambda person: person.standing.preparer),
    PersonColumn("经办意见", 16, "long", _read_prepared),
    *PERSON_COLUMNS[_IDENTITY_COUNT:],
    PersonColumn("决定人", 8, "text", lambda person: person.standing.reviewer),
    PersonColumn(DECIDED_AT, 17, "code", _read_decided_at),
    PersonColumn("决定意见", 22, "long", lambda person: person.standing.comment),
    PersonColumn(CHECK_CODE, 30, "code", lambda person: person.check_code),
    PersonColumn(FINDING, 40, "long", lambda _: ""),
)
"""The columns of what awaits a decision: HR's own beside the name, empty, then how far the review has got.

What was decided before stands in columns of its own, so that HR's own say only what is wanted now.
"""

SHOWN_COLUMNS = PERSON_COLUMNS
"""What a line shows of the proposal itself: all that a decision rests on, and nobody's to change."""
