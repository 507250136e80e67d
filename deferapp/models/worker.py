"""The processes that run executions, which of them keeps house, and what they heard of beat."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from deferapp.fields import MomentField


class Worker(models.Model):
    """A process of a Celery worker: the worker itself, or a child of its pool.

    `host` is a machine (or container) whose process list is one; `process` and `supervisor` are processes of it, as
    `<pid>:<start time>`, since a pid alone is used again. A pool child's supervisor is the worker that forked it; it
    beats for its children.
    """

    id = models.BigAutoField(primary_key=True)
    node = models.CharField(_("node"), max_length=200)
    host = models.CharField(_("host"), max_length=200)
    process = models.CharField(_("process"), max_length=40)
    supervisor = models.CharField(_("supervisor"), max_length=40)
    pool = models.CharField(_("pool"), max_length=40, default="", blank=True)
    started_at = MomentField(_("started"))
    heartbeat_at = MomentField(_("last heartbeat"))
    slots = models.PositiveIntegerField(
        _("slots"), null=True, help_text=_("Messages that it works on at once; null until it says so.")
    )
    queues = models.JSONField(
        _("queues"), null=True, help_text=_("That it reads; none when it has been told to end, null until it says so.")
    )
    broker = models.CharField(
        _("broker"), max_length=200, default="", blank=True, help_text=_("Without user and password.")
    )
    clock_offset = models.DurationField(
        _("clock"), null=True, help_text=_("How far its machine's clock is ahead of the database's.")
    )

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        ordering: ClassVar = ["node", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["host", "process"], name="deferapp_worker_once"),
        ]

    def __str__(self) -> str:
        return f"{self.node} {self.pid}"

    @property
    def pid(self) -> int:
        """On its host, and only for as long as the process lives."""
        return int(self.process.partition(":")[0])


class Housekeeping(models.Model):
    """One row: the worker that keeps house until its lease ends, and when beat rang. All by the database's clock."""

    id = models.SmallAutoField(primary_key=True)
    worker = models.ForeignKey(
        Worker, models.DO_NOTHING, null=True, db_constraint=False, related_name="+", verbose_name=_("worker")
    )
    lease_until = MomentField(_("lease until"))
    rung_at = MomentField(_("beat rang"), null=True)
    ring_owed_since = MomentField(
        _("ring owed since"), null=True, help_text=_("When a schedule first fired that beat has not rung for.")
    )

    class Meta:
        verbose_name = _("housekeeping")
        verbose_name_plural = _("housekeeping")

    def __str__(self) -> str:
        return f"{self.worker_id} until {self.lease_until}"
