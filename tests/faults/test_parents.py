"""A function that enqueues 500 others and is interrupted in the middle: its next attempt enqueues the missing ones."""

from __future__ import annotations

import pytest

from tests.faults.conftest import SayFigure
from tests.faults.counting import lost_and_twice
from tests.processes import Project
from tests.waiting import wait_until

TOTAL = 500
HALF = 250

both_kinds = pytest.mark.parametrize("parent", ["mail_all", "mail_all_sync"])


def _begin(project: Project, parent: str, stop: str) -> None:
    project.python(f"from tests.shop.defer.{parent} import {parent}\n{parent}.enqueue({TOTAL}, {HALF}, {stop!r})")
    wait_until(lambda: project.witness.lines("stopped"), 60, "the parent stops in the middle")


def _assert_that_all_were_mailed_once(project: Project, parent: str) -> str:
    """Return the figure for the table."""
    project.wait_for_states(parent, 60, succeeded=1)
    project.wait_for_states("mail", 60, succeeded=TOTAL)
    lost, twice = lost_and_twice(project.witness.lines("mail"), [f"mail {number}" for number in range(TOTAL)])
    assert (lost, twice) == ([], [])
    assert len(project.witness.lines("stopped")) == 1
    parents = project.query(
        "SELECT DISTINCT parent.function, parent.attempt FROM deferapp_execution child"
        " JOIN deferapp_execution parent ON parent.id = child.parent_id"
    )
    assert parents == [(f"tests.shop.defer.{parent}", 2)]
    kind = "sync" if parent.endswith("sync") else "async"
    return f"{len(lost)} lost, {len(twice)} twice ({kind} parent)"


@both_kinds
def test_a_parent_that_fails_in_the_middle_enqueues_the_missing_children_when_retried(
    project: Project, parent: str, figure: SayFigure
) -> None:
    project.worker()
    _begin(project, parent, "raise")
    figure("parent raises", _assert_that_all_were_mailed_once(project, parent))


@pytest.mark.parametrize(
    ("site", "parent"),
    [("Redis", "mail_all"), ("Redis", "mail_all_sync"), ("RabbitMQ", "mail_all")],
    indirect=["site"],
)
def test_a_worker_killed_right_in_the_middle_of_the_fan_out_loses_and_repeats_nothing(
    site: Project, parent: str, request: pytest.FixtureRequest, figure: SayFigure
) -> None:
    # With one process, which runs the parent, no child is in its body at the kill: only such a one may run again.
    worker = site.worker("prefork", 1)
    _begin(site, parent, "hang")
    worker.kill()
    site.worker()
    where = request.node.callspec.params["site"]
    figure("parent killed", f"{_assert_that_all_were_mailed_once(site, parent)}, {where}")


@both_kinds
def test_children_that_ran_before_the_worker_was_killed_do_not_run_again(project: Project, parent: str) -> None:
    worker = project.worker("prefork", 2)
    _begin(project, parent, "hang")
    project.wait_for_states("mail", 60, succeeded=HALF)
    worker.kill()
    project.worker()
    _assert_that_all_were_mailed_once(project, parent)
