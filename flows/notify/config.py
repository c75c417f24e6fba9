"""`config/notify.yaml` and the templates that it names, read strictly."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from flows.config_file import pick_problem, read_config
from flows.errors import ConfigurationError
from flows.notify.channels.kinds import SETTINGS, AnySettings, list_unset_names
from flows.notify.contents import CORRECTION, CORRECTION_KIND, KINDS, MessageName, Tier
from flows.notify.templates import MessageTemplate, TemplateFolder, TextTemplate
from flows.notify.timing import Days, MessageTiming, QuietHours, TimingRules
from flows.settings import Lookup

FILE = "notify.yaml"

CHANNELS = "channels"
KIND_DEPTH = 2
"""How deep in a problem's place pydantic puts a channel's kind, which is no key there."""
ROBOT_DEPTH = 4
SECTION_DEPTH = 2

Mode = Literal["off", "simulate", "allow-list", "live"]
Role = Literal["secretary", "supervisor", "hr", "engineer"]
ResultFile = Literal["report.html", "hr-review.xlsx"]
"""The files of a month's results that may go with its mails."""

PERSONAL_FILES: Mapping[ResultFile, Role] = {"hr-review.xlsx": "hr"}
"""Those that hold workers' data, and whose mails alone may carry them."""


TemplateFile = Annotated[str, Field(pattern=r"^[\w.-]+\.md\.j2$")]
ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _CorrectionSettings(_Strict):
    subject: str = Field(min_length=1)
    template: TemplateFile


class _MessageSettings(_CorrectionSettings):
    tier: Tier
    role: Annotated[
        tuple[Role, ...],
        BeforeValidator(lambda it: (it,) if isinstance(it, str) else it),
        AfterValidator(lambda roles: tuple(dict.fromkeys(roles))),
        Field(min_length=1),
    ]
    days: Days = "any"
    urgent: bool = False
    attach: tuple[ResultFile, ...] = ()


class AlarmSettings(_Strict):
    """When engineers are told of a pull, and after how many days again of a source that is still silent."""

    rejected_pct: int = Field(default=5, ge=0, le=100)
    rejected_rows_minimum: int = Field(default=20, ge=1)
    silence_repeat_days: int = Field(default=3, ge=1)


class _QuietSettings(_Strict):
    start: ClockTime
    end: ClockTime


class _TimingSettings(_Strict):
    quiet_hours: _QuietSettings | None = None
    daily_limit: int | None = Field(default=None, ge=1)
    silent_channels: tuple[str, ...] = ()


class _NotifyFile(_Strict):
    mode: Mode = "simulate"
    allow_list: tuple[str, ...] = ()
    channels: dict[str, AnySettings]
    messages: dict[MessageName, _MessageSettings]
    correction: _CorrectionSettings
    timing: _TimingSettings = _TimingSettings()
    alarms: AlarmSettings = AlarmSettings()


_SECTIONS: Mapping[str, type[BaseModel]] = {
    "messages": _MessageSettings,
    "alarms": AlarmSettings,
    "correction": _CorrectionSettings,
    "timing": _TimingSettings,
    "timing.quiet_hours": _QuietSettings,
}


@dataclass(frozen=True)
class NotifyConfig:
    """How messages go out: the mode, the channels by name, each message's templates, checked, and when."""

    mode: Mode
    allow_list: frozenset[str]
    channels: Mapping[str, AnySettings]
    messages: Mapping[MessageName, MessageTemplate]
    correction: TextTemplate
    timing: TimingRules
    alarms: AlarmSettings
    attached: Mapping[MessageName, tuple[ResultFile, ...]]
    """The result files that go with a message by mail."""


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
        _check_attached(name, message)
        messages[name] = MessageTemplate(
            roles=message.role,
            tier=message.tier,
            subject=templates.read_subject(message.subject, name, kind),
            body=templates.load_body(message.template, name, kind),
        )
    correction = settings.correction
    return NotifyConfig(
        mode=settings.mode,
        allow_list=frozenset(settings.allow_list),
        channels=settings.channels,
        messages=messages,
        correction=TextTemplate(
            subject=templates.read_subject(correction.subject, CORRECTION, CORRECTION_KIND),
            body=templates.load_body(correction.template, CORRECTION, CORRECTION_KIND),
        ),
        timing=_read_timing(settings),
        alarms=settings.alarms,
        attached={name: it.attach for name, it in settings.messages.items() if it.attach},
    )


def _check_attached(name: str, message: _MessageSettings) -> None:
    for file in message.attach:
        role = PERSONAL_FILES.get(file)
        if role is not None and message.role != (role,):
            raise ConfigurationError(
                f"{FILE}, messages.{name}.attach: {file} holds workers' data and goes to the role {role} alone, but "
                f"this message goes to {', '.join(message.role)}. Take it out, or change the role."
            )


def _read_timing(settings: _NotifyFile) -> TimingRules:
    timing, quiet = settings.timing, settings.timing.quiet_hours
    for name in timing.silent_channels:
        if name not in settings.channels:
            raise ConfigurationError(
                f"{FILE}, timing.silent_channels: {name!r} is no channel; there are {', '.join(settings.channels)}. "
                "Correct or remove it."
            )
    if quiet is not None and quiet.start == quiet.end:
        raise ConfigurationError(
            f"{FILE}, timing.quiet_hours: they begin and end at {quiet.start}. Write another hour, or null for none."
        )
    hours = None if quiet is None else QuietHours(time.fromisoformat(quiet.start), time.fromisoformat(quiet.end))
    return TimingRules(
        quiet_hours=hours,
        daily_limit=timing.daily_limit,
        silent_channels=frozenset(timing.silent_channels),
        messages={name: MessageTiming(it.days, it.urgent) for name, it in settings.messages.items()},
    )


def require_secrets(config: NotifyConfig, lookup: Lookup) -> None:
    """Raise `ConfigurationError` naming every placeholder of every channel that stands for nothing."""
    unset = {name: list_unset_names(settings, lookup) for name, settings in config.channels.items()}
    told = [
        f"channels.{name} needs {', '.join(map('${{{}}}'.format, names))}" for name, names in unset.items() if names
    ]
    if told:
        raise ConfigurationError(
            f"{FILE}: {'; '.join(told)}: not set. Set them in the environment; until then messages by these channels "
            "fail."
        )


def _read_file(file: Path) -> _NotifyFile:
    content = read_config(file, ". Restore it, or name another folder with --config.")
    try:
        return _NotifyFile.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(_describe(error)) from None


def _describe(error: ValidationError) -> str:
    """One thing that is wrong, a misspelt key before what it left missing: its place, the value, what is valid."""
    first = pick_problem(error)
    path, kind = _find_path(first["loc"])
    key = ".".join(path)
    if first["type"] == "extra_forbidden":
        parent = ".".join(path[:-1]) or "the file"
        valid = ", ".join(_list_valid_keys(path, kind))
        return f"{FILE}, {key}: not a known key. {parent} takes {valid}; correct or remove it."
    if first["type"] == "missing":
        return f"{FILE}, {key}: missing. Add it."
    if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
        known = ", ".join(SETTINGS)
        if "tag" not in first.get("ctx", {}):
            return f"{FILE}, {key}.kind: missing. Channels are of the kinds {known}; name one."
        return f"{FILE}, {key}.kind: {first['ctx']['tag']!r} is no kind of channel. Write one of {known}."
    # What stands under a channel may be a secret in the wrong place, so it is not repeated.
    is_shown = path[:1] != [CHANNELS] and isinstance(first["input"], str | int | None)
    found = f"{first['input']!r}: " if is_shown else ""
    return f"{FILE}{', ' + key if key else ''}: {found}{first['msg']}. Correct it."


def _find_path(place: tuple[int | str, ...]) -> tuple[list[str], str]:
    """The keys that lead to `place` in the file, and the kind of the channel that it is in, if in any."""
    path = [str(part) for part in place if part != "[key]"]
    if path[:1] == [CHANNELS] and len(path) > KIND_DEPTH:
        return path[:KIND_DEPTH] + path[KIND_DEPTH + 1 :], path[KIND_DEPTH]
    return path, ""


def _list_valid_keys(path: list[str], kind: str) -> list[str]:
    """The keys that may stand beside the last one of `path`."""
    if kind:
        model: type[BaseModel] = SETTINGS[kind]
        robots = model.model_fields.get("robots")
        if len(path) > ROBOT_DEPTH and robots is not None:
            model = get_args(robots.annotation)[1]
        return list(model.model_fields)
    section = path[0] if len(path) == SECTION_DEPTH or path[0] == "messages" else ".".join(path[:-1])
    return list((_SECTIONS[section] if len(path) > 1 else _NotifyFile).model_fields)
