"""Why a wish for one worker is not taken: one sentence for the command line, one for HR's workbook."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

RefusalCode = Literal[
    "no_proposal",
    "changes_nothing",
    "stale",
    "registered",
    "question_missing",
    "reason_missing",
    "amendment_unexplained",
    "regrant_unexplained",
    "out_of_scope",
    "not_prepared",
    "same_person",
]


@dataclass(frozen=True)
class Refusal:
    """The reason of a refusal with what its sentences name."""

    code: RefusalCode
    staff_id: str
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def english(self) -> str:
        """What happened and what to do next."""
        return _ENGLISH[self.code].format(staff_id=self.staff_id, **self.details)

    @property
    def chinese(self) -> str:
        """The same for HR."""
        return _CHINESE[self.code].format(staff_id=self.staff_id, **self.details)


_ENGLISH: Mapping[RefusalCode, str] = {
    "no_proposal": "worker {staff_id} has no proposal. Look the number up with fivestar review list.",
    "changes_nothing": (
        "the proposal of worker {staff_id} is `{kind}`, which changes nothing and can't be decided. Only {kinds} can."
    ),
    "stale": (
        "what was shown of worker {staff_id} is not what the newest revision, {revision}, proposes. Look at it anew: "
        "fivestar review export."
    ),
    "registered": (
        "the grade of worker {staff_id} is in the register already. A correction is a new record, not a new decision "
        "on the old one: take it back with fivestar review reverse."
    ),
    "question_missing": (
        "the proposal of worker {staff_id} can't be returned without a question. Ask it with --comment."
    ),
    "reason_missing": (
        "the proposal of worker {staff_id} needs a person's look ({reasons}), so its approval must say why. Say it "
        "with --comment."
    ),
    "amendment_unexplained": (
        "the register already holds a published grade of worker {staff_id} for this month, and this proposal would "
        "amend it. Say why with --comment, or leave the worker out."
    ),
    "regrant_unexplained": (
        "the grade of worker {staff_id} was published and taken back, so what is decided on it now must say why. Say "
        "it with --comment."
    ),
    "out_of_scope": (
        "worker {staff_id} belongs to district {district}, which is outside of what {person} may decide ({scope}). "
        "Somebody whose districts these are must."
    ),
    "not_prepared": (
        "nobody has prepared the approval of worker {staff_id}'s proposal, and {person} may only approve what "
        "another person prepared. A reviewer must go first: fivestar review approve --reviewer NAME."
    ),
    "same_person": (
        "{person} prepared the decision on worker {staff_id} and can't approve it as well. Another approver must."
    ),
}

_CHINESE: Mapping[RefusalCode, str] = {
    "no_proposal": "员工编号 {staff_id} 本月没有调整建议，请核对编号。",
    "changes_nothing": "该员工的建议为“{kind_title}”，不改变等级，无需也不能作出决定。",
    "stale": "该员工的建议与最新的第 {revision} 版不同，请重新导出工作簿后再作决定。",
    "registered": "该员工的等级已经登记入台账；更正须另作新的记录，不能改动原决定。",
    "question_missing": "退回须在“意见”栏写明要核实的问题。",
    "reason_missing": "该建议须人工核查（{reasons_title}），同意须在“意见”栏写明理由。",
    "amendment_unexplained": "该员工本月等级已公布，本建议将更正它，须在“意见”栏写明理由。",
    "regrant_unexplained": "该员工已公布的等级曾被撤销，再作决定须在“意见”栏写明理由。",
    "out_of_scope": "该员工属于 {district}，不在 {person} 的权限范围内（{scope}）。",
    "not_prepared": "尚无他人经办该建议；{person} 只能审批他人经办同意的建议，请先由经办人提出。",
    "same_person": "该决定由 {person} 本人经办，不能由同一人审批，请由其他审批人决定。",
}
