"""How a platform is reached and asked: connection, credentials, request, pages and windows, as configuration."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from flows.ingest.describe.grammar import Duration, Strict

_RATE = re.compile(r"(\d+)/(second|minute)")


def _parse_rate(raw: Any) -> Any:
    match = _RATE.fullmatch(raw) if isinstance(raw, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError(f"{raw!r} is not a rate. Write N/second or N/minute, for example 50/second.")
    return timedelta(seconds=1 if match[2] == "second" else 60) / int(match[1])


class NoAuth(Strict):
    """The platform asks for no credentials."""

    kind: Literal["none"]


class BearerAuth(Strict):
    """A token in the Authorization header."""

    kind: Literal["bearer"]
    token: str = Field(repr=False)


class BasicAuth(Strict):
    """A user name and a password in the Authorization header."""

    kind: Literal["basic"]
    username: str
    password: str = Field(repr=False)


class ApiKeyAuth(Strict):
    """A key in a header or in the query."""

    kind: Literal["api_key"]
    name: str
    value: str = Field(repr=False)
    place: Literal["header", "query"] = Field("header", alias="in")


class HmacAuth(Strict):
    """Each request signed with a shared secret; docs/connecting.md says over what."""

    kind: Literal["hmac_sha256"]
    key_id: str
    secret: str = Field(repr=False)
    key_header: str = "X-App-Key"
    timestamp_header: str = "X-Timestamp"
    signature_header: str = "X-Signature"


class OAuth2Auth(Strict):
    """A token fetched with the client's own credentials, and fetched again when it has expired."""

    kind: Literal["oauth2_client_credentials"]
    token_path: str
    client_id: str
    client_secret: str = Field(repr=False)
    scope: str | None = None


Auth = Annotated[NoAuth | BearerAuth | BasicAuth | ApiKeyAuth | HmacAuth | OAuth2Auth, Field(discriminator="kind")]


class RestConnection(Strict):
    """A platform with an HTTP interface.

    `pause` is the shortest time between two requests. `encoding` is what answers are written in; one whose own header
    names a charset of the GB family is believed.
    """

    kind: Literal["rest"]
    base_url: str = Field(repr=False)
    auth: Auth = NoAuth(kind="none")
    pause: Annotated[timedelta, BeforeValidator(_parse_rate)] = Field(timedelta(0), alias="rate_limit")
    timeout_seconds: int = Field(30, ge=1)
    max_page_mb: int = Field(64, ge=1)
    encoding: Literal["utf-8", "gb18030"] = "utf-8"


class FilesConnection(Strict):
    """A folder of spreadsheets or exports, absolute or relative to the configuration folder."""

    kind: Literal["files"]
    path: str


class DatabaseConnection(Strict):
    """A database by its SQLAlchemy URL; `timeout_seconds` limits connecting, each statement and each lock."""

    kind: Literal["database"]
    url: str = Field(repr=False)
    timeout_seconds: int = Field(60, ge=1)


class Request(Strict):
    """One question to the platform; with POST the parameters go in the JSON body."""

    path: str
    method: Literal["GET", "POST"] = "GET"
    params: dict[str, str | int | float | bool] = Field({})
    headers: dict[str, str] = Field({})
    body: dict[str, Any] = Field({})


class NoPages(Strict):
    """One answer holds the whole list."""

    kind: Literal["none"]


class ChangingPages(Strict):
    """Pages of a list that may change while it is read.

    `stable`: false reads it a second time and compares, true never does. Unset, it is read again where pages are
    counted off and no total would show a change.
    """

    stable: bool | None = None


class NumberedPages(ChangingPages):
    """Pages by number, from `first`."""

    kind: Literal["page"]
    param: str = "page"
    first: int = 1
    size_param: str | None = None
    size: int | None = Field(None, ge=1)


class OffsetPages(ChangingPages):
    """Pages by the number of records passed over."""

    kind: Literal["offset"]
    param: str = "offset"
    limit_param: str = "limit"
    limit: int = Field(ge=1)


class CursorPages(ChangingPages):
    """Each page names the cursor of the next at the path `next`."""

    kind: Literal["cursor"]
    param: str = "cursor"
    next: str


class NextUrlPages(ChangingPages):
    """Each page names the address of the next at the path `next`."""

    kind: Literal["next_url"]
    next: str


class LinkHeaderPages(ChangingPages):
    """Each page names the next in its Link header (RFC 8288)."""

    kind: Literal["link_header"]


Pages = Annotated[
    NoPages | NumberedPages | OffsetPages | CursorPages | NextUrlPages | LinkHeaderPages, Field(discriminator="kind")
]


class Since(Strict):
    """How a window is asked for. The platform's interval is `[since, until)`.

    Without `until_param` a query cannot be narrowed, so `slice` has no effect and the window is one query.
    """

    param: str
    format: Literal["iso", "local", "epoch_s", "epoch_ms"] = "iso"
    until_param: str | None = None
    lag: Duration = timedelta(0)
    slice: Duration | None = None
    cap: int | None = Field(None, ge=1)
