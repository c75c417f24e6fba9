"""What an installation holds: the policies in its archive."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from flows.errors import QualityGate
from flows.house import House, load_archived_policy, open_house
from flows.ledger.archive import insert_policy
from flows.policy import load_policy
from flows.settings import load_settings

CONFIG = Path(__file__).parents[1] / "config"
SHIPPED = load_policy(CONFIG / "policy")
ANOTHER = "0" * 64


def archive(house: House, fingerprint: str) -> None:
    """Keep the shipped policy under this fingerprint."""
    engine = sa.create_engine(house.settings.database_url)
    with engine.begin() as connection:
        insert_policy(connection, fingerprint, SHIPPED.files, datetime(2024, 4, 3, tzinfo=UTC))
    engine.dispose()


def test_an_archived_policy_loads_as_it_was(tmp_path: Path) -> None:
    with open_house(load_settings(tmp_path, CONFIG)) as house:
        archive(house, SHIPPED.fingerprint)
        assert load_archived_policy(house, SHIPPED.fingerprint) == SHIPPED


def test_what_the_archive_holds_under_the_fingerprint_of_another_policy_is_refused(tmp_path: Path) -> None:
    with open_house(load_settings(tmp_path, CONFIG)) as house:
        archive(house, ANOTHER)
        with pytest.raises(QualityGate, match=f"policy 000000000000: .* is policy {SHIPPED.fingerprint[:12]}, so"):
            load_archived_policy(house, ANOTHER)


def test_a_policy_that_the_archive_lacks_is_refused(tmp_path: Path) -> None:
    with (
        open_house(load_settings(tmp_path, CONFIG)) as house,
        pytest.raises(QualityGate, match="policy 000000000000 is not in the archive"),
    ):
        load_archived_policy(house, ANOTHER)
