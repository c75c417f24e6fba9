"""A copy of a workbook with text in one column of a sheet, such as 核对结果; all else stays as it was."""

import io
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from typing import IO
from xml.sax.saxutils import escape

from xlsxwriter.utility import xl_col_to_name

from flows.errors import DecisionRefused
from flows.review.intake.parts import CHUNK_BYTES, SheetPlaces, survey_sheet

COLUMNS_MAX = 1 << 14
NEW_WIDTH = 60

Edit = tuple[int, int, bytes]
"""From which byte to which, and what stands there instead."""


class ColumnWriter:
    """Writes one column into a copy of one workbook; whatever can go wrong with the workbook does so at once."""

    def __init__(
        self,
        name: str,
        content: bytes,
        part: str,
        places: SheetPlaces,
        *,
        header_row: int,
        column: int | None,
        title: str,
    ) -> None:
        """`places` are those of the archive's `part` as surveyed for no column; `header_row` counts from 1.

        `column` is where the one called `title` stands, from 0; without one it is added behind the others.
        """
        self._content, self._part = content, part
        self._header_row, self._title = header_row, title
        self._is_new = column is None
        self._column = places.last_column + 1 if column is None else column
        if self._column >= COLUMNS_MAX:
            raise DecisionRefused(f"{name}: no column is left for {title}. Delete the columns right of the table.")
        if any(place.column > self._column for place in places.rows.values()):
            places = survey_sheet(name, content, part, self._column)
        self._places = places

    def write(self, target: IO[bytes], texts: Mapping[int, str]) -> None:
        """Write the copy; `texts` by the Excel row number, a row without one loses what stood there."""
        edits = sorted(self._list_edits(texts))
        with zipfile.ZipFile(io.BytesIO(self._content)) as source, zipfile.ZipFile(target, "w") as copy:
            for part in source.infolist():
                kept = zipfile.ZipInfo(part.filename, part.date_time)
                kept.compress_type = zipfile.ZIP_DEFLATED
                kept.external_attr = part.external_attr
                with source.open(part) as old, copy.open(kept, "w") as new:
                    if part.filename == self._part:
                        new.writelines(_splice(old, edits))
                    else:
                        shutil.copyfileobj(old, new, CHUNK_BYTES)

    def _list_edits(self, texts: Mapping[int, str]) -> Iterator[Edit]:
        places = self._places
        for row, place in places.rows.items():
            stands = place.column == self._column
            start, style = (place.start, place.style) if stands else (place.end, "")
            if row == self._header_row:
                if self._is_new:
                    yield start, place.end, self._write_cell(row, "", self._title)
            elif row in texts or stands:
                yield start, place.end, self._write_cell(row, style, texts.get(row, ""))
        if self._is_new:
            yield from _widen(places, self._column)

    def _write_cell(self, row: int, style: str, text: str) -> bytes:
        tag = self._places.prefix
        look = f' s="{style}"' if style else ""
        head = f'<{tag}c r="{xl_col_to_name(self._column)}{row}"{look}'
        if not text:
            return f"{head}/>".encode()
        said = f'<{tag}t xml:space="preserve">{escape(_clean(text))}</{tag}t>'
        return f'{head} t="inlineStr"><{tag}is>{said}</{tag}is></{tag}c>'.encode()


def _widen(places: SheetPlaces, column: int) -> Iterator[Edit]:
    """The new column among those that the sheet knows of, and wide enough to be read."""
    tag = places.prefix
    if places.dimension is not None:
        start, end = places.dimension
        last = f"{xl_col_to_name(column)}{places.last_row}"
        yield start, end, f'<{tag}dimension ref="A1:{last}"/>'.encode()
    if places.columns_end is not None and places.described_column < column:
        number = column + 1
        width = f'<{tag}col min="{number}" max="{number}" width="{NEW_WIDTH}" customWidth="1"/>'
        yield places.columns_end, places.columns_end, width.encode()


def _splice(stream: IO[bytes], edits: list[Edit]) -> Iterator[bytes]:
    """The stream's bytes with the edits, which are sorted and don't overlap."""
    at = 0
    for start, end, text in edits:
        yield stream.read(start - at)
        stream.read(end - start)
        yield text
        at = end
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


def _clean(text: str) -> str:
    """The text without what XML can't hold."""
    return "".join(character for character in text if character >= " " or character in "\t\n")
