"""What runs when a batch has ended."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from deferapp.clock import now
from deferapp.fields import MomentField


class BatchHook(models.Model):
    """A call that is enqueued when all executions of a batch have ended; the row goes when it has been.

    A batch has no row of its own: most are never asked about, and those that are, by their executions.
    """

    id = models.UUIDField(
        primary_key=True, editable=False, help_text=_("The id of the execution that it will be, so that it is one.")
    )
    batch = models.UUIDField(_("batch"), db_index=True)
    witness = models.UUIDField(
        _("witness"), null=True, help_text=_("An execution of the batch that had not ended at the last look.")
    )
    function = models.CharField(_("function"), max_length=200)
    arguments_json = models.TextField(_("arguments"))
    metadata = models.JSONField(_("metadata"), default=dict)
    limit_key = models.CharField(_("limit"), max_length=200, null=True)
    parent = models.UUIDField(_("parent"), null=True)
    created_at = MomentField(_("created"), default=now)

    class Meta:
        verbose_name = _("batch hook")
        verbose_name_plural = _("batch hooks")
        ordering: ClassVar = ["created_at", "id"]

    def __str__(self) -> str:
        return f"{self.function} after {self.batch}"
