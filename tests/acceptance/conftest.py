"""The stages of the acceptance tests."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.stages import Stage, set_up
from tests.processes import ProjectMaker


@pytest.fixture(scope="session")
def open_stage(
    make_project: ProjectMaker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Stage]]:
    """Set up a stage when it is first asked for; all end with the run."""
    stages: dict[str, Stage] = {}
    with contextlib.ExitStack() as stack:

        def open_stage(name: str) -> Stage:
            if name not in stages:
                stages[name] = stack.enter_context(set_up(name, tmp_path_factory.mktemp(name), make_project))
            return stages[name]

        yield open_stage


@pytest.fixture
def stage(request: pytest.FixtureRequest, open_stage: Callable[[str], Stage]) -> Stage:
    return open_stage(request.param)
