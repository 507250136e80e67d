"""The schedules of `tests.crons` in a project of real processes: when they come up, and what became of it.

Cron knows nothing below a minute. So these come up when a test moves their next due moment, and beat rings for them
when a test lets it believe that it has not for hours, or every second.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from tests.faults.counting import lost_and_twice
from tests.processes import Project
from tests.waiting import wait_until

LATEST, ALL, NONE = FUNCTIONS = ("catch_latest", "catch_all", "catch_none")
ANSWER_SECONDS = 150.0  # more than a clock may be wrong
HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A due moment in the ledger."""

    due_at: datetime
    execution: str | None  # the id; None if it was missed


def name_of(function: str) -> str:
    return f"tests.crons.defer.{function}"


class Crons:
    """The schedules of a project."""

    def __init__(self, project: Project, **settings: object) -> None:
        self.project = project
        project.settings = {"EXTRA_APPS": ["tests.crons"], **settings}

    def wait_until_known(self) -> None:
        """Return when a worker has brought the schedules into the ledger."""
        names = [name_of(function) for function in FUNCTIONS]
        known = "SELECT count(*) FROM deferapp_schedule WHERE next_due_at IS NOT NULL AND function = ANY(%s)"
        wait_until(lambda: self.project.query(known, names) == [(len(names),)], ANSWER_SECONDS, "schedules are known")

    def let_be_due(self, moment: datetime, *functions: str) -> None:
        """Let this be the next due moment of the functions' schedules, whether it has passed or is to come."""
        for function in functions:
            moved = self.project.query(
                "UPDATE deferapp_schedule SET next_due_at = %s WHERE function = %s RETURNING 1",
                moment,
                name_of(function),
            )
            assert moved == [(1,)]

    def let_beat_be_late(self) -> None:
        """Let a beat that is started from now on find that it has not rung for three hours."""
        self.project.query(
            "UPDATE django_celery_beat_periodictask SET last_run_at = now() - interval '3 hours'"
            " WHERE name LIKE 'deferapp: tests.crons%%' RETURNING 1"
        )

    @contextlib.contextmanager
    def beat_unable_to_note_its_rings(self) -> Iterator[None]:
        """Let no beat get further than to send: what would note it waits, and is ended with the block."""
        with psycopg.connect(self.project.database_url) as connection:
            connection.execute("SELECT id FROM django_celery_beat_periodictask FOR UPDATE")
            yield
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )

    def ring_every_second(self) -> None:
        """Let every beat that is started from now on ring every second besides."""
        self.project.python(
            "from django_celery_beat.models import IntervalSchedule, PeriodicTask\n"
            "every_second = IntervalSchedule.objects.create(every=1, period='seconds')\n"
            "PeriodicTask.objects.create(name='every second', task='deferapp.tick', interval=every_second)"
        )

    def moments(self, *functions: str) -> list[Moment]:
        """The due moments of the functions that have been decided, in order."""
        rows = self.project.query(
            "SELECT moment.due_at, moment.execution_id FROM deferapp_duemoment moment"
            " JOIN deferapp_schedule schedule ON schedule.id = moment.schedule_id"
            " WHERE schedule.function = ANY(%s) ORDER BY 1, 2",
            [name_of(function) for function in functions],
        )
        return [Moment(due_at=due_at.astimezone(UTC), execution=str(pk) if pk else None) for due_at, pk in rows]

    def fired(self, *functions: str) -> list[datetime]:
        return [moment.due_at for moment in self.moments(*functions) if moment.execution]

    def runs(self, *functions: str) -> Counter[str]:
        """What the witness saw of the functions, by execution."""
        return Counter(line.split()[1] for function in functions for line in self.project.witness.lines(f"{function} "))

    def lost_and_twice(self, *functions: str) -> tuple[list[str], list[str]]:
        """The executions of due moments that did not run, and those that ran twice, or that no moment made."""
        fired = [moment.execution for moment in self.moments(*functions) if moment.execution]
        return lost_and_twice(self.runs(*functions).elements(), fired)

    def wait_for_runs(self, count: int, *functions: str) -> None:
        wait_until(
            lambda: self.runs(*functions).total() >= count,
            ANSWER_SECONDS,
            lambda: f"{functions} have run {count} times, and not {self.runs(*functions).total()} times",
        )

    def lateness(self, function: str) -> dict[datetime, float]:
        """How many seconds after each due moment the witness saw its run."""
        seen = {line.split()[1]: float(line.split()[2]) for line in self.project.witness.lines(f"{function} ")}
        moments = [moment for moment in self.moments(function) if moment.execution in seen]
        return {moment.due_at: seen[str(moment.execution)] - moment.due_at.timestamp() for moment in moments}

    def run_at(self, moments: Iterable[datetime | Callable[[], datetime]], *functions: str) -> None:
        """Let the schedules be due at one moment after the other, each when the one before has run."""
        for moment in moments:
            already = self.runs(*functions).total()
            self.let_be_due(moment() if callable(moment) else moment, *functions)
            self.wait_for_runs(already + len(functions), *functions)


def soon() -> datetime:
    """A moment that is not yet there when its schedule is told of it."""
    return datetime.now(UTC) + timedelta(seconds=0.7)


def right_now() -> datetime:
    """A moment that an edit does not do away with: it has come."""
    return datetime.now(UTC)


def hourly() -> str:
    """A frequency of which no moment comes up within the next half hour."""
    return f"{(datetime.now(UTC).minute + 30) % 60} * * * *"


def latest_hours(frequency: str, count: int) -> list[datetime]:
    """The latest moments of an hourly frequency, the oldest first."""
    moment = datetime.now(UTC).replace(minute=int(frequency.split()[0]), second=0, microsecond=0)
    latest = moment if moment <= datetime.now(UTC) else moment - HOUR
    return [latest - number * HOUR for number in reversed(range(count))]
