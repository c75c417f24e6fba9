"""The examples on the real exports, which stay outside of the project: skipped where they are not there."""

from pathlib import Path

import pytest
from example_kit import (
    check_government_export,
    check_los_angeles,
    check_new_york,
    check_service_days,
    land_example,
)

REAL = Path(__file__).parents[3] / "shared" / "data" / "civic"

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the real exports (../shared/data/civic) are not here")


def test_los_angeles_lands_but_for_what_was_closed_before_it_was_created(tmp_path: Path) -> None:
    landed = land_example("los-angeles", "events", REAL, tmp_path)
    check_los_angeles(landed)
    check_service_days(landed)


def test_new_york_lands_whole(tmp_path: Path) -> None:
    check_new_york(land_example("new-york", "events", REAL, tmp_path))


def test_the_government_export_lands_without_preamble_and_footnotes(tmp_path: Path) -> None:
    check_government_export(land_example("government-export", "communities", REAL, tmp_path))
