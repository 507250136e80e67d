"""Small ledgers for the tests of lists, and what filters and pages of them should give, reckoned in Python."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from deferapp.executions.states import ErrorCode, State
from deferapp.models import Execution

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For tests that write to the database in each example."""

BEGIN = datetime(2026, 11, 23, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PARENTS = (UUID(int=1), UUID(int=2))
FUNCTIONS = ("shop.defer.mail", "shop.defer.mail_all", "shop.defer.m+il", "shop_defer.mail")
GLOBS = ("*", "shop.*", "*.mail", "shop.defer.mail?all", "*+*", "shop.defer.mail*", "?hop.defer.mail", "*x")


def a_row() -> st.SearchStrategy[Execution]:
    """An execution that is not in the ledger yet; many are enqueued at the same moment."""
    return st.builds(
        Execution,
        id=an_id(),
        function=st.sampled_from(FUNCTIONS),
        state=st.sampled_from(State),
        error_code=st.sampled_from(["", *ErrorCode]),
        parent_id=st.sampled_from([None, *PARENTS]),
        metadata=some_metadata(),
        created_at=a_moment(),
        due_at=st.just(BEGIN),
    )


def an_id() -> st.SearchStrategy[UUID]:
    """As those of executions are, by RFC 9562: MariaDB takes no others, and orders versions up to 5 by their ends."""
    version, variant = 0xF << 76, 0x3 << 62
    return st.integers(0, 2**128 - 1).map(lambda bits: UUID(int=bits & ~version & ~variant | 0x7 << 76 | 0x2 << 62))


def a_moment() -> st.SearchStrategy[datetime]:
    return st.integers(0, 4).map(lambda seconds: BEGIN + seconds * SECOND)


def some_metadata() -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(
        st.sampled_from(["a", "b", "7", 'x"y', "a__b"]), st.sampled_from(["1", "2", "%s"]), max_size=3
    )


def some_filters() -> st.SearchStrategy[dict[str, Any]]:
    """Any combination of the filters, by the names of their methods."""
    return st.fixed_dictionaries(
        {},
        optional={
            "state": st.lists(st.sampled_from(State), max_size=5),
            "function": st.sampled_from([*FUNCTIONS, *GLOBS]),
            "error_code": st.lists(st.sampled_from(ErrorCode), max_size=4),
            "children_of": st.sampled_from(PARENTS),
            "created": st.fixed_dictionaries({}, optional={"after": a_moment(), "before": a_moment()}),
            "metadata": some_metadata(),
        },
    )


def filtered(filters: dict[str, Any]) -> Any:
    rows: Any = Execution.objects.all()
    for name, value in filters.items():
        method = getattr(rows, name)
        if isinstance(value, dict):
            rows = method(**value)
        else:
            rows = method(*value) if isinstance(value, list) else method(value)
    return rows


def is_kept(row: Execution, filters: dict[str, Any]) -> bool:
    """What the filters mean."""
    created = filters.get("created", {})
    return (
        row.state in filters.get("state", State)
        and fnmatch.fnmatchcase(row.function, filters.get("function", "*"))
        and row.error_code in filters.get("error_code", ["", *ErrorCode])
        and row.parent_id == filters.get("children_of", row.parent_id)
        and created.get("after", row.created_at) <= row.created_at
        and not row.created_at >= created.get("before", row.created_at + SECOND)
        and filters.get("metadata", {}).items() <= row.metadata.items()
    )


def newest_first(rows: Sequence[Execution]) -> list[Execution]:
    return sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True)


@contextmanager
def ledger_of(rows: Sequence[Execution]) -> Iterator[None]:
    """These rows and no others, until the end of the block."""
    with transaction.atomic():
        Execution.objects.bulk_create(rows)
        yield
        transaction.set_rollback(True)
