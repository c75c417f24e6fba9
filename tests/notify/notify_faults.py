"""Small faults for configuration files."""

from pathlib import Path


def spoil(file: Path, old: str, new: str) -> None:
    """Replace the first `old`, which must be there, by `new`."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
