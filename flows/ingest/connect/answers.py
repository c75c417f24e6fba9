"""A platform's answer: its body read within bounds of size and time, its text as it is written, its JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import orjson

from flows.errors import ContractBroken, FivestarError, SourceUnavailable
from flows.ingest.describe.connection import RestConnection

MEGABYTE = 1024 * 1024
PIECE_BYTES = 256 * 1024
PATIENCE = 10
"""How many times as long as the platform may be silent a whole answer may take."""

GB_CHARSETS = frozenset({"gbk", "gb2312", "gb18030", "x-gbk", "cp936"})
CHARACTERS_SURE = 8
"""So many characters beyond ASCII don't read as UTF-8 by chance; two or three in GB18030 may."""


@dataclass(frozen=True)
class Reply:
    """One response: `content` is its JSON, nothing for a redirect or a refusal, whose body nobody reads."""

    status: int
    headers: Mapping[str, str]
    url: str
    next_link: str | None
    content: Any = None


@dataclass(frozen=True)
class Fault:
    """Why an attempt failed, as words after the platform's name, and what it is if it stays so."""

    problem: str
    lasting: type[FivestarError] = SourceUnavailable
    remedy: str = "Try again later."


STAYS_BROKEN_OFF = Fault(
    "sends JSON that breaks off or is malformed",
    ContractBroken,
    "Ask for smaller pages, or ask the platform what cuts its answers.",
)


class BrokenOff(Exception):
    """The JSON of an answer ends too early or is malformed: asked again, the platform may send it whole."""


def read_body(
    read_piece: Callable[[], bytes],
    headers: Mapping[str, str],
    connection: RestConnection,
    clock: Callable[[], float],
    *,
    asked_at: float,
    name: str,
) -> bytes:
    """The whole body, in memory never more than `max_page_mb` of it, unpacked.

    `read_piece` gives the next bytes, none at the end. Raises `ContractBroken` for a larger body, before it is read
    where its length is stated, and `SourceUnavailable` for one that trickles.
    """
    limit = connection.max_page_mb * MEGABYTE
    stated = headers.get("content-length", "")
    is_too_large = stated.isdecimal() and int(stated) > limit
    seconds = PATIENCE * connection.timeout_seconds
    pieces: list[bytes] = []
    size = 0
    while not is_too_large and (piece := read_piece()):
        pieces.append(piece)
        size += len(piece)
        is_too_large = size > limit
        if clock() - asked_at > seconds:
            raise SourceUnavailable(
                f"{name} did not finish its answer within {seconds} seconds. Try again later; if it stays so, ask "
                "for smaller pages (size or limit in pages, a shorter slice in since) or raise timeout_seconds."
            )
    if is_too_large:
        raise ContractBroken(
            f"{name} sends more than {connection.max_page_mb} MB in one answer, so it was not read further. Ask for "
            "smaller pages (size or limit in pages, a shorter slice in since), or raise connection.max_page_mb."
        )
    return b"".join(pieces)


def join_url(base: str, target: str, name: str) -> SplitResult:
    """The absolute URL of `target`. Raises `ContractBroken` for what is none, where `name` gave it."""
    try:
        return urlsplit(urljoin(base, target))
    except ValueError:
        raise ContractBroken(f"{name}: sends us on to what is no URL. Check pages, and ask its owner.") from None


def parse_json(body: bytes, content_type: str, encoding: str, name: str) -> Any:
    """What the JSON in `body` says, in the encoding told, named by the header, or UTF-8.

    Raises `BrokenOff` for JSON that doesn't end or isn't well formed, and `ContractBroken` for anything else.
    """
    kind, _, rest = (part.strip().lower() for part in content_type.partition(";"))
    named = rest.partition("charset=")[2].strip("\"' ")
    try:
        if encoding == "gb18030":
            return orjson.loads(_decode_as_told(body, name))
        if named in GB_CHARSETS:
            return orjson.loads(body.decode("gb18030"))
        return orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except (orjson.JSONDecodeError, UnicodeDecodeError):
        _refuse_other_kinds(body, kind, name)
        if encoding == "utf-8" and named not in GB_CHARSETS and _reads_as_gb18030(body):
            raise ContractBroken(
                f"{name} answers in bytes that are not UTF-8 but read as GB18030. If the platform writes so, set "
                "connection.encoding: gb18030."
            ) from None
        raise BrokenOff from None


def _refuse_other_kinds(body: bytes, kind: str, name: str) -> None:
    """Raise `ContractBroken` if the body isn't even the beginning of JSON."""
    start = body.lstrip()[:1]
    if start in (b"{", b"[") or (not start and "json" in kind):
        return
    hint = " (perhaps a login page)" if "html" in kind or start == b"<" else ""
    raise ContractBroken(
        f"{name} answered with {kind or 'no content type'}{hint} where JSON was expected. "
        "Check request.path and connection.auth."
    )


def _decode_as_told(body: bytes, name: str) -> str:
    """The text of a body that is GB18030 by configuration; UTF-8 would read as other characters, unnoticed."""
    if _is_surely_utf8(body):
        raise ContractBroken(
            f"{name} answers in UTF-8, but connection.encoding says gb18030. Remove connection.encoding."
        )
    return body.decode("gb18030")


def _is_surely_utf8(body: bytes) -> bool:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return sum(not character.isascii() for character in text) >= CHARACTERS_SURE


def _reads_as_gb18030(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return False
    try:
        orjson.loads(body.decode("gb18030"))
    except (UnicodeDecodeError, orjson.JSONDecodeError):
        return False
    return True
