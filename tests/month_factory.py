"""An invented month for tests: real shapes, invented places, people and figures, the same every time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from random import Random

from flows.ledger.register import digest_register
from flows.month import Month
from flows.policy import PolicyValue
from flows.results import (
    STARS,
    AwardLine,
    Community,
    IndicatorRow,
    Inputs,
    MonthResult,
    PayLine,
    Proposal,
    RatingRow,
    SourceStatus,
    StarRow,
    Step,
)

DISTRICTS = (
    ("410202", "龙亭区"), ("410203", "顺河区"), ("410204", "鼓楼区"), ("410205", "禹王台区"), ("410212", "祥符区"),
    ("410271", "示范区"), ("410221", "杞县"), ("410222", "通许县"), ("410223", "尉氏县"), ("410225", "兰考县"),
)  # fmt: skip
SOURCES = ("comprehensive_governance", "law_enforcement", "public_service", "supervision", "sheets")
NEEDS = {
    "branch": ("comprehensive_governance", "sheets"),
    "co_building": ("law_enforcement", "public_service", "sheets", "supervision"),
    "enterprise": ("law_enforcement", "public_service", "supervision"),
    "safety": ("comprehensive_governance", "supervision"),
    "wellbeing": ("public_service", "supervision"),
}
POSTS = (("principal", 7, 18), ("deputy", 4, 15), ("other", 1, 12))
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
GIVEN = ("建国", "秀英", "志强", "丽华", "海燕", "文博", "春梅", "永刚")
PLACES = (
    "南京巷", "县街", "午朝门", "文昌", "双龙巷", "理事厅", "马市街", "曹门", "铁塔",
    "州桥", "相国寺", "卧龙", "新门关", "繁塔", "菜市", "三里堡",
)  # fmt: skip


def make_month(
    *,
    community_count: int = 6,
    staff_per_community: int = 4,
    paid: bool = True,
    missing: Sequence[str] = (),
    notices: Sequence[str] = (),
    month: str = "2024-03",
    seed: int = 1,
) -> MonthResult:
    """A month of so many communities and workers; `missing` sources make their stars insufficient."""
    random = Random(seed)
    this = Month.parse(month)
    effective_on = this.plus(1).first_on
    communities = [_make_community(index, community_count) for index in range(community_count)]
    stars = [_make_star(community, star, missing, random) for community in communities for star in STARS]
    proposals = [
        _make_proposal(community, f"K{index:04d}{number:02d}", number, effective_on, random)
        for index, community in enumerate(communities)
        for number in range(staff_per_community)
    ]
    return MonthResult(
        month=this,
        effective_on=effective_on,
        cutoff_at=this.cutoff_at(3),
        inputs=Inputs(
            batch_ids=("b1", "b2"),
            policy_fingerprint="f" * 64,
            sources=tuple(
                SourceStatus(name, "missing" if name in missing else "complete", "pull 1") for name in SOURCES
            ),
            register_digest=digest_register({}),
        ),
        policy_values=make_policy_values(paid=paid),
        communities=communities,
        indicators=[
            IndicatorRow(
                community.community_code,
                "branch",
                "grid_party_coverage",
                9,
                10,
                Fraction(9, 10),
                Fraction(50),
                "ok",
                1,
            )
            for community in communities
        ],
        stars=stars,
        ratings=_rate(communities, stars),
        proposals=proposals,
        pay_lines=[line for proposal in proposals for line in _pay(proposal)] if paid else [],
        awards=[
            AwardLine(effective_on.year, community.community_code, 4, 2_000_000, 10_000_000, None)
            for community in communities[::5]
        ],
        notices=list(notices),
        alarms=[],
    )


def make_policy_values(*, paid: bool = True) -> list[PolicyValue]:
    """A few policy values of every tag."""
    grid = "star：branch；weight：40；full：1.00；no_data：insufficient"
    wish = "star：co_building；weight：20；no_data：leave_out"
    rows = (
        ("five_star.indicators.grid_party_coverage", "网格党组织覆盖率", grid, "table", "sourced"),
        ("five_star.indicators.wish_closed", "微心愿办结率", wish, "table", "assumed"),
        ("five_star.alarms.many_stars", "多少颗星起算多星社区", "4", "count", "assumed"),
        ("five_star.lit_score", "亮星所需得分", "80.00", "points", "assumed"),
        ("grades.step_months", "每晋一级所需月数", "36", "months", "secondary"),
        ("grades.most_steps_at_once", "一次晋级无须人工核查的最多级数", "1", "grades", "assumed"),
        ("pay.base_fen", "月工资基数", "340000" if paid else "未设定", "fen", "assumed"),
        ("pay.grade_increment", "每高一级的增幅", "0.05", "ratio", "derived"),
    )
    return [PolicyValue(*row, "某文件第三条", date(2020, 1, 1), date(2026, 11, 23)) for row in rows]


def relight(result: MonthResult, changes: dict[tuple[str, str], str]) -> list[StarRow]:
    """The month's stars with other states, by community and star: what another month may have had."""
    return [
        replace(row, state=changes.get((row.community_code, row.star), row.state), reasons=())  # type: ignore[arg-type]
        for row in result.stars
    ]


def _make_community(index: int, count: int) -> Community:
    # Districts of unequal size, as in the city: the first ones hold most communities.
    share = min(len(DISTRICTS) - 1, int((index / max(count, 1)) ** 1.4 * len(DISTRICTS)))
    district_code, district_name = DISTRICTS[share]
    street = index % 4 + 1
    name = PLACES[index % len(PLACES)] + ("" if index < len(PLACES) else f"第{index // len(PLACES)}") + "社区"
    return Community(
        f"{district_code}{street:03d}{index:03d}", name, f"{district_code}{street:03d}", f"第{street}街道",
        district_code, district_name,
    )  # fmt: skip


def _make_star(community: Community, star: str, missing: Sequence[str], random: Random) -> StarRow:
    score = Decimal(random.randrange(5200, 10001)).scaleb(-2)
    dice = random.random()
    code = community.community_code
    lacking = tuple(f"source_missing:{name}" for name in NEEDS[star] if name in missing)
    if lacking:
        return StarRow(code, star, None, "insufficient_data", lacking)
    if dice < 0.05:
        return StarRow(code, star, score, "vetoed", ("incident" if star == "safety" else "weak_branch",))
    if dice < 0.08:
        return StarRow(code, star, score, "withheld", ("false_closures",))
    if dice < 0.12:
        return StarRow(code, star, None, "insufficient_data", ("weight_share",))
    reasons = (("gate:grid_party_coverage",) if star == "branch" and dice < 0.3 else ()) + (
        ("score",) if score < 80 else ()
    )
    return StarRow(code, star, score, "unlit" if reasons else "lit", reasons)


def _rate(communities: Sequence[Community], stars: Sequence[StarRow]) -> list[RatingRow]:
    rows = []
    for community in communities:
        own = [row for row in stars if row.community_code == community.community_code]
        scores = [row.score for row in own if row.score is not None]
        total = round(sum(scores) / len(scores), 2) if scores else None
        complete = all(row.state != "insufficient_data" for row in own)
        lit = sum(row.state == "lit" for row in own)
        rows.append(RatingRow(community.community_code, community.district_code, lit, total, complete, None))
    return [replace(row, rank=_rank(row, rows)) for row in rows]


def _rank(row: RatingRow, rows: Sequence[RatingRow]) -> int | None:
    if not row.complete:
        return None
    better = [
        other
        for other in rows
        if other.complete
        and other.district_code == row.district_code
        and (other.stars, other.total_score) > (row.stars, row.total_score)
    ]
    return len(better) + 1


def _make_proposal(community: Community, staff_id: str, number: int, effective_on: date, random: Random) -> Proposal:
    post, floor, ceiling = POSTS[min(number, 2)]
    current: int | None = random.randint(floor, ceiling - 2)
    entitled, proposed, manual = current, current, False
    reasons: tuple[str, ...] = ()
    kind = random.choices(("none", "raise", "hold", "review", "initial", "post_change"), (60, 20, 8, 5, 4, 3))[0]
    if kind in ("raise", "hold", "post_change"):
        entitled = current + random.choice((1, 1, 1, 2))
        proposed = current if kind == "hold" else entitled
        if kind == "hold":
            reasons = ("appraisal_missing",)
        elif kind == "raise" and entitled - current > 1:
            reasons, manual = ("more_than_one_step",), True
    elif kind == "review":
        entitled, reasons, manual = max(floor, current - 1), ("entitled_below_current",), True
    elif kind == "initial":
        current = None
    trace = (
        Step("§4.credit_months", "计算年限", {"service_months": 84}, "工龄 84 个月，学历折算 36 个月，合计 120 个月"),
        Step("§4.entitled", "应得等级", {}, f"应得 {entitled} 级：起点 {floor} 级，年限加 3 级，不超过 {ceiling} 级"),
        Step("§4.6", "结论", {}, f"建议 {proposed} 级"),
    )
    return Proposal(
        staff_id=staff_id, community_code=community.community_code, post=post, current_grade=current,
        entitled_grade=entitled, proposed_grade=proposed, kind=kind, needs_manual=manual, reasons=reasons,
        effective_on=effective_on, name=random.choice(SURNAMES) + random.choice(GIVEN),
        committee_member=number < 2, degree="bachelor", certificate="none", trace=trace,
    )  # fmt: skip


def _pay(proposal: Proposal) -> list[PayLine]:
    lines = []
    for basis, grade in (("current", proposal.current_grade), ("proposed", proposal.proposed_grade)):
        if grade is not None:
            # 3,400.00 yuan and 5 % of it for each further grade, 70 % of it basic: whole fen throughout.
            pay = 340_000 + 17_000 * (grade - 1)
            basic = pay * 7 // 10
            lines.append(
                PayLine(proposal.staff_id, basis, grade, "competent", basic, pay - basic, 0, pay)  # type: ignore[arg-type]
            )
    return lines
