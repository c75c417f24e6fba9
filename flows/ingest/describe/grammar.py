"""Configuration files read strictly: YAML in, a checked model out, or one message that says what to mend."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from flows.config_file import find_fault, parse_yaml
from flows.errors import ConfigurationError

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_OPEN, _CLOSE = "\ue000", "\ue001"
_SECRET_KEYS = frozenset({"auth", "base_url", "url", "headers", "params", "body"})
_DURATION = re.compile(r"(\d+)([smhd])")
_DURATION_DAYS_MAX = 36525
_DURATION_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

Model = TypeVar("Model", bound="Strict")


class Strict(BaseModel):
    """A part of a configuration file: nothing is guessed, and an unknown key is answered with the valid ones."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping):
            return raw
        valid = [field.alias or name for name, field in cls.model_fields.items()]
        unknown = [str(key) for key in raw if key not in valid]
        if unknown:
            raise ValueError(f"unknown key {', '.join(unknown)}. Valid keys: {', '.join(valid)}.")
        return raw


def parse_duration(raw: Any) -> Any:
    """The span written as a whole number and s, m, h or d."""
    match = _DURATION.fullmatch(raw) if isinstance(raw, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError(f"{raw!r} is not a span of time. Write a whole number and s, m, h or d, for example 2h.")
    seconds = int(match[1]) * _DURATION_SECONDS[match[2]]
    if seconds > _DURATION_DAYS_MAX * _DURATION_SECONDS["d"]:
        raise ValueError(f"{raw!r} is longer than a century. Write a shorter span.")
    return timedelta(seconds=seconds)


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]


def check_pattern(pattern: str) -> str:
    """The pattern, if it can only match what lies below a folder."""
    path = PurePosixPath(pattern)
    joined = any("**" in part and part != "**" for part in path.parts)
    if not path.parts or path.is_absolute() or ".." in path.parts or joined:
        raise ValueError(f"{pattern!r} is not a pattern of names below connection.path. Write one like *.csv.")
    return pattern


FilePattern = Annotated[str, AfterValidator(check_pattern)]


class Place:
    """Where in a configuration file something stands, for messages."""

    def __init__(self, file: str, key: str = "") -> None:
        self.file = file
        self.key = key

    def at(self, key: object) -> Self:
        return type(self)(self.file, f"{self.key}.{key}" if self.key else str(key))

    def error(self, problem: str) -> ConfigurationError:
        """The error that names this place before the problem."""
        return ConfigurationError(f"{self.file}, {self.key}: {problem}" if self.key else f"{self.file}: {problem}")


def read_yaml(file: Path) -> dict[str, Any]:
    """The file's mapping. Raises `ConfigurationError` for anything but one mapping in UTF-8 YAML.

    `${NAME}` may stand unquoted anywhere, also between braces, where plain YAML would trip over it.
    """
    place = Place(file.name)
    try:
        text = file.read_text(encoding="utf-8-sig")
        raw = _parse(_PLACEHOLDER.sub(rf"{_OPEN}\1{_CLOSE}", text))
    except OSError as error:
        raise place.error(f"the file cannot be read ({error.strerror}). Check that it is there.") from None
    except UnicodeDecodeError:
        raise place.error("not UTF-8 text. Save the file as UTF-8.") from None
    except MarkedYAMLError as error:
        line, problem = find_fault(error)
        raise place.error(f"line {line} is not YAML: {_restore(problem)}. Mend that line.") from None
    except YAMLError:
        raise place.error("holds a character that YAML forbids. Remove it.") from None
    if not isinstance(raw, dict):
        raise place.error("must be a mapping of keys. Restore the file.")
    restored: dict[str, Any] = _restore(raw)
    return restored


@lru_cache(maxsize=64)
def _parse(text: str) -> Any:
    """What the YAML holds, shared by all that read the same text: `_restore` makes a mapping of their own."""
    return parse_yaml(text)


def build_model(model: type[Model], raw: Mapping[str, Any], file: str) -> Model:
    """`raw` as a `model`, or one `ConfigurationError` with a line for each thing wrong in the file."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        lines = list(dict.fromkeys(_describe(file, raw, dict(item)) for item in error.errors(include_url=False)))
        raise ConfigurationError("\n".join(lines)) from None


def list_placeholders(value: object) -> list[str]:
    """The names of all `${NAME}` in the texts within `value`, in order."""
    return list(dict.fromkeys(name for text in _texts(value) for name in _PLACEHOLDER.findall(text)))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for child in value.values():
            yield from _texts(child)
    elif isinstance(value, list):
        for child in value:
            yield from _texts(child)
    elif isinstance(value, BaseModel):
        for _, child in value:
            yield from _texts(child)


def _restore(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(_OPEN, "${").replace(_CLOSE, "}")
    if isinstance(value, dict):
        return {_restore(key): _restore(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_restore(child) for child in value]
    return value


def _describe(file: str, raw: Mapping[str, Any], error: Mapping[str, Any]) -> str:
    """One line: file, key, what is wrong with the value, what to do."""
    path = _find_path(raw, error["loc"], error["type"] == "missing")
    place = Place(file, ".".join(map(str, path)))
    secret = bool(_SECRET_KEYS & set(path))
    return str(place.error(_explain(error, "the value" if secret else _show(error.get("input")))))


def _find_path(raw: Any, loc: tuple[object, ...], missing: bool) -> list[object]:
    """The keys as written in the file: pydantic's own marks (the kind of a union) are left out."""
    path: list[object] = []
    for number, step in enumerate(loc):
        if isinstance(raw, Mapping) and step in raw:
            raw = raw[step]
            path.append(step)
        elif isinstance(raw, list) and isinstance(step, int) and step < len(raw):
            raw = raw[step]
            path.append(step + 1)
        elif missing and number == len(loc) - 1:
            path.append(step)
    return path


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 -- as much as a line bears


_TYPE_NAMES = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "float_type": "a number",
    "list_type": "a list",
    "dict_type": "a mapping of keys",
    "model_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
}


def _explain(error: Mapping[str, Any], shown: str) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "missing":
        return "is missing. Add it."
    if kind == "union_tag_not_found":
        return "the key kind is missing. Add it."
    if kind == "union_tag_invalid":
        return f"unknown kind {context['tag']!r}. Valid kinds: {context['expected_tags'].replace(chr(39), '')}."
    if kind == "literal_error":
        return f"is {shown}. It must be {context['expected'].replace(chr(39), '')}."
    if kind in _TYPE_NAMES:
        return f"is {shown}. It must be {_TYPE_NAMES[kind]}."
    if kind.startswith(("greater_than", "less_than")):
        limit = next(iter(context.values()))
        return f"is {shown}. It must be {kind.replace('_equal', ' or equal').replace('_', ' ')} {limit}."
    return f"is {shown}, which cannot be used here. See docs/connecting.md for what may stand here."
