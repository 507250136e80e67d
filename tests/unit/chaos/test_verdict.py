"""The verdict on a run of chaos finds each kind of broken promise, and nothing where there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.chaos.history import Attempt, Execution, History, Run, read_runs
from tests.chaos.verdict import judge
from tests.chaos.world import Record, Span

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LOST = {"outcome": "failed", "error_code": "ER0004"}


def attempt(number: int = 1, **given: Any) -> Attempt:
    values = {"outcome": "succeeded", "error_code": "", "worker": "worker1-1@here 11", "ended_at": 102.0 * number}
    return Attempt(number=number, **{**values, **given})


def execution(id: str = "a", *attempts: Attempt, **given: Any) -> Execution:
    made = list(attempts) or [attempt()]
    values = {"function": "brief", "state": "succeeded", "attempt": len(made), "parent": None, "args": [0]}
    return Execution(id=id, attempts=made, **{**values, **given})


def run(id: str = "a", number: int = 1, begin: float = 100.0, end: float | None = 101.0, pid: int = 11) -> Run:
    return Run(execution=id, attempt=number, pid=pid, begin=begin, end=end)


def history(executions: list[Execution], runs: list[Run], **given: Any) -> History:
    values: dict[str, Any] = {"kept": {each.id for each in executions}, "rolled_back": set(), "slow": [], "moments": []}
    record = given.pop("record", Record())
    return History(executions={each.id: each for each in executions}, runs=runs, record=record, **{**values, **given})


def found(*args: Any, **given: Any) -> str:
    return "\n".join(judge(history(*args, **given)))


TWICE = [attempt(1, **LOST), attempt(2)]


def test_what_ran_once_and_succeeded_is_clean() -> None:
    assert found([execution()], [run()]) == ""


def test_what_was_acknowledged_and_is_not_there_is_lost() -> None:
    assert "lost: b" in found([execution()], [run()], kept={"a", "b"})


def test_what_was_rolled_back_must_not_be_there() -> None:
    assert "rolled back" in found([execution()], [run()], rolled_back={"a"})


@pytest.mark.parametrize("state", ["created", "started", "aborting"])
def test_what_has_not_ended_is_lost(state: str) -> None:
    assert "has not ended" in found([execution(state=state)], [run()])


def test_what_has_failed_is_found() -> None:
    assert "has not succeeded" in found([execution("a", attempt(outcome="failed"), state="failed")], [run()])


def test_a_run_without_a_recorded_attempt_is_found() -> None:
    assert "is not recorded" in found([execution()], [run(), run(number=2, begin=102, end=103)])


def test_an_attempt_that_succeeded_unseen_is_found() -> None:
    assert "was seen 0 times" in found([execution()], [])


def test_an_attempt_that_was_seen_twice_is_found() -> None:
    assert "was seen 2 times" in found([execution()], [run(), run(begin=102, end=103)])


def test_a_body_that_was_cut_with_its_process_may_run_again() -> None:
    runs = [run(end=None), run(number=2, begin=103, end=104, pid=12)]
    assert found([execution("a", *TWICE)], runs, record=Record(killed_at={11: 101})) == ""


def test_a_lost_attempt_of_a_living_worker_is_found() -> None:
    assert "lived" in found([execution("a", *TWICE)], [run(), run(number=2, begin=103, end=104, pid=12)])


def test_a_worker_that_could_not_speak_for_long_may_be_taken_for_dead() -> None:
    silent = Record(impaired={"worker1": [Span(begin=80, end=102)]})
    runs = [run(end=105), run(number=2, begin=103, end=104, pid=12)]
    assert found([execution("a", *TWICE)], runs, record=silent) == ""
    short = Record(impaired={"worker1": [Span(begin=98, end=102)]})
    assert "overlap" in found([execution("a", *TWICE)], runs, record=short)


def test_gaps_in_the_numbers_of_attempts_and_two_successes_are_found() -> None:
    assert "are numbered [1, 3]" in found([execution("a", attempt(1, **LOST), attempt(3))], [run(number=3)])
    both = [run(), run(number=2, begin=102, end=103)]
    assert "attempts [1, 2] succeeded" in found([execution("a", attempt(1), attempt(2))], both)


def test_an_attempt_that_failed_for_reasons_of_ours_is_found() -> None:
    odd = execution("a", attempt(1, outcome="failed", error_code="ER0000"), attempt(2))
    assert "ER0000" in found([odd], [run(), run(number=2, begin=102, end=103)])


def test_more_at_once_than_a_limit_allows_are_found() -> None:
    three = [execution(id, function="two_at_once") for id in "abc"]
    assert "3 of two_at_once ran at once" in found(three, [run(id) for id in "abc"])
    in_turn = [run("a"), run("b"), run("c", begin=101.0, end=102.0)]
    assert found(three, in_turn) == ""


def test_a_slot_is_held_until_its_attempt_is_declared_lost() -> None:
    killed = Record(killed_at={11: 100.5})
    first = execution("a", attempt(1, **LOST, ended_at=103.0), attempt(2), function="one_async")
    runs = [run(end=None), run("b", begin=100.7, end=100.9, pid=12), run(number=2, begin=104, end=105)]
    assert found([first, execution("b", function="one_async")], runs, record=killed) == ""


def test_an_enqueue_that_took_long_for_another_reason_than_the_database_is_found() -> None:
    slow = [Span(begin=100, end=103)]
    assert "an enqueue took 3.0 s" in found([], [], slow=slow)
    assert found([], [], slow=slow, record=Record(database_away=[Span(begin=102, end=110)])) == ""


def test_a_minute_that_is_missing_or_fired_twice_is_found() -> None:
    ticks = [execution(id, function="each_minute") for id in "abc"]
    runs = [run(id) for id in "abc"]
    moments = [(NOON, "a"), (NOON + MINUTE, "b"), (NOON + 2 * MINUTE, "c")]
    assert found(ticks, runs, moments=moments) == ""
    assert "follow each other" in found(ticks[::2], runs[::2], moments=moments[::2])
    assert "executions of the 3 that there are" in found(ticks, runs, moments=moments[:2])


def test_children_that_are_missing_or_too_many_are_found() -> None:
    parent = execution("a", function="fan_map", args=["fan", 2])
    leaves = [execution(id, function="leaf", parent="a", args=["fan", number]) for number, id in enumerate("bc")]
    last = execution("d", function="after", parent="a", args=["fan"])
    family, runs = [parent, *leaves, last], [run(id) for id in "abcd"]
    assert found(family, runs) == ""
    assert "1 children are missing" in found(family[:-1], runs[:-1])
    twin = replace(leaves[0], id="e")
    assert "1 are too many" in found([*family, twin], [*runs, run("e")])


def test_beginnings_and_ends_are_paired() -> None:
    lines = ["begin a 1 7 100.0", "begin b 1 8 100.5", "end a 1 7 101.0", "begin a 2 9 102.0"]
    runs = read_runs(lines)
    assert [(each.execution, each.attempt, each.end) for each in runs] == [
        ("a", 1, 101.0),
        ("b", 1, None),
        ("a", 2, None),
    ]
