"""What is done to the executions that are ticked in the list: at once; to all that match, after a page that asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from deferapp.admin.execution_page.actions import ACTIONS
from deferapp.models import Execution

if TYPE_CHECKING:
    from deferapp.admin.execution_list.changelist import CursorChangeList
    from deferapp.admin.executions import ExecutionAdmin

Answer = HttpResponse | None


@admin.action(description=_("Retry those that have failed"), permissions=["retry"])
def retry(admin: ExecutionAdmin, request: HttpRequest, executions: QuerySet[Execution]) -> Answer:
    return _act("retry", admin, request, executions)


@admin.action(description=_("Cancel those that wait"), permissions=["cancel"])
def cancel(admin: ExecutionAdmin, request: HttpRequest, executions: QuerySet[Execution]) -> Answer:
    return _act("cancel", admin, request, executions)


@admin.action(description=_("Abort those that run"), permissions=["cancel"])
def abort(admin: ExecutionAdmin, request: HttpRequest, executions: QuerySet[Execution]) -> Answer:
    return _act("abort", admin, request, executions)


ALL: Final = (retry, cancel, abort)


def _act(name: str, admin: ExecutionAdmin, request: HttpRequest, executions: QuerySet[Execution]) -> Answer:
    if request.POST.get("select_across") == "1":
        shown = cast("CursorChangeList", admin.get_changelist_instance(request))
        return HttpResponseRedirect(admin.bulk_url(name, shown.filters))
    action = ACTIONS[name]
    chosen = list(executions.order_by("created_at"))
    moved = [each for each in chosen if action.is_possible(each) and action.act(each, "")]
    for each in moved:
        admin.log_change(request, each, str(action.label))
    counts: dict[str, Any] = {"action": action.label, "done": len(moved), "left": len(chosen) - len(moved)}
    done = ngettext("%(action)s: %(done)s execution.", "%(action)s: %(done)s executions.", len(moved))
    left = ngettext("%(left)s was left alone.", "%(left)s were left alone.", counts["left"])
    text = f"{done} {left}" if counts["left"] else done
    admin.message_user(request, text % counts, messages.SUCCESS if moved else messages.WARNING)
    return None
