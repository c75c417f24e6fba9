"""The month's Data Docs from the command line: when they are written, and that they stay what they were."""

import shutil
from pathlib import Path

import pytest
from city_runs import DemoRun, Home, digest_tree

pytestmark = pytest.mark.flow


def list_sites(home: Home) -> set[str]:
    return {path.name for path in (home.path / "data-docs").iterdir() if not path.name.startswith(".")}


def test_a_month_that_ran_has_its_site_and_the_demo_names_it(march: DemoRun) -> None:
    # February's sources are pulled as history; only March is run as a month.
    assert list_sites(march.home) == {"2024-03"}
    index = march.home.path / "data-docs" / "2024-03" / "index.html"
    assert f"what validation found (Data Docs): {index}" in march.answer.out
    page = index.read_text(encoding="utf-8")
    assert "数据质量文档（Data Docs）· 2024年3月" in page
    assert page.count("查看明细") == 13
    assert page.count('class="tag complete"') == 5


def test_quality_docs_writes_the_same_site_again_and_says_where(home: Home) -> None:
    site = home.path / "data-docs" / "2024-03"
    before = digest_tree(site)
    shutil.rmtree(site)
    answer = home.run("quality", "docs", "--month", "2024-03")
    assert (answer.code, answer.out, answer.err) == (0, f"{site / 'index.html'}\n", "")
    assert digest_tree(site) == before


def test_quality_docs_of_a_month_without_pulls_says_what_is_missing(home: Home) -> None:
    answer = home.run("quality", "docs", "--month", "2022-01")
    assert answer.code == 0
    assert "未到位" in Path(answer.out.strip()).read_text(encoding="utf-8")


def test_quality_docs_refuses_what_is_no_month(home: Home) -> None:
    answer = home.run("quality", "docs", "--month", "March")
    assert answer.code == 2
    assert "Write it as YYYY-MM" in answer.err


def test_a_run_offline_writes_the_site_only_if_it_is_missing(home: Home) -> None:
    site = home.path / "data-docs" / "2024-03"
    before = digest_tree(site)
    (site / "index.html").write_text("kept", encoding="utf-8")
    assert home.run("run", "--offline", "--month", "2024-03").code == 0
    assert (site / "index.html").read_text(encoding="utf-8") == "kept"
    shutil.rmtree(site)
    assert home.run("run", "--offline", "--month", "2024-03").code == 0
    assert digest_tree(site) == before


def test_an_ingest_of_months_writes_the_site_of_each(home: Home, platforms: dict[str, str]) -> None:
    shutil.rmtree(home.path / "data-docs")
    answer = home.run("ingest", "--month", "2024-02..2024-03", "--platform", "supervision")
    assert answer.code == 0, answer.err
    assert list_sites(home) == {"2024-02", "2024-03"}
