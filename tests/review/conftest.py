"""What tests of the review share."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import month_factory
import pytest
from letter_month import FIRST, JUDGED_AT, RAISED, REJECTED, RETURNED, SHIPPED, propose, say
from review_month import LEDGER, open_ledger, save_month

from flows.house import House, open_house
from flows.ledger import Ledger
from flows.ledger.results import Making
from flows.policy import load_policy
from flows.results import Inputs, MonthResult, PayLine
from flows.settings import load_settings


@pytest.fixture(scope="session")
def _judged_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with revision 1 of the small March; not to be changed."""
    folder = tmp_path_factory.mktemp("judged")
    ledger = open_ledger(folder)
    save_month(ledger, month_factory.make_month)
    ledger.close()
    return folder / LEDGER


@pytest.fixture
def ledger(tmp_path: Path, _judged_ledger: Path) -> Iterator[Ledger]:
    """A ledger with revision 1 of the small March."""
    shutil.copyfile(_judged_ledger, tmp_path / LEDGER)
    opened = open_ledger(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The shipped configuration with a pay base of 3,400.00 yuan."""
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "config"))
    pay = folder / "policy" / "pay.yaml"
    pay.write_text(pay.read_text("utf-8").replace("value: null", "value: 340000"), "utf-8")
    return folder


@pytest.fixture
def house(tmp_path: Path, config: Path, make_result: Callable[..., MonthResult]) -> Iterator[House]:
    """An installation that has judged the March of letters, with two workers approved, one rejected, one returned."""
    policy = load_policy(config / "policy")
    empty = make_result(community_count=1, staff_per_community=0)
    inputs = Inputs(("b1",), policy.fingerprint, (), empty.inputs.register_digest)
    # Grades 4 and 5: 340,000 × 1.15 = 391,000 and × 1.20 = 408,000 fen; 70 % of it basic (policy §5).
    lines = [
        PayLine(RAISED, "current", 4, "competent", 273_700, 117_300, 0, 391_000),
        PayLine(RAISED, "proposed", 5, "competent", 285_600, 122_400, 0, 408_000),
        PayLine(REJECTED, "current", 2, "competent", 249_900, 107_100, 0, 357_000),
        PayLine(REJECTED, "proposed", 3, "competent", 261_800, 112_200, 0, 374_000),
        # Grade 1: 340,000 fen, 70 % of it 238,000, and 15 % of that as uplift, 35,700.
        PayLine(FIRST, "proposed", 1, "competent", 238_000, 102_000, 35_700, 375_700),
    ]
    result = replace(empty, proposals=propose(policy), pay_lines=lines, inputs=inputs)
    with open_house(load_settings(tmp_path / "home", config)) as opened:
        opened.ledger.results.save(result, 1, digests={}, making=Making("1", "c" * 64, policy.files, JUDGED_AT))
        say(opened, "approved", RAISED, FIRST, comment="核对无误。")
        say(opened, "rejected", REJECTED, comment="学历证明不符")
        say(opened, "returned", RETURNED, comment="何时取得学位？")
        yield opened
