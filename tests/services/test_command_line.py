"""The command line in processes of its own: on a terminal with and without rich, in pipes, and under Ctrl-C."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.processes import Project, ProjectMaker
from tests.terminal import CTRL_C, Terminal, terminal
from tests.waiting import wait_until

SECONDS = 60.0
COLOURED = "\x1b["
SHOWS_CURSOR, HIDES_CURSOR = "\x1b[?25h", "\x1b[?25l"

pytestmark = pytest.mark.xdist_group("command line")


@pytest.fixture(scope="module")
def site(make_project: ProjectMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with a worker, and two executions that have ended."""
    with make_project(tmp_path_factory.mktemp("command_line")) as project:
        project.worker("prefork", 2)
        project.python("from tests.shop.defer import note, fail; note.note('hello'); fail.fail('Elm St')")
        wait_until(lambda: project.states("note") + project.states("fail"), SECONDS, "both are there")
        project.wait_for_states("note", SECONDS, succeeded=1)
        project.wait_for_states("fail", SECONDS, failed=1)
        yield project


def on_terminal(project: Project, *words: str, without: Path | None = None) -> AbstractContextManager[Terminal]:
    environment = project.environment()
    if without is not None:
        environment["PYTHONPATH"] = f"{without}:{environment['PYTHONPATH']}"
    return terminal(["-m", "django", "defer", *words], environment, project.directory)


def piped(project: Project, words: str, end: str = "") -> subprocess.CompletedProcess[str]:
    """`manage.py defer …` in a shell."""
    command = f"{sys.executable} -m django defer {words} {end}"
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env=project.environment(),
        cwd=project.directory,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_on_a_terminal_there_are_tables_and_colours(site: Project) -> None:
    with on_terminal(site, "executions", "fn:note", "fn:fail") as shown:
        assert shown.wait() == 0
        assert "───" in shown.text
        assert "✓ succeeded" in shown.text
        assert "✕ failed" in shown.text
        assert COLOURED in shown.raw


def test_on_a_terminal_without_rich_and_in_a_pipe_lines_are_plain_and_the_same(site: Project, tmp_path: Path) -> None:
    (tmp_path / "rich.py").write_text("raise ImportError('not installed')\n")
    with on_terminal(site, "executions", "fn:note", "fn:fail", without=tmp_path) as shown:
        assert shown.wait() == 0
    done = piped(site, "executions fn:note fn:fail")
    assert (done.returncode, done.stderr) == (0, "")
    assert shown.text.replace("\r\n", "\n") == done.stdout
    assert COLOURED not in shown.raw
    assert done.stdout.splitlines()[0].split()[:3] == ["id", "function", "state"]


def test_rich_is_imported_where_there_is_a_terminal_alone(site: Project) -> None:
    code = """
import sys, django
from django.core.management import call_command
django.setup()
call_command("defer", "executions")
sys.exit("rich" in sys.modules)
"""
    assert site.run("-c", code).strip()


def test_a_reader_that_has_enough_is_no_error(site: Project) -> None:
    done = piped(site, "list", "| head -n 1")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


def test_an_execution_is_run_and_waited_for(site: Project) -> None:
    done = piped(site, """run add --args '{"first": 2, "second": 3}' --wait 60 --json""")
    assert (done.returncode, json.loads(done.stdout)["result"]) == (0, 5)
    failed = piped(site, """run fail --args '["password=hunter2"]' --wait 60""")
    assert failed.returncode == 1
    assert "LookupError: no street password=***" in failed.stderr
    assert "hunter2" not in failed.stdout + failed.stderr


@pytest.mark.parametrize(("words", "code"), [("show 00000000", 3), ("show seven", 2), ("shwo", 2), ("list zzz", 3)])
def test_exit_codes_are_those_of_the_reference(site: Project, words: str, code: int) -> None:
    done = piped(site, words)
    assert done.returncode == code
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_tail_follows_until_ctrl_c(site: Project) -> None:
    with on_terminal(site, "tail", "--failed", "fn:fail") as shown:
        shown.wait_for("LookupError: no street Elm St")
        site.python("from tests.shop.defer import note, fail; note.note('unseen'); fail.fail('Oak Ave')")
        shown.wait_for("✕ failed tests.shop.defer.fail")
        shown.wait_for("LookupError: no street Oak Ave")
        shown.press(CTRL_C)
        assert shown.wait() == 130
        assert "Traceback" not in shown.text
        assert "note" not in shown.text


def test_watch_shows_a_tree_that_grows_until_all_has_ended(site: Project) -> None:
    id = site.python("from tests.shop.defer.labour_all import labour_all; print(labour_all('watched', 20, 0.1).id)")
    with on_terminal(site, "watch", id) as shown:
        assert shown.wait() == 0
        assert "tests.shop.defer.labour 20/20" in shown.text
        assert "━" * 10 in shown.text
        assert shown.raw.rindex(SHOWS_CURSOR) > shown.raw.rindex(HIDES_CURSOR)


def test_watch_is_left_by_ctrl_c_with_the_cursor_back_and_the_execution_goes_on(site: Project) -> None:
    id = site.python("from tests.shop.defer.stay import stay; print(stay('watched').id)")
    with on_terminal(site, "watch", id) as shown:
        shown.wait_for("started")
        shown.press(CTRL_C)
        assert shown.wait() == 130
        assert "Traceback" not in shown.text
        assert shown.raw.rindex(SHOWS_CURSOR) > shown.raw.rindex(HIDES_CURSOR)
    assert site.states("stay") == {"started": 1}
    Path(f"{site.witness.path}.watched").touch()
    lines = piped(site, f"watch {id}")
    assert lines.returncode == 0
    assert lines.stdout.splitlines()[-1].endswith(": succeeded")
