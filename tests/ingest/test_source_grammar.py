"""A platform file says exactly what is meant, or is refused with a line that says what to mend."""

from collections.abc import Callable
from pathlib import Path

import pytest
from platform_server import INCIDENT_FIELDS, write_incident_source

from flows.errors import ConfigurationError
from flows.ingest.describe.source import FilesSource, RestSource, Source, list_resources, load_source, load_sources

MakeSource = Callable[[str], Source]
CONFIG = Path(__file__).parents[2] / "config"


def test_the_shipped_platform_files_load_registers_first() -> None:
    sources = load_sources(CONFIG / "platforms", lambda _: None)
    assert sources[0].platform == "comprehensive_governance"
    assert [name for name, _ in list_resources(sources[0])][:2] == ["communities", "grids"]


def test_the_example_of_the_contract_loads(make_source: MakeSource) -> None:
    source = make_source(
        """
platform: public_service
title: 便民服务平台
card: {owner: a, legal_basis: b, cadence: hourly, contact: c, quirks: [d]}
connection:
  kind: rest
  base_url: ${PUBLIC_SERVICE_URL}
  auth: {kind: bearer, token: ${PUBLIC_SERVICE_TOKEN}}
  rate_limit: 50/second
  timeout_seconds: 30
resources:
  checks:
    table: checks
    request: {path: /v1/events, params: {size: 2000}}
    records: data.items
    total: data.total
    pages: {kind: cursor, param: cursor, next: data.next}
    since: {param: updated_since, format: iso, lag: 2h, slice: 1d, cap: 1000}
    timezone: Asia/Shanghai
    fields: {check_id: id, platform: p, event_id: e, community_code: c, finding: f, checked_at: t, updated_at: u}
    codes: {finding: {属实: verified, default: rework}}
    contract: evolve
"""
    )
    assert isinstance(source, RestSource)
    assert source.connection.pause.total_seconds() == 0.02


def test_a_literal_secret_is_in_no_representation(make_source: MakeSource) -> None:
    source = make_source(write_incident_source(auth="{kind: basic, username: me, password: hunter2}"))
    assert "hunter2" not in repr(source)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title: Test", "titel: Test", "test_platform.yaml: unknown key titel. Valid keys: platform, title, card"),
        ("title: Test", "title: 5", "test_platform.yaml, title: is 5. It must be text."),
        ("title: Test\n", "", "test_platform.yaml, title: is missing. Add it."),
        (
            "kind: rest",
            "kind: ftp",
            "test_platform.yaml, connection.kind: unknown kind 'ftp'. Valid kinds: rest, files, database.",
        ),
        (
            "  kind: rest\n",
            "",
            "test_platform.yaml, connection.kind: is missing. Valid kinds: rest, files, database.",
        ),
        ("kind: none", "kind: digest", "connection.auth: unknown kind 'digest'. Valid kinds: none, bearer, basic"),
        ("kind: none", "kind: bearer", "connection.auth.token: is missing. Add it."),
        ("kind: none", "kind: bearer, tokn: hunter2", "connection.auth: unknown key tokn. Valid keys: kind, token."),
        (
            "kind: none",
            "kind: bearer, token: hunter2, token: hunter22",
            'found duplicate key "token". Mend that line.',
        ),
        ("path: /list", "path: /list, headers: {X-Key: 73}", "headers.X-Key: is the value. It must be text."),
        ("kind: none", "kind: bearer, token: 5", "connection.auth.token: is the value. It must be text."),
        ("records: items", "record: items", "resources.incidents: unknown key record. Valid keys: table, timezone"),
        ("table: incidents", "table: incident", "table is 'incident'. Canonical tables: communities, grids, events"),
        (
            "incident_id: id",
            "incident_no: id",
            "fields.incident_no: incidents has no such column. It has: incident_id",
        ),
        ("incident_id: id, ", "", "incident_id: neither mapped nor defaulted, but incidents must not be without"),
        ("platform: test_platform", "platform: other", "platform: is 'other', but the file is named 'test_platform'"),
    ],
)
def test_what_is_wrong_is_told_with_file_key_and_remedy(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = write_incident_source()
    assert old in text
    file = tmp_path / "test_platform.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load_source(file, lambda _: None)
    assert message in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("timezone: China", "'China' is not a time zone"),
        ("contract: strict", "contract: is 'strict'. It must be evolve, freeze or discard_row."),
        ("pages: {kind: pages}", "pages: unknown kind 'pages'. Valid kinds: none, page, offset, cursor, next_url"),
        ("pages: {kind: offset, limit: 0}", "pages.limit: is 0. It must be greater than or equal 1."),
        ("since: {param: s, lag: 40000d}", "since.lag: '40000d' is longer than a century"),
        ("since: {param: s, lag: 2 hours}", "since.lag: '2 hours' is not a span of time"),
        (
            "codes: {kind: {a: petitions}}",
            "codes.kind: 'petitions' is not a value of kind. It may be: petition, accident",
        ),
        ("codes: {urgent: {a: true}}", "codes.urgent: incidents has no such column"),
        ("defaults: {status: yes}", "defaults.status: 'yes' is not a value of status"),
        ("defaults: {occurred_on: 2024-03}", "defaults.occurred_on: '2024-03' is not a value"),
        ("formats: {kind: '%Y'}", "formats.kind: only instants and dates have a format"),
        (
            "overrides: {kind: {by: street, values: {a: crime}}}",
            "overrides.kind.by.street: incidents has no such column",
        ),
        ("overrides: {kind: {by: status, values: {a: b}}}", "overrides.kind.values: 'b' is not a value of kind"),
        ("since: {param: s, format: unix}", "since.format: is 'unix'. It must be iso, local, epoch_s or epoch_ms."),
    ],
)
def test_what_is_wrong_in_a_resource_is_told(make_source: MakeSource, line: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make_source(write_incident_source(line))
    assert message in str(raised.value)


@pytest.mark.parametrize("rate", ["50", "0/second", "5/hour"])
def test_a_rate_is_a_number_per_second_or_minute(make_source: MakeSource, rate: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a rate"):
        make_source(write_incident_source(connection=f"rate_limit: {rate}"))


def test_every_fault_of_a_file_is_told_at_once(make_source: MakeSource) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make_source(write_incident_source("timezone: Mars\npages: {kind: all}"))
    assert len(str(raised.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"platform: [", "line 1 is not YAML"),
        (b"a: 1\na: 2", "line 2 is not YAML"),
        (b"a:\n- 2027-13-45", "line 2 is not YAML: it looks like a date or number, but there is no such one. Mend"),
        (b"- a", "must be a mapping"),
        ("platform: 执法监管平台".encode("gb18030"), "not UTF-8 text"),
        (b"a: \x07", "a character that YAML forbids"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=message):
        load_source(file, lambda _: None)


def test_a_folder_in_the_place_of_a_file_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").mkdir()
    with pytest.raises(ConfigurationError, match=r"bad\.yaml: the file cannot be read \(Is a directory\)"):
        load_source(tmp_path / "bad.yaml", lambda _: None)


def test_a_folder_without_platform_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds no platform file"):
        load_sources(tmp_path, lambda _: None)


EVENT_FIELDS = (
    "{event_id: a, community_code: a, category: a, tier: a, urgent: a, reported_at: a, status: a, forced_close: a, "
    "reopened: a, updated_at: a%s}"
)


def make_event_source(more: str = "", field: str = "") -> str:
    fields = EVENT_FIELDS % field
    text = write_incident_source(f"fields: {fields}{more}").replace("table: incidents", "table: events")
    assert INCIDENT_FIELDS not in text
    return text


def test_events_need_no_platform_for_they_carry_their_sources_id(make_source: MakeSource) -> None:
    assert make_source(make_event_source()).tables == {"events"}


def test_events_may_repeat_their_sources_id(make_source: MakeSource) -> None:
    assert make_source(make_event_source("\ndefaults: {platform: test_platform}"))


def test_events_may_not_name_another_platform(make_source: MakeSource) -> None:
    with pytest.raises(ConfigurationError, match="Events carry their source's id, 'test_platform'"):
        make_source(make_event_source("\ndefaults: {platform: public_service}"))


@pytest.mark.parametrize("pattern", ["/srv/*.csv", "../*.csv", "", ".", "a**b"])
def test_a_pattern_of_files_stays_below_the_folder(make_source: MakeSource, pattern: str) -> None:
    with pytest.raises(ConfigurationError, match="not a pattern of names below"):
        make_source(
            f"""
platform: sheets
title: 手工报表
connection: {{kind: files, path: drop}}
resources:
  sanctions:
    table: sanctions
    files: "{pattern}"
    format: csv
    fields: {{staff_id: 工号, kind: 处分种类, effective_on: 生效日期}}
"""
        )


def test_a_folder_of_files_is_a_source(make_source: MakeSource) -> None:
    source = make_source(
        """
platform: sheets
title: 手工报表
card: {owner: a, legal_basis: b, cadence: c, contact: d}
connection: {kind: files, path: drop}
resources:
  sanctions:
    table: sanctions
    files: "处分*.csv"
    format: csv
    footer: {rows: 1}
    fields: {staff_id: 工号, kind: 处分种类, effective_on: 生效日期}
"""
    )
    assert isinstance(source, FilesSource)
    assert source.tables == {"sanctions"}
