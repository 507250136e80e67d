"""Claims and settlements on connections of their own: the database decides who gets a row."""

from __future__ import annotations

from collections import Counter
from functools import partial
from uuid import uuid4

import pytest

from deferapp.clock import now
from deferapp.executions import life
from deferapp.executions.endings import failure
from deferapp.executions.life import Ending
from deferapp.executions.states import State
from deferapp.models import Attempt, Execution
from deferapp.workers.persist import persist
from tests.unit.parallel import at_once
from tests.unit.rows import claim, make_executions

pytestmark = pytest.mark.django_db(transaction=True)


def test_no_execution_is_claimed_by_two_workers() -> None:
    executions = make_executions(60)
    lists = [executions, executions[::-1], executions[30:] + executions[:30], executions[::2]]
    claimed = at_once(*(partial(claim, each, token=uuid4()) for each in lists))
    assert Counter(execution.pk for each in claimed for execution in each) == Counter(
        execution.pk for execution in executions
    )
    assert set(Execution.objects.values_list("attempt", flat=True)) == {1}


def test_of_settling_and_giving_back_at_once_each_execution_sees_one() -> None:
    executions = claim(make_executions(20))
    moment = now()
    endings = [Ending(execution=each, started_at=moment, ended_at=moment) for each in executions]
    settled, given_back = at_once(
        lambda: sum(persist(partial(life.settle, [ending], worker="w")) for ending in endings),
        lambda: sum(persist(partial(life.give_back, [each])) for each in executions[::-1]),
    )
    assert settled + given_back == 20
    assert Execution.objects.filter(state=State.SUCCEEDED, attempt=1).count() == settled
    assert Execution.objects.filter(state=State.CREATED, attempt=0).count() == given_back
    assert Attempt.objects.count() == settled


def test_an_attempt_that_two_recover_at_once_is_lost_once() -> None:
    executions = claim(make_executions(10))
    moment = now()
    endings = [
        Ending(execution=each, started_at=moment, ended_at=moment, failure=failure.LOST, retry_at=moment)
        for each in executions
    ]
    lost = at_once(*[partial(life.settle, endings, worker="dead")] * 3)
    assert sum(lost) == 10
    assert Attempt.objects.count() == 10
