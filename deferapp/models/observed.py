"""Failures of the project's own Celery tasks: the latest of each, since the ledger keeps nothing of those."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from deferapp.fields import MomentField


class ObservedFailure(models.Model):
    """A run of an observed Celery task that failed. Its end is counted as that of an attempt is."""

    id = models.BigAutoField(primary_key=True)
    function = models.CharField(_("task"), max_length=200, help_text=_("The task's name, after `celery:`."))
    task_id = models.CharField(_("task id"), max_length=255)
    run = models.UUIDField(_("run"), help_text=_("The task's id, as tallies and groups of errors know it."))
    number = models.PositiveSmallIntegerField(_("number"), default=1)
    is_retried = models.BooleanField(_("retried"), default=False)
    worker = models.CharField(_("worker"), max_length=300, default="", blank=True)
    enqueued_by = models.CharField(
        _("enqueued by"), max_length=300, default="", blank=True, help_text=_("An execution's id, or a process.")
    )
    started_at = MomentField(_("started"), null=True)
    ended_at = MomentField(_("ended"))
    error_code = models.CharField(_("error code"), max_length=6, default="", blank=True)
    error_type = models.CharField(_("error type"), max_length=200, default="", blank=True)
    error_message = models.TextField(_("error message"), default="", blank=True)
    traceback = models.TextField(_("traceback"), default="", blank=True)
    place = models.CharField(_("place"), max_length=300, default="", blank=True)
    error_key = models.CharField(_("error group"), max_length=16, default="", blank=True)

    class Meta:
        verbose_name = _("failure of an observed task")
        verbose_name_plural = _("failures of observed tasks")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["function", "id"], name="deferapp_observed_function")]

    def __str__(self) -> str:
        return f"{self.function} {self.task_id} #{self.number}"
