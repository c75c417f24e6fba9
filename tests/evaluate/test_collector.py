"""The collector of cycles is as it was once proposals are made, also when making them failed."""

import gc

import pytest

from flows.evaluate.collector import pause_collector


def test_the_collector_pauses_and_runs_again_also_after_an_error() -> None:
    assert gc.isenabled()
    with pytest.raises(ValueError, match="x"), pause_collector():
        assert not gc.isenabled()
        raise ValueError("x")
    assert gc.isenabled()


def test_a_pause_within_a_pause_ends_with_the_outer_one() -> None:
    with pause_collector():
        with pause_collector():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
