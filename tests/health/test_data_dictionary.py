"""The data dictionary says what the code says."""

import csv
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from ruamel.yaml import YAML

from flows.outputs import write_result_csvs
from flows.result_files import format_changes
from flows.results import Change, MonthResult

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_data_dictionary", DOCS / "write_data_dictionary.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_meanings() -> dict[str, dict[str, dict[str, list[str]]]]:
    return YAML(typ="safe").load((DOCS / "meanings.yaml").read_text(encoding="utf-8"))


def test_the_committed_dictionary_is_the_one_that_make_docs_writes(script: ModuleType) -> None:
    committed = (DOCS / "data-dictionary.md").read_text(encoding="utf-8")
    assert script.write_dictionary() == committed, "Run `make docs` and commit docs/data-dictionary.md."


def test_a_column_without_a_meaning_stops_the_writing(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {**script.FILE_COLUMNS, "stars.csv": (*script.FILE_COLUMNS["stars.csv"], "brightness")}
    monkeypatch.setattr(script, "FILE_COLUMNS", columns)
    with pytest.raises(ValueError, match=r"stars\.csv, brightness: has no meaning"):
        script.write_dictionary()


def test_a_meaning_without_a_column_stops_the_writing(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {
        name: [column for column in columns if column != "window_months"]
        for name, columns in script.FILE_COLUMNS.items()
    }
    columns["stars.csv"].remove("score")
    monkeypatch.setattr(script, "FILE_COLUMNS", columns)
    with pytest.raises(ValueError, match=r"'stars\.csv', 'score'.* means nothing that exists"):
        script.write_dictionary()


def test_result_files_have_the_columns_and_the_order_that_the_dictionary_states(
    script: ModuleType, make_result: Callable[..., MonthResult], tmp_path: Path
) -> None:
    write_result_csvs(tmp_path, make_result(community_count=12, staff_per_community=3), 2)
    changes = [Change("stars", key, "state", "lit", "unlit", ("data", "policy")) for key in ("b/safety", "a/safety")]
    (tmp_path / "changes.csv").write_bytes(format_changes(changes, "2024-03", 2, 1))
    about = read_meanings()["files"]
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == sorted(name for name in about if name not in {"arrears.csv", "payroll-<month>.csv"})
    for name in names:
        with (tmp_path / name).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
        assert tuple(reader.fieldnames or ()) == tuple(script.FILE_COLUMNS[name])
        keys = [tuple(row[column] for column in about[name]["sorted_by"]) for row in rows]
        assert len(keys) > 1
        assert keys == sorted(set(keys)), f"{name} is not sorted by its key"
