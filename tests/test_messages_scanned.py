"""Every message of the sandbox city, read for what none may hold: pay, ID and phone numbers, anybody's name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from city_runs import Home, read_csv

from flows.notify.config import load_notify_config
from flows.notify.contents import CORRECTION

FIGURES = {
    "an amount of money": re.compile(r"\d[\d,.]*\s*[万亿]?(?:元|圆)|[¥￥]"),
    "an ID number": re.compile(r"(?<!\d)(?:\d{17}[\dXx]|\d{15})(?!\d)"),
    "a phone number": re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)"),
}
SHORTEST_AMOUNT = 5
"""Digits of the shortest amount looked for: 100.00 yuan in fen. Shorter ones are counts and scores, too."""


@dataclass(frozen=True)
class Secrets:
    """What no message may hold: workers' names and numbers, contacts' names and addresses, amounts of pay."""

    people: frozenset[str]
    addresses: frozenset[str]
    amounts: frozenset[str]

    def find(self, text: str) -> Iterator[str]:
        """What of it the text holds, by kind."""
        yield from (f"{kind}: {match[0]}" for kind, pattern in FIGURES.items() for match in pattern.finditer(text))
        yield from (f"a person: {it}" for it in self.people if it in text)
        yield from (f"an address: {it}" for it in self.addresses if it in text)
        yield from (f"pay: {it}" for it in set(re.findall(r"(?<![\d.])\d[\d,]*(?:\.\d\d)?", text)) & self.amounts)


@pytest.fixture
def secrets(home: Home) -> Secrets:
    with home.open() as house, house.view() as view:
        staff = view.table("staff").select("staff_id", "name").distinct().to_pyarrow().to_pylist()
        contacts = view.table("contacts").select("name", "address").to_pyarrow().to_pylist()
    people = {value for row in staff for value in row.values()} | {row["name"] for row in contacts}
    amounts = set()
    for row in read_csv(home.march / "pay.csv"):
        for column in ("basic_fen", "performance_fen", "uplift_fen", "total_fen"):
            fen = int(row[column] or 0)
            amounts |= {str(fen), f"{fen / 100:.2f}", f"{fen / 100:,.2f}"}
    long = frozenset(it for it in amounts if len(it) >= SHORTEST_AMOUNT)
    assert len(people) > 500
    assert len(long) > 20
    return Secrets(frozenset(people), frozenset(row["address"] for row in contacts), long)


def list_messages(home: Home) -> dict[str, str]:
    with home.open() as house:
        return {row.key: f"{row.subject}\n{row.body}" for row in house.ledger.outbox.list_messages()}


def judge_otherwise(home: Home) -> None:
    """March by another score for a lit star, so that what was delivered is corrected."""
    file = home.config / "policy" / "five_star.yaml"
    head, tail = file.read_text(encoding="utf-8").split("lit_score:")
    file.write_text(f"{head}lit_score:{tail.replace('80.00', '96.00', 1)}", encoding="utf-8")
    answer = home.run("run", "--month", "2024-03", "--offline")
    assert answer.code == 0, answer.err


def test_no_message_of_the_month_and_no_correction_holds_what_is_nobodys_business(home: Home, secrets: Secrets):
    judge_otherwise(home)
    reviewer = ("--reviewer", "审核人", "--month", "2024-03")
    assert home.run("review", "approve", "--all", *reviewer).code == 0
    assert home.run("publish", "--month", "2024-03").code == 0
    messages = list_messages(home)
    kinds = {key.split(":")[0] for key in messages}
    assert {"star_card", "district_ranking", "hr_digest", "publication_notice"} <= kinds
    assert any(text.startswith("更正") for text in messages.values())
    assert {key: found for key, text in messages.items() if (found := list(secrets.find(text)))} == {}


def test_no_preview_of_any_message_holds_what_is_nobodys_business(home: Home, secrets: Secrets, tmp_path: Path):
    names = [*load_notify_config(home.config).messages, CORRECTION]
    empty = Home(tmp_path / "empty", home.config)
    for installation, source in ((home, "data of 2024-03"), (empty, "invented example data")):
        answers = {name: installation.run("notify", "preview", name) for name in names}
        assert {name: answer.code for name, answer in answers.items()} == dict.fromkeys(names, 0)
        assert all(answer.out.startswith("# ") for answer in answers.values())
        assert f"star_card: {source}\n" in answers["star_card"].err
        assert {name: list(secrets.find(answer.out)) for name, answer in answers.items()} == {
            name: [] for name in names
        }


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("月工资 3,457.00 元", "an amount of money"),
        ("共 12 万元", "an amount of money"),
        ("￥ 300", "an amount of money"),
        ("证件 410202199001011234。", "an ID number"),
        ("证件 41020219900101123X。", "an ID number"),
        ("证件 410202900101123。", "an ID number"),
        ("电话 13800000000", "a phone number"),
        ("王小明已办结", "a person"),
        ("工号 K000101", "a person"),
        ("发给 secretary-1", "an address"),
        ("合计 345600 分", "pay"),
        ("合计 3456.00", "pay"),
        ("合计 3,456.00", "pay"),
    ],
)
def test_the_scan_finds_what_it_looks_for(text: str, kind: str):
    secrets = Secrets(
        frozenset({"王小明", "K000101"}), frozenset({"secretary-1"}), frozenset({"345600", "3456.00", "3,456.00"})
    )
    assert [found.split(":")[0] for found in secrets.find(text)] == [kind]
    assert list(secrets.find("社区 410202001001，2024年3月，总分 88.50，3 颗星，二元一次")) == []
