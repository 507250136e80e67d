"""The filters of the list of executions; each is a parameter of its address: `?state=failed&function=…&parent=<id>`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from deferapp.admin.display import STATE_SIGNS, function_name, short_id, visible
from deferapp.executions import names
from deferapp.executions.states import State
from deferapp.models import DueMoment, Execution

Choices = list[tuple[str, Any]]


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        return [(state.value, f"{STATE_SIGNS[state]} {state.label}") for state in State]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Execution]) -> QuerySet[Execution]:
        return queryset.filter(state=self.value()) if self.value() else queryset


class FunctionFilter(admin.SimpleListFilter):
    title = _("function")
    parameter_name = "function"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        return [(name, function_name(name)) for name in names.recorded()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Execution]) -> QuerySet[Execution]:
        return queryset.filter(function=self.value()) if self.value() else queryset


class ScheduledFilter(admin.SimpleListFilter):
    """Whether a due moment of a schedule made the execution."""

    title = _("origin")
    parameter_name = "scheduled"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        return [("yes", _("fired by a schedule")), ("no", _("called"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Execution]) -> QuerySet[Execution]:
        is_scheduled = Exists(DueMoment.objects.filter(execution=OuterRef("pk")))
        if self.value() == "yes":
            return queryset.filter(is_scheduled)
        return queryset.filter(~is_scheduled) if self.value() == "no" else queryset


class ParentFilter(admin.SimpleListFilter):
    """Seen only while it filters, by a link from a parent's page or a child's row."""

    title = _("parent")
    parameter_name = "parent"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        value = self.value()
        parent = as_id(value)
        return [(value, short_id(parent) if parent else visible(value))] if value else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Execution]) -> QuerySet[Execution]:
        if not self.value():
            return queryset
        parent = as_id(self.value())
        return queryset.filter(parent=parent) if parent else queryset.none()


def as_id(text: str | None) -> UUID | None:
    """The id that the text is, in one of the ways in which UUIDs are written."""
    try:
        return UUID((text or "").strip())
    except ValueError:
        return None
