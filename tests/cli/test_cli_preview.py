"""`fivestar notify preview`: a message shown to whoever words it, and to nobody else."""

from pathlib import Path
from shutil import copytree

import pytest
from city_runs import CONFIG, Home


@pytest.fixture
def new(tmp_path: Path) -> Home:
    """An installation in which nothing has been judged."""
    copytree(CONFIG, tmp_path / "config")
    return Home(tmp_path / "home", tmp_path / "config")


def test_where_nothing_was_judged_the_data_are_invented_and_that_is_said(new: Home) -> None:
    answer = new.run("notify", "preview", "star_card")
    assert answer.code == 0
    assert answer.err == "star_card: invented example data\n"
    subject, _, note, *_ = answer.out.splitlines()
    assert subject == "# 2024年3月星级卡：示例社区——月度监测结果（暂定）"
    assert note.startswith("> 月度监测结果（暂定）。")


def test_a_correction_is_shown_with_what_it_changes(new: Home) -> None:
    answer = new.run("notify", "preview", "correction")
    assert answer.out.startswith("# 更正（亮星：4 颗 → 3 颗，共 2 处变动）：2024年3月星级卡：示例社区\n\n**更正**：")


def test_the_page_of_the_mail_holds_the_same_and_loads_nothing(new: Home) -> None:
    answer = new.run("notify", "preview", "hr_digest", "--html")
    assert answer.code == 0
    assert answer.out.startswith("<!DOCTYPE html>")
    assert "等级调整建议" in answer.out
    assert not any(word in answer.out for word in ("http:", "https:", "src=", "url("))


def test_an_unknown_message_is_answered_with_the_known_ones(new: Home) -> None:
    answer = new.run("notify", "preview", "starcard")
    assert answer.code == 2
    assert "message 'starcard' is not in notify.yaml. Messages are star_card, district_ranking" in answer.err


def test_a_month_that_was_not_judged_is_refused(new: Home) -> None:
    answer = new.run("notify", "preview", "star_card", "--month", "2024-03")
    assert answer.code == 13
    assert "2024-03 has no result" in answer.err


@pytest.mark.parametrize(
    ("old", "new_text", "said"),
    [
        ("{{ community_name }}", "{{ secretary }}", "placeholder 'secretary' is not known"),
        ("> {{ label }}", "> ", "placeholder label is missing"),
    ],
)
def test_a_template_at_fault_stops_the_program_before_it_does_anything(
    new: Home, old: str, new_text: str, said: str
) -> None:
    file = new.config / "templates" / "star_card.md.j2"
    file.write_text(file.read_text(encoding="utf-8").replace(old, new_text, 1), encoding="utf-8")
    for command in (("notify", "preview", "star_card"), ("notify", "deliver"), ("notify", "resend")):
        answer = new.run(*command)
        assert answer.code == 10
        assert said in answer.err
        assert "Traceback" not in answer.err
