"""Cancelling and aborting executions, and holding the work of functions."""

from __future__ import annotations

from statistics import median

import pytest

from tests.acceptance.stages import Stage, every_stage
from tests.processes import Project
from tests.waiting import wait_until

WITHIN_SECONDS = 2.0


@every_stage
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_aborting_what_runs_takes_effect_within_two_seconds(stage: Stage, kind: str) -> None:
    bodies_run_on = kind == "sync" and stage.name != "prefork"
    for found in stage.play_in_time(f"control.abort_{kind}", lambda found: median(found["seconds"]), WITHIN_SECONDS):
        assert found["ends"] == [["aborted", ["aborted"]]] * 3
        assert found["left"] == (0 if bodies_run_on else 3)


@every_stage
def test_what_waits_is_cancelled_and_what_runs_only_by_force_and_once(stage: Stage) -> None:
    assert stage.play("control.refusals") == {
        "running": "ExecutionNotCancellable",
        "aborting": "ExecutionAbortingAlreadyInProgress",
        "ended": "ExecutionNotCancellable",
        "waiting": ["cancelled", 0],
        "cancelled": "ExecutionNotCancellable",
    }


@every_stage
def test_a_paused_function_holds_what_it_accepts_and_resuming_runs_all_of_it(stage: Stage) -> None:
    found = stage.play("control.pause")
    assert found["sums"] == list(range(1, 21))
    assert found["held"] == ["created"] * 15
    assert found["attempts"] == [1] * 15
    assert found["lines"] == 15


def test_the_work_of_a_function_that_is_gone_from_the_code_is_held_until_it_returns(project: Project) -> None:
    project.settings["EXTRA_APPS"] = ["tests.seasonal"]
    project.python(
        "from tests.seasonal.defer.decorate import decorate\n"
        "from tests.shop.defer.note import note\n"
        "for text in ('tree', 'door'): decorate(text)\n"
        "note('of a function that stays')\n"
    )
    del project.settings["EXTRA_APPS"]
    without = project.worker("prefork", 2)
    project.wait_for_states("note", 30, succeeded=1)
    wait_until(lambda: "tests.seasonal.defer.decorate" in without.log(), 30, "the worker says what it does not know")
    assert without.terminate() == 0
    assert decorated(project) == {"created": 2}

    project.settings["EXTRA_APPS"] = ["tests.seasonal"]
    project.worker("prefork", 2)
    # Held work is looked at every minute. The minute is skipped here, in case that the first worker has just looked.
    project.query("UPDATE deferapp_execution SET dispatch_at = now() WHERE state = 'created' RETURNING id")
    wait_until(lambda: decorated(project) == {"succeeded": 2}, 60, lambda: f"it runs: {decorated(project)}")
    assert sorted(project.witness.lines()) == ["door", "of a function that stays", "tree"]


def decorated(project: Project) -> dict[str, int]:
    rows = project.query(
        "SELECT state, count(*) FROM deferapp_execution WHERE function = 'tests.seasonal.defer.decorate' GROUP BY 1"
    )
    return dict(rows)
