"""Executions: the list, newest first, the page of one, and what may be done with one or many.

What is shown is put together in `execution_page` and `execution_list`; here is what Django asks for by name, and who
may do what.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from deferapp.admin import timing
from deferapp.admin.display import moment, short_function_name, short_id, state_badge
from deferapp.admin.execution_list import bulk, filters, selected
from deferapp.admin.execution_list.changelist import CursorChangeList
from deferapp.admin.execution_page import page
from deferapp.admin.execution_page.actions import ACTIONS, Action
from deferapp.admin.execution_page.facts import LONG, removed
from deferapp.admin.readonly import ReadOnlyAdmin
from deferapp.clock import now
from deferapp.exceptions import SearchError
from deferapp.executions import search
from deferapp.executions.search.find import as_id
from deferapp.executions.selection import FILTERS
from deferapp.models import Execution

_LONG_OF_PARENT: Final = tuple(f"parent__{name}" for name in LONG)
_ALL_OF_PARENT: Final = tuple(
    f"parent__{field.attname}" for field in Execution._meta.concrete_fields if not field.primary_key
)


@admin.register(Execution)
class ExecutionAdmin(ReadOnlyAdmin[Execution]):
    change_form_template = "deferapp/admin/execution.html"
    list_display = ("id_", "function_and_parent", "state_and_attempt", "created", "wait", "duration")
    list_display_links = ("id_",)
    list_per_page = 50
    list_filter = (
        filters.StateFilter,
        filters.ParentFilter,
        filters.BatchFilter,
        filters.ErrorFilter,
        filters.ScheduledFilter,
        filters.FunctionFilter,
    )
    filter_names = (*FILTERS, "after", "before")
    search_fields = ("function",)
    search_help_text = _(
        "state:failed fn:mail.* meta.tenant:acme since:2h until:2026-11-01 parent:<id>, a part of a function’s name, "
        "an id, or the end of a recent one."
    )
    actions = selected.ALL

    class Media:
        css: ClassVar = {"all": ("deferapp/execution.css",)}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path("function/<path:name>/", view(self.function_view), name="deferapp_function"),
            path("bulk/", view(self.bulk_view), name="deferapp_execution_bulk"),
            path("bulk/<uuid:id>/", view(self.bulk_progress_view), name="deferapp_execution_bulk_progress"),
            path("<uuid:id>/act/<slug:name>/", view(require_POST(self.act_view)), name="deferapp_execution_act"),
        ]
        return [*ours, *super().get_urls()]

    def may(self, request: HttpRequest, permission: str) -> bool:
        """Whether who asks may do this with executions: `view`, `run`, `retry`, `cancel`."""
        return request.user.has_perm(f"deferapp.{permission}_execution")

    def may_see_values(self, request: HttpRequest) -> bool:
        """Whether who asks may see arguments, results, tracebacks and logs."""
        return request.user.has_perm("deferapp.view_execution_values")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "retry")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "cancel")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        # Arguments may be long; the page loads them for its one execution. Of the parent a list tells only the id.
        return super().get_queryset(request).select_related("parent").defer(*LONG, *_ALL_OF_PARENT)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Execution | None:
        id = as_id(object_id)
        rows = self.get_queryset(request).defer(None).select_related("parent", "worker").defer(*_LONG_OF_PARENT)
        return rows.filter(pk=id).first() if id else None

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CursorChangeList]:
        return CursorChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Execution], search_term: str
    ) -> tuple[QuerySet[Execution], bool]:
        try:
            return search.parse(search_term, now()).apply(queryset), False
        except SearchError as error:
            self.message_user(request, str(error), messages.ERROR)
            return queryset.none(), False

    def get_fieldsets(self, request: HttpRequest, obj: Execution | None = None) -> Any:
        return []

    def page_context(self, request: HttpRequest, obj: Execution) -> dict[str, Any]:
        return page.context(self, request, obj)

    def act_view(self, request: HttpRequest, id: UUID, name: str) -> HttpResponse:
        """Do something with one execution, and lead to the page of the one that then runs."""
        action = ACTIONS.get(name)
        if action is None:
            raise Http404
        if not (self.has_view_permission(request) and self.may(request, action.permission)):
            raise PermissionDenied
        execution = self.get_object(request, str(id))
        if execution is None:
            # Django's own page for it leads back with a message.
            return HttpResponseRedirect(self.page_url(id))
        return HttpResponseRedirect(self._act(request, execution, action))

    def _act(self, request: HttpRequest, execution: Execution, action: Action) -> str:
        wish = request.POST.get("wish", "")[:100]
        result = action.act(execution, wish) if action.is_possible(execution) else None
        if result is None:
            self.message_user(request, str(action.refused), messages.WARNING)
        else:
            self.log_change(request, execution, str(action.label))
            self.message_user(request, str(action.done), messages.SUCCESS)
        return self.page_url((result or execution).pk)

    def function_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """The page of a function. It is imported here, since the dashboard shows things as these pages do."""
        from deferapp.dashboard import function_view

        return function_view.answer(self, request, name)

    def bulk_view(self, request: HttpRequest) -> HttpResponse:
        return bulk.ask_or_start(self, request)

    def bulk_progress_view(self, request: HttpRequest, id: UUID) -> HttpResponse:
        return bulk.show(self, request, id)

    def page_url(self, id: UUID) -> str:
        return reverse("admin:deferapp_execution_change", args=[id], current_app=self.admin_site.name)

    def action_url(self, execution: Execution, name: str) -> str:
        return reverse("admin:deferapp_execution_act", args=[execution.pk, name], current_app=self.admin_site.name)

    def bulk_url(self, action: str, parameters: Mapping[str, str]) -> str:
        """The page that asks whether to do this with all executions that match."""
        url = reverse("admin:deferapp_execution_bulk", current_app=self.admin_site.name)
        return f"{url}?{urlencode({'action': action, **parameters})}"

    def action_checkbox(self, obj: Execution) -> SafeString:
        """As Django's, without a template for each row."""
        name = gettext("Select this object for an action - {}").format(obj)
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">',
            ACTION_CHECKBOX_NAME,
            obj.pk,
            name,
        )

    @admin.display(description=_("id"))
    def id_(self, execution: Execution) -> SafeString:
        return format_html('<span class="deferapp-id" title="{}">{}</span>', execution.pk, short_id(execution.pk))

    @admin.display(description=_("function"))
    def function_and_parent(self, execution: Execution) -> SafeString:
        name = short_function_name(execution.function)
        if execution.parent_id is None:
            return name
        parent = self.execution_link(execution.parent_id) if execution.parent else removed(execution.parent_id)
        called_by = format_html(gettext("called by {}"), parent)
        return format_html('{}<br><span class="deferapp-quiet deferapp-whole">{}</span>', name, called_by)

    @admin.display(description=_("state"))
    def state_and_attempt(self, execution: Execution) -> SafeString:
        if execution.attempt < 2:
            return state_badge(execution.state)
        attempt = gettext("attempt %(number)s") % {"number": execution.attempt}
        return format_html('{}<br><span class="deferapp-quiet">{}</span>', state_badge(execution.state), attempt)

    @admin.display(description=_("created"))
    def created(self, execution: Execution) -> SafeString | str:
        return moment(execution.created_at)

    @admin.display(description=_("wait"))
    def wait(self, execution: Execution) -> SafeString:
        return _with_name(gettext("wait"), timing.wait(execution, now()))

    @admin.display(description=_("duration"))
    def duration(self, execution: Execution) -> SafeString:
        return _with_name(gettext("duration"), timing.duration(execution, now()))


def _with_name(name: str, value: str) -> SafeString:
    """With its column's name before it, which is seen where the list has no columns, on a narrow screen."""
    return format_html('<span class="deferapp-narrow">{}</span> {}', name, value)
