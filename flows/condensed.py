"""Old batches condensed into one: the rows of theirs that hold, in the place of all of them.

What is condensed is the beginning of a table's landings, or of those of one source. A row of a later batch stands
behind all of them before and after, and of two of theirs the one that held is in the condensed batch: whoever reads
*all* of them, and whatever landed since, finds the same rows. Whoever reads but some of them doesn't, and is refused.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flows.lake import Landing


@dataclass(frozen=True)
class Condensation:
    """The batch `batch_id` stands for all landings of a table up to `through_no`; only of one source where given.

    `replaced` are the batches of these landings, in their order.
    """

    table: str
    platform: str
    through_no: int
    batch_id: str
    row_count: int
    condensed_at: datetime
    replaced: tuple[str, ...] = field(default=(), repr=False)

    def holds(self, landing: Landing) -> bool:
        """Whether the landing belongs to the table, and to the source."""
        return landing.table == self.table and self.platform in ("", landing.platform)

    def replace_in(self, landings: Sequence[Landing]) -> list[Landing]:
        """The landings with the condensed batch in the place of those that it stands for, if all are there."""
        missing = Counter(self.replaced)
        kept, last_no = [], 0
        for landing in sorted(landings, key=lambda it: it.landing_no):
            if self.holds(landing) and missing[landing.batch_id] > 0:
                missing[landing.batch_id] -= 1
                last_no = landing.landing_no
            else:
                kept.append(landing)
        if last_no == 0 or missing.total() > 0:
            return list(landings)
        condensed = Landing(last_no, self.batch_id, self.table, self.platform, self.row_count)
        return sorted([*kept, condensed], key=lambda it: it.landing_no)


def condense_landings(landings: Sequence[Landing], condensations: Iterable[Condensation]) -> list[Landing]:
    """The landings as they are read: condensed batches stand for those whose rows were deleted."""
    condensed = list(landings)
    for condensation in condensations:
        condensed = condensation.replace_in(condensed)
    return condensed
