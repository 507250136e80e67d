"""What is said in the reader's language, and what stays English."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import translation

from deferapp.executions.states import State
from deferapp.models import Execution
from deferapp.views import FunctionView
from tests.unit.rows import function_named, make_execution
from tests.unit.schedules.editing import NAME, declare


@pytest.fixture(autouse=True)
def german(settings: Any) -> None:
    settings.LANGUAGE_CODE = "de"


@pytest.mark.django_db
def test_pages_speak_the_language_of_the_site(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root"))
    execution = make_execution(state=State.STARTED)
    page = client.get(reverse("admin:deferapp_execution_change", args=[execution.pk])).content.decode()
    assert "aufgerufen von" in page
    assert "läuft" in page


def test_states_are_kept_as_they_are_and_shown_in_each_language() -> None:
    execution = Execution(function="shop.defer.mail", state=State.ABORTING)
    assert (execution.state, str(execution.get_state_display())) == ("aborting", "wird abgebrochen")
    with translation.override("en"):
        assert str(execution.get_state_display()) == "aborting"


def test_a_function_as_a_url_answers_in_the_language_of_the_request() -> None:
    answer = FunctionView.as_view(function=function_named("shop.defer.mail"))(RequestFactory().post("/"))
    assert answer.status_code == 403
    assert "Das ist nicht erlaubt." in answer.content.decode()


@pytest.mark.django_db
def test_the_command_line_speaks_english(empty_registry: None) -> None:
    declare("0 8 * * 1")
    with pytest.raises(CommandError, match="nix is no state"):
        call_command("defer", "executions", "state:nix")
    with pytest.raises(CommandError, match="no due moment in this range"):
        call_command("defer", "schedules", "backfill", NAME, "--since", "1s")
