"""Options of calls, with workers."""

from __future__ import annotations

from collections import Counter
from operator import itemgetter

from tests.acceptance.scenes.options import DELAY_SECONDS
from tests.acceptance.stages import Stage, every_stage, stages
from tests.processes import Project
from tests.waiting import wait_until

LATE_SECONDS = 2.0


@every_stage
def test_a_delayed_execution_starts_when_it_is_due_and_soon_after(stage: Stage) -> None:
    for found in stage.play_in_time("options.delay", itemgetter("median"), LATE_SECONDS):
        assert found["delayed"] == [DELAY_SECONDS] * 9
        assert min(found["late"]) >= 0


@every_stage
def test_what_waits_under_a_limit_for_longer_than_discard_after_is_discarded(stage: Stage) -> None:
    found = stage.play("options.discard")
    assert found["discarded"] == ["discarded", 0, True]
    assert found["waited"] >= 1
    assert found["succeeded"] == "succeeded"
    assert found["lines"] == ["0", "2"]


@every_stage
def test_executions_are_found_by_their_metadata_which_is_replaced_whole(stage: Stage) -> None:
    assert stage.play("options.metadata") == {"all": 2, "spring": 1}


@stages("prefork")
def test_of_two_processes_that_use_a_key_at_once_both_get_the_same_execution(stage: Stage) -> None:
    first, second = stage.play_twice_at_once("options.keyed")
    assert first == second
    assert len(set(first)) == 20
    once = Counter(f"order {number}" for number in range(20))
    seen = lambda: stage.project.witness.counts("order ")  # noqa: E731
    wait_until(lambda: len(seen()) == len(once), 30, lambda: f"each runs: {seen()}")
    assert seen() == once


def test_what_no_worker_took_before_discard_after_is_discarded(project: Project) -> None:
    project.python(
        "from tests.shop.defer.note import note\n"
        "note.options(discard_after=0.1)('stale')\n"
        "note.options(discard_after='1h')('fresh')\n"
    )
    project.worker()
    project.wait_for_states("note", 30, succeeded=1, discarded=1)
    assert project.witness.lines() == ["fresh"]
