"""Retention applied: what outlived its time is announced, and what was announced long enough ago is deleted."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from flows.house import Clock, House, record_step
from flows.ledger.retention import RetentionItem
from flows.locks import hold_file
from flows.retention.candidates import (
    Candidate,
    Group,
    find_condensation,
    find_free,
    go_back,
    list_candidates,
    list_groups,
)
from flows.retention.condensing import condense_group, empty_batches
from flows.retention.config import RetentionSettings, load_retention_settings
from flows.retired import find_lock

UPLOAD_TIME_MAX = timedelta(days=1)
"""What an upload to an object store left behind that is older was killed."""

Identity = tuple[str, str, bytes]
"""The kind, subject and exact detail of something to delete."""

READING_TIME_MAX = timedelta(days=1)
"""Whoever read the batches when they were condensed has ended by then."""


@dataclass(frozen=True)
class RetentionReport:
    """What was deleted, what is announced and waits, and what would be announced.

    Each candidate comes with the instant from which it is deleted; nothing if it isn't announced yet.
    """

    deleted: Sequence[RetentionItem]
    waiting: Sequence[tuple[Candidate, datetime | None]]


def preview_retention(house: House, now: datetime) -> RetentionReport:
    """What retention would announce and delete; nothing is written."""
    settings = load_retention_settings(house.settings.config)
    return RetentionReport((), _add_due(house, settings, list_candidates(house, settings, now)))


def apply_retention(house: House, clock: Clock) -> RetentionReport:
    """Delete what was announced at least `announced_days` ago and still is to go, and announce what is new.

    A killed run is made good by the next one. Raises `SourceUnavailable` if another run is at it.
    """
    lock = hold_file(find_lock(house.settings.home), "retention: another run is at it.")
    with lock, record_step(house, "retention", clock) as counts:
        settings, now = load_retention_settings(house.settings.config), clock()
        deleted = _delete_announced(house, settings, now)
        counts.update(deleted=len(deleted), deleted_bytes=sum(it.byte_count for it in deleted))
        counts.update(unfinished=len(house.lake.remove_unfinished(now - UPLOAD_TIME_MAX)))
        candidates = list_candidates(house, settings, now)
        waiting = _find_waiting(house)
        fresh = [it for it in candidates if _identify(it) not in waiting]
        for candidate in fresh:
            house.ledger.retention.announce(**vars(candidate), announced_at=now)
        counts.update(announced=len(fresh), announced_bytes=sum(it.byte_count for it in fresh))
    return RetentionReport(deleted, _add_due(house, settings, candidates))


def _add_due(
    house: House, settings: RetentionSettings, candidates: Sequence[Candidate]
) -> list[tuple[Candidate, datetime | None]]:
    """Each candidate with the instant from which it is deleted; nothing if it isn't announced yet."""
    waiting = _find_waiting(house)
    found = [(it, waiting.get(_identify(it))) for it in candidates]
    return [(it, None if item is None else _find_due(settings, item)) for it, item in found]


def _find_due(settings: RetentionSettings, item: RetentionItem) -> datetime:
    return item.announced_at + timedelta(days=settings.announced_days)


def _find_waiting(house: House) -> dict[Identity, RetentionItem]:
    """What is announced and not deleted yet, by what exactly it names."""
    return {_identify(it): it for it in house.ledger.retention.list_items() if it.deleted_at is None}


def _identify(named: RetentionItem | Candidate) -> Identity:
    return named.kind, named.subject, orjson.dumps(dict(named.detail), option=orjson.OPT_SORT_KEYS)


def _delete_announced(house: House, settings: RetentionSettings, now: datetime) -> list[RetentionItem]:
    ripe = {key: item for key, item in _find_waiting(house).items() if _find_due(settings, item) <= now}
    still = {_identify(it) for it in list_candidates(house, settings, now)}
    deleted = []
    for key, item in ripe.items():
        if item.kind == "batches":
            is_done = _condense_or_empty(house, item.detail, go_back(now, settings.raw_batches_months), now)
        else:
            # One that has been written to since it was announced is announced anew.
            is_done = key in still
            if is_done and item.kind == "refused":
                house.lake.storage.remove(item.subject)
            elif is_done:
                shutil.rmtree(house.settings.home / item.subject)
        if is_done:
            house.ledger.retention.note_deleted(item.id, now)
            deleted.append(item)
    return deleted


def _condense_or_empty(house: House, detail: Any, facts_from: datetime, now: datetime) -> bool:
    """Whether the announced batches are empty now; the first run condenses them, and a later one empties them.

    Neither is done if something has come to need them since they were announced.
    """
    group = _find_group(house, detail)
    through_no = detail["through_no"]
    free = {it.landing_no for it in find_free(house, group, facts_from)}
    done = find_condensation(house, group)
    if done is None or done.through_no < through_no:
        if through_no in free:
            condense_group(house, group, through_no, now)
        return False
    if done.through_no not in free or now < done.condensed_at + READING_TIME_MAX:
        return False
    empty_batches(house, done, now)
    return True


def _find_group(house: House, detail: Any) -> Group:
    return next(it for it in list_groups(house) if (it.table, it.platform) == (detail["table"], detail["platform"]))
