"""What an answer's headers say about time: how long to wait, and how far the platform's clock is from ours."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

SKEW_SECONDS_TOLD = 60


def read_retry_after(headers: Mapping[str, str], now_seconds: float) -> float | None:
    """Seconds to wait as `Retry-After` asks, nothing if it doesn't.

    A date is reckoned from the answer's own `Date` where it has one, so that a wrong clock there asks for no wrong
    pause; `now_seconds` is our own clock, since 1970.
    """
    stated = headers.get("retry-after", "").strip()
    if stated.isdecimal() and stated.isascii():
        return float(stated)
    until = _read_date(stated)
    if until is None:
        return None
    since = _read_date(headers.get("date", "")) or datetime.fromtimestamp(now_seconds, UTC)
    return max(0.0, (until - since).total_seconds())


def explain_skew(headers: Mapping[str, str], now_seconds: float) -> str:
    """A sentence on the platform's clock if it is over a minute off ours, else nothing; for signatures are dated."""
    there = _read_date(headers.get("date", ""))
    if there is None:
        return ""
    seconds = round((there - datetime.fromtimestamp(now_seconds, UTC)).total_seconds())
    if abs(seconds) <= SKEW_SECONDS_TOLD:
        return ""
    side = "ahead of" if seconds > 0 else "behind"
    return (
        f" The platform's clock is {abs(seconds)} seconds {side} ours, and a signature is refused for its time too: "
        "set the clock that is wrong."
    )


def measure_skew(headers: Mapping[str, str], asked_seconds: float, answered_seconds: float) -> timedelta | None:
    """By how much the platform's clock is ahead of ours, nothing if its answer bears no date.

    It was written, to the whole second, some time between our question and its answer, by our clock since 1970: what
    that leaves open is no skew.
    """
    there = _read_date(headers.get("date", ""))
    if there is None:
        return None
    seconds = there.timestamp()
    return timedelta(seconds=max(0.0, seconds - answered_seconds) + min(0.0, seconds + 1 - asked_seconds))


def _read_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
