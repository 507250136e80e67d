"""Schedules and the moments at which they were due."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from deferapp.executions.states import State
from deferapp.fields import MomentField
from deferapp.models.execution import Execution

MOST_OF_A_NAME: Final = 150
"""Characters, as Django's users have at the most."""


class CatchUp(models.TextChoices):
    """What becomes of the due moments that passed while nothing was running."""

    LATEST = "latest", _("run the latest")
    ALL = "all", _("run all")
    NONE = "none", _("run none")


class Schedule(models.Model):
    """When a scheduled function runs: as the code declares it, or as a person has overridden it."""

    id = models.BigAutoField(primary_key=True)
    function = models.CharField(_("function"), max_length=200, unique=True)
    declared_frequency = models.CharField(_("frequency in code"), max_length=200)
    frequency = models.CharField(_("frequency"), max_length=200, help_text=_("Standard cron, in UTC."))
    catch_up = models.CharField(_("catch-up"), max_length=6, choices=CatchUp.choices, default=CatchUp.LATEST)
    is_declared = models.BooleanField(
        _("in the code"),
        default=True,
        help_text=_("A schedule whose function is gone from the code does not fire."),
    )
    is_paused = models.BooleanField(_("paused"), default=False)
    edited_at = MomentField(_("edited"), null=True, help_text=_("When a person last changed or paused it."))
    edited_by = models.CharField(
        _("edited by"), max_length=MOST_OF_A_NAME, default="", blank=True, help_text=_("The person's user name.")
    )
    next_due_at = MomentField(_("next run"), null=True, db_index=True)

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        ordering: ClassVar = ["function"]
        permissions: ClassVar = [("pause_schedule", _("Can pause and resume schedules and functions"))]

    def __str__(self) -> str:
        return f"{self.function} ({self.frequency})"

    @property
    def is_active(self) -> bool:
        return self.is_declared and not self.is_paused

    def is_due(self, moment: datetime) -> bool:
        return self.is_active and self.next_due_at is not None and self.next_due_at <= moment

    @property
    def is_overridden(self) -> bool:
        return self.frequency != self.declared_frequency

    def mark_edited(self, by: str, at: datetime) -> None:
        """Note who has changed or paused it: a user name, cut off if it is too long, or "" where it is not known."""
        self.edited_at = at
        self.edited_by = by[:MOST_OF_A_NAME]


class DueMoment(models.Model):
    """A moment at which a schedule was due: it fired, once, or was missed. It outlives its execution."""

    id = models.BigAutoField(primary_key=True)
    schedule = models.ForeignKey(
        Schedule, models.CASCADE, related_name="due_moments", verbose_name=_("schedule"), db_index=False
    )
    due_at = MomentField(_("due"))
    decided_at = MomentField(_("decided"))
    execution = models.ForeignKey(
        Execution,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="due_moments",
        verbose_name=_("execution"),
        help_text=_("None when the moment was missed."),
    )
    ended_as = models.CharField(
        _("ended as"),
        max_length=9,
        choices=State.choices,
        default="",
        blank=True,
        help_text=_("The state of its execution, once that is kept no longer."),
    )

    class Meta:
        verbose_name = _("due moment")
        verbose_name_plural = _("due moments")
        ordering: ClassVar = ["-due_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["schedule", "due_at"], name="deferapp_due_moment_once"),
        ]

    def __str__(self) -> str:
        return f"{self.schedule_id} {self.due_at:%Y-%m-%d %H:%M}Z"


class DeclaredSet(models.Model):
    """The schedules that some code has declared together, and when they last came into effect.

    A worker tells by it whether its own code has been replaced meanwhile.
    """

    id = models.BigAutoField(primary_key=True)
    fingerprint = models.CharField(_("fingerprint"), max_length=32, unique=True)
    declared_at = MomentField(_("came into effect"))

    class Meta:
        verbose_name = _("declared set")
        verbose_name_plural = _("declared sets")

    def __str__(self) -> str:
        return f"{self.fingerprint} {self.declared_at:%Y-%m-%d %H:%M}Z"
