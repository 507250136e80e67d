"""`defer executions`, `show`, `retry`, `rerun`, `cancel`, `reschedule`, `prune`, and how executions are named."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from deferapp.clock import now
from deferapp.executions.states import State
from deferapp.models import Attempt, AttemptLog, Execution
from deferapp.redact import STARS
from tests.unit.cli.conftest import ask
from tests.unit.rows import SECOND, make_execution

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queue")]


def failed_execution(**fields: Any) -> Execution:
    """One that was retried once, and whose texts have secrets in them."""
    moment = now()
    execution = make_execution(
        state=State.FAILED,
        attempt=2,
        error_code="ER0003",
        reason="ValueError: password=hunter2",
        arguments_json=json.dumps({"args": [], "kwargs": {"to": "bob", "api_key": "hunter2"}}),
        metadata={"tenant": "acme"},
        created_at=moment - 20 * SECOND,
        due_at=moment - 5 * SECOND,
        started_at=moment - 4 * SECOND,
        ended_at=moment,
        **fields,
    )
    for number, begin, length in ((1, 18, 4), (2, 4, 4)):
        Attempt.objects.create(
            execution=execution,
            number=number,
            outcome="failed",
            worker="w1",
            started_at=moment - begin * SECOND,
            ended_at=moment - (begin - length) * SECOND,
            error_code="ER0003",
            error_type="ValueError",
            error_message="password=hunter2 \x1b[31m",
            traceback="".join(f"  frame {n}\n" for n in range(50)) + "ValueError: password=hunter2\n",
        )
    AttemptLog.objects.create(
        execution=execution,
        number=2,
        lines=[
            ["2026-11-22T09:31:47.123Z", "INFO", "shop", "hello"],
            None,
            ["2026-11-22T09:31:48Z", "INFO", "shop", "bye"],
        ],
        dropped=12,
    )
    return execution


def test_executions_are_listed_newest_first() -> None:
    first, second = make_execution("shop.defer.a"), make_execution("shop.defer.b", state=State.SUCCEEDED)
    head, *lines, summary = ask("executions").lines
    assert head.split() == ["id", "function", "state", "attempt", "created", "wait", "duration"]
    assert [line.split()[:3] for line in lines] == [
        [str(second.id), "shop.defer.b", "succeeded"],
        [str(first.id), "shop.defer.a", "created"],
    ]
    assert summary == "2 executions"


def test_executions_are_found_by_the_words_of_the_search_box() -> None:
    wanted = make_execution("shop.defer.a", state=State.FAILED, metadata={"city": "New York"})
    make_execution("shop.defer.a")
    for words in (["state:failed"], ["meta.city:New York"], ["fn:a", "state:failed,aborted", "since:2 h"]):
        assert [each["id"] for each in ask("executions", *words, "--json").json] == [str(wanted.id)]


def test_a_word_that_cannot_be_is_wrong_use() -> None:
    answer = ask("executions", "stat:failed")
    assert (answer.code, answer.error) == (2, "stat:failed is no word of a search. Did you mean state:?")


def test_no_more_than_the_limit_are_listed_and_it_is_told() -> None:
    for _ in range(3):
        make_execution()
    assert ask("executions", "--limit", "2").lines[-1] == "The newest 2; there are more: --limit"
    assert len(ask("executions", "--limit", "2", "--json").json) == 2
    assert ask("executions", "--limit", "0").code == 2
    assert ask("executions", "state:failed").out == "No execution matches.\n"


def test_an_execution_is_shown_with_all_that_is_known_and_no_secret() -> None:
    execution = failed_execution(parent_id=uuid4())
    out = ask("show", str(execution.id)).out
    for shown in (
        f"shop.defer.mail {execution.id}",
        f"failed: ValueError: password={STARS} ER0003",
        '"to": "bob"',
        f'"api_key": "{STARS}"',
        "meta.tenant  acme",
        f"called by    {execution.parent_id}",
        "attempt 2 failed on w1",
        "  frame 49",
        "INFO shop: hello\n(12 lines not kept)\n",
        "INFO shop: bye",
        "(21 lines before: --all)",
    ):
        assert shown in out
    assert "hunter2" not in out
    assert "\x1b" not in out
    assert "  frame 0\n" in ask("show", str(execution.id), "--all").out


def test_the_timeline_is_to_scale() -> None:
    execution = failed_execution()
    lines = ask("show", str(execution.id)).lines
    begin = next(number for number, line in enumerate(lines) if line.startswith("wait  ") and "░" in line)
    assert [(line.split()[0], line.count("░") or line.count("▓")) for line in lines[begin : begin + 4]] == [
        ("wait", 4),
        ("attempt", 8),
        ("back-off", 20),
        ("attempt", 8),
    ]
    assert lines[begin + 1].endswith("4.0 s  failed ER0003")


def test_an_execution_as_json() -> None:
    execution = failed_execution()
    make_execution(parent=execution, state=State.SUCCEEDED)
    record = ask("show", str(execution.id), "--json").json
    assert (record["state"], record["duration"], record["children"]) == ("failed", 4.0, {"succeeded": 1})
    assert record["arguments"] == {"to": "bob", "api_key": STARS}
    assert [each["number"] for each in record["attempts"]] == [1, 2]
    assert record["logs"][0]["dropped"] == 12
    assert record["logs"][0]["first"][0]["text"] == "hello"
    assert "hunter2" not in json.dumps(record)


def test_children_are_counted() -> None:
    parent = make_execution()
    for state in (State.SUCCEEDED, State.SUCCEEDED, State.FAILED, State.CREATED):
        make_execution(parent=parent, state=state)
    assert "children 3/4 ended: 1 created, 2 succeeded, 1 failed" in ask("show", str(parent.id)).out


def test_the_end_of_an_id_will_do_if_it_is_the_only_one() -> None:
    one = make_execution(id=UUID("01a202b0-0000-7000-8000-0000aaaabbbb"))
    other = make_execution(id=UUID("01a202b0-0000-7000-8000-1111aaaabbbb"))
    assert ask("show", "0000aaaabbbb", "--json").json["id"] == str(one.id)
    assert ask("show", "…1111aaaabbbb", "--json").json["id"] == str(other.id)
    several = ask("show", "aaaabbbb")
    assert several.code == 2
    assert several.error == f"The ids of several executions end with aaaabbbb:\n  {other}\n  {one}"


@pytest.mark.parametrize("command", ["show", "retry", "rerun", "cancel", "reschedule", "watch"])
def test_what_is_not_there_is_not_found_and_what_is_no_id_is_wrong_use(command: str) -> None:
    id = uuid4()
    assert (ask(command, str(id)).code, ask(command, str(id)).error) == (3, f"There is no execution {id}.")
    assert (ask(command, "seven").code, ask(command, "seven").error) == (2, "seven is no id of an execution.")


def test_what_has_failed_is_retried_as_the_same_execution() -> None:
    failed = make_execution(state=State.FAILED, attempt=1)
    assert ask("retry", str(failed.id)).out == f"{failed}: created\n"
    refused = ask("retry", str(failed.id))
    assert (refused.code, refused.error) == (1, f"{failed} is created. Only what has failed is retried; see `rerun`.")


def test_children_that_have_failed_are_retried_and_those_that_wait_cancelled() -> None:
    parent = make_execution()
    children = [make_execution(parent=parent, state=State.FAILED) for _ in range(2)]
    assert ask("retry", "--children", str(parent.id)).out == f"{parent}: children retried: 2\n"
    assert ask("cancel", "--children", "--json", str(parent.id)).json == [{"id": str(parent.id), "children": 2}]
    assert {Execution.objects.get(pk=child.pk).state for child in children} == {State.CANCELLED}
    assert Execution.objects.get(pk=parent.pk).state == State.CREATED


def test_executions_are_cancelled_up_to_the_first_that_cannot_be() -> None:
    one, ended, other = make_execution(), make_execution(state=State.SUCCEEDED), make_execution()
    answer = ask("cancel", str(one.id), str(ended.id), str(other.id), "--json")
    assert answer.code == 1
    assert answer.json == [{"id": str(one.id), "state": "cancelled"}]
    assert Execution.objects.get(pk=other.pk).state == State.CREATED


def test_executions_run_again_and_are_rescheduled() -> None:
    execution = make_execution(state=State.SUCCEEDED)
    (again,) = ask("rerun", str(execution.id), "--json").json
    assert (again["rerun_of"], again["state"]) == (str(execution.id), "created")
    (moved,) = ask("reschedule", again["id"], "--at", "2h", "--json").json
    due_at = Execution.objects.get(pk=again["id"]).due_at
    assert moved["due_at"] == due_at.isoformat()
    assert due_at > now() + timedelta(minutes=119)
    assert ask("reschedule", again["id"], "--at", "soon").code == 2
    assert ask("reschedule", str(execution.id)).code == 1


def test_what_is_kept_no_longer_is_pruned(settings: Any) -> None:
    settings.DEFER = {"RETENTION": "1 day"}
    old = now() - timedelta(days=2)
    for _ in range(3):
        make_execution(state=State.SUCCEEDED, created_at=old, ended_at=old)
    stays = make_execution(state=State.SUCCEEDED, ended_at=now())
    first, second = ask("prune").lines
    assert first == "3 executions taken away."
    assert second.startswith("Kept after their end: aborted 1 d, cancelled 1 d,")
    assert Execution.objects.get() == stays
    assert ask("prune", "--json").json["pruned"] == 0
    settings.DEFER = {"RETENTION": "soon"}
    assert ask("prune").code == 2
