"""Cases of communities: judged by the real code, many cases in one city, each in a district of its own."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from case_files import Case, read_all
from case_policy import make_policy
from case_words import (
    COMMUNITY_FACTS,
    COMMUNITY_RESULTS,
    ERROR,
    EVERY_STAR,
    INDICATOR_RESULT,
    NOTHING,
    RATING,
    RATING_RESULT,
    SOURCES,
    STAR_RESULT,
    CaseError,
    Place,
    check_keys,
    month,
    read_mapping,
    read_value,
    same,
    some_of,
    text,
)
from community_facts import CommunityRows, make_rows
from memory_view import MemoryView

from flows.errors import FivestarError
from flows.evaluate.communities import CommunityAssessment, assess_communities
from flows.exact import format_decimal, round_half_up
from flows.month import Month
from flows.policy import Policy
from flows.results import STARS

MARCH = Month(2024, 3)
VALUE_PLACES, SCORE_PLACES = 6, 2
Expected = Mapping[str, Any]


@dataclass(frozen=True)
class CommunityCase:
    """A case ready to be judged: its communities by the name that the case gives them (or none)."""

    case: Case
    month: Month
    policy: Policy
    missing: tuple[str, ...]
    communities: Mapping[str, CommunityRows]
    expected: Mapping[str, Expected]
    """By community and result: an indicator, a star, all stars at once, the rating (`None` for none) or an error."""

    @property
    def is_refused(self) -> bool:
        """Whether the case expects that nothing can be judged."""
        return ERROR in self.expected.get("", {})


def read_community_case(case: Case, district_code: str) -> CommunityCase:
    """The case with its rows, in a district of its own. Raises `CaseError`."""
    place, facts = case.place, case.facts
    of_month = read_value(facts.get("month", str(MARCH)), month, place.inside("month"))
    missing = read_value(facts.get("sources_missing", []), some_of(*SOURCES), place.inside("sources_missing"))
    own = {key: facts[key] for key in COMMUNITY_FACTS if key in facts}
    named: Mapping[str, Any] = {"": own}
    expected = {"": case.expect}
    if "district" in facts:
        if set(own) - {"otherwise"}:
            place.refuse(f"{', '.join(own)} stand beside district. Facts belong to one of its communities.")
        district = facts["district"]
        if not isinstance(district, dict) or not district:
            place.inside("district").refuse("it must be a mapping of communities' names to their facts.")
        named = {name: {**own, **(found or {})} for name, found in district.items()}
        expected = check_keys(case.expect, tuple(named), place.inside("expect"))
    communities = {
        name: make_rows(found, f"{district_code}001{number:03d}", of_month, place.inside(name) if name else place)
        for number, (name, found) in enumerate(named.items(), 1)
    }
    return CommunityCase(
        case=case,
        month=of_month,
        policy=make_policy(facts, place),
        missing=missing,
        communities=communities,
        expected={
            name: _read_expected(found, place.inside("expect").inside(name) if name else place.inside("expect"))
            for name, found in expected.items()
        },
    )


def _read_expected(value: Any, place: Place) -> Expected:
    expected: dict[str, Any] = {}
    for key, found in check_keys(value, COMMUNITY_RESULTS, place).items():
        here = place.inside(key)
        if key == ERROR:
            expected[key] = read_value(found, text, here)
        elif key == RATING:
            expected[key] = None if found in NOTHING else read_mapping(found, RATING_RESULT, here)
        elif key in (*STARS, EVERY_STAR):
            stated = {"state": found} if isinstance(found, str) else found
            expected[key] = read_mapping(stated, STAR_RESULT, here)
        else:
            expected[key] = read_mapping(found, INDICATOR_RESULT, here)
    if not expected:
        place.refuse("nothing is expected. State at least one result.")
    return expected


@cache
def read_community_cases() -> Mapping[str, CommunityCase | CaseError]:
    """Every case of communities by its name, or what is wrong with it."""
    read: dict[str, CommunityCase | CaseError] = {}
    for number, case in enumerate(case for case in read_all().cases if case.kind == "communities"):
        try:
            read[case.name] = read_community_case(case, f"{410000 + number}")
        except CaseError as problem:
            read[case.name] = problem
    return read


def list_community_cases() -> list[CommunityCase]:
    """The cases of communities that could be read."""
    return [case for case in read_community_cases().values() if isinstance(case, CommunityCase)]


def judge_all() -> Mapping[str, CommunityAssessment | FivestarError]:
    """What came out, by case: those of one month, policy and set of sources are judged together, errors alone."""
    together: dict[tuple[Any, ...], list[CommunityCase]] = defaultdict(list)
    for case in list_community_cases():
        alone = case.case.name if case.is_refused else ""
        together[case.month, case.policy.fingerprint, tuple(sorted(case.missing)), alone].append(case)
    assessed: dict[str, CommunityAssessment | FivestarError] = {}
    for cases in together.values():
        assessed |= dict.fromkeys((case.case.name for case in cases), _judge(cases))
    return assessed


def _judge(cases: Sequence[CommunityCase]) -> CommunityAssessment | FivestarError:
    try:
        return judge_together(cases)
    except FivestarError as error:
        # Its traceback would keep the engine's tables alive to the end of the run.
        return error.with_traceback(None)


def judge_together(cases: Sequence[CommunityCase]) -> CommunityAssessment:
    """One city of all the cases' communities, judged by the first one's month, policy and sources."""
    tables: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for case in cases:
        for community in case.communities.values():
            for table, rows in community.tables.items():
                tables[table] += rows
    first = cases[0]
    presence = {source: source not in first.missing for source in SOURCES}
    return assess_communities(MemoryView(**tables), first.policy.at(first.month.last_on), first.month, presence)


def compare_case(case: CommunityCase, assessed: CommunityAssessment | FivestarError) -> list[str]:
    """A line for each stated result that did not come out; nothing if the case holds."""
    refusal = case.expected.get("", {}).get(ERROR)
    if isinstance(assessed, FivestarError) or refusal is not None:
        found = str(assessed) if isinstance(assessed, FivestarError) else "results"
        holds = refusal is not None and refusal in found
        return [] if holds else [f"error: expected {refusal or 'none'}, came out {found}"]
    lines: list[str] = []
    for name, expected in case.expected.items():
        code = case.communities[name].code
        prefix = f"{name}." if name else ""
        for key, stated in expected.items():
            actual = _find_results(assessed, code, key)
            for found, result in actual.items():
                lines += [f"{prefix}{found}{line}" for line in _compare(stated, result)]
            if not actual:
                lines.append(f"{prefix}{key}: nothing came out")
    return lines


def _find_results(assessed: CommunityAssessment, code: str, key: str) -> dict[str, Any]:
    if key == RATING:
        return {key: next((row for row in assessed.ratings if row.community_code == code), None)}
    if key in (*STARS, EVERY_STAR):
        return {
            row.star: row for row in assessed.stars if row.community_code == code and key in (row.star, EVERY_STAR)
        }
    return {row.indicator: row for row in assessed.indicators if (row.community_code, row.indicator) == (code, key)}


def _compare(stated: Expected | None, result: Any) -> list[str]:
    if stated is None or result is None:
        found = "none" if result is None else "a rating"
        return [] if stated is None and result is None else [f": expected {stated or 'none'}, came out {found}"]
    return [
        f".{column}: expected {_show(value, column)}, came out {_show(getattr(result, column), column)}"
        for column, value in stated.items()
        if not _holds(column, value, getattr(result, column))
    ]


def _holds(column: str, stated: Any, actual: Any) -> bool:
    if isinstance(stated, str) and column in ("value", "score", "total_score"):
        places = VALUE_PLACES if column == "value" else SCORE_PLACES
        return same(stated, None if actual is None else Fraction(actual), places, round_half_up)
    return bool(stated == actual)


def _show(value: Any, column: str) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(value)}]"
    if isinstance(value, Fraction) and value.denominator != 1:
        return f"{format_decimal(value, VALUE_PLACES if column == 'value' else SCORE_PLACES)} ({value})"
    return "nothing" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
