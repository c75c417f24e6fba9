import csv
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from python_calamine import CalamineWorkbook
from ruamel.yaml import YAML

from flows.errors import UsageError
from flows.month import Month
from flows.sandbox.city import Sandbox, build_sandbox
from flows.sandbox.places import ZONE_DISTRICT_CODE, ZONE_STREETS, choose_places

MARCH = Month(2024, 3)
CONFIG = Path(__file__).parents[2] / "config"


def read_feed(city: Sandbox, name: str) -> list[dict[str, Any]]:
    text = (city.folder / "feeds" / f"{name}.json").read_bytes()
    records: list[dict[str, Any]] = orjson.loads(b"[" + text.rstrip(b",\n") + b"]")
    return records


def read_sheet(file: Path, header_rows: int = 1) -> list[dict[str, Any]]:
    rows = CalamineWorkbook.from_path(file).get_sheet_by_index(0).to_python()
    header = rows[1 + header_rows] if header_rows == 1 else rows[2]
    ended = next(i for i, row in enumerate(rows) if str(row[0]).startswith("注"))
    return [dict(zip(header, row, strict=True)) for row in rows[2 + header_rows : ended]]


def find_subject(city: Sandbox, key: str) -> str:
    return next(story.subject for story in city.stories if story.key == key)


def digest_folder(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_equal_parameters_give_equal_bytes(small_city: Sandbox, tmp_path: Path) -> None:
    again = build_sandbox(tmp_path, scale="small", month=MARCH)
    assert digest_folder(again.folder) == digest_folder(small_city.folder)


def test_another_seed_gives_another_city_in_the_same_places(small_city: Sandbox, tmp_path: Path) -> None:
    other = build_sandbox(tmp_path, scale="small", month=MARCH, seed=7, history_months=0)
    feed = "comprehensive_governance/communities"
    assert read_feed(other, feed) == read_feed(small_city, feed)
    assert other.counts != small_city.counts


def test_a_city_that_stands_already_is_used_as_it_is(small_city: Sandbox) -> None:
    manifest = small_city.folder / "sandbox.json"
    before = manifest.stat().st_mtime_ns
    again = build_sandbox(small_city.folder, scale="small", month=MARCH)
    assert (manifest.stat().st_mtime_ns, again.stories) == (before, small_city.stories)


def test_a_month_without_an_official_calendar_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="1999"):
        build_sandbox(tmp_path, scale="small", month=Month(1999, 5))


def test_an_unknown_scale_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="small or city"):
        build_sandbox(tmp_path, scale="province", month=MARCH)


def test_the_small_city_has_24_communities_and_about_20000_events_a_month(small_city: Sandbox) -> None:
    assert small_city.counts["comprehensive_governance/communities"] == 24
    ids = {r["eventId"] for r in read_feed(small_city, "comprehensive_governance/events")}
    ids |= {r["ajbh"] for r in read_feed(small_city, "law_enforcement/events")}
    ids |= {r["id"] for r in read_feed(small_city, "public_service/events")}
    months = Counter(event_id[2:8] for event_id in ids)
    assert sorted(months) == ["202312", "202401", "202402", "202403"]
    assert all(19_000 <= count <= 21_000 for count in months.values())


def test_the_city_scale_has_247_communities_and_3858_grids_in_ten_districts() -> None:
    places = choose_places("city", 2024)
    assert (places.count, places.grid_counts.sum()) == (247, 3858)
    assert len({place.district_code for place in places.communities}) == 10


def test_the_zone_is_reported_as_its_national_district_and_mapped_by_the_shipped_overrides(
    small_city: Sandbox,
) -> None:
    mapping = YAML(typ="safe").load(CONFIG / "platforms" / "comprehensive_governance.yaml")
    override = mapping["resources"]["communities"]["overrides"]["district_code"]
    assert override == {"by": "street_code", "values": dict.fromkeys(ZONE_STREETS, ZONE_DISTRICT_CODE)}
    zone = [
        r for r in read_feed(small_city, "comprehensive_governance/communities") if r["streetCode"] in ZONE_STREETS
    ]
    assert {record["areaCode"] for record in zone} == {"410202"}


def test_about_three_rows_in_a_thousand_must_not_pass(small_city: Sandbox) -> None:
    known = {r["communityCode"] for r in read_feed(small_city, "comprehensive_governance/communities")}
    events = read_feed(small_city, "comprehensive_governance/events")
    faults = {
        "unknown community": [r for r in events if r["communityCode"] not in known],
        "grid of another community": [
            r
            for r in events
            if r["communityCode"] in known and (r["gridCode"] or r["communityCode"])[:12] != r["communityCode"]
        ],
        "unknown category": [r for r in events if r["eventType"] == "待认领"],
        "closed before reported": [r for r in events if r["finishTime"] and r["finishTime"] < r["reportTime"]],
        "closed without a time": [r for r in events if r["eventState"] == "已办结" and not r["finishTime"]],
        "due before reported": [r for r in events if r["limitTime"] and r["limitTime"] < r["reportTime"]],
        "negative count": [r for r in events if r["returnTimes"] < 0],
    }
    assert all(faults.values())
    assert 0.001 < sum(map(len, faults.values())) / len(events) < 0.005


def test_the_weak_branch_stands_in_the_last_sheet_and_the_missing_one_does_not(
    small_city: Sandbox, sheets_folder: Path
) -> None:
    before = read_sheet(sheets_folder / "支部月报-2024-02.xlsx", header_rows=2)
    last = read_sheet(sheets_folder / "支部月报-2024-03.xlsx", header_rows=2)
    assert [row["社区代码"] for row in last if row["软弱涣散"] == "是"] == [
        find_subject(small_city, "veto_weak_branch")
    ]
    missing = {row["社区代码"] for row in before} - {row["社区代码"] for row in last}
    assert missing == {find_subject(small_city, "missing_data")}


def test_incidents_of_the_month_hold_the_confirmed_and_the_withdrawn_one(small_city: Sandbox) -> None:
    incidents = read_feed(small_city, "comprehensive_governance/incidents")
    march = {(r["communityCode"], r["incidentState"]) for r in incidents if r["happenDate"].startswith("2024-03")}
    assert (find_subject(small_city, "veto_incident"), "已核实") in march
    assert {code for code, state in march if state == "已撤销"} == {find_subject(small_city, "withdrawn_incident")}


def test_three_false_closures_of_the_month_are_on_one_star_of_the_planted_community(small_city: Sandbox) -> None:
    cases = {r["ajbh"]: r["ajlx"] for r in read_feed(small_city, "law_enforcement/events")}
    first, last = (int(instant.timestamp()) * 1000 for instant in (MARCH.starts_at, MARCH.ends_at))
    found = [
        cases[check["source_id"]]
        for check in read_feed(small_city, "supervision/checks")
        if check["community"] == find_subject(small_city, "false_closures")
        and check["result"] == "虚假办结"
        and first <= check["checked_ts"] < last
    ]
    assert found == ["城管案件"] * 3


def test_tied_communities_are_of_one_district(small_city: Sandbox) -> None:
    communities = read_feed(small_city, "comprehensive_governance/communities")
    districts = {record["communityCode"]: record["areaCode"] for record in communities}
    first, second = (find_subject(small_city, key) for key in ("tied_first", "tied_second"))
    assert first != second
    assert districts[first] == districts[second]


def test_every_kind_of_proposal_and_hold_has_its_worker_in_the_last_roster(
    small_city: Sandbox, sheets_folder: Path
) -> None:
    before = {row["工号"]: row for row in read_sheet(sheets_folder / "人员名册-2024-02.xlsx")}
    last = {row["工号"]: row for row in read_sheet(sheets_folder / "人员名册-2024-03.xlsx")}
    appraised = {(r["工号"], int(r["年度"])): r["考核结果"] for r in read_sheet(sheets_folder / "年度考核.xlsx")}
    with (sheets_folder / "处分.csv").open(encoding="gb18030") as file:
        sanctioned = {row["工号"] for row in csv.DictReader(file)}

    def who(key: str) -> str:
        return find_subject(small_city, key)

    assert who("initial") in last
    assert who("initial") not in before
    assert last[who("initial")]["现等级"] == ""
    assert [before[who("promoted")]["岗位"], last[who("promoted")]["岗位"]] == ["其他", "副职"]
    assert [before[who("demoted")]["岗位"], last[who("demoted")]["岗位"]] == ["副职", "其他"]
    assert [before[who("raise_degree")]["学历"], last[who("raise_degree")]["学历"]] == ["大专及以下", "硕士研究生"]
    # Effective 2024-04-01, so the appraisal of 2023 counts (policy §4).
    assert appraised[who("hold_basic"), 2023] == "基本合格"
    assert appraised[who("hold_incompetent"), 2023] == "不合格"
    assert (who("hold_missing"), 2023) not in appraised
    assert {who("hold_sanction"), who("hold_twice")} <= sanctioned
    assert appraised[who("hold_twice"), 2023] == "基本合格"


def test_the_written_configuration_differs_from_the_shipped_one_only_in_base_pay(
    small_city: Sandbox, tmp_path: Path
) -> None:
    target = tmp_path / "config"
    small_city.write_config(CONFIG, target)
    changed = [name for name, digest in digest_folder(CONFIG).items() if digest_folder(target)[name] != digest]
    assert changed == ["policy/pay.yaml"]
    yaml = YAML(typ="safe")
    shipped, written = yaml.load(CONFIG / "policy" / "pay.yaml"), yaml.load(target / "policy" / "pay.yaml")
    base = written.pop("base_fen")["values"][0]
    shipped.pop("base_fen")
    # 3,400.00 yuan is 340,000 fen (policy §5).
    assert (base["value"], base["tag"]) == (340_000, "assumed")
    assert written == shipped


def test_the_environment_fills_every_placeholder_of_the_shipped_platforms(running_city: Sandbox) -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in (CONFIG / "platforms").glob("*.yaml"))
    names = {part.split("}")[0] for part in text.split("${")[1:]}
    assert names == set(running_city.environment)
