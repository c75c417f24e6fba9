"""What a rejected row's reason means: which rule gave it, how grave that is, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass

from flows.ingest.describe.row_rules import RowRule
from flows.ingest.describe.rules import TableRules
from flows.wording import describe_quality_reason

_MAPPING_ADVICE: Mapping[str, str] = {
    "unmapped": "list the value under {place}.codes.{column}",
    "unreadable": "ask the source to mend the value; if that is how it writes them, state it in {place}.formats",
    "missing": "ask the source for the field, or let {place}.contract evolve",
    "retyped": "ask the source, or let {place}.contract evolve",
    "new_field": "map the field in {place}.fields, or list it in {place}.ignore",
    "other_platform": "correct what {place} maps to platform, or ask the source",
}
"""For reasons that the mapping gives, not a rule."""


@dataclass(frozen=True)
class ReasonNote:
    """One reason explained: `severity` and Chinese `title` are the rule's, `advice` says what would let the row pass.

    `rule_id` is empty for reasons of the mapping, and for those of a rule that is no longer there.
    """

    reason: str
    severity: str
    title: str
    rule_id: str
    advice: str


def explain_reason(reason: str, *, platform: str, resource: str, table: str, rules: TableRules | None) -> ReasonNote:
    """What `reason`, such as `unmapped:category`, says of a row of the resource by today's rules."""
    code, _, column = reason.partition(":")
    if code in _MAPPING_ADVICE:
        place = f"{platform}.yaml, resources.{resource}"
        advice = _MAPPING_ADVICE[code].format(place=place, column=column)
        return ReasonNote(reason, "reject", describe_quality_reason(reason), "", advice)
    rule = _find_rule(code, column, rules)
    if rule is None:
        advice = "no rule gives this reason today"
        return ReasonNote(reason, "", describe_quality_reason(reason), "", advice)
    mend = f"have the source mended and pull again; if the rule {rule.id} is wrong, mend it in quality/{table}.yaml"
    if rule.kind == "known_community":
        mend = f"land the community's row of the register; if the code is wrong, {mend}"
    return ReasonNote(reason, rule.severity, rule.title, rule.id, mend)


def _find_rule(code: str, column: str, rules: TableRules | None) -> RowRule | None:
    found = [
        rule
        for rule in (rules.row_rules if rules is not None else ())
        if rule.reason == code and (rule.columns is None or column in rule.columns)
    ]
    return found[0] if found else None
