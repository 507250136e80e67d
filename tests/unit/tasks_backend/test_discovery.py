"""Tasks are found where they are looked for, and nothing of it is loaded by projects without `TASKS`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deferapp import tasks_backend
from deferapp.functions import registry
from deferapp.tasks_backend import discovery
from deferapp.testing import run_enqueued
from tests.unit.conftest import MakePackage

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "django-tasks.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```\n", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of modules that were looked for in all apps."""
    found: list[str] = []
    monkeypatch.setattr(discovery, "autodiscover_modules", found.append)
    return found


def test_the_tasks_of_apps_are_imported_where_our_backend_runs_them(imported: list[str]) -> None:
    discovery.import_tasks()
    assert imported == ["tasks"]


@pytest.mark.parametrize("backends", [{}, {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend"}}])
def test_the_tasks_of_apps_are_left_alone_elsewhere(backends: Any, settings: Any, imported: list[str]) -> None:
    settings.TASKS = backends
    discovery.import_tasks()
    assert imported == []


def test_a_project_without_tasks_loads_no_library_of_tasks() -> None:
    code = "import django, sys; django.setup(); print({'django_tasks', 'django.tasks'} & set(sys.modules))"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    printed = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert printed.stdout.strip() == "set()"


def test_a_name_that_there_is_not_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'EagerBackend'"):
        _ = tasks_backend.EagerBackend


@pytest.mark.django_db
def test_the_examples_of_the_page_run(make_package: MakePackage) -> None:
    tasks, use = (block for block in BLOCKS if "count_words" in block)
    make_package("shop", {"tasks.py": tasks})
    module: dict[str, Any] = {}
    exec(use, module)
    assert [function.name for function in registry.functions()] == ["shop.tasks.count_words", "shop.tasks.tell_attempt"]
    run_enqueued()
    module["result"].refresh()
    module["later"].refresh()
    assert (module["result"].return_value, module["later"].is_finished) == (2, False)


def test_the_settings_of_the_page_are_understood(settings: Any) -> None:
    from django_tasks import task_backends

    for block in BLOCKS:
        if block.startswith("TASKS ="):
            module: dict[str, Any] = {}
            exec(block, module)
            settings.TASKS = module["TASKS"]
            assert {type(task_backends[alias]).__name__ for alias in settings.TASKS} == {"DeferBackend"}
