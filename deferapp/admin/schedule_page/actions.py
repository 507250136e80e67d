"""What a person may do with a schedule: when it is possible, and who may. Each has an address of its own name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from deferapp.functions import registry
from deferapp.functions.function import ScheduledFunction
from deferapp.models import Schedule

RUN: Final = "deferapp.run_execution"
CHANGE: Final = "deferapp.change_schedule"
PAUSE: Final = "deferapp.pause_schedule"


@dataclass(frozen=True, kw_only=True)
class Action:
    name: str
    label: str | Promise
    help: str | Promise
    permissions: tuple[str, ...]
    """All of them are needed."""
    is_possible: Callable[[Schedule], bool]
    has_page: bool = False
    """Whether it asks for something first; the others are done at once."""

    def is_allowed(self, request: HttpRequest) -> bool:
        return request.user.has_perms(self.permissions)


def _can_run(schedule: Schedule) -> bool:
    return schedule.is_declared and isinstance(registry.get(schedule.function), ScheduledFunction)


ACTIONS: Final = {
    action.name: action
    for action in (
        Action(
            name="run",
            label=_("Run now"),
            help=_("An execution for now, besides those of the schedule."),
            permissions=(RUN,),
            is_possible=_can_run,
        ),
        Action(
            name="pause",
            label=_("Pause"),
            help=_("It does not fire from now on. A deployment does not undo it."),
            permissions=(PAUSE,),
            is_possible=lambda schedule: schedule.is_active,
        ),
        Action(
            name="resume",
            label=_("Resume"),
            help=_("It fires again, from now; what was due meanwhile is not made up for."),
            permissions=(PAUSE,),
            is_possible=lambda schedule: schedule.is_declared and schedule.is_paused,
        ),
        Action(
            name="edit",
            label=_("Edit frequency"),
            help=_("Another frequency than the code says. You see when it would run before it is saved."),
            permissions=(CHANGE,),
            is_possible=lambda schedule: schedule.is_declared,
            has_page=True,
        ),
        Action(
            name="reset",
            label=_("Reset to the code"),
            help=_("The frequency is the code's again, and follows it."),
            permissions=(CHANGE,),
            is_possible=lambda schedule: schedule.is_declared and schedule.is_overridden,
        ),
        Action(
            name="backfill",
            label=_("Backfill"),
            help=_("Fire due moments of the past that did not fire."),
            permissions=(RUN, CHANGE),
            is_possible=_can_run,
            has_page=True,
        ),
    )
}
"""By their names."""


def offered(request: HttpRequest, schedule: Schedule) -> list[Action]:
    """What this person may do with it now."""
    return [each for each in ACTIONS.values() if each.is_allowed(request) and each.is_possible(schedule)]
