"""What all of deferapp's admin pages share: they are read-only, bounded in their queries, and styled by one file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from deferapp.admin.display import short_id
from deferapp.admin.paginator import CappedPaginator

M = TypeVar("M", bound=Model)

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin
else:

    class _ModelAdmin(admin.ModelAdmin, Generic[M]):
        """Django's ModelAdmin takes no type argument at run time."""


class ReadOnlyAdmin(_ModelAdmin[M]):
    """Lists and pages of a model that nobody changes here."""

    # With None, and the empty bar on top, Django's own template needs no inline style.
    actions: Sequence[Any] | None = None
    actions_on_top = True
    paginator = CappedPaginator
    # Both would count the whole table.
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    # Nothing is saved, after which one would want to see the same list; and it takes a fifth of the time of a list.
    preserve_filters = False
    # Only the order of an index is quick.
    sortable_by = ()
    filter_names: tuple[str, ...] = ()
    """The parameters by which a list can be filtered."""

    class Media:
        css = {"all": ("deferapp/admin.css",)}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Allow our filters alone: by `?arguments_json__contains=` one could guess what is redacted."""
        return lookup in self.filter_names

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, {**title, **(extra_context or {})})

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: M | None = None,
    ) -> HttpResponse:
        if obj is not None:
            context |= {"title": capfirst(self.opts.verbose_name), **self.page_context(request, obj)}
        return super().render_change_form(request, context, add, change, form_url, obj)

    def page_context(self, request: HttpRequest, obj: M) -> dict[str, Any]:
        """What the page's template shows besides the fields."""
        return {}

    def sees_executions(self, request: HttpRequest) -> bool:
        """Whether who asks may go where links to executions and functions lead; others see the text alone."""
        return request.user.has_perm("deferapp.view_execution")

    def execution_link(self, execution_id: UUID, text: object = None, *, is_link: bool = True) -> SafeString:
        """A link to the page of an execution, by its short id or a text of one's own; without `is_link` that alone."""
        if not is_link:
            return format_html('<span title="{}">{}</span>', execution_id, text or short_id(execution_id))
        url = reverse("admin:deferapp_execution_change", args=[execution_id], current_app=self.admin_site.name)
        if text is None:
            return format_html(
                '<a class="deferapp-id" href="{}" title="{}">{}</a>', url, execution_id, short_id(execution_id)
            )
        return format_html('<a href="{}" title="{}">{}</a>', url, execution_id, text)

    def executions_url(self, **filters: str) -> str:
        """The address of the list of executions, filtered."""
        url = reverse("admin:deferapp_execution_changelist", current_app=self.admin_site.name)
        return f"{url}?{urlencode(filters)}"
