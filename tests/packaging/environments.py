"""Building the wheel and the sdist, and environments that have nothing but what is installed into them.

Packages come from the registry or from uv's cache; everything else is in a temporary directory.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

from tests.leases import ROOT

BIN: Final = Path(sys.executable).parent
SECONDS: Final = 600
"""For one command, which may download what it installs."""


def project_table() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def extras() -> list[str]:
    return sorted(project_table().get("optional-dependencies", {}))


def tracked(folder: str = ".") -> list[str]:
    """The files under git, as paths from the root, that are in the work tree."""
    listed = run([shutil.which("git") or "git", "ls-files", "-z", folder], ROOT, dict(os.environ)).split("\0")
    return [name for name in listed if name and (ROOT / name).is_file()]


def build(directory: Path) -> Path:
    """Build sdist and wheel as a maintainer does, from a copy of what is under git; return the folder of both."""
    source = directory / "source"
    for name in tracked():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, source / name)
    run([sys.executable, "-m", "build", "--installer", "uv", "."], source, bare())
    return source / "dist"


def bare(bin_of: Path = BIN) -> dict[str, str]:
    """The variables of a shell in which an environment is active, and nothing of the tests' own."""
    ours = ("DJANGO_", "PYTHON", "PYTEST_", "TESTS_", "DEFERAPP_", "VIRTUAL_ENV", "REDIS_URL", "DATABASE_URL", "CI")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**variables, "PATH": f"{bin_of}{os.pathsep}{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"}


def run(command: list[str], directory: Path, environment: dict[str, str]) -> str:
    """Return what a command printed; fail with all of it when it does not end with 0."""
    done = subprocess.run(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


class Environment:
    """A virtual environment in a folder of its own."""

    def __init__(self, directory: Path, python: str = sys.executable) -> None:
        self.directory = directory
        self.bin = directory / "bin"
        run([str(BIN / "uv"), "venv", "--quiet", "--python", python, str(directory)], directory.parent, bare())

    def install(self, *requirements: str) -> None:
        python = str(self.bin / "python")
        command = [str(BIN / "uv"), "pip", "install", "--quiet", "--python", python, *requirements]
        run(command, self.directory, bare())

    @property
    def variables(self) -> dict[str, str]:
        return bare(self.bin)

    def run(self, program: str, *arguments: str, directory: Path | None = None, **variables: str) -> str:
        """Run a program of this environment."""
        return run([str(self.bin / program), *arguments], directory or self.directory, {**self.variables, **variables})

    def succeeds(self, program: str, *arguments: str, directory: Path, **variables: str) -> bool:
        """Run a program that may fail for a moment, where a busy machine makes something late."""
        try:
            self.run(program, *arguments, directory=directory, **variables)
        except AssertionError:
            return False
        return True

    def start_project(self, directory: Path, name: str = "shop") -> Path:
        """Make a project from the template of what is installed here, in an empty folder."""
        template = self.run("python", "-m", "deferapp", "template").strip()
        self.run("django-admin", "startproject", name, "--template", template, directory=directory)
        return directory / name
