"""The small city's March with its ledger on PostgreSQL: the files that it has on SQLite, to the byte."""

from pathlib import Path

import orjson
import pytest
from city_runs import DemoRun, Home, digest_tree, set_environment
from ledger_copies import copy_ledger

pytestmark = pytest.mark.flow

MONTH = ("--month", "2024-03")
REVIEWER = (*MONTH, "--reviewer", "审核人")


def decide_and_publish(home: Home) -> str:
    """What the commands say that approve whatever may be approved in bulk, and publish it."""
    approved = home.run("review", "approve", "--all", *REVIEWER)
    published = home.run("publish", *MONTH)
    assert (approved.code, published.code) == (0, 0), approved.err + published.err
    return approved.out + published.out + home.run("review", "list", *MONTH).out


def test_a_month_judged_decided_and_published_has_the_files_that_it_has_on_sqlite(
    march: DemoRun, home: Home, platforms: dict[str, str], postgresql_url: str, tmp_path: Path
) -> None:
    home_before = march.before.copy(tmp_path / "postgresql")
    ledger = home_before.path / "ledger.sqlite"
    copy_ledger(f"sqlite:///{ledger}", postgresql_url)
    ledger.unlink()
    with set_environment({"FIVESTAR_DATABASE_URL": postgresql_url}):
        answer = home_before.run("run", *MONTH)
        assert answer.code == 0, answer.err
        said = decide_and_publish(home_before)
    assert not ledger.exists()
    assert said == decide_and_publish(home)
    there, here = (digest_tree(it.march) for it in (home_before, home))
    assert len(here) > 9
    # When each source was read is told in run.json, and differs.
    assert {name: digest for name, digest in there.items() if name != "run.json"} == {
        name: digest for name, digest in here.items() if name != "run.json"
    }
    runs = [orjson.loads((it.march / "run.json").read_bytes()) for it in (home_before, home)]
    for run in runs:
        del run["sources"]
        run["batches"].sort()
    assert runs[0] == runs[1]
