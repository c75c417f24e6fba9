"""Every kind of source there is, holding what a test says: the same records, each in the source's own way.

A record's values are text, whole numbers, truths, dates and aware datetimes. A source that has such kinds of values
holds them as such, any other writes them as text; so does one for a column whose values are of several kinds.
"""

import json
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
from platform_server import CARD, Asked, PlatformServer, Reply
from postgresql_server import PostgresqlServer
from psycopg import sql

Records = list[dict[str, Any]]

SHANGHAI = ZoneInfo("Asia/Shanghai")
COLUMNS = ("id", "community", "kind", "day", "status", "updated")
"""What a source without a record still has, if it has columns."""


class SourceKind(ABC):
    """One source of the kind; `lag_hours` is how far a pull goes back, where a window narrows it."""

    narrows = False
    lag_hours = 2
    connection: str
    """The line of the platform file."""
    resource: str
    """The lines of the resource that are the kind's own."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    @abstractmethod
    def put(self, records: Records) -> None:
        """Let the source hold these records and nothing else."""

    @abstractmethod
    def go_away(self) -> None:
        """Let it be unreachable from now on."""

    def list_secrets(self) -> list[str]:
        """What may stand in no manifest and no message."""
        return list(self._values.values())

    def write_source(self, mapping: str) -> str:
        """The platform file: the kind's own lines and those of the mapping."""
        lines = "".join(f"\n    {line}" for line in f"{self.resource}\n{mapping}".strip().splitlines())
        head = f"platform: test_platform\ntitle: 测试\n{CARD}\nconnection: {self.connection}"
        return f"{head}\nresources:\n  rows:{lines}\n"


PAGES = {
    "none": "{kind: none}",
    "page": "{kind: page, param: page, first: 1, size_param: size, size: 7000}",
    "offset": "{kind: offset, param: offset, limit_param: limit, limit: 7000}",
    "cursor": "{kind: cursor, param: cursor, next: next}",
    "next_url": "{kind: next_url, next: next}",
    "link_header": "{kind: link_header}",
}
PAGE_SIZE = 7000


class RestKind(SourceKind):
    """A platform over HTTP that serves its records in pages of one kind, and since when they changed if asked."""

    narrows = True
    connection = "{kind: rest, base_url: '${TEST_URL}', auth: {kind: bearer, token: '${TEST_TOKEN}'}}"

    def __init__(self, values: dict[str, str], platform: PlatformServer, pages: str) -> None:
        super().__init__(values)
        self._pages = pages
        self._platform = platform
        self._records: Records = []
        self.resource = (
            f"request: {{path: /list}}\nrecords: items\ntotal: total\npages: {PAGES[pages]}\n"
            f"since: {{param: since, until_param: until, lag: {self.lag_hours}h}}"
        )
        platform.answer = self._answer

    def put(self, records: Records) -> None:
        self._records = [{name: _write_json(value) for name, value in record.items()} for record in records]

    def go_away(self) -> None:
        self._values["TEST_URL"] = "http://127.0.0.1:1"

    def _answer(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {self._values['TEST_TOKEN']}":
            return Reply({}, 401)
        since, until = (datetime.fromisoformat(asked.query[name]) for name in ("since", "until"))
        found = [it for it in self._records if since <= datetime.fromisoformat(it["updated"]) < until]
        start = self._find_start(asked.query)
        end = len(found) if self._pages == "none" else start + PAGE_SIZE
        content: dict[str, Any] = {"items": found[start:end], "total": len(found)}
        headers = {}
        if end < len(found):
            query = urlencode({**asked.query, "cursor": end})
            content["next"] = str(end) if self._pages == "cursor" else f"/list?{query}"
            headers = {"Link": f'</list?{query}>; rel="next"'}
        return Reply(content, headers=headers)

    def _find_start(self, query: Mapping[str, str]) -> int:
        if self._pages == "page":
            return (int(query["page"]) - 1) * PAGE_SIZE
        return int(query.get("offset") or query.get("cursor") or 0)


class FilesKind(SourceKind):
    """A folder with one file, which is written anew."""

    connection = "{kind: files, path: '${TEST_FOLDER}'}"

    def __init__(self, values: dict[str, str], folder: Path, format_: str) -> None:
        super().__init__(values)
        self._folder = folder / "drop"
        self._folder.mkdir()
        self._file = self._folder / f"数据.{format_}"
        self._format = format_
        values["TEST_FOLDER"] = str(self._folder)
        self.resource = f'files: "*.{format_}"\nformat: {format_}'

    def put(self, records: Records) -> None:
        {"csv": self._put_csv, "jsonl": self._put_jsonl, "parquet": self._put_parquet}.get(
            self._format, self._put_workbook
        )(records)

    def go_away(self) -> None:
        self._folder.rename(self._folder.with_name("elsewhere"))

    def _put_csv(self, records: Records) -> None:
        types = find_types(records)
        rows = [[_write_text(record.get(name)) or "" for name in types] for record in records]
        text = "".join(",".join(row) + "\r\n" for row in [list(types), *rows])
        self._file.write_bytes(text.encode("gb18030"))

    def _put_jsonl(self, records: Records) -> None:
        lines = [{name: _write_json(value) for name, value in record.items()} for record in records]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        self._file.write_text(text, encoding="utf-8")

    def _put_parquet(self, records: Records) -> None:
        kinds = {str: pa.string(), int: pa.int64(), bool: pa.bool_(), date: pa.date32()}
        schema = pa.schema(
            [
                (name, kinds.get(kind, pa.timestamp("us", "Asia/Shanghai")))
                for name, kind in find_types(records).items()
            ]
        )
        pq.write_table(pa.Table.from_pylist(list(unify(records)), schema=schema), self._file)

    def _put_workbook(self, records: Records) -> None:
        # An .xls that is really an .xlsx is what platforms export most under that name.
        types = find_types(records)
        with xlsxwriter.Workbook(str(self._file), {"constant_memory": True}) as workbook:
            sheet = workbook.add_worksheet()
            formats = {date: workbook.add_format({"num_format": "yyyy-mm-dd"})}
            formats[datetime] = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
            sheet.write_row(0, 0, list(types))
            for number, record in enumerate(unify(records), start=1):
                for place, (name, kind) in enumerate(types.items()):
                    value = record.get(name)
                    if isinstance(value, datetime):
                        value = value.astimezone(SHANGHAI).replace(tzinfo=None)
                    sheet.write(number, place, value, formats.get(kind))


class SqliteKind(SourceKind):
    """A table of an SQLite file, which has no times: they are text."""

    narrows = True
    connection = "{kind: database, url: '${TEST_DATABASE}'}"

    def __init__(self, values: dict[str, str], folder: Path) -> None:
        super().__init__(values)
        self._file = folder / "s3cret.db"
        values["TEST_DATABASE"] = f"sqlite:///{self._file}"
        self.resource = f"from: 数据\ncursor: updated\ncursor_format: local\nlag: {self.lag_hours}h\nchunk_rows: 7000"

    def put(self, records: Records) -> None:
        names = list(find_types(records))
        columns = ", ".join(f'"{name}"' for name in names)
        rows = [[_write_sqlite(record.get(name)) for name in names] for record in unify(records)]
        with closing(sqlite3.connect(self._file)) as connection:
            connection.execute("DROP TABLE IF EXISTS 数据")
            connection.execute(f"CREATE TABLE 数据 ({columns})")
            connection.executemany(f"INSERT INTO 数据 VALUES ({', '.join('?' * len(names))})", rows)
            connection.commit()

    def go_away(self) -> None:
        self._file.unlink()


class PostgresqlKind(SourceKind):
    """A view of an exchange database, over a table of every kind of column."""

    narrows = True
    connection = "{kind: database, url: '${EXCHANGE_URL}'}"

    def __init__(self, values: dict[str, str], server: PostgresqlServer) -> None:
        super().__init__(values)
        self._server = server
        self.resource = f"from: exchange.数据\ncursor: updated\nlag: {self.lag_hours}h\nchunk_rows: 7000"

    def list_secrets(self) -> list[str]:
        return [*super().list_secrets(), "s3cret"]

    def put(self, records: Records) -> None:
        kinds = {str: "text", int: "bigint", bool: "boolean", date: "date", datetime: "timestamptz"}
        types = find_types(records)
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kinds[kind])) for name, kind in types.items()
        )
        with self._server.connect() as connection:
            connection.execute("DROP TABLE IF EXISTS held CASCADE")
            connection.execute(sql.SQL("CREATE TABLE held ({})").format(columns))
            with connection.cursor() as cursor, cursor.copy("COPY held FROM STDIN") as copy:
                for record in unify(records):
                    copy.write_row([record.get(name) for name in types])
            connection.execute("CREATE VIEW exchange.数据 AS SELECT * FROM held")

    def go_away(self) -> None:
        self._values["EXCHANGE_URL"] = self._server.write_url(port=1)


def find_types(records: Records) -> dict[str, type]:
    """The columns of the records with the kind of their values; text where there are several, or none."""
    if not records:
        return dict.fromkeys(COLUMNS, str)
    kinds: dict[str, set[type]] = {}
    for record in records:
        for name, value in record.items():
            kinds.setdefault(name, set()).update([] if value is None else [type(value)])
    return {name: found.pop() if len(found) == 1 else str for name, found in kinds.items()}


def unify(records: Records) -> Iterable[dict[str, Any]]:
    """The records with the values of each column of one kind."""
    types = find_types(records)
    for record in records:
        yield {
            name: value if value is None or type(value) is types[name] else _write_text(value)
            for name, value in record.items()
        }


def _write_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _write_sqlite(value: Any) -> Any:
    return _write_text(value) if isinstance(value, date) else value


def _write_text(value: Any) -> str | None:
    """As people write it: times are those of the city."""
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool):
        return "是" if value else "否"
    return None if value is None else str(value)
