"""The ledger: what ran, what was found, what was decided, what was sent; in SQL, through transactions."""

from flows.ledger.pulls import PullRecord
from flows.ledger.repository import Ledger

__all__ = ["Ledger", "PullRecord"]
