"""The benchmark of what Prefect adds: that each month works on its own copy of the city."""

import pytest

from benchmarks.prefect_overhead import make_environment


def test_a_month_has_the_ledger_of_its_own_copy_and_the_sandboxs_platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIVESTAR_DATABASE_URL", "sqlite:////elsewhere/ledger.sqlite")
    made = make_environment({"SUPERVISION_URL": "http://127.0.0.1:1"})
    assert "FIVESTAR_DATABASE_URL" not in made
    assert made["SUPERVISION_URL"] == "http://127.0.0.1:1"
