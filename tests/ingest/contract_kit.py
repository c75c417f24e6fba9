"""What tests of contracts share: good records, one of them drifting, and a source that gives them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ingest_kit import count_rows

from flows.house import House
from flows.ingest.rejected.quarantine import read_quarantine
from flows.ingest.reports import PullReport

Record = dict[str, Any]

PERSON = "欧阳建国"
CONTRACTS = ("evolve", "freeze", "discard_row")


def make_records(count: int) -> list[Record]:
    """Incidents as the platform gives them, in the order of the sheet's columns."""
    return [
        {
            "id": f"I{number}",
            "place": {"code": "410202001001", "day": "2024-03-05"},
            "kind": "petition",
            "status": "confirmed",
            "updated": "2024-03-06T08:00:00+08:00",
        }
        for number in range(count)
    ]


def drift(records: list[Record], kind: str) -> list[Record]:
    """The last but one record differs: a field more, one less, or a text where there was a number."""
    place = records[-2]["place"]
    if kind == "new":
        place["reporter"] = PERSON
    elif kind == "missing":
        del place["day"]
    else:
        place["day"] = 20240305
    return records


@dataclass(frozen=True)
class Asked:
    """A source under a contract: `pull` lets it give records, and answers how their pull ended."""

    house: House
    pull: Callable[[list[Record]], PullReport]
    name: str
    names: Mapping[str, str]
    """How the source calls the drifting fields."""

    def count(self) -> int:
        return count_rows(self.house, "incidents")

    def list_rejected(self) -> list[tuple[int, tuple[str, ...]]]:
        return [(row.record_no, row.reasons) for row in read_quarantine(self.house, table="incidents")]

    def read_told(self, report: PullReport) -> str:
        """Everything that the pull says of itself: report, ledger and manifests."""
        manifests = [
            self.house.lake.read_manifest("incidents", it.batch_id)
            for it in self.house.ledger.list_landings()
            if it.table == "incidents"
        ]
        return f"{report} {report.error} {self.house.ledger.list_pulls()} {manifests}"
