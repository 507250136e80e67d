"""Real processes of the tests' project: Celery workers, beat, and anything else that Python runs.

Each leads a session of its own, so that all that it forks is found and ended with it. Output goes to files,
which are shown when a test fails.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from tests.leases import ROOT
from tests.proc import children_of, die_with_parent, kill_all, session_members
from tests.starter import Started, starter
from tests.waiting import wait_until

START_SECONDS = 120.0
STOP_SECONDS = 30.0
RUN_SECONDS = 120.0

ELSEWHERE = ("unshare", "--uts", "--pid", "--fork", "--mount-proc", "sh", "-c", 'hostname elsewhere; exec "$@"', "sh")


class Process:
    """A process that was started for a test, and its log."""

    def __init__(self, name: str, popen: Started | subprocess.Popen[bytes], log_path: Path) -> None:
        self.name = name
        self.log_path = log_path
        self._popen = popen

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def is_alive(self) -> bool:
        return self._popen.poll() is None

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def wait_for_log(self, text: str, timeout: float = START_SECONDS) -> None:
        """Return when the log holds the text; fail at once when the process ends before."""

        def appears() -> bool:
            ended = not self.is_alive
            if text in self.log():
                return True
            assert not ended, f"{self.name} ended with {self._popen.returncode} before it logged {text!r}"
            return False

        wait_until(appears, timeout, f"{self.name} logs {text!r}")

    def terminate(self, timeout: float = STOP_SECONDS) -> int:
        """Send SIGTERM to the process alone, as service managers do, and return its exit code."""
        self._popen.terminate()
        return self._popen.wait(timeout)

    def kill(self) -> None:
        """End the process and all that it forked with SIGKILL, at once, and return when none is left."""
        session = self._popen.pid
        with contextlib.suppress(ProcessLookupError):
            os.killpg(session, signal.SIGKILL)
        wait_until(lambda: self._is_gone(session), STOP_SECONDS, f"{self.name} and its children are gone")

    def signal(self, number: int) -> None:
        """Send a signal to the process alone."""
        self._popen.send_signal(number)

    def signal_all(self, number: int) -> None:
        """Send a signal to the process and all that it forked."""
        kill_all(session_members(self._popen.pid), number)

    def wait(self, timeout: float = STOP_SECONDS) -> int:
        """Return its exit code when it has ended."""
        return self._popen.wait(timeout)

    def children(self) -> list[int]:
        """Return the processes that it forked: of a prefork worker, those of its pool."""
        return children_of(self._popen.pid)

    def _is_gone(self, session: int) -> bool:
        kill_all(session_members(session))
        return self._popen.poll() is not None and not session_members(session)


def _start_inside(
    inside: Sequence[str],
    arguments: list[str],
    environment: dict[str, str],
    directory: Path,
    output: Path,
    errors: Path,
) -> subprocess.Popen[bytes]:
    with output.open("ab") as log:
        return subprocess.Popen(
            [*inside, sys.executable, *arguments],
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )


class Witness:
    """What the outside world saw: see `tests.shop.witness`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def lines(self, prefix: str = "") -> list[str]:
        return [line for line in self.path.read_text().splitlines() if line.startswith(prefix)]

    def counts(self, prefix: str = "") -> Counter[str]:
        return Counter(self.lines(prefix))


class Project:
    """The tests' project with a database, a broker, a witness and processes of its own."""

    def __init__(
        self, directory: Path, *, database_url: str, broker_url: str, settings: dict[str, Any] | None = None
    ) -> None:
        self.directory = directory
        self.database_url = database_url
        self.broker_url = broker_url
        self.settings = settings or {}
        self.variables: dict[str, str] = {}
        self.witness = Witness(directory / "witness.txt")
        self.processes: list[Process] = []
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def environment(self) -> dict[str, str]:
        """Return the environment of the project's processes: ours without pytest's variables, and its own."""
        ours = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
        return {
            **ours,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "DATABASE_URL": self.database_url,
            "BROKER_URL": self.broker_url,
            "WITNESS": str(self.witness.path),
            "TESTS_SETTINGS": json.dumps(self.settings),
            **self.variables,
        }

    def start(self, name: str, *command: str, inside: Sequence[str] = ()) -> Process:
        """Start `python -m command…`, inside of another command if one is given."""
        log_path = self.directory / f"{name}.log"
        arguments = ["-m", *command]
        start = functools.partial(_start_inside, inside) if inside else starter().start
        popen = start(arguments, self.environment(), self.directory, log_path, log_path)
        process = Process(name, popen, log_path)
        self.processes.append(process)
        return process

    def worker(self, pool: str = "prefork", concurrency: int = 2, *options: str, inside: Sequence[str] = ()) -> Process:
        """Start a Celery worker and return when it is ready."""
        name = f"worker{len(self.processes)}"
        command = ["celery", "-A", "tests", "worker", "--loglevel=INFO", f"--hostname={name}@%h"]
        process = self.start(name, *command, f"--pool={pool}", f"--concurrency={concurrency}", *options, inside=inside)
        process.wait_for_log(" ready.")
        return process

    def worker_elsewhere(self, pool: str = "prefork", concurrency: int = 2) -> Process:
        """Start a worker as on another machine: with a host name and a list of processes of its own. Needs root."""
        return self.worker(pool, concurrency, inside=ELSEWHERE)

    def beat(self, *options: str) -> Process:
        """Start Celery beat with django-celery-beat's own scheduler and return when it runs."""
        name = f"beat{len(self.processes)}"
        process = self.start(name, "celery", "-A", "tests", "beat", "--loglevel=INFO", "--pidfile=", *options)
        process.wait_for_log("beat: Starting...")
        return process

    def run(self, *arguments: str) -> str:
        """Run Python with the arguments and return what it printed; fail when it does not end with 0."""
        done = self.finish(*arguments)
        assert done.returncode == 0, f"ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def finish(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python with the arguments to its end, whatever that is."""
        with tempfile.TemporaryDirectory() as directory:
            output, errors = Path(directory, "output"), Path(directory, "errors")
            started = starter().start(list(arguments), self.environment(), self.directory, output, errors)
            try:
                code = started.wait(RUN_SECONDS)
            finally:
                started.send_signal(signal.SIGKILL)
            return subprocess.CompletedProcess(arguments, code, output.read_text(), errors.read_text())

    def manage(self, *arguments: str) -> str:
        """Run a management command."""
        return self.run("-m", "django", *arguments)

    def python(self, code: str) -> str:
        """Run statements as another process of the project would, with Django set up."""
        return self.run("-c", f"import tests, django\ndjango.setup()\n{code}")

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the project's database, by the placeholders of PostgreSQL."""
        if self.database_url.startswith("sqlite:"):
            path = self.database_url.removeprefix("sqlite:///")
            with contextlib.closing(sqlite3.connect(path, timeout=RUN_SECONDS)) as ledger:
                return ledger.execute(statement.replace("%s", "?"), values).fetchall()
        try:
            return self._postgres().execute(statement, values or None).fetchall()
        except psycopg.OperationalError:  # the server has been restarted, or has ended connections
            self._disconnect()
            return self._postgres().execute(statement, values or None).fetchall()

    def _postgres(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Return one connection for all queries: conditions are asked twenty times a second."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self.database_url, autocommit=True)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def states(self, function: str) -> Counter[str]:
        """Count the executions of `tests.shop.defer.<function>` by state."""
        name = f"tests.shop.defer.{function}"
        statement = "SELECT state, count(*) FROM deferapp_execution WHERE function = %s GROUP BY state"
        return Counter(dict(self.query(statement, name)))

    def wait_for_states(self, function: str, timeout: float, **counts: int) -> None:
        """Return when the executions of a function are so many in each state, and none in another."""
        wait_until(
            lambda: self.states(function) == Counter(counts),
            timeout,
            lambda: f"executions of {function} are {counts}, and not {dict(self.states(function))}",
        )

    def results(self, function: str) -> list[Any]:
        """Return the results of the executions of a function, in the order of their enqueue."""
        statement = (
            "SELECT result_json FROM deferapp_execution WHERE function = %s AND state = 'succeeded'"
            " ORDER BY created_at, id"
        )
        return [json.loads(text) for (text,) in self.query(statement, f"tests.shop.defer.{function}")]

    def close(self) -> None:
        with contextlib.ExitStack() as stack:
            stack.callback(self._disconnect)
            for process in self.processes:
                stack.callback(process.kill)


# Those that are open, for the report of a failing test.
open_projects: list[Project] = []

LOG_CHARACTERS = 12_000


@contextlib.contextmanager
def opened(project: Project) -> Iterator[Project]:
    """Give the project, and end its processes afterwards whatever happened."""
    open_projects.append(project)
    try:
        yield project
    finally:
        open_projects.remove(project)
        project.close()


def logs() -> list[tuple[str, str]]:
    """Return the title and the end of the log of each process of the open projects."""
    processes = [process for project in open_projects for process in project.processes]
    return [(f"log of {process.name} ({process.log_path})", process.log()[-LOG_CHARACTERS:]) for process in processes]


ProjectMaker = Callable[..., contextlib.AbstractContextManager[Project]]
