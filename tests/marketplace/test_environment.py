"""Settings from environment variables."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from marketplace import environment

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = Path("/somewhere/default.sqlite3")


def test_without_a_url_the_database_is_a_file_that_several_may_write() -> None:
    database = environment.database("", default=DEFAULT)
    assert (database["ENGINE"], database["NAME"]) == ("django.db.backends.sqlite3", str(DEFAULT))
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert database["OPTIONS"]["timeout"] == 30
    assert "journal_mode=WAL" in database["OPTIONS"]["init_command"]


@pytest.mark.parametrize(
    ("url", "name"),
    [("sqlite:///relative.db", "relative.db"), ("sqlite:////absolute/a%20b.db", "/absolute/a b.db")],
)
def test_a_url_may_name_another_file(url: str, name: str) -> None:
    assert environment.database(url, default=DEFAULT)["NAME"] == name


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_a_url_of_postgresql_is_taken_apart(scheme: str) -> None:
    database = environment.database(f"{scheme}://me:p%40ss@db.example:5433/shop?sslmode=require", default=DEFAULT)
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert [database[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")] == [
        "shop",
        "me",
        "p@ss",
        "db.example",
        5433,
    ]
    assert database["OPTIONS"] == {"sslmode": "require"}


def test_a_url_of_something_else_is_refused_without_telling_its_password() -> None:
    with pytest.raises(ImproperlyConfigured, match="mysql://") as refusal:
        environment.database("mysql://me:secret@db.example/shop", default=DEFAULT)
    assert "secret" not in str(refusal.value)


def test_the_broker_is_redis_where_there_is_one_and_memory_elsewhere() -> None:
    assert environment.broker("redis://r:6379/1") == {"CELERY_BROKER_URL": "redis://r:6379/1"}
    assert environment.broker("")["CELERY_BROKER_URL"] == "memory://"
    assert environment.broker("")["CELERY_BROKER_TRANSPORT_OPTIONS"] == {"polling_interval": 0.01}


def test_providers_take_their_keys_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANYMAIL_MAILGUN_API_KEY", "key")
    assert environment.anymail() == {"MAILGUN_API_KEY": "key"}


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), ("True", True), ("on", True), ("0", False), ("", False), ("no", False)]
)
def test_switches(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    monkeypatch.setenv("A_SWITCH", value)
    assert environment.is_on("A_SWITCH", default=not expected) is expected


def manage(tmp_path: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "VAR_DIR": str(tmp_path / "var"), **variables}
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_the_settings_pass_djangos_checks_as_they_come(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr


def test_a_provider_is_set_up_by_variables_alone(tmp_path: Path) -> None:
    done = manage(
        tmp_path,
        *("shell", "-v0", "-c"),
        "from django.core.mail import get_connection; c = get_connection(); print(c.esp_name, c.api_key)",
        EMAIL_BACKEND="anymail.backends.mailgun.EmailBackend",
        ANYMAIL_MAILGUN_API_KEY="key-of-the-shop",
    )
    assert done.stdout.strip() == "Mailgun key-of-the-shop", done.stderr


def test_without_debug_there_is_no_default_secret(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", DEBUG="0")
    assert done.returncode != 0
    assert "Set SECRET_KEY" in done.stderr
