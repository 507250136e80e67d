"""Recording many attempts that have succeeded in one statement, which PostgreSQL can do.

It writes what `Ending.leads_to`, `Ending.attempt` and `tallies.record.entry_of` say of each, from what the execution's
row holds; `tests/unit/executions/test_together.py` compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import connections

from deferapp.executions.endings.ending import Ending
from deferapp.executions.states import State
from deferapp.models import Attempt, EndNote, Execution, TallyEntry, TallyOutcome, ledger

if TYPE_CHECKING:
    from django.db.models import Model


def _table(model: type[Model]) -> str:
    return f'"{model._meta.db_table}"'


_STATEMENT: Final = f"""
WITH ended AS (
    SELECT * FROM unnest(%s::text[]::uuid[], %s::text[]::uuid[], %s::text[]::timestamptz[], %s::text[]::timestamptz[],
        %s::text[])
    AS ended (id, claim, started_at, ended_at, result_json)
), held AS (
    SELECT execution.id FROM {_table(Execution)} AS execution JOIN ended USING (id)
    WHERE execution.claim = ended.claim AND execution.state = '{State.STARTED}'
    ORDER BY execution.id FOR NO KEY UPDATE OF execution
), moved AS (
    UPDATE {_table(Execution)} AS execution
    SET state = '{State.SUCCEEDED}', result_json = ended.result_json, error_code = '', reason = '',
        started_at = ended.started_at, ended_at = ended.ended_at, claim = NULL, worker_id = NULL
    FROM held JOIN ended USING (id) WHERE execution.id = held.id
    RETURNING execution.id, ended.claim, execution.function, execution.attempt, execution.due_at, execution.started_at,
        execution.ended_at
), attempts AS (
    INSERT INTO {_table(Attempt)} (execution_id, number, outcome, counts, worker, due_at, started_at, ended_at,
        error_code, error_type, error_message, traceback, place, error_key)
    SELECT id, attempt, '{Attempt.Outcome.SUCCEEDED}', true, %s, due_at, started_at, ended_at, '', '', '', '', '', ''
    FROM moved
), entries AS (
    INSERT INTO {_table(TallyEntry)} (function, outcome, ended_at, wait, duration, error_key, execution_id, number)
    SELECT function, '{TallyOutcome.SUCCEEDED}', ended_at, greatest(started_at - due_at, interval '0'),
        greatest(ended_at - started_at, interval '0'), '', id, attempt
    FROM moved
), notes AS (
    DELETE FROM {_table(EndNote)} AS note USING moved
    WHERE note.claim = moved.claim AND note.execution_id = moved.id AND note.claim = ANY (%s::text[]::uuid[])
)
SELECT id FROM moved"""


def is_possible() -> bool:
    return connections[ledger()].vendor == "postgresql"


def succeed(endings: Sequence[Ending], worker: str) -> set[UUID]:
    """Record these ends, each unless its execution is held by the claim no more, or is being aborted.

    Returns the ids of the executions of those that were recorded. Their notes go with them.
    """
    # As text, which is quoted many times as fast as what psycopg has to make text of.
    claims = [str(ending.execution.claim) for ending in endings]
    columns: list[list[Any]] = [
        [ending.execution.id.hex for ending in endings],
        claims,
        [str(ending.started_at) for ending in endings],
        [str(ending.ended_at) for ending in endings],
        [ending.result_json for ending in endings],
    ]
    with connections[ledger()].cursor() as cursor:
        cursor.execute(_STATEMENT, [*columns, worker[:300], list(set(claims))])
        return {id for (id,) in cursor.fetchall()}
