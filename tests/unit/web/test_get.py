"""Reading by GET what became of an execution."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deferapp.executions.states import ErrorCode, State
from deferapp.models import Attempt, Execution
from tests.unit.web.requests import end, enqueue, read

SECRET = "OSError: password hunter2 was refused by db.internal"


@pytest.fixture
def execution(visitor: Client) -> Execution:
    return enqueue(visitor, "/note/", ["text"])


def told(client: Client, execution: Execution) -> dict[str, Any]:
    """What the view tells, without the id."""
    answer = read(client, "/note/", execution)
    assert answer.pop("id") == str(execution.id)
    return answer


@pytest.mark.parametrize("state", [State.CREATED, State.STARTED, State.ABORTING])
def test_before_its_end_only_the_state_is_told(visitor: Client, execution: Execution, state: State) -> None:
    Execution.objects.filter(id=execution.id).update(state=state)
    assert told(visitor, execution) == {"state": state.value}


@pytest.mark.parametrize("result", [None, 0, "text", [1, {"a": [True, 1.5]}]])
def test_the_result_is_told_as_the_json_that_it_is(visitor: Client, execution: Execution, result: object) -> None:
    end(execution, "succeeded", result)
    assert told(visitor, execution) == {"state": "succeeded", "result": result}


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        (datetime(2026, 1, 5, 8, tzinfo=UTC), "2026-01-05T08:00:00Z"),
        (Decimal("1.10"), "1.10"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (State.CREATED, "created"),
    ],
)
def test_a_result_that_json_does_not_know_is_told_as_text(
    visitor: Client, execution: Execution, result: object, shown: str
) -> None:
    end(execution, "succeeded", {"value": result})
    assert told(visitor, execution) == {"state": "succeeded", "result": {"value": shown}}


def test_a_row_of_a_model_is_told_as_its_name_and_when_it_is_gone_that_there_is_no_result(
    visitor: Client, execution: Execution
) -> None:
    user = User.objects.create_user("ada")
    end(execution, "succeeded", user)
    assert told(visitor, execution) == {"state": "succeeded", "result": "ada"}
    user.delete()
    assert told(visitor, execution) == {"state": "succeeded", "error": "ER0000"}


def test_a_result_of_a_megabyte_is_told_whole(visitor: Client, execution: Execution) -> None:
    end(execution, "succeeded", "x" * 1_000_000)
    assert len(told(visitor, execution)["result"]) == 1_000_000


@pytest.mark.parametrize("code", [code.value for code in ErrorCode])
def test_of_a_failure_the_code_is_told_and_never_the_message(visitor: Client, execution: Execution, code: str) -> None:
    moment = execution.created_at
    end(execution, "failed", error_code=code, reason=SECRET)
    Attempt.objects.create(
        execution=execution,
        number=1,
        outcome=Attempt.Outcome.FAILED,
        started_at=moment,
        ended_at=moment,
        error_code=code,
        error_type="OSError",
        error_message=SECRET,
        traceback=SECRET,
    )
    assert told(visitor, execution) == {"state": "failed", "error": code}


@pytest.mark.parametrize("state", [State.CANCELLED, State.ABORTED, State.DISCARDED])
def test_an_end_without_a_result_is_told_as_an_error(visitor: Client, execution: Execution, state: State) -> None:
    end(execution, state, reason=SECRET)
    assert told(visitor, execution) == {"state": state.value, "error": state.value}


def test_arguments_are_not_read_for_it(visitor: Client, django_assert_max_num_queries: Any) -> None:
    execution = enqueue(visitor, "/note/", ["x" * 1000])
    with django_assert_max_num_queries(3) as captured:
        told(visitor, execution)
    assert not [query for query in captured.captured_queries if "arguments_json" in query["sql"]]


def test_an_answer_is_kept_by_no_cache(visitor: Client, execution: Execution) -> None:
    for url in (f"/note/{execution.id}/", f"/note/{UUID(int=7)}/"):
        assert "no-store" in visitor.get(url)["Cache-Control"]


def test_head_is_answered_as_get_without_a_body(visitor: Client, execution: Execution) -> None:
    response = visitor.head(f"/note/{execution.id}/")
    assert (response.status_code, response.content) == (200, b"")
