"""What a person does to all executions that match: a row, so that it is carried on whoever dies."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from deferapp.clock import now
from deferapp.executions.ids import new_id
from deferapp.fields import MomentField


class BulkAction(models.TextChoices):
    """What is done to each."""

    RETRY = "retry", _("retry")
    CANCEL = "cancel", _("cancel")
    ABORT = "abort", _("abort")


class BulkChange(models.Model):
    """One action for all executions that match its filters, which were there when it was asked for.

    Who asked was allowed to then. Housekeeping carries it out, a chunk in a transaction, `place` being how far it is.
    """

    id = models.UUIDField(
        primary_key=True, default=new_id, editable=False, help_text=_("The form's, so that it is asked for once.")
    )
    action = models.CharField(_("action"), max_length=6, choices=BulkAction.choices)
    filters = models.JSONField(_("filters"), default=dict, help_text=_("The parameters of the list."))
    created_at = MomentField(_("created"), default=now)
    created_by = models.CharField(
        _("created by"), max_length=150, default="", blank=True, help_text=_("The person's user name.")
    )
    matched = models.PositiveIntegerField(_("matched"), help_text=_("How many there were, counted up to a limit."))
    looked_at = models.PositiveIntegerField(_("looked at"), default=0)
    done = models.PositiveIntegerField(_("done"), default=0, help_text=_("Others had moved on by themselves."))
    place = models.CharField(_("place"), max_length=200, default="", editable=False)
    ended_at = MomentField(_("ended"), null=True)

    class Meta:
        verbose_name = _("bulk change")
        verbose_name_plural = _("bulk changes")
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.id}"
