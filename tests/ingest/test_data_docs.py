"""Data Docs: what was found, in Chinese, on pages that ask nobody for anything and hold no raw value."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote

import pytest
from check_source import make_check, write_check_source
from ingest_kit import CONFIG, MARCH, NOW
from platform_server import PlatformServer, Reply, make_incidents, write_incident_source
from quality_cases import REFERENCES

from flows.house import House
from flows.ingest.crosscheck import judge_across_tables
from flows.ingest.datadocs.pages import ResultPage, write_share
from flows.ingest.datadocs.site import _list_expectations, find_data_docs, write_data_docs
from flows.ingest.describe.rules import PullRule, RowRule, load_rules
from flows.ingest.describe.source import Source
from flows.ingest.judging.predicates import list_checks
from flows.ingest.judging.quality import SEVERITIES
from flows.ingest.reports import PullReport
from flows.month import Month
from flows.schema import TABLES
from flows.wording import describe_column

Pull = Callable[..., PullReport]
MakeSource = Callable[[str], Source]

MARCH_2024 = Month(2024, 3)
HOUR = timedelta(hours=1)
SINCE = "since: {param: since}"
"""With it a pull holds only its window."""


class Reader(HTMLParser):
    """A page as a reader sees it: its rows of cells, its text, and all that it refers to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.references: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self._in_style = False
        self._in_cell = False
        self.source = page.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._in_style = tag == "style"
        self.references += [
            value or "" for name, value in attrs if name in {"src", "href", "srcset", "data", "action"}
        ]
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")
            self._in_cell = True

    def handle_data(self, data: str) -> None:
        if self._in_style:
            return
        self.text += data
        if self._in_cell:
            self.rows[-1][-1] = " ".join(f"{self.rows[-1][-1]} {data}".split())

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False
        self._in_cell = self._in_cell and tag not in {"td", "th"}

    def find_row(self, *words: str) -> list[str]:
        """The one row that has all the words."""
        [row] = [row for row in self.rows if all(any(word in cell for cell in row) for word in words)]
        return row


@pytest.fixture
def write(house: House) -> Callable[..., Path]:
    """Writes March's Data Docs; the folder in which they lie."""
    (house.settings.config / "policy").symlink_to(CONFIG / "policy")

    def run(month: Month = MARCH_2024) -> Path:
        return write_data_docs(house, month, find_data_docs(house.settings.home, month)).parent

    return run


def find_result(site: Path, resource: str) -> Path:
    [page] = site.glob(f"validations/**/*-{resource}.html")
    return page


def digest_site(site: Path) -> dict[str, str]:
    return {str(it.relative_to(site)): sha256(it.read_bytes()).hexdigest() for it in site.rglob("*") if it.is_file()}


def make_bad_incidents() -> list[dict[str, Any]]:
    """Ten incidents: one of an unknown community, one of an unknown kind, one with a community code too short."""
    rows = make_incidents(10)
    rows[0]["community"] = "410202001999"
    rows[1]["kind"] = "王小明的来信"
    rows[2]["community"] = "4102"
    return rows


def test_each_rule_shows_how_many_rows_it_judged_and_found_at_fault(
    pull: Pull, platform: PlatformServer, write: Callable[..., Path]
) -> None:
    platform.answer = lambda _: Reply({"items": make_bad_incidents()})
    report = pull(write_incident_source(), tables={"incidents"})
    # 3 of 10 rejected is more than 20 %: the pull is refused, and what it found is shown nonetheless.
    assert report.pulls[0].status == "refused"
    site = write()
    page = Reader(find_result(site, "incidents"))
    assert "校验结果：test_platform · 三零事件 · 2024年3月" in page.text
    found = page.find_row("社区不在名册", "community_registered")
    assert found[:7] == [
        "不符合", "警告", "社区不在名册 community_registered", "社区代码 community_code", "10 行", "2 行", "20.00%",
    ]  # fmt: skip
    assert found[7] == "社区代码须在社区名册中；名册的历次版本都算。"
    # Not null and not of three letters: the short code breaks this too.
    assert page.find_row("community_code_pattern")[4:7] == ["10 行", "1 行", "10.00%"]
    share = page.find_row("整次取数", "rejected_share")
    assert share[:2] == ["不符合", "严重"]
    assert "最近一次测得 30 %，限值 20 %" in share[7]
    assert page.find_row("必填项为空", "发生日期")[:1] + page.find_row("必填项为空", "发生日期")[4:6] == [
        "符合", "10 行", "0 行",
    ]  # fmt: skip
    # Fewer than three months stand before it.
    assert page.find_row("整次取数", "month_count")[:6] == [
        "未检查",
        "提示",
        page.find_row("整次取数", "month_count")[2],
        "整次取数",
        "—",
        "—",
    ]
    index = Reader(site / "index.html")
    assert index.find_row("三零事件", "查看明细")[2:8] == ["1 次", "10", "0", "3", "30.00%", "整批拒收"]
    assert "社区不在名册（社区代码） 2 行" in index.find_row("三零事件", "查看明细")[8]


def test_no_page_refers_to_anything_outside_the_site(
    pull: Pull, platform: PlatformServer, write: Callable[..., Path]
) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(3)})
    pull(write_incident_source())
    site = write()
    pages = sorted(site.rglob("*.html"))
    # The index, a suite and a result.
    assert len(pages) == 3
    assert {page.suffix for page in site.rglob("*") if page.is_file()} == {".html"}
    for path in pages:
        page = Reader(path)
        assert "script" not in page.tags
        assert not re.search(r"https?:|//|@import|url\(", page.source.replace("<!DOCTYPE html>", ""))
        for reference in page.references:
            assert (path.parent / unquote(reference)).resolve().is_relative_to(site.resolve())
            assert (path.parent / unquote(reference)).is_file()


def test_every_result_and_suite_can_be_reached_from_the_first_page(
    pull: Pull, platform: PlatformServer, write: Callable[..., Path]
) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(3)})
    pull(write_incident_source())
    site = write()
    linked = {(site / unquote(it)).resolve() for it in Reader(site / "index.html").references}
    assert linked == {page.resolve() for page in site.rglob("*.html")} - {(site / "index.html").resolve()}


def test_no_raw_value_stands_on_any_page(pull: Pull, platform: PlatformServer, write: Callable[..., Path]) -> None:
    platform.answer = lambda _: Reply({"items": make_bad_incidents()})
    pull(write_incident_source())
    for path in write().rglob("*.html"):
        content = path.read_text(encoding="utf-8")
        assert not any(value in content for value in ("王小明", "410202001999", "I0"))


def test_the_same_ledger_gives_the_same_bytes(
    pull: Pull, platform: PlatformServer, write: Callable[..., Path]
) -> None:
    platform.answer = lambda _: Reply({"items": make_bad_incidents()})
    pull(write_incident_source())
    first = digest_site(write())
    assert digest_site(write()) == first


def test_a_site_takes_the_place_of_the_one_before_whole(
    pull: Pull, platform: PlatformServer, write: Callable[..., Path]
) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(3)})
    pull(write_incident_source())
    site = write()
    before = digest_site(site)
    (site / "validations" / "gone.html").write_text("old", encoding="utf-8")
    assert digest_site(write()) == before
    assert list((site.parent / ".staging").iterdir()) == []


def test_two_that_write_one_month_at_once_leave_one_whole_site(
    pull: Pull, platform: PlatformServer, write: Callable[..., Path]
) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(3)})
    pull(write_incident_source())
    before = digest_site(write())
    with ThreadPoolExecutor(max_workers=4) as pool:
        sites = list(pool.map(lambda _: write(), range(8)))
    assert [digest_site(site) for site in set(sites)] == [before]


def test_a_site_that_could_not_be_made_leaves_the_one_before(
    pull: Pull, platform: PlatformServer, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(3)})
    pull(write_incident_source())
    site = write()
    before = digest_site(site)

    def fail(*_: object) -> None:
        raise ValueError("no page")

    # The builder only logs such an error, and leaves the page out.
    monkeypatch.setattr(ResultPage, "render", fail)
    with pytest.raises(RuntimeError, match="Data Docs, 2024-03: 1 of 3 pages could be made"):
        write()
    assert digest_site(site) == before


def test_a_month_without_a_pull_says_so(make_source: MakeSource, write: Callable[..., Path]) -> None:
    make_source(write_incident_source(SINCE))
    index = Reader(write(Month(2021, 5)) / "index.html")
    assert index.find_row("test_platform", "未到位")[2] == "no pull of incidents holds 2021-05 up to its cutoff"
    assert index.find_row("test_platform", "查看规则")[:3] == ["test_platform", "三零事件", "12"]


def test_what_a_source_did_not_bring_stands_beside_what_it_did(
    pull: Pull, platform: PlatformServer, write: Callable[..., Path]
) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(3)})
    pull(write_incident_source(SINCE), window=(MARCH[0], MARCH[0] + 24 * HOUR))
    index = Reader(write() / "index.html")
    assert index.find_row("test_platform", "部分到位")
    assert index.find_row("test_platform", "查看明细")[2:4] == ["1 次", "3"]


def test_short_pulls_add_up_and_a_whole_one_takes_their_place(
    pull: Pull, platform: PlatformServer, write: Callable[..., Path]
) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(3)})
    for day in range(3):
        start_at = MARCH[0] + 24 * day * HOUR
        pull(write_incident_source(SINCE), window=(start_at, start_at + 24 * HOUR))
    # April's first hours are another month's.
    pull(write_incident_source(SINCE), window=(MARCH_2024.ends_at, MARCH_2024.ends_at + HOUR))
    page = Reader(find_result(write(), "incidents"))
    assert "计数是 3 次取数之和" in page.text
    assert page.find_row("必填项为空", "发生日期")[4:6] == ["9 行", "0 行"]
    assert page.find_row("整次取数", "rejected_share")[4:6] == ["3 次", "0 次"]
    pull(write_incident_source(SINCE))
    page = Reader(find_result(write(), "incidents"))
    assert "次取数之和" not in page.text
    assert page.find_row("必填项为空", "发生日期")[4:6] == ["3 行", "0 行"]


def test_a_pull_that_broke_before_a_record_hides_nothing(
    pull: Pull, platform: PlatformServer, write: Callable[..., Path]
) -> None:
    platform.answer_in_turn(
        Reply({"items": make_incidents(3)}), Reply(b"<html>", headers={"content-type": "text/html"})
    )
    pull(write_incident_source())
    assert pull(write_incident_source()).pulls[0].status == "broken"
    index = Reader(write() / "index.html")
    assert index.find_row("三零事件", "查看明细")[2:8] == ["1 次", "3", "3", "0", "0.00%", "全部通过"]
    assert index.find_row("test_platform", "未到位")


def test_a_rule_that_is_no_longer_in_the_file_is_still_shown(
    pull: Pull, house: House, platform: PlatformServer, write: Callable[..., Path]
) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(3)})
    pull(write_incident_source())
    quality = house.settings.config / "quality"
    text = (quality / "incidents.yaml").read_text(encoding="utf-8")
    quality.unlink()
    quality.mkdir()
    for file in (CONFIG / "quality").glob("*.yaml"):
        (quality / file.name).write_bytes(file.read_bytes())
    (quality / "incidents.yaml").write_text(text.replace("id: listed", "id: known_values"), encoding="utf-8")
    page = Reader(find_result(write(), "incidents"))
    assert page.find_row("listed", "类型")[7] == "规则文件里已没有这条规则。"
    assert page.find_row("known_values", "类型")[0] == "未检查"


def test_checks_on_unknown_events_are_shown_by_platform(
    pull: Pull, house: House, make_source: MakeSource, platform: PlatformServer, write: Callable[..., Path]
) -> None:
    rows = [make_check(number, NOW - 100 * HOUR, platform="law_enforcement") for number in range(4)]
    platform.answer = lambda _: Reply({"items": rows})
    pull(write_check_source())
    judge_across_tables(house, [make_source(write_check_source())])
    page = Reader(find_result(write(), "checks"))
    row = page.find_row("event_landed")
    assert row[:2] + row[4:7] == ["不符合", "提示", "4 行", "4 行", "100.00%"]
    assert row[7].endswith("应已入库。 执法监管平台：4 行中 4 行，100.00%")


@pytest.mark.parametrize("name", ["三零事件", "a/b", "a.b", "../x", "100%", "a b"])
def test_a_resource_may_have_any_name(
    name: str, pull: Pull, platform: PlatformServer, write: Callable[..., Path]
) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(1)})
    pull(write_incident_source().replace("\n  incidents:", f"\n  {name!r}:"))
    site = write()
    assert name in Reader(site / "index.html").find_row("三零事件", "查看明细")[1]
    for reference in Reader(site / "index.html").references:
        assert (site / unquote(reference)).is_file()


def test_what_messages_say_is_text_not_markup(
    pull: Pull, house: House, platform: PlatformServer, write: Callable[..., Path]
) -> None:
    platform.answer = lambda _: Reply({"items": [{**it, "<b onclick=x>": 1} for it in make_incidents(1)]})
    pull(write_incident_source())
    assert "onclick" in house.ledger.list_pulls("test_platform")[0].warnings[0]
    for path in write().rglob("*.html"):
        assert "<b onclick" not in path.read_text(encoding="utf-8")


def test_each_rule_of_each_shipped_file_is_an_expectation_with_words_and_its_severity() -> None:
    rules = load_rules(CONFIG / "quality")
    kinds = set()
    for table in rules.values():
        expectations = list(_list_expectations(table, REFERENCES))
        expected = {check.key for check in list_checks(table, REFERENCES.bands)}
        expected |= {rule.id for rule in table.pull_rules}
        expected |= {f"{rule.id}:{rule.column}" for rule in table.cross_rules}
        assert {it.meta["key"] for it in expectations} == expected
        severities = {rule.id: rule.severity for rule in table.rules}
        for it in expectations:
            assert it.description.endswith("。")
            assert it.notes
            assert it.configuration.severity.value == SEVERITIES[severities[it.meta["rule"]]]
        kinds |= {rule.kind for rule in table.rules}
    # What is shipped holds every kind there is, so that every kind's words are seen.
    assert kinds == {
        get_args(it.model_fields["kind"].annotation)[0] for it in (*get_args(RowRule), *get_args(PullRule))
    } | {"known_event"}


def test_every_column_has_a_chinese_name() -> None:
    columns = {column.name for table in TABLES.values() for column in table.columns}
    assert {name for name in columns if describe_column(name) == name} == set()


@pytest.mark.parametrize(
    # A share that is not nothing is never written as nothing: 1 of 20,001 is 0.00499 %.
    ("part", "whole", "text"),
    [(0, 0, "—"), (0, 5, "0.00%"), (1, 20_000, "0.01%"), (1, 20_001, "<0.01%"), (1, 3, "33.33%"), (5, 5, "100.00%")],
)
def test_a_share_is_written_in_percent(part: int, whole: int, text: str) -> None:
    assert write_share(part, whole) == text
