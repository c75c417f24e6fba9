"""Write `docs/reference/configuration.md` from what the program takes: `make docs`.

Keys, kinds and defaults come from the models that read the files; only their meaning in words is kept apart, in
`docs/key-meanings.yaml`. A key without a meaning, or a meaning without a key, stops the writing.
"""

import re
from collections.abc import Iterator, Mapping
from inspect import get_annotations
from pathlib import Path
from typing import Any

from configuration_models import Section, find_variants, list_sections, show_default, show_kind
from markdown_tables import draw_table
from pydantic import BaseModel
from ruamel.yaml import YAML

from flows import clock
from flows.ingest.describe import rules, source
from flows.ingest.describe.grammar import list_placeholders, read_yaml
from flows.notify import config as notify
from flows.policy_files import ENTRY_KEYS, LEAF_KEYS
from flows.policy_terms import UNITS
from flows.retention import config as retention
from flows.review import people

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
CONFIG = ROOT / "config"
TARGET = DOCS / "reference" / "configuration.md"
MEANINGS = DOCS / "key-meanings.yaml"

MODELS: Mapping[str, tuple[type[BaseModel], ...]] = {
    "platforms/<id>.yaml": (source.RestSource, source.FilesSource, source.DatabaseSource),
    "quality/<table>.yaml": (rules.TableRules,),
    "notify.yaml": (notify._NotifyFile,),  # noqa: SLF001 -- what the file may hold
    "review.yaml": (people._ReviewFile,),  # noqa: SLF001
    "retention.yaml": (retention.RetentionSettings,),
    "clock.yaml": (clock._ClockFile,),  # noqa: SLF001
}
"""The models that read each configuration file."""

VARIABLE = re.compile(r"\bFIVESTAR_[A-Z_]*[A-Z]\b")


def write_page() -> str:
    """The whole page as Markdown. Raises `ValueError` if meanings and code don't match."""
    meanings = Meanings(YAML(typ="safe").load(MEANINGS.read_text(encoding="utf-8")))
    parts = [
        "# Configuration\n\nMade by `make docs` from the models that read the files; don't edit it by hand.",
        meanings.take_text("introduction"),
        _describe_variables(meanings),
        _describe_placeholders(meanings),
        *(_describe_file(file, models, meanings) for file, models in MODELS.items()),
        _describe_policy(meanings),
        _describe_other_files(meanings),
    ]
    meanings.refuse_unused()
    return "\n\n".join(parts) + "\n"


class Meanings:
    """The words of `key-meanings.yaml`, by dotted place; each must be used."""

    def __init__(self, content: Mapping[str, Mapping[str, Any]]) -> None:
        self.content = content
        self._unused = {(part, name) for part, words in content.items() for name in words}

    def take(self, part: str, name: str) -> Any:
        """What stands under `part` and `name`. Raises `ValueError` if nothing does."""
        if name not in self.content.get(part, {}):
            raise ValueError(f"{part}, {name}: has no meaning. Add it to docs/{MEANINGS.name}.")
        self._unused.discard((part, name))
        return self.content[part][name]

    def take_text(self, name: str) -> str:
        return str(self.take("texts", name)).strip()

    def take_key(self, model: type[BaseModel], name: str, key: str) -> str:
        """The key's meaning in the model that declares it, else in `any`."""
        owner = next(kind for kind in model.__mro__ if name in get_annotations(kind))
        part = owner.__name__.lstrip("_")
        return str(self.take(part if key in self.content.get(part, {}) else "any", key))

    def refuse_unused(self) -> None:
        if self._unused:
            names = ", ".join(sorted(".".join(place) for place in self._unused))
            raise ValueError(f"docs/{MEANINGS.name}: {names} means nothing that exists. Remove it.")


def list_variables() -> list[str]:
    """The environment variables of our own that code or deployments read."""
    files = [*(ROOT / "flows").rglob("*.py"), ROOT / "prefect.yaml"]
    return sorted({name for file in files for name in VARIABLE.findall(file.read_text(encoding="utf-8"))})


def _describe_variables(meanings: Meanings) -> str:
    told = ((name, meanings.take("variables", name)) for name in list_variables())
    rows = ((f"`{name}`", about["default"], about["meaning"]) for name, about in told)
    table = draw_table(("variable", "default", "meaning"), rows)
    return f"## Environment\n\n{meanings.take_text('environment')}\n\n{table}"


def _describe_placeholders(meanings: Meanings) -> str:
    files = [*sorted((CONFIG / "platforms").glob("*.yaml")), CONFIG / "notify.yaml"]
    asked = ((file, list_placeholders(read_yaml(file))) for file in files)
    rows = (
        (f"`{file.relative_to(CONFIG).as_posix()}`", ", ".join(f"`{name}`" for name in names))
        for file, names in asked
        if names
    )
    text = meanings.take_text("placeholders")
    return f"### What the shipped files ask for\n\n{text}\n\n{draw_table(('file', 'names'), rows)}"


def _describe_file(file: str, models: tuple[type[BaseModel], ...], meanings: Meanings) -> str:
    text = meanings.take("files", file)
    sections = (_describe_section(section, meanings) for section in list_sections(models))
    return "\n\n".join([f"## `{file}`\n\n{text}", *sections])


def _describe_section(section: Section, meanings: Meanings) -> str:
    if section.shared is rules.BaseRule:
        return _describe_rules(section, meanings)
    heading = [f"### `{section.path}`"] if section.path else []
    variants = list(find_variants(section))
    if len(variants) == 1:
        rows = _list_rows(variants[0][1], meanings)
        return "\n\n".join([*heading, draw_table(("key", "takes", "default", "meaning"), rows)])
    rows = (row for kind, model in variants for row in _list_variant(kind, model, section, meanings))
    return "\n\n".join([*heading, draw_table(("kind", "key", "takes", "default", "meaning"), rows)])


def _list_variant(
    kind: str, model: type[BaseModel], section: Section, meanings: Meanings
) -> Iterator[tuple[str, ...]]:
    """The rows of one kind: what it is, then its keys. Keys that all kinds share come under the first, `every`."""
    if model is section.shared:
        yield "every", "", "", "", meanings.take("shared", section.path)
    else:
        yield f"`{kind}`", "", "", "", _summarise(model)
    known = set() if section.shared in (None, model) else set(section.shared.model_fields)  # type: ignore[union-attr]
    for row in _list_rows(model, meanings, known | {"kind"}):
        yield "", *row


def _describe_rules(section: Section, meanings: Meanings) -> str:
    """A line for each kind of rule, and one for each key: kinds are many, and their keys few."""
    keys: dict[str, str] = {}
    lines = []
    for kind, model in find_variants(section):
        if model is not section.shared:
            own = [
                name for name in model.model_fields if name not in {*rules.BaseRule.model_fields, "kind", "severity"}
            ]
            shown = ", ".join(
                f"`{name}`" if model.model_fields[name].is_required() else f"[`{name}`]" for name in own
            )
            lines.append((f"`{kind}`", show_kind(model.model_fields["severity"]), shown, _summarise(model)))
        keys |= {name: meanings.take_key(model, name, name) for name in model.model_fields}
    return "\n\n".join(
        [
            f"### `{section.path}`",
            draw_table(("key", "meaning"), ((f"`{name}`", meaning) for name, meaning in keys.items())),
            draw_table(("kind", "severity", "further keys; `[…]` may be left out", "asks for"), lines),
        ]
    )


def _summarise(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").partition("\n\n")[0].split())


def _list_rows(
    model: type[BaseModel], meanings: Meanings, known: set[str] | None = None
) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        if name not in (known or ()):
            key = field.alias or name
            yield f"`{key}`", show_kind(field), show_default(field), meanings.take_key(model, name, key)


def _describe_policy(meanings: Meanings) -> str:
    leaf = ((f"`{key}`", meanings.take("policy", key)) for key in LEAF_KEYS)
    entry = ((f"`{key}`", meanings.take("policy", f"values.{key}")) for key in ENTRY_KEYS)
    units = ((f"`{unit}`", meanings.take("units", unit)) for unit in UNITS)
    return "\n\n".join(
        [
            f"## `policy/*.yaml`\n\n{meanings.take('files', 'policy/*.yaml')}",
            draw_table(("key of a value", "meaning"), leaf),
            "### An entry of `values`\n\n" + draw_table(("key", "meaning"), entry),
            "### Units\n\n" + draw_table(("unit", "what a value is"), units),
        ]
    )


def _describe_other_files(meanings: Meanings) -> str:
    rows = ((f"`{file}`", text) for file, text in meanings.content["other_files"].items())
    for file in meanings.content["other_files"]:
        meanings.take("other_files", file)
    return f"## Other files\n\n{draw_table(('file', 'holds'), rows)}"


if __name__ == "__main__":
    TARGET.write_text(write_page(), encoding="utf-8")
