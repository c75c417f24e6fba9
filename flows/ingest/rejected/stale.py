"""Judged months that no longer hold what has landed since: those that need a new revision after a replay."""

from flows.house import House
from flows.ingest.rejected.standing import REPLAYS


def list_judged_months(house: House, first: str | None) -> list[str]:
    """The months from `first` on that have a revision, in their order; none without `first`."""
    return [month for month in house.ledger.results.list_months() if first is not None and month >= first]


def list_stale_months(house: House) -> list[str]:
    """The months whose newest revision does not know of a replay that can touch them, in their order.

    Worked out from what has landed and what was judged, so that it can be asked again after a kill.
    """
    replays = _find_touched(house)
    if not replays:
        return []
    stale = []
    for month in list_judged_months(house, min(replays.values())):
        record = house.ledger.results.find_latest(month)
        known = set(record.inputs["batch_ids"]) if record is not None else set()
        if any(first <= month and batch_id not in known for batch_id, first in replays.items()):
            stale.append(month)
    return stale


def _find_touched(house: House) -> dict[str, str]:
    """The earliest month that each replayed batch can touch, as its manifest says."""
    touched = {}
    for landing in house.ledger.list_landings():
        if landing.slot.startswith(REPLAYS):
            request = house.lake.read_manifest(landing.table, landing.batch_id)["request"]
            if request.get("touches_from") is not None:
                touched[landing.batch_id] = request["touches_from"]
    return touched
