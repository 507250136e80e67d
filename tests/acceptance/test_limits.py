"""Limits of concurrency with eight processes, with threads and in one process, counted by the functions themselves."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.acceptance.stages import Stage, every_stage
from tests.processes import Project
from tests.waiting import wait_until


def most_together(lines: Iterable[str]) -> int:
    """Return how many bodies ran at once, at the most. A line begins and another ends each."""
    together = most = 0
    for line in lines:
        together += 1 if line.split()[-2] == "+" else -1
        most = max(most, together)
    return most


@every_stage
@pytest.mark.parametrize("scene", ["three", "three_async"])
def test_of_sixty_executions_three_run_at_once_and_never_more(stage: Stage, scene: str) -> None:
    lines = stage.project.witness.lines(stage.play(f"limits.{scene}"))
    assert len(lines) == 120
    assert most_together(lines) == 3


@every_stage
def test_a_limit_with_a_key_is_one_limit_for_each_value_of_the_key(stage: Stage) -> None:
    name = stage.play("limits.keys")
    of_each = {key: stage.project.witness.lines(f"{name} {key}") for key in "abc"}
    assert {key: (len(lines), most_together(lines)) for key, lines in of_each.items()} == dict.fromkeys("abc", (20, 1))
    assert most_together(stage.project.witness.lines(name)) > 1


@every_stage
def test_a_limit_of_one_keeps_the_order_of_enqueueing_and_does_not_hold_up_functions_without_a_limit(
    stage: Stage,
) -> None:
    found = stage.play("limits.order")
    lines = [line for line in stage.project.witness.lines(found["label"]) if not line.endswith("note")]
    assert found["unlimited"] == ["succeeded"] * 10
    assert found["meanwhile"] == ["started"] + ["created"] * 20
    assert lines == [f"{found['label']} {number}" for number in range(21)]


@every_stage
def test_where_the_limit_cancels_what_meets_it_is_cancelled_and_what_comes_afterwards_runs(stage: Stage) -> None:
    found = stage.play("limits.cancel")
    assert found["first"] == ["started"]
    assert found["refused"] == [["cancelled", "The limit of concurrency was reached.", 0]] * 5
    assert found["last"] == "succeeded"
    assert len(stage.project.witness.lines(found["label"])) == 2


def test_the_slots_of_a_worker_that_is_killed_come_back(project: Project) -> None:
    victim = project.worker("prefork", 2)
    project.python(
        "from tests.shop.defer.two_at_once import two_at_once\n"
        "for _ in range(2): two_at_once('held', 'never')\n"
        "two_at_once.starmap(('waiting', '') for _ in range(6))\n"
    )
    wait_until(lambda: len(project.witness.lines("held +")) == 2, 30, "both slots are taken")
    project.worker("prefork", 4)
    assert project.witness.lines("waiting") == []
    victim.kill()
    project.wait_for_states("two_at_once", 60, succeeded=8)
    attempts = project.query("SELECT number, error_code, count(*) FROM deferapp_attempt GROUP BY 1, 2 ORDER BY 1, 2")
    assert attempts == [(1, "", 6), (1, "ER0004", 2), (2, "", 2)]
    afterwards = project.witness.lines()[2:]
    assert len(afterwards) == 16
    assert most_together(afterwards) <= 2
