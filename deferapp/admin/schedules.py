"""Schedules: when each runs, how it went lately, who said so, the code or a person, and what one may do with it."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, UUIDField
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from deferapp.admin.display import (
    badge,
    function_name,
    local,
    minute,
    short_function_name,
    state_badge,
)
from deferapp.admin.readonly import ReadOnlyAdmin
from deferapp.admin.schedule_page import outcomes, page, views
from deferapp.admin.schedule_page.actions import ACTIONS
from deferapp.admin.schedule_page.filters import StateFilter
from deferapp.models import DueMoment, Execution, Schedule
from deferapp.visible import visible


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin[Schedule]):
    change_form_template = "deferapp/admin/schedule.html"
    list_display = ("function_", "state_", "frequency_", "next_run", "last_runs")
    list_display_links = ("function_",)
    list_filter = (StateFilter,)
    filter_names = (StateFilter.parameter_name,)
    search_fields = ("function",)
    search_help_text = _("Part of a function's name.")

    class Media:
        css = {"all": ("deferapp/schedule.css",)}

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

    def get_urls(self) -> list[URLPattern]:
        ours = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(partial(views.view, self, name=name)),
                name=f"deferapp_schedule_{name}",
            )
            for name in ACTIONS
        ]
        return ours + super().get_urls()

    def action_url(self, schedule: Schedule, name: str) -> str:
        return reverse(f"admin:deferapp_schedule_{name}", args=[schedule.pk], current_app=self.admin_site.name)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        changelist = (getattr(response, "context_data", None) or {}).get("cl")
        if changelist is not None:
            strips = outcomes.strips(list(changelist.result_list))
            for schedule in changelist.result_list:
                schedule.strip = strips.get(schedule.pk, "")
                schedule.is_link = self.sees_executions(request)
        return response

    def page_context(self, request: HttpRequest, obj: Schedule) -> dict[str, Any]:
        return page.context(self, request, obj)

    @admin.display(description=_("function"))
    def function_(self, schedule: Schedule) -> SafeString:
        return short_function_name(schedule.function)

    def function_link(self, schedule: Schedule, *, is_link: bool) -> SafeString:
        """With the way to all executions of the function, if they may be seen."""
        if not is_link:
            return function_name(schedule.function)
        url = self.executions_url(function=schedule.function)
        return format_html('<a href="{}">{}</a>', url, function_name(schedule.function))

    @admin.display(description=_("frequency"))
    def frequency_(self, schedule: Schedule) -> SafeString:
        code = format_html("<code>{}</code> UTC", visible(schedule.frequency))
        shown = format_html('{}<br><span class="deferapp-quiet">{}</span>', page.words(schedule.frequency), code)
        if not schedule.is_overridden:
            return shown
        code = format_html("<code>{}</code>", visible(schedule.declared_frequency))
        says = format_html(gettext("{edited}; the code says {code}"), edited=self._edited(schedule), code=code)
        return format_html('{}<br><span class="deferapp-edited">✎ {}</span>', shown, says)

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

    @admin.display(description=_("last runs"))
    def last_runs(self, schedule: Any) -> SafeString | str:
        """The last outcomes as a strip, which is looked up for a whole page of the list, and the last run."""
        if schedule.last_execution_id is None:
            return schedule.strip or gettext("not yet")
        last = minute(schedule.last_due_at)
        if schedule.last_state is not None:
            shown = state_badge(schedule.last_state)
            link = self.execution_link(schedule.last_execution_id, shown, is_link=schedule.is_link)
            last = format_html("{}<br>{}", link, last)
        return format_html("{}<br>{}", schedule.strip, last)

    def _edited(self, schedule: Schedule) -> str:
        edited = gettext("edited")
        if schedule.edited_at:
            edited = gettext("edited %(date)s") % {"date": f"{local(schedule.edited_at):%Y-%m-%d}"}
        if schedule.edited_by:
            edited = gettext("%(edited)s by %(user)s") % {"edited": edited, "user": visible(schedule.edited_by)}
        return edited
