"""`config/notify.yaml` and the templates that it names, read strictly."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from flows.errors import ConfigurationError
from flows.notify.channels.file import FileSettings
from flows.notify.contents import KINDS, MessageName, Tier
from flows.notify.templates import MessageTemplate, TemplateFolder

FILE = "notify.yaml"

Mode = Literal["off", "simulate", "allow-list", "live"]
Role = Literal["secretary", "supervisor", "hr", "engineer"]


class _MessageSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str = Field(min_length=1)
    template: str = Field(pattern=r"^[\w.-]+\.md\.j2$")
    tier: Tier
    role: Role


class _NotifyFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Mode = "simulate"
    allow_list: tuple[str, ...] = ()
    channels: dict[str, FileSettings]
    messages: dict[MessageName, _MessageSettings]


@dataclass(frozen=True)
class NotifyConfig:
    """How messages go out: the mode, the channels by name, and each message's templates, checked."""

    mode: Mode
    allow_list: frozenset[str]
    channels: Mapping[str, FileSettings]
    messages: Mapping[MessageName, MessageTemplate]


def load_notify_config(folder: Path) -> NotifyConfig:
    """The notification settings of the configuration `folder`.

    Raises `ConfigurationError` for a missing file, an unknown or missing key (with the valid ones named), a message
    at another tier than its data's, and a template that is missing or whose placeholders are wrong.
    """
    settings = _read_file(folder / FILE)
    templates = TemplateFolder(folder / "templates")
    messages: dict[MessageName, MessageTemplate] = {}
    for name, message in settings.messages.items():
        kind = KINDS[name]
        if message.tier != kind.tier:
            raise ConfigurationError(
                f"{FILE}, messages.{name}.tier: {message.tier}. A {name} holds the data of one {kind.tier} and goes "
                f"to nobody else's contact; write {kind.tier}."
            )
        messages[name] = MessageTemplate(
            role=message.role,
            tier=message.tier,
            subject=templates.read_subject(message.subject, name, kind),
            body=templates.load_body(message.template, name, kind),
        )
    return NotifyConfig(settings.mode, frozenset(settings.allow_list), settings.channels, messages)


def _read_file(file: Path) -> _NotifyFile:
    try:
        content = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"{file}: not there. Restore it, or name another folder with --config.") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{FILE}: not YAML in UTF-8: {_shorten(error)}. Mend it.") from None
    try:
        return _NotifyFile.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(_describe(error)) from None


def _describe(error: ValidationError) -> str:
    """One thing that is wrong, a misspelt key before what it left missing: its place, the value, what is valid."""
    problems = error.errors(include_url=False)
    first = next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])
    path = [str(part) for part in first["loc"] if part != "[key]"]
    key = ".".join(path)
    if first["type"] == "extra_forbidden":
        parent = ".".join(path[:-1]) or "the file"
        valid = ", ".join(_list_valid_keys(path))
        return f"{FILE}, {key}: not a known key. {parent} takes {valid}; correct or remove it."
    if first["type"] == "missing":
        return f"{FILE}, {key}: missing. Add it."
    found = f"{first['input']!r}: " if isinstance(first["input"], str | int | None) else ""
    return f"{FILE}{', ' + key if key else ''}: {found}{first['msg']}. Correct it."


def _list_valid_keys(path: list[str]) -> list[str]:
    sections: dict[tuple[str, int], type[BaseModel]] = {
        ("channels", 3): FileSettings,
        ("messages", 3): _MessageSettings,
    }
    return list(sections.get((path[0], len(path)), _NotifyFile).model_fields)


def _shorten(error: Any) -> str:
    return " ".join(str(error).split())[:200]
