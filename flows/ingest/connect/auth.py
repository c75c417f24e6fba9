"""Credentials put on a request: what each kind of `auth` adds to its headers and its query."""

import base64
import hashlib
import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flows.ingest.describe.connection import ApiKeyAuth, BasicAuth, BearerAuth, HmacAuth, NoAuth, OAuth2Auth
from flows.ingest.describe.source import RestSource

TOKEN_SPARE_SECONDS = 30
TOKEN_DEFAULT_SECONDS = 300

# A key may stand in a URL, and urllib3 writes the URLs of answers with odd headers into the log.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)

FetchToken = Callable[[str, dict[str, str]], dict[str, Any]]


@dataclass
class Draft:
    """A request before it is sent; `query` holds every parameter of its URL."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str] = field(default_factory=dict)


class Authenticator:
    """Adds the source's credentials to drafts. `wall` and `clock` are the protocol's clocks, not a rule's."""

    def __init__(
        self, source: RestSource, fetch_token: FetchToken, wall: Callable[[], float], clock: Callable[[], float]
    ) -> None:
        self._source = source
        self._auth = source.connection.auth
        self._fetch_token = fetch_token
        self._wall = wall
        self._clock = clock
        self._token = ""
        self._token_ends = 0.0

    def apply(self, draft: Draft) -> None:
        """Put the credentials on `draft`. Raises `ConfigurationError` if one of them is not set."""
        auth = self._auth
        if isinstance(auth, NoAuth):
            return
        if isinstance(auth, BearerAuth):
            draft.headers["Authorization"] = f"Bearer {self._resolve('token', auth.token)}"
        elif isinstance(auth, BasicAuth):
            pair = f"{self._resolve('username', auth.username)}:{self._resolve('password', auth.password)}"
            draft.headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        elif isinstance(auth, ApiKeyAuth):
            value = self._resolve("value", auth.value)
            if auth.place == "header":
                draft.headers[auth.name] = value
            else:
                # A next page's URL may bring the key along.
                draft.query[:] = [(name, text) for name, text in draft.query if name != auth.name]
                draft.query.append((auth.name, value))
        elif isinstance(auth, HmacAuth):
            self._sign(auth, draft)
        else:
            draft.headers["Authorization"] = f"Bearer {self._find_token(auth)}"

    def forget_token(self) -> bool:
        """Whether a token was held that may have expired early; the next request fetches a new one."""
        held = bool(self._token)
        self._token = ""
        return held

    def _resolve(self, key: str, text: str) -> str:
        return self._source.resolve(f"connection.auth.{key}", text)

    def _sign(self, auth: HmacAuth, draft: Draft) -> None:
        timestamp = str(int(self._wall()))
        text = "\n".join([draft.method, draft.path, urlencode(sorted(draft.query)), timestamp])
        secret = self._resolve("secret", auth.secret).encode()
        draft.headers[auth.key_header] = self._resolve("key_id", auth.key_id)
        draft.headers[auth.timestamp_header] = timestamp
        draft.headers[auth.signature_header] = hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()

    def _find_token(self, auth: OAuth2Auth) -> str:
        if self._token and self._clock() < self._token_ends:
            return self._token
        form = {
            "grant_type": "client_credentials",
            "client_id": self._resolve("client_id", auth.client_id),
            "client_secret": self._resolve("client_secret", auth.client_secret),
        }
        if auth.scope is not None:
            form["scope"] = auth.scope
        answer = self._fetch_token(auth.token_path, form)
        seconds = answer.get("expires_in")
        lifetime = int(seconds) if isinstance(seconds, int | float) else TOKEN_DEFAULT_SECONDS
        self._token = str(answer["access_token"])
        self._token_ends = self._clock() + max(lifetime - TOKEN_SPARE_SECONDS, lifetime // 2)
        return self._token
