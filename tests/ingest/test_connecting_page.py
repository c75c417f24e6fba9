"""docs/connecting.md names every key and every kind that a platform or quality file may hold."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args, get_origin

from flows.ingest.describe import connection, row_rules, rules, source
from flows.ingest.describe.grammar import Strict

PAGE = (Path(__file__).parents[2] / "docs" / "connecting.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"`([^`]+)`", PAGE)
NAMED = {*QUOTED, *(name for quoted in QUOTED for name in re.findall(r"[A-Za-z_0-9]+", quoted))}


def list_models() -> Iterator[type[Strict]]:
    for module in (connection, source, row_rules, rules):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Strict):
                yield value


def test_every_key_is_explained() -> None:
    keys = {field.alias or name for model in list_models() for name, field in model.model_fields.items()}
    assert keys - NAMED == set()


def test_every_kind_is_explained() -> None:
    kinds = {
        kind
        for model in list_models()
        for field in model.model_fields.values()
        if get_origin(field.annotation) is Literal
        for kind in get_args(field.annotation)
    }
    assert kinds - NAMED == set()
