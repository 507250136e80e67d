"""Processes of projects, forked by one that has imported what others have written: most of a start is spared.

See `tests/forker.py`, which is that process.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

from tests.leases import ROOT
from tests.proc import die_with_parent

POLL_SECONDS: Final = 0.02
ANSWER_SECONDS: Final = 60.0
FORKER: Final = Path(__file__).with_name("forker.py")


class Started:
    """A process that was forked; to be used like a `subprocess.Popen`."""

    def __init__(self, starter: Starter, pid: int) -> None:
        self._starter = starter
        self.pid = pid

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        return self._starter.exit_code(self.pid)

    def wait(self, timeout: float) -> int:
        ends = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > ends:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
            time.sleep(POLL_SECONDS)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class Starter:
    """The process, seen from the tests: it lives as long as these."""

    def __init__(self) -> None:
        # What reads settings must not be imported before a project says where they are: so it would fail.
        without_django = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        self._popen = subprocess.Popen(
            [sys.executable, "-P", str(FORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**without_django, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
        self._lock = threading.Lock()
        self._exit_codes: dict[int, int] = {}
        self._pids: list[int] = []
        atexit.register(self._end)

    def start(
        self, arguments: list[str], environment: dict[str, str], directory: Path, output: Path, errors: Path
    ) -> Started:
        """Start `python` with the arguments; what it prints is appended to the files."""
        request = {
            "arguments": arguments,
            "environment": environment,
            "directory": str(directory),
            "output": str(output),
            "errors": str(errors),
        }
        with self._lock:
            assert self._popen.stdin is not None
            self._popen.stdin.write(json.dumps(request).encode() + b"\n")
            self._popen.stdin.flush()
            while not self._pids:
                self._read(ANSWER_SECONDS)
            return Started(self, self._pids.pop())

    def exit_code(self, pid: int) -> int | None:
        """The exit code of what was forked, or minus the signal that killed it; None while it lives."""
        with self._lock:
            while self._read(0):
                pass
            return self._exit_codes.get(pid)

    def _read(self, seconds: float) -> bool:
        """Take the next thing that the process has to say, if it comes in time."""
        assert self._popen.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._popen.stdout, selectors.EVENT_READ)
            if not selector.select(seconds):
                assert not seconds, f"the starter has not answered within {seconds:g} s"
                return False
        kind, pid, code = _read_line(self._popen.stdout.fileno())
        if kind == "started":
            self._pids.append(pid)
        else:
            self._exit_codes[pid] = code
        return True

    def _end(self) -> None:
        self._popen.kill()
        self._popen.communicate()


def _read_line(file: int) -> Any:
    """Read a line and nothing beyond it: what is left is seen by `select`."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(file, 1)
        assert byte, "the starter has ended"
        line += byte
    return json.loads(line)


@functools.cache
def starter() -> Starter:
    """The one of this process, started when it is first needed."""
    return Starter()
