"""Message templates: checked when they are loaded, strict when they are rendered."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, TemplateError, meta, nodes

from flows.errors import ConfigurationError
from flows.notify.contents import Content, MessageKind, Tier, list_attributes, list_placeholders

_LOOP = "loop"
_MARKDOWN = re.compile(r"([\\`*_\[\]<|~])")


@dataclass(frozen=True)
class MessageTemplate:
    """One message's subject and body, and whose contact it goes to."""

    role: str
    tier: Tier
    subject: Template
    body: Template

    def render(self, content: Content) -> tuple[str, str]:
        """The subject, one line, and the body, Markdown. Raises `ConfigurationError` if a template cannot cope."""
        values = vars(content)
        try:
            return self.subject.render(values).strip(), self.body.render(values).strip()
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            raise ConfigurationError(
                f"template {self.body.name}: {type(error).__name__}: {error}. Mend the template, or its subject in "
                "notify.yaml."
            ) from error


class TemplateFolder:
    """The templates under one folder."""

    def __init__(self, folder: Path) -> None:
        loader = FileSystemLoader(folder)
        self._folder = folder
        self._markdown = Environment(
            loader=loader,
            autoescape=False,  # noqa: S701 -- Markdown; `_escape` guards it
            undefined=StrictUndefined,
            finalize=_escape,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._line = Environment(
            autoescape=False,  # noqa: S701 -- one line of plain text
            undefined=StrictUndefined,
            finalize=_flatten,
        )

    def load_body(self, file: str, name: str, kind: MessageKind) -> Template:
        """The body template in `file`. Raises `ConfigurationError` if it is missing or names what `kind` lacks."""
        where = f"{self._folder.name}/{file}"
        path = self._folder / file
        if not path.is_file():
            raise ConfigurationError(
                f"notify.yaml, messages.{name}.template: {where} is not there. Restore it, or name another file."
            )
        used = self._check(self._markdown, path.read_text(encoding="utf-8"), where, name, kind)
        for missing in sorted(kind.required - used):
            raise ConfigurationError(
                f"{where}: placeholder {missing} is missing. Every {name} must say it; put {{{{ {missing} }}}} back."
            )
        return self._markdown.get_template(file)

    def read_subject(self, text: str, name: str, kind: MessageKind) -> Template:
        """The subject template `text`. Raises `ConfigurationError` if it names what `kind` lacks."""
        self._check(self._line, text, f"notify.yaml, messages.{name}.subject", name, kind)
        return self._line.from_string(text)

    def _check(self, environment: Environment, text: str, where: str, name: str, kind: MessageKind) -> set[str]:
        """The placeholders that `text` uses, all of them declared; attributes are checked likewise."""
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
        known = list_placeholders(kind.content)
        used = meta.find_undeclared_variables(tree)
        for unknown in sorted(used.difference(known)):
            _refuse_name(where, "placeholder", unknown, f"{name} has {', '.join(known)}")
        attributes = list_attributes(kind.content)
        for unknown in _list_attributes_used(tree):
            if unknown not in attributes:
                _refuse_name(where, "attribute", unknown, f"the rows of {name} have {', '.join(sorted(attributes))}")
        return used


def _list_attributes_used(tree: nodes.Template) -> Iterator[str]:
    for attribute in tree.find_all(nodes.Getattr):
        if not (isinstance(attribute.node, nodes.Name) and attribute.node.name == _LOOP):
            yield attribute.attr
    for item in tree.find_all(nodes.Getitem):
        if isinstance(item.arg, nodes.Const) and isinstance(item.arg.value, str):
            yield item.arg.value


def _refuse_name(where: str, what: str, found: str, valid: str) -> NoReturn:
    raise ConfigurationError(f"{where}: {what} {found!r} is not known; {valid}. Correct or remove it.")


def _escape(value: Any) -> Any:
    """Data as Markdown text: a name from a register cannot open a link, a table cell or a new line."""
    return _MARKDOWN.sub(r"\\\1", _flatten(value)) if isinstance(value, str) else value


def _flatten(value: Any) -> Any:
    return " ".join(value.split()) if isinstance(value, str) else value
