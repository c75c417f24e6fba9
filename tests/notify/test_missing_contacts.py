"""Units without a contact that can be written to: HR and engineers are told which, once."""

import pytest
from notify_city import make_contacts

from flows.notify.missing import describe_unreached
from flows.notify.outbox import OUTDATED
from flows.notify.recipients import ContactFault, Contacts
from flows.results import MonthResult


def without(result: MonthResult, *units: tuple[str, str], faults: tuple[ContactFault, ...] = ()) -> Contacts:
    known = {unit: it for unit, it in make_contacts(result).by_unit_role.items() if unit not in units}
    return Contacts(known, faults)


def list_told(ledger) -> list:
    return [row for row in ledger.outbox.list_messages() if row.message == "missing_contacts"]


@pytest.fixture
def result(make_result, save) -> MonthResult:
    return save(make_result())


def test_hr_and_engineers_are_told_which_units_have_no_contact(result, queue, ledger):
    first, second = result.communities[:2]
    gone = ((first.community_code, "secretary"), (second.district_code, "supervisor"))
    assert queue(result, without(result, *gone)).without_contact == sorted(code for code, _ in gone)
    told = list_told(ledger)
    assert [(row.unit_code, row.role) for row in told] == [("city", "hr"), ("city", "engineer")]
    for row in told:
        assert row.subject == "2024年3月有 2 个单位没有可用的联系人"
        # Districts come before communities.
        assert [line for line in row.body.splitlines() if line.startswith("- ")] == [
            f"- {second.district_name}（{second.district_code}）：督导员",
            f"- {first.district_name}{first.street_name}{first.name}（{first.community_code}）：书记",
        ]


def test_a_contact_that_cannot_be_used_is_told_without_its_address(result, queue, ledger):
    code = result.communities[0].community_code
    fault = ContactFault(code, "secretary", "address is no e-mail address")
    queue(result, without(result, (code, "secretary"), faults=(fault,)))
    body = list_told(ledger)[0].body
    assert f"（{code}）：书记，已登记的渠道或地址无法使用" in body
    assert "e-mail" not in body


def test_where_hr_has_no_contact_engineers_are_still_told(result, queue, ledger):
    report = queue(result, without(result, ("city", "hr")))
    assert report.without_contact == ["city"]
    assert [row.role for row in list_told(ledger)] == ["engineer"]
    assert "- 全市（city）：人事" in list_told(ledger)[0].body


def test_nobody_is_told_while_everybody_can_be_written_to(result, queue, ledger):
    queue(result)
    assert list_told(ledger) == []


def test_queueing_again_tells_once_and_another_list_takes_the_place_of_the_first(result, queue, ledger):
    units = [(community.community_code, "secretary") for community in result.communities]
    queue(result, without(result, units[0]))
    queue(result, without(result, units[0]))
    assert [row.status for row in list_told(ledger)] == ["queued", "queued"]
    queue(result, without(result, units[0], units[1]))
    assert [row.status for row in list_told(ledger)] == ["suppressed", "suppressed", "queued", "queued"]


def test_a_list_that_waits_is_withdrawn_when_nobody_is_missing_any_more(result, queue, ledger):
    queue(result, without(result, (result.communities[0].community_code, "secretary")))
    queue(result)
    assert {(row.status, row.detail) for row in list_told(ledger)} == {("suppressed", OUTDATED)}


def test_a_list_that_holds_again_takes_its_place_back(result, queue, ledger):
    units = [(community.community_code, "secretary") for community in result.communities]
    queue(result, without(result, units[0]))
    queue(result, without(result, units[0], units[1]))
    assert queue(result, without(result, units[0])).queued == 2
    assert [row.status for row in list_told(ledger)] == ["queued", "queued", "suppressed", "suppressed"]


def test_a_long_list_is_cut_and_says_how_many_it_leaves_out(make_result, save, queue, ledger):
    result = save(make_result(community_count=61))
    queue(result, without(result, *((it.community_code, "secretary") for it in result.communities)))
    body = list_told(ledger)[0].body
    assert sum(line.startswith("- ") for line in body.splitlines()) == 60
    assert "另有 1 项，没有一一列出。" in body


def test_streets_are_asked_for_since_the_overdue_digest_goes_to_them(result, queue, ledger):
    streets = {community.street_code for community in result.communities}
    queue(result, without(result, *((code, "supervisor") for code in streets)))
    rows = [line for line in list_told(ledger)[0].body.splitlines() if line.endswith("：督导员")]
    assert len(rows) == len(streets)


def test_engineers_read_which_units_were_told_nothing():
    assert describe_unreached([]) == ""
    assert describe_unreached(["a", "b"]).startswith("no contact that can be written to: a, b. Nothing was queued")
    assert "a, b, c, d, e and 1 more." in describe_unreached(list("abcdef"))
