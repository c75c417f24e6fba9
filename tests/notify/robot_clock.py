"""A clock that the test holds."""

from datetime import UTC, datetime, timedelta


class TestClock:
    """Stands at an instant until it is moved; 1700000000 is that of the sign vectors."""

    __test__ = False

    def __init__(self) -> None:
        self.now = datetime.fromtimestamp(1_700_000_000, UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
