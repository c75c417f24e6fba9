"""Where this installation keeps its state and its configuration: the only reader of the environment."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.errors import ConfigurationError
from flows.logs import LOG_FORMATS, LogFormat

Lookup = Callable[[str], str | None]

DUCKDB, SPARK = "duckdb", "spark"
ENGINES = (DUCKDB, SPARK)
THREADS, DASK = "threads", "dask"
TASK_RUNNERS = (THREADS, DASK)
LEDGER = "ledger.sqlite"
FROM_FILE = "_FILE"
"""What ends the name of a variable that tells where the value lies instead of holding it."""
CITY = "demo-city.json"
"""In a demo's home, the sandbox city whose state it holds."""

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "TQDM_DISABLE": "1",
}
"""Prefect and Great Expectations report home by default, and GX draws bars: a city's machine does neither."""

for _name, _value in _QUIET.items():
    os.environ.setdefault(_name, _value)


@dataclass(frozen=True)
class Settings:
    """One installation: its state, its configuration, its database, and where `${NAME}` is looked up.

    Without `lake_url` the lake is a folder of the home; without `dask_address` Dask starts a cluster of its own.
    """

    home: Path
    config: Path
    database_url: str
    engine: str
    lookup: Lookup
    lake_url: str | None = None
    task_runner: str = THREADS
    dask_address: str | None = None


def read_environment(name: str) -> str | None:
    """The environment's value of `name`, else what stands in the file that `<name>_FILE` names, if either is set.

    One line break at the file's end is not part of the value. Raises `ConfigurationError`, which never shows a value,
    if both are set or the file can't be read or is empty.
    """
    value, file = os.environ.get(name), os.environ.get(name + FROM_FILE)
    if not file:
        return value
    if value:
        raise ConfigurationError(f"{name} and {name}{FROM_FILE} are both set. Unset one of them.")
    return _read_secret(Path(file), name + FROM_FILE)


def _read_secret(file: Path, variable: str) -> str:
    try:
        content = file.read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{variable} is {file}, which can't be read ({error.strerror}). Put the file there, readable for the "
            "user that this program runs as."
        ) from error
    except UnicodeDecodeError:
        # Not chained: that error holds the file's bytes.
        raise ConfigurationError(f"{variable} is {file}, which isn't UTF-8 text. Write it anew.") from None
    value = content.removesuffix("\n").removesuffix("\r")
    if not value:
        raise ConfigurationError(f"{variable} is {file}, which is empty. Write the value into it.")
    return value


def read_log_format() -> LogFormat | None:
    """The form in which `FIVESTAR_LOG` asks for logs. Raises `ConfigurationError` for a word that is none."""
    word = os.environ.get("FIVESTAR_LOG", "")
    form = next((known for known in LOG_FORMATS if known == word), None)
    if form is None and word:
        raise ConfigurationError(
            f"FIVESTAR_LOG is {word!r}. Known forms: {', '.join(LOG_FORMATS)}; leave it unset for no logs."
        )
    return form


def load_settings(
    home: Path | None = None, config: Path | None = None, lookup: Lookup = read_environment
) -> Settings:
    """The settings as given, else from `FIVESTAR_*`, else the defaults of interfaces.md.

    Raises `ConfigurationError` if the configuration folder is not there, the engine or task runner is unknown, or the
    database's URL is to come from a file and doesn't.
    """
    home = (home or Path(os.environ.get("FIVESTAR_HOME") or "var")).resolve()
    config = (config or Path(os.environ.get("FIVESTAR_CONFIG") or "config")).resolve()
    if not config.is_dir():
        raise ConfigurationError(
            f"{config}: no such configuration folder. Name one with --config or FIVESTAR_CONFIG."
        )
    engine = os.environ.get("FIVESTAR_ENGINE") or DUCKDB
    if engine not in ENGINES:
        raise ConfigurationError(f"FIVESTAR_ENGINE is {engine!r}. Known engines: {', '.join(ENGINES)}.")
    task_runner = os.environ.get("FIVESTAR_TASK_RUNNER") or THREADS
    if task_runner not in TASK_RUNNERS:
        raise ConfigurationError(
            f"FIVESTAR_TASK_RUNNER is {task_runner!r}. Known task runners: {', '.join(TASK_RUNNERS)}."
        )
    database_url = read_environment("FIVESTAR_DATABASE_URL") or f"sqlite:///{home / LEDGER}"
    return Settings(
        home=home,
        config=config,
        database_url=database_url,
        engine=engine,
        lookup=lookup,
        lake_url=os.environ.get("FIVESTAR_LAKE_URL") or None,
        task_runner=task_runner,
        dask_address=os.environ.get("FIVESTAR_DASK_ADDRESS") or None,
    )


def set_environment(values: Mapping[str, str]) -> None:
    """Let `values` answer `${NAME}` in this process and in those that it starts."""
    for name in values:
        os.environ.pop(name + FROM_FILE, None)
    os.environ.update(values)


def copy_environment(values: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process to be started: this one's, with `values` in place of its own."""
    return {**os.environ, **values}


def resolve_placeholders(text: str, lookup: Lookup) -> str:
    """`text` with each `${NAME}` replaced. Raises `ConfigurationError` naming what is not set, never a value."""

    def replace_one(match: re.Match[str]) -> str:
        value = lookup(match[1])
        if not value:
            raise ConfigurationError(
                f"${{{match[1]}}} is not set. Set it in the environment, or {match[1]}{FROM_FILE} to a file with it "
                f"in; for flows a Prefect Secret block named {match[1].lower().replace('_', '-')} will do as well."
            )
        return value

    return _PLACEHOLDER.sub(replace_one, text)
