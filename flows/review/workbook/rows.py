"""The workbook's rows of workers: which columns, in which order, and what stands in each."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flows.ledger.results import digest_proposal, group_pay_lines
from flows.month import Month
from flows.results import AWAITING_KINDS, Community, MonthResult, PayLine, Proposal
from flows.review.sentences import explain_decision, explain_reckoning
from flows.review.sheets.columns import Column, read_yuan
from flows.verdicts import ACT_TITLES
from flows.wording import KINDS, POSTS, format_instant_to_the_second

MANUAL = "是"
DIGEST_LENGTH = 16

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
class ProposalProgress:
    """How far the review of one proposal has got: its state, who prepared what, who decided when and why."""

    state: str = "proposed"
    prepared_verdict: str = ""
    preparer: str = ""
    prepared_comment: str = ""
    comment: str = ""
    reviewer: str = ""
    decided_at: datetime | None = None


UNTOUCHED = ProposalProgress()


@dataclass(frozen=True)
class WorkerRow:
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
    progress: ProposalProgress

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


WorkerColumn = Column[WorkerRow]
"""One column of the sheets of workers."""


def write_check_code(month: Month, revision: int, digest: str) -> str:
    """What tells by itself which revision and content a line shows, wherever it is moved."""
    return f"{month}-r{revision}-{digest[:DIGEST_LENGTH]}"


def list_worker_rows(result: MonthResult, revision: int, progress: Mapping[str, ProposalProgress]) -> list[WorkerRow]:
    """Every worker of the month, by district, street, community and worker."""
    rows = make_worker_rows(
        result.month,
        revision,
        progress,
        proposals=result.proposals,
        communities=result.communities,
        pay_lines=result.pay_lines,
    )
    return sorted(rows, key=lambda row: row.place)


def make_worker_rows(
    month: Month,
    revision: int,
    progress: Mapping[str, ProposalProgress],
    *,
    proposals: Iterable[Proposal],
    communities: Sequence[Community],
    pay_lines: Sequence[PayLine],
) -> Iterator[WorkerRow]:
    """The line of each proposal, in the order given."""
    by_code = {community.community_code: community for community in communities}
    pay = group_pay_lines(pay_lines)
    for proposal in proposals:
        lines = pay[proposal.staff_id]
        totals = {line.basis: line.total_fen for line in lines}
        yield WorkerRow(
            replace(proposal, trace=()),
            by_code.get(proposal.community_code),
            totals.get("current"),
            totals.get("proposed"),
            decision=explain_decision(proposal),
            reckoning=explain_reckoning(proposal),
            check_code=write_check_code(month, revision, digest_proposal(proposal, lines)),
            progress=progress.get(proposal.staff_id, UNTOUCHED),
        )


def select_awaiting(rows: Iterable[WorkerRow]) -> list[WorkerRow]:
    """Those that a person must decide, the ones that need individual handling first."""
    awaiting = [row for row in rows if row.proposal.kind in AWAITING_KINDS]
    return sorted(awaiting, key=lambda row: not row.proposal.needs_manual)


def select_held(rows: Iterable[WorkerRow]) -> list[WorkerRow]:
    """Those whose raise is held back."""
    return [row for row in rows if row.proposal.kind == "hold"]


def _read_name(attribute: str) -> Callable[[WorkerRow], str]:
    def read(row: WorkerRow) -> str:
        return "" if row.community is None else str(getattr(row.community, attribute))

    return read


def _read_community(row: WorkerRow) -> str:
    """Its name; the code of one that is no longer registered."""
    return row.proposal.community_code if row.community is None else row.community.name


def _read_step(row: WorkerRow) -> int | None:
    current = row.proposal.current_grade
    return None if current is None else row.proposal.proposed_grade - current


def _name(titles: Mapping[Any, str], code: str) -> str:
    return titles.get(code, code)


WORKER_COLUMNS: tuple[WorkerColumn, ...] = (
    WorkerColumn("员工编号", 11, "text", lambda row: row.proposal.staff_id),
    WorkerColumn("姓名", 8, "text", lambda row: row.proposal.name),
    WorkerColumn("社区", 15, "text", _read_community),
    WorkerColumn("街道", 12, "text", _read_name("street_name")),
    WorkerColumn("区县", 10, "text", _read_name("district_name")),
    WorkerColumn("岗位", 6, "code", lambda row: _name(POSTS, row.proposal.post)),
    WorkerColumn("两委", 6, "code", lambda row: "是" if row.proposal.committee_member else "否"),
    WorkerColumn("现等级", 6, "count", lambda row: row.proposal.current_grade),
    WorkerColumn("应得等级", 6, "count", lambda row: row.proposal.entitled_grade),
    WorkerColumn("建议等级", 6, "count", lambda row: row.proposal.proposed_grade),
    WorkerColumn("级差", 6, "count", _read_step),
    WorkerColumn("建议类型", 10, "code", lambda row: _name(KINDS, row.proposal.kind)),
    WorkerColumn("须人工核查", 7, "code", lambda row: MANUAL if row.proposal.needs_manual else "否"),
    WorkerColumn("理由", 28, "long", lambda row: row.decision),
    WorkerColumn("计算过程", 38, "long", lambda row: row.reckoning),
    WorkerColumn("现月工资（元）", 11, "money", read_yuan("current_fen")),
    WorkerColumn("建议月工资（元）", 13, "money", read_yuan("proposed_fen")),
    WorkerColumn("月差额（元）", 10, "money", read_yuan("difference_fen")),
    WorkerColumn("生效日期", 12, "date", lambda row: row.proposal.effective_on),
)

ID, VERDICT, COMMENT, STATE, DECIDED_AT = "员工编号", "决定", "意见", "状态", "决定时间"
CHECK_CODE, FINDING = "校验码", "核对结果"
_IDENTITY_COUNT = 2


def _read_prepared(row: WorkerRow) -> str:
    """What the preparer suggests, and why."""
    progress = row.progress
    word = _name(ACT_TITLES, progress.prepared_verdict)
    return f"{word}：{progress.prepared_comment}" if progress.prepared_comment else word


def _read_decided_at(row: WorkerRow) -> str:
    decided_at = row.progress.decided_at
    return "" if decided_at is None else format_instant_to_the_second(decided_at)


DECISION_COLUMNS: tuple[WorkerColumn, ...] = (
    *WORKER_COLUMNS[:_IDENTITY_COUNT],
    WorkerColumn(VERDICT, 8, "choice", lambda _: ""),
    WorkerColumn(COMMENT, 22, "comment", lambda _: ""),
    WorkerColumn(STATE, 8, "code", lambda row: _name(STATES, row.progress.state)),
    WorkerColumn("经办人", 8, "text", lambda row: row.progress.preparer),
    WorkerColumn("经办意见", 16, "long", _read_prepared),
    *WORKER_COLUMNS[_IDENTITY_COUNT:],
    WorkerColumn("决定人", 8, "text", lambda row: row.progress.reviewer),
    WorkerColumn(DECIDED_AT, 20, "code", _read_decided_at),
    WorkerColumn("决定意见", 22, "long", lambda row: row.progress.comment),
    WorkerColumn(CHECK_CODE, 30, "code", lambda row: row.check_code),
    WorkerColumn(FINDING, 40, "long", lambda _: ""),
)
"""The columns of what awaits a decision: HR's own beside the name, empty, then how far the review has got.

What was decided before stands in columns of its own, so that HR's own say only what is wanted now.
"""

SHOWN_COLUMNS = WORKER_COLUMNS
"""What a line shows of the proposal itself: all that a decision rests on, and nobody's to change."""
