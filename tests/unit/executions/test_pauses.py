"""A paused function holds its work, also where its limit would cancel it."""

from __future__ import annotations

from uuid import uuid4

import pytest

from deferapp.executions import life
from deferapp.executions.states import State
from deferapp.models import Execution
from tests.unit.rows import function_named, make_executions, values_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("config", [{}, {"concurrency": 1}, {"concurrency": 1, "max_concurrency_action": "cancel"}])
def test_a_paused_function_keeps_what_it_is_sent_and_runs_it_when_resumed(config: dict[str, object]) -> None:
    function = function_named("shop.defer.mail", **config)
    executions = make_executions(1)
    ids = [execution.pk for execution in executions]
    function.pause()
    assert function.is_paused
    assert life.claim(function, ids, claim=uuid4(), worker_id=1, most=1) == []
    assert values_of(executions[0])["state"] == State.CREATED
    function.resume()
    row = Execution.objects.get()
    assert row.dispatch_at == row.due_at, "housekeeping publishes it in its next round"
    assert life.claim(function, ids, claim=uuid4(), worker_id=1, most=1) == executions
