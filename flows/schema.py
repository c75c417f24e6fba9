"""The canonical tables: each column described once.

Every source is mapped into these tables (data.md). The Arrow schema of the lake, the mapping's checks and the data
dictionary are all made from here.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Kind = Literal["text", "integer", "boolean", "instant", "date", "month"]


@dataclass(frozen=True)
class Column:
    """One column: what it holds, in which unit, and whether it may be empty.

    `instant` columns are held as timestamps in UTC without offset, `date` columns as days of Asia/Shanghai,
    `month` columns as `YYYY-MM`.
    """

    name: str
    kind: Kind
    meaning: str
    nullable: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One canonical table; `key` names a row, and the newest row of a key holds."""

    name: str
    title: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @cached_property
    def by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @property
    def has_updated_at(self) -> bool:
        """Whether the source dates its rows; otherwise the later batch wins."""
        return "updated_at" in self.by_name


CATEGORIES = (
    "dispute",
    "hazard_general",
    "hazard_major",
    "city_case",
    "market_case",
    "market_hazard_general",
    "market_hazard_major",
    "employment",
    "wish",
    "service",
    "other",
)
SATISFACTIONS = ("satisfied", "basically_satisfied", "dissatisfied", "unreached")
STARS = ("branch", "co_building", "enterprise", "safety", "wellbeing")
POSTS = ("principal", "deputy", "other")
DEGREES = ("none", "bachelor", "master", "doctor")
CERTIFICATES = ("none", "assistant", "intermediate", "senior")
OUTCOMES = ("excellent", "competent", "basic", "incompetent")
SANCTIONS = ("warning", "demerit", "major_demerit")

_COMMUNITY = Column("community_code", "text", "the community, 12 digits")
_UPDATED = Column("updated_at", "instant", "when the source last wrote the row; the greatest wins")
_VALID_FROM = Column("valid_from", "date", "first day of validity")
_VALID_TO = Column("valid_to", "date", "last day of validity; empty while it holds", nullable=True)
_STAFF = Column("staff_id", "text", "the worker's number in the HR roster")

EVENTS = Table(
    "events",
    "事件",
    (
        Column("platform", "text", "id of the source that sent the event"),
        Column("event_id", "text", "the event's number on its platform"),
        _COMMUNITY,
        Column("grid_code", "text", "the grid in which it started", nullable=True),
        Column("department", "text", "who must handle it", nullable=True),
        Column("category", "text", "kind of event", values=CATEGORIES),
        Column("tier", "integer", "who handles it: 1 grid, 2 community, 3 street, 4 district or department",
               values=("1", "2", "3", "4")),
        Column("urgent", "boolean", "whether the urgent limits apply"),
        Column("reported_at", "instant", "when it was reported"),
        Column("responded_at", "instant", "when somebody first responded", nullable=True),
        Column("due_at", "instant", "deadline set by the platform", nullable=True),
        Column("extended_to", "instant", "deadline after an extension", nullable=True),
        Column("closed_at", "instant", "when it was closed", nullable=True),
        Column("status", "text", "where it stands", values=("open", "closed", "void")),
        Column("forced_close", "boolean", "closed without being solved"),
        Column("reopened", "integer", "how often it was reopened after a closure"),
        Column("solved", "boolean", "the reporter says it was solved", nullable=True),
        Column("satisfaction", "text", "the reporter's answer to the call-back", nullable=True,
               values=SATISFACTIONS),
        _UPDATED,
    ),
    key=("platform", "event_id"),
)  # fmt: skip

INCIDENTS = Table(
    "incidents",
    "三零事件",
    (
        Column("incident_id", "text", "the incident's number"),
        _COMMUNITY,
        Column("kind", "text", "what happened", values=("petition", "accident", "crime")),
        Column("occurred_on", "date", "the day on which it happened"),
        Column("status", "text", "whether it stands", values=("confirmed", "withdrawn")),
        _UPDATED,
    ),
    key=("incident_id",),
)

CHECKS = Table(
    "checks",
    "核查",
    (
        Column("check_id", "text", "the check's number"),
        Column("platform", "text", "the platform of the event that was checked"),
        Column("event_id", "text", "the event that was checked"),
        _COMMUNITY,
        Column("finding", "text", "what the check found", values=("verified", "false_closure", "rework")),
        Column("checked_at", "instant", "when it was checked"),
        _UPDATED,
    ),
    key=("check_id",),
)

COMMUNITIES = Table(
    "communities",
    "社区名册",
    (
        _COMMUNITY,
        Column("name", "text", "the community's name"),
        Column("street_code", "text", "its street or township, 9 digits"),
        Column("street_name", "text", "the street's name"),
        Column("district_code", "text", "its district or county, 6 digits"),
        Column("district_name", "text", "the district's name"),
        _VALID_FROM,
        _VALID_TO,
    ),
    key=("community_code", "valid_from"),
)

GRIDS = Table(
    "grids",
    "网格名册",
    (
        Column("grid_code", "text", "the grid"),
        _COMMUNITY,
        Column("party_unit", "text", "party unit on the grid", values=("branch", "group", "none")),
        _VALID_FROM,
        _VALID_TO,
    ),
    key=("grid_code", "valid_from"),
)

BRANCH_SHEET = Table(
    "branch_sheet",
    "支部月报",
    (
        _COMMUNITY,
        Column("month", "month", "the month reported"),
        Column("meetings_required", "integer", "meetings that the month required"),
        Column("meetings_held", "integer", "meetings that were held"),
        Column("centre_standard", "boolean", "whether the service centre meets the 一有八中心 standard"),
        Column("property_covered", "integer", "residential compounds with property management"),
        Column("property_total", "integer", "residential compounds in all"),
        Column("weak_branch", "boolean", "listed as a weak and lax branch"),
        Column("secretary_under_investigation", "boolean", "the secretary is under investigation"),
    ),
    key=("community_code", "month"),
)

STAFF = Table(
    "staff",
    "人员名册",
    (
        Column("month", "month", "the roster's month"),
        _STAFF,
        Column("name", "text", "the worker's name; personal data, never logged"),
        _COMMUNITY,
        Column("post", "text", "post held", values=POSTS),
        Column("committee_member", "boolean", "member of the two committees (两委)"),
        Column("employment", "text", "how the worker came to the post", values=("elected", "hired")),
        Column("degree", "text", "highest degree", values=DEGREES),
        Column("certificate", "text", "social worker's certificate", values=CERTIFICATES),
        Column("certificate_on", "date", "date of the certificate", nullable=True),
        Column("service_start_on", "date", "first day of service"),
        Column("prior_service_months", "integer", "months of service credited from before"),
        Column("current_grade", "integer", "grade as HR holds it", nullable=True),
    ),
    key=("month", "staff_id"),
)

APPRAISALS = Table(
    "appraisals",
    "年度考核",
    (
        _STAFF,
        Column("year", "integer", "year appraised"),
        Column("outcome", "text", "the year's outcome", values=OUTCOMES),
    ),
    key=("staff_id", "year"),
)

SANCTIONS_TABLE = Table(
    "sanctions",
    "处分",
    (
        _STAFF,
        Column("kind", "text", "kind of sanction", values=SANCTIONS),
        Column("effective_on", "date", "the day from which it counts"),
    ),
    key=("staff_id", "kind", "effective_on"),
)

ANNUAL_TITLES = Table(
    "annual_titles",
    "年度星级",
    (
        _COMMUNITY,
        Column("rating_year", "integer", "the year rated"),
        Column("stars", "integer", "stars awarded", values=("0", "1", "2", "3", "4", "5")),
        Column("pay_year", "integer", "the year in which the title moves money"),
    ),
    key=("community_code", "rating_year"),
)

CONTACTS = Table(
    "contacts",
    "通讯录",
    (
        Column("unit_code", "text", "community, street or district code, or `city`"),
        Column(
            "role",
            "text",
            "what the person answers for",
            values=("secretary", "supervisor", "hr", "engineer"),
        ),
        Column("name", "text", "who is written to; personal data, never logged"),
        Column("channel", "text", "channel of delivery"),
        Column("address", "text", "address on that channel"),
    ),
    key=("unit_code", "role"),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        COMMUNITIES,
        GRIDS,
        EVENTS,
        INCIDENTS,
        CHECKS,
        BRANCH_SHEET,
        STAFF,
        APPRAISALS,
        SANCTIONS_TABLE,
        ANNUAL_TITLES,
        CONTACTS,
    )
}
"""Every canonical table; those that other rows are checked against come first."""

REFERENCE_TABLES = ("communities", "grids")
"""Registers that land before everything else (data.md, "registers land first")."""
