"""How long does each page take with millions of executions, and how much does it ask the database for?"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.page_site import kept, rename
from benchmarks.site import site
from tests.leases import ROOT, migrate
from tests.processes import Project

FUNCTIONS: Final = 30
DAYS: Final = 30
CHUNK: Final = 250_000
FAN_OUT: Final = 200
"""Children of a parent; of 500 executions one is a parent."""

# Who waits, takes long, fails or is retried is drawn by hashes of the number, so that every run has the same.
# The oldest tenth of the children are one large batch; of the others those of a parent are.
_EXECUTIONS: Final = """
INSERT INTO deferapp_execution (id, function, state, arguments_json, result_json, parent_id, attempt, created_at,
    due_at, started_at, ended_at, metadata, batch, error_code, reason)
SELECT md5(i::text)::uuid, function, state, '{"args": [' || i || ']}', CASE state WHEN 'succeeded' THEN '1' END,
    CASE WHEN i %% 500 BETWEEN 1 AND %(fan_out)s THEN md5((i / 500 * 500)::text)::uuid END, attempt, created_at,
    created_at + (attempt - 1) * interval '30 s', started_at, CASE WHEN i > 300 THEN started_at + duration END,
    jsonb_build_object('tenant', 't' || i %% 50),
    CASE WHEN i %% 500 BETWEEN 1 AND %(fan_out)s THEN CASE WHEN i BETWEEN %(old)s * 0.9 AND %(old)s THEN
        md5('old')::uuid ELSE md5('batch' || i / 500)::uuid END END,
    CASE state WHEN 'failed' THEN 'ER0003' ELSE '' END, ''
FROM (
    SELECT i, state, duration, now() - i * interval '1 s' * %(spacing)s AS created_at,
        CASE state WHEN 'failed' THEN 3 WHEN 'succeeded' THEN 1 + (chance < 40)::int ELSE 0 END AS attempt,
        now() - i * interval '1 s' * %(spacing)s + wait
            + interval '30 s' * CASE state WHEN 'failed' THEN 2 ELSE (chance < 40)::int END AS started_at,
        (%(functions)s::text[])[1 + CASE WHEN i %% 500 = 0 THEN 0 WHEN i %% 500 <= %(fan_out)s THEN 1
            ELSE 2 + i %% (cardinality(%(functions)s::text[]) - 2) END] AS function
    FROM (
        SELECT i, (hashint4(i) & 2147483647) %% 1000 AS chance,
            interval '20 s' * pow((hashint4(i + 7) & 1023) / 1024.0, 3) AS wait,
            interval '20 ms' + interval '40 s' * pow((hashint4(i + 13) & 1023) / 1024.0, 4) AS duration,
            CASE WHEN i <= 300 THEN 'created' WHEN (hashint4(i) & 2147483647) %% 1000 < 20 THEN 'failed'
                WHEN (hashint4(i) & 2147483647) %% 1000 > 992 THEN 'cancelled'
                WHEN (hashint4(i) & 2147483647) %% 1000 > 988 THEN 'discarded' ELSE 'succeeded' END AS state
        FROM generate_series(%(first)s::int, %(last)s::int) AS i
    ) AS drawn
) AS rows
"""
_ATTEMPTS: Final = """
INSERT INTO deferapp_attempt (execution_id, number, outcome, counts, worker, due_at, started_at, ended_at, retry_at,
    error_code, error_type, error_message, traceback, place, error_key)
SELECT id, number, CASE WHEN succeeds THEN 'succeeded' ELSE 'failed' END, true, 'worker1@host 1',
    created_at + (number - 1) * interval '30 s', started_at - (attempt - number) * interval '30 s',
    ended_at - (attempt - number) * interval '30 s',
    CASE WHEN number < attempt THEN created_at + number * interval '30 s' END,
    CASE WHEN succeeds THEN '' ELSE 'ER0003' END, error, CASE WHEN succeeds THEN '' ELSE 'The address is no good' END,
    CASE WHEN succeeds THEN '' ELSE repeat(E'  File "/srv/shop/mail.py", line 7, in send\\n    send(mail)\\n', 20) END,
    CASE WHEN succeeds THEN '' ELSE 'shop.mail:send' END,
    CASE WHEN succeeds THEN '' ELSE substr(md5(function || error), 1, 16) END
FROM (
    SELECT *, CASE WHEN succeeds THEN '' ELSE (array['ValueError', 'KeyError', 'smtplib.SMTPDataError'])
        [1 + (hashint4(number + extract(minute FROM created_at)::int) & 1023) %% 3] END AS error
    FROM (
        SELECT *, number = attempt AND state = 'succeeded' AS succeeds
        FROM deferapp_execution, generate_series(1, attempt) AS number WHERE ended_at IS NOT NULL
    ) AS numbered
) AS failing
"""
_DUE_MOMENTS: Final = """
INSERT INTO deferapp_duemoment (schedule_id, due_at, decided_at, execution_id)
SELECT (SELECT min(id) FROM deferapp_schedule), moment, moment,
    CASE WHEN n %% 50 > 0 THEN md5((500 * n)::text)::uuid END
FROM (SELECT n, date_trunc('hour', now()) - n * interval '1 hour' AS moment FROM generate_series(1, 90 * 24) AS n) AS m
"""

_OF_SCHEDULES: Final = """
UPDATE deferapp_execution SET function = (SELECT function FROM deferapp_schedule ORDER BY id LIMIT 1)
WHERE id IN (SELECT execution_id FROM deferapp_duemoment)
"""


def run(rows: int, loads: int, keep: Path | None = None) -> bool:
    """Fill a ledger, count it, and load each page. True if each page is in time and goes through a bounded part.

    With a directory to keep it in, the ledger is filled once: later runs load its pages again, as at the moment at
    which it was filled, and only apply the migrations that are new.
    """
    if keep is None:
        with site(CELERY_BROKER_URL="memory://") as project:
            _fill(project, rows)
            return _load(project, loads)
    with kept(keep) as (project, is_filled):
        if not is_filled:
            _fill(project, rows)
            rename(project)
        migrate(project.database_url)
        return _load(project, loads)


def _load(project: Project, loads: int) -> bool:
    return _python(project, f"from benchmarks import page_loads; sys.exit(not page_loads.main({loads}))")


def _fill(project: Project, rows: int) -> None:
    began = time.monotonic()
    _insert(project, rows)
    print(f"{rows:,} executions of {FUNCTIONS} functions in {DAYS} days: {time.monotonic() - began:,.0f} s", flush=True)
    began = time.monotonic()
    _python(project, "from deferapp.tallies.rebuild import rebuild; rebuild()")
    _execute(project, "VACUUM ANALYZE")
    print(f"counted in {time.monotonic() - began:,.0f} s\n", flush=True)


def _insert(project: Project, rows: int) -> None:
    _python(project, "from deferapp.schedules.sync import sync; sync()")
    names = project.python(
        "from deferapp.functions import registry; print(*sorted(each.name for each in registry.functions()))"
    ).split()
    shared = {"functions": names[:FUNCTIONS], "spacing": DAYS * 86_400 / rows, "fan_out": FAN_OUT, "old": rows}
    for first in range(1, rows + 1, CHUNK):
        _execute(project, _EXECUTIONS, **shared, first=first, last=min(first + CHUNK - 1, rows))
    _execute(project, _DUE_MOMENTS.replace("%%", "%"))
    _execute(project, _OF_SCHEDULES)
    _execute(project, _ATTEMPTS.replace("%%", "%"))
    _execute(project, "VACUUM ANALYZE")


def _execute(project: Project, statement: str, **values: object) -> None:
    with psycopg.connect(project.database_url, autocommit=True) as connection:
        connection.execute(statement, values or None)


def _python(project: Project, code: str) -> bool:
    """Run it with Django set up, for as long as it takes; what it prints is seen. True if it ends well."""
    code = f"import sys, tests, django\ndjango.setup()\n{code}"
    done = subprocess.run([sys.executable, "-c", code], env=project.environment(), cwd=ROOT, check=False)
    return done.returncode == 0
