"""The addresses behind a schedule's buttons: each checks on the server who asks, and changes something by POST alone.

What asks for something first is shown before it is done: saving needs what was previewed to be what is sent. Each
change is written together with its entry in Django's log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deferapp.admin.display import minute
from deferapp.admin.schedule_page import page, runs
from deferapp.admin.schedule_page.actions import ACTIONS
from deferapp.admin.schedule_page.forms import FrequencyForm, RangeForm
from deferapp.clock import now
from deferapp.exceptions import ScheduleError
from deferapp.models import Schedule, ledger
from deferapp.schedules import manage
from deferapp.schedules.backfill import MOST, Backfill, backfill, look
from deferapp.visible import visible

if TYPE_CHECKING:
    from deferapp.admin.schedules import ScheduleAdmin

Answer = tuple[str, str]
"""What is told to the person, and what the log says."""


def view(admin: ScheduleAdmin, request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Do the action of this name, or show its page."""
    schedule = admin.get_object(request, str(pk))
    action = ACTIONS[name]
    if not admin.has_view_permission(request, schedule) or not action.is_allowed(request):
        raise PermissionDenied
    if schedule is None:
        return admin._get_obj_does_not_exist_redirect(request, admin.opts, str(pk))  # type: ignore[attr-defined,no-any-return]
    if action.has_page:
        return _PAGES[name](admin, request, schedule)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    return _done(admin, request, schedule, lambda: _AT_ONCE[name](request, schedule))


def _done(admin: ScheduleAdmin, request: HttpRequest, schedule: Schedule, act: Callable[[], Answer]) -> HttpResponse:
    """Act and log in one transaction, tell of it, and lead back to the page of the schedule."""
    try:
        with transaction.atomic(using=ledger()):
            told, logged = act()
            if logged:
                admin.log_change(request, schedule, logged)
    except ScheduleError as error:
        admin.message_user(request, str(error), messages.ERROR)
    else:
        admin.message_user(request, told, messages.SUCCESS if logged else messages.INFO)
    return HttpResponseRedirect(_page_url(admin, schedule))


def _page_url(admin: ScheduleAdmin, schedule: Schedule) -> str:
    return reverse("admin:deferapp_schedule_change", args=[schedule.pk], current_app=admin.admin_site.name)


def _pause(request: HttpRequest, schedule: Schedule) -> Answer:
    if schedule.is_paused:
        return _("It is paused already."), ""
    manage.pause(schedule, by=request.user.get_username())
    return _("Paused: it does not fire until it is resumed."), _("Paused.")


def _resume(request: HttpRequest, schedule: Schedule) -> Answer:
    if not schedule.is_paused:
        return _("It is not paused."), ""
    manage.resume(schedule, by=request.user.get_username())
    return _("Resumed: it fires again from now."), _("Resumed.")


def _reset(request: HttpRequest, schedule: Schedule) -> Answer:
    after = manage.reset(schedule, by=request.user.get_username(), seen=request.POST.get("seen"))
    says = {"frequency": visible(after.frequency), "before": visible(schedule.frequency)}
    logged = _("Reset to the code's frequency %(frequency)s; it was %(before)s.") % says
    return _("Reset: the frequency is the code's, %(frequency)s.") % says, logged


def _run(request: HttpRequest, schedule: Schedule) -> Answer:
    wish = request.POST.get("wish", "")[:100]
    execution = manage.run_now(schedule, by=request.user.get_username(), wish=wish)
    says = {"id": execution.pk}
    return _("It runs as soon as a worker is free: execution %(id)s.") % says, _("Run now: execution %(id)s.") % says


_AT_ONCE: Final = {"pause": _pause, "resume": _resume, "reset": _reset, "run": _run}


def _edit(admin: ScheduleAdmin, request: HttpRequest, schedule: Schedule) -> HttpResponse:
    form = FrequencyForm(request.POST or None, initial={"frequency": schedule.frequency, "seen": schedule.frequency})
    preview = None
    if form.is_valid():
        wanted, seen = form.cleaned_data["frequency"], form.cleaned_data["seen"]
        if "_save" in request.POST and form.cleaned_data["previewed"] == wanted:
            return _done(admin, request, schedule, lambda: _save(request, schedule, wanted, seen))
        preview = {
            "previewed": wanted,
            "words": page.words(wanted),
            "next_runs": runs.coming(wanted, now()),
            "is_declared": wanted == schedule.declared_frequency,
        }
    extra = {"origin": page.origin(schedule), "current_words": page.words(schedule.frequency)}
    return _form_page(admin, request, schedule, "edit", form, preview, extra)


def _save(request: HttpRequest, schedule: Schedule, wanted: str, seen: str) -> Answer:
    manage.edit(schedule, wanted, by=request.user.get_username(), seen=seen)
    says = {"frequency": wanted, "words": page.words(wanted), "before": visible(seen)}
    logged = _("Frequency changed from %(before)s to %(frequency)s.") % says
    return _("Saved: it runs %(words)s, UTC.") % says, logged


def _backfill(admin: ScheduleAdmin, request: HttpRequest, schedule: Schedule) -> HttpResponse:
    form = RangeForm(request.POST or None, initial={"seen": schedule.frequency})
    preview = None
    if form.is_valid():
        begins_at, ends_at = form.cleaned_data["begins_at"], form.cleaned_data["ends_at"]
        if "_save" in request.POST and form.cleaned_data["previewed"] == form.range_text:
            return _done(admin, request, schedule, lambda: _fill(request, schedule, form))
        try:
            preview = _look(look(schedule, begins_at, ends_at), form.range_text)
        except ScheduleError as error:
            form.add_error(None, str(error))
    return _form_page(
        admin, request, schedule, "backfill", form, preview, {"most": number_format(MOST, force_grouping=True)}
    )


def _look(found: Backfill, range_text: str) -> dict[str, Any]:
    return {
        "previewed": range_text,
        "count": len(found.fires),
        "missed": found.missed,
        "already_fired": found.already_fired,
        "first": minute(found.fires[0]) if found.fires else None,
        "last": minute(found.fires[-1]) if found.fires else None,
    }


def _fill(request: HttpRequest, schedule: Schedule, form: RangeForm) -> Answer:
    data = form.cleaned_data
    found = backfill(schedule, data["begins_at"], data["ends_at"], by=request.user.get_username(), seen=data["seen"])
    count = len(found.fires)
    says = {
        "count": count,
        "first": f"{data['begins_at']:%Y-%m-%d %H:%M}",
        "last": f"{data['ends_at']:%Y-%m-%d %H:%M}",
    }
    if not count:
        return _("Nothing fired: all due moments of this range have fired already."), ""
    logged = _("Backfilled %(first)s to %(last)s UTC: %(count)s due moments fired.") % says
    return ngettext("%(count)s due moment has fired.", "%(count)s due moments have fired.", count) % says, logged


_PAGES: Final = {"edit": _edit, "backfill": _backfill}


def _form_page(
    admin: ScheduleAdmin,
    request: HttpRequest,
    schedule: Schedule,
    name: str,
    form: FrequencyForm | RangeForm,
    preview: dict[str, Any] | None,
    extra: dict[str, Any],
) -> HttpResponse:
    request.current_app = admin.admin_site.name
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "media": admin.media,
        "title": ACTIONS[name].label,
        "subtitle": visible(schedule.function),
        "form": form,
        "preview": preview,
        "words": page.words(schedule.frequency),
        "frequency": visible(schedule.frequency),
        "page_url": _page_url(admin, schedule),
        **extra,
    }
    return TemplateResponse(request, f"deferapp/admin/schedule_{name}.html", context)
