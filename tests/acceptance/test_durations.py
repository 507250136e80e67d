"""Bodies that take too long, run out of memory, or fail by themselves."""

from __future__ import annotations

import pytest

from tests.acceptance.stages import Stage, every_stage, stages

TIMEOUT = {"state": "failed", "code": "ER0001", "attempts": [["failed", "ER0001"]]}
LIMIT_SECONDS = 1.0  # as the functions declare


@every_stage
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_attempt_that_takes_longer_than_max_duration_fails_with_er0001(stage: Stage, kind: str) -> None:
    found = overruns(stage)[kind]
    assert {key: found[key] for key in TIMEOUT} == TIMEOUT
    assert found["seconds"] >= LIMIT_SECONDS
    afterwards = found["afterwards"]
    assert {key: afterwards[key] for key in TIMEOUT} == TIMEOUT


@every_stage
def test_an_async_function_past_max_duration_is_cancelled_at_an_await(stage: Stage) -> None:
    assert len(overruns(stage)["async"]["left"]) == 1


@stages("prefork")
def test_a_sync_function_past_max_duration_is_interrupted_on_prefork_though_it_swallows_exceptions(
    stage: Stage,
) -> None:
    assert len(overruns(stage)["sync"]["left"]) == 1


@stages("threads", "embedded")
def test_a_sync_function_past_max_duration_is_ended_in_the_ledger_where_threads_run_it(stage: Stage) -> None:
    assert overruns(stage)["sync"]["left"] == []


@stages("threads")
def test_a_worker_with_threads_says_once_at_its_start_that_it_cannot_interrupt(stage: Stage) -> None:
    (worker,) = stage.project.processes
    log = worker.log()
    assert log.count("Threads cannot be interrupted") == 1
    assert log.index("Threads cannot be interrupted") < log.index(" ready.")
    assert "tests.shop.defer.overrun" in log


@stages("prefork")
def test_a_worker_with_processes_says_no_such_thing(stage: Stage) -> None:
    assert not any("cannot be interrupted" in worker.log() for worker in stage.project.processes)


@stages("prefork")
def test_a_body_that_nothing_stops_ends_with_its_process_and_the_worker_goes_on(stage: Stage) -> None:
    found = stage.play("durations.stubborn_one")
    assert {key: found[key] for key in TIMEOUT} == TIMEOUT
    assert found["next"] == 3


@every_stage
def test_a_memory_error_is_er0002_and_an_error_of_the_function_er0003(stage: Stage) -> None:
    found = stage.play("durations.errors")
    assert (found["memory"]["state"], found["memory"]["attempts"]) == ("failed", [["failed", "ER0002"]])
    assert (found["own"]["state"], found["own"]["attempts"]) == ("failed", [["failed", "ER0003"]])
    assert "no street 7" in found["reason"]


def overruns(stage: Stage) -> dict[str, dict]:
    """Play the scene once for all tests of a stage."""
    return stage.play_once("durations.overruns")
