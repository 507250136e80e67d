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
    WORKERS_SILENT = "workers_silent", _("no worker is running")
    QUEUE_OLD = "queue_old", _("work waits for long")
    SCHEDULE_MISSED = "schedule_missed", _("a schedule did not run")
    FAILURES = "failures", _("executions fail")
    UNDELIVERED = "undelivered", _("mail could not be delivered")


class Alert(models.Model):
    """Something that is wrong, or was until `closed_at`. `deferapp.alerts.life` alone opens and closes them."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(_("kind"), max_length=40, choices=AlertKind.choices)
    subject = models.CharField(_("subject"), max_length=200, blank=True, help_text=_("What of its kind it is about."))
    text = models.TextField(_("text"))
    details = models.JSONField(
        _("details"),
        default=dict,
        help_text=_("What a message about it needs besides: function, parent, ids and so on."),
    )
    count = models.PositiveIntegerField(_("count"), default=1, help_text=_("How often it has happened while open."))
    last_at = MomentField(_("last"), default=now, help_text=_("When it last happened."))
    opened_at = MomentField(_("opened"), default=now, db_index=True)
    closed_at = MomentField(_("works again"), null=True)
    look_at = MomentField(
        _("next look"),
        null=True,
        db_index=True,
        editable=False,
        help_text=_("When something about it may have to be told; none once all has been."),
    )
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


class DeliveryKind(models.TextChoices):
    """What of an alert is told."""

    OPENED = "opened", _("opened")
    UPDATE = "update", _("update")
    REMINDER = "reminder", _("reminder")
    RECOVERED = "recovered", _("recovered")
    DIGEST = "digest", _("digest")


class Delivery(models.Model):
    """One message about an alert, or about several, to one channel: to be sent, or sent, or given up."""

    id = models.BigAutoField(primary_key=True)
    alert = models.ForeignKey(Alert, models.CASCADE, related_name="deliveries", verbose_name=_("alert"))
    channel = models.CharField(_("channel"), max_length=200, help_text=_("Its name in the settings."))
    kind = models.CharField(_("kind"), max_length=9, choices=DeliveryKind.choices)
    count = models.PositiveIntegerField(_("count"), default=1, help_text=_("The alert's when this message was made."))
    created_at = MomentField(_("created"), default=now)
    due_at = MomentField(_("due"), null=True, help_text=_("When it is sent, or tried again; none once that is over."))
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    sent_at = MomentField(_("sent"), null=True)
    error = models.CharField(_("error"), max_length=500, default="", blank=True)
    reference = models.CharField(
        _("reference"), max_length=200, default="", blank=True, help_text=_("By which the channel knows it.")
    )

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [models.Index(fields=["due_at"], name="deferapp_delivery_due")]

    def __str__(self) -> str:
        return f"{self.alert}: {self.get_kind_display()} → {self.channel}"
