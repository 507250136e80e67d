"""A PostgreSQL of one's own."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from typing import Any

import psycopg

from tests.servers.programs import find_postgres
from tests.servers.server import Server, ServerError

_HASTY = ("fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0", "checkpoint_timeout=1h")


class PostgresServer(Server):
    """A PostgreSQL with one superuser `postgres` and the empty database `postgres`."""

    death_signal = signal.SIGQUIT  # at once, without leaving shared memory behind as SIGKILL does
    stop_signal = signal.SIGINT  # ends the sessions that are open, then checkpoints
    max_connections = 200

    def __init__(self, *, is_durable: bool = True) -> None:
        """What is not durable outlives no crash of the machine, and waits for no disk."""
        super().__init__()
        self._is_durable = is_durable
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
        hasty = [] if self._is_durable else [word for setting in _HASTY for word in ("-c", setting)]
        return [self._program("postgres"), *where, *options, *hasty]

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=5):
            return True
        return False
