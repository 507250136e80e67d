"""What the matrix is made of, and what of it this machine has."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

PYTHONS: Final = ("3.11", "3.12", "3.13")
DJANGOS: Final = ("5.2", "6.0")
DATABASES: Final = ("PostgreSQL", "MariaDB", "SQLite")
BROKERS: Final = ("Redis", "RabbitMQ", "embedded")
OLDEST_PYTHON: Final = {"6.0": "3.12"}
"""By its own metadata."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """A Python with a Django, and the rest as new as may be, or as old."""

    python: str
    django: str
    is_lowest: bool = False

    def __str__(self) -> str:
        return f"Python {self.python}, Django {self.django}, {'lowest' if self.is_lowest else 'highest'} pins"

    @property
    def key(self) -> str:
        return f"{self.python}-{self.django}-{'lowest' if self.is_lowest else 'highest'}"


def installations() -> Iterator[Installation]:
    """Every Python with every Django and the highest pins; the lowest ones with the oldest Python of each Django."""
    for python in PYTHONS:
        for django in DJANGOS:
            yield Installation(python=python, django=django)
    for django in DJANGOS:
        yield Installation(python=OLDEST_PYTHON.get(django, PYTHONS[0]), django=django, is_lowest=True)


def why_not(installation: Installation) -> str:
    """Why it cannot be made here, or "" if it can."""
    oldest = OLDEST_PYTHON.get(installation.django, PYTHONS[0])
    if PYTHONS.index(installation.python) < PYTHONS.index(oldest):
        return f"Django {installation.django} wants Python {oldest}"
    if find_python(installation.python) is None:
        return f"there is no Python {installation.python}"
    return ""


def find_python(version: str) -> str | None:
    """A Python of the version where pyenv and uv put theirs, or in PATH: there pyenv has some that do not start."""
    folders = ("~/.pyenv/versions/{}.*/bin", "~/.local/share/uv/python/cpython-{}.*/bin", "/opt/python*/bin")
    paths = [f"{os.path.expanduser(folder.format(version))}/python{version}" for folder in folders]
    found = sorted((each for path in paths for each in glob.glob(path)), reverse=True)
    return next(iter(found), None) or shutil.which(f"python{version}")
