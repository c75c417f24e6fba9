"""Message templates: checked when they are loaded, strict when they are rendered."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Template, TemplateError

from flows.errors import ConfigurationError
from flows.notify.contents import CORRECTION, Content, Correction, MessageKind, Tier
from flows.templates import (
    check_template,
    escape_markdown,
    flatten_text,
    make_environment,
    require_placeholders,
)


@dataclass(frozen=True)
class TextTemplate:
    """A subject and a body."""

    subject: Template
    body: Template

    def render(self, content: Content | Correction) -> tuple[str, str]:
        """The subject, one line, and the body, Markdown. Raises `ConfigurationError` if a template cannot cope."""
        values = vars(content)
        try:
            return self.subject.render(values).strip(), self.body.render(values).strip()
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            raise ConfigurationError(
                f"template {self.body.name}: {type(error).__name__}: {error}. Mend the template, or its subject in "
                "notify.yaml."
            ) from error


@dataclass(frozen=True)
class MessageTemplate(TextTemplate):
    """One message's subject and body, and whose contacts it goes to: those of these roles at its unit."""

    roles: tuple[str, ...]
    tier: Tier


class TemplateFolder:
    """The templates under one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._markdown = make_environment(escape_markdown, folder)
        self._line = make_environment(flatten_text)

    def load_body(self, file: str, name: str, kind: MessageKind) -> Template:
        """The body template in `file`. Raises `ConfigurationError` if it is missing or names what `kind` lacks."""
        where = f"{self._folder.name}/{file}"
        path = self._folder / file
        if not path.is_file():
            raise ConfigurationError(
                f"{_find_place(name)}.template: {where} is not there. Restore it, or name another file."
            )
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise ConfigurationError(
                f"{where}: not UTF-8. Save it again as UTF-8; Windows' editors offer that under “Save as”."
            ) from None
        used = check_template(text, where, name=name, content=kind.content)
        require_placeholders(kind.required, used, where, name)
        return self._markdown.get_template(file)

    def read_subject(self, text: str, name: str, kind: MessageKind) -> Template:
        """The subject template `text`. Raises `ConfigurationError` if it names what `kind` lacks."""
        where = f"{_find_place(name)}.subject"
        used = check_template(text, where, name=name, content=kind.content)
        require_placeholders(kind.required_in_subject, used, where, name)
        return self._line.from_string(text)


def _find_place(name: str) -> str:
    return f"notify.yaml, {name}" if name == CORRECTION else f"notify.yaml, messages.{name}"
