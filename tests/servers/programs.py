"""Where the programs of the servers are, and which Debian packages bring those that are missing."""

from __future__ import annotations

import glob
import os
import shutil


def find_program(name: str, *folders: str) -> str | None:
    """Return the path of a program from PATH or, newest version first, from folders given as patterns."""
    found = sorted((path for folder in folders for path in glob.glob(f"{folder}/{name}")), reverse=True)
    return shutil.which(name) or next(iter(found), None)


def find_redis() -> str | None:
    return find_program("redis-server", "/usr/bin", "/usr/local/bin")


def find_postgres(name: str = "initdb") -> str | None:
    return find_program(name, "/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin")


def find_rabbit() -> str | None:
    """Not the script that Debian has in PATH: it changes to another user, who may not write where we do."""
    paths = glob.glob("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server")
    return max(paths, default=None) or shutil.which("rabbitmq-server")


def find_epmd() -> str | None:
    return find_program("epmd", "/usr/lib/erlang/bin")


def find_chromium() -> str | None:
    return find_program("chromium", "/usr/bin", "/usr/lib/chromium")


def missing_packages() -> list[str]:
    """Return the Debian packages that bring what is missing; a server that is given needs none."""
    needs = [
        ("redis-server", "REDIS_URL" in os.environ or find_redis()),
        ("postgresql", os.environ.get("DATABASE_URL", "").startswith("postgres") or find_postgres()),
        ("rabbitmq-server", find_rabbit()),
        ("chromium", find_chromium()),
    ]
    return [package for package, there in needs if not there]
