"""The lake as one community's explanation needs it: its own events merged, not the whole city's."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flows.engines import OpenEngine
from flows.lake import Lake, LakeView, Landing
from flows.schema import TABLES

if TYPE_CHECKING:
    import ibis


class CommunityView(LakeView):
    """A view whose `events` hold every version of the events that were ever one community's, and no others.

    All versions of such an event take part, so the merge finds the same newest one as over the whole city; what the
    table then says of *other* communities is not complete. Other tables are whole: checks follow their event's
    community, not their own.
    """

    def __init__(
        self, lake: Lake, landings: Sequence[Landing], scratch: Path, open_engine: OpenEngine, *, community_code: str
    ) -> None:
        super().__init__(lake, landings, scratch, open_engine)
        self._community_code = community_code

    def landed(self, name: str) -> "ibis.Table":
        """Every landed row of the table; of `events`, those that were the community's in any version."""
        rows = super().landed(name)
        if name != "events":
            return rows
        key = list(TABLES[name].key)
        own = rows.filter(rows.community_code == self._community_code).select(*key).distinct()
        return rows.semi_join(own, key)
