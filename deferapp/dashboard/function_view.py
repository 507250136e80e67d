"""The address of a function's page: shows it, and carries out what its forms ask for.

Each action is a POST, for those who have its permission, and is in Django's log entries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from deferapp.clock import now
from deferapp.dashboard import actions, function
from deferapp.dashboard.viewer import Viewer
from deferapp.functions import registry
from deferapp.models import PausedFunction
from deferapp.visible import visible

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    from deferapp.models import Execution

TEMPLATE: Final = "deferapp/dashboard/function.html"


def answer(admin: ModelAdmin[Execution], request: HttpRequest, name: str) -> HttpResponse:
    """The page, or where the browser goes after an action."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    if not function.is_known(name):
        raise Http404(_("There is no such function."))
    viewer = Viewer.of(request.user, admin.admin_site.name, admin.admin_site.get_app_list(request, "deferapp"))
    if request.method == "POST":
        return _act(admin, request, name, viewer)
    return _page(admin, request, name, viewer)


def _page(admin: ModelAdmin[Execution], request: HttpRequest, name: str, viewer: Viewer, **form: str) -> HttpResponse:
    context = {
        **admin.admin_site.each_context(request),
        "title": visible(name),
        "heading": function.title(name),
        "opts": admin.opts,
        "page": function.page(name, viewer, request.GET.dict(), now(), **form),
    }
    return TemplateResponse(request, TEMPLATE, context)


def _act(admin: ModelAdmin[Execution], request: HttpRequest, name: str, viewer: Viewer) -> HttpResponse:
    action = request.POST.get("action", "")
    if action not in actions.PERMISSIONS:
        raise Http404(_("There is no such action."))
    if not viewer.may(actions.PERMISSIONS[action]):
        raise PermissionDenied
    if registry.get(name) is None:
        admin.message_user(request, _("The function is not in the code any more."), messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())
    return _run(admin, request, name, viewer) if action == actions.RUN else _hold(admin, request, name, action)


def _run(admin: ModelAdmin[Execution], request: HttpRequest, name: str, viewer: Viewer) -> HttpResponse:
    text: str = request.POST.get("arguments", "")
    declared: Any = registry.get(name)
    try:
        execution, is_new = actions.run(declared, text, request.POST.get("wish", ""))
    except actions.NotRun as error:
        return _page(admin, request, name, viewer, arguments=text, error=str(error))
    if is_new:
        admin.log_addition(request, execution, _("Run now"))
        admin.message_user(request, _("It has been enqueued."), messages.SUCCESS)
    return HttpResponseRedirect(viewer.execution(execution.pk) or request.get_full_path())


def _hold(admin: ModelAdmin[Execution], request: HttpRequest, name: str, action: str) -> HttpResponse:
    acts: dict[str, tuple[Callable[[str], None], str, str]] = {
        actions.PAUSE: (actions.pause, _("Paused"), _("It is paused: it accepts work, and begins none.")),
        actions.RESUME: (actions.resume, _("Resumed"), _("It runs again, and what was held too.")),
    }
    act, entry, said = acts[action]
    act(name)
    held: Any = PausedFunction(function=name, paused_at=now())
    admin.log_change(request, held, entry)
    admin.message_user(request, said, messages.SUCCESS)
    return HttpResponseRedirect(request.get_full_path())
