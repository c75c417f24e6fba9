"""Delivery: four modes, at most once a key, and failures told apart."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from notify_city import NOW, make_contacts
from robot_clock import TestClock

from flows.errors import DeliveryIncomplete, UsageError
from flows.ledger import Ledger
from flows.notify.channels.channel import TransientFailure
from flows.notify.channels.file import FileChannel
from flows.notify.config import NotifyConfig
from flows.notify.delivery import NOT_ALLOWED, deliver_messages
from flows.notify.tally import DeliveryReport
from flows.results import MonthResult

Deliver = Callable[..., DeliveryReport]


@pytest.fixture
def moment() -> TestClock:
    """The clock of the deliveries, at the invented city's instant."""
    clock = TestClock()
    clock.now = NOW
    return clock


@pytest.fixture
def deliver(ledger: Ledger, config: NotifyConfig, moment: TestClock, tmp_path: Path) -> Deliver:
    def run(mode: str | None = None, **changes: object) -> DeliveryReport:
        used = replace(config, **changes)
        return deliver_messages(
            tmp_path,
            ledger,
            used,
            mode=mode,
            clock=moment,
            lookup=lambda _: None,
            progress=lambda _, __: None,
        )

    return run


@pytest.fixture
def result(make_result, save, queue) -> MonthResult:
    made: MonthResult = save(make_result())
    queue(made)
    return made


def list_files(tmp_path: Path) -> dict[str, str]:
    root = tmp_path / "outbox"
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def count_by_status(ledger: Ledger) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in ledger.outbox.list_messages():
        counts[row.status] = counts.get(row.status, 0) + 1
    return counts


def test_live_writes_each_message_as_a_file(result, deliver, ledger, tmp_path):
    rows = ledger.outbox.list_messages()
    report = deliver("live")
    assert (report.delivered, report.simulated, report.suppressed, report.failed) == (len(rows), 0, 0, 0)
    report.refuse_incomplete()
    files = list_files(tmp_path)
    assert len(files) == len(rows)
    digest = next(row for row in rows if row.message == "hr_digest")
    assert files["2024-03/hr-city/hr_digest-city-hr.md"] == f"# {digest.subject}\n\n{digest.body}\n"
    after = ledger.outbox.list_messages()
    assert {(row.status, row.attempt_count, row.delivered_at) for row in after} == {("delivered", 1, NOW)}
    assert next(row for row in after if row.message == "hr_digest").detail == "2024-03/hr-city/hr_digest-city-hr.md"


def test_delivering_twice_delivers_once(result, deliver, tmp_path):
    deliver("live")
    before = {path: path.stat().st_ino for path in (tmp_path / "outbox").rglob("*.md")}
    assert deliver("live") == DeliveryReport(0, 0, 0, 0, ())
    assert {path: path.stat().st_ino for path in (tmp_path / "outbox").rglob("*.md")} == before


def test_after_a_kill_between_file_and_ledger_the_same_file_is_written(result, deliver, ledger, tmp_path):
    rows = ledger.outbox.list_messages()
    for row in rows:
        FileChannel(tmp_path / "outbox").send(row)
    before = list_files(tmp_path)
    assert deliver("live").delivered == len(rows)
    assert list_files(tmp_path) == before


def test_a_later_revision_gets_a_file_of_its_own(result, save, queue, deliver, tmp_path):
    deliver("live")
    save(replace(result, proposals=result.proposals[1:]), 2)
    queue(result)
    assert deliver("live").delivered == 1
    assert {name for name in list_files(tmp_path) if "hr_digest" in name} == {
        "2024-03/hr-city/hr_digest-city-hr.md",
        "2024-03/hr-city/hr_digest-city-hr-r2.md",
    }


def test_simulate_is_the_default_and_sends_nothing(result, deliver, ledger, tmp_path):
    report = deliver()
    assert (report.delivered, report.simulated, report.failed) == (0, len(ledger.outbox.list_messages()), 0)
    assert set(count_by_status(ledger)) == {"queued"}
    assert {name.partition("/")[0] for name in list_files(tmp_path)} == {"simulated"}


def test_off_does_nothing(result, deliver, ledger, tmp_path):
    assert deliver("off") == DeliveryReport(0, 0, 0, 0, ())
    assert {(row.status, row.attempt_count) for row in ledger.outbox.list_messages()} == {("queued", 0)}
    assert not (tmp_path / "outbox").exists()


def test_allow_list_sends_to_its_addresses_only(result, deliver, ledger, tmp_path):
    total = len(ledger.outbox.list_messages())
    report = deliver("allow-list", allow_list=frozenset({"hr-city"}))
    assert (report.delivered, report.suppressed) == (1, total - 1)
    assert count_by_status(ledger) == {"delivered": 1, "suppressed": total - 1}
    assert {row.detail for row in ledger.outbox.list_messages(statuses=["suppressed"])} == {NOT_ALLOWED}
    assert list(list_files(tmp_path)) == ["2024-03/hr-city/hr_digest-city-hr.md"]
    assert deliver("live").delivered == 0


def test_an_unknown_mode_is_refused_with_the_known_ones(deliver):
    with pytest.raises(UsageError, match=r"'dry' is not known\. Modes are off, simulate, allow-list, live"):
        deliver("dry")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"channel": "wecom"}, "notify.yaml has no channel 'wecom'; it has file"),
        ({"address": "../elsewhere"}, "the address cannot be a folder name"),
        ({"address": "/etc"}, "the address cannot be a folder name"),
        ({"address": ".hidden"}, "the address cannot be a folder name"),
        ({"address": "a//b"}, "the address cannot be a folder name"),
        ({"address": "a\nb"}, "the address cannot be a folder name"),
    ],
)
def test_a_channel_or_address_that_cannot_be_used_fails_for_good(
    *, make_result, save, queue, deliver, ledger, tmp_path, changes, said
):
    result = save(make_result())
    queue(result, make_contacts(result, **changes))
    simulated = deliver("simulate")
    total = len(ledger.outbox.list_messages())
    assert (simulated.simulated, simulated.failed) == (0, total)
    assert set(count_by_status(ledger)) == {"queued"}
    report = deliver("live")
    assert (report.delivered, report.failed) == (0, total)
    assert count_by_status(ledger) == {"permanent_failure": total}
    details = {row.detail for row in ledger.outbox.list_messages()}
    assert len(details) == 1
    assert said in details.pop()
    assert list_files(tmp_path) == {}
    with pytest.raises(DeliveryIncomplete, match=f"{total} messages were not delivered"):
        report.refuse_incomplete()
    assert deliver("live") == DeliveryReport(0, 0, 0, 0, ())


def test_no_failure_tells_an_address(make_result, save, queue, deliver):
    result = save(make_result())
    queue(result, make_contacts(result, address="Li Lei"))
    assert not any("Li Lei" in line for line in deliver("live").failures)


def test_an_outbox_that_cannot_be_written_is_tried_again(result, deliver, ledger, moment, tmp_path):
    (tmp_path / "outbox").write_text("in the way", encoding="utf-8")
    total = len(ledger.outbox.list_messages())
    report = deliver("live")
    # After three failures in a row the folder is taken for out of order, and the rest isn't tried.
    assert (report.failed, report.waiting, report.lasting) == (3, total - 3, ())
    assert count_by_status(ledger) == {"temporary_failure": 3, "queued": total - 3}
    (tmp_path / "outbox").unlink()
    assert deliver("live").delivered == total - 3
    moment.move(59)
    assert deliver("live").delivered == 0
    moment.move(1)
    assert deliver("live").delivered == 3
    assert sorted({row.attempt_count for row in ledger.outbox.list_messages()}) == [1, 2]


def test_a_message_half_written_is_not_seen(result, ledger, tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(TransientFailure, match="No space left"):
        FileChannel(tmp_path / "outbox").send(ledger.outbox.list_messages()[0])
    assert list_files(tmp_path) == {}


def test_an_address_without_text_needs_no_folder(make_result, save, queue, deliver, tmp_path):
    result = save(make_result())
    queue(result, make_contacts(result, address=""))
    deliver("live")
    assert "2024-03/hr_digest-city-hr.md" in list_files(tmp_path)


def test_a_unit_code_is_never_a_path(ledger, result, tmp_path):
    row = ledger.outbox.list_messages()[0]
    odd = replace(row, unit_code="../x", key=f"{row.message}:../x:{row.role}:{row.month}:r1")
    FileChannel(tmp_path / "outbox").send(odd)
    assert [name.rpartition("/")[2] for name in list_files(tmp_path)] == [f"{row.message}-..%2Fx-{row.role}.md"]
