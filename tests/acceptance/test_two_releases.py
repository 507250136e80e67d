"""Workers of an old and a new release side by side, on one ledger and one broker."""

from __future__ import annotations

from collections import Counter

from tests.processes import Project
from tests.waiting import wait_until

LIMIT = 60.0
"""Seconds until the old worker gives way, and until what it dropped is published again; 25 are expected at most."""
RUNS = 3
NEW = "tests.crons.defer.catch_none"


def test_an_old_worker_leaves_what_is_new_to_a_new_one_also_while_it_keeps_house_and_when_it_starts_last(
    project: Project,
) -> None:
    old = project.worker("prefork", 1)
    wait_until(lambda: keeper(project) == old.pid, LIMIT, "the old worker keeps house")
    release(project)
    project.python(f"from tests.crons.defer.catch_none import catch_none\nfor _ in range({RUNS}): catch_none.run_now()")
    old.wait_for_log(f"{NEW} is not in this code")
    new = project.worker("prefork", 1)
    wait_until(lambda: keeper(project) == new.pid, LIMIT, "the new worker keeps house")
    assert old.is_alive
    assert old.terminate() == 0
    wait_until(lambda: ended(project) == {"succeeded": RUNS}, LIMIT, lambda: f"all have run: {ended(project)}")

    project.settings = {}
    latecomer = project.worker("prefork", 1)
    latecomer.wait_for_log("Schedules stay as newer code has them")
    assert declared(project) == 3


def release(project: Project) -> None:
    """Let what starts from now on be of the new release, which brings schedules."""
    project.settings = {"EXTRA_APPS": ["tests.crons"]}
    project.manage("migrate", "--verbosity=0")
    assert declared(project) == 3


def keeper(project: Project) -> int | None:
    rows = project.query(
        "SELECT process FROM deferapp_worker AS worker JOIN deferapp_housekeeping AS house"
        " ON house.worker_id = worker.id"
    )
    return int(rows[0][0].partition(":")[0]) if rows else None


def ended(project: Project) -> Counter[str]:
    statement = "SELECT state, count(*) FROM deferapp_execution WHERE function = %s GROUP BY state"
    return Counter(dict(project.query(statement, NEW)))


def declared(project: Project) -> int:
    statement = "SELECT count(*) FROM deferapp_schedule WHERE is_declared AND function LIKE 'tests.crons.%'"
    return int(project.query(statement)[0][0])
