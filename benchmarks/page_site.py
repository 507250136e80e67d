"""A ledger that outlives the measurement: a PostgreSQL with its data in a directory that is kept."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.site import APPS
from tests.leases import migrate, with_path
from tests.processes import Project, opened
from tests.servers import PostgresServer, temporary_directory

_FILLED: Final = "deferapp_pages"
_FILLING: Final = "deferapp_pages_filling"
"""A ledger has its final name once it is filled: one whose filling was broken off is made anew."""


class KeptPostgres(PostgresServer):
    """A PostgreSQL whose data, and whose password, are still there the next time. It answers on this machine alone."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        directory.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(directory, "postgres")
            shutil.chown(self.directory, "postgres")  # of its socket
        self._data = directory / "data"
        password = directory / "password"
        if not password.exists():
            password.touch(mode=0o600)
            password.write_text(self._password)
        self._password = password.read_text()

    def close(self) -> None:
        self.stop()
        super().close()


@contextlib.contextmanager
def kept(directory: Path) -> Iterator[tuple[Project, bool]]:
    """Give a project on the ledger that is kept there, and whether it is filled; without a broker."""
    with KeptPostgres(directory.absolute()) as server, temporary_directory() as place:
        is_filled = _exists(server.url, _FILLED)
        if not is_filled:
            _execute(server.url, f"DROP DATABASE IF EXISTS {_FILLING}", f"CREATE DATABASE {_FILLING}")
            migrate(with_path(server.url, _FILLING))
        url = with_path(server.url, _FILLED if is_filled else _FILLING)
        settings = {"EXTRA_APPS": APPS, "CELERY_BROKER_URL": "memory://"}
        with opened(Project(place, database_url=url, broker_url="memory://", settings=settings)) as project:
            yield project, is_filled


def rename(project: Project) -> None:
    """Say that the ledger of the project is filled."""
    _execute(with_path(project.database_url, "postgres"), f"ALTER DATABASE {_FILLING} RENAME TO {_FILLED}")
    project.database_url = with_path(project.database_url, _FILLED)


def _exists(url: str, name: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def _execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
