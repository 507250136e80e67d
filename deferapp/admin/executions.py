"""Executions: the list, newest first, and the page of one with its attempts and children."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from deferapp.admin import attempts, timing, values
from deferapp.admin.display import NOTHING, function_name, moment, short_function_name, short_id, state_badge, visible
from deferapp.admin.filters import FunctionFilter, ParentFilter, ScheduledFilter, StateFilter
from deferapp.admin.readonly import ReadOnlyAdmin
from deferapp.admin.search import search
from deferapp.clock import now
from deferapp.executions.states import State
from deferapp.models import DueMoment, Execution
from deferapp.redact import redact_text

_LONG: Final = ("arguments_json", "result_json")


@admin.register(Execution)
class ExecutionAdmin(ReadOnlyAdmin[Execution]):
    change_form_template = "deferapp/admin/execution.html"
    list_display = ("id_", "function_and_parent", "state_and_attempt", "created", "wait", "duration")
    list_display_links = ("id_",)
    list_filter = (StateFilter, ParentFilter, ScheduledFilter, FunctionFilter)
    filter_names = ("state", "parent", "scheduled", "function")
    search_fields = ("function",)
    search_help_text = _("An id, the end of a recent one, or a part of a function's name.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        # Arguments may be long; the page loads them for its one execution.
        return (
            super()
            .get_queryset(request)
            .select_related("parent", "worker")
            .defer(*_LONG, *(f"parent__{name}" for name in _LONG))
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Execution], search_term: str
    ) -> tuple[QuerySet[Execution], bool]:
        return search(queryset, search_term), False

    def get_fieldsets(self, request: HttpRequest, obj: Execution | None = None) -> Any:
        present = {
            "reason_": obj and obj.reason,
            "rerun": obj and obj.rerun_of_id,
            "discard_exact": obj and obj.discard_at,
            "metadata_": obj and obj.metadata,
            "result": obj and obj.state == State.SUCCEEDED,
        }
        summary = ("state_", "reason_", "function_", "full_id", "attempt_", "origin", "rerun")
        times = (
            ("created_exact", "due_exact"),
            ("started_exact", "ended_exact"),
            ("wait", "duration"),
            "discard_exact",
        )
        return [
            (None, {"fields": [name for name in summary if present.get(name, True)]}),
            (_("Times"), {"fields": [name for name in times if present.get(str(name), True)]}),
            (
                _("Values"),
                {"fields": [name for name in ("arguments", "metadata_", "result") if present.get(name, True)]},
            ),
        ]

    def page_context(self, request: HttpRequest, obj: Execution) -> dict[str, Any]:
        return attempts.context(obj) | {"children": self._children(obj), "subtitle": visible(obj.function)}

    def _children(self, execution: Execution) -> list[dict[str, Any]]:
        """How many children are in each state, with the address of their list; the sum of all first."""
        counted = Execution.objects.filter(parent=execution).order_by().values_list("state").annotate(count=Count("pk"))
        counts = dict(counted)
        states = [
            {
                "badge": state_badge(state),
                "count": counts[state],
                "url": self.executions_url(parent=str(execution.pk), state=state),
            }
            for state in sorted(counts, key=State.values.index)
        ]
        everything = {
            "badge": _("all"),
            "count": sum(counts.values()),
            "url": self.executions_url(parent=str(execution.pk)),
        }
        return [everything, *states] if states else []

    @admin.display(description=_("id"))
    def id_(self, execution: Execution) -> SafeString:
        return format_html('<span class="deferapp-id" title="{}">{}</span>', execution.pk, short_id(execution.pk))

    @admin.display(description=_("id"))
    def full_id(self, execution: Execution) -> SafeString:
        return format_html('<span class="deferapp-id">{}</span>', execution.pk)

    @admin.display(description=_("function"))
    def function_(self, execution: Execution) -> SafeString:
        url = self.executions_url(function=execution.function)
        return format_html('<a href="{}">{}</a>', url, function_name(execution.function))

    @admin.display(description=_("function"))
    def function_and_parent(self, execution: Execution) -> SafeString:
        name = short_function_name(execution.function)
        if execution.parent_id is None:
            return name
        parent = self.execution_link(execution.parent_id) if execution.parent else _removed(execution.parent_id)
        return format_html('{} <span class="deferapp-quiet deferapp-whole">{} {}</span>', name, gettext("by"), parent)

    @admin.display(description=_("state"))
    def state_and_attempt(self, execution: Execution) -> SafeString:
        if execution.attempt < 2:
            return state_badge(execution.state)
        attempt = gettext("attempt %(number)s") % {"number": execution.attempt}
        return format_html('{}<br><span class="deferapp-quiet">{}</span>', state_badge(execution.state), attempt)

    @admin.display(description=_("state"))
    def state_(self, execution: Execution) -> SafeString:
        return state_badge(execution.state)

    @admin.display(description=_("attempt"))
    def attempt_(self, execution: Execution) -> int | str:
        return execution.attempt or NOTHING

    @admin.display(description=_("created"))
    def created(self, execution: Execution) -> SafeString | str:
        return moment(execution.created_at)

    @admin.display(description=_("wait"))
    def wait(self, execution: Execution) -> str:
        return timing.wait(execution, now())

    @admin.display(description=_("duration"))
    def duration(self, execution: Execution) -> str:
        return timing.duration(execution, now())

    @admin.display(description=_("reason"))
    def reason_(self, execution: Execution) -> SafeString:
        reason = format_html('<span class="deferapp-text">{}</span>', visible(redact_text(execution.reason)))
        return format_html("{} {}", reason, attempts.code_badge(execution)) if execution.error_code else reason

    @admin.display(description=_("called by"))
    def origin(self, execution: Execution) -> SafeString | str:
        if execution.parent_id is not None:
            return self._named_link(execution.parent, execution.parent_id)
        due_moment = DueMoment.objects.filter(execution=execution.pk).select_related("schedule").first()
        return self._schedule_link(due_moment) if due_moment else gettext("code outside of any execution")

    @admin.display(description=_("re-run of"))
    def rerun(self, execution: Execution) -> SafeString | str:
        if execution.rerun_of_id is None:
            return NOTHING
        first = Execution.objects.defer(*_LONG).filter(pk=execution.rerun_of_id).first()
        return self._named_link(first, execution.rerun_of_id)

    def _named_link(self, execution: Execution | None, execution_id: UUID) -> SafeString | str:
        if execution is None:
            return _removed(execution_id)
        link = self.execution_link(execution_id, function_name(execution.function))
        return format_html("{} {} {}", link, short_id(execution_id), state_badge(execution.state))

    def _schedule_link(self, due_moment: DueMoment) -> SafeString:
        name = visible(due_moment.schedule.function)
        url = reverse("admin:deferapp_schedule_change", args=[due_moment.schedule_id], current_app=self.admin_site.name)
        text = gettext("the schedule, for %(moment)s") % {"moment": f"{due_moment.due_at:%Y-%m-%d %H:%M} UTC"}
        return format_html('<a href="{}" title="{}">{}</a>', url, name, text)

    @admin.display(description=_("arguments"))
    def arguments(self, execution: Execution) -> SafeString:
        return values.arguments(execution.function, execution.arguments_json)

    @admin.display(description=_("metadata"))
    def metadata_(self, execution: Execution) -> SafeString:
        return values.data(execution.metadata)

    @admin.display(description=_("result"))
    def result(self, execution: Execution) -> SafeString | str:
        return NOTHING if execution.result_json is None else values.result(execution.result_json)

    @admin.display(description=_("created"))
    def created_exact(self, execution: Execution) -> SafeString | str:
        return moment(execution.created_at, with_zone=True)

    @admin.display(description=_("due"))
    def due_exact(self, execution: Execution) -> SafeString | str:
        return moment(execution.due_at, with_zone=True)

    @admin.display(description=_("started"))
    def started_exact(self, execution: Execution) -> SafeString | str:
        return moment(execution.started_at, with_zone=True)

    @admin.display(description=_("ended"))
    def ended_exact(self, execution: Execution) -> SafeString | str:
        return moment(execution.ended_at, with_zone=True)

    @admin.display(description=_("discarded if not started by"))
    def discard_exact(self, execution: Execution) -> SafeString | str:
        return moment(execution.discard_at, with_zone=True)


def _removed(execution_id: UUID) -> str:
    return gettext("%(id)s, removed") % {"id": short_id(execution_id)}
