"""Text templates that HR may edit: what a template may name is declared as one class, and anything else is refused.

Messages and letters share this; both are Jinja2 that comes out as Markdown.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn, get_args, get_type_hints

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, meta, nodes

from flows.errors import ConfigurationError

TEMPLATES_REMEMBERED = 64
"""Each step of a month loads the same templates, and to check one takes longer than to render it."""

_LOOP = "loop"
_MARKDOWN = re.compile(r"([\\`*_\[\]<|~])")


def make_environment(finalize: Callable[[Any], Any], folder: Path | None = None) -> Environment:
    """A strict Jinja2 environment; every value passes `finalize` on its way into the text."""
    return Environment(
        loader=None if folder is None else FileSystemLoader(folder),
        autoescape=False,  # noqa: S701 -- Markdown or plain text; `finalize` guards it
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def check_template(text: str, where: str, *, name: str, content: type[Any]) -> frozenset[str]:
    """The placeholders that `text` uses, all of them fields of `content`; what follows a dot is checked likewise.

    Raises `ConfigurationError` naming `where` and the placeholder that `name`, the kind of text, does not have.
    """
    try:
        used = _find_names(text)
    except TemplateError as error:
        line = f" (line {error.lineno})" if hasattr(error, "lineno") else ""
        raise ConfigurationError(f"{where}{line}: not a Jinja template: {error}. Mend that line.") from None
    if used.has_others:
        raise ConfigurationError(
            f"{where}: includes or extends another template. Each message stands alone; copy the text in."
        )
    known = list_placeholders(content)
    for unknown in sorted(used.placeholders.difference(known)):
        _refuse_name(where, "placeholder", unknown, f"{name} has {', '.join(known)}")
    attributes = list_attributes(content)
    for unknown in used.attributes:
        if unknown not in attributes:
            _refuse_name(where, "attribute", unknown, f"the rows of {name} have {', '.join(sorted(attributes))}")
    return used.placeholders


@dataclass(frozen=True)
class _UsedNames:
    """What a template names: placeholders, what follows a dot in its order, and whether other templates are in it."""

    placeholders: frozenset[str]
    attributes: tuple[str, ...]
    has_others: bool


@lru_cache(maxsize=TEMPLATES_REMEMBERED)
def _find_names(text: str) -> _UsedNames:
    """What the template names. Raises `TemplateError` if it is none."""
    syntax = make_environment(flatten_text)  # what becomes of values has no part in this
    tree = syntax.parse(text)
    syntax.compile(tree)
    return _UsedNames(
        placeholders=frozenset(meta.find_undeclared_variables(tree)),
        attributes=tuple(_list_attributes_used(tree)),
        has_others=any(True for _ in meta.find_referenced_templates(tree)),
    )


def require_placeholders(required: Collection[str], used: Collection[str], where: str, name: str) -> None:
    """Raise `ConfigurationError` for the first placeholder that every `name` must say and this one does not."""
    for missing in sorted(set(required) - set(used)):
        raise ConfigurationError(
            f"{where}: placeholder {missing} is missing. Every {name} must say it; put {{{{ {missing} }}}} back."
        )


def list_placeholders(content: type[Any]) -> list[str]:
    """The names that a template of this content may use."""
    return [field.name for field in fields(content)]


def list_attributes(content: type[Any]) -> set[str]:
    """The names that may follow a dot: the fields of every row class within `content`."""
    found: set[str] = set()
    for hint in get_type_hints(content).values():
        for part in get_args(hint):
            if hasattr(part, "__dataclass_fields__"):
                found.update(list_placeholders(part), list_attributes(part))
    return found


def escape_markdown(value: Any) -> Any:
    """Data as Markdown text: a name from a register cannot open a link, a table cell or a new line."""
    return _MARKDOWN.sub(r"\\\1", flatten_text(value)) if isinstance(value, str) else value


def flatten_text(value: Any) -> Any:
    """Text on one line; anything else as it is."""
    return " ".join(value.split()) if isinstance(value, str) else value


def _list_attributes_used(tree: nodes.Template) -> Iterator[str]:
    for attribute in tree.find_all(nodes.Getattr):
        if not (isinstance(attribute.node, nodes.Name) and attribute.node.name == _LOOP):
            yield attribute.attr
    for item in tree.find_all(nodes.Getitem):
        if isinstance(item.arg, nodes.Const) and isinstance(item.arg.value, str):
            yield item.arg.value


def _refuse_name(where: str, what: str, found: str, valid: str) -> NoReturn:
    raise ConfigurationError(f"{where}: {what} {found!r} is not known; {valid}. Correct or remove it.")
