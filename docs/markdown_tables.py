"""Tables in Markdown, for the pages that `make docs` writes."""

from collections.abc import Iterable, Iterator, Sequence


def draw_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The rows under their header; line breaks and bars within a cell are made harmless."""
    return "\n".join(_draw_lines(header, rows))


def _draw_lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"| {' | '.join('---' for _ in header)} |"
    for row in rows:
        cells = (" ".join(cell.split()).replace("|", "\\|") for cell in row)
        yield f"| {' | '.join(cells)} |"
