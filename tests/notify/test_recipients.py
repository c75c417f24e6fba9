"""Contacts: exactly one for a unit and role, and no name is taken along."""

import ibis
import pytest

from flows.notify.channels.email import EmailSettings
from flows.notify.channels.file import FileSettings
from flows.notify.channels.sms import SmsSettings
from flows.notify.channels.wecom import WecomSettings
from flows.notify.recipients import Contact, load_contacts

CHANNELS = {
    "file": FileSettings(kind="file", folder="outbox"),
    "mail": EmailSettings(
        kind="email",
        host="smtp.example.org",
        port=465,
        security="tls",
        username="u",
        password="${P}",
        sender="a@example.org",
    ),
    "group": WecomSettings(kind="wecom", robots={"gulou": {"key": "${K}"}}),
    "phone": SmsSettings(kind="sms", provider="m:n", limit_characters=500),
}


class View:
    """The table `contacts` with two rows, or with those given."""

    def __init__(self, rows: list[dict[str, str]] | None = None) -> None:
        self._rows = rows

    def table(self, name: str) -> ibis.Table:
        assert name == "contacts"
        rows = self._rows or [
            {"unit_code": "city", "role": "hr", "name": "某人", "channel": "file", "address": "a", "batch_id": "b"},
            {
                "unit_code": "410202",
                "role": "supervisor",
                "name": "某",
                "channel": "x",
                "address": "",
                "batch_id": "b",
            },
        ]
        return ibis.memtable(rows)


def test_contacts_are_found_by_unit_and_role_and_by_nothing_less():
    contacts = load_contacts(View(), {name: FileSettings(kind="file", folder=name) for name in ("file", "x")})
    assert contacts.find("city", "hr") == Contact("city", "hr", "file", "a")
    assert contacts.find("410202", "supervisor") == Contact("410202", "supervisor", "x", "")
    assert contacts.find("410202", "hr") is None
    assert contacts.find("410202001001", "supervisor") is None
    assert "某" not in repr(contacts)
    assert contacts.faults == []


@pytest.mark.parametrize(
    ("channel", "address", "said"),
    [
        ("file", "a/b-1", ""),
        ("file", "../a", "cannot be a folder name"),
        ("mail", "li.lei@example.org", ""),
        ("mail", "li.lei@example", "no e-mail address"),
        ("mail", "li lei@example.org", "no e-mail address"),
        ("group", "gulou", ""),
        ("group", "longting", "names no robot; notify.yaml, channels.group.robots has gulou"),
        ("phone", "138 0000-0000", ""),
        ("phone", "1380", "no phone number"),
        ("fax", "0371", "not in notify.yaml, which has file, mail, group, phone"),
    ],
)
def test_a_contact_is_held_to_what_its_channel_takes(channel: str, address: str, said: str):
    row = {"unit_code": "410202", "role": "supervisor", "name": "某", "channel": channel, "address": address}
    contacts = load_contacts(View([row]), CHANNELS)
    if not said:
        assert contacts.faults == []
        assert contacts.find("410202", "supervisor") == Contact("410202", "supervisor", channel, address)
        return
    assert contacts.find("410202", "supervisor") is None
    told = "; ".join(map(str, contacts.faults))
    assert told.startswith("contact of 410202, supervisor: ")
    assert said in told
    assert address not in told
    assert "某" not in told
