"""What each kind of staff may do with one execution, and what comes of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from deferapp.clock import now
from deferapp.executions.states import State
from deferapp.models import Attempt, AttemptLog, BulkChange, Execution
from tests.unit.admin.pages import open_page, text_of
from tests.unit.queue import MemoryQueue
from tests.unit.rows import make_execution

pytestmark = pytest.mark.usefixtures("queue")

FUNCTION = "tests.shop.defer.fail"
OPERATOR = ("view_execution", "view_execution_values", "run_execution", "retry_execution", "cancel_execution")

SCENES: dict[str, dict[str, Any]] = {
    "retry": {"state": State.FAILED},
    "run-again": {"state": State.SUCCEEDED},
    "run-now": {"state": State.CREATED, "due_at": now() + timedelta(days=1)},
    "cancel": {"state": State.CREATED},
    "abort": {"state": State.STARTED},
}
"""What an execution is like with which one may do it."""
PERMISSIONS = {
    "retry": "retry_execution",
    "run-again": "run_execution",
    "run-now": "run_execution",
    "cancel": "cancel_execution",
    "abort": "cancel_execution",
}


@pytest.fixture
def operator(staff: Callable[..., Client]) -> Client:
    return staff(*OPERATOR)


@pytest.fixture
def superuser() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def url_of(execution: Execution, name: str) -> str:
    return reverse("admin:deferapp_execution_act", args=[execution.pk, name])


def act(client: Client, execution: Execution, name: str, **data: str) -> HttpResponse:
    return client.post(url_of(execution, name), {"wish": "one", **data}, follow=True)  # type: ignore[return-value]


def offered(client: Client, execution: Execution) -> set[str]:
    """The actions whose buttons the page has."""
    html = open_page(client, "execution_change", execution.pk)
    return set(re.findall(rf"{execution.pk}/act/([\w-]+)/", html))


def state_of(execution: Execution) -> dict[str, Any]:
    return Execution.objects.filter(pk=execution.pk).values().get()


@pytest.mark.parametrize("name", SCENES)
def test_who_may_only_view_is_offered_nothing_and_refused(name: str, viewer: Client) -> None:
    execution = make_execution(FUNCTION, **SCENES[name])
    before = state_of(execution)
    assert offered(viewer, execution) == set()
    assert viewer.post(url_of(execution, name)).status_code == 403
    assert (state_of(execution), Execution.objects.count(), LogEntry.objects.count()) == (before, 1, 0)


@pytest.mark.parametrize("name", SCENES)
def test_each_action_wants_its_own_permission(name: str, staff: Callable[..., Client]) -> None:
    execution = make_execution(FUNCTION, **SCENES[name])
    before = state_of(execution)
    client = staff("view_execution", *(set(OPERATOR) - {PERMISSIONS[name]}))
    assert name not in offered(client, execution)
    assert client.post(url_of(execution, name)).status_code == 403
    assert (state_of(execution), Execution.objects.count()) == (before, 1)


@pytest.mark.parametrize("name", SCENES)
def test_without_the_permission_to_view_no_other_one_helps(name: str, staff: Callable[..., Client]) -> None:
    execution = make_execution(FUNCTION, **SCENES[name])
    client = staff(*(set(OPERATOR) - {"view_execution"}))
    assert client.post(url_of(execution, name)).status_code == 403
    assert Client().post(url_of(execution, name)).status_code == 302
    assert Execution.objects.filter(state=execution.state).count() == 1


@pytest.mark.parametrize("kind", ["operator", "superuser"])
@pytest.mark.parametrize("name", SCENES)
def test_an_operator_and_a_superuser_may_and_it_is_written_down(
    name: str, kind: str, request: pytest.FixtureRequest
) -> None:
    client = request.getfixturevalue(kind)
    execution = make_execution(FUNCTION, **SCENES[name])
    assert name in offered(client, execution)
    response = act(client, execution, name)
    assert 'class="success"' in response.content.decode()
    expected = {
        "retry": State.CREATED,
        "run-again": State.SUCCEEDED,
        "run-now": State.CREATED,
        "cancel": State.CANCELLED,
        "abort": State.ABORTING,
    }
    execution.refresh_from_db()
    assert execution.state == expected[name]
    assert execution.due_at <= now()
    (entry,) = LogEntry.objects.all()
    assert (entry.object_id, entry.user.is_staff) == (str(execution.pk), True)
    assert entry.get_change_message() in text_of(open_page(client, "execution_change", execution.pk))


@pytest.mark.parametrize("name", SCENES)
def test_a_get_and_a_post_without_csrf_do_nothing(name: str, superuser: Client) -> None:
    execution = make_execution(FUNCTION, **SCENES[name])
    before = state_of(execution)
    assert superuser.get(url_of(execution, name)).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="root"))
    assert strict.post(url_of(execution, name)).status_code == 403
    assert (state_of(execution), Execution.objects.count()) == (before, 1)


@pytest.mark.parametrize("name", SCENES)
def test_a_form_that_is_sent_twice_does_it_once(name: str, operator: Client, queue: MemoryQueue) -> None:
    execution = make_execution(FUNCTION, **SCENES[name])
    first = act(operator, execution, name)
    after, count = state_of(execution), Execution.objects.count()
    second = act(operator, execution, name)
    assert (first.status_code, second.status_code) == (200, 200)
    assert (state_of(execution), Execution.objects.count()) == (after, count)


@pytest.mark.parametrize("name", set(SCENES) - {"run-again"})
@pytest.mark.parametrize("state", State)
def test_what_is_not_possible_is_not_offered_and_refused_with_its_reason(
    name: str, state: State, operator: Client
) -> None:
    if state == SCENES[name]["state"]:
        return
    execution = make_execution(FUNCTION, state=state)
    before = state_of(execution)
    assert name not in offered(operator, execution)
    assert 'class="warning"' in act(operator, execution, name).content.decode()
    assert state_of(execution) == before
    assert not LogEntry.objects.exists()


def test_run_again_leads_to_the_new_execution_and_another_form_makes_another_one(operator: Client) -> None:
    first = make_execution(FUNCTION, state=State.SUCCEEDED, arguments_json='{"args":["Elm"]}')
    response = act(operator, first, "run-again")
    second = Execution.objects.get(rerun_of=first)
    assert str(second.pk) in response.redirect_chain[-1][0]  # type: ignore[attr-defined]
    assert second.arguments_json == first.arguments_json
    act(operator, first, "run-again", wish="another")
    assert Execution.objects.filter(rerun_of=first).count() == 2


def test_a_function_that_is_gone_from_the_code_is_not_run_again(operator: Client) -> None:
    assert offered(operator, make_execution("old.defer.gone", state=State.SUCCEEDED)) == set()


def test_what_is_retried_is_published(
    operator: Client, queue: MemoryQueue, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    execution = make_execution(FUNCTION, state=State.FAILED)
    with django_capture_on_commit_callbacks(execute=True):
        act(operator, execution, "retry")
    assert [each.ids for each in queue.take()] == [[execution.pk]]


@pytest.mark.parametrize("name", ["nothing", "delete", "retry-all"])
def test_an_action_that_is_none_is_not_found(name: str, superuser: Client) -> None:
    assert superuser.post(url_of(make_execution(), name)).status_code == 404


def test_an_execution_that_is_gone_leads_back_with_a_message(operator: Client) -> None:
    execution = make_execution(FUNCTION, state=State.FAILED)
    Execution.objects.all().delete()
    assert "exist" in act(operator, execution, "retry").content.decode()


def test_values_are_shown_to_those_who_may_see_them_alone(staff: Callable[..., Client]) -> None:
    execution = make_execution(
        FUNCTION,
        state=State.SUCCEEDED,
        attempt=1,
        arguments_json='{"args":["an-argument"]}',
        result_json='"a-result"',
        metadata={"tenant": "a-tenant"},
    )
    Attempt.objects.create(
        execution=execution, number=1, outcome="failed", started_at=now(), ended_at=now(), traceback="a-traceback"
    )
    line = [now().isoformat(), "INFO", "shop", "a-line"]
    AttemptLog.objects.create(execution=execution, number=1, lines=[line])
    values = ("an-argument", "a-result", "a-tenant", "a-traceback", "a-line")
    html = open_page(staff("view_execution"), "execution_change", execution.pk)
    assert [value for value in values if value in html] == []
    User.objects.all().delete()
    html = open_page(staff("view_execution", "view_execution_values"), "execution_change", execution.pk)
    assert [value for value in values if value not in html] == []


def test_the_selected_are_retried_and_the_others_left_alone(operator: Client) -> None:
    failed, other, running = (make_execution(FUNCTION, state=s) for s in (State.FAILED, State.FAILED, State.STARTED))
    chosen = {"action": "retry", "_selected_action": [str(failed.pk), str(running.pk)], "index": "0"}
    response = operator.post(reverse("admin:deferapp_execution_changelist"), chosen, follow=True)
    assert "Retry: 1 execution. 1 was left alone." in response.content.decode()
    states = dict(Execution.objects.values_list("pk", "state"))
    assert states == {failed.pk: "created", other.pk: "failed", running.pk: "started"}
    assert list(LogEntry.objects.values_list("object_id", flat=True)) == [str(failed.pk)]


@pytest.mark.parametrize("name", ["retry", "cancel", "abort"])
def test_who_may_only_view_cannot_act_on_the_selected(name: str, viewer: Client) -> None:
    execution = make_execution(FUNCTION, **SCENES[name])
    before = state_of(execution)
    url = reverse("admin:deferapp_execution_changelist")
    for across in ("0", "1"):
        chosen = {"action": name, "_selected_action": [str(execution.pk)], "index": "0", "select_across": across}
        viewer.post(url, chosen)
    assert viewer.get(reverse("admin:deferapp_execution_bulk"), {"action": name}).status_code == 403
    assert viewer.post(reverse("admin:deferapp_execution_bulk"), {"action": name}).status_code == 403
    assert (state_of(execution), BulkChange.objects.count()) == (before, 0)
    assert 'name="action"' not in open_page(viewer, "execution_changelist")
