"""The invented city's contacts and its instant."""

from dataclasses import replace
from datetime import UTC, datetime

from flows.notify.recipients import Contact, Contacts
from flows.results import MonthResult

NOW = datetime(2024, 4, 3, 1, 0, tzinfo=UTC)


def make_contacts(result: MonthResult, **changes: str) -> Contacts:
    """A contact for every unit that the month has messages for, each with its own folder as address."""
    units = {(community.community_code, "secretary") for community in result.communities}
    units |= {(community.district_code, "supervisor") for community in result.communities}
    units |= {("city", "hr"), ("city", "engineer")}
    contacts = {unit: replace(Contact(*unit, "file", f"{unit[1]}-{unit[0]}"), **changes) for unit in units}
    return Contacts(contacts)
