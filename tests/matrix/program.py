"""`bin/test matrix`: a quick selection of the tests on every Python, Django, database and broker that is here.

Each installation is an environment of its own, made by uv; servers are shared. Prints a line for each cell as it ends,
and last what was left out, and why. The exit code is 1 if a cell failed. `--only 3.13` takes the installations whose
name has the word, `--pairs` every database with every broker instead of each once.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.leases import ROOT
from tests.matrix.cells import BROKERS, DATABASES, Installation, find_python, installations, why_not
from tests.servers import PostgresServer, RabbitServer, RedisServer, Server, ServerError
from tests.servers.mariadb import MariaServer

SELECTION: Final = (
    "tests/unit/schedules/test_sync.py",
    "tests/unit/schedules/test_tick.py",
    "tests/unit/models",
    "tests/unit/executions/test_life.py",
    "tests/unit/executions/test_pauses.py",
    "tests/unit/options/test_pages.py",
)
TOOLS: Final = (
    "pytest", "pytest-django", "pytest-xdist", "pytest-randomly", "pytest-asyncio", "hypothesis", "httpx", "polib",
    "psycopg", "django-anymail", "aiosmtpd", "amqp",
)  # fmt: skip
SERVERS: Final[dict[str, type[Server]]] = {
    "PostgreSQL": PostgresServer,
    "MariaDB": MariaServer,
    "Redis": RedisServer,
    "RabbitMQ": RabbitServer,
}
PROJECT: Final = str(ROOT / "pyproject.toml")
SECONDS: Final = 1800


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    left_out: list[str] = []
    failed: list[str] = []
    with contextlib.ExitStack() as stack:
        urls = {"SQLite": "", "embedded": "", **dict(_started(stack, left_out))}
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="deferapp-matrix-")))
        for installation in installations():
            if options.only not in str(installation):
                continue
            if why := why_not(installation):
                left_out.append(f"{installation}: {why}")
                continue
            failed += _cells(installation, directory / installation.key, urls, every_pair=options.pairs)
    for line in left_out:
        print(f"left out: {line}")
    print(f"matrix: {len(failed)} failed" + "".join(f"\n  {line}" for line in failed), flush=True)
    return 1 if failed else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/test matrix", description=__doc__)
    parser.add_argument("--only", default="", help="a word, as in 'Python 3.13' or 'lowest'")
    parser.add_argument("--pairs", action="store_true", help="every database with every broker")
    return parser.parse_args(arguments)


def _started(stack: contextlib.ExitStack, left_out: list[str]) -> Iterator[tuple[str, str]]:
    for name, kind in SERVERS.items():
        try:
            yield name, stack.enter_context(kind()).url
        except (ServerError, AssertionError) as error:  # not there, or not ready in time
            left_out.append(f"{name}: {str(error).splitlines()[0]}")


def _cells(installation: Installation, directory: Path, urls: dict[str, str], *, every_pair: bool) -> Iterator[str]:
    """Run the cells of one installation; what failed, a line each."""
    if problem := _install(installation, directory, with_mariadb="MariaDB" in urls):
        yield f"{installation}: cannot be installed: {problem}"
        return
    for database in (name for name in DATABASES if name in urls):
        name = f"{installation}, {database}"
        variables = {"DATABASE_URL": urls[database] or "sqlite:///"}
        if not _passes(name, directory, variables, *SELECTION):
            yield name
    pairs = _pairs(urls, every_pair=every_pair)
    name = f"{installation}, " + ", ".join(f"{database} and {broker}" for database, _, broker, _ in pairs)
    if not _passes(name, directory, {"MATRIX": json.dumps(pairs)}, "tests/matrix/test_broker.py"):
        yield name


def _pairs(urls: dict[str, str], *, every_pair: bool) -> list[tuple[str, str, str, str]]:
    names = (
        [(database, broker) for database in DATABASES for broker in BROKERS]
        if every_pair
        else list(zip(DATABASES, BROKERS, strict=True))
    )
    return [(one, urls[one], other, urls[other]) for one, other in names if one in urls and other in urls]


def _install(installation: Installation, directory: Path, *, with_mariadb: bool) -> str:
    """Make the environment; what went wrong, if anything did."""
    uv = str(Path(sys.executable).with_name("uv"))
    python = str(directory / "bin/python")
    lowest = ["--resolution", "lowest-direct"] if installation.is_lowest else []
    tools = _pins(ROOT / "requirements-dev.txt", ROOT / "requirements.txt")
    wanted = [f"django=={installation.django}.*", *(tools[name] for name in TOOLS)]
    if with_mariadb:
        wanted.append(_pins(ROOT / "requirements-mariadb.txt")["mysqlclient"])
    for command in (
        [uv, "venv", "--quiet", "--python", find_python(installation.python) or "", str(directory)],
        [uv, "pip", "install", "--quiet", "--python", python, *lowest, "-r", PROJECT, "--all-extras", *wanted],
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        if done.returncode:
            return done.stderr.strip()
    return ""


def _pins(*files: Path) -> dict[str, str]:
    lines = [line for file in files for line in file.read_text().splitlines() if "==" in line and line[0] != "#"]
    return {re.split(r"[\[=]", line)[0]: line for line in lines}


def _passes(name: str, directory: Path, variables: dict[str, str], *paths: str) -> bool:
    ours = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "CI", "VIRTUAL_ENV")}
    began = time.monotonic()
    done = subprocess.run(
        [str(directory / "bin/python"), "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", *paths],
        cwd=ROOT,
        env={**ours, **variables, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    summary = next(iter(reversed(done.stdout.strip().splitlines())), "")
    print(
        f"{'ok' if done.returncode == 0 else 'FAILED'}: {name}: {summary} ({time.monotonic() - began:.0f} s)",
        flush=True,
    )
    if done.returncode:
        print(f"{done.stdout[-6000:]}{done.stderr[-2000:]}", flush=True)
    return done.returncode == 0
