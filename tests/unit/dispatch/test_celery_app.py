"""Which Celery app carries the messages."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.unit.conftest import write_files

ROOT = Path(__file__).parents[3]

SETTINGS = """
SECRET_KEY = "x"
INSTALLED_APPS = ["django.contrib.contenttypes", "django_celery_beat", "deferapp"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True
CELERY_BROKER_URL = "redis://broker.example:6379/5"
"""
BEATS_FORM = "from django_celery_beat.models import CrontabSchedule; CrontabSchedule()"
APP_OF_THE_PROJECT = "from celery import Celery; project = Celery('kiosk', broker='redis://kiosk.example/1')"


@pytest.mark.parametrize(
    ("before", "broker"),
    [
        ([], "redis://broker.example:6379/5"),
        ([BEATS_FORM], "redis://broker.example:6379/5"),
        ([APP_OF_THE_PROJECT], "redis://kiosk.example/1"),
        ([APP_OF_THE_PROJECT, BEATS_FORM], "redis://kiosk.example/1"),
        ([BEATS_FORM, APP_OF_THE_PROJECT], "redis://kiosk.example/1"),
    ],
)
def test_it_is_the_projects_or_ours_with_the_projects_settings(tmp_path: Path, before: list[str], broker: str) -> None:
    code = """
        import django
        django.setup()
        {before}
        from deferapp.dispatch.broker import celery_app
        print(celery_app().conf.broker_url)
    """
    write_files(tmp_path, {"site_settings.py": SETTINGS})
    lines = textwrap.dedent(code).format(before="\n".join(before))
    done = subprocess.run(
        [sys.executable, "-c", lines],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
            "DJANGO_SETTINGS_MODULE": "site_settings",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == (broker, 0), done.stderr
