"""Databases of a test's own, of each kind, and actors on them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pytest_django.plugin import DjangoDbBlocker

from deferapp.dispatch import message, publish
from deferapp.dispatch.broker import Broker
from deferapp.functions import registry
from tests.conftest import RUN
from tests.leases import Databases, lease_mariadb, migrate
from tests.parallel import databases, moves
from tests.parallel.actors import Actor
from tests.parallel.databases import OPTIONS, Database
from tests.settings import database as configured

MARIADB_URL = os.environ.get("DATABASE_URL", "") if os.environ.get("DATABASE_URL", "").startswith("mysql:") else None
KINDS = ["postgresql", "sqlite", "sqlite-defaults", *(["mariadb"] if MARIADB_URL else [])]

Actors = Callable[[int], list[Actor]]


@pytest.fixture(scope="session")
def make_database(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Database]]:
    """Make a migrated database of a kind, or give the one that this process has made before."""
    made: dict[str, Database] = {}
    with contextlib.ExitStack() as stack:

        def make(kind: str) -> Database:
            if kind not in made:
                url = stack.enter_context(_lease(kind, postgres_url, tmp_path_factory.mktemp(kind)))
                made[kind] = Database(kind=kind, settings={**configured(url), "OPTIONS": OPTIONS[kind]})
            return made[kind]

        yield make


@contextlib.contextmanager
def _lease(kind: str, postgres_url: str, directory: Path) -> Iterator[str]:
    if kind == "postgresql":
        with Databases(postgres_url, os.environ[RUN]).lease() as url:
            yield url
    elif kind == "mariadb":
        with lease_mariadb(MARIADB_URL, os.environ[RUN]) as url:
            yield url
    else:
        url = f"sqlite:///{directory}/db.sqlite3"
        migrate(url)
        yield url


@pytest.fixture(params=KINDS)
def database(
    request: pytest.FixtureRequest, make_database: Callable[[str], Database], django_db_blocker: DjangoDbBlocker
) -> Iterator[Database]:
    """A ledger, empty, to which Django's connection points."""
    made = make_database(request.param)
    with django_db_blocker.unblock(), databases.pointed_at(made):
        databases.empty()
        yield made


@pytest.fixture
def known_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """The function of `moves`, known to the registry."""
    monkeypatch.setattr(registry, "_functions", {moves.NAME: moves.FUNCTION})


@pytest.fixture(autouse=True)
def published(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The executions that have been published, to a broker that takes everything and in whose queues nothing waits."""
    published: list[UUID] = []

    def send(_: Broker, __: str, args: list[Any], kwargs: dict[str, Any], *, priority: int) -> bool:
        published.extend(message.parse(*args, **kwargs))
        return True

    monkeypatch.setattr(Broker, "send", send)
    monkeypatch.setattr(Broker, "waiting", lambda *_: 0)
    monkeypatch.setattr(publish, "reaches_a_worker", lambda: True)
    return published


@pytest.fixture
def actors(database: Database) -> Iterator[Actors]:
    """`one, another = actors(2)`."""
    with contextlib.ExitStack() as stack:

        def make(count: int) -> list[Actor]:
            made = [Actor(f"actor{number}", database) for number in range(count)]
            for actor in made:
                stack.callback(actor.close)
            return made

        yield make
