"""What a person is told: one row an incident, so that a restart neither repeats nor forgets one."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from deferapp.clock import now
from deferapp.fields import MomentField


class AlertKind(models.TextChoices):
    """What is wrong."""

    BEAT_SILENT = "beat_silent", _("beat is silent")


class Alert(models.Model):
    """Something that is wrong, or was until `closed_at`. `deferapp.alerts.life` alone opens and closes them."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(_("kind"), max_length=40, choices=AlertKind.choices)
    subject = models.CharField(_("subject"), max_length=200, blank=True, help_text=_("What of its kind it is about."))
    text = models.TextField(_("text"))
    opened_at = MomentField(_("opened"), default=now, db_index=True)
    closed_at = MomentField(_("works again"), null=True)
    # Null as often as one likes: MariaDB has no unique constraint with a condition.
    open_key = models.CharField(
        _("key while open"),
        max_length=250,
        null=True,
        unique=True,
        editable=False,
        help_text=_("Kind and subject, so that two workers open one alert; none once it is closed."),
    )

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering: ClassVar = ["-opened_at", "-id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}" if self.subject else self.get_kind_display()

    @property
    def is_open(self) -> bool:
        return self.closed_at is None
