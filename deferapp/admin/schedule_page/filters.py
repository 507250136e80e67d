"""By what the list of schedules can be filtered."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from deferapp.models import Schedule

_STATES: Final = {
    "active": (_("active"), Q(is_declared=True, is_paused=False)),
    "paused": (_("paused"), Q(is_declared=True, is_paused=True)),
    "edited": (_("edited"), ~Q(frequency=F("declared_frequency"))),
    "gone": (_("gone from the code"), Q(is_declared=False)),
}


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(value, words) for value, (words, _condition) in _STATES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> QuerySet[Schedule]:
        found = _STATES.get(self.value() or "")
        return queryset.filter(found[1]) if found else queryset
