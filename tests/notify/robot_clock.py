"""Clocks that the test holds."""

import threading
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


class SharedClock(TestClock):
    """A clock for several sleepers: when all who take part are asleep, it moves on to where the first wakes."""

    def __init__(self, sleepers_count: int = 1) -> None:
        super().__init__()
        self._awake_count = sleepers_count
        self._wake_ats: list[datetime] = []
        self._changed = threading.Condition()

    def sleep(self, seconds: float) -> None:
        """Return when so much time has passed, which takes none."""
        with self._changed:
            wake_at = self.now + timedelta(seconds=seconds)
            self._wake_ats.append(wake_at)
            self._awake_count -= 1
            self._move_on()
            self._changed.wait_for(lambda: self.now >= wake_at)

    def leave(self) -> None:
        """Take part no longer."""
        with self._changed:
            self._awake_count -= 1
            self._move_on()

    def move(self, seconds: float) -> None:
        """Let time pass for all."""
        with self._changed:
            self.now += timedelta(seconds=seconds)
            self._wake()

    def _move_on(self) -> None:
        if self._awake_count == 0 and self._wake_ats:
            self.now = max(self.now, min(self._wake_ats))
        self._wake()

    def _wake(self) -> None:
        awake_count = sum(wake_at <= self.now for wake_at in self._wake_ats)
        self._awake_count += awake_count
        self._wake_ats = [wake_at for wake_at in self._wake_ats if wake_at > self.now]
        self._changed.notify_all()
