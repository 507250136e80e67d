"""`defer list`, `run`, `pause`, `resume`, and how functions are named."""

from __future__ import annotations

from typing import Any

import pytest

from deferapp.exceptions import ExecutionFailed, ExecutionResultNotAvailable, ResultTimeout
from deferapp.executions import waiting
from deferapp.executions.states import State
from deferapp.functions import registry
from deferapp.functions.config import Config
from deferapp.functions.function import ScheduledFunction
from deferapp.models import Execution, PausedFunction
from tests.unit.cli.conftest import ask
from tests.unit.rows import function_named

pytestmark = pytest.mark.django_db


async def _weekly() -> None: ...


weekly = ScheduledFunction(_weekly, "shop.defer.weekly", Config(), "0 8 * * 1", "latest")


@pytest.mark.usefixtures("empty_registry")
def test_functions_are_listed_with_their_settings() -> None:
    mail = function_named("shop.defer.mail", concurrency=3, retry=5, max_duration="90s")
    registry.register(mail)
    registry.register(weekly)
    mail.pause()
    head, first, second, summary = ask("list").lines
    assert head.split() == ["function", "kind", "schedule", "at", "once", "retries", "longest"]
    assert first.split() == [mail.name, "sync", "-", "3", "5", "1", "min", "30", "s", "paused"]
    assert second.split()[:7] == [weekly.name, "async", "0", "8", "*", "*", "1"]
    assert summary == "2 functions"
    one, other = ask("list", "--json").json
    assert (one["name"], one["is_paused"], one["concurrency"], one["max_duration"]) == (mail.name, True, 3, 90)
    assert (one["retry"]["max_attempts"], other["frequency"], other["is_async"]) == (5, "0 8 * * 1", True)


@pytest.mark.usefixtures("functions")
def test_functions_are_listed_by_a_part_of_their_names() -> None:
    assert [each["name"] for each in ask("list", "PRUNE", "--json").json] == ["shop.defer.prune", "web.defer.prune"]
    missing = ask("list", "nothing")
    assert (missing.code, missing.error) == (3, "No function's name has 'nothing' in it.")


@pytest.mark.usefixtures("empty_registry")
def test_without_any_function_it_says_where_to_put_one() -> None:
    assert "package defer/" in ask("list").out


@pytest.mark.usefixtures("functions")
def test_the_end_of_a_name_will_do_if_it_is_the_only_one() -> None:
    assert ask("pause", "mail").out == "shop.defer.mail: paused\n"
    assert ask("pause", "web.defer.prune").code == 0
    several = ask("pause", "prune")
    assert (several.code, several.error) == (
        2,
        "prune is the name of several functions:\n  shop.defer.prune\n  web.defer.prune",
    )
    missing = ask("pause", "mial")
    assert (missing.code, missing.error) == (3, "There is no function mial. Did you mean shop.defer.mail?")
    unlike = ask("pause", "xyzzy")
    assert "There are:\n  shop.defer.mail\n" in unlike.error


@pytest.mark.usefixtures("functions")
def test_pausing_and_resuming_tell_what_they_did_in_json_too() -> None:
    assert ask("pause", "mail", "refresh_token", "--json").json == [
        {"function": "shop.defer.mail", "is_paused": True},
        {"function": "web.defer.refresh_token", "is_paused": True},
    ]
    assert ask("resume", "mail", "--json").json == [{"function": "shop.defer.mail", "is_paused": False}]
    assert PausedFunction.objects.get().function == "web.defer.refresh_token"


@pytest.mark.usefixtures("functions")
def test_a_name_that_looks_like_a_secret_is_shown() -> None:
    assert ask("pause", "refresh_token").out == "web.defer.refresh_token: paused\n"


@pytest.mark.usefixtures("functions", "queue")
def test_running_a_function_enqueues_it_with_arguments_by_place_or_name() -> None:
    assert ask("run", "mail", "--args", '[7, "x"]').lines[0].endswith(": created")
    assert Execution.objects.get().arguments_json == '{"args":[7,"x"]}'
    record = ask("run", "mail", "--args", "[]", "--json").json
    assert (record["function"], record["state"], record["arguments"]) == ("shop.defer.mail", "created", {})


@pytest.mark.usefixtures("empty_registry", "queue")
def test_a_scheduled_function_runs_now_and_takes_no_arguments() -> None:
    registry.register(weekly)
    assert ask("run", weekly.name).code == 0
    assert Execution.objects.get().function == weekly.name
    assert ask("run", weekly.name, "--args", "[1]").code == 2


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "--args is no JSON"),
        ("7", "--args is an array of arguments, or an object of named ones."),
        ('{"password": 1}', "shop.defer.mail: "),
    ],
)
def test_arguments_that_do_not_fit_are_wrong_use(text: str, told: str) -> None:
    answer = ask("run", "mail", "--args", text)
    assert answer.code == 2
    assert told in answer.error
    assert not Execution.objects.exists()


@pytest.mark.usefixtures("functions", "queue")
@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (ResultTimeout("not in time"), 4, "not in time"),
        (ExecutionFailed("ValueError: password=hunter2"), 1, "failed: ValueError: password=****"),
        (ExecutionResultNotAvailable("was cancelled"), 1, "was cancelled"),
    ],
)
def test_waiting_for_what_does_not_succeed(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, told: str
) -> None:
    def wait(_execution: Execution, _within: float | None) -> Any:
        raise error

    monkeypatch.setattr(waiting, "wait", wait)
    answer = ask("run", "mail", "--wait")
    assert answer.code == code
    assert told in answer.error
    assert ask("run", "mail", "--wait", "5", "--json").json["state"] == "created"


@pytest.mark.usefixtures("functions", "queue")
def test_waiting_prints_the_result_redacted(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float | None] = []

    def wait(execution: Execution, within: float | None) -> None:
        waited.append(within)
        result = '{"api_key": "hunter2", "n": 7}'
        Execution.objects.filter(pk=execution.pk).update(state=State.SUCCEEDED, result_json=result)

    monkeypatch.setattr(waiting, "wait", wait)
    answer = ask("run", "mail", "--wait")
    assert "hunter2" not in answer.out
    assert '"n": 7' in answer.out
    assert ask("run", "mail", "--wait", "2.5", "--json").json["result"]["n"] == 7
    assert waited == [None, 2.5]
