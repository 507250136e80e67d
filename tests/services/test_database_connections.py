"""What a worker asks of its connections to PostgreSQL."""

from __future__ import annotations

import pytest

from tests.processes import Project

CODE = """
from django.db import connection
from deferapp.workers import connections
connections.wait_for_locks(3)
connection.ensure_connection()
from tests.shop.defer.keepalive import keepalive
with connection.cursor() as cursor:
    cursor.execute("SHOW lock_timeout")
    print(*keepalive.func(), cursor.fetchone()[0])
"""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param("", "5 30 3s", id="nothing said"),
        pytest.param("?keepalives_idle=70", "70 0 3s", id="keepalives of the project's own"),
        pytest.param("?tcp_user_timeout=80000", "7200 80 3s", id="a limit of the project's own"),
    ],
)
def test_a_vanished_server_is_noticed_and_what_the_project_says_of_it_holds(
    project: Project, options: str, expected: str
) -> None:
    project.variables["DATABASE_URL"] = project.database_url + options
    assert project.python(CODE) == expected


def test_housekeeping_does_not_wait_for_a_lock_for_ever(project: Project) -> None:
    code = """
import psycopg
from django.db import OperationalError, connection
from deferapp.models import Worker
from deferapp.workers import connections
connections.wait_for_locks(1)
with psycopg.connect({url!r}) as other:
    other.execute("LOCK TABLE deferapp_worker IN ACCESS EXCLUSIVE MODE")
    try:
        Worker.objects.count()
    except OperationalError as error:
        print(error)
"""
    assert "lock timeout" in project.python(code.format(url=project.database_url))
