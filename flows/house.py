"""One installation with its stores open: what every step is handed."""

from dataclasses import dataclass

from flows.lake import Lake, LakeView, Landing
from flows.ledger import Ledger
from flows.settings import Settings


@dataclass(frozen=True)
class House:
    """Settings, lake and ledger of one installation."""

    settings: Settings
    lake: Lake
    ledger: Ledger

    def view(self, landings: list[Landing] | None = None) -> LakeView:
        """The canonical tables as all landings make them, or as the given ones do."""
        chosen = self.ledger.list_landings() if landings is None else landings
        return self.lake.view(chosen, self.settings.home / "scratch")


def open_house(settings: Settings) -> House:
    """The installation's stores, made and migrated if need be."""
    settings.home.mkdir(parents=True, exist_ok=True)
    return House(settings, Lake(settings.home / "lake"), Ledger.open(settings.database_url))
