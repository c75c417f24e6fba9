"""A message as its reader would see it, from a month's real data or, where there is none, an invented example."""

from collections.abc import Sequence
from dataclasses import dataclass

from flows.errors import UsageError
from flows.house import House
from flows.month import Month, city_day
from flows.notify.config import NotifyConfig, load_notify_config
from flows.notify.contents import CORRECTION, KINDS, Content, Correction, MessageName
from flows.notify.examples import invent_content
from flows.notify.messages import UnitContent, describe_open_review, describe_publication, list_month_contents
from flows.notify.missing import describe_missing_contacts
from flows.notify.recipients import load_contacts
from flows.policy import load_policy
from flows.review.people import load_review_settings
from flows.review.standing import ReviewStanding, find_standing


@dataclass(frozen=True)
class Preview:
    """A message rendered; `month` is that of its data, nothing if they are invented. It has no recipient."""

    subject: str
    body: str
    month: Month | None


def preview_message(house: House, name: str, month: Month | None = None) -> Preview:
    """The message `name` with the data of `month`, or else of the newest month judged: those of its first unit.

    Raises `UsageError` if there is no such message, `QualityGate` if `month` has not been evaluated.
    """
    config = load_notify_config(house.settings.config)
    if name == CORRECTION:
        return Preview(*config.correction.render(invent_content(Correction)), None)
    message = next((it for it in config.messages if it == name), None)
    if message is None:
        known = ", ".join([*config.messages, CORRECTION])
        raise UsageError(f"message {name!r} is not in notify.yaml. Messages are {known}.")
    months = house.ledger.results.list_months()
    chosen = month or (Month.parse(max(months)) if months else None)
    real = None if chosen is None else _find_content(house, config, message, chosen)
    content = invent_content(KINDS[message].content) if real is None else real
    return Preview(*config.messages[message].render(content), None if real is None else chosen)


def _find_content(house: House, config: NotifyConfig, message: MessageName, month: Month) -> Content | None:
    """What the message says to the first unit that the month has it for; nothing if it has it for none."""
    standing = find_standing(house.ledger, month)
    if message == "publication_notice":
        contents = _describe_publication(house, standing)
    elif message == "review_reminder":
        contents = _describe_reminder(house, standing)
    elif message == "missing_contacts":
        communities = house.ledger.results.list_communities(str(month), standing.revision)
        with house.view() as view:
            contacts = load_contacts(view, config.channels)
        contents = list(describe_missing_contacts(config, contacts, communities, month))
    else:
        policy_values = load_policy(house.settings.config / "policy").at(month.last_on).values()
        contents = list_month_contents(house.ledger, month, policy_values).contents
    return next((it.content for it in contents if it.message == message), None)


def _describe_publication(house: House, standing: ReviewStanding) -> Sequence[UnitContent]:
    entered_count = len(house.ledger.register.list_month(str(standing.month)))
    if not entered_count:
        return ()
    notice = describe_publication(
        house.ledger, standing.month, entered_count=entered_count, left_count=standing.open_count
    )
    return notice.contents


def _describe_reminder(house: House, standing: ReviewStanding) -> Sequence[UnitContent]:
    """The first reminder that falls due, if something is open."""
    if standing.opened_at is None:
        return ()
    reminder = describe_open_review(
        house.ledger,
        standing.month,
        opened_on=city_day(standing.opened_at),
        working_day_count=load_review_settings(house.settings.config).remind_after_working_days,
        open_count=standing.open_count,
        manual_count=standing.manual_count,
    )
    return reminder.contents
