"""The invented city's contacts and its instant."""

from dataclasses import replace
from datetime import UTC, datetime

from flows.ledger.outbox import Message
from flows.notify.recipients import Contact, Contacts
from flows.results import MonthResult

NOW = datetime(2024, 4, 3, 1, 0, tzinfo=UTC)


def make_contacts(result: MonthResult, **changes: str) -> Contacts:
    """A contact for every unit that the month has messages for, each with its own folder as address."""
    units = {(community.community_code, "secretary") for community in result.communities}
    units |= {(community.street_code, "supervisor") for community in result.communities}
    units |= {(community.district_code, "supervisor") for community in result.communities}
    units |= {("city", "hr"), ("city", "engineer")}
    contacts = {unit: replace(Contact(*unit, "file", f"{unit[1]}-{unit[0]}"), **changes) for unit in units}
    return Contacts(contacts)


def make_message(body: str = "正文", *, subject: str = "2024 年 3 月星级卡", address: str = "gulou") -> Message:
    """A message to one robot or person; its key is always the same."""
    return Message(
        key="star_card:410204001001:secretary:2024-03:r1",
        message="star_card",
        month="2024-03",
        revision=1,
        unit_code="410204001001",
        role="secretary",
        channel="x",
        address=address,
        subject=subject,
        body=body,
    )
