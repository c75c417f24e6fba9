"""The workbook's rows of people: which columns, in which order, and what stands in each."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from flows.results import AWAITING_KINDS, Community, MonthResult, Proposal
from flows.review.sentences import explain_decision, explain_reckoning
from flows.wording import KINDS, POSTS, convert_to_yuan

Cell = str | int | Decimal | date | None
Look = Literal["text", "code", "long", "count", "money", "date"]

MANUAL = "是"


@dataclass(frozen=True)
class PersonRow:
    """One worker's proposal with everything that its line shows; amounts in fen, empty where unknown."""

    proposal: Proposal
    community: Community | None
    current_fen: int | None
    proposed_fen: int | None

    @property
    def difference_fen(self) -> int | None:
        """Monthly change; unknown, not zero, for a worker without a current grade."""
        if self.current_fen is None or self.proposed_fen is None:
            return None
        return self.proposed_fen - self.current_fen

    @property
    def place(self) -> tuple[str, str, str, str]:
        """Where the line stands: district, street, community, worker."""
        code = self.proposal.community_code
        if self.community is None:
            return (code[:6], code[:9], code, self.proposal.staff_id)
        return (self.community.district_code, self.community.street_code, code, self.proposal.staff_id)


@dataclass(frozen=True)
class PersonColumn:
    """One column: its heading, its width in characters, how it looks, and where its value comes from."""

    title: str
    width: int
    look: Look
    read: Callable[[PersonRow], Cell]


def list_people(result: MonthResult) -> list[PersonRow]:
    """Every worker of the month, by district, street, community and worker."""
    communities = {community.community_code: community for community in result.communities}
    totals: dict[tuple[str, str], int] = {(line.staff_id, line.basis): line.total_fen for line in result.pay_lines}
    people = [
        PersonRow(
            proposal,
            communities.get(proposal.community_code),
            totals.get((proposal.staff_id, "current")),
            totals.get((proposal.staff_id, "proposed")),
        )
        for proposal in result.proposals
    ]
    return sorted(people, key=lambda person: person.place)


def select_awaiting(people: Iterable[PersonRow]) -> list[PersonRow]:
    """Those that a person must decide, the ones that need individual handling first."""
    awaiting = [person for person in people if person.proposal.kind in AWAITING_KINDS]
    return sorted(awaiting, key=lambda person: not person.proposal.needs_manual)


def select_held(people: Iterable[PersonRow]) -> list[PersonRow]:
    """Those whose raise is held back."""
    return [person for person in people if person.proposal.kind == "hold"]


def find_column(title: str) -> int:
    """The position of the column with that heading, from 0."""
    return next(index for index, column in enumerate(PERSON_COLUMNS) if column.title == title)


def _read_name(attribute: str) -> Callable[[PersonRow], str]:
    def read(person: PersonRow) -> str:
        return "" if person.community is None else str(getattr(person.community, attribute))

    return read


def _read_community(person: PersonRow) -> str:
    """Its name; the code of one that is no longer registered."""
    return person.proposal.community_code if person.community is None else person.community.name


def _read_step(person: PersonRow) -> int | None:
    current = person.proposal.current_grade
    return None if current is None else person.proposal.proposed_grade - current


def _read_yuan(attribute: str) -> Callable[[PersonRow], Decimal | None]:
    def read(person: PersonRow) -> Decimal | None:
        fen: int | None = getattr(person, attribute)
        return None if fen is None else convert_to_yuan(fen)

    return read


def _name(titles: Mapping[str, str], code: str) -> str:
    return titles.get(code, code)


PERSON_COLUMNS: tuple[PersonColumn, ...] = (
    PersonColumn("员工编号", 11, "text", lambda person: person.proposal.staff_id),
    PersonColumn("姓名", 8, "text", lambda person: person.proposal.name),
    PersonColumn("社区", 15, "text", _read_community),
    PersonColumn("街道", 12, "text", _read_name("street_name")),
    PersonColumn("区县", 10, "text", _read_name("district_name")),
    PersonColumn("岗位", 6, "code", lambda person: _name(POSTS, person.proposal.post)),
    PersonColumn("两委", 6, "code", lambda person: "是" if person.proposal.committee_member else "否"),
    PersonColumn("现等级", 6, "count", lambda person: person.proposal.current_grade),
    PersonColumn("应得等级", 6, "count", lambda person: person.proposal.entitled_grade),
    PersonColumn("建议等级", 6, "count", lambda person: person.proposal.proposed_grade),
    PersonColumn("级差", 6, "count", _read_step),
    PersonColumn("建议类型", 10, "code", lambda person: _name(KINDS, person.proposal.kind)),
    PersonColumn("须人工核查", 7, "code", lambda person: MANUAL if person.proposal.needs_manual else "否"),
    PersonColumn("理由", 28, "long", lambda person: explain_decision(person.proposal)),
    PersonColumn("计算过程", 38, "long", lambda person: explain_reckoning(person.proposal)),
    PersonColumn("现月工资（元）", 11, "money", _read_yuan("current_fen")),
    PersonColumn("建议月工资（元）", 11, "money", _read_yuan("proposed_fen")),
    PersonColumn("月差额（元）", 10, "money", _read_yuan("difference_fen")),
    PersonColumn("生效日期", 12, "date", lambda person: person.proposal.effective_on),
)
