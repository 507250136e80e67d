"""A MariaDB of one's own. Only the matrix starts it; other tests take the one that DATABASE_URL names."""

from __future__ import annotations

import pwd
import socket
import subprocess
from typing import Any

from tests.servers.programs import find_program
from tests.servers.server import Server, ServerError


class MariaServer(Server):
    """A MariaDB with the defaults of its package, and names that are told apart as docs/existing-project.md wants."""

    def __init__(self) -> None:
        super().__init__()
        self._data = self.directory / "data"

    @property
    def url(self) -> str:
        return f"mysql://root@127.0.0.1:{self.port}/any"

    def start(self) -> None:
        if not self._data.exists():
            self._initialise()
        super().start()

    def _initialise(self) -> None:
        install = find_program("mariadb-install-db", "/usr/bin", "/usr/local/bin")
        if install is None:
            raise ServerError("mariadb-install-db was not found; install the package mariadb-server")
        command = [install, "--no-defaults", f"--datadir={self._data}", "--auth-root-authentication-method=normal"]
        done = subprocess.run([*command, "--skip-test-db"], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ServerError(f"mariadb-install-db failed:\n{done.stdout}{done.stderr}")
        subprocess.run(["chown", "-R", _owner(), str(self.directory)], check=True)

    def _command(self) -> list[str]:
        program = find_program("mariadbd", "/usr/sbin", "/usr/local/sbin")
        if program is None:
            raise ServerError("mariadbd was not found; install the package mariadb-server")
        where = [f"--datadir={self._data}", f"--socket={self.directory}/socket", "--bind-address=127.0.0.1"]
        texts = ["--character-set-server=utf8mb4", "--collation-server=utf8mb4_nopad_bin"]
        return [program, "--no-defaults", *where, *texts, f"--port={self.port}", f"--pid-file={self.directory}/pid"]

    def _user(self) -> dict[str, Any]:
        return {"user": _owner()}

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def _owner() -> str:
    """MariaDB refuses to run as root."""
    try:
        return pwd.getpwnam("mysql").pw_name
    except KeyError:
        raise ServerError("there is no user mysql; install the package mariadb-server") from None
