"""`manage.py demo`, as a process of its own, with the small data set."""

from __future__ import annotations

import email
import fcntl
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from marketplace.demo import trouble
from tests.marketplace import sample
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
KEYS = ["customers", "opted_in", "executions", "succeeded", "failed", "emails", "seconds"]
RECALLS = ["recall_at_10", "recall_at_10_popular"]

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def var(tmp_path: Path) -> Path:
    return tmp_path / "var"


@pytest.fixture
def start(var: Path, folder: Path) -> Iterator[Start]:
    """Start the demo; it is killed when the test ends before it."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **variables: str) -> subprocess.Popen[str]:
        env = {"PATH": os.environ["PATH"], "HOME": str(var.parent), "VAR_DIR": str(var), **variables}
        command = [sys.executable, str(ROOT / "manage.py"), "demo", "--folder", str(folder), *arguments]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, env=env, stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def run(start: Start, *arguments: str, **variables: str) -> tuple[int, str, str]:
    process = start(*arguments, **variables)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_everybody_who_opted_in_is_mailed_once_and_a_second_run_begins_afresh_at_once(start: Start, var: Path) -> None:
    code, out, err = run(start, "--once", "--json")
    assert code == 0, err
    assert "Loading" in err
    _check(json.loads(out.splitlines()[-1]), var)
    model = (var / "recommender.npz").stat().st_mtime_ns
    (var / "mails" / "of-the-first-run.eml").write_text("")

    code, out, err = run(start, "--once", "--json")
    assert code == 0, err
    assert "Loading" not in err
    assert (var / "recommender.npz").stat().st_mtime_ns == model
    _check(json.loads(out.splitlines()[-1]), var)


def _check(said: dict[str, float], var: Path) -> None:
    assert list(said) == KEYS + RECALLS
    opted_in = len(sample.CAMPAIGNED)
    assert [said[key] for key in KEYS[:-1]] == [sample.HOUSEHOLDS, opted_in, opted_in + 1, opted_in + 1, 0, opted_in]
    assert said["seconds"] > 0
    assert said["recall_at_10"] > said["recall_at_10_popular"] > 0
    recipients = [email.message_from_bytes(mail.read_bytes())["To"] for mail in (var / "mails").iterdir()]
    assert sorted(recipients) == sorted(f"household-{number}@example.com" for number in sample.CAMPAIGNED)


def test_with_failing_mails_it_tells_whom_it_could_not_serve_and_slack_one_incident(start: Start, var: Path) -> None:
    code, out, err = run(start, "--once", "--json", "--fail", "80%")
    assert code == 0, err
    said = json.loads(out.splitlines()[-1])
    opted_in = len(sample.CAMPAIGNED)
    refused = [number for number in sample.CAMPAIGNED if luck(number) < 0.8 * trouble.FOR_GOOD]
    assert refused
    assert any(0.8 * trouble.FOR_GOOD <= luck(number) < 0.8 for number in sample.CAMPAIGNED)
    assert (said["failed"], said["emails"], said["opted_in"]) == (len(refused), opted_in - len(refused), opted_in)
    for number in refused:
        assert f"<household-{number}@example.com>: smtplib.SMTPRecipientsRefused" in err
    assert err.count("Alert, as Slack would get it") == 1
    assert "SMTPRecipientsRefused in" in err
    assert "marketplace.Customer" in err


def luck(number: int) -> float:
    return zlib.crc32(f"household-{number}@example.com".encode()) / 2**32


def test_a_share_that_is_none_is_refused(start: Start) -> None:
    code, _out, err = run(start, "--fail", "many")
    assert code != 0
    assert "--fail" in err


def test_it_goes_on_serving_until_it_is_interrupted(start: Start, var: Path) -> None:
    port = free_port()
    process = start("--json", "--port", str(port))
    said = json.loads(process.stdout.readline())  # type: ignore[union-attr]
    assert said["failed"] == 0

    def page(path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as response:
            return str(response.read().decode())

    def is_up() -> bool:
        try:
            return "Mails this week" in page("/")
        except OSError:
            return False

    wait_until(is_up, 30, "the site answers")
    mail = next((var / "mails").glob("*.eml")).read_text()
    link = re.search(rf"<http://127\.0\.0\.1:{port}(/unsubscribe/\S+)>", mail)
    assert link is not None
    assert "No more weekly recommendations?" in page(link[1])
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert f"http://127.0.0.1:{port}/admin/" in err


def test_a_second_demo_at_the_same_time_is_refused(start: Start, var: Path) -> None:
    var.mkdir()
    with (var / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, _out, err = run(start, "--once")
    assert code == 1
    assert "Another demo is running" in err


def test_a_port_that_is_taken_is_refused_before_anything_else(start: Start, var: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        code, _out, err = run(start, "--port", str(listener.getsockname()[1]))
    assert code == 1
    assert "is taken" in err
    assert not (var / "base.sqlite3").exists()


@pytest.mark.parametrize(
    "variables",
    [
        {"DATABASE_URL": "postgres://db.example/precious"},
        {"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend"},
    ],
    ids=["database", "mails"],
)
def test_it_touches_no_real_database_and_sends_no_real_mail(start: Start, variables: dict[str, str]) -> None:
    code, _out, err = run(start, "--once", **variables)
    assert code == 1
    assert f"Unset {next(iter(variables))}" in err
