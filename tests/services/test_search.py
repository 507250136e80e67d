"""What the database does with a search."""

from __future__ import annotations

from tests.processes import Project


def test_postgresql_finds_metadata_by_an_index(project: Project) -> None:
    code = """
from django.db import connection
from deferapp.clock import now
from deferapp.executions.search import parse
from deferapp.models import Execution
connection.cursor().execute("SET enable_seqscan = off; SET enable_indexscan = off")
print(parse("meta.tenant:acme", now()).apply(Execution.objects.all()).order_by().explain())
"""
    assert "Bitmap Index Scan on deferapp_exec_metadata" in project.python(code)
