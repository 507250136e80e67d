"""What people decided about a function besides its schedule, and the lock that its limit is counted under."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from deferapp.fields import MomentField


class PausedFunction(models.Model):
    """A function that accepts work and holds it."""

    function = models.CharField(_("function"), max_length=200, primary_key=True)
    paused_at = MomentField(_("paused"))

    class Meta:
        verbose_name = _("paused function")
        verbose_name_plural = _("paused functions")
        ordering: ClassVar = ["function"]

    def __str__(self) -> str:
        return self.function


class Limit(models.Model):
    """A limit of concurrency: its row is locked while what runs under it is counted and more is claimed."""

    key = models.CharField(_("key"), max_length=200, primary_key=True)

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        ordering: ClassVar = ["key"]

    def __str__(self) -> str:
        return self.key
