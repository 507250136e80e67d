"""The filters of the list of executions; each is a parameter of its address: `?state=failed&function=…&parent=<id>`."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from deferapp.admin.display import STATE_SIGNS, function_name, short_id
from deferapp.executions import names
from deferapp.executions.search.find import as_id
from deferapp.executions.selection import FILTERS
from deferapp.executions.states import State
from deferapp.models import ErrorGroup, Execution
from deferapp.visible import visible

Choices = list[tuple[str, Any]]


class _Filter(admin.SimpleListFilter):
    """One of the filters of `selection`, as links beside the list."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Execution]) -> QuerySet[Execution]:
        value = self.value()
        return FILTERS[str(self.parameter_name)](queryset, value) if value else queryset


class _Present(_Filter):
    """Seen only while it filters, by a link from somewhere."""

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        value = self.value()
        return [(value, self.shown(value))] if value else []

    def shown(self, value: str) -> str:
        id = as_id(value)
        return short_id(id) if id else visible(value)


class StateFilter(_Filter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        return [(state.value, f"{STATE_SIGNS[state]} {state.label}") for state in State]


class FunctionFilter(_Filter):
    title = _("function")
    parameter_name = "function"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        return [(name, function_name(name)) for name in names.recorded()]


class ScheduledFilter(_Filter):
    """Whether a due moment of a schedule made the execution."""

    title = _("origin")
    parameter_name = "scheduled"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        return [("yes", _("fired by a schedule")), ("no", _("called"))]


class ParentFilter(_Present):
    title = _("parent")
    parameter_name = "parent"


class BatchFilter(_Present):
    title = _("batch")
    parameter_name = "batch"


class ErrorFilter(_Present):
    """Those that have failed, the last time with an error of this group."""

    title = _("error")
    parameter_name = "error"

    def shown(self, value: str) -> str:
        group = ErrorGroup.objects.filter(key=value[:16]).first()
        return visible(str(group)) if group else visible(value)
