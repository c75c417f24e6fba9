"""Text templates that HR may edit: what a template may name is declared as one class, and anything else is refused.

Messages and letters share this; both are Jinja2 that comes out as Markdown.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn, get_args, get_type_hints

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, meta, nodes

from flows.errors import ConfigurationError

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


def check_template(environment: Environment, text: str, where: str, *, name: str, content: type[Any]) -> set[str]:
    """The placeholders that `text` uses, all of them fields of `content`; what follows a dot is checked likewise.

    Raises `ConfigurationError` naming `where` and the placeholder that `name`, the kind of text, does not have.
    """
    try:
        tree = environment.parse(text)
        environment.compile(tree)
    except TemplateError as error:
        line = f" (line {error.lineno})" if hasattr(error, "lineno") else ""
        raise ConfigurationError(f"{where}{line}: not a Jinja template: {error}. Mend that line.") from None
    if any(True for _ in meta.find_referenced_templates(tree)):
        raise ConfigurationError(
            f"{where}: includes or extends another template. Each message stands alone; copy the text in."
        )
    known = list_placeholders(content)
    used = meta.find_undeclared_variables(tree)
    for unknown in sorted(used.difference(known)):
        _refuse_name(where, "placeholder", unknown, f"{name} has {', '.join(known)}")
    attributes = list_attributes(content)
    for unknown in _list_attributes_used(tree):
        if unknown not in attributes:
            _refuse_name(where, "attribute", unknown, f"the rows of {name} have {', '.join(sorted(attributes))}")
    return used


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
