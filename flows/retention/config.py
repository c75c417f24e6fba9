"""`config/retention.yaml`: for how long what is kept."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flows.config_file import pick_problem, read_config
from flows.errors import ConfigurationError

FILE = "retention.yaml"
DECISIONS_YEARS_LEAST = 3
"""PIPL art. 56: records of such processing are kept for three years at least."""
RAW_BATCHES_MONTHS_LEAST = 3
"""As far as an indicator's window reaches back, whatever lands late (policy §2)."""


class RetentionSettings(BaseModel):
    """How long what is kept, and how long an announced deletion waits."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    raw_batches_months: int = Field(ge=RAW_BATCHES_MONTHS_LEAST)
    logs_months: int = Field(ge=1)
    decisions_years: int = Field(ge=DECISIONS_YEARS_LEAST)
    announced_days: int = Field(ge=1)


def load_retention_settings(folder: Path) -> RetentionSettings:
    """The retention settings of the configuration `folder`.

    Raises `ConfigurationError` for a missing file or key, an unknown one, or less than what must be kept.
    """
    absent = ", so nothing may be deleted. Restore it, or name another folder with --config."
    content = read_config(folder / FILE, absent)
    try:
        return RetentionSettings.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(_describe(error)) from None


def _describe(error: ValidationError) -> str:
    first = pick_problem(error)
    path = ".".join(str(part) for part in first["loc"]) or "the file"
    if first["type"] == "extra_forbidden":
        return f"{FILE}, {path}: not a known key. Known: {', '.join(RetentionSettings.model_fields)}. Correct it."
    found = "" if first["type"] == "missing" else f"; it is {first['input']!r}"
    return f"{FILE}, {path}: {first['msg']}{found}. Correct it."
