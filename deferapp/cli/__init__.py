"""The commands of `manage.py defer`, one file each; `COMMANDS` lists them in the order of its help."""

from typing import Final

from deferapp.cli import cancel, dev, doctor, pause, rerun, reschedule, resume
from deferapp.cli.command import Command

COMMANDS: Final[tuple[Command, ...]] = (
    dev.COMMAND,
    doctor.COMMAND,
    cancel.COMMAND,
    reschedule.COMMAND,
    rerun.COMMAND,
    pause.COMMAND,
    resume.COMMAND,
)
