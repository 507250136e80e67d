"""All that the template of an execution's page shows, for the person who looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from deferapp.admin import history, values
from deferapp.admin.display import number, state_badge
from deferapp.admin.execution_page import attempts, facts, path, timeline, tree
from deferapp.admin.execution_page.actions import ACTIONS
from deferapp.clock import now
from deferapp.executions.ids import new_id
from deferapp.executions.states import ENDED, State
from deferapp.models import Execution
from deferapp.redact import redact_text
from deferapp.visible import visible

if TYPE_CHECKING:
    from deferapp.admin.executions import ExecutionAdmin

_ORDERS: Final = {"parent": "created_at", "batch": "state"}
"""In which order an index gives those who belong together."""


def context(admin: ExecutionAdmin, request: HttpRequest, execution: Execution) -> dict[str, Any]:
    moment, ended = now(), attempts.ended(execution)
    with_values = admin.may_see_values(request)
    children = _family(admin, request, Execution.objects.filter(parent=execution), _("Children"), parent=execution.pk)
    together = _together(admin, request, execution)
    return {
        "subtitle": visible(execution.function),
        "is_live": execution.state not in ENDED or any(each and not each["has_ended"] for each in (children, together)),
        "path": path.steps(execution, ended),
        "origin": facts.origin(execution, admin),
        "reason": visible(redact_text(execution.reason)),
        "code": attempts.code_badge(execution) if execution.error_code else "",
        "actions": _actions(admin, request, execution),
        "facts": facts.about(execution, admin),
        "times": facts.times(execution, moment),
        "timeline": timeline.context(execution, ended, moment),
        "children": children,
        "together": together,
        "values": _values(execution) if with_values else None,
        "history": history.context(execution),
        "wish": new_id().hex,
        **attempts.context(admin, execution, ended, with_values=with_values),
    }


def _actions(admin: ExecutionAdmin, request: HttpRequest, execution: Execution) -> list[dict[str, Any]]:
    return [
        {"action": action, "url": admin.action_url(execution, action.name)}
        for action in ACTIONS.values()
        if admin.may(request, action.permission) and action.is_possible(execution)
    ]


def _values(execution: Execution) -> list[dict[str, Any]]:
    shown = [(_("Arguments"), values.arguments(execution.function, execution.arguments_json))]
    if execution.state == State.SUCCEEDED and execution.result_json is not None:
        shown.append((_("Result"), values.result(execution.result_json)))
    if execution.metadata:
        shown.append((_("Metadata"), values.data(execution.metadata)))
    return [{"name": name, "html": html} for name, html in shown]


def _together(admin: ExecutionAdmin, request: HttpRequest, execution: Execution) -> dict[str, Any] | None:
    """Those that the same `map` enqueued."""
    if execution.batch is None:
        return None
    members = Execution.objects.filter(batch=execution.batch)
    return _family(admin, request, members, _("Enqueued together"), batch=execution.batch)


def _family(
    admin: ExecutionAdmin, request: HttpRequest, members: QuerySet[Execution], title: str, **of: Any
) -> dict[str, Any] | None:
    ((kind, id),) = of.items()
    counted = tree.family(members, order=_ORDERS[kind])
    if not counted.total:
        return None
    filters = {kind: str(id)}
    can_retry = counted.count(State.FAILED) and admin.may(request, "retry")
    return {
        "kind": kind,
        "id": id,
        "title": title,
        "total": f"{number(tree.MOST)}+" if counted.is_capped else number(counted.total),
        "ended": number(counted.ended),
        "has_ended": counted.has_ended,
        "bar": tree.bar(counted),
        "text": tree.summary(counted),
        "url": admin.executions_url(**filters),
        "states": [
            {"badge": state_badge(state), "count": number(count), "url": admin.executions_url(**filters, state=state)}
            for state, count in counted.by_state.items()
        ],
        "rows": [_row(admin, each) for each in tree.worth_a_look(members, counted, order=_ORDERS[kind])],
        "failed": number(counted.count(State.FAILED)),
        "retry_url": reverse("admin:deferapp_execution_bulk", current_app=admin.admin_site.name) if can_retry else None,
    }


def _row(admin: ExecutionAdmin, execution: Execution) -> dict[str, Any]:
    return {
        "link": admin.execution_link(execution.pk),
        "function": visible(execution.function),
        "state": state_badge(execution.state),
        "reason": values.line(execution.reason),
    }
