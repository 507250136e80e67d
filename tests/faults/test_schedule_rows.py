"""What people and other apps do to beat's rows and to the code while schedules run, and clocks that are wrong."""

from __future__ import annotations

import json
from datetime import timedelta

from tests.faults.crons import ALL, FUNCTIONS, LATEST, Crons, hourly, latest_hours, name_of, right_now, soon
from tests.processes import Project
from tests.waiting import wait_until

SECONDS = 60.0
AHEAD = timedelta(seconds=30)  # more than any limit that there is here


def test_an_unknown_task_and_a_crontab_that_kills_beat_keep_no_schedule_from_firing(project: Project) -> None:
    crons = Crons(project, DEFER={"BEAT_LIMIT": 3})
    worker = project.worker()
    crons.wait_until_known()
    crons.ring_every_second()
    project.python(
        "from django_celery_beat.models import IntervalSchedule, PeriodicTask\n"
        "PeriodicTask.objects.create(name='unknown', task='nobody.knows', interval=IntervalSchedule.objects.get())"
    )
    beat = project.beat("--max-interval=1")
    worker.wait_for_log("nobody.knows")
    crons.run_at([soon] * 2, *FUNCTIONS)
    assert project.query("SELECT count(*) FROM deferapp_alert") == [(0,)]

    project.python(
        "from django_celery_beat.models import CrontabSchedule, PeriodicTask, PeriodicTasks\n"
        "broken = CrontabSchedule.objects.create(minute='17')\n"
        "PeriodicTask.objects.create(name='broken', task='nobody.knows', crontab=broken)\n"
        "CrontabSchedule.objects.filter(pk=broken.pk).update(minute='1,,2')\n"
        "PeriodicTasks.update_changed()\n"
    )
    wait_until(lambda: not beat.is_alive, SECONDS, "beat has died of the row")
    crons.run_at([soon] * 3, *FUNCTIONS)
    wait_until(lambda: is_told_after_another_run(crons), SECONDS, "it is told that beat is silent")
    assert crons.lost_and_twice(*FUNCTIONS) == ([], [])
    assert worker.is_alive


def is_told_after_another_run(crons: Crons) -> bool:
    """A moment that comes up less than 15 seconds after beat's last ring tells nothing about beat."""
    crons.run_at([soon], ALL)
    return bool(crons.project.witness.lines("alerted "))


def test_edits_and_deletions_of_beats_rows_lose_no_due_moment_and_double_none(project: Project) -> None:
    crons = Crons(project)
    worker = project.worker()
    crons.wait_until_known()
    crons.ring_every_second()
    beat = project.beat("--max-interval=1")
    editor = project.start("editor", "tests.crons.editing", name_of(ALL))
    moments = 0
    while editor.is_alive or moments < 3:
        crons.run_at([right_now], ALL)
        moments += 1
    assert editor.wait() == 0
    crons.run_at([right_now], ALL)
    assert len(crons.fired(ALL)) == moments + 1
    assert crons.lost_and_twice(ALL) == ([], [])
    assert "was edited" in worker.log()
    assert "has lost its periodic task" in worker.log()
    wait_until(lambda: rows_agree(project), SECONDS, "beat's rows are what the schedule says")
    assert beat.is_alive


def rows_agree(project: Project) -> bool:
    """Whether beat rings for the schedule as it was edited last: at minute 59."""
    rows = project.query(
        "SELECT schedule.frequency, crontab.minute, task.enabled FROM deferapp_schedule schedule"
        " JOIN django_celery_beat_periodictask task ON task.name = 'deferapp: ' || schedule.function"
        " JOIN django_celery_beat_crontabschedule crontab ON crontab.id = task.crontab_id WHERE schedule.function = %s",
        name_of(ALL),
    )
    return rows == [("59 0 1 1 *", "59", True)]


def test_schedules_that_were_paused_or_taken_out_of_the_code_while_due_do_not_fire(project: Project) -> None:
    crons, frequency = Crons(project), hourly()
    project.variables["CRONS"] = json.dumps(dict.fromkeys(FUNCTIONS, frequency))
    worker = project.worker(concurrency=1)
    crons.wait_until_known()
    worker.kill()
    crons.let_be_due(latest_hours(frequency, 3)[0], *FUNCTIONS)
    project.python(
        "from django_celery_beat.models import PeriodicTask\n"
        f"task = PeriodicTask.objects.get(name='deferapp: {name_of(LATEST)}')\n"
        "task.enabled = False\n"
        "task.save()"
    )
    project.settings = {}  # the next deployment does not have the app
    project.manage("migrate", "--verbosity=0")
    worker = project.worker(concurrency=1)
    gone = "SELECT count(*) FROM deferapp_schedule WHERE function LIKE 'tests.crons.%%' AND NOT is_declared"
    wait_until(lambda: project.query(gone) == [(len(FUNCTIONS),)], SECONDS, "the schedules are gone from the code")
    worker.kill()
    project.settings = {"EXTRA_APPS": ["tests.crons"]}
    project.manage("migrate", "--verbosity=0")
    project.worker(concurrency=1)
    back = "SELECT function FROM deferapp_schedule WHERE next_due_at > now() AND function LIKE 'tests.crons.%%'"
    wait_until(lambda: len(project.query(back)) == 2, SECONDS, "those that are not paused are back")
    crons.run_at([soon], ALL)  # ticks have gone over all of them
    assert len(crons.moments(*FUNCTIONS)) == 1
    assert project.query("SELECT is_paused FROM deferapp_schedule WHERE function = %s", name_of(LATEST)) == [(True,)]


def test_a_worker_whose_clock_is_ahead_makes_no_moment_fire_twice_and_loses_none(project: Project) -> None:
    crons = Crons(project, DEFER={"REPUBLISH_AFTER": 2, "BEAT_LIMIT": 20})
    right = project.worker(concurrency=1)
    crons.wait_until_known()
    project.variables["DJANGO_SETTINGS_MODULE"] = "tests.faults.skewed"
    project.variables["AHEAD_SECONDS"] = f"{AHEAD.total_seconds():.0f}"
    ahead = project.worker(concurrency=1)
    # The worker that is ahead fires early. If the other gets the message, it leaves alone what is not due for it.
    crons.run_at([lambda: soon() + AHEAD], *FUNCTIONS)
    right.kill()
    crons.run_at([lambda: soon() + AHEAD] * 2, *FUNCTIONS)
    assert ahead.is_alive
    assert len(crons.fired(*FUNCTIONS)) == 3 * len(FUNCTIONS)
    assert crons.lost_and_twice(*FUNCTIONS) == ([], [])
