"""The lake as an explanation needs it: one community's events merged, or one worker's rows, not the whole city's."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flows.engines import OpenEngine
from flows.lake import Lake, LakeView, Landing, TableView
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


class WorkerView:
    """A view whose tables hold one worker's rows only, wherever a table is about workers."""

    def __init__(self, view: TableView, staff_id: str) -> None:
        self._view = view
        self._staff_id = staff_id

    def table(self, name: str) -> "ibis.Table":
        """The canonical table, only the worker's rows if it has workers."""
        rows = self._view.table(name)
        return rows.filter(rows.staff_id == self._staff_id) if "staff_id" in rows.columns else rows
