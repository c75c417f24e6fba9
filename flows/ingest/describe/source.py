"""A platform's file: where it is, what is asked of it, and how its records become canonical rows."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from flows.errors import ConfigurationError
from flows.ingest.describe.connection import (
    DatabaseConnection,
    FilesConnection,
    NoPages,
    Pages,
    Request,
    RestConnection,
    Since,
)
from flows.ingest.describe.grammar import Duration, FilePattern, Place, Strict, build_model, read_yaml
from flows.ingest.describe.terms import check_mapping
from flows.schema import REFERENCE_TABLES, TABLES, Table
from flows.settings import resolve_placeholders

Lookup = Callable[[str], str | None]

_QUERY = re.compile(r"(select|with)\b", re.IGNORECASE)
_NAME = re.compile(r"[^\s.;'\"()]+(\.[^\s.;'\"()]+)*")


def _parse_zone(raw: Any) -> Any:
    try:
        return ZoneInfo(raw)
    except (TypeError, ValueError, OSError, KeyError):
        raise ValueError(f"{raw!r} is not a time zone. Write one like Asia/Shanghai.") from None


Zone = Annotated[ZoneInfo, BeforeValidator(_parse_zone)]


class Card(Strict):
    """The source's card: who answers for it, on what ground it is read, and what is odd about it.

    `silent_after` follows from the cadence: for how long every resource may go without a complete pull before
    engineers are told. A day and some slack, unless it says otherwise; nothing for a source that is not read again.
    """

    owner: str = ""
    legal_basis: str = ""
    cadence: str = ""
    silent_after: Duration | None = timedelta(hours=26)
    contact: str = ""
    quirks: list[str] = Field([])


class Override(Strict):
    """Values of a column for the rows in which the column `by` has a listed value."""

    by: str
    values: dict[str | int, Any]


class RecordMapping(Strict):
    """How records become rows of one canonical table."""

    table: str
    timezone: Zone = ZoneInfo("Asia/Shanghai")
    fields: dict[str, str]
    codes: dict[str, dict[str | int | float | bool, Any]] = Field({})
    defaults: dict[str, Any] = Field({})
    overrides: dict[str, Override] = Field({})
    formats: dict[str, str] = Field({})
    days: list[str] = Field([])
    contract: Literal["evolve", "freeze", "discard_row"] = "evolve"
    ignore: list[str] = Field([])

    @model_validator(mode="after")
    def _check_mapping(self) -> "RecordMapping":
        check_mapping(self)
        return self

    @property
    def canonical(self) -> Table:
        return TABLES[self.table]

    @property
    def narrows(self) -> bool:
        """Whether a window narrows what is delivered; else all there is comes with every pull."""
        return False


class RestResource(RecordMapping):
    """One list that a platform serves."""

    request: Request
    records: str = ""
    total: str | None = None
    pages: Pages = NoPages(kind="none")
    since: Since | None = None

    @property
    def narrows(self) -> bool:
        return self.since is not None


class Footer(Strict):
    """What stands below the rows of a sheet: so many lines, or all from the first whose first cell starts so."""

    rows: int | None = Field(None, ge=1)
    starts_with: str | None = None

    @model_validator(mode="after")
    def _need_one(self) -> "Footer":
        if (self.rows is None) == (self.starts_with is None):
            raise ValueError("needs either rows or starts_with.")
        return self


class FileResource(RecordMapping):
    """One kind of file in a folder."""

    files: FilePattern
    format: Literal["csv", "xlsx", "xls", "jsonl", "parquet"]
    encoding: str = "auto"
    sheet: str | int = 0
    skip_rows: int = Field(0, ge=0)
    header_rows: int = Field(1, ge=1)
    footer: Footer | None = None

    @property
    def is_workbook(self) -> bool:
        """Whether the files are workbooks, old or new: what they are is judged by their content."""
        return self.format in ("xlsx", "xls")


class DatabaseResource(RecordMapping):
    """One table, view or query; `cursor` is the column that says when a row was last changed."""

    rows_from: str = Field(alias="from")
    cursor: str | None = None
    cursor_format: Literal["native", "iso", "local", "epoch_s", "epoch_ms"] = "native"
    lag: Duration = timedelta(0)
    chunk_rows: int = Field(10_000, ge=1)

    @model_validator(mode="after")
    def _check_rows_from(self) -> "DatabaseResource":
        if not self.is_query and _NAME.fullmatch(self.rows_from.strip()) is None:
            raise ValueError(
                "from is neither a table, a view nor a query. Write table, schema.table, or a query that begins with "
                "SELECT or WITH."
            )
        needless = sorted({"cursor_format", "lag"} & self.model_fields_set)
        if self.cursor is None and needless:
            raise ValueError(f"{', '.join(needless)}: without a cursor there is no window to narrow. Add cursor.")
        return self

    @property
    def is_query(self) -> bool:
        """Whether `from` is a query, not a name."""
        return _QUERY.match(self.rows_from.strip()) is not None

    @property
    def narrows(self) -> bool:
        return self.cursor is not None


@dataclass(frozen=True)
class Origin:
    """The configuration folder that a source comes from, and what answers its placeholders."""

    config_folder: Path
    lookup: Lookup


class _Source(Strict):
    platform: str
    title: str
    card: Card | None = None
    connection: Strict
    resources: Mapping[str, RecordMapping]
    _origin: Origin = PrivateAttr()

    @property
    def tables(self) -> set[str]:
        """The canonical tables that the source fills."""
        return {resource.table for resource in self.resources.values()}

    @property
    def place(self) -> Place:
        return Place(f"{self.platform}.yaml")

    @property
    def config_folder(self) -> Path:
        return self._origin.config_folder

    def check_placeholders(self) -> None:
        """Nothing if every `${NAME}` of the file is set; else `ConfigurationError`, before the source is asked."""
        for key, text in _list_texts(self.model_dump(include={"connection", "resources"})):
            self.resolve(key, text)

    def resolve(self, key: str, text: str) -> str:
        """`text` with its placeholders filled in; `ConfigurationError` names the file, `key` and what is not set."""
        try:
            return resolve_placeholders(text, self._origin.lookup)
        except ConfigurationError as error:
            raise self.place.at(key).error(str(error)) from None


def _list_texts(content: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text of nested mappings and lists, with the dotted key at which it stands."""
    if isinstance(content, str):
        yield key, content
    elif isinstance(content, Mapping):
        for name, part in content.items():
            yield from _list_texts(part, f"{key}.{name}" if key else str(name))


class RestSource(_Source):
    """A platform that answers over HTTP."""

    connection: RestConnection
    resources: dict[str, RestResource]


class FilesSource(_Source):
    """A folder into which people put files."""

    connection: FilesConnection
    resources: dict[str, FileResource]


class DatabaseSource(_Source):
    """A database that is read, never written."""

    connection: DatabaseConnection
    resources: dict[str, DatabaseResource]


Source = RestSource | FilesSource | DatabaseSource
Resource = RestResource | FileResource | DatabaseResource

_KINDS: Mapping[str, type[Source]] = {"rest": RestSource, "files": FilesSource, "database": DatabaseSource}


def load_sources(folder: Path, lookup: Lookup) -> list[Source]:
    """Every platform file of `folder`, those first that fill a register others are checked against.

    Raises `ConfigurationError` for the first file in which anything is doubtful. `lookup` answers `${NAME}` later,
    when a connection is used.
    """
    files = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    if not files:
        raise ConfigurationError(f"{folder}: holds no platform file. Add one, see docs/connecting.md.")
    return sorted((load_source(file, lookup) for file in files), key=_rank)


def load_source(file: Path, lookup: Lookup) -> Source:
    """The source described by one platform file."""
    raw = read_yaml(file)
    place = Place(file.name)
    connection = raw.get("connection")
    kind = connection.get("kind") if isinstance(connection, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        problem = f"unknown kind {kind!r}" if kind else "is missing"
        raise place.at("connection.kind").error(f"{problem}. Valid kinds: {', '.join(_KINDS)}.")
    source: Source = build_model(_KINDS[kind], raw, file.name)
    if source.platform != file.stem:
        raise place.at("platform").error(
            f"is {source.platform!r}, but the file is named {file.stem!r}. They must agree: rename one."
        )
    _check_platform_column(source)
    source._origin = Origin(file.parent.parent, lookup)  # noqa: SLF001 -- ours; pydantic has no other way in
    return source


def list_resources(source: Source) -> list[tuple[str, Resource]]:
    """The source's resources in the order of the canonical tables: registers land first."""
    items: Iterable[tuple[str, Resource]] = source.resources.items()
    order = list(TABLES)
    return sorted(items, key=lambda item: order.index(item[1].table))


def _rank(source: Source) -> tuple[bool, str]:
    fills_register = any(resource.table in REFERENCE_TABLES for resource in source.resources.values())
    return (not fills_register, source.platform)


def _check_platform_column(source: Source) -> None:
    """Refuse an event mapping that names another platform than its source (data.md, preamble)."""
    for name, resource in source.resources.items():
        stated = [resource.defaults.get("platform"), *resource.codes.get("platform", {}).values()]
        for value in stated:
            if resource.table == "events" and value not in (None, source.platform):
                raise source.place.at(f"resources.{name}.platform").error(
                    f"is {value!r}. Events carry their source's id, {source.platform!r}: drop it or write that."
                )
