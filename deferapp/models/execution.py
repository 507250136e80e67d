"""Executions and their attempts.

References between the tables carry no database constraint: a fan-out inserts rows by the thousand, and retention
may remove a parent before its children: read such a `parent` by `select_related`, which gives None when it is gone.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.db.models.base import ModelState
from django.utils.translation import gettext_lazy as _

from deferapp.clock import ordered_now
from deferapp.executions.handle import Handle
from deferapp.executions.ids import new_id
from deferapp.executions.states import ErrorCode, State
from deferapp.fields import MomentField
from deferapp.models.queries import ExecutionManager

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime
    from uuid import UUID


class Execution(Handle, models.Model):
    """One call of a background function, from its enqueue to its end."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    function = models.CharField(_("function"), max_length=200)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.CREATED)
    arguments_json = models.TextField(_("arguments"), default="{}")
    result_json = models.TextField(_("result"), null=True, editable=False)
    parent = models.ForeignKey(
        "self",
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="children",
        verbose_name=_("parent"),
    )
    attempt = models.PositiveSmallIntegerField(
        _("attempt"), default=0, help_text=_("How many attempts have been claimed.")
    )
    created_at = MomentField(_("created"), default=ordered_now)
    due_at = MomentField(_("due"), help_text=_("It does not start before."))
    dispatch_at = MomentField(
        _("next dispatch"),
        null=True,
        help_text=_("When housekeeping publishes it, unless it has been claimed by then."),
    )
    discard_at = MomentField(_("discard"), null=True, help_text=_("It does not start after; it is discarded then."))
    started_at = MomentField(_("started"), null=True)
    ended_at = MomentField(_("ended"), null=True)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    limit_key = models.CharField(
        _("limit"), max_length=200, null=True, help_text=_("Executions that share it share a limit of concurrency.")
    )
    batch = models.UUIDField(_("batch"), null=True, editable=False, help_text=_("Of the map that enqueued it."))
    rerun_of = models.ForeignKey(
        "self",
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="reruns",
        verbose_name=_("re-run of"),
    )
    claim = models.UUIDField(_("claim"), null=True, editable=False)
    worker = models.ForeignKey(
        "deferapp.Worker",
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="executions",
        verbose_name=_("worker"),
    )
    error_code = models.CharField(_("error code"), max_length=6, choices=ErrorCode.choices, default="", blank=True)
    reason = models.CharField(_("reason"), max_length=500, default="", blank=True)

    objects = ExecutionManager()

    class Meta:
        verbose_name = _("execution")
        verbose_name_plural = _("executions")
        ordering: ClassVar = ["-created_at", "-id"]
        permissions: ClassVar = [
            ("view_execution_values", _("Can view the arguments, results and logs of executions")),
            ("run_execution", _("Can run functions")),
            ("retry_execution", _("Can retry executions")),
            ("cancel_execution", _("Can cancel executions")),
        ]
        indexes: ClassVar = [
            models.Index(fields=["created_at", "id"], name="deferapp_exec_created"),
            models.Index(fields=["state", "created_at"], name="deferapp_exec_state"),
            models.Index(fields=["function", "created_at"], name="deferapp_exec_function"),
            models.Index(fields=["parent", "created_at"], name="deferapp_exec_parent"),
            models.Index(fields=["function", "dispatch_at"], name="deferapp_exec_dispatch"),
            # What is conditional here is left out where that cannot be (MariaDB), and found more slowly.
            models.Index(
                fields=["dispatch_at"],
                name="deferapp_exec_unpublished",
                condition=models.Q(state=State.CREATED, dispatch_at=models.F("due_at")),
            ),
            models.Index(
                fields=["batch", "state"], name="deferapp_exec_batch", condition=models.Q(batch__isnull=False)
            ),
            # For the list of a large batch of long ago, which PostgreSQL would look for among all.
            models.Index(
                fields=["batch", "created_at"],
                name="deferapp_exec_batch_created",
                condition=models.Q(batch__isnull=False),
            ),
            models.Index(
                fields=["discard_at"],
                name="deferapp_exec_discard",
                condition=models.Q(state=State.CREATED, discard_at__isnull=False),
            ),
            models.Index(
                fields=["function", "created_at"], name="deferapp_exec_waiting", condition=models.Q(state=State.CREATED)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.function} {self.id}"

    @classmethod
    def new(cls, *, id: UUID, created_at: datetime, metadata: dict[str, Any], **values: Any) -> Self:
        """As `Execution(…)`, by names of attributes, in a tenth of its time: a copy of one that has all defaults.

        As by `copy.copy`, no signals of Django are sent.
        """
        execution = cls.__new__(cls)
        values.update(id=id, created_at=created_at, metadata=metadata, _state=ModelState())
        execution.__dict__ = {**_defaults(cls), **values}
        return execution


@cache
def _defaults(model: type[Execution]) -> dict[str, Any]:
    return {field.attname: field.get_default() for field in model._meta.concrete_fields}


if TYPE_CHECKING:

    class Enqueued(Execution):
        """What calling a function gives: the execution, to be awaited first in async code."""

        class Meta:
            abstract = True

        def __await__(self) -> Generator[Any, None, Execution]: ...


class Attempt(models.Model):
    """One attempt that has ended. The one that runs is told by its execution's `attempt`, `started_at` and `worker`."""

    class Outcome(models.TextChoices):
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        ABORTED = "aborted", _("aborted")

    id = models.BigAutoField(primary_key=True)
    execution = models.ForeignKey(
        Execution,
        models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="attempts",
        verbose_name=_("execution"),
    )
    number = models.PositiveSmallIntegerField(_("number"))
    outcome = models.CharField(_("outcome"), max_length=9, choices=Outcome.choices)
    counts = models.BooleanField(
        _("counts"), default=True, help_text=_("Not if a server had said when to come back: see the policy of retries.")
    )
    worker = models.CharField(_("worker"), max_length=300, default="", blank=True)
    due_at = MomentField(_("due"), null=True, help_text=_("Since when it could have started."))
    started_at = MomentField(_("started"))
    ended_at = MomentField(_("ended"))
    retry_at = MomentField(_("next attempt"), null=True)
    error_code = models.CharField(_("error code"), max_length=6, choices=ErrorCode.choices, default="", blank=True)
    error_type = models.CharField(_("error type"), max_length=200, default="", blank=True)
    error_message = models.TextField(_("error message"), default="", blank=True)
    traceback = models.TextField(_("traceback"), default="", blank=True)
    place = models.CharField(
        _("place"),
        max_length=300,
        default="",
        blank=True,
        help_text=_("Module and function of the innermost frame of the project."),
    )
    error_key = models.CharField(
        _("error group"), max_length=16, default="", blank=True, help_text=_("That of the same errors: `ErrorGroup`.")
    )

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering: ClassVar = ["execution", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["execution", "number"], name="deferapp_attempt_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["error_key", "ended_at"], name="deferapp_attempt_error", condition=~models.Q(error_key="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.execution_id} #{self.number}"


class AttemptLog(models.Model):
    """What the function logged in one attempt, also in one that runs, or was lost.

    Bounded: 500 lines and 64 KiB an attempt, the first and the last ones; `dropped` counts those in between, where
    `lines` has a None. Redacted. See `deferapp.executions.logs`.
    """

    id = models.BigAutoField(primary_key=True)
    execution = models.ForeignKey(
        Execution,
        models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="logs",
        verbose_name=_("execution"),
    )
    number = models.PositiveSmallIntegerField(_("attempt"))
    lines = models.JSONField(_("lines"), default=list, help_text=_("Each is a moment, a level, a logger and a text."))
    dropped = models.PositiveIntegerField(_("dropped lines"), default=0)

    class Meta:
        verbose_name = _("log of an attempt")
        verbose_name_plural = _("logs of attempts")
        ordering: ClassVar = ["execution", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["execution", "number"], name="deferapp_attempt_log_once"),
        ]

    def __str__(self) -> str:
        return f"{self.execution_id} #{self.number}"
