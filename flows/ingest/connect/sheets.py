"""Rows of a sheet as records: a preamble, one or more header rows with merged cells, the rows, perhaps a footer."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from flows.ingest.connect.cells import COLUMNS_MAX
from flows.ingest.connect.texts import Unreadable
from flows.ingest.describe.headers import tidy_header
from flows.ingest.describe.records import Record
from flows.ingest.describe.source import FileResource

Warn = Callable[[str], None]
Row = list[Any]

Merge = tuple[tuple[int, int], tuple[int, int]]
"""Row and column of the first and of the last cell that are merged, counted from 0."""


def tabulate(
    rows: Iterable[Row], resource: FileResource, warn: Warn, *, knows_merges: bool = False
) -> Iterator[Record]:
    """One record for each row below the header that is not empty, columns without a header left out.

    `knows_merges` says that merged headers were filled already (`fill_merged_headers`); else a header above the last
    row covers the empty cells to its right, as exported text has it. Raises `Unreadable`.
    """
    numbered = enumerate(islice(rows, resource.skip_rows, None), start=resource.skip_rows + 1)
    body = ((number, row) for number, row in numbered if not _is_empty(row))
    top = [row for _, row in islice(body, resource.header_rows)]
    if len(top) < resource.header_rows:
        raise Unreadable("there is no header row")
    header = _join_headers(top, carries=not knows_merges)
    named = [(name, column) for column, name in enumerate(header) if name]
    for number, row in _drop_footer(body, resource, warn):
        if len(row) > len(header) and not _is_empty(row[len(header) :]):
            raise Unreadable(f"row {number} has more cells than the header")
        if len(row) < len(header):
            row.extend([None] * (len(header) - len(row)))
        yield {name: row[column] if row[column] != "" else None for name, column in named}


def fill_merged_headers(rows: Sequence[Row], merges: Iterable[Merge], resource: FileResource) -> bool:
    """Write merged headers into each cell that they cover; whether there were any.

    One that reaches the last header row names its first column only, for it is one column's header.
    """
    spans = [merge for merge in merges if merge[0][0] >= resource.skip_rows]
    places = _find_header_rows(rows, spans, resource)
    found = [merge for merge in spans if merge[0][0] in places]
    for (first_row, first_column), (last_row, last_column) in found:
        if first_column >= min(len(rows[first_row]), COLUMNS_MAX):
            continue  # beside the table nothing but its frame is merged
        text = rows[first_row][first_column]
        until = first_column if last_row >= places[-1] else min(last_column, COLUMNS_MAX - 1)
        for place in (place for place in places if first_row <= place <= last_row):
            row = rows[place]
            row.extend([None] * (until + 1 - len(row)))
            row[first_column : until + 1] = [text] * (until + 1 - first_column)
    return bool(found)


def _find_header_rows(rows: Sequence[Row], merges: Sequence[Merge], resource: FileResource) -> list[int]:
    """Where the header rows stand: those not empty, or covered by a header that began above."""
    places: list[int] = []
    for place in range(resource.skip_rows, len(rows)):
        covered = any(first in places and first < place <= last for (first, _), (last, _) in merges)
        if covered or not _is_empty(rows[place]):
            places.append(place)
        if len(places) == resource.header_rows:
            break
    return places


def _is_empty(row: Row) -> bool:
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in row)


def _join_headers(rows: Sequence[Row], *, carries: bool) -> list[str]:
    """One name a column, from the top down. A header that carries covers no more columns than the one above it."""
    width = max(len(row) for row in rows)
    names: list[list[str]] = [[] for _ in range(width)]
    groups = [0] * width
    for number, row in enumerate(rows):
        carries_here = carries and number < len(rows) - 1
        covering, start, above = "", 0, list(groups)
        for column in range(width):
            text = tidy_header(row[column]) if column < len(row) and row[column] is not None else ""
            if text:
                covering, start = text, column
            elif not carries_here or above[column] != above[start]:
                covering = ""
            if covering:
                groups[column] = start
                names[column] += [covering] if covering not in names[column][-1:] else []
    header = ["/".join(parts) for parts in names]
    while header and not header[-1]:
        header.pop()
    # By number: with the wrong header row its names would be people's.
    twice = [number for number, name in enumerate(header, start=1) if name and header.count(name) > 1]
    if twice:
        raise Unreadable(f"columns {', '.join(map(str, twice))} share a header with another")
    return header


def _drop_footer(rows: Iterator[tuple[int, Row]], resource: FileResource, warn: Warn) -> Iterator[tuple[int, Row]]:
    """The rows above the footer; `warn` is told if what stands below its first row looks like more of them."""
    start = resource.footer.starts_with if resource.footer is not None else None
    held_count = (resource.footer.rows or 0) if resource.footer is not None else 0
    held: deque[tuple[int, Row]] = deque()
    for number, row in rows:
        if start is not None and _write_cell(row[0]).startswith(start):
            _look_below(rows, start, warn)
            return
        held.append((number, row))
        if len(held) > held_count:
            yield held.popleft()


def _look_below(rows: Iterator[tuple[int, Row]], start: str, warn: Warn) -> None:
    dropped_count, looks_like_data = 0, False
    for _, row in rows:
        dropped_count += 1
        looks_like_data = looks_like_data or sum(_write_cell(cell) != "" for cell in row) > 1
    if looks_like_data:
        warn(
            f"{dropped_count} rows below the first that starts with {start} were dropped, and some "
            "look like data. Let the footer start with something that no row does, or move them above it."
        )


def _write_cell(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()
