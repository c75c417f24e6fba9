"""One request to a platform: credentials, pace, another try, and what is told when it fails."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
from ingest_kit import Pauses
from platform_server import Asked, PlatformServer, Reply, write_incident_source

from flows.errors import ConfigurationError, ContractBroken, FivestarError, SourceUnavailable
from flows.ingest.connect.rest import RestClient
from flows.ingest.describe.source import RestSource, Source

BEARER = "{kind: bearer, token: ${TEST_TOKEN}}"
OAUTH = "{kind: oauth2_client_credentials, token_path: /token, client_id: me, client_secret: ${TEST_SECRET}}"

MakeClient = Callable[[str], RestClient]


def make_text(auth: str = "{kind: none}", connection: str = "") -> str:
    return write_incident_source(auth=auth, connection=connection)


def test_without_auth_no_credentials_are_sent(make_client: MakeClient, platform: PlatformServer) -> None:
    make_client(make_text()).ask("/list")
    assert "authorization" not in platform.asked[0].headers


def test_a_bearer_token_is_sent(make_client: MakeClient, platform: PlatformServer) -> None:
    make_client(make_text(BEARER)).ask("/list")
    assert platform.asked[0].headers["authorization"] == "Bearer s3cret-token"


def test_a_name_and_password_are_sent(make_client: MakeClient, platform: PlatformServer) -> None:
    make_client(make_text("{kind: basic, username: 用户, password: ${TEST_SECRET}}")).ask("/list")
    expected = base64.b64encode("用户:s3cret-key".encode()).decode()
    assert platform.asked[0].headers["authorization"] == f"Basic {expected}"


def test_an_api_key_is_sent_as_a_header(make_client: MakeClient, platform: PlatformServer) -> None:
    make_client(make_text("{kind: api_key, name: X-Api-Key, value: ${TEST_TOKEN}}")).ask("/list")
    assert platform.asked[0].headers["x-api-key"] == "s3cret-token"


def test_an_api_key_is_sent_once_in_the_query(make_client: MakeClient, platform: PlatformServer) -> None:
    client = make_client(make_text("{kind: api_key, name: key, value: ${TEST_TOKEN}, in: query}"))
    client.ask("/list?key=old", params={"a": "1"})
    assert platform.asked[0].query == {"a": "1", "key": "s3cret-token"}


def test_a_signature_covers_method_path_sorted_query_and_time(
    make_client: MakeClient, platform: PlatformServer
) -> None:
    client = make_client(make_text("{kind: hmac_sha256, key_id: me, secret: ${TEST_SECRET}}"))
    client.ask("/list", params={"b": "二", "a": 1})
    # The clock of the test stands at 1710000000; 二 is E4 BA 8C in UTF-8.
    signed = "GET\n/list\na=1&b=%E4%BA%8C\n1710000000"
    headers = platform.asked[0].headers
    assert headers["x-signature"] == hmac.new(b"s3cret-key", signed.encode(), hashlib.sha256).hexdigest()
    assert (headers["x-app-key"], headers["x-timestamp"]) == ("me", "1710000000")


def answer_with_token(token: str, accepted: set[str]) -> Callable[[Asked], Reply]:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/token":
            return Reply({"access_token": token, "expires_in": 3600})
        return Reply({"items": []}, 200 if asked.headers["authorization"] in accepted else 401)

    return answer


def test_an_oauth_token_is_fetched_once_and_used_for_every_request(
    make_client: MakeClient, platform: PlatformServer
) -> None:
    platform.answer = answer_with_token("t1", {"Bearer t1"})
    client = make_client(make_text(OAUTH))
    client.ask("/list")
    client.ask("/list")
    assert [asked.path for asked in platform.asked] == ["/token", "/list", "/list"]
    assert platform.asked[0].body == b"grant_type=client_credentials&client_id=me&client_secret=s3cret-key"


def test_an_oauth_token_that_ended_early_is_fetched_anew(make_client: MakeClient, platform: PlatformServer) -> None:
    platform.answer = answer_with_token("t1", {"Bearer t1"})
    client = make_client(make_text(OAUTH))
    client.ask("/list")
    platform.answer = answer_with_token("t2", {"Bearer t2"})
    client.ask("/list")
    assert [asked.path for asked in platform.asked] == ["/token", "/list", "/list", "/token", "/list"]


@pytest.mark.parametrize(("seconds", "paths"), [(3569, []), (3571, ["/token"])])
def test_an_oauth_token_is_fetched_anew_half_a_minute_before_it_ends(
    make_client: MakeClient, platform: PlatformServer, pauses: Pauses, seconds: int, paths: list[str]
) -> None:
    # It lives for 3,600 seconds.
    platform.answer = answer_with_token("t1", {"Bearer t1"})
    client = make_client(make_text(OAUTH))
    client.ask("/list")
    pauses.seconds.append(seconds)
    client.ask("/list")
    assert [asked.path for asked in platform.asked] == ["/token", "/list", *paths, "/list"]


def test_a_new_oauth_token_that_is_refused_too_ends_it(make_client: MakeClient, platform: PlatformServer) -> None:
    platform.answer = answer_with_token("t1", set())
    with pytest.raises(ConfigurationError, match=r"refused the credentials \(401\)"):
        make_client(make_text(OAUTH)).ask("/list")
    assert [asked.path for asked in platform.asked] == ["/token", "/list", "/token", "/list"]


def test_a_token_endpoint_that_fails_is_asked_again(
    make_client: MakeClient, platform: PlatformServer, pauses: Pauses
) -> None:
    platform.answer_in_turn(Reply({}, 503), Reply({"access_token": "t1"}), Reply({"items": []}))
    make_client(make_text(OAUTH)).ask("/list")
    assert platform.asked[-1].headers["authorization"] == "Bearer t1"
    assert pauses.seconds == [0.5]


def test_a_token_endpoint_without_a_token_breaks_the_contract(
    make_client: MakeClient, platform: PlatformServer
) -> None:
    platform.answer = lambda _: Reply({"token": "t1"})
    with pytest.raises(ContractBroken, match="/token answered without access_token"):
        make_client(make_text(OAUTH)).ask("/list")


def test_a_refused_oauth_client_names_its_placeholder_and_no_secret(
    make_client: MakeClient, platform: PlatformServer
) -> None:
    platform.answer = lambda _: Reply({"error": "invalid_client"}, 400)
    with pytest.raises(ConfigurationError, match=r"refused the credentials.*\$\{TEST_SECRET\}") as raised:
        make_client(make_text(OAUTH)).ask("/list")
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_not_tried_again_and_only_its_name_is_told(
    make_client: MakeClient, platform: PlatformServer, status: int
) -> None:
    platform.answer = lambda _: Reply({}, status)
    with pytest.raises(ConfigurationError, match=r"\$\{TEST_TOKEN\}") as raised:
        make_client(make_text(BEARER)).ask("/list")
    assert len(platform.asked) == 1
    assert "s3cret" not in str(raised.value)


def test_a_missing_placeholder_is_named_with_its_key(
    make_client: MakeClient, platform: PlatformServer, values: dict[str, str]
) -> None:
    del values["TEST_TOKEN"]
    with pytest.raises(ConfigurationError, match=r"test_platform.yaml, connection.auth.token: \$\{TEST_TOKEN\}"):
        make_client(make_text(BEARER)).ask("/list")


def test_a_secret_that_cannot_be_a_header_is_not_shown(
    make_client: MakeClient, platform: PlatformServer, values: dict[str, str]
) -> None:
    values["TEST_TOKEN"] = "s3cret\nline"
    with pytest.raises(ConfigurationError, match="cannot be made") as raised:
        make_client(make_text(BEARER)).ask("/list")
    assert "s3cret" not in str(raised.value)


def test_a_failing_platform_is_tried_again_with_growing_pauses(
    make_client: MakeClient, platform: PlatformServer, pauses: Pauses
) -> None:
    platform.answer_in_turn(Reply({}, 503), Reply({}, 500), Reply({"items": [1]}))
    assert make_client(make_text()).ask("/list").content == {"items": [1]}
    assert pauses.seconds == [0.5, 1.0]


@pytest.mark.parametrize(("jitter", "pause"), [(0.0, 0.25), (1.0, 0.5)])
def test_chance_shortens_a_pause_by_half_at_most(
    make_source: Callable[[str], Source], platform: PlatformServer, pauses: Pauses, jitter: float, pause: float
) -> None:
    platform.answer_in_turn(Reply({}, 503), Reply({"items": []}))
    source = make_source(make_text())
    assert isinstance(source, RestSource)
    with RestClient(source, replace(pauses.timing, jitter=lambda: jitter)) as client:
        client.ask("/list")
    assert pauses.seconds == [pause]


def test_a_platform_that_fails_five_times_is_unavailable(
    make_client: MakeClient, platform: PlatformServer, pauses: Pauses
) -> None:
    platform.answer = lambda _: Reply({}, 502)
    with pytest.raises(SourceUnavailable, match="/list answered 502, 5 times in a row"):
        make_client(make_text()).ask("/list")
    assert pauses.seconds == [0.5, 1.0, 2.0, 4.0]


def test_a_platform_that_is_too_busy_is_given_the_time_it_asks_for(
    make_client: MakeClient, platform: PlatformServer, pauses: Pauses
) -> None:
    # The clock of the test stands at 1710000000, which is 2024-03-09 16:00:00 UTC.
    later = format_datetime(datetime(2024, 3, 9, 16, 0, 20, tzinfo=UTC), usegmt=True)
    platform.answer_in_turn(
        Reply({}, 429, {"retry-after": "7"}), Reply({}, 429, {"retry-after": later}), Reply({"items": []})
    )
    make_client(make_text()).ask("/list")
    assert pauses.seconds == [7.0, 20.0]


def test_a_platform_that_asks_for_too_long_a_pause_is_unavailable(
    make_client: MakeClient, platform: PlatformServer, pauses: Pauses
) -> None:
    platform.answer = lambda _: Reply({}, 429, {"retry-after": "121"})
    with pytest.raises(SourceUnavailable, match="left alone for 121 seconds"):
        make_client(make_text()).ask("/list")
    assert pauses.seconds == []


def test_a_pause_of_two_minutes_is_granted(make_client: MakeClient, platform: PlatformServer, pauses: Pauses) -> None:
    platform.answer_in_turn(Reply({}, 429, {"retry-after": "120"}), Reply({"items": []}))
    make_client(make_text()).ask("/list")
    assert pauses.seconds == [120.0]


def test_a_pause_that_cannot_be_read_is_our_own(
    make_client: MakeClient, platform: PlatformServer, pauses: Pauses
) -> None:
    platform.answer_in_turn(Reply({}, 503, {"retry-after": "soon"}), Reply({"items": []}))
    make_client(make_text()).ask("/list")
    assert pauses.seconds == [0.5]


def test_a_platform_that_cannot_be_reached_is_unavailable(
    make_client: MakeClient, values: dict[str, str], pauses: Pauses
) -> None:
    values["TEST_URL"] = "http://127.0.0.1:9"
    with pytest.raises(SourceUnavailable, match="cannot be reached, 5 times in a row"):
        make_client(make_text()).ask("/list")
    assert len(pauses.seconds) == 4


def test_any_other_refusal_is_not_tried_again(
    make_client: MakeClient, platform: PlatformServer, pauses: Pauses
) -> None:
    platform.answer = lambda _: Reply({}, 404)
    with pytest.raises(ContractBroken, match="answered 404"):
        make_client(make_text()).ask("/list")
    assert (len(platform.asked), pauses.seconds) == (1, [])


def test_a_login_page_breaks_the_contract(make_client: MakeClient, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply(b"<html>", 200, {"content-type": "text/html; charset=utf-8"})
    with pytest.raises(ContractBroken, match=r"text/html \(perhaps a login page\) where JSON was expected"):
        make_client(make_text()).ask("/list")


def test_a_redirect_on_the_same_host_is_followed(make_client: MakeClient, platform: PlatformServer) -> None:
    platform.answer_in_turn(Reply({}, 302, {"location": "/new?a=1"}), Reply({"items": []}))
    make_client(make_text(BEARER)).ask("/list", params={"b": "2"})
    assert (platform.asked[1].path, platform.asked[1].query) == ("/new", {"a": "1"})


def test_a_redirect_to_another_host_is_refused(make_client: MakeClient, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({}, 302, {"location": platform.url.replace("127.0.0.1", "localhost")})
    with pytest.raises(ContractBroken, match="sends us on to http://localhost"):
        make_client(make_text(BEARER)).ask("/list")
    assert len(platform.asked) == 1


def test_a_redirect_in_a_circle_ends(make_client: MakeClient, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({}, 302, {"location": "/list"})
    with pytest.raises(ContractBroken, match="in a circle"):
        make_client(make_text()).ask("/list")


def test_requests_keep_the_configured_pace(make_client: MakeClient, platform: PlatformServer, pauses: Pauses) -> None:
    client = make_client(make_text(connection="rate_limit: 4/second"))
    for _ in range(3):
        client.ask("/list")
    assert pauses.seconds == [0.25, 0.25]


def test_a_base_url_that_is_none_is_refused_without_showing_it(
    make_client: MakeClient, values: dict[str, str]
) -> None:
    values["TEST_URL"] = "ftp://s3cret@host"
    with pytest.raises(ConfigurationError, match="not an http or https URL") as raised:
        make_client(make_text())
    assert "s3cret" not in str(raised.value)


def test_a_path_is_asked_for_below_the_base_url(
    make_client: MakeClient, platform: PlatformServer, values: dict[str, Any]
) -> None:
    values["TEST_URL"] = f"{platform.url}/gateway/"
    make_client(make_text()).ask("/list")
    assert platform.asked[0].path == "/gateway/list"


KEYED = "${TEST_URL}/api/key-s3cret"


def make_keyed_text() -> str:
    return make_text(BEARER).replace("${TEST_URL}", KEYED)


@pytest.mark.parametrize(
    "reply",
    [
        Reply({}, status=404),
        Reply({}, status=401),
        Reply({}, status=500),
        Reply(b"<html>", headers={"content-type": "text/html"}),
        Reply({}, status=429, headers={"retry-after": "999"}),
        Reply({}, status=302, headers={"location": "/api/key-s3cret/list"}),
    ],
)
def test_a_message_names_the_configured_path_and_nothing_of_base_url(
    make_client: MakeClient, platform: PlatformServer, reply: Reply
) -> None:
    platform.answer = lambda _: reply
    with pytest.raises(FivestarError) as raised:
        make_client(make_keyed_text()).ask("/list")
    assert platform.asked[0].path == "/api/key-s3cret/list"
    assert str(raised.value).startswith("test_platform: /list ")
    assert "s3cret" not in str(raised.value)


def test_a_path_outside_base_url_is_not_named_either(make_client: MakeClient, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({}, status=404)
    with pytest.raises(ContractBroken, match="test_platform: a path outside base_url answered 404"):
        make_client(make_keyed_text()).ask(f"{platform.url}/v2/key-s3cret/list")
