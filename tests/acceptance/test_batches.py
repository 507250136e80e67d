"""Fan-outs of a parent that is retried, with two workers, threads and one process: what comes after, and repair."""

from __future__ import annotations

from tests.acceptance.scenes.batches import COUNT
from tests.acceptance.stages import Stage, every_stage

THIRD = COUNT // 3


@every_stage
def test_what_comes_after_a_fan_out_with_failures_runs_once_and_failed_children_are_repaired(stage: Stage) -> None:
    assert stage.play("batches.fan_out") == {
        "attempts": 2,
        "before": {"failed": THIRD, "succeeded": COUNT - THIRD + 1},
        "retried": THIRD,
        "again": 0,
        "after": {"succeeded": COUNT + 1},
        "tries": [1] * (COUNT - THIRD) + [2] * THIRD,
        "reports": 1,
        "report_was_last": True,
    }


@every_stage
def test_waiting_for_a_batch_ends_with_its_last_execution_and_a_hook_may_come_afterwards(stage: Stage) -> None:
    found = stage.play("batches.wait")
    assert found["waited"] == {"failed": THIRD, "succeeded": COUNT - THIRD}
    assert found["lines"] == ["said after the end", "said at once"]
