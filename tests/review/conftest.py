"""What tests of the review share."""

from collections.abc import Callable
from pathlib import Path

import pytest
from review_month import open_ledger, save_month

from flows.ledger import Ledger
from flows.results import MonthResult


@pytest.fixture
def ledger(tmp_path: Path, make_result: Callable[..., MonthResult]) -> Ledger:
    """A ledger with revision 1 of the small March."""
    ledger = open_ledger(tmp_path)
    save_month(ledger, make_result)
    return ledger
