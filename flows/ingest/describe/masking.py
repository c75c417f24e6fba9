"""Values as they may be shown: their shape is kept, their content is not (no person's data in a message)."""

import re
import unicodedata
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

SHOWN_MAX = 24
"""Characters shown of a value; the rest is cut off."""

_CHINESE = re.compile(r"[\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_WORDS: dict[object, str] = {None: "null", True: "true", False: "false"}


def mask_value(value: Any) -> str:
    """The value's shape: digits as 9, letters as x or X, Chinese characters as 某, punctuation as it is.

    Truths and nothing are as they are; of objects and lists only their size is told. Long ones are cut.
    """
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, int | float | Decimal):
        # An exponent keeps its e, so that 1e21 is told from a code.
        return "e".join(_cut(part) for part in str(value).split("e"))
    if isinstance(value, datetime):
        return _cut(value.isoformat(sep=" "))
    if isinstance(value, date | time):
        return _cut(value.isoformat())
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return "a value that is neither text nor a number"


def _cut(text: str) -> str:
    shown = "".join(map(_mask_character, text[:SHOWN_MAX]))
    return shown if len(text) <= SHOWN_MAX else f"{shown}…"


def _mask_character(character: str) -> str:
    if character.isdecimal():
        return "9"
    if _CHINESE.match(character):
        return "某"
    category = unicodedata.category(character)
    if category.startswith("P") or (character.isascii() and category.startswith("S")):
        return character
    if category.startswith("Z") or character in "\t\r\n":
        return " "
    return "X" if category == "Lu" else "x"
