"""A table of millions: what does each statement of a worker cost with it, and does any of them scan it?"""

from __future__ import annotations

import json
import time
from typing import Final

import psycopg

from benchmarks.site import site
from tests.processes import Project

FUNCTIONS: Final = 50
CHUNK: Final = 500_000

_ENDED: Final = """
INSERT INTO deferapp_execution (id, function, state, arguments_json, result_json, parent_id, attempt, created_at,
    due_at, started_at, ended_at, metadata, error_code, reason)
SELECT md5(i::text)::uuid, 'shop.defer.function' || i %% {functions},
    CASE WHEN i %% 100 = 0 THEN 'failed' WHEN i %% 101 = 0 THEN 'cancelled' ELSE 'succeeded' END,
    '{{"args": [' || i || ']}}', NULL, md5((i / 500)::text)::uuid, 1, moment, moment, moment, moment, '{{}}', '', ''
FROM (SELECT i, now() - i * interval '1 second' AS moment FROM generate_series(%s::int, %s::int) AS i) AS rows
"""
_ATTEMPTS: Final = """
INSERT INTO deferapp_attempt (execution_id, number, outcome, counts, worker, started_at, ended_at, error_code,
    error_type, error_message, traceback, error_key, place)
SELECT md5(i::text)::uuid, 1, CASE WHEN i %% 100 = 0 THEN 'failed' ELSE 'succeeded' END, true, 'worker 1', now(),
    now(), '', '', '', '', '', ''
FROM generate_series(%s::int, %s::int) AS i
"""


def run(rows: int, backlog: int) -> bool:
    """Time each statement with an empty ledger and with a full one. True if none scans the executions."""
    with site(CELERY_BROKER_URL="memory://", DEFER={"RETENTION": "3650d"}) as project:
        empty = _measured(project)
        _fill(project, rows, backlog)
        full = _measured(project)
    print(f"{'':24}{'empty':>10}{f'{rows:,} rows':>18}")
    for name, before in empty.items():
        after = full[name]
        print(f"{name:24}{before['ms']:7.1f} ms{after['ms']:15.1f} ms  {'; '.join(after['scans'])}")
    return not any(each["scans"] for each in full.values())


def _measured(project: Project) -> dict[str, dict[str, object]]:
    measured: dict[str, dict[str, object]] = json.loads(
        project.python("from benchmarks import statements\nstatements.main()")
    )
    return measured


def _fill(project: Project, rows: int, backlog: int) -> None:
    """Executions that have ended, one a second into the past; and some that wait and need not be published again."""
    began = time.monotonic()
    for first in range(1, rows + 1, CHUNK):
        last = min(first + CHUNK - 1, rows)
        _execute(project, _ENDED.format(functions=FUNCTIONS), first, last)
        _execute(project, _ATTEMPTS, first, last)
    project.python(f"from benchmarks.work.defer.line import line\nline.map(range({backlog}))")
    _execute(project, "UPDATE deferapp_execution SET dispatch_at = now() + interval '1 day' WHERE state = 'created'")
    _execute(project, "VACUUM ANALYZE")
    print(f"filled in {time.monotonic() - began:,.0f} s", flush=True)


def _execute(project: Project, statement: str, *values: int) -> None:
    with psycopg.connect(project.database_url, autocommit=True) as connection:
        connection.execute(statement, values or None)
