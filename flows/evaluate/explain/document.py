"""An explanation for programs: the same fields as its dataclasses, as JSON.

Exact numbers are text (`"43/50"`, `"100.00"`), counts and fen are integers, instants ISO 8601 in UTC with `Z`, days
`YYYY-MM-DD`, months `YYYY-MM`; what is not there is null. The keys stand in `docs/explain.md`.
"""

from dataclasses import fields, is_dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import orjson

from flows.evaluate.explain.community import CommunityExplanation
from flows.evaluate.explain.heading import Heading
from flows.evaluate.explain.worker import WorkerExplanation
from flows.month import Month

SCHEMA_VERSION = 1


def write_document(kind: str, heading: Heading, explanation: CommunityExplanation | WorkerExplanation) -> str:
    """The explanation as indented JSON with `schema` and `heading` before it."""
    content = {
        "schema": f"fivestar.explain.{kind}/{SCHEMA_VERSION}",
        "heading": heading,
        **_list_fields(explanation),
    }
    option = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_PASSTHROUGH_DATACLASS
    return orjson.dumps(content, default=_write_value, option=option).decode()


def _write_value(value: Any) -> Any:
    if isinstance(value, Month | Fraction | Decimal):
        return str(value)
    if is_dataclass(value):
        return _list_fields(value)
    raise TypeError(type(value).__name__)


def _list_fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}
