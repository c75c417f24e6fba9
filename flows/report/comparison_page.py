"""The page `compare.html`: what another policy would move, in Chinese, for those who decide on the rule.

It names communities, never workers, shows each value with its tag, and labels every star as provisional.
"""

from pathlib import Path

from flows.moves import Comparison
from flows.report.page import render_page

TEMPLATE = "compare.html.j2"


def write_comparison_page(path: Path, comparison: Comparison) -> None:
    """Write the page of a comparison to `path`; equal content gives equal bytes."""
    from flows.report.comparison_contents import describe_comparison  # noqa: PLC0415 -- it takes a second to load

    path.write_text(render_page(TEMPLATE, describe_comparison(comparison)), encoding="utf-8", newline="\n")
