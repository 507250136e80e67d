"""What a process has claimed and not begun."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from deferapp.executions.ids import new_id
from deferapp.models import Execution
from deferapp.workers import worklist as worklist_module
from deferapp.workers.worklist import Worklist


def executions(count: int) -> list[Execution]:
    return [Execution(id=new_id()) for _ in range(count)]


def test_executions_are_taken_in_order_until_none_is_left() -> None:
    rows = executions(3)
    worklist = Worklist(rows)
    assert [worklist.take() for _ in range(4)] == [*rows, None]


def test_what_is_added_comes_last() -> None:
    first, second = executions(2)
    worklist = Worklist([first])
    worklist.add([second])
    assert (len(worklist), worklist.waiting()) == (2, [first, second])


def test_what_is_surrendered_is_not_taken_any_more() -> None:
    first, *rest = executions(3)
    worklist = Worklist([first, *rest])
    assert worklist.take() == first
    assert worklist.surrender() == rest
    assert (worklist.take(), worklist.surrender(), len(worklist)) == (None, [], 0)


def test_only_the_named_are_surrendered() -> None:
    first, second, third = executions(3)
    worklist = Worklist([first, second, third])
    assert worklist.surrender({second.pk, new_id()}) == [second]
    assert worklist.waiting() == [first, third]


def test_each_execution_is_taken_by_one_thread_or_surrendered() -> None:
    rows = executions(3_000)
    worklist = Worklist(rows)

    def take_all() -> list[Execution]:
        return list(iter(worklist.take, None))

    with ThreadPoolExecutor(5) as pool:
        taking = [pool.submit(take_all) for _ in range(4)]
        surrendered = pool.submit(worklist.surrender).result()
    taken = [execution for future in taking for execution in future.result()]
    assert sorted(each.pk for each in taken + surrendered) == sorted(each.pk for each in rows)


def test_it_is_stalled_since_the_latest_was_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([10.0, 12.0, 20.0, 25.0])
    monkeypatch.setattr(worklist_module.time, "monotonic", lambda: next(seconds))
    worklist = Worklist(executions(1))
    assert worklist.stalled_for() == 2
    worklist.take()
    assert worklist.stalled_for() == 5
