"""Beat's periodic tasks in the admin, guarded: what changes or runs them is offered to who may, and to nobody else.

django-celery-beat's own list lets staff who may only view it enable, disable and run tasks. A project that has an admin
of its own for `PeriodicTask` keeps it: give it `GuardedPeriodicTasks` as its first base, and it is guarded too.

Rows that belong to a schedule of deferapp say so and lead to it. Of them one may edit here what is read as an override,
frequency and "enabled"; the rest would be put back. Who did it is remembered by the schedule, which is locked before
beat's row is: in the order in which workers lock them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_celery_beat.admin import PeriodicTaskAdmin
from django_celery_beat.models import PeriodicTask

from deferapp.cron import parse
from deferapp.exceptions import InvalidFrequency, ScheduleError
from deferapp.models import Schedule, ledger
from deferapp.schedules import TICK, beat, manage
from deferapp.visible import visible

if TYPE_CHECKING:
    from django_celery_beat.admin import PeriodicTaskAdmin as _PeriodicTaskAdmin
else:
    _PeriodicTaskAdmin = object


class OurRowForm(forms.ModelForm):  # type: ignore[type-arg]
    """What may be edited of a row that belongs to a schedule."""

    class Meta:
        model = PeriodicTask
        fields: ClassVar = ["enabled", "crontab"]

    def clean_crontab(self) -> Any:
        """What workers could not read, they would put back."""
        crontab = self.cleaned_data["crontab"]
        if crontab is None or str(crontab.timezone) != "UTC":
            raise ValidationError(_("Schedules are crontabs in the time zone UTC."))
        columns = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
        try:
            parse(" ".join(getattr(crontab, name) for name in columns))
        except InvalidFrequency as error:
            raise ValidationError(error.told(gettext)) from error
        return crontab


class GuardedPeriodicTasks(_PeriodicTaskAdmin):  # type: ignore[misc]
    """The guard: to be the first base of an admin of `PeriodicTask` that has beat's own further on."""

    def has_run_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("deferapp.run_execution"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The second row of a schedule follows the first."""
        schedule = _owner(obj)
        is_second = schedule is not None and obj.name == beat.names(schedule.function)[1]
        return not is_second and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It would be put back, unless its function is gone from the code."""
        schedule = _owner(obj)
        is_in_use = schedule is not None and schedule.is_declared
        return not is_in_use and bool(super().has_delete_permission(request, obj))

    @admin.action(description=_("Enable selected tasks"), permissions=["change"])
    def enable_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        others = self._act_on_ours(request, queryset, _resume)
        if others.exists():
            super().enable_tasks(request, others)

    @admin.action(description=_("Disable selected tasks"), permissions=["change"])
    def disable_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        others = self._act_on_ours(request, queryset, _pause)
        if others.exists():
            super().disable_tasks(request, others)

    @admin.action(description=_("Toggle activity of selected tasks"), permissions=["change"])
    def toggle_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        others = self._act_on_ours(request, queryset, _toggle)
        if others.exists():
            super().toggle_tasks(request, others)

    @admin.action(description=_("Run selected tasks"), permissions=["run"])
    def run_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Those of schedules run their function; by itself such a row only rings."""
        others = self._act_on_ours(request, queryset, _run)
        if others.exists():
            super().run_tasks(request, others)

    def _act_on_ours(
        self, request: HttpRequest, queryset: QuerySet[Any], act: Callable[[Schedule, str], str]
    ) -> QuerySet[Any]:
        """Act on the schedules whose rows are among these, and give the other rows."""
        ours = {task.pk: schedule for task in queryset.filter(task=TICK) if (schedule := beat.owner(task.name))}
        for schedule in {each.pk: each for each in ours.values()}.values():
            try:
                with transaction.atomic(using=ledger()):
                    done = act(schedule, request.user.get_username())
                    self.log_change(request, schedule, done)
            except ScheduleError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.message_user(request, f"{visible(schedule.function)}: {done}")
        return queryset.exclude(pk__in=list(ours))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if _owner(obj) is None:
            return super().get_fieldsets(request, obj)
        return [(None, {"fields": ("belongs_to", "name", "enabled", "crontab", "last_run_at")})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if _owner(obj) is None:
            return super().get_readonly_fields(request, obj)
        return ("belongs_to", "name", "last_run_at")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        ours = {"form": OurRowForm} if _owner(obj) is not None else {}
        return super().get_form(request, obj, change, **ours, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        schedule = _owner(obj)
        if schedule is None or not schedule.is_declared:
            super().save_model(request, obj, form, change)
            return
        by = request.user.get_username()
        with manage.edited_in_beat(schedule, by=by, is_pause=not obj.enabled) as (before, after):
            super().save_model(request, obj, form, change)
        if (before.frequency, before.is_paused) != (after.frequency, after.is_paused):
            self.log_change(request, after, _edit_in_words(after))

    @admin.display(description=_("belongs to"))
    def belongs_to(self, task: Any) -> SafeString | str:
        """What the row is, in words, with the way to the schedule's page."""
        schedule = _owner(task)
        if schedule is None:
            return ""
        words = gettext(
            "It rings for a schedule of deferapp, by whose page it is better edited. A frequency or a pause that is "
            "saved here is taken over; name, task and arguments are deferapp's."
        )
        try:
            url = reverse("admin:deferapp_schedule_change", args=[schedule.pk], current_app=self.admin_site.name)
        except NoReverseMatch:
            return words
        return format_html('<a href="{}">{}</a><br>{}', url, visible(schedule.function), words)


class GuardedPeriodicTaskAdmin(GuardedPeriodicTasks, PeriodicTaskAdmin):  # type: ignore[misc]
    """Beat's own admin, guarded."""


def guard(site: admin.AdminSite) -> None:
    """Put the guarded admin into the place of beat's own. One that the project has registered stays."""
    if site.is_registered(PeriodicTask) and type(site.get_model_admin(PeriodicTask)) is PeriodicTaskAdmin:
        site.unregister(PeriodicTask)
        site.register(PeriodicTask, GuardedPeriodicTaskAdmin)


def _owner(task: Any) -> Schedule | None:
    """The schedule that a row belongs to, by the name that the ledger knows; looked up once."""
    if task is None or not task.pk:
        return None
    if not hasattr(task, "deferapp_owner"):
        task.deferapp_owner = beat.owner(task.name)
    owner: Schedule | None = task.deferapp_owner
    return owner


def _pause(schedule: Schedule, by: str) -> str:
    manage.pause(schedule, by=by)
    return gettext("Paused.")


def _resume(schedule: Schedule, by: str) -> str:
    manage.resume(schedule, by=by)
    return gettext("Resumed.")


def _toggle(schedule: Schedule, by: str) -> str:
    return _resume(schedule, by) if schedule.is_paused else _pause(schedule, by)


def _run(schedule: Schedule, by: str) -> str:
    return gettext("Run now: execution %(id)s.") % {"id": manage.run_now(schedule, by=by).pk}


def _edit_in_words(schedule: Schedule) -> str:
    says = {"frequency": schedule.frequency}
    if schedule.is_paused:
        return gettext("Edited in beat's periodic task: %(frequency)s, paused.") % says
    return gettext("Edited in beat's periodic task: %(frequency)s.") % says
