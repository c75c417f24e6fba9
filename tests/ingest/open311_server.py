"""An Open311 server (GeoReport v2) that keeps its caps and says nothing of what it leaves out."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from platform_server import Asked, Reply

REQUESTS_MAX = 1000
SPAN_MAX = timedelta(days=90)
PAGE_SIZE_DEFAULT = 50
ZIPCODES = ("02108", "02109", "02111", None)
SERVICES = ("POTHOLE", "GRAFFITI", "STREETLIGHT", "ILLEGAL-DUMPING", "NOISE")


class Open311Server:
    """Answers `requests.json`, newest first, both ends of the span included; `cut_count` queries were cut."""

    def __init__(self, requests: list[dict[str, Any]]) -> None:
        self.requests = sorted(requests, key=read_moment)
        self.moments = [read_moment(request) for request in self.requests]
        self.cut_count = 0

    def __call__(self, asked: Asked) -> Reply:
        if asked.path != "/requests.json":
            return Reply([{"code": 404, "description": "no such path"}], 404)
        start, end = (datetime.fromisoformat(asked.query[name]) for name in ("start_date", "end_date"))
        wanted = self.list_between(start, end)
        given = self.list_between(start, min(end, start + SPAN_MAX))[:REQUESTS_MAX]
        self.cut_count += len(given) < len(wanted)
        size = int(asked.query.get("page_size", PAGE_SIZE_DEFAULT))
        first = (int(asked.query.get("page", 1)) - 1) * size
        return Reply(given[first : first + size])

    def list_between(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        return self.requests[bisect_left(self.moments, start) : bisect_right(self.moments, end)][::-1]


def read_moment(request: dict[str, Any]) -> datetime:
    """When the request was made."""
    return datetime.fromisoformat(request["requested_datetime"])


def make_requests(moments: Iterable[datetime]) -> list[dict[str, Any]]:
    """A request at each moment; two of three are closed two days later."""
    return [
        {
            "service_request_id": f"SR{number}",
            "status": "open" if number % 3 == 0 else "closed",
            "status_notes": None,
            "service_name": "a name for people",
            "service_code": SERVICES[number % len(SERVICES)],
            "description": "somebody's words",
            "agency_responsible": "Public Works",
            "service_notice": None,
            "requested_datetime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "updated_datetime": (moment + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "expected_datetime": (moment + timedelta(days=10)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "address": "somebody's address",
            "address_id": None,
            "zipcode": ZIPCODES[number % len(ZIPCODES)],
            "lat": 42.3,
            "long": -71.1,
            "media_url": None,
        }
        for number, moment in enumerate(moments)
    ]


def list_year_with_a_burst() -> list[datetime]:
    """5,200 moments of 2023: 3,900 all over the year, and 1,300 between 14:00 and 15:00 on 19 July."""
    start, burst = datetime(2023, 1, 1, tzinfo=UTC), datetime(2023, 7, 19, 14, tzinfo=UTC)
    spread = [start + timedelta(minutes=134 * number) for number in range(3900)]
    # Three in a second and a pause of five, so that seconds are shared and no single one holds many.
    return spread + [burst + timedelta(seconds=8 * (number // 3)) for number in range(1300)]
