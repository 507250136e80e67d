"""Staff, and a ledger that holds secrets in every column that can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from django.db import connections
from django.test import Client

from deferapp import defer
from deferapp.clock import now
from deferapp.executions.states import State
from deferapp.models import Attempt, Execution
from deferapp.workers import loop
from deferapp.workers.run import run
from tests.unit.security import functions
from tests.unit.security.functions import CALL, SECRET


@pytest.fixture
def sign_in(transactional_db: None) -> Callable[..., Client]:
    """A client signed in as staff that have these permissions and no others."""

    def sign_in(*codenames: str, **fields: Any) -> Client:
        user = User.objects.create_user(f"user{User.objects.count()}", **{"is_staff": True, **fields})
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def secrets(
    transactional_db: None, empty_registry: None, caplog: pytest.LogCaptureFixture
) -> Iterator[list[Execution]]:
    """An execution that failed, one that succeeded and one whose row is gone, all of them full of secrets."""
    caplog.set_level("DEBUG")
    charge = defer(functions.charge, retry=0).options(metadata={"api-key": f"{SECRET}-metadata", "tenant": "acme"})
    sign_in, greet = defer(functions.sign_in), defer(functions.greet)
    visit = Session.objects.create(session_key=f"{SECRET}-session", session_data="", expire_date=now() + timedelta(1))
    executions = [charge.enqueue("ada", **CALL), sign_in.enqueue("ada", f"{SECRET}-position"), greet.enqueue(visit)]
    visit.delete()
    for function, execution in zip((charge, sign_in, greet), executions, strict=True):
        run(function, [execution.id])
        execution.refresh_from_db()
    assert [each.state for each in executions] == [State.FAILED, State.SUCCEEDED, State.DISCARDED]
    assert SECRET in executions[0].arguments_json
    assert SECRET in executions[0].reason
    assert SECRET in Attempt.objects.get(execution=executions[0]).traceback
    assert SECRET in str(executions[1].result_json)
    yield executions
    loop.run(sync_to_async(connections.close_all)())
