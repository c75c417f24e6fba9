"""The month's files for payroll, which a publication writes and every later evaluation keeps."""

from collections.abc import Iterable, Mapping
from datetime import date

from flows.errors import QualityGate
from flows.house import House, load_archived_policy
from flows.month import Month
from flows.outputs import name_payroll_files
from flows.policy import PolicyValue
from flows.review.payroll import format_payroll, list_payroll
from flows.review.payroll_guide import PayBasis
from flows.review.payroll_workbook import format_payroll_workbook

_PAY = "pay."
_WORK_FUNDS = "pay.work_funds_"


def format_payroll_files(house: House, month: Month) -> Mapping[str, bytes]:
    """`payroll-<month>.csv` and `.xlsx` by name; none while the register holds nothing of the month."""
    lines = list_payroll(house.ledger, month)
    if not lines:
        return {}
    bases = _read_bases(house, month, {line.revision for line in lines if line.entry != "reversal"})
    csv_file, workbook = name_payroll_files(str(month))
    return {csv_file: format_payroll(lines), workbook: format_payroll_workbook(month, lines, bases)}


def _read_bases(house: House, month: Month, revisions: Iterable[int]) -> list[PayBasis]:
    """The pay policy of each of the revisions, one after the other where it is not the same."""
    bases: dict[str, PayBasis] = {}
    for revision in sorted(revisions):
        record = house.ledger.results.find_revision(str(month), revision)
        fingerprint = "" if record is None else record.inputs["policy_fingerprint"]
        if record is not None and fingerprint not in bases:
            values = _read_values(house, fingerprint, record.effective_on)
            bases[fingerprint] = PayBasis(revision, fingerprint, values)
    return list(bases.values())


def _read_values(house: House, fingerprint: str, on: date) -> list[PolicyValue]:
    try:
        policy = load_archived_policy(house, fingerprint)
    except QualityGate:
        # What the register holds must reach payroll; the workbook says that the policy can't be shown.
        return []
    return [
        value
        for value in policy.at(on).values()
        if value.path.startswith(_PAY) and not value.path.startswith(_WORK_FUNDS)
    ]
