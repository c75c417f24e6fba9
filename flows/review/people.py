"""`config/review.yaml`: who may prepare and who may approve, for which districts, and when HR is reminded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from flows.config_file import pick_problem, read_config
from flows.errors import ConfigurationError, DecisionRefused

FILE = "review.yaml"
CITY = "city"
REMIND_AFTER_WORKING_DAYS = 3
LONGEST_NAME = 120
"""As many signs as the ledger keeps of a name."""

Role = Literal["reviewer", "approver"]
District = str

_ROLE_TITLES: Mapping[Role, str] = {"reviewer": "经办人", "approver": "审批人"}


def check_name(name: str) -> str:
    """The name without blanks around it. Raises `ValueError` for one that can't be told apart or kept."""
    name = name.strip()
    if not name:
        raise ValueError("the name is empty")
    if not name.isprintable():
        raise ValueError("the name holds signs that can't be seen")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"the name is longer than {LONGEST_NAME} signs")
    return name


PersonName = Annotated[str, AfterValidator(check_name)]


class Person(BaseModel):
    """One person by the name that the record shows: in which roles, and for the whole city or some districts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: PersonName
    roles: tuple[Role, ...] = Field(min_length=1)
    scope: Literal["city"] | Annotated[tuple[District, ...], Field(min_length=1)]

    def covers(self, district_code: str | None) -> bool:
        """Whether a worker of that district is theirs; one whose district is unknown is the whole city's only."""
        return self.scope == CITY or (district_code is not None and district_code in self.scope)

    @property
    def title(self) -> str:
        """Roles and scope as HR reads them."""
        roles = "、".join(_ROLE_TITLES[role] for role in self.roles)
        return f"{roles}，全市" if self.scope == CITY else f"{roles}，区县 {'、'.join(self.scope)}"

    @property
    def authority(self) -> str:
        """Roles and scope as the record keeps them."""
        return f"{'+'.join(sorted(self.roles))}: {self.scope if self.scope == CITY else ' '.join(self.scope)}"


@dataclass(frozen=True)
class ReviewPeople:
    """Everybody who may prepare or decide; while nobody is named, anybody may, alone."""

    named: Sequence[Person] = ()

    @property
    def is_set_up(self) -> bool:
        return bool(self.named)

    def find(self, name: str) -> Person | None:
        """The person of that name; nothing while nobody is named.

        Raises `DecisionRefused` if others are named and this name is not among them.
        """
        if not self.is_set_up:
            return None
        found = next((person for person in self.named if person.name == name), None)
        if found is None:
            raise DecisionRefused(
                f"{name!r} is not among the reviewers and approvers in {FILE}. Write the name as it stands there, or "
                "let whoever keeps that file add it."
            )
        return found


@dataclass(frozen=True)
class ReviewSettings:
    """How reviews are run: by whom, and after how many working days HR is reminded of an open one."""

    people: ReviewPeople
    remind_after_working_days: int


class _ReviewFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    people: tuple[Person, ...]
    remind_after_working_days: int = Field(default=REMIND_AFTER_WORKING_DAYS, ge=1)


def load_review_settings(folder: Path) -> ReviewSettings:
    """The review settings of the configuration `folder`.

    Raises `ConfigurationError` for a missing file or key, an unknown one, a name that stands there twice, or people
    who could never approve anything: no approver, or nobody besides the only approver who could prepare.
    """
    absent = ", so who may decide isn't known. Restore it, or name another folder with --config."
    content = read_config(folder / FILE, absent)
    try:
        read = _ReviewFile.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(_describe(error)) from None
    _check_people(read.people)
    return ReviewSettings(ReviewPeople(read.people), read.remind_after_working_days)


def _check_people(people: Sequence[Person]) -> None:
    names = [person.name for person in people]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(f"{FILE}, people: {twice!r} stands there twice. Give each person one entry.")
    approvers = {person.name for person in people if "approver" in person.roles}
    reviewers = {person.name for person in people if "reviewer" in person.roles}
    if people and not approvers:
        raise ConfigurationError(f"{FILE}, people: nobody is an approver, so nothing could be approved. Name one.")
    if people and (not reviewers or (len(approvers) == 1 and approvers == reviewers)):
        raise ConfigurationError(
            f"{FILE}, people: nobody could prepare what another person approves. Name a further reviewer."
        )


def _describe(error: ValidationError) -> str:
    first = pick_problem(error)
    path = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = _ReviewFile.model_fields if len(first["loc"]) == 1 else Person.model_fields
        return f"{FILE}, {path}: not a known key. Known here: {', '.join(known)}. Correct or remove it."
    return f"{FILE}, {path or 'the file'}: {first['msg']}. Correct it."
