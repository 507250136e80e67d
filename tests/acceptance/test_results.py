"""Waiting for results."""

from __future__ import annotations

from tests.acceptance.stages import Stage, every_stage

WAKE_SECONDS = 0.25  # On a machine that is as busy as with all other tests; 20 ms is how often is asked.


@every_stage
def test_who_waits_for_a_result_is_woken_soon_after_the_end(stage: Stage) -> None:
    for found in stage.play_in_time("results.wakes", lambda found: max(found.values()), WAKE_SECONDS):
        assert min(found.values()) >= 0


@every_stage
def test_a_failure_is_raised_with_the_message_and_the_stack_of_the_worker(stage: Stage) -> None:
    found = stage.play("results.failure")
    assert "no street 7" in found["message"]
    assert found["type"].endswith("LookupError")
    assert "tests/shop/defer/fail.py" in found["stack"]
    assert "raise LookupError(" in found["stack"]


@every_stage
def test_waiting_gives_up_after_its_timeout_and_the_execution_goes_on(stage: Stage) -> None:
    assert stage.play("results.timeout") == {
        "is_timeout": True,
        "early": "ExecutionResultNotAvailableYet",
        "later": True,
        "cancelled": "ExecutionResultNotAvailable",
    }


@every_stage
def test_results_and_arguments_that_are_too_large_are_refused_with_a_clear_error(stage: Stage) -> None:
    found = stage.play("results.too_large")
    assert found["refused"] == ["failed", "ER0003", None]
    ((error_type, message),) = found["attempts"]
    assert error_type.endswith("ResultError")
    assert "MAX_RESULT" in message
    assert found["fits"] == ["succeeded", 1024 * 1024 - 2]
    assert (found["argument"], found["written"]) == ("ArgumentError", 0)
