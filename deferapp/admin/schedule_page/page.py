"""All that the template of a schedule's page shows, for the person who looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django_celery_beat.models import PeriodicTask

from deferapp.admin import history
from deferapp.admin.display import moment
from deferapp.admin.schedule_page import calendar, runs
from deferapp.admin.schedule_page.actions import Action, offered
from deferapp.clock import now
from deferapp.cron import describe, parse
from deferapp.exceptions import InvalidFrequency
from deferapp.executions.ids import new_id
from deferapp.models import Schedule
from deferapp.schedules import beat
from deferapp.visible import visible

if TYPE_CHECKING:
    from deferapp.admin.schedules import ScheduleAdmin


def context(admin: ScheduleAdmin, request: HttpRequest, schedule: Schedule) -> dict[str, Any]:
    at = now()
    actions = [_action(admin, schedule, each) for each in offered(request, schedule)]
    return {
        "subtitle": visible(schedule.function),
        "function": admin.function_link(schedule, is_link=admin.sees_executions(request)),
        "state": admin.state_(schedule),
        "origin": origin(schedule),
        "words": words(schedule.frequency),
        "frequency": visible(schedule.frequency),
        "catch_up": schedule.get_catch_up_display(),
        "actions": [each for each in actions if each["action"].name != "reset"],
        "reset": next((each for each in actions if each["action"].name == "reset"), None),
        "wish": new_id().hex,
        "next_runs": runs.coming(schedule.frequency, at) if schedule.is_active else [],
        "calendar": calendar.context(schedule, at),
        "due_moments": runs.recent(admin, request, schedule),
        "history": history.context(schedule),
        "periodic_task": _periodic_task(admin, request, schedule),
    }


def words(frequency: str) -> str:
    """A frequency in words, also if it cannot be read."""
    try:
        return describe(parse(frequency))
    except InvalidFrequency:
        return _("no frequency that can be read")


def origin(schedule: Schedule) -> dict[str, Any]:
    """Who says when it runs, and who last changed anything of it."""
    who = {"user": visible(schedule.edited_by)}
    return {
        "is_overridden": schedule.is_overridden,
        "by": _("by %(user)s") % who if schedule.edited_by else "",
        "at": moment(schedule.edited_at, with_zone=True) if schedule.edited_at else None,
        "declared": visible(schedule.declared_frequency),
        "declared_words": words(schedule.declared_frequency),
    }


def _action(admin: ScheduleAdmin, schedule: Schedule, action: Action) -> dict[str, Any]:
    return {"action": action, "url": admin.action_url(schedule, action.name)}


def _periodic_task(admin: ScheduleAdmin, request: HttpRequest, schedule: Schedule) -> dict[str, Any] | None:
    """Beat's row, for those who may see it."""
    if not request.user.has_perm("django_celery_beat.view_periodictask"):
        return None
    task = PeriodicTask.objects.filter(name=beat.names(schedule.function)[0]).first()
    if task is None:
        return None
    try:
        url = reverse("admin:django_celery_beat_periodictask_change", args=[task.pk], current_app=admin.admin_site.name)
    except NoReverseMatch:
        return None
    return {"url": url, "name": visible(task.name)}
