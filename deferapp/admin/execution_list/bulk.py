"""Doing something to all executions that match: a page with their number that asks, and one that shows the progress.

A GET asks, a POST does it; both check the permission of the action. The form carries the id of the change, so that
one that is sent twice is one change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deferapp.admin.display import STATE_SIGNS, moment, number
from deferapp.admin.execution_page.actions import ACTIONS
from deferapp.exceptions import SearchError
from deferapp.executions import bulk
from deferapp.executions.ids import new_id
from deferapp.executions.search.find import as_id
from deferapp.executions.selection import FILTERS, SEARCH
from deferapp.models import BulkChange, Execution
from deferapp.visible import visible

if TYPE_CHECKING:
    from deferapp.admin.executions import ExecutionAdmin


def ask_or_start(admin: ExecutionAdmin, request: HttpRequest) -> HttpResponse:
    """The page that asks, and where its form is sent to."""
    asked = request.POST if request.method == "POST" else request.GET
    name = asked.get("action", "")
    if name not in bulk.FROM:
        raise Http404
    if not (admin.has_view_permission(request) and admin.may(request, ACTIONS[name].permission)):
        raise PermissionDenied
    filters = {key: value for key in (SEARCH, *FILTERS) if (value := asked.get(key, ""))}
    try:
        change = bulk.planned(name, filters, id=_id(asked), by=request.user.get_username())
    except SearchError as error:
        admin.message_user(request, visible(str(error)), messages.ERROR)
        return HttpResponseRedirect(admin.executions_url())
    if request.method == "POST":
        return _start(admin, request, change)
    return _page(admin, request, "confirm", change, title=_("Are you sure?"))


def show(admin: ExecutionAdmin, request: HttpRequest, id: UUID) -> HttpResponse:
    """The page that shows how far a change is."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    change = BulkChange.objects.filter(pk=id).first()
    if change is None:
        raise Http404
    return _page(admin, request, "progress", change, title=_words(change))


def _id(asked: Any) -> UUID:
    return as_id(asked.get("wish", "")) or new_id()


def _start(admin: ExecutionAdmin, request: HttpRequest, change: BulkChange) -> HttpResponse:
    is_new = not BulkChange.objects.filter(pk=change.pk).exists()
    known = bulk.start(change)
    if is_new:
        _log(request, known)
    if known.ended_at is None:
        return HttpResponseRedirect(
            reverse("admin:deferapp_execution_bulk_progress", args=[known.pk], current_app=admin.admin_site.name)
        )
    done = ngettext("%(action)s: %(done)s execution.", "%(action)s: %(done)s executions.", known.done)
    counts: dict[str, Any] = {"action": ACTIONS[known.action].label, "done": number(known.done)}
    admin.message_user(request, done % counts, messages.SUCCESS if known.done else messages.WARNING)
    return HttpResponseRedirect(_back(admin, known))


def _log(request: HttpRequest, change: BulkChange) -> None:
    """Of a parent's children, for the history of the parent; else of the change itself."""
    parent = _parent(change)
    execution = Execution.objects.filter(pk=parent).only("id", "function").first() if parent else None
    LogEntry.objects.log_actions(
        user_id=cast("int", request.user.pk),
        queryset=[execution or change],
        action_flag=CHANGE,
        change_message=_words(change),
        single_object=True,
    )


def _parent(change: BulkChange) -> UUID | None:
    """Whose children they are, if they are all of them."""
    return as_id(change.filters["parent"]) if set(change.filters) == {"parent"} else None


def _back(admin: ExecutionAdmin, change: BulkChange) -> str:
    """To the parent, whose page shows what comes of it, or to the list."""
    parent = _parent(change)
    if parent:
        return admin.page_url(parent)
    return admin.executions_url(**change.filters)


def _words(change: BulkChange) -> str:
    """`Retry 12,000 executions: state failed, fn:mail`."""
    counts = {"action": str(ACTIONS[change.action].label), "count": _count(change)}
    text = ngettext("%(action)s %(count)s execution", "%(action)s %(count)s executions", change.matched) % counts
    return f"{text}: {filters}" if (filters := ", ".join(_filters(change))) else text


def _filters(change: BulkChange) -> list[str]:
    return [visible(value if name == SEARCH else f"{name} {value}") for name, value in change.filters.items()]


def _count(change: BulkChange) -> str:
    return f"{number(bulk.MOST_COUNTED)}+" if change.matched > bulk.MOST_COUNTED else number(change.matched)


def _page(admin: ExecutionAdmin, request: HttpRequest, kind: str, change: BulkChange, *, title: str) -> HttpResponse:
    share = min(change.looked_at / change.matched, 1) if change.matched else 1.0
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "media": admin.media,
        "title": title,
        "change": change,
        "action": ACTIONS[change.action],
        "words": _words(change),
        "count": _count(change),
        "is_capped": change.matched > bulk.MOST_COUNTED,
        "most": number(bulk.MOST_COUNTED),
        "filters": _filters(change),
        "from_state": f"{STATE_SIGNS[bulk.FROM[change.action]]} {bulk.FROM[change.action].label}",
        "list_url": admin.executions_url(**change.filters),
        "back_url": _back(admin, change),
        "width": f"{(1 if change.ended_at else share) * 100:.1f}%",
        "percent": f"{int(share * 100)} %",
        "done": number(change.done),
        "left_alone": number(change.looked_at - change.done) if change.looked_at > change.done else "",
        "asked_at": moment(change.created_at, with_zone=True),
        "ended_at": moment(change.ended_at, with_zone=True),
        "by": visible(change.created_by),
    }
    request.current_app = admin.admin_site.name
    return TemplateResponse(request, f"deferapp/admin/bulk_{kind}.html", context)
