"""What all servers of the tests have in common: a directory, a port, a beginning and several ends."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from tests.proc import children_of, die_with_parent, kill_all
from tests.waiting import wait_until

# A path of a unix socket has 107 characters at most, and PostgreSQL adds its own name to the directory's.
MAX_DIRECTORY_LENGTH = 70
START_SECONDS = 180.0  # A RabbitMQ on a machine that is very busy has taken more than 60.
STOP_SECONDS = 60.0

# Below Linux's range for outgoing connections: a port of this range stays free while its server is down.
PORTS = range(20_000, 32_000)


class ServerError(Exception):
    """A server could not be started."""


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

    def _environment(self) -> dict[str, str]:
        return dict(os.environ)

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
                env=self._environment(),
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
