"""`python -m tests [FOLDER] [arguments of pytest]`: pytest, between the start and the end of its servers.

Without any path, everything but what takes long: `packaging` and `projects` run when they are named.

A first word that names a folder of `tests/`, as in `bin/test unit -k cron`, is short for that folder. But `chaos` is a
program of its own, with servers of its own: `bin/test chaos --seed 1 --minutes 5`; and so is `matrix`.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType

import pytest

from tests.chaos.program import main as chaos
from tests.matrix.program import main as matrix
from tests.servers import servers_in_environment

TESTS = Path(__file__).resolve().parent

# Options that say how many processes run the tests, or that need all of them in this one.
ABOUT_PROCESSES = ("-n", "--numprocesses", "--dist", "--pdb", "--trace", "--collect-only", "--co", "no:xdist")

LONG = ("matrix", "packaging", "projects")
# Tests with real processes mostly wait, so that three share a core. In these folders, none does.
WAITING_A_CORE = 3
BUSY = ("unit", "parallel")


def main(arguments: list[str]) -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    if arguments[:1] == ["chaos"]:
        return chaos(arguments[1:])
    if arguments[:1] == ["matrix"]:
        return matrix(arguments[1:])
    with servers_in_environment():
        return int(pytest.main(_with_defaults(arguments)))


def _interrupt(number: int, frame: FrameType | None) -> None:
    # Pytest and then the servers end in order. Set for SIGINT too: a shell starts its background jobs without it.
    raise KeyboardInterrupt


def _with_defaults(arguments: list[str]) -> list[str]:
    folder = arguments[0] if arguments and arguments[0].isidentifier() else ""
    if folder and (TESTS / folder).is_dir():
        arguments = [str(TESTS / folder), *arguments[1:]]
    if not any("tests/" in argument for argument in arguments):
        arguments = [*arguments, *(f"--ignore={TESTS / each}" for each in LONG)]
    if any(argument.startswith(ABOUT_PROCESSES) for argument in arguments):
        return arguments
    processes = (os.cpu_count() or 1) * (1 if folder in BUSY else WAITING_A_CORE)
    return ["-n", str(processes), "--dist", "loadgroup", *arguments]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
