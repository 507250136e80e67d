"""Who may enqueue and who may read."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client

from deferapp.models import Execution
from deferapp.views import OWNER
from tests.unit.queue import MemoryQueue
from tests.unit.rows import make_execution
from tests.unit.web.requests import end, enqueue, post, read


def assert_hidden(client: Client, url: str, id: object) -> None:
    response = client.get(f"{url}{id}/")
    assert (response.status_code, response.json()) == (404, {"error": "There is no such execution."})


def test_everything_is_denied_by_default(visitor: Client, ada: Client) -> None:
    for client in (visitor, ada):
        execution = enqueue(client, "/add/", [1, 2])
        end(execution, "succeeded", 3)
        for response in (post(client, "/denied/", [1, 2]), client.get(f"/denied/{execution.id}/")):
            assert (response.status_code, response.json()) == (403, {"error": "You may not do this."})
    assert Execution.objects.count() == 2


def test_a_superuser_is_denied_too_unless_the_view_says_otherwise(admin_client: Client) -> None:
    assert post(admin_client, "/denied/", [1, 2]).status_code == 403


def test_a_post_without_a_csrf_token_enqueues_nothing(queue: MemoryQueue) -> None:
    client = Client(enforce_csrf_checks=True)
    assert post(client, "/add/", [1, 2]).status_code == 403
    assert (Execution.objects.count(), len(queue)) == (0, 0)


def test_a_post_with_the_csrf_token_in_its_header_enqueues() -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    response = post(client, "/add/", [1, 2], x_csrftoken="a" * 32)
    assert response.status_code == 202


def test_a_visitors_execution_is_hidden_from_another_visitor_and_from_users(visitor: Client, ada: Client) -> None:
    execution = enqueue(visitor, "/add/", [1, 2])
    for other in (Client(), ada):
        assert_hidden(other, "/add/", execution.id)
    assert read(visitor, "/add/", execution)["state"] == "created"


def test_a_users_execution_is_hidden_from_other_users_and_from_visitors(
    ada: Client, bob: Client, admin_client: Client, visitor: Client
) -> None:
    execution = enqueue(ada, "/add/", [1, 2])
    for other in (bob, admin_client, visitor):
        assert_hidden(other, "/add/", execution.id)
    assert read(ada, "/add/", execution)["state"] == "created"


def test_a_user_reads_it_from_another_session(ada: Client) -> None:
    execution = enqueue(ada, "/add/", [1, 2])
    elsewhere = Client()
    elsewhere.force_login(User.objects.get(username="ada"))
    assert read(elsewhere, "/add/", execution)["state"] == "created"


def test_an_execution_of_another_function_is_hidden(visitor: Client) -> None:
    assert_hidden(visitor, "/note/", enqueue(visitor, "/add/", [1, 2]).id)


def test_an_unknown_execution_and_one_that_no_view_enqueued_are_hidden(visitor: Client, ada: Client) -> None:
    for client in (visitor, ada):
        for id in (uuid4(), make_execution("tests.shop.defer.add").id):
            assert_hidden(client, "/add/", id)


def test_looking_for_an_unknown_execution_begins_no_session(visitor: Client) -> None:
    assert_hidden(visitor, "/add/", uuid4())
    assert not visitor.cookies


def test_who_logs_out_and_who_logs_in_after_them_in_the_same_browser_read_nothing_of_before(
    visitor: Client, ada: Client
) -> None:
    of_ada = enqueue(ada, "/add/", [1, 2])
    ada.logout()
    assert_hidden(ada, "/add/", of_ada.id)
    ada.force_login(User.objects.create_user("carol"))
    assert_hidden(ada, "/add/", of_ada.id)


def test_sessions_that_are_kept_in_cookies_are_told_apart(settings: LazySettings) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    first, second = Client(), Client()
    executions = [enqueue(client, "/add/", [1, 2]) for client in (first, second)]
    assert_hidden(first, "/add/", executions[1].id)
    assert_hidden(second, "/add/", executions[0].id)
    for client, execution in zip((first, second), executions, strict=True):
        assert read(client, "/add/", execution)["state"] == "created"


def test_the_owner_in_the_metadata_is_no_key_of_a_session(visitor: Client) -> None:
    owner = enqueue(visitor, "/add/", [1, 2]).metadata[OWNER]
    assert visitor.session.session_key not in owner
    assert visitor.cookies["sessionid"].value not in owner


def test_a_caller_cannot_name_a_row_of_a_model(ada: Client) -> None:
    user = User.objects.get(username="ada")
    reference = {"$model": ["auth.User", "default", user.pk]}
    execution = enqueue(ada, "/note/", [reference])
    # Written as a dict with a key that begins with a dollar, and not as a reference.
    assert json.loads(execution.arguments_json) == {"args": [{"$$model": ["auth.User", "default", user.pk]}]}


@pytest.mark.parametrize("method", ["put", "patch", "delete", "get", "head"])
def test_a_url_without_an_id_is_for_post_alone(visitor: Client, method: str) -> None:
    response = getattr(visitor, method)("/add/")
    assert (response.status_code, response["Allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize("method", ["put", "patch", "delete", "post"])
def test_a_url_with_an_id_is_for_reading_alone(visitor: Client, method: str) -> None:
    execution = enqueue(visitor, "/add/", [1, 2])
    response = getattr(visitor, method)(f"/add/{execution.id}/")
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert Execution.objects.count() == 1


def test_an_execution_of_somebody_else_is_answered_in_all_parts_as_one_that_there_is_not(
    visitor: Client, ada: Client, bob: Client
) -> None:
    of_visitor, of_ada = enqueue(visitor, "/add/", [1, 2]), enqueue(ada, "/add/", [1, 2])
    for client, id in ((Client(), of_visitor.id), (Client(), of_ada.id), (bob, of_ada.id), (visitor, of_ada.id)):
        answers = [client.get(f"/add/{each}/") for each in (id, uuid4(), enqueue(ada, "/note/", ["x"]).id)]
        for each in answers:
            del each.headers["Expires"]  # now, and so another when a second has passed
        parts = [(each.status_code, each.content, dict(each.headers), each.cookies.output()) for each in answers]
        assert parts[0] == parts[1] == parts[2]


def test_reading_begins_no_session(visitor: Client, ada: Client) -> None:
    assert_hidden(visitor, "/add/", enqueue(ada, "/add/", [1, 2]).id)
    assert not visitor.cookies


def test_the_function_is_not_named_and_nothing_is_told_of_what_the_view_added(visitor: Client) -> None:
    response = post(visitor, "/add-to/7/", [float("inf")])
    assert (response.status_code, response.json()) == (400, {"error": "The arguments cannot be taken."})
