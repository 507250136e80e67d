"""Ends of attempts that are noted one by one, to be settled together."""

from __future__ import annotations

from django.db import models

from deferapp.fields import MomentField


class EndNote(models.Model):
    """An attempt that has succeeded and is not settled yet. No page shows it: it lives for milliseconds.

    It holds as long as its claim holds the execution. If the process dies before it settles the attempt, whoever
    recovers for it does so by this.
    """

    id = models.BigAutoField(primary_key=True)
    claim = models.UUIDField(db_index=True)
    execution_id = models.UUIDField()
    started_at = MomentField()
    ended_at = MomentField()
    result_json = models.TextField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.execution_id} {self.ended_at}"
