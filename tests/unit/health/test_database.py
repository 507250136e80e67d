"""The database: its migrations, and settings that do not suit several processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

from deferapp.health import database
from deferapp.health.bounded import TooSlow
from tests.unit.health.conftest import found, ids

pytestmark = pytest.mark.django_db


@pytest.fixture
def database_settings() -> Iterator[dict[str, Any]]:
    """The settings of the connection, which are as before at the end."""
    before = {**connection.settings_dict}
    yield connection.settings_dict
    connection.settings_dict.clear()
    connection.settings_dict.update(before)


def test_a_database_that_is_as_it_should_be_has_no_finding() -> None:
    assert ids(database.answers) == []
    assert ids(database.is_migrated) == []
    assert ids(database.has_fit_settings) == []


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (OperationalError("no pg_hba.conf entry, password=hunter2"), "no pg_hba.conf entry"),
        (TooSlow("no answer"), "nothing within 5 s"),
    ],
)
def test_a_database_that_does_not_answer_is_told_without_secrets(
    problem: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise problem

    monkeypatch.setattr(database, "ask", fail)
    [finding] = found(database.answers)
    assert finding.id == "D001"
    assert said in finding.why
    assert "hunter2" not in finding.why


@pytest.mark.parametrize(("app", "name"), [("deferapp", "0001_initial"), ("django_celery_beat", "0001_initial")])
def test_a_migration_that_is_not_applied_is_told(app: str, name: str) -> None:
    MigrationRecorder(connection).record_unapplied(app, name)
    [finding] = found(database.is_migrated)
    assert finding.id == "D002"
    assert f"{app}.{name}" in finding.what
    assert finding.remedy[0] == "python manage.py migrate --database default"


def test_migrations_of_other_apps_are_their_own_matter() -> None:
    MigrationRecorder(connection).record_unapplied("sessions", "0001_initial")
    assert ids(database.is_migrated) == []


def test_a_migration_that_this_code_does_not_know_is_a_warning() -> None:
    MigrationRecorder(connection).record_applied("deferapp", "0099_of_tomorrow")
    [finding] = found(database.is_migrated)
    assert finding.id == "D003"
    assert "0099_of_tomorrow" in finding.what


@pytest.mark.parametrize(("setting", "value", "id"), [("AUTOCOMMIT", False, "D005"), ("ATOMIC_REQUESTS", True, "D006")])
def test_a_setting_that_matters_is_told(setting: str, value: bool, id: str, database_settings: dict[str, Any]) -> None:
    database_settings[setting] = value
    assert ids(database.has_fit_settings) == [id]


@pytest.mark.parametrize(
    ("journal", "options", "expected"),
    [
        ("delete", {}, ["D004"]),
        ("wal", {}, ["D004"]),
        ("delete", {"transaction_mode": "IMMEDIATE"}, ["D004"]),
        ("wal", {"transaction_mode": "DEFERRED"}, ["D004"]),
        ("wal", {"transaction_mode": "immediate"}, []),
    ],
)
def test_sqlite_wants_a_journal_and_transactions_for_several_processes(
    tmp_path: Any, journal: str, options: dict[str, str], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {**connections["default"].settings_dict, "NAME": str(tmp_path / "db.sqlite3"), "OPTIONS": options}
    fresh = DatabaseWrapper(settings)
    with fresh.cursor() as cursor:
        cursor.execute(f"PRAGMA journal_mode={journal}")
    monkeypatch.setattr(database, "connections", {"default": fresh})
    try:
        assert ids(database.has_fit_settings) == expected
    finally:
        fresh.close()
