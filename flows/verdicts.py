"""What persons decide of a proposal, a published grade or an objection, in the words that HR reads."""

from collections.abc import Mapping

from flows.ledger.review_rows import Verdict

VERDICT_TITLES: Mapping[Verdict, str] = {"approved": "同意", "rejected": "驳回", "returned": "退回", "later": "暂缓"}
"""What HR chooses from in the workbook."""

ACT_TITLES: Mapping[str, str] = {
    **{str(verdict): title for verdict, title in VERDICT_TITLES.items()},
    "reversed": "撤销",
    "upheld": "异议成立",
    "dismissed": "异议不成立",
}
"""By what a decision does (`flows.ledger.review_rows.Act`)."""
