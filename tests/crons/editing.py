"""Somebody who edits and deletes a schedule's rows of beat: `python -m tests.crons.editing <function>`."""

import sys

import django

from tests.waiting import wait_until

SECONDS = 60.0


def main(function: str) -> None:
    """Move the schedule from minute 20 to minute 59, now and then with a look whether that has been seen."""
    from deferapp.models import Schedule

    for minute in range(20, 60):
        task = wait_until(lambda: _task(function), SECONDS, "the row is back")
        if minute % 10 == 5:
            task.delete()
        else:
            _edit(task, minute)
        if minute % 10 == 9:
            seen = Schedule.objects.filter(function=function, frequency__startswith=f"{minute} ")
            wait_until(seen.exists, SECONDS, f"minute {minute} is seen")


def _task(function: str):
    from django_celery_beat.models import PeriodicTask

    return PeriodicTask.objects.filter(name=f"deferapp: {function}").first()


def _edit(task, minute: int) -> None:
    from django_celery_beat.models import CrontabSchedule

    values = {"hour": "0", "day_of_month": "1", "month_of_year": "1", "timezone": "UTC"}
    task.crontab = CrontabSchedule.objects.create(minute=str(minute), **values)
    task.save()


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1])
