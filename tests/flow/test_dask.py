"""Pulls on Dask: a cluster of real processes, and one that is not there."""

import pickle
import sys
from pathlib import Path

import orjson
import pytest
from city_runs import CONFIG, DemoRun, Home, set_environment

from flows import monthly
from flows.errors import ConfigurationError, FivestarError, SourceUnavailable
from flows.ingest.connect.connector import RecordsChanged
from flows.ingest.flow import open_task_runner

pytestmark = pytest.mark.flow


def test_march_pulled_by_a_cluster_of_processes_has_the_digests_of_threads(
    engine: None, march: DemoRun, home_before: Home, platforms: dict[str, str]
) -> None:
    with set_environment({"FIVESTAR_TASK_RUNNER": "dask"}):
        state = monthly.monthly_assessment(
            "2024-03", home=str(home_before.path), config=str(home_before.config), return_state=True
        )
    assert state.is_completed()
    in_threads, in_processes = (
        orjson.loads((home.march / "run.json").read_bytes())["digests"] for home in (march.home, home_before)
    )
    assert len(in_processes) == 8
    assert in_processes == in_threads


def test_without_prefect_dask_the_error_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prefect_dask", None)
    monkeypatch.setenv("FIVESTAR_TASK_RUNNER", "dask")
    told = "FIVESTAR_TASK_RUNNER is 'dask', and prefect_dask is not there.*`make dask`"
    with pytest.raises(ConfigurationError, match=told), open_task_runner(str(tmp_path), str(CONFIG)):
        pass


def test_an_unknown_task_runner_is_refused_with_those_that_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIVESTAR_TASK_RUNNER", "ray")
    told = "FIVESTAR_TASK_RUNNER is 'ray'. Known task runners: threads, dask."
    with pytest.raises(ConfigurationError, match=told), open_task_runner(str(tmp_path), str(CONFIG)):
        pass


def test_a_scheduler_that_does_not_answer_ends_with_11(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.ingest.flow.DASK_SECONDS", 1)
    monkeypatch.setenv("FIVESTAR_TASK_RUNNER", "dask")
    monkeypatch.setenv("FIVESTAR_DASK_ADDRESS", "tcp://127.0.0.1:9")
    told = "Dask's scheduler at tcp://127.0.0.1:9 did not answer in time"
    with pytest.raises(SourceUnavailable, match=told), open_task_runner(str(tmp_path), str(CONFIG)):
        pass


def test_an_error_comes_back_from_another_process_as_it_was() -> None:
    errors = [kind("what happened.") for kind in FivestarError.__subclasses__()]
    assert len(errors) == 7
    for error in (*errors, RecordsChanged("what changed.", "a.csv")):
        back = pickle.loads(pickle.dumps(error))
        assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))
