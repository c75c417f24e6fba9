"""The monthly report `report.html`: one page for people, in Chinese, that needs no network, no script and no font.

It names communities, never workers (domain.md, PIPL art. 25), and labels every star as provisional.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.results import FIRST_REVISION, Lineage, MonthResult, StarRow, TableQuality

TEMPLATES = Path(__file__).parent / "templates"
TEMPLATE = "report.html.j2"
FONTS = '"Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif'


def write_report(
    path: Path,
    result: MonthResult,
    revision: int,
    *,
    previous_stars: Sequence[StarRow] | None,
    quality: Sequence[TableQuality],
    lineage: Lineage = FIRST_REVISION,
) -> None:
    """Write the report of a month's `revision` to `path`; equal content gives equal bytes.

    `previous_stars` are those of the month before, if it was judged; `quality` is what validation found; `lineage`
    says what the revision changed.
    """
    from flows.report.contents import describe_month  # noqa: PLC0415 -- the pictures' library takes a second
    from flows.report.lineage import describe_lineage  # noqa: PLC0415

    contents = describe_month(result, revision, previous_stars=previous_stars, quality=quality)
    contents |= describe_lineage(result, lineage)
    path.write_text(render_page(TEMPLATE, contents), encoding="utf-8", newline="\n")


def render_page(template: str, contents: Mapping[str, Any]) -> str:
    """A page from its template and what it asks for; a name that it asks for in vain is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 -- only drawing needs these
    from markupsafe import Markup  # noqa: PLC0415

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(fonts=Markup(FONTS), **contents)  # noqa: S704 -- a constant
