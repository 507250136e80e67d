"""What was built is installed into environments that have nothing else, and used there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.environments import Environment, extras

pytestmark = pytest.mark.xdist_group("packaging")

SMOKE = Path(__file__).with_name("smoke.py")
MODULES = """
import importlib.metadata as metadata, json, sys
wanted = set(json.loads(sys.argv[1]))
found = metadata.packages_distributions().items()
print(json.dumps(sorted(module for module, names in found if wanted & {name.lower() for name in names})))
"""

MakeEnvironment = Callable[[], Environment]


def smoke(environment: Environment, directory: Path) -> list[str]:
    """Make a project, run functions, open pages; return what deferapp has imported for that."""
    project = environment.start_project(directory)
    answer = json.loads(environment.run("python", str(SMOKE), directory=project).splitlines()[-1])
    assert answer["results"] == ["Hello, Ada", 1]
    imported: list[str] = answer["imported"]
    assert "django" in imported
    return imported


def test_the_wheel_alone_is_enough(wheel: Path, make_environment: MakeEnvironment, tmp_path: Path) -> None:
    environment = make_environment()
    environment.install(str(wheel))
    smoke(environment, tmp_path)


def test_the_sdist_installs_too(sdist: Path, make_environment: MakeEnvironment, tmp_path: Path) -> None:
    environment = make_environment()
    environment.install(str(sdist))
    smoke(environment, tmp_path)


@pytest.mark.parametrize("extra", extras())
def test_each_extra_works_alone(wheel: Path, make_environment: MakeEnvironment, tmp_path: Path, extra: str) -> None:
    environment = make_environment()
    environment.install(f"{wheel}[{extra}]")
    smoke(environment, tmp_path)


def test_all_extras_work_together_and_none_is_imported_unless_used(
    wheel: Path, make_environment: MakeEnvironment, tmp_path: Path
) -> None:
    environment = make_environment()
    environment.install(str(wheel))
    before = names(environment)
    environment.install(f"{wheel}[{','.join(extras())}]")
    modules = json.loads(environment.run("python", "-c", MODULES, json.dumps(names(environment, before))))
    assert modules, "the extras bring modules"
    used = set(modules) & set(smoke(environment, tmp_path))
    assert not used


def names(environment: Environment, without: list[str] | None = None) -> list[str]:
    """The distributions that are installed, in lower case."""
    code = "import importlib.metadata as m; print('\\n'.join(d.name.lower() for d in m.distributions()))"
    return sorted(set(environment.run("python", "-c", code).split()) - set(without or []))
