"""Processes of a worker's pool that are killed from outside, and jobs that kill the process that runs them."""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest

from tests.faults import memory
from tests.faults.conftest import SayFigure
from tests.faults.labours import ENOUGH_SECONDS, PROMISED_SECONDS, Labours, now
from tests.faults.peril import Peril
from tests.processes import Project, opened
from tests.waiting import wait_until


@pytest.mark.parametrize(
    ("site", "function"),
    [("Redis", "labour"), ("Redis", "labour_async"), ("RabbitMQ", "labour"), ("SQLite", "labour")],
    indirect=["site"],
)
def test_what_a_killed_child_was_in_begins_again_and_nothing_else_does(
    site: Project, function: str, request: pytest.FixtureRequest, figure: SayFigure
) -> None:
    worker = site.worker("prefork", 4)
    long, short = Labours(site, "long", 1, 12.0), Labours(site, "short", 100, 0.02)
    site.python(long.statements(function) + short.statements())
    first = long.wait_for_beginning(lambda _: True)
    short.wait_for_effects(20)
    os.kill(first.pid, signal.SIGKILL)
    killed_at = now()
    again = long.wait_for_beginning(lambda beginning: beginning.at > killed_at)
    long.wait_for_end()

    assert again.at - killed_at <= PROMISED_SECONDS
    assert again.pid in worker.children()
    assert len(long.beginnings()) == 2
    assert (long.lost_and_twice(), short.lost_and_twice(), short.begun_twice()) == (([], []), ([], []), [])
    where = request.node.callspec.params["site"]
    figure("child killed", f"0 lost, running again after {again.at - killed_at:.1f} s ({function}, {where})")


PARENTS = 8
STATEMENTS = 11
"""Before how many of its first ones a child is killed: it enters the list, claims, enqueues, settles, and claims."""


def test_a_child_killed_between_any_two_statements_loses_nothing_and_repeats_only_what_it_was_in(
    project: Project, figure: SayFigure
) -> None:
    project.settings["DEFER"] = {"REPUBLISH_AFTER": 1.0}
    peril = Peril(project)
    project.worker("prefork", 1)
    peril.put("SIGKILL", 1)
    families = [Labours(project, f"family{number}", 3, 0.0) for number in range(PARENTS)]
    project.python(
        "from tests.shop.defer.labour_all import labour_all\n"
        "from tests.shop.defer.labour_all_async import labour_all_async\n"
        f"for number in range({PARENTS}):\n"
        "    (labour_all_async if number % 2 else labour_all).enqueue(f'family{number}', 3, 0.0)\n"
    )
    for statement in range(1, STATEMENTS + 1):
        wait_until(lambda: peril.is_over, ENOUGH_SECONDS, f"a child comes to its statement {statement}")
        peril.put("SIGKILL", statement + 1)
    peril.remove()
    families[0].wait_for_end()

    assert [family.lost_and_twice()[0] for family in families] == [[]] * PARENTS
    assert sum(len(family.begun_twice()) for family in families) <= STATEMENTS
    assert project.states("labour") == {"succeeded": 3 * PARENTS}
    repeated = sum(len(family.beginnings()) - 3 for family in families)
    lost = project.query("SELECT count(*) FROM deferapp_attempt WHERE error_code <> ''")[0][0]
    assert repeated <= lost <= STATEMENTS
    figure("child killed", f"0 lost, {repeated} bodies begun again (a kill before each of {STATEMENTS} statements)")


ASYNC = 640  # so many that 40 are in a list
WAYS = {3: "exit", 7: "kill", 9: "segfault"}


def test_jobs_that_kill_their_process_fail_after_their_retries_and_their_neighbours_run_once(
    project: Project, figure: SayFigure
) -> None:
    project.worker("prefork", 2)
    neighbours = [Labours(project, function, 40, 0.01) for function in ("labour", "labour_async")]
    for labours, function in zip(neighbours, ("labour", "labour_async"), strict=True):
        labours.enqueue(function)
    # In one list, as a parent's children may be; and again in lists of their own.
    project.python(
        "from tests.shop.defer.die_or_tell import die_or_tell\n"
        f"ways = {WAYS}\n"
        "die_or_tell.starmap((\"listed\", number, ways.get(number, '')) for number in range(12))\n"
    )
    neighbours[0].wait_for_end()

    ends = project.query(
        "SELECT state, attempt, error_code FROM deferapp_execution WHERE function LIKE %s ORDER BY created_at",
        "%.die_or_tell",
    )
    expected = [("failed", 3, "ER0004") if number in WAYS else ("succeeded", 1, "") for number in range(12)]
    assert ends == expected
    seen = Counter({f"listed {number}": 3 if number in WAYS else 1 for number in range(12)})
    assert project.witness.counts("listed") == seen
    for labours in neighbours:
        assert (labours.lost_and_twice(), labours.begun_twice()) == (([], []), [])
    figure("job kills", "3 ways: each failed with ER0004 after 3 of 3 attempts, 89 neighbours 0 lost, 0 twice")


if memory.can_be_limited():

    def test_a_job_that_the_kernel_kills_for_want_of_memory_fails_with_er0002(
        project: Project, figure: SayFigure
    ) -> None:
        with memory.limited(megabytes=600) as inside, opened(project):
            project.worker("prefork", 1, inside=inside)
            project.python("from tests.shop.defer.die_or_tell import die_or_tell\ndie_or_tell('hoard', 0, 'memory')")
            project.wait_for_states("die_or_tell", ENOUGH_SECONDS, failed=1)
        attempts = project.query("SELECT number, error_code FROM deferapp_attempt ORDER BY number")
        assert attempts == [(number, "ER0002") for number in (1, 2, 3)]
        figure("job kills", "memory: failed with ER0002 after 3 of 3 attempts")


def test_an_async_job_that_kills_its_process_cuts_what_runs_together_with_it_once(
    project: Project, figure: SayFigure
) -> None:
    project.worker("prefork", 2)
    project.python(
        "from django.db import transaction\n"
        "from tests.shop.defer.die_or_tell_async import die_or_tell_async\n"
        "with transaction.atomic():\n"  # Published together: in long lists.
        f"    calls = (('listed', number, 'kill' if number == 400 else '') for number in range({ASYNC}))\n"
        "    die_or_tell_async.starmap(calls)\n"
    )
    name = "%.die_or_tell_async"
    rest = "SELECT count(*) FROM deferapp_execution WHERE state NOT IN ('succeeded', 'failed') AND function LIKE %s"
    wait_until(lambda: project.query(rest, name) == [(0,)], ENOUGH_SECONDS, "all have ended")

    ends = project.query(
        "SELECT state, attempt, error_code, count(*) FROM deferapp_execution WHERE function LIKE %s"
        " GROUP BY 1, 2, 3 ORDER BY 1, 2",
        name,
    )
    cut = sum(count for state, attempt, _, count in ends if (state, attempt) == ("succeeded", 2))
    assert ends == [("failed", 3, "ER0004", 1), ("succeeded", 1, "", ASYNC - 1 - cut), ("succeeded", 2, "", cut)]
    assert project.witness.counts("listed") == Counter(f"listed {number}" for number in range(ASYNC) if number != 400)
    figure(
        "job kills", f"async: failed with ER0004 after 3 of 3 attempts, {cut} in flight with it again, 0 lost, 0 twice"
    )
