"""Noting that an attempt has succeeded, before it is settled together with others.

A note costs a fraction of settling: one row in a narrow table, without a wait for the disk. So a process can begin the
next body at once, and if it is killed then, `workers.recover` knows of all bodies but the one it was in. Honest limit:
if the database crashes as well, in the tenths of a second before its next write to the disk, the notes of that moment
are gone with it. PostgreSQL alone is noted in; elsewhere each attempt is settled before the next begins.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import connections
from django.db.models import Exists, OuterRef

from deferapp.executions.endings.ending import Ending
from deferapp.models import EndNote, Execution, ledger

if TYPE_CHECKING:
    from django.db.models import QuerySet

_STATEMENT: Final = (
    f'INSERT INTO "{EndNote._meta.db_table}" (claim, execution_id, started_at, ended_at, result_json) '
    f'SELECT claim, id, %s::timestamptz, %s::timestamptz, %s::text FROM "{Execution._meta.db_table}" '
    "WHERE id = %s AND claim = %s RETURNING set_config('synchronous_commit', 'off', true)"
)


def can_be_taken() -> bool:
    """Whether the ledger's database is one that notes are cheap in, and visible to others when they are taken."""
    connection = connections[ledger()]
    return connection.vendor == "postgresql" and not connection.in_atomic_block


def take(ending: Ending) -> bool:
    """Note that this attempt has succeeded; False if its claim holds the execution no more."""
    execution = ending.execution
    # As text, which is quoted many times as fast as what psycopg has to make text of.
    ids, moments = (execution.id.hex, str(execution.claim)), (ending.started_at, ending.ended_at)
    with connections[ledger()].cursor() as cursor:
        cursor.execute(_STATEMENT, (*map(str, moments), ending.result_json, *ids))
        return bool(cursor.rowcount)


def of(claims: Collection[UUID | None]) -> dict[tuple[UUID | None, UUID], EndNote]:
    """What is noted of attempts made under these claims, by claim and execution."""
    return {(note.claim, note.execution_id): note for note in _notes().filter(claim__in=[*filter(None, claims)])}


def as_ending(note: EndNote, execution: Execution) -> Ending:
    """The end that was noted."""
    return Ending(execution=execution, started_at=note.started_at, ended_at=note.ended_at, result_json=note.result_json)


def prune() -> None:
    """Take away notes that hold no more: those of a process that was frozen, or of what has been aborted."""
    held = Execution.objects.using(ledger()).filter(id=OuterRef("execution_id"), claim=OuterRef("claim"))
    _notes().filter(~Exists(held)).delete()


def _notes() -> QuerySet[EndNote]:
    return EndNote.objects.using(ledger())
