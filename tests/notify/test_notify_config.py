"""`notify.yaml` and its templates are refused if anything in them is doubtful."""

from datetime import time
from pathlib import Path

import pytest
from notify_faults import spoil

from flows.errors import ConfigurationError
from flows.notify.config import load_notify_config
from flows.notify.timing import QuietHours


def test_the_shipped_settings_simulate_and_know_every_message(config):
    assert config.mode == "simulate"
    assert set(config.messages) == {
        "star_card",
        "district_ranking",
        "hr_digest",
        "review_reminder",
        "publication_notice",
        "sanity_alarm",
        "missing_contacts",
        "overdue_digest",
        "overdue_digest_street",
        "overdue_digest_district",
        "platform_silent",
        "data_quality_alarm",
        "run_failure",
    }
    assert set(config.channels) == {"file"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("mode: simulate", "mode: dry-run", ["mode", "'dry-run'", "'allow-list'", "'live'"]),
        ("allow_list: []", "allowlist: []", ["allowlist", "mode, allow_list, channels, messages"]),
        ("rejected_pct: 5", "rejected_pct: 101", ["alarms.rejected_pct", "101"]),
        ("rejected_pct: 5", "rejected_pct: -1", ["alarms.rejected_pct", "-1"]),
        ("repeat_days: 3", "repeat_days: 0", ["alarms.silence_repeat_days", "0"]),
        ("repeat_days: 3", "repeat: 3", ["alarms.silence_repeat", "rejected_pct, rejected_rows_minimum, silence_"]),
        ("{kind: file, folder", "{kind: file, path: x, folder", ["channels.file.path", "kind, folder"]),
        ("kind: file", "kind: fax", ["channels.file.kind", "'fax'", "file, wecom, dingtalk, feishu, email, sms"]),
        ("{kind: file, folder", "{folder", ["channels.file.kind: missing", "file, wecom, dingtalk"]),
        ("{kind: file, folder: outbox}", "fax", ["channels.file", "dictionary"]),
        (
            "    role: secretary",
            "    roles: secretary",
            ["messages.star_card.roles", "subject, template, tier, role"],
        ),
        ("    role: secretary\n", "", ["messages.star_card.role", "missing"]),
        ("    role: secretary", "    role: mayor", ["messages.star_card.role", "'mayor'", "'secretary'"]),
        ("  star_card:", "  starcard:", ["messages.starcard", "'star_card'"]),
        ("tier: community", "tier: district", ["messages.star_card.tier", "district", "write community"]),
        (
            "template: star_card.md.j2",
            "template: card.md.j2",
            ["messages.star_card.template", "templates/card.md.j2"],
        ),
        ("template: star_card.md.j2", "template: ../card.md.j2", ["messages.star_card.template"]),
        ("{{ month }}星级卡", "{{ moon }}星级卡", ["messages.star_card.subject", "'moon'", "month"]),
        ("role: [hr, engineer]", "role: []", ["messages.missing_contacts.role", "at least 1"]),
        ("role: [hr, engineer]", "role: [hr, mayor]", ["messages.missing_contacts.role", "'mayor'"]),
        ("    days: working", "    days: weekday", ["messages.star_card.days", "'any' or 'working'"]),
        ("    days: working", "    day: working", ["messages.star_card.day", "tier, role, days, urgent"]),
        ('start: "21:00"', 'start: "24:00"', ["timing.quiet_hours.start", "'24:00'"]),
        ('start: "21:00"', 'from: "21:00"', ["timing.quiet_hours.from", "takes start, end"]),
        ('start: "21:00"', 'start: "07:00"', ["timing.quiet_hours", "begin and end at 07:00"]),
        ("daily_limit: 8", "daily_limit: 0", ["timing.daily_limit", "0"]),
        ("daily_limit: 8", "limit: 8", ["timing.limit", "quiet_hours, daily_limit, silent_channels"]),
        ("silent_channels: [file]", "silent_channels: [fax]", ["timing.silent_channels", "'fax'", "there are file"]),
        ("：{{ subject }}", "：{{ body }}", ["correction.subject", "'body'", "subject, headline"]),
        ("：{{ subject }}", "", ["correction.subject", "placeholder subject is missing"]),
        ("template: correction.md.j2", "template: c.md.j2", ["correction.template", "templates/c.md.j2"]),
        ("template: correction.md.j2", "file: correction.md.j2", ["correction.file", "subject, template"]),
        ("mode: simulate", "mode: [", ["notify.yaml", "not YAML"]),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_valid(config_folder: Path, old: str, new: str, said: list[str]):
    spoil(config_folder / "notify.yaml", old, new)
    with pytest.raises(ConfigurationError) as refused:
        load_notify_config(config_folder)
    assert all(words in str(refused.value) for words in said), str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{{ street_name }}", "{{ secretary_name }}", ["placeholder 'secretary_name'", "community_name"]),
        ("{{ line.title }}", "{{ line.name }}", ["attribute 'name'", "title"]),
        ("{{ line.title }}", "{{ line['name'] }}", ["attribute 'name'"]),
        ("> {{ label }}。", "> ", ["placeholder label is missing"]),
        ("{% endfor %}", "{% endfr %}", ["line", "not a Jinja template"]),
        ("> {{ label }}", '{% include "hr_digest.md.j2" %}{{ label }}', ["stands alone"]),
    ],
)
def test_a_wrong_template_is_refused_at_load(config_folder: Path, old: str, new: str, said: list[str]):
    spoil(config_folder / "templates" / "star_card.md.j2", old, new)
    with pytest.raises(ConfigurationError) as refused:
        load_notify_config(config_folder)
    assert all(words in str(refused.value) for words in ["templates/star_card.md.j2", *said]), str(refused.value)


def test_what_the_settings_leave_open_about_timing_holds_nothing(config_folder: Path):
    text = (config_folder / "notify.yaml").read_text(encoding="utf-8")
    start, end = text.index("timing:"), text.index("# Remove a message")
    (config_folder / "notify.yaml").write_text(text[:start] + text[end:], encoding="utf-8")
    timing = load_notify_config(config_folder).timing
    assert (timing.quiet_hours, timing.daily_limit, timing.silent_channels) == (None, None, frozenset())


def test_the_shipped_settings_leave_people_alone_at_night_and_on_days_off(config):
    assert config.timing.quiet_hours == QuietHours(time(21), time(7))
    days = {name: timing.days for name, timing in config.timing.messages.items()}
    engineers = {"sanity_alarm", "platform_silent", "data_quality_alarm", "run_failure"}
    assert {name for name, kind in days.items() if kind == "any"} == engineers
    assert [name for name, timing in config.timing.messages.items() if timing.urgent] == ["run_failure"]


def test_a_missing_settings_file_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"notify\.yaml: not there"):
        load_notify_config(tmp_path)


def test_a_message_that_is_taken_out_of_the_settings_is_not_needed(config_folder: Path):
    text = (config_folder / "notify.yaml").read_text(encoding="utf-8")
    start, end = text.index("  sanity_alarm:"), text.index("  missing_contacts:")
    (config_folder / "notify.yaml").write_text(text[:start] + text[end:], encoding="utf-8")
    assert "sanity_alarm" not in load_notify_config(config_folder).messages


def test_a_template_that_is_not_utf_8_is_named(config_folder: Path):
    file = config_folder / "templates" / "star_card.md.j2"
    file.write_bytes(file.read_text(encoding="utf-8").encode("gb18030"))
    with pytest.raises(ConfigurationError, match=r"star_card\.md\.j2: not UTF-8"):
        load_notify_config(config_folder)


def test_a_role_that_stands_twice_counts_once(config_folder: Path):
    file = config_folder / "notify.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("role: [hr, engineer]", "role: [hr, engineer, hr]"), encoding="utf-8")
    assert load_notify_config(config_folder).messages["missing_contacts"].roles == ("hr", "engineer")
