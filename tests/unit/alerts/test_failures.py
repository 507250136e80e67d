"""From ends that are counted to incidents: in the transaction that counts them."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.conf import LazySettings

from deferapp.alerts import failures
from deferapp.clock import now
from deferapp.executions import life
from deferapp.executions.endings import failure, outcome
from deferapp.models import Alert, AlertKind, ErrorGroup, Execution, TallyEntry
from deferapp.tallies.fold import fold
from tests.unit.alerts.rows import FUNCTION, KEY, entries, fail, make_failed
from tests.unit.rows import claim, function_named, make_executions

pytestmark = pytest.mark.django_db(transaction=True)


def settle(executions: list[Execution], error: Exception | failure.Failure, **config: object) -> None:
    """The attempts of these executions end so, as a worker records it."""
    config = {"retry": False, **config}
    what = error if isinstance(error, failure.Failure) else failure.of(error)
    for execution in claim(executions):
        settings = function_named(FUNCTION, **config).config
        life.settle([outcome.of_failure(execution, settings, what, now(), now())], worker="w")


def test_failures_that_workers_settle_become_one_incident_when_they_are_counted() -> None:
    executions = make_executions(7)
    settle(executions, ValueError("no such address"))
    assert not Alert.objects.exists()
    fold()
    alert = Alert.objects.get()
    assert (alert.kind, alert.subject, alert.count) == (AlertKind.FAILURES, f"ValueError in {FUNCTION}", 7)
    assert alert.text == "ValueError: no such address"
    assert alert.details["function"] == FUNCTION
    assert [each["execution"] for each in alert.details["named"]] == [str(each.pk) for each in executions[:5]]
    fold()
    assert Alert.objects.get().count == 7


def test_only_the_last_failure_of_an_execution_is_told() -> None:
    executions = make_executions(2)
    settle(executions, ValueError("no"), retry=3)
    fold()
    assert not Alert.objects.exists()


def test_one_who_is_killed_while_counting_neither_loses_nor_repeats_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    settle(make_executions(3), ValueError("no"))

    class Killed(BaseException):
        pass

    def record_and_die(ends: object) -> None:
        record(ends)  # type: ignore[arg-type]
        raise Killed

    record: Callable[[object], None] = failures.record  # type: ignore[assignment]
    monkeypatch.setattr(failures, "record", record_and_die)
    with pytest.raises(Killed):
        fold()
    assert not Alert.objects.exists()
    assert TallyEntry.objects.count() == 3
    monkeypatch.setattr(failures, "record", record)
    fold()
    assert Alert.objects.get().count == 3


def test_a_process_that_died_is_named_in_words() -> None:
    settle(make_executions(1), failure.LOST)
    fold()
    alert = Alert.objects.get()
    assert alert.subject.endswith(f" in {FUNCTION}")
    assert "ER0004" not in alert.subject
    assert alert.text == "The worker died while it ran this attempt."


def test_each_environment_has_incidents_of_its_own_in_one_ledger(settings: LazySettings) -> None:
    fail()
    settings.DEFER = {"ENVIRONMENT": "staging"}
    fail()
    assert sorted(Alert.objects.values_list("open_key", flat=True)) == [
        f"failures:{FUNCTION}/{KEY}",
        f"failures:staging/{FUNCTION}/{KEY}",
    ]


def test_the_longest_names_have_keys_of_their_own(settings: LazySettings) -> None:
    settings.DEFER = {"ENVIRONMENT": "e" * 40}
    for last in "ab":
        fail(function="f" * 199 + last, key=f"{last}" * 16)
    keys = list(Alert.objects.values_list("open_key", flat=True))
    assert len(set(keys)) == 2
    assert max(map(len, keys)) <= 250


def test_a_failure_without_a_group_is_told_all_the_same() -> None:
    execution = make_failed()
    ErrorGroup.objects.all().delete()
    failures.record(entries([execution]))
    failures.record([entries([execution], key="")[0]._replace(execution_id=uuid4())])
    assert sorted(Alert.objects.values_list("subject", "text")) == [
        (FUNCTION, "Executions have failed for good."),
        (FUNCTION, "Executions have failed for good."),
    ]


def test_counting_many_costs_few_queries(django_assert_max_num_queries: Callable[[int], object]) -> None:
    executions = [make_failed() for _ in range(20)]
    failures.record(entries(executions[:1]))
    with django_assert_max_num_queries(7):
        failures.record(entries(executions))
