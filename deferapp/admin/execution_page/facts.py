"""What stands at the top of an execution's page: what it is, where it comes from, and when what happened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from deferapp.admin import timing
from deferapp.admin.display import function_name, moment, short_id, state_badge
from deferapp.models import DueMoment, Execution
from deferapp.visible import visible

if TYPE_CHECKING:
    from deferapp.admin.readonly import ReadOnlyAdmin

LONG = ("arguments_json", "result_json")
"""Columns that are left out where they are not shown."""

Fact = tuple[str, object]


def about(execution: Execution, admin: ReadOnlyAdmin[Any]) -> list[Fact]:
    """Names and what belongs to them."""
    return list(_about(execution, admin))


def times(execution: Execution, now: datetime) -> list[Fact]:
    facts = [
        (_("created"), execution.created_at),
        (_("due"), execution.due_at),
        (_("started"), execution.started_at),
        (_("ended"), execution.ended_at),
        (_("discarded if not started by"), execution.discard_at),
    ]
    shown: list[Fact] = [(name, moment(value, with_zone=True)) for name, value in facts if value]
    return [*shown, (_("wait"), timing.wait(execution, now)), (_("duration"), timing.duration(execution, now))]


def function_url(name: str, admin: ReadOnlyAdmin[Any]) -> str:
    """The function's page, or for a name that no address can hold the list of its executions."""
    try:
        return reverse("admin:deferapp_function", args=[name], current_app=admin.admin_site.name)
    except NoReverseMatch:
        return admin.executions_url(function=name)


def _about(execution: Execution, admin: ReadOnlyAdmin[Any]) -> Iterator[Fact]:
    url = function_url(execution.function, admin)
    yield _("function"), format_html('<a href="{}">{}</a>', url, function_name(execution.function))
    yield _("id"), format_html('<span class="deferapp-id deferapp-whole-id">{}</span>', execution.pk)
    if execution.attempt:
        yield _("attempt"), execution.attempt
    if execution.rerun_of_id is not None:
        first = Execution.objects.defer(*LONG).filter(pk=execution.rerun_of_id).first()
        yield _("re-run of"), named_link(first, execution.rerun_of_id, admin)


def origin(execution: Execution, admin: ReadOnlyAdmin[Any]) -> SafeString | str:
    """Its parent with that one's state, the schedule that fired it, or neither."""
    if execution.parent_id is not None:
        return named_link(execution.parent, execution.parent_id, admin)
    due_moment = DueMoment.objects.filter(execution=execution.pk).select_related("schedule").first()
    return _schedule_link(due_moment, admin) if due_moment else _("code outside of any execution")


def named_link(execution: Execution | None, id: UUID, admin: ReadOnlyAdmin[Any]) -> SafeString | str:
    """A link to an execution, by function, id and state; words if it is there no more."""
    if execution is None:
        return removed(id)
    link = admin.execution_link(id, function_name(execution.function))
    return format_html("{} {} {}", link, short_id(id), state_badge(execution.state))


def removed(id: UUID) -> str:
    return _("%(id)s, removed") % {"id": short_id(id)}


def _schedule_link(due_moment: DueMoment, admin: ReadOnlyAdmin[Any]) -> SafeString:
    name = visible(due_moment.schedule.function)
    url = reverse("admin:deferapp_schedule_change", args=[due_moment.schedule_id], current_app=admin.admin_site.name)
    text = _("the schedule, for %(moment)s") % {"moment": f"{due_moment.due_at:%Y-%m-%d %H:%M} UTC"}
    return format_html('<a href="{}" title="{}">{}</a>', url, name, text)
