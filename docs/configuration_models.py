"""What pydantic models of configuration files say of themselves: their keys by place, kinds and defaults."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from zoneinfo import ZoneInfo

from annotated_types import Ge, Le
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

SECONDS_A_DAY = 86_400
SECONDS_AN_HOUR = 3_600
KEYS = "keys"
SCALARS = frozenset({str, int, float, bool})
KINDS_NAMED: Mapping[str, str] = {"FileResource": "files"}
"""Models that are not called as their connection's kind is."""
NAMES: Mapping[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    date: "day",
    AwareDatetime: "instant with its offset",
    timedelta: "span, as `2h`",
    ZoneInfo: "time zone",
    Any: "value",
}


@dataclass(frozen=True)
class Section:
    """A place in a file and the models that may stand there; `shared` is what all of them are besides."""

    path: str
    models: tuple[type[BaseModel], ...]

    @property
    def shared(self) -> type[BaseModel] | None:
        """The nearest model that all are made from and that has keys; nothing if there is only one or none."""
        if len(self.models) == 1:
            return None
        common = [kind for kind in self.models[0].__mro__ if all(issubclass(model, kind) for model in self.models)]
        return next((kind for kind in common if issubclass(kind, BaseModel) and kind.model_fields), None)


def list_sections(models: Sequence[type[BaseModel]], path: str = "") -> Iterator[Section]:
    """Every place below `path` at which the models' keys stand, outer ones first; each model is told once."""
    yield from _walk(path, tuple(models), set())


def _walk(path: str, models: tuple[type[BaseModel], ...], seen: set[type[BaseModel]]) -> Iterator[Section]:
    new = tuple(model for model in models if model not in seen)
    if not new:
        return
    seen.update(new)
    yield Section(path, new)
    inner: dict[str, list[type[BaseModel]]] = {}
    for model in new:
        for name, field in model.model_fields.items():
            key = field.alias or name
            for below, kind in _find_models(field.annotation, f"{path}.{key}" if path else key):
                inner.setdefault(below, []).append(kind)
    for below, kinds in inner.items():
        yield from _walk(below, tuple(dict.fromkeys(kinds)), seen)


def _find_models(annotation: Any, path: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """The models within an annotation, each with the place at which it stands: below a list or any key it is `[]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield path, annotation
        return
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        arguments = arguments[:1]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        path, arguments = f"{path}.<name>", arguments[1:]
    elif origin in (list, tuple):
        path = f"{path}[]"
    for argument in arguments:
        yield from _find_models(argument, path)


def find_variants(section: Section) -> Iterator[tuple[str, type[BaseModel]]]:
    """The models of a place by their kind, what they share first; that alone if no kind has keys of its own."""
    if section.shared is not None:
        yield "every", section.shared
    shared = set() if section.shared is None else set(section.shared.model_fields)
    if section.shared is None or any(set(model.model_fields) - shared for model in section.models):
        for model in section.models:
            yield _name_variant(model), model


def _name_variant(model: type[BaseModel]) -> str:
    for name in ("kind", "connection"):
        field = model.model_fields.get(name)
        if field is not None:
            found = get_args(field.annotation) if get_origin(field.annotation) is Literal else None
            return str(found[0]) if found else _name_variant(field.annotation)  # type: ignore[arg-type]
    short = model.__name__.removesuffix("Resource").removesuffix("Robot").lower()
    return KINDS_NAMED.get(model.__name__, short)


def show_kind(field: FieldInfo) -> str:
    """What the key takes, in words."""
    limits = [
        *(f"from {rule.ge}" for rule in field.metadata if isinstance(rule, Ge)),
        *(f"to {rule.le}" for rule in field.metadata if isinstance(rule, Le)),
    ]
    return " ".join([_name(field.annotation, field.metadata), *limits])


def _name(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    special = next((found for rule in metadata if (found := _name_rule(rule))), None)
    if special:
        return special
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _name(arguments[0], arguments[1:])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (Union, UnionType):
        return _name_union([argument for argument in arguments if argument is not NoneType])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        kind, value = _name(arguments[0]), _name(arguments[1])
        if value != KEYS:
            return f"mapping of {kind} to {value}"
        return f"keys by name: {kind}" if get_origin(arguments[0]) is Literal else "keys by name"
    if origin in (list, tuple):
        return f"list of {_name(arguments[0])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return KEYS
    return NAMES[annotation]


def _name_union(kinds: Sequence[Any]) -> str:
    if frozenset(kinds) == SCALARS:
        return "plain value"
    return " or ".join(dict.fromkeys(_name(kind) for kind in kinds))


def _name_rule(rule: Any) -> str | None:
    """What a validator of ours makes of text; nothing for other rules."""
    names = {
        "_require_placeholder": "`${NAME}`",
        "_check_base_url": "address",
        "_parse_rate": "rate, as `50/second`",
    }
    return names.get(getattr(getattr(rule, "func", None), "__name__", ""))


def show_default(field: FieldInfo) -> str:
    """The value that holds without the key; `required` if there is none, nothing if it is empty."""
    if field.is_required():
        return "required"
    return _show(field.get_default(call_default_factory=True))


def _show(value: Any) -> str:
    if isinstance(value, BaseModel):
        # What is given by its kind alone, as `{kind: none}`, is worth telling; other keys stand in their table.
        return f"`{{kind: {value.kind}}}`" if hasattr(value, "kind") else ""
    if isinstance(value, timedelta):
        return f"`{_show_span(int(value.total_seconds()))}`" if value else ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if value not in (None, "", [], {}, ()) else ""


def _show_span(seconds: int) -> str:
    for size, sign in ((SECONDS_A_DAY, "d"), (SECONDS_AN_HOUR, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{sign}"
    return f"{seconds}s"
