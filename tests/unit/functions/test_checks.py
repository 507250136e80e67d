"""`manage.py check`: each mistake has an id, a place and a remedy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.apps import AppConfig, apps
from django.core.checks import CheckMessage
from django.test import override_settings

from deferapp import checks
from deferapp.functions import discover, registry
from tests.unit.conftest import write_files

ROOT = Path(__file__).parents[3]

GOOD = {
    "defer/__init__.py": "",
    "defer/mail.py": "from deferapp import defer\n\n@defer\ndef mail(user): ...\n",
    "defer/mail_all.py": "from deferapp import defer\n\nasync def mail_all(): ...\n\n"
    "mail_all = defer.cron(mail_all, '0 8 * * 1')\n",
    "defer/_texts.py": "GREETING = 'hello'\n",
}

Check = Callable[..., list[CheckMessage]]


@pytest.fixture
def check(
    empty_registry: None, make_package: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[CheckMessage]]:
    """Check a project whose one app has these files, or whose apps have them."""

    def run(files: dict[str, str] | None = None, **others: dict[str, str]) -> list[CheckMessage]:
        packages = {**({"kiosk": files} if files else {}), **others}
        names = [make_package(name, {"defer/__init__.py": "", **content}) for name, content in packages.items()]
        monkeypatch.setattr(apps, "get_app_configs", lambda: [AppConfig.create(name) for name in names])
        discover.import_all()
        return checks.check_declarations()

    return run


def file(text: str) -> dict[str, str]:
    return {"defer/mail.py": f"from deferapp import defer\n\n{text}\n"}


def test_a_good_project_gets_no_message_and_its_functions_are_found(check: Check) -> None:
    assert check(GOOD) == []
    assert [function.name for function in registry.functions()] == ["kiosk.defer.mail", "kiosk.defer.mail_all"]


def test_an_app_without_functions_gets_no_message(check: Check, make_package: Callable[..., str]) -> None:
    assert check({}, stall={"models.py": ""}) == []


CASES = {
    "no function": ("E002", file("def mail(): ..."), "kiosk.defer.mail does not declare a function mail", "`@defer`"),
    "another function": ("E002", file("@defer\ndef post(): ..."), "does not declare a function mail", "`@defer`"),
    "an empty file": ("E002", {"defer/mail.py": ""}, "does not declare a function mail", "underscore"),
    "two functions": (
        "E003",
        file("@defer\ndef mail(): ...\n\n@defer\ndef post(): ..."),
        "declares 2 functions: kiosk.defer.mail, kiosk.defer.mail.post",
        "One function a file",
    ),
    "a lambda": ("E004", file("mail = defer(lambda user: None)"), "'<lambda>' cannot be deferred", "no lambda"),
    "a nested function": (
        "E004",
        file("def make():\n    @defer\n    def mail(): ...\n    return mail\n\nmail = make()"),
        "'make.<locals>.mail' cannot be deferred",
        "top level",
    ),
    "a method": (
        "E004",
        file("class Mail:\n    @defer\n    def mail(self): ..."),
        "'Mail.mail' cannot be deferred",
        "top level",
    ),
    "a scheduled function with a parameter": (
        "E005",
        file("@defer.cron('0 8 * * 1')\ndef mail(user): ..."),
        "kiosk.defer.mail has parameters (user)",
        "take the parameters away",
    ),
    "a scheduled function with any parameters": (
        "E005",
        file("@defer.cron('0 8 * * 1')\nasync def mail(*users, dry=False): ..."),
        "parameters (*users, dry=False)",
        "take the parameters away",
    ),
    "a frequency with four fields": (
        "E006",
        file("@defer.cron('0 8 * *')\ndef mail(): ..."),
        "The frequency of kiosk.defer.mail is no cron expression",
        "0 8 * * 1",
    ),
    "a frequency that is no text": (
        "E006",
        file("def mail(): ...\nmail = defer.cron(mail, 5)"),
        "no cron",
        "0 8 * * 1",
    ),
    "no frequency": ("E006", file("@defer.cron\ndef mail(): ..."), "no cron", "0 8 * * 1"),
    "a function that is declared twice": (
        "E007",
        file("@defer\ndef mail(): ...\n\n@defer\ndef mail(user): ..."),
        "kiosk.defer.mail is declared twice, here and at ",
        "Rename one",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_in_a_file_is_reported_once_with_place_and_remedy(check: Check, case: str, tmp_path: Path) -> None:
    id, files, message, hint = CASES[case]
    (found,) = check(files)
    assert found.id == f"deferapp.{id}"
    assert message in found.msg
    assert hint in found.hint
    path = str(tmp_path / "kiosk" / "defer" / "mail.py")
    assert found.obj == path if id in ("E002", "E003") else found.obj.startswith(f"{path}:")
    assert str(found).startswith(path)


def test_two_functions_of_one_name_in_different_files_are_reported(check: Check) -> None:
    package = "from deferapp import defer\n\n@defer\ndef mail(): ...\n"
    messages = check({**file("@defer\ndef mail(): ..."), "defer/__init__.py": package})
    assert "deferapp.E007" in [message.id for message in messages]


def test_a_mistake_in_each_of_two_apps_is_reported_for_each(check: Check) -> None:
    messages = check(file("def mail(): ..."), stall=file("mail = defer(lambda: None)"))
    assert sorted(message.id for message in messages) == ["deferapp.E002", "deferapp.E004"]


def test_a_mistake_beside_a_good_function_does_not_hide_it(check: Check) -> None:
    (message,) = check(file("@defer\ndef mail(): ...\n\npost = defer(lambda: None)"))
    assert message.id == "deferapp.E004"
    assert registry.get("kiosk.defer.mail") is not None


@pytest.mark.parametrize(
    ("key", "hint"),
    [("RETRIES", "'RETRY'"), ("list_size", "'LIST_SIZE'"), ("ZZZ", "LIST_SIZE"), (7, "LIST_SIZE")],
)
def test_an_unknown_setting_is_reported_with_what_may_have_been_meant(key: Any, hint: str) -> None:
    with override_settings(DEFER={key: 1, "RETRY": 3}):
        (message,) = checks.check_settings()
    assert (message.id, message.obj) == ("deferapp.E001", "settings.DEFER")
    assert repr(key) in message.msg
    assert hint in message.hint


@pytest.mark.parametrize("value", [None, [], "RETRY"])
def test_settings_that_are_no_dict_are_reported(value: Any) -> None:
    with override_settings(DEFER=value):
        (message,) = checks.check_settings()
    assert message.id == "deferapp.E008"


@pytest.mark.parametrize("value", [-1, {"max_retries": 3}, "yes"])
def test_a_retry_setting_that_is_no_policy_is_reported(value: Any) -> None:
    with override_settings(DEFER={"RETRY": value}):
        (message,) = checks.check_settings()
    assert (message.id, message.obj) == ("deferapp.E008", 'settings.DEFER["RETRY"]')


@pytest.mark.parametrize("value", [-1, "60", None, True, float("inf")])
def test_a_limit_of_beat_that_is_no_number_is_reported(value: Any) -> None:
    with override_settings(DEFER={"BEAT_LIMIT": value}):
        (message,) = checks.check_settings()
    assert message.id == "deferapp.E008"
    assert "'BEAT_LIMIT'" in message.msg


def test_good_settings_get_no_message() -> None:
    with override_settings(
        DEFER={"RETRY": {"max_attempts": 3}, "LIST_SIZE": 50, "PUBLISH_TIMEOUT": 1, "BEAT_LIMIT": 90}
    ):
        assert checks.check_settings() == []
    assert checks.check_settings() == []


SETTINGS = """
SECRET_KEY = "x"
INSTALLED_APPS = ["django.contrib.contenttypes", *{apps!r}]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
DEFER = {defer!r}
"""


def manage(directory: Path, *command: str, apps: list[str], **defer: Any) -> subprocess.CompletedProcess[str]:
    write_files(directory, {"site_settings.py": SETTINGS.format(apps=apps, defer=json.loads(json.dumps(defer)))})
    return subprocess.run(
        [sys.executable, "-m", "django", *command],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{directory}{os.pathsep}{ROOT}",
            "DJANGO_SETTINGS_MODULE": "site_settings",
        },
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_good_project_passes_the_command(tmp_path: Path) -> None:
    write_files(tmp_path / "kiosk", {"__init__.py": "", **GOOD})
    done = manage(tmp_path, "check", apps=["django_celery_beat", "deferapp", "kiosk"], RETRY=3)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no issues" in done.stdout


def test_the_command_prints_every_mistake_and_no_traceback(tmp_path: Path) -> None:
    write_files(tmp_path / "kiosk", {"__init__.py": "", "defer/__init__.py": "", **file("def mail(): ...")})
    done = manage(tmp_path, "check", apps=["django_celery_beat", "deferapp", "kiosk"], RETRIES=3)
    assert done.returncode == 1
    assert "(deferapp.E001)" in done.stderr
    assert "(deferapp.E002)" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["check"], ["migrate"]])
def test_without_django_celery_beat_the_command_says_what_is_missing(tmp_path: Path, command: list[str]) -> None:
    write_files(tmp_path / "kiosk", {"__init__.py": "", **GOOD})
    done = manage(tmp_path, *command, apps=["deferapp", "kiosk"])
    assert done.returncode == 1
    assert "(deferapp.E009)" in done.stderr
    assert 'Add "django_celery_beat" to INSTALLED_APPS' in done.stderr
    assert "Traceback" not in done.stderr
