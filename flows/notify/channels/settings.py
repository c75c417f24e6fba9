"""What the settings of all channels have in common: strict keys, addresses of servers, and secrets by name only."""

import re
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

from flows.errors import ConfigurationError
from flows.notify.channels.channel import PermanentFailure
from flows.settings import Lookup, resolve_placeholders

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MASK = "***"
_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class ChannelSettings(BaseModel):
    """One channel of notify.yaml; its `kind` says which."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _require_placeholder(text: str) -> str:
    if not _PLACEHOLDER.fullmatch(text):
        raise PydanticCustomError(
            "secret", "a secret never stands in a file: write ${NAME} and set NAME in the environment"
        )
    return text


def _check_base_url(text: str) -> str:
    try:
        url = urlsplit(text)
        valid = bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        valid = False
    if not valid or url.query or url.fragment or url.username is not None or url.scheme not in ("http", "https"):
        raise PydanticCustomError(
            "base_url", "not the address of a server: write https://HOST, with nothing behind it"
        )
    if url.scheme == "http" and url.hostname not in LOOPBACK:
        raise PydanticCustomError(
            "base_url", "http would send the robot's key in the clear: write https (http only to this machine)"
        )
    return text.rstrip("/")


Secret = Annotated[str, AfterValidator(_require_placeholder)]
"""`${NAME}` and nothing else."""

BaseUrl = Annotated[str, AfterValidator(_check_base_url)]
"""`https://HOST[:PORT][/PATH]`, or http to this machine, as a test or a relay has it."""


def list_names(settings: BaseModel) -> list[str]:
    """The names of the placeholders in a channel's settings, each once, in order."""
    return list(dict.fromkeys(_PLACEHOLDER.findall(str(settings.model_dump(mode="json")))))


def resolve_secret(place: str, text: str, lookup: Lookup) -> str:
    """What `${NAME}` stands for. Raises `PermanentFailure` naming the key at `place` and the name if it isn't set."""
    try:
        return resolve_placeholders(text, lookup).strip()
    except ConfigurationError as error:
        raise PermanentFailure(f"notify.yaml, {place}: {error} Then resend.") from None


def take_from_webhook(value: str, key: str) -> str:
    """The secret itself, should the whole webhook URL be given: the query's `key`, or else the path's last part."""
    if "://" not in value:
        return value
    url = urlsplit(value)
    found = parse_qs(url.query).get(key)
    return found[0] if found else url.path.rstrip("/").rpartition("/")[2]
