"""The words of a case: which keys it may hold, and how each value is read from the text that stands in the file.

Every scalar of a case file arrives as text, so nothing is lost to floating point: `79.99` is exactly that.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any, NoReturn, get_args

from flows.evaluate.indicators import COMPOSITE, DEFINITIONS
from flows.month import Month
from flows.results import STARS, IndicatorState, ProposalKind, StarState
from flows.schema import CATEGORIES, CERTIFICATES, DEGREES, OUTCOMES, POSTS, SANCTIONS, SATISFACTIONS

NOTHING = ("", "null", "~")
INDICATORS = (*DEFINITIONS, COMPOSITE)
SOURCES = ("comprehensive_governance", "law_enforcement", "public_service", "supervision", "sheets")

Reader = Callable[[Any], Any]
"""Reads one value; raises `ValueError` saying what it must be."""


class CaseError(Exception):
    """A case that can't be read: the message says where, what stands there and what may."""


@dataclass(frozen=True)
class Place:
    """Where in the case files something stands."""

    file: str
    case: str = ""
    path: str = ""

    def inside(self, key: str) -> "Place":
        """The place of a key, or of a list's item, in what stands here."""
        joint = "." if self.path and not key.startswith("[") else ""
        return Place(self.file, self.case, f"{self.path}{joint}{key}")

    def refuse(self, problem: str) -> NoReturn:
        """Raise `CaseError` with the place in front of the problem."""
        case = f", case “{self.case}”" if self.case else ""
        path = f", {self.path}" if self.path else ""
        raise CaseError(f"{self.file}{case}{path}: {problem}")


def check_keys(value: Any, known: Mapping[str, Any] | tuple[str, ...], place: Place) -> dict[str, Any]:
    """The mapping, if it holds known keys only."""
    if not isinstance(value, dict):
        place.refuse(f"{value!r} stands here. It must be a mapping with keys of {', '.join(known)}.")
    for key in value:
        if key not in known:
            place.refuse(f"key {key!r} is not known here. The keys are {', '.join(known)}; correct or remove it.")
    return value


def read_mapping(value: Any, readers: Mapping[str, Reader], place: Place) -> dict[str, Any]:
    """The values that the mapping gives, each read by its key's reader."""
    return {
        key: read_value(text, readers[key], place.inside(key))
        for key, text in check_keys(value, readers, place).items()
    }


def read_list(value: Any, readers: Mapping[str, Reader], place: Place) -> list[dict[str, Any]]:
    """A list of mappings; one mapping alone counts as a list of one."""
    items = [value] if isinstance(value, dict) else value
    if not isinstance(items, list):
        place.refuse(f"{value!r} stands here. It must be a list of mappings with keys of {', '.join(readers)}.")
    return [read_mapping(item, readers, place.inside(f"[{number}]")) for number, item in enumerate(items, 1)]


def read_value(value: Any, reader: Reader, place: Place) -> Any:
    """The value as its reader understands it."""
    try:
        return reader(value)
    except ValueError as error:
        place.refuse(f"value is {value!r}. It must be {error}.")


def whole(value: Any) -> int:
    if not isinstance(value, str) or re.fullmatch(r"-?\d+", value) is None:
        raise ValueError("a whole number in plain digits")
    return int(value)


def number(value: Any) -> str:
    """An exact number, kept as written: how it is written says how it is compared."""
    if not isinstance(value, str) or re.fullmatch(r"-?\d+(\.\d+|/[1-9]\d*)?", value) is None:
        raise ValueError("a number such as 0.98, 80.00 or 7/9")
    return value


def truth(value: Any) -> bool:
    if value not in ("true", "false"):
        raise ValueError("true or false")
    return bool(value == "true")


def day(value: Any) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError("a day of the calendar, written as 2024-03-31") from None


def instant(value: Any) -> datetime:
    """An instant by the city's clock, without offset."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("an instant of the city's clock, written as 2024-03-15 12:00:00")


def month(value: Any) -> Month:
    if not isinstance(value, str) or re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", value) is None:
        raise ValueError("a month, written as 2024-03")
    return Month.parse(value)


def text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("text that isn't empty")
    return value.strip()


def texts(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    return tuple(text(item) for item in items)


def one_of(*words: str) -> Reader:
    """A reader of one of these words."""

    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return str(value)

    return read


def some_of(*words: str) -> Reader:
    """A reader of a list of these words."""
    read = one_of(*words)
    return lambda value: tuple(read(item) for item in texts(value))


def or_nothing(reader: Reader) -> Reader:
    """The reader, but `null` means nothing."""
    return lambda value: None if value in NOTHING else reader(value)


def same(expected: str, actual: Fraction | None, places: int, rounded: Callable[..., Any]) -> bool:
    """Whether the number came out: a fraction exactly, decimals as result files show them."""
    if actual is None:
        return False
    return Fraction(expected) == (actual if "/" in expected else Fraction(rounded(actual, places)))


EVENT: Mapping[str, Reader] = {
    "id": text,
    "category": one_of(*CATEGORIES),
    "count": whole,
    "tier": whole,
    "urgent": truth,
    "due_in": month,
    "reported_at": instant,
    "due_at": or_nothing(instant),
    "extended_to": or_nothing(instant),
    "closed": one_of("on_time", "late", "never"),
    "closed_at": or_nothing(instant),
    "status": one_of("open", "closed", "void"),
    "forced_close": truth,
    "reopened": whole,
    "responded": one_of("in_time", "late", "never"),
    "responded_at": or_nothing(instant),
    "solved": or_nothing(truth),
    "satisfaction": or_nothing(one_of(*SATISFACTIONS)),
}
GRID: Mapping[str, Reader] = {
    "grid_code": text,
    "party_unit": one_of("branch", "group", "none"),
    "count": whole,
    "valid_from": day,
    "valid_to": or_nothing(day),
}
SHEET: Mapping[str, Reader] = {
    "month": month,
    "meetings_required": whole,
    "meetings_held": whole,
    "centre_standard": truth,
    "property_covered": whole,
    "property_total": whole,
    "weak_branch": truth,
    "secretary_under_investigation": truth,
}
CHECK: Mapping[str, Reader] = {
    "category": one_of(*CATEGORIES),
    "event": text,
    "count": whole,
    "finding": one_of("verified", "false_closure", "rework"),
    "checked_at": instant,
    "elsewhere": truth,
}
INCIDENT: Mapping[str, Reader] = {
    "kind": one_of("petition", "accident", "crime"),
    "occurred_on": day,
    "status": one_of("confirmed", "withdrawn"),
}
REGISTERED: Mapping[str, Reader] = {"valid_from": day, "valid_to": or_nothing(day)}

INDICATOR_RESULT: Mapping[str, Reader] = {
    "numerator": or_nothing(whole),
    "denominator": or_nothing(whole),
    "value": or_nothing(number),
    "score": or_nothing(number),
    "state": one_of(*get_args(IndicatorState)),
    "window_months": whole,
}
STAR_RESULT: Mapping[str, Reader] = {
    "state": one_of(*get_args(StarState)),
    "score": or_nothing(number),
    "reasons": texts,
}
RATING_RESULT: Mapping[str, Reader] = {
    "stars": whole,
    "total_score": or_nothing(number),
    "complete": truth,
    "rank": or_nothing(whole),
}
EVERY_STAR = "every_star"
RATING = "rating"
ERROR = "error"
COMMUNITY_RESULTS = (*INDICATORS, *STARS, EVERY_STAR, RATING, ERROR)

WORKER: Mapping[str, Reader] = {
    "post": one_of(*POSTS),
    "degree": one_of(*DEGREES),
    "certificate": one_of(*CERTIFICATES),
    "certificate_on": or_nothing(day),
    "service_start_on": day,
    "prior_service_months": whole,
    "current_grade": or_nothing(whole),
    "committee_member": truth,
}
RECORD: Mapping[str, Reader] = {
    "post": one_of(*POSTS),
    "grade": whole,
    "degree": one_of(*DEGREES),
    "certificate": one_of(*CERTIFICATES),
    "effective_on": day,
}
SANCTION: Mapping[str, Reader] = {"kind": one_of(*SANCTIONS), "effective_on": day}
TITLE: Mapping[str, Reader] = {
    "stars": whole,
    "rating_year": whole,
    "pay_year": whole,
    "community": one_of("own", "another"),
}
GRADE_RESULT: Mapping[str, Reader] = {
    "current": or_nothing(whole),
    "entitled": whole,
    "proposed": whole,
    "kind": one_of(*get_args(ProposalKind)),
    "needs_manual": truth,
    "reasons": texts,
}
PAY_RESULT: Mapping[str, Reader] = {
    "grade": whole,
    "appraisal": one_of(*OUTCOMES, "absent"),
    "basic_fen": whole,
    "performance_fen": whole,
    "uplift_fen": whole,
    "total_fen": whole,
}
ARREARS_RESULT: Mapping[str, Reader] = {"months": whole, "monthly_fen": whole, "total_fen": whole, "approved_on": day}
FUNDS_RESULT: Mapping[str, Reader] = {
    "community": one_of("own", "another"),
    "pay_year": whole,
    "stars": whole,
    "minimum_fen": whole,
    "maximum_fen": whole,
    "amount_fen": or_nothing(whole),
}
WORKER_RESULTS = ("grade", "pay", "arrears", "unreckoned", "funds")

ALWAYS = ("case", "why", "policy", "policy_from", "expect")
COMMUNITY_FACTS = ("otherwise", "events", "grids", "sheet", "checks", "incidents", "registered")
COMMUNITY_KEYS = (*ALWAYS, "month", "sources_missing", *COMMUNITY_FACTS, "district")
WORKER_KEYS = (
    *ALWAYS,
    "effective_on",
    "worker",
    "register",
    "appraisals",
    "sanctions",
    "titles",
    "approved_at",
)
OTHERWISE = ("nothing", "all_well")
KINDS = {"communities": COMMUNITY_KEYS, "workers": WORKER_KEYS}
FILE_KEYS = ("about", "kind", "every_case", "cases")
