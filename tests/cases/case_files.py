"""Case files: read strictly, so that a misspelt word is refused and never passes as a case that states less."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from case_words import FILE_KEYS, KINDS, CaseError, Place, check_keys, one_of, read_value, text
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """One case as its file gives it: the sentence, how its figures were worked out, facts and what must come out."""

    place: Place
    kind: str
    why: str
    facts: Mapping[str, Any]
    expect: Any

    @property
    def sentence(self) -> str:
        return self.place.case

    @property
    def name(self) -> str:
        """File and sentence: no other case has both."""
        return f"{self.place.file}: {self.sentence}"


@dataclass(frozen=True)
class Reading:
    """The cases that could be read, and what is wrong with the others."""

    cases: tuple[Case, ...]
    problems: tuple[CaseError, ...]


@cache
def read_all() -> Reading:
    """Every case of every file in this folder."""
    readings = [read_file(file) for file in sorted(FOLDER.rglob("*.yaml"))]
    return Reading(
        tuple(case for reading in readings for case in reading.cases),
        tuple(problem for reading in readings for problem in reading.problems),
    )


def read_file(file: Path) -> Reading:
    """The cases of one file; each problem names file, case and the valid keys."""
    name = file.relative_to(FOLDER).as_posix() if file.is_relative_to(FOLDER) else file.name
    cases: list[Case] = []
    problems: list[CaseError] = []
    try:
        sheet = _read_sheet(_load(file, name), Place(name))
    except CaseError as problem:
        return Reading((), (problem,))
    for number, found in enumerate(sheet.cases, 1):
        try:
            case = _read_case(found, number, sheet)
            if case.sentence in {each.sentence for each in cases}:
                case.place.refuse("another case of the file has this sentence. Say what is different about this one.")
            cases.append(case)
        except CaseError as problem:
            problems.append(problem)
    return Reading(tuple(cases), tuple(problems))


def _load(file: Path, name: str) -> Any:
    # `base` leaves every scalar as the text that stands there.
    try:
        return YAML(typ="base", pure=True).load(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise CaseError(f"{name}: not UTF-8 text. Save the file as UTF-8.") from None
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        problem = str(getattr(error, "problem", error)).splitlines()[0]
        raise CaseError(f"{name}{line}: not YAML: {problem}. Mend that line.") from None


@dataclass(frozen=True)
class _Sheet:
    """One file: where it is, what it is about, what its cases share, and the cases as they stand."""

    place: Place
    kind: str
    shared: Mapping[str, Any]
    cases: list[Any]


def _read_sheet(content: Any, place: Place) -> _Sheet:
    top = check_keys(content, FILE_KEYS, place)
    for key in ("about", "kind", "cases"):
        if key not in top:
            place.refuse(f"key {key!r} is missing. A file needs about, kind and cases; add it.")
    kind = read_value(top["kind"], one_of(*KINDS), place.inside("kind"))
    sharable = tuple(key for key in KINDS[kind] if key != "case")
    shared = check_keys(top.get("every_case", {}), sharable, place.inside("every_case"))
    if not isinstance(top["cases"], list) or not top["cases"]:
        place.inside("cases").refuse("it must be a list with at least one case; write one.")
    return _Sheet(place, kind, shared, top["cases"])


def _read_case(found: Any, number: int, sheet: _Sheet) -> Case:
    sentence = found.get("case") if isinstance(found, dict) else None
    named = isinstance(sentence, str)
    place = Place(sheet.place.file, sentence) if named else sheet.place.inside(f"cases[{number}]")
    merged = {**sheet.shared, **check_keys(found, KINDS[sheet.kind], place)}
    needed = {
        "case": "the sentence that this case proves",
        "why": "how the figures were worked out, with the clause",
        "expect": "what must come out",
    }
    for key, meaning in needed.items():
        if key not in merged:
            place.refuse(f"key {key!r} is missing. It says {meaning}; add it.")
    facts = {key: value for key, value in merged.items() if key not in needed}
    why = read_value(merged["why"], text, place.inside("why"))
    return Case(Place(sheet.place.file, str(sentence)), sheet.kind, why, facts, merged["expect"])
