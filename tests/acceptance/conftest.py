"""The stages of the acceptance tests."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.stages import Stage, set_up
from tests.processes import ProjectMaker

# What ends the stage that is set up. A stage costs something also when nobody plays on it.
_ENDS = pytest.StashKey[contextlib.ExitStack]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    yield
    if nextitem is None or _stage_of(nextitem) != _stage_of(item):
        item.session.stash.setdefault(_ENDS, contextlib.ExitStack()).close()


def _stage_of(item: pytest.Item) -> object:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("stage") if callspec is not None else None


@pytest.fixture(scope="session")
def open_stage(
    request: pytest.FixtureRequest, make_project: ProjectMaker, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Stage]:
    """Set up a stage when it is first asked for; it ends with the last test that plays on it in a row."""
    stages: dict[str, Stage] = {}
    ends = request.session.stash.setdefault(_ENDS, contextlib.ExitStack())

    def open_stage(name: str) -> Stage:
        if name not in stages:
            stages[name] = ends.enter_context(set_up(name, tmp_path_factory.mktemp(name), make_project))
            ends.callback(stages.pop, name)
        return stages[name]

    return open_stage


@pytest.fixture
def stage(request: pytest.FixtureRequest, open_stage: Callable[[str], Stage]) -> Stage:
    return open_stage(request.param)
