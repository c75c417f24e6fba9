"""Old revisions judged again from what they were judged from: the proof that a result can be had once more."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from flows.code import fingerprint_code
from flows.errors import QualityGate
from flows.house import Clock, House, record_step
from flows.inputs import find_record, judge_inputs, rebuild_inputs
from flows.ledger.results import RevisionRecord, digest_inputs
from flows.month import Month
from flows.result_files import format_figures


@dataclass(frozen=True)
class ReplayedFile:
    """One figure file of the revision: the digest then and now."""

    name: str
    recorded_sha256: str
    replayed_sha256: str

    @property
    def is_same(self) -> bool:
        return self.recorded_sha256 == self.replayed_sha256


@dataclass(frozen=True)
class ReplayReport:
    """What a replay found; `is_proven` if inputs and every figure file are what they were, to the byte."""

    record: RevisionRecord
    files: tuple[ReplayedFile, ...]
    has_same_inputs: bool
    has_same_code: bool

    @property
    def is_proven(self) -> bool:
        return self.has_same_inputs and all(file.is_same for file in self.files)

    def refuse_unproven(self) -> None:
        """Raise `QualityGate` if the replay gave something else than the revision."""
        if self.is_proven:
            return
        differing = ", ".join(file.name for file in self.files if not file.is_same) or "the inputs"
        cause = "the same code" if self.has_same_code else "other code than then"
        raise QualityGate(
            f"{self.record.month} revision {self.record.revision}: judged again by {cause}, it differs in "
            f"{differing}. "
            "The recorded result stands; compare both by the version of fivestar named in its run.json."
        )


def replay_revision(house: House, month: Month, revision: int | None, clock: Clock) -> ReplayReport:
    """The month's revision (default: the newest) recomputed from its landed batches and its archived policy.

    Nothing of the result is written; the step's outcome is. Raises `QualityGate` if its inputs can't be had again, or
    the month has no result, and `UsageError` if it has no such revision.
    """
    record = find_record(house, month, revision)
    with record_step(house, "replay_revision", clock, month=month, subject=f"revision {record.revision}") as counts:
        inputs = rebuild_inputs(house, record)
        counts["policy_fingerprint"] = inputs.policy.fingerprint
        with house.view(list(inputs.landings)) as view:
            result = judge_inputs(inputs, view)
        report = ReplayReport(
            record=record,
            files=_compare(record.digests, format_figures(result, record.month, record.revision)),
            has_same_inputs=digest_inputs(result.inputs) == record.input_digest,
            has_same_code=record.code_fingerprint == fingerprint_code(),
        )
        counts.update(files=len(report.files), same=sum(file.is_same for file in report.files))
        if not report.is_proven:
            counts["error"] = "the replay differs from the revision"
    return report


def _compare(recorded: Mapping[str, str], replayed: Mapping[str, bytes]) -> tuple[ReplayedFile, ...]:
    return tuple(
        ReplayedFile(name, recorded.get(name, ""), sha256(content).hexdigest())
        for name, content in sorted(replayed.items())
    )
