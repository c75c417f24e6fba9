"""Text files in the encodings that offices use, read in pieces: a file may be larger than the memory."""

import codecs
import io
from pathlib import Path
from typing import TextIO

ENCODINGS = ("utf-8-sig", "utf-8", "gb18030")
"""Tried in this order: real exports hold characters that GBK lacks (pitfalls.md)."""
AUTO = "auto"
CHUNK_BYTES = 1 << 20


class Unreadable(ValueError):
    """What is wrong with a file, in words that hold nothing of its rows."""


def open_text(path: Path, encoding: str) -> TextIO:
    """The file as text with its own line ends, in the first encoding that fits it; `encoding`, or any for `auto`.

    The file is read twice, a megabyte at a time. Raises `Unreadable` if no encoding fits, or it was copied broken.
    """
    names = ENCODINGS if encoding == AUTO else (encoding,)
    for name in names:
        if _fits(path, name):
            return path.open(encoding=name, newline="")
    raise Unreadable(f"it is not text in {' or '.join(names)}")


def _fits(path: Path, name: str) -> bool:
    """Whether the whole file is text in that encoding."""
    decoder = _make_decoder(name)
    seen_wide = False
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            try:
                text = decoder.decode(chunk)
            except UnicodeDecodeError:
                return False
            if "\0" in text:
                raise Unreadable("it holds zero bytes: it was copied broken, or is no text")
            seen_wide = seen_wide or not text.isascii()
    try:
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        # In another encoding the rest would be gibberish that nobody notices.
        if seen_wide:
            raise Unreadable("it ends within a character, so its copy broke off") from None
        return False
    return True


def _make_decoder(name: str) -> codecs.IncrementalDecoder:
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=name)
        return codecs.getincrementaldecoder(name)()
    except LookupError:
        raise Unreadable(f"unknown encoding {name}") from None
