"""`defer stats`, `mark`, `notify-test`, `tail`, `watch` and the overview, one look at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from deferapp.alerts import trial
from deferapp.cli import COMMANDS, exits, notify_test, stats, tail, watch
from deferapp.cli.tail import Follower
from deferapp.clock import now
from deferapp.executions.search import parse
from deferapp.executions.states import State
from deferapp.models import Attempt, DeployMark, ErrorGroup, Execution
from deferapp.tallies.read import Counts, ErrorTally, FunctionTally
from tests.unit.cli.conftest import ask
from tests.unit.rows import SECOND, make_execution

pytestmark = pytest.mark.django_db


def end(execution: Execution, outcome: str = "succeeded", **fields: Any) -> Attempt:
    moment = now()
    return Attempt.objects.create(
        execution=execution,
        number=fields.pop("number", 1),
        outcome=outcome,
        started_at=moment - 2 * SECOND,
        ended_at=moment,
        **fields,
    )


def test_without_a_command_all_commands_are_told_and_nobody_is_asked(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        out = ask().out
    for command in COMMANDS:
        assert f"  {command.name} " in out
        assert command.help in out


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tail.time, "sleep", interrupt)
    assert ask("tail").code == exits.INTERRUPTED


def test_a_mark_is_made() -> None:
    assert ask("mark", "v2.3.1").out.endswith(" v2.3.1\n")
    assert ask("mark", " v2 ", "--json").json["label"] == "v2"
    assert {mark.label for mark in DeployMark.objects.all()} == {"v2.3.1", "v2"}
    assert ask("mark", "x" * 101).code == ask("mark", " ").code == 2


@pytest.mark.parametrize(("outcomes", "code"), [(["sent"], 0), (["sent", "no such webhook, token=abc123"], 1), ([], 1)])
def test_alerts_are_tried(monkeypatch: pytest.MonkeyPatch, outcomes: list[str], code: int) -> None:
    trials = [trial.Trial(f"slack {number}", outcome) for number, outcome in enumerate(outcomes)]
    monkeypatch.setattr(notify_test, "notify_test", lambda: trials)
    answer = ask("notify-test")
    assert answer.code == code
    assert "abc123" not in answer.out
    assert ("slack 0" in answer.out) == bool(outcomes)
    assert [each["sent"] for each in ask("notify-test", "--json").json] == [each == "sent" for each in outcomes]


def test_alerts_that_cannot_be_read_are_wrong_use(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise ValueError("no channel slakc")

    monkeypatch.setattr(notify_test, "notify_test", refuse)
    assert ask("notify-test").code == 2


@pytest.fixture
def _counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the charts would show."""
    mail = Counts(succeeded=98, failed=2, retried=5)
    other = Counts(succeeded=1)
    group = ErrorGroup(key="ab12", function="shop.defer.mail", error_type="ValueError", place="shop.mail:send")
    group.first_at = group.last_at = now()
    group.message = "password=hunter2"
    found = {
        "shop.defer.mail": FunctionTally(counts=mail, trend=[0, 100, 0], failed_trend=[0, 2, 0]),
        "shop.defer.other": FunctionTally(counts=other, trend=[1, 0, 0], failed_trend=[0, 0, 0]),
    }
    monkeypatch.setattr(stats.read, "by_function", lambda _range: found)
    monkeypatch.setattr(
        stats.read, "errors", lambda _range, _function, most: [ErrorTally(group=group, count=7, trend=[7])]
    )


@pytest.mark.usefixtures("_counted")
def test_stats_are_those_of_the_charts() -> None:
    head, mail, other, total, _, _, error = ask("stats").lines
    assert head.split() == ["function", "trend", "ended", "ok", "failed", "retried", "p50", "p95", "p95", "wait"]
    assert mail.split() == ["shop.defer.mail", "100", "98.0%", "2", "5", "-", "-", "-"]
    assert other.split()[:3] == ["shop.defer.other", "1", "100.0%"]
    assert total.split()[:3] == ["all", "101", "98.0%"]
    assert error.split()[0] == "7"
    assert "ValueError in shop.mail:send" in error
    assert "hunter2" not in error
    record = ask("stats", "--json", "--range", "7d").json
    assert (record["range"], record["total"]["ended"], record["errors"][0]["key"]) == ("7d", 101, "ab12")
    assert record["functions"][0]["trend"] == [0, 100, 0]


def test_where_nothing_has_ended_stats_say_so() -> None:
    assert ask("stats").out.startswith("Nothing has ended since ")


@pytest.mark.django_db(transaction=True)
def test_stats_are_counted_anew() -> None:
    end(make_execution(state=State.SUCCEEDED, ended_at=now()))
    assert ask("stats", "--rebuild").out == "1 end counted anew.\n"
    assert ask("stats", "--rebuild", "--json").json == {"counted": 1}
    assert ask("stats", "--json").json["total"]["succeeded"] == 1


def test_stats_of_one_function_and_of_none(functions: Any) -> None:
    assert ask("stats", "mail").code == 0
    assert ask("stats", "nothing").code == 3


def follower(text: str = "", *, failed: bool = False) -> Follower:
    return Follower(parse(text, now()), failed=failed)


def test_each_end_is_followed_once_also_if_it_is_committed_late() -> None:
    first, second = end(make_execution()), end(make_execution())
    following = follower()
    assert following.earlier(1) == [second]
    assert following.earlier(5) == [first, second]
    assert following.new() == []
    late_id = second.id + 1
    newer = end(make_execution(), id=late_id + 1)
    assert following.new() == [newer]
    late = end(make_execution(), id=late_id)
    assert following.new() == [late]
    assert following.new() == []


def test_only_what_matches_is_followed() -> None:
    end(make_execution("shop.defer.other"), "failed")
    following = follower("fn:mail", failed=True)
    assert following.earlier(5) == []
    end(make_execution("shop.defer.mail"))
    end(make_execution("shop.defer.other"), "failed")
    failed = end(make_execution("shop.defer.mail"), "failed")
    assert following.new() == [failed]


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Do something between two looks of `tail` or `watch`, and interrupt it at the next."""

    def arrange(act: Callable[[], object]) -> None:
        steps = iter([act])

        def sleep(_seconds: float) -> None:
            step = next(steps, None)
            if step is None:
                raise KeyboardInterrupt
            step()

        monkeypatch.setattr(tail.time, "sleep", sleep)

    return arrange


def test_lines_of_tail_tell_what_ended_how(interrupted: Any) -> None:
    failing = make_execution("shop.defer.mail")
    end(make_execution("shop.defer.before"))
    retry_at = now() + timedelta(seconds=30)
    error = {"error_type": "ValueError", "error_message": "password=hunter2\nmore", "retry_at": retry_at, "number": 2}
    interrupted(lambda: end(failing, "failed", **error))
    before, line = ask("tail").lines
    assert " succeeded shop.defer.before " in before
    assert f" failed shop.defer.mail {failing.id} attempt 2, 2.0 s: ValueError: password=***" in line
    assert line.endswith(f"(again at {retry_at:%H:%M:%S})")
    assert "hunter2" not in line
    interrupted(lambda: None)
    record = [json.loads(each) for each in ask("tail", "--json", "--lines", "1").lines]
    assert [(each["function"], each["outcome"], each["number"]) for each in record] == [
        ("shop.defer.mail", "failed", 2)
    ]


def test_watching_what_has_ended_tells_how_and_ends() -> None:
    well = make_execution(state=State.SUCCEEDED, ended_at=now())
    assert (ask("watch", str(well.id)).out, ask("watch", str(well.id)).code) == (f"{well}: succeeded\n", 0)
    failed = make_execution(state=State.FAILED, ended_at=now(), reason="ValueError: no")
    answer = ask("watch", str(failed.id))
    assert (answer.out, answer.code) == (f"{failed}: failed: ValueError: no\n", 1)


def test_watching_tells_each_change_until_all_children_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = make_execution(state=State.SUCCEEDED, ended_at=now())
    one, other = (make_execution(parent=parent, state=state) for state in (State.STARTED, State.CREATED))
    steps: Iterator[Callable[[], object]] = iter(
        [
            lambda: None,
            lambda: Execution.objects.filter(pk=one.pk).update(state=State.SUCCEEDED),
            lambda: Execution.objects.filter(pk=other.pk).update(state=State.CANCELLED),
        ]
    )
    monkeypatch.setattr(watch.time, "sleep", lambda _seconds: next(steps)())
    answer = ask("watch", str(parent.id))
    assert answer.code == 1
    assert [line.partition("; children ")[2] for line in answer.lines] == [
        "0/2 ended: 1 created, 1 started",
        "1/2 ended: 1 created, 1 succeeded",
        "2/2 ended: 1 succeeded, 1 cancelled",
    ]


def test_watching_no_longer_than_it_is_told() -> None:
    running = make_execution(state=State.STARTED, started_at=now())
    answer = ask("watch", str(running.id), "--timeout", "0", "--json")
    assert answer.code == exits.TIMED_OUT
    assert json.loads(answer.out)["state"] == "started"
