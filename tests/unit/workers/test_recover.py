"""What a dead worker leaves behind is lost or given back, once."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from deferapp import defer
from deferapp.clock import now
from deferapp.executions import life
from deferapp.executions.endings.ending import Ending
from deferapp.executions.states import State
from deferapp.models import Attempt, EndNote, Execution, Worker
from deferapp.workers import claims, process
from deferapp.workers.recover import recover, recover_orphans
from tests.unit.rows import claim, make_executions, make_worker, values_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_registry")]

SYNC, ASYNC = f"{__name__}.mail", f"{__name__}.amail"


def mail(number: int) -> None: ...


async def amail(number: int) -> None: ...


@pytest.fixture(autouse=True)
def declared(empty_registry: None) -> None:
    defer(mail)
    defer(amail)


def states(executions: list[Execution]) -> list[tuple[str, int]]:
    return [(values_of(each)["state"], values_of(each)["attempt"]) for each in executions]


def settle(execution: Execution) -> None:
    moment = now()
    assert life.settle([Ending(execution=execution, started_at=moment, ended_at=moment)], worker="w") == 1


def test_of_a_sync_function_the_first_is_lost_and_due_at_once_the_others_are_given_back_uncounted() -> None:
    worker, before = make_worker(), now()
    executions = claim(make_executions(4, SYNC), worker=worker)
    settle(executions[0])
    assert recover(worker) == 1
    assert states(executions) == [(State.SUCCEEDED, 1), (State.CREATED, 1), (State.CREATED, 0), (State.CREATED, 0)]
    lost = values_of(executions[1])
    assert (lost["error_code"], lost["claim"], lost["worker_id"]) == ("ER0004", None, None)
    assert before <= lost["due_at"] == lost["dispatch_at"] <= now()
    (attempt,) = Attempt.objects.filter(execution=executions[1])
    assert (attempt.number, attempt.outcome, attempt.error_code) == (1, "failed", "ER0004")
    assert (attempt.started_at, attempt.retry_at) == (executions[1].started_at, lost["due_at"])
    assert attempt.worker == str(worker)
    for given_back in executions[2:]:
        row = values_of(given_back)
        assert (row["error_code"], row["started_at"], row["dispatch_at"]) == ("", None, row["due_at"])


def test_of_an_async_function_all_are_lost() -> None:
    worker = make_worker()
    executions = claim(make_executions(3, ASYNC), worker=worker)
    assert recover(worker) == 3
    assert states(executions) == [(State.CREATED, 1)] * 3
    assert Attempt.objects.count() == 3


def test_of_a_function_that_is_gone_all_are_lost() -> None:
    worker = make_worker()
    executions = claim(make_executions(2, "shop.defer.gone"), worker=worker)
    assert recover(worker) == 2
    assert states(executions) == [(State.CREATED, 1)] * 2


def test_of_each_claim_the_first_is_lost() -> None:
    worker = make_worker()
    first = claim(make_executions(2, SYNC), worker=worker)
    second = claim(make_executions(2, SYNC), worker=worker)
    assert recover(worker) == 2
    assert states(first + second) == [(State.CREATED, 1), (State.CREATED, 0)] * 2


def test_a_lost_attempt_that_was_the_last_ends_the_execution() -> None:
    defer(mail, retry=0)
    worker = make_worker()
    (execution,) = claim(make_executions(1, SYNC), worker=worker)
    recover(worker)
    row = values_of(execution)
    assert (row["state"], row["error_code"], row["dispatch_at"]) == (State.FAILED, "ER0004", None)
    assert row["ended_at"] is not None


def test_what_kills_its_worker_again_and_again_ends_after_its_retries() -> None:
    defer(mail, retry={"max_attempts": 3, "initial_interval": 0})
    executions = make_executions(1, SYNC)
    for attempts in range(1, 5):
        worker = make_worker()
        (held,) = claim(executions, worker=worker)
        assert held.attempt == attempts
        recover(worker)
    assert states(executions) == [(State.FAILED, 4)]
    assert list(executions[0].attempts.values_list("number", flat=True)) == [1, 2, 3, 4]


def test_what_is_aborting_ends_as_aborted() -> None:
    worker = make_worker()
    begun, waiting = claim(make_executions(2, SYNC), worker=worker)
    life.abort(begun.pk)
    life.abort(waiting.pk)
    recover(worker)
    assert states([begun, waiting]) == [(State.ABORTED, 1), (State.ABORTED, 0)]


def test_recovering_again_changes_nothing() -> None:
    worker = make_worker()
    executions = claim(make_executions(3, SYNC), worker=worker)
    recover(worker)
    before = [values_of(each) for each in executions]
    assert recover(worker) == 0
    assert [values_of(each) for each in executions] == before


def test_what_others_hold_is_left_alone() -> None:
    dead, living = make_worker(), make_worker()
    executions = claim(make_executions(2, SYNC), worker=living)
    before = [values_of(each) for each in executions]
    assert recover(dead) == 0
    assert [values_of(each) for each in executions] == before


def test_a_worker_that_comes_back_can_settle_nothing_any_more() -> None:
    worker = make_worker()
    first, second = claim(make_executions(2, SYNC), worker=worker, token=uuid4())
    recover(worker)
    moment = now()
    late = [Ending(execution=each, started_at=moment, ended_at=moment) for each in (first, second)]
    assert life.settle(late, worker="late") == 0
    assert life.give_back([first, second]) == 0
    assert states([first, second]) == [(State.CREATED, 1), (State.CREATED, 0)]


def test_a_worker_of_another_host_stays_on_the_list_for_a_while_and_one_of_this_does_not() -> None:
    elsewhere = make_worker(heartbeat_at=now() - timedelta(seconds=20))
    here = make_worker(host=process.host(), process="999999999:1")
    recover(elsewhere)
    recover(here)
    assert list(Worker.objects.all()) == [elsewhere]


def test_what_a_forgotten_worker_holds_is_recovered_and_what_others_hold_is_not() -> None:
    forgotten, living = make_worker(), make_worker()
    lost, kept = claim(make_executions(2, SYNC), worker=forgotten), claim(make_executions(1, SYNC), worker=living)
    forgotten.delete()
    assert recover_orphans() == 1
    assert states(lost) == [(State.CREATED, 1), (State.CREATED, 0)]
    assert states(kept) == [(State.STARTED, 1)]


def test_a_worker_that_has_spoken_meanwhile_keeps_what_it_holds() -> None:
    worker = make_worker()
    executions = claim(make_executions(2, SYNC), worker=worker)
    Worker.objects.filter(pk=worker.pk).update(heartbeat_at=now())
    assert recover(worker) == 0
    assert states(executions) == [(State.STARTED, 1)] * 2


def test_of_the_claims_of_one_run_only_the_first_that_is_left_had_begun() -> None:
    worker, ids = make_worker(), claims.of_a_run()
    first, second, third = make_executions(3, SYNC)
    claim([third], worker=worker, token=next(ids))
    claim([first, second], worker=worker, token=next(ids))
    assert recover(worker) == 1
    assert states([third, first, second]) == [(State.CREATED, 1), (State.CREATED, 0), (State.CREATED, 0)]


def test_what_cannot_be_recovered_keeps_nothing_else_from_it_and_its_worker_on_the_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = make_worker(host=process.host(), process="999999999:1")
    broken, good = claim(make_executions(1, ASYNC), worker=worker), claim(make_executions(1, SYNC), worker=worker)
    settle_all = life.settle

    def settle_no_async(endings: list[Ending], *, worker: str) -> int:
        if endings[0].execution.function == ASYNC:
            raise ValueError("cannot be settled")
        return settle_all(endings, worker=worker)

    with monkeypatch.context() as patched:
        patched.setattr(life, "settle", settle_no_async)
        assert recover(worker) == 1
    assert states(broken + good) == [(State.STARTED, 1), (State.CREATED, 1)]
    assert recover(worker) == 1
    assert not Worker.objects.exists()


def note(execution: Execution, result_json: str | None = None) -> EndNote:
    moment = now()
    return EndNote.objects.create(
        claim=execution.claim, execution_id=execution.id, started_at=moment, ended_at=moment, result_json=result_json
    )


def test_what_is_noted_has_succeeded_and_the_one_after_it_is_lost() -> None:
    worker = make_worker()
    executions = claim(make_executions(5, SYNC), worker=worker)
    settle(executions[0])
    noted = [note(executions[1], "1"), note(executions[2], "2")]
    assert recover(worker) == 1
    states_now = [(State.SUCCEEDED, 1)] * 3 + [(State.CREATED, 1), (State.CREATED, 0)]
    assert states(executions) == states_now
    rows = [values_of(each) for each in executions[1:3]]
    assert [(row["result_json"], row["started_at"], row["ended_at"]) for row in rows] == [
        (each.result_json, each.started_at, each.ended_at) for each in noted
    ]
    assert not EndNote.objects.exists()


def test_a_note_under_another_claim_says_nothing() -> None:
    worker = make_worker()
    (execution,) = claim(make_executions(1, SYNC), worker=worker)
    EndNote.objects.filter(pk=note(execution).pk).update(claim=uuid4())
    assert recover(worker) == 1
    assert states([execution]) == [(State.CREATED, 1)]


def test_what_was_aborted_after_its_end_was_noted_ends_as_aborted_and_the_one_after_it_is_lost() -> None:
    worker = make_worker()
    executions = claim(make_executions(3, SYNC), worker=worker)
    note(executions[0])
    life.abort(executions[0].id)
    assert recover(worker) == 1
    assert states(executions) == [(State.ABORTED, 1), (State.CREATED, 1), (State.CREATED, 0)]
