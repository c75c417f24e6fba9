"""Workers: what is known of each one for grades and pay, as plain rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

Appraisals = Mapping[tuple[str, int], str]
"""The recorded outcome by worker and year."""


@dataclass(frozen=True)
class RosterRow:
    """One worker as the month's roster has it: the columns of `staff` (data.md)."""

    month: str
    staff_id: str
    name: str
    community_code: str
    post: str
    committee_member: bool
    employment: str
    degree: str
    certificate: str
    certificate_on: date | None
    service_start_on: date
    prior_service_months: int
    current_grade: int | None


@dataclass(frozen=True)
class Sanction:
    """A sanction against one worker; its kind says how long it lasts."""

    staff_id: str
    kind: str
    effective_on: date
