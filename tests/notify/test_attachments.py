"""Result files that go with a message by mail: which, to whom, and what if one is not there."""

from dataclasses import replace
from pathlib import Path

import pytest
from notify_city import make_message

from flows.errors import ConfigurationError
from flows.notify.attachments import make_attach
from flows.notify.channels.channel import PermanentFailure
from flows.notify.config import load_notify_config


def test_a_messages_files_are_those_of_its_month(config, tmp_path: Path):
    folder = tmp_path / "outputs" / "2024-03"
    folder.mkdir(parents=True)
    (folder / "report.html").write_bytes(b"<p>")
    attach = make_attach(tmp_path, replace(config, attached={"star_card": ("report.html",)}))
    [attachment] = attach(make_message())
    assert (attachment.name, attachment.content, attachment.content_type) == ("report.html", b"<p>", "text/html")


def test_as_shipped_nothing_goes_along(config, tmp_path: Path):
    assert make_attach(tmp_path, config)(make_message()) == []


def test_a_file_that_is_not_there_fails_its_message_alone_and_says_what_to_do(config, tmp_path: Path):
    attach = make_attach(tmp_path, replace(config, attached={"star_card": ("report.html",)}))
    with pytest.raises(PermanentFailure, match=r"report\.html of the month can't be attached .* fivestar evaluate"):
        attach(make_message())


@pytest.mark.parametrize(("message", "is_fine"), [("hr_digest", True), ("sanity_alarm", False)])
def test_the_workbook_goes_to_hr_alone(config_folder: Path, message: str, is_fine: bool):
    file = config_folder / "notify.yaml"
    text = file.read_text(encoding="utf-8")
    place = f"    template: {message}.md.j2\n"
    file.write_text(text.replace(place, f"{place}    attach: [hr-review.xlsx]\n"), encoding="utf-8")
    if is_fine:
        assert load_notify_config(config_folder).attached == {message: ("hr-review.xlsx",)}
    else:
        with pytest.raises(ConfigurationError, match=r"holds workers' data and goes to the role hr alone"):
            load_notify_config(config_folder)
