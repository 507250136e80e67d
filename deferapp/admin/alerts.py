"""Alerts: what is wrong now, and what was."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from deferapp.admin.display import badge, moment, span, visible
from deferapp.admin.readonly import ReadOnlyAdmin
from deferapp.clock import now
from deferapp.models import Alert


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin[Alert]):
    change_form_template = "deferapp/admin/page.html"
    list_display = ("what", "state_", "opened", "closed")
    list_display_links = ("what",)

    def get_fieldsets(self, request: HttpRequest, obj: Alert | None = None) -> Any:
        return [(None, {"fields": ("what", "state_", "text_", "opened", "closed")})]

    def page_context(self, request: HttpRequest, obj: Alert) -> dict[str, Any]:
        return {"subtitle": visible(str(obj))}

    @admin.display(description=_("alert"))
    def what(self, alert: Alert) -> str:
        return capfirst(visible(str(alert)))

    @admin.display(description=_("state"))
    def state_(self, alert: Alert) -> SafeString:
        length = span((alert.closed_at or now()) - alert.opened_at)
        if alert.is_open:
            return badge("failed", "✕", gettext("for %(time)s") % {"time": length})
        return badge("succeeded", "✓", gettext("over after %(time)s") % {"time": length})

    @admin.display(description=_("text"))
    def text_(self, alert: Alert) -> str:
        return visible(alert.text)

    @admin.display(description=_("opened"))
    def opened(self, alert: Alert) -> SafeString | str:
        return moment(alert.opened_at, with_zone=True)

    @admin.display(description=_("works again"))
    def closed(self, alert: Alert) -> SafeString | str:
        return moment(alert.closed_at, with_zone=True)
