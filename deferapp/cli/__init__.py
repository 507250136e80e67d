"""The commands of `manage.py defer`, one file each; `GROUPS` lists them in the order of its help."""

from typing import Final

from deferapp.cli import (
    cancel,
    dev,
    doctor,
    executions,
    list,
    mark,
    notify_test,
    pause,
    prune,
    rerun,
    reschedule,
    resume,
    retry,
    run,
    schedules,
    show,
    stats,
    tail,
    watch,
)
from deferapp.cli.command import Command

GROUPS: Final[dict[str, tuple[Command, ...]]] = {
    "Begin": (dev.COMMAND, list.COMMAND, run.COMMAND),
    "See": (
        executions.COMMAND,
        show.COMMAND,
        tail.COMMAND,
        watch.COMMAND,
        stats.COMMAND,
        doctor.COMMAND,
    ),
    "Act on executions": (retry.COMMAND, rerun.COMMAND, cancel.COMMAND, reschedule.COMMAND),
    "Act on functions": (pause.COMMAND, resume.COMMAND, schedules.COMMAND),
    "Look after it": (prune.COMMAND, mark.COMMAND, notify_test.COMMAND),
}
COMMANDS: Final[tuple[Command, ...]] = tuple(command for group in GROUPS.values() for command in group)
