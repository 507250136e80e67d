"""A moment in the database that means the same under every `USE_TZ` and `TIME_ZONE`.

Django's own `DateTimeField` stores local wall-clock time when `USE_TZ` is off, where one hour of every autumn is
ambiguous; the ledger compares and orders moments, so it always writes and reads UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.expressions import Combinable

    SetT = TypeVar("SetT", contravariant=True)
    GetT = TypeVar("GetT", covariant=True)

    class _DateTimeField(models.DateTimeField[SetT, GetT]):
        _pyi_private_set_type: datetime | Combinable
        _pyi_private_get_type: datetime

else:

    class _DateTimeField(models.DateTimeField):
        def __class_getitem__(cls, _types: Any) -> type:
            return cls


class MomentField(_DateTimeField["SetT", "GetT"]):
    """Takes and gives aware datetimes; a naive one is refused with `ValueError`."""

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError(f"{self.name}: {value!r} has no time zone")
        return value if isinstance(value, datetime) else super().get_prep_value(value)

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        if not prepared:
            value = self.get_prep_value(value)
        if isinstance(value, datetime) and not settings.USE_TZ and connection.vendor != "postgresql":
            value = value.astimezone(UTC).replace(tzinfo=None)
        return connection.ops.adapt_datetimefield_value(value)

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """With `USE_TZ` off, psycopg would give the server's wall-clock time: ask for UTC's instead."""
        if not settings.USE_TZ and compiler.connection.vendor == "postgresql":
            sql = f"({sql} AT TIME ZONE 'UTC')"
        return sql, params

    def from_db_value(self, value: Any, _expression: Any, _connection: BaseDatabaseWrapper) -> Any:
        if isinstance(value, datetime) and value.tzinfo is not UTC:
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return value


class DatabaseNow(Now):
    """Now by the database's clock, in UTC. (`Now` is the server's local time on MySQL and MariaDB.)"""

    output_field = MomentField()

    def as_mysql(self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **context)


class DayOf(models.Func):
    """The day in UTC that a moment lies in. (Django's own function goes by time zones, which MariaDB may not know.)"""

    function = "DATE"
    arity = 1
    output_field = models.DateField()

    def as_postgresql(self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s AT TIME ZONE 'UTC')::date", **context)
