"""Two judgements of one month, by the policy in use and by another one, laid side by side.

Both come from the same inputs, so whatever differs is the policy's doing. Nothing here judges anew.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from flows.evaluate.assessment import NO_BASE_NOTICE
from flows.month import Month
from flows.moves import (
    AFTER,
    BEFORE,
    CommunityMove,
    Comparison,
    CostLine,
    Funds,
    Level,
    MonthlyPay,
    PolicyChange,
    WorkerMove,
)
from flows.policy import Policy, PolicyValue, describe_entry, find_policy_day
from flows.results import STARS, AwardLine, MonthResult, PayLine, StarRow
from flows.wording import POSTS, lacks_pay_base, list_banners, list_indicator_titles

ELSEWHERE = "其他"
"""The district of workers whose community isn't valid on the month's last day."""


def compare_results(
    before: MonthResult, after: MonthResult, *, unseen_changes: Sequence[PolicyChange] = ()
) -> Comparison:
    """What moves when `after`'s policy takes the place of `before`'s: communities, workers and cost in fen.

    Both results are of one month and one set of inputs. `unseen_changes` are policy values that differ on other
    days only (`list_unseen_changes`). Costs stay empty where one of the two policies sets no pay base (policy §5).
    """
    workers = compare_workers(before, after)
    is_paid_before, is_paid_after = not lacks_pay_base(before), not lacks_pay_base(after)
    return Comparison(
        month=after.month,
        effective_on=after.effective_on,
        cutoff_at_before=before.cutoff_at,
        cutoff_at_after=after.cutoff_at,
        fingerprint_before=before.inputs.policy_fingerprint,
        fingerprint_after=after.inputs.policy_fingerprint,
        policy_changes=compare_policy_values(before.policy_values, after.policy_values),
        unseen_changes=unseen_changes,
        indicator_titles={
            **list_indicator_titles(before.policy_values),
            **list_indicator_titles(after.policy_values),
        },
        communities=compare_communities(before, after),
        workers=workers,
        costs=sum_costs(workers, is_paid_before=is_paid_before, is_paid_after=is_paid_after),
        is_paid_before=is_paid_before,
        is_paid_after=is_paid_after,
        funds_before=_sum_funds(before.awards),
        funds_after=_sum_funds(after.awards),
        banners=_list_banners(before, after),
    )


def compare_policy_values(before: Iterable[PolicyValue], after: Iterable[PolicyValue]) -> list[PolicyChange]:
    """The values in force that differ in anything that is shown, in the order of the policy files."""
    ours = {value.path: value for value in before}
    theirs = {value.path: value for value in after}
    return [
        PolicyChange(ours.get(path), theirs.get(path))
        for path in dict.fromkeys([*ours, *theirs])
        if ours.get(path) != theirs.get(path)
    ]


def list_unseen_changes(before: Policy, after: Policy, month: Month) -> list[PolicyChange]:
    """The dated values in which two policies differ and that `month` isn't judged by, in file order.

    A rule that starts later moves nothing yet, and one that was replaced moves nothing any more.
    """
    ours, theirs = _date_values(before), _date_values(after)
    order = {path: index for index, path in enumerate(dict.fromkeys([*before.leaves, *after.leaves]))}
    differing = {key for key in {*ours, *theirs} if ours.get(key) != theirs.get(key)}
    unseen = differing - _list_asked(before, month) - _list_asked(after, month)
    return [
        PolicyChange(ours.get(key), theirs.get(key))
        for key in sorted(unseen, key=lambda key: (order[key[0]], key[1]))
    ]


def compare_communities(before: MonthResult, after: MonthResult) -> list[CommunityMove]:
    """Every community with its rating and stars under both policies, sorted by code."""
    ours = {row.community_code: row for row in before.ratings}
    theirs = {row.community_code: row for row in after.ratings}
    stars_before, stars_after = _group_stars(before.stars), _group_stars(after.stars)
    return [
        CommunityMove(
            community=community,
            before=ours[community.community_code],
            after=theirs[community.community_code],
            stars_before=stars_before[community.community_code],
            stars_after=stars_after[community.community_code],
        )
        for community in sorted(after.communities, key=lambda community: community.community_code)
    ]


def compare_workers(before: MonthResult, after: MonthResult) -> list[WorkerMove]:
    """Every worker of the month's roster with both proposals and their pay, sorted by worker as text."""
    districts = {row.community_code: (row.district_code, row.district_name) for row in after.communities}
    ours = {row.staff_id: row for row in before.proposals}
    pay_before, pay_after = _pair_pay(before.pay_lines), _pair_pay(after.pay_lines)
    unpaid = MonthlyPay()
    moves = []
    for row in sorted(after.proposals, key=lambda row: row.staff_id):
        district_code, district_name = districts.get(row.community_code, ("", ELSEWHERE))
        moves.append(
            WorkerMove(
                before=ours[row.staff_id],
                after=row,
                district_code=district_code,
                district_name=district_name,
                pay_before=pay_before.get(row.staff_id, unpaid),
                pay_after=pay_after.get(row.staff_id, unpaid),
            )
        )
    return moves


def sum_costs(moves: Sequence[WorkerMove], *, is_paid_before: bool, is_paid_after: bool) -> list[CostLine]:
    """Cost lines of the city, of each district, of each post, and of each post in each district, in this order."""
    names = {move.district_code: move.district_name for move in moves}
    # Districts by code, those without one last; posts from the highest to the lowest.
    codes = sorted(names, key=lambda code: (not code, code))
    places: list[tuple[Level, str, str]] = [
        ("city", "", ""),
        *(("district", code, "") for code in codes),
        *(("post", "", post) for post in POSTS),
        *(("district_post", code, post) for code in codes for post in POSTS),
    ]
    groups: dict[tuple[Level, str, str], list[WorkerMove]] = {place: [] for place in places}
    for move in moves:
        code, post = move.district_code, move.after.post
        groups["city", "", ""].append(move)
        groups["district", code, ""].append(move)
        groups["post", "", post].append(move)
        groups["district_post", code, post].append(move)
    return [
        _sum_line(place, names.get(place[1], ""), own, is_paid_before=is_paid_before, is_paid_after=is_paid_after)
        for place, own in groups.items()
        if own or place[0] == "city"
    ]


def _sum_line(
    place: tuple[Level, str, str],
    district_name: str,
    moves: Sequence[WorkerMove],
    *,
    is_paid_before: bool,
    is_paid_after: bool,
) -> CostLine:
    level, district_code, post = place
    is_paid = is_paid_before and is_paid_after
    paid = [move for move in moves if move.monthly_change_fen is not None]
    graded = [move for move in paid if move.before.current_grade is not None]
    initial = [move for move in paid if move.before.current_grade is None]
    # Of one policy alone the raises are told, though there is nothing to compare them with.
    raised = graded if is_paid else moves
    return CostLine(
        level=level,
        district_code=district_code,
        district_name=district_name,
        post=post,
        worker_count=len(moves),
        grade_up_count=sum(move.direction == "up" for move in moves),
        grade_down_count=sum(move.direction == "down" for move in moves),
        pay_up_count=sum(move.pay_direction == "up" for move in moves),
        pay_down_count=sum(move.pay_direction == "down" for move in moves),
        without_pay_count=len(moves) - len(paid),
        before_fen=_add(move.pay_before.proposed_fen for move in paid) if is_paid else None,
        after_fen=_add(move.pay_after.proposed_fen for move in paid) if is_paid else None,
        standard_change_fen=(
            _add(move.pay_after.current_fen for move in graded) - _add(move.pay_before.current_fen for move in graded)
            if is_paid
            else None
        ),
        raise_cost_before_fen=_add(move.pay_before.raise_fen for move in raised) if is_paid_before else None,
        raise_cost_after_fen=_add(move.pay_after.raise_fen for move in raised) if is_paid_after else None,
        initial_change_fen=_add(move.monthly_change_fen for move in initial) if is_paid else None,
    )


def _list_banners(before: MonthResult, after: MonthResult) -> list[str]:
    """What a reader must know first, said of one policy where it holds under that one only."""
    # The lack of a pay base is told beside the costs.
    ours, theirs = ([it for it in list_banners(side) if it != NO_BASE_NOTICE] for side in (before, after))
    return [
        *(banner for banner in ours if banner in theirs),
        *(f"{BEFORE}下，{banner}" for banner in ours if banner not in theirs),
        *(f"{AFTER}下，{banner}" for banner in theirs if banner not in ours),
    ]


def _add(amounts: Iterable[int | None]) -> int:
    return sum(amount for amount in amounts if amount is not None)


def _group_stars(rows: Iterable[StarRow]) -> dict[str, list[StarRow]]:
    """Each community's five stars, in the order of `STARS`."""
    grouped: dict[str, dict[str, StarRow]] = {}
    for row in rows:
        grouped.setdefault(row.community_code, {})[row.star] = row
    return {code: [own[star] for star in STARS] for code, own in grouped.items()}


def _pair_pay(lines: Iterable[PayLine]) -> dict[str, MonthlyPay]:
    totals: dict[str, dict[str, int]] = {}
    for line in lines:
        totals.setdefault(line.staff_id, {})[line.basis] = line.total_fen
    return {staff_id: MonthlyPay(own.get("current"), own.get("proposed")) for staff_id, own in totals.items()}


def _sum_funds(awards: Iterable[AwardLine]) -> Funds:
    rows = list(awards)
    return Funds(len(rows), sum(row.minimum_fen for row in rows), sum(row.maximum_fen for row in rows))


def _date_values(policy: Policy) -> dict[tuple[str, date], PolicyValue]:
    """Every dated value of a policy's whole history, for people."""
    return {
        (leaf.path, entry.start_on): describe_entry(leaf, entry)
        for leaf in policy.leaves.values()
        for entry in leaf.entries
    }


def _list_asked(policy: Policy, month: Month) -> set[tuple[str, date]]:
    """The dated values that the month asks for, by path and start: ended ones too."""
    found = ((leaf.path, leaf.find_entry(find_policy_day(leaf.path, month))) for leaf in policy.leaves.values())
    return {(path, entry.start_on) for path, entry in found if entry is not None}
