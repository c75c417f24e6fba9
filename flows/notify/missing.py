"""Units that a message is meant for and nobody can be written to: told to HR and engineers."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from flows.month import Month
from flows.notify.config import NotifyConfig
from flows.notify.contents import MissingContact, MissingContacts, Tier
from flows.notify.messages import UnitContent
from flows.notify.recipients import CITY, Contacts
from flows.results import Community
from flows.wording import format_month

ROLES = {"secretary": "书记", "supervisor": "督导员", "hr": "人事", "engineer": "数据工程师"}
"""Whom a contact stands for, as the sheet 通讯录 has it."""

CITY_NAME = "全市"
ROWS_SHOWN = 60
UNITS_NAMED = 5
DIGEST_DIGITS = 8


def describe_missing_contacts(
    config: NotifyConfig, contacts: Contacts, communities: Sequence[Community], month: Month
) -> Iterator[UnitContent]:
    """The message about units without a contact, if there are any: the city's first, then by code."""
    rows = list(_list_missing(config, contacts, communities))
    if rows:
        content = MissingContacts(
            month=format_month(month),
            unit_count=len({row.unit_code for row in rows}),
            rows=tuple(rows[:ROWS_SHOWN]),
            left_count=max(0, len(rows) - ROWS_SHOWN),
        )
        # Contacts change within a revision, as settings do; another list is another message.
        digest = sha256(repr(rows).encode()).hexdigest()[:DIGEST_DIGITS]
        yield UnitContent("missing_contacts", CITY, content, number=digest)


def describe_unreached(unit_codes: Sequence[str]) -> str:
    """Which units were told nothing, for engineers; empty if there are none."""
    if not unit_codes:
        return ""
    more = f" and {len(unit_codes) - UNITS_NAMED} more" if len(unit_codes) > UNITS_NAMED else ""
    return (
        f"no contact that can be written to: {', '.join(unit_codes[:UNITS_NAMED])}{more}. Nothing was queued for "
        "them: add or correct them in the contacts, ingest these, and run again."
    )


def _list_missing(
    config: NotifyConfig, contacts: Contacts, communities: Iterable[Community]
) -> Iterator[MissingContact]:
    names = _name_units(communities)
    unusable = {(fault.unit_code, fault.role) for fault in contacts.faults}
    meant = {(template.tier, role) for template in config.messages.values() for role in template.roles}
    for tier, units in names.items():
        for code, name in sorted(units.items()):
            for role in sorted(role for at, role in meant if at == tier):
                if contacts.find(code, role) is None:
                    yield MissingContact(name, code, ROLES[role], (code, role) in unusable)


def _name_units(communities: Iterable[Community]) -> dict[Tier, dict[str, str]]:
    """Every unit's full name by tier and code."""
    names: dict[Tier, dict[str, str]] = {"city": {CITY: CITY_NAME}, "district": {}, "street": {}, "community": {}}
    for each in communities:
        names["district"][each.district_code] = each.district_name
        names["street"][each.street_code] = f"{each.district_name}{each.street_name}"
        names["community"][each.community_code] = f"{each.district_name}{each.street_name}{each.name}"
    return names
