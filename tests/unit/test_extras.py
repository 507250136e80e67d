"""No extra is needed by those who do not use it: the app loads while nothing that extras bring can be imported."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOAD = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name in sys.argv[1:]:
            raise ModuleNotFoundError(f"{name} is blocked", name=name)

sys.meta_path.insert(0, Blocked())
import django
django.setup()
import deferapp.celery, deferapp.embedded, deferapp.health.views, deferapp.views
from django.core.management import call_command
from django.urls import reverse
call_command("check")
reverse("admin:app_list", args=["deferapp"])
"""


def modules() -> set[str]:
    """What the packages of the extras are imported as, where they are installed."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {
        canonicalize_name(Requirement(line).name) for lines in table["optional-dependencies"].values() for line in lines
    }
    return {module for module, names in packages_distributions().items() if wanted & set(map(canonicalize_name, names))}


def test_the_app_loads_while_what_extras_bring_cannot_be_imported() -> None:
    blocked = modules()
    assert {"rich", "slack_sdk"} <= blocked
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *sorted(blocked)],
        cwd=ROOT,
        env={**ours, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
