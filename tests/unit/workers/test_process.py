"""Which process is which, and whether it still lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deferapp.workers import process
from tests.waiting import wait_until

LIMIT_SECONDS = 20.0


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that goes on until it is ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        yield child
        child.kill()


def test_this_process_is_alive_and_has_one_name() -> None:
    assert process.this() == process.key(os.getpid())
    assert process.this().partition(":")[0] == str(os.getpid())
    assert process.is_alive(process.this())


def test_this_host_is_one_and_fits_its_column() -> None:
    assert process.host() == process.host()
    assert 0 < len(process.host()) <= 200


def test_a_child_is_alive_until_it_is_killed_also_before_its_parent_has_noticed(child: subprocess.Popen[bytes]) -> None:
    name = process.key(child.pid)
    assert process.is_alive(name)
    os.kill(child.pid, signal.SIGKILL)
    wait_until(lambda: not process.is_alive(name), LIMIT_SECONDS, "a zombie is dead")
    child.wait()
    assert not process.is_alive(name)


def test_a_frozen_process_is_alive(child: subprocess.Popen[bytes]) -> None:
    os.kill(child.pid, signal.SIGSTOP)
    assert process.is_alive(process.key(child.pid))


def test_another_process_with_the_same_pid_is_another(child: subprocess.Popen[bytes]) -> None:
    pid, _, started = process.key(child.pid).partition(":")
    assert not process.is_alive(f"{pid}:{int(started) - 1}")
    assert not process.is_alive(f"{pid}:0")


def test_a_process_that_had_ended_when_it_was_named_is_dead(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    assert not process.is_alive(process.key(child.pid))


def test_only_of_this_host_it_is_certain_that_a_process_has_ended(child: subprocess.Popen[bytes]) -> None:
    name = process.key(child.pid)
    assert not process.has_ended(process.host(), name)
    child.kill()
    child.wait()
    assert process.has_ended(process.host(), name)
    assert not process.has_ended("elsewhere", name)


@pytest.mark.parametrize("name", ["python (x) y", "a b) S 1 1"])
def test_a_name_with_blanks_and_brackets_does_not_confuse_it(name: str) -> None:
    rename = f"import ctypes; ctypes.CDLL(None).prctl(15, {name.encode()[:15]!r}); print('named', flush=True); input()"
    command = [sys.executable, "-c", rename]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert process.key(child.pid).partition(":")[2].isdigit()
        assert process.is_alive(process.key(child.pid))
        child.kill()


@pytest.mark.parametrize(
    ("cgroup", "counters", "expected"),
    [
        pytest.param("0::/shop/web", {"cgroup/shop/web/memory.events.local": 3, "vmstat": 9}, 3, id="a group"),
        pytest.param("0::/shop", {"cgroup/memory.events.local": 3, "vmstat": 9}, 3, id="a container, seen from inside"),
        pytest.param("4:cpu,memory:/a", {"cgroup/memory/a/memory.oom_control": 2, "vmstat": 9}, 2, id="version 1"),
        pytest.param("4:memory:/a", {"cgroup/memory/memory.oom_control": 2}, 2, id="version 1 in a container"),
        pytest.param("4:cpu:/a\n0::/", {"vmstat": 9}, 9, id="no group but the machine"),
        pytest.param("", {}, 0, id="not Linux"),
    ],
)
def test_kills_for_want_of_memory_are_those_of_this_control_group_or_else_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cgroup: str, counters: dict[str, int], expected: int
) -> None:
    monkeypatch.setattr(process, "PROC", tmp_path)
    monkeypatch.setattr(process, "CGROUPS", tmp_path / "cgroup")
    files = {"self/cgroup": cgroup} | {path: f"oom 1\noom_kill {count}\n" for path, count in counters.items()}
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert process.oom_kills() == expected
