"""Contacts: exactly one for a unit and role, and no name is taken along."""

import ibis

from flows.notify.recipients import Contact, load_contacts


class View:
    """The table `contacts` with two rows."""

    def table(self, name: str) -> ibis.Table:
        assert name == "contacts"
        rows = [
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
    contacts = load_contacts(View())
    assert contacts.find("city", "hr") == Contact("city", "hr", "file", "a")
    assert contacts.find("410202", "supervisor") == Contact("410202", "supervisor", "x", "")
    assert contacts.find("410202", "hr") is None
    assert contacts.find("410202001001", "supervisor") is None
    assert "某" not in repr(contacts)
