"""A caller for each sandbox platform, written from its source card and not from the ingest code."""

import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
import requests

from flows.sandbox.city import Sandbox

SIZE = 5000
Params = dict[str, str]


class PlatformClient:
    """Reads every page of a window, and gives the records as they come."""

    def __init__(self, city: Sandbox) -> None:
        self.values = city.environment
        self.session = requests.Session()

    def ask(self, platform: str, path: str, params: Params, **credentials: Any) -> requests.Response:
        """One request with the right credentials, or with those handed in."""
        url = self.values[f"{platform}_URL".upper()] + path
        if not credentials:
            credentials = self.sign(platform, path, params)
        return self.session.get(url, params=params, timeout=10, **credentials)

    def sign(self, platform: str, path: str, params: Params) -> dict[str, Any]:
        values = self.values
        if platform == "comprehensive_governance":
            return {"headers": {"Authorization": f"Bearer {values['COMPREHENSIVE_GOVERNANCE_TOKEN']}"}}
        if platform == "law_enforcement":
            return {"auth": (values["LAW_ENFORCEMENT_USERNAME"], values["LAW_ENFORCEMENT_PASSWORD"])}
        if platform == "public_service":
            return {"headers": {"X-Api-Key": values["PUBLIC_SERVICE_API_KEY"]}}
        moment = str(int(time.time()))
        text = "\n".join(["GET", path, urlencode(sorted(params.items())), moment])
        secret = values["SUPERVISION_SECRET"].encode()
        signature = hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
        headers = {"X-App-Key": values["SUPERVISION_KEY_ID"], "X-Timestamp": moment, "X-Signature": signature}
        return {"headers": headers}

    def read(self, platform: str, resource: str = "events", **window: str) -> list[dict[str, Any]]:
        """All records of a resource in a window, page after page."""
        reader = getattr(self, f"read_{platform}")
        return [record for page in reader(resource, window) for record in page]

    def read_comprehensive_governance(self, resource: str, window: Params) -> Iterator[list[Any]]:
        path, number = f"/open/v2/{resource}", 1
        while True:
            params = {"pageNo": str(number), "pageSize": str(SIZE), **window}
            answer = orjson.loads(self.ask("comprehensive_governance", path, params).content)
            yield answer["data"]["rows"]
            if number * SIZE >= answer["data"]["total"]:
                return
            number += 1

    def read_law_enforcement(self, _resource: str, window: Params) -> Iterator[list[Any]]:
        offset = 0
        while True:
            params = {"offset": str(offset), "limit": str(SIZE), **window}
            answer = orjson.loads(self.ask("law_enforcement", "/api/aj/list", params).content)
            yield answer["lb"]
            offset += SIZE
            if offset >= answer["zs"]:
                return

    def read_public_service(self, _resource: str, window: Params) -> Iterator[list[Any]]:
        params = {"size": str(SIZE), **window}
        while True:
            answer = orjson.loads(self.ask("public_service", "/v1/events", params).content)
            yield answer["data"]["items"]
            if answer["data"]["next"] is None:
                return
            params = params | {"cursor": answer["data"]["next"]}

    def read_supervision(self, _resource: str, window: Params) -> Iterator[list[Any]]:
        params = {"count": "400", **window}
        while True:
            answer = orjson.loads(self.ask("supervision", "/supervision/checks", params).content)
            yield answer["results"]
            if answer["links"]["next"] is None:
                return
            params = dict(parse_qsl(urlsplit(answer["links"]["next"]).query))
