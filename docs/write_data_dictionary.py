"""Write `docs/data-dictionary.md` from the code and the configuration: `make docs`.

Tables, columns, rules and values come from where the program itself reads them; only their meaning in words is kept
apart, in `docs/meanings.yaml`. A column without a meaning, or a meaning without a column, stops the writing.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from markdown_tables import draw_table
from ruamel.yaml import YAML

from flows import comparison
from flows.ingest.describe.rules import load_rules
from flows.lake import QUARANTINE_SCHEMA
from flows.ledger.columns import Instant, metadata
from flows.policy import load_policy
from flows.policy_words import describe_value
from flows.result_files import ARREARS_FILE, CHANGES_FILE, FIGURE_FILES, PAYROLL_FILE
from flows.results import STARS
from flows.schema import TABLES, Table

DOCS = Path(__file__).resolve().parent
CONFIG = DOCS.parent / "config"
TARGET = DOCS / "data-dictionary.md"

FILE_COLUMNS: Mapping[str, Sequence[str]] = {
    file.file_name: file.columns for file in (*FIGURE_FILES, ARREARS_FILE, PAYROLL_FILE, CHANGES_FILE)
}
COMPARISON_COLUMNS: Mapping[str, Sequence[str]] = {file.file_name: file.columns for file in comparison.FILES}
SIDES = re.compile("(^|_)(?:before|after)(?=_fen$|$)")
STAR = re.compile(f"^({'|'.join(STARS)})_")
KINDS = {
    "text": "text",
    "integer": "whole number",
    "boolean": "true or false",
    "instant": "instant (UTC)",
    "date": "day",
    "month": "month (`YYYY-MM`)",
}
RULE_KEYS = ("id", "title", "reason", "kind", "severity", "columns")


def write_dictionary() -> str:
    """The whole dictionary as Markdown. Raises `ValueError` if words and code don't match."""
    meanings = _Meanings(YAML(typ="safe").load((DOCS / "meanings.yaml").read_text(encoding="utf-8")))
    parts = [
        "# Data dictionary\n\nMade by `make docs` from the code and `config/`; don't edit it by hand.",
        _describe_canonical(meanings),
        _describe_rules(meanings),
        _describe_files(meanings),
        _describe_comparison(meanings),
        _describe_ledger(meanings),
        _describe_policy(meanings),
    ]
    meanings.refuse_unused()
    return "\n\n".join(parts) + "\n"


class _Meanings:
    """The words of `meanings.yaml`, each of which must be used."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.introductions: Mapping[str, str] = content["introductions"]
        self.quarantine: Mapping[str, str] = content["quarantine"]
        self.files: Mapping[str, Mapping[str, Any]] = content["files"]
        self.other_files: Mapping[str, str] = content["other_files"]
        self.comparison_files: Mapping[str, Mapping[str, Any]] = content["comparison_files"]
        self.tables: Mapping[str, str] = content["tables"]
        self._columns: Mapping[str, str] = content["columns"]
        self._own: Mapping[str, Mapping[str, str]] = content["own_columns"]
        self._unused = {*self._columns, *((place, name) for place, words in self._own.items() for name in words)}

    def describe(self, place: str, column: str) -> str:
        own = self._own.get(place, {})
        if column in own:
            self._unused.discard((place, column))
            return own[column]
        if column not in self._columns:
            raise ValueError(f"{place}, {column}: has no meaning. Add it to docs/meanings.yaml, columns.")
        self._unused.discard(column)
        return self._columns[column]

    def refuse_unused(self) -> None:
        if self._unused:
            names = ", ".join(sorted(str(name) for name in self._unused))
            raise ValueError(f"docs/meanings.yaml: {names} means nothing that exists. Remove it.")


def _describe_canonical(meanings: _Meanings) -> str:
    rows = ((f"`{name}`", meanings.quarantine[name]) for name in QUARANTINE_SCHEMA.names)
    quarantine = draw_table(("column", "meaning"), rows)
    parts = [
        f"## Canonical tables\n\n{meanings.introductions['canonical']}",
        *(_describe_table(table) for table in TABLES.values()),
        f"### Quarantine\n\n{meanings.introductions['quarantine']}\n\n{quarantine}",
    ]
    return "\n\n".join(parts)


def _describe_table(table: Table) -> str:
    rows = (
        (
            f"**`{column.name}`**" if column.name in table.key else f"`{column.name}`",
            KINDS[column.kind],
            "yes" if column.nullable else "",
            " ".join(f"`{value}`" for value in column.values),
            column.meaning,
        )
        for column in table.columns
    )
    return f"### `{table.name}` {table.title}\n\n" + draw_table(
        ("column", "kind", "may be empty", "values", "meaning"), rows
    )


def _describe_rules(meanings: _Meanings) -> str:
    parts = [f"## Quality rules\n\n{meanings.introductions['rules']}"]
    for name, rules in load_rules(CONFIG / "quality").items():
        rows = (
            (
                f"`{rule.id}`",
                rule.severity,
                f"`{rule.kind}`",
                _list_columns(TABLES[name], rule.kind, getattr(rule, "columns", None)),
                _list_limits(rule.model_dump(exclude_none=True)),
                f"`{rule.reason}`",
                rule.title,
            )
            for rule in rules.rules
        )
        header = ("rule", "severity", "kind", "columns", "limits", "reason", "title")
        parts.append(f"### Rules of `{name}`\n\n" + draw_table(header, rows))
    return "\n\n".join(parts)


def _list_columns(table: Table, kind: str, named: Sequence[str] | None) -> str:
    if named is None and kind == "required":
        return "all that may not be empty"
    if named is None and kind == "listed":
        named = [column.name for column in table.columns if column.values]
    return ", ".join(f"`{name}`" for name in named or ()) or ("" if named is None else "none")


def _list_limits(rule: Mapping[str, Any]) -> str:
    limits = {key: value for key, value in rule.items() if key not in RULE_KEYS}
    return ", ".join(
        f"{key} `{', '.join(value) if isinstance(value, list) else value}`" for key, value in limits.items()
    )


def _describe_files(meanings: _Meanings) -> str:
    parts = [f"## Result files\n\n{meanings.introductions['files']}"]
    for name, columns in FILE_COLUMNS.items():
        about = meanings.files[name]
        rows = (
            (
                f"**`{column}`**" if column in about["sorted_by"] else f"`{column}`",
                meanings.describe(name, column),
            )
            for column in columns
        )
        parts.append(f"### `{name}`\n\n{about['about']}\n\n" + draw_table(("column", "meaning"), rows))
    others = ((f"`{name}`", text) for name, text in meanings.other_files.items())
    parts.append("### Other files\n\n" + draw_table(("file", "what it holds"), others))
    return "\n\n".join(parts)


def _describe_comparison(meanings: _Meanings) -> str:
    """The files of `fivestar compare`; columns that come once a star or once a policy share a line."""
    parts = [f"## Comparison files\n\n{meanings.introductions['comparison']}"]
    for name, columns in COMPARISON_COLUMNS.items():
        about = meanings.comparison_files[name]
        kinds = dict.fromkeys(SIDES.sub(r"\1<side>", STAR.sub("<star>_", column)) for column in columns)
        words = about["columns"]
        if set(kinds) != set(words):
            raise ValueError(
                f"docs/meanings.yaml, comparison_files, {name}: {sorted(set(kinds) ^ set(words))} must stand there "
                "exactly if the file has it."
            )
        rows = ((f"**`{kind}`**" if kind in about["sorted_by"] else f"`{kind}`", words[kind]) for kind in kinds)
        parts.append(f"### `compare/{name}`\n\n{about['about']}\n\n" + draw_table(("column", "meaning"), rows))
    return "\n\n".join(parts)


def _describe_ledger(meanings: _Meanings) -> str:
    parts = [f"## Ledger tables\n\n{meanings.introductions['ledger']}"]
    for name, table in metadata.tables.items():
        rows = (
            (
                f"**`{column.name}`**" if column.primary_key else f"`{column.name}`",
                _name_type(column.type),
                "yes" if column.nullable else "",
                ", ".join(sorted(f"`{key.target_fullname}`" for key in column.foreign_keys)),
                meanings.describe(name, column.name),
            )
            for column in table.columns
        )
        header = ("column", "type", "may be empty", "refers to", "meaning")
        parts.append(f"### `{name}`\n\n{meanings.tables[name]}\n\n" + draw_table(header, rows))
    return "\n\n".join(parts)


def _name_type(kind: sa.types.TypeEngine[Any]) -> str:
    if isinstance(kind, Instant):
        return "instant"
    if isinstance(kind, sa.String) and kind.length:
        return f"text, {kind.length}"
    names = {"TEXT": "text", "BOOLEAN": "true or false", "DATE": "day", "JSON": "JSON"}
    names |= dict.fromkeys(("INTEGER", "BIGINT"), "whole number")
    return names[str(kind)]


def _describe_policy(meanings: _Meanings) -> str:
    rows = (
        (
            f"`{leaf.path}`",
            leaf.title,
            "ended" if entry.value is None and not leaf.optional else describe_value(entry.value),
            leaf.unit,
            f"**{entry.tag}**" if entry.tag == "assumed" else entry.tag,
            entry.start_on.isoformat(),
            entry.reference,
            entry.confirmed_on.isoformat(),
        )
        for leaf in load_policy(CONFIG / "policy").leaves.values()
        for entry in leaf.entries
    )
    header = ("path", "title", "value", "unit", "tag", "from", "reference", "confirmed on")
    return f"## Policy values\n\n{meanings.introductions['policy']}\n\n{draw_table(header, rows)}"


if __name__ == "__main__":
    TARGET.write_text(write_dictionary(), encoding="utf-8")
