"""Where scenes are played: a project and what runs its executions, kept for all tests that ask for it.

"prefork" is two workers of four processes and "threads" one worker of six threads, on PostgreSQL and Redis;
"embedded" is one process that does everything, on SQLite.
"""

from __future__ import annotations

import contextlib
import json
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.proc import die_with_parent
from tests.processes import Project, ProjectMaker

SCENES = "tests.acceptance.scenes"
SCENE_SECONDS = 180.0
STOP_SECONDS = 30.0
TRIES = 4


class Player:
    """A process of the project that plays one scene after the other."""

    def __init__(self, project: Project, *mode: str) -> None:
        self._log = project.directory / "player.log"
        with self._log.open("ab") as log:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", SCENES, *mode],
                env=project.environment(),
                cwd=project.directory,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )

    def play(self, scene: str) -> Any:
        """Play `module.function` of the scenes and return what came of it."""
        questions, answers = self._popen.stdin, self._popen.stdout
        assert questions is not None
        assert answers is not None
        questions.write(f"{scene}\n".encode())
        readable, _, _ = select.select([answers], [], [], SCENE_SECONDS)
        assert readable, f"{scene} was not played within {SCENE_SECONDS:g} s:\n{self._log_end()}"
        answer = json.loads(answers.readline() or b'{"error": "the player has ended"}')
        assert "error" not in answer, f"{answer['error']}\n{self._log_end()}"
        return answer["found"]

    def close(self) -> None:
        """End it in order: it has read all that there is."""
        try:
            self._popen.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.communicate()

    def _log_end(self) -> str:
        return self._log.read_text(errors="replace")[-4_000:]


class Stage:
    """A project, and who plays on it."""

    def __init__(self, name: str, project: Project, stack: contextlib.ExitStack) -> None:
        self.name = name
        self.project = project
        self._stack = stack
        self._player = self._enter_player()
        self._found: dict[str, Any] = {}

    def play(self, scene: str) -> Any:
        return self._player.play(scene)

    def play_in_time(self, scene: str, seconds: Callable[[Any], float], most: float) -> Iterator[Any]:
        """Give what came of the scene, played until it takes no longer: on a busy machine, one time says little."""
        for _ in range(TRIES):
            found = self.play(scene)
            yield found
            if seconds(found) <= most:
                return
        raise AssertionError(
            f"{scene} took {seconds(found):.2f} s the last of {TRIES} times, and never {most:g} s or less"
        )

    def play_once(self, scene: str) -> Any:
        """Return what came of the scene when it was first played, for several tests to judge."""
        if scene not in self._found:
            self._found[scene] = self.play(scene)
        return self._found[scene]

    def play_twice_at_once(self, scene: str) -> list[Any]:
        players = [self._player, self._enter_player()]
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda player: player.play(scene), players))

    def _enter_player(self) -> Player:
        player = Player(self.project, *(["embedded"] if self.name == "embedded" else []))
        self._stack.callback(player.close)
        return player


@contextlib.contextmanager
def set_up(name: str, directory: Path, make_project: ProjectMaker) -> Iterator[Stage]:
    with contextlib.ExitStack() as stack:
        if name == "embedded":
            database = f"sqlite:///{directory / 'ledger.sqlite3'}"
            project = Project(directory, database_url=database, broker_url="memory://")
        else:
            project = stack.enter_context(make_project(directory))
            for _ in range(2 if name == "prefork" else 1):
                project.worker(name, 4 if name == "prefork" else 6)
        yield Stage(name, project, stack)


def stages(*names: str) -> pytest.MarkDecorator:
    """Let a test run on some of the stages; each is set up by one of xdist's workers."""
    marked = [pytest.param(name, marks=pytest.mark.xdist_group(f"stage {name}")) for name in names]
    return pytest.mark.parametrize("stage", marked, indirect=True)


every_stage = stages("prefork", "threads", "embedded")
