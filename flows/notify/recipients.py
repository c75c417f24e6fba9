"""Who is written to: one contact for each unit and role, and nobody else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.lake import TableView
from flows.notify.channels.kinds import AnySettings, find_address_fault

CITY = "city"


@dataclass(frozen=True)
class Contact:
    """Where messages for one unit's role go. The person's name is not needed and not kept."""

    unit_code: str
    role: str
    channel: str
    address: str


@dataclass(frozen=True)
class ContactFault:
    """A contact that can't be used, and why; the text holds neither name nor address."""

    unit_code: str
    role: str
    text: str

    def __str__(self) -> str:
        return f"contact of {self.unit_code}, {self.role}: {self.text}"


@dataclass(frozen=True)
class Contacts:
    """The contacts by unit and role that can be written to, and those that can't."""

    by_unit_role: Mapping[tuple[str, str], Contact]
    faults: Sequence[ContactFault] = ()

    def find(self, unit_code: str, role: str) -> Contact | None:
        """The contact of exactly this unit and role; a higher unit never stands in for it."""
        return self.by_unit_role.get((unit_code, role))


def load_contacts(view: TableView, channels: Mapping[str, AnySettings]) -> Contacts:
    """The contacts that have landed (data.md, `contacts`), each held to what its channel takes for an address."""
    columns = ("unit_code", "role", "channel", "address")
    rows = view.table("contacts").select(*columns).to_pyarrow().to_pylist()
    contacts = sorted((Contact(**row) for row in rows), key=lambda it: (it.unit_code, it.role))
    usable: dict[tuple[str, str], Contact] = {}
    faults: list[ContactFault] = []
    for contact in contacts:
        text = _find_fault(contact, channels)
        if text:
            faults.append(ContactFault(contact.unit_code, contact.role, text))
        else:
            usable[contact.unit_code, contact.role] = contact
    return Contacts(usable, faults)


def _find_fault(contact: Contact, channels: Mapping[str, AnySettings]) -> str:
    settings = channels.get(contact.channel)
    if settings is None:
        # The channel's own name stays out: with columns swapped in the sheet it is the address.
        return f"its channel is not in notify.yaml, which has {', '.join(channels) or 'none'}"
    return find_address_fault(contact.channel, settings, contact.address)
