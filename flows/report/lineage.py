"""What a revision changed, for the report: how many rows, whose stars, and why; no worker is named."""

from typing import Any

from flows.changes import CAUSES, SUBJECTS, count_changes, describe_amendment, describe_causes
from flows.results import Lineage, MonthResult


def describe_lineage(result: MonthResult, lineage: Lineage) -> dict[str, Any]:
    """What the page's template says of earlier revisions, by its name there."""
    if lineage.compared_with is None:
        return {"amendment": "", "lineage": None}
    names = {community.community_code: community for community in result.communities}
    counts = count_changes(lineage.changes)
    return {
        "amendment": "" if lineage.amends is None else describe_amendment(lineage.amends),
        "lineage": {
            "compared_with": lineage.compared_with,
            "causes": list(CAUSES.values()),
            "counts": [
                (title, [counts.get(subject, {}).get(cause, 0) for cause in CAUSES])
                for subject, title in SUBJECTS.items()
                if subject in counts
            ],
            "communities": [
                (
                    names[change.subject_id].district_name if change.subject_id in names else "",
                    names[change.subject_id].name if change.subject_id in names else change.subject_id,
                    change.before or "无",
                    change.after or "无",
                    describe_causes(change.causes),
                )
                for change in lineage.changes
                if (change.subject, change.field) == ("ratings", "stars")
            ],
        },
    }
