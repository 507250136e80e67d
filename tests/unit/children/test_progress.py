"""How far a parent's children are."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from deferapp import defer
from deferapp.executions import enqueue
from deferapp.executions.collect import Collector
from deferapp.executions.current import CurrentExecution, running
from deferapp.executions.progress import Progress
from deferapp.executions.states import State
from deferapp.models import Execution
from tests.unit.children.ends import fail, make_children, one_of_each, succeed
from tests.unit.rows import make_execution

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_registry", "queue")]


def mail(number: int) -> None: ...


@pytest.fixture
def parent() -> Execution:
    return make_execution("shop.defer.all")


def test_progress_counts_the_children_by_state(parent: Execution) -> None:
    one_of_each(parent)
    make_children(make_execution("shop.defer.all"), 3)
    progress = parent.progress()
    assert progress.by_state == {state: 0 if state == State.DISCARDED else 1 for state in State}
    assert (progress.total, progress.ended, progress.is_complete) == (7, 4, False)


def test_progress_is_complete_when_all_have_ended_in_whichever_way(parent: Execution) -> None:
    first, second = make_children(parent, 2)
    succeed([first])
    assert not parent.progress().is_complete
    fail([second])
    progress = parent.progress()
    assert (progress.total, progress.ended, progress.is_complete) == (2, 2, True)


def test_a_child_that_waits_for_its_retry_has_not_ended(parent: Execution) -> None:
    fail(make_children(parent, 1), retry_in=timedelta(minutes=1))
    assert (parent.progress().ended, parent.progress().by_state[State.CREATED]) == (0, 1)


def test_the_progress_of_no_children_is_complete(parent: Execution) -> None:
    assert (parent.progress().total, parent.progress().is_complete) == (0, True)


def test_progress_is_one_query(parent: Execution, django_assert_num_queries: Any) -> None:
    make_children(parent, 3)
    with django_assert_num_queries(1):
        parent.progress()


def test_progress_from_async_code_is_the_same(parent: Execution) -> None:
    make_children(parent, 3)
    assert async_to_sync(parent.aprogress)() == parent.progress()


def test_progress_cannot_be_changed(parent: Execution) -> None:
    progress = parent.progress()
    with pytest.raises(FrozenInstanceError):
        progress.by_state = {}  # type: ignore[misc]
    with pytest.raises(TypeError):
        progress.by_state[State.CREATED] = 1  # type: ignore[index]
    assert progress == Progress(by_state=dict.fromkeys(State, 0))


def test_the_progress_of_the_running_function_counts_what_it_has_just_enqueued(parent: Execution) -> None:
    current = CurrentExecution(
        id=parent.pk,
        function=parent.function,
        attempt=1,
        parent_id=None,
        created_at=parent.created_at,
        collector=Collector(enqueue.write),
    )
    function = defer(mail)
    with running(current):
        for number in range(3):
            function(number)
        assert parent.progress().total == 3
