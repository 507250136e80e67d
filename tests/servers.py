"""Private Redis and PostgreSQL servers: for a whole run, or for one test that stops and kills its own.

Each is a process on a free port of 127.0.0.1, with data in a temporary directory and its default durability.
It ends with the process that started it, however that one ends.
"""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import psycopg
import redis

from tests.proc import children_of, die_with_parent, kill_all
from tests.waiting import wait_until

# A path of a unix socket has 107 characters at most, and PostgreSQL adds its own name to the directory's.
MAX_DIRECTORY_LENGTH = 70
START_SECONDS = 60.0
STOP_SECONDS = 60.0

# Below Linux's range for outgoing connections: a port of this range stays free while its server is down.
PORTS = range(20_000, 32_000)


class ServerError(Exception):
    """A server could not be started."""


def find_program(name: str, *folders: str) -> str | None:
    """Return the path of a program from PATH or, newest version first, from folders given as patterns."""
    found = sorted((path for folder in folders for path in glob.glob(f"{folder}/{name}")), reverse=True)
    return shutil.which(name) or next(iter(found), None)


def find_redis() -> str | None:
    return find_program("redis-server", "/usr/bin", "/usr/local/bin")


def find_postgres(name: str = "initdb") -> str | None:
    return find_program(name, "/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin")


def find_chromium() -> str | None:
    return find_program("chromium", "/usr/bin", "/usr/lib/chromium")


def missing_packages() -> list[str]:
    """Return the Debian packages that bring what is missing; a server that is given needs none."""
    needs = [
        ("redis-server", "REDIS_URL" in os.environ or find_redis()),
        ("postgresql", "DATABASE_URL" in os.environ or find_postgres()),
        ("chromium", find_chromium()),
    ]
    return [package for package, there in needs if not there]


def free_port() -> int:
    """Return a port on which nobody listens now."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextlib.contextmanager
def temporary_directory() -> Iterator[Path]:
    """Give a directory with a short path, removed at the end even when this process is killed."""
    base = tempfile.gettempdir()
    path = tempfile.mkdtemp(prefix="deferapp-", dir=base if len(base) < MAX_DIRECTORY_LENGTH // 2 else "/tmp")
    os.chmod(path, 0o755)  # PostgreSQL runs as another user when we are root.
    # The shell reads until our end of the pipe is closed, which the kernel does for a killed process too.
    remover = subprocess.Popen(
        ["/bin/sh", "-c", 'cat; until rm -rf "$0"; do sleep 0.2; done', path],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield Path(path)
    finally:
        remover.communicate()


class Server:
    """One server process. `start` after `stop` or `kill` brings it back on the same port with its data."""

    death_signal = signal.SIGKILL  # sent by the kernel when we die
    stop_signal = signal.SIGTERM

    def __init__(self) -> None:
        self._cleanup = contextlib.ExitStack()
        self.directory = self._cleanup.enter_context(temporary_directory())
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        raise NotImplementedError

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ServerError(f"{type(self).__name__} is not running")
        return self._process.pid

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def _user(self) -> dict[str, Any]:
        """Return the arguments of Popen that change the user."""
        return {}

    def start(self) -> None:
        """Start the server and return when it answers."""
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(self.death_signal),
                cwd=self.directory,
                **self._user(),
            )
        wait_until(self._is_ready, START_SECONDS, lambda: f"{type(self).__name__} answers:\n{self.log()}")

    def _is_ready(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise ServerError(f"{type(self).__name__} ended while starting:\n{self.log()}")
        return self._answers()

    def stop(self) -> None:
        """Shut the server down in order; its data stay."""
        if self._process is None:
            return
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End the server and its children with SIGKILL, as a crash would; what is on disk stays."""
        if self._process is None:
            return
        children = children_of(self._process.pid)
        kill_all([self._process.pid, *children])
        self._process.wait()
        self._process = None

    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")

    def close(self) -> None:
        """End the server and remove its data."""
        with self._cleanup:
            self.kill()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class RedisServer(Server):
    """A Redis. It saves its data when stopped; after `kill` it has what it saved before, if anything."""

    # Each acceptance test takes a logical database of its own; the default of 16 is few for many at once.
    databases = 128

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _command(self) -> list[str]:
        program = find_redis()
        if program is None:
            raise ServerError("redis-server was not found; install the package redis-server, or set REDIS_URL")
        where = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.directory)]
        return [program, *where, "--databases", str(self.databases)]

    def _answers(self) -> bool:
        with contextlib.suppress(redis.ConnectionError), redis.Redis.from_url(self.url) as client:
            return bool(client.ping())
        return False

    def empty(self) -> None:
        """Throw away everything in the running server."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()


class PostgresServer(Server):
    """A PostgreSQL with one superuser `postgres` and the empty database `postgres`."""

    death_signal = signal.SIGQUIT  # at once, without leaving shared memory behind as SIGKILL does
    stop_signal = signal.SIGINT  # ends the sessions that are open, then checkpoints
    max_connections = 200

    def __init__(self) -> None:
        super().__init__()
        self._password = secrets.token_hex(16)
        self._data = self.directory / "data"

    @property
    def url(self) -> str:
        return f"postgresql://postgres:{self._password}@127.0.0.1:{self.port}/postgres"

    def _user(self) -> dict[str, Any]:
        # PostgreSQL refuses to run as root.
        if os.geteuid() != 0:
            return {}
        user = pwd.getpwnam("postgres")
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def start(self) -> None:
        if not self._data.exists():
            self._initialise()
        super().start()

    def _program(self, name: str) -> str:
        program = find_postgres(name)
        if program is None:
            raise ServerError(f"{name} was not found; install the package postgresql, or set DATABASE_URL")
        return program

    def _initialise(self) -> None:
        program = self._program("initdb")
        password = self.directory / "password"
        password.touch(mode=0o600)
        password.write_text(self._password)
        if os.geteuid() == 0:
            shutil.chown(self.directory, "postgres")
            shutil.chown(password, "postgres")
        options = [
            "-U",
            "postgres",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C",
            "--pwfile",
            str(password),
        ]
        done = subprocess.run(
            [program, "-D", str(self._data), "--no-sync", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.directory,
            check=False,
            **self._user(),
        )
        password.unlink()
        if done.returncode != 0:
            raise ServerError(f"initdb failed:\n{done.stdout.decode(errors='replace')}")

    def _command(self) -> list[str]:
        where = ["-D", str(self._data), "-p", str(self.port), "-k", str(self.directory)]
        options = ["-c", "listen_addresses=127.0.0.1", "-c", f"max_connections={self.max_connections}"]
        return [self._program("postgres"), *where, *options]

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=5):
            return True
        return False


@contextlib.contextmanager
def servers_in_environment() -> Iterator[None]:
    """Start what REDIS_URL and DATABASE_URL do not name yet, and let them name it."""
    with contextlib.ExitStack() as stack:
        if "REDIS_URL" not in os.environ:
            os.environ["REDIS_URL"] = stack.enter_context(RedisServer()).url
        if "DATABASE_URL" not in os.environ:
            os.environ["DATABASE_URL"] = stack.enter_context(PostgresServer()).url
        yield


if __name__ == "__main__":
    if sys.argv[1:] != ["missing-packages"]:
        sys.exit("usage: python -m tests.servers missing-packages")
    print(" ".join(missing_packages()))
