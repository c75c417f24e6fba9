"""A contact that can't be used is told at its import, by the doctor, and to HR; nothing is sent there."""

import shutil
from pathlib import Path

from city_runs import DemoRun, Home, set_environment

COMMUNITY = "410202001009"
STREET = "410202001"
DISTRICT = "410202"


def spoil_contacts(march: DemoRun, folder: Path) -> Path:
    """The sandbox's sheets, copied to `folder`, with four contacts gone wrong."""
    shutil.copytree(march.sandbox.folder / "sheets", folder)
    file = folder / "通讯录.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    wrong = {
        f"{COMMUNITY},书记,": "file,../etc/x",
        f"{STREET},督导员,": "weixin,groupname",
        f"{DISTRICT},督导员,": "file,",
        "410202001011,书记,": "file,ok-1",
    }
    for number, line in enumerate(lines):
        for start, rest in wrong.items():
            if line.startswith(start):
                name = line.split(",")[2]
                code = "41020200101" if rest == "file,ok-1" else start.split(",")[0]
                lines[number] = f"{code},{start.split(',')[1]},{name},{rest}"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_a_contact_that_cannot_be_used_is_told_when_it_is_imported(
    home: Home, march: DemoRun, tmp_path: Path
) -> None:
    sheets = spoil_contacts(march, tmp_path / "sheets")
    with set_environment({"SHEETS_FOLDER": str(sheets)}):
        answer = home.run("ingest", "--platform", "sheets", "--month", "2024-03")
    assert answer.code == 0, answer.err
    # An empty address and a code of 11 digits are rejected with their reasons, the earlier contacts stay.
    [contacts] = [line for line in answer.out.splitlines() if line.startswith("sheets/contacts: ")]
    assert contacts.endswith("2 rejected")
    told = [line for line in answer.err.splitlines() if "contact of" in line]
    tail = "Nothing is sent there: correct it in the contacts, then ingest them again."
    channel = "its channel is not in notify.yaml, which has file"
    folder = "the address cannot be a folder name. Give it letters, digits, '-' or '_', with '/' between folders"
    assert told == [
        f"warning: contact of {STREET}, supervisor: {channel}. {tail}",
        f"warning: contact of {COMMUNITY}, secretary: {folder}. {tail}",
    ]
    assert not any(word in answer.out + answer.err for word in ("../etc", "weixin", "groupname"))

    examined = home.run("doctor", "--platform", "sheets")
    assert f"contact of {COMMUNITY}, secretary: the address cannot be a folder name" in examined.out

    run = home.run("run", "--month", "2024-03", "--offline")
    assert run.code == 0, run.err
    assert f"warning: no contact that can be written to: {COMMUNITY}. Nothing was queued" in run.err
    with home.open() as house:
        rows = [row for row in house.ledger.outbox.list_messages() if row.message == "missing_contacts"]
        outcome = house.ledger.list_outcomes()
    assert [(row.role, row.status) for row in rows] == [("hr", "queued"), ("engineer", "queued")]
    assert f"（{COMMUNITY}）：书记，已登记的渠道或地址无法使用" in rows[0].body
    checks = [row["counts"] for row in outcome if row["step"] == "check_contacts"]
    assert checks[-1] == {"unusable": [f"{STREET}:supervisor", f"{COMMUNITY}:secretary"]}


def test_settings_at_fault_leave_the_import_as_it_is_and_say_what_was_not_checked(home: Home, march: DemoRun) -> None:
    (home.config / "notify.yaml").write_text("mode: [", encoding="utf-8")
    with set_environment({"SHEETS_FOLDER": str(march.sandbox.folder / "sheets")}):
        answer = home.run("ingest", "--platform", "sheets", "--month", "2024-03")
    assert answer.code == 0, answer.err
    assert "warning: contacts were not held to what their channels take: notify.yaml: not YAML" in answer.err
