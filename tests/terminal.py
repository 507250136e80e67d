"""A command on a pseudo-terminal, as a person has it before them, who may press Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import wait_until

SECONDS = 60.0
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
CTRL_C = b"\x03"


class Terminal:
    def __init__(self, arguments: list[str], environment: dict[str, str], directory: Path, columns: int) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        self._read = b""
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment, "TERM": "xterm-256color"},
            cwd=directory,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read_all, daemon=True)
        self._reader.start()

    @property
    def raw(self) -> str:
        """All that was written, with colours and movements of the cursor."""
        return self._read.decode(errors="replace")

    @property
    def text(self) -> str:
        return _ESCAPES.sub("", self.raw)

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.text, SECONDS, lambda: f"{text!r} appears in:\n{self.text}")

    def press(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def wait(self) -> int:
        """The exit code, when it has ended and all has been read."""
        code = self._process.wait(SECONDS)
        self._reader.join(SECONDS)
        return code

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._reader.join(SECONDS)
        os.close(self._master)

    def _read_all(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65_536)
            except OSError:  # Nobody has the other end any more.
                return
            if not data:
                return
            self._read += data


@contextmanager
def terminal(
    arguments: list[str], environment: dict[str, str], directory: Path, columns: int = 100
) -> Iterator[Terminal]:
    """Run Python with the arguments; it is killed at the end of the block if it has not ended."""
    opened = Terminal(arguments, environment, directory, columns)
    try:
        yield opened
    finally:
        opened.close()
