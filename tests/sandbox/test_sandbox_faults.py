from pathlib import Path

import pytest
import requests
from platform_client import PlatformClient

from flows.month import Month
from flows.sandbox.city import build_sandbox

pytestmark = pytest.mark.flow


def test_with_faults_a_server_is_busy_gone_or_cut_off_once_in_41_requests(tmp_path: Path) -> None:
    city = build_sandbox(tmp_path, scale="small", month=Month(2024, 3), history_months=0)
    city.start(faults=True)
    try:
        client = PlatformClient(city)
        seen = []
        for _ in range(41):
            try:
                seen.append(client.ask("public_service", "/v1/events", {"size": "1"}).status_code)
            except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError):
                seen.append(0)
    finally:
        city.stop()
    assert sorted(seen) == [0, *[200] * 38, 429, 503]


def test_servers_end_when_the_city_stops(tmp_path: Path) -> None:
    city = build_sandbox(tmp_path, scale="small", month=Month(2024, 3), history_months=0)
    with city:
        servers = list(city.servers)
        assert [server.poll() for server in servers] == [None] * 4
    assert [server.poll() for server in servers] == [0] * 4
    assert not any(name.endswith("_URL") for name in city.environment)
