"""Alerts: what is wrong now, first; what was; and whom it was told to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from deferapp.admin import values
from deferapp.admin.display import NOTHING, badge, function_name, moment, span, visible
from deferapp.admin.readonly import ReadOnlyAdmin
from deferapp.alerts import details
from deferapp.clock import now
from deferapp.models import Alert, Delivery

DELIVERIES_SHOWN: Final = 50
"""Messages on an alert's page, the latest."""
_SHOWN_IN_LISTS: Final = ("sent_at", "due_at", "tries")


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin[Alert]):
    change_form_template = "deferapp/admin/alert.html"
    list_display = ("what", "state_", "count_", "last", "told")
    list_display_links = ("what",)
    # Few rows: incidents, and those of long ago are taken away.
    ordering = (F("closed_at").desc(nulls_first=True), "-opened_at", "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        latest = Delivery.objects.filter(alert=OuterRef("pk")).order_by("-pk")
        of_latest = {f"delivery_{name}": Subquery(latest.values(name)[:1]) for name in _SHOWN_IN_LISTS}
        return super().get_queryset(request).annotate(**of_latest)

    def get_fieldsets(self, request: HttpRequest, obj: Alert | None = None) -> Any:
        about = ("function_", "parent_", "schedule_") if obj and obj.details.get("function") else ()
        return [(None, {"fields": ("state_", "text_", *about, "count_", "opened", "last", "closed")})]

    def page_context(self, request: HttpRequest, obj: Alert) -> dict[str, Any]:
        deliveries = list(obj.deliveries.all()[:DELIVERIES_SHOWN])
        obj.is_link = self.sees_executions(request)  # type: ignore[attr-defined]
        obj.details = details.gathered(obj)  # What has been named since the last message has no argument yet.
        return {
            "subtitle": capfirst(visible(str(obj))),
            "named": list(self._named(request, obj)),
            "more": max(0, obj.count - len(obj.details.get("named", []))),
            "trace": values.traceback(trace) if (trace := self._trace(request, obj)) else "",
            "deliveries": [_of_delivery(delivery) for delivery in deliveries],
        }

    @admin.display(description=_("alert"))
    def what(self, alert: Alert) -> str:
        return capfirst(visible(str(alert)))

    @admin.display(description=_("state"))
    def state_(self, alert: Alert) -> SafeString:
        length = span((alert.closed_at or now()) - alert.opened_at)
        if alert.is_open:
            return badge("failed", "✕", gettext("for %(time)s") % {"time": length})
        return badge("succeeded", "✓", gettext("over after %(time)s") % {"time": length})

    @admin.display(description=_("count"))
    def count_(self, alert: Alert) -> str:
        return number_format(alert.count, force_grouping=True)

    @admin.display(description=_("text"))
    def text_(self, alert: Alert) -> str:
        return visible(alert.text)

    @admin.display(description=_("opened"))
    def opened(self, alert: Alert) -> SafeString | str:
        return moment(alert.opened_at, with_zone=True)

    @admin.display(description=_("last"))
    def last(self, alert: Alert) -> SafeString | str:
        return moment(alert.last_at)

    @admin.display(description=_("works again"))
    def closed(self, alert: Alert) -> SafeString | str:
        return moment(alert.closed_at, with_zone=True)

    @admin.display(description=_("told"))
    def told(self, alert: Alert) -> SafeString | str:
        """What became of the latest message."""
        known = {name: getattr(alert, f"delivery_{name}") for name in _SHOWN_IN_LISTS}
        return NOTHING if known["tries"] is None else _state(Delivery(**known))

    @admin.display(description=_("function"))
    def function_(self, alert: Alert) -> SafeString:
        name = alert.details["function"]
        if not getattr(alert, "is_link", False):
            return function_name(name)
        try:
            url = reverse("admin:deferapp_function", args=[name], current_app=self.admin_site.name)
        except NoReverseMatch:
            return function_name(name)
        return format_html('<a href="{}">{}</a>', url, function_name(name))

    @admin.display(description=_("parent"))
    def parent_(self, alert: Alert) -> SafeString | str:
        parent = alert.details.get("parent")
        if not parent:
            return NOTHING
        return format_html("{} {}", function_name(parent["function"]), visible(parent["execution"]))

    @admin.display(description=_("schedule"))
    def schedule_(self, alert: Alert) -> str:
        return visible(alert.details.get("schedule") or NOTHING)

    def _named(self, request: HttpRequest, alert: Alert) -> Iterator[dict[str, Any]]:
        """The first that it happened to; what they were called with is not for everybody."""
        sees_values = _may(request, "view_execution_values")
        for each in alert.details.get("named", []):
            if "execution" in each:
                argument = each.get("argument", "") if sees_values else ""
                yield {"link": self._link(request, each["execution"]), "text": visible(argument)}
            else:
                yield {"link": "", "text": visible(f"{each.get('who')}: {each.get('why')}")}

    def _link(self, request: HttpRequest, execution_id: str) -> SafeString | str:
        """Those who may not see executions see which it was."""
        if not _may(request, "view_execution"):
            return visible(execution_id)
        return self.execution_link(UUID(execution_id), visible(execution_id))

    def _trace(self, request: HttpRequest, alert: Alert) -> str:
        return alert.details.get("trace", "") if _may(request, "view_execution_values") else ""


def _may(request: HttpRequest, permission: str) -> bool:
    return request.user.has_perm(f"deferapp.{permission}")


def _of_delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "kind": delivery.get_kind_display(),
        "channel": visible(delivery.channel),
        "made": moment(delivery.created_at),
        "state": _state(delivery),
        "error": visible(delivery.error),
    }


def _state(delivery: Delivery) -> SafeString:
    """Sent, to be sent, or given up."""
    if delivery.sent_at is not None:
        return format_html("{} {}", badge("succeeded", "✓", gettext("sent")), moment(delivery.sent_at))
    if delivery.due_at is None:
        return badge("failed", "✕", gettext("given up"))
    if delivery.tries == 0:
        return badge("created", "○", gettext("to be sent"))
    return badge("started", "⟳", gettext("tried %(count)d times") % {"count": delivery.tries})
