"""Who is written to: one contact for each unit and role, and nobody else."""

from collections.abc import Mapping
from dataclasses import dataclass

from flows.lake import TableView

CITY = "city"


@dataclass(frozen=True)
class Contact:
    """Where messages for one unit's role go. The person's name is not needed and not kept."""

    unit_code: str
    role: str
    channel: str
    address: str


@dataclass(frozen=True)
class Contacts:
    """The contacts by unit and role."""

    by_unit_role: Mapping[tuple[str, str], Contact]

    def find(self, unit_code: str, role: str) -> Contact | None:
        """The contact of exactly this unit and role; a higher unit never stands in for it."""
        return self.by_unit_role.get((unit_code, role))


def load_contacts(view: TableView) -> Contacts:
    """The contacts that have landed (data.md, `contacts`)."""
    columns = ("unit_code", "role", "channel", "address")
    rows = view.table("contacts").select(*columns).to_pyarrow().to_pylist()
    contacts = [Contact(**row) for row in rows]
    return Contacts({(contact.unit_code, contact.role): contact for contact in contacts})
