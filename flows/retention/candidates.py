"""What has outlived its time: named exactly, with its size, so that it can be announced before it is deleted."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import orjson

from flows.condensed import Condensation
from flows.house import House
from flows.ingest.rejected.refused import REFUSED
from flows.lake import Landing
from flows.lake.storage import REFUSAL
from flows.ledger.results import RevisionRecord
from flows.month import Month, city_day
from flows.retention.config import RetentionSettings
from flows.review.objections import list_objections
from flows.schema import TABLES

CONDENSED_TABLES = ("events", "incidents", "checks")
"""Facts alone. Registers are small, and rows of theirs that no longer hold are still looked up."""

Kind = Literal["batches", "comparison", "refused", "data_docs"]


@dataclass(frozen=True)
class Candidate:
    """Something to delete: what, in which state, and how much it is. `detail` changes if it is no longer the same."""

    kind: Kind
    subject: str
    detail: Mapping[str, Any]
    file_count: int
    byte_count: int


@dataclass(frozen=True)
class Group:
    """Landings that are condensed together: of one table, and of one source where its rows are the source's own."""

    table: str
    platform: str
    landings: tuple[Landing, ...]

    @property
    def subject(self) -> str:
        return f"{self.table} of {self.platform}" if self.platform else self.table


def list_candidates(house: House, settings: RetentionSettings, now: datetime) -> list[Candidate]:
    """Everything that has outlived its time at `now` and is not needed any more."""
    logs_from = go_back(now, settings.logs_months)
    facts_from = go_back(now, settings.raw_batches_months)
    home = house.settings.home
    return [
        *_list_batches(house, facts_from),
        *_list_folders("comparison", home, sorted((home / "compare").glob("*")), logs_from),
        *_list_refused(house, logs_from),
        *_list_folders("data_docs", home, sorted((home / "data-docs").glob("*")), facts_from),
    ]


def go_back(now: datetime, months: int) -> datetime:
    """The beginning of the month, in the city, so many months before that of `now`."""
    return Month.of(city_day(now)).plus(-months).starts_at


def list_groups(house: House) -> list[Group]:
    """The facts' landings, as they are condensed together."""
    grouped: dict[tuple[str, str], list[Landing]] = {}
    for landing in house.ledger.list_landings():
        if landing.table in CONDENSED_TABLES:
            # An event's key holds its source, so no other source can supersede it.
            platform = landing.platform if "platform" in TABLES[landing.table].key else ""
            grouped.setdefault((landing.table, platform), []).append(landing)
    return [Group(table, platform, tuple(found)) for (table, platform), found in sorted(grouped.items())]


def find_free(house: House, group: Group, facts_from: datetime) -> tuple[Landing, ...]:
    """The group's first landings that may be condensed.

    They landed before `facts_from`, and every revision that must stay replayable has all of them: those written
    since, and those of months with an open objection. Files may land again by name, so none may be among them.
    """
    landed_at = house.ledger.retention.list_landed_at()
    protected = [Counter(record.inputs["batch_ids"]) for record in _list_protected(house, facts_from)]
    free = []
    for landing in group.landings:
        is_old = landed_at[landing.landing_no] < facts_from
        if not is_old or any(known[landing.batch_id] < 1 for known in protected) or _is_file(house, landing):
            break
        for known in protected:
            known[landing.batch_id] -= 1  # one that landed twice is needed twice
        free.append(landing)
    return tuple(free)


def find_condensation(house: House, group: Group) -> Condensation | None:
    """The group's newest condensation, if it was condensed before."""
    found = house.ledger.retention.list_condensations()
    return next((it for it in found if (it.table, it.platform) == (group.table, group.platform)), None)


def list_emptied(house: House, group: Group, through_no: int) -> list[Path]:
    """The folders of the batches that condensing up to `through_no` empties: all that have not landed again since."""
    later = {it.batch_id for it in group.landings if it.landing_no > through_no}
    earlier = dict.fromkeys(it.batch_id for it in group.landings if it.landing_no <= through_no)
    return [house.lake.find_folder(group.table, batch_id) for batch_id in earlier if batch_id not in later]


def _list_batches(house: House, facts_from: datetime) -> Iterator[Candidate]:
    if not house.lake.is_folder:
        return  # an object store's batches all stay: see docs/decisions/0009-retention.md
    for group in list_groups(house):
        free = find_free(house, group, facts_from)
        done = find_condensation(house, group)
        # One batch is as good as another one in its place.
        if len(free) <= 1:
            continue
        through_no = free[-1].landing_no
        files = [file for folder in list_emptied(house, group, through_no) for file in folder.glob("*.parquet")]
        if done is not None and done.through_no >= through_no and not files:
            continue  # else they are condensed, and a later run empties them
        detail = {"table": group.table, "platform": group.platform, "through_no": through_no, "batches": len(free)}
        yield Candidate("batches", group.subject, detail, len(files), sum(it.stat().st_size for it in files))


def _list_refused(house: House, since: datetime) -> Iterator[Candidate]:
    """The rejected rows of pulls refused before then, wherever the lake lies."""
    storage = house.lake.storage
    for key in storage.list_keys(REFUSED):
        refused_at = datetime.fromisoformat(orjson.loads(storage.read_file(key, REFUSAL))["refused_at"])
        if refused_at < since:
            files = [path for path in storage.fetch(key).rglob("*") if path.is_file()]
            detail = {"refused_at": refused_at.isoformat()}
            yield Candidate("refused", key, detail, len(files), sum(it.stat().st_size for it in files))


def _list_folders(kind: Kind, home: Path, folders: Sequence[Path], since: datetime) -> Iterator[Candidate]:
    """The folders in which nothing was written since then."""
    for folder in folders:
        files = [path for path in folder.rglob("*") if path.is_file()]
        stats = [file.stat() for file in files]
        newest = max((it.st_mtime for it in stats), default=None)
        if newest is not None and datetime.fromtimestamp(newest, UTC) < since:
            detail = {"newest_at": datetime.fromtimestamp(newest, UTC).isoformat()}
            subject = (folder.relative_to(home) if folder.is_relative_to(home) else folder).as_posix()
            yield Candidate(kind, subject, detail, len(files), sum(it.st_size for it in stats))


def _list_protected(house: House, since: datetime) -> list[RevisionRecord]:
    disputed = {it.objection.month for it in list_objections(house.ledger) if it.answer is None}
    results = house.ledger.results
    records = [record for month in results.list_months() for record in results.list_revisions(month)]
    return [it for it in records if it.created_at >= since or it.month in disputed]


def _is_file(house: House, landing: Landing) -> bool:
    return "sha256" in house.lake.read_manifest(landing.table, landing.batch_id)["request"]
