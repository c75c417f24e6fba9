"""Write `docs/reference/commands.md` from the program's own commands and errors: `make docs`."""

from collections.abc import Iterator, Mapping
from inspect import cleandoc, getdoc
from pathlib import Path
from typing import Any

import typer
from markdown_tables import draw_table

from flows import errors
from flows.cli.app import app

TARGET = Path(__file__).resolve().parent / "reference" / "commands.md"
EVERYWHERE = ("home", "config")
"""Options of every command, told once."""

WHO_ACTS: Mapping[int, str] = {
    2: "caller",
    10: "engineer",
    11: "nobody yet: try later",
    12: "the source's owner",
    13: "engineer",
    14: "HR",
    15: "engineer",
}

ABOUT_EXIT_CODES = """\
Codes from 2 on come with one message that says what happened, where, and what to do next. A failed source doesn't
stop `fivestar run`: the stars that need it become `insufficient_data`, everything is written, and the code tells the
script. Of several failures the gravest gives the code: 12, then 13, 10, 11."""


def write_page() -> str:
    """The whole page as Markdown. Raises `ValueError` for a command, option or exit code that nothing explains."""
    commands = dict(list_commands())
    index = ((f"[`{name}`](#{name.replace(' ', '-')})", _take_summary(command)) for name, command in commands.items())
    parts = [
        "# Commands\n\nMade by `make docs` from the program; don't edit it by hand. `--help` says the same.",
        "Data goes to stdout, progress and warnings to stderr. `[…]` may be left out, what ends in `…` repeated.",
        draw_table(("command", "does"), index),
        f"## Options of every command\n\n{_draw_parameters(_list_common(commands))}",
        _describe_exit_codes(),
        *(_describe(name, command) for name, command in commands.items()),
    ]
    return "\n\n".join(parts) + "\n"


def list_commands() -> Iterator[tuple[str, Any]]:
    """Each command by its whole name, as `fivestar review list`, in the program's order."""
    yield from _walk("fivestar", typer.main.get_command(app))


def _walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield name, command
    else:
        for child, found in children.items():
            yield from _walk(f"{name} {child}", found)


def list_exit_codes() -> dict[int, type[errors.FivestarError]]:
    """The class of error behind each exit code that tells its reader what to do."""
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.FivestarError)
    ]
    found: dict[int, type[errors.FivestarError]] = {}
    for kind in sorted(kinds, key=lambda kind: kind.exit_code):
        if kind.exit_code != errors.FivestarError.exit_code:
            found.setdefault(kind.exit_code, kind)
    return found


def _take_summary(command: Any) -> str:
    return _explain(command).partition("\n\n")[0]


def _explain(command: Any) -> str:
    text = cleandoc(command.help or "")
    if not text:
        raise ValueError(f"{command.name}: has no docstring. Write one: it is the command's help.")
    return text


def _describe(name: str, command: Any) -> str:
    own = [parameter for parameter in command.params if parameter.name not in EVERYWHERE]
    usage = " ".join([name, *(_show_usage(parameter) for parameter in _sort(own))])
    parts = [f"## {name}", _explain(command), f"```sh\n{usage}\n```"]
    if own:
        parts.append(_draw_parameters(own))
    return "\n\n".join(parts)


def _sort(parameters: list[Any]) -> list[Any]:
    """Arguments first, then what must be given, then the rest."""
    return sorted(parameters, key=lambda parameter: (_is_option(parameter), not parameter.required))


def _is_option(parameter: Any) -> bool:
    return bool(parameter.opts[0].startswith("--"))


def _show_usage(parameter: Any) -> str:
    shown = _show_name(parameter)
    shown = shown if parameter.required or shown.startswith("[") else f"[{shown}]"
    return f"{shown}…" if getattr(parameter, "multiple", False) else shown


def _show_name(parameter: Any) -> str:
    if not _is_option(parameter):
        return str(parameter.metavar or parameter.name.upper())
    if parameter.is_flag:
        return "/".join([*parameter.opts, *parameter.secondary_opts])
    return f"{parameter.opts[0]} {parameter.metavar or _name_kind(parameter)}"


def _name_kind(parameter: Any) -> str:
    names = {str: "TEXT", int: "N", float: "NUMBER", Path: "PATH"}
    annotation = parameter.type_descriptor.annotation
    return names.get(annotation, "TEXT")


def _draw_parameters(parameters: list[Any]) -> str:
    rows = ((f"`{_show_name(it)}`", _find_default(it), _help(it)) for it in _sort(parameters))
    return draw_table(("takes", "default", "meaning"), rows)


def _find_default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if parameter.default in (None, False, "", ()):
        return ""
    return f"`{parameter.default}`"


def _help(parameter: Any) -> str:
    if not parameter.help:
        raise ValueError(f"{parameter.name}: has no help. Write one, in its typer option.")
    return str(parameter.help)


def _list_common(commands: Mapping[str, Any]) -> list[Any]:
    """The options of every command. Raises `ValueError` if one command lacks them."""
    for name, command in commands.items():
        if not {parameter.name for parameter in command.params}.issuperset(EVERYWHERE):
            raise ValueError(f"{name}: takes no --home or no --config. Every command does (interfaces.md).")
    first = next(iter(commands.values()))
    return [parameter for parameter in first.params if parameter.name in EVERYWHERE]


def _describe_exit_codes() -> str:
    found = list_exit_codes()
    if found.keys() != WHO_ACTS.keys():
        raise ValueError(f"WHO_ACTS has {sorted(WHO_ACTS)}, flows.errors has {sorted(found)}. Make them agree.")
    rows = [
        ("0", "Done; also with reviews open.", ""),
        ("1", "A mistake of the program's own, with a traceback.", "developer"),
        *((str(code), getdoc(kind) or "", WHO_ACTS[code]) for code, kind in found.items()),
    ]
    return f"## Exit codes\n\n{draw_table(('code', 'meaning', 'who acts'), rows)}\n\n{ABOUT_EXIT_CODES}"


if __name__ == "__main__":
    TARGET.write_text(write_page(), encoding="utf-8")
