"""The morning's digests from landed batches to the outbox: merged, dated, ranked in each unit, rendered, queued."""

import sys
from functools import cache
from pathlib import Path

from benchmarks.events_server import COMMUNITIES
from benchmarks.landed_city import NOW, open_city
from benchmarks.measure import ROOT, measure
from flows.calendar import CityCalendar
from flows.evaluate.overdue import find_backlogs, read_ladder
from flows.ledger import Ledger
from flows.month import city_day
from flows.notify.alerts import queue_overdue_digests
from flows.notify.config import load_notify_config
from flows.notify.recipients import Contact, Contacts
from flows.policy import PolicyAt, load_policy

CONFIG = ROOT / "config"


@cache
def load_shipped_policy() -> PolicyAt:
    """The policy of the day, read once."""
    return load_policy(CONFIG / "policy").at(city_day(NOW))


def make_contacts() -> Contacts:
    """A secretary for each community; the city as landed has one street and one district, of one code."""
    roles = [(code, "secretary") for code in COMMUNITIES] + [(COMMUNITIES[0][:6], "supervisor")]
    return Contacts({key: Contact(*key, "file", key[0]) for key in roles})


def queue_digests(where: str, scratch: Path) -> int:
    """How many digests of the city in the folder `where` were queued in an empty outbox."""
    city = open_city(Path(where))
    policy = load_shipped_policy()
    ledger = Ledger.open(f"sqlite:///{scratch / 'ledger.sqlite'}")
    with city.lake.view(city.landings, scratch) as view:
        backlogs = find_backlogs(view, read_ladder(policy), CityCalendar.from_policy(policy), NOW)
    report = queue_overdue_digests(ledger, load_notify_config(CONFIG), make_contacts(), backlogs, [])
    ledger.close()
    return report.queued


if __name__ == "__main__":
    measure(queue_digests, sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
