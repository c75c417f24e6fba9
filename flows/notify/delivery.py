"""What waits in the outbox, delivered: each message by one process, once, within its provider's limits.

Any number of processes may deliver at once; what they must know of each other stands in the ledger.
"""

import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import get_args
from uuid import uuid4

from flows.errors import UsageError
from flows.house import Progress
from flows.ledger import Ledger
from flows.ledger.deliveries import OUTCOME_UNKNOWN
from flows.ledger.outbox import WAITING, OutboxRow
from flows.notify.channels.channel import (
    Channel,
    DeliveryFailure,
    OutcomeUnknown,
    Quota,
    TooFast,
    TransientFailure,
)
from flows.notify.channels.email import Attach
from flows.notify.channels.kinds import open_channel
from flows.notify.channels.robot import Clock
from flows.notify.config import Mode, NotifyConfig
from flows.notify.pace import Pace, find_next_attempt, find_reopening
from flows.notify.sending import ClaimGone, HeldBack, Sending
from flows.notify.simulation import Show, simulate_messages
from flows.notify.tally import DeliveryReport, Tally
from flows.notify.timing import Hold
from flows.settings import Lookup

NOT_ALLOWED = "The address is not on allow_list in notify.yaml. Add it, or deliver with mode live; then resend."
CUT_SHORT = "The process that was sending it ended; it is sent again under the same name."
CUT_SHORT_UNKNOWN = (
    "the process that was sending it ended during the call. It may have arrived: look there, and resend it only if "
    "it isn't there."
)

Sleep = Callable[[float], None]


def hold_nothing(row: OutboxRow, now: datetime) -> None:
    """Every message may go now."""


def deliver_messages(
    house_home: Path,
    ledger: Ledger,
    config: NotifyConfig,
    *,
    mode: str | None,
    clock: Clock,
    lookup: Lookup,
    progress: Progress,
    pace: Pace = Pace(),  # noqa: B008 -- frozen
    sleep: Sleep = time.sleep,
    hold: Hold = hold_nothing,
    show: Show | None = None,
    attach: Attach | None = None,
) -> DeliveryReport:
    """Deliver what waits in the outbox, by `mode` or else the configured one.

    Each message's status is noted right after its channel answers. In simulation the payloads are written below the
    home, and handed to `show`; `attach` finds the files that go along by mail. Raises `UsageError` for an unknown
    mode; failures are reported, not raised: see `DeliveryReport.refuse_incomplete`.
    """
    mode = mode or config.mode
    if mode not in get_args(Mode):
        raise UsageError(f"mode {mode!r} is not known. Modes are {', '.join(get_args(Mode))}.")
    if mode == "off":
        return DeliveryReport(0, 0, 0, 0, ())
    channels = {
        name: open_channel(name, settings, home=house_home, lookup=lookup, clock=clock, attach=attach)
        for name, settings in config.channels.items()
    }
    tally = Tally(f"messages ({mode})", progress)
    if mode == "simulate":
        rows = ledger.outbox.list_messages(statuses=WAITING)
        for row, failure in simulate_messages(house_home, channels, rows, show=show):
            tally.count("simulated" if failure is None else "failed", row, failure)
        return tally.report()
    allowed = config.allow_list if mode == "allow-list" else None
    delivery = _Delivery(ledger, channels, tally, allowed=allowed, clock=clock, pace=pace, hold=hold)
    return delivery.run(sleep)


class GaveUp(DeliveryFailure):
    """A message that failed as often as one may."""


class _Delivery:
    """One run. What it finds out about channels and limits holds for this run; the ledger holds for everyone."""

    def __init__(
        self,
        ledger: Ledger,
        channels: dict[str, Channel],
        tally: Tally,
        *,
        allowed: frozenset[str] | None,
        clock: Clock,
        pace: Pace,
        hold: Hold,
    ) -> None:
        self._ledger = ledger.deliveries
        self._channels = channels
        self._tally = tally
        self._allowed = allowed
        self._clock = clock
        self._pace = pace
        self._hold = hold
        self._owner = f"{os.getpid()}-{uuid4().hex}"
        self._strikes: dict[str, int] = {}
        """By channel how many messages have failed in a row."""
        self._closed: dict[tuple[str, str | None], datetime] = {}
        """Channels, or addresses of them, whose limit is reached, and until when."""

    def run(self, sleep: Sleep) -> DeliveryReport:
        """Deliver what is due, then what falls due while it may wait."""
        deadline = self._clock() + timedelta(seconds=self._pace.for_seconds)
        try:
            while True:
                self._settle_abandoned()
                self._deliver_due()
                now = self._clock()
                wake_at = self._find_next(now)
                if wake_at is None or wake_at > deadline or now >= deadline:
                    return self._tally.report(waiting=self._ledger.count_waiting(), waiting_until=wake_at)
                sleep(max(0.0, (wake_at - now).total_seconds()))
        finally:
            self._ledger.release(self._owner)

    def _deliver_due(self) -> None:
        """Send until nothing is due. A channel that has just failed is asked again after all others."""
        while True:
            spared = set(self._strikes)
            rows = self._claim(spared)
            if not rows and spared:
                spared = self._list_down()
                rows = self._claim(spared)
                is_second_round = True
            else:
                is_second_round = False
            if not rows:
                return
            waiting: dict[datetime | None, list[int]] = {}
            for row in rows:
                if row.channel in (self._list_down() if is_second_round else self._strikes):
                    waiting.setdefault(None, []).append(row.id)
                elif (until := self._find_hold(row)) is not None:
                    waiting.setdefault(until, []).append(row.id)
                else:
                    self._attempt(row)
            for until, message_ids in waiting.items():
                self._ledger.put_back(message_ids, self._owner, next_attempt_at=until)

    def _claim(self, skipped_channels: set[str]) -> list[OutboxRow]:
        now = self._clock()
        self._closed = {lane: until for lane, until in self._closed.items() if until > now}
        closed_channels = {channel for channel, address in self._closed if address is None}
        return self._ledger.claim(
            self._owner,
            now,
            count=self._pace.claim_count,
            skipped_channels=skipped_channels | closed_channels,
            skipped_addresses=[(channel, address) for channel, address in self._closed if address is not None],
        )

    def _attempt(self, row: OutboxRow) -> None:
        """One claimed message sent, or put back, or suppressed."""
        if self._allowed is not None and row.address not in self._allowed:
            self._ledger.note(row.id, self._owner, self._clock(), "suppressed", detail=NOT_ALLOWED)
            self._tally.count("suppressed", row)
            return
        sending = Sending(self._ledger, self._owner, self._clock, row)
        try:
            receipt = sending.send(self._channels)
        except ClaimGone:
            return
        except HeldBack as held:
            self._close(row, sending.quota, held.until)
        except TooFast as failure:
            self._leave_alone(row, sending.quota, failure)
        except DeliveryFailure as failure:
            self._note_failure(row, failure)
        else:
            self._strikes.pop(row.channel, None)
            self._ledger.note(row.id, self._owner, self._clock(), "delivered", detail=receipt.detail)
            self._tally.count("delivered", row)

    def _find_hold(self, row: OutboxRow) -> datetime | None:
        """Until when the message waits for its provider's limit, or for its reader; nothing if it may go now."""
        now = self._clock()
        closed_until = self._closed.get((row.channel, None)) or self._closed.get((row.channel, row.address))
        if closed_until is not None and closed_until > now:
            return closed_until
        until = self._hold(row, now)
        return until if until is not None and until > now else None

    def _note_failure(self, row: OutboxRow, failure: DeliveryFailure) -> None:
        """Note why it failed, and when it is tried again, if it is."""
        now, attempt_count = self._clock(), row.attempt_count + 1
        if isinstance(failure, TransientFailure | OutcomeUnknown):
            self._strikes[row.channel] = self._strikes.get(row.channel, 0) + 1
        else:
            self._strikes.pop(row.channel, None)
        next_attempt_at = None
        if isinstance(failure, TransientFailure):
            if attempt_count < self._pace.attempts_max:
                next_attempt_at = find_next_attempt(now, attempt_count, failure)
            else:
                failure = GaveUp(
                    f"gave up after {attempt_count} attempts, the last time because {failure} Mend it; then resend.",
                    code=failure.code,
                    sent_count=failure.sent_count,
                )
        self._ledger.note(
            row.id,
            self._owner,
            now,
            "permanent_failure" if next_attempt_at is None else "temporary_failure",
            detail=str(failure),
            # Where it isn't known whether a message arrived, only a person sends it again.
            code=OUTCOME_UNKNOWN if isinstance(failure, OutcomeUnknown) else failure.code,
            sent_count=failure.sent_count,
            next_attempt_at=next_attempt_at,
        )
        self._tally.count("failed", row, failure)

    def _leave_alone(self, row: OutboxRow, quota: Quota | None, failure: TooFast) -> None:
        """The provider had too many calls, perhaps of somebody else's: nobody calls it for as long as it says."""
        now = self._clock()
        until = find_reopening(now, failure)
        self._ledger.put_back_too_fast(
            row.id,
            self._owner,
            now,
            key=None if quota is None else quota.key,
            until=until,
            code=failure.code,
            detail=str(failure),
        )
        self._close(row, quota, until)

    def _close(self, row: OutboxRow, quota: Quota | None, until: datetime) -> None:
        is_of_channel = quota is not None and quota.is_of_channel
        self._closed[row.channel, None if is_of_channel else row.address] = until

    def _settle_abandoned(self) -> None:
        """Messages of processes that ended while they were sending: sent again if that is safe, else a person's."""
        abandoned_at = self._clock() - timedelta(seconds=self._pace.lease_seconds)
        for row in self._ledger.list_abandoned(abandoned_at):
            owner = row.claimed_by or ""
            if row.begun_at is None:
                self._ledger.put_back([row.id], owner, claimed_at=row.claimed_at)
                continue
            channel = self._channels.get(row.channel)
            is_safe = channel is not None and channel.repeats_safely
            is_noted = self._ledger.note(
                row.id,
                owner,
                self._clock(),
                "temporary_failure" if is_safe else "permanent_failure",
                detail=CUT_SHORT if is_safe else CUT_SHORT_UNKNOWN,
                code="" if is_safe else OUTCOME_UNKNOWN,
                sent_count=row.sent_count,
                claimed_at=row.claimed_at,
            )
            if is_noted and not is_safe:
                self._tally.count("failed", row, OutcomeUnknown(CUT_SHORT_UNKNOWN))

    def _find_next(self, now: datetime) -> datetime | None:
        """When the next of what waits may go, if this run knows; a channel that is down is left to the next run."""
        down = self._list_down()
        instants = [until for (channel, _), until in self._closed.items() if channel not in down]
        next_attempt_at = self._ledger.find_next_attempt(now, skipped_channels=down)
        return min([*instants, *([] if next_attempt_at is None else [next_attempt_at])], default=None)

    def _list_down(self) -> set[str]:
        return {channel for channel, count in self._strikes.items() if count >= self._pace.strikes_max}
