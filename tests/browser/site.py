"""The sample's site in processes of its own: a web server, and a worker when a test wants one."""

from __future__ import annotations

import contextlib
import urllib.error
import urllib.request
from collections.abc import Iterator

import psycopg

from tests.processes import Process, Project
from tests.servers import free_port
from tests.waiting import wait_until

START_SECONDS = 60.0


class Site:
    """In processes, because Django's ORM refuses to work beside the event loop that drives the browser."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._worker: Process | None = None
        self._port = free_port()
        self._var = project.directory / "var"
        project.variables = {
            "DJANGO_SETTINGS_MODULE": "marketplace.settings",
            "REDIS_URL": project.broker_url,
            "VAR_DIR": str(self._var),
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Fill the shop and start the web server; return when it answers."""
        self._project.run("-m", "tests.browser.seed")
        self._project.start("web", "django", "runserver", "--noreload", f"127.0.0.1:{self._port}")
        wait_until(self._answers, START_SECONDS, "the web server answers")

    def with_superuser(self, name: str) -> None:
        """Let somebody with this name, and the same password, do everything in the admin."""
        self._project.python(
            f"from django.contrib.auth.models import User\nUser.objects.create_superuser({name!r}, password={name!r})"
        )

    def with_worker(self) -> None:
        """Let a worker run, and return when it is ready."""
        if self._worker is None:
            command = ["celery", "-A", "marketplace", "worker", "--pool=threads", "--concurrency=2", "--loglevel=INFO"]
            self._worker = self._project.start("worker", *command)
            self._worker.wait_for_log(" ready.")

    def without_worker(self) -> None:
        if self._worker is not None:
            self._worker.terminate()
            self._worker.log_path.unlink()
            self._worker = None

    @contextlib.contextmanager
    def held_up(self) -> Iterator[None]:
        """Let whoever reads purchases, as the recommender does, wait until the end of the block."""
        with psycopg.connect(self._project.database_url) as connection:
            connection.execute("LOCK TABLE marketplace_purchase IN ACCESS EXCLUSIVE MODE")
            yield

    @contextlib.contextmanager
    def untrained(self) -> Iterator[None]:
        """Take the recommender's model away until the end of the block: the function fails."""
        model = self._var / "recommender.npz"
        hidden = model.rename(model.with_suffix(".hidden"))
        try:
            yield
        finally:
            hidden.rename(model)

    def _answers(self) -> bool:
        with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(self.url) as response:
            return bool(response.status == 200)
        return False
