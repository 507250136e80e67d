"""From an empty folder to a running site with functions and crons, by the commands of the README."""

from __future__ import annotations

import re
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from tests.leases import ROOT
from tests.packaging.environments import SECONDS, bare
from tests.processes import Process
from tests.servers import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("packaging")

FIVE_MINUTES = 300.0
NEXT_MINUTE = 90.0
"""Seconds that a cron of every minute may need to run, on a busy machine."""
ADA = {"DJANGO_SUPERUSER_USERNAME": "ada", "DJANGO_SUPERUSER_EMAIL": "", "DJANGO_SUPERUSER_PASSWORD": "-"}


def commands() -> list[str]:
    text = (ROOT / "README.md").read_text()
    block = re.search(r"^## From nothing.*?\n\n((?:    .*\n)+)", text, flags=re.MULTILINE | re.DOTALL)
    assert block
    return [line.strip() for line in block[1].splitlines()]


def script(wheel: Path, port: int) -> str:
    """The commands, with what a person would type instead: where the package is, a password, and a free port."""
    text = "\n".join(commands())
    for written, typed in (
        ("path/to/this/repository", str(wheel)),
        ("createsuperuser", "createsuperuser --noinput"),
        ("python manage.py defer dev", f"exec python manage.py defer dev {port} --noreload"),
    ):
        assert written in text
        text = text.replace(written, typed)
    return f"set -e\n{text}\n"


def test_the_readme_leads_from_an_empty_folder_to_a_running_cron_within_five_minutes(
    wheel: Path, tmp_path: Path
) -> None:
    port = free_port()
    empty = tmp_path / "empty"
    empty.mkdir()
    began = time.monotonic()
    site = Process("site", ["bash", "-c", script(wheel, port)], {**bare(), **ADA}, empty)
    try:
        site.wait_for_log("Functions and schedules run in this process.", SECONDS)
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/admin/login/"), 60, "the site answers")
        seconds = time.monotonic() - began
        wait_until(lambda: "succeeded" in counted(empty), NEXT_MINUTE, lambda: f"the cron runs: {site.log()}")
    finally:
        site.kill()
    print(f"from an empty folder to a running site: {seconds:.0f} s")
    assert seconds < FIVE_MINUTES


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def counted(directory: Path) -> str:
    """What the command line tells of the executions of the cron."""
    done = subprocess.run(
        [directory / ".venv/bin/python", "manage.py", "defer", "executions", "shop.defer.count_users"],
        cwd=directory / "shop",
        env=bare(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout
