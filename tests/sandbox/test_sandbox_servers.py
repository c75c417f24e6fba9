from datetime import UTC, datetime
from typing import Any

import pytest
from platform_client import PlatformClient

from flows.month import Month
from flows.sandbox.city import Sandbox

MARCH = Month(2024, 3)
EVENT_IDS = {"comprehensive_governance": "eventId", "law_enforcement": "ajbh", "public_service": "id"}
PATHS = {
    "comprehensive_governance": "/open/v2/events",
    "law_enforcement": "/api/aj/list",
    "public_service": "/v1/events",
    "supervision": "/supervision/checks",
}
WRONG_CREDENTIALS: dict[str, dict[str, Any]] = {
    "comprehensive_governance": {"headers": {"Authorization": "Bearer wrong"}},
    "law_enforcement": {"auth": ("fivestar", "wrong")},
    "public_service": {"headers": {"X-Api-Key": "wrong"}},
    "supervision": {"headers": {"X-App-Key": "fivestar", "X-Timestamp": "1709251200", "X-Signature": "00"}},
}
BAD_PARAMETERS = {
    "comprehensive_governance": {"pageNo": "0"},
    "law_enforcement": {"gxsjq": "2024-03-01T00:00:00Z"},
    "public_service": {"updated_since": "2024-03-01T00:00:00"},
    "supervision": {"modified_from": "yesterday"},
}

pytestmark = pytest.mark.flow


@pytest.fixture(scope="module")
def client(running_city: Sandbox) -> PlatformClient:
    return PlatformClient(running_city)


@pytest.mark.parametrize("platform", EVENT_IDS)
def test_paging_gives_every_record_exactly_once(client: PlatformClient, running_city: Sandbox, platform: str) -> None:
    records = client.read(platform)
    versions = {repr(record) for record in records}
    assert len(records) == len(versions) == running_city.counts[f"{platform}/events"]


def test_following_next_addresses_gives_every_check_once(client: PlatformClient, running_city: Sandbox) -> None:
    numbers = [record["check_no"] for record in client.read("supervision")]
    assert len(numbers) == len(set(numbers)) == running_city.counts["supervision/checks"]


@pytest.mark.parametrize("resource", ["communities", "grids", "incidents"])
def test_registers_are_listed_whole(client: PlatformClient, running_city: Sandbox, resource: str) -> None:
    records = client.read("comprehensive_governance", resource)
    assert len(records) == running_city.counts[f"comprehensive_governance/{resource}"]


def test_only_public_service_lists_an_event_twice(client: PlatformClient) -> None:
    repeats = {}
    for platform, name in EVENT_IDS.items():
        ids = [record[name] for record in client.read(platform)]
        repeats[platform] = len(ids) - len(set(ids))
    assert repeats["comprehensive_governance"] == repeats["law_enforcement"] == 0
    assert repeats["public_service"] > 0


def write_windows(start: datetime, end: datetime) -> dict[str, dict[str, str]]:
    """The same window in the words of each platform."""
    local = [f"{bound:%Y-%m-%d} 00:00:00" for bound in (MARCH.first_on, MARCH.plus(1).first_on)]
    return {
        "comprehensive_governance": {
            "changedFrom": str(int(start.timestamp())),
            "changedTo": str(int(end.timestamp())),
        },
        "law_enforcement": {"gxsjq": local[0], "gxsjz": local[1]},
        "public_service": {
            "updated_since": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "updated_until": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        },
        "supervision": {
            "modified_from": str(int(start.timestamp()) * 1000),
            "modified_to": str(int(end.timestamp()) * 1000),
        },
    }


def read_update(platform: str, record: dict[str, Any]) -> datetime:
    if platform == "comprehensive_governance":
        return datetime.fromisoformat(record["updateTime"])
    if platform == "law_enforcement":
        return datetime.fromisoformat(record["sj"]["gxsj"] + "+08:00")
    if platform == "public_service":
        return datetime.fromisoformat(record["updateTime"])
    return datetime.fromtimestamp(record["modified_ts"] / 1000, UTC)


@pytest.mark.parametrize("platform", PATHS)
def test_a_window_holds_its_start_and_not_its_end(client: PlatformClient, platform: str) -> None:
    start, end = MARCH.starts_at, MARCH.ends_at
    expected = [r for r in client.read(platform) if start <= read_update(platform, r) < end]
    assert client.read(platform, **write_windows(start, end)[platform]) == expected
    assert expected


@pytest.mark.parametrize("platform", PATHS)
def test_wrong_credentials_are_refused(client: PlatformClient, platform: str) -> None:
    assert client.ask(platform, PATHS[platform], {}, **WRONG_CREDENTIALS[platform]).status_code == 401


@pytest.mark.parametrize("platform", PATHS)
def test_a_parameter_that_cannot_be_read_is_refused(client: PlatformClient, platform: str) -> None:
    assert client.ask(platform, PATHS[platform], BAD_PARAMETERS[platform]).status_code == 400


@pytest.mark.parametrize("platform", PATHS)
def test_a_parameter_nobody_knows_is_refused(client: PlatformClient, platform: str) -> None:
    assert client.ask(platform, PATHS[platform], {"colour": "red"}).status_code == 400


def test_a_signature_over_other_parameters_is_refused(client: PlatformClient) -> None:
    credentials = client.sign("supervision", PATHS["supervision"], {"count": "1"})
    assert client.ask("supervision", PATHS["supervision"], {"count": "2"}, **credentials).status_code == 401


def test_an_unknown_path_is_not_found(client: PlatformClient) -> None:
    assert client.ask("public_service", "/v1/residents", {}).status_code == 404


def test_an_empty_window_is_an_empty_list(client: PlatformClient) -> None:
    assert client.read("public_service", updated_since="2030-01-01T00:00:00Z") == []
    assert client.read("law_enforcement", gxsjq="2030-01-01 00:00:00") == []
