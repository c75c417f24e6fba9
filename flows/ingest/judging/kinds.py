"""Of what kind a source's values are: what a contract holds on to from one pull to the next."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

Kinds = frozenset[str]

TEXT: Kinds = frozenset({"text"})
NUMBER: Kinds = frozenset({"number"})
TRUTH: Kinds = frozenset({"truth"})
NOTHING: Kinds = frozenset()

_KINDS: Mapping[type, str] = {
    **dict.fromkeys((str, bytes, UUID), "text"),
    **dict.fromkeys((int, float, Decimal), "number"),
    bool: "truth",
    **dict.fromkeys((date, datetime, time, timedelta), "date"),
    dict: "object",
    **dict.fromkeys((list, tuple), "list"),
}


def find_kind(value: Any) -> str | None:
    """`text`, `number`, `truth`, `date` (a cell or column that holds one), `object` or `list`; none for nothing.

    Empty text is nothing, as it is to a mapping; so is an error in a cell, which no column can read anyway.
    """
    return None if is_nothing(value) else _KINDS.get(type(value))


def name_kinds(types: Iterable[type]) -> Kinds:
    """The kinds of values of these types."""
    return frozenset(_KINDS[it] for it in types if it in _KINDS)


def list_kinds(values: Sequence[Any]) -> Kinds:
    """The kinds that occur among the values."""
    types = set(map(type, values))
    for kind in (str, float):
        if kind in types and not any(type(value) is kind and not is_nothing(value) for value in values):
            types.discard(kind)
    return name_kinds(types)


def is_nothing(value: Any) -> bool:
    """Whether there is no value: null, not a number, or text without a character but spaces."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())  # noqa: PLR0124 -- NaN
