"""One file written whole or not at all: whoever reads it at any time finds the old one or the new one."""

from pathlib import Path


def write_whole(file: Path, content: bytes) -> None:
    """Put `content` in the file's place, written aside first and then renamed; its folder must be there."""
    aside = file.with_name(f".{file.name}.new")
    try:
        aside.write_bytes(content)
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)
