"""Pictures are small, are used, say what they show, and hold nothing but pixels."""

import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.png"))
BYTES_MAX = 150_000
ALL_BYTES_MAX = 1_500_000
PIXELS_ONLY = {"IHDR", "PLTE", "tRNS", "IDAT", "IEND"}
"""What a PNG may hold: no text, no time, nothing of the machine that made it."""


def list_chunks(content: bytes) -> Iterator[str]:
    """The names of a PNG's chunks in order."""
    place = 8
    while place < len(content):
        size, name = struct.unpack_from(">I4s", content, place)
        yield name.decode("ascii")
        place += size + 12


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_small_and_holds_pixels_only(path: Path) -> None:
    content = path.read_bytes()
    assert len(content) <= BYTES_MAX
    assert set(list_chunks(content)) <= PIXELS_ONLY


def test_all_pictures_together_stay_small() -> None:
    assert 0 < sum(path.stat().st_size for path in PICTURES) < ALL_BYTES_MAX


def test_every_picture_is_taken_by_the_script_and_shown_with_words_for_who_cannot_see_it() -> None:
    pages = [ROOT / "README.md", ROOT / "README.zh-CN.md", *(ROOT / "docs").rglob("*.md")]
    shown = [
        found for page in pages for found in re.findall(r"!\[(.*?)\]\((\S+?)\)", page.read_text(encoding="utf-8"))
    ]
    assert {target.rpartition("/")[2] for _, target in shown} == {path.name for path in PICTURES}
    assert [target for words, target in shown if not words] == []
    script = (ROOT / "docs" / "take_pictures.py").read_text(encoding="utf-8")
    assert [path.name for path in PICTURES if f'"{path.stem}")' not in script] == []
