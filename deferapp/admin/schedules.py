"""Schedules: when each runs, how it went lately, and who said so, the code or a person."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, UUIDField
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import PeriodicTask

from deferapp.admin.display import (
    ahead,
    badge,
    function_name,
    local,
    minute,
    moment,
    short_function_name,
    state_badge,
    visible,
)
from deferapp.admin.readonly import ReadOnlyAdmin
from deferapp.clock import now
from deferapp.cron import describe, next_times, parse
from deferapp.exceptions import InvalidFrequency
from deferapp.models import DueMoment, Execution, Schedule
from deferapp.schedules import beat

NEXT_SHOWN: Final = 5
"""Coming runs on a schedule's page."""
MOMENTS_SHOWN: Final = 20
"""Past due moments on a schedule's page."""


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin[Schedule]):
    change_form_template = "deferapp/admin/schedule.html"
    list_display = ("function_", "frequency_", "state_", "next_run", "last_run", "origin")
    list_display_links = ("function_",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Schedule]:
        fired = DueMoment.objects.filter(schedule=OuterRef("pk"), execution__isnull=False).order_by("-due_at")
        last = Execution.objects.filter(pk=OuterRef("last_execution_id"))
        with_last = (
            super()
            .get_queryset(request)
            .annotate(
                last_execution_id=Subquery(fired.values("execution_id")[:1], output_field=UUIDField()),
                last_due_at=Subquery(fired.values("due_at")[:1]),
            )
        )
        return with_last.annotate(last_state=Subquery(last.values("state")[:1]))

    def get_fieldsets(self, request: HttpRequest, obj: Schedule | None = None) -> Any:
        return [
            (None, {"fields": ("function_link", "frequency_", "state_", "origin", "catch_up_", "next_run", "last_run")})
        ]

    def page_context(self, request: HttpRequest, obj: Schedule) -> dict[str, Any]:
        recent = obj.due_moments.select_related("execution").only(
            "schedule_id", "due_at", "decided_at", "execution__id", "execution__state"
        )
        return {
            "subtitle": visible(obj.function),
            "next_runs": _next_runs(obj),
            "due_moments": [self._due_moment(each) for each in recent.order_by("-due_at")[:MOMENTS_SHOWN]],
            "periodic_task": self._periodic_task(request, obj),
        }

    @admin.display(description=_("function"))
    def function_(self, schedule: Schedule) -> SafeString:
        return short_function_name(schedule.function)

    @admin.display(description=_("function"))
    def function_link(self, schedule: Schedule) -> SafeString:
        """With the way to all executions of the function."""
        url = self.executions_url(function=schedule.function)
        return format_html('<a href="{}">{}</a>', url, function_name(schedule.function))

    @admin.display(description=_("frequency"))
    def frequency_(self, schedule: Schedule) -> SafeString:
        code = format_html("<code>{}</code> UTC", visible(schedule.frequency))
        try:
            words = describe(parse(schedule.frequency))
        except InvalidFrequency:
            words = gettext("no frequency that can be read")
        return format_html('{}<br><span class="deferapp-quiet">{}</span>', words, code)

    @admin.display(description=_("state"))
    def state_(self, schedule: Schedule) -> SafeString:
        if not schedule.is_declared:
            return badge("discarded", "∅", gettext("gone from the code"))
        return (
            badge("paused", "❚❚", gettext("paused"))
            if schedule.is_paused
            else badge("succeeded", "●", gettext("active"))
        )

    @admin.display(description=_("next run"))
    def next_run(self, schedule: Schedule) -> SafeString | str:
        return minute(schedule.next_due_at)

    @admin.display(description=_("last run"))
    def last_run(self, schedule: Any) -> SafeString | str:
        if schedule.last_execution_id is None:
            return gettext("not yet")
        when = minute(schedule.last_due_at)
        if schedule.last_state is None:
            return when
        link = self.execution_link(schedule.last_execution_id, state_badge(schedule.last_state))
        return format_html("{}<br>{}", link, when)

    @admin.display(description=_("declared"))
    def origin(self, schedule: Schedule) -> SafeString | str:
        if not schedule.is_overridden:
            return gettext("in the code")
        edited = gettext("edited")
        if schedule.edited_at:
            edited = gettext("edited %(date)s") % {"date": f"{local(schedule.edited_at):%Y-%m-%d}"}
        return format_html(
            '{}<br><span class="deferapp-quiet">{} <code>{}</code></span>',
            edited,
            gettext("the code says"),
            visible(schedule.declared_frequency),
        )

    @admin.display(description=_("when runs were missed"))
    def catch_up_(self, schedule: Schedule) -> str:
        return schedule.get_catch_up_display()

    def _due_moment(self, due_moment: DueMoment) -> dict[str, Any]:
        return {
            "due": minute(due_moment.due_at),
            "decided": moment(due_moment.decided_at),
            "outcome": self._outcome(due_moment),
        }

    def _outcome(self, due_moment: DueMoment) -> SafeString:
        if due_moment.execution_id is None:
            return badge("missed", "–", gettext("missed"))
        if due_moment.execution is None:
            return badge("unknown", "?", gettext("fired; its execution has been removed"))
        return self.execution_link(due_moment.execution_id, state_badge(due_moment.execution.state))

    def _periodic_task(self, request: HttpRequest, schedule: Schedule) -> dict[str, Any] | None:
        """Beat's row, by which frequency and pause are edited, for those who may see it."""
        if not request.user.has_perm("django_celery_beat.view_periodictask"):
            return None
        task = PeriodicTask.objects.filter(name=beat.names(schedule.function)[0]).first()
        if task is None:
            return None
        try:
            url = reverse(
                "admin:django_celery_beat_periodictask_change", args=[task.pk], current_app=self.admin_site.name
            )
        except NoReverseMatch:
            return None
        return {"url": url, "name": visible(task.name)}


def _next_runs(schedule: Schedule) -> list[dict[str, Any]]:
    if not schedule.is_active:
        return []
    moment_now = now()
    try:
        times = next_times(schedule.frequency, moment_now, NEXT_SHOWN)
    except InvalidFrequency:
        return []
    return [{"at": minute(time), "ahead": ahead(time - moment_now)} for time in times]
