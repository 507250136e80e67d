"""The roll-up that charts are drawn from, so that no page counts the executions.

Whoever records an end writes a `TallyEntry` in the same transaction; the worker that keeps house folds entries into
tallies and takes them away, in one transaction. So each end is counted once, whoever is killed.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from deferapp.fields import MomentField


class TallyOutcome(models.TextChoices):
    """What is counted: the end of an attempt, or of an execution that never had one."""

    SUCCEEDED = "succeeded", _("succeeded")
    RETRIED = "retried", _("retried")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")
    DISCARDED = "discarded", _("discarded")


class TallyEntry(models.Model):
    """One end that has not been counted yet."""

    id = models.BigAutoField(primary_key=True)
    function = models.CharField(_("function"), max_length=200)
    outcome = models.CharField(_("outcome"), max_length=9, choices=TallyOutcome.choices)
    ended_at = MomentField(_("ended"))
    wait = models.DurationField(_("wait"), null=True, help_text=_("From due to start."))
    duration = models.DurationField(_("duration"), null=True)
    error_key = models.CharField(_("error group"), max_length=16, default="")
    execution_id = models.UUIDField(_("execution"))
    number = models.PositiveSmallIntegerField(_("attempt"), default=0, help_text=_("0 if it is the end of none."))

    class Meta:
        verbose_name = _("tally entry")
        verbose_name_plural = _("tally entries")

    def __str__(self) -> str:
        return f"{self.function} {self.outcome}"


class Span(models.TextChoices):
    """How long the time is that a tally counts, from its `begins_at`; in UTC."""

    MINUTE = "minute", _("minute")
    HOUR = "hour", _("hour")
    SIX_HOURS = "6hours", _("six hours")
    DAY = "day", _("day")
    EVER = "ever", _("ever")


class Tally(models.Model):
    """How many attempts of a function ended so in a span of time, and how long they waited and took.

    What has no function is of all functions together, also of all groups of errors. What is of the span `EVER` only
    grows, from when it was first counted, and tells groups of errors not apart. `waits` and `durations` are
    histograms: from the number of a bucket, as text, to a count. See `deferapp.tallies.histogram` for the buckets.
    """

    id = models.BigAutoField(primary_key=True)
    span = models.CharField(_("span"), max_length=6, choices=Span.choices)
    begins_at = MomentField(_("from"))
    function = models.CharField(_("function"), max_length=200)
    outcome = models.CharField(_("outcome"), max_length=9, choices=TallyOutcome.choices)
    error_key = models.CharField(_("error group"), max_length=16, default="")
    count = models.PositiveBigIntegerField(_("count"), default=0)
    waits = models.JSONField(_("waits"), default=dict)
    durations = models.JSONField(_("durations"), default=dict)

    class Meta:
        verbose_name = _("tally")
        verbose_name_plural = _("tallies")
        ordering: ClassVar = ["span", "begins_at", "function"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["span", "begins_at", "function", "outcome", "error_key"], name="deferapp_tally_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["span", "function", "begins_at"], name="deferapp_tally_function"),
        ]

    def __str__(self) -> str:
        return f"{self.function} {self.outcome} {self.begins_at:%Y-%m-%d %H:%M}Z/{self.span}"


class ErrorGroup(models.Model):
    """Failures that are one to a person: of one function, with one type of error, from one place in the code."""

    key = models.CharField(_("key"), max_length=16, primary_key=True)
    function = models.CharField(_("function"), max_length=200)
    error_type = models.CharField(_("error type"), max_length=200, blank=True)
    place = models.CharField(
        _("place"),
        max_length=300,
        blank=True,
        help_text=_("Module and function of the innermost frame of the project."),
    )
    message = models.CharField(
        _("message"), max_length=500, blank=True, help_text=_("Of the last one, its first line.")
    )
    first_at = MomentField(_("first"))
    last_at = MomentField(_("last"))
    last_execution_id = models.UUIDField(_("last execution"), null=True)

    class Meta:
        verbose_name = _("error")
        verbose_name_plural = _("errors")
        ordering: ClassVar = ["-last_at"]
        indexes: ClassVar = [
            models.Index(fields=["last_at"], name="deferapp_error_last"),
        ]

    def __str__(self) -> str:
        return f"{self.error_type} in {self.place or self.function}"


class Fold(models.Model):
    """One row: who has it locked alone writes tallies."""

    id = models.SmallAutoField(primary_key=True)
    folded_at = MomentField(_("folded"))

    class Meta:
        verbose_name = _("fold")
        verbose_name_plural = _("folds")

    def __str__(self) -> str:
        return f"{self.folded_at:%Y-%m-%d %H:%M}Z"


class DeployMark(models.Model):
    """A moment worth seeing in charts: that a release was deployed. Made by `manage.py defer mark LABEL`."""

    id = models.BigAutoField(primary_key=True)
    label = models.CharField(_("label"), max_length=100)
    marked_at = MomentField(_("at"), db_index=True)

    class Meta:
        verbose_name = _("deploy mark")
        verbose_name_plural = _("deploy marks")
        ordering: ClassVar = ["-marked_at"]

    def __str__(self) -> str:
        return self.label
