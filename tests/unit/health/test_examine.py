"""Looks are made one after the other; one that fails is a finding, and keeps no other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deferapp.executions.states import State
from deferapp.health.finding import Finding, error, warning
from deferapp.health.looks import LOOKS, Look, examine
from deferapp.health.scene import Scene
from tests.unit.rows import MINUTE, make_execution, make_worker

NOTHING: frozenset[str] = frozenset()


def well(_scene: Scene) -> Iterator[Finding]:
    yield from ()


def broken(_scene: Scene) -> Iterator[Finding]:
    yield error("D001", "It is broken.", why="", remedy=())


def failing(_scene: Scene) -> Iterator[Finding]:
    raise RuntimeError("password=hunter2 and more")


def test_a_look_that_fails_is_a_finding_without_secrets_and_the_others_are_made() -> None:
    looks = [Look(asks="It Works", run=failing, needs=NOTHING), Look(asks="All is well", run=well, needs=NOTHING)]
    failed, made = examine(looks)
    [finding] = failed.findings
    assert finding.id == "D090"
    assert "it works" in finding.what
    assert "RuntimeError" in finding.why
    assert "hunter2" not in finding.why
    assert made.was_made
    assert made.findings == ()


def test_what_needs_something_that_is_not_there_is_not_looked_at_nor_what_needs_that() -> None:
    looks = [
        Look(asks="a", run=broken, needs=NOTHING, gives="database"),
        Look(asks="b", run=failing, needs=frozenset({"database"}), gives="tables"),
        Look(asks="c", run=failing, needs=frozenset({"tables"})),
        Look(asks="d", run=well, needs=NOTHING),
    ]
    assert [seen.was_made for seen in examine(looks)] == [True, False, False, True]


def test_a_warning_keeps_nobody_from_looking_on() -> None:
    def doubtful(_scene: Scene) -> Iterator[Finding]:
        yield warning("D003", "It is doubtful.", why="", remedy=())

    looks = [
        Look(asks="a", run=doubtful, needs=NOTHING, gives="tables"),
        Look(asks="b", run=well, needs=frozenset({"tables"})),
    ]
    assert all(seen.was_made for seen in examine(looks))


@pytest.mark.django_db
def test_all_looks_ask_no_more_questions_when_there_are_more_rows() -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            seen = list(examine([look for look in LOOKS if "aborted" not in look.asks]))
        assert "D090" not in {finding.id for each in seen for finding in each.findings}
        return len(captured)

    worker = make_worker(queues=["celery"], clock_offset=None)
    make_execution("tests.shop.defer.note", due_at=make_execution("tests.shop.defer.note").due_at - 10 * MINUTE)
    make_execution("tests.shop.defer.note", state=State.STARTED, worker=worker)
    few = queries()
    for _ in range(20):
        make_execution("tests.shop.defer.note")
        make_execution("tests.shop.defer.note", state=State.STARTED, worker=make_worker())
    assert queries() == few
