"""How a pull ended: what each resource brought, what was wrong with it, and what the caller must know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flows.errors import FivestarError, rank_failure
from flows.ingest.describe.records import Window
from flows.ledger.pulls import PullStatus


@dataclass(frozen=True)
class ResourcePull:
    """How the pull of one resource ended; counts are those of the records received, also where none landed."""

    resource: str
    table: str
    status: PullStatus
    window: Window
    received_count: int = 0
    landed_count: int = 0
    rejected_count: int = 0
    reason_counts: Mapping[str, int] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    batch_ids: Sequence[str] = ()
    error: FivestarError | None = None


@dataclass(frozen=True)
class PullReport:
    """How the pull of one source ended, resource by resource."""

    platform: str
    pulls: Sequence[ResourcePull]
    refusal: FivestarError | None = None
    """Why the source was not asked at all."""

    @property
    def error(self) -> FivestarError | None:
        """The gravest error of all resources: a broken contract before a gate, before what may pass by itself."""
        errors = [error for error in (self.refusal, *(pull.error for pull in self.pulls)) if error is not None]
        return min(errors, key=rank_failure, default=None)

    @property
    def exit_code(self) -> int:
        return self.error.exit_code if self.error is not None else 0

    @property
    def warnings(self) -> list[str]:
        return [warning for pull in self.pulls for warning in pull.warnings]
