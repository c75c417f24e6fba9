"""What an installation holds: the policies in its archive."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from flows.errors import ConfigurationError, QualityGate
from flows.house import House, load_archived_policy, open_house
from flows.ledger.archive import insert_policy
from flows.policy import load_policy, read_archived_policy
from flows.settings import load_settings

CONFIG = Path(__file__).parents[1] / "config"
SHIPPED = load_policy(CONFIG / "policy")
ANOTHER = "0" * 64


def archive(house: House, fingerprint: str, files: Mapping[str, str] = SHIPPED.files) -> None:
    """Keep the files, or the shipped ones, under this fingerprint."""
    engine = sa.create_engine(house.settings.database_url)
    with engine.begin() as connection:
        insert_policy(connection, fingerprint, files, datetime(2024, 4, 3, tzinfo=UTC))
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


def test_an_archived_policy_without_a_value_that_today_s_program_needs_stays_readable(tmp_path: Path) -> None:
    # Until its day the files held no time for answering objections; everything else of that policy is the same.
    grades = re.sub(
        r"\nobjection_answer_working_days:.*?(?=\n\w|\Z)", "", SHIPPED.files["grades.yaml"], flags=re.DOTALL
    )
    assert "objection" not in grades
    files = {**SHIPPED.files, "grades.yaml": grades}
    old = read_archived_policy(files)
    with open_house(load_settings(tmp_path, CONFIG)) as house:
        archive(house, old.fingerprint, files)
        found = load_archived_policy(house, old.fingerprint)
    assert found.at(date(2024, 4, 1)).integer("grades.step_months") == 36
    assert "grades.objection_answer_working_days" not in found.leaves


def test_a_home_below_a_folder_that_would_be_read_as_a_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="post=principal/home: a folder on the way to it has a name with ="):
        open_house(load_settings(tmp_path / "post=principal" / "home", CONFIG))
    assert not (tmp_path / "post=principal").exists()
